"""Products and dense layers against NumPy in float64, on shapes at and around the tiles' edges."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurona import kernels

SHAPES = [
    (0, 3, 4), (3, 0, 4), (7, 3, 0), (1, 1, 1), (1, 784, 128), (5, 7, 9), (6, 16, 16), (12, 12, 32),
    (13, 5, 33), (32, 128, 10), (33, 321, 17), (64, 640, 48), (200, 650, 33), (500, 64, 1), (193, 100, 65),
]  # fmt: skip
ACTIVATIONS = [
    lambda z: z,
    lambda z: np.maximum(z, 0.0),
    np.tanh,
    lambda z: 1.0 / (1.0 + np.exp(-z)),
]
SLOPES = [
    lambda y: np.ones_like(y),
    lambda y: (y > 0.0).astype(y.dtype),
    lambda y: 1.0 - y * y,
    lambda y: y * (1.0 - y),
]


def drawn(seed: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def close(got: np.ndarray, wanted: np.ndarray, length: int) -> None:
    """Within the rounding of a float32 sum of `length` products of standard normal numbers."""
    assert got.dtype == np.float32
    assert got.shape == wanted.shape
    np.testing.assert_allclose(got, wanted, rtol=1e-5, atol=4e-6 * np.sqrt(max(length, 1)))


@pytest.mark.parametrize(("m", "k", "n"), SHAPES)
@pytest.mark.parametrize("ta", [False, True])
@pytest.mark.parametrize("tb", [False, True])
def test_matmul(each_isa: Any, m: int, k: int, n: int, ta: bool, tb: bool) -> None:
    a, b = drawn(1, *((k, m) if ta else (m, k))), drawn(2, *((n, k) if tb else (k, n)))
    wanted = (a.T if ta else a).astype("f8") @ (b.T if tb else b).astype("f8")
    kept = a.copy(), b.copy()
    close(each_isa.matmul(a, b, ta, tb), wanted, k)
    np.testing.assert_array_equal(a, kept[0])
    np.testing.assert_array_equal(b, kept[1])


@settings(max_examples=150, deadline=None, derandomize=True)
@given(st.integers(0, 300), st.integers(0, 700), st.integers(0, 120), st.booleans(), st.booleans())
def test_matmul_of_any_shape(m: int, k: int, n: int, ta: bool, tb: bool) -> None:
    if kernels.native is None:
        pytest.skip(f"no compiled kernels: {kernels.info()['why_not']}")
    a, b = drawn(1, *((k, m) if ta else (m, k))), drawn(2, *((n, k) if tb else (k, n)))
    wanted = (a.T if ta else a).astype("f8") @ (b.T if tb else b).astype("f8")
    close(kernels.native.matmul(a, b, ta, tb), wanted, k)


@pytest.mark.parametrize(("m", "k", "n"), SHAPES)
@pytest.mark.parametrize("activation", range(4))
def test_dense_and_its_gradient(each_isa: Any, m: int, k: int, n: int, activation: int) -> None:
    x, w, b, g = drawn(1, m, k), drawn(2, k, n) / 8, drawn(3, n), drawn(4, m, n)
    with np.errstate(over="ignore"):
        wanted = ACTIVATIONS[activation](x.astype("f8") @ w + b)
        close(each_isa.dense(x, w, b, activation), wanted, k)
        close(each_isa.dense(x, w, None, activation), ACTIVATIONS[activation](x.astype("f8") @ w), k)
    y = each_isa.dense(x, w, b, activation)
    gz = g.astype("f8") * SLOPES[activation](y.astype("f8"))
    dx, dw, db = each_isa.dense_backward(g, y, x, w, True, activation, True, True)
    close(dx, gz @ w.T.astype("f8"), n)
    close(dw, x.T.astype("f8") @ gz, m)
    close(db, gz.sum(axis=0), m)
    assert each_isa.dense_backward(g, y, x, w, False, activation, False, False) == (None, None, None)


def test_activations_are_accurate(each_isa: Any) -> None:
    one = np.ones((1, 1), np.float32)
    z = np.linspace(-100, 100, 20001, dtype=np.float32).reshape(-1, 1)
    exact = 1.0 / (1.0 + np.exp(-z.astype("f8")))
    normal = exact > 1e-37
    np.testing.assert_allclose(each_isa.dense(z, one, None, 3)[normal], exact[normal], rtol=3e-7)
    small = z / 10
    np.testing.assert_allclose(each_isa.dense(small, one, None, 2), np.tanh(small.astype("f8")), rtol=4e-7)


@pytest.mark.parametrize("activation", range(4))
def test_what_is_not_finite_passes_through(each_isa: Any, activation: int) -> None:
    x = np.array([[np.nan], [np.inf], [-np.inf], [0.0]], np.float32)
    y = each_isa.dense(x, np.ones((1, 1), np.float32), None, activation)[:, 0]
    with np.errstate(over="ignore", invalid="ignore"):
        np.testing.assert_allclose(y, ACTIVATIONS[activation](x[:, 0].astype("f8")))


@pytest.mark.parametrize(
    ("m", "k", "n"), [(32, 784, 128), (128, 784, 512), (128, 128, 10), (1000, 33, 47), (3, 2000, 200)]
)
def test_threads_change_no_bit(each_isa: Any, m: int, k: int, n: int) -> None:
    x, w, b, g = drawn(1, m, k), drawn(2, k, n), drawn(3, n), drawn(4, m, n)

    def everything(threads: int) -> list[np.ndarray]:
        each_isa.set_threads(threads)
        y = each_isa.dense(x, w, b, 2)
        return [
            y,
            *each_isa.dense_backward(g, y, x, w, True, 2, True, True),
            each_isa.matmul(x, w, False, False),
        ]

    for one, two, four in zip(everything(1), everything(2), everything(4), strict=True):
        np.testing.assert_array_equal(one, two)
        np.testing.assert_array_equal(one, four)


def test_a_row_does_not_depend_on_its_batch(each_isa: Any) -> None:
    x, w, b = drawn(1, 130, 400), drawn(2, 400, 70), drawn(3, 70)
    whole = each_isa.dense(x, w, b, 1)
    for i in (0, 64, 129):
        np.testing.assert_array_equal(each_isa.dense(x[i : i + 1], w, b, 1)[0], whole[i])


def test_a_large_product(native: Any) -> None:
    a, b = drawn(1, 700, 1500), drawn(2, 1500, 300)
    close(native.matmul(a, b, False, False), a.astype("f8") @ b.astype("f8"), 1500)


@pytest.mark.parametrize("columns", [1, 31, 32, 63, 64, 65, 127, 128, 130, 200, 257])
@pytest.mark.parametrize("features", [1, 7, 320, 321, 700])
def test_one_row_is_the_same_among_others(each_isa: Any, features: int, columns: int) -> None:
    rng = np.random.default_rng(features * 1000 + columns)
    x, w, b = (rng.normal(size=shape).astype("float32") for shape in ((9, features), (features, columns), columns))
    among = each_isa.dense(x, w, b, 2)
    alone = each_isa.dense(x[4:5].copy(), w, b, 2)
    np.testing.assert_array_equal(alone, among[4:5])
    np.testing.assert_allclose(alone, np.tanh(x[4:5].astype("float64") @ w + b), atol=2e-5)
    turned = each_isa.matmul(np.ascontiguousarray(x[4:5].T), w, True, False)  # stored as a column
    np.testing.assert_array_equal(turned, each_isa.matmul(x[4:5].copy(), w, False, False))
