"""Focal crossentropies: what is already predicted well counts less, so rare and hard samples are heard.

Source: Lin et al., "Focal loss for dense object detection" (2017).
"""

from __future__ import annotations

from typing import Any

from neurona import ops
from neurona.losses.base import MODULE, FunctionLoss, same_shape, tensors
from neurona.losses.crossentropy import class_targets, clip_probabilities, cost_of_bits, smooth_bits
from neurona.registry import export
from neurona.tensor import TensorLike

__all__ = [
    "BinaryFocalCrossentropy",
    "CategoricalFocalCrossentropy",
    "binary_focal_crossentropy",
    "categorical_focal_crossentropy",
]


def binary_focal_crossentropy(
    y_true: TensorLike,
    y_pred: TensorLike,
    apply_class_balancing: bool = False,
    alpha: float = 0.25,
    gamma: float = 2.0,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> Any:
    """The binary crossentropy of each element times (1 - p_t)^gamma, averaged.

    p_t = y p + (1 - y)(1 - p): the probability given to what happened

    Args:
        y_true: 0 or 1, shape (..., C).
        y_pred: probabilities p, or logits, shape (..., C).
        apply_class_balancing: also multiply by alpha where y is 1 and by 1 - alpha where it is 0.
        alpha: the weight of class 1.
        gamma: how strongly easy elements fade; 0 gives the plain crossentropy.
        from_logits, label_smoothing, axis: as in `binary_crossentropy`.

    Returns:
        shape (...).

    Raises:
        ShapeError: the shapes differ.

    >>> binary_focal_crossentropy([[1.0, 0.0]], [[0.5, 0.5]])
    Tensor([0.1732868], dtype=float32)
    """
    y_true, y_pred = tensors(y_true, y_pred)
    if y_true.shape != y_pred.shape:
        same_shape("binary_focal_crossentropy", y_true, y_pred)
    y_true = smooth_bits(y_true, label_smoothing)
    p = ops.sigmoid(y_pred) if from_logits else y_pred
    not_true, not_p = ops.subtract(1.0, y_true), ops.subtract(1.0, p)
    p_t = ops.add(ops.multiply(y_true, p), ops.multiply(not_true, not_p))
    cost = ops.multiply(ops.power(ops.subtract(1.0, p_t), gamma), cost_of_bits(y_true, p))
    if apply_class_balancing:
        balance = ops.add(ops.multiply(y_true, alpha), ops.multiply(not_true, 1.0 - alpha))
        cost = ops.multiply(balance, cost)
    return ops.mean(cost, axis=axis)


def categorical_focal_crossentropy(
    y_true: TensorLike,
    y_pred: TensorLike,
    alpha: float = 0.25,
    gamma: float = 2.0,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> Any:
    """The crossentropy of each class times alpha (1 - p_j)^gamma: -sum_j alpha (1 - p_j)^gamma y_j log p_j.

    Args:
        y_true: one-hot rows or distributions y, shape (..., C).
        y_pred: probabilities p (divided by their sum first), or logits, shape (..., C).
        alpha: a number, or one for each class.
        gamma: how strongly easy samples fade.
        from_logits, label_smoothing, axis: as in `categorical_crossentropy`.

    Returns:
        shape (...).

    Raises:
        ShapeError: the shapes differ.

    >>> categorical_focal_crossentropy([[0.0, 1.0]], [[0.5, 0.5]])
    Tensor([0.0433217], dtype=float32)
    """
    name = "categorical_focal_crossentropy"
    y_true, y_pred = class_targets(name, y_true, y_pred, label_smoothing, axis)
    if from_logits:
        y_pred = ops.softmax(y_pred, axis=axis)
    p = clip_probabilities(ops.divide(y_pred, ops.sum(y_pred, axis=axis, keepdims=True)))
    factor = ops.multiply(ops.power(ops.subtract(1.0, p), gamma), alpha)
    cost = ops.multiply(factor, ops.multiply(y_true, ops.log(p)))
    return ops.negative(ops.sum(cost, axis=axis))


# -- the classes ---------------------------------------------------------------------------------------------

Reduction = str | None


@export(MODULE)
class BinaryFocalCrossentropy(FunctionLoss):
    """`binary_focal_crossentropy` with weights and reduction.

    Args:
        apply_class_balancing, alpha, gamma, from_logits, label_smoothing, axis: see the function.
        reduction, name, dtype: see `Loss`.

    >>> BinaryFocalCrossentropy(gamma=0.0)([[1.0], [0.0]], [[0.5], [0.5]])
    Tensor(0.6931472, dtype=float32)
    """

    def __init__(
        self,
        apply_class_balancing: bool = False,
        alpha: float = 0.25,
        gamma: float = 2.0,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: Reduction = "sum_over_batch_size",
        name: str = "binary_focal_crossentropy",
        dtype: Any = None,
    ) -> None:
        super().__init__(
            binary_focal_crossentropy,
            reduction,
            name,
            dtype,
            from_logits=from_logits,
            label_smoothing=label_smoothing,
            axis=axis,
            apply_class_balancing=apply_class_balancing,
            alpha=alpha,
            gamma=gamma,
        )


@export(MODULE)
class CategoricalFocalCrossentropy(FunctionLoss):
    """`categorical_focal_crossentropy` with weights and reduction.

    Args:
        alpha, gamma, from_logits, label_smoothing, axis: see the function.
        reduction, name, dtype: see `Loss`.

    >>> CategoricalFocalCrossentropy(alpha=1.0, gamma=0.0)([[0.0, 1.0]], [[0.5, 0.5]])
    Tensor(0.6931472, dtype=float32)
    """

    def __init__(
        self,
        alpha: float = 0.25,
        gamma: float = 2.0,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: Reduction = "sum_over_batch_size",
        name: str = "categorical_focal_crossentropy",
        dtype: Any = None,
    ) -> None:
        super().__init__(
            categorical_focal_crossentropy,
            reduction,
            name,
            dtype,
            from_logits=from_logits,
            label_smoothing=label_smoothing,
            axis=axis,
            alpha=alpha,
            gamma=gamma,
        )
