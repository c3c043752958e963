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
from neurona.recognisers.photographs import see_object
from neurona.recognisers.recipe import Recipe, Recogniser
from neurona.recognisers.smoothing import SmoothedCrossentropy, compile_plainly
from neurona.tensor import Array
from neurona.training.callbacks import Callback

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
        layers.Input((32, 32, 3)),
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
        layers.MaxPooling2D(3),
        layers.Flatten(),
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


def adapt(model: Any, pictures: Array, seed: int) -> None:
    """Give the first layer its fixed filters, and let the others begin by passing on what they get.

    Whitening: with the patches' covariance E diag(v) E', the filters e / sqrt(v + 0.0005) turn patches into numbers
    without correlation, all of variance 1; each filter appears with both signs, because gelu keeps one of them.

    Args:
        model: of `best` or `quick`.
        pictures: training pictures, (N, 32, 32, 3), bytes.
        seed: unused, nothing here is random.
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


class MirrorInTurn(Callback):
    """Mirrors half of the pictures at the first epoch, drawn by lot, and every picture at each epoch after it.

    So each picture is seen as often either way, which learns faster than drawing anew.

    Args:
        pictures: (N, H, W, C), turned in place.
        seed: chooses the first half.

    Source: K. Jordan, arXiv:2404.00498, section 3.4.
    """

    def __init__(self, pictures: Array, seed: int) -> None:
        super().__init__()
        self.pictures = pictures
        self.chosen = np.random.Generator(np.random.PCG64(seed)).random(len(pictures)) < 0.5
        self.turned = np.zeros(len(pictures), bool)

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        wanted = self.chosen ^ bool(epoch % 2)  # of the epoch alone: a training taken up again goes on as it would have
        now = np.flatnonzero(wanted != self.turned)
        for some in np.array_split(now, -(-len(now) // 1000) or 1):
            self.pictures[some] = self.pictures[some, :, ::-1]
        self.turned = wanted


def in_turn(pictures: Array, seed: int) -> list[Callback]:
    """What accompanies the training of `best` and `quick`."""
    return [MirrorInTurn(pictures, seed)]


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
    prepare=prepare,
    see=see_object,
    in_order=True,  # the last of its five batches is held out
    recipes={
        "best": Recipe(
            "best", best, epochs=13, batch_size=1000, validation=10_000, watched=2_000,
            views=("mirrored", "shifted"), adapt=adapt, callbacks=in_turn, finish=compile_plainly,
            about={
                "en": "whitening, three groups of 64, 256 and 256 filters, Muon: the network of the speed record",
                "es": "blanqueo, tres grupos de 64, 256 y 256 filtros, Muon: la red del récord de velocidad",
            },
        ),
        "quick": Recipe(
            "quick", quick, epochs=6, batch_size=1000, validation=10_000, watched=2_000,
            views=("mirrored", "shifted"), adapt=adapt, callbacks=in_turn, finish=compile_plainly,
            about={
                "en": "the same in three minutes, with narrower groups of 32, 96 and 128 filters",
                "es": "lo mismo en tres minutos, con grupos más estrechos de 32, 96 y 128 filtros",
            },
        ),
        "tutorial": Recipe(
            "tutorial", tutorial, epochs=10, batch_size=32, validation=10_000,
            about={
                "en": "three convolutions and two dense layers: the first convolutional network of many",
                "es": "tres convoluciones y dos capas densas: la primera red convolucional de muchos",
            },
        ),
    },
)  # fmt: skip
