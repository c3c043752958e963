"""Models: `Sequential`, functional and subclassed; saving and loading them."""

from __future__ import annotations

import json
from typing import Any

from neurona.models import function as function
from neurona.models.cloning import clone_model
from neurona.models.model import Functional, Model
from neurona.models.sequential import Sequential
from neurona.registry import deserialize_keras_object, export
from neurona.saving import load_model, save_model

__all__ = ["Functional", "Model", "Sequential", "clone_model", "load_model", "model_from_json", "save_model"]


@export("keras.models")
def model_from_json(json_string: str, custom_objects: dict[str, Any] | None = None) -> Any:
    """The model that `Model.to_json` described; its weights are new."""
    return deserialize_keras_object(json.loads(json_string), custom_objects)
