"""Transposed convolutions: Conv1DTranspose, Conv2DTranspose, Conv3DTranspose. The way back from a small picture to a large.

A convolution takes many places to one; its transpose takes one place to many: every number lays down a copy of the kernel,
times itself, and overlapping copies add up. With strides above 1 the picture grows, by weights that are learned.
"""

from __future__ import annotations

from typing import Any

from neurona.errors import ArgumentError
from neurona.layers.base import Layer
from neurona.layers.epilogue import finish, require_positive
from neurona.layers.window import Window, counts, refuse_other_rank
from neurona.ops import fused
from neurona.ops.windows import conv_transpose_output_lengths, conv_transpose_output_shape, pads_for
from neurona.parts import activations, constraints, initializers, regularizers
from neurona.registry import export
from neurona.symbolic import Shape
from neurona.tensor import Tensor
from neurona.variable import Variable

__all__ = ["Conv1DTranspose", "Conv2DTranspose", "Conv3DTranspose"]


class _Transposed(Layer):
    """What the three share: all but the number of spatial axes and the defaults."""

    def __init__(
        self,
        rank: int,
        filters: int,
        kernel_size: Any,
        strides: Any,
        padding: str,
        output_padding: Any,
        data_format: str | None,
        dilation_rate: Any,
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
        **kwargs: Any,
    ) -> None:
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        require_positive("filters", filters)
        self.window = Window.of(rank, kernel_size, strides, padding, data_format, dilation_rate)
        self.window.refuse_strides_with_dilation()
        self.rank, self.filters = rank, int(filters)
        self.kernel_size, self.strides, self.dilation_rate = self.window.size, self.window.strides, self.window.dilation
        self.padding, self.data_format = self.window.padding, self.window.data_format
        self.output_padding = None
        if output_padding is not None:
            self.output_padding = counts(output_padding, rank, "output_padding", least=0)
            if any(more >= s for more, s in zip(self.output_padding, self.strides, strict=True)):
                raise ArgumentError(
                    "`output_padding` must be strictly less than `strides` for all dimensions. "
                    f"Received: output_padding={self.output_padding}, strides={self.strides}"
                )
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
        refuse_other_rank(input_shape, self.rank + 2, type(self).__name__)
        channels = self.window.channels(input_shape, type(self).__name__)
        self.kernel = self.add_weight(
            (*self.kernel_size, self.filters, channels), self.kernel_initializer, name="kernel",
            regularizer=self.kernel_regularizer, constraint=self.kernel_constraint,
        )  # fmt: skip
        if self.use_bias:
            self.bias = self.add_weight(
                (self.filters,), self.bias_initializer, name="bias",
                regularizer=self.bias_regularizer, constraint=self.bias_constraint,
            )  # fmt: skip
        self.input_spec = self.window.spec(channels)

    def call(self, inputs: Tensor) -> Tensor:
        x = self.window.last(inputs, self.variable_dtype)  # (N, *space, C)
        lengths = conv_transpose_output_lengths(
            x.shape[1:-1], self.kernel_size, self.strides, self.padding, self.output_padding, self.dilation_rate
        )
        space = tuple(n for n in lengths if n is not None)  # none is open: x is there
        pads = pads_for(self.padding, space, self.kernel_size, self.strides, self.dilation_rate)
        y = fused.convolve_transposed(
            x, self.kernel, self.bias, strides=self.strides, pads=pads, dilation=self.dilation_rate, shape=space
        )
        return finish(y, self.window, self.activation, self.compute_dtype)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        refuse_other_rank(input_shape, self.rank + 2, type(self).__name__)
        return conv_transpose_output_shape(
            input_shape, self.filters, self.kernel_size, self.strides, self.padding, self.output_padding,
            self.data_format, self.dilation_rate,
        )  # fmt: skip

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "filters": self.filters,
            "kernel_size": self.kernel_size,
            "strides": self.strides,
            "padding": self.padding,
            "output_padding": self.output_padding,
            "data_format": self.data_format,
            "dilation_rate": self.dilation_rate,
            "activation": activations.serialize(self.activation),
            "use_bias": self.use_bias,
            "kernel_initializer": initializers.serialize(self.kernel_initializer),
            "bias_initializer": initializers.serialize(self.bias_initializer),
            "kernel_regularizer": regularizers.serialize(self.kernel_regularizer),
            "bias_regularizer": regularizers.serialize(self.bias_regularizer),
            "activity_regularizer": regularizers.serialize(self.activity_regularizer),
            "kernel_constraint": constraints.serialize(self.kernel_constraint),
            "bias_constraint": constraints.serialize(self.bias_constraint),
        }


@export("keras.layers", "Convolution1DTranspose")
class Conv1DTranspose(_Transposed):
    """Enlarge a sequence: every number lays down a copy of the kernel, times itself; then bias and activation.

    y[n, s t + d a - p, f] += sum over c of x[n, t, c] kernel[a, f, c]

    Input ``(N, T, C)``, output ``(N, out, filters)``; kernel ``(K, filters, C)``, bias ``(filters,)``. With stride s,
    dilation d, and p places cut off the beginning by the padding.

    Args:
        filters: the number of channels of the output.
        kernel_size: the size of a copy: an int, or a tuple of one.
        strides: how far copies are apart; the output is about so many times larger.
        padding: "valid" (nothing is cut off) or "same" (as a convolution with "same" padding, the other way round).
        output_padding: which of the possible sizes the output has, counted from the smallest; below the strides. By
            default "same" gives s times the input's size, "valid" whatever the copies reach.
        data_format: "channels_first" for ``(N, C, T)`` in and out; `config.image_data_format()` by default.
        dilation_rate: how far the places within a copy are apart; above 1 only with strides of 1.
        activation: name or function; none by default.
        use_bias: whether to add a bias.
        kernel_initializer, bias_initializer: how the weights begin.
        kernel_regularizer, bias_regularizer, activity_regularizer: penalties added to the loss.
        kernel_constraint, bias_constraint: applied after each update.

    Raises:
        ArgumentError: a number that is not positive; an output padding that is not below the strides; strides and
            dilation both above 1.
        ShapeError: an output padding that leads to no possible size.

    >>> layer = Conv1DTranspose(1, 2, strides=2, kernel_initializer="ones")
    >>> layer(np.array([[[1.0], [5.0]]]))[0, :, 0]
    Tensor([1., 1., 5., 5.], dtype=float32)

    Source: Dumoulin & Visin, "A guide to convolution arithmetic for deep learning" (2016), chapter 4.
    """

    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = 1,
        padding: str = "valid",
        output_padding: Any = None,
        data_format: str | None = None,
        dilation_rate: Any = 1,
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
            1, filters, kernel_size, strides, padding, output_padding, data_format, dilation_rate, activation, use_bias,
            kernel_initializer, bias_initializer, kernel_regularizer, bias_regularizer, activity_regularizer,
            kernel_constraint, bias_constraint, **kwargs,
        )  # fmt: skip


@export("keras.layers", "Convolution2DTranspose")
class Conv2DTranspose(_Transposed):
    """Enlarge a picture: every number lays down a copy of the kernel, times itself; then bias and activation.

    y[n, s i + d a - p, s j + d b - q, f] += sum over c of x[n, i, j, c] kernel[a, b, f, c]

    Input ``(N, H, W, C)``, output ``(N, out H, out W, filters)``; kernel ``(Kh, Kw, filters, C)``, bias ``(filters,)``.
    With stride s, dilation d, and p and q places cut off the top and the left by the padding.

    Args:
        filters: the number of channels of the output.
        kernel_size: the size of a copy: an int, or 2 of them.
        strides: how far copies are apart; the output is about so many times larger.
        padding: "valid" (nothing is cut off) or "same" (as a convolution with "same" padding, the other way round).
        output_padding: which of the possible sizes the output has, counted from the smallest; below the strides. By
            default "same" gives s times the input's size, "valid" whatever the copies reach.
        data_format: "channels_first" for ``(N, C, H, W)`` in and out; `config.image_data_format()` by default.
        dilation_rate: how far the places within a copy are apart; above 1 only with strides of 1.
        activation: name or function; none by default.
        use_bias: whether to add a bias.
        kernel_initializer, bias_initializer: how the weights begin.
        kernel_regularizer, bias_regularizer, activity_regularizer: penalties added to the loss.
        kernel_constraint, bias_constraint: applied after each update.

    Raises:
        ArgumentError: a number that is not positive; an output padding that is not below the strides; strides and
            dilation both above 1.
        ShapeError: an output padding that leads to no possible size.

    >>> layer = Conv2DTranspose(1, (1, 2), strides=(1, 2), kernel_initializer="ones")
    >>> layer(np.array([[[[1.0], [5.0]]]]))[0, 0, :, 0]
    Tensor([1., 1., 5., 5.], dtype=float32)

    Source: Dumoulin & Visin, "A guide to convolution arithmetic for deep learning" (2016), chapter 4.
    """

    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = (1, 1),
        padding: str = "valid",
        output_padding: Any = None,
        data_format: str | None = None,
        dilation_rate: Any = (1, 1),
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
            2, filters, kernel_size, strides, padding, output_padding, data_format, dilation_rate, activation, use_bias,
            kernel_initializer, bias_initializer, kernel_regularizer, bias_regularizer, activity_regularizer,
            kernel_constraint, bias_constraint, **kwargs,
        )  # fmt: skip


@export("keras.layers", "Convolution3DTranspose")
class Conv3DTranspose(_Transposed):
    """Enlarge a volume: every number lays down a copy of the kernel, times itself; then bias and activation.

    y[n, s i + d a - p, s j + d b - q, s k + d e - r, f] += sum over c of x[n, i, j, k, c] kernel[a, b, e, f, c]

    Input ``(N, D, H, W, C)``, output ``(N, out D, out H, out W, filters)``; kernel ``(Kd, Kh, Kw, filters, C)``, bias
    ``(filters,)``. With stride s, dilation d, and p, q and r places cut off the beginnings by the padding.

    Args:
        filters: the number of channels of the output.
        kernel_size: the size of a copy: an int, or 3 of them.
        strides: how far copies are apart; the output is about so many times larger.
        padding: "valid" (nothing is cut off) or "same" (as a convolution with "same" padding, the other way round).
        data_format: "channels_first" for ``(N, C, D, H, W)`` in and out; `config.image_data_format()` by default.
        output_padding: which of the possible sizes the output has, counted from the smallest; below the strides. By
            default "same" gives s times the input's size, "valid" whatever the copies reach.
        dilation_rate: how far the places within a copy are apart; above 1 only with strides of 1.
        activation: name or function; none by default.
        use_bias: whether to add a bias.
        kernel_initializer, bias_initializer: how the weights begin.
        kernel_regularizer, bias_regularizer, activity_regularizer: penalties added to the loss.
        kernel_constraint, bias_constraint: applied after each update.

    Raises:
        ArgumentError: a number that is not positive; an output padding that is not below the strides; strides and
            dilation both above 1.
        ShapeError: an output padding that leads to no possible size.

    >>> layer = Conv3DTranspose(1, (1, 1, 2), strides=(1, 1, 2), kernel_initializer="ones")
    >>> layer(np.array([[[[[1.0], [5.0]]]]]))[0, 0, 0, :, 0]
    Tensor([1., 1., 5., 5.], dtype=float32)

    Source: Dumoulin & Visin, "A guide to convolution arithmetic for deep learning" (2016), chapter 4.
    """

    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = (1, 1, 1),
        padding: str = "valid",
        data_format: str | None = None,
        output_padding: Any = None,
        dilation_rate: Any = (1, 1, 1),
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
            3, filters, kernel_size, strides, padding, output_padding, data_format, dilation_rate, activation, use_bias,
            kernel_initializer, bias_initializer, kernel_regularizer, bias_regularizer, activity_regularizer,
            kernel_constraint, bias_constraint, **kwargs,
        )  # fmt: skip
