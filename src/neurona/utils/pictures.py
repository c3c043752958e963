"""Pictures as arrays and back: `load_img`, `img_to_array`, `array_to_img`, `save_img`, `smart_resize`.

Pillow decodes, and a picture's size is looked at before its pixels are. Leans on the function of `picture_folder` for
that.
"""

from __future__ import annotations

import io
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from neurona import config
from neurona.errors import ArgumentError, UnknownNameError
from neurona.ops.image import resize
from neurona.tensor import Array, Tensor
from neurona.utils.picture_folder import opened

__all__ = ["array_to_img", "img_to_array", "load_img", "save_img", "smart_resize"]

_INTERPOLATIONS = ("nearest", "bilinear", "bicubic", "hamming", "box", "lanczos")


def _order(data_format: str | None) -> str:
    order = config.image_data_format() if data_format is None else data_format
    if order not in ("channels_first", "channels_last"):
        raise ArgumentError(f"Invalid data_format: {data_format}. Expected channels_last or channels_first.")
    return order


def load_img(
    path: str | os.PathLike[str] | io.BytesIO,
    color_mode: str = "rgb",
    target_size: Sequence[int] | None = None,
    interpolation: str = "nearest",
    keep_aspect_ratio: bool = False,
) -> Any:
    """A picture from a file, as Pillow has it.

    Args:
        path: the file, or its bytes in an `io.BytesIO`.
        color_mode: "rgb", "rgba" or "grayscale".
        target_size: height and width to bring it to; its own when None.
        interpolation: how: "nearest", "bilinear", "bicubic", "hamming", "box" or "lanczos".
        keep_aspect_ratio: whether it is cut around its middle first, so that nothing is stretched.

    Returns:
        a `PIL.Image.Image`.

    Raises:
        PictureError: it is no picture, damaged or too large.
        ArgumentError, UnknownNameError: an impossible argument.
    """
    if not isinstance(path, (str, os.PathLike, io.BytesIO)):
        raise ArgumentError(f"path should be path-like or io.BytesIO. Received: {type(path)}")
    if color_mode not in ("rgb", "rgba", "grayscale"):
        raise ArgumentError(f'color_mode must be "grayscale", "rgb", or "rgba". Received: color_mode={color_mode!r}')
    if interpolation not in _INTERPOLATIONS:
        raise UnknownNameError.among("interpolation", interpolation, _INTERPOLATIONS)
    mode = {"rgb": "RGB", "rgba": "RGBA", "grayscale": "L"}[color_mode]
    with opened(path if isinstance(path, io.BytesIO) else Path(path)) as picture:
        deep = color_mode == "grayscale" and picture.mode.startswith("I")  # 16 bits a pixel stay
        image = picture.copy() if deep else picture.convert(mode)
    if target_size is None or (target_size[1], target_size[0]) == image.size:
        return image
    height, width = (int(n) for n in target_size)
    if keep_aspect_ratio:
        image = image.crop(_middle(image.size[0], image.size[1], width, height))
    return image.resize((width, height), _INTERPOLATIONS_OF_PILLOW[interpolation])


# Pillow's numbers for them, which it has kept since its beginning
_INTERPOLATIONS_OF_PILLOW: dict[str, Any] = {
    "nearest": 0, "lanczos": 1, "bilinear": 2, "bicubic": 3, "box": 4, "hamming": 5,
}  # fmt: skip


def _middle(width: int, height: int, wide: int, high: int) -> tuple[int, int, int, int]:
    """The largest part around the middle that is as wide for its height as a frame.

    >>> _middle(100, 50, 10, 10)
    (25, 0, 75, 50)
    """
    part_height = min(height, width * high // wide)
    part_width = min(width, height * wide // high)
    left, top = (width - part_width) // 2, (height - part_height) // 2
    return left, top, left + part_width, top + part_height


def img_to_array(img: Any, data_format: str | None = None, dtype: Any = None) -> Array:
    """A picture of Pillow as an array.

    Args:
        img: the picture, or an array of two or three axes.
        data_format: where the array has its channels; "channels_last" unless set otherwise.
        dtype: its type; `floatx` by default.

    Returns:
        (H, W, C), or (C, H, W).

    Raises:
        ArgumentError: an unknown `data_format`, or another number of axes.
    """
    order = _order(data_format)
    x = np.asarray(img, dtype or config.floatx())
    if x.ndim not in (2, 3):
        raise ArgumentError(f"Unsupported image shape: {x.shape}. Expected two or three axes.")
    if x.ndim == 2:
        return x[None] if order == "channels_first" else x[..., None]
    return np.asarray(x.transpose(2, 0, 1)) if order == "channels_first" else x


def array_to_img(x: Any, data_format: str | None = None, scale: bool = True, dtype: Any = None) -> Any:
    """An array as a picture of Pillow.

    Args:
        x: (H, W, C), or (C, H, W), with 1, 3 or 4 channels.
        data_format: where it has its channels.
        scale: whether its numbers are stretched to 0..255.
        dtype: the type to compute in; `floatx` by default.

    Raises:
        ArgumentError: other axes or channels.
    """
    from PIL import Image

    order = _order(data_format)
    pixels = np.array(x.data if isinstance(x, Tensor) else x, dtype or config.floatx())
    if pixels.ndim != 3:
        raise ArgumentError(
            f"Expected image array to have rank 3 (single image). Received array with shape: {pixels.shape}"
        )
    if order == "channels_first":
        pixels = pixels.transpose(1, 2, 0)
    if scale:
        pixels = pixels - pixels.min()
        largest = pixels.max()
        pixels = pixels / largest * 255 if largest else pixels  # in this order: 255 is not exceeded by a rounding
    channels = pixels.shape[2]
    if channels not in (1, 3, 4):
        raise ArgumentError(f"Unsupported channel number: {channels}. Expected 1, 3 or 4.")
    if channels == 1 and pixels.max() > 255:
        return Image.fromarray(pixels[:, :, 0].astype("int32"))
    return Image.fromarray((pixels[:, :, 0] if channels == 1 else pixels).astype("uint8"))


def save_img(
    path: str | os.PathLike[str],
    x: Any,
    data_format: str | None = None,
    file_format: str | None = None,
    scale: bool = True,
    **kwargs: Any,
) -> None:
    """Write an array as a picture.

    Args:
        path: the file.
        x, data_format, scale: as in `array_to_img`.
        file_format: "png", "jpeg", ...; by the name of the file when None.
        kwargs: for Pillow.
    """
    image = array_to_img(x, data_format, scale)
    jpeg = (file_format or Path(path).suffix.lstrip(".")).lower() in ("jpg", "jpeg")
    if image.mode == "RGBA" and jpeg:
        image = image.convert("RGB")  # JPEG has no transparency
    image.save(path, format="jpeg" if file_format == "jpg" else file_format, **kwargs)


def smart_resize(
    x: Any,
    size: Sequence[int],
    interpolation: str = "bilinear",
    data_format: str = "channels_last",
    backend_module: Any = None,
) -> Any:
    """Pictures brought to a size without stretching: what does not fit its proportions is cut off around the middle.

    Args:
        x: (H, W, C) or (N, H, W, C).
        size: height and width.
        interpolation: as in `neurona.ops.image.resize`.
        data_format: where the channels are.
        backend_module: accepted for Keras's sake.

    Returns:
        an array for an array, a tensor for a tensor.

    Raises:
        ArgumentError: a size of another length, or other axes.
    """
    if len(size) != 2:
        raise ArgumentError(f"Expected `size` to be a tuple of 2 integers. Received: size={size}.")
    made = resize(x, tuple(size), interpolation, crop_to_aspect_ratio=True, data_format=data_format)
    return made if isinstance(x, Tensor) else made.numpy()
