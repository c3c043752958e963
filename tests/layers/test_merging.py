"""Layers that merge: small arrays by hand, broadcasting, masks, and what they refuse."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from neurona import layers
from neurona.errors import ArgumentError, DTypeError, ShapeError
from neurona.symbolic import KerasTensor
from neurona.tensor import Tensor

A = np.array([[1.0, 2.0], [3.0, 4.0]], "float32")
B = np.array([[5.0, 1.0], [0.0, 4.0]], "float32")
C = np.array([[1.0, 1.0], [2.0, 2.0]], "float32")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Add", A + B + C), ("Multiply", A * B * C), ("Average", (A + B + C) / 3),
        ("Maximum", np.maximum(np.maximum(A, B), C)), ("Minimum", np.minimum(np.minimum(A, B), C)),
        ("Concatenate", np.concatenate([A, B, C], axis=-1)),
    ],
)  # fmt: skip
def test_layer_and_function(name: str, expected: np.ndarray) -> None:
    np.testing.assert_allclose(getattr(layers, name)()([A, B, C]).numpy(), expected, rtol=1e-6)
    np.testing.assert_allclose(getattr(layers, name.lower())([A, B, C]).numpy(), expected, rtol=1e-6)


def test_subtract_and_dot_take_two() -> None:
    np.testing.assert_array_equal(layers.Subtract()([A, B]).numpy(), A - B)
    np.testing.assert_array_equal(layers.subtract([A, B]).numpy(), A - B)
    np.testing.assert_array_equal(layers.dot([A, B], axes=1).numpy(), [[7.0], [16.0]])
    for layer in (layers.Subtract(), layers.Dot(axes=1)):
        with pytest.raises(ArgumentError, match="2 inputs"):
            layer([A, B, C])


def test_one_input_is_enough() -> None:
    np.testing.assert_array_equal(layers.Add()([A]).numpy(), A)


def test_fewer_axes_are_filled_after_the_batch() -> None:
    x = np.arange(12.0, dtype="float32").reshape(2, 3, 2)
    np.testing.assert_array_equal(layers.Add()([x, A]).numpy(), x + A[:, None, :])
    assert layers.Add().compute_output_shape([(None, 3, 2), (None, 2)]) == (None, 3, 2)
    assert layers.add([KerasTensor((None, 3, 1)), KerasTensor((None, 1, 5))]).shape == (None, 3, 5)


@pytest.mark.parametrize("cls", [layers.Add, layers.Concatenate, layers.Maximum])
def test_a_single_tensor_is_refused(cls: Any) -> None:
    with pytest.raises(ArgumentError, match="on a list of"):
        cls()(A)


def test_shapes_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ShapeError, match="incompatible shapes"):
        layers.Add()([A, np.ones((2, 3))])
    with pytest.raises(ShapeError, match="different batch sizes"):
        layers.Add().compute_output_shape([(2, 3), (4, 3)])
    with pytest.raises(ShapeError, match="matching shapes except for"):
        layers.Concatenate(axis=1)([np.ones((2, 3, 4)), np.ones((2, 3, 5))])
    with pytest.raises(ShapeError, match="matching shapes except for"):
        layers.Concatenate()([A, np.ones((2, 3, 4))])
    with pytest.raises(ShapeError, match=r"axis values 2 \(at axis 1\) != 3"):
        layers.Dot(axes=1)([A, np.ones((2, 3))])


def test_concatenate_shapes() -> None:
    layer = layers.Concatenate(axis=1)
    assert layer.compute_output_shape([(None, 3, 4), (None, 2, 4)]) == (None, 5, 4)
    assert layer.compute_output_shape([(None, None, 4), (None, 2, 4)]) == (None, None, 4)
    assert layer.compute_output_shape([(None, 3, None), (2, 2, 4)]) == (2, 5, 4)


@pytest.mark.parametrize(
    ("shapes", "axes", "letters"),
    [
        ([(2, 3, 4), (2, 4, 5)], (2, 1), "nak,nkb->nab"),
        ([(2, 3, 4), (2, 5, 4)], -1, "nak,nbk->nab"),
        ([(2, 4, 3), (2, 4, 5)], 1, "nka,nkb->nab"),
        ([(2, 3, 4, 5), (2, 5, 6)], (3, 1), "nabk,nkc->nabc"),
        ([(2, 4), (2, 4, 5)], 1, "nk,nkb->nb"),
        ([(2, 3, 4), (2, 4)], (2, 1), "nak,nk->na"),
    ],
)
def test_dot_is_an_einsum(shapes: list[tuple[int, ...]], axes: Any, letters: str) -> None:
    rng = np.random.default_rng(0)
    x, y = (rng.normal(size=shape).astype("float32") for shape in shapes)
    np.testing.assert_allclose(layers.Dot(axes)([x, y]).numpy(), np.einsum(letters, x, y), rtol=1e-4, atol=1e-5)


def test_dot_normalized_is_the_cosine() -> None:
    cosine = (A * B).sum(axis=1) / np.linalg.norm(A, axis=1) / np.linalg.norm(B, axis=1)
    np.testing.assert_allclose(layers.Dot(1, normalize=True)([A, B]).numpy()[:, 0], cosine, rtol=1e-6)


@pytest.mark.parametrize(
    ("axes", "error", "message"),
    [
        ("1", DTypeError, "should be a list or an int"),
        ((1, 2, 3), ArgumentError, "two integers"),
        ((1, 1.5), ArgumentError, "two integers"),
    ],
)
def test_dot_refuses_axes(axes: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        layers.Dot(axes)


def test_dot_refuses_the_batch() -> None:
    with pytest.raises(ShapeError, match="axis 0 is the batch"):
        layers.Dot(0)([A, B])


def masked(values: Any, mask: Any) -> Tensor:
    x = Tensor(np.array(values, "float32")[..., None])  # (N, T) -> (N, T, 1)
    x._keras_mask = None if mask is None else Tensor(np.array(mask, bool))
    return x


@pytest.mark.parametrize(
    ("name", "expected"),
    [("Add", [5, 7, 9]), ("Multiply", [4, 2, 0]), ("Maximum", [4, 2, 6]), ("Minimum", [1, 2, 6])],
)
def test_masks_join_and_masked_places_do_not_count(name: str, expected: list[float]) -> None:
    x = masked([[1.0, 2.0, 3.0]], [[True, True, False]])
    y = masked([[4.0, 5.0, 6.0]], [[True, False, False]])
    merged = getattr(layers, name)()([x, y])
    np.testing.assert_array_equal(merged._keras_mask.numpy(), [[True, True, False]])
    np.testing.assert_array_equal(merged.numpy()[0, :2, 0], expected[:2])
    if name == "Multiply":
        assert merged.numpy()[0, 2, 0] == 0


def test_an_input_without_a_mask_unmasks() -> None:
    x, y = masked([[1.0, 2.0]], [[True, False]]), masked([[3.0, 4.0]], None)
    assert layers.Add()([x, y])._keras_mask is None
    np.testing.assert_array_equal(layers.Maximum()([x, y]).numpy()[..., 0], [[3, 4]])
    np.testing.assert_array_equal(layers.Multiply()([x, y]).numpy()[..., 0], [[3, 4]])


def test_concatenate_joins_masks() -> None:
    x, y = masked([[1.0, 2.0]], [[True, False]]), masked([[3.0]], None)
    joined = layers.Concatenate(axis=1)([x, y])
    np.testing.assert_array_equal(joined._keras_mask.numpy(), [[True, False, True]])


def test_compute_mask_refuses_lists_of_other_lengths() -> None:
    with pytest.raises(ArgumentError, match="same length"):
        layers.Add().compute_mask([A, B], [None])
    for inputs, mask, name in (([A, B], A, "mask"), (A, [A, B], "inputs")):
        with pytest.raises(ArgumentError, match=f"`{name}` should be a list"):
            layers.Concatenate().compute_mask(inputs, mask)
    assert layers.Dot(axes=1).compute_mask([A, B], [A, B]) is None
