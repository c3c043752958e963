"""What recurrent layers carry from word to word: gates, cell and state after every step, and what the units say in the end.

`recurrences` finds the recurrent layers of a drawn model, each direction of a Bidirectional by itself. `traces` computes,
from the layer's own weights and the ops it computes with, what it hides: a layer gives only its state. All arrays stand
in the order of the words, whichever way the layer reads.

Source: Karpathy, Johnson & Li, "Visualizing and Understanding Recurrent Networks" (2015), arXiv:1506.02078.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from neurona import ops
from neurona.errors import ArgumentError
from neurona.i18n import _
from neurona.layers import GRU, LSTM, RNN, Bidirectional
from neurona.layers.recurrent.loop import every_step
from neurona.ops import fused
from neurona.parts import activations
from neurona.sight.stages import Probe
from neurona.symbolic import KerasTensor, Node, flatten
from neurona.tape import Tape
from neurona.tensor import Array, Tensor, as_array, wrap

__all__ = ["Recurrence", "Trace", "recurrences", "traces", "unit_shares"]


@dataclass(frozen=True, eq=False)
class Recurrence:
    """A recurrent layer in its place in a network, or one direction of a Bidirectional.

    Attributes:
        name: of the layer in the model; both directions of a Bidirectional have the same.
        layer: what reads the sequence.
        node: the call of it in the drawn model.
        columns: which columns of the node's output are this layer's; ``None`` where they are mixed with others'.
    """

    name: str
    layer: Any
    node: Node
    columns: slice | None

    @property
    def backwards(self) -> bool:
        """Whether it reads from the last word to the first."""
        return bool(self.layer.go_backwards)

    @property
    def sequences(self) -> KerasTensor:
        """The symbol of what it reads, (N, T, D)."""
        return self.node.inputs[0]

    @property
    def mask(self) -> KerasTensor | None:
        """The symbol of the mask it was drawn with."""
        given = self.node.args[2] if len(self.node.args) > 2 else self.node.kwargs.get("mask")
        return given if isinstance(given, KerasTensor) else self.node.mask


@dataclass(frozen=True, eq=False)
class Trace:
    """What a recurrent layer carried along some sequences.

    Attributes:
        state: after each step, (N, T, U); for an LSTM what it shows of its cell.
        cell: the memory of an LSTM after each step, (N, T, U); ``None`` for others.
        gates: by name, each (N, T, U), 0 at masked steps. Of an LSTM "input", "forget", "candidate" and "output"; of a GRU
            "update", "reset" and "candidate"; none of others, nor where the activations are not the usual ones.
    """

    state: Array
    cell: Array | None = None
    gates: dict[str, Array] = field(default_factory=dict)


def recurrences(model: Any) -> list[Recurrence]:
    """The recurrent layers of a drawn model, in the order of the computation.

    Raises:
        ArgumentError: the model has no drawn layers, or among them none that is recurrent and begins with zeros.

    >>> from neurona.layers import Dense, Input
    >>> from neurona.models import Sequential
    >>> model = Sequential([Input((5, 2)), Bidirectional(GRU(3), name="both"), Dense(1)])
    >>> [(r.name, r.backwards, r.columns) for r in recurrences(model)]
    [('both', False, slice(0, 3, None)), ('both', True, slice(3, 6, None))]
    """
    graph = getattr(model, "_graph", None)
    if graph is None or len(flatten(graph.inputs)) != 1:
        raise ArgumentError(
            _("Only networks of one input, made with Sequential or Model(inputs, outputs), can be looked into.")
        )
    found = []
    for node in graph.nodes:
        layer = node.operation
        if not isinstance(layer, (RNN, Bidirectional)) or node.inputs[0].ndim != 3 or not _begins_with_zeros(node):
            continue
        if isinstance(layer, RNN):
            found.append(Recurrence(layer.name, layer, node, slice(0, None)))
            continue
        columns: list[slice | None] = [None, None]
        if layer.merge_mode == "concat":
            half = int(flatten(node.outputs)[0].shape[-1]) // 2
            columns = [slice(0, half), slice(half, 2 * half)]
        pair = (layer.forward_layer, layer.backward_layer)
        if all(isinstance(one, RNN) for one in pair):
            found += [Recurrence(layer.name, one, node, part) for one, part in zip(pair, columns, strict=True)]
    if not found:
        raise ArgumentError(_("The network has no recurrent layer (LSTM, GRU, SimpleRNN) to look into."))
    return found


def _begins_with_zeros(node: Node) -> bool:
    initial = node.args[1] if len(node.args) > 1 else node.kwargs.get("initial_state")
    return initial is None and not node.operation.stateful


def traces(model: Any, chosen: Sequence[Recurrence], inputs: Array) -> list[Trace]:
    """What some recurrent layers of a model carried along sequences, in use, not as in training.

    Args:
        model: the network.
        chosen: of its `recurrences`.
        inputs: as the network takes them: numbers of words (N, T), or (N, T, D).

    Returns:
        one `Trace` for each.

    >>> from neurona.layers import Input
    >>> from neurona.models import Sequential
    >>> ones = {"kernel_initializer": "ones", "recurrent_initializer": "ones"}
    >>> model = Sequential([Input((None, 1)), LSTM(1, **ones, unit_forget_bias=False)])
    >>> (trace,) = traces(model, recurrences(model), np.zeros((1, 2, 1), "float32"))
    >>> trace.cell.tolist(), trace.gates["forget"].tolist()  # without input all gates stay half open
    ([[[0.0], [0.0]]], [[[0.5], [0.5]]])
    """
    symbols: list[KerasTensor] = []
    places = []
    for one in chosen:
        mask = one.mask
        places.append((len(symbols), None if mask is None else len(symbols) + 1))
        symbols += [one.sequences] if mask is None else [one.sequences, mask]
    values = Probe(model, symbols)(wrap(np.asarray(inputs)))
    return [
        _trace(one.layer, values[at], None if mask_at is None else ops.cast(values[mask_at], "bool"))
        for one, (at, mask_at) in zip(chosen, places, strict=True)
    ]


def _trace(layer: Any, x: Tensor, mask: Tensor | None) -> Trace:
    cell, backwards = layer.cell, bool(layer.go_backwards)
    states = layer.get_initial_state(x.shape[0])
    if isinstance(layer, LSTM) and cell.walks:
        h, c, gates = fused.lstm(
            x, cell.kernel, cell.recurrent_kernel, cell.bias, *states, mask, None, backwards=backwards
        )
        return Trace(as_array(h), as_array(c), _named(gates, ("input", "forget", "candidate", "output")))
    if isinstance(layer, GRU) and cell.walks:
        h, gates, _inner = fused.gru(
            x, cell.kernel, cell.recurrent_kernel, cell.bias, *states, mask, None,
            reset_after=cell.reset_after, backwards=backwards,
        )  # fmt: skip
        return Trace(as_array(h), None, _named(gates, ("update", "reset", "candidate")))
    is_pair = isinstance(layer, LSTM)

    def step(inputs: Tensor, before: Any) -> tuple[Tensor, Any]:
        output, after = cell(inputs, before)
        kept = after if isinstance(after, (list, tuple)) else [after]
        return ops.concatenate([output, kept[1]], axis=-1) if is_pair else output, kept

    made, _last = every_step(step, x, states, mask, backwards)
    whole = as_array(ops.stack(made, axis=1))
    if not is_pair:
        return Trace(whole)
    return Trace(whole[..., : cell.units], whole[..., cell.units :])


def _named(gates: Any, names: Sequence[str]) -> dict[str, Array]:
    return dict(zip(names, np.split(as_array(gates), len(names), axis=2), strict=True))


def unit_shares(model: Any, one: Recurrence, inputs: Array) -> Array:
    """How far each unit of a recurrent layer moved the log-odds of the second class, given a network of one output.

    The gradient of the log-odds by the layer's output times this output, summed over the words. Behind the layer our
    networks only choose, average and weigh, so that these shares and the last bias add up to the log-odds.

    Args:
        model: the network.
        one: the layer, or one direction.
        inputs: as the network takes them.

    Returns:
        (N, U); zeros where the directions are mixed.

    >>> from neurona.layers import Dense, Input
    >>> from neurona.models import Sequential
    >>> model = Sequential([Input((None, 1)), LSTM(2), Dense(1, "sigmoid")])
    >>> p = model(np.ones((1, 3, 1), "float32"))
    >>> shares = unit_shares(model, recurrences(model)[0], np.ones((1, 3, 1), "float32"))
    >>> bool(np.isclose(shares.sum(), np.log(float(p[0, 0]) / (1 - float(p[0, 0]))), atol=1e-5))
    True
    """
    output = flatten(one.node.outputs)[0]
    if one.columns is None:
        return np.zeros((len(inputs), one.layer.cell.units))
    probe = Probe(model, [output, _log_odds(model)])
    with Tape() as tape:
        tensor, odds = probe(wrap(np.asarray(inputs)))
        value = ops.sum(odds)
    slope = tape.gradient(value, tensor)
    product = np.zeros(tensor.shape) if slope is None else as_array(slope).astype("float64") * as_array(tensor)
    product = product if product.ndim == 2 else product.sum(axis=1)  # (N, T, U) -> (N, U)
    return np.asarray(product[:, one.columns])


def _log_odds(model: Any) -> KerasTensor:
    """The symbol of the log-odds, (N, 1); taken before the sigmoid, where 0 and 1 have not swallowed them."""
    outputs = flatten(model.outputs)[0]
    last = outputs.node.operation
    if getattr(last, "activation", None) is activations.sigmoid and hasattr(last, "kernel"):
        twin = copy.copy(last)  # it shares the weights
        twin.activation, twin._nodes = activations.linear, []
        symbol: KerasTensor = twin(*outputs.node.args, **outputs.node.kwargs)
        return symbol
    share = ops.clip(outputs, 1e-7, 1 - 1e-7)
    odds: KerasTensor = ops.subtract(ops.log(share), ops.log(ops.subtract(1.0, share)))
    return odds
