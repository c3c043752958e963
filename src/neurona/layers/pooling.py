"""Pooling: of every small window only the largest number, or the mean, is passed on, channel by channel.

So a picture gets smaller, and what was found in it matters more than exactly where. There is nothing to learn.
"""

from __future__ import annotations

from typing import Any

from neurona.layers.base import Layer
from neurona.layers.input_spec import InputSpec
from neurona.layers.window import Window
from neurona.ops import fused
from neurona.ops.windows import pool_output_shape
from neurona.registry import export
from neurona.symbolic import Shape
from neurona.tensor import Tensor

__all__ = [
    "AveragePooling1D",
    "AveragePooling2D",
    "AveragePooling3D",
    "MaxPooling1D",
    "MaxPooling2D",
    "MaxPooling3D",
]


class _Pooling(Layer):
    """What the six share: the window; `call` is left to each."""

    def __init__(
        self, rank: int, pool_size: Any, strides: Any, padding: str, data_format: str | None, name: str | None,
        /, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(name=name, **kwargs)
        strides = pool_size if strides is None else strides
        self.window = Window.of(rank, pool_size, strides, padding, data_format, called="pool_size")
        self.pool_size, self.strides = self.window.size, self.window.strides
        self.padding, self.data_format = self.window.padding, self.window.data_format
        self.input_spec = InputSpec(ndim=rank + 2)
        self.built = True

    def _largest(self, inputs: Tensor) -> Tensor:
        x = self.window.last(inputs)  # (N, *space, C)
        y, _ = fused.max_pool_places(x, size=self.pool_size, strides=self.strides, pads=self.window.pads(x))
        return self.window.restored(y)

    def _mean(self, inputs: Tensor) -> Tensor:
        x = self.window.last(inputs)  # (N, *space, C)
        y = fused.average_pool_raw(x, size=self.pool_size, strides=self.strides, pads=self.window.pads(x))
        return self.window.restored(y)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return pool_output_shape(input_shape, self.pool_size, self.strides, self.padding, self.data_format)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "pool_size": self.pool_size,
            "padding": self.padding,
            "strides": self.strides,
            "data_format": self.data_format,
        }


@export("keras.layers", "MaxPool1D")
class MaxPooling1D(_Pooling):
    """Pass on the largest number of every window of a sequence.

    y[n, t, c] = max over a of x[n, s t + a, c]

    Input ``(N, T, C)``, output ``(N, out, C)``; s are the strides.

    Args:
        pool_size: the window: an int, or a tuple of one.
        strides: how far windows are apart; the window's size by default, so that they lie side by side.
        padding: "valid" (windows lie within the input; what is left at the end is dropped) or "same" (windows may reach over
            the edge; what lies outside never counts).
        data_format: "channels_first" for ``(N, C, T)`` in and out; `config.image_data_format()` by default.

    Raises:
        ArgumentError: a size or stride that is not positive.
        ShapeError: a window larger than the input.

    >>> MaxPooling1D()(np.array([[[1.0], [3.0], [2.0], [0.0]]]))[0, :, 0]
    Tensor([3., 2.], dtype=float32)

    Source: Goodfellow, Bengio & Courville, "Deep Learning" (2016), section 9.3.
    """

    def __init__(
        self,
        pool_size: Any = 2,
        strides: Any = None,
        padding: str = "valid",
        data_format: str | None = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(1, pool_size, strides, padding, data_format, name, **kwargs)

    def call(self, inputs: Tensor) -> Tensor:
        return self._largest(inputs)


@export("keras.layers", "MaxPool2D")
class MaxPooling2D(_Pooling):
    """Pass on the largest number of every window of a picture.

    y[n, i, j, c] = max over a, b of x[n, s i + a, s j + b, c]

    Input ``(N, H, W, C)``, output ``(N, out H, out W, C)``; s are the strides.

    Args:
        pool_size: the window: an int, or 2 of them.
        strides: how far windows are apart; the window's size by default, so that they lie side by side.
        padding: "valid" (windows lie within the input; what is left at the end is dropped) or "same" (windows may reach over
            the edge; what lies outside never counts).
        data_format: "channels_first" for ``(N, C, H, W)`` in and out; `config.image_data_format()` by default.

    Raises:
        ArgumentError: a size or stride that is not positive.
        ShapeError: a window larger than the input.

    >>> MaxPooling2D()(np.array([[[[1.0], [2.0]], [[4.0], [3.0]]]]))
    Tensor([[[[4.]]]], dtype=float32)

    Source: Goodfellow, Bengio & Courville, "Deep Learning" (2016), section 9.3.
    """

    def __init__(
        self,
        pool_size: Any = (2, 2),
        strides: Any = None,
        padding: str = "valid",
        data_format: str | None = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(2, pool_size, strides, padding, data_format, name, **kwargs)

    def call(self, inputs: Tensor) -> Tensor:
        return self._largest(inputs)


@export("keras.layers", "MaxPool3D")
class MaxPooling3D(_Pooling):
    """Pass on the largest number of every window of a volume.

    y[n, i, j, k, c] = max over a, b, e of x[n, s i + a, s j + b, s k + e, c]

    Input ``(N, D, H, W, C)``, output ``(N, out D, out H, out W, C)``; s are the strides.

    Args:
        pool_size: the window: an int, or 3 of them.
        strides: how far windows are apart; the window's size by default, so that they lie side by side.
        padding: "valid" (windows lie within the input; what is left at the end is dropped) or "same" (windows may reach over
            the edge; what lies outside never counts).
        data_format: "channels_first" for ``(N, C, D, H, W)`` in and out; `config.image_data_format()` by default.

    Raises:
        ArgumentError: a size or stride that is not positive.
        ShapeError: a window larger than the input.

    >>> MaxPooling3D((1, 1, 2))(np.array([[[[[1.0], [2.0]], [[4.0], [3.0]]]]]))[0, 0, :, 0, 0]
    Tensor([2., 4.], dtype=float32)

    Source: Goodfellow, Bengio & Courville, "Deep Learning" (2016), section 9.3.
    """

    def __init__(
        self,
        pool_size: Any = (2, 2, 2),
        strides: Any = None,
        padding: str = "valid",
        data_format: str | None = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(3, pool_size, strides, padding, data_format, name, **kwargs)

    def call(self, inputs: Tensor) -> Tensor:
        return self._largest(inputs)


@export("keras.layers", "AvgPool1D")
class AveragePooling1D(_Pooling):
    """Pass on the mean of every window of a sequence.

    y[n, t, c] = mean over a of x[n, s t + a, c]

    Input ``(N, T, C)``, output ``(N, out, C)``; s are the strides.

    Args:
        pool_size: the window: an int, or a tuple of one.
        strides: how far windows are apart; the window's size by default, so that they lie side by side.
        padding: "valid" (windows lie within the input; what is left at the end is dropped) or "same" (windows may reach over
            the edge; what lies outside never counts).
        data_format: "channels_first" for ``(N, C, T)`` in and out; `config.image_data_format()` by default.

    Raises:
        ArgumentError: a size or stride that is not positive.
        ShapeError: a window larger than the input.

    >>> AveragePooling1D(2)(np.array([[[1.0], [3.0], [2.0], [0.0]]]))[0, :, 0]
    Tensor([2., 1.], dtype=float32)

    Source: LeCun, Bottou, Bengio & Haffner, "Gradient-based learning applied to document recognition" (1998).
    """

    def __init__(
        self,
        pool_size: Any,
        strides: Any = None,
        padding: str = "valid",
        data_format: str | None = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(1, pool_size, strides, padding, data_format, name, **kwargs)

    def call(self, inputs: Tensor) -> Tensor:
        return self._mean(inputs)


@export("keras.layers", "AvgPool2D")
class AveragePooling2D(_Pooling):
    """Pass on the mean of every window of a picture.

    y[n, i, j, c] = mean over a, b of x[n, s i + a, s j + b, c]

    Input ``(N, H, W, C)``, output ``(N, out H, out W, C)``; s are the strides.

    Args:
        pool_size: the window: an int, or 2 of them.
        strides: how far windows are apart; the window's size by default, so that they lie side by side.
        padding: "valid" (windows lie within the input; what is left at the end is dropped) or "same" (windows may reach over
            the edge; what lies outside never counts).
        data_format: "channels_first" for ``(N, C, H, W)`` in and out; `config.image_data_format()` by default.

    Raises:
        ArgumentError: a size or stride that is not positive.
        ShapeError: a window larger than the input.

    >>> AveragePooling2D(2)(np.array([[[[1.0], [2.0]], [[4.0], [3.0]]]]))
    Tensor([[[[2.5]]]], dtype=float32)

    Source: LeCun, Bottou, Bengio & Haffner, "Gradient-based learning applied to document recognition" (1998).
    """

    def __init__(
        self,
        pool_size: Any,
        strides: Any = None,
        padding: str = "valid",
        data_format: str | None = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(2, pool_size, strides, padding, data_format, name, **kwargs)

    def call(self, inputs: Tensor) -> Tensor:
        return self._mean(inputs)


@export("keras.layers", "AvgPool3D")
class AveragePooling3D(_Pooling):
    """Pass on the mean of every window of a volume.

    y[n, i, j, k, c] = mean over a, b, e of x[n, s i + a, s j + b, s k + e, c]

    Input ``(N, D, H, W, C)``, output ``(N, out D, out H, out W, C)``; s are the strides.

    Args:
        pool_size: the window: an int, or 3 of them.
        strides: how far windows are apart; the window's size by default, so that they lie side by side.
        padding: "valid" (windows lie within the input; what is left at the end is dropped) or "same" (windows may reach over
            the edge; what lies outside never counts).
        data_format: "channels_first" for ``(N, C, D, H, W)`` in and out; `config.image_data_format()` by default.

    Raises:
        ArgumentError: a size or stride that is not positive.
        ShapeError: a window larger than the input.

    >>> AveragePooling3D((1, 1, 2))(np.array([[[[[1.0], [2.0]], [[4.0], [3.0]]]]]))[0, 0, :, 0, 0]
    Tensor([1.5, 3.5], dtype=float32)

    Source: LeCun, Bottou, Bengio & Haffner, "Gradient-based learning applied to document recognition" (1998).
    """

    def __init__(
        self,
        pool_size: Any,
        strides: Any = None,
        padding: str = "valid",
        data_format: str | None = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(3, pool_size, strides, padding, data_format, name, **kwargs)

    def call(self, inputs: Tensor) -> Tensor:
        return self._mean(inputs)
