"""Pooling in windows, over all of space, and to a given size: hand values, formats, masks, and what is refused."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from neurona import Tensor, layers, ops
from neurona.errors import ArgumentError, ShapeError, UnknownNameError
from neurona.symbolic import KerasTensor
from neurona.tape import Tape

COUNT = np.arange(1.0, 13.0, dtype="float32").reshape(1, 3, 4, 1)  # 1 ... 12, row by row


def drawn(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).standard_normal(shape).astype("float32")


def first(array: np.ndarray) -> np.ndarray:
    return np.moveaxis(array, -1, 1)


# -- windows ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("layer", "expected"),
    [
        (layers.MaxPooling2D(), [[6, 8]]),
        (layers.MaxPooling2D(2, 1), [[6, 7, 8], [10, 11, 12]]),
        (layers.MaxPooling2D(2, padding="same"), [[6, 8], [10, 12]]),
        (layers.MaxPooling2D((1, 3)), [[3], [7], [11]]),
        (layers.MaxPooling2D((3, 1), strides=(1, 2)), [[9, 11]]),
        (layers.AveragePooling2D(2), [[3.5, 5.5]]),
        (layers.AveragePooling2D(2, padding="same"), [[3.5, 5.5], [9.5, 11.5]]),  # the padding does not count
        (layers.AveragePooling2D((1, 4)), [[2.5], [6.5], [10.5]]),
    ],
)
def test_windows(layer: Any, expected: list[list[float]]) -> None:
    np.testing.assert_array_equal(layer(COUNT).numpy()[0, :, :, 0], expected)


def test_the_largest_of_negative_numbers_is_not_the_padding() -> None:
    y = layers.MaxPooling1D(3, 1, padding="same")(np.reshape([-4.0, -3.0, -5.0], (1, 3, 1)))
    np.testing.assert_array_equal(y.numpy().ravel(), [-3, -3, -3])


def test_the_gradient_goes_to_the_largest_alone() -> None:
    x = Tensor(COUNT)
    with Tape() as tape:
        tape.watch(x)
        loss = ops.sum(layers.MaxPooling2D()(x))
    (g,) = tape.gradient(loss, [x])
    np.testing.assert_array_equal(g.numpy()[0, :, :, 0], [[0, 0, 0, 0], [0, 1, 0, 1], [0, 0, 0, 0]])


WINDOWS: list[tuple[Any, tuple[int, ...]]] = [
    (cls, shape)
    for shape, classes in (
        ((2, 7, 3), (layers.MaxPooling1D, layers.AveragePooling1D)),
        ((2, 7, 5, 3), (layers.MaxPooling2D, layers.AveragePooling2D)),
        ((2, 4, 5, 3, 2), (layers.MaxPooling3D, layers.AveragePooling3D)),
    )
    for cls in classes
]


@pytest.mark.parametrize(("cls", "shape"), WINDOWS)
@pytest.mark.parametrize("settings", [{}, {"strides": 1}, {"padding": "same"}, {"strides": 3, "padding": "SAME"}])
def test_pooling_in_both_formats(cls: Any, shape: Any, settings: Any) -> None:
    x = drawn(*shape)
    last, turned = cls(2, **settings), cls(2, **settings, data_format="channels_first")
    y = last(x).numpy()
    np.testing.assert_allclose(turned(first(x)).numpy(), first(y), rtol=1e-6)
    assert last.compute_output_shape(x.shape) == y.shape
    assert turned.compute_output_shape(first(x).shape) == first(y).shape
    assert last(KerasTensor((None,) * (len(shape) - 1) + shape[-1:])).shape == (None,) * (len(shape) - 1) + shape[-1:]


def test_the_window_is_the_default_of_the_strides() -> None:
    assert layers.MaxPooling2D((2, 3)).get_config()["strides"] == (2, 3)
    assert layers.MaxPooling2D((2, 3), 1).get_config()["strides"] == (1, 1)


@pytest.mark.parametrize("cls", [layers.MaxPooling2D, layers.AveragePooling2D])
def test_pooling_refuses(cls: Any) -> None:
    with pytest.raises(ArgumentError, match=r"`pool_size` argument.*Received pool_size=0"):
        cls(0)
    with pytest.raises(ArgumentError, match="tuple of 2 of them"):
        cls((2,))
    with pytest.raises(ArgumentError, match="`strides` argument"):
        cls(2, strides=(1, -1))
    with pytest.raises(UnknownNameError, match="padding"):
        cls(2, padding="causal")
    with pytest.raises(UnknownNameError, match="Did you mean 'channels_last'"):
        cls(2, data_format="channel_last")
    with pytest.raises(ShapeError, match="expected ndim=4, found ndim=3"):
        cls(2)(drawn(2, 7, 3))
    with pytest.raises(ShapeError, match="window"):
        cls(3)(drawn(2, 2, 8, 1))
    with pytest.raises(ShapeError, match="window must fit"):
        cls(3)(KerasTensor((None, 2, 8, 1)))


# -- all of space ----------------------------------------------------------------------------------------------------

GLOBAL: list[tuple[Any, Any, tuple[int, ...]]] = [
    (layers.GlobalMaxPooling1D, np.max, (2, 5, 3)),
    (layers.GlobalMaxPooling2D, np.max, (2, 4, 5, 3)),
    (layers.GlobalMaxPooling3D, np.max, (2, 2, 3, 4, 3)),
    (layers.GlobalAveragePooling1D, np.mean, (2, 5, 3)),
    (layers.GlobalAveragePooling2D, np.mean, (2, 4, 5, 3)),
    (layers.GlobalAveragePooling3D, np.mean, (2, 2, 3, 4, 3)),
]


@pytest.mark.parametrize(("cls", "function", "shape"), GLOBAL)
@pytest.mark.parametrize("keepdims", [False, True])
def test_all_of_space(cls: Any, function: Any, shape: Any, keepdims: bool) -> None:
    x = drawn(*shape)
    expected = function(x, axis=tuple(range(1, len(shape) - 1)), keepdims=keepdims)
    last, turned = cls(keepdims=keepdims), cls(data_format="channels_first", keepdims=keepdims)
    np.testing.assert_allclose(last(x).numpy(), expected, rtol=1e-5)
    np.testing.assert_allclose(turned(first(x)).numpy(), first(expected) if keepdims else expected, rtol=1e-5)
    open_shape = (None,) * (len(shape) - 1)
    assert last(KerasTensor((*open_shape, 3))).shape == (None, *expected.shape[1:])
    assert turned(KerasTensor((None, 3, *open_shape[1:]))).shape == (None, 3, *(1,) * (keepdims * (len(shape) - 2)))


@pytest.mark.parametrize("mask_type", ["bool", "int32", "float32"])
@pytest.mark.parametrize("turned", [False, True])
def test_the_mean_of_what_the_mask_marks(mask_type: str, turned: bool) -> None:
    x = np.arange(6.0, dtype="float32").reshape(2, 3, 1)
    mask = np.array([[1, 1, 0], [0, 1, 0]], mask_type)
    layer = layers.GlobalAveragePooling1D("channels_first" if turned else None)
    y = layer(first(x) if turned else x, mask=mask)
    np.testing.assert_array_equal(y.numpy(), [[0.5], [4.0]])


def test_a_mask_that_comes_with_the_input() -> None:
    x = Tensor(np.array([[[1.0], [3.0], [8.0]]], "float32"))
    x._keras_mask = Tensor(np.array([[True, True, False]]))
    y = layers.GlobalAveragePooling1D()(x)
    assert y.tolist() == [[2.0]]
    assert getattr(y, "_keras_mask", None) is None  # time is gone


def test_nothing_marked_gives_nan() -> None:
    with np.errstate(invalid="ignore"):
        y = layers.GlobalAveragePooling1D()(drawn(1, 2, 1), mask=np.zeros((1, 2), bool))
    assert math.isnan(y.numpy().item())


def test_all_of_space_refuses() -> None:
    with pytest.raises(UnknownNameError, match="data format"):
        layers.GlobalAveragePooling2D("rows")
    with pytest.raises(ShapeError, match="expected ndim=4, found ndim=3"):
        layers.GlobalMaxPooling2D()(drawn(2, 3, 4))


# -- to a given size -------------------------------------------------------------------------------------------------


def evenly(x: np.ndarray, size: tuple[int, ...], function: Any) -> np.ndarray:
    """The definition, axis by axis (a mean of means of equal windows is the mean; the largest always is)."""
    for axis, m in enumerate(size, start=1):
        n = x.shape[axis]
        parts = [x.take(range(i * n // m, -(-(i + 1) * n // m)), axis) for i in range(m)]
        x = np.concatenate([function(part, axis=axis, keepdims=True) for part in parts], axis)
    return x


@pytest.mark.parametrize(
    ("shape", "size"),
    [
        ((2, 7, 3), (3,)),
        ((2, 3, 2), (5,)),
        ((2, 7, 5, 2), (3, 2)),
        ((2, 6, 4, 2), (2, 2)),
        ((2, 3, 5, 4, 2), (2, 3, 4)),
    ],
)
@pytest.mark.parametrize(("kind", "function"), [("Max", np.max), ("Average", np.mean)])
def test_a_given_size(shape: Any, size: Any, kind: str, function: Any) -> None:
    cls = getattr(layers, f"Adaptive{kind}Pooling{len(size)}D")
    x = drawn(*shape)
    expected = evenly(x, size, function)
    layer, turned = cls(size), cls(size, data_format="channels_first")
    np.testing.assert_allclose(layer(x).numpy(), expected, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(turned(first(x)).numpy(), first(expected), rtol=1e-5, atol=1e-6)
    assert layer(KerasTensor((None,) * (len(shape) - 1) + shape[-1:])).shape == (None, *expected.shape[1:])
    assert cls(2).output_size == (2,) * len(size)


def test_a_given_size_refuses() -> None:
    with pytest.raises(ArgumentError, match=r"`output_size` argument.*Received output_size=0"):
        layers.AdaptiveAveragePooling2D(0)
    with pytest.raises(ArgumentError, match="tuple of 1 of them"):
        layers.AdaptiveMaxPooling1D((2, 3))
    with pytest.raises(UnknownNameError):
        layers.AdaptiveMaxPooling1D(2, data_format="x")
    with pytest.raises(ShapeError, match="expected ndim=4, found ndim=3"):
        layers.AdaptiveMaxPooling2D(2)(drawn(2, 3, 4))
