"""What happens to gradients before they move the weights: scaling and clipping, in buffers used again.

A gradient is an array, or a `RowGradient`: its norm is that of its values, since all else in it is 0.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from neurona import kernels
from neurona.row_gradient import RowGradient
from neurona.tensor import Array

__all__ = [
    "Scratch", "accumulate", "accumulated", "clipped_by_global_norm", "clipped_by_norm", "clipped_by_value", "norm", "scaled",
]  # fmt: skip


# Of a table another number of rows moves at every step: views of all these sizes are not kept.
_MOST_VIEWS = 512


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
            if len(self._views) >= _MOST_VIEWS:
                self._views.clear()
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


def norm(arrays: list[Any]) -> float:
    """The root of the sum of the squares of all numbers.

    >>> norm([np.array([3.0]), np.array([[4.0]])])
    5.0
    """
    arrays = [g.values if type(g) is RowGradient else g for g in arrays]
    if kernels.native is not None:
        length = kernels.native.global_norm(tuple(arrays))
        if length is not NotImplemented:
            return float(length)
    flat = [a.reshape(-1) for a in arrays]
    return math.sqrt(sum(float(np.dot(a, a)) for a in flat))


def _changed(arrays: list[Any], scratch: Scratch, change: Callable[[Array, Array], Any]) -> list[Any]:
    """Each gradient by `change(numbers, where they go)`; of rows the values, in memory of their own (no two steps have as
    many).
    """
    into = iter(scratch.for_all([g for g in arrays if type(g) is not RowGradient]))
    made: list[Any] = []
    for g in arrays:
        rows = type(g) is RowGradient
        numbers = g.values if rows else g
        out = np.empty_like(numbers) if rows else next(into)
        change(numbers, out)
        made.append(g.with_values(out) if rows else out)
    return made


def scaled(arrays: list[Any], factor: float, scratch: Scratch) -> list[Any]:
    """Each gradient times `factor`."""
    return _changed(arrays, scratch, lambda a, out: np.multiply(a, factor, out=out))


def clipped_by_norm(arrays: list[Any], limit: float, scratch: Scratch) -> list[Any]:
    """Each gradient, shrunk to the norm `limit` where it is longer."""
    return _changed(arrays, scratch, lambda a, out: np.multiply(a, limit / _at_least(norm([a]), limit), out=out))


def clipped_by_global_norm(arrays: list[Any], limit: float, scratch: Scratch) -> list[Any]:
    """All gradients, shrunk alike to the norm `limit` of all together; an infinite norm gives NaN."""
    length = norm(arrays)
    return scaled(arrays, limit / _at_least(length, limit) if math.isfinite(length) else math.nan, scratch)


def clipped_by_value(arrays: list[Any], limit: float, scratch: Scratch) -> list[Any]:
    """Each number cut to the range from -limit to limit."""
    return _changed(arrays, scratch, lambda a, out: np.clip(a, -limit, limit, out=out))


def accumulate(total: Array, g: Any) -> None:
    """Add a gradient to `total`, in place."""
    if type(g) is RowGradient:
        total[g.rows] += g.values
    else:
        total += g


def accumulated(total: Array, g: Any) -> Any:
    """The sum of several steps' gradients, of which `g` is the last: of a table its rows that are not 0.

    Which rows were used is read from the sum itself, so a training that was stopped between two updates goes on as if it
    had not been.
    """
    if type(g) is not RowGradient:
        return total
    rows = np.flatnonzero(total.any(axis=1))
    return RowGradient(rows, total[rows], total.shape)


def _at_least(length: float, limit: float) -> float:
    """The larger of the two; NaN stays NaN, so that a broken gradient shows."""
    return length if math.isnan(length) or length > limit else limit
