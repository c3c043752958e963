"""F-beta and F1: precision and recall in one number. Lean on `neurona.metrics.base`."""

from __future__ import annotations

from typing import Any

from neurona import config as settings
from neurona import ops
from neurona.errors import ArgumentError, ShapeError
from neurona.losses.base import convert
from neurona.metrics.base import Metric
from neurona.registry import Config, export
from neurona.tensor import TensorLike
from neurona.variable import Variable

__all__ = ["F1Score", "FBetaScore"]

_AVERAGES = (None, "micro", "macro", "weighted")


@export("keras.metrics")
class FBetaScore(Metric):
    """The weighted harmonic mean of precision p and recall r: (1 + beta²) p r / (beta² p + r).

    Args:
        average: ``None`` for a score of each class; "micro" counts all classes together; "macro" takes the
            mean of the scores, "weighted" their mean weighted by the classes' frequencies.
        beta: how many times as important recall is as precision, above 0.
        threshold: above it a prediction is positive; ``None``: the largest of each row is.
        name: how reports call it.
        dtype: the type to count in.

    >>> round(float(FBetaScore(beta=2.0, threshold=0.5, average="macro")([[1.0], [1.0]], [[0.9], [0.1]])), 4)
    0.5556
    """

    _direction = "up"

    def __init__(
        self,
        average: str | None = None,
        beta: float = 1.0,
        threshold: float | None = None,
        name: str | None = "fbeta_score",
        dtype: Any = None,
    ) -> None:
        super().__init__(dtype, name)
        if average not in _AVERAGES:
            raise ArgumentError(
                f"Invalid `average` argument value. Expected one of: {{{', '.join(map(repr, _AVERAGES))}}}. "
                f"Received: average={average}"
            )
        for argument, value, rule in (("beta", beta, "be > 0"), ("threshold", threshold, "verify 0 < threshold <= 1")):
            if value is None and argument == "threshold":
                continue
            if not isinstance(value, float):
                raise ArgumentError(
                    f"Invalid `{argument}` argument value. It should be a Python float. "
                    f"Received: {argument}={value} of type '{type(value)}'"
                )
            if value <= 0.0 or (argument == "threshold" and value > 1.0):
                raise ArgumentError(
                    f"Invalid `{argument}` argument value. It should {rule}. Received: {argument}={value}"
                )
        self.average, self.beta, self.threshold = average, beta, threshold
        self.axis = None if average == "micro" else 0
        self._built = False

    def _build(self, shape: tuple[int, ...], shape_pred: tuple[int, ...]) -> None:
        if len(shape) != 2 or len(shape_pred) != 2 or None in (shape[-1], shape_pred[-1]):
            raise ShapeError(
                "FBetaScore expects 2D inputs with shape (batch_size, output_dim), with output_dim fully defined (not "
                "None). "
                f"Received input shapes: y_pred.shape={shape_pred} and y_true.shape={shape}."
            )
        classes = () if self.average == "micro" else shape_pred[1:]

        def counter(name: str) -> Variable:
            return self.add_variable(classes, "zeros", self.dtype, name=name)

        self.true_positives, self.false_positives = counter("true_positives"), counter("false_positives")
        self.false_negatives, self.intermediate_weights = (
            counter("false_negatives"),
            counter("intermediate_weights"),
        )
        self._built = True

    def update_state(self, y_true: TensorLike, y_pred: TensorLike, sample_weight: TensorLike | None = None) -> None:
        y_true, y_pred = convert(y_true, self.dtype), convert(y_pred, self.dtype)
        if not self._built:
            self._build(y_true.shape, y_pred.shape)
        if self.threshold is None:
            largest = ops.greater_equal(y_pred, ops.max(y_pred, axis=-1, keepdims=True))
            found = ops.logical_and(largest, ops.greater(ops.absolute(y_pred), 1e-9))
        else:
            found = ops.greater(y_pred, self.threshold)
        hit = ops.cast(found, self.dtype)
        weight = None
        if sample_weight is not None:
            weight = ops.expand_dims(convert(sample_weight, self.dtype), axis=1)

        def add(counter: Variable, values: Any) -> None:
            values = values if weight is None else ops.multiply(values, weight)
            counter.assign_add(ops.sum(values, axis=self.axis))

        add(self.true_positives, ops.multiply(hit, y_true))
        add(self.false_positives, ops.multiply(hit, ops.subtract(1.0, y_true)))
        add(self.false_negatives, ops.multiply(ops.subtract(1.0, hit), y_true))
        add(self.intermediate_weights, y_true)

    def result(self) -> Any:
        if not self._built:
            raise ArgumentError(
                f"{type(self).__name__} has no result before its first batch: call update_state() first."
            )
        tiny = settings.epsilon()
        predicted = ops.add(self.true_positives, self.false_positives)
        precision = ops.divide(self.true_positives, ops.add(predicted, tiny))
        recall = ops.divide(self.true_positives, ops.add(ops.add(self.true_positives, self.false_negatives), tiny))
        square = self.beta**2
        below = ops.add(ops.add(ops.multiply(precision, square), recall), tiny)
        score = ops.multiply(ops.divide(ops.multiply(precision, recall), below), 1.0 + square)
        if self.average == "weighted":
            total = ops.add(ops.sum(self.intermediate_weights), tiny)
            return ops.sum(ops.multiply(score, ops.divide(self.intermediate_weights, total)))
        return score if self.average is None else ops.mean(score)

    def get_config(self) -> Config:
        own = {"average": self.average, "beta": self.beta, "threshold": self.threshold}
        return {**super().get_config(), **own}


@export("keras.metrics")
class F1Score(FBetaScore):
    """The harmonic mean of precision p and recall r: 2 p r / (p + r).

    Args:
        average, threshold, name, dtype: see `FBetaScore`.

    >>> round(float(F1Score(threshold=0.5, average="macro")([[1.0], [1.0]], [[0.9], [0.1]])), 4)
    0.6667
    """

    def __init__(
        self,
        average: str | None = None,
        threshold: float | None = None,
        name: str | None = "f1_score",
        dtype: Any = None,
    ) -> None:
        super().__init__(average, 1.0, threshold, name, dtype)

    def get_config(self) -> Config:
        return {key: value for key, value in super().get_config().items() if key != "beta"}
