"""Weights in the older HDF5 format: a group for each layer, in which an attribute tells the order of its weights.

They are matched by the order of the layers that have any, or by the layers' names. Lists of names that are too long for
an attribute are split over "layer_names0", "layer_names1", ...
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from neurona.errors import SavingError
from neurona.saving.stored import Stored, open_stored
from neurona.tensor import Array
from neurona.variable import Variable
from neurona.warn import warn_caller

__all__ = ["give_weights", "is_older_format", "load_legacy_weights", "names_in", "ordered_weights", "stored_arrays"]

_TOP = "top_level_model_weights"  # what belongs to the model itself and to none of its layers
_MOST_CHUNKS = 100_000


def load_legacy_weights(model: Any, path: Path, by_name: bool = False, skip_mismatch: bool = False) -> None:
    """Take a model's weights from an older ``.h5`` file: of weights alone, or of a whole model.

    Args:
        model: a built model.
        path: the file.
        by_name: match layers by their names and leave the others as they are, instead of by their order.
        skip_mismatch: leave what does not fit as it is, with a warning, instead of failing.

    Raises:
        SavingError: the file is damaged, or of another model; the model stays as it was.
    """
    with open_stored(path, str(path)) as file:
        group = file.child("model_weights") if not names_in(file, "layer_names") else None
        give_weights(model, group or file, str(path), by_name, skip_mismatch)


def is_older_format(path: Path) -> bool:
    """Whether a file of weights is in this format: before 2.13 Keras knew no other, however a file was called."""
    if not path.is_file():
        return False
    with open_stored(path, str(path)) as file:
        return bool(names_in(file, "layer_names"))


def give_weights(model: Any, group: Stored, origin: str, by_name: bool = False, skip_mismatch: bool = False) -> None:
    """Give a model the weights in the group of a file; on an error it stays as it was."""
    stored = [(name, stored_arrays(_child(group, name, origin), origin)) for name in names_in(group, "layer_names")]
    pairs = _by_name(model, stored) if by_name else _by_order(model, stored, origin)
    top = group.child(_TOP)
    if top is not None:
        pairs.append((f"the model '{model.name}' itself", model._own_variables(), stored_arrays(top, origin)))
    trouble: list[str] = []
    assigned: list[tuple[Variable, Array]] = []
    for told, variables, arrays in pairs:
        if len(variables) != len(arrays):
            problem = f"{told} has {len(variables)} weights, the file {len(arrays)}"
            if not by_name:
                raise SavingError(f"The weights in {origin} do not fit: {problem}. The model stays as it was.")
            trouble.append(problem)
            continue
        for variable, array in zip(variables, arrays, strict=True):
            if tuple(variable.shape) != array.shape:
                trouble.append(f"{told}: {variable.path} has the shape {tuple(variable.shape)}, the file {array.shape}")
            else:
                assigned.append((variable, array))
    if trouble and not skip_mismatch:
        raise SavingError(f"The weights in {origin} do not fit: {'; '.join(trouble[:5])}. The model stays as it was.")
    for variable, array in assigned:
        variable.assign(array)
    if trouble:
        warn_caller(f"{origin}: left as they were: {'; '.join(trouble)}.")


def ordered_weights(layer: Any) -> list[Variable]:
    """A layer's weights in the order of this format: those that train come first."""
    return [*layer.trainable_weights, *layer.non_trainable_weights]


Pair = tuple[str, list[Variable], list[Array]]


def _by_order(model: Any, stored: list[tuple[str, list[Array]]], origin: str) -> list[Pair]:
    layers = [layer for layer in model.layers if layer.weights]
    held = [(name, arrays) for name, arrays in stored if arrays]
    if len(layers) != len(held):
        raise SavingError(
            f"The weights in {origin} do not fit: the model '{model.name}' has {len(layers)} layers with weights, the "
            f"file {len(held)} ({', '.join(name for name, _ in held[:10])}). The model stays as it was."
        )
    return [
        (f"layer '{layer.name}' ('{name}' in the file)", ordered_weights(layer), arrays)
        for layer, (name, arrays) in zip(layers, held, strict=True)
    ]


def _by_name(model: Any, stored: list[tuple[str, list[Array]]]) -> list[Pair]:
    return [
        (f"layer '{layer.name}'", ordered_weights(layer), arrays)
        for name, arrays in stored
        for layer in model.layers
        if layer.name == name
    ]


# -- reading a group -----------------------------------------------------------------------------------------------


def names_in(group: Stored, attribute: str) -> list[str]:
    """The names in an attribute, or in the parts that a long one was split into."""
    attributes = group.attrs
    if attribute in attributes:
        return _names(attributes[attribute], attribute)
    return [name for part in _parts(attributes, attribute) for name in _names(part, attribute)]


def _parts(attributes: dict[str, Any], attribute: str) -> Iterator[Any]:
    for i in range(_MOST_CHUNKS):
        if f"{attribute}{i}" not in attributes:
            return
        yield attributes[f"{attribute}{i}"]


def _names(value: Any, attribute: str) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
        raise SavingError(f"Expected the attribute '{attribute}' to be a list of names. Received: {value!r:.100}.")
    return value


def stored_arrays(group: Stored, origin: str) -> list[Array]:
    """The arrays of a group in the order that its attribute tells."""
    found = []
    for name in names_in(group, "weight_names"):
        folder, _, last = name.rpartition("/")
        found.append(_child(group, folder, origin).array(last))
    return found


def _child(group: Stored, name: str, origin: str) -> Stored:
    child = group.child(name)
    if child is None:
        raise SavingError(f"{origin}: the group '{name}' that its list of names tells of is missing.")
    return child
