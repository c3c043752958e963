"""The table of data sets, and everything one can do with them by name.

To add one: write its file with a `DataSet` record, and add the record to `CATALOGUE`.
"""

from __future__ import annotations

import os
import unicodedata
from dataclasses import dataclass
from pathlib import Path

from neurona.datasets.cifar10 import CIFAR10
from neurona.datasets.fashion_mnist import FASHION_MNIST
from neurona.datasets.folders import Place, named_place, places
from neurona.datasets.imdb import IMDB
from neurona.datasets.loading import Data, Fetched, Imported, get_record, import_record, load_record
from neurona.datasets.mnist import MNIST
from neurona.datasets.progress import Progress
from neurona.datasets.records import DataSet
from neurona.errors import ArgumentError, DataNotFoundError, UnknownNameError
from neurona.i18n import _

__all__ = ["CATALOGUE", "Whereabouts", "find", "get", "import_files", "list_datasets", "load", "where"]

CATALOGUE: tuple[DataSet, ...] = (FASHION_MNIST, MNIST, CIFAR10, IMDB)


@dataclass(frozen=True)
class Whereabouts:
    """A data set and what this machine has of it.

    Attributes:
        record: the data set: names, size, licence, classes.
        places: the folders that are searched, in order, each as it is now (judged by headers and sizes).
        found: the first complete one, or ``None``.
        sample: whether Neurona ships a sample of it.
    """

    record: DataSet
    places: tuple[Place, ...]
    found: Place | None
    sample: bool


def find(name: str) -> DataSet:
    """The record that answers to `name`: its own name or an alias; case, accents, blanks do not matter.

    Raises:
        UnknownNameError: none does; the message offers the nearest.

    >>> find("Prendas").name, find("fashion_mnist").name
    ('fashion-mnist', 'fashion-mnist')
    """
    wanted = _plain(str(name))
    for record in CATALOGUE:
        if wanted in {_plain(known) for known in (record.name, record.title, *record.aliases)}:
            return record
    raise UnknownNameError.among("data set", name, [n for r in CATALOGUE for n in (r.name, *r.aliases)])


def _plain(name: str) -> str:
    decomposed = unicodedata.normalize("NFKD", name.strip().casefold())
    return "".join("-" if c in " _" else c for c in decomposed if not unicodedata.combining(c))


def load(
    name: str,
    path: str | os.PathLike[str] | None = None,
    download: bool = True,
    sample: bool | None = None,
    *,
    progress: Progress | None = None,
) -> Data:
    """Load the data set `name` from the first place that has it.

    The order: `path` (then nothing else), the folder in ``NEURONA_DATA``, Neurona's cache, Keras's cache, the
    system's folder, the mirrors, the shipped sample.

    Arguments:
        name: anything that `find` knows.
        path: a folder with the files, or the file itself where the data set comes in one.
        download: whether the network may be asked.
        sample: ``True`` takes the shipped sample at once, ``False`` never, ``None`` when all else fails.
        progress: who is told of a download; a bar or plain lines on stderr when not given.

    Returns:
        A `Data`; its `kind`, `origin` and `notes` say what was loaded.

    Raises:
        UnknownNameError, DataNotFoundError, DownloadError, DamagedDataError, DataError: see `load_record`.

    >>> data = load("clothes", sample=True)
    >>> data.kind, data.x_train.shape, str(data.x_train.dtype)
    ('sample', (6000, 28, 28), 'uint8')
    """
    return load_record(find(name), path, download, sample, progress=progress)


def get(name: str, *, progress: Progress | None = None) -> Fetched:
    """See that the full data set `name` is on this machine, downloading it when no place has it."""
    return get_record(find(name), progress=progress)


def where(name: str) -> Whereabouts:
    """Every place where `name` is looked for and what is there; nothing is downloaded or read whole."""
    record = find(name)
    seen = tuple(places(record, check=True))
    found = next((place for place in seen if place.state == "complete"), None)
    return Whereabouts(record, seen, found, record.sample is not None)


def list_datasets() -> tuple[Whereabouts, ...]:
    """All data sets that Neurona knows, in the order of the table."""
    return tuple(where(record.name) for record in CATALOGUE)


def import_files(name: str | None, path: str | os.PathLike[str], *, progress: Progress | None = None) -> Imported:
    """Copy a data set's files from the folder or archive `path` into the cache, after checking them.

    Arguments:
        name: which data set it is; ``None`` recognises it by the files.
        path: the folder, the one around it, or the file itself where the data set comes in one.

    Raises:
        DataNotFoundError: the folder does not hold (all of) the files.
        ArgumentError: `name` is ``None`` and several data sets have files of these names.
        DamagedDataError: a file is not what it should be.
    """
    if name is not None:
        return import_record(find(name), path, progress=progress)
    folder = Path(path).expanduser()
    if not folder.exists():
        raise DataNotFoundError(_("There is no file or folder {path}.").format(path=folder))
    fits = [r for r in CATALOGUE if named_place(r, "path", folder, check=True).state == "complete"]
    if len(fits) > 1:
        names = ", ".join(record.name for record in fits)
        raise ArgumentError(
            _("The files in {folder} fit several data sets: {names}. Say which.").format(folder=folder, names=names)
        )
    if fits:
        return import_record(fits[0], path, progress=progress)
    begun = [r for r in CATALOGUE if named_place(r, "path", folder).state != "absent"]
    if len(begun) == 1:  # its own error says what is missing or damaged
        return import_record(begun[0], path, progress=progress)
    names = ", ".join(record.name for record in CATALOGUE)
    raise DataNotFoundError(
        _("No complete data set lies in {folder}. Known: {names}. Say with --name which it is to be told more.").format(
            folder=folder, names=names
        )
    )
