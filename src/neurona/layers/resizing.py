"""Resizing and CenterCrop: pictures of the size that a model expects, in training and inference alike."""

from __future__ import annotations

from typing import Any

import numpy as np

from neurona import ops
from neurona.layers.augmentation.base import PictureLayer
from neurona.registry import export
from neurona.symbolic import KerasTensor, Shape
from neurona.tensor import Tensor

__all__ = ["CenterCrop", "Resizing"]


class _OfSize(PictureLayer):
    """A layer whose pictures leave with a given height and width."""

    height: int
    width: int

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        shape = list(input_shape)
        shape[self._axes[0]], shape[self._axes[1]] = self.height, self.width
        return tuple(shape)


@export("keras.layers")
class Resizing(_OfSize):
    """Bring pictures to another height and width; whole numbers stay whole numbers.

    Input ``(N, H, W, C)`` (``(N, C, H, W)`` with "channels_first"), or one picture.

    Args:
        height, width: the new size.
        interpolation: "bilinear", "nearest", "bicubic", "lanczos3", "lanczos5" or "area".
        crop_to_aspect_ratio: cut off what would be distorted.
        pad_to_aspect_ratio: put a frame around the picture so that nothing is distorted or lost.
        fill_mode: only "constant".
        fill_value: of the frame.
        antialias: whether a smaller picture takes from all pixels of the larger one.
        data_format: "channels_last" unless set otherwise.

    >>> Resizing(1, 2)(np.array([[[0], [1], [2], [3]]], "uint8"))[0, :, 0]
    Tensor([0, 2], dtype=uint8)
    """

    _settings = (
        "height", "width", "interpolation", "crop_to_aspect_ratio", "pad_to_aspect_ratio", "fill_mode", "fill_value",
        "antialias", "data_format",
    )  # fmt: skip

    def __init__(
        self,
        height: int,
        width: int,
        interpolation: str = "bilinear",
        crop_to_aspect_ratio: bool = False,
        pad_to_aspect_ratio: bool = False,
        fill_mode: str = "constant",
        fill_value: float = 0.0,
        antialias: bool = False,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(data_format=data_format, **kwargs)
        self.height, self.width, self.interpolation = height, width, interpolation
        self.crop_to_aspect_ratio, self.pad_to_aspect_ratio = crop_to_aspect_ratio, pad_to_aspect_ratio
        self.fill_mode, self.fill_value, self.antialias = fill_mode, fill_value, bool(antialias)

    def transform_images(self, images: Tensor, transformation: Any = None, training: bool = True) -> Tensor:
        return self._resized(images, self.interpolation)

    def transform_segmentation_masks(
        self, segmentation_masks: Tensor, transformation: Any = None, training: bool = True
    ) -> Tensor:
        return self._resized(segmentation_masks, "nearest")

    def _resized(self, images: Tensor, interpolation: str) -> Tensor:
        resized: Tensor = ops.image.resize(
            images, (self.height, self.width), interpolation=interpolation, antialias=self.antialias,
            crop_to_aspect_ratio=self.crop_to_aspect_ratio, pad_to_aspect_ratio=self.pad_to_aspect_ratio,
            fill_mode=self.fill_mode, fill_value=self.fill_value, data_format=self.data_format,
        )  # fmt: skip
        return resized

    def compute_output_spec(self, *args: Any, **kwargs: Any) -> Any:
        """The output as symbolic tensors, for symbolic inputs: of the input's type."""
        if isinstance(args[0], dict):
            return self._infer(*args, **kwargs)
        dtype = args[0].dtype if np.dtype(args[0].dtype).kind in "iu" else self.compute_dtype
        return KerasTensor(self.compute_output_shape(args[0].shape), dtype)


@export("keras.layers")
class CenterCrop(_OfSize):
    """Cut the middle out of pictures; smaller ones are cut to its aspect ratio and enlarged.

    Input ``(N, H, W, C)`` (``(N, C, H, W)`` with "channels_first"), or one picture.

    Args:
        height, width: the size of what is kept.
        data_format: "channels_last" unless set otherwise.

    >>> CenterCrop(1, 2)(np.array([[[0.0], [1.0], [2.0], [3.0]]]))[0, :, 0]
    Tensor([1., 2.], dtype=float32)
    """

    _settings = ("height", "width", "data_format")

    def __init__(self, height: int, width: int, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(data_format=data_format, **kwargs)
        self.height, self.width = height, width

    def transform_images(self, images: Tensor, transformation: Any = None, training: bool = True) -> Tensor:
        return self._cut(images, "bilinear")

    def transform_segmentation_masks(
        self, segmentation_masks: Tensor, transformation: Any = None, training: bool = True
    ) -> Tensor:
        return self._cut(segmentation_masks, "nearest")

    def _cut(self, images: Tensor, interpolation: str) -> Tensor:
        images = self._as_computed(images)
        down, along = self._axes
        top, left = images.shape[down] - self.height, images.shape[along] - self.width
        if top >= 0 and left >= 0:
            rows, columns = slice(top // 2, top // 2 + self.height), slice(left // 2, left // 2 + self.width)
            return images[:, rows, columns] if down == -3 else images[:, :, rows, columns]
        whole = ops.image.resize(
            images, (self.height, self.width), interpolation, crop_to_aspect_ratio=True, data_format=self.data_format
        )
        return self._as_computed(whole)
