"""Pictures of another size: `resize`.

Height and width are resized one after the other, and each is a product with a matrix of weights: row i says how much of
every input line goes into output line i. The methods differ only in these rows.

Source: Keys, "Cubic convolution interpolation for digital image processing" (1981); Duchon, "Lanczos filtering in one
and two dimensions" (1979).
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence

import numpy as np

from neurona.cases import Case, Failure
from neurona.errors import ArgumentError, ShapeError, UnknownNameError
from neurona.ops.image.sampling import in_batch, out_of_batch
from neurona.ops.shape import pad
from neurona.tape import composed, op
from neurona.tensor import Array, Tensor, TensorLike

__all__ = ["resize", "window_of_aspect"]

METHODS = ("bilinear", "nearest", "bicubic", "lanczos3", "lanczos5", "area")

_TABLE = 1024  # Keras's engine looks cubic weights up in a table of so many steps between two pixels


# -- weights ----------------------------------------------------------------------------------------------------


def _triangle(x: Array) -> Array:
    y: Array = np.maximum(1 - np.abs(x), 0)
    return y


def _cubic(x: Array) -> Array:
    """Keys's kernel with a = -1/2."""
    x = np.abs(x)
    near = (1.5 * x - 2.5) * x * x + 1
    far = ((-0.5 * x + 2.5) * x - 4) * x + 2
    return np.where(x >= 2, 0.0, np.where(x >= 1, far, near))


def _lanczos(radius: int) -> Callable[[Array], Array]:
    return lambda x: np.where(np.abs(x) < radius, np.sinc(x) * np.sinc(x / radius), 0.0)


_KERNELS: dict[str, tuple[Callable[[Array], Array], int]] = {
    "bilinear": (_triangle, 1), "bicubic": (_cubic, 2), "lanczos3": (_lanczos(3), 3), "lanczos5": (_lanczos(5), 5),
}  # fmt: skip


@functools.lru_cache(maxsize=256)
def _weights(length: int, target: int, method: str, antialias: bool) -> Array:
    """How much of each of `length` lines goes into each of `target`: shape (target, length), float64."""
    scale = length / target
    lines = np.arange(length) + 0.5
    if method == "area":  # the part of each line that the output line covers
        low = np.arange(target)[:, None] * scale
        covered = np.minimum(lines + 0.5, low + scale) - np.maximum(lines - 0.5, low)
        weights: Array = np.maximum(covered, 0) / scale
        return weights
    centres = ((np.arange(target) + 0.5) * scale)[:, None]
    if method == "nearest":
        chosen = np.minimum(centres.astype(int), length - 1)
        return np.asarray(chosen == np.arange(length), float)
    if method == "bilinear" and not antialias:
        centres = np.clip(centres, 0.5, length - 0.5)  # beyond the outer lines' middles the edge goes on
    kernel, _ = _KERNELS[method]
    distance = lines - centres
    if antialias:
        distance = distance / max(scale, 1.0)  # a wider kernel: every line that is left out would flicker
    elif method == "bicubic":
        distance = np.rint(distance * _TABLE) / _TABLE
    shares: Array = kernel(distance)
    return np.asarray(shares / shares.sum(axis=1, keepdims=True))


def _both_ways(images: Array, vertical: Array, horizontal: Array) -> Array:
    """(N, H, W, C) with the matrices (H', H) and (W', W) applied to its height and width."""
    n, height, width, channels = images.shape
    tall = np.matmul(vertical, images.reshape(n, height, width * channels))
    whole: Array = np.matmul(horizontal, tall.reshape(n * len(vertical), width, channels))
    return whole.reshape(n, len(vertical), len(horizontal), channels)


def _neighbours(length: int, target: int) -> tuple[Array, Array, Array]:
    """The two lines between which each of `target` lies, and how far it is from the first, in float32."""
    places = (np.arange(target, dtype=np.float32) + np.float32(0.5)) * np.float32(length / target) - np.float32(0.5)
    low = np.floor(places)
    first = np.maximum(low, 0).astype(np.intp)
    return first, np.minimum(np.ceil(places).astype(np.intp), length - 1), places - low


def _between_neighbours(images: Array, size: tuple[int, int]) -> Array:
    """Bilinear without antialiasing: each new pixel lies between four old ones; columns first, then rows."""
    first, second, share = _neighbours(images.shape[2], size[1])
    left, share = images[:, :, first], share[:, None]
    images = left + (images[:, :, second] - left) * share
    first, second, share = _neighbours(images.shape[1], size[0])
    upper = images[:, first]
    y: Array = upper + (images[:, second] - upper) * share[:, None, None]
    return y


@op(
    cases=[
        Case("N 3 4 C", size=(5, 2), sizes={"C": 1}),
        Case("2 4 5 1", size=(3, 7), method="bicubic"),
        Case("2 4 5 1", size=(3, 7), method="bicubic", antialias=True),
        Case("2 4 5 1", size=(2, 9), method="lanczos3"),
        Case("2 6 5 1", size=(2, 3), method="area"),
        Case("N 3 4 C", size=(5, 2), method="nearest"),
    ]
)
def _resampled(images: Array, size: tuple[int, int], method: str = "bilinear", antialias: bool = False) -> Array:
    """Pictures (N, H, W, C) of another height and width."""
    height, width = images.shape[1:3]
    vertical, horizontal = _weights(height, size[0], method, antialias), _weights(width, size[1], method, antialias)
    if method == "nearest":  # one line each: no sums, and any type stays what it is
        chosen: Array = images[:, vertical.argmax(axis=1)[:, None], horizontal.argmax(axis=1)]
        return chosen
    wide = np.float64 if images.dtype == np.float64 else np.float32
    pictures = images.astype(wide, copy=False)
    if method == "bilinear" and not antialias:
        y = _between_neighbours(pictures, size)
    else:
        y = _both_ways(pictures, vertical.astype(wide), horizontal.astype(wide))
    if images.dtype.kind in "iu":
        limits = np.iinfo(images.dtype)  # bicubic and lanczos overshoot
        y = np.clip(np.rint(y), limits.min, limits.max)
    return y.astype(images.dtype, copy=False)


@_resampled.gradient
def _(
    g: Array, y: Array, images: Array, size: tuple[int, int], method: str = "bilinear", antialias: bool = False
) -> Array:
    height, width = images.shape[1:3]
    vertical, horizontal = _weights(height, size[0], method, antialias), _weights(width, size[1], method, antialias)
    return _both_ways(g, vertical.T.astype(g.dtype), horizontal.T.astype(g.dtype))


# -- the public function ------------------------------------------------------------------------------------------


def window_of_aspect(height: int, width: int, target: Sequence[int]) -> tuple[int, int, int, int]:
    """The largest window in the middle of a picture that has the aspect ratio of `target`: top, left, height, width.

    >>> window_of_aspect(4, 6, (2, 2))
    (0, 1, 4, 4)
    """
    tall = max(min(height, int(width * target[0] / target[1])), 1)
    broad = max(min(width, int(height * target[1] / target[0])), 1)
    return (height - tall) // 2, (width - broad) // 2, tall, broad


@composed(
    cases=[
        Case("3 4 2", size=(5, 2)),
        Case("N 1 3 4", size=(2, 2), interpolation="bicubic", data_format="channels_first"),
        Case("2 3 6 1", size=(2, 2), crop_to_aspect_ratio=True),
        Case("2 3 6 1", size=(4, 4), pad_to_aspect_ratio=True, fill_value=0.5),
        Case("2 3 6 1", size=(3, 6)),
    ],
    errors=[
        Failure("3 3", size=(2, 2), match="expected rank 3 (single image) or rank 4"),
        Failure("2 3 3 1", size=(2, 2, 2), match="`size` must be a tuple of two elements"),
        Failure("2 3 3 1", size=(0, 2), match="at least 1"),
        Failure("2 3 3 1", size=(2, 2), interpolation="cubic", match="interpolation"),
        Failure("2 3 3 1", size=(2, 2), fill_mode="reflect", match="Only `'constant'` is supported"),
        Failure("2 3 3 1", size=(2, 2), crop_to_aspect_ratio=True, pad_to_aspect_ratio=True, match="Only one of"),
        Failure("2 0 3 1", size=(2, 2), match="at least one pixel"),
    ],
)
def resize(
    images: TensorLike,
    size: Sequence[int],
    interpolation: str = "bilinear",
    antialias: bool = False,
    crop_to_aspect_ratio: bool = False,
    pad_to_aspect_ratio: bool = False,
    fill_mode: str = "constant",
    fill_value: float = 0.0,
    data_format: str | None = None,
) -> Tensor:
    """Pictures brought to another height and width.

    Args:
        images: shape (N, H, W, C), or (H, W, C) for one picture.
        size: the new height and width.
        interpolation: "nearest", "bilinear", "bicubic", "lanczos3", "lanczos5", or "area" (the mean of what a pixel
            covers).
        antialias: whether a smaller picture takes all its pixels' share from the larger one ("bilinear", "bicubic";
            the others are not asked).
        crop_to_aspect_ratio: first cut out the largest window of the new aspect ratio, so that nothing is distorted.
        pad_to_aspect_ratio: first put a frame of `fill_value` around it, likewise.
        fill_mode: only "constant".
        fill_value: of the frame.
        data_format: "channels_last" or "channels_first"; the configured one by default.

    Returns:
        pictures of the new size and the old type; whole numbers are rounded.

    Raises:
        ArgumentError: an impossible size, both ways to keep the aspect ratio, or an unknown fill mode.
        ShapeError: images without pixels or of another number of axes.
        UnknownNameError: an unknown interpolation or data format.

    >>> resize(np.array([[[0.0], [4.0]]]), (1, 4))[0, :, 0]
    Tensor([0., 1., 3., 4.], dtype=float64)
    """
    if interpolation not in METHODS:
        raise UnknownNameError.among("interpolation", interpolation, METHODS)
    if fill_mode != "constant":
        raise ArgumentError(
            f"Invalid value for argument `fill_mode`. Only `'constant'` is supported. Received: fill_mode={fill_mode}"
        )
    if crop_to_aspect_ratio and pad_to_aspect_ratio:
        raise ArgumentError("Only one of `pad_to_aspect_ratio` & `crop_to_aspect_ratio` can be `True`. Received: both.")
    if len(size) != 2:
        raise ArgumentError(f"Argument `size` must be a tuple of two elements (height, width). Received: size={size}")
    target = (int(size[0]), int(size[1]))
    if min(target) < 1:
        raise ArgumentError(f"resize expected a height and a width of at least 1. Received: size={size}")
    batch, single, first = in_batch(images, data_format)
    height, width = batch.shape[1:3]
    if 0 in (height, width):
        raise ShapeError(f"resize expected at least one pixel. Received: images.shape={batch.shape}")
    if crop_to_aspect_ratio:
        top, left, tall, broad = window_of_aspect(height, width, target)
        batch = batch[:, top : top + tall, left : left + broad]
    elif pad_to_aspect_ratio:
        above = (max(height, int(width * target[0] / target[1])) - height) // 2
        before = (max(width, int(height * target[1] / target[0])) - width) // 2
        batch = pad(batch, ((0, 0), (above, above), (before, before), (0, 0)), constant_values=fill_value)
    if batch.shape[1:3] != target:
        # the others already look at every pixel there is, or at none but the nearest
        smooth = bool(antialias) and interpolation not in ("nearest", "area")
        batch = _resampled(batch, size=target, method=interpolation, antialias=smooth)
    return out_of_batch(batch, single, first)
