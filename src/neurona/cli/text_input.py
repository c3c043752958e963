"""Texts as they arrive: on the command line, in files and folders, or line by line from a stream.

A whole text that is UTF-16 is refused; bytes that are no UTF-8 are read as Windows-1252, and the user is told. A text of
absurd size is refused before it fills the memory.
"""

from __future__ import annotations

import os
import select
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from neurona.cli.shared import complain
from neurona.errors import DataError, DataNotFoundError
from neurona.i18n import _, ngettext
from neurona.saving.atomic import reason

__all__ = ["LARGEST", "decoded", "files_of", "groups", "note_recoded", "opened", "whole"]

LARGEST = 64 << 20  # bytes of one text
_AT_ONCE = 1024  # lines that are answered together
_UTF16 = (b"\xff\xfe", b"\xfe\xff")


def files_of(thing: str) -> list[Path]:
    """The files that an argument names; none where it is a text.

    Raises:
        DataNotFoundError: it looks like the name of a file that is not there, or is a folder without texts.
    """
    path = Path(thing)
    if not thing:  # an empty text, not the working folder
        return []
    try:
        if path.is_file():
            return [path]
        folder = path.is_dir()
    except (OSError, ValueError):  # too long for a name, or with a NUL in it
        return []
    if folder:
        inside = sorted(p for p in path.iterdir() if p.suffix.lower() == ".txt" and p.is_file())
        if not inside:
            raise DataNotFoundError(_("The folder {path} holds no text file (*.txt).").format(path=path))
        return inside
    if path.suffix.lower() == ".txt" and not any(c.isspace() for c in thing):
        raise DataNotFoundError(_("There is no file {path}.").format(path=path))
    return []


def opened(path: Path) -> BinaryIO:
    """The file, to read bytes from.

    Raises:
        DataError: it cannot be read.
    """
    try:
        return path.open("rb")
    except OSError as error:
        raise DataError(_("Cannot read {path}: {why}.").format(path=path, why=reason(error))) from error


def whole(stream: BinaryIO, name: str) -> tuple[str, bool]:
    """All of a stream as one text, and whether it had to be read as Windows-1252.

    Raises:
        DataError: it is UTF-16, or larger than a single text may be.
    """
    raw = stream.read(LARGEST + 1)
    if len(raw) > LARGEST:
        raise _too_large(name)
    if raw.startswith(_UTF16):
        raise _utf16()
    return decoded(raw)


def decoded(raw: bytes) -> tuple[str, bool]:
    """The text of these bytes, and whether it had to be read as Windows-1252.

    >>> decoded("café".encode()), decoded(b"caf\\xe9")
    (('café', False), ('café', True))
    """
    try:
        return raw.decode("utf-8-sig"), False
    except UnicodeDecodeError:
        return raw.decode("cp1252", errors="replace"), True


def note_recoded(count: int) -> None:
    """Tell that so many texts were no UTF-8, if there were any."""
    if count:
        text = ngettext(
            "Note: {count} text is no UTF-8; it was read as Windows-1252.",
            "Note: {count} texts are no UTF-8; they were read as Windows-1252.",
            count,
        )
        complain(text.format(count=count))


def groups(stream: BinaryIO) -> Iterator[list[bytes]]:
    """Lines, as many together as are ready, so that a slow stream is answered at once and a fast one in large batches.

    Raises:
        DataError: a line has no end, or the stream is UTF-16. The lines before such a line are given out first.
    """
    rest, waiting = bytearray(), []
    number = 0
    begun = False
    while True:
        chunk = _some(stream)
        if b"\n" in chunk:
            head, _sign, tail = chunk.rpartition(b"\n")
            rest += head
            waiting += [line.removesuffix(b"\r") for line in bytes(rest).split(b"\n")]
            rest = bytearray(tail)
        else:
            rest += chunk
        if not chunk and rest:
            waiting.append(bytes(rest))
            rest = bytearray()
        if waiting and not begun:
            begun = True
            # the mark alone could be two letters of Windows-1252; UTF-16 has a NUL beside every sign for a line's end
            if waiting[0].startswith(_UTF16) and b"\0" in b"".join([*waiting[:2], rest]):
                raise _utf16()
        endless = len(rest) > LARGEST
        while waiting and (len(waiting) >= _AT_ONCE or not chunk or endless or not _more(stream)):
            number += len(waiting[:_AT_ONCE])
            yield waiting[:_AT_ONCE]
            waiting = waiting[_AT_ONCE:]
        if endless:
            raise _too_large(_("line {number}").format(number=number + 1))
        if not chunk:
            return


def _some(stream: BinaryIO) -> bytes:
    """What there is to read, at most a megabyte, without waiting for more; empty at the end."""
    if hasattr(stream, "read1"):
        return bytes(stream.read1(1 << 20))
    return stream.read(1 << 20)


def _more(stream: BinaryIO) -> bool:
    """Whether more can be read at once; told only where the system can say so."""
    if os.name == "nt":
        return True
    try:
        return bool(select.select([stream], [], [], 0.02)[0])
    except (OSError, ValueError):  # no file of the system
        return True


def _too_large(name: str) -> DataError:
    return DataError(_("{name} is larger than {size} MB: that is no single text.").format(
        name=name, size=LARGEST >> 20))  # fmt: skip


def _utf16() -> DataError:
    return DataError(_("The text is UTF-16. Save it as UTF-8."))
