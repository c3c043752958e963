"""Window: how a layer's window slides over space; the geometry that convolutions and poolings share.

The ops are channels last throughout. A layer with ``data_format="channels_first"`` turns its input at the door (`last`) and
its output on the way out (`restored`); in between there is one order of axes, ``(N, *space, C)``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from neurona import ops
from neurona.errors import ArgumentError, ShapeError, UnknownNameError
from neurona.layers.input_spec import InputSpec
from neurona.ops.windows import Pads, conv_output_shape, data_format_or_default, pads_for, per_axis
from neurona.symbolic import Shape
from neurona.tensor import Tensor

__all__ = ["Window", "channels_first", "channels_last", "counts", "format_of", "refuse_other_rank"]

Ints = tuple[int, ...]


@dataclass(frozen=True)
class Window:
    """A window of `size` places, the steps it takes, and what happens at the edge.

    Args:
        size, strides, dilation: one number for each spatial axis.
        padding: "valid", "same" or "causal".
        data_format: "channels_last" or "channels_first".
    """

    size: Ints
    strides: Ints
    padding: str
    data_format: str
    dilation: Ints

    @classmethod
    def of(
        cls,
        rank: int,
        size: Any,
        strides: Any,
        padding: str,
        data_format: str | None,
        dilation: Any = 1,
        *,
        called: str = "kernel_size",
        causal: bool = False,
    ) -> Window:
        """The window that a layer's arguments describe, checked.

        Args:
            rank: the number of spatial axes.
            called: the name of the argument `size`, for errors.
            causal: whether "causal" padding is allowed.

        Raises:
            ArgumentError: a size, stride or dilation that is no positive integer, or another count of them.
            UnknownNameError: another padding or data format.

        >>> Window.of(2, 3, (1, 2), "same", None)
        Window(size=(3, 3), strides=(1, 2), padding='same', data_format='channels_last', dilation=(1, 1))
        """
        allowed = ("valid", "same", "causal") if causal else ("valid", "same")
        if not isinstance(padding, str) or padding.lower() not in allowed:
            raise UnknownNameError.among("padding", padding, allowed)
        return cls(
            counts(size, rank, called),
            counts(strides, rank, "strides"),
            padding.lower(),
            format_of(data_format),
            counts(dilation, rank, "dilation_rate"),
        )

    @property
    def channel_axis(self) -> int:
        return 1 if self.data_format == "channels_first" else -1

    def refuse_strides_with_dilation(self) -> None:
        """Raise an `ArgumentError` where windows both skip places and are spread out."""
        if max(self.strides) > 1 and max(self.dilation) > 1:
            raise ArgumentError(
                "`strides > 1` not supported in conjunction with `dilation_rate > 1`. "
                f"Received: strides={self.strides} and dilation_rate={self.dilation}"
            )

    def spec(self, channels: int | None = None) -> InputSpec:
        """What the layer demands of its input, before (`channels` is None) and after it was built."""
        axes: dict[int, int | None] | None = None if channels is None else {self.channel_axis: channels}
        return InputSpec(min_ndim=len(self.size) + 2, axes=axes)

    def channels(self, input_shape: Shape, layer: str) -> int:
        """The number of channels that an input of this shape has.

        Raises:
            ArgumentError: that axis is open, so that no weights can be made.
        """
        found = input_shape[self.channel_axis]
        if found is None:
            raise ArgumentError(
                f"{layer} needs to know the number of channels. Received: input shape {input_shape}. "
                "Give the model an Input with that axis set."
            )
        return found

    def pads(self, x: Tensor) -> Pads:
        """The padding before and after each spatial axis of `x`, (N, *space, C)."""
        return pads_for(self.padding, x.shape[1:-1], self.size, self.strides, self.dilation)

    def output_shape(self, input_shape: Shape, filters: int) -> Shape:
        """The shape of a convolution's output, in the layer's data format."""
        refuse_other_rank(input_shape, len(self.size) + 2, "A convolution")
        return conv_output_shape(
            input_shape, filters, self.size, self.strides, self.padding, self.data_format, self.dilation
        )

    def last(self, x: Tensor, dtype: str | None = None) -> Tensor:
        """`x` with its channels last; as `dtype`, that of the weights in mixed precision, if one is given."""
        x = channels_last(x, self.data_format)
        return x if dtype is None or x.dtype == dtype else ops.cast(x, dtype)

    def restored(self, y: Tensor) -> Tensor:
        """`y`, whose channels are last, in the layer's data format."""
        return channels_first(y) if self.data_format == "channels_first" else y


def counts(value: Any, rank: int, name: str, least: int = 1) -> Ints:
    """The argument `name` as one whole number for each spatial axis, from one for all or from a sequence.

    Raises:
        ArgumentError: what is no whole number, one below `least`, or another count of them.

    >>> counts(2, 3, "strides")
    (2, 2, 2)
    """
    given = value if isinstance(value, (list, tuple)) else (value,)
    if not all(isinstance(n, (int, np.integer)) for n in given):
        raise ArgumentError(
            f"The `{name}` argument must be an integer or a tuple of {rank} integers. Received: {name}={value!r}"
        )
    too_small = {int(n) for n in given if n < least}
    if too_small:
        raise ArgumentError(
            f"The `{name}` argument must be a tuple of {rank} integers. Received {name}={value}, including values "
            f"{too_small} that do not satisfy `value {'> 0' if least else '>= 0'}`."
        )
    return per_axis(value, rank, name, least)


def format_of(data_format: str | None) -> str:
    """The argument `data_format` in small letters; the setting of `config` for ``None``.

    Raises:
        UnknownNameError: another name.
    """
    return data_format_or_default(None if data_format is None else str(data_format).lower())


def channels_last(x: Tensor, data_format: str) -> Tensor:
    """`x`, which is in `data_format`, as ``(N, *space, C)``."""
    if data_format == "channels_last":
        return x
    turned: Tensor = ops.transpose(x, (0, *range(2, x.ndim), 1))
    return turned


def channels_first(y: Tensor) -> Tensor:
    """``(N, *space, C)`` as ``(N, C, *space)``."""
    turned: Tensor = ops.transpose(y, (0, y.ndim - 1, *range(1, y.ndim - 1)))
    return turned


def refuse_other_rank(shape: Shape, ndim: int, layer: str) -> None:
    """Raise a `ShapeError` for a shape that has not `ndim` axes."""
    if len(shape) != ndim:
        raise ShapeError(
            f"{layer} expected {ndim} axes, the batch and the channels among them. Received: shape {shape}."
        )
