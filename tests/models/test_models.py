"""Sequential, functional and subclassed models: drawing, naming, describing, summarising."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

import neurona as keras
from neurona import ops
from neurona.errors import ArgumentError, DTypeError, NotBuiltError, ShapeError, UnknownNameError
from neurona.layers import Add, Dense, Dropout, Flatten, Input

X = np.random.default_rng(0).normal(size=(5, 4)).astype("float32")


@pytest.fixture(autouse=True)
def fresh_names() -> None:
    keras.utils.clear_session()
    keras.utils.set_random_seed(0)


def residual() -> Any:
    """Two uses of one layer, a skip, an op and a number among the calls."""
    x = Input((4,), name="x")
    shared = Dense(4, activation="tanh", name="shared")
    y = Add(name="sum")([x, shared(shared(x))])
    return keras.Model(x, ops.multiply(y, 2.0), name="residual")


def test_functional_computes_what_was_drawn() -> None:
    model = residual()
    w, b = model.get_layer("shared").get_weights()
    once = np.tanh(X @ w + b)
    np.testing.assert_allclose(model.predict(X, verbose=0), 2 * (X + np.tanh(once @ w + b)), rtol=1e-5, atol=1e-6)
    assert model.count_params() == 20
    assert model.input_shape == (None, 4) and model.output_shape == (None, 4)


def test_layers_are_in_the_order_of_the_computation() -> None:
    model = residual()
    assert [layer.name for layer in model.layers] == ["x", "shared", "sum"]
    assert [one.name for one in model.operations] == ["x", "shared", "sum", "multiply"]


@pytest.mark.parametrize(
    "make", [residual, lambda: keras.Sequential([Input((4,)), Dense(3, name="a"), Dropout(0.5), Dense(2)])]
)
def test_a_description_makes_an_equal_model(make: Any) -> None:
    model = make()
    described = json.loads(json.dumps(keras.saving.serialize_keras_object(model)))
    again = keras.saving.deserialize_keras_object(described)
    assert [layer.name for layer in again.layers] == [layer.name for layer in model.layers]
    again.set_weights(model.get_weights())
    np.testing.assert_array_equal(again.predict(X, verbose=0), model.predict(X, verbose=0))
    assert json.loads(json.dumps(keras.saving.serialize_keras_object(again))) == described


def test_a_model_is_a_layer_of_another() -> None:
    inner = keras.Sequential([Input((4,)), Dense(3, name="inside")], name="inner")
    x = Input((4,))
    outer = keras.Model(x, Dense(2)(inner(x)))
    assert outer.count_params() == 4 * 3 + 3 + 3 * 2 + 2
    assert outer.predict(X, verbose=0).shape == (5, 2)


def test_inputs_by_name_list_and_dict() -> None:
    a, b = Input((2,), name="a"), Input((2,), name="b")
    model = keras.Model({"a": a, "b": b}, ops.subtract(a, b))
    got = model.predict({"b": X[:, 2:], "a": X[:, :2]}, verbose=0)
    np.testing.assert_allclose(got, X[:, :2] - X[:, 2:])
    with pytest.raises(ArgumentError, match="b"):
        model.predict({"a": X[:, :2]}, verbose=0)


def test_a_missing_last_axis_of_length_one_is_added() -> None:
    model = keras.Sequential([Input((1,)), Dense(2)])
    assert model.predict(X[:, 0], verbose=0).shape == (5, 2)


def test_sequential_is_built_by_the_first_data() -> None:
    model = keras.Sequential([Dense(3), Dense(2)])
    assert not model.built
    with pytest.raises(NotBuiltError):
        model.count_params()
    assert model.predict(X, verbose=0).shape == (5, 2)
    assert model.count_params() == 4 * 3 + 3 + 3 * 2 + 2
    assert model.weights[0].path == "sequential/dense/kernel"


def test_add_and_pop() -> None:
    model = keras.Sequential([Input((4,)), Dense(3)])
    model.add(Dense(2))
    assert model.output_shape == (None, 2)
    model.pop()
    assert model.output_shape == (None, 3)
    assert len(model.layers) == 1


def test_subclass_with_lists_and_dicts_of_layers() -> None:
    class Mine(keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self.blocks = [Dense(4) for _ in range(3)]
            self.heads = {"out": Dense(1)}

        def call(self, x: Any) -> Any:
            for block in self.blocks:
                x = block(x)
            return self.heads["out"](x)

    model = Mine()
    model.blocks.append(Dense(4))
    assert model(X).shape == (5, 1)
    assert model.count_params() == 4 * 20 + 5
    assert len(model.trainable_weights) == 10


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (
            lambda: residual().predict(X[:, :3], verbose=0),
            ShapeError,
            "expected shape=(None, 4), found shape=(5, 3)",
        ),
        (lambda: residual().get_layer("shard"), UnknownNameError, "Did you mean 'shared'?"),
        (lambda: residual().get_layer(index=9), ArgumentError, "only has 3 layers"),
        (lambda: keras.Model(Input((2,)), Dense(1)(Input((2,)))), ArgumentError, "Graph disconnected"),
        (lambda: keras.Model(Input((2,)), 3), ArgumentError, "must be symbolic tensors"),
        (lambda: keras.Sequential([3]), ArgumentError, "Only instances of"),
        (lambda: keras.Sequential([Dense(2, name="a"), Dense(2, name="a")]), ArgumentError, "unique names"),
        (lambda: keras.Sequential().pop(), ArgumentError, "no layers"),
        (lambda: bool(Input((2,)) > 0), DTypeError, "cannot be used as a boolean"),
        (lambda: np.asarray(Input((2,))), ArgumentError, "any actual numerical value"),
    ],
)
def test_errors_say_what_to_do(call: Any, error: type[Exception], words: str) -> None:
    with pytest.raises(error) as caught:
        call()
    assert words in str(caught.value)


def test_summary_tells_shapes_and_numbers() -> None:
    model = keras.Sequential([Input((28, 28)), Flatten(), Dense(128), Dense(10)], name="lesson")
    lines: list[str] = []
    model.summary(print_fn=lines.append)
    text = "\n".join(lines)
    for part in (
        'Model: "lesson"',
        "(None, 784)",
        "100,480",
        "Total params: 101,770 (397.54 KB)",
        "Non-trainable params: 0",
    ):
        assert part in text


def test_summary_says_what_feeds_what(capsys: pytest.CaptureFixture[str]) -> None:
    residual().summary()
    out = capsys.readouterr().out
    assert "Connected to" in out and "shared" in out


def test_deep_models_do_not_exhaust_the_stack() -> None:
    x = y = Input((2,))
    for _ in range(1500):
        y = ops.add(y, 1.0)
    assert float(keras.Model(x, y)(np.zeros((1, 2)))[0, 0]) == 1500.0


def test_call_super_first() -> None:
    class Broken(keras.Model):
        def __init__(self) -> None:
            self.dense = Dense(1)

    with pytest.raises(NotBuiltError, match="super"):
        Broken()(X)
