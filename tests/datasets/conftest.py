"""A machine without data sets, a data set of a few bytes, and loopback mirrors that misbehave on demand."""

from __future__ import annotations

import dataclasses
import hashlib
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from neurona.datasets import folders
from neurona.datasets.fashion_mnist import FASHION_MNIST
from neurona.datasets.idx import check_idx, read_idx, read_labels, write_idx
from neurona.datasets.records import Arrays, DataSet, RemoteFile, fingerprint_of
from neurona.i18n import set_language

TRAIN, TEST, SIDE, CLASSES = 20, 10, 4, 10


@pytest.fixture(autouse=True)
def bare_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """No data, no settings, no proxies; home, cache and system folder under a temporary one."""
    for name in ("NEURONA_DATA", "KERAS_HOME", "http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("NEURONA_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(folders, "SYSTEM_FOLDER", tmp_path / "system")
    set_language("en")
    yield tmp_path
    set_language(None)


class Mirror:
    """An HTTP server whose behaviour is one word; it remembers what was asked of it."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.mode, self.slice = "good", 2000
        self.asked: list[tuple[str, str | None]] = []
        mirror = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_words: object) -> None:
                """Quiet."""

            def do_GET(self) -> None:
                mirror.asked.append((self.path, self.headers.get("Range")))
                try:
                    mirror.answer(self)
                except (BrokenPipeError, ConnectionResetError):
                    self.close_connection = True

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.server.block_on_close = False
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/"
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        content = self.files.get(handler.path.lstrip("/"), b"")
        if self.mode == "error":
            handler.send_error(503)
            return
        if self.mode == "silent":
            time.sleep(5)
            return
        kind = "application/gzip"
        if self.mode in ("html", "html-unlabelled"):
            content = b"<!DOCTYPE html><html><body>Please log in</body></html>".ljust(len(content), b" ")
            kind = "text/html; charset=utf-8" if self.mode == "html" else "application/octet-stream"
        if self.mode == "wrong":
            content = bytes(255 - byte for byte in content)
        if self.mode == "endless":
            handler.send_response(200)
            handler.end_headers()
            for _turn in range(1000):  # no write ends where the file does: a pause there would leave it whole
                handler.wfile.write(content + content[:999])
            return
        start, wanted = 0, handler.headers.get("Range")
        if wanted and self.mode not in ("no-range", "html", "html-unlabelled"):
            start = int(wanted.removeprefix("bytes=").rstrip("-"))
            if start >= len(content):
                handler.send_error(416)
                return
            handler.send_response(206)
            shown = start + 1 if self.mode == "other-range" else start
            handler.send_header("Content-Range", f"bytes {shown}-{len(content) - 1}/{len(content)}")
        else:
            handler.send_response(200)
        body = content[start:]
        handler.send_header("Content-Type", kind)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        if self.mode == "cut":
            handler.wfile.write(body[: max(1, len(content) // 3)])
            handler.close_connection = True
        elif self.mode == "slow":
            for at in range(0, len(body), self.slice):
                handler.wfile.write(body[at : at + self.slice])
                handler.wfile.flush()
                time.sleep(0.01)
        elif self.mode == "drip":
            for at in range(len(body)):
                handler.wfile.write(body[at : at + 1])
                handler.wfile.flush()
                time.sleep(0.02)
        else:
            handler.wfile.write(body)

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def mirror() -> Iterator[Mirror]:
    """A mirror on the loopback."""
    one = Mirror()
    yield one
    one.close()


@pytest.fixture
def second_mirror() -> Iterator[Mirror]:
    """Another mirror."""
    one = Mirror()
    yield one
    one.close()


@dataclasses.dataclass
class Tiny:
    """A data set like Fashion-MNIST with 20 + 10 pictures of 4 x 4, its files, a way to lay them out."""

    record: DataSet
    arrays: Arrays
    contents: dict[str, bytes]

    def put(self, folder: Path, *, plain: bool = False) -> Path:
        """Write the files into `folder`, compressed or plain."""
        folder.mkdir(parents=True, exist_ok=True)
        for name, array in zip(self.contents, self.arrays[0:4], strict=True):
            write_idx(folder / (name.removesuffix(".gz") if plain else name), array)
        return folder


@pytest.fixture
def tiny(tmp_path: Path, mirror: Mirror) -> Tiny:
    """A `Tiny` whose only mirror is `mirror`."""
    rng = np.random.default_rng(0)
    arrays = Arrays(
        rng.integers(0, 256, (TRAIN, SIDE, SIDE), np.uint8),
        np.arange(TRAIN, dtype=np.uint8) % CLASSES,
        rng.integers(0, 256, (TEST, SIDE, SIDE), np.uint8),
        np.arange(TEST, dtype=np.uint8) % CLASSES,
    )
    names = [file.name for file in FASHION_MNIST.files]
    made = tmp_path / "made"
    made.mkdir()
    for name, array in zip(names, arrays, strict=True):
        write_idx(made / name, array)
    contents = {name: (made / name).read_bytes() for name in names}

    def read(files: Mapping[str, Path]) -> Arrays:
        return Arrays(
            read_idx(files[names[0]], (TRAIN, SIDE, SIDE)),
            read_labels(files[names[1]], TRAIN, CLASSES),
            read_idx(files[names[2]], (TEST, SIDE, SIDE)),
            read_labels(files[names[3]], TEST, CLASSES),
        )

    def check(files: Mapping[str, Path]) -> None:
        check_idx(files[names[0]], (TRAIN, SIDE, SIDE))
        check_idx(files[names[1]], (TRAIN,))
        check_idx(files[names[2]], (TEST, SIDE, SIDE))
        check_idx(files[names[3]], (TEST,))

    record = dataclasses.replace(
        FASHION_MNIST,
        files=tuple(RemoteFile(name, hashlib.sha256(data).hexdigest(), len(data)) for name, data in contents.items()),
        mirrors=(mirror.url,),
        read=read,
        check=check,
        fingerprint=fingerprint_of(arrays),
    )
    mirror.files.update(contents)
    return Tiny(record, arrays, contents)


@pytest.fixture
def big_file(mirror: Mirror, second_mirror: Mirror) -> RemoteFile:
    """A file of 300,000 bytes that both mirrors have."""
    content = np.random.default_rng(1).bytes(300_000)
    mirror.files["big.gz"] = second_mirror.files["big.gz"] = content
    return RemoteFile("big.gz", hashlib.sha256(content).hexdigest(), len(content))


@pytest.fixture
def same() -> Callable[[Arrays, object], bool]:
    """Whether a `Data` holds exactly these arrays."""

    def equal(arrays: Arrays, data: object) -> bool:
        return all(np.array_equal(a, getattr(data, field)) for field, a in zip(arrays._fields, arrays, strict=True))

    return equal
