"""From category numbers to vectors: one-hot, multi-hot and counts, as every lookup layer gives them."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from neurona.errors import ArgumentError
from neurona.symbolic import Shape
from neurona.tensor import Array

__all__ = ["encode", "encoded_shape", "tally"]


def encode(indices: Array, output_mode: str, depth: int, dtype: npt.DTypeLike, weights: Array | None = None) -> Array:
    """The vectors of length `depth` that stand for some category numbers.

    Args:
        indices: whole numbers from 0 on, ``(..., T)``. Those from `depth` on are left out.
        output_mode: "int": the numbers themselves; "one_hot": a vector for each, ``(..., T, depth)``, or
            ``(..., depth)`` where T is 1; "multi_hot": a vector for each row, 1 where a number is in it; "count": a
            vector for each row, how often each number is in it.
        depth: how many categories there are.
        dtype: of the result.
        weights: what each number counts in mode "count", shaped like `indices`.

    Raises:
        ArgumentError: a negative number where rows are counted.

    >>> encode(np.array([[0, 2, 2]]), "count", 3, "int64")
    array([[1, 0, 2]])
    >>> encode(np.array([2, 0]), "one_hot", 3, "int64")
    array([[0, 0, 1],
           [1, 0, 0]])
    """
    if output_mode == "int":
        return indices.astype(dtype)
    indices = np.atleast_1d(indices).astype("int64", copy=False)
    if output_mode == "one_hot":
        if indices.ndim > 1 and indices.shape[-1] == 1:
            indices = indices[..., 0]
        vectors: Array = (indices[..., np.newaxis] == np.arange(depth)).astype(dtype)
        return vectors
    width, leading = indices.shape[-1], indices.shape[:-1]
    count = int(np.prod(leading, dtype="int64"))
    rows = np.repeat(np.arange(count), width)
    flat = None if weights is None else weights.ravel()
    return tally(rows, indices.ravel(), count, output_mode, depth, dtype, flat).reshape(*leading, depth)


def tally(
    rows: Array,
    indices: Array,
    count: int,
    output_mode: str,
    depth: int,
    dtype: npt.DTypeLike,
    weights: Array | None = None,
) -> Array:
    """The vectors ``(count, depth)`` of rows of any lengths.

    Args:
        rows: in which row each number stands, ``(n,)``.
        indices: the numbers, ``(n,)``.
        output_mode: "multi_hot" or "count".

    >>> tally(np.array([0, 0, 2]), np.array([1, 1, 0]), 3, "count", 2, "int64").tolist()
    [[0, 2], [0, 0], [1, 0]]
    """
    if indices.size and indices.min() < 0:
        raise ArgumentError(f"Expected category numbers from 0 on. Received: {indices.min()}.")
    kept = indices < depth
    vectors = np.zeros((count, depth), dtype if weights is None else weights.dtype)
    places = (rows[kept], indices[kept])
    if output_mode == "multi_hot":
        vectors[places] = 1
    else:
        np.add.at(vectors, places, 1 if weights is None else weights[kept])
    return vectors


def encoded_shape(input_shape: Any, output_mode: str, depth: int | None) -> Shape:
    """The shape of what `encode` gives.

    >>> encoded_shape((None, 1), "one_hot", 5), encoded_shape((None, 3), "one_hot", 5), encoded_shape((None, 3), "count", 5)
    ((None, 5), (None, 3, 5), (None, 5))
    """
    shape = tuple(input_shape)
    if output_mode == "int":
        return shape
    if output_mode == "one_hot" and not (len(shape) > 1 and shape[-1] == 1):
        return (*shape, depth) if shape else (1, depth)
    return (*shape[:-1], depth)
