"""Colours: grey values, and hue, saturation and value.

A colour's value is its largest part; its saturation how far the smallest lies below (as a share); its hue the
place on the circle red, yellow, green, cyan, blue, magenta, as a number 0 ... 1.

Source: Smith, "Color gamut transform pairs" (SIGGRAPH 1978); the grey weights are those of ITU-R BT.601.
"""

from __future__ import annotations

import numpy as np

from neurona import config
from neurona.cases import A, Case, Failure
from neurona.errors import DTypeError, ShapeError
from neurona.ops.elementwise import cast
from neurona.ops.image.sampling import in_batch, out_of_batch
from neurona.ops.linalg import matmul
from neurona.tape import composed, op
from neurona.tensor import Array, Tensor, TensorLike

__all__ = ["hsv_to_rgb", "rgb_to_grayscale", "rgb_to_hsv"]

_GREY = np.array([[0.2989], [0.5870], [0.1140]])


@composed(
    cases=[Case("N 2 3 3"), Case("3 2 3", data_format="channels_first"), Case("2 3 1")],
    errors=[
        Failure("2 3 2", match="Invalid channel size: expected 3 (RGB) or 1 (Grayscale)"),
        Failure("3 3", match="expected rank 3 (single image)"),
    ],
)
def rgb_to_grayscale(images: TensorLike, data_format: str | None = None) -> Tensor:
    """The brightness of each pixel: 0.2989 red + 0.5870 green + 0.1140 blue.

    Args:
        images: shape (N, H, W, 3), or (H, W, 3) for one picture; with one channel they stay as they are.
        data_format: "channels_last" or "channels_first"; the configured one by default.

    Returns:
        one channel, of the type of `images`.

    Raises:
        ShapeError: another number of channels.

    >>> rgb_to_grayscale([[[10.0, 20.0, 30.0]]])
    Tensor([[[18.149]]], dtype=float32)
    """
    batch, single, first = in_batch(images, data_format)
    if batch.shape[3] not in (1, 3):
        raise ShapeError(
            "Invalid channel size: expected 3 (RGB) or 1 (Grayscale). "
            f"Received input with shape: images.shape={np.shape(images)}"
        )
    if batch.shape[3] == 3:
        given = batch.dtype.name
        wide = given if batch.dtype.kind == "f" else config.floatx()
        batch = matmul(batch if given == wide else cast(batch, wide), _GREY.astype(wide))
        batch = batch if given == wide else cast(batch, given)
    return out_of_batch(batch, single, first)


def _floats(images: TensorLike, data_format: str | None) -> tuple[Tensor, bool, bool]:
    """Pictures as a batch; three channels of floats."""
    batch, single, first = in_batch(images, data_format)
    if batch.dtype.kind != "f":
        raise DTypeError(
            f"Invalid images dtype: expected float dtype. Received: images.dtype={batch.dtype.name}. "
            "Use ops.cast(images, 'float32') first."
        )
    if batch.shape[3] != 3:
        raise ShapeError(
            f"Invalid channel size: expected 3. Received input with shape: images.shape={np.shape(images)}"
        )
    return batch, single, first


def _hue_parts(rgb: Array) -> tuple[Array, Array, Array, Array, Array]:
    """Largest and smallest part, which is the largest, the spread (1 where it is 0), and the hue before it is turned."""
    r, g, b = rgb[..., 0], rgb[..., 1], rgb[..., 2]
    value, least = rgb.max(axis=-1), rgb.min(axis=-1)
    which = np.where(r == value, 0, np.where(g == value, 1, 2))
    spread = np.where(value > least, value - least, 1).astype(rgb.dtype)
    hue = np.choose(which, [g - b, b - r, r - g]) / (6 * spread) + which.astype(rgb.dtype) / 3
    return value, least, which, spread, np.where(value > least, hue, 0).astype(rgb.dtype)


@op(cases=[Case(A("N 2 3", 0.1, 1.0))])
def _to_hsv(rgb: Array) -> Array:
    """Hue, saturation and value of colours (..., 3)."""
    value, least, _, _, hue = _hue_parts(rgb)
    saturation = np.where(value > 0, (value - least) / np.where(value > 0, value, 1), 0)
    return np.stack([np.where(hue < 0, hue + 1, hue), saturation, value], axis=-1).astype(rgb.dtype)


@_to_hsv.gradient
def _(g: Array, y: Array, rgb: Array) -> Array:
    value, least, which, spread, _ = _hue_parts(rgb)
    places = np.arange(3)
    at_top = (places == which[..., None]).astype(g.dtype)
    at_bottom = (places == np.argmin(rgb, axis=-1)[..., None]).astype(g.dtype)
    grey = (value <= least)[..., None]
    # the hue is (p - q) / (6 spread) + ...: p follows the largest part on the circle, q precedes it
    p, q = np.roll(at_top, 1, axis=-1), np.roll(at_top, 2, axis=-1)
    difference = np.sum(rgb * (p - q), axis=-1)[..., None]
    wide = spread[..., None]
    hue = np.where(grey, 0, ((p - q) - difference / wide * (at_top - at_bottom)) / (6 * wide))
    top = np.where(value > 0, value, 1)[..., None]
    saturation = np.where(
        value[..., None] > 0, (at_top - at_bottom) / top - (value - least)[..., None] / top**2 * at_top, 0
    )
    dx: Array = g[..., :1] * hue + g[..., 1:2] * saturation + g[..., 2:] * at_top
    return dx


@op(cases=[Case(A("N 2 3", 0.02, 0.98))])
def _to_rgb(hsv: Array) -> Array:
    """Red, green and blue of colours given as (..., hue, saturation, value)."""
    tint = _tint(hsv[..., :1])[0]
    y: Array = (1 - hsv[..., 1:2] + hsv[..., 1:2] * tint) * hsv[..., 2:]
    return y


def _tint(hue: Array) -> tuple[Array, Array]:
    """The colour of that hue in full strength, and its derivative by the hue."""
    turns = 6 * hue - np.array([3, 2, 4], hue.dtype)
    rise = np.abs(turns) * np.array([1, -1, -1], hue.dtype) + np.array([-1, 2, 2], hue.dtype)
    slope = 6 * np.sign(turns) * np.array([1, -1, -1], hue.dtype)
    return np.clip(rise, 0, 1), np.where((rise > 0) & (rise < 1), slope, 0)


@_to_rgb.gradient
def _(g: Array, y: Array, hsv: Array) -> Array:
    tint, slope = _tint(hsv[..., :1])
    saturation, value = hsv[..., 1:2], hsv[..., 2:]
    parts = [g * slope * saturation * value, g * (tint - 1) * value, g * (1 - saturation + saturation * tint)]
    return np.stack([part.sum(axis=-1) for part in parts], axis=-1)


@composed(
    cases=[Case(A("N 2 2 3", 0.1, 1.0)), Case(A("3 2 2", 0.1, 1.0), data_format="channels_first")],
    errors=[
        Failure(A("2 2 3", 0, 5, kind="int"), match="expected float dtype"),
        Failure("2 2 1", match="expected 3"),
    ],
)
def rgb_to_hsv(images: TensorLike, data_format: str | None = None) -> Tensor:
    """Red, green and blue turned into hue, saturation and value; parts of 0 ... 1 stay in 0 ... 1.

    Args:
        images: floats, shape (N, H, W, 3), or (H, W, 3) for one picture.
        data_format: "channels_last" or "channels_first"; the configured one by default.

    Raises:
        DTypeError: whole numbers.
        ShapeError: another number of channels.

    >>> rgb_to_hsv([[[0.0, 0.5, 0.0]]])
    Tensor([[[0.33333334, 1.        , 0.5       ]]], dtype=float32)
    """
    batch, single, first = _floats(images, data_format)
    return out_of_batch(_to_hsv(batch), single, first)


@composed(
    cases=[Case(A("N 2 2 3", 0.02, 0.98)), Case(A("3 2 2", 0.02, 0.98), data_format="channels_first")],
    errors=[Failure(A("2 2 3", 0, 5, kind="int"), match="expected float dtype")],
)
def hsv_to_rgb(images: TensorLike, data_format: str | None = None) -> Tensor:
    """Hue, saturation and value turned into red, green and blue.

    Args:
        images: floats, shape (N, H, W, 3), or (H, W, 3) for one picture.
        data_format: "channels_last" or "channels_first"; the configured one by default.

    Raises:
        DTypeError: whole numbers.
        ShapeError: another number of channels.

    >>> hsv_to_rgb([[[0.5, 1.0, 0.5]]])
    Tensor([[[0. , 0.5, 0.5]]], dtype=float32)
    """
    batch, single, first = _floats(images, data_format)
    return out_of_batch(_to_rgb(batch), single, first)
