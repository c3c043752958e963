"""Gradients and control flow: `tf.GradientTape`, `tf.function`, `tf.cond`, `tf.while_loop`, `tf.map_fn`.

>>> from neurona.programs.tf.arrays import constant
>>> x = constant([1.0, 2.0])
>>> with GradientTape() as tape:
...     tape.watch(x)
...     y = x * x
>>> tape.gradient(y, x).numpy()
array([2., 4.], dtype=float32)
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from neurona import ops
from neurona.errors import GradientError, UnansweredError
from neurona.programs.tf import second_order
from neurona.programs.tf.arrays import Result
from neurona.symbolic import flatten, map_structure
from neurona.tape import Tape
from neurona.tensor import Tensor, TensorLike, as_array, as_tensor, running, stop_recording, wrap

__all__ = [
    "GradientTape",
    "Module",
    "UnconnectedGradients",
    "cond",
    "custom_gradient",
    "function",
    "group",
    "map_fn",
    "numpy_function",
    "py_function",
    "scan",
    "stop_gradient",
    "vectorized_map",
    "while_loop",
]


class UnconnectedGradients:
    """What `GradientTape.gradient` gives for a source on which the target does not depend."""

    NONE = "none"
    ZERO = "zero"


class GradientTape:
    """The ops applied while it runs, to be walked backwards.

    Args:
        persistent: whether `gradient` may be asked more than once.
        watch_accessed_variables: accepted; trainable variables are always followed.
    """

    def __init__(self, persistent: bool = False, watch_accessed_variables: bool = True) -> None:
        self._persistent = persistent
        self._tape = Tape()
        self._used = False

    def __enter__(self) -> GradientTape:
        self._tape.__enter__()
        return self

    def __exit__(self, *stopped: Any) -> None:
        self._tape.__exit__(*stopped)

    def watch(self, tensor: Any) -> None:
        """Follow a tensor, or several in nested lists, until the tape ends."""
        self._tape.watch(*flatten(tensor))

    def watched_variables(self) -> tuple[Tensor, ...]:
        """The trainable variables that were used."""
        used = {id(x): x for record in self._tape.records for x in record.inputs if getattr(x, "trainable", False)}
        return tuple(used.values())

    def stop_recording(self) -> stop_recording:
        """A context in which nothing is recorded."""
        return stop_recording()

    def reset(self) -> None:
        """Forget what was recorded."""
        self._tape.records.clear()

    def gradient(
        self,
        target: Any,
        sources: Any,
        output_gradients: Any = None,
        unconnected_gradients: str = UnconnectedGradients.NONE,
    ) -> Any:
        """The gradients of the sum of the targets with respect to the sources, nested as these are.

        Raises:
            GradientError: asked a second time without ``persistent=True``.
            UnansweredError: another tape runs, and an op is not among those whose gradient it can differentiate.
        """
        self._use()
        return self._gradient(target, sources, output_gradients, unconnected_gradients)

    def _use(self) -> None:
        if self._used and not self._persistent:
            raise GradientError("A GradientTape gives gradients once; make it with persistent=True to ask again.")
        self._used = True

    def _is_observed(self) -> bool:
        """Whether another tape runs, which may be asked for the gradient of the gradient."""
        return any(tape is not self._tape and not tape.everything for tape in running.stack)

    def _gradient(self, target: Any, sources: Any, output_gradients: Any, unconnected_gradients: str) -> Any:
        starts = flatten(output_gradients) if output_gradients is not None else None
        total: list[Any] = [None] * len(flatten(sources))
        for place, leaf in enumerate(flatten(target)):
            if leaf is None:
                continue
            start = None if starts is None else starts[place]
            if self._is_observed():
                found = second_order.gradient(self._tape.records, leaf, flatten(sources), start)
            else:
                found = self._tape.gradient(leaf, flatten(sources), start)
            total = [b if a is None else a if b is None else ops.add(a, b) for a, b in zip(total, found, strict=True)]
        if unconnected_gradients == UnconnectedGradients.ZERO:
            total = [
                wrap(np.zeros_like(source.data)) if g is None else g
                for g, source in zip(total, flatten(sources), strict=True)
            ]
        given = iter(total)
        return map_structure(lambda _: next(given), sources)

    def jacobian(self, target: Tensor, sources: Any, **settings: Any) -> Any:
        """The gradient of every number of the target: of shape target + source."""
        self._use()
        if self._is_observed():
            raise UnansweredError("tensorflow.GradientTape.jacobian within another tape", "Ask it after that tape.")
        rows = []
        for place in np.ndindex(target.shape):
            start = np.zeros(target.shape, target.data.dtype)
            start[place] = 1
            rows.append(flatten(self._gradient(target, sources, start, UnconnectedGradients.ZERO)))
        whole = [
            wrap(np.stack([as_array(g) for g in column]).reshape(*target.shape, *column[0].shape))
            for column in zip(*rows, strict=True)
        ]
        given = iter(whole)
        return map_structure(lambda _: next(given), sources)


def function(func: Callable[..., Any] | None = None, **settings: Any) -> Any:
    """The function itself: there are no graphs to compile it into.

    >>> @function(jit_compile=True)
    ... def twice(x):
    ...     return 2 * x
    >>> twice(3)
    6
    """
    return (lambda inner: inner) if func is None else func


class Module:
    """A base class for things that hold variables.

    >>> from neurona.programs.tf.arrays import Variable
    >>> class Line(Module):
    ...     def __init__(self):
    ...         super().__init__()
    ...         self.slope = Variable(1.0)
    >>> len(Line().trainable_variables)
    1
    """

    def __init__(self, name: str | None = None) -> None:
        self._name = name

    @property
    def name(self) -> str:
        return self._name or type(self).__name__.lower()

    @property
    def variables(self) -> tuple[Any, ...]:
        """The variables in it, and in what it holds."""
        found: dict[int, Any] = {}
        waiting: list[Any] = list(vars(self).values())
        while waiting:
            thing = waiting.pop(0)
            if isinstance(thing, Tensor) and hasattr(thing, "assign"):
                found.setdefault(id(thing), thing)
            elif isinstance(thing, (list, tuple)):
                waiting += thing
            elif isinstance(thing, dict):
                waiting += thing.values()
            elif hasattr(thing, "variables"):
                waiting += thing.variables
        return tuple(found.values())

    @property
    def trainable_variables(self) -> tuple[Any, ...]:
        """Those that training changes."""
        return tuple(v for v in self.variables if v.trainable)


def cond(pred: TensorLike, true_fn: Callable[[], Any], false_fn: Callable[[], Any], name: str | None = None) -> Any:
    """What one of two functions gives."""
    return ops.cond(pred, true_fn, false_fn)


def while_loop(
    cond: Callable[..., Any], body: Callable[..., Any], loop_vars: Any, shape_invariants: Any = None,
    parallel_iterations: int = 10, back_prop: bool = True, swap_memory: bool = False,
    maximum_iterations: int | None = None, name: str | None = None,
) -> Any:  # fmt: skip
    """`body` repeated as long as `cond` says yes."""
    return ops.while_loop(cond, body, loop_vars, maximum_iterations)


def map_fn(fn: Callable[[Any], Any], elems: Any, *old: Any, **settings: Any) -> Any:
    """What a function makes of each row, stacked."""
    rows = zip(*flatten(elems), strict=True) if isinstance(elems, (list, tuple)) else iter(as_tensor(elems))
    made = [fn(row) for row in rows]
    if isinstance(made[0], (list, tuple)):
        return type(made[0])(ops.stack(list(column)) for column in zip(*made, strict=True))
    return ops.stack(made)


def vectorized_map(fn: Callable[[Any], Any], elems: Any, fallback_to_while_loop: bool = True, warn: bool = True) -> Any:
    """As `map_fn`."""
    return map_fn(fn, elems)


def scan(fn: Callable[[Any, Any], Any], elems: TensorLike, initializer: Any = None, **settings: Any) -> Any:
    """All the states through which the rows take one, stacked."""
    rows = list(as_tensor(elems))
    state = rows.pop(0) if initializer is None else initializer
    states = [state] if initializer is None else []
    for row in rows:
        state = fn(state, row)
        states.append(state)
    return ops.stack(states)


def stop_gradient(input: TensorLike, name: str | None = None) -> Result:
    """The same values; no gradient flows through."""
    return ops.stop_gradient(input)


def custom_gradient(f: Callable[..., Any]) -> Callable[..., Any]:
    """A function ``(*inputs) -> (output, gradient function)`` as one of its output, with that gradient."""
    return ops.custom_gradient(f)


def py_function(func: Callable[..., Any], inp: Any, Tout: Any = None, name: str | None = None) -> Any:
    """What plain Python makes of tensors."""
    found = func(*inp)
    return list(map(as_tensor, found)) if isinstance(found, (list, tuple)) else as_tensor(found)


def numpy_function(
    func: Callable[..., Any], inp: Any, Tout: Any = None, stateful: bool = True, name: Any = None
) -> Any:
    """What plain Python makes of arrays."""
    return py_function(func, [x.numpy() if isinstance(x, Tensor) else x for x in inp])


def group(*inputs: Any, name: str | None = None) -> None:
    """Nothing is left to do: what was called has happened."""
