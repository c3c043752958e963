"""Global pooling: of every channel one number, its largest or its mean over all of space.

After it a picture of any size is a row of numbers; a mean over all places is what stands before the last layer of most
networks since 2014 and has no weights that a Flatten() and a wide Dense would need.
"""

from __future__ import annotations

from typing import Any

from neurona import ops
from neurona.layers.base import Layer
from neurona.layers.input_spec import InputSpec
from neurona.layers.window import format_of
from neurona.registry import export
from neurona.symbolic import Shape
from neurona.tensor import Tensor

__all__ = [
    "GlobalAveragePooling1D",
    "GlobalAveragePooling2D",
    "GlobalAveragePooling3D",
    "GlobalMaxPooling1D",
    "GlobalMaxPooling2D",
    "GlobalMaxPooling3D",
]


class _GlobalPooling(Layer):
    """What the six share: the axes of space; `call` is left to each."""

    def __init__(self, rank: int, data_format: str | None, keepdims: bool, /, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.data_format, self.keepdims = format_of(data_format), keepdims
        begin = 2 if self.data_format == "channels_first" else 1
        self.space = tuple(range(begin, begin + rank))
        self.input_spec = InputSpec(ndim=rank + 2)
        self.built = True

    def _largest(self, inputs: Tensor) -> Tensor:
        y: Tensor = ops.max(inputs, axis=self.space, keepdims=self.keepdims)
        return y

    def _mean(self, inputs: Tensor) -> Tensor:
        y: Tensor = ops.mean(inputs, axis=self.space, keepdims=self.keepdims)
        return y

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        lengths = enumerate(input_shape)
        if self.keepdims:
            return tuple(1 if axis in self.space else n for axis, n in lengths)
        return tuple(n for axis, n in lengths if axis not in self.space)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "data_format": self.data_format, "keepdims": self.keepdims}


@export("keras.layers", "GlobalAvgPool1D")
class GlobalAveragePooling1D(_GlobalPooling):
    """The mean of every channel over time: ``(N, T, C)`` becomes ``(N, C)``.

    Args:
        data_format: "channels_first" for an input of shape ``(N, C, T)``; `config.image_data_format()` by default.
        keepdims: whether the axis of time stays, with length 1.

    Call arguments:
        inputs: the sequences.
        mask: shape (N, T); only the times that it marks count. A sequence without any gives NaN.

    >>> GlobalAveragePooling1D()(np.array([[[1.0], [3.0], [8.0]]]))
    Tensor([[4.]], dtype=float32)

    Source: Lin, Chen & Yan, "Network in network" (2014), section 3.2.
    """

    def __init__(self, data_format: str | None = None, keepdims: bool = False, **kwargs: Any) -> None:
        super().__init__(1, data_format, keepdims, **kwargs)
        self.supports_masking = True

    def call(self, inputs: Tensor, mask: Tensor | None = None) -> Tensor:
        if mask is None:
            return self._mean(inputs)
        counts = ops.expand_dims(ops.cast(mask, inputs.dtype), 1 if self.data_format == "channels_first" else 2)
        total = ops.sum(ops.multiply(inputs, counts), axis=self.space, keepdims=self.keepdims)
        mean: Tensor = ops.divide(total, ops.sum(counts, axis=self.space, keepdims=self.keepdims))
        return mean

    def compute_mask(self, inputs: Any, previous_mask: Any) -> None:
        """None: there is no time any more."""
        return None


@export("keras.layers", "GlobalAvgPool2D")
class GlobalAveragePooling2D(_GlobalPooling):
    """The mean of every channel over all places: ``(N, H, W, C)`` becomes ``(N, C)``.

    Args:
        data_format: "channels_first" for an input of shape ``(N, C, H, W)``; `config.image_data_format()` by default.
        keepdims: whether the axes of space stay, with length 1.

    >>> GlobalAveragePooling2D()(np.array([[[[1.0], [3.0]], [[5.0], [7.0]]]]))
    Tensor([[4.]], dtype=float32)

    Source: Lin, Chen & Yan, "Network in network" (2014), section 3.2.
    """

    def __init__(self, data_format: str | None = None, keepdims: bool = False, **kwargs: Any) -> None:
        super().__init__(2, data_format, keepdims, **kwargs)

    def call(self, inputs: Tensor) -> Tensor:
        return self._mean(inputs)


@export("keras.layers", "GlobalAvgPool3D")
class GlobalAveragePooling3D(_GlobalPooling):
    """The mean of every channel over all places: ``(N, D, H, W, C)`` becomes ``(N, C)``.

    Args:
        data_format: "channels_first" for an input of shape ``(N, C, D, H, W)``; `config.image_data_format()` by default.
        keepdims: whether the axes of space stay, with length 1.

    >>> GlobalAveragePooling3D()(np.array([[[[[1.0], [3.0]], [[5.0], [7.0]]]]]))
    Tensor([[4.]], dtype=float32)

    Source: Lin, Chen & Yan, "Network in network" (2014), section 3.2.
    """

    def __init__(self, data_format: str | None = None, keepdims: bool = False, **kwargs: Any) -> None:
        super().__init__(3, data_format, keepdims, **kwargs)

    def call(self, inputs: Tensor) -> Tensor:
        return self._mean(inputs)


@export("keras.layers", "GlobalMaxPool1D")
class GlobalMaxPooling1D(_GlobalPooling):
    """The largest number of every channel over time: ``(N, T, C)`` becomes ``(N, C)``.

    Args:
        data_format: "channels_first" for an input of shape ``(N, C, T)``; `config.image_data_format()` by default.
        keepdims: whether the axis of time stays, with length 1.

    >>> GlobalMaxPooling1D()(np.array([[[1.0], [3.0], [8.0]]]))
    Tensor([[8.]], dtype=float32)

    Source: Oquab et al., "Is object localization for free?" (2015).
    """

    def __init__(self, data_format: str | None = None, keepdims: bool = False, **kwargs: Any) -> None:
        super().__init__(1, data_format, keepdims, **kwargs)

    def call(self, inputs: Tensor) -> Tensor:
        return self._largest(inputs)


@export("keras.layers", "GlobalMaxPool2D")
class GlobalMaxPooling2D(_GlobalPooling):
    """The largest number of every channel over all places: ``(N, H, W, C)`` becomes ``(N, C)``.

    Args:
        data_format: "channels_first" for an input of shape ``(N, C, H, W)``; `config.image_data_format()` by default.
        keepdims: whether the axes of space stay, with length 1.

    >>> GlobalMaxPooling2D()(np.array([[[[1.0], [3.0]], [[5.0], [7.0]]]]))
    Tensor([[7.]], dtype=float32)

    Source: Oquab et al., "Is object localization for free?" (2015).
    """

    def __init__(self, data_format: str | None = None, keepdims: bool = False, **kwargs: Any) -> None:
        super().__init__(2, data_format, keepdims, **kwargs)

    def call(self, inputs: Tensor) -> Tensor:
        return self._largest(inputs)


@export("keras.layers", "GlobalMaxPool3D")
class GlobalMaxPooling3D(_GlobalPooling):
    """The largest number of every channel over all places: ``(N, D, H, W, C)`` becomes ``(N, C)``.

    Args:
        data_format: "channels_first" for an input of shape ``(N, C, D, H, W)``; `config.image_data_format()` by default.
        keepdims: whether the axes of space stay, with length 1.

    >>> GlobalMaxPooling3D()(np.array([[[[[1.0], [3.0]], [[5.0], [7.0]]]]]))
    Tensor([[7.]], dtype=float32)

    Source: Oquab et al., "Is object localization for free?" (2015).
    """

    def __init__(self, data_format: str | None = None, keepdims: bool = False, **kwargs: Any) -> None:
        super().__init__(3, data_format, keepdims, **kwargs)

    def call(self, inputs: Tensor) -> Tensor:
        return self._largest(inputs)
