"""Losses with a margin: a prediction costs nothing once it is right by a good distance."""

from __future__ import annotations

from typing import Any

from neurona import ops
from neurona.losses.base import MODULE, FunctionLoss, broadcast, same_shape, tensors
from neurona.registry import export
from neurona.tensor import TensorLike

__all__ = ["CategoricalHinge", "Hinge", "SquaredHinge", "categorical_hinge", "hinge", "squared_hinge"]


def _signs(y_true: Any) -> Any:
    """Targets of 0 and 1 as -1 and 1; others as they are. An op decides which: recordings repeat it."""
    all_bits = ops.all(ops.equal(ops.square(y_true), y_true))  # only 0 and 1 are their own square
    return ops.where(all_bits, ops.subtract(ops.multiply(y_true, 2.0), 1.0), y_true)


def _shortfall(name: str, y_true: TensorLike, y_pred: TensorLike) -> Any:
    y_true, y_pred = tensors(y_true, y_pred)
    if y_true.shape != y_pred.shape:
        broadcast(name, y_true, y_pred)
    return ops.relu(ops.subtract(1.0, ops.multiply(_signs(y_true), y_pred)))


def hinge(y_true: TensorLike, y_pred: TensorLike) -> Any:
    """How far predictions fall short of the margin 1: mean_i max(1 - y_i p_i, 0).

    Args:
        y_true: -1 or 1 (or 0 or 1, which become these), shape (..., C).
        y_pred: any numbers p, shape (..., C).

    Returns:
        shape (...).

    Raises:
        ShapeError: shapes that do not fit.

    >>> hinge([[1.0, -1.0]], [[0.5, -3.0]])
    Tensor([0.25], dtype=float32)
    """
    return ops.mean(_shortfall("hinge", y_true, y_pred), axis=-1)


def squared_hinge(y_true: TensorLike, y_pred: TensorLike) -> Any:
    """The square of what `hinge` measures: mean_i max(1 - y_i p_i, 0)^2.

    Args, returns, raises: as `hinge`.

    >>> squared_hinge([[1.0, -1.0]], [[0.5, -3.0]])
    Tensor([0.125], dtype=float32)
    """
    return ops.mean(ops.square(_shortfall("squared_hinge", y_true, y_pred)), axis=-1)


def categorical_hinge(y_true: TensorLike, y_pred: TensorLike) -> Any:
    """How far the true class falls short of the best other one: max(neg - pos + 1, 0).

    pos = sum_j y_j p_j,   neg = max_j (1 - y_j) p_j

    Args:
        y_true: one-hot, shape (..., C).
        y_pred: any numbers p, shape (..., C).

    Returns:
        shape (...).

    >>> categorical_hinge([[0.0, 1.0]], [[0.5, 1.0]])
    Tensor([0.5], dtype=float32)
    """
    y_true, y_pred = tensors(y_true, y_pred)
    if y_true.shape != y_pred.shape:
        same_shape("categorical_hinge", y_true, y_pred)
    right = ops.sum(ops.multiply(y_true, y_pred), axis=-1)
    best_wrong = ops.max(ops.multiply(ops.subtract(1.0, y_true), y_pred), axis=-1)
    return ops.relu(ops.add(ops.subtract(best_wrong, right), 1.0))


# -- the classes ---------------------------------------------------------------------------------------------

Reduction = str | None


@export(MODULE)
class Hinge(FunctionLoss):
    """`hinge` with weights and reduction.

    Args:
        reduction, name, dtype: see `Loss`.

    >>> Hinge()([[1.0, 0.0]], [[0.5, -3.0]])
    Tensor(0.25, dtype=float32)
    """

    def __init__(self, reduction: Reduction = "sum_over_batch_size", name: str = "hinge", dtype: Any = None) -> None:
        super().__init__(hinge, reduction, name, dtype)


@export(MODULE)
class SquaredHinge(FunctionLoss):
    """`squared_hinge` with weights and reduction.

    Args:
        reduction, name, dtype: see `Loss`.

    >>> SquaredHinge()([[1.0, 0.0]], [[0.5, -3.0]])
    Tensor(0.125, dtype=float32)
    """

    def __init__(
        self, reduction: Reduction = "sum_over_batch_size", name: str = "squared_hinge", dtype: Any = None
    ) -> None:
        super().__init__(squared_hinge, reduction, name, dtype)


@export(MODULE)
class CategoricalHinge(FunctionLoss):
    """`categorical_hinge` with weights and reduction.

    Args:
        reduction, name, dtype: see `Loss`.

    >>> CategoricalHinge()([[0.0, 1.0]], [[0.5, 1.0]])
    Tensor(0.5, dtype=float32)
    """

    def __init__(
        self, reduction: Reduction = "sum_over_batch_size", name: str = "categorical_hinge", dtype: Any = None
    ) -> None:
        super().__init__(categorical_hinge, reduction, name, dtype)
