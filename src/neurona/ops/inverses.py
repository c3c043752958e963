"""Matrices beyond the square ones: pseudo-inverses, ranks, eigenvalues of any kind, triangular factors with pivots."""

from __future__ import annotations

from typing import Any

import numpy as np

from neurona.cases import Case, Failure
from neurona.errors import ShapeError
from neurona.ops.decompositions import POSITIVE, REGULAR, REGULARS, check_square, solved
from neurona.tape import op
from neurona.tensor import Array

__all__ = ["cholesky_inverse", "eig", "lu_factor", "matrix_rank", "pinv"]

Pair = tuple[Array, Array]
NO_MATRIX = [Failure("3", match="expected matrices")]


def _turn(x: Array) -> Array:
    return np.swapaxes(x, -1, -2)


def _check_matrix(name: str, x: Array) -> None:
    if x.ndim < 2:
        raise ShapeError(f"{name} expected matrices on the last two axes. Received: shape {x.shape}.")


@op(cases=[Case("4 3"), Case("2 2 4")], errors=NO_MATRIX, promote="float")
def pinv(x: Array, rcond: float | None = None) -> Array:
    """The pseudo-inverse of matrices: of all solutions of x y = b nearest to one, ``pinv(x) @ b`` is the shortest.

    Args:
        x: shape (..., M, N).
        rcond: singular values below this share of the largest count as 0.

    Raises:
        ShapeError: fewer than two axes.

    >>> pinv([[2.0, 0.0], [0.0, 0.0]])
    Tensor([[0.5, 0. ], [0. , 0. ]], dtype=float32)

    Source: Golub & Pereyra, "The differentiation of pseudo-inverses" (1973), for the gradient.
    """
    _check_matrix("pinv", x)
    cut = max(x.shape[-2:]) * np.finfo(x.dtype).eps if rcond is None else rcond
    return np.asarray(solved("pinv", lambda a: np.linalg.pinv(a, cut), x), x.dtype)


@pinv.gradient
def _(g: Array, y: Array, x: Array, rcond: float | None = None) -> Array:
    rows, columns = np.eye(x.shape[-2], dtype=x.dtype) - x @ y, np.eye(x.shape[-1], dtype=x.dtype) - y @ x
    dx = -(_turn(y) @ g @ _turn(y))
    return np.asarray(dx + rows @ _turn(g) @ y @ _turn(y) + _turn(y) @ y @ _turn(g) @ columns)


@op(cases=[Case("4 3"), Case(REGULARS)], errors=NO_MATRIX, promote="float")
def matrix_rank(x: Array, tol: float | None = None) -> Array:
    """How many rows of a matrix are independent of each other.

    Args:
        x: shape (..., M, N).
        tol: singular values up to this count as 0.

    Raises:
        ShapeError: fewer than two axes.

    >>> matrix_rank([[1.0, 2.0], [2.0, 4.0]])
    Tensor(1, dtype=int32)
    """
    _check_matrix("matrix_rank", x)
    return np.asarray(np.linalg.matrix_rank(x, tol), "int32")


@op(cases=[Case(POSITIVE), Case(REGULAR)], errors=[Failure("2 3", match="expected square")], promote="float")
def cholesky_inverse(x: Array, upper: bool = False) -> Array:
    """The inverse of a matrix whose Cholesky factor is given: (L L')^-1.

    Args:
        x: lower triangles, shape (..., M, M).
        upper: they are upper ones, R with R' R.

    Raises:
        ShapeError: they are not square.
        ArgumentError: a zero on a diagonal.

    >>> cholesky_inverse([[2.0, 0.0], [0.0, 1.0]])
    Tensor([[0.25, 0.  ], [0.  , 1.  ]], dtype=float32)
    """
    check_square("cholesky_inverse", x)
    back = solved("cholesky_inverse", np.linalg.inv, _lower(x, upper))
    return np.asarray(_turn(back) @ back)


def _lower(x: Array, upper: bool) -> Array:
    return np.tril(_turn(x) if upper else x)


@cholesky_inverse.gradient
def _(g: Array, y: Array, x: Array, upper: bool = False) -> Array:
    lower = _lower(x, upper)
    # y = (L L')^-1, so dL of <g, y> is -(y (g + g') y) L, of which only the triangle counts
    d = np.tril(-(y @ (g + _turn(g)) @ y) @ lower)
    return _turn(d) if upper else np.asarray(d)


@op(cases=[Case(REGULAR), Case(REGULARS)], errors=[Failure("2 3", match="expected square")], promote="float")
def eig(x: Array) -> Pair:
    """Eigenvalues and eigenvectors of square matrices; complex numbers, also where they are real.

    Args:
        x: shape (..., M, M).

    Returns:
        the values, (..., M), and the vectors as columns, (..., M, M).

    Raises:
        ShapeError: they are not square.

    >>> eig([[2.0, 0.0], [0.0, 3.0]])[0]
    Tensor([2.+0.j, 3.+0.j], dtype=complex64)
    """
    check_square("eig", x)
    values, vectors = np.linalg.eig(x)
    kind = "complex128" if x.dtype.itemsize == 8 else "complex64"
    return values.astype(kind), vectors.astype(kind)


@op(cases=[Case(REGULAR), Case("2 4 3")], errors=NO_MATRIX, promote="float")
def lu_factor(x: Array) -> Any:
    """Triangular factors of matrices, with rows exchanged so that no small number is divided by: P x = L U.

    Args:
        x: shape (..., M, N).

    Returns:
        U with L below its diagonal (whose own is 1), and for each step the row that it exchanged with.

    Raises:
        ShapeError: fewer than two axes.

    >>> lu_factor([[1.0, 2.0], [4.0, 6.0]])
    (Tensor([[4.  , 6.  ], [0.25, 0.5 ]], dtype=float32), Tensor([1, 1], dtype=int32))
    """
    _check_matrix("lu_factor", x)
    both = np.array(x).reshape(-1, *x.shape[-2:])
    steps = min(x.shape[-2:])
    pivots = np.zeros((len(both), steps), "int32")
    for matrix, exchanged in zip(both, pivots, strict=True):
        for k in range(steps):
            row = k + int(np.argmax(np.abs(matrix[k:, k])))
            exchanged[k] = row
            matrix[[k, row]] = matrix[[row, k]]
            if matrix[k, k] != 0:
                matrix[k + 1 :, k] /= matrix[k, k]
                matrix[k + 1 :, k + 1 :] -= np.outer(matrix[k + 1 :, k], matrix[k, k + 1 :])
    return both.reshape(x.shape), pivots.reshape(*x.shape[:-2], steps)
