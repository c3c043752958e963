"""`tf.nn`: activations, losses on logits, convolutions and pooling, with TensorFlow's arguments.

>>> sigmoid_cross_entropy_with_logits(labels=[1.0], logits=[0.0]).tolist()
[0.6931471824645996]
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from neurona import ops, random
from neurona.errors import ArgumentError
from neurona.programs.tf.arrays import Result
from neurona.tensor import TensorLike, as_array

__all__ = [
    "avg_pool",
    "avg_pool2d",
    "batch_normalization",
    "bias_add",
    "compute_average_loss",
    "conv1d",
    "conv2d",
    "conv2d_transpose",
    "depth_to_space",
    "depthwise_conv2d",
    "dropout",
    "embedding_lookup",
    "gelu",
    "l2_loss",
    "leaky_relu",
    "log_softmax",
    "max_pool",
    "max_pool2d",
    "moments",
    "sigmoid_cross_entropy_with_logits",
    "softmax_cross_entropy_with_logits",
    "space_to_depth",
    "sparse_softmax_cross_entropy_with_logits",
    "weighted_cross_entropy_with_logits",
    "zero_fraction",
]


def leaky_relu(features: TensorLike, alpha: float = 0.2, name: str | None = None) -> Result:
    """max(x, alpha x)."""
    return ops.leaky_relu(features, negative_slope=alpha)


def gelu(features: TensorLike, approximate: bool = False, name: str | None = None) -> Result:
    """x times the share of a normal distribution that lies below it."""
    return ops.gelu(features, approximate=approximate)


def log_softmax(logits: TensorLike, axis: int | None = None, name: str | None = None) -> Result:
    """The logarithms of `softmax`."""
    return ops.log_softmax(logits, axis=-1 if axis is None else axis)


def dropout(
    x: TensorLike, rate: float, noise_shape: Any = None, seed: int | None = None, name: str | None = None
) -> Result:
    """A share of the numbers set to zero, the others made larger."""
    return random.dropout(x, rate, noise_shape=noise_shape)


def sigmoid_cross_entropy_with_logits(labels: TensorLike, logits: TensorLike, name: str | None = None) -> Result:
    """-labels log sigmoid(logits) - (1 - labels) log sigmoid(-logits), place by place."""
    return ops.subtract(ops.softplus(logits), ops.multiply(logits, labels))


def weighted_cross_entropy_with_logits(
    labels: TensorLike, logits: TensorLike, pos_weight: TensorLike, name: str | None = None
) -> Result:
    """As `sigmoid_cross_entropy_with_logits`, the first term `pos_weight` times.

    >>> weighted_cross_entropy_with_logits([1.0, 0.0], [0.0, 0.0], 2.0).tolist()
    [1.3862943649291992, 0.6931471824645996]
    """
    missed = ops.multiply(ops.multiply(labels, pos_weight), ops.softplus(ops.negative(logits)))
    return ops.add(missed, ops.multiply(ops.subtract(1.0, labels), ops.softplus(logits)))


def compute_average_loss(
    per_example_loss: TensorLike, sample_weight: Any = None, global_batch_size: Any = None
) -> Result:
    """The sum of the examples' losses, divided by how many a batch has."""
    losses = ops.convert_to_tensor(per_example_loss)
    weighed = losses if sample_weight is None else ops.multiply(losses, sample_weight)
    return ops.divide(ops.sum(weighed), losses.shape[0] if global_batch_size is None else global_batch_size)


def zero_fraction(value: TensorLike, name: str | None = None) -> Result:
    """The share of numbers that are zero."""
    return ops.mean(ops.cast(ops.equal(value, 0), "float32"))


def softmax_cross_entropy_with_logits(
    labels: TensorLike, logits: TensorLike, axis: int = -1, name: str | None = None
) -> Result:
    """-Σ labels log softmax(logits)."""
    return ops.negative(ops.sum(ops.multiply(labels, ops.log_softmax(logits, axis=axis)), axis=axis))


def sparse_softmax_cross_entropy_with_logits(labels: TensorLike, logits: TensorLike, name: str | None = None) -> Result:
    """-log softmax(logits) of the right class."""
    return ops.sparse_categorical_crossentropy(labels, logits, from_logits=True)


def moments(x: TensorLike, axes: Any, shift: Any = None, keepdims: bool = False, name: str | None = None) -> Any:
    """Mean and variance over these axes."""
    return ops.moments(x, [axes] if isinstance(axes, int) else list(axes), keepdims=keepdims)


def batch_normalization(
    x: TensorLike, mean: TensorLike, variance: TensorLike, offset: Any, scale: Any, variance_epsilon: float,
    name: str | None = None,
) -> Result:  # fmt: skip
    """scale (x - mean) / sqrt(variance + epsilon) + offset."""
    factor = ops.rsqrt(ops.add(variance, variance_epsilon))
    factor = factor if scale is None else ops.multiply(factor, scale)
    moved = ops.multiply(ops.subtract(x, mean), factor)
    return moved if offset is None else ops.add(moved, offset)


def l2_loss(t: TensorLike, name: str | None = None) -> Result:
    """Half the sum of the squares."""
    return ops.multiply(ops.sum(ops.square(t)), 0.5)


def bias_add(value: TensorLike, bias: TensorLike, data_format: str | None = None, name: str | None = None) -> Result:
    """A number added to each channel."""
    if data_format is not None and data_format.startswith("NC"):
        bias = ops.reshape(bias, (-1, *[1] * (len(value.shape) - 2)))
    return ops.add(value, bias)


def embedding_lookup(params: TensorLike, ids: TensorLike, max_norm: Any = None, name: str | None = None) -> Result:
    """The rows of these ids."""
    return ops.take(params, ids, axis=0)


def _pair(numbers: Any) -> int | tuple[int, ...]:
    """Strides or sizes of the spatial axes, of a number, of these alone or of (1, H, W, 1)."""
    if isinstance(numbers, int):
        return numbers
    found = tuple(int(n) for n in numbers)
    return found[1:-1] if len(found) == 4 else found[0] if len(found) == 1 else found


def _format(data_format: str | None) -> str | None:
    return "channels_first" if data_format is not None and data_format.startswith("NC") else "channels_last"


def _padding(padding: Any) -> str:
    if not isinstance(padding, str):
        raise ArgumentError(f"Expected padding 'SAME' or 'VALID'. Received: padding={padding!r}.")
    return padding.lower()


def conv2d(
    input: TensorLike, filters: TensorLike, strides: Any, padding: Any, data_format: str = "NHWC",
    dilations: Any = None, name: str | None = None,
) -> Result:  # fmt: skip
    """A convolution in two dimensions."""
    return ops.conv(
        input, filters, strides=_pair(strides), padding=_padding(padding), data_format=_format(data_format),
        dilation_rate=_pair(dilations or 1),
    )  # fmt: skip


def conv1d(
    input: TensorLike, filters: TensorLike, stride: Any, padding: Any, data_format: str = "NWC", dilations: Any = None,
    name: str | None = None,
) -> Result:  # fmt: skip
    """A convolution in one dimension."""
    return ops.conv(
        input, filters, strides=stride, padding=_padding(padding), data_format=_format(data_format),
        dilation_rate=dilations or 1,
    )  # fmt: skip


def depthwise_conv2d(
    input: TensorLike, filter: TensorLike, strides: Any, padding: Any, data_format: str | None = None,
    dilations: Any = None, name: str | None = None,
) -> Result:  # fmt: skip
    """A convolution of each channel by itself."""
    return ops.depthwise_conv(
        input, filter, strides=_pair(strides), padding=_padding(padding), data_format=_format(data_format),
        dilation_rate=_pair(dilations or 1),
    )  # fmt: skip


def conv2d_transpose(
    input: TensorLike, filters: TensorLike, output_shape: Any, strides: Any, padding: Any = "SAME",
    data_format: str = "NHWC", dilations: Any = None, name: str | None = None,
) -> Result:  # fmt: skip
    """The transposed convolution.

    Raises:
        ArgumentError: `output_shape` is not the usual one for these strides.
    """
    made = ops.conv_transpose(
        input, filters, strides=_pair(strides), padding=_padding(padding), data_format=_format(data_format)
    )
    wanted = tuple(int(n) for n in as_array(output_shape))
    if made.shape != wanted:
        raise ArgumentError(f"conv2d_transpose gives shape {made.shape} here. Received: output_shape={wanted}.")
    return made


def depth_to_space(input: TensorLike, block_size: int, data_format: str = "NHWC", name: str | None = None) -> Result:
    """Channels laid out as blocks of points: (N, H, W, b b C) -> (N, b H, b W, C)."""
    b, (height, width, channels) = block_size, input.shape[1:]
    parts = ops.reshape(input, (-1, height, width, b, b, channels // b**2))
    return ops.reshape(ops.transpose(parts, (0, 1, 3, 2, 4, 5)), (-1, b * height, b * width, channels // b**2))


def space_to_depth(input: TensorLike, block_size: int, data_format: str = "NHWC", name: str | None = None) -> Result:
    """Blocks of points as channels: (N, b H, b W, C) -> (N, H, W, b b C)."""
    b, (height, width, channels) = block_size, input.shape[1:]
    parts = ops.reshape(input, (-1, height // b, b, width // b, b, channels))
    return ops.reshape(ops.transpose(parts, (0, 1, 3, 2, 4, 5)), (-1, height // b, width // b, channels * b**2))


def _pool(op: Callable[..., Any]) -> Callable[..., Result]:
    def pool(
        input: TensorLike, ksize: Any, strides: Any, padding: Any, data_format: str = "NHWC", name: Any = None
    ) -> Result:
        return op(input, _pair(ksize), _pair(strides), _padding(padding), _format(data_format))

    pool.__doc__ = f"`ops.{op.__name__}` with TensorFlow's arguments."
    return pool


max_pool = max_pool2d = _pool(ops.max_pool)
avg_pool = avg_pool2d = _pool(ops.average_pool)
