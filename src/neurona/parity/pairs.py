"""Truths and predictions of the kinds that losses and metrics are for, drawn in any size."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from neurona.parity.drawing import Rng
from neurona.tensor import Array

__all__ = ["PAIRS", "pair"]

#: ``(generator, samples, classes) -> (truth, prediction)``, in float64 or whole numbers.
Pair = Callable[[Rng, int, int], tuple[Array, Array]]


def _softmax(z: Array) -> Array:
    e = np.exp(z - z.max(-1, keepdims=True))
    return np.asarray(e / e.sum(-1, keepdims=True))


def _bits(rng: Rng, *shape: int) -> Array:
    return (rng.random(shape) < 0.5).astype("float64")


def _labels(rng: Rng, n: int, c: int) -> Array:
    return rng.integers(0, c, n).astype("int32")


def _onehot(rng: Rng, n: int, c: int) -> Array:
    return np.asarray(np.eye(c)[_labels(rng, n, c)])


def _unit(x: Array) -> Array:
    return np.asarray(x / np.linalg.norm(x, axis=-1, keepdims=True))


def _near(rng: Rng, n: int, c: int) -> tuple[Array, Array]:
    truth = rng.standard_normal((n + 3, c))
    return truth, truth + 0.3 * rng.standard_normal(truth.shape)


PAIRS: Mapping[str, Pair] = {
    "real": lambda rng, n, c: (rng.standard_normal((n, c)), rng.standard_normal((n, c))),
    "volume": lambda rng, n, c: (rng.standard_normal((n, 3, c)), rng.standard_normal((n, 3, c))),
    "near": _near,
    "positive": lambda rng, n, c: (rng.uniform(0.1, 3, (n, c)), rng.uniform(0.1, 3, (n, c))),
    "signs": lambda rng, n, c: (2 * _bits(rng, n, c) - 1, rng.standard_normal((n, c))),
    "bits": lambda rng, n, c: (_bits(rng, n, c), rng.uniform(0.05, 0.95, (n, c))),
    "bits in a row": lambda rng, n, c: (_bits(rng, 4 * n), rng.uniform(0.05, 0.95, 4 * n)),
    "bits, raw": lambda rng, n, c: (_bits(rng, n, c), 2 * rng.standard_normal((n, c))),
    "one-hot": lambda rng, n, c: (_onehot(rng, n, c), _softmax(rng.standard_normal((n, c)))),
    "one-hot, raw": lambda rng, n, c: (_onehot(rng, n, c), 2 * rng.standard_normal((n, c))),
    "shares": lambda rng, n, c: (_softmax(rng.standard_normal((n, c))), _softmax(rng.standard_normal((n, c)))),
    "labels": lambda rng, n, c: (_labels(rng, n, c), _softmax(rng.standard_normal((n, c)))),
    "labels, raw": lambda rng, n, c: (_labels(rng, n, c), 2 * rng.standard_normal((n, c))),
    "classes": lambda rng, n, c: (_labels(rng, 3 * n, 4), _labels(rng, 3 * n, 4)),
    "masks": lambda rng, n, c: (_bits(rng, n, 4, 5, 1), rng.uniform(0.05, 0.95, (n, 4, 5, 1))),
    # each class at least twice
    "places": lambda rng, n, c: (np.arange(2 * n, dtype="int32") % n, _unit(rng.standard_normal((2 * n, 4)))),
    "texts": lambda rng, n, c: (rng.integers(1, 4, (n, 2)).astype("int32"), rng.standard_normal((n, 7, 4))),
}


def pair(kind: str, rng: Rng, samples: int, classes: int, dtype: str) -> tuple[Array, Array]:
    """A truth and a prediction of this kind; whole numbers stay what they are."""
    truth, prediction = PAIRS[kind](rng, samples, classes)
    return tuple(a.astype(dtype) if a.dtype.kind == "f" else a for a in (truth, prediction))  # type: ignore[return-value]
