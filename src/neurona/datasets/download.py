"""Fetch the official files of a data set: mirrors in turn, resumed, verified before it counts.

A file grows under ``NAME.part``; only when its SHA-256 is the published one is it synced to disk and renamed
to ``NAME``. So a kill at any moment leaves a good file, or a part that the next call goes on with, never a
bad file under a good name. A lock lets one process work while the others wait for its result.

The mirrors are first knocked on, all at once and with a deadline, because a machine without a network must
hear so within two seconds, and name resolution alone may hang for longer than that. Only the standard library
is used: it knows proxies and certificates, and a hash makes the transport's own guarantees unimportant.
"""

from __future__ import annotations

import contextlib
import http.client
import os
import socket
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlsplit

from neurona.datasets.disk import disk_trouble, is_full, sync_folder
from neurona.datasets.locks import locked
from neurona.datasets.progress import Progress, Silent
from neurona.datasets.records import RemoteFile
from neurona.datasets.source import has_digest, sha256_of
from neurona.errors import DataError, DownloadError
from neurona.i18n import _

__all__ = ["Limits", "fetch", "reachable", "sha256_of"]

_CHUNK = 1 << 17


@dataclass(frozen=True)
class Limits:
    """How patient a download is.

    Attributes:
        connect: seconds in which some mirror must have accepted a connection, all mirrors together.
        answer: seconds without a single byte after which a mirror is given up.
        stall: seconds over which the speed is judged.
        least_rate: bytes per second below which a mirror is given up.
        rounds: times that the list of mirrors is gone through, as long as each round brings new bytes.
        pause: seconds between two rounds.
    """

    connect: float = 1.5
    answer: float = 10.0
    stall: float = 20.0
    least_rate: float = 1024.0
    rounds: int = 10
    pause: float = 0.5


class _MirrorError(Exception):
    """One mirror did not deliver; the text says why."""


def fetch(
    files: Sequence[RemoteFile],
    mirrors: Sequence[str],
    folder: Path,
    *,
    limits: Limits | None = None,
    progress: Progress | None = None,
) -> None:
    """Bring every one of `files` into `folder`, each with the published hash; good ones are left alone.

    Raises:
        DownloadError: no mirror delivered, or the folder cannot be written to. A part stays for next time.
        DataError: the disk is full. Nothing stays of the file under way.
    """
    limits, progress = limits or Limits(), progress or Silent()
    if all(_is_good(folder / file.name, file) for file in files):
        return
    sources = reachable(mirrors, limits.connect)
    if not sources:
        hosts = ", ".join(dict.fromkeys(urlsplit(mirror).netloc for mirror in mirrors))
        raise DownloadError(_("No network: none of these hosts answers: {hosts}.").format(hosts=hosts))
    waiting = _("Another process is downloading the same files: waiting for it.")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with locked(folder / ".lock", lambda: progress.note(waiting)):
            for file in files:
                if not _is_good(folder / file.name, file):
                    _fetch_one(file, sources, folder, limits, progress)
    except OSError as error:
        if isinstance(error, DataError):
            raise
        raise disk_trouble(folder, error) from error
    finally:
        progress.close()


def reachable(mirrors: Sequence[str], within: float) -> tuple[str, ...]:
    """The mirrors without those known to be out of reach, in their order; empty when none answered in time.

    All are tried at once. The first in the order that accepts a connection ends the wait, so a dead first
    mirror costs `within` seconds once, and a live one costs nothing.
    """
    deadline = time.monotonic() + within
    done = [threading.Event() for _mirror in mirrors]
    alive = [False] * len(mirrors)

    def knock(index: int) -> None:
        try:
            with socket.create_connection(_first_hop(mirrors[index]), timeout=within):
                alive[index] = True
        except (OSError, UnicodeError):  # UnicodeError: a host name that cannot be one
            alive[index] = False
        done[index].set()

    for index in range(len(mirrors)):
        # daemon: a name resolution that hangs must not keep the program from ending
        threading.Thread(target=knock, args=(index,), daemon=True).start()
    for event, index in zip(done, range(len(mirrors)), strict=True):
        event.wait(max(0.0, deadline - time.monotonic()))
        if alive[index]:
            break
    if not any(alive):
        return ()
    return tuple(m for m, event, ok in zip(mirrors, done, alive, strict=True) if ok or not event.is_set())


def _first_hop(url: str) -> tuple[str, int]:
    """Host and port that a request for `url` connects to: its own, or those of the proxy in force."""
    parts = urlsplit(url)
    proxy = urllib.request.getproxies().get(parts.scheme)
    if proxy and not urllib.request.proxy_bypass(parts.hostname or ""):
        parts = urlsplit(proxy if "://" in proxy else f"http://{proxy}")
    return parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)


def _is_good(path: Path, file: RemoteFile) -> bool:
    return path.is_file() and path.stat().st_size == file.size and has_digest(path, file.sha256)


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _fetch_one(file: RemoteFile, mirrors: Sequence[str], folder: Path, limits: Limits, progress: Progress) -> None:
    part = folder / f"{file.name}.part"
    problems: list[str] = []
    progress.begin(file.name, file.size)
    for attempt in range(limits.rounds):
        before = _size(part)
        if attempt:
            time.sleep(limits.pause)
        for mirror in mirrors:
            try:
                _fetch_from(mirror + quote(file.name), file, part, limits, progress)
                _publish(part, folder / file.name, file)
                return
            except _MirrorError as failure:
                problems.append(f"- {urlsplit(mirror).netloc}: {failure}")
                progress.note(problems[-1])
        if _size(part) <= before:
            break
    text = _("The file {name} could not be downloaded:\n{problems}")
    raise DownloadError(text.format(name=file.name, problems="\n".join(dict.fromkeys(problems))))


def _fetch_from(url: str, file: RemoteFile, part: Path, limits: Limits, progress: Progress) -> None:
    """Let `part` grow to the file's size from one mirror."""
    have = _size(part)
    if have > file.size:
        part.unlink()
        have = 0
    if have == file.size:
        return
    headers = {"User-Agent": "neurona", "Accept-Encoding": "identity"}
    if have:
        headers["Range"] = f"bytes={have}-"
    try:
        response = urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=limits.answer)
    except urllib.error.HTTPError as error:
        error.close()
        if error.code == 416:  # the part is no beginning of this file
            part.unlink(missing_ok=True)
        raise _MirrorError(_("it answered with error {code}").format(code=error.code)) from error
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise _network_trouble(error) from error
    with response:
        have = _agreed_start(response, file, have)
        _receive(response, file, part, have, limits, progress)


def _agreed_start(response: http.client.HTTPResponse, file: RemoteFile, have: int) -> int:
    """The position that the answer begins at; refuses answers that cannot be the file."""
    if response.headers.get_content_type() == "text/html" and "Content-Type" in response.headers:
        raise _web_page()
    if response.status == 206:
        if not response.headers.get("Content-Range", "").startswith(f"bytes {have}-"):
            raise _MirrorError(_("it sent another part of the file than was asked for"))
    elif response.status == 200:
        have = 0  # it does not know how to resume
    else:
        raise _MirrorError(_("it answered with error {code}").format(code=response.status))
    length = response.headers.get("Content-Length", "")
    if length.isdecimal() and have + int(length) != file.size:
        raise _wrong_size(have + int(length), file.size)
    return have


def _receive(
    response: http.client.HTTPResponse,
    file: RemoteFile,
    part: Path,
    have: int,
    limits: Limits,
    progress: Progress,
) -> None:
    window, window_bytes = time.monotonic(), 0
    with _Part(part, have) as out:
        while True:
            try:
                piece = response.read1(_CHUNK)
            except (OSError, http.client.HTTPException) as error:
                raise _network_trouble(error) from error
            if not piece:
                break
            if have == 0 and piece.lstrip()[:14].lower().startswith((b"<!doctype html", b"<html")):
                raise _web_page()
            if have + len(piece) > file.size:
                raise _wrong_size(have + len(piece), file.size)
            out.write(piece)
            have += len(piece)
            window_bytes += len(piece)
            progress.update(have)
            elapsed = time.monotonic() - window
            if elapsed > limits.stall:
                if window_bytes < limits.least_rate * elapsed:
                    raise _MirrorError(_("it is too slow"))
                window, window_bytes = time.monotonic(), 0
    if have < file.size:
        text = _("the connection ended after {have} of {size} bytes")
        raise _MirrorError(text.format(have=have, size=file.size))


class _Part:
    """The growing file: opened at the first byte, and removed when the disk is full."""

    def __init__(self, path: Path, start: int) -> None:
        self.path, self.start = path, start
        self.handle = -1

    def __enter__(self) -> _Part:
        return self

    def write(self, piece: bytes) -> None:
        try:
            if self.handle < 0:
                self.handle = os.open(self.path, os.O_WRONLY | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o666)
                os.truncate(self.handle if os.name != "nt" else self.path, self.start)
                os.lseek(self.handle, 0, os.SEEK_END)
            rest = memoryview(piece)
            while rest:
                rest = rest[os.write(self.handle, rest) :]
        except OSError as error:
            self._close()
            if is_full(error):
                _remove_litter(self.path)
            raise disk_trouble(self.path.parent, error) from error

    def __exit__(self, *_error: object) -> None:
        self._close()

    def _close(self) -> None:
        if self.handle >= 0:
            os.close(self.handle)
            self.handle = -1


def _publish(part: Path, final: Path, file: RemoteFile) -> None:
    """Give a complete part its final name, if it is what it should be; a wrong one is removed."""
    try:
        if not has_digest(part, file.sha256):
            part.unlink()
            raise _MirrorError(_("the content is not the published one (SHA-256 differs); it was removed"))
        with part.open("rb+") as complete:
            os.fsync(complete.fileno())
        os.replace(part, final)
        sync_folder(final.parent)
    except OSError as error:
        if is_full(error):
            _remove_litter(part)
        raise disk_trouble(final.parent, error) from error


def _remove_litter(path: Path) -> None:
    with contextlib.suppress(OSError):  # the full disk is what has to be told, not this
        path.unlink()


def _network_trouble(error: Exception) -> _MirrorError:
    if isinstance(error, TimeoutError) or isinstance(getattr(error, "reason", None), TimeoutError):
        return _MirrorError(_("it does not answer"))
    return _MirrorError(_("the connection failed ({reason})").format(reason=getattr(error, "reason", error)))


def _web_page() -> _MirrorError:
    return _MirrorError(_("a web page came instead of the file (the network may ask for a login)"))


def _wrong_size(received: int, size: int) -> _MirrorError:
    return _MirrorError(
        _("the file should have {size} bytes, and {received} came").format(size=size, received=received)
    )
