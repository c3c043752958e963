"""The members of a ``.keras`` archive, checked before a byte is unpacked."""

from __future__ import annotations

import zipfile
from pathlib import Path

from neurona.errors import SavingError, UnsafeFileError

__all__ = ["ASSETS", "MEMBERS", "read_members"]

MEMBERS = ("metadata.json", "config.json", "model.weights.h5")
ASSETS = "assets/"  # below it lie the files of layers that keep some, such as vocabularies
_LARGEST_JSON = 64 << 20
_LARGEST_ASSET = 256 << 20
_LARGEST_WEIGHTS = 4 << 30
_MOST_ASSETS = 10_000


def read_members(path: Path) -> dict[str, bytes]:
    """The members of an archive, by their names: the three of every model, and the files below ``assets/``.

    Raises:
        SavingError: there is no such file, or it is damaged.
        UnsafeFileError: it holds something else, twice the same, or more than it may.
    """
    if not path.is_file():
        raise SavingError(
            f"File not found: filepath={path}. Please ensure the file is an accessible `.keras` zip file."
        )
    try:
        with zipfile.ZipFile(path) as archive:
            entries = [entry for entry in archive.infolist() if not _is_folder(entry)]
            _check_names(path, [entry.filename for entry in entries])
            for entry in entries:
                if entry.file_size > min(_budget(entry.filename), 1032 * entry.compress_size + 64) or (
                    entry.flag_bits & 1
                ):
                    raise UnsafeFileError(
                        f"{path}: the member {entry.filename} is encrypted or claims an impossible size."
                    )
            assets = sum(entry.file_size for entry in entries if entry.filename.startswith(ASSETS))
            if assets > _LARGEST_ASSET:
                raise UnsafeFileError(f"{path}: its files below {ASSETS} claim {assets} bytes together.")
            return {entry.filename: archive.read(entry) for entry in entries}
    except (zipfile.BadZipFile, NotImplementedError, EOFError, OSError) as error:
        raise SavingError(f"{path} is not a readable `.keras` file: {error}.") from error


def _is_folder(entry: zipfile.ZipInfo) -> bool:
    return entry.filename.startswith(ASSETS) and entry.filename.endswith("/") and entry.file_size == 0


def _check_names(path: Path, names: list[str]) -> None:
    """Raise where a name is missing, strange or there twice."""
    others = [name for name in names if not _is_asset(name)]
    if sorted(others) != sorted(MEMBERS) or len(set(names)) != len(names) or len(names) > _MOST_ASSETS:
        raise UnsafeFileError(
            f"{path} must hold exactly {', '.join(MEMBERS)}, and perhaps files below {ASSETS}. "
            f"Found: {', '.join(names[:10])}."
        )


def _is_asset(name: str) -> bool:
    parts = name.split("/")
    plain = all(part not in ("", ".", "..") for part in parts) and not set(name) & set("\\:\0")
    return len(parts) > 1 and name.startswith(ASSETS) and plain


def _budget(name: str) -> int:
    if name.startswith(ASSETS):
        return _LARGEST_ASSET
    return _LARGEST_WEIGHTS if name.endswith(".h5") else _LARGEST_JSON
