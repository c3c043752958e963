"""Records what real Keras 3 answers to every case of ``specs/``, as ``data/<family>.json`` and ``.npz``.

    python -m tests.golden.make_golden            # every family
    python -m tests.golden.make_golden losses ops # some of them

Needs Keras 3.15, TensorFlow (any CPU build) and, for the families of `ON_JAX`, JAX, which nothing else in this
repository does. The inputs are drawn from fixed seeds, so running it again with the same versions writes the same values.
"""

from __future__ import annotations

import importlib
import io
import json
import os
import platform
import subprocess
import sys
import time
import zipfile
from typing import Any

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ["CUDA_VISIBLE_DEVICES"] = "-1"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")  # oneDNN reorders float sums; plain Eigen is easier to agree with

import keras
import numpy as np
import tensorflow as tf

from tests.golden.reader import DATA

FAMILIES = [
    "losses", "metrics", "optimizers", "schedules", "initializers", "parts", "layers", "signatures", "ops", "convolutions",
    "channels_first", "spatial_ops", "spatial_ops_jax", "images", "attention", "masks", "recurrent", "embedding",
    "embedding_training", "lookup", "gathering",
]  # fmt: skip
ON_JAX = {
    "channels_first",
    "spatial_ops_jax",
    "embedding_training",
}  # what TensorFlow cannot do alike, or not without an accelerator


class KerasBridge:
    """What `bridge.Bridge` asks of an engine, answered by Keras on TensorFlow."""

    keras = keras

    def numpy(self, value: Any) -> np.ndarray:
        return np.array(keras.ops.convert_to_numpy(value))

    def variable(self, value: np.ndarray, name: str) -> Any:
        return keras.Variable(value, name=name)

    def gradients(self, fn: Any, arrays: list[np.ndarray], weights: Any = ()) -> tuple[Any, list[np.ndarray]]:
        tensors = [tf.convert_to_tensor(array) for array in arrays]
        watched = [*tensors, *(weight.value for weight in weights)]
        with tf.GradientTape(watch_accessed_variables=True) as tape:
            for item in watched:
                tape.watch(item)
            value, aim = fn(*tensors)
        slopes = tape.gradient(aim, watched, unconnected_gradients=tf.UnconnectedGradients.ZERO)
        return value, [self.numpy(slope) for slope in slopes]


class JaxBridge(KerasBridge):
    """The same answers by Keras on JAX, where weights are arguments of the function whose gradient is taken."""

    def gradients(self, fn: Any, arrays: list[np.ndarray], weights: Any = ()) -> tuple[Any, list[np.ndarray]]:
        import jax

        def aim_of(given: list[Any], values: list[Any]) -> Any:
            with keras.StatelessScope(state_mapping=list(zip(weights, values, strict=True))):
                value, aim = fn(*given)
            return aim, value

        inputs, values = [jax.numpy.asarray(array) for array in arrays], [weight.value for weight in weights]
        (_, value), slopes = jax.value_and_grad(aim_of, argnums=(0, 1), has_aux=True)(inputs, values)
        return value, [self.numpy(slope) for slope in (*slopes[0], *slopes[1])]


class Writer:
    """Turns values into JSON, keeping arrays apart in one flat buffer per dtype (equal arrays once)."""

    def __init__(self) -> None:
        self.buffers: dict[str, list[np.ndarray]] = {}
        self.sizes: dict[str, int] = {}
        self.known: dict[tuple[str, bytes], int] = {}

    def encode(self, value: Any) -> Any:
        if isinstance(value, dict):
            return {str(key): self.encode(item) for key, item in value.items()}
        if isinstance(value, tuple):
            return {"$tuple": [self.encode(item) for item in value]}
        if isinstance(value, list):
            return [self.encode(item) for item in value]
        if isinstance(value, slice):
            return {"$slice": [value.start, value.stop, value.step]}
        if isinstance(value, np.ndarray):
            return {"$array": [str(value.dtype), list(value.shape), self._place(value)]}
        if isinstance(value, np.generic):
            return self.encode(np.asarray(value))
        if value is None or isinstance(value, (bool, int, float, str)):
            return value
        raise TypeError(f"no way to record {type(value)}: {value!r}")

    def _place(self, array: np.ndarray) -> int:
        dtype, flat = str(array.dtype), np.ascontiguousarray(array).reshape(-1)
        key = (dtype, flat.tobytes())
        if key not in self.known:
            self.known[key] = self.sizes.get(dtype, 0)
            self.buffers.setdefault(dtype, []).append(flat)
            self.sizes[dtype] = self.known[key] + flat.size
        return self.known[key]

    def save(self, name: str, lines: list[str], made_with: dict[str, str]) -> int:
        DATA.mkdir(exist_ok=True)
        text = "{\n" + f'"made_with": {json.dumps(made_with)},\n"cases": [\n' + ",\n".join(lines) + "\n]\n}\n"
        (DATA / f"{name}.json").write_text(text, encoding="utf-8")
        with zipfile.ZipFile(DATA / f"{name}.npz", "w", zipfile.ZIP_DEFLATED) as archive:
            for dtype, pieces in sorted(self.buffers.items()):
                out = io.BytesIO()
                np.lib.format.write_array(out, np.concatenate(pieces), allow_pickle=False)
                # a fixed date: the same values give the same file
                archive.writestr(zipfile.ZipInfo(f"{dtype}.npy"), out.getvalue(), zipfile.ZIP_DEFLATED)
        return sum((DATA / f"{name}.{kind}").stat().st_size for kind in ("json", "npz"))


def _engine() -> str:
    """The engine under Keras, with its version."""
    name = keras.backend.backend()
    return f"{name} {importlib.import_module(name).__version__}"


def record(name: str) -> None:
    """Runs every case of a family on Keras and writes the answers."""
    began = time.time()
    spec = importlib.import_module(f"tests.golden.specs.{name}")
    bridge: KerasBridge = JaxBridge() if name in ON_JAX else KerasBridge()
    writer, lines, seen = Writer(), [], set()
    refused: list[str] = []
    for case in spec.cases(keras):
        if case["id"] in seen:
            raise ValueError(f"two cases named {case['id']}")
        seen.add(case["id"])
        keras.utils.set_random_seed(spec.SEED)
        try:
            expected = spec.run(bridge, case["setup"])
        except Exception as error:  # told all at once below
            refused.append(f"{case['id']}: {type(error).__name__}: {str(error).splitlines()[0][:150]}")
            continue
        if name == "ops" and "op" not in case["setup"]:
            expected = {pair: dtype for pair, dtype in expected.items() if dtype != "refused"}
        line = {**case, "expected": expected}
        lines.append(json.dumps(writer.encode(line), separators=(",", ":")))
    if refused:
        raise SystemExit(f"{name}: Keras refuses\n  " + "\n  ".join(refused))
    made_with = {
        "keras": keras.__version__,
        "backend": _engine(),
        "numpy": np.__version__,
        "python": platform.python_version(),
        "seed": str(spec.SEED),
    }
    size = writer.save(name, lines, made_with)
    print(f"{name}: {len(lines)} cases, {size / 1024:.0f} KiB, {time.time() - began:.1f} s", flush=True)


if __name__ == "__main__":
    for chosen in sys.argv[1:] or FAMILIES:
        engine = "jax" if chosen in ON_JAX else "tensorflow"
        if keras.backend.backend() == engine:
            record(chosen)
        else:  # an engine is chosen once for a process
            again = [sys.executable, "-m", "tests.golden.make_golden", chosen]
            subprocess.run(again, env={**os.environ, "KERAS_BACKEND": engine}, check=True)
