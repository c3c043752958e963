"""RandomErasing: a rectangle of each picture covered. Drawing and covering serve CutMix as well."""

from __future__ import annotations

from typing import Any

import numpy as np

from neurona import ops, random
from neurona.cases import A, Case
from neurona.errors import ArgumentError
from neurona.layers.augmentation.base import PictureLayer, span
from neurona.registry import export
from neurona.tape import op
from neurona.tensor import Array, Tensor

__all__ = ["RandomErasing", "box_area", "box_masks", "cover", "draw_boxes"]


@op(cases=[Case(A("N 4", 0.0, 3.0), height=2, width=3)])
def box_masks(corners: Array, height: int, width: int) -> Array:
    """Where each rectangle (left, right, top, bottom; (N, 4)) lies in a picture: bool (N, H, W).

    >>> box_masks(np.array([[1.0, 3.0, 0.0, 1.0]]), height=2, width=3)
    Tensor([[[False,  True,  True],
            [False, False, False]]], dtype=bool)
    """
    left, right, top, bottom = (corners[:, i, None] for i in range(4))
    x, y = np.arange(width), np.arange(height)
    masks: Array = ((y >= top) & (y < bottom))[:, :, None] & ((x >= left) & (x < right))[:, None, :]
    return masks


def draw_boxes(layer: PictureLayer, shares: Tensor, height: int, width: int, seed: Any) -> Tensor:
    """Rectangles of the given shares of the width and the height ((N, 2)) at drawn places: corners (N, 4)."""
    sides = ops.multiply(shares, np.array([width, height], "float32"))
    room = ops.subtract(np.array([width, height], "float32"), sides)
    start = ops.multiply(layer._uniform(shares.shape, 0.0, 1.0, seed), room)
    stop = ops.add(start, sides)
    corners: Tensor = ops.stack([start[:, 0], stop[:, 0], start[:, 1], stop[:, 1]], axis=1)
    return corners


def box_area(corners: Tensor) -> Tensor:
    """The rectangles' areas in pixels: (N,)."""
    area: Tensor = ops.multiply(ops.subtract(corners[:, 1], corners[:, 0]), ops.subtract(corners[:, 3], corners[:, 2]))
    return area


def _whole(masks: Array, shape: tuple[int, ...]) -> Array:
    """Masks of the pictures' shape; written out where channels are last, which else are stepped through by threes."""
    if masks.shape[-1] == 1 < shape[-1]:
        masks = np.repeat(masks, shape[-1], axis=-1)
    return np.broadcast_to(masks, shape)


@op(
    cases=[
        Case("N 2 3 2", A("N 2 3 1", kind="bool"), "N 2 3 2"),
        Case("N 2 3 2", A("N 2 3 1", kind="bool"), "1 1 1 2", sizes={"N": 1}),
        Case("2 3 2 2", A("2 1 2 2", kind="bool"), "1 3 1 1"),
    ]
)
def cover(images: Array, masks: Array, values: Array) -> Array:
    """Pictures with `values` where the masks are true; both broadcast to the pictures.

    >>> cover(np.zeros((1, 1, 3, 1)), np.array([[[[True], [False], [True]]]]), np.full((1, 1, 1, 1), 7.0))[0, 0, :, 0]
    Tensor([7., 0., 7.], dtype=float64)
    """
    y = images.copy()
    np.copyto(y, values, where=_whole(masks, images.shape))
    return y


@cover.gradient
def _(g: Array, y: Array, images: Array, masks: Array, values: Array) -> tuple[Array, None, Array]:
    covered = _whole(masks, images.shape)
    dimages, dvalues = np.where(covered, 0, g), np.where(covered, g, 0)
    shared = tuple(i for i, n in enumerate(values.shape) if n == 1)
    return dimages, None, dvalues.sum(axis=shared, keepdims=True) if shared else dvalues


@op(cases=[Case(A("N 2 3", kind="bool"), np.array([1, 2], "uint32"), channels=2)])
def _noise_within(masks: Array, keys: Array, channels: int) -> Array:
    """Normal numbers where a mask (N, H, W) says so, zeros elsewhere: (N, H, W, C)."""
    noise = np.zeros((*masks.shape, channels), np.float32)  # numbers for the covered part only: they cost most
    generator = np.random.Generator(np.random.Philox(np.random.SeedSequence(keys.tolist())))
    noise[masks] = generator.standard_normal((int(masks.sum()), channels), np.float32)
    return noise


@export("keras.layers")
class RandomErasing(PictureLayer):
    """Cover a rectangle of some pictures, in training only.

    Input and output ``(N, H, W, C)`` (``(N, C, H, W)`` with "channels_first"), or one picture.

    Args:
        factor: the range from which each picture's probability is drawn; a number p means (0, p). In 0 ... 1.
        scale: the range of the rectangle's share of the picture: the squares of its shares of width and height.
        fill_value: a number, three of them (one for each channel), or ``None`` for noise.
        value_range: the smallest and largest value; what covers is cut there, and noise has the largest as deviation.
        seed: an integer makes the draws repeatable.
        data_format: "channels_last" unless set otherwise.

    Raises:
        ArgumentError: a factor or a scale out of its range, or another fill value.

    >>> layer = RandomErasing((1.0, 1.0), scale=(1.0, 1.0), fill_value=7)
    >>> layer(np.zeros((1, 2, 1)), training=True)[0, :, 0]
    Tensor([7., 7.], dtype=float32)

    Source: Zhong et al., "Random erasing data augmentation" (AAAI 2020).
    """

    _settings = ("factor", "scale", "fill_value", "value_range", "seed")

    def __init__(
        self,
        factor: Any = 1.0,
        scale: Any = (0.02, 0.33),
        fill_value: Any = None,
        value_range: Any = (0, 255),
        seed: int | None = None,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(seed=seed, data_format=data_format, **kwargs)
        self.factor = span(factor, 0, 1, mirrored=False)
        self.scale = span(scale, 0, 1, "scale", mirrored=False)
        if fill_value is not None and np.shape(fill_value) not in ((), (3,)):
            raise ArgumentError(
                "The `fill_value` argument should be a number (or a list of three numbers). "
                f"Received: fill_value={fill_value}"
            )
        self.fill_value, self.value_range = fill_value, value_range

    def get_random_transformation(self, data: Any, training: bool = True, seed: Any = None) -> Any:
        if not training:
            return None
        n, height, width = self._size(data)
        shares = ops.sqrt(self._uniform((n, 2), *self.scale, seed))
        masks = box_masks(draw_boxes(self, shares, height, width, seed), height=height, width=width)
        chosen = self._some(data, self.factor, seed)
        low, high = map(float, self.value_range)
        channels = (data["images"] if isinstance(data, dict) else data).shape[-1 if self._axes[0] == -3 else -3]
        if self.fill_value is None:
            keys = random.next_keys(self.generator if seed is None else seed)
            fill = _noise_within(ops.logical_and(masks, ops.reshape(chosen, (-1, 1, 1))), keys, channels=channels)
            fill = ops.clip(ops.multiply(fill, high), low, high)
        else:
            fill = ops.convert_to_tensor(np.clip(np.float32(self.fill_value), low, high).reshape(1, 1, 1, -1))
        if self.data_format == "channels_first":
            fill = ops.transpose(fill, (0, 3, 1, 2))
        return {"apply_erasing": chosen, "batch_masks": self._with_channel(masks), "fill_value": fill}

    def _transform(self, images: Tensor, transformation: Any, interpolation: str | None) -> Tensor:
        chosen = ops.reshape(transformation["apply_erasing"], (-1, 1, 1, 1))
        covered = ops.logical_and(transformation["batch_masks"], chosen)
        erased: Tensor = cover(images, covered, ops.cast(transformation["fill_value"], images.dtype.name))
        return erased
