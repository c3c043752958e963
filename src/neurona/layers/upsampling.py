"""Enlarging pictures without weights: UpSampling1D, UpSampling2D, UpSampling3D.

Every place is repeated; in two dimensions the numbers between the places may also be interpolated.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from neurona import ops
from neurona.errors import ArgumentError, DTypeError, UnknownNameError
from neurona.layers.base import Layer
from neurona.layers.input_spec import InputSpec
from neurona.layers.window import counts, format_of
from neurona.registry import export
from neurona.symbolic import Shape
from neurona.tensor import Tensor

__all__ = ["UpSampling1D", "UpSampling2D", "UpSampling3D"]

_INTERPOLATIONS = ("area", "bicubic", "bilinear", "lanczos3", "lanczos5", "nearest")


class _UpSampling(Layer):
    """What the three share: how often each place is repeated on each axis of space."""

    def __init__(self, times: tuple[int, ...], data_format: str | None, /, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.times = times
        self.data_format = format_of(data_format)
        self.input_spec = InputSpec(ndim=len(times) + 2)

    def _every_axis(self) -> tuple[int, ...]:
        """The times of all axes: batch and channels stay as they are."""
        return (1, 1, *self.times) if self.data_format == "channels_first" else (1, *self.times, 1)

    def call(self, inputs: Tensor) -> Tensor:
        # (N, H, W, C) -> (N, 1, H, 1, W, 1, C, 1) -> (N, 1, H, a, W, b, C, 1) -> (N, a H, b W, C)
        pairs = list(zip(inputs.shape, self._every_axis(), strict=True))
        apart = ops.reshape(inputs, [n for length, _ in pairs for n in (length, 1)])
        repeated = ops.broadcast_to(apart, [n for pair in pairs for n in pair])
        enlarged: Tensor = ops.reshape(repeated, [math.prod(pair) for pair in pairs])
        return enlarged

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return tuple(n if n is None else n * k for n, k in zip(input_shape, self._every_axis(), strict=True))


@export("keras.layers")
class UpSampling1D(_UpSampling):
    """Repeat every step of a sequence: ``(N, T, C)`` becomes ``(N, size T, C)``.

    Args:
        size: how often.

    Raises:
        DTypeError: `size` is no integer.
        ArgumentError: `size` is below 1.

    >>> UpSampling1D(2)(np.array([[[1.0], [2.0]]]))[0, :, 0]
    Tensor([1., 1., 2., 2.], dtype=float32)
    """

    def __init__(self, size: int = 2, **kwargs: Any) -> None:
        if not isinstance(size, (int, np.integer)) or isinstance(size, bool):
            raise DTypeError(f"Expected an integer value for `size`. Received: size={size!r} of {type(size)}.")
        if size <= 0:
            raise ArgumentError(f"Argument `size` should be a positive integer. Received: size={size}")
        super().__init__((int(size),), "channels_last", **kwargs)
        self.size = int(size)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "size": self.size}


@export("keras.layers")
class UpSampling2D(_UpSampling):
    """Enlarge a picture: ``(N, H, W, C)`` becomes ``(N, size[0] H, size[1] W, C)``.

    Args:
        size: how often each row and each column is repeated: an int, or one for each.
        data_format: "channels_first" for ``(N, C, H, W)`` in and out; `config.image_data_format()` by default.
        interpolation: "nearest" repeats; "bilinear", "bicubic", "lanczos3", "lanczos5" and "area" compute the numbers in
            between as `ops.image.resize` does.

    Raises:
        ArgumentError: a size below 1.
        UnknownNameError: another interpolation.

    >>> UpSampling2D((1, 2))(np.array([[[[1.0], [2.0]]]]))[0, 0, :, 0]
    Tensor([1., 1., 2., 2.], dtype=float32)
    """

    def __init__(
        self, size: Any = (2, 2), data_format: str | None = None, interpolation: str = "nearest", **kwargs: Any
    ) -> None:
        super().__init__(counts(size, 2, "size"), data_format, **kwargs)
        self.size = self.times
        self.interpolation = str(interpolation).lower()
        if self.interpolation not in _INTERPOLATIONS:
            raise UnknownNameError.among("interpolation", interpolation, _INTERPOLATIONS)

    def call(self, inputs: Tensor) -> Tensor:
        if self.interpolation in ("nearest", "area"):  # the area of an enlarged picture's place lies within one place
            return super().call(inputs)
        shape = self.compute_output_shape(inputs.shape)
        space = shape[2:] if self.data_format == "channels_first" else shape[1:3]
        enlarged: Tensor = ops.image.resize(
            inputs, space, interpolation=self.interpolation, data_format=self.data_format
        )
        return enlarged

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "size": self.size,
            "data_format": self.data_format,
            "interpolation": self.interpolation,
        }


@export("keras.layers")
class UpSampling3D(_UpSampling):
    """Repeat every place of a volume: ``(N, D, H, W, C)`` becomes ``(N, size[0] D, size[1] H, size[2] W, C)``.

    Args:
        size: how often, on each axis: an int, or one for each.
        data_format: "channels_first" for ``(N, C, D, H, W)`` in and out; `config.image_data_format()` by default.

    Raises:
        ArgumentError: a size below 1.

    >>> UpSampling3D((1, 1, 2))(np.array([[[[[1.0], [2.0]]]]]))[0, 0, 0, :, 0]
    Tensor([1., 1., 2., 2.], dtype=float32)
    """

    def __init__(self, size: Any = (2, 2, 2), data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(counts(size, 3, "size"), data_format, **kwargs)
        self.size = self.times

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "size": self.size, "data_format": self.data_format}
