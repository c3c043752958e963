"""Batch normalisation with an activation in the same pass, and the activations alone, against float64."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurona import kernels
from neurona.errors import ArgumentError

LINEAR, RELU, GELU, GELU_TANH, SILU = 0, 1, 4, 5, 6
ACTIVATIONS = [LINEAR, RELU, GELU, GELU_TANH, SILU]
C = math.sqrt(2 / math.pi)

_erf = np.vectorize(math.erf, otypes=["f8"])


def drawn(*shape: int, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def share(z: np.ndarray) -> np.ndarray:
    return (1 + _erf(z / math.sqrt(2))) / 2


def logistic(z: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-z))


def activated(z: np.ndarray, activation: int) -> np.ndarray:
    z = np.asarray(z, "f8")
    if activation == RELU:
        return np.maximum(z, 0)
    if activation == GELU:
        return z * share(z)
    if activation == GELU_TANH:
        return z * (1 + np.tanh(C * (z + 0.044715 * z**3))) / 2
    return z * logistic(z) if activation == SILU else z


def slope(z: np.ndarray, activation: int) -> np.ndarray:
    z = np.asarray(z, "f8")
    if activation == RELU:
        return (z > 0).astype("f8")
    if activation == GELU:
        return share(z) + z * np.exp(-z * z / 2) / math.sqrt(2 * math.pi)
    if activation == GELU_TANH:
        t = np.tanh(C * (z + 0.044715 * z**3))
        return (1 + t) / 2 + z * (1 - t * t) / 2 * C * (1 + 3 * 0.044715 * z * z)
    if activation == SILU:
        return logistic(z) * (1 + z * (1 - logistic(z)))
    return np.ones_like(z)


def check_norm(native: Any, x: np.ndarray, activation: int, affine: bool, epsilon: float, loose: float) -> None:
    """Forward and backward against float64; `loose` is the error allowed in xhat."""
    m, c = x.shape
    gamma, beta = (drawn(c, seed=2), drawn(c, seed=3)) if affine else (None, None)
    y, mean, var = native.batch_norm_train(x, gamma, beta, epsilon, activation)
    wide = x.astype("f8")
    centre, spread = wide.mean(axis=0), wide.var(axis=0)
    np.testing.assert_allclose(mean, centre, rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(var, spread, rtol=2e-5, atol=1e-6)
    inv = 1 / np.sqrt(spread + epsilon)
    scale, xhat = inv if gamma is None else gamma * inv, (wide - centre) * inv
    z = xhat if gamma is None else gamma * xhat + beta
    size = 1.0 if gamma is None else float(np.abs(gamma).max())
    np.testing.assert_allclose(y, activated(z, activation), rtol=1e-5, atol=loose * max(1.0, size))

    g = drawn(m, c, seed=4)
    dx, dgamma, dbeta = native.batch_norm_backward(g, x, gamma, beta, mean, var, epsilon, activation)
    # near a relu's kink rounding decides; there the kernel's own y tells which way it went
    passed = g.astype("f8") * ((y > 0) if activation == RELU else slope(z, activation))
    np.testing.assert_allclose(dbeta, passed.sum(axis=0), atol=loose * m, rtol=1e-5)
    np.testing.assert_allclose(dgamma, (passed * xhat).sum(axis=0), atol=2 * loose * m, rtol=1e-5)
    wanted = scale * (passed - passed.mean(axis=0) - xhat * (passed * xhat).mean(axis=0))
    np.testing.assert_allclose(dx, wanted, rtol=1e-4, atol=4 * loose * max(1.0, float(np.abs(scale).max())))


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("affine", [True, False])
@pytest.mark.parametrize(
    "shape", [(7, 1), (5000, 1), (33, 16), (3000, 24), (1030, 64), (600, 256), (70, 333), (9, 5001)]
)
def test_batch_norm(each_isa: Any, shape: tuple[int, int], affine: bool, activation: int) -> None:
    check_norm(each_isa, drawn(*shape) * 3 + 5, activation, affine, 1e-3, 1e-5)


@pytest.mark.skipif(kernels.native is None, reason="no compiled kernels on this machine")
@settings(max_examples=80, deadline=None, derandomize=True)
@given(
    m=st.integers(3, 700), c=st.integers(1, 300), activation=st.sampled_from(ACTIVATIONS), affine=st.booleans(),
    offset=st.sampled_from([0.0, -2.0, 30.0]),
)  # fmt: skip
def test_drawn_sizes(m: int, c: int, activation: int, affine: bool, offset: float) -> None:
    check_norm(kernels.native, drawn(m, c) + np.float32(offset), activation, affine, 1e-2, 3e-5)


@pytest.mark.parametrize("c", [1, 24, 64, 257])
@pytest.mark.parametrize("mean", [1e4, -1e5])
def test_a_large_mean_does_not_cancel(each_isa: Any, c: int, mean: float) -> None:
    x = drawn(4000, c) + np.float32(mean)
    y, centre, var = each_isa.batch_norm_train(x, None, None, 1e-3, RELU)
    wide = x.astype("f8")
    np.testing.assert_allclose(var, wide.var(axis=0), rtol=1e-5)
    np.testing.assert_allclose(centre, wide.mean(axis=0), rtol=1e-7)
    # the mean itself is a float32: half a unit in its last place is all that y may be off
    off = float(np.spacing(np.float32(abs(mean)))) + 1e-5
    exact = (wide - wide.mean(axis=0)) / np.sqrt(wide.var(axis=0) + 1e-3)
    np.testing.assert_allclose(y, np.maximum(exact, 0), atol=off)
    g = drawn(4000, c, seed=2)
    dx, _, _ = each_isa.batch_norm_backward(g, x, None, None, centre, var, 1e-3, RELU)
    assert np.abs(dx.astype("f8").mean(axis=0)).max() < off / 10  # moving all x alike changes nothing


def test_an_outlier_in_a_block(each_isa: Any) -> None:
    x = drawn(2000, 64)
    x[0] = 1e4  # one of the rows that the differences might be taken from
    _, mean, var = each_isa.batch_norm_train(x, None, None, 1e-3, LINEAR)
    wide = x.astype("f8")
    np.testing.assert_allclose((mean - wide.mean(axis=0)) / wide.std(axis=0), 0, atol=1e-5)
    np.testing.assert_allclose(var, wide.var(axis=0), rtol=2e-5)


def test_a_constant_channel_has_no_variance(each_isa: Any) -> None:
    x = np.full((1000, 5), 0.1, "f4")
    y, mean, var = each_isa.batch_norm_train(x, None, np.full(5, 0.25, "f4"), 1e-3, LINEAR)
    assert (mean == np.float32(0.1)).all() and (var == 0).all() and (y == 0.25).all()


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_nan_stays(each_isa: Any, activation: int) -> None:
    x = drawn(100, 8)
    x[37, 2] = np.nan
    y, mean, var = each_isa.batch_norm_train(x, None, None, 1e-3, activation)
    bad = np.arange(8) == 2
    assert np.isnan(y[:, bad]).all() and np.isfinite(y[:, ~bad]).all()
    np.testing.assert_array_equal(np.isnan(mean), bad)
    np.testing.assert_array_equal(np.isnan(var), bad)


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("shape", [(0, 3), (1, 1), (50, 7), (300, 64), (4, 600)])
def test_at_rest(each_isa: Any, shape: tuple[int, int], activation: int) -> None:
    x, a, b = drawn(*shape), drawn(shape[1], seed=5), drawn(shape[1], seed=6)
    wanted = activated(x.astype("f8") * a + b, activation)
    np.testing.assert_allclose(each_isa.batch_norm_infer(x, a, b, activation), wanted, rtol=1e-5, atol=2e-6)


def calls(native: Any, activation: int) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """The activation alone, and its way back."""
    if activation in (GELU, GELU_TANH):
        form = activation == GELU_TANH
        return lambda x: native.gelu(x, form), lambda g, x: native.gelu_backward(g, x, form)
    pair = (native.relu, native.relu_backward) if activation == RELU else (native.silu, native.silu_backward)
    return pair


@pytest.mark.parametrize("activation", ACTIVATIONS[1:])
def test_activations_on_a_fine_grid(each_isa: Any, activation: int) -> None:
    forward, backward = calls(each_isa, activation)
    x = np.linspace(-15, 15, 300_001).astype("f4")
    scale = np.maximum(1, np.abs(x))  # y is about x times a share: the share is good to 3e-7
    assert np.abs((forward(x) - activated(x, activation)) / scale).max() < 3e-7
    assert np.abs(backward(np.ones_like(x), x) - slope(x, activation)).max() < 1.5e-6


def test_the_tail_keeps_its_relative_accuracy(each_isa: Any) -> None:
    x = np.linspace(-9, -1, 1001).astype("f4")
    exact = np.array([v * math.erfc(-v / math.sqrt(2)) / 2 for v in x.astype("f8")])
    np.testing.assert_allclose(each_isa.gelu(x, False), exact, rtol=6e-6)


@pytest.mark.parametrize("activation", ACTIVATIONS[1:])
def test_extremes(each_isa: Any, activation: int) -> None:
    forward, backward = calls(each_isa, activation)
    x = np.array([0.0, 100.0, 1e30, -100.0, -1e30, np.inf, np.nan], "f4")
    np.testing.assert_array_equal(forward(x), np.array([0, 100, 1e30, 0, 0, np.inf, np.nan], "f4"))
    found = backward(np.full_like(x[1:5], 3), x[1:5])
    np.testing.assert_array_equal(found, np.array([3, 3, 0, 0], "f4"))


@pytest.mark.parametrize("activation", ACTIVATIONS[1:])
@pytest.mark.parametrize("shape", [(), (0,), (1,), (7,), (3, 0, 2), (5, 3, 7), (40_000,)])
def test_any_shape(each_isa: Any, activation: int, shape: tuple[int, ...]) -> None:
    forward, backward = calls(each_isa, activation)
    x, g = np.asarray(drawn(*shape)), np.asarray(drawn(*shape, seed=2))
    kept = x.copy()
    y, dx = forward(x), backward(g, x)
    assert y.shape == dx.shape == x.shape and y.dtype == dx.dtype == np.float32
    np.testing.assert_allclose(y, activated(x, activation), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(dx, g * slope(x, activation), rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(x, kept)


def test_threads_change_no_bit(each_isa: Any) -> None:
    x, g = drawn(3001, 24) + 3, drawn(3001, 24, seed=2)
    gamma, beta = drawn(24, seed=3), drawn(24, seed=4)

    def everything(threads: int) -> list[np.ndarray]:
        each_isa.set_threads(threads)
        found = []
        for activation in ACTIVATIONS:
            y, mean, var = each_isa.batch_norm_train(x, gamma, beta, 1e-3, activation)
            found += [y, mean, var, each_isa.batch_norm_infer(x, gamma, beta, activation)]
            found += each_isa.batch_norm_backward(g, x, gamma, beta, mean, var, 1e-3, activation)
            if activation != LINEAR:
                forward, backward = calls(each_isa, activation)
                found += [forward(x), backward(g, x)]
        return found

    for one, two, four in zip(everything(1), everything(2), everything(4), strict=True):
        np.testing.assert_array_equal(one, two)
        np.testing.assert_array_equal(one, four)


def test_misfits(native: Any) -> None:
    x, vector = drawn(8, 6), np.abs(drawn(6))
    for other in (x.astype("f8"), x[:, ::2], np.asfortranarray(x), x.tolist(), None, 1.0):
        for activation in ACTIVATIONS[1:]:
            forward, backward = calls(native, activation)
            assert forward(other) is NotImplemented
            assert backward(other, x) is NotImplemented
            assert backward(x, other) is NotImplemented
    assert native.silu_backward(x, drawn(6, 8)) is NotImplemented
    for number in (2, 3, 7, -1):
        with pytest.raises(ArgumentError, match=r"Expected the activation 0, 1, 4, 5 or 6\. Received"):
            native.batch_norm_train(x, None, None, 1e-3, number)
        with pytest.raises(ArgumentError, match="Expected the activation"):
            native.batch_norm_backward(x, x, None, None, vector, vector, 1e-3, number)
        with pytest.raises(ArgumentError, match="Expected the activation"):
            native.batch_norm_infer(x, vector, vector, number)
    assert native.batch_norm_backward(x, x, vector, drawn(5), vector, vector, 1e-3, 1) is NotImplemented
    assert native.batch_norm_infer(x, vector[:5].copy(), vector, 0) is NotImplemented
