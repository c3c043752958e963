"""The largest or the mean of every window, with the places that the gradient goes back to."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from neurona import kernels
from neurona.cases import Failure
from neurona.errors import ShapeError
from neurona.ops.fused.columns import padded, spatial_case, taps
from neurona.ops.fused.convolution import check_windows
from neurona.ops.fused.three_axes import lifted, six, three
from neurona.ops.windows import Pads
from neurona.tape import op
from neurona.tensor import Array

__all__ = ["average_pool_raw", "max_pool_places"]

Ints = tuple[int, ...]


def _check(name: str, x: Array, size: Ints, strides: Ints, pads: Pads) -> Ints:
    rank = len(size)
    if x.ndim != rank + 2 or len(strides) != rank or len(pads) != rank:
        raise ShapeError(
            f"{name} expected x of shape (batch, *space, channels) with {rank} spatial axes, and as many strides and "
            f"pads. Received: shape {x.shape}, strides {strides}, pads {pads}."
        )
    if any(p >= k for pair, k in zip(pads, size, strict=True) for p in pair):
        raise ShapeError(f"{name} expected pads smaller than the window {size}. Received: pads {pads}.")
    return check_windows(name, x, size, strides, pads, (1,) * rank)


def _at(places: tuple[slice, ...]) -> tuple[slice, ...]:
    return (slice(None), *places)


def _inner(wide: Array, space: Ints, pads: Pads) -> Array:
    """What lies within the padding."""
    return wide[_at(tuple(slice(before, before + n) for n, (before, _) in zip(space, pads, strict=True)))]


def _wide_zeros(x_shape: Ints, pads: Pads, dtype: Any) -> Array:
    space = (n + sum(p) for n, p in zip(x_shape[1:-1], pads, strict=True))
    return np.zeros((x_shape[0], *space, x_shape[-1]), dtype)


@op(
    cases=[
        spatial_case("N H W C", size=(2, 2), strides=(2, 2), pads=((0, 0), (0, 0)), least=2),
        spatial_case("N H W C", size=(3, 2), strides=(2, 1), pads=((1, 1), (0, 1))),
        spatial_case("N H W C", size=(2, 2), strides=(3, 3), pads=((0, 0), (0, 0)), least=2),
        spatial_case("N T C", size=(3,), strides=(2,), pads=((1, 0),), least=2),
        spatial_case("N 4 3 D C", size=(2, 2, 2), strides=(2, 1, 1), pads=((0, 0), (0, 1), (1, 0))),
    ],
    errors=[
        Failure("2 5 3", size=(2, 2), strides=(2, 2), pads=((0, 0), (0, 0)), match="with 2 spatial axes"),
        Failure("2 1 5 3", size=(2, 2), strides=(2, 2), pads=((0, 0), (0, 0)), match="a window that fits"),
        Failure("2 5 5 3", size=(2, 2), strides=(2, 2), pads=((2, 0), (0, 0)), match="pads smaller than the window"),
    ],
    promote="float",
)
def max_pool_places(x: Array, size: Ints, strides: Ints, pads: Pads) -> tuple[Array, Array]:
    """The largest number of every window, and where in the window it stands.

    y[n, i, j, c] = max over a, b of x[n, s i + a, s j + b, c],  likewise with one or three spatial axes

    Args:
        x: shape (N, *space, C).
        size: the window, one length for each spatial axis.
        strides: how far windows are apart.
        pads: places added before and after each spatial axis; they are never the largest.

    Returns:
        y of shape (N, *out, C); and the place of the first largest, counted row by row within the window, int32.

    Raises:
        ShapeError: a window that does not fit.

    >>> y, where = max_pool_places([[[1.0], [3.0], [2.0], [0.0]]], size=(2,), strides=(2,), pads=((0, 0),))
    >>> y.tolist(), where.tolist()
    ([[[3.0], [2.0]]], [[[1], [0]]])

    Source: Goodfellow, Bengio & Courville, "Deep Learning" (2016), section 9.3.
    """
    out = _check("max_pool_places", x, size, strides, pads)
    wide = padded(x, pads, -np.inf)
    count = math.prod(size)
    y = np.full((x.shape[0], *out, x.shape[-1]), -np.inf, x.dtype)
    where = np.zeros(y.shape, "uint8" if count < 256 else "int32")
    for number, (_, places) in enumerate(taps(size, strides, (1,) * len(size), out)):
        candidate = wide[_at(places)]
        larger = (candidate > y).view("uint8")
        np.maximum(where, larger * where.dtype.type(number), out=where)  # numbers rise: the last larger one stays
        np.maximum(y, candidate, out=y)
    if not (y > -np.inf).all():
        # no comparison finds these: the first NaN, or, where all is -inf, the first place that is no padding
        nowhere = y == -np.inf
        inside = padded(np.ones((1, *x.shape[1:-1], 1), bool), pads, False)
        for number, (_, places) in reversed([*enumerate(taps(size, strides, (1,) * len(size), out))]):
            where[np.isnan(wide[_at(places)]) | (nowhere & inside[_at(places)])] = number
    return y, where.astype("int32")


@max_pool_places.gradient
def _(
    g: tuple[Array | None, Array | None], y: tuple[Array, Array], x: Array, size: Ints, strides: Ints, pads: Pads
) -> Array | None:
    given, where = g[0], y[1]
    if given is None:
        return None
    wide = _wide_zeros(x.shape, pads, x.dtype)
    for number, (_, places) in enumerate(taps(size, strides, (1,) * len(size), where.shape[1:-1])):
        wide[_at(places)] += given * (where == number)  # windows may share a place
    return _inner(wide, x.shape[1:-1], pads)


@max_pool_places.fast
def _(x: Array, size: Ints, strides: Ints, pads: Pads) -> Any:
    rank = len(size)
    if not x.ndim - 2 == rank == len(strides) == len(pads):
        return NotImplemented
    found = kernels.native.max_pool(lifted(x, rank, 1), three(size), three(strides), six(pads))
    if found is NotImplemented:
        return NotImplemented
    shape = (found[0].shape[0], *found[0].shape[4 - rank :])
    return tuple(part.reshape(shape) for part in found)


@max_pool_places.fast_gradient
def _(
    g: tuple[Array | None, Array | None],
    y: tuple[Array, Array],
    x: Array,
    needs: tuple[bool],
    size: Ints,
    strides: Ints,
    pads: Pads,
) -> Any:
    given, where = g[0], y[1]
    if given is None:
        return NotImplemented
    rank = len(size)
    space = three(x.shape[1:-1])
    dx = kernels.native.max_pool_backward(
        lifted(given, rank, 1),
        lifted(where, rank, 1),
        space,
        three(size),
        three(strides),
        six(pads),
    )
    return dx if dx is NotImplemented else dx.reshape(x.shape)


# -- the mean --------------------------------------------------------------------------------------------------------


@op(
    cases=[
        spatial_case("N H W C", size=(2, 2), strides=(2, 2), pads=((0, 0), (0, 0)), least=2),
        spatial_case("N H W C", size=(3, 2), strides=(2, 1), pads=((1, 2), (0, 1))),
        spatial_case("N T C", size=(2,), strides=(3,), pads=((0, 1),)),
        spatial_case("N 4 3 D C", size=(2, 2, 2), strides=(2, 1, 1), pads=((0, 0), (0, 1), (1, 0))),
    ],
    errors=[
        Failure("2 5 3", size=(2, 2), strides=(2, 2), pads=((0, 0), (0, 0)), match="with 2 spatial axes"),
        Failure("2 1 5 3", size=(2, 2), strides=(2, 2), pads=((0, 0), (0, 0)), match="a window that fits"),
        Failure("2 5 5 3", size=(2, 2), strides=(2, 2), pads=((0, 0), (0, 3)), match="pads smaller than the window"),
    ],
    promote="float",
)
def average_pool_raw(x: Array, size: Ints, strides: Ints, pads: Pads) -> Array:
    """The mean of every window; padding is not counted.

    y[n, i, j, c] = mean over those (a, b) that lie in x of x[n, s i + a, s j + b, c],  likewise with one or three axes

    Args:
        x: shape (N, *space, C).
        size: the window, one length for each spatial axis.
        strides: how far windows are apart.
        pads: places added before and after each spatial axis.

    Returns:
        shape (N, *out, C).

    Raises:
        ShapeError: a window that does not fit.

    >>> average_pool_raw([[[1.0], [3.0], [2.0]]], size=(2,), strides=(2,), pads=((0, 1),))
    Tensor([[[2.],
            [2.]]], dtype=float32)

    Source: LeCun, Bottou, Bengio & Haffner, "Gradient-based learning applied to document recognition" (1998).
    """
    out = _check("average_pool_raw", x, size, strides, pads)
    wide = padded(x, pads)
    y = np.zeros((x.shape[0], *out, x.shape[-1]), x.dtype)
    for _, places in taps(size, strides, (1,) * len(size), out):
        y += wide[_at(places)]
    return y / _counts(x, size, strides, pads, out)


def _counts(x: Array, size: Ints, strides: Ints, pads: Pads, out: Ints) -> Array:
    """How many places of each window lie in the picture: one number, or (*out, 1)."""
    if not any(map(any, pads)):
        return np.asarray(math.prod(size), x.dtype)
    inside = padded(np.ones((1, *x.shape[1:-1], 1), x.dtype), pads)
    counts = np.zeros((*out, 1), x.dtype)
    for _, places in taps(size, strides, (1,) * len(size), out):
        counts += inside[_at(places)][0]
    return counts


@average_pool_raw.gradient
def _(g: Array, y: Array, x: Array, size: Ints, strides: Ints, pads: Pads) -> Array:
    shares = g / _counts(x, size, strides, pads, y.shape[1:-1])
    wide = _wide_zeros(x.shape, pads, x.dtype)
    for _, places in taps(size, strides, (1,) * len(size), y.shape[1:-1]):
        wide[_at(places)] += shares
    return _inner(wide, x.shape[1:-1], pads)


@average_pool_raw.fast
def _(x: Array, size: Ints, strides: Ints, pads: Pads) -> Any:
    rank = len(size)
    if not x.ndim - 2 == rank == len(strides) == len(pads):
        return NotImplemented
    y = kernels.native.average_pool(lifted(x, rank, 1), three(size), three(strides), six(pads))
    return y if y is NotImplemented else y.reshape(y.shape[0], *y.shape[4 - rank :])


@average_pool_raw.fast_gradient
def _(g: Array, y: Array, x: Array, needs: tuple[bool], size: Ints, strides: Ints, pads: Pads) -> Any:
    rank = len(size)
    space = three(x.shape[1:-1])
    dx = kernels.native.average_pool_backward(lifted(g, rank, 1), space, three(size), three(strides), six(pads))
    return dx if dx is NotImplemented else dx.reshape(x.shape)
