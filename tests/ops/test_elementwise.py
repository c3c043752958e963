"""Elementwise ops, functions of one number, logic and operators: values, types, edges."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from neurona import KerasTensor, Tape, Tensor, ops
from neurona.errors import ArgumentError, DTypeError, ShapeError

QUICK = settings(max_examples=50, deadline=None, derandomize=True)
FLOATS = st.floats(-1e3, 1e3, width=32)


def gradient(function: Any, *values: Any) -> list[np.ndarray]:
    tensors = [Tensor(v) for v in values]
    with Tape() as tape:
        tape.watch(*tensors)
        y = function(*tensors)
    return [g.numpy() for g in tape.gradient(y, tensors, np.ones(y.shape))]


# -- values against Python's own mathematics -----------------------------------------------------------------

AGAINST_MATH = {
    "exp": (math.exp, -5, 5),
    "expm1": (math.expm1, -2, 2),
    "log": (math.log, 0.1, 9),
    "log2": (math.log2, 0.1, 9),
    "log10": (math.log10, 0.1, 9),
    "log1p": (math.log1p, -0.9, 9),
    "sqrt": (math.sqrt, 0, 9),
    "rsqrt": (lambda v: 1 / math.sqrt(v), 0.1, 9),
    "sin": (math.sin, -9, 9),
    "cos": (math.cos, -9, 9),
    "tan": (math.tan, -1.5, 1.5),
    "arcsin": (math.asin, -1, 1),
    "arccos": (math.acos, -1, 1),
    "arctan": (math.atan, -9, 9),
    "sinh": (math.sinh, -5, 5),
    "cosh": (math.cosh, -5, 5),
    "tanh": (math.tanh, -5, 5),
    "arcsinh": (math.asinh, -9, 9),
    "arccosh": (math.acosh, 1, 9),
    "arctanh": (math.atanh, -0.99, 0.99),
    "exp2": (lambda v: 2.0**v, -5, 5),
    "cbrt": (lambda v: math.copysign(abs(v) ** (1 / 3), v), -9, 9),
    "deg2rad": (math.radians, -360, 360),
    "rad2deg": (math.degrees, -9, 9),
    "erf": (math.erf, -7, 7),
    "erfc": (math.erfc, -7, 26),
    "reciprocal": (lambda v: 1 / v, 0.1, 9),
    "absolute": (abs, -9, 9),
    "square": (lambda v: v * v, -9, 9),
    "floor": (math.floor, -9, 9),
    "ceil": (math.ceil, -9, 9),
    "trunc": (math.trunc, -9, 9),
    "round": (round, -9, 9),
    "negative": (lambda v: -v, -9, 9),
    "sinc": (lambda v: math.sin(math.pi * v) / (math.pi * v), 0.1, 5),
}


@pytest.mark.parametrize("name", AGAINST_MATH)
def test_function_of_one_number(name: str) -> None:
    function, low, high = AGAINST_MATH[name]
    points = np.linspace(low, high, 201)
    got = getattr(ops, name)(points).numpy()
    assert got.dtype == np.float64
    np.testing.assert_allclose(got, [function(float(v)) for v in points], rtol=1e-13, atol=1e-15)


def test_error_function_is_exact_to_the_last_places() -> None:
    points = np.concatenate([np.linspace(-6, 6, 4001), [0.46875, 4.0, -0.46875, -4.0, 1e-300, 0.0]])
    np.testing.assert_allclose(ops.erf(points).numpy(), [math.erf(v) for v in points], rtol=1e-15)
    tail = np.linspace(0, 26, 2001)
    np.testing.assert_allclose(ops.erfc(tail).numpy(), [math.erfc(v) for v in tail], rtol=2e-14)
    edges = ops.erf([np.inf, -np.inf, np.nan]).numpy()
    assert edges[0] == 1
    assert edges[1] == -1
    assert np.isnan(edges[2])


def test_inverse_error_function_inverts() -> None:
    # where erf is steep the way back is exact; near 1 one rounding of erf's value is worth many of x's
    points = np.linspace(-3, 3, 1001)
    np.testing.assert_allclose(ops.erfinv(ops.erf(points)).numpy(), points, rtol=1e-11, atol=1e-15)
    shares = np.concatenate([np.linspace(-0.999, 0.999, 999), [1e-12, 1 - 1e-12, -1 + 1e-15]])
    np.testing.assert_allclose(ops.erf(ops.erfinv(shares)).numpy(), shares, rtol=1e-15)
    edges = ops.erfinv([1.0, -1.0, 1.5, np.nan]).numpy()
    assert edges[0] == np.inf
    assert edges[1] == -np.inf
    assert np.isnan(edges[2:]).all()


# -- two numbers ---------------------------------------------------------------------------------------------


@QUICK
@given(hnp.mutually_broadcastable_shapes(num_shapes=2, max_dims=3, max_side=3, min_side=0), st.randoms())
def test_broadcasting_is_numpys_and_gradients_keep_shapes(shapes: Any, random: Any) -> None:
    rng = np.random.default_rng(random.randrange(1000))
    a, b = (rng.uniform(0.5, 2.0, s) for s in shapes.input_shapes)
    for name in ("add", "subtract", "multiply", "divide", "power", "maximum", "minimum", "hypot", "arctan2"):
        function = getattr(ops, name)
        y = function(a, b)
        np.testing.assert_allclose(y.numpy(), getattr(np, name)(a, b))
        da, db = gradient(function, a, b)
        assert da.shape == a.shape
        assert db.shape == b.shape


def test_gradient_is_summed_over_broadcast_axes_by_hand() -> None:
    da, db = gradient(ops.multiply, [[1.0, 2.0], [3.0, 4.0]], [[10.0], [100.0]])
    np.testing.assert_array_equal(da, [[10, 10], [100, 100]])
    np.testing.assert_array_equal(db, [[3], [7]])


def test_one_tensor_used_twice() -> None:
    (dx,) = gradient(lambda x: x * x + x, [2.0, -3.0])
    np.testing.assert_array_equal(dx, [5, -5])


@QUICK
@given(hnp.arrays(np.int32, 5, elements=st.integers(-50, 50)), st.integers(1, 9))
def test_whole_division_and_rest_fit_together(x: np.ndarray, n: int) -> None:
    y = ops.floor_divide(x, n) * n + ops.mod(x, n)
    np.testing.assert_array_equal(y.numpy(), x)
    assert y.dtype == np.int32
    np.testing.assert_array_equal(ops.mod(x, n).numpy(), [int(v) % n for v in x])
    np.testing.assert_array_equal(ops.fmod(x, n).numpy(), [math.fmod(int(v), n) for v in x])


def test_nothing_warns_at_the_edges() -> None:
    np.testing.assert_array_equal(ops.divide([1.0, -1.0, 0.0], 0.0).numpy(), [np.inf, -np.inf, np.nan])
    np.testing.assert_array_equal(ops.divide_no_nan([1.0, -1.0, 0.0], 0.0).numpy(), [0, 0, 0])
    np.testing.assert_array_equal(ops.log([0.0, -1.0]).numpy(), [-np.inf, np.nan])
    np.testing.assert_array_equal(ops.power([0.0, 2.0], [-1.0, 500.0]).numpy(), [np.inf, np.inf])
    np.testing.assert_array_equal(ops.logaddexp(-np.inf, -np.inf).numpy(), -np.inf)
    assert gradient(ops.sqrt, [0.0])[0][0] == np.inf


def test_gradients_of_powers_at_zero() -> None:
    assert gradient(lambda x: x**2, [0.0])[0] == 0
    assert gradient(lambda x: x**1, [0.0])[0] == 1
    assert gradient(lambda x: x**0, [0.0])[0] == 0
    dx, dn = gradient(ops.power, [0.0, 0.0, -2.0], [0.0, 1.0, 3.0])
    np.testing.assert_array_equal(dx, [0, 1, 12])
    np.testing.assert_array_equal(dn, [0, 0, 0])


def test_gradients_at_ties() -> None:
    np.testing.assert_array_equal(gradient(ops.maximum, [1.0, 2.0], [1.0, 3.0]), [[1, 0], [0, 1]])
    np.testing.assert_array_equal(gradient(ops.minimum, [1.0, 2.0], [1.0, 3.0]), [[1, 1], [0, 0]])
    np.testing.assert_array_equal(gradient(ops.absolute, [0.0])[0], [0])
    (dx,) = gradient(lambda x: ops.clip(x, -1.0, 1.0), [-2.0, -1.0, 0.0, 1.0, 2.0])
    np.testing.assert_array_equal(dx, [0, 1, 1, 1, 0])


def test_gradient_of_a_sum_of_logarithms_of_zero_is_finite() -> None:
    dx, dy = gradient(ops.logaddexp, [-np.inf, 0.0], [-np.inf, -np.inf])
    np.testing.assert_array_equal(dx, [0, 1])
    np.testing.assert_array_equal(dy, [0, 0])


# -- types ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("function", "a", "b", "dtype"),
    [
        ("add", np.int32(1), np.float32(1), "float32"),
        ("add", np.ones(2, "int64"), np.ones(2, "float16"), "float16"),
        ("add", np.ones(2, "uint8"), np.ones(2, "int8"), "int16"),
        ("add", np.ones(2, "float64"), 0.1, "float64"),
        ("add", np.ones(2, "float16"), 2.0, "float16"),
        ("add", np.ones(2, "int32"), 2.5, "float32"),
        ("add", np.ones(2, "uint8"), 1, "uint8"),
        ("add", np.ones(2, "bool"), 1, "int32"),
        ("add", 1, 2, "int32"),
        ("add", 1, 2.5, "float32"),
        ("divide", np.ones(2, "int32"), 2, "float32"),
        ("divide", np.ones(2, "float16"), 2, "float16"),
        ("divide", np.ones(2, "float64"), 0.1, "float64"),
        ("divide", 1, 2, "float32"),
        ("power", np.ones(2, "int32"), 2, "int32"),
        ("power", np.ones(2, "int32"), 2.0, "float32"),
        ("equal", np.ones(2, "int32"), 1.0, "bool"),
        ("arctan2", 1, 2, "float32"),
        ("bitwise_and", np.ones(2, "int8"), np.ones(2, "int32"), "int32"),
    ],
)
def test_types_meet_as_in_keras(function: str, a: Any, b: Any, dtype: str) -> None:
    assert getattr(ops, function)(a, b).dtype == dtype


def test_a_python_number_keeps_the_precision_of_what_it_meets() -> None:
    assert ops.divide(np.float64(1.0), 0.1).item() == 1.0 / 0.1
    assert ops.add(np.ones((), "float64"), 0.1).item() == 1.1


@pytest.mark.parametrize(
    ("name", "value", "dtype"),
    [
        ("exp", 1, "float32"),
        ("sqrt", np.ones(2, "int64"), "float32"),
        ("floor", np.ones(2, "int32"), "float32"),
        ("round", np.ones(2, "int32"), "int32"),
        ("trunc", 2.5, "float32"),
        ("square", np.ones(2, "bool"), "int32"),
        ("sign", np.ones(2, "int8"), "int8"),
        ("isnan", 1, "bool"),
        ("absolute", -3, "int32"),
        ("exp", np.float16(1), "float16"),
        ("erf", np.float16(1), "float16"),
        ("erfinv", np.float16(0.5), "float16"),
    ],
)
def test_types_of_functions_of_one_number(name: str, value: Any, dtype: str) -> None:
    assert getattr(ops, name)(value).dtype == dtype


def test_cast_and_saturate_cast() -> None:
    assert ops.cast([1.9, -1.9, 0.0], "int32").tolist() == [1, -1, 0]
    assert ops.cast([2, 0], "bool").tolist() == [True, False]
    assert ops.saturate_cast([300.0, -3.0, 7.0], "uint8").tolist() == [255, 0, 7]
    assert ops.saturate_cast(np.array([300, -300], "int32"), "int8").tolist() == [127, -128]
    assert ops.saturate_cast(np.array([3e10], "float32"), "int32").item() == 2147483520  # float32's last below 2^31
    assert ops.saturate_cast(np.array([200], "uint8"), "int8").item() == 127
    (dx,) = gradient(lambda x: ops.cast(x, "float64"), [1.0])
    assert dx.dtype == np.float32


def test_stop_gradient_and_copy() -> None:
    (dx,) = gradient(lambda x: x * ops.stop_gradient(x) + ops.copy(x), [3.0])
    assert dx == 4
    x = Tensor([1.0])
    assert ops.copy(x).data is not x.data


# -- choices -------------------------------------------------------------------------------------------------


@QUICK
@given(
    hnp.arrays(bool, (3, 2)),
    hnp.arrays(np.float32, 2, elements=FLOATS),
    hnp.arrays(np.float32, (3, 1), elements=FLOATS),
)
def test_where_against_a_loop(condition: np.ndarray, a: np.ndarray, b: np.ndarray) -> None:
    expected = [[float(a[j] if condition[i, j] else b[i, 0]) for j in range(2)] for i in range(3)]
    np.testing.assert_array_equal(ops.where(condition, a, b).numpy(), expected)
    da, db = gradient(lambda p, q: ops.where(condition, p, q), a, b)
    np.testing.assert_array_equal(da, condition.sum(axis=0))
    np.testing.assert_array_equal(db, (~condition).sum(axis=1, keepdims=True))


def test_select_takes_the_first_that_holds() -> None:
    x = np.arange(6)
    got = ops.select([x < 2, x < 4], [x * 10, x * 100], -1)
    np.testing.assert_array_equal(got.numpy(), np.select([x < 2, x < 4], [x * 10, x * 100], -1))


def test_nan_to_num() -> None:
    x = Tensor([np.nan, np.inf, -np.inf, 2.0])
    largest = np.finfo("float32").max
    np.testing.assert_array_equal(ops.nan_to_num(x).numpy(), np.array([0, largest, -largest, 2], "float32"))
    assert ops.nan_to_num(x, 1.0, 5.0, -5.0).tolist() == [1, 5, -5, 2]


# -- operators -----------------------------------------------------------------------------------------------


def test_every_operator_and_its_reflection() -> None:
    a, b = np.array([7.0, -5.0], "float32"), np.array([2.0, 3.0], "float32")
    t = Tensor(a)
    pairs = [
        (t + b, a + b),
        (b + t, b + a),
        (t - b, a - b),
        (b - t, b - a),
        (3 - t, 3 - a),
        (t * 2, a * 2),
        (2 * t, 2 * a),
        (t / b, a / b),
        (1 / t, 1 / a),
        (t // b, a // b),
        (7 // t, 7 // a),
        (t % b, a % b),
        (7 % t, 7 % a),
        (t**2, a**2),
        (2.0**t, 2.0**a),
        (-t, -a),
        (+t, a),
        (abs(t), abs(a)),
        (t @ b, a @ b),
        (b @ t, b @ a),
        (t < b, a < b),
        (t <= 7, a <= 7),
        (t > b, a > b),
        (t >= b, a >= b),
        (t == 7, a == 7),
        (t != 7, a != 7),
        (t > 3, a > 3),
        (round(t / 3, 1), np.round(a / 3, 1)),
    ]
    for got, wanted in pairs:
        assert isinstance(got, Tensor)
        np.testing.assert_allclose(got.numpy(), wanted, rtol=1e-6)


def test_operators_on_bits() -> None:
    a, b = np.array([6, 12]), np.array([3, 10])
    t = Tensor(a)
    for got, wanted in [
        (t & b, a & b),
        (b | t, b | a),
        (t ^ b, a ^ b),
        (~t, ~a),
        (t << 1, a << 1),
        (t >> 1, a >> 1),
    ]:
        np.testing.assert_array_equal(got.numpy(), wanted)
    yes = Tensor([True, False])
    assert (yes & ~yes).tolist() == [False, False]
    assert (yes | ~yes).tolist() == [True, True]


def test_tensors_stay_hashable_and_strangers_are_left_alone() -> None:
    t = Tensor([1.0])
    assert {t: 1}[t] == 1
    assert (t is None) is False
    assert (t != "a") is True
    with pytest.raises(TypeError):
        t + "a"


def test_operators_draw_on_placeholders() -> None:
    x = KerasTensor((None, 3))
    for y in (
        x + 1,
        2 * x,
        x / 2,
        -x,
        x**2,
        abs(x),
        x < 0,
        x @ np.ones((3, 3), "float32"),
        x - Tensor([1.0, 2.0, 3.0]),
    ):
        assert isinstance(y, KerasTensor)
        assert y.shape == (None, 3)
    assert (x > 0).dtype == "bool"
    assert x[:, 1].shape == (None,)
    assert x == x
    assert x in [x]
    assert x not in [KerasTensor((None, 3))]


# -- errors --------------------------------------------------------------------------------------------------


def test_errors() -> None:
    with pytest.raises(ShapeError, match=r"\(2, 3\) and \(2, 4\)"):
        ops.add(np.ones((2, 3)), np.ones((2, 4)))
    with pytest.raises(ArgumentError, match="negative exponent"):
        ops.power(Tensor([2]), -1)
    with pytest.raises(DTypeError, match="no meaning for booleans"):
        ops.subtract([True], [False])
    with pytest.raises(DTypeError, match="Expected a dtype"):
        ops.cast([1.0], "flaot")
    with pytest.raises(DTypeError, match="integers or booleans"):
        ops.bitwise_and(1.5, 2)
