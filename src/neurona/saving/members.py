"""The members of a ``.keras`` archive: exactly those that a model has."""

from __future__ import annotations

from pathlib import Path

from neurona.errors import SavingError, UnsafeFileError
from neurona.saving.budget import Budget
from neurona.saving.hdf5.headers import SIGNATURE
from neurona.saving.unzip import read_zip

__all__ = ["ASSETS", "MEMBERS", "check_assets", "read_members"]

MEMBERS = ("metadata.json", "config.json", "model.weights.h5")
ASSETS = "assets/"  # below it lie the files of layers that keep some, such as vocabularies
_PICKLES = "model.weights.npz"  # what Keras wrote where it found no h5py


def read_members(path: Path, budget: Budget | None = None) -> dict[str, bytes]:
    """The members of an archive, by their names: the three of every model, and the files below ``assets/``.

    Args:
        budget: of the memory that they may take; by default in proportion to the file.

    Raises:
        SavingError: there is no such file, or it is damaged.
        UnsafeFileError: it holds something else, twice the same, or more than it may.
    """
    if not path.is_file():
        raise SavingError(
            f"File not found: filepath={path}. Please ensure the file is an accessible `.keras` zip file."
        )
    try:
        data = path.read_bytes()
    except OSError as error:
        raise SavingError(f"{path} cannot be read: {error}.") from error
    if data[:8] == SIGNATURE:
        raise SavingError(
            f"{path} is not a readable `.keras` file: it is an HDF5 file. Let its name end in `.h5` if it holds a whole model, "
            "in `.weights.h5` if it holds weights alone, which model.load_weights() reads."
        )
    try:
        members = read_zip(data, str(path), budget or Budget(len(data)))
    except UnsafeFileError:
        raise
    except SavingError as error:
        why = str(error).removeprefix(f"{path} is not a readable zip file: ")
        raise SavingError(f"{path} is not a readable `.keras` file: {why}") from error
    _check_names(path, list(members))
    return {name: content for name, content in members.items() if not name.endswith("/")}


def _check_names(path: Path, names: list[str]) -> None:
    """Raise where a name is missing or strange."""
    if _PICKLES in names:
        raise UnsafeFileError(
            f"{path} keeps its weights in {_PICKLES}, as pickles, which can run code when they are read. "
            "Save the model again where it was made, with h5py installed."
        )
    others = [name for name in names if not name.startswith(ASSETS)]
    if sorted(others) != sorted(MEMBERS):
        raise UnsafeFileError(
            f"{path} must hold exactly {', '.join(MEMBERS)}, and perhaps files below {ASSETS}. "
            f"Found: {', '.join(names[:10])}."
        )
    check_assets(str(path), [name for name in names if name.startswith(ASSETS)])


def check_assets(origin: str, names: list[str]) -> None:
    """Raise where a name below ``assets/`` climbs, is absolute, or could not be a file beside the others.

    Args:
        names: with "/" between folders; those of folders end in it.
    """
    taken: set[str] = set()
    for name in names:
        parts = name.removesuffix("/").split("/")
        if any(part in ("", ".", "..") or part != part.strip() for part in parts) or set(name) & set("\\:\0"):
            raise UnsafeFileError(f"{origin}: the member name {name!r} is not allowed.")
        if not name.endswith("/"):
            key = name.casefold()  # some disks do not tell "A" from "a"
            if key in taken:
                raise UnsafeFileError(f"{origin}: the member {name!r} is there twice.")
            taken.add(key)
    folders = {key.rsplit("/", depth)[0] for key in taken for depth in range(1, key.count("/") + 1)}
    if taken & folders:
        raise UnsafeFileError(f"{origin}: {sorted(taken & folders)[0]!r} is both a file and a folder.")
