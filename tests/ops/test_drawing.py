"""Ops on placeholders where stand-ins cannot tell what will come."""

from __future__ import annotations

import numpy as np
import pytest

import neurona as keras
from neurona import KerasTensor, ops
from neurona.errors import ArgumentError, ShapeError


def test_how_many_numbers_are_not_zero_is_open() -> None:
    rows, columns = ops.nonzero(KerasTensor((2, 3)))
    assert rows.shape == columns.shape == (None,) and rows.dtype == "int32"
    assert [places.shape for places in ops.where(KerasTensor((2, 3), "bool"))] == [(None,), (None,)]
    assert ops.where(KerasTensor((2, 3), "bool"), 1.0, KerasTensor((3,))).shape == (2, 3)


def test_how_many_segments_there_are_is_open() -> None:
    data, ids = KerasTensor((5, 4)), KerasTensor((5,), "int32")
    assert ops.segment_sum(data, ids).shape == ops.segment_max(data, ids).shape == (None, 4)
    assert ops.segment_sum(data, ids, num_segments=3).shape == (3, 4)
    assert ops.segment_sum(data, np.array([0, 0, 1, 1, 2])).shape == (3, 4)


def test_open_axes_are_not_squeezed_or_taken_apart_by_chance() -> None:
    assert ops.squeeze(KerasTensor((None, 1, 3))).shape == (None, 3)
    with pytest.raises(ShapeError, match="axes of length 1"):
        ops.squeeze(KerasTensor((None, 1)), axis=0)
    assert [part.shape for part in ops.unstack(KerasTensor((2, None, 4)), num=3, axis=1)] == [(2, 4)] * 3
    with pytest.raises(ShapeError, match="Cannot infer argument `num` from shape"):
        ops.unstack(KerasTensor((None, 2)))
    assert ops.diag(KerasTensor((None, 3)), k=3).shape == (None,)


def test_blocks_at_symbolic_places() -> None:
    places = KerasTensor((2,), "int32")
    assert ops.slice_update(KerasTensor((4, 5)), places, KerasTensor((2, 2))).shape == (4, 5)
    assert ops.slice(KerasTensor((4, 5)), places, (2, 3)).shape == (2, 3)


def test_pictures_of_open_size_are_cropped_to_what_is_asked_for() -> None:
    cropped = ops.image.crop_images(KerasTensor((None, None, 3)), 2, 3, target_height=10, target_width=20)
    assert cropped.shape == (10, 20, 3)


def test_choices_and_loops_are_drawn() -> None:
    flag = KerasTensor((), "bool")
    assert ops.cond(flag, lambda: ops.ones((3,)), lambda: ops.zeros((3,))).shape == (3,)
    with pytest.raises(ArgumentError, match="same kind"):
        ops.cond(flag, lambda: ops.ones((3,)), lambda: ops.zeros((4,)))
    looped = ops.while_loop(lambda x, n: n < 3, lambda x, n: (x * 2, n + 1), (KerasTensor((None, 2)), 0))
    assert looped[0].shape == (None, 2) and looped[1].dtype == "int32"
    assert ops.switch(KerasTensor((), "int32"), [ops.sum, ops.max], KerasTensor((None, 2))).shape == ()


def test_loops_run_within_a_model() -> None:
    inputs = keras.Input((2,))
    (doubled,) = ops.while_loop(lambda x: ops.max(x) < 8.0, lambda x: (x * 2.0,), (inputs,))
    model = keras.Model(inputs, ops.fori_loop(0, 2, lambda i, x: x + 1.0, doubled))
    np.testing.assert_array_equal(model(np.array([[1.0, 3.0]])), [[6.0, 14.0]])


def test_choices_run_within_a_model() -> None:
    inputs = keras.Input((1,))
    chosen = ops.cond(ops.max(inputs) > 1.0, lambda: ops.ones((2,)), lambda: ops.zeros((2,)))
    model = keras.Model(inputs, chosen)
    np.testing.assert_array_equal(model(np.array([[2.0]])), [1.0, 1.0])
    np.testing.assert_array_equal(model(np.array([[0.5]])), [0.0, 0.0])


def test_a_symbolic_tensor_knows_the_call_that_made_it() -> None:
    dense = keras.layers.Dense(2)
    first, second = dense(keras.Input((3,))), dense(keras.Input((3,)))
    assert first._keras_history[1:] == (0, 0) and second._keras_history.node_index == 1
    assert second._keras_history.operation is dense
    assert not hasattr(KerasTensor((2,)), "_keras_history")


def test_symbolic_tensors_have_axes_and_no_values() -> None:
    with pytest.raises(ArgumentError, match="shape is a tuple"):
        KerasTensor(3)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="no values yet"):
        ops.convert_to_numpy(KerasTensor((2,)))
