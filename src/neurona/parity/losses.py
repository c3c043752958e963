"""The losses: their value, its gradient by the predictions, and where a descent of one and a hundred steps leads."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from neurona.parity.drawing import New, Rng, build, drawn, one_of, real, told
from neurona.parity.pairs import pair
from neurona.parity.sides import Side
from neurona.parity.subjects import HUNDRED, Answers, Subject, generator

__all__ = ["LOSSES", "LOSSES_LEFT_OUT"]

_RATE = 2.0**-7  # a descent so slow that probabilities stay probabilities
_SMOOTHED = {"label_smoothing": one_of(0.0, real(0.05, 0.3))}
_RAW = {"from_logits": True}
_FOCAL = {"alpha": real(0.1, 0.5), "gamma": real(1.0, 3.0)}

# kinds of pairs and settings, one line for each draw in turn
_TABLE: Mapping[str, list[tuple[str, dict[str, Any]]]] = {
    "BinaryCrossentropy": [("bits", _SMOOTHED), ("bits, raw", {**_RAW, **_SMOOTHED})],
    "BinaryFocalCrossentropy": [("bits", {**_FOCAL, "apply_class_balancing": one_of(False, True)}),
                                ("bits, raw", {**_RAW, **_FOCAL})],
    "CategoricalCrossentropy": [("one-hot", _SMOOTHED), ("one-hot, raw", {**_RAW, **_SMOOTHED}), ("shares", {})],
    "CategoricalFocalCrossentropy": [("one-hot", _FOCAL), ("one-hot, raw", {**_RAW, **_FOCAL})],
    "CategoricalGeneralizedCrossEntropy": [("labels", {"q": real(0.2, 0.9)})],
    "CategoricalHinge": [("one-hot, raw", {})],
    "Circle": [("places", {"gamma": real(8.0, 40.0), "margin": real(0.2, 0.5)})],
    "CosineSimilarity": [("real", {}), ("volume", {"axis": one_of(1, -1)})],
    "CTC": [("texts", {})],
    "Dice": [("masks", {}), ("masks", {"axis": (1, 2, 3)})],
    "Hinge": [("signs", {}), ("bits, raw", {})],
    "Huber": [("real", {"delta": real(0.3, 2.0)}), ("volume", {})],
    "KLDivergence": [("shares", {}), ("positive", {})],
    "LogCosh": [("real", {}), ("volume", {})],
    "MeanAbsoluteError": [("real", {}), ("volume", {})],
    "MeanAbsolutePercentageError": [("positive", {})],
    "MeanSquaredError": [("real", {}), ("volume", {})],
    "MeanSquaredLogarithmicError": [("positive", {})],
    "Poisson": [("positive", {})],
    "SparseCategoricalCrossentropy": [("labels", {}), ("labels, raw", _RAW), ("labels, raw", {**_RAW, "ignore_class": 1})],
    "SquaredHinge": [("signs", {}), ("bits, raw", {})],
    "Tversky": [("masks", {"alpha": real(0.2, 0.8), "beta": real(0.2, 0.8)})],
}  # fmt: skip

_WHY: Mapping[str, tuple[float, str]] = {
    "Circle": (40.0, "gamma multiplies the rounding of an exponent"),
    "LogCosh": (4.0, "the difference of two nearly equal numbers"),
}
# not compared in float64, where Keras computes in float32 all the same: CTC as a whole, LogCosh its log 2
_FLOAT32_ALONE = ("CTC", "LogCosh")
#: Classes that are no subjects, and why.
LOSSES_LEFT_OUT: Mapping[str, str] = {"Loss": "the base of the others", "LossFunctionWrapper": "the base of others"}

_NO_WEIGHTS = ("Circle", "CTC", "Dice", "Tversky")


class _Case(NamedTuple):
    loss: New
    kind: str
    samples: int
    classes: int
    weighted: bool
    seed: int


def _subject(name: str) -> Subject:
    def draw(rng: Rng, number: int) -> _Case:
        kind, settings = _TABLE[name][number % len(_TABLE[name])]
        reduction = {"reduction": one_of("sum_over_batch_size", "sum", "mean_with_sample_weight")}
        loss = New(f"losses.{name}", drawn({**reduction, **settings}, rng))
        samples, classes = int(rng.integers(2, 6)), int(rng.integers(2, 5))
        weighted = name not in _NO_WEIGHTS and bool(rng.random() < 0.5)
        return _Case(loss, kind, samples, classes, weighted, int(rng.integers(2**31)))

    slack, why = _WHY.get(name, (1.0, ""))
    dtypes = ("float32",) if name in _FLOAT32_ALONE else ("float32", "float64")
    return Subject("loss", name, draw, _run, _tell, slack, why=why, dtypes=dtypes)


def _tell(case: _Case) -> str:
    weighted = ", weighted" if case.weighted else ""
    return f"{told(case.loss)} on {case.samples} samples ({case.kind}{weighted})"


def _run(side: Side, case: _Case, dtype: str, steps: int) -> Answers:
    rng = generator(case.seed)
    truth, prediction = pair(case.kind, rng, case.samples, case.classes, dtype)
    weight = rng.uniform(0.5, 2.0, len(truth)).astype(dtype) if case.weighted else None
    loss = build(side.keras, New(case.loss.name, {**case.loss.settings, "dtype": dtype}))

    def value(p: Any) -> tuple[Any, Any]:
        found = loss(truth, p, sample_weight=weight)
        return found, found

    found, slopes = side.gradients(value, [prediction], [])
    answers: Answers = {"output": {"value": side.numpy(found)}, "gradient": {"predictions": slopes[0]}}
    slope = side.repeated(value, [])
    for step in range(1, steps + 1):
        if step > 1:
            _value, slopes = slope([prediction])
        prediction = (prediction - _RATE * slopes[0]).astype(dtype)
        for name in [n for n, at in (("one step", 1), ("hundred steps", HUNDRED)) if at == step]:
            answers[name] = {"predictions": prediction}
    return answers


LOSSES: tuple[Subject, ...] = tuple(_subject(name) for name in _TABLE)
