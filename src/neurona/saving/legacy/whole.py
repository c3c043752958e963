"""The older whole-model ``.h5`` file of Keras 2 and 3: a model's description, weights, compilation and optimizer's state.

The attribute "model_config" describes the model, "training_config" how it was compiled; the groups "model_weights" and
"optimizer_weights" hold the numbers.
"""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

from neurona.errors import SavingError
from neurona.registry import custom_object_scope, deserialize_keras_object, get_registered_object
from neurona.saving.guard import guarded
from neurona.saving.json_reader import read_json
from neurona.saving.legacy.configs import modern
from neurona.saving.legacy.state import give_state
from neurona.saving.legacy.weights import give_weights
from neurona.saving.stored import Stored, open_stored

__all__ = ["load_whole_model"]

Config = dict[str, Any]
_COMPILED = ("loss", "metrics", "weighted_metrics", "loss_weights", "run_eagerly", "steps_per_execution", "jit_compile")


def load_whole_model(path: Path, custom_objects: Config | None = None, compile: bool = True) -> Any:
    """The model in an older ``.h5`` file, ready to go on.

    Args:
        path: the file.
        custom_objects: the user's own classes and functions by name, besides the registered ones.
        compile: whether to compile it as it was.

    Raises:
        SavingError: the file is damaged, holds weights alone, or asks for classes that are unknown.
    """
    with (
        open_stored(path, str(path)) as file,
        custom_object_scope(custom_objects or {}),
        guarded(str(path), path.stat().st_size),
    ):
        attributes = file.attrs
        config = _json(attributes, "model_config", path)
        if config is None:
            raise SavingError(
                f"No model config found in the file at {path}. If it holds weights alone, make the model in your program "
                "and read them with model.load_weights()."
            )
        model = deserialize_keras_object(modern(config, version=str(attributes.get("keras_version", "1."))))
        if not hasattr(model, "get_layer"):
            raise SavingError(f"{path}: model_config describes no model. Received: {type(model).__name__}.")
        stored = file.child("model_weights")
        if stored is None:
            raise SavingError(f"{path} describes a model, but holds no weights for it.")
        give_weights(model, stored, str(path))
        training = _json(attributes, "training_config", path) if compile else None
        if training is not None:
            _compile(model, training, file)
        return model


def _json(attributes: Config, name: str, path: Path) -> Config | None:
    text = attributes.get(name)
    if text is None:
        return None
    found = read_json(text.encode(), f"{path}: {name}") if isinstance(text, str) else None
    if not isinstance(found, dict):
        raise SavingError(f"{path}: expected the attribute {name} to describe settings. Received: {text!r:.100}.")
    return found


def _compile(model: Any, told: Config, file: Stored) -> None:
    """Compile a model as `training_config` tells, and give its optimizer the state it had."""
    described = {key: told[key] for key in _COMPILED if told.get(key) is not None}
    described["optimizer"] = told.get("optimizer_config")
    if "metrics" in described:
        described["metrics"] = _without_prefixes(described["metrics"], model.output_names)
    for key in ("loss", "metrics", "weighted_metrics"):
        described[key] = _own(described.get(key))
    model.compile_from_config(modern(described))
    stored = file.child("optimizer_weights")
    if stored is not None and model.compiled:
        give_state(model.optimizer, stored)


def _own(told: Any) -> Any:
    """Losses or metrics; a user's own ones, which stand there by their names, are described in full."""
    if isinstance(told, list):
        return [_own(one) for one in told]
    if isinstance(told, dict) and "class_name" not in told:
        return {key: _own(one) for key, one in told.items()}
    found = get_registered_object(told) if isinstance(told, str) else None
    if found is None:
        return told
    if inspect.isclass(found):
        return {"module": None, "class_name": told, "config": {}, "registered_name": told}
    return {"module": "builtins", "class_name": "function", "config": told, "registered_name": "function"}


def _without_prefixes(metrics: Any, outputs: list[str]) -> Any:
    """Metrics for several outputs: Keras 2 put the output's name before the metric's, which happens again."""
    if len(outputs) < 2 or not isinstance(metrics, list) or len(metrics) != len(outputs):
        return metrics
    return [_renamed(one, f"{output}_") for one, output in zip(metrics, outputs, strict=True)]


def _renamed(metric: Any, prefix: str) -> Any:
    if isinstance(metric, list):
        return [_renamed(one, prefix) for one in metric]
    if isinstance(metric, dict) and isinstance(metric.get("config"), dict):
        name = metric["config"].get("name")
        if isinstance(name, str):
            return {**metric, "config": {**metric["config"], "name": name.removeprefix(prefix)}}
    return metric
