"""The stages of a network: each layer of weights with the normalisation and activation behind it, and a look into it.

A stage is what people mean by "layer": weighted sums, perhaps pooled and normalised, then an activation. `stages_of` finds
them in any Sequential or functional model; a `Probe` computes what chosen stages answer to pictures, without the rest of
the network, and with gradients where they are asked for.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from neurona import ops
from neurona.errors import ArgumentError, UnknownNameError, suggestion
from neurona.i18n import _
from neurona.models import Model
from neurona.parts import activations
from neurona.sight.fields import Field, fields_of
from neurona.symbolic import KerasTensor, Node, flatten
from neurona.tape import Tape
from neurona.tensor import Array, Tensor, wrap

__all__ = ["Probe", "Stage", "find_stage", "scores", "stages_of"]


@dataclass(frozen=True, eq=False)
class Stage:
    """One stage of a network.

    Attributes:
        name: that of its layer of weights.
        layer: this layer.
        kernel: the symbol of its weighted sums, without its activation.
        sums: behind pooling and normalisation, before the activation.
        answers: behind the activation: what the next stage gets, pooling aside.
        field: the receptive field of `answers`; None if each unit sees the whole picture.
        kernel_field, sums_field: those of `kernel` and of `sums`.
        map_size: height and width of its maps; None for a layer of single numbers.
        units: how many filters or neurons it has.
        final: whether these are the network's own outputs.
    """

    name: str
    layer: Any
    kernel: KerasTensor
    sums: KerasTensor
    answers: KerasTensor
    field: Field | None
    kernel_field: Field | None
    sums_field: Field | None
    map_size: tuple[int, int] | None
    units: int
    final: bool


def _is_linear(layer: Any) -> bool:
    return getattr(getattr(layer, "activation", None), "__name__", "linear") == "linear"


def _is_activation(layer: Any) -> bool:
    return hasattr(layer, "activation") or type(layer).__module__.endswith("layers.activations")


def _holds_kernel(layer: Any) -> bool:
    return hasattr(layer, "kernel") or hasattr(layer, "depthwise_kernel")


def stages_of(model: Any) -> list[Stage]:
    """The stages of a drawn model, in the order of the computation.

    Raises:
        ArgumentError: the model has no drawn layers, several inputs, or channels first.

    >>> from neurona.layers import BatchNormalization, Dense, Input, ReLU
    >>> from neurona.models import Sequential
    >>> model = Sequential([Input((4,)), Dense(3, name="a"), BatchNormalization(), ReLU(), Dense(2, name="b")])
    >>> [(s.name, s.units, s.final) for s in stages_of(model)]
    [('a', 3, False), ('b', 2, True)]
    """
    graph = getattr(model, "_graph", None)
    if graph is None or len(flatten(graph.inputs)) != 1:
        raise ArgumentError(
            _("Only networks of one input, made with Sequential or Model(inputs, outputs), can be looked into.")
        )
    if any(getattr(layer, "data_format", None) == "channels_first" for layer in model.layers):
        raise ArgumentError(_("Only networks with channels last can be looked into."))
    fields = fields_of(graph)
    readers: dict[int, list[Node]] = {}
    for node in graph.nodes:
        for symbol in node.inputs:
            readers.setdefault(id(symbol), []).append(node)
    ends = {id(symbol) for symbol in flatten(graph.outputs)}
    found: list[Stage] = []
    for node in graph.nodes:
        if not _holds_kernel(node.operation) or not isinstance(node.outputs, KerasTensor):
            continue
        kernel = node.outputs if _is_linear(node.operation) else _without_activation(node)
        fields[id(kernel)] = fields[id(node.outputs)]
        sums, answers, reached_end = _follow(node, kernel, readers, ends)
        found.append(
            Stage(
                name=node.operation.name, layer=node.operation, kernel=kernel, sums=sums, answers=answers,
                field=fields[id(answers)], kernel_field=fields[id(kernel)],
                sums_field=fields[id(sums)], map_size=_map_size(answers),
                units=int(answers.shape[-1] or 0), final=reached_end,
            )
        )  # fmt: skip
    return found


def _without_activation(node: Node) -> KerasTensor:
    """The symbol of what a layer would give without its activation: a layer like it that shares its weights.

    Gradients of a unit that is silent end at its activation; its weighted sum has one always.
    """
    twin = copy.copy(node.operation)
    twin.activation, twin._nodes = activations.linear, []
    symbol: KerasTensor = twin(*node.args, **node.kwargs)
    return symbol


def _follow(
    node: Node, kernel: KerasTensor, readers: dict[int, list[Node]], ends: set[int]
) -> tuple[KerasTensor, KerasTensor, bool]:
    """From a layer of weights over what changes its numbers one by one: its sums, its answers, whether it is last."""
    place = answers = node.outputs
    sums = kernel
    active = not _is_linear(node.operation)
    while id(place) not in ends and len(readers.get(id(place), [])) == 1:
        after = readers[id(place)][0]
        layer = after.operation
        if _holds_kernel(layer) or len(after.inputs) != 1 or not isinstance(after.outputs, KerasTensor):
            break
        place = after.outputs
        if hasattr(layer, "pool_size"):
            continue  # part of the stage only if its activation comes later
        if place.shape != after.inputs[0].shape:
            break
        active = active or _is_activation(layer)
        answers = place
        if not active:
            sums = place
    return sums, answers, id(place) in ends


def _map_size(symbol: KerasTensor) -> tuple[int, int] | None:
    if symbol.ndim != 4 or symbol.shape[1] is None or symbol.shape[2] is None:
        return None
    return symbol.shape[1], symbol.shape[2]


def find_stage(stages: Sequence[Stage], name: str) -> Stage:
    """The stage of this name.

    Raises:
        UnknownNameError: there is none; the known names are told.
    """
    for stage in stages:
        if stage.name == name:
            return stage
    names = [stage.name for stage in stages]
    near = suggestion(name, names)
    raise UnknownNameError(
        _("The network has no layer of weights '{name}'.").format(name=name)
        + (" " + _("Did you mean '{name}'?").format(name=near.split("'")[1]) if near else "")
        + " "
        + _("Its layers: {known}.").format(known=", ".join(names))
    )


class Probe:
    """The part of a network that leads to some symbols, sharing its weights.

    Args:
        model: the network.
        symbols: what to compute: `Stage.answers`, `model.outputs` ...
    """

    def __init__(self, model: Any, symbols: Sequence[KerasTensor]) -> None:
        self._model = Model(model.inputs[0], list(symbols), name="probe")

    def __call__(self, pictures: Any) -> list[Tensor]:
        """The tensors for some prepared pictures, as in use, not as in training."""
        found: list[Tensor] = self._model(pictures, training=False)
        return found

    def arrays(self, pictures: Array) -> list[Array]:
        """The same as arrays."""
        return [tensor.data for tensor in self(wrap(np.asarray(pictures)))]

    def gradient(
        self, pictures: Array, target: Callable[[list[Tensor]], Tensor], by: int | None = None
    ) -> tuple[list[Array], Array]:
        """What the symbols are, and the gradient of a number made of them.

        Args:
            pictures: prepared.
            target: from the tensors to one of no axes.
            by: the gradient by the tensor of this number; by the pictures unless told.
        """
        x = wrap(np.array(pictures, "float32"))
        with _unfollowed(self._model), Tape() as tape:
            tape.watch(x)
            tensors = self(x)
            value = target(tensors)
        source = x if by is None else tensors[by]
        slope = tape.gradient(value, source)
        g = np.zeros_like(source.data) if slope is None else slope.data
        return [tensor.data for tensor in tensors], g


@contextmanager
def _unfollowed(model: Any) -> Iterator[None]:
    """No gradients for the weights: half of the work."""
    followed = [v for v in model.variables if v.tracked]
    for v in followed:
        v.tracked = False
    try:
        yield
    finally:
        for v in followed:
            v.tracked = True


def scores(model: Any, outputs: Tensor) -> Tensor:
    """The raw scores of the classes, (N, K): a network's outputs, their logarithm where these are probabilities."""
    last = flatten(model.outputs)[0].node.operation
    shares = type(last).__name__ == "Softmax" or getattr(getattr(last, "activation", None), "__name__", "") in (
        "softmax",
        "sigmoid",
    )
    found: Tensor = ops.log(ops.add(outputs, 1e-12)) if shares else outputs
    return found
