"""Convolutions under `keras.ops`' names: plain, depthwise, separable, transposed, over one, two or three axes.

They read Keras's settings ("same", channels first, one number for all axes) and hand plain numbers to the ops of
`neurona.ops.fused`, which do the work.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from neurona.cases import Case, Failure
from neurona.errors import ArgumentError, ShapeError
from neurona.ops.foretold import foretold
from neurona.ops.fused.convolution import convolve
from neurona.ops.fused.depthwise import depthwise
from neurona.ops.fused.transposed import convolve_transposed
from neurona.ops.shape import moveaxis
from neurona.ops.windows import (
    conv_output_lengths,
    conv_transpose_output_lengths,
    data_format_or_default,
    pads_for,
    per_axis,
)
from neurona.symbolic import Shape
from neurona.tensor import Tensor, TensorLike, as_tensor

__all__ = ["conv", "conv_transpose", "depthwise_conv", "separable_conv"]

Numbers = int | Sequence[int]


class _Settings(NamedTuple):
    """Keras's arguments, read: one number for each spatial axis."""

    space: Shape  # the lengths of the input's spatial axes
    channels: int | None
    window: tuple[int, ...]
    strides: tuple[int, ...]
    dilation: tuple[int, ...]
    padding: str
    first: bool  # whether the channels come first

    def pads(self) -> tuple[tuple[int, int], ...]:
        space = tuple(n or 0 for n in self.space)  # real arrays: no axis is open
        return pads_for(self.padding, space, self.window, self.strides, self.dilation)

    def lengths(self) -> Shape:
        return conv_output_lengths(self.space, self.window, self.strides, self.padding, self.dilation)

    def shape(self, batch: int | None, space: Shape, filters: int | None) -> Shape:
        return (batch, filters, *space) if self.first else (batch, *space, filters)


def _read(
    name: str,
    inputs: Shape,
    kernel: Shape,
    strides: Numbers,
    padding: str,
    data_format: str | None,
    dilation_rate: Numbers,
) -> _Settings:
    first = data_format_or_default(data_format) == "channels_first"
    rank = len(inputs) - 2
    if not 1 <= rank <= 3 or len(kernel) != len(inputs):
        raise ShapeError(
            f"{name} expected inputs of 3, 4 or 5 axes (batch, one to three of space, channels) and a kernel of as many. "
            f"Received: inputs of shape {inputs}, kernel of shape {kernel}."
        )
    if not isinstance(padding, str) or padding.lower() not in ("valid", "same", "causal"):
        raise ArgumentError(f"The `padding` argument must be either 'valid' or 'same'. Received: padding={padding!r}.")
    if padding.lower() == "causal" and rank != 1:
        raise ArgumentError(f"padding='causal' needs inputs with one spatial axis. Received: shape {inputs}.")
    return _Settings(
        space=inputs[2:] if first else inputs[1:-1],
        channels=inputs[1 if first else -1],
        window=tuple(n or 0 for n in kernel[:-2]),
        strides=per_axis(strides, rank, "strides"),
        dilation=per_axis(dilation_rate, rank, "dilation_rate"),
        padding=padding.lower(),
        first=first,
    )


def _channels_must_match(settings: _Settings, kernel_channels: int | None) -> None:
    if settings.channels is not None and settings.channels != kernel_channels:
        data_format = "channels_first" if settings.first else "channels_last"
        raise ShapeError(
            "The number of input channels must match the kernel's input channels. Received: input channels="
            f"{settings.channels}, kernel input channels={kernel_channels}, data_format='{data_format}'."
        )


def _last(x: Tensor, settings: _Settings) -> Any:
    """`x` with its channels last."""
    return moveaxis(x, 1, -1) if settings.first else x


def _as_asked(y: Any, settings: _Settings) -> Tensor:
    """The result with its channels where the caller has them."""
    result: Tensor = moveaxis(y, -1, 1) if settings.first else y
    return result


# -- conv ------------------------------------------------------------------------------------------------------------


def _conv_settings(
    inputs: Shape,
    kernel: Shape,
    strides: Numbers = 1,
    padding: str = "valid",
    data_format: str | None = None,
    dilation_rate: Numbers = 1,
) -> tuple[_Settings, int]:
    """The settings and the number of groups."""
    settings = _read("conv", inputs, kernel, strides, padding, data_format, dilation_rate)
    each, filters = kernel[-2] or 1, kernel[-1] or 0
    groups = 1 if settings.channels is None else max(1, settings.channels // each)
    if settings.channels is not None and settings.channels % each:
        _channels_must_match(settings, kernel[-2])
    if filters % groups:
        raise ShapeError(
            f"conv expected a number of filters that is divisible by its {groups} groups (input channels / kernel's "
            f"input channels). Received: {filters} filters, inputs of shape {inputs}, kernel of shape {kernel}."
        )
    return settings, groups


def _conv_shape(inputs: Shape, kernel: Shape, *args: Any, **kwargs: Any) -> Shape:
    settings, _ = _conv_settings(inputs, kernel, *args, **kwargs)
    return settings.shape(inputs[0], settings.lengths(), kernel[-1])


@foretold(
    _conv_shape,
    2,
    cases=[
        Case("N H W C", "3 2 C F", sizes={"H": 3, "W": 2, "C": 1}),
        Case("N H W C", "3 3 C F", strides=2, padding="same", sizes={"H": 1, "W": 1, "C": 1}),
        Case("N 4 H W", "2 2 2 6", data_format="channels_first", dilation_rate=(1, 2), sizes={"H": 2, "W": 3}),
        Case("N T C", "3 C F", padding="causal", sizes={"T": 1, "C": 1}),
        Case("N 2 3 T C", "2 2 2 C 2", strides=(1, 2, 1), sizes={"T": 2, "C": 1}),
    ],
    errors=[
        Failure("2 5 5 3", "3 3 4 6", match="input channels=3, kernel input channels=4"),
        Failure("2 5 5 4", "3 3 2 5", match="divisible by its 2 groups"),
        Failure("2 2 5 3", "3 3 3 6", match="output size would be zero or negative"),
        Failure("2 5 5 3", "3 3 6", match="a kernel of as many"),
        Failure("2 5 5 3", "3 3 3 6", padding="sane", match="either 'valid' or 'same'. Received: padding='sane'"),
        Failure("2 5 5 3", "3 3 3 6", padding="causal", match="one spatial axis"),
        Failure("2 5 5 3", "3 3 3 6", strides=(1, 2, 3), match="a tuple of 2 of them. Received: strides=(1, 2, 3)"),
        Failure("2 5 5 3", "3 3 3 6", data_format="channel_last", match="Did you mean 'channels_last'?"),
    ],
)
def conv(
    inputs: TensorLike,
    kernel: TensorLike,
    strides: Numbers = 1,
    padding: str = "valid",
    data_format: str | None = None,
    dilation_rate: Numbers = 1,
) -> Tensor:
    """Convolution over one, two or three axes: each window's weighted sum, for every filter.

    y[n, i, j, f] = sum over a, b, c of x[n, s i + d a, s j + d b, c] kernel[a, b, c, f]

    Args:
        inputs: shape (N, *space, C), or (N, C, *space) with channels first.
        kernel: shape (*K, C / groups, F); with fewer channels than the inputs these fall into groups, which see as many
            of the filters each.
        strides: s, how far windows are apart; an int, or one for each axis.
        padding: "valid" (none), "same" (as many windows as places, at strides 1), or, with one axis, "causal" (only
            before the beginning).
        data_format: "channels_last" or "channels_first"; `config.image_data_format()` unless told.
        dilation_rate: d, how far the places within a window are apart.

    Returns:
        shape (N, *out, F), or (N, F, *out).

    Raises:
        ShapeError: channels that do not match, or a window larger than the inputs.
        ArgumentError: an impossible setting; strides and dilation both above 1.

    >>> conv([[[1.0], [2.0], [4.0]]], [[[1.0]], [[-1.0]]], padding="same")[0, :, 0]
    Tensor([-1., -2.,  4.], dtype=float32)

    Source: Goodfellow, Bengio & Courville, "Deep Learning" (2016), chapter 9.
    """
    x, weights = as_tensor(inputs), as_tensor(kernel)
    settings, groups = _conv_settings(x.shape, weights.shape, strides, padding, data_format, dilation_rate)
    settings.lengths()  # a window that does not fit is told here
    y = convolve(
        _last(x, settings),
        weights,
        None,
        strides=settings.strides,
        pads=settings.pads(),
        dilation=settings.dilation,
        groups=groups,
    )
    return _as_asked(y, settings)


# -- depthwise and separable -----------------------------------------------------------------------------------------


def _depthwise_settings(
    inputs: Shape,
    kernel: Shape,
    strides: Numbers = 1,
    padding: str = "valid",
    data_format: str | None = None,
    dilation_rate: Numbers = 1,
) -> _Settings:
    settings = _read("depthwise_conv", inputs, kernel, strides, padding, data_format, dilation_rate)
    _channels_must_match(settings, kernel[-2])
    return settings


def _depthwise_shape(inputs: Shape, kernel: Shape, *args: Any, **kwargs: Any) -> Shape:
    settings = _depthwise_settings(inputs, kernel, *args, **kwargs)
    return settings.shape(inputs[0], settings.lengths(), (kernel[-2] or 0) * (kernel[-1] or 0))


@foretold(
    _depthwise_shape,
    2,
    cases=[
        Case("N H W C", "3 2 C 2", sizes={"H": 3, "W": 2}),
        Case("N H W C", "2 2 C 1", strides=2, padding="same", sizes={"H": 1, "W": 1}),
        Case("N C H W", "2 2 C 3", data_format="channels_first", dilation_rate=2, sizes={"H": 3, "W": 3}),
        Case("N T C", "3 C 2", padding="causal", sizes={"T": 1}),
    ],
    errors=[
        Failure("2 5 5 3", "3 3 4 1", match="input channels=3, kernel input channels=4"),
        Failure("2 2 5 3", "3 3 3 1", match="output size would be zero or negative"),
        Failure("2 5", "3 3 3 1", match="depthwise_conv expected inputs of 3, 4 or 5 axes"),
        Failure("2 5 5 3", "3 3 3 1", strides=0, match="an int of at least 1"),
    ],
)
def depthwise_conv(
    inputs: TensorLike,
    kernel: TensorLike,
    strides: Numbers = 1,
    padding: str = "valid",
    data_format: str | None = None,
    dilation_rate: Numbers = 1,
) -> Tensor:
    """Depthwise convolution: every channel has filters of its own, which see that channel alone.

    y[n, i, j, c M + m] = sum over a, b of x[n, s i + d a, s j + d b, c] kernel[a, b, c, m]

    Args:
        inputs: shape (N, *space, C), or (N, C, *space) with channels first.
        kernel: shape (*K, C, M).
        strides, padding, data_format, dilation_rate: as in `conv`.

    Returns:
        shape (N, *out, C M), or (N, C M, *out).

    Raises:
        ShapeError: channels that do not match, or a window larger than the inputs.
        ArgumentError: an impossible setting.

    >>> depthwise_conv([[[1.0, 1.0], [2.0, 3.0]]], [[[10.0], [1.0]], [[1.0], [1.0]]])
    Tensor([[[12.,  4.]]], dtype=float32)

    Source: Chollet, "Xception: deep learning with depthwise separable convolutions" (2017).
    """
    x, weights = as_tensor(inputs), as_tensor(kernel)
    settings = _depthwise_settings(x.shape, weights.shape, strides, padding, data_format, dilation_rate)
    settings.lengths()
    y = depthwise(
        _last(x, settings),
        weights,
        None,
        strides=settings.strides,
        pads=settings.pads(),
        dilation=settings.dilation,
    )
    return _as_asked(y, settings)


def _separable_shape(
    inputs: Shape, depthwise_kernel: Shape, pointwise_kernel: Shape, *args: Any, **kwargs: Any
) -> Shape:
    between = _depthwise_shape(inputs, depthwise_kernel, *args, **kwargs)
    data_format = args[2] if len(args) > 2 else kwargs.get("data_format")
    return _conv_shape(between, pointwise_kernel, 1, "valid", data_format, 1)


@foretold(
    _separable_shape,
    3,
    cases=[
        Case("N H W C", "3 2 C 1", "1 1 C F", sizes={"H": 3, "W": 2, "C": 1}),
        Case("N H W 2", "2 2 2 2", "1 1 4 F", strides=2, padding="same", sizes={"H": 1, "W": 1}),
        Case("N 3 T", "2 3 1", "1 3 F", data_format="channels_first", dilation_rate=2, sizes={"T": 3}),
    ],
    errors=[
        Failure("2 5 5 3", "3 3 3 2", "1 1 4 6", match="input channels=6, kernel input channels=4"),
        Failure("2 5 5 3", "3 3 3 2", "2 1 6 6", match="pointwise kernel of shape (1, ..., 1, channels, filters)"),
    ],
)
def separable_conv(
    inputs: TensorLike,
    depthwise_kernel: TensorLike,
    pointwise_kernel: TensorLike,
    strides: Numbers = 1,
    padding: str = "valid",
    data_format: str | None = None,
    dilation_rate: Numbers = 1,
) -> Tensor:
    """Separable convolution: first each channel by itself over space, then all channels at each place.

    y = conv(depthwise_conv(x, depthwise_kernel), pointwise_kernel)

    Args:
        inputs: shape (N, *space, C), or (N, C, *space) with channels first.
        depthwise_kernel: shape (*K, C, M).
        pointwise_kernel: shape (1, ..., 1, C M, F).
        strides, padding, data_format, dilation_rate: as in `conv`, for the first of the two.

    Returns:
        shape (N, *out, F), or (N, F, *out).

    Raises:
        ShapeError: channels that do not match, or a window larger than the inputs.
        ArgumentError: an impossible setting.

    >>> separable_conv([[[1.0, 1.0], [2.0, 3.0]]], [[[10.0], [1.0]], [[1.0], [1.0]]], [[[1.0], [100.0]]])
    Tensor([[[412.]]], dtype=float32)

    Source: Chollet, "Xception: deep learning with depthwise separable convolutions" (2017).
    """
    points = as_tensor(pointwise_kernel)
    if any(n != 1 for n in points.shape[:-2]):
        raise ShapeError(
            "separable_conv expected a pointwise kernel of shape (1, ..., 1, channels, filters). "
            f"Received: shape {points.shape}."
        )
    between = depthwise_conv(inputs, depthwise_kernel, strides, padding, data_format, dilation_rate)
    y: Tensor = conv(between, points, 1, "valid", data_format, 1)
    return y


# -- transposed ------------------------------------------------------------------------------------------------------


def _transposed_settings(
    inputs: Shape,
    kernel: Shape,
    strides: Numbers = 1,
    padding: str = "valid",
    output_padding: int | Sequence[int] | None = None,
    data_format: str | None = None,
    dilation_rate: Numbers = 1,
) -> tuple[_Settings, Shape]:
    """The settings, and the lengths of the result's spatial axes."""
    settings = _read("conv_transpose", inputs, kernel, strides, padding, data_format, dilation_rate)
    _channels_must_match(settings, kernel[-1])
    if settings.padding == "causal":
        raise ArgumentError(f"The `padding` argument must be either 'valid' or 'same'. Received: padding={padding!r}.")
    more = None if output_padding is None else per_axis(output_padding, len(settings.space), "output_padding", least=0)
    lengths = conv_transpose_output_lengths(
        settings.space, settings.window, settings.strides, settings.padding, more, settings.dilation
    )
    return settings, lengths


def _transposed_shape(inputs: Shape, kernel: Shape, *args: Any, **kwargs: Any) -> Shape:
    settings, lengths = _transposed_settings(inputs, kernel, *args, **kwargs)
    return settings.shape(inputs[0], lengths, kernel[-2])


@foretold(
    _transposed_shape,
    2,
    cases=[
        Case("N H W C", "3 2 F C", sizes={"H": 1, "W": 1}),
        Case("N H W C", "3 3 F C", strides=2, padding="same", sizes={"H": 1, "W": 1}),
        Case("N H W C", "2 3 F C", strides=(3, 2), output_padding=(2, 1), sizes={"H": 1, "W": 1}),
        Case("N C T", "3 F C", data_format="channels_first", strides=4, sizes={"T": 1}),
        Case("N H 2 T C", "2 2 1 2 C", strides=(1, 2, 1), sizes={"H": 1, "T": 1}),
        Case("N T C", "3 F C", padding="same", dilation_rate=2, sizes={"T": 1}),
    ],
    errors=[
        Failure("2 5 5 3", "3 3 6 4", match="input channels=3, kernel input channels=4"),
        Failure("2 5 5 3", "3 3 6 3", strides=2, output_padding=2, match="Choose another output_padding"),
        Failure("2 5 5 3", "3 3 6 3", strides=2, output_padding=-1, match="an int of at least 0"),
        Failure("2 5 3", "3 6 3", padding="causal", match="either 'valid' or 'same'"),
    ],
)
def conv_transpose(
    inputs: TensorLike,
    kernel: TensorLike,
    strides: Numbers = 1,
    padding: str = "valid",
    output_padding: int | Sequence[int] | None = None,
    data_format: str | None = None,
    dilation_rate: Numbers = 1,
) -> Tensor:
    """Transposed convolution: the way back from a convolution's result to the size of its inputs.

    y[n, s i + d a - p, s j + d b - q, f] += sum over c of x[n, i, j, c] kernel[a, b, f, c]

    Args:
        inputs: shape (N, *space, C), or (N, C, *space) with channels first.
        kernel: shape (*K, F, C).
        strides: s, how many times larger the result is.
        padding: "valid", or "same": what the convolution that it reverses had (p and q follow from it).
        output_padding: with strides above 1 several sizes lead back to the inputs'; this chooses one, counted from the
            smallest. By default "same" makes s times the inputs, "valid" all that the kernel's copies cover.
        data_format, dilation_rate: as in `conv`.

    Returns:
        shape (N, *out, F), or (N, F, *out).

    Raises:
        ShapeError: channels that do not match, or a size that does not lead back to the inputs'.
        ArgumentError: an impossible setting.

    >>> conv_transpose([[[1.0], [2.0]]], [[[1.0]], [[10.0]]], strides=2)[0, :, 0]
    Tensor([ 1., 10.,  2., 20.], dtype=float32)

    Source: Dumoulin & Visin, "A guide to convolution arithmetic for deep learning" (2016), chapter 4.
    """
    x, weights = as_tensor(inputs), as_tensor(kernel)
    settings, lengths = _transposed_settings(
        x.shape, weights.shape, strides, padding, output_padding, data_format, dilation_rate
    )
    shape = tuple(n or 0 for n in lengths)
    y = convolve_transposed(
        _last(x, settings),
        weights,
        None,
        strides=settings.strides,
        pads=pads_for(settings.padding, shape, settings.window, settings.strides, settings.dilation),
        dilation=settings.dilation,
        shape=shape,
    )
    return _as_asked(y, settings)
