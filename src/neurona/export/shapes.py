"""Ops that move numbers and change none: reshaping, turning, cutting, joining, repeating, padding, looking up."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np

from neurona.export.graph import Graph
from neurona.export.recording import Extent, Length, Step, Value
from neurona.export.table import writes

__all__ = ["listed", "part", "reshaped"]

_END, _START = np.iinfo(np.int64).max, np.iinfo(np.int64).min


def listed(axes: Any, ndim: int) -> list[int]:
    """One axis or several, counted from the front; all for None."""
    if axes is None:
        return list(range(ndim))
    return [int(a) % ndim for a in (axes if isinstance(axes, (list, tuple)) else [axes])]


def reshaped(g: Graph, name: str, shape: Sequence[Extent], near: Sequence[Value]) -> str:
    """The same numbers under other axes; one open axis takes what is left."""
    if name in g.constants and not any(isinstance(n, Length) for n in shape):
        whole = [n for n in shape if not isinstance(n, Length)]
        return g.constant(g.constants[name].reshape(whole), label=f"{name}/reshaped")
    lengths = list(shape)
    is_open = [axis for axis, n in enumerate(lengths) if isinstance(n, Length)]
    if len(is_open) == 1 and 0 not in lengths:
        lengths[is_open[0]] = -1
    return g.node("Reshape", name, g.vector(lengths, near))


@writes("_reshape", "ravel")
def _(g: Graph, step: Step) -> str:
    (name,) = g.read(step)
    return reshaped(g, name, step.outputs[0].shape, [step.inputs[0]])


@writes("transpose")
def _(g: Graph, step: Step) -> str:
    axes, ndim = step.setting("axes"), len(step.inputs[0].shape)
    return g.transpose(g.read(step)[0], range(ndim)[::-1] if axes is None else listed(axes, ndim))


@writes("swapaxes")
def _(g: Graph, step: Step) -> str:
    ndim = len(step.inputs[0].shape)
    order = list(range(ndim))
    first, second = (int(step.setting(name)) % ndim for name in ("axis1", "axis2"))
    order[first], order[second] = second, first
    return g.transpose(g.read(step)[0], order)


@writes("moveaxis")
def _(g: Graph, step: Step) -> str:
    ndim = len(step.inputs[0].shape)
    source, target = (listed(step.setting(name), ndim) for name in ("source", "destination"))
    order = [axis for axis in range(ndim) if axis not in source]
    for to, axis in sorted(zip(target, source, strict=True)):
        order.insert(to, axis)
    return g.transpose(g.read(step)[0], order)


@writes("expand_dims")
def _(g: Graph, step: Step) -> str:
    return g.node("Unsqueeze", *g.read(step), g.integers(*listed(step.setting("axis"), len(step.outputs[0].shape))))


@writes("squeeze")
def _(g: Graph, step: Step) -> str:
    (x,), axis = step.inputs, step.setting("axis")
    axes = [i for i, n in enumerate(x.shape) if n == 1] if axis is None else listed(axis, len(x.shape))
    return g.node("Squeeze", *g.read(step), g.integers(*axes))


@writes("broadcast_to")
def _(g: Graph, step: Step) -> str:
    return g.node("Expand", *g.read(step), g.vector(step.outputs[0].shape, [step.inputs[0]]))


@writes("flip")
def _(g: Graph, step: Step) -> str:
    axes = listed(step.setting("axis"), len(step.inputs[0].shape))
    ends = [g.integers(*[n] * len(axes)) for n in (-1, _START)]
    return g.node("Slice", *g.read(step), *ends, g.integers(*axes), g.integers(*[-1] * len(axes)))


@writes("roll")
def _(g: Graph, step: Step) -> str:
    (x,), axis, shift = step.inputs, step.setting("axis"), step.setting("shift")
    if axis is None:
        raise g.refuse("it rolls over all axes at once")
    (name,), axes = g.read(step), listed(axis, len(x.shape))
    shifts = shift if isinstance(shift, (list, tuple)) else [shift] * len(axes)
    for axis, by in zip(axes, shifts, strict=True):
        length = x.shape[axis]
        cut = -int(by) if isinstance(length, Length) else (-int(by)) % max(length, 1)
        if cut:
            name = g.node("Concat", part(g, name, axis, cut, _END), part(g, name, axis, 0, cut), axis=axis)
    return name


@writes("tile")
def _(g: Graph, step: Step) -> str:
    (name,), (x,) = g.read(step), step.inputs
    repeats = step.setting("repeats")
    repeats = list(repeats) if isinstance(repeats, (list, tuple)) else [repeats]
    repeats = [1] * (len(x.shape) - len(repeats)) + repeats
    if len(repeats) > len(x.shape):
        name = g.node("Unsqueeze", name, g.integers(*range(len(repeats) - len(x.shape))))
    return g.node("Tile", name, g.vector(repeats, [x]))


@writes("repeat")
def _(g: Graph, step: Step) -> str:
    (name,), (x,), axis, count = g.read(step), step.inputs, step.setting("axis"), step.setting("repeats")
    if not isinstance(count, Length) and np.size(count) != 1:
        raise g.refuse("it repeats each element another number of times")
    ndim = 1 if axis is None else len(x.shape)
    name = g.node("Reshape", name, g.integers(-1)) if axis is None else name
    axis = 0 if axis is None else axis % ndim
    wide = g.node("Unsqueeze", name, g.integers(axis + 1))
    times: list[Extent] = [1] * (ndim + 1)
    times[axis + 1] = count if isinstance(count, Length) else int(np.ravel(count)[0])
    return reshaped(g, g.node("Tile", wide, g.vector(times, [x])), step.outputs[0].shape, [x])


# -- parts ------------------------------------------------------------------------------------------------------


def part(g: Graph, name: str, axis: int, start: int, end: int) -> str:
    """From `start` to before `end` along an axis."""
    return g.node("Slice", name, g.integers(start), g.integers(end), g.integers(axis))


@writes("_get_item")
def _(g: Graph, step: Step) -> str:
    (name,), (x,), key = g.read(step), step.inputs, step.setting("key")
    items = list(key) if isinstance(key, tuple) else [key]
    count = sum(item is not None and item is not Ellipsis for item in items)
    at = next((i for i, item in enumerate(items) if item is Ellipsis), len(items))
    items[at : at + 1] = [slice(None)] * (len(x.shape) - count)
    axis, gone, new = 0, [], []
    cuts: list[tuple[int, Any, Any, int]] = []
    gathered: list[tuple[int, Any]] = []
    kept = 0
    for item in items:
        if item is None:
            new.append(kept)
            kept += 1
            continue
        if isinstance(item, slice):
            cuts += [] if item == slice(None) else [(axis, *_bounds(item))]
            kept += 1
        elif isinstance(item, (int, np.integer, Length)):
            after: Any = Length(n + 1 for n in item) if isinstance(item, Length) else int(item) + 1 or _END
            cuts.append((axis, item, after, 1))
            gone.append(axis)
        else:
            places = np.asarray(item)
            if places.dtype.kind not in "iu" or gathered:
                raise g.refuse("its places are truths, or in several axes at once")
            gathered.append((axis, places))
            kept += places.ndim
        axis += 1
    if cuts:
        axes, starts, ends, steps = zip(*cuts, strict=True)
        name = g.node("Slice", name, g.vector(starts, [x]), g.vector(ends, [x]), g.integers(*axes), g.integers(*steps))
    for axis, places in gathered:
        if gone:
            raise g.refuse("its places stand beside whole numbers")
        name = g.node("Gather", name, g.constant(places, "int64"), axis=axis)
    name = g.node("Squeeze", name, g.integers(*gone)) if gone else name
    return g.node("Unsqueeze", name, g.integers(*new)) if new else name


def _bounds(item: slice) -> tuple[Extent, Extent, int]:
    step = 1 if item.step is None else int(item.step)
    start = (0 if step > 0 else _END) if item.start is None else item.start
    stop = (_END if step > 0 else _START) if item.stop is None else item.stop
    return start, stop, step


@writes("slice")
def _(g: Graph, step: Step) -> str:
    (x, begins, *_), name = step.inputs, g.given(step.inputs[0])
    starts = g.cast(g.given(begins), begins.dtype, "int64")
    lengths = g.vector(step.outputs[0].shape, [x])
    return g.node("Slice", name, starts, g.node("Add", starts, lengths), g.integers(*range(len(x.shape))))


@writes("_pick")
def _(g: Graph, step: Step) -> str:
    name, places = g.read(step)
    if step.inputs[1].dtype.kind == "b":
        raise g.refuse("what truths pick out is as long as the data decide")
    return g.node("Gather", name, places, axis=0)


@writes("take")
def _(g: Graph, step: Step) -> str:
    name, places = g.read(step)
    axis = step.setting("axis")
    if axis is None:
        name, axis = g.node("Reshape", name, g.integers(-1)), 0
    return g.node("Gather", name, _whole(g, step, 1, places), axis=int(axis))


@writes("embedding")
def _(g: Graph, step: Step) -> str:
    ids, table = g.read(step)
    return g.node("Gather", table, _whole(g, step, 0, ids), axis=0)


def _whole(g: Graph, step: Step, place: int, name: str) -> str:
    """Places in a type that ONNX looks up."""
    dtype = g.types(step)[place]
    return name if np.dtype(dtype).name in ("int32", "int64") else g.cast(name, dtype, "int64")


@writes("take_along_axis")
def _(g: Graph, step: Step) -> str:
    name, places = g.read(step)
    axis, (x, where) = step.setting("axis"), step.inputs
    if axis is None:
        raise g.refuse("it takes from all axes at once")
    others = [n for n, m in enumerate(zip(x.shape, where.shape, strict=True)) if m[0] != m[1]]
    if any(n != axis % len(x.shape) for n in others):
        raise g.refuse("its places serve several rows")
    return g.node("GatherElements", name, _whole(g, step, 1, places), axis=int(axis))


@writes("_cut")
def _(g: Graph, step: Step) -> list[str]:
    (name,), (x,) = g.read(step), step.inputs
    axis = int(step.setting("axis")) % len(x.shape)
    places = [0, *step.setting("ends"), _END]
    return [
        g.node("Slice", name, g.vector([start], [x]), g.vector([end], [x]), g.integers(axis))
        for start, end in itertools.pairwise(places)
    ]


@writes("_slices")
def _(g: Graph, step: Step) -> list[str]:
    (name,), axis = g.read(step), int(step.setting("axis"))
    return [g.node("Gather", name, g.constant(i, "int64"), axis=axis) for i in range(len(step.outputs))]


@writes("concatenate")
def _(g: Graph, step: Step) -> str:
    names, axis = g.read(step), step.setting("axis")
    if axis is None:
        names, axis = [g.node("Reshape", name, g.integers(-1)) for name in names], 0
    return g.node("Concat", *names, axis=int(axis))


@writes("stack")
def _(g: Graph, step: Step) -> str:
    axis = int(step.setting("axis")) % len(step.outputs[0].shape)
    return g.node("Concat", *(g.node("Unsqueeze", name, g.integers(axis)) for name in g.read(step)), axis=axis)


@writes("pad")
def _(g: Graph, step: Step) -> str:
    (name,), (x,) = g.read(step), step.inputs
    modes = {"constant": "constant", "reflect": "reflect", "edge": "edge", "wrap": "wrap"}
    mode = step.setting("mode")
    if mode not in modes:
        raise g.refuse(f"ONNX pads in no mode {mode!r}")
    widths = np.broadcast_to(np.asarray(step.setting("pad_width"), "int64"), (len(x.shape), 2))
    value = step.setting("constant_values")
    extra = [g.constant(value, x.dtype)] if mode == "constant" and value else []
    return g.node("Pad", name, g.integers(*widths[:, 0], *widths[:, 1]), *extra, mode=modes[mode])


# -- arrays made like others ------------------------------------------------------------------------------------


@writes("zeros_like", "empty_like", "ones_like", "full_like")
def _(g: Graph, step: Step) -> str:
    fillings = {"ones_like": 1, "full_like": step.settings.get("fill_value", 0)}
    filling = fillings.get(step.op.name, 0)
    return g.node("Expand", g.constant(filling, step.outputs[0].dtype), g.node("Shape", g.given(step.inputs[0])))


@writes("tril", "triu")
def _(g: Graph, step: Step) -> str:
    return g.node("Trilu", *g.read(step), g.constant(step.setting("k"), "int64"), upper=int(step.op.name == "triu"))


@writes("one_hot")
def _(g: Graph, step: Step) -> str:
    (x,), (out,) = step.inputs, step.outputs
    if step.setting("sparse"):
        raise g.refuse("ONNX knows no sparse tensors")
    axis = int(step.setting("axis")) % len(out.shape)
    count = int(out.arrays[0].shape[axis])
    ids = g.node("Unsqueeze", g.cast(g.given(x), x.dtype, "int64"), g.integers(axis))
    classes = np.arange(count).reshape([-1 if a == axis else 1 for a in range(len(out.shape))])
    return g.cast(g.node("Equal", ids, g.constant(classes, "int64")), "bool", out.dtype)
