"""IndexLookup: what StringLookup and IntegerLookup share.

The indices of a layer's outputs begin with the mask (in mode "int" only, where there is a mask token), then come those of
the unknown tokens, then the vocabulary's. A subclass says what a token is.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from neurona import config
from neurona.errors import ArgumentError, DTypeError, NotBuiltError, SavingError, ShapeError
from neurona.layers.lookup import vocabulary_file
from neurona.layers.lookup.arguments import (
    expect_choice,
    mode_named,
    plain_list,
    refuse_path,
    refuse_sparse,
    salt_pair,
)
from neurona.layers.lookup.base import LookupLayer, batches_of, given_array
from neurona.layers.lookup.counts import TokenCounts
from neurona.layers.lookup.encoding import encode, encoded_shape, tally
from neurona.layers.lookup.fingerprint import farm_fingerprint, sip_hash
from neurona.layers.lookup.tables import IntegerTable, TextTable
from neurona.symbolic import Shape
from neurona.tensor import Array, Tensor

__all__ = ["NOWHERE", "IndexLookup"]

NOWHERE = np.iinfo(np.int64).max  # an index that no vector has a place for


class IndexLookup(LookupLayer):
    """The base of StringLookup and IntegerLookup, which say what the arguments mean."""

    def __init__(
        self,
        max_tokens: int | None,
        num_oov_indices: int,
        mask_token: Any,
        oov_token: Any,
        vocabulary_dtype: str,
        vocabulary: Any = None,
        idf_weights: Any = None,
        invert: bool = False,
        output_mode: str = "int",
        sparse: bool = False,
        pad_to_max_tokens: bool = False,
        oov_method: str = "floormod",
        name: str | None = None,
        salt: Any = None,
        **kwargs: Any,
    ) -> None:
        layer = type(self).__name__
        if max_tokens is not None and max_tokens <= 1:
            raise ArgumentError(f"If set, `max_tokens` must be greater than 1. Received: max_tokens={max_tokens}")
        if pad_to_max_tokens and max_tokens is None:
            raise ArgumentError(
                f"If pad_to_max_tokens is True, must set `max_tokens`. Received: max_tokens={max_tokens}"
            )
        if num_oov_indices < 0:
            raise ArgumentError(
                f"`num_oov_indices` must be greater than or equal to 0. Received: num_oov_indices={num_oov_indices}"
            )
        expect_choice(layer, "oov_method", oov_method, ("floormod", "farmhash"))
        if salt is not None and vocabulary_dtype != "string" and oov_method != "farmhash":
            raise ArgumentError(
                f"`salt` can only be used when `oov_method='farmhash'`. Received: oov_method={oov_method}"
            )
        output_mode = mode_named(layer, output_mode)
        if invert and output_mode != "int":
            raise ArgumentError(
                f"`output_mode` must be `'int'` when `invert` is true. Received: output_mode={output_mode}"
            )
        if sparse and output_mode == "int":
            raise ArgumentError(
                "`sparse` may only be true if `output_mode` is `'one_hot'`, `'multi_hot'`, `'count'` or `'tf_idf'` (and there "
                f"are no sparse tensors here: leave it out). Received: sparse={sparse} and output_mode={output_mode}"
            )
        refuse_sparse(layer, sparse)
        if idf_weights is not None and output_mode != "tf_idf":
            raise ArgumentError(
                "`idf_weights` should only be set if `output_mode` is `'tf_idf'`. "
                f"Received: idf_weights={idf_weights} and output_mode={output_mode}"
            )
        frozen_size = kwargs.pop("vocabulary_size", None)
        has_vocabulary = kwargs.pop("has_input_vocabulary", vocabulary is not None)
        kwargs.pop("trainable", None)
        kwargs.pop("dtype", None)
        super().__init__(name=name, **kwargs)
        self.invert, self.max_tokens, self.num_oov_indices = invert, max_tokens, num_oov_indices
        self.mask_token, self.oov_token, self.output_mode = mask_token, oov_token, output_mode
        self.sparse, self.pad_to_max_tokens = sparse, pad_to_max_tokens
        self.vocabulary_dtype, self.oov_method = vocabulary_dtype, oov_method
        self.salt = None if salt is None else salt_pair(layer, salt)
        # a vocabulary from a file goes into the model's own file, not its path into the configuration
        self.input_vocabulary = None if isinstance(vocabulary, (str, os.PathLike)) else vocabulary
        self.input_idf_weights = idf_weights
        self.idf_weights: Tensor | None = None
        self._has_input_vocabulary = has_vocabulary
        self._frozen_vocab_size: int | None = frozen_size
        self._table: TextTable | IntegerTable | None = None
        self._counts = TokenCounts(in_documents=output_mode == "tf_idf")
        if output_mode == "tf_idf" and self._has_input_vocabulary and idf_weights is None:
            raise ArgumentError(
                "When specifying the `vocabulary` argument, in TF-IDF output mode, the `idf_weights` argument must "
                "also be provided."
            )
        if vocabulary is not None:
            self.set_vocabulary(vocabulary, idf_weights)

    # -- what a token is: for the subclasses ------------------------------------------------------------------

    def _tokens_in(self, values: Array) -> Any:
        """The tokens in an array, in one flat sequence."""
        raise NotImplementedError(f"{type(self).__name__} must define _tokens_in().")

    def _make_table(self, tokens: Any, first: int, also: dict[Any, int]) -> TextTable | IntegerTable:
        raise NotImplementedError(f"{type(self).__name__} must define _make_table().")

    def _to_hash(self, tokens: Any) -> list[bytes]:
        """The tokens as they are hashed."""
        raise NotImplementedError(f"{type(self).__name__} must define _to_hash().")

    def _token_of(self, line: str) -> Any:
        """The token in a line of a vocabulary's file."""
        raise NotImplementedError(f"{type(self).__name__} must define _token_of().")

    def _special(self, token: Any) -> Any:
        """The mask or the unknown token as `_tokens_in` would give it."""
        return self._tokens_in(given_array([token]))[0]

    # -- the vocabulary ---------------------------------------------------------------------------------------

    def _oov_start_index(self) -> int:
        return 1 if self.mask_token is not None and self.output_mode == "int" else 0

    def _token_start_index(self) -> int:
        return self._oov_start_index() + self.num_oov_indices

    def _special_tokens(self) -> list[Any]:
        """What stands before the vocabulary."""
        return [self.mask_token] * self._oov_start_index() + [self.oov_token] * self.num_oov_indices

    def _take_tokens(self, tokens: Any) -> None:
        """Make these the vocabulary, without the special ones."""
        also = {}
        if self.mask_token is not None and not self.invert:
            also[self._special(self.mask_token)] = 0 if self.output_mode == "int" else NOWHERE
        self._table = self._make_table(tokens, self._token_start_index(), also)
        fixed = self.output_mode != "int" and not self.pad_to_max_tokens
        size = self.vocabulary_size()
        if fixed and self._frozen_vocab_size not in (None, size):
            raise NotBuiltError(
                f"When using `output_mode={self.output_mode}` and `pad_to_max_tokens=False`, the vocabulary size "
                f"cannot be changed after the layer is called. Old vocab size is {self._frozen_vocab_size}, new vocab "
                f"size is {size}"
            )
        self._frozen_vocab_size = size

    def get_vocabulary(self, include_special_tokens: bool = True) -> list[Any]:
        """The tokens in the order of their indices.

        Args:
            include_special_tokens: whether the mask's and the unknown token are among them, at their indices.
        """
        tokens = [] if self._table is None else self._table.tokens()
        if not include_special_tokens:
            return tokens
        return self._special_tokens() + tokens

    def vocabulary_size(self) -> int:
        """How many indices there are, those of the mask and of unknown tokens included."""
        return self._token_start_index() + (0 if self._table is None else len(self._table))

    def set_vocabulary(self, vocabulary: Any, idf_weights: Any = None) -> None:
        """Give the layer its vocabulary, instead of learning it with `adapt`.

        Args:
            vocabulary: a list or an array of tokens, with the special ones at its begin or without them; or the path of
                a file with a token in each line.
            idf_weights: in mode "tf_idf" a weight for each token of `vocabulary`; unknown ones get their mean.

        Raises:
            ArgumentError: tokens come twice, special ones stand in the middle, there are none or more than
                `max_tokens`; weights are missing, not asked for or of another number.
        """
        if self.output_mode == "tf_idf" and idf_weights is None:
            raise ArgumentError("`idf_weights` must be set if output_mode is 'tf_idf'.")
        if self.output_mode != "tf_idf" and idf_weights is not None:
            raise ArgumentError(
                "`idf_weights` should only be set if output_mode is `'tf_idf'`. "
                f"Received: output_mode={self.output_mode} and idf_weights={idf_weights}"
            )
        if isinstance(vocabulary, (str, os.PathLike)):
            if self.output_mode == "tf_idf":
                raise ArgumentError("output_mode `'tf_idf'` does not support loading a vocabulary from file.")
            self._take_tokens(self._checked([self._token_of(line) for line in vocabulary_file.lines_of(vocabulary)]))
            return
        given = self._tokens_in(given_array(vocabulary)) if np.size(vocabulary) else []
        if len(given) == 0:
            raise ArgumentError(f"Cannot set an empty vocabulary. Received: vocabulary={vocabulary}")
        tokens = self._without_special(list(given))
        weights = None if idf_weights is None else self._idf_of(given, tokens, idf_weights)
        self._take_tokens(self._checked(tokens))
        if weights is not None:
            self.idf_weights = Tensor(weights, config.floatx())

    def _without_special(self, given: list[Any]) -> list[Any]:
        """The tokens behind the special ones, if it begins with exactly these."""
        special = self._special_tokens()
        if any(token is None for token in special):
            return given
        return given[len(special) :] if given[: len(special)] == [self._special(t) for t in special] else given

    def _checked(self, tokens: list[Any]) -> list[Any]:
        """The tokens, if they can be a vocabulary."""
        repeated = [self._shown(token) for token, count in Counter(tokens).items() if count > 1]
        if repeated:
            raise ArgumentError(
                "The passed vocabulary has at least one repeated term. Please uniquify your dataset. The repeated terms "
                f"are: {repeated[:20]}"
            )
        # the unknown token is of no use in looking up, so only the inverse must keep it apart
        for what, token in (("mask", self.mask_token), ("OOV", self.oov_token if self.invert else None)):
            if token is not None and self._special(token) in tokens:
                raise ArgumentError(
                    f"Found reserved {what} token at unexpected location in `vocabulary`. Note that passed `vocabulary` "
                    "does not need to include the OOV and mask tokens. Either remove all mask and OOV tokens, or include "
                    f"them only at the start of the vocabulary in precisely this order: {self._special_tokens()}. "
                    f"Received: {token!r} at vocabulary index {tokens.index(self._special(token))}"
                )
        size = self._token_start_index() + len(tokens)
        if self.max_tokens is not None and size > self.max_tokens:
            raise ArgumentError(
                "Attempted to set a vocabulary larger than the maximum vocab size. Received vocabulary size is "
                f"{size}; `max_tokens` is {self.max_tokens}."
            )
        return tokens

    def _shown(self, token: Any) -> Any:
        """A token as an error names it."""
        return token.decode("utf-8", "replace") if isinstance(token, bytes) else int(token)

    def _idf_of(self, given: Sequence[Any], tokens: list[Any], idf_weights: Any) -> Array:
        """A weight for each index."""
        weights = np.asarray(idf_weights, "float64")
        if weights.ndim != 1:
            raise ArgumentError(f"TF-IDF data must be a 1-index array. Received: shape {weights.shape}")
        if len(weights) != len(given):
            raise ArgumentError(
                f"`idf_weights` must be the same length as vocabulary. len(idf_weights) is {len(weights)}; "
                f"len(vocabulary) is {len(given)}"
            )
        if len(given) == len(tokens):  # without special tokens
            weights = np.concatenate([np.full(self._token_start_index(), weights.mean()), weights])
        return self._padded(weights)

    def _padded(self, weights: Array) -> Array:
        missing = (self.max_tokens or 0) - len(weights) if self.pad_to_max_tokens else 0
        return np.append(weights, np.zeros(max(missing, 0)))

    # -- learning it ------------------------------------------------------------------------------------------

    def adapt(self, data: Any, steps: int | None = None) -> None:
        """Learn the vocabulary: the most frequent tokens, of equally frequent ones the last in order first.

        Args:
            data: a list or an array of tokens, or an iterable of batches of them. In mode "tf_idf" a row is a document.
            steps: how many batches to take of an iterable.

        Raises:
            ArgumentError: the vocabulary was given when the layer was made.
        """
        self.reset_state()
        for batch in batches_of(data, steps):
            self.update_state(batch)
        self.finalize_state()

    def update_state(self, data: Any) -> None:
        """Count the tokens of one batch; an array of one axis is one document."""
        values = given_array(data)
        if values.ndim < 2:
            values = values.reshape(1, -1)
        tokens = self._tokens_in(values)
        width = len(tokens) // max(len(values), 1)
        self.count([tokens[i * width : (i + 1) * width] for i in range(len(values))])

    def count(self, documents: Iterable[Sequence[Any]]) -> None:
        """Count tokens, and in mode "tf_idf" in how many documents each is.

        Raises:
            ArgumentError: the vocabulary was given when the layer was made.
        """
        if self._has_input_vocabulary:
            raise ArgumentError(
                f"Cannot adapt layer '{self.name}' after setting a static vocabulary via `vocabulary` argument or "
                "`set_vocabulary()` method."
            )
        self._counts.add(documents)

    def finalize_state(self) -> None:
        """Make the vocabulary of what was counted."""
        if self._has_input_vocabulary or not self._counts:
            return
        special = [self._special(token) for token in (self.mask_token, self.oov_token) if token is not None]
        most = max(self.max_tokens - self._token_start_index(), 0) if self.max_tokens else None
        tokens = self._counts.most_frequent(without=special, most=most)
        self._take_tokens(tokens)
        if self.output_mode == "tf_idf":
            weights = self._counts.rarity(tokens).astype(config.floatx())
            average = weights.mean() if len(weights) else 0.0
            whole = np.concatenate([np.full(self._token_start_index(), average), weights])
            self.idf_weights = Tensor(self._padded(whole), config.floatx())
        self.reset_state()

    def reset_state(self) -> None:
        """Forget what was counted; the vocabulary stays."""
        self._counts.clear()

    # -- looking up -------------------------------------------------------------------------------------------

    def expect_vocabulary(self, owner: str | None = None) -> None:
        """Raise where there is no vocabulary yet; `owner` is the layer to name."""
        if self._table is None:
            mode = f"When using `output_mode={self.output_mode}` and `pad_to_max_tokens=False`, t"
            begin = "T" if self.output_mode == "int" or self.pad_to_max_tokens else mode
            raise NotBuiltError(
                f"{begin}he layer {owner or self.name} has no vocabulary yet: you must set it before calling the layer. Either "
                "pass a `vocabulary` argument to the layer, or call `adapt` with some sample data."
            )

    def _compute(self, inputs: Array) -> Array:
        self.expect_vocabulary()
        if self.invert:
            return self._inverse(inputs)
        return self.encoded(self.indices_of(self._tokens_in(inputs)).reshape(inputs.shape))

    def encoded(self, indices: Array) -> Array:
        """The output for the indices of the tokens."""
        if self.output_mode == "int":
            return indices
        if self.output_mode == "one_hot":
            return encode(indices, "one_hot", self._depth() or 0, "int64")
        leading = indices.shape[:-1]
        count = int(np.prod(leading, dtype="int64"))
        rows = np.repeat(np.arange(count), indices.shape[-1] if indices.ndim else 1)
        return self.tallied(rows, indices.ravel(), count).reshape(*leading, -1 if count else self._depth() or 0)

    def tallied(self, rows: Array, indices: Array, count: int) -> Array:
        """The vectors of `count` rows, from the row and the index of each token."""
        depth = self._depth() or 0
        if self.output_mode != "tf_idf":
            return tally(rows, indices, count, self.output_mode, depth, "int64")
        if self.idf_weights is None:
            raise NotBuiltError("When `output_mode` is `'tf_idf'`, `idf_weights` must be provided.")
        weights = self.idf_weights.data
        return tally(rows, indices, count, "count", depth, weights.dtype) * weights

    def indices_of(self, tokens: Any) -> Array:
        """The indices of tokens, the unknown ones spread over theirs."""
        table: Any = self._table
        if self.num_oov_indices == 1:
            return np.asarray(table.find(tokens, self._oov_start_index()))
        found: Array = table.find(tokens, -1)
        unknown = np.flatnonzero(found == -1)
        if not len(unknown):
            return found
        missing = [tokens[i] for i in unknown.tolist()]
        if self.num_oov_indices == 0:
            raise ArgumentError(
                "When `num_oov_indices=0` all inputs should be in vocabulary, found OOV values "
                f"{[self._shown(token) for token in missing[:10]]}, consider setting `num_oov_indices=1`."
            )
        if self.vocabulary_dtype != "string" and self.oov_method != "farmhash":
            bins = np.asarray(missing, np.int64) % self.num_oov_indices
        else:
            texts = self._to_hash(missing)
            hashes = farm_fingerprint(texts) if self.salt is None else sip_hash(texts, self.salt)
            bins = (hashes % np.uint64(self.num_oov_indices)).astype(np.int64)
        found[unknown] = bins + self._oov_start_index()
        return found

    def _inverse(self, indices: Array) -> Array:
        if indices.dtype.kind not in "iub":
            raise DTypeError(
                f"{type(self).__name__} with invert=True expected whole numbers. "
                f"Received: an array of {indices.dtype.name}."
            )
        table: Any = self._table
        found: Array = table.at(indices.astype(np.int64), self.oov_token)
        return found if self.mask_token is None else np.where(indices == 0, self.mask_token, found)

    def _depth(self) -> int | None:
        return self.max_tokens if self.pad_to_max_tokens else self._frozen_vocab_size

    def compute_output_shape(self, input_shape: Any) -> Shape:
        return encoded_shape(input_shape, self.output_mode, self._depth())

    def _output_dtype(self) -> str:
        if self.invert:
            return self.vocabulary_dtype
        return config.floatx() if self.output_mode == "tf_idf" else "int64"

    @property
    def dtype(self) -> str:
        return self.vocabulary_dtype

    @property
    def compute_dtype(self) -> str:
        return self.vocabulary_dtype

    @property
    def variable_dtype(self) -> str:
        return self.vocabulary_dtype

    # -- describing and storing -------------------------------------------------------------------------------

    def get_build_config(self) -> dict[str, Any] | None:
        return {}

    def build_from_config(self, config: dict[str, Any]) -> None:
        self.build(None)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "invert": self.invert,
            "max_tokens": self.max_tokens,
            "num_oov_indices": self.num_oov_indices,
            "oov_token": self.oov_token,
            "mask_token": self.mask_token,
            "output_mode": self.output_mode,
            "sparse": self.sparse,
            "pad_to_max_tokens": self.pad_to_max_tokens,
            "vocabulary_dtype": self.vocabulary_dtype,
            "idf_weights": plain_list(self.input_idf_weights),
            "vocabulary": plain_list(self.input_vocabulary),
            "vocabulary_size": self._frozen_vocab_size,
            "oov_method": self.oov_method,
            "salt": self.salt,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """A new layer with these settings.

        Raises:
            UnsafeFileError: they name a file: what describes a model must not make it open one.
        """
        refuse_path(cls.__name__, config)
        return cls(**config)

    def save_own_variables(self, store: Any) -> None:
        """Put the weights of mode "tf_idf" into `store`."""
        if self.output_mode == "tf_idf" and self.idf_weights is not None:
            store["idf_weights"] = self.idf_weights.numpy()

    def load_own_variables(self, store: Any) -> None:
        """Take the weights of mode "tf_idf" from `store`."""
        expected = ["idf_weights"] if self.output_mode == "tf_idf" else []
        if set(store.keys()) - set(expected):
            raise ShapeError(
                f"Layer '{self.name}' expected the variables {expected}, but received {sorted(store.keys())}."
            )
        if "idf_weights" in store.keys():  # noqa: SIM118 - a store is no dict
            weights = np.asarray(store["idf_weights"])
            if weights.ndim != 1:
                raise ShapeError(f"Expected one weight for each token. Received: shape {weights.shape}.")
            self.idf_weights = Tensor(weights, config.floatx())

    def write_assets(self) -> dict[str, bytes]:
        """The files that hold its vocabulary in a model's archive; none where the configuration holds it."""
        if self.input_vocabulary is not None:
            return {}
        return vocabulary_file.write([str(token) for token in self.get_vocabulary()])

    def read_assets(self, files: dict[str, bytes]) -> None:
        """Take the vocabulary from the files of `write_assets`.

        Raises:
            SavingError: they hold no vocabulary, or one that does not fit the layer.
        """
        if self.input_vocabulary is not None:
            return
        lines = vocabulary_file.read(files, self.name)
        special = [str(token) for token in self._special_tokens()]
        if lines[: len(special)] == special:
            lines = lines[len(special) :]
        try:
            tokens = self._checked([self._token_of(line) for line in lines])
        except ValueError as error:
            raise SavingError(f"The vocabulary of '{self.name}' cannot be used: {error}") from error
        if not tokens:
            return  # the layer was saved before it had a vocabulary
        if self.output_mode == "tf_idf":
            size = self._token_start_index() + len(tokens)
            expected = max(size, self.max_tokens or 0) if self.pad_to_max_tokens else size
            if self.idf_weights is None or self.idf_weights.size != expected:
                raise SavingError(
                    f"The vocabulary of '{self.name}' has {size} entries, its weights are "
                    f"{0 if self.idf_weights is None else self.idf_weights.size}."
                )
        try:
            self._take_tokens(tokens)
        except NotBuiltError as error:
            raise SavingError(f"The vocabulary of '{self.name}' is not that of its description: {error}") from error

    def save_assets(self, dir_path: Any) -> None:
        """Write its vocabulary into a folder."""
        for name, data in self.write_assets().items():
            (Path(dir_path) / name).write_bytes(data)

    def load_assets(self, dir_path: Any) -> None:
        """Take its vocabulary from a folder that `save_assets` wrote into."""
        paths = [Path(dir_path) / name for name in vocabulary_file.NAMES]
        self.read_assets({path.name: path.read_bytes() for path in paths if path.is_file()})
