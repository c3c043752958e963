"""What surrounds every rule, worked by hand on plain gradient descent; errors; custom optimizers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import neurona
from neurona import kernels, ops, optimizers
from neurona.errors import ArgumentError, DTypeError, NotBuiltError, UnknownNameError
from neurona.optimizers import SGD, Adam, LossScaleOptimizer, Optimizer
from neurona.optimizers.schedules import ExponentialDecay, LearningRateSchedule


def variable(*values: float, **kwargs: Any) -> neurona.Variable:
    return neurona.Variable(np.array(values, np.float32), **kwargs)


def step(optimizer: Any, w: neurona.Variable, *gradient: float) -> list[float]:
    optimizer.apply([np.array(gradient, np.float32)], [w])
    return w.numpy().tolist()


# -- by hand -------------------------------------------------------------------------------------------------


def test_momentum_by_hand() -> None:
    optimizer, w = SGD(0.5, momentum=0.5), variable(1.0)
    assert step(optimizer, w, 2.0) == [0.0]  # m = -1
    assert step(optimizer, w, 2.0) == [-1.5]  # m = -0.5 - 1


def test_nesterov_by_hand() -> None:
    optimizer, w = SGD(0.5, momentum=0.5, nesterov=True), variable(1.0)
    assert step(optimizer, w, 2.0) == [-0.5]  # m = -1, step = -0.5 - 1


def test_weight_decay_comes_before_the_step_and_spares_whom_it_is_told() -> None:
    optimizer, w, b = SGD(0.5, weight_decay=0.1), variable(2.0, name="kernel"), variable(2.0, name="bias")
    optimizer.exclude_from_weight_decay(var_names=["bias"])
    optimizer.apply([np.ones(1, np.float32)] * 2, [w, b])
    assert w.numpy().tolist() == pytest.approx([2.0 * (1 - 0.05) - 0.5])
    assert b.numpy().tolist() == [1.5]


def test_clipping_by_hand() -> None:
    assert step(SGD(1.0, clipvalue=0.5), variable(0.0, 0.0), 3.0, -0.25) == [-0.5, 0.25]
    assert step(SGD(1.0, clipnorm=1.0), variable(0.0, 0.0), 3.0, 4.0) == pytest.approx([-0.6, -0.8])
    assert step(SGD(1.0, clipnorm=10.0), variable(0.0, 0.0), 3.0, 4.0) == [-3.0, -4.0]
    a, b = variable(0.0), variable(0.0)
    SGD(1.0, global_clipnorm=1.0).apply([np.array([3.0], "f4"), np.array([4.0], "f4")], [a, b])
    assert [float(a.data[0]), float(b.data[0])] == pytest.approx([-0.6, -0.8])


def test_a_broken_gradient_is_not_hidden_by_clipping() -> None:
    w = variable(0.0, 0.0)
    assert np.isnan(step(SGD(1.0, global_clipnorm=1.0), w, float("inf"), 1.0)).all()


def test_accumulated_gradients_move_once_by_their_mean() -> None:
    optimizer, w = SGD(1.0, gradient_accumulation_steps=2), variable(0.0)
    assert step(optimizer, w, 1.0) == [0.0]
    assert step(optimizer, w, 3.0) == [-2.0]
    assert int(optimizer.iterations.numpy()) == 1
    assert step(optimizer, w, 1.0) == [-2.0]
    assert step(optimizer, w, 1.0) == [-3.0]


def test_the_average_of_the_weights() -> None:
    optimizer, w = SGD(1.0, use_ema=True, ema_momentum=0.5), variable(0.0)
    step(optimizer, w, -1.0)  # w = 1, average = 1: the first step starts it
    step(optimizer, w, -2.0)  # w = 3, average = 2
    optimizer.finalize_variable_values([w])
    assert w.numpy().tolist() == [2.0]


def test_the_average_overwrites_the_weights_when_told() -> None:
    optimizer, w = SGD(1.0, use_ema=True, ema_momentum=0.5, ema_overwrite_frequency=2), variable(0.0)
    step(optimizer, w, -1.0)
    assert step(optimizer, w, -2.0) == [2.0]


def test_loss_scale() -> None:
    optimizer, w = SGD(1.0, loss_scale_factor=4.0), variable(0.0)
    assert optimizer.scale_loss(2.0) == 8.0
    assert step(optimizer, w, 8.0) == [-2.0]


def test_constraints_hold_after_the_step() -> None:
    w = variable(1.0, -1.0, constraint=lambda v: ops.maximum(v, 0.0))
    assert step(SGD(1.0), w, 3.0, -3.0) == [0.0, 2.0]


def test_a_variable_that_its_gradient_overwrites() -> None:
    w, scale = variable(1.0), variable(5.0)
    scale.overwrite_with_gradient = True
    optimizer = SGD(1.0, momentum=0.5)
    optimizer.apply([np.ones(1, "f4"), np.full(1, 7.0, "f4")], [w, scale])
    assert (w.numpy().tolist(), scale.numpy().tolist()) == ([0.0], [7.0])
    assert optimizer.momentums[1] is None


# -- the learning rate ---------------------------------------------------------------------------------------


def test_the_learning_rate_can_be_set() -> None:
    optimizer, w = SGD(1.0), variable(0.0)
    optimizer.learning_rate = 0.25
    assert step(optimizer, w, 1.0) == [-0.25]
    assert float(optimizer.learning_rate) == 0.25
    optimizer.learning_rate = ExponentialDecay(0.5, 1, 0.5)
    assert step(optimizer, w, 1.0) == [-0.5]  # one step was done: 0.5 · 0.5
    with pytest.raises(DTypeError, match="not settable"):
        optimizer.learning_rate = 0.1
    assert [v.name for v in optimizer.variables] == ["iteration"]


def test_a_schedule_sees_the_steps_and_a_function_nothing() -> None:
    class Mine(LearningRateSchedule):
        def __call__(self, step: Any) -> Any:
            return ops.cast(step, "float32") + 1.0

    w = variable(0.0)
    optimizer = SGD(Mine())
    assert [step(optimizer, w, 1.0) for _ in range(3)] == [[-1.0], [-3.0], [-6.0]]
    assert float(optimizer.learning_rate) == 4.0
    assert step(SGD(lambda: 0.5), variable(0.0), 1.0) == [-0.5]


# -- of your own ---------------------------------------------------------------------------------------------


class Heavy(Optimizer):
    """As the documentation of Keras has it: a rule made of ops, with state of its own."""

    def build(self, variables: Any) -> None:
        super().build(variables)
        self.moments = [self.add_variable_from_reference(v, name="momentum") for v in variables]

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        learning_rate = ops.cast(learning_rate, variable.dtype)
        m = self.moments[self._get_variable_index(variable)]
        self.assign(m, ops.subtract(ops.multiply(m, 0.9), ops.multiply(gradient, learning_rate)))
        self.assign_add(variable, m)


def test_an_optimizer_made_of_ops_is_momentum() -> None:
    ours, theirs, mine = variable(1.0, 2.0), variable(1.0, 2.0), Heavy(0.1, weight_decay=0.1, clipnorm=1.0)
    known = SGD(0.1, momentum=0.9, weight_decay=0.1, clipnorm=1.0)
    for _ in range(5):
        step(mine, ours, 3.0, -1.0)
        step(known, theirs, 3.0, -1.0)
    np.testing.assert_allclose(ours.numpy(), theirs.numpy(), rtol=1e-6)
    assert [v.path for v in mine.variables][2:] == [f"{mine.name}/{ours.name}_momentum"]


def test_stateless_apply_changes_nothing() -> None:
    optimizer, w = Adam(0.1), variable(1.0)
    optimizer.build([w])
    before = [v.numpy() for v in optimizer.variables]
    (moved,), state = optimizer.stateless_apply(optimizer.variables, [np.ones(1, "f4")], [w])
    assert w.numpy().tolist() == [1.0]
    assert all(np.array_equal(v.numpy(), b) for v, b in zip(optimizer.variables, before, strict=True))
    assert step(optimizer, w, 1.0) == moved.numpy().tolist()
    assert all(np.array_equal(v.numpy(), s.numpy()) for v, s in zip(optimizer.variables, state, strict=True))


def test_a_running_tape_keeps_the_weights_it_saw() -> None:
    w = variable(3.0)
    with neurona.Tape() as tape:
        loss = ops.sum(ops.square(w))
        SGD(1.0).apply([np.ones(1, "f4")], [w])
    assert w.numpy().tolist() == [2.0]
    assert tape.gradient(loss, w).numpy().tolist() == [6.0]


def test_loss_scale_optimizer_leaves_out_broken_steps() -> None:
    optimizer, w = LossScaleOptimizer(SGD(1.0), initial_scale=8.0, dynamic_growth_steps=2), variable(0.0)
    assert optimizer.scale_loss(1.0) == 8.0
    assert step(optimizer, w, 8.0) == [-1.0]
    assert step(optimizer, w, float("inf")) == [-1.0]
    assert optimizer.scale_loss(1.0) == 4.0
    for _ in range(2):
        step(optimizer, w, 4.0)
    assert (w.numpy().tolist(), optimizer.scale_loss(1.0)) == ([-3.0], 8.0)
    again = optimizers.deserialize(optimizers.serialize(optimizer))
    assert again.get_config() == optimizer.get_config()


# -- errors --------------------------------------------------------------------------------------------------

W = variable(1.0)
G = np.ones(1, np.float32)


@pytest.mark.parametrize(
    ("call", "kind", "text"),
    [
        (lambda: SGD(1), ArgumentError, "should be float"),
        (lambda: SGD(momentum=2.0), ArgumentError, r"between \[0, 1\]"),
        (lambda: SGD(clipnorm=1.0, clipvalue=1.0), ArgumentError, "Only one of `clipnorm`"),
        (lambda: SGD(gradient_accumulation_steps=1), ArgumentError, "integer >= 2"),
        (lambda: SGD(use_ema=True, ema_momentum=2.0), ArgumentError, "ema_momentum=2.0"),
        (lambda: SGD(use_ema=True, ema_overwrite_frequency=0.5), ArgumentError, "ema_overwrite_frequency=0.5"),
        (lambda: SGD(rate=1.0), ArgumentError, r"not recognized: \{'rate'"),
        (lambda: optimizers.AdamW(weight_decay=None), ArgumentError, "must be a float"),
        (lambda: optimizers.Lion(beta_1=0.0), ArgumentError, "beta_1=0.0"),
        (lambda: optimizers.Ftrl(learning_rate_power=0.5), ArgumentError, "negative or zero"),
        (lambda: optimizers.Ftrl(l1_regularization_strength=-1.0), ArgumentError, "positive or zero"),
        (lambda: SGD().apply([G]), NotBuiltError, "must already be built"),
        (lambda: SGD().apply([G, G], [W]), ArgumentError, "2 gradients"),
        (lambda: SGD().apply([np.ones(2, "f4")], [W]), ArgumentError, "the shape of its variable"),
        (lambda: SGD().apply([None], [W]), ArgumentError, "No gradients provided"),
        (lambda: SGD().set_weights([]), NotBuiltError, "not yet been built"),
        (lambda: SGD().stateless_apply([], [], []), NotBuiltError, "must be built"),
        (lambda: LossScaleOptimizer(SGD(), clipnorm=1.0), ArgumentError, "clipnorm"),
        (lambda: optimizers.get("adm"), UnknownNameError, "Did you mean 'adam'"),
        (lambda: optimizers.get(len), ArgumentError, "Could not interpret"),
        (lambda: Optimizer(0.1).apply([G], [W]), NotImplementedError, "must override `update_step`"),
    ],
)
def test_errors(call: Any, kind: type[Exception], text: str) -> None:
    with pytest.raises(kind, match=text):
        call()


def test_an_unknown_variable() -> None:
    optimizer = SGD()
    optimizer.build([W])
    with pytest.raises(ArgumentError, match="Unknown variable"):
        optimizer.apply([G], [variable(1.0)])


def test_state_of_another_length_is_passed_over() -> None:
    optimizer = Adam()
    with pytest.warns(UserWarning, match="Skipping variable loading"):
        optimizer.load_own_variables({"0": np.zeros(())})


def test_a_subclass_that_forgets_its_base() -> None:
    class Forgetful(Optimizer):
        def __init__(self) -> None:
            self.momentum = 0.9

    with pytest.raises(RuntimeError, match=r"forgot to call `super\(\).__init__\(\)`"):
        Forgetful()


def test_the_numpy_path_takes_no_fresh_memory() -> None:
    """Scratch arrays are used again: the second step's are the first's."""
    optimizer, w = Adam(clipnorm=1.0), neurona.Variable(np.ones((50, 50), np.float32))
    with kernels.disabled():
        step_of = optimizer._scratch
        optimizer.apply([np.ones((50, 50), "f4")], [w])
        first = [id(a) for a in step_of(w.data, 2)]
        optimizer.apply([np.ones((50, 50), "f4")], [w])
        assert [id(a) for a in step_of(w.data, 2)] == first
