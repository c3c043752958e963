"""The few settings that the whole engine shares, under Keras's names.

>>> floatx(), epsilon(), image_data_format()
('float32', 1e-07, 'channels_last')
"""

from __future__ import annotations

import importlib
import os
from typing import Any

from neurona.errors import ArgumentError, UnknownNameError

__all__ = [
    "backend",
    "disable_flash_attention",
    "disable_interactive_logging",
    "disable_traceback_filtering",
    "enable_flash_attention",
    "enable_interactive_logging",
    "enable_traceback_filtering",
    "enable_unsafe_deserialization",
    "epsilon",
    "floatx",
    "image_data_format",
    "is_flash_attention_enabled",
    "is_interactive_logging_enabled",
    "is_nnx_enabled",
    "is_traceback_filtering_enabled",
    "max_epochs",
    "max_steps_per_epoch",
    "set_backend",
    "set_epsilon",
    "set_floatx",
    "set_image_data_format",
    "set_max_epochs",
    "set_max_steps_per_epoch",
    "set_sparse_updates",
    "sparse_updates",
]

_FLOATS = ("float16", "float32", "float64")
_FORMATS = ("channels_last", "channels_first")

_settings: dict[str, str] = {"floatx": "float32", "image_data_format": "channels_last"}
_epsilon = 1e-7
_sparse_updates = False
_switches = {"interactive logging": True, "traceback filtering": True, "flash attention": False}
_limits = {  # a number of epochs and of steps, or None; the same as text in the environment
    name: int(os.environ[name]) if os.environ.get(name) else None
    for name in ("KERAS_MAX_EPOCHS", "KERAS_MAX_STEPS_PER_EPOCH")
}
_HIGHER = ("dtype_policy", "set_dtype_policy")  # settings that are objects, of a module that needs this one


def __getattr__(name: str) -> Any:
    if name in _HIGHER:
        return getattr(importlib.import_module("neurona.dtype_policies"), name)
    raise AttributeError(f"module 'neurona.config' has no attribute {name!r}")


def backend() -> str:
    """The name of the engine that computes.

    >>> backend()
    'neurona'
    """
    return "neurona"


def set_backend(backend: str) -> None:
    """Choose the engine: there is one here.

    Raises:
        ArgumentError: another one is asked for.
    """
    if backend != "neurona":
        raise ArgumentError(
            f"There is one engine here, 'neurona'. Received: backend={backend!r}. Programs for another one run as they are."
        )


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
    """Whether training moves only those rows of an Embedding's table that a batch used; False unless changed."""
    return _sparse_updates


def set_sparse_updates(value: bool) -> None:
    """Choose how the table of an Embedding is trained.

    Args:
        value: False: Keras's arithmetic, in which every row moves at every step (an unused one by its momentum), whatever
            its gradient. True: a row that no id of a batch names keeps its weights and its place in the optimizer's
            state; the optimizer's cost follows the batch, not the vocabulary.

    A row moves alike in both by the batch that uses it. It counts from the next step on, also in a `fit` under way.

    >>> set_sparse_updates(True)
    >>> sparse_updates()
    True
    >>> set_sparse_updates(False)
    """
    global _sparse_updates
    _sparse_updates = bool(value)


# -- limits for a trial run -------------------------------------------------------------------------------------


def max_epochs() -> int | None:
    """How many epochs `fit` trains at most, or ``None``; at the start what the variable ``KERAS_MAX_EPOCHS`` says."""
    return _limits["KERAS_MAX_EPOCHS"]


def set_max_epochs(max_epochs: int | None) -> None:
    """Let every `fit` stop after so many epochs, to try a program out quickly; ``None`` lifts the limit."""
    _limits["KERAS_MAX_EPOCHS"] = max_epochs


def max_steps_per_epoch() -> int | None:
    """How many batches `fit` (an epoch), `evaluate` and `predict` take at most, or ``None``; at the start what the
    variable ``KERAS_MAX_STEPS_PER_EPOCH`` says."""
    return _limits["KERAS_MAX_STEPS_PER_EPOCH"]


def set_max_steps_per_epoch(max_steps_per_epoch: int | None) -> None:
    """Let an epoch, `evaluate` and `predict` stop after so many batches; ``None`` lifts the limit."""
    _limits["KERAS_MAX_STEPS_PER_EPOCH"] = max_steps_per_epoch


# -- switches ----------------------------------------------------------------------------------------------------


def enable_interactive_logging() -> None:
    """Let `fit`, `evaluate` and `predict` show bars where nobody says how much they shall tell, as at the start."""
    _switches["interactive logging"] = True


def disable_interactive_logging() -> None:
    """Let them write a line for each epoch instead."""
    _switches["interactive logging"] = False


def is_interactive_logging_enabled() -> bool:
    """Whether they may show bars."""
    return _switches["interactive logging"]


def enable_traceback_filtering() -> None:
    """Accepted for Keras's sake: tracebacks are short here, so nothing is ever left out of them."""
    _switches["traceback filtering"] = True


def disable_traceback_filtering() -> None:
    """Accepted for Keras's sake, as its opposite."""
    _switches["traceback filtering"] = False


def is_traceback_filtering_enabled() -> bool:
    """What was chosen last."""
    return _switches["traceback filtering"]


def enable_flash_attention() -> None:
    """Accepted for Keras's sake: attention has one way to compute here."""
    _switches["flash attention"] = True


def disable_flash_attention() -> None:
    """Accepted for Keras's sake, as its opposite."""
    _switches["flash attention"] = False


def is_flash_attention_enabled() -> bool:
    """What was chosen last."""
    return _switches["flash attention"]


def is_nnx_enabled() -> bool:
    """Whether layers are modules of Flax: never."""
    return False


def enable_unsafe_deserialization() -> None:
    """Accepted for Keras's sake, and without effect: code in a model file is never run here."""
