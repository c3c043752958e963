"""Batch normalisation: the batch's own scale in training, the averages at rest, and when they move."""

from __future__ import annotations

import numpy as np
import pytest

from neurona import layers
from neurona.errors import ArgumentError, ShapeError

RNG = np.random.default_rng(7)
X = RNG.normal(2.0, 3.0, size=(5, 4, 3)).astype("float32")


def test_training_uses_the_batch_and_moves_the_averages() -> None:
    layer = layers.BatchNormalization(momentum=0.9)
    y = layer(X, training=True).numpy()
    mean, var = X.mean(axis=(0, 1)), X.var(axis=(0, 1))
    np.testing.assert_allclose(y, (X - mean) / np.sqrt(var + 1e-3), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(layer.moving_mean.numpy(), 0.1 * mean, rtol=1e-5)
    np.testing.assert_allclose(layer.moving_variance.numpy(), 0.9 + 0.1 * var, rtol=1e-5)
    layer(X + 1, training=True)
    np.testing.assert_allclose(layer.moving_mean.numpy(), 0.09 * mean + 0.1 * (mean + 1), rtol=1e-5)


def test_rest_uses_the_averages_and_leaves_them() -> None:
    layer = layers.BatchNormalization()
    layer.build(X.shape)
    gamma, beta, mean, var = (RNG.uniform(0.5, 2.0, 3).astype("float32") for _ in range(4))
    layer.set_weights([gamma, beta, mean, var])
    expected = gamma * (X - mean) / np.sqrt(var + 1e-3) + beta
    np.testing.assert_allclose(layer(X).numpy(), expected, rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(layer.moving_mean.numpy(), mean)
    np.testing.assert_array_equal(layer.moving_variance.numpy(), var)


@pytest.mark.parametrize("training", [False, True])
def test_the_axis_of_the_channels(training: bool) -> None:
    first, last = layers.BatchNormalization(axis=1), layers.BatchNormalization()
    y = first(np.moveaxis(X, -1, 1), training=training).numpy()
    np.testing.assert_allclose(np.moveaxis(y, 1, -1), last(X, training=training).numpy(), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(first.moving_variance.numpy(), last.moving_variance.numpy(), rtol=1e-6)


def test_a_frozen_layer_rests() -> None:
    layer = layers.BatchNormalization()
    layer(X)
    layer.trainable = False
    y = layer(X, training=True).numpy()
    np.testing.assert_allclose(y, X / np.sqrt(1 + 1e-3), rtol=1e-5)
    np.testing.assert_array_equal(layer.moving_mean.numpy(), np.zeros(3))
    assert layer.trainable_weights == []
    assert [w.name for w in layer.weights] == ["gamma", "beta", "moving_mean", "moving_variance"]
    layer.trainable = True
    assert [w.name for w in layer.trainable_weights] == ["gamma", "beta"]


@pytest.mark.parametrize("axis", [-1, 1])
def test_masked_places_do_not_count(axis: int) -> None:
    x = np.moveaxis(X, -1, axis)
    mask = RNG.random(x.shape[:-1]) < 0.6
    layer = layers.BatchNormalization(axis=axis, momentum=0.0)
    y = layer(x, training=True, mask=mask).numpy()
    whole = np.broadcast_to(mask[..., None], x.shape)
    channels, counts = np.moveaxis(x, axis, 0), np.moveaxis(whole, axis, 0)
    mean = np.array([c[k].mean() for c, k in zip(channels, counts, strict=True)])
    var = np.array([c[k].var() for c, k in zip(channels, counts, strict=True)])
    np.testing.assert_allclose(layer.moving_mean.numpy(), mean, rtol=1e-5)
    np.testing.assert_allclose(layer.moving_variance.numpy(), var, rtol=1e-5)
    shape = [1, 1, 1]
    shape[axis] = 3 if axis == -1 else x.shape[1]
    expected = (x - mean.reshape(shape)) / np.sqrt(var.reshape(shape) + 1e-3)
    np.testing.assert_allclose(y, expected, rtol=1e-4, atol=1e-5)


def test_refuses() -> None:
    with pytest.raises(ShapeError, match="one dimension less than the inputs"):
        layers.BatchNormalization()(X, mask=np.ones((5, 4, 3), bool))
    with pytest.raises(ArgumentError, match="does not support batch renormalization"):
        layers.BatchNormalization(renorm=True)
    layer = layers.BatchNormalization()
    layer(X)
    with pytest.raises(ShapeError, match="axis -1 of input shape to have value 3"):
        layer(np.ones((5, 4, 2)))


def test_inferring_a_shape_leaves_the_averages() -> None:
    layer = layers.BatchNormalization()
    layer(X, training=True)
    before = layer.moving_mean.numpy()
    layer.compute_output_shape((None, 4, 3))
    np.testing.assert_array_equal(layer.moving_mean.numpy(), before)


def test_settings_in_keras_order() -> None:
    assert list(layers.BatchNormalization().get_config())[3:] == [
        "axis", "momentum", "epsilon", "center", "scale", "beta_initializer", "gamma_initializer",
        "moving_mean_initializer", "moving_variance_initializer", "beta_regularizer", "gamma_regularizer",
        "beta_constraint", "gamma_constraint", "synchronized", "renorm", "renorm_clipping", "renorm_momentum",
    ]  # fmt: skip
    assert layers.BatchNormalization(axis=[3]).axis == 3  # as old files have it
