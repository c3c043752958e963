"""The optimizers: the same gradients, drawn anew at each of a hundred steps, move the same weights alike.

The weights are a matrix, a vector and a table of words, of which each step's gradient names some rows.

In float32 alone: Keras keeps rates and decays as float32, whatever the weights are.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from neurona.parity.drawing import New, Rng, build, drawn, one_of, real, told, whole
from neurona.parity.sides import Side
from neurona.parity.subjects import HUNDRED, Answers, Subject, generator
from neurona.row_gradient import RowGradient

__all__ = ["OPTIMIZERS", "OPTIMIZERS_LEFT_OUT"]

_RATE = real(0.001, 0.1)
_BETAS = {"beta_1": real(0.5, 0.95), "beta_2": real(0.8, 0.999)}
_SCHEDULE = New(
    "optimizers.schedules.ExponentialDecay",
    {"initial_learning_rate": real(0.01, 0.1), "decay_steps": whole(5, 50), "decay_rate": real(0.5, 1.0)},
)

# Drawn for every optimizer, one line at a time.
_COMMON: list[dict[str, Any]] = [
    {},
    {"clipnorm": real(0.2, 1.0)},
    {"clipvalue": real(0.1, 0.5), "weight_decay": real(0.001, 0.1)},
    {"global_clipnorm": real(0.5, 1.0), "use_ema": True, "ema_momentum": real(0.5, 0.99)},
    {"gradient_accumulation_steps": whole(2, 4), "learning_rate": _SCHEDULE},
]

_TABLE: Mapping[str, dict[str, Any]] = {
    "SGD": {"momentum": one_of(0.0, real(0.5, 0.95)), "nesterov": one_of(False, True)},
    "RMSprop": {"rho": real(0.7, 0.95), "momentum": one_of(0.0, 0.5), "centered": one_of(False, True)},
    "Adagrad": {"initial_accumulator_value": real(0.05, 0.5)},
    "Adadelta": {"rho": real(0.7, 0.98), "learning_rate": one_of(1.0, 0.5)},
    "Adam": {**_BETAS, "amsgrad": one_of(False, True)},
    "AdamW": {**_BETAS, "weight_decay": real(0.001, 0.1)},
    "Adamax": dict(_BETAS),
    "Nadam": dict(_BETAS),
    "Ftrl": {"l1_regularization_strength": real(0.0, 0.05), "l2_regularization_strength": real(0.0, 0.1)},
    "Lion": dict(_BETAS),
    "Lamb": dict(_BETAS),
    "Muon": {"momentum": real(0.5, 0.95), "nesterov": one_of(False, True), "ns_steps": whole(3, 6)},
    "MultiOptimizer": {"optimizer_map": New("optimizers.OptimizerMap", {
        "default_optimizer": New("optimizers.SGD", {"learning_rate": real(0.01, 0.1)}),
        "optimizer_map": {"bias|embeddings": New("optimizers.Adam", {"learning_rate": real(0.01, 0.1)})}})},
    "Adafactor": {"relative_step": False, "clip_threshold": real(0.5, 1.0)},
    "LossScaleOptimizer": {"inner_optimizer": New("optimizers.SGD", {"learning_rate": real(0.01, 0.1)}),
                           "initial_scale": one_of(8.0, 1024.0), "dynamic_growth_steps": whole(3, 10)},
}  # fmt: skip

_WHY: Mapping[str, tuple[float, str]] = {
    "Muon": (100.0, "each step runs up to six Newton-Schulz steps, whose coefficients near 5 amplify rounding"),
    "Adadelta": (10.0, "its step is a ratio of two roots near epsilon"),
    "RMSprop": (10.0, "centred, it is a difference of two nearly equal averages under a root"),
}

#: Classes that are no subjects, and why.
OPTIMIZERS_LEFT_OUT: Mapping[str, str] = {
    "Optimizer": "the base of the others",
    "OptimizerMap": "no optimizer, but a table of them",
    "ScheduleFreeAdamW": "Keras on TensorFlow reads its fast weights after it has moved them; on JAX Keras moves as we do",
}


_NAMES = ("kernel", "bias", "embeddings")


class _Case(NamedTuple):
    optimizer: New
    shapes: tuple[tuple[int, ...], ...]  # as in `_NAMES`
    seed: int


def _subject(name: str) -> Subject:
    def draw(rng: Rng, number: int) -> _Case:
        # what wraps others takes neither rate nor options
        common = (
            {}
            if name in ("LossScaleOptimizer", "MultiOptimizer")
            else {"learning_rate": _RATE, **_COMMON[number % len(_COMMON)]}
        )
        settings = drawn({**common, **_TABLE[name]}, rng)
        rows, columns = (int(n) for n in rng.integers(2, 6, 2))
        shapes = ((rows, columns), (columns,), (int(rng.integers(5, 9)), columns))
        return _Case(New(f"optimizers.{name}", settings), shapes, int(rng.integers(2**31)))

    slack, why = _WHY.get(name, (1.0, ""))
    return Subject(
        "optimizer", name, draw, _run, lambda case: told(case.optimizer), slack, why=why, dtypes=("float32",)
    )  # fmt: skip


def _gradient(case: _Case, step: int, dtype: str) -> list[Any]:
    rng = generator(case.seed, step)
    *whole, table = (rng.standard_normal(shape).astype(dtype) for shape in case.shapes)
    words = np.sort(rng.permutation(len(table))[: rng.integers(0, 4)])  # sometimes none
    return [*whole, RowGradient(words, table[words], table.shape)]


def _run(side: Side, case: _Case, dtype: str, steps: int) -> Answers:
    optimizer = build(side.keras, case.optimizer)
    start = generator(case.seed)
    weights = [
        side.variable(start.standard_normal(shape).astype(dtype), name)
        for name, shape in zip(_NAMES, case.shapes, strict=True)
    ]
    answers: Answers = {}
    move = side.steps(optimizer, weights)
    for step in range(1, steps + 1):
        move(_gradient(case, step, dtype))
        for name in [n for n, at in (("one step", 1), ("hundred steps", HUNDRED)) if at == step]:
            answers[name] = {called: side.numpy(w) for called, w in zip(_NAMES, weights, strict=True)}
    return answers


OPTIMIZERS: tuple[Subject, ...] = tuple(_subject(name) for name in _TABLE)
