"""What happens to gradients before they move the weights: scaling and clipping, in buffers used again."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from neurona import kernels
from neurona.tensor import Array

__all__ = ["Scratch", "clipped_by_global_norm", "clipped_by_norm", "clipped_by_value", "norm", "scaled"]


class Scratch:
    """Memory for intermediate results, taken once: fresh large arrays at every step would cost page faults.

    >>> a, b = Scratch()(np.zeros((2, 3)), 2)
    >>> a.shape, b.shape
    ((2, 3), (2, 3))
    """

    def __init__(self) -> None:
        self._flat: dict[tuple[int, Any], Array] = {}
        self._views: dict[tuple[Any, ...], list[Array]] = {}
        self._own: dict[tuple[Any, ...], list[Array]] = {}

    def __call__(self, like: Array, count: int) -> list[Array]:
        """`count` arrays shaped as `like`, with any values; the next call gives the same memory."""
        key = (like.shape, like.dtype, count)
        found = self._views.get(key)
        if found is None:
            found = self._views[key] = []
            for k in range(count):
                flat = self._flat.get((k, like.dtype))
                if flat is None or flat.size < like.size:
                    flat = self._flat[k, like.dtype] = np.empty(like.size, like.dtype)
                found.append(flat[: like.size].reshape(like.shape))
        return found

    def for_all(self, arrays: list[Array]) -> list[Array]:
        """An array of its own beside each of `arrays`."""
        key = tuple((a.shape, a.dtype) for a in arrays)
        found = self._own.get(key)
        if found is None:
            found = self._own[key] = [np.empty(a.shape, a.dtype) for a in arrays]
        return found


def norm(arrays: list[Array]) -> float:
    """The root of the sum of the squares of all numbers.

    >>> norm([np.array([3.0]), np.array([[4.0]])])
    5.0
    """
    if kernels.native is not None:
        length = kernels.native.global_norm(tuple(arrays))
        if length is not NotImplemented:
            return float(length)
    flat = [a.reshape(-1) for a in arrays]
    return math.sqrt(sum(float(np.dot(a, a)) for a in flat))


def scaled(arrays: list[Array], factor: float, scratch: Scratch) -> list[Array]:
    """Each array times `factor`."""
    out = scratch.for_all(arrays)
    for a, into in zip(arrays, out, strict=True):
        np.multiply(a, factor, out=into)
    return out


def clipped_by_norm(arrays: list[Array], limit: float, scratch: Scratch) -> list[Array]:
    """Each array, shrunk to the norm `limit` where it is longer."""
    out = scratch.for_all(arrays)
    for a, into in zip(arrays, out, strict=True):
        np.multiply(a, limit / _at_least(norm([a]), limit), out=into)
    return out


def clipped_by_global_norm(arrays: list[Array], limit: float, scratch: Scratch) -> list[Array]:
    """All arrays, shrunk alike to the norm `limit` of all together; an infinite norm gives NaN."""
    length = norm(arrays)
    return scaled(arrays, limit / _at_least(length, limit) if math.isfinite(length) else math.nan, scratch)


def clipped_by_value(arrays: list[Array], limit: float, scratch: Scratch) -> list[Array]:
    """Each number cut to the range from -limit to limit."""
    out = scratch.for_all(arrays)
    for a, into in zip(arrays, out, strict=True):
        np.clip(a, -limit, limit, out=into)
    return out


def _at_least(length: float, limit: float) -> float:
    """The larger of the two; NaN stays NaN, so that a broken gradient shows."""
    return length if math.isnan(length) or length > limit else limit
