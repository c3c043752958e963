"""Seeds: where random numbers come from.

A `SeedGenerator` holds a seed and a counter as a variable, so they are saved with a model, and each draw moves the counter
on by one. An integer in its place means that seed with counter 0: the same numbers at every call. Without a seed one
generator that all share is used; `set_global_seed` resets it.
"""

from __future__ import annotations

import random as python_random
from typing import Any

import numpy as np

from neurona.cases import Case, Failure
from neurona.errors import ArgumentError
from neurona.names import auto_name
from neurona.registry import export
from neurona.tape import op
from neurona.tensor import Array, Tensor
from neurona.variable import Variable

__all__ = [
    "Seed",
    "SeedGenerator",
    "global_seed_generator",
    "make_default_seed",
    "next_keys",
    "numbers_of",
    "set_global_seed",
]

_WORD = 0xFFFFFFFF
_LONG = 0xFFFFFFFFFFFFFFFF
_UINT32 = np.dtype("uint32")

_unseeded = python_random.Random()  # where generators without a seed get theirs


def make_default_seed() -> int:
    """A seed for whoever is given none; repeatable after `set_global_seed`."""
    return _unseeded.randint(1, 10**9)


@export("keras.random")
class SeedGenerator:
    """A source of seeds: a seed and a counter that moves on at every draw.

    Args:
        seed: an integer; drawn unless told (repeatably after `utils.set_random_seed`).
        name: how it is called.

    Attributes:
        state: a variable of two uint32, the seed and the counter.

    Raises:
        ArgumentError: a seed that is no integer, or an unknown keyword.

    >>> generator = SeedGenerator(7)
    >>> generator.next(), generator.next()
    (Tensor([7, 0], dtype=uint32), Tensor([7, 1], dtype=uint32))
    """

    def __init__(self, seed: int | None = None, name: str | None = None, **kwargs: Any) -> None:
        kwargs.pop("backend", None)
        if kwargs:
            raise ArgumentError(f"Unrecognized keyword arguments: {kwargs}")
        if seed is not None and (isinstance(seed, bool) or not isinstance(seed, (int, np.integer))):
            raise ArgumentError(f"Argument `seed` must be an integer. Received: seed={seed!r}")
        self.name = name or auto_name(type(self).__name__)
        self._initial_seed = None if seed is None else int(seed)
        start = make_default_seed() if seed is None else int(seed)
        self.state = Variable(np.array([start & _WORD, 0], "uint32"), trainable=False, name="seed_generator_state")
        self.state.path = f"{self.name}/seed_generator_state"

    def next(self, ordered: bool = True) -> Tensor:
        """Seed and counter as they are; the counter moves on.

        Args:
            ordered: accepted for Keras's sake.
        """
        return _next_state(generator=self)  # type: ignore[no-any-return]

    def get_config(self) -> dict[str, Any]:
        return {"seed": self._initial_seed, "name": self.name}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> SeedGenerator:
        """A generator from `get_config`'s dictionary."""
        return cls(**config)


Seed = int | SeedGenerator | None

_shared: SeedGenerator | None = None


def global_seed_generator() -> SeedGenerator:
    """The generator of all draws that name none.

    >>> global_seed_generator() is global_seed_generator()
    True
    """
    global _shared
    if _shared is None:
        _shared = SeedGenerator(name="global_seed_generator")
    return _shared


def set_global_seed(seed: int) -> None:
    """Reset the shared generator, and the source of seeds for generators that are made without one.

    Args:
        seed: an integer.

    >>> from neurona.random import normal
    >>> set_global_seed(1); a = normal((2,))
    >>> set_global_seed(1); b = normal((2,))
    >>> bool((a.numpy() == b.numpy()).all())
    True
    """
    shared = global_seed_generator()  # the same object goes on: recorded steps hold it
    _unseeded.seed(seed)
    shared.state.assign(np.array([_unseeded.randint(1, 10**9), 0], "uint32"))


def _advance(seed: Seed) -> tuple[int, int]:
    """Seed and counter of one draw; a generator's counter moves on."""
    if seed is None:
        seed = global_seed_generator()
    if isinstance(seed, SeedGenerator):
        state = seed.state.data
        start, counter = state.tolist()
        state[1] = (counter + 1) & _WORD
        return start, counter
    if isinstance(seed, (int, np.integer)) and not isinstance(seed, bool):
        return int(seed) & _WORD, 0
    raise ArgumentError(
        "Argument `seed` must be either an integer or an instance of `SeedGenerator`. "
        f"Received: seed={seed!r} (of type {type(seed)})"
    )


def numbers_of(seed: Seed) -> np.random.Generator:
    """NumPy's generator for one draw; a `SeedGenerator`'s counter moves on."""
    return np.random.Generator(np.random.Philox(np.random.SeedSequence(_advance(seed))))


@op(cases=[Case(generator=SeedGenerator(3, name="case"))], stateful=True)
def _next_state(generator: SeedGenerator) -> Array:
    """Seed and counter of one draw."""
    return np.array(_advance(generator), "uint32")


@op(
    cases=[Case(generator=SeedGenerator(3, name="case"))],
    errors=[Failure(generator="seven", match="must be either an integer or an instance of `SeedGenerator`")],
    stateful=True,
)
def next_keys(generator: Seed) -> Array:
    """Two random integers for an op that makes its own random numbers of them; the counter moves on.

    They are seed and counter, mixed so that neighbouring seeds have nothing in common.

    Args:
        generator: a `SeedGenerator`, or an integer or ``None`` as in all draws.

    Returns:
        uint32, shape (2,).

    >>> generator = SeedGenerator(7)
    >>> bool((next_keys(generator).numpy() == next_keys(generator).numpy()).all())
    False

    Source: Steele, Lea & Flood, "Fast splittable pseudorandom number generators" (OOPSLA 2014): the mixing.
    """
    start, counter = _advance(generator)
    z = ((start << 32 | counter) + 0x9E3779B97F4A7C15) & _LONG
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9 & _LONG
    z = (z ^ z >> 27) * 0x94D049BB133111EB & _LONG
    z ^= z >> 31
    return np.frombuffer(z.to_bytes(8, "little"), _UINT32)  # a third of the time that np.array takes
