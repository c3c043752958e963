"""The compiled kernels for windows know three spatial axes; here fewer become three, and results come back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from neurona.ops.windows import Pads
from neurona.tensor import Array

__all__ = ["backward_on_three_axes", "forward_on_three_axes", "gapless", "lifted", "six", "three"]

Ints = tuple[int, ...]


def gapless(array: Array) -> Array:
    """The array itself, or a copy where its memory has gaps: far cheaper than the path that needs none."""
    return array if array.flags.c_contiguous else np.ascontiguousarray(array)


def lifted(array: Array, rank: int, at: int) -> Array:
    """Three spatial axes instead of `rank`, without gaps; the missing ones come first, from axis `at` on."""
    return gapless(array).reshape(*array.shape[:at], *(1,) * (3 - rank), *array.shape[at:])


def three(numbers: Ints) -> Ints:
    """Strides or dilations of three axes."""
    return (1,) * (3 - len(numbers)) + tuple(numbers)


def six(pads: Pads) -> Ints:
    """Pads of three axes, in one row."""
    return (0,) * (6 - 2 * len(pads)) + tuple(p for pair in pads for p in pair)


def forward_on_three_axes(
    kernel_call: Callable[..., Any], x: Array, kernel: Array, bias: Array | None, geometry: tuple[Any, ...]
) -> Any:
    """A compiled convolution of any rank, or `NotImplemented`."""
    rank = x.ndim - 2
    y = kernel_call(lifted(x, rank, 1), lifted(kernel, rank, 0), bias, *geometry)
    return y if y is NotImplemented else y.reshape(y.shape[0], *y.shape[4 - rank :])


def backward_on_three_axes(
    kernel_call: Callable[..., Any],
    g: Array,
    y: Array,
    x: Array,
    kernel: Array,
    geometry: tuple[Any, ...],
    needs: tuple[bool, bool, bool],
) -> Any:
    """The gradients of x, kernel and bias by a compiled kernel of any rank, or `NotImplemented`."""
    rank = x.ndim - 2
    arrays = (lifted(g, rank, 1), lifted(y, rank, 1), lifted(x, rank, 1), lifted(kernel, rank, 0))
    found = kernel_call(*arrays, *geometry, *needs)
    if found is NotImplemented:
        return NotImplemented
    dx, dkernel, dbias = found
    return (
        None if dx is None else dx.reshape(x.shape),
        None if dkernel is None else dkernel.reshape(kernel.shape),
        dbias,
    )
