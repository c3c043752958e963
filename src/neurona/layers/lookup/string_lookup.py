"""StringLookup: from categories written as texts to numbers, and back."""

from __future__ import annotations

from typing import Any

from neurona.layers.lookup.index_lookup import IndexLookup
from neurona.layers.lookup.tables import TextTable
from neurona.layers.lookup.texts import to_utf8
from neurona.registry import export
from neurona.tensor import Array

__all__ = ["StringLookup"]


@export("keras.layers")
class StringLookup(IndexLookup):
    """The index of each text in a vocabulary.

    Args:
        max_tokens: how many indices there may be, special ones included; for `adapt` and `pad_to_max_tokens`.
        num_oov_indices: how many indices unknown texts share: 1; several, over which a fingerprint spreads them; or none,
            and an unknown text is an error.
        mask_token: the text that stands for nothing: index 0 in mode "int", dropped in the others.
        oov_token: what the inverse gives for unknown indices.
        vocabulary: a list or an array of texts, or the path of a file with one in each line; else `adapt` learns it.
        idf_weights: in mode "tf_idf" the weight of each text of `vocabulary`.
        invert: from indices to texts.
        output_mode: "int": the index of each text; "one_hot": a vector for each; "multi_hot", "count": a vector for each
            row, with 1 for the texts in it or their numbers; "tf_idf": these numbers times the texts' weights.
        pad_to_max_tokens: whether vectors have length `max_tokens` whatever the vocabulary's size.
        sparse: must be False.
        encoding: of texts that are given as bytes.
        salt: a number or two: unknown texts are spread by SipHash with this key instead of by FarmHash.

    Raises:
        ArgumentError: a setting that cannot be meant.

    >>> layer = StringLookup(vocabulary=["a", "b"])
    >>> layer([["a", "q"], ["b", "a"]])
    Tensor([[1, 0],
            [2, 1]], dtype=int64)
    """

    def __init__(
        self,
        max_tokens: int | None = None,
        num_oov_indices: int = 1,
        mask_token: str | None = None,
        oov_token: str | None = "[UNK]",
        vocabulary: Any = None,
        idf_weights: Any = None,
        invert: bool = False,
        output_mode: str = "int",
        pad_to_max_tokens: bool = False,
        sparse: bool = False,
        encoding: str = "utf-8",
        name: str | None = None,
        salt: Any = None,
        **kwargs: Any,
    ) -> None:
        self.encoding = encoding
        super().__init__(
            max_tokens, num_oov_indices, mask_token, oov_token, "string", vocabulary=vocabulary, idf_weights=idf_weights,
            invert=invert, output_mode=output_mode, sparse=sparse, pad_to_max_tokens=pad_to_max_tokens, name=name,
            salt=salt, **kwargs,
        )  # fmt: skip

    def _tokens_in(self, values: Array) -> list[bytes]:
        return to_utf8(values, self.encoding)

    def _make_table(self, tokens: list[bytes], first: int, also: dict[Any, int]) -> TextTable:
        return TextTable(tokens, first, also)

    def _to_hash(self, tokens: list[bytes]) -> list[bytes]:
        return tokens

    def _token_of(self, line: str) -> bytes:
        return line.encode("utf-8", "surrogatepass")

    def get_config(self) -> dict[str, Any]:
        config = {**super().get_config(), "encoding": self.encoding}
        del config["vocabulary_dtype"]  # texts have one only
        return config
