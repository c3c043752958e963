"""What a recogniser is: a data set, a kind of example, and some recipes for training a network on it."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from neurona.errors import ArgumentError, UnknownNameError
from neurona.i18n import _
from neurona.recognisers.kind import Kind
from neurona.recognisers.lengths import Lengths
from neurona.recognisers.showing import ByEpoch

__all__ = ["Recipe", "Recogniser", "Setting"]

#: What a setting's value may be.
Setting = bool | int | float | str


@dataclass(frozen=True)
class Recipe:
    """How to make and train one network.

    Attributes:
        name: "tutorial", "best", ...
        build: ``(steps_per_epoch, epochs, seed, **settings) -> compiled model``; its keyword-only arguments, each with
            a default, are the recipe's `settings`.
        epochs, batch_size: of the training.
        validation: the share of the training set that is held out, or a whole number of samples.
        views: as what a picture is judged besides as it is: "mirrored", "shifted" (see `train.probabilities`).
        adapt: ``(model, prepared training pictures)``, what a network takes from the data before it trains.
        show: ``(prepared training pictures, classes, batch size, epochs, seed) -> ByEpoch``, where epochs differ in
            more than the order of the pictures.
        lengths: how texts are cut and padded, for recognisers of texts.
        finish: ``(trained model) -> model to keep``, with a plain loss and optimizer where it was trained with some of its
            own, so that its file opens wherever Keras's do.
        watched: how many of the held-out samples each epoch is judged by; all, unless told. The end is judged by all.
        about: one sentence for people, by language.
    """

    name: str
    build: Callable[..., Any]
    epochs: int
    batch_size: int
    validation: float
    about: Mapping[str, str]
    views: tuple[str, ...] = ()
    adapt: Callable[[Any, Any], None] | None = None
    watched: int | None = None
    finish: Callable[[Any], Any] | None = None
    show: Callable[[Any, Any, int, int, int], ByEpoch] | None = None
    lengths: Lengths | None = None

    @property
    def settings(self) -> dict[str, Setting]:
        """What of it can be changed by name for one run (``--set width=96``), and the values it has by itself."""
        arguments = inspect.signature(self.build).parameters.values()
        own = {a.name: a.default for a in arguments if a.kind is inspect.Parameter.KEYWORD_ONLY}
        return {**own, **({} if self.lengths is None else asdict(self.lengths)), "batch_size": self.batch_size}

    def changed(self, told: Mapping[str, str]) -> dict[str, Setting]:
        """`settings` with other values for some, each read as what it is: a number, yes or no, or a word.

        Raises:
            UnknownNameError: the recipe has no such setting.
            ArgumentError: not a value that this setting can have.
        """
        found = self.settings
        for name, text in told.items():
            if name not in found:
                raise UnknownNameError(
                    _("The recipe '{recipe}' has no setting '{name}'. Its settings: {known}.").format(
                        recipe=self.name, name=name, known=", ".join(f"{k}={v}" for k, v in self.settings.items())
                    )
                )
            try:
                found[name] = _read(text, type(found[name]))
            except (ValueError, KeyError):
                raise ArgumentError(
                    _("The setting '{name}' is like {value}. Received: {text}.").format(
                        name=name, value=self.settings[name], text=text
                    )
                ) from None
        return found


def _read(text: str, kind: type) -> Setting:
    if kind is bool:
        return {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}[text.lower()]
    return kind(text)  # type: ignore[no-any-return]


@dataclass(frozen=True)
class Recogniser:
    """A job: what is recognised, from which data, by which recipes.

    Attributes:
        name: its English name.
        aliases: the other names it answers to (Spanish, the data set's).
        dataset: the data set's name.
        about: one sentence for people, by language.
        limits: what it is not good for, for people, by language.
        kind: what its examples are, `Pictures` or `Texts`, and how they go into networks.
        in_order: hold the last training samples out, instead of some of each class: for a data set whose training
            set comes in batches that others hold out too.
        recipes: by name; the first one is the default.
    """

    name: str
    aliases: tuple[str, ...]
    dataset: str
    about: Mapping[str, str]
    limits: Mapping[str, str]
    kind: Kind
    in_order: bool = False
    recipes: Mapping[str, Recipe] = field(default_factory=dict)
