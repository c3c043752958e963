"""The small part of `keras.backend` that programs touch."""

from __future__ import annotations

from neurona.config import epsilon, floatx, image_data_format, set_epsilon, set_floatx, set_image_data_format
from neurona.names import auto_name, reset_names

__all__ = [
    "backend",
    "clear_session",
    "epsilon",
    "floatx",
    "get_uid",
    "image_data_format",
    "set_epsilon",
    "set_floatx",
    "set_image_data_format",
]


def backend() -> str:
    """The name of the engine that computes.

    >>> backend()
    'neurona'
    """
    return "neurona"


def clear_session(free_memory: bool = True) -> None:
    """Start the automatic names ("dense", "dense_1", ...) anew."""
    reset_names()


def get_uid(prefix: str = "") -> int:
    """How often a name with this prefix has been asked for, this time included."""
    name = auto_name(prefix)
    return 1 if name == prefix else int(name.rsplit("_", 1)[1]) + 1
