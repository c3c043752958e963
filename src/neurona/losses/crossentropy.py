"""Crossentropies: the price of a probability, -log p of what really happened; binary, categorical and sparse.

From logits (numbers before softmax or sigmoid) they are exact for any size of number; from probabilities
these are kept epsilon away from 0 and 1. Softmax and crossentropy along the last axis are one op,
`neurona.ops.fused`.

Source: Goodfellow, Bengio & Courville, "Deep Learning" (2016), sections 3.13 and 6.2.2.
"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from neurona import config, ops
from neurona.errors import ArgumentError, ShapeError
from neurona.losses.base import MODULE, FunctionLoss, convert, same_shape, tensors
from neurona.ops.fused import softmax_crossentropy, sparse_softmax_crossentropy
from neurona.registry import Config, export
from neurona.tensor import TensorLike
from neurona.warn import warn_caller

__all__ = [
    "BinaryCrossentropy",
    "CategoricalCrossentropy",
    "SparseCategoricalCrossentropy",
    "binary_crossentropy",
    "categorical_crossentropy",
    "class_targets",
    "clip_probabilities",
    "cost_of_bits",
    "sparse_categorical_crossentropy",
]


# -- what the focal losses share with these ------------------------------------------------------------------


def clip_probabilities(p: Any) -> Any:
    """Probabilities kept epsilon away from 0 and 1, where logarithms are finite."""
    return ops.clip(p, config.epsilon(), 1.0 - config.epsilon())


def smooth_bits(y_true: Any, label_smoothing: float) -> Any:
    """Targets of 0 and 1, moved towards 1/2 by the share `label_smoothing`."""
    if not label_smoothing:
        return y_true
    return ops.add(ops.multiply(y_true, 1.0 - label_smoothing), 0.5 * label_smoothing)


def cost_of_bits(y_true: Any, p: Any) -> Any:
    """-(y log p + (1 - y) log(1 - p)), element by element."""
    p = clip_probabilities(p)
    happened = ops.multiply(y_true, ops.log(p))
    rest = ops.multiply(ops.subtract(1.0, y_true), ops.log(ops.subtract(1.0, p)))
    return ops.negative(ops.add(happened, rest))


def class_targets(
    name: str, y_true: TensorLike, y_pred: TensorLike, label_smoothing: float, axis: Any
) -> tuple[Any, Any]:
    """Targets and predictions of classes as tensors of one shape, the targets smoothed."""
    if isinstance(axis, bool) or not isinstance(axis, (int, np.integer)):
        raise ArgumentError(f"{name} expected `axis` to be an integer. Received: axis={axis!r}.")
    y_true, y_pred = tensors(y_true, y_pred)
    if y_true.shape != y_pred.shape:
        same_shape(name, y_true, y_pred)
    if y_pred.shape[-1:] == (1,):
        warn_caller(
            f"{name} expected predictions of several classes. Received: y_pred.shape={y_pred.shape}; "
            "for one class the loss is always 0. Use binary_crossentropy for one yes-or-no question.",
            SyntaxWarning,
        )
    if label_smoothing:
        share = label_smoothing / y_true.shape[-1]
        y_true = ops.add(ops.multiply(y_true, 1.0 - label_smoothing), share)
    return y_true, y_pred


# -- the functions -------------------------------------------------------------------------------------------


def binary_crossentropy(
    y_true: TensorLike,
    y_pred: TensorLike,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> Any:
    """Crossentropy of yes-or-no questions: mean_i of -(y_i log p_i + (1 - y_i) log(1 - p_i)).

    Args:
        y_true: 0 or 1 (or a probability between), shape (..., C).
        y_pred: probabilities p, or logits x with p = sigmoid(x), shape (..., C).
        from_logits: whether `y_pred` are logits.
        label_smoothing: the share by which targets move towards 1/2.
        axis: the axis of the mean.

    Returns:
        shape (...).

    Raises:
        ShapeError: the shapes differ.

    >>> binary_crossentropy([[1.0, 0.0]], [[0.5, 0.5]])
    Tensor([0.6931472], dtype=float32)
    >>> binary_crossentropy([[1.0, 0.0]], [[1000.0, 0.0]], from_logits=True)
    Tensor([0.3465736], dtype=float32)
    """
    y_true, y_pred = tensors(y_true, y_pred)
    if y_true.shape != y_pred.shape:
        same_shape("binary_crossentropy", y_true, y_pred)
    y_true = smooth_bits(y_true, label_smoothing)
    if from_logits:
        # -log sigmoid(x) = softplus(x) - x, and -log(1 - sigmoid(x)) = softplus(x)
        cost = ops.subtract(ops.softplus(y_pred), ops.multiply(y_true, y_pred))
    else:
        cost = cost_of_bits(y_true, y_pred)
    return ops.mean(cost, axis=axis)


def categorical_crossentropy(
    y_true: TensorLike,
    y_pred: TensorLike,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> Any:
    """Crossentropy between distributions over classes: -sum_j y_j log p_j.

    Args:
        y_true: one-hot rows or distributions y, shape (..., C).
        y_pred: probabilities p (divided by their sum first), or logits x with p = softmax(x), shape (..., C).
        from_logits: whether `y_pred` are logits.
        label_smoothing: the share by which targets move towards the uniform distribution.
        axis: the axis of the classes.

    Returns:
        shape (...).

    Raises:
        ShapeError: the shapes differ.

    >>> categorical_crossentropy([[0.0, 1.0]], [[0.5, 0.5]])
    Tensor([0.6931472], dtype=float32)
    >>> categorical_crossentropy([[0.0, 1.0]], [[3.0, 3.0]], from_logits=True)
    Tensor([0.6931472], dtype=float32)
    """
    y_true, y_pred = class_targets("categorical_crossentropy", y_true, y_pred, label_smoothing, axis)
    if from_logits:
        if axis not in (-1, len(y_pred.shape) - 1):
            logs = ops.log_softmax(y_pred, axis=axis)
            return ops.negative(ops.sum(ops.multiply(y_true, logs), axis=axis))
        return softmax_crossentropy(y_pred, y_true)[0]
    p = ops.divide(y_pred, ops.sum(y_pred, axis=axis, keepdims=True))
    return ops.negative(ops.sum(ops.multiply(y_true, ops.log(clip_probabilities(p))), axis=axis))


def sparse_categorical_crossentropy(
    y_true: TensorLike,
    y_pred: TensorLike,
    from_logits: bool = False,
    ignore_class: int | None = None,
    axis: int = -1,
) -> Any:
    """Crossentropy of classes given by their numbers: -log p of the true class.

    Args:
        y_true: class numbers from 0 to C - 1, shape (...) or (..., 1).
        y_pred: probabilities p, or logits x with p = softmax(x), shape (..., C).
        from_logits: whether `y_pred` are logits.
        ignore_class: a number that stands for "no label": such places cost nothing and do not count in a
            mean.
        axis: the axis of the classes.

    Returns:
        shape (...).

    Raises:
        ShapeError: the shapes do not fit; for one-hot targets the loss for those is named.
        ArgumentError: a number outside 0 ... C - 1.

    >>> sparse_categorical_crossentropy([1, 0], [[0.5, 0.5], [0.25, 0.75]])
    Tensor([0.6931472, 1.3862944], dtype=float32)
    """
    y_true, y_pred = convert(y_true), convert(y_pred)
    if np.dtype(y_pred.dtype).kind != "f":
        y_pred = convert(y_pred, config.floatx())
    rank = len(y_pred.shape)
    if axis not in (-1, rank - 1):
        y_pred = ops.moveaxis(y_pred, axis, -1)
        if len(y_true.shape) == rank and y_true.shape[axis] == 1:
            y_true = ops.squeeze(y_true, axis=axis)
    elif len(y_true.shape) == rank and y_true.shape[-1] == 1:
        y_true = ops.squeeze(y_true, axis=-1)
    if y_true.shape != y_pred.shape[:-1]:
        _check_labels(y_true.shape, y_pred.shape)
    if np.dtype(y_true.dtype).kind not in "iu":
        y_true = convert(y_true, "int32")
    valid = None
    if ignore_class is not None:
        valid = ops.not_equal(y_true, int(ignore_class))
        y_true = ops.where(valid, y_true, 0)
        # what is predicted at ignored places must not matter, not even NaN
        y_pred = ops.where(ops.expand_dims(valid, axis=-1), y_pred, 0.0 if from_logits else 1.0)
    logits = y_pred if from_logits else ops.log(clip_probabilities(y_pred))  # softmax undoes the logarithm
    losses = sparse_softmax_crossentropy(logits, y_true)[0]
    if valid is not None:
        losses = ops.where(valid, losses, 0.0)
        losses._keras_mask = valid
    return losses


sparse_categorical_crossentropy.takes_integers = True  # type: ignore[attr-defined]


def _check_labels(labels: tuple[int | None, ...], predictions: tuple[int | None, ...]) -> None:
    expected = predictions[:-1]
    if len(labels) == len(expected) and all(n == m or None in (n, m) for n, m in zip(labels, expected, strict=True)):
        return
    advice = "Each sample needs one class number."
    if labels == predictions:
        advice = "These look like one-hot rows: use categorical_crossentropy, or give the numbers of the classes."
    raise ShapeError(
        f"sparse_categorical_crossentropy expected class numbers of shape {expected} for predictions of "
        f"shape {predictions}. Received: y_true.shape={labels}, y_pred.shape={predictions}. {advice}"
    )


# -- the classes ---------------------------------------------------------------------------------------------

Reduction = str | None


@export(MODULE)
class BinaryCrossentropy(FunctionLoss):
    """`binary_crossentropy` with weights and reduction.

    Args:
        from_logits, label_smoothing, axis: see the function.
        reduction, name, dtype: see `Loss`.

    >>> BinaryCrossentropy()([[1.0], [0.0]], [[0.5], [0.5]])
    Tensor(0.6931472, dtype=float32)
    """

    def __init__(
        self,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: Reduction = "sum_over_batch_size",
        name: str = "binary_crossentropy",
        dtype: Any = None,
    ) -> None:
        given = {"from_logits": from_logits, "label_smoothing": label_smoothing, "axis": axis}
        super().__init__(binary_crossentropy, reduction, name, dtype, **given)


@export(MODULE)
class CategoricalCrossentropy(FunctionLoss):
    """`categorical_crossentropy` with weights and reduction.

    Args:
        from_logits, label_smoothing, axis: see the function.
        reduction, name, dtype: see `Loss`.

    >>> CategoricalCrossentropy()([[0.0, 1.0], [1.0, 0.0]], [[0.5, 0.5], [0.5, 0.5]])
    Tensor(0.6931472, dtype=float32)
    """

    def __init__(
        self,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: Reduction = "sum_over_batch_size",
        name: str = "categorical_crossentropy",
        dtype: Any = None,
    ) -> None:
        given = {"from_logits": from_logits, "label_smoothing": label_smoothing, "axis": axis}
        super().__init__(categorical_crossentropy, reduction, name, dtype, **given)


@export(MODULE)
class SparseCategoricalCrossentropy(FunctionLoss):
    """`sparse_categorical_crossentropy` with weights and reduction.

    Args:
        from_logits, ignore_class, axis: see the function.
        reduction, name, dtype: see `Loss`.

    >>> SparseCategoricalCrossentropy(ignore_class=-1)([1, -1], [[0.5, 0.5], [0.9, 0.1]])
    Tensor(0.6931472, dtype=float32)
    """

    UNSAVED: ClassVar[Config] = {"axis": -1}

    def __init__(
        self,
        from_logits: bool = False,
        ignore_class: int | None = None,
        reduction: Reduction = "sum_over_batch_size",
        axis: int = -1,
        name: str = "sparse_categorical_crossentropy",
        dtype: Any = None,
    ) -> None:
        given = {"from_logits": from_logits, "ignore_class": ignore_class, "axis": axis}
        super().__init__(sparse_categorical_crossentropy, reduction, name, dtype, **given)
