"""Ops that work on each element by itself: arithmetic, powers, exponentials, comparisons.

Operands of different shapes are broadcast as in NumPy; a gradient is summed back over the axes that were broadcast.
"""

from __future__ import annotations

import numpy as np

from neurona.cases import A, Case, Failure
from neurona.errors import ShapeError
from neurona.tape import op
from neurona.tensor import Array

__all__ = ["add", "exp", "multiply", "unbroadcast"]


def unbroadcast(g: Array, x: Array | float) -> Array:
    """Sum `g` over the axes along which `x` was broadcast to g's shape.

    >>> unbroadcast(np.ones((2, 3)), np.ones((1, 3))).tolist()
    [[2.0, 2.0, 2.0]]
    """
    shape = np.shape(x)
    if g.shape == shape:
        return g
    g = g.sum(axis=tuple(range(g.ndim - len(shape))))
    stretched = tuple(i for i, n in enumerate(shape) if n == 1 and g.shape[i] != 1)
    return np.asarray(g.sum(axis=stretched, keepdims=True) if stretched else g)


def check_broadcast(name: str, x1: Array, x2: Array) -> None:
    """Raise a `ShapeError` where NumPy could not broadcast the two."""
    try:
        np.broadcast_shapes(np.shape(x1), np.shape(x2))
    except ValueError:
        raise ShapeError(
            f"{name} expected shapes that broadcast. Received: {np.shape(x1)} and {np.shape(x2)}. "
            "Axes are matched from the last one; they must be equal or 1."
        ) from None


PAIRS = [Case("N C", "N C"), Case("N C", "C"), Case("N 1", "1 C"), Case("N C", "")]
MISMATCH = [Failure("2 3", "2 4", match="shapes that broadcast")]


@op(cases=PAIRS, errors=MISMATCH, promote="binary")
def add(x1: Array, x2: Array) -> Array:
    """Add element by element: y = x1 + x2.

    >>> add([1.0, 2.0], 3.0)
    Tensor([4., 5.], dtype=float32)
    """
    check_broadcast("add", x1, x2)
    return x1 + x2


@add.gradient
def _(g: Array, y: Array, x1: Array, x2: Array) -> tuple[Array, Array]:
    return unbroadcast(g, x1), unbroadcast(g, x2)


@op(cases=PAIRS, errors=MISMATCH, promote="binary")
def multiply(x1: Array, x2: Array) -> Array:
    """Multiply element by element: y = x1 x2.

    >>> multiply([1.0, 2.0], [3.0, 4.0])
    Tensor([3., 8.], dtype=float32)
    """
    check_broadcast("multiply", x1, x2)
    return x1 * x2


@multiply.gradient
def _(g: Array, y: Array, x1: Array, x2: Array, needs: tuple[bool, bool]) -> tuple[Array | None, Array | None]:
    return unbroadcast(g * x2, x1) if needs[0] else None, unbroadcast(g * x1, x2) if needs[1] else None


@op(cases=[Case("N C")], promote="float")
def exp(x: Array) -> Array:
    """The exponential, e^x.

    >>> exp([0.0, 1.0])
    Tensor([1.      , 2.718282], dtype=float32)
    """
    return np.exp(x)


@exp.gradient
def _(g: Array, y: Array, x: Array) -> Array:
    return g * y
