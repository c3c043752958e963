"""What can be compared: a subject knows how to draw a case and how to carry it out on one of the two sides."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from neurona.parity.drawing import Rng
from neurona.parity.sides import Side
from neurona.tensor import Array

__all__ = ["HUNDRED", "KINDS", "QUANTITIES", "Answers", "Subject", "generator"]

#: The kinds of subjects, in the order of the page.
KINDS = ("layer", "loss", "metric", "optimizer")
#: What is compared of them: results, gradients, and what one and a hundred steps of training make of the weights.
QUANTITIES = ("output", "gradient", "one step", "hundred steps")
HUNDRED = 100

#: What came out, by quantity: arrays by the names of what they are.
Answers = dict[str, dict[str, Array]]


@dataclass(frozen=True)
class Subject:
    """One class that both sides have.

    Attributes:
        kind: one of `KINDS`.
        name: of the class.
        draw: ``(generator, number of the draw) -> case``, for `run` and `tell`.
        run: ``(side, case, dtype, steps) -> answers``; with `steps` 0 nothing is trained.
        tell: a case for people.
        slack: by what its tolerances are multiplied,
        slack64: and those of float64 besides, and
        why: for which reason.
        dtypes: in which types it is compared.
    """

    kind: str
    name: str
    draw: Callable[[Rng, int], Any]
    run: Callable[[Side, Any, str, int], Answers]
    tell: Callable[[Any], str]
    slack: float = 1.0
    slack64: float = 1.0
    why: str = ""
    dtypes: tuple[str, ...] = ("float32", "float64")


def generator(*parts: Any) -> Rng:
    """A generator for something with a name: the same for the same seed, whatever was drawn before."""
    return np.random.default_rng([part if isinstance(part, int) else zlib.crc32(str(part).encode()) for part in parts])
