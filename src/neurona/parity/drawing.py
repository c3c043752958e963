"""What is drawn by lot for a comparison: sizes, settings, numbers; all from one generator, so a seed repeats it.

Settings are written as they are meant, with a `Lot` where one of several values is to be drawn:

    {"units": whole(1, 5), "activation": one_of("relu", "tanh"), "cell": New("layers.GRUCell", {"units": 2})}
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from neurona.tensor import Array

__all__ = ["Lot", "New", "Rng", "build", "drawn", "numbers", "one_of", "real", "sizes", "told", "whole"]

Rng = np.random.Generator

#: The smallest and the largest size of each axis; what is not here stands for itself.
_RANGES: Mapping[str, tuple[int, int]] = {
    "N": (2, 4), "T": (3, 6), "S": (2, 5), "D": (4, 5), "H": (5, 8), "W": (5, 8), "C": (1, 4), "E": (2, 5)
}  # fmt: skip


@dataclass(frozen=True)
class Lot:
    """A value still to be drawn."""

    draw: Callable[[Rng], Any]


@dataclass(frozen=True)
class New:
    """An object among the settings, by its name below ``keras``: each side makes its own."""

    name: str
    settings: Mapping[str, Any]


def one_of(*values: Any) -> Lot:
    """One of these."""
    return Lot(lambda rng: values[int(rng.integers(len(values)))])


def whole(low: int, high: int) -> Lot:
    """A whole number, both ends included."""
    return Lot(lambda rng: int(rng.integers(low, high + 1)))


def real(low: float, high: float) -> Lot:
    """A number, of few digits so that it can be told."""
    return Lot(lambda rng: round(float(rng.uniform(low, high)), 3))


def drawn(value: Any, rng: Rng) -> Any:
    """`value` with everything in it drawn."""
    if isinstance(value, Lot):
        return drawn(value.draw(rng), rng)
    if isinstance(value, New):
        return New(value.name, drawn(value.settings, rng))
    if isinstance(value, Mapping):
        return {name: drawn(item, rng) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(drawn(item, rng) for item in value)
    return value


def sizes(letters: str, rng: Rng) -> dict[str, int]:
    """A size for each letter, the same wherever it stands.

    >>> sizes("N 28 3", np.random.default_rng(0))["28"]
    28
    """
    found: dict[str, int] = {}
    for letter in letters.replace(",", " ").split():
        if letter not in found:
            found[letter] = int(rng.integers(*_RANGES[letter], endpoint=True)) if letter in _RANGES else int(letter)
    return found


def numbers(rng: Rng, shape: tuple[int, ...], dtype: str, low: float = -2.0, high: float = 2.0) -> Array:
    """Numbers of which no two are equal and none is 0: away from the kinks of relu and from ties of maxima."""
    count = int(np.prod(shape))
    grid = (rng.permutation(count) + 0.5 + 0.2 * rng.random(count)) / max(count, 1)
    return np.asarray((low + (high - low) * grid + 0.0123).reshape(shape), dtype)


def build(keras: Any, described: Any) -> Any:
    """The value itself, every `New` in it made by one of the two sides."""
    if isinstance(described, New):
        made: Any = keras
        for part in described.name.split("."):
            made = getattr(made, part)
        return made(**build(keras, described.settings))
    if isinstance(described, Mapping):
        return {name: build(keras, item) for name, item in described.items()}
    if isinstance(described, (list, tuple)):
        return type(described)(build(keras, item) for item in described)
    return described


def told(described: Any) -> str:
    """A drawn description for people: ``Dense(units=3)``."""
    if isinstance(described, New):
        return f"{described.name.split('.')[-1]}({', '.join(f'{k}={told(v)}' for k, v in described.settings.items())})"
    if isinstance(described, (list, tuple)):
        inside = ", ".join(map(told, described))
        return f"[{inside}]" if isinstance(described, list) else f"({inside})"
    return repr(described)
