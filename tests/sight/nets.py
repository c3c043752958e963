"""Networks made by hand, whose filters are known."""

from __future__ import annotations

from typing import Any

import numpy as np

from neurona import layers, utils
from neurona.models import Model, Sequential
from neurona.tensor import Array

UPRIGHT = np.array([[-1, 0, 1], [-1, 0, 1], [-1, 0, 1]], "float32")  # dark on the left, light on the right


def edges(side: int = 12) -> Any:
    """Unit 0 of "edges" finds upright edges, unit 1 level ones; class k is how much of unit k there is."""
    model = Sequential(
        [
            layers.Input((side, side, 1)),
            layers.Conv2D(2, 3, activation="relu", name="edges"),
            layers.MaxPooling2D(2),
            layers.GlobalAveragePooling2D(),
            layers.Dense(2, name="classes"),
        ]
    )
    kernel = np.stack([UPRIGHT, UPRIGHT.T], axis=-1)[:, :, np.newaxis]
    model.get_layer("edges").set_weights([kernel, np.zeros(2, "float32")])
    model.get_layer("classes").set_weights([np.eye(2, dtype="float32"), np.zeros(2, "float32")])
    return model


def edge_pictures(count: int, side: int = 12, seed: int = 0) -> tuple[Array, Array]:
    """Pictures 0 to 255 of one edge each, and its class: 0 upright, 1 level. The strongest has the largest step."""
    rng = np.random.default_rng(seed)
    pictures, classes = np.zeros((count, side, side), "uint8"), np.arange(count) % 2
    for k, picture in enumerate(pictures):
        at = rng.integers(3, side - 3)
        picture[:, at:] = 50 + 200 * k // count
        if classes[k]:
            picture[:] = picture.T.copy()
    return pictures, classes


def prepare(pictures: Array) -> Array:
    return np.asarray(pictures, "float32")[..., np.newaxis] / np.float32(255)


def branched(side: int = 16) -> Any:
    """Two ways from the picture that meet again, as in residual networks; random weights, always the same."""
    utils.set_random_seed(0)
    x = layers.Input((side, side, 3))
    y = layers.Conv2D(4, 3, strides=2, padding="same", name="first")(x)
    y = layers.BatchNormalization()(y)
    y = layers.Activation("relu")(y)
    z = layers.Conv2D(4, 3, padding="same", activation="relu", name="second")(y)
    y = layers.Add()([y, z])
    y = layers.MaxPooling2D(2)(y)
    y = layers.Conv2D(5, 2, dilation_rate=2, activation="relu", name="third")(y)
    y = layers.Flatten()(y)
    return Model(x, layers.Dense(3, activation="softmax", name="out")(y))
