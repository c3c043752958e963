"""Operation and Function: drawn computations that keep nothing."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import neurona as keras
from neurona import KerasTensor, ops
from neurona.errors import ArgumentError, ShapeError


class Mixed(keras.Operation):
    def call(self, x: Any, y: Any, z: Any = None) -> Any:
        return 3 * z + x + 2 * y


class Scaled(keras.Operation):
    def __init__(self, factor: float = 2.0, mode: str = "up") -> None:
        super().__init__()
        self.factor, self.mode = factor, mode

    def call(self, x: Any) -> Any:
        return x * self.factor, x


def test_it_computes_and_is_drawn() -> None:
    x, y, z = (np.full((2, 3), n, "float32") for n in (1.0, 2.0, 3.0))
    operation = Mixed(name="mixed")
    np.testing.assert_array_equal(operation(x, y=y, z=z), np.full((2, 3), 14.0))
    symbols = [KerasTensor((2, 3)) for _ in range(3)]
    output = operation(*symbols[:2], z=symbols[2])
    assert output.shape == (2, 3) and operation.output is output
    assert all(a is b for a, b in zip(operation.input, symbols, strict=True))
    operation.symbolic_call(*symbols)
    assert operation.output is output  # of the first call


def test_several_outputs_and_what_it_is_made_of() -> None:
    operation = Scaled(0.5)
    up, same = operation(KerasTensor((None, 3)))
    assert operation.output == [up, same] and up.shape == (None, 3)
    assert operation.get_config() == {"factor": 0.5, "mode": "up"}
    assert Scaled.from_config(operation.get_config()).factor == 0.5
    assert Mixed(name="a").get_config() == {"name": "a"}
    with pytest.raises(NotImplementedError, match="must override"):
        Scaled(np.ones(3)).get_config()  # type: ignore[arg-type]
    with pytest.raises(ArgumentError, match="must be a string and cannot contain"):
        Mixed(name="a/b")


def test_it_is_part_of_a_model_and_gradients_flow_through_it() -> None:
    inputs = keras.Input((2,))
    model = keras.Model(inputs, keras.layers.Dense(1)(Scaled(3.0)(inputs)[0]))
    model.compile("sgd", "mse")
    before = model.get_weights()[0].copy()
    model.fit(np.ones((4, 2)), np.ones((4, 1)), verbose=0)
    assert (model.get_weights()[0] != before).all()
    value, slope = keras.value_and_grad(lambda x: ops.sum(Scaled(3.0)(x)[0]))(np.ones(2))
    assert float(value) == 6.0 and slope.numpy().tolist() == [3.0, 3.0]


def test_a_function_computes_what_was_drawn() -> None:
    a, b = KerasTensor((None, 3)), KerasTensor((None, 3))
    total = a + b
    function = keras.Function({"a": a, "b": b}, [total * 3, total**2], name="drawn")
    tripled, squared = function({"a": np.ones((2, 3)), "b": np.ones((2, 3))})
    np.testing.assert_array_equal(tripled, np.full((2, 3), 6.0))
    np.testing.assert_array_equal(squared, np.full((2, 3), 4.0))
    assert function.name == "drawn" and len(function.inputs) == len(function.outputs) == 2
    assert {"add", "multiply", "power"} <= {layer.name.split("_")[0] for layer in function.operations}


def test_functions_nest() -> None:
    a = KerasTensor((None, 3))
    square = keras.Function(a, a**2)
    assert square.compute_output_spec(KerasTensor((4, 3))).shape == (4, 3)
    b = KerasTensor((4, 3))
    again = keras.Function([b], square(b) + 1.0)
    np.testing.assert_array_equal(again([np.full((4, 3), 2.0)]), np.full((4, 3), 5.0))


def test_it_says_what_does_not_fit() -> None:
    a = KerasTensor((2, 3))
    function = keras.Function([a], a * 2)
    with pytest.raises(ArgumentError, match="invalid input structure"):
        function(np.ones((2, 3)))
    for shape in ((2, 3, 3), (4, 3)):
        with pytest.raises(ShapeError, match="incompatible inputs"):
            function([np.ones(shape)])
    with pytest.raises(ArgumentError, match="`inputs` argument cannot be empty"):
        keras.Function([], a)
    with pytest.raises(ArgumentError, match="`outputs` argument cannot be empty"):
        keras.Function(a, [])
    with pytest.raises(ArgumentError, match="disconnected"):
        keras.Function(KerasTensor((2,)), a * 2)
