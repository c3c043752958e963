"""The optimizers: the weights after 1, 2, 10 and 100 steps of given gradients, for every class and option.

The gradients are not stored: step t's are drawn from ``RandomState(SEED + t)``, so both sides draw the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from tests.golden.reader import build, new

SEED = 7004
SHAPES = {"kernel": (3, 4), "bias": (4,)}
STOPS = (1, 2, 10, 100)

COMMON: list[dict[str, Any]] = [
    {"clipnorm": 0.5}, {"clipvalue": 0.3}, {"global_clipnorm": 0.7}, {"weight_decay": 0.05},
    {"use_ema": True, "ema_momentum": 0.9}, {"use_ema": True, "ema_momentum": 0.8, "ema_overwrite_frequency": 3},
    {"gradient_accumulation_steps": 4}, {"loss_scale_factor": 8.0},
    {"learning_rate": new("optimizers.schedules.ExponentialDecay",
                          initial_learning_rate=0.05, decay_steps=10, decay_rate=0.5)},
    {"use_ema": True, "ema_momentum": 0.9, "gradient_accumulation_steps": 3, "clipnorm": 1.0, "weight_decay": 0.01},
]  # fmt: skip

TABLE: dict[str, list[dict[str, Any]]] = {
    "SGD": [{}, {"momentum": 0.9}, {"momentum": 0.9, "nesterov": True}, {"learning_rate": 0.1, "momentum": 0.5}],
    "RMSprop": [{}, {"momentum": 0.9}, {"centered": True}, {"centered": True, "momentum": 0.5, "rho": 0.8, "epsilon": 1e-4}],
    "Adagrad": [{}, {"learning_rate": 0.1, "initial_accumulator_value": 0.5, "epsilon": 1e-5}],
    "Adadelta": [{}, {"learning_rate": 1.0, "rho": 0.8, "epsilon": 1e-5}],
    "Adam": [{}, {"amsgrad": True}, {"learning_rate": 0.01, "beta_1": 0.8, "beta_2": 0.9, "epsilon": 1e-4}],
    "AdamW": [{}, {"weight_decay": 0.1, "learning_rate": 0.01}, {"amsgrad": True, "weight_decay": 0.1}],
    "Adamax": [{}, {"learning_rate": 0.01, "beta_1": 0.8, "beta_2": 0.9, "epsilon": 1e-4}],
    "Nadam": [{}, {"learning_rate": 0.01, "beta_1": 0.8, "beta_2": 0.9, "epsilon": 1e-4}],
    "Ftrl": [{}, {"learning_rate": 0.1, "l1_regularization_strength": 0.02, "l2_regularization_strength": 0.1,
                  "l2_shrinkage_regularization_strength": 0.05, "beta": 0.3},
             {"learning_rate": 0.1, "learning_rate_power": -0.7, "initial_accumulator_value": 0.4}],
    "Lion": [{}, {"learning_rate": 0.01, "beta_1": 0.8, "beta_2": 0.95}],
    "Lamb": [{}, {"learning_rate": 0.01, "beta_1": 0.8, "beta_2": 0.9, "epsilon": 1e-4}],
    "Muon": [{}, {"learning_rate": 0.02, "momentum": 0.8, "nesterov": False, "ns_steps": 4},
             {"weight_decay": 0.1, "rms_rate": None}, {"exclude_layers": ["kernel"]}],
    "Adafactor": [{}, {"learning_rate": 0.1, "relative_step": False, "clip_threshold": 0.7},
                  {"beta_2_decay": -0.6, "epsilon_1": 1e-8, "epsilon_2": 1e-2}],
}  # fmt: skip
# every option for these; for the others the last combination only: the options live in the base class
WITH_ALL_OPTIONS = ("SGD", "Adam", "Muon")
SLACK = {
    # 100 steps each round once or more; for the others 4 covers it (Keras on PyTorch strays by 2.7)
    "Muon": 50.0,  # five Newton-Schulz steps with coefficients near 5 on an orthogonalised matrix, each step
    "Adadelta": 5.0,  # the step is a ratio of two roots near epsilon
    "Adafactor": 5.0,  # root means of ratios
    "Lamb": 5.0,  # ratio of norms
    "RMSprop": 5.0,  # centered: a difference of two nearly equal averages under a root
    "Ftrl": 5.0,
}
ALIASES = [
    "sgd",
    "SGD",
    "rmsprop",
    "adam",
    "adamw",
    "adadelta",
    "adagrad",
    "adamax",
    "nadam",
    "ftrl",
    "lion",
    "muon",
]


def start() -> dict[str, np.ndarray]:
    """The weights before the first step."""
    rng = np.random.RandomState(SEED)
    return {name: rng.randn(*shape).astype("float32") for name, shape in SHAPES.items()}


def slopes(step: int) -> list[np.ndarray]:
    """The gradients of one step: standard normal, twice as large every third step."""
    rng = np.random.RandomState(SEED + step)
    scale = 2.0 if step % 3 == 0 else 1.0
    return [(scale * rng.standard_normal(shape)).astype("float32") for shape in SHAPES.values()]


def cases(keras: Any) -> Iterator[dict[str, Any]]:
    """Every case, without its answer."""
    for cls, own in TABLE.items():
        options = COMMON if cls in WITH_ALL_OPTIONS else COMMON[-1:]
        for config in [*own, *options]:
            rate = config.get("learning_rate")
            said = {**config, "learning_rate": "schedule"} if isinstance(rate, dict) else config
            text = ",".join(f"{key}={value}" for key, value in said.items())
            setup = {"optimizer": new(f"optimizers.{cls}", **config)}
            yield {"id": f"{cls}({text})", "setup": setup, "slack": SLACK.get(cls, 4.0)}
    for alias in ALIASES:
        yield {"id": f"get/{alias}", "setup": {"alias": alias}}


def run(bridge: Any, setup: dict[str, Any]) -> dict[str, Any]:
    """The weights at the stops, the state's names and shapes, the config, and the weights once finalised."""
    keras = bridge.keras
    if "alias" in setup:
        found = keras.optimizers.get(setup["alias"])
        return {"name": type(found).__name__, "config": found.get_config()}
    optimizer = build(keras, setup["optimizer"])
    weights = [bridge.variable(value, name) for name, value in start().items()]
    told: dict[str, Any] = {}
    for step in range(1, max(STOPS) + 1):
        gradients = [keras.ops.convert_to_tensor(slope) for slope in slopes(step)]
        optimizer.apply_gradients(list(zip(gradients, weights, strict=True)))
        if step in STOPS:
            told[f"after {step}"] = [bridge.numpy(weight) for weight in weights]
    optimizer.finalize_variable_values(weights)
    state = [[v.name, v.path, list(v.shape)] for v in optimizer.variables]
    return {
        **told,
        "finalised": [bridge.numpy(weight) for weight in weights],
        "state": state,
        "iterations": int(bridge.numpy(optimizer.iterations)),
        "learning_rate": float(bridge.numpy(optimizer.learning_rate)),
        "config": optimizer.get_config(),
    }
