"""`tf.strings`: texts in tensors, as functions for TextVectorization use them.

TensorFlow's texts are bytes. Ours are Python's; only ``numpy()`` of such a tensor hands out bytes, which programs decode.

>>> lower(constant(["Neurona", "ÑU"])).tolist()
['neurona', 'Ñu']
>>> regex_replace("a1b22", "[0-9]+", "-").numpy()
b'a-b-'
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np

from neurona.errors import ArgumentError
from neurona.tensor import Array, Tensor, TensorLike, as_array, wrap

__all__ = [
    "TextTensor",
    "as_string",
    "constant",
    "cut",
    "format",
    "join",
    "length",
    "lower",
    "reduce_join",
    "regex_full_match",
    "regex_replace",
    "strip",
    "substr",
    "to_number",
    "upper",
]


class TextTensor(Tensor):
    """A tensor of texts, whose `numpy` gives what TensorFlow's would: bytes."""

    __slots__ = ()

    @property
    def dtype(self) -> Any:  # programs compare it with "string" or tf.string
        return "string"

    def numpy(self) -> Any:
        """The texts in UTF-8: bytes where there are no axes, else an array of them."""
        if self.ndim == 0:
            return _bytes(self.data.item())
        array = np.empty(self.data.shape, object)
        array.reshape(-1)[:] = [_bytes(text) for text in self.data.reshape(-1)]
        return array

    def item(self) -> Any:
        return self.numpy() if self.ndim == 0 else super().item()

    def tolist(self) -> Any:
        return self.data.tolist()

    def __getitem__(self, key: Any) -> TextTensor:
        return _texts(self.data[key])

    def __add__(self, other: Any) -> TextTensor:
        return join([self, other])

    def __radd__(self, other: Any) -> TextTensor:
        return join([other, self])

    def __eq__(self, other: object) -> Any:
        return wrap(np.asarray(_plain(self) == _plain(other)))

    def __ne__(self, other: object) -> Any:
        return wrap(np.asarray(_plain(self) != _plain(other)))

    __hash__ = Tensor.__hash__


def _bytes(text: str | bytes) -> bytes:
    return text if isinstance(text, bytes) else text.encode("utf-8")


def _text(text: str | bytes) -> str:
    return text.decode("utf-8", "replace") if isinstance(text, bytes) else text


def _texts(array: Any) -> TextTensor:
    """A tensor around texts as they are."""
    if not isinstance(array, np.ndarray):
        whole = np.empty((), object)
        whole[()] = array
        array = whole
    tensor = TextTensor.__new__(TextTensor)
    tensor.data, tensor.tracked, tensor._keras_mask = array, False, None
    return tensor


def _plain(value: Any) -> Array:
    """The texts in `value` as an array of `str`."""
    array = as_array(value)
    if array.dtype.kind not in "OSU":
        raise ArgumentError(f"Expected texts. Received: dtype {array.dtype.name}.")
    return _each(array, _text)


def _each(array: Array, change: Callable[[Any], Any], dtype: Any = object) -> Array:
    made = np.empty(array.shape, dtype)
    flat = made.reshape(-1)
    for place, item in enumerate(array.reshape(-1)):
        flat[place] = change(item)
    return made


def _changed(value: TensorLike, change: Callable[[str], str]) -> TextTensor:
    return _texts(_each(_plain(value), change))


def constant(value: TensorLike) -> TextTensor:
    """A tensor of texts."""
    return value if isinstance(value, TextTensor) else _texts(as_array(value))


_LOWER = {code: code + 32 for code in range(65, 91)}
_UPPER = {code + 32: code for code in range(65, 91)}


def lower(input: TensorLike, encoding: str = "", name: str | None = None) -> TextTensor:
    """Small letters: of ASCII alone, or of all alphabets with ``encoding="utf-8"``."""
    return _changed(input, str.lower if encoding else lambda text: text.translate(_LOWER))


def upper(input: TensorLike, encoding: str = "", name: str | None = None) -> TextTensor:
    """Capital letters: of ASCII alone, or of all alphabets with ``encoding="utf-8"``."""
    return _changed(input, str.upper if encoding else lambda text: text.translate(_UPPER))


def strip(input: TensorLike, name: str | None = None) -> TextTensor:
    """Without the blanks at both ends."""
    return _changed(input, str.strip)


def regex_replace(
    input: TensorLike, pattern: str, rewrite: str, replace_global: bool = True, name: str | None = None
) -> TextTensor:
    r"""Every match of a pattern replaced; ``\1`` in `rewrite` stands for the first group."""
    compiled = _pattern(pattern)
    new = _text(rewrite).replace(r"\0", r"\g<0>")
    return _changed(input, lambda text: compiled.sub(new, text, count=0 if replace_global else 1))


def regex_full_match(input: TensorLike, pattern: str, name: str | None = None) -> Tensor:
    """Whether a pattern matches the whole text."""
    compiled = _pattern(pattern)
    return wrap(_each(_plain(input), lambda text: compiled.fullmatch(text) is not None, bool))


# RE2's names for sets of ASCII letters within brackets.
_SETS = {"[:punct:]": r"!-/:-@\[-`{-~", "[:alpha:]": "A-Za-z", "[:digit:]": "0-9", "[:alnum:]": "A-Za-z0-9",
         "[:space:]": r"\s", "[:upper:]": "A-Z", "[:lower:]": "a-z"}  # fmt: skip


def _pattern(pattern: str) -> re.Pattern[str]:
    """RE2's pattern as Python's: ``\\s`` and its kin mean ASCII."""
    text = _text(pattern)
    for name, letters in _SETS.items():
        text = text.replace(name, letters)
    return re.compile(text, re.ASCII)


def join(inputs: Any, separator: str = "", name: str | None = None) -> TextTensor:
    """Texts joined place by place."""
    parts = np.broadcast_arrays(*(_plain(item) for item in inputs))
    made = np.empty(parts[0].shape, object)
    for place in np.ndindex(made.shape):
        made[place] = separator.join(str(part[place]) for part in parts)
    return _texts(made)


def reduce_join(
    inputs: TensorLike, axis: int | None = None, keepdims: bool = False, separator: str = "", name: str | None = None
) -> TextTensor:
    """Texts joined along an axis, along all when None; rows of different lengths are joined row by row."""
    if hasattr(inputs, "to_list"):  # a RaggedTensor
        return constant([separator.join(map(_text, row)) for row in inputs.to_list()])
    array = _plain(inputs)
    if axis is None:
        joined = _each(np.empty((), object), lambda _: separator.join(array.reshape(-1)))
        return _texts(joined.reshape((1,) * array.ndim) if keepdims else joined)
    rows = np.moveaxis(array, axis, -1)
    made = np.empty(rows.shape[:-1], object)
    for place in np.ndindex(made.shape):
        made[place] = separator.join(rows[place])
    return _texts(np.expand_dims(made, axis) if keepdims else made)


def length(input: TensorLike, unit: str = "BYTE", name: str | None = None) -> Tensor:
    """How many bytes, or letters with ``unit="UTF8_CHAR"``."""
    measure = (lambda text: len(_bytes(text))) if unit == "BYTE" else len
    return wrap(_each(_plain(input), measure, np.int32))


def substr(input: TensorLike, pos: int, len: int, unit: str = "BYTE", name: str | None = None) -> TextTensor:
    """A piece of each text: from `pos`, `len` bytes or letters."""
    if unit != "BYTE":
        return _changed(input, lambda text: text[pos:][:len])
    return _changed(input, lambda text: _text(_bytes(text)[pos:][:len]))


def cut(value: TensorLike, how: Callable[[str], list[Any]]) -> tuple[TextTensor, list[int], int]:
    """The parts of texts: all one behind the other, how many each text gave, and how many axes the texts had."""
    array = _plain(value)
    rows = [how(text) for text in array.reshape(-1)]
    flat = np.empty(sum(map(len, rows)), object)
    flat[:] = [part for row in rows for part in row]
    return _texts(flat), [len(row) for row in rows], array.ndim


def to_number(input: TensorLike, out_type: Any = "float32", name: str | None = None) -> Tensor:
    """The numbers that the texts write out."""
    return wrap(np.asarray(_each(_plain(input), float, np.float64), np.dtype(out_type)))


def as_string(input: TensorLike, name: str | None = None) -> TextTensor:
    """Numbers written out."""
    return _texts(_each(as_array(input), lambda number: f"{number:f}" if isinstance(number, float) else str(number)))


def format(template: str, inputs: Any, placeholder: str = "{}", name: str | None = None) -> TextTensor:
    """A text with tensors in the places of `placeholder`."""
    text = template
    for item in inputs if isinstance(inputs, (list, tuple)) else [inputs]:
        value = item.data.tolist() if isinstance(item, Tensor) else item
        text = text.replace(placeholder, str(value), 1)
    return _texts(text)
