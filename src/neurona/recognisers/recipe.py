"""What a recogniser is: a data set, a way to prepare a picture, and some recipes for training a network on it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Recipe", "Recogniser"]


@dataclass(frozen=True)
class Recipe:
    """How to make and train one network.

    Attributes:
        name: "tutorial", "best", ...
        build: ``(steps_per_epoch, epochs, seed) -> compiled model``.
        epochs, batch_size: of the training.
        validation: the share of the training set that is held out.
        mirrored: whether a picture is judged together with its mirror image.
        about: one sentence for people, by language.
    """

    name: str
    build: Callable[[int, int, int], Any]
    epochs: int
    batch_size: int
    validation: float
    about: Mapping[str, str]
    mirrored: bool = False


@dataclass(frozen=True)
class Recogniser:
    """A job: what is recognised, from which data, by which recipes.

    Attributes:
        name: its English name.
        aliases: the other names it answers to (Spanish, the data set's).
        dataset: the data set's name.
        about: one sentence for people, by language.
        prepare: pictures as the data set has them -> arrays as the networks take them.
        recipes: by name; the first one is the default.
    """

    name: str
    aliases: tuple[str, ...]
    dataset: str
    about: Mapping[str, str]
    prepare: Callable[[Any], Any]
    recipes: Mapping[str, Recipe] = field(default_factory=dict)
