"""Ops that sort numbers and look for their places."""

from __future__ import annotations

import numpy as np

from neurona.export.graph import Graph
from neurona.export.recording import Step
from neurona.export.table import writes

__all__: list[str] = []


@writes("sort", "argsort")
def _(g: Graph, step: Step) -> str:
    (name,), (x,), axis = g.read(step), step.inputs, step.setting("axis")
    if axis is None:
        raise g.refuse("it sorts all axes at once")
    axis = int(axis) % len(x.shape)
    both = g.node_of("TopK", [name, g.vector([x.shape[axis]], [x])], 2, axis=axis, largest=0, sorted=1)
    return both[0] if step.op.name == "sort" else g.cast(both[1], "int64", step.outputs[0].dtype)


@writes("top_k")
def _(g: Graph, step: Step) -> list[str]:
    values, places = g.node_of("TopK", [*g.read(step), g.integers(int(step.setting("k")))], 2, sorted=1)
    return [values, g.cast(places, "int64", step.outputs[1].dtype)]


@writes("searchsorted", "digitize")
def _(g: Graph, step: Step) -> str:
    digits = step.op.name == "digitize"
    sequence, values = (1, 0) if digits else (0, 1)
    line = g.fixed(step, sequence, "sorted sequence")
    if line is None or line.ndim != 1 or (digits and (np.diff(line) < 0).any()):
        raise g.refuse("it searches in several sequences, or in a falling one")
    read, dtype = g.given(step.inputs[values]), np.result_type(line.dtype, step.inputs[values].dtype)
    wanted = g.cast(read, step.inputs[values].dtype, dtype)
    kind = "LessOrEqual" if digits or step.setting("side") == "right" else "Less"
    # halves of halves: after each, `place` numbers are known to stand before the value
    count = len(line)
    widest = 1 << max(count.bit_length() - 1, 0)
    highest = np.inf if dtype.kind == "f" else np.iinfo(dtype).max
    table = g.constant(np.concatenate([line, np.full(2 * widest - 1 - count, highest)]), dtype)
    place = g.node("Mul", g.cast(wanted, dtype, "int64"), g.constant(0, "int64"))
    while widest:
        further = g.node("Add", place, g.constant(widest, "int64"))
        seen = g.node("Gather", table, g.node("Sub", further, g.constant(1, "int64")), axis=0)
        place = g.node("Where", g.node(kind, seen, wanted), further, place)
        widest //= 2
    place = g.node("Min", place, g.constant(count, "int64"))
    return g.cast(place, "int64", step.outputs[0].dtype)
