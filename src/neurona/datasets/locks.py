"""A lock between processes: who holds it works alone on a folder of the cache.

The operating system frees it when its holder dies, however that happens, so a lock is never left behind. The
empty file that carries it stays: to delete it would let two processes hold "the same" lock.
"""

from __future__ import annotations

import contextlib
import errno
import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from neurona.errors import DataError
from neurona.i18n import _

__all__ = ["locked"]

_TAKEN = (errno.EACCES, errno.EAGAIN, errno.EDEADLK)

if sys.platform == "win32":
    import msvcrt

    def _take(handle: int) -> None:
        msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def _take(handle: int) -> None:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)


@contextlib.contextmanager
def locked(path: Path, waiting: Callable[[], None], poll: float = 0.05) -> Iterator[None]:
    """Hold the lock `path` for the length of a ``with`` block.

    Arguments:
        path: the file that carries the lock; its folder must exist.
        waiting: called once when another process holds the lock.
        poll: seconds between two tries.

    Raises:
        OSError: the file cannot be made.
        DataError: the file system knows no locks.
    """
    handle = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o666)
    try:
        told = False
        while True:
            try:
                _take(handle)
                break
            except OSError as error:
                if error.errno not in _TAKEN:
                    text = _("Files cannot be locked in {folder} ({reason}). Set NEURONA_CACHE to another folder.")
                    raise DataError(text.format(folder=path.parent, reason=error.strerror)) from error
            if not told:
                waiting()
                told = True
            time.sleep(poll)
        yield
    finally:
        os.close(handle)  # closing frees the lock
