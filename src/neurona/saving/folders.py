"""The unzipped form of a ``.keras`` archive: a folder with the same members as files.

A new folder is written beside its place and takes its name when it is whole.
"""

from __future__ import annotations

import glob
import os
import secrets
import shutil
from collections.abc import Mapping
from pathlib import Path

from neurona.errors import SavingError, UnsafeFileError
from neurona.saving.atomic import atomic_file, reason
from neurona.saving.members import ASSETS, MEMBERS

__all__ = ["is_model_folder", "read_folder", "recover", "write_folder"]

_LARGEST = 4 << 30  # bytes of all its files
_MOST_FILES = 10_000
_README = "README.md"  # Keras puts one beside the members that it uploads


def is_model_folder(path: Path) -> bool:
    """Whether it is a folder that holds a model."""
    return path.is_dir() and (path / "config.json").is_file()


def read_folder(path: Path) -> dict[str, bytes]:
    """The members of a model in a folder, by the names they have in an archive.

    Raises:
        SavingError: a member is missing.
        UnsafeFileError: a link leads out of the folder, or its files are too many or too large.
    """
    files = [path / name for name in MEMBERS]
    missing = [file.name for file in files if not file.is_file()]
    if missing:
        raise SavingError(f"The folder {path} holds no whole model: {', '.join(missing)} missing.")
    if (path / ASSETS).is_dir():
        files += sorted(file for file in (path / ASSETS).rglob("*") if not file.is_dir())
    inside = path.resolve()
    if not all(file.is_file() for file in files):
        raise UnsafeFileError(f"{path}: below {ASSETS} lies what is no plain file.")
    if any(file.is_symlink() or inside not in file.resolve().parents for file in files):
        raise UnsafeFileError(f"{path}: one of its files is a link to another place, which is never followed.")
    if len(files) > _MOST_FILES or sum(file.stat().st_size for file in files) > _LARGEST:
        raise UnsafeFileError(f"{path}: expected at most {_MOST_FILES} files of {_LARGEST} bytes together.")
    return {file.relative_to(path).as_posix(): file.read_bytes() for file in files}


def write_folder(path: Path, members: Mapping[str, bytes]) -> None:
    """Write the members of a model as files of the folder `path`; one that holds a model already is replaced.

    Raises:
        SavingError: the folder holds other things, or cannot be written.
    """
    recover(path)
    if path.exists():
        _must_be_a_model(path)
    fresh = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        for name, data in members.items():
            file = fresh / name
            file.parent.mkdir(parents=True, exist_ok=True)
            with atomic_file(file) as stream:
                stream.write(data)
        if path.exists():
            old = path.with_name(f".{path.name}.{secrets.token_hex(4)}.old")
            os.replace(path, old)
            try:
                os.replace(fresh, path)
            except OSError:
                os.replace(old, path)
                raise
            shutil.rmtree(old, ignore_errors=True)
        else:
            os.replace(fresh, path)
    except OSError as error:
        raise SavingError(f"Cannot write the folder {path}: {reason(error)}.") from error
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def recover(path: Path) -> None:
    """Put the old folder back where a saver was killed between taking it away and putting the new one in its place."""
    if not path.exists():
        for old in path.parent.glob(f".{glob.escape(path.name)}.*.old"):
            os.replace(old, path)
            return


def _must_be_a_model(path: Path) -> None:
    known = {*MEMBERS, ASSETS.rstrip("/"), _README}
    others = sorted(entry.name for entry in path.iterdir() if entry.name not in known) if path.is_dir() else [path.name]
    if others or not is_model_folder(path):
        raise SavingError(
            f"{path} exists and is no folder of a saved model, so it is not replaced. "
            f"Found: {', '.join(others[:5]) or 'no config.json'}. Choose another place."
        )
