"""CIFAR-10: 60,000 colour pictures of ten kinds of things, 32 x 32; the record and `load_data`.

In the official binary files a record is one byte for the class and 3,072 for the picture: its red, then its green, then
its blue values, each row by row. Reading turns the pictures into rows of coloured pixels, (N, 32, 32, 3). Inflating
the archive takes about a second, so no unpacked copy is kept.

Source: A. Krizhevsky, "Learning Multiple Layers of Features from Tiny Images", technical report, University of Toronto,
2009.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurona.datasets.loading import load_record
from neurona.datasets.records import Arrays, DataSet, RemoteFile
from neurona.datasets.source import Source, damaged
from neurona.datasets.unpacking import Archive, Budget
from neurona.errors import DamagedDataError
from neurona.i18n import _
from neurona.warn import warn_caller

__all__ = ["CIFAR10", "load_data"]

_ARCHIVE = "cifar-10-binary.tar.gz"
_FOLDER = "cifar-10-batches-bin/"
_PYTHON_FOLDER = "cifar-10-batches-py/"
_TRAIN_FILES = tuple(f"data_batch_{n}.bin" for n in range(1, 6))
_TEST_FILE = "test_batch.bin"
_BATCH, _SIDE, _CLASSES = 10_000, 32, 10
_PICTURE = 3 * _SIDE * _SIDE
_RECORD = 1 + _PICTURE
_BUDGET = Budget(size=200_000_000, members=32)
_AT_ONCE = 1000  # records

# SHA-256 of all official training records in their order, and of all test records.
_TRAIN_CONTENTS = "a0181da372c0d63a5920fdbea2ec3f83ecbc552d378218e1cb473cf634941a3b"
_TEST_CONTENTS = "8e2eb146ae340b09e24670f29cabc6326dba54da8789dab6768acf480273f65b"

Fill = Callable[[memoryview], None]


def _read(files: Mapping[str, Path]) -> Arrays:
    train = _Pictures(len(_TRAIN_FILES) * _BATCH)
    if _ARCHIVE in files:
        test = _read_archive(files[_ARCHIVE], train)
    else:
        for n, name in enumerate(_TRAIN_FILES):
            with _open(files[_FOLDER + name]) as source:
                train.read(n * _BATCH, _BATCH, source.fill, files[_FOLDER + name])
                source.finish()
        path = files[_FOLDER + _TEST_FILE]
        test = _Pictures(_count(path, _TEST_FILE, path.stat().st_size))
        with Source(path, _BATCH * _RECORD) as source:
            test.read(0, len(test.labels), source.fill, path)
            source.finish()
    return Arrays(train.pixels, train.labels, test.pixels, test.labels)


def _read_archive(path: Path, train: _Pictures) -> _Pictures:
    """Read all training pictures into `train`, and return those of the test file."""
    test: _Pictures | None = None
    missing = {*_TRAIN_FILES, _TEST_FILE}
    with Archive(path, _BUDGET) as archive:
        for member in archive:
            if member.name.startswith(_PYTHON_FOLDER):
                raise damaged(path, _("it is the version for Python (pickle), which may run anything; take {file}").format(
                    file=_ARCHIVE
                ))  # fmt: skip
            name = member.name.removeprefix(_FOLDER)
            if name not in missing:
                continue
            missing.remove(name)
            count = _count(path, name, member.size)
            if name == _TEST_FILE:
                test = _Pictures(count)
                test.read(0, count, archive.fill, path, name)
            else:
                train.read(_TRAIN_FILES.index(name) * _BATCH, count, archive.fill, path, name)
    if missing or test is None:
        raise damaged(path, _("it lacks {files}").format(files=", ".join(sorted(missing))))
    return test


def _count(path: Path, name: str, size: int) -> int:
    """How many records a file of `size` bytes holds; only the test file may be shorter than the official one."""
    if size % _RECORD:
        text = _("{name} should hold records of {record} bytes, and has {size} bytes: {rest} are left over")
        raise damaged(path, text.format(name=name, record=_RECORD, size=size, rest=size % _RECORD))
    count = size // _RECORD
    if not (count == _BATCH or (name == _TEST_FILE and 0 < count < _BATCH)):
        text = _("{name} should hold {expected} pictures, and holds {count}")
        raise damaged(path, text.format(name=name, expected=_BATCH, count=count))
    return count


class _Pictures:
    """Room for pictures and their classes, filled from records."""

    def __init__(self, count: int) -> None:
        self.pixels = np.empty((count, _SIDE, _SIDE, 3), np.uint8)
        self.labels = np.empty(count, np.uint8)

    def read(self, start: int, count: int, fill: Fill, path: Path, name: str = "") -> None:
        """Take in the next `count` records, from place `start` on."""
        records = np.empty((_AT_ONCE, _RECORD), np.uint8)
        for done in range(0, count, _AT_ONCE):
            some = records[: min(_AT_ONCE, count - done)]
            fill(some.data.cast("B"))
            labels = some[:, 0]
            if int(labels.max()) >= _CLASSES:
                first = int(np.argmax(labels >= _CLASSES))
                text = _("{name}: picture {number} should have a class from 0 to {last}, and has {label}")
                raise damaged(path, text.format(
                    name=name or path.name, number=done + first, last=_CLASSES - 1, label=int(labels[first])
                ))  # fmt: skip
            at = slice(start + done, start + done + len(some))
            self.labels[at] = labels
            planes = some[:, 1:].reshape(-1, 3, _SIDE, _SIDE)
            for colour in range(3):  # ten times as fast as one transposition
                self.pixels[at, :, :, colour] = planes[:, colour]


def _open(path: Path) -> Source:
    _count(path, path.name, path.stat().st_size)
    return Source(path, _BATCH * _RECORD, least=_BATCH * _RECORD)


def _check(files: Mapping[str, Path]) -> None:
    if _ARCHIVE in files:
        path = files[_ARCHIVE]
        with Archive(path, _BUDGET) as archive:
            first = next(iter(archive), None)
        if first is None or not (first.name + "/").startswith(_FOLDER):
            text = _("it should begin with the folder {folder}, and begins with {found}")
            raise damaged(path, text.format(folder=_FOLDER, found=first.name if first else "-"))
        return
    for name in (*_TRAIN_FILES, _TEST_FILE):
        path = files[_FOLDER + name]
        if not path.is_file():
            raise DamagedDataError(_("{path} is no regular file.").format(path=path))
        _count(path, name, path.stat().st_size)


def _hash(pictures: NDArray[Any], labels: NDArray[Any]) -> str:
    """The SHA-256 of the records that these pictures came from."""
    digest = hashlib.sha256()
    for start in range(0, len(pictures), _AT_ONCE):
        some = pictures[start : start + _AT_ONCE]
        records = np.empty((len(some), _RECORD), np.uint8)
        records[:, 0] = labels[start : start + _AT_ONCE]
        planes = records[:, 1:].reshape(-1, 3, _SIDE, _SIDE)
        for colour in range(3):
            planes[:, colour] = some[..., colour]
        records[:, 1:] = planes.reshape(len(some), -1)
        digest.update(records.data)
    return digest.hexdigest()


def _authentic(arrays: Arrays) -> bool:
    if len(arrays.x_test) != _BATCH:
        return False
    test = _hash(arrays.x_test, arrays.y_test)
    return test == _TEST_CONTENTS and _hash(arrays.x_train, arrays.y_train) == _TRAIN_CONTENTS


def _remark(arrays: Arrays, folder: Path) -> str:
    count = len(arrays.x_test)
    if count == _BATCH:
        return ""
    return _(
        "The test file in {folder} holds {count} of the {all} test pictures: a figure from so few is that much less certain."
    ).format(folder=folder, count=count, all=_BATCH)


CIFAR10 = DataSet(
    name="cifar-10",
    title="CIFAR-10",
    aliases=("cifar10", "objects", "objetos"),
    files=(RemoteFile(_ARCHIVE, "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd", 170_052_171),),
    others=(tuple(RemoteFile(_FOLDER + name, "", _BATCH * _RECORD) for name in (*_TRAIN_FILES, _TEST_FILE)),),
    mirrors=(
        "https://www.cs.toronto.edu/~kriz/",
        "https://apache-mxnet.s3-accelerate.dualstack.amazonaws.com/gluon/dataset/cifar10/",
        "https://storage.googleapis.com/s4tf-hosted-binaries/datasets/CIFAR10/",
    ),
    licence={
        "en": "no licence published, A. Krizhevsky 2009: for your own use, not to be passed on",
        "es": "sin licencia publicada, A. Krizhevsky 2009: para tu propio uso, no para redistribuir",
    },
    classes={
        "en": ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"),
        "es": ("avión", "automóvil", "pájaro", "gato", "ciervo", "perro", "rana", "caballo", "barco", "camión"),
    },
    read=_read,
    check=_check,
    fingerprint="",
    authentic=_authentic,
    remark=_remark,
)

Pair = tuple[NDArray[Any], NDArray[Any]]


def load_data() -> tuple[Pair, Pair]:
    """CIFAR-10 as Keras returns it: ``(x_train, y_train), (x_test, y_test)``.

    Returns:
        Pictures uint8 of shape (50000, 32, 32, 3) and (10000, 32, 32, 3), labels uint8 (50000, 1) and (10000, 1).

    Raises:
        DataNotFoundError, DownloadError, DamagedDataError: see `neurona.datasets.load`.
    """
    data = load_record(CIFAR10)
    for note in data.notes:
        warn_caller(note, UserWarning)
    return (data.x_train, data.y_train[:, None]), (data.x_test, data.y_test[:, None])
