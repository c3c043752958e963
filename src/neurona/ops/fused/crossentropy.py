"""Softmax with crossentropy in one op, for class numbers and for rows of probabilities."""

from __future__ import annotations

from typing import Any

import numpy as np

from neurona import kernels
from neurona.cases import A, Case, Failure
from neurona.errors import ArgumentError, DTypeError, ShapeError
from neurona.tape import op
from neurona.tensor import Array

__all__ = ["softmax_crossentropy", "sparse_softmax_crossentropy"]


def _log_softmax(logits: Array) -> Array:
    shifted = logits - logits.max(axis=-1, keepdims=True)  # subtract the max: exp overflows float32 above 88
    return np.asarray(shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True)))


def _check_logits(name: str, logits: Array) -> None:
    if logits.ndim == 0 or logits.shape[-1] == 0:
        raise ShapeError(f"{name} expected logits with classes on the last axis. Received: shape {logits.shape}.")
    if logits.dtype.kind != "f":
        raise DTypeError(f"{name} expected float logits. Received: dtype {logits.dtype.name}.")


def _through_probabilities(g: Array | None, probs: Array) -> Array | float:
    """What a gradient of the probabilities themselves adds: the softmax's own way back."""
    if g is None:
        return 0.0
    return np.asarray(probs * (g - (g * probs).sum(axis=-1, keepdims=True)))


_LABELS = A("N", 0, 5, kind="int")
Pair = tuple[Array | None, Array | None]


@op(
    cases=[
        Case("N 5", _LABELS),
        Case("N T 5", A("N T", 0, 5, kind="int")),
        Case(A("N 5", -300.0, 300.0), _LABELS),
    ],
    errors=[
        Failure("2 3", A("2", 3, 4, kind="int"), match="Received: label 3 at position 0"),
        Failure("2 3", A("2", -1, 0, kind="int"), match="labels from 0 to 2"),
        Failure("2 3", A("4", 0, 3, kind="int"), match="expected labels of shape (2,)"),
        Failure("2 3", "2", match="expected integer labels"),
        Failure("2 0", A("2", 0, 3, kind="int"), match="classes on the last axis"),
        Failure(A("2 3", kind="bool"), A("2", 0, 3, kind="int"), match="expected float logits"),
    ],
)
def sparse_softmax_crossentropy(logits: Array, labels: Array) -> tuple[Array, Array]:
    """Crossentropy between integer labels and the softmax of logits, and that softmax.

    p_j = exp(x_j) / sum_k exp(x_k),    loss = -log p_label

    Args:
        logits: shape (..., C).
        labels: integers from 0 to C - 1, shape (...).

    Returns:
        the losses, shape (...), and the probabilities, shape (..., C).

    Raises:
        ArgumentError: a label outside 0 ... C - 1.
        ShapeError, DTypeError: shapes or types that do not fit.

    >>> loss, probs = sparse_softmax_crossentropy([[0.0, 0.0]], [1])
    >>> loss, probs
    (Tensor([0.6931472], dtype=float32), Tensor([[0.5, 0.5]], dtype=float32))

    Source: Goodfellow, Bengio & Courville, "Deep Learning" (2016), section 6.2.2.3.
    """
    _check_logits("sparse_softmax_crossentropy", logits)
    if labels.dtype.kind not in "iu":
        raise DTypeError(
            f"sparse_softmax_crossentropy expected integer labels. Received: dtype {labels.dtype.name}. "
            "One-hot targets belong to softmax_crossentropy."
        )
    if labels.shape != logits.shape[:-1]:
        raise ShapeError(
            f"sparse_softmax_crossentropy expected labels of shape {logits.shape[:-1]}. Received: shape {labels.shape}."
        )
    classes = logits.shape[-1]
    outside = np.flatnonzero((labels < 0) | (labels >= classes))
    if outside.size:
        place = int(outside[0])
        raise ArgumentError(
            f"Expected labels from 0 to {classes - 1} ({classes} classes). "
            f"Received: label {labels.reshape(-1)[place]} at position {place}."
        )
    log_probs = _log_softmax(logits)
    loss = -np.take_along_axis(log_probs, labels[..., None].astype("int64"), axis=-1)[..., 0]
    return loss, np.exp(log_probs)


@sparse_softmax_crossentropy.gradient
def _(g: Pair, y: tuple[Array, Array], logits: Array, labels: Array) -> tuple[Array, None]:
    probs = y[1]
    dlogits = np.zeros_like(probs) + _through_probabilities(g[1], probs)
    if g[0] is not None:
        one_hot = labels[..., None] == np.arange(probs.shape[-1])
        dlogits += g[0][..., None] * (probs - one_hot)
    return dlogits, None


@sparse_softmax_crossentropy.fast
def _(logits: Array, labels: Array) -> Any:
    return kernels.native.softmax_crossentropy(logits, labels) if labels.ndim == 1 else NotImplemented


@sparse_softmax_crossentropy.fast_gradient
def _(g: Pair, y: tuple[Array, Array], logits: Array, labels: Array, needs: tuple[bool, bool]) -> Any:
    if g[0] is None or labels.ndim != 1:
        return NotImplemented
    dlogits = kernels.native.softmax_crossentropy_backward(g[0], y[1], labels)
    if dlogits is NotImplemented or g[1] is None:
        return dlogits if dlogits is NotImplemented else (dlogits, None)
    return dlogits + _through_probabilities(g[1], y[1]), None


@op(
    cases=[
        Case("N 5", A("N 5", 0.0, 1.0)),
        Case("N T 3", A("N T 3", 0.0, 1.0)),
        Case("3", "3"),
        Case(A("N 4", -300.0, 300.0), A("N 4", 0.0, 1.0)),
    ],
    errors=[
        Failure("2 3", "2 4", match="expected targets of shape (2, 3)"),
        Failure("2 0", "2 0", match="classes on the last axis"),
        Failure("2 3", A("2", 0, 3, kind="int"), match="expected targets of shape (2, 3)"),
    ],
    promote="binary float",
)
def softmax_crossentropy(logits: Array, targets: Array) -> tuple[Array, Array]:
    """Crossentropy between target distributions and the softmax of logits, and that softmax.

    p_j = exp(x_j) / sum_k exp(x_k),    loss = -sum_j t_j log p_j

    Args:
        logits: shape (..., C).
        targets: how much of each class is expected, shape (..., C): one-hot, smoothed or mixed.

    Returns:
        the losses, shape (...), and the probabilities, shape (..., C).

    Raises:
        ShapeError: the shapes differ, or there are no classes.

    >>> loss, probs = softmax_crossentropy([[0.0, 0.0]], [[0.25, 0.75]])
    >>> loss, probs
    (Tensor([0.6931472], dtype=float32), Tensor([[0.5, 0.5]], dtype=float32))

    Source: Goodfellow, Bengio & Courville, "Deep Learning" (2016), section 6.2.2.3.
    """
    _check_logits("softmax_crossentropy", logits)
    if targets.shape != logits.shape:
        raise ShapeError(
            f"softmax_crossentropy expected targets of shape {logits.shape}. "
            f"Received: shape {targets.shape}. Integer labels belong to sparse_softmax_crossentropy."
        )
    log_probs = _log_softmax(logits)
    return -(targets * log_probs).sum(axis=-1), np.exp(log_probs)


@softmax_crossentropy.gradient
def _(
    g: Pair, y: tuple[Array, Array], logits: Array, targets: Array, needs: tuple[bool, bool]
) -> tuple[Array | None, Array | None]:
    probs = y[1]
    dlogits = np.zeros_like(probs) + _through_probabilities(g[1], probs)
    if g[0] is None:
        return dlogits, np.zeros_like(targets)
    dlogits += g[0][..., None] * (probs * targets.sum(axis=-1, keepdims=True) - targets)
    return dlogits, -g[0][..., None] * _log_softmax(logits) if needs[1] else None


@softmax_crossentropy.fast
def _(logits: Array, targets: Array) -> Any:
    return kernels.native.softmax_crossentropy(logits, targets) if targets.ndim == 2 else NotImplemented


@softmax_crossentropy.fast_gradient
def _(g: Pair, y: tuple[Array, Array], logits: Array, targets: Array, needs: tuple[bool, bool]) -> Any:
    if g[0] is None or needs[1]:
        return NotImplemented
    dlogits = kernels.native.softmax_crossentropy_backward(g[0], y[1], targets)
    if dlogits is NotImplemented or g[1] is None:
        return dlogits if dlogits is NotImplemented else (dlogits, None)
    return dlogits + _through_probabilities(g[1], y[1]), None
