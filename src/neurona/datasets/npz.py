"""Arrays of bytes in NumPy's ``.npz``, read with suspicion: never a pickle, never more than was asked for.

The names and shapes are told beforehand. The zip's directory is measured before it is read, each member's header is
compared with the expected shape before anything is allocated, and a member that holds less or more is refused.

Source: NumPy's manual, "NEP 1: a simple file format for NumPy arrays"; PKWARE's APPNOTE.TXT, section 4.3 (zip).
"""

from __future__ import annotations

import math
import struct
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from neurona.datasets.source import Source, damaged
from neurona.errors import DataError
from neurona.i18n import _

__all__ = ["check_npz", "read_npz"]

_LONGEST_HEADER = 4096  # of a member
_LONGEST_DIRECTORY = 4096  # of the zip: some hundred bytes for each member
# What zipfile and NumPy say of a damaged file.
_BROKEN = (zipfile.BadZipFile, zlib.error, struct.error, OSError, EOFError, ValueError, SyntaxError, RuntimeError,
           NotImplementedError, RecursionError, TypeError, KeyError)  # fmt: skip


def read_npz(path: Path, shapes: Mapping[str, tuple[int, ...]]) -> dict[str, NDArray[np.uint8]]:
    """The uint8 arrays in the file `path`, which must be exactly those in `shapes`.

    Raises:
        DataNotFoundError: there is no such file.
        DamagedDataError: another format, other names, kinds or shapes, bytes missing, left over or altered.
    """
    return _read(path, shapes, contents=True)


def check_npz(path: Path, shapes: Mapping[str, tuple[int, ...]]) -> None:
    """Refuse `path` when its names, sizes or headers cannot be right; the contents are not read."""
    _read(path, shapes, contents=False)


def _read(path: Path, shapes: Mapping[str, tuple[int, ...]], contents: bool) -> dict[str, NDArray[np.uint8]]:
    most = sum(math.prod(shape) + _LONGEST_HEADER for shape in shapes.values()) + _LONGEST_DIRECTORY
    with Source(path, most) as source:  # a regular file, not too large
        _measure(path, source.file)
        try:
            with zipfile.ZipFile(path) as archive:
                entries = {entry.filename: entry for entry in archive.infolist()}
                if sorted(e.filename for e in archive.infolist()) != sorted(f"{name}.npy" for name in shapes):
                    found = ", ".join(sorted(entries)[:10])
                    text = _("it should hold {expected}, and holds {found}")
                    raise damaged(path, text.format(expected=", ".join(shapes), found=found))
                arrays = {}
                for name, shape in shapes.items():
                    entry = entries[f"{name}.npy"]
                    if not 0 < entry.file_size - math.prod(shape) <= _LONGEST_HEADER:
                        raise damaged(path, _("{name} in it has another size").format(name=name))
                    if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                        raise damaged(path, _("it is no plain NumPy archive"))  # others grow without a bound per piece
                    with archive.open(entry) as stream:
                        _header(path, stream, name, shape)
                        if contents:
                            arrays[name] = _fill(path, stream, shape)
                return arrays
        except DataError:  # said already, and an OSError too
            raise
        except _BROKEN as error:
            raise damaged(path, _("it is no readable NumPy archive ({detail})").format(detail=error)) from error


def _measure(path: Path, file: Any) -> None:
    """Insist on a plain zip with a short directory: to read a long one costs time and memory."""
    end = 22  # bytes of the end record, which plain archives close with
    length = file.seek(0, 2)
    file.seek(max(0, length - end - 20))
    tail = file.read(end + 20)
    record, before = tail[-end:], tail[:-end]
    plain = len(record) == end and record.startswith(b"PK\5\6") and record.endswith(b"\0\0")
    # a locator before it would lead to another directory, with sizes of its own
    if not plain or before.startswith(b"PK\6\7") or struct.unpack("<I", record[12:16])[0] > _LONGEST_DIRECTORY:
        raise damaged(path, _("it is no plain NumPy archive"))


def _header(path: Path, stream: IO[bytes], name: str, shape: tuple[int, ...]) -> None:
    if np.lib.format.read_magic(stream) != (1, 0):
        raise damaged(path, _("it is no plain NumPy archive"))
    found, by_column, kind = np.lib.format.read_array_header_1_0(stream, max_header_size=_LONGEST_HEADER)
    if found != shape or by_column or kind != np.uint8:
        text = _("{name} in it should be {expected} of uint8, and is {found} of {kind}")
        raise damaged(path, text.format(name=name, expected=shape, found=found, kind=kind))


def _fill(path: Path, stream: IO[bytes], shape: tuple[int, ...]) -> NDArray[np.uint8]:
    array = np.empty(shape, np.uint8)
    rest = array.data.cast("B")
    while rest:
        count = stream.readinto(rest[: 1 << 20])  # type: ignore[attr-defined]
        if not count:
            raise damaged(path, _("it ends too early"))
        rest = rest[count:]
    if stream.read(1):  # also lets zipfile compare its checksum
        raise damaged(path, _("it holds more bytes than it should"))
    return array
