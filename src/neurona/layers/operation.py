"""Operation: an op that was applied to symbolic tensors, as a layer of the functional model."""

from __future__ import annotations

from typing import Any

from neurona.allowance import ask_settings
from neurona.errors import UnknownNameError
from neurona.layers.base import Layer
from neurona.names import auto_name
from neurona.registry import export
from neurona.symbolic import Node
from neurona.tape import OPS

__all__ = ["Operation"]


@export("neurona.layers")
class Operation(Layer):
    """A layer without weights that applies an op, with the settings of the call it was drawn with.

    Args:
        operation: the op.
        node: the call.
    """

    def __init__(self, operation: Any, node: Node | None = None, name: str | None = None) -> None:
        called = getattr(operation, "name", None) or operation.__name__  # a loop is a plain function
        super().__init__(name=name or auto_name(called.strip("_")))
        self.operation, self.operation_name = operation, called
        self.autocast = False
        self.supports_masking = True
        self.built = True
        if node is not None:
            self._nodes.append(node)

    def call(self, *args: Any, **kwargs: Any) -> Any:
        ask_settings(self.operation_name, (args, kwargs))
        return self.operation(*args, **kwargs)

    def compute_mask(self, inputs: Any, previous_mask: Any) -> None:
        """None: an op may move or sum away the axes that a mask speaks of, so its result carries none."""

    def get_config(self) -> dict[str, Any]:
        return {"name": self.name, "operation": self.operation_name}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Operation:
        """The layer for an op of the table; its settings stand with its calls."""
        name = config["operation"]
        if name not in OPS:
            raise UnknownNameError.among("op", name, OPS)
        return cls(OPS[name], name=config["name"])
