"""What each stage of a network answers to some pictures: its feature maps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from neurona.sight.stages import Probe, Stage
from neurona.tensor import Array

__all__ = ["feature_maps"]


def feature_maps(model: Any, stages: Sequence[Stage], pictures: Array) -> dict[str, Array]:
    """The answers of some stages, all in one forward pass.

    Args:
        model: the network.
        stages: which of its stages.
        pictures: prepared, (N, ...).

    Returns:
        by the stage's name: maps (N, h, w, F), or numbers (N, F).

    >>> import numpy as np
    >>> from neurona.layers import Dense, Input
    >>> from neurona.models import Sequential
    >>> from neurona.sight.stages import stages_of
    >>> model = Sequential([Input((2,)), Dense(3, "relu", kernel_initializer="ones", name="hidden"), Dense(1)])
    >>> feature_maps(model, stages_of(model)[:1], np.array([[1.0, 2.0]], "float32"))["hidden"].tolist()
    [[3.0, 3.0, 3.0]]

    Source: Zeiler & Fergus, "Visualizing and Understanding Convolutional Networks" (2014), arXiv:1311.2901, section 4.
    """
    arrays = Probe(model, [stage.answers for stage in stages]).arrays(pictures)
    return {stage.name: array for stage, array in zip(stages, arrays, strict=True)}
