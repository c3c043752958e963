"""The IDX format of the MNIST family, read with suspicion and written plainly.

A file is a magic number (two zero bytes, a code for the kind of number, the number of axes), the length of
each axis as a big-endian 32-bit number, and the bytes; gzip may wrap it all. The reader is told which
shape to expect and compares it with the header *before* it allocates anything, never inflates more than that
shape holds, and refuses what is missing, left over or flipped. Only unsigned bytes (code 8) are needed here.

Source: Y. LeCun, C. Cortes, C. Burges, "The MNIST database", section "File formats"; RFC 1952 (gzip).
"""

from __future__ import annotations

import gzip
import math
import struct
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from neurona.datasets.source import Source, damaged
from neurona.i18n import _

__all__ = ["check_idx", "read_idx", "read_labels", "write_idx"]

_UNSIGNED_BYTE = 0x08


def read_idx(path: Path, shape: tuple[int, ...]) -> NDArray[np.uint8]:
    """The bytes of the IDX file `path`, which must hold exactly `shape`.

    Arguments:
        path: a regular file, plain or gzip (told by its content, not by its name).
        shape: the expected shape, every axis included.

    Returns:
        A new uint8 array of that shape.

    Raises:
        DataNotFoundError: there is no such file.
        DamagedDataError: another format, another shape, bytes missing, left over or altered.
    """
    with Source(path, _size(shape), least=_size(shape)) as source:
        _check_header(source, path, shape)
        array = np.empty(shape, np.uint8)
        if array.size:
            source.fill(array.data.cast("B"))
        source.finish()
    return array


def read_labels(path: Path, count: int, classes: int) -> NDArray[np.uint8]:
    """The `count` labels of the IDX file `path`, each in ``0 .. classes - 1``.

    Raises:
        DamagedDataError: what `read_idx` refuses, and labels out of range.
    """
    labels = read_idx(path, (count,))
    if labels.size and int(labels.max()) >= classes:
        problem = _("it should hold labels from 0 to {last}, and holds {label}")
        raise damaged(path, problem.format(last=classes - 1, label=int(labels.max())))
    return labels


def check_idx(path: Path, shape: tuple[int, ...]) -> None:
    """Refuse `path` when its header or its size on disk cannot be right; the contents are not read."""
    with Source(path, _size(shape), least=_size(shape)) as source:
        _check_header(source, path, shape)


def write_idx(path: Path, array: NDArray[np.uint8]) -> None:
    """Write a uint8 `array` as IDX, compressed when its name ends in ``.gz``; same array, same file."""
    header = struct.pack(f">HBB{array.ndim}I", 0, _UNSIGNED_BYTE, array.ndim, *array.shape)
    content = header + array.astype(np.uint8, casting="no").tobytes()
    # mtime=0: the hour of writing is no part of the content
    path.write_bytes(gzip.compress(content, 9, mtime=0) if path.suffix == ".gz" else content)


def _size(shape: tuple[int, ...]) -> int:
    return 4 + 4 * len(shape) + math.prod(shape)


def _check_header(source: Source, path: Path, shape: tuple[int, ...]) -> None:
    magic = source.take(4)
    expected = struct.pack(">HBB", 0, _UNSIGNED_BYTE, len(shape))
    if magic != expected:
        problem = _("an IDX file of this kind begins with the bytes {expected}, and it begins with {found}")
        raise damaged(path, problem.format(expected=expected.hex(" "), found=magic.hex(" ")))
    found = struct.unpack(f">{len(shape)}I", source.take(4 * len(shape)))
    if found != shape:
        problem = _("it should hold {expected} values, and says that it holds {found}")
        raise damaged(path, problem.format(expected=_times(shape), found=_times(found)))


def _times(shape: tuple[int, ...]) -> str:
    return " x ".join(str(length) for length in shape)
