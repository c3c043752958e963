"""TextVectorization: from raw texts to rows of word numbers, or to one vector a text.

    "The cat sat."  ->  "the cat sat"  ->  the, cat, sat  ->  (the cat, cat sat)  ->  2, 14, 1
                standardize          split             ngrams              look up

The work is done on UTF-8 bytes (`neurona.layers.lookup.texts`): a whole text is lowered and stripped by one table of
bytes, split by one call, and its words looked up in one dictionary.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from typing import Any

import numpy as np

from neurona.errors import ArgumentError, DTypeError, ShapeError
from neurona.layers.lookup.arguments import expect_choice, mode_named, plain_list, refuse_path, refuse_sparse
from neurona.layers.lookup.base import LookupLayer, batches_of, given_array
from neurona.layers.lookup.index_lookup import NOWHERE
from neurona.layers.lookup.string_lookup import StringLookup
from neurona.layers.lookup.texts import from_utf8, object_array, to_utf8
from neurona.registry import deserialize_keras_object, export
from neurona.symbolic import Shape
from neurona.tensor import Array, Tensor, leave_recording

__all__ = ["TextVectorization"]

Tokens = list[bytes]

_PUNCTUATION = rb"""!"#$%&'()*+,-./:;<=>?@[\]^_`{|}~"""
_UPPER_TO_LOWER = bytes.maketrans(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ", b"abcdefghijklmnopqrstuvwxyz")
# for each name the table of bytes and the bytes that are left out
_STANDARDS: dict[str, tuple[bytes | None, bytes]] = {
    "lower": (_UPPER_TO_LOWER, b""),
    "strip_punctuation": (None, _PUNCTUATION),
    "lower_and_strip_punctuation": (_UPPER_TO_LOWER, _PUNCTUATION),
}
_SPLITS = ("whitespace", "character")
_CALLED_WITH = 1 << 22  # letters that a user's function is handed at once, the longest text's length for each


@export("keras.layers")
class TextVectorization(LookupLayer):
    """Numbers for the words of texts.

    Input: texts of shape ``(N,)`` or ``(N, 1)``. Output in mode "int": word numbers ``(N, T)``, 0 behind the last word, 1
    for unknown words; T is `output_sequence_length` or the longest text's number of words. In the other modes: one vector
    a text, ``(N, vocabulary's size)``.

    Args:
        max_tokens: how many numbers there may be, those for padding and unknown words included.
        standardize: what is done to a text first: "lower_and_strip_punctuation", "lower", "strip_punctuation" (letters
            and signs of ASCII), ``None`` or a function. A function is called with a NumPy array of texts and gives one
            of the same shape; every text must be treated by itself, as long data comes in parts.
        split: "whitespace", "character", ``None`` (a text is one word, the last axis its words) or a function from an
            array of texts ``(n,)`` to a list of words for each.
        ngrams: n also counts runs of up to n words as words, a tuple only runs of these lengths.
        output_mode: "int", "multi_hot" (1 for each word that is there), "count" or "tf_idf" (the count, less for words
            that are in many texts).
        output_sequence_length: the T of mode "int".
        pad_to_max_tokens: whether vectors have length `max_tokens` whatever the vocabulary's size.
        vocabulary: the words in the order of their numbers, or the path of a file with one in each line; else `adapt`
            learns it.
        idf_weights: in mode "tf_idf" the weight of each word of `vocabulary`.
        sparse, ragged: must be False.
        encoding: of texts that are given as bytes.

    Raises:
        ArgumentError: a setting that cannot be meant.

    >>> layer = TextVectorization(output_sequence_length=4)
    >>> layer.adapt(["The cat sat.", "The dog!"])
    >>> layer.get_vocabulary()
    ['', '[UNK]', 'the', 'sat', 'dog', 'cat']
    >>> layer(["the cat, the bird"])
    Tensor([[2, 5, 2, 1]], dtype=int64)
    """

    def __init__(
        self,
        max_tokens: int | None = None,
        standardize: str | Callable[[Array], Any] | None = "lower_and_strip_punctuation",
        split: str | Callable[[Array], Any] | None = "whitespace",
        ngrams: int | tuple[int, ...] | None = None,
        output_mode: str = "int",
        output_sequence_length: int | None = None,
        pad_to_max_tokens: bool = False,
        vocabulary: Any = None,
        idf_weights: Any = None,
        sparse: bool = False,
        ragged: bool = False,
        encoding: str = "utf-8",
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        layer = type(self).__name__
        refuse_sparse(layer, sparse)
        expect_choice(layer, "standardize", standardize, _STANDARDS, more=True)
        expect_choice(layer, "split", split, _SPLITS, more=True)
        output_mode = mode_named(layer, output_mode)
        if not (
            ngrams is None
            or isinstance(ngrams, int)
            or (isinstance(ngrams, tuple) and all(isinstance(width, int) for width in ngrams))
        ):
            raise ArgumentError(f"`ngrams` must be None, an integer, or a tuple of integers. Received: ngrams={ngrams}")
        if output_mode == "int" and not (output_sequence_length is None or isinstance(output_sequence_length, int)):
            raise ArgumentError(
                "`output_sequence_length` must be either None or an integer when `output_mode` is 'int'. "
                f"Received: output_sequence_length={output_sequence_length}"
            )
        if output_mode != "int" and output_sequence_length is not None:
            raise ArgumentError(
                "`output_sequence_length` must not be set if `output_mode` is not 'int'. "
                f"Received output_sequence_length={output_sequence_length}."
            )
        if ragged:
            raise ArgumentError(
                f"{layer} gives dense tensors only: there are no ragged ones here. Received: ragged={ragged}. "
                "Leave it out: shorter rows end with zeros, which Embedding(mask_zero=True) passes over."
            )
        has_vocabulary = kwargs.pop("has_input_vocabulary", vocabulary is not None)
        vocabulary_size = kwargs.pop("vocabulary_size", None)
        super().__init__(name=name, **kwargs)
        self._standardize, self._split, self._ngrams = standardize, split, ngrams
        self._output_mode, self._output_sequence_length = output_mode, output_sequence_length
        self._encoding, self._ragged = encoding, ragged
        self._lookup_layer = StringLookup(
            max_tokens=max_tokens, vocabulary=vocabulary, idf_weights=idf_weights, mask_token="",
            pad_to_max_tokens=pad_to_max_tokens, output_mode=output_mode, sparse=sparse, encoding=encoding,
            has_input_vocabulary=has_vocabulary, vocabulary_size=vocabulary_size,
        )  # fmt: skip

    # -- the vocabulary ---------------------------------------------------------------------------------------

    def adapt(self, data: Any, batch_size: int | None = None, steps: int | None = None) -> None:
        """Learn the vocabulary: the most frequent words, of equally frequent ones the last in order first.

        Args:
            data: texts: a list, an array, or anything that gives texts or batches of them (a generator, a data set).
            batch_size: accepted for Keras's sake.
            steps: how many items to take of what is no list and no array.

        Raises:
            ArgumentError: the vocabulary was given when the layer was made.
        """
        self.reset_state()
        for batch in batches_of(data, steps):
            self.update_state(batch)
        self.finalize_state()

    def update_state(self, data: Any) -> None:
        """Count the words of one batch of texts."""
        texts = given_array(data)
        if self._split is None and texts.ndim < 2:
            texts = texts.reshape(1, -1)  # words without a second axis are those of one text
        rows, _ = self._rows(texts)
        self._lookup_layer.count(rows)

    def finalize_state(self) -> None:
        """Make the vocabulary of what was counted."""
        self._lookup_layer.finalize_state()

    def reset_state(self) -> None:
        """Forget what was counted; the vocabulary stays."""
        self._lookup_layer.reset_state()

    def get_vocabulary(self, include_special_tokens: bool = True) -> list[Any]:
        """The words in the order of their numbers.

        Args:
            include_special_tokens: whether the padding and the unknown word are among them, at their numbers.
        """
        return self._lookup_layer.get_vocabulary(include_special_tokens)

    def vocabulary_size(self) -> int:
        """How many numbers there are, those of the padding and of unknown words included."""
        return self._lookup_layer.vocabulary_size()

    def set_vocabulary(self, vocabulary: Any, idf_weights: Any = None) -> None:
        """Give the layer its vocabulary, instead of learning it with `adapt`; see `StringLookup.set_vocabulary`."""
        self._lookup_layer.set_vocabulary(vocabulary, idf_weights=idf_weights)

    # -- from texts to words ----------------------------------------------------------------------------------

    def _standard(self, texts: Array) -> Tokens:
        """The texts after the first step, one after the other."""
        given = to_utf8(texts, self._encoding)
        if self._standardize is None:
            return given
        if not callable(self._standardize):
            table, without = _STANDARDS[self._standardize]
            return [text.translate(table, without) for text in given]
        found: Tokens = []
        for part in _parts(given):
            array = np.array(part, dtype=str)
            result = given_array(self._standardize(array[:, np.newaxis] if texts.ndim > 1 else array))
            if result.size != len(part):
                raise ShapeError(
                    "The function `standardize` must give a text for each it is called with. "
                    f"Received: {result.size} for {len(part)}."
                )
            found += to_utf8(result)
        return found

    def _rows(self, texts: Array) -> tuple[Iterator[Tokens], tuple[int, ...]]:
        """The words of each text, one after the other, and the shape of the texts."""
        shape = texts.shape
        if self._split is not None and len(shape) > 1:
            if shape[-1] != 1:
                raise ShapeError(
                    "When using `TextVectorization` to tokenize strings, the input rank must be 1 or the last shape "
                    f"dimension must be 1. Received: inputs.shape={shape} with rank={len(shape)}"
                )
            shape = shape[:-1]
        cleaned = self._standard(texts)
        if self._split is None:
            width, shape = (shape[-1] if shape else 1), shape[:-1]
            count = int(np.prod(shape, dtype="int64"))
            rows: Iterator[Tokens] = (cleaned[i * width : (i + 1) * width] for i in range(count))
        else:
            rows = self._split_rows(cleaned)
        return (rows if self._ngrams is None else map(self._with_runs, rows)), shape

    def _with_runs(self, words: Tokens) -> Tokens:
        return _runs(words, self._widths(len(words)))

    def _widths(self, words: int) -> Iterable[int]:
        """How many words the runs have that are counted among so many words."""
        # No longer than the words are: a file may say that runs of 10^12 words count.
        return range(1, min(self._ngrams, words) + 1) if isinstance(self._ngrams, int) else self._ngrams or ()

    def _count_runs(self, words: int) -> int:
        if isinstance(self._ngrams, int):  # words + (words - 1) + ..., without going through them
            longest = min(self._ngrams, words)
            return longest * (2 * words - longest + 1) // 2
        return sum(max(words - width + 1, 0) for width in self._ngrams or ())

    def _split_rows(self, texts: Tokens) -> Iterator[Tokens]:
        if self._split == "whitespace":
            return map(bytes.split, texts)  # at ASCII's blanks, as TensorFlow does
        if self._split == "character":
            return map(_letters, texts)
        return self._called_split(texts)

    def _called_split(self, texts: Tokens) -> Iterator[Tokens]:
        function: Any = self._split
        for part in _parts(texts):
            result = function(np.array(part, dtype=str))
            if len(result) != len(part):
                raise ShapeError(
                    "The function `split` must give a list of words for each text it is called with. "
                    f"Received: {len(result)} for {len(part)}."
                )
            for words in result:
                if isinstance(words, (str, bytes)):
                    raise DTypeError(
                        f"The function `split` must give lists of words. Received: the text {str(words)[:80]!r}."
                    )
                yield to_utf8(object_array(words.tolist() if isinstance(words, Tensor) else words), self._encoding)

    # -- looking up -------------------------------------------------------------------------------------------

    def call(self, inputs: Any) -> Tensor:
        if self._split is not None and self._output_mode in ("int", "one_hot") and self._output_sequence_length is None:
            leave_recording(inputs, "the longest text sets the output's length; give output_sequence_length")
        return super().call(inputs)

    def _compute(self, inputs: Array) -> Array:
        lookup = self._lookup_layer
        lookup.expect_vocabulary(self.name)
        if self._split is None and self._ngrams is None:
            return self._of_length(lookup.encoded(lookup.indices_of(self._standard(inputs)).reshape(inputs.shape)))
        rows, shape = self._rows(inputs)
        width = self._output_sequence_length
        if self._output_mode in ("int", "one_hot"):
            listed = list(rows) if width is None else [row[:width] for row in rows]
            found = self._padded(listed, width, 0 if self._output_mode == "int" else NOWHERE)
            found = found.reshape(*shape, found.shape[-1])
            return found if self._output_mode == "int" else lookup.encoded(found[..., np.newaxis])
        listed = list(rows)
        numbers = np.repeat(np.arange(len(listed)), [len(row) for row in listed])
        vectors = lookup.tallied(numbers, lookup.indices_of(list(chain.from_iterable(listed))), len(listed))
        return vectors.reshape(*shape, vectors.shape[-1])

    def _of_length(self, indices: Array) -> Array:
        """Rows of numbers, cut or filled with zeros to the length that was asked for."""
        wanted = self._output_sequence_length
        if wanted is None or self._output_mode != "int":
            return indices
        if indices.ndim == 0:
            raise ShapeError("A single word has no sequence to be cut. Received: texts of shape ().")
        cut = indices[..., :wanted]
        return np.pad(cut, [(0, 0)] * (cut.ndim - 1) + [(0, wanted - cut.shape[-1])])

    def _padded(self, rows: list[Tokens], width: int | None, filling: int) -> Array:
        """The numbers of the words of each row, ``(rows, width)``; the longest row's length without `width`."""
        lengths = np.fromiter(map(len, rows), np.int64, len(rows))
        flat = self._lookup_layer.indices_of(list(chain.from_iterable(rows)))
        if width is None:
            width = int(lengths.max(initial=0))
        found = np.full((len(rows), width), filling, np.int64)
        found[np.arange(width) < lengths[:, np.newaxis]] = flat
        return found

    def compute_output_shape(self, input_shape: Any) -> Shape:
        shape = tuple(input_shape)
        if self._split is not None:
            shape = (*(shape[:-1] if len(shape) > 1 else shape), None)
        elif self._ngrams is not None and shape:
            words = shape[-1]
            shape = (*shape[:-1], None if words is None else self._count_runs(words))
        if self._output_mode != "int":
            return self._lookup_layer.compute_output_shape(shape)
        return (*shape[:-1], self._output_sequence_length) if self._output_sequence_length is not None else shape

    def _output_dtype(self) -> str:
        return self._lookup_layer._output_dtype()

    @property
    def compute_dtype(self) -> str:
        return "string"

    @property
    def variable_dtype(self) -> str:
        return "string"

    @property
    def dtype(self) -> str:
        return "string"

    # -- describing and storing -------------------------------------------------------------------------------

    def get_config(self) -> dict[str, Any]:
        lookup = self._lookup_layer
        return {
            **super().get_config(),
            "max_tokens": lookup.max_tokens,
            "standardize": self._standardize,
            "split": self._split,
            "ngrams": self._ngrams,
            "output_mode": self._output_mode,
            "output_sequence_length": self._output_sequence_length,
            "pad_to_max_tokens": lookup.pad_to_max_tokens,
            "sparse": lookup.sparse,
            "ragged": self._ragged,
            "vocabulary": plain_list(lookup.input_vocabulary),
            "idf_weights": plain_list(lookup.input_idf_weights),
            "encoding": self._encoding,
            "vocabulary_size": self.vocabulary_size(),
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """A new layer with these settings.

        Raises:
            UnsafeFileError: they name a file: what describes a model must not make it open one.
        """
        refuse_path(cls.__name__, config)
        settings = dict(config)
        for step in ("standardize", "split"):
            if isinstance(settings.get(step), dict):
                settings[step] = deserialize_keras_object(settings[step])
        if isinstance(settings.get("ngrams"), list):
            settings["ngrams"] = tuple(settings["ngrams"])
        return cls(**settings)

    def save_own_variables(self, store: Any) -> None:
        """Put the weights of mode "tf_idf" into `store`."""
        self._lookup_layer.save_own_variables(store)

    def load_own_variables(self, store: Any) -> None:
        """Take the weights of mode "tf_idf" from `store`."""
        self._lookup_layer.load_own_variables(store)

    def write_assets(self) -> dict[str, bytes]:
        """The files that hold its vocabulary in a model's archive; none where the configuration holds it."""
        return self._lookup_layer.write_assets()

    def read_assets(self, files: dict[str, bytes]) -> None:
        """Take the vocabulary from the files of `write_assets`."""
        self._lookup_layer.read_assets(files)

    def save_assets(self, dir_path: Any) -> None:
        """Write its vocabulary into a folder."""
        self._lookup_layer.save_assets(dir_path)

    def load_assets(self, dir_path: Any) -> None:
        """Take its vocabulary from a folder that `save_assets` wrote into."""
        self._lookup_layer.load_assets(dir_path)


def _letters(text: bytes) -> Tokens:
    """The letters of a text, each as its bytes.

    >>> _letters("ñ a".encode())
    [b'\\xc3\\xb1', b' ', b'a']
    """
    return [letter.encode("utf-8", "surrogatepass") for letter in from_utf8(text)]


def _runs(words: Tokens, widths: Iterable[int]) -> Tokens:
    """All runs of words of each width, joined by blanks.

    >>> _runs([b"a", b"b", b"c"], (1, 2))
    [b'a', b'b', b'c', b'a b', b'b c']
    """
    return [b" ".join(words[i : i + width]) for width in widths for i in range(len(words) - width + 1)]


def _parts(texts: Tokens) -> Iterator[list[str]]:
    """The texts as `str`, in parts whose arrays stay small: NumPy gives each text the room of the longest."""
    part: list[str] = []
    longest = 1
    for text in texts:
        longest = max(longest, len(text))
        if part and longest * (len(part) + 1) > _CALLED_WITH:
            yield part
            part, longest = [], max(len(text), 1)
        part.append(from_utf8(text))
    if part:
        yield part
