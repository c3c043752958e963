"""CIFAR-100: 60,000 small photographs of 100 kinds of things, which belong to 20 groups.

Read from the archive of bytes; Keras takes the one of pickles, with the same pictures in the same order.

Source: A. Krizhevsky, "Learning multiple layers of features from tiny images" (2009).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurona.datasets.keras_files import Pair, keras_file
from neurona.datasets.records import RemoteFile
from neurona.datasets.source import damaged
from neurona.datasets.unpacking import Archive, Budget
from neurona.errors import ArgumentError
from neurona.i18n import _

__all__ = ["load_data"]

_ARCHIVE = RemoteFile("cifar-100-binary.tar.gz", "03b5dce01913d631647c71ecec9e9cb8", 168_513_733)
_MIRRORS = ("https://www.cs.toronto.edu/~kriz/",)
_BUDGET = Budget(size=200_000_000, members=20)
_SIDE = 32
_RECORD = 2 + 3 * _SIDE * _SIDE  # the group, the kind, then red, green and blue
_FILES = {"cifar-100-binary/train.bin": 50_000, "cifar-100-binary/test.bin": 10_000}


def load_data(label_mode: str = "fine") -> tuple[Pair, Pair]:
    """CIFAR-100 as Keras returns it: ``(x_train, y_train), (x_test, y_test)``.

    Args:
        label_mode: "fine" for the 100 kinds, "coarse" for the 20 groups.

    Returns:
        pictures uint8 of shape (50000, 32, 32, 3) and (10000, 32, 32, 3), labels (50000, 1) and (10000, 1).

    Raises:
        DownloadError: the archive is nowhere and cannot be downloaded.
        DamagedDataError: it is no such archive.
        ArgumentError: another `label_mode`.
    """
    if label_mode not in ("fine", "coarse"):
        raise ArgumentError(f'`label_mode` must be one of `"fine"`, `"coarse"`. Received: label_mode={label_mode}.')
    found = _read(keras_file(_ARCHIVE, _ARCHIVE.name, "cifar-100", _MIRRORS))
    train, test = (_arrays(found[name], label_mode == "fine") for name in _FILES)
    return train, test


def _read(path: Path) -> dict[str, NDArray[Any]]:
    """The records of both files, (N, 3074)."""
    found: dict[str, NDArray[Any]] = {}
    with Archive(path, _BUDGET) as archive:
        for member in archive:
            count = _FILES.get(member.name)
            if count is None:
                continue
            if member.size != count * _RECORD:
                text = _("{name} should hold {expected} pictures, and holds {count}")
                raise damaged(path, text.format(name=member.name, expected=count, count=member.size / _RECORD))
            records = np.empty((count, _RECORD), np.uint8)
            archive.fill(records.data.cast("B"))
            found[member.name] = records
    if missing := sorted(set(_FILES) - set(found)):
        raise damaged(path, _("it lacks {files}").format(files=", ".join(missing)))
    return found


def _arrays(records: NDArray[Any], fine: bool) -> Pair:
    pixels = np.ascontiguousarray(records[:, 2:].reshape(-1, 3, _SIDE, _SIDE).transpose(0, 2, 3, 1))
    return pixels, records[:, int(fine) : int(fine) + 1].astype("int64")
