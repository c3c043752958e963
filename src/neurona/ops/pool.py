"""Pooling under `keras.ops`' names: the largest or the mean of every window, of a size given or sought."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from neurona.cases import Case, Failure
from neurona.errors import ArgumentError, ShapeError
from neurona.ops.foretold import foretold
from neurona.ops.fused.adaptive import adaptive_average, adaptive_max
from neurona.ops.fused.pooling import average_pool_raw, max_pool_places
from neurona.ops.shape import moveaxis
from neurona.ops.windows import (
    Pads,
    adaptive_output_shape,
    data_format_or_default,
    pads_for,
    per_axis,
    pool_output_shape,
)
from neurona.symbolic import Shape
from neurona.tensor import Tensor, TensorLike, as_tensor

__all__ = ["adaptive_average_pool", "adaptive_max_pool", "average_pool", "max_pool"]

Numbers = int | Sequence[int]
Ints = tuple[int, ...]


def _rank(name: str, inputs: Shape) -> int:
    if not 3 <= len(inputs) <= 5:
        raise ShapeError(
            f"{name} expected inputs of 3, 4 or 5 axes: batch, one to three of space, channels. "
            f"Received: shape {tuple(inputs)}."
        )
    return len(inputs) - 2


def _read(
    name: str, inputs: Shape, pool_size: Numbers, strides: Numbers | None, padding: str
) -> tuple[Ints, Ints, str]:
    """Window, strides and padding; a tuple of one number stands for all axes, as in Keras."""
    rank = _rank(name, inputs)
    if not isinstance(padding, str) or padding.lower() not in ("valid", "same"):
        raise ArgumentError(f"The `padding` argument must be either 'valid' or 'same'. Received: padding={padding!r}.")
    size = per_axis(_alone(pool_size), rank, "pool_size")
    return size, size if strides is None else per_axis(_alone(strides), rank, "strides"), padding.lower()


def _alone(numbers: Numbers) -> Numbers:
    return numbers[0] if isinstance(numbers, (list, tuple)) and len(numbers) == 1 else numbers


def _pool_shape(
    inputs: Shape,
    pool_size: Numbers,
    strides: Numbers | None = None,
    padding: str = "valid",
    data_format: str | None = None,
) -> Shape:
    size, steps, padding = _read("pooling", inputs, pool_size, strides, padding)
    return pool_output_shape(inputs, size, steps, padding, data_format)


def _prepared(
    name: str, inputs: TensorLike, pool_size: Numbers, strides: Numbers | None, padding: str, data_format: str | None
) -> tuple[Any, Ints, Ints, Pads, bool]:
    """The inputs with channels last, the window, strides and pads, and whether the channels came first."""
    x = as_tensor(inputs)
    size, steps, padding = _read(name, x.shape, pool_size, strides, padding)
    first = data_format_or_default(data_format) == "channels_first"
    pool_output_shape(x.shape, size, steps, padding, data_format)  # a window that does not fit is told here
    space = x.shape[2:] if first else x.shape[1:-1]
    return moveaxis(x, 1, -1) if first else x, size, steps, pads_for(padding, space, size, steps), first


def _as_asked(y: Any, first: bool) -> Tensor:
    """The result with its channels where the caller has them."""
    result: Tensor = moveaxis(y, -1, 1) if first else y
    return result


POOLS = [
    Case("N H W C", pool_size=2, sizes={"H": 2, "W": 2}),
    Case("N H W C", pool_size=(3, 2), strides=2, padding="same", sizes={"H": 1, "W": 1}),
    Case("N C H W", pool_size=3, strides=(1, 2), data_format="channels_first", sizes={"H": 3, "W": 3}),
    Case("N T C", pool_size=2, padding="same", sizes={"T": 1}),
    Case("N 3 2 T C", pool_size=(2, 1, 2), strides=1, sizes={"T": 2}),
]
REFUSED = [
    Failure("2 5 5 3", 6, match="output size would be zero or negative"),
    Failure("2 5", 2, match="expected inputs of 3, 4 or 5 axes"),
    Failure("2 5 5 3", 2, padding="causal", match="either 'valid' or 'same'"),
    Failure("2 5 5 3", 0, match="an int of at least 1"),
    Failure("2 5 5 3", (2, 2, 2), match="a tuple of 2 of them. Received: pool_size=(2, 2, 2)"),
    Failure("2 5 5 3", 2, data_format="channel_last", match="Did you mean 'channels_last'?"),
]


@foretold(_pool_shape, 1, cases=POOLS, errors=REFUSED)
def max_pool(
    inputs: TensorLike,
    pool_size: Numbers,
    strides: Numbers | None = None,
    padding: str = "valid",
    data_format: str | None = None,
) -> Tensor:
    """The largest number of every window, in each channel.

    y[n, i, j, c] = max over a, b of x[n, s i + a, s j + b, c]

    Args:
        inputs: shape (N, *space, C), or (N, C, *space) with channels first.
        pool_size: the window's lengths; an int, or one for each axis.
        strides: s, how far windows are apart; `pool_size` unless told.
        padding: "valid" (none) or "same" (as many windows as places, at strides 1).
        data_format: "channels_last" or "channels_first"; `config.image_data_format()` unless told.

    Returns:
        shape (N, *out, C), or (N, C, *out). Of equal largest numbers the first takes the gradient.

    Raises:
        ShapeError: a window larger than the inputs.
        ArgumentError: an impossible setting.

    >>> max_pool([[[1.0], [3.0], [2.0], [0.0]]], 2)[0, :, 0]
    Tensor([3., 2.], dtype=float32)

    Source: Goodfellow, Bengio & Courville, "Deep Learning" (2016), section 9.3.
    """
    x, size, steps, pads, first = _prepared("max_pool", inputs, pool_size, strides, padding, data_format)
    y: Any = max_pool_places(x, size=size, strides=steps, pads=pads)[0]
    return _as_asked(y, first)


@foretold(_pool_shape, 1, cases=POOLS, errors=REFUSED)
def average_pool(
    inputs: TensorLike,
    pool_size: Numbers,
    strides: Numbers | None = None,
    padding: str = "valid",
    data_format: str | None = None,
) -> Tensor:
    """The mean of every window, in each channel; what "same" pads is not counted.

    y[n, i, j, c] = mean over a, b of x[n, s i + a, s j + b, c]

    Args:
        inputs: shape (N, *space, C), or (N, C, *space) with channels first.
        pool_size: the window's lengths; an int, or one for each axis.
        strides: s, how far windows are apart; `pool_size` unless told.
        padding, data_format: as in `max_pool`.

    Returns:
        shape (N, *out, C), or (N, C, *out).

    Raises:
        ShapeError: a window larger than the inputs.
        ArgumentError: an impossible setting.

    >>> average_pool([[[1.0], [3.0], [2.0]]], 2, padding="same")[0, :, 0]
    Tensor([2., 2.], dtype=float32)

    Source: LeCun, Bottou, Bengio & Haffner, "Gradient-based learning applied to document recognition" (1998).
    """
    x, size, steps, pads, first = _prepared("average_pool", inputs, pool_size, strides, padding, data_format)
    y: Any = average_pool_raw(x, size=size, strides=steps, pads=pads)
    return _as_asked(y, first)


# -- adaptive --------------------------------------------------------------------------------------------------------


def _adaptive_shape(inputs: Shape, output_size: Numbers, data_format: str | None = None) -> Shape:
    size = per_axis(output_size, _rank("adaptive pooling", inputs), "output_size")
    return adaptive_output_shape(inputs, size, data_format)


ADAPTIVE = [
    Case("N H W C", output_size=2, sizes={"H": 1, "W": 1}),
    Case("N C H W", output_size=(3, 2), data_format="channels_first", sizes={"H": 1, "W": 1}),
    Case("N T C", output_size=3, sizes={"T": 1}),
    Case("N 3 2 T C", output_size=(2, 1, 2), sizes={"T": 1}),
]
NOT_ADAPTIVE = [
    Failure("2 5", 2, match="expected inputs of 3, 4 or 5 axes"),
    Failure("2 5 5 3", 0, match="Received: output_size=0"),
    Failure("2 5 5 3", (2, 2, 2), match="a tuple of 2 of them"),
]


def _prepared_adaptive(
    name: str, inputs: TensorLike, output_size: Numbers, data_format: str | None
) -> tuple[Any, Ints, Ints | None, bool]:
    """The inputs with channels last, the result's size, the windows where all are equal, whether channels came first."""
    x = as_tensor(inputs)
    size = per_axis(output_size, _rank(name, x.shape), "output_size")
    first = data_format_or_default(data_format) == "channels_first"
    x = moveaxis(x, 1, -1) if first else x
    space = x.shape[1:-1]
    even = all(n > 0 and n % m == 0 for n, m in zip(space, size, strict=True))
    return x, size, tuple(n // m for n, m in zip(space, size, strict=True)) if even else None, first


@foretold(_adaptive_shape, 1, cases=ADAPTIVE, errors=NOT_ADAPTIVE)
def adaptive_max_pool(inputs: TensorLike, output_size: Numbers, data_format: str | None = None) -> Tensor:
    """The largest number of every window, with windows laid so that the result has a given size.

    Along an axis of length n and for m results, window i reaches from floor(i n / m) up to ceil((i + 1) n / m).

    Args:
        inputs: shape (N, *space, C), or (N, C, *space) with channels first.
        output_size: m; an int, or one for each axis.
        data_format: "channels_last" or "channels_first"; `config.image_data_format()` unless told.

    Returns:
        shape (N, *output_size, C), or (N, C, *output_size).

    Raises:
        ShapeError: inputs without space.
        ArgumentError: an impossible size.

    >>> adaptive_max_pool([[[1.0], [4.0], [3.0], [2.0], [0.0]]], 2)[0, :, 0]
    Tensor([4., 3.], dtype=float32)
    """
    x, size, window, first = _prepared_adaptive("adaptive_max_pool", inputs, output_size, data_format)
    if window is None:
        y: Any = adaptive_max(x, output_size=size)
    else:
        y = max_pool_places(x, size=window, strides=window, pads=((0, 0),) * len(size))[0]
    return _as_asked(y, first)


@foretold(_adaptive_shape, 1, cases=ADAPTIVE, errors=NOT_ADAPTIVE)
def adaptive_average_pool(inputs: TensorLike, output_size: Numbers, data_format: str | None = None) -> Tensor:
    """The mean of every window, with windows laid so that the result has a given size.

    Along an axis of length n and for m results, window i reaches from floor(i n / m) up to ceil((i + 1) n / m).

    Args:
        inputs: shape (N, *space, C), or (N, C, *space) with channels first.
        output_size: m; an int, or one for each axis.
        data_format: "channels_last" or "channels_first"; `config.image_data_format()` unless told.

    Returns:
        shape (N, *output_size, C), or (N, C, *output_size).

    Raises:
        ShapeError: inputs without space.
        ArgumentError: an impossible size.

    >>> adaptive_average_pool([[[1.0], [4.0], [4.0], [2.0], [0.0]]], 2)[0, :, 0]
    Tensor([3., 2.], dtype=float32)
    """
    x, size, window, first = _prepared_adaptive("adaptive_average_pool", inputs, output_size, data_format)
    if window is None:
        y: Any = adaptive_average(x, output_size=size)
    else:
        y = average_pool_raw(x, size=window, strides=window, pads=((0, 0),) * len(size))
    return _as_asked(y, first)
