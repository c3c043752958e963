"""RandomTranslation, RandomRotation, RandomZoom, RandomShear, RandomPerspective: pictures read elsewhere.

The first four draw one or two numbers for a picture and write its transform as (numbers) @ (a small matrix) +
(constants), the eight of `ops.image.affine_transform`; the last draws where the corners go.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from neurona import ops
from neurona.errors import ArgumentError
from neurona.layers.augmentation.base import PictureLayer, chosen_from, span
from neurona.ops.image.sampling import FILL_MODES, INTERPOLATIONS
from neurona.registry import export
from neurona.tensor import Tensor

__all__ = ["RandomPerspective", "RandomRotation", "RandomShear", "RandomTranslation", "RandomZoom"]

_IDENTITY = np.array([1, 0, 0, 0, 1, 0, 0, 0], "float32")


def _transforms(numbers: Tensor, *rows: list[float]) -> Tensor:
    """The identity changed by (N, 2) numbers: each times its row of eight."""
    matrix: Tensor = ops.add(ops.matmul(ops.cast(numbers, "float32"), np.array(rows, "float32")), _IDENTITY)
    return matrix


class _Affine(PictureLayer):
    """What the four share: how places between and outside the pixels are read."""

    _geometric = True

    def __init__(
        self,
        fill_mode: str,
        interpolation: str,
        seed: int | None,
        fill_value: float,
        data_format: str | None,
        **kwargs: Any,
    ) -> None:
        super().__init__(seed=seed, data_format=data_format, **kwargs)
        self.fill_mode = chosen_from("fill_mode", fill_mode, FILL_MODES)
        self.interpolation = chosen_from("interpolation", interpolation, INTERPOLATIONS)
        self.fill_value = fill_value

    def _transform(self, images: Tensor, transformation: Any, interpolation: str | None) -> Tensor:
        height, width = (images.shape[axis] for axis in self._axes)
        moved: Tensor = ops.image.affine_transform(
            images, self._matrix(transformation, height, width), interpolation=interpolation or self.interpolation,
            fill_mode=self.fill_mode, fill_value=self.fill_value, data_format=self.data_format,
        )  # fmt: skip
        return moved

    def _matrix(self, transformation: Any, height: int, width: int) -> Tensor:
        raise NotImplementedError(f"Layer {type(self).__name__} does not say where it reads.")


@export("keras.layers")
class RandomTranslation(_Affine):
    """Move each picture by a random part of its height and width, in training only.

    Input and output ``(N, H, W, C)`` (``(N, C, H, W)`` with "channels_first"), or one picture.

    Args:
        height_factor: a number f means from -f (up) to f (down) heights; or the two ends, each in -1 ... 1.
        width_factor: likewise, left to right.
        fill_mode: what comes in from outside: "reflect", "wrap", "constant" or "nearest".
        interpolation: "bilinear", or "nearest": moved by whole pixels.
        seed: an integer makes the draws repeatable.
        fill_value: for "constant".
        data_format: "channels_last" unless set otherwise.

    Raises:
        ArgumentError: a factor out of its range.
        UnknownNameError: an unknown fill mode or interpolation.

    >>> layer = RandomTranslation(0.0, (0.5, 0.5), fill_mode="constant")
    >>> layer(np.array([[[1.0], [2.0]]]), training=True)[0, :, 0]
    Tensor([0., 1.], dtype=float32)
    """

    _settings = (
        "height_factor", "width_factor", "fill_mode", "interpolation", "seed", "fill_value", "data_format",
    )  # fmt: skip

    def __init__(
        self,
        height_factor: Any,
        width_factor: Any,
        fill_mode: str = "reflect",
        interpolation: str = "bilinear",
        seed: int | None = None,
        fill_value: float = 0.0,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(fill_mode, interpolation, seed, fill_value, data_format, **kwargs)
        self.height_factor, self.width_factor = height_factor, width_factor
        self.height_lower, self.height_upper = span(height_factor, -1.0, 1.0, "height_factor")
        self.width_lower, self.width_upper = span(width_factor, -1.0, 1.0, "width_factor")

    def get_random_transformation(self, data: Any, training: bool = True, seed: Any = None) -> Any:
        if not training:
            return None
        n, height, width = self._size(data)
        down = self._uniform((n, 1), self.height_lower * height, self.height_upper * height, seed)
        right = self._uniform((n, 1), self.width_lower * width, self.width_upper * width, seed)
        return {"translations": ops.concatenate([right, down], axis=1)}

    def _matrix(self, transformation: Any, height: int, width: int) -> Tensor:
        return _transforms(transformation["translations"], [0, 0, -1, 0, 0, 0, 0, 0], [0, 0, 0, 0, 0, -1, 0, 0])


@export("keras.layers")
class RandomRotation(_Affine):
    """Turn each picture around its middle by a random angle, in training only.

    Input and output ``(N, H, W, C)`` (``(N, C, H, W)`` with "channels_first"), or one picture.

    Args:
        factor: in whole turns: f means from -f (clockwise) to f (counterclockwise); or the two ends, in -1 ... 1.
        fill_mode: what comes in from outside: "reflect", "wrap", "constant" or "nearest".
        interpolation: "bilinear" or "nearest".
        seed: an integer makes the draws repeatable.
        fill_value: for "constant".
        data_format: "channels_last" unless set otherwise.

    Raises:
        ArgumentError: a factor out of its range.
        UnknownNameError: an unknown fill mode or interpolation.

    >>> picture = np.array([[[1.0], [2.0]], [[3.0], [4.0]]])
    >>> RandomRotation((0.25, 0.25), interpolation="nearest")(picture, training=True)[..., 0]
    Tensor([[2., 4.],
           [1., 3.]], dtype=float32)
    """

    _settings = ("factor", "data_format", "fill_mode", "fill_value", "interpolation", "seed")

    def __init__(
        self,
        factor: Any,
        fill_mode: str = "reflect",
        interpolation: str = "bilinear",
        seed: int | None = None,
        fill_value: float = 0.0,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(fill_mode, interpolation, seed, fill_value, data_format, **kwargs)
        self.factor = span(factor, -1, 1, mirrored=False)

    def get_random_transformation(self, data: Any, training: bool = True, seed: Any = None) -> Any:
        if not training:
            return None
        n, height, width = self._size(data)
        degrees = self._uniform((n,), self.factor[0] * 360.0, self.factor[1] * 360.0, seed)
        angle = ops.multiply(degrees, np.float32(np.pi / 180))
        cx, cy = (width - 1) / 2, (height - 1) / 2
        turns = ops.subtract(ops.stack([ops.cos(angle), ops.sin(angle)], axis=1), np.array([1, 0], "float32"))
        # the picture's middle (cx, cy) stays where it is
        matrix = _transforms(turns, [1, 0, -cx, 0, 1, -cy, 0, 0], [0, -1, cy, 1, 0, -cx, 0, 0])
        return {"angle": degrees, "rotation_matrix": matrix}

    def _matrix(self, transformation: Any, height: int, width: int) -> Tensor:
        matrix: Tensor = transformation["rotation_matrix"]
        return matrix


@export("keras.layers")
class RandomZoom(_Affine):
    """Zoom each picture in or out around its middle by a random factor, in training only.

    Input and output ``(N, H, W, C)`` (``(N, C, H, W)`` with "channels_first"), or one picture.

    Args:
        height_factor: f means from 1 - f (zoomed in: less of the picture is seen) to 1 + f (out); or the two
            ends, each above -1 and at most 1.
        width_factor: likewise; ``None`` zooms width and height alike.
        fill_mode: what comes in from outside: "reflect", "wrap", "constant" or "nearest".
        interpolation: "bilinear" or "nearest".
        seed: an integer makes the draws repeatable.
        fill_value: for "constant".
        data_format: "channels_last" unless set otherwise.

    Raises:
        ArgumentError: a factor out of its range.
        UnknownNameError: an unknown fill mode or interpolation.

    >>> picture = np.array([[[1.0], [2.0], [3.0]]])
    >>> RandomZoom(0.0, (1.0, 1.0), fill_mode="constant")(picture, training=True)[0, :, 0]
    Tensor([0., 2., 0.], dtype=float32)
    """

    _settings = RandomTranslation._settings

    def __init__(
        self,
        height_factor: Any,
        width_factor: Any = None,
        fill_mode: str = "reflect",
        interpolation: str = "bilinear",
        seed: int | None = None,
        fill_value: float = 0.0,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(fill_mode, interpolation, seed, fill_value, data_format, **kwargs)
        self.height_factor, self.width_factor = height_factor, width_factor
        self.height_lower, self.height_upper = span(height_factor, -1.0, 1.0, "height_factor", above=True)
        if width_factor is not None:
            self.width_lower, self.width_upper = span(width_factor, -1.0, 1.0, "width_factor", above=True)

    def get_random_transformation(self, data: Any, training: bool = True, seed: Any = None) -> Any:
        if not training:
            return None
        n = self._size(data)[0]
        height_zoom = width_zoom = self._uniform((n, 1), 1 + self.height_lower, 1 + self.height_upper, seed)
        if self.width_factor is not None:
            width_zoom = self._uniform((n, 1), 1 + self.width_lower, 1 + self.width_upper, seed)
        return {"height_zoom": height_zoom, "width_zoom": width_zoom}

    def _matrix(self, transformation: Any, height: int, width: int) -> Tensor:
        zooms = ops.concatenate([transformation["width_zoom"], transformation["height_zoom"]], axis=1)
        cx, cy = (width - 1) / 2, (height - 1) / 2
        more = ops.subtract(zooms, np.float32(1))
        return _transforms(more, [1, 0, -cx, 0, 0, 0, 0, 0], [0, 0, 0, 0, 1, -cy, 0, 0])


@export("keras.layers")
class RandomShear(_Affine):
    """Slant each picture along its width and height by random amounts, in training only.

    Input and output ``(N, H, W, C)`` (``(N, C, H, W)`` with "channels_first"), or one picture.

    Args:
        x_factor: f means by up to f pixels to the left or right for each row; or two ends, in 0 ... 1 (the direction
            is drawn as well).
        y_factor: likewise up or down for each column.
        interpolation: "bilinear" or "nearest".
        fill_mode: what comes in from outside: "reflect", "wrap", "constant" or "nearest".
        fill_value: for "constant".
        data_format: "channels_last" unless set otherwise.
        seed: an integer makes the draws repeatable.

    Raises:
        ArgumentError: a factor out of its range.
        UnknownNameError: an unknown fill mode or interpolation.

    >>> RandomShear(0.2)(np.ones((3, 3, 1)), training=True).shape
    (3, 3, 1)
    """

    _settings = ("x_factor", "y_factor", "fill_mode", "interpolation", "seed", "fill_value", "data_format")

    def __init__(
        self,
        x_factor: Any = 0.0,
        y_factor: Any = 0.0,
        interpolation: str = "bilinear",
        fill_mode: str = "reflect",
        fill_value: float = 0.0,
        data_format: str | None = None,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(fill_mode, interpolation, seed, fill_value, data_format, **kwargs)
        self.x_factor = span(x_factor, 0, 1.0, "x_factor")
        self.y_factor = span(y_factor, 0, 1.0, "y_factor")

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """A new layer with these settings: a range -f ... f is what the number f makes."""
        settings = dict(config)
        for name in ("x_factor", "y_factor"):
            ends = settings.get(name)
            if isinstance(ends, (tuple, list)) and len(ends) == 2 and ends[0] == -ends[1]:
                settings[name] = ends[1]
        return cls(**settings)

    def get_random_transformation(self, data: Any, training: bool = True, seed: Any = None) -> Any:
        if not training:
            return None
        n = self._size(data)[0]
        side = ops.where(ops.greater(self._uniform((n, 1), 0.0, 1.0, seed), 0.5), np.float32(-1), np.float32(1))
        down = self._uniform((n, 1), *self.y_factor, seed)
        right = self._uniform((n, 1), *self.x_factor, seed)
        return {"shear_factor": ops.multiply(ops.concatenate([right, down], axis=1), side)}

    def _matrix(self, transformation: Any, height: int, width: int) -> Tensor:
        return _transforms(transformation["shear_factor"], [0, 1, 0, 0, 0, 0, 0, 0], [0, 0, 0, 1, 0, 0, 0, 0])


@export("keras.layers")
class RandomPerspective(PictureLayer):
    """Draw some pictures as if seen from the side, in training only: their corners are moved.

    Input and output ``(N, H, W, C)`` (``(N, C, H, W)`` with "channels_first"), or one picture.

    Args:
        factor: the range from which each picture's probability is drawn; a number p means (0, p). In 0 ... 1.
        scale: corners move by up to this share of half of their coordinates; 0 ... 1.
        interpolation: "bilinear" or "nearest".
        fill_value: of what lies outside.
        seed: an integer makes the draws repeatable.
        data_format: "channels_last" unless set otherwise.

    Raises:
        ArgumentError: a factor or a scale out of its range.
        UnknownNameError: an unknown interpolation.

    >>> RandomPerspective(scale=0.3)(np.ones((4, 4, 1)), training=True).shape
    (4, 4, 1)
    """

    _settings = ("factor", "scale", "interpolation", "fill_value", "seed")
    _geometric = True

    def __init__(
        self,
        factor: Any = 1.0,
        scale: float = 1.0,
        interpolation: str = "bilinear",
        fill_value: float = 0.0,
        seed: int | None = None,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(seed=seed, data_format=data_format, **kwargs)
        self.factor = span(factor, 0, 1, mirrored=False)
        if not 0 <= scale <= 1:
            raise ArgumentError(f"The `scale` argument should be a number in the range [0,1]. Received: scale={scale}")
        self.scale, self.fill_value = scale, fill_value
        self.interpolation = chosen_from("interpolation", interpolation, INTERPOLATIONS)

    def get_random_transformation(self, data: Any, training: bool = True, seed: Any = None) -> Any:
        if not training:
            return None
        n, height, width = self._size(data)
        chosen = self._some(data, self.factor, seed)
        shares = self._uniform((n, 4, 2), -0.5 * self.scale, 0.5 * self.scale, seed)
        right, bottom = width - 1, height - 1
        start = np.array([[[0, 0], [right, 0], [0, bottom], [right, bottom]]], "float32").repeat(n, axis=0)
        end = ops.add(start, ops.multiply(shares, start))
        return {"apply_perspective": chosen, "start_points": start, "end_points": end}

    def _transform(self, images: Tensor, transformation: Any, interpolation: str | None) -> Tensor:
        drawn = ops.image.perspective_transform(
            images, transformation["start_points"], transformation["end_points"],
            interpolation=interpolation or self.interpolation, fill_value=self.fill_value, data_format=self.data_format,
        )  # fmt: skip
        chosen = ops.reshape(transformation["apply_perspective"], (-1, 1, 1, 1))
        seen: Tensor = ops.where(chosen, drawn, images)
        return seen
