"""Pooling against naive loops over windows, in float64: forward, backward, every odd size, NaN, ties."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurona import kernels

Ints = tuple[int, ...]


def drawn(*shape: int, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def windows(space: Ints, size: Ints, strides: Ints, pads: Ints) -> Any:
    """For each window: its place among the windows, and its places in the picture with their number within it."""
    out = [(n + pads[2 * i] + pads[2 * i + 1] - size[i]) // strides[i] + 1 for i, n in enumerate(space)]
    for o in itertools.product(*map(range, out)):
        places = []
        for number, a in enumerate(itertools.product(*map(range, size))):
            at = tuple(o[i] * strides[i] - pads[2 * i] + a[i] for i in range(3))
            if all(0 <= at[i] < space[i] for i in range(3)):
                places.append((number, at))
        yield tuple(out), o, places


def naive(x: np.ndarray, size: Ints, strides: Ints, pads: Ints, g: np.ndarray | None = None) -> dict[str, np.ndarray]:
    """What all four functions should give, one number at a time; g None: ones."""
    space, wide = x.shape[1:4], x.astype("f8")
    listed = list(windows(space, size, strides, pads))
    shape = (x.shape[0], *listed[0][0], x.shape[4])
    top, where, mean = np.zeros(shape), np.zeros(shape, "int32"), np.zeros(shape)
    g = np.ones(shape) if g is None else g.astype("f8")
    dmax, dmean = np.zeros(x.shape), np.zeros(x.shape)
    for n, c in itertools.product(range(x.shape[0]), range(x.shape[4])):
        for _, o, places in listed:
            here = (n, *o, c)
            values = [wide[(n, *at, c)] for _, at in places]
            best = int(np.argmax(values))
            top[here], where[here], mean[here] = values[best], places[best][0], np.mean(values)
            dmax[(n, *places[best][1], c)] += g[here]
            for _, at in places:
                dmean[(n, *at, c)] += g[here] / len(places)
    return {"top": top, "where": where, "mean": mean, "dmax": dmax, "dmean": dmean}


def check(native: Any, x: np.ndarray, size: Ints, strides: Ints, pads: Ints) -> None:
    y, where = native.max_pool(x, size, strides, pads)
    g = drawn(*y.shape, seed=2)
    wanted = naive(x, size, strides, pads, g)
    assert y.dtype == np.float32 and where.dtype == np.int32
    np.testing.assert_array_equal(y, wanted["top"])
    np.testing.assert_array_equal(where, wanted["where"])
    space = x.shape[1:4]
    near = {"rtol": 1e-5, "atol": 1e-6}
    np.testing.assert_allclose(native.average_pool(x, size, strides, pads), wanted["mean"], **near)
    np.testing.assert_allclose(native.max_pool_backward(g, where, space, size, strides, pads), wanted["dmax"], **near)
    np.testing.assert_allclose(native.average_pool_backward(g, space, size, strides, pads), wanted["dmean"], **near)


NONE = (0,) * 6
CASES = [
    ((2, 1, 4, 4, 3), (1, 2, 2), (1, 2, 2), NONE),
    ((1, 1, 5, 7, 8), (1, 2, 2), (1, 2, 2), NONE),  # odd edges are dropped
    ((1, 1, 3, 2, 37), (1, 2, 2), (1, 2, 2), NONE),
    ((1, 2, 4, 4, 5), (1, 2, 2), (1, 2, 2), NONE),
    ((1, 1, 5, 5, 33), (1, 3, 3), (1, 2, 2), (0, 0, 1, 1, 1, 1)),  # windows overlap
    ((1, 1, 4, 4, 1), (1, 2, 2), (1, 2, 2), (0, 0, 1, 1, 0, 1)),
    ((1, 4, 5, 3, 9), (2, 3, 2), (1, 2, 2), (1, 0, 0, 2, 1, 1)),
    ((1, 1, 9, 9, 16), (1, 2, 2), (1, 4, 3), NONE),  # gaps between windows
    ((2, 3, 4, 5, 20), (3, 4, 5), (1, 1, 1), NONE),  # everything in one window
    ((1, 1, 1, 6, 65), (1, 1, 3), (1, 1, 1), (0, 0, 0, 0, 1, 1)),
    ((1, 1, 3, 3, 4), (1, 1, 1), (1, 1, 1), NONE),
]


@pytest.mark.parametrize(("shape", "size", "strides", "pads"), CASES)
def test_against_loops(each_isa: Any, shape: Ints, size: Ints, strides: Ints, pads: Ints) -> None:
    check(each_isa, drawn(*shape), size, strides, pads)


@st.composite
def problems(draw: st.DrawFn) -> tuple[np.ndarray, Ints, Ints, Ints]:
    size = tuple(draw(st.integers(1, 3)) for _ in range(3))
    strides = tuple(draw(st.integers(1, 3)) for _ in range(3))
    pads = tuple(draw(st.integers(0, size[i // 2] - 1)) for i in range(6))
    space = tuple(draw(st.integers(max(1, size[i] - pads[2 * i] - pads[2 * i + 1]), 5)) for i in range(3))
    shape = (draw(st.integers(1, 2)), *space, draw(st.integers(1, 40)))
    few = draw(st.booleans())  # few different numbers: many ties
    x = np.round(drawn(*shape)) if few else drawn(*shape)
    return x, size, strides, pads


@pytest.mark.skipif(kernels.native is None, reason="no compiled kernels on this machine")
@settings(max_examples=60, deadline=None, derandomize=True)
@given(problem=problems())
def test_drawn_windows(problem: tuple[np.ndarray, Ints, Ints, Ints]) -> None:
    check(kernels.native, *problem)


@pytest.mark.parametrize("channels", [1, 3, 16, 40])
@pytest.mark.parametrize(("size", "strides"), [((1, 2, 2), (1, 2, 2)), ((1, 3, 3), (1, 2, 2))])
def test_nan_is_the_largest_and_infinities_are_numbers(each_isa: Any, channels: int, size: Ints, strides: Ints) -> None:
    x = drawn(1, 1, 7, 7, channels)
    x[0, 0, 1, 1], x[0, 0, 0, 1], x[0, 0, 4, 4] = np.nan, np.inf, np.nan
    x[0, 0, 2:4, :2] = -np.inf
    y, where = each_isa.max_pool(x, size, strides, NONE)
    wanted = naive(x, size, strides, NONE)
    np.testing.assert_array_equal(y, wanted["top"])
    np.testing.assert_array_equal(where, wanted["where"])


def test_nothing_finite_in_a_window_has_its_first_place(each_isa: Any) -> None:
    x = np.full((1, 1, 2, 2, 20), -np.inf, "f4")
    y, where = each_isa.max_pool(x, (1, 2, 2), (1, 1, 1), (0, 0, 1, 0, 1, 0))
    assert (y == -np.inf).all()
    np.testing.assert_array_equal(where[0, 0, :, :, 0], [[3, 2], [1, 0]])  # never in the padding


def test_empty_pictures(each_isa: Any) -> None:
    for shape in ((0, 1, 4, 4, 3), (2, 1, 4, 4, 0)):
        x = np.zeros(shape, "f4")
        y, where = each_isa.max_pool(x, (1, 2, 2), (1, 2, 2), NONE)
        assert y.shape == where.shape == (shape[0], 1, 2, 2, shape[4])
        assert each_isa.max_pool_backward(y, where, (1, 4, 4), (1, 2, 2), (1, 2, 2), NONE).shape == shape
        assert each_isa.average_pool(x, (1, 4, 4), (1, 1, 1), NONE).shape == (shape[0], 1, 1, 1, shape[4])


def test_large_means_keep_their_digits(each_isa: Any) -> None:
    x = drawn(2, 1, 100, 100, 24) + np.float32(100)
    got = each_isa.average_pool(x, (1, 100, 100), (1, 1, 1), NONE)
    np.testing.assert_allclose(got, x.astype("f8").mean(axis=(1, 2, 3), keepdims=True), rtol=1e-6)


def test_threads_change_no_bit(each_isa: Any) -> None:
    x = drawn(6, 2, 33, 31, 20)

    def everything(threads: int) -> list[np.ndarray]:
        each_isa.set_threads(threads)
        found = []
        for size, strides, pads in (
            ((1, 2, 2), (1, 2, 2), NONE),
            ((2, 3, 3), (1, 2, 1), (1, 0, 1, 1, 2, 0)),
        ):
            y, where = each_isa.max_pool(x, size, strides, pads)
            rest = (x.shape[1:4], size, strides, pads)
            found += [y, where, each_isa.max_pool_backward(y, where, *rest)]
            found += [each_isa.average_pool(x, size, strides, pads), each_isa.average_pool_backward(y, *rest)]
        return found

    for one, two, four in zip(everything(1), everything(2), everything(4), strict=True):
        np.testing.assert_array_equal(one, two)
        np.testing.assert_array_equal(one, four)


def test_misfits_are_handed_back(native: Any) -> None:
    x = drawn(1, 1, 4, 4, 8)
    fit = ((1, 2, 2), (1, 2, 2), NONE)
    y, where = native.max_pool(x, *fit)
    wrong = [
        ((1, 2), (1, 2, 2), NONE),
        ([1, 2, 2], (1, 2, 2), NONE),
        ((1, 2.0, 2), (1, 2, 2), NONE),
        ((1, 0, 2), (1, 2, 2), NONE),
        ((1, 2, 2), (1, 0, 2), NONE),
        ((1, 2, 2), (1, 2, 2), (0, 0, 2, 0, 0, 0)),  # a window of padding alone
        ((1, 2, 2), (1, 2, 2), (0, 0, 0, -1, 0, 0)),
        ((1, 5, 2), (1, 2, 2), NONE),
        ((1, 2**70, 2), (1, 2, 2), NONE),
        ((1, 10**9, 10**9), (1, 2, 2), NONE),
    ]
    for arguments in wrong:
        assert native.max_pool(x, *arguments) is NotImplemented
        assert native.average_pool(x, *arguments) is NotImplemented
        assert native.max_pool_backward(y, where, (1, 4, 4), *arguments) is NotImplemented
        assert native.average_pool_backward(y, (1, 4, 4), *arguments) is NotImplemented
    for other in (x[0], x.astype("f8"), np.asfortranarray(x), x[..., ::2], None):
        assert native.max_pool(other, *fit) is NotImplemented
        assert native.average_pool(other, *fit) is NotImplemented
        assert native.max_pool_backward(other, where, (1, 4, 4), *fit) is NotImplemented
        assert native.average_pool_backward(other, (1, 4, 4), *fit) is NotImplemented
    for other in (where.astype("i8"), where.astype("f4"), where[:, :, :1], where.astype("u4"), None):
        assert native.max_pool_backward(y, other, (1, 4, 4), *fit) is NotImplemented
    assert native.max_pool_backward(y, where, (1, 9, 4), *fit) is NotImplemented
    assert native.average_pool_backward(y, (4, 4), *fit) is NotImplemented
    with pytest.raises(TypeError, match="max_pool expects 4 arguments"):
        native.max_pool(x, (1, 2, 2))
