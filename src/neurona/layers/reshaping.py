"""Layers that arrange a sample's numbers anew: Flatten, Reshape, Permute, RepeatVector."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from neurona import config, ops
from neurona.errors import ArgumentError, DTypeError, ShapeError, UnknownNameError
from neurona.layers.base import Layer
from neurona.layers.input_spec import InputSpec
from neurona.registry import export
from neurona.symbolic import KerasTensor, Shape
from neurona.tensor import Tensor

__all__ = ["Flatten", "Permute", "RepeatVector", "Reshape"]

_FORMATS = ("channels_first", "channels_last")


class _Rearranging(Layer):
    """A layer whose output has the numbers, and so the type, of its input."""

    def compute_output_spec(self, inputs: KerasTensor) -> KerasTensor:
        return KerasTensor(self.compute_output_shape(inputs.shape), inputs.dtype)


@export("keras.layers")
class Flatten(_Rearranging):
    """Put all axes but the batch into one: ``(N, ...)`` becomes ``(N, C)``; ``(N,)`` becomes ``(N, 1)``.

    Args:
        data_format: "channels_first" if axis 1 holds the channels: they are brought to the end first, so
            that both formats give the same order. "channels_last" by default.

    Raises:
        UnknownNameError: another data format.

    >>> Flatten()(np.array([[[1, 2], [3, 4]]]))
    Tensor([[1, 2, 3, 4]], dtype=int64)
    """

    def __init__(self, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.data_format = config.image_data_format() if data_format is None else str(data_format).lower()
        if self.data_format not in _FORMATS:
            raise UnknownNameError.among("data_format", data_format, _FORMATS)
        self.input_spec = InputSpec(min_ndim=1)

    def call(self, inputs: Tensor) -> Tensor:
        if self.data_format == "channels_first" and inputs.ndim > 2:
            inputs = ops.transpose(inputs, (0, *range(2, inputs.ndim), 1))
        # the product, not -1: an empty batch leaves -1 undefined
        flat: Tensor = ops.reshape(inputs, (inputs.shape[0], math.prod(inputs.shape[1:])))
        return flat

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return input_shape[0], _product(input_shape[1:])

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "data_format": self.data_format}


@export("keras.layers")
class Reshape(_Rearranging):
    """Give each sample another shape: ``(N, ...)`` becomes ``(N, *target_shape)``.

    Args:
        target_shape: of one sample; one entry may be -1, which stands for what is left.

    Raises:
        ArgumentError: an entry below -1, or -1 twice.
        ShapeError: the target has another number of elements than the sample.

    >>> Reshape((2, -1))(np.array([[1, 2, 3, 4]]))
    Tensor([[[1, 2],
             [3, 4]]], dtype=int64)
    """

    def __init__(self, target_shape: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.target_shape = tuple(target_shape)
        if any(n is not None and n < -1 for n in self.target_shape) or self.target_shape.count(-1) > 1:
            raise ArgumentError(
                "Each dimension in `target_shape` must be a non-negative integer, or -1 for a single unknown "
                f"dimension. Received: target_shape={target_shape}."
            )
        self.built = True

    def call(self, inputs: Tensor) -> Tensor:
        shaped: Tensor = ops.reshape(inputs, self.compute_output_shape(inputs.shape))
        return shaped

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        batch, sample = input_shape[0], input_shape[1:]
        size = _product(sample)
        if size is None:
            return batch, *(None if n == -1 else n for n in self.target_shape)
        known = math.prod(n for n in self.target_shape if n != -1)
        if -1 not in self.target_shape:
            fits = size == known
        else:
            fits = known > 0 and size % known == 0
        if not fits:
            raise ShapeError(
                f"The total size of the tensor must be unchanged. Received: input_shape={sample} "
                f"({size} elements), target_shape={self.target_shape}."
            )
        return batch, *(size // known if n == -1 else n for n in self.target_shape)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "target_shape": self.target_shape}


@export("keras.layers")
class Permute(_Rearranging):
    """Change the order of a sample's axes: output axis i is input axis ``dims[i - 1]``.

    Args:
        dims: the axes of the input, counted from 1 (0 is the batch, which stays), in the order wanted.

    Raises:
        ArgumentError: not each axis from 1 on occurs once.

    >>> Permute((2, 1))(np.array([[[1, 2], [3, 4]]]))
    Tensor([[[1, 3],
             [2, 4]]], dtype=int64)
    """

    def __init__(self, dims: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.dims = tuple(dims)
        if sorted(self.dims) != list(range(1, len(self.dims) + 1)):
            raise ArgumentError(
                "Invalid permutation argument `dims` for Permute Layer. The set of indices in `dims` must be "
                f"consecutive and start from 1. Received: dims={dims}"
            )
        self.input_spec = InputSpec(ndim=len(self.dims) + 1)

    def call(self, inputs: Tensor) -> Tensor:
        permuted: Tensor = ops.transpose(inputs, (0, *self.dims))
        return permuted

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return input_shape[0], *(input_shape[dim] for dim in self.dims)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "dims": self.dims}


@export("keras.layers")
class RepeatVector(_Rearranging):
    """Repeat each sample: ``(N, C)`` becomes ``(N, n, C)``.

    Args:
        n: how often.

    Raises:
        DTypeError: `n` is no integer.
        ArgumentError: `n` is below 1.

    >>> RepeatVector(2)(np.array([[1, 2]]))
    Tensor([[[1, 2],
             [1, 2]]], dtype=int64)
    """

    def __init__(self, n: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if not isinstance(n, (int, np.integer)) or isinstance(n, bool):
            raise DTypeError(f"Expected an integer value for `n`. Received: n={n!r} of {type(n)}.")
        if n <= 0:
            raise ArgumentError(f"Argument `n` should be a positive integer. Received: n={n}")
        self.n = int(n)
        self.input_spec = InputSpec(ndim=2)

    def call(self, inputs: Tensor) -> Tensor:
        repeated: Tensor = ops.repeat(ops.expand_dims(inputs, 1), self.n, axis=1)  # (N, 1, C) -> (N, n, C)
        return repeated

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return input_shape[0], self.n, input_shape[1]

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "n": self.n}


def _product(shape: Shape) -> int | None:
    """How many elements a shape has; ``None`` while an axis is open."""
    known = [n for n in shape if n is not None]
    return math.prod(known) if len(known) == len(shape) else None
