"""A model's whole state as nested dicts, by kind and by the parts of each variable's path.

{"trainable_variables": {"dense": {"kernel": ..., "bias": ...}}, "non_trainable_variables": {...},
 "optimizer_variables": {...}, "metrics_variables": {...}}
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from neurona.errors import ArgumentError, UnknownNameError
from neurona.variable import Variable

__all__ = ["state_of", "take_state"]

_FORMATS: dict[str, Callable[[Variable], Any]] = {
    "backend_tensor": lambda v: v.value,
    "numpy_array": lambda v: v.numpy(),
}


def state_of(kinds: dict[str, Sequence[Variable]], value_format: str = "backend_tensor") -> dict[str, Any]:
    """The values of the variables of each kind.

    Args:
        kinds: the variables, by what they are for.
        value_format: "backend_tensor" or "numpy_array".

    Raises:
        ArgumentError: another format, or two variables of one path.
    """
    if value_format not in _FORMATS:
        raise ArgumentError(
            f"Invalid `value_format` argument. Expected one of {sorted(_FORMATS)}. Received: value_format={value_format!r}."
        )
    return {kind: _nested(variables, _FORMATS[value_format]) for kind, variables in kinds.items()}


def _nested(variables: Sequence[Variable], value: Callable[[Variable], Any]) -> dict[str, Any]:
    tree: dict[str, Any] = {}
    for variable in variables:
        *folders, name = variable.path.split("/")
        place = tree
        for folder in folders:
            place = place.setdefault(folder, {})
        if name in place:
            raise ArgumentError(
                f"The following variable path is found twice in the model: '{variable.path}'. Give the layers unique names."
            )
        place[name] = value(variable)
    return tree


def take_state(kinds: dict[str, Sequence[Variable]], state: dict[str, Any]) -> None:
    """Give the variables the values of a state; those that it leaves out keep theirs.

    Raises:
        UnknownNameError: an unknown kind.
    """
    for kind, tree in state.items():
        if kind not in kinds:
            raise UnknownNameError.among("kind of variables", kind, kinds)
        values = dict(_flat(tree))
        for variable in kinds[kind]:
            if variable.path in values:
                variable.assign(values[variable.path])


def _flat(tree: dict[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in tree.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{before}{name}/")
        else:
            yield before + name, value
