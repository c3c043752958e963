"""What `get` and `deserialize` of each family of parts share: from a name or a configuration to the object.

Leans on `neurona.registry`. Several families have a class of the same name (there is a loss and a metric
`MeanSquaredError`), so a configuration that names no module is looked up in the family that was asked.
"""

from __future__ import annotations

from typing import Any

from neurona.registry import Config, resolve, table

__all__ = ["find"]


def find(module: str, kind: str, identifier: Any, custom_objects: Config | None = None) -> Any:
    """The object that `identifier` stands for, within one family.

    Args:
        module: the family's table, e.g. "keras.losses".
        kind: how errors call it, e.g. "loss".
        identifier: ``None``, a name, a configuration, a class or the object itself.
        custom_objects: names of the user's own classes and functions.

    Raises:
        UnknownNameError: nothing of that name.
        ArgumentError: something that cannot be meant.

    >>> from neurona.parts import regularizers
    >>> find("keras.regularizers", "regularizer", {"class_name": "L2", "config": {"l2": 0.5}}).l2
    0.5
    """
    if isinstance(identifier, dict) and identifier.get("module") is None:
        name = identifier.get("class_name")
        own = None if name in (custom_objects or {}) else table(module).get(str(name))
        if own is not None:  # a name in snake case is as good as the class's own
            identifier = {**identifier, "module": module, "class_name": own.__name__}
    return resolve(module, kind, identifier, custom_objects)
