"""clone_model: the same structure, new weights."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import neurona as keras
from neurona import ops
from neurona.errors import ArgumentError
from neurona.layers import BatchNormalization, Dense, Input, Layer

X = np.random.default_rng(1).random((5, 3), "float32")


def drawn() -> Any:
    x = Input((3,), name="x")
    shared = Dense(3, name="shared")
    y = ops.relu(shared(shared(x)) + x)
    return keras.Model(x, {"y": Dense(2, name="last")(y)}, name="drawn")


def stacked() -> Any:
    model = keras.Sequential([Input((3,)), Dense(4, name="first"), BatchNormalization(name="norm")], name="stacked")
    model.compile("adam", "mse")
    return model


def nested() -> Any:
    x = Input((3,))
    return keras.Model(x, Dense(1, name="outer")(stacked()(x)))


def renamed(layer: Layer) -> Any:
    return type(layer).from_config({**layer.get_config(), "name": layer.name + "_new"})


@pytest.mark.parametrize("make", [drawn, stacked, nested])
def test_a_copy_computes_the_same_with_weights_of_its_own(make: Any) -> None:
    model = make()
    copy = keras.models.clone_model(model)
    assert not {id(v) for v in copy.variables} & {id(v) for v in model.variables}
    copy.set_weights(model.get_weights())
    one, two = model(X), copy(X)
    for a, b in zip(keras.tree.flatten(one), keras.tree.flatten(two), strict=True):
        np.testing.assert_array_equal(a.numpy(), b.numpy())
    assert (copy.name, copy.compiled) == (model.name, model.compiled)


@pytest.mark.parametrize("make", [drawn, stacked])
def test_layers_are_made_by_the_function_once_each(make: Any) -> None:
    model = make()
    copy = keras.models.clone_model(model, clone_function=renamed)
    names = [layer.name for layer in model.layers if not isinstance(layer, keras.layers.InputLayer)]
    made = [layer.name for layer in copy.layers if not isinstance(layer, keras.layers.InputLayer)]
    assert made == [f"{name}_new" for name in names]
    assert len(copy.weights) == len(model.weights)


def test_models_within_are_copied_layer_by_layer_if_asked() -> None:
    copy = keras.models.clone_model(nested(), clone_function=renamed, recursive=True)
    assert [layer.name for layer in copy.get_layer("stacked").layers] == ["first_new", "norm_new"]


def test_inputs_and_calls_may_be_given() -> None:
    x = Input((3,), name="mine")
    called: list[str] = []

    def call(layer: Any, *args: Any, **kwargs: Any) -> Any:
        called.append(layer.name)
        return layer(*args, **kwargs)

    copy = keras.models.clone_model(drawn(), input_tensors=x, call_function=call)
    assert copy.input is x
    assert called == ["shared", "shared", "last"]
    assert keras.models.clone_model(stacked(), input_tensors=[x]).input is x


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ((drawn, {"input_tensors": [Input((3,))]}), "same structure as model.input"),
        ((drawn, {"input_tensors": X}), "must be KerasTensors"),
        ((stacked, {"input_tensors": X}), "a single KerasTensor"),
        ((stacked, {"call_function": renamed}), "for drawn models only"),
        ((stacked, {"deep": True}), r"unexpected arguments. Received: \['deep'\]"),
    ],
)
def test_what_it_refuses(arguments: Any, text: str) -> None:
    make, told = arguments
    with pytest.raises(ArgumentError, match=text):
        keras.models.clone_model(make(), **told)


def test_a_subclass_is_made_from_its_configuration() -> None:
    class Mine(keras.Model):
        def __init__(self, units: int, **kwargs: Any) -> None:
            super().__init__(**kwargs)
            self.dense = Dense(units)

        def call(self, x: Any) -> Any:
            return self.dense(x)

    copy = keras.models.clone_model(Mine(2))
    assert copy(X).shape == (5, 2)
    with pytest.raises(ArgumentError, match="only supported for Sequential models or Functional"):
        keras.models.clone_model(Mine(2), clone_function=renamed)
