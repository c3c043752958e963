"""The same random numbers again: one seed for all generators that a program may draw from."""

from __future__ import annotations

import random as python_random

import numpy as np

from neurona import random
from neurona.errors import ArgumentError

__all__ = ["set_random_seed"]


def set_random_seed(seed: int) -> None:
    """Seed Python's, NumPy's and Neurona's random numbers, so that a program repeats itself exactly.

    Args:
        seed: an integer from 0 to 2^32 - 1.

    >>> from neurona import initializers
    >>> set_random_seed(1); a = initializers.GlorotUniform()((2, 2))
    >>> set_random_seed(1); b = initializers.GlorotUniform()((2, 2))
    >>> bool((np.asarray(a) == np.asarray(b)).all())
    True
    """
    if not isinstance(seed, (int, np.integer)) or isinstance(seed, bool):
        raise ArgumentError(
            f"Expected `seed` argument to be an integer. Received: seed={seed!r} ({type(seed).__name__})."
        )
    if not 0 <= seed < 2**32:
        raise ArgumentError(f"Expected `seed` from 0 to 4294967295. Received: seed={seed}.")
    python_random.seed(int(seed))
    np.random.seed(int(seed))  # programs written for Keras draw from NumPy's global generator
    random.set_global_seed(int(seed))
