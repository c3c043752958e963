"""Texts of different lengths in batches: alike beside alike, so that little is computed for padding.

A batch is as wide as its longest text. Texts that share a batch are therefore of nearly one length, and widths are
rounded up to a few `rungs`: each width is a step of its own that is worked out and kept (`training/plan.py`). Leans on
`neurona.datasets.tokens`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from neurona.datasets.tokens import Tokens
from neurona.errors import ArgumentError
from neurona.recognisers.showing import ByEpoch
from neurona.tensor import Array
from neurona.training.batches import PyDataset

__all__ = ["ByLength", "InOrder", "Lengths", "cut", "padded", "rungs"]

# So many widths at most: those of training, of judging and a few for smaller last batches are plans that all fit.
_MOST_WIDTHS = 14
# A network reads word after word and keeps every state: far below this, memory and patience have ended.
_MOST_WORDS = 100_000


@dataclass(frozen=True)
class Lengths:
    """How texts are cut and padded.

    Attributes:
        longest: words that are read of a text, its start mark included; at most 100,000.
        keep: which of a longer text: its "beginning", its "end", or half from "both".
        padding: "behind" (the zeros are to be masked) or "front".
        fixed: all texts are padded to `longest`, as Keras's examples do it, whatever they share their batch with.
    """

    longest: int = 400
    keep: str = "both"
    padding: str = "behind"
    fixed: bool = False

    def __post_init__(self) -> None:
        if not 1 <= self.longest <= _MOST_WORDS:
            raise ArgumentError(f"`longest` must be from 1 to {_MOST_WORDS}. Received: longest={self.longest}.")
        if self.keep not in ("beginning", "end", "both"):
            raise ArgumentError(f"`keep` must be 'beginning', 'end' or 'both'. Received: keep={self.keep!r}.")
        if self.padding not in ("behind", "front"):
            raise ArgumentError(f"`padding` must be 'behind' or 'front'. Received: padding={self.padding!r}.")


def rungs(longest: int, multiple: int = 16, most: int = _MOST_WIDTHS) -> Array:
    """The widths that batches may have: multiples of `multiple`, farther apart as they grow, the last one `longest`.

    >>> rungs(100).tolist()
    [16, 32, 48, 64, 80, 96, 100]
    >>> rungs(400).tolist()
    [16, 32, 48, 64, 80, 96, 112, 144, 176, 208, 240, 288, 336, 400]
    """
    growth = 1.0
    while True:
        found, width = [], 0
        while width < longest:
            width = max(width + multiple, multiple * math.ceil(width * growth / multiple))
            found.append(min(width, longest))
        if len(found) <= most:
            return np.array(found)
        growth += 0.05


def cut(tokens: Tokens, longest: int, keep: str = "both") -> Tokens:
    """The same texts, none longer than `longest`.

    With "both" the first half and the last half of a long text meet in the middle; an odd word goes to the beginning.

    >>> tokens = Tokens(np.arange(7, dtype="int32"), np.array([0, 5, 7]))
    >>> [list(map(int, cut(tokens, 3, keep)[0])) for keep in ("beginning", "end", "both")]
    [[0, 1, 2], [2, 3, 4], [0, 1, 4]]
    """
    starts, lengths = tokens.offsets[:-1], np.diff(tokens.offsets)
    kept = np.minimum(lengths, longest)
    if (kept == lengths).all():
        return tokens
    left = {"beginning": longest, "end": 0, "both": longest - longest // 2}[keep]  # words from before the gap
    offsets = np.concatenate([[0], np.cumsum(kept)])
    place = np.arange(offsets[-1]) - np.repeat(offsets[:-1], kept)
    gap = np.repeat(lengths - kept, kept)
    source = np.repeat(starts, kept) + place + np.where(place >= left, gap, 0)
    return Tokens(tokens.flat[source], offsets)


def padded(tokens: Tokens, chosen: Sequence[int] | Array, width: int, front: bool = False) -> Array:
    """Some of the texts as the rows of one array, zeros where they have ended: ``(len(chosen), width)`` int32.

    >>> padded(Tokens(np.array([1, 5, 1], "int32"), np.array([0, 2, 3])), [1, 0], 3).tolist()
    [[1, 0, 0], [1, 5, 0]]
    """
    chosen = np.asarray(chosen, "int64")
    starts = tokens.offsets[chosen]
    lengths = tokens.offsets[chosen + 1] - starts
    place = np.arange(width)[np.newaxis] - (width - lengths[:, np.newaxis] if front else 0)
    inside = (place >= 0) & (place < lengths[:, np.newaxis])
    rows = np.zeros((len(chosen), width), "int32")
    rows[inside] = tokens.flat[(starts[:, np.newaxis] + place)[inside]]
    return rows


class _Shelf:
    """Cut texts, and the width of a batch of some of them."""

    def __init__(self, tokens: Tokens, lengths: Lengths) -> None:
        self.tokens = cut(tokens, lengths.longest, lengths.keep)
        self.front = lengths.padding == "front"
        self.widths = np.array([lengths.longest]) if lengths.fixed else rungs(lengths.longest)
        # the number of the narrowest rung that holds each text
        self.rung = np.searchsorted(self.widths, np.diff(self.tokens.offsets))

    def batch(self, chosen: Array) -> Array:
        return padded(self.tokens, chosen, int(self.widths[self.rung[chosen].max()]), self.front)


class ByLength(ByEpoch):
    """Batches for training, in another order each epoch: every text once, beside texts of its length.

    The texts are shuffled, then put in the order of their rungs, cut into batches, and the batches shuffled. So only
    the few batches that lie across two rungs are wider than their texts ask for, and who is beside whom is left to
    chance. All follows from seed and epoch, so a training that is taken up again goes on as it would have.

    Args:
        tokens: the texts.
        classes: (N,).
        batch_size: texts in a batch; where the count does not divide, one batch of the longest has fewer, so that the
            smaller one has the same width every time.
        seed: of the order.
        lengths: how they are cut and padded.

    Attributes:
        epoch: the epoch under way; `Turn` sets it.
    """

    def __init__(self, tokens: Tokens, classes: Array, batch_size: int, seed: int, lengths: Lengths) -> None:
        super().__init__()
        self._shelf, self.classes = _Shelf(tokens, lengths), classes
        self.batch_size, self.seed = batch_size, seed
        self._order: tuple[int, Array, Array] | None = None

    def __len__(self) -> int:
        return math.ceil(len(self.classes) / self.batch_size)

    def _of_epoch(self) -> tuple[Array, Array]:
        """The order of the texts and that of the batches in this epoch."""
        if self._order is None or self._order[0] != self.epoch:
            rng = np.random.Generator(np.random.PCG64([self.seed, self.epoch]))
            mixed = rng.permutation(len(self.classes))
            texts = mixed[np.argsort(self._shelf.rung[mixed], kind="stable")]
            self._order = self.epoch, texts, rng.permutation(len(self))
        return self._order[1:]

    def __getitem__(self, index: int) -> tuple[Array, Array]:
        texts, batches = self._of_epoch()
        start = int(batches[index]) * self.batch_size
        chosen = texts[start : start + self.batch_size]
        return self._shelf.batch(chosen), self.classes[chosen]


class InOrder(PyDataset):
    """Batches for judging and applying: every text once, from the shortest to the longest.

    Args:
        tokens, lengths: as for `ByLength`.
        classes: (N,) or ``None``.
        batch_size: texts in a batch.

    Attributes:
        order: which text is where: row i of what a network says of all batches belongs to text ``order[i]``.
    """

    def __init__(self, tokens: Tokens, lengths: Lengths, classes: Array | None = None, batch_size: int = 128) -> None:
        super().__init__()
        self._shelf, self.classes, self.batch_size = _Shelf(tokens, lengths), classes, batch_size
        self.order = np.argsort(self._shelf.rung, kind="stable")

    def __len__(self) -> int:
        return math.ceil(len(self.order) / self.batch_size)

    def __getitem__(self, index: int) -> Any:
        chosen = self.order[index * self.batch_size : (index + 1) * self.batch_size]
        x = self._shelf.batch(chosen)
        return (x,) if self.classes is None else (x, self.classes[chosen])

    def restored(self, rows: Array) -> Array:
        """What was computed in this order, in the order in which the texts were given."""
        found = np.empty_like(rows)
        found[self.order] = rows
        return found
