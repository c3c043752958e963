"""Texts as words, and words as numbers: how a film review becomes what a network reads.

The numbers are those of Keras's IMDB data: 0 fills up, 1 starts a text, 2 stands for a word that is not in the
vocabulary, and the most frequent word is 3.

What counts as a word:

- capitals do not matter, and tags such as ``<br />`` are blanks;
- letters, digits and underscores of any alphabet with the marks on them (an accent typed as a sign of its own joins
  its letter), and single apostrophes between them: ``don't``;
- a rating such as ``8/10`` is one word: what a reviewer thinks is seldom said as clearly;
- ``!`` and ``?`` are words of their own, because reviewers shout at bad films; all other signs are blanks.

Every text gives some list of words, in a time proportional to its length: NUL bytes and lone surrogates are blanks, and
ten megabytes of one word are one word. Alphabets that put no blanks between words (Chinese, Thai) give one word for
each run of letters.

Source: A. Maas et al., "Learning Word Vectors for Sentiment Analysis", ACL 2011, section 4.1 (which keeps such signs).
"""

from __future__ import annotations

import array
import functools
import itertools
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

from neurona.datasets.texts import Texts, check_offsets, gather, rows_of
from neurona.errors import ArgumentError

__all__ = ["FIRST", "PAD", "START", "UNKNOWN", "Indexed", "Tokens", "index", "indexed_texts", "tokenize", "vocabulary"]

PAD, START, UNKNOWN, FIRST = 0, 1, 2, 3

_TAG = re.compile(r"</?[a-z!][^<>]{0,200}>")  # bounded: a lone "<" must not make a page of text vanish
_RATING = re.compile(r"(?<![\w/])([0-9]{1,3})/([0-9]{1,3})(?![\w/])", re.ASCII)
_SLASH = "\x01"  # what joins a rating until the text is cut: no other sign survives the table below
_MOST_MARKS = 30  # in a row: Unicode's limit for texts that can be put into normal form piece by piece
_QUOTES = "\u2018\u2019\u02bc\uff07"  # apostrophes of other keyboards
_ASCII = bytes(range(128))
_KEPT = bytes(code if chr(code).isalnum() or chr(code) in "_'!?\x01" or code > 127 else 32 for code in range(256))
_MOST_KINDS = 64  # of foreign signs that are blanked one by one


def tokenize(text: str) -> list[str]:
    r"""The words of a text, as the top of this file tells.

    >>> tokenize("Don't MISS it!<br />A 'must': 9/10, año 2001...")
    ["don't", 'miss', 'it', '!', 'a', 'must', '9/10', 'año', '2001']
    >>> tokenize("nul\0nul \ud800"), tokenize("")
    (['nul', 'nul'], [])
    """
    text = text.lower().replace(_SLASH, " ")
    if "<" in text:
        text = _TAG.sub(" ", text)
    ratings = "/" in text
    if ratings:
        text = _RATING.sub(rf"\1{_SLASH}\2", text)
    words = _split(text) if text.isascii() else _foreign_words(text)
    return [word.replace(_SLASH, "/") for word in words] if ratings and _SLASH in text else words


def _split(text: str) -> list[str]:
    """The words of a lower-case text whose signs beyond ASCII are letters: by a table and `split`, which is fastest."""
    raw = text.encode().translate(_KEPT).replace(b"!", b" ! ").replace(b"?", b" ? ")
    if b"'" in raw:  # only those between two letters stay: pairs go first, then those that touch a blank
        raw = (b" %b " % raw).replace(b"''", b" ").replace(b" '", b" ").replace(b"' ", b" ")
    return raw.decode().split()


def _foreign_words(text: str) -> list[str]:
    """The words of any lower-case text."""
    for quote in _QUOTES:
        text = text.replace(quote, "'")
    signs = _signs(text)
    if any(unicodedata.category(sign).startswith("M") for sign in signs):
        pattern, marks = _wide()
        text = marks.sub(lambda run: run[0][:_MOST_MARKS], text)
        return pattern.findall(unicodedata.normalize("NFC", text))
    if not unicodedata.is_normalized("NFC", text):  # other ways of writing the same letter
        text = unicodedata.normalize("NFC", text)
        signs = _signs(text)
    blank = [sign for sign in signs if not sign.isalnum()]
    if len(blank) > _MOST_KINDS:
        text = text.translate(dict.fromkeys(map(ord, blank), " "))
    else:
        for sign in blank:
            text = text.replace(sign, " ")
    return _split(text)


def _signs(text: str) -> set[str]:
    """The different signs of a text that are not ASCII."""
    return set(text.encode("utf-8", "surrogatepass").translate(None, _ASCII).decode("utf-8", "surrogatepass"))


@functools.cache
def _wide() -> tuple[re.Pattern[str], re.Pattern[str]]:
    r"""What a word is in any alphabet, and marks beyond the most; Python's ``\w`` leaves marks out."""
    codes = [code for code in range(0x20000) if unicodedata.category(chr(code)).startswith("M")]
    codes += range(0xE0100, 0xE01F0)  # variation selectors, the only marks further up
    ranges, begin = [], codes[0]
    for here, after in zip(codes, [*codes[1:], -1], strict=True):
        if after != here + 1:
            ranges.append(f"\\U{begin:08x}-\\U{here:08x}")
            begin = after
    marks = "".join(ranges)
    rest = rf"[\w{_SLASH}{marks}]*"
    return (
        re.compile(rf"\w{rest}(?:'\w{rest})*|[!?]"),
        re.compile(rf"[{marks}]{{{_MOST_MARKS + 1},}}"),
    )


class Tokens:
    """Texts as numbers: the words of all texts in one array, and where each text begins.

    Args:
        flat: the numbers of all texts, one behind the other, int32 (W,).
        offsets: where each text begins, and the end of the last, int64 (N + 1,).

    Raises:
        ArgumentError: the offsets do not fit.

    >>> tokens = Tokens.of([[1, 5, 4], [1], [1, 3]])
    >>> len(tokens), tokens[0].tolist(), tokens.lengths.tolist(), tokens[[2, 1]].flat.tolist()
    (3, [1, 5, 4], [3, 1, 2], [1, 3, 1])
    """

    def __init__(self, flat: NDArray[np.int32], offsets: NDArray[np.int64]) -> None:
        check_offsets(flat, offsets)
        self.flat, self.offsets = flat, offsets

    @classmethod
    def of(cls, texts: Iterable[Sequence[int] | NDArray[Any]]) -> Tokens:
        """From one sequence of numbers for each text."""
        rows = [np.asarray(text, np.int32) for text in texts]
        offsets = np.zeros(len(rows) + 1, np.int64)
        np.cumsum([len(row) for row in rows], out=offsets[1:])
        return cls(np.concatenate([np.empty(0, np.int32), *rows]), offsets)

    @property
    def lengths(self) -> NDArray[np.int64]:
        """How many words each text has, (N,)."""
        return np.diff(self.offsets)

    @property
    def shape(self) -> tuple[int]:
        """``(N,)``."""
        return (len(self),)

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @overload
    def __getitem__(self, key: int) -> NDArray[np.int32]: ...
    @overload
    def __getitem__(self, key: slice | NDArray[Any] | Sequence[int]) -> Tokens: ...
    def __getitem__(self, key: int | slice | NDArray[Any] | Sequence[int]) -> NDArray[np.int32] | Tokens:
        """The numbers of one text (a view), or `Tokens` by a slice, numbers or a mask."""
        rows = rows_of(key, len(self))
        if rows.ndim == 0:
            start, stop = self.offsets[int(rows) : int(rows) + 2].tolist()
            return self.flat[start:stop]
        return Tokens(*gather(self.flat, self.offsets, rows))

    def __iter__(self) -> Iterator[NDArray[np.int32]]:
        bounds = self.offsets.tolist()
        for start, stop in itertools.pairwise(bounds):
            yield self.flat[start:stop]

    def __repr__(self) -> str:
        return f"<Tokens: {len(self)} texts, {len(self.flat)} words>"


@dataclass(frozen=True)
class Indexed:
    """The words of texts as numbers of a list that holds every one of them; from it any vocabulary follows quickly.

    Attributes:
        words: the different words, in alphabetical order.
        tokens: the texts as places in that list.
    """

    words: Sequence[str]
    tokens: Tokens

    def select(self, rows: NDArray[Any]) -> Indexed:
        """The same for some of the texts."""
        return Indexed(self.words, self.tokens[rows])


def indexed_texts(texts: Iterable[str]) -> Indexed:
    """The words of `texts` as numbers, reading every text once.

    >>> found = indexed_texts(["b a b", "c"])
    >>> found.words, found.tokens.flat.tolist()
    (['a', 'b', 'c'], [1, 0, 1, 2])
    """
    numbers = _Numbers()
    rows = []
    for text in texts:
        cut = tokenize(text)
        rows.append(np.fromiter(map(numbers.__getitem__, cut), np.int32, len(cut)))
    words = sorted(numbers)
    places = np.empty(len(words), np.int32)
    places[[numbers[word] for word in words]] = np.arange(len(words), dtype=np.int32)
    tokens = Tokens.of(rows)
    return Indexed(words, Tokens(places[tokens.flat], tokens.offsets))


class _Numbers(dict[str, int]):
    """A new word gets the next number."""

    def __missing__(self, word: str) -> int:
        number = self[word] = len(self)
        return number


def vocabulary(texts: Iterable[str], size: int | None = None) -> list[str]:
    """The most frequent words of `texts`, the most frequent first; of equally frequent ones the alphabet decides.

    Args:
        texts: any texts; `Texts` of a data set are counted in a moment.
        size: how many words at most; all of them when None. The three numbers of `index` that stand for no word do
            not count.

    Raises:
        ArgumentError: a negative size.

    >>> vocabulary(["b a c", "c b", "c"], 2)
    ['c', 'b']
    """
    if size is not None and size < 0:
        raise ArgumentError(f"Expected a vocabulary's `size` from 0. Received: size={size}.")
    found = texts.indexed if isinstance(texts, Texts) else None
    if found is None:
        counts = Counter(word for text in texts for word in tokenize(text))
        return sorted(counts, key=lambda word: (-counts[word], word))[:size]
    often = np.bincount(found.tokens.flat, minlength=len(found.words))
    order = np.argsort(-often, kind="stable")[: np.count_nonzero(often)]
    return [found.words[place] for place in order[:size].tolist()]


def index(texts: Iterable[str], words: Sequence[str], *, start: bool = True) -> Tokens:
    """Texts as numbers of a vocabulary: 1 to begin with, 2 for an unknown word, ``3 + k`` for ``words[k]``.

    Args:
        texts: any texts; `Texts` of a data set are looked up in a moment.
        words: the vocabulary, as `vocabulary` gives it.
        start: whether each text begins with the 1, so that also one without a word is not empty.

    Raises:
        ArgumentError: a word comes twice in the vocabulary.

    >>> [row.tolist() for row in index(["the cat", "a dog", ""], ["the", "dog"])]
    [[1, 3, 2], [1, 2, 4], [1]]
    """
    known = {word: FIRST + place for place, word in enumerate(words)}
    if len(known) != len(words):
        twice = next(word for word, count in Counter(words).items() if count > 1)
        raise ArgumentError(f"Expected every word of a vocabulary once. Received: {twice!r} more than once.")
    found = texts.indexed if isinstance(texts, Texts) else None
    if found is not None:
        table = np.fromiter((known.get(word, UNKNOWN) for word in found.words), np.int32, len(found.words))
        plain = Tokens(table[found.tokens.flat], found.tokens.offsets)
        return _started(plain) if start else plain
    flat, offsets = array.array("i"), [0]
    for text in texts:
        if start:
            flat.append(START)
        flat.extend([known.get(word, UNKNOWN) for word in tokenize(text)])
        offsets.append(len(flat))
    return Tokens(np.array(flat, np.int32), np.array(offsets, np.int64))


def _started(tokens: Tokens) -> Tokens:
    """The same with a START before every text."""
    count = len(tokens)
    offsets = tokens.offsets + np.arange(count + 1)
    flat = np.empty(len(tokens.flat) + count, np.int32)
    words = np.ones(len(flat), bool)
    words[offsets[:-1]] = False
    flat[offsets[:-1]] = START
    flat[words] = tokens.flat
    return Tokens(flat, offsets)
