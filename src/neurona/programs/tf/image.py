"""`tf.image`: pictures resized, turned and changed in colour.

>>> flip_left_right([[[1.0], [2.0]]]).numpy().ravel()
array([2., 1.], dtype=float32)
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from neurona import ops, random
from neurona.errors import ArgumentError, UnknownNameError
from neurona.programs.tf import files
from neurona.programs.tf.arrays import Result, cast, convert_to_tensor
from neurona.programs.tf.draws import _seed
from neurona.symbolic import dtype_name
from neurona.tensor import TensorLike, as_array

__all__ = [
    "ResizeMethod",
    "adjust_brightness",
    "adjust_contrast",
    "adjust_saturation",
    "central_crop",
    "convert_image_dtype",
    "crop_to_bounding_box",
    "decode_image",
    "decode_jpeg",
    "decode_png",
    "flip_left_right",
    "flip_up_down",
    "grayscale_to_rgb",
    "hsv_to_rgb",
    "pad_to_bounding_box",
    "per_image_standardization",
    "psnr",
    "random_brightness",
    "random_contrast",
    "random_crop",
    "random_flip_left_right",
    "random_flip_up_down",
    "resize",
    "resize_with_crop_or_pad",
    "rgb_to_grayscale",
    "rgb_to_hsv",
    "rgb_to_yuv",
    "rot90",
    "stateless_random_brightness",
    "stateless_random_contrast",
    "stateless_random_crop",
    "stateless_random_flip_left_right",
    "stateless_random_flip_up_down",
    "total_variation",
    "yuv_to_rgb",
]

decode_image, decode_jpeg, decode_png = files.decode_image, files.decode_jpeg, files.decode_png


class ResizeMethod:
    """The ways of resizing."""

    BILINEAR = "bilinear"
    NEAREST_NEIGHBOR = "nearest"
    BICUBIC = "bicubic"
    AREA = "area"
    LANCZOS3 = "lanczos3"
    LANCZOS5 = "lanczos5"


def _sides(size: Any) -> tuple[int, int]:
    height, width = (int(n) for n in as_array(size))
    return height, width


def resize(
    images: TensorLike, size: Any, method: Any = "bilinear", preserve_aspect_ratio: bool = False,
    antialias: bool = False, name: str | None = None,
) -> Result:  # fmt: skip
    """Pictures of another size, in float32 but for the nearest neighbour."""
    height, width = _sides(size)
    given = ops.convert_to_tensor(images)
    if preserve_aspect_ratio:
        share = min(height / given.shape[-3], width / given.shape[-2])
        height, width = round(given.shape[-3] * share), round(given.shape[-2] * share)
    if method == "area":
        return _mean_of_areas(ops.cast(given, "float32"), height, width)
    if method not in vars(ResizeMethod).values():
        raise UnknownNameError.among(
            "method of resizing", method, ["area", "bilinear", "nearest", "bicubic", "lanczos3", "lanczos5"]
        )
    return ops.image.resize(
        given if method == "nearest" else ops.cast(given, "float32"), (height, width), interpolation=method,
        antialias=antialias, data_format="channels_last",
    )  # fmt: skip


def _shares(old: int, new: int) -> Any:
    """How much of each old point lies within each new one: (new, old), rows that sum to one."""
    edges = np.arange(new + 1) * (old / new)
    points = np.arange(old)
    inside = np.minimum(edges[1:, None], points + 1) - np.maximum(edges[:-1, None], points)
    return (np.clip(inside, 0, None) * (new / old)).astype("float32")


def _mean_of_areas(images: Any, height: int, width: int) -> Result:
    rows, columns = _shares(images.shape[-3], height), _shares(images.shape[-2], width)
    return ops.einsum("ih,...hwc,jw->...ijc", rows, images, columns)


# Red, green and blue as one number for light and two for colour (the European television norm).
_YUV = np.array(
    [[0.299, -0.14714119, 0.61497538], [0.587, -0.28886916, -0.51496512], [0.114, 0.43601035, -0.10001026]], "float32"
)


def rgb_to_yuv(images: TensorLike) -> Result:
    """Light, and two numbers for the colour."""
    return ops.matmul(images, _YUV)


def yuv_to_rgb(images: TensorLike) -> Result:
    """Red, green and blue."""
    return ops.matmul(images, np.linalg.inv(_YUV))


def convert_image_dtype(image: TensorLike, dtype: Any, saturate: bool = False, name: str | None = None) -> Result:
    """Pictures in another type, scaled: whole numbers up to their largest, floats up to 1."""
    given = convert_to_tensor(image)
    source, target = given.data.dtype, np.dtype(dtype_name(dtype))
    if source == target:
        return given
    if source.kind in "iu" and target.kind == "f":
        return cast(given, target) / int(np.iinfo(source).max)
    if source.kind == "f" and target.kind in "iu":
        top = int(np.iinfo(target).max)
        scaled = ops.multiply(given, top + 0.5)
        return cast(ops.clip(scaled, 0, top) if saturate else scaled, target)
    return cast(given, target)


def rgb_to_grayscale(images: TensorLike, name: str | None = None) -> Result:
    """Shades of grey, one channel, in the pictures' own type."""
    given = convert_to_tensor(images)
    grey = ops.image.rgb_to_grayscale(ops.cast(given, "float32"), data_format="channels_last")
    return cast(grey, given.dtype)


def grayscale_to_rgb(images: TensorLike, name: str | None = None) -> Result:
    """The one channel three times."""
    return ops.repeat(images, 3, axis=-1)


def rgb_to_hsv(images: TensorLike, name: str | None = None) -> Result:
    """Hue, saturation and value."""
    return ops.image.rgb_to_hsv(images, data_format="channels_last")


def hsv_to_rgb(images: TensorLike, name: str | None = None) -> Result:
    """Red, green and blue."""
    return ops.image.hsv_to_rgb(images, data_format="channels_last")


def flip_left_right(image: TensorLike, name: str | None = None) -> Result:
    """The mirror's picture."""
    return ops.flip(image, -2)


def flip_up_down(image: TensorLike, name: str | None = None) -> Result:
    """Upside down."""
    return ops.flip(image, -3)


def rot90(image: TensorLike, k: int = 1, name: str | None = None) -> Result:
    """Turned by `k` right angles, against the clock."""
    return ops.rot90(image, k=int(k), axes=(-3, -2))


def _chance(seed: Any) -> float:
    return float(random.uniform((), seed=None if seed is None else _seed(seed)))


def _sometimes(change: Callable[[TensorLike], Result]) -> tuple[Callable[..., Result], Callable[..., Result]]:
    """The change applied to half of the pictures by chance, and the same with a seed."""

    def of(image: TensorLike, seed: Any) -> Result:
        given = convert_to_tensor(image)
        if given.ndim == 3:
            return change(given) if _chance(seed) < 0.5 else given
        chosen = as_array(random.uniform((given.shape[0], 1, 1, 1), seed=None if seed is None else _seed(seed))) < 0.5
        return ops.where(chosen, change(given), given)

    def by_chance(image: TensorLike, seed: Any = None) -> Result:
        return of(image, None)

    def by_seed(image: TensorLike, seed: Any) -> Result:
        return of(image, seed)

    by_chance.__doc__ = by_seed.__doc__ = f"{change.__doc__} In half of the cases."
    return by_chance, by_seed


random_flip_left_right, stateless_random_flip_left_right = _sometimes(flip_left_right)
random_flip_up_down, stateless_random_flip_up_down = _sometimes(flip_up_down)


def adjust_brightness(image: TensorLike, delta: Any) -> Result:
    """So much lighter, on a scale from 0 to 1."""
    given = convert_to_tensor(image)
    return convert_image_dtype(convert_image_dtype(given, "float32") + delta, given.dtype, saturate=True)


def adjust_contrast(images: TensorLike, contrast_factor: Any) -> Result:
    """Each channel further from its mean, or nearer."""
    given = convert_to_tensor(images)
    values = convert_image_dtype(given, "float32")
    mean = ops.mean(values, axis=(-3, -2), keepdims=True)
    return convert_image_dtype((values - mean) * contrast_factor + mean, given.dtype, saturate=True)


def adjust_saturation(image: TensorLike, saturation_factor: Any, name: str | None = None) -> Result:
    """Colours stronger, or paler."""
    given = convert_to_tensor(image)
    hsv = rgb_to_hsv(convert_image_dtype(given, "float32"))
    factors = np.array([1, float(saturation_factor), 1], np.float32)
    return convert_image_dtype(hsv_to_rgb(ops.clip(hsv * factors, 0, 1)), given.dtype, saturate=True)


def random_brightness(image: TensorLike, max_delta: float, seed: Any = None) -> Result:
    """Lighter or darker by chance."""
    return adjust_brightness(image, random.uniform((), -max_delta, max_delta))


def stateless_random_brightness(image: TensorLike, max_delta: float, seed: Any) -> Result:
    """Lighter or darker, as the seed says."""
    return adjust_brightness(image, random.uniform((), -max_delta, max_delta, seed=_seed(seed)))


def random_contrast(image: TensorLike, lower: float, upper: float, seed: Any = None) -> Result:
    """More or less contrast by chance."""
    return adjust_contrast(image, random.uniform((), lower, upper))


def stateless_random_contrast(image: TensorLike, lower: float, upper: float, seed: Any) -> Result:
    """More or less contrast, as the seed says."""
    return adjust_contrast(image, random.uniform((), lower, upper, seed=_seed(seed)))


def _cut(value: TensorLike, size: Any, seed: Any) -> Result:
    given = convert_to_tensor(value)
    lengths = [int(n) if int(n) >= 0 else m for n, m in zip(as_array(size), given.shape, strict=True)]
    room = [have - want for have, want in zip(given.shape, lengths, strict=True)]
    if min(room) < 0:
        raise ArgumentError(f"random_crop expects a size within shape {given.shape}. Received: size={lengths}.")
    shares = as_array(random.uniform((len(room),), seed=seed)).tolist()
    starts = [min(int(share * (free + 1)), free) for share, free in zip(shares, room, strict=True)]
    return given[tuple(slice(first, first + n) for first, n in zip(starts, lengths, strict=True))]


def random_crop(value: TensorLike, size: Any, seed: Any = None, name: str | None = None) -> Result:
    """A piece of this shape from anywhere."""
    return _cut(value, size, None)


def stateless_random_crop(value: TensorLike, size: Any, seed: Any, name: str | None = None) -> Result:
    """A piece of this shape from where the seed says."""
    return _cut(value, size, _seed(seed))


def crop_to_bounding_box(
    image: TensorLike, offset_height: int, offset_width: int, target_height: int, target_width: int
) -> Result:
    """The piece that begins at an offset."""
    rows, columns = (
        slice(offset_height, offset_height + target_height),
        slice(offset_width, offset_width + target_width),
    )
    return convert_to_tensor(image)[..., rows, columns, :]


def pad_to_bounding_box(
    image: TensorLike, offset_height: int, offset_width: int, target_height: int, target_width: int
) -> Result:
    """The picture at an offset on a black one."""
    given = convert_to_tensor(image)
    height, width = given.shape[-3:-1]
    around = [
        (offset_height, target_height - height - offset_height),
        (offset_width, target_width - width - offset_width),
        (0, 0),
    ]
    return ops.pad(given, [(0, 0)] * (given.ndim - 3) + around)


def resize_with_crop_or_pad(image: TensorLike, target_height: int, target_width: int) -> Result:
    """The middle of the picture, black where it does not reach."""
    given = convert_to_tensor(image)
    height, width = given.shape[-3:-1]
    kept_height, kept_width = min(height, target_height), min(width, target_width)
    given = crop_to_bounding_box(given, (height - kept_height) // 2, (width - kept_width) // 2, kept_height, kept_width)
    offset_height, offset_width = (target_height - kept_height) // 2, (target_width - kept_width) // 2
    return pad_to_bounding_box(given, offset_height, offset_width, target_height, target_width)


def central_crop(image: TensorLike, central_fraction: float) -> Result:
    """The middle of the picture, a share of each side."""
    given = convert_to_tensor(image)
    height, width = given.shape[-3:-1]
    top, left = int((height - height * central_fraction) / 2), int((width - width * central_fraction) / 2)
    return crop_to_bounding_box(given, top, left, height - 2 * top, width - 2 * left)


def per_image_standardization(image: TensorLike) -> Result:
    """Of mean 0 and deviation 1, each picture by itself."""
    values = ops.cast(image, "float32")
    mean = ops.mean(values, axis=(-3, -2, -1), keepdims=True)
    deviation = ops.std(values, axis=(-3, -2, -1), keepdims=True)
    return (values - mean) / ops.maximum(deviation, float(1 / np.sqrt(np.prod(values.shape[-3:]))))


def psnr(a: TensorLike, b: TensorLike, max_val: float, name: str | None = None) -> Result:
    """How alike pictures are, in decibels: each by itself."""
    gap = ops.mean(ops.square(ops.subtract(ops.cast(a, "float32"), ops.cast(b, "float32"))), axis=(-3, -2, -1))
    return ops.multiply(ops.log10(ops.divide(float(max_val) ** 2, gap)), 10.0)


def total_variation(images: TensorLike, name: str | None = None) -> Result:
    """How much neighbouring points differ: one number a picture."""
    given = convert_to_tensor(images)
    axes = (-3, -2, -1)
    down = ops.sum(ops.abs(given[..., 1:, :, :] - given[..., :-1, :, :]), axis=axes)
    across = ops.sum(ops.abs(given[..., :, 1:, :] - given[..., :, :-1, :]), axis=axes)
    return ops.add(down, across)
