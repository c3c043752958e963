"""Pooling to a size that is asked for: windows that differ in length by one, and may overlap."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from neurona.cases import Failure
from neurona.errors import ShapeError
from neurona.ops.fused.columns import spatial_case
from neurona.tape import op
from neurona.tensor import Array

__all__ = ["adaptive_average", "adaptive_max"]

Ints = tuple[int, ...]


def _cells(x: Array, output_size: Ints) -> Iterator[tuple[Any, Any]]:
    """Each place of the result, and the window of `x` that it stands for, as indices of the whole batch."""
    lines = [
        [slice(i * n // m, -(-(i + 1) * n // m)) for i in range(m)]
        for n, m in zip(x.shape[1:-1], output_size, strict=True)
    ]
    for place in np.ndindex(*output_size):
        yield (slice(None), *place), (slice(None), *(line[i] for line, i in zip(lines, place, strict=True)))


def _check(name: str, x: Array, output_size: Ints) -> None:
    if x.ndim != len(output_size) + 2 or min(output_size) < 1:
        raise ShapeError(
            f"{name} expected x of shape (batch, *space, channels) and one size from 1 for each spatial axis. "
            f"Received: shape {x.shape}, output_size={output_size}."
        )
    if min(x.shape[1:-1]) < 1:
        raise ShapeError(f"{name} expected spatial axes that are not empty. Received: shape {x.shape}.")


_CASES = [
    spatial_case("N H W C", output_size=(2, 3)),
    spatial_case("N 4 6 C", output_size=(2, 3)),
    spatial_case("N T C", output_size=(3,)),
    spatial_case("N 3 D 2 C", output_size=(2, 2, 1)),
]
_ERRORS = [
    Failure("2 5 3", output_size=(2, 2), match="one size from 1 for each spatial axis"),
    Failure("2 0 3", output_size=(2,), match="that are not empty"),
]


@op(cases=_CASES, errors=_ERRORS, promote="float")
def adaptive_average(x: Array, output_size: Ints) -> Array:
    """The mean of every window; along an axis window i of m reaches from floor(i n / m) up to ceil((i + 1) n / m).

    Args:
        x: shape (N, *space, C).
        output_size: m, one for each spatial axis.

    Returns:
        shape (N, *output_size, C).

    Raises:
        ShapeError: other axes than sizes, or empty ones.

    >>> adaptive_average([[[1.0], [4.0], [4.0], [2.0], [0.0]]], output_size=(2,))[0, :, 0]
    Tensor([3., 2.], dtype=float32)
    """
    _check("adaptive_average", x, output_size)
    y = np.empty((x.shape[0], *output_size, x.shape[-1]), x.dtype)
    inner = tuple(range(1, x.ndim - 1))
    for place, window in _cells(x, output_size):
        y[place] = x[window].mean(axis=inner)
    return y


@adaptive_average.gradient
def _(g: Array, y: Array, x: Array, output_size: Ints) -> Array:
    dx = np.zeros_like(x, order="C")
    lone: Any = (slice(None), *(None,) * len(output_size))
    for place, window in _cells(x, output_size):
        dx[window] += g[place][lone] / math.prod(s.stop - s.start for s in window[1:])
    return dx


@op(cases=_CASES, errors=_ERRORS, promote="float")
def adaptive_max(x: Array, output_size: Ints) -> Array:
    """The largest number of every window; along an axis window i of m reaches from floor(i n / m) up to ceil((i + 1) n / m).

    Args:
        x: shape (N, *space, C).
        output_size: m, one for each spatial axis.

    Returns:
        shape (N, *output_size, C). Of equal largest numbers the first takes the gradient.

    Raises:
        ShapeError: other axes than sizes, or empty ones.

    >>> adaptive_max([[[1.0], [4.0], [3.0], [2.0], [0.0]]], output_size=(2,))[0, :, 0]
    Tensor([4., 3.], dtype=float32)
    """
    _check("adaptive_max", x, output_size)
    y = np.empty((x.shape[0], *output_size, x.shape[-1]), x.dtype)
    inner = tuple(range(1, x.ndim - 1))
    for place, window in _cells(x, output_size):
        y[place] = x[window].max(axis=inner)
    return y


@adaptive_max.gradient
def _(g: Array, y: Array, x: Array, output_size: Ints) -> Array:
    dx = np.zeros_like(x, order="C")
    for place, window in _cells(x, output_size):
        seen = x[window]
        free = np.ones((x.shape[0], x.shape[-1]), bool)  # windows whose largest number was not met yet
        for inside in itertools.product(*(range(n) for n in seen.shape[1:-1])):
            at: Any = (slice(None), *inside)
            here = free & (seen[at] == y[place])
            dx[window][at] += g[place] * here
            free &= ~here
    return dx
