"""Reading a zip archive without trusting it.

An archive says everything twice: in a table at its end, and before each member. Readers that believe only one of the two
disagree about what is in the file, and tables can name members that overlap, lie about their sizes, or inflate without
end. Here both must agree; the members must fill the file from its first byte to the table; and sizes are counted
against a budget before anything is inflated.

Source: PKWARE, "APPNOTE.TXT - .ZIP File Format Specification", sections 4.3 to 4.5.
"""

from __future__ import annotations

import stat
import zlib
from dataclasses import dataclass
from struct import Struct, unpack_from
from typing import NoReturn

from neurona.errors import SavingError, UnsafeFileError
from neurona.saving.budget import Budget

__all__ = ["read_zip"]

_END = Struct("<4s4H2IH")
_END64 = Struct("<4sQ2H2I4Q")
_LOCATOR64 = Struct("<4sIQI")
_ENTRY = Struct("<4s6H3I5H2I")
_LOCAL = Struct("<4s5H3I2H")
_FULL16, _FULL32 = 0xFFFF, 0xFFFFFFFF  # "the value stands in the zip64 field"

_DESCRIPTOR, _UTF8 = 0x8, 0x800  # flags: the sizes stand behind the data; the name is in UTF-8
_KNOWN_FLAGS = 0x2 | 0x4 | _DESCRIPTOR | _UTF8  # the first two tell how hard it was deflated
_STORED, _DEFLATED = 0, 8
_UNIX = 3
_MOST_MEMBERS = 20_000


@dataclass(frozen=True)
class _Entry:
    """One line of the table."""

    name: str
    raw_name: bytes
    flags: int
    method: int
    sum: int
    stored: int
    size: int
    offset: int


def read_zip(data: bytes, origin: str, budget: Budget) -> dict[str, bytes]:
    """The members of an archive by their names; folders end in "/" and hold nothing.

    Args:
        data: the whole archive.
        origin: what errors call it.
        budget: of the memory that the members may take.

    Raises:
        SavingError: it is no zip archive, or a damaged one.
        UnsafeFileError: members overlap, come twice, are encrypted, links, or larger than they may be; or the table
            and what stands before the members disagree.
    """
    return _Archive(data, origin, budget).read()


class _Archive:
    def __init__(self, data: bytes, origin: str, budget: Budget) -> None:
        self.data, self.origin, self.budget = data, origin, budget

    def read(self) -> dict[str, bytes]:
        start, stop, count = self._table()
        entries = self._entries(start, stop, count)
        members: dict[str, bytes] = {}
        at = 0
        for entry in sorted(entries, key=lambda e: e.offset):
            if entry.offset != at:
                self._unsafe(f"the member {entry.name!r} does not begin where the one before it ends")
            begin = self._check_local(entry, start)
            if begin + entry.stored > start:
                self._damaged(f"the member {entry.name!r} is cut short")
            at = self._end_of(entry, begin + entry.stored)
            if entry.name in members:
                self._unsafe(f"the member {entry.name!r} is there twice")
            self.budget.take(entry.size, f"{self.origin}: {entry.name!r}")
            members[entry.name] = self._content(entry, begin)
        if at != start:
            self._unsafe("there are bytes between its members and its table")
        return {entry.name: members[entry.name] for entry in entries}

    # -- the table at the end ---------------------------------------------------------------------------------

    def _table(self) -> tuple[int, int, int]:
        """Where the table begins and ends, and its number of entries."""
        data = self.data
        end = data.rfind(b"PK\5\6", max(0, len(data) - _END.size - _FULL16))
        if end < 0 or end + _END.size > len(data):
            self._damaged("it has no table of its members")
        _, disk, first, here, count, size, start, comment = _END.unpack_from(data, end)
        if end + _END.size + comment != len(data):
            self._unsafe("something stands behind its end")
        stop = end
        if _FULL16 in (disk, first, here, count) or _FULL32 in (size, start):
            stop = self._end64(end)
            told = (disk, first, here, count, size, start)
            _, length, _, _, disk, first, here, count, size, start = _END64.unpack_from(data, stop)
            limits = (_FULL16,) * 4 + (_FULL32,) * 2
            for short, full, limit in zip(told, (disk, first, here, count, size, start), limits, strict=True):
                if short not in (full, limit):
                    self._unsafe("its two ends disagree")
            if stop + 12 + length != end - _LOCATOR64.size:
                self._unsafe("its zip64 end is not where it should be")
        if disk or first or here != count:
            self._damaged("it is one part of several")
        if start + size != stop:
            self._unsafe("its table is not where it should be")
        if count > _MOST_MEMBERS:
            self._unsafe(f"it has {count} members, more than {_MOST_MEMBERS}")
        return start, stop, count

    def _end64(self, end: int) -> int:
        at = end - _LOCATOR64.size
        if at < 0:
            self._damaged("its zip64 end is missing")
        signature, disk, where, disks = _LOCATOR64.unpack_from(self.data, at)
        if signature != b"PK\6\7" or disk or disks != 1 or where + _END64.size > at:
            self._damaged("its zip64 end is missing")
        if self.data[where : where + 4] != b"PK\6\6":
            self._damaged("its zip64 end is missing")
        return int(where)

    def _entries(self, start: int, stop: int, count: int) -> list[_Entry]:
        entries = []
        at = start
        for _ in range(count):
            if at + _ENTRY.size > stop or self.data[at : at + 4] != b"PK\1\2":
                self._damaged("its table is not readable")
            fields = _ENTRY.unpack_from(self.data, at)
            _, made, _, flags, method, _, _, check, stored, size, names, extras, comment, disk, _, mode, offset = fields
            at += _ENTRY.size
            raw_name, extra = self.data[at : at + names], self.data[at + names : at + names + extras]
            at += names + extras + comment
            if at > stop:
                self._damaged("its table is not readable")
            name = self._name(raw_name, flags)
            size, stored, offset = self._full(extra, size, stored, offset)
            entry = _Entry(name, raw_name, flags, method, check, stored, size, offset)
            self._check_entry(entry, disk, (mode >> 16) if made >> 8 == _UNIX else 0)
            entries.append(entry)
        if at != stop:
            self._unsafe("its table holds more than its entries")
        return entries

    def _name(self, raw: bytes, flags: int) -> str:
        try:
            name = raw.decode("utf-8" if flags & _UTF8 else "ascii")
        except UnicodeDecodeError:
            self._unsafe(f"a name is not in UTF-8 ({raw[:40]!r})")
        if not name.isprintable():
            self._unsafe(f"the name {name[:40]!r} has characters that cannot be seen")
        return name

    def _full(self, extra: bytes, *values: int) -> tuple[int, ...]:
        """The values, with those that do not fit into 32 bits taken from the zip64 field."""
        wide = [i for i, value in enumerate(values) if value == _FULL32]
        if not wide:
            return values
        at = 0
        while at + 4 <= len(extra):
            kind, length = unpack_from("<HH", extra, at)
            if kind == 1:
                if length < 8 * len(wide) or at + 4 + length > len(extra):
                    break
                found = list(values)
                for i, number in zip(wide, unpack_from(f"<{len(wide)}Q", extra, at + 4), strict=True):
                    found[i] = number
                return tuple(found)
            at += 4 + length
        self._damaged("a zip64 field is missing")

    def _check_entry(self, entry: _Entry, disk: int, mode: int) -> None:
        if entry.flags & ~_KNOWN_FLAGS:
            self._unsafe(f"the member {entry.name!r} is encrypted or of a strange kind (flags {entry.flags:#x})")
        if entry.method not in (_STORED, _DEFLATED):
            self._unsafe(f"the member {entry.name!r} is compressed by method {entry.method}; only deflate is read")
        if stat.S_IFMT(mode) not in (0, stat.S_IFREG, stat.S_IFDIR):
            self._unsafe(f"the member {entry.name!r} is a link or a device")
        if disk or (entry.method == _STORED and entry.stored != entry.size):
            self._damaged(f"the member {entry.name!r} has two sizes")
        if entry.name.endswith("/") and entry.size:
            self._unsafe(f"the folder {entry.name!r} has contents")

    # -- the members ------------------------------------------------------------------------------------------

    def _check_local(self, entry: _Entry, limit: int) -> int:
        """Where the data of a member begins; what stands before it must say what the table says."""
        at = entry.offset
        if at + _LOCAL.size > limit or self.data[at : at + 4] != b"PK\3\4":
            self._damaged(f"the member {entry.name!r} is not where the table has it")
        _, _, flags, method, _, _, check, stored, size, names, extras = _LOCAL.unpack_from(self.data, at)
        at += _LOCAL.size
        name, extra = self.data[at : at + names], self.data[at + names : at + names + extras]
        size, stored = self._full(extra, size, stored)
        later = bool(flags & _DESCRIPTOR) and (check, stored, size) == (0, 0, 0)
        same = (name, flags, method) == (entry.raw_name, entry.flags, entry.method)
        if not same or not (later or (check, stored, size) == (entry.sum, entry.stored, entry.size)):
            self._unsafe(f"the member {entry.name!r} is described in two different ways")
        return at + int(names) + int(extras)

    def _end_of(self, entry: _Entry, at: int) -> int:
        """Where a member ends: behind its data, or behind the sizes that follow them."""
        if not entry.flags & _DESCRIPTOR:
            return at
        for form in ("<4sIII", "<4sIQQ"):
            layout = Struct(form)
            if at + layout.size <= len(self.data):
                found = layout.unpack_from(self.data, at)
                if found == (b"PK\7\x08", entry.sum, entry.stored, entry.size):
                    return at + layout.size
        self._unsafe(f"the member {entry.name!r} is described in two different ways")

    def _content(self, entry: _Entry, begin: int) -> bytes:
        content = self.data[begin : begin + entry.stored]
        if entry.method == _DEFLATED:
            unpacker = zlib.decompressobj(-zlib.MAX_WBITS)
            try:
                content = unpacker.decompress(content, entry.size + 1)
            except zlib.error as error:
                self._damaged(f"the member {entry.name!r} cannot be unpacked ({error})")
            if len(content) != entry.size or not unpacker.eof or unpacker.unused_data:
                self._unsafe(f"the member {entry.name!r} is not of the size that the table tells")
        if zlib.crc32(content) != entry.sum:
            self._damaged(f"the member {entry.name!r} is damaged: its sum is wrong")
        return content

    def _damaged(self, why: str) -> NoReturn:
        raise SavingError(f"{self.origin} is not a readable zip file: {why}.")

    def _unsafe(self, why: str) -> NoReturn:
        raise UnsafeFileError(f"{self.origin}: {why}, which no honest archive does.")
