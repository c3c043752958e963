"""Where real Keras is found, on which backend, and in which versions."""

from __future__ import annotations

import importlib
import os
from importlib import metadata
from typing import Any

import numpy as np

from neurona.errors import MissingPackageError
from neurona.i18n import _
from neurona.tensor import Array

__all__ = ["as_numpy", "load_keras", "versions"]

_EXTRA = "pip install 'neurona[keras]'"


def load_keras() -> Any:
    """Keras's module, with the backend of the environment variable ``KERAS_BACKEND``.

    Raises:
        MissingPackageError: Keras or its backend is not installed.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # TensorFlow greets with a page of notes otherwise
    try:
        return importlib.import_module("keras")
    except ImportError as error:
        wanted = os.environ.get("KERAS_BACKEND", "tensorflow")
        text = (
            _("This needs Keras, which is not installed: {command}").format(command=_EXTRA)
            if error.name == "keras"
            else _(
                "Keras cannot use its backend {backend} ({why}). Install it, or set KERAS_BACKEND: {command}"
            ).format(backend=wanted, why=error, command=_EXTRA)
        )
        raise MissingPackageError(text) from error


def as_numpy(keras: Any, value: Any) -> Array:
    """The numbers of a tensor or variable of Keras."""
    if isinstance(value, keras.Variable):
        value = value.value
    # TensorFlow's variables become arrays by themselves only with a warning
    own = value.numpy() if keras.backend.backend() == "tensorflow" else keras.ops.convert_to_numpy(value)
    return np.asarray(own)


def versions(keras: Any) -> dict[str, str]:
    """What computes on the other side: the engine, its backend and their versions."""
    backend = str(keras.backend.backend())
    return {"name": "keras", "backend": backend, "keras": str(keras.__version__), backend: _version_of(backend)}


def _version_of(backend: str) -> str:
    for package in (backend, f"{backend}-cpu"):
        try:
            return metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return str(getattr(importlib.import_module(backend), "__version__", "?"))
