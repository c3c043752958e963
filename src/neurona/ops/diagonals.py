"""Ops on the diagonals and triangles of matrices."""

from __future__ import annotations

import builtins
from typing import Any

import numpy as np

from neurona.cases import Case, Failure
from neurona.errors import ShapeError
from neurona.ops.shape import axis_of, ravel
from neurona.symbolic import KerasTensor
from neurona.tape import composed, op
from neurona.tensor import Array, Tensor, TensorLike

__all__ = ["diag", "diagflat", "diagonal", "tril", "triu"]


@op(
    cases=[Case("N", sizes={"N": 1}), Case("3 4", k=1), Case("N", k=-2, sizes={"N": 1})],
    errors=[Failure("2 2 2", match="1 or 2 axes")],
    promote="binary",
)
def diag(x: Array, k: int = 0) -> Array:
    """The diagonal of a matrix, or the matrix with a given diagonal.

    >>> diag([1.0, 2.0])
    Tensor([[1., 0.],
            [0., 2.]], dtype=float32)
    """
    if x.ndim not in (1, 2):
        raise ShapeError(f"diag expected 1 or 2 axes. Received: shape {x.shape}.")
    return np.diag(x, k).copy()


@diag.drawn
def _(x: KerasTensor, k: int = 0) -> Any:
    if x.ndim == 2 and None in x.shape:
        return KerasTensor((None,), x.dtype)
    return NotImplemented


@diag.gradient
def _(g: Array, y: Array, x: Array, k: int = 0) -> Array:
    if x.ndim == 1:
        return np.diagonal(g, k)
    dx = np.zeros(x.shape, g.dtype)
    rows = np.arange(len(g)) + builtins.max(-k, 0)
    dx[rows, rows + k] = g
    return dx


@composed(cases=[Case("N C", sizes={"N": 1, "C": 1}), Case("N", k=1, sizes={"N": 1})])
def diagflat(x: TensorLike, k: int = 0) -> Tensor:
    """The matrix whose diagonal is the flattened array.

    >>> diagflat([[1.0], [2.0]])
    Tensor([[1., 0.],
            [0., 2.]], dtype=float32)
    """
    return diag(ravel(x), k=k)  # type: ignore[no-any-return]


@op(
    cases=[
        Case("N C", sizes={"N": 2, "C": 2}),
        Case("N T C", offset=1, axis1=1, axis2=2, sizes={"T": 2, "C": 3}),
    ],
    errors=[Failure("2", match="expected an axis")],
    promote="binary",
)
def diagonal(x: Array, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Array:
    """The diagonal of two axes, as the last axis.

    >>> diagonal([[1.0, 2.0], [3.0, 4.0]])
    Tensor([1., 4.], dtype=float32)
    """
    return x.diagonal(offset, axis_of(axis1, x.ndim, "diagonal"), axis_of(axis2, x.ndim, "diagonal"))


@diagonal.gradient
def _(g: Array, y: Array, x: Array, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Array:
    dx = np.zeros(x.shape, g.dtype)
    rows = np.arange(g.shape[-1]) + builtins.max(-offset, 0)
    np.moveaxis(dx, (axis1, axis2), (-2, -1))[..., rows, rows + offset] = g
    return dx


@op(cases=[Case("N C"), Case("T N C", k=-1)], errors=[Failure("2", match="2 axes")], promote="binary")
def tril(x: Array, k: int = 0) -> Array:
    """The lower triangle of the last two axes, 0 above its `k`-th diagonal.

    >>> tril([[1.0, 2.0], [3.0, 4.0]])
    Tensor([[1., 0.],
            [3., 4.]], dtype=float32)
    """
    if x.ndim < 2:
        raise ShapeError(f"tril expected at least 2 axes. Received: shape {x.shape}.")
    return np.tril(x, k)


@tril.gradient
def _(g: Array, y: Array, x: Array, k: int = 0) -> Array:
    return np.tril(g, k)


@op(cases=[Case("N C"), Case("T N C", k=1)], errors=[Failure("2", match="2 axes")], promote="binary")
def triu(x: Array, k: int = 0) -> Array:
    """The upper triangle of the last two axes, 0 below its `k`-th diagonal.

    >>> triu([[1.0, 2.0], [3.0, 4.0]])
    Tensor([[1., 2.],
            [0., 4.]], dtype=float32)
    """
    if x.ndim < 2:
        raise ShapeError(f"triu expected at least 2 axes. Received: shape {x.shape}.")
    return np.triu(x, k)


@triu.gradient
def _(g: Array, y: Array, x: Array, k: int = 0) -> Array:
    return np.triu(g, k)
