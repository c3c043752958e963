"""RowGradient: the gradient of a table of which only some rows were read.

A batch of 32 reviews names some 3,000 of 20,000 words, so the gradient of an Embedding's table is 0 in most rows. It is kept
as the rows that are not, and their values: what is summed, clipped and applied is then as large as the batch, not as the
vocabulary. To whoever does not know of it, it is a `Tensor` like any other, whose numbers are laid out when they are first
asked for.

>>> g = RowGradient.summed(np.array([3, 1, 3]), np.array([[1.0], [2.0], [4.0]]), 5)
>>> g.rows.tolist(), g.values.tolist()
([1, 3], [[2.0], [5.0]])
>>> np.asarray(g).tolist()
[[0.0], [2.0], [0.0], [5.0], [0.0]]
"""

from __future__ import annotations

from typing import Any

import numpy as np

from neurona import kernels
from neurona.errors import ShapeError
from neurona.tensor import Array, Tensor

__all__ = ["RowGradient", "added", "as_whole"]


class RowGradient(Tensor):
    """The rows of a gradient that may differ from 0.

    Args:
        rows: their numbers, ascending, none twice; shape (R,).
        values: the gradient in these rows, shape (R, D).
        shape: of the whole gradient, (V, D).

    Raises:
        ShapeError: the three do not fit each other.
    """

    __slots__ = ("_laid_out", "_shape", "rows", "values")

    def __init__(self, rows: Array, values: Array, shape: tuple[int, ...]) -> None:
        if values.shape != (*rows.shape, *shape[1:]) or rows.ndim != 1:
            raise ShapeError(
                f"RowGradient expected values of shape (R, {', '.join(map(str, shape[1:]))}) for R rows of a table of "
                f"shape {shape}. Received: values of shape {values.shape} for rows of shape {rows.shape}."
            )
        self.rows, self.values, self._shape = rows, values, tuple(shape)
        self._laid_out: Array | None = None
        self.tracked, self._keras_mask = False, None

    @classmethod
    def summed(cls, ids: Array, values: Array, length: int) -> RowGradient:
        """The gradient of a table of `length` rows in which each of `values` goes to the row that `ids` tells.

        What goes to the same row is added in the order of the ids, so the same call gives the same bits.

        Args:
            ids: row numbers from 0 to length - 1, shape (M,).
            values: shape (M, D).
            length: the V of the result's shape (V, D).
        """
        shape = (length, *values.shape[1:])
        if kernels.native is not None:
            found = kernels.native.sum_by_row(values, ids, length)
            if found is not NotImplemented:
                rows, sums = found
                return cls(rows, sums, shape)
        if not values.size:
            rows = np.unique(ids).astype("int64")
            return cls(rows, np.zeros((rows.size, *values.shape[1:]), values.dtype), shape)
        order = np.argsort(ids, kind="stable")
        ordered = ids[order]
        first = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]])
        return cls(ordered[first].astype("int64"), np.add.reduceat(values[order], first, axis=0), shape)

    # -- as a tensor ------------------------------------------------------------------------------------------------

    @property
    def data(self) -> Array:  # type: ignore[override]
        """The whole gradient, zeros included; laid out once."""
        if self._laid_out is None:
            self._laid_out = np.zeros(self._shape, self.values.dtype)
            self._laid_out[self.rows] = self.values
        return self._laid_out

    @property
    def shape(self) -> tuple[int, ...]:
        return self._shape

    @property
    def dtype(self) -> np.dtype[Any]:
        return self.values.dtype

    @property
    def ndim(self) -> int:
        return len(self._shape)

    @property
    def size(self) -> int:
        return int(np.prod(self._shape))

    def __repr__(self) -> str:
        return f"<RowGradient of {self.rows.size} rows, shape={self._shape}, dtype={self.dtype.name}>"

    # -- as what it is ----------------------------------------------------------------------------------------------

    def with_values(self, values: Array) -> RowGradient:
        """The same rows with other values."""
        return RowGradient(self.rows, values, self._shape)

    def plus(self, other: RowGradient) -> RowGradient:
        """The sum of two, with the rows of both."""
        ids = np.concatenate([self.rows, other.rows])
        return RowGradient.summed(ids, np.concatenate([self.values, other.values]), self._shape[0])


def added(a: Any, b: Any) -> Any:
    """The sum of two gradients of one tensor, each an array or a `RowGradient`; new memory.

    >>> some = RowGradient(np.array([1]), np.array([[2.0]]), (3, 1))
    >>> added(some, some)
    <RowGradient of 1 rows, shape=(3, 1), dtype=float64>
    >>> added(np.ones((3, 1)), some).tolist()
    [[1.0], [3.0], [1.0]]
    """
    if type(a) is not RowGradient:
        if type(b) is not RowGradient:
            return a + b
        a, b = b, a
    if type(b) is RowGradient:
        return a.plus(b)
    whole = b.copy()
    whole[a.rows] += a.values
    return whole


def as_whole(g: Any) -> Any:
    """A gradient as an array, for those who know nothing else; ``None`` stays."""
    return g.data if type(g) is RowGradient else g
