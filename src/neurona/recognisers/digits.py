"""Digits: ten handwritten digits in grey pictures of 28x28 pixels (MNIST), by small convolutional networks.

`tutorial` is the network of Keras's simple MNIST example. `best` has three groups of convolutions with batch
normalisation, sees each training picture a little turned, shifted and resized, and learns at a rate that warms up and
falls along a cosine. What was tried beside it stands in `benchmarks/results/digits.md`.

Sources: LeCun, Bottou, Bengio & Haffner, "Gradient-Based Learning Applied to Document Recognition" (1998), the data and
the idea; Simard, Steinkraus & Platt, "Best Practices for Convolutional Neural Networks Applied to Visual Document
Analysis" (2003), slightly distorted training pictures.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from neurona import layers, losses, optimizers
from neurona.models import Sequential
from neurona.optimizers.schedules import CosineDecay
from neurona.recognisers.handwriting import see_digit
from neurona.recognisers.recipe import Recipe, Recogniser
from neurona.tensor import Array

__all__ = ["DIGITS"]


def prepare(pictures: Array) -> Array:
    """Grey values 0 to 255 as numbers from 0 to 1, in pictures of one channel: (N, 28, 28, 1)."""
    return (np.asarray(pictures, "float32") / np.float32(255))[..., np.newaxis]


def tutorial(steps_per_epoch: int, epochs: int, seed: int) -> Any:
    """Two convolutions and one dense layer: 34,826 weights."""
    model = Sequential(
        [
            layers.Input((28, 28, 1)),
            layers.Conv2D(32, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Conv2D(64, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dropout(0.5),
            layers.Dense(10),
        ],
        name="digits_tutorial",
    )
    model.compile("adam", losses.SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"])
    return model


def best(steps_per_epoch: int, epochs: int, seed: int) -> Any:
    """Groups of 32, 64 and 128 filters, two convolutions each: convolution, batch normalisation, relu."""
    network = [
        layers.Input((28, 28, 1)),
        layers.RandomRotation(10 / 360, "constant"),
        layers.RandomZoom(0.1, 0.1, "constant"),
        layers.RandomTranslation(0.08, 0.08, "constant"),
    ]
    for group, width in enumerate((32, 64, 128), 1):
        for part in "ab":
            network.append(layers.Conv2D(width, 3, padding="same", use_bias=False, name=f"conv_{group}{part}"))
            if part == "b" and group < 3:
                network.append(layers.MaxPooling2D())
            network += [layers.BatchNormalization(momentum=0.9), layers.ReLU()]
        network.append(layers.Dropout(0.2) if group < 3 else layers.GlobalAveragePooling2D())
    model = Sequential([*network, layers.Dropout(0.3), layers.Dense(10)], name="digits_best")
    steps = steps_per_epoch * epochs
    warmup = steps // 5
    rate = CosineDecay(2e-4, steps - warmup, alpha=0.0, warmup_target=4e-3, warmup_steps=warmup)
    model.compile(
        optimizers.AdamW(rate, weight_decay=0.02),
        losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    return model


DIGITS = Recogniser(
    name="digits",
    aliases=("dígitos", "mnist"),
    dataset="mnist",
    about={
        "en": "ten handwritten digits in grey pictures (MNIST), with convolutional networks",
        "es": "diez dígitos manuscritos en imágenes grises (MNIST), con redes convolucionales",
    },
    limits={
        "en": "It knows one digit at a time, as people in the United States wrote it: letters, joined digits, a crossed "
        "seven or a one with a long upstroke are hard for it.",
        "es": "Conoce un dígito a la vez, como lo escribía la gente en Estados Unidos: le cuestan las letras, los dígitos "
        "unidos, un siete con raya o un uno con trazo inicial largo.",
    },
    prepare=prepare,
    see=see_digit,
    recipes={
        "best": Recipe(
            "best", best, epochs=12, batch_size=256, validation=0.05,
            about={
                "en": "three groups of 32, 64 and 128 filters, batch normalisation, pictures turned, shifted and resized",
                "es": "tres grupos de 32, 64 y 128 filtros, normalización por lotes, imágenes giradas, movidas y escaladas",
            },
        ),
        "tutorial": Recipe(
            "tutorial", tutorial, epochs=15, batch_size=128, validation=0.1,
            about={
                "en": "two convolutions and one dense layer: Keras's simple network for digits",
                "es": "dos convoluciones y una capa densa: la red sencilla de Keras para dígitos",
            },
        ),
    },
)  # fmt: skip
