"""Graph: the calls between some symbolic inputs and outputs, in an order in which they can be replayed."""

from __future__ import annotations

from typing import Any

from neurona.errors import ArgumentError
from neurona.layers.base import Layer
from neurona.layers.core import InputLayer
from neurona.layers.operation import Operation
from neurona.symbolic import KerasTensor, Node, flatten, map_structure

__all__ = ["Graph"]

#: What makes a tensor: a call, or the model's entry.
Maker = Node | InputLayer


class Graph:
    """What lies between `inputs` and `outputs`.

    Args:
        inputs, outputs: symbolic tensors, nested at will.

    Attributes:
        nodes: the calls, each after those it depends on, in the order in which Keras carries them out.
        layers: each layer once, in Keras's order: those far from the outputs first.
    """

    def __init__(self, inputs: Any, outputs: Any) -> None:
        self.inputs, self.outputs = inputs, outputs
        for leaf in (*flatten(inputs), *flatten(outputs)):
            if not isinstance(leaf, KerasTensor):
                raise ArgumentError(
                    f"All `inputs` and `outputs` of a functional model must be symbolic tensors, made by Input() and "
                    f"layers called on it. Received: {leaf!r} (of type {type(leaf).__name__})."
                )
        self._entries = {id(tensor): _entry(tensor) for tensor in flatten(inputs)}
        makers, met = self._sort()
        self.nodes, self.layers = self._ordered(makers, met)

    def _sort(self) -> tuple[list[Maker], dict[int, int]]:
        """Depth first from the outputs, without recursion: deep models are legal.

        Returns:
            what makes the tensors, each after those it depends on, and when each was first met.
        """
        makers: list[Maker] = []
        met: dict[int, int] = {}
        done: set[int] = set()
        open_makers: set[int] = set()
        stack = [(self._maker(tensor), False) for tensor in reversed(flatten(self.outputs))]
        while stack:
            maker, expanded = stack.pop()
            if expanded:
                open_makers.discard(id(maker))
                done.add(id(maker))
                makers.append(maker)
            elif id(maker) not in done:
                if id(maker) in open_makers:
                    raise ArgumentError(f"The model's calls form a circle at {_layer(maker)!r}.")
                open_makers.add(id(maker))
                met[id(maker)] = len(met)
                stack.append((maker, True))
                stack += [(self._maker(tensor), False) for tensor in reversed(_read_by(maker))]
        for maker in makers:
            if isinstance(maker, Node) and not isinstance(maker.operation, Layer):
                maker.operation = Operation(maker.operation, maker)
        return makers, met

    def _maker(self, tensor: KerasTensor) -> Maker:
        if id(tensor) in self._entries:
            return self._entries[id(tensor)]
        if tensor.node is None or isinstance(tensor.node.operation, InputLayer):
            raise ArgumentError(
                f"Graph disconnected: the outputs need the tensor {tensor!r}, which is not among the model's inputs."
            )
        return tensor.node

    def _ordered(self, makers: list[Maker], met: dict[int, int]) -> tuple[list[Node], list[Layer]]:
        """Calls and layers by how far they are from the outputs; a layer that is called twice counts by its farthest call.

        Among calls equally far the order is that in which they are reached from the outputs, among layers that in which they
        were first met: Keras's, on which the order of weights depends, and what a normalisation called twice remembers.
        """
        far: dict[int, int] = {}
        of_layer: dict[int, int] = {}
        first: dict[int, int] = {}
        for maker in reversed(makers):  # consumers come before what they consume
            layer = id(_layer(maker))
            depth = far[id(maker)] = max(far.get(id(maker), 0), of_layer.get(layer, 0))
            of_layer[layer] = depth
            first[layer] = min(first.get(layer, len(met)), met[id(maker)])
            for tensor in _read_by(maker):
                source = id(self._maker(tensor))
                far[source] = max(far.get(source, 0), depth + 1)
        by_id = {id(maker): maker for maker in makers}
        nodes = [maker for maker in map(by_id.__getitem__, far) if isinstance(maker, Node)]
        layers = {id(layer): layer for layer in (*self._entries.values(), *map(_layer, makers))}
        return (
            sorted(nodes, key=lambda node: -far[id(node)]),
            # an input that nobody reads comes among the last
            sorted(layers.values(), key=lambda layer: (-of_layer.get(id(layer), 0), first.get(id(layer), -1))),
        )

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


def _entry(tensor: KerasTensor) -> InputLayer:
    """The layer at which a model's input comes in; a new one where it is the result of a call."""
    if tensor.node is not None and isinstance(tensor.node.operation, InputLayer):
        return tensor.node.operation
    return InputLayer(batch_shape=tensor.shape, dtype=tensor.dtype, input_tensor=None)


def _layer(maker: Maker) -> Any:
    return maker.operation if isinstance(maker, Node) else maker


def _read_by(maker: Maker) -> list[KerasTensor]:
    return maker.inputs if isinstance(maker, Node) else []


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
