"""Masks on tensors: taken by the layers that ask, handed on, combined, dropped with a warning."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest

from neurona import initializers, layers, models, ops
from neurona.layers import Layer
from neurona.tensor import Tensor

MASK = np.array([[1, 1, 0], [1, 0, 0]], "bool")


def masked(mask: np.ndarray | None = MASK, width: int = 4) -> Tensor:
    x = Tensor(np.arange(6.0 * width).reshape(2, 3, width).astype("float32"))
    x._keras_mask = None if mask is None else Tensor(mask)
    return x


class Two(Layer):
    """Takes two tensors and remembers which masks it was given."""

    def call(self, a: Any, b: Any, a_mask: Any = None, mask: Any = None) -> Any:
        self.given = a_mask, mask
        return a + b


class Maker(Layer):
    """Gives its output a mask of its own."""

    def call(self, x: Any) -> Any:
        return x * 1.0

    def compute_mask(self, inputs: Any, previous_mask: Any) -> Any:
        return ops.not_equal(inputs[..., 0], 0.0)


def test_one_tensor_gives_mask_and_several_give_theirs_by_name() -> None:
    layer = Two()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        layer(masked(), masked())
    assert layer.given[0] is not None
    assert layer.given[1] is None
    rnn = layers.SimpleRNN(2, return_sequences=True, kernel_initializer=initializers.Constant(0.01))  # far from 1
    states = [Tensor(np.zeros((2, 2), "float32"))]
    unmasked = rnn(masked(None))
    # as in Keras: with a state beside it the sequence's mask must be given by hand
    np.testing.assert_array_equal(rnn(masked(), initial_state=states).numpy(), unmasked.numpy())
    assert not np.allclose(rnn(masked()).numpy(), unmasked.numpy())


def test_a_mask_that_is_given_goes_on() -> None:
    y = layers.LSTM(2, return_sequences=True)(masked(None), mask=Tensor(MASK))
    np.testing.assert_array_equal(y._keras_mask.numpy(), MASK)


def test_a_layer_without_masks_says_that_it_drops_one() -> None:
    with pytest.warns(UserWarning, match="does not support masking and will therefore destroy"):
        y = layers.Conv1D(2, 2)(masked())
    assert y._keras_mask is None


def test_own_layers_that_compute_a_mask_support_one() -> None:
    assert Maker().supports_masking
    assert not Two().supports_masking
    y = Maker()(masked(None))
    np.testing.assert_array_equal(y._keras_mask.numpy(), y.numpy()[..., 0] != 0)


def test_another_type_keeps_the_mask() -> None:
    y = layers.Dense(2, dtype="float16")(masked())
    np.testing.assert_array_equal(y._keras_mask.numpy(), MASK)


def test_ops_drop_masks_in_models_as_outside() -> None:
    assert (masked() * 2.0)._keras_mask is None
    place = layers.Input((3, 4))
    model = models.Model(place, ops.mean(layers.Masking()(place), axis=1))
    assert model(masked(None))._keras_mask is None


def test_models_hand_masks_on_without_a_word() -> None:
    inner = models.Sequential([layers.Input((3, 4)), layers.Dense(2), layers.LSTM(2, return_sequences=True)])
    y = inner(masked())
    np.testing.assert_array_equal(y._keras_mask.numpy(), MASK)
    told = inner(masked(None), mask=Tensor(MASK))
    np.testing.assert_array_equal(told.numpy(), y.numpy())


def test_a_drawn_layer_gets_the_mask_that_it_was_drawn_with() -> None:
    """A MultiHeadAttention takes the mask off its inputs, but the pooling behind the sum was drawn with one."""
    place = layers.Input((3,), dtype="int32")
    words = layers.Embedding(5, 4, mask_zero=True)(place)
    whole = layers.Add()([words, layers.MultiHeadAttention(1, 2)(words, words)])
    model = models.Model(place, [whole, layers.GlobalAveragePooling1D()(whole)])
    ids = np.array([[1, 2, 0], [3, 0, 0]], "int32")
    sums, means = (y.numpy() for y in model(ids))
    np.testing.assert_allclose(means[0], sums[0, :2].mean(axis=0), rtol=1e-5)
    np.testing.assert_allclose(means[1], sums[1, 0], rtol=1e-5)
    part = models.Model(words, model.outputs[1])  # cut off from the word numbers: nothing tells the mask
    np.testing.assert_allclose(part(Tensor(np.ones((1, 3, 4), "float32"))).shape, (1, 4))


def test_attention_takes_masks_off_and_gives_the_querys_on() -> None:
    x, other = masked(), masked(np.ones((2, 3), "bool"))
    y = layers.MultiHeadAttention(1, 2)(x, other)
    assert x._keras_mask is None
    assert other._keras_mask is None
    np.testing.assert_array_equal(y._keras_mask.numpy(), MASK)
    x = masked()
    y = layers.GroupQueryAttention(2, 2, 1)(x, x)
    np.testing.assert_array_equal(x._keras_mask.numpy(), MASK)
    np.testing.assert_array_equal(y._keras_mask.numpy(), MASK)


def test_keras_files_that_spell_masks_out_as_ops_are_read() -> None:
    """Keras stores the making of a mask as calls of its op classes, and the mask as an argument of the layer."""
    place = layers.Input((3,), dtype="int32", name="ids")
    words = layers.Embedding(5, 4, mask_zero=True, name="words")(place)
    model = models.Model(place, layers.LSTM(2, name="lstm")(words))
    config = model.get_config()
    ids = {
        "class_name": "__keras_tensor__",
        "config": {"shape": [None, 3], "dtype": "int32", "keras_history": ["ids", 0, 0]},
    }
    mask = {
        "class_name": "__keras_tensor__",
        "config": {"shape": [None, 3], "dtype": "bool", "keras_history": ["ne", 0, 0]},
    }
    config["layers"].insert(
        1,
        {
            "module": "keras.src.ops.numpy",
            "class_name": "NotEqual",
            "config": {"name": "ne"},
            "registered_name": "NotEqual",
            "name": "ne",
            "inbound_nodes": [{"args": [ids, 0], "kwargs": {}}],
        },
    )
    config["layers"][-1]["inbound_nodes"][0]["kwargs"]["mask"] = mask
    again = models.Model.from_config(config)
    again.set_weights(model.get_weights())
    numbers = np.array([[1, 2, 0], [3, 0, 0]], "int32")
    np.testing.assert_array_equal(again(numbers).numpy(), model(numbers).numpy())
