"""What can be read off the curves of all thresholds: AUC, sensitivity at specificity and their kin.

Lean on `neurona.metrics.counts`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from neurona import config as settings
from neurona import ops
from neurona.allowance import ask_variable
from neurona.errors import ArgumentError, ShapeError
from neurona.metrics.base import Metric
from neurona.metrics.counts import add_counts, evenly_spread
from neurona.registry import Config, export
from neurona.tensor import Array, TensorLike, as_array

__all__ = [
    "AUC",
    "PrecisionAtRecall",
    "RecallAtPrecision",
    "SensitivityAtSpecificity",
    "SpecificityAtSensitivity",
]


def spread_thresholds(count: int) -> list[float]:
    """`count` numbers evenly spread from 0 to 1, both included.

    >>> spread_thresholds(3)
    [0.0, 0.5, 1.0]
    """
    ask_variable((count,), 8)
    return [0.0, *((i + 1) / (count - 1) for i in range(count - 2)), 1.0]


class _AllThresholds(Metric):
    """What all metrics of this file share: the four counts at many thresholds."""

    _direction = "up"

    def _add_counters(self, shape: tuple[int, ...]) -> None:
        self.true_positives = self.add_variable(shape, "zeros", name="true_positives")
        self.false_positives = self.add_variable(shape, "zeros", name="false_positives")
        self.true_negatives = self.add_variable(shape, "zeros", name="true_negatives")
        self.false_negatives = self.add_variable(shape, "zeros", name="false_negatives")
        self._counters = [
            self.true_positives,
            self.false_positives,
            self.true_negatives,
            self.false_negatives,
        ]

    def _recall(self) -> Any:
        return ops.divide_no_nan(self.true_positives, ops.add(self.true_positives, self.false_negatives))

    def _precision(self) -> Any:
        return ops.divide_no_nan(self.true_positives, ops.add(self.true_positives, self.false_positives))

    def _specificity(self) -> Any:
        return ops.divide_no_nan(self.true_negatives, ops.add(self.true_negatives, self.false_positives))


class _OneAtOther(_AllThresholds):
    """The best of one rate among the thresholds at which another is high enough."""

    _argument = ""  # the name of the constructor's first argument

    def __init__(self, value: float, num_thresholds: int, class_id: int | None, name: str | None, dtype: Any) -> None:
        super().__init__(dtype, name)
        if value < 0 or value > 1:
            raise ArgumentError(
                f"Argument `{self._argument}` must be in the range [0, 1]. Received: {self._argument}={value}"
            )
        if num_thresholds <= 0:
            raise ArgumentError(
                f"Argument `num_thresholds` must be an integer > 0. Received: num_thresholds={num_thresholds}"
            )
        setattr(self, self._argument, value)
        self.value, self.num_thresholds, self.class_id = value, num_thresholds, class_id
        self.thresholds = [0.5] if num_thresholds == 1 else spread_thresholds(num_thresholds)
        self._add_counters((len(self.thresholds),))

    def update_state(self, y_true: TensorLike, y_pred: TensorLike, sample_weight: TensorLike | None = None) -> None:
        add_counts(
            self._counters,
            y_true,
            y_pred,
            self.thresholds,
            even=self.num_thresholds > 1,
            class_id=self.class_id,
            sample_weight=sample_weight,
        )

    def _best(self, constrained: Any, wanted: Any) -> Any:
        """The largest of `wanted` where `constrained` is high enough; 0 where it never is."""
        return ops.max(ops.where(ops.greater_equal(constrained, self.value), wanted, 0.0))

    def get_config(self) -> Config:
        own = {"class_id": self.class_id, "num_thresholds": self.num_thresholds, self._argument: self.value}
        return {**super().get_config(), **own}


@export("keras.metrics")
class SensitivityAtSpecificity(_OneAtOther):
    """The best sensitivity (the share of positives found) where specificity is at least the given one.

    Args:
        specificity: the least share of negatives that must be recognised.
        num_thresholds: how many thresholds to try.
        class_id: look at this class alone.
        name: how reports call it.
        dtype: the type to count in.

    >>> SensitivityAtSpecificity(0.5)([0, 0, 0, 1, 1], [0.0, 0.3, 0.8, 0.3, 0.8])
    Tensor(0.5, dtype=float32)
    """

    _argument = "specificity"

    def __init__(
        self,
        specificity: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(specificity, num_thresholds, class_id, name, dtype)

    def result(self) -> Any:
        return self._best(self._specificity(), self._recall())


@export("keras.metrics")
class SpecificityAtSensitivity(_OneAtOther):
    """The best specificity (the share of negatives recognised) where sensitivity is at least the given one.

    Args:
        sensitivity: the least share of positives that must be found.
        num_thresholds: how many thresholds to try.
        class_id: look at this class alone.
        name: how reports call it.
        dtype: the type to count in.

    >>> round(float(SpecificityAtSensitivity(0.5)([0, 0, 0, 1, 1], [0.0, 0.3, 0.8, 0.3, 0.8])), 4)
    0.6667
    """

    _argument = "sensitivity"

    def __init__(
        self,
        sensitivity: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(sensitivity, num_thresholds, class_id, name, dtype)

    def result(self) -> Any:
        return self._best(self._recall(), self._specificity())


@export("keras.metrics")
class PrecisionAtRecall(_OneAtOther):
    """The best precision where recall is at least the given one.

    Args:
        recall: the least share of positives that must be found.
        num_thresholds: how many thresholds to try.
        class_id: look at this class alone.
        name: how reports call it.
        dtype: the type to count in.

    >>> PrecisionAtRecall(0.5)([0, 0, 0, 1, 1], [0.0, 0.3, 0.8, 0.3, 0.8])
    Tensor(0.5, dtype=float32)
    """

    _argument = "recall"

    def __init__(
        self,
        recall: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(recall, num_thresholds, class_id, name, dtype)

    def result(self) -> Any:
        return self._best(self._recall(), self._precision())


@export("keras.metrics")
class RecallAtPrecision(_OneAtOther):
    """The best recall where precision is at least the given one.

    Args:
        precision: the least share of those predicted as positive that must be so.
        num_thresholds: how many thresholds to try.
        class_id: look at this class alone.
        name: how reports call it.
        dtype: the type to count in.

    >>> RecallAtPrecision(0.8)([0, 0, 1, 1], [0.0, 0.5, 0.3, 0.9])
    Tensor(0.5, dtype=float32)
    """

    _argument = "precision"

    def __init__(
        self,
        precision: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(precision, num_thresholds, class_id, name, dtype)

    def result(self) -> Any:
        return self._best(self._precision(), self._recall())


_CURVES = ("ROC", "PR", "PRGAIN")
_SUMMATIONS = ("interpolation", "majoring", "minoring")


def _one_of(argument: str, value: Any, known: tuple[str, ...]) -> str:
    """The known spelling of a choice, whichever case it is written in."""
    found = {choice.lower(): choice for choice in known}.get(str(value).lower())
    if found is None:
        raise ArgumentError(f'Invalid AUC {argument} value: "{value}". Expected one of {known}. Received: {value!r}.')
    return found


@export("keras.metrics")
class AUC(_AllThresholds):
    """The area under the curve of recall against false positives (ROC), or of precision against recall (PR).

    The curve is known at a number of thresholds; between them it is summed by rectangles or trapezoids.

    Args:
        num_thresholds: how many, the ends included.
        curve: "ROC", "PR" or "PRGAIN" (precision gain against recall gain).
        summation_method: "interpolation" (trapezoids; for PR the interpolation of Davis & Goadrich),
            "minoring" or "majoring" (the lower or the higher of each two heights).
        name: how reports call it.
        dtype: the type to count in.
        thresholds: thresholds of your own between 0 and 1, to which the ends are added.
        multi_label: a curve for each column of (N, L), whose areas are averaged.
        num_labels: L, where it is known before the first batch.
        label_weights: the columns' weights in that average, or in the counts when there is a single curve.
        from_logits: predictions are logits instead of probabilities.

    >>> AUC(num_thresholds=3)([0, 0, 1, 1], [0.0, 0.5, 0.3, 0.9])
    Tensor(0.75, dtype=float32)

    Source: Davis & Goadrich, "The Relationship Between Precision-Recall and ROC Curves" (2006).
    """

    def __init__(
        self,
        num_thresholds: int = 200,
        curve: str = "ROC",
        summation_method: str = "interpolation",
        name: str | None = None,
        dtype: Any = None,
        thresholds: Sequence[float] | None = None,
        multi_label: bool = False,
        num_labels: int | None = None,
        label_weights: TensorLike | None = None,
        from_logits: bool = False,
    ) -> None:
        super().__init__(dtype, name)
        self._told_thresholds = thresholds is not None
        if thresholds is not None:
            inner = sorted(thresholds)
            if inner and (inner[0] < 0 or inner[-1] > 1):
                raise ArgumentError(f"Threshold values must be in [0, 1]. Received: {list(thresholds)}")
            self.num_thresholds = len(inner) + 2
            self._even = evenly_spread([0.0, *inner, 1.0])
        else:
            if num_thresholds <= 1:
                raise ArgumentError(
                    f"Argument `num_thresholds` must be an integer > 1. Received: num_thresholds={num_thresholds}"
                )
            self.num_thresholds = num_thresholds
            inner = spread_thresholds(num_thresholds)[1:-1]
            self._even = True
        if num_labels and not multi_label:
            raise ArgumentError(
                f"`num_labels` is needed only when `multi_label` is True. Received: num_labels={num_labels}."
            )
        # a little beyond the ends, so that predictions of exactly 0 and 1 have a side
        self._thresholds = [0.0 - settings.epsilon(), *inner, 1.0 + settings.epsilon()]
        self.curve = _one_of("curve", curve, _CURVES)
        self.summation_method = _one_of("summation method", summation_method, _SUMMATIONS)
        self.multi_label, self.num_labels, self._from_logits = multi_label, num_labels, from_logits
        self.label_weights: Array | None = None if label_weights is None else as_array(label_weights, self.dtype)
        self._built = False
        if not multi_label:
            self._build(None)
        elif num_labels:
            self._build((None, num_labels))

    @property
    def thresholds(self) -> list[float]:
        """The thresholds, the ends included."""
        return list(self._thresholds)

    def _build(self, shape: tuple[Any, ...] | None) -> None:
        if shape is not None and len(shape) != 2:
            raise ShapeError(f"`y_pred` must have rank 2 when `multi_label=True`. Received: shape {shape}")
        self._add_counters((self.num_thresholds,) if shape is None else (self.num_thresholds, shape[1]))
        self._built = True

    def update_state(self, y_true: TensorLike, y_pred: TensorLike, sample_weight: TensorLike | None = None) -> None:
        if not self._built:
            self._build(np.shape(y_pred) if not hasattr(y_pred, "shape") else tuple(y_pred.shape))
        add_counts(
            self._counters,
            y_true,
            ops.sigmoid(y_pred) if self._from_logits else y_pred,
            self._thresholds,
            even=self._even,
            sample_weight=sample_weight,
            multi_label=self.multi_label,
            label_weights=self.label_weights,
        )

    def result(self) -> Any:
        if not self._built:
            raise ArgumentError("AUC has no result before its first batch: call update_state() first.")
        if self.curve == "PR" and self.summation_method == "interpolation":
            return self._average(self._interpolated_pr())
        x, y = self._curve()
        if self.summation_method == "interpolation":
            heights = ops.divide(ops.add(y[:-1], y[1:]), 2.0)
        else:
            pick = ops.minimum if self.summation_method == "minoring" else ops.maximum
            heights = pick(y[:-1], y[1:])
        return self._average(ops.multiply(ops.subtract(x[:-1], x[1:]), heights))

    def _curve(self) -> tuple[Any, Any]:
        """The points of the curve, threshold by threshold."""
        tp, fp = self.true_positives, self.false_positives
        if self.curve == "ROC":
            return ops.divide_no_nan(fp, ops.add(fp, self.true_negatives)), self._recall()
        if self.curve == "PR":
            return self._recall(), self._precision()
        odds = ops.divide_no_nan(ops.add(tp, self.false_negatives), ops.add(self.true_negatives, fp))
        none = ops.equal(tp, 0.0)
        gains = [
            ops.where(none, empty, ops.subtract(1.0, ops.multiply(odds, ops.divide_no_nan(wrong, tp))))
            for wrong, empty in ((self.false_negatives, 0.0), (fp, 1.0))
        ]
        return ops.maximum(gains[0], 0.0), gains[1]

    def _interpolated_pr(self) -> Any:
        """The areas between neighbouring thresholds where false positives grow in line with true ones."""
        tp: Any = self.true_positives
        predicted: Any = ops.add(tp, self.false_positives)
        more_true = ops.subtract(tp[:-1], tp[1:])
        slope = ops.divide_no_nan(more_true, ops.maximum(ops.subtract(predicted[:-1], predicted[1:]), 0.0))
        start = ops.subtract(tp[1:], ops.multiply(slope, predicted[1:]))
        both = ops.logical_and(ops.greater(predicted[:-1], 0.0), ops.greater(predicted[1:], 0.0))
        growth = ops.where(both, ops.divide_no_nan(predicted[:-1], ops.maximum(predicted[1:], 0.0)), 1.0)
        area = ops.multiply(slope, ops.add(more_true, ops.multiply(start, ops.log(growth))))
        positives = ops.add(tp, self.false_negatives)[1:]
        return ops.divide_no_nan(area, ops.maximum(positives, 0.0))

    def _average(self, areas: Any) -> Any:
        """The sum of the areas; with several labels the (weighted) mean of their sums."""
        if not self.multi_label:
            return ops.sum(areas)
        by_label = ops.sum(areas, axis=0)
        if self.label_weights is None:
            return ops.mean(by_label)
        weighted = ops.sum(ops.multiply(by_label, self.label_weights))
        return ops.divide_no_nan(weighted, ops.sum(self.label_weights))

    def get_config(self) -> Config:
        told = {"thresholds": self.thresholds[1:-1]} if self._told_thresholds else {}
        return {
            **super().get_config(),
            "num_thresholds": self.num_thresholds,
            "curve": self.curve,
            "summation_method": self.summation_method,
            "multi_label": self.multi_label,
            "num_labels": self.num_labels,
            "label_weights": None if self.label_weights is None else self.label_weights.tolist(),
            "from_logits": self._from_logits,
            **told,
        }
