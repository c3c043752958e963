"""Norms: the length of vectors and the size of matrices."""

from __future__ import annotations

from typing import Any

import numpy as np

from neurona import config
from neurona.cases import Case, Failure
from neurona.errors import ArgumentError
from neurona.ops.elementwise import absolute, cast, multiply, power
from neurona.ops.functions import sqrt
from neurona.ops.reduce import FILLED, Axis, is_integer, max, min, sum
from neurona.ops.shape import axes_of, expand_dims, moveaxis
from neurona.tape import composed, op
from neurona.tensor import Array, Tensor, TensorLike, as_array

__all__ = ["norm"]


@op(cases=[Case("4 3"), Case("2 3 4")], promote="float")
def _singular_values(x: Array) -> Array:
    """By how much matrices stretch, along their own axes: (..., M, N) -> (..., min(M, N)), the largest first."""
    return np.asarray(np.linalg.svd(x, compute_uv=False))


@_singular_values.gradient
def _(g: Array, y: Array, x: Array) -> Array:
    u, _s, v = np.linalg.svd(x, full_matrices=False)
    return np.asarray((u * g[..., None, :]) @ v)


@composed(
    cases=[
        Case("N C", sizes=FILLED),
        Case("N C", ord=1, axis=1, sizes=FILLED),
        Case("N C", ord=3, axis=0, keepdims=True, sizes=FILLED),
        Case("N C", ord=np.inf, axis=1, sizes=FILLED),
        Case("N C", ord="fro", axis=(0, 1), sizes=FILLED),
        Case("N C", ord=1, axis=(0, 1), sizes=FILLED),
        Case("N C", ord=-np.inf, sizes=FILLED),
        Case("4 3", ord=2, axis=(0, 1)),
        Case("3 2 4", ord="nuc", axis=(0, 2), keepdims=True),
    ],
    errors=[
        Failure("2 2", ord="frob", match="norm expected ord"),
        Failure("3", ord=1, axis=(0, 1), match="norm expected an axis"),
        Failure("3", ord="nuc", match="norm expected ord"),
    ],
)
def norm(x: TensorLike, ord: Any = None, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """The length of vectors or the size of matrices.

    Args:
        x: a tensor.
        ord: ``None`` for the root of the sum of squares; for one axis: a number p for (sum |x|^p)^(1/p), inf
            or -inf for the largest or smallest size, 0 for the count of non-zeros; for two axes: "fro" (sum
            of squares), 1 or -1 (sums of columns), inf or -inf (sums of rows), 2 or -2 (the largest or smallest singular
            value), "nuc" (the sum of these).
        axis: one axis (vectors), two (matrices), or ``None`` for the whole of x.
        keepdims: whether the axes stay, with length 1.

    Raises:
        ArgumentError: no such norm.
        ShapeError: x has no such axes.

    >>> norm([3.0, 4.0])
    Tensor(5., dtype=float32)
    >>> norm([[3.0, 0.0], [0.0, 4.0]], ord="nuc", axis=(0, 1))
    Tensor(7., dtype=float32)
    """
    if is_integer(x):
        x = cast(x, config.floatx())
    dims = len(x.shape) if hasattr(x, "shape") else as_array(x).ndim
    if axis is None and ord is not None:
        axis = tuple(range(dims)) if dims > 1 else -1
    if axis is not None:
        axes_of(axis, dims, "norm")
    matrix = isinstance(axis, (tuple, list)) and len(axis) == 2
    if isinstance(axis, (tuple, list)) and len(axis) == 1:
        axis = axis[0]
    if ord is None or (matrix and ord == "fro") or (not matrix and ord in (2, "euclidean")):
        return sqrt(sum(multiply(x, x), axis=axis, keepdims=keepdims))  # type: ignore[no-any-return]
    if matrix and ord in (2, -2, "nuc"):
        values = _singular_values(moveaxis(x, axis, (-2, -1)))
        y = sum(values, axis=-1) if ord == "nuc" else max(values, axis=-1) if ord > 0 else min(values, axis=-1)
        return _kept(y, axis, dims) if keepdims else y  # type: ignore[no-any-return]
    if isinstance(ord, str) or (matrix and ord not in (1, -1, np.inf, -np.inf)):
        raise ArgumentError(
            "norm expected ord None, a number, inf or -inf for vectors; None, 'fro', 'nuc', 1, -1, 2, -2, inf or -inf for "
            f"matrices. Received: ord={ord!r}, axis={axis!r}."
        )
    size = absolute(x)
    if matrix:
        rows, columns = (one % dims for one in axis)  # type: ignore[union-attr]
        inner, outer = (rows, columns) if ord in (1, -1) else (columns, rows)
        extreme = max if ord > 0 else min
        total = extreme(sum(size, axis=inner, keepdims=True), axis=outer, keepdims=True)
        return total if keepdims else sum(total, axis=(rows, columns))  # type: ignore[no-any-return]
    if ord in (np.inf, -np.inf):
        return (max if ord > 0 else min)(size, axis=axis, keepdims=keepdims)  # type: ignore[no-any-return]
    if ord == 0:
        return sum(cast(cast(size, "bool"), size.dtype), axis=axis, keepdims=keepdims)  # type: ignore[no-any-return]
    if ord == 1:
        return sum(size, axis=axis, keepdims=keepdims)  # type: ignore[no-any-return]
    return power(sum(power(size, float(ord)), axis=axis, keepdims=keepdims), 1.0 / ord)  # type: ignore[no-any-return]


def _kept(y: Any, axis: Any, dims: int) -> Any:
    """`y` with axes of length 1 in the places of the two that are gone."""
    for place in sorted(one % dims for one in axis):
        y = expand_dims(y, place)
    return y
