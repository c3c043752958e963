"""The 3 x 3 convolution's kernels against a plain sum in float64: every method, shape, padding, and number of threads."""

from __future__ import annotations

import os
import subprocess
import sys
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurona import kernels
from neurona.errors import ArgumentError

METHODS = [1, 2, 4]
#: Largest error allowed, relative to the output's rms: the transforms of larger tiles amplify rounding.
BOUNDS = {0: 1e-4, 1: 1e-5, 2: 2e-5, 4: 1e-4}
SAME, VALID = (1, 1, 1, 1), (0, 0, 0, 0)
SHAPES = [  # N, H, W, C, F, pads
    (2, 5, 7, 3, 10, SAME),
    (1, 1, 1, 1, 1, SAME),
    (3, 3, 3, 24, 33, SAME),
    (2, 7, 7, 33, 24, SAME),
    (5, 6, 6, 16, 64, VALID),
    (2, 9, 8, 1, 32, VALID),
    (1, 13, 13, 32, 17, VALID),
    (2, 4, 5, 10, 9, (2, 2, 2, 2)),
    (2, 6, 3, 8, 8, (0, 2, 1, 0)),
    (7, 15, 15, 8, 16, SAME),
    (1, 40, 3, 4, 5, (2, 0, 0, 1)),
    (0, 5, 5, 3, 4, SAME),
    (2, 0, 5, 3, 4, SAME),
    (2, 2, 4, 3, 4, VALID),
    (2, 5, 5, 0, 4, SAME),
    (2, 5, 5, 3, 0, SAME),
]


def drawn(seed: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def framed(x: np.ndarray, pads: tuple[int, ...]) -> np.ndarray:
    top, bottom, left, right = pads
    return np.pad(x.astype("f8"), ((0, 0), (top, bottom), (left, right), (0, 0)))


def convolved(x: np.ndarray, kernel: np.ndarray, pads: tuple[int, ...]) -> np.ndarray:
    """Nine shifted products."""
    x = framed(x, pads)
    high, wide = x.shape[1] - 2, x.shape[2] - 2
    y = np.zeros((x.shape[0], high, wide, kernel.shape[3]))
    for i, j in product(range(3), range(3)):
        y += x[:, i : i + high, j : j + wide] @ kernel[i, j].astype("f8")
    return y


def gradients(gz: np.ndarray, x: np.ndarray, kernel: np.ndarray, pads: tuple[int, ...]) -> tuple[np.ndarray, ...]:
    """dx, dkernel, dbias of the plain convolution."""
    padded = framed(x, pads)
    high, wide = gz.shape[1:3]
    dx, dkernel = np.zeros_like(padded), np.zeros(kernel.shape)
    for i, j in product(range(3), range(3)):
        window = (slice(None), slice(i, i + high), slice(j, j + wide))
        dx[window] += gz @ kernel[i, j].astype("f8").T
        dkernel[i, j] = np.einsum("nhwc,nhwf->cf", padded[window], gz)
    dx = dx[:, pads[0] : pads[0] + x.shape[1], pads[2] : pads[2] + x.shape[2]]
    return dx, dkernel, gz.sum(axis=(0, 1, 2))


def windows(z: np.ndarray) -> np.ndarray:
    """(N, H, W, F) -> (N, H // 2, W // 2, 4, F): the 2 x 2 windows, odd edges dropped."""
    n, h, w, f = z.shape
    z = z[:, : h // 2 * 2, : w // 2 * 2].reshape(n, h // 2, 2, w // 2, 2, f)
    return z.transpose(0, 1, 3, 2, 4, 5).reshape(n, h // 2, w // 2, 4, f)


def unpooled(g: np.ndarray, where: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """g at the pixels that won."""
    gz = np.zeros(shape)
    for place in range(4):
        there = (slice(None), slice(place // 2, shape[1] // 2 * 2, 2), slice(place % 2, shape[2] // 2 * 2, 2))
        gz[there] = g * (where == place)
    return gz


def close(got: np.ndarray, wanted: np.ndarray, bound: float) -> None:
    assert got.dtype == np.float32
    assert got.shape == wanted.shape
    if wanted.size:
        rms = float(np.sqrt(np.mean(wanted**2)))
        assert float(np.abs(got - wanted).max()) <= bound * rms + 1e-6 * (rms == 0), np.abs(got - wanted).max() / rms


def check(native: Any, shape: tuple[Any, ...], method: int, relu: bool, pool: bool, has_bias: bool) -> None:
    """Forward and backward of one layer against the oracle."""
    n, h, w, c, f, pads = shape
    x, kernel, bias = drawn(1, n, h, w, c), drawn(2, 3, 3, c, f), drawn(3, f) if has_bias else None
    kept = x.copy(), kernel.copy()
    bound = BOUNDS[method]
    z = convolved(x, kernel, pads) + (0.0 if bias is None else bias)
    result = native.conv3x3(x, kernel, bias, pads, int(relu), pool, method)
    y, where = result if pool else (result, None)
    if pool:
        best = windows(z).max(axis=3)
        scale = float(np.sqrt(np.mean(z**2))) if z.size else 0.0
        assert y.shape == where.shape == best.shape
        assert where.dtype == np.uint8
        assert where.max(initial=0) <= (4 if relu else 3)
        np.testing.assert_allclose(y, np.maximum(best, 0) if relu else best, rtol=0, atol=bound * scale)
        # The place that was told holds the largest, within rounding; place 4 where relu's result is 0.
        told = np.take_along_axis(windows(z), np.minimum(where, 3)[:, :, :, None].astype("i8"), axis=3)[:, :, :, 0]
        np.testing.assert_allclose(np.where(where < 4, told, best), best, rtol=0, atol=2 * bound * scale)
        if relu:
            np.testing.assert_array_equal(where == 4, y == 0)
    else:
        close(y, np.maximum(z, 0) if relu else z, bound)
    g = drawn(4, *y.shape)
    gz = unpooled(g, where, z.shape) if pool else g * (y > 0) if relu else g
    found = native.conv3x3_backward(g, y, where, x, kernel, pads, int(relu), True, True, has_bias, method)
    for got, wanted in zip(found, gradients(np.asarray(gz, "f8"), x, kernel, pads), strict=True):
        if got is not None:
            close(got, wanted, bound)
    assert (found[2] is None) == (not has_bias)
    np.testing.assert_array_equal(x, kept[0])
    np.testing.assert_array_equal(kernel, kept[1])


@pytest.mark.parametrize("method", [0, *METHODS])
@pytest.mark.parametrize(("relu", "pool"), list(product([False, True], repeat=2)))
@pytest.mark.parametrize("shape", SHAPES)
def test_against_a_plain_sum(each_isa: Any, shape: tuple[Any, ...], method: int, relu: bool, pool: bool) -> None:
    check(each_isa, shape, method, relu, pool, has_bias=True)
    check(each_isa, shape, method, relu, pool, has_bias=False)


PADS = st.tuples(*[st.integers(0, 2)] * 4)


@settings(max_examples=150, deadline=None, derandomize=True)
@given(
    st.tuples(st.integers(0, 5), st.integers(0, 14), st.integers(0, 14), st.integers(0, 40), st.integers(0, 40), PADS),
    st.sampled_from(METHODS),
    st.booleans(),
    st.booleans(),
    st.booleans(),
)
def test_any_shape(shape: tuple[Any, ...], method: int, relu: bool, pool: bool, has_bias: bool) -> None:
    if kernels.native is None:
        pytest.skip(f"no compiled kernels: {kernels.info()['why_not']}")
    _, h, w, _, _, pads = shape
    if h + pads[0] + pads[1] < 2 or w + pads[2] + pads[3] < 2:
        x, kernel = drawn(1, *shape[:4]), drawn(2, 3, 3, *shape[3:5])
        assert kernels.native.conv3x3(x, kernel, None, pads, 0, False, method) is NotImplemented
    else:
        check(kernels.native, shape, method, relu, pool, has_bias)


LARGE = [  # several groups of pictures in the backward pass
    (40, 30, 30, 8, 64, SAME),
    (67, 7, 7, 48, 40, SAME),
    (70, 28, 28, 1, 32, VALID),
]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("pool", [False, True])
@pytest.mark.parametrize("shape", LARGE)
def test_threads_never_show(native: Any, shape: tuple[Any, ...], method: int, pool: bool) -> None:
    n, h, w, c, f, pads = shape
    x, kernel, bias = drawn(1, n, h, w, c), drawn(2, 3, 3, c, f), drawn(3, f)
    results = []
    for threads in (1, 2, 3, 7):
        native.set_threads(threads)
        made = native.conv3x3(x, kernel, bias, pads, 1, pool, method)
        y, where = made if pool else (made, None)
        back = native.conv3x3_backward(drawn(4, *y.shape), y, where, x, kernel, pads, 1, True, True, True, method)
        results.append((y, *back) if where is None else (y, where, *back))
    for other in results[1:]:
        for a, b in zip(results[0], other, strict=True):
            np.testing.assert_array_equal(a, b)
    z = convolved(x, kernel, pads) + bias
    gz = drawn(4, *y.shape)
    gz = unpooled(gz, where, z.shape) if pool else gz * (y > 0)
    for got, wanted in zip(back, gradients(np.asarray(gz, "f8"), x, kernel, pads), strict=True):
        close(got, wanted, BOUNDS[method])


@pytest.mark.parametrize("method", [0, *METHODS])
def test_a_picture_does_not_know_its_batch(each_isa: Any, method: int) -> None:
    x, kernel = drawn(1, 9, 7, 7, 20), drawn(2, 3, 3, 20, 24)
    whole = each_isa.conv3x3(x, kernel, None, SAME, 0, False, method)
    for i in (0, 4, 8):
        alone = each_isa.conv3x3(x[i : i + 1].copy(), kernel, None, SAME, 0, False, method)
        np.testing.assert_array_equal(alone[0], whole[i])


@pytest.mark.parametrize("method", METHODS)
def test_error_against_float64(each_isa: Any, method: int) -> None:
    """At a network's own size: largest error over rms."""
    x, kernel = drawn(1, 2, 16, 16, 128), drawn(2, 3, 3, 128, 64)
    wanted = convolved(x, kernel, SAME)
    error = np.abs(each_isa.conv3x3(x, kernel, None, SAME, 0, False, method) - wanted).max()
    assert error / np.sqrt(np.mean(wanted**2)) < {1: 1e-5, 2: 1e-5, 4: 6e-5}[method]


def test_integers_by_hand(each_isa: Any) -> None:
    """Small whole numbers are exact in the direct and the F2 way: 1 ... 9 under a kernel of ones."""
    x = np.arange(1, 10, dtype="f4").reshape(1, 3, 3, 1)
    ones = np.ones((3, 3, 1, 1), "f4")
    for method in (0, 1, 2):
        y = each_isa.conv3x3(x, ones, None, SAME, 0, False, method)
        np.testing.assert_array_equal(y[0, :, :, 0], [[12, 21, 16], [27, 45, 33], [24, 39, 28]])
        pooled, where = each_isa.conv3x3(x, ones, None, SAME, 0, True, method)
        assert pooled.tolist() == [[[[45]]]]
        assert where.tolist() == [[[[3]]]]
        pooled, where = each_isa.conv3x3(-x, ones, None, SAME, 1, True, method)
        assert pooled.tolist() == [[[[0]]]]
        assert where.tolist() == [[[[4]]]]
    tied = each_isa.conv3x3(np.zeros((1, 2, 2, 1), "f4"), ones, None, SAME, 0, True, 1)
    assert tied[1].tolist() == [[[[0]]]]  # the first of equals


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_bad_numbers_pass_through(each_isa: Any, method: int, bad: float) -> None:
    x, kernel = drawn(1, 1, 12, 12, 8), drawn(2, 3, 3, 8, 8)
    x[0, 5, 5, 3] = bad
    for pool in (False, True):
        made = each_isa.conv3x3(x, kernel, None, SAME, 1, pool, method)
        y, where = made if pool else (made, None)
        near = y[0, 2:3, 2:3] if pool else y[0, 4:7, 4:7]
        assert not np.isfinite(near).all()
        back = each_isa.conv3x3_backward(y, y, where, x, kernel, SAME, 0, True, True, True, method)
        assert not np.isfinite(back[2]).all()


def test_only_what_is_needed(native: Any) -> None:
    x, kernel, g = drawn(1, 2, 6, 6, 8), drawn(2, 3, 3, 8, 8), drawn(3, 2, 6, 6, 8)
    whole = native.conv3x3_backward(g, g, None, x, kernel, SAME, 1, True, True, True, 0)
    for needs in product([False, True], repeat=3):
        found = native.conv3x3_backward(g, g, None, x, kernel, SAME, 1, *needs, 0)
        for got, wanted, needed in zip(found, whole, needs, strict=True):
            if needed:
                np.testing.assert_array_equal(got, wanted)
            else:
                assert got is None


def test_misfits_are_handed_back(native: Any) -> None:
    x, kernel, bias = drawn(1, 2, 6, 7, 4), drawn(2, 3, 3, 4, 5), drawn(3, 5)
    y, where = native.conv3x3(x, kernel, bias, SAME, 1, True, 0)
    forward = (x, kernel, bias, SAME, 1, True, 0)
    backward = (drawn(4, *y.shape), y, where, x, kernel, SAME, 1, True, True, True, 0)
    odd = np.zeros(x.nbytes + 1, np.uint8)[1:].view(np.uint8)[: x.nbytes].view(np.float32).reshape(x.shape)
    wrong_x = [
        x.astype("f8"), x.astype(">f4"), x[:, ::2], x[..., ::-1], np.asfortranarray(x), x[0], x.tolist(), odd, None,
        x[..., :3].copy(), drawn(1, 2, 6, 7, 5),
    ]  # fmt: skip
    for wrong in wrong_x:
        assert native.conv3x3(wrong, *forward[1:]) is NotImplemented
        assert native.conv3x3_backward(*backward[:3], wrong, *backward[4:]) is NotImplemented
    for wrong in (kernel.astype("f8"), drawn(1, 3, 1, 4, 5), drawn(1, 1, 3, 4, 5), drawn(1, 5, 5, 4, 5), kernel[None]):
        assert native.conv3x3(x, wrong, *forward[2:]) is NotImplemented
        assert native.conv3x3_backward(*backward[:4], wrong, *backward[5:]) is NotImplemented
    for wrong in (bias.astype("f8"), bias[:-1], 3.0, kernel):
        assert native.conv3x3(x, kernel, wrong, *forward[3:]) is NotImplemented
    for pads in ((3, 0, 0, 0), (0, -1, 0, 0), (1, 1), [1, 1, 1, 1], 1):
        assert native.conv3x3(x, kernel, bias, pads, 1, True, 0) is NotImplemented
        assert native.conv3x3_backward(*backward[:5], pads, *backward[6:]) is NotImplemented
    assert native.conv3x3(x[:, :1].copy(), kernel, bias, VALID, 1, True, 0) is NotImplemented
    for activation in (2, 3, -1):
        assert native.conv3x3(x, kernel, bias, SAME, activation, True, 0) is NotImplemented
    for wrong in (y.astype("f8"), y[:1].copy(), y[..., ::-1], None):
        assert native.conv3x3_backward(wrong, *backward[1:]) is NotImplemented
    for wrong in (where.astype("i4"), where[:1], where[..., ::-1], y):
        assert native.conv3x3_backward(*backward[:2], wrong, *backward[3:]) is NotImplemented
    plain = native.conv3x3(x, kernel, bias, SAME, 1, False, 0)
    for wrong in (y, plain.astype("f8"), None):
        assert native.conv3x3_backward(plain, wrong, None, *backward[3:]) is NotImplemented
    with pytest.raises(ArgumentError, match="method of 0, 1, 2 or 4"):
        native.conv3x3(x, kernel, bias, SAME, 1, True, 3)
    with pytest.raises(TypeError, match="expects 7 arguments"):
        native.conv3x3(x, kernel)
    with pytest.raises(TypeError):
        native.conv3x3(x, kernel, bias, (1, 1, 1, "1"), 1, True, 0)


def test_winograd_can_be_limited(native: Any) -> None:
    x, kernel = drawn(1, 2, 12, 12, 32), drawn(2, 3, 3, 32, 32)
    before = kernels.get_winograd()
    try:
        for tile, method in ((4, 4), (2, 2), (0, 1)):
            kernels.set_winograd(tile)
            assert kernels.get_winograd() == kernels.info()["winograd"] == tile
            np.testing.assert_array_equal(
                native.conv3x3(x, kernel, None, SAME, 0, False, 0),
                native.conv3x3(x, kernel, None, SAME, 0, False, method),
            )
        for wrong in (1, 3, 6, -1, True, "4", 4.0):
            with pytest.raises(ArgumentError, match="Winograd tile of 4, 2 or 0"):
                kernels.set_winograd(wrong)  # type: ignore[arg-type]
    finally:
        kernels.set_winograd(before)


@pytest.mark.parametrize(("value", "good"), [("4", True), ("2", True), ("0", True), ("3", False), ("off", False)])
def test_winograd_from_the_environment(native: Any, value: str, good: bool) -> None:
    kept = {k: v for k, v in os.environ.items() if not k.startswith("NEURONA_")}
    root = str(Path(kernels.__file__).parents[2])
    kept |= {"PYTHONPATH": os.pathsep.join([root, kept.get("PYTHONPATH", "")]), "NEURONA_WINOGRAD": value}
    code = "from neurona import kernels as k; print(k.get_winograd())"
    done = subprocess.run([sys.executable, "-c", code], env=kept, capture_output=True, text=True, timeout=60)
    if good:
        assert done.stdout.strip() == value
    else:
        assert "ArgumentError" in done.stderr
        assert f"Received: '{value}'" in done.stderr
