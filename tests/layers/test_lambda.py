"""Lambda: what its function is given."""

from __future__ import annotations

import numpy as np

from neurona import layers, ops
from neurona.models import Model


def test_several_inputs() -> None:
    a, b = layers.Input((4,)), layers.Input((4,))
    distance = layers.Lambda(lambda pair: ops.sum(ops.square(pair[0] - pair[1]), axis=1, keepdims=True))([a, b])
    assert distance.shape == (None, 1)
    model = Model([a, b], distance)
    assert np.allclose(model([np.ones((2, 4)), np.zeros((2, 4))]), [[4], [4]])


def test_only_arguments_count_as_wishes() -> None:
    """A variable within the function that is called `training` is none of its arguments."""

    def function(x: object) -> object:
        training = x
        return training

    assert layers.Lambda(function)(np.ones(2)).shape == (2,)
    assert float(layers.Lambda(lambda x, training: x * (2 if training else 1))(np.ones(()), training=True)) == 2


def test_a_given_output_shape_takes_the_batch_of_several_inputs() -> None:
    pair = [layers.Input((2,)), layers.Input((3,))]
    assert layers.Lambda(lambda ab: ab[0], output_shape=(2,))(pair).shape == (None, 2)
    assert layers.Lambda(lambda x: x, output_shape=(4, 5)).compute_output_shape((7, 3)) == (7, 4, 5)
