"""A model's state as nested dicts."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import neurona as keras
from neurona.errors import ArgumentError, UnknownNameError
from neurona.layers import BatchNormalization, Dense, Input


def trained() -> Any:
    keras.utils.clear_session()  # the same names again
    model = keras.Sequential([Input((3,)), Dense(2, name="dense"), BatchNormalization(name="norm")], name="net")
    model.compile("adam", "mse", metrics=["mae"])
    x = np.random.default_rng(1).random((8, 3))
    model.fit(x, x[:, :2], verbose=0, lint=False)
    return model


def test_a_state_goes_from_model_to_model() -> None:
    one, two = trained(), trained()
    state = one.get_state_tree("numpy_array")
    assert set(state) == {"trainable_variables", "non_trainable_variables", "optimizer_variables", "metrics_variables"}
    np.testing.assert_array_equal(state["trainable_variables"]["net"]["dense"]["kernel"], one.layers[0].kernel.numpy())
    assert set(state["non_trainable_variables"]["net"]["norm"]) == {"moving_mean", "moving_variance"}
    two.set_state_tree(state)
    x = np.ones((2, 3))
    np.testing.assert_array_equal(one.predict(x, verbose=0), two.predict(x, verbose=0))
    for a, b in zip(one.optimizer.variables, two.optimizer.variables, strict=True):
        np.testing.assert_array_equal(a.numpy(), b.numpy())
    assert one.get_state_tree()["trainable_variables"]["net"]["dense"]["bias"].shape == (2,)


def test_what_it_refuses() -> None:
    model = trained()
    with pytest.raises(ArgumentError, match=r"Expected one of \['backend_tensor', 'numpy_array'\]"):
        model.get_state_tree("list")
    with pytest.raises(UnknownNameError, match="Did you mean 'trainable_variables'"):
        model.set_state_tree({"trainable_variable": {}})
    with pytest.raises(NotImplementedError, match="add_metric"):
        model.add_metric(1)
    assert model.symbolic_call(Input((3,))).shape == (None, 2)
    assert model.input_dtype == "float32"
    twice = keras.Model()
    twice.layers_ = [Dense(1, name="same"), Dense(1, name="same")]
    for layer in twice.layers_:
        layer.build((None, 1))
    with pytest.raises(ArgumentError, match="path is found twice in the model: 'same/kernel'"):
        twice.get_state_tree()
