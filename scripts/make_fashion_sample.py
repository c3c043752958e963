"""Make the sample of Fashion-MNIST that is shipped with Neurona, from the full data set.

    python scripts/make_fashion_sample.py FOLDER_WITH_THE_FULL_DATA_SET

The first 600 training and the first 100 test pictures of every class, in their original order: no choice, no
chance, the same arrays every time. The pictures are stored column by column, which compresses better.
"""

from __future__ import annotations

import sys

import numpy as np

from neurona.datasets.fashion_mnist import FASHION_MNIST, SAMPLE_NAMES
from neurona.datasets.idx import write_idx
from neurona.datasets.loading import load_record
from neurona.datasets.records import fingerprint_of

PER_CLASS_TRAIN, PER_CLASS_TEST = 600, 100


def first_of_each_class(labels: np.ndarray, count: int) -> np.ndarray:
    """The positions of the first `count` examples of every class, ascending."""
    return np.sort(np.concatenate([np.flatnonzero(labels == label)[:count] for label in np.unique(labels)]))


def main(source: str) -> None:
    """Read the full data set in `source` and write the sample into the package."""
    full = load_record(FASHION_MNIST, source)
    folder = FASHION_MNIST.sample
    assert folder is not None and FASHION_MNIST.read_sample is not None
    folder.mkdir(exist_ok=True)
    train = first_of_each_class(full.y_train, PER_CLASS_TRAIN)
    test = first_of_each_class(full.y_test, PER_CLASS_TEST)
    arrays = (
        full.x_train[train].transpose(0, 2, 1),
        full.y_train[train],
        full.x_test[test].transpose(0, 2, 1),
        full.y_test[test],
    )
    for name, array in zip(SAMPLE_NAMES, arrays, strict=True):
        write_idx(folder / name, array)
    size = sum((folder / name).stat().st_size for name in SAMPLE_NAMES)
    print("full  ", full.fingerprint)
    print("sample", fingerprint_of(FASHION_MNIST.read_sample(folder)), f"{size:,} bytes in {folder}")


if __name__ == "__main__":
    main(sys.argv[1])
