"""Neighbours in a recorded step become one op, and the numbers stay the same."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import neurona as keras
from neurona import layers, ops
from neurona.layers import BatchNormalization, Conv2D, Dense, Flatten, Input, MaxPooling2D, ReLU
from neurona.models import Model, Sequential
from neurona.training.plan import Plan

RNG = np.random.default_rng(0)
PICTURES = RNG.normal(size=(12, 12, 12, 3)).astype("float32")
ROWS = RNG.normal(size=(12, 9)).astype("float32")
LABELS = RNG.integers(0, 4, 12)


def calls_of(model: Any, x: np.ndarray) -> list[str]:
    """The names of the ops in the model's recorded forward pass."""
    plan = Plan(lambda t: (None, model(t, training=True)), (x,))
    return [call[0].__self__.name for call in plan._forward if hasattr(call[0], "__self__")]


def trained(build: Any, x: np.ndarray, eager: bool) -> tuple[list[np.ndarray], list[float]]:
    keras.utils.clear_session()
    keras.utils.set_random_seed(5)
    model = build()
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.SGD(0.05, momentum=0.9), loss, run_eagerly=eager)
    history = model.fit(x, LABELS, batch_size=4, epochs=3, shuffle=False, verbose=0, lint=False)
    return model.get_weights(), history.history["loss"]


def dense_then_relu() -> Any:
    return Sequential([Input((9,)), Dense(7), ReLU(), Dense(4)])


def normalised(activation: str) -> Any:
    return lambda: Sequential(
        [Input((9,)), Dense(7, use_bias=False), BatchNormalization(), layers.Activation(activation), Dense(4)]
    )


def convolved(activation: str, padding: str) -> Any:
    return lambda: Sequential(
        [
            Input((12, 12, 3)),
            Conv2D(6, 3, padding=padding, activation=activation),
            MaxPooling2D(),
            Conv2D(5, 3, use_bias=False),
            layers.ReLU(),
            Flatten(),
            Dense(4),
        ]
    )


CASES = {
    "dense relu": (dense_then_relu, ROWS, {"dense": 2}, {"relu"}),
    "norm relu": (normalised("relu"), ROWS, {"batch_norm_train": 1}, {"relu"}),
    "norm gelu": (normalised("gelu"), ROWS, {"batch_norm_train": 1}, {"gelu"}),
    "norm silu": (normalised("silu"), ROWS, {"batch_norm_train": 1}, {"silu"}),
    "conv relu pool": (convolved("relu", "valid"), PICTURES, {"convolve_pool": 1, "convolve": 1},
                       {"max_pool_places", "relu"}),
    "conv pool": (convolved("linear", "same"), PICTURES, {"convolve_pool": 1, "convolve": 1},
                  {"max_pool_places", "relu"}),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_neighbours_are_joined(name: str) -> None:
    build, x, there, gone = CASES[name]
    names = calls_of(build(), x)
    for op, count in there.items():
        assert names.count(op) == count, names
    assert not gone & set(names)


@pytest.mark.parametrize("name", CASES)
def test_training_is_the_same_as_without(name: str) -> None:
    build, x, *_ = CASES[name]
    (fast, fast_losses), (plain, plain_losses) = trained(build, x, False), trained(build, x, True)
    for a, b in zip(fast, plain, strict=True):
        np.testing.assert_allclose(a, b, rtol=2e-5, atol=2e-6)
    np.testing.assert_allclose(fast_losses, plain_losses, rtol=1e-5)


def test_what_somebody_else_reads_stays_apart() -> None:
    x = Input((9,))
    before = Dense(7)(x)
    model = Model(x, ops.add(ReLU()(before), before))
    assert "relu" in calls_of(model, ROWS)


def test_an_output_of_the_model_stays_apart() -> None:
    x = Input((9,))
    before = Dense(7)(x)
    model = Model(x, [ReLU()(before), before])
    assert "relu" in calls_of(model, ROWS)
    planned = model.predict(ROWS, verbose=0)
    np.testing.assert_array_equal(planned[0], np.maximum(planned[1], 0))


@pytest.mark.parametrize(
    "pool",
    [MaxPooling2D(3), MaxPooling2D(2, strides=1), MaxPooling2D(2, padding="same")],
    ids=["3x3", "overlapping", "padded"],
)
def test_other_poolings_stay_apart(pool: Any) -> None:
    model = Sequential([Input((11, 11, 3)), Conv2D(4, 3, padding="same"), pool])
    assert "convolve_pool" not in calls_of(model, PICTURES[:, :11, :11])


def test_nothing_of_a_step_is_kept() -> None:
    model = dense_then_relu()
    plan = Plan(lambda t: (None, model(t)), (ROWS,))
    plan([ROWS])
    kept = [a for a in plan._template if isinstance(a, np.ndarray) and a.shape[:1] == ROWS.shape[:1]]
    assert kept == []
