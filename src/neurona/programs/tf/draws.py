"""`tf.random`: numbers by chance, from the generator that ``tf.random.set_seed`` starts anew.

A `seed` of one call, which in TensorFlow begins a sequence of its own, draws from the shared sequence here: the next call
gives other numbers, as there. Only the ``stateless_`` functions give the same numbers for the same seed.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from neurona import random
from neurona.programs.tf.arrays import Result, _lengths, cast, convert_to_tensor
from neurona.symbolic import dtype_name
from neurona.tensor import TensorLike, as_array

__all__ = [
    "Generator",
    "categorical",
    "gamma",
    "get_global_generator",
    "normal",
    "set_seed",
    "shuffle",
    "stateless_normal",
    "stateless_uniform",
    "truncated_normal",
    "uniform",
]


def set_seed(seed: int) -> None:
    """Begin the draws anew, from this number.

    >>> set_seed(3)
    >>> first = normal((2,)).tolist()
    >>> set_seed(3)
    >>> normal((2,)).tolist() == first
    True
    """
    random.set_global_seed(int(seed))


def _seed(seed: Any) -> int:
    """One number of the pair that TensorFlow takes."""
    numbers = np.atleast_1d(as_array(seed)).astype(np.int64).tolist()
    return int(np.random.SeedSequence([abs(n) for n in numbers]).generate_state(1)[0] & 0x7FFFFFFF)


def normal(
    shape: Any, mean: Any = 0.0, stddev: Any = 1.0, dtype: Any = "float32", seed: Any = None, name: Any = None
) -> Result:
    """Of a normal distribution."""
    return random.normal(_lengths(shape), mean, stddev, dtype_name(dtype))


def truncated_normal(
    shape: Any, mean: Any = 0.0, stddev: Any = 1.0, dtype: Any = "float32", seed: Any = None, name: Any = None
) -> Result:
    """Of a normal distribution, none beyond two deviations."""
    return random.truncated_normal(_lengths(shape), mean, stddev, dtype_name(dtype))


def _uniform(shape: Any, minval: Any, maxval: Any, dtype: Any, seed: Any) -> Result:
    if np.dtype(dtype_name(dtype)).kind == "f":
        return random.uniform(_lengths(shape), minval, 1.0 if maxval is None else maxval, dtype_name(dtype), seed)
    return random.randint(_lengths(shape), minval, maxval, dtype_name(dtype), seed)


def uniform(
    shape: Any, minval: Any = 0, maxval: Any = None, dtype: Any = "float32", seed: Any = None, name: Any = None
) -> Result:
    """Evenly from `minval` up to `maxval`, which does not come."""
    return _uniform(shape, minval, maxval, dtype, None)


def stateless_uniform(
    shape: Any,
    seed: Any,
    minval: Any = 0,
    maxval: Any = None,
    dtype: Any = "float32",
    name: Any = None,
    alg: Any = None,
) -> Result:
    """`uniform`, the same for the same seed."""
    return _uniform(shape, minval, maxval, dtype, _seed(seed))


def stateless_normal(
    shape: Any, seed: Any, mean: Any = 0.0, stddev: Any = 1.0, dtype: Any = "float32", name: Any = None, alg: Any = None
) -> Result:
    """`normal`, the same for the same seed."""
    return random.normal(_lengths(shape), mean, stddev, dtype_name(dtype), _seed(seed))


def categorical(
    logits: TensorLike, num_samples: int, dtype: Any = "int64", seed: Any = None, name: Any = None
) -> Result:
    """Classes, as often as the logits say."""
    return cast(random.categorical(logits, int(num_samples)), dtype or "int64")


def gamma(
    shape: Any, alpha: Any, beta: Any = None, dtype: Any = "float32", seed: Any = None, name: Any = None
) -> Result:
    """Of a gamma distribution."""
    found = random.gamma(_lengths(shape), alpha, dtype_name(dtype))
    return found if beta is None else found / beta


def shuffle(value: TensorLike, seed: Any = None, name: Any = None) -> Result:
    """The rows in another order."""
    return random.shuffle(convert_to_tensor(value))


class Generator:
    """A sequence of draws of its own.

    >>> a, b = Generator.from_seed(1), Generator.from_seed(1)
    >>> bool((a.normal((3,)) == b.normal((3,))).numpy().all())
    True
    """

    def __init__(self, seed: int | None = None) -> None:
        self._seeds = random.SeedGenerator(seed)

    @classmethod
    def from_seed(cls, seed: int, alg: Any = None) -> Generator:
        """One that begins with this number."""
        return cls(int(seed))

    @classmethod
    def from_non_deterministic_state(cls, alg: Any = None) -> Generator:
        """One that begins anywhere."""
        return cls()

    def normal(
        self, shape: Any, mean: Any = 0.0, stddev: Any = 1.0, dtype: Any = "float32", name: Any = None
    ) -> Result:
        """Of a normal distribution."""
        return random.normal(_lengths(shape), mean, stddev, dtype_name(dtype), self._seeds)

    def uniform(
        self, shape: Any, minval: Any = 0, maxval: Any = None, dtype: Any = "float32", name: Any = None
    ) -> Result:
        """Evenly from `minval` up to `maxval`."""
        return _uniform(shape, minval, maxval, dtype, self._seeds)

    def make_seeds(self, count: int = 1) -> Result:
        """Seeds for the ``stateless_`` functions: (2, count)."""
        return random.randint((2, count), 0, 2**31 - 1, "int32", self._seeds)


def get_global_generator() -> Generator:
    """A generator that draws as the functions do."""
    made = Generator(0)
    made._seeds = random.global_seed_generator()
    return made
