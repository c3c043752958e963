"""The four IDX files that MNIST is made of, and every data set that was made to replace it, under the same names.

Since the names do not tell which data set lies in a folder, the labels do: those of MNIST and of Fashion-MNIST are known
by their hashes, and one is never taken for the other.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

from neurona.datasets.idx import check_idx, read_idx, read_labels
from neurona.datasets.records import Arrays
from neurona.errors import DamagedDataError, DataError
from neurona.i18n import _

__all__ = ["FOUR_FILES", "belongs_elsewhere", "check_four", "read_four"]

#: Training pictures and labels, test pictures and labels.
FOUR_FILES = (
    "train-images-idx3-ubyte.gz",
    "train-labels-idx1-ubyte.gz",
    "t10k-images-idx3-ubyte.gz",
    "t10k-labels-idx1-ubyte.gz",
)
_SHAPES = ((60_000, 28, 28), (60_000,), (10_000, 28, 28), (10_000,))
_CLASSES = 10

# SHA-256 of the labels, one byte each.
_OWNERS = {
    "1feba77c54802fa5339a11837ea4b2866434b83314ec45192930f1df69120c13": "MNIST",
    "ddeff807876a9661a1110d45c266c86239a3a1b7d37da0c3716a7a683c852ff5": "MNIST",
    "657fbd221bfc9f4198cc14b5619cc33ec57c58dd0e47af4d99d6650759e869a7": "Fashion-MNIST",
    "3d0e6c6ea990b53b6f8f500a41cac93881d981b315f84578b7d915342ade01e9": "Fashion-MNIST",
}


def read_four(files: Mapping[str, Path], title: str) -> Arrays:
    """The four arrays of the data set `title`, from its files by name.

    Raises:
        DamagedDataError: a file is not what it should be, or belongs to another data set.
    """
    _require_own(files, title)
    images, labels, test_images, test_labels = (files[name] for name in FOUR_FILES)
    return Arrays(
        read_idx(images, _SHAPES[0]),
        read_labels(labels, _SHAPES[1][0], _CLASSES),
        read_idx(test_images, _SHAPES[2]),
        read_labels(test_labels, _SHAPES[3][0], _CLASSES),
    )


def check_four(files: Mapping[str, Path], title: str) -> None:
    """The same check by headers and labels alone."""
    for name, shape in zip(FOUR_FILES, _SHAPES, strict=True):
        check_idx(files[name], shape)
    _require_own(files, title)


def belongs_elsewhere(files: Mapping[str, Path], title: str) -> bool:
    """Whether some of these files hold another data set's labels."""
    return _other_owner(files, title) is not None


def _require_own(files: Mapping[str, Path], title: str) -> None:
    if found := _other_owner(files, title):
        name, owner = found
        text = _(
            "The file {path} holds the labels of {owner}, not of {title}: these are the files of another data set."
        )
        raise DamagedDataError(text.format(path=files[name], owner=owner, title=title))


def _other_owner(files: Mapping[str, Path], title: str) -> tuple[str, str] | None:
    """A file that is known to be another data set's, and whose."""
    for name, shape in ((FOUR_FILES[1], _SHAPES[1]), (FOUR_FILES[3], _SHAPES[3])):
        if name not in files:
            continue
        try:
            labels = read_idx(files[name], shape)
        except DataError:  # damaged: nobody's; reading the whole set says so
            continue
        owner = _OWNERS.get(hashlib.sha256(labels.data).hexdigest(), title)
        if owner != title:
            return name, owner
    return None
