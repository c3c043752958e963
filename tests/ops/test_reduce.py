"""Reductions, running totals and statistics: values against loops and NumPy, ties, zeros, empty, types."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from neurona import Tape, Tensor, ops
from neurona.errors import ArgumentError, ShapeError
from neurona.gradient_check import gradcheck

QUICK = settings(max_examples=60, deadline=None, derandomize=True)
SHAPES = hnp.array_shapes(min_dims=1, max_dims=3, min_side=0, max_side=4)
FILLED = hnp.array_shapes(min_dims=1, max_dims=3, min_side=1, max_side=4)


def arrays(shapes: Any) -> Any:
    return hnp.arrays(np.float64, shapes, elements=st.floats(-10, 10, width=32))


def slope(function: Any, x: Any) -> np.ndarray:
    t = Tensor(x)
    with Tape() as tape:
        tape.watch(t)
        y = function(t)
    return tape.gradient(y, t, np.ones(y.shape)).numpy()  # type: ignore[no-any-return]


@st.composite
def with_axis(draw: Any, shapes: Any) -> tuple[np.ndarray, Any, bool]:
    x = draw(arrays(shapes))
    axes = draw(
        st.none() | st.integers(-x.ndim, x.ndim - 1) | st.sets(st.integers(0, x.ndim - 1), min_size=1).map(tuple)
    )
    return x, axes, draw(st.booleans())


@QUICK
@given(with_axis(SHAPES))
def test_sums_and_products_are_numpys_with_empty_axes_too(drawn: Any) -> None:
    x, axis, keepdims = drawn
    for name in ("sum", "prod", "all", "any"):
        got = getattr(ops, name)(x, axis=axis, keepdims=keepdims)
        wanted = getattr(np, name)(x, axis=axis, keepdims=keepdims)
        np.testing.assert_allclose(got.numpy(), wanted, rtol=1e-12)
        assert got.shape == wanted.shape


@QUICK
@given(with_axis(FILLED))
def test_means_and_extremes_are_numpys(drawn: Any) -> None:
    x, axis, keepdims = drawn
    for name in (
        "mean",
        "var",
        "std",
        "max",
        "min",
        "amax",
        "amin",
        "ptp",
        "median",
        "nansum",
        "nanmean",
        "nanmax",
    ):
        got = getattr(ops, name)(x, axis=axis, keepdims=keepdims)
        wanted = getattr(np, name)(x, axis=axis, keepdims=keepdims)
        np.testing.assert_allclose(got.numpy(), wanted, rtol=1e-9, atol=1e-12)
        assert got.shape == np.shape(wanted)


@QUICK
@given(with_axis(FILLED))
def test_logsumexp_against_its_formula(drawn: Any) -> None:
    x, axis, keepdims = drawn
    wanted = np.log(np.exp(x).sum(axis=axis, keepdims=keepdims))
    np.testing.assert_allclose(ops.logsumexp(x, axis, keepdims).numpy(), wanted, rtol=1e-9, atol=1e-12)
    shares = slope(lambda t: ops.logsumexp(t, axis=axis), x).sum(axis=axis)
    np.testing.assert_allclose(shares, 1, rtol=1e-9)  # the gradient is a softmax


def test_logsumexp_far_out() -> None:
    assert ops.logsumexp([1000.0, 1000.0]).item() == pytest.approx(1000 + math.log(2))
    assert ops.logsumexp([-np.inf, -np.inf]).item() == -np.inf
    np.testing.assert_array_equal(slope(ops.logsumexp, [-np.inf, -np.inf]), [0, 0])
    assert ops.logsumexp(np.zeros((0, 2)), axis=0).tolist() == [-np.inf, -np.inf]


def test_statistics_by_hand() -> None:
    x = [[1.0, 2.0, 3.0], [4.0, 5.0, 9.0]]
    assert ops.mean(x, axis=1).tolist() == [2.0, 6.0]
    assert ops.var(x, axis=0).tolist() == [2.25, 2.25, 9.0]
    assert ops.std(x, axis=0).tolist() == [1.5, 1.5, 3.0]
    assert ops.average(x, axis=1, weights=[1.0, 0.0, 3.0]).tolist() == [2.5, 7.75]
    assert ops.quantile(x[1], [0.25, 0.5]).tolist() == [4.5, 5.0]
    assert ops.median([1.0, np.nan]).tolist() is not None
    assert np.isnan(ops.median([1.0, np.nan]).item())
    np.testing.assert_array_equal(slope(lambda t: ops.average(t, 1, [1.0, 0.0, 3.0]), x), [[0.25, 0, 0.75]] * 2)


@pytest.mark.parametrize("method", ["linear", "lower", "higher", "midpoint", "nearest"])
def test_quantile_methods_are_numpys(method: str) -> None:
    x = np.random.default_rng(0).standard_normal((4, 6))
    for q in (0.0, 0.3, 0.75, 1.0):
        wanted = np.quantile(x, q, axis=1, method=method, keepdims=True)
        np.testing.assert_allclose(ops.quantile(x, q, axis=1, method=method, keepdims=True).numpy(), wanted)
    np.testing.assert_allclose(ops.percentile(x, 30.0).numpy(), np.percentile(x, 30))
    several = np.quantile(x, [0.1, 0.6], axis=(0, 1), keepdims=True)
    np.testing.assert_allclose(ops.quantile(x, [0.1, 0.6], axis=(0, 1), keepdims=True).numpy(), several)


# -- gradients at ties and zeros -----------------------------------------------------------------------------


def test_extremes_share_the_gradient_among_equals() -> None:
    np.testing.assert_array_equal(slope(ops.max, [3.0, 1.0, 3.0]), [0.5, 0, 0.5])
    np.testing.assert_array_equal(slope(lambda t: ops.min(t, axis=1), [[1.0, 1.0], [0.0, 2.0]]), [[0.5, 0.5], [1, 0]])
    np.testing.assert_array_equal(slope(lambda t: ops.max(t, initial=9.0), [3.0, 1.0]), [0, 0])


@pytest.mark.parametrize("x", [[2.0, 0.0, 3.0], [0.0, 0.0, 3.0], [0.0, 0.0, 0.0], [2.0, -1.0, 4.0], [5.0]])
def test_product_gradients_with_zeros_against_the_definition(x: list[float]) -> None:
    others = [math.prod(x[:i] + x[i + 1 :]) for i in range(len(x))]
    np.testing.assert_array_equal(slope(ops.prod, x), others)
    gradcheck(ops.cumprod, np.array(x))
    gradcheck(ops.prod, np.array([x, x]), axis=1)


def test_running_totals_against_a_loop() -> None:
    x = np.random.default_rng(1).standard_normal((3, 4))
    sums, products = np.zeros_like(x), np.ones_like(x)
    for j in range(4):
        for i in range(j + 1):
            sums[:, j] += x[:, i]
            products[:, j] *= x[:, i]
    np.testing.assert_allclose(ops.cumsum(x, axis=1).numpy(), sums)
    np.testing.assert_allclose(ops.cumprod(x, axis=-1).numpy(), products)
    np.testing.assert_array_equal(slope(lambda t: ops.cumsum(t, axis=1), x), [[4, 3, 2, 1]] * 3)
    assert ops.cumsum([True, True]).tolist() == [1, 2]
    assert ops.cumsum([1, 2], dtype="float32").dtype == "float32"


def test_diff_undoes_cumsum() -> None:
    x = np.random.default_rng(2).standard_normal((3, 5))
    np.testing.assert_allclose(ops.diff(ops.cumsum(x, axis=1)).numpy(), x[:, 1:])
    np.testing.assert_allclose(ops.diff(x, 2, 0).numpy(), np.diff(x, 2, 0))
    assert ops.diff([1.0, 2.0], n=3).shape == (0,)


def test_std_gradient_by_hand() -> None:
    np.testing.assert_allclose(slope(ops.std, [1.0, 3.0]), [-0.5, 0.5])
    np.testing.assert_allclose(slope(ops.var, [1.0, 3.0]), [-1, 1])


# -- norms ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("order", "axis"),
    [
        (None, None),
        (None, 0),
        (2, 1),
        (1, 1),
        (3, 0),
        (0, 1),
        (np.inf, 0),
        (-np.inf, 1),
        ("fro", (0, 1)),
        (1, (0, 1)),
        (-1, (0, 1)),
        (np.inf, (0, 1)),
        (-np.inf, (1, 0)),
        ("fro", None),
    ],
)
@pytest.mark.parametrize("keepdims", [False, True])
def test_norm_is_numpys(order: Any, axis: Any, keepdims: bool) -> None:
    x = np.random.default_rng(3).standard_normal((4, 3))
    wanted = np.linalg.norm(x, order, axis, keepdims)
    got = ops.norm(x, order, axis, keepdims)
    np.testing.assert_allclose(got.numpy(), wanted)
    assert got.shape == wanted.shape


def test_norm_of_integers_and_of_many_axes() -> None:
    assert ops.norm(Tensor([3, 4])).dtype == "float32"
    assert ops.norm(Tensor([3, 4])).item() == 5
    assert ops.norm(np.ones((2, 2, 2))).item() == pytest.approx(math.sqrt(8))


# -- past NaN, counts ----------------------------------------------------------------------------------------


def test_nan_reductions() -> None:
    x = np.array([[1.0, np.nan, 3.0], [np.nan, np.nan, np.nan]])
    assert ops.nansum(x, axis=1).tolist() == [4, 0]
    np.testing.assert_array_equal(ops.nanmean(x, axis=1).numpy(), [2, np.nan])
    np.testing.assert_array_equal(ops.nanmax(x, axis=1).numpy(), [3, np.nan])
    np.testing.assert_array_equal(ops.nanmin(x, axis=1).numpy(), [1, np.nan])
    np.testing.assert_array_equal(slope(lambda t: ops.nansum(t), x), [[1, 0, 1], [0, 0, 0]])


def test_counts_and_places() -> None:
    x = np.array([[0, 3, 3], [5, 0, 1]])
    assert ops.count_nonzero(x).item() == 4
    assert ops.count_nonzero(x, axis=0).tolist() == [1, 1, 2]
    assert ops.argmax(x, axis=1).tolist() == [1, 0]
    assert ops.argmin(x).item() == 0
    assert ops.argmax(x, keepdims=True).shape == (1, 1)
    assert ops.argmax(x).item() == 3
    counts, edges = ops.histogram(Tensor([0.0, 1.0, 2.0, 3.0, 4.0]), 4)
    assert counts.tolist() == [1, 1, 1, 2]
    assert edges.tolist() == [0, 1, 2, 3, 4]


# -- types and errors ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "given_dtype", "dtype"),
    [
        ("sum", "bool", "int32"),
        ("sum", "uint8", "uint32"),
        ("sum", "int8", "int32"),
        ("sum", "int32", "int32"),
        ("sum", "int64", "int64"),
        ("sum", "float16", "float16"),
        ("prod", "bool", "int32"),
        ("mean", "int32", "float32"),
        ("mean", "bool", "float32"),
        ("mean", "float16", "float16"),
        ("max", "uint8", "uint8"),
        ("std", "int64", "float32"),
        ("argmax", "float64", "int32"),
        ("count_nonzero", "float64", "int32"),
        ("cumsum", "bool", "int32"),
        ("cumsum", "int8", "int8"),
        ("median", "int32", "float32"),
        ("all", "float32", "bool"),
        ("logsumexp", "float64", "float64"),
        ("nansum", "uint8", "uint32"),
        ("average", "int32", "float32"),
        ("norm", "float16", "float16"),
    ],
)
def test_result_types(name: str, given_dtype: str, dtype: str) -> None:
    assert getattr(ops, name)(np.ones(3, given_dtype)).dtype == dtype


def test_numbers_alone_are_fine() -> None:
    assert ops.sum(3).item() == 3
    assert ops.sum(3).dtype == "int32"
    assert ops.mean(2.5).dtype == "float32"
    assert ops.max(True).dtype == "bool"


def test_errors() -> None:
    with pytest.raises(ShapeError, match=r"max of no numbers is not defined. Received: shape \(0, 3\), axis=0"):
        ops.max(np.ones((0, 3)), axis=0)
    assert ops.max(np.ones((0, 3)), axis=0, initial=2.0).tolist() == [2, 2, 2]
    assert ops.max(np.ones((0, 3)), axis=1).shape == (0,)
    with pytest.raises(ShapeError, match="no axis 3"):
        ops.sum(np.ones((2, 2)), axis=(0, 3))
    with pytest.raises(ArgumentError, match="between 0 and 1"):
        ops.quantile([1.0], 25.0)
    assert np.isnan(ops.mean(np.ones((0,))).item())
