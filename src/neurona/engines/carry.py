"""A model carried over to real Keras, by the description that stands in its file too; and a model without chance.

Leans on `neurona.registry` (the description) and `neurona.engines.twins` (what Keras does not have).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from neurona.engines.real_keras import load_keras
from neurona.engines.twins import PACKAGE, twins
from neurona.errors import ArgumentError
from neurona.registry import deserialize_keras_object, serialize_keras_object

__all__ = ["carry_over", "drawn_by_lot", "without_chance"]

Described = dict[str, Any]

# Settings of layers that say how much is drawn by lot; all of them are shares or spreads, and 0 draws nothing.
_SHARES = ("rate", "dropout", "recurrent_dropout", "stddev")
# Where a description names layers.
_NAMING = ("name", "keras_history", "input_layers", "output_layers")
_DRAWING = ("Random", "MixUp", "CutMix", "AugMix", "RandAugment", "Solarization")


def carry_over(model: Any) -> Any:
    """Real Keras's model for a built model of ours: the same layers, weights and compilation.

    Raises:
        MissingPackageError: Keras is not installed.
        ArgumentError: it has layers, losses or optimizers that Keras does not know and that have no counterpart; they
            are named.
    """
    keras = load_keras()
    known = twins(keras)
    missing: set[str] = set()

    def adapted(thing: Described) -> Described:
        name = thing["class_name"]
        # a package before the name: registered by its author, here or in a user's program
        if (thing.get("module") or "").split(".")[0] != "neurona" and ">" not in (thing.get("registered_name") or ""):
            return thing
        if f"{PACKAGE}>{name}" not in known:
            missing.add(name)
        return {**thing, "module": None, "registered_name": f"{PACKAGE}>{name}"}

    described = _each(_ops_renamed(serialize_keras_object(model)), adapted)
    if missing:
        raise ArgumentError(
            f"Keras has no counterpart for {', '.join(sorted(missing))} in the model '{model.name}'. Train it with "
            f"Neurona's own engine, or write counterparts in neurona.engines.twins."
        )
    carried = keras.saving.deserialize_keras_object(described, custom_objects=known)
    carried.set_weights(model.get_weights())
    return carried


def drawn_by_lot(model: Any) -> list[str]:
    """The names of the layers that draw random numbers in training, those within others by the outer one's name.

    With them no two engines take the same steps: each has random numbers of its own.
    """
    found: list[str] = []
    for layer in serialize_keras_object(model)["config"]["layers"]:
        if any(_draws(thing) for thing in _things(layer)):
            found.append(layer["config"]["name"])
    return found


def without_chance(model: Any) -> Any:
    """The same model with every share of dropout and noise set to 0, and without augmentation; weights and all."""

    def still(thing: Described) -> Described:
        if not _draws(thing):
            return thing
        config = thing["config"]
        if thing["class_name"].startswith(_DRAWING):
            kept = {key: config[key] for key in ("name", "dtype") if key in config}
            return {**thing, "module": "keras.layers", "class_name": "Identity", "config": kept}
        return {**thing, "config": {k: 0.0 if k in _SHARES else v for k, v in config.items()}}

    quiet = deserialize_keras_object(_each(serialize_keras_object(model), still))
    quiet.set_weights(model.get_weights())
    return quiet


def _ops_renamed(described: Described) -> Described:
    """With other names for the ops of the graph: Keras makes ops of its own for masks, which would have the same."""
    ops = {t["config"]["name"] for t in _things(described) if (t.get("module") or "").startswith("keras.src.ops.")}

    def renamed(value: Any) -> Any:
        if isinstance(value, str):
            return f"drawn_{value}" if value in ops else value
        if isinstance(value, list):  # ["layer", 0, 0]
            return [renamed(v) for v in value]
        if isinstance(value, dict):
            return {k: renamed(v) if k in _NAMING else within(v) for k, v in value.items()}
        return value

    def within(value: Any) -> Any:
        if isinstance(value, dict):
            return renamed(value)
        return type(value)(map(within, value)) if isinstance(value, (list, tuple)) else value

    found: Described = renamed(described)
    return found


def _draws(thing: Described) -> bool:
    """Whether a described layer draws random numbers in training."""
    module = thing.get("module") or ""
    if not module.startswith("keras.layers"):
        return False
    return thing["class_name"].startswith(_DRAWING) or any((thing["config"].get(share) or 0) > 0 for share in _SHARES)


def _is_thing(described: Described) -> bool:
    """Whether this describes an object, and is no mark of the format such as __keras_tensor__."""
    name = described.get("class_name")
    return isinstance(name, str) and not name.startswith("__") and isinstance(described.get("config"), dict)


def _things(described: Any) -> Iterator[Described]:
    """Everything that a description describes, from the outside to the inside."""
    if isinstance(described, dict):
        if _is_thing(described):
            yield described
        for value in described.values():
            yield from _things(value)
    elif isinstance(described, (list, tuple)):
        for value in described:
            yield from _things(value)


def _each(described: Any, change: Callable[[Described], Described]) -> Any:
    """A description with every described object in it changed."""
    if isinstance(described, dict):
        if _is_thing(described):
            described = change(described)
        return {key: _each(value, change) for key, value in described.items()}
    if isinstance(described, (list, tuple)):
        return type(described)(_each(value, change) for value in described)
    return described
