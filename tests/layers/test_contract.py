"""What Keras promises of every layer, and its own tests ask of it: state, losses, calls, types."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import neurona as keras
from neurona import layers, metrics, ops, random
from neurona.errors import ArgumentError, NotBuiltError
from neurona.layers import Layer
from neurona.symbolic import KerasTensor
from neurona.tape import Tape
from neurona.tensor import Tensor

X = np.arange(6, dtype="float32").reshape(2, 3)


class Stateful(Layer):
    """A layer with each kind of state."""

    def __init__(self) -> None:
        super().__init__()
        self.seed = random.SeedGenerator(7)
        self.factor = self.add_weight(shape=(), initializer="ones", regularizer="l1")
        self.calls = self.add_weight(shape=(), initializer="zeros", trainable=False)
        self.measured = metrics.Mean(name="measured")
        self.inner = layers.Dense(2)
        self.built = True

    def call(self, x: Tensor) -> Tensor:
        self.calls.assign_add(1.0)
        self.add_loss(ops.sum(x))
        return x * self.factor + random.normal((), seed=self.seed)


def test_stateless_call_leaves_the_layer_as_it_was() -> None:
    layer, other = Stateful(), Stateful()
    expected = other(X).numpy()
    before = [v.numpy() for v in layer.variables]
    outputs, after, losses = layer.stateless_call(
        layer.trainable_variables, layer.non_trainable_variables, X, return_losses=True
    )
    np.testing.assert_array_equal(outputs.numpy(), expected)
    for new, old in zip(after, other.non_trainable_variables, strict=True):
        np.testing.assert_array_equal(new.numpy(), old.numpy())
    assert [float(loss) for loss in losses] == [15.0, pytest.approx(0.01)]
    for variable, value in zip(layer.variables, before, strict=True):
        np.testing.assert_array_equal(variable.numpy(), value)
    twice, _ = layer.stateless_call([2.0], layer.non_trainable_variables, X)
    np.testing.assert_allclose(twice.numpy(), expected + X)
    with pytest.raises(ArgumentError, match=r"Expected 1 trainable_variables.*Received: 0"):
        layer.stateless_call([], layer.non_trainable_variables, X)
    with pytest.raises(NotBuiltError, match="must be built"):
        layers.Dense(2).stateless_call([], [], X)


def test_what_a_layer_holds_is_told_by_kind() -> None:
    layer = Stateful()
    assert layer.metrics == [layer.measured]
    assert len(layer.metrics_variables) == 2
    assert layer._layers == [layer.inner]
    assert layer._seed_generators == [layer.seed]
    assert (layer._trainable_variables, layer._non_trainable_variables) == ([layer.factor], [layer.calls])
    assert layer.non_trainable_weights[-1] is not layer.add_variable((2,), "zeros", trainable=False)
    assert layer._non_trainable_variables[-1].shape == (2,)
    layer._untrack_variable(layer.factor)
    assert layer.factor is None
    assert not layer.trainable_weights


def test_a_built_layer_makes_no_more_weights() -> None:
    class Late(Layer):
        def call(self, x: Tensor) -> Tensor:
            self.add_weight(shape=(), name="late")
            return x

    with pytest.raises(ArgumentError, match=r"cannot add new elements of state.*name='late'"):
        Late()(X)


@pytest.mark.parametrize(
    ("names", "text"),
    [
        ("foo_shape, bar", "argument `bar`, which does not end in `_shape`"),
        ("foo_shape, baz_shape", r"argument `baz_shape`, but `call\(\)` does not have argument `baz`"),
    ],
)
def test_build_names_the_shapes_of_calls_arguments(names: str, text: str) -> None:
    space: dict[str, Any] = {"Layer": Layer}
    exec(f"class Wrong(Layer):\n def build(self, {names}): pass\n def call(self, foo, bar): return foo", space)
    with pytest.raises(ArgumentError, match=text):
        space["Wrong"]()(X, X)


def test_shapes_of_any_nesting_become_symbols() -> None:
    class Split(Layer):
        def call(self, x: Tensor) -> Any:
            raise AssertionError("the shapes say enough")

        def compute_output_shape(self, input_shape: Any) -> Any:
            return {"a": input_shape, "b": (input_shape, [input_shape])}

    found = Split().compute_output_spec(KerasTensor((2, 3)))
    assert [t.shape for t in (found["a"], found["b"][0], found["b"][1][0])] == [(2, 3)] * 3


def test_a_shared_layers_losses_are_those_of_the_call_under_way() -> None:
    inner = layers.Dense(2, activity_regularizer="l2")
    first, second = layers.TimeDistributed(inner), layers.TimeDistributed(inner)
    for wrapper in (first, second, first):
        model = keras.Sequential([layers.Reshape((3, 1)), wrapper])
        model(X)
        assert len(model.losses) <= 1
    outer = Stateful()
    outer(X)
    keras.Sequential([outer])(X)
    assert len(outer.losses) == 2  # the call's and the weight's


def test_a_policy_may_be_set_by_name() -> None:
    layer = layers.Dense(2)
    layer.dtype_policy = "mixed_float16"
    assert (layer.compute_dtype, layer.variable_dtype) == ("float16", "float32")
    assert layer(X).dtype == "float16"


def test_in_mixed_precision_a_users_layer_sees_its_weights_in_halves() -> None:
    class Mixed(Layer):
        def __init__(self, autocast: bool) -> None:
            super().__init__(dtype="mixed_float16")
            self.factor = self.add_weight(shape=(3,), initializer="ones", autocast=autocast)

        def call(self, x: Tensor) -> Tensor:
            self.seen = str(self.factor.dtype)
            return x * self.factor

    for autocast, dtype in ((True, "float16"), (False, "float32")):
        layer = Mixed(autocast)
        with Tape() as tape:
            y = layer(X)
            loss = ops.sum(y)
        assert (str(y.dtype), layer.seen, layer.factor.dtype) == (dtype, dtype, "float32")
        np.testing.assert_allclose(tape.gradient(loss, [layer.factor])[0], X.sum(axis=0))
        assert layer(layers.Input((3,))).dtype == dtype
        (weight,) = layer.weights
        assert weight is layer.factor


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"batch_size": 4, "batch_shape": (4, 3)}, "cannot pass both `batch_size` and `batch_shape`"),
        ({"shape": (3,), "sparse": True}, "`sparse=True` is not supported"),
        ({"shape": (3,), "input_tensor": X}, "`input_tensor` must be a KerasTensor"),
        ({"shape": (4,), "input_tensor": KerasTensor((2, 3))}, r"the tensor's own: \(3,\). Received: shape=\(4,\)"),
        ({"shape": (3,), "depth": 3}, "Unrecognized keyword arguments"),
    ],
)
def test_inputs_that_cannot_be(arguments: dict[str, Any], text: str) -> None:
    with pytest.raises(ArgumentError, match=text):
        layers.InputLayer(**arguments)


def test_old_names_of_an_inputs_shape() -> None:
    with pytest.warns(UserWarning, match="`input_shape` is deprecated"):
        assert layers.InputLayer(input_shape=(3,), batch_size=2).batch_shape == (2, 3)
    assert layers.InputLayer(batch_input_shape=(2, 3)).output.shape == (2, 3)


def test_plain_settings_stand_in_a_configuration_as_they_are() -> None:
    class Cell(Layer):
        def __init__(self, sizes: Any, **kwargs: Any) -> None:
            super().__init__(**kwargs)
            self.sizes = sizes

    cell = Cell((3, [4]))
    assert cell.get_config()["sizes"] == (3, [4])
    assert Cell.from_config(cell.get_config()).sizes == (3, [4])


def test_spectral_normalization_divides_by_the_largest_singular_value() -> None:
    dense = layers.Dense(4, use_bias=False)
    layer = layers.SpectralNormalization(dense, power_iterations=50)
    x = np.eye(6, dtype="float32")
    kernel = layer(x).numpy()  # at rest nothing changes
    np.testing.assert_array_equal(kernel, dense.kernel.numpy())
    np.testing.assert_allclose(layer(x, training=True).numpy(), kernel / np.linalg.norm(kernel, 2), rtol=1e-4)
    dense.kernel.assign(np.zeros((6, 4)))
    assert not layer(x, training=True).numpy().any()
    assert layers.SpectralNormalization.from_config(layer.get_config()).power_iterations == 50
    with pytest.raises(ArgumentError, match="greater than zero"):
        layers.SpectralNormalization(dense, power_iterations=0)
    with pytest.raises(ArgumentError, match="no attribute 'kernel' nor 'embeddings'"):
        layers.SpectralNormalization(layers.ReLU())(x)


def test_a_specification_describes_itself() -> None:
    spec = layers.InputSpec(shape=(None, 3), axes={1: 3})
    assert layers.InputSpec.from_config(spec.get_config()).get_config() == spec.get_config()
