"""Models: `Sequential`, functional and subclassed; saving and loading them."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from neurona.errors import ArgumentError
from neurona.models.model import Functional, Model
from neurona.models.sequential import Sequential
from neurona.registry import deserialize_keras_object, export
from neurona.saving import load_model, save_model

__all__ = ["Functional", "Model", "Sequential", "clone_model", "load_model", "model_from_json", "save_model"]


@export("keras.models")
def clone_model(
    model: Model,
    input_tensors: Any = None,
    clone_function: Callable[[Any], Any] | None = None,
    call_function: Callable[..., Any] | None = None,
    recursive: bool = False,
    **kwargs: Any,
) -> Any:
    """A new model of the same layers and settings, with weights of its own.

    Args:
        clone_function: makes the new layer from the old one, for Sequential models; by default from its configuration.
        input_tensors, call_function, recursive: not supported; must keep their defaults.
    """
    if input_tensors is not None or call_function is not None or recursive or kwargs:
        raise ArgumentError("clone_model() supports no other argument than `model` and `clone_function`.")
    if clone_function is None:
        return type(model).from_config(model.get_config())
    if not isinstance(model, Sequential):
        raise ArgumentError("clone_model(clone_function=...) supports Sequential models only.")
    return Sequential([clone_function(layer) for layer in model._layers], name=model.name)


@export("keras.models")
def model_from_json(json_string: str, custom_objects: dict[str, Any] | None = None) -> Any:
    """The model that `Model.to_json` described; its weights are new."""
    return deserialize_keras_object(json.loads(json_string), custom_objects)
