"""RandomGaussianBlur and RandomSharpness: pictures mixed with a blurred version of themselves."""

from __future__ import annotations

from typing import Any

import numpy as np

from neurona import ops
from neurona.errors import ArgumentError
from neurona.layers.augmentation.base import PictureLayer, ordered_range, span
from neurona.ops.image.filters import neighbourhood_sum
from neurona.ops.image.sampling import in_batch, out_of_batch
from neurona.registry import export
from neurona.tensor import Tensor

__all__ = ["RandomGaussianBlur", "RandomSharpness"]

_SMOOTH = np.full((3, 3), 1 / 13)
_SMOOTH[1, 1] = 5 / 13


@export("keras.layers")
class RandomGaussianBlur(PictureLayer):
    """Blur some pictures, in training only: all of a batch equally strongly.

    Input and output ``(N, H, W, C)`` (``(N, C, H, W)`` with "channels_first"), or one picture.

    Args:
        factor: the range from which each picture's probability is drawn; a number p means (0, p). In 0 ... 1.
        kernel_size: how many pixels are summed along both axes; odd.
        sigma: the range from which the Gaussian's widths in pixels are drawn; a number s means (0, s). In 0 ... 1.
        value_range: the smallest and largest value; the result is cut there.
        data_format: "channels_last" unless set otherwise.
        seed: an integer makes the draws repeatable.

    Raises:
        ArgumentError: an even kernel, or a factor out of its range.

    >>> RandomGaussianBlur(seed=1)(np.ones((4, 4, 1)), training=True).shape
    (4, 4, 1)
    """

    _settings = ("factor", "kernel_size", "sigma", "value_range", "seed")

    def __init__(
        self,
        factor: Any = 1.0,
        kernel_size: Any = 3,
        sigma: Any = 1.0,
        value_range: Any = (0, 255),
        data_format: str | None = None,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(seed=seed, data_format=data_format, **kwargs)
        self.factor = span(factor, 0, 1, mirrored=False)
        sizes = (kernel_size, kernel_size) if isinstance(kernel_size, int) else tuple(kernel_size)
        if len(sizes) != 2 or any(size % 2 == 0 for size in sizes):
            raise ArgumentError(f"kernel_size must be an odd number. Received: kernel_size={kernel_size}")
        self.kernel_size = sizes
        self.sigma = span(sigma, 0, 1, "sigma", mirrored=False)
        self.value_range = value_range

    def get_random_transformation(self, data: Any, training: bool = True, seed: Any = None) -> Any:
        if not training:
            return None
        chosen = self._some(data, self.factor, seed)
        return {"should_apply_blur": chosen, "blur_factor": ops.add(self._uniform((2,), *self.sigma, seed), 1e-6)}

    def _transform(self, images: Tensor, transformation: Any, interpolation: str | None) -> Tensor:
        blurred = ops.image.gaussian_blur(
            images, kernel_size=self.kernel_size, sigma=transformation["blur_factor"], data_format=self.data_format
        )
        chosen = ops.reshape(transformation["should_apply_blur"], (-1, 1, 1, 1))
        limits = (float(end) for end in self.value_range)
        result: Tensor = ops.clip(ops.where(chosen, blurred, images), *limits)
        return result


@export("keras.layers")
class RandomSharpness(PictureLayer):
    """Make each picture sharper or softer, y = x + (1 - 2 f) (smooth - x), in training only.

    Input and output ``(N, H, W, C)`` (``(N, C, H, W)`` with "channels_first"), or one picture.

    Args:
        factor: the range of f: 0 smooths, 1/2 changes nothing, 1 sharpens; a number b means (0, b). In 0 ... 1.
        value_range: the smallest and largest value; the result is cut there.
        data_format: "channels_last" unless set otherwise.
        seed: an integer makes the draws repeatable.

    Raises:
        ArgumentError: a factor out of its range, or no range.

    >>> RandomSharpness((0.5, 0.5))(np.array([[[1.0], [3.0]]]), training=True)[0, :, 0]
    Tensor([1., 3.], dtype=float32)
    """

    _settings = ("factor", "value_range", "seed")

    def __init__(
        self,
        factor: Any,
        value_range: Any = (0, 255),
        data_format: str | None = None,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(seed=seed, data_format=data_format, **kwargs)
        self.factor = span(factor, 0, 1, mirrored=False)
        self.value_range = ordered_range(value_range)

    def get_random_transformation(self, data: Any, training: bool = True, seed: Any = None) -> Any:
        return {"factor": self._uniform((self._size(data)[0],), *self.factor, seed)} if training else None

    def _transform(self, images: Tensor, transformation: Any, interpolation: str | None) -> Tensor:
        batch, single, first = in_batch(images, self.data_format)
        smooth = neighbourhood_sum(batch, _SMOOTH.astype(batch.dtype))
        softness = ops.subtract(1.0, ops.multiply(2.0, ops.cast(transformation["factor"], batch.dtype.name)))
        mixed = ops.add(batch, ops.multiply(ops.reshape(softness, (-1, 1, 1, 1)), ops.subtract(smooth, batch)))
        return out_of_batch(ops.clip(mixed, *map(float, self.value_range)), single, first)
