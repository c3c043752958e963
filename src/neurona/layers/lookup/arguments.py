"""What the lookup layers check of their arguments, and how they tell them in a configuration."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any

from neurona.errors import ArgumentError, UnsafeFileError
from neurona.layers.lookup.base import given_array

__all__ = ["MODES", "expect_choice", "mode_named", "plain_list", "refuse_path", "refuse_sparse", "salt_pair"]

MODES = ("int", "one_hot", "multi_hot", "count", "tf_idf")
_OLD_MODES = {"binary": "multi_hot", "tf-idf": "tf_idf"}


def mode_named(layer: str, output_mode: str) -> str:
    """The output mode of this name, under its present one."""
    mode = _OLD_MODES.get(output_mode, output_mode)
    expect_choice(layer, "output_mode", mode, MODES)
    return mode


def expect_choice(layer: str, argument: str, value: Any, allowed: Iterable[str], more: bool = False) -> None:
    """Raise unless `value` is one of the `allowed` names (or, with `more`, ``None`` or callable)."""
    if more and (value is None or callable(value)):
        return
    if not isinstance(value, str) or value not in allowed:
        raise ArgumentError(
            f"Unknown value for `{argument}` argument of {layer}. Allowed values are: {tuple(allowed)}. "
            f"Received: {argument}={value}"
        )


def refuse_sparse(layer: str, sparse: Any) -> None:
    """Raise where a sparse result is asked for."""
    if sparse:
        raise ArgumentError(
            f"{layer} gives dense tensors only: there are no sparse ones here. Received: sparse={sparse}. "
            "Leave it out; where memory is short, use smaller batches."
        )


def plain_list(values: Any) -> Any:
    """An array or a list as a list of Python's own values; texts as `str`."""
    if values is None:
        return None
    listed = given_array(values).ravel().tolist()
    return [value.decode("utf-8", "replace") if isinstance(value, bytes) else value for value in listed]


def refuse_path(layer: str, config: dict[str, Any]) -> None:
    """Raise where a configuration names a vocabulary's file instead of holding it."""
    vocabulary = config.get("vocabulary")
    if isinstance(vocabulary, (str, bytes, os.PathLike)):
        raise UnsafeFileError(
            f"The configuration of {layer} asks for a vocabulary from a file outside of it, which is never opened. "
            f"Vocabulary file: {vocabulary!r}. Make the layer yourself with vocabulary=..., or call set_vocabulary()."
        )


def salt_pair(layer: str, salt: Any) -> list[int]:
    """The two numbers of a hash's key."""
    if isinstance(salt, (tuple, list)) and len(salt) == 2:
        return list(salt)
    if isinstance(salt, int):
        return [salt, salt]
    raise ArgumentError(
        f"The `salt` argument for `{layer}` can only be a tuple of size 2 integers, or a single integer. "
        f"Received: salt={salt}."
    )
