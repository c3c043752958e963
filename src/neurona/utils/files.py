"""`get_file`: a file from the network, kept for the next time, checked by its hash, its archive unpacked.

A download grows under a name of its own and takes the real one when it is complete and its hash is right. Archives are
unpacked with `neurona.datasets.unpacking` and `zipped`, which refuse names that leave the folder, links and bombs.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import tempfile
import urllib.error
import urllib.request
import zipfile
from collections.abc import Sequence
from http.client import HTTPException
from pathlib import Path
from urllib.parse import urlsplit

from neurona.datasets.download import reachable
from neurona.datasets.progress import progress_for
from neurona.datasets.unpacking import Budget, unpack
from neurona.datasets.zipped import ZipArchive
from neurona.errors import ArgumentError, DamagedDataError, DataNotFoundError, DownloadError
from neurona.warn import warn_caller

__all__ = ["extract_archive", "get_file", "hash_file", "keras_home", "validate_file"]

_CHUNK = 1 << 17
_SCHEMES = ("http", "https", "ftp", "file")
_BUDGET = Budget(size=64 << 30, members=1_000_000)  # what a user asks for by name may be large
_PATIENCE = 20.0  # seconds without a byte


def keras_home() -> Path:
    """Where Keras keeps what it fetched: ``$KERAS_HOME``, else ``~/.keras``."""
    return Path(os.environ.get("KERAS_HOME") or "~/.keras").expanduser()


def get_file(
    fname: str | os.PathLike[str] | None = None,
    origin: str | None = None,
    untar: bool = False,
    md5_hash: str | None = None,
    file_hash: str | None = None,
    cache_subdir: str | os.PathLike[str] = "datasets",
    hash_algorithm: str = "auto",
    extract: bool = False,
    archive_format: str | Sequence[str] | None = "auto",
    cache_dir: str | os.PathLike[str] | None = None,
    force_download: bool = False,
) -> str:
    """The path of a file from the network, which is fetched when it is not there yet.

    Args:
        fname: its name here; by default that of the `origin`.
        origin: where it comes from (http, https, ftp or file).
        untar: as `extract`, for tar archives.
        md5_hash, file_hash: the MD5 or SHA-256 that it must have, in hexadecimal; a file of another one is fetched anew.
        cache_subdir: the folder in the cache, or an absolute path.
        hash_algorithm: "md5", "sha256", or "auto" by the hash's length.
        extract: whether it is an archive to unpack.
        archive_format: "tar" (plain or gzip), "zip", several of them, "auto" for both, or None.
        cache_dir: by default ``$KERAS_HOME``, else ``~/.keras``.
        force_download: whether to fetch it even if it is there.

    Returns:
        the path of the file; of its unpacked folder where it was unpacked.

    Raises:
        ArgumentError: no origin, or an impossible name.
        DownloadError: it cannot be fetched.
        DamagedDataError: its hash is not the one expected, or its archive is refused; nothing of it stays.
    """
    if origin is None:
        raise ArgumentError(
            'Please specify the "origin" argument (URL of the file to download). Received: origin=None.'
        )
    folder = _folder(cache_dir, cache_subdir)
    given = os.fspath(fname) if fname else ""
    name = given or os.path.basename(urlsplit(origin).path)
    if not name:
        raise ArgumentError(
            f"Can't parse the file name from the origin provided: '{origin}'. Please specify the `fname` argument."
        )
    if os.sep in name or "/" in name or name in (".", ".."):
        raise ArgumentError(
            "Paths are no longer accepted as the `fname` argument. To specify the file's parent directory, use the "
            f"`cache_dir` argument. Received: fname={name}"
        )
    algorithm, expected = ("md5", md5_hash) if md5_hash and not file_hash else (hash_algorithm, file_hash)
    if not (extract or untar):
        target, unpacked = folder / name, None
    elif given and "." in name:
        target, unpacked = folder / name, folder / f"{name.split('.')[0]}_extracted"
    else:
        target, unpacked = folder / f"{name}_archive", folder / name
    fresh = force_download or not target.exists()
    if not fresh and expected and not validate_file(target, expected, algorithm):
        print(f"The file {target} has not the hash {expected}: it is fetched anew.")
        fresh = True
    if fresh:
        print(f"Downloading data from {origin}")
        _fetch(origin, target, expected, algorithm)
    if unpacked is None:
        return str(target)
    if (fresh or not unpacked.exists()) and not extract_archive(target, unpacked, "tar" if untar else archive_format):
        warn_caller(f"Could not extract archive {target}.")
    return str(unpacked)


def _folder(cache_dir: str | os.PathLike[str] | None, cache_subdir: str | os.PathLike[str]) -> Path:
    base = keras_home() if cache_dir is None else Path(cache_dir).expanduser()
    with contextlib.suppress(OSError):
        base.mkdir(parents=True, exist_ok=True)
    if not os.access(base, os.W_OK):
        base = Path(tempfile.gettempdir()) / ".keras"
    folder = base / cache_subdir  # an absolute path stays itself
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _fetch(origin: str, target: Path, expected: str | None, algorithm: str) -> None:
    """Download to a name of its own beside `target`, which then takes its place."""
    scheme = urlsplit(origin).scheme
    if scheme not in _SCHEMES:
        raise ArgumentError(f"The origin must be one of {', '.join(_SCHEMES)}. Received: origin={origin!r}.")
    if scheme != "file" and not reachable([origin], 5.0):
        raise DownloadError(f"URL fetch failure on {origin}: the host does not answer. Is there a network?")
    handle, part = tempfile.mkstemp(prefix=f".{target.name}-", suffix=".part", dir=target.parent)
    try:
        with os.fdopen(handle, "wb") as out:
            _receive(origin, out, target.name)
        if expected and not validate_file(part, expected, algorithm):
            raise DamagedDataError(
                f"Incomplete or corrupted file detected. The {algorithm} file hash does not match the provided value of "
                f"{expected}. Received: {hash_file(part, _algorithm(algorithm, expected))} from {origin}."
            )
        os.chmod(part, 0o644)
        os.replace(part, target)
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(part)


def _receive(origin: str, out: object, name: str) -> None:
    progress = progress_for()
    try:
        request = urllib.request.Request(origin, headers={"User-Agent": "neurona", "Accept-Encoding": "identity"})
        with urllib.request.urlopen(request, timeout=_PATIENCE) as response:
            length = response.headers.get("Content-Length", "")
            size, done = int(length) if length.isdecimal() else 0, 0
            progress.begin(name, size)
            while piece := response.read(_CHUNK):
                out.write(piece)  # type: ignore[attr-defined]
                done += len(piece)
                progress.update(done)
            if size and done != size:
                raise DownloadError(f"URL fetch failure on {origin}: {done} of {size} bytes came.")
    except urllib.error.HTTPError as error:
        raise DownloadError(f"URL fetch failure on {origin}: {error.code} -- {error.reason}") from error
    except (urllib.error.URLError, HTTPException, TimeoutError) as error:
        raise DownloadError(f"URL fetch failure on {origin}: {getattr(error, 'reason', error)}") from error
    finally:
        progress.close()


def _algorithm(algorithm: str, expected: str) -> str:
    return "sha256" if algorithm == "sha256" or (algorithm == "auto" and len(expected) == 64) else "md5"


def hash_file(fpath: str | os.PathLike[str], algorithm: str = "sha256", chunk_size: int = 65535) -> str:
    """The hash of a file, in hexadecimal.

    Args:
        fpath: the file.
        algorithm: "sha256", or else MD5.
        chunk_size: accepted for Keras's sake.
    """
    with Path(fpath).open("rb") as file:
        return hashlib.file_digest(file, "sha256" if algorithm == "sha256" else "md5").hexdigest()


def validate_file(
    fpath: str | os.PathLike[str], file_hash: str, algorithm: str = "auto", chunk_size: int = 65535
) -> bool:
    """Whether a file has this hash; "auto" tells SHA-256 from MD5 by the length."""
    return hash_file(fpath, _algorithm(algorithm, file_hash)) == str(file_hash).lower()


def extract_archive(
    file_path: str | os.PathLike[str],
    path: str | os.PathLike[str] = ".",
    archive_format: str | Sequence[str] | None = "auto",
) -> bool:
    """Unpack an archive into a folder; what was in it of an earlier time goes.

    Args:
        file_path: the archive.
        path: the folder.
        archive_format: "tar", "zip", several of them, "auto" for both, or None.

    Returns:
        whether it was an archive of such a format.

    Raises:
        DataNotFoundError: there is no such file.
        DamagedDataError: it is refused; the folder stays as it was.
    """
    kinds = ("tar", "zip") if archive_format == "auto" else archive_format or ()
    kinds = (kinds,) if isinstance(kinds, str) else tuple(kinds)
    archive, folder = Path(file_path), Path(path).absolute()
    if not kinds:
        return False
    if not archive.is_file():
        raise DataNotFoundError(f"There is no file {archive}.")
    zipped = zipfile.is_zipfile(archive)
    if not (("zip" in kinds and zipped) or ("tar" in kinds and not zipped and _is_tar(archive))):
        return False
    room = Path(tempfile.mkdtemp(prefix=".unpack-", dir=folder.parent))
    try:
        unpack(archive, room / "new", _BUDGET, *([ZipArchive] if zipped else []))
        if folder.exists():
            os.replace(folder, room / "old")
        os.replace(room / "new", folder)
    finally:
        shutil.rmtree(room, ignore_errors=True)
    return True


def _is_tar(path: Path) -> bool:
    """Whether it looks like a tar archive, plain or gzip."""
    with path.open("rb") as file:
        head = file.read(512)
    return (
        head[:2] == b"\x1f\x8b" or head[257:262] == b"ustar" or (len(head) == 512 and head[148:154].strip().isdigit())
    )
