"""Pooling: worked by hand, by naive loops, ties, what is padded, and sizes that are sought."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurona import Tensor, ops, value_and_grad
from neurona.errors import ShapeError
from neurona.ops import fused
from neurona.ops.windows import conv_output_lengths, pads_for
from neurona.symbolic import KerasTensor


def naive_windows(x: np.ndarray, size: Any, strides: Any, pads: Any) -> list[tuple[tuple[int, ...], np.ndarray]]:
    """Each place of the result and the numbers of x under its window, as (count, C) of the first sample."""
    out = [(n + sum(p) - k) // s + 1 for n, k, s, p in zip(x.shape[1:-1], size, strides, pads, strict=True)]
    found = []
    for place in np.ndindex(*out):
        starts = [i * s - p[0] for i, s, p in zip(place, strides, pads, strict=True)]
        window = tuple(slice(max(0, a), max(0, a + k)) for a, k in zip(starts, size, strict=True))
        found.append((place, x[(0, *window)].reshape(-1, x.shape[-1])))
    return found


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.data())
def test_pools_are_the_naive_loops(data: st.DataObject) -> None:
    rank = data.draw(st.integers(1, 3))

    def numbers(low: int, high: int) -> tuple[int, ...]:
        return tuple(data.draw(st.integers(low, high)) for _ in range(rank))

    space, size, strides = numbers(3, 7), numbers(1, 3), numbers(1, 3)
    pads = tuple((data.draw(st.integers(0, k - 1)), data.draw(st.integers(0, k - 1))) for k in size)
    x = np.random.default_rng(0).standard_normal((1, *space, 2))
    largest, _ = fused.max_pool_places(x, size=size, strides=strides, pads=pads)
    mean = fused.average_pool_raw(x, size=size, strides=strides, pads=pads)
    for place, window in naive_windows(x, size, strides, pads):
        np.testing.assert_array_equal(largest.numpy()[(0, *place)], window.max(axis=0))
        np.testing.assert_allclose(mean.numpy()[(0, *place)], window.mean(axis=0), atol=1e-12)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.lists(st.tuples(st.integers(1, 9), st.integers(1, 6)), min_size=1, max_size=3))
def test_adaptive_pools_are_the_naive_loops(axes: list[tuple[int, int]]) -> None:
    space, sizes = zip(*axes, strict=True)
    x = np.random.default_rng(0).standard_normal((2, *space, 2))
    largest, mean = ops.adaptive_max_pool(x, sizes).numpy(), ops.adaptive_average_pool(x, sizes).numpy()
    assert largest.shape == mean.shape == (2, *sizes, 2)
    for place in np.ndindex(*sizes):
        window = tuple(slice(i * n // m, math.ceil((i + 1) * n / m)) for i, (n, m) in zip(place, axes, strict=True))
        seen = x[(slice(None), *window)].reshape(2, -1, 2)
        np.testing.assert_array_equal(largest[(slice(None), *place)], seen.max(axis=1))
        np.testing.assert_allclose(mean[(slice(None), *place)], seen.mean(axis=1), atol=1e-12)


@pytest.mark.parametrize("name", ["max_pool", "adaptive_max_pool"])
@pytest.mark.parametrize("length", [4, 5])
def test_of_equal_numbers_the_first_takes_the_gradient(name: str, length: int) -> None:
    pool = getattr(ops, name)
    _, slope = value_and_grad(lambda x: ops.sum(pool(x, 2)))(np.zeros((1, length, 4, 1)))
    rows = 2 if name == "max_pool" or length == 4 else None
    if rows is None:  # windows of three rows that share the middle one
        assert slope.numpy()[0, :, :, 0].tolist() == [[1, 0, 1, 0], [0] * 4, [1, 0, 1, 0], [0] * 4, [0] * 4]
    else:
        assert slope.numpy()[0, :4, :, 0].tolist() == [[1, 0, 1, 0], [0] * 4] * 2
    assert slope.numpy().sum() == 4


def test_overlapping_windows_add_their_gradients() -> None:
    _, slope = value_and_grad(lambda x: ops.sum(ops.max_pool(x, 2, strides=1)))(np.array([[[1.0], [3.0], [2.0]]]))
    assert slope.numpy().ravel().tolist() == [0, 2, 0]


def test_padding_is_never_the_largest_and_not_counted() -> None:
    x = np.full((1, 3, 3, 1), -2.0)
    assert ops.max_pool(x, 2, padding="same").numpy().ravel().tolist() == [-2.0] * 4
    assert ops.average_pool(x, 2, padding="same").numpy().ravel().tolist() == [-2.0] * 4


def test_where_counts_row_by_row() -> None:
    x = np.zeros((1, 2, 3, 1))
    x[0, 1, 0] = 1
    _, where = fused.max_pool_places(x, size=(2, 3), strides=(2, 3), pads=((0, 0), (0, 0)))
    assert where.dtype == "int32"
    assert where.numpy().ravel().tolist() == [3]


def test_lowest_numbers_and_infinities() -> None:
    x = np.array([-np.inf, -np.inf, np.inf, 1.0]).reshape(1, 4, 1)
    assert ops.max_pool(x, 2).numpy().ravel().tolist() == [-np.inf, np.inf]


def test_placeholders() -> None:
    def hold(*shape: int | None) -> KerasTensor:
        return KerasTensor(shape)

    assert ops.max_pool(hold(None, None, 7, 3), 2).shape == (None, None, 3, 3)
    assert ops.average_pool(hold(None, 3, 7, 8), 2, 1, "same", "channels_first").shape == (None, 3, 7, 8)
    assert ops.adaptive_max_pool(hold(None, None, None, 3), (2, 3)).shape == (None, 2, 3, 3)
    assert ops.adaptive_average_pool(hold(None, 3, None), 4, "channels_first").shape == (None, 3, 4)
    with pytest.raises(ShapeError, match="zero or negative"):
        ops.max_pool(hold(None, 1, 7, 3), 2)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.integers(1, 12), st.integers(1, 5), st.integers(1, 5), st.integers(1, 3))
def test_same_pads_just_enough_and_the_larger_half_last(n: int, k: int, s: int, d: int) -> None:
    ((before, after),) = pads_for("same", (n,), (k,), (s,), (d,))
    (length,) = conv_output_lengths((n,), (k,), (s,), "same", (d,))
    reach = (length - 1) * s + d * (k - 1) + 1
    assert length == math.ceil(n / s)
    assert before + after == max(reach - n, 0)
    assert after - before in (0, 1)


def test_a_tuple_of_one_stands_for_all_axes() -> None:
    x = Tensor(np.arange(16.0).reshape(1, 4, 4, 1))
    assert ops.max_pool(x, (2,), (2,)).numpy().ravel().tolist() == [5, 7, 13, 15]


@pytest.mark.parametrize("seed", range(6))
def test_places_of_what_no_comparison_finds(seed: int) -> None:
    """The first NaN of a window is its largest number; where all is -inf the place is one within the picture."""
    rng = np.random.default_rng(seed)
    x = rng.integers(-2, 3, (2, 5, 6, 9)).astype("float32")
    x[rng.random(x.shape) < 0.15] = np.nan
    x[rng.random(x.shape) < 0.3] = -np.inf
    x[1, :3, :, 0] = -np.inf
    size, strides, pads = (3, 2), (1 + seed % 2, 2), ((2, 1), (1, 0))
    settings_of: Any = {"size": size, "strides": strides, "pads": pads}
    y, where = fused.max_pool_places.reference(x, **settings_of)
    for (i, j), _ in naive_windows(x, size, strides, pads):
        places = [(a, b) for a in range(3) for b in range(2)
                  if 0 <= i * strides[0] - 2 + a < 5 and 0 <= j * strides[1] - 1 + b < 6]  # fmt: skip
        numbers = np.stack([x[:, i * strides[0] - 2 + a, j * strides[1] - 1 + b] for a, b in places])
        first = np.argmax(numbers, axis=0)  # NumPy's, too, is the first NaN
        np.testing.assert_array_equal(where[:, i, j], np.array([2 * a + b for a, b in places])[first])
        np.testing.assert_array_equal(y[:, i, j], numbers.max(axis=0))
    found = fused.max_pool_places(x, **settings_of)  # the kernel, where there is one
    np.testing.assert_array_equal(found[0].numpy(), y)
    np.testing.assert_array_equal(found[1].numpy(), where)
