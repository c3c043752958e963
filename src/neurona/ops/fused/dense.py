"""dense: weighted sums, bias and activation in one op."""

from __future__ import annotations

from typing import Any

import numpy as np

from neurona import kernels
from neurona.cases import Case, Failure
from neurona.errors import ShapeError, UnknownNameError
from neurona.tape import op
from neurona.tensor import Array

__all__ = ["FUSED_ACTIVATIONS", "activate", "dense", "flat_rows", "slope"]


#: The activations that ride in the product's epilogue: name -> number in the kernel.
FUSED_ACTIVATIONS = {"linear": 0, "relu": 1, "tanh": 2, "sigmoid": 3}


def activate(z: Array, activation: str) -> Array:
    """One of the activations of `FUSED_ACTIVATIONS`."""
    if activation == "relu":
        return np.maximum(z, 0)
    if activation == "tanh":
        return np.tanh(z)
    if activation == "sigmoid":
        e = np.exp(-np.abs(z))  # of the negative size: exp cannot overflow
        return np.where(z >= 0, 1 / (1 + e), e / (1 + e))
    return z


def slope(y: Array, activation: str) -> Array | float:
    """The derivative of one of the activations of `FUSED_ACTIVATIONS`, from its result."""
    if activation == "relu":
        return (y > 0).astype(y.dtype)
    if activation == "tanh":
        return np.asarray(1 - y * y)
    if activation == "sigmoid":
        return np.asarray(y * (1 - y))
    return 1.0


@op(
    cases=[
        Case("N C", "C F", "F"),
        Case("N C", "C F", "F", activation="relu"),
        Case("N C", "C F", "F", activation="tanh"),
        Case("N T C", "C F", "F", activation="sigmoid"),
        Case("N C", "C F", None, activation="relu"),
        Case("C", "C F", "F"),
    ],
    errors=[
        Failure("2 3", "4 5", "5", match="expected 4 features"),
        Failure("2 3", "3 5", "4", match="expected a bias of shape (5,)"),
        Failure("2 3", "3", None, match="expected a kernel of shape"),
        Failure("2 3", "3 5", "5", activation="rely", match="Did you mean 'relu'?"),
    ],
    promote="binary float",
)
def dense(x: Array, kernel: Array, bias: Array | None = None, activation: str = "linear") -> Array:
    """A layer of neurons: weighted sums, a bias for each, an activation.

    y = activation(x @ kernel + bias)

    Args:
        x: shape (..., C).
        kernel: the weights, shape (C, F).
        bias: shape (F,), or None.
        activation: "linear", "relu", "tanh" or "sigmoid".

    Returns:
        shape (..., F).

    Raises:
        ShapeError: the shapes do not fit.
        UnknownNameError: another activation.

    >>> dense([[1.0, 2.0]], [[1.0, -1.0], [1.0, -1.0]], [0.5, 0.5], activation="relu")
    Tensor([[3.5, 0. ]], dtype=float32)

    Source: Goodfellow, Bengio & Courville, "Deep Learning" (2016), sections 6.3 and 6.5.
    """
    if activation not in FUSED_ACTIVATIONS:
        raise UnknownNameError.among("activation of dense", activation, FUSED_ACTIVATIONS)
    if kernel.ndim != 2:
        raise ShapeError(f"dense expected a kernel of shape (features, units). Received: shape {kernel.shape}.")
    if x.ndim == 0 or x.shape[-1] != kernel.shape[0]:
        raise ShapeError(
            f"dense expected {kernel.shape[0]} features on the last axis. Received: shape {x.shape}. "
            "Reshape the input, or flatten it first."
        )
    if bias is not None and bias.shape != kernel.shape[1:]:
        raise ShapeError(f"dense expected a bias of shape {kernel.shape[1:]}. Received: shape {bias.shape}.")
    z = x @ kernel  # (..., C) @ (C, F) -> (..., F)
    return activate(z if bias is None else z + bias, activation)


@dense.gradient
def _(
    g: Array,
    y: Array,
    x: Array,
    kernel: Array,
    bias: Array | None,
    needs: tuple[bool, bool, bool],
    activation: str = "linear",
) -> tuple[Array | None, Array | None, Array | None]:
    gz = g * slope(y, activation)
    rows, gz_rows = x.reshape(flat_rows(x)), gz.reshape(flat_rows(gz))
    return (
        gz @ kernel.T if needs[0] else None,
        rows.T @ gz_rows if needs[1] else None,  # (C, N) @ (N, F) -> (C, F)
        gz_rows.sum(axis=0) if needs[2] else None,
    )


@dense.fast
def _(x: Array, kernel: Array, bias: Array | None = None, activation: str = "linear") -> Any:
    if activation not in FUSED_ACTIVATIONS:
        return NotImplemented
    number = FUSED_ACTIVATIONS[activation]
    if x.ndim == 2:
        return kernels.native.dense(x, kernel, bias, number)
    if x.ndim < 2 or not x.flags.c_contiguous:
        return NotImplemented
    y = kernels.native.dense(x.reshape(flat_rows(x)), kernel, bias, number)
    return y if y is NotImplemented else y.reshape(*x.shape[:-1], y.shape[-1])


@dense.fast_gradient
def _(
    g: Array,
    y: Array,
    x: Array,
    kernel: Array,
    bias: Array | None,
    needs: tuple[bool, bool, bool],
    activation: str = "linear",
) -> Any:
    number = FUSED_ACTIVATIONS[activation]
    if x.ndim == 2:
        return kernels.native.dense_backward(g, y, x, kernel, needs[2], number, needs[0], needs[1])
    if x.ndim < 2 or not (x.flags.c_contiguous and g.flags.c_contiguous and y.flags.c_contiguous):
        return NotImplemented
    rows = (a.reshape(flat_rows(a)) for a in (g, y, x))
    found = kernels.native.dense_backward(*rows, kernel, needs[2], number, needs[0], needs[1])
    if found is NotImplemented or found[0] is None:
        return found
    return found[0].reshape(x.shape), found[1], found[2]


def flat_rows(x: Array) -> tuple[int, int]:
    """The shape of x with all axes but the last in one (-1 cannot stand for it: an axis may be empty)."""
    return int(np.prod(x.shape[:-1])), x.shape[-1]
