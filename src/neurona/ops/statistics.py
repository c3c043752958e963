"""Ops that describe many numbers by a few: quantiles, histograms, and sums that pass over NaN.

`axis` and `keepdims` mean what they mean in `neurona.ops.reduce`.
"""

from __future__ import annotations

import builtins
import math
from typing import Any

import numpy as np

from neurona.cases import Case, Failure
from neurona.errors import ArgumentError
from neurona.ops.elementwise import QUIET, where
from neurona.ops.logic import isnan
from neurona.ops.reduce import (
    FILLED,
    NO_AXIS,
    REDUCED,
    REDUCED_FILLED,
    Axis,
    all,
    check_axes,
    check_filled,
    is_integer,
    max,
    min,
    ready,
    spread,
    sum_dtype,
)
from neurona.tape import composed, op
from neurona.tensor import Array, Tensor, TensorLike

__all__ = ["histogram", "median", "nanmax", "nanmean", "nanmin", "nansum", "percentile", "quantile"]

# -- order statistics ----------------------------------------------------------------------------------------

_METHODS = ("linear", "lower", "higher", "midpoint", "nearest")


def _weights_of_rank(q: float, length: int, method: str) -> tuple[int, int, float]:
    """The two neighbours in the sorted row between which the quantile lies, and the second's share."""
    place = q * (length - 1)
    low, high = math.floor(place), math.ceil(place)
    if method == "nearest":
        low = high = builtins.round(place)
    elif method == "lower":
        high = low
    elif method == "higher":
        low = high
    return low, high, 0.5 * (low != high) if method == "midpoint" else place - low


def rows_to_sort(x: Array, axis: Axis) -> tuple[Array, tuple[int, ...]]:
    """The reduced axes flattened into the last one, which is where each quantile looks."""
    axes = check_axes(x, axis, "quantile")
    kept = [i for i in range(x.ndim) if i not in axes]
    rows = x.transpose(kept + list(axes)).reshape(*(x.shape[i] for i in kept), math.prod(x.shape[i] for i in axes))
    return rows, axes


@op(
    cases=[
        Case("N C", 0.3, sizes=FILLED),
        Case("N T C", q=[0.25, 0.8], axis=1, sizes=FILLED),
        Case("N T C", q=0.5, axis=(0, 2), keepdims=True, sizes=FILLED),
        Case("N C", q=0.3, axis=0, method="midpoint", sizes=FILLED),
        Case("N C", q=0.3, axis=0, method="nearest", sizes=FILLED),
    ],
    errors=[
        Failure("3", 0.5, method="linaer", match="method"),
        Failure("3", 1.5, match="between 0 and 1"),
        Failure("0", 0.5, match="of no numbers"),
    ],
    promote="float",
)
def quantile(x: Array, q: Any, axis: Axis = None, method: str = "linear", keepdims: bool = False) -> Array:
    """The number below which a share `q` of the numbers along the axes lies.

    Args:
        x: a tensor.
        q: a share between 0 and 1, or several (they become the first axis).
        axis, keepdims: see above.
        method: what to give between two neighbours: "linear", "lower", "higher", "midpoint" or "nearest".

    >>> quantile([0.0, 10.0, 20.0], 0.25)
    Tensor(5., dtype=float32)
    """
    if method not in _METHODS:
        raise ArgumentError(f"quantile expected a method among {', '.join(_METHODS)}. Received: {method!r}.")
    shares = np.asarray(q, "float64")
    if shares.size and not (shares.min() >= 0 and shares.max() <= 1):
        raise ArgumentError(f"quantile expected shares between 0 and 1. Received: q={q!r}.")
    check_filled(x, axis, "quantile")
    rows, axes = rows_to_sort(x, axis)
    rows = np.sort(rows, axis=-1)
    found = []
    for share in shares.reshape(-1).tolist():
        low, high, part = _weights_of_rank(share, rows.shape[-1], method)
        found.append(rows[..., low] * (1 - part) + rows[..., high] * part if part else rows[..., low])
    y = np.stack(found).reshape(shares.shape + rows.shape[:-1]) if found else np.empty((0, *rows.shape[:-1]), x.dtype)
    y = np.where(np.isnan(rows[..., -1]), np.nan, y).astype(x.dtype, copy=False)  # a NaN is sorted to the end
    return np.expand_dims(y, tuple(shares.ndim + i for i in axes)) if keepdims else y


@quantile.gradient
def _(g: Array, y: Array, x: Array, q: Any, axis: Axis = None, method: str = "linear", keepdims: bool = False) -> Array:
    shares = np.asarray(q, "float64")
    rows, axes = rows_to_sort(x, axis)
    order = np.argsort(rows, axis=-1, kind="stable")
    slopes = g.reshape(shares.size, *rows.shape[:-1])
    out = np.zeros(rows.shape, g.dtype)
    for slope, share in zip(slopes, shares.reshape(-1).tolist(), strict=True):
        low, high, part = _weights_of_rank(share, rows.shape[-1], method)
        for rank, weight in ((low, 1 - part), (high, part)):
            places = order[..., rank : rank + 1]
            before = np.take_along_axis(out, places, -1)
            np.put_along_axis(out, places, before + np.asarray(weight, g.dtype) * slope[..., None], -1)
    kept = [i for i in range(x.ndim) if i not in axes]
    arranged = kept + list(axes)
    return out.reshape([x.shape[i] for i in arranged]).transpose(np.argsort(arranged))


@composed(cases=[Case("N C", 30.0, sizes=FILLED), Case("N C", 75.0, axis=1, keepdims=True, sizes=FILLED)])
def percentile(x: TensorLike, q: Any, axis: Axis = None, method: str = "linear", keepdims: bool = False) -> Tensor:
    """The number below which `q` of a hundred lie: quantile(x, q / 100).

    >>> percentile([0.0, 10.0, 20.0], 25)
    Tensor(5., dtype=float32)
    """
    shares = np.asarray(q, "float64") / 100
    return quantile(x, shares, axis=axis, method=method, keepdims=keepdims)  # type: ignore[no-any-return]


@composed(cases=[Case("N C", sizes=FILLED), Case("N T C", axis=(0, 1), keepdims=True, sizes=FILLED)])
def median(x: TensorLike, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """The middle number along axes, or the mean of the middle two.

    >>> median([5.0, 1.0, 3.0])
    Tensor(3., dtype=float32)
    """
    return quantile(x, 0.5, axis=axis, keepdims=keepdims)  # type: ignore[no-any-return]


# -- past NaN ------------------------------------------------------------------------------------------------


@op(cases=REDUCED, errors=NO_AXIS, promote="binary")
def nansum(x: Array, axis: Axis = None, keepdims: bool = False) -> Array:
    """The sum along axes of what is not NaN.

    >>> nansum([1.0, float("nan"), 2.0])
    Tensor(3., dtype=float32)
    """
    return np.asarray(np.nansum(x, axis=ready(x, axis, "nansum"), dtype=sum_dtype(x), keepdims=keepdims))


@nansum.gradient
def _(g: Array, y: Array, x: Array, axis: Axis = None, keepdims: bool = False) -> Array:
    return np.where(np.isnan(x), 0, spread(g, x, axis, keepdims))


@op(cases=REDUCED_FILLED, errors=NO_AXIS, promote="float")
@QUIET
def nanmean(x: Array, axis: Axis = None, keepdims: bool = False) -> Array:
    """The mean along axes of what is not NaN; NaN where nothing is left.

    >>> nanmean([1.0, float("nan"), 2.0])
    Tensor(1.5, dtype=float32)
    """
    axis = ready(x, axis, "nanmean")
    number = (~np.isnan(x)).sum(axis=axis, keepdims=keepdims)
    return np.asarray(np.nansum(x, axis=axis, keepdims=keepdims) / np.asarray(number, x.dtype))


@nanmean.gradient
@QUIET
def _(g: Array, y: Array, x: Array, axis: Axis = None, keepdims: bool = False) -> Array:
    valid = ~np.isnan(x)
    number = valid.sum(axis=ready(x, axis, "nanmean"), keepdims=True).astype(g.dtype)
    return np.where(valid, spread(g, x, axis, keepdims) / number, 0)


@composed(cases=REDUCED_FILLED, errors=NO_AXIS)
def nanmax(x: TensorLike, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """The largest along axes of what is not NaN; NaN where nothing is left.

    >>> nanmax([1.0, float("nan"), 2.0])
    Tensor(2., dtype=float32)
    """
    return _past_nan(max, x, -np.inf, axis, keepdims)


@composed(cases=REDUCED_FILLED, errors=NO_AXIS)
def nanmin(x: TensorLike, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """The smallest along axes of what is not NaN; NaN where nothing is left.

    >>> nanmin([1.0, float("nan"), 2.0])
    Tensor(1., dtype=float32)
    """
    return _past_nan(min, x, np.inf, axis, keepdims)


def _past_nan(extreme: Any, x: TensorLike, stand_in: float, axis: Axis, keepdims: bool) -> Tensor:
    if is_integer(x):
        return extreme(x, axis=axis, keepdims=keepdims)  # type: ignore[no-any-return]
    missing = isnan(x)
    found = extreme(where(missing, stand_in, x), axis=axis, keepdims=keepdims)
    return where(all(missing, axis=axis, keepdims=keepdims), np.nan, found)  # type: ignore[no-any-return]


# -- counts --------------------------------------------------------------------------------------------------


@op(
    cases=[Case("N", sizes={"N": 1}), Case("N C", bins=4, range=(-1.0, 1.0))],
    errors=[Failure("3", bins=0, match="bins of 1 or more")],
    promote="binary",
)
def histogram(x: Array, bins: int = 10, range: tuple[float, float] | None = None) -> tuple[Array, Array]:
    """How many numbers lie in each of `bins` equal intervals, and the bounds of the intervals.

    >>> histogram([0.0, 1.0, 2.0, 4.0], bins=2)
    (Tensor([2., 2.], dtype=float32), Tensor([0., 2., 4.], dtype=float32))
    """
    if not isinstance(bins, int) or bins < 1:
        raise ArgumentError(f"histogram expected bins of 1 or more. Received: bins={bins!r}.")
    counts, edges = np.histogram(x, bins, range)
    return counts.astype(x.dtype), edges.astype(x.dtype)
