"""From a record to arrays: search, check, download where needed, else the shipped sample; and say which.

The functions here take a `DataSet` record; ``catalogue.py`` offers them by name.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from numpy.typing import NDArray

from neurona.datasets.disk import disk_trouble, sync_folder
from neurona.datasets.folders import (
    PlaceKind,
    cache_folder,
    inspect,
    named_place,
    places,
    require_complete,
    ways_to_supply,
)
from neurona.datasets.locks import locked
from neurona.datasets.progress import Progress, Silent, progress_for
from neurona.datasets.records import Arrays, DataSet, RemoteFile, fingerprint_of
from neurona.errors import DataError, DataNotFoundError, DownloadError
from neurona.i18n import _, get_language

if TYPE_CHECKING:
    from neurona.datasets.download import Limits

__all__ = ["Data", "Fetched", "Imported", "download", "get_record", "import_record", "load_record"]


@dataclass(frozen=True, eq=False)
class Data:
    """A loaded data set.

    Attributes:
        name: the data set's name.
        title: its name as people write it.
        x_train, y_train, x_test, y_test: the arrays; `Texts` where the data set holds texts.
        labels: the names of the classes by language.
        kind: "full", or "sample" for the one shipped with Neurona.
        place: where it was found: "path", "NEURONA_DATA", "cache", "keras", "system", "download" or "sample".
        origin: the folder it was read from.
        fingerprint: SHA-256 of the arrays (`fingerprint_of`).
        official: the arrays are those that the data set's authors published. False for the sample.
        licence: licence and owner.
        notes: what a person should be told, in words: that it is the sample, why, what was passed over.
    """

    name: str
    title: str
    x_train: Any
    y_train: NDArray[Any]
    x_test: Any
    y_test: NDArray[Any]
    labels: Mapping[str, tuple[str, ...]]
    kind: Literal["full", "sample"]
    place: PlaceKind | Literal["download", "sample"]
    origin: str
    fingerprint: str
    official: bool
    licence: str
    notes: tuple[str, ...] = ()

    @property
    def classes(self) -> tuple[str, ...]:
        """The names of the classes in the language in force; class `k` is ``classes[k]``."""
        return self.labels.get(get_language(), self.labels["en"])


@dataclass(frozen=True)
class Fetched:
    """Where `get_record` has the full data set now, and whether it had to download it."""

    name: str
    folder: Path
    place: PlaceKind
    downloaded: bool


@dataclass(frozen=True)
class Imported:
    """What `import_record` took over, and where it lies now.

    Attributes:
        official: the contents are those that the authors published.
    """

    name: str
    source: Path
    folder: Path
    files: tuple[Path, ...]
    fingerprint: str
    official: bool


def load_record(
    record: DataSet,
    path: str | os.PathLike[str] | None = None,
    download: bool = True,
    sample: bool | None = None,
    *,
    progress: Progress | None = None,
    limits: Limits | None = None,
) -> Data:
    """The arrays of `record`, from the first place that has them.

    Arguments:
        path: a folder with the files, or the file itself where there is one; nothing else is looked at.
        download: whether the network may be asked when no folder has them.
        sample: ``True`` takes the shipped sample at once, ``False`` never, ``None`` when all else fails.
        progress: who is told of a download, or of reading that takes seconds; a bar or lines on stderr when not given.
        limits: how patient the download is.

    Raises:
        DataNotFoundError: the files are nowhere, and the sample was excluded or there is none.
        DownloadError: the same after an attempt to download them.
        DamagedDataError: a folder that the user named holds files that are not what they should be.
    """
    if sample:
        return _sample(record, [])
    told = progress_for() if progress is None else progress
    if path is not None:
        place = named_place(record, "path", Path(path).expanduser())
        require_complete(record, place)
        return _full(record, record.arrays(place.files, told), "path", place.folder, [])
    notes: list[str] = []
    named = os.environ.get("NEURONA_DATA")
    if named and not Path(named).expanduser().is_dir():
        raise DataNotFoundError(_("NEURONA_DATA names a folder that does not exist: {folder}.").format(folder=named))
    for place in places(record):
        if place.state == "absent":
            continue
        try:
            require_complete(record, place)
            return _full(record, record.arrays(place.files, told), place.kind, place.folder, notes)
        except DataError as error:
            if place.kind == "NEURONA_DATA":
                raise
            notes.append(_("Passed over: {problem}").format(problem=error))
    failure: DataError = DataNotFoundError(_("{title} was not found.").format(title=record.title))
    if download:
        try:
            folder = _download(record, progress, limits)
        except DownloadError as error:
            failure = error
        else:
            files = inspect(record, "cache", folder).files
            return _full(record, record.arrays(files, told), "download", folder, notes)
    if sample is False or record.sample is None:
        lines = [str(failure), *notes, ways_to_supply(record)]
        raise type(failure)("\n".join(lines)) from failure
    return _sample(record, [*notes, str(failure)])


def get_record(record: DataSet, *, progress: Progress | None = None, limits: Limits | None = None) -> Fetched:
    """See that the full data set is on this machine: where it lies, downloaded when no place has it whole.

    Raises:
        DownloadError: it is nowhere and no mirror delivered it; the message names the ways to supply it.
        DataError: the disk is full.
    """
    for place in places(record):
        if place.state == "complete":
            with contextlib.suppress(DataError):  # damaged: as good as absent, a download takes its place
                record.arrays(place.files, progress_for() if progress is None else progress)
                return Fetched(record.name, place.folder, place.kind, downloaded=False)
    try:
        folder = _download(record, progress, limits)
    except DownloadError as error:
        raise DownloadError(f"{error}\n{ways_to_supply(record)}") from error
    return Fetched(record.name, folder, "cache", downloaded=True)


def import_record(record: DataSet, path: str | os.PathLike[str], *, progress: Progress | None = None) -> Imported:
    """Copy the files of `record` in the folder (or archive) `path` into the cache, after a check of their structure.

    The copies are what is checked, and all of them before the first takes its final name.

    Raises:
        DataNotFoundError: the folder lacks files of the data set.
        DamagedDataError: a file is not what it should be; the cache stays as it was.
        DataError: the cache cannot be written to.
    """
    source = named_place(record, "path", Path(path).expanduser())
    require_complete(record, source)
    folder = cache_folder(record)
    said = progress or Silent()
    waiting = _("Another process is working on the same files: waiting for it.")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if source.folder.resolve() == folder.resolve():  # already there: a check is all that is left to do
            return _imported(
                record, record.arrays(source.files, said), source.folder, folder, list(source.files.values())
            )
        with locked(folder / ".lock", lambda: said.note(waiting)):
            for stale in folder.glob(".import-*"):  # of a killed import: under the lock nobody else's
                shutil.rmtree(stale, ignore_errors=True)
            with tempfile.TemporaryDirectory(prefix=".import-", dir=folder) as room:
                copies = {name: Path(room) / _final_name(name, file) for name, file in source.files.items()}
                for name, copy in copies.items():
                    _copy(source.files[name], copy)
                try:
                    arrays = record.arrays(copies, said)
                except DataError as error:
                    raise _of_the_original(error, copies, source.files) from error
                finals = _move_in(record, folder, copies)
            return _imported(record, arrays, source.folder, folder, finals)
    except OSError as error:
        if isinstance(error, DataError):
            raise
        raise disk_trouble(folder, error) from error


def _copy(source: Path, copy: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, copy, symlinks=True)  # a link is copied as a link, and refused when it is read
        return
    with source.open("rb") as old, copy.open("wb") as new:
        shutil.copyfileobj(old, new, 1 << 20)
        new.flush()
        os.fsync(new.fileno())


def _of_the_original(error: DataError, copies: Mapping[str, Path], originals: Mapping[str, Path]) -> DataError:
    """The same error, told of the user's own file instead of its copy, which nobody has seen and which goes away."""
    text = str(error)
    for name, copy in copies.items():
        text = text.replace(str(copy), str(originals[name]))
    return type(error)(text)


def _final_name(official: str, file: Path) -> str:
    """The name in the cache: the file's own if it is one that is looked for, else the official one."""
    bare = official.rpartition("/")[2]
    return file.name if file.name in (bare, bare.removesuffix(".gz")) else bare


def _move_in(record: DataSet, folder: Path, copies: Mapping[str, Path]) -> list[Path]:
    # The old ones go first, in every form: a kill in between leaves a gap, which is noticed, and never the
    # pictures of one set beside the labels of another, which would not be.
    for name in (name for form in record.forms for remote in form for name in remote.names):
        if (folder / name).is_dir() and not (folder / name).is_symlink():
            shutil.rmtree(folder / name)
        else:
            (folder / name).unlink(missing_ok=True)
    finals = [folder / copy.name for copy in copies.values()]
    for copy, final in zip(copies.values(), finals, strict=True):
        os.replace(copy, final)
    sync_folder(folder)
    return finals


def _imported(record: DataSet, arrays: Arrays, source: Path, folder: Path, files: list[Path]) -> Imported:
    fingerprint = fingerprint_of(arrays)
    official = record.is_official(arrays, fingerprint)
    return Imported(record.name, source, folder, tuple(files), fingerprint, official)


def _download(record: DataSet, progress: Progress | None, limits: Limits | None) -> Path:
    folder = cache_folder(record)
    download(record.files, record.mirrors, folder, progress, limits)
    return folder


def download(
    files: Sequence[RemoteFile],
    mirrors: Sequence[str],
    folder: Path,
    progress: Progress | None = None,
    limits: Limits | None = None,
) -> None:
    """Bring files into a folder, each with its published hash; see `neurona.datasets.download.fetch`."""
    from neurona.datasets.download import fetch  # urllib, ssl and http: 40 ms that most programs never need

    fetch(files, mirrors, folder, limits=limits, progress=progress_for() if progress is None else progress)


def _full(
    record: DataSet,
    arrays: Arrays,
    place: PlaceKind | Literal["download"],
    folder: Path,
    notes: list[str],
) -> Data:
    data = _data(record, arrays, "full", place, folder, notes)
    if data.official:
        return data
    told = record.remark(arrays, folder) if record.remark is not None else ""
    if not told:
        text = _("The contents of {folder} have the form of {title}, but are not those that its authors published.")
        told = text.format(folder=folder, title=record.title)
    return dataclasses.replace(data, notes=(*data.notes, told))


def _sample(record: DataSet, reasons: list[str]) -> Data:
    if record.sample is None or record.read_sample is None:
        raise DataNotFoundError(_("Neurona ships no sample of {title}.").format(title=record.title))
    arrays = record.read_sample(record.sample)
    text = _("This is the sample of {title} that Neurona ships ({train} + {test} examples), not the full data set.")
    note = text.format(title=record.title, train=len(arrays.x_train), test=len(arrays.x_test))
    if reasons:
        reasons = [*reasons, ways_to_supply(record)]
    return _data(record, arrays, "sample", "sample", record.sample, [note, *reasons])


def _data(
    record: DataSet,
    arrays: Arrays,
    kind: Literal["full", "sample"],
    place: PlaceKind | Literal["download", "sample"],
    folder: Path,
    notes: list[str],
) -> Data:
    fingerprint = fingerprint_of(arrays)
    return Data(
        record.name,
        record.title,
        *arrays,
        labels=record.classes,
        kind=kind,
        place=place,
        origin=str(folder),
        fingerprint=fingerprint,
        official=kind == "full" and record.is_official(arrays, fingerprint),
        licence=record.licence.get(get_language(), record.licence["en"]),
        notes=tuple(notes),
    )
