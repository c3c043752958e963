"""Activations (values and slopes), regularizers (penalties and slopes), constraints (projected weights)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from tests.golden.reader import build, look_up, new

SEED = 7006

ACTIVATIONS: list[tuple[str, list[dict[str, Any]]]] = [
    ("celu", [{}, {"alpha": 0.5}]), ("elu", [{}, {"alpha": 0.5}]), ("exponential", [{}]),
    ("gelu", [{}, {"approximate": True}]), ("glu", [{}]), ("hard_shrink", [{}, {"threshold": 1.0}]),
    ("hard_sigmoid", [{}]), ("hard_silu", [{}]), ("hard_swish", [{}]), ("hard_tanh", [{}]),
    ("leaky_relu", [{}, {"negative_slope": 0.4}]), ("linear", [{}]), ("log_sigmoid", [{}]),
    ("log_softmax", [{}, {"axis": 0}]), ("mish", [{}]),
    ("relu", [{}, {"negative_slope": 0.1}, {"max_value": 1.0}, {"threshold": 0.5},
              {"negative_slope": 0.2, "max_value": 2.0, "threshold": -0.5}]),
    ("relu6", [{}]), ("selu", [{}]), ("sigmoid", [{}]), ("silu", [{}]), ("swish", [{}]),
    ("soft_shrink", [{}, {"threshold": 1.0}]), ("softmax", [{}, {"axis": 0}]), ("softplus", [{}]),
    ("softsign", [{}]), ("sparse_plus", [{}]), ("sparse_sigmoid", [{}]),
    # no sparsemax: the rows that Keras 3.15 gives on TensorFlow do not add up to 1
    ("squareplus", [{}, {"b": 1.0}]), ("tanh", [{}]), ("tanh_shrink", [{}]),
    ("threshold", [{"threshold": 0.5, "default_value": 0.25}]),
]  # fmt: skip
SLACK = {
    "tanh_shrink": 20.0,  # x - tanh(x): two nearly equal numbers near 0
    "mish": 4.0,
    "gelu": 4.0,
}
REGULARIZERS: list[tuple[str, dict[str, Any]]] = [
    ("L1", {}), ("L1", {"l1": 0.3}), ("L2", {}), ("L2", {"l2": 0.3}), ("L1L2", {}), ("L1L2", {"l1": 0.1, "l2": 0.2}),
    ("OrthogonalRegularizer", {}), ("OrthogonalRegularizer", {"factor": 0.5, "mode": "columns"}),
]  # fmt: skip
CONSTRAINTS: list[tuple[str, dict[str, Any]]] = [
    ("MaxNorm", {}), ("MaxNorm", {"max_value": 0.8, "axis": 1}), ("NonNeg", {}), ("UnitNorm", {}),
    ("UnitNorm", {"axis": 1}), ("UnitNorm", {"axis": [0, 1]}), ("MinMaxNorm", {}),
    ("MinMaxNorm", {"min_value": 0.5, "max_value": 1.2, "rate": 0.6, "axis": 1}),
]  # fmt: skip
ALIASES = {
    "activations": ["relu", "softmax", "gelu", "swish", "hard_sigmoid", "linear", "leaky_relu", "sparsemax"],
    "regularizers": ["l1", "l2", "L1L2", "orthogonal_regularizer"],
    "constraints": ["max_norm", "NonNeg", "unit_norm", "MinMaxNorm"],
}


def cases(keras: Any) -> Iterator[dict[str, Any]]:
    """Every case, without its answer."""
    rng = np.random.RandomState(SEED)
    inputs = {
        "matrix": (rng.randn(4, 6) * 2).astype("float32"),
        "wide": np.array([[-30, -9, -4.2, -1.3, -0.2, 0.2, 0.7, 3.6, 12, 30]], "float32"),
    }
    for name, settings in ACTIVATIONS:
        for config in settings:
            said = ",".join(f"{key}={value}" for key, value in config.items())
            for kind, x in inputs.items():
                if kind == "wide" and config.get("axis") == 0:
                    continue
                pull = rng.randn(*x.shape).astype("float32")
                pull = pull[:, : x.shape[1] // 2] if name == "glu" else pull
                setup = {"activation": name, "kwargs": config, "x": x, "pull": pull}
                yield {"id": f"{name}({said})/{kind}", "setup": setup, "slack": SLACK.get(name, 2.0)}
    weights = rng.randn(5, 4).astype("float32")
    for cls, config in REGULARIZERS:
        said = ",".join(f"{key}={value}" for key, value in config.items())
        yield {
            "id": f"{cls}({said})",
            "setup": {"regularizer": new(f"regularizers.{cls}", **config), "x": weights},
            "slack": 4.0,
        }
    for cls, config in CONSTRAINTS:
        said = ",".join(f"{key}={value}" for key, value in config.items())
        yield {
            "id": f"{cls}({said})",
            "setup": {"constraint": new(f"constraints.{cls}", **config), "x": weights},
        }
    for module, names in ALIASES.items():
        for name in names:
            yield {"id": f"{module}.get/{name}", "setup": {"module": module, "alias": name}}


def run(bridge: Any, setup: dict[str, Any]) -> dict[str, Any]:
    """Values and slopes."""
    keras = bridge.keras
    if "alias" in setup:
        module = getattr(keras, setup["module"])
        found = module.get(setup["alias"])
        return {
            "name": getattr(found, "__name__", type(found).__name__),
            "config": found.get_config() if hasattr(found, "get_config") else None,
            "saved": module.serialize(found),
        }
    if "activation" in setup:
        function = look_up(keras, f"activations.{setup['activation']}")

        def activate(x: Any) -> tuple[Any, Any]:
            y = function(x, **setup["kwargs"])
            return y, keras.ops.sum(y * keras.ops.convert_to_tensor(setup["pull"]))

        value, (slope,) = bridge.gradients(activate, [setup["x"]])
        return {"value": bridge.numpy(value), "gradient": slope}
    if "regularizer" in setup:
        regularizer = build(keras, setup["regularizer"])

        def penalise(x: Any) -> tuple[Any, Any]:
            y = regularizer(x)
            return y, y

        value, (slope,) = bridge.gradients(penalise, [setup["x"]])
        return {"value": bridge.numpy(value), "gradient": slope, "config": regularizer.get_config()}
    constraint = build(keras, setup["constraint"])
    return {
        "value": bridge.numpy(constraint(keras.ops.convert_to_tensor(setup["x"]))),
        "config": constraint.get_config(),
    }
