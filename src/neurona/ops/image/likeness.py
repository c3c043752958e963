"""Pictures compared and their edges found: the structural similarity of two, and the slopes of one."""

from __future__ import annotations

from typing import Any

import numpy as np

from neurona.cases import Case, Failure
from neurona.errors import ShapeError
from neurona.ops.convolutions import conv
from neurona.ops.elementwise import add, cast, divide, multiply, subtract
from neurona.ops.image.sampling import in_batch
from neurona.ops.joining import stack
from neurona.ops.reduce import mean
from neurona.ops.shape import pad, reshape, squeeze, transpose
from neurona.tape import composed
from neurona.tensor import Tensor, TensorLike

__all__ = ["sobel_edges", "ssim"]


@composed(
    cases=[
        Case("2 5 6 2", "2 5 6 2", filter_size=3, sizes={"C": 1}),
        Case("4 4 1", "4 4 1", filter_size=3, filter_sigma=0.8),
        Case("1 2 4 4", "1 2 4 4", filter_size=3, data_format="channels_first"),
    ],
    errors=[
        Failure("3 3", "3 3", match="expected rank 3 (single image)"),
        Failure("3 3 1", "4 3 1", match="one shape"),
    ],
)
def ssim(
    image1: TensorLike,
    image2: TensorLike,
    max_val: float = 1.0,
    filter_size: int = 11,
    filter_sigma: float = 1.5,
    k1: float = 0.01,
    k2: float = 0.03,
    data_format: str | None = None,
) -> Tensor:
    """How alike two pictures look, from -1 to 1: their means, contrasts and patterns within small windows compared.

    With means m, variances s^2 and covariance s12 of a window, and c = (k max_val)^2,

        (2 m1 m2 + c1) (2 s12 + c2) / ((m1^2 + m2^2 + c1) (s1^2 + s2^2 + c2)), averaged over windows and channels.

    Args:
        image1, image2: shape (N, H, W, C), or (H, W, C) for one picture each.
        max_val: the largest value that a pixel may have.
        filter_size, filter_sigma: of the Gaussian that weighs a window's pixels.
        k1, k2: what keeps the quotient from 0 / 0.
        data_format: "channels_last" or "channels_first".

    Returns:
        shape (N,), or () for one picture.

    Raises:
        ShapeError: other axes, or different shapes.

    >>> ssim(np.ones((4, 4, 1)), np.ones((4, 4, 1)), filter_size=3)
    Tensor(1., dtype=float64)

    Source: Wang, Bovik, Sheikh & Simoncelli, "Image quality assessment" (2004).
    """
    (one, single, first), (two, _single, _first) = in_batch(image1, data_format), in_batch(image2, data_format)
    del first  # both have their channels last now
    if tuple(one.shape) != tuple(two.shape):
        raise ShapeError(
            f"ssim expected two pictures of one shape. Received: {tuple(one.shape)} and {tuple(two.shape)}."
        )
    given = one.dtype.name
    kind = given if given.startswith("float") else "float32"
    one, two = cast(one, kind), cast(two, kind)
    n, height, width, channels = one.shape
    places = np.arange(filter_size) - (filter_size - 1) / 2
    bell = np.exp(-(places**2) / (2 * filter_sigma**2))
    kernel = (np.outer(bell, bell) / bell.sum() ** 2).astype(kind)[:, :, None, None]

    def flat(x: Any) -> Any:  # each channel as a picture of its own
        return reshape(transpose(x, (0, 3, 1, 2)), (-1, height, width, 1))

    def around(x: Any) -> Any:
        return conv(x, kernel, data_format="channels_last")

    a, b = flat(one), flat(two)
    m1, m2 = around(a), around(b)
    squares, product = add(multiply(m1, m1), multiply(m2, m2)), multiply(m1, m2)
    spread = subtract(add(around(multiply(a, a)), around(multiply(b, b))), squares)
    together = subtract(around(multiply(a, b)), product)
    c1, c2 = (k1 * max_val) ** 2, (k2 * max_val) ** 2
    above = multiply(add(multiply(2.0, product), c1), add(multiply(2.0, together), c2))
    below = multiply(add(squares, c1), add(spread, c2))
    count = -1 if n is None else n
    y = mean(reshape(mean(divide(above, below), axis=(1, 2, 3)), (count, channels)), axis=-1)
    return squeeze(y, 0) if single else y  # type: ignore[no-any-return]


@composed(
    cases=[Case("2 4 5 2"), Case("1 2 3 3", data_format="channels_first")],
    errors=[Failure("3 3", match="expected rank 3 (single image)"), Failure("3 3 1", match="batch")],
)
def sobel_edges(images: TensorLike, data_format: str | None = None) -> Tensor:
    """How steeply pictures rise downwards and to the right, by Sobel's windows; their edges are mirrored.

    Args:
        images: shape (N, H, W, C).
        data_format: "channels_last" or "channels_first".

    Returns:
        shape (N, H, W, C, 2): the slope downwards, then to the right; (N, C, H, W, 2) with the channels first.

    Raises:
        ShapeError: other axes.

    >>> sobel_edges(np.arange(9.0).reshape(1, 3, 3, 1))[0, 1, 1, 0]
    Tensor([24.,  8.], dtype=float64)
    """
    batch, single, first = in_batch(images, data_format)
    if single:
        raise ShapeError(f"sobel_edges expected a batch of pictures. Received: shape {tuple(batch.shape)[1:]}.")
    framed = pad(batch, ((0, 0), (1, 1), (1, 1), (0, 0)), mode="reflect")
    height, width = batch.shape[1:3]

    def moved(down: int, right: int) -> Any:
        return framed[:, down : down + height, right : right + width]

    def slope(place: Any) -> Any:
        low = add(add(place(0, 0), multiply(2.0, place(0, 1))), place(0, 2))
        high = add(add(place(2, 0), multiply(2.0, place(2, 1))), place(2, 2))
        return subtract(high, low)

    edges = stack([slope(moved), slope(lambda a, b: moved(b, a))], axis=-1)
    return transpose(edges, (0, 3, 1, 2, 4)) if first else edges  # type: ignore[no-any-return]
