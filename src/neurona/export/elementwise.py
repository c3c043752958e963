"""Ops that treat every number by itself: arithmetic, functions, activations, comparisons, types."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from neurona.export.graph import Graph
from neurona.export.recording import Step
from neurona.export.table import TRANSLATORS, writes

__all__ = ["activated", "activation_of", "apart"]

# -- one number each --------------------------------------------------------------------------------------------

_ONE: dict[str, str] = {
    "negative": "Neg", "reciprocal": "Reciprocal", "absolute": "Abs", "fabs": "Abs", "sign": "Sign", "floor": "Floor",
    "ceil": "Ceil", "exp": "Exp", "log": "Log", "sqrt": "Sqrt", "sin": "Sin", "cos": "Cos", "tan": "Tan",
    "arcsin": "Asin", "arccos": "Acos", "arctan": "Atan", "sinh": "Sinh", "cosh": "Cosh", "tanh": "Tanh",
    "arcsinh": "Asinh", "arccosh": "Acosh", "arctanh": "Atanh", "erf": "Erf", "relu": "Relu", "selu": "Selu",
    "sigmoid": "Sigmoid", "softplus": "Softplus", "softsign": "Softsign",
}  # fmt: skip

Form = Callable[[Graph, Step, str, Any], str]
_FORMS: dict[str, Form] = {}


def _form(*ops: str) -> Callable[[Form], Form]:
    """Decorator: this function of (graph, step, name of the input, its type) writes these ops of one input."""

    def decorate(function: Form) -> Form:
        for name in ops:
            _FORMS[name] = function
            TRANSLATORS[name] = _pointwise
        return function

    return decorate


def _pointwise(g: Graph, step: Step) -> str:
    """An op on each number of one array; on the transpose of an array it is done before the transpose."""
    name, dtype = g.read(step)[0], g.types(step)[0]
    turned = g.turned(name)
    if turned is None:
        return _one(g, step, name, dtype)
    source, order = turned
    return g.transpose(_one(g, step, source, dtype), order)


def _one(g: Graph, step: Step, name: str, dtype: Any) -> str:
    kind = _ONE.get(step.op.name)
    return _FORMS[step.op.name](g, step, name, dtype) if kind is None else g.node(kind, name)


for _name in _ONE:
    TRANSLATORS[_name] = _pointwise


@_form("square")
def _(g: Graph, step: Step, x: str, dtype: Any) -> str:
    return g.node("Mul", x, x)


@_form("rsqrt")
def _(g: Graph, step: Step, x: str, dtype: Any) -> str:
    return g.node("Reciprocal", g.node("Sqrt", x))


@_form("exp2")
def _(g: Graph, step: Step, x: str, dtype: Any) -> str:
    return g.node("Pow", g.constant(2, dtype), x)


@_form("expm1")
def _(g: Graph, step: Step, x: str, dtype: Any) -> str:
    return g.node("Sub", g.node("Exp", x), g.constant(1, dtype))


@_form("log1p")
def _(g: Graph, step: Step, x: str, dtype: Any) -> str:
    return g.node("Log", g.node("Add", x, g.constant(1, dtype)))


@_form("log2")
def _(g: Graph, step: Step, x: str, dtype: Any) -> str:
    return g.node("Mul", g.node("Log", x), g.constant(1 / math.log(2), dtype))


@_form("log10")
def _(g: Graph, step: Step, x: str, dtype: Any) -> str:
    return g.node("Mul", g.node("Log", x), g.constant(1 / math.log(10), dtype))


@_form("deg2rad")
def _(g: Graph, step: Step, x: str, dtype: Any) -> str:
    return g.node("Mul", x, g.constant(math.pi / 180, dtype))


@_form("rad2deg")
def _(g: Graph, step: Step, x: str, dtype: Any) -> str:
    return g.node("Mul", x, g.constant(180 / math.pi, dtype))


@_form("erfc")
def _(g: Graph, step: Step, x: str, dtype: Any) -> str:
    return g.node("Sub", g.constant(1, dtype), g.node("Erf", x))


@_form("isnan", "isinf")
def _(g: Graph, step: Step, x: str, dtype: Any) -> str:
    kind = "IsNaN" if step.op.name == "isnan" else "IsInf"
    return g.node(kind, x if np.dtype(dtype).kind == "f" else g.cast(x, dtype, "float32"))


@_form("isfinite")
def _(g: Graph, step: Step, x: str, dtype: Any) -> str:
    x = x if np.dtype(dtype).kind == "f" else g.cast(x, dtype, "float32")
    return g.node("Not", g.node("Or", g.node("IsNaN", x), g.node("IsInf", x)))


@_form("round")
def _(g: Graph, step: Step, x: str, dtype: Any) -> str:
    if step.setting("decimals"):
        raise g.refuse("ONNX rounds to whole numbers only")
    return g.node("Round", x)


@_form("trunc")
def _(g: Graph, step: Step, x: str, dtype: Any) -> str:
    if np.dtype(dtype).kind != "f":
        return x
    return g.node("Mul", g.node("Sign", x), g.node("Floor", g.node("Abs", x)))


@_form("nan_to_num")
def _(g: Graph, step: Step, x: str, dtype: Any) -> str:
    if np.dtype(dtype).kind != "f":
        return x
    ends = np.finfo(dtype)
    high, low = step.setting("posinf"), step.setting("neginf")
    x_or = g.node("Where", g.node("IsNaN", x), g.constant(step.setting("nan"), dtype), x)
    for infinity, told, usual in ((np.inf, high, ends.max), (-np.inf, low, ends.min)):
        at = g.node("Equal", x, g.constant(infinity, dtype))
        x_or = g.node("Where", at, g.constant(usual if told is None else told, dtype), x_or)
    return x_or


@_form("logical_not")
def _(g: Graph, step: Step, x: str, dtype: Any) -> str:
    return g.node("Not", g.cast(x, dtype, "bool"))


@_form("cast")
def _(g: Graph, step: Step, x: str, dtype: Any) -> str:
    return g.cast(x, dtype, step.outputs[0].dtype)


@writes("stop_gradient", "copy", "_copy")
def _(g: Graph, step: Step) -> str:
    return g.read(step)[0]


# -- activations ------------------------------------------------------------------------------------------------


@_form("relu6")
def _(g: Graph, step: Step, x: str, dtype: Any) -> str:
    return g.node("Clip", x, g.constant(0, dtype), g.constant(6, dtype))


@_form("leaky_relu")
def _(g: Graph, step: Step, x: str, dtype: Any) -> str:
    return g.node("LeakyRelu", x, alpha=float(step.setting("negative_slope")))


@_form("elu")
def _(g: Graph, step: Step, x: str, dtype: Any) -> str:
    return g.node("Elu", x, alpha=float(step.setting("alpha")))


@_form("celu")
def _(g: Graph, step: Step, x: str, dtype: Any) -> str:
    return g.node("Celu", x, alpha=float(step.setting("alpha")))


@_form("log_sigmoid")
def _(g: Graph, step: Step, x: str, dtype: Any) -> str:
    return g.node("Neg", g.node("Softplus", g.node("Neg", x)))


@_form("silu")
def _(g: Graph, step: Step, x: str, dtype: Any) -> str:
    return _silu(g, x)


def _silu(g: Graph, x: str) -> str:
    return g.node("Mul", x, g.node("Sigmoid", x))


@_form("gelu")
def _(g: Graph, step: Step, x: str, dtype: Any) -> str:
    return _gelu(g, x, dtype, bool(step.setting("approximate")))


def _gelu(g: Graph, x: str, dtype: Any, approximate: bool) -> str:
    if approximate:
        cube = g.node("Mul", g.node("Mul", x, x), x)
        inner = g.node("Add", x, g.node("Mul", cube, g.constant(0.044715, dtype)))
        share = g.node("Tanh", g.node("Mul", inner, g.constant(math.sqrt(2 / math.pi), dtype)))
    else:
        share = g.node("Erf", g.node("Mul", x, g.constant(1 / math.sqrt(2), dtype)))
    return g.node("Mul", g.node("Mul", x, g.constant(0.5, dtype)), g.node("Add", share, g.constant(1, dtype)))


@_form("hard_sigmoid")
def _(g: Graph, step: Step, x: str, dtype: Any) -> str:
    return g.node("HardSigmoid", x, alpha=1 / 6, beta=0.5)


@_form("hard_silu")
def _(g: Graph, step: Step, x: str, dtype: Any) -> str:
    return g.node("Mul", x, g.node("HardSigmoid", x, alpha=1 / 6, beta=0.5))


@_form("hard_tanh")
def _(g: Graph, step: Step, x: str, dtype: Any) -> str:
    return g.node("Clip", x, g.constant(-1, dtype), g.constant(1, dtype))


@_form("tanh_shrink")
def _(g: Graph, step: Step, x: str, dtype: Any) -> str:
    return g.node("Sub", x, g.node("Tanh", x))


@_form("hard_shrink")
def _(g: Graph, step: Step, x: str, dtype: Any) -> str:
    edge = g.constant(step.setting("threshold"), dtype)
    return g.node("Where", g.node("Greater", g.node("Abs", x), edge), x, g.constant(0, dtype))


@_form("soft_shrink")
def _(g: Graph, step: Step, x: str, dtype: Any) -> str:
    edge = g.constant(step.setting("threshold"), dtype)
    size = g.node("Relu", g.node("Sub", g.node("Abs", x), edge))
    return g.node("Mul", g.node("Sign", x), size)


@_form("squareplus")
def _(g: Graph, step: Step, x: str, dtype: Any) -> str:
    root = g.node("Sqrt", g.node("Add", g.node("Mul", x, x), g.constant(step.setting("b"), dtype)))
    return g.node("Mul", g.node("Add", x, root), g.constant(0.5, dtype))


@_form("threshold")
def _(g: Graph, step: Step, x: str, dtype: Any) -> str:
    above = g.node("Greater", x, g.constant(step.setting("threshold"), dtype))
    return g.node("Where", above, x, g.constant(step.setting("default_value"), dtype))


@writes("glu")
def _(g: Graph, step: Step) -> str:
    first, second = g.node_of("Split", g.read(step), 2, axis=int(step.setting("axis")), num_outputs=2)
    return g.node("Mul", first, g.node("Sigmoid", second))


def activation_of(g: Graph, name: str, x: str, dtype: Any) -> str:
    """An activation that rides along with another op, by its name there."""
    if name == "linear":
        return x
    if name in ("gelu", "gelu_tanh"):
        return _gelu(g, x, dtype, name == "gelu_tanh")
    return _silu(g, x) if name == "silu" else g.node(_ONE[name], x)


def activated(g: Graph, step: Step, x: str) -> str:
    """The result of an op that ends in an activation."""
    return activation_of(g, step.setting("activation"), x, step.outputs[0].dtype)


# -- two numbers each -------------------------------------------------------------------------------------------

_TWO: dict[str, str] = {
    "add": "Add", "subtract": "Sub", "multiply": "Mul", "divide": "Div", "power": "Pow", "maximum": "Max",
    "minimum": "Min", "fmax": "Max", "fmin": "Min", "equal": "Equal", "less": "Less", "less_equal": "LessOrEqual",
    "greater": "Greater", "greater_equal": "GreaterOrEqual",
}  # fmt: skip


def apart(g: Graph, step: Step) -> tuple[str, str, tuple[int, ...] | None]:
    """Two inputs that meet number by number, and the order of axes in which the result is still to be turned.

    Where both are the transpose of something, turned alike, or one of them a single number, the op is done before.
    """
    names = g.read(step)
    turned = [g.turned(name) for name in names]
    single = [x is not None and getattr(x, "shape", ()) == () for x in step.inputs]
    for here, other in ((0, 1), (1, 0)):
        found, its = turned[here], turned[other]
        if found is not None and (single[other] or (its is not None and its[1] == found[1])):
            names[here] = found[0]
            if its is not None:
                names[other] = its[0]
            return names[0], names[1], found[1]
    return names[0], names[1], None


@writes(*_TWO)
def _(g: Graph, step: Step) -> str:
    first, second, order = apart(g, step)
    name = g.node(_TWO[step.op.name], first, second)
    if step.op.name == "add" and step.outputs[0].dtype == bool:
        raise g.refuse("ONNX adds no truths")
    return name if order is None else g.transpose(name, order)


@writes("not_equal")
def _(g: Graph, step: Step) -> str:
    return g.node("Not", g.node("Equal", *g.read(step)))


@writes("divide_no_nan")
def _(g: Graph, step: Step) -> str:
    (x, y), dtype = g.read(step), step.outputs[0].dtype
    nothing = g.node("Equal", y, g.constant(0, dtype))
    safe = g.node("Where", nothing, g.constant(1, dtype), y)
    return g.node("Where", nothing, g.constant(0, dtype), g.node("Div", x, safe))


@writes("floor_divide")
def _(g: Graph, step: Step) -> str:
    x, y = g.read(step)
    dtype = g.types(step)[0]
    if np.dtype(dtype).kind == "f":
        return g.node("Floor", g.node("Div", x, y))
    rest = g.node("Mod", x, y)  # its sign is the divisor's, so the division that is left is exact
    return g.node("Div", g.node("Sub", x, rest), y)


@writes("mod")
def _(g: Graph, step: Step) -> str:
    x, y = g.read(step)
    if np.dtype(g.types(step)[0]).kind != "f":
        return g.node("Mod", x, y)
    return g.node("Sub", x, g.node("Mul", y, g.node("Floor", g.node("Div", x, y))))


@writes("logaddexp")
def _(g: Graph, step: Step) -> str:
    x, y = g.read(step)
    apart = g.node("Abs", g.node("Sub", x, y))
    return g.node("Add", g.node("Max", x, y), g.node("Softplus", g.node("Neg", apart)))


@writes("hypot")
def _(g: Graph, step: Step) -> str:
    x, y = g.read(step)
    return g.node("Sqrt", g.node("Add", g.node("Mul", x, x), g.node("Mul", y, y)))


@writes("logical_and", "logical_or", "logical_xor")
def _(g: Graph, step: Step) -> str:
    kinds = {"logical_and": "And", "logical_or": "Or", "logical_xor": "Xor"}
    truths = [g.cast(name, dtype, "bool") for name, dtype in zip(g.read(step), g.types(step), strict=True)]
    return g.node(kinds[step.op.name], *truths)


@writes("clip")
def _(g: Graph, step: Step) -> str:
    x, low, high = g.read(step)
    return g.node("Min", g.node("Max", x, low), high)


@writes("where")
def _(g: Graph, step: Step) -> str:
    if step.inputs[1] is None:
        raise g.refuse("the places where something holds are as many as the data decide")
    out = step.outputs[0].dtype
    condition, x, y = g.read(step, numbers=out)
    types = g.types(step, numbers=out)
    condition = g.cast(condition, types[0], "bool")
    return g.node("Where", condition, g.cast(x, types[1], out), g.cast(y, types[2], out))
