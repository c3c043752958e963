"""TokenCounts: how often each token was seen, and in how many documents."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from itertools import chain
from typing import Any

import numpy as np

from neurona.tensor import Array

__all__ = ["TokenCounts"]


class TokenCounts:
    """What `adapt` gathers.

    Args:
        in_documents: whether to count documents too, for the weights of mode "tf_idf".

    >>> counts = TokenCounts()
    >>> counts.add([[b"a", b"b"], [b"b", b"c"]])
    >>> counts.most_frequent()
    [b'b', b'c', b'a']
    """

    def __init__(self, in_documents: bool = False) -> None:
        self._in_documents = in_documents
        self._seen: Counter[Any] = Counter()
        self._seen_in: Counter[Any] = Counter()
        self._documents = 0

    def __bool__(self) -> bool:
        return bool(self._seen)

    def clear(self) -> None:
        """Forget everything."""
        self._seen, self._seen_in, self._documents = Counter(), Counter(), 0

    def add(self, documents: Iterable[Sequence[Any]]) -> None:
        """Count the tokens of some documents, which may come one by one."""
        if not self._in_documents:
            self._seen.update(chain.from_iterable(documents))
            return
        for document in documents:
            self._seen.update(document)
            self._seen_in.update(set(document))
            self._documents += 1

    def most_frequent(self, without: Collection[Any] = (), most: int | None = None) -> list[Any]:
        """The tokens, the most frequent first; of equally frequent ones the last in order first."""
        tokens = [token for token in self._seen if token not in without]
        return sorted(tokens, key=lambda token: (self._seen[token], token), reverse=True)[:most]

    def rarity(self, tokens: Sequence[Any]) -> Array:
        """The weight log(1 + documents / (1 + documents with the token)) of each token."""
        seen_in = np.array([self._seen_in[token] for token in tokens], "float64")
        return np.log1p(self._documents / (1 + seen_in))
