"""Sequences built and read step by step: `tf.TensorArray`, `tf.foldl`, masks of lengths, branches.

>>> sequence_mask([1, 3]).tolist()
[[True, False, False], [True, True, True]]
>>> TensorArray("float32", size=2).write(1, 3.0).write(0, 2.0).stack().tolist()
[2.0, 3.0]
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from neurona import ops
from neurona.errors import ArgumentError
from neurona.programs.tf.arrays import Result, cast, convert_to_tensor
from neurona.symbolic import dtype_name, flatten
from neurona.tensor import TensorLike, as_array, as_tensor, wrap

__all__ = [
    "Assert",
    "TensorArray",
    "case",
    "foldl",
    "foldr",
    "sequence_mask",
    "strided_slice",
    "switch_case",
    "timestamp",
]


class TensorArray:
    """A list of tensors of one shape, written place by place; every change gives the array back.

    Args:
        dtype: of the tensors.
        size: how many places there are at first; it grows as it is written.
        element_shape, and the rest: accepted; the tensors themselves tell.
    """

    def __init__(self, dtype: Any, size: Any = 0, *, element_shape: Any = None, **settings: Any) -> None:
        self.dtype = dtype_name(dtype)
        self._items: list[Any] = [None] * int(size)

    def write(self, index: Any, value: TensorLike, name: str | None = None) -> TensorArray:
        """Put a tensor in a place."""
        place = int(index)
        self._items += [None] * (place + 1 - len(self._items))
        self._items[place] = convert_to_tensor(value, self.dtype)
        return self

    def read(self, index: Any, name: str | None = None) -> Any:
        """The tensor in a place.

        Raises:
            ArgumentError: nothing was written there.
        """
        place = int(index)
        if not 0 <= place < len(self._items) or self._items[place] is None:
            raise ArgumentError(f"TensorArray: nothing was written there. Received: index={place}.")
        return self._items[place]

    def stack(self, name: str | None = None) -> Result:
        """All of them along a new first axis; places left empty are zeros."""
        written = next((item for item in self._items if item is not None), None)
        if written is None:
            return ops.zeros((len(self._items),), self.dtype)
        return ops.stack([ops.zeros_like(written) if item is None else item for item in self._items])

    def concat(self, name: str | None = None) -> Result:
        """All of them, one behind the other along their first axis."""
        return ops.concatenate(self._items, axis=0)

    def unstack(self, value: TensorLike, name: str | None = None) -> TensorArray:
        """Fill it with the rows of a tensor."""
        self._items = list(convert_to_tensor(value, self.dtype))
        return self

    def size(self, name: str | None = None) -> Result:
        """How many places there are."""
        return wrap(np.asarray(len(self._items), np.int32))


def sequence_mask(lengths: TensorLike, maxlen: Any = None, dtype: Any = "bool", name: str | None = None) -> Result:
    """For each length n, a row whose first n places are true; it is as wide as the longest unless told."""
    array = as_array(lengths)
    width = int(array.max(initial=0)) if maxlen is None else int(maxlen)
    return cast(wrap(np.arange(width) < array[..., None]), dtype)


def _fold(fn: Callable[[Any, Any], Any], rows: list[Any], initializer: Any) -> Any:
    state = rows.pop(0) if initializer is None else initializer
    for row in rows:
        state = fn(state, row)
    return state


def foldl(fn: Callable[[Any, Any], Any], elems: TensorLike, initializer: Any = None, **settings: Any) -> Any:
    """The state into which the rows, first to last, have taken the first one."""
    return _fold(fn, list(as_tensor(elems)), initializer)


def foldr(fn: Callable[[Any, Any], Any], elems: TensorLike, initializer: Any = None, **settings: Any) -> Any:
    """The state into which the rows, last to first, have taken the first one."""
    return _fold(fn, list(as_tensor(elems))[::-1], initializer)


def strided_slice(
    input_: TensorLike, begin: Any, end: Any, strides: Any = None, begin_mask: int = 0, end_mask: int = 0,
    ellipsis_mask: int = 0, new_axis_mask: int = 0, shrink_axis_mask: int = 0, var: Any = None, name: Any = None,
) -> Result:  # fmt: skip
    """``input_[begin:end:strides]``; a bit of a mask opens that axis's side, or picks one place of it.

    Raises:
        ArgumentError: an ellipsis or a new axis is asked for.
    """
    if ellipsis_mask or new_axis_mask:
        raise ArgumentError("strided_slice expects plain axes. Write the brackets: x[..., None, 2:5].")
    firsts, lasts = as_array(begin).tolist(), as_array(end).tolist()
    steps = [1] * len(firsts) if strides is None else as_array(strides).tolist()
    key: list[Any] = []
    for bit, (first, last, step) in enumerate(zip(firsts, lasts, steps, strict=True)):
        if shrink_axis_mask >> bit & 1:
            key.append(first)
        else:
            key.append(slice(None if begin_mask >> bit & 1 else first, None if end_mask >> bit & 1 else last, step))
    return ops.convert_to_tensor(input_)[tuple(key)]


def case(
    pred_fn_pairs: Any, default: Callable[[], Any] | None = None, exclusive: bool = False, strict: bool = False,
    name: str = "case",
) -> Any:  # fmt: skip
    """What the first function gives whose condition holds.

    Raises:
        ArgumentError: none holds, and there is no default.
    """
    for condition, function in pred_fn_pairs.items() if isinstance(pred_fn_pairs, dict) else pred_fn_pairs:
        if bool(condition):
            return function()
    if default is None:
        raise ArgumentError("tf.case: no condition holds, and there is no `default`.")
    return default()


def switch_case(
    branch_index: Any, branch_fns: Any, default: Callable[[], Any] | None = None, name: str = "switch_case"
) -> Any:
    """What the function of this number gives; outside the numbers, the default, which is the last unless told."""
    if not isinstance(branch_fns, dict):
        branch_fns = enumerate(branch_fns) if callable(branch_fns[0]) else branch_fns
    table = dict(branch_fns)
    chosen = table.get(int(branch_index), default)
    return (table[max(table)] if chosen is None else chosen)()


def Assert(condition: Any, data: Any, summarize: Any = None, name: str | None = None) -> None:  # noqa: N802 - TensorFlow's name
    """Nothing, if all of the condition holds.

    Raises:
        ArgumentError: it does not; `data` is told.
    """
    if not as_array(condition).all():
        raise ArgumentError(f"tf.Assert failed. Received: {[as_array(item).tolist() for item in flatten(data)]}")


def timestamp(name: str | None = None) -> Result:
    """Seconds since 1970."""
    return wrap(np.asarray(time.time()))
