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
import os
import stat
import struct
import zlib
from pathlib import Path
from types import TracebackType

import numpy as np
from numpy.typing import NDArray

from neurona.errors import DamagedDataError, DataError, DataNotFoundError
from neurona.i18n import _

__all__ = ["check_idx", "read_idx", "read_labels", "write_idx"]

_UNSIGNED_BYTE = 0x08
_CHUNK = 1 << 16


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
    with _Source(path, _header_size(shape) + math.prod(shape)) as source:
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
        raise _damaged(path, problem.format(last=classes - 1, label=int(labels.max())))
    return labels


def check_idx(path: Path, shape: tuple[int, ...]) -> None:
    """Refuse `path` when its header or its size on disk cannot be right; the contents are not read."""
    with _Source(path, _header_size(shape) + math.prod(shape)) as source:
        _check_header(source, path, shape)


def write_idx(path: Path, array: NDArray[np.uint8]) -> None:
    """Write a uint8 `array` as IDX, compressed when its name ends in ``.gz``; same array, same file."""
    header = struct.pack(f">HBB{array.ndim}I", 0, _UNSIGNED_BYTE, array.ndim, *array.shape)
    content = header + array.astype(np.uint8, casting="no").tobytes()
    # mtime=0: the hour of writing is no part of the content
    path.write_bytes(gzip.compress(content, 9, mtime=0) if path.suffix == ".gz" else content)


def _header_size(shape: tuple[int, ...]) -> int:
    return 4 + 4 * len(shape)


def _check_header(source: _Source, path: Path, shape: tuple[int, ...]) -> None:
    magic = source.take(4)
    expected = struct.pack(">HBB", 0, _UNSIGNED_BYTE, len(shape))
    if magic != expected:
        problem = _("an IDX file of this kind begins with the bytes {expected}, and it begins with {found}")
        raise _damaged(path, problem.format(expected=expected.hex(" "), found=magic.hex(" ")))
    found = struct.unpack(f">{len(shape)}I", source.take(4 * len(shape)))
    if found != shape:
        problem = _("it should hold {expected} values, and says that it holds {found}")
        raise _damaged(path, problem.format(expected=_times(shape), found=_times(found)))


def _times(shape: tuple[int, ...]) -> str:
    return " x ".join(str(length) for length in shape)


def _damaged(path: Path, problem: str) -> DamagedDataError:
    return DamagedDataError(
        _("The file {path} is damaged or is another file: {problem}.").format(path=path, problem=problem)
    )


class _Source:
    """The plain bytes of a file, inflated when it is gzip, handed out in exact amounts.

    zlib is used directly instead of `gzip.open`: the latter also follows further members, so that a file of a
    million empty ones would keep it busy without giving a byte.
    """

    def __init__(self, path: Path, size: int) -> None:
        self.path = path
        try:
            status = path.stat()
            if not stat.S_ISREG(status.st_mode):  # opening a pipe would wait for ever
                raise DamagedDataError(_("{path} is no regular file.").format(path=path))
            self.file = path.open("rb", buffering=0)
        except FileNotFoundError as error:
            raise DataNotFoundError(_("There is no file {path}.").format(path=path)) from error
        except OSError as error:
            raise self._unreadable(error) from error
        try:
            length = os.fstat(self.file.fileno()).st_size
            packed = self._read(2) == b"\x1f\x8b"
            self.file.seek(0)
            # gzip never grows its content by more than this: whatever is longer need not be read at all
            if length > (size + size // 100 + 4096 if packed else size):
                raise self._left_over()
            if not packed and length < size:
                raise self._cut_short()
        except BaseException:
            self.file.close()
            raise
        self.inflater = zlib.decompressobj(31) if packed else None  # 31: gzip wrapper, its checksum included
        self.pending = b""

    def __enter__(self) -> _Source:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.file.close()

    def take(self, count: int) -> bytes:
        """The next `count` bytes."""
        out = bytearray(count)
        self.fill(memoryview(out))
        return bytes(out)

    def fill(self, out: memoryview) -> None:
        """Fill `out` with the bytes that come next, all of it."""
        filled = 0
        while filled < len(out):
            piece = self._next(min(_CHUNK, len(out) - filled))
            if piece is None:
                raise self._cut_short()
            out[filled : filled + len(piece)] = piece
            filled += len(piece)

    def finish(self) -> None:
        """Insist that nothing is left over, and that gzip's checksum was right."""
        while (piece := self._next(1)) is not None:
            if piece:
                raise self._left_over()
        if (self.inflater is not None and self.inflater.unused_data) or self._read(1):
            raise self._left_over()

    def _next(self, limit: int) -> bytes | None:
        """From 0 to `limit` bytes, or ``None`` at the end."""
        if self.inflater is None:
            return self._read(limit) or None
        if self.inflater.eof:
            return None
        if not self.pending:
            self.pending = self._read(_CHUNK)
            if not self.pending:
                raise self._cut_short()
        try:
            piece = self.inflater.decompress(self.pending, limit)
        except zlib.error as error:
            problem = _("its compressed content does not add up ({detail})").format(detail=error)
            raise _damaged(self.path, problem) from error
        self.pending = self.inflater.unconsumed_tail
        return piece

    def _read(self, limit: int) -> bytes:
        try:
            return self.file.read(limit)
        except OSError as error:
            raise self._unreadable(error) from error

    def _unreadable(self, error: OSError) -> DataError:
        text = _("The file {path} cannot be read: {reason}.")
        return DataError(text.format(path=self.path, reason=error.strerror or error))

    def _cut_short(self) -> DamagedDataError:
        return _damaged(self.path, _("it ends too early"))

    def _left_over(self) -> DamagedDataError:
        return _damaged(self.path, _("it holds more bytes than it should"))
