"""Pictures blurred: each pixel becomes a weighted mean of its neighbourhood, the same for all channels."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from neurona.cases import Case, Failure
from neurona.ops.elementwise import cast, divide, multiply, square
from neurona.ops.functions import exp
from neurona.ops.image.sampling import in_batch, out_of_batch
from neurona.ops.reduce import sum as total
from neurona.ops.shape import reshape
from neurona.tape import composed, op
from neurona.tensor import Array, Tensor, TensorLike, as_tensor

__all__ = ["gaussian_blur", "neighbourhood_sum"]


def _shifts(shape: tuple[int, ...], kernel: tuple[int, ...]) -> Iterator[tuple[int, int, slice, slice]]:
    """The places of a kernel, each with the part of a framed picture that it multiplies."""
    for i in range(kernel[0]):
        for j in range(kernel[1]):
            yield i, j, slice(i, i + shape[1]), slice(j, j + shape[2])


def _frame(images: Array, kernel: tuple[int, ...]) -> Array:
    before = [(k - 1) // 2 for k in kernel]
    return np.pad(images, ((0, 0), *((b, k - 1 - b) for b, k in zip(before, kernel, strict=True)), (0, 0)))


@op(
    cases=[Case("N 3 4 C", "3 3", sizes={"C": 1}), Case("2 4 3 1", "2 1")],
    promote="binary float",
)
def neighbourhood_sum(images: Array, kernel: Array) -> Array:
    """y[n, i, j, c] = sum over a, b of kernel[a, b] x[n, i + a - middle, j + b - middle, c], zeros outside.

    >>> neighbourhood_sum(np.ones((1, 1, 3, 1)), np.array([[1.0, 1.0, 1.0]]))[0, 0, :, 0]
    Tensor([2., 3., 2.], dtype=float64)
    """
    framed = _frame(images, kernel.shape)
    y = np.zeros(images.shape, images.dtype)
    for i, j, rows, columns in _shifts(images.shape, kernel.shape):
        y += kernel[i, j] * framed[:, rows, columns]
    return y


@neighbourhood_sum.gradient
def _(g: Array, y: Array, images: Array, kernel: Array, needs: Any = (True, True)) -> tuple[Array, Array | None]:
    framed = _frame(images, kernel.shape)
    dframed = np.zeros(framed.shape, g.dtype)
    dkernel = np.zeros(kernel.shape, g.dtype)
    for i, j, rows, columns in _shifts(images.shape, kernel.shape):
        dframed[:, rows, columns] += kernel[i, j] * g
        if needs[1]:
            dkernel[i, j] = np.sum(g * framed[:, rows, columns])
    top, left = ((k - 1) // 2 for k in kernel.shape)
    height, width = images.shape[1:3]
    return dframed[:, top : top + height, left : left + width], dkernel


def _bell(size: int, sigma: Tensor, dtype: str) -> Tensor:
    """The weights of a Gaussian around the middle of so many places; their sum is 1."""
    places = as_tensor(np.arange(size) - (size - 1) / 2, dtype)
    weights = exp(multiply(square(divide(places, sigma)), -0.5))
    bell: Tensor = divide(weights, total(weights))
    return bell


@composed(
    cases=[
        Case("N 3 4 2", kernel_size=(3, 3), sigma=(1.0, 0.5)),
        Case("2 4 5", sigma=(1.0, 2.0), data_format="channels_first"),
    ],
    errors=[Failure("3 3", match="expected rank 3 (single image)")],
)
def gaussian_blur(
    images: TensorLike,
    kernel_size: Sequence[int] = (3, 3),
    sigma: TensorLike = (1.0, 1.0),
    data_format: str | None = None,
) -> Tensor:
    """Pictures blurred by a Gaussian; zeros lie outside.

    Args:
        images: shape (N, H, W, C), or (H, W, C) for one picture.
        kernel_size: how many columns and rows are summed.
        sigma: the Gaussian's width along the columns and the rows, in pixels.
        data_format: "channels_last" or "channels_first"; the configured one by default.

    >>> gaussian_blur([[[0.0], [1.0], [0.0]]], sigma=(1.0, 1e-6))[0, :, 0]
    Tensor([0.27406862, 0.45186275, 0.27406862], dtype=float32)
    """
    batch, single, first = in_batch(images, data_format)
    dtype = batch.dtype.name if batch.dtype.kind == "f" else "float32"
    sigma = as_tensor(sigma)
    sigma = sigma if sigma.dtype == dtype else cast(sigma, dtype)
    columns, rows = int(kernel_size[0]), int(kernel_size[1])
    across, down = _bell(columns, sigma[0], dtype), _bell(rows, sigma[1], dtype)
    # Keras reads the (rows, columns) products as a kernel of shape `kernel_size`; it is square nearly always
    kernel = reshape(multiply(reshape(down, (-1, 1)), across), (columns, rows))
    return out_of_batch(neighbourhood_sum(batch, kernel), single, first)
