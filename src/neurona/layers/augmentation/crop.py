"""RandomCrop: a window at a drawn place."""

from __future__ import annotations

from typing import Any

import numpy as np

from neurona import ops, random
from neurona.cases import A, Case
from neurona.layers.augmentation.base import PictureLayer
from neurona.registry import export
from neurona.symbolic import Shape
from neurona.tape import op
from neurona.tensor import Array, Tensor

__all__ = ["RandomCrop"]


@op(
    cases=[
        Case("N 4 5 2", A("2", 0, 2, kind="int"), size=(2, 3), axis=1),
        Case("N 2 4 5", A("2", 0, 2, kind="int"), size=(2, 3), axis=2),
    ]
)
def _window(images: Array, start: Array, size: tuple[int, int], axis: int) -> Array:
    """The window of a size that starts at (top, left); `axis` is that of the height."""
    return np.ascontiguousarray(images[_slices(start, size, axis)])


@_window.gradient
def _(g: Array, y: Array, images: Array, start: Array, size: tuple[int, int], axis: int) -> tuple[Array, None]:
    dx = np.zeros(images.shape, g.dtype)
    dx[_slices(start, size, axis)] = g
    return dx, None


def _slices(start: Array, size: tuple[int, int], axis: int) -> tuple[slice, ...]:
    top, left = start.tolist()
    return (slice(None),) * axis + (slice(top, top + size[0]), slice(left, left + size[1]))


@export("keras.layers")
class RandomCrop(PictureLayer):
    """Cut a window of a given size out of the pictures, in training: at one drawn place for the whole batch.

    In inference, and where pictures are not larger than the window along both axes, the largest part in the middle that
    has the window's aspect ratio is resized to it.

    Input ``(N, H, W, C)`` (``(N, C, H, W)`` with "channels_first"), or one picture; output the same with the
    window's height and width.

    Args:
        height, width: the window's size.
        seed: an integer makes the draws repeatable; drawn itself unless told.
        data_format: "channels_last" unless set otherwise.

    >>> RandomCrop(1, 2, seed=1)(np.ones((3, 3, 1)), training=True).shape
    (1, 2, 1)
    """

    _settings = ("height", "width", "seed", "data_format")
    _geometric = True

    def __init__(
        self,
        height: int,
        width: int,
        seed: int | None = None,
        data_format: str | None = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        seed = random.make_default_seed() if seed is None else seed
        super().__init__(seed=seed, data_format=data_format, name=name, **kwargs)
        self.height, self.width = height, width

    def get_random_transformation(self, data: Any, training: bool = True, seed: Any = None) -> Any:
        _, height, width = self._size(data)
        if not training or not (height > self.height and width > self.width):
            return None
        seed = self.generator if seed is None else seed
        top = random.randint((1,), 0, height - self.height + 1, seed=seed)
        left = random.randint((1,), 0, width - self.width + 1, seed=seed)
        return ops.concatenate([top, left])

    def transform_images(self, images: Tensor, transformation: Any, training: bool = True) -> Tensor:
        return self._transform(self._as_computed(images), transformation, "bilinear")

    def transform_segmentation_masks(
        self, segmentation_masks: Tensor, transformation: Any, training: bool = True
    ) -> Tensor:
        return self._transform(segmentation_masks, transformation, "nearest")

    def _transform(self, images: Tensor, transformation: Any, interpolation: str | None) -> Tensor:
        size = (self.height, self.width)
        if transformation is None:
            whole: Tensor = ops.image.resize(
                images, size, interpolation or "bilinear", crop_to_aspect_ratio=True, data_format=self.data_format
            )
            return whole
        start = ops.convert_to_tensor(transformation, "int32")
        cut: Tensor = _window(images, start, size=size, axis=images.ndim + self._axes[0])
        return cut

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        shape = list(input_shape)
        shape[self._axes[0]], shape[self._axes[1]] = self.height, self.width
        return tuple(shape)
