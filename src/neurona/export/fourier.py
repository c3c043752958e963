"""Signals: overlapping stretches, and Fourier transforms as products with their matrices.

ONNX's own DFT knows lengths that runtimes do not all know; a product with a matrix is what every runtime has. What an op
makes of the unit vectors are the rows of its matrix.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from neurona.export.graph import Graph
from neurona.export.recording import Length, Step, Value
from neurona.export.shapes import listed
from neurona.export.table import writes

__all__: list[str] = []


@writes("extract_sequences")
def _(g: Graph, step: Step) -> str:
    (name,), (x,) = g.read(step), step.inputs
    size, stride = int(step.setting("sequence_length")), int(step.setting("sequence_stride"))
    free = g.node("Sub", g.vector(x.shape[-1:], [x]), g.integers(size))
    # Div rounds towards 0: a signal that is too short would have a stretch
    count = g.node("Div", g.node("Max", g.node("Add", free, g.integers(stride)), g.integers(0)), g.integers(stride))
    starts = g.node("Mul", g.count_to(count), g.integers(stride))
    places = g.node("Add", g.node("Unsqueeze", starts, g.integers(1)), g.constant(np.arange(size), "int64"))
    return g.node("Gather", name, places, axis=len(x.shape) - 1)


def _last(g: Graph, x: Value) -> int:
    length = x.shape[-1]
    if isinstance(length, Length):
        raise g.refuse("it transforms an axis whose length is open")
    return length


@writes("rfft")
def _(g: Graph, step: Step) -> list[str]:
    (name,), n = g.read(step), _last(g, step.inputs[0])
    parts = step.op.compute([np.eye(n)], {"fft_length": step.setting("fft_length")})
    return [g.node("MatMul", name, g.constant(part, step.outputs[0].dtype)) for part in parts]


@writes("_irfft")
def _(g: Graph, step: Step) -> str:
    names, n = g.read(step), _last(g, step.inputs[0])
    unit, nothing, told = np.eye(n), np.zeros((n, n)), {"fft_length": step.setting("fft_length")}
    matrices = (step.op.compute([unit, nothing], told), step.op.compute([nothing, unit], told))
    return g.node("Add", *(
        g.node("MatMul", name, g.constant(matrix, step.outputs[0].dtype))
        for name, matrix in zip(names, matrices, strict=True)
    ))  # fmt: skip


@writes("_transform")
def _(g: Graph, step: Step) -> list[str]:
    (real, imaginary), x, dtype = g.read(step), step.inputs[0], step.outputs[0].dtype
    ndim = len(x.shape)
    for axis in listed(step.setting("axes"), ndim):
        n = x.shape[axis]
        if isinstance(n, Length):
            raise g.refuse("it transforms an axis whose length is open")
        told = {"axes": (-1,), "backwards": step.setting("backwards")}
        cosines, sines = (g.constant(m, dtype) for m in step.op.compute([np.eye(n), np.zeros((n, n))], told))
        order = [*(a for a in range(ndim) if a != axis), axis]
        back = [order.index(a) for a in range(ndim)]
        a, b = (g.transpose(name, order) for name in (real, imaginary))
        both = (("Sub", (a, cosines), (b, sines)), ("Add", (a, sines), (b, cosines)))
        real, imaginary = (_turned_back(g, kind, first, second, back) for kind, first, second in both)
    return [real, imaginary]


def _turned_back(g: Graph, kind: str, first: Any, second: Any, back: list[int]) -> str:
    return g.transpose(g.node(kind, g.node("MatMul", *first), g.node("MatMul", *second)), back)
