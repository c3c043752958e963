"""Batch normalisation in few passes: with the batch's statistics while training, with given ones at rest."""

from __future__ import annotations

from typing import Any

import numpy as np

from neurona import kernels
from neurona.cases import A, Case, Failure
from neurona.errors import ShapeError, UnknownNameError
from neurona.ops.activation import gelu, relu, silu
from neurona.ops.fused.dense import flat_rows
from neurona.tape import op
from neurona.tensor import Array

__all__ = ["NORM_ACTIVATIONS", "batch_norm_infer", "batch_norm_train"]


#: The activations that ride along: name -> number in the kernel.
NORM_ACTIVATIONS = {"linear": 0, "relu": 1, "gelu": 4, "gelu_tanh": 5, "silu": 6}

_FORMS: dict[str, tuple[Any, dict[str, Any]]] = {
    "relu": (relu, {}),
    "gelu": (gelu, {"approximate": False}),
    "gelu_tanh": (gelu, {"approximate": True}),
    "silu": (silu, {}),
}


def _activate(z: Array, activation: str) -> Array:
    if activation == "linear":
        return z
    form, settings = _FORMS[activation]
    return np.asarray(form.reference(z, **settings))


def _arrived(g: Array, y: Array, z: Array, activation: str) -> Array:
    """The gradient of the activation's argument z, given that of its result y."""
    if activation == "linear":
        return g
    form, settings = _FORMS[activation]
    return np.asarray(form.backward(g, y, [z], settings, (True,))[0])


def _check_norm(name: str, activation: str, x: Array, *per_channel: Array | None) -> None:
    if activation not in NORM_ACTIVATIONS:
        raise UnknownNameError.among(f"activation of {name}", activation, NORM_ACTIVATIONS)
    if x.ndim < 2:
        raise ShapeError(f"{name} expected x of shape (..., channels). Received: shape {x.shape}.")
    for vector in per_channel:
        if vector is not None and vector.shape != x.shape[-1:]:
            raise ShapeError(
                f"{name} expected one number for each of {x.shape[-1]} channels. Received: shape {vector.shape}."
            )


@op(
    cases=[
        Case("N C", "C", "C", sizes={"N": 1}, tolerance=1e-5),
        Case("N C", "C", "C", sizes={"N": 1}, activation="relu", tolerance=1e-5),
        Case("N C", "C", "C", sizes={"N": 3}, activation="gelu", epsilon=0.01),
        Case("N C", None, "C", sizes={"N": 3}, activation="gelu_tanh", epsilon=0.01),
        Case("N T C", "C", None, sizes={"N": 2, "T": 2}, activation="silu", epsilon=0.1),
        Case("N T C", "C", None, sizes={"N": 2, "T": 2}, epsilon=0.1),
        Case("N C", None, None, sizes={"N": 3}, epsilon=0.01),
    ],
    errors=[
        Failure("3", "3", "3", match="expected x of shape (..., channels)"),
        Failure("2 3", "4", "3", match="each of 3 channels"),
        Failure("0 3", "3", "3", match="at least one row"),
        Failure("2 3", "3", "3", activation="silo", match="Did you mean 'silu'?"),
    ],
    promote="binary float",
)
def batch_norm_train(
    x: Array,
    gamma: Array | None = None,
    beta: Array | None = None,
    epsilon: float = 1e-3,
    activation: str = "linear",
) -> tuple[Array, Array, Array]:
    """Batch normalisation in training: each channel by the mean and variance of this batch.

    y = gamma (x - mean) / sqrt(var + epsilon) + beta,  then the activation

    Args:
        x: shape (..., C); all axes but the last are the batch.
        gamma: the scale, shape (C,), or None for 1.
        beta: the shift, shape (C,), or None for 0.
        epsilon: keeps the root away from 0.
        activation: "linear", "relu", "gelu", "gelu_tanh" (its quicker form) or "silu", in the same pass.

    Returns:
        y with x's shape; the batch's mean and (biased) variance, each of shape (C,).

    Raises:
        ShapeError: no rows, or shapes that do not fit.
        UnknownNameError: another activation.

    >>> y, mean, var = batch_norm_train([[1.0], [3.0]], [2.0], [0.5], epsilon=0.0)
    >>> y.tolist(), mean.tolist(), var.tolist()
    ([[-1.5], [2.5]], [2.0], [1.0])

    Source: Ioffe & Szegedy, "Batch Normalization" (2015), algorithm 1.
    """
    _check_norm("batch_norm_train", activation, x, gamma, beta)
    if np.prod(x.shape[:-1]) == 0:
        raise ShapeError(f"batch_norm_train expected at least one row. Received: shape {x.shape}.")
    axes = tuple(range(x.ndim - 1))
    mean, var = x.mean(axis=axes), x.var(axis=axes)
    return _activate(_normalised(x, mean, var, gamma, beta, epsilon), activation), mean, var


def _normalised(x: Array, mean: Array, var: Array, gamma: Array | None, beta: Array | None, epsilon: float) -> Array:
    y = np.asarray((x - mean) / np.sqrt(var + x.dtype.type(epsilon)))
    y = y if gamma is None else y * gamma
    return y if beta is None else y + beta


Triple = tuple[Array | None, Array | None, Array | None]


@batch_norm_train.gradient
def _(
    g: Triple,
    y: tuple[Array, Array, Array],
    x: Array,
    gamma: Array | None,
    beta: Array | None,
    needs: tuple[bool, bool, bool],
    epsilon: float = 1e-3,
    activation: str = "linear",
) -> Triple:
    axes, count = tuple(range(x.ndim - 1)), x.dtype.type(np.prod(x.shape[:-1]))
    out, mean, var = y
    inv = 1 / np.sqrt(var + x.dtype.type(epsilon))
    xhat = (x - mean) * inv
    z = x if activation == "linear" else _normalised(x, mean, var, gamma, beta, epsilon)
    gy = np.zeros_like(x) if g[0] is None else _arrived(g[0], out, z, activation)
    dgamma, dbeta = (gy * xhat).sum(axis=axes), gy.sum(axis=axes)
    scale = inv if gamma is None else inv * gamma
    # mean and variance depend on every x: they take back their share
    dx = scale * (gy - dbeta / count - xhat * (dgamma / count))
    dx = dx + _through_statistics(g, x, mean)
    return dx, dgamma if needs[1] else None, dbeta if needs[2] else None


def _through_statistics(g: Triple, x: Array, mean: Array) -> Array | float:
    """What gradients of the mean and the variance themselves add to dx."""
    count = x.dtype.type(np.prod(x.shape[:-1]))
    added: Array | float = 0.0
    if g[1] is not None:
        added = added + g[1] / count
    if g[2] is not None:
        added = added + g[2] * (x - mean) * (2 / count)
    return added


@batch_norm_train.fast
def _(
    x: Array, gamma: Array | None = None, beta: Array | None = None, epsilon: float = 1e-3, activation: str = "linear"
) -> Any:
    number = NORM_ACTIVATIONS.get(activation)
    if number is None or x.ndim < 2 or not x.flags.c_contiguous:
        return NotImplemented
    found = kernels.native.batch_norm_train(x.reshape(flat_rows(x)), gamma, beta, epsilon, number)
    return found if found is NotImplemented else (found[0].reshape(x.shape), found[1], found[2])


@batch_norm_train.fast_gradient
def _(
    g: Triple,
    y: tuple[Array, Array, Array],
    x: Array,
    gamma: Array | None,
    beta: Array | None,
    needs: tuple[bool, bool, bool],
    epsilon: float = 1e-3,
    activation: str = "linear",
) -> Any:
    _, mean, var = y
    if g[0] is None or not x.flags.c_contiguous:
        return NotImplemented
    rows, number = flat_rows(x), NORM_ACTIVATIONS[activation]
    given = np.ascontiguousarray(g[0])  # a view from a sum's gradient costs less to write out than NumPy's passes
    found = kernels.native.batch_norm_backward(
        given.reshape(rows), x.reshape(rows), gamma, beta, mean, var, epsilon, number
    )
    if found is NotImplemented:
        return NotImplemented
    dx = found[0].reshape(x.shape)
    if g[1] is not None or g[2] is not None:
        dx = dx + _through_statistics(g, x, mean)
    return dx, found[1] if needs[1] else None, found[2] if needs[2] else None


@op(
    cases=[
        Case("N C", "C", A("C", 0.5, 2.0), "C", "C"),
        Case("N T C", "C", A("C", 0.5, 2.0), None, "C", activation="relu"),
        Case("N C", "C", A("C", 0.5, 2.0), "C", "C", activation="gelu"),
        Case("N C", "C", A("C", 0.5, 2.0), "C", "C", activation="gelu_tanh"),
        Case("N C", "C", A("C", 0.5, 2.0), "C", "C", activation="silu"),
        Case("N C", "C", A("C", 0.5, 2.0), "C", None, epsilon=0.1),
    ],
    errors=[
        Failure("3", "3", "3", None, None, match="expected x of shape (..., channels)"),
        Failure("2 3", "2", "3", None, None, match="each of 3 channels"),
        Failure("2 3", "3", "3", None, None, activation="tanh", match="activation of batch_norm_infer"),
    ],
    promote="binary float",
)
def batch_norm_infer(
    x: Array,
    mean: Array,
    var: Array,
    gamma: Array | None = None,
    beta: Array | None = None,
    epsilon: float = 1e-3,
    activation: str = "linear",
) -> Array:
    """Batch normalisation at rest: each channel by a mean and a variance learnt before.

    y = x a + b,  a = gamma / sqrt(var + epsilon),  b = beta - mean a,  then the activation

    Args:
        x: shape (..., C).
        mean, var: the moving statistics, each of shape (C,).
        gamma: the scale, shape (C,), or None for 1.
        beta: the shift, shape (C,), or None for 0.
        epsilon: keeps the root away from 0.
        activation: "linear", "relu", "gelu", "gelu_tanh" (its quicker form) or "silu", in the same pass.

    Returns:
        x's shape.

    Raises:
        ShapeError: shapes that do not fit.
        UnknownNameError: another activation.

    >>> batch_norm_infer([[3.0]], [1.0], [4.0], [2.0], [0.5], epsilon=0.0)
    Tensor([[2.5]], dtype=float32)

    Source: Ioffe & Szegedy, "Batch Normalization" (2015), algorithm 2.
    """
    _check_norm("batch_norm_infer", activation, x, mean, var, gamma, beta)
    a, b = _scale_and_shift(mean, var, gamma, beta, epsilon)
    return _activate(x * a + b, activation)


def _scale_and_shift(
    mean: Array, var: Array, gamma: Array | None, beta: Array | None, epsilon: float
) -> tuple[Array, Array]:
    a = 1 / np.sqrt(var + var.dtype.type(epsilon))
    a = a if gamma is None else a * gamma
    return a, -mean * a if beta is None else beta - mean * a


@batch_norm_infer.gradient
def _(
    g: Array,
    y: Array,
    x: Array,
    mean: Array,
    var: Array,
    gamma: Array | None,
    beta: Array | None,
    epsilon: float = 1e-3,
    activation: str = "linear",
) -> tuple[Array | None, ...]:
    axes = tuple(range(x.ndim - 1))
    inv = 1 / np.sqrt(var + var.dtype.type(epsilon))
    scale = inv if gamma is None else inv * gamma
    z = x
    if activation != "linear":
        a, b = _scale_and_shift(mean, var, gamma, beta, epsilon)
        z = x * a + b
    gy = _arrived(g, y, z, activation)
    dbeta = gy.sum(axis=axes)
    along = (gy * (x - mean)).sum(axis=axes)
    return (
        gy * scale,
        -dbeta * scale,
        -along * scale * inv * inv / 2,  # d inv / d var = -inv^3 / 2
        None if gamma is None else along * inv,
        None if beta is None else dbeta,
    )


@batch_norm_infer.fast
def _(
    x: Array,
    mean: Array,
    var: Array,
    gamma: Array | None = None,
    beta: Array | None = None,
    epsilon: float = 1e-3,
    activation: str = "linear",
) -> Any:
    vectors = (mean, var, gamma, beta)
    number = NORM_ACTIVATIONS.get(activation)
    if number is None or x.ndim < 2 or not x.flags.c_contiguous:
        return NotImplemented
    if any(v is not None and v.shape != x.shape[-1:] for v in vectors):
        return NotImplemented
    a, b = _scale_and_shift(mean, var, gamma, beta, epsilon)
    y = kernels.native.batch_norm_infer(x.reshape(flat_rows(x)), a, b, number)
    return y if y is NotImplemented else y.reshape(x.shape)
