"""Functions of one number: exponentials, logarithms, roots, circles, hyperbolas, the error function.

Integers become `floatx`. Outside a function's domain the result is NaN or infinite and no warning is given,
as in Keras. Leans on NumPy, which has all of them but the error function and its inverse.
"""

from __future__ import annotations

import math

import numpy as np

from neurona.cases import A, Case
from neurona.ops.elementwise import QUIET
from neurona.tape import op
from neurona.tensor import Array

__all__ = [
    "arccos",
    "arccosh",
    "arcsin",
    "arcsinh",
    "arctan",
    "arctanh",
    "cbrt",
    "cos",
    "cosh",
    "deg2rad",
    "erf",
    "erfc",
    "erfinv",
    "exp",
    "exp2",
    "expm1",
    "log",
    "log1p",
    "log2",
    "log10",
    "rad2deg",
    "rsqrt",
    "sin",
    "sinc",
    "sinh",
    "sqrt",
    "tan",
    "tanh",
]

LN2, LN10 = math.log(2.0), math.log(10.0)

# -- exponentials and logarithms -----------------------------------------------------------------------------


@op(cases=[Case("N C")], promote="float")
def exp(x: Array) -> Array:
    """The exponential, e^x.

    >>> from neurona import ops
    >>> ops.round(exp([0.0, 1.0]), 3)
    Tensor([1.   , 2.718], dtype=float32)
    """
    return np.exp(x)


@exp.gradient
def _(g: Array, y: Array, x: Array) -> Array:
    return g * y


@op(cases=[Case("N C")], promote="float")
def exp2(x: Array) -> Array:
    """The power of two, 2^x.

    >>> exp2([0.0, 3.0])
    Tensor([1., 8.], dtype=float32)
    """
    return np.exp2(x)


@exp2.gradient
def _(g: Array, y: Array, x: Array) -> Array:
    return g * (y * LN2)


@op(cases=[Case("N C")], promote="float")
def expm1(x: Array) -> Array:
    """e^x - 1, exact for small x too.

    >>> from neurona import ops
    >>> ops.round(expm1([0.0, 1.0]), 3)
    Tensor([0.   , 1.718], dtype=float32)
    """
    return np.expm1(x)


@expm1.gradient
def _(g: Array, y: Array, x: Array) -> Array:
    return np.asarray(g * (y + 1))


@op(cases=[Case(A("N C", 0.1, 2.0))], promote="float")
@QUIET
def log(x: Array) -> Array:
    """The natural logarithm; -inf at 0, NaN below.

    >>> from neurona import ops
    >>> ops.round(log([1.0, 2.0]), 3)
    Tensor([0.   , 0.693], dtype=float32)
    """
    return np.log(x)


@log.gradient
@QUIET
def _(g: Array, y: Array, x: Array) -> Array:
    return g / x


@op(cases=[Case(A("N C", 0.1, 2.0))], promote="float")
@QUIET
def log2(x: Array) -> Array:
    """The logarithm to base 2.

    >>> log2([1.0, 8.0])
    Tensor([0., 3.], dtype=float32)
    """
    return np.log2(x)


@log2.gradient
@QUIET
def _(g: Array, y: Array, x: Array) -> Array:
    return g / (x * LN2)


@op(cases=[Case(A("N C", 0.1, 2.0))], promote="float")
@QUIET
def log10(x: Array) -> Array:
    """The logarithm to base 10.

    >>> log10([1.0, 1000.0])
    Tensor([0., 3.], dtype=float32)
    """
    return np.log10(x)


@log10.gradient
@QUIET
def _(g: Array, y: Array, x: Array) -> Array:
    return g / (x * LN10)


@op(cases=[Case(A("N C", -0.8, 2.0))], promote="float")
@QUIET
def log1p(x: Array) -> Array:
    """log(1 + x), exact for small x too.

    >>> from neurona import ops
    >>> ops.round(log1p([0.0, 1.0]), 3)
    Tensor([0.   , 0.693], dtype=float32)
    """
    return np.log1p(x)


@log1p.gradient
@QUIET
def _(g: Array, y: Array, x: Array) -> Array:
    return np.asarray(g / (1 + x))


# -- roots ---------------------------------------------------------------------------------------------------


@op(cases=[Case(A("N C", 0.1, 2.0))], promote="float")
@QUIET
def sqrt(x: Array) -> Array:
    """The square root; NaN for negative numbers.

    >>> from neurona import ops
    >>> ops.round(sqrt([4.0, 2.0]), 3)
    Tensor([2.   , 1.414], dtype=float32)
    """
    return np.sqrt(x)


@sqrt.gradient
@QUIET
def _(g: Array, y: Array, x: Array) -> Array:
    return g * 0.5 / y


@op(cases=[Case(A("N C", 0.1, 2.0))], promote="float")
@QUIET
def rsqrt(x: Array) -> Array:
    """One over the square root, 1 / sqrt(x).

    >>> rsqrt([4.0, 0.25])
    Tensor([0.5, 2. ], dtype=float32)
    """
    return 1 / np.sqrt(x)


@rsqrt.gradient
@QUIET
def _(g: Array, y: Array, x: Array) -> Array:
    return g * (-0.5 * y * y * y)


@op(cases=[Case(A("N C", 0.3, 2.0)), Case(A("N C", -2.0, -0.3))], promote="wide float")
@QUIET
def cbrt(x: Array) -> Array:
    """The cube root, of negative numbers too.

    >>> cbrt([8.0, -27.0])
    Tensor([ 2., -3.], dtype=float32)
    """
    return np.cbrt(x)


@cbrt.gradient
@QUIET
def _(g: Array, y: Array, x: Array) -> Array:
    return np.asarray(g / (3 * y * y))


# -- angles and circles --------------------------------------------------------------------------------------


@op(cases=[Case("N C")], promote="float")
def sin(x: Array) -> Array:
    """The sine of an angle in radians.

    >>> from neurona import ops
    >>> ops.round(sin([0.0, 1.0]), 3)
    Tensor([0.   , 0.841], dtype=float32)
    """
    return np.sin(x)


@sin.gradient
def _(g: Array, y: Array, x: Array) -> Array:
    return g * np.cos(x)


@op(cases=[Case("N C")], promote="float")
def cos(x: Array) -> Array:
    """The cosine of an angle in radians.

    >>> from neurona import ops
    >>> ops.round(cos([0.0, 1.0]), 3)
    Tensor([1.  , 0.54], dtype=float32)
    """
    return np.cos(x)


@cos.gradient
def _(g: Array, y: Array, x: Array) -> Array:
    return -g * np.sin(x)


@op(cases=[Case(A("N C", -1.2, 1.2))], promote="float")
def tan(x: Array) -> Array:
    """The tangent of an angle in radians.

    >>> from neurona import ops
    >>> ops.round(tan([0.0, 1.0]), 3)
    Tensor([0.   , 1.557], dtype=float32)
    """
    return np.tan(x)


@tan.gradient
def _(g: Array, y: Array, x: Array) -> Array:
    return np.asarray(g * (1 + y * y))


@op(cases=[Case(A("N C", -0.9, 0.9))], promote="float")
@QUIET
def arcsin(x: Array) -> Array:
    """The angle in [-pi/2, pi/2] whose sine is x; NaN outside [-1, 1].

    >>> from neurona import ops
    >>> ops.round(arcsin([0.0, 1.0]), 3)
    Tensor([0.   , 1.571], dtype=float32)
    """
    return np.arcsin(x)


@arcsin.gradient
@QUIET
def _(g: Array, y: Array, x: Array) -> Array:
    return np.asarray(g / np.sqrt(1 - x * x))


@op(cases=[Case(A("N C", -0.9, 0.9))], promote="float")
@QUIET
def arccos(x: Array) -> Array:
    """The angle in [0, pi] whose cosine is x; NaN outside [-1, 1].

    >>> from neurona import ops
    >>> ops.round(arccos([0.0, 1.0]), 3)
    Tensor([1.571, 0.   ], dtype=float32)
    """
    return np.arccos(x)


@arccos.gradient
@QUIET
def _(g: Array, y: Array, x: Array) -> Array:
    return np.asarray(-g / np.sqrt(1 - x * x))


@op(cases=[Case("N C")], promote="float")
def arctan(x: Array) -> Array:
    """The angle in (-pi/2, pi/2) whose tangent is x.

    >>> from neurona import ops
    >>> ops.round(arctan([0.0, 1.0]), 3)
    Tensor([0.   , 0.785], dtype=float32)
    """
    return np.arctan(x)


@arctan.gradient
def _(g: Array, y: Array, x: Array) -> Array:
    return np.asarray(g / (1 + x * x))


@op(cases=[Case("N C")], promote="wide float")
def deg2rad(x: Array) -> Array:
    """Degrees to radians, x pi / 180.

    >>> from neurona import ops
    >>> ops.round(deg2rad([0.0, 180.0]), 3)
    Tensor([0.   , 3.142], dtype=float32)
    """
    return np.deg2rad(x)


@deg2rad.gradient
def _(g: Array, y: Array, x: Array) -> Array:
    return g * (math.pi / 180)


@op(cases=[Case("N C")], promote="wide float")
def rad2deg(x: Array) -> Array:
    """Radians to degrees, 180 x / pi.

    >>> from neurona import ops
    >>> ops.round(rad2deg([0.0, 1.0]), 3)
    Tensor([ 0.   , 57.296], dtype=float32)
    """
    return np.rad2deg(x)


@rad2deg.gradient
def _(g: Array, y: Array, x: Array) -> Array:
    return g * (180 / math.pi)


@op(cases=[Case("N C")], promote="float")
def sinc(x: Array) -> Array:
    """sin(pi x) / (pi x), which is 1 at 0.

    >>> from neurona import ops
    >>> ops.round(sinc([0.0, 0.5]), 3)
    Tensor([1.   , 0.637], dtype=float32)
    """
    return np.sinc(x)


@sinc.gradient
def _(g: Array, y: Array, x: Array) -> Array:
    return np.where(x == 0, 0, g * (np.cos(math.pi * x) - y) / np.where(x == 0, 1, x))


# -- hyperbolic functions ------------------------------------------------------------------------------------


@op(cases=[Case("N C")], promote="float")
def sinh(x: Array) -> Array:
    """The hyperbolic sine, (e^x - e^-x) / 2.

    >>> from neurona import ops
    >>> ops.round(sinh([0.0, 1.0]), 3)
    Tensor([0.   , 1.175], dtype=float32)
    """
    return np.sinh(x)


@sinh.gradient
def _(g: Array, y: Array, x: Array) -> Array:
    return g * np.cosh(x)


@op(cases=[Case("N C")], promote="float")
def cosh(x: Array) -> Array:
    """The hyperbolic cosine, (e^x + e^-x) / 2.

    >>> from neurona import ops
    >>> ops.round(cosh([0.0, 1.0]), 3)
    Tensor([1.   , 1.543], dtype=float32)
    """
    return np.cosh(x)


@cosh.gradient
def _(g: Array, y: Array, x: Array) -> Array:
    return g * np.sinh(x)


@op(cases=[Case("N C")], promote="float")
def tanh(x: Array) -> Array:
    """The hyperbolic tangent, sinh(x) / cosh(x), between -1 and 1.

    >>> from neurona import ops
    >>> ops.round(tanh([0.0, 1.0]), 3)
    Tensor([0.   , 0.762], dtype=float32)
    """
    return np.tanh(x)


@tanh.gradient
def _(g: Array, y: Array, x: Array) -> Array:
    return np.asarray(g * (1 - y * y))


@op(cases=[Case("N C")], promote="float")
def arcsinh(x: Array) -> Array:
    """The number whose hyperbolic sine is x.

    >>> from neurona import ops
    >>> ops.round(arcsinh([0.0, 1.0]), 3)
    Tensor([0.   , 0.881], dtype=float32)
    """
    return np.arcsinh(x)


@arcsinh.gradient
def _(g: Array, y: Array, x: Array) -> Array:
    return np.asarray(g / np.sqrt(1 + x * x))


@op(cases=[Case(A("N C", 1.2, 3.0))], promote="float")
@QUIET
def arccosh(x: Array) -> Array:
    """The number, 0 or more, whose hyperbolic cosine is x; NaN below 1.

    >>> from neurona import ops
    >>> ops.round(arccosh([1.0, 2.0]), 3)
    Tensor([0.   , 1.317], dtype=float32)
    """
    return np.arccosh(x)


@arccosh.gradient
@QUIET
def _(g: Array, y: Array, x: Array) -> Array:
    return np.asarray(g / np.sqrt(x * x - 1))


@op(cases=[Case(A("N C", -0.9, 0.9))], promote="float")
@QUIET
def arctanh(x: Array) -> Array:
    """The number whose hyperbolic tangent is x; NaN outside [-1, 1].

    >>> from neurona import ops
    >>> ops.round(arctanh([0.0, 0.5]), 3)
    Tensor([0.   , 0.549], dtype=float32)
    """
    return np.arctanh(x)


@arctanh.gradient
@QUIET
def _(g: Array, y: Array, x: Array) -> Array:
    return np.asarray(g / (1 - x * x))


# -- the error function --------------------------------------------------------------------------------------

# Cody's rational approximations: the coefficients of numerator and denominator, highest power first,
# for erf(x) / x in x^2 up to 0.46875, for erfc(x) exp(x^2) in x up to 4, and beyond in 1 / x^2.
_SMALL = (
    (
        1.85777706184603153e-1,
        3.16112374387056560,
        1.13864154151050156e2,
        3.77485237685302021e2,
        3.20937758913846947e3,
    ),
    (1.0, 2.36012909523441209e1, 2.44024637934444173e2, 1.28261652607737228e3, 2.84423683343917062e3),
)
_MIDDLE = (
    (2.15311535474403846e-8, 5.64188496988670089e-1, 8.88314979438837594, 6.61191906371416295e1,
     2.98635138197400131e2, 8.81952221241769090e2, 1.71204761263407058e3, 2.05107837782607147e3,
     1.23033935479799725e3),
    (1.0, 1.57449261107098347e1, 1.17693950891312499e2, 5.37181101862009858e2, 1.62138957456669019e3,
     3.29079923573345963e3, 4.36261909014324716e3, 3.43936767414372164e3, 1.23033935480374942e3),
)  # fmt: skip
_LARGE = (
    (1.63153871373020978e-2, 3.05326634961232344e-1, 3.60344899949804439e-1, 1.25781726111229246e-1,
     1.60837851487422766e-2, 6.58749161529837803e-4),
    (1.0, 2.56852019228982242, 1.87295284992346725, 5.27905102951428412e-1, 6.05183413124413191e-2,
     2.33520497626869185e-3),
)  # fmt: skip


def _ratio(coefficients: tuple[tuple[float, ...], tuple[float, ...]], x: Array) -> Array:
    """Numerator over denominator, both by Horner's scheme."""
    above, below = (np.full_like(x, c[0]) for c in coefficients)
    for total, row in ((above, coefficients[0]), (below, coefficients[1])):
        for c in row[1:]:
            total *= x
            total += c
    return np.asarray(above / below)


def _erf_near_zero(x: Array) -> Array:
    return np.asarray(x * _ratio(_SMALL, x * x))


def _erfc_of_positive(x: Array) -> Array:
    """1 - erf(x) for x > 0.46875, with small relative error even where it is tiny."""
    x = np.minimum(x, 30.0)  # it is 0 in float64 from 27 on; infinity would give 0 * infinity below
    out = np.empty_like(x)
    middle = x <= 4
    out[middle] = _ratio(_MIDDLE, x[middle])
    far = x[~middle]
    squared = 1 / (far * far)
    out[~middle] = (1 / math.sqrt(math.pi) - squared * _ratio(_LARGE, squared)) / far
    # exp(-x^2) in two factors, because x^2 must be rounded: coarse^2 is exact
    coarse = np.trunc(x * 16) / 16
    return np.asarray(out * np.exp(-coarse * coarse) * np.exp(-(x - coarse) * (x + coarse)))


def _erf_and_erfc(x: Array) -> tuple[Array, Array]:
    """erf(x) and 1 - erf(x), each with small relative error."""
    work = np.asarray(x, np.result_type(x.dtype, np.float32))
    size = np.abs(work)
    one, rest = np.empty_like(work), np.empty_like(work)
    near = size <= 0.46875
    one[near] = _erf_near_zero(work[near])
    rest[near] = 1 - one[near]
    away = ~near
    tail, negative = _erfc_of_positive(size[away]), work[away] < 0
    one[away] = np.where(negative, tail - 1, 1 - tail)
    rest[away] = np.where(negative, 2 - tail, tail)
    return one.astype(x.dtype, copy=False), rest.astype(x.dtype, copy=False)


@op(cases=[Case("N C"), Case(A("N C", -6.0, 6.0))], promote="float")
@QUIET
def erf(x: Array) -> Array:
    """The error function, 2 / sqrt(pi) times the integral of exp(-t^2) from 0 to x.

    >>> from neurona import ops
    >>> ops.round(erf([0.0, 1.0]), 3)
    Tensor([0.   , 0.843], dtype=float32)

    Source: Cody, "Rational Chebyshev approximations for the error function" (1969).
    """
    return _erf_and_erfc(x)[0]


@erf.gradient
def _(g: Array, y: Array, x: Array) -> Array:
    return np.asarray(g * (2 / math.sqrt(math.pi)) * np.exp(-x * x))


@op(cases=[Case("N C"), Case(A("N C", -6.0, 6.0))], promote="float")
@QUIET
def erfc(x: Array) -> Array:
    """The complement of the error function, 1 - erf(x), exact where it is tiny too.

    >>> from neurona import ops
    >>> ops.round(erfc([0.0, 1.0]), 3)
    Tensor([1.   , 0.157], dtype=float32)
    """
    return _erf_and_erfc(x)[1]


@erfc.gradient
def _(g: Array, y: Array, x: Array) -> Array:
    return np.asarray(g * (-2 / math.sqrt(math.pi)) * np.exp(-x * x))


@op(cases=[Case(A("N C", -0.9, 0.9))], promote="float")
@QUIET
def erfinv(x: Array) -> Array:
    """The number whose error function is x; infinite at -1 and 1, NaN outside.

    >>> from neurona import ops
    >>> ops.round(erfinv([0.0, 0.8427008]), 3)
    Tensor([0., 1.], dtype=float32)

    Source: the start is Winitzki's approximation (2008), refined by three steps of Halley's method.
    """
    size = np.abs(np.asarray(x, "float64"))
    rest = 1 - size
    bend = np.log(rest * (1 + size))
    a = 0.147
    half = 2 / (math.pi * a) + bend / 2
    w = np.sqrt(np.sqrt(half * half - bend / a) - half)
    for _ in range(3):
        one, tail = _erf_and_erfc(w)
        off = np.where(size < 0.5, one - size, rest - tail) * (math.sqrt(math.pi) / 2) * np.exp(w * w)
        w = w - off / (1 + w * off)
    w = np.where(size < 1, w, np.where(size == 1, np.inf, np.nan))
    return np.copysign(w, x).astype(x.dtype, copy=False)


@erfinv.gradient
@QUIET
def _(g: Array, y: Array, x: Array) -> Array:
    return np.asarray(g * (math.sqrt(math.pi) / 2) * np.exp(y * y))
