"""Symbolic tensors: the placeholders with which a functional model is drawn before any number flows.

Calling an operation (an op, a layer) on a `KerasTensor` computes nothing. It infers the shape of the result and
remembers the call in a `Node`; a functional model later replays the nodes in order. Leans on NumPy and on `neurona.tree`,
whose `flatten` and `map_structure` are handed on.
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np

from neurona import allowance
from neurona.errors import ArgumentError, DTypeError, UnsafeFileError
from neurona.tree import flatten, map_structure

__all__ = [
    "KerasTensor",
    "Node",
    "Shape",
    "call_symbolically",
    "dtype_name",
    "flatten",
    "get_source_inputs",
    "has_symbolic",
    "is_keras_tensor",
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
# Where all of them fail, every open axis is tried on its own: with these, and with the lengths that the others have.
_TRIED = (1, 2, 3, 4, 6)
_TRIES = 300

_NAME_OF_TYPE = re.compile(r"[<>=|]?[A-Za-z_?][A-Za-z0-9_]*", re.ASCII)


def dtype_name(dtype: Any) -> str:
    """The name of a type as Keras calls it: NumPy's, and "string" for all that hold texts.

    >>> dtype_name(np.float32), dtype_name("string"), dtype_name(np.array(["a"]).dtype)
    ('float32', 'string', 'string')

    Raises:
        TypeError: no type is called so.
    """
    if isinstance(dtype, str):
        if dtype == "string":
            return "string"
        # NumPy has a little language for types of several fields ("2f4, i8"), whose numbers it has Python compile.
        if not _NAME_OF_TYPE.fullmatch(dtype):
            raise TypeError(f"data type {dtype!r} not understood")
    known = np.dtype(dtype)
    return "string" if known.kind in "OSU" else known.name


class KerasHistory(NamedTuple):
    """Which operation made a symbolic tensor, at which of its calls, as which of the call's outputs."""

    operation: Any
    node_index: int
    tensor_index: int


class KerasTensor:
    """A tensor of which only shape and dtype are known.

    Args:
        shape: its axes; ``None`` where the length is open, as the batch's is.
        dtype: the numbers it will hold.
        name: how errors and summaries call it.
        sparse, ragged: noted only, for Keras's sake: all tensors that are computed are dense.
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
        if kwargs or (sparse and ragged):
            raise DTypeError(
                f"KerasTensor cannot have `sparse=True` and `ragged=True` at the same time, nor other arguments. "
                f"Received: {sparse=}, {ragged=}, {sorted(kwargs)}."
            )
        if not isinstance(shape, Iterable):
            raise ArgumentError(f"A symbolic tensor's shape is a tuple, one length for each axis. Received: {shape!r}.")
        self.sparse, self.ragged = bool(sparse), bool(ragged)
        self.shape: Shape = tuple(None if n is None else int(n) for n in shape)
        self.dtype = dtype_name(dtype)
        self.name = name or "keras_tensor"
        self.node: Node | None = None  # the call that makes it; None for a stray placeholder
        self.index = 0  # its place among that call's outputs
        self._keras_mask: Any = None

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def _keras_history(self) -> KerasHistory:
        """The call that makes it, as Keras's programs look it up."""
        if self.node is None:
            raise AttributeError(f"No call made this symbolic tensor. Received: {self!r}.")
        operation = self.node.operation
        calls = [i for i, node in enumerate(getattr(operation, "_nodes", ())) if node is self.node]
        return KerasHistory(operation, calls[0] if calls else 0, self.index)

    def __repr__(self) -> str:
        return f"<KerasTensor shape={self.shape}, dtype={self.dtype}, name={self.name}>"

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        raise ArgumentError(
            f"A KerasTensor is symbolic: it doesn't have any actual numerical value yet. Received: {self!r}. Use neurona.ops "
            "instead of NumPy on it, or wrap the computation in a layer."
        )

    def __bool__(self) -> bool:
        raise DTypeError(
            f"A symbolic KerasTensor cannot be used as a boolean. Received: {self!r}, which has no values yet to decide "
            "an `if`."
        )

    def __int__(self) -> int:
        return int(self.__array__())

    def __float__(self) -> float:
        return float(self.__array__())

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
        if allowance.in_force:
            allowance.ask_step()
        self.operation, self.args, self.kwargs, self.outputs = operation, args, kwargs, outputs
        self.mask: Any = None  # the symbolic mask that the layer found on its input and will be handed
        self.inputs = [t for t in flatten((args, kwargs)) if isinstance(t, KerasTensor)]
        for index, tensor in enumerate(flatten(outputs)):
            tensor.node, tensor.index = self, index


def is_keras_tensor(x: Any) -> bool:
    """Whether it is a placeholder."""
    return isinstance(x, KerasTensor)


def has_symbolic(structure: Any) -> bool:
    """Whether any leaf is a `KerasTensor`."""
    if isinstance(structure, KerasTensor):
        return True
    if isinstance(structure, (list, tuple)):
        return any(has_symbolic(item) for item in structure)
    if isinstance(structure, dict):
        return any(has_symbolic(item) for item in structure.values())
    return False


def get_source_inputs(tensor: Any) -> Any:
    """The placeholders from which a symbolic tensor is computed, each once; anything else comes back as it is."""
    if not isinstance(tensor, KerasTensor):
        return tensor
    sources: dict[int, KerasTensor] = {}
    seen: set[int] = set()
    waiting = [tensor]
    while waiting:
        at = waiting.pop()
        if id(at) in seen:
            continue
        seen.add(id(at))
        if at.node is None or not at.node.inputs:
            sources[id(at)] = at
        else:
            waiting.extend(reversed(at.node.inputs))
    return list(sources.values())


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
        try:
            return _inferred(compute, args, kwargs, _STAND_INS[0])
        except UnsafeFileError:  # no larger or smaller stand-in will do
            raise
        except (ValueError, IndexError) as error:
            return _searched(compute, args, kwargs, error)
    most_open = max(symbol.shape.count(None) for symbol in symbols)
    found, trouble = None, None
    for sizes in _STAND_INS:
        if sizes is not _STAND_INS[0] and any(
            math.prod(_closed(x.shape, _BATCH[1], sizes[1])) > _MOST for x in symbols
        ):
            continue
        try:
            outputs = _inferred(compute, args, kwargs, sizes)
        except UnsafeFileError:  # no larger or smaller stand-in will do
            raise
        except (ValueError, IndexError) as error:  # too small for a window, or too large for a table of places
            trouble = trouble or error
            continue
        if found is not None or trouble is not None:
            return outputs
        found = outputs
        if all(leaf is None or leaf.shape.count(None) >= most_open for leaf in flatten(outputs)):
            return outputs  # no open axis was lost
    if found is None and trouble is not None:
        return _searched(compute, args, kwargs, trouble)
    return found


def _searched(compute: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], trouble: Exception) -> Any:
    """The result of `infer` where an open axis has to be as long as another, or of a length that an argument tells.

    Of (N, 3) + (2, C) only N = 2, C = 3 (or 1) makes sense. So lengths are tried, each axis on its own; what is the same
    in all results is known.

    Raises:
        `trouble`, if no lengths make sense.
    """
    symbols = [leaf for leaf in flatten((args, kwargs)) if isinstance(leaf, KerasTensor)]
    open_axes = [(id(s), axis) for s in symbols for axis, n in enumerate(s.shape) if n is None]
    lengths = sorted({*_TRIED, *(n for s in symbols for n in s.shape if n is not None and n <= 64)})
    results: list[Any] = []
    for chosen in itertools.islice(itertools.product(lengths, repeat=len(open_axes)), _TRIES if open_axes else 0):
        sizes = dict(zip(open_axes, chosen, strict=True))

        def fill(leaf: Any, sizes: dict[tuple[int, int], int] = sizes) -> Any:
            if not isinstance(leaf, KerasTensor):
                return leaf
            shape = [sizes[id(leaf), axis] if n is None else n for axis, n in enumerate(leaf.shape)]
            return np.full(shape, "", object) if leaf.dtype == "string" else np.ones(shape, leaf.dtype)

        try:
            with np.errstate(all="ignore"):
                results.append(compute(*map_structure(fill, args), **map_structure(fill, kwargs)))
        except UnsafeFileError:  # no larger or smaller stand-in will do
            raise
        except (ValueError, IndexError):
            continue
    leaves = [flatten(result) for result in results]
    if not results or len({tuple(leaf if leaf is None else leaf.ndim for leaf in row) for row in leaves}) > 1:
        raise trouble
    columns = iter(list(zip(*leaves, strict=True)))

    def describe(_leaf: Any) -> Any:
        column = next(columns)
        if column[0] is None:
            return None
        shape = tuple(n[0] if len(set(n)) == 1 else None for n in zip(*(leaf.shape for leaf in column), strict=True))
        return KerasTensor(shape, str(column[0].dtype))

    return map_structure(describe, results[0])


def _closed(shape: Shape, batch: int, size: int) -> list[int]:
    """The shape with stand-ins for its open axes."""
    return [(size if axis else batch) if n is None else n for axis, n in enumerate(shape)]


def _inferred(
    compute: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], sizes: tuple[int, int]
) -> Any:
    """The result of `infer` with two stand-ins for the open axes behind the first."""
    given = (args, kwargs)
    is_open = any(None in leaf.shape for leaf in flatten(given) if isinstance(leaf, KerasTensor))
    if allowance.in_force:
        _rehearse(compute, args, kwargs, sizes[-1])
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


def _rehearse(compute: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], size: int) -> None:
    """Run `compute` on empty batches, which take no memory and no time, before it runs on real stand-ins.

    Every op on the way checks what a real batch would take, where a stranger's file may only take so much.

    Raises:
        UnsafeFileError: it is too much.
    """
    largest = 0

    def empty(leaf: Any) -> Any:
        nonlocal largest
        if not isinstance(leaf, KerasTensor):
            return leaf
        shape = _closed(leaf.shape, _BATCH[-1], size)
        allowance.ask_array(shape, "a tensor")
        largest = max(largest, math.prod(shape))
        shape[:1] = [0] * len(shape[:1])
        return np.full(shape, "", object) if leaf.dtype == "string" else np.ones(shape, leaf.dtype)

    given = map_structure(empty, args), map_structure(empty, kwargs)
    try:
        with np.errstate(all="ignore"):
            compute(*given[0], **given[1])
    except UnsafeFileError:
        raise
    except Exception as error:  # not everything can be computed for nothing; what is small may be tried
        if largest > _MOST:
            raise UnsafeFileError(f"This file asks for a tensor of {largest} numbers in a place of few.") from error


def call_symbolically(
    operation: Any,
    compute: Callable[..., Any],
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    drawing: Callable[..., Any] | None = None,
) -> Any:
    """Infer the outputs of `operation` with `compute` and remember the call.

    Args:
        operation: what the node will call with real tensors later.
        compute: a function of arrays or tensors with the same arguments, from which the shapes are inferred.
        drawing: a function of the same arguments that tells the outputs as symbolic tensors where stand-ins cannot
            (how many numbers are not 0?), and `NotImplemented` where they can.
    """
    outputs = NotImplemented if drawing is None else drawing(*args, **kwargs)
    if outputs is NotImplemented:
        outputs = infer(compute, args, kwargs)
    Node(operation, args, kwargs, outputs)
    return outputs
