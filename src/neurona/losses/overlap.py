"""Losses of regions and of neighbourhoods: Dice and Tversky compare masks, Circle compares embeddings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from neurona import config, ops
from neurona.errors import ShapeError
from neurona.losses.base import MODULE, FunctionLoss, broadcast, convert, tensors
from neurona.registry import export
from neurona.tensor import TensorLike

__all__ = ["Circle", "Dice", "Tversky", "circle", "dice", "tversky"]

Axis = int | Sequence[int] | None


def _masks(name: str, y_true: TensorLike, y_pred: TensorLike, axis: Axis) -> tuple[Any, Any, Any]:
    y_true, y_pred = tensors(y_true, y_pred)
    if y_true.shape != y_pred.shape:
        broadcast(name, y_true, y_pred)
    return y_true, y_pred, axis if axis is None or isinstance(axis, int) else tuple(axis)


def dice(y_true: TensorLike, y_pred: TensorLike, axis: Axis = None) -> Any:
    """How far two masks are from covering each other: 1 - 2 sum(y p) / (sum y + sum p + epsilon).

    Args:
        y_true: the mask y, 0 or 1.
        y_pred: probabilities p, of the same shape.
        axis: the axes to sum over; all of them by default, so the batch gives one number.

    Returns:
        the shape without those axes.

    Raises:
        ShapeError: shapes that do not fit.

    >>> dice([[1.0, 0.0]], [[1.0, 2.0]])
    Tensor(0.5, dtype=float32)

    Source: Milletari, Navab & Ahmadi, "V-Net" (2016).
    """
    y, p, axes = _masks("dice", y_true, y_pred, axis)
    shared = ops.multiply(ops.sum(ops.multiply(y, p), axis=axes), 2.0)
    sizes = ops.add(ops.add(ops.sum(y, axis=axes), ops.sum(p, axis=axes)), config.epsilon())
    return ops.subtract(1.0, ops.divide(shared, sizes))


def tversky(y_true: TensorLike, y_pred: TensorLike, alpha: float = 0.5, beta: float = 0.5, axis: Axis = None) -> Any:
    """`dice` with a price for each kind of error: 1 - tp / (tp + alpha a + beta b + epsilon).

    tp = sum y p,   a = sum y (1 - p): what was missed,   b = sum (1 - y) p: what was invented

    Args:
        y_true: the mask y, 0 or 1.
        y_pred: probabilities p, of the same shape.
        alpha, beta: the prices.
        axis: the axes to sum over; all of them by default.

    Returns:
        the shape without those axes.

    Raises:
        ShapeError: shapes that do not fit.

    >>> tversky([[1.0, 0.0]], [[1.0, 1.0]], alpha=0.0, beta=1.0)
    Tensor(0.5, dtype=float32)

    Source: Salehi, Erdogmus & Gholipour, "Tversky loss function for image segmentation" (2017).
    """
    y, p, axes = _masks("tversky", y_true, y_pred, axis)
    hit = ops.sum(ops.multiply(y, p), axis=axes)
    missed = ops.sum(ops.multiply(ops.subtract(1.0, p), y), axis=axes)
    invented = ops.sum(ops.multiply(p, ops.subtract(1.0, y)), axis=axes)
    errors = ops.add(ops.multiply(missed, alpha), ops.multiply(invented, beta))
    return ops.subtract(1.0, ops.divide(hit, ops.add(ops.add(hit, errors), config.epsilon())))


def circle(
    y_true: TensorLike,
    y_pred: TensorLike,
    ref_labels: TensorLike | None = None,
    ref_embeddings: TensorLike | None = None,
    remove_diagonal: bool = True,
    gamma: float = 80,
    margin: float = 0.4,
) -> Any:
    """Brings embeddings of one class together and pushes those of other classes apart.

    d = 1 - cosine;   loss = softplus(logsumexp(gamma (m + d)+ (d - m)  over the same class)
                                      + logsumexp(gamma (1 + m - d)+ (1 - m - d)  over other classes))

    Args:
        y_true: class numbers, shape (N,) or (N, 1).
        y_pred: embeddings of length 1, shape (N, C).
        ref_labels, ref_embeddings: what to compare with, (M,) and (M, C); the batch itself by default.
        remove_diagonal: leave out the comparison of each embedding with itself.
        gamma: the scale.
        margin: m.

    Returns:
        shape (N,). Samples whose loss is 0 do not count in a mean.

    Raises:
        ShapeError: no matrix of embeddings, or labels that do not fit it.

    >>> circle([0, 0], [[1.0, 0.0], [1.0, 0.0]]).shape
    (2,)

    Source: Sun et al., "Circle loss" (2020).
    """
    y_pred = convert(y_pred)
    refs = y_pred if ref_embeddings is None else convert(ref_embeddings, y_pred.dtype)
    labels = _label_column(convert(y_true, "int32"), y_pred)
    ref_column = labels if ref_labels is None else _label_column(convert(ref_labels, "int32"), refs)
    d = ops.relu(ops.subtract(1.0, ops.matmul(y_pred, ops.transpose(refs))))  # (N, C) @ (C, M) -> (N, M)
    same = ops.equal(labels, ops.transpose(ref_column))
    other = ops.logical_not(same)
    if remove_diagonal:
        self_pairs = ops.eye(y_pred.shape[0], refs.shape[0], dtype="bool")
        same = ops.logical_and(same, ops.logical_not(self_pairs))
    pull = ops.multiply(ops.relu(ops.add(d, margin)), ops.subtract(d, margin))
    push = ops.multiply(ops.relu(ops.subtract(1.0 + margin, d)), ops.subtract(1.0 - margin, d))
    parts = [
        ops.logsumexp(ops.where(pairs, ops.multiply(force, gamma), float("-inf")), axis=1)
        for pairs, force in ((same, pull), (other, push))
    ]
    losses = ops.softplus(ops.add(*parts))
    losses._keras_mask = ops.greater(losses, 0.0)
    return losses


circle.takes_integers = True  # type: ignore[attr-defined]


def _label_column(labels: Any, embeddings: Any) -> Any:
    shape = embeddings.shape
    if len(shape) != 2:
        raise ShapeError(f"circle expected embeddings of shape (samples, features). Received: y_pred.shape={shape}.")
    if labels.shape == (shape[0], 1):
        return labels
    if labels.shape != shape[:1]:
        raise ShapeError(f"circle expected class numbers of shape {shape[:1]}. Received: y_true.shape={labels.shape}.")
    return ops.expand_dims(labels, axis=1)


# -- the classes ---------------------------------------------------------------------------------------------

Reduction = str | None


@export(MODULE)
class Dice(FunctionLoss):
    """`dice` with weights and reduction.

    Args:
        reduction, name: see `Loss`.
        axis: see the function.
        dtype: see `Loss`.

    >>> Dice()([[1.0, 0.0]], [[1.0, 2.0]])
    Tensor(0.5, dtype=float32)
    """

    def __init__(
        self,
        reduction: Reduction = "sum_over_batch_size",
        name: str = "dice",
        axis: Axis = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(dice, reduction, name, dtype, axis=axis)


@export(MODULE)
class Tversky(FunctionLoss):
    """`tversky` with weights and reduction.

    Args:
        alpha, beta: see the function.
        reduction, name: see `Loss`.
        axis: see the function.
        dtype: see `Loss`.

    >>> Tversky(alpha=0.0, beta=1.0)([[1.0, 0.0]], [[1.0, 1.0]])
    Tensor(0.5, dtype=float32)
    """

    def __init__(
        self,
        alpha: float = 0.5,
        beta: float = 0.5,
        reduction: Reduction = "sum_over_batch_size",
        name: str = "tversky",
        axis: Axis = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(tversky, reduction, name, dtype, alpha=alpha, beta=beta, axis=axis)


@export(MODULE)
class Circle(FunctionLoss):
    """`circle` with weights and reduction.

    Args:
        gamma, margin, remove_diagonal: see the function.
        reduction, name, dtype: see `Loss`.

    >>> float(Circle()([0, 1], [[1.0, 0.0], [-1.0, 0.0]])) >= 0.0
    True
    """

    def __init__(
        self,
        gamma: float = 80.0,
        margin: float = 0.4,
        remove_diagonal: bool = True,
        reduction: Reduction = "sum_over_batch_size",
        name: str = "circle",
        dtype: Any = None,
    ) -> None:
        given = {"gamma": gamma, "margin": margin, "remove_diagonal": remove_diagonal}
        super().__init__(circle, reduction, name, dtype, **given)
