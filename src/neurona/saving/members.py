"""The members of a ``.keras`` archive, checked before a byte is unpacked."""

from __future__ import annotations

import zipfile
from pathlib import Path

from neurona.errors import SavingError, UnsafeFileError

__all__ = ["MEMBERS", "read_members"]

MEMBERS = ("metadata.json", "config.json", "model.weights.h5")
_LARGEST_JSON = 64 << 20
_LARGEST_WEIGHTS = 4 << 30


def read_members(path: Path) -> dict[str, bytes]:
    """The three members of an archive, checked before a byte is unpacked."""
    if not path.is_file():
        raise SavingError(
            f"File not found: filepath={path}. Please ensure the file is an accessible `.keras` zip file."
        )
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
            names = [entry.filename for entry in entries]
            if sorted(names) != sorted(MEMBERS):
                raise UnsafeFileError(f"{path} must hold exactly {', '.join(MEMBERS)}. Found: {', '.join(names[:10])}.")
            for entry in entries:
                budget = _LARGEST_WEIGHTS if entry.filename.endswith(".h5") else _LARGEST_JSON
                if entry.file_size > min(budget, 1032 * entry.compress_size + 64) or entry.flag_bits & 1:
                    raise UnsafeFileError(
                        f"{path}: the member {entry.filename} is encrypted or claims an impossible size."
                    )
            return {name: archive.read(name) for name in MEMBERS}
    except (zipfile.BadZipFile, NotImplementedError, EOFError, OSError) as error:
        raise SavingError(f"{path} is not a readable `.keras` file: {error}.") from error
