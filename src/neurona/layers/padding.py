"""A frame of zeros around space, or a frame cut off: ZeroPadding and Cropping over one, two and three axes."""

from __future__ import annotations

from typing import Any

import numpy as np

from neurona import ops
from neurona.errors import ArgumentError, ShapeError
from neurona.layers.base import Layer
from neurona.layers.input_spec import InputSpec
from neurona.layers.window import format_of
from neurona.registry import export
from neurona.symbolic import Shape
from neurona.tensor import Tensor

__all__ = ["Cropping1D", "Cropping2D", "Cropping3D", "ZeroPadding1D", "ZeroPadding2D", "ZeroPadding3D"]

Frame = tuple[tuple[int, int], ...]


class _Framing(Layer):
    """What the six share: a frame, so many places before and after on each spatial axis."""

    def __init__(self, frame: Frame, data_format: str | None, /, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.frame = frame
        self.data_format = format_of(data_format)
        self.input_spec = InputSpec(ndim=len(frame) + 2)

    def _around(self, shape: Shape) -> Frame:
        """The frame with the axes of batch and channels, which it leaves alone."""
        none = ((0, 0),)
        return none * 2 + self.frame if self.data_format == "channels_first" else none + self.frame + none

    def _padded(self, inputs: Tensor) -> Tensor:
        padded: Tensor = ops.pad(inputs, self._around(inputs.shape))
        return padded

    def _padded_shape(self, shape: Shape) -> Shape:
        return tuple(
            n if n is None else n + before + after
            for n, (before, after) in zip(shape, self._around(shape), strict=True)
        )

    def _cropped(self, inputs: Tensor) -> Tensor:
        self._cropped_shape(inputs.shape)
        around = zip(inputs.shape, self._around(inputs.shape), strict=True)
        cropped: Tensor = inputs[tuple(slice(before, n - after) for n, (before, after) in around)]
        return cropped

    def _cropped_shape(self, shape: Shape) -> Shape:
        lengths = tuple(
            n if n is None else n - before - after
            for n, (before, after) in zip(shape, self._around(shape), strict=True)
        )
        begin = 2 if self.data_format == "channels_first" else 1
        if any(n is not None and n <= 0 for n in lengths[begin : begin + len(self.frame)]):
            too_much = (
                "`cropping` parameter of `Cropping1D` layer must be smaller than the input's length."
                if len(self.frame) == 1
                else "Values in `cropping` argument should be smaller than the corresponding spatial dimension of the input."
            )
            raise ShapeError(f"{too_much} Received: input_shape={shape}, cropping={self.frame}")
        return lengths


def _frame(value: Any, rank: int, name: str) -> Frame:
    """(before, after) for each axis, of a number, a number for each axis, or a pair for each axis."""
    parts = (value,) * rank if isinstance(value, (int, np.integer)) else value
    if isinstance(parts, (list, tuple)) and len(parts) == rank:
        pairs = [(part, part) if isinstance(part, (int, np.integer)) else part for part in parts]
        if all(isinstance(pair, (list, tuple)) and len(pair) == 2 for pair in pairs):
            frame = tuple((before, after) for before, after in pairs)
            if all(isinstance(n, (int, np.integer)) and n >= 0 for pair in frame for n in pair):
                return tuple((int(before), int(after)) for before, after in frame)
    raise ArgumentError(
        f"`{name}` should have {rank} elements, each an integer of at least 0 or a pair of them (before, after), or be "
        f"one integer for all. Received: {name}={value!r}."
    )


def _pair(value: Any, name: str) -> Frame:
    """The frame of a single axis: a number for both ends, or (before, after)."""
    pair = (value, value) if isinstance(value, (int, np.integer)) else value
    if not isinstance(pair, (list, tuple)) or len(pair) != 2:
        raise ArgumentError(f"The `{name}` argument must be an integer or a tuple of 2. Received: {name}={value!r}.")
    return _frame((tuple(pair),), 1, name)


@export("keras.layers")
class ZeroPadding1D(_Framing):
    """Put zeros before and after a sequence: ``(N, T, C)`` becomes ``(N, T + before + after, C)``.

    Args:
        padding: zeros to add: an int for both ends, or ``(before, after)``.
        data_format: "channels_first" for ``(N, C, T)`` in and out; `config.image_data_format()` by default.

    Raises:
        ArgumentError: no such pair, or a negative number.

    >>> ZeroPadding1D((1, 2))(np.array([[[1.0], [2.0]]]))[0, :, 0]
    Tensor([0., 1., 2., 0., 0.], dtype=float32)
    """

    def __init__(self, padding: Any = 1, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(_pair(padding, "padding"), data_format, **kwargs)
        self.padding = self.frame[0]

    def call(self, inputs: Tensor) -> Tensor:
        return self._padded(inputs)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return self._padded_shape(input_shape)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "padding": self.padding, "data_format": self.data_format}


@export("keras.layers")
class ZeroPadding2D(_Framing):
    """Put zeros around a picture: ``(N, H, W, C)`` becomes ``(N, H + top + bottom, W + left + right, C)``.

    Args:
        padding: zeros to add: an int for all sides, ``(height, width)``, or ``((top, bottom), (left, right))``.
        data_format: "channels_first" for ``(N, C, H, W)`` in and out; `config.image_data_format()` by default.

    Raises:
        ArgumentError: no such tuple, or a negative number.

    >>> ZeroPadding2D((0, 1))(np.array([[[[1.0], [2.0]]]]))[0, 0, :, 0]
    Tensor([0., 1., 2., 0.], dtype=float32)
    """

    def __init__(self, padding: Any = (1, 1), data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(_frame(padding, 2, "padding"), data_format, **kwargs)
        self.padding = self.frame

    def call(self, inputs: Tensor) -> Tensor:
        return self._padded(inputs)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return self._padded_shape(input_shape)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "padding": self.padding, "data_format": self.data_format}


@export("keras.layers")
class ZeroPadding3D(_Framing):
    """Put zeros around a volume: ``(N, D, H, W, C)`` becomes ``(N, D + ..., H + ..., W + ..., C)``.

    Args:
        padding: zeros to add: an int for all sides, one for each axis, or a pair ``(before, after)`` for each axis.
        data_format: "channels_first" for ``(N, C, D, H, W)`` in and out; `config.image_data_format()` by default.

    Raises:
        ArgumentError: no such tuple, or a negative number.

    >>> ZeroPadding3D((0, 0, 1))(np.array([[[[[1.0], [2.0]]]]]))[0, 0, 0, :, 0]
    Tensor([0., 1., 2., 0.], dtype=float32)
    """

    def __init__(self, padding: Any = ((1, 1), (1, 1), (1, 1)), data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(_frame(padding, 3, "padding"), data_format, **kwargs)
        self.padding = self.frame

    def call(self, inputs: Tensor) -> Tensor:
        return self._padded(inputs)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return self._padded_shape(input_shape)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "padding": self.padding, "data_format": self.data_format}


@export("keras.layers")
class Cropping1D(_Framing):
    """Cut steps off the ends of a sequence: ``(N, T, C)`` becomes ``(N, T - before - after, C)``.

    Args:
        cropping: places to cut off: an int for both ends, or ``(before, after)``.

    Raises:
        ArgumentError: no such pair, or a negative number.
        ShapeError: nothing of the input would be left.

    >>> Cropping1D((1, 0))(np.array([[[1.0], [2.0], [3.0]]]))[0, :, 0]
    Tensor([2., 3.], dtype=float32)
    """

    def __init__(self, cropping: Any = (1, 1), **kwargs: Any) -> None:
        super().__init__(_pair(cropping, "cropping"), "channels_last", **kwargs)
        self.cropping = self.frame[0]

    def call(self, inputs: Tensor) -> Tensor:
        return self._cropped(inputs)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return self._cropped_shape(input_shape)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "cropping": self.cropping}


@export("keras.layers")
class Cropping2D(_Framing):
    """Cut places off the ends of a picture: ``(N, H, W, C)`` becomes ``(N, H - top - bottom, W - left - right, C)``.

    Args:
        cropping: places to cut off: an int for all sides, ``(height, width)``, or ``((top, bottom), (left, right))``.
        data_format: "channels_first" for ``(N, C, H, W)`` in and out; `config.image_data_format()` by default.

    Raises:
        ArgumentError: no such tuple, or a negative number.
        ShapeError: nothing of the input would be left.

    >>> Cropping2D((0, 1))(np.array([[[[1.0], [2.0], [3.0]]]]))[0, 0, :, 0]
    Tensor([2.], dtype=float32)
    """

    def __init__(self, cropping: Any = ((0, 0), (0, 0)), data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(_frame(cropping, 2, "cropping"), data_format, **kwargs)
        self.cropping = self.frame

    def call(self, inputs: Tensor) -> Tensor:
        return self._cropped(inputs)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return self._cropped_shape(input_shape)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "cropping": self.cropping, "data_format": self.data_format}


@export("keras.layers")
class Cropping3D(_Framing):
    """Cut places off the ends of a volume: ``(N, D, H, W, C)`` becomes ``(N, D - ..., H - ..., W - ..., C)``.

    Args:
        cropping: places to cut off: an int for all sides, one for each axis, or a pair ``(before, after)`` for each axis.
        data_format: "channels_first" for ``(N, C, D, H, W)`` in and out; `config.image_data_format()` by default.

    Raises:
        ArgumentError: no such tuple, or a negative number.
        ShapeError: nothing of the input would be left.

    >>> Cropping3D((0, 0, 1))(np.array([[[[[1.0], [2.0], [3.0]]]]]))[0, 0, 0, :, 0]
    Tensor([2.], dtype=float32)
    """

    def __init__(self, cropping: Any = ((1, 1), (1, 1), (1, 1)), data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(_frame(cropping, 3, "cropping"), data_format, **kwargs)
        self.cropping = self.frame

    def call(self, inputs: Tensor) -> Tensor:
        return self._cropped(inputs)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return self._cropped_shape(input_shape)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "cropping": self.cropping, "data_format": self.data_format}
