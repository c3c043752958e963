"""`keras.preprocessing.text`: the older way from texts to numbers, which many programs still take.

>>> tokenizer = Tokenizer(num_words=4, oov_token="?")
>>> tokenizer.fit_on_texts(["A cat, a dog.", "a cat"])
>>> tokenizer.word_index
{'?': 1, 'a': 2, 'cat': 3, 'dog': 4}
>>> tokenizer.texts_to_sequences(["The cat saw a dog"])
[[1, 3, 1, 2, 1]]
"""

from __future__ import annotations

import collections
import hashlib
import json
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

from neurona.errors import ArgumentError
from neurona.tensor import Array

__all__ = ["Tokenizer", "hashing_trick", "one_hot", "text_to_word_sequence", "tokenizer_from_json"]

_FILTERS = '!"#$%&()*+,-./:;<=>?@[\\]^_`{|}~\t\n'


def text_to_word_sequence(input_text: str, filters: str = _FILTERS, lower: bool = True, split: str = " ") -> list[str]:
    """The words of a text.

    >>> text_to_word_sequence("Good, but long!")
    ['good', 'but', 'long']
    """
    text = input_text.lower() if lower else input_text
    text = text.translate({ord(letter): split for letter in filters})
    return [word for word in text.split(split) if word]


def one_hot(
    input_text: str, n: int, filters: str = _FILTERS, lower: bool = True, split: str = " ", analyzer: Any = None
) -> list[int]:
    """A number from 1 to n - 1 for each word, from Python's own `hash`: two words may share one."""
    return hashing_trick(input_text, n, hash, filters, lower, split, analyzer)


def hashing_trick(
    text: str,
    n: int,
    hash_function: Callable[[str], int] | str | None = None,
    filters: str = _FILTERS,
    lower: bool = True,
    split: str = " ",
    analyzer: Callable[[str], list[str]] | None = None,
) -> list[int]:
    """A number from 1 to n - 1 for each word; the same in every run with ``hash_function="md5"``.

    >>> hashing_trick("a cat a", 100, "md5")
    [92, 3, 92]
    """
    number: Callable[[str], int]
    if hash_function == "md5":
        number = _md5
    else:
        number = hash if hash_function is None or isinstance(hash_function, str) else hash_function
    words = text_to_word_sequence(text, filters, lower, split) if analyzer is None else analyzer(text)
    return [number(word) % (n - 1) + 1 for word in words]


def _md5(word: str) -> int:
    return int(hashlib.md5(word.encode(), usedforsecurity=False).hexdigest(), 16)


class Tokenizer:
    """Words to numbers, the frequent ones first.

    Args:
        num_words: only numbers below it are used; all when None.
        filters: letters that separate words besides `split`.
        lower: whether capital letters become small ones.
        split: what stands between words.
        char_level: whether letters are counted instead of words.
        oov_token: the word for all that are not known; these are left out when None.
        analyzer: a function that cuts a text instead.
    """

    def __init__(
        self,
        num_words: int | None = None,
        filters: str = _FILTERS,
        lower: bool = True,
        split: str = " ",
        char_level: bool = False,
        oov_token: str | None = None,
        analyzer: Callable[[str], list[str]] | None = None,
        **kwargs: Any,
    ) -> None:
        kwargs.pop("document_count", None)
        if kwargs:
            raise ArgumentError(f"Unknown arguments of Tokenizer. Received: {sorted(kwargs)}.")
        self.num_words, self.filters, self.lower, self.split = num_words, filters, lower, split
        self.char_level, self.oov_token, self.analyzer = char_level, oov_token, analyzer
        self.word_counts: collections.OrderedDict[str, int] = collections.OrderedDict()
        self.word_docs: collections.Counter[str] = collections.Counter()
        self.document_count = 0
        self.word_index: dict[str, int] = {}
        self.index_word: dict[int, str] = {}

    @property
    def index_docs(self) -> dict[int, int]:
        """In how many texts each word's number occurs."""
        return {self.word_index[word]: count for word, count in self.word_docs.items()}

    def _words(self, text: Any) -> list[str]:
        if isinstance(text, (list, tuple)):
            return [word.lower() for word in text] if self.lower else list(text)
        if self.char_level:
            return list(text.lower() if self.lower else text)
        if self.analyzer is not None:
            return self.analyzer(text)
        return text_to_word_sequence(text, self.filters, self.lower, self.split)

    def fit_on_texts(self, texts: Iterable[Any]) -> None:
        """Count the words of some texts, and number them."""
        for text in texts:
            self.document_count += 1
            words = self._words(text)
            for word in words:
                self.word_counts[word] = self.word_counts.get(word, 0) + 1
            self.word_docs.update(set(words))
        ordered = sorted(self.word_counts, key=lambda word: -self.word_counts[word])
        names = ordered if self.oov_token is None else [self.oov_token, *(w for w in ordered if w != self.oov_token)]
        self.word_index = {word: place for place, word in enumerate(names, 1)}
        self.index_word = {place: word for word, place in self.word_index.items()}

    def texts_to_sequences(self, texts: Iterable[Any]) -> list[list[int]]:
        """The numbers of the words of each text."""
        return list(self.texts_to_sequences_generator(texts))

    def texts_to_sequences_generator(self, texts: Iterable[Any]) -> Iterator[list[int]]:
        """The same, one text at a time."""
        unknown = None if self.oov_token is None else self.word_index.get(self.oov_token)
        for text in texts:
            row = []
            for word in self._words(text):
                number = self.word_index.get(word)
                if number is None or (self.num_words and number >= self.num_words):
                    number = unknown
                if number is not None:
                    row.append(number)
            yield row

    def sequences_to_texts(self, sequences: Iterable[Iterable[int]]) -> list[str]:
        """The words of numbers."""
        told = []
        for row in sequences:
            words = (
                self.index_word.get(int(n)) if not self.num_words or int(n) < self.num_words else self.oov_token
                for n in row
            )
            told.append(" ".join(word or self.oov_token or "" for word in words if word or self.oov_token))
        return told

    def texts_to_matrix(self, texts: Iterable[Any], mode: str = "binary") -> Array:
        """A row for each text, a column for each number: see `sequences_to_matrix`."""
        return self.sequences_to_matrix(self.texts_to_sequences(texts), mode)

    def sequences_to_matrix(self, sequences: Any, mode: str = "binary") -> Array:
        """A row for each sequence, a column for each number.

        Args:
            sequences: lists of numbers.
            mode: "binary" (1 where it occurs), "count", "freq" (share of the row), "tfidf" (rare ones count more).
        """
        if mode not in ("binary", "count", "freq", "tfidf"):
            raise ArgumentError(f"Expected mode 'binary', 'count', 'freq' or 'tfidf'. Received: mode={mode!r}.")
        columns = self.num_words or len(self.word_index) + 1
        matrix = np.zeros((len(sequences), columns))
        for place, row in enumerate(sequences):
            for number, count in collections.Counter(n for n in row if n < columns).items():
                if mode == "tfidf":
                    rare = np.log(1 + self.document_count / (1 + self.index_docs.get(number, 0)))
                    matrix[place, number] = (1 + np.log(count)) * rare
                else:
                    matrix[place, number] = {"binary": 1, "count": count, "freq": count / len(row)}[mode]
        return matrix

    def get_config(self) -> dict[str, Any]:
        """Settings and counts, as JSON keeps them."""
        return {
            "num_words": self.num_words,
            "filters": self.filters,
            "lower": self.lower,
            "split": self.split,
            "char_level": self.char_level,
            "oov_token": self.oov_token,
            "document_count": self.document_count,
            "word_counts": json.dumps(self.word_counts),
            "word_docs": json.dumps(self.word_docs),
            "index_docs": json.dumps(self.index_docs),
            "index_word": json.dumps(self.index_word),
            "word_index": json.dumps(self.word_index),
        }

    def to_json(self, **kwargs: Any) -> str:
        """Settings and counts as a text."""
        return json.dumps({"class_name": type(self).__name__, "config": self.get_config()}, **kwargs)


def tokenizer_from_json(json_string: str) -> Tokenizer:
    """The tokenizer that `Tokenizer.to_json` wrote.

    >>> made = Tokenizer()
    >>> made.fit_on_texts(["one two two"])
    >>> tokenizer_from_json(made.to_json()).texts_to_sequences(["two one"])
    [[1, 2]]
    """
    config = json.loads(json_string)["config"]
    counts, docs, words = (json.loads(config.pop(name)) for name in ("word_counts", "word_docs", "word_index"))
    for name in ("index_docs", "index_word"):
        config.pop(name)
    documents = config.pop("document_count")
    made = Tokenizer(**config)
    made.document_count = documents
    made.word_counts, made.word_docs = collections.OrderedDict(counts), collections.Counter(docs)
    made.word_index = words
    made.index_word = {place: word for word, place in words.items()}
    return made
