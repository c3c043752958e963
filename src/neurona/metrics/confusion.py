"""Counts of right and wrong decisions, precision and recall. Lean on `neurona.metrics.counts`."""

from __future__ import annotations

from typing import Any

from neurona import ops
from neurona.metrics.base import Metric
from neurona.metrics.counts import LOWEST, add_counts, evenly_spread, read_thresholds
from neurona.registry import Config, export
from neurona.tensor import TensorLike
from neurona.variable import Variable

__all__ = ["FalseNegatives", "FalsePositives", "Precision", "Recall", "TrueNegatives", "TruePositives"]


class _Count(Metric):
    """What the four counts share."""

    _place = 0  # among true positives, false positives, true negatives, false negatives

    def __init__(self, thresholds: Any = None, name: str | None = None, dtype: Any = None) -> None:
        super().__init__(dtype, name)
        self.init_thresholds, self.thresholds = thresholds, read_thresholds(thresholds)
        self._even = evenly_spread(self.thresholds)
        self.accumulator = self.add_variable((len(self.thresholds),), "zeros", name="accumulator")

    def update_state(self, y_true: TensorLike, y_pred: TensorLike, sample_weight: TensorLike | None = None) -> None:
        variables = [self.accumulator if place == self._place else None for place in range(4)]
        add_counts(variables, y_true, y_pred, self.thresholds, even=self._even, sample_weight=sample_weight)

    def result(self) -> Any:
        return self.accumulator[0] if len(self.thresholds) == 1 else self.accumulator.value

    def get_config(self) -> Config:
        return {**super().get_config(), "thresholds": self.init_thresholds}


@export("keras.metrics")
class TruePositives(_Count):
    """The number (or weight) of positives that are predicted as such.

    Args:
        thresholds: above it a prediction is positive; 0.5 by default; several give several counts.
        name: how reports call it.
        dtype: the type to count in.

    >>> TruePositives()([0, 1, 1, 1], [1.0, 0.0, 1.0, 1.0])
    Tensor(2., dtype=float32)
    """


@export("keras.metrics")
class FalsePositives(_Count):
    """The number (or weight) of negatives that are predicted as positive.

    Args:
        thresholds: above it a prediction is positive; 0.5 by default; several give several counts.
        name: how reports call it.
        dtype: the type to count in.

    >>> FalsePositives()([0, 1, 0, 0], [0.0, 0.0, 1.0, 1.0])
    Tensor(2., dtype=float32)
    """

    _place = 1


@export("keras.metrics")
class TrueNegatives(_Count):
    """The number (or weight) of negatives that are predicted as such.

    Args:
        thresholds: above it a prediction is positive; 0.5 by default; several give several counts.
        name: how reports call it.
        dtype: the type to count in.

    >>> TrueNegatives()([0, 1, 0, 0], [1.0, 1.0, 0.0, 0.0])
    Tensor(2., dtype=float32)
    """

    _place = 2


@export("keras.metrics")
class FalseNegatives(_Count):
    """The number (or weight) of positives that are predicted as negative.

    Args:
        thresholds: above it a prediction is positive; 0.5 by default; several give several counts.
        name: how reports call it.
        dtype: the type to count in.

    >>> FalseNegatives()([0, 1, 1, 1], [0.0, 1.0, 0.0, 0.0])
    Tensor(2., dtype=float32)
    """

    _place = 3


class _Ratio(Metric):
    """What precision and recall share: true positives over these and one kind of error."""

    _direction = "up"
    _error = 1
    _error_name = "false_positives"

    def __init__(
        self,
        thresholds: Any = None,
        top_k: int | None = None,
        class_id: int | None = None,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(dtype, name)
        self.init_thresholds, self.top_k, self.class_id = thresholds, top_k, class_id
        self.thresholds = read_thresholds(thresholds, 0.5 if top_k is None else LOWEST)
        self._even = evenly_spread(self.thresholds)
        self.true_positives = self.add_variable((len(self.thresholds),), "zeros", name="true_positives")
        setattr(self, self._error_name, self.add_variable((len(self.thresholds),), "zeros", name=self._error_name))

    def update_state(self, y_true: TensorLike, y_pred: TensorLike, sample_weight: TensorLike | None = None) -> None:
        variables: list[Variable | None] = [self.true_positives, None, None, None]
        variables[self._error] = getattr(self, self._error_name)
        add_counts(
            variables,
            y_true,
            y_pred,
            self.thresholds,
            even=self._even,
            top_k=self.top_k,
            class_id=self.class_id,
            sample_weight=sample_weight,
        )

    def result(self) -> Any:
        total = ops.add(self.true_positives, getattr(self, self._error_name))
        ratio: Any = ops.divide_no_nan(self.true_positives, total)
        return ratio[0] if len(self.thresholds) == 1 else ratio

    def get_config(self) -> Config:
        own = {"thresholds": self.init_thresholds, "top_k": self.top_k, "class_id": self.class_id}
        return {**super().get_config(), **own}


@export("keras.metrics")
class Precision(_Ratio):
    """How many of those predicted as positive are: true positives / (true + false positives).

    Args:
        thresholds: above it a prediction is positive; 0.5 by default; several give several values.
        top_k: only the k largest predictions of a row can be positive.
        class_id: look at this class alone.
        name: how reports call it.
        dtype: the type to count in.

    >>> round(float(Precision()([0, 1, 1, 1], [1.0, 0.0, 1.0, 1.0])), 4)
    0.6667
    """


@export("keras.metrics")
class Recall(_Ratio):
    """How many of the positives are found: true positives / (true positives + false negatives).

    Args:
        thresholds: above it a prediction is positive; 0.5 by default; several give several values.
        top_k: only the k largest predictions of a row can be positive.
        class_id: look at this class alone.
        name: how reports call it.
        dtype: the type to count in.

    >>> round(float(Recall()([0, 1, 1, 1], [1.0, 0.0, 1.0, 1.0])), 4)
    0.6667
    """

    _error = 3
    _error_name = "false_negatives"
