"""Ops that read or write at places given by integers, and ops that count or find such places.

Where a gradient goes back through repeated places, the parts are added up in the order of the places, so
the same call gives the same bits.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from neurona import config
from neurona.cases import A, Case, Failure
from neurona.errors import ArgumentError, DTypeError, ShapeError
from neurona.symbolic import Shape
from neurona.tape import op
from neurona.tensor import Array

__all__ = [
    "bincount",
    "digitize",
    "multi_hot",
    "nonzero",
    "one_hot",
    "scatter",
    "scatter_update",
    "searchsorted",
    "segment_max",
    "segment_sum",
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
    out[sorted_places[first]] = np.add.reduceat(
        values[order], first, axis=0
    )  # one pass for each row, not each value
    return out


def _whole(name: str, x: Array) -> Array:
    if x.dtype.kind not in "iub":
        raise DTypeError(f"{name} expected integers. Received: dtype {x.dtype.name}.")
    return x


# -- take --------------------------------------------------------------------------------


def _places(name: str, indices: Array, length: int) -> Array:
    """Indices from 0 on: negative ones count from the end."""
    indices = _whole(name, indices)
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
        Failure("2 3", "2", match="expected integers"),
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
    flat = (
        np.ravel_multi_index([np.broadcast_to(i, places.shape) for i in grid], lines.shape)
        if g.size
        else places
    )
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
        raise ArgumentError(
            f"Invalid reduction: {reduction}. Supported values are: None, 'add', 'max', 'min', 'mul'."
        )
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


# -- one-hot --------------------------------------------------------------------------------


def _no_sparse(name: str, sparse: bool) -> None:
    if sparse:
        raise ArgumentError(f"{name} makes dense tensors only. Received: sparse=True. Leave sparse=False.")


def _hot(x: Array, num_classes: int, axis: int, dtype: npt.DTypeLike | None) -> Array:
    classes = np.arange(num_classes)
    hot = x[..., None] == classes
    rank = x.ndim + 1
    if not -rank <= axis < rank:
        raise ShapeError(f"one_hot expected an axis from {-rank} to {rank - 1}. Received: axis={axis}.")
    return np.ascontiguousarray(np.moveaxis(hot, -1, axis)).astype(dtype or config.floatx())


@op(
    cases=[
        Case(A("N", -1, 5, kind="int"), num_classes=4),
        Case(A("N T", 0, 4, kind="int"), num_classes=4, axis=0, dtype="int32"),
        Case(A("", 0, 4, kind="int"), num_classes=4, dtype="bool"),
    ],
    errors=[
        Failure(A("2", 0, 2, kind="int"), num_classes=2, axis=3, match="expected an axis"),
        Failure(A("2", 0, 2, kind="int"), num_classes=2, sparse=True, match="dense tensors only"),
    ],
)
def one_hot(
    x: Array, num_classes: int, axis: int = -1, dtype: npt.DTypeLike | None = None, sparse: bool = False
) -> Array:
    """Class numbers as rows of 0 with a single 1; a number outside the classes gives a row of 0.

    Args:
        x: integers, any shape.
        num_classes: the length of the new axis.
        axis: where the new axis goes.
        dtype: `floatx` unless told.
        sparse: must be False.

    >>> one_hot([2, 0], 3)
    Tensor([[0., 0., 1.], [1., 0., 0.]], dtype=float32)
    """
    _no_sparse("one_hot", sparse)
    return _hot(x, num_classes, axis, dtype)


@op(
    cases=[
        Case(A("N T", 0, 4, kind="int"), num_classes=4),
        Case(A("T", -1, 6, kind="int"), num_classes=4, dtype="int32"),
    ],
    errors=[
        Failure(A("2", 0, 2, kind="int"), match="`num_classes` must be specified"),
        Failure(A("2", 0, 2, kind="int"), num_classes=2, sparse=True, match="dense tensors only"),
    ],
)
def multi_hot(
    inputs: Array,
    num_classes: int | None = None,
    axis: int = -1,
    dtype: npt.DTypeLike | None = None,
    sparse: bool = False,
    **kwargs: Any,
) -> Array:
    """Lists of class numbers as rows that have a 1 for each class in the list.

    Args:
        inputs: integers, shape (..., T): lists along the last axis.
        num_classes: the length of a row.
        axis: where the classes go.
        dtype: `floatx` unless told.
        sparse: must be False.
        kwargs: ``num_tokens``, an older name of `num_classes`.

    Raises:
        ArgumentError: `num_classes` is missing.

    >>> multi_hot([[0, 2]], 4)
    Tensor([[1., 0., 1., 0.]], dtype=float32)
    """
    _no_sparse("multi_hot", sparse)
    num_classes = kwargs.get("num_tokens") if num_classes is None else num_classes
    if num_classes is None:
        raise ArgumentError("Argument `num_classes` must be specified. Received: num_classes=None.")
    hot = _hot(inputs, num_classes, axis, dtype)
    return np.asarray(hot.max(axis=1 if inputs.ndim > 1 else 0, initial=hot.dtype.type(0)))


# -- segments and counts --------------------------------------------------------------------------------


def _segments(
    name: str, data: Array, segment_ids: Array, num_segments: int | None
) -> tuple[Array, Array, int]:
    """The rows that belong to a segment, their segments, and how many segments there are."""
    ids = _whole(name, segment_ids)
    if ids.ndim != 1 or not data.ndim or data.shape[0] != ids.shape[0]:
        raise ShapeError(
            f"{name} expected one segment id for each row. Received: shapes {data.shape} and {ids.shape}."
        )
    count = int(ids.max(initial=-1)) + 1 if num_segments is None else int(num_segments)
    if ids.size and ids.max() >= count:
        raise ArgumentError(f"{name} expected segment ids below {count}. Received: {ids.max()}.")
    return np.flatnonzero(ids >= 0), ids, count  # negative ids are dropped


SEGMENT_CASES = [
    Case("N C", A("N", -1, 3, kind="int"), num_segments=3, sizes={"C": 1}),
    Case("4 C", np.array([0, 0, 2, 2], "int32"), sorted=True, sizes={"C": 1}),
    Case("N", A("N", 0, 3, kind="int"), num_segments=4),
]
SEGMENT_ERRORS = [
    Failure("2 3", A("3", 0, 2, kind="int"), match="one segment id for each row"),
    Failure("2 3", A("2", 5, 6, kind="int"), num_segments=2, match="segment ids below 2. Received: 5"),
]


@op(cases=SEGMENT_CASES, errors=SEGMENT_ERRORS)
def segment_sum(
    data: Array, segment_ids: Array, num_segments: int | None = None, sorted: bool = False
) -> Array:
    """The sums of the rows that bear the same number.

    Args:
        data: shape (N, ...).
        segment_ids: integers, shape (N,); rows with a negative one are left out.
        num_segments: how many sums; the largest id plus one unless told.
        sorted: a promise that the ids rise; nothing depends on it.

    Raises:
        ShapeError: not one id for each row.
        ArgumentError: an id that is too large.

    >>> segment_sum([1.0, 2.0, 4.0], [0, 1, 0])
    Tensor([5., 2.], dtype=float32)
    """
    rows, ids, count = _segments("segment_sum", data, segment_ids, num_segments)
    return add_at_rows(count, ids[rows], data[rows])


@segment_sum.gradient
def _(
    g: Array, y: Array, data: Array, segment_ids: Array, num_segments: int | None = None, sorted: bool = False
) -> tuple[Array, None]:
    rows, ids, _ = _segments("segment_sum", data, segment_ids, num_segments)
    dx = np.zeros(data.shape, g.dtype)
    dx[rows] = g[ids[rows]]
    return dx, None


@op(
    cases=[
        Case("4 C", np.array([0, 1, 2, 0], "int32")),
        Case("4 C", np.array([0, -1, 1, 1], "int32"), num_segments=2),
    ],
    errors=SEGMENT_ERRORS,
)
def segment_max(
    data: Array, segment_ids: Array, num_segments: int | None = None, sorted: bool = False
) -> Array:
    """The largest of the rows that bear the same number; the lowest number there is where no row does.

    Args:
        data: shape (N, ...).
        segment_ids: integers, shape (N,); rows with a negative one are left out.
        num_segments: how many results; the largest id plus one unless told.
        sorted: a promise that the ids rise; nothing depends on it.

    Raises:
        ShapeError: not one id for each row.
        ArgumentError: an id that is too large.

    >>> segment_max([1.0, 2.0, 4.0], [0, 1, 0])
    Tensor([4., 2.], dtype=float32)
    """
    rows, ids, count = _segments("segment_max", data, segment_ids, num_segments)
    lowest = np.finfo(data.dtype).min if data.dtype.kind == "f" else np.iinfo(data.dtype).min
    y = np.full((count, *data.shape[1:]), lowest, data.dtype)
    np.maximum.at(y, ids[rows], data[rows])
    return y


@segment_max.gradient
def _(
    g: Array, y: Array, data: Array, segment_ids: Array, num_segments: int | None = None, sorted: bool = False
) -> tuple[Array, None]:
    rows, ids, count = _segments("segment_max", data, segment_ids, num_segments)
    hit = (data[rows] == y[ids[rows]]).astype(g.dtype)
    ties = add_at_rows(count, ids[rows], hit)  # ties share the gradient evenly
    dx = np.zeros(data.shape, g.dtype)
    dx[rows] = hit * g[ids[rows]] / np.maximum(ties, 1)[ids[rows]]
    return dx, None


@op(
    cases=[
        Case(A("N", 0, 5, kind="int"), None, minlength=5),
        Case(A("N", 0, 5, kind="int"), "N", minlength=7),
        Case(A("A N", 0, 5, kind="int"), None, minlength=5),
    ],
    errors=[
        Failure(A("2", -3, -1, kind="int"), None, match="expected no negative numbers"),
        Failure("2", None, match="expected integers"),
        Failure(A("2", 0, 3, kind="int"), "3", match="as many weights as numbers"),
        Failure(A("2 2 2", 0, 3, kind="int"), None, match="one or two axes"),
    ],
)
def bincount(x: Array, weights: Array | None = None, minlength: int = 0, sparse: bool = False) -> Array:
    """How often each number from 0 on occurs, or the sum of the weights where it does.

    Args:
        x: integers from 0 on, shape (N,) or (B, N): each row is counted by itself.
        weights: x's shape.
        minlength: the least length of the result; else it is the largest number plus one.
        sparse: must be False.

    Raises:
        ArgumentError: negative numbers.
        ShapeError: weights of another shape, or more than two axes.

    >>> bincount([1, 3, 1])
    Tensor([0, 2, 0, 1], dtype=int32)
    """
    _no_sparse("bincount", sparse)
    x = _whole("bincount", x)
    if x.ndim not in (1, 2):
        raise ShapeError(f"bincount expected one or two axes. Received: shape {x.shape}.")
    if weights is not None and weights.shape != x.shape:
        raise ShapeError(
            f"bincount expected as many weights as numbers. Received: {x.shape} and {weights.shape}."
        )
    if x.min(initial=0) < 0:
        raise ArgumentError(f"bincount expected no negative numbers. Received: {x.min()}.")
    length = max(int(x.max(initial=-1)) + 1, minlength)
    parts = np.ones(x.shape, "int32") if weights is None else weights
    if not x.size:
        return np.zeros((*x.shape[:-1], length), parts.dtype)
    rows = 1 if x.ndim == 1 else len(x)
    places = x.reshape(rows, -1).astype("int64") + length * np.arange(rows)[:, None]
    y = add_at_rows(rows * length, places.ravel(), parts.ravel())
    return y if x.ndim == 1 else y.reshape(rows, length)


@bincount.gradient
def _(
    g: Array, y: Array, x: Array, weights: Array | None, minlength: int = 0, sparse: bool = False
) -> tuple[None, Array | None]:
    return None, None if weights is None else np.take_along_axis(g, x.astype("int64"), axis=-1)


# -- finding places --------------------------------------------------------------------------------


@op(
    cases=[
        Case(np.array([-1.0, 0.0, 1.5]), "N"),
        Case(np.array([-1.0, 0.0, 1.5]), "N C", side="right"),
    ],
    errors=[
        Failure("2 2", "3", match="a sequence of one axis"),
        Failure("2", "3", side="middle", match="'left' or 'right'"),
    ],
)
def searchsorted(sorted_sequence: Array, values: Array, side: str = "left") -> Array:
    """Where values would have to go into a rising sequence to keep it rising.

    Args:
        sorted_sequence: rising numbers, shape (N,).
        values: any shape.
        side: "left" puts equal values before, "right" behind.

    Raises:
        ShapeError: the sequence has not one axis.
        ArgumentError: another side.

    >>> searchsorted([1.0, 2.0, 3.0], [2.0, 2.5])
    Tensor([1, 2], dtype=int32)
    """
    if sorted_sequence.ndim != 1:
        raise ShapeError(
            f"searchsorted expected a sequence of one axis. Received: shape {sorted_sequence.shape}."
        )
    if side not in ("left", "right"):
        raise ArgumentError(f"searchsorted expected side 'left' or 'right'. Received: {side!r}.")
    return np.asarray(np.searchsorted(sorted_sequence, values, side), "int32")  # type: ignore[call-overload]


@op(
    cases=[Case("N C", np.array([-1.0, 0.0, 1.0])), Case("N", [0.0, 1.0])],
    errors=[Failure("2", "2 2", match="bins of one axis")],
)
def digitize(x: Array, bins: Array) -> Array:
    """The number of the bin in which each value falls: the count of borders that are not above it.

    Args:
        x: any shape.
        bins: the rising borders, shape (K,).

    Raises:
        ShapeError: the borders have not one axis.

    >>> digitize([0.0, 1.0, 9.0], [1.0, 2.0])
    Tensor([0, 1, 2], dtype=int32)
    """
    if bins.ndim != 1:
        raise ShapeError(f"digitize expected bins of one axis. Received: shape {bins.shape}.")
    return np.asarray(np.searchsorted(bins, x, side="right"), "int32")


@op(cases=[Case(A("N C", kind="bool")), Case(A("N", kind="bool"))])
def nonzero(x: Array) -> tuple[Array, ...]:
    """The places of what is not 0: one list of indices for each axis.

    >>> nonzero([0.0, 3.0, 5.0])
    (Tensor([1, 2], dtype=int32),)
    """
    return tuple(i.astype("int32") for i in np.nonzero(x))
