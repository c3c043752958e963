"""What a data set is: one record of plain facts, and the arrays that reading it gives.

A new data set is a new file with one `DataSet` record (names, files, hashes, mirrors, licence, class labels
and two reader functions) and one line in ``catalogue.py``. Searching, downloading, importing and loading work
from the record alone. Leans on numpy, `texts` and `progress`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from neurona.datasets.progress import Progress, Silent
from neurona.datasets.texts import Texts

__all__ = ["Arrays", "DataSet", "RemoteFile", "RemoteFolder", "fingerprint_of"]


class Arrays(NamedTuple):
    """The four arrays of a data set, in Keras's order of training before test; `Texts` where it holds texts."""

    x_train: Any
    y_train: NDArray[Any]
    x_test: Any
    y_test: NDArray[Any]


@dataclass(frozen=True)
class RemoteFile:
    """One file of an official archive: its name (and folder in it), its size in bytes, its SHA-256.

    Where only an MD5 is published, that stands in the place of the SHA-256.
    """

    name: str
    sha256: str
    size: int

    @property
    def names(self) -> tuple[str, ...]:
        """The names under which it is looked for: as it is, out of its folder, and without its compression."""
        bare = self.name.rpartition("/")[2]
        return tuple(dict.fromkeys((self.name, bare, self.name.removesuffix(".gz"), bare.removesuffix(".gz"))))

    def lying_in(self, folder: Path) -> Path | None:
        """Where it is in `folder`, if it is there."""
        return next((folder / name for name in self.names if (folder / name).is_file()), None)


@dataclass(frozen=True)
class RemoteFolder(RemoteFile):
    """The unpacked folder of an official archive, told by the folders in it."""

    inside: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        return (self.name,)

    def lying_in(self, folder: Path) -> Path | None:
        """The folder of this name in `folder`, or `folder` itself when it holds what it should."""
        for place in (folder / self.name, folder):
            if all((place / name).is_dir() for name in self.inside):
                return place
        return None


@dataclass(frozen=True)
class DataSet:
    """Everything that Neurona knows of a data set before it has seen a single byte of it.

    Attributes:
        name: the data set's own name, also that of its folder: ``"fashion-mnist"``.
        title: the name as people write it.
        aliases: the other names it answers to, in English and Spanish.
        files: the official files, which are downloaded.
        others: other sets of files with the same contents, which a person may have instead.
        mirrors: addresses ending in ``/`` under which every file lies, the best first.
        licence: licence and owner, in one line, by language.
        classes: the labels of the classes by language, ``{"en": (...), "es": (...)}``.
        read: files by name -> checked arrays; raises `DamagedDataError`.
        read_telling: the same where it takes seconds: it tells a `Progress` of it.
        check: the same check by the headers alone, in a millisecond, for `where`.
        fingerprint: `fingerprint_of` the official arrays; empty when nobody has published it.
        authentic: tells whether arrays are the official ones, where hashes of another kind are published.
        remark: what a person should know about arrays from this folder that are not the official ones; may be empty.
        stranger: whether files with the right names belong, by their contents, to another known data set.
        sample: folder of the sample shipped with Neurona, or ``None``.
        read_sample: that folder -> arrays, or ``None``.
    """

    name: str
    title: str
    aliases: tuple[str, ...]
    files: tuple[RemoteFile, ...]
    mirrors: tuple[str, ...]
    licence: Mapping[str, str]
    classes: Mapping[str, tuple[str, ...]]
    read: Callable[[Mapping[str, Path]], Arrays]
    check: Callable[[Mapping[str, Path]], None]
    fingerprint: str
    sample: Path | None = None
    read_sample: Callable[[Path], Arrays] | None = None
    others: tuple[tuple[RemoteFile, ...], ...] = ()
    authentic: Callable[[Arrays], bool] | None = None
    remark: Callable[[Arrays, Path], str] | None = None
    stranger: Callable[[Mapping[str, Path]], bool] | None = None
    read_telling: Callable[[Mapping[str, Path], Progress], Arrays] | None = None

    def arrays(self, files: Mapping[str, Path], progress: Progress | None = None) -> Arrays:
        """Read the files, telling `progress` of it where it takes long."""
        if self.read_telling is None:
            return self.read(files)
        return self.read_telling(files, Silent() if progress is None else progress)

    @property
    def forms(self) -> tuple[tuple[RemoteFile, ...], ...]:
        """All sets of files that the data may come in, the official one first."""
        return (self.files, *self.others)

    def is_official(self, arrays: Arrays, fingerprint: str) -> bool:
        """Whether `arrays`, of this fingerprint, are those that the authors published."""
        return fingerprint == self.fingerprint or (self.authentic is not None and self.authentic(arrays))

    @property
    def size(self) -> int:
        """Bytes to download for the whole data set."""
        return sum(file.size for file in self.files)


def fingerprint_of(arrays: Arrays) -> str:
    """The SHA-256 (hexadecimal) of the four arrays: kinds, shapes and contents, however they were packed.

    >>> one = np.zeros((1, 2), np.uint8)
    >>> fingerprint_of(Arrays(one, one, one, one))[:8]
    'cee922b7'
    """
    digest = hashlib.sha256()
    for field, array in zip(Arrays._fields, arrays, strict=True):
        if isinstance(array, Texts):
            digest.update(f"{field} texts {array.shape} {array.digest};".encode())
            continue
        digest.update(f"{field} {array.dtype.str} {array.shape};".encode())
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()
