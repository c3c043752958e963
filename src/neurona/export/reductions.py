"""Ops that gather along axes: sums, means, extremes, softmax, normalisations, running sums."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from neurona import config
from neurona.export.elementwise import activated
from neurona.export.graph import Graph
from neurona.export.recording import Step
from neurona.export.shapes import listed
from neurona.export.table import writes

__all__: list[str] = []

_KINDS = {"sum": "Sum", "mean": "Mean", "max": "Max", "min": "Min", "prod": "Prod", "logsumexp": "LogSumExp"}


def _reduced(g: Graph, kind: str, name: str, axes: Sequence[int], keepdims: bool) -> str:
    if not axes:
        return name
    return g.node(f"Reduce{kind}", name, g.integers(*axes), keepdims=int(keepdims))


def _axes(step: Step, setting: str = "axis") -> list[int]:
    return listed(step.setting(setting), len(step.inputs[0].shape))


@writes(*_KINDS)
def _(g: Graph, step: Step) -> str:
    (name,), before, after = g.read(step), g.types(step)[0], step.outputs[0].dtype
    name = g.cast(name, before, after)  # truths are counted
    name = _reduced(g, _KINDS[step.op.name], name, _axes(step), bool(step.setting("keepdims")))
    initial = step.setting("initial") if step.op.name in ("max", "min") else None
    return name if initial is None else g.node(_KINDS[step.op.name], name, g.constant(initial, after))


@writes("any", "all")
def _(g: Graph, step: Step) -> str:
    (name,), dtype = g.read(step), g.types(step)[0]
    if np.dtype(dtype) != bool:
        name = g.cast(name, dtype, "bool")
    kind = "Max" if step.op.name == "any" else "Min"
    number = _reduced(g, kind, g.cast(name, "bool", "int32"), _axes(step), bool(step.setting("keepdims")))
    return g.cast(number, "int32", "bool")


@writes("count_nonzero")
def _(g: Graph, step: Step) -> str:
    (name,), dtype, after = g.read(step), g.types(step)[0], step.outputs[0].dtype
    truths = g.cast(g.cast(name, dtype, "bool"), "bool", after)
    return _reduced(g, "Sum", truths, _axes(step), False)


@writes("argmax", "argmin")
def _(g: Graph, step: Step) -> str:
    (name,), axis = g.read(step), step.setting("axis")
    kind, keepdims = "ArgMax" if step.op.name == "argmax" else "ArgMin", int(step.setting("keepdims"))
    if axis is None:
        place = g.node(kind, g.node("Reshape", name, g.integers(-1)), axis=0, keepdims=0)
        place = g.node("Reshape", place, g.integers(*[1] * len(step.outputs[0].shape))) if keepdims else place
    else:
        place = g.node(kind, name, axis=int(axis), keepdims=keepdims)
    return g.cast(place, "int64", step.outputs[0].dtype)


def _moments(g: Graph, name: str, axes: Sequence[int]) -> tuple[str, str, str]:
    """Mean, variance, and what is left when the mean is taken off; axes kept."""
    mean = _reduced(g, "Mean", name, axes, True)
    left = g.node("Sub", name, mean)
    return mean, _reduced(g, "Mean", g.node("Mul", left, left), axes, True), left


@writes("moments")
def _(g: Graph, step: Step) -> list[str]:
    axes = _axes(step, "axes")
    mean, variance, _ = _moments(g, g.read(step)[0], axes)
    if step.setting("keepdims") or not axes:
        return [mean, variance]
    return [g.node("Squeeze", part, g.integers(*axes)) for part in (mean, variance)]


@writes("var", "std")
def _(g: Graph, step: Step) -> str:
    axes = _axes(step)
    _, variance, _ = _moments(g, g.read(step)[0], axes)
    if not step.setting("keepdims") and axes:
        variance = g.node("Squeeze", variance, g.integers(*axes))
    return variance if step.op.name == "var" else g.node("Sqrt", variance)


@writes("_standardize")
def _(g: Graph, step: Step) -> str:
    _, variance, left = _moments(g, g.read(step)[0], _axes(step, "axes"))
    return _over_root(g, left, variance, step.setting("epsilon"), step.outputs[0].dtype)


@writes("layer_norm")
def _(g: Graph, step: Step) -> str:
    name, gamma, beta = g.read(step)
    _, variance, left = _moments(g, name, (len(step.inputs[0].shape) - 1,))
    name = _over_root(g, left, variance, step.setting("epsilon"), step.outputs[0].dtype)
    name = g.node("Mul", name, gamma) if gamma else name
    return g.node("Add", name, beta) if beta else name


@writes("_rms_scale")
def _(g: Graph, step: Step) -> str:
    (name,) = g.read(step)
    mean = _reduced(g, "Mean", g.node("Mul", name, name), _axes(step, "axes"), True)
    return _over_root(g, name, mean, step.setting("epsilon"), step.outputs[0].dtype)


def _over_root(g: Graph, name: str, squares: str, epsilon: float, dtype: Any) -> str:
    return g.node("Div", name, g.node("Sqrt", g.node("Add", squares, g.constant(epsilon, dtype))))


@writes("normalize")
def _(g: Graph, step: Step) -> str:
    (name,), dtype, order = g.read(step), step.outputs[0].dtype, step.setting("order")
    if not step.inputs[0].shape:
        raise g.refuse("it is a single number without axes")
    axes, least = _axes(step), step.setting("epsilon")
    if order > 2:
        power = g.node("Pow", g.node("Abs", name), g.constant(order, dtype))
        norm = g.node("Pow", _reduced(g, "Sum", power, axes, True), g.constant(1 / order, dtype))
    else:
        norm = _reduced(g, "L1" if order == 1 else "L2", name, axes, True)
    return g.node("Div", name, g.node("Max", norm, g.constant(config.epsilon() if least is None else least, dtype)))


@writes("softmax", "log_softmax")
def _(g: Graph, step: Step) -> str:
    (name,), axes = g.read(step), _axes(step)
    if len(axes) == 1:
        return g.node("Softmax" if step.op.name == "softmax" else "LogSoftmax", name, axis=axes[0])
    left = g.node("Sub", name, _reduced(g, "LogSumExp", name, axes, True))
    return g.node("Exp", left) if step.op.name == "softmax" else left


@writes("batch_norm_infer")
def _(g: Graph, step: Step) -> str:
    x, mean, variance, gamma, beta = g.read(step)
    ndim, channels, dtype = len(step.inputs[0].shape), step.inputs[0].shape[-1], step.outputs[0].dtype
    gamma = gamma or g.constant(np.ones(channels), dtype)
    beta = beta or g.constant(np.zeros(channels), dtype)
    first = (0, ndim - 1, *range(1, ndim - 1))  # ONNX has the channels behind the batch
    name = g.node(
        "BatchNormalization", g.transpose(x, first), gamma, beta, mean, variance, epsilon=float(step.setting("epsilon"))
    )
    return g.transpose(activated(g, step, name), (0, *range(2, ndim), 1))


@writes("cumsum")
def _(g: Graph, step: Step) -> str:
    (name,), axis, after = g.read(step), step.setting("axis"), step.outputs[0].dtype
    if axis is None:
        name, axis = g.node("Reshape", name, g.integers(-1)), 0
    return g.node("CumSum", g.cast(name, g.types(step)[0], after), g.constant(axis, "int64"))
