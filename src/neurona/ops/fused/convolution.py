"""convolve: every window of a picture, weighted and summed, for each filter; with bias and activation in one op."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from neurona import kernels
from neurona.cases import Failure
from neurona.errors import ShapeError, UnknownNameError
from neurona.ops.fused.columns import blocks, columns, padded, spatial_case, taps, window_counts
from neurona.ops.fused.dense import FUSED_ACTIVATIONS, activate, slope
from neurona.ops.fused.three_axes import backward_on_three_axes, forward_on_three_axes, gapless, six, three
from neurona.ops.windows import Pads
from neurona.tape import op
from neurona.tensor import Array

__all__ = ["check_convolution", "convolution_gradients", "convolve", "finish", "numbers_each", "products"]

Ints = tuple[int, ...]
Needs = tuple[bool, bool, bool]
Triple = tuple[Array | None, Array | None, Array | None]


def check_convolution(
    name: str, x: Array, kernel: Array, bias: Array | None, strides: Ints, pads: Pads, dilation: Ints, groups: int
) -> Ints:
    """The lengths of the result's spatial axes, or the error that tells what does not fit."""
    rank = len(strides)
    if x.ndim != rank + 2 or kernel.ndim != rank + 2:
        raise ShapeError(
            f"{name} expected x of shape (batch, *space, channels) and a kernel of shape (*window, channels, filters), "
            f"both with {rank} spatial axes. Received: shapes {x.shape} and {kernel.shape}."
        )
    if len(pads) != rank or len(dilation) != rank:
        raise ShapeError(f"{name} expected {rank} pads and dilations. Received: pads={pads}, dilation={dilation}.")
    if x.shape[-1] != kernel.shape[-2] * groups:
        raise ShapeError(
            f"{name} expected {kernel.shape[-2] * groups} channels on the last axis, {kernel.shape[-2]} for each of "
            f"{groups} groups. Received: shape {x.shape}."
        )
    if groups < 1 or kernel.shape[-1] % groups:
        raise ShapeError(
            f"{name} expected a number of filters that its {groups} groups divide. Received: {kernel.shape[-1]} filters."
        )
    if bias is not None and bias.shape != kernel.shape[-1:]:
        raise ShapeError(f"{name} expected a bias of shape {kernel.shape[-1:]}. Received: shape {bias.shape}.")
    return check_windows(name, x, kernel.shape[:rank], strides, pads, dilation)


def check_windows(name: str, x: Array, size: Ints, strides: Ints, pads: Pads, dilation: Ints) -> Ints:
    """How many windows there are along each spatial axis of `x`; an error where none fits."""
    out = window_counts(x.shape[1:-1], size, strides, pads, dilation)
    if any(n < 1 for n in out) or any(k < 1 for k in size):
        raise ShapeError(
            f"{name} expected a window that fits into its padded input. Received: window {size}, dilation {dilation}, "
            f"shape {x.shape}, pads {pads}. Take a smaller window, or padding='same'."
        )
    return out


def products(x: Array, kernel: Array, strides: Ints, pads: Pads, dilation: Ints, groups: int, block: slice) -> Array:
    """The weighted sums of some samples: (samples, *out, F)."""
    size, per_group = kernel.shape[:-2], kernel.shape[-2]
    wide = padded(x[block], pads)
    out = window_counts(wide.shape[1:-1], size, strides, ((0, 0),) * len(size), dilation)
    filters = kernel.shape[-1] // groups
    parts = []
    for i in range(groups):
        rows = columns(wide[..., i * per_group : (i + 1) * per_group], size, strides, dilation)
        weights = kernel[..., i * filters : (i + 1) * filters].reshape(rows.shape[1], filters)
        parts.append(rows @ weights)  # (N out, K C/groups) @ (K C/groups, F/groups)
    z = parts[0] if groups == 1 else np.concatenate(parts, axis=1)
    return z.reshape(wide.shape[0], *out, kernel.shape[-1])


def finish(z: Array, bias: Array | None, activation: str) -> Array:
    """Bias and activation, on sums that nobody else holds."""
    if bias is not None:
        z += bias
    return np.maximum(z, 0, out=z) if activation == "relu" else activate(z, activation)


def numbers_each(out: Ints, kernel: Array) -> int:
    """How many numbers the columns of one sample are, or its result, if that is more."""
    each: int = max(math.prod(kernel.shape[:-1]), kernel.shape[-1])
    return math.prod(out) * each


@op(
    cases=[
        spatial_case("N H W C", "3 3 C F", "F", least=3),
        spatial_case("N H W C", "3 3 C F", "F", pads=((1, 1), (0, 2)), activation="relu"),
        spatial_case("N H W C", "3 2 C F", "F", strides=(2, 1), pads=((1, 0), (0, 1)), activation="tanh", least=2),
        spatial_case("N H W C", "2 3 C F", None, dilation=(2, 1), pads=((1, 2), (2, 2)), activation="sigmoid"),
        spatial_case("N H W 4", "2 2 2 6", "6", groups=2, strides=(2, 2), least=2),
        spatial_case("N H W C", "1 1 C F", "F"),
        spatial_case("N T C", "3 C F", "F", strides=(1,), pads=((2, 0),), dilation=(1,), activation="relu"),
        spatial_case(
            "N D 3 4 C",
            "2 2 3 C 2",
            "2",
            strides=(1, 2, 1),
            pads=((0, 0), (1, 0), (1, 1)),
            dilation=(1, 1, 1),
            least=2,
        ),
    ],
    errors=[
        Failure("2 5 5 4", "3 3 3 6", "6", match="convolve expected 3 channels"),
        Failure("2 5 5 3", "3 3 3 6", "5", match="expected a bias of shape (6,)"),
        Failure("2 5 3", "3 3 3 6", "6", match="both with 2 spatial axes"),
        Failure("2 5 5 3", "3 3 3 6", None, dilation=(1,), match="expected 2 pads and dilations"),
        Failure("2 2 5 3", "3 3 3 6", None, match="a window that fits"),
        Failure("2 5 5 4", "3 3 2 5", None, groups=2, match="2 groups divide. Received: 5 filters"),
        Failure("2 5 5 3", "3 3 3 6", None, activation="rely", match="Did you mean 'relu'?"),
    ],
    promote="binary float",
)
def convolve(
    x: Array,
    kernel: Array,
    bias: Array | None = None,
    strides: Ints = (1, 1),
    pads: Pads = ((0, 0), (0, 0)),
    dilation: Ints = (1, 1),
    groups: int = 1,
    activation: str = "linear",
) -> Array:
    """A convolutional layer: each window's weighted sums, a bias for each filter, an activation.

    y[n, i, j, f] = activation(bias[f] + sum over a, b, c of x[n, s i + d a, s j + d b, c] kernel[a, b, c, f])

    with x padded by zeros, strides s, dilation d; likewise with one or three spatial axes.

    Args:
        x: shape (N, *space, C).
        kernel: shape (*K, C / groups, F).
        bias: shape (F,), or None.
        strides: how far windows are apart, one for each spatial axis.
        pads: zeros before and after each spatial axis.
        dilation: how far the places within a window are apart.
        groups: the channels and the filters fall into so many parts, which do not see each other.
        activation: "linear", "relu", "tanh" or "sigmoid".

    Returns:
        shape (N, *out, F).

    Raises:
        ShapeError: shapes that do not fit.
        UnknownNameError: another activation.

    >>> convolve([[[1.0], [2.0], [4.0]]], [[[1.0]], [[-1.0]]], strides=(1,), pads=((0, 0),), dilation=(1,))
    Tensor([[[-1.],
            [-2.]]], dtype=float32)

    Source: Goodfellow, Bengio & Courville, "Deep Learning" (2016), chapter 9.
    """
    if activation not in FUSED_ACTIVATIONS:
        raise UnknownNameError.among("activation of convolve", activation, FUSED_ACTIVATIONS)
    out = check_convolution("convolve", x, kernel, bias, strides, pads, dilation, groups)
    y = np.empty((x.shape[0], *out, kernel.shape[-1]), x.dtype)
    for block in blocks(x.shape[0], numbers_each(out, kernel), x.itemsize):
        y[block] = finish(products(x, kernel, strides, pads, dilation, groups, block), bias, activation)
    return y


def convolution_gradients(
    gz: Callable[[slice], Array],
    x: Array,
    kernel: Array,
    strides: Ints,
    pads: Pads,
    dilation: Ints,
    groups: int,
    needs: Needs,
) -> Triple:
    """The gradients of x, kernel and bias, from that of the weighted sums.

    Args:
        gz: gives the gradient of the sums of some samples, (samples, *out, F).
    """
    size, per_group, filters = kernel.shape[:-2], kernel.shape[-2], kernel.shape[-1] // groups
    out = window_counts(x.shape[1:-1], size, strides, pads, dilation)
    inner = tuple(slice(before, before + n) for n, (before, _) in zip(x.shape[1:-1], pads, strict=True))
    dx = np.empty_like(x, order="C") if needs[0] else None
    dkernel, dbias = np.zeros_like(kernel, order="C"), np.zeros(kernel.shape[-1:], kernel.dtype)
    for block in blocks(x.shape[0], numbers_each(out, kernel), x.itemsize):
        g = gz(block)
        g_rows = g.reshape(int(np.prod(g.shape[:-1])), g.shape[-1])
        wide = padded(x[block], pads)
        dwide = np.zeros_like(wide, order="C") if needs[0] else None
        for i in range(groups):
            part = (..., slice(i * per_group, (i + 1) * per_group))
            of_group = (..., slice(i * filters, (i + 1) * filters))
            if needs[1]:
                rows = columns(wide[part], size, strides, dilation)
                dkernel[of_group] += (rows.T @ g_rows[of_group]).reshape(*size, per_group, filters)
            if dwide is not None:
                for tap, places in taps(size, strides, dilation, out):  # a product a tap: it is added from the cache
                    here: Any = (slice(None), *places, part[1])
                    of_tap = g_rows[of_group] @ kernel[tap][of_group].T  # (N out, F) @ (F, C)
                    dwide[here] += of_tap.reshape(wide.shape[0], *out, per_group)
        if needs[2]:
            dbias += np.ones(len(g_rows), g_rows.dtype) @ g_rows  # the sum over rows; a product is the faster way
        if dx is not None and dwide is not None:
            dx[block] = dwide[(slice(None), *inner)]
    return dx, dkernel if needs[1] else None, dbias if needs[2] else None


@convolve.gradient
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
    groups: int = 1,
    activation: str = "linear",
) -> Triple:
    def gz(block: slice) -> Array:
        return np.asarray(g[block] * slope(y[block], activation))

    return convolution_gradients(gz, x, kernel, strides, pads, dilation, groups, needs)


# -- the compiled twin ---------------------------------------------------------------------------------------------


def is_plain_3x3(
    x: Array, kernel: Array, strides: Ints, pads: Pads, dilation: Ints, groups: int, activation: str
) -> bool:
    """Whether the kernels for 3x3 windows serve."""
    return (
        kernel.shape[:-2] == (3, 3)
        and all(n + sum(p) >= 3 for n, p in zip(x.shape[1:-1], pads, strict=True))
        and tuple(strides) == (1, 1)
        and tuple(dilation) == (1, 1)
        and groups == 1
        and activation in ("linear", "relu")
        and all(0 <= p <= 2 for pair in pads for p in pair)
    )


@convolve.fast
def _(
    x: Array,
    kernel: Array,
    bias: Array | None = None,
    strides: Ints = (1, 1),
    pads: Pads = ((0, 0), (0, 0)),
    dilation: Ints = (1, 1),
    groups: int = 1,
    activation: str = "linear",
) -> Any:
    rank = len(strides)
    if activation not in FUSED_ACTIVATIONS or not x.ndim == kernel.ndim == rank + 2 == len(pads) + 2:
        return NotImplemented
    x, kernel = gapless(x), gapless(kernel)
    if is_plain_3x3(x, kernel, strides, pads, dilation, groups, activation):
        y = kernels.native.conv3x3(x, kernel, bias, six(pads)[2:], FUSED_ACTIVATIONS[activation], 0, 0)
        if y is not NotImplemented:
            return y
    geometry = (three(strides), six(pads), three(dilation), groups, FUSED_ACTIVATIONS[activation])
    return forward_on_three_axes(kernels.native.conv, x, kernel, bias, geometry)


@convolve.fast_gradient
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
    groups: int = 1,
    activation: str = "linear",
) -> Any:
    g, y, x, kernel = gapless(g), gapless(y), gapless(x), gapless(kernel)
    if is_plain_3x3(x, kernel, strides, pads, dilation, groups, activation):
        number = FUSED_ACTIVATIONS[activation]
        found = kernels.native.conv3x3_backward(g, y, None, x, kernel, six(pads)[2:], number, *needs, 0)
        if found is not NotImplemented:
            return found
    geometry = (three(strides), six(pads), three(dilation), groups, FUSED_ACTIVATIONS[activation])
    return backward_on_three_axes(kernels.native.conv_backward, g, y, x, kernel, geometry, needs)
