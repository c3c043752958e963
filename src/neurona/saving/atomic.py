"""Writing a file so that it is there whole or not at all.

The bytes go to a file of another name beside it, which takes the name at the end. Where the process is killed meanwhile,
that other file stays; whoever writes the same file later takes it away. Its age and a lock, which ends with the process
that holds it, tell what was left behind from what somebody is writing just now.
"""

from __future__ import annotations

import errno
import glob
import os
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from neurona.errors import SavingError
from neurona.i18n import _

try:
    import fcntl
except ImportError:  # Windows, where a file that somebody has open cannot be taken away anyhow
    fcntl = None  # type: ignore[assignment]

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


_RECENT = 60.0  # seconds in which a file may be without a lock: just made, or just about to take its name


@contextmanager
def atomic_file(path: Path) -> Iterator[BinaryIO]:
    """A binary file to write; it takes the name `path` only once all of it is on the disk.

    The old file stays whole until then, whatever happens (a kill, a full disk), and nothing half-written is left.

    Raises:
        SavingError: the folder is missing or not writable, or the disk is full.
    """
    _take_away_the_left(path)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        stream = open(temporary, "xb")  # noqa: SIM115 - closed below, before the rename
        _claim(stream)
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


def _claim(stream: BinaryIO) -> bool:
    """Lock a file for as long as it is open; False where somebody else has."""
    if fcntl is not None:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError:  # a file system without locks: nobody can tell, so nothing is taken away
            return False
    return True


def _take_away_the_left(path: Path) -> None:
    """Remove what a killed process left of the same file."""
    for left in path.parent.glob(f".{glob.escape(path.name)}.{'[0-9a-f]' * 8}.part"):
        try:
            with open(left, "rb") as stream:
                if time.time() - os.fstat(stream.fileno()).st_mtime < _RECENT or not _claim(stream):
                    continue
            left.unlink(missing_ok=True)
        except OSError:  # a folder, not ours, or gone: it may stay
            continue
