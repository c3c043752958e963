"""Layers that bring raw numbers to a good range before the first weights: Rescaling, Normalization.

As part of the model they go into its file, so nobody has to remember how the training data was prepared.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from neurona import config, ops
from neurona.errors import ArgumentError, DTypeError, NotBuiltError, ShapeError
from neurona.layers.base import Layer
from neurona.registry import deserialize_keras_object, export, serialize_keras_object
from neurona.symbolic import Shape
from neurona.tensor import Array, Tensor

__all__ = ["Normalization", "Rescaling"]


@export("keras.layers")
class Rescaling(Layer):
    """Bring numbers to another range: y = scale x + offset.

    ``Rescaling(1 / 255)`` brings bytes to 0 ... 1, ``Rescaling(1 / 127.5, offset=-1)`` to -1 ... 1.

    Args:
        scale: a number, or one for each channel.
        offset: a number, or one for each channel.

    >>> Rescaling(0.5, offset=1.0)(Tensor([2.0, 4.0]))
    Tensor([2., 3.], dtype=float32)
    """

    def __init__(self, scale: Any, offset: Any = 0.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.scale, self.offset = scale, offset
        self.supports_masking = True

    def call(self, inputs: Tensor) -> Tensor:
        scale = np.asarray(self.scale, self.compute_dtype)
        offset = np.asarray(self.offset, self.compute_dtype)
        if scale.ndim and config.image_data_format() == "channels_first":
            scale = scale.reshape(scale.shape + (1,) * (3 - scale.ndim))
            if offset.ndim:
                offset = offset.reshape(offset.shape + (1,) * (3 - offset.ndim))
        if inputs.dtype != self.compute_dtype:
            inputs = ops.cast(inputs, self.compute_dtype)
        scaled: Tensor = ops.multiply(inputs, scale)
        return scaled if not offset.any() else ops.add(scaled, offset)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "scale": serialize_keras_object(self.scale),
            "offset": serialize_keras_object(self.offset),
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        settings = {k: deserialize_keras_object(v) if k in ("scale", "offset") else v for k, v in config.items()}
        return cls(**settings)


@export("keras.layers")
class Normalization(Layer):
    """Bring features to mean 0 and variance 1: y = (x - mean) / max(sqrt(variance), 1e-7).

    Mean and variance are given, or measured once by `adapt`; training does not change them.

    Args:
        axis: the axis or axes that have a mean and a variance of their own at each index; ``None`` for one
            mean and one variance of everything.
        mean, variance: numbers, or arrays of the lengths of `axis`; both or neither.
        invert: go the other way, from normalized numbers back to raw ones.

    Raises:
        ArgumentError: only one of mean and variance, or two that do not fit each other or the axes.

    >>> layer = Normalization()
    >>> layer.adapt(np.array([[0.0, 10.0], [2.0, 30.0]]))
    >>> layer(np.array([[2.0, 20.0]]))
    Tensor([[1., 0.]], dtype=float32)
    """

    def __init__(
        self, axis: Any = -1, mean: Any = None, variance: Any = None, invert: bool = False, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.axis: tuple[int, ...] = () if axis is None else (axis,) if isinstance(axis, int) else tuple(axis)
        self.input_mean, self.input_variance, self.invert = mean, variance, invert
        self.supports_masking = True
        self._given: tuple[Tensor, Tensor] | None = None
        if (mean is None) != (variance is None):
            raise ArgumentError(
                "When setting values directly, both `mean` and `variance` must be set. "
                f"Received: mean={mean} and variance={variance}"
            )
        if np.shape(mean) != np.shape(variance):
            raise ArgumentError(
                "When setting values directly, `mean` and `variance` must have the same shape. "
                f"Received: mean shape {np.shape(mean)} and variance shape {np.shape(variance)}"
            )
        if np.ndim(mean) > len(self.axis):
            raise ArgumentError(
                f"The rank of `mean` must be at most the number of axes ({len(self.axis)}). "
                f"Received: mean shape {np.shape(mean)} for axis {self.axis}"
            )

    def build(self, input_shape: Shape) -> None:
        ndim = len(input_shape)
        if any(not -ndim <= axis < ndim for axis in self.axis):
            raise ShapeError(
                f"All `axis` values must be in the range [-ndim, ndim). Received: inputs with ndim={ndim}, "
                f"axis={self.axis}"
            )
        self._keep = tuple(sorted(axis % ndim for axis in self.axis))
        kept = tuple(input_shape[axis] for axis in self._keep)
        if None in kept:
            raise ShapeError(
                "All `axis` values to be kept must have a known length. "
                f"Received: axis={self.axis}, inputs.shape={input_shape}"
            )
        self._reduce = tuple(axis for axis in range(ndim) if axis not in self._keep)
        self._input_shape = input_shape
        if self.input_mean is None:
            self.adapt_mean = self.add_weight(kept, "zeros", trainable=False, name="mean")
            self.adapt_variance = self.add_weight(kept, "ones", trainable=False, name="variance")
            self.count = self.add_weight((), "zeros", dtype="int64", trainable=False, name="count")  # for old files
        else:
            self._given = self._spread(self.input_mean), self._spread(self.input_variance)

    def _spread(self, value: Any) -> Tensor:
        """A given mean or variance, to be broadcast over the inputs; its last axis is the last kept one."""
        array = np.asarray(value, self.compute_dtype)
        shape = [1] * len(self._input_shape)
        for axis, length in zip(reversed(self._keep), reversed(array.shape), strict=False):
            shape[axis] = length
        whole = [n if i in self._keep else 1 for i, n in enumerate(self._input_shape)]
        try:
            return Tensor(np.broadcast_to(array.reshape(shape), whole))  # type: ignore[arg-type]  # kept ones are known
        except ValueError:
            raise ShapeError(
                f"`mean` and `variance` of shape {array.shape} do not fit axis {self.axis} of the inputs. "
                f"Received: inputs.shape={self._input_shape}"
            ) from None

    @property
    def mean(self) -> Tensor | None:
        """The mean, shaped to be broadcast over the inputs; ``None`` before the layer is built."""
        return self._statistics()[0] if self.built else None

    @property
    def variance(self) -> Tensor | None:
        """The variance, shaped like `mean`."""
        return self._statistics()[1] if self.built else None

    def _statistics(self) -> tuple[Tensor, Tensor]:
        if self._given is not None:
            return self._given
        shape = tuple(n if i in self._keep else 1 for i, n in enumerate(self._input_shape))
        # from the weights at every call: a repeated step must see what `adapt` or a file puts there later
        mean, variance = ops.reshape(self.adapt_mean, shape), ops.reshape(self.adapt_variance, shape)
        if mean.dtype != self.compute_dtype:
            mean, variance = ops.cast(mean, self.compute_dtype), ops.cast(variance, self.compute_dtype)
        return mean, variance

    def call(self, inputs: Tensor) -> Tensor:
        if not self.built:
            raise NotBuiltError("You must call `.build(input_shape)` on the layer before using it.")
        if inputs.dtype != self.compute_dtype:
            inputs = ops.cast(inputs, self.compute_dtype)
        mean, variance = self._statistics()
        deviation = ops.maximum(ops.sqrt(variance), config.epsilon())  # a constant feature has variance 0
        if self.invert:
            raw: Tensor = ops.add(mean, ops.multiply(inputs, deviation))
            return raw
        normal: Tensor = ops.divide(ops.subtract(inputs, mean), deviation)
        return normal

    def adapt(self, data: Any) -> None:
        """Measure mean and variance.

        Args:
            data: an array or a tensor, or an iterable of batches: arrays, or tuples that begin with one.

        Raises:
            ArgumentError: mean and variance were given, or there is no batch.
            ShapeError: a batch does not fit the shape that the layer was built for.
            DTypeError: the data is neither an array nor an iterable of arrays.
        """
        if self.input_mean is not None:
            raise ArgumentError(
                "Cannot adapt a Normalization layer whose `mean` and `variance` were given. "
                "Received: data to adapt to. Make the layer without them."
            )
        batches = _batches(data)
        first = next(batches, None)
        if first is None:
            raise ArgumentError("adapt() received no batch. Expected an array, or an iterable of at least one batch.")
        if not self.built:
            self.build((None, *first.shape[1:]) if 0 not in self._positive(first.ndim) else first.shape)
        count, mean, variance = 0, np.zeros(()), np.zeros(())
        for batch in itertools.chain([first], batches):
            self._check(batch)
            size = math.prod(batch.shape[axis] for axis in self._reduce)
            wide = batch.astype("float64")
            if size == 0:
                continue
            # Chan, Golub & LeVeque (1979): two sets' moments give those of both, without a sum of squares
            new_mean, new_variance = wide.mean(axis=self._reduce), wide.var(axis=self._reduce)
            share = size / (count + size)
            distance = new_mean - mean
            variance = (1 - share) * variance + share * new_variance + share * (1 - share) * distance**2
            mean = mean + share * distance
            count += size
        if count == 0:
            raise ArgumentError("adapt() expected at least one sample. Received: empty batches only.")
        self.adapt_mean.assign(mean)
        self.adapt_variance.assign(variance)

    def _positive(self, ndim: int) -> set[int]:
        return {axis % ndim for axis in self.axis if -ndim <= axis < ndim}

    def _check(self, batch: Array) -> None:
        shape = self._input_shape
        if batch.ndim != len(shape) or any(batch.shape[axis] != shape[axis] for axis in self._keep):
            raise ShapeError(
                f"The layer was built with input_shape={shape}, but adapt() is being called with data of an "
                f"incompatible shape. Received: data.shape={batch.shape}"
            )

    def finalize_state(self) -> None:
        """Do nothing: the weights are read at every call. Programs written for Keras may call it."""

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "axis": self.axis,
            "invert": self.invert,
            "mean": np.array(self.input_mean).tolist(),
            "variance": np.array(self.input_variance).tolist(),
        }


def _batches(data: Any) -> Iterator[Array]:
    """The arrays in what `adapt` was given, one after the other."""
    if isinstance(data, (np.ndarray, Tensor)):
        yield np.asarray(data)
        return
    if hasattr(data, "__len__") and hasattr(data, "__getitem__") and not isinstance(data, dict):
        items: Iterable[Any] = (data[i] for i in range(len(data)))  # a PyDataset has no end of its own
    elif hasattr(data, "__iter__"):
        items = data
    else:
        raise DTypeError(f"adapt() expected an array or an iterable of batches. Received: a {type(data).__name__}")
    for item in items:
        batch = item[0] if isinstance(item, tuple) else item
        if not hasattr(batch, "shape"):
            raise DTypeError(
                "adapt() expected an iterable that yields arrays. "
                f"Received: an element of type {type(batch).__name__}. Make it an array with np.asarray()."
            )
        yield np.asarray(batch)
