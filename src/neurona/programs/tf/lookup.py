"""`tf.lookup`: tables from keys to values, of texts or numbers.

>>> table = StaticHashTable(KeyValueTensorInitializer(["a", "b"], [1, 2]), default_value=-1)
>>> table.lookup(["b", "z"]).tolist()
[2, -1]
"""

from __future__ import annotations

from typing import Any

import numpy as np

from neurona.programs.tf.arrays import Result, convert_to_tensor
from neurona.symbolic import dtype_name
from neurona.tensor import TensorLike, as_array, wrap

__all__ = ["KeyValueTensorInitializer", "StaticHashTable"]


def _plain(item: Any) -> Any:
    return item.decode("utf-8", "replace") if isinstance(item, bytes) else item


class KeyValueTensorInitializer:
    """What a table is filled with: keys and their values, place by place."""

    def __init__(
        self, keys: TensorLike, values: TensorLike, key_dtype: Any = None, value_dtype: Any = None, name: Any = None
    ) -> None:
        self.keys = [_plain(key) for key in as_array(keys).reshape(-1).tolist()]
        kind = None if value_dtype is None or dtype_name(value_dtype) == "string" else dtype_name(value_dtype)
        self.values = as_array(values, kind).reshape(-1)


class StaticHashTable:
    """A table that does not change.

    Args:
        initializer: keys and values.
        default_value: of keys that are not there.
    """

    def __init__(self, initializer: KeyValueTensorInitializer, default_value: Any, **settings: Any) -> None:
        self._table = dict(zip(initializer.keys, initializer.values.tolist(), strict=True))
        self._default = _plain(as_array(default_value).item())
        self._kind = initializer.values.dtype

    def lookup(self, keys: TensorLike, name: str | None = None) -> Result:
        """The value of each key."""
        array = as_array(keys)
        found = [self._table.get(_plain(key), self._default) for key in array.reshape(-1).tolist()]
        if self._kind.kind in "OSU":
            made = np.empty(array.shape, object)
            made.reshape(-1)[:] = found
            return convert_to_tensor(made)
        return wrap(np.asarray(found, self._kind).reshape(array.shape))

    __getitem__ = lookup

    def size(self, name: str | None = None) -> Result:
        """How many keys there are."""
        return wrap(np.asarray(len(self._table), np.int64))
