"""Depthwise convolutions: DepthwiseConv1D, DepthwiseConv2D. Every channel has filters of its own and sees no other channel.

They cost a fraction of a full convolution, since the channels are not mixed; a 1x1 convolution behind one mixes them
(`SeparableConv2D` is the two in one).
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

__all__ = ["DepthwiseConv1D", "DepthwiseConv2D"]


class _Depthwise(Layer):
    """What the two share: all but the number of spatial axes and the defaults."""

    def __init__(
        self,
        rank: int,
        kernel_size: Any,
        strides: Any,
        padding: str,
        depth_multiplier: int,
        data_format: str | None,
        dilation_rate: Any,
        activation: Any,
        use_bias: bool,
        depthwise_initializer: Any,
        bias_initializer: Any,
        depthwise_regularizer: Any,
        bias_regularizer: Any,
        activity_regularizer: Any,
        depthwise_constraint: Any,
        bias_constraint: Any,
        /,
        **kwargs: Any,
    ) -> None:
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        require_positive("depth_multiplier", depth_multiplier)
        self.window = Window.of(rank, kernel_size, strides, padding, data_format, dilation_rate)
        self.rank, self.depth_multiplier = rank, int(depth_multiplier)
        self.kernel_size, self.strides, self.dilation_rate = self.window.size, self.window.strides, self.window.dilation
        self.padding, self.data_format = self.window.padding, self.window.data_format
        self.activation = activations.get(activation)
        self.use_bias = use_bias
        self.depthwise_initializer = initializers.get(depthwise_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.depthwise_regularizer = regularizers.get(depthwise_regularizer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self.depthwise_constraint = constraints.get(depthwise_constraint)
        self.bias_constraint = constraints.get(bias_constraint)
        self.bias: Variable | None = None
        self.input_spec = self.window.spec()

    def build(self, input_shape: Shape) -> None:
        channels = self.window.channels(input_shape, type(self).__name__)
        self.compute_output_shape(input_shape)  # a window that does not fit is told before weights are made
        self.kernel = self.add_weight(
            (*self.kernel_size, channels, self.depth_multiplier), self.depthwise_initializer, name="kernel",
            regularizer=self.depthwise_regularizer, constraint=self.depthwise_constraint,
        )  # fmt: skip
        if self.use_bias:
            self.bias = self.add_weight(
                (channels * self.depth_multiplier,), self.bias_initializer, name="bias",
                regularizer=self.bias_regularizer, constraint=self.bias_constraint,
            )  # fmt: skip
        self.input_spec = self.window.spec(channels)

    def call(self, inputs: Tensor) -> Tensor:
        x = self.window.last(inputs, self.variable_dtype)  # (N, *space, C)
        epilogue, behind = in_epilogue(self.activation)
        y = fused.depthwise(
            x, self.kernel, self.bias, strides=self.strides, pads=self.window.pads(x), dilation=self.dilation_rate,
            activation=epilogue,
        )  # fmt: skip
        return finish(y, self.window, behind, self.compute_dtype)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        channels = self.window.channels(input_shape, type(self).__name__)
        return self.window.output_shape(input_shape, channels * self.depth_multiplier)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "depth_multiplier": self.depth_multiplier,
            "kernel_size": self.kernel_size,
            "strides": self.strides,
            "padding": self.padding,
            "data_format": self.data_format,
            "dilation_rate": self.dilation_rate,
            "activation": activations.serialize(self.activation),
            "use_bias": self.use_bias,
            "depthwise_initializer": initializers.serialize(self.depthwise_initializer),
            "bias_initializer": initializers.serialize(self.bias_initializer),
            "depthwise_regularizer": regularizers.serialize(self.depthwise_regularizer),
            "bias_regularizer": regularizers.serialize(self.bias_regularizer),
            "activity_regularizer": regularizers.serialize(self.activity_regularizer),
            "depthwise_constraint": constraints.serialize(self.depthwise_constraint),
            "bias_constraint": constraints.serialize(self.bias_constraint),
        }


@export("keras.layers")
class DepthwiseConv1D(_Depthwise):
    """Slide over each channel of a sequence filters that see that channel alone.

    y[n, t, c M + m] = activation(sum over a of x[n, s t + d a, c] kernel[a, c, m] + bias[c M + m])

    Input ``(N, T, C)``, output ``(N, out, C M)``; kernel ``(K, C, M)``, bias ``(C M,)``, with M the multiplier, stride s and
    dilation d.

    Args:
        kernel_size: the window: an int, or a tuple of one.
        strides: how far windows are apart.
        padding: "valid" or "same".
        depth_multiplier: how many filters each channel has.
        data_format: "channels_first" for ``(N, C, T)`` in and out; `config.image_data_format()` by default.
        dilation_rate: how far the places within a window are apart.
        activation: name or function; none by default.
        use_bias: whether to add a bias.
        depthwise_initializer, bias_initializer: how the weights begin.
        depthwise_regularizer, bias_regularizer, activity_regularizer: penalties added to the loss.
        depthwise_constraint, bias_constraint: applied after each update.

    Raises:
        ArgumentError: a number that is not positive.
        ShapeError: a window larger than the input.

    >>> layer = DepthwiseConv1D(2, depthwise_initializer="ones")
    >>> layer(np.array([[[1.0, 10.0], [2.0, 20.0]]]))
    Tensor([[[ 3., 30.]]], dtype=float32)

    Source: Chollet, "Xception: deep learning with depthwise separable convolutions" (2017).
    """

    def __init__(
        self,
        kernel_size: Any,
        strides: Any = 1,
        padding: str = "valid",
        depth_multiplier: int = 1,
        data_format: str | None = None,
        dilation_rate: Any = 1,
        activation: Any = None,
        use_bias: bool = True,
        depthwise_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        depthwise_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        depthwise_constraint: Any = None,
        bias_constraint: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            1, kernel_size, strides, padding, depth_multiplier, data_format, dilation_rate, activation, use_bias,
            depthwise_initializer, bias_initializer, depthwise_regularizer, bias_regularizer, activity_regularizer,
            depthwise_constraint, bias_constraint, **kwargs,
        )  # fmt: skip


@export("keras.layers")
class DepthwiseConv2D(_Depthwise):
    """Slide over each channel of a picture filters that see that channel alone.

    y[n, i, j, c M + m] = activation(sum over a, b of x[n, s i + d a, s j + d b, c] kernel[a, b, c, m] + bias[c M + m])

    Input ``(N, H, W, C)``, output ``(N, out H, out W, C M)``; kernel ``(Kh, Kw, C, M)``, bias ``(C M,)``, with M the
    multiplier, stride s and dilation d.

    Args:
        kernel_size: the window: an int, or 2 of them.
        strides: how far windows are apart.
        padding: "valid" or "same".
        depth_multiplier: how many filters each channel has.
        data_format: "channels_first" for ``(N, C, H, W)`` in and out; `config.image_data_format()` by default.
        dilation_rate: how far the places within a window are apart.
        activation: name or function; none by default.
        use_bias: whether to add a bias.
        depthwise_initializer, bias_initializer: how the weights begin.
        depthwise_regularizer, bias_regularizer, activity_regularizer: penalties added to the loss.
        depthwise_constraint, bias_constraint: applied after each update.

    Raises:
        ArgumentError: a number that is not positive.
        ShapeError: a window larger than the input.

    >>> layer = DepthwiseConv2D((1, 2), depthwise_initializer="ones")
    >>> layer(np.array([[[[1.0, 10.0], [2.0, 20.0]]]]))
    Tensor([[[[ 3., 30.]]]], dtype=float32)

    Source: Chollet, "Xception: deep learning with depthwise separable convolutions" (2017).
    """

    def __init__(
        self,
        kernel_size: Any,
        strides: Any = (1, 1),
        padding: str = "valid",
        depth_multiplier: int = 1,
        data_format: str | None = None,
        dilation_rate: Any = (1, 1),
        activation: Any = None,
        use_bias: bool = True,
        depthwise_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        depthwise_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        depthwise_constraint: Any = None,
        bias_constraint: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            2, kernel_size, strides, padding, depth_multiplier, data_format, dilation_rate, activation, use_bias,
            depthwise_initializer, bias_initializer, depthwise_regularizer, bias_regularizer, activity_regularizer,
            depthwise_constraint, bias_constraint, **kwargs,
        )  # fmt: skip
