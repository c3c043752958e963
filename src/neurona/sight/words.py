"""What each word of a text contributed to the answer, and the text in pieces that can be coloured by it.

A word's contribution is what the log-odds of the second class lose when it is taken for an unknown word, everything else
left as it is (occlusion). Words that lean on each other, as in "not good", each contribute what the other makes of them.

Source: Zeiler & Fergus, "Visualizing and Understanding Convolutional Networks" (2014), section 4.2, for pictures.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from neurona.datasets.tokens import FIRST, START, UNKNOWN, Tokens, tokenize
from neurona.recognisers.lengths import Lengths, cut
from neurona.recognisers.of_texts import Texts, lengths_of, vocabulary_of
from neurona.runs import Run
from neurona.tensor import Array

__all__ = ["Explained", "Explainer", "Piece", "contributions", "pieces"]


class Piece(NamedTuple):
    """A stretch of a text: a word and what it contributed, or what stands between words (``None``)."""

    text: str
    weight: float | None


@dataclass(frozen=True)
class Explained:
    """A text, the answer and where it comes from.

    Attributes:
        probability: of the second class.
        words: how many it has; `unknown` of them are outside the vocabulary, `read` were given to the network.
        pieces: the text as it was written; stretches that the network was not given are ``None`` in `weights`.
        strongest: the words that contributed most, the strongest first, each with the sum over its places.
    """

    probability: float
    words: int
    unknown: int
    read: int
    pieces: list[Piece]
    strongest: list[tuple[str, float]]


def contributions(judge: Callable[[Tokens], Array], ids: Array) -> Array:
    """What each word contributes to the log-odds of the second class.

    Args:
        judge: texts as numbers -> probabilities, (N, 2).
        ids: a text as numbers, (T,).

    Returns:
        (T,); 0 for the mark at the start and for words that are unknown already.

    >>> def judge(texts):  # every 4 speaks for the second class
    ...     fours = np.array([np.count_nonzero(text == 4) for text in texts])
    ...     p = 1 / (1 + np.exp(-2.0 * fours))
    ...     return np.stack([1 - p, p], axis=1)
    >>> contributions(judge, np.array([1, 4, 3], "int32")).round(3).tolist()
    [0.0, 2.0, 0.0]
    """
    places = np.flatnonzero(ids >= FIRST)
    variants = np.tile(ids, (len(places) + 1, 1))  # the last one is whole
    variants[np.arange(len(places)), places] = UNKNOWN
    tokens = Tokens(variants.reshape(-1), np.arange(len(variants) + 1, dtype="int64") * len(ids))
    p = np.clip(judge(tokens)[:, 1], 1e-7, 1 - 1e-7)  # nearer to 0 and 1 float32 does not tell them apart
    odds = np.log(p) - np.log1p(-p)
    found = np.zeros(len(ids))
    found[places] = odds[-1] - odds[:-1]
    return found


def pieces(text: str, words: Sequence[str], weights: Sequence[float | None]) -> list[Piece]:
    """The text cut into its words, as they were written, and what stands between them.

    Args:
        text: as it was written.
        words: what `tokenize` makes of it.
        weights: one for each word.

    >>> pieces("A MUST!", ["a", "must", "!"], [0.0, 2.5, 1.0])
    [Piece(text='A', weight=0.0), Piece(text=' ', weight=None), Piece(text='MUST', weight=2.5), Piece(text='!', weight=1.0)]
    """
    plain = text.lower().translate(_QUOTES)
    found: list[Piece] = []
    end = 0
    for word, weight in zip(words, weights, strict=True):
        start = plain.find(word, end)
        if start < 0 or len(plain) != len(text):  # letters that were put together or change length: the words alone
            return [piece for w, c in zip(words, weights, strict=True) for piece in (Piece(w, c), Piece(" ", None))]
        if start > end:
            found.append(Piece(text[end:start], None))
        end = start + len(word)
        found.append(Piece(text[start:end], weight))
    if end < len(text):
        found.append(Piece(text[end:], None))
    return found


_QUOTES = str.maketrans("\u2018\u2019\u02bc\uff07", "''''")


class Explainer:
    """Answers for single texts by the model of a run, with what each word contributed."""

    def __init__(self, run: Run, model: Any) -> None:
        self.run, self.model, self.lengths = run, model, lengths_of(run)
        self.known = {word: FIRST + place for place, word in enumerate(vocabulary_of(run))}
        self._kind = Texts()

    def _judge(self, tokens: Tokens) -> Array:
        return self._kind.probabilities(self.run, self.model, tokens)

    def __call__(self, text: str) -> Explained:
        """The answer for a text."""
        words = tokenize(text)
        ids = np.array([START, *(self.known.get(word, UNKNOWN) for word in words)], "int32")
        places = _read_places(len(ids), self.lengths)
        read = ids[places]
        probability = float(self._judge(Tokens(read, np.array([0, len(read)], "int64")))[0, 1])
        found = contributions(self._judge, read) if len(words) else np.zeros(len(read))
        weights: list[float | None] = [None] * len(words)
        sums: dict[str, float] = {}
        for place, value in zip((places - 1).tolist(), found.tolist(), strict=True):
            if place >= 0:
                weights[place] = value
                sums[words[place]] = sums.get(words[place], 0.0) + value
        strongest = sorted(sums.items(), key=lambda pair: (-abs(pair[1]), pair[0]))
        return Explained(
            probability, len(words), int((ids == UNKNOWN).sum()), int((places > 0).sum()),
            pieces(text, words, weights), strongest,
        )  # fmt: skip


def _read_places(count: int, lengths: Lengths) -> Array:
    """Which of a text's numbers the network is given."""
    whole = Tokens(np.arange(count, dtype="int32"), np.array([0, count], "int64"))
    return cut(whole, lengths.longest, lengths.keep).flat
