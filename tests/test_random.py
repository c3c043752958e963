"""Random numbers: repeatable, of the right distribution, and drawn anew in a step that is repeated."""

from __future__ import annotations

import doctest
import math
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from neurona import ops, random
from neurona.errors import ArgumentError, ShapeError
from neurona.gradient_check import gradcheck
from neurona.symbolic import KerasTensor
from neurona.tensor import Tensor
from neurona.training.plan import Plan

MANY = 20_000
# how to draw, its mean and its standard deviation
DRAWS: dict[str, tuple[Callable[[Any], Tensor], float, float]] = {
    "normal": (lambda s: random.normal((MANY,), 3.0, 2.0, seed=s), 3.0, 2.0),
    "uniform": (lambda s: random.uniform((MANY,), -1.0, 5.0, seed=s), 2.0, 6 / math.sqrt(12)),
    "truncated_normal": (lambda s: random.truncated_normal((MANY,), 1.0, 2.0, seed=s), 1.0, 2 * 0.8796257),
    "randint": (lambda s: random.randint((MANY,), 0, 11, seed=s), 5.0, math.sqrt(10)),
    "gamma": (lambda s: random.gamma((MANY,), 4.0, seed=s), 4.0, 2.0),
    "beta": (lambda s: random.beta((MANY,), 2.0, 3.0, seed=s), 0.4, 0.2),
    "binomial": (lambda s: random.binomial((MANY,), 10, 0.3, seed=s), 3.0, math.sqrt(2.1)),
    "categorical": (lambda s: random.categorical(np.log([[0.2, 0.5, 0.3]]), MANY, seed=s), 1.1, 0.7),
    "dropout": (lambda s: random.dropout(np.ones(MANY, "float32"), 0.2, seed=s), 1.0, 0.5),
}


@pytest.fixture(autouse=True)
def fixed_seed() -> None:
    random.set_global_seed(0)


def test_examples_run() -> None:
    result = doctest.testmod(random)
    assert result.failed == 0
    assert result.attempted > 10


@pytest.mark.parametrize("name", sorted(DRAWS))
def test_mean_and_deviation(name: str) -> None:
    draw, mean, deviation = DRAWS[name]
    x = draw(3).numpy().astype("float64")
    assert abs(x.mean() - mean) < 5 * deviation / math.sqrt(MANY)
    assert abs(x.std() / deviation - 1) < 0.05


@pytest.mark.parametrize("name", sorted(DRAWS))
def test_seeds(name: str) -> None:
    draw = DRAWS[name][0]
    np.testing.assert_array_equal(draw(7).numpy(), draw(7).numpy())  # an integer: the same at each call
    generator = random.SeedGenerator(7)
    first, second = draw(generator).numpy(), draw(generator).numpy()
    np.testing.assert_array_equal(first, draw(7).numpy())  # its counter starts at 0
    assert (first != second).any()
    assert generator.state.numpy().tolist() == [7, 2]
    random.set_global_seed(5)
    a, b = draw(None).numpy(), draw(None).numpy()
    random.set_global_seed(5)
    np.testing.assert_array_equal(a, draw(None).numpy())
    assert (a != b).any()


def test_generator_restored_goes_on_alike() -> None:
    generator = random.SeedGenerator(7)
    random.normal((3,), seed=generator)
    state = generator.state.numpy()
    wanted = random.normal((3,), seed=generator).numpy()
    other = random.SeedGenerator(1)
    other.state.assign(state)
    np.testing.assert_array_equal(random.normal((3,), seed=other).numpy(), wanted)


def test_generator_config_and_unseeded_ones() -> None:
    generator = random.SeedGenerator(7, name="mine")
    assert generator.get_config() == {"seed": 7, "name": "mine"}
    assert random.SeedGenerator.from_config(generator.get_config()).next().tolist() == [7, 0]
    a, b = random.SeedGenerator(), random.SeedGenerator()
    assert a.state.numpy()[0] != b.state.numpy()[0]
    assert a.get_config()["seed"] is None
    random.set_global_seed(0)
    assert random.SeedGenerator().state.numpy()[0] == a.state.numpy()[0]
    assert (generator.state.trainable, generator.state.dtype, generator.state.shape) == (
        False,
        "uint32",
        (2,),
    )
    with pytest.raises(ArgumentError, match="`seed` must be an integer"):
        random.SeedGenerator("x")  # type: ignore[arg-type]
    with pytest.raises(ArgumentError, match="Unrecognized keyword"):
        random.SeedGenerator(1, color="red")


def test_counter_goes_round() -> None:
    generator = random.SeedGenerator(7)
    generator.state.assign(np.array([7, 2**32 - 1], "uint32"))
    random.next_keys(generator)
    assert generator.state.numpy().tolist() == [7, 0]


def test_a_repeated_step_draws_anew() -> None:
    generator = random.SeedGenerator(7)

    def step(x: Tensor) -> tuple[None, Any]:
        noise = random.normal(x.shape, seed=generator)
        return None, (x + noise, random.next_keys(generator=generator), random.uniform((2,)))

    x = np.zeros(4, "float32")
    plan = Plan(step, (x,), [])
    assert plan.unrepeatable is None
    repeated = [plan.outputs, *(plan([x])[1] for _ in range(2))]
    fresh = random.SeedGenerator(7)
    for outputs in repeated:
        np.testing.assert_array_equal(outputs[0], random.normal((4,), seed=fresh).numpy())
        np.testing.assert_array_equal(outputs[1], random.next_keys(fresh).numpy())
    assert (repeated[0][2] != repeated[1][2]).any()


def test_keys_of_neighbours_share_nothing() -> None:
    keys = np.array([random.next_keys(seed).numpy() for seed in range(100)])
    assert len(np.unique(keys)) == 200
    bits = np.unpackbits((keys[1:] ^ keys[:-1]).view("uint8"))
    assert abs(bits.mean() - 0.5) < 0.03  # one more in the seed turns half of the bits


def test_keys_are_cheap() -> None:
    generator = random.SeedGenerator(7)
    reference = random.next_keys.reference
    best = math.inf
    for _ in range(5):
        start = time.perf_counter()
        for _ in range(1000):
            reference(generator=generator)
        best = min(best, (time.perf_counter() - start) / 1000)
    assert best < 2e-5  # some 1.5 microseconds; a wide margin for a busy machine


def test_truncated_uniform_and_half_precision_bounds() -> None:
    assert np.abs(random.truncated_normal((MANY,), seed=1).numpy()).max() <= 2
    for dtype in ("float16", "float32", "float64"):
        u = random.uniform((MANY,), 1.0, 1.01, dtype=dtype, seed=1).numpy()
        assert u.dtype == dtype
        assert u.min() >= np.asarray(1.0, dtype)
        assert u.max() < np.asarray(1.01, dtype)
    assert random.normal((2,), dtype="float16", seed=1).dtype == np.float16


def test_gradients_flow_to_mean_and_deviation() -> None:
    gradcheck(lambda m, s: random.normal((3,), m, s, dtype="float64", seed=2), np.array(1.0), np.array(2.0))
    gradcheck(lambda x: random.shuffle(x, seed=2), np.arange(4.0))
    gradcheck(lambda x: random.dropout(x, 0.5, seed=2), np.arange(1.0, 9.0))


def test_categorical_never_draws_the_impossible() -> None:
    drawn = random.categorical(np.array([[0.0, -np.inf, 0.0]]), 500, seed=1).numpy()
    assert set(drawn.ravel().tolist()) == {0, 2}


def test_shuffle_moves_slices() -> None:
    x = np.arange(20).reshape(10, 2)
    y = random.shuffle(x, seed=1).numpy()
    assert (y != x).any()
    assert sorted(map(tuple, y.tolist())) == [tuple(row) for row in x.tolist()]
    sideways = random.shuffle(x, axis=1, seed=4).numpy()
    assert sorted(sideways[0].tolist()) == [0, 1]


def test_dropout_shapes() -> None:
    x = np.ones((50, 4), "float32")
    rows = random.dropout(x, 0.5, noise_shape=(None, 1), seed=1).numpy()
    assert (rows == rows[:, :1]).all()
    assert set(rows.ravel().tolist()) == {0.0, 2.0}
    with pytest.raises(ShapeError, match="noise_shape that broadcasts"):
        random.dropout(x, 0.5, noise_shape=(3, 1), seed=1)
    assert random.dropout(KerasTensor((None, 4)), 0.5, seed=1).shape == (None, 4)


def test_wrong_arguments_are_told() -> None:
    with pytest.raises(ArgumentError, match="requires a floating point `dtype`"):
        random.uniform((2,), dtype="int32")
    with pytest.raises(ArgumentError, match="instance of `SeedGenerator`"):
        random.normal((2,), seed=1.5)  # type: ignore[arg-type]
    assert random.normal(ops.shape(np.ones((2, 3))), seed=1).shape == (2, 3)
