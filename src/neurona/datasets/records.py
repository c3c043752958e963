"""What a data set is: one record of plain facts, and the arrays that reading it gives.

A new data set is a new file with one `DataSet` record (names, files, hashes, mirrors, licence, class labels
and two reader functions) and one line in ``catalogue.py``. Searching, downloading, importing and loading work
from the record alone. Leans on numpy only.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["Arrays", "DataSet", "RemoteFile", "fingerprint_of"]


class Arrays(NamedTuple):
    """The four arrays of a data set, in Keras's order of training before test."""

    x_train: NDArray[Any]
    y_train: NDArray[Any]
    x_test: NDArray[Any]
    y_test: NDArray[Any]


@dataclass(frozen=True)
class RemoteFile:
    """One file of an official archive: its name (and folder in it), its SHA-256 and its size in bytes."""

    name: str
    sha256: str
    size: int

    @property
    def names(self) -> tuple[str, ...]:
        """The names under which it is looked for: as it is, out of its folder, and without its compression."""
        bare = self.name.rpartition("/")[2]
        return tuple(dict.fromkeys((self.name, bare, self.name.removesuffix(".gz"), bare.removesuffix(".gz"))))


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
        digest.update(f"{field} {array.dtype.str} {array.shape};".encode())
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()
