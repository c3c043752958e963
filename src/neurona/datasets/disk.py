"""What writing to a disk asks for: names that survive a power cut, and words for a disk that refuses."""

from __future__ import annotations

import errno
import os
from pathlib import Path

from neurona.errors import DataError, DownloadError
from neurona.i18n import _

__all__ = ["disk_trouble", "is_full", "sync_folder"]

_FULL = {errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)}


def is_full(error: OSError) -> bool:
    """Whether `error` says that there is no space left, on the disk or in the user's share of it."""
    return error.errno in _FULL


def disk_trouble(folder: Path, error: OSError) -> DataError:
    """The error for a folder that cannot be written to: a `DownloadError`, or `DataError` for a full disk."""
    if is_full(error):
        text = _("The disk is full: {folder} cannot hold the data. Free space, or set NEURONA_CACHE elsewhere.")
        return DataError(text.format(folder=folder))
    text = _("The folder {folder} cannot be written to ({reason}). Set NEURONA_CACHE to another folder.")
    return DownloadError(text.format(folder=folder, reason=error.strerror or error))


def sync_folder(folder: Path) -> None:
    """Make the names in `folder` survive a power cut, where the system can do it."""
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
