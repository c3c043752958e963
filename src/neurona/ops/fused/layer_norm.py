"""Layer normalisation in one pass: each row by its own mean and variance, then scaled and shifted."""

from __future__ import annotations

from typing import Any

import numpy as np

from neurona import kernels
from neurona.cases import Case, Failure
from neurona.errors import ShapeError
from neurona.ops.fused.dense import flat_rows
from neurona.tape import op
from neurona.tensor import Array

__all__ = ["layer_norm"]

Triple = tuple[Array | None, Array | None, Array | None]


def _measured(x: Array, epsilon: float) -> tuple[Array, Array]:
    """The normalised rows, and what they were divided by."""
    away = x - x.mean(axis=-1, keepdims=True)
    deviation = np.sqrt(np.square(away).mean(axis=-1, keepdims=True) + x.dtype.type(epsilon))
    return away / deviation, deviation


@op(
    cases=[
        Case("N C", "C", "C", sizes={"C": 1}, tolerance=1e-5),
        Case("N T C", "C", "C", sizes={"C": 3}, epsilon=0.01, tolerance=1e-5),
        Case("N C", None, "C", sizes={"C": 3}, epsilon=0.1),
        Case("N C", "C", None, sizes={"C": 3}, epsilon=0.1),
        Case("C", None, None, sizes={"C": 3}, epsilon=0.1),
    ],
    errors=[
        Failure("2 3", "4", "3", match="each of 3 features"),
        Failure("2 3", "3", "2", match="each of 3 features"),
        Failure("2 0", None, None, match="at least one feature"),
    ],
    promote="binary float",
)
def layer_norm(x: Array, gamma: Array | None = None, beta: Array | None = None, epsilon: float = 1e-3) -> Array:
    """Layer normalisation over the last axis.

    y = gamma (x - mean) / sqrt(variance + epsilon) + beta

    Args:
        x: shape (..., C).
        gamma: the scale, shape (C,), or None for 1.
        beta: the shift, shape (C,), or None for 0.
        epsilon: keeps the root away from 0.

    Returns:
        x's shape.

    Raises:
        ShapeError: no features, or shapes that do not fit.

    >>> layer_norm([[1.0, 3.0], [10.0, 30.0]], [2.0, 2.0], [0.5, 0.5], epsilon=0.0).tolist()
    [[-1.5, 2.5], [-1.5, 2.5]]

    Source: Ba, Kiros & Hinton, "Layer Normalization" (2016).
    """
    if x.ndim == 0 or x.shape[-1] == 0:
        raise ShapeError(f"layer_norm expected at least one feature. Received: shape {x.shape}.")
    for vector in (gamma, beta):
        if vector is not None and vector.shape != x.shape[-1:]:
            raise ShapeError(
                f"layer_norm expected one number for each of {x.shape[-1]} features. Received: shape {vector.shape}."
            )
    y, _ = _measured(x, epsilon)
    y = y if gamma is None else y * gamma
    return y if beta is None else y + beta


@layer_norm.gradient
def _(
    g: Array, y: Array, x: Array, gamma: Array | None, beta: Array | None, needs: tuple[bool, bool, bool],
    epsilon: float = 1e-3,
) -> Triple:  # fmt: skip
    z, deviation = _measured(x, epsilon)
    h = g if gamma is None else g * gamma
    rows = tuple(range(x.ndim - 1))
    # mean and variance depend on every number of the row: they take back their share
    dx = (h - h.mean(axis=-1, keepdims=True) - z * (h * z).mean(axis=-1, keepdims=True)) / deviation
    return dx, (g * z).sum(axis=rows) if needs[1] else None, g.sum(axis=rows) if needs[2] else None


@layer_norm.fast
def _(x: Array, gamma: Array | None = None, beta: Array | None = None, epsilon: float = 1e-3) -> Any:
    if x.ndim == 0 or not x.flags.c_contiguous:
        return NotImplemented
    y = kernels.native.layer_norm(x.reshape(flat_rows(x)), gamma, beta, epsilon)
    return y if y is NotImplemented else y.reshape(x.shape)


@layer_norm.fast_gradient
def _(
    g: Array, y: Array, x: Array, gamma: Array | None, beta: Array | None, needs: tuple[bool, bool, bool],
    epsilon: float = 1e-3,
) -> Any:  # fmt: skip
    if not x.flags.c_contiguous:
        return NotImplemented
    rows = flat_rows(x)
    found = kernels.native.layer_norm_backward(np.ascontiguousarray(g).reshape(rows), x.reshape(rows), gamma, epsilon)
    if found is NotImplemented:
        return NotImplemented
    return found[0].reshape(x.shape), found[1] if needs[1] else None, found[2] if needs[2] else None
