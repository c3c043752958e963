"""Regression: errors, similarities and correlations of numbers; leans on the functions in `neurona.losses`."""

from __future__ import annotations

from typing import Any

from neurona import config as settings
from neurona import losses, ops
from neurona.errors import ArgumentError, ShapeError
from neurona.losses.base import convert, squeeze_or_expand_to_same_rank, tensors
from neurona.metrics.base import Metric
from neurona.metrics.reduction import FUNCTIONS, FunctionMetric, Mean
from neurona.registry import Config, export
from neurona.tensor import TensorLike
from neurona.warn import warn_caller

__all__ = [
    "ConcordanceCorrelation",
    "CosineSimilarity",
    "LogCoshError",
    "MeanAbsoluteError",
    "MeanAbsolutePercentageError",
    "MeanSquaredError",
    "MeanSquaredLogarithmicError",
    "PearsonCorrelation",
    "R2Score",
    "RootMeanSquaredError",
    "concordance_correlation",
    "pearson_correlation",
]


@export("keras.metrics", "mse", "MSE")
class MeanSquaredError(FunctionMetric):
    """The mean of (y_true - y_pred)².

    Args:
        name: how reports call it.
        dtype: the type to count in.

    >>> MeanSquaredError()([[0.0, 1.0]], [[2.0, 1.0]])
    Tensor(2., dtype=float32)
    """

    _direction = "down"

    def __init__(self, name: str | None = "mean_squared_error", dtype: Any = None) -> None:
        super().__init__(losses.mean_squared_error, name, dtype)


@export("keras.metrics")
class RootMeanSquaredError(Mean):
    """The root of the mean of (y_true - y_pred)².

    Args:
        name: how reports call it.
        dtype: the type to count in.

    >>> RootMeanSquaredError()([[0.0, 1.0, 1.0, 1.0]], [[2.0, 1.0, 1.0, 1.0]])
    Tensor(1., dtype=float32)
    """

    _direction = "down"

    def __init__(self, name: str | None = "root_mean_squared_error", dtype: Any = None) -> None:
        super().__init__(name, dtype)

    def update_state(  # type: ignore[override]
        self, y_true: TensorLike, y_pred: TensorLike, sample_weight: TensorLike | None = None
    ) -> None:
        y_true, y_pred = squeeze_or_expand_to_same_rank(convert(y_true, self.dtype), convert(y_pred, self.dtype))
        super().update_state(ops.square(ops.subtract(y_pred, y_true)), sample_weight)

    def result(self) -> Any:
        return ops.sqrt(super().result())


@export("keras.metrics", "mae", "MAE")
class MeanAbsoluteError(FunctionMetric):
    """The mean of |y_true - y_pred|.

    Args:
        name: how reports call it.
        dtype: the type to count in.

    >>> MeanAbsoluteError()([[0.0, 1.0]], [[2.0, 1.0]])
    Tensor(1., dtype=float32)
    """

    _direction = "down"

    def __init__(self, name: str | None = "mean_absolute_error", dtype: Any = None) -> None:
        super().__init__(losses.mean_absolute_error, name, dtype)


@export("keras.metrics", "mape", "MAPE")
class MeanAbsolutePercentageError(FunctionMetric):
    """The mean of 100 · |y_true - y_pred| / |y_true|.

    Args:
        name: how reports call it.
        dtype: the type to count in.

    >>> MeanAbsolutePercentageError()([[2.0, 1.0]], [[1.0, 1.0]])
    Tensor(25., dtype=float32)
    """

    _direction = "down"

    def __init__(self, name: str | None = "mean_absolute_percentage_error", dtype: Any = None) -> None:
        super().__init__(losses.mean_absolute_percentage_error, name, dtype)


@export("keras.metrics", "msle", "MSLE")
class MeanSquaredLogarithmicError(FunctionMetric):
    """The mean of (log(1 + y_true) - log(1 + y_pred))².

    Args:
        name: how reports call it.
        dtype: the type to count in.

    >>> MeanSquaredLogarithmicError()([[1.0, 1.0]], [[1.0, 1.0]])
    Tensor(0., dtype=float32)
    """

    _direction = "down"

    def __init__(self, name: str | None = "mean_squared_logarithmic_error", dtype: Any = None) -> None:
        super().__init__(losses.mean_squared_logarithmic_error, name, dtype)


@export("keras.metrics")
class LogCoshError(FunctionMetric):
    """The mean of log(cosh(y_pred - y_true)).

    Args:
        name: how reports call it.
        dtype: the type to count in.

    >>> round(float(LogCoshError()([[0.0, 1.0]], [[1.0, 1.0]])), 4)
    0.2169
    """

    _direction = "down"

    def __init__(self, name: str | None = "logcosh", dtype: Any = None) -> None:
        super().__init__(losses.log_cosh, name, dtype)


def _cosine(y_true: TensorLike, y_pred: TensorLike, axis: int = -1) -> Any:
    """The cosine of the angle between both; the loss of that name is its negative."""
    return ops.negative(losses.cosine_similarity(y_true, y_pred, axis=axis))


@export("keras.metrics")
class CosineSimilarity(FunctionMetric):
    """The mean cosine of the angle between targets and outputs, 1 for the same direction.

    Args:
        name: how reports call it.
        dtype: the type to count in.
        axis: the axis along which the vectors lie.

    >>> CosineSimilarity()([[0.0, 1.0], [1.0, 0.0]], [[0.0, 2.0], [0.0, 1.0]])
    Tensor(0.5, dtype=float32)
    """

    _direction = "up"

    def __init__(self, name: str | None = "cosine_similarity", dtype: Any = None, axis: int = -1) -> None:
        super().__init__(_cosine, name, dtype, axis=axis)


# -- correlations --------------------------------------------------------------------------------------------


def pearson_correlation(y_true: TensorLike, y_pred: TensorLike, axis: int = -1) -> Any:
    """Pearson's correlation: the mean product of both, each brought to mean 0 and standard deviation 1.

    Args:
        y_true, y_pred: the same shape.
        axis: along which to correlate.

    >>> ops.round(pearson_correlation([[1.0, 2.0, 3.0]], [[2.0, 4.0, 6.0]]), 4)
    Tensor([1.], dtype=float32)
    """
    y_true, y_pred = squeeze_or_expand_to_same_rank(*tensors(y_true, y_pred))

    def standard(y: Any) -> Any:
        y = ops.subtract(y, ops.mean(y, axis=axis, keepdims=True))
        return ops.divide(y, ops.std(y, axis=axis, keepdims=True))

    return ops.mean(ops.multiply(standard(y_true), standard(y_pred)), axis=axis)


def concordance_correlation(y_true: TensorLike, y_pred: TensorLike, axis: int = -1) -> Any:
    """Lin's concordance: agreement with the line y_pred = y_true, 2 cov / (var + var + (mean - mean)²).

    Args:
        y_true, y_pred: the same shape.
        axis: along which to correlate.

    >>> ops.round(concordance_correlation([[1.0, 2.0, 3.0]], [[1.0, 2.0, 3.0]]), 4)
    Tensor([1.], dtype=float32)

    Source: Lin, "A Concordance Correlation Coefficient to Evaluate Reproducibility" (1989).
    """
    y_true, y_pred = squeeze_or_expand_to_same_rank(*tensors(y_true, y_pred))
    mean_true = ops.mean(y_true, axis=axis, keepdims=True)
    mean_pred = ops.mean(y_pred, axis=axis, keepdims=True)
    spread = ops.add(
        ops.var(ops.subtract(y_true, mean_true), axis=axis, keepdims=True),
        ops.var(ops.subtract(y_pred, mean_pred), axis=axis, keepdims=True),
    )
    # the deviation of y_true is taken from y_pred's mean, as Keras has it: the mean product is the same
    product = ops.multiply(ops.subtract(y_true, mean_pred), ops.subtract(y_pred, mean_pred))
    norm = ops.add(spread, ops.square(ops.subtract(mean_true, mean_pred)))
    return ops.mean(ops.divide(ops.multiply(product, 2.0), ops.add(norm, settings.epsilon())), axis=axis)


@export("keras.metrics")
class PearsonCorrelation(FunctionMetric):
    """The mean of Pearson's correlation over the samples.

    Args:
        name: how reports call it.
        dtype: the type to count in.
        axis: along which to correlate.
    """

    _direction = "up"
    _saved = ("axis",)

    def __init__(self, name: str | None = "pearson_correlation", dtype: Any = None, axis: int = -1) -> None:
        super().__init__(pearson_correlation, name, dtype, axis=axis)


@export("keras.metrics")
class ConcordanceCorrelation(FunctionMetric):
    """The mean of Lin's concordance correlation over the samples.

    Args:
        name: how reports call it.
        dtype: the type to count in.
        axis: along which to correlate.
    """

    _direction = "up"
    _saved = ("axis",)

    def __init__(self, name: str | None = "concordance_correlation", dtype: Any = None, axis: int = -1) -> None:
        super().__init__(concordance_correlation, name, dtype, axis=axis)


FUNCTIONS["pearson_correlation"] = pearson_correlation
FUNCTIONS["concordance_correlation"] = concordance_correlation


# -- R² ------------------------------------------------------------------------------------------------------

_AGGREGATIONS = (None, "uniform_average", "variance_weighted_average")


@export("keras.metrics")
class R2Score(Metric):
    """R²: the share of the targets' variance that the outputs explain.

    It is 1 - sum of squared errors / sum of squared deviations from the mean.

    Args:
        class_aggregation: the mean over the outputs ("uniform_average"), the mean weighted by their variance
            ("variance_weighted_average"), or ``None`` for one score each.
        num_regressors: the number of independent variables, for the adjusted score; 0 for the plain one.
        name: how reports call it.
        dtype: the type to count in.

    >>> round(float(R2Score()([[1.0], [4.0], [3.0]], [[2.0], [4.0], [4.0]])), 4)
    0.5714
    """

    _direction = "up"

    def __init__(
        self,
        class_aggregation: str | None = "uniform_average",
        num_regressors: int = 0,
        name: str | None = "r2_score",
        dtype: Any = None,
    ) -> None:
        super().__init__(dtype, name)
        if class_aggregation not in _AGGREGATIONS:
            raise ArgumentError(
                f"Invalid value for argument `class_aggregation`. Expected one of {_AGGREGATIONS}. "
                f"Received: class_aggregation={class_aggregation}"
            )
        if num_regressors < 0:
            raise ArgumentError(
                "Invalid value for argument `num_regressors`. Expected a value >= 0. "
                f"Received: num_regressors={num_regressors}"
            )
        self.class_aggregation, self.num_regressors = class_aggregation, num_regressors
        self.num_samples = self.add_variable((), "zeros", name="num_samples")
        self._built = False

    def _build(self, shape: tuple[int, ...], shape_pred: tuple[int, ...]) -> None:
        if len(shape) != 2 or len(shape_pred) != 2:
            raise ShapeError(
                "R2Score expects 2D inputs with shape (batch_size, output_dim). "
                f"Received input shapes: y_pred.shape={shape_pred} and y_true.shape={shape}."
            )
        self.squared_sum = self.add_variable(shape_pred[1:], "zeros", name="squared_sum")
        self.sum = self.add_variable(shape_pred[1:], "zeros", name="sum")
        self.total_mse = self.add_variable(shape_pred[1:], "zeros", name="residual")
        self.count = self.add_variable(shape_pred[1:], "zeros", name="count")
        self._built = True

    def update_state(self, y_true: TensorLike, y_pred: TensorLike, sample_weight: TensorLike | None = None) -> None:
        y_true, y_pred = squeeze_or_expand_to_same_rank(convert(y_true, self.dtype), convert(y_pred, self.dtype))
        if not self._built:
            self._build(y_true.shape, y_pred.shape)
        weight = convert(1.0 if sample_weight is None else sample_weight, self.dtype)
        if weight.ndim == 1:
            weight = ops.expand_dims(weight, axis=1)
        weight = ops.broadcast_to(weight, y_true.shape)
        weighted = ops.multiply(y_true, weight)
        errors = ops.multiply(ops.square(ops.subtract(y_true, y_pred)), weight)
        self.sum.assign_add(ops.sum(weighted, axis=0))
        self.squared_sum.assign_add(ops.sum(ops.multiply(y_true, weighted), axis=0))
        self.total_mse.assign_add(ops.sum(errors, axis=0))
        self.count.assign_add(ops.sum(weight, axis=0))
        self.num_samples.assign_add(float(y_true.size))

    def result(self) -> Any:
        if not self._built:
            raise ArgumentError("R2Score has no result before its first batch: call update_state() first.")
        total = ops.subtract(self.squared_sum, ops.multiply(self.sum, ops.divide(self.sum, self.count)))
        scores = ops.subtract(1.0, ops.divide(self.total_mse, total))
        score = ops.where(ops.isinf(scores), 0.0, scores)
        if self.class_aggregation == "uniform_average":
            score = ops.mean(score)
        elif self.class_aggregation == "variance_weighted_average":
            score = ops.divide(ops.sum(ops.multiply(total, score)), ops.sum(total))
        if not self.num_regressors:
            return score
        samples = float(self.num_samples.data)
        spare = samples - self.num_regressors - 1.0
        if samples == 0:
            return score
        if spare <= 0:
            warn_caller(
                "More independent predictors than datapoints in adjusted R2 score. Falling back to standard R2 score."
                if spare < 0
                else "Division by zero in Adjusted R2 score. Falling back to standard R2 score.",
            )
            return score
        share = (spare + self.num_regressors) / spare
        return ops.subtract(1.0, ops.multiply(ops.subtract(1.0, score), share))

    def get_config(self) -> Config:
        own = {"class_aggregation": self.class_aggregation, "num_regressors": self.num_regressors}
        return {**super().get_config(), **own}
