"""Control flow under `keras.ops`' names: plain Python loops and choices over tensors.

Conditions are read with ``bool(tensor)``, so a recorded step knows that it cannot be repeated; loops whose
length is known from a shape or a Python number are simply unrolled into the ops of their bodies.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from neurona.errors import ArgumentError, ShapeError
from neurona.ops.joining import concatenate, stack
from neurona.symbolic import KerasTensor, Node, call_symbolically, flatten, has_symbolic, map_structure
from neurona.tape import Op
from neurona.tensor import Array, Arrays, Tensor, TensorLike, as_tensor, stop_recording, wrap

__all__ = [
    "associative_scan",
    "cond",
    "custom_gradient",
    "fori_loop",
    "map",
    "scan",
    "switch",
    "vectorized_map",
    "while_loop",
]

Structure = Tensor | Any  # a tensor, or nested lists, tuples and dicts of tensors


# -- choices --------------------------------------------------------------------------------


def cond(pred: TensorLike, true_fn: Callable[[], Structure], false_fn: Callable[[], Structure]) -> Structure:
    """``true_fn()`` where `pred` holds, else ``false_fn()``.

    Args:
        pred: a boolean or a tensor of one.
        true_fn, false_fn: functions without arguments.

    >>> cond(Tensor(3.0) > 2.0, lambda: "large", lambda: "small")
    'large'
    """
    if isinstance(pred, KerasTensor):
        either, other = _symbols(true_fn()), _symbols(false_fn())
        kinds = [[None if x is None else (x.shape, x.dtype) for x in flatten(y)] for y in (either, other)]
        if kinds[0] != kinds[1]:
            raise ArgumentError(
                "`true_fn` and `false_fn` should return outputs of the same kind (structure, dtype and shape). "
                f"Received: {either!r} and {other!r}."
            )
        Node(cond, (pred, true_fn, false_fn), {}, either)
        return either
    return true_fn() if bool(pred) else false_fn()


def _symbols(structure: Structure) -> Structure:
    """Symbolic tensors of the same shapes and types."""

    def symbol(leaf: Any) -> Any:
        if leaf is None:
            return None
        x = leaf if isinstance(leaf, KerasTensor) else as_tensor(leaf)
        return KerasTensor(tuple(x.shape), str(x.dtype))

    return map_structure(symbol, structure)


def switch(index: TensorLike, branches: Sequence[Callable[..., Structure]], *operands: Structure) -> Structure:
    """The result of one of several functions.

    Args:
        index: which; a number outside the list means the nearest end of it.
        branches: functions of the operands.
        operands: what they get.

    Raises:
        ArgumentError: there are no branches.

    >>> switch(1, [lambda x: x + 1, lambda x: x * 10], Tensor(3.0))
    Tensor(30., dtype=float32)
    """
    if not branches:
        raise ArgumentError("switch expected at least one branch. Received: branches=[].")
    if has_symbolic((index, operands)):
        return call_symbolically(switch, lambda _, given, *xs: given[0](*xs), (index, list(branches), *operands), {})
    return branches[min(max(int(index), 0), len(branches) - 1)](*operands)


# -- loops --------------------------------------------------------------------------------


def _tensors(structure: Structure) -> Structure:
    return map_structure(lambda leaf: None if leaf is None else as_tensor(leaf), structure)


def while_loop(
    cond: Callable[..., TensorLike],
    body: Callable[..., Structure],
    loop_vars: Structure,
    maximum_iterations: int | None = None,
) -> Structure:
    """Repeat `body` as long as `cond` holds.

    Args:
        cond: a function of the loop's variables that tells whether to go on.
        body: a function of them that returns their next values.
        loop_vars: a tensor, or a list or tuple of (nested) tensors: their first values.
        maximum_iterations: stop after so many rounds in any case.

    Returns:
        the last values, as one tensor or in the same kind of sequence.

    >>> while_loop(lambda i: i < 10, lambda i: i * 3, 1)
    Tensor(27, dtype=int32)
    """
    if has_symbolic(loop_vars):  # a loop leaves shapes as they are, so what comes out is known
        symbols = _symbols(loop_vars)
        Node(while_loop, (cond, body, loop_vars), {"maximum_iterations": maximum_iterations}, symbols)
        return symbols
    several = isinstance(loop_vars, (list, tuple))
    values = list(_tensors(loop_vars)) if several else [_tensors(loop_vars)]
    rounds = 0
    while (maximum_iterations is None or rounds < maximum_iterations) and bool(cond(*values)):
        given = body(*values)
        values = [_tensors(v) for v in (given if isinstance(given, (list, tuple)) else [given])]
        rounds += 1
    if not several:
        return values[0]
    return tuple(values) if isinstance(loop_vars, tuple) else values


def fori_loop(
    lower: int, upper: int, body_fun: Callable[[Any, Structure], Structure], init_val: Structure
) -> Structure:
    """Repeat ``value = body_fun(i, value)`` for i from `lower` up to `upper`, left out.

    Args:
        lower, upper: whole numbers.
        body_fun: a function of the counter and the value.
        init_val: the first value.

    Returns:
        the last value.

    >>> fori_loop(0, 3, lambda i, total: total + i, 1)
    Tensor(4, dtype=int32)
    """
    if has_symbolic(init_val):
        return call_symbolically(fori_loop, fori_loop, (lower, upper, body_fun, init_val), {})
    value = _tensors(init_val)
    for i in range(int(lower), int(upper)):
        value = _tensors(body_fun(i, value))
    return value


def _common_length(name: str, leaves: Sequence[Any]) -> int:
    lengths = {leaf.shape[0] if leaf.ndim else None for leaf in leaves}
    if len(lengths) != 1 or None in lengths:
        shapes = ", ".join(str(leaf.shape) for leaf in leaves)
        raise ShapeError(f"{name} expected tensors with first axes of one length. Received: shapes {shapes}.")
    return int(lengths.pop() or 0)


def _stacked(name: str, results: Sequence[Structure]) -> Structure:
    """One structure of stacked leaves from a list of structures."""
    if not results:
        raise ShapeError(f"{name} expected at least one element. Received: length 0.")
    first = results[0]
    if isinstance(first, dict):
        return {key: _stacked(name, [result[key] for result in results]) for key in first}
    if isinstance(first, (list, tuple)):
        parts = [_stacked(name, [result[i] for result in results]) for i in range(len(first))]
        return parts if isinstance(first, list) else tuple(parts)
    return None if first is None else stack([as_tensor(result) for result in results])


def scan(
    f: Callable[[Structure, Structure], tuple[Structure, Structure]],
    init: Structure,
    xs: Structure = None,
    length: int | None = None,
    reverse: bool = False,
    unroll: int | bool = 1,
) -> tuple[Structure, Structure]:
    """Walk along the first axis of `xs` and carry a state: ``carry, y = f(carry, x)``.

    Args:
        f: takes the state and one slice, returns the next state and one result.
        init: the first state.
        xs: (nested) tensors to walk along, or ``None``.
        length: how many steps, needed where `xs` is ``None``.
        reverse: walk from the end.
        unroll: accepted for Keras's sake.

    Returns:
        (the last state, the stacked results); the results stand in the order of `xs`.

    Raises:
        ArgumentError: neither `xs` nor `length` tells the number of steps, or they disagree.

    >>> scan(lambda total, x: (total + x, total * x), Tensor(0.0), Tensor([1.0, 2.0, 3.0]))
    (Tensor(6., dtype=float32), Tensor([0., 2., 9.], dtype=float32))
    """
    if has_symbolic((init, xs)):
        settings = {"length": length, "reverse": reverse, "unroll": unroll}
        return call_symbolically(scan, scan, (f, init, xs), settings)  # type: ignore[no-any-return]
    xs = _tensors(xs)
    leaves = [leaf for leaf in flatten(xs) if leaf is not None]
    if leaves:
        steps = _common_length("scan", leaves)
        if length is not None and int(length) != steps:
            raise ArgumentError(f"scan expected length={steps}, as xs has. Received: length={length}.")
    elif length is None:
        raise ArgumentError("scan expected xs, or the number of steps. Received: xs=None, length=None.")
    else:
        steps = int(length)
    carry = _tensors(init)
    results: list[Structure] = []
    for i in reversed(range(steps)) if reverse else range(steps):
        carry, y = f(carry, _slice(xs, i))
        results.append(y)
    if reverse:
        results.reverse()
    return carry, _stacked("scan", results)


def _slice(structure: Structure, i: int) -> Structure:
    return map_structure(lambda leaf: None if leaf is None else leaf[i], structure)


def map(f: Callable[[Structure], Structure], xs: Structure) -> Structure:
    """The results of `f` for each slice along the first axis, stacked.

    Args:
        f: a function of one slice.
        xs: (nested) tensors with first axes of one length.

    Raises:
        ShapeError: the lengths differ, or there is no element.

    >>> map(lambda row: row * row, Tensor([1.0, 2.0]))
    Tensor([1., 4.], dtype=float32)
    """
    if has_symbolic(xs):
        return call_symbolically(map, map, (f, xs), {})
    xs = _tensors(xs)
    count = _common_length("map", flatten(xs))
    return _stacked("map", [f(_slice(xs, i)) for i in range(count)])


def vectorized_map(function: Callable[[Structure], Structure], elements: Structure) -> Structure:
    """The results of `function` for each slice along the first axis, stacked: `map` under another name.

    Args:
        function: a function of one slice.
        elements: (nested) tensors with first axes of one length.

    Raises:
        ShapeError: the lengths differ, or there is no element.

    >>> vectorized_map(lambda x: x + 1.0, Tensor([1.0, 2.0]))
    Tensor([2., 3.], dtype=float32)
    """
    if has_symbolic(elements):
        return call_symbolically(vectorized_map, vectorized_map, (function, elements), {})
    elements = _tensors(elements)
    count = _common_length("vectorized_map", flatten(elements))
    return _stacked("vectorized_map", [function(_slice(elements, i)) for i in range(count)])


def associative_scan(
    f: Callable[[Structure, Structure], Structure], elems: Structure, reverse: bool = False, axis: int = 0
) -> Structure:
    """Combine each element with all that come before it: y_i = x_0 * x_1 * ... * x_i for an associative
    ``*``.

    Args:
        f: the operation; it takes two structures of equal shapes and works along `axis` on many elements
            at once.
        elems: (nested) tensors of one length along `axis`.
        reverse: combine with those that come after.
        axis: the axis of the elements.

    Returns:
        the structure and shapes of `elems`.

    Raises:
        ArgumentError: `f` is no function.

    >>> associative_scan(lambda a, b: a + b, Tensor([1.0, 2.0, 3.0, 4.0]))
    Tensor([ 1.,  3.,  6., 10.], dtype=float32)

    Source: Hillis & Steele, "Data parallel algorithms" (CACM 29, 1986): log2(n) steps on whole tensors.
    """
    if not callable(f):
        raise ArgumentError(f"`f` should be a callable. Received: f={f}.")
    if has_symbolic(elems):
        return call_symbolically(associative_scan, associative_scan, (f, elems, reverse, axis), {})
    y = _tensors(elems)

    def part(structure: Structure, start: int | None, stop: int | None) -> Structure:
        return map_structure(lambda t: t[(*(slice(None),) * (axis % t.ndim), slice(start, stop))], structure)

    def joined(first: Structure, second: Structure) -> Structure:
        others = iter(flatten(second))
        pairs = [concatenate([t, next(others)], axis=axis) for t in flatten(first)]
        return _filled(first, pairs)

    count = flatten(y)[0].shape[axis]
    reach = 1
    while reach < count:
        if reverse:
            y = joined(_tensors(f(part(y, reach, None), part(y, None, -reach))), part(y, -reach, None))
        else:
            y = joined(part(y, None, reach), _tensors(f(part(y, None, -reach), part(y, reach, None))))
        reach *= 2
    return y


def _filled(structure: Structure, leaves: list[Any]) -> Structure:
    """The structure with these leaves, given in the order of `flatten`."""
    if isinstance(structure, dict):
        filled = {key: _filled(structure[key], leaves) for key in sorted(structure)}
        return {key: filled[key] for key in structure}
    if isinstance(structure, (list, tuple)):
        parts = [_filled(item, leaves) for item in structure]
        return parts if isinstance(structure, list) else tuple(parts)
    return leaves.pop(0)


# -- gradients of one's own --------------------------------------------------------------------------------


def custom_gradient(f: Callable[..., tuple[Any, Callable[..., Any]]]) -> Callable[..., Any]:
    """Decorator: a function that brings its own gradient.

    Args:
        f: returns ``(value, grad_fn)``; ``grad_fn`` takes the gradient of the value (one for each value
            where there are several) and returns one gradient for each argument of `f`, or ``None``.

    Returns:
        a function of the same arguments that returns the value. A gradient flows to its tensors by
        ``grad_fn`` alone.

    Raises:
        ArgumentError: `f` does not return a pair, or ``grad_fn`` another number of gradients than there
            are arguments.

    >>> from neurona import ops, value_and_grad
    >>> @custom_gradient
    ... def rounded(x):  # whose true slope is 0 nearly everywhere: nothing could be learned through it
    ...     return ops.round(x), lambda upstream: upstream
    >>> value_and_grad(lambda x: 3.0 * rounded(x))(1.7)
    (Tensor(6., dtype=float32), Tensor(3., dtype=float32))
    """
    name = getattr(f, "__name__", "f")

    def reference(arrays: Arrays, **settings: Any) -> tuple[Any, ...]:
        with stop_recording():
            given = f(*(as_tensor(x) for x in arrays), **settings)
            if not isinstance(given, tuple) or len(given) != 2 or not callable(given[1]):
                raise ArgumentError(
                    f"custom_gradient expected '{name}' to return (value, grad_fn). Received: {type(given).__name__}."
                )
        value, grad_fn = given
        values = tuple(value) if isinstance(value, (list, tuple)) else (value,)
        # grad_fn travels as a last output, so that a repeated step has the one of its own forward pass
        kept = np.empty((), object)
        kept[()] = (grad_fn, type(value) if isinstance(value, (list, tuple)) else None)
        return (*(as_tensor(v).data for v in values), kept)

    def gradient(g: tuple[Array | None, ...], y: tuple[Array, ...], arrays: Arrays, **settings: Any) -> list[Any]:
        grad_fn, _ = y[-1][()]
        upstream = (wrap(np.zeros_like(v) if part is None else part) for part, v in zip(g[:-1], y[:-1], strict=True))
        with stop_recording():
            given = grad_fn(*upstream)
        parts = list(given) if isinstance(given, (list, tuple)) else [given]
        if len(parts) != len(arrays):
            raise ArgumentError(
                f"The gradient of '{name}' must return one for each of {len(arrays)} arguments. Received: {len(parts)}."
            )
        return [None if d is None else as_tensor(d).data for d in parts]

    made = Op(reference, (), (), None, stateful=False)
    made.gradient(gradient)

    def call(*args: TensorLike, **settings: Any) -> Any:
        if has_symbolic(args):
            return call_symbolically(call, call, args, settings)
        *values, kept = made(list(args), **settings)
        kind = kept.data[()][1]
        return values[0] if kind is None else kind(values)

    call.__name__, call.__doc__ = name, f.__doc__
    return call
