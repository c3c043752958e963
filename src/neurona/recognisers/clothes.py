"""Clothes: ten kinds of garment in grey pictures of 28x28 pixels (Fashion-MNIST), by networks of dense layers alone.

`tutorial` is the network of every first lesson. `best` adds what pays for a dense network: width, batch normalisation
before each activation, dropout, mirrored pictures, decoupled weight decay, and a rate that warms up and falls along a
cosine. What was tried beside it stands in `benchmarks/results/clothes.md`.

Source of the data: Xiao, Rasul & Vollgraf, "Fashion-MNIST" (2017), arXiv:1708.07747.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from neurona import layers, losses, optimizers
from neurona.models import Sequential
from neurona.optimizers.schedules import CosineDecay
from neurona.recognisers.garments import see_garment
from neurona.recognisers.of_pictures import Pictures
from neurona.recognisers.recipe import Recipe, Recogniser
from neurona.tensor import Array

__all__ = ["CLOTHES"]


def prepare(pictures: Array) -> Array:
    """Grey values 0 to 255 as numbers from 0 to 1."""
    return np.asarray(pictures, "float32") / np.float32(255)


def tutorial(steps_per_epoch: int, epochs: int, seed: int) -> Any:
    """784 inputs, 128 hidden neurons, 10 classes: 101,770 weights."""
    model = Sequential(
        [
            layers.Input((28, 28)),
            layers.Flatten(),
            layers.Dense(128, activation="relu"),
            layers.Dense(10),
        ],
        name="clothes_tutorial",
    )
    model.compile("adam", losses.SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"])
    return model


def best(steps_per_epoch: int, epochs: int, seed: int) -> Any:
    """Hidden layers of 640, 640 and 320 neurons, each: product, batch normalisation, relu, dropout."""
    network = [
        layers.Input((28, 28)),
        layers.Reshape((28, 28, 1)),
        layers.RandomFlip("horizontal"),
        layers.Flatten(),
    ]
    for units in (640, 640, 320):
        network += [
            layers.Dense(units, use_bias=False, kernel_initializer="he_normal"),
            layers.BatchNormalization(momentum=0.9),
            layers.ReLU(),
            layers.Dropout(0.3),
        ]
    model = Sequential([*network, layers.Dense(10)], name="clothes_best")
    steps = steps_per_epoch * epochs
    warmup = steps // 5
    rate = CosineDecay(1e-4, steps - warmup, alpha=0.0, warmup_target=3e-3, warmup_steps=warmup)
    model.compile(
        optimizers.AdamW(rate, weight_decay=0.05),
        losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    return model


CLOTHES = Recogniser(
    name="clothes",
    aliases=("prendas", "ropa", "fashion-mnist", "fashion_mnist"),
    dataset="fashion-mnist",
    about={
        "en": "ten kinds of garment in grey pictures (Fashion-MNIST), with dense networks",
        "es": "diez clases de prendas en imágenes grises (Fashion-MNIST), con redes densas",
    },
    limits={
        "en": "Several garments, people wearing them and patterned backgrounds are hard for it: it knows single garments.",
        "es": "Le cuestan varias prendas juntas, las personas que las llevan y los fondos con dibujos: conoce prendas "
        "sueltas.",
    },
    kind=Pictures(prepare, see_garment),
    recipes={
        "best": Recipe(
            "best", best, epochs=25, batch_size=256, validation=0.05, views=("mirrored",),
            about={
                "en": "hidden layers of 640, 640 and 320 neurons, batch normalisation, dropout, mirrored pictures",
                "es": "capas ocultas de 640, 640 y 320 neuronas, normalización por lotes, dropout, imágenes en espejo",
            },
        ),
        "tutorial": Recipe(
            "tutorial", tutorial, epochs=10, batch_size=32, validation=0.1,
            about={
                "en": "one hidden layer of 128 neurons: the network of every first lesson",
                "es": "una capa oculta de 128 neuronas: la red de toda primera lección",
            },
        ),
    },
)  # fmt: skip
