"""Activations: the nonlinear functions between layers, each applied to every element by itself.

Each is an op with its own gradient, written so that no exponential overflows and no small difference of large
numbers is taken. Leans on NumPy. The functions along an axis (softmax and its kin) are in `probabilities.py`.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from neurona import kernels
from neurona.cases import A, Case
from neurona.errors import ShapeError
from neurona.ops.functions import erf
from neurona.tape import op
from neurona.tensor import Array

__all__ = [
    "celu",
    "elu",
    "gelu",
    "glu",
    "hard_shrink",
    "hard_sigmoid",
    "hard_silu",
    "hard_swish",
    "hard_tanh",
    "leaky_relu",
    "log_sigmoid",
    "relu",
    "relu6",
    "selu",
    "sigmoid",
    "silu",
    "soft_shrink",
    "softplus",
    "softsign",
    "sparse_plus",
    "sparse_sigmoid",
    "squareplus",
    "swish",
    "tanh_shrink",
    "threshold",
]

# drawn well past the kinks on both sides
MATRIX, WIDE = Case("N C"), Case(A("N C", -8.0, 8.0))

SELU_ALPHA, SELU_SCALE = 1.6732632423543772, 1.0507009873554805


def logistic(x: Array) -> Array:
    """1 / (1 + e^-x) without overflow: only exponentials of negative numbers are taken."""
    e = np.exp(-np.abs(x))
    return np.asarray(np.where(x >= 0, 1, e) / (1 + e))


def normal_cdf(x: Array) -> Array:
    """The share of a standard normal distribution that lies below x."""
    return np.asarray((1 + erf.reference(x * math.sqrt(0.5))) / 2)


# -- the rectified family --------------------------------------------------------------------------------


@op(cases=[MATRIX, Case("N T C"), Case("")])
def relu(x: Array) -> Array:
    """Rectified linear unit: y = max(x, 0).

    >>> relu([-1.0, 2.0])
    Tensor([0., 2.], dtype=float32)

    Source: Nair & Hinton, "Rectified linear units improve restricted Boltzmann machines" (ICML 2010).
    """
    return np.asarray(np.maximum(x, 0))


@relu.gradient
def _(g: Array, y: Array, x: Array) -> Array:
    return np.asarray(g * (y > 0))


@relu.fast
def _(x: Array) -> Any:
    return kernels.native.relu(x)


@relu.fast_gradient
def _(g: Array, y: Array, x: Array, needs: tuple[bool]) -> Any:
    return kernels.native.relu_backward(g, x)


@op(cases=[WIDE])
def relu6(x: Array) -> Array:
    """A rectified linear unit that saturates at 6: y = min(max(x, 0), 6).

    >>> relu6([-1.0, 2.0, 9.0])
    Tensor([0., 2., 6.], dtype=float32)
    """
    return np.asarray(np.clip(x, 0, 6))


@relu6.gradient
def _(g: Array, y: Array, x: Array) -> Array:
    return np.asarray(g * ((x > 0) & (x < 6)))


@op(cases=[MATRIX, Case("N C", negative_slope=0.01)], promote="float")
def leaky_relu(x: Array, negative_slope: float = 0.2) -> Array:
    """A rectified linear unit that lets a little of the negative through: y = x for x > 0, else slope x.

    Args:
        x: any shape.
        negative_slope: the slope below 0.

    >>> leaky_relu([-1.0, 2.0])
    Tensor([-0.2,  2. ], dtype=float32)
    """
    return np.asarray(np.where(x > 0, x, x * negative_slope))


@leaky_relu.gradient
def _(g: Array, y: Array, x: Array, negative_slope: float = 0.2) -> Array:
    return np.asarray(np.where(x > 0, g, g * negative_slope))


@op(cases=[Case("N C", threshold=0.3, default_value=-1.0), Case("N", threshold=0, default_value=0)])
def threshold(x: Array, threshold: float, default_value: float) -> Array:
    """Keep what lies above a threshold: y = x for x > threshold, else default_value.

    >>> threshold([0.2, 2.0], 1.0, -1.0)
    Tensor([-1.,  2.], dtype=float32)
    """
    return np.asarray(np.where(x > threshold, x, x.dtype.type(default_value)))


@threshold.gradient
def _(g: Array, y: Array, x: Array, threshold: float, default_value: float) -> Array:
    return np.asarray(g * (x > threshold))


# -- exponential below 0 --------------------------------------------------------------------------------


@op(cases=[MATRIX, Case("N C", alpha=0.5)], promote="float")
def elu(x: Array, alpha: float = 1.0) -> Array:
    """Exponential linear unit: y = x for x > 0, else alpha (e^x - 1).

    Args:
        x: any shape.
        alpha: the value approached at minus infinity, with its sign turned.

    >>> elu([-1.0, 2.0])
    Tensor([-0.63212055,  2.        ], dtype=float32)

    Source: Clevert, Unterthiner & Hochreiter, "Fast and accurate deep network learning by ELUs" (ICLR 2016).
    """
    return np.asarray(np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0))))


@elu.gradient
def _(g: Array, y: Array, x: Array, alpha: float = 1.0) -> Array:
    return np.asarray(np.where(x > 0, g, g * (y + alpha)))


@op(cases=[MATRIX, Case("N C", alpha=0.5)], promote="float")
def celu(x: Array, alpha: float = 1.0) -> Array:
    """Continuously differentiable exponential linear unit: y = max(x, 0) + alpha (e^(min(x, 0) / alpha) - 1).

    Args:
        x: any shape.
        alpha: the scale of the negative part.

    >>> celu([-1.0, 2.0])
    Tensor([-0.63212055,  2.        ], dtype=float32)

    Source: Barron, "Continuously differentiable exponential linear units" (2017).
    """
    return np.asarray(np.maximum(x, 0) + alpha * np.expm1(np.minimum(x, 0) / alpha))


@celu.gradient
def _(g: Array, y: Array, x: Array, alpha: float = 1.0) -> Array:
    return np.asarray(np.where(x > 0, g, g * np.exp(np.minimum(x, 0) / alpha)))


@op(cases=[MATRIX], promote="float")
def selu(x: Array) -> Array:
    """Scaled exponential linear unit: y = scale elu(x, alpha), with the two constants that keep mean 0 and
    variance 1.

    >>> selu([-1.0, 2.0])
    Tensor([-1.1113307,  2.101402 ], dtype=float32)

    Source: Klambauer et al., "Self-normalizing neural networks" (NeurIPS 2017).
    """
    return np.asarray(SELU_SCALE * np.where(x > 0, x, SELU_ALPHA * np.expm1(np.minimum(x, 0))))


@selu.gradient
def _(g: Array, y: Array, x: Array) -> Array:
    return np.asarray(np.where(x > 0, g * SELU_SCALE, g * (y + SELU_SCALE * SELU_ALPHA)))


# -- sigmoid and its kin --------------------------------------------------------------------------------


@op(cases=[MATRIX, WIDE], promote="float")
def sigmoid(x: Array) -> Array:
    """The logistic function: y = 1 / (1 + e^-x), between 0 and 1.

    >>> sigmoid([0.0, 1000.0, -1000.0])
    Tensor([0.5, 1. , 0. ], dtype=float32)
    """
    return logistic(x)


@sigmoid.gradient
def _(g: Array, y: Array, x: Array) -> Array:
    return np.asarray(g * y * (1 - y))


@op(cases=[MATRIX, WIDE], promote="float")
def log_sigmoid(x: Array) -> Array:
    """The logarithm of the logistic function: y = -log(1 + e^-x).

    >>> log_sigmoid([0.0, -100.0])
    Tensor([  -0.6931472, -100.       ], dtype=float32)
    """
    return np.asarray(np.minimum(x, 0) - np.log1p(np.exp(-np.abs(x))))


@log_sigmoid.gradient
def _(g: Array, y: Array, x: Array) -> Array:
    return np.asarray(g * logistic(-x))


@op(cases=[MATRIX, WIDE], promote="float")
def softplus(x: Array) -> Array:
    """A smooth rectifier: y = log(1 + e^x).

    >>> softplus([0.0, 100.0])
    Tensor([  0.6931472, 100.       ], dtype=float32)
    """
    return np.asarray(np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x))))


@softplus.gradient
def _(g: Array, y: Array, x: Array) -> Array:
    return np.asarray(g * logistic(x))


@op(cases=[MATRIX, WIDE], promote="float")
def silu(x: Array) -> Array:
    """Sigmoid-weighted linear unit, also called swish: y = x sigmoid(x).

    >>> silu([0.0, 2.0])
    Tensor([0.      , 1.761594], dtype=float32)

    Source: Elfwing, Uchibe & Doya (2018); Ramachandran, Zoph & Le, "Searching for activation functions"
    (2017).
    """
    return np.asarray(x * logistic(x))


@silu.gradient
def _(g: Array, y: Array, x: Array) -> Array:
    s = logistic(x)
    return np.asarray(g * (s + y * (1 - s)))


@silu.fast
def _(x: Array) -> Any:
    return kernels.native.silu(x)


@silu.fast_gradient
def _(g: Array, y: Array, x: Array, needs: tuple[bool]) -> Any:
    return kernels.native.silu_backward(g, x)


swish = silu

_GELU_C = math.sqrt(2 / math.pi)


@op(cases=[MATRIX, Case("N C", approximate=False), WIDE], promote="float")
def gelu(x: Array, approximate: bool = True) -> Array:
    """Gaussian error linear unit: y = x P(Z <= x) for a standard normal Z.

    Args:
        x: any shape.
        approximate: use 0.5 x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) for it, which is quicker.

    >>> gelu([0.0, 1.0]), gelu([1.0], approximate=False)
    (Tensor([0.      , 0.841192], dtype=float32), Tensor([0.8413447], dtype=float32))

    Source: Hendrycks & Gimpel, "Gaussian error linear units" (2016).
    """
    if approximate:
        return np.asarray(0.5 * x * (1 + np.tanh(_GELU_C * (x + 0.044715 * x * x * x))))
    return np.asarray(x * normal_cdf(x))


@gelu.gradient
def _(g: Array, y: Array, x: Array, approximate: bool = True) -> Array:
    if approximate:
        t = np.tanh(_GELU_C * (x + 0.044715 * x * x * x))
        return np.asarray(g * 0.5 * ((1 + t) + x * (1 - t * t) * _GELU_C * (1 + 3 * 0.044715 * x * x)))
    density = np.exp(-0.5 * x * x) / math.sqrt(2 * math.pi)
    return np.asarray(g * (normal_cdf(x) + x * density))


@gelu.fast
def _(x: Array, approximate: bool = True) -> Any:
    return kernels.native.gelu(x, approximate)


@gelu.fast_gradient
def _(g: Array, y: Array, x: Array, needs: tuple[bool], approximate: bool = True) -> Any:
    return kernels.native.gelu_backward(g, x, approximate)


@op(cases=[Case("N 4"), Case("4 N", axis=0)], promote="float")
def glu(x: Array, axis: int = -1) -> Array:
    """Gated linear unit: the first half of an axis times the sigmoid of the second half.

    Args:
        x: an even length along `axis`.
        axis: the axis to halve.

    Raises:
        ShapeError: an odd length.

    >>> glu([[3.0, 0.0]])
    Tensor([[1.5]], dtype=float32)

    Source: Dauphin et al., "Language modeling with gated convolutional networks" (ICML 2017).
    """
    if x.ndim == 0 or x.shape[axis] % 2:
        raise ShapeError(f"glu expected an even length along axis {axis}. Received: shape {x.shape}.")
    a, b = np.split(x, 2, axis)
    return np.asarray(a * logistic(b))


@glu.gradient
def _(g: Array, y: Array, x: Array, axis: int = -1) -> Array:
    s = logistic(np.split(x, 2, axis)[1])
    return np.concatenate([g * s, g * y * (1 - s)], axis)


# -- piecewise stand-ins --------------------------------------------------------------------------------


@op(cases=[WIDE], promote="float")
def hard_sigmoid(x: Array) -> Array:
    """A sigmoid of straight lines: y = min(max(x + 3, 0), 6) / 6.

    >>> hard_sigmoid([-4.0, 0.0, 4.0])
    Tensor([0. , 0.5, 1. ], dtype=float32)
    """
    return np.asarray(np.clip(x + 3, 0, 6) / 6)


@hard_sigmoid.gradient
def _(g: Array, y: Array, x: Array) -> Array:
    return np.asarray(g * (np.abs(x) < 3) / 6)


@op(cases=[WIDE], promote="float")
def hard_silu(x: Array) -> Array:
    """A silu of straight lines, also called hard swish: y = x hard_sigmoid(x).

    >>> hard_silu([-4.0, 1.0, 4.0])
    Tensor([-0.       ,  0.6666667,  4.       ], dtype=float32)

    Source: Howard et al., "Searching for MobileNetV3" (ICCV 2019).
    """
    return np.asarray(x * (np.clip(x + 3, 0, 6) / 6))


@hard_silu.gradient
def _(g: Array, y: Array, x: Array) -> Array:
    return np.asarray(np.where(x >= 3, g, np.where(x <= -3, 0, g * (2 * x + 3) / 6)))


hard_swish = hard_silu


@op(cases=[MATRIX], promote="float")
def hard_tanh(x: Array) -> Array:
    """A hyperbolic tangent of straight lines: y = min(max(x, -1), 1).

    >>> hard_tanh([-4.0, 0.5, 4.0])
    Tensor([-1. ,  0.5,  1. ], dtype=float32)
    """
    return np.asarray(np.clip(x, -1, 1))


@hard_tanh.gradient
def _(g: Array, y: Array, x: Array) -> Array:
    return np.asarray(g * (np.abs(x) < 1))


@op(cases=[MATRIX, Case("N C", threshold=1.1)])
def hard_shrink(x: Array, threshold: float = 0.5) -> Array:
    """Set what is small to 0: y = x where |x| > threshold, else 0.

    >>> hard_shrink([-0.2, 1.0])
    Tensor([0., 1.], dtype=float32)
    """
    return np.asarray(np.where(np.abs(x) > threshold, x, x.dtype.type(0)))


@hard_shrink.gradient
def _(g: Array, y: Array, x: Array, threshold: float = 0.5) -> Array:
    return np.asarray(g * (np.abs(x) > threshold))


@op(cases=[MATRIX, Case("N C", threshold=1.1)], promote="float")
def soft_shrink(x: Array, threshold: float = 0.5) -> Array:
    """Move towards 0 by the threshold, and stop there: y = sign(x) max(|x| - threshold, 0).

    >>> soft_shrink([-0.2, 1.0])
    Tensor([0. , 0.5], dtype=float32)
    """
    above, below = np.maximum(x - threshold, 0), np.minimum(x + threshold, 0)
    return np.asarray(above + below)


@soft_shrink.gradient
def _(g: Array, y: Array, x: Array, threshold: float = 0.5) -> Array:
    return np.asarray(g * (np.abs(x) > threshold))


@op(cases=[MATRIX], promote="float")
def tanh_shrink(x: Array) -> Array:
    """What the hyperbolic tangent leaves: y = x - tanh(x).

    >>> tanh_shrink([0.0, 2.0])
    Tensor([0.       , 1.0359724], dtype=float32)
    """
    return np.asarray(x - np.tanh(x))


@tanh_shrink.gradient
def _(g: Array, y: Array, x: Array) -> Array:
    t = np.tanh(x)
    return np.asarray(g * (t * t))


@op(cases=[MATRIX], promote="float")
def softsign(x: Array) -> Array:
    """A sigmoid curve without exponentials: y = x / (1 + |x|), between -1 and 1.

    >>> softsign([-1.0, 3.0])
    Tensor([-0.5 ,  0.75], dtype=float32)
    """
    return np.asarray(x / (1 + np.abs(x)))


@softsign.gradient
def _(g: Array, y: Array, x: Array) -> Array:
    r = 1 / (1 + np.abs(x))  # squared only now: the other way round overflows
    return np.asarray(g * r * r)


@op(cases=[MATRIX, Case("N C", b=0.5)], promote="float")
def squareplus(x: Array, b: float = 4) -> Array:
    """A smooth rectifier without exponentials: y = (x + sqrt(x^2 + b)) / 2.

    Args:
        x: any shape.
        b: how wide the bend at 0 is.

    >>> squareplus([0.0, 1.5])
    Tensor([1., 2.], dtype=float32)

    Source: Barron, "Squareplus: a softplus-like algebraic rectifier" (2021).
    """
    return np.asarray((x + np.sqrt(np.square(x) + b)) / 2)


@squareplus.gradient
def _(g: Array, y: Array, x: Array, b: float = 4) -> Array:
    return np.asarray(g * (1 + x / np.sqrt(np.square(x) + b)) / 2)


@op(cases=[MATRIX], promote="float")
def sparse_plus(x: Array) -> Array:
    """A rectifier with a parabola for a bend: y = 0 up to -1, (x + 1)^2 / 4 up to 1, x from there on.

    >>> sparse_plus([-2.0, 0.0, 3.0])
    Tensor([0.  , 0.25, 3.  ], dtype=float32)
    """
    return np.asarray(np.where(x < 1, np.square(np.clip(x, -1, 1) + 1) / 4, x))


@sparse_plus.gradient
def _(g: Array, y: Array, x: Array) -> Array:
    return np.asarray(g * np.clip((x + 1) / 2, 0, 1))


@op(cases=[MATRIX], promote="float")
def sparse_sigmoid(x: Array) -> Array:
    """A straight line between 0 and 1: y = min(max((x + 1) / 2, 0), 1).

    >>> sparse_sigmoid([-2.0, 0.5, 3.0])
    Tensor([0.  , 0.75, 1.  ], dtype=float32)
    """
    return np.asarray(np.clip((x + 1) / 2, 0, 1))


@sparse_sigmoid.gradient
def _(g: Array, y: Array, x: Array) -> Array:
    return np.asarray(g * (np.abs(x) < 1) / 2)
