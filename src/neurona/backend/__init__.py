"""What programs touch of `keras.backend`: the state of the session, types, and the arithmetic of older programs.

arithmetic     K.mean, K.square, ...: older names of ops, as losses and samplings of that time are written
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from neurona.backend.arithmetic import *  # noqa: F403
from neurona.backend.arithmetic import __all__ as _arithmetic
from neurona.config import backend, epsilon, floatx, image_data_format, set_epsilon, set_floatx, set_image_data_format
from neurona.dtypes import is_float_dtype, is_int_dtype, result_type, standardize_dtype
from neurona.models import Model
from neurona.names import get_uid, name_scope, reset_names
from neurona.symbolic import is_keras_tensor
from neurona.tensor import as_tensor

__all__ = [
    "backend",
    "clear_session",
    "epsilon",
    "floatx",
    "function",
    "get_uid",
    "image_data_format",
    "is_float_dtype",
    "is_int_dtype",
    "is_keras_tensor",
    "name_scope",
    "result_type",
    "set_epsilon",
    "set_floatx",
    "set_image_data_format",
    "standardize_dtype",
    *_arithmetic,
]


def clear_session(free_memory: bool = True) -> None:
    """Start the automatic names ("dense", "dense_1", ...) anew."""
    reset_names()


def function(inputs: Any, outputs: Any, updates: Any = None, name: str | None = None) -> Callable[[Any], Any]:
    """A function of arrays, made of the layers between two placeholders of a model.

    Args:
        inputs, outputs: placeholders, such as ``model.input`` and ``model.layers[2].output``; several in a list.
        updates, name: accepted for older programs.

    Returns:
        a function of the inputs' values that gives the outputs' as NumPy arrays.

    >>> import neurona
    >>> model = neurona.Sequential([neurona.Input((2,)), neurona.layers.Flatten()])
    >>> function([model.input], [model.output])([[[1.0, 2.0]]])[0].tolist()
    [[1.0, 2.0]]
    """
    model = Model(inputs, outputs)

    def run(values: Sequence[Any]) -> Any:
        alone = not isinstance(inputs, (list, tuple)) or len(inputs) == 1
        found = model(as_tensor(values[0] if isinstance(inputs, (list, tuple)) else values) if alone else values)
        return [part.numpy() for part in found] if isinstance(found, (list, tuple)) else found.numpy()

    return run
