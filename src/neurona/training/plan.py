"""Plan: a step that a model repeats, worked out once.

The first call of a function runs as always, while a tape notes every op. From the tape a plan is made: a list of plain
calls on arrays with numbered places for what goes in and comes out, forwards and backwards; ops whose results nobody
needs are left out. Later calls with inputs of the same shapes only walk that list: no layers, no checks, no tape.

What is repeated are the ops, as in Keras's compiled steps: Python code in a layer (a print, a counter) runs in the first
call alone. Neighbours that one op can do in one pass become that op (`neurona.training.fusion`). An array is let go as
soon as its last reader is done, so the next op finds its memory free and still in the cache.

A function that lets plain Python look at a value (``if loss > 1``, ``float(x)``, ``x.numpy()``) cannot be repeated; the
plan says so, and the caller goes on step by step.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from neurona.row_gradient import added, as_whole
from neurona.symbolic import flatten, map_structure
from neurona.tape import Record, Tape, backpropagate
from neurona.tensor import Array, Tensor, wrap
from neurona.training.fusion import fused
from neurona.variable import ASSIGN, Variable

__all__ = ["Plan", "Signature", "signature_of"]

Signature = tuple[Any, ...]


def signature_of(*parts: Any) -> Signature:
    """What must be equal for a plan to fit: shapes and types, and how the arrays are nested.

    >>> signature_of({"a": np.zeros(3)}, None)
    ((('a', ((3,), dtype('float64'))),), None)
    """
    return tuple(map(_describe, parts))


def _describe(part: Any) -> Any:
    if part is None:
        return None
    if isinstance(part, np.ndarray):
        return part.shape, part.dtype
    if isinstance(part, dict):
        return tuple((key, _describe(part[key])) for key in sorted(part))
    return (type(part), *map(_describe, part))


class Plan:
    """A function of arrays that was run once and can be repeated.

    Args:
        function: takes the nested tensors of `inputs` and returns ``(loss or None, outputs)``.
        inputs: nested arrays (``None`` where absent) of its first call.
        variables: the trainable weights whose gradients are wanted, or a function that gives them: it is asked after
            the first call, which may have made some of them.
        start: gives the gradient of the loss itself, from the loss; asked at every call.

    Attributes:
        loss, outputs, gradients: the results of the first call, as arrays, until `let_go`.
        variables: those that the gradients belong to.
        unrepeatable: why it cannot be repeated, or ``None``.
    """

    def __init__(
        self,
        function: Callable[..., tuple[Any, Any]],
        inputs: tuple[Any, ...],
        variables: Sequence[Variable] | Callable[[], Sequence[Variable]] = (),
        start: Callable[[Array], Array] = np.ones_like,
    ) -> None:
        tensors = map_structure(lambda a: None if a is None else wrap(np.asarray(a)), inputs)
        with Tape(everything=True) as tape:
            loss, outputs = function(*tensors)
        self.loss = None if loss is None else loss.data
        self.outputs = map_structure(_data, outputs)
        self.gradients: list[Any] = []  # arrays, or a `RowGradient` for a table of which some rows were read
        self.variables = list(variables() if callable(variables) else variables)
        if self.variables:
            found = backpropagate(tape.records, {id(loss): start(loss.data)}, {id(v) for v in self.variables})
            self.gradients = [found.get(id(v)) for v in self.variables]
        self._start = start
        self.unrepeatable = tape.unrepeatable
        if self.unrepeatable is None:
            self._number(tape.records, tensors, loss, outputs, self.variables)

    def let_go(self) -> None:
        """Forget the results of the first call, which would stay in memory as long as the plan does."""
        self.loss = self.outputs = None
        self.gradients = []

    def _number(
        self, records: list[Record], inputs: Any, loss: Any, outputs: Any, variables: Sequence[Variable]
    ) -> None:
        """Give every tensor of the recording a place, and write the two lists of calls."""
        places: dict[int, int] = {}
        self._template: list[Any] = []  # what stands at each place before a step
        self._variables: list[tuple[int, Variable]] = []

        def place(x: Any) -> int:
            if not isinstance(x, Tensor):
                self._template.append(x)  # a number, an array or None: a constant of the step
                return len(self._template) - 1
            if id(x) not in places:
                places[id(x)] = len(self._template)
                self._template.append(x.data)
                if isinstance(x, Variable):
                    self._variables.append((places[id(x)], x))
            return places[id(x)]

        self._inputs = [place(t) for t in flatten(inputs)]
        needed = {id(t) for t in (loss, *flatten(outputs)) if isinstance(t, Tensor)}
        useful: list[Record] = []
        for record in reversed(records):
            made = record.outputs if type(record.outputs) is tuple else (record.outputs,)
            if record.op.stateful or any(id(t) in needed for t in made):
                useful.append(record)
                needed.update(id(t) for t in record.inputs if isinstance(t, Tensor))
        useful.reverse()
        useful = fused(useful, {id(t) for t in (loss, *flatten(outputs)) if isinstance(t, Tensor)})

        self._forward: list[tuple[Any, ...]] = []
        for record in useful:
            # raw arrays and lists were converted when recorded: those conversions are the constants
            given = [
                place(x if isinstance(x, Tensor) else a) for x, a in zip(record.inputs, record.arrays, strict=True)
            ]
            many = type(record.outputs) is tuple
            made_at = [place(t) for t in record.outputs] if many else place(record.outputs)
            compute = record.op.compute
            if record.op is ASSIGN:  # from here on the variable is what was assigned; who read it before keeps that
                compute = record.inputs[0].repeat_assignment
                places[id(record.inputs[0])] = places[id(record.outputs)]
            self._forward.append((compute, given, record.attributes, made_at))
        self._loss_place = None if loss is None else place(loss)
        self._outputs_places = map_structure(lambda t: None if t is None else place(t), outputs)
        results = [p for *_, made_at in self._forward for p in (made_at if isinstance(made_at, list) else [made_at])]
        for p in (*results, *self._inputs):
            self._template[p] = None  # nothing of a step is kept for the next

        self._backward: list[tuple[Any, ...]] = []
        wanted = {id(v) for v in variables}
        for record in useful:  # forwards: which tensors lie between the variables and the loss
            made = record.outputs if type(record.outputs) is tuple else (record.outputs,)
            if record.needs and any(id(x) in wanted for x in record.inputs if isinstance(x, Tensor)):
                wanted.update(id(t) for t in made)
        for (_, given, attributes, made_at), record in zip(reversed(self._forward), reversed(useful), strict=True):
            needs = tuple(n and id(x) in wanted for n, x in zip(record.needs, record.inputs, strict=False))
            if any(needs):
                targets = [
                    (i, given[i], record.inputs[i].data.dtype) for i, needed_here in enumerate(needs) if needed_here
                ]
                self._backward.append((record.op.backward, made_at, given, attributes, needs, targets))
        self._gradient_places = [places.get(id(v)) for v in variables]
        self._note_last_readers(set(results) - {self._loss_place, *flatten(self._outputs_places)})

    def _note_last_readers(self, passing: set[int]) -> None:
        """Write to each call, as its last part, the places among `passing` that nobody reads after it."""
        calls = [*self._forward, *self._backward]
        touched = [(*given, *_listed(made_at)) for _, given, _, made_at in self._forward]
        touched += [(*given, *_listed(made_at)) for _, made_at, given, *_ in self._backward]
        last = {place: i for i, touches in enumerate(touched) for place in touches}
        spent: list[list[int]] = [[] for _ in calls]
        for place in passing:
            spent[last[place]].append(place)
        count = len(self._forward)
        self._forward = [(*call, spent[i]) for i, call in enumerate(self._forward)]
        self._backward = [(*call, spent[count + i]) for i, call in enumerate(self._backward)]

    def __call__(self, inputs: Sequence[Any]) -> tuple[Any, Any, list[Any]]:
        """Repeat it on the flattened arrays of another batch: ``(loss, outputs, gradients)``."""
        values = self._template.copy()
        for place, array in zip(self._inputs, inputs, strict=True):
            values[place] = array
        for place, variable in self._variables:
            values[place] = variable.data
        for compute, given, attributes, made_at, spent in self._forward:
            y = compute([values[i] for i in given], attributes)
            if type(made_at) is list:
                for i, part in zip(made_at, y, strict=True):
                    values[i] = part
            else:
                values[made_at] = y
            for i in spent:
                values[i] = None
        loss = None if self._loss_place is None else values[self._loss_place]
        outputs = map_structure(lambda p: None if p is None else values[p], self._outputs_places)
        if not self._backward or self._loss_place is None:
            return loss, outputs, [None] * len(self._gradient_places)

        gradients: list[Any] = [None] * len(values)
        gradients[self._loss_place] = self._start(values[self._loss_place])
        for backward, made_at, given, attributes, needs, targets, spent in self._backward:
            if type(made_at) is list:
                g: Any = tuple(as_whole(gradients[i]) for i in made_at)
                if all(part is None for part in g):
                    continue
                for i in made_at:
                    gradients[i] = None
                y = tuple(values[i] for i in made_at)
            else:
                g = as_whole(gradients[made_at])
                if g is None:
                    continue
                y = values[made_at]
                gradients[made_at] = None
            results = backward(g, y, [values[i] for i in given], attributes, needs)
            for i, target, dtype in targets:
                dx = results[i]
                if dx is not None:
                    if dx.dtype != dtype:
                        dx = dx.astype(dtype)
                    before = gradients[target]
                    gradients[target] = dx if before is None else added(before, dx)
            for i in spent:
                values[i] = None
        return loss, outputs, [None if p is None else gradients[p] for p in self._gradient_places]


def _listed(place: Any) -> list[int]:
    return place if type(place) is list else [place]


def _data(leaf: Any) -> Any:
    return leaf.data if isinstance(leaf, Tensor) else leaf
