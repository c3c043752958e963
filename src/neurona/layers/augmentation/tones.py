"""RandomInvert, RandomPosterization, Solarization, AutoContrast, Equalization: other values for the same pixels."""

from __future__ import annotations

from typing import Any

import numpy as np

from neurona import ops, random
from neurona.cases import A, Case
from neurona.layers.augmentation.base import PictureLayer, in_range, ordered_range, span
from neurona.registry import export
from neurona.tape import op
from neurona.tensor import Array, Tensor

__all__ = ["AutoContrast", "Equalization", "RandomInvert", "RandomPosterization", "Solarization"]

_BYTES = (0, 255)


@export("keras.layers")
class RandomInvert(PictureLayer):
    """Turn light into dark, y = largest value - x, for some pictures, in training only.

    Input and output ``(N, H, W, C)`` (``(N, C, H, W)`` with "channels_first"), or one picture.

    Args:
        factor: the range from which each picture's probability is drawn; a number p means (0, p). In 0 ... 1.
        value_range: the smallest and largest value.
        seed: an integer makes the draws repeatable.
        data_format: "channels_last" unless set otherwise.

    Raises:
        ArgumentError: a factor out of its range.

    >>> RandomInvert((1.0, 1.0))(np.array([[[5.0]]]), training=True)
    Tensor([[[250.]]], dtype=float32)
    """

    _settings = ("factor", "value_range", "seed")

    def __init__(
        self,
        factor: Any = 1.0,
        value_range: Any = (0, 255),
        seed: int | None = None,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(seed=seed, data_format=data_format, **kwargs)
        self.factor = span(factor, 0, 1, mirrored=False)
        self.value_range = value_range

    def get_random_transformation(self, data: Any, training: bool = True, seed: Any = None) -> Any:
        return {"apply_inversion": self._some(data, self.factor, seed)} if training else None

    def _transform(self, images: Tensor, transformation: Any, interpolation: str | None) -> Tensor:
        chosen = ops.reshape(transformation["apply_inversion"], (-1, 1, 1, 1))
        inverted: Tensor = ops.where(chosen, ops.subtract(float(self.value_range[1]), images), images)
        return inverted


@export("keras.layers")
class RandomPosterization(PictureLayer):
    """Keep only the highest bits of each value, in training only.

    Input and output ``(N, H, W, C)`` (``(N, C, H, W)`` with "channels_first"), or one picture.

    Args:
        factor: how many bits stay: (a, b) draws from a up to b, left out; a number b means (1, b). In 1 ... 8.
        value_range: the smallest and largest value.
        data_format: "channels_last" unless set otherwise.
        seed: an integer makes the draws repeatable.

    Raises:
        ArgumentError: a factor out of its range, or no range.

    >>> RandomPosterization((2, 2))(np.array([[[100.0]]]), training=True)
    Tensor([[[64.]]], dtype=float32)
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
        self.factor = span(factor, 1, 8, mirrored=False)
        self.value_range = ordered_range(value_range)

    def get_random_transformation(self, data: Any, training: bool = True, seed: Any = None) -> Any:
        if not training:
            return None
        low, high, n = int(self.factor[0]), int(self.factor[1]), self._size(data)[0]
        if low == high:
            return {"shift_factor": ops.full((n,), 8 - low, "int32")}
        bits = random.randint((n,), low, high, seed=self.generator if seed is None else seed)
        return {"shift_factor": ops.subtract(8, bits)}

    def _transform(self, images: Tensor, transformation: Any, interpolation: str | None) -> Tensor:
        shift = ops.reshape(ops.cast(transformation["shift_factor"], images.dtype.name), (-1, 1, 1, 1))
        step = ops.round(ops.power(2.0, shift))  # the bits below are those that a division by it leaves over
        whole = ops.floor(in_range(images, self.value_range, _BYTES))
        return in_range(ops.multiply(ops.floor(ops.divide(whole, step)), step), _BYTES, self.value_range)


@export("keras.layers")
class Solarization(PictureLayer):
    """Add something to all values, then turn those from a threshold on into dark, in training only.

    Input and output ``(N, H, W, C)`` (``(N, C, H, W)`` with "channels_first"), or one picture.

    Args:
        addition_factor: how much is added, as a share of 255: a number b means between 0 and b. In 0 ... 1.
        threshold_factor: where the threshold lies, likewise; at 0 all is turned.
        value_range: the smallest and largest value.
        seed: an integer makes the draws repeatable.

    Raises:
        ArgumentError: a factor out of its range, or no range.

    >>> Solarization()(np.array([[[5.0]]]), training=True)
    Tensor([[[250.]]], dtype=float32)
    """

    _settings = ("value_range", "addition_factor", "threshold_factor", "seed")

    def __init__(
        self,
        addition_factor: Any = 0.0,
        threshold_factor: Any = 0.0,
        value_range: Any = (0, 255),
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(seed=seed, **kwargs)
        self.addition_factor = self._from_zero(addition_factor, "addition_factor")
        self.threshold_factor = self._from_zero(threshold_factor, "threshold_factor")
        self.value_range = ordered_range(value_range)

    @staticmethod
    def _from_zero(factor: Any, name: str) -> tuple[float, float]:
        low, high = span(factor, 0, 1, name)
        return (0, high) if isinstance(factor, (int, float)) else (low, high)

    def get_random_transformation(self, data: Any, training: bool = True, seed: Any = None) -> Any:
        if not training:
            return None
        shape = (self._size(data)[0], 1, 1, 1)
        # the lower ends are not times 255 in Keras either
        return {
            "additions": self._uniform(shape, self.addition_factor[0], self.addition_factor[1] * 255, seed),
            "thresholds": self._uniform(shape, self.threshold_factor[0], self.threshold_factor[1] * 255, seed),
        }

    def _transform(self, images: Tensor, transformation: Any, interpolation: str | None) -> Tensor:
        additions, thresholds = (
            ops.reshape(ops.cast(transformation[name], images.dtype.name), (-1, 1, 1, 1))
            for name in ("additions", "thresholds")
        )
        values = ops.clip(ops.add(in_range(images, self.value_range, _BYTES), additions), 0.0, 255.0)
        turned = ops.where(ops.less(values, thresholds), values, ops.subtract(255.0, values))
        return in_range(turned, _BYTES, self.value_range)


@export("keras.layers")
class AutoContrast(PictureLayer):
    """Spread each channel of each picture over the whole value range, in training and inference alike.

    Input and output ``(N, H, W, C)`` (``(N, C, H, W)`` with "channels_first"), or one picture.

    Args:
        value_range: the smallest and largest value.

    Raises:
        ArgumentError: no range.

    >>> AutoContrast(value_range=(0, 1))(np.array([[[0.2], [0.3], [0.4]]]))[0, :, 0]
    Tensor([0. , 0.5, 1. ], dtype=float32)
    """

    _settings = ("value_range",)

    def __init__(self, value_range: Any = (0, 255), **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.value_range = ordered_range(value_range)

    def transform_images(self, images: Tensor, transformation: Any = None, training: bool = True) -> Tensor:
        images = self._as_computed(images)
        values = in_range(images, self.value_range, _BYTES)
        low = ops.min(values, axis=self._axes, keepdims=True)
        high = ops.max(values, axis=self._axes, keepdims=True)
        flat = ops.equal(high, low)  # one value everywhere has nothing to be spread
        scale = ops.divide(255.0, ops.where(flat, ops.ones_like(high), ops.subtract(high, low)))
        spread = ops.clip(ops.multiply(ops.subtract(values, low), scale), 0.0, 255.0)
        result: Tensor = ops.where(flat, images, in_range(spread, _BYTES, self.value_range))
        return result


@op(cases=[Case(A("N 2 3 C", 0.0, 255.0), bins=8, sizes={"N": 1, "C": 1}), Case(np.ones((2, 2, 2, 1)), bins=4)])
def _equalized(images: Array, bins: int) -> Array:
    """Each value (0 ... 255) replaced by its rank among those of its channel, in `bins` steps, as 0 ... 255."""
    y = np.empty(images.shape, images.dtype)
    for channel in range(images.shape[-1]):
        values = images[..., channel]
        place = np.clip(values / images.dtype.type(255) * (bins - 1), 0, bins - 1).astype(np.intp)
        up_to = np.bincount(place.ravel(), minlength=bins).cumsum()
        filled = up_to[up_to > 0]
        if not filled.size or filled[0] == filled[-1]:  # all in one bin
            y[..., channel] = values
            continue
        table = np.clip(np.rint((up_to - filled[0]) * 255 / (filled[-1] - filled[0])), 0, 255)
        y[..., channel] = table[place]
    return y


@_equalized.gradient
def _(g: Array, y: Array, images: Array, bins: int) -> Array:
    passed = np.all(y == images, axis=(0, 1, 2))  # elsewhere it is a staircase: flat but for its steps
    return np.asarray(g * passed)


@export("keras.layers")
class Equalization(PictureLayer):
    """Replace each value by its rank, so that all values are about equally frequent, in training only.

    The frequencies of a channel are those of the whole batch.

    Input and output ``(N, H, W, C)`` (``(N, C, H, W)`` with "channels_first"), or one picture.

    Args:
        value_range: the smallest and largest value.
        bins: how many values are told apart.
        data_format: "channels_last" unless set otherwise.

    Raises:
        ArgumentError: no range.

    >>> Equalization()(np.array([[[0.0], [1.0], [2.0]]]), training=True)[0, :, 0]
    Tensor([  0., 128., 255.], dtype=float32)
    """

    _settings = ("bins", "value_range")

    def __init__(
        self, value_range: Any = (0, 255), bins: int = 256, data_format: str | None = None, **kwargs: Any
    ) -> None:
        super().__init__(data_format=data_format, **kwargs)
        self.value_range, self.bins = ordered_range(value_range), bins

    def _transform(self, images: Tensor, transformation: Any, interpolation: str | None) -> Tensor:
        values = in_range(images, self.value_range, _BYTES)
        if self.data_format == "channels_first":
            values = ops.transpose(_equalized(ops.transpose(values, (0, 2, 3, 1)), bins=self.bins), (0, 3, 1, 2))
        else:
            values = _equalized(values, bins=self.bins)
        return in_range(values, _BYTES, self.value_range)
