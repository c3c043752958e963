"""Pictures cut and framed: `crop_images`, `pad_images`.

Along each axis two of three lengths are given (what goes before, what goes after, what is there in the end); the third
follows from them.
"""

from __future__ import annotations

import inspect
from typing import Any

from neurona.cases import Case, Failure
from neurona.errors import ArgumentError
from neurona.ops.image.sampling import channels_axis, in_batch, out_of_batch
from neurona.ops.shape import pad
from neurona.symbolic import KerasTensor
from neurona.tape import composed
from neurona.tensor import Tensor, TensorLike

__all__ = ["crop_images", "pad_images"]


def _third(length: int, sign: int, **given: int | None) -> tuple[int, int]:
    """What goes before and what after, for a target = length + sign (before + after)."""
    (first, before), (second, after), (third, target) = given.items()
    if list(given.values()).count(None) != 1:
        raise ArgumentError(
            f"Must specify exactly two of {first}, {second}, {third}. "
            f"Received: {', '.join(f'{name}={value}' for name, value in given.items())}"
        )
    if target is None:
        assert before is not None and after is not None
        target = length + sign * (before + after)
    elif before is None:
        assert after is not None
        before = sign * (target - length) - after
    else:
        after = sign * (target - length) - before
    assert before is not None and after is not None
    for name, value in zip(given, (before, after, target), strict=True):
        if value < 0:
            raise ArgumentError(f"{name} must be >= 0. Received: {name}={value} for images of {length} pixels.")
    return before, after


@composed(
    cases=[
        Case("N 4 5 2", top_cropping=1, left_cropping=2, target_height=2, target_width=3),
        Case("2 4 5", top_cropping=1, bottom_cropping=1, left_cropping=0, right_cropping=1, data_format="channels_first"),
        Case("3 4 1", bottom_cropping=1, right_cropping=1, target_height=1, target_width=2),
    ],
    errors=[
        Failure("3 3 1", top_cropping=1, match="exactly two of top_cropping, bottom_cropping, target_height"),
        Failure(
            "3 3 1", top_cropping=2, bottom_cropping=2, left_cropping=0, right_cropping=0, match="target_height must be >= 0"
        ),
        Failure("3 3", top_cropping=1, match="expected rank 3 (single image)"),
    ],
)  # fmt: skip
def crop_images(
    images: TensorLike,
    top_cropping: int | None = None,
    left_cropping: int | None = None,
    bottom_cropping: int | None = None,
    right_cropping: int | None = None,
    target_height: int | None = None,
    target_width: int | None = None,
    data_format: str | None = None,
) -> Tensor:
    """Pictures without some of their outer rows and columns.

    Args:
        images: shape (N, H, W, C), or (H, W, C) for one picture.
        top_cropping, bottom_cropping, target_height: the rows to cut off above and below, and those that stay: two of
            the three.
        left_cropping, right_cropping, target_width: likewise for the columns.
        data_format: "channels_last" or "channels_first"; the configured one by default.

    Raises:
        ArgumentError: not two of three, or more is cut off than there is.

    >>> crop_images([[[1], [2], [3]]], top_cropping=0, left_cropping=1, target_height=1, target_width=1)
    Tensor([[[2]]], dtype=int32)
    """
    batch, single, first = in_batch(images, data_format)
    height, width = batch.shape[1:3]
    top, bottom = _third(
        height, -1, top_cropping=top_cropping, bottom_cropping=bottom_cropping, target_height=target_height
    )
    left, right = _third(
        width, -1, left_cropping=left_cropping, right_cropping=right_cropping, target_width=target_width
    )
    return out_of_batch(batch[:, top : height - bottom, left : width - right], single, first)


@crop_images.drawn
def _(images: Any, *args: Any, **kwargs: Any) -> Any:
    given = inspect.signature(crop_images.function).bind(images, *args, **kwargs).arguments
    first = channels_axis(given.get("data_format")) == -3
    height, width = images.ndim - (2 if first else 3), images.ndim - (1 if first else 2)
    shape = list(images.shape)
    if images.ndim not in (3, 4) or shape[height] is not None or shape[width] is not None:
        return NotImplemented
    shape[height], shape[width] = given.get("target_height"), given.get("target_width")
    return KerasTensor(tuple(shape), images.dtype)  # of open pictures only what is asked for is known


@composed(
    cases=[
        Case("N 2 3 2", top_padding=1, left_padding=2, target_height=4, target_width=6),
        Case("2 3 2", top_padding=1, bottom_padding=1, left_padding=0, right_padding=1, data_format="channels_first"),
        Case("3 4 1", bottom_padding=1, right_padding=1, target_height=5, target_width=5),
    ],
    errors=[
        Failure("3 3 1", top_padding=1, match="exactly two of top_padding, bottom_padding, target_height"),
        Failure(
            "3 3 1", top_padding=1, target_height=2, left_padding=0, right_padding=0, match="bottom_padding must be >= 0"
        ),
    ],
)  # fmt: skip
def pad_images(
    images: TensorLike,
    top_padding: int | None = None,
    left_padding: int | None = None,
    bottom_padding: int | None = None,
    right_padding: int | None = None,
    target_height: int | None = None,
    target_width: int | None = None,
    data_format: str | None = None,
) -> Tensor:
    """Pictures with a frame of zeros.

    Args:
        images: shape (N, H, W, C), or (H, W, C) for one picture.
        top_padding, bottom_padding, target_height: the rows to add above and below, and those there are in the end:
            two of the three.
        left_padding, right_padding, target_width: likewise for the columns.
        data_format: "channels_last" or "channels_first"; the configured one by default.

    Raises:
        ArgumentError: not two of three, or a target smaller than the pictures.

    >>> pad_images([[[5]]], top_padding=0, left_padding=1, target_height=1, target_width=3)[0, :, 0]
    Tensor([0, 5, 0], dtype=int32)
    """
    batch, single, first = in_batch(images, data_format)
    height, width = batch.shape[1:3]
    rows = _third(height, 1, top_padding=top_padding, bottom_padding=bottom_padding, target_height=target_height)
    columns = _third(width, 1, left_padding=left_padding, right_padding=right_padding, target_width=target_width)
    return out_of_batch(pad(batch, ((0, 0), rows, columns, (0, 0))), single, first)
