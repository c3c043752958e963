"""Softmax and its kin along an axis, and the crossentropies that measure what comes out of them.

Everything subtracts the largest number first, and logarithms of probabilities are taken of the logits
where they are at hand: an exponential never overflows and a logarithm never sees 0.
"""

from __future__ import annotations

import numpy as np

from neurona import config
from neurona.cases import A, Case, Failure
from neurona.errors import ArgumentError, ShapeError
from neurona.ops.activation import logistic
from neurona.tape import op
from neurona.tensor import Array
from neurona.warn import warn_caller

__all__ = [
    "binary_crossentropy",
    "categorical_crossentropy",
    "log_softmax",
    "softmax",
    "sparse_categorical_crossentropy",
    "sparsemax",
]

Axis = int | tuple[int, ...] | None


def softmax_along(x: Array, axis: Axis = -1) -> Array:
    """e^x / sum(e^x) along `axis`, on arrays."""
    e = np.exp(x - np.max(x, axis=axis, keepdims=True, initial=-np.inf))
    return np.asarray(e / e.sum(axis=axis, keepdims=True))


def log_softmax_along(x: Array, axis: Axis = -1) -> Array:
    """x - log(sum(e^x)) along `axis`, on arrays."""
    if not x.size:
        return x.copy()
    z = x - np.max(x, axis=axis, keepdims=True)
    return np.asarray(z - np.log(np.exp(z).sum(axis=axis, keepdims=True)))


def _check_axis(name: str, x: Array, axis: Axis) -> Axis:
    axes = (axis,) if isinstance(axis, int) else axis
    if axes is None:
        return None
    if any(not -x.ndim <= i < x.ndim for i in axes):
        raise ShapeError(f"{name} expected an axis of x. Received: axis={axis}, shape {x.shape}.")
    return tuple(axes)


AXES = [
    Case("N C", sizes={"C": 2}),
    Case("N C", axis=0, sizes={"N": 2}),
    Case("N T C", axis=(1, 2)),
    Case("N C", axis=None),
]


@op(cases=AXES, errors=[Failure("2 3", axis=2, match="expected an axis of x")], promote="float")
def softmax(x: Array, axis: Axis = -1) -> Array:
    """Turn numbers into probabilities: y = e^x / sum(e^x) along an axis.

    Args:
        x: any shape.
        axis: the axis or axes along which y sums to 1; ``None`` for all.

    Raises:
        ShapeError: x has no such axis.

    >>> softmax([0.0, 0.0, 1000.0, 1000.0])
    Tensor([0. , 0. , 0.5, 0.5], dtype=float32)

    Source: Goodfellow, Bengio & Courville, "Deep Learning" (2016), section 6.2.2.3.
    """
    axes = _check_axis("softmax", x, axis)
    if isinstance(axis, int) and x.shape[axis] == 1:
        warn_caller(
            f"softmax along an axis of length 1 is always 1. Received: axis={axis}, shape {x.shape}. "
            "Did you mean sigmoid?",
        )
    return softmax_along(x, axes)


@softmax.gradient
def _(g: Array, y: Array, x: Array, axis: Axis = -1) -> Array:
    axes = _check_axis("softmax", x, axis)
    return np.asarray(y * (g - (g * y).sum(axis=axes, keepdims=True)))


@op(cases=AXES, errors=[Failure("2 3", axis=2, match="expected an axis of x")], promote="float")
def log_softmax(x: Array, axis: Axis = -1) -> Array:
    """The logarithm of softmax: y = x - log(sum(e^x)) along an axis.

    Args:
        x: any shape.
        axis: the axis or axes; ``None`` for all.

    Raises:
        ShapeError: x has no such axis.

    >>> log_softmax([0.0, 1000.0])
    Tensor([-1000.,     0.], dtype=float32)
    """
    return log_softmax_along(x, _check_axis("log_softmax", x, axis))


@log_softmax.gradient
def _(g: Array, y: Array, x: Array, axis: Axis = -1) -> Array:
    axes = _check_axis("log_softmax", x, axis)
    return np.asarray(g - np.exp(y) * g.sum(axis=axes, keepdims=True))


@op(
    cases=[Case(A("N C", -2, 2.1415), sizes={"C": 2}), Case(A("C N", -2, 2.1415), axis=0, sizes={"C": 2})],
    promote="float",
)
def sparsemax(x: Array, axis: int = -1) -> Array:
    """The nearest point to x among the probabilities: like softmax, but small ones become 0.

    y = max(x - tau, 0)   with tau such that y sums to 1

    Args:
        x: any shape.
        axis: the axis along which y sums to 1.

    (Keras 3.15 on TensorFlow adds up too much for tau: where several numbers stay above 0, its y does not sum
    to 1.)

    >>> sparsemax([1.0, 0.5, -1.0])
    Tensor([0.75, 0.25, 0.  ], dtype=float32)

    Source: Martins & Astudillo, "From softmax to sparsemax" (ICML 2016), algorithm 1.
    """
    z = np.moveaxis(x, axis, -1)
    falling = -np.sort(-z, axis=-1)
    sums = np.cumsum(falling, axis=-1)
    count = np.arange(1, z.shape[-1] + 1, dtype=x.dtype)
    k = (falling * count > sums - 1).sum(axis=-1, keepdims=True)
    tau = (np.take_along_axis(sums, k - 1, axis=-1) - 1) / k.astype(x.dtype)
    return np.asarray(np.moveaxis(np.maximum(z - tau, 0), -1, axis))


@sparsemax.gradient
def _(g: Array, y: Array, x: Array, axis: int = -1) -> Array:
    support = (y > 0).astype(y.dtype)
    mean = (g * support).sum(axis=axis, keepdims=True) / support.sum(axis=axis, keepdims=True)
    return np.asarray(support * (g - mean))


# -- crossentropies --------------------------------------------------------------------------------


def _check_same(target: Array, output: Array) -> None:
    if target.shape != output.shape:
        raise ShapeError(
            "Arguments `target` and `output` must have the same shape. "
            f"Received: target.shape={target.shape}, output.shape={output.shape}"
        )


def _inside(p: Array) -> tuple[Array, Array]:
    """Probabilities held off 0 and 1 by epsilon, and where no holding was needed."""
    low, high = p.dtype.type(config.epsilon()), p.dtype.type(1 - config.epsilon())
    return np.asarray(np.clip(p, low, high)), np.asarray((p >= low) & (p <= high))


PROBABILITIES = A("N C", 0.05, 0.95)


@op(
    cases=[Case(PROBABILITIES, "N C", from_logits=True), Case(PROBABILITIES, PROBABILITIES)],
    errors=[Failure("2 3", "2 4", match="must have the same shape"), Failure("3", "2 3", match="same shape")],
    promote="binary float",
)
def binary_crossentropy(target: Array, output: Array, from_logits: bool = False) -> Array:
    """The surprise at yes-or-no answers, element by element.

    y = -t log(p) - (1 - t) log(1 - p)   with p = sigmoid(output) where from_logits

    Args:
        target: 0 or 1, or a probability between; the shape of `output`.
        output: probabilities, or logits.
        from_logits: whether `output` is logits.

    Raises:
        ShapeError: the shapes differ.

    >>> binary_crossentropy([1.0, 0.0], [0.5, 0.5])
    Tensor([0.6931472, 0.6931472], dtype=float32)
    """
    _check_same(target, output)
    if from_logits:  # log(1 + e^z) - t z, without overflow
        return np.asarray(np.maximum(output, 0) - output * target + np.log1p(np.exp(-np.abs(output))))
    p, _ = _inside(output)
    return np.asarray(-(target * np.log(p) + (1 - target) * np.log(1 - p)))


@binary_crossentropy.gradient
def _(g: Array, y: Array, target: Array, output: Array, from_logits: bool = False) -> tuple[Array, Array]:
    if from_logits:
        return np.asarray(-g * output), np.asarray(g * (logistic(output) - target))
    p, inside = _inside(output)
    return np.asarray(g * (np.log(1 - p) - np.log(p))), np.asarray(g * inside * (p - target) / (p * (1 - p)))


@op(
    cases=[
        Case(PROBABILITIES, "N C", from_logits=True, sizes={"C": 1}),
        Case(PROBABILITIES, A("N C", 0.2, 0.9), sizes={"C": 1}),
        Case(A("C N", 0.05, 0.95), A("C N", 0.2, 0.9), axis=0, sizes={"C": 1}),
    ],
    errors=[
        Failure("2 3", "2 4", match="must have the same shape"),
        Failure("2 3", "2 3", axis=2, match="expected an axis"),
        Failure("", "", match="must be at least rank 1"),
    ],
    promote="binary float",
)
def categorical_crossentropy(target: Array, output: Array, from_logits: bool = False, axis: int = -1) -> Array:
    """The surprise at classes given as probabilities or one-hot rows.

    y = -sum(t log(p)) along an axis   with p = softmax(output) where from_logits, else output / sum(output)

    Args:
        target: what each class's share should be, the shape of `output`.
        output: probabilities, or logits.
        from_logits: whether `output` is logits.
        axis: the axis of the classes.

    Returns:
        output's shape without `axis`.

    Raises:
        ShapeError: the shapes differ, or there is no such axis.

    >>> categorical_crossentropy([[0.0, 1.0]], [[0.5, 0.5]])
    Tensor([0.6931472], dtype=float32)
    """
    if output.ndim < 1:
        raise ShapeError(
            "Arguments `target` and `output` must be at least rank 1. "
            f"Received: target.shape={target.shape}, output.shape={output.shape}"
        )
    _check_same(target, output)
    _check_axis("categorical_crossentropy", output, axis)
    if from_logits:
        return np.asarray(-(target * log_softmax_along(output, axis)).sum(axis=axis))
    p, _ = _inside(output / output.sum(axis=axis, keepdims=True))
    return np.asarray(-(target * np.log(p)).sum(axis=axis))


@categorical_crossentropy.gradient
def _(
    g: Array, y: Array, target: Array, output: Array, from_logits: bool = False, axis: int = -1
) -> tuple[Array, Array]:
    g = np.expand_dims(g, axis)
    if from_logits:
        logp = log_softmax_along(output, axis)
        share = target.sum(axis=axis, keepdims=True)  # 1, unless the targets are no probabilities
        return np.asarray(-g * logp), np.asarray(g * (np.exp(logp) * share - target))
    total = output.sum(axis=axis, keepdims=True)
    q = output / total
    p, inside = _inside(q)
    dq = -target * inside / p
    return np.asarray(-g * np.log(p)), np.asarray(g * (dq - (dq * q).sum(axis=axis, keepdims=True)) / total)


def _classes(target: Array, output: Array, axis: int) -> Array:
    """The class numbers as int64, after a look at their shape and range."""
    if output.ndim < 1:
        raise ShapeError(f"Argument `output` must be at least rank 1. Received: output.shape={output.shape}")
    if axis not in (-1, output.ndim - 1):
        raise ArgumentError(f"Only axis=-1 is currently supported. Received: axis={axis}")
    if target.ndim == output.ndim and target.shape[-1:] == (1,):
        target = target[..., 0]
    if target.shape != output.shape[:-1]:
        raise ShapeError(
            "Arguments `target` and `output` must have the same shape up until the last dimension. "
            f"Received: target.shape={target.shape}, output.shape={output.shape}"
        )
    classes = target.astype("int64")
    count = output.shape[-1]
    if classes.size and (classes.min() < 0 or classes.max() >= count):
        raise ArgumentError(
            f"sparse_categorical_crossentropy expected classes from 0 to {count - 1}, since output has "
            f"{count} columns. Received: classes from {classes.min()} to {classes.max()}."
        )
    return np.asarray(classes)


@op(
    cases=[
        Case(A("N", 0, 3, kind="int"), "N 3", from_logits=True),
        Case(A("N T", 0, 3, kind="int"), A("N T 3", 0.1, 0.9)),
        Case(A("N 1", 0, 3, kind="int"), A("N 3", 0.1, 0.9)),
    ],
    errors=[
        Failure(A("3", 0, 2, kind="int"), "2 3", match="up until the last dimension"),
        Failure(A("2", 7, 8, kind="int"), "2 3", match="expected classes from 0 to 2"),
        Failure(A("2", 0, 2, kind="int"), "2 3", axis=0, match="Only axis=-1"),
    ],
)
def sparse_categorical_crossentropy(target: Array, output: Array, from_logits: bool = False, axis: int = -1) -> Array:
    """The surprise at classes given by their numbers.

    y = -log(p[target])   with p = softmax(output) where from_logits, else output / sum(output)

    Args:
        target: class numbers, output's shape without its last axis (or with 1 there).
        output: probabilities, or logits; the classes are on the last axis.
        from_logits: whether `output` is logits.
        axis: the axis of the classes; only the last one is supported.

    Returns:
        output's shape without the last axis.

    Raises:
        ShapeError: the shapes do not fit.
        ArgumentError: a class number that `output` has no column for, or another axis.

    >>> sparse_categorical_crossentropy([1], [[0.5, 0.5]])
    Tensor([0.6931472], dtype=float32)
    """
    output = output if output.dtype.kind == "f" else output.astype(config.floatx())
    classes = _classes(target, output, axis)
    logits = output if from_logits else np.log(_inside(output)[0])
    logp = log_softmax_along(logits)  # which also divides probabilities by their sum
    return np.asarray(-np.take_along_axis(logp, classes[..., None], axis=-1)[..., 0])


@sparse_categorical_crossentropy.gradient
def _(
    g: Array, y: Array, target: Array, output: Array, from_logits: bool = False, axis: int = -1
) -> tuple[None, Array]:
    classes = _classes(target, output, axis)
    p, inside = _inside(output)
    d = softmax_along(output if from_logits else np.log(p))
    at = classes[..., None]
    np.put_along_axis(d, at, np.take_along_axis(d, at, axis=-1) - 1, axis=-1)
    d *= g[..., None]
    return None, d if from_logits else np.asarray(d * inside / p)
