"""Sums along an axis that is not the last, and the way back, against float64."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurona import kernels

Ints = tuple[int, ...]


def drawn(*shape: int) -> np.ndarray:
    return np.random.default_rng(1).standard_normal(shape).astype(np.float32)


def check(native: Any, shape: Ints) -> None:
    x = drawn(*shape) + np.float32(1)
    wanted = x.astype("f8").sum(axis=1)
    np.testing.assert_allclose(native.sum_rows(x, 1.0), wanted, rtol=1e-6, atol=2e-6 * shape[1] ** 0.5)
    np.testing.assert_allclose(native.sum_rows(x, 0.25), wanted / 4, rtol=1e-6, atol=1e-6 * shape[1] ** 0.5)
    g = np.ascontiguousarray(x[:, 0])
    repeated = np.broadcast_to((g * np.float32(0.5))[:, None], shape)
    np.testing.assert_array_equal(native.repeat_rows(g, shape[1], 0.5), repeated)


@pytest.mark.parametrize(
    "shape", [(1, 1, 1), (3, 5, 8), (1, 70_000, 8), (128, 64, 33), (2, 1000, 300), (1, 9, 5000), (5, 4, 3)]
)
def test_against_float64(each_isa: Any, shape: Ints) -> None:
    check(each_isa, shape)


@pytest.mark.skipif(kernels.native is None, reason="no compiled kernels on this machine")
@settings(max_examples=60, deadline=None, derandomize=True)
@given(shape=st.tuples(st.integers(1, 6), st.integers(1, 600), st.integers(1, 100)))
def test_drawn_sizes(shape: Ints) -> None:
    check(kernels.native, shape)


def test_a_long_sum_keeps_its_digits(each_isa: Any) -> None:
    x = np.full((1, 3_000_000, 8), 0.1, "f4")
    np.testing.assert_allclose(each_isa.sum_rows(x, 1.0), 3_000_000 * float(np.float32(0.1)), rtol=1e-6)


def test_threads_change_no_bit(each_isa: Any) -> None:
    arrays = [drawn(3, 2000, 40), drawn(1, 50_000, 24), drawn(300, 49, 130)]

    def everything(threads: int) -> list[np.ndarray]:
        each_isa.set_threads(threads)
        sums = [each_isa.sum_rows(x, 0.3) for x in arrays]
        return sums + [each_isa.repeat_rows(y, 50, 0.7) for y in sums]

    for one, two, four in zip(everything(1), everything(2), everything(4), strict=True):
        np.testing.assert_array_equal(one, two)
        np.testing.assert_array_equal(one, four)


def test_misfits(native: Any) -> None:
    x, g = drawn(2, 3, 8), drawn(2, 8)
    for other in (x.astype("f8"), x[..., ::2], np.asfortranarray(x), x[0], x.tolist(), None, x[:0], x[:, :0]):
        assert native.sum_rows(other, 1.0) is NotImplemented
    for other in (g.astype("f8"), g[:, ::2], np.asfortranarray(g), g[0], None, g[:0]):
        assert native.repeat_rows(other, 3, 1.0) is NotImplemented
    assert native.repeat_rows(g, 0, 1.0) is NotImplemented
    with pytest.raises(TypeError):
        native.sum_rows(x, "1")
    with pytest.raises(MemoryError):
        native.repeat_rows(g, 2**61, 1.0)
