"""Windows of a picture as the rows of a matrix, so that a convolution becomes one product of matrices ("im2col").

Arrays are channels last, with one to three spatial axes. A window of a padded picture ``(N, *space, C)`` is the numbers
under the kernel, ``(*K, C)``; written as a row, all windows make a matrix of ``prod(K) C`` columns, and a filter is a
column of weights. The matrix is many times larger than the picture, therefore it is made for a few samples at a time:
it then stays in the cache, and so does the product until bias and activation are applied.

Source: Chellapilla, Puri & Simard, "High performance convolutional neural networks for document processing" (2006).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from neurona.cases import Case
from neurona.ops.windows import Pads, span_of
from neurona.tensor import Array

__all__ = [
    "blocks",
    "columns",
    "padded",
    "spatial_case",
    "taps",
    "window_counts",
    "windows",
]

_BLOCK_BYTES = 1 << 21  # the columns of one block: small enough for a core's cache
_FEW_CHANNELS = 8  # below that, a window's neighbouring numbers are too few to be copied as one run

Ints = tuple[int, ...]


def spatial_case(*inputs: Any, least: int = 1, **attributes: Any) -> Case:
    """A case to check with small pictures (axes D, H, W, T at least so long) of many channels."""
    sizes = dict.fromkeys("DHWT", least)
    return Case(*inputs, sizes=sizes, largest={"N": 3, "D": 5, "H": 13, "W": 13}, **attributes)


def window_counts(space: Ints, size: Ints, strides: Ints, pads: Pads, dilation: Ints) -> Ints:
    """How many windows there are along each axis of the padded picture (0 or less: the window does not fit)."""
    return tuple(
        (n + before + after - span_of(k, d)) // s + 1
        for n, k, s, (before, after), d in zip(space, size, strides, pads, dilation, strict=True)
    )


def padded(x: Array, pads: Pads, value: float = 0.0) -> Array:
    """`x` with its spatial axes padded by `value`; itself where there is nothing to pad."""
    if not any(map(any, pads)):
        return x
    space = x.shape[1:-1]
    wide = np.full((x.shape[0], *(n + sum(p) for n, p in zip(space, pads, strict=True)), x.shape[-1]), value, x.dtype)
    wide[(slice(None), *(slice(p[0], p[0] + n) for n, p in zip(space, pads, strict=True)))] = x
    return wide


def windows(x: Array, size: Ints, strides: Ints, dilation: Ints) -> Array:
    """Every window of a padded picture, as a view of it: (N, *out, *K, C).

    >>> windows(np.arange(4.0).reshape(1, 4, 1), (2,), (1,), (1,))[0, :, :, 0]
    array([[0., 1.],
           [1., 2.],
           [2., 3.]])
    """
    out = window_counts(x.shape[1:-1], size, strides, ((0, 0),) * len(size), dilation)
    along = x.strides[1:-1]
    steps = (
        *(s * b for s, b in zip(strides, along, strict=True)),
        *(d * b for d, b in zip(dilation, along, strict=True)),
    )
    return np.lib.stride_tricks.as_strided(
        x, (x.shape[0], *out, *size, x.shape[-1]), (x.strides[0], *steps, x.strides[-1]), writeable=False
    )


def columns(x: Array, size: Ints, strides: Ints, dilation: Ints) -> Array:
    """The windows of a padded picture as rows of a matrix: (N prod(out), prod(K) C)."""
    view, rank = windows(x, size, strides, dilation), len(size)
    width = int(np.prod(view.shape[rank + 1 :]))
    if x.shape[-1] >= _FEW_CHANNELS:
        return np.ascontiguousarray(view).reshape(int(np.prod(view.shape[: rank + 1])), width)
    # copied tap by tap, where runs are as long as a picture is wide; the matrix then lies on its side in memory
    sideways = view.transpose(*range(rank + 1, 2 * rank + 2), *range(rank + 1))
    return np.ascontiguousarray(sideways).reshape(width, int(np.prod(view.shape[: rank + 1]))).T


def taps(size: Ints, strides: Ints, dilation: Ints, out: Ints) -> Iterator[tuple[Ints, tuple[slice, ...]]]:
    """Each place in a window, and where the windows' numbers of this place lie in the padded picture."""
    for tap in np.ndindex(*size):
        starts = (i * d for i, d in zip(tap, dilation, strict=True))
        yield (
            tap,
            tuple(slice(start, start + s * (n - 1) + 1, s) for start, s, n in zip(starts, strides, out, strict=True)),
        )


def blocks(samples: int, numbers_each: int, itemsize: int) -> Iterator[slice]:
    """Slices of the batch whose columns together take about two megabytes."""
    step = max(1, _BLOCK_BYTES // max(1, numbers_each * itemsize))
    for start in range(0, samples, step):
        yield slice(start, min(start + step, samples))
