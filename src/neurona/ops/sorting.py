"""Ops that put numbers in order, or find the first in that order. Equal numbers keep the order they came
in."""

from __future__ import annotations

from typing import Any

import numpy as np

from neurona.cases import A, Case, Failure
from neurona.errors import ArgumentError, ShapeError
from neurona.tape import op
from neurona.tensor import Array

__all__ = ["argpartition", "argsort", "in_top_k", "sort", "top_k", "unique"]


def _flattened(name: str, x: Array, axis: int | None) -> tuple[Array, int]:
    """x and the axis from 0 on; the flattened x where the axis is None."""
    if axis is None or (x.ndim == 0 and axis in (0, -1)):
        return x.ravel(), 0
    if not -x.ndim <= axis < x.ndim:
        raise ShapeError(f"{name} expected an axis of x. Received: axis={axis}, shape {x.shape}.")
    return x, axis % x.ndim


AXES = [Case("N C"), Case("N C", axis=0), Case("N C", axis=None), Case("N T C", axis=1)]
NO_AXIS = [Failure("2 3", axis=2, match="expected an axis of x")]


@op(cases=AXES, errors=NO_AXIS)
def sort(x: Array, axis: int | None = -1) -> Array:
    """The numbers along an axis in rising order.

    Args:
        x: any shape.
        axis: the axis; ``None`` sorts the flattened x.

    Raises:
        ShapeError: x has no such axis.

    >>> sort([3.0, 1.0, 2.0])
    Tensor([1., 2., 3.], dtype=float32)
    """
    x, axis = _flattened("sort", x, axis)
    return np.asarray(np.sort(x, axis, kind="stable"))


@sort.gradient
def _(g: Array, y: Array, x: Array, axis: int | None = -1) -> Array:
    flat, at = _flattened("sort", x, axis)
    dx = np.empty_like(flat, dtype=g.dtype)
    np.put_along_axis(dx, np.argsort(flat, at, kind="stable"), g, at)
    return dx.reshape(x.shape)


@op(cases=AXES, errors=NO_AXIS)
def argsort(x: Array, axis: int | None = -1) -> Array:
    """The places from which the sorted numbers come.

    Args:
        x: any shape.
        axis: the axis; ``None`` sorts the flattened x.

    Raises:
        ShapeError: x has no such axis.

    >>> argsort([3.0, 1.0, 2.0])
    Tensor([1, 2, 0], dtype=int32)
    """
    x, axis = _flattened("argsort", x, axis)
    return np.asarray(np.argsort(x, axis, kind="stable"), "int32")


@op(
    cases=[Case("N 5", kth=2), Case("5 N", kth=-1, axis=0)],
    errors=[
        *(Failure("2 3", kth=1, axis=2, match="expected an axis of x"),),
        Failure("2 3", kth=3, match="kth from -3"),
    ],
)
def argpartition(x: Array, kth: int, axis: int | None = -1) -> Array:
    """Places such that the number at the kth place is where sorting would put it, smaller ones before it.

    Args:
        x: any shape.
        kth: a place along the axis.
        axis: the axis; ``None`` takes the flattened x.

    Raises:
        ShapeError: x has no such axis.
        ArgumentError: there is no such place.

    >>> from neurona import ops
    >>> ops.take_along_axis([3.0, 1.0, 2.0], argpartition([3.0, 1.0, 2.0], 0), axis=0)[0]
    Tensor(1., dtype=float32)
    """
    x, axis = _flattened("argpartition", x, axis)
    n = x.shape[axis]
    if not -n <= kth < n:
        raise ArgumentError(f"argpartition expected kth from {-n} to {n - 1}. Received: kth={kth}.")
    return np.asarray(np.argpartition(x, kth, axis), "int32")


@op(
    cases=[Case("N 5", k=2), Case("N T 4", k=4), Case("3", k=1), Case("N 5", k=2, sorted=False)],
    errors=[
        Failure("2 3", k=4, match="k from 0 to 3. Received: k=4"),
        Failure("", k=1, match="at least one axis"),
    ],
)
def top_k(x: Array, k: int, sorted: bool = True) -> tuple[Array, Array]:
    """The k largest numbers along the last axis, the largest first, and their places.

    Args:
        x: shape (..., C).
        k: how many, up to C.
        sorted: they come in order either way.

    Returns:
        (values, indices), both of shape (..., k).

    Raises:
        ShapeError: x has no axes.
        ArgumentError: k is too large.

    >>> top_k([1.0, 9.0, 5.0], 2)
    (Tensor([9., 5.], dtype=float32), Tensor([1, 2], dtype=int32))
    """
    if not x.ndim:
        raise ShapeError(f"top_k expected at least one axis. Received: shape {x.shape}.")
    if not 0 <= k <= x.shape[-1]:
        raise ArgumentError(f"top_k expected k from 0 to {x.shape[-1]}. Received: k={k}.")
    # sorted from behind, so that among equals the first comes first when the order is turned
    n = x.shape[-1]
    places = n - 1 - np.argsort(x[..., ::-1], axis=-1, kind="stable")[..., ::-1][..., :k]
    return np.take_along_axis(x, places, axis=-1), places.astype("int32")


@top_k.gradient
def _(g: Any, y: tuple[Array, Array], x: Array, k: int, sorted: bool = True) -> Array | None:
    if g[0] is None:
        return None
    dx = np.zeros(x.shape, g[0].dtype)
    np.put_along_axis(dx, y[1].astype("int64"), g[0], axis=-1)
    return dx


@op(
    cases=[Case(A("N", 0, 4, kind="int"), "N 4", k=2), Case(A("N", -1, 6, kind="int"), "N 4", k=1)],
    errors=[Failure(A("3", 0, 2, kind="int"), "2 4", k=1, match="one target for each row")],
)
def in_top_k(targets: Array, predictions: Array, k: int) -> Array:
    """Whether each target class is among the k with the largest predictions; ties count as in.

    Args:
        targets: class numbers, shape (N,).
        predictions: shape (N, C).
        k: how many count.

    Returns:
        booleans, shape (N,); False where the class does not exist or its prediction is not finite.

    Raises:
        ShapeError: not one target for each row.

    >>> in_top_k([2, 0], [[0.1, 0.2, 0.7], [0.1, 0.2, 0.7]], k=2)
    Tensor([ True, False], dtype=bool)
    """
    if predictions.ndim != 2 or targets.shape != predictions.shape[:1]:
        raise ShapeError(
            f"in_top_k expected predictions of shape (N, C) and one target for each row. "
            f"Received: shapes {targets.shape} and {predictions.shape}."
        )
    known = (targets >= 0) & (targets < predictions.shape[1])
    own = np.take_along_axis(predictions, np.where(known, targets, 0)[:, None].astype("int64"), axis=1)
    return np.asarray(known & np.isfinite(own[:, 0]) & ((predictions > own).sum(axis=1) < k))


@op(
    cases=[
        Case(A("N", 0, 4, kind="int")),
        Case(A("N C", 0, 3, kind="int"), return_counts=True, return_inverse=True, return_index=True),
        Case(A("N", 0, 4, kind="int"), sorted=False),
        Case(A("N", 0, 4, kind="int"), size=6, fill_value=-1),
        Case(A("N 2", 0, 2, kind="int"), axis=0),
    ],
    errors=[Failure("2 3", axis=2, match="expected an axis of x")],
)
def unique(
    x: Array,
    sorted: bool = True,
    return_index: bool = False,
    return_inverse: bool = False,
    return_counts: bool = False,
    axis: int | None = None,
    size: int | None = None,
    fill_value: Any = None,
) -> Any:
    """The different numbers in x, each once.

    Args:
        x: any shape.
        sorted: in rising order; else in the order in which they first occur.
        return_index: also where each first occurs.
        return_inverse: also which of the results stands at each place of x.
        return_counts: also how often each occurs.
        axis: compare whole slices along this axis; ``None`` compares the numbers.
        size: cut or fill the results to this length.
        fill_value: what to fill with; the first of the results unless told.

    Returns:
        the values, or a tuple (values, index, inverse, counts) of what was asked for.

    Raises:
        ShapeError: x has no such axis.

    >>> unique([3, 1, 3, 2])
    Tensor([1, 2, 3], dtype=int32)
    """
    if axis is not None:
        _flattened("unique", x, axis)
    along = axis or 0
    values, index, inverse, counts = np.unique(x, return_index=True, return_inverse=True, return_counts=True, axis=axis)
    inverse = inverse.reshape(x.shape if axis is None else -1)
    if not sorted:
        order = np.argsort(index)
        rank = np.empty_like(order)
        rank[order] = np.arange(order.size)
        values, index, counts, inverse = (
            np.take(values, order, along),
            index[order],
            counts[order],
            rank[inverse],
        )
    if size is not None:
        values = _fit(values, size, along, fill_value)
        index, counts = _fit(index, size, 0, index[0] if index.size else 0), _fit(counts, size, 0, 0)
    asked = ((index, return_index), (inverse, return_inverse), (counts, return_counts))
    extra = tuple(part.astype("int32") for part, wanted in asked if wanted)
    return (values, *extra) if extra else values


def _fit(x: Array, size: int, axis: int, fill: Any) -> Array:
    """x cut or filled to a length along an axis."""
    n = x.shape[axis]
    if size <= n:
        return np.asarray(np.take(x, np.arange(size), axis))
    if fill is None and not n:
        fill = 0
    shape = [*x.shape[:axis], size - n, *x.shape[axis + 1 :]]
    filling = np.take(x, [0] * (size - n), axis) if fill is None else np.full(shape, fill, x.dtype)
    return np.concatenate([x, filling], axis)
