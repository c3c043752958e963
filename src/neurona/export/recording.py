"""What a model computes at rest, recorded op by op at several sizes of its open axes.

A model is called several times, with another number of samples each time (and other lengths of its other open axes). The
tapes must hold the same ops in the same order. Where they hold the same numbers, these are settings; where the numbers
differ, they follow from an open axis, and stay so: a `Length` is such a number, as it was in each recording.

    x: (2, 8, 5)   (3, 11, 5)   (5, 9, 5)        a reshape to  (16, 5)   (33, 5)   (45, 5)
    x: (N, T, 5)                                                (Length(16, 33, 45), 5)

So layers need not know of exporting: what they do with arrays is seen.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from neurona.errors import NeuronaError, SavingError
from neurona.layers.base import Layer, calling
from neurona.symbolic import KerasTensor, flatten, map_structure
from neurona.tape import Op, Record, Tape
from neurona.tensor import Array, Tensor, wrap
from neurona.variable import Variable

__all__ = ["Length", "Recording", "Step", "Value", "record", "who"]


class Length(tuple[int, ...]):
    """A whole number that follows from open axes: what it was in each recording."""

    __slots__ = ()


Extent = int | Length


@dataclass(eq=False)
class Value:
    """An array of the computation: an input, a constant, or what a step made.

    Attributes:
        shape: its axes.
        dtype: of its numbers.
        arrays: what it was in each recording.
        given: whether it is known before the computation: a weight or another constant.
        label: a weight's path, an input's name, or "".
    """

    shape: tuple[Extent, ...]
    dtype: np.dtype[Any]
    arrays: tuple[Array, ...]
    given: bool = False
    label: str = ""


@dataclass(eq=False)
class Step:
    """One op applied in all recordings: its inputs (Python numbers and None as they are), settings and results."""

    op: Op
    inputs: list[Any]
    settings: dict[str, Any]
    outputs: list[Value]
    layers: tuple[Layer, ...]

    def setting(self, name: str) -> Any:
        """A setting of the call, or the op's own default for it."""
        return self.settings[name] if name in self.settings else self.op.default_of(name)


@dataclass(eq=False)
class Recording:
    """A model's computation: the steps, in order, that its outputs need."""

    inputs: list[Value]
    steps: list[Step]
    outputs: list[Value]


# Lengths for the open axes behind the batch, in each of the recordings. Their remainders differ and one is far from the
# others, so that what depends on a length shows, also behind several strides. Other rows follow where a network does not
# run on the first: tables of few places, windows that are larger.
_BATCHES = (2, 3, 5, 4)
_LENGTHS = ((8, 11, 9, 46), (8, 11, 9, 19), (40, 53, 45, 171), (150, 167, 163, 230), (3, 4, 6, 5))
_MORE = (1, 4, 9, 3)  # how much longer the second open axis is, so that none follows from another by a factor and a sum


def record(function: Callable[..., Any], symbols: Any, name: str) -> Recording:
    """What `function` computes for inputs like `symbols`.

    Args:
        function: takes the nested tensors and returns nested tensors.
        symbols: nested symbolic tensors; their open axes stay open.
        name: of the model, for errors.

    Raises:
        SavingError: it computes otherwise at other sizes, or plain Python looks at values.
    """
    leaves = flatten(symbols)
    several = len(leaves) > 1 and any(None in leaf.shape[1:] for leaf in leaves)
    is_open = any(None in leaf.shape[1:] for leaf in leaves)
    trouble: NeuronaError | None = None
    # inputs whose lengths are independent first; some models need them to be equal
    for apart, lengths in itertools.product(
        (True, False) if several else (False,), _LENGTHS if is_open else _LENGTHS[:1]
    ):
        try:
            runs = [_run(function, symbols, i, lengths, apart) for i in range(len(_BATCHES))]
        except SavingError:
            raise
        except (NeuronaError, ValueError, IndexError) as error:
            trouble = trouble or SavingError(
                f"Cannot export '{name}': it does not run on its own input shapes. {error}"
            )
            continue
        return _Alignment(name, runs).recording([leaf.name for leaf in leaves])
    assert trouble is not None
    raise trouble


def who(layers: Sequence[Layer], name: str) -> str:
    """How an error calls the layer that computes: the innermost, and that of the model in which it lies."""
    if not layers:
        return f"model '{name}'"
    told = [f"'{layer.name}' ({type(layer).__name__})" for layer in (layers[-1], *layers[1:2])]
    return f"layer {told[0]}" if told[0] == told[-1] else f"layer {' within '.join(told)}"


# -- one run ----------------------------------------------------------------------------------------------------


class _Noted(list[Any]):
    """A tape's records, each with the layers that were computing."""

    def append(self, record: Any) -> None:
        super().append((record, calling()))


class _Listener(Tape):
    """A tape that notes which layers compute, and which one let plain Python look at a value."""

    def __init__(self) -> None:
        self.culprits: tuple[Layer, ...] = ()
        super().__init__(everything=True)
        self.records = _Noted()

    def __setattr__(self, name: str, value: Any) -> None:
        if name == "unrepeatable" and value is not None and not self.culprits:
            self.culprits = calling()
        super().__setattr__(name, value)


@dataclass(eq=False)
class _Run:
    """One call: the tensors that went in and came out, and the records between."""

    inputs: list[Tensor]
    outputs: list[Tensor]
    records: list[Any]  # pairs: a `Record`, and the layers that were computing


def _run(function: Callable[..., Any], symbols: Any, number: int, lengths: Sequence[int], apart: bool) -> _Run:
    places = itertools.count()

    def stand_in(symbol: KerasTensor) -> Tensor:
        place = next(places) if apart else 0
        shape = [
            (lengths[number] + _MORE[number] * (axis - 1 + 2 * place) if axis else _BATCHES[number]) if n is None else n
            for axis, n in enumerate(symbol.shape)
        ]
        if symbol.dtype == "string":
            return wrap(np.full(shape, "", object))
        rng = np.random.default_rng(number)
        # whole numbers are places in tables: the first is in every one
        whole = np.dtype(symbol.dtype).kind != "f"
        return wrap(np.zeros(shape, symbol.dtype) if whole else rng.uniform(0.1, 0.9, shape).astype(symbol.dtype))

    tensors = map_structure(stand_in, symbols)
    tape = _Listener()
    with tape, np.errstate(all="ignore"):
        outputs = function(tensors)
    if tape.unrepeatable is not None:
        by = f" in {who(tape.culprits, '')}" if tape.culprits else ""
        raise SavingError(
            f"Cannot export: plain Python decides by values{by}: {tape.unrepeatable}. ONNX repeats what is computed with "
            "ops alone. Leave that layer out of the exported model and apply it before, or write it with ops."
        )
    return _Run(flatten(tensors), flatten(outputs), list(tape.records))


# -- several runs, laid on one another ------------------------------------------------------------------------------


class _Alignment:
    """The runs of one model, walked side by side."""

    def __init__(self, name: str, runs: list[_Run]) -> None:
        self.name, self.runs = name, runs
        self.values: dict[int, Value] = {}  # by the id of the first run's tensor
        self.others: list[dict[int, int]] = [{} for _ in runs]  # the ids of each run's tensors -> those of the first's
        self.constants: dict[tuple[int, ...], Value] = {}

    def recording(self, names: Sequence[str]) -> Recording:
        runs = self.runs
        inputs = [
            self.made(tensors, label=name)
            for tensors, name in zip(zip(*(run.inputs for run in runs), strict=True), names, strict=True)
        ]
        counts = {len(run.records) for run in runs}
        for entries in zip(*(run.records for run in runs), strict=False):
            if len({record.op.name for record, _ in entries}) > 1:
                raise self._refuse(entries[0][1], "it computes otherwise for other lengths of its open axes")
        if len(counts) > 1:
            longest = max((run.records for run in runs), key=len)
            raise self._refuse(
                longest[min(counts)][1],
                "with its open axes it takes as many steps as its input is long. Give the Input fixed lengths",
            )
        steps = [self.step(entries) for entries in zip(*(run.records for run in runs), strict=True)]
        outputs = [self.value(tensors, (), "an output") for tensors in zip(*(r.outputs for r in runs), strict=True)]
        return Recording(inputs, _needed(steps, outputs), outputs)

    def step(self, entries: Sequence[tuple[Record, tuple[Layer, ...]]]) -> Step:
        records, layers = [r for r, _ in entries], entries[0][1]
        first = records[0]
        if first.op.stateful:
            raise self._refuse(layers, "it changes its state at each call, or draws random numbers")
        what = f"a setting of the op '{first.op.name}'"
        inputs = []
        for given in zip(*(zip(r.inputs, r.arrays, strict=True) for r in records), strict=True):
            # arrays and lists were converted when recorded; numbers and None stayed what they are
            leaves = [x if isinstance(x, Tensor) else array for x, array in given]
            plain = not isinstance(leaves[0], (Tensor, np.ndarray))
            inputs.append(self.same(leaves, layers, what) if plain else self.value(leaves, layers, what))
        settings = {key: self.same([r.attributes[key] for r in records], layers, what) for key in first.attributes}
        many = [r.outputs if type(r.outputs) is tuple else (r.outputs,) for r in records]
        outputs = [self.made(tensors) for tensors in zip(*many, strict=True)]
        return Step(first.op, inputs, settings, outputs, layers)

    def made(self, tensors: Sequence[Tensor], label: str = "") -> Value:
        """A new value for what each run made."""
        value = _laid_together(tensors, label=label)
        self.values[id(tensors[0])] = value
        for others, tensor in zip(self.others, tensors, strict=True):
            others[id(tensor)] = id(tensors[0])
        return value

    def value(self, leaves: Sequence[Any], layers: Sequence[Layer], what: str) -> Value:
        """The value that each run read: one made before, or a constant."""
        origins = [others.get(id(leaf)) for others, leaf in zip(self.others, leaves, strict=True)]
        if origins[0] is not None or any(o is not None for o in origins):
            if len(set(origins)) > 1:
                raise self._refuse(layers, "it computes otherwise for other lengths of its open axes")
            return self.values[origins[0]]  # type: ignore[index]
        key = tuple(map(id, leaves))
        if key not in self.constants:
            if len({leaf.ndim for leaf in leaves}) > 1 or len({leaf.data.dtype for leaf in _tensors(leaves)}) > 1:
                raise self._refuse(layers, f"{what} has other axes for other lengths of its open axes")
            label = leaves[0].path if isinstance(leaves[0], Variable) else ""
            value = _laid_together(_tensors(leaves), given=True, label=label)
            self.constants[key] = value
        return self.constants[key]

    def same(self, leaves: Sequence[Any], layers: Sequence[Layer], what: str) -> Any:
        """One setting of what it was in each run: equal parts as they are, whole numbers that differ as a `Length`."""
        first = leaves[0]
        if isinstance(first, slice):
            parts = ([leaf.start, leaf.stop, leaf.step] for leaf in leaves)
            return slice(*(self.same(part, layers, what) for part in zip(*parts, strict=True)))
        if isinstance(first, (list, tuple)):
            if len({len(leaf) for leaf in leaves}) > 1:
                raise self._refuse(layers, f"{what} differs for other lengths of its open axes")
            return tuple(self.same(part, layers, what) for part in zip(*leaves, strict=True))
        if isinstance(first, np.ndarray):
            equal = all(np.array_equal(first, leaf) for leaf in leaves)
        else:
            equal = all(leaf is first or leaf == first for leaf in leaves)
        if equal:
            return first
        if all(isinstance(leaf, (int, np.integer)) for leaf in leaves):
            return Length(map(int, leaves))
        raise self._refuse(layers, f"{what} differs for other lengths of its open axes ({first!r}, {leaves[1]!r})")

    def _refuse(self, layers: Sequence[Layer], why: str) -> SavingError:
        return SavingError(f"Cannot export {who(layers, self.name)} of '{self.name}': {why}.")


def _tensors(leaves: Sequence[Any]) -> list[Tensor]:
    return [leaf if isinstance(leaf, Tensor) else wrap(leaf) for leaf in leaves]


def _laid_together(tensors: Sequence[Tensor], given: bool = False, label: str = "") -> Value:
    shapes = zip(*(t.shape for t in tensors), strict=True)
    shape = tuple(axis[0] if len(set(axis)) == 1 else Length(axis) for axis in shapes)
    return Value(shape, tensors[0].data.dtype, tuple(t.data for t in tensors), given, label)


def _needed(steps: list[Step], outputs: list[Value]) -> list[Step]:
    """The steps that the outputs need."""
    wanted = {id(value) for value in outputs}
    kept = []
    for step in reversed(steps):
        if any(id(value) in wanted for value in step.outputs):
            kept.append(step)
            wanted.update(id(x) for x in step.inputs if isinstance(x, Value))
    return kept[::-1]
