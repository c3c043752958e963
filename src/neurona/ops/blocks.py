"""Numbers moved between space and channels, and windows of pictures laid side by side and back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from neurona.cases import Case, Failure
from neurona.errors import ArgumentError, ShapeError
from neurona.ops.shape import reshape, transpose
from neurona.ops.windows import per_axis
from neurona.tape import composed, op
from neurona.tensor import Array, Tensor, TensorLike, as_tensor

__all__ = ["depth_to_space", "fold", "space_to_depth", "unfold"]

Numbers = int | Sequence[int]


def _pictures(name: str, x: TensorLike, data_format: str) -> tuple[Any, bool]:
    x = x if hasattr(x, "shape") else as_tensor(x)
    if len(x.shape) != 4:
        raise ShapeError(f"{name} expected pictures of four axes. Received: shape {tuple(x.shape)}.")
    if data_format not in ("channels_last", "channels_first"):
        raise ArgumentError(f"{name} expected data_format channels_last or channels_first. Received: {data_format!r}.")
    return x, data_format == "channels_first"


@composed(
    cases=[Case("N 2 3 4", block_size=2, sizes={"N": 1}), Case("1 4 2 1", block_size=2, data_format="channels_first")],
    errors=[Failure("2 2", block_size=2, match="four axes"), Failure("1 2 2 3", block_size=2, match="divide")],
)
def depth_to_space(x: TensorLike, block_size: int, data_format: str = "channels_last") -> Tensor:
    """Channels laid out in squares: pictures `block_size` times as high and wide, with fewer channels.

    Args:
        x: shape (N, H, W, b b C), or (N, b b C, H, W).
        block_size: the side b of the squares.
        data_format: where the channels are.

    Raises:
        ShapeError: other axes, or channels that do not divide.

    >>> depth_to_space([[[[1.0, 2.0, 3.0, 4.0]]]], 2)[0, :, :, 0]
    Tensor([[1., 2.], [3., 4.]], dtype=float32)
    """
    x, first = _pictures("depth_to_space", x, data_format)
    b = block_size
    n, h, w, c = (x.shape[k] for k in ((0, 2, 3, 1) if first else (0, 1, 2, 3)))
    if c % (b * b):
        raise ShapeError(f"depth_to_space expected channels that {b * b} divides. Received: {c} channels.")
    count = -1 if n is None else n
    if first:
        inner = transpose(reshape(x, (count, b, b, c // (b * b), h, w)), (0, 3, 4, 1, 5, 2))
        return reshape(inner, (count, c // (b * b), h * b, w * b))  # type: ignore[no-any-return]
    inner = transpose(reshape(x, (count, h, w, b, b, c // (b * b))), (0, 1, 3, 2, 4, 5))
    return reshape(inner, (count, h * b, w * b, c // (b * b)))  # type: ignore[no-any-return]


@composed(
    cases=[Case("N 2 4 3", block_size=2, sizes={"N": 1}), Case("1 2 2 4", block_size=2, data_format="channels_first")],
    errors=[Failure("2 2", block_size=2, match="four axes"), Failure("1 3 2 1", block_size=2, match="divide")],
)
def space_to_depth(x: TensorLike, block_size: int, data_format: str = "channels_last") -> Tensor:
    """Squares of pixels laid out as channels: the opposite of `depth_to_space`.

    Args:
        x: shape (N, b H, b W, C), or (N, C, b H, b W).
        block_size: the side b of the squares.
        data_format: where the channels are.

    Raises:
        ShapeError: other axes, or sides that do not divide.

    >>> space_to_depth([[[[1.0], [2.0]], [[3.0], [4.0]]]], 2)
    Tensor([[[[1., 2., 3., 4.]]]], dtype=float32)
    """
    x, first = _pictures("space_to_depth", x, data_format)
    b = block_size
    n, h, w, c = (x.shape[k] for k in ((0, 2, 3, 1) if first else (0, 1, 2, 3)))
    if h % b or w % b:
        raise ShapeError(f"space_to_depth expected sides that {b} divides. Received: {h} and {w}.")
    count = -1 if n is None else n
    if first:
        inner = transpose(reshape(x, (count, c, h // b, b, w // b, b)), (0, 3, 5, 1, 2, 4))
        return reshape(inner, (count, c * b * b, h // b, w // b))  # type: ignore[no-any-return]
    inner = transpose(reshape(x, (count, h // b, b, w // b, b, c)), (0, 1, 3, 2, 4, 5))
    return reshape(inner, (count, h // b, w // b, c * b * b))  # type: ignore[no-any-return]


class _Windows:
    """Where windows over pictures of a size lie, with all their settings."""

    def __init__(
        self, size: Sequence[int], kernel: Numbers, dilation: Numbers, padding: Numbers, stride: Numbers
    ) -> None:
        self.size = tuple(size)
        self.kernel, self.dilation = per_axis(kernel, 2, "kernel_size"), per_axis(dilation, 2, "dilation")
        self.padding, self.stride = per_axis(padding, 2, "padding", 0), per_axis(stride, 2, "stride")
        self.counts = [
            (n + 2 * p - d * (k - 1) - 1) // s + 1
            for n, k, d, p, s in zip(self.size, self.kernel, self.dilation, self.padding, self.stride, strict=True)
        ]
        if min(self.counts) < 1:
            raise ShapeError(f"Windows of {self.kernel} do not fit into pictures of {self.size} pixels.")

    def places(self) -> list[tuple[int, int, slice, slice]]:
        """For each pixel of the window: its place there, and which pixels of the framed picture it meets."""
        reach = [(c - 1) * s + 1 for c, s in zip(self.counts, self.stride, strict=True)]
        return [
            (i, j, slice(i * self.dilation[0], i * self.dilation[0] + reach[0], self.stride[0]),
             slice(j * self.dilation[1], j * self.dilation[1] + reach[1], self.stride[1]))
            for i in range(self.kernel[0]) for j in range(self.kernel[1])
        ]  # fmt: skip

    def taken(self, x: Array) -> Array:
        """(N, C, H, W) -> (N, C Kh Kw, L)."""
        (up, left), (n, c) = self.padding, x.shape[:2]
        framed = np.pad(x, ((0, 0), (0, 0), (up, up), (left, left)))
        out = np.empty((n, c, *self.kernel, *self.counts), x.dtype)
        for i, j, rows, columns in self.places():
            out[:, :, i, j] = framed[:, :, rows, columns]
        return out.reshape(n, c * self.kernel[0] * self.kernel[1], self.counts[0] * self.counts[1])

    def laid(self, x: Array) -> Array:
        """(N, C Kh Kw, L) -> (N, C, H, W), what meets on a pixel added up."""
        (up, left), n = self.padding, len(x)
        parts = x.reshape(n, x.shape[1] // (self.kernel[0] * self.kernel[1]), *self.kernel, *self.counts)
        framed = np.zeros((n, parts.shape[1], self.size[0] + 2 * up, self.size[1] + 2 * left), x.dtype)
        for i, j, rows, columns in self.places():
            framed[:, :, rows, columns] += parts[:, :, i, j]
        return framed[:, :, up : up + self.size[0], left : left + self.size[1]]


@op(
    cases=[Case("N C 4 5", kernel_size=2, stride=2, sizes={"C": 1}), Case("1 2 4 3", kernel_size=(2, 1), padding=1)],
    errors=[Failure("3 3", kernel_size=2, match="four axes"), Failure("1 1 2 2", kernel_size=5, match="do not fit")],
)
def unfold(x: Array, kernel_size: Numbers, dilation: Numbers = 1, padding: Numbers = 0, stride: Numbers = 1) -> Array:
    """The windows of pictures as columns.

    Args:
        x: shape (N, C, H, W).
        kernel_size, dilation, padding, stride: of the windows, a number or one for height and one for width.

    Returns:
        shape (N, C Kh Kw, windows).

    Raises:
        ShapeError: other axes, or windows that do not fit.

    >>> unfold([[[[1.0, 2.0], [3.0, 4.0]]]], (2, 1))
    Tensor([[[1., 2.], [3., 4.]]], dtype=float32)
    """
    if x.ndim != 4:
        raise ShapeError(f"unfold expected pictures of four axes. Received: shape {x.shape}.")
    return _Windows(x.shape[2:], kernel_size, dilation, padding, stride).taken(x)


@unfold.gradient
def _(
    g: Array, y: Array, x: Array, kernel_size: Numbers, dilation: Numbers = 1, padding: Numbers = 0, stride: Numbers = 1
) -> Array:
    return _Windows(x.shape[2:], kernel_size, dilation, padding, stride).laid(g)


@op(
    cases=[
        Case("N 4 6", output_size=(4, 6), kernel_size=2, stride=2),
        Case("1 8 4", output_size=(3, 3), kernel_size=2),
    ],
    errors=[Failure("1 4 3", output_size=(4, 4), kernel_size=2, stride=2, match="fold expected")],
)
def fold(
    x: Array,
    output_size: Numbers,
    kernel_size: Numbers,
    dilation: Numbers = 1,
    padding: Numbers = 0,
    stride: Numbers = 1,
) -> Array:
    """Pictures from their windows; what meets on a pixel is added up.

    Args:
        x: shape (N, C Kh Kw, windows).
        output_size: height and width.
        kernel_size, dilation, padding, stride: of the windows.

    Returns:
        shape (N, C, H, W).

    Raises:
        ShapeError: another number of windows, or of rows.

    >>> fold([[[1.0, 2.0], [3.0, 4.0]]], (2, 2), (2, 1))
    Tensor([[[[1., 2.], [3., 4.]]]], dtype=float32)
    """
    windows = _Windows(per_axis(output_size, 2, "output_size"), kernel_size, dilation, padding, stride)
    area, count = windows.kernel[0] * windows.kernel[1], windows.counts[0] * windows.counts[1]
    if x.ndim != 3 or x.shape[1] % area or x.shape[2] != count:
        raise ShapeError(f"fold expected shape (N, C {area}, {count}). Received: shape {x.shape}.")
    return windows.laid(x)


@fold.gradient
def _(
    g: Array,
    y: Array,
    x: Array,
    output_size: Numbers,
    kernel_size: Numbers,
    dilation: Numbers = 1,
    padding: Numbers = 0,
    stride: Numbers = 1,
) -> Array:
    return _Windows(per_axis(output_size, 2, "output_size"), kernel_size, dilation, padding, stride).taken(g)
