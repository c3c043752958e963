"""Writing a file so that it is there whole or not at all."""

from __future__ import annotations

import errno
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from neurona.errors import SavingError
from neurona.i18n import _

__all__ = ["atomic_file", "reason"]


def reason(error: OSError) -> str:
    """Why the system refused, in the language in force where it is one of the usual reasons."""
    usual = {
        errno.ENOSPC: _("the disk is full"),
        errno.EDQUOT: _("the disk is full"),
        errno.EACCES: _("permission denied"),
        errno.EPERM: _("permission denied"),
        errno.EROFS: _("the disk is read-only"),
        errno.ENOENT: _("no such file or folder"),
        errno.ENOTDIR: _("a part of the path is no folder"),
        errno.EISDIR: _("it is a folder"),
        errno.ENAMETOOLONG: _("the name is too long"),
    }
    return usual.get(error.errno or 0) or error.strerror or str(error)


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
        raise SavingError(
            _("Cannot write {path}: {why}. Check that the folder exists and is writable.").format(
                path=path, why=reason(error)
            )
        ) from error
    try:
        with stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(temporary, path)
    except OSError as error:
        raise SavingError(
            _("Cannot write {path}: {why}. The old file, if any, is untouched.").format(path=path, why=reason(error))
        ) from error
    finally:
        temporary.unlink(missing_ok=True)
