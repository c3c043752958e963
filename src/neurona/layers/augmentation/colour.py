"""RandomBrightness, RandomContrast, RandomSaturation, RandomHue, RandomColorDegeneration, RandomGrayscale, and
RandomColorJitter, which is the first four one after the other.

Pictures hold numbers of a *value range*, 0 to 255 unless told; whole numbers come out as floats.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from neurona import config, ops
from neurona.errors import ArgumentError
from neurona.layers.augmentation.base import PictureLayer, in_range, ordered_range, span
from neurona.registry import export
from neurona.symbolic import KerasTensor
from neurona.tensor import Tensor

__all__ = [
    "RandomBrightness",
    "RandomColorDegeneration",
    "RandomColorJitter",
    "RandomContrast",
    "RandomGrayscale",
    "RandomHue",
    "RandomSaturation",
]


class _Colour(PictureLayer):
    """A layer with a factor and a value range."""

    _settings = ("factor", "value_range", "seed")

    factor: tuple[float, float]
    value_range: Any

    def _limited(self, images: Tensor) -> Tensor:
        limited: Tensor = ops.clip(images, float(self.value_range[0]), float(self.value_range[1]))
        return limited

    def _each(self, numbers: Any, images: Tensor) -> Tensor:
        """One number for each picture, to be broadcast over it."""
        spread: Tensor = ops.reshape(ops.cast(numbers, images.dtype.name), (-1, 1, 1, 1))
        return spread


@export("keras.layers")
class RandomContrast(_Colour):
    """Pull each picture's pixels away from their mean, y = (x - mean) f + mean, in training only.

    Input and output ``(N, H, W, C)`` (``(N, C, H, W)`` with "channels_first"), or one picture; each channel has its own mean.

    Args:
        factor: (a, b) draws f between 1 - a and 1 + b; a number b means (0, b). In 0 ... 1.
        value_range: the smallest and largest value; the result is cut there.
        seed: an integer makes the draws repeatable.

    Raises:
        ArgumentError: a factor out of its range.

    >>> layer = RandomContrast((0.0, 0.5), value_range=(0, 1), seed=1)
    >>> layer(np.full((2, 2, 1), 0.5), training=True)[0, 0, 0]
    Tensor(0.5, dtype=float32)
    """

    def __init__(self, factor: Any, value_range: Any = (0, 255), seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(seed=seed, **kwargs)
        self.factor = span(factor, 0, 1, mirrored=False)
        self.value_range = value_range

    def get_random_transformation(self, data: Any, training: bool = True, seed: Any = None) -> Any:
        if not training:
            return None
        n = self._size(data)[0]
        return {"contrast_factor": self._uniform((n, 1, 1, 1), 1 - self.factor[0], 1 + self.factor[1], seed)}

    def _transform(self, images: Tensor, transformation: Any, interpolation: str | None) -> Tensor:
        down, along = self._axes
        mean = ops.mean(ops.mean(images, axis=down, keepdims=True), axis=along, keepdims=True)
        factor = self._each(transformation["contrast_factor"], images)
        # whole rows of it: with three channels alone NumPy would add in steps of three
        rows = ops.repeat(ops.multiply(mean, ops.subtract(1.0, factor)), images.shape[along], axis=along)
        return self._limited(ops.add(ops.multiply(images, factor), rows))


@export("keras.layers")
class RandomBrightness(_Colour):
    """Add one random number to all pixels of a picture, in training only.

    Input and output ``(N, H, W, C)`` (``(N, C, H, W)`` with "channels_first"), or one picture.

    Args:
        factor: f means between -f and f times the width of the value range; or the two ends. In -1 ... 1.
        value_range: the smallest and largest value; the result is cut there.
        seed: an integer makes the draws repeatable.

    Raises:
        ArgumentError: a factor out of its range, or no range.

    >>> RandomBrightness((0.1, 0.1), value_range=(0, 1))(np.array([[[0.5], [1.0]]]), training=True)[0, :, 0]
    Tensor([0.6, 1. ], dtype=float32)
    """

    def __init__(self, factor: Any, value_range: Any = (0, 255), seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(seed=seed, **kwargs)
        self.factor = span(factor or 0.0, -1, 1, mirrored=False)
        self.value_range = ordered_range(value_range)

    def get_random_transformation(self, data: Any, training: bool = True, seed: Any = None) -> Any:
        if not training:
            return None
        width = self.value_range[1] - self.value_range[0]
        low, high = (end * width for end in self.factor)
        return {"rgb_delta": self._uniform((self._size(data)[0], 1, 1, 1), low, high, seed)}

    def _transform(self, images: Tensor, transformation: Any, interpolation: str | None) -> Tensor:
        return self._limited(ops.add(images, self._each(transformation["rgb_delta"], images)))


@export("keras.layers")
class RandomSaturation(_Colour):
    """Make the colours of each picture stronger or paler, in training only: saturation times f / (1 - f).

    Input and output ``(N, H, W, 3)`` (``(N, 3, H, W)`` with "channels_first"), or one picture.

    Args:
        factor: a number b draws f between -b and b, a pair between its ends; 0 leaves only grey, 1/2 changes nothing,
            1 gives the strongest colours. In -1 ... 1.
        value_range: the smallest and largest value.
        data_format: "channels_last" unless set otherwise.
        seed: an integer makes the draws repeatable.

    Raises:
        ArgumentError: a factor out of its range, or no range.

    >>> RandomSaturation((0.0, 0.0))(np.array([[[1.0, 3.0, 2.0]]]), training=True)
    Tensor([[[3., 3., 3.]]], dtype=float32)
    """

    def __init__(
        self,
        factor: Any,
        value_range: Any = (0, 255),
        data_format: str | None = None,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(seed=seed, data_format=data_format, **kwargs)
        self.factor = span(factor, -1, 1, mirrored=False)
        self.value_range = ordered_range(value_range)

    def get_random_transformation(self, data: Any, training: bool = True, seed: Any = None) -> Any:
        if not training:
            return None
        factor = self._uniform((self._size(data)[0],), *self.factor, seed)
        return {"factor": ops.divide(factor, ops.add(ops.subtract(1.0, factor), config.epsilon()))}

    def _transform(self, images: Tensor, transformation: Any, interpolation: str | None) -> Tensor:
        channels = -1 if self.data_format == "channels_last" else -3
        hue, saturation, value = ops.split(ops.image.rgb_to_hsv(images, self.data_format), 3, axis=channels)
        saturation = self._limited(ops.multiply(saturation, self._each(transformation["factor"], images)))
        changed = ops.concatenate([hue, saturation, value], axis=channels)
        colours: Tensor = ops.image.hsv_to_rgb(changed, self.data_format)
        return colours


@export("keras.layers")
class RandomHue(_Colour):
    """Turn the colours of each picture around the colour circle, in training only.

    Input and output ``(N, H, W, 3)`` (``(N, 3, H, W)`` with "channels_first"), or one picture.

    Args:
        factor: (a, b) turns by between a and b half circles, to either side; a number b means (0, b). In 0 ... 1.
        value_range: the smallest and largest value.
        data_format: "channels_last" unless set otherwise.
        seed: an integer makes the draws repeatable.

    Raises:
        ArgumentError: a factor out of its range.

    >>> RandomHue((0.0, 0.0))(np.array([[[0.0, 255.0, 0.0]]]), training=True)
    Tensor([[[  0., 255.,   0.]]], dtype=float32)
    """

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
        self.value_range = value_range

    def get_random_transformation(self, data: Any, training: bool = True, seed: Any = None) -> Any:
        if not training:
            return None
        n = self._size(data)[0]
        side = ops.where(ops.greater(self._uniform((n,), 0.0, 1.0, seed), 0.5), np.float32(-0.5), np.float32(0.5))
        return {"factor": ops.multiply(self._uniform((n,), *self.factor, seed), side)}

    def _transform(self, images: Tensor, transformation: Any, interpolation: str | None) -> Tensor:
        channels = -1 if self.data_format == "channels_last" else -3
        unit = in_range(images, self.value_range, (0, 1))
        hue, saturation, value = ops.split(ops.image.rgb_to_hsv(unit, self.data_format), 3, axis=channels)
        hue = ops.add(hue, self._each(transformation["factor"], images))
        hue = ops.where(ops.greater(hue, 1.0), ops.subtract(hue, 1.0), hue)
        hue = ops.where(ops.less(hue, 0.0), ops.add(hue, 1.0), hue)
        turned = ops.image.hsv_to_rgb(ops.concatenate([hue, saturation, value], axis=channels), self.data_format)
        return in_range(ops.clip(turned, 0.0, 1.0), (0, 1), self.value_range)


@export("keras.layers")
class RandomColorDegeneration(_Colour):
    """Mix each picture with its grey version, y = x + f (grey - x), in training only.

    Input and output ``(N, H, W, 3)`` (``(N, 3, H, W)`` with "channels_first"), or one picture.

    Args:
        factor: a number b draws f between -b and b, a pair between its ends: 0 leaves the colours, 1 takes them
            away. In -1 ... 1.
        value_range: the smallest and largest value; the result is cut there.
        data_format: "channels_last" unless set otherwise.
        seed: an integer makes the draws repeatable.

    Raises:
        ArgumentError: a factor out of its range, or no range.

    >>> RandomColorDegeneration((1.0, 1.0))(np.array([[[10.0, 20.0, 30.0]]]), training=True)
    Tensor([[[18.149, 18.149, 18.149]]], dtype=float32)
    """

    def __init__(
        self,
        factor: Any,
        value_range: Any = (0, 255),
        data_format: str | None = None,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(seed=seed, data_format=data_format, **kwargs)
        self.factor = span(factor, -1, 1, mirrored=False)
        self.value_range = ordered_range(value_range)

    def get_random_transformation(self, data: Any, training: bool = True, seed: Any = None) -> Any:
        if not training:
            return None
        return {"factor": self._uniform((self._size(data)[0], 1, 1, 1), *self.factor, seed)}

    def _transform(self, images: Tensor, transformation: Any, interpolation: str | None) -> Tensor:
        grey = ops.image.rgb_to_grayscale(images, data_format=self.data_format)
        factor = self._each(transformation["factor"], images)
        return self._limited(ops.add(images, ops.multiply(factor, ops.subtract(grey, images))))


@export("keras.layers")
class RandomGrayscale(PictureLayer):
    """Take the colours out of some pictures, in training only; the number of channels stays.

    Input and output ``(N, H, W, 3)`` (``(N, 3, H, W)`` with "channels_first"), or one picture; of the input's type.

    Args:
        factor: the probability, 0 to 1.
        data_format: "channels_last" unless set otherwise.
        seed: an integer makes the draws repeatable.

    Raises:
        ArgumentError: a factor out of its range.

    >>> RandomGrayscale(1.0)(np.array([[[10.0, 20.0, 30.0]]]), training=True)
    Tensor([[[18.149, 18.149, 18.149]]], dtype=float32)
    """

    _settings = ("factor", "seed")

    def __init__(
        self, factor: float = 0.5, data_format: str | None = None, seed: int | None = None, **kwargs: Any
    ) -> None:
        super().__init__(seed=seed, data_format=data_format, **kwargs)
        if not 0 <= factor <= 1:
            raise ArgumentError(f"`factor` should be between 0 and 1. Received: factor={factor}")
        self.factor = factor

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        if self.seed is None:  # as in Keras, whose configuration never holds it
            del config["seed"]
        return config

    def get_random_transformation(self, data: Any, training: bool = True, seed: Any = None) -> Any:
        if not training:
            return None
        return ops.less(self._uniform((self._size(data)[0], 1, 1, 1), 0.0, 1.0, seed), self.factor)

    def transform_images(self, images: Tensor, transformation: Any, training: bool = True) -> Tensor:
        if not training:
            return images
        grey = ops.image.rgb_to_grayscale(images, data_format=self.data_format)
        chosen: Tensor = ops.where(transformation, grey, images)
        return chosen

    def compute_output_spec(self, *args: Any, **kwargs: Any) -> Any:
        """The output as symbolic tensors, for symbolic inputs: of the input's type."""
        if isinstance(args[0], dict):
            return self._infer(*args, **kwargs)
        return KerasTensor(args[0].shape, args[0].dtype)


@export("keras.layers")
class RandomColorJitter(PictureLayer):
    """Change brightness, contrast, saturation and hue at random, in this order, in training only.

    Input and output ``(N, H, W, 3)`` (``(N, 3, H, W)`` with "channels_first"), or one picture.

    Args:
        value_range: the smallest and largest value.
        brightness_factor, contrast_factor, saturation_factor, hue_factor: as in `RandomBrightness`, `RandomContrast`,
            `RandomSaturation`, `RandomHue`; ``None`` leaves that out.
        seed: an integer makes the draws repeatable.
        data_format: "channels_last" unless set otherwise.

    >>> RandomColorJitter(brightness_factor=0.2)(np.ones((2, 2, 3)), training=True).shape
    (2, 2, 3)
    """

    _settings = ("value_range", "brightness_factor", "contrast_factor", "saturation_factor", "hue_factor", "seed")

    def __init__(
        self,
        value_range: Any = (0, 255),
        brightness_factor: Any = None,
        contrast_factor: Any = None,
        saturation_factor: Any = None,
        hue_factor: Any = None,
        seed: int | None = None,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(seed=seed, data_format=data_format, **kwargs)
        self.value_range = value_range
        self.brightness_factor, self.contrast_factor = brightness_factor, contrast_factor
        self.saturation_factor, self.hue_factor = saturation_factor, hue_factor
        steps = (
            (RandomBrightness, brightness_factor), (RandomContrast, contrast_factor),
            (RandomSaturation, saturation_factor), (RandomHue, hue_factor),
        )  # fmt: skip
        self._steps: list[_Colour] = [
            step(factor, value_range=value_range, seed=seed, data_format=self.data_format, dtype=self.dtype_policy)
            for step, factor in steps
            if factor is not None
        ]

    def _transform(self, images: Tensor, transformation: Any, interpolation: str | None) -> Tensor:
        for step in self._steps:  # each draws with this layer's generator: seeded alike, they must not draw alike
            drawn = step.get_random_transformation(images, seed=self.generator)
            images = step.transform_images(images, drawn)
        return images
