"""Adaptive pooling: the result has a given size, whatever the size of the input.

The windows are laid so that they cover the input evenly: along an axis of length n and for m results, window i reaches from
floor(i n / m) up to ceil((i + 1) n / m). So pictures of any size can go into layers that need a fixed one.
"""

from __future__ import annotations

from typing import Any

from neurona import ops
from neurona.layers.base import Layer
from neurona.layers.input_spec import InputSpec
from neurona.layers.window import counts, format_of
from neurona.ops.windows import adaptive_output_shape
from neurona.registry import export
from neurona.symbolic import Shape
from neurona.tensor import Tensor

__all__ = [
    "AdaptiveAveragePooling1D",
    "AdaptiveAveragePooling2D",
    "AdaptiveAveragePooling3D",
    "AdaptiveMaxPooling1D",
    "AdaptiveMaxPooling2D",
    "AdaptiveMaxPooling3D",
]


class _AdaptivePooling(Layer):
    """What the six share: the size of the result; `call` is left to each."""

    def __init__(self, rank: int, output_size: Any, data_format: str | None, /, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.output_size = counts(output_size, rank, "output_size")
        self.data_format = format_of(data_format)
        self.input_spec = InputSpec(ndim=rank + 2)

    def _largest(self, inputs: Tensor) -> Tensor:
        y: Tensor = ops.adaptive_max_pool(inputs, self.output_size, data_format=self.data_format)
        return y

    def _mean(self, inputs: Tensor) -> Tensor:
        y: Tensor = ops.adaptive_average_pool(inputs, self.output_size, data_format=self.data_format)
        return y

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return adaptive_output_shape(input_shape, self.output_size, self.data_format)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "output_size": self.output_size, "data_format": self.data_format}


@export("keras.layers")
class AdaptiveAveragePooling1D(_AdaptivePooling):
    """The mean of windows that divide a sequence evenly.

    Input ``(N, T, C)``, output ``(N, size, C)``.

    Args:
        output_size: the size of the result: an int, or a tuple of one.
        data_format: "channels_first" for ``(N, C, T)`` in and out; `config.image_data_format()` by default.

    Raises:
        ArgumentError: a size below 1.

    >>> x = np.reshape([1.0, 4.0, 4.0, 2.0, 0.0], (1, 5, 1))
    >>> AdaptiveAveragePooling1D(2)(x)[0, :, 0]
    Tensor([3., 2.], dtype=float32)
    """

    def __init__(self, output_size: Any, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(1, output_size, data_format, **kwargs)

    def call(self, inputs: Tensor) -> Tensor:
        return self._mean(inputs)


@export("keras.layers")
class AdaptiveAveragePooling2D(_AdaptivePooling):
    """The mean of windows that divide a picture evenly.

    Input ``(N, H, W, C)``, output ``(N, size[0], size[1], C)``.

    Args:
        output_size: the size of the result: an int, or 2 of them.
        data_format: "channels_first" for ``(N, C, H, W)`` in and out; `config.image_data_format()` by default.

    Raises:
        ArgumentError: a size below 1.

    >>> x = np.reshape([1.0, 4.0, 4.0, 2.0, 0.0], (1, 1, 5, 1))
    >>> AdaptiveAveragePooling2D((1, 2))(x)[0, 0, :, 0]
    Tensor([3., 2.], dtype=float32)
    """

    def __init__(self, output_size: Any, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(2, output_size, data_format, **kwargs)

    def call(self, inputs: Tensor) -> Tensor:
        return self._mean(inputs)


@export("keras.layers")
class AdaptiveAveragePooling3D(_AdaptivePooling):
    """The mean of windows that divide a volume evenly.

    Input ``(N, D, H, W, C)``, output ``(N, size[0], size[1], size[2], C)``.

    Args:
        output_size: the size of the result: an int, or 3 of them.
        data_format: "channels_first" for ``(N, C, D, H, W)`` in and out; `config.image_data_format()` by default.

    Raises:
        ArgumentError: a size below 1.

    >>> x = np.reshape([1.0, 4.0, 4.0, 2.0, 0.0], (1, 1, 1, 5, 1))
    >>> AdaptiveAveragePooling3D((1, 1, 2))(x)[0, 0, 0, :, 0]
    Tensor([3., 2.], dtype=float32)
    """

    def __init__(self, output_size: Any, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(3, output_size, data_format, **kwargs)

    def call(self, inputs: Tensor) -> Tensor:
        return self._mean(inputs)


@export("keras.layers")
class AdaptiveMaxPooling1D(_AdaptivePooling):
    """The largest number of windows that divide a sequence evenly.

    Input ``(N, T, C)``, output ``(N, size, C)``.

    Args:
        output_size: the size of the result: an int, or a tuple of one.
        data_format: "channels_first" for ``(N, C, T)`` in and out; `config.image_data_format()` by default.

    Raises:
        ArgumentError: a size below 1.

    >>> x = np.reshape([1.0, 4.0, 3.0, 2.0, 0.0], (1, 5, 1))
    >>> AdaptiveMaxPooling1D(2)(x)[0, :, 0]
    Tensor([4., 3.], dtype=float32)
    """

    def __init__(self, output_size: Any, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(1, output_size, data_format, **kwargs)

    def call(self, inputs: Tensor) -> Tensor:
        return self._largest(inputs)


@export("keras.layers")
class AdaptiveMaxPooling2D(_AdaptivePooling):
    """The largest number of windows that divide a picture evenly.

    Input ``(N, H, W, C)``, output ``(N, size[0], size[1], C)``.

    Args:
        output_size: the size of the result: an int, or 2 of them.
        data_format: "channels_first" for ``(N, C, H, W)`` in and out; `config.image_data_format()` by default.

    Raises:
        ArgumentError: a size below 1.

    >>> x = np.reshape([1.0, 4.0, 3.0, 2.0, 0.0], (1, 1, 5, 1))
    >>> AdaptiveMaxPooling2D((1, 2))(x)[0, 0, :, 0]
    Tensor([4., 3.], dtype=float32)
    """

    def __init__(self, output_size: Any, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(2, output_size, data_format, **kwargs)

    def call(self, inputs: Tensor) -> Tensor:
        return self._largest(inputs)


@export("keras.layers")
class AdaptiveMaxPooling3D(_AdaptivePooling):
    """The largest number of windows that divide a volume evenly.

    Input ``(N, D, H, W, C)``, output ``(N, size[0], size[1], size[2], C)``.

    Args:
        output_size: the size of the result: an int, or 3 of them.
        data_format: "channels_first" for ``(N, C, D, H, W)`` in and out; `config.image_data_format()` by default.

    Raises:
        ArgumentError: a size below 1.

    >>> x = np.reshape([1.0, 4.0, 3.0, 2.0, 0.0], (1, 1, 1, 5, 1))
    >>> AdaptiveMaxPooling3D((1, 1, 2))(x)[0, 0, 0, :, 0]
    Tensor([4., 3.], dtype=float32)
    """

    def __init__(self, output_size: Any, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(3, output_size, data_format, **kwargs)

    def call(self, inputs: Tensor) -> Tensor:
        return self._largest(inputs)
