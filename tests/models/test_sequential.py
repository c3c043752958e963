"""Sequential models that are built late, by odd inputs, or wrongly."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import neurona as keras
from neurona.errors import ArgumentError, ShapeError
from neurona.layers import LSTM, Dense, Input, Layer

X = np.ones((4, 3), "float32")


class Passes(Layer):
    def call(self, inputs: Any) -> Any:
        self.kind = type(inputs)
        return inputs


@pytest.mark.parametrize("data", [{"a": X, "b": X}, [X, X]])
def test_nested_inputs_go_through_layer_by_layer(data: Any) -> None:
    layer = Passes()
    model = keras.Sequential([layer])
    assert type(model(data)) is layer.kind is type(data)
    model.summary(print_fn=lambda text: None)
    assert model._functional is None


def test_a_layer_that_cannot_tell_its_shape() -> None:
    class Silent(Layer):
        def call(self, x: Any) -> Any:
            return x + 1.0

        def compute_output_spec(self, *args: Any, **kwargs: Any) -> Any:
            raise NotImplementedError

    np.testing.assert_array_equal(keras.Sequential([Silent()])(X).numpy(), X + 1)


def test_a_stateful_layer_is_built_by_the_first_batch() -> None:
    model = keras.Sequential([LSTM(2, stateful=True)])
    x = np.ones((4, 5, 3), "float32")
    first, second = model(x).numpy(), model(x).numpy()
    assert first.shape == (4, 2)
    assert np.abs(first - second).max() > 0


def test_the_batch_is_left_open() -> None:
    model = keras.Sequential([Dense(2)])
    model(X)
    assert (model.input_shape, model.output_shape) == ((None, 3), (None, 2))
    assert type(model._functional) is keras.Functional
    fixed = keras.Sequential([Input(batch_shape=(4, 3)), Dense(2)])
    assert fixed(X[:2]).shape == (2, 2)  # as in Keras: the axes behind the batch are what counts
    with pytest.raises(ShapeError, match=r"expected shape=\(None, 3\), found shape=\(4, 2\)"):
        fixed(X[:, :2])


def test_a_model_before_tells_the_shape() -> None:
    inner = keras.Sequential([Input((3,)), Dense(2)])
    assert keras.Sequential([inner, Dense(1)]).output_shape == (None, 1)


def test_errors_say_what_to_do() -> None:
    class Two(Layer):
        def call(self, inputs: Any, more: Any) -> Any:
            return inputs

    configured = keras.Sequential([Input((3,)), Dense(2)])
    wrong: list[tuple[Any, str]] = [
        (lambda: keras.Sequential([Input((3,)), Input((3,))]), "already been configured to use input shape"),
        (lambda: configured.build((4, 5)), r"configured to use input shape \(None, 3\)"),
        (lambda: keras.Sequential()(X), "no layers"),
        (lambda: keras.Sequential([Two()]).build((None, 3)), r"single required positional argument.*'more'"),
        (lambda: keras.Sequential([{}]), "Only instances of"),
        (lambda: configured._functional([X, X]), "expected 1 input"),
    ]
    for make, text in wrong:
        with pytest.raises(ArgumentError, match=text):
            make()
    configured.build((None, 3))
    x = Input((3,))
    frozen = keras.Model(x, Dense(2)(x), trainable=False)
    assert not frozen.layers[1].trainable
