"""Objects: ten kinds of things and animals in colour pictures of 32x32 pixels (CIFAR-10), by convolutional networks.

`tutorial` is TensorFlow's first convolutional network. `best` follows the network that holds the speed record for 94 %
on this data set; `quick` is the same idea, narrower. Both begin with a layer that learns nothing: it whitens patches of
2x2 pixels, so that what follows sees contrasts instead of brightness. What was tried stands in
`benchmarks/results/objects.md`.

Sources: Krizhevsky, "Learning Multiple Layers of Features from Tiny Images" (2009), the data; K. Jordan, "94% on CIFAR-10
in 3.29 Seconds on a Single GPU" (2024), arXiv:2404.00498, the network and its training.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from neurona import initializers, layers, losses
from neurona.models import Sequential
from neurona.optimizers.schedules import PolynomialDecay
from neurona.recognisers.convolution_muon import ConvolutionMuon
from neurona.recognisers.of_pictures import Pictures
from neurona.recognisers.photographs import see_object
from neurona.recognisers.recipe import Recipe, Recogniser
from neurona.recognisers.showing import ShownByEpoch
from neurona.recognisers.smoothing import SmoothedCrossentropy, compile_plainly
from neurona.tensor import Array

__all__ = ["OBJECTS"]

# Mean and spread of the training pictures, for each colour, in 0 ... 255.
_MEAN = np.array([125.307, 122.950, 113.865])
_SPREAD = np.array([62.993, 62.089, 66.705])


def prepare(pictures: Array) -> Array:
    """The pictures as they are, bytes, in memory of their own: the network's first layer brings them to scale."""
    return np.array(pictures, "uint8")


def tutorial(steps_per_epoch: int, epochs: int, seed: int) -> Any:
    """Three convolutions and two dense layers: 122,570 weights."""
    model = Sequential(
        [
            layers.Input((32, 32, 3)),
            layers.Rescaling(1 / 255),
            layers.Conv2D(32, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Conv2D(64, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Conv2D(64, 3, activation="relu"),
            layers.Flatten(),
            layers.Dense(64, activation="relu"),
            layers.Dense(10),
        ],
        name="objects_tutorial",
    )
    model.compile("adam", losses.SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"])
    return model


def _network(name: str, widths: Sequence[int], steps: int, rate: float, batch: int) -> Any:
    """Whitening, then groups of [convolution, pooling, convolution], each with normalisation and gelu."""
    network = [
        layers.Input((None, None, 3)),  # windows of pictures too
        layers.RandomTranslation(3.5 / 32, 3.5 / 32, "reflect", "nearest"),  # whole pixels, up to 3 each way
        layers.Rescaling((1 / _SPREAD).tolist(), (-_MEAN / _SPREAD).tolist()),
        layers.Conv2D(24, 2, use_bias=False, trainable=False, name="whitening"),
        layers.Activation("gelu"),
    ]
    for group, width in enumerate(widths, 1):
        for part in "ab":
            network.append(layers.Conv2D(width, 3, padding="same", use_bias=False, name=f"conv_{group}{part}"))
            if part == "a":
                network.append(layers.MaxPooling2D())
            network += [
                layers.BatchNormalization(momentum=0.6, epsilon=1e-6, scale=False),
                layers.Activation("gelu"),
            ]
    network += [
        layers.GlobalMaxPooling2D(),
        layers.Dense(10, use_bias=False, kernel_initializer=initializers.RandomNormal(stddev=1 / widths[-1])),
    ]
    model = Sequential(network, name=name)
    model.compile(
        # The record's rates are for a loss summed over the batch, ours is its mean.
        ConvolutionMuon(
            PolynomialDecay(rate, steps, 0.0),
            vector_ratio=0.053 * batch / rate,
            matrix_ratio=1.02e-5 * batch / rate,
            decay=2e-6 * batch,
        ),
        SmoothedCrossentropy(0.2),
        metrics=["accuracy"],
    )
    return model


def best(steps_per_epoch: int, epochs: int, seed: int) -> Any:
    """Groups of 64, 256 and 256 filters."""
    return _network("objects_best", (64, 256, 256), steps_per_epoch * epochs, 0.18, 1000)


def quick(steps_per_epoch: int, epochs: int, seed: int) -> Any:
    """Groups of 32, 96 and 128 filters."""
    return _network("objects_quick", (32, 96, 128), steps_per_epoch * epochs, 0.24, 1000)


def adapt(model: Any, pictures: Array) -> None:
    """Give the first layer its fixed filters, and let the others begin by passing on what they get.

    Whitening: with the patches' covariance E diag(v) E', the filters e / sqrt(v + 0.0005) turn patches into numbers
    without correlation, all of variance 1; each filter appears with both signs, because gelu keeps one of them.

    Args:
        model: of `best` or `quick`.
        pictures: training pictures, (N, 32, 32, 3), bytes.
    """
    x = (pictures[:5000].astype("float64") - _MEAN) / _SPREAD
    side = x.shape[1] - 1
    patches = np.stack([x[:, i : i + side, j : j + side] for i in (0, 1) for j in (0, 1)], axis=3)
    rows = patches.reshape(-1, 12)  # (pictures x places, 2 x 2 x 3)
    variances, directions = np.linalg.eigh(rows.T @ rows / len(rows))
    filters = (directions / np.sqrt(variances + 5e-4))[:, ::-1]
    model.get_layer("whitening").kernel.assign(
        np.concatenate([filters, -filters], axis=1).reshape(2, 2, 3, 24).astype("float32")
    )
    for layer in model.layers:
        if isinstance(layer, layers.Conv2D) and layer.trainable:
            kernel = np.array(layer.kernel)
            for c in range(min(kernel.shape[2:])):  # filter c begins as the identity on channel c
                kernel[:, :, :, c] = 0.0
                kernel[1, 1, c, c] = 1.0
            layer.kernel.assign(kernel)


def mirrored_in_turn(pictures: Array, classes: Array, batch_size: int, epochs: int, seed: int) -> ShownByEpoch:
    """Mirrored in turn."""
    return ShownByEpoch(pictures, classes, batch_size, seed)


def windows_first(pictures: Array, classes: Array, batch_size: int, epochs: int, seed: int) -> ShownByEpoch:
    """Mirrored in turn, and in the first three of seven epochs windows of 24 pixels."""
    return ShownByEpoch(pictures, classes, batch_size, seed, windowed=epochs * 3 // 7, side=24)


def finish(model: Any) -> Any:
    """The trained network for pictures of 32 pixels, compiled with what Keras has."""
    copies = [type(layer).from_config(layer.get_config()) for layer in model.layers]
    fixed = Sequential([layers.Input((32, 32, 3)), *copies], name=model.name)
    fixed.set_weights(model.get_weights())
    compile_plainly(fixed)
    return fixed


OBJECTS = Recogniser(
    name="objects",
    aliases=("objetos", "cifar-10", "cifar10"),
    dataset="cifar-10",
    about={
        "en": "ten kinds of things and animals in colour pictures (CIFAR-10), with convolutional networks",
        "es": "diez clases de cosas y animales en imágenes de color (CIFAR-10), con redes convolucionales",
    },
    limits={
        "en": "It sees pictures of 32x32 pixels, in which only colours and rough shapes are left: small, hidden or several "
        "objects are hard for it, and so are unusual views.",
        "es": "Ve imágenes de 32x32 píxeles, en las que solo quedan colores y formas generales: le cuestan los objetos "
        "pequeños, ocultos o varios a la vez, y las vistas poco comunes.",
    },
    kind=Pictures(prepare, see_object),
    in_order=True,  # the last of its five batches is held out
    recipes={
        "best": Recipe(
            "best", best, epochs=14, batch_size=1000, validation=10_000, watched=2_000,
            views=("mirrored", "shifted"), adapt=adapt, show=windows_first, finish=finish,
            about={
                "en": "whitening, three groups of 64, 256 and 256 filters, Muon: the network of the speed record",
                "es": "blanqueo, tres grupos de 64, 256 y 256 filtros, Muon: la red del récord de velocidad",
            },
        ),
        "quick": Recipe(
            "quick", quick, epochs=6, batch_size=1000, validation=10_000, watched=2_000,
            views=("mirrored", "shifted"), adapt=adapt, show=mirrored_in_turn, finish=finish,
            about={
                "en": "the same in three minutes, with narrower groups of 32, 96 and 128 filters",
                "es": "lo mismo en tres minutos, con grupos más estrechos de 32, 96 y 128 filtros",
            },
        ),
        "tutorial": Recipe(
            "tutorial", tutorial, epochs=10, batch_size=32, validation=5_000,
            about={
                "en": "three convolutions and two dense layers: the first convolutional network of many",
                "es": "tres convoluciones y dos capas densas: la primera red convolucional de muchos",
            },
        ),
    },
)  # fmt: skip
