"""Training data that each epoch shows in its own way: pictures mirrored in turn, at first only windows of them.

Texts, by their lengths, are in `neurona.recognisers.lengths`.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from neurona.tensor import Array
from neurona.training.batches import PyDataset
from neurona.training.callbacks import Callback

__all__ = ["ByEpoch", "ShownByEpoch", "Turn"]


class ByEpoch(PyDataset):
    """Batches that depend on the epoch.

    Attributes:
        epoch: the epoch under way; `Turn` sets it.
    """

    epoch = 0


class ShownByEpoch(ByEpoch):
    """Batches of pictures that depend on the epoch.

    Each picture is mirrored at every other epoch, half of them, drawn by lot, at the first: so each is seen as often
    either way, which teaches faster than drawing anew. The first `windowed` epochs show windows of `side` pixels, each
    at a random place of its picture: for the forms that are learnt first they do as well as whole pictures, at half
    the cost. All follows from the seed, the epoch and the batch, so a training that is taken up again goes on as it
    would have.

    Args:
        pictures: (N, H, W, C).
        classes: (N,) or (N, 1).
        batch_size: pictures in a batch; the last one may have fewer.
        seed: of order, mirrors and windows.
        windowed: how many epochs show windows.
        side: of a window.

    Attributes:
        epoch: the epoch under way; `Turn` sets it.

    Source of the mirroring: K. Jordan, arXiv:2404.00498, section 3.4.
    """

    def __init__(
        self, pictures: Array, classes: Array, batch_size: int, seed: int, windowed: int = 0, side: int = 0
    ) -> None:
        super().__init__()
        self.pictures, self.classes, self.batch_size, self.seed = pictures, classes, batch_size, seed
        self.windowed, self.side = windowed, side
        self._chosen = self._generator().random(len(pictures)) < 0.5

    def _generator(self, *numbers: int) -> np.random.Generator:
        return np.random.Generator(np.random.PCG64([self.seed, *numbers]))

    def __len__(self) -> int:
        return math.ceil(len(self.pictures) / self.batch_size)

    def __getitem__(self, index: int) -> tuple[Array, Array]:
        order = self._generator(self.epoch).permutation(len(self.pictures))
        chosen = order[index * self.batch_size : (index + 1) * self.batch_size]
        shown = self.pictures[chosen]
        mirrored = self._chosen[chosen] ^ bool(self.epoch % 2)
        shown[mirrored] = shown[mirrored, :, ::-1]
        if self.epoch < self.windowed:
            shown = self._windows(shown, self._generator(self.epoch, 1 + index))
        return shown, self.classes[chosen]

    def _windows(self, pictures: Array, rng: np.random.Generator) -> Array:
        n, height, width = pictures.shape[:3]
        tops = rng.integers(0, height - self.side + 1, n)
        lefts = rng.integers(0, width - self.side + 1, n)
        found = np.empty((n, self.side, self.side, *pictures.shape[3:]), pictures.dtype)
        for window, picture, top, left in zip(found, pictures, tops, lefts, strict=True):
            window[...] = picture[top : top + self.side, left : left + self.side]
        return found


class Turn(Callback):
    """Tells a `ByEpoch` which epoch it is."""

    def __init__(self, shown: ByEpoch) -> None:
        super().__init__()
        self.shown = shown

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self.shown.epoch = epoch
