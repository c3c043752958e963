"""Normalisations and attention; and, under one roof with them, the activations, convolutions, poolings and
crossentropies of `keras.ops.nn`.

A normalisation brings numbers to mean 0 and variance 1 (or length 1) along some axes. Its gradient is
written out, because the mean and the variance depend on every number of the line.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from neurona import config
from neurona.cases import A, Case, Failure
from neurona.errors import ArgumentError, ShapeError
from neurona.ops import activation, convolutions, pool, probabilities
from neurona.ops.activation import *  # noqa: F403
from neurona.ops.convolutions import *  # noqa: F403
from neurona.ops.elementwise import add, cast, multiply, subtract
from neurona.ops.functions import rsqrt
from neurona.ops.fused.attention import scaled_attention
from neurona.ops.pool import *  # noqa: F403
from neurona.ops.probabilities import *  # noqa: F403
from neurona.ops.shape import reshape
from neurona.tape import common_dtype, composed, op
from neurona.tensor import Array, Tensor, TensorLike, as_tensor
from neurona.warn import warn_caller

__all__ = [
    *activation.__all__,
    *convolutions.__all__,
    *pool.__all__,
    *probabilities.__all__,
    "batch_normalization",
    "dot_product_attention",
    "layer_normalization",
    "moments",
    "normalize",
    "psnr",
    "rms_normalization",
]

Axes = int | Sequence[int] | None


def _axes(name: str, x: Array, axis: Axes) -> tuple[int, ...]:
    """The axes as rising numbers from 0 on."""
    given = range(x.ndim) if axis is None else (axis,) if isinstance(axis, int) else tuple(axis)
    if any(not -x.ndim <= i < x.ndim for i in given):
        raise ShapeError(f"{name} expected axes of x. Received: axes {axis}, shape {x.shape}.")
    return tuple(sorted({i % x.ndim for i in given}))


def _wide(x: Array) -> Array:
    """Half precision as float32: its range is too small for squares."""
    return x.astype("float32") if x.dtype == np.float16 else x


def _count(x: Array, axes: tuple[int, ...]) -> int:
    return max(1, int(np.prod([x.shape[i] for i in axes])))


# -- moments --------------------------------------------------------------------------------


@op(
    cases=[
        Case("N C", axes=[0], sizes={"N": 1}),
        Case("N T C", axes=(0, 2), keepdims=True, sizes={"N": 1, "C": 1}),
        Case("N C", axes=-1, sizes={"C": 1}),
    ],
    errors=[Failure("2 3", axes=[2], match="moments expected axes of x")],
    promote="float",
)
def moments(x: Array, axes: Axes, keepdims: bool = False, synchronized: bool = False) -> tuple[Array, Array]:
    """Mean and variance along axes: m = mean(x), v = mean((x - m)^2).

    Args:
        x: any shape.
        axes: the axes to average over.
        keepdims: keep them with length 1.
        synchronized: accepted for Keras's sake; there is one device.

    Returns:
        (mean, variance).

    Raises:
        ShapeError: x has no such axis.

    >>> moments([1.0, 3.0], axes=[0])
    (Tensor(2., dtype=float32), Tensor(1., dtype=float32))
    """
    places = _axes("moments", x, axes)
    wide = _wide(x)
    mean = wide.mean(axis=places, keepdims=True)
    variance = np.square(wide - mean).mean(axis=places, keepdims=True)
    if wide is not x:
        largest = np.finfo("float16").max
        mean, variance = (np.clip(part, -largest, largest).astype("float16") for part in (mean, variance))
    if keepdims:
        return mean, variance
    return np.asarray(mean.squeeze(places)), np.asarray(variance.squeeze(places))


@moments.gradient
def _(
    g: tuple[Array | None, Array | None],
    y: tuple[Array, Array],
    x: Array,
    axes: Axes,
    keepdims: bool = False,
    synchronized: bool = False,
) -> Array:
    places = _axes("moments", x, axes)
    n = _count(x, places)
    g_mean, g_var = (None if part is None or keepdims else np.expand_dims(part, places) for part in g)
    if keepdims:
        g_mean, g_var = g
    dx = np.zeros_like(x)
    if g_mean is not None:
        dx = dx + g_mean / n
    if g_var is not None:
        dx = dx + g_var * (2 / n) * (x - x.mean(axis=places, keepdims=True))
    return np.asarray(dx)


# -- normalisations --------------------------------------------------------------------------------


@op(
    cases=[Case("N C", axes=(1,), epsilon=1e-3), Case("N T C", axes=(0, 2), epsilon=0.1)],
    errors=[Failure("2 3", axes=(2,), epsilon=1e-3, match="layer_normalization expected axes of x")],
    promote="float",
)
def _standardize(x: Array, axes: Axes, epsilon: float) -> Array:
    """(x - mean) / sqrt(variance + epsilon) along axes."""
    places = _axes("layer_normalization", x, axes)
    wide = _wide(x)
    n = _count(x, places)
    centred = wide - wide.sum(axis=places, keepdims=True) / n
    variance = np.square(centred).sum(axis=places, keepdims=True) / n
    return np.asarray(centred / np.sqrt(variance + epsilon), x.dtype)


@_standardize.gradient
def _(g: Array, y: Array, x: Array, axes: Axes, epsilon: float) -> Array:
    places = _axes("layer_normalization", x, axes)
    n = _count(x, places)
    wide, g, y = _wide(x), _wide(g), _wide(y)
    centred = wide - wide.sum(axis=places, keepdims=True) / n
    deviation = np.sqrt(np.square(centred).sum(axis=places, keepdims=True) / n + epsilon)
    mean_g = g.sum(axis=places, keepdims=True) / n
    mean_gy = (g * y).sum(axis=places, keepdims=True) / n
    return np.asarray((g - mean_g - y * mean_gy) / deviation)


def _aligned(weights: TensorLike, shape: tuple[int, ...], axes: tuple[int, ...]) -> TensorLike:
    """Weights of the normalised axes, shaped so that they broadcast against x."""
    weights = as_tensor(weights)
    if weights.ndim == len(shape) or axes == (len(shape) - 1,):
        return weights
    return reshape(weights, tuple(n if i in axes else 1 for i, n in enumerate(shape)))


@composed(
    cases=[
        Case("N C", "C", "C"),
        Case("N C", "C", None, epsilon=0.01),
        Case("N C"),
        Case("N A C", "A C", "A C", axis=(1, 2)),
        Case("N A C", "A", "A", axis=1),
    ],
    errors=[Failure("2 3", axis=2, match="layer_normalization expected axes of x")],
)
def layer_normalization(
    x: TensorLike,
    gamma: TensorLike | None = None,
    beta: TensorLike | None = None,
    axis: Axes = -1,
    epsilon: float | None = None,
    **kwargs: Any,
) -> Tensor:
    """Bring each line along `axis` to mean 0 and variance 1, then stretch and shift it.

    y = gamma (x - mean) / sqrt(variance + epsilon) + beta

    Args:
        x: any shape.
        gamma, beta: the shape of the normalised axes; ``None`` for 1 and 0.
        axis: the axis or axes to normalise along.
        epsilon: keeps the division finite, `config.epsilon` unless told.
        kwargs: ``rms_scaling=True`` is an outdated way to divide by the deviation without subtracting the
            mean.

    Raises:
        ShapeError: x has no such axis.

    >>> layer_normalization([[1.0, 3.0]], epsilon=0.0)
    Tensor([[-1.,  1.]], dtype=float32)

    Source: Ba, Kiros & Hinton, "Layer normalization" (2016).
    """
    x = as_tensor(x)
    small = config.epsilon() if epsilon is None else epsilon
    axes = _axes("layer_normalization", x.data, axis)
    if kwargs.get("rms_scaling"):
        warn_caller("rms_scaling=True is outdated; use rms_normalization instead.")
        y = multiply(x, rsqrt(add(moments(x, axes=axes, keepdims=True)[1], small)))
    else:
        y = _standardize(x, axes=axes, epsilon=small)
    dtype = y.dtype
    if gamma is not None:
        y = multiply(y, _aligned(gamma, x.shape, axes))
    if beta is not None and not kwargs.get("rms_scaling"):
        y = add(y, _aligned(beta, x.shape, axes))
    return y if y.dtype == dtype else cast(y, dtype)  # type: ignore[no-any-return]


@op(
    cases=[Case("N C", axes=(1,), epsilon=1e-3), Case("N T C", axes=(0, 2), epsilon=0.1)],
    errors=[Failure("2 3", axes=(2,), epsilon=1e-3, match="rms_normalization expected axes of x")],
    promote="float",
)
def _rms_scale(x: Array, axes: Axes, epsilon: float) -> Array:
    """x / sqrt(mean(x^2) + epsilon) along axes."""
    places = _axes("rms_normalization", x, axes)
    wide = _wide(x)
    mean = np.square(wide).sum(axis=places, keepdims=True) / _count(x, places)
    return np.asarray(wide / np.sqrt(mean + epsilon), x.dtype)


@_rms_scale.gradient
def _(g: Array, y: Array, x: Array, axes: Axes, epsilon: float) -> Array:
    places = _axes("rms_normalization", x, axes)
    n = _count(x, places)
    wide, g, y = _wide(x), _wide(g), _wide(y)
    rms = np.sqrt(np.square(wide).sum(axis=places, keepdims=True) / n + epsilon)
    return np.asarray((g - y * (g * y).sum(axis=places, keepdims=True) / n) / rms)


@composed(
    cases=[Case("N C", "C"), Case("N C", epsilon=0.01), Case("N A C", "A C", axis=(1, 2))],
    errors=[Failure("2 3", axis=2, match="rms_normalization expected axes of x")],
)
def rms_normalization(
    x: TensorLike, scale: TensorLike | None = None, axis: Axes = -1, epsilon: float | None = None
) -> Tensor:
    """Divide each line along `axis` by the root of its mean square, then stretch it.

    y = scale x / sqrt(mean(x^2) + epsilon)

    Args:
        x: any shape.
        scale: broadcasts against x; ``None`` for 1.
        axis: the axis or axes to normalise along.
        epsilon: keeps the division finite, `config.epsilon` unless told.

    Raises:
        ShapeError: x has no such axis.

    >>> rms_normalization([[1.0, 7.0]], epsilon=0.0)
    Tensor([[0.2, 1.4]], dtype=float32)

    Source: Zhang & Sennrich, "Root mean square layer normalization" (NeurIPS 2019).
    """
    x = as_tensor(x)
    if not x.ndim:
        x = reshape(x, (1,))
    y = _rms_scale(
        x,
        axes=_axes("rms_normalization", x.data, axis),
        epsilon=config.epsilon() if epsilon is None else epsilon,
    )
    if scale is None:
        return y  # type: ignore[no-any-return]
    scaled = multiply(y, scale)
    return scaled if scaled.dtype == y.dtype else cast(scaled, y.dtype)  # type: ignore[no-any-return]


@composed(
    cases=[
        Case("N C", "C", A("C", 0.5, 2.0), axis=-1),
        Case("N C", "C", A("C", 0.5, 2.0), axis=-1, epsilon=0.1),
        Case("N C T", "C", A("C", 0.5, 2.0), 1, "C", "C"),
    ],
    errors=[Failure("2 3", "4", "4", axis=-1, match="mean of shape (3,)")],
)
def batch_normalization(
    x: TensorLike,
    mean: TensorLike,
    variance: TensorLike,
    axis: int,
    offset: TensorLike | None = None,
    scale: TensorLike | None = None,
    epsilon: float = 1e-3,
) -> Tensor:
    """Normalise with a given mean and variance for each channel.

    y = scale (x - mean) / sqrt(variance + epsilon) + offset

    Args:
        x: any shape.
        mean, variance, offset, scale: one number for each channel, shape (C,).
        axis: the axis of the channels.
        epsilon: keeps the division finite.

    Raises:
        ShapeError: `mean` does not have the channels' shape.

    >>> batch_normalization([[1.0], [3.0]], mean=[2.0], variance=[1.0], axis=-1, epsilon=0.0)
    Tensor([[-1.],
            [ 1.]], dtype=float32)

    Source: Ioffe & Szegedy, "Batch normalization" (ICML 2015).
    """
    x, mean = as_tensor(x), as_tensor(mean)
    channel = _axes("batch_normalization", x.data, axis)
    if mean.shape != (x.shape[channel[0]],):
        raise ShapeError(
            f"batch_normalization expected a mean of shape ({x.shape[channel[0]]},) for axis {axis} of shape "
            f"{x.shape}. Received: shape {mean.shape}."
        )
    for name, given in (("variance", variance), ("offset", offset), ("scale", scale)):
        if given is not None and np.shape(given) != mean.shape:
            raise ShapeError(
                f"`{name}` must be a vector of length `x.shape[axis]`, {mean.shape[0]}. Received: shape {np.shape(given)}."
            )
    factor = rsqrt(add(_aligned(variance, x.shape, channel), epsilon))
    if scale is not None:
        factor = multiply(factor, _aligned(scale, x.shape, channel))
    shift = multiply(_aligned(mean, x.shape, channel), factor)
    if offset is not None:
        shift = subtract(shift, _aligned(offset, x.shape, channel))
    return subtract(multiply(x, factor), shift)  # type: ignore[no-any-return]


@op(
    cases=[
        Case("N C"),
        Case("N C", axis=0, order=1),
        Case("N C", order=3),
        Case("N T C", axis=(1, 2)),
        Case(""),
    ],
    errors=[
        Failure("2 3", order=0, match="must be an int >= 1. Received: order=0"),
        Failure("2 3", axis=2, match="normalize expected axes of x"),
    ],
    promote="float",
)
def normalize(x: Array, axis: Axes = -1, order: int = 2, epsilon: float | None = None) -> Array:
    """Divide each line along `axis` by its length: y = x / max(norm(x), epsilon).

    Args:
        x: any shape.
        axis: the axis or axes of the lines.
        order: which norm; 2 for the Euclidean one, 1 for the sum of sizes.
        epsilon: the least divisor, `config.epsilon` unless told.

    Raises:
        ArgumentError: another order.
        ShapeError: x has no such axis.

    >>> normalize([[3.0, 4.0]])
    Tensor([[0.6, 0.8]], dtype=float32)
    """
    lines, _, length = _length(x, axis, order, epsilon)
    return np.asarray(lines / length)


def _length(x: Array, axis: Axes, order: int, epsilon: float | None) -> tuple[Array, tuple[int, ...], Array]:
    if not isinstance(order, int) or order < 1:
        raise ArgumentError(f"Argument `order` must be an int >= 1. Received: order={order}")
    lines = x.reshape(1) if not x.ndim else x
    places = _axes("normalize", lines, axis)
    power = np.square(lines) if order == 2 else np.abs(lines) ** order
    total = power.sum(axis=places, keepdims=True)
    norm = np.sqrt(total) if order == 2 else total ** (1 / order)
    return lines, places, np.asarray(np.maximum(norm, config.epsilon() if epsilon is None else epsilon))


@normalize.gradient
def _(g: Array, y: Array, x: Array, axis: Axes = -1, order: int = 2, epsilon: float | None = None) -> Array:
    lines, places, length = _length(x, axis, order, epsilon)
    least = config.epsilon() if epsilon is None else epsilon
    along = (g * y).sum(axis=places, keepdims=True) * (length > least)
    slope = np.sign(lines) * np.abs(y) ** (order - 1)  # how the norm grows with each number
    return np.asarray((g - along * slope) / length).reshape(x.shape)


@op(
    cases=[Case("N C", "N C", max_val=2.0, sizes={"N": 1, "C": 1})],
    errors=[Failure("2 3", "2 4", max_val=1.0, match="psnr expected equal shapes")],
    promote="binary float",
)
def psnr(x1: Array, x2: Array, max_val: float) -> Array:
    """Peak signal-to-noise ratio, in decibels: y = 20 log10(max_val) - 10 log10(mean((x1 - x2)^2)).

    Args:
        x1, x2: two pictures of equal shape.
        max_val: the largest value that a pixel can have.

    Raises:
        ShapeError: the shapes differ.

    >>> psnr([[0.0, 0.0]], [[0.1, 0.1]], max_val=1.0)
    Tensor(20., dtype=float32)
    """
    if x1.shape != x2.shape:
        raise ShapeError(f"psnr expected equal shapes. Received: {x1.shape} and {x2.shape}.")
    mse = np.square(x1 - x2).mean()
    return np.asarray(20 * np.log10(max_val) - 10 * np.log10(mse), x1.dtype)


@psnr.gradient
def _(g: Array, y: Array, x1: Array, x2: Array, max_val: float) -> tuple[Array, Array]:
    gap = x1 - x2
    dx = np.asarray(g * (-20 / np.log(10)) * gap / np.square(gap).sum(), x1.dtype)
    return dx, -dx


# -- attention --------------------------------------------------------------------------------


@composed(
    cases=[
        Case("B T N H", "B S N H", "B S N H", sizes={"S": 2, "H": 1}),
        Case("B T N H", "B T N H", "B T N H", is_causal=True, sizes={"T": 2, "H": 1}),
        Case("1 2 2 H", "1 3 2 H", "1 3 2 H", "1 2 2 3", A("1 2 2 3", kind="bool"), sizes={"H": 1}),
        Case("B T 4 H", "B S 2 H", "B S 2 H", scale=0.5, sizes={"S": 2, "H": 1}),
    ],
    errors=[
        Failure("2 3 4", "2 3 4", "2 3 4", match="only supports 4D inputs"),
        Failure("2 3 4 1", "2 3 4 1", "2 3 4 1", attn_logits_soft_cap=1.0, match="attn_logits_soft_cap=1.0"),
    ],
)
def dot_product_attention(
    query: TensorLike,
    key: TensorLike,
    value: TensorLike,
    bias: TensorLike | None = None,
    mask: TensorLike | None = None,
    scale: float | None = None,
    is_causal: bool = False,
    flash_attention: bool | None = None,
    attn_logits_soft_cap: float | None = None,
) -> Tensor:
    """Mix values by how well their keys fit each query: y = softmax(scale query key' + bias) value.

    Args:
        query: shape (B, T, N, H): batch, places, heads, numbers a head.
        key, value: shape (B, S, K, H); K is N, or a divisor of it whose heads are shared.
        bias: added to the logits, broadcast to (B, N, T, S).
        mask: booleans broadcast to (B, N, T, S); False hides a place.
        scale: 1 / sqrt(H) unless told.
        is_causal: hide from each place those that come later.
        flash_attention: accepted; the logits are never kept as a whole anyway.
        attn_logits_soft_cap: not available; leave ``None``.

    Returns:
        shape (B, T, N, H).

    Raises:
        ShapeError: the inputs do not have four axes.
        ArgumentError: an option that is not available.

    >>> dot_product_attention([[[[0.0]]]], [[[[1.0]], [[2.0]]]], [[[[3.0]], [[5.0]]]])
    Tensor([[[[4.]]]], dtype=float32)

    Source: Vaswani et al., "Attention is all you need" (NeurIPS 2017), section 3.2.
    """
    if attn_logits_soft_cap is not None:
        raise ArgumentError(f"dot_product_attention has no soft cap. Leave it None. Received: {attn_logits_soft_cap=}.")
    query, key, value = as_tensor(query), as_tensor(key), as_tensor(value)
    if not query.ndim == key.ndim == value.ndim == 4:
        raise ShapeError(
            "`dot_product_attention` only supports 4D inputs. "
            f"Received: query.shape={query.shape}, key.shape={key.shape}, value.shape={value.shape}."
        )
    kind = common_dtype(*(x.dtype.name for x in (query, key, value)))
    kind = kind if np.dtype(kind).kind == "f" else config.floatx()
    query, key, value = (x if x.dtype == kind else cast(x, kind) for x in (query, key, value))
    factor = max(key.shape[-1], 1) ** -0.5 if scale is None else scale
    if mask is not None and as_tensor(mask).dtype != bool:
        mask = cast(mask, "bool")
    mixed: Tensor = scaled_attention(query, key, value, bias, mask, scale=float(factor), is_causal=bool(is_causal))
    return mixed
