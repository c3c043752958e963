"""A recorded step repeats what the plain one computes, bit for bit, and refuses what cannot be repeated."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import neurona as keras
from neurona import ops
from neurona.layers import BatchNormalization, Dense, Dropout, Input, Layer
from neurona.tape import Tape, value_and_grad
from neurona.training.plan import Plan
from neurona.variable import Variable

X = np.random.default_rng(0).normal(size=(70, 12)).astype("float32")
Y = np.random.default_rng(1).integers(0, 4, 70)


def network(eager: bool, *extra: Layer) -> Any:
    keras.utils.clear_session()
    keras.utils.set_random_seed(3)
    model = keras.Sequential(
        [
            Input((12,)),
            Dense(16, activation="relu", kernel_regularizer="l2"),
            BatchNormalization(),
            Dropout(0.3),
            *extra,
            Dense(8, activation="tanh", activity_regularizer="l1"),
            Dense(4),
        ]
    )
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(0.01), loss, metrics=["accuracy"], run_eagerly=eager)
    return model


def weights_after_training(model: Any, **fit: Any) -> list[np.ndarray]:
    keras.utils.set_random_seed(4)  # of the order of the samples
    model.fit(X, Y, batch_size=16, epochs=3, verbose=0, lint=False, **fit)
    return model.get_weights()


def test_plan_and_eager_agree_bit_for_bit() -> None:
    planned, eager = network(False), network(True)
    for a, b in zip(weights_after_training(planned), weights_after_training(eager), strict=True):
        np.testing.assert_array_equal(a, b)
    assert planned.history.history == eager.history.history
    assert len(planned._plans) == 2, "70 samples make batches of 16 and one of 6"
    assert not eager._plans


def test_plan_and_eager_agree_when_judging_and_predicting() -> None:
    planned, eager = network(False), network(True)
    weights_after_training(planned)
    eager.set_weights(planned.get_weights())
    assert planned.evaluate(X, Y, verbose=0) == eager.evaluate(X, Y, verbose=0)
    np.testing.assert_array_equal(planned.predict(X, verbose=0), eager.predict(X, verbose=0))


class Peeking(Layer):
    """Looks at a value to decide what to do: no recording can repeat that."""

    def call(self, x: Any) -> Any:
        return x * 2.0 if float(ops.mean(x)) > 0 else x


def test_code_that_looks_at_values_runs_step_by_step() -> None:
    planned, eager = network(False, Peeking()), network(True, Peeking())
    for a, b in zip(weights_after_training(planned), weights_after_training(eager), strict=True):
        np.testing.assert_array_equal(a, b)
    assert "read by plain Python" in planned._why_eager
    assert not planned._plans


@pytest.mark.parametrize(
    "look", [bool, float, int, np.asarray, lambda t: t.numpy(), lambda t: t.tolist(), lambda t: t.item()]
)
def test_every_way_to_look_is_noticed(look: Any) -> None:
    plan = Plan(lambda x: (None, (look(ops.sum(x)), x)[1]), (np.ones(3, "float32"),))
    assert plan.unrepeatable is not None


def test_assignments_are_repeated_and_read_in_order() -> None:
    counter = Variable(np.zeros((), "float32"), trainable=False)

    def step(x: Any) -> Any:
        before = counter.value
        counter.assign_add(ops.sum(x))
        return None, (before, counter + 0.0)

    plan = Plan(step, (np.ones(3, "float32"),))
    assert float(counter) == 3.0
    _, (before, after), _ = plan([np.full(3, 2.0, "float32")])
    assert (float(before), float(after), float(counter)) == (3.0, 9.0, 9.0)


def test_random_numbers_are_drawn_anew() -> None:
    generator = keras.random.SeedGenerator(5)
    plan = Plan(lambda x: (None, x * keras.random.uniform((4,), seed=generator)), (np.ones(4, "float32"),))
    second, third = plan([np.ones(4, "float32")])[1], plan([np.ones(4, "float32")])[1]
    assert not np.array_equal(plan.outputs, second)
    assert not np.array_equal(second, third)


def test_gradients_follow_the_variables_as_they_change() -> None:
    w = Variable(np.array([1.0, 2.0], "float32"))
    plan = Plan(lambda x: (ops.sum(w * w * x), None), (np.ones(2, "float32"),), lambda: [w])
    np.testing.assert_array_equal(plan.gradients[0], [2.0, 4.0])
    w.assign([5.0, 7.0])
    loss, _, gradients = plan([np.array([1.0, 10.0], "float32")])
    assert float(loss) == 25 + 490
    np.testing.assert_array_equal(gradients[0], [10.0, 140.0])


def test_what_nobody_needs_is_left_out() -> None:
    def step(x: Any) -> Any:
        ops.exp(ops.sin(x))
        return None, x + 1.0

    assert len(Plan(step, (np.ones(3, "float32"),))._forward) == 1


def test_freezing_after_compile_needs_compile_anew() -> None:
    model = network(False)
    weights_after_training(model)
    model.layers[0].trainable = False
    model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    before = model.layers[0].get_weights()
    weights_after_training(model)
    for a, b in zip(before, model.layers[0].get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_many_shapes_end_in_plain_steps() -> None:
    model = network(False)
    for size in range(2, 40):
        model.train_on_batch(X[:size], Y[:size])
    assert "different shapes" in model._why_eager


# -- what a recording cannot see, or used to see wrongly ---------------------------------------------------------


class Own(Layer):
    """A layer with a weight that training does not change, and a computation given from outside."""

    def __init__(self, compute: Any) -> None:
        super().__init__()
        self.compute = compute

    def build(self, input_shape: Any) -> None:
        self.state = self.add_weight(shape=input_shape[-1:], initializer="ones", trainable=False)

    def call(self, x: Any) -> Any:
        return self.compute(self, x)


def read_then_assigned(layer: Any, x: Any) -> Any:
    view, y = ops.reshape(layer.state, (1, -1)), x * layer.state
    layer.state.assign(layer.state * 0.5)
    z = y * layer.state
    layer.state.assign_add(ops.mean(x, axis=0))
    return z + view + layer.state


def inner_gradient(layer: Any, x: Any) -> Any:
    with Tape() as tape:
        tape.watch(x)
        y = ops.sum(ops.sin(x))
    return x * tape.gradient(y, x)


PROGRAMS = {
    "a variable read before and after it is assigned": read_then_assigned,
    "a gradient within the step": inner_gradient,
    "a tensor made of a tensor": lambda layer, x: x * keras.Tensor(ops.mean(x, axis=0)),
    "a list of tensors": lambda layer, x: x * ops.convert_to_tensor([ops.mean(x[:, i]) for i in range(x.shape[1])]),
    "a list of tensors as an operand": lambda layer, x: x * [ops.mean(x[:, i]) for i in range(x.shape[1])],
    "tensors in a list of places": lambda layer, x: x + x[:, [ops.argmax(ops.mean(x, axis=0)), 0]][:, :1],
    "a tensor as a setting": lambda layer, x: ops.pad(x, ((0, 0), (1, 1)), constant_values=ops.mean(x)),
}


@pytest.mark.parametrize("program", PROGRAMS.values(), ids=PROGRAMS)
def test_plan_and_eager_agree_on(program: Any) -> None:
    planned, eager = network(False, Own(program)), network(True, Own(program))
    for a, b in zip(weights_after_training(planned), weights_after_training(eager), strict=True):
        np.testing.assert_array_equal(a, b)
    np.testing.assert_array_equal(planned.predict(X, verbose=0), eager.predict(X, verbose=0))


def test_gradients_flow_to_tensors_in_lists() -> None:
    x = keras.Tensor([1.0, 2.0])
    _, slope = value_and_grad(lambda t: ops.sum(ops.convert_to_tensor([t[0], t[1] * 3.0]) * [t[1], 1.0]))(x)
    np.testing.assert_array_equal(slope.numpy(), [2.0, 4.0])


class Grows(keras.Model):
    """Counts its calls, and makes a layer only when it trains."""

    def __init__(self) -> None:
        super().__init__()
        self.calls = self.add_weight(shape=(), initializer="zeros", trainable=False)
        self.first, self.last, self.only_in_training = Dense(6), Dense(4), Dense(6)

    def call(self, x: Any, training: bool = False) -> Any:
        self.calls.assign_add(1.0)
        x = self.first(x)
        return self.last(self.only_in_training(x) if training else x)


@pytest.mark.parametrize("eager", [False, True])
def test_a_first_step_builds_runs_once_and_trains_all_weights(eager: bool) -> None:
    keras.utils.set_random_seed(1)
    model = Grows()
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile("sgd", loss, run_eagerly=eager)
    model.train_on_batch(X, Y)
    assert float(model.calls) == 1
    before = model.only_in_training.get_weights()[0]
    model.train_on_batch(X, Y)
    assert not np.array_equal(before, model.only_in_training.get_weights()[0])


def test_a_loss_scale_that_changes_is_followed() -> None:
    trained = []
    for eager in (False, True):
        model = network(eager)
        plain = keras.optimizers.SGD(0.1)
        scaled = keras.optimizers.LossScaleOptimizer(plain, initial_scale=2.0**10, dynamic_growth_steps=2)
        model.compile(scaled, model.loss, run_eagerly=eager)
        trained.append(weights_after_training(model))
    for a, b in zip(*trained, strict=True):
        np.testing.assert_array_equal(a, b)


def test_the_nesting_of_the_inputs_belongs_to_a_plan() -> None:
    class Either(keras.Model):
        def call(self, x: Any) -> Any:
            return x["a"] + x["b"] if "b" in x else x["a"] - x["c"]

    model, one = Either(), np.ones((2, 3), "float32")
    np.testing.assert_array_equal(model.predict({"a": one, "b": one}, verbose=0), one + one)
    np.testing.assert_array_equal(model.predict({"a": one, "c": one}, verbose=0), one - one)


def test_outputs_that_are_no_tensors_are_repeated() -> None:
    plan = Plan(lambda x: (None, (x + 1.0, np.full(2, 7.0))), (np.ones(2, "float32"),))
    np.testing.assert_array_equal(plan([np.zeros(2, "float32")])[1], ([1.0, 1.0], [7.0, 7.0]))


def test_settings_of_the_optimizer_that_change_are_never_frozen() -> None:
    """A metric that reports a scheduled rate sees each step's own."""

    def rate_of(eager: bool) -> list[float]:
        keras.utils.set_random_seed(0)
        model = keras.Sequential([Input((12,)), Dense(4)])
        schedule = keras.optimizers.schedules.ExponentialDecay(0.1, 1, 0.5)

        def rate(y: Any, y_pred: Any) -> Any:
            return ops.convert_to_tensor(model.optimizer.learning_rate) + 0.0 * ops.sum(y_pred)

        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        model.compile(keras.optimizers.SGD(schedule), loss, metrics=[rate], run_eagerly=eager)
        return model.fit(X, Y, batch_size=35, epochs=2, verbose=0, lint=False).history["rate"]

    assert rate_of(False) == rate_of(True)
    assert rate_of(False)[1] < rate_of(False)[0]
