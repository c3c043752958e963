"""WordPairs: which pair each word makes with the word before it, so that "not good" can mean something of its own.

A recurrence has to learn what neighbours mean together; a table that knows the frequent pairs can look it up. The pairs
are learnt from the training texts and kept in the model, as numbers in ascending order.

Source: Wang & Manning, "Baselines and Bigrams: Simple, Good Sentiment and Topic Classification" (2012), who found that
pairs of words are worth one to two points on this very data.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from neurona import layers, ops
from neurona.datasets.tokens import UNKNOWN, Tokens
from neurona.errors import ArgumentError
from neurona.registry import register_keras_serializable
from neurona.tensor import Array

__all__ = ["FIRST_PAIR", "WordPairs"]

#: The number of the first pair.
FIRST_PAIR = 2
_NONE = np.iinfo("int32").max  # behind all pairs


@register_keras_serializable("neurona")
class WordPairs(layers.Layer):
    """Numbers of words to numbers of pairs: (N, T) -> (N, T), 0 where there is no word, 1 for a pair that is not known.

    The pair of words a, b is kept as a * words + b.

    Args:
        pairs: how many it can know.
        words: the size of the vocabulary, special numbers included.

    Raises:
        ArgumentError: the pairs of so many words do not fit into 32 bits.

    >>> layer = WordPairs(2, words=10)
    >>> _ = layer(np.array([[3, 4]]))
    >>> layer.learn(Tokens.of([[3, 4, 5], [3, 4, 5], [3, 5]]))
    >>> layer(np.array([[3, 4, 5, 3, 5]])).tolist()
    [[1, 2, 3, 1, 1]]
    """

    def __init__(self, pairs: int, words: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if words * words > _NONE:
            raise ArgumentError(f"WordPairs takes vocabularies of up to 46,340 words. Received: words={words}.")
        self.pairs, self.words = pairs, words

    def build(self, input_shape: Any) -> None:
        self.codes = self.add_weight((self.pairs,), "zeros", dtype="int32", trainable=False, name="codes")

    def learn(self, tokens: Tokens) -> None:
        """Know the most frequent pairs of these texts; not those with an unknown word, nor those seen once."""
        found, counts = np.unique(self._codes_of(tokens), return_counts=True)
        often = counts > 1
        found, counts = found[often], counts[often]
        kept = np.sort(found[np.argsort(-counts, kind="stable")[: self.pairs]])
        self.codes.assign(np.concatenate([kept, np.full(self.pairs - len(kept), _NONE)]).astype("int32"))

    def _codes_of(self, tokens: Tokens) -> Array:
        """All pairs of all texts."""
        before, word = tokens.flat[:-1].astype("int64"), tokens.flat[1:]
        within = np.ones(len(word), bool)
        starts = tokens.offsets[1:-1]
        within[starts[(starts > 0) & (starts < len(tokens.flat))] - 1] = False
        known = within & (before != UNKNOWN) & (word != UNKNOWN)
        codes: Array = (before * self.words + word)[known]
        return codes

    def call(self, ids: Any) -> Any:
        before = ops.pad(ids[:, :-1], [[0, 0], [1, 0]])
        code = before * self.words + ids
        place = ops.minimum(ops.searchsorted(self.codes, code), self.pairs - 1)
        known = ops.equal(ops.take(self.codes, place), code)
        return ops.where(ops.equal(ids, 0), 0, ops.where(known, place + FIRST_PAIR, 1))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "pairs": self.pairs, "words": self.words}
