"""Which pictures excite a unit most: the best of many pictures for every unit of every stage, in one pass over them.

Of each picture only the strongest place in a unit's map counts. What the unit saw there, its receptive field, can be cut
out of the picture with `patch`.

Source: Zeiler & Fergus, "Visualizing and Understanding Convolutional Networks" (2014), arXiv:1311.2901, figure 2.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from neurona.errors import ArgumentError
from neurona.sight.stages import Probe, Stage
from neurona.tensor import Array

__all__ = ["Exciting", "exciting", "patch", "purity", "standing_out"]


@dataclass(frozen=True, eq=False)
class Exciting:
    """What excites the units of one stage, the strongest first.

    Attributes:
        stage: of the network.
        pictures: numbers of pictures, (F, best).
        values: how strong the answers were, (F, best).
        places: where in the map, (F, best, 2); zeros for stages without maps.
        mean, spread: of each unit's strongest answers over all the pictures, (F,).
    """

    stage: Stage
    pictures: Array
    values: Array
    places: Array
    mean: Array
    spread: Array

    def window(self, unit: int, rank: int) -> tuple[int, int, int, int] | None:
        """Top, left, bottom, right of what the unit saw in its picture of that rank; None for the whole picture."""
        if self.stage.field is None:
            return None
        y, x = self.places[unit, rank]
        return self.stage.field.window((int(y), int(x)))


def exciting(
    model: Any,
    stages: Sequence[Stage],
    pictures: Array,
    prepare: Callable[[Array], Array] = np.asarray,
    best: int = 9,
    batch_size: int = 200,
) -> dict[str, Exciting]:
    """For every unit of some stages, the pictures with the strongest answers, at most one place of each.

    Args:
        model: the network.
        stages: which of its stages.
        pictures: to choose from, (N, ...), as the data set has them.
        prepare: makes of them what the network takes; called for one batch at a time.
        best: how many pictures for each unit.
        batch_size: how many pictures are computed at once.

    Returns:
        by the stage's name; equal answers in the order of the pictures.
    """
    if len(pictures) == 0 or best < 1:
        raise ArgumentError(
            f"exciting() needs some pictures, and at least one to keep. Received: {len(pictures)} pictures, best={best}."
        )
    probe = Probe(model, [stage.answers for stage in stages])
    kept: list[_Best] = [_Best(stage.units, min(best, len(pictures))) for stage in stages]
    for start in range(0, len(pictures), batch_size):
        x = prepare(pictures[start : start + batch_size])
        for row, answers in zip(kept, probe.arrays(x), strict=True):
            row.add(start, answers)
    return {stage.name: row.finish(stage, len(pictures)) for stage, row in zip(stages, kept, strict=True)}


class _Best:
    """The strongest answers so far of each unit of a stage."""

    def __init__(self, units: int, best: int) -> None:
        self.best = best
        self.values = np.empty((units, 0), "float32")
        self.pictures, self.where = np.empty((units, 0), "int64"), np.empty((units, 0), "int64")
        self.sum, self.squares = np.zeros(units), np.zeros(units)
        self.width = 1

    def add(self, first: int, answers: Array) -> None:
        """Take in a batch: maps (N, h, w, F) or numbers (N, ..., F), of the pictures from number `first` on."""
        n, units = len(answers), answers.shape[-1]
        self.width = answers.shape[2] if answers.ndim == 4 else 1
        flat = answers.reshape(n, -1, units)  # (N, places, F)
        where = flat.argmax(axis=1)  # (N, F)
        strongest = np.take_along_axis(flat, where[:, np.newaxis], axis=1)[:, 0]
        self.sum += strongest.sum(axis=0, dtype="float64")
        self.squares += np.square(strongest, dtype="float64").sum(axis=0)
        numbers = np.broadcast_to(np.arange(first, first + n), (units, n))
        values = np.concatenate([self.values, strongest.T], axis=1)
        order = np.argsort(-values, axis=1, kind="stable")[:, : self.best]
        self.values = np.take_along_axis(values, order, axis=1)
        self.pictures = np.take_along_axis(np.concatenate([self.pictures, numbers], axis=1), order, axis=1)
        self.where = np.take_along_axis(np.concatenate([self.where, where.T], axis=1), order, axis=1)

    def finish(self, stage: Stage, count: int) -> Exciting:
        mean = self.sum / count
        spread = np.sqrt(np.maximum(self.squares / count - mean**2, 0))
        places = np.stack([self.where // self.width, self.where % self.width], axis=-1)
        return Exciting(stage, self.pictures, self.values, places, mean, spread)


def patch(picture: Array, window: tuple[int, int, int, int] | None, outside: int = 128) -> Array:
    """What a window cuts out of a picture (H, W) or (H, W, C), with a plain colour where it reaches over the edge.

    >>> patch(np.array([[1, 2], [3, 4]]), (-1, 0, 1, 2), outside=0).tolist()
    [[0, 0], [1, 2]]
    """
    if window is None:
        return picture
    top, left, bottom, right = window
    height, width = picture.shape[:2]
    cut = np.full((bottom - top, right - left, *picture.shape[2:]), outside, picture.dtype)
    y, x = max(top, 0), max(left, 0)
    inside = picture[y : max(min(bottom, height), y), x : max(min(right, width), x)]
    cut[y - top : y - top + inside.shape[0], x - left : x - left + inside.shape[1]] = inside
    return cut


def standing_out(found: Exciting, count: int) -> Array:
    """The units whose best pictures stand out most from the others, the most marked first.

    They are ordered by (weakest of the best answers - mean) / spread; units that answer to nothing come last.
    """
    above = (found.values[:, -1] - found.mean) / np.where(found.spread > 0, found.spread, np.inf)
    return np.argsort(-above, kind="stable")[:count]


def purity(found: Exciting, classes: Array) -> float:
    """How far the units of a stage keep to one class: the mean share of the commonest class among a unit's best pictures.

    Args:
        found: the best pictures.
        classes: the class of every picture, (N,).

    Returns:
        a share; 1 if each unit's best pictures are all of one class. Units that answer to nothing do not count.
    """
    alive = np.flatnonzero(found.spread > 0)
    if not len(alive):
        return 0.0
    labels = np.asarray(classes).astype("int64")[found.pictures[alive]]  # (F, best)
    return float(np.mean([np.bincount(row).max() / len(row) for row in labels]))
