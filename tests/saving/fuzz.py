"""Mutated model files: whatever is in a file, loading it gives a model or one of our own errors.

    python tests/saving/fuzz.py --calls 10000 --seed 0

Each call takes one of the seed models (dense, convolutional, recurrent with a vocabulary, functional with ops, weights
alone, whole-model HDF5), damages its file in one of these ways and loads it:

    zip     bits of the archive, its table, its names, its flags; members doubled, cut, added, swapped
    json    values of the configuration: other types, numbers without measure, other classes, parts moved or nested
    text    bytes of the configuration
    bytes   bytes of the HDF5 file, mostly where its structure is
    tree    the HDF5 file written anew with links, strange types, other shapes, things missing or too many

A call may return a model or raise an error of the `NeuronaError` tree. Anything else (another exception, a crash, more
than `--seconds` for one file, memory beyond `--megabytes`, a file opened besides the model's) ends the run with the
number of the call, and `--seed` with `--only` brings it back. Each piece of the run is a process of its own.
"""

from __future__ import annotations

import argparse
import io
import itertools
import json
import os
import signal
import struct
import sys
import tempfile
import time
import traceback
import warnings
import zipfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np

import neurona as keras
from neurona import layers
from neurona.errors import NeuronaError

Rng = np.random.Generator
MEMBERS = ("metadata.json", "config.json", "model.weights.h5")


# -- the seed models ---------------------------------------------------------------------------------------------


def dense() -> Any:
    model = keras.Sequential(
        [layers.Input((4,)), layers.Dense(3, "relu", kernel_regularizer="l2"), layers.Dropout(0.2), layers.Dense(1)]
    )
    model.compile("adam", "mse", metrics=["mae"])
    model.fit(np.ones((4, 4), "float32"), np.ones((4, 1), "float32"), verbose=0)
    return model


def convolutional() -> Any:
    return keras.Sequential(
        [
            layers.Input((6, 6, 1)), layers.Conv2D(2, 3, padding="same"), layers.BatchNormalization(), layers.MaxPooling2D(),
            layers.UpSampling2D(), layers.Conv2DTranspose(2, 3, strides=2), layers.Flatten(), layers.Dense(2, "softmax"),
        ]
    )  # fmt: skip


def recurrent() -> Any:
    words = layers.TextVectorization(output_sequence_length=4, vocabulary=["good", "bad", "film"])
    return keras.Sequential(
        [
            layers.Input((1,), dtype="string"), words, layers.Embedding(5, 3, mask_zero=True),
            layers.Bidirectional(layers.LSTM(2)), layers.Dense(1, "sigmoid"),
        ]
    )  # fmt: skip


def functional() -> Any:
    a, b = layers.Input((4,), name="a"), layers.Input((4,), name="b")
    shared = layers.Dense(4, name="shared")
    x = keras.ops.add(shared(a), shared(b)) * 2.0
    x = keras.ops.concatenate([x, keras.ops.relu(x)[:, 1:3]], axis=-1)
    inner = keras.Sequential([layers.Input((6,)), layers.Dense(3)], name="inner")
    y = inner(x)
    model = keras.Model({"a": a, "b": b}, [y, layers.Dense(2, name="z")(layers.Concatenate()([y, x]))])
    model.compile(keras.optimizers.SGD(keras.optimizers.schedules.ExponentialDecay(0.1, 10, 0.9)), ["mse", "mse"])
    return model


def legacy(path: Path) -> bool:
    """A whole-model HDF5 file as Keras 2 lays it out."""
    config = {
        "class_name": "Sequential",
        "config": {
            "name": "old",
            "layers": [
                {"class_name": "InputLayer", "config": {"batch_input_shape": [None, 4], "dtype": "float32", "name": "i"}},
                {"class_name": "Dense", "config": {"name": "dense", "units": 3, "activation": "relu", "use_bias": True}},
                {"class_name": "Dense", "config": {"name": "dense_1", "units": 1, "activation": "linear"}},
            ],
        },
    }  # fmt: skip
    with h5py.File(path, "w") as file:
        file.attrs["keras_version"], file.attrs["backend"] = "2.15.0", "tensorflow"
        file.attrs["model_config"] = json.dumps(config)
        weights = file.create_group("model_weights")
        weights.attrs["layer_names"] = [b"dense", b"dense_1"]
        weights.attrs["keras_version"], weights.attrs["backend"] = b"2.15.0", b"tensorflow"
        for name, shape in (("dense", (4, 3)), ("dense_1", (3, 1))):
            group = weights.create_group(name)
            group.attrs["weight_names"] = [f"{name}/kernel:0".encode(), f"{name}/bias:0".encode()]
            group[f"{name}/kernel:0"] = np.ones(shape, "float32")
            group[f"{name}/bias:0"] = np.ones(shape[1:], "float32")
    return True


class Seeds:
    """The bytes of every seed, and the models whose weights are loaded anew."""

    def __init__(self, folder: Path) -> None:
        keras.utils.set_random_seed(0)
        self.files: dict[str, bytes] = {}
        makers: dict[str, Callable[[], Any]] = {
            "dense": dense, "convolutional": convolutional, "recurrent": recurrent, "functional": functional
        }  # fmt: skip
        for name, make in makers.items():
            model = make()
            model.save(folder / "seed.keras")
            self.files[name] = (folder / "seed.keras").read_bytes()
        self.model = dense()
        self.model.save_weights(folder / "seed.weights.h5")
        self.files["weights"] = (folder / "seed.weights.h5").read_bytes()
        legacy(folder / "seed.h5")
        self.files["legacy"] = (folder / "seed.h5").read_bytes()
        self.before = self.model.get_weights()
        self.names = list(self.files)


def members_of(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def zipped(members: dict[str, bytes], method: int = zipfile.ZIP_STORED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return buffer.getvalue()


# -- bytes -------------------------------------------------------------------------------------------------------

NUMBERS = [
    0,
    1,
    2,
    7,
    8,
    16,
    24,
    40,
    48,
    96,
    136,
    255,
    256,
    2**15,
    2**16 - 1,
    2**31 - 1,
    2**31,
    2**32 - 1,
    2**40,
    2**63,
    2**64 - 1,
]


def damage_bytes(rng: Rng, data: bytes, places: list[int] | None = None, most: int = 4) -> bytes:
    """Some bytes changed; near the `places` if there are any."""
    found = bytearray(data)
    for _ in range(int(rng.integers(1, most))):
        at = int(rng.integers(len(found))) if found else 0
        if places and rng.random() < 0.75:
            at = min(len(found) - 1, places[int(rng.integers(len(places)))] + int(rng.integers(0, 96)))
        kind = rng.random()
        if not found:
            break
        if kind < 0.35:
            found[at] ^= 1 << int(rng.integers(8))
        elif kind < 0.5:
            found[at] = int(rng.integers(256))
        elif kind < 0.75:
            width = int(rng.choice([1, 2, 4, 8]))
            at -= at % width
            number = NUMBERS[int(rng.integers(len(NUMBERS)))] if rng.random() < 0.7 else int(rng.integers(len(data)))
            found[at : at + width] = (number % 256**width).to_bytes(width, "little")
        elif kind < 0.9:
            other, length = int(rng.integers(len(found))), int(rng.choice([1, 4, 8, 16, 40]))
            found[at : at + length] = found[other : other + length]
        elif kind < 0.95:
            del found[at:]
        else:
            del found[at : at + int(rng.integers(1, 64))]
    return bytes(found)


def structure_of(data: bytes) -> list[int]:
    """Where an HDF5 file describes itself."""
    places = [0]
    for signature in (
        b"TREE",
        b"SNOD",
        b"HEAP",
        b"GCOL",
        b"\x01\x00\x06\x00",
        b"\x01\x00\x01\x00",
        b"\x01\x00\x02\x00",
    ):
        at = data.find(signature)
        while at >= 0:
            places.append(at)
            at = data.find(signature, at + 1)
    return places


# -- zip ---------------------------------------------------------------------------------------------------------


def damage_zip(rng: Rng, data: bytes) -> bytes:
    kind = int(rng.integers(9))
    members = members_of(data)
    names = list(members)
    if kind == 0:
        return damage_bytes(rng, data)
    if kind == 1:  # the table and what stands before the members
        places, at = [len(data) - 22], data.find(b"PK")
        while at >= 0:
            places.append(at)
            at = data.find(b"PK", at + 1)
        found = damage_bytes(rng, data, places)
        return found
    if kind == 2:  # something before, between or behind
        cut = int(rng.choice([0, len(data), int(rng.integers(len(data)))]))
        return data[:cut] + bytes(rng.integers(0, 256, int(rng.integers(1, 40)), dtype=np.uint8)) + data[cut:]
    if kind == 3:  # twice the same name, or a strange one
        extra = str(
            rng.choice([*names, "assets/../x", "/etc/passwd", "assets/a/../../b", "..\\x", "CONFIG.JSON", "x.py"])
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            buffer = io.BytesIO()
            with zipfile.ZipFile(buffer, "w") as archive:
                for name, content in members.items():
                    archive.writestr(name, content)
                archive.writestr(extra, members[names[int(rng.integers(len(names)))]])
        return buffer.getvalue()
    if kind == 4:  # a member less, or empty, or of another
        name = names[int(rng.integers(len(names)))]
        if rng.random() < 0.3:
            del members[name]
        else:
            members[name] = b"" if rng.random() < 0.4 else members[names[int(rng.integers(len(names)))]]
        return zipped(members)
    if kind == 5:  # a link
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            for name, content in members.items():
                entry = zipfile.ZipInfo(name)
                entry.create_system = 3
                entry.external_attr = int(rng.choice([0o120777, 0o100644, 0o060644])) << 16
                archive.writestr(entry, content)
        return buffer.getvalue()
    if kind == 6:  # deflated, with lies about it
        return damage_bytes(rng, zipped(members, zipfile.ZIP_DEFLATED), most=3)
    if kind == 7:  # much from little
        name = str(rng.choice([*names, "assets/zeros"]))
        members[name] = bytes(
            int(rng.choice([1 << 12, 1 << 16, 1 << 20, 1 << 22, 70 << 20], p=[0.3, 0.3, 0.2, 0.18, 0.02]))
        )
        return zipped(members, zipfile.ZIP_DEFLATED)
    wide = bytearray(data)  # sizes in the table that are not those before the member
    at = data.find(b"PK\1\2")
    struct.pack_into("<I", wide, at + int(rng.choice([16, 20, 24, 42])), int(rng.integers(2**32)))
    return bytes(wide)


# -- configurations ----------------------------------------------------------------------------------------------

STRANGE: list[Any] = [
    None, True, False, 0, 1, -1, 2, 3, 7, 10**3, 10**6, 10**9, 10**12, 2**31, 2**63, 2**64, 10**30, -(10**9), 0.5, -0.5,
    1e30, 1e308, float("nan"), float("inf"), "", "relu", "float16", "float64", "int8", "string", "bool", "x" * 300,
    "/etc/passwd", "../../x", "file:///etc/passwd", "os.system", "__import__('os').system('id')", "\0", "\ud800", [], {},
    [[]], [None], [10**9, 10**9], [10**5, 10**5], [1, 2, 3], [-1, -1], [None, 10**10], "same", "channels_first",
    {"class_name": "__lambda__", "config": {"code": "4wEAAAA=", "defaults": None, "closure": None}},
    {"class_name": "function", "config": "system", "module": "os", "registered_name": "function"},
    {"class_name": "function", "config": "load_model", "module": "keras.saving", "registered_name": "function"},
    {"class_name": "Lambda", "module": "keras.layers", "config": {"function": "os.system"}, "registered_name": None},
    {"class_name": "Popen", "module": "subprocess", "config": {"args": "id"}, "registered_name": None},
    {"class_name": "__tensor__", "config": {"value": [1.0, [2.0]], "dtype": "float32"}},
    {"class_name": "__numpy__", "config": {"value": ["a"], "dtype": "object"}},
    {"class_name": "__numpy__", "config": {"value": 1, "dtype": "V1000000000000"}},
    {"class_name": "__tuple__", "items": [1, 2]}, {"class_name": "__slice__", "config": {"start": 0}},
    {"class_name": "__keras_tensor__", "config": {"shape": [10**6, 10**6], "dtype": "float32"}},
    {"class_name": "__keras_tensor__", "config": {"keras_history": ["shared", 5, 0]}},
    {"class_name": "__bytes__", "config": {}},
]  # fmt: skip
KEYS = [
    "units", "function", "vocabulary", "shape", "batch_shape", "name", "layers", "cell", "layer", "axis", "dtype", "config",
    "class_name", "module", "registered_name", "trainable", "activation", "initializer", "kernel_initializer", "build_config",
    "compile_config", "input_layers", "output_layers", "inbound_nodes", "file", "path", "custom_objects", "data_format",
]  # fmt: skip


def spots(config: Any, found: list[tuple[Any, Any]] | None = None) -> list[tuple[Any, Any]]:
    """Every place in a nested structure: what holds it, and under which key."""
    found = [] if found is None else found
    for key, value in list(config.items()) if isinstance(config, dict) else enumerate(config):
        found.append((config, key))
        if isinstance(value, (dict, list)):
            spots(value, found)
    return found


def damage_config(rng: Rng, config: Any, classes: list[tuple[str, str]]) -> Any:
    for _ in range(int(rng.integers(1, 4))):
        places = spots(config)
        if not places:
            return config
        holder, key = places[int(rng.integers(len(places)))]
        other, its = places[int(rng.integers(len(places)))]
        kind = rng.random()
        if kind < 0.4:
            holder[key] = json.loads(json.dumps(STRANGE[int(rng.integers(len(STRANGE)))]))
        elif kind < 0.5:
            if isinstance(holder, dict) or len(holder) > 0:
                del holder[key]
        elif kind < 0.6:
            holder[key] = json.loads(json.dumps(other[its]))
        elif kind < 0.72:  # another class, of those that are known
            named = [h for h, k in places if k == "class_name"]
            if named:
                chosen = named[int(rng.integers(len(named)))]
                chosen["module"], chosen["class_name"] = classes[int(rng.integers(len(classes)))]
        elif kind < 0.82:  # a setting more
            inner = [h for h, k in places if isinstance(h, dict)]
            if inner:
                value = STRANGE[int(rng.integers(len(STRANGE)))]
                inner[int(rng.integers(len(inner)))][KEYS[int(rng.integers(len(KEYS)))]] = json.loads(json.dumps(value))
        elif kind < 0.94:  # a number, larger
            numbers = [(h, k) for h, k in places if type(h[k]) in (int, float)]
            if numbers:
                h, k = numbers[int(rng.integers(len(numbers)))]
                h[k] = h[k] * int(rng.choice([-1, 2, 100, 10**6, 10**12])) + int(rng.choice([-1, 0, 1]))
        else:
            deep: Any = holder[key]
            for _ in range(int(rng.choice([3, 40, 150, 400]))):
                deep = [deep] if rng.random() < 0.5 else {"class_name": "__tuple__", "items": [deep]}
            holder[key] = deep
    return config


# -- HDF5 --------------------------------------------------------------------------------------------------------


def damage_tree(rng: Rng, data: bytes) -> bytes:
    """The file with some of its objects replaced."""
    buffer = io.BytesIO(data)
    with h5py.File(buffer, "r+") as file:
        for _ in range(int(rng.integers(1, 3))):
            names: list[str] = []
            file.visit(names.append)
            if not names:
                break
            arrays = [n for n in names if isinstance(file.get(n), h5py.Dataset)]
            name = str(rng.choice(arrays if arrays and rng.random() < 0.7 else names))
            kind = int(rng.integers(12))
            old = file[name]
            shape = old.shape if isinstance(old, h5py.Dataset) else (2,)
            if kind != 11:
                del file[name]
            if kind == 0:
                file[name] = h5py.SoftLink(str(rng.choice(["/", "/layers", names[0], name])))
            elif kind == 1:
                file[name] = h5py.ExternalLink(str(rng.choice(["/etc/passwd", "seed.weights.h5", ""])), "/x")
            elif kind == 2:
                file[name] = file["/"] if rng.random() < 0.3 else file[names[0]] if names[0] in file else file["/"]
            elif kind == 3:
                file.create_dataset(name, shape, "float32", external=[("/etc/passwd", 0, h5py.h5f.UNLIMITED)])
            elif kind == 4:
                layout = h5py.VirtualLayout(shape, "float32")
                if shape:
                    layout[:] = h5py.VirtualSource("/etc/passwd", "x", shape)
                file.create_dataset(name, data=np.ones(shape)) if not shape else file.create_virtual_dataset(
                    name, layout
                )
            elif kind == 5:
                file.create_dataset(name, (1 << int(rng.integers(20, 62)),), "float32", chunks=(1024,))
            elif kind == 6:
                strange = str(
                    rng.choice(["float16", "float64", "int8", "uint64", ">f4", "bool", "S5", "complex64", "f4,i4"])
                )
                file.create_dataset(name, data=np.zeros(shape, strange))
            elif kind == 7:
                file.create_dataset(
                    name, data=np.zeros([int(n) for n in rng.integers(0, 5, int(rng.integers(4)))], "float32")
                )
            elif kind == 8:
                size = [int(n) for n in rng.integers(1, 40, 2)]
                file.create_dataset(name, data=np.ones(size), chunks=(3, 2), compression="gzip", shuffle=True)
            elif kind == 9:
                file.create_group(name).attrs["name"] = ["a", "b"]
            elif kind == 10:
                file.create_dataset(name, data=["text", "more"], dtype=h5py.string_dtype())
            else:
                old.attrs[str(rng.choice(["name", "dtype", "layer_names", "weight_names", "model_config"]))] = (
                    rng.choice(np.array(["bfloat16", "x", 3, 2.5, None, "{" * 300], object)) or h5py.Empty("f")
                )
    return buffer.getvalue()


# -- one call ----------------------------------------------------------------------------------------------------


class Fuzz:
    """Makes the file of each call, and loads it."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.folder, self.seed = folder, seed
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self.seeds = Seeds(folder)
        keras.load_exporters()
        from neurona import registry

        self.classes = sorted(
            {(module, name) for module, names in registry._exports.items() for name in names if name[:1].isupper()}
        )
        self.structures = {
            name: structure_of(data if name in ("weights", "legacy") else members_of(data)["model.weights.h5"])
            for name, data in self.seeds.files.items()
        }

    def make(self, call: int) -> tuple[str, str, bytes]:
        """Seed, way and bytes of a call."""
        for attempt in itertools.count():
            try:
                return self._make(np.random.default_rng([self.seed, call, attempt]))
            except (ValueError, TypeError, KeyError, RuntimeError, OSError, RecursionError, MemoryError):
                continue  # not every damage can be done by h5py
        raise AssertionError

    def _make(self, rng: Rng) -> tuple[str, str, bytes]:
        name = str(rng.choice(self.seeds.names, p=[0.2, 0.12, 0.12, 0.13, 0.28, 0.15]))
        data = self.seeds.files[name]
        plain = name in ("weights", "legacy")
        way = str(
            rng.choice(["bytes", "tree", "json"] if plain else ["zip", "json", "json", "json", "text", "bytes", "tree"])
        )
        if name == "weights" and way == "json":
            way = "bytes"
        if way == "zip":
            return name, way, damage_zip(rng, data)
        if way in ("json", "text"):
            if plain:
                return name, way, self._with_config(rng, data)
            members = members_of(data)
            if way == "text":
                which = "config.json" if rng.random() < 0.9 else str(rng.choice(list(members)))
                members[which] = damage_bytes(rng, members[which])
            else:
                config = damage_config(rng, json.loads(members["config.json"]), self.classes)
                members["config.json"] = json.dumps(config).encode("utf-8", "surrogatepass")
            return name, way, zipped(members)
        weights = data if plain else members_of(data)["model.weights.h5"]
        damaged = damage_bytes(rng, weights, self.structures[name], 6) if way == "bytes" else damage_tree(rng, weights)
        return name, way, damaged if plain else zipped({**members_of(data), "model.weights.h5": damaged})

    def _with_config(self, rng: Rng, data: bytes) -> bytes:
        buffer = io.BytesIO(data)
        with h5py.File(buffer, "r+") as file:
            config = damage_config(rng, json.loads(file.attrs["model_config"]), self.classes)
            text = json.dumps(config)
            file.attrs["model_config"] = text.replace("\\u0000", "").replace("\\ud800", "")
        return buffer.getvalue()

    def load(self, name: str, data: bytes) -> str:
        """Load a file; the outcome in a word."""
        ending = {"weights": ".weights.h5", "legacy": ".h5"}.get(name, ".keras")
        path = self.folder / f"mutated{ending}"
        path.write_bytes(data)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                if name == "weights":
                    self.seeds.model.load_weights(path)
                else:
                    keras.models.load_model(path)
        except NeuronaError as error:
            if name == "weights" and any(
                not np.array_equal(a, b) for a, b in zip(self.seeds.before, self.seeds.model.get_weights(), strict=True)
            ):
                raise AssertionError("the model was changed by a file that was refused") from error
            return type(error).__name__
        finally:
            if name == "weights":
                self.seeds.model.set_weights(self.seeds.before)
            keras.utils.clear_session()
        return "loaded"


class Hang(BaseException):
    """A file took too long."""


def watch(folder: Path) -> tuple[Callable[[], None], Callable[[], list[str]]]:
    """Note whatever is opened, run or looked up outside the folder: ``start()``, and ``stop()`` with the findings."""
    seen: list[str] = []
    active = [False]
    allowed = (str(folder), sys.prefix, sys.base_prefix, str(Path(keras.__file__).parent))

    def hook(event: str, args: tuple[Any, ...]) -> None:
        if not active[0]:
            return
        if event == "open" and isinstance(args[0], (str, bytes)):
            where = os.fsdecode(args[0])
            writes = isinstance(args[1], str) and set(args[1]) & set("wax+")
            if not where.startswith(allowed) or (writes and not where.startswith(str(folder))):
                seen.append(f"open {where}")
        elif event in ("os.system", "subprocess.Popen", "os.exec", "os.posix_spawn", "socket.connect", "pickle.find_class",
                       "marshal.loads", "ctypes.dlopen", "os.fork", "os.remove", "os.rename", "os.symlink"):  # fmt: skip
            seen.append(f"{event} {args!r}"[:200])
        elif event == "compile" and args[0] is not None and args[1] in (None, "<string>", "<unknown>"):
            seen.append(f"compile {args[0]!r}"[:200])

    sys.addaudithook(hook)

    def start() -> None:
        seen.clear()
        active[0] = True

    def stop() -> list[str]:
        active[0] = False
        return sorted(set(seen))

    return start, stop


def run(first: int, stop: int, step: int, seed: int, seconds: int, megabytes: int, report: Any) -> None:
    """Some calls, in this process; ends it with status 1 at the first failure."""
    import resource

    def late(*_: Any) -> None:
        raise Hang

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        fuzz = Fuzz(folder, seed)
        start, finish = watch(folder)
        for call in range(min(first, 5)):  # what is imported at first use is not the file's doing
            fuzz.load(fuzz.seeds.names[call], fuzz.seeds.files[fuzz.seeds.names[call]])
        for seed_name in fuzz.seeds.names:
            outcome = fuzz.load(seed_name, fuzz.seeds.files[seed_name])
            if outcome != "loaded":
                print(f"the seed {seed_name} itself: {outcome}", file=report, flush=True)
        used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (used + (megabytes << 20),) * 2)
        signal.signal(signal.SIGALRM, late)
        counts: Counter[str] = Counter()
        slowest = (0.0, -1)
        for call in range(first, stop, step):
            Path(name, "call").write_text(str(call))
            print(f"at {call}", file=report, flush=True)
            seed_name, way, data = fuzz.make(call)
            begun = time.perf_counter()
            start()
            signal.alarm(seconds)
            trouble: str | None = None
            try:
                outcome = fuzz.load(seed_name, data)
            except BaseException as error:
                signal.alarm(0)
                finish()
                trouble = (f"more than {seconds} s\n" if isinstance(error, Hang) else "") + traceback.format_exc()
            signal.alarm(0)
            opened = finish()
            if opened:
                trouble = f"forbidden: {opened}\n{trouble or ''}"
            if trouble:
                print(f"FAILED call {call} ({seed_name}, {way}): {trouble}", file=report, flush=True)
                counts["FAILED"] += 1
            else:
                counts[f"{seed_name} {way} {outcome}"] += 1
            slowest = max(slowest, (time.perf_counter() - begun, call))
        print(f"slowest {slowest[0]:.2f} s at call {slowest[1]}", file=report)
        print(json.dumps(counts), file=report, flush=True)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--calls", type=int, default=1000)
    parser.add_argument("--start", type=int, default=0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", type=int, help="this one call alone")
    parser.add_argument("--piece", type=int, default=2000, help="calls of one process")
    parser.add_argument("--seconds", type=int, default=20, help="for one file")
    parser.add_argument("--megabytes", type=int, default=1024, help="of memory, beyond what the seeds take")
    given = parser.parse_args(arguments)
    if given.only is not None:
        run(given.only, given.only + 1, 1, given.seed, given.seconds, given.megabytes, sys.stdout)
        return 0
    total: Counter[str] = Counter()
    failures = 0
    stop = given.start + given.calls
    first = given.start
    while first < stop:
        last = min(stop, first + given.piece)
        read, write = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(read)
            with os.fdopen(write, "w") as report:
                run(first, last, 1, given.seed, given.seconds, given.megabytes, report)
            os._exit(0)
        os.close(write)
        at = first
        with os.fdopen(read) as lines:
            for line in lines:
                if line.startswith("at "):
                    at = int(line[3:])
                elif line.startswith("{"):
                    total.update(json.loads(line))
                else:
                    failures += line.startswith("FAILED")
                    print(line, end="", flush=True)
        status = os.waitpid(child, 0)[1]
        if status:
            failures += 1
            print(f"FAILED call {at}: the process ended with status {status}", flush=True)
            last = at + 1
        first = last
    outcomes: Counter[str] = Counter()
    for key, count in sorted(total.items()):
        print(f"{count:8d}  {key}")
        outcomes[key.split()[-1]] += count
    print(f"{sum(total.values())} calls, {failures} failures; {dict(outcomes)}")
    return 1 if failures else 0


if __name__ == "__main__":
    raise SystemExit(main())
