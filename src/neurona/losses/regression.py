"""Losses of numbers: how far predictions lie from targets.

The functions give one number for each sample (they work along the last axis); the classes add weights and
reduction.
"""

from __future__ import annotations

import math
from typing import Any, ClassVar

from neurona import config, ops
from neurona.losses.base import MODULE, FunctionLoss, broadcast, squeeze_or_expand_to_same_rank, tensors
from neurona.registry import Config, export
from neurona.tensor import TensorLike

__all__ = [
    "CosineSimilarity",
    "Huber",
    "LogCosh",
    "MeanAbsoluteError",
    "MeanAbsolutePercentageError",
    "MeanSquaredError",
    "MeanSquaredLogarithmicError",
    "cosine_similarity",
    "huber",
    "log_cosh",
    "mean_absolute_error",
    "mean_absolute_percentage_error",
    "mean_squared_error",
    "mean_squared_logarithmic_error",
]


def _pair(name: str, y_true: TensorLike, y_pred: TensorLike) -> tuple[Any, Any]:
    y_true, y_pred = squeeze_or_expand_to_same_rank(*tensors(y_true, y_pred))
    if y_true.shape != y_pred.shape:
        broadcast(name, y_true, y_pred)
    return y_true, y_pred


def mean_squared_error(y_true: TensorLike, y_pred: TensorLike) -> Any:
    """The mean square of the errors: mean_i (y_i - p_i)^2.

    Args:
        y_true: targets y, shape (..., C).
        y_pred: predictions p, shape (..., C).

    Returns:
        shape (...).

    Raises:
        ShapeError: shapes that do not fit.

    >>> mean_squared_error([[0.0, 1.0]], [[1.0, 3.0]])
    Tensor([2.5], dtype=float32)
    """
    y_true, y_pred = _pair("mean_squared_error", y_true, y_pred)
    return ops.mean(ops.square(ops.subtract(y_true, y_pred)), axis=-1)


def mean_absolute_error(y_true: TensorLike, y_pred: TensorLike) -> Any:
    """The mean size of the errors: mean_i |y_i - p_i|.

    Args, returns, raises: as `mean_squared_error`.

    >>> mean_absolute_error([[0.0, 1.0]], [[1.0, 3.0]])
    Tensor([1.5], dtype=float32)
    """
    y_true, y_pred = _pair("mean_absolute_error", y_true, y_pred)
    return ops.mean(ops.absolute(ops.subtract(y_true, y_pred)), axis=-1)


def mean_absolute_percentage_error(y_true: TensorLike, y_pred: TensorLike) -> Any:
    """The mean size of the errors in percent of the targets: 100 mean_i |y_i - p_i| / max(|y_i|, epsilon).

    Args, returns, raises: as `mean_squared_error`.

    >>> mean_absolute_percentage_error([[4.0, 2.0]], [[5.0, 2.0]])
    Tensor([12.5], dtype=float32)
    """
    y_true, y_pred = _pair("mean_absolute_percentage_error", y_true, y_pred)
    size = ops.maximum(ops.absolute(y_true), config.epsilon())
    share = ops.absolute(ops.divide(ops.subtract(y_true, y_pred), size))
    return ops.multiply(ops.mean(share, axis=-1), 100.0)


def mean_squared_logarithmic_error(y_true: TensorLike, y_pred: TensorLike) -> Any:
    """The mean square of the errors of log(1 + y): for targets that span several sizes.

    mean_i (log(1 + y_i) - log(1 + p_i))^2,  with y and p at least epsilon

    Args, returns, raises: as `mean_squared_error`.

    >>> mean_squared_logarithmic_error([[1.0, 3.0]], [[1.0, 3.0]])
    Tensor([0.], dtype=float32)
    """
    y_true, y_pred = _pair("mean_squared_logarithmic_error", y_true, y_pred)
    logs = [ops.log(ops.add(ops.maximum(y, config.epsilon()), 1.0)) for y in (y_pred, y_true)]
    return ops.mean(ops.square(ops.subtract(*logs)), axis=-1)


def huber(y_true: TensorLike, y_pred: TensorLike, delta: float = 1.0) -> Any:
    """Square near 0, straight further out: outliers pull with a bounded force.

    mean_i of  e^2 / 2  where |e| <= delta,  delta |e| - delta^2 / 2  elsewhere,   e = p_i - y_i

    Args:
        y_true, y_pred: shape (..., C).
        delta: where the line begins.

    >>> huber([[0.0, 0.0]], [[1.0, 3.0]])
    Tensor([1.5], dtype=float32)

    Source: Huber, "Robust estimation of a location parameter" (1964).
    """
    y_true, y_pred = _pair("huber", y_true, y_pred)
    size = ops.absolute(ops.subtract(y_pred, y_true))
    near = ops.minimum(size, delta)
    # both branches in one: with c = min(|e|, delta) the loss is c (|e| - c / 2)
    return ops.mean(ops.multiply(near, ops.subtract(size, ops.multiply(near, 0.5))), axis=-1)


def log_cosh(y_true: TensorLike, y_pred: TensorLike) -> Any:
    """The logarithm of the hyperbolic cosine of the errors: a smooth relative of `huber`.

    mean_i log cosh e,  computed as e + softplus(-2 e) - log 2,   e = p_i - y_i

    Args, returns, raises: as `mean_squared_error`.

    >>> log_cosh([[0.0]], [[0.0]])
    Tensor([0.], dtype=float32)
    """
    y_true, y_pred = _pair("log_cosh", y_true, y_pred)
    error = ops.subtract(y_pred, y_true)
    curve = ops.add(error, ops.softplus(ops.multiply(error, -2.0)))
    return ops.mean(ops.subtract(curve, math.log(2.0)), axis=-1)


def cosine_similarity(y_true: TensorLike, y_pred: TensorLike, axis: int = -1) -> Any:
    """Minus the cosine of the angle between the two: -1 for the same direction, 1 for the opposite one.

    Args:
        y_true, y_pred: vectors along `axis`.
        axis: the axis of the vectors.

    >>> cosine_similarity([[0.0, 1.0], [1.0, 0.0]], [[1.0, 0.0], [2.0, 0.0]])
    Tensor([-0., -1.], dtype=float32)
    """
    y_true, y_pred = _pair("cosine_similarity", y_true, y_pred)
    product = ops.multiply(ops.normalize(y_true, axis=axis), ops.normalize(y_pred, axis=axis))
    return ops.negative(ops.sum(product, axis=axis))


# -- the classes ---------------------------------------------------------------------------------------------

Reduction = str | None


@export(MODULE)
class MeanSquaredError(FunctionLoss):
    """`mean_squared_error` with weights and reduction.

    Args:
        reduction, name, dtype: see `Loss`.

    >>> MeanSquaredError()([[0.0, 1.0], [0.0, 0.0]], [[1.0, 3.0], [1.0, 0.0]])
    Tensor(1.5, dtype=float32)
    """

    def __init__(
        self,
        reduction: Reduction = "sum_over_batch_size",
        name: str = "mean_squared_error",
        dtype: Any = None,
    ) -> None:
        super().__init__(mean_squared_error, reduction, name, dtype)


@export(MODULE)
class MeanAbsoluteError(FunctionLoss):
    """`mean_absolute_error` with weights and reduction.

    Args:
        reduction, name, dtype: see `Loss`.

    >>> MeanAbsoluteError()([[0.0, 1.0]], [[1.0, 3.0]])
    Tensor(1.5, dtype=float32)
    """

    def __init__(
        self,
        reduction: Reduction = "sum_over_batch_size",
        name: str = "mean_absolute_error",
        dtype: Any = None,
    ) -> None:
        super().__init__(mean_absolute_error, reduction, name, dtype)


@export(MODULE)
class MeanAbsolutePercentageError(FunctionLoss):
    """`mean_absolute_percentage_error` with weights and reduction.

    Args:
        reduction, name, dtype: see `Loss`.

    >>> MeanAbsolutePercentageError()([[4.0, 2.0]], [[5.0, 2.0]])
    Tensor(12.5, dtype=float32)
    """

    def __init__(
        self,
        reduction: Reduction = "sum_over_batch_size",
        name: str = "mean_absolute_percentage_error",
        dtype: Any = None,
    ) -> None:
        super().__init__(mean_absolute_percentage_error, reduction, name, dtype)


@export(MODULE)
class MeanSquaredLogarithmicError(FunctionLoss):
    """`mean_squared_logarithmic_error` with weights and reduction.

    Args:
        reduction, name, dtype: see `Loss`.

    >>> MeanSquaredLogarithmicError()([[1.0, 3.0]], [[1.0, 3.0]])
    Tensor(0., dtype=float32)
    """

    def __init__(
        self,
        reduction: Reduction = "sum_over_batch_size",
        name: str = "mean_squared_logarithmic_error",
        dtype: Any = None,
    ) -> None:
        super().__init__(mean_squared_logarithmic_error, reduction, name, dtype)


@export(MODULE)
class Huber(FunctionLoss):
    """`huber` with weights and reduction.

    Args:
        delta: where the line begins.
        reduction, name, dtype: see `Loss`.

    >>> Huber()([[0.0, 0.0]], [[1.0, 3.0]])
    Tensor(1.5, dtype=float32)
    """

    UNSAVED: ClassVar[Config] = {"delta": 1.0}

    def __init__(
        self,
        delta: float = 1.0,
        reduction: Reduction = "sum_over_batch_size",
        name: str = "huber_loss",
        dtype: Any = None,
    ) -> None:
        super().__init__(huber, reduction, name, dtype, delta=delta)


@export(MODULE)
class LogCosh(FunctionLoss):
    """`log_cosh` with weights and reduction.

    Args:
        reduction, name, dtype: see `Loss`.

    >>> LogCosh()([[0.0]], [[0.0]])
    Tensor(0., dtype=float32)
    """

    def __init__(self, reduction: Reduction = "sum_over_batch_size", name: str = "log_cosh", dtype: Any = None) -> None:
        super().__init__(log_cosh, reduction, name, dtype)


@export(MODULE)
class CosineSimilarity(FunctionLoss):
    """`cosine_similarity` with weights and reduction.

    Args:
        axis: the axis of the vectors.
        reduction, name, dtype: see `Loss`.

    >>> CosineSimilarity()([[0.0, 1.0]], [[0.0, 2.0]])
    Tensor(-1., dtype=float32)
    """

    UNSAVED: ClassVar[Config] = {"axis": -1}

    def __init__(
        self,
        axis: int = -1,
        reduction: Reduction = "sum_over_batch_size",
        name: str = "cosine_similarity",
        dtype: Any = None,
    ) -> None:
        super().__init__(cosine_similarity, reduction, name, dtype, axis=axis)
