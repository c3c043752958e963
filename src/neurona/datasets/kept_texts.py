"""Texts that were read once, kept as files which the next program maps into its memory.

What is kept of a data set: its texts, labels and words as numbers, each an ``.npy`` file, and a table of their hashes
with the key of the source they were made from. Whatever does not fit (another source, another version, a file cut
short or altered) is made anew; a folder that cannot be written to only costs the time.

The files are written into a folder of their own that takes its name when it is whole, so a kill leaves nothing half
done. Leans on `texts`, `tokens`, `locks`.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import json
import os
import shutil
import tempfile
import unicodedata
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurona.datasets.disk import sync_folder
from neurona.datasets.locks import locked
from neurona.datasets.progress import Progress
from neurona.datasets.records import Arrays
from neurona.datasets.texts import Texts
from neurona.datasets.tokens import Indexed, Tokens, indexed_texts
from neurona.errors import DataError, NeuronaError
from neurona.i18n import _

__all__ = ["kept"]

_VERSION = 1  # to be raised with every change of `tokenize` or of what is written
_NAME = "read"
_TABLE = "contents.json"
_KINDS = {
    "bytes": np.uint8,
    "offsets": np.int64,
    "labels": np.int64,
    "words": np.int32,
    "bounds": np.int64,
}
_FILES = {
    **{f"{part}-{kind}": _KINDS[kind] for part in ("train", "test") for kind in _KINDS},
    "vocabulary-bytes": np.uint8,
    "vocabulary-offsets": np.int64,
}

Pieces = Mapping[str, NDArray[Any]]


def kept(folder: Path, key: str, make: Callable[[], Arrays], progress: Progress) -> Arrays:
    """The arrays that `make` gives, from the files in `folder` when they were made from the same source.

    Args:
        folder: the data set's folder in the cache; it need not exist yet.
        key: tells one source from another, such as the hash of an archive.
        make: reads the source; its texts are indexed here.
        progress: who is told what goes on.

    Returns:
        Arrays with `Texts` whose `indexed` is ready.
    """
    key = f"{_VERSION} {unicodedata.unidata_version} {key}"
    found = _read(folder / _NAME, key)
    if found is not None:
        return found
    with contextlib.ExitStack() as stack:
        with contextlib.suppress(OSError, DataError):  # cannot be written to: then nobody else does it either
            folder.mkdir(parents=True, exist_ok=True)
            waiting = _("Another process is working on the same files: waiting for it.")
            stack.enter_context(locked(folder / ".reading", lambda: progress.note(waiting)))
            found = _read(folder / _NAME, key)  # made by the one that was waited for
        if found is not None:
            return found
        arrays = make()
        pieces = _pieces(arrays)
        try:
            _write(folder, key, pieces)
        except OSError as error:
            text = _("What was read cannot be kept in {folder} ({reason}): the next time will take as long.")
            progress.note(text.format(folder=folder, reason=error.strerror or error))
        return _arrays(pieces)


def _pieces(arrays: Arrays) -> dict[str, NDArray[Any]]:
    """The arrays as they are kept, the texts indexed."""
    count = len(arrays.x_train)
    every = indexed_texts(text for texts in (arrays.x_train, arrays.x_test) for text in texts)
    words = Texts.of(every.words)
    pieces: dict[str, NDArray[Any]] = {"vocabulary-bytes": words.buffer, "vocabulary-offsets": words.offsets}
    for part, texts, labels, rows in (
        ("train", arrays.x_train, arrays.y_train, slice(None, count)),
        ("test", arrays.x_test, arrays.y_test, slice(count, None)),
    ):
        tokens = every.tokens[rows]
        pieces |= {
            f"{part}-bytes": texts.buffer,
            f"{part}-offsets": texts.offsets,
            f"{part}-labels": labels,
            f"{part}-words": tokens.flat,
            f"{part}-bounds": tokens.offsets,
        }
    return pieces


def _arrays(pieces: Pieces) -> Arrays:
    """The arrays of a data set from what is kept.

    Raises:
        ArgumentError: the offsets fit nothing.
    """
    words = Texts(pieces["vocabulary-bytes"], pieces["vocabulary-offsets"])

    @functools.cache
    def vocabulary() -> list[str]:
        return list(words)

    def texts(part: str) -> Texts:
        tokens = Tokens(pieces[f"{part}-words"], pieces[f"{part}-bounds"])
        return Texts(pieces[f"{part}-bytes"], pieces[f"{part}-offsets"], indexed=lambda: Indexed(vocabulary(), tokens))

    return Arrays(texts("train"), pieces["train-labels"], texts("test"), pieces["test-labels"])


def _hash(array: NDArray[Any]) -> str:
    return hashlib.sha256(np.ascontiguousarray(array).data.cast("B") if array.size else b"").hexdigest()


def _write(folder: Path, key: str, pieces: Pieces) -> None:
    for stale in folder.glob(".read-*"):  # of a killed process: under the lock nobody else's
        shutil.rmtree(stale, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix=".read-", dir=folder, ignore_cleanup_errors=True) as name:
        room = Path(name) / _NAME
        room.mkdir()
        for piece, array in pieces.items():
            with (room / f"{piece}.npy").open("wb") as file:
                np.lib.format.write_array(file, np.ascontiguousarray(array), allow_pickle=False)
        table = {"key": key, "hashes": {piece: _hash(array) for piece, array in pieces.items()}}
        with (room / _TABLE).open("w", encoding="utf-8") as text:
            json.dump(table, text)
            text.flush()
            os.fsync(text.fileno())
        final = folder / _NAME
        if os.path.lexists(final):
            os.rename(final, Path(name) / "old")  # goes away with the room
        os.rename(room, final)
        sync_folder(folder)


def _read(folder: Path, key: str) -> Arrays | None:
    """What is kept in `folder`, or ``None`` where it does not fit."""
    try:
        with (folder / _TABLE).open("rb") as file:
            table = json.loads(file.read(1 << 14))
        if not isinstance(table, dict) or table.get("key") != key:
            return None
        pieces: dict[str, NDArray[Any]] = {}
        for piece, kind in _FILES.items():
            path = folder / f"{piece}.npy"
            array = np.load(path, mmap_mode="r", allow_pickle=False)
            if path.stat().st_size != array.offset + array.nbytes:
                return None
            if array.dtype != kind or array.ndim != 1 or _hash(array) != table["hashes"][piece]:
                return None
            pieces[piece] = array.view(np.ndarray) if array.size > 1 << 20 else np.array(array)
        arrays = _arrays(pieces)
    except (OSError, ValueError, EOFError, KeyError, TypeError, RecursionError, NeuronaError):  # damaged, or not there
        return None
    fits = all(
        len(x) == len(y) == len(pieces[f"{part}-bounds"]) - 1
        and _within(pieces[f"{part}-words"], len(pieces["vocabulary-offsets"]) - 1)
        for part, x, y in (("train", arrays.x_train, arrays.y_train), ("test", arrays.x_test, arrays.y_test))
    )
    return arrays if fits else None


def _within(places: NDArray[np.int32], count: int) -> bool:
    return not len(places) or (int(places.min()) >= 0 and int(places.max()) < count)
