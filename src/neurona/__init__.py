"""Neurona: neural networks from zero, with Keras 3's names.

    import neurona as keras

    model = keras.Sequential([keras.Input((784,)), keras.layers.Dense(10, activation="softmax")])

Submodules are loaded when they are first used, so that importing the package is quick.
"""

from __future__ import annotations

import importlib
from typing import Any

__version__ = "0.1.0"

# Where each public name lives; a name that is a module stands for itself.
_HOMES = {
    "DTypePolicy": "neurona.dtype_policies",
    "FloatDTypePolicy": "neurona.dtype_policies",
    "Function": "neurona.models.function",
    "Functional": "neurona.models",
    "Initializer": "neurona.parts.initializers",
    "Input": "neurona.layers",
    "InputSpec": "neurona.layers",
    "KerasTensor": "neurona.symbolic",
    "Layer": "neurona.layers",
    "Loss": "neurona.losses",
    "Metric": "neurona.metrics",
    "Model": "neurona.models",
    "Operation": "neurona.models.function",
    "Optimizer": "neurona.optimizers",
    "Regularizer": "neurona.parts.regularizers",
    "Sequential": "neurona.models",
    "StatelessScope": "neurona.scopes",
    "Tape": "neurona.tape",
    "Tensor": "neurona.tensor",
    "Variable": "neurona.variable",
    "device": "neurona.scopes",
    "gradcheck": "neurona.gradient_check",
    "name_scope": "neurona.names",
    "remat": "neurona.scopes",
    "value_and_grad": "neurona.tape",
}
_MODULES = [
    "activations", "backend", "callbacks", "config", "constraints", "datasets", "dtype_policies", "errors", "initializers",
    "layers", "losses", "metrics", "mixed_precision", "models", "ops", "optimizers", "preprocessing", "random", "regularizers",
    "saving", "tree", "utils",
]  # fmt: skip
# Keras's public modules whose files lie elsewhere in the house.
_ALIASES = {
    "activations": "neurona.parts.activations",
    "callbacks": "neurona.training.callbacks",
    "constraints": "neurona.parts.constraints",
    "initializers": "neurona.parts.initializers",
    "regularizers": "neurona.parts.regularizers",
}

# Where the classes and functions lie that a saved model may name.
_EXPORTERS = ("models", "layers", "losses", "metrics", "optimizers", "activations", "constraints", "initializers",
              "regularizers", "utils")  # fmt: skip


def load_exporters() -> None:
    """Load every module whose classes and functions a saved model may name."""
    for name in _EXPORTERS:
        __getattr__(name)


__all__ = [*sorted(_HOMES), *_MODULES, "__version__", "version"]


def version() -> str:
    """The version of this package."""
    return __version__


def __getattr__(name: str) -> Any:
    if name in _ALIASES:
        value: Any = importlib.import_module(_ALIASES[name])
    elif name in _MODULES:
        value = importlib.import_module(f"neurona.{name}")
    elif name in _HOMES:
        value = getattr(importlib.import_module(_HOMES[name]), name)
    else:
        raise AttributeError(f"module 'neurona' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
