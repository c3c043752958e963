"""Pictures read at other places: affine and projective transforms, whole pixels or bilinear.

Every output pixel (x, y) asks for the input at

    x' = (a0 x + a1 y + a2) / k,   y' = (b0 x + b1 y + b2) / k,   k = c0 x + c1 y + 1.

Places outside are brought inside (or filled) by the fill mode; between four pixels the value is their bilinear mean.
All pictures of a batch are read at once: index arithmetic, then gathers. Where x' does not depend on y and y' not
on x (translation, zoom), rows are gathered first and columns then, which needs far less arithmetic.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from neurona import config, kernels
from neurona.cases import A, Case, Failure
from neurona.errors import ShapeError, UnknownNameError
from neurona.ops.shape import expand_dims, squeeze, transpose
from neurona.tape import composed, op
from neurona.tensor import Array, Tensor, TensorLike, as_tensor

__all__ = ["affine_transform", "channels_axis", "in_batch", "out_of_batch", "warp"]

INTERPOLATIONS = ("nearest", "bilinear")
FILL_MODES = ("constant", "nearest", "wrap", "reflect")


# -- pictures as batches with the channels last ---------------------------------------------------------------


def channels_axis(data_format: str | None) -> int:
    """Where the channels are, counted from the end: -1 or -3.

    Raises:
        UnknownNameError: another data format than "channels_last" and "channels_first".
    """
    chosen = data_format or config.image_data_format()
    if chosen not in ("channels_last", "channels_first"):
        raise UnknownNameError.among("data_format", chosen, ("channels_last", "channels_first"))
    return -1 if chosen == "channels_last" else -3


def in_batch(images: TensorLike, data_format: str | None) -> tuple[Tensor, bool, bool]:
    """Pictures as (N, H, W, C), and what was changed to get there: a batch of one made, the channels moved.

    Raises:
        ShapeError: neither a picture (3 axes) nor a batch of them (4).
    """
    images = as_tensor(images)
    if images.ndim not in (3, 4):
        raise ShapeError(
            "Invalid images rank: expected rank 3 (single image) or rank 4 (batch of images). "
            f"Received input with shape: images.shape={images.shape}"
        )
    single, first = images.ndim == 3, channels_axis(data_format) == -3
    if single:
        images = expand_dims(images, 0)
    if first:
        images = transpose(images, (0, 2, 3, 1))
    return images, single, first


def out_of_batch(images: Tensor, single: bool, first: bool) -> Tensor:
    """Undo `in_batch`."""
    if first:
        images = transpose(images, (0, 3, 1, 2))
    return squeeze(images, 0) if single else images


# -- places ---------------------------------------------------------------------------------------------------


def _places(transforms: Array, height: int, width: int) -> tuple[Array, Array, Array | None]:
    """x', y' and the places where k is 0; each only as large as it must be: (N, 1 or H, 1 or W)."""
    t = transforms if transforms.dtype == np.float64 else transforms.astype(np.float32, copy=False)
    a0, a1, a2, b0, b1, b2, c0, c1 = (t[:, i, None, None] for i in range(8))
    along = np.arange(width, dtype=t.dtype)
    down = np.arange(height, dtype=t.dtype)[:, None]
    x, y = a0 * along + a2, b1 * down + b2
    if a1.any():
        x = x + a1 * down
    if b0.any():
        y = y + b0 * along
    if not (c0.any() or c1.any()):
        return x, y, None
    k = c0 * along + c1 * down + t.dtype.type(1)
    infinite = k == 0
    k[infinite] = 1
    return x / k, y / k, infinite


def _inside(c: Array, length: int, mode: str) -> Array:
    """Coordinates outside 0 ... length - 1 brought inside; "constant" leaves them within one pixel of it."""
    top = length - 1
    if mode == "constant":
        return np.clip(c, -1, length)
    if mode == "nearest" or length == 1:
        return np.clip(c, 0, top)
    if mode == "reflect":  # d c b a | a b c d | d c b a: the mirror lies half a pixel outside
        if c.size and not -2 * length <= c.min() <= c.max() < 2 * length:
            c = np.mod(c, 2 * length)
        c = np.abs(c + c.dtype.type(0.5))
        c -= c.dtype.type(0.5)
        np.minimum(c, 2 * length - 1 - c, out=c)
        return np.clip(c, 0, top, out=c)
    # wrap: whole periods are added or taken off; what then lies beyond the last pixel stands on it
    below = c + length * (np.trunc(-c / top) + 1)
    above = c - length * np.trunc(c / top)
    inside: Array = np.clip(np.where(c < 0, below, np.where(c > top, above, c)), 0, top)
    return inside.astype(c.dtype)


def _slope(c: Array, length: int, mode: str) -> Array:
    """The derivative of `_inside`: 1, -1 on a mirrored stretch, 0 where the place is held at the edge."""
    if mode == "constant":
        return ((c > -1) & (c < length)).astype(c.dtype)
    if mode == "nearest" or length == 1:
        return ((c > 0) & (c < length - 1)).astype(c.dtype)
    if mode == "reflect":
        m = np.mod(c, 2 * length)
        mirrored = m > length - 0.5
        inner = np.where(mirrored, 2 * length - 1 - m, m)
        return np.where((inner < 0) | (inner > length - 1), 0.0, np.where(mirrored, -1.0, 1.0)).astype(c.dtype)
    moved = _inside(c, length, mode)
    return ((moved > 0) & (moved < length - 1)).astype(c.dtype)


class _Corners(NamedTuple):
    """The first of the four pixels around each place, and how far the place lies towards the others."""

    row: Array  # (N, 1 or H, 1 or W) whole numbers, at most the last row but one
    column: Array
    down: Array  # 0 ... 1
    right: Array


def _corners(x: Array, y: Array, height: int, width: int) -> _Corners:
    row, column = np.minimum(np.floor(y), height - 2), np.minimum(np.floor(x), width - 2)
    return _Corners(row.astype(np.intp), column.astype(np.intp), y - row, x - column)


def _framed(images: Array, x: Array, y: Array, mode: str, value: float) -> tuple[Array, Array, Array]:
    """Pictures and places ready to be read: all inside, and two pixels at least along both axes."""
    height, width = images.shape[1:3]
    x, y = _inside(x, width, mode), _inside(y, height, mode)
    if mode == "constant":  # a frame of the value: what lies outside is read from it
        framed = np.full((len(images), height + 2, width + 2, images.shape[3]), value, images.dtype)
        framed[:, 1:-1, 1:-1] = images
        return framed, x + x.dtype.type(1), y + y.dtype.type(1)
    if height == 1 or width == 1:
        images = np.pad(images, ((0, 0), (0, int(height == 1)), (0, int(width == 1)), (0, 0)), mode="edge")
    return images, x, y


def _rounded(c: Array) -> Array:
    """Half away from zero, for places that are not negative."""
    return np.asarray(np.floor(c + c.dtype.type(0.5)), np.intp)


def _gather(images: Array, index: Array) -> Array:
    """Pixels by their number in the batch: (N, H, W) -> (N, H, W, C)."""
    if images.shape[3] == 1:
        return np.take(images.reshape(-1), index, mode="clip")[..., None]
    pixels: Array = np.take(images.reshape(-1, images.shape[3]), index, axis=0, mode="clip")
    return pixels


def _between(low: Array, high: Array, share: Array) -> Array:
    """low + share (high - low), written over `high`."""
    high -= low
    high *= share
    high += low
    return high


def _read(images: Array, x: Array, y: Array, nearest: bool) -> Array:
    """The values of framed pictures at places inside them."""
    n, height, width, channels = images.shape
    first = (np.arange(n, dtype=np.intp) * (height * width))[:, None, None]
    if nearest:
        return _gather(images, first + _rounded(y) * width + _rounded(x))
    at = _corners(x, y, height, width)
    right, down = at.right[..., None], at.down[..., None]
    if x.shape[1] == 1 and y.shape[2] == 1:  # rows, then columns
        rows = images.reshape(n * height, width * channels)
        place = at.row[:, :, 0] + (np.arange(n, dtype=np.intp) * height)[:, None]
        mixed = np.take(rows, place, axis=0, mode="clip")
        if at.down.any():
            mixed = _between(mixed, np.take(rows, place + 1, axis=0, mode="clip"), at.down)
        tall = place.shape[1]
        mixed = mixed.reshape(n, tall, width, channels)
        index = at.column + (np.arange(n * tall, dtype=np.intp) * width).reshape(n, tall, 1)
        values = _gather(mixed, index)
        return _between(values, _gather(mixed, index + 1), right) if at.right.any() else values
    index = first + at.row * width + at.column
    flat = images.reshape(1, 1, -1, channels)  # the neighbours are the same index into a shifted view
    upper = _between(_gather(flat, index), _gather(flat[:, :, 1:], index), right)
    lower = _between(_gather(flat[:, :, width:], index), _gather(flat[:, :, width + 1 :], index), right)
    return _between(upper, lower, down)


@op(
    cases=[
        Case("N 4 3 2", A("N 8", 0.05, 0.45), sizes={"N": 1}, fill_mode="reflect", interpolation="bilinear"),
        Case("N 4 3 1", A("1 8", 0.1, 1.4), sizes={"N": 1}, fill_mode="constant", fill_value=0.5),
        Case("2 4 5 1", A("2 8", -0.15, 0.2), fill_mode="wrap"),
        Case("2 3 4 1", A("2 8", -0.15, 0.2), fill_mode="nearest"),
        Case("2 3 4 2", A("2 8", -0.2, 0.2), fill_mode="reflect", interpolation="nearest"),
        Case("N 4 3 2", np.array([[1, 0, 2, 0, 1, -1, 0, 0]]), fill_mode="reflect"),
        Case("2 1 3 2", A("2 8", -0.2, 0.2), fill_mode="reflect"),
    ]
)
def warp(
    images: Array,
    transforms: Array,
    interpolation: str = "bilinear",
    fill_mode: str = "constant",
    fill_value: float = 0.0,
) -> Array:
    """Pictures (N, H, W, C) read where transforms (N or 1, 8) say; see this file's head.

    >>> warp(np.array([[[[1.0], [2.0], [4.0]]]]), np.array([[1.0, 0, 0.5, 0, 1, 0, 0, 0]]))[0, 0, :, 0]
    Tensor([1.5, 3. , 2. ], dtype=float64)
    """
    if images.size == 0:
        return images.copy()
    given = images.dtype
    wide = given if given in (np.float32, np.float64) else np.dtype(np.float32)
    n, height, width, _ = images.shape
    values = np.empty(images.shape, given)
    # some pictures at a time: what is between stays in the cache and is not asked of the system anew
    step = max(1, _AT_ONCE // (height * width))
    for start in range(0, n, step):
        part = slice(start, start + step)
        own = transforms if len(transforms) == 1 else transforms[part]
        values[part] = _warped(images[part].astype(wide, copy=False), own, interpolation, fill_mode, fill_value)
    return values


@warp.fast
def _(
    images: Array,
    transforms: Array,
    interpolation: str = "bilinear",
    fill_mode: str = "constant",
    fill_value: float = 0.0,
) -> Any:
    mode = FILL_MODES.index(fill_mode)
    return kernels.native.warp(images, transforms, int(interpolation == "nearest"), mode, fill_value)


_AT_ONCE = 1 << 13  # pixels


def _warped(images: Array, transforms: Array, interpolation: str, mode: str, value: float) -> Array:
    x, y, infinite = _places(transforms, *images.shape[1:3])
    framed, x, y = _framed(images, x, y, mode, value)
    if images.dtype == np.float32:  # the shares need not be finer than the pixels
        x, y = x.astype(np.float32, copy=False), y.astype(np.float32, copy=False)
    values = _read(np.ascontiguousarray(framed), x, y, interpolation == "nearest")
    if infinite is None or not infinite.any():
        return values
    return np.where(infinite[..., None], images.dtype.type(value), values)


@warp.gradient
def _(
    g: Array,
    y: Array,
    images: Array,
    transforms: Array,
    interpolation: str = "bilinear",
    fill_mode: str = "constant",
    fill_value: float = 0.0,
    needs: Any = (True, True),
) -> tuple[Array | None, Array | None]:
    n, height, width, channels = images.shape
    raw_x, raw_y, infinite = _places(transforms, height, width)
    shape = (n, height, width)
    if infinite is not None:
        g = np.where(infinite[..., None], 0, g)
    framed, px, py = _framed(images, raw_x, raw_y, fill_mode, fill_value)
    tall, broad = framed.shape[1:3]
    px, py = np.broadcast_to(px, shape), np.broadcast_to(py, shape)
    first = (np.arange(n) * (tall * broad))[:, None, None]
    total = np.zeros(framed.shape, g.dtype).reshape(-1, channels)
    if interpolation == "nearest":
        np.add.at(total, (first + _rounded(py) * broad + _rounded(px)).reshape(-1), g.reshape(-1, channels))
        slope = None
    else:
        at = _corners(px, py, tall, broad)
        index = first + at.row * broad + at.column
        right, down = at.right[..., None], at.down[..., None]
        shares = (
            (0, (1 - right) * (1 - down)),
            (1, right * (1 - down)),
            (broad, (1 - right) * down),
            (broad + 1, right * down),
        )
        for step, share in shares:
            np.add.at(total, (index + step).reshape(-1), (g * share).reshape(-1, channels))
        flat = framed.reshape(-1, channels)
        a, b, c, d = (flat[index + step] for step, _ in shares)
        slope = (
            np.sum(g * ((b - a) * (1 - down) + (d - c) * down), axis=-1),
            np.sum(g * ((c - a) * (1 - right) + (d - b) * right), axis=-1),
        )
    dx = total.reshape(framed.shape)
    if fill_mode == "constant":
        dx = dx[:, 1:-1, 1:-1]
    else:  # a second row or column that was only there to be read belongs to the first
        for axis, length in ((1, height), (2, width)):
            if length == 1:
                dx = dx.sum(axis=axis, keepdims=True)
    if not needs[1] or transforms.dtype.kind != "f":
        return dx, None
    if slope is None:
        return dx, np.zeros_like(transforms)
    return dx, _slope_of_transforms(slope, raw_x, raw_y, transforms, (height, width), fill_mode)


def _slope_of_transforms(
    slope: tuple[Array, Array], x: Array, y: Array, transforms: Array, size: tuple[int, int], mode: str
) -> Array:
    """From the gradients by the places inside to those by the eight numbers of each transform."""
    height, width = size
    gx, gy = slope[0] * _slope(x, width, mode), slope[1] * _slope(y, height, mode)
    along = np.arange(width, dtype=gx.dtype)
    down = np.arange(height, dtype=gx.dtype)[:, None]
    c0, c1 = transforms[:, 6, None, None], transforms[:, 7, None, None]
    k = c0 * along + c1 * down + 1
    k = np.where(k == 0, 1, k)
    gx, gy = gx / k, gy / k
    gk = -(gx * x + gy * y)
    parts = [gx * along, gx * down, gx, gy * along, gy * down, gy, gk * along, gk * down]
    total = np.stack([part.sum(axis=(1, 2)) for part in parts], axis=1)
    return np.asarray(total.sum(axis=0, keepdims=True) if len(transforms) == 1 else total)


@composed(
    cases=[
        Case("4 3 2", A("8", 0.05, 0.45), fill_mode="reflect"),
        Case("N 2 4 3", A("8", 0.05, 0.45), fill_mode="nearest", data_format="channels_first"),
    ],
    errors=[
        Failure("3 3", A("8"), match="expected rank 3 (single image) or rank 4"),
        Failure("2 3 3 1", A("2 2 8"), match="Invalid transform rank"),
        Failure("2 3 3 1", A("2 6"), match="eight numbers"),
        Failure("2 3 3 1", A("3 8"), match="one transform, or one for each of the 2 images"),
        Failure("2 3 3 1", A("8"), interpolation="cubic", match="interpolation"),
        Failure("2 3 3 1", A("8"), fill_mode="mirror", match="fill_mode"),
        Failure("2 3 3 1", A("8"), data_format="last", match="data_format"),
    ],
)
def affine_transform(
    images: TensorLike,
    transform: TensorLike,
    interpolation: str = "bilinear",
    fill_mode: str = "constant",
    fill_value: float = 0,
    data_format: str | None = None,
) -> Tensor:
    """Pictures whose pixel (x, y) is the input's at ((a0 x + a1 y + a2) / k, (b0 x + b1 y + b2) / k).

    k = c0 x + c1 y + 1; pixels are counted from 0 at the upper left corner.

    Args:
        images: shape (N, H, W, C), or (H, W, C) for one picture.
        transform: a0, a1, a2, b0, b1, b2, c0, c1: shape (8,), or (N, 8) for each picture its own.
        interpolation: "nearest" or "bilinear".
        fill_mode: what lies outside: "constant" (`fill_value`), "nearest" (the edge goes on), "wrap" (the opposite
            edge), "reflect" (mirrored; the edge itself is repeated).
        fill_value: for "constant".
        data_format: "channels_last" or "channels_first"; the configured one by default.

    Returns:
        the shape and type of `images`.

    Raises:
        ShapeError: images or transform have other shapes.
        UnknownNameError: an unknown interpolation, fill mode or data format.

    >>> picture = np.array([[[1.0], [2.0], [4.0]]])
    >>> affine_transform(picture, [1.0, 0, 1, 0, 1, 0, 0, 0])[0, :, 0]  # one pixel to the left
    Tensor([2., 4., 0.], dtype=float64)
    """
    if interpolation not in INTERPOLATIONS:
        raise UnknownNameError.among("interpolation", interpolation, INTERPOLATIONS)
    if fill_mode not in FILL_MODES:
        raise UnknownNameError.among("fill_mode", fill_mode, FILL_MODES)
    batch, single, first = in_batch(images, data_format)
    transform = as_tensor(transform)
    if transform.ndim not in (1, 2):
        raise ShapeError(
            "Invalid transform rank: expected rank 1 (single transform) or rank 2 (batch of transforms). "
            f"Received input with shape: transform.shape={transform.shape}"
        )
    if transform.ndim == 1:
        transform = expand_dims(transform, 0)
    if transform.shape[1] != 8:
        raise ShapeError(f"A transform has eight numbers. Received: transform.shape={transform.shape}")
    if transform.shape[0] not in (1, batch.shape[0]):
        raise ShapeError(
            f"affine_transform expected one transform, or one for each of the {batch.shape[0]} images. "
            f"Received: transform.shape={transform.shape}"
        )
    moved = warp(batch, transform, interpolation=interpolation, fill_mode=fill_mode, fill_value=float(fill_value))
    return out_of_batch(moved, single, first)
