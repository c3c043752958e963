"""A network that reads texts, looked at while it reads: `TextScene` brings together run, model, words and states."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from neurona.datasets.tokens import FIRST, START, UNKNOWN, Tokens, index, tokenize
from neurona.errors import ArgumentError
from neurona.i18n import _
from neurona.recognisers.lengths import InOrder, cut
from neurona.recognisers.of_texts import Texts, lengths_of, vocabulary_of
from neurona.runs import Run
from neurona.sight.following import Following, Read, follow, in_loud_sentences, word_scores
from neurona.sight.states import Recurrence, Trace, recurrences, traces, unit_shares
from neurona.tensor import Array

__all__ = ["Seen", "Survey", "TextScene"]

_MOST_VERDICTS = 400  # of one text: the work grows with their number times the text's length
_AT_ONCE = 64


@dataclass(frozen=True, eq=False)
class Seen:
    """A text and what the network made of it while it read.

    Attributes:
        read: what it was given.
        gaps: before which of these words others were left out, (T,).
        probability: of the second class.
        count, unknown: how many words the text has, and how many of them are outside the vocabulary.
        traces: for each of the scene's recurrences, its arrays (T, U) without the axis of the batch.
        shares: how far each unit of the last layer moved the log-odds of the second class, one (U,) for each of `last`.
        places: after which words it was asked what it would say if the text ended there, (V,).
        verdicts: what it would say: probabilities of the second class, (V,).
    """

    read: Read
    gaps: Array
    probability: float
    count: int
    unknown: int
    traces: list[Trace]
    shares: list[Array]
    places: Array
    verdicts: Array


@dataclass(frozen=True, eq=False)
class Survey:
    """What the units of the last recurrent layer follow.

    Attributes:
        texts, words: how many were looked at.
        found: one for each direction.
        weights: how far each unit moves the log-odds on average, to whichever side, one (U,) for each direction.
    """

    texts: int
    words: int
    found: list[Following]
    weights: list[Array]


class TextScene:
    """The network of a run with its way to read texts.

    Args:
        run: of a recogniser of texts.
        model: its model.

    Attributes:
        recurrences: its recurrent layers, in the order of the computation.
        last: those of the last recurrent layer: one, or two directions.

    Raises:
        ArgumentError: the network has no recurrent layer.
    """

    def __init__(self, run: Run, model: Any) -> None:
        self.run, self.model, self.lengths = run, model, lengths_of(run)
        self.vocabulary = vocabulary_of(run)
        self.recurrences = recurrences(model)
        self.last = self.of_layer(self.recurrences[-1].name)
        self._numbers = {word: FIRST + place for place, word in enumerate(self.vocabulary)}
        self._kind = Texts()

    def of_layer(self, name: str) -> list[Recurrence]:
        """The recurrences of a layer."""
        return [one for one in self.recurrences if one.name == name]

    def word(self, number: int) -> str:
        """The word of this number."""
        return self.vocabulary[number - FIRST]

    def probabilities(self, tokens: Tokens) -> Array:
        """Of the second class, (N,)."""
        return np.asarray(self._kind.probabilities(self.run, self.model, tokens)[:, 1])

    def tokens(self, texts: Any) -> Tokens:
        """Texts as the run's numbers of words."""
        return index(texts, self.vocabulary)

    def see(self, text: str) -> Seen:
        """Read a text and look.

        Raises:
            ArgumentError: it has no words, or none that the run knows.
        """
        words, ids = self._numbered(text)
        if len(words) == 1:
            raise ArgumentError(_("The text has no words."))
        unknown = int((ids == UNKNOWN).sum())
        if unknown == len(words) - 1:
            raise ArgumentError(
                _("The run knows none of the text's words (it has {count}): there is nothing to follow.").format(
                    count=unknown
                )
            )
        kept = self._kept(len(ids))
        read = Read(ids[kept], [words[k] for k in kept], np.zeros(len(kept), bool))
        tokens = Tokens(read.ids, np.array([0, len(kept)], "int64"))
        (row,) = InOrder(tokens, self.lengths)[0]  # padded as the network is used to it
        inside = np.flatnonzero(row[0])
        places = np.unique(np.linspace(0, len(kept) - 1, min(len(kept), _MOST_VERDICTS)).round().astype("int64"))
        return Seen(
            read=read,
            gaps=np.diff(kept, prepend=-1) > 1,
            probability=float(self.probabilities(tokens)[0]),
            count=len(words) - 1,
            unknown=unknown,
            traces=[_within(trace, inside) for trace in traces(self.model, self.recurrences, row)],
            shares=[unit_shares(self.model, one, row)[0] for one in self.last],
            places=places,
            verdicts=self.probabilities(Tokens.of([read.ids[: place + 1] for place in places])),
        )

    def scores(self, tokens: Tokens, classes: Array) -> Array:
        """How much each word of the vocabulary speaks for the second class in training texts."""
        return word_scores(tokens, classes, FIRST + len(self.vocabulary))

    def survey(self, texts: Sequence[str], scores: Array, seed: int = 0) -> Survey | None:
        """What the units of the last layer follow in some texts; ``None`` where no text is fit for it.

        Texts whose sentences cannot be told apart are left out.
        """
        reads = []
        for text in texts:
            words, ids = self._numbered(text)
            loud = in_loud_sentences(text, words[1:])
            if loud is not None and len(words) > 1:
                kept = self._kept(len(ids))
                reads.append(Read(ids[kept], [words[k] for k in kept], np.concatenate([[False], loud])[kept]))
        if not reads:
            return None
        batches = InOrder(Tokens.of([read.ids for read in reads]), self.lengths, batch_size=_AT_ONCE)
        states: list[list[Any]] = [[None] * len(reads) for _one in self.last]
        weights = [np.zeros(one.layer.cell.units) for one in self.last]
        for number in range(len(batches)):
            (rows,) = batches[number]
            texts_here = batches.order[number * _AT_ONCE : (number + 1) * _AT_ONCE].tolist()
            for k, trace in enumerate(traces(self.model, self.last, rows)):
                for row, state, text_number in zip(rows, trace.state, texts_here, strict=True):
                    states[k][text_number] = state[row != 0]
                weights[k] += np.abs(unit_shares(self.model, self.last[k], rows)).sum(axis=0)
        found = [
            follow(reads, states[k], scores, one.backwards, seed) for k, one in enumerate(self.last)
        ]  # fmt: skip
        return Survey(len(reads), sum(len(read.ids) for read in reads), found, [w / len(reads) for w in weights])

    def _numbered(self, text: str) -> tuple[list[str], Array]:
        words = tokenize(text)
        return ["", *words], np.array([START, *(self._numbers.get(word, UNKNOWN) for word in words)], "int32")

    def _kept(self, count: int) -> Array:
        """Which of a text's numbers the network is given."""
        whole = Tokens(np.arange(count, dtype="int32"), np.array([0, count], "int64"))
        return np.asarray(cut(whole, self.lengths.longest, self.lengths.keep).flat)


def _within(trace: Trace, inside: Array) -> Trace:
    """That of the first sequence, without its padding."""
    cell = None if trace.cell is None else trace.cell[0, inside]
    return Trace(trace.state[0, inside], cell, {name: gate[0, inside] for name, gate in trace.gates.items()})
