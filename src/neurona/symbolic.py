"""Symbolic tensors: the placeholders with which a functional model is drawn before any number flows.

Calling an operation (an op, a layer) on a `KerasTensor` computes nothing. It infers the shape of the result and
remembers the call in a `Node`; a functional model later replays the nodes in order. Leans on NumPy only.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from neurona.errors import DTypeError

__all__ = [
    "KerasTensor",
    "Node",
    "Shape",
    "call_symbolically",
    "dtype_name",
    "flatten",
    "has_symbolic",
    "map_structure",
]

Shape = tuple[int | None, ...]

# What stands in for an unknown dimension while a shape is inferred. Two runs with different stand-ins tell the
# dimensions that follow the unknown one from those that only happen to have its value. Small ones are cheap and serve
# most of the time. But a window of 5 does not fit into 3 places, and halving makes 1 of both 2 and 3: then larger ones
# are asked, which even networks that halve five times can tell apart. The batch, the first axis, stays small.
_BATCH = (2, 3)
_STAND_INS = ((2, 3), (32, 64), (128, 192), (8, 16))  # the last ones for volumes of many channels
_MOST = 1 << 22  # numbers in a stand-in; more are passed over


def dtype_name(dtype: Any) -> str:
    """The name of a type as Keras calls it: NumPy's, and "string" for all that hold texts.

    >>> dtype_name(np.float32), dtype_name("string"), dtype_name(np.array(["a"]).dtype)
    ('float32', 'string', 'string')
    """
    if isinstance(dtype, str) and dtype == "string":
        return "string"
    known = np.dtype(dtype)
    return "string" if known.kind in "OSU" else known.name


class KerasTensor:
    """A tensor of which only shape and dtype are known.

    Args:
        shape: its axes; ``None`` where the length is open, as the batch's is.
        dtype: the numbers it will hold.
        name: how errors and summaries call it.
        sparse, ragged: must be False.
        record_history: accepted for Keras's sake.
    """

    __array_priority__ = 200

    def __init__(
        self,
        shape: Shape,
        dtype: str = "float32",
        sparse: bool = False,
        ragged: bool = False,
        record_history: bool = True,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        if sparse or ragged or kwargs:
            raise DTypeError(f"Only dense symbolic tensors exist. Received: {sparse=}, {ragged=}, {sorted(kwargs)}.")
        self.shape: Shape = tuple(None if n is None else int(n) for n in shape)
        self.dtype = dtype_name(dtype)
        self.name = name or "keras_tensor"
        self.node: Node | None = None  # the call that makes it; None for a stray placeholder
        self.index = 0  # its place among that call's outputs
        self._keras_mask: Any = None

    @property
    def ndim(self) -> int:
        return len(self.shape)

    def __repr__(self) -> str:
        return f"<KerasTensor shape={self.shape}, dtype={self.dtype}, name={self.name}>"

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        raise DTypeError(
            f"A symbolic tensor has no values yet. Received: {self!r}. Use neurona.ops instead of NumPy on it, "
            "or wrap the computation in a layer."
        )

    def __bool__(self) -> bool:
        raise DTypeError(f"A symbolic tensor cannot decide an `if`: it has no values yet. Received: {self!r}.")

    def __len__(self) -> int:
        if not self.shape or self.shape[0] is None:
            raise DTypeError(f"The first axis of a symbolic tensor has no length yet. Received: {self!r}.")
        return self.shape[0]

    def __iter__(self) -> Iterator[Any]:
        for i in range(len(self)):
            yield self[i]

    def __getitem__(self, key: Any) -> Any:  # replaced by neurona.ops, which knows how to index
        raise NotImplementedError("import neurona.ops first")


class Node:
    """One remembered call: `operation(*args, **kwargs)` gave `outputs`."""

    def __init__(self, operation: Any, args: tuple[Any, ...], kwargs: dict[str, Any], outputs: Any) -> None:
        self.operation, self.args, self.kwargs, self.outputs = operation, args, kwargs, outputs
        self.mask: Any = None  # the symbolic mask that the layer found on its input and will be handed
        self.inputs = [t for t in flatten((args, kwargs)) if isinstance(t, KerasTensor)]
        for index, tensor in enumerate(flatten(outputs)):
            tensor.node, tensor.index = self, index


def flatten(structure: Any) -> list[Any]:
    """The leaves of nested lists, tuples and dicts (these in the order of their sorted keys).

    >>> flatten({"b": [1, 2], "a": 3})
    [3, 1, 2]
    """
    if isinstance(structure, (list, tuple)):
        return [leaf for item in structure for leaf in flatten(item)]
    if isinstance(structure, dict):
        return [leaf for key in sorted(structure) for leaf in flatten(structure[key])]
    return [structure]


def map_structure(fn: Callable[[Any], Any], structure: Any) -> Any:
    """The same nesting with `fn` applied to every leaf.

    >>> map_structure(lambda n: n + 1, {"a": [1, 2]})
    {'a': [2, 3]}
    """
    if isinstance(structure, tuple) and hasattr(structure, "_fields"):  # a named tuple keeps its type
        return type(structure)(*(map_structure(fn, item) for item in structure))
    if isinstance(structure, (list, tuple)):
        return type(structure)(map_structure(fn, item) for item in structure)
    if isinstance(structure, dict):  # leaves are visited in the order of `flatten`
        mapped = {key: map_structure(fn, structure[key]) for key in sorted(structure)}
        return {key: mapped[key] for key in structure}
    return fn(structure)


def has_symbolic(structure: Any) -> bool:
    """Whether any leaf is a `KerasTensor`."""
    if isinstance(structure, KerasTensor):
        return True
    if isinstance(structure, (list, tuple)):
        return any(has_symbolic(item) for item in structure)
    if isinstance(structure, dict):
        return any(has_symbolic(item) for item in structure.values())
    return False


def infer(compute: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """What `compute` would return for symbolic arguments: the same nesting of KerasTensors.

    It runs on arrays of ones, once for each stand-in; where the results' shapes differ the axis is open.

    Raises:
        what `compute` raises with every pair of stand-ins, as it was said first.

    >>> infer(lambda x: x[:, ::2, 0], (KerasTensor((None, None, 5)),), {}).shape
    (None, None)
    """
    symbols = [leaf for leaf in flatten((args, kwargs)) if isinstance(leaf, KerasTensor)]
    if not any(None in symbol.shape[1:] for symbol in symbols):
        return _inferred(compute, args, kwargs, _STAND_INS[0])
    most_open = max(symbol.shape.count(None) for symbol in symbols)
    found, trouble = None, None
    for sizes in _STAND_INS:
        if sizes is not _STAND_INS[0] and any(
            math.prod(_closed(x.shape, _BATCH[1], sizes[1])) > _MOST for x in symbols
        ):
            continue
        try:
            outputs = _inferred(compute, args, kwargs, sizes)
        except (ValueError, IndexError) as error:  # too small for a window, or too large for a table of places
            trouble = trouble or error
            continue
        if found is not None or trouble is not None:
            return outputs
        found = outputs
        if all(leaf is None or leaf.shape.count(None) >= most_open for leaf in flatten(outputs)):
            return outputs  # no open axis was lost
    if found is None and trouble is not None:
        raise trouble
    return found


def _closed(shape: Shape, batch: int, size: int) -> list[int]:
    """The shape with stand-ins for its open axes."""
    return [(size if axis else batch) if n is None else n for axis, n in enumerate(shape)]


def _inferred(
    compute: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], sizes: tuple[int, int]
) -> Any:
    """The result of `infer` with two stand-ins for the open axes behind the first."""
    given = (args, kwargs)
    is_open = any(None in leaf.shape for leaf in flatten(given) if isinstance(leaf, KerasTensor))
    results = []
    for batch, size in list(zip(_BATCH, sizes, strict=True))[: 2 if is_open else 1]:

        def fill(leaf: Any, batch: int = batch, size: int = size) -> Any:
            if not isinstance(leaf, KerasTensor):
                return leaf
            shape = _closed(leaf.shape, batch, size)
            return np.full(shape, "", object) if leaf.dtype == "string" else np.ones(shape, leaf.dtype)

        with np.errstate(all="ignore"):
            results.append(compute(*map_structure(fill, args), **map_structure(fill, kwargs)))
    others = iter(flatten(results[-1]))

    def describe(leaf: Any) -> Any:
        other = next(others)
        if leaf is None:
            return None
        shape = tuple(n if n == m else None for n, m in zip(leaf.shape, other.shape, strict=True))
        return KerasTensor(shape, str(leaf.dtype))

    return map_structure(describe, results[0])


def call_symbolically(
    operation: Any, compute: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    """Infer the outputs of `operation` with `compute` and remember the call.

    Args:
        operation: what the node will call with real tensors later.
        compute: a function of arrays or tensors with the same arguments, from which the shapes are inferred.
    """
    outputs = infer(compute, args, kwargs)
    Node(operation, args, kwargs, outputs)
    return outputs
