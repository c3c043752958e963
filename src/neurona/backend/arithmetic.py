"""`K.mean`, `K.square` and their like: the functions with which older programs write losses, layers and samplings.

Most are ops of today under the same name; those below differ from today's in name, order or default.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from neurona import config, ops, random
from neurona.errors import ShapeError
from neurona.ops import (
    abs,
    all,
    any,
    arange,
    binary_crossentropy,
    cast,
    categorical_crossentropy,
    cos,
    dot,
    equal,
    exp,
    greater,
    greater_equal,
    less,
    less_equal,
    log,
    max,
    maximum,
    mean,
    min,
    minimum,
    ndim,
    not_equal,
    ones_like,
    prod,
    reshape,
    round,
    shape,
    sigmoid,
    sign,
    sin,
    softmax,
    softplus,
    softsign,
    sparse_categorical_crossentropy,
    sqrt,
    square,
    squeeze,
    stack,
    std,
    stop_gradient,
    sum,
    tanh,
    tile,
    transpose,
    var,
    zeros_like,
)
from neurona.symbolic import KerasTensor
from neurona.tensor import Tensor, TensorLike, as_array
from neurona.variable import Variable

__all__ = [
    "abs",
    "all",
    "any",
    "arange",
    "argmax",
    "argmin",
    "batch_dot",
    "batch_flatten",
    "batch_get_value",
    "batch_set_value",
    "bias_add",
    "binary_crossentropy",
    "cast",
    "cast_to_floatx",
    "categorical_crossentropy",
    "clip",
    "concatenate",
    "constant",
    "conv1d",
    "conv2d",
    "cos",
    "count_params",
    "cumprod",
    "cumsum",
    "dot",
    "dropout",
    "dtype",
    "elu",
    "equal",
    "eval",
    "exp",
    "expand_dims",
    "eye",
    "flatten",
    "gather",
    "get_value",
    "greater",
    "greater_equal",
    "hard_sigmoid",
    "in_top_k",
    "int_shape",
    "l2_normalize",
    "less",
    "less_equal",
    "log",
    "map_fn",
    "max",
    "maximum",
    "mean",
    "min",
    "minimum",
    "ndim",
    "not_equal",
    "one_hot",
    "ones",
    "ones_like",
    "permute_dimensions",
    "pool2d",
    "pow",
    "prod",
    "random_bernoulli",
    "random_normal",
    "random_normal_variable",
    "random_uniform",
    "random_uniform_variable",
    "relu",
    "repeat",
    "repeat_elements",
    "reshape",
    "resize_images",
    "reverse",
    "round",
    "set_value",
    "shape",
    "sigmoid",
    "sign",
    "sin",
    "softmax",
    "softplus",
    "softsign",
    "sparse_categorical_crossentropy",
    "spatial_2d_padding",
    "sqrt",
    "square",
    "squeeze",
    "stack",
    "std",
    "stop_gradient",
    "sum",
    "switch",
    "tanh",
    "temporal_padding",
    "tile",
    "transpose",
    "truncated_normal",
    "update",
    "update_add",
    "update_sub",
    "var",
    "variable",
    "zeros",
    "zeros_like",
]  # fmt: skip

Pair = tuple[int, int]

# -- values and variables ----------------------------------------------------------------------------------------


def variable(value: TensorLike, dtype: Any = None, name: str | None = None, constraint: Any = None) -> Variable:
    """A variable that starts with `value`.

    >>> variable([1.0, 2.0]).numpy().tolist()
    [1.0, 2.0]
    """
    return Variable(value, dtype=dtype or config.floatx(), name=name, constraint=constraint)


def constant(value: TensorLike, dtype: Any = None, shape: Sequence[int] | None = None, name: str | None = None) -> Any:
    """A tensor of `value`, repeated to fill `shape`."""
    made = Tensor(value, dtype or config.floatx())
    return made if shape is None else ops.broadcast_to(made, shape) if made.size == 1 else ops.reshape(made, shape)


def zeros(shape: Sequence[int], dtype: Any = None, name: str | None = None) -> Variable:
    """A variable of zeros."""
    return variable(np.zeros(shape), dtype, name)


def ones(shape: Sequence[int], dtype: Any = None, name: str | None = None) -> Variable:
    """A variable of ones."""
    return variable(np.ones(shape), dtype, name)


def eye(size: int, dtype: Any = None, name: str | None = None) -> Variable:
    """A variable with ones on its diagonal."""
    return variable(np.eye(size), dtype, name)


def get_value(x: TensorLike) -> Any:
    """The values as a NumPy array."""
    return x.numpy() if isinstance(x, Tensor) else x


eval = get_value


def set_value(x: Variable, value: TensorLike) -> None:
    """Give a variable another value."""
    x.assign(as_array(value, x.data.dtype))


def batch_get_value(tensors: Sequence[TensorLike]) -> list[Any]:
    """The values of several tensors."""
    return [get_value(tensor) for tensor in tensors]


def batch_set_value(tuples: Sequence[tuple[Variable, TensorLike]]) -> None:
    """Give several variables other values: ``(variable, value)`` of each."""
    for x, value in tuples:
        set_value(x, value)


def update(x: Variable, new_x: TensorLike) -> Variable:
    """Give a variable the value of a tensor."""
    return x.assign(new_x)


def update_add(x: Variable, increment: TensorLike) -> Variable:
    """Add to a variable."""
    return x.assign_add(increment)


def update_sub(x: Variable, decrement: TensorLike) -> Variable:
    """Subtract from a variable."""
    return x.assign_sub(decrement)


def cast_to_floatx(x: TensorLike) -> Any:
    """The same numbers as `floatx`: a tensor stays one, all else becomes an array."""
    return ops.cast(x, config.floatx()) if isinstance(x, Tensor | KerasTensor) else np.asarray(x, config.floatx())


def dtype(x: TensorLike) -> str:
    """The name of its type."""
    return ops.dtype(x)


def int_shape(x: TensorLike) -> tuple[int | None, ...]:
    """Its shape, as a tuple."""
    return tuple(ops.shape(x))


def count_params(x: TensorLike) -> int:
    """How many numbers it holds."""
    return math.prod(int_shape(x))  # type: ignore[arg-type]


# -- numbers by chance -------------------------------------------------------------------------------------------


def random_normal(
    shape: Sequence[int], mean: float = 0.0, stddev: float = 1.0, dtype: Any = None, seed: int | None = None
) -> Any:
    """Numbers from a normal distribution."""
    return random.normal(shape, mean, stddev, dtype, seed)


def random_uniform(
    shape: Sequence[int], minval: float = 0.0, maxval: float = 1.0, dtype: Any = None, seed: int | None = None
) -> Any:
    """Numbers from an interval, all as likely."""
    return random.uniform(shape, minval, maxval, dtype, seed)


def truncated_normal(
    shape: Sequence[int], mean: float = 0.0, stddev: float = 1.0, dtype: Any = None, seed: int | None = None
) -> Any:
    """Numbers from a normal distribution, none farther than two deviations from its mean."""
    return random.truncated_normal(shape, mean, stddev, dtype, seed)


def random_bernoulli(shape: Sequence[int], p: float = 0.0, dtype: Any = None, seed: int | None = None) -> Any:
    """Ones with probability `p`, else zeros."""
    return ops.cast(random.uniform(shape, seed=seed) <= p, dtype or config.floatx())


def random_normal_variable(
    shape: Sequence[int], mean: float, scale: float, dtype: Any = None, name: str | None = None, seed: int | None = None
) -> Variable:
    """A variable of numbers from a normal distribution."""
    return variable(random.normal(shape, mean, scale, seed=seed), dtype, name)


def random_uniform_variable(
    shape: Sequence[int], low: float, high: float, dtype: Any = None, name: str | None = None, seed: int | None = None
) -> Variable:
    """A variable of numbers from an interval."""
    return variable(random.uniform(shape, low, high, seed=seed), dtype, name)


def dropout(x: TensorLike, level: float, noise_shape: Any = None, seed: int | None = None) -> Any:
    """A share `level` of the numbers set to 0, the others scaled up."""
    return random.dropout(x, level, noise_shape, seed)


# -- arithmetic --------------------------------------------------------------------------------------------------


def argmax(x: TensorLike, axis: int = -1) -> Any:
    """The place of the largest number."""
    return ops.argmax(x, axis)


def argmin(x: TensorLike, axis: int = -1) -> Any:
    """The place of the smallest number."""
    return ops.argmin(x, axis)


def cumsum(x: TensorLike, axis: int = 0) -> Any:
    """Sums so far along an axis."""
    return ops.cumsum(x, axis)


def cumprod(x: TensorLike, axis: int = 0) -> Any:
    """Products so far along an axis."""
    return ops.cumprod(x, axis)


def clip(x: TensorLike, min_value: float | None, max_value: float | None) -> Any:
    """Numbers beyond the bounds put onto them.

    >>> clip([-2.0, 0.5, 3.0], 0, 1).numpy().tolist()
    [0.0, 0.5, 1.0]
    """
    low: Any = -np.inf if min_value is None else min_value
    high: Any = np.inf if max_value is None else max_value
    if isinstance(low, (int, float)) and isinstance(high, (int, float)):
        high = low if high < low else high  # `min` and `max` are those of tensors here
    return ops.clip(x, low, high)


def pow(x: TensorLike, a: TensorLike) -> Any:
    """x to the power a."""
    return ops.power(x, a)


def elu(x: TensorLike, alpha: float = 1.0) -> Any:
    """x, and alpha (e^x - 1) below 0."""
    return ops.elu(x, alpha)


def hard_sigmoid(x: TensorLike) -> Any:
    """0.2 x + 0.5 between 0 and 1, as it was before Keras 3 (today's has the slope 1/6)."""
    return ops.clip(0.2 * ops.convert_to_tensor(x) + 0.5, 0.0, 1.0)


def relu(x: TensorLike, alpha: float = 0.0, max_value: float | None = None, threshold: float = 0.0) -> Any:
    """x above the threshold, at most `max_value`; ``alpha (x - threshold)`` below.

    >>> relu([-1.0, 0.5, 9.0], alpha=0.25, max_value=6).numpy().tolist()
    [-0.25, 0.5, 6.0]
    """
    x = ops.convert_to_tensor(x)
    y = ops.where(x >= threshold, x, alpha * (x - threshold))
    return y if max_value is None else ops.minimum(y, max_value)


def l2_normalize(x: TensorLike, axis: Any = None) -> Any:
    """x divided by its length along the axes."""
    x = ops.convert_to_tensor(x)
    return x * ops.rsqrt(ops.maximum(ops.sum(x * x, axis, keepdims=True), 1e-12))


def batch_dot(x: Any, y: Any, axes: int | Sequence[int] | None = None) -> Any:
    """The product of each sample of `x` with that of `y`: one axis of both is summed over.

    Args:
        x, y: at least two axes, the first of which is the batch.
        axes: the axis of each that is summed over; by default the last of `x` and the last but one of `y` (the last
            where `y` has two).

    Returns:
        the other axes of `x`, then those of `y`; of two operands of two axes, a column.

    Raises:
        ShapeError: an operand without axes, the batch among `axes`, or lengths that differ.

    >>> batch_dot([[1.0, 2.0], [3.0, 4.0]], [[1.0, 1.0], [1.0, 0.0]], axes=1).numpy().tolist()
    [[3.0], [3.0]]
    """
    x, y = (t if isinstance(t, KerasTensor) else ops.convert_to_tensor(t) for t in (x, y))
    if x.ndim < 2 or y.ndim < 2:
        raise ShapeError(f"batch_dot expects at least two axes. Received: shapes {x.shape} and {y.shape}.")
    given = (axes, axes) if isinstance(axes, int) else axes or (x.ndim - 1, y.ndim - 1 if y.ndim == 2 else y.ndim - 2)
    a, b = given[0] % x.ndim, given[1] % y.ndim
    if 0 in (a, b) or x.shape[a] != y.shape[b]:
        raise ShapeError(f"batch_dot cannot sum over axes {given} of shapes {x.shape} and {y.shape}.")
    left = ops.moveaxis(x, a, -1)  # (N, ..., C)
    right = ops.moveaxis(y, b, 1)  # (N, C, ...)
    rows, columns = left.shape[1:-1], right.shape[2:]
    count = x.shape[0] if x.shape[0] is not None else -1
    left = ops.reshape(left, (count, int(np.prod(rows)), x.shape[a]))
    right = ops.reshape(right, (count, x.shape[a], int(np.prod(columns))))
    return ops.reshape(ops.matmul(left, right), (count, *rows, *columns) if rows or columns else (count, 1))


def bias_add(x: TensorLike, bias: TensorLike, data_format: str | None = None) -> Any:
    """x plus a number for each channel (or for each place)."""
    x, bias = ops.convert_to_tensor(x), ops.convert_to_tensor(bias)
    if (data_format or config.image_data_format()) == "channels_last" or x.ndim < 3:
        return x + bias
    wide = (1, bias.shape[-1], *(bias.shape[:-1] or (1,) * (x.ndim - 2)))
    return x + ops.reshape(bias, wide)


def in_top_k(predictions: TensorLike, targets: TensorLike, k: int) -> Any:
    """Whether the target is among the k best predictions."""
    return ops.in_top_k(targets, predictions, k)


# -- shapes ------------------------------------------------------------------------------------------------------


def batch_flatten(x: Any) -> Any:
    """Every sample as one row."""
    return ops.reshape(x, (-1, math.prod(int_shape(x)[1:])))  # type: ignore[arg-type]


def flatten(x: TensorLike) -> Any:
    """All numbers in a row."""
    return ops.reshape(x, (-1,))


def concatenate(tensors: Sequence[TensorLike], axis: int = -1) -> Any:
    """Tensors one behind the other."""
    return ops.concatenate(tensors, axis)


def expand_dims(x: TensorLike, axis: int = -1) -> Any:
    """A new axis of length 1."""
    return ops.expand_dims(x, axis)


def gather(reference: TensorLike, indices: TensorLike) -> Any:
    """The rows of these numbers."""
    return ops.take(reference, indices, 0)


def one_hot(indices: TensorLike, num_classes: int) -> Any:
    """Rows with a single 1."""
    return ops.one_hot(indices, num_classes)


def permute_dimensions(x: TensorLike, pattern: Sequence[int]) -> Any:
    """The axes in another order."""
    return ops.transpose(x, pattern)


def repeat(x: TensorLike, n: int) -> Any:
    """Every sample n times: (N, C) -> (N, n, C)."""
    return ops.repeat(ops.expand_dims(x, 1), n, 1)


def repeat_elements(x: TensorLike, rep: int, axis: int) -> Any:
    """Every entry along an axis `rep` times."""
    return ops.repeat(x, rep, axis)


def reverse(x: TensorLike, axes: int | Sequence[int]) -> Any:
    """Axes from behind."""
    return ops.flip(x, axes)


def temporal_padding(x: TensorLike, padding: Pair = (1, 1)) -> Any:
    """Zeros before and behind the steps: (N, T, C)."""
    return ops.pad(x, ((0, 0), tuple(padding), (0, 0)))


def spatial_2d_padding(x: TensorLike, padding: tuple[Pair, Pair] = ((1, 1), (1, 1)), data_format: Any = None) -> Any:
    """Zeros around pictures."""
    first = (data_format or config.image_data_format()) == "channels_first"
    return ops.pad(x, ((0, 0), (0, 0), *padding) if first else ((0, 0), *padding, (0, 0)))


# -- pictures ----------------------------------------------------------------------------------------------------


def conv1d(
    x: TensorLike, kernel: TensorLike, strides: int = 1, padding: str = "valid", data_format: Any = None,
    dilation_rate: int = 1,
) -> Any:  # fmt: skip
    """A convolution over steps."""
    return ops.conv(x, kernel, strides, padding, data_format, dilation_rate)


def conv2d(
    x: TensorLike, kernel: TensorLike, strides: Any = (1, 1), padding: str = "valid", data_format: Any = None,
    dilation_rate: Any = (1, 1),
) -> Any:  # fmt: skip
    """A convolution over pictures."""
    return ops.conv(x, kernel, strides, padding, data_format, dilation_rate)


def pool2d(
    x: TensorLike, pool_size: Any, strides: Any = (1, 1), padding: str = "valid", data_format: Any = None,
    pool_mode: str = "max",
) -> Any:  # fmt: skip
    """The largest number of each window, or the mean where `pool_mode` is "avg"."""
    pool = ops.max_pool if pool_mode == "max" else ops.average_pool
    return pool(x, pool_size, strides, padding, data_format)


def resize_images(
    x: Any, height_factor: int, width_factor: int, data_format: str | None, interpolation: str = "nearest"
) -> Any:
    """Pictures so many times as high and wide."""
    data_format = data_format or config.image_data_format()
    height, width = ops.shape(x)[1:3] if data_format == "channels_last" else ops.shape(x)[2:4]
    size = (int(height or 0) * height_factor, int(width or 0) * width_factor)
    return ops.image.resize(x, size, interpolation, data_format=data_format)


# -- choices and loops -------------------------------------------------------------------------------------------


def switch(condition: TensorLike, then_expression: Any, else_expression: Any) -> Any:
    """One of two: as a whole where the condition is one truth value, else for every entry.

    Args:
        condition: true or false; its axes may be fewer than those of the two.
        then_expression, else_expression: tensors, or functions that give them.
    """
    if ops.ndim(condition) == 0:
        chosen = then_expression if bool(condition) else else_expression
        return chosen() if callable(chosen) else chosen
    one = then_expression() if callable(then_expression) else then_expression
    two = else_expression() if callable(else_expression) else else_expression
    missing = ops.ndim(one) - ops.ndim(condition)
    return ops.where(ops.reshape(condition, (*ops.shape(condition), *(1,) * missing)), one, two)


def map_fn(fn: Any, elems: Any, name: str | None = None, dtype: Any = None) -> Any:
    """A function of every entry along the first axis."""
    return ops.map(fn, elems)
