"""Op and Tape: automatic differentiation in reverse mode.

An `Op` is a pure function on arrays (the *reference*, which is its specification) with its gradient, its checked
cases and, where it pays, a compiled twin. A `Tape` is the list of the ops applied while it runs; walking it backwards
gives the gradients:

>>> from neurona import ops
>>> x = Tensor([1.0, 2.0, 3.0])
>>> with Tape() as tape:
...     tape.watch(x)
...     y = ops.sum(x * x)
>>> tape.gradient(y, x)
Tensor([2., 4., 6.], dtype=float32)

Source: Griewank & Walther, "Evaluating Derivatives" (2008), chapter 3; the list of operations is Wengert's (1964).
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable, Sequence
from types import TracebackType
from typing import Any

import numpy as np

from neurona import allowance, config, kernels
from neurona.cases import Case, Failure
from neurona.errors import DTypeError, GradientError, NeuronaError, ShapeError
from neurona.row_gradient import RowGradient, added, as_whole
from neurona.symbolic import KerasTensor, call_symbolically, flatten, has_symbolic, map_structure
from neurona.tensor import Arrays, Tensor, TensorLike, as_array, running, wrap

__all__ = [
    "OPS",
    "Composed",
    "Op",
    "Record",
    "Tape",
    "backpropagate",
    "common_dtype",
    "composed",
    "op",
    "stacked",
    "value_and_grad",
]

Attributes = dict[str, Any]
Reference = Callable[..., Any]


class Drawable:
    """A function that can be called on placeholders, which tries it out on stand-ins to see the result's shape."""

    drawing: Reference | None = None

    def drawn(self, function: Reference) -> Reference:
        """Declare how it is drawn where stand-ins cannot tell: its own arguments, symbolic tensors as they are; returns
        the outputs as symbolic tensors, or ``NotImplemented`` where stand-ins can tell."""
        self.drawing = function
        return function


class Op(Drawable):
    """A differentiable function on arrays, made by the decorator `op`; calling it takes and gives tensors.

    Which arguments are tensors is read from the reference's annotations: ``Array`` or ``Array | None`` for one,
    ``Arrays`` (first argument only) for a list of them; the remaining arguments are plain settings (*attributes*).
    """

    def __init__(
        self,
        reference: Reference,
        cases: Sequence[Case],
        errors: Sequence[Failure],
        promote: str | None,
        stateful: bool,
    ) -> None:
        functools.update_wrapper(self, reference)
        self.name = reference.__name__
        self.reference, self.cases, self.errors, self.stateful = reference, tuple(cases), tuple(errors), stateful
        self._promote = _PROMOTIONS[promote]
        self._signature = inspect.signature(reference)
        notes = [str(p.annotation) for p in self._signature.parameters.values()]
        self.variadic = bool(notes) and notes[0] == "Arrays"
        self.n_inputs = 1 if self.variadic else sum(note in ("Array", "Array | None") for note in notes)
        self._attributes = tuple(self._signature.parameters)[self.n_inputs :]
        self._gradient: Reference | None = None
        self._gradient_needs = False
        self._fast: Reference | None = None
        self._fast_gradient: Reference | None = None

    # -- how an op is completed, below its reference ---------------------------------------------------------

    def gradient(self, function: Reference) -> Reference:
        """Declare the gradient: ``(g, y, *inputs, **attributes) -> one array for each input`` (or ``None``).

        `g` is the gradient of the output `y` (tuples of both where the op has several outputs; a ``None`` in `g`
        stands for an output that nothing used). With one input the array itself may be returned. A function that
        wants to save work declares a keyword `needs`: one bool for each input.
        """
        self._gradient = function
        self._gradient_needs = "needs" in inspect.signature(function).parameters
        return function

    def fast(self, function: Reference) -> Reference:
        """Declare the compiled twin: the reference's arguments, and ``NotImplemented`` where it is not its case."""
        self._fast = function
        return function

    def fast_gradient(self, function: Reference) -> Reference:
        """Declare the compiled gradient: ``(g, y, *inputs, needs, **attributes)``, or ``NotImplemented``."""
        self._fast_gradient = function
        return function

    @property
    def differentiable(self) -> bool:
        return self._gradient is not None

    @property
    def has_fast_twin(self) -> bool:
        return self._fast is not None

    def default_of(self, attribute: str) -> Any:
        """What a setting is when a call does not name it."""
        return self._signature.parameters[attribute].default

    # -- on arrays ----------------------------------------------------------------------------------------------

    def promoted(self, arrays: Arrays) -> Arrays:
        """The inputs in the types in which the op computes."""
        return arrays if self._promote is None else self._promote(arrays)

    def compute(self, arrays: Arrays, attributes: Attributes) -> Any:
        """The output array (or tuple of arrays) for input arrays."""
        if self._fast is not None and kernels.native is not None:
            y = self._fast(arrays, **attributes) if self.variadic else self._fast(*arrays, **attributes)
            if y is not NotImplemented:  # it takes nothing whose type would have to change
                return y
        arrays = self.promoted(arrays)
        y = self.reference(arrays, **attributes) if self.variadic else self.reference(*arrays, **attributes)
        if isinstance(y, tuple):
            return tuple(map(np.asarray, y))
        return y if isinstance(y, np.ndarray) else np.asarray(y)

    def backward(self, g: Any, y: Any, arrays: Arrays, attributes: Attributes, needs: Sequence[bool]) -> Any:
        """The gradient of each input array, given the output's."""
        inputs = (arrays,) if self.variadic else arrays
        if self._fast_gradient is not None and kernels.native is not None:
            result = self._fast_gradient(g, y, *inputs, needs=needs, **attributes)
            if result is not NotImplemented:
                return result if isinstance(result, (tuple, list)) else (result,)
        if self._gradient is None:
            raise GradientError(f"The op '{self.name}' has no gradient.")
        if self._gradient_needs:
            result = self._gradient(g, y, *inputs, needs=needs, **attributes)
        else:
            result = self._gradient(g, y, *inputs, **attributes)
        return result if isinstance(result, (tuple, list)) else (result,)

    # -- on tensors ---------------------------------------------------------------------------------------------

    def __call__(self, *args: Any, **attributes: Any) -> Any:
        if len(args) < self.n_inputs or len(args) > self.n_inputs:
            args, attributes = self._bind(args, attributes)
        inputs: Sequence[Any] = args[0] if self.variadic else args
        if any(type(x) is list or type(x) is tuple for x in inputs):
            inputs = [_joined(x) for x in inputs]  # a list may hold tensors, whose gradients must not be lost
        elif self.variadic and not isinstance(inputs, (list, tuple)):
            inputs = list(inputs)
        arrays: list[Any] = []
        tracked = False
        for x in inputs:
            if isinstance(x, Tensor):
                arrays.append(x.data)
                tracked = tracked or x.tracked
            elif x is None or type(x) in _PYTHON_NUMBERS:
                arrays.append(x)  # numbers stay numbers: they take the type of the array they meet
            elif isinstance(x, KerasTensor):
                return call_symbolically(self, self, args, attributes, self.drawing)
            else:
                if has_symbolic(x):
                    return call_symbolically(self, self, args, attributes, self.drawing)
                if isinstance(x, (list, tuple)) and any(isinstance(leaf, Tensor) for leaf in flatten(x)):
                    return self._stacked(inputs, attributes)
                arrays.append(as_array(x))
        try:
            y = self.compute(arrays, attributes)
        except (TypeError, ValueError) as error:
            self._refuse_texts(arrays, error)
            raise
        if allowance.in_force:
            allowance.ask_step()
            for result in y if type(y) is tuple else (y,):
                allowance.ask_array(result.shape, f"the result of {self.name}")
        outputs: Any = tuple(map(wrap, y)) if type(y) is tuple else wrap(y)
        tapes = running.stack
        if tapes:
            tracked = tracked and self._gradient is not None
            for tape in tapes:
                if tape.everything and any(isinstance(leaf, Tensor) for leaf in flatten(attributes)):
                    tape.unrepeatable = tape.unrepeatable or f"the setting of an op ({self.name}) is a tensor"
                if tracked or tape.everything:
                    needs = tuple(isinstance(x, Tensor) and x.tracked for x in inputs) if tracked else ()
                    tape.records.append(Record(self, tuple(inputs), arrays, attributes, outputs, needs))
            if tracked:
                for out in outputs if type(outputs) is tuple else (outputs,):
                    out.tracked = out.data.dtype.kind == "f"
        return outputs

    def _refuse_texts(self, arrays: Arrays, error: Exception) -> None:
        """Say it better where NumPy stumbled over texts."""
        texts = any(isinstance(x, np.ndarray) and x.dtype.kind in "OSU" for x in arrays)
        if texts and not isinstance(error, NeuronaError):
            raise DTypeError(
                f"The op '{self.name}' expected numbers, received texts ({error}). Turn them into numbers first, with "
                "TextVectorization or StringLookup."
            ) from error

    def _stacked(self, inputs: Sequence[Any], attributes: Attributes) -> Any:
        """Itself on the inputs, of which some are lists that hold tensors: these are stacked, so gradients flow."""
        whole = [stacked(x) if isinstance(x, (list, tuple)) else x for x in inputs]
        return self(whole, **attributes) if self.variadic else self(*whole, **attributes)

    def _bind(self, args: tuple[Any, ...], attributes: Attributes) -> tuple[tuple[Any, ...], Attributes]:
        """Split a call that mixes positions and keywords into the inputs and the attributes."""
        try:
            bound = self._signature.bind(*args, **attributes)
        except TypeError as error:
            raise DTypeError(f"{self.name}{self._signature}: {error}.") from None
        given = bound.arguments
        names = tuple(self._signature.parameters)[: self.n_inputs]
        inputs = tuple(given.pop(name, self._signature.parameters[name].default) for name in names)
        return inputs, given

    def __repr__(self) -> str:
        return f"<op {self.name}>"


def _joined(x: Any) -> Any:
    """A list that holds tensors as one tensor; anything else as it is."""
    if isinstance(x, (list, tuple)) and any(isinstance(leaf, Tensor) for leaf in flatten(x)):
        return OPS["stack"]([_joined(item) for item in x])
    return x


class Composed(Drawable):
    """A function of tensors made of ops, made by the decorator `composed`: checked and drawn like an op."""

    def __init__(self, function: Reference, cases: Sequence[Case], errors: Sequence[Failure]) -> None:
        functools.update_wrapper(self, function)
        self.name = function.__name__
        self.function, self.cases, self.errors = function, tuple(cases), tuple(errors)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if has_symbolic(args) or has_symbolic(kwargs):
            return call_symbolically(self, self.function, args, kwargs, self.drawing)
        return self.function(*args, **kwargs)

    def __repr__(self) -> str:
        return f"<composed op {self.name}>"


OPS: dict[str, Op | Composed] = {}


def op(
    *,
    cases: Sequence[Case] = (),
    errors: Sequence[Failure] = (),
    promote: str | None = None,
    stateful: bool = False,
) -> Callable[[Reference], Op]:
    """Decorator: make an `Op` of a readable function on arrays and enter it in the table `OPS`.

    Args:
        cases: inputs on which the contract test checks it; at least one.
        errors: calls that must fail, and the text that must be told.
        promote: "binary" brings arrays of different types to their common type (Keras's lattice), "float" turns
            integers into `floatx` (both: "binary float"; with "wide" those of 64 bits into floats of 64, as Keras
            does for some ops); ``None`` leaves types to NumPy.
        stateful: it reads or changes something besides its inputs (an assignment, a random generator).
    """

    def decorate(reference: Reference) -> Op:
        made = Op(reference, cases, errors, promote, stateful)
        OPS[made.name] = made
        return made

    return decorate


def composed(*, cases: Sequence[Case] = (), errors: Sequence[Failure] = ()) -> Callable[[Reference], Composed]:
    """Decorator: enter a function of tensors that is made of ops in the table `OPS`, with its cases."""

    def decorate(function: Reference) -> Composed:
        made = Composed(function, cases, errors)
        OPS[made.name] = made
        return made

    return decorate


def stacked(structure: Any) -> Any:
    """One tensor of nested lists that hold tensors."""
    if isinstance(structure, (list, tuple)):
        return OPS["stack"]([stacked(item) for item in structure])
    return structure


# -- types that meet --------------------------------------------------------------------------------------------

_PYTHON_NUMBERS = frozenset({int, float, bool})


@functools.cache
def common_dtype(*dtypes: str) -> str:
    """The type in which numbers of several types meet: the lattice of Keras and JAX, where floats win.

    >>> common_dtype("int64", "float32"), common_dtype("bool", "uint8"), common_dtype("int8", "uint8")
    ('float32', 'uint8', 'int16')
    """
    floats = [d for d in dtypes if np.dtype(d).kind == "f"]
    return np.result_type(*(floats or dtypes)).name


def _to_common(arrays: Sequence[Any]) -> Sequence[Any]:
    """Bring the arrays to one type; bare Python numbers only lift integers to `floatx` when they are floats."""
    kinds = [a.dtype for a in arrays if isinstance(a, np.ndarray)]
    if not kinds:
        return _to_common([as_array(a) for a in arrays]) if arrays else arrays
    target = kinds[0]
    if any(k is not target for k in kinds):
        target = np.dtype(common_dtype(*(k.name for k in kinds)))
    if len(kinds) < len(arrays):
        numbers = {type(a) for a in arrays if type(a) in _PYTHON_NUMBERS}
        if float in numbers and target.kind != "f":
            target = np.dtype(config.floatx())
        elif int in numbers and target.kind == "b":
            target = np.dtype("int32")
    return [a.astype(target) if isinstance(a, np.ndarray) and a.dtype is not target else a for a in arrays]


def _to_float(arrays: Sequence[Any]) -> Sequence[Any]:
    """Turn integers and bare numbers into `floatx`."""
    return [
        a if a is None or (isinstance(a, np.ndarray) and a.dtype.kind in "fc") else np.asarray(a, config.floatx())
        for a in arrays
    ]


def _to_common_float(arrays: Sequence[Any]) -> Sequence[Any]:
    """Both: to the common type, integers to `floatx`; bare numbers beside an array follow its type."""
    return [
        a.astype(config.floatx()) if isinstance(a, np.ndarray) and a.dtype.kind not in "fc" else a
        for a in _to_common(arrays)
    ]


def _to_wide_float(arrays: Sequence[Any]) -> Sequence[Any]:
    """As `_to_float`, but whole numbers of 64 bits become floats of 64."""
    return _to_float([a.astype("float64") if isinstance(a, np.ndarray) and a.dtype == "int64" else a for a in arrays])


def _to_common_wide_float(arrays: Sequence[Any]) -> Sequence[Any]:
    """As `_to_common_float`, but whole numbers of 64 bits become floats of 64."""
    common = _to_common(arrays)
    wide = [a.astype("float64") if isinstance(a, np.ndarray) and a.dtype == "int64" else a for a in common]
    return _to_common_float(wide)


_PROMOTIONS: dict[str | None, Callable[[Sequence[Any]], Sequence[Any]] | None] = {
    None: None,
    "binary": _to_common,
    "float": _to_float,
    "binary float": _to_common_float,
    "wide float": _to_wide_float,
    "binary wide float": _to_common_wide_float,
}


# -- the tape ---------------------------------------------------------------------------------------------------


class Record:
    """One applied op: which, on what, with what result, and which inputs a gradient may flow to (empty: none)."""

    __slots__ = ("arrays", "attributes", "inputs", "needs", "op", "outputs")

    def __init__(
        self,
        op: Op,
        inputs: tuple[Any, ...],
        arrays: Arrays,
        attributes: Attributes,
        outputs: Any,
        needs: tuple[bool, ...],
    ) -> None:
        self.op, self.inputs, self.arrays = op, inputs, arrays
        self.attributes, self.outputs, self.needs = attributes, outputs, needs


class Tape:
    """The ops applied while it runs, in order; `gradient` walks them backwards.

    Trainable variables are followed by themselves, other tensors after `watch`.

    Args:
        everything: also record ops that no gradient flows through, so that the whole computation can be repeated.
    """

    def __init__(self, everything: bool = False) -> None:
        self.records: list[Record] = []
        self.everything = everything
        self.unrepeatable: str | None = None  # why a recording cannot be repeated, if so
        self._watched: list[tuple[Tensor, bool]] = []

    def __enter__(self) -> Tape:
        running.stack = (*running.stack, self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        running.stack = tuple(tape for tape in running.stack if tape is not self)
        for tensor, before in self._watched:
            tensor.tracked = before

    def watch(self, *tensors: Tensor) -> None:
        """Follow these tensors until the tape ends."""
        for tensor in tensors:
            if tensor.data.dtype.kind != "f":
                raise GradientError(f"Only floats have gradients. Received: dtype {tensor.data.dtype.name}.")
            self._watched.append((tensor, tensor.tracked))
            tensor.tracked = True

    def gradient(self, target: Tensor, sources: Any, output_gradient: TensorLike | None = None) -> Any:
        """The gradients of `target` with respect to `sources`, in the same nesting.

        Args:
            target: a tensor computed while the tape ran; usually a loss of no axes.
            sources: a tensor, or nested lists, tuples or dicts of tensors.
            output_gradient: the gradient to start from, of `target`'s shape; ones by default.

        Returns:
            a Tensor for each source (of the table of an embedding a `RowGradient`, which is one); ``None`` where
            `target` does not depend on it.
        """
        leaves = flatten(sources)
        seed = np.ones_like(target.data) if output_gradient is None else as_array(output_gradient, target.dtype)
        if seed.shape != target.shape:
            raise ShapeError(f"output_gradient must have shape {target.shape}. Received: {seed.shape}.")
        found = backpropagate(self.records, {id(target): seed}, {id(s) for s in leaves})
        return map_structure(lambda s: _as_gradient(found[id(s)]) if id(s) in found else None, sources)


def _as_gradient(g: Any) -> Tensor:
    return g if isinstance(g, Tensor) else wrap(g)


def backpropagate(records: Sequence[Record], gradients: dict[int, Any], keep: Iterable[int] = ()) -> dict[int, Any]:
    """Walk the records backwards, from the gradients (by the tensors' ids) that are known to those wanted.

    Each is an array, or a `RowGradient` where only some rows of the tensor were read.
    """
    keep = frozenset(keep)
    for tape in running.stack:
        if tape.everything:
            tape.unrepeatable = tape.unrepeatable or "a gradient is computed within the step"
    for record in reversed(records):
        if not record.needs:
            continue
        outputs = record.outputs
        if type(outputs) is tuple:
            g: Any = tuple(as_whole(gradients.get(id(out))) for out in outputs)
            if all(part is None for part in g):
                continue
            y: Any = tuple(out.data for out in outputs)
        else:
            g = as_whole(gradients.get(id(outputs)) if id(outputs) in keep else gradients.pop(id(outputs), None))
            if g is None:
                continue
            y = outputs.data
        results = record.op.backward(g, y, record.arrays, record.attributes, record.needs)
        for x, needed, dx in zip(record.inputs, record.needs, results, strict=True):
            if needed and dx is not None:
                if type(dx) is not RowGradient and (type(dx) is not np.ndarray or dx.dtype != x.data.dtype):
                    dx = np.asarray(dx, x.data.dtype)  # NumPy gives scalars where there are no axes
                before = gradients.get(id(x))
                gradients[id(x)] = dx if before is None else added(before, dx)
    return gradients


def value_and_grad(function: Callable[..., Any], argnums: int | Sequence[int] = 0) -> Callable[..., tuple[Any, Any]]:
    """A function that gives both the value of `function` and its gradient.

    Args:
        function: takes tensors (or nested structures of them) and returns a tensor of no axes.
        argnums: the position of the argument to differentiate by, or several.

    Returns:
        a function of the same arguments: ``(value, gradient)``, the gradient nested as the argument is
        (a tuple of them when `argnums` is a sequence).

    >>> from neurona import ops
    >>> value, slope = value_and_grad(lambda x: ops.sum(x ** 3))(Tensor([1.0, 2.0]))
    >>> float(value), slope
    (9.0, Tensor([ 3., 12.], dtype=float32))
    """

    def run(*args: Any, **kwargs: Any) -> tuple[Any, Any]:
        chosen = [argnums] if isinstance(argnums, int) else list(argnums)
        arguments = list(args)
        for i in chosen:
            arguments[i] = map_structure(_as_source, arguments[i])
        with Tape() as tape:
            tape.watch(*(leaf for i in chosen for leaf in flatten(arguments[i])))
            value = function(*arguments, **kwargs)
        if not isinstance(value, Tensor) or value.ndim != 0:
            got = f"shape {value.shape}" if isinstance(value, Tensor) else type(value).__name__
            raise GradientError(f"value_and_grad expected a function that returns a tensor of no axes, received {got}.")
        sources = [arguments[i] for i in chosen]
        leaves = flatten(sources)
        found = backpropagate(tape.records, {id(value): np.ones_like(value.data)}, {id(s) for s in leaves})

        def gradient_of(source: Tensor) -> Tensor:
            g = found.get(id(source))
            return wrap(np.zeros_like(source.data)) if g is None else _as_gradient(g)

        gradients = [map_structure(gradient_of, source) for source in sources]
        return value, gradients[0] if isinstance(argnums, int) else tuple(gradients)

    return run


def _as_source(value: TensorLike) -> Tensor:
    """A tensor of its own for the leaf of an argument, so that one array used twice is two sources."""
    if type(value) is not Tensor and isinstance(value, Tensor):
        return value  # a Variable is its own source
    array = as_array(value)
    return wrap(array if array.dtype.kind == "f" else array.astype(config.floatx()))
