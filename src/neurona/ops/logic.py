"""Questions and their answers: comparisons, tests of single numbers, and, or, not, and operations on bits.

None of them has a gradient. Leans on NumPy.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from neurona.cases import A, Case, Failure
from neurona.errors import DTypeError
from neurona.ops.elementwise import MISMATCH, PAIRS, broadcasting, check_broadcast
from neurona.tape import op
from neurona.tensor import Array

__all__ = [
    "allclose",
    "bitwise_and",
    "bitwise_invert",
    "bitwise_left_shift",
    "bitwise_not",
    "bitwise_or",
    "bitwise_right_shift",
    "bitwise_xor",
    "equal",
    "gcd",
    "greater",
    "greater_equal",
    "isclose",
    "isfinite",
    "isinf",
    "isnan",
    "isneginf",
    "isposinf",
    "isreal",
    "lcm",
    "left_shift",
    "less",
    "less_equal",
    "logical_and",
    "logical_not",
    "logical_or",
    "logical_xor",
    "not_equal",
    "right_shift",
    "signbit",
]


# -- comparisons ---------------------------------------------------------------------------------------------


@op(cases=PAIRS, errors=MISMATCH, promote="binary")
def equal(x1: Array, x2: Array) -> Array:
    """Whether the two are equal.

    >>> equal([1, 2, 3], 2)
    Tensor([False,  True, False], dtype=bool)
    """
    return broadcasting("equal", np.equal, x1, x2)


@op(cases=PAIRS, errors=MISMATCH, promote="binary")
def not_equal(x1: Array, x2: Array) -> Array:
    """Whether the two differ.

    >>> not_equal([1, 2, 3], 2)
    Tensor([ True, False,  True], dtype=bool)
    """
    return broadcasting("not_equal", np.not_equal, x1, x2)


@op(cases=PAIRS, errors=MISMATCH, promote="binary")
def less(x1: Array, x2: Array) -> Array:
    """Whether the first is smaller.

    >>> less([1, 2, 3], 2)
    Tensor([ True, False, False], dtype=bool)
    """
    return broadcasting("less", np.less, x1, x2)


@op(cases=PAIRS, errors=MISMATCH, promote="binary")
def less_equal(x1: Array, x2: Array) -> Array:
    """Whether the first is smaller or equal.

    >>> less_equal([1, 2, 3], 2)
    Tensor([ True,  True, False], dtype=bool)
    """
    return broadcasting("less_equal", np.less_equal, x1, x2)


@op(cases=PAIRS, errors=MISMATCH, promote="binary")
def greater(x1: Array, x2: Array) -> Array:
    """Whether the first is larger.

    >>> greater([1, 2, 3], 2)
    Tensor([False, False,  True], dtype=bool)
    """
    return broadcasting("greater", np.greater, x1, x2)


@op(cases=PAIRS, errors=MISMATCH, promote="binary")
def greater_equal(x1: Array, x2: Array) -> Array:
    """Whether the first is larger or equal.

    >>> greater_equal([1, 2, 3], 2)
    Tensor([False,  True,  True], dtype=bool)
    """
    return broadcasting("greater_equal", np.greater_equal, x1, x2)


@op(cases=[Case("N C", "N C"), Case("N C", "C", rtol=0.1)], errors=MISMATCH, promote="binary")
def isclose(x1: Array, x2: Array, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False) -> Array:
    """Whether the two are nearly equal: |x1 - x2| <= atol + rtol |x2|.

    >>> isclose([1.0, 2.0], [1.000001, 2.1])
    Tensor([ True, False], dtype=bool)
    """
    check_broadcast("isclose", x1, x2)
    return np.isclose(x1, x2, rtol, atol, equal_nan)


@op(cases=[Case("N C", "N C")], errors=MISMATCH, promote="binary")
def allclose(x1: Array, x2: Array, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False) -> Array:
    """Whether all of the two are nearly equal.

    >>> allclose([1.0, 2.0], [1.000001, 2.0])
    Tensor(True, dtype=bool)
    """
    check_broadcast("allclose", x1, x2)
    return np.asarray(np.isclose(x1, x2, rtol, atol, equal_nan).all())


# -- tests of single numbers ---------------------------------------------------------------------------------


@op(cases=[Case("N C"), Case(A("N", -3, 3, "int"))], promote="binary")
def isfinite(x: Array) -> Array:
    """Whether it is a number and not infinite.

    >>> isfinite([-1.0, float("inf"), float("-inf"), float("nan")])
    Tensor([ True, False, False, False], dtype=bool)
    """
    return np.isfinite(x)


@op(cases=[Case("N C"), Case(A("N", -3, 3, "int"))], promote="binary")
def isinf(x: Array) -> Array:
    """Whether it is infinite, either way.

    >>> isinf([-1.0, float("inf"), float("-inf"), float("nan")])
    Tensor([False,  True,  True, False], dtype=bool)
    """
    return np.isinf(x)


@op(cases=[Case("N C"), Case(A("N", -3, 3, "int"))], promote="binary")
def isnan(x: Array) -> Array:
    """Whether it is no number.

    >>> isnan([-1.0, float("inf"), float("-inf"), float("nan")])
    Tensor([False, False, False,  True], dtype=bool)
    """
    return np.isnan(x)


@op(cases=[Case("N C"), Case(A("N", -3, 3, "int"))], promote="binary")
def isneginf(x: Array) -> Array:
    """Whether it is minus infinity.

    >>> isneginf([-1.0, float("inf"), float("-inf"), float("nan")])
    Tensor([False, False,  True, False], dtype=bool)
    """
    return np.isneginf(x.astype("float32") if x.dtype.kind == "b" else x)


@op(cases=[Case("N C"), Case(A("N", -3, 3, "int"))], promote="binary")
def isposinf(x: Array) -> Array:
    """Whether it is plus infinity.

    >>> isposinf([-1.0, float("inf"), float("-inf"), float("nan")])
    Tensor([False,  True, False, False], dtype=bool)
    """
    return np.isposinf(x.astype("float32") if x.dtype.kind == "b" else x)


@op(cases=[Case("N C"), Case(A("N", -3, 3, "int"))], promote="binary")
def isreal(x: Array) -> Array:
    """Whether its imaginary part is 0, as it is for all but complex numbers.

    >>> isreal([-1.0, float("inf"), float("-inf"), float("nan")])
    Tensor([ True,  True,  True,  True], dtype=bool)
    """
    return np.isreal(x)


@op(cases=[Case("N C"), Case(A("N", -3, 3, "int"))], promote="binary")
def signbit(x: Array) -> Array:
    """Whether the sign is minus, of -0.0 too.

    >>> signbit([-1.0, float("inf"), float("-inf"), float("nan")])
    Tensor([ True, False,  True, False], dtype=bool)
    """
    return np.less(x, 0) if x.dtype.kind in "iub" else np.signbit(x)


# -- and, or, not --------------------------------------------------------------------------------------------

BOOLS = [
    Case(A("N C", kind="bool"), A("N C", kind="bool")),
    Case(A("N 1", kind="bool"), A("C", kind="bool")),
    Case(A("N C", 0, 3, "int"), A("C", kind="bool")),
]


@op(cases=BOOLS, errors=MISMATCH)
def logical_and(x1: Array, x2: Array) -> Array:
    """Whether both hold; numbers other than 0 count as true.

    >>> logical_and([True, True, False], [True, False, False])
    Tensor([ True, False, False], dtype=bool)
    """
    return broadcasting("logical_and", np.logical_and, x1, x2)


@op(cases=BOOLS, errors=MISMATCH)
def logical_or(x1: Array, x2: Array) -> Array:
    """Whether at least one holds; numbers other than 0 count as true.

    >>> logical_or([True, True, False], [True, False, False])
    Tensor([ True,  True, False], dtype=bool)
    """
    return broadcasting("logical_or", np.logical_or, x1, x2)


@op(cases=BOOLS, errors=MISMATCH)
def logical_xor(x1: Array, x2: Array) -> Array:
    """Whether exactly one holds; numbers other than 0 count as true.

    >>> logical_xor([True, True, False], [True, False, False])
    Tensor([False,  True, False], dtype=bool)
    """
    return broadcasting("logical_xor", np.logical_xor, x1, x2)


@op(cases=[Case(A("N C", kind="bool")), Case(A("N", 0, 3, "int"))])
def logical_not(x: Array) -> Array:
    """Whether it does not hold; numbers other than 0 count as true.

    >>> logical_not([True, False])
    Tensor([False,  True], dtype=bool)
    """
    return np.logical_not(x)


# -- bits ----------------------------------------------------------------------------------------------------

INTS = [
    Case(A("N C", -9, 9, "int"), A("N C", -9, 9, "int")),
    Case(A("N 1", 0, 9, "int"), A("C", 0, 9, "int")),
    Case(A("N C", kind="bool"), A("C", kind="bool")),
]
SHIFTS = [Case(A("N C", -9, 9, "int"), A("N C", 0, 9, "int")), Case(A("N", 0, 9, "int"), 2)]
NOT_FLOATS = [
    Failure("2", "2", match="expected integers or booleans"),
    Failure(A("2", 0, 9, "int"), A("3", 0, 9, "int"), match="shapes that broadcast"),
]


def _check_bits(name: str, *arrays: Any) -> None:
    for x in arrays:
        if isinstance(x, float) or (isinstance(x, np.ndarray) and x.dtype.kind not in "iub"):
            got = x.dtype.name if isinstance(x, np.ndarray) else "float"
            raise DTypeError(f"{name} expected integers or booleans. Received: {got}.")
    check_broadcast(name, *arrays)


@op(cases=INTS, errors=NOT_FLOATS, promote="binary")
def bitwise_and(x: Array, y: Array) -> Array:
    """The bits that both have.

    >>> bitwise_and([6, 12], 3)
    Tensor([2, 0], dtype=int32)
    """
    _check_bits("bitwise_and", x, y)
    return np.bitwise_and(x, y)


@op(cases=INTS, errors=NOT_FLOATS, promote="binary")
def bitwise_or(x: Array, y: Array) -> Array:
    """The bits that at least one has.

    >>> bitwise_or([6, 12], 3)
    Tensor([ 7, 15], dtype=int32)
    """
    _check_bits("bitwise_or", x, y)
    return np.bitwise_or(x, y)


@op(cases=INTS, errors=NOT_FLOATS, promote="binary")
def bitwise_xor(x: Array, y: Array) -> Array:
    """The bits that exactly one has.

    >>> bitwise_xor([6, 12], 3)
    Tensor([ 5, 15], dtype=int32)
    """
    _check_bits("bitwise_xor", x, y)
    return np.bitwise_xor(x, y)


@op(cases=SHIFTS, errors=NOT_FLOATS, promote="binary")
def bitwise_left_shift(x: Array, y: Array) -> Array:
    """Move the bits of x up by y places: x 2^y.

    >>> bitwise_left_shift([6, 12], 2)
    Tensor([24, 48], dtype=int32)
    """
    _check_bits("bitwise_left_shift", x, y)
    return np.left_shift(x, y)


@op(cases=SHIFTS, errors=NOT_FLOATS, promote="binary")
def bitwise_right_shift(x: Array, y: Array) -> Array:
    """Move the bits of x down by y places: floor(x / 2^y).

    >>> bitwise_right_shift([6, 12], 2)
    Tensor([1, 3], dtype=int32)
    """
    _check_bits("bitwise_right_shift", x, y)
    return np.right_shift(x, y)


@op(
    cases=[Case(A("N C", -9, 9, "int")), Case(A("N", kind="bool"))],
    errors=[Failure("2", match="expected integers or booleans")],
    promote="binary",
)
def bitwise_invert(x: Array) -> Array:
    """Every bit turned round: -x - 1 for integers, the opposite for booleans.

    >>> bitwise_invert([0, 5])
    Tensor([-1, -6], dtype=int32)
    """
    _check_bits("bitwise_invert", x)
    return np.invert(x)


@op(cases=INTS[:2], errors=NOT_FLOATS, promote="binary")
def gcd(x1: Array, x2: Array) -> Array:
    """The greatest common divisor of integers.

    >>> gcd([4, 6], 6)
    Tensor([2, 6], dtype=int32)
    """
    _check_bits("gcd", x1, x2)
    return np.gcd(x1, x2)


@op(cases=INTS[:2], errors=NOT_FLOATS, promote="binary")
def lcm(x1: Array, x2: Array) -> Array:
    """The least common multiple of integers.

    >>> lcm([4, 6], 6)
    Tensor([12,  6], dtype=int32)
    """
    _check_bits("lcm", x1, x2)
    return np.lcm(x1, x2)


bitwise_not = bitwise_invert
left_shift = bitwise_left_shift
right_shift = bitwise_right_shift
