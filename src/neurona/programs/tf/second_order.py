"""Gradients that can be differentiated again: the walk back over a tape made of ops on tensors.

`neurona.tape` walks back on bare arrays, which is fast and leaves no trace for another tape. Here every step of the walk is
an op itself, so a tape that runs outside records it, as the gradient penalty of a WGAN needs it.

Most ops are linear in each of their inputs, and their gradients need no second rule: with dx = J'g and u arriving for dx,

    <u, J'g> = <J u, g>

so u reaches g through the op itself, applied to u (`_pulled`). What is not linear stands in `_RULES`: its gradient, written
with ops. Everything else is refused by name.

>>> from neurona.tape import Tape
>>> from neurona.tensor import Tensor
>>> x = Tensor([1.0, 2.0])
>>> with Tape() as outer:
...     outer.watch(x)
...     with Tape() as inner:
...         inner.watch(x)
...         y = ops.sum(x * x * x)
...     (slope,) = gradient(inner.records, y, [x], None)
>>> outer.gradient(slope, x)
Tensor([ 6., 12.], dtype=float32)
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from neurona import ops
from neurona.errors import UnansweredError
from neurona.row_gradient import as_whole
from neurona.tape import Attributes, Op, Record
from neurona.tensor import Arrays, Tensor, as_array, as_tensor, wrap

__all__ = ["gradient"]

# Linear in these inputs together, the others being settings; None: in all.
_LINEAR: dict[str, tuple[int, ...] | None] = {
    **dict.fromkeys(
        ["_copy", "_get_item", "_patches", "_reshape", "add", "average_pool_raw", "broadcast_to", "cast", "concatenate",
         "copy", "cumsum", "diag", "diagonal", "expand_dims", "flip", "mean", "moveaxis", "negative", "ravel", "real",
         "roll", "rot90", "repeat", "squeeze", "stack", "subtract", "sum", "swapaxes", "tile", "trace", "transpose",
         "tril", "triu", "unfold"]
    ),
    **dict.fromkeys(["_pick", "_window", "dropout", "pad", "slice", "take", "take_along_axis"], (0,)),
    "embedding": (1,),
    "where": (1, 2),
}  # fmt: skip
# Products: linear in each input, and of the layers' ops in the first two, to which a third is added.
_PRODUCTS = frozenset(
    ["_einsum", "convolve", "convolve_transposed", "dense", "depthwise", "dot", "inner", "matmul", "multiply", "outer",
     "tensordot", "vdot"]
)  # fmt: skip
# Made of straight pieces, place by place: what goes forward is multiplied by the same as what goes back.
_STRAIGHT = frozenset(["absolute", "fabs", "hard_sigmoid", "hard_tanh", "leaky_relu", "relu6"])

Rule = Callable[[Any, Any, Sequence[Any], Attributes], Sequence[Any]]


def gradient(records: Sequence[Record], target: Tensor, sources: Sequence[Tensor], start: Any) -> list[Tensor | None]:
    """The gradients of the sum of `target` with respect to the sources, as results of ops.

    Args:
        records: what a tape noted.
        target: a tensor that was computed.
        sources: those to differentiate by.
        start: the gradient to begin with, of the target's shape; ones when None.

    Returns:
        a tensor for each source, None where the target does not depend on it.

    Raises:
        UnansweredError: an op on the way has no such gradient.
    """
    found: dict[int, Any] = {id(target): ops.ones_like(target) if start is None else as_tensor(start)}
    for record in list(records)[::-1]:  # a copy: the tape may still be running
        outputs = record.outputs
        several = type(outputs) is tuple
        arrived = [found.get(id(out)) for out in (outputs if several else (outputs,))]
        if not record.needs or all(g is None for g in arrived):
            continue
        results = _backward(tuple(arrived) if several else arrived[0], record)
        for x, needed, dx in zip(record.inputs, record.needs, results, strict=True):
            if needed and dx is not None:
                before = found.get(id(x))
                found[id(x)] = dx if before is None else ops.add(before, dx)
    return [found.get(id(source)) for source in sources]


def _backward(g: Any, record: Record) -> Sequence[Any]:
    name, attributes = record.op.name, record.attributes
    if name in _RULES:
        return _RULES[name](g, record.outputs, record.inputs, attributes)
    if name not in _LINEAR and name not in _PRODUCTS and name not in _STRAIGHT:
        raise UnansweredError(
            "tensorflow.GradientTape.gradient within another tape",
            f"There is no gradient of the gradient of '{name}'.",
        )
    activation = attributes.get("activation", "linear")
    if activation != "linear":
        (g,) = _RULES[activation](g, record.outputs, [None], {})
        attributes = {**attributes, "activation": "linear"}
    if name == "pad" and attributes.get("mode", "constant") == "constant":
        attributes = {**attributes, "constant_values": None}  # the frame is no part of the gradient
    pulled = iter(_pulled(record, attributes)([g, *record.inputs]))
    return [next(pulled) if needed else None for needed in record.needs]


# -- ops that are linear -------------------------------------------------------------------------------------------


def _pulled(record: Record, attributes: Attributes) -> Op:
    """The gradient of an op as an op: of g and the inputs, a gradient for each that needs one."""
    op, y, needs = record.op, record.outputs.data, record.needs

    def backward(g: Any, inputs: Sequence[Any], wanted: Sequence[bool]) -> list[Any]:
        found = op.backward(g, y, list(inputs), attributes, wanted)
        return [as_whole(dx) if needed else None for dx, needed in zip(found, wanted, strict=True)]

    def pull(xs: Arrays) -> Any:
        g, *inputs = xs
        found = backward(g, inputs, needs)
        return tuple(
            np.asarray(dx, g.dtype).reshape(np.shape(x))
            for dx, x, needed in zip(found, inputs, needs, strict=True)
            if needed
        )

    def push(us: Any, dxs: Any, xs: Arrays) -> list[Any]:
        g, *inputs = xs
        arrived = iter(us)
        u = [next(arrived) if needed else None for needed in needs]
        back: list[Any] = [None] * len(inputs)
        if op.name in _STRAIGHT:
            return [backward(u[0], inputs, needs)[0], *back]
        if op.name in _LINEAR:
            places = _LINEAR[op.name]
            moved = [
                x if places is not None and i not in places else np.zeros_like(as_array(x), g.dtype) if v is None else v
                for i, (x, v) in enumerate(zip(inputs, u, strict=True))
            ]
            return [op.compute(moved, attributes), *back]
        factors = inputs if op.variadic else inputs[:2]
        nothing: list[Any] = [None] * (len(inputs) - len(factors))
        parts = []
        for i, v in enumerate(u[: len(factors)]):
            if v is None:
                continue
            moved = [*factors[:i], v, *factors[i + 1 :], *nothing]
            parts.append(op.compute(moved, attributes))
            others = [needed and j != i and j < len(factors) for j, needed in enumerate(needs)]
            if any(others):
                found = backward(g, moved, others)
                back = [b if dx is None else dx if b is None else b + dx for b, dx in zip(back, found, strict=True)]
        parts += [np.broadcast_to(v, g.shape) for v in u[len(factors) :] if v is not None]
        return [sum(parts[1:], parts[0]), *back]

    made = Op(pull, (), (), None, stateful=False)
    made.name = f"gradient of {op.name}"
    made.gradient(push)
    return made


# -- those that are not --------------------------------------------------------------------------------------------


def _fitted(g: Any, x: Any) -> Any:
    """`g` summed over the axes along which `x` was repeated."""
    shape = np.shape(as_array(x))
    extra = len(g.shape) - len(shape)
    axes = (*range(extra), *(i + extra for i, n in enumerate(shape) if n == 1 and g.shape[i + extra] != 1))
    return ops.reshape(ops.sum(g, axis=axes), shape) if axes else g


def _of_one(slope: Callable[[Any, Any], Any]) -> Rule:
    """The rule of a function of one input, place by place, from its slope at (x, y)."""
    return lambda g, y, inputs, attributes: [ops.multiply(g, slope(inputs[0], y))]


def _divide(g: Any, y: Any, inputs: Sequence[Any], attributes: Attributes) -> Sequence[Any]:
    x1, x2 = inputs
    share = ops.divide(g, x2)
    return [_fitted(share, x1), _fitted(ops.negative(ops.multiply(share, y)), x2)]


def _power(g: Any, y: Any, inputs: Sequence[Any], attributes: Attributes) -> Sequence[Any]:
    x, exponent = inputs
    by_base = ops.multiply(g, ops.multiply(exponent, ops.power(x, ops.subtract(exponent, 1))))
    if not isinstance(exponent, Tensor) or not exponent.tracked:
        return [_fitted(by_base, x), None]
    base = x if isinstance(x, Tensor) else wrap(np.asarray(x, g.data.dtype))
    return [_fitted(by_base, x), _fitted(ops.multiply(g, ops.multiply(y, ops.log(base))), exponent)]


def _either(first: Callable[[Any, Any], Any]) -> Rule:
    """The rule of `maximum` and `minimum`: all goes to the one that was taken."""

    def rule(g: Any, y: Any, inputs: Sequence[Any], attributes: Attributes) -> Sequence[Any]:
        taken = ops.cast(first(*inputs), g.dtype)
        return [_fitted(ops.multiply(g, taken), inputs[0]), _fitted(ops.multiply(g, 1 - taken), inputs[1])]

    return rule


def _clip(g: Any, y: Any, inputs: Sequence[Any], attributes: Attributes) -> Sequence[Any]:
    x, low, high = inputs
    below, above = (ops.cast(found, g.dtype) for found in (ops.less(x, low), ops.greater(x, high)))
    return [_fitted(ops.multiply(g, share), of) for share, of in ((1 - below - above, x), (below, low), (above, high))]


def _moments(g: Any, y: Any, inputs: Sequence[Any], attributes: Attributes) -> Sequence[Any]:
    x, axes = inputs[0], attributes["axes"]
    centred = ops.subtract(x, ops.mean(x, axis=axes, keepdims=True))
    count = x.data.size // max(y[0].data.size, 1)
    known = {"axis": axes, "keepdims": attributes.get("keepdims", False)}
    shares = [
        ops.multiply(slope, _over(part, x, known))
        for part, slope in zip(g, (1, 2 * centred), strict=True)
        if part is not None
    ]
    return [ops.divide(ops.add(ops.zeros_like(x), sum(shares[1:], shares[0])), count)]


def _layer_norm(g: Any, y: Any, inputs: Sequence[Any], attributes: Attributes) -> Sequence[Any]:
    x, gamma, beta = inputs
    settings = {"axes": -1, "epsilon": attributes.get("epsilon", 1e-3)}
    z = ops.layer_normalization(x, epsilon=settings["epsilon"])
    rows = tuple(range(x.ndim - 1))
    return [
        *_standardize(g if gamma is None else ops.multiply(g, gamma), z, [x], settings),
        None if gamma is None else ops.sum(ops.multiply(g, z), axis=rows),
        None if beta is None else ops.sum(g, axis=rows),
    ]


def _over(reduced: Any, x: Any, attributes: Attributes) -> Any:
    """What came of a reduction, with the axes that it lost."""
    if attributes.get("keepdims"):
        return reduced
    axis = attributes.get("axis")
    axes = range(x.ndim) if axis is None else [a % x.ndim for a in ([axis] if isinstance(axis, int) else axis)]
    return ops.reshape(reduced, [1 if i in axes else n for i, n in enumerate(x.data.shape)])


def _logsumexp(g: Any, y: Any, inputs: Sequence[Any], attributes: Attributes) -> Sequence[Any]:
    x = inputs[0]
    return [ops.multiply(_over(g, x, attributes), ops.exp(ops.subtract(x, _over(y, x, attributes))))]


def _extreme(g: Any, y: Any, inputs: Sequence[Any], attributes: Attributes) -> Sequence[Any]:
    x = inputs[0]
    taken = (x.data == _over(y, x, attributes).data).astype(x.data.dtype)
    axis = attributes.get("axis")
    among = taken.sum(axis=tuple(axis) if isinstance(axis, list) else axis, keepdims=True)
    shares = taken / np.maximum(among, 1)  # none was taken where `initial` is the largest
    return [ops.multiply(_over(g, x, attributes), wrap(shares))]


def _softmax(g: Any, y: Any, inputs: Sequence[Any], attributes: Attributes) -> Sequence[Any]:
    axis = attributes.get("axis", -1)
    return [ops.multiply(y, ops.subtract(g, ops.sum(ops.multiply(g, y), axis=axis, keepdims=True)))]


def _log_softmax(g: Any, y: Any, inputs: Sequence[Any], attributes: Attributes) -> Sequence[Any]:
    axis = attributes.get("axis", -1)
    return [ops.subtract(g, ops.multiply(ops.exp(y), ops.sum(g, axis=axis, keepdims=True)))]


def _standardize(g: Any, y: Any, inputs: Sequence[Any], attributes: Attributes) -> Sequence[Any]:
    x, axes = inputs[0], attributes["axes"]

    def mean(values: Any) -> Any:
        return ops.mean(values, axis=axes, keepdims=True)

    scale = ops.rsqrt(ops.add(mean(ops.square(ops.subtract(x, mean(x)))), attributes["epsilon"]))
    return [ops.multiply(scale, g - mean(g) - y * mean(g * y))]


def _sparse_crossentropy(g: Any, y: Any, inputs: Sequence[Any], attributes: Attributes) -> Sequence[Any]:
    loss, through = g
    logits, labels = inputs
    if through is not None:
        raise UnansweredError("tensorflow.GradientTape.gradient within another tape", "Use the loss alone.")
    wrong = ops.subtract(ops.softmax(logits), ops.one_hot(labels, logits.shape[-1], dtype=logits.dtype))
    return [ops.multiply(ops.expand_dims(loss, -1), wrong), None]


def _cut(g: Any, y: Any, inputs: Sequence[Any], attributes: Attributes) -> Sequence[Any]:
    parts = [ops.zeros_like(part) if arrived is None else arrived for arrived, part in zip(g, y, strict=True)]
    return [ops.concatenate(parts, axis=attributes["axis"])]


def _slices(g: Any, y: Any, inputs: Sequence[Any], attributes: Attributes) -> Sequence[Any]:
    parts = [ops.zeros_like(part) if arrived is None else arrived for arrived, part in zip(g, y, strict=True)]
    return [ops.stack(parts, axis=attributes["axis"])]


_RULES: dict[str, Rule] = {
    "clip": _clip,
    "cos": _of_one(lambda x, y: ops.negative(ops.sin(x))),
    "divide": _divide,
    "elu": lambda g, y, inputs, attributes: [
        ops.multiply(g, ops.where(y.data > 0, 1.0, ops.add(y, attributes.get("alpha", 1.0))))
    ],
    "exp": _of_one(lambda x, y: y),
    "layer_norm": _layer_norm,
    "log": _of_one(lambda x, y: ops.reciprocal(x)),
    "log1p": _of_one(lambda x, y: ops.reciprocal(ops.add(x, 1))),
    "log_softmax": _log_softmax,
    "logsumexp": _logsumexp,
    "max": _extreme,
    "maximum": _either(ops.greater_equal),
    "min": _extreme,
    "minimum": _either(ops.less_equal),
    "moments": _moments,
    "power": _power,
    "reciprocal": _of_one(lambda x, y: ops.negative(ops.square(y))),
    "rsqrt": _of_one(lambda x, y: ops.multiply(-0.5, ops.divide(y, x))),
    "sigmoid": _of_one(lambda x, y: ops.multiply(y, ops.subtract(1, y))),
    "sin": _of_one(lambda x, y: ops.cos(x)),
    "softmax": _softmax,
    "softplus": _of_one(lambda x, y: ops.sigmoid(x)),
    "sparse_softmax_crossentropy": _sparse_crossentropy,
    "sqrt": _of_one(lambda x, y: ops.divide(0.5, y)),
    "square": _of_one(lambda x, y: ops.multiply(2, x)),
    "tanh": _of_one(lambda x, y: ops.subtract(1, ops.square(y))),
    "_cut": _cut,
    "_slices": _slices,
    "_standardize": _standardize,
    # of the activations that ride on a product only the result is known
    "relu": lambda g, y, inputs, attributes: [ops.multiply(g, wrap((y.data > 0).astype(y.data.dtype)))],
}
