"""convolve_pool: a 3x3 convolution, its activation and a 2x2 max pooling in one op: the large result is never stored."""

from __future__ import annotations

from typing import Any

import numpy as np

from neurona import kernels
from neurona.cases import Failure
from neurona.errors import ShapeError, UnknownNameError
from neurona.ops.fused.columns import blocks, spatial_case
from neurona.ops.fused.convolution import (
    check_convolution,
    convolution_gradients,
    finish,
    numbers_each,
    products,
)
from neurona.ops.fused.dense import FUSED_ACTIVATIONS
from neurona.ops.fused.three_axes import gapless, six
from neurona.ops.windows import Pads
from neurona.tape import op
from neurona.tensor import Array

__all__ = ["convolve_pool"]

Needs = tuple[bool, bool, bool]
Triple = tuple[Array | None, Array | None, Array | None]

_RISING = ("linear", "relu")  # the largest sum is then also the largest activation
_DEAD = 4
_PLACES = ((0, 0), (0, 1), (1, 0), (1, 1))


def _quarters(z: Array) -> list[Array]:
    """The four places of every 2x2 window, as views; an odd last row or column belongs to none."""
    height, width = z.shape[1] // 2 * 2, z.shape[2] // 2 * 2
    return [z[:, i:height:2, j:width:2] for i, j in _PLACES]


@op(
    cases=[
        spatial_case("N H W C", "3 3 C F", "F", least=4),
        spatial_case("N H W C", "3 3 C F", "F", activation="relu", least=5),
        spatial_case("N H W C", "3 3 C F", None, pads=((1, 1), (1, 1)), activation="relu", least=2),
        spatial_case("N H W C", "3 3 C F", "F", pads=((2, 0), (1, 2)), least=2),
    ],
    errors=[
        Failure("2 5 5 4", "3 3 3 6", "6", match="convolve_pool expected 3 channels"),
        Failure("2 5 5 3", "2 3 3 6", "6", match="expected a 3x3 kernel"),
        Failure("2 3 5 3", "3 3 3 6", "6", match="at least 2 rows and columns"),
        Failure("2 5 5 3", "3 3 3 6", "6", activation="tanh", match="Unknown activation of convolve_pool"),
    ],
    promote="binary float",
)
def convolve_pool(
    x: Array,
    kernel: Array,
    bias: Array | None = None,
    pads: Pads = ((0, 0), (0, 0)),
    activation: str = "linear",
) -> tuple[Array, Array]:
    """A 3x3 convolution with strides 1, then the largest of each 2x2 window: the windows touch, an odd edge is dropped.

    y = the largest of activation(convolve(x, kernel, bias)) at (2i, 2j), (2i, 2j + 1), (2i + 1, 2j), (2i + 1, 2j + 1)

    Args:
        x: shape (N, H, W, C).
        kernel: shape (3, 3, C, F).
        bias: shape (F,), or None.
        pads: zeros above and below, left and right.
        activation: "linear" or "relu".

    Returns:
        y of shape (N, H' // 2, W' // 2, F), where H' and W' are the convolution's; and `where` the largest stood,
        uint8: 2 row + column of the first one, or 4 where relu left nothing, so that no gradient flows.

    Raises:
        ShapeError: shapes that do not fit.
        UnknownNameError: another activation.

    >>> x = [[[[0.0], [2.0]], [[5.0], [1.0]]]]
    >>> centre = [[[[0.0]], [[0.0]], [[0.0]]], [[[0.0]], [[1.0]], [[0.0]]], [[[0.0]], [[0.0]], [[0.0]]]]
    >>> y, where = convolve_pool(x, centre, pads=((1, 1), (1, 1)))
    >>> float(y[0, 0, 0, 0]), int(where[0, 0, 0, 0])
    (5.0, 2)
    """
    if activation not in _RISING:
        raise UnknownNameError.among("activation of convolve_pool", activation, _RISING)
    height, width = check_convolution("convolve_pool", x, kernel, bias, (1, 1), pads, (1, 1), 1)
    if kernel.shape[:2] != (3, 3):
        raise ShapeError(f"convolve_pool expected a 3x3 kernel. Received: shape {kernel.shape}.")
    if height < 2 or width < 2:
        raise ShapeError(f"convolve_pool expected at least 2 rows and columns to pool. Received: {height} x {width}.")
    y = np.empty((x.shape[0], height // 2, width // 2, kernel.shape[-1]), x.dtype)
    where = np.empty(y.shape, "uint8")
    for block in blocks(x.shape[0], numbers_each((height, width), kernel), x.itemsize):
        a, b, c, d = _quarters(products(x, kernel, (1, 1), pads, (1, 1), 1, block))
        upper, lower = np.maximum(a, b), np.maximum(c, d)
        right, right_below, below = ((q > p).view("uint8") for p, q in ((a, b), (c, d), (upper, lower)))
        where[block] = right + below * (2 + right_below - right)
        # bias and activation keep the order, so they can wait until three quarters of the numbers are gone
        y[block] = finish(np.maximum(upper, lower), bias, activation)
        if activation == "relu":
            np.maximum(where[block], _DEAD * (y[block] == 0).view("uint8"), out=where[block])
    return y, where


def spread(g: Array, where: Array, height: int, width: int) -> Array:
    """The gradient of the convolution's result: each window's at the place of its largest number, else 0."""
    wide = np.zeros((g.shape[0], height, width, g.shape[-1]), g.dtype)
    for place, quarter in enumerate(_quarters(wide)):
        np.multiply(g, where == place, out=quarter)
    return wide


@convolve_pool.gradient
def _(
    g: tuple[Array | None, Array | None],
    y: tuple[Array, Array],
    x: Array,
    kernel: Array,
    bias: Array | None,
    needs: Needs,
    pads: Pads = ((0, 0), (0, 0)),
    activation: str = "linear",
) -> Triple:
    given, where = g[0], y[1]
    if given is None:
        return None, None, None
    height, width = (n + sum(p) - 2 for n, p in zip(x.shape[1:3], pads, strict=True))

    def gz(block: slice) -> Array:
        return spread(given[block], where[block], height, width)

    return convolution_gradients(gz, x, kernel, (1, 1), pads, (1, 1), 1, needs)


@convolve_pool.fast
def _(
    x: Array,
    kernel: Array,
    bias: Array | None = None,
    pads: Pads = ((0, 0), (0, 0)),
    activation: str = "linear",
) -> Any:
    if activation not in _RISING or kernel.shape[:2] != (3, 3) or len(pads) != 2:
        return NotImplemented
    return kernels.native.conv3x3(gapless(x), gapless(kernel), bias, six(pads)[2:], FUSED_ACTIVATIONS[activation], 1, 0)


@convolve_pool.fast_gradient
def _(
    g: tuple[Array | None, Array | None],
    y: tuple[Array, Array],
    x: Array,
    kernel: Array,
    bias: Array | None,
    needs: Needs,
    pads: Pads = ((0, 0), (0, 0)),
    activation: str = "linear",
) -> Any:
    if g[0] is None:
        return NotImplemented
    number = FUSED_ACTIVATIONS[activation]
    given, x, kernel = gapless(g[0]), gapless(x), gapless(kernel)
    return kernels.native.conv3x3_backward(given, *y, x, kernel, six(pads)[2:], number, *needs, 0)
