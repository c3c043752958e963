"""Order: ties keep theirs, and every variant agrees with Python's own `sorted`."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurona import ops
from neurona.errors import ArgumentError


@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.lists(st.integers(-3, 3), min_size=1, max_size=9), st.data())
def test_sort_argsort_top_k_with_ties(numbers: list[int], data: st.DataObject) -> None:
    x = np.array(numbers, "int32")
    order = sorted(range(len(numbers)), key=lambda i: numbers[i])
    assert ops.sort(x).tolist() == sorted(numbers)
    assert ops.argsort(x).tolist() == order
    k = data.draw(st.integers(0, len(numbers)))
    values, places = ops.top_k(x, k)
    falling = sorted(range(len(numbers)), key=lambda i: -numbers[i])[:k]
    assert places.tolist() == falling
    assert values.tolist() == [numbers[i] for i in falling]


def test_axes() -> None:
    x = [[3.0, 1.0], [2.0, 4.0]]
    assert ops.sort(x, axis=0).tolist() == [[2, 1], [3, 4]]
    assert ops.sort(x, axis=None).tolist() == [1, 2, 3, 4]
    assert ops.argsort(x, axis=None).tolist() == [1, 2, 0, 3]


def test_argpartition_splits() -> None:
    x = np.random.default_rng(0).permutation(9)
    y = x[ops.argpartition(x, 4).numpy()]
    assert y[4] == 4
    assert (y[:4] < 4).all()
    assert (y[5:] > 4).all()


def test_in_top_k_with_ties_and_strange_targets() -> None:
    rows = [[1.0, 1.0, 0.0], [1.0, 1.0, 0.0], [np.nan, 1.0, 0.0], [1.0, 2.0, 3.0]]
    assert ops.in_top_k([0, 1, 0, 7], rows, k=1).tolist() == [True, True, False, False]


def test_unique() -> None:
    values, index, inverse, counts = ops.unique(
        [3, 1, 3, 2], return_index=True, return_inverse=True, return_counts=True
    )
    assert values.tolist() == [1, 2, 3]
    assert index.tolist() == [1, 3, 0]
    assert inverse.tolist() == [2, 0, 2, 1]
    assert counts.tolist() == [1, 1, 2]
    unsorted, back = ops.unique([3, 1, 3, 2], sorted=False, return_inverse=True)
    assert unsorted.tolist() == [3, 1, 2]
    assert back.tolist() == [0, 1, 0, 2]
    assert ops.unique([3, 1], size=4).tolist() == [1, 3, 1, 1]
    assert ops.unique([3, 1, 2], size=2).tolist() == [1, 2]
    assert ops.unique([[1, 2], [1, 2], [0, 5]], axis=0).tolist() == [[0, 5], [1, 2]]


def test_top_k_too_large() -> None:
    with pytest.raises(ArgumentError, match=r"k from 0 to 2\. Received: k=3"):
        ops.top_k([1.0, 2.0], 3)
