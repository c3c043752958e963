"""Ops that slide over pictures and sequences: convolutions, poolings, other sizes.

ONNX has the channels behind the batch, Neurona at the end: arrays are turned before and after, and the turns between
neighbours undo each other.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from neurona.export.elementwise import activated
from neurona.export.graph import Graph
from neurona.export.recording import Length, Step, Value
from neurona.export.shapes import part, reshaped
from neurona.export.table import writes
from neurona.tape import OPS

__all__: list[str] = []


def _first(g: Graph, name: str, rank: int) -> str:
    """(N, *space, C) -> (N, C, *space)"""
    return g.transpose(name, (0, rank + 1, *range(1, rank + 1)))


def _last(g: Graph, name: str, rank: int) -> str:
    """(N, C, *space) -> (N, *space, C)"""
    return g.transpose(name, (0, *range(2, rank + 2), 1))


def _padding(g: Graph, step: Step, size: Sequence[int], dilation: Sequence[int]) -> dict[str, Any]:
    """The places added on both sides; where they follow from open lengths, the rule that they keep."""
    pads, strides = step.setting("pads"), step.setting("strides")
    if not any(isinstance(p, Length) for pair in pads for p in pair):
        return {"pads": [int(before) for before, _ in pads] + [int(after) for _, after in pads]}
    (space,) = ([a.shape[1:-1] for a in step.inputs[0].arrays],)
    for axis, (before, after) in enumerate(pads):
        told = [(_at(before, i), _at(after, i)) for i in range(len(space))]
        if told != [_same(n[axis], size[axis], strides[axis], dilation[axis]) for n in space]:
            raise g.refuse("its padding depends on the length of its input")
    return {"auto_pad": "SAME_UPPER"}


def _at(n: Any, run: int) -> int:
    return n[run] if isinstance(n, Length) else n


def _same(length: int, size: int, stride: int, dilation: int) -> tuple[int, int]:
    """The padding with which ceil(length / stride) windows fit."""
    missing = max((-(-length // stride) - 1) * stride + (size - 1) * dilation + 1 - length, 0)
    return missing // 2, missing - missing // 2


def _window_of(g: Graph, step: Step) -> tuple[int, list[int]]:
    """How many axes of space there are, and the lengths of the window along them."""
    lengths = [n for n in step.inputs[1].shape if not isinstance(n, Length)]
    if len(lengths) < len(step.inputs[1].shape):
        raise g.refuse("the size of its window is open")
    return len(lengths) - 2, lengths


@writes("convolve", "depthwise")
def _(g: Graph, step: Step) -> str:
    x, kernel, bias = g.read(step)
    rank, (*size, channels, _) = _window_of(g, step)
    if step.op.name == "depthwise":  # (*K, C, M) -> (*K, 1, C M): each channel is a group
        groups = channels
        kernel = reshaped(g, kernel, [*size, 1, -1], [])
    else:
        groups = int(step.setting("groups"))
    dilation = step.setting("dilation")
    name = g.node(
        "Conv",
        _first(g, x, rank),
        g.transpose(kernel, (rank + 1, rank, *range(rank))),  # (*K, C / groups, F) -> (F, C / groups, *K)
        bias,
        strides=list(step.setting("strides")),
        dilations=list(dilation),
        group=groups,
        kernel_shape=size,
        **_padding(g, step, size, dilation),
    )
    return _last(g, activated(g, step, name), rank)


@writes("convolve_transposed")
def _(g: Graph, step: Step) -> str:
    x, kernel, bias = g.read(step)
    rank, (*size, _, _) = _window_of(g, step)
    strides, dilation, pads = (step.setting(name) for name in ("strides", "dilation", "pads"))
    begins, ends, more = [], [], []
    for axis in range(rank):
        before = pads[axis][0]
        runs = zip(step.inputs[0].arrays, step.outputs[0].arrays, strict=True)
        whole = {  # how much longer than its copies reach the result is
            made.shape[axis + 1] - (strides[axis] * (given.shape[axis + 1] - 1) + (size[axis] - 1) * dilation[axis] + 1)
            for given, made in runs
        }
        if len(whole) > 1 or isinstance(before, Length):
            raise g.refuse("its padding depends on the length of its input")
        (extra,) = whole
        begins.append(before)
        ends.append(max(-extra - before, 0))
        more.append(max(extra + before, 0))
    name = g.node(
        "ConvTranspose",
        _first(g, x, rank),
        g.transpose(kernel, (rank + 1, rank, *range(rank))),  # (*K, F, C) -> (C, F, *K)
        bias,
        strides=list(strides),
        dilations=list(dilation),
        kernel_shape=size,
        pads=[*begins, *ends],
        output_padding=more,
    )
    return _last(g, name, rank)


@writes("max_pool_places", "average_pool_raw")
def _(g: Graph, step: Step) -> list[str] | str:
    size, average = step.setting("size"), step.op.name == "average_pool_raw"
    rank = len(size)
    kind, more = ("AveragePool", {"count_include_pad": 0}) if average else ("MaxPool", {})
    name = g.node(
        kind,
        _first(g, g.read(step)[0], rank),
        kernel_shape=list(size),
        strides=list(step.setting("strides")),
        **_padding(g, step, size, (1,) * rank),
        **more,
    )
    return _last(g, name, rank) if average else [_last(g, name, rank), ""]


@writes("_patches")
def _(g: Graph, step: Step) -> str:
    size, (x,) = step.setting("size"), step.inputs
    rank, channels, count = len(size), x.arrays[0].shape[-1], int(np.prod(size))
    strides, dilation = step.setting("strides"), step.setting("dilation")
    frame: dict[str, Any] = {"auto_pad": "SAME_UPPER" if step.setting("padding") == "same" else "VALID"}
    if frame["auto_pad"] != "VALID" and not any(isinstance(n, Length) for n in x.shape[1:-1]):
        pairs = [_same(*axis) for axis in zip(x.arrays[0].shape[1:-1], size, strides, dilation, strict=True)]
        frame = {"pads": [before for before, _ in pairs] + [after for _, after in pairs]}
    # a convolution whose filters each pass one number of the window on
    taps = np.eye(count * channels).reshape(count * channels, *size, channels)
    return _last(
        g,
        g.node(
            "Conv",
            _first(g, g.read(step)[0], rank),
            g.constant(np.moveaxis(taps, -1, 1), x.dtype),
            strides=list(strides),
            dilations=list(dilation),
            **frame,
        ),
        rank,
    )


# -- other sizes ------------------------------------------------------------------------------------------------


def _closed_space(g: Graph, x: Value) -> list[int]:
    space = [n for n in x.shape[1:-1] if not isinstance(n, Length)]
    if len(space) < len(x.shape) - 2:
        raise g.refuse("how it weighs its pixels depends on the size of the pictures. Give the Input a fixed one")
    return space


def _by_matrix(g: Graph, name: str, ndim: int, axis: int, matrix: Any, dtype: Any) -> str:
    """An axis of length n multiplied by a matrix (m, n)."""
    order = [*(a for a in range(ndim) if a != axis), axis]
    name = g.node("MatMul", g.transpose(name, order), g.constant(matrix.T, dtype))
    return g.transpose(name, [order.index(a) for a in range(ndim)])


# the ways that ONNX's Resize goes as `_resampled` does, for pictures whose size is open
_OPEN = {"bilinear": {"mode": "linear"}, "nearest": {"mode": "nearest", "nearest_mode": "round_prefer_ceil"}}


@writes("_resampled")
def _(g: Graph, step: Step) -> str:
    (x,) = step.inputs
    dtype = step.outputs[0].dtype
    if dtype.kind != "f":
        raise g.refuse("it rounds whole numbers. Cast the pictures to floats before")
    (name,), method, antialias = g.read(step), step.setting("method"), step.setting("antialias")
    if any(isinstance(n, Length) for n in x.shape[1:3]) and method in _OPEN and not antialias:
        height, width = step.outputs[0].shape[1:3]
        n, _, _, channels = x.shape
        sizes = g.vector([n, channels, height, width], [x])
        modes = {"coordinate_transformation_mode": "half_pixel", **_OPEN[method]}
        return _last(g, g.node("Resize", _first(g, name, 2), "", "", sizes, **modes), 2)
    space, settings = _closed_space(g, x), {"method": method, "antialias": antialias}
    for axis, (before, after) in enumerate(zip(space, step.setting("size"), strict=True)):
        # what it makes of pictures of one line each are the columns of its matrix
        lines = np.eye(before, dtype="float32").reshape(before, before, 1, 1)
        columns = OPS["_resampled"].compute([lines], {"size": (after, 1), **settings})  # type: ignore[union-attr]
        name = _by_matrix(g, name, 4, axis + 1, columns.reshape(before, after).T, dtype)
    return name


@writes("adaptive_average")
def _(g: Graph, step: Step) -> str:
    (x,), (name,) = step.inputs, g.read(step)
    for axis, (before, after) in enumerate(zip(_closed_space(g, x), step.setting("output_size"), strict=True)):
        matrix = np.zeros((after, before))
        for i, (start, end) in enumerate(_windows(before, after)):
            matrix[i, start:end] = 1 / (end - start)
        name = _by_matrix(g, name, len(x.shape), axis + 1, matrix, step.outputs[0].dtype)
    return name


@writes("adaptive_max")
def _(g: Graph, step: Step) -> str:
    (x,), (name,) = step.inputs, g.read(step)
    for axis, (before, after) in enumerate(zip(_closed_space(g, x), step.setting("output_size"), strict=True), 1):
        largest = [
            g.node("ReduceMax", part(g, name, axis, start, end), g.integers(axis), keepdims=1)
            for start, end in _windows(before, after)
        ]
        name = g.node("Concat", *largest, axis=axis)
    return name


def _windows(before: int, after: int) -> list[tuple[int, int]]:
    return [(i * before // after, -(-(i + 1) * before // after)) for i in range(after)]
