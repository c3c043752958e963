"""The initializers: statistics of large samples, exact values of the deterministic ones, configs.

Random streams differ between engines, so samples are compared by their statistics. With n values of deviation s, a mean
strays by s/sqrt(n) and a deviation by s/sqrt(2n); the tests allow `SIGMAS` of these, for two independent samples.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from tests.golden.reader import build, new

SEED = 7005
SIGMAS = 6.0
QUANTILES = (0.01, 0.1, 0.25, 0.5, 0.75, 0.9, 0.99)
SAMPLES = [(200, 300), (3, 3, 16, 32)]

RANDOM: list[tuple[str, dict[str, Any]]] = [
    ("RandomNormal", {}), ("RandomNormal", {"mean": 1.0, "stddev": 2.0}),
    ("RandomUniform", {}), ("RandomUniform", {"minval": -1.0, "maxval": 3.0}),
    ("TruncatedNormal", {}), ("TruncatedNormal", {"mean": 1.0, "stddev": 2.0}),
    ("VarianceScaling", {}),
    *[("VarianceScaling", {"scale": 2.0, "mode": mode, "distribution": distribution})
      for mode in ("fan_in", "fan_out", "fan_avg")
      for distribution in ("truncated_normal", "untruncated_normal", "uniform")],
    ("GlorotNormal", {}), ("GlorotUniform", {}), ("HeNormal", {}), ("HeUniform", {}),
    ("LecunNormal", {}), ("LecunUniform", {}), ("Orthogonal", {}), ("Orthogonal", {"gain": 2.0}),
]  # fmt: skip
EXACT: list[tuple[str, dict[str, Any], tuple[int, ...]]] = [
    ("Zeros", {}, (2, 3)), ("Ones", {}, (3,)), ("Constant", {}, (2,)), ("Constant", {"value": 2.5}, (2, 2)),
    ("Identity", {}, (3, 3)), ("Identity", {"gain": 2.0}, (3, 5)), ("Identity", {}, (4, 2)),
]  # fmt: skip
ALIASES = [
    "zeros", "ones", "glorot_uniform", "GlorotNormal", "he_normal", "lecun_uniform", "orthogonal", "identity",
    "random_normal", "truncated_normal", "uniform", "normal", "one", "zero", "variance_scaling",
]  # fmt: skip


def cases(keras: Any) -> Iterator[dict[str, Any]]:
    """Every case, without its answer."""
    for cls, config in RANDOM:
        said = ",".join(f"{key}={value}" for key, value in config.items())
        described = new(f"initializers.{cls}", **config, seed=11)
        for shape in SAMPLES:
            yield {"id": f"{cls}({said})/{shape}", "setup": {"initializer": described, "sample": shape}}
    for cls, config, shape in EXACT:
        said = ",".join(f"{key}={value}" for key, value in config.items())
        yield {
            "id": f"{cls}({said})/{shape}",
            "setup": {"initializer": new(f"initializers.{cls}", **config), "exact": shape},
        }
    for alias in ALIASES:
        yield {"id": f"get/{alias}", "setup": {"alias": alias}}


def statistics(sample: np.ndarray) -> dict[str, Any]:
    """The figures by which two samples are compared."""
    flat = sample.astype("float64").ravel()
    return {
        "n": flat.size, "mean": float(flat.mean()), "std": float(flat.std()), "min": float(flat.min()),
        "max": float(flat.max()), "quantiles": [float(q) for q in np.quantile(flat, QUANTILES)],
    }  # fmt: skip


def run(bridge: Any, setup: dict[str, Any]) -> dict[str, Any]:
    """Statistics or exact values, and the config."""
    keras = bridge.keras
    if "alias" in setup:
        found = keras.initializers.get(setup["alias"])
        return {"name": type(found).__name__, "config": found.get_config()}
    initializer = build(keras, setup["initializer"])
    if "exact" in setup:
        values = bridge.numpy(initializer(setup["exact"], dtype="float32"))
        return {"values": values, "config": initializer.get_config()}
    sample = bridge.numpy(initializer(setup["sample"], dtype="float32"))
    again = bridge.numpy(initializer(setup["sample"], dtype="float32"))
    return {
        "statistics": statistics(sample),
        "dtype": str(sample.dtype),
        "same_when_called_again": bool(np.array_equal(sample, again)),
        "config": initializer.get_config(),
    }
