"""Ops that multiply matrices: dense layers, products, Einstein's sums, attention."""

from __future__ import annotations

import numpy as np

from neurona.export.elementwise import activated
from neurona.export.graph import Graph
from neurona.export.recording import Length, Step
from neurona.export.table import writes

__all__: list[str] = []

# what a score that must not count becomes: as in `neurona.ops.fused.attention`
_NEVER = -0.7 * 3.38953e38


@writes("dense")
def _(g: Graph, step: Step) -> str:
    x, kernel, bias = g.read(step)
    name = g.node("MatMul", x, kernel)  # (..., C) @ (C, F) -> (..., F)
    return activated(g, step, g.node("Add", name, bias) if bias else name)


@writes("matmul")
def _(g: Graph, step: Step) -> str:
    return g.node("MatMul", *g.read(step))


@writes("dot")
def _(g: Graph, step: Step) -> str:
    first, second = (len(x.shape) for x in step.inputs)
    if not first or not second:
        return g.node("Mul", *g.read(step))
    if second > 2:
        raise g.refuse("its second array has more than two axes")
    return g.node("MatMul", *g.read(step))


@writes("tensordot")
def _(g: Graph, step: Step) -> str:
    first, second = (len(x.shape) for x in step.inputs)
    axes = step.setting("axes")
    if isinstance(axes, int):
        pairs = [(first - axes + i, i) for i in range(axes)]
    else:
        ours, theirs = ([a] if isinstance(a, int) else list(a) for a in axes)
        pairs = [(a % first, b % second) for a, b in zip(ours, theirs, strict=True)]
    letters = "abcdefghijklmnopqrstuvwxyz"
    left, right = list(letters[:first]), list(letters[first : first + second])
    for a, b in pairs:
        right[b] = left[a]
    kept = [c for c in left if c not in right] + [c for c in right if c not in left]
    return g.node("Einsum", *g.read(step), equation=f"{''.join(left)},{''.join(right)}->{''.join(kept)}")


@writes("outer")
def _(g: Graph, step: Step) -> str:
    first, second = (g.node("Reshape", name, g.integers(*shape)) for name, shape in zip(
        g.read(step), ((-1, 1), (1, -1)), strict=True
    ))  # fmt: skip
    return g.node("Mul", first, second)


@writes("_einsum")
def _(g: Graph, step: Step) -> str:
    return g.node("Einsum", *g.read(step), equation=step.setting("subscripts").replace(" ", ""))


@writes("scaled_attention")
def _(g: Graph, step: Step) -> str:
    query, key, value, bias, mask = step.inputs
    dtype = step.outputs[0].dtype
    q, k, v = (g.cast(g.given(x), x.dtype, dtype) for x in (query, key, value))
    heads, shared = query.shape[2], key.shape[2]
    if isinstance(heads, Length) or isinstance(shared, Length):
        raise g.refuse("the number of its heads is open")
    if heads != shared:  # several queries read one head of keys
        which = g.constant(np.repeat(np.arange(shared), heads // shared), "int64")
        k, v = (g.node("Gather", name, which, axis=2) for name in (k, v))
    # (N, heads, T, D) @ (N, heads, D, S) -> (N, heads, T, S)
    scores = g.node("MatMul", g.transpose(q, (0, 2, 1, 3)), g.transpose(k, (0, 2, 3, 1)))
    scores = g.node("Mul", scores, g.constant(step.setting("scale"), dtype))
    if bias is not None:
        scores = g.node("Add", scores, g.cast(g.given(bias), bias.dtype, dtype))
    counts = None if mask is None else g.cast(g.given(mask), mask.dtype, "bool")
    if step.setting("is_causal"):
        past = _past(g, step)
        counts = past if counts is None else g.node("And", counts, past)
    if counts is not None:
        scores = g.node("Where", counts, scores, g.constant(_NEVER, dtype))
    weighted = g.node("MatMul", g.node("Softmax", scores, axis=-1), g.transpose(v, (0, 2, 1, 3)))
    return g.transpose(weighted, (0, 2, 1, 3))


def _past(g: Graph, step: Step) -> str:
    """Which keys each query may see if it sees none that comes after it, (T, S)."""
    times, keys = (g.vector([x.shape[1]], [x]) for x in step.inputs[:2])
    rows = g.node("Unsqueeze", g.count_to(times), g.integers(1))
    return g.node("LessOrEqual", g.count_to(keys), rows)
