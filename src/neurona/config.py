"""The few settings that the whole engine shares, under Keras's names.

>>> floatx(), epsilon(), image_data_format()
('float32', 1e-07, 'channels_last')
"""

from __future__ import annotations

from neurona.errors import UnknownNameError

__all__ = [
    "epsilon",
    "floatx",
    "image_data_format",
    "set_epsilon",
    "set_floatx",
    "set_image_data_format",
    "set_sparse_updates",
    "sparse_updates",
]

_FLOATS = ("float16", "float32", "float64")
_FORMATS = ("channels_last", "channels_first")

_settings: dict[str, str] = {"floatx": "float32", "image_data_format": "channels_last"}
_epsilon = 1e-7
_sparse_updates = True


def floatx() -> str:
    """The default float type, "float32" unless changed."""
    return _settings["floatx"]


def set_floatx(value: str) -> None:
    """Make `value` ("float16", "float32" or "float64") the default float type."""
    if value not in _FLOATS:
        raise UnknownNameError.among("float type", value, _FLOATS)
    _settings["floatx"] = value


def epsilon() -> float:
    """The small number that keeps divisions and logarithms finite."""
    return _epsilon


def set_epsilon(value: float) -> None:
    """Change the small number that keeps divisions and logarithms finite."""
    global _epsilon
    _epsilon = float(value)


def image_data_format() -> str:
    """Where pictures keep their channels: "channels_last" unless changed."""
    return _settings["image_data_format"]


def set_image_data_format(data_format: str) -> None:
    """Make `data_format` ("channels_last" or "channels_first") the default."""
    if data_format not in _FORMATS:
        raise UnknownNameError.among("image data format", data_format, _FORMATS)
    _settings["image_data_format"] = data_format


def sparse_updates() -> bool:
    """Whether training moves only those rows of an Embedding's table that a batch used; True unless changed."""
    return _sparse_updates


def set_sparse_updates(value: bool) -> None:
    """Choose how the table of an Embedding is trained.

    Args:
        value: True: a row that no id of a batch names keeps its weights and its place in the optimizer's state; the
            cost of a step follows the batch, not the vocabulary. False: Keras's arithmetic, in which every row moves at
            every step (an unused one by its momentum), whatever its gradient.

    The rows that a batch did use move alike in both. It counts from the next step on, also in a `fit` under way.

    >>> set_sparse_updates(False)
    >>> sparse_updates()
    False
    >>> set_sparse_updates(True)
    """
    global _sparse_updates
    _sparse_updates = bool(value)
