"""The noisy layers: what they leave on average, when they are silent, and that a seed repeats them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from neurona import layers, ops
from neurona.errors import ArgumentError
from neurona.tape import Tape
from neurona.tensor import Tensor

ONES = np.ones((200, 100), "float32")
NOISY: list[Any] = [
    layers.Dropout(0.3, seed=1), layers.GaussianNoise(0.3, seed=1), layers.GaussianDropout(0.3, seed=1),
    layers.AlphaDropout(0.3, seed=1),
]  # fmt: skip
each_noisy = pytest.mark.parametrize("layer", NOISY, ids=lambda layer: type(layer).__name__)


@each_noisy
def test_silent_unless_training(layer: Any) -> None:
    x = Tensor(ONES)
    assert layer(x) is x
    assert layer(x, training=False) is x
    assert not np.array_equal(layer(x, training=True).numpy(), ONES)


@each_noisy
def test_a_seed_repeats_the_noise(layer: Any) -> None:
    config = layer.get_config()
    one, two = type(layer).from_config(config), type(layer).from_config(config)
    first, second = one(ONES, training=True), one(ONES, training=True)
    np.testing.assert_array_equal(two(ONES, training=True).numpy(), first.numpy())
    assert not np.array_equal(first.numpy(), second.numpy())  # every call draws anew


@each_noisy
def test_weights_and_state(layer: Any) -> None:
    assert layer.weights == []
    assert [v.path for v in layer.variables] == [layer.seed_generator.state.path]
    assert layer.supports_masking
    assert layer.built


@pytest.mark.parametrize(
    ("cls", "name"),
    [(layers.Dropout, "rate"), (layers.GaussianDropout, "rate"), (layers.AlphaDropout, "rate"),
     (layers.GaussianNoise, "stddev")],
)  # fmt: skip
def test_strength_lies_between_0_and_1(cls: Any, name: str) -> None:
    for value in (-0.1, 1.5):
        with pytest.raises(ArgumentError, match=f"`{name}`. Expected a float value between 0 and 1. Received: {name}="):
            cls(value)
    off = cls(0.0)
    assert not hasattr(off, "seed_generator")
    np.testing.assert_array_equal(off(ONES, training=True).numpy(), ONES)


def test_dropout_drops_its_share_and_keeps_the_mean() -> None:
    y = layers.Dropout(0.25, seed=3)(ONES, training=True).numpy()
    assert set(np.unique(y)) == {np.float32(0), np.float32(1 / 0.75)}
    assert abs((y == 0).mean() - 0.25) < 0.02
    assert layers.Dropout(1.0)(ONES, training=True).numpy().max() == 0


def test_dropout_gradient_is_its_mask() -> None:
    x = Tensor(ONES)
    with Tape() as tape:
        tape.watch(x)
        y = layers.Dropout(0.5, seed=3)(x, training=True)
        loss = ops.sum(y)
    np.testing.assert_array_equal(tape.gradient(loss, x).numpy(), y.numpy())


@pytest.mark.parametrize("cls", [layers.Dropout, layers.AlphaDropout])
def test_noise_shape_shares_the_choice(cls: Any) -> None:
    y = cls(0.5, noise_shape=(None, 1, 5), seed=1)(np.ones((40, 3, 5), "float32"), training=True).numpy()
    np.testing.assert_array_equal(y, np.repeat(y[:, :1], 3, axis=1))
    assert len(np.unique(y)) == 2
    assert not np.array_equal(y[0, 0], y[1, 0]) or not np.array_equal(y[0, 0], y[2, 0])


@pytest.mark.parametrize("noise_shape", ["ab", 3, (1, 0), (1, -2), (1.5,)])
def test_dropout_refuses_a_noise_shape(noise_shape: Any) -> None:
    with pytest.raises(ArgumentError, match="Invalid value received for argument `noise_shape`"):
        layers.Dropout(0.5, noise_shape=noise_shape)


def test_dropout_keeps_a_noise_shape_as_a_tuple() -> None:
    assert layers.Dropout(0.5, noise_shape=[None, 1]).get_config()["noise_shape"] == (None, 1)


def test_gaussian_noise_has_its_deviation() -> None:
    noise = layers.GaussianNoise(0.5, seed=2)(ONES, training=True).numpy() - 1
    assert abs(noise.mean()) < 0.02
    assert abs(noise.std() - 0.5) < 0.02


def test_gaussian_dropout_has_dropout_variance() -> None:
    y = layers.GaussianDropout(0.2, seed=2)(ONES, training=True).numpy()
    assert abs(y.mean() - 1) < 0.02
    assert abs(y.var() - 0.2 / 0.8) < 0.02


def test_alpha_dropout_keeps_mean_and_variance() -> None:
    x = np.random.default_rng(0).normal(size=(400, 200)).astype("float32")
    y = layers.AlphaDropout(0.3, seed=2)(x, training=True).numpy()
    assert abs(y.mean()) < 0.02
    assert abs(y.var() - 1) < 0.02


@pytest.mark.parametrize("cls", [layers.GaussianDropout, layers.AlphaDropout])
def test_a_rate_of_1_cannot_train(cls: Any) -> None:
    layer = cls(1.0)
    np.testing.assert_array_equal(layer(ONES).numpy(), ONES)
    with pytest.raises(ArgumentError, match="cannot train with a rate of 1"):
        layer(ONES, training=True)


def test_activity_regularization_adds_its_penalty() -> None:
    layer = layers.ActivityRegularization(l1=0.5, l2=0.25)
    x = np.array([[1.0, -2.0], [3.0, 0.0]], "float32")
    np.testing.assert_array_equal(layer(x).numpy(), x)
    assert [float(loss) for loss in layer.losses] == [(0.5 * 6 + 0.25 * 14) / 2]
    layer(x)
    assert len(layer.losses) == 1  # of the last call only
    assert "activity_regularizer" not in layer.get_config()
    assert (layer.get_config()["l1"], layer.get_config()["l2"]) == (0.5, 0.25)
