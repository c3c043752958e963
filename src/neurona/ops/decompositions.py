"""Square matrices: inverse, determinant, equations, and the classical factorisations.

The numbers come from LAPACK by way of NumPy. What is symmetric by its meaning (`cholesky`, `eigh`) is
taken as (A + A') / 2, so that the gradient is symmetric too. Factorisations whose gradient is seldom asked
for have none.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from neurona.cases import Case, Failure
from neurona.errors import ArgumentError, ShapeError
from neurona.ops.elementwise import unbroadcast
from neurona.tape import op
from neurona.tensor import Array

__all__ = [
    "cholesky",
    "det",
    "eigh",
    "inv",
    "logdet",
    "lstsq",
    "qr",
    "slogdet",
    "solve",
    "solve_triangular",
    "svd",
]

Pair = tuple[Array, Array]

# well-conditioned matrices, small enough for finite differences
REGULAR = np.array([[2.0, 0.5, -0.3], [0.1, 1.5, 0.4], [-0.6, 0.2, 1.8]])
POSITIVE = REGULAR @ REGULAR.T + np.eye(3)
REGULARS = np.stack([REGULAR, REGULAR.T + np.eye(3)])
POSITIVES = np.stack([POSITIVE, 2 * POSITIVE + np.eye(3)])


def _turn(x: Array) -> Array:
    return np.swapaxes(x, -1, -2)


def check_square(name: str, x: Array) -> None:
    """Raise ShapeError unless x holds square matrices on its last two axes; `name` is the op's, for the message."""
    if x.ndim < 2 or x.shape[-1] != x.shape[-2]:
        raise ShapeError(f"{name} expected square matrices on the last two axes. Received: shape {x.shape}.")


def solved(name: str, compute: Callable[..., Any], *arrays: Array) -> Any:
    """`compute` with an error that tells which op could not go on.

    Where NumPy is told to ignore what is invalid (as while shapes are foretold), the result is NaN
    instead; it has the last array's shape.
    """
    try:
        return compute(*arrays)
    except np.linalg.LinAlgError as error:
        if np.geterr()["invalid"] == "ignore":
            return np.full_like(arrays[-1], np.nan)
        shapes = ", ".join(str(np.shape(a)) for a in arrays)
        raise ArgumentError(f"{name} could not be computed: {error}. Received: shapes {shapes}.") from None


NOT_SQUARE = [
    Failure("2 3", match="expected square matrices"),
    Failure("3", match="expected square matrices"),
]


@op(
    cases=[Case(REGULAR), Case(REGULARS)],
    errors=[*NOT_SQUARE, Failure(np.zeros((2, 2)), match="inv could not be computed")],
    promote="float",
)
def inv(x: Array) -> Array:
    """The inverse of matrices: x y = 1.

    Args:
        x: shape (..., N, N).

    Raises:
        ShapeError: the matrices are not square.
        ArgumentError: a matrix has no inverse.

    >>> inv([[2.0, 0.0], [0.0, 4.0]])
    Tensor([[0.5 , 0.  ], [0.  , 0.25]], dtype=float32)
    """
    check_square("inv", x)
    return np.asarray(solved("inv", np.linalg.inv, x))


@inv.gradient
def _(g: Array, y: Array, x: Array) -> Array:
    t = _turn(y)
    return np.asarray(-(t @ g @ t))


@op(cases=[Case(REGULAR), Case(REGULARS), Case("2 2")], errors=NOT_SQUARE, promote="float")
def det(x: Array) -> Array:
    """The determinant of matrices.

    Args:
        x: shape (..., N, N).

    Raises:
        ShapeError: the matrices are not square.

    >>> det([[1.0, 0.0], [0.0, 4.0]])
    Tensor(4., dtype=float32)
    """
    check_square("det", x)
    return np.asarray(np.linalg.det(x))


@det.gradient
def _(g: Array, y: Array, x: Array) -> Array:
    # the cofactors; from the singular values, because a singular matrix has them too, and has no inverse
    u, s, vh = np.linalg.svd(x)
    n = s.shape[-1]
    others = np.where(np.eye(n, dtype=bool), 1, s[..., None, :]).prod(axis=-1)
    signs = np.linalg.det(u) * np.linalg.det(vh)
    return np.asarray(g[..., None, None] * signs[..., None, None] * ((u * others[..., None, :]) @ vh))


@op(cases=[Case(REGULAR), Case(REGULARS)], errors=NOT_SQUARE, promote="float")
def slogdet(x: Array) -> Pair:
    """The determinant's sign, and the logarithm of its size.

    >>> slogdet([[0.0, 1.0], [1.0, 0.0]])
    (Tensor(-1., dtype=float32), Tensor(0., dtype=float32))
    """
    check_square("slogdet", x)
    sign, size = np.linalg.slogdet(x)
    return np.asarray(sign), np.asarray(size)


@slogdet.gradient
def _(g: tuple[Array | None, Array | None], y: Pair, x: Array) -> Array | None:
    return None if g[1] is None else np.asarray(g[1][..., None, None] * _turn(np.linalg.inv(x)))


@op(cases=[Case(POSITIVE), Case(POSITIVES)], errors=NOT_SQUARE, promote="float")
def logdet(x: Array) -> Array:
    """The logarithm of the determinant of positive definite matrices.

    >>> logdet([[1.0, 0.0], [0.0, 1.0]])
    Tensor(0., dtype=float32)
    """
    check_square("logdet", x)
    sign, size = np.linalg.slogdet(x)
    return np.asarray(np.where(sign > 0, size, np.nan), x.dtype)


@logdet.gradient
def _(g: Array, y: Array, x: Array) -> Array:
    return np.asarray(g[..., None, None] * _turn(np.linalg.inv(x)))


# -- equations --------------------------------------------------------------------------------


def _columns(name: str, a: Array, b: Array) -> Array:
    """b as matrices of columns; a single right side for each matrix gets an axis."""
    check_square(name, a)
    columns = b[..., None] if b.ndim == a.ndim - 1 else b
    if columns.ndim != a.ndim or columns.shape[-2] != a.shape[-1]:
        raise ShapeError(
            f"{name} expected right sides of {a.shape[-1]} numbers, shape (..., {a.shape[-1]}) or "
            f"(..., {a.shape[-1]}, K). Received: shapes {a.shape} and {b.shape}."
        )
    return columns


MISFITS = [
    Failure("2 3", "2", match="expected square matrices"),
    Failure(np.eye(3), "4", match="right sides of 3 numbers"),
]


@op(
    cases=[Case(REGULAR, "3 F"), Case(REGULAR, "3"), Case(REGULARS, "2 3 F"), Case(REGULARS, "2 3")],
    errors=[*MISFITS, Failure(np.zeros((2, 2)), "2", match="solve could not be computed")],
    promote="binary float",
)
def solve(a: Array, b: Array) -> Array:
    """The solution y of the equations a y = b.

    Args:
        a: shape (..., N, N).
        b: shape (..., N) or (..., N, K).

    Returns:
        b's shape.

    Raises:
        ShapeError: the shapes do not fit.
        ArgumentError: the equations have no single solution.

    >>> solve([[2.0, 0.0], [0.0, 4.0]], [2.0, 2.0])
    Tensor([1. , 0.5], dtype=float32)
    """
    columns = _columns("solve", a, b)
    return np.asarray(solved("solve", np.linalg.solve, a, columns)).reshape(b.shape)


@solve.gradient
def _(g: Array, y: Array, a: Array, b: Array) -> Pair:
    columns = _columns("solve", a, y)
    db = np.linalg.solve(_turn(a), _columns("solve", a, g))
    return unbroadcast(-(db @ _turn(columns)), a), db.reshape(b.shape)


def _triangle(a: Array, lower: bool) -> Array:
    return np.asarray(np.tril(a) if lower else np.triu(a))


@op(
    cases=[Case(REGULAR, "3 F", lower=True), Case(REGULAR, "3"), Case(REGULARS, "2 3 F")],
    errors=[*MISFITS, Failure(np.zeros((2, 2)), "2", match="solve_triangular could not be computed")],
    promote="binary float",
)
def solve_triangular(a: Array, b: Array, lower: bool = False) -> Array:
    """The solution y of a y = b, where only a triangle of `a` counts.

    Args:
        a: shape (..., N, N).
        b: shape (..., N) or (..., N, K).
        lower: read the lower triangle, not the upper one.

    Raises:
        ShapeError: the shapes do not fit.
        ArgumentError: a 0 on the diagonal.

    >>> solve_triangular([[2.0, 0.0], [1.0, 1.0]], [2.0, 3.0], lower=True)
    Tensor([1., 2.], dtype=float32)
    """
    columns = _columns("solve_triangular", a, b)
    return np.asarray(solved("solve_triangular", np.linalg.solve, _triangle(a, lower), columns)).reshape(b.shape)


@solve_triangular.gradient
def _(g: Array, y: Array, a: Array, b: Array, lower: bool = False) -> Pair:
    db = np.linalg.solve(_turn(_triangle(a, lower)), _columns("solve_triangular", a, g))
    da = -(db @ _turn(_columns("solve_triangular", a, y)))
    return _triangle(da, lower), db.reshape(b.shape)


@op(
    cases=[Case("4 3", "4"), Case("4 3", "4 F", sizes={"F": 1})],
    errors=[Failure("2 2 3", "2", match="lstsq expected a matrix"), Failure("4 3", "3", match="4 rows")],
    promote="binary float",
)
def lstsq(a: Array, b: Array, rcond: float | None = None) -> Array:
    """The y that brings a y nearest to b, in the sense of least squares.

    Args:
        a: shape (M, N).
        b: shape (M,) or (M, K).
        rcond: singular values below rcond times the largest count as 0.

    Raises:
        ShapeError: the shapes do not fit.

    >>> lstsq([[1.0], [1.0]], [1.0, 3.0])
    Tensor([2.], dtype=float32)
    """
    if a.ndim != 2:
        raise ShapeError(f"lstsq expected a matrix a. Received: shape {a.shape}.")
    if b.ndim not in (1, 2) or b.shape[0] != a.shape[0]:
        raise ShapeError(f"lstsq expected b with {a.shape[0]} rows. Received: shape {b.shape}.")
    return np.asarray(np.linalg.lstsq(a, b, rcond=rcond)[0], a.dtype)


# -- factorisations --------------------------------------------------------------------------------


@op(
    cases=[Case(POSITIVE), Case(POSITIVES), Case(POSITIVE, upper=True)],
    errors=[*NOT_SQUARE, Failure(-np.eye(2), match="cholesky could not be computed")],
    promote="float",
)
def cholesky(x: Array, upper: bool = False) -> Array:
    """The triangular L with L L' = x, for symmetric positive definite matrices.

    Args:
        x: shape (..., N, N).
        upper: return L' instead.

    Raises:
        ShapeError: the matrices are not square.
        ArgumentError: a matrix is not positive definite.

    >>> cholesky([[4.0, 2.0], [2.0, 2.0]])
    Tensor([[2., 0.], [1., 1.]], dtype=float32)

    Source: Murray, "Differentiation of the Cholesky decomposition" (2016).
    """
    check_square("cholesky", x)
    y = solved("cholesky", np.linalg.cholesky, (x + _turn(x)) / 2)
    return np.asarray(_turn(y) if upper else y)


@cholesky.gradient
def _(g: Array, y: Array, x: Array, upper: bool = False) -> Array:
    low, g = (_turn(y), _turn(g)) if upper else (y, g)
    inner = np.tril(_turn(low) @ g)
    inner = inner - 0.5 * np.eye(inner.shape[-1], dtype=inner.dtype) * inner  # half of the diagonal
    back = np.linalg.inv(low)
    dx = _turn(back) @ inner @ back
    return np.asarray((dx + _turn(dx)) / 2)


@op(cases=[Case(POSITIVE), Case(POSITIVES)], errors=NOT_SQUARE, promote="float")
def eigh(x: Array) -> Pair:
    """Eigenvalues, the smallest first, and eigenvectors (in columns) of symmetric matrices.

    Args:
        x: shape (..., N, N).

    Returns:
        (values, vectors): shapes (..., N) and (..., N, N).

    Raises:
        ShapeError: the matrices are not square.

    >>> eigh([[2.0, 0.0], [0.0, 1.0]])[0]
    Tensor([1., 2.], dtype=float32)

    Source: Giles, "Collected matrix derivative results for forward and reverse mode AD" (2008), section 3.1.
    """
    check_square("eigh", x)
    values, vectors = np.linalg.eigh((x + _turn(x)) / 2)
    return np.asarray(values), np.asarray(vectors)


@eigh.gradient
def _(g: tuple[Array | None, Array | None], y: Pair, x: Array) -> Array:
    values, v = y
    eye = np.eye(x.shape[-1], dtype=x.dtype)
    middle = np.zeros_like(x) if g[0] is None else eye * g[0][..., None, :]
    if g[1] is not None:
        gaps = values[..., None, :] - values[..., :, None]
        middle = middle + (_turn(v) @ g[1]) * (1 - eye) / (gaps + eye)
    dx = v @ middle @ _turn(v)
    return np.asarray((dx + _turn(dx)) / 2)


@op(
    cases=[Case("4 3"), Case("2 3 4"), Case("4 3", mode="complete")],
    errors=[
        Failure("3", match="qr expected matrices"),
        Failure("2 2", mode="raw", match="'reduced' or 'complete'"),
    ],
    promote="float",
)
def qr(x: Array, mode: str = "reduced") -> Pair:
    """Factors of matrices: x = q r, with perpendicular columns in q and r an upper triangle.

    Args:
        x: shape (..., M, N).
        mode: "reduced" for q of min(M, N) columns, "complete" for M.

    Raises:
        ShapeError: fewer than two axes.
        ArgumentError: another mode.

    >>> qr([[-3.0, 0.0], [0.0, -2.0]])[1]
    Tensor([[-3.,  0.], [ 0., -2.]], dtype=float32)
    """
    if x.ndim < 2:
        raise ShapeError(f"qr expected matrices: Input should have rank >= 2. Received: {x.shape}.")
    if mode not in ("reduced", "complete"):
        raise ArgumentError(
            f"`mode` argument value not supported. Expected one of 'reduced' or 'complete'. Received: {mode!r}."
        )
    q, r = np.linalg.qr(x, mode)  # type: ignore[call-overload]
    return np.asarray(q), np.asarray(r)


@op(
    cases=[Case("4 3"), Case("2 3 4", full_matrices=False), Case("3 3", compute_uv=False)],
    errors=[Failure("3", match="svd expected matrices")],
    promote="float",
)
def svd(x: Array, full_matrices: bool = True, compute_uv: bool = True) -> Any:
    """Factors of matrices: x = u diag(s) v, with perpendicular u and v and the largest s first.

    Args:
        x: shape (..., M, N).
        full_matrices: u and v are square; else they have min(M, N) columns and rows.
        compute_uv: return u and v too.

    Returns:
        (u, s, v), or s alone.

    Raises:
        ShapeError: fewer than two axes.

    >>> svd([[2.0, 0.0], [0.0, 3.0]], compute_uv=False)
    Tensor([3., 2.], dtype=float32)
    """
    if x.ndim < 2:
        raise ShapeError(f"svd expected matrices. Received: shape {x.shape}.")
    return tuple(np.linalg.svd(x, full_matrices)) if compute_uv else np.linalg.svd(x, compute_uv=False)
