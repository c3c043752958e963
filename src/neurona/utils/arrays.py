"""Arrays in another form: class numbers as one-hot rows, rows of norm 1."""

from __future__ import annotations

from typing import Any

import numpy as np

from neurona import config, ops
from neurona.errors import ArgumentError
from neurona.symbolic import KerasTensor
from neurona.tensor import Array, Tensor, wrap

__all__ = ["normalize", "to_categorical"]


def to_categorical(x: Any, num_classes: int | None = None) -> Any:
    """Class numbers as rows with a single 1 ("one hot").

    Args:
        x: integers from 0 to ``num_classes - 1``, of any shape; a last axis of length 1 is dropped.
        num_classes: the length of a row; by default the largest class plus one.

    Returns:
        array of float64 and of shape ``(*x.shape, num_classes)``; for a tensor a tensor of `floatx`.

    >>> to_categorical([0, 2, 1], num_classes=3).tolist()
    [[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, 1.0, 0.0]]
    """
    classes = np.asarray(x.data if isinstance(x, Tensor) else x).astype("int64")
    shape = classes.shape[:-1] if classes.ndim > 1 and classes.shape[-1] == 1 else classes.shape
    flat = classes.reshape(-1)
    count = int(num_classes or (flat.max() + 1 if flat.size else 0))
    if flat.size and (flat.min() < 0 or flat.max() >= count):
        raise ArgumentError(
            f"Classes must lie between 0 and num_classes - 1 = {count - 1}. "
            f"Received values from {flat.min()} to {flat.max()}."
        )
    rows = np.zeros((flat.size, count), config.floatx() if isinstance(x, Tensor) else "float64")
    rows[np.arange(flat.size), flat] = 1
    return _alike(x, rows.reshape(*shape, count))


def normalize(x: Any, axis: int = -1, order: int = 2) -> Any:
    """`x` divided by its norm along an axis; where the norm is 0 it stays 0. A tensor gives a tensor.

    >>> normalize([[3.0, 4.0]]).round(2).tolist()
    [[0.6, 0.8]]
    """
    if isinstance(x, (Tensor, KerasTensor)):  # gradients flow through it
        return ops.normalize(x, axis=axis, order=order)
    array = np.asarray(x)
    norm = np.atleast_1d(np.linalg.norm(array, order, axis))
    norm[norm == 0] = 1
    return np.asarray(array / np.expand_dims(norm, axis))


def _alike(given: Any, made: Array) -> Any:
    return wrap(made) if isinstance(given, Tensor) else made
