"""Pictures bent like a sheet of rubber: `elastic_transform`.

Every pixel is read a little beside its place. How far beside is random, but smooth: white noise, blurred by a Gaussian, so
that neighbours move alike and strokes stay strokes.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from neurona import config
from neurona.cases import A, Case, Failure
from neurona.errors import UnknownNameError
from neurona.ops.elementwise import multiply
from neurona.ops.image.filters import gaussian_blur
from neurona.ops.image.sampling import FILL_MODES, INTERPOLATIONS, in_batch, out_of_batch
from neurona.ops.image.warping import map_coordinates
from neurona.ops.joining import stack
from neurona.seeds import Seed, numbers_of
from neurona.symbolic import KerasTensor
from neurona.tape import composed, op
from neurona.tensor import Array, Tensor, TensorLike, as_tensor

__all__ = ["elastic_transform"]


@op(cases=[Case(A("N 3 4 1"), sigma=2.0, seed=3)], stateful=True)
def _noise(images: Array, sigma: float, seed: Seed) -> Array:
    """Normal numbers of width sigma: one row and one column for each pixel, shape (N, H, W, 2).

    >>> _noise(np.zeros((2, 4, 5, 3)), sigma=1.0, seed=1).shape
    (2, 4, 5, 2)
    """
    dtype = images.dtype if images.dtype.kind == "f" else np.dtype(config.floatx())
    return np.asarray(sigma * numbers_of(seed).standard_normal((*images.shape[:3], 2)), dtype)


@op(cases=[Case("N 3 4 2")], promote="float")
def _displaced(offsets: Array) -> Array:
    """Every pixel's own place plus its offset, shape (2, N, H, W): rows, then columns.

    >>> _displaced(np.zeros((1, 1, 3, 2)))[1]
    Tensor([[[0., 1., 2.]]], dtype=float64)
    """
    _, height, width, _ = offsets.shape
    rows, columns = np.meshgrid(np.arange(height), np.arange(width), indexing="ij")
    return np.asarray(np.moveaxis(offsets, -1, 0) + np.stack([rows, columns])[:, None], offsets.dtype)


@_displaced.gradient
def _(g: Array, y: Array, offsets: Array) -> Array:
    return np.moveaxis(g, 0, -1)


@composed(
    cases=[
        Case("2 4 5 2", A("2 4 5 2", -1.3, 1.4)),
        Case("1 4 3 1", A("1 4 3 2", -1.3, 1.4), fill_mode="constant", fill_value=0.5),
        Case("N 4 3 1", A("N 4 3 2", -2.3, 2.4), fill_mode="wrap", interpolation="nearest"),
    ]
)
def _bent(
    batch: Tensor,
    offsets: Tensor,
    interpolation: str = "bilinear",
    fill_mode: str = "reflect",
    fill_value: float = 0.0,
) -> Tensor:
    """Pictures (N, H, W, C) read beside their places, by offsets (N, H, W, 2) in rows and columns.

    >>> _bent(np.array([[[[1.0], [2.0]]]]), np.array([[[[0.0, 0.5], [0.0, -1.0]]]]))[0, 0, :, 0]
    Tensor([1.5, 1. ], dtype=float64)
    """
    batch = as_tensor(batch)
    places = _displaced(offsets)  # (2, N, H, W)
    settings = {"order": INTERPOLATIONS.index(interpolation), "fill_mode": fill_mode, "fill_value": fill_value}
    pictures, _, _, channels = batch.shape
    if not batch.data.size:
        return batch
    return stack(  # type: ignore[no-any-return]
        [
            stack([map_coordinates(batch[n, :, :, c], places[:, n], **settings) for c in range(channels)], axis=-1)
            for n in range(pictures)
        ]
    )


@composed(
    cases=[
        Case("2 4 5 2", alpha=0.0, sigma=1.0),  # where every pixel keeps its place, whatever is drawn
        Case("2 4 5", alpha=0.0, sigma=1.0, data_format="channels_first", fill_mode="constant"),
    ],
    errors=[
        Failure("2 3 3 1", fill_mode="mirror", match="fill_mode"),
        Failure("2 3 3 1", interpolation="cubic", match="interpolation"),
        Failure("3 3", match="expected rank 3 (single image)"),
    ],
)
def elastic_transform(
    images: TensorLike,
    alpha: float = 20.0,
    sigma: float = 5.0,
    interpolation: str = "bilinear",
    fill_mode: str = "reflect",
    fill_value: float = 0.0,
    seed: Seed = None,
    data_format: str | None = None,
) -> Tensor:
    """Pictures bent at random, each in a way of its own.

    y[n, i, j, c] = x[n, i + alpha a, j + alpha b, c], with a and b drawn for each pixel and blurred

    Args:
        images: shape (N, H, W, C), or (H, W, C) for one picture.
        alpha: how far pixels move.
        sigma: how wide the blur is, in pixels, and the noise before it.
        interpolation: "nearest" or "bilinear".
        fill_mode: what lies outside: "constant" (`fill_value`), "nearest" (the edge goes on), "wrap" (the opposite edge)
            or "reflect" (the mirror image).
        fill_value: for "constant".
        seed: an integer, a `SeedGenerator`, or ``None`` for the one that all share.
        data_format: "channels_last" or "channels_first"; the configured one by default.

    Returns:
        the shape and type of the pictures.

    Raises:
        UnknownNameError: another interpolation or fill mode.

    >>> elastic_transform(np.ones((2, 6, 8, 3), "float32"), seed=1).shape
    (2, 6, 8, 3)

    Source: Simard, Steinkraus & Platt, "Best practices for convolutional neural networks" (ICDAR 2003), section 2.
    """
    for name, value, known in (("interpolation", interpolation, INTERPOLATIONS), ("fill_mode", fill_mode, FILL_MODES)):
        if value not in known:
            raise UnknownNameError.among(name, value, known)
    batch, single, first = in_batch(images, data_format)
    width = 6 * int(sigma) | 1  # odd, and three sigmas to each side
    noise = _noise(batch, sigma=float(sigma), seed=seed)
    offsets = multiply(gaussian_blur(noise, (width, width), (sigma, sigma), data_format="channels_last"), float(alpha))
    bent = _bent(batch, offsets, interpolation=interpolation, fill_mode=fill_mode, fill_value=float(fill_value))
    return out_of_batch(bent, single, first)


@elastic_transform.drawn
def _(images: KerasTensor, *args: Any, **kwargs: Any) -> KerasTensor:
    return KerasTensor(images.shape, images.dtype)
