"""convolve_transposed: the gradient of a convolution by its input, as an operation of its own: it makes pictures larger."""

from __future__ import annotations

from typing import Any

import numpy as np

from neurona import kernels
from neurona.cases import Failure
from neurona.errors import ShapeError
from neurona.ops.fused.columns import spatial_case, window_counts
from neurona.ops.fused.convolution import convolution_gradients, products
from neurona.ops.fused.three_axes import lifted, six, three
from neurona.ops.windows import Pads, span_of
from neurona.tape import op
from neurona.tensor import Array

__all__ = ["convolve_transposed"]

Ints = tuple[int, ...]
Needs = tuple[bool, bool, bool]
Triple = tuple[Array | None, Array | None, Array | None]


def _space(x: Array, kernel: Array, strides: Ints, pads: Pads, dilation: Ints, shape: Ints | None) -> Ints:
    """The spatial axes of the result: `shape`, or the smallest whose convolution gives x's."""
    if shape is not None:
        return shape
    axes = zip(x.shape[1:-1], kernel.shape, strides, pads, dilation, strict=False)
    return tuple((n - 1) * s + span_of(k, d) - before - after for n, k, s, (before, after), d in axes)


def _check(
    x: Array, kernel: Array, bias: Array | None, strides: Ints, pads: Pads, dilation: Ints, shape: Ints | None
) -> Ints:
    rank = len(strides)
    if not x.ndim == kernel.ndim == rank + 2:
        raise ShapeError(
            "convolve_transposed expected x of shape (batch, *space, channels) and a kernel of shape (*window, filters, "
            f"channels), both with {rank} spatial axes. Received: shapes {x.shape} and {kernel.shape}."
        )
    if x.shape[-1] != kernel.shape[-1]:
        raise ShapeError(
            f"convolve_transposed expected {kernel.shape[-1]} channels on the last axis. Received: shape {x.shape}."
        )
    if bias is not None and bias.shape != kernel.shape[-2:-1]:
        raise ShapeError(f"convolve_transposed expected a bias of shape {kernel.shape[-2:-1]}. Received: {bias.shape}.")
    space = _space(x, kernel, strides, pads, dilation, shape)
    if min(space) < 1 or window_counts(space, kernel.shape[:-2], strides, pads, dilation) != x.shape[1:-1]:
        raise ShapeError(
            f"convolve_transposed expected a shape whose convolution (window {kernel.shape[:-2]}, strides {strides}, "
            f"pads {pads}, dilation {dilation}) has the size {x.shape[1:-1]}. Received: shape={space}. "
            "Choose another output_padding."
        )
    return space


@op(
    cases=[
        spatial_case("N H W C", "3 3 F C", "F"),
        spatial_case("N H W C", "3 2 F C", "F", strides=(2, 1), pads=((1, 0), (0, 1))),
        spatial_case("N 3 2 C", "2 2 F C", None, strides=(3, 2), pads=((0, 0), (0, 0)), shape=(9, 5)),
        spatial_case("N T C", "3 F C", "F", strides=(1,), pads=((1, 1),), dilation=(2,)),
        spatial_case(
            "N 2 T 2 C",
            "2 3 1 2 C",
            "2",
            strides=(2, 1, 1),
            pads=((0, 0), (1, 1), (0, 0)),
            dilation=(1, 1, 1),
        ),
    ],
    errors=[
        Failure("2 5 5 4", "3 3 6 3", "6", match="convolve_transposed expected 3 channels"),
        Failure("2 5 5 3", "3 3 6 3", "3", match="expected a bias of shape (6,)"),
        Failure("2 5 3", "3 3 6 3", "6", match="both with 2 spatial axes"),
        Failure("2 5 5 3", "3 3 6 3", "6", shape=(8, 7), match="Received: shape=(8, 7)"),
    ],
    promote="binary float",
)
def convolve_transposed(
    x: Array,
    kernel: Array,
    bias: Array | None = None,
    strides: Ints = (1, 1),
    pads: Pads = ((0, 0), (0, 0)),
    dilation: Ints = (1, 1),
    shape: Ints | None = None,
) -> Array:
    """A transposed convolution: every number of x lays down a copy of the kernel, times itself; copies add up.

    y[n, s i + d a - p, s j + d b - q, f] += sum over c of x[n, i, j, c] kernel[a, b, f, c],  then + bias[f]

    It is the gradient, by its input, of the convolution with the same strides s, pads p and q, and dilation d.

    Args:
        x: shape (N, *space, C).
        kernel: shape (*K, F, C).
        bias: shape (F,), or None.
        strides: how far the copies are apart.
        pads: what is cut off before and after each spatial axis.
        dilation: how far the places within a copy are apart.
        shape: the spatial axes of the result: with strides above 1 several fit; the smallest by default.

    Returns:
        shape (N, *shape, F).

    Raises:
        ShapeError: shapes that do not fit.

    >>> convolve_transposed([[[1.0], [2.0]]], [[[1.0]], [[10.0]]], strides=(2,), pads=((0, 0),), dilation=(1,))[0, :, 0]
    Tensor([ 1., 10.,  2., 20.], dtype=float32)

    Source: Dumoulin & Visin, "A guide to convolution arithmetic for deep learning" (2016), chapter 4.
    """
    space = _check(x, kernel, bias, strides, pads, dilation, shape)
    picture = np.broadcast_to(x.dtype.type(0), (x.shape[0], *space, kernel.shape[-2]))  # only its shape is asked for
    y, _, _ = convolution_gradients(x.__getitem__, picture, kernel, strides, pads, dilation, 1, (True, False, False))
    assert y is not None
    if bias is not None:
        y += bias
    return y


@convolve_transposed.gradient
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
    shape: Ints | None = None,
) -> Triple:
    everything = slice(None)
    dx = products(g, kernel, strides, pads, dilation, 1, everything) if needs[0] else None
    # y depends on the kernel as g's convolution does, with x in the place of the result's gradient
    _, dkernel, _ = convolution_gradients(
        x.__getitem__, g, kernel, strides, pads, dilation, 1, (False, needs[1], False)
    )
    return dx, dkernel, g.sum(axis=tuple(range(g.ndim - 1))) if needs[2] else None


@convolve_transposed.fast
def _(
    x: Array,
    kernel: Array,
    bias: Array | None = None,
    strides: Ints = (1, 1),
    pads: Pads = ((0, 0), (0, 0)),
    dilation: Ints = (1, 1),
    shape: Ints | None = None,
) -> Any:
    rank = len(strides)
    if not x.ndim == kernel.ndim == rank + 2:
        return NotImplemented
    space = _check(x, kernel, bias, strides, pads, dilation, shape)
    if bias is not None and bias.dtype != x.dtype:
        return NotImplemented
    y = kernels.native.conv_input_gradient(
        lifted(x, rank, 1),
        lifted(kernel, rank, 0),
        three(space),
        three(strides),
        six(pads),
        three(dilation),
        1,
    )
    if y is NotImplemented:
        return NotImplemented
    y = y.reshape(x.shape[0], *space, kernel.shape[-2])
    if bias is not None:
        y += bias
    return y


@convolve_transposed.fast_gradient
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
    shape: Ints | None = None,
) -> Any:
    rank = len(strides)
    geometry = (three(strides), six(pads), three(dilation), 1)
    wide, small = lifted(g, rank, 1), lifted(x, rank, 1)
    dx = dkernel = None
    if needs[0]:
        dx = kernels.native.conv(wide, lifted(kernel, rank, 0), None, *geometry, 0)
        if dx is NotImplemented:
            return NotImplemented
        dx = dx.reshape(x.shape)
    if needs[1]:
        dkernel = kernels.native.conv_kernel_gradient(small, wide, three(kernel.shape[:-2]), *geometry)
        if dkernel is NotImplemented:
            return NotImplemented
        dkernel = dkernel.reshape(kernel.shape)
    return dx, dkernel, g.sum(axis=tuple(range(g.ndim - 1))) if needs[2] else None
