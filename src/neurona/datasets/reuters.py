"""Reuters: 11,228 newswires of 1987 as lists of word numbers, and which of 46 topics each is about.

The pickle within the file is read without unpickling (`pickled_lists`).

Source: D. Lewis, Reuters-21578; cut up by Keras.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from neurona.datasets.keras_files import Pair, as_lists, check_share, keras_file, limited, ranks_of
from neurona.datasets.pickled_lists import read_lists_npz
from neurona.datasets.records import RemoteFile
from neurona.datasets.tokens import Tokens
from neurona.errors import ArgumentError, DamagedDataError

__all__ = ["get_label_names", "get_word_index", "load_data"]

_LISTS = RemoteFile("reuters.npz", "d6586e694ee56d7a4e65172e12b3e987c03096cb01eab99753921ef915959916", 2_110_848)
_WORDS = RemoteFile("reuters_word_index.json", "4d44cc38712099c9e383dc6e5f11a921", 550_378)
_TOPICS = (
    "cocoa grain veg-oil earn acq wheat copper housing money-supply coffee sugar trade reserves ship cotton carcass crude "
    "nat-gas cpi money-fx interest gnp meal-feed alum oilseed gold tin strategic-metal livestock retail ipi iron-steel "
    "rubber heat jobs lei bop zinc orange pet-chem dlr gas silver wpi hog lead"
)


def load_data(
    path: str = _LISTS.name,
    num_words: int | None = None,
    skip_top: int = 0,
    maxlen: int | None = None,
    test_split: float = 0.2,
    seed: int = 113,
    start_char: int | None = 1,
    oov_char: int | None = 2,
    index_from: int = 3,
) -> tuple[Pair, Pair]:
    """The newswires as Keras returns them: ``(x_train, y_train), (x_test, y_test)``.

    Args:
        path: ``reuters.npz``, absolute or in Keras's cache; else it is looked for and downloaded.
        num_words: words with this number or a higher one become `oov_char`.
        skip_top: words with a lower number become `oov_char`.
        maxlen: only newswires with fewer words than this are kept.
        test_split: the share of test data.
        seed: of the order.
        start_char: stands before every newswire; nothing does when None.
        oov_char: stands for words left out; they are dropped when None.
        index_from: is added to every rank.

    Returns:
        arrays of lists of whole numbers, (N,), and topics from 0 to 45, (N,).

    Raises:
        DownloadError: the file is nowhere and cannot be downloaded.
        DamagedDataError: it is no such file.
        ArgumentError: an impossible `test_split`, or `maxlen` leaves nothing.
    """
    check_share(test_split)
    found = read_lists_npz(keras_file(_LISTS, path, "reuters"), ("x",), ("y",))
    tokens, labels = found["x"], found["y"]
    if len(tokens) != len(labels):
        raise DamagedDataError(f"{path} holds {len(tokens)} newswires and {len(labels)} topics.")
    order = np.arange(len(tokens))
    np.random.RandomState(seed).shuffle(order)
    tokens, labels = tokens[order], labels[order]
    flat, offsets = tokens.flat + np.int32(index_from), tokens.offsets
    if start_char is not None:
        flat = np.insert(flat, offsets[:-1], start_char)
        offsets = offsets + np.arange(len(offsets))
    tokens = Tokens(flat, offsets)
    if maxlen:
        short = tokens.lengths < maxlen
        if not short.any():
            raise ArgumentError(f"No newswire is shorter than maxlen. Received: maxlen={maxlen}. Increase maxlen.")
        tokens, labels = tokens[short], labels[short]
    lists: Any = as_lists(limited(tokens, skip_top, num_words or int(tokens.flat.max(initial=0)), oov_char))
    cut = int(len(lists) * (1 - test_split))
    return (lists[:cut], labels[:cut]), (lists[cut:], labels[cut:])


def get_word_index(path: str = _WORDS.name) -> dict[str, int]:
    """The rank of every word, 1 for the most frequent; `load_data` adds `index_from` to it.

    Args:
        path: ``reuters_word_index.json``, absolute or in Keras's cache; else it is looked for and downloaded.

    Raises:
        DownloadError: the file is nowhere and cannot be downloaded.
        DamagedDataError: it is no such file.
    """
    return ranks_of(keras_file(_WORDS, path, "reuters"))


def get_label_names() -> tuple[str, ...]:
    """The topics by their numbers.

    >>> len(get_label_names()), get_label_names()[3]
    (46, 'earn')
    """
    return tuple(_TOPICS.split())
