"""Graph: an ONNX computation that is being written, node by node.

Names stand for arrays. A translator asks the graph for the names of its op's inputs, adds nodes, and gets the names of
their results; constants are stored once, transposes that undo each other vanish, and at the end what nobody reads is
left out.
"""

from __future__ import annotations

import hashlib
import itertools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from neurona.errors import SavingError
from neurona.export.recording import Extent, Length, Recording, Step, Value, who
from neurona.tensor import Array

__all__ = ["Graph"]


class Graph:
    """The nodes and constants so far.

    Args:
        recording: what is to be written.
        name: of the model.
    """

    def __init__(self, recording: Recording, name: str) -> None:
        import onnx

        self.helper, self.numpy_helper = onnx.helper, onnx.numpy_helper
        self.name = name
        self.recording = recording
        self.nodes: list[Any] = []
        self.constants: dict[str, Array] = {}
        self.names: dict[int, str] = {}  # by the id of a `Value`
        self._known: dict[Any, str] = {}  # constants and measured lengths by what they are
        self._turned: dict[str, tuple[str, tuple[int, ...]]] = {}  # results of transposes: of what, and how
        self._used: set[str] = set()
        self._scope = ""
        self.step: Step | None = None
        for value in recording.inputs:
            self.names[id(value)] = self.fresh(value.label)

    # -- names ------------------------------------------------------------------------------------------------------

    def fresh(self, name: str) -> str:
        """A name that nothing has yet."""
        for number in itertools.count():
            unique = f"{name}_{number}" if number else name
            if unique not in self._used:
                self._used.add(unique)
                return unique
        raise AssertionError

    def begin(self, step: Step) -> None:
        """From here on nodes belong to this step."""
        self.step = step
        self._scope = "/".join(layer.name for layer in step.layers)

    def refuse(self, why: str) -> SavingError:
        """The error for the step that is being written."""
        layers = () if self.step is None else self.step.layers
        return SavingError(
            f"Cannot export {who(layers, self.name)} of '{self.name}' to ONNX: {why}. Leave that part out of the exported "
            "model, or compute it before or after."
        )

    # -- nodes and constants ----------------------------------------------------------------------------------------

    def node(self, kind: str, *inputs: str, **settings: Any) -> str:
        """Add a node with one result; its name. Inputs called "" are left out."""
        return self.node_of(kind, inputs, 1, **settings)[0]

    def node_of(self, kind: str, inputs: Sequence[str], results: int, **settings: Any) -> list[str]:
        """Add a node with several results."""
        stem = f"{self._scope}/{kind}" if self._scope else kind
        name = self.fresh(stem)
        outputs = [name if i == 0 else self.fresh(f"{name}:{i}") for i in range(results)]
        self.nodes.append(self.helper.make_node(kind, list(inputs), outputs, name=name, **settings))
        return outputs

    def constant(self, array: Any, dtype: Any = None, label: str = "") -> str:
        """The name of a constant: a weight's own, or that of a constant with the same numbers."""
        array = np.asarray(array, dtype)
        if array.dtype.kind in "OSU":
            raise self.refuse("it computes with texts, which only its Python program knows")
        key = (label, array.dtype.str, array.shape, hashlib.sha256(array.tobytes()).digest())
        if key not in self._known:
            name = self.fresh(label or f"{self._scope}/constant")
            self.constants[name] = array
            self._known[key] = name
        return self._known[key]

    def integers(self, *numbers: int) -> str:
        """A constant vector of int64, as shapes and axes are."""
        return self.constant(np.array(numbers, "int64"))

    def cast(self, name: str, before: Any, after: Any) -> str:
        """The same numbers in another type."""
        return name if np.dtype(before) == np.dtype(after) else self.node("Cast", name, to=self.type_of(after))

    def type_of(self, dtype: Any) -> int:
        """ONNX's number for a type."""
        number: int = self.helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
        return number

    # -- transposes -------------------------------------------------------------------------------------------------

    def transpose(self, name: str, order: Sequence[int]) -> str:
        """The axes in another order; what an earlier transpose did is undone rather than done again."""
        order = tuple(order)
        if name in self.constants:
            return self.constant(self.constants[name].transpose(order), label=f"{name}/turned")
        source, before = self._turned.get(name, (name, tuple(range(len(order)))))
        whole = tuple(before[axis] for axis in order)
        if whole == tuple(range(len(whole))):
            return source
        key = ("transpose", source, whole)
        if key not in self._known:
            self._known[key] = self.node("Transpose", source, perm=list(whole))
            self._turned[self._known[key]] = (source, whole)
        return self._known[key]

    def turned(self, name: str) -> tuple[str, tuple[int, ...]] | None:
        """Of which array this is the transpose, and in which order of axes, if it is one."""
        return self._turned.get(name)

    # -- lengths ----------------------------------------------------------------------------------------------------

    def vector(self, numbers: Sequence[Extent], near: Sequence[Value] = ()) -> str:
        """A vector of int64 of which some numbers may follow from open axes.

        Args:
            near: arrays whose axes they probably follow from, beside the model's inputs.
        """
        if not any(isinstance(n, Length) for n in numbers):
            return self.integers(*(int(n) for n in numbers if not isinstance(n, Length)))
        parts = [self.length(n, near) if isinstance(n, Length) else self.integers(n) for n in numbers]
        return parts[0] if len(parts) == 1 else self.node("Concat", *parts, axis=0)

    def length(self, wanted: Length, near: Sequence[Value] = ()) -> str:
        """A vector of one number that follows from open axes: one of them, some multiplied, with a factor or a difference.

        Raises:
            SavingError: it follows in no such way.
        """
        axes: dict[Length, tuple[Value, int]] = {}
        for value in (*near, *self.recording.inputs):
            for axis, n in enumerate(value.shape):
                if isinstance(n, Length) and id(value) in self.names:
                    axes.setdefault(n, (value, axis))
        if wanted in axes:
            return self._measured(*axes[wanted])
        for count, shifted in ((1, False), (2, False), (3, False), (1, True), (2, True)):  # the simplest first
            for some in itertools.combinations(axes, count):
                product = Length(math.prod(parts) for parts in zip(*some, strict=True))
                found = _line(product, wanted)
                if found is not None and (shifted or not found[2]):
                    name = self._measured(*axes[some[0]])
                    for other in some[1:]:
                        name = self.node("Mul", name, self._measured(*axes[other]))
                    return self._on_line(name, *found)
        raise self.refuse(f"a length that was {wanted[0]}, then {wanted[1]}, follows from no open axis in a simple way")

    def _measured(self, value: Value, axis: int) -> str:
        key = ("length", id(value), axis)
        if key not in self._known:
            shape = self.node("Shape", self.names[id(value)], start=axis, end=axis + 1)
            self._known[key] = shape
        return self._known[key]

    def _on_line(self, name: str, factor: int, divisor: int, shift: int) -> str:
        """floor((factor x + shift) / divisor)"""
        if factor != 1:
            name = self.node("Mul", name, self.integers(factor))
        if shift:
            name = self.node("Add", name, self.integers(shift))
        return name if divisor == 1 else self.node("Div", name, self.integers(divisor))

    # -- what the steps read ------------------------------------------------------------------------------------------

    def given(self, value: Value) -> str:
        """The name of a value: an input, a result so far, or a constant.

        Raises:
            SavingError: a result that its translator left out, as places of largest numbers are, or gates.
        """
        if id(value) not in self.names:
            self.names[id(value)] = self._constant_of(value)
        if not self.names[id(value)]:
            raise self.refuse("it reads a result that another op has here, and not in ONNX")
        return self.names[id(value)]

    def _constant_of(self, value: Value) -> str:
        first = value.arrays[0]
        if not any(isinstance(n, Length) for n in value.shape):
            if any(not np.array_equal(first, other, equal_nan=first.dtype.kind in "fc") for other in value.arrays):
                raise self.refuse("a constant of it depends on how long its input is")
            return self.constant(first, label=value.label)
        name = self._filled(value) or self._counting(value) or self._triangle(value)
        if name is None:
            raise self.refuse("a constant of it, neither all equal nor counting, depends on how long its input is")
        return name

    def _filled(self, value: Value) -> str | None:
        """One number everywhere: states before the first step, masks of ones."""
        filling = value.arrays[0].flat[0]
        if any((a != filling).any() for a in value.arrays):
            return None
        return self.node("Expand", self.constant(filling, value.dtype), self.vector(value.shape))

    def _counting(self, value: Value) -> str | None:
        """0, 1, 2, ... along the only open axis: places, or steps in time, all others of length 1."""
        places = [axis for axis, n in enumerate(value.shape) if n != 1]
        if len(places) != 1:
            return None
        lines = [a.ravel() for a in value.arrays]
        start, step = lines[0][0], lines[0][1] - lines[0][0]
        if any((line != start + step * np.arange(line.size)).any() for line in lines):
            return None
        count = value.shape[places[0]]
        assert isinstance(count, Length)
        counted = self.cast(self.count_to(self.length(count)), "int64", value.dtype)
        if step != 1:
            counted = self.node("Mul", counted, self.constant(step, value.dtype))
        if start != 0:
            counted = self.node("Add", counted, self.constant(start, value.dtype))
        others = [axis for axis in range(len(value.shape)) if axis != places[0]]
        return self.node("Unsqueeze", counted, self.integers(*others)) if others else counted

    def _triangle(self, value: Value) -> str | None:
        """Ones on and below a diagonal (or above it), as the masks are that hide what is to come."""
        shape = value.shape
        if len(shape) < 2 or any(n != 1 for n in shape[:-2]):
            return None
        grids = [a.reshape(a.shape[-2:]) for a in value.arrays]
        for upper, offset in itertools.product((False, True), (0, 1, -1)):
            part = np.triu if upper else np.tril
            if all(np.array_equal(part(np.ones_like(grid), offset), grid) for grid in grids):
                ones = self.node("Expand", self.constant(1, "int32"), self.vector(shape))
                triangle = self.node("Trilu", ones, self.constant(offset, "int64"), upper=int(upper))
                return self.cast(triangle, "int32", value.dtype)
        return None

    def count_to(self, length: str) -> str:
        """0, 1, ... up to below a length (a vector of one number)."""
        end = self.node("Squeeze", length)
        return self.node("Range", self.constant(0, "int64"), end, self.constant(1, "int64"))

    def fixed(self, step: Step, place: int, what: str) -> Array | None:
        """The array of an input that must be known now, as weights are, in the type in which the op computes.

        Raises:
            SavingError: it is computed.
        """
        value = step.inputs[place]
        if value is None:
            return None
        if not value.given or any(isinstance(n, Length) for n in value.shape):
            raise self.refuse(f"its {what} is no weight but computed")
        return np.asarray(value.arrays[0], self.types(step)[place])

    def types(self, step: Step, numbers: Any = None) -> list[Any]:
        """The type that each input of an op is brought to before it computes, None for what is absent.

        Args:
            numbers: the type of bare Python numbers; that of the array they meet by default.
        """
        arrays = [x.arrays[0] if isinstance(x, Value) else x for x in step.inputs]
        promoted = step.op.promoted(arrays)
        kinds = [a.dtype for a in promoted if isinstance(a, np.ndarray)]
        meeting = numbers or (kinds[-1] if kinds else step.outputs[0].dtype)
        return [a.dtype if isinstance(a, np.ndarray) else None if a is None else meeting for a in promoted]

    def read(self, step: Step, numbers: Any = None) -> list[str]:
        """The names of an op's inputs, in the types in which it computes; "" for what is absent."""
        names = []
        for x, dtype in zip(step.inputs, self.types(step, numbers), strict=True):
            if x is None:
                names.append("")
            elif isinstance(x, Value):
                names.append(self.cast(self.given(x), x.dtype, dtype))
            elif isinstance(x, Length):
                whole = self.node("Squeeze", self.length(x))
                names.append(self.cast(whole, "int64", dtype))
            else:
                names.append(self.constant(x, dtype))
        return names


def _line(xs: Sequence[int], ys: Sequence[int]) -> tuple[int, int, int] | None:
    """factor, divisor, shift with floor((factor x + shift) / divisor) = y for all pairs, the divisor or the factor 1.

    >>> _line((8, 11, 9), (4, 5, 4)), _line((8, 11, 9), (17, 23, 19)), _line((8, 11, 9), (3, 3, 3))
    ((1, 2, 0), (2, 1, 1), None)
    """
    (x0, y0), (x1, y1) = min(zip(xs, ys, strict=True)), max(zip(xs, ys, strict=True))
    if x0 == x1 or y0 == y1:
        return None
    if (y1 - y0) % (x1 - x0) == 0:
        factor = (y1 - y0) // (x1 - x0)
        if all(factor * (x - x0) + y0 == y for x, y in zip(xs, ys, strict=True)):
            return factor, 1, y0 - factor * x0
    about = round((x1 - x0) / (y1 - y0))
    for divisor in {max(about + d, 2) for d in (-1, 0, 1)}:  # windows that step by 2, 3, ...
        shifts = range(-3 * divisor, divisor)
        fitting = [s for s in shifts if all((x + s) // divisor == y for x, y in zip(xs, ys, strict=True))]
        if len(fitting) == 1:  # several: which of them holds for other lengths is not known
            return 1, divisor, fitting[0]
    return None
