"""Windows that slide over space: how many there are, and how much is padded; the arithmetic of convolution and pooling.

Along one axis of length n, windows of k places (spread by the dilation d over ``d (k - 1) + 1``) that start every s places
make

    valid          floor((n - d (k - 1) - 1) / s) + 1     no padding
    same, causal   ceil(n / s)                            as much padding as these need

"same" pads both ends; where the padding is odd the larger half comes last, as in TensorFlow. "causal" pads only the
beginning, so that no window sees what comes later. An axis of open length (``None``) stays open.

>>> pads_for("same", (5, 6), (3, 2), (2, 2))
((1, 1), (0, 0))
>>> conv_output_shape((None, 28, 28, 1), 32, (3, 3), (1, 1), "valid")
(None, 26, 26, 32)
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from neurona import config
from neurona.errors import ArgumentError, ShapeError, UnknownNameError
from neurona.symbolic import Shape

__all__ = [
    "Pads",
    "adaptive_output_shape",
    "conv_output_lengths",
    "conv_output_shape",
    "conv_transpose_output_lengths",
    "conv_transpose_output_shape",
    "data_format_or_default",
    "pads_for",
    "per_axis",
    "pool_output_shape",
    "span_of",
]

#: Padding before and after, for each spatial axis.
Pads = tuple[tuple[int, int], ...]


def per_axis(value: int | Sequence[int], rank: int, name: str, least: int = 1) -> tuple[int, ...]:
    """One whole number for each spatial axis, from one for all or from a sequence.

    Args:
        value: an int, or `rank` of them.
        rank: the number of spatial axes.
        name: what errors call it.
        least: the smallest number allowed.

    Raises:
        ArgumentError: another count, or a number that is too small.

    >>> per_axis(2, 3, "strides"), per_axis([1, 2], 2, "strides")
    ((2, 2, 2), (1, 2))
    """
    try:
        numbers = tuple(map(int, value)) if isinstance(value, Sequence) else (int(value),) * rank
    except (TypeError, ValueError):
        numbers = ()
    if len(numbers) != rank or min(numbers) < least:
        raise ArgumentError(
            f"The `{name}` argument must be an int of at least {least}, or a tuple of {rank} of them. "
            f"Received: {name}={value!r}."
        )
    return numbers


def data_format_or_default(data_format: str | None) -> str:
    """`data_format`, or `config.image_data_format()` for ``None``; anything but the two known names is an error."""
    if data_format is None:
        return config.image_data_format()
    if data_format not in ("channels_last", "channels_first"):
        raise UnknownNameError.among("data format", data_format, ("channels_last", "channels_first"))
    return data_format


def span_of(kernel: int, dilation: int = 1) -> int:
    """How many places a window of `kernel` places reaches over: d (k - 1) + 1."""
    return dilation * (kernel - 1) + 1


def _length(size: int | None, kernel: int, stride: int, padding: str, dilation: int) -> int | None:
    if size is None:
        return None
    if padding == "valid":
        return (size - span_of(kernel, dilation)) // stride + 1
    return -(-size // stride)


def _known(padding: str, allowed: tuple[str, ...]) -> str:
    name = padding.lower() if isinstance(padding, str) else padding
    if name not in allowed:
        raise UnknownNameError.among("padding", padding, allowed)
    return name


def conv_output_lengths(
    sizes: Sequence[int | None],
    kernel: Sequence[int],
    strides: Sequence[int],
    padding: str = "valid",
    dilation: Sequence[int] | None = None,
) -> tuple[int | None, ...]:
    """How many windows there are along each spatial axis.

    Args:
        sizes: the lengths of the spatial axes; ``None`` where open.
        kernel, strides, dilation: one number for each of them (no dilation: 1).
        padding: "valid", "same" or "causal".

    Raises:
        ShapeError: a window is larger than the axis it should slide over.

    >>> conv_output_lengths((7, None), (3, 3), (2, 2))
    (3, None)
    """
    padding = _known(padding, ("valid", "same", "causal"))
    dilation = dilation or (1,) * len(sizes)
    lengths = tuple(map(_length, sizes, kernel, strides, (padding,) * len(sizes), dilation))
    if any(n is not None and n <= 0 for n in lengths):
        raise ShapeError(
            "Computed output size would be zero or negative: a window must fit into its input. Received: sizes "
            f"{tuple(sizes)}, window {tuple(kernel)}, dilation {tuple(dilation)}, padding='{padding}'. Take a smaller "
            "window, or padding='same'."
        )
    return lengths


def pads_for(
    padding: str,
    sizes: Sequence[int],
    kernel: Sequence[int],
    strides: Sequence[int],
    dilation: Sequence[int] | None = None,
) -> Pads:
    """The padding before and after each spatial axis: what `padding` means for these lengths.

    >>> pads_for("same", (4,), (3,), (2,)), pads_for("causal", (4,), (3,), (1,), (2,)), pads_for("valid", (4,), (3,), (1,))
    (((0, 1),), ((4, 0),), ((0, 0),))
    """
    padding = _known(padding, ("valid", "same", "causal"))
    pads = []
    for n, k, s, d in zip(sizes, kernel, strides, dilation or (1,) * len(sizes), strict=True):
        if padding == "valid":
            pads.append((0, 0))
        elif padding == "causal":
            pads.append((d * (k - 1), 0))
        else:
            total = max((-(-n // s) - 1) * s + span_of(k, d) - n, 0)
            pads.append((total // 2, total - total // 2))
    return tuple(pads)


def _split(shape: Shape, data_format: str | None) -> tuple[int | None, Shape, int | None, bool]:
    """Batch, space, channels, and whether the channels come first."""
    first = data_format_or_default(data_format) == "channels_first"
    return shape[0], tuple(shape[2:] if first else shape[1:-1]), shape[1 if first else -1], first


def _joined(batch: int | None, space: Sequence[int | None], channels: int | None, first: bool) -> Shape:
    return (batch, channels, *space) if first else (batch, *space, channels)


def conv_output_shape(
    input_shape: Shape,
    filters: int | None,
    kernel: Sequence[int],
    strides: Sequence[int],
    padding: str = "valid",
    data_format: str | None = None,
    dilation: Sequence[int] | None = None,
) -> Shape:
    """The shape of a convolution's result, from the whole shape of its input (batch and channels included)."""
    batch, space, _, first = _split(input_shape, data_format)
    return _joined(batch, conv_output_lengths(space, kernel, strides, padding, dilation), filters, first)


def pool_output_shape(
    input_shape: Shape,
    size: Sequence[int],
    strides: Sequence[int],
    padding: str = "valid",
    data_format: str | None = None,
) -> Shape:
    """The shape of a pooling's result, from the whole shape of its input.

    >>> pool_output_shape((None, 5, 5, 8), (2, 2), (2, 2))
    (None, 2, 2, 8)
    """
    batch, space, channels, first = _split(input_shape, data_format)
    _known(padding, ("valid", "same"))
    return _joined(batch, conv_output_lengths(space, size, strides, padding), channels, first)


def adaptive_output_shape(input_shape: Shape, output_size: Sequence[int], data_format: str | None = None) -> Shape:
    """The shape of an adaptive pooling's result: the space is what was asked for."""
    batch, _, channels, first = _split(input_shape, data_format)
    return _joined(batch, tuple(output_size), channels, first)


def conv_transpose_output_lengths(
    sizes: Sequence[int | None],
    kernel: Sequence[int],
    strides: Sequence[int],
    padding: str = "valid",
    output_padding: int | Sequence[int | None] | None = None,
    dilation: Sequence[int] | None = None,
) -> tuple[int | None, ...]:
    """The lengths of a transposed convolution's result: one whose convolution gives `sizes` again.

    Args:
        sizes, kernel, strides, dilation: as in `conv_output_lengths`.
        padding: "valid" or "same".
        output_padding: which of the possible lengths, counted from the smallest; ``None`` for Keras's own choice.

    >>> conv_transpose_output_lengths((5, None), (3, 3), (2, 2)), conv_transpose_output_lengths((5,), (3,), (2,), "same")
    ((11, None), (10,))
    """
    padding = _known(padding, ("valid", "same"))
    rank = len(sizes)
    more: Sequence[Any] = output_padding if isinstance(output_padding, (list, tuple)) else (output_padding,) * rank
    lengths: list[int | None] = []
    for n, k, s, d, extra in zip(sizes, kernel, strides, dilation or (1,) * rank, more, strict=True):
        span = span_of(k, d)
        if n is None:
            lengths.append(None)
        elif padding == "valid":
            lengths.append((n - 1) * s + span + (max(span, s) - span if extra is None else extra))
        else:
            lengths.append(n * s if extra is None else (n - 1) * s + span % 2 + extra)
    return tuple(lengths)


def conv_transpose_output_shape(
    input_shape: Shape,
    filters: int | None,
    kernel: Sequence[int],
    strides: Sequence[int],
    padding: str = "valid",
    output_padding: int | Sequence[int | None] | None = None,
    data_format: str | None = None,
    dilation: Sequence[int] | None = None,
) -> Shape:
    """The shape of a transposed convolution's result, from the whole shape of its input."""
    batch, space, _, first = _split(input_shape, data_format)
    lengths = conv_transpose_output_lengths(space, kernel, strides, padding, output_padding, dilation)
    return _joined(batch, lengths, filters, first)
