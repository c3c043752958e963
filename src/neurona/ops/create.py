"""Functions that make tensors of no other tensor, or of another's shape alone, and what asks about them.

Types are Keras's: `floatx` for ``zeros``, ``ones``, ``full`` and the like, int32 for ``arange`` of integers.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from neurona import config
from neurona.allowance import ask_array
from neurona.cases import A, Case, Failure
from neurona.errors import ArgumentError, ShapeError
from neurona.ops.elementwise import cast, standard_dtype
from neurona.symbolic import KerasTensor, flatten
from neurona.tape import composed, op, stacked
from neurona.tensor import Array, Tensor, TensorLike, as_array, as_tensor, wrap

__all__ = [
    "arange",
    "array",
    "convert_to_numpy",
    "convert_to_tensor",
    "dtype",
    "empty",
    "empty_like",
    "eye",
    "full",
    "full_like",
    "geomspace",
    "identity",
    "is_tensor",
    "linspace",
    "logspace",
    "ndim",
    "ones",
    "ones_like",
    "shape",
    "size",
    "tri",
    "zeros",
    "zeros_like",
]


def _lengths(shape: Any) -> tuple[int, ...]:
    """The shape as a tuple of lengths."""
    lengths = shape if isinstance(shape, (tuple, list)) else np.asarray(shape).reshape(-1).tolist()
    if None in lengths or not all(int(n) >= 0 for n in lengths):
        raise ShapeError(f"Expected a shape of known lengths, 0 or more. Received: {shape}.")
    ask_array(lengths)
    return tuple(int(n) for n in lengths)


# -- constants -----------------------------------------------------------------------------------------------

BAD_SHAPE = [Failure((2, None), match="known lengths"), Failure((2, -1), match="known lengths")]


@composed(cases=[Case((2, 3)), Case((0, 2), dtype="int32"), Case(3)], errors=BAD_SHAPE)
def zeros(shape: int | Sequence[int], dtype: npt.DTypeLike | None = None) -> Tensor:
    """Zeros.

    >>> zeros((2,))
    Tensor([0., 0.], dtype=float32)
    """
    return wrap(np.zeros(_lengths(shape), standard_dtype(dtype)))


@composed(cases=[Case((2, 3)), Case((0, 2), dtype="int32"), Case(3)], errors=BAD_SHAPE)
def ones(shape: int | Sequence[int], dtype: npt.DTypeLike | None = None) -> Tensor:
    """Ones.

    >>> ones((2,))
    Tensor([1., 1.], dtype=float32)
    """
    return wrap(np.ones(_lengths(shape), standard_dtype(dtype)))


@composed(cases=[Case((2, 3)), Case((0, 2), dtype="int32"), Case(3)], errors=BAD_SHAPE)
def empty(shape: int | Sequence[int], dtype: npt.DTypeLike | None = None) -> Tensor:
    """A tensor whose values nobody has set; here they are 0, so that runs can be repeated.

    >>> empty((2,)).shape
    (2,)
    """
    return wrap(np.zeros(_lengths(shape), standard_dtype(dtype)))


@composed(
    cases=[Case((2, 3), 2.5), Case((2,), 3, dtype="int32")],
    errors=[Failure((2, None), 1.0, match="known lengths")],
)
def full(shape: int | Sequence[int], fill_value: TensorLike, dtype: npt.DTypeLike | None = None) -> Tensor:
    """One value everywhere.

    >>> full((2,), 7)
    Tensor([7., 7.], dtype=float32)
    """
    return wrap(np.full(_lengths(shape), np.asarray(fill_value), standard_dtype(dtype)))


@op(cases=[Case("N C"), Case(A("N", 0, 5, "int"), dtype="float32")], promote="binary")
def zeros_like(x: Array, dtype: npt.DTypeLike | None = None) -> Array:
    """Zeros of the shape of x, and of its type unless told.

    >>> zeros_like([1.0, 2.0])
    Tensor([0., 0.], dtype=float32)
    """
    return np.zeros(x.shape, x.dtype if dtype is None else standard_dtype(dtype))


@op(cases=[Case("N C"), Case(A("N", 0, 5, "int"), dtype="float32")], promote="binary")
def ones_like(x: Array, dtype: npt.DTypeLike | None = None) -> Array:
    """Ones of the shape of x, and of its type unless told.

    >>> ones_like([1.0, 2.0])
    Tensor([1., 1.], dtype=float32)
    """
    return np.ones(x.shape, x.dtype if dtype is None else standard_dtype(dtype))


@op(cases=[Case("N C"), Case(A("N", 0, 5, "int"), dtype="float32")], promote="binary")
def empty_like(x: Array, dtype: npt.DTypeLike | None = None) -> Array:
    """A tensor of the shape of x whose values nobody has set; here they are 0.

    >>> empty_like([1.0, 2.0]).shape
    (2,)
    """
    return np.zeros(x.shape, x.dtype if dtype is None else standard_dtype(dtype))


@op(cases=[Case("N C", fill_value=2.5), Case(A("N", 0, 5, "int"), fill_value=2)], promote="binary")
def full_like(x: Array, fill_value: Any, dtype: npt.DTypeLike | None = None) -> Array:
    """One value everywhere, of the shape of x, and of its type unless told.

    >>> full_like([1.0, 2.0], 7)
    Tensor([7., 7.], dtype=float32)
    """
    return np.full(x.shape, np.asarray(fill_value), x.dtype if dtype is None else standard_dtype(dtype))


# -- sequences -----------------------------------------------------------------------------------------------


def _is_whole(value: Any) -> bool:
    return as_array(value).dtype.kind in "biu"


@composed(cases=[Case(5), Case(1, 6, 2), Case(0.0, 1.0, 0.25), Case(3, dtype="float32")],
          errors=[Failure(0, 3, 0, match="step other than 0")])  # fmt: skip
def arange(start: Any, stop: Any = None, step: Any = None, dtype: npt.DTypeLike | None = None) -> Tensor:
    """The numbers from `start` on in steps of `step`, up to `stop`, which is left out.

    Args:
        start, stop, step: numbers; one alone is `stop`, with `start` 0 and `step` 1.
        dtype: int32 for integers, else `floatx`, unless told.

    >>> arange(2, 8, 3)
    Tensor([2, 5], dtype=int32)
    """
    given = [v for v in (start, stop, step) if v is not None]
    if dtype is None:
        dtype = "int32" if all(_is_whole(v) for v in given) else config.floatx()
    first, last = (0, start) if stop is None else (start, stop)
    stride = 1 if step is None else as_array(step).item()
    if stride == 0:
        raise ArgumentError(f"arange expected a step other than 0. Received: step={step}.")
    begin, end = (as_array(v).item() if isinstance(v, Tensor) else v for v in (first, last))
    return wrap(np.arange(begin, end, stride).astype(standard_dtype(dtype)))


def _spaced(points: Any, dtype: npt.DTypeLike | None, ends: Sequence[Any]) -> Array:
    """The points in the type that `linspace` and its like give."""
    if dtype is not None:
        return np.asarray(points).astype(standard_dtype(dtype))
    kinds = [e.dtype for e in ends if hasattr(e, "dtype") and np.dtype(e.dtype).kind == "f"]
    return np.asarray(points).astype(np.result_type(*kinds) if kinds else config.floatx())


SPACED_ERRORS = [Failure(0.0, 1.0, -1, match="num of 0 or more")]


def _check_num(name: str, num: int) -> None:
    if num < 0:
        raise ArgumentError(f"{name} expected num of 0 or more. Received: num={num}.")


@composed(cases=[Case(0.0, 1.0, 5), Case(0, 10, 4, endpoint=False)], errors=SPACED_ERRORS)
def linspace(
    start: Any, stop: Any, num: int = 50, endpoint: bool = True, retstep: bool = False,
    dtype: npt.DTypeLike | None = None, axis: int = 0,
) -> Any:  # fmt: skip
    """`num` numbers at equal distances from `start` to `stop`.

    Args:
        start, stop: the first and the last number, or arrays of them.
        num: how many.
        endpoint: whether `stop` is among them.
        retstep: whether to give (numbers, distance).
        dtype: `floatx` unless told.
        axis: the new axis, for arrays.

    >>> linspace(0.0, 1.0, 3)
    Tensor([0. , 0.5, 1. ], dtype=float32)
    """
    _check_num("linspace", num)
    points, step = np.linspace(_ends(start), _ends(stop), num, endpoint, retstep=True, axis=axis)
    spaced = wrap(_spaced(points, dtype, (start, stop)))
    return (spaced, Tensor(np.asarray(step, config.floatx()))) if retstep else spaced


def _ends(value: Any) -> Any:
    return np.asarray(value, "float64")


@composed(cases=[Case(0.0, 2.0, 4), Case(0, 3, 4, base=2)], errors=SPACED_ERRORS)
def logspace(
    start: Any, stop: Any, num: int = 50, endpoint: bool = True, base: Any = 10,
    dtype: npt.DTypeLike | None = None, axis: int = 0,
) -> Tensor:  # fmt: skip
    """`num` numbers at equal ratios from base^start to base^stop.

    >>> logspace(0.0, 2.0, 3)
    Tensor([  1.,  10., 100.], dtype=float32)
    """
    _check_num("logspace", num)
    points = np.logspace(_ends(start), _ends(stop), num, endpoint, base, axis=axis)
    return wrap(_spaced(points, dtype, (start, stop)))


@composed(cases=[Case(1.0, 8.0, 4)], errors=SPACED_ERRORS)
def geomspace(
    start: Any,
    stop: Any,
    num: int = 50,
    endpoint: bool = True,
    dtype: npt.DTypeLike | None = None,
    axis: int = 0,
) -> Tensor:
    """`num` numbers at equal ratios from `start` to `stop`.

    >>> geomspace(1.0, 100.0, 3)
    Tensor([  1.,  10., 100.], dtype=float32)
    """
    _check_num("geomspace", num)
    points = np.geomspace(_ends(start), _ends(stop), num, endpoint, axis=axis)
    return wrap(_spaced(points, dtype, (start, stop)))


# -- matrices ------------------------------------------------------------------------------------------------


@composed(cases=[Case(3), Case(2, 4, k=1, dtype="int32")])
def eye(N: int, M: int | None = None, k: int = 0, dtype: npt.DTypeLike | None = None) -> Tensor:
    """Ones on the `k`-th diagonal of N rows and M columns, zeros elsewhere.

    >>> eye(2)
    Tensor([[1., 0.],
            [0., 1.]], dtype=float32)
    """
    return wrap(np.eye(N, M, k, standard_dtype(dtype)))


@composed(cases=[Case(3), Case(2, dtype="int32")])
def identity(n: int, dtype: npt.DTypeLike | None = None) -> Tensor:
    """The unit matrix of n rows.

    >>> identity(2)
    Tensor([[1., 0.],
            [0., 1.]], dtype=float32)
    """
    return wrap(np.eye(n, dtype=standard_dtype(dtype)))


@composed(cases=[Case(3), Case(2, 4, k=1, dtype="int32")])
def tri(N: int, M: int | None = None, k: int = 0, dtype: npt.DTypeLike | None = None) -> Tensor:
    """Ones on and below the `k`-th diagonal of N rows and M columns, zeros above.

    >>> tri(2)
    Tensor([[1., 0.],
            [1., 1.]], dtype=float32)
    """
    return wrap(np.tri(N, M, k, standard_dtype(dtype)))


# -- conversions and questions -------------------------------------------------------------------------------


def convert_to_tensor(
    x: TensorLike, dtype: npt.DTypeLike | None = None, sparse: bool | None = None, ragged: bool | None = None
) -> Any:
    """A tensor of a number, nested lists or an array; a tensor stays as it is.

    Args:
        x: the values.
        dtype: the type to convert to.
        sparse, ragged: for Keras's sake; there are only dense tensors here.

    >>> convert_to_tensor([1, 2], dtype="float32")
    Tensor([1., 2.], dtype=float32)
    """
    if sparse or ragged:
        raise ArgumentError(f"Only dense tensors exist here. Received: sparse={sparse}, ragged={ragged}.")
    if dtype is not None:
        dtype = standard_dtype(dtype)
    if isinstance(x, (Tensor, KerasTensor)):
        return x if dtype is None or np.dtype(x.dtype) == dtype else cast(x, np.dtype(dtype).name)
    if isinstance(x, (list, tuple)) and any(isinstance(leaf, (Tensor, KerasTensor)) for leaf in flatten(x)):
        return convert_to_tensor(stacked(x), dtype)  # so that gradients flow to them
    return as_tensor(x, dtype)


def array(x: TensorLike, dtype: npt.DTypeLike | None = None) -> Any:
    """A tensor of the values: `convert_to_tensor` under NumPy's name.

    >>> array([1, 2])
    Tensor([1, 2], dtype=int32)
    """
    return convert_to_tensor(x, dtype)


def convert_to_numpy(x: TensorLike) -> Array:
    """A NumPy array of the values, which may be written to.

    >>> convert_to_numpy(ones((2,))).tolist()
    [1.0, 1.0]
    """
    if isinstance(x, KerasTensor):
        raise ArgumentError(f"A symbolic tensor has no values yet. Received: {x!r}.")
    return np.array(x.numpy() if isinstance(x, Tensor) else as_array(x))


def is_tensor(x: Any) -> bool:
    """Whether x is a tensor.

    >>> is_tensor(ones((2,))), is_tensor([1.0])
    (True, False)
    """
    return isinstance(x, Tensor)


def shape(x: TensorLike) -> tuple[int | None, ...]:
    """The lengths of the axes; ``None`` where a symbolic tensor's is open.

    >>> shape(ones((2, 3)))
    (2, 3)
    """
    return tuple(x.shape) if hasattr(x, "shape") else as_array(x).shape


def ndim(x: TensorLike) -> int:
    """How many axes there are.

    >>> ndim(ones((2, 3)))
    2
    """
    return len(shape(x))


def dtype(x: TensorLike) -> str:
    """The name of the type.

    >>> dtype(ones((2, 3)))
    'float32'
    """
    return np.dtype(x.dtype).name if hasattr(x, "dtype") else as_array(x).dtype.name


@op(cases=[Case("N C"), Case("")], promote="binary")
def size(x: Array) -> Array:
    """How many numbers there are.

    >>> size([[1.0, 2.0, 3.0]])
    Tensor(3, dtype=int32)
    """
    return np.asarray(x.size, "int32")
