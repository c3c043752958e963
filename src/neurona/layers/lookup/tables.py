"""Tables of tokens: from a token to its index, and back. One for texts, one for whole numbers.

A table never changes; a layer that learns new tokens takes a new one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import repeat
from typing import Any

import numpy as np

from neurona.layers.lookup.texts import from_utf8, object_array
from neurona.tensor import Array

__all__ = ["IntegerTable", "TextTable"]


class TextTable:
    """The indices of texts.

    Args:
        tokens: as UTF-8, no two equal.
        first: the index of the first of them.
        also: indices of other texts.

    >>> TextTable([b"a", b"b"], first=2, also={b"": 0}).find([b"b", b"", b"q"], missing=1)
    array([3, 0, 1])
    """

    def __init__(self, tokens: Sequence[bytes], first: int = 0, also: Mapping[bytes, int] | None = None) -> None:
        self._tokens, self._first = list(tokens), first
        self._indices = {token: index for index, token in enumerate(self._tokens, first)}
        self._indices.update(also or {})

    def __len__(self) -> int:
        return len(self._tokens)

    def find(self, tokens: Sequence[bytes], missing: int) -> Array:
        """The index of each token, `missing` for those that are not in the table."""
        return np.fromiter(map(self._indices.get, tokens, repeat(missing)), np.int64, len(tokens))

    def tokens(self) -> list[Any]:
        """The tokens as `str`, in the order of their indices."""
        return [from_utf8(token) for token in self._tokens]

    def at(self, indices: Array, missing: Any) -> Array:
        """The tokens that have these indices, `missing` for others."""
        return object_array([*self.tokens(), missing])[_within(indices - self._first, len(self))]


class IntegerTable:
    """The indices of whole numbers.

    Args:
        tokens: int64, no two equal.
        first: the index of the first of them.
        also: indices of other numbers.

    >>> IntegerTable([7, 3]).find(np.array([3, 7, 5]), missing=-1)
    array([ 1,  0, -1])
    """

    def __init__(self, tokens: Sequence[int] | Array, first: int = 0, also: Mapping[int, int] | None = None) -> None:
        others = also or {}
        self._tokens, self._first = np.asarray(tokens, np.int64), first
        keys = np.append(self._tokens, np.fromiter(others.keys(), np.int64))
        indices = np.append(np.arange(first, first + len(self._tokens)), np.fromiter(others.values(), np.int64))
        order = np.argsort(keys, kind="stable")
        self._keys, self._indices = keys[order], indices[order]

    def __len__(self) -> int:
        return len(self._tokens)

    def find(self, tokens: Array, missing: int) -> Array:
        """The index of each token, `missing` for those that are not in the table."""
        if not len(self._keys):
            return np.full(len(tokens), missing, np.int64)
        near = np.minimum(np.searchsorted(self._keys, tokens), len(self._keys) - 1)
        return np.where(self._keys[near] == tokens, self._indices[near], np.int64(missing))

    def tokens(self) -> list[Any]:
        """The tokens as Python's ints, in the order of their indices."""
        return [int(token) for token in self._tokens]

    def at(self, indices: Array, missing: Any) -> Array:
        """The tokens that have these indices, `missing` for others."""
        known = np.append(self._tokens, np.int64(missing))
        return known[_within(indices - self._first, len(self))]


def _within(places: Array, length: int) -> Array:
    """The places, those that are outside moved to the end."""
    return np.where((places >= 0) & (places < length), places, length)
