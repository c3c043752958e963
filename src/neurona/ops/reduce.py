"""Ops that make one number of many along axes: sums, means, extremes, and those that keep a running total.

`axis` is a number, several, or ``None`` for all; `keepdims` leaves the reduced axes in place with length 1.
Sums of small integers are int32 (uint32 of unsigned ones), means of integers are `floatx`, as in Keras.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from neurona import config, kernels
from neurona.cases import A, Case, Failure
from neurona.errors import ShapeError
from neurona.ops.elementwise import (
    QUIET,
    cast,
    divide,
    multiply,
    standard_dtype,
    subtract,
)
from neurona.tape import composed, op
from neurona.tensor import Array, Tensor, TensorLike, as_array

__all__ = [
    "all",
    "amax",
    "amin",
    "any",
    "argmax",
    "argmin",
    "average",
    "count_nonzero",
    "logsumexp",
    "max",
    "mean",
    "min",
    "prod",
    "ptp",
    "std",
    "sum",
    "var",
]

Axis = int | tuple[int, ...] | list[int] | None


def check_axes(x: Array, axis: Axis, name: str) -> tuple[int, ...]:
    """The axes as numbers from 0; an error for one that `x` lacks."""
    if axis is None:
        return tuple(range(x.ndim))
    wanted = tuple(axis) if isinstance(axis, (tuple, list)) else (axis,)
    for one in wanted:
        if not -x.ndim <= one < x.ndim:
            raise ShapeError(f"{name} has no axis {one} to work along. Received: shape {x.shape}, axis={axis}.")
    return tuple(one % x.ndim for one in wanted)


def ready(x: Array, axis: Axis, name: str) -> int | tuple[int, ...] | None:
    """The axis as NumPy takes it."""
    if axis is None or (isinstance(axis, int) and -x.ndim <= axis < x.ndim):
        return axis
    return check_axes(x, axis, name)


def spread(g: Array, x: Array, axis: Axis, keepdims: bool) -> Array:
    """`g`, the gradient of a reduced array, with the reduced axes of `x` put back at length 1.

    >>> spread(np.ones(2), np.ones((2, 3)), 1, False).shape
    (2, 1)
    """
    if keepdims or x.ndim == 0:
        return g
    gone = {one % x.ndim for one in (range(x.ndim) if axis is None else np.atleast_1d(axis).tolist())}
    return g.reshape([1 if i in gone else n for i, n in enumerate(x.shape)])


def stretched(g: Array, shape: tuple[int, ...]) -> Array:
    """`g` repeated along the axes where it has length 1, to `shape`.

    >>> stretched(np.ones((2, 1)), (2, 3)).shape
    (2, 3)
    """
    if g.size == 1 and math.prod(shape) <= 4096:
        return np.full(shape, g.item(), g.dtype)  # a fifth of the time of a view, for the loss of a small batch
    return np.broadcast_to(g, shape)


def sum_dtype(x: Array) -> np.dtype[Any]:
    """The type of a sum: no integer narrower than 32 bits."""
    if x.dtype.kind in "bi":
        return np.dtype("int32") if x.dtype.itemsize < 4 else x.dtype
    return np.dtype("uint32") if x.dtype.kind == "u" and x.dtype.itemsize < 4 else x.dtype


SMALL = 4096  # numbers; for fewer, finding out the shape would take as long as NumPy takes for the sum


def rows_along(x: Any, axis: Axis) -> tuple[int, int, int] | None:
    """The shape (before, along, after) of `x` for a compiled sum along neighbouring axes of which none is the last.

    >>> x = np.ones((2, 16, 16, 16), "float32")
    >>> rows_along(x, (1, 2)), rows_along(x, 3)
    ((2, 256, 16), None)
    """
    if axis is None or type(x) is not np.ndarray or x.size < SMALL or x.dtype != np.float32:
        return None
    rank = x.ndim
    if isinstance(axis, int):
        first = axis + rank if axis < 0 else axis
        end = first + 1
    else:
        places = sorted([one + rank if one < 0 else one for one in axis])
        if not places or places != list(range(places[0], places[0] + len(places))):
            return None
        first, end = places[0], places[-1] + 1
    if first < 0 or end >= rank or not x.flags.c_contiguous:
        return None
    after = math.prod(x.shape[end:])
    # narrow rows leave a vector half empty: NumPy does as well there
    return (math.prod(x.shape[:first]), math.prod(x.shape[first:end]), after) if after >= 8 else None


def _reduced_shape(x: Array, axis: Axis, keepdims: bool) -> list[int]:
    axes = {one % x.ndim for one in ([axis] if isinstance(axis, int) else axis or ())}
    return [1 if i in axes else n for i, n in enumerate(x.shape) if keepdims or i not in axes]


REDUCED = [Case("N C"), Case("N T C", axis=1), Case("N T C", axis=(0, -1), keepdims=True), Case("")]
ROWS = [Case("N 20 C 33", axis=(1, 2)), Case("N T 90", axis=0, keepdims=True)]  # large enough for the kernel
# extremes and quotients have no value for empty arrays
FILLED: Any = {"N": 1, "T": 1, "C": 1}
REDUCED_FILLED = [
    Case("N C", sizes=FILLED),
    Case("N T C", axis=1, sizes=FILLED),
    Case("N T C", axis=(0, -1), keepdims=True, sizes=FILLED),
    Case(""),
]
NO_AXIS = [Failure("2 3", axis=2, match="no axis 2")]


# -- sums and means ------------------------------------------------------------------------------------------


@op(cases=REDUCED + ROWS, errors=NO_AXIS, promote="binary")
def sum(x: Array, axis: Axis = None, keepdims: bool = False) -> Array:
    """The sum along axes; of nothing it is 0.

    >>> sum([[1.0, 2.0], [3.0, 4.0]], axis=0)
    Tensor([4., 6.], dtype=float32)
    """
    return np.asarray(x.sum(axis=ready(x, axis, "sum"), dtype=sum_dtype(x), keepdims=keepdims))


@sum.gradient
def _(g: Array, y: Array, x: Array, axis: Axis = None, keepdims: bool = False) -> Array:
    return stretched(spread(g, x, axis, keepdims), x.shape)


@sum.fast
def _(x: Array, axis: Axis = None, keepdims: bool = False) -> Any:
    shape = rows_along(x, axis)
    if shape is None:
        return NotImplemented
    y = kernels.native.sum_rows(x.reshape(shape), 1.0)
    return y if y is NotImplemented else y.reshape(_reduced_shape(x, axis, keepdims))


@op(cases=REDUCED + ROWS, errors=NO_AXIS, promote="float")
def mean(x: Array, axis: Axis = None, keepdims: bool = False) -> Array:
    """The mean along axes; of nothing it is NaN.

    >>> mean([[1, 2], [3, 4]], axis=1)
    Tensor([1.5, 3.5], dtype=float32)
    """
    axis = ready(x, axis, "mean")
    total = x.sum(axis=axis, keepdims=keepdims, dtype="float32" if x.dtype.itemsize == 2 else None)  # 65504 + 1 fits
    if not x.size:
        return np.full_like(total, np.nan, dtype=x.dtype)
    return np.asarray(total / total.dtype.type(_count(x, total)), x.dtype)


def _count(x: Array, y: Array) -> int:
    """How many numbers of `x` went into each of `y`."""
    return x.size // y.size if y.size else 1


@mean.gradient
def _(g: Array, y: Array, x: Array, axis: Axis = None, keepdims: bool = False) -> Array:
    return stretched(spread(g / g.dtype.type(_count(x, y) or 1), x, axis, keepdims), x.shape)


@mean.fast
def _(x: Array, axis: Axis = None, keepdims: bool = False) -> Any:
    shape = rows_along(x, axis)
    if shape is None:
        return NotImplemented
    y = kernels.native.sum_rows(x.reshape(shape), 1.0 / shape[1])
    return y if y is NotImplemented else y.reshape(_reduced_shape(x, axis, keepdims))


@mean.fast_gradient
def _(g: Array, y: Array, x: Array, needs: tuple[bool], axis: Axis = None, keepdims: bool = False) -> Any:
    # written out, not a view: what comes before a global pooling wants its gradient in C order
    shape = rows_along(x, axis)
    if shape is None or not g.flags.c_contiguous:
        return NotImplemented
    dx = kernels.native.repeat_rows(g.reshape(shape[0], shape[2]), shape[1], 1.0 / shape[1])
    return dx if dx is NotImplemented else dx.reshape(x.shape)


@op(cases=REDUCED_FILLED, errors=NO_AXIS, promote="float")
@QUIET
def var(x: Array, axis: Axis = None, keepdims: bool = False) -> Array:
    """The variance along axes: the mean of (x - mean)^2.

    >>> var([1.0, 3.0])
    Tensor(1., dtype=float32)
    """
    axis = ready(x, axis, "var")
    off = x - x.mean(axis=axis, keepdims=True)
    return np.asarray((off * off).mean(axis=axis, keepdims=keepdims))


@var.gradient
def _(g: Array, y: Array, x: Array, axis: Axis = None, keepdims: bool = False) -> Array:
    off = x - x.mean(axis=ready(x, axis, "var"), keepdims=True)
    return np.asarray(off * (spread(g, x, axis, keepdims) * np.asarray(2 / (_count(x, y) or 1), g.dtype)))


@op(
    cases=[
        Case("N C", sizes={"N": 2, "C": 2}),
        Case("N T C", axis=(0, 2), keepdims=True, sizes={"N": 2, "T": 1, "C": 2}),
    ],
    errors=NO_AXIS,
    promote="float",
)
@QUIET
def std(x: Array, axis: Axis = None, keepdims: bool = False) -> Array:
    """The standard deviation along axes, the root of the variance.

    >>> std([1.0, 3.0])
    Tensor(1., dtype=float32)
    """
    axis = ready(x, axis, "std")
    off = x - x.mean(axis=axis, keepdims=True)
    return np.asarray(np.sqrt((off * off).mean(axis=axis, keepdims=keepdims)))


@std.gradient
@QUIET
def _(g: Array, y: Array, x: Array, axis: Axis = None, keepdims: bool = False) -> Array:
    off = x - x.mean(axis=ready(x, axis, "std"), keepdims=True)
    return np.asarray(off * spread(g / (y * np.asarray(_count(x, y) or 1, g.dtype)), x, axis, keepdims))


@composed(
    cases=[
        Case("N C", sizes=FILLED),
        Case("N C", axis=0, sizes=FILLED),
        Case("N 3", axis=1, weights=[0.5, 1.0, 2.0], sizes=FILLED),
        Case("N C", None, A("N C", 0.5, 1.5), sizes=FILLED),
    ],
    errors=[Failure("2 3", axis=1, weights=[1.0, 2.0], match="weights of shape")],
)
def average(x: TensorLike, axis: Axis = None, weights: TensorLike | None = None) -> Tensor:
    """The mean in which each number counts by its weight: sum(x w) / sum(w).

    Args:
        x: a tensor.
        axis: the axes to average over.
        weights: of x's shape, or of the one axis that is averaged over; equal ones by default.

    >>> average([1.0, 4.0], weights=[2.0, 1.0])
    Tensor(2., dtype=float32)
    """
    if weights is None:
        return mean(x, axis)  # type: ignore[no-any-return]
    own = next((t.dtype for t in (x, weights) if hasattr(t, "dtype") and not is_integer(t)), config.floatx())
    x, w = (cast(t, own) if is_integer(t) else t for t in (x, weights))
    shape, given = _shape(x), _shape(w)
    if given != shape:
        if len(given) != 1 or not isinstance(axis, int) or given[0] != shape[axis]:
            raise ShapeError(
                "average expected weights of shape x.shape, or of the one axis that is averaged over. "
                f"Received: x of shape {shape}, weights of shape {given}, axis={axis}."
            )
        w = _stand_along(w, axis=axis % len(shape), ndim=len(shape))
        return divide(sum(multiply(x, w), axis), sum(w))  # type: ignore[no-any-return]
    return divide(sum(multiply(x, w), axis), sum(w, axis))  # type: ignore[no-any-return]


def _shape(x: TensorLike) -> tuple[int | None, ...]:
    return tuple(x.shape) if hasattr(x, "shape") else as_array(x).shape


@op(cases=[Case("C", axis=1, ndim=3)], promote="binary")
def _stand_along(x: Array, axis: int, ndim: int) -> Array:
    """A vector as an array of `ndim` axes, all but `axis` of length 1."""
    return x.reshape([-1 if i == axis else 1 for i in range(ndim)])


@_stand_along.gradient
def _(g: Array, y: Array, x: Array, axis: int, ndim: int) -> Array:
    return g.reshape(x.shape)


def is_integer(x: Any) -> bool:
    """Whether a tensor, array or number is of integers or bools."""
    return np.dtype(x.dtype if hasattr(x, "dtype") else as_array(x).dtype).kind in "biu"


# -- products ------------------------------------------------------------------------------------------------


@op(cases=REDUCED, errors=NO_AXIS, promote="binary")
def prod(x: Array, axis: Axis = None, keepdims: bool = False, dtype: npt.DTypeLike | None = None) -> Array:
    """The product along axes; of nothing it is 1. The gradient is right where factors are 0 too.

    >>> prod([[1.0, 2.0], [3.0, 4.0]], axis=1)
    Tensor([ 2., 12.], dtype=float32)
    """
    kind = sum_dtype(x) if dtype is None else standard_dtype(dtype)
    return np.asarray(x.prod(axis=ready(x, axis, "prod"), dtype=kind, keepdims=keepdims))


@prod.gradient
def _(
    g: Array,
    y: Array,
    x: Array,
    axis: Axis = None,
    keepdims: bool = False,
    dtype: npt.DTypeLike | None = None,
) -> Array:
    axes = check_axes(x, axis, "prod")
    kept = [i for i in range(x.ndim) if i not in axes]
    order = kept + list(axes)
    front = [x.shape[i] for i in kept]
    rows = x.transpose(order).reshape(*front, math.prod(x.shape[i] for i in axes))
    # the product of all others: of those before times of those after, which no 0 can spoil
    before = np.ones_like(rows)
    np.cumprod(rows[..., :-1], axis=-1, out=before[..., 1:])
    after = np.ones_like(rows)
    np.cumprod(rows[..., :0:-1], axis=-1, out=after[..., -2::-1] if rows.shape[-1] > 1 else after[..., :0])
    others = (before * after).reshape([x.shape[i] for i in order]).transpose(np.argsort(order))
    return others * spread(g, x, axis, keepdims)


# -- extremes ------------------------------------------------------------------------------------------------


def check_filled(x: Array, axis: Axis, name: str, initial: Any = None) -> None:
    """Raise a `ShapeError` where an extreme of nothing is asked for and no `initial` value stands in."""
    if x.size == 0 and initial is None:
        reduced = check_axes(x, axis, name)
        if 0 in [x.shape[i] for i in reduced] or not reduced:
            raise ShapeError(
                f"{name} of no numbers is not defined. Received: shape {x.shape}, axis={axis}. "
                "Give `initial` where the function has it."
            )


def _share_of_extreme(g: Array, y: Array, x: Array, axis: Axis, keepdims: bool) -> Array:
    """The gradient divided evenly among the numbers that equal the extreme."""
    hit = x == spread(y, x, axis, keepdims)
    number = hit.sum(axis=None if axis is None else tuple(np.atleast_1d(axis).tolist()), keepdims=True)
    share = spread(g, x, axis, keepdims) / np.maximum(number, 1).astype(g.dtype)
    return np.asarray(hit * share)


EMPTY = [*NO_AXIS, Failure("2 0", axis=1, match="of no numbers")]


@op(cases=[*REDUCED_FILLED, Case("N C", axis=0, initial=0.5)], errors=EMPTY, promote="binary")
def max(x: Array, axis: Axis = None, keepdims: bool = False, initial: float | None = None) -> Array:
    """The largest along axes. Among equals the gradient is divided evenly.

    Args:
        x: a tensor.
        axis, keepdims: see above.
        initial: the least that the result can be; without it the maximum of nothing is an error.

    >>> max([[1.0, 5.0], [3.0, 4.0]], axis=1)
    Tensor([5., 4.], dtype=float32)
    """
    check_filled(x, axis, "max", initial)
    axis = ready(x, axis, "max")
    return np.asarray(
        x.max(axis=axis, keepdims=keepdims) if initial is None else x.max(axis=axis, keepdims=keepdims, initial=initial)
    )


@max.gradient
def _(g: Array, y: Array, x: Array, axis: Axis = None, keepdims: bool = False, initial: float | None = None) -> Array:
    return _share_of_extreme(g, y, x, axis, keepdims)


@op(cases=[*REDUCED_FILLED, Case("N C", axis=0, initial=-0.5)], errors=EMPTY, promote="binary")
def min(x: Array, axis: Axis = None, keepdims: bool = False, initial: float | None = None) -> Array:
    """The smallest along axes. Among equals the gradient is divided evenly.

    Args:
        x: a tensor.
        axis, keepdims: see above.
        initial: the most that the result can be; without it the minimum of nothing is an error.

    >>> min([[1.0, 5.0], [3.0, 4.0]], axis=1)
    Tensor([1., 3.], dtype=float32)
    """
    check_filled(x, axis, "min", initial)
    axis = ready(x, axis, "min")
    return np.asarray(
        x.min(axis=axis, keepdims=keepdims) if initial is None else x.min(axis=axis, keepdims=keepdims, initial=initial)
    )


@min.gradient
def _(g: Array, y: Array, x: Array, axis: Axis = None, keepdims: bool = False, initial: float | None = None) -> Array:
    return _share_of_extreme(g, y, x, axis, keepdims)


@composed(cases=REDUCED_FILLED)
def amax(x: TensorLike, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """The largest along axes: `max` under NumPy's other name.

    >>> amax([1.0, 5.0])
    Tensor(5., dtype=float32)
    """
    return max(x, axis=axis, keepdims=keepdims)  # type: ignore[no-any-return]


@composed(cases=REDUCED_FILLED)
def amin(x: TensorLike, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """The smallest along axes: `min` under NumPy's other name.

    >>> amin([1.0, 5.0])
    Tensor(1., dtype=float32)
    """
    return min(x, axis=axis, keepdims=keepdims)  # type: ignore[no-any-return]


@composed(cases=REDUCED_FILLED)
def ptp(x: TensorLike, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """From the smallest to the largest along axes: max - min.

    >>> ptp([1.0, 5.0, 2.0])
    Tensor(4., dtype=float32)
    """
    return subtract(max(x, axis=axis, keepdims=keepdims), min(x, axis=axis, keepdims=keepdims))  # type: ignore[no-any-return]


@op(
    cases=[Case("N C", sizes=FILLED), Case("N C", axis=-1, keepdims=True, sizes=FILLED)],
    errors=[*NO_AXIS, Failure("2 0", axis=1, match="of no numbers")],
    promote="binary",
)
def argmax(x: Array, axis: int | None = None, keepdims: bool = False) -> Array:
    """The place of the largest along an axis (the first among equals), or in the flattened array.

    >>> argmax([[1.0, 5.0], [4.0, 3.0]], axis=1)
    Tensor([1, 0], dtype=int32)
    """
    check_filled(x, axis, "argmax")
    ready(x, axis, "argmax")
    return np.asarray(np.argmax(x, axis=axis, keepdims=keepdims), "int32")


@op(
    cases=[Case("N C", sizes=FILLED), Case("N C", axis=-1, keepdims=True, sizes=FILLED)],
    errors=[*NO_AXIS, Failure("2 0", axis=1, match="of no numbers")],
    promote="binary",
)
def argmin(x: Array, axis: int | None = None, keepdims: bool = False) -> Array:
    """The place of the smallest along an axis (the first among equals), or in the flattened array.

    >>> argmin([[1.0, 5.0], [4.0, 3.0]], axis=1)
    Tensor([0, 1], dtype=int32)
    """
    check_filled(x, axis, "argmin")
    ready(x, axis, "argmin")
    return np.asarray(np.argmin(x, axis=axis, keepdims=keepdims), "int32")


# -- questions about all of them -----------------------------------------------------------------------------

YES_NO = [
    Case(A("N C", kind="bool")),
    Case(A("N C", 0, 2, "int"), axis=1, keepdims=True),
    Case("N C", axis=(0, 1)),
]


@op(cases=YES_NO, errors=NO_AXIS, promote="binary")
def all(x: Array, axis: Axis = None, keepdims: bool = False) -> Array:
    """Whether all along the axes hold; numbers other than 0 count as true.

    >>> all([[True, False], [True, True]], axis=1)
    Tensor([False,  True], dtype=bool)
    """
    return np.asarray(np.all(x, axis=ready(x, axis, "all"), keepdims=keepdims))


@op(cases=YES_NO, errors=NO_AXIS, promote="binary")
def any(x: Array, axis: Axis = None, keepdims: bool = False) -> Array:
    """Whether any along the axes holds; numbers other than 0 count as true.

    >>> any([[True, False], [False, False]], axis=1)
    Tensor([ True, False], dtype=bool)
    """
    return np.asarray(np.any(x, axis=ready(x, axis, "any"), keepdims=keepdims))


@op(cases=[Case(A("N C", 0, 2, "int")), Case(A("N C", 0, 2, "int"), axis=1)], errors=NO_AXIS, promote="binary")
def count_nonzero(x: Array, axis: Axis = None) -> Array:
    """How many along the axes are not 0.

    >>> count_nonzero([[1, 0], [2, 3]], axis=1)
    Tensor([1, 2], dtype=int32)
    """
    return np.asarray(np.count_nonzero(x, axis=ready(x, axis, "count_nonzero")), "int32")


# -- lengths and logarithms ----------------------------------------------------------------------------------


@op(cases=REDUCED_FILLED, errors=NO_AXIS, promote="float")
@QUIET
def logsumexp(x: Array, axis: Axis = None, keepdims: bool = False) -> Array:
    """log(sum(e^x)) along axes, without overflow; of nothing it is -inf.

    >>> from neurona import ops
    >>> ops.round(logsumexp([0.0, 0.0]), 3)
    Tensor(0.693, dtype=float32)
    """
    axis = ready(x, axis, "logsumexp")
    top = x.max(axis=axis, keepdims=True, initial=-np.inf)
    top = np.where(np.isfinite(top), top, 0).astype(x.dtype, copy=False)  # exp of the largest is 1
    total = np.log(np.exp(x - top).sum(axis=axis, keepdims=True)) + top
    return np.asarray(total if keepdims else total.squeeze(check_axes(x, axis, "logsumexp")))


@logsumexp.gradient
def _(g: Array, y: Array, x: Array, axis: Axis = None, keepdims: bool = False) -> Array:
    whole = spread(y, x, axis, keepdims)
    return np.asarray(np.exp(x - np.where(np.isfinite(whole), whole, 0)) * spread(g, x, axis, keepdims))
