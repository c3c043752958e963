"""IMDB: 50,000 film reviews, one half clearly for and one half clearly against their film; the record and `load_data`.

The reviews are read straight from the archive, which is never unpacked, or from its unpacked folder. In both, each is a
file ``aclImdb/{train,test}/{neg,pos}/ID_RATING.txt`` with an ID from 0 to 12,499. They come out in the order of their
IDs, against and for in turn, so that a piece from either end holds as many of both. The bytes are UTF-8, or Latin-1
where they are not. The record is for `neurona.datasets.load`.

`load_data` and `get_word_index` are Keras's: the same reviews as lists of numbers, from other files and cleaned in
another way, whose pickles are read without unpickling (`pickled_lists`).

Source: A. Maas, R. Daly, P. Pham, D. Huang, A. Ng, C. Potts, "Learning Word Vectors for Sentiment Analysis", ACL 2011.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurona.datasets.folders import cache_folder
from neurona.datasets.kept_texts import kept
from neurona.datasets.keras_files import as_lists, keras_file, limited, ranks_of
from neurona.datasets.pickled_lists import read_lists_npz
from neurona.datasets.progress import Progress, Silent
from neurona.datasets.records import Arrays, DataSet, RemoteFile, RemoteFolder
from neurona.datasets.source import damaged, sha256_of
from neurona.datasets.texts import Texts
from neurona.datasets.tokens import Tokens
from neurona.datasets.unpacking import Archive, Budget
from neurona.errors import ArgumentError, DamagedDataError, DataError
from neurona.i18n import _

__all__ = ["IMDB", "get_word_index", "load_data"]

_ARCHIVE = "aclImdb_v1.tar.gz"
_FOLDER = "aclImdb"
_PARTS, _KINDS = ("train", "test"), ("neg", "pos")
_EACH = 12_500  # reviews of each part and kind
_LONGEST = 1 << 20  # bytes of a review
_BUDGET = Budget(size=1_000_000_000, members=120_000)
_NAME = re.compile(r"([0-9]{1,5})_(10|[1-9])\.txt")
_RATINGS = {"neg": range(1, 5), "pos": range(7, 11)}
_TOGETHER = tuple(f"{part}/{kind}" for part in _PARTS for kind in _KINDS)


def _read(files: Mapping[str, Path], progress: Progress | None = None) -> Arrays:
    progress = Silent() if progress is None else progress
    (path,) = files.values()
    if path.is_dir():
        key, reviews = _key_of_folder(path), _from_folder
    else:
        key, reviews = f"archive {sha256_of(path)}", _from_archive

    def make() -> Arrays:
        count = len(_TOGETHER) * _EACH
        progress.note(
            _("Reading {count} film reviews for the first time: this takes some seconds.").format(count=count)
        )
        return _arrays(path, reviews(path))

    return kept(cache_folder(IMDB), key, make, progress)


def _arrays(path: Path, reviews: Iterator[tuple[str, str, bytes]]) -> Arrays:
    """The data set from its reviews: where each lies ("train/neg"), the name of its file, its bytes."""
    found: dict[str, list[bytes | None]] = {place: [None] * _EACH for place in _TOGETHER}
    for place, name, content in reviews:
        matched = _NAME.fullmatch(name)
        number = int(matched[1]) if matched else _EACH
        if matched is None or number >= _EACH or int(matched[2]) not in _RATINGS[place[-3:]]:
            raise damaged(path, _("{name} is no name of a review").format(name=f"{place}/{name}"))
        if found[place][number] is not None:
            raise damaged(path, _("{place} holds two reviews of number {number}").format(place=place, number=number))
        found[place][number] = _utf8(content)
    arrays: list[Any] = []
    for part in _PARTS:
        for kind in _KINDS:
            missing = found[f"{part}/{kind}"].count(None)
            if missing:
                text = _("{place} should hold {count} reviews, and {missing} are missing")
                raise damaged(path, text.format(place=f"{part}/{kind}", count=_EACH, missing=missing))
        both = zip(*(found[f"{part}/{kind}"] for kind in _KINDS), strict=True)
        arrays.append(Texts.of_bytes([content for pair in both for content in pair if content is not None]))
        arrays.append(np.tile(np.arange(len(_KINDS)), _EACH))
    return Arrays(*arrays)


def _utf8(content: bytes) -> bytes:
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        return content.decode("latin-1").encode("utf-8")
    return content


def _from_archive(path: Path) -> Iterator[tuple[str, str, bytes]]:
    with Archive(path, _BUDGET) as archive:
        for member in archive:
            place = "/".join(member.parts[1:-1])
            if member.folder or len(member.parts) != 4 or member.parts[0] != _FOLDER or place not in _TOGETHER:
                continue
            _measure(path, f"{place}/{member.parts[-1]}", member.size)
            yield place, member.parts[-1], b"".join(archive.pieces())


def _from_folder(path: Path) -> Iterator[tuple[str, str, bytes]]:
    for place, name, status in _listed(path):
        file = path / place / name
        _measure(path, f"{place}/{name}", status.st_size)
        try:
            yield place, name, file.read_bytes()
        except OSError as error:
            text = _("The file {path} cannot be read: {reason}.")
            raise DataError(text.format(path=file, reason=error.strerror or error)) from error


def _measure(path: Path, name: str, size: int) -> None:
    if not 0 < size <= _LONGEST:
        text = _("{name} should have from 1 to {most} bytes, and has {size}")
        raise damaged(path, text.format(name=name, most=_LONGEST, size=size))


def _listed(path: Path) -> Iterator[tuple[str, str, os.stat_result]]:
    """The files of the reviews in an unpacked folder, without those that no archive has."""
    for place in _TOGETHER:
        try:
            with os.scandir(path / place) as entries:
                for count, entry in enumerate(entries):
                    status = entry.stat(follow_symlinks=False)
                    if not stat.S_ISREG(status.st_mode) or count >= _EACH:
                        text = _("{place} should hold {count} reviews and nothing else, and holds {name}")
                        raise damaged(path, text.format(place=place, count=_EACH, name=entry.name))
                    yield place, entry.name, status
        except OSError as error:
            if isinstance(error, DataError):
                raise
            text = _("The folder {folder} cannot be read: {reason}.")
            raise DataError(text.format(folder=path / place, reason=error.strerror or error)) from error


def _key_of_folder(path: Path) -> str:
    """Tells an unpacked folder from any other, without reading its 50,000 files: names, sizes and dates."""
    rows = sorted(f"{place}/{name} {status.st_size} {status.st_mtime_ns}" for place, name, status in _listed(path))
    return f"folder {hashlib.sha256(os.fsencode(chr(10).join(rows))).hexdigest()}"


def _check(files: Mapping[str, Path]) -> None:
    (path,) = files.values()
    if path.is_dir():
        found = sum(1 for _file in _listed(path))
        if found != len(_TOGETHER) * _EACH:
            text = _("it should hold {count} reviews, and holds {found}")
            raise damaged(path, text.format(count=len(_TOGETHER) * _EACH, found=found))
        return
    with Archive(path, _BUDGET) as archive:
        first = next(iter(archive), None)
    if first is None or first.parts[:1] != (_FOLDER,):
        text = _("it should begin with the folder {folder}, and begins with {found}")
        raise damaged(path, text.format(folder=_FOLDER, found=first.name if first else _("nothing")))


IMDB = DataSet(
    name="imdb",
    title="IMDB",
    aliases=("reviews", "reseñas", "críticas", "aclimdb"),
    files=(RemoteFile(_ARCHIVE, "c40f74a18d3b61f90feba1e17730e0d38e8b97c05fde7008942e91923d1658fe", 84_125_825),),
    others=((RemoteFolder(_FOLDER, "", 0, inside=_TOGETHER),),),
    mirrors=("https://ai.stanford.edu/~amaas/data/sentiment/",),
    licence={
        "en": "no licence published, A. Maas et al. 2011: for your own use, not to be passed on",
        "es": "sin licencia publicada, A. Maas et al. 2011: para tu propio uso, no para redistribuir",
    },
    classes={"en": ("negative", "positive"), "es": ("negativa", "positiva")},
    read=_read,
    read_telling=_read,
    check=_check,
    fingerprint="eafbc91d6a3ae20a9f459e506e848d1c3a3189f73b1d22bb21b637d65ceb4abd",
)

_LISTS = RemoteFile("imdb.npz", "69664113be75683a8fe16e3ed0ab59fda8886cb3cd7ada244f7d9544e4676b9f", 17_464_789)
_WORDS = RemoteFile("imdb_word_index.json", "bfafd718b763782e994055a2d397834f", 1_641_221)

Pair = tuple[NDArray[Any], NDArray[Any]]


def load_data(
    path: str = _LISTS.name,
    num_words: int | None = None,
    skip_top: int = 0,
    maxlen: int | None = None,
    seed: int = 113,
    start_char: int | None = 1,
    oov_char: int | None = 2,
    index_from: int = 3,
    **kwargs: Any,
) -> tuple[Pair, Pair]:
    """The reviews as Keras returns them: ``(x_train, y_train), (x_test, y_test)`` with lists of word numbers.

    A word's number is its rank among all words by frequency, plus `index_from`.

    Args:
        path: ``imdb.npz``, absolute or in Keras's cache; where there is no such file, it is looked for in all known
            places and then downloaded.
        num_words: words with this number or a higher one become `oov_char`.
        skip_top: words with a lower number become `oov_char`.
        maxlen: only reviews with fewer words than this are kept.
        seed: of the order.
        start_char: stands before every review; nothing does when None.
        oov_char: stands for words left out; they are dropped when None.
        index_from: is added to every rank.
        kwargs: ignored, as Keras does.

    Returns:
        Arrays of lists of whole numbers, (N,) (of whole numbers, (N, T), where all lists are of one length), and labels,
        0 against and 1 for the film.

    Raises:
        DataNotFoundError, DownloadError: the file is nowhere and cannot be downloaded.
        DamagedDataError: it is no such file.
        ArgumentError: `maxlen` leaves no review.
    """
    found = read_lists_npz(keras_file(_LISTS, path, IMDB.name), ("x_train", "x_test"), ("y_train", "y_test"))
    parts = []
    generator = np.random.RandomState(seed)  # one for both: the order of the test set follows from that of the other
    for part in _PARTS:
        tokens, labels = found[f"x_{part}"], found[f"y_{part}"]
        if len(tokens) != len(labels):
            raise DamagedDataError(f"{path} holds {len(tokens)} reviews and {len(labels)} labels for {part}.")
        order = np.arange(len(tokens))
        generator.shuffle(order)
        tokens, labels = tokens[order], labels[order]
        flat, offsets = tokens.flat + np.int32(index_from), tokens.offsets
        if start_char is not None:
            flat = np.insert(flat, offsets[:-1], start_char)
            offsets = offsets + np.arange(len(offsets))
        tokens = Tokens(flat, offsets)
        if maxlen:
            short = tokens.lengths < maxlen
            if not short.any():
                raise ArgumentError(
                    f"No review of {part} is shorter than maxlen. Received: maxlen={maxlen}. Increase maxlen."
                )
            tokens, labels = tokens[short], labels[short]
        parts.append((tokens, labels))
    if not num_words:
        num_words = max((int(tokens.flat.max()) for tokens, _labels in parts if len(tokens.flat)), default=0)
    (train, y_train), (test, y_test) = parts
    return (
        (as_lists(limited(train, skip_top, num_words, oov_char)), y_train),
        (as_lists(limited(test, skip_top, num_words, oov_char)), y_test),
    )


def get_word_index(path: str = _WORDS.name) -> dict[str, int]:
    """The rank of every word, 1 for the most frequent; `load_data` adds `index_from` to it.

    Args:
        path: ``imdb_word_index.json``, absolute or in Keras's cache; else it is looked for and downloaded.

    Raises:
        DataNotFoundError, DownloadError: the file is nowhere and cannot be downloaded.
        DamagedDataError: it is no such file.
    """
    return ranks_of(keras_file(_WORDS, path, IMDB.name))
