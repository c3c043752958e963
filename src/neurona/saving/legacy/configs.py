"""Descriptions that earlier versions of Keras wrote, in today's form.

A walk over the description: classes get the public name of their module, arguments that were renamed or dropped follow
(`settings`), and so do the calls of drawn models (`calls`). What is in today's form already, and what belongs to a
user's own class, passes unchanged.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from neurona.registry import get_registered_object
from neurona.saving.legacy.calls import modern_calls
from neurona.saving.legacy.older import of_older
from neurona.saving.legacy.settings import modern_layer, modern_loss, modern_metric, modern_optimizer

__all__ = ["modern"]

Config = dict[str, Any]

# Which part of Keras a key speaks of, where an object's description does not say its module.
_MODULES = {
    "_initializer": "keras.initializers",
    "_regularizer": "keras.regularizers",
    "_constraint": "keras.constraints",
    "activation": "keras.activations",
    "learning_rate": "keras.optimizers.schedules",
    "optimizer": "keras.optimizers",
    "loss": "keras.losses",
    "metrics": "keras.metrics",
}
_PARTS = (
    "optimizers.schedules", "activations", "constraints", "dtype_policies", "initializers", "losses", "metrics", "models",
    "optimizers", "regularizers", "layers",
)  # fmt: skip
_MODELS = {"Functional": "Functional", "Model": "Functional", "Sequential": "Sequential"}
_DRAWN = {"layers", "input_layers", "output_layers"}
_POLICIES = ("Policy", "PolicyV1", "FloatDTypePolicy")
_NEW_NAMES = {"ThresholdedReLU": "ReLU", "LossScaleOptimizerV3": "LossScaleOptimizer"}

_RULES: dict[str, Callable[[str, Config], Any]] = {
    "keras.layers": modern_layer,
    "keras.losses": modern_loss,
    "keras.metrics": modern_metric,
    "keras.optimizers": modern_optimizer,
}


def modern(described: Any, module: str = "keras.layers", version: str = "") -> Any:
    """A description in today's form.

    Args:
        described: what the JSON of a file holds: of a model, a layer, an optimizer, a list of metrics, ...
        module: where to look for a class that comes without one.
        version: of the Keras that wrote it, where it is an earlier one.

    Raises:
        SavingError: it asks for something that is no longer there, which is named.
    """
    if version:
        described = of_older(described, version)
    if isinstance(described, list):
        return [modern(item, module) for item in described]
    if not isinstance(described, dict):
        return described
    name, settings = described.get("class_name"), described.get("config")
    if not isinstance(name, str):
        return {key: modern(value, _module_of(key, module)) for key, value in described.items()}
    if name.startswith("__") or not isinstance(settings, (dict, list)):
        return described
    if name in _POLICIES and isinstance(settings, dict):
        return {"module": "keras", "class_name": "DTypePolicy", "config": {"name": settings.get("name")}}
    if isinstance(settings, list):  # a Sequential was its list of layers once
        settings = {"layers": settings}
    if set(settings) >= _DRAWN or (name == "Sequential" and "layers" in settings):
        return _model(described, name, settings)
    if _is_own(described, name):
        return {**described, "config": modern(settings)}
    name = name.removeprefix("Custom>")
    where = _public(described.get("module", module))
    changed = _RULES[where](name, settings) if where in _RULES else settings
    if not isinstance(changed, dict):
        return changed  # a word or a function stands for it
    changed = {key: modern(value, _module_of(key, "keras.layers")) for key, value in changed.items()}
    return {**described, "module": where, "class_name": _NEW_NAMES.get(name, name), "config": changed}


def _model(described: Config, name: str, settings: Config) -> Config:
    """A model's description: its layers, how they are called, how it was compiled."""
    if set(settings) >= _DRAWN:
        settings = modern_calls(settings)
    elif settings["layers"]:
        settings = {**settings, "layers": _with_input(settings["layers"])}
    found = {**described, "config": modern(settings)}
    if name in _MODELS and not _is_own(described, name):
        found |= {"module": "keras.models", "class_name": _MODELS[name]}
    if isinstance(described.get("compile_config"), dict):
        told = modern(described["compile_config"])
        found["compile_config"] = {key: value for key, value in told.items() if value is not None}
    return found


def _with_input(layers: Any) -> Any:
    """The layers of a Sequential; one that began with a layer that knew its input's shape begins with an Input."""
    first: Any = layers[0] if isinstance(layers, list) and isinstance(layers[0], dict) else {}
    inner = first.get("config")
    if not isinstance(inner, dict) or first.get("class_name") == "InputLayer" or not inner.get("batch_input_shape"):
        return layers
    entry = {"batch_shape": inner["batch_input_shape"], "dtype": inner.get("dtype")}
    return [{"module": "keras.layers", "class_name": "InputLayer", "config": entry}, *layers]


def _is_own(described: Config, name: str) -> bool:
    """Whether it is of a user's own class."""
    registered = described.get("registered_name")
    return get_registered_object(name) is not None or (isinstance(registered, str) and ">" in registered)


def _module_of(key: str, otherwise: str) -> str:
    return next((module for ending, module in _MODULES.items() if key.endswith(ending)), otherwise)


def _public(module: Any) -> Any:
    """A module under its public name: "keras.src.losses.losses" is keras.losses."""
    parts = str(module).split(".")
    if parts[0] not in ("keras", "keras_core", "tf_keras") or "ops" in parts or "feature_space" in parts:
        return module  # what lies there has no public name
    told = ".".join(parts)
    if "mixed_precision" in parts:
        return "keras.optimizers"
    return next((f"keras.{part}" for part in _PARTS if f".{part}." in f"{told}."), module)
