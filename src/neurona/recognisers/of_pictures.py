"""Recognisers of pictures: arrays of bytes in, one raw output for each class out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from neurona.errors import NonFiniteError
from neurona.i18n import _
from neurona.recognisers.judging import softmax
from neurona.recognisers.kind import Baselines, Reader
from neurona.recognisers.pictures import Prepared
from neurona.runs import Run
from neurona.tensor import Array

if TYPE_CHECKING:
    from neurona.recognisers.recipe import Recipe

__all__ = ["Pictures", "probabilities"]


@dataclass(frozen=True)
class Pictures:
    """The kind of the recognisers of pictures.

    Attributes:
        prepare: pictures as the data set has them -> arrays as the networks take them.
        see: a user's picture file -> a picture as the data set has them, and how it was made.
    """

    prepare: Reader
    see: Callable[[Path], Prepared]
    name: str = "pictures"
    example: str = "photo.png"
    baselines: Baselines | None = None

    def reader(self, run: Run, x_train: Any = None) -> Reader:
        """`prepare`: nothing is learnt from the training pictures."""
        return self.prepare

    def fed(self, run: Run, recipe: Recipe, x: Array, y: Array) -> Any:
        """The arrays, or what the recipe shows of them."""
        if recipe.show is None:
            return x, y
        return recipe.show(x, y, run.info["batch_size"], run.info["epochs"], run.info["seed"])

    def judged(self, run: Run, recipe: Recipe, x: Array, y: Array) -> Any:
        """The arrays, or as many pictures as the recipe watches."""
        return x[: recipe.watched], y[: recipe.watched]

    def probabilities(self, run: Run, model: Any, x: Array) -> Array:
        """With the views that the run was begun with."""
        return probabilities(model, x, run.info.get("views", ()))


def probabilities(model: Any, x: Array, views: Sequence[str] = ()) -> Array:
    """What a recogniser's network, which ends in raw outputs, thinks of prepared pictures: ``(N, C)``.

    Args:
        x: the pictures, ``(N, H, W)`` or ``(N, H, W, C)``.
        views: "mirrored": the mean over each picture and its mirror image; "shifted": half the weight to two copies that
            are shifted by a pixel, up left and down right.

    Source of the views: K. Jordan, arXiv:2404.00498, section 3.6.
    """
    if "mirrored" in views:
        others = [view for view in views if view != "mirrored"]
        return (probabilities(model, x, others) + probabilities(model, x[:, :, ::-1], others)) / 2
    if "shifted" in views:
        corners = _shifted(x, 0), _shifted(x, 2)
        return probabilities(model, x) / 2 + sum(probabilities(model, corner) for corner in corners) / 4
    outputs = np.asarray(model.predict(x, batch_size=1000, verbose=0), "float64")
    if not np.isfinite(outputs).all():
        raise NonFiniteError(_("The network answers with NaN or infinity: its weights are spoilt."))
    return softmax(outputs)


def _shifted(x: Array, start: int) -> Array:
    """Pictures that begin at row and column `start` of themselves with a mirrored margin of 1."""
    height, width = x.shape[1:3]
    wide = np.pad(x, [(0, 0), (1, 1), (1, 1)] + [(0, 0)] * (x.ndim - 3), mode="reflect")
    return wide[:, start : start + height, start : start + width]
