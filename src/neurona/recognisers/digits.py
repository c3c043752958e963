"""Digits: ten handwritten digits in grey pictures of 28x28 pixels (MNIST), by small convolutional networks.

`tutorial` is the network of Keras's simple MNIST example. `best` has five convolutions with batch
normalisation, sees each training picture a little turned and shifted, and learns by orthogonal steps (Muon). What was
tried beside it stands in `benchmarks/results/digits.md`.

Sources: LeCun, Bottou, Bengio & Haffner, "Gradient-Based Learning Applied to Document Recognition" (1998), the data and
the idea; Simard, Steinkraus & Platt, "Best Practices for Convolutional Neural Networks Applied to Visual Document
Analysis" (2003), slightly distorted training pictures.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from neurona import layers, losses
from neurona.models import Sequential
from neurona.optimizers.schedules import PolynomialDecay
from neurona.recognisers.convolution_muon import ConvolutionMuon
from neurona.recognisers.handwriting import see_digit
from neurona.recognisers.of_pictures import Pictures
from neurona.recognisers.recipe import Recipe, Recogniser
from neurona.recognisers.smoothing import SmoothedCrossentropy, compile_plainly
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
    """Five convolutions of 32, 48, 48, 96 and 96 filters, each with batch normalisation and relu.

    Nearly all sums are made on maps of 14x14 and 7x7: the first convolution, of 5x5 pixels, takes every other place.
    """
    network = [
        layers.Input((28, 28, 1)),
        layers.RandomRotation(10 / 360, "constant"),
        layers.RandomTranslation(2.5 / 28, 2.5 / 28, "constant", "nearest"),  # whole pixels, up to 2 each way
        layers.Conv2D(32, 5, strides=2, padding="same", use_bias=False, name="conv_1"),
    ]
    for name, width in (("2a", 48), ("2b", 48), ("3a", 96), ("3b", 96)):
        network += [
            layers.BatchNormalization(momentum=0.9),
            layers.ReLU(),
            layers.Conv2D(width, 3, padding="same", use_bias=False, name=f"conv_{name}"),
        ]
        if name == "2b":
            network.append(layers.MaxPooling2D())
    network += [
        layers.BatchNormalization(momentum=0.9),
        layers.ReLU(),
        layers.GlobalAveragePooling2D(),
        layers.Dense(10),
    ]
    model = Sequential(network, name="digits_best")
    rate = PolynomialDecay(0.12, steps_per_epoch * epochs, 0.0)
    model.compile(
        ConvolutionMuon(rate, vector_ratio=33.0, matrix_ratio=0.1, decay=5e-4),
        SmoothedCrossentropy(0.1),
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
    kind=Pictures(prepare, see_digit),
    recipes={
        "best": Recipe(
            "best", best, epochs=12, batch_size=250, validation=1000, views=("shifted",), finish=compile_plainly,
            about={
                "en": "five convolutions of 32 to 96 filters, batch normalisation, Muon, pictures turned and shifted",
                "es": "cinco convoluciones de 32 a 96 filtros, normalización por lotes, Muon, imágenes giradas y movidas",
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
