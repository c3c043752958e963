"""Ops that turn integers into rows of 0 and 1, add up what bears the same number, and count or find places.

They lean on `index.add_at_rows`, which adds rows up in a fixed order.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from neurona import config
from neurona.cases import A, Case, Failure
from neurona.errors import ArgumentError, ShapeError
from neurona.ops.index import add_at_rows, check_whole
from neurona.symbolic import KerasTensor
from neurona.tape import op
from neurona.tensor import Array

__all__ = [
    "bincount",
    "digitize",
    "multi_hot",
    "nonzero",
    "one_hot",
    "searchsorted",
    "segment_max",
    "segment_min",
    "segment_prod",
    "segment_sum",
]


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


def _segments(name: str, data: Array, segment_ids: Array, num_segments: int | None) -> tuple[Array, Array, int]:
    """The rows that belong to a segment, their segments, and how many segments there are."""
    ids = check_whole(name, segment_ids)
    if ids.ndim != 1 or not data.ndim or data.shape[0] != ids.shape[0]:
        raise ShapeError(f"{name} expected one segment id for each row. Received: shapes {data.shape} and {ids.shape}.")
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


def _drawn_segments(data: Any, segment_ids: Any, num_segments: int | None = None, sorted: bool = False) -> Any:
    """As many rows as the largest id tells, which nobody knows yet."""
    if num_segments is not None or not isinstance(segment_ids, KerasTensor):
        return NotImplemented
    return KerasTensor((None, *data.shape[1:]), data.dtype)


@op(cases=SEGMENT_CASES, errors=SEGMENT_ERRORS)
def segment_sum(data: Array, segment_ids: Array, num_segments: int | None = None, sorted: bool = False) -> Array:
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


segment_sum.drawn(_drawn_segments)


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
def segment_max(data: Array, segment_ids: Array, num_segments: int | None = None, sorted: bool = False) -> Array:
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


@op(
    cases=[
        Case("4 C", np.array([0, 1, 2, 0], "int32")),
        Case("4 C", np.array([0, -1, 1, 1], "int32"), num_segments=2),
    ],
    errors=SEGMENT_ERRORS,
)
def segment_min(data: Array, segment_ids: Array, num_segments: int | None = None, sorted: bool = False) -> Array:
    """The smallest of the rows that bear the same number; the highest number there is where no row does.

    Args and errors are those of `segment_max`.

    >>> segment_min([1.0, 2.0, 4.0], [0, 1, 0])
    Tensor([1., 2.], dtype=float32)
    """
    rows, ids, count = _segments("segment_min", data, segment_ids, num_segments)
    highest = np.finfo(data.dtype).max if data.dtype.kind == "f" else np.iinfo(data.dtype).max
    y = np.full((count, *data.shape[1:]), highest, data.dtype)
    np.minimum.at(y, ids[rows], data[rows])
    return y


@op(
    cases=[
        Case(A("4 C", 0.5, 2.0), np.array([0, 1, 2, 0], "int32")),
        Case(A("4 C", 0.5, 2.0), np.array([0, -1, 1, 1], "int32"), num_segments=2),
    ],
    errors=SEGMENT_ERRORS,
)
def segment_prod(data: Array, segment_ids: Array, num_segments: int | None = None, sorted: bool = False) -> Array:
    """The products of the rows that bear the same number; 1 where no row does.

    Args and errors are those of `segment_max`.

    >>> segment_prod([2.0, 3.0, 4.0], [0, 1, 0])
    Tensor([8., 3.], dtype=float32)
    """
    rows, ids, count = _segments("segment_prod", data, segment_ids, num_segments)
    y = np.ones((count, *data.shape[1:]), data.dtype)
    np.multiply.at(y, ids[rows], data[rows])
    return y


segment_prod.drawn(_drawn_segments)


@segment_prod.gradient
def _(
    g: Array, y: Array, data: Array, segment_ids: Array, num_segments: int | None = None, sorted: bool = False
) -> tuple[Array, None]:
    rows, ids, count = _segments("segment_prod", data, segment_ids, num_segments)
    zero = data == 0  # without them, the product of the others is the whole divided by one's own
    zeros = add_at_rows(count, ids[rows], zero[rows].astype(g.dtype))
    rest = segment_prod.reference(np.where(zero, 1, data), segment_ids, count)
    dx = np.zeros(data.shape, g.dtype)
    own, others = data[rows], zeros[ids[rows]] - zero[rows]
    dx[rows] = np.where(others > 0, 0, g[ids[rows]] * rest[ids[rows]] / np.where(zero[rows], 1, own))
    return dx, None


segment_max.drawn(_drawn_segments)


segment_min.drawn(_drawn_segments)


@segment_max.gradient
@segment_min.gradient
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
    x = check_whole("bincount", x)
    if x.ndim not in (1, 2):
        raise ShapeError(f"bincount expected one or two axes. Received: shape {x.shape}.")
    if weights is not None and weights.shape != x.shape:
        raise ShapeError(f"bincount expected as many weights as numbers. Received: {x.shape} and {weights.shape}.")
    if x.min(initial=0) < 0:
        raise ArgumentError(f"bincount expected no negative numbers. Received: {x.min()}.")
    length = max(int(x.max()) + 1 if x.size else 0, minlength)
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
        raise ShapeError(f"searchsorted expected a sequence of one axis. Received: shape {sorted_sequence.shape}.")
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


@nonzero.drawn
def _(x: KerasTensor) -> tuple[KerasTensor, ...]:
    return tuple(KerasTensor((None,), "int32") for _ in x.shape)
