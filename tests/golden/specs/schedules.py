"""The learning-rate schedules: the rate at many steps, and the config."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from tests.golden.reader import build, new

SEED = 7003
STEPS = [
    0,
    1,
    2,
    3,
    5,
    7,
    9,
    10,
    11,
    15,
    19,
    20,
    21,
    29,
    30,
    31,
    49,
    50,
    51,
    70,
    99,
    100,
    101,
    150,
    250,
    999,
    5000,
]
RESTART = 50  # where a cycle of 20 * (1 + 1.5) steps ends: rounding decides which side of the jump

TABLE: list[tuple[str, dict[str, Any]]] = [
    ("ExponentialDecay", {"initial_learning_rate": 0.1, "decay_steps": 20, "decay_rate": 0.9}),
    ("ExponentialDecay", {"initial_learning_rate": 0.1, "decay_steps": 20, "decay_rate": 0.5, "staircase": True}),
    ("InverseTimeDecay", {"initial_learning_rate": 0.1, "decay_steps": 20, "decay_rate": 0.5}),
    ("InverseTimeDecay", {"initial_learning_rate": 0.1, "decay_steps": 20, "decay_rate": 0.5, "staircase": True}),
    ("PiecewiseConstantDecay", {"boundaries": [10, 30, 50], "values": [1.0, 0.5, 0.25, 0.05]}),
    ("PiecewiseConstantDecay", {"boundaries": [10.5, 30.0], "values": [1.0, 0.5, 0.25]}),
    ("PolynomialDecay", {"initial_learning_rate": 0.1, "decay_steps": 50}),
    ("PolynomialDecay",
     {"initial_learning_rate": 0.1, "decay_steps": 50, "end_learning_rate": 0.01, "power": 2.0}),
    ("PolynomialDecay",
     {"initial_learning_rate": 0.1, "decay_steps": 20, "end_learning_rate": 0.01, "power": 0.5, "cycle": True}),
    ("CosineDecay", {"initial_learning_rate": 0.1, "decay_steps": 50}),
    ("CosineDecay", {"initial_learning_rate": 0.1, "decay_steps": 50, "alpha": 0.1}),
    ("CosineDecay",
     {"initial_learning_rate": 0.01, "decay_steps": 50, "alpha": 0.1, "warmup_target": 0.2, "warmup_steps": 10}),
    ("CosineDecay", {"initial_learning_rate": 0.0, "decay_steps": 90, "warmup_target": 0.2, "warmup_steps": 10}),
    ("CosineDecayRestarts", {"initial_learning_rate": 0.1, "first_decay_steps": 10}),
    ("CosineDecayRestarts",
     {"initial_learning_rate": 0.1, "first_decay_steps": 10, "t_mul": 1.0, "m_mul": 0.8, "alpha": 0.05}),
    ("CosineDecayRestarts",
     {"initial_learning_rate": 0.1, "first_decay_steps": 20, "t_mul": 1.5, "m_mul": 0.9, "alpha": 0.1}),
]  # fmt: skip
SLACK = {"CosineDecayRestarts": 20.0}  # a logarithm finds the cycle; its error grows with the steps passed


def cases(keras: Any) -> Iterator[dict[str, Any]]:
    """Every case, without its answer."""
    for cls, config in TABLE:
        said = ",".join(f"{key}={value}" for key, value in config.items())
        yield {
            "id": f"{cls}({said})",
            "setup": {
                "schedule": new(f"optimizers.schedules.{cls}", **config),
                "steps": [s for s in STEPS if s != RESTART or "Restarts" not in cls],
            },
            "slack": SLACK.get(cls, 1.0),
        }


def run(bridge: Any, setup: dict[str, Any]) -> dict[str, Any]:
    """The rate at every step; the class and config by which it is saved."""
    schedule = build(bridge.keras, setup["schedule"])
    rates = [float(bridge.numpy(schedule(step))) for step in setup["steps"]]
    saved = bridge.keras.optimizers.schedules.serialize(schedule)
    again = bridge.keras.optimizers.schedules.deserialize(saved)
    return {
        "rates": np.asarray(rates, "float32"),
        "config": schedule.get_config(),
        "saved": saved,
        "rate_of_loaded": float(bridge.numpy(again(7))),
    }
