"""MNIST: 70,000 grey pictures of handwritten digits, 28 x 28; the record and `load_data`.

Source: Y. LeCun, L. Bottou, Y. Bengio, P. Haffner, "Gradient-Based Learning Applied to Document Recognition",
Proceedings of the IEEE 86(11), 1998.
"""

from __future__ import annotations

import hashlib
import os
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from neurona.datasets.four_files import FOUR_FILES, belongs_elsewhere, check_four, read_four
from neurona.datasets.loading import load_record
from neurona.datasets.npz import check_npz, read_npz
from neurona.datasets.records import Arrays, DataSet, RemoteFile
from neurona.datasets.source import damaged
from neurona.i18n import _
from neurona.warn import warn_caller

__all__ = ["MNIST", "load_data"]

_TITLE = "MNIST"
_NPZ = "mnist.npz"
_CLASSES = 10
_SHAPES = dict(zip(Arrays._fields, ((60_000, 28, 28), (60_000,), (10_000, 28, 28), (10_000,)), strict=True))

# SHA-256 of the four official IDX files after unpacking.
_CONTENTS = (
    "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
)


def _read(files: Mapping[str, Path]) -> Arrays:
    if _NPZ not in files:
        return read_four(files, _TITLE)
    arrays = Arrays(**read_npz(files[_NPZ], _SHAPES))
    for labels in (arrays.y_train, arrays.y_test):
        if int(labels.max()) >= _CLASSES:
            problem = _("it should hold labels from 0 to {last}, and holds {label}")
            raise damaged(files[_NPZ], problem.format(last=_CLASSES - 1, label=int(labels.max())))
    return arrays


def _check(files: Mapping[str, Path]) -> None:
    if _NPZ in files:
        check_npz(files[_NPZ], _SHAPES)
    else:
        check_four(files, _TITLE)


def _stranger(files: Mapping[str, Path]) -> bool:
    return belongs_elsewhere(files, _TITLE)


def _authentic(arrays: Arrays) -> bool:
    """Whether the arrays, written as IDX, are the official files: their hashes are published, however packed."""
    for array, published in zip(arrays, _CONTENTS, strict=True):
        digest = hashlib.sha256(struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape))
        digest.update(array.data)
        if digest.hexdigest() != published:
            return False
    return True


_DIGITS = tuple(str(digit) for digit in range(10))

MNIST = DataSet(
    name="mnist",
    title=_TITLE,
    aliases=("digits", "dígitos"),
    files=(
        RemoteFile(FOUR_FILES[0], "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609", 9_912_422),
        RemoteFile(FOUR_FILES[1], "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c", 28_881),
        RemoteFile(FOUR_FILES[2], "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6", 1_648_877),
        RemoteFile(FOUR_FILES[3], "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6", 4_542),
    ),
    others=((RemoteFile(_NPZ, "731c5ac602752760c8e48fbffcf8c3b850d9dc2a2aedcf2cc48468fc17b673d1", 11_490_434),),),
    mirrors=(
        "https://storage.googleapis.com/cvdf-datasets/mnist/",
        "https://ossci-datasets.s3.amazonaws.com/mnist/",
    ),
    licence={"en": "CC BY-SA 3.0, Y. LeCun and C. Cortes", "es": "CC BY-SA 3.0, Y. LeCun y C. Cortes"},
    classes={"en": _DIGITS, "es": _DIGITS},
    read=_read,
    check=_check,
    stranger=_stranger,
    fingerprint="",
    authentic=_authentic,
)

Pair = tuple[NDArray[Any], NDArray[Any]]


def load_data(path: str = _NPZ) -> tuple[Pair, Pair]:
    """MNIST as Keras returns it: ``(x_train, y_train), (x_test, y_test)``.

    Arguments:
        path: an existing ``mnist.npz``, absolute or in Keras's cache, or a folder with MNIST's files; anything else
            is ignored, and the data are looked for in all known places.

    Returns:
        Pictures uint8 of shape (60000, 28, 28) and (10000, 28, 28), labels uint8 (60000,) and (10000,).

    Raises:
        DataNotFoundError, DownloadError, DamagedDataError: see `neurona.datasets.load`.
    """
    keras = Path(os.environ.get("KERAS_HOME") or "~/.keras").expanduser() / "datasets"
    given = keras / Path(path).expanduser()  # an absolute path stays itself
    data = load_record(MNIST, path=given if path != _NPZ and given.exists() else None)
    for note in data.notes:
        warn_caller(note, UserWarning)
    return (data.x_train, data.y_train), (data.x_test, data.y_test)
