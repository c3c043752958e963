"""Ops that work on each element by itself: arithmetic, rounding, extremes, choices and changes of type.

Operands of different shapes are broadcast as in NumPy; a gradient is summed back over the axes that were
broadcast. Operands of different types meet in the type that Keras gives them (`neurona.tape.common_dtype`).
Functions such as exp and sin are in `neurona.ops.functions`, comparisons in `neurona.ops.logic`.
"""

from __future__ import annotations

import builtins
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from neurona import config
from neurona.cases import A, Case, Failure
from neurona.errors import ArgumentError, DTypeError, ShapeError
from neurona.symbolic import KerasTensor
from neurona.tape import _to_common as to_common
from neurona.tape import composed, op
from neurona.tensor import Array, Tensor, TensorLike, as_array

__all__ = [
    "abs",
    "absolute",
    "add",
    "arctan2",
    "cast",
    "ceil",
    "clip",
    "copy",
    "divide",
    "divide_no_nan",
    "fabs",
    "floor",
    "floor_divide",
    "fmax",
    "fmin",
    "fmod",
    "heaviside",
    "hypot",
    "logaddexp",
    "logaddexp2",
    "maximum",
    "minimum",
    "mod",
    "multiply",
    "nan_to_num",
    "negative",
    "nextafter",
    "power",
    "reciprocal",
    "round",
    "saturate_cast",
    "select",
    "sign",
    "square",
    "stop_gradient",
    "subtract",
    "true_divide",
    "trunc",
    "where",
]

#: Decorates a function whose infinities and NaN are a result and not worth a warning.
QUIET = np.errstate(all="ignore")


def unbroadcast(g: Array, x: Array | float) -> Array:
    """Sum `g` over the axes along which `x` was broadcast to g's shape.

    >>> unbroadcast(np.ones((2, 3)), np.ones((1, 3))).tolist()
    [[2.0, 2.0, 2.0]]
    """
    shape = np.shape(x)
    if g.shape == shape:
        return g
    if g.ndim > len(shape):
        g = g.sum(axis=tuple(range(g.ndim - len(shape))))
    stretched = tuple(i for i, n in enumerate(shape) if n == 1 and g.shape[i] != 1)
    return np.asarray(g.sum(axis=stretched, keepdims=True) if stretched else g)


def check_broadcast(name: str, *arrays: Array) -> None:
    """Raise a `ShapeError` where NumPy could not broadcast them."""
    shapes = [np.shape(x) for x in arrays]
    try:
        np.broadcast_shapes(*shapes)
    except ValueError:
        raise ShapeError(
            f"{name} expected shapes that broadcast. Received: {' and '.join(map(str, shapes))}. "
            "Axes are matched from the last one; they must be equal or 1."
        ) from None


def broadcasting(name: str, function: Callable[[Any, Any], Any], x1: Array, x2: Array) -> Array:
    """``function(x1, x2)``; where their shapes do not fit, the error tells the op's name.

    >>> broadcasting("add", np.add, np.ones(2), np.ones(())).tolist()
    [2.0, 2.0]
    """
    try:
        return np.asarray(function(x1, x2))
    except ValueError:
        check_broadcast(name, x1, x2)
        raise


def standard_dtype(dtype: npt.DTypeLike | None) -> np.dtype[Any]:
    """The NumPy type that `dtype` means; `floatx` for ``None``, int32 and floatx for Python's int and float.

    >>> standard_dtype(None).name, standard_dtype(int).name
    ('float32', 'int32')
    """
    if dtype is None or dtype is float:
        return np.dtype(config.floatx())
    if dtype is int:
        return np.dtype("int32")
    try:
        found = np.dtype(dtype)
    except TypeError:
        raise DTypeError(f"Expected a dtype such as 'float32' or 'int32'. Received: {dtype!r}.") from None
    if found.kind not in "biufc":
        raise DTypeError(f"Expected a dtype of numbers. Received: {dtype!r}.")
    return found


PAIRS = [Case("N C", "N C"), Case("N C", "C"), Case("N 1", "1 C"), Case("N C", "")]
MISMATCH = [Failure("2 3", "2 4", match="shapes that broadcast")]
POSITIVE_PAIRS = [
    Case(A("N C", 0.2, 2.0), "C"),
    Case(A("N 1", 0.2, 2.0), "1 C"),
    Case(A("", 0.2, 2.0), "N C"),
]
# the second operand away from 0
QUOTIENTS = [
    Case("N C", A("N C", 0.5, 3.0)),
    Case("N C", A("C", -3.0, -0.5)),
    Case("N 1", A("1 C", 0.5, 2.0)),
    Case("N C", 2.0),
    Case(2.0, A("N C", 0.5, 3.0)),
]
Two = tuple[Array | None, Array | None]
Needs = tuple[bool, bool]


# -- sums and products ---------------------------------------------------------------------------------------


@op(cases=[*PAIRS, Case("N C", 2.0), Case(1, "N C")], errors=MISMATCH, promote="binary")
def add(x1: Array, x2: Array) -> Array:
    """Add element by element: y = x1 + x2.

    >>> add([1.0, 2.0], 3.0)
    Tensor([4., 5.], dtype=float32)
    """
    try:
        return x1 + x2
    except ValueError:
        check_broadcast("add", x1, x2)
        raise


@add.gradient
def _(g: Array, y: Array, x1: Array, x2: Array, needs: Needs) -> Two:
    return unbroadcast(g, x1) if needs[0] else None, unbroadcast(g, x2) if needs[1] else None


@op(cases=[*PAIRS, Case("N C", 2.0), Case(1, "N C")], errors=MISMATCH, promote="binary")
def subtract(x1: Array, x2: Array) -> Array:
    """Subtract element by element: y = x1 - x2.

    >>> subtract([1.0, 2.0], [3.0, 1.0])
    Tensor([-2.,  1.], dtype=float32)
    """
    try:
        return x1 - x2
    except ValueError:
        check_broadcast("subtract", x1, x2)
        raise
    except TypeError:
        raise DTypeError("subtract has no meaning for booleans. Cast them to int32 first.") from None


@subtract.gradient
def _(g: Array, y: Array, x1: Array, x2: Array, needs: Needs) -> Two:
    return unbroadcast(g, x1) if needs[0] else None, unbroadcast(-g, x2) if needs[1] else None


@op(cases=[*PAIRS, Case("N C", 2.0), Case(3, "N C")], errors=MISMATCH, promote="binary")
def multiply(x1: Array, x2: Array) -> Array:
    """Multiply element by element: y = x1 x2.

    >>> multiply([1.0, 2.0], [3.0, 4.0])
    Tensor([3., 8.], dtype=float32)
    """
    try:
        return x1 * x2
    except ValueError:
        check_broadcast("multiply", x1, x2)
        raise


@multiply.gradient
def _(g: Array, y: Array, x1: Array, x2: Array, needs: Needs) -> Two:
    return unbroadcast(g * x2, x1) if needs[0] else None, unbroadcast(g * x1, x2) if needs[1] else None


@op(cases=[Case("N C"), Case("")], promote="binary")
def negative(x: Array) -> Array:
    """Change the sign: y = -x.

    >>> negative([1.0, -2.0])
    Tensor([-1.,  2.], dtype=float32)
    """
    return np.negative(x)


@negative.gradient
def _(g: Array, y: Array, x: Array) -> Array:
    return -g


@op(cases=[Case("N C"), Case("")], promote="binary")
def square(x: Array) -> Array:
    """The square: y = x^2.

    >>> square([3.0, -4.0])
    Tensor([ 9., 16.], dtype=float32)
    """
    if x.dtype.kind == "b":
        x = x.astype("int32")
    return x * x


@square.gradient
def _(g: Array, y: Array, x: Array) -> Array:
    return np.asarray(g * (x + x))


# -- quotients and powers ------------------------------------------------------------------------------------


@op(cases=QUOTIENTS, errors=MISMATCH, promote="binary float")
@QUIET
def divide(x1: Array, x2: Array) -> Array:
    """Divide element by element: y = x1 / x2, of integers too; by 0 it is infinite or NaN.

    >>> divide([1, 3], [2, 0])
    Tensor([0.5, inf], dtype=float32)
    """
    try:
        return x1 / x2
    except ValueError:
        check_broadcast("divide", x1, x2)
        raise


@divide.gradient
@QUIET
def _(g: Array, y: Array, x1: Array, x2: Array, needs: Needs) -> Two:
    return (
        unbroadcast(g / x2, x1) if needs[0] else None,
        unbroadcast(-g * y / x2, x2) if needs[1] else None,
    )


true_divide = divide


@op(cases=QUOTIENTS, errors=MISMATCH, promote="binary float")
def divide_no_nan(x1: Array, x2: Array) -> Array:
    """Divide element by element, with 0 where the divisor is 0.

    >>> divide_no_nan([1.0, 3.0], [2.0, 0.0])
    Tensor([0.5, 0. ], dtype=float32)
    """
    check_broadcast("divide_no_nan", x1, x2)
    zero = np.equal(x2, 0)
    return np.where(zero, 0, x1 / np.where(zero, 1, x2).astype(np.result_type(x1, x2), copy=False))


@divide_no_nan.gradient
def _(g: Array, y: Array, x1: Array, x2: Array, needs: Needs) -> Two:
    share = np.where(np.equal(x2, 0), 0, g / np.where(np.equal(x2, 0), 1, x2))
    return unbroadcast(share, x1) if needs[0] else None, unbroadcast(-share * y, x2) if needs[1] else None


@op(cases=[Case("N C", A("N C", 0.5, 3.0)), Case("N C", 2.0)], errors=MISMATCH, promote="binary")
@QUIET
def floor_divide(x1: Array, x2: Array) -> Array:
    """Divide and round down: y = floor(x1 / x2). It has no gradient.

    >>> floor_divide([7, -7], 2)
    Tensor([ 3, -4], dtype=int32)
    """
    return broadcasting("floor_divide", np.floor_divide, x1, x2)


@op(cases=[Case("N C", A("N C", 5.0, 7.0)), Case("N 1", A("C", 5.0, 7.0))], errors=MISMATCH, promote="binary")
@QUIET
def mod(x1: Array, x2: Array) -> Array:
    """The rest of the division that rounds down; it has the divisor's sign.

    >>> mod([7, -7], 3)
    Tensor([1, 2], dtype=int32)
    """
    return broadcasting("mod", np.mod, *_counted(x1, x2))


def _counted(x1: Array, x2: Array) -> tuple[Array, Array]:
    """Truth values as whole numbers, of which there may be a rest."""
    if all(np.asarray(x).dtype.kind == "b" for x in (x1, x2)):
        return np.asarray(x1, "int32"), np.asarray(x2, "int32")
    return x1, x2


@mod.gradient
def _(g: Array, y: Array, x1: Array, x2: Array, needs: Needs) -> Two:
    return (
        unbroadcast(g, x1) if needs[0] else None,
        unbroadcast(-g * np.floor_divide(x1, x2), x2) if needs[1] else None,
    )


@op(cases=[Case("N C", A("N C", 0.3, 0.7)), Case("N 1", A("C", 0.3, 0.7))], errors=MISMATCH, promote="binary")
@QUIET
def fmod(x1: Array, x2: Array) -> Array:
    """The rest of the division that rounds towards 0; it has the dividend's sign.

    >>> fmod([7, -7], 3)
    Tensor([ 1, -1], dtype=int32)
    """
    return broadcasting("fmod", np.fmod, *_counted(x1, x2))


@fmod.gradient
def _(g: Array, y: Array, x1: Array, x2: Array, needs: Needs) -> Two:
    return (
        unbroadcast(g, x1) if needs[0] else None,
        unbroadcast(-g * np.trunc(x1 / x2), x2) if needs[1] else None,
    )


@op(
    cases=[
        *POSITIVE_PAIRS,
        Case("N C", 2),
        Case("N C", 3.0),
        Case(A("N C", 0.2, 2.0), -0.5),
        Case(2.0, "N C"),
    ],
    errors=[*MISMATCH, Failure(A("2", 1, 3, "int"), -1, match="negative exponent")],
    promote="binary",
)
@QUIET
def power(x1: Array, x2: Array) -> Array:
    """Raise to a power: y = x1^x2.

    >>> power([1.0, 2.0, 3.0], 2)
    Tensor([1., 4., 9.], dtype=float32)
    """
    try:
        return x1**x2
    except ValueError:
        check_broadcast("power", x1, x2)
        raise ArgumentError(
            f"power expected no negative exponent for integers. Received: x2={x2!r}. Cast x1 to a float."
        ) from None


@power.gradient
@QUIET
def _(g: Array, y: Array, x1: Array, x2: Any, needs: Needs) -> Two:
    dx1 = dx2 = None
    if needs[0]:
        if isinstance(x2, (int, float)):  # the usual case: one exponent, known to be no array
            slope = np.zeros_like(y) if x2 == 0 else (x1 if x2 == 2 else x1 ** (x2 - 1)) * x2
        else:
            slope = np.where(np.equal(x2, 0), 0, x2 * x1 ** np.subtract(x2, 1))  # 0^-1 would spoil x^0 at 0
        dx1 = unbroadcast(g * slope, x1)
    if needs[1]:  # where the base is not positive, log has no value and the exponent no slope
        positive = np.greater(x1, 0)
        dx2 = unbroadcast(g * np.where(positive, y * np.log(np.where(positive, x1, 1)), 0), x2)
    return dx1, dx2


@op(cases=[Case(A("N C", 0.3, 2.0)), Case(A("N C", -2.0, -0.3))], promote="float")
@QUIET
def reciprocal(x: Array) -> Array:
    """One over x.

    >>> reciprocal([2.0, -4.0])
    Tensor([ 0.5 , -0.25], dtype=float32)
    """
    return np.reciprocal(x)


@reciprocal.gradient
@QUIET
def _(g: Array, y: Array, x: Array) -> Array:
    return -g * y * y


# -- of two numbers ------------------------------------------------------------------------------------------


@op(
    cases=[Case("N C", A("N C", 0.5, 2.0)), Case("N 1", A("1 C", 0.5, 2.0))],
    errors=MISMATCH,
    promote="binary float",
)
def arctan2(x1: Array, x2: Array) -> Array:
    """The angle in [-pi, pi] of the point (x2, x1), the quadrant included.

    >>> from neurona import ops
    >>> ops.round(arctan2([0.0, 1.0], [-1.0, 0.0]), 3)
    Tensor([3.142, 1.571], dtype=float32)
    """
    return broadcasting("arctan2", np.arctan2, x1, x2)


@arctan2.gradient
@QUIET
def _(g: Array, y: Array, x1: Array, x2: Array, needs: Needs) -> Two:
    share = g / (np.square(x1) + np.square(x2))
    return unbroadcast(share * x2, x1) if needs[0] else None, unbroadcast(-share * x1, x2) if needs[1] else None


@op(
    cases=[Case("N C", A("N C", 0.5, 2.0)), Case("N 1", A("1 C", 0.5, 2.0))],
    errors=MISMATCH,
    promote="binary wide float",
)
def hypot(x1: Array, x2: Array) -> Array:
    """The length of the hypotenuse, sqrt(x1^2 + x2^2), without overflow.

    >>> hypot(3.0, 4.0)
    Tensor(5., dtype=float32)
    """
    return broadcasting("hypot", np.hypot, x1, x2)


@hypot.gradient
@QUIET
def _(g: Array, y: Array, x1: Array, x2: Array, needs: Needs) -> Two:
    return unbroadcast(g * x1 / y, x1) if needs[0] else None, unbroadcast(g * x2 / y, x2) if needs[1] else None


@op(cases=PAIRS, errors=MISMATCH, promote="binary float")
def logaddexp(x1: Array, x2: Array) -> Array:
    """log(e^x1 + e^x2), without overflow.

    >>> from neurona import ops
    >>> ops.round(logaddexp(0.0, 0.0), 3)
    Tensor(0.693, dtype=float32)
    """
    return broadcasting("logaddexp", np.logaddexp, x1, x2)


@logaddexp.gradient
def _(g: Array, y: Array, x1: Array, x2: Array, needs: Needs) -> Two:
    y = np.where(np.isfinite(y), y, 0)  # of two times log(0) = -inf, each share is 0
    return (
        unbroadcast(g * np.exp(x1 - y), x1) if needs[0] else None,
        unbroadcast(g * np.exp(x2 - y), x2) if needs[1] else None,
    )


@op(cases=PAIRS, errors=MISMATCH, promote="binary float")
def logaddexp2(x1: Array, x2: Array) -> Array:
    """log2(2^x1 + 2^x2), without overflow.

    >>> logaddexp2(3.0, 3.0)
    Tensor(4., dtype=float32)
    """
    return broadcasting("logaddexp2", np.logaddexp2, x1, x2)


@logaddexp2.gradient
def _(g: Array, y: Array, x1: Array, x2: Array, needs: Needs) -> Two:
    y = np.where(np.isfinite(y), y, 0)
    return (
        unbroadcast(g * np.exp2(x1 - y), x1) if needs[0] else None,
        unbroadcast(g * np.exp2(x2 - y), x2) if needs[1] else None,
    )


@op(cases=PAIRS, errors=MISMATCH, promote="binary wide float")
def heaviside(x1: Array, x2: Array) -> Array:
    """The step: 0 for negative x1, 1 for positive, x2 at 0. It has no gradient.

    >>> heaviside([-1.0, 0.0, 2.0], 0.5)
    Tensor([0. , 0.5, 1. ], dtype=float32)
    """
    return broadcasting("heaviside", np.heaviside, x1, x2)


@op(cases=PAIRS, errors=MISMATCH, promote="binary float")
def nextafter(x1: Array, x2: Array) -> Array:
    """The nearest other number of the type, from x1 towards x2. It has no gradient.

    >>> subtract(nextafter(1.0, 2.0), 1.0)
    Tensor(1.1920929e-07, dtype=float32)
    """
    return broadcasting("nextafter", np.nextafter, x1, x2)


# -- sizes and extremes --------------------------------------------------------------------------------------


@op(cases=[Case("N C"), Case("")], promote="binary")
def absolute(x: Array) -> Array:
    """The size without the sign, |x|. The gradient at 0 is 0.

    >>> absolute([-1.0, 2.0])
    Tensor([1., 2.], dtype=float32)
    """
    return np.abs(x)


@absolute.gradient
def _(g: Array, y: Array, x: Array) -> Array:
    return g * np.sign(x)


@op(cases=[Case("N C")], promote="float")
def fabs(x: Array) -> Array:
    """The size without the sign, as a float.

    >>> fabs([-1, 2])
    Tensor([1., 2.], dtype=float32)
    """
    return np.fabs(x)


@fabs.gradient
def _(g: Array, y: Array, x: Array) -> Array:
    return g * np.sign(x)


@op(cases=[Case("N C")], promote="binary")
def sign(x: Array) -> Array:
    """-1, 0 or 1, as x is negative, 0 or positive. It has no gradient.

    >>> sign([-3.0, 0.0, 2.0])
    Tensor([-1.,  0.,  1.], dtype=float32)
    """
    return np.sign(x)


@op(cases=[*PAIRS, Case("N C", 0.0)], errors=MISMATCH, promote="binary")
def maximum(x1: Array, x2: Array) -> Array:
    """The larger of two, element by element. Of equals the gradient goes to the first.

    >>> maximum([1.0, 5.0], 3.0)
    Tensor([3., 5.], dtype=float32)
    """
    return broadcasting("maximum", np.maximum, x1, x2)


@maximum.gradient
def _(g: Array, y: Array, x1: Array, x2: Array, needs: Needs) -> Two:
    first = np.greater_equal(x1, x2)
    return unbroadcast(g * first, x1) if needs[0] else None, unbroadcast(g * ~first, x2) if needs[1] else None


@op(cases=[*PAIRS, Case("N C", 0.0)], errors=MISMATCH, promote="binary")
def minimum(x1: Array, x2: Array) -> Array:
    """The smaller of two, element by element. Of equals the gradient goes to the first.

    >>> minimum([1.0, 5.0], 3.0)
    Tensor([1., 3.], dtype=float32)
    """
    return broadcasting("minimum", np.minimum, x1, x2)


@minimum.gradient
def _(g: Array, y: Array, x1: Array, x2: Array, needs: Needs) -> Two:
    first = np.less_equal(x1, x2)
    return unbroadcast(g * first, x1) if needs[0] else None, unbroadcast(g * ~first, x2) if needs[1] else None


@op(cases=PAIRS, errors=MISMATCH, promote="binary")
def fmax(x1: Array, x2: Array) -> Array:
    """The larger of two, element by element, where a number is larger than NaN.

    >>> fmax([1.0, float("nan")], 0.0)
    Tensor([1., 0.], dtype=float32)
    """
    return broadcasting("fmax", np.fmax, x1, x2)


@fmax.gradient
def _(g: Array, y: Array, x1: Array, x2: Array, needs: Needs) -> Two:
    first = np.greater_equal(x1, x2) | np.isnan(x2)
    return unbroadcast(g * first, x1) if needs[0] else None, unbroadcast(g * ~first, x2) if needs[1] else None


@op(cases=PAIRS, errors=MISMATCH, promote="binary")
def fmin(x1: Array, x2: Array) -> Array:
    """The smaller of two, element by element, where a number is smaller than NaN.

    >>> fmin([1.0, float("nan")], 2.0)
    Tensor([1., 2.], dtype=float32)
    """
    return broadcasting("fmin", np.fmin, x1, x2)


@fmin.gradient
def _(g: Array, y: Array, x1: Array, x2: Array, needs: Needs) -> Two:
    first = np.less_equal(x1, x2) | np.isnan(x2)
    return unbroadcast(g * first, x1) if needs[0] else None, unbroadcast(g * ~first, x2) if needs[1] else None


@op(
    cases=[Case("N C", -1.0, 1.0), Case("N C", A("C", -1.0, -0.5), A("N 1", 0.5, 1.0)), Case("", -1, 1)],
    errors=[Failure("2 3", "2 4", 1.0, match="shapes that broadcast")],
    promote="binary",
)
def clip(x: Array, x_min: Array, x_max: Array) -> Array:
    """Keep within limits: y = min(max(x, x_min), x_max).

    >>> clip([-3.0, 0.5, 7.0], 0.0, 1.0)
    Tensor([0. , 0.5, 1. ], dtype=float32)
    """
    check_broadcast("clip", x, x_min, x_max)
    return np.clip(x, x_min, x_max)


@clip.gradient
def _(
    g: Array, y: Array, x: Array, x_min: Array, x_max: Array, needs: tuple[bool, bool, bool]
) -> tuple[Array | None, Array | None, Array | None]:
    above, below = np.greater(x, x_max), np.less(x, x_min)
    return (
        unbroadcast(g * ~(above | below), x) if needs[0] else None,
        unbroadcast(g * (below & ~above), x_min) if needs[1] else None,
        unbroadcast(g * above, x_max) if needs[2] else None,
    )


# -- rounding ------------------------------------------------------------------------------------------------


@op(cases=[Case("N C")], promote="float")
def floor(x: Array) -> Array:
    """Round down. It has no gradient.

    >>> floor([1.7, -1.2])
    Tensor([ 1., -2.], dtype=float32)
    """
    return np.floor(x)


@op(cases=[Case("N C")], promote="float")
def ceil(x: Array) -> Array:
    """Round up. It has no gradient.

    >>> ceil([1.2, -1.7])
    Tensor([ 2., -1.], dtype=float32)
    """
    return np.ceil(x)


@op(cases=[Case("N C"), Case(A("N", -9, 9, "int"))], promote="binary")
def trunc(x: Array) -> Array:
    """Round towards 0. It has no gradient.

    >>> trunc([1.7, -1.7])
    Tensor([ 1., -1.], dtype=float32)
    """
    return np.trunc(x) if x.dtype.kind == "f" else x


@op(cases=[Case("N C"), Case("N C", decimals=1), Case(A("N", -99, 99, "int"), decimals=-1)], promote="binary")
def round(x: Array, decimals: int = 0) -> Array:
    """Round to so many decimals, halves to the even neighbour. It has no gradient.

    >>> round([0.5, 1.5, 2.26], 1)
    Tensor([0.5, 1.5, 2.3], dtype=float32)
    """
    return np.round(x, decimals)


# -- choices -------------------------------------------------------------------------------------------------


@op(
    cases=[
        Case(A("N C", kind="bool"), "N C", "N C"),
        Case(A("N 1", kind="bool"), "C", "N C"),
        Case(A("N C", kind="bool"), "N C", 0.0),
        Case(A("N C", kind="bool"), 1, ""),
    ],
    errors=[
        Failure(A("2 3", kind="bool"), "2 4", "2 4", match="shapes that broadcast"),
        Failure(A("2 3", kind="bool"), "2 3", match="`x1` and `x2` either both"),
    ],
)
def where(condition: Array, x1: Array | None = None, x2: Array | None = None) -> Array | tuple[Array, ...]:
    """x1 where the condition holds, x2 elsewhere; with neither, the places where it holds.

    Returns:
        an array of the broadcast shape; without x1 and x2 one int32 array of indices for each axis.

    >>> where([True, False], [1.0, 2.0], 0.0)
    Tensor([1., 0.], dtype=float32)
    >>> where([False, True, True])
    (Tensor([1, 2], dtype=int32),)
    """
    if x1 is None and x2 is None:
        return tuple(places.astype("int32") for places in np.nonzero(np.atleast_1d(condition)))
    if x1 is None or x2 is None:
        raise ArgumentError(
            "`x1` and `x2` either both should be `None` or both should have non-None value. Received: only one of them."
        )
    check_broadcast("where", condition, x1, x2)
    x1, x2 = to_common([x1, x2])
    return np.where(condition, x1, x2)


@where.drawn
def _(condition: Any, x1: Any = None, x2: Any = None) -> Any:
    if x1 is not None or x2 is not None:
        return NotImplemented
    return tuple(KerasTensor((None,), "int32") for _ in condition.shape)


@where.gradient
def _(
    g: Array, y: Array, condition: Array, x1: Array, x2: Array, needs: tuple[bool, bool, bool]
) -> tuple[None, Array | None, Array | None]:
    return (
        None,
        unbroadcast(np.where(condition, g, 0), x1) if needs[1] else None,
        unbroadcast(np.where(condition, 0, g), x2) if needs[2] else None,
    )


@composed(
    cases=[
        Case([A("N C", kind="bool"), A("N C", kind="bool")], ["N C", "N C"]),
        Case([A("N", kind="bool")], ["N"], 5.0),
    ],
    errors=[Failure([A("2", kind="bool")], ["2", "2"], match="as many choices as conditions")],
)
def select(condlist: Any, choicelist: Any, default: TensorLike = 0) -> Tensor:
    """The choice of the first condition that holds, element by element; `default` where none does.

    >>> select([[True, False, False], [True, True, False]], [[1.0, 1.0, 1.0], [2.0, 2.0, 2.0]], 9.0)
    Tensor([1., 2., 9.], dtype=float32)
    """
    if len(condlist) != len(choicelist) or not len(condlist):
        raise ArgumentError(
            "select expected as many choices as conditions, at least one. "
            f"Received: {len(condlist)} conditions, {len(choicelist)} choices."
        )
    result = default
    for condition, choice in zip(reversed(condlist), reversed(choicelist), strict=True):
        result = where(condition, choice, result)
    return result  # type: ignore[no-any-return]


@op(cases=[Case("N C"), Case(A("N", 0, 5, "int"))], promote="binary")
def nan_to_num(x: Array, nan: float = 0.0, posinf: float | None = None, neginf: float | None = None) -> Array:
    """Replace NaN and infinities by numbers; the largest of the type stand in for infinities unless told.

    >>> nan_to_num([1.0, float("nan"), float("inf")], posinf=9.0)
    Tensor([1., 0., 9.], dtype=float32)
    """
    return np.nan_to_num(x, nan=nan, posinf=posinf, neginf=neginf) if x.dtype.kind == "f" else x


@nan_to_num.gradient
def _(g: Array, y: Array, x: Array, **attributes: Any) -> Array:
    return np.where(np.isfinite(x), g, 0)


# -- types and copies ----------------------------------------------------------------------------------------


@op(
    cases=[Case("N C", dtype="float64"), Case("N C", dtype="int32"), Case(A("N", 0, 2, "int"), dtype="bool")],
    errors=[Failure("2", dtype="flaot32", match="Expected a dtype")],
    promote="binary",
)
@QUIET
def cast(x: Array, dtype: npt.DTypeLike) -> Array:
    """Convert to another type; floats are cut off towards 0 when they become integers.

    >>> cast([1.7, -1.7], "int32")
    Tensor([ 1, -1], dtype=int32)
    """
    return x.astype(standard_dtype(dtype), copy=False)


@cast.gradient
def _(g: Array, y: Array, x: Array, dtype: npt.DTypeLike) -> Array:
    return g


@composed(cases=[Case("N C", dtype="float64"), Case(A("N C", -9.0, 400.0), dtype="uint8")])
def saturate_cast(x: TensorLike, dtype: npt.DTypeLike) -> Tensor:
    """Convert to another type; what does not fit becomes the nearest number that does.

    >>> saturate_cast([300.0, -4.0, 7.5], "uint8")
    Tensor([255,   0,   7], dtype=uint8)
    """
    source, target = x.dtype if hasattr(x, "dtype") else as_array(x).dtype, standard_dtype(dtype)
    low, high = _limits(np.dtype(source), target)
    return cast(clip(x, low, high), target.name)  # type: ignore[no-any-return]


def _limits(source: np.dtype[Any], target: np.dtype[Any]) -> tuple[Any, Any]:
    """The smallest and largest numbers of `source` that `target` can hold."""

    def ends(dtype: np.dtype[Any]) -> tuple[Any, Any]:
        if dtype.kind == "b":
            return 0, 1
        if dtype.kind == "f":
            return float(np.finfo(dtype).min), float(np.finfo(dtype).max)
        return int(np.iinfo(dtype).min), int(np.iinfo(dtype).max)

    (low, high), (low2, high2) = ends(source), ends(target)
    low, high = builtins.max(low, low2), builtins.min(high, high2)
    if source.kind != "f":
        return int(low), int(high)
    inside = source.type(high)
    if int(inside) > high:  # 2^31 - 1 rounds up in float32, out of int32's range
        inside = np.nextafter(inside, source.type(0))
    return float(low), float(inside)


@op(cases=[Case("N C")], promote="binary")
def stop_gradient(variable: Array) -> Array:
    """The same values, through which no gradient flows.

    >>> stop_gradient([1.0, 2.0])
    Tensor([1., 2.], dtype=float32)
    """
    return variable


@op(cases=[Case("N C")], promote="binary")
def copy(x: Array) -> Array:
    """A copy.

    >>> copy([1.0, 2.0])
    Tensor([1., 2.], dtype=float32)
    """
    return x.copy()


@copy.gradient
def _(g: Array, y: Array, x: Array) -> Array:
    return g


abs = absolute
