"""The calls of a drawn model as Keras 2 wrote them, in Keras 3's form.

Keras 2 notes a call as a nested list of the tensors it was given, each as ``[layer, call, output, keywords]``, and keeps
functions of TensorFlow as layers of the classes TFOpLambda and SlicingOpLambda. In Keras 3 a call is
``{"args": [...], "kwargs": {...}}`` with descriptions of tensors in it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from neurona.errors import SavingError
from neurona.layers.keras_operations import by_class
from neurona.saving.legacy.tf_ops import translated

__all__ = ["modern_calls"]

Config = dict[str, Any]

_CONSTANT = "_CONSTANT_VALUE"  # stands in the place of a layer's name where a call was given a number
_FUNCTION_LAYERS = ("TFOpLambda", "SlicingOpLambda")
_RECURRENT = ("Bidirectional", "GRU", "LSTM", "RNN", "SimpleRNN")


def modern_calls(settings: Config) -> Config:
    """The settings of a drawn model, with its calls in today's form.

    Raises:
        SavingError: a function of TensorFlow that has no counterpart, or a call that is none.
    """
    entries = settings.get("layers")
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise SavingError(f"A drawn model's description needs a list of layers. Received: {type(entries).__name__}.")
    if not any(isinstance(node, list) for entry in entries for node in entry.get("inbound_nodes") or ()):
        return {**settings, "layers": [_with_module(entry) for entry in entries]}
    names = {str(entry.get("name")) for entry in entries} | {_CONSTANT}
    first = _first_calls(settings, entries, names)

    def place(reference: list[Any]) -> Any:
        name, call, output = reference[0], reference[1], reference[2]
        if name == _CONSTANT:
            return output
        history = [name, call - first.get(name, 0), output]
        return {"class_name": "__keras_tensor__", "config": {"shape": None, "dtype": None, "keras_history": history}}

    changed = {**settings, "layers": [_modern_entry(entry, names, place) for entry in entries]}
    for key in ("input_layers", "output_layers"):
        changed[key] = _shifted(settings.get(key), names, first)
    return changed


def _with_module(entry: Config) -> Config:
    """Keras 3's older format leaves out that something is an op, not a layer: ops have no "trainable"."""
    inner = entry.get("config")
    called = any(isinstance(node, dict) for node in entry.get("inbound_nodes") or ())
    if "module" in entry or not called or not isinstance(inner, dict) or {"trainable", "layers", "layer"} & set(inner):
        return entry
    found = by_class(str(entry.get("class_name")))
    return entry if found is None else {**entry, "module": found.module}


# -- references to tensors ---------------------------------------------------------------------------------------


def _is_reference(value: Any, names: set[str]) -> bool:
    """Whether it is ``[layer, call, output]`` or the same with keywords."""
    return (
        isinstance(value, list)
        and len(value) in (3, 4)
        and isinstance(value[0], str)
        and value[0] in names
        and isinstance(value[1], int)
    )


def _references(value: Any, names: set[str]) -> Iterator[list[Any]]:
    if _is_reference(value, names):
        yield value
        value = value[3] if len(value) == 4 else None
    if isinstance(value, (list, dict)):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _references(item, names)


def _first_calls(settings: Config, entries: list[Config], names: set[str]) -> dict[str, int]:
    """The number of each layer's first call: a model within the model counts its own drawing as call 0.

    Every call that was kept gives something that is used, so the highest number that is asked for tells.
    """
    highest: dict[str, int] = {}
    for source in (*entries, {"inbound_nodes": [settings.get("output_layers")]}):
        for name, call, *_ in _references(source.get("inbound_nodes"), names):
            highest[name] = max(highest.get(name, 0), call)
    calls = {str(entry.get("name")): max(len(entry.get("inbound_nodes") or ()), 1) for entry in entries}
    return {name: max(top - calls[name] + 1, 0) for name, top in highest.items() if name in calls}


def _shifted(structure: Any, names: set[str], first: dict[str, int]) -> Any:
    """Where a model's inputs or outputs come from; a list with one entry means the entry, as it did then."""
    if _is_reference(structure, names):
        return [structure[0], structure[1] - first.get(structure[0], 0), structure[2]]
    if isinstance(structure, dict):
        return {key: _shifted(value, names, first) for key, value in structure.items()}
    if not isinstance(structure, list):
        raise SavingError(f"Expected the place of a tensor in the model. Received: {structure!r}.")
    found = [_shifted(item, names, first) for item in structure]
    return found[0] if len(found) == 1 else found


# -- calls ---------------------------------------------------------------------------------------------------------


def _modern_entry(entry: Config, names: set[str], place: Callable[[list[Any]], Any]) -> Config:
    """One layer with its calls; a function of TensorFlow becomes an op."""
    kind = entry.get("class_name")
    calls = [_call(node, names, place) for node in entry.get("inbound_nodes") or ()]
    if kind in _FUNCTION_LAYERS:
        if len(calls) != 1:
            raise SavingError(f"Expected one call of '{entry.get('name')}'. Received: {len(calls)}.")
        return _operation(entry, *calls[0])
    if kind in _RECURRENT:  # the first states were given along with the sequence
        calls = [
            ([args[0][0]], {**kwargs, "initial_state": args[0][1:]}) if isinstance(args[0], list) else (args, kwargs)
            for args, kwargs in calls
        ]
    return {**entry, "inbound_nodes": [{"args": args, "kwargs": kwargs} for args, kwargs in calls]}


def _operation(entry: Config, args: list[Any], kwargs: Config) -> Config:
    """A function of TensorFlow as an op of Keras 3."""
    op, given = translated((entry.get("config") or {}).get("function"), args[0], kwargs)
    settings = {key: value for key, value in given.items() if key in op.settings}
    return {
        "module": op.module,
        "class_name": op.class_name,
        "config": {"name": entry.get("name"), **settings},
        "name": entry.get("name"),
        "inbound_nodes": [{"args": [given[key] for key in op.inputs if key in given], "kwargs": {}}],
    }


def _call(node: Any, names: set[str], place: Callable[[list[Any]], Any]) -> tuple[list[Any], Config]:
    """The arguments of a call: what it was given first, and its keywords."""
    keywords: Config = {}

    def given(structure: Any) -> Any:
        if _is_reference(structure, names):
            if len(structure) == 4 and isinstance(structure[3], dict):
                keywords.update({key: revived(value) for key, value in structure[3].items()})
            return place(structure)
        if isinstance(structure, list):
            return [given(item) for item in structure]
        if isinstance(structure, dict):
            return {key: given(item) for key, item in structure.items()}
        raise SavingError(f"Expected a call's tensors as lists of layer, call and output. Received: {structure!r}.")

    def revived(value: Any) -> Any:
        if _is_reference(value, names):
            return place(value)
        if isinstance(value, list):
            return [revived(item) for item in value]
        if isinstance(value, dict):
            return {key: revived(item) for key, item in value.items()}
        return value

    if isinstance(node, list) and len(node) == 1 and _is_reference(node[0], names):
        node = node[0]
    return [given(node)], keywords
