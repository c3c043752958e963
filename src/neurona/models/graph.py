"""Graph: the calls between some symbolic inputs and outputs, in an order in which they can be replayed."""

from __future__ import annotations

from typing import Any

from neurona.errors import ArgumentError
from neurona.layers.base import Layer
from neurona.layers.core import InputLayer
from neurona.layers.operation import Operation
from neurona.symbolic import KerasTensor, Node, flatten, map_structure

__all__ = ["Graph"]


class Graph:
    """What lies between `inputs` and `outputs`.

    Args:
        inputs, outputs: symbolic tensors, nested at will.

    Attributes:
        nodes: the calls, each after those it depends on.
        layers: each layer once, those far from the outputs first (Keras's order).
    """

    def __init__(self, inputs: Any, outputs: Any) -> None:
        self.inputs, self.outputs = inputs, outputs
        for leaf in (*flatten(inputs), *flatten(outputs)):
            if not isinstance(leaf, KerasTensor):
                raise ArgumentError(
                    f"All `inputs` and `outputs` of a functional model must be symbolic tensors, made by Input() and "
                    f"layers called on it. Received: {leaf!r} (of type {type(leaf).__name__})."
                )
        self._given = {id(t) for t in flatten(inputs)}
        self.nodes: list[Node] = []
        self._sort()
        self.layers = self._ordered_layers()

    def _sort(self) -> None:
        """Depth first from the outputs, without recursion: deep models are legal."""
        done: set[int] = set()
        open_nodes: set[int] = set()
        stack: list[tuple[Node, bool]] = []
        for tensor in reversed(flatten(self.outputs)):
            self._push(tensor, stack)
        while stack:
            node, expanded = stack.pop()
            if expanded:
                open_nodes.discard(id(node))
                if id(node) not in done:
                    done.add(id(node))
                    self.nodes.append(node)
            elif id(node) not in done:
                if id(node) in open_nodes:
                    raise ArgumentError(f"The model's calls form a circle at {node.operation!r}.")
                open_nodes.add(id(node))
                stack.append((node, True))
                for tensor in reversed(node.inputs):
                    self._push(tensor, stack)
        for node in self.nodes:
            if not isinstance(node.operation, Layer):
                node.operation = Operation(node.operation, node)

    def _push(self, tensor: KerasTensor, stack: list[tuple[Node, bool]]) -> None:
        if id(tensor) in self._given:
            return
        if tensor.node is None or isinstance(tensor.node.operation, InputLayer):
            raise ArgumentError(
                f"Graph disconnected: the outputs need the tensor {tensor!r}, which is not among the model's inputs."
            )
        stack.append((tensor.node, False))

    def _ordered_layers(self) -> list[Layer]:
        depth: dict[int, int] = {}
        for node in reversed(self.nodes):  # consumers come before what they consume
            depth.setdefault(id(node), 0)
            for tensor in node.inputs:
                if id(tensor) not in self._given and tensor.node is not None:
                    depth[id(tensor.node)] = max(depth.get(id(tensor.node), 0), depth[id(node)] + 1)
        layer_depth: dict[int, int] = {}
        layers: dict[int, Layer] = {}
        for node in self.nodes:
            layers.setdefault(id(node.operation), node.operation)
            layer_depth[id(node.operation)] = max(layer_depth.get(id(node.operation), 0), depth[id(node)])
        deepest = max(layer_depth.values(), default=0) + 1
        entries: dict[int, Layer] = {}
        for tensor in flatten(self.inputs):
            if tensor.node is not None and isinstance(tensor.node.operation, InputLayer):
                entry = tensor.node.operation
            else:
                entry = InputLayer(batch_shape=tensor.shape, dtype=tensor.dtype, input_tensor=None)
            users = [depth[id(n)] for n in self.nodes if any(t is tensor for t in n.inputs)]
            entries[id(entry)] = entry
            layer_depth[id(entry)] = max(users, default=deepest - 1) + 1
        everyone = [*entries.values(), *layers.values()]
        return sorted(everyone, key=lambda layer: -layer_depth[id(layer)])  # stable: ties stay in call order

    def run(self, values: dict[int, Any], training: bool | None = None) -> Any:
        """Replay the calls.

        Args:
            values: the tensor for each input, by the id of its symbol.
            training: what layers that were drawn with a `training` of their own are told instead, unless ``None``.

        Returns:
            the outputs, nested as the symbols are.
        """

        def value(leaf: Any) -> Any:
            return values[id(leaf)] if isinstance(leaf, KerasTensor) else leaf

        for node in self.nodes:
            args = node.args
            mask = None if node.mask is None else _computed(node.mask, values)
            if mask is not None:
                outputs = node.operation(values[id(args[0])], mask=mask)
            elif len(args) == 1 and isinstance(args[0], KerasTensor) and not node.kwargs:
                outputs = node.operation(values[id(args[0])])
            else:
                kwargs = map_structure(value, node.kwargs)
                if training is not None and "training" in kwargs:
                    kwargs["training"] = training
                outputs = node.operation(*map_structure(value, args), **kwargs)
            if isinstance(node.outputs, KerasTensor):
                values[id(node.outputs)] = outputs
            else:
                for symbol, output in zip(flatten(node.outputs), flatten(outputs), strict=True):
                    values[id(symbol)] = output
        return map_structure(value, self.outputs)


def _computed(symbol: KerasTensor, values: dict[int, Any]) -> Any:
    """The value of a mask that was drawn with the layers, though no output asks for it.

    What a tensor carries while the model runs may be gone by then: a MultiHeadAttention takes it off its inputs. Like
    Keras, a layer still gets the mask that it was drawn with. ``None`` where it depends on what the graph leaves out.
    """
    if id(symbol) not in values:
        node = symbol.node
        if node is None or isinstance(node.operation, InputLayer):
            return None
        found: dict[int, Any] = {}
        for tensor in node.inputs:
            found[id(tensor)] = _computed(tensor, values)
            if found[id(tensor)] is None:
                return None

        def value(leaf: Any) -> Any:
            return found[id(leaf)] if isinstance(leaf, KerasTensor) else leaf

        outputs = node.operation(*map_structure(value, node.args), **map_structure(value, node.kwargs))
        for made, output in zip(flatten(node.outputs), flatten(outputs), strict=True):
            values[id(made)] = output
    return values[id(symbol)]
