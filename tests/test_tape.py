"""Tensors, the tape and value_and_grad, on values worked by hand."""

from __future__ import annotations

import numpy as np
import pytest

import neurona
from neurona import Tape, Tensor, Variable, gradcheck, ops, value_and_grad
from neurona.errors import DTypeError, GradientError, ShapeError
from neurona.tensor import as_array, stop_recording


def test_a_tensor_used_twice_gets_both_gradients() -> None:
    x = Tensor([2.0, 3.0])
    with Tape() as tape:
        tape.watch(x)
        y = ops.sum(x * x * x)
    np.testing.assert_array_equal(tape.gradient(y, x), [12.0, 27.0])


def test_broadcast_gradients_are_summed_back() -> None:
    w = Variable(np.ones((3,), "float32"))
    with Tape() as tape:
        y = ops.sum(w * np.ones((4, 3), "float32"))
    np.testing.assert_array_equal(tape.gradient(y, w), [4.0, 4.0, 4.0])


def test_gradients_flow_through_lists_of_tensors() -> None:
    a, b = Variable(np.float32(2.0)), Variable(np.float32(5.0))
    with Tape() as tape:
        y = ops.sum(ops.multiply([a, b], [10.0, 100.0]))
    assert [float(g) for g in tape.gradient(y, [a, b])] == [10.0, 100.0]


def test_sources_keep_their_nesting_and_the_unused_give_none() -> None:
    a, b = Variable(np.float32(2.0)), Variable(np.float32(5.0))
    with Tape() as tape:
        y = a * a
    found = tape.gradient(y, {"a": a, "b": [b]})
    assert float(found["a"]) == 4.0 and found["b"] == [None]


def test_an_intermediate_tensor_can_be_a_source() -> None:
    x = Variable(np.float32(3.0))
    with Tape() as tape:
        y = x * 2.0
        z = y * y
    gy, gx = tape.gradient(z, [y, x])
    assert (float(gy), float(gx)) == (12.0, 24.0)


def test_nothing_is_recorded_without_need() -> None:
    x, frozen = Tensor([1.0]), Variable(np.ones(1, "float32"), trainable=False)
    with Tape() as tape:
        ops.exp(x) + frozen
        with stop_recording():
            ops.exp(Variable(np.ones(1, "float32")))
    assert tape.records == []


def test_assigning_within_a_tape_keeps_the_old_value_for_the_gradient() -> None:
    w = Variable(np.float32(3.0))
    with Tape() as tape:
        y = w * w
        w.assign(100.0)
    assert float(tape.gradient(y, w)) == 6.0
    assert float(w) == 100.0


def test_value_and_grad_of_nested_arguments() -> None:
    value, gradient = value_and_grad(lambda p, x: ops.sum(p["w"] * x + p["b"]))(
        {"w": np.array([1.0, 2.0]), "b": 0.5}, np.array([3.0, 4.0], "float32")
    )
    assert float(value) == 3 + 8 + 1
    assert float(gradient["b"]) == 2.0
    np.testing.assert_array_equal(gradient["w"], [3.0, 4.0])


def test_value_and_grad_of_several_arguments_and_unused_ones() -> None:
    _, (gx, gy) = value_and_grad(lambda x, y: ops.sum(x * 3.0), argnums=(0, 1))(np.ones(2), np.ones(3))
    np.testing.assert_array_equal(gx, [3.0, 3.0])
    np.testing.assert_array_equal(gy, [0.0, 0.0, 0.0])


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: value_and_grad(lambda x: x)(np.ones(2)), GradientError, "a tensor of no axes, received shape (2,)"),
        (lambda: Tape().watch(Tensor([1, 2])), GradientError, "Only floats have gradients"),
        (lambda: Tensor([[1.0], [1.0, 2.0]]), ShapeError, "equal lengths"),
        (lambda: Tensor(object()), DTypeError, "Expected numbers"),
        (lambda: list(Tensor(1.0)), DTypeError, "cannot be iterated"),
        (lambda: Variable(np.ones(2)).assign(np.ones(3)), ShapeError, "Expected shape (2,)"),
        (
            lambda: Variable(lambda shape, dtype: 0),
            neurona.errors.ArgumentError,
            "the `shape` argument should be specified",
        ),
    ],
)
def test_errors_say_what_to_do(call: object, error: type[Exception], words: str) -> None:
    with pytest.raises(error) as caught:
        call()  # type: ignore[operator]
    assert words in str(caught.value)


def test_python_numbers_take_the_type_they_meet() -> None:
    assert as_array([1, 2]).dtype == "int32" and as_array(1.5).dtype == "float32"
    assert (Tensor(np.ones(2, "float64")) * 2.0).dtype == "float64"
    assert (Tensor([1, 2]) * 2.0).dtype == "float32"
    assert (np.ones(2, "float32") * Tensor([1.0, 2.0])).dtype == "float32"


def test_numpy_functions_take_tensors() -> None:
    np.testing.assert_allclose(np.exp(Tensor([0.0, 1.0])), np.exp([0.0, 1.0]), rtol=1e-6)


def test_variables_keep_their_own_memory() -> None:
    source = np.zeros(3, "float32")
    variable = Variable(source)
    source[:] = 7
    before = variable.value
    variable.numpy()[:] = 5
    variable.assign_add(np.ones(3))
    np.testing.assert_array_equal(variable, [1.0, 1.0, 1.0])
    np.testing.assert_array_equal(before, [0.0, 0.0, 0.0])


def test_gradcheck_tells_where_and_how_much() -> None:
    @neurona.tape.op(cases=[])
    def _planted(x):  # type: ignore[no-untyped-def]
        return x**2

    @_planted.gradient
    def _(g, y, x):  # type: ignore[no-untyped-def]
        return g * 2.002 * x

    del neurona.tape.OPS["_planted"]
    _planted.n_inputs = 1
    with pytest.raises(GradientError, match=r"wrong at \(0,\) of source 0"):
        gradcheck(_planted, np.array([1.5, 2.0]))


def test_gradcheck_of_a_layer_with_its_weights() -> None:
    neurona.utils.set_random_seed(0)
    layer = neurona.layers.Dense(3, activation="tanh", dtype="float64")
    x = np.random.default_rng(0).normal(size=(4, 2))
    layer(x)
    report = gradcheck(layer, x, variables=layer.trainable_weights)
    assert report.checked == 4 * 2 + 2 * 3 + 3 and report.worst < 1e-6
