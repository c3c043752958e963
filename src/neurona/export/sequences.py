"""Recurrent ops over whole sequences: ONNX's own LSTM, GRU and RNN, and its Scan where steps may be masked.

ONNX's own leave out steps at the end of a sequence only; a mask may leave out any. `Scan` repeats a small graph for each
step, so that what a mask does is written out: the state stays as it was.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from neurona.export.elementwise import activation_of
from neurona.export.graph import Graph
from neurona.export.recording import Step
from neurona.export.table import writes
from neurona.tensor import Array

__all__: list[str] = []


def _gates(matrix: Array, order: tuple[int, ...]) -> Array:
    """(D, k U) -> (1, k U, D), the k parts in ONNX's order."""
    parts = np.split(matrix, len(order), axis=-1)
    return np.concatenate([parts[i] for i in order], axis=-1).T[np.newaxis]


def _own(g: Graph, step: Step, kind: str, order: tuple[int, ...], states: int, **settings: Any) -> list[str]:
    """ONNX's own recurrent op: the states behind every step, (N, T, U)."""
    names = g.read(step)
    kernel, recurrent, bias = (
        g.fixed(step, i, what) for i, what in ((1, "kernel"), (2, "recurrent kernel"), (3, "bias"))
    )
    assert kernel is not None and recurrent is not None
    label = step.inputs[1].label
    weights = [
        g.constant(_gates(matrix, order), label=label and f"{label}/{what}")
        for matrix, what in ((kernel, "W"), (recurrent, "R"))
    ]
    biases = ""
    if bias is not None:  # ONNX has two: for x W and for h U
        two = bias if bias.ndim == 2 else np.stack([bias, np.zeros_like(bias)])
        biases = g.constant(
            np.concatenate([_gates(row[np.newaxis], order)[..., 0] for row in two], axis=1),
            label=label and f"{label}/B",
        )
    x = g.transpose(names[0], (1, 0, 2))  # (T, N, D)
    begins = [g.node("Unsqueeze", name, g.integers(0)) for name in names[4 : 4 + states]]
    direction = "reverse" if step.setting("backwards") else "forward"
    whole = g.node(
        kind, x, *weights, biases, "", *begins, hidden_size=recurrent.shape[0], direction=direction, **settings
    )  # (T, 1, N, U)
    return [g.transpose(g.node("Squeeze", whole, g.integers(1)), (1, 0, 2))]


def _scanned(g: Graph, step: Step, cell: Any, states: int, mask: int) -> list[str]:
    """The states behind every step, by ONNX's Scan.

    Args:
        cell: ``(x W + b of this step, states, recurrent kernel, bias row for h U or "") -> states``, in names.
        states: how many states it carries.
        mask: the place of the mask among the inputs.
    """
    names = g.read(step)
    x, kernel, recurrent, bias = names[:4]
    dtype = step.outputs[0].dtype
    behind = ""
    if bias and len(step.inputs[3].shape) == 2:
        bias, behind = (g.node("Gather", bias, g.constant(i, "int64"), axis=0) for i in (0, 1))
    fed = g.node("MatMul", x, kernel)  # (N, T, D) @ (D, k U) -> (N, T, k U)
    fed = g.node("Add", fed, bias) if bias else fed
    sequences = [fed]
    if names[mask]:
        on = g.cast(names[mask], g.types(step)[mask], "bool")
        sequences.append(g.node("Unsqueeze", on, g.integers(2)))  # (N, T, 1)
    begins = names[4 : 4 + states]

    outer, g.nodes = g.nodes, []
    before = [g.fresh("state") for _ in range(states)]
    now = g.fresh("fed")
    after = cell(now, before, recurrent, behind)
    on_now = g.fresh("on") if names[mask] else ""
    if on_now:
        after = [g.node("Where", on_now, new, old) for new, old in zip(after, before, strict=True)]
    made = [g.node("Identity", name) for name in after]
    body, g.nodes = g.nodes, outer

    def told(name: str, kind: Any = dtype) -> Any:
        return g.helper.make_tensor_value_info(name, g.type_of(kind), None)

    graph = g.helper.make_graph(
        body,
        g.fresh("step"),
        [*(told(name) for name in before), told(now), *([told(on_now, "bool")] if on_now else [])],
        [*(told(name) for name in after), *(told(name) for name in made)],
    )
    backwards = int(step.setting("backwards"))
    results = g.node_of(
        "Scan", [*begins, *sequences], 2 * states, body=graph, num_scan_inputs=len(sequences),
        scan_input_axes=[1] * len(sequences), scan_output_axes=[1] * states,
        scan_input_directions=[backwards] * len(sequences), scan_output_directions=[backwards] * states,
    )  # fmt: skip
    return results[states:]


def _needed(g: Graph, step: Step, output: int) -> bool:
    """Whether anything reads this output."""
    value = step.outputs[output]
    return any(x is value for other in g.recording.steps for x in other.inputs) or value in g.recording.outputs


def _no_dropout(g: Graph, step: Step, place: int) -> None:
    if step.inputs[place] is not None:
        raise g.refuse("it drops parts of its state, which only training does")


@writes("lstm")
def _(g: Graph, step: Step) -> list[str]:
    _no_dropout(g, step, 7)
    if step.inputs[6] is None and not _needed(g, step, 1):
        return [*_own(g, step, "LSTM", (0, 3, 1, 2), 2), "", ""]  # parts i, f, g, o; ONNX's order is i, o, f, g

    def cell(fed: str, states: list[str], recurrent: str, behind: str) -> list[str]:
        h, c = states
        z = g.node("Add", fed, g.node("MatMul", h, recurrent))
        parts = g.node_of("Split", [z], 4, axis=-1, num_outputs=4)
        i, f, o = (g.node("Sigmoid", parts[k]) for k in (0, 1, 3))
        c = g.node("Add", g.node("Mul", f, c), g.node("Mul", i, g.node("Tanh", parts[2])))
        return [g.node("Mul", o, g.node("Tanh", c)), c]

    return [*_scanned(g, step, cell, 2, 6), ""]


@writes("gru")
def _(g: Graph, step: Step) -> list[str]:
    _no_dropout(g, step, 6)
    reset_after, dtype = bool(step.setting("reset_after")), step.outputs[0].dtype
    if step.inputs[5] is None:
        return [*_own(g, step, "GRU", (0, 1, 2), 1, linear_before_reset=int(reset_after)), "", ""]

    def cell(fed: str, states: list[str], recurrent: str, behind: str) -> list[str]:
        (h,) = states
        for_z, for_r, for_n = g.node_of("Split", [fed], 3, axis=-1, num_outputs=3)
        if reset_after:
            back = g.node("MatMul", h, recurrent)
            back = g.node("Add", back, behind) if behind else back
            z, r, inner = g.node_of("Split", [back], 3, axis=-1, num_outputs=3)
        else:
            matrices = g.node_of("Split", [recurrent], 3, axis=-1, num_outputs=3)
            z, r = (g.node("MatMul", h, matrix) for matrix in matrices[:2])
        z, r = g.node("Sigmoid", g.node("Add", for_z, z)), g.node("Sigmoid", g.node("Add", for_r, r))
        if reset_after:
            inner = g.node("Mul", r, inner)
        else:
            inner = g.node("MatMul", g.node("Mul", r, h), matrices[2])
        n = g.node("Tanh", g.node("Add", for_n, inner))
        rest = g.node("Sub", g.constant(1, dtype), z)
        return [g.node("Add", g.node("Mul", z, h), g.node("Mul", rest, n))]

    return [*_scanned(g, step, cell, 1, 5), "", ""]


@writes("simple_rnn")
def _(g: Graph, step: Step) -> list[str]:
    _no_dropout(g, step, 6)
    activation, dtype = step.setting("activation"), step.outputs[0].dtype
    if step.inputs[5] is None and activation != "linear":
        return _own(g, step, "RNN", (0,), 1, activations=[activation.capitalize()])

    def cell(fed: str, states: list[str], recurrent: str, behind: str) -> list[str]:
        z = g.node("Add", fed, g.node("MatMul", states[0], recurrent))
        return [activation_of(g, activation, z, dtype)]

    return _scanned(g, step, cell, 1, 5)
