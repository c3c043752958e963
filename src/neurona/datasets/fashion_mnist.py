"""Fashion-MNIST: 70,000 grey pictures of clothes, 28 x 28, in ten classes; the record and `load_data`.

The shipped sample holds its pictures column by column (each one transposed): deflate then finds longer
repetitions, and 7,000 pictures fit into 3 MB.

Source: H. Xiao, K. Rasul, R. Vollgraf, "Fashion-MNIST: a Novel Image Dataset for Benchmarking Machine
Learning Algorithms", arXiv:1708.07747, 2017.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurona.datasets.four_files import FOUR_FILES, belongs_elsewhere, check_four, read_four
from neurona.datasets.idx import read_idx, read_labels
from neurona.datasets.loading import load_record
from neurona.datasets.records import Arrays, DataSet, RemoteFile
from neurona.warn import warn_caller

__all__ = ["FASHION_MNIST", "SAMPLE_NAMES", "load_data"]

_SIDE, _CLASSES = 28, 10
_SAMPLE_TRAIN, _SAMPLE_TEST = 6_000, 1_000

SAMPLE_NAMES = (
    "train-images-by-column-idx3-ubyte.gz",
    "train-labels-idx1-ubyte.gz",
    "test-images-by-column-idx3-ubyte.gz",
    "test-labels-idx1-ubyte.gz",
)


_TITLE = "Fashion-MNIST"


def _read_sample(folder: Path) -> Arrays:
    def upright(name: str, count: int) -> NDArray[np.uint8]:
        columns = read_idx(folder / name, (count, _SIDE, _SIDE))
        return np.ascontiguousarray(columns.transpose(0, 2, 1))

    images, labels, test_images, test_labels = SAMPLE_NAMES
    return Arrays(
        upright(images, _SAMPLE_TRAIN),
        read_labels(folder / labels, _SAMPLE_TRAIN, _CLASSES),
        upright(test_images, _SAMPLE_TEST),
        read_labels(folder / test_labels, _SAMPLE_TEST, _CLASSES),
    )


FASHION_MNIST = DataSet(
    name="fashion-mnist",
    title=_TITLE,
    aliases=("clothes", "prendas"),
    files=(
        RemoteFile(FOUR_FILES[0], "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84", 26_421_880),
        RemoteFile(FOUR_FILES[1], "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845", 29_515),
        RemoteFile(FOUR_FILES[2], "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073", 4_422_102),
        RemoteFile(FOUR_FILES[3], "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5", 5_148),
    ),
    mirrors=(
        "https://storage.googleapis.com/tensorflow/tf-keras-datasets/",
        "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
    ),
    licence={"en": "MIT, Zalando SE 2017", "es": "MIT, Zalando SE 2017"},
    classes={
        "en": (
            "T-shirt/top",
            "Trouser",
            "Pullover",
            "Dress",
            "Coat",
            "Sandal",
            "Shirt",
            "Sneaker",
            "Bag",
            "Ankle boot",
        ),
        "es": (
            "Camiseta",
            "Pantalón",
            "Jersey",
            "Vestido",
            "Abrigo",
            "Sandalia",
            "Camisa",
            "Zapatilla",
            "Bolso",
            "Botín",
        ),
    },
    read=partial(read_four, title=_TITLE),
    check=partial(check_four, title=_TITLE),
    stranger=partial(belongs_elsewhere, title=_TITLE),
    fingerprint="ba4d57bd4b36d751702b4c50baf26d24ce4316e4ec53b368f6af89a7fa2bf4dd",
    sample=Path(__file__).parent / "sample",
    read_sample=_read_sample,
)

Pair = tuple[NDArray[Any], NDArray[Any]]


def load_data() -> tuple[Pair, Pair]:
    """Fashion-MNIST as Keras returns it: ``(x_train, y_train), (x_test, y_test)``.

    Returns:
        Pictures uint8 of shape (60000, 28, 28) and (10000, 28, 28), labels uint8 (60000,) and (10000,).
        Where the full set can be had from nowhere, the shipped sample of 6,000 + 1,000 with a warning.
    """
    data = load_record(FASHION_MNIST)
    for note in data.notes:
        warn_caller(note, UserWarning)
    return (data.x_train, data.y_train), (data.x_test, data.y_test)
