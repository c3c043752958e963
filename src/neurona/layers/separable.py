"""Separable convolutions: SeparableConv1D, SeparableConv2D. First every channel for itself, then the channels at each place.

A depthwise convolution looks at space, a 1x1 convolution (the pointwise one) mixes the channels. Together they do nearly
what a full convolution does, with a fraction of its weights and time.
"""

from __future__ import annotations

from typing import Any

from neurona.layers.base import Layer
from neurona.layers.epilogue import finish, in_epilogue, require_positive
from neurona.layers.window import Window
from neurona.ops import fused
from neurona.parts import activations, constraints, initializers, regularizers
from neurona.registry import export
from neurona.symbolic import Shape
from neurona.tensor import Tensor
from neurona.variable import Variable

__all__ = ["SeparableConv1D", "SeparableConv2D"]


class _Separable(Layer):
    """What the two share: all but the number of spatial axes and the defaults."""

    def __init__(
        self,
        rank: int,
        filters: int,
        kernel_size: Any,
        strides: Any,
        padding: str,
        data_format: str | None,
        dilation_rate: Any,
        depth_multiplier: int,
        activation: Any,
        use_bias: bool,
        depthwise_initializer: Any,
        pointwise_initializer: Any,
        bias_initializer: Any,
        depthwise_regularizer: Any,
        pointwise_regularizer: Any,
        bias_regularizer: Any,
        activity_regularizer: Any,
        depthwise_constraint: Any,
        pointwise_constraint: Any,
        bias_constraint: Any,
        /,
        **kwargs: Any,
    ) -> None:
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        require_positive("filters", filters)
        require_positive("depth_multiplier", depth_multiplier)
        self.window = Window.of(rank, kernel_size, strides, padding, data_format, dilation_rate)
        self.rank, self.filters, self.depth_multiplier = rank, int(filters), int(depth_multiplier)
        self.kernel_size, self.strides, self.dilation_rate = self.window.size, self.window.strides, self.window.dilation
        self.padding, self.data_format = self.window.padding, self.window.data_format
        self.activation = activations.get(activation)
        self.use_bias = use_bias
        self.depthwise_initializer = initializers.get(depthwise_initializer)
        self.pointwise_initializer = initializers.get(pointwise_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.depthwise_regularizer = regularizers.get(depthwise_regularizer)
        self.pointwise_regularizer = regularizers.get(pointwise_regularizer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self.depthwise_constraint = constraints.get(depthwise_constraint)
        self.pointwise_constraint = constraints.get(pointwise_constraint)
        self.bias_constraint = constraints.get(bias_constraint)
        self.bias: Variable | None = None
        self.input_spec = self.window.spec()

    def build(self, input_shape: Shape) -> None:
        channels = self.window.channels(input_shape, type(self).__name__)
        self.compute_output_shape(input_shape)  # a window that does not fit is told before weights are made
        self.depthwise_kernel = self.add_weight(
            (*self.kernel_size, channels, self.depth_multiplier), self.depthwise_initializer, name="depthwise_kernel",
            regularizer=self.depthwise_regularizer, constraint=self.depthwise_constraint,
        )  # fmt: skip
        ones = (1,) * self.rank
        self.pointwise_kernel = self.add_weight(
            (*ones, channels * self.depth_multiplier, self.filters), self.pointwise_initializer,
            name="pointwise_kernel", regularizer=self.pointwise_regularizer, constraint=self.pointwise_constraint,
        )  # fmt: skip
        if self.use_bias:
            self.bias = self.add_weight(
                (self.filters,), self.bias_initializer, name="bias",
                regularizer=self.bias_regularizer, constraint=self.bias_constraint,
            )  # fmt: skip
        self.input_spec = self.window.spec(channels)

    def call(self, inputs: Tensor) -> Tensor:
        x = self.window.last(inputs, self.variable_dtype)  # (N, *space, C)
        epilogue, behind = in_epilogue(self.activation)
        seen = fused.depthwise(
            x, self.depthwise_kernel, strides=self.strides, pads=self.window.pads(x), dilation=self.dilation_rate
        )  # (N, *out, C M)
        ones = (1,) * self.rank
        y = fused.convolve(
            seen, self.pointwise_kernel, self.bias, strides=ones, pads=((0, 0),) * self.rank, dilation=ones,
            activation=epilogue,
        )  # fmt: skip
        return finish(y, self.window, behind, self.compute_dtype)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return self.window.output_shape(input_shape, self.filters)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "depth_multiplier": self.depth_multiplier,
            "filters": self.filters,
            "kernel_size": self.kernel_size,
            "strides": self.strides,
            "padding": self.padding,
            "data_format": self.data_format,
            "dilation_rate": self.dilation_rate,
            "activation": activations.serialize(self.activation),
            "use_bias": self.use_bias,
            "depthwise_initializer": initializers.serialize(self.depthwise_initializer),
            "pointwise_initializer": initializers.serialize(self.pointwise_initializer),
            "bias_initializer": initializers.serialize(self.bias_initializer),
            "depthwise_regularizer": regularizers.serialize(self.depthwise_regularizer),
            "pointwise_regularizer": regularizers.serialize(self.pointwise_regularizer),
            "bias_regularizer": regularizers.serialize(self.bias_regularizer),
            "activity_regularizer": regularizers.serialize(self.activity_regularizer),
            "depthwise_constraint": constraints.serialize(self.depthwise_constraint),
            "pointwise_constraint": constraints.serialize(self.pointwise_constraint),
            "bias_constraint": constraints.serialize(self.bias_constraint),
        }


@export("keras.layers", "SeparableConvolution1D")
class SeparableConv1D(_Separable):
    """Filter each channel of a sequence for itself, then mix the channels at each place.

    y[n, t, f] = activation(sum over c, m of z[n, t, c M + m] pointwise[0, c M + m, f] + bias[f]),
    z[n, t, c M + m] = sum over a of x[n, s t + d a, c] depthwise[a, c, m]

    Input ``(N, T, C)``, output ``(N, out, filters)``; depthwise kernel ``(K, C, M)``, pointwise kernel
    ``(1, C M, filters)``, bias ``(filters,)``, with M the multiplier, stride s and dilation d.

    Args:
        filters: how many patterns are looked for.
        kernel_size: the window: an int, or a tuple of one.
        strides: how far windows are apart.
        padding: "valid" or "same".
        data_format: "channels_first" for ``(N, C, T)`` in and out; `config.image_data_format()` by default.
        dilation_rate: how far the places within a window are apart.
        depth_multiplier: how many filters each channel has in the first part.
        activation: name or function; none by default.
        use_bias: whether to add a bias.
        depthwise_initializer, pointwise_initializer, bias_initializer: how the weights begin.
        depthwise_regularizer, pointwise_regularizer, bias_regularizer, activity_regularizer: penalties added to the
            loss.
        depthwise_constraint, pointwise_constraint, bias_constraint: applied after each update.

    Raises:
        ArgumentError: a number that is not positive.
        ShapeError: a window larger than the input.

    >>> layer = SeparableConv1D(1, 2, depthwise_initializer="ones", pointwise_initializer="ones")
    >>> layer(np.array([[[1.0, 10.0], [2.0, 20.0]]]))
    Tensor([[[33.]]], dtype=float32)

    Source: Chollet, "Xception: deep learning with depthwise separable convolutions" (2017).
    """

    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = 1,
        padding: str = "valid",
        data_format: str | None = None,
        dilation_rate: Any = 1,
        depth_multiplier: int = 1,
        activation: Any = None,
        use_bias: bool = True,
        depthwise_initializer: Any = "glorot_uniform",
        pointwise_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        depthwise_regularizer: Any = None,
        pointwise_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        depthwise_constraint: Any = None,
        pointwise_constraint: Any = None,
        bias_constraint: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            1, filters, kernel_size, strides, padding, data_format, dilation_rate, depth_multiplier, activation, use_bias,
            depthwise_initializer, pointwise_initializer, bias_initializer, depthwise_regularizer, pointwise_regularizer,
            bias_regularizer, activity_regularizer, depthwise_constraint, pointwise_constraint, bias_constraint, **kwargs,
        )  # fmt: skip


@export("keras.layers", "SeparableConvolution2D")
class SeparableConv2D(_Separable):
    """Filter each channel of a picture for itself, then mix the channels at each place.

    y[n, i, j, f] = activation(sum over c, m of z[n, i, j, c M + m] pointwise[0, 0, c M + m, f] + bias[f]),
    z[n, i, j, c M + m] = sum over a, b of x[n, s i + d a, s j + d b, c] depthwise[a, b, c, m]

    Input ``(N, H, W, C)``, output ``(N, out H, out W, filters)``; depthwise kernel ``(Kh, Kw, C, M)``, pointwise kernel
    ``(1, 1, C M, filters)``, bias ``(filters,)``, with M the multiplier, stride s and dilation d.

    Args:
        filters: how many patterns are looked for.
        kernel_size: the window: an int, or 2 of them.
        strides: how far windows are apart.
        padding: "valid" or "same".
        data_format: "channels_first" for ``(N, C, H, W)`` in and out; `config.image_data_format()` by default.
        dilation_rate: how far the places within a window are apart.
        depth_multiplier: how many filters each channel has in the first part.
        activation: name or function; none by default.
        use_bias: whether to add a bias.
        depthwise_initializer, pointwise_initializer, bias_initializer: how the weights begin.
        depthwise_regularizer, pointwise_regularizer, bias_regularizer, activity_regularizer: penalties added to the
            loss.
        depthwise_constraint, pointwise_constraint, bias_constraint: applied after each update.

    Raises:
        ArgumentError: a number that is not positive.
        ShapeError: a window larger than the input.

    >>> layer = SeparableConv2D(1, (1, 2), depthwise_initializer="ones", pointwise_initializer="ones")
    >>> layer(np.array([[[[1.0, 10.0], [2.0, 20.0]]]]))
    Tensor([[[[33.]]]], dtype=float32)

    Source: Chollet, "Xception: deep learning with depthwise separable convolutions" (2017).
    """

    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = (1, 1),
        padding: str = "valid",
        data_format: str | None = None,
        dilation_rate: Any = (1, 1),
        depth_multiplier: int = 1,
        activation: Any = None,
        use_bias: bool = True,
        depthwise_initializer: Any = "glorot_uniform",
        pointwise_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        depthwise_regularizer: Any = None,
        pointwise_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        depthwise_constraint: Any = None,
        pointwise_constraint: Any = None,
        bias_constraint: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            2, filters, kernel_size, strides, padding, data_format, dilation_rate, depth_multiplier, activation, use_bias,
            depthwise_initializer, pointwise_initializer, bias_initializer, depthwise_regularizer, pointwise_regularizer,
            bias_regularizer, activity_regularizer, depthwise_constraint, pointwise_constraint, bias_constraint, **kwargs,
        )  # fmt: skip
