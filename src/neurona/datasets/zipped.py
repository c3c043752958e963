"""Zip archives, unpacked with the suspicion that `unpacking` has for tar archives.

Python's `zipfile` finds the members and inflates them, which checks their sums. What it lets pass is refused here: names
that leave the folder or come twice, links, encrypted members, members that overlap, and sizes beyond a budget, which is
counted while bytes come and not taken from the table.

Source: PKWARE, "APPNOTE.TXT - .ZIP File Format Specification", sections 4.3 and 4.4.
"""

from __future__ import annotations

import stat
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from neurona.datasets.unpacking import Budget, Member, Names, refused, safe_parts
from neurona.errors import DataNotFoundError
from neurona.i18n import _

__all__ = ["ZipArchive"]

_CHUNK = 1 << 20
_ENCRYPTED = 1


class ZipArchive:
    """The members of the zip archive `path`, in their order; the interface is that of `unpacking.Archive`.

    Raises:
        DataNotFoundError: there is no such file.
        DamagedDataError: it is no archive, damaged, or holds something that is not allowed; while it is read, too.
    """

    def __init__(self, path: Path, budget: Budget) -> None:
        self.path, self._budget, self._left = path, budget, budget.size
        try:
            self._file = zipfile.ZipFile(path)
        except FileNotFoundError:
            raise DataNotFoundError(_("There is no file {path}.").format(path=path)) from None
        except (zipfile.BadZipFile, ValueError, NotImplementedError, OSError) as error:
            raise refused(path, str(error)) from error
        self._at: zipfile.ZipInfo | None = None

    def __enter__(self) -> ZipArchive:
        return self

    def __exit__(self, *_trouble: Any) -> None:
        self._file.close()

    def __iter__(self) -> Iterator[Member]:
        entries = self._file.infolist()
        if len(entries) > self._budget.members:
            raise refused(self.path, _("it holds more than {most} files").format(most=self._budget.members))
        starts = [entry.header_offset for entry in entries]
        if len(set(starts)) != len(starts):
            raise refused(self.path, _("two of its files share their bytes"))
        names = Names()
        for entry in entries:
            shown = entry.filename[:100]
            kind = stat.S_IFMT(entry.external_attr >> 16)
            parts = safe_parts(entry.filename.encode("utf-8", "surrogateescape"), entry.is_dir())
            if parts is None:
                raise refused(self.path, _("the name '{name}' in it is not allowed").format(name=shown))
            if entry.flag_bits & _ENCRYPTED:
                raise refused(self.path, _("'{name}' in it is encrypted").format(name=shown))
            if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
                text = _("'{name}' in it is neither a file nor a folder (kind {kind!r})")
                raise refused(self.path, text.format(name=shown, kind=kind))
            if not names.claim(parts, entry.is_dir()):
                raise refused(self.path, _("the name '{name}' in it comes twice").format(name=shown))
            self._at = entry
            yield Member(parts, entry.file_size, entry.is_dir())

    def pieces(self) -> Iterator[bytes]:
        """The bytes of the present member, piece by piece."""
        entry = self._at
        if entry is None or entry.is_dir():
            return
        try:
            with self._file.open(entry) as content:
                while piece := content.read(_CHUNK):
                    self._left -= len(piece)
                    if self._left < 0:
                        text = _("'{name}' makes it larger than the {most} bytes that it may have")
                        raise refused(self.path, text.format(name=entry.filename[:100], most=self._budget.size))
                    yield piece
        except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
            raise refused(self.path, str(error)) from error
