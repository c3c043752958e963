"""Which units of a recurrent layer follow what: simple measures over the words of many texts, and how large by chance.

A unit follows a property of the words if its state goes up and down with it: Pearson's correlation over all words of
all texts. States change slowly and so do properties, and the best of many units is always somewhat good; therefore the
same is measured with the properties of other texts in the place of the right ones, and only what is clearly larger
means something.

All properties are told in the order of reading: for a unit that reads from the last word to the first, "before" is what
stands behind.

Source: Karpathy, Johnson & Li, "Visualizing and Understanding Recurrent Networks" (2015), arXiv:1506.02078, section 4.2;
the scores of words: Manning, Raghavan & Schütze, "Introduction to Information Retrieval" (2008), section 13.2.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from neurona.datasets.tokens import FIRST, Tokens, tokenize
from neurona.tensor import Array

__all__ = ["PROPERTIES", "Following", "Read", "follow", "in_loud_sentences", "properties", "word_scores"]

#: What units are compared with, in the order of the columns of `properties`.
PROPERTIES = ("position", "negation", "sentiment", "loud")

_NEGATIONS = frozenset({"not", "no", "never", "nothing", "nobody", "none", "nor", "neither", "without", "cannot"})
_WINDOW = 4  # a negation counts for the word itself and for the next three that are read
_SHUFFLES = 40


@dataclass(frozen=True, eq=False)
class Read:
    """A text as a network was given it.

    Attributes:
        ids: numbers of words, the mark at the start included, (T,).
        words: the words themselves; an empty one for the mark.
        loud: which of them stand in a sentence that ends in ! or ?, (T,).
    """

    ids: Array
    words: Sequence[str]
    loud: Array


@dataclass(frozen=True, eq=False)
class Following:
    """What some units of one direction follow.

    Attributes:
        correlations: (U, 4), by `PROPERTIES`; 0 where a unit or a property never changes.
        chance: (4,): the largest of all units, with the properties of other texts, is below this in 19 of 20 trials.
        up, down: for each unit the words at which its state rises and falls most on average: (number of the word, how
            far, how often the word comes), the strongest first.
    """

    correlations: Array
    chance: Array
    up: list[list[tuple[int, float, int]]]
    down: list[list[tuple[int, float, int]]]


def word_scores(tokens: Tokens, classes: Array, size: int) -> Array:
    """How much each word speaks for the second class: the logarithm of how many times more frequent it is there.

    Args:
        tokens: training texts.
        classes: theirs, 0 or 1.
        size: how many numbers there are.

    Returns:
        (size,); 0 for the numbers that stand for no word.

    >>> texts = Tokens.of([[1, 3, 3], [1, 3, 4, 4]])
    >>> word_scores(texts, np.array([0, 1]), 5).round(2).tolist()
    [0.0, 0.0, 0.0, -0.63, 0.88]
    """
    of_second = np.repeat(np.asarray(classes) == 1, tokens.lengths)
    counts = np.stack([np.bincount(tokens.flat[of_second == k], minlength=size)[FIRST:] + 1.0 for k in (False, True)])
    scores = np.zeros(size)
    first, second = np.log(counts / counts.sum(axis=1, keepdims=True))
    scores[FIRST:] = second - first
    return scores


def in_loud_sentences(text: str, words: Sequence[str]) -> Array | None:
    """Which words of a text stand in a sentence that ends in ! or ?; ``None`` where sentences cannot be told apart.

    Args:
        text: as it was written.
        words: what `tokenize` makes of it.

    >>> in_loud_sentences("Well. What a mess!", ["well", "what", "a", "mess", "!"]).tolist()
    [False, True, True, True, True]
    """
    loud: list[bool] = []
    again: list[str] = []
    for sentence in re.findall(r"[^.!?]*(?:[.!?]+|$)", text):
        found = tokenize(sentence)
        again += found
        loud += [found[-1:] in (["!"], ["?"])] * len(found)
    return np.array(loud, bool) if again == list(words) else None


def properties(read: Read, scores: Array, backwards: bool = False) -> Array:
    """What units are compared with, at each word: the columns of `PROPERTIES`, (T, 4).

    How many words were read so far; whether one of the last four is a negation; the sum of the scores so far; whether
    the word stands in a sentence that ends in ! or ?.

    >>> read = Read(np.array([1, 4, 3]), ["", "not", "good"], np.array([False, True, True]))
    >>> properties(read, np.array([0, 0, 0, 2.0, -1.0])).tolist()
    [[0.0, 0.0, 0.0, 0.0], [1.0, 1.0, -1.0, 1.0], [2.0, 1.0, 1.0, 1.0]]
    """
    order = slice(None, None, -1 if backwards else 1)
    is_negation = np.array([word in _NEGATIONS or word.endswith("n't") for word in read.words], float)[order]
    near = sum(np.concatenate([np.zeros(k), is_negation])[: len(is_negation)] for k in range(_WINDOW))
    columns = [
        np.arange(len(read.ids), dtype=float),
        np.minimum(near, 1.0),
        np.cumsum(scores[read.ids[order]]),
        np.asarray(read.loud, float)[order],
    ]
    return np.stack(columns, axis=1)[order]


def follow(
    reads: Sequence[Read], states: Sequence[Array], scores: Array, backwards: bool, seed: int = 0,
    least: int = 10, most: int = 5,
) -> Following:  # fmt: skip
    """Measure what the units of a layer follow.

    Args:
        reads: the texts.
        states: of the layer, (T, U) for each text.
        scores: of the words, by `word_scores`.
        backwards: whether the layer reads from the last word to the first.
        seed: of the comparison with chance.
        least: how often a word must come to be told.
        most: how many words are told for each unit.
    """
    told = [properties(read, scores, backwards) for read in reads]
    whole = np.concatenate(states).astype("float64")  # (W, U)
    z = _standard(whole)
    correlations = z.T @ _standard(np.concatenate(told)) / len(z)
    rng = np.random.default_rng(seed)
    largest = np.empty((_SHUFFLES, len(PROPERTIES)))
    for k in range(_SHUFFLES):
        others = [_rolled(told[i], len(read.ids), rng) for i, read in zip(_moved(len(told), rng), reads, strict=True)]
        largest[k] = np.abs(z.T @ _standard(np.concatenate(others)) / len(z)).max(axis=0, initial=0)
    moves = np.concatenate([_moves(state, backwards) for state in states])
    up, down = _movers(moves, np.concatenate([read.ids for read in reads]), least, most)
    return Following(correlations, np.quantile(largest, 0.95, axis=0), up, down)


def _standard(columns: Array) -> Array:
    """Columns of mean 0 and spread 1; zeros where nothing changes."""
    centred = columns - columns.mean(axis=0)
    spread = centred.std(axis=0)
    return np.asarray(np.where(spread > 1e-7, centred / np.maximum(spread, 1e-7), 0.0))


def _moved(count: int, rng: np.random.Generator) -> Array:
    """Texts in a circle of random order: none is its own neighbour, unless there is only one."""
    circle = rng.permutation(count)
    neighbour = np.empty(count, "int64")
    neighbour[circle] = np.roll(circle, 1)
    return neighbour


def _rolled(columns: Array, length: int, rng: np.random.Generator) -> Array:
    """The rows of another text from some place on, round and round: they change as slowly, but know nothing."""
    return np.asarray(columns[(rng.integers(len(columns)) + np.arange(length)) % len(columns)])


def _moves(state: Array, backwards: bool) -> Array:
    """How far each word moved the state, which begins with zeros."""
    nothing = np.zeros((1, state.shape[1]), state.dtype)
    return np.diff(state, axis=0, append=nothing) * -1 if backwards else np.diff(state, axis=0, prepend=nothing)


_Movers = list[list[tuple[int, float, int]]]


def _movers(moves: Array, ids: Array, least: int, most: int) -> tuple[_Movers, _Movers]:
    """For each unit the words that raise and that lower it most on average."""
    counts = np.bincount(ids)
    words = np.flatnonzero((counts >= least) & (np.arange(len(counts)) >= FIRST))
    order = np.argsort(ids, kind="stable")
    starts = np.searchsorted(ids[order], words)
    up: _Movers = []
    down: _Movers = []
    for unit in moves.T:
        sums = np.concatenate([[0.0], np.cumsum(unit[order], dtype="float64")])
        means = (sums[starts + counts[words]] - sums[starts]) / counts[words]
        ranked = np.argsort(-means, kind="stable")
        for found, chosen, sign in ((up, ranked[:most], 1), (down, ranked[::-1][:most], -1)):
            found.append(
                [(int(words[k]), float(means[k]), int(counts[words[k]])) for k in chosen if sign * means[k] > 0]
            )
    return up, down
