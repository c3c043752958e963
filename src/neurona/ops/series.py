"""Rows of numbers beside each other: how alike they are, the area below them, distances, powers, places in a grid."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from neurona.cases import A, Case, Failure
from neurona.errors import ArgumentError, ShapeError
from neurona.ops.elementwise import cast, divide, multiply, power, subtract
from neurona.ops.functions import exp2, sqrt
from neurona.ops.joining import stack
from neurona.ops.linalg import matmul
from neurona.ops.reduce import mean, sum
from neurona.ops.shape import expand_dims, reshape, transpose
from neurona.ops.slicing import get_item
from neurona.symbolic import KerasTensor
from neurona.tape import composed, op
from neurona.tensor import Array, Tensor, TensorLike, as_array, as_tensor

__all__ = [
    "cdist",
    "corrcoef",
    "correlate",
    "isin",
    "ldexp",
    "trapezoid",
    "unravel_index",
    "vander",
    "vectorize",
]


def _tensor(x: TensorLike) -> Any:
    return x if isinstance(x, (Tensor, KerasTensor)) else as_tensor(x)


# -- likeness ----------------------------------------------------------------------------------------------------


def _chosen(lengths: tuple[int, int], mode: str) -> slice:
    """Which of all shifts a mode keeps."""
    short, long = min(lengths), max(lengths)
    if mode == "full":
        return slice(0, short + long - 1)
    if mode == "valid":
        return slice(short - 1, long)
    start = (short - 1) // 2 if lengths[1] <= lengths[0] else short // 2
    return slice(start, start + long)


@op(
    cases=[
        Case("5", "3"),
        Case("5", "2", mode="same"),
        Case("N", "3", mode="full", sizes={"N": 1}),
        Case("2", "5", mode="same"),
    ],
    errors=[
        Failure("2 2", "2", match="one axis"),
        Failure("3", "2", mode="ful", match="'valid', 'same' or 'full'"),
        Failure("0", "2", match="not empty"),
    ],
    promote="binary wide float",
)
def correlate(x1: Array, x2: Array, mode: str = "valid") -> Array:
    """How alike two rows are at every shift: y_k = sum over n of x1_(n + k) x2_n.

    Args:
        x1, x2: shapes (N,) and (M,).
        mode: "valid": only shifts at which they overlap wholly; "full": all; "same": as many as the longer one has.

    Raises:
        ShapeError: rows of other axes, or empty.
        ArgumentError: another mode.

    >>> correlate([1.0, 2.0, 3.0], [0.0, 1.0, 0.5], mode="same")
    Tensor([2. , 3.5, 3. ], dtype=float32)
    """
    if x1.ndim != 1 or x2.ndim != 1 or not x1.size or not x2.size:
        raise ShapeError(f"correlate expected rows of one axis, not empty. Received: shapes {x1.shape} and {x2.shape}.")
    if mode not in ("valid", "same", "full"):
        raise ArgumentError(f"correlate expected mode 'valid', 'same' or 'full'. Received: {mode!r}.")
    return np.correlate(x1, x2, "full")[_chosen((x1.size, x2.size), mode)]


@correlate.gradient
def _(g: Array, y: Array, x1: Array, x2: Array, mode: str = "valid") -> tuple[Array, Array]:
    n, m = x1.size, x2.size
    full = np.zeros(n + m - 1, g.dtype)
    full[_chosen((n, m), mode)] = g
    return np.convolve(full, x2)[m - 1 : m - 1 + n], np.correlate(x1, full, "full")[n - 1 : n - 1 + m]


@composed(cases=[Case("3 5"), Case("4")], errors=[Failure("2 2 2", match="one or two axes")])
def corrcoef(x: TensorLike) -> Tensor:
    """The correlations of rows with each other: 1 where two rise and fall alike, -1 where oppositely.

    Args:
        x: shape (rows, samples), or (samples,) for a single row.

    Returns:
        shape (rows, rows), or () for a single row.

    Raises:
        ShapeError: more axes.

    >>> corrcoef([[1.0, 2.0, 3.0], [6.0, 4.0, 2.0]]).numpy().round(3).tolist()
    [[1.0, -1.0], [-1.0, 1.0]]
    """
    x = _tensor(x)
    if len(x.shape) not in (1, 2):
        raise ShapeError(f"corrcoef expected one or two axes. Received: shape {tuple(x.shape)}.")
    if np.dtype(x.dtype) == "int64":
        x = cast(x, "float64")
    single = len(x.shape) == 1
    rows = expand_dims(x, 0) if single else x
    away = subtract(rows, mean(rows, axis=-1, keepdims=True))
    together = matmul(away, transpose(away))
    width = sqrt(sum(multiply(away, away), axis=-1))
    y = divide(together, multiply(expand_dims(width, 1), width))
    return reshape(y, ()) if single else y  # type: ignore[no-any-return]


@composed(cases=[Case("N 3", "M 3", sizes={"N": 1, "M": 1})], errors=[Failure("2", "2", match="two axes or more")])
def cdist(x: TensorLike, y: TensorLike) -> Tensor:
    """The distances of all points of one set from all of another.

    Args:
        x, y: shapes (..., N, C) and (..., M, C).

    Returns:
        shape (..., N, M).

    Raises:
        ShapeError: fewer than two axes.

    >>> cdist([[0.0, 0.0]], [[3.0, 4.0]])
    Tensor([[5.]], dtype=float32)
    """
    x, y = _tensor(x), _tensor(y)
    if len(x.shape) < 2 or len(y.shape) < 2:
        raise ShapeError(f"cdist expected two axes or more. Received: shapes {tuple(x.shape)} and {tuple(y.shape)}.")
    away = subtract(expand_dims(x, -2), expand_dims(y, -3))
    return sqrt(sum(multiply(away, away), axis=-1))  # type: ignore[no-any-return]


@op(cases=[Case(A("N", 0, 5, kind="int"), A("3", 0, 5, kind="int"))], promote="binary")
def isin(x1: Array, x2: Array, assume_unique: bool = False, invert: bool = False) -> Array:
    """Whether each number of x1 is among those of x2.

    Args:
        x1, x2: any shapes.
        assume_unique: accepted; no number changes by it.
        invert: whether it is *not* among them.

    >>> isin([1, 2, 3], [2, 5])
    Tensor([False,  True, False], dtype=bool)
    """
    return np.isin(x1, x2, invert=invert)


# -- areas and powers --------------------------------------------------------------------------------------------


@composed(
    cases=[
        Case("N 4", sizes={"N": 1}),
        Case("4 2", np.array([0.0, 1.0, 3.0, 4.0]), axis=0),
        Case("3 4", dx=0.5, axis=0),
    ]
)
def trapezoid(y: TensorLike, x: TensorLike | None = None, dx: float = 1.0, axis: int = -1) -> Tensor:
    """The area below a line through points.

    Args:
        y: their heights.
        x: where they stand; `dx` apart when None.
        dx: the distance of neighbours.
        axis: along which the line runs.

    >>> trapezoid([0.0, 1.0, 2.0])
    Tensor(2., dtype=float32)
    """
    y = _tensor(y)
    steps = len(y.shape)

    def part(of: Any, places: slice, along: int) -> Any:
        return get_item(of, tuple(places if i == along % len(of.shape) else slice(None) for i in range(len(of.shape))))

    heights = multiply(0.5, part(y, slice(1, None), axis) + part(y, slice(None, -1), axis))
    width: Any = dx
    if x is not None:
        at = _tensor(x)
        along = axis if len(at.shape) == steps else 0
        width = subtract(part(at, slice(1, None), along), part(at, slice(None, -1), along))
        if len(at.shape) != steps:
            width = reshape(width, [-1 if i == axis % steps else 1 for i in range(steps)])
    return sum(multiply(heights, width), axis=axis)  # type: ignore[no-any-return]


@composed(
    cases=[Case(A("3", 0.5, 2.0)), Case(A("3", 0.5, 2.0), N=2, increasing=True)],
    errors=[Failure("2 2", match="one axis")],
)
def vander(x: TensorLike, N: int | None = None, increasing: bool = False) -> Tensor:
    """The powers of numbers, a row for each: x^(N-1), ..., x, 1.

    Args:
        x: shape (M,).
        N: how many powers; M by default.
        increasing: whether they rise instead: 1, x, ...

    Raises:
        ShapeError: other axes.

    >>> vander([1.0, 2.0, 3.0])
    Tensor([[1., 1., 1.], [4., 2., 1.], [9., 3., 1.]], dtype=float32)
    """
    x = _tensor(x)
    if len(x.shape) != 1:
        raise ShapeError(f"vander expected numbers along one axis. Received: shape {tuple(x.shape)}.")
    powers = list(range(x.shape[0] if N is None else N))
    return stack([power(x, k) for k in (powers if increasing else powers[::-1])], axis=-1)  # type: ignore[no-any-return]


@composed(cases=[Case("N C", A("N C", -2, 3, kind="int"))])
def ldexp(x1: TensorLike, x2: TensorLike) -> Tensor:
    """x1 times 2 to the power x2.

    >>> ldexp([1.0, 2.0], [2, 3])
    Tensor([ 4., 16.], dtype=float32)
    """
    x = _tensor(x1)
    scale = exp2(x2)
    return multiply(x, cast(scale, x.dtype) if np.dtype(x.dtype).kind == "f" else scale)  # type: ignore[no-any-return]


# -- places and functions ----------------------------------------------------------------------------------------


def unravel_index(indices: TensorLike, shape: Sequence[int]) -> tuple[Tensor, ...]:
    """The places in a grid that numbers along its flattened form mean.

    Args:
        indices: whole numbers; negative ones count from the end.
        shape: of the grid.

    Returns:
        one tensor for each axis.

    >>> unravel_index([3, 5], (2, 3))
    (Tensor([1, 1], dtype=int32), Tensor([0, 2], dtype=int32))
    """
    flat = as_array(indices)
    count = int(np.prod(shape))
    places = np.unravel_index(np.where(flat < 0, flat + count, flat), tuple(shape))
    return tuple(as_tensor(place, flat.dtype) for place in places)


def vectorize(pyfunc: Callable[..., Any], *, excluded: Any = None, signature: str | None = None) -> Callable[..., Any]:
    """A function of single numbers (or of the small arrays that its signature tells) made one of tensors.

    Args:
        pyfunc: the function.
        excluded: numbers of arguments that are handed over as they are.
        signature: the axes that the function takes and gives, such as ``"(n),(n)->()"``; none by default.

    Returns:
        a function of tensors whose remaining axes fit each other.

    Raises:
        ArgumentError: `pyfunc` cannot be called.

    >>> vectorize(lambda a, b: a - b if a > b else a + b)([1.0, 3.0], [2.0])
    Tensor([3., 1.], dtype=float32)
    """
    if not callable(pyfunc):
        raise ArgumentError(f"Expected argument `pyfunc` to be a callable. Received: pyfunc={pyfunc!r}.")
    left, out = _read_signature(signature)
    fixed = set(excluded or ())

    def run(*args: Any) -> Any:
        moving = [i for i in range(len(args)) if i not in fixed]
        tensors = {i: _tensor(args[i]) for i in moving}
        inner = dict(zip(moving, left or [0] * len(moving), strict=True))
        outer = {i: tuple(t.shape[: len(t.shape) - inner[i]]) for i, t in tensors.items()}
        grid = np.broadcast_shapes(*outer.values())
        made = []
        for place in np.ndindex(*grid):
            given = list(args)
            for i, tensor in tensors.items():
                at = place[len(grid) - len(outer[i]) :]
                own = tuple(0 if n == 1 else k for k, n in zip(at, outer[i], strict=True))
                given[i] = tensor[own] if own else tensor
            made.append(pyfunc(*given))
        several = isinstance(made[0], (tuple, list))
        columns = list(zip(*made, strict=True)) if several else [made]
        stacked = [reshape(s := stack(list(column)), (*grid, *s.shape[1:])) for column in columns]
        return tuple(stacked) if several or out > 1 else stacked[0]

    return run


def _read_signature(signature: str | None) -> tuple[list[int], int]:
    """How many axes each argument has of its own, and how many results there are."""
    if signature is None:
        return [], 1
    left, arrow, right = signature.replace(" ", "").partition("->")
    if not arrow or "(" not in left:
        raise ArgumentError(f"Not a valid gufunc signature. Expected such as '(n),(n)->()'. Received: {signature!r}.")
    groups = [group.strip("()") for group in left.split("),(")]
    return [len([name for name in group.split(",") if name]) for group in groups], right.count("(")
