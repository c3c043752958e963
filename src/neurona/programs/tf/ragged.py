"""Rows of different lengths, as far as texts cut into parts need them: `tf.RaggedTensor` of one open axis.

Cutting texts gives one, the lookup layers take it and give one back, and ``to_tensor()`` fills it up to a dense tensor.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from neurona import layers
from neurona.programs.tf import texts
from neurona.tensor import Array, Tensor, TensorLike, as_array, wrap

__all__ = [
    "IntegerLookup",
    "RaggedTensor",
    "StringLookup",
    "bytes_split",
    "constant",
    "split",
    "unicode_split",
]


class RaggedTensor:
    """Rows of different lengths.

    Args:
        flat_values: all rows one behind the other.
        lengths: how long each is.

    >>> rows = RaggedTensor.from_row_lengths([3, 1, 4], [2, 1])
    >>> rows.to_list(), rows.shape, rows.to_tensor().tolist()
    ([[3, 1], [4]], (2, None), [[3, 1], [4, 0]])
    """

    def __init__(self, flat_values: TensorLike, lengths: Any) -> None:
        values = as_array(flat_values)
        self.flat_values: Tensor = texts.constant(values) if values.dtype.kind in "OSU" else wrap(values)
        self._lengths = np.asarray(lengths, np.int64)

    @classmethod
    def from_row_lengths(cls, values: TensorLike, row_lengths: Any, **checks: Any) -> RaggedTensor:
        """Rows of these lengths."""
        return cls(values, as_array(row_lengths))

    @classmethod
    def from_row_splits(cls, values: TensorLike, row_splits: Any, **checks: Any) -> RaggedTensor:
        """Rows that end where the next begins."""
        return cls(values, np.diff(as_array(row_splits)))

    @property
    def values(self) -> Tensor:
        return self.flat_values

    @property
    def dtype(self) -> Any:
        return self.flat_values.dtype

    @property
    def shape(self) -> tuple[int | None, ...]:
        return (len(self._lengths), None, *self.flat_values.shape[1:])

    def row_lengths(self) -> Tensor:
        """How long each row is."""
        return wrap(self._lengths)

    def _rows(self) -> list[Array]:
        return np.split(self.flat_values.data, np.cumsum(self._lengths)[:-1])

    def to_list(self) -> list[Any]:
        """The rows as lists."""
        return [row.tolist() for row in self._rows()]

    def numpy(self) -> Array:
        """An array of arrays."""
        made = np.empty(len(self), object)
        for place in range(len(self)):
            made[place] = self[place].numpy()
        return made

    def to_tensor(self, default_value: Any = None, name: str | None = None, shape: Any = None) -> Tensor:
        """A dense tensor, the shorter rows filled up."""
        width = int(self._lengths.max(initial=0)) if shape is None or shape[1] is None else int(shape[1])
        data = self.flat_values.data
        nothing: Any = ("" if data.dtype.kind in "OSU" else 0) if default_value is None else default_value
        made = np.full((len(self), width, *data.shape[1:]), nothing, data.dtype)
        for place, row in enumerate(self._rows()):
            made[place, : len(row)] = row[:width]
        return texts.constant(made) if data.dtype.kind in "OSU" else wrap(made)

    def __len__(self) -> int:
        return len(self._lengths)

    def __getitem__(self, place: int) -> Tensor:
        row = self._rows()[place]
        return texts.constant(row) if row.dtype.kind in "OSU" else wrap(row)

    def __iter__(self) -> Iterator[Tensor]:
        return (self[place] for place in range(len(self)))

    def __repr__(self) -> str:
        return f"RaggedTensor({self.to_list()})"


def constant(pylist: Any, dtype: Any = None, **more: Any) -> RaggedTensor:
    """Rows of different lengths from nested lists.

    >>> constant([["a"], [], ["b", "c"]]).row_lengths().tolist()
    [1, 0, 2]
    """
    flat = [item for row in pylist for item in row]
    return RaggedTensor(as_array(flat, dtype), [len(row) for row in pylist])


def _taking_rows(kind: type) -> Any:
    """The layer, which also takes rows of different lengths: what it makes of each value stands in its place."""

    def call(self: Any, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        if isinstance(inputs, RaggedTensor):
            return RaggedTensor(kind.__call__(self, inputs.flat_values, *args, **kwargs), inputs.row_lengths())
        return kind.__call__(self, inputs, *args, **kwargs)

    def adapt(self: Any, data: Any, **kwargs: Any) -> Any:
        return kind.adapt(self, data.flat_values if isinstance(data, RaggedTensor) else data, **kwargs)  # type: ignore[attr-defined]

    made = type(kind.__name__, (kind,), {"__call__": call, "adapt": adapt, "__doc__": kind.__doc__})
    made.__module__ = kind.__module__
    return made


StringLookup: Any = _taking_rows(layers.StringLookup)
IntegerLookup: Any = _taking_rows(layers.IntegerLookup)


def _parts(value: TensorLike, how: Callable[[str], list[Any]]) -> Any:
    """A row of parts for one text, rows of different lengths for several."""
    flat, lengths, axes = texts.cut(value, how)
    return flat if axes == 0 else RaggedTensor(flat, lengths)


def split(input: TensorLike, sep: str | None = None, maxsplit: int = -1, name: str | None = None) -> Any:
    """The words of texts.

    >>> split("a b").tolist(), split(["a b", "c"]).to_list()
    (['a', 'b'], [['a', 'b'], ['c']])
    """
    return _parts(input, lambda text: text.split(sep or None, maxsplit))


def bytes_split(input: TensorLike, name: str | None = None) -> Any:
    """The bytes of texts."""
    return _parts(input, lambda text: [bytes([b]) for b in text.encode("utf-8")])


def unicode_split(
    input: TensorLike, input_encoding: str = "UTF-8", errors: str = "replace", name: str | None = None
) -> Any:
    """The letters of texts."""
    return _parts(input, list)
