"""embedding: rows of a table by their numbers, with a gradient as large as the batch, not as the table."""

from __future__ import annotations

from typing import Any

import numpy as np

from neurona import kernels
from neurona.cases import A, Case, Failure
from neurona.errors import ArgumentError, DTypeError, ShapeError
from neurona.row_gradient import RowGradient
from neurona.tape import op
from neurona.tensor import Array

__all__ = ["embedding"]


@op(
    cases=[
        Case(A("N T", 0, 4, kind="int"), "4 C"),
        Case(A("N", 0, 7, kind="int"), "7 C"),
        Case(A("", 0, 3, kind="int"), "3 C"),
        Case(A("N T 2", 0, 2, kind="int"), "2 C"),
    ],
    errors=[
        Failure(
            A("2 3", 4, 5, kind="int"), "4 2", match="Expected ids from 0 to 3 (a table of 4 rows). Received: id 4"
        ),
        Failure(A("2 3", -1, 0, kind="int"), "4 2", match="Received: id -1 at position (0, 0)"),
        Failure("2 3", "4 2", match="embedding expected integer ids. Received: dtype float"),
        Failure(A("2 3", 0, 2, kind="int"), "4", match="embedding expected a table of shape (rows, columns)"),
    ],
)
def embedding(ids: Array, table: Array) -> Array:
    """The rows of a table that the ids name: y[n, t] = table[ids[n, t]].

    Args:
        ids: integers from 0 to V - 1, any shape.
        table: shape (V, D).

    Returns:
        shape (*ids.shape, D). The gradient of the table is a `neurona.row_gradient.RowGradient`.

    Raises:
        ArgumentError: an id outside the table; negative ones do not count from the end.
        DTypeError: ids that are no integers.
        ShapeError: the table is no matrix.

    >>> embedding([2, 0, 2], [[0.0, 1.0], [2.0, 3.0], [4.0, 5.0]])
    Tensor([[4., 5.],
            [0., 1.],
            [4., 5.]], dtype=float32)

    Source: Bengio et al., "A Neural Probabilistic Language Model" (2003), section 2.
    """
    if ids.dtype.kind not in "iu":
        raise DTypeError(f"embedding expected integer ids. Received: dtype {ids.dtype.name}.")
    if table.ndim != 2:
        raise ShapeError(f"embedding expected a table of shape (rows, columns). Received: shape {table.shape}.")
    length = table.shape[0]
    outside = (ids < 0) | (ids >= length)
    if outside.any():
        place = tuple(map(int, np.argwhere(outside)[0]))
        raise ArgumentError(
            f"Expected ids from 0 to {length - 1} (a table of {length} rows). Received: id {ids[place]} at position "
            f"{place}. Make the table longer (input_dim), or the vocabulary smaller."
        )
    return np.asarray(table[ids])


@embedding.gradient
def _(g: Array, y: Array, ids: Array, table: Array) -> tuple[None, RowGradient]:
    return None, RowGradient.summed(ids.reshape(ids.size), g.reshape(ids.size, table.shape[1]), table.shape[0])


@embedding.fast
def _(ids: Array, table: Array) -> Any:
    if table.ndim != 2:
        return NotImplemented
    try:
        y = kernels.native.gather_rows(table, ids.reshape(ids.size), 1.0)
    except ArgumentError:  # the reference says it better
        return NotImplemented
    return y if y is NotImplemented else y.reshape(*ids.shape, table.shape[1])
