"""Ops that read or write at places given by integers.

Where a gradient goes back through repeated places, the parts are added up in the order of the places, so
the same call gives the same bits. What counts or finds places is in `counting.py`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from neurona.cases import A, Case, Failure
from neurona.errors import ArgumentError, DTypeError, ShapeError
from neurona.symbolic import Shape
from neurona.tape import op
from neurona.tensor import Array

__all__ = [
    "scatter",
    "scatter_update",
    "take",
    "take_along_axis",
]


def add_at_rows(rows: int, places: Array, values: Array) -> Array:
    """An array of `rows` rows; each of `values` is added to the row that `places` tells.

    >>> add_at_rows(3, np.array([2, 0, 2]), np.array([[1.0], [2.0], [3.0]])).tolist()
    [[2.0], [0.0], [4.0]]
    """
    out = np.zeros((rows, *values.shape[1:]), values.dtype)
    if not values.size:
        return out
    order = np.argsort(places, kind="stable")
    sorted_places = places[order]
    first = np.flatnonzero(np.r_[True, sorted_places[1:] != sorted_places[:-1]])
    out[sorted_places[first]] = np.add.reduceat(values[order], first, axis=0)  # one pass for each row, not each value
    return out


def check_whole(name: str, x: Array | int) -> Array:
    """Whole numbers as integers; a `DTypeError` in the name of the op if it holds others."""
    places = np.asarray(x)
    if places.dtype.kind in "iub":
        return places
    if places.dtype.kind != "f" or not np.all(places == np.trunc(places)):
        raise DTypeError(f"{name} expected integers. Received: dtype {places.dtype.name}.")
    return places.astype("int32")


# -- take --------------------------------------------------------------------------------


def _places(name: str, indices: Array, length: int) -> Array:
    """Indices from 0 on: negative ones count from the end."""
    indices = check_whole(name, indices)
    if indices.size and (indices.min() < -length or indices.max() >= length):
        raise ArgumentError(
            f"{name} expected indices from {-length} to {length - 1}. "
            f"Received: indices from {indices.min()} to {indices.max()}."
        )
    return np.asarray(np.where(indices < 0, indices.astype("int64") + length, indices))


THREE = A("N", -3, 3, kind="int")


@op(
    cases=[
        Case("3 C", THREE, axis=0),
        Case("N 3", A("A B", 0, 3, kind="int"), axis=1),
        Case("2 3", A("N", 0, 6, kind="int")),
        Case("3", A("", 0, 3, kind="int"), axis=-1),
    ],
    errors=[
        Failure("2 3", A("2", 5, 6, kind="int"), axis=1, match="expected indices from -3 to 2. Received"),
        Failure("2 3", A("2", 0, 1, kind="int"), axis=2, match="expected an axis of x"),
        Failure("2 3", A("2", 0.1, 0.9), match="expected integers"),
    ],
)
def take(x: Array, indices: Array, axis: int | None = None) -> Array:
    """The elements (rows, columns, ...) at given places.

    Args:
        x: any shape.
        indices: integers, any shape; negative ones count from the end.
        axis: the axis to take along; ``None`` takes from the flattened x.

    Returns:
        x's shape with the axis replaced by the shape of `indices`.

    Raises:
        ArgumentError: an index outside the axis.
        ShapeError: x has no such axis.

    >>> take([10.0, 20.0, 30.0], [2, 0, -1])
    Tensor([30., 10., 30.], dtype=float32)
    """
    if axis is not None and not -x.ndim <= axis < x.ndim:
        raise ShapeError(f"take expected an axis of x. Received: axis={axis}, shape {x.shape}.")
    places = _places("take", indices, x.size if axis is None else x.shape[axis])
    return np.asarray(np.take(x, places, axis))


@take.gradient
def _(g: Array, y: Array, x: Array, indices: Array, axis: int | None = None) -> tuple[Array, None]:
    if axis is None:
        return add_at_rows(x.size, _places("take", indices, x.size).ravel(), g.ravel()).reshape(x.shape), None
    axis %= x.ndim
    places = _places("take", indices, x.shape[axis]).ravel()
    rows = np.moveaxis(g.reshape(*x.shape[:axis], places.size, *x.shape[axis + 1 :]), axis, 0)
    return np.moveaxis(add_at_rows(x.shape[axis], places, rows), 0, axis), None


@op(
    cases=[
        Case("N 3", A("N C", -3, 3, kind="int"), axis=1),
        Case("3 C", A("N C", 0, 3, kind="int"), axis=0),
        Case("2 3", A("N", 0, 6, kind="int")),
        Case("N 3", A("1 C", 0, 3, kind="int"), axis=1),
    ],
    errors=[
        Failure("2 3", A("2 1", 5, 6, kind="int"), axis=1, match="expected indices from -3 to 2"),
        Failure("2 3", A("2", 0, 1, kind="int"), axis=1, match="as many axes"),
        Failure("2 3", A("4 1", 0, 1, kind="int"), axis=1, match="besides axis 1"),
    ],
)
def take_along_axis(x: Array, indices: Array, axis: int | None = None) -> Array:
    """From each line along an axis, the elements at that line's own places.

    Args:
        x: any shape.
        indices: integers, as many axes as x; the other axes are broadcast.
        axis: the axis of the lines; ``None`` takes from the flattened x.

    Raises:
        ArgumentError: an index outside the axis.
        ShapeError: the shapes do not fit.

    >>> take_along_axis([[1.0, 2.0], [3.0, 4.0]], [[1], [0]], axis=1)
    Tensor([[2.], [3.]], dtype=float32)
    """
    lines, places, at = _lines(x, indices, axis)
    return np.asarray(np.take_along_axis(lines, places, at))


def _lines(x: Array, indices: Array, axis: int | None) -> tuple[Array, Array, int]:
    """x (flattened where the axis is None), the places in full, and the axis."""
    if axis is None:
        return x.ravel(), _places("take_along_axis", indices.ravel(), x.size), 0
    if indices.ndim != x.ndim or not -x.ndim <= axis < x.ndim:
        raise ShapeError(
            f"take_along_axis expected indices of as many axes as x, and an axis of x. "
            f"Received: shapes {x.shape} and {indices.shape}, axis={axis}."
        )
    axis %= x.ndim
    shape, other = list(x.shape), list(indices.shape)
    shape[axis] = other[axis] = 1
    try:
        broad = list(np.broadcast_shapes(tuple(shape), tuple(other)))
    except ValueError:
        raise ShapeError(
            f"take_along_axis expected shapes that broadcast besides axis {axis}. "
            f"Received: {x.shape} and {indices.shape}."
        ) from None
    places = _places("take_along_axis", indices, x.shape[axis])
    at_places = [*broad[:axis], indices.shape[axis], *broad[axis + 1 :]]
    at_lines = [*broad[:axis], x.shape[axis], *broad[axis + 1 :]]
    return np.broadcast_to(x, at_lines), np.broadcast_to(places, at_places), axis


@take_along_axis.gradient
def _(g: Array, y: Array, x: Array, indices: Array, axis: int | None = None) -> tuple[Array, None]:
    lines, places, at = _lines(x, indices, axis)
    grid = list(np.meshgrid(*(np.arange(n) for n in places.shape), indexing="ij", sparse=True))
    grid[at] = places
    flat = np.ravel_multi_index([np.broadcast_to(i, places.shape) for i in grid], lines.shape) if g.size else places
    dx = add_at_rows(lines.size, flat.ravel(), g.ravel()).reshape(lines.shape)
    if lines.ndim == x.ndim:
        stretched = tuple(i for i in range(x.ndim) if x.shape[i] == 1 != dx.shape[i])
        dx = dx.sum(axis=stretched, keepdims=True) if stretched else dx
    return dx.reshape(x.shape), None


# -- scatter --------------------------------------------------------------------------------


def _flat_places(name: str, indices: Array, shape: tuple[int, ...]) -> Array:
    """One number for each row of `indices`: the place in the leading axes of `shape`, flattened."""
    depth = indices.shape[-1] if indices.ndim else 0
    if not 1 <= depth <= len(shape):
        raise ShapeError(
            f"{name} expected indices with 1 to {len(shape)} numbers on the last axis, for shape {shape}. "
            f"Received: indices of shape {indices.shape}."
        )
    columns = [_places(name, indices[..., i], shape[i]) for i in range(depth)]
    flat = columns[0].astype("int64")
    for column, n in zip(columns[1:], shape[1:depth], strict=True):
        flat = flat * n + column
    return np.asarray(flat.ravel())


def _check_values(name: str, indices: Array, values: Array, shape: tuple[int, ...]) -> None:
    wanted = indices.shape[:-1] + shape[indices.shape[-1] :]
    if values.shape != wanted:
        raise ShapeError(
            f"{name} expected values of shape {wanted} for indices of shape {indices.shape} into shape "
            f"{shape}. Received: {values.shape}."
        )


@op(
    cases=[
        Case(A("N 1", 0, 4, kind="int"), "N 3", shape=(4, 3)),
        Case(A("N 2", 0, 3, kind="int"), "N", shape=(3, 3)),
        Case(A("N T 1", 0, 4, kind="int"), "N T 2", shape=(4, 2)),
    ],
    errors=[
        Failure(A("2 1", 7, 8, kind="int"), "2", shape=(4,), match="expected indices from -4 to 3"),
        Failure(A("2 3", 0, 2, kind="int"), "2", shape=(4, 4), match="1 to 2 numbers on the last axis"),
        Failure(A("2 1", 0, 2, kind="int"), "3", shape=(4,), match="expected values of shape (2,)"),
    ],
)
def scatter(indices: Array, values: Array, shape: Any) -> Array:
    """Zeros with values added at given places.

    Args:
        indices: integers, shape (..., D): each row is a place in the first D axes of the result.
        values: shape (..., *shape[D:]).
        shape: the shape of the result.

    Raises:
        ArgumentError: an index outside the shape.
        ShapeError: the shapes do not fit each other.

    >>> scatter([[0], [2], [0]], [1.0, 2.0, 3.0], (4,))
    Tensor([4., 0., 2., 0.], dtype=float32)
    """
    shape = tuple(int(n) for n in np.atleast_1d(np.asarray(shape)))
    places = _flat_places("scatter", indices, shape)
    _check_values("scatter", indices, values, shape)
    depth = indices.shape[-1]
    rows = int(np.prod(shape[:depth]))
    return add_at_rows(rows, places, values.reshape(places.size, *shape[depth:])).reshape(shape)


@scatter.gradient
def _(g: Array, y: Array, indices: Array, values: Array, shape: Shape) -> tuple[None, Array]:
    places = _flat_places("scatter", indices, g.shape)
    return None, g.reshape(-1, *g.shape[indices.shape[-1] :])[places].reshape(values.shape)


_REDUCTIONS: dict[str | None, Any] = {
    None: None,
    "add": np.add,
    "max": np.maximum,
    "min": np.minimum,
    "mul": np.multiply,
}

TWO_PLACES = np.array([[0, 1], [2, 0]], "int32")
SAME_PLACE = np.array([[0, 1], [2, 0], [0, 1]], "int32")


@op(
    cases=[
        Case("3 2", TWO_PLACES, "2"),
        Case("3 2", SAME_PLACE, "3"),
        Case("3 C", np.array([[2], [0]], "int32"), "2 C"),
        Case("3 2", SAME_PLACE, "3", reduction="add"),
        Case("3 2", SAME_PLACE, "3", reduction="max"),
        Case("3 2", SAME_PLACE, "3", reduction="min"),
        Case("3 2", SAME_PLACE, "3", reduction="mul"),
    ],
    errors=[
        Failure("3 2", TWO_PLACES, "2", reduction="mean", match="Invalid reduction: mean"),
        Failure("2 2", TWO_PLACES, "2", match="expected indices from -2 to 1"),
        Failure("3 2", TWO_PLACES, "3", match="expected values of shape (2,)"),
    ],
)
def scatter_update(inputs: Array, indices: Array, updates: Array, reduction: str | None = None) -> Array:
    """A copy of `inputs` with other values at given places.

    Args:
        inputs: any shape.
        indices: integers, shape (..., D): each row is a place in the first D axes.
        updates: shape (..., *inputs.shape[D:]).
        reduction: ``None`` replaces (the last of equal places wins); "add", "max", "min" or "mul" combines.

    Raises:
        ArgumentError: an index outside the shape, or another reduction.
        ShapeError: the shapes do not fit each other.

    >>> scatter_update([1.0, 2.0, 3.0], [[0], [2]], [8.0, 9.0])
    Tensor([8., 2., 9.], dtype=float32)
    """
    if reduction not in _REDUCTIONS:
        raise ArgumentError(f"Invalid reduction: {reduction}. Supported values are: None, 'add', 'max', 'min', 'mul'.")
    y, rows, places, values = _opened(inputs, indices, updates)
    if reduction is None:
        rows[places] = values
    else:
        _REDUCTIONS[reduction].at(rows, places, values)
    return y


def _opened(inputs: Array, indices: Array, updates: Array) -> tuple[Array, Array, Array, Array]:
    """A copy of the inputs, its view as rows, the rows' numbers, and the updates as rows."""
    places = _flat_places("scatter_update", indices, inputs.shape)
    _check_values("scatter_update", indices, updates, inputs.shape)
    y = np.array(inputs, order="C")
    rest = inputs.shape[indices.shape[-1] :]
    rows = y.reshape(int(np.prod(inputs.shape[: indices.shape[-1]])), *rest)
    return y, rows, places, updates.astype(inputs.dtype).reshape(places.size, *rest)


@scatter_update.gradient
def _(
    g: Array, y: Array, inputs: Array, indices: Array, updates: Array, reduction: str | None = None
) -> tuple[Array, None, Array]:
    di, d_rows, places, values = _opened(g, indices, updates)
    _, y_rows, _, _ = _opened(y, indices, updates)
    _, x_rows, _, _ = _opened(inputs, indices, updates)
    g_rows = d_rows.copy()
    if reduction is None:
        d_rows[places] = 0
        last = np.full(len(d_rows), -1)
        last[places] = np.arange(places.size)  # of equal places the last one won
        won = (last[places] == np.arange(places.size)).reshape(-1, *(1,) * (values.ndim - 1))
        du = g_rows[places] * won
    elif reduction == "add":
        du = g_rows[places]
    elif reduction == "mul":
        du = np.empty_like(values)
        d_rows[...] = g_rows
        for i, place in enumerate(places):  # the product of all the others; a division would fail at 0
            others = np.flatnonzero((places == place) & (np.arange(places.size) != i))
            du[i] = g_rows[place] * x_rows[place] * values[others].prod(axis=0)
            d_rows[place] = d_rows[place] * values[i]
    else:
        shares = (x_rows == y_rows).astype(g.dtype)
        hit = values == y_rows[places]
        np.add.at(shares, places, hit)  # ties share the gradient evenly
        du = hit * g_rows[places] / np.maximum(shares, 1)[places]
        d_rows[...] = (x_rows == y_rows) * g_rows / np.maximum(shares, 1)
    return di, None, np.asarray(du).reshape(updates.shape)
