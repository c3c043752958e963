"""Pictures and volumes cut into patches: each patch's pixels side by side in the last axis."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from neurona.cases import Case, Failure
from neurona.errors import ArgumentError, ShapeError, UnknownNameError
from neurona.ops.image.sampling import channels_axis
from neurona.ops.shape import expand_dims, squeeze, transpose
from neurona.tape import composed, op
from neurona.tensor import Array, Tensor, TensorLike, as_tensor

__all__ = ["extract_patches", "extract_patches_3d"]

Ints = tuple[int, ...]


def _pads(space: Ints, size: Ints, strides: Ints, dilation: Ints, padding: str) -> list[tuple[int, int]]:
    """How much is added before and after along each axis."""
    if padding == "valid":
        return [(0, 0)] * len(space)
    found = []
    for n, k, s, d in zip(space, size, strides, dilation, strict=True):
        missing = max((-(-n // s) - 1) * s + (k - 1) * d + 1 - n, 0)
        found.append((missing // 2, missing - missing // 2))
    return found


def _taps(space: Ints, size: Ints, strides: Ints, dilation: Ints) -> Iterator[tuple[Ints, tuple[slice, ...]]]:
    """The pixels of a patch, each with the places in the framed picture where all patches have it."""
    out = [max((n - (k - 1) * d - 1) // s + 1, 0) for n, k, s, d in zip(space, size, strides, dilation, strict=True)]
    for tap in np.ndindex(*size):
        starts = [t * d for t, d in zip(tap, dilation, strict=True)]
        yield (
            tap,
            tuple(slice(a, a + (o - 1) * s + 1 if o else a, s) for a, o, s in zip(starts, out, strides, strict=True)),
        )


@op(
    cases=[
        Case("N 5 4 2", size=(2, 3), strides=(2, 1), dilation=(1, 1), padding="valid"),
        Case("2 5 4 1", size=(3, 2), strides=(1, 3), dilation=(1, 2), padding="same"),
        Case("2 3 4 3 1", size=(2, 2, 1), strides=(1, 2, 1), dilation=(1, 1, 1), padding="same"),
    ]
)
def _patches(x: Array, size: Ints, strides: Ints, dilation: Ints, padding: str) -> Array:
    """(N, *space, C) -> (N, *places, pixels of a patch * C)."""
    pads = _pads(x.shape[1:-1], size, strides, dilation, padding)
    framed = np.pad(x, [(0, 0), *pads, (0, 0)])
    parts = [framed[(slice(None), *places)] for _, places in _taps(framed.shape[1:-1], size, strides, dilation)]
    return np.concatenate(parts, axis=-1)


@_patches.gradient
def _(g: Array, y: Array, x: Array, size: Ints, strides: Ints, dilation: Ints, padding: str) -> Array:
    pads = _pads(x.shape[1:-1], size, strides, dilation, padding)
    space = tuple(n + sum(pad) for n, pad in zip(x.shape[1:-1], pads, strict=True))
    dframed, channels = np.zeros((len(x), *space, x.shape[-1]), g.dtype), x.shape[-1]
    for number, (_, places) in enumerate(_taps(space, size, strides, dilation)):
        dframed[(slice(None), *places)] += g[..., number * channels : (number + 1) * channels]
    inner = tuple(slice(before, before + n) for (before, _), n in zip(pads, x.shape[1:-1], strict=True))
    return dframed[(slice(None), *inner)]


def _each(name: str, value: int | Sequence[int], rank: int) -> Ints:
    """One length for each axis."""
    lengths = (value,) * rank if isinstance(value, int) else tuple(value)
    if len(lengths) != rank or any(n < 1 for n in lengths):
        raise ArgumentError(
            f"Invalid `{name}` argument. Expected an int or a tuple of length {rank}, from 1 on. Received: {name}={value}"
        )
    return lengths


def _cut(
    x: TensorLike,
    rank: int,
    size: int | Sequence[int],
    strides: int | Sequence[int] | None,
    dilation_rate: int | Sequence[int],
    padding: str,
    data_format: str | None,
) -> Tensor:
    x = as_tensor(x)
    if padding not in ("valid", "same"):
        raise UnknownNameError.among("padding", padding, ("valid", "same"))
    if x.ndim not in (rank + 1, rank + 2):
        raise ShapeError(f"Expected {rank + 1} axes (one sample) or {rank + 2} (a batch). Received: shape {x.shape}")
    first = channels_axis(data_format) == -3
    single = x.ndim == rank + 1
    if single:
        x = expand_dims(x, 0)
    if first:
        x = transpose(x, (0, *range(2, rank + 2), 1))
    y: Tensor = _patches(
        x, size=_each("size", size, rank), strides=_each("strides", strides or size, rank),
        dilation=_each("dilation_rate", dilation_rate, rank), padding=padding,
    )  # fmt: skip
    if first:
        y = transpose(y, (0, rank + 1, *range(1, rank + 1)))
    return squeeze(y, 0) if single else y


@composed(
    cases=[
        Case("4 4 2", size=2),
        Case("N 2 4 5", size=(2, 3), strides=1, padding="same", data_format="channels_first"),
        Case("1 2 4 2 1", size=(1, 2, 2)),
    ],
    errors=[
        Failure("4 4", size=2, match="Expected 3 axes (one sample) or 4"),
        Failure("4 4 1", size=(2,), match="Invalid `size` argument"),
        Failure("4 4 1", size=2, padding="full", match="padding"),
    ],
)
def extract_patches(
    images: TensorLike,
    size: int | Sequence[int],
    strides: int | Sequence[int] | None = None,
    dilation_rate: int | Sequence[int] = 1,
    padding: str = "valid",
    data_format: str | None = None,
) -> Tensor:
    """Patches of pictures, row by row, their pixels side by side in the channels' axis.

    Args:
        images: shape (N, H, W, C), or (H, W, C) for one picture.
        size: of a patch: one length, or height and width (three: see `extract_patches_3d`).
        strides: from one patch to the next; `size` unless told, so that they lie side by side.
        dilation_rate: the distance between pixels of a patch that are neighbours in it.
        padding: "valid", or "same": zeros around.
        data_format: "channels_last" or "channels_first"; the configured one by default.

    Raises:
        ArgumentError: an impossible size, stride or dilation.
        ShapeError: images of another number of axes.
        UnknownNameError: an unknown padding or data format.

    >>> extract_patches([[[1], [2], [3], [4]]], size=(1, 2))
    Tensor([[[1, 2],
            [3, 4]]], dtype=int32)
    """
    rank = 3 if not isinstance(size, int) and len(size) == 3 else 2
    return _cut(images, rank, size, strides, dilation_rate, padding, data_format)


@composed(cases=[Case("2 2 4 3 1", size=2, strides=1)], errors=[Failure("4 4 1", size=2, match="Expected 4 axes")])
def extract_patches_3d(
    volumes: TensorLike,
    size: int | Sequence[int],
    strides: int | Sequence[int] | None = None,
    dilation_rate: int | Sequence[int] = 1,
    padding: str = "valid",
    data_format: str | None = None,
) -> Tensor:
    """Patches of volumes (N, D, H, W, C), as `extract_patches` cuts them out of pictures.

    Args:
        volumes: shape (N, D, H, W, C), or (D, H, W, C) for one volume.
        size: of a patch: one length, or depth, height and width.
        strides, dilation_rate, padding, data_format: as in `extract_patches`.

    Raises:
        ArgumentError: an impossible size, stride or dilation.
        ShapeError: volumes of another number of axes.

    >>> extract_patches_3d(np.ones((2, 2, 2, 1)), size=2).shape
    (1, 1, 1, 8)
    """
    return _cut(volumes, 3, size, strides, dilation_rate, padding, data_format)
