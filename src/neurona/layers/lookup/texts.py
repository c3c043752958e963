"""Texts as the lookup layers see them: UTF-8 bytes.

Python's bytes are lowered, split and stripped of ASCII's punctuation in C, and compare in the order of the letters'
numbers; what is done to them is what TensorFlow, and so Keras, does. Every text has a form: lone surrogates become their
three bytes, and what is no UTF-8 the sign for the unreadable, U+FFFD.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from neurona.errors import DTypeError
from neurona.tensor import Array

__all__ = ["from_utf8", "object_array", "to_utf8"]


def to_utf8(texts: Array, encoding: str = "utf-8") -> list[bytes]:
    """The texts of an array, in its order, as UTF-8.

    Args:
        texts: an array of `str` or `bytes`.
        encoding: of those that are `bytes`.

    Raises:
        DTypeError: the array holds numbers.

    >>> to_utf8(np.array(["é", "a"]))
    [b'\\xc3\\xa9', b'a']
    >>> to_utf8(np.array([b"\\xe9"]), "latin-1")
    [b'\\xc3\\xa9']
    """
    if not texts.size:
        return []
    if texts.dtype.kind not in "OSU":
        raise DTypeError(f"Expected texts. Received: an array of {texts.dtype.name}. Write numbers out with str().")
    is_utf8 = encoding.lower().replace("-", "").replace("_", "") == "utf8"
    return [
        text.encode("utf-8", "surrogatepass")
        if isinstance(text, str)
        else text
        if is_utf8 and _is_readable(text)
        else text.decode(encoding, "replace").encode()
        for text in texts.ravel().tolist()
    ]


def _is_readable(text: bytes) -> bool:
    if text.isascii():
        return True
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    return True


def from_utf8(text: bytes) -> str:
    """The text that `to_utf8` made bytes of."""
    return text.decode("utf-8", "surrogatepass")


def object_array(items: Iterable[Any]) -> Array:
    """Python's objects as an array of one axis, each as it is."""
    found = list(items)
    array = np.empty(len(found), object)
    array[:] = found
    return array
