"""The files of Keras's small data sets: where they lie, and the parts that reading them shares.

Each is looked for in Keras's cache, in the folders where data sets may lie and in our own cache, and else fetched and
verified like every other file.
"""

from __future__ import annotations

import itertools
import json
import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurona.datasets.folders import SYSTEM_FOLDER, cache_folder_named
from neurona.datasets.loading import download
from neurona.datasets.records import RemoteFile
from neurona.datasets.source import Source, damaged
from neurona.datasets.tokens import Tokens
from neurona.errors import ArgumentError
from neurona.i18n import _

__all__ = [
    "KERAS_MIRRORS",
    "Pair",
    "as_lists",
    "check_share",
    "keras_file",
    "limited",
    "parts_of",
    "ranks_of",
    "table_of",
]

KERAS_MIRRORS = ("https://storage.googleapis.com/tensorflow/tf-keras-datasets/",)
_LARGEST_TABLE = 1 << 26  # bytes

Pair = tuple[NDArray[Any], NDArray[Any]]


def keras_file(remote: RemoteFile, path: str, name: str, mirrors: tuple[str, ...] = KERAS_MIRRORS) -> Path:
    """The file that a user means, or wherever it lies, or downloaded.

    Args:
        remote: the published file.
        path: what the user says: absolute, or in Keras's cache.
        name: of the data set, which is that of its folder.
        mirrors: where it is to be had.

    Raises:
        DownloadError: it is nowhere and cannot be fetched.
    """
    keras = Path(os.environ.get("KERAS_HOME") or "~/.keras").expanduser() / "datasets"
    given = keras / Path(path).expanduser()  # an absolute path stays itself
    if path != remote.name and given.is_file():
        return given
    cache = cache_folder_named(name)
    folders = [cache, keras, SYSTEM_FOLDER / name]
    if named := os.environ.get("NEURONA_DATA"):
        folders = [Path(named).expanduser() / name, Path(named).expanduser(), *folders]
    for folder in folders:
        if (found := remote.lying_in(folder)) is not None:
            return found
    download([remote], mirrors, cache)
    return cache / remote.name


def table_of(path: Path) -> Pair:
    """The numbers ``x`` and ``y`` in a NumPy archive; never a pickle.

    Raises:
        DamagedDataError: it is no such archive.
    """
    with Source(path, _LARGEST_TABLE):  # a regular file, not too large
        try:
            with np.load(path, allow_pickle=False) as archive:
                x, y = archive["x"], archive["y"]
        except Exception as error:  # NumPy says of damage whatever it meets
            raise damaged(path, str(error)) from error
    if x.ndim != 2 or y.shape != x.shape[:1] or x.dtype.kind != "f" or y.dtype.kind != "f":
        raise damaged(path, f"x {x.dtype} {x.shape}, y {y.dtype} {y.shape}")
    return x, y


def parts_of(x: NDArray[Any], y: NDArray[Any], test_split: float, seed: int) -> tuple[Pair, Pair]:
    """Training and test data, mixed by NumPy's older generator, the last share for the test.

    Raises:
        ArgumentError: a share below 0, or 1 and above.
    """
    check_share(test_split)
    order = np.arange(len(x))
    np.random.RandomState(seed).shuffle(order)
    x, y = x[order], y[order]
    cut = int(len(x) * (1 - test_split))
    return (x[:cut], y[:cut]), (x[cut:], y[cut:])


def check_share(test_split: float) -> None:
    """Refuse a share of test data below 0, or 1 and above."""
    if not 0 <= test_split < 1:
        raise ArgumentError(
            f"Invalid `test_split` argument: {test_split}. It must be between 0 and 1 (exclusive of 1). "
            f"Received: test_split={test_split}."
        )


def limited(tokens: Tokens, skip_top: int, num_words: int, oov_char: int | None) -> Tokens:
    """The same with the rarest and the most frequent words replaced or dropped."""
    kept_words = (tokens.flat >= skip_top) & (tokens.flat < num_words)
    if oov_char is not None:
        return Tokens(np.where(kept_words, tokens.flat, np.int32(oov_char)), tokens.offsets)
    before = np.concatenate([[0], np.cumsum(kept_words)])
    return Tokens(tokens.flat[kept_words], before[tokens.offsets])


def as_lists(tokens: Tokens) -> NDArray[Any]:
    """An array of lists of word numbers."""
    flat, bounds = tokens.flat.tolist(), tokens.offsets.tolist()
    return np.array([flat[begin:end] for begin, end in itertools.pairwise(bounds)], dtype=object)


def ranks_of(file: Path) -> dict[str, int]:
    """The rank of every word, from a JSON file.

    Raises:
        DamagedDataError: it is no such file.
    """
    with Source(file, _LARGEST_TABLE) as source:
        try:
            words = json.loads(source.take(file.stat().st_size))
        except (ValueError, RecursionError) as error:
            raise damaged(file, _("it is no table of words ({detail})").format(detail=error)) from error
    if not isinstance(words, dict) or not all(type(rank) is int for rank in words.values()):
        raise damaged(file, _("it is no table of words ({detail})").format(detail=type(words).__name__))
    return words
