"""JSON from a file nobody vouches for: bounded in bytes, depth and number of values before it is parsed.

Python's parser recurses once a level and makes an object of 50 bytes and more from each two characters, so a small file
could exhaust the stack or the memory. One pass over the bytes counts both beforehand.
"""

from __future__ import annotations

import json
import re
from typing import Any

from neurona.errors import SavingError, UnsafeFileError

__all__ = ["read_json"]

_LARGEST = 64 << 20  # bytes
_DEEPEST = 200  # a model within a model costs about six levels
_MOST_VALUES = 1_000_000
_LONGEST_NUMBER = 400  # digits: Python turns longer ones into integers in quadratic time, or refuses
_TOKENS = re.compile(rb'"(?:[^"\\]|\\.)*+"?|[\[{]|[\]}]|,', re.DOTALL)  # a text without an end takes all that is left


def read_json(data: bytes, origin: str) -> Any:
    """The value that a JSON text describes.

    Args:
        data: the text, in UTF-8.
        origin: what the error calls it ("model.keras: config.json").

    Raises:
        SavingError: it is no JSON.
        UnsafeFileError: it is larger, deeper or fuller than any configuration.

    >>> read_json(b'{"units": [1, 2.5, null]}', "config.json")
    {'units': [1, 2.5, None]}
    """
    if len(data) > _LARGEST:
        raise UnsafeFileError(f"{origin}: expected at most {_LARGEST} bytes of JSON. Received: {len(data)}.")
    depth = deepest = values = 0
    for token in _TOKENS.finditer(data):
        kind = data[token.start()]
        if kind in b"[{":
            depth += 1
            deepest = max(deepest, depth)
            values += 1
        elif kind in b"]}":
            depth -= 1
        elif kind in b",":
            values += 1
        if deepest > _DEEPEST or values > _MOST_VALUES:
            raise UnsafeFileError(
                f"{origin}: expected JSON of at most {_DEEPEST} levels and {_MOST_VALUES} values. Received more."
            )
    try:
        return json.loads(data.decode("utf-8"), parse_int=_integer)
    except (ValueError, RecursionError) as error:
        raise SavingError(f"{origin} is not readable JSON: {error}.") from error


def _integer(digits: str) -> int:
    if len(digits) > _LONGEST_NUMBER:
        raise ValueError(f"a number of {len(digits)} digits")
    return int(digits)
