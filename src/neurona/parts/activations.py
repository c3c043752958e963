"""Activations: the functions that make a stack of layers more than one linear map.

Each takes a tensor of any shape and works on every element by itself; `softmax`, `log_softmax` and
`sparsemax` work on the numbers along an axis together, and `glu` halves one. Made of `neurona.ops`, whose
documentation has the gradients.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from neurona import ops
from neurona.parts.lookup import find
from neurona.registry import Config, export, get_registered_name, serialize_keras_object, table
from neurona.tensor import Tensor, TensorLike, as_tensor

__all__ = [
    "celu",
    "deserialize",
    "elu",
    "exponential",
    "gelu",
    "get",
    "glu",
    "hard_shrink",
    "hard_sigmoid",
    "hard_silu",
    "hard_swish",
    "hard_tanh",
    "leaky_relu",
    "linear",
    "log_sigmoid",
    "log_softmax",
    "mish",
    "relu",
    "relu6",
    "selu",
    "serialize",
    "sigmoid",
    "silu",
    "soft_shrink",
    "softmax",
    "softplus",
    "softsign",
    "sparse_plus",
    "sparse_sigmoid",
    "sparsemax",
    "squareplus",
    "swish",
    "tanh",
    "tanh_shrink",
    "threshold",
]

MODULE = "keras.activations"
_threshold = ops.threshold  # the activation of that name has an argument of that name


@export(MODULE)
def linear(x: TensorLike) -> Any:
    """Nothing: y = x.

    >>> linear(2.0)
    2.0
    """
    return x


# -- the rectifiers ------------------------------------------------------------------------------------------


@export(MODULE)
def relu(x: TensorLike, negative_slope: float = 0.0, max_value: float | None = None, threshold: float = 0.0) -> Tensor:
    """The rectifier, y = max(x, 0), and its variants.

    y = max_value where x >= max_value;  x where x > threshold;  negative_slope (x - threshold) below

    Args:
        x: any shape.
        negative_slope: the slope below the threshold.
        max_value: where to saturate; ``None`` for nowhere.
        threshold: what counts as small.

    >>> relu([-2.0, 0.5, 9.0], max_value=6.0)
    Tensor([0. , 0.5, 6. ], dtype=float32)

    Source: Nair & Hinton, "Rectified linear units improve restricted Boltzmann machines" (2010).
    """
    y: Tensor
    if threshold == 0:
        if max_value is None:
            y = ops.leaky_relu(x, negative_slope=negative_slope) if negative_slope else ops.relu(x)
            return y
        y = ops.relu(x)
    else:
        x = as_tensor(x) if not hasattr(x, "dtype") else x
        y = ops.where(ops.greater(x, threshold), x, 0.0)
    if max_value is not None:
        y = ops.clip(y, 0.0, max_value)
    if negative_slope:
        below = ops.relu(ops.subtract(threshold, x))
        y = ops.subtract(y, ops.multiply(below, negative_slope))
    return y


@export(MODULE)
def leaky_relu(x: TensorLike, negative_slope: float = 0.2) -> Tensor:
    """y = x where x > 0, negative_slope x elsewhere: a unit that is off can still learn.

    >>> leaky_relu([-1.0, 2.0])
    Tensor([-0.2,  2. ], dtype=float32)
    """
    y: Tensor = ops.leaky_relu(x, negative_slope=negative_slope)
    return y


@export(MODULE)
def relu6(x: TensorLike) -> Tensor:
    """y = min(max(x, 0), 6).

    >>> relu6([-1.0, 2.0, 8.0])
    Tensor([0., 2., 6.], dtype=float32)
    """
    y: Tensor = ops.relu6(x)
    return y


@export(MODULE)
def elu(x: TensorLike, alpha: float = 1.0) -> Tensor:
    """y = x where x > 0, alpha (e^x - 1) elsewhere.

    >>> elu([-1.0, 2.0])
    Tensor([-0.63212055,  2.        ], dtype=float32)

    Source: Clevert, Unterthiner & Hochreiter, "Exponential linear units" (2016).
    """
    y: Tensor = ops.elu(x, alpha=alpha)
    return y


@export(MODULE)
def selu(x: TensorLike) -> Tensor:
    """The elu, scaled so that layers keep mean 0 and variance 1 by themselves; with `LecunNormal` weights.

    >>> selu([0.0, 1.0])
    Tensor([0.      , 1.050701], dtype=float32)

    Source: Klambauer et al., "Self-normalizing neural networks" (2017).
    """
    y: Tensor = ops.selu(x)
    return y


@export(MODULE)
def celu(x: TensorLike, alpha: float = 1.0) -> Tensor:
    """y = max(x, 0) + min(alpha (e^(x / alpha) - 1), 0): an elu whose slope has no jump.

    >>> celu([-1.0, 2.0])
    Tensor([-0.63212055,  2.        ], dtype=float32)
    """
    y: Tensor = ops.celu(x, alpha=alpha)
    return y


# -- smooth relatives of relu --------------------------------------------------------------------------------


@export(MODULE)
def softplus(x: TensorLike) -> Tensor:
    """y = log(1 + e^x).

    >>> softplus([0.0])
    Tensor([0.6931472], dtype=float32)
    """
    y: Tensor = ops.softplus(x)
    return y


@export(MODULE)
def squareplus(x: TensorLike, b: float = 4) -> Tensor:
    """y = (x + sqrt(x^2 + b)) / 2.

    >>> squareplus([0.0])
    Tensor([1.], dtype=float32)
    """
    y: Tensor = ops.squareplus(x, b=b)
    return y


@export(MODULE)
def sparse_plus(x: TensorLike) -> Tensor:
    """y = 0 where x <= -1, (x + 1)^2 / 4 between, x where x >= 1.

    >>> sparse_plus([-2.0, 0.0, 2.0])
    Tensor([0.  , 0.25, 2.  ], dtype=float32)
    """
    y: Tensor = ops.sparse_plus(x)
    return y


@export(MODULE, "swish")
def silu(x: TensorLike) -> Tensor:
    """y = x sigmoid(x), also called swish.

    >>> silu([0.0])
    Tensor([0.], dtype=float32)

    Source: Ramachandran, Zoph & Le, "Searching for activation functions" (2017).
    """
    y: Tensor = ops.silu(x)
    return y


@export(MODULE)
def gelu(x: TensorLike, approximate: bool = False) -> Tensor:
    """y = x P(X <= x) for a normal X.

    Args:
        x: any shape.
        approximate: the formula with tanh instead of the error function.

    >>> gelu([0.0])
    Tensor([0.], dtype=float32)

    Source: Hendrycks & Gimpel, "Gaussian error linear units" (2016).
    """
    y: Tensor = ops.gelu(x, approximate=approximate)
    return y


@export(MODULE)
def mish(x: TensorLike) -> Tensor:
    """y = x tanh(softplus(x)).

    >>> mish([0.0])
    Tensor([0.], dtype=float32)

    Source: Misra, "Mish" (2019).
    """
    y: Tensor = ops.multiply(x, ops.tanh(ops.softplus(x)))
    return y


@export(MODULE)
def glu(x: TensorLike, axis: int = -1) -> Tensor:
    """One half of the axis, gated by the sigmoid of the other: y = a sigmoid(b).

    Args:
        x: an even length along `axis`.
        axis: the one to halve.

    >>> glu([3.0, 0.0])
    Tensor([1.5], dtype=float32)

    Source: Dauphin et al., "Language modeling with gated convolutional networks" (2017).
    """
    y: Tensor = ops.glu(x, axis=axis)
    return y


# -- between two bounds --------------------------------------------------------------------------------------


@export(MODULE)
def sigmoid(x: TensorLike) -> Tensor:
    """y = 1 / (1 + e^-x), from 0 to 1.

    >>> sigmoid([0.0])
    Tensor([0.5], dtype=float32)
    """
    y: Tensor = ops.sigmoid(x)
    return y


@export(MODULE)
def log_sigmoid(x: TensorLike) -> Tensor:
    """y = log(1 / (1 + e^-x)), without the overflow of doing it in two steps.

    >>> log_sigmoid([0.0, -1000.0])
    Tensor([-6.931472e-01, -1.000000e+03], dtype=float32)
    """
    y: Tensor = ops.log_sigmoid(x)
    return y


@export(MODULE)
def hard_sigmoid(x: TensorLike) -> Tensor:
    """y = x / 6 + 1/2, cut to 0 ... 1.

    >>> hard_sigmoid([-4.0, 0.0, 4.0])
    Tensor([0. , 0.5, 1. ], dtype=float32)
    """
    y: Tensor = ops.hard_sigmoid(x)
    return y


@export(MODULE)
def sparse_sigmoid(x: TensorLike) -> Tensor:
    """y = (x + 1) / 2, cut to 0 ... 1.

    >>> sparse_sigmoid([-2.0, 0.0, 2.0])
    Tensor([0. , 0.5, 1. ], dtype=float32)
    """
    y: Tensor = ops.sparse_sigmoid(x)
    return y


@export(MODULE, "hard_swish")
def hard_silu(x: TensorLike) -> Tensor:
    """y = x hard_sigmoid(x), also called hard swish.

    >>> hard_silu([-4.0, 0.0, 4.0])
    Tensor([-0.,  0.,  4.], dtype=float32)
    """
    y: Tensor = ops.hard_silu(x)
    return y


@export(MODULE)
def tanh(x: TensorLike) -> Tensor:
    """The hyperbolic tangent, from -1 to 1.

    >>> tanh([0.0])
    Tensor([0.], dtype=float32)
    """
    y: Tensor = ops.tanh(x)
    return y


@export(MODULE)
def hard_tanh(x: TensorLike) -> Tensor:
    """x cut to -1 ... 1.

    >>> hard_tanh([-2.0, 0.5, 2.0])
    Tensor([-1. ,  0.5,  1. ], dtype=float32)
    """
    y: Tensor = ops.hard_tanh(x)
    return y


@export(MODULE)
def softsign(x: TensorLike) -> Tensor:
    """y = x / (1 + |x|).

    >>> softsign([-1.0, 0.0, 3.0])
    Tensor([-0.5 ,  0.  ,  0.75], dtype=float32)
    """
    y: Tensor = ops.softsign(x)
    return y


# -- silent near 0 -------------------------------------------------------------------------------------------


@export(MODULE)
def soft_shrink(x: TensorLike, threshold: float = 0.5) -> Tensor:
    """x brought nearer to 0 by the threshold, and 0 within it.

    >>> soft_shrink([-1.0, 0.2, 2.0])
    Tensor([-0.5,  0. ,  1.5], dtype=float32)
    """
    y: Tensor = ops.soft_shrink(x, threshold=threshold)
    return y


@export(MODULE)
def hard_shrink(x: TensorLike, threshold: float = 0.5) -> Tensor:
    """x, but 0 where |x| <= threshold.

    >>> hard_shrink([-1.0, 0.2, 2.0])
    Tensor([-1.,  0.,  2.], dtype=float32)
    """
    y: Tensor = ops.hard_shrink(x, threshold=threshold)
    return y


@export(MODULE)
def tanh_shrink(x: TensorLike) -> Tensor:
    """y = x - tanh(x).

    >>> tanh_shrink([0.0])
    Tensor([0.], dtype=float32)
    """
    y: Tensor = ops.tanh_shrink(x)
    return y


@export(MODULE)
def threshold(x: TensorLike, threshold: float, default_value: float) -> Tensor:
    """x where it is above the threshold, `default_value` elsewhere.

    >>> threshold([-1.0, 2.0], 0.0, 9.0)
    Tensor([9., 2.], dtype=float32)
    """
    y: Tensor = _threshold(x, threshold, default_value)
    return y


# -- along an axis, and the exponential ----------------------------------------------------------------------


@export(MODULE)
def exponential(x: TensorLike) -> Tensor:
    """y = e^x.

    >>> exponential([0.0])
    Tensor([1.], dtype=float32)
    """
    y: Tensor = ops.exp(x)
    return y


@export(MODULE)
def softmax(x: TensorLike, axis: int = -1) -> Tensor:
    """Numbers to probabilities: y_j = e^x_j / sum_k e^x_k.

    Args:
        x: any shape.
        axis: the axis whose numbers shall sum to 1.

    >>> softmax([0.0, 0.0])
    Tensor([0.5, 0.5], dtype=float32)
    """
    y: Tensor = ops.softmax(x, axis=axis)
    return y


@export(MODULE)
def log_softmax(x: TensorLike, axis: int = -1) -> Tensor:
    """The logarithm of `softmax`, without the underflow of doing it in two steps.

    >>> log_softmax([0.0, 0.0])
    Tensor([-0.6931472, -0.6931472], dtype=float32)
    """
    y: Tensor = ops.log_softmax(x, axis=axis)
    return y


@export(MODULE)
def sparsemax(x: TensorLike, axis: int = -1) -> Tensor:
    """The nearest point to x among the probabilities: small ones become exactly 0.

    >>> sparsemax([0.0, 2.0])
    Tensor([0., 1.], dtype=float32)

    Source: Martins & Astudillo, "From softmax to sparsemax" (2016).
    """
    y: Tensor = ops.sparsemax(x, axis=axis)
    return y


# -- by name -------------------------------------------------------------------------------------------------

swish, hard_swish = silu, hard_silu


def get(identifier: Any) -> Callable[..., Any]:
    """The function that an argument such as ``activation="relu"`` means; ``None`` means `linear`.

    Args:
        identifier: a name, a configuration, a function, a layer, or ``None``.

    Raises:
        UnknownNameError: no such name.

    >>> get("swish").__name__, get(None).__name__
    ('silu', 'linear')
    """
    found: Callable[..., Any] = find(MODULE, "activation", linear if identifier is None else identifier)
    return found


def serialize(activation: Any) -> Any:
    """The name of an activation; the configuration of the user's own.

    >>> serialize(relu)
    'relu'
    """
    name = getattr(activation, "__name__", None)
    if name is not None and table(MODULE).get(name) is activation:
        return name
    config = serialize_keras_object(activation)
    if isinstance(config, dict) and config.get("class_name") == "function":
        config["config"] = get_registered_name(activation)
    return config


def deserialize(config: Any, custom_objects: Config | None = None) -> Any:
    """The activation that a name or a configuration describes.

    >>> deserialize("tanh").__name__
    'tanh'
    """
    return find(MODULE, "activation", config, custom_objects)
