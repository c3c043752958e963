"""Random numbers under `keras.random`'s names: every draw is a pure function of a seed and a counter.

`neurona.seeds` says where they come from; its names are public here.

The numbers come from NumPy's Philox. All draws are stateful ops: a recorded step that is repeated draws anew.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from neurona import config
from neurona.cases import A, Case, Failure
from neurona.errors import ArgumentError, ShapeError
from neurona.ops import fused
from neurona.ops.elementwise import add, multiply
from neurona.ops.index import take
from neurona.ops.shape import broadcast_to
from neurona.seeds import (
    Seed,
    SeedGenerator,
    global_seed_generator,
    make_default_seed,
    next_keys,
    numbers_of,
    set_global_seed,
)
from neurona.symbolic import call_symbolically, has_symbolic
from neurona.tape import composed, op
from neurona.tensor import Array, Tensor, TensorLike, as_array, as_tensor

__all__ = [
    "SeedGenerator",
    "beta",
    "binomial",
    "categorical",
    "dropout",
    "gamma",
    "global_seed_generator",
    "make_default_seed",
    "next_keys",
    "normal",
    "randint",
    "set_global_seed",
    "shuffle",
    "truncated_normal",
    "uniform",
]

Shape = Any  # a tuple or list of lengths, or a tensor of them


# -- floats --------------------------------------------------------------------------------


def _shape(shape: Shape) -> tuple[int, ...]:
    lengths = shape if isinstance(shape, (tuple, list)) else np.atleast_1d(as_array(shape)).tolist()
    sizes = tuple(int(n) for n in lengths)
    if any(n < 0 for n in sizes):
        raise ShapeError(f"Random numbers expected a shape without negative lengths. Received: shape={sizes}.")
    return sizes


def _float(name: str, dtype: npt.DTypeLike | None) -> np.dtype[Any]:
    found = np.dtype(dtype or config.floatx())
    if found.kind != "f":
        raise ArgumentError(f"`keras.random.{name}` requires a floating point `dtype`. Received: dtype={found.name}")
    return found


def _drawn_as(dtype: np.dtype[Any]) -> Any:
    """The type that NumPy can draw in: float16 is drawn as float32."""
    return np.float64 if dtype == np.float64 else np.float32


@op(cases=[Case(shape=(2, 3), dtype=np.dtype("float32"), seed=1)], stateful=True)
def _standard_normal(shape: Shape, dtype: np.dtype[Any], seed: Seed) -> Array:
    """Numbers of mean 0 and deviation 1."""
    return np.asarray(numbers_of(seed).standard_normal(shape, _drawn_as(dtype)), dtype)


@op(cases=[Case(shape=(2, 3), dtype=np.dtype("float32"), seed=1)], stateful=True)
def _truncated_normal(shape: Shape, dtype: np.dtype[Any], seed: Seed) -> Array:
    """Numbers of a standard normal distribution, drawn again where they are beyond 2."""
    rng = numbers_of(seed)
    z = rng.standard_normal(shape, _drawn_as(dtype))
    flat = z.reshape(-1)
    far = np.flatnonzero(np.abs(flat) > 2)
    while far.size:  # one in 22 is beyond: some eight rounds for a million
        flat[far] = rng.standard_normal(far.size, _drawn_as(dtype))
        far = far[np.abs(flat[far]) > 2]
    return np.asarray(z, dtype)


def _moved(z: Tensor, mean: TensorLike, stddev: TensorLike) -> Tensor:
    """mean + stddev z; gradients flow to both."""
    if type(stddev) not in (int, float) or stddev != 1:
        z = multiply(z, stddev)
    if type(mean) not in (int, float) or mean != 0:
        z = add(z, mean)
    return z


@composed(
    cases=[Case(shape=(2, 3), seed=1), Case(shape=(2, 3), mean=4.0, stddev=0.5, dtype="float64", seed=1)],
    errors=[
        Failure(shape=(2,), dtype="int32", match="requires a floating point"),
        Failure(shape=(-2,), match="without negative lengths"),
        Failure(shape=(2,), seed="one", match="must be either an integer or an instance of `SeedGenerator`"),
    ],
)
def normal(
    shape: Shape,
    mean: TensorLike = 0.0,
    stddev: TensorLike = 1.0,
    dtype: npt.DTypeLike | None = None,
    seed: Seed = None,
) -> Tensor:
    """Numbers of a normal distribution.

    Args:
        shape: of the result.
        mean, stddev: its mean and standard deviation.
        dtype: a float type, `floatx` unless told.
        seed: an integer, a `SeedGenerator`, or ``None`` for the shared one.

    Raises:
        ArgumentError: another dtype.

    >>> normal((2, 3), seed=1).shape
    (2, 3)
    """
    z = _standard_normal(shape=_shape(shape), dtype=_float("normal", dtype), seed=seed)
    return _moved(z, mean, stddev)


@composed(
    cases=[Case(shape=(2, 3), seed=1), Case(shape=(2, 3), mean=4.0, stddev=0.5, dtype="float64", seed=1)],
    errors=[Failure(shape=(2,), dtype="int32", match="requires a floating point")],
)
def truncated_normal(
    shape: Shape,
    mean: TensorLike = 0.0,
    stddev: TensorLike = 1.0,
    dtype: npt.DTypeLike | None = None,
    seed: Seed = None,
) -> Tensor:
    """Numbers of a normal distribution, none further than two standard deviations from the mean.

    Args:
        shape: of the result.
        mean, stddev: those of the distribution before it is cut.
        dtype: a float type, `floatx` unless told.
        seed: an integer, a `SeedGenerator`, or ``None`` for the shared one.

    Raises:
        ArgumentError: another dtype.

    >>> bool((abs(truncated_normal((100,), seed=1).numpy()) <= 2).all())
    True
    """
    z = _truncated_normal(shape=_shape(shape), dtype=_float("truncated_normal", dtype), seed=seed)
    return _moved(z, mean, stddev)


@op(
    cases=[Case(0.0, 1.0, shape=(2, 3), dtype=np.dtype("float32"), seed=1)],
    stateful=True,
)
def _uniform(minval: Array, maxval: Array, shape: Shape, dtype: np.dtype[Any], seed: Seed) -> Array:
    """Numbers from minval up to maxval, left out."""
    low, high = np.asarray(minval, dtype), np.asarray(maxval, dtype)
    u = numbers_of(seed).random(shape, _drawn_as(dtype)).astype(dtype)
    y = low + (high - low) * u
    # rounding may reach maxval, which is not part of the range
    return np.asarray(np.where((y >= high) & (high > low), np.nextafter(high, low), y), dtype)


@composed(
    cases=[Case(shape=(2, 3), seed=1), Case(shape=(2,), minval=-3.0, maxval=4.0, dtype="float64", seed=1)],
    errors=[Failure(shape=(2,), dtype="int32", match="`keras.random.uniform` requires a floating point `dtype`")],
)
def uniform(
    shape: Shape,
    minval: TensorLike = 0.0,
    maxval: TensorLike = 1.0,
    dtype: npt.DTypeLike | None = None,
    seed: Seed = None,
) -> Tensor:
    """Numbers spread evenly from `minval` up to `maxval`, left out.

    Args:
        shape: of the result.
        minval, maxval: the range.
        dtype: a float type, `floatx` unless told.
        seed: an integer, a `SeedGenerator`, or ``None`` for the shared one.

    Raises:
        ArgumentError: another dtype.

    >>> u = uniform((100,), 2.0, 3.0, seed=1).numpy()
    >>> bool((u >= 2).all() and (u < 3).all())
    True
    """
    drawn: Tensor = _uniform(minval, maxval, shape=_shape(shape), dtype=_float("uniform", dtype), seed=seed)
    return drawn


@op(cases=[Case(A("N", 0.5, 3.0), shape=None, seed=1)], stateful=True)
def _gamma(alpha: Array, shape: Shape, dtype: np.dtype[Any] | None = None, seed: Seed = None) -> Array:
    """Numbers of gamma distributions of scale 1."""
    return np.asarray(numbers_of(seed).standard_gamma(alpha, shape), dtype or config.floatx())


@composed(
    cases=[Case(shape=(2, 3), alpha=0.5, seed=1)],
    errors=[Failure(shape=(2,), alpha=-1.0, match="gamma expected alpha above 0")],
)
def gamma(shape: Shape, alpha: TensorLike, dtype: npt.DTypeLike | None = None, seed: Seed = None) -> Tensor:
    """Numbers of a gamma distribution of scale 1.

    Args:
        shape: of the result.
        alpha: its shape parameter, above 0; broadcast to `shape`.
        dtype: a float type, `floatx` unless told.
        seed: an integer, a `SeedGenerator`, or ``None`` for the shared one.

    Raises:
        ArgumentError: alpha is not above 0.

    >>> bool((gamma((100,), 2.0, seed=1).numpy() > 0).all())
    True
    """
    _check_all_above("gamma", "alpha", alpha)
    drawn: Tensor = _gamma(alpha, shape=_shape(shape), dtype=_float("gamma", dtype), seed=seed)
    return drawn


def _check_all_above(name: str, argument: str, value: TensorLike) -> None:
    if np.any(as_array(value) <= 0):
        raise ArgumentError(f"{name} expected {argument} above 0. Received: {argument}={value}.")


@op(cases=[Case(A("N", 0.5, 3.0), A("N", 0.5, 3.0), shape=None, seed=1)], stateful=True)
def _beta(alpha: Array, beta: Array, shape: Shape, dtype: np.dtype[Any] | None = None, seed: Seed = None) -> Array:
    """Numbers of beta distributions."""
    return np.asarray(numbers_of(seed).beta(alpha, beta, shape), dtype or config.floatx())


@composed(
    cases=[Case(shape=(2, 3), alpha=0.5, beta=2.0, seed=1)],
    errors=[Failure(shape=(2,), alpha=1.0, beta=0.0, match="beta expected beta above 0")],
)
def beta(
    shape: Shape, alpha: TensorLike, beta: TensorLike, dtype: npt.DTypeLike | None = None, seed: Seed = None
) -> Tensor:
    """Numbers of a beta distribution, between 0 and 1, with mean alpha / (alpha + beta).

    Args:
        shape: of the result.
        alpha, beta: its parameters, above 0; broadcast to `shape`.
        dtype: a float type, `floatx` unless told.
        seed: an integer, a `SeedGenerator`, or ``None`` for the shared one.

    Raises:
        ArgumentError: a parameter is not above 0.

    >>> b = beta((100,), 2.0, 3.0, seed=1).numpy()
    >>> bool((b >= 0).all() and (b <= 1).all())
    True
    """
    _check_all_above("beta", "alpha", alpha)
    _check_all_above("beta", "beta", beta)
    drawn: Tensor = _beta(alpha, beta, shape=_shape(shape), dtype=_float("beta", dtype), seed=seed)
    return drawn


@op(cases=[Case(A("N", 1, 9, kind="int"), A("N", 0.1, 0.9), shape=None, seed=1)], stateful=True)
def _binomial(
    counts: Array, probabilities: Array, shape: Shape, dtype: np.dtype[Any] | None = None, seed: Seed = None
) -> Array:
    """How many of so many trials succeed."""
    trials = np.asarray(counts).astype("int64")
    return np.asarray(numbers_of(seed).binomial(trials, probabilities, shape), dtype or config.floatx())


@composed(
    cases=[Case(shape=(2, 3), counts=5, probabilities=0.5, seed=1)],
    errors=[Failure(shape=(2,), counts=5, probabilities=1.5, match="probabilities from 0 to 1")],
)
def binomial(
    shape: Shape,
    counts: TensorLike,
    probabilities: TensorLike,
    dtype: npt.DTypeLike | None = None,
    seed: Seed = None,
) -> Tensor:
    """How many of `counts` independent trials succeed, as floats.

    Args:
        shape: of the result.
        counts: the number of trials; broadcast to `shape`.
        probabilities: of a success, 0 to 1; broadcast to `shape`.
        dtype: a float type, `floatx` unless told.
        seed: an integer, a `SeedGenerator`, or ``None`` for the shared one.

    Raises:
        ArgumentError: a negative count, or a probability outside 0 ... 1.

    >>> b = binomial((100,), 3, 0.5, seed=1).numpy()
    >>> bool((b >= 0).all() and (b <= 3).all())
    True
    """
    n, p = as_array(counts), as_array(probabilities)
    if np.any(n < 0) or np.any((p < 0) | (p > 1)):
        raise ArgumentError(
            "binomial expected counts from 0 on and probabilities from 0 to 1. "
            f"Received: counts={counts}, probabilities={probabilities}."
        )
    return _binomial(  # type: ignore[no-any-return]
        counts, probabilities, shape=_shape(shape), dtype=_float("binomial", dtype), seed=seed
    )


# -- integers --------------------------------------------------------------------------------


@op(cases=[Case(0, 9, shape=(2, 3), dtype=np.dtype("int32"), seed=1)], stateful=True)
def _randint(minval: Array, maxval: Array, shape: Shape, dtype: np.dtype[Any], seed: Seed) -> Array:
    """Whole numbers from minval up to maxval, left out."""
    low, high = np.asarray(minval).astype("int64"), np.asarray(maxval).astype("int64")
    return np.asarray(numbers_of(seed).integers(low, high, shape), dtype)


@composed(
    cases=[
        Case(shape=(2, 3), minval=0, maxval=5, seed=1),
        Case(shape=(2,), minval=-3, maxval=4, dtype="int64", seed=1),
    ],
    errors=[
        Failure(shape=(2,), minval=0, maxval=5, dtype="float32", match="requires an integer `dtype`"),
        Failure(shape=(2,), minval=5, maxval=5, match="randint expected minval below maxval"),
    ],
)
def randint(
    shape: Shape, minval: TensorLike, maxval: TensorLike, dtype: npt.DTypeLike = "int32", seed: Seed = None
) -> Tensor:
    """Whole numbers from `minval` up to `maxval`, left out.

    Args:
        shape: of the result.
        minval, maxval: the range.
        dtype: an integer type.
        seed: an integer, a `SeedGenerator`, or ``None`` for the shared one.

    Raises:
        ArgumentError: another dtype.
        ArgumentError: an empty range.

    >>> r = randint((100,), 2, 5, seed=1).numpy()
    >>> r.min(), r.max(), r.dtype.name
    (np.int32(2), np.int32(4), 'int32')
    """
    found = np.dtype(dtype)
    if found.kind not in "iu":
        raise ArgumentError(f"`keras.random.randint` requires an integer `dtype`. Received: dtype={found.name}")
    if np.any(as_array(minval) >= as_array(maxval)):
        raise ArgumentError(f"randint expected minval below maxval. Received: minval={minval}, maxval={maxval}.")
    drawn: Tensor = _randint(minval, maxval, shape=_shape(shape), dtype=found, seed=seed)
    return drawn


@op(
    cases=[Case("N C", num_samples=3, sizes={"C": 1}, seed=1)],
    errors=[Failure("3", num_samples=1, seed=1, match="`logits` should be a 2-D tensor")],
    stateful=True,
)
def categorical(logits: Array, num_samples: int, dtype: npt.DTypeLike = "int32", seed: Seed = None) -> Array:
    """Class numbers drawn with probabilities softmax(logits).

    Args:
        logits: shape (N, C).
        num_samples: how many to draw for each row.
        dtype: an integer type.
        seed: an integer, a `SeedGenerator`, or ``None`` for the shared one.

    Returns:
        shape (N, num_samples).

    Raises:
        ShapeError: the logits do not have two axes.

    >>> categorical([[0.0, 100.0]], 4, seed=1)
    Tensor([[1, 1, 1, 1]], dtype=int32)

    Source: Gumbel (1954): the largest of logits plus Gumbel noise falls on each class with its probability.
    """
    if logits.ndim != 2:
        raise ShapeError(
            f"`logits` should be a 2-D tensor with shape [batch_size, num_classes]. Received: shape {logits.shape}."
        )
    rows, classes = logits.shape
    noise = numbers_of(seed).gumbel(size=(rows, num_samples, classes))
    return np.asarray(np.argmax(logits[:, None, :] + noise, axis=-1), dtype)


# -- tensors in, tensors out -------------------------------------------------------------------------------


@op(cases=[Case(n=5, seed=1)], stateful=True)
def _permutation(n: int, seed: Seed) -> Array:
    """The numbers from 0 up to n in a drawn order."""
    return numbers_of(seed).permutation(n).astype("int32")


@composed(
    cases=[Case("N C", 0, 1), Case("N C", 1, 1)],
    errors=[Failure("2 3", axis=2, match="shuffle expected an axis of x")],
)
def shuffle(x: TensorLike, axis: int = 0, seed: Seed = None) -> Tensor:
    """The slices along an axis in a drawn order.

    Args:
        x: any shape.
        axis: the axis to shuffle along.
        seed: an integer, a `SeedGenerator`, or ``None`` for the shared one.

    Raises:
        ShapeError: x has no such axis.

    >>> sorted(shuffle([1.0, 2.0, 3.0], seed=1).tolist())
    [1.0, 2.0, 3.0]
    """
    x = as_tensor(x)
    if not -x.ndim <= axis < x.ndim:
        raise ShapeError(f"shuffle expected an axis of x. Received: axis={axis}, shape {x.shape}.")
    return take(x, _permutation(n=x.shape[axis], seed=seed), axis=axis)  # type: ignore[no-any-return]


def dropout(inputs: TensorLike, rate: float, noise_shape: Shape = None, seed: Seed = None) -> Tensor:
    """Set each element to 0 with probability `rate`, and scale the others by 1 / (1 - rate).

    Args:
        inputs: floats of any shape.
        rate: the share to drop, 0 to 1.
        noise_shape: a shape that broadcasts to the inputs': elements that share a draw fall together;
            ``None`` (also for single lengths) means the inputs' own.
        seed: an integer, a `SeedGenerator`, or ``None`` for the shared one.

    Returns:
        the inputs' shape.

    Raises:
        ArgumentError: a rate outside 0 ... 1.
        ShapeError: a noise shape that does not broadcast.

    >>> sorted(set(dropout([1.0] * 20, 0.5, seed=1).tolist()))
    [0.0, 2.0]

    Source: Srivastava et al., "Dropout" (JMLR 15, 2014).
    """
    if has_symbolic(inputs):
        drawn: Tensor = call_symbolically(dropout, dropout, (inputs, rate, noise_shape, seed), {})
        return drawn
    inputs = as_tensor(inputs)
    keys = next_keys(generator=seed)
    if noise_shape is None:
        return fused.dropout(inputs, keys, rate=rate)  # type: ignore[no-any-return]
    given = tuple(noise_shape)
    if len(given) != inputs.ndim or any(n not in (None, 1, m) for n, m in zip(given, inputs.shape, strict=True)):
        raise ShapeError(
            f"dropout expected a noise_shape that broadcasts to {inputs.shape}. Received: noise_shape={given}."
        )
    shape = tuple(m if n is None else int(n) for n, m in zip(given, inputs.shape, strict=True))
    mask = fused.dropout(np.ones(shape, inputs.data.dtype), keys, rate=rate)
    return multiply(inputs, broadcast_to(mask, inputs.shape))  # type: ignore[no-any-return]
