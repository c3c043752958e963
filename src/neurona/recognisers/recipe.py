"""What a recogniser is: a data set, a way to prepare a picture, and some recipes for training a network on it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from neurona.recognisers.pictures import Prepared
from neurona.recognisers.showing import ShownByEpoch

__all__ = ["Recipe", "Recogniser"]


@dataclass(frozen=True)
class Recipe:
    """How to make and train one network.

    Attributes:
        name: "tutorial", "best", ...
        build: ``(steps_per_epoch, epochs, seed) -> compiled model``.
        epochs, batch_size: of the training.
        validation: the share of the training set that is held out, or a whole number of samples.
        views: as what a picture is judged besides as it is: "mirrored", "shifted" (see `train.probabilities`).
        adapt: ``(model, prepared training pictures)``, what a network takes from the data before it trains.
        show: ``(prepared training pictures, classes, batch size, epochs, seed) -> ShownByEpoch``, where epochs differ in
            more than the order of the pictures.
        finish: ``(trained model) -> model to keep``, with a plain loss and optimizer where it was trained with some of its
            own, so that its file opens wherever Keras's do.
        watched: how many of the held-out samples each epoch is judged by; all, unless told. The end is judged by all.
        about: one sentence for people, by language.
    """

    name: str
    build: Callable[[int, int, int], Any]
    epochs: int
    batch_size: int
    validation: float
    about: Mapping[str, str]
    views: tuple[str, ...] = ()
    adapt: Callable[[Any, Any], None] | None = None
    watched: int | None = None
    finish: Callable[[Any], Any] | None = None
    show: Callable[[Any, Any, int, int, int], ShownByEpoch] | None = None


@dataclass(frozen=True)
class Recogniser:
    """A job: what is recognised, from which data, by which recipes.

    Attributes:
        name: its English name.
        aliases: the other names it answers to (Spanish, the data set's).
        dataset: the data set's name.
        about: one sentence for people, by language.
        limits: what it is not good for, for people, by language.
        prepare: pictures as the data set has them -> arrays as the networks take them.
        see: a user's picture file -> a picture as the data set has them, and how it was made; ``None`` where nothing
            is seen.
        in_order: hold the last training samples out, instead of some of each class: for a data set whose training
            set comes in batches that others hold out too.
        recipes: by name; the first one is the default.
    """

    name: str
    aliases: tuple[str, ...]
    dataset: str
    about: Mapping[str, str]
    limits: Mapping[str, str]
    prepare: Callable[[Any], Any]
    see: Callable[[Path], Prepared] | None = None
    in_order: bool = False
    recipes: Mapping[str, Recipe] = field(default_factory=dict)
