"""Reductions that pass over what is not a number: products, spreads, ranks, running totals, places."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from neurona.cases import Case
from neurona.errors import ArgumentError
from neurona.ops.elementwise import QUIET, multiply, subtract, where
from neurona.ops.functions import sqrt
from neurona.ops.logic import isnan
from neurona.ops.reduce import FILLED, REDUCED_FILLED, Axis, prod
from neurona.ops.running import cumprod, cumsum
from neurona.ops.statistics import nanmean, rows_to_sort
from neurona.tape import composed, op
from neurona.tensor import Array, Tensor, TensorLike

__all__ = [
    "nanargmax",
    "nanargmin",
    "nancumprod",
    "nancumsum",
    "nanmedian",
    "nanpercentile",
    "nanprod",
    "nanquantile",
    "nanstd",
    "nanvar",
]


@composed(cases=REDUCED_FILLED)
def nanprod(x: TensorLike, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """The product along axes of what is not NaN.

    >>> nanprod([2.0, float("nan"), 3.0])
    Tensor(6., dtype=float32)
    """
    return prod(where(isnan(x), 1, x), axis=axis, keepdims=keepdims)  # type: ignore[no-any-return]


@composed(cases=REDUCED_FILLED)
def nanvar(x: TensorLike, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """The mean squared distance from the mean, along axes, of what is not NaN.

    >>> nanvar([1.0, float("nan"), 3.0])
    Tensor(1., dtype=float32)
    """
    away = subtract(x, nanmean(x, axis=axis, keepdims=True))
    return nanmean(multiply(away, away), axis=axis, keepdims=keepdims)  # type: ignore[no-any-return]


@composed(cases=[Case("3 4"), Case("3 4", axis=1), Case("3 4", axis=0, keepdims=True)])
def nanstd(x: TensorLike, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """The root of `nanvar`.

    >>> nanstd([1.0, float("nan"), 3.0])
    Tensor(1., dtype=float32)
    """
    return sqrt(nanvar(x, axis=axis, keepdims=keepdims))  # type: ignore[no-any-return]


@composed(cases=[Case("N C"), Case("N C", axis=1)])
def nancumsum(x: TensorLike, axis: int | None = None, dtype: npt.DTypeLike | None = None) -> Tensor:
    """Sums so far, in which NaN counts as 0.

    >>> nancumsum([1.0, float("nan"), 2.0])
    Tensor([1., 1., 3.], dtype=float32)
    """
    return cumsum(where(isnan(x), 0, x), axis=axis, dtype=dtype)  # type: ignore[no-any-return]


@composed(cases=[Case("N C"), Case("N C", axis=1)])
def nancumprod(x: TensorLike, axis: int | None = None, dtype: npt.DTypeLike | None = None) -> Tensor:
    """Products so far, in which NaN counts as 1.

    >>> nancumprod([2.0, float("nan"), 3.0])
    Tensor([2., 2., 6.], dtype=float32)
    """
    return cumprod(where(isnan(x), 1, x), axis=axis, dtype=dtype)  # type: ignore[no-any-return]


@op(cases=[Case("N C", sizes=FILLED), Case("N C", axis=1, keepdims=True, sizes=FILLED)], promote="float")
def nanargmax(x: Array, axis: int | None = None, keepdims: bool = False) -> Array:
    """The place of the largest number along an axis, NaN left out; -1 where there is nothing else.

    >>> nanargmax([float("nan"), 1.0, 2.0])
    Tensor(2, dtype=int32)
    """
    return _place(np.argmax, x, -np.inf, axis, keepdims)


@op(cases=[Case("N C", sizes=FILLED), Case("N C", axis=1, keepdims=True, sizes=FILLED)], promote="float")
def nanargmin(x: Array, axis: int | None = None, keepdims: bool = False) -> Array:
    """The place of the smallest number along an axis, NaN left out; -1 where there is nothing else.

    >>> nanargmin([float("nan"), 1.0, 2.0])
    Tensor(1, dtype=int32)
    """
    return _place(np.argmin, x, np.inf, axis, keepdims)


def _place(find: Any, x: Array, stand_in: float, axis: int | None, keepdims: bool) -> Array:
    missing = np.isnan(x)
    places = find(np.where(missing, stand_in, x), axis=axis, keepdims=keepdims)
    return np.asarray(np.where(missing.all(axis=axis, keepdims=keepdims), -1, places), "int32")


@op(cases=[Case("N C", 0.3, sizes=FILLED), Case("N C", q=[0.2, 0.9], axis=1, sizes=FILLED)], promote="float")
@QUIET
def nanquantile(x: Array, q: Any, axis: Axis = None, method: str = "linear", keepdims: bool = False) -> Array:
    """The number below which a share q of the others lies, NaN left out.

    Args:
        x: a tensor.
        q: a share from 0 to 1, or several.
        axis, keepdims: as of other reductions.
        method: as of `quantile`.

    >>> nanquantile([1.0, float("nan"), 3.0], 0.5)
    Tensor(2., dtype=float32)
    """
    shares = np.asarray(q, "float64")
    rows, axes = rows_to_sort(x, axis)
    order = np.argsort(rows, axis=-1, kind="stable")  # what is NaN comes last
    found = [
        sum(np.take_along_axis(rows, np.take_along_axis(order, rank, -1), -1) * weight for rank, weight in pair)
        for pair in (_ranks(rows, share, method) for share in shares.reshape(-1).tolist())
    ]
    y = np.stack(found).reshape(shares.shape + rows.shape[:-1]).astype(x.dtype)
    return np.expand_dims(y, tuple(shares.ndim + i for i in axes)) if keepdims else y


def _ranks(rows: Array, share: float, method: str) -> list[tuple[Array, Array]]:
    """The two ranks in each row between which the quantile lies, and their weights."""
    if method not in ("linear", "lower", "higher", "midpoint", "nearest"):
        raise ArgumentError(f"nanquantile expected a method as of quantile. Received: {method!r}.")
    place = share * np.maximum((~np.isnan(rows)).sum(-1, keepdims=True) - 1, 0)
    low, high = np.floor(place), np.ceil(place)
    if method == "nearest":
        low = high = np.round(place)
    elif method in ("lower", "higher"):
        low = high = low if method == "lower" else high
    part = 0.5 * (low != high) if method == "midpoint" else np.where(low == high, 0.0, place - low)
    return [(low.astype(int), 1 - part), (high.astype(int), part)]


@nanquantile.gradient
def _(g: Array, y: Array, x: Array, q: Any, axis: Axis = None, method: str = "linear", keepdims: bool = False) -> Array:
    shares = np.asarray(q, "float64")
    rows, axes = rows_to_sort(x, axis)
    order = np.argsort(rows, axis=-1, kind="stable")
    slopes = g.reshape(shares.size, *rows.shape[:-1])
    out = np.zeros(rows.shape, g.dtype)
    for slope, share in zip(slopes, shares.reshape(-1).tolist(), strict=True):
        for rank, weight in _ranks(rows, share, method):
            places = np.take_along_axis(order, rank, -1)
            before = np.take_along_axis(out, places, -1)
            np.put_along_axis(out, places, before + weight.astype(g.dtype) * slope[..., None], -1)
    arranged = [i for i in range(x.ndim) if i not in axes] + list(axes)
    return out.reshape([x.shape[i] for i in arranged]).transpose(np.argsort(arranged))


@composed(cases=[Case("3 4", 30.0), Case("3 4", 75.0, axis=1, keepdims=True)])
def nanpercentile(x: TensorLike, q: Any, axis: Axis = None, method: str = "linear", keepdims: bool = False) -> Tensor:
    """`nanquantile` of hundredths.

    >>> nanpercentile([1.0, float("nan"), 3.0], 50.0)
    Tensor(2., dtype=float32)
    """
    return nanquantile(x, np.asarray(q) / 100, axis=axis, method=method, keepdims=keepdims)  # type: ignore[no-any-return]


@composed(cases=[Case("3 4"), Case("3 4", axis=1, keepdims=True)])
def nanmedian(x: TensorLike, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """The middle number along axes, or the mean of the middle two, NaN left out.

    >>> nanmedian([5.0, 1.0, float("nan"), 3.0])
    Tensor(3., dtype=float32)
    """
    return nanquantile(x, 0.5, axis=axis, keepdims=keepdims)  # type: ignore[no-any-return]
