"""Splits: nothing lost, nothing twice, classes in proportion, the same for the same seed."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurona.datasets import split
from neurona.errors import ArgumentError, DTypeError, ShapeError


@settings(max_examples=80, deadline=None)
@given(
    labels=st.lists(st.integers(0, 4), min_size=1, max_size=60),
    share=st.floats(0, 0.99),
    seed=st.integers(0, 2**32),
    stratified=st.booleans(),
)
def test_a_split_is_a_partition(labels, share, seed, stratified):
    x, y = np.arange(len(labels)), np.array(labels)
    part = split(x, y, share, seed, stratified=stratified)
    assert len(part.x_val) == min(round(share * len(x)), len(x) - 1)
    assert sorted([*part.x_train, *part.x_val]) == list(range(len(x)))
    assert np.array_equal(y[part.x_train], part.y_train) and np.array_equal(y[part.x_val], part.y_val)
    again = split(x, y, share, seed, stratified=stratified)
    assert all(np.array_equal(a, b) for a, b in zip(part, again, strict=True))
    if stratified:
        for label in set(labels):
            assert abs((part.y_val == label).sum() - (y == label).sum() * len(part.y_val) / len(y)) <= 1


def test_a_fixed_split_stays_what_it_is():
    """The choice is part of every recorded result: it must not change with a version of anything."""
    y = np.repeat(np.arange(3), 4)
    assert split(np.arange(12), y, 3, seed=7).x_val.tolist() == [3, 6, 11]
    assert split(np.arange(12), y, 3, seed=8).x_val.tolist() != [3, 6, 11]


def test_rows_of_any_shape():
    x, y = np.arange(24).reshape(6, 2, 2), np.eye(6)
    part = split(x, y, 2, stratified=False)
    assert part.x_train.shape == (4, 2, 2) and part.y_val.shape == (2, 6)
    assert split(x, np.zeros(6, int), 0).x_val.shape == (0, 2, 2)


def test_errors_say_what_arrived():
    x, y = np.zeros((4, 2)), np.zeros(4, int)
    with pytest.raises(ShapeError, match=r"Received: shapes \(4, 2\) and \(3,\)"):
        split(x, y[:3])
    for bad in (1.0, -0.1, float("nan")):
        with pytest.raises(ArgumentError, match="expects a share in 0 <= share < 1"):
            split(x, y, bad)
    for bad in (4, -1, True):
        with pytest.raises(ArgumentError, match="fewer than all 4 examples"):
            split(x, y, bad)
    for target in (np.zeros(4), np.eye(4, dtype=int)):
        with pytest.raises(DTypeError, match="stratified=False"):
            split(x, target)


def test_in_order_holds_the_last_ones_out() -> None:
    part = split(np.arange(10), np.arange(10) % 2, 3, in_order=True)
    assert part.x_train.tolist() == list(range(7))
    assert part.x_val.tolist() == [7, 8, 9]
    assert part.y_val.tolist() == [1, 0, 1]
    assert len(split(np.arange(4), np.zeros(4, int), 0, in_order=True).x_val) == 0


def test_a_share_of_nearly_all_leaves_one() -> None:
    part = split(np.arange(1000), np.arange(1000) % 10, 0.99999)
    assert (len(part.x_train), len(part.x_val)) == (1, 999)
