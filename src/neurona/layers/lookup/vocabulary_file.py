"""The file of a vocabulary: a token a line, as Keras 3 writes it into a model's archive.

Tokens that hold line breaks or lone surrogates, and an empty one at the end, do not survive that form. Then the same list
lies beside it as JSON, and is what is read.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from neurona.errors import ArgumentError, SavingError

__all__ = ["NAMES", "lines_of", "read", "write"]

_TEXT, _JSON = "vocabulary.txt", "vocabulary.json"
NAMES = (_TEXT, _JSON)


def write(tokens: list[str]) -> dict[str, bytes]:
    """The files that hold these tokens, by name.

    >>> write(["", "a", "b"])
    {'vocabulary.txt': b'\\na\\nb'}
    >>> sorted(write(["a", "b\\n"]))
    ['vocabulary.json', 'vocabulary.txt']
    """
    data = "\n".join(tokens).encode("utf-8", "replace")
    files = {_TEXT: data}
    if _lines(data) != tokens:
        files[_JSON] = json.dumps(tokens).encode()
    return files


def read(files: dict[str, bytes], owner: str) -> list[str]:
    """The tokens in the files of `write`.

    Raises:
        SavingError: there is no such file, or it is damaged.
    """
    if _TEXT not in files:
        raise SavingError(f"The vocabulary of '{owner}' is missing: there is no {_TEXT} for it.")
    try:
        if _JSON not in files:
            return _lines(files[_TEXT])
        tokens = json.loads(files[_JSON])
    except (ValueError, RecursionError) as error:
        raise SavingError(f"The vocabulary of '{owner}' is not readable: {error}.") from error
    if not isinstance(tokens, list) or not all(isinstance(token, str) for token in tokens):
        raise SavingError(f"The vocabulary of '{owner}' is not readable: {_JSON} is no list of texts.")
    return tokens


def lines_of(path: str | os.PathLike[Any]) -> list[str]:
    """The tokens in a file that the user names.

    Raises:
        ArgumentError: there is no such file, it is empty or has an empty line, or is no UTF-8.
    """
    file = Path(os.fspath(path))
    if not file.is_file():
        raise ArgumentError(f"Vocabulary file {path} does not exist.")
    try:
        tokens = _lines(file.read_bytes())
    except UnicodeDecodeError as error:
        raise ArgumentError(f"Vocabulary file {path} is not UTF-8: {error}.") from error
    if not tokens or "" in tokens:
        line = tokens.index("") + 1 if tokens else 1
        raise ArgumentError(f"Vocabulary file {path} has an empty line: line {line}. Put one token into each line.")
    return tokens


def _lines(data: bytes) -> list[str]:
    lines = data.decode("utf-8").split("\n")
    if len(lines) > 1 and all(line.endswith("\r") for line in lines[:-1]):  # written where lines end with two signs
        lines = [line.removesuffix("\r") for line in lines]
    while lines and lines[-1] == "":
        lines.pop()
    return lines
