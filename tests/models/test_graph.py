"""The order of calls and layers in a model that was drawn: Keras's, hand-worked."""

from __future__ import annotations

from typing import Any

import numpy as np

import neurona
from neurona import layers


def dense(name: str) -> Any:
    return layers.Dense(4, use_bias=False, name=name)


def test_a_layer_called_twice_counts_by_its_farthest_call() -> None:
    """By hand, from the output: cat 1; p1 and the near call 2, so norm 2; p3 3; the far call 4, so norm 4; what feeds it 5."""
    a, b = neurona.Input((4,), name="a"), neurona.Input((4,), name="b")
    norm = layers.BatchNormalization(name="norm")
    near = norm(dense("p2")(a))
    far = dense("p1")(dense("p3")(norm(b)))
    model = neurona.Model([a, b], layers.Dense(1, name="end")(layers.Concatenate(name="cat")([near, far])))
    assert [layer.name for layer in model.layers] == ["a", "p2", "b", "norm", "p3", "p1", "cat", "end"]


def test_a_normalisation_remembers_its_calls_in_keras_order() -> None:
    """The far call is carried out first, though the near one is reached first; the moving mean tells which."""
    a, b = neurona.Input((1,)), neurona.Input((1,))
    norm = layers.BatchNormalization(momentum=0.5)
    near = layers.Dense(1)(norm(a))
    far = layers.Dense(1)(layers.Dense(1)(norm(b)))
    model = neurona.Model([a, b], layers.Add()([near, far]))
    model([np.full((2, 1), 8.0), np.full((2, 1), 2.0)], training=True)
    assert float(norm.moving_mean.numpy()[0]) == 0.5 * (0.5 * 2) + 0.5 * 8


def test_an_input_that_nobody_reads_comes_among_the_last() -> None:
    a, b = neurona.Input((4,), name="a"), neurona.Input((4,), name="b")
    model = neurona.Model([b, a], dense("end")(dense("first")(a)))
    assert [layer.name for layer in model.layers] == ["a", "first", "b", "end"]
