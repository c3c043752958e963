"""Ops that are several steps in one, because one pass over memory is faster than several: each has a compiled
twin.

dense (product, bias, activation), softmax with crossentropy, dropout, and batch normalisation in training and
at rest. The NumPy reference states what each computes, step by step; the twin in `neurona.kernels` does it in
one go and takes the same arguments, or hands them back when they are not its case (float64, views with gaps).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from neurona import kernels
from neurona.cases import A, Case, Failure
from neurona.errors import ArgumentError, DTypeError, ShapeError, UnknownNameError
from neurona.tape import op
from neurona.tensor import Array

__all__ = [
    "FUSED_ACTIVATIONS",
    "batch_norm_infer",
    "batch_norm_train",
    "dense",
    "dropout",
    "softmax_crossentropy",
    "sparse_softmax_crossentropy",
]

# -- dense
# ------------------------------------------------------------------------------------------------------

#: The activations that ride in the product's epilogue: name -> number in the kernel.
FUSED_ACTIVATIONS = {"linear": 0, "relu": 1, "tanh": 2, "sigmoid": 3}


def _activate(z: Array, activation: str) -> Array:
    if activation == "relu":
        return np.maximum(z, 0)
    if activation == "tanh":
        return np.tanh(z)
    if activation == "sigmoid":
        e = np.exp(-np.abs(z))  # of the negative size: exp cannot overflow
        return np.where(z >= 0, 1 / (1 + e), e / (1 + e))
    return z


def _slope(y: Array, activation: str) -> Array | float:
    """The activation's derivative, from its result."""
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
        raise ShapeError(
            f"dense expected a kernel of shape (features, units). Received: shape {kernel.shape}."
        )
    if x.ndim == 0 or x.shape[-1] != kernel.shape[0]:
        raise ShapeError(
            f"dense expected {kernel.shape[0]} features on the last axis. Received: shape {x.shape}. "
            "Reshape the input, or flatten it first."
        )
    if bias is not None and bias.shape != kernel.shape[1:]:
        raise ShapeError(f"dense expected a bias of shape {kernel.shape[1:]}. Received: shape {bias.shape}.")
    z = x @ kernel  # (..., C) @ (C, F) -> (..., F)
    return _activate(z if bias is None else z + bias, activation)


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
    gz = g * _slope(y, activation)
    rows, gz_rows = x.reshape(_rows(x)), gz.reshape(_rows(gz))
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
    y = kernels.native.dense(x.reshape(_rows(x)), kernel, bias, number)
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
    rows = (a.reshape(_rows(a)) for a in (g, y, x))
    found = kernels.native.dense_backward(*rows, kernel, needs[2], number, needs[0], needs[1])
    if found is NotImplemented or found[0] is None:
        return found
    return found[0].reshape(x.shape), found[1], found[2]


def _rows(x: Array) -> tuple[int, int]:
    """The shape of x with all axes but the last in one (-1 cannot stand for it: an axis may be empty)."""
    return int(np.prod(x.shape[:-1])), x.shape[-1]


# -- softmax with crossentropy
# ----------------------------------------------------------------------------------


def _log_softmax(logits: Array) -> Array:
    shifted = logits - logits.max(axis=-1, keepdims=True)  # subtract the max: exp overflows float32 above 88
    return np.asarray(shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True)))


def _check_logits(name: str, logits: Array) -> None:
    if logits.ndim == 0 or logits.shape[-1] == 0:
        raise ShapeError(
            f"{name} expected logits with classes on the last axis. Received: shape {logits.shape}."
        )
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
            f"sparse_softmax_crossentropy expected labels of shape {logits.shape[:-1]}. "
            f"Received: shape {labels.shape}."
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


# -- dropout
# ----------------------------------------------------------------------------------------------------


def _lowbias32(x: Array) -> Array:
    """A bijection of 32 bits in which each input bit reaches each output bit (Wellons, "Prospecting for Hash
    Functions", 2018)."""
    x = x ^ (x >> np.uint32(16))
    x = x * np.uint32(0x7FEB352D)
    x = x ^ (x >> np.uint32(15))
    x = x * np.uint32(0x846CA68B)
    return np.asarray(x ^ (x >> np.uint32(16)))


def _keys(key: Array) -> tuple[int, int]:
    if key.shape != (2,) or key.dtype.kind not in "iu":
        raise ArgumentError(f"dropout expected a key of two integers. Received: {key!r}.")
    return int(key[0]) & 0xFFFFFFFF, int(key[1]) & 0xFFFFFFFF


def _check_rate(rate: float) -> None:
    if not 0 <= rate <= 1:
        raise ArgumentError(f"dropout expected a rate from 0 to 1. Received: rate={rate!r}.")


_KEY = A("2", 0, 2**31, kind="int")


@op(
    cases=[Case("N C", _KEY, rate=0.5), Case("N T C", _KEY, rate=0.2), Case("N", _KEY, rate=0.0),
           Case("N", _KEY, rate=1.0)],
    errors=[
        Failure("2 3", _KEY, rate=1.5, match="a rate from 0 to 1. Received: rate=1.5"),
        Failure("2 3", A("3", 0, 9, kind="int"), rate=0.5, match="a key of two integers"),
        Failure(A("2 3", 0, 9, kind="int"), _KEY, rate=0.5, match="expected floats"),
    ],
)  # fmt: skip
def dropout(x: Array, key: Array, rate: float = 0.5) -> Array:
    """Set each element to 0 with probability `rate`, and scale the others so that the mean stays.

    y_i = x_i / (1 - rate)  where  h(i, key) >= rate 2^32,  else 0

    h hashes the element's place in x and the key to 32 bits, so the same key gives the same mask and no mask
    is stored.

    Args:
        x: floats of any shape.
        key: two integers (their low 32 bits count); a new pair for each step.
        rate: the share to drop, 0 to 1.

    Returns:
        x's shape.

    Raises:
        ArgumentError: a rate outside 0 ... 1, or another key.
        DTypeError: x is not made of floats.

    >>> dropout([1.0, 1.0, 1.0, 1.0], [7, 1], rate=0.5)
    Tensor([2., 2., 2., 0.], dtype=float32)

    Source: Srivastava et al., "Dropout" (JMLR 15, 2014).
    """
    _check_rate(rate)
    key0, key1 = _keys(key)
    if x.dtype.kind != "f":
        raise DTypeError(f"dropout expected floats. Received: dtype {x.dtype.name}.")
    place = np.arange(x.size, dtype="uint64")
    low, high = (place & np.uint64(0xFFFFFFFF)).astype("uint32"), (place >> np.uint64(32)).astype("uint32")
    mixed = low ^ _lowbias32(high)
    h = _lowbias32(_lowbias32(mixed + np.uint32(key0)) ^ np.uint32(key1)).reshape(x.shape)
    scale = x.dtype.type(1 / (1 - rate) if rate < 1 else 0)
    return np.asarray(np.where(h >= round(rate * 2**32), x * scale, x.dtype.type(0)))


@dropout.gradient
def _(g: Array, y: Array, x: Array, key: Array, rate: float = 0.5) -> tuple[Array, None]:
    return np.asarray(dropout.reference(g, key, rate)), None  # linear in x: its own gradient


@dropout.fast
def _(x: Array, key: Array, rate: float = 0.5) -> Any:
    return kernels.native.dropout(x, rate, *_keys(key))


@dropout.fast_gradient
def _(g: Array, y: Array, x: Array, key: Array, needs: tuple[bool, bool], rate: float = 0.5) -> Any:
    dx = kernels.native.dropout_backward(g, rate, *_keys(key))
    return dx if dx is NotImplemented else (dx, None)


# -- batch normalisation
# ----------------------------------------------------------------------------------------


def _check_norm(name: str, x: Array, *per_channel: Array | None) -> None:
    if x.ndim < 2:
        raise ShapeError(f"{name} expected x of shape (..., channels). Received: shape {x.shape}.")
    for vector in per_channel:
        if vector is not None and vector.shape != x.shape[-1:]:
            raise ShapeError(
                f"{name} expected one number for each of {x.shape[-1]} channels. "
                f"Received: shape {vector.shape}."
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
    found = kernels.native.batch_norm_train(x.reshape(_rows(x)), gamma, beta, epsilon, relu)
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
    rows = (a.reshape(_rows(a)) for a in (g[0], out, x))
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
    if (
        x.ndim < 2
        or not x.flags.c_contiguous
        or any(v is not None and v.shape != x.shape[-1:] for v in vectors)
    ):
        return NotImplemented
    a, b = _scale_and_shift(mean, var, gamma, beta, epsilon)
    y = kernels.native.batch_norm_infer(x.reshape(_rows(x)), a, b, relu)
    return y if y is NotImplemented else y.reshape(x.shape)
