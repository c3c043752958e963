"""Where the files of a data set may already lie on this machine, and what is found there.

The order: the folder in ``NEURONA_DATA``, Neurona's own cache (``NEURONA_CACHE`` moves it), Keras's cache
(``KERAS_HOME`` or ``~/.keras``), the system's folder ``/usr/share/datasets``. Files may be compressed or not.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from neurona.datasets.records import DataSet
from neurona.errors import DataError, DataNotFoundError
from neurona.i18n import _

__all__ = [
    "SYSTEM_FOLDER",
    "Place",
    "PlaceKind",
    "cache_folder",
    "cache_folder_named",
    "inspect",
    "named_place",
    "places",
    "require_complete",
    "ways_to_supply",
]

SYSTEM_FOLDER = Path("/usr/share/datasets")

PlaceKind = Literal["path", "NEURONA_DATA", "cache", "keras", "system"]
State = Literal["complete", "incomplete", "absent", "damaged"]


@dataclass(frozen=True)
class Place:
    """One folder where a data set was looked for.

    Attributes:
        kind: which of the known places it is.
        folder: the folder.
        state: "complete", "incomplete" (some files are missing), "absent" (all are) or "damaged".
        files: the files found, by their official name.
        missing: the official names of those not found.
        problem: what is wrong with a damaged one, in words.
    """

    kind: PlaceKind
    folder: Path
    state: State
    files: Mapping[str, Path] = field(default_factory=dict)
    missing: tuple[str, ...] = ()
    problem: str = ""


def cache_folder(record: DataSet) -> Path:
    """The folder that downloads and imports of `record` go to; it need not exist yet."""
    return cache_folder_named(record.name)


def cache_folder_named(name: str) -> Path:
    """The same for a data set that has no record."""
    root = os.environ.get("NEURONA_CACHE")
    if root:
        return Path(root).expanduser() / "datasets" / name
    import platformdirs

    return Path(platformdirs.user_cache_dir("neurona", appauthor=False)) / "datasets" / name


def inspect(record: DataSet, kind: PlaceKind, folder: Path, *, check: bool = False) -> Place:
    """What `folder` holds of `record`; `check` also looks at the files' headers."""
    best: Place | None = None
    for form in record.forms:
        found = {remote.name: file for remote in form if (file := remote.lying_in(folder)) is not None}
        missing = tuple(remote.name for remote in form if remote.name not in found)
        if not missing:
            return _judged(record, kind, folder, found, check)
        if best is None or len(found) > len(best.files):
            best = Place(kind, folder, "incomplete" if found else "absent", found, missing)
    assert best is not None  # every record has its official form
    return best


def _judged(record: DataSet, kind: PlaceKind, folder: Path, files: Mapping[str, Path], check: bool) -> Place:
    if check:
        try:
            record.check(files)
        except DataError as error:
            return Place(kind, folder, "damaged", files, problem=str(error))
    return Place(kind, folder, "complete", files)


def named_place(record: DataSet, kind: PlaceKind, folder: Path, *, check: bool = False) -> Place:
    """What a folder named by the user holds: in a folder of the data set's name inside it, or directly.

    A file stands for itself, under whatever name, where the data set comes in one; else for the folder it lies in.
    """
    if folder.is_file():
        return _named_file(record, kind, folder, check)
    inside = inspect(record, kind, folder / record.name, check=check)
    if inside.state != "absent":
        return inside
    direct = inspect(record, kind, folder, check=check)
    if kind != "path" and direct.files and record.stranger is not None and record.stranger(direct.files):
        return inside  # a folder that is searched for many data sets: these are another one's
    return inside if direct.state == "absent" and inside.folder.is_dir() else direct


def _named_file(record: DataSet, kind: PlaceKind, file: Path, check: bool) -> Place:
    single = [form[0] for form in record.forms if len(form) == 1]
    for remote in single:
        if file.name in remote.names:
            return _judged(record, kind, file.parent, {remote.name: file}, check)
    if any(file.name in remote.names for form in record.forms for remote in form):
        return inspect(record, kind, file.parent, check=check)
    for remote in single:  # renamed: the content tells
        place = _judged(record, kind, file.parent, {remote.name: file}, True)
        if place.state == "complete":
            return place
    if single:
        return _judged(record, kind, file.parent, {single[0].name: file}, check)
    return Place(kind, file, "absent", missing=tuple(remote.name for remote in record.files))


def places(record: DataSet, *, check: bool = False) -> Iterator[Place]:
    """The known places in the order of search, each as it is now."""
    if named := os.environ.get("NEURONA_DATA"):
        yield named_place(record, "NEURONA_DATA", Path(named).expanduser(), check=check)
    yield inspect(record, "cache", cache_folder(record), check=check)
    keras = Path(os.environ.get("KERAS_HOME") or "~/.keras").expanduser()
    yield named_place(record, "keras", keras / "datasets", check=check)
    yield inspect(record, "system", SYSTEM_FOLDER / record.name, check=check)


def require_complete(record: DataSet, place: Place) -> None:
    """Refuse a place that the user named and that does not hold every file.

    Raises:
        DataNotFoundError: it does not exist, or the message lists what is missing.
    """
    if place.missing and not place.folder.exists():
        raise DataNotFoundError(_("There is no file or folder {path}.").format(path=place.folder))
    if place.missing:
        text = _("{title} is not complete in {folder}: missing {files}.")
        missing = ", ".join(place.missing)
        raise DataNotFoundError(text.format(title=record.title, folder=place.folder, files=missing))


def ways_to_supply(record: DataSet) -> str:
    """The ways in which a person can bring the data, as text of several lines.

    It ends every error that says that the data cannot be had.
    """
    return _(
        "Ways to supply the data:\n"
        "- with a network: neurona data get {name}\n"
        "- copy the files ({files}) from another machine and run: neurona data import PATH\n"
        "- or set NEURONA_DATA to a folder that holds them, directly or in a folder {name}\n"
        "- or put them into {cache}"
    ).format(name=record.name, files=_names(record), cache=cache_folder(record))


def _names(record: DataSet) -> str:
    """The files that are asked for, in each form."""
    between = "; " + _("or") + " "
    return between.join(", ".join(remote.name for remote in form) for form in record.forms)
