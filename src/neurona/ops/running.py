"""Ops that keep the length of an axis, or nearly: running sums and products, and steps between neighbours."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from neurona.cases import Case, Failure
from neurona.errors import ArgumentError
from neurona.ops.elementwise import standard_dtype
from neurona.ops.reduce import NO_AXIS, check_axes
from neurona.tape import op
from neurona.tensor import Array

__all__ = ["cumprod", "cumsum", "diff"]

RUNNING = [Case("N T", axis=1), Case("N T C", axis=0), Case("N C")]


def _running_dtype(x: Array, dtype: npt.DTypeLike | None) -> np.dtype[Any]:
    if dtype is not None:
        return standard_dtype(dtype)
    return np.dtype("int32") if x.dtype.kind == "b" else x.dtype


@op(cases=RUNNING, errors=NO_AXIS, promote="binary")
def cumsum(x: Array, axis: int | None = None, dtype: npt.DTypeLike | None = None) -> Array:
    """The running sum along an axis, or over the flattened array.

    >>> cumsum([1.0, 2.0, 3.0])
    Tensor([1., 3., 6.], dtype=float32)
    """
    check_axes(x, axis, "cumsum")
    return np.cumsum(x, axis=axis, dtype=_running_dtype(x, dtype))


@cumsum.gradient
def _(g: Array, y: Array, x: Array, axis: int | None = None, dtype: npt.DTypeLike | None = None) -> Array:
    if axis is None:
        return np.cumsum(g[::-1])[::-1].reshape(x.shape)
    return np.flip(np.cumsum(np.flip(g, axis), axis=axis), axis)


@op(cases=RUNNING, errors=NO_AXIS, promote="binary")
def cumprod(x: Array, axis: int | None = None, dtype: npt.DTypeLike | None = None) -> Array:
    """The running product along an axis, or over the flattened array. The gradient is right at zeros too.

    >>> cumprod([1.0, 2.0, 3.0])
    Tensor([1., 2., 6.], dtype=float32)
    """
    check_axes(x, axis, "cumprod")
    return np.cumprod(x, axis=axis, dtype=_running_dtype(x, dtype))


@cumprod.gradient
def _(g: Array, y: Array, x: Array, axis: int | None = None, dtype: npt.DTypeLike | None = None) -> Array:
    """dx_i = (x_1 ... x_i-1) (g_i + x_i+1 (g_i+1 + x_i+2 (...))): a sum from the end, without a division."""
    rows = np.moveaxis(x.reshape(-1) if axis is None else x, -1 if axis is None else axis, 0)
    slopes = np.moveaxis(g, -1 if axis is None else axis, 0)
    dx = np.empty(rows.shape, g.dtype)
    rest = np.zeros(rows.shape[1:], g.dtype)
    for i in range(len(rows) - 1, -1, -1):
        rest = slopes[i] + (rows[i + 1] * rest if i + 1 < len(rows) else 0)
        dx[i] = rest
    dx[1:] *= np.cumprod(rows[:-1], axis=0)
    return dx.reshape(x.shape) if axis is None else np.moveaxis(dx, 0, axis)


@op(
    cases=[
        Case("N C", sizes={"C": 2}),
        Case("T C", axis=0, sizes={"T": 2}),
        Case("N C", n=2, sizes={"C": 3}),
    ],
    errors=[Failure("2 3", n=-1, match="n of 0 or more")],
    promote="binary",
)
def diff(a: Array, n: int = 1, axis: int = -1) -> Array:
    """The steps from each number to the next along an axis, `n` times over.

    >>> diff([1.0, 4.0, 9.0])
    Tensor([3., 5.], dtype=float32)
    """
    if n < 0:
        raise ArgumentError(f"diff expected n of 0 or more. Received: n={n}.")
    check_axes(a, axis, "diff")
    return np.diff(a, n, axis)


@diff.gradient
def _(g: Array, y: Array, a: Array, n: int = 1, axis: int = -1) -> Array:
    for _ in range(n):
        edge = np.zeros_like(np.take(g, [0], axis)) if g.shape[axis] else None
        if edge is None:
            return np.zeros_like(a)
        g = np.concatenate([edge, g], axis) - np.concatenate([g, edge], axis)
    return g
