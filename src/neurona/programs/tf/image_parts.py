"""The rest of `tf.image`: patches, edges, shades, and sizes that keep a picture's proportions.

>>> extract_patches(np.ones((1, 4, 4, 3)), [1, 2, 2, 1], [1, 2, 2, 1], [1, 1, 1, 1], "VALID").shape
(1, 2, 2, 12)
>>> resize_with_pad(np.ones((2, 4, 1), "float32"), 4, 4)[:, 0, 0].tolist()
[0.0, 1.0, 1.0, 0.0]
"""

from __future__ import annotations

from typing import Any

import numpy as np

from neurona import ops, random
from neurona.programs.tf.arrays import Result, convert_to_tensor
from neurona.programs.tf.image import adjust_saturation, convert_image_dtype, hsv_to_rgb, resize, rgb_to_hsv
from neurona.tensor import TensorLike

__all__ = [
    "adjust_gamma",
    "adjust_hue",
    "extract_patches",
    "image_gradients",
    "random_hue",
    "random_saturation",
    "resize_with_pad",
    "sobel_edges",
    "transpose",
]


def extract_patches(
    images: TensorLike, sizes: Any, strides: Any, rates: Any, padding: str, name: str | None = None
) -> Result:
    """The windows of pictures, each flattened into channels: (N, H, W, C) -> (N, h, w, Kh Kw C)."""
    return ops.image.extract_patches(
        ops.convert_to_tensor(images),
        size=tuple(int(n) for n in sizes[1:3]),
        strides=tuple(int(n) for n in strides[1:3]),
        dilation_rate=int(rates[1]),
        padding=padding.lower(),
    )


def resize_with_pad(
    image: TensorLike, target_height: int, target_width: int, method: str = "bilinear", antialias: bool = False
) -> Result:
    """Pictures as large as fits with their proportions kept, in the middle of a black frame."""
    given = convert_to_tensor(image)
    height, width = given.shape[-3:-1]
    scale = min(target_height / height, target_width / width)
    small = resize(given, (round(height * scale), round(width * scale)), method, antialias=antialias)
    room = [(want - have) for want, have in zip((target_height, target_width), small.shape[-3:-1], strict=True)]
    frame = [(0, 0)] * (len(given.shape) - 3) + [(free // 2, free - free // 2) for free in room] + [(0, 0)]
    return ops.pad(small, frame)


def adjust_gamma(image: TensorLike, gamma: float = 1, gain: float = 1) -> Result:
    """gain x^gamma, on a scale from 0 to 1."""
    given = convert_to_tensor(image)
    shades = ops.power(convert_image_dtype(given, "float32"), gamma) * gain
    return convert_image_dtype(shades, given.dtype, saturate=True)


def adjust_hue(image: TensorLike, delta: Any, name: str | None = None) -> Result:
    """Colours turned round their circle by this share of it."""
    given = convert_to_tensor(image)
    hsv = rgb_to_hsv(convert_image_dtype(given, "float32"))
    turned = ops.concatenate([ops.mod(hsv[..., :1] + float(delta), 1.0), hsv[..., 1:]], axis=-1)
    return convert_image_dtype(hsv_to_rgb(turned), given.dtype, saturate=True)


def random_hue(image: TensorLike, max_delta: float, seed: Any = None) -> Result:
    """Colours turned by chance."""
    return adjust_hue(image, random.uniform((), -max_delta, max_delta))


def random_saturation(image: TensorLike, lower: float, upper: float, seed: Any = None) -> Result:
    """Colours stronger or paler by chance."""
    return adjust_saturation(image, random.uniform((), lower, upper))


def sobel_edges(image: TensorLike) -> Result:
    """How steeply pictures rise downwards and to the right: (N, H, W, C) -> (N, H, W, C, 2)."""
    down = np.array([[-1, -2, -1], [0, 0, 0], [1, 2, 1]], np.float32)
    given = ops.convert_to_tensor(image)
    kernel = np.tile(np.stack([down, down.T], -1)[:, :, None], (1, 1, given.shape[-1], 1))
    framed = ops.pad(given, [(0, 0), (1, 1), (1, 1), (0, 0)], mode="reflect")
    edges = ops.depthwise_conv(framed, kernel, padding="valid", data_format="channels_last")
    return ops.reshape(edges, (*edges.shape[:-1], given.shape[-1], 2))


def image_gradients(image: TensorLike) -> tuple[Any, Any]:
    """The differences of each point to the one below, and to the one on its right; 0 at the ends."""
    given = ops.convert_to_tensor(image)
    down = ops.pad(given[:, 1:] - given[:, :-1], [(0, 0), (0, 1), (0, 0), (0, 0)])
    right = ops.pad(given[:, :, 1:] - given[:, :, :-1], [(0, 0), (0, 0), (0, 1), (0, 0)])
    return down, right


def transpose(image: TensorLike, name: str | None = None) -> Result:
    """Rows and columns exchanged."""
    return ops.swapaxes(image, -3, -2)
