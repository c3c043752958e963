"""Tar archives, plain or gzip, read and unpacked with suspicion.

Regular files and folders only. Whatever else an archive may hold (links, devices, pipes, sparse files), names that could
leave the folder or mean another file on some system, names that come twice, and sizes beyond a budget are refused before
a byte of the member is handed out. Members are read as they come, so that an archive costs no more memory than the piece
under way. Python's own `tarfile` is not used: what it lets pass has changed from version to version.

Source: IEEE Std 1003.1-2017, "pax", sections "ustar interchange format" and "pax extended header"; the GNU tar manual,
"Basic Tar Format" (long names, numbers in base 256).
"""

from __future__ import annotations

import os
import shutil
import tempfile
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol

from neurona.datasets.disk import disk_trouble, sync_folder
from neurona.datasets.source import Source
from neurona.errors import ArgumentError, DamagedDataError, DataError
from neurona.i18n import _

__all__ = ["Archive", "Budget", "Member", "Names", "refused", "safe_parts", "unpack"]

_BLOCK = 512
_CHUNK = 1 << 20
_LONGEST_NAME = 1024
_LONGEST_PART = 255
_DEEPEST = 32
_LONGEST_HEADER = 1 << 14  # of a pax header: some names and dates
_MOST_PADDING = 1 << 20  # zeros after the end mark: tar fills up its last record
_FORBIDDEN = frozenset('\\:*?"<>|')  # what some system reads as more than a letter
# Names that are devices on Windows, with whatever ending.
_DEVICES = {
    "con",
    "prn",
    "aux",
    "nul",
    "conin$",
    "conout$",
    *(f"{port}{n}" for port in ("com", "lpt") for n in range(10)),
}


@dataclass(frozen=True)
class Budget:
    """How much an archive may hold.

    Attributes:
        size: bytes of all its files together.
        members: files, folders and extended headers.
    """

    size: int
    members: int


@dataclass(frozen=True)
class Member:
    """One entry of an archive.

    Attributes:
        parts: its path, part by part; safe to join to a folder.
        size: in bytes; 0 for a folder.
        folder: whether it is a folder.
    """

    parts: tuple[str, ...]
    size: int
    folder: bool

    @property
    def name(self) -> str:
        """The path as text."""
        return "/".join(self.parts)


class Archive:
    """The members of the tar archive `path`, in their order; each is to be read before the next is asked for.

    Arguments:
        path: a tar file, plain or gzip (told by its content).
        budget: what it may hold.

    Raises:
        DataNotFoundError: there is no such file.
        DamagedDataError: it is no archive, damaged, or holds something that is not allowed; while it is read, too.
    """

    def __init__(self, path: Path, budget: Budget) -> None:
        self.path = path
        self._budget, self._left = budget, budget.size
        self._source = Source(path, budget.size + 2 * _BLOCK * (budget.members + 1) + _MOST_PADDING)
        self._waiting = 0  # bytes of the present member that nobody has read
        self._padding = 0
        self._names = Names()

    def __enter__(self) -> Archive:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._source.__exit__(kind, error, trace)

    def __iter__(self) -> Iterator[Member]:
        said: dict[str, bytes] = {}  # what extended headers tell of the next member
        for count in range(self._budget.members + 1):
            self._skip()
            block = self._source.take(_BLOCK)
            if not block.strip(b"\0"):
                self._end(said)
                return
            if count == self._budget.members:
                raise self._refused(_("it holds more than {most} files").format(most=self._budget.members))
            header = self._header(block)
            if header.kind in (b"L", b"x", b"g"):
                self._extended(header, said)
                continue
            member = self._member(header, said)
            said = {}
            self._left -= member.size
            self._waiting, self._padding = member.size, -member.size % _BLOCK
            yield member

    def fill(self, out: memoryview) -> None:
        """Fill `out` with the bytes of the present member that come next; it must have as many."""
        if len(out) > self._waiting:
            raise ArgumentError(f"The member has {self._waiting} bytes left. Received: room for {len(out)}.")
        self._source.fill(out)
        self._waiting -= len(out)

    def pieces(self) -> Iterator[bytes]:
        """The rest of the present member, piece by piece."""
        while self._waiting:
            piece = bytearray(min(_CHUNK, self._waiting))
            self.fill(memoryview(piece))
            yield bytes(piece)

    def _skip(self) -> None:
        for _piece in self.pieces():
            pass
        self._source.take(self._padding)
        self._padding = 0

    def _end(self, said: dict[str, bytes]) -> None:
        if self._source.take(_BLOCK).strip(b"\0") or said:
            raise self._refused(_("its end mark is damaged"))
        self._source.finish(zeros=_MOST_PADDING)

    def _header(self, block: bytes) -> _Header:
        given = _octal(block[148:156])
        if given != sum(block) - sum(block[148:156]) + 8 * 32:
            raise self._refused(_("it is no tar archive, or a header in it is damaged"))
        size = _number(block[124:136])
        if size is None:
            raise self._refused(_("a size in it is no number"))
        name = _text(block[:100])
        if block[257:263] == b"ustar\0" and (prefix := _text(block[345:500])):
            name = prefix + b"/" + name
        return _Header(name, size, block[156:157])

    def _extended(self, header: _Header, said: dict[str, bytes]) -> None:
        """Take in a header that tells of the next member (GNU's `L`, pax's `x`), or of all of them (`g`)."""
        if header.size > _LONGEST_HEADER:
            raise self._refused(_("a header in it is {size} bytes long").format(size=header.size))
        content = self._source.take(header.size)
        self._source.take(-header.size % _BLOCK)
        if header.kind == b"L":
            found = {"path": content.removesuffix(b"\0")}
        else:
            records = _pax_records(content)
            if records is None:
                raise self._refused(_("a header in it is damaged"))
            found = records
        if header.kind == b"g":
            found = {key: value for key, value in found.items() if key in ("path", "size", "linkpath")}
            if found:
                raise self._refused(_("it gives one name or size to all its files"))
        for key, value in found.items():
            if key.startswith("GNU.sparse"):
                raise self._refused(_("it holds a sparse file"))
            if key in said:
                raise self._refused(_("it gives two names to one file"))
            said[key] = value

    def _member(self, header: _Header, said: dict[str, bytes]) -> Member:
        raw = said.get("path", header.name)
        shown = raw.decode("utf-8", "backslashreplace")[:100]
        if header.kind not in (b"0", b"\0", b"5"):
            text = _("'{name}' in it is neither a file nor a folder (kind {kind!r})")
            raise self._refused(text.format(name=shown, kind=header.kind.decode("latin-1")))
        size = header.size
        if "size" in said:
            if not said["size"].isdigit() or len(said["size"]) > 20:
                raise self._refused(_("a size in it is no number"))
            size = int(said["size"])
        folder = header.kind == b"5" or (header.kind == b"\0" and raw.endswith(b"/"))
        if folder and size:
            raise self._refused(_("the folder '{name}' in it has contents of its own").format(name=shown))
        if size > self._left:
            text = _("'{name}' makes it larger than the {most} bytes that it may have")
            raise self._refused(text.format(name=shown, most=self._budget.size))
        parts = safe_parts(raw, folder)
        if parts is None:
            raise self._refused(_("the name '{name}' in it is not allowed").format(name=shown))
        if not self._names.claim(parts, folder):
            raise self._refused(_("the name '{name}' in it comes twice").format(name=shown))
        return Member(parts, size, folder)

    def _refused(self, problem: str) -> DamagedDataError:
        return refused(self.path, problem)


class Names:
    """The names in use within an archive."""

    def __init__(self) -> None:
        self._files: set[str] = set()
        self._folders: dict[str, bool] = {}  # whether it has an entry of its own, or is only named by what is in it

    def claim(self, parts: tuple[str, ...], folder: bool) -> bool:
        """Note that a path is in use; False when it already is."""
        # compared as the most forgiving disk would: neither case nor the way of writing an accent matters
        *above, last = [_forgiven("/".join(parts[:n])) for n in range(min(1, len(parts)), len(parts) + 1)]
        clash = last in self._files or (self._folders.get(last) if folder else last in self._folders)
        for key in above:
            clash = clash or key in self._files
            self._folders.setdefault(key, False)
        if clash:
            return False
        if folder:
            self._folders[last] = True
        else:
            self._files.add(last)
        return True


def refused(path: Path, problem: str) -> DamagedDataError:
    """The error for an archive of which nothing is used; `problem` says why."""
    return DamagedDataError(
        _("The archive {path} is refused: {problem}. Nothing of it was used.").format(path=path, problem=problem)
    )


class Opened(Protocol):
    """What `unpack` needs of an archive: its members in their order, and the bytes of the one at hand."""

    def __enter__(self) -> Opened: ...
    def __exit__(self, *trouble: Any) -> None: ...
    def __iter__(self) -> Iterator[Member]: ...
    def pieces(self) -> Iterator[bytes]: ...


def unpack(path: Path, folder: Path, budget: Budget, opened: Callable[[Path, Budget], Opened] = Archive) -> list[Path]:
    """Unpack the archive `path` into the new `folder`, whole or not at all.

    Arguments:
        path: the archive.
        folder: where to; there is nothing yet.
        budget: what it may hold.
        opened: the kind of archive; tar unless told.

    The files are written into a fresh folder beside it, which takes its name at the end; so no link that somebody put
    there can lead a file elsewhere.

    Returns:
        The files, in the archive's order.

    Raises:
        ArgumentError: there is something of the name `folder` already.
        DataNotFoundError, DamagedDataError: see `Archive`.
        DataError: the folder cannot be written to, or the disk is full; nothing stays behind.
    """
    if os.path.lexists(folder):
        raise ArgumentError(
            _("{folder} exists already; an archive is unpacked into a new folder.").format(folder=folder)
        )
    room: Path | None = None
    try:
        with opened(path, budget) as archive:
            folder.parent.mkdir(parents=True, exist_ok=True)
            room = Path(tempfile.mkdtemp(prefix=".unpack-", dir=folder.parent))
            inside = room / "content"
            inside.mkdir()
            files: list[Path] = []
            for member in archive:
                target = inside.joinpath(*member.parts)
                (target if member.folder else target.parent).mkdir(parents=True, exist_ok=True)
                if not member.folder:
                    _write(archive, target)
                    files.append(folder.joinpath(*member.parts))
            if os.path.lexists(folder):  # somebody else was faster; on some systems a rename would replace it
                raise ArgumentError(_("{folder} exists already; an archive is unpacked into a new folder.").format(
                    folder=folder
                ))  # fmt: skip
            os.rename(inside, folder)
            sync_folder(folder.parent)
            return files
    except OSError as error:
        if isinstance(error, DataError):
            raise
        raise disk_trouble(folder.parent, error) from error
    finally:
        if room is not None:
            shutil.rmtree(room, ignore_errors=True)


def _write(archive: Opened, target: Path) -> None:
    with target.open("xb") as file:  # x: never into something that is there
        for piece in archive.pieces():
            file.write(piece)
        file.flush()
        os.fsync(file.fileno())


@dataclass(frozen=True)
class _Header:
    name: bytes
    size: int
    kind: bytes


def _text(field: bytes) -> bytes:
    return field.split(b"\0", 1)[0]


def _octal(field: bytes) -> int | None:
    digits = field.strip(b" \0")
    return int(digits, 8) if digits and not digits.strip(b"01234567") else None


def _number(field: bytes) -> int | None:
    """A number of a header: octal digits, or GNU's base 256 for large ones."""
    if field[0] == 0x80:
        return int.from_bytes(field[1:], "big")
    return _octal(field) if field.strip(b" \0") else 0


def _forgiven(path: str) -> str:
    return path.lower() if path.isascii() else unicodedata.normalize("NFKC", path).casefold()


def _pax_records(content: bytes) -> dict[str, bytes] | None:
    """The records ``LENGTH KEY=VALUE\\n`` of a pax header, or ``None`` if they do not add up."""
    found: dict[str, bytes] = {}
    while content:
        length, blank, _rest = content.partition(b" ")
        if not blank or not length.isdigit() or len(length) > 5:
            return None
        record, content = content[: int(length)], content[int(length) :]
        key, equals, value = record[len(length) + 1 : -1].partition(b"=")
        name = key.decode("utf-8", "replace")
        if len(record) != int(length) or not record.endswith(b"\n") or not key or not equals or name in found:
            return None
        found[name] = value
    return found


def safe_parts(raw: bytes, folder: bool) -> tuple[str, ...] | None:
    """The parts of a path that means the same place below a folder on every system, or ``None``.

    >>> safe_parts(b"data/./one.bin", False)
    ('data', 'one.bin')
    >>> [safe_parts(name, False) for name in (b"../up", b"/etc", b"C:x", b"a//b", b"nul.txt", b"x.")]
    [None, None, None, None, None, None]
    """
    try:
        name = raw.decode("utf-8")
    except UnicodeDecodeError:
        return None
    if folder:
        name = name.removesuffix("/")
    if not name or len(raw) > _LONGEST_NAME or not name.isprintable() or not _FORBIDDEN.isdisjoint(name):
        return None
    parts = [part for part in name.split("/") if part != "."]
    if (not parts and not folder) or len(parts) > _DEEPEST or (name.endswith("/.") and not folder):
        return None
    for part in parts:
        if not part or part == ".." or part.endswith((".", " ")) or part.startswith(" "):
            return None
        stem = unicodedata.normalize("NFKC", part.split(".")[0]).rstrip().casefold()  # NFKC: Windows reads COM¹ as COM1
        if len(part.encode()) > _LONGEST_PART or stem in _DEVICES:
            return None
    return tuple(parts)
