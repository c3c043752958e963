"""IntegerLookup: from category numbers with gaps to numbers without, and back."""

from __future__ import annotations

from typing import Any

import numpy as np

from neurona.errors import ArgumentError, DTypeError
from neurona.layers.lookup.index_lookup import IndexLookup
from neurona.layers.lookup.tables import IntegerTable
from neurona.registry import export
from neurona.tensor import Array

__all__ = ["IntegerLookup"]


@export("keras.layers")
class IntegerLookup(IndexLookup):
    """The index of each whole number in a vocabulary.

    Args:
        max_tokens: how many indices there may be, special ones included; for `adapt` and `pad_to_max_tokens`.
        num_oov_indices: how many indices unknown numbers share: 1; several, over which they are spread; or none, and an
            unknown number is an error.
        mask_token: the number that stands for nothing: index 0 in mode "int", dropped in the others.
        oov_token: what the inverse gives for unknown indices.
        vocabulary: a list or an array of numbers, or the path of a file with one in each line; else `adapt` learns it.
        vocabulary_dtype: must be "int64".
        idf_weights: in mode "tf_idf" the weight of each number of `vocabulary`.
        invert: from indices to numbers.
        output_mode: "int", "one_hot", "multi_hot", "count" or "tf_idf", as in `StringLookup`.
        sparse: must be False.
        pad_to_max_tokens: whether vectors have length `max_tokens` whatever the vocabulary's size.
        oov_method: how unknown numbers are spread: "floormod" by their remainder, "farmhash" by a fingerprint.
        salt: a number or two, with "farmhash": SipHash with this key instead.

    Raises:
        ArgumentError: a setting that cannot be meant.

    >>> layer = IntegerLookup(vocabulary=[12, 1138])
    >>> layer([[12, 5], [1138, 12]])
    Tensor([[1, 0],
            [2, 1]], dtype=int64)
    """

    def __init__(
        self,
        max_tokens: int | None = None,
        num_oov_indices: int = 1,
        mask_token: int | None = None,
        oov_token: int | None = -1,
        vocabulary: Any = None,
        vocabulary_dtype: str = "int64",
        idf_weights: Any = None,
        invert: bool = False,
        output_mode: str = "int",
        sparse: bool = False,
        pad_to_max_tokens: bool = False,
        oov_method: str = "floormod",
        salt: Any = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        if vocabulary_dtype != "int64":
            raise ArgumentError(
                "Only `vocabulary_dtype='int64'` is supported at this time. "
                f"Received: vocabulary_dtype={vocabulary_dtype}"
            )
        super().__init__(
            max_tokens, num_oov_indices, mask_token, oov_token, vocabulary_dtype, vocabulary=vocabulary,
            idf_weights=idf_weights, invert=invert, output_mode=output_mode, sparse=sparse,
            pad_to_max_tokens=pad_to_max_tokens, oov_method=oov_method, name=name, salt=salt, **kwargs,
        )  # fmt: skip

    def _tokens_in(self, values: Array) -> Array:
        if values.dtype.kind not in "iub" and values.size:
            raise DTypeError(f"Expected whole numbers. Received: an array of {values.dtype.name}.")
        return values.ravel().astype(np.int64)

    def _make_table(self, tokens: Any, first: int, also: dict[Any, int]) -> IntegerTable:
        return IntegerTable(tokens, first, also)

    def _to_hash(self, tokens: list[int]) -> list[bytes]:
        return [b"%d" % token for token in tokens]

    def _token_of(self, line: str) -> int:
        try:
            return int(line)
        except ValueError:
            raise ArgumentError(f"Expected a whole number in each line of a vocabulary. Received: {line!r}.") from None

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        for token in ("oov_token", "mask_token"):
            config[token] = None if config[token] is None else int(config[token])
        return config
