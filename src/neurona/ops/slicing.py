"""Ops that take a part of a tensor or replace one: indexing with brackets, blocks by start and shape.

Ranges give views, as in NumPy; lists and arrays of places give copies, and their gradient adds up where a
place was taken more than once.
"""

from __future__ import annotations

import builtins
from typing import Any

import numpy as np

from neurona.cases import A, Case, Failure
from neurona.errors import ShapeError
from neurona.symbolic import KerasTensor
from neurona.tape import composed, op
from neurona.tensor import Array, Tensor, TensorLike, as_array

__all__ = ["get_item", "slice", "slice_update"]


def _plain(key: Any) -> Any:
    """The key as NumPy takes it."""
    if isinstance(key, tuple):
        return tuple(_plain(part) for part in key)
    if isinstance(key, Tensor):
        array = key.numpy()
        return int(array) if array.ndim == 0 and array.dtype.kind in "iu" else array
    if isinstance(key, list):
        return as_array(key) if key else np.zeros(0, "int32")
    return key


def _is_basic(key: Any) -> bool:
    """Whether no part of a plain key is an array: then each place is taken once."""
    parts = key if isinstance(key, tuple) else (key,)
    return not builtins.any(isinstance(part, (np.ndarray, list)) for part in parts)


def _refuse(x: Array, key: Any, error: Exception) -> ShapeError:
    return ShapeError(f"A tensor of shape {x.shape} has no such part. Received: [{key!r}] ({error}).")


@op(
    cases=[
        Case("3 C", key=1),
        Case("N 4", key=(builtins.slice(None), builtins.slice(3, 0, -2))),
        Case("N 4", key=(..., None, [0, 3, 0])),
        Case("3 4", key=(np.array([[0, 2], [2, 2]]), 1)),
        Case("3 C", key=np.array([True, False, True])),
    ],
    promote="binary",
)
def _get_item(x: Array, key: Any) -> Array:
    """The part of `x` that a key without tensors of places means."""
    try:
        return np.asarray(x[_plain(key)])
    except (IndexError, TypeError) as error:
        raise _refuse(x, key, error) from None


@_get_item.gradient
def _(g: Array, y: Array, x: Array, key: Any) -> Array:
    key = _plain(key)
    dx = np.zeros(x.shape, g.dtype)
    if _is_basic(key):
        dx[key] = g
    else:
        np.add.at(dx, key, g)
    return dx


@op(cases=[Case("4 C", A("N 2", -4, 4, "int")), Case("4 C", A("4", kind="bool"))])
def _pick(x: Array, places: Array) -> Array:
    """x[places] for an array of places or of yes and no."""
    try:
        return np.asarray(x[places])
    except IndexError as error:
        raise _refuse(x, places, error) from None


@_pick.gradient
def _(g: Array, y: Array, x: Array, places: Array) -> tuple[Array, None]:
    dx = np.zeros(x.shape, g.dtype)
    if places.dtype.kind == "b":
        dx[places] = g
    else:
        np.add.at(dx, places, g)
    return dx, None


@composed(
    cases=[
        Case("3 C", key=1),
        Case("N 4", key=(builtins.slice(None), builtins.slice(3, 0, -2))),
        Case("N 4", key=(..., None, [0, 3, 0])),
        Case("4 C", key=Tensor([[0, 2], [2, 2]])),
        Case("3 C", key=np.array([True, False, True])),
        Case("", key=None),
    ],
    errors=[
        Failure("3", key=3, match="has no such part"),
        Failure("3", key=(0, 0), match="has no such part"),
        Failure("3", key="a", match="has no such part"),
    ],
)
def get_item(x: TensorLike, key: Any) -> Tensor:
    """x[key]: numbers, ranges, ``None`` (a new axis), ``...``, arrays of places or of booleans, or several.

    >>> get_item([[1.0, 2.0], [3.0, 4.0]], (..., 1))
    Tensor([2., 4.], dtype=float32)
    """
    if isinstance(key, (Tensor, KerasTensor)) and key.ndim > 0:
        return _pick(x, key)  # type: ignore[no-any-return]
    return _get_item(x, key=key)  # type: ignore[no-any-return]


def _block(x: Array, start: Any, shape: Any) -> tuple[builtins.slice, ...]:
    """The ranges of a block, checked against the tensor's shape."""
    first, lengths = np.asarray(start).reshape(-1).tolist(), list(shape)
    if len(first) != x.ndim or len(lengths) != x.ndim:
        raise ShapeError(
            f"A block of a tensor of shape {x.shape} needs a start and a length for each axis. "
            f"Received: start {tuple(first)}, lengths {tuple(lengths)}."
        )
    lengths = [int(n - i if m == -1 else m) for i, m, n in zip(first, lengths, x.shape, strict=True)]
    if builtins.any(i < 0 or m < 0 or i + m > n for i, m, n in zip(first, lengths, x.shape, strict=True)):
        raise ShapeError(
            f"A block must lie inside the tensor, of shape {x.shape}. "
            f"Received: start {tuple(first)}, lengths {tuple(lengths)}."
        )
    return tuple(builtins.slice(i, i + m) for i, m in zip(first, lengths, strict=True))


@op(
    cases=[Case("3 4", [1, 0], shape=(2, 3)), Case("N 4", A("2", 0, 1, "int"), shape=(-1, 3))],
    errors=[
        Failure("3 4", [1], shape=(2,), match="for each axis"),
        Failure("3 4", [2, 0], shape=(2, 4), match="inside the tensor"),
    ],
)  # fmt: skip
def slice(inputs: Array, start_indices: Array, shape: Any) -> Array:
    """The block of a tensor that begins at `start_indices`.

    Args:
        inputs: a tensor.
        start_indices: for each axis, where the block begins.
        shape: the block's length along each axis; -1 for all that is left.

    >>> slice([[1.0, 2.0], [3.0, 4.0]], [0, 1], (2, 1))
    Tensor([[2.],
            [4.]], dtype=float32)
    """
    return inputs[_block(inputs, start_indices, shape)]


@slice.drawn
def _(inputs: Any, start_indices: Any, shape: Any) -> Any:
    if (
        isinstance(start_indices, KerasTensor) and -1 not in shape
    ):  # the places are symbolic: they have no values to try
        return KerasTensor(tuple(shape), str(inputs.dtype))
    return NotImplemented


@slice.gradient
def _(g: Array, y: Array, inputs: Array, start_indices: Array, shape: Any) -> tuple[Array, None]:
    dx = np.zeros(inputs.shape, g.dtype)
    dx[_block(inputs, start_indices, shape)] = g
    return dx, None


@op(
    cases=[Case("3 4", [1, 0], "2 3"), Case("3 C", [0, 0], "1 C")],
    errors=[Failure("3 4", [2, 0], "2 4", match="inside the tensor")],
)
def slice_update(inputs: Array, start_indices: Array, updates: Array) -> Array:
    """A copy of the tensor with a block replaced.

    Args:
        inputs: a tensor.
        start_indices: for each axis, where the block begins.
        updates: the new values; its shape is the block's.

    >>> slice_update([1.0, 2.0, 3.0], [1], [9.0, 8.0])
    Tensor([1., 9., 8.], dtype=float32)
    """
    out = inputs.copy()
    out[_block(inputs, start_indices, updates.shape)] = updates
    return out


@slice_update.drawn
def _(inputs: Any, start_indices: Any, updates: Any) -> Any:
    return KerasTensor(inputs.shape, str(inputs.dtype))  # the places may be symbolic


@slice_update.gradient
def _(g: Array, y: Array, inputs: Array, start_indices: Array, updates: Array) -> tuple[Array, None, Array]:
    block = _block(inputs, start_indices, updates.shape)
    kept = g.copy()
    kept[block] = 0
    return kept, None, g[block]
