"""Counts of true and false positives and negatives at thresholds: what precision, recall and AUC are made of.

All four counts of a batch come from one op. Evenly spaced thresholds, of which AUC has 200, are counted by
sorting each prediction into the bucket between two thresholds, once; others by comparing with each threshold.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from neurona import config as settings
from neurona import ops
from neurona.cases import A, Case, Failure
from neurona.errors import ArgumentError, ShapeError
from neurona.losses.base import convert, squeeze_or_expand_to_same_rank
from neurona.tape import op
from neurona.tensor import Array, TensorLike
from neurona.variable import Variable

__all__ = ["add_counts", "confusion_counts", "evenly_spread", "keep_top_k", "read_thresholds"]

LOWEST = -1e10  # stands below every prediction


@op(
    cases=[
        Case(A("N", 0, 2, "int"), A("N", 0.0, 1.0)),
        Case(A("N C", 0, 2, "int"), A("N C", 0.0, 1.0), A("N 1", 0.0, 1.0), thresholds=(0.2, 0.7)),
        Case(A("N", 0, 2, "int"), A("N", 0.0, 1.0), thresholds=(0.0, 0.5, 1.0), even=True),
        Case(A("N 2", 0, 2, "int"), A("N 2", 0.0, 1.0), thresholds=(-1e-7, 0.5, 1.0), even=True, by_label=True),
    ],
    errors=[Failure(A("3", 0, 2, "int"), "4", match="the shape of the predictions")],
)
def confusion_counts(
    y_true: Array,
    y_pred: Array,
    weights: Array | None = None,
    thresholds: Sequence[float] = (0.5,),
    even: bool = False,
    by_label: bool = False,
) -> tuple[Array, Array, Array, Array]:
    """True positives, false positives, true negatives, false negatives at each threshold.

    Args:
        y_true: 0 for negative, else positive; any shape.
        y_pred: the same shape; positive where above the threshold.
        weights: what each counts; must broadcast to that shape.
        thresholds: T numbers.
        even: they are evenly spread from 0 to 1.
        by_label: count each column of (N, L) for itself.

    Returns:
        four arrays of shape (T,), or (T, L).

    >>> confusion_counts([0, 1, 1], [0.2, 0.4, 0.9], thresholds=(0.3, 0.5))[0]
    Tensor([2., 1.], dtype=float32)
    """
    if y_true.shape != y_pred.shape:
        raise ShapeError(
            f"Expected targets of the shape of the predictions. Received: {y_true.shape} and {y_pred.shape}."
        )
    dtype = y_pred.dtype if y_pred.dtype.kind == "f" else np.dtype(settings.floatx())
    weight = np.broadcast_to(np.asarray(1.0 if weights is None else weights, dtype), y_pred.shape)
    truth = y_true.astype(bool)
    if not by_label:
        truth, y_pred, weight = (a.reshape(-1, 1) for a in (truth, y_pred, weight))
    positive, negative = np.where(truth, weight, 0), np.where(truth, 0, weight)  # (N, L)
    limits = np.asarray(thresholds, dtype)
    if even:
        tp, fp = (_above_even(y_pred.astype(dtype, copy=False), w, limits) for w in (positive, negative))
    else:
        above = y_pred > limits[:, None, None]  # (T, N, L)
        tp, fp = ((above * w).sum(axis=1) for w in (positive, negative))
    tn, fn = negative.sum(axis=0) - fp, positive.sum(axis=0) - tp
    return tuple((c if by_label else c[:, 0]).astype(dtype) for c in (tp, fp, tn, fn))  # type: ignore[return-value]


def _above_even(y_pred: Array, weight: Array, limits: Array) -> Array:
    """The weight of the predictions above each of T thresholds evenly spread from 0 to 1: shape (T, L)."""
    count, labels = len(limits), y_pred.shape[1]
    scaled = np.clip(y_pred, 0, 1) * np.asarray(count - 1, y_pred.dtype)
    bucket = np.nan_to_num(np.ceil(scaled), nan=0.0).astype("int64") - 1  # bucket i lies above threshold i
    if limits[0] < 0:
        bucket = np.maximum(bucket, 0)  # even 0 is above the first threshold
    places = bucket * labels + np.arange(labels)
    inside = bucket >= 0
    sums = np.bincount(places[inside], weight[inside], minlength=count * labels).reshape(count, labels)
    return np.asarray(sums[::-1].cumsum(axis=0)[::-1])


def read_thresholds(thresholds: Any, default: float = 0.5) -> list[float]:
    """A list of thresholds from what the user gave: nothing, a number, or numbers.

    Raises:
        ArgumentError: one of them lies outside [0, 1].
    """
    if thresholds is None:
        return [default]
    found = list(thresholds) if isinstance(thresholds, (list, tuple, np.ndarray)) else [thresholds]
    wrong = [t for t in found if t is None or t < 0 or t > 1]
    if wrong:
        raise ArgumentError(f"Threshold values must be in [0, 1]. Received: {wrong}")
    return found


def evenly_spread(thresholds: Sequence[float]) -> bool:
    """Whether they are at least three, evenly spread from 0 to 1.

    >>> evenly_spread([0.0, 0.5, 1.0]), evenly_spread([0.0, 0.4, 1.0])
    (True, False)
    """
    n = len(thresholds)
    even = np.arange(n, dtype=np.float32) / max(n - 1, 1)
    return n >= 3 and np.allclose(thresholds, even, atol=settings.epsilon())


def keep_top_k(y_pred: Any, k: int) -> Any:
    """The predictions, all but the k largest of each row replaced by a number below every threshold."""
    _, places = ops.top_k(y_pred, k)
    kept = ops.sum(ops.one_hot(places, y_pred.shape[-1], dtype=y_pred.dtype), axis=-2)
    return ops.add(ops.multiply(y_pred, kept), ops.multiply(ops.subtract(1.0, kept), LOWEST))


def add_counts(
    variables: Sequence[Variable | None],
    y_true: TensorLike,
    y_pred: TensorLike,
    thresholds: Sequence[float],
    *,
    even: bool = False,
    top_k: int | None = None,
    class_id: int | None = None,
    sample_weight: TensorLike | None = None,
    multi_label: bool = False,
    label_weights: Any = None,
) -> None:
    """Add a batch's counts to the variables of true positives, false positives, true and false negatives.

    Raises:
        ShapeError: `class_id` without a classes' axis, or shapes that do not fit each other.
    """
    dtype = next(v.dtype for v in variables if v is not None)
    y_pred, y_true = squeeze_or_expand_to_same_rank(convert(y_pred, dtype), convert(y_true, dtype))
    weights: Any = None
    if sample_weight is not None:
        weights = ops.expand_dims(convert(sample_weight, dtype), axis=-1)
        _, weights = squeeze_or_expand_to_same_rank(y_true, weights, expand_rank_1=False)
    if top_k is not None:
        y_pred = keep_top_k(y_pred, top_k)
    if class_id is not None:
        if len(y_pred.shape) == 1:
            raise ShapeError(
                "When class_id is provided, y_pred must be a 2D array with shape (num_samples, num_classes), "
                f"found shape: {y_pred.shape}. Received: y_pred.shape={y_pred.shape}."
            )
        y_true, y_pred = y_true[..., class_id : class_id + 1], y_pred[..., class_id : class_id + 1]
    if label_weights is not None and not multi_label:
        weights = label_weights if weights is None else ops.multiply(weights, label_weights)
    counts = confusion_counts(y_true, y_pred, weights, thresholds=tuple(thresholds), even=even, by_label=multi_label)
    for variable, count in zip(variables, counts, strict=True):
        if variable is not None:
            variable.assign_add(count)
