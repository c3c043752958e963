"""depthwise: every channel of a picture convolved by filters of its own."""

from __future__ import annotations

from typing import Any

import numpy as np

from neurona import kernels
from neurona.cases import Failure
from neurona.errors import ShapeError, UnknownNameError
from neurona.ops.fused.columns import blocks, padded, spatial_case, taps
from neurona.ops.fused.convolution import check_windows, finish
from neurona.ops.fused.dense import FUSED_ACTIVATIONS, slope
from neurona.ops.fused.three_axes import backward_on_three_axes, forward_on_three_axes, six, three
from neurona.ops.windows import Pads
from neurona.tape import op
from neurona.tensor import Array

__all__ = ["depthwise"]

Ints = tuple[int, ...]
Needs = tuple[bool, bool, bool]
Triple = tuple[Array | None, Array | None, Array | None]


def _check(x: Array, kernel: Array, bias: Array | None, strides: Ints, pads: Pads, dilation: Ints) -> Ints:
    rank = len(strides)
    if not x.ndim == kernel.ndim == rank + 2 or len(pads) != rank or len(dilation) != rank:
        raise ShapeError(
            "depthwise expected x of shape (batch, *space, channels) and a kernel of shape (*window, channels, "
            f"multiplier), both with {rank} spatial axes. Received: shapes {x.shape} and {kernel.shape}, pads {pads}, "
            f"dilation {dilation}."
        )
    if x.shape[-1] != kernel.shape[-2]:
        raise ShapeError(f"depthwise expected {kernel.shape[-2]} channels on the last axis. Received: shape {x.shape}.")
    count = kernel.shape[-2] * kernel.shape[-1]
    if bias is not None and bias.shape != (count,):
        raise ShapeError(f"depthwise expected a bias of shape ({count},). Received: shape {bias.shape}.")
    return check_windows("depthwise", x, kernel.shape[:rank], strides, pads, dilation)


def _blocks(x: Array, kernel: Array, out: Ints) -> Any:
    """Blocks of samples whose products stay in the cache; a product is made for each tap anew."""
    return blocks(x.shape[0], int(np.prod(out)) * kernel.shape[-2] * kernel.shape[-1] * 2, x.itemsize)


@op(
    cases=[
        spatial_case("N H W C", "3 3 C 1", "C", least=3),
        spatial_case("N H W 2", "3 2 2 3", "6", strides=(2, 1), pads=((1, 1), (0, 1)), activation="relu"),
        spatial_case("N H W C", "2 2 C 2", None, dilation=(1, 2), pads=((0, 1), (1, 1)), activation="tanh"),
        spatial_case("N T C", "3 C 1", "C", strides=(2,), pads=((2, 0),), dilation=(1,), activation="sigmoid"),
        spatial_case("N D 2 3 2", "2 1 2 2 1", "2", strides=(1, 1, 1), pads=((1, 0),) * 3, dilation=(1, 1, 1)),
    ],
    errors=[
        Failure("2 5 5 4", "3 3 3 2", "6", match="depthwise expected 3 channels"),
        Failure("2 5 5 3", "3 3 3 2", "5", match="expected a bias of shape (6,)"),
        Failure("2 5 3", "3 3 3 2", "6", match="both with 2 spatial axes"),
        Failure("2 2 5 3", "3 3 3 2", "6", match="a window that fits"),
        Failure("2 5 5 3", "3 3 3 2", "6", activation="rely", match="Did you mean 'relu'?"),
    ],
    promote="binary float",
)
def depthwise(
    x: Array,
    kernel: Array,
    bias: Array | None = None,
    strides: Ints = (1, 1),
    pads: Pads = ((0, 0), (0, 0)),
    dilation: Ints = (1, 1),
    activation: str = "linear",
) -> Array:
    """A depthwise convolution: M filters for each channel, which see that channel alone; bias and activation.

    y[n, i, j, c M + m] = activation(bias[c M + m] + sum over a, b of x[n, s i + d a, s j + d b, c] kernel[a, b, c, m])

    Args:
        x: shape (N, *space, C).
        kernel: shape (*K, C, M).
        bias: shape (C M,), or None.
        strides, pads, dilation: as in `convolve`.
        activation: "linear", "relu", "tanh" or "sigmoid".

    Returns:
        shape (N, *out, C M).

    Raises:
        ShapeError: shapes that do not fit.
        UnknownNameError: another activation.

    >>> depthwise([[[1.0, 1.0], [2.0, 3.0]]], [[[10.0], [1.0]], [[1.0], [1.0]]], strides=(1,), pads=((0, 0),), dilation=(1,))
    Tensor([[[12.,  4.]]], dtype=float32)

    Source: Chollet, "Xception: deep learning with depthwise separable convolutions" (2017).
    """
    if activation not in FUSED_ACTIVATIONS:
        raise UnknownNameError.among("activation of depthwise", activation, FUSED_ACTIVATIONS)
    out = _check(x, kernel, bias, strides, pads, dilation)
    channels, each = kernel.shape[-2:]
    y = np.empty((x.shape[0], *out, channels * each), x.dtype)
    for block in _blocks(x, kernel, out):
        wide = padded(x[block], pads)
        z = np.zeros((wide.shape[0], *out, channels, each), x.dtype)
        for tap, places in taps(kernel.shape[:-2], strides, dilation, out):
            z += wide[(slice(None), *places)][..., None] * kernel[tap]  # (N, *out, C, 1) * (C, M)
        y[block] = finish(z.reshape(y[block].shape), bias, activation)
    return y


@depthwise.gradient
def _(
    g: Array,
    y: Array,
    x: Array,
    kernel: Array,
    bias: Array | None,
    needs: Needs,
    strides: Ints = (1, 1),
    pads: Pads = ((0, 0), (0, 0)),
    dilation: Ints = (1, 1),
    activation: str = "linear",
) -> Triple:
    rank, out = len(strides), y.shape[1:-1]
    inner = tuple(slice(before, before + n) for n, (before, _) in zip(x.shape[1:-1], pads, strict=True))
    dx, dkernel = np.empty_like(x, order="C"), np.zeros_like(kernel, order="C")
    dbias = np.zeros(y.shape[-1:], y.dtype)
    for block in _blocks(x, kernel, out):
        flat = np.asarray(g[block] * slope(y[block], activation))
        gz = flat.reshape(*flat.shape[:-1], *kernel.shape[-2:])
        dbias += flat.sum(axis=tuple(range(rank + 1)))
        wide = padded(x[block], pads)
        dwide = np.zeros_like(wide, order="C")
        for tap, places in taps(kernel.shape[:-2], strides, dilation, out):
            seen = wide[(slice(None), *places)]
            if needs[0]:
                dwide[(slice(None), *places)] += (gz * kernel[tap]).sum(axis=-1)
            if needs[1]:
                dkernel[tap] += (seen[..., None] * gz).sum(axis=tuple(range(rank + 1)))
        dx[block] = dwide[(slice(None), *inner)]
    return dx if needs[0] else None, dkernel if needs[1] else None, dbias if needs[2] else None


@depthwise.fast
def _(
    x: Array,
    kernel: Array,
    bias: Array | None = None,
    strides: Ints = (1, 1),
    pads: Pads = ((0, 0), (0, 0)),
    dilation: Ints = (1, 1),
    activation: str = "linear",
) -> Any:
    rank = len(strides)
    if (
        activation not in FUSED_ACTIVATIONS
        or not x.ndim == kernel.ndim == rank + 2 == len(pads) + 2 == len(dilation) + 2
    ):
        return NotImplemented
    geometry = (three(strides), six(pads), three(dilation), FUSED_ACTIVATIONS[activation])
    return forward_on_three_axes(kernels.native.depthwise, x, kernel, bias, geometry)


@depthwise.fast_gradient
def _(
    g: Array,
    y: Array,
    x: Array,
    kernel: Array,
    bias: Array | None,
    needs: Needs,
    strides: Ints = (1, 1),
    pads: Pads = ((0, 0), (0, 0)),
    dilation: Ints = (1, 1),
    activation: str = "linear",
) -> Any:
    geometry = (three(strides), six(pads), three(dilation), FUSED_ACTIVATIONS[activation])
    return backward_on_three_axes(kernels.native.depthwise_backward, g, y, x, kernel, geometry, needs)
