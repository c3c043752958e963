"""Control flow: results, structures kept, gradients through loops, and steps that can be repeated or not."""

from __future__ import annotations

import doctest

import numpy as np
import pytest

from neurona import ops
from neurona.errors import ArgumentError, ShapeError
from neurona.gradient_check import gradcheck
from neurona.ops import control
from neurona.symbolic import KerasTensor
from neurona.tape import Tape, value_and_grad
from neurona.tensor import Tensor
from neurona.training.plan import Plan
from neurona.variable import Variable


def test_examples_run() -> None:
    result = doctest.testmod(control, extraglobs={"ops": ops})
    assert result.failed == 0
    assert result.attempted >= len(control.__all__)


def test_conditions_make_a_recording_unrepeatable() -> None:
    with Tape(everything=True) as tape:
        got = ops.cond(ops.sum(Tensor([1.0])) > 0.0, lambda: 1, lambda: 2)
    assert got == 1
    assert tape.unrepeatable is not None
    with Tape(everything=True) as tape:
        ops.fori_loop(0, 3, lambda i, x: x * 2.0, Tensor([1.0]))
    assert tape.unrepeatable is None


def test_switch_holds_the_index_within_the_list() -> None:
    branches = [lambda x: x - 1, lambda x: x + 1]
    assert [int(ops.switch(i, branches, Tensor(10))) for i in (-5, 0, 1, 7)] == [9, 9, 11, 11]
    with pytest.raises(ArgumentError, match="at least one branch"):
        ops.switch(0, [])


def test_while_loop_keeps_its_structure() -> None:
    i, total = ops.while_loop(lambda i, t: i < 5, lambda i, t: (i + 1, t + i), (0, 0))
    assert (int(i), int(total)) == (5, 10)
    assert isinstance(ops.while_loop(lambda i: i < 5, lambda i: (i + 1,), [0]), list)
    assert int(ops.while_loop(lambda i: i < 100, lambda i: i + 1, 0, maximum_iterations=7)) == 7


def test_scan_forwards_and_backwards() -> None:
    x = np.arange(4.0)
    total, seen = ops.scan(lambda c, v: (c + v, {"a": c, "b": (v * 2,)}), Tensor(0.0), x)
    assert total.item() == 6
    assert seen["a"].tolist() == [0, 0, 1, 3]
    assert isinstance(seen["b"], tuple)
    total, seen = ops.scan(lambda c, v: (c + v, c), Tensor(0.0), x, reverse=True)
    assert total.item() == 6
    assert seen.tolist() == [6, 5, 3, 0]
    counted, nothing = ops.scan(lambda c, v: (c + 1, None), 0, length=3)
    assert int(counted) == 3
    assert nothing is None
    with pytest.raises(ArgumentError, match="length=4, as xs has"):
        ops.scan(lambda c, v: (c, v), 0, x, length=3)
    with pytest.raises(ArgumentError, match="xs, or the number of steps"):
        ops.scan(lambda c, v: (c, v), 0)


def test_gradients_flow_through_loops() -> None:
    x = np.array([0.5, -1.0, 2.0])
    gradcheck(lambda t: ops.scan(lambda c, v: (c * v + v, c * c), Tensor(np.array(1.0)), t), x)
    gradcheck(lambda t: ops.fori_loop(0, 3, lambda i, v: v * t, t), x)
    gradcheck(lambda t: ops.associative_scan(lambda a, b: a * b, t), x)
    gradcheck(lambda t: ops.map(lambda v: v * v, t), x)


@pytest.mark.parametrize("count", [1, 2, 5, 8])
def test_associative_scan_is_the_running_product_of_matrices(count: int) -> None:
    m = np.random.default_rng(0).standard_normal((count, 2, 2))
    wanted = [m[0]]
    for each in m[1:]:
        wanted.append(wanted[-1] @ each)
    got = ops.associative_scan(lambda a, b: ops.matmul(a, b), m)
    np.testing.assert_allclose(got.numpy(), wanted)
    back = ops.associative_scan(lambda a, b: a + b, m, reverse=True).numpy()
    np.testing.assert_allclose(back, np.flip(np.cumsum(np.flip(m, 0), 0), 0), atol=1e-12)
    pair = ops.associative_scan(lambda a, b: (a[0] + b[0], a[1] * b[1]), (m, m), axis=1)
    np.testing.assert_allclose(pair[0].numpy(), np.cumsum(m, 1))


def test_map_over_structures_and_lengths_that_differ() -> None:
    double, summed = ops.map(lambda p: (p["a"] * 2.0, p["a"] + p["b"]), {"a": np.ones(3), "b": np.arange(3.0)})
    assert double.tolist() == [2, 2, 2]
    assert summed.tolist() == [1, 2, 3]
    with pytest.raises(ShapeError, match="first axes of one length"):
        ops.vectorized_map(lambda p: p[0], (np.ones(2), np.ones(3)))


def test_loops_can_be_drawn() -> None:
    drawn = ops.map(lambda row: ops.sum(row), KerasTensor((5, 3)))
    assert drawn.shape == (5,)


@ops.custom_gradient
def doubled_slope(x, y):  # type: ignore[no-untyped-def]
    return x * y, lambda g: (2.0 * g * y, None)


def test_custom_gradient_replaces_the_true_one() -> None:
    value, slope = value_and_grad(lambda x: ops.sum(doubled_slope(x, Tensor([3.0]))))(np.array([5.0], "float32"))
    assert value.item() == 15
    assert slope.tolist() == [6.0]


def test_custom_gradient_of_several_values() -> None:
    @ops.custom_gradient
    def both(x):  # type: ignore[no-untyped-def]
        return (x + 1.0, x * x), lambda g1, g2: g1 + 2.0 * x * g2

    gradcheck(both, np.array([1.0, -2.0]))


def test_custom_gradient_in_a_repeated_step_is_made_anew() -> None:
    @ops.custom_gradient
    def squared(x):  # type: ignore[no-untyped-def]
        return x * x, lambda g: g * 2.0 * x  # reads the x of its own forward pass

    weight = Variable(np.array([1.0], "float32"))

    def step(x: Tensor) -> tuple[Tensor, Tensor]:
        y = squared(weight * x)
        return ops.sum(y), y

    plan = Plan(step, (np.array([2.0], "float32"),), [weight])
    assert plan.unrepeatable is None
    loss, _, (slope,) = plan([np.array([3.0], "float32")])
    assert loss == 9.0
    assert slope is not None
    assert slope.tolist() == [18.0]


def test_custom_gradient_tells_what_is_wrong() -> None:
    with pytest.raises(ArgumentError, match=r"return \(value, grad_fn\)"):
        ops.custom_gradient(lambda x: x)(Tensor([1.0]))
    short = ops.custom_gradient(lambda x, y: (x * y, lambda g: g))
    with pytest.raises(ArgumentError, match="one for each of 2 arguments"):
        value_and_grad(lambda x: ops.sum(short(x, Tensor([1.0]))))(np.array([1.0]))
