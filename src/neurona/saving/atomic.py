"""Writing a file so that it is there whole or not at all."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from neurona.errors import SavingError

__all__ = ["atomic_file"]


@contextmanager
def atomic_file(path: Path) -> Iterator[BinaryIO]:
    """A binary file to write; it takes the name `path` only once all of it is on the disk.

    The old file stays whole until then, whatever happens (a kill, a full disk), and nothing half-written is left.

    Raises:
        SavingError: the folder is missing or not writable, or the disk is full.
    """
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        stream = open(temporary, "xb")  # noqa: SIM115 - closed below, before the rename
    except OSError as error:
        raise SavingError(f"Cannot write {path}: {error.strerror}. Check that the folder exists and is writable.") from error
    try:
        with stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(temporary, path)
    except OSError as error:
        raise SavingError(f"Cannot write {path}: {error.strerror or error}. The old file, if any, is untouched.") from error
    finally:
        temporary.unlink(missing_ok=True)
