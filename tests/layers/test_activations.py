"""Activation layers: their formulas, written once more, and what they refuse."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from neurona import layers
from neurona.errors import ArgumentError, ShapeError

X = np.array([[-2.0, -0.5, 0.0, 0.5, 2.0]], "float32")


@pytest.mark.parametrize(
    ("layer", "expected"),
    [
        (layers.ReLU(), [0, 0, 0, 0.5, 2]),
        (layers.ReLU(max_value=1.0), [0, 0, 0, 0.5, 1]),
        (layers.ReLU(negative_slope=0.5), [-1, -0.25, 0, 0.5, 2]),
        (layers.ReLU(threshold=1.0), [0, 0, 0, 0, 2]),
        (layers.ReLU(max_value=1.0, negative_slope=0.5, threshold=1.0), [-1.5, -0.75, -0.5, -0.25, 1]),
        (layers.LeakyReLU(), [-0.6, -0.15, 0, 0.5, 2]),
        (layers.LeakyReLU(negative_slope=0.5), [-1, -0.25, 0, 0.5, 2]),
        (layers.ELU(), [np.expm1(-2), np.expm1(-0.5), 0, 0.5, 2]),
        (layers.ELU(alpha=2.0), [2 * np.expm1(-2), 2 * np.expm1(-0.5), 0, 0.5, 2]),
        (layers.PReLU(), [0, 0, 0, 0.5, 2]),
        (layers.PReLU(alpha_initializer="ones"), [-2, -0.5, 0, 0.5, 2]),
    ],
)
def test_formulas(layer: Any, expected: list[float]) -> None:
    np.testing.assert_allclose(layer(X).numpy(), [expected], rtol=1e-6)


@pytest.mark.parametrize("name", ["max_value", "negative_slope", "threshold"])
def test_relu_refuses_negative_settings(name: str) -> None:
    with pytest.raises(ArgumentError, match=f"{name} of a ReLU layer cannot be .*a negative value"):
        layers.ReLU(**{name: -1.0})


def test_leaky_relu_refuses_and_takes_its_old_name() -> None:
    with pytest.raises(ArgumentError, match=r"cannot be None or negative. Received: negative_slope=-1"):
        layers.LeakyReLU(-1)
    with pytest.warns(UserWarning, match="`alpha` is deprecated"):
        assert layers.LeakyReLU(alpha=0.2).negative_slope == 0.2


def test_prelu_shares_its_slope_along_axes() -> None:
    layer = layers.PReLU(shared_axes=[1, 2])
    layer.build((None, 4, 5, 3))
    assert layer.alpha.shape == (1, 1, 3)
    assert layer.alpha.path == f"{layer.name}/alpha"
    assert layers.PReLU(shared_axes=1).shared_axes == [1]


def test_prelu_demands_the_axes_it_was_built_for() -> None:
    layer = layers.PReLU(shared_axes=[1])
    layer(np.ones((1, 2, 3)))
    assert layer(np.ones((1, 7, 3))).shape == (1, 7, 3)  # the shared axis may vary
    with pytest.raises(ShapeError, match="axis 2 of input shape to have value 3"):
        layer(np.ones((1, 2, 4)))
    with pytest.raises(ShapeError, match="weight's shape must be known"):
        layers.PReLU().build((None, None, 3))


def test_softmax_over_several_axes() -> None:
    x = np.random.default_rng(0).normal(size=(2, 3, 4)).astype("float32")
    y = layers.Softmax(axis=[1, 2])(x).numpy()
    e = np.exp(x)
    np.testing.assert_allclose(y, e / e.sum(axis=(1, 2), keepdims=True), rtol=1e-5)
    np.testing.assert_allclose(layers.Softmax(axis=[1])(x).numpy(), e / e.sum(axis=1, keepdims=True), rtol=1e-5)


@pytest.mark.parametrize("kind", ["bool", "float32"])
def test_softmax_with_a_mask(kind: str) -> None:
    mask = np.array([[1, 1, 0], [0, 0, 0]]).astype(kind)
    y = layers.Softmax()(np.zeros((2, 3), "float32"), mask=mask).numpy()
    np.testing.assert_allclose(y, [[0.5, 0.5, 0.0], [0.0, 0.0, 0.0]])


def test_softmax_with_a_mask_in_float16() -> None:
    y = layers.Softmax(dtype="float16")(np.zeros((1, 2), "float16"), mask=np.array([[True, False]])).numpy()
    assert y.dtype == np.float16
    np.testing.assert_array_equal(y, [[1, 0]])


@pytest.mark.parametrize("shape", [(2, 2), (1, 2, 3)])
def test_softmax_refuses_a_mask_that_does_not_fit(shape: tuple[int, ...]) -> None:
    with pytest.raises(ShapeError, match="must be broadcastable"):
        layers.Softmax()(np.zeros((2, 3), "float32"), mask=np.ones(shape, bool))


def test_settings_in_keras_order() -> None:
    base = ["name", "trainable", "dtype"]
    assert list(layers.ReLU().get_config()) == [*base, "max_value", "negative_slope", "threshold"]
    assert list(layers.ELU().get_config()) == ["name", "alpha", "trainable", "dtype"]
    names = ["alpha_initializer", "alpha_regularizer", "alpha_constraint", "shared_axes"]
    assert list(layers.PReLU().get_config()) == [*base, *names]
