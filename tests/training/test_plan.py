"""A recorded step repeats what the plain one computes, bit for bit, and refuses what cannot be repeated."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import neurona as keras
from neurona import ops
from neurona.layers import BatchNormalization, Dense, Dropout, Input, Layer
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
