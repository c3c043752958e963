"""Batch normalisation in few passes: with the batch's statistics while training, with given ones at rest."""

from __future__ import annotations

from typing import Any

import numpy as np

from neurona import kernels
from neurona.cases import A, Case, Failure
from neurona.errors import ShapeError
from neurona.ops.fused.dense import flat_rows
from neurona.tape import op
from neurona.tensor import Array

__all__ = ["batch_norm_infer", "batch_norm_train"]


def _check_norm(name: str, x: Array, *per_channel: Array | None) -> None:
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
        Case("N C", "C", "C", sizes={"N": 1}, relu=True, tolerance=1e-5),
        Case("N T C", "C", None, sizes={"N": 2, "T": 2}, epsilon=0.1),
        Case("N C", None, None, sizes={"N": 3}, epsilon=0.01),
    ],
    errors=[
        Failure("3", "3", "3", match="expected x of shape (..., channels)"),
        Failure("2 3", "4", "3", match="each of 3 channels"),
        Failure("0 3", "3", "3", match="at least one row"),
    ],
    promote="binary float",
)
def batch_norm_train(
    x: Array,
    gamma: Array | None = None,
    beta: Array | None = None,
    epsilon: float = 1e-3,
    relu: bool = False,
) -> tuple[Array, Array, Array]:
    """Batch normalisation in training: each channel by the mean and variance of this batch.

    y = gamma (x - mean) / sqrt(var + epsilon) + beta,  then max(y, 0) if `relu`

    Args:
        x: shape (..., C); all axes but the last are the batch.
        gamma: the scale, shape (C,), or None for 1.
        beta: the shift, shape (C,), or None for 0.
        epsilon: keeps the root away from 0.
        relu: let a relu follow in the same pass.

    Returns:
        y with x's shape; the batch's mean and (biased) variance, each of shape (C,).

    Raises:
        ShapeError: no rows, or shapes that do not fit.

    >>> y, mean, var = batch_norm_train([[1.0], [3.0]], [2.0], [0.5], epsilon=0.0)
    >>> y.tolist(), mean.tolist(), var.tolist()
    ([[-1.5], [2.5]], [2.0], [1.0])

    Source: Ioffe & Szegedy, "Batch Normalization" (2015), algorithm 1.
    """
    _check_norm("batch_norm_train", x, gamma, beta)
    if np.prod(x.shape[:-1]) == 0:
        raise ShapeError(f"batch_norm_train expected at least one row. Received: shape {x.shape}.")
    axes = tuple(range(x.ndim - 1))
    mean, var = x.mean(axis=axes), x.var(axis=axes)
    y = (x - mean) / np.sqrt(var + x.dtype.type(epsilon))
    y = y if gamma is None else y * gamma
    y = y if beta is None else y + beta
    return np.maximum(y, 0) if relu else y, mean, var


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
    relu: bool = False,
) -> Triple:
    axes, count = tuple(range(x.ndim - 1)), x.dtype.type(np.prod(x.shape[:-1]))
    out, mean, var = y
    inv = 1 / np.sqrt(var + x.dtype.type(epsilon))
    xhat = (x - mean) * inv
    gy = np.zeros_like(x) if g[0] is None else g[0] * (out > 0) if relu else g[0]
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
    x: Array, gamma: Array | None = None, beta: Array | None = None, epsilon: float = 1e-3, relu: bool = False
) -> Any:
    if x.ndim < 2 or not x.flags.c_contiguous:
        return NotImplemented
    found = kernels.native.batch_norm_train(x.reshape(flat_rows(x)), gamma, beta, epsilon, relu)
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
    relu: bool = False,
) -> Any:
    out, mean, var = y
    if g[0] is None or not (x.flags.c_contiguous and out.flags.c_contiguous and g[0].flags.c_contiguous):
        return NotImplemented
    rows = (a.reshape(flat_rows(a)) for a in (g[0], out, x))
    found = kernels.native.batch_norm_backward(*rows, gamma, mean, var, epsilon, relu)
    if found is NotImplemented:
        return NotImplemented
    dx = found[0].reshape(x.shape)
    if g[1] is not None or g[2] is not None:
        dx = dx + _through_statistics(g, x, mean)
    return dx, found[1] if needs[1] else None, found[2] if needs[2] else None


@op(
    cases=[
        Case("N C", "C", A("C", 0.5, 2.0), "C", "C"),
        Case("N T C", "C", A("C", 0.5, 2.0), None, "C", relu=True),
        Case("N C", "C", A("C", 0.5, 2.0), "C", None, epsilon=0.1),
    ],
    errors=[
        Failure("3", "3", "3", None, None, match="expected x of shape (..., channels)"),
        Failure("2 3", "2", "3", None, None, match="each of 3 channels"),
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
    relu: bool = False,
) -> Array:
    """Batch normalisation at rest: each channel by a mean and a variance learnt before.

    y = x a + b,  a = gamma / sqrt(var + epsilon),  b = beta - mean a,  then max(y, 0) if `relu`

    Args:
        x: shape (..., C).
        mean, var: the moving statistics, each of shape (C,).
        gamma: the scale, shape (C,), or None for 1.
        beta: the shift, shape (C,), or None for 0.
        epsilon: keeps the root away from 0.
        relu: let a relu follow in the same pass.

    Returns:
        x's shape.

    Raises:
        ShapeError: shapes that do not fit.

    >>> batch_norm_infer([[3.0]], [1.0], [4.0], [2.0], [0.5], epsilon=0.0)
    Tensor([[2.5]], dtype=float32)

    Source: Ioffe & Szegedy, "Batch Normalization" (2015), algorithm 2.
    """
    _check_norm("batch_norm_infer", x, mean, var, gamma, beta)
    a, b = _scale_and_shift(mean, var, gamma, beta, epsilon)
    y = x * a + b
    return np.maximum(y, 0) if relu else y


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
    relu: bool = False,
) -> tuple[Array | None, ...]:
    axes = tuple(range(x.ndim - 1))
    inv = 1 / np.sqrt(var + var.dtype.type(epsilon))
    scale = inv if gamma is None else inv * gamma
    gy = g * (y > 0) if relu else g
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
    relu: bool = False,
) -> Any:
    vectors = (mean, var, gamma, beta)
    if x.ndim < 2 or not x.flags.c_contiguous or any(v is not None and v.shape != x.shape[-1:] for v in vectors):
        return NotImplemented
    a, b = _scale_and_shift(mean, var, gamma, beta, epsilon)
    y = kernels.native.batch_norm_infer(x.reshape(flat_rows(x)), a, b, relu)
    return y if y is NotImplemented else y.reshape(x.shape)
