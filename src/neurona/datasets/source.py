"""The bytes of a file, plain or gzip, read in exact amounts and with suspicion.

Nothing is believed beforehand: neither that the path is a file, nor that it is as long as it should be, nor that
compressed bytes add up. Leans on zlib.

Source: RFC 1952 (gzip).
"""

from __future__ import annotations

import hashlib
import os
import stat
import zlib
from pathlib import Path
from types import TracebackType

from neurona.errors import DamagedDataError, DataError, DataNotFoundError
from neurona.i18n import _

__all__ = ["Source", "damaged", "has_digest", "sha256_of"]

_CHUNK = 1 << 16


def damaged(path: Path, problem: str) -> DamagedDataError:
    """The error for a file whose bytes are not what they should be; `problem` says in which way."""
    return DamagedDataError(
        _("The file {path} is damaged or is another file: {problem}.").format(path=path, problem=problem)
    )


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file's bytes, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def has_digest(path: Path, published: str) -> bool:
    """Whether a file has the published hash: a SHA-256, or an MD5 where its length says so."""
    with path.open("rb") as file:
        kind = "md5" if len(published) == 32 else "sha256"
        return hashlib.file_digest(file, kind).hexdigest() == published


class Source:
    """The plain bytes of a file, inflated when it is gzip, handed out in exact amounts.

    zlib is used directly instead of `gzip.open`: the latter also follows further members, so that a file of a
    million empty ones would keep it busy without giving a byte.

    Arguments:
        path: a regular file, plain or gzip (told by its content, not by its name).
        most: the most bytes that it may hold, inflated.
        least: the fewest.

    Raises:
        DataNotFoundError: there is no such file.
        DamagedDataError: it is no regular file, or its size on disk cannot be right.
    """

    def __init__(self, path: Path, most: int, least: int = 0) -> None:
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
            if length > (most + most // 100 + 4096 if packed else most):
                raise self._left_over()
            if not packed and length < least:
                raise self._cut_short()
        except BaseException:
            self.file.close()
            raise
        self.inflater = zlib.decompressobj(31) if packed else None  # 31: gzip wrapper, its checksum included
        self.pending = b""

    def __enter__(self) -> Source:
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

    def finish(self, zeros: int = 0) -> None:
        """Insist that nothing is left over but at most so many zero bytes, and that gzip's checksum was right."""
        while (piece := self._next(zeros + 1)) is not None:
            zeros -= len(piece)
            if zeros < 0 or piece.strip(b"\0"):
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
            raise damaged(self.path, problem) from error
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
        return damaged(self.path, _("it ends too early"))

    def _left_over(self) -> DamagedDataError:
        return damaged(self.path, _("it holds more bytes than it should"))
