"""The metrics: their result after one batch, and after a hundred."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from neurona.parity.drawing import New, Rng, build, drawn, one_of, real, told, whole
from neurona.parity.pairs import pair
from neurona.parity.sides import Side
from neurona.parity.subjects import HUNDRED, Answers, Subject, generator

__all__ = ["METRICS", "METRICS_LEFT_OUT"]

_THRESHOLDS: list[tuple[str, dict[str, Any]]] = [
    ("bits", {}), ("bits", {"thresholds": [0.2, 0.5, 0.8]}), ("bits in a row", {"thresholds": real(0.1, 0.9)})
]  # fmt: skip
_TOP = {"k": whole(1, 2)}
_AVERAGE = {"average": one_of(None, "micro", "macro", "weighted"), "threshold": one_of(None, real(0.2, 0.8))}
_CLASSES = {"num_classes": 4}

# kinds of pairs and settings, one line for each draw in turn; "values" are numbers alone
_TABLE: Mapping[str, list[tuple[str, dict[str, Any]]]] = {
    "Accuracy": [("classes", {})],
    "AUC": [("bits in a row", {"curve": one_of("ROC", "PR"), "num_thresholds": whole(3, 200)}),
            ("bits in a row", {"summation_method": one_of("minoring", "majoring")}),
            ("bits", {"multi_label": True})],
    "BinaryAccuracy": [("bits", {"threshold": real(0.2, 0.8)}), ("bits in a row", {})],
    "BinaryCrossentropy": [("bits", {"label_smoothing": real(0.0, 0.3)}), ("bits, raw", {"from_logits": True})],
    "BinaryIoU": [("bits in a row", {"target_class_ids": one_of([0], [1], [0, 1]), "threshold": real(0.2, 0.8)})],
    "CategoricalAccuracy": [("one-hot", {})],
    "CategoricalCrossentropy": [("one-hot", {"label_smoothing": real(0.0, 0.3)}), ("one-hot, raw", {"from_logits": True})],
    "CategoricalHinge": [("one-hot", {})],
    "ConcordanceCorrelation": [("near", {"axis": one_of(0, -1)})],
    "CosineSimilarity": [("real", {"axis": one_of(1, -1)})],
    "F1Score": [("bits", _AVERAGE), ("one-hot", {"average": one_of(None, "micro", "macro", "weighted")})],
    "FBetaScore": [("bits", {**_AVERAGE, "beta": real(0.5, 2.0)})],
    "FalseNegatives": _THRESHOLDS,
    "FalsePositives": _THRESHOLDS,
    "Hinge": [("signs", {})],
    "IoU": [("classes", {**_CLASSES, "target_class_ids": one_of([0, 2], [1]), "ignore_class": one_of(None, 3)})],
    "KLDivergence": [("shares", {})],
    "LogCoshError": [("real", {})],
    "Mean": [("values", {})],
    "MeanAbsoluteError": [("real", {})],
    "MeanAbsolutePercentageError": [("positive", {})],
    "MeanIoU": [("classes", {**_CLASSES, "ignore_class": one_of(None, 3)})],
    "MeanSquaredError": [("real", {})],
    "MeanSquaredLogarithmicError": [("positive", {})],
    "OneHotIoU": [("one-hot of 4", {**_CLASSES, "target_class_ids": one_of([0, 2], [1])})],
    "OneHotMeanIoU": [("one-hot of 4", _CLASSES)],
    "PearsonCorrelation": [("near", {"axis": one_of(0, -1)})],
    "Poisson": [("positive", {})],
    "Precision": _THRESHOLDS,
    "PrecisionAtRecall": [("bits in a row", {"recall": real(0.2, 0.8), "num_thresholds": whole(10, 200)})],
    "R2Score": [("near", {"class_aggregation": one_of(None, "uniform_average", "variance_weighted_average")})],
    "Recall": _THRESHOLDS,
    "RecallAtPrecision": [("bits in a row", {"precision": real(0.2, 0.6), "num_thresholds": whole(10, 200)})],
    "RootMeanSquaredError": [("real", {})],
    "SensitivityAtSpecificity": [("bits in a row", {"specificity": real(0.2, 0.8), "num_thresholds": whole(10, 200)})],
    "SparseCategoricalAccuracy": [("labels", {})],
    "SparseCategoricalCrossentropy": [("labels", {}), ("labels, raw", {"from_logits": True})],
    "SparseTopKCategoricalAccuracy": [("labels", _TOP)],
    "SpecificityAtSensitivity": [("bits in a row", {"sensitivity": real(0.2, 0.8), "num_thresholds": whole(10, 200)})],
    "SquaredHinge": [("signs", {})],
    "Sum": [("values", {})],
    "TopKCategoricalAccuracy": [("one-hot", _TOP)],
    "TrueNegatives": _THRESHOLDS,
    "TruePositives": _THRESHOLDS,
}  # fmt: skip

_WHY: Mapping[str, tuple[float, str]] = {
    "ConcordanceCorrelation": (10.0, "differences of nearly equal sums, divided by each other"),
    "CosineSimilarity": (20.0, "a mean of numbers of both signs that nearly cancel"),
    "LogCoshError": (4.0, "the difference of two nearly equal numbers"),
    "PearsonCorrelation": (10.0, "differences of nearly equal sums, divided by each other"),
    "R2Score": (10.0, "a difference of sums of squares"),
}
#: Classes that are no subjects, and why.
METRICS_LEFT_OUT: Mapping[str, str] = {
    "MeanMetricWrapper": "the base of others",
    "Metric": "the base of the others",
}
# the last five count in whole numbers
_NO_WEIGHTS = ("PearsonCorrelation", "ConcordanceCorrelation", "Mean", "Sum", "AUC", "BinaryIoU", "IoU", "MeanIoU",
               "OneHotIoU", "OneHotMeanIoU")  # fmt: skip


class _Case(NamedTuple):
    metric: New
    kind: str
    samples: int
    classes: int
    weighted: bool
    seed: int


def _subject(name: str) -> Subject:
    def draw(rng: Rng, number: int) -> _Case:
        kind, settings = _TABLE[name][number % len(_TABLE[name])]
        samples, classes = int(rng.integers(3, 8)), int(rng.integers(3, 5))
        if kind == "one-hot of 4":
            kind, classes = "one-hot", 4
        weighted = name not in _NO_WEIGHTS and bool(rng.random() < 0.5)
        metric = New(f"metrics.{name}", drawn(settings, rng))
        return _Case(metric, kind, samples, classes, weighted, int(rng.integers(2**31)))

    slack, why = _WHY.get(name, (1.0, ""))
    return Subject("metric", name, draw, _run, _tell, slack, why=why, dtypes=("float32",))


def _tell(case: _Case) -> str:
    weighted = ", weighted" if case.weighted else ""
    return f"{told(case.metric)} on {case.samples} samples ({case.kind}{weighted})"


def _run(side: Side, case: _Case, dtype: str, steps: int) -> Answers:
    metric = build(side.keras, case.metric)
    answers: Answers = {}
    update = metric.update_state  # the first time it may make its variables
    for step in range(1, max(steps, 1) + 1):
        rng = generator(case.seed, step)
        if case.kind == "values":
            update(rng.standard_normal(case.samples).astype(dtype))
        else:
            truth, prediction = pair(case.kind, rng, case.samples, case.classes, dtype)
            weights = [rng.uniform(0.5, 2.0, len(truth)).astype(dtype)] if case.weighted else []
            update(truth, prediction, *weights)
        if step == 1:
            update = side.compiled(metric.update_state)
        for name in [n for n, at in (("output", 1), ("hundred steps", HUNDRED)) if at == step]:
            answers[name] = {"result": np.asarray(side.numpy(metric.result()))}
    return answers


METRICS: tuple[Subject, ...] = tuple(_subject(name) for name in _TABLE)
