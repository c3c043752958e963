"""Convolutions over one, two and three spatial axes: Conv1D, Conv2D, Conv3D.

Every filter looks at one window of the picture at a time, the same weights at every place, and so answers where in the
picture its pattern is. The three differ in nothing but the number of spatial axes.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from neurona.errors import ArgumentError, ShapeError
from neurona.layers.epilogue import finish, in_epilogue, require_positive
from neurona.layers.lora import LowRank
from neurona.layers.window import Window
from neurona.ops import fused
from neurona.parts import activations, constraints, initializers, regularizers
from neurona.registry import export
from neurona.symbolic import Shape
from neurona.tensor import Tensor
from neurona.variable import Variable

__all__ = ["Conv1D", "Conv2D", "Conv3D"]


class _Convolution(LowRank):
    """What the three share: all but the number of spatial axes and the defaults."""

    def __init__(
        self,
        rank: int,
        filters: int,
        kernel_size: Any,
        strides: Any,
        padding: str,
        data_format: str | None,
        dilation_rate: Any,
        groups: int,
        activation: Any,
        use_bias: bool,
        kernel_initializer: Any,
        bias_initializer: Any,
        kernel_regularizer: Any,
        bias_regularizer: Any,
        activity_regularizer: Any,
        kernel_constraint: Any,
        bias_constraint: Any,
        /,
        lora_rank: int | None = None,
        lora_alpha: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        self.lora_rank, self.lora_alpha = lora_rank, lora_rank if lora_alpha is None else lora_alpha
        require_positive("filters", filters)
        if not isinstance(groups, (int, np.integer)) or groups <= 0:
            raise ArgumentError(f"The number of groups must be a positive integer. Received: groups={groups}.")
        if filters % groups:
            raise ArgumentError(
                "The number of filters must be evenly divisible by the number of groups. "
                f"Received: groups={groups}, filters={filters}."
            )
        self.window = Window.of(rank, kernel_size, strides, padding, data_format, dilation_rate, causal=rank == 1)
        self.window.refuse_strides_with_dilation()
        self.rank, self.filters, self.groups = rank, int(filters), int(groups)
        self.kernel_size, self.strides, self.dilation_rate = self.window.size, self.window.strides, self.window.dilation
        self.padding, self.data_format = self.window.padding, self.window.data_format
        self.activation = activations.get(activation)
        self.use_bias = use_bias
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)
        self.bias_constraint = constraints.get(bias_constraint)
        self.bias: Variable | None = None
        self.input_spec = self.window.spec()

    def build(self, input_shape: Shape) -> None:
        channels = self.window.channels(input_shape, type(self).__name__)
        if channels % self.groups:
            raise ShapeError(
                "The number of input channels must be evenly divisible by the number of groups. Received "
                f"groups={self.groups}, but the input has {channels} channels (full input shape is {input_shape})."
            )
        self.compute_output_shape(input_shape)  # a window that does not fit is told before weights are made
        self.kernel = self.add_weight(
            (*self.kernel_size, channels // self.groups, self.filters), self.kernel_initializer, name="kernel",
            regularizer=self.kernel_regularizer, constraint=self.kernel_constraint,
        )  # fmt: skip
        if self.use_bias:
            self.bias = self.add_weight(
                (self.filters,), self.bias_initializer, name="bias",
                regularizer=self.bias_regularizer, constraint=self.bias_constraint,
            )  # fmt: skip
        self.input_spec = self.window.spec(channels)
        self._enable_as_told()

    def call(self, inputs: Tensor) -> Tensor:
        x = self.window.last(inputs, self.variable_dtype)  # (N, *space, C)
        epilogue, behind = in_epilogue(self.activation)
        y = fused.convolve(
            x, self._merged(), self.bias, strides=self.strides, pads=self.window.pads(x), dilation=self.dilation_rate,
            groups=self.groups, activation=epilogue,
        )  # fmt: skip
        return finish(y, self.window, behind, self.compute_dtype)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return self.window.output_shape(input_shape, self.filters)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "filters": self.filters,
            "kernel_size": self.kernel_size,
            "strides": self.strides,
            "padding": self.padding,
            "data_format": self.data_format,
            "dilation_rate": self.dilation_rate,
            "groups": self.groups,
            "activation": activations.serialize(self.activation),
            "use_bias": self.use_bias,
            "kernel_initializer": initializers.serialize(self.kernel_initializer),
            "bias_initializer": initializers.serialize(self.bias_initializer),
            "kernel_regularizer": regularizers.serialize(self.kernel_regularizer),
            "bias_regularizer": regularizers.serialize(self.bias_regularizer),
            "activity_regularizer": regularizers.serialize(self.activity_regularizer),
            "kernel_constraint": constraints.serialize(self.kernel_constraint),
            "bias_constraint": constraints.serialize(self.bias_constraint),
            **self._lora_config(),
        }


@export("keras.layers", "Convolution1D")
class Conv1D(_Convolution):
    """Slide filters over a sequence: every output is an activation of a weighted sum over a few steps in time.

    y[n, t, f] = activation(sum over a, c of x[n, s t + d a, c] kernel[a, c, f] + bias[f])

    Input ``(N, T, C)``, output ``(N, out, filters)``; kernel ``(K, C / groups, filters)``, bias ``(filters,)``.
    With stride s and dilation d.

    Args:
        filters: how many patterns are looked for.
        kernel_size: the window: an int, or a tuple of one.
        strides: how far windows are apart.
        padding: "valid" (windows lie within the sequence), "same" (as many outputs as inputs, for stride 1; zeros at
            both ends) or "causal" (zeros at the beginning only: no output sees what comes later).
        data_format: "channels_first" for ``(N, C, T)`` in and out; `config.image_data_format()` by default.
        dilation_rate: how far the places within a window are apart; above 1 only with strides of 1.
        groups: channels and filters fall into so many parts, which do not see each other.
        activation: name or function; none by default.
        use_bias: whether to add a bias.
        kernel_initializer, bias_initializer: how the weights begin.
        kernel_regularizer, bias_regularizer, activity_regularizer: penalties added to the loss.
        kernel_constraint, bias_constraint: applied after each update.

    Raises:
        ArgumentError: a number that is not positive; filters that the groups do not divide; strides and dilation both
            above 1.
        ShapeError: a window larger than the input, or channels that the groups do not divide.

    Example:
        >>> layer = Conv1D(1, 2, kernel_initializer="ones")
        >>> layer(np.array([[[1.0], [2.0], [4.0]]]))
        Tensor([[[3.],
                 [6.]]], dtype=float32)

    Source: Goodfellow, Bengio & Courville, "Deep Learning" (2016), chapter 9.
    """

    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = 1,
        padding: str = "valid",
        data_format: str | None = None,
        dilation_rate: Any = 1,
        groups: int = 1,
        activation: Any = None,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            1, filters, kernel_size, strides, padding, data_format, dilation_rate, groups, activation, use_bias,
            kernel_initializer, bias_initializer, kernel_regularizer, bias_regularizer, activity_regularizer,
            kernel_constraint, bias_constraint, **kwargs,
        )  # fmt: skip


@export("keras.layers", "Convolution2D")
class Conv2D(_Convolution):
    """Slide filters over a picture: every output is an activation of a weighted sum over a small window.

    y[n, i, j, f] = activation(sum over a, b, c of x[n, s i + d a, s j + d b, c] kernel[a, b, c, f] + bias[f])

    Input ``(N, H, W, C)``, output ``(N, out H, out W, filters)``; kernel ``(Kh, Kw, C / groups, filters)``, bias
    ``(filters,)``. With stride s and dilation d.

    Args:
        filters: how many patterns are looked for.
        kernel_size: the window: an int, or 2 of them.
        strides: how far windows are apart.
        padding: "valid" (windows lie within the picture) or "same" (as many outputs as inputs, for stride 1; zeros
            around the picture).
        data_format: "channels_first" for ``(N, C, H, W)`` in and out; `config.image_data_format()` by default.
        dilation_rate: how far the places within a window are apart; above 1 only with strides of 1.
        groups: channels and filters fall into so many parts, which do not see each other.
        activation: name or function; none by default.
        use_bias: whether to add a bias.
        kernel_initializer, bias_initializer: how the weights begin.
        kernel_regularizer, bias_regularizer, activity_regularizer: penalties added to the loss.
        kernel_constraint, bias_constraint: applied after each update.

    Raises:
        ArgumentError: a number that is not positive; filters that the groups do not divide; strides and dilation both
            above 1.
        ShapeError: a window larger than the input, or channels that the groups do not divide.

    Example:
        >>> layer = Conv2D(1, 2, kernel_initializer="ones")
        >>> layer(np.array([[[[1.0], [2.0]], [[3.0], [4.0]]]]))
        Tensor([[[[10.]]]], dtype=float32)

    Source: LeCun, Bottou, Bengio & Haffner, "Gradient-based learning applied to document recognition" (1998).
    """

    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = (1, 1),
        padding: str = "valid",
        data_format: str | None = None,
        dilation_rate: Any = (1, 1),
        groups: int = 1,
        activation: Any = None,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            2, filters, kernel_size, strides, padding, data_format, dilation_rate, groups, activation, use_bias,
            kernel_initializer, bias_initializer, kernel_regularizer, bias_regularizer, activity_regularizer,
            kernel_constraint, bias_constraint, **kwargs,
        )  # fmt: skip


@export("keras.layers", "Convolution3D")
class Conv3D(_Convolution):
    """Slide filters over a volume or a film: every output is an activation of a weighted sum over a small box.

    y[n, i, j, k, f] = activation(sum over a, b, e, c of x[n, s i + d a, s j + d b, s k + d e, c] kernel[a, b, e, c, f]
                                  + bias[f])

    Input ``(N, D, H, W, C)``, output ``(N, out D, out H, out W, filters)``; kernel
    ``(Kd, Kh, Kw, C / groups, filters)``, bias ``(filters,)``. With stride s and dilation d.

    Args:
        filters: how many patterns are looked for.
        kernel_size: the window: an int, or 3 of them.
        strides: how far windows are apart.
        padding: "valid" (windows lie within the volume) or "same" (as many outputs as inputs, for stride 1; zeros
            around it).
        data_format: "channels_first" for ``(N, C, D, H, W)`` in and out; `config.image_data_format()` by default.
        dilation_rate: how far the places within a window are apart; above 1 only with strides of 1.
        groups: channels and filters fall into so many parts, which do not see each other.
        activation: name or function; none by default.
        use_bias: whether to add a bias.
        kernel_initializer, bias_initializer: how the weights begin.
        kernel_regularizer, bias_regularizer, activity_regularizer: penalties added to the loss.
        kernel_constraint, bias_constraint: applied after each update.

    Raises:
        ArgumentError: a number that is not positive; filters that the groups do not divide; strides and dilation both
            above 1.
        ShapeError: a window larger than the input, or channels that the groups do not divide.

    Example:
        >>> layer = Conv3D(1, (1, 1, 2), kernel_initializer="ones")
        >>> layer(np.array([[[[[1.0], [2.0], [4.0]]]]]))[0, 0, 0, :, 0]
        Tensor([3., 6.], dtype=float32)

    Source: Tran et al., "Learning spatiotemporal features with 3D convolutional networks" (2015).
    """

    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = (1, 1, 1),
        padding: str = "valid",
        data_format: str | None = None,
        dilation_rate: Any = (1, 1, 1),
        groups: int = 1,
        activation: Any = None,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            3, filters, kernel_size, strides, padding, data_format, dilation_rate, groups, activation, use_bias,
            kernel_initializer, bias_initializer, kernel_regularizer, bias_regularizer, activity_regularizer,
            kernel_constraint, bias_constraint, **kwargs,
        )  # fmt: skip
