"""Sums, comparisons and linear algebra with TensorFlow's names: `tf.math`, `tf.linalg`, and what stands in `tf` itself.

>>> reduce_sum([[1.0, 2.0], [3.0, 4.0]], axis=1).tolist(), argmax([1, 3, 2]).item()
([3.0, 7.0], 1)
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from neurona import ops
from neurona.programs.tf.arrays import Result, cast
from neurona.programs.tf.texts import TextTensor
from neurona.symbolic import KerasTensor, dtype_name
from neurona.tensor import Tensor, TensorLike, as_array, wrap

__all__ = [
    "accumulate_n",
    "add_n",
    "argmax",
    "argmin",
    "band_part",
    "bincount",
    "clip_by_global_norm",
    "clip_by_norm",
    "clip_by_value",
    "confusion_matrix",
    "count_nonzero",
    "cumprod",
    "cumsum",
    "diag",
    "diag_part",
    "equal",
    "global_norm",
    "in_top_k",
    "l2_normalize",
    "matmul",
    "matvec",
    "multiply_no_nan",
    "norm",
    "not_equal",
    "reduce_all",
    "reduce_any",
    "reduce_euclidean_norm",
    "reduce_logsumexp",
    "reduce_max",
    "reduce_mean",
    "reduce_min",
    "reduce_prod",
    "reduce_std",
    "reduce_sum",
    "reduce_variance",
    "scalar_mul",
    "segment_mean",
    "segment_sum",
    "softmax",
    "squared_difference",
    "tensordot",
    "top_k",
    "unsorted_segment_mean",
    "unsorted_segment_sum",
    "xdivy",
    "xlogy",
]

Reduction = Callable[..., Result]


def _reduction(op: Callable[..., Any], keeps_type: bool = False) -> Reduction:
    """An op over axes with TensorFlow's arguments; `keeps_type`: whole numbers stay such."""

    @functools.wraps(op)
    def reduce(input_tensor: TensorLike, axis: Any = None, keepdims: bool = False, name: str | None = None) -> Result:
        if axis is not None and not isinstance(axis, int):
            axis = tuple(int(n) for n in np.atleast_1d(as_array(axis)))
        found = op(input_tensor, axis=axis, keepdims=keepdims)
        if keeps_type and not isinstance(input_tensor, KerasTensor):
            given = input_tensor.data.dtype if isinstance(input_tensor, Tensor) else as_array(input_tensor).dtype
            return cast(found, given) if given.kind in "iu" and found.dtype != given else found
        return found

    return reduce


reduce_sum = _reduction(ops.sum, keeps_type=True)
reduce_mean = _reduction(ops.mean, keeps_type=True)
reduce_max = _reduction(ops.max)
reduce_min = _reduction(ops.min)
reduce_prod = _reduction(ops.prod, keeps_type=True)
reduce_all = _reduction(ops.all)
reduce_any = _reduction(ops.any)
reduce_std = _reduction(ops.std)
reduce_variance = _reduction(ops.var)
reduce_logsumexp = _reduction(ops.logsumexp)


def reduce_euclidean_norm(
    input_tensor: TensorLike, axis: Any = None, keepdims: bool = False, name: str | None = None
) -> Result:
    """The square root of the sum of the squares."""
    return ops.sqrt(reduce_sum(ops.square(input_tensor), axis, keepdims))


def _place(op: Callable[..., Any]) -> Callable[..., Result]:
    @functools.wraps(op)
    def place(input: TensorLike, axis: int | None = None, output_type: Any = "int64", name: Any = None) -> Result:
        return cast(op(input, axis=0 if axis is None else int(axis)), output_type)

    return place


argmax = _place(ops.argmax)
argmin = _place(ops.argmin)


def equal(x: TensorLike, y: TensorLike, name: str | None = None) -> Result:
    """Whether they are the same, place by place."""
    return (x == y) if isinstance(x, TextTensor) else (y == x) if isinstance(y, TextTensor) else ops.equal(x, y)


def not_equal(x: TensorLike, y: TensorLike, name: str | None = None) -> Result:
    """Whether they differ, place by place."""
    return ops.logical_not(equal(x, y))


def matmul(
    a: TensorLike, b: TensorLike, transpose_a: bool = False, transpose_b: bool = False, name: str | None = None,
    **kinds: Any,
) -> Result:  # fmt: skip
    """The product of matrices, either of them turned first."""
    left = ops.swapaxes(a, -1, -2) if transpose_a else a
    right = ops.swapaxes(b, -1, -2) if transpose_b else b
    return ops.matmul(left, right)


def matvec(a: TensorLike, b: TensorLike, name: str | None = None) -> Result:
    """The product of matrices and vectors."""
    return ops.squeeze(ops.matmul(a, ops.expand_dims(b, -1)), -1)


def tensordot(a: TensorLike, b: TensorLike, axes: Any, name: str | None = None) -> Result:
    """The sum of products over these axes."""
    return ops.tensordot(a, b, axes=axes)


def norm(
    tensor: TensorLike, ord: Any = "euclidean", axis: Any = None, keepdims: bool = False, name: str | None = None
) -> Result:
    """The length of vectors, over all axes unless told."""
    kind = None if ord in ("euclidean", "fro") else ord
    if axis is None:  # all numbers are one vector, whatever the rank; NumPy would take a matrix's own norm
        length = ops.norm(ops.ravel(tensor), ord=kind)
        return ops.reshape(length, (1,) * len(tensor.shape)) if keepdims else length
    return ops.norm(tensor, ord=kind, axis=tuple(axis) if isinstance(axis, list) else axis, keepdims=keepdims)


def multiply_no_nan(x: TensorLike, y: TensorLike, name: str | None = None) -> Result:
    """x y, and 0 where y is 0, whatever x is."""
    return ops.where(ops.equal(y, 0), ops.zeros_like(y), ops.multiply(x, y))


def clip_by_value(t: TensorLike, clip_value_min: Any, clip_value_max: Any, name: str | None = None) -> Result:
    """Every number brought between two bounds."""
    return ops.clip(t, clip_value_min, clip_value_max)


def clip_by_norm(t: TensorLike, clip_norm: Any, axes: Any = None, name: str | None = None) -> Result:
    """Shortened to a length, where it is longer."""
    length = ops.sqrt(ops.sum(ops.square(t), axis=axes, keepdims=True))
    return ops.multiply(t, ops.divide(clip_norm, ops.maximum(length, clip_norm)))


def global_norm(t_list: Any, name: str | None = None) -> Result:
    """The length of all tensors together."""
    return ops.sqrt(sum(ops.sum(ops.square(t)) for t in t_list if t is not None))


def clip_by_global_norm(
    t_list: Any, clip_norm: Any, use_norm: Any = None, name: Any = None
) -> tuple[list[Any], Tensor]:
    """All tensors shortened alike, so that together they are no longer than `clip_norm`; and how long they were."""
    length = global_norm(t_list) if use_norm is None else use_norm
    scale = ops.divide(clip_norm, ops.maximum(length, clip_norm))
    return [None if t is None else ops.multiply(t, scale) for t in t_list], length


def l2_normalize(x: TensorLike, axis: Any = None, epsilon: float = 1e-12, name: str | None = None) -> Result:
    """Of length one along an axis."""
    squares = ops.sum(ops.square(x), axis=axis, keepdims=True)
    return ops.multiply(x, ops.rsqrt(ops.maximum(squares, epsilon)))


def add_n(inputs: Any, name: str | None = None) -> Result:
    """The sum of several tensors."""
    return functools.reduce(ops.add, inputs)


accumulate_n = add_n


def scalar_mul(scalar: TensorLike, x: TensorLike, name: str | None = None) -> Result:
    """A number times a tensor."""
    return ops.multiply(scalar, x)


def squared_difference(x: TensorLike, y: TensorLike, name: str | None = None) -> Result:
    """(x - y)², place by place."""
    return ops.square(ops.subtract(x, y))


def xlogy(x: TensorLike, y: TensorLike, name: str | None = None) -> Result:
    """x log y, and 0 where x is 0."""
    zero = ops.equal(x, 0)
    return ops.where(zero, 0.0, ops.multiply(x, ops.log(ops.where(zero, 1.0, y))))


def xdivy(x: TensorLike, y: TensorLike, name: str | None = None) -> Result:
    """x / y, and 0 where x is 0."""
    zero = ops.equal(x, 0)
    return ops.where(zero, 0.0, ops.divide(x, ops.where(zero, 1.0, y)))


def top_k(input: TensorLike, k: int = 1, sorted: bool = True, index_type: Any = "int32", name: Any = None) -> Any:
    """The `k` largest numbers of the last axis, and their places."""
    return ops.top_k(input, int(k), sorted=sorted)


def in_top_k(targets: TensorLike, predictions: TensorLike, k: int, name: str | None = None) -> Result:
    """Whether the right class is among the `k` most probable."""
    return ops.in_top_k(targets, predictions, k)


def count_nonzero(
    input: TensorLike, axis: Any = None, keepdims: bool = False, dtype: Any = "int64", name: Any = None
) -> Result:
    """How many numbers are not zero."""
    return cast(ops.sum(ops.cast(ops.not_equal(input, 0), "int32"), axis=axis, keepdims=keepdims), dtype)


def _running(op: Callable[..., Any], nothing: float) -> Callable[..., Result]:
    @functools.wraps(op)
    def run(x: TensorLike, axis: int = 0, exclusive: bool = False, reverse: bool = False, name: Any = None) -> Result:
        turned = ops.flip(x, axis) if reverse else ops.convert_to_tensor(x)
        if exclusive:
            before = ops.full((*turned.shape[:axis], 1, *turned.shape[axis:][1:]), nothing, turned.dtype)
            kept = ops.take(turned, np.arange(turned.shape[axis] - 1), axis=axis)
            turned = ops.concatenate([before, kept], axis=axis)
        found = op(turned, axis=axis)
        return ops.flip(found, axis) if reverse else found

    return run


cumsum = _running(ops.cumsum, 0)
cumprod = _running(ops.cumprod, 1)


def softmax(logits: TensorLike, axis: int | None = None, name: str | None = None) -> Result:
    """Shares that sum to one."""
    return ops.softmax(logits, axis=-1 if axis is None else axis)


def bincount(
    arr: TensorLike, weights: Any = None, minlength: int | None = None, name: Any = None, **rest: Any
) -> Result:
    """How often each whole number occurs."""
    return ops.bincount(arr, weights=weights, minlength=minlength or 0)


def confusion_matrix(
    labels: TensorLike, predictions: TensorLike, num_classes: int | None = None, weights: Any = None,
    dtype: Any = "int32", name: str | None = None,
) -> Result:  # fmt: skip
    """How often class i was taken for class j: row i, column j.

    >>> confusion_matrix([0, 1, 1], [0, 0, 1]).tolist()
    [[1, 0], [1, 1]]
    """
    true, told = (as_array(x).reshape(-1).astype(np.int64) for x in (labels, predictions))
    count = int(max(true.max(initial=-1), told.max(initial=-1)) + 1) if num_classes is None else int(num_classes)
    table = np.zeros((count, count), np.float64)
    np.add.at(table, (true, told), 1 if weights is None else as_array(weights).reshape(-1))
    return wrap(table.astype(dtype_name(dtype)))


def band_part(input: TensorLike, num_lower: int, num_upper: int, name: str | None = None) -> Result:
    """A matrix with zeros outside a band about the diagonal; -1 keeps a whole side."""
    rows, columns = input.shape[-2:]
    below = np.subtract.outer(np.arange(rows), np.arange(columns))
    kept = ((num_lower < 0) | (below <= num_lower)) & ((num_upper < 0) | (-below <= num_upper))
    return ops.where(kept, input, ops.zeros_like(input))


def diag(diagonal: TensorLike, name: str | None = None, **place: Any) -> Result:
    """Matrices with these diagonals."""
    size = diagonal.shape[-1] if isinstance(diagonal, Tensor) else as_array(diagonal).shape[-1]
    return ops.multiply(ops.expand_dims(diagonal, -1), ops.eye(size))


def diag_part(input: TensorLike, name: str | None = None, **place: Any) -> Result:
    """The diagonals of matrices."""
    return ops.diagonal(input, axis1=-2, axis2=-1)


def unsorted_segment_sum(
    data: TensorLike, segment_ids: TensorLike, num_segments: int, name: str | None = None
) -> Result:
    """The sum of the rows of each group."""
    return ops.segment_sum(data, segment_ids, num_segments=int(num_segments))


def unsorted_segment_mean(
    data: TensorLike, segment_ids: TensorLike, num_segments: int, name: str | None = None
) -> Result:
    """The mean of the rows of each group."""
    sums = unsorted_segment_sum(data, segment_ids, num_segments)
    counts = ops.segment_sum(ops.ones_like(data), segment_ids, num_segments=int(num_segments))
    return ops.divide(sums, ops.maximum(counts, 1))


def segment_sum(data: TensorLike, segment_ids: TensorLike, name: str | None = None) -> Result:
    """The sum of the rows of each group, as many as the ids tell."""
    return unsorted_segment_sum(data, segment_ids, int(as_array(segment_ids).max(initial=-1)) + 1)


def segment_mean(data: TensorLike, segment_ids: TensorLike, name: str | None = None) -> Result:
    """The mean of the rows of each group, as many as the ids tell."""
    return unsorted_segment_mean(data, segment_ids, int(as_array(segment_ids).max(initial=-1)) + 1)
