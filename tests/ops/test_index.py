"""Reading and writing at places: against naive loops, also where places repeat or do not exist."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurona import ops
from neurona.errors import ArgumentError, DTypeError
from neurona.gradient_check import gradcheck
from neurona.ops.index import add_at_rows
from neurona.tape import Tape
from neurona.tensor import Tensor


@settings(max_examples=30, deadline=None, derandomize=True)
@given(st.lists(st.integers(0, 4), max_size=12), st.integers(0, 3))
def test_add_at_rows_is_the_loop(places: list[int], width: int) -> None:
    values = np.random.default_rng(0).standard_normal((len(places), width))
    wanted = np.zeros((5, width))
    for place, value in zip(places, values, strict=True):
        wanted[place] += value
    got = add_at_rows(5, np.array(places, "int64"), values)
    np.testing.assert_allclose(got, wanted, atol=1e-12)


def test_take_one_row_often() -> None:
    table = Tensor(np.arange(6.0).reshape(3, 2))
    with Tape() as tape:
        tape.watch(table)
        y = ops.take(table, [[1, 1], [-2, 0]], axis=0)
    assert y.tolist() == [[[2, 3], [2, 3]], [[2, 3], [0, 1]]]
    assert tape.gradient(y, table).tolist() == [[1, 1], [3, 3], [0, 0]]


def test_take_along_a_middle_axis() -> None:
    x = np.random.default_rng(0).standard_normal((2, 3, 4))
    i = np.array([2, 0])
    np.testing.assert_array_equal(ops.take(x, i, axis=1).numpy(), x[:, [2, 0], :])
    gradcheck(lambda t: ops.take(t, i, axis=1), x)


def test_take_outside_is_told() -> None:
    with pytest.raises(ArgumentError, match=r"from -3 to 2\. Received: indices from 0 to 3"):
        ops.take([1.0, 2.0, 3.0], [0, 3])
    with pytest.raises(DTypeError, match="expected integers"):
        ops.take([1.0, 2.0, 3.0], [0.5])


def test_take_along_axis_broadcasts_and_adds_up() -> None:
    x = np.random.default_rng(0).standard_normal((3, 4))
    gradcheck(lambda t: ops.take_along_axis(t, np.array([[1, 1, 3]]), axis=1), x)
    gradcheck(lambda t: ops.take_along_axis(t, np.array([[0], [0]]), axis=0), x[:, :1])
    assert ops.take_along_axis(x, [2, 5]).numpy().tolist() == [x[0, 2], x[1, 1]]


def test_scatter_adds_and_scatter_update_replaces() -> None:
    places = [[0, 1], [2, 0], [0, 1]]
    assert ops.scatter(places, [1.0, 2.0, 4.0], (3, 2)).tolist() == [[0, 5], [0, 0], [2, 0]]
    assert ops.scatter_update(np.ones((3, 2)), places, [1.0, 2.0, 4.0]).tolist() == [[1, 4], [1, 1], [2, 1]]


@pytest.mark.parametrize(("reduction", "wanted"), [("add", 8.0), ("max", 4.0), ("min", 1.0), ("mul", 12.0)])
def test_scatter_update_combines(reduction: str, wanted: float) -> None:
    got = ops.scatter_update([3.0, 7.0], [[0], [0]], [1.0, 4.0], reduction=reduction)
    assert got.tolist() == [wanted, 7.0]


def test_scatter_update_leaves_its_input() -> None:
    x = np.ones(3)
    ops.scatter_update(x, [[0]], [5.0])
    assert x.tolist() == [1, 1, 1]


def test_one_hot_and_multi_hot() -> None:
    assert ops.one_hot([1, -1, 9], 2).tolist() == [[0, 1], [0, 0], [0, 0]]
    assert ops.one_hot([1, 0], 2, axis=0, dtype="int32").tolist() == [[0, 1], [1, 0]]
    assert ops.multi_hot([[0, 2], [1, 1]], 3).tolist() == [[1, 0, 1], [0, 1, 0]]
    assert ops.multi_hot([0, 2], num_tokens=3).tolist() == [1, 0, 1]


def test_segments() -> None:
    rows = [[1.0, 2.0], [3.0, 4.0], [5.0, 1.0]]
    assert ops.segment_sum(rows, [0, 2, 0]).tolist() == [[6, 3], [0, 0], [3, 4]]
    assert ops.segment_sum(rows, [0, -1, 0]).tolist() == [[6, 3]]
    assert ops.segment_max(rows, [0, 1, 0]).tolist() == [[5, 2], [3, 4]]
    lowest = ops.segment_max(np.array([3], "int32"), [1]).tolist()[0]
    assert lowest == np.iinfo("int32").min


def test_bincount_by_rows_and_weights() -> None:
    assert ops.bincount([[1, 3, 1], [0, 0, 2]]).tolist() == [[0, 2, 0, 1], [2, 0, 1, 0]]
    assert ops.bincount([1, 3, 1], weights=[0.5, 1.0, 2.0]).tolist() == [0, 2.5, 0, 1]
    assert ops.bincount(np.zeros(0, "int32"), minlength=2).tolist() == [0, 0]


def test_searchsorted_digitize_nonzero() -> None:
    assert ops.searchsorted([1.0, 2.0, 3.0], [2.0, 9.0], side="right").tolist() == [2, 3]
    assert ops.digitize([[0.0, 1.0], [1.5, 2.0]], [1.0, 2.0]).tolist() == [[0, 1], [1, 2]]
    rows, columns = ops.nonzero([[0, 3], [4, 0]])
    assert (rows.tolist(), columns.tolist(), rows.dtype.name) == ([0, 1], [1, 0], "int32")
