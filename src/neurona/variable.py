"""Variable: a tensor with a name whose value changes; a weight, or a layer's state."""

from __future__ import annotations

import functools
import sys
import threading
from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from neurona import allowance, config, deferred
from neurona.cases import Case
from neurona.errors import ArgumentError, DTypeError, ShapeError
from neurona.names import auto_name, current_path
from neurona.symbolic import Shape
from neurona.tape import op
from neurona.tensor import Array, Arrays, Tensor, TensorLike, as_array, running, stop_recording

__all__ = ["ASSIGN", "Variable", "stateless"]


class _Keeper(Protocol):
    """What a scope in which assignments do not last can do."""

    def keep(self, variable: Variable) -> None: ...


class _Stateless(threading.local):
    """The scopes of this thread in which assignments do not last, the outermost first."""

    stack: tuple[_Keeper, ...] = ()


stateless = _Stateless()


@op(cases=[Case("N C")])
def _copy(x: Array) -> Array:
    """A copy."""
    return x.copy()


@_copy.gradient
def _copy_gradient(g: Array, y: Array, x: Array) -> Array:
    return g


@op(cases=[Case("N C", "N C")], stateful=True)
def _assign(target: Array, value: Array) -> Array:
    """The value that `target` has from now on, in memory of its own: what was computed with the old one keeps it."""
    return np.array(value, target.dtype, order="C")


ASSIGN = _assign  # by it a plan knows an assignment among the recorded ops


def _drawn(initializer: Any, shape: Shape, kind: str, dtype: npt.DTypeLike | None) -> Array:
    """What an initializer gives, in memory of its own; in the type that was asked for, if one was."""
    with stop_recording():
        return np.array(as_array(as_array(initializer(shape, dtype=kind)), dtype), order="C")


class Variable(Tensor):
    """A tensor with a name whose value changes: a weight, or a layer's state.

    Args:
        initializer: an array, a function ``(shape, dtype) -> tensor or array``, or the name of one ("zeros").
        shape: needed when `initializer` is a function.
        dtype: `floatx` for a function, the value's own for an array.
        trainable: whether training may change it; only then a tape follows it by itself.
        name: the last part of its path; "variable", "variable_1", ... by default.
        regularizer, constraint: what the layer that owns it adds to the loss, and applies after each update.
        autocast, aggregation, synchronization, layout: accepted for Keras's sake.
    """

    __slots__ = (
        "_declared_trainable", "_overwrite", "_trainable", "constraint", "initializer", "name", "path", "regularizer",
    )  # fmt: skip

    def __init__(
        self,
        initializer: Any,
        shape: Shape | None = None,
        dtype: npt.DTypeLike | None = None,
        trainable: bool = True,
        autocast: bool = True,
        aggregation: str = "none",
        synchronization: str = "auto",
        name: str | None = None,
        layout: Any = None,
        *,
        regularizer: Any = None,
        constraint: Any = None,
    ) -> None:
        name = auto_name("variable") if name is None else name
        if not isinstance(name, str) or "/" in name:
            raise ArgumentError(
                f"Argument `name` must be a string and cannot contain character `/`. Received: name={name}"
            )
        if isinstance(initializer, str):
            initializer = sys.modules["neurona"].initializers.get(initializer)  # the front door knows where they are
        if callable(initializer) and not isinstance(initializer, Tensor):
            if shape is None:
                raise ArgumentError(
                    "When creating a Variable from an initializer, the `shape` argument should be specified. "
                    f"Received: initializer={initializer} and shape={shape}"
                )
            kind = np.dtype(dtype or config.floatx())
            allowance.ask_variable(shape, kind.itemsize)
            draw = functools.partial(_drawn, initializer, tuple(shape), kind.name, dtype)
            waits = type(self) is Variable and deferred.may_wait(initializer)
            super().__init__(np.zeros(shape, kind) if waits else draw())
        else:
            waits = False
            super().__init__(np.array(as_array(initializer, dtype), order="C"))  # its own memory
        self.initializer = initializer
        self.name = name
        scope = current_path()
        self.path = f"{scope}/{name}" if scope else name
        self.regularizer, self.constraint = regularizer, constraint
        self._overwrite = False
        self._declared_trainable = trainable  # what it is when its layer is not frozen
        self._trainable = self.tracked = trainable and self.data.dtype.kind == "f"
        if waits:
            _wait(self, draw)

    @property
    def dtype(self) -> Any:  # Keras's variables name their dtype with a string
        return self.data.dtype.name

    @property
    def trainable(self) -> bool:
        return self._trainable

    @trainable.setter
    def trainable(self, value: bool) -> None:
        self._trainable = bool(value)
        self.tracked = self._trainable and self.dtype.startswith("float")

    @property
    def overwrite_with_gradient(self) -> bool:
        """Whether an optimizer puts the gradient itself in its place."""
        return self._overwrite

    @overwrite_with_gradient.setter
    def overwrite_with_gradient(self, value: bool) -> None:
        if not isinstance(value, bool):
            raise DTypeError(f"`overwrite_with_gradient` must be a boolean. Received: {value!r}")
        self._overwrite = value

    def __bool__(self) -> bool:
        raise DTypeError(
            f"A Keras Variable cannot be used as a boolean. Received: '{self.path}'. Ask for its value: "
            "`bool(variable.numpy())`."
        )

    @property
    def value(self) -> Tensor:
        """The value now, as a tensor that later changes do not touch."""
        copied: Tensor = _copy(self)
        return copied

    def numpy(self) -> Array:
        """A copy of the values."""
        return super().numpy().copy()

    def __array__(self, dtype: npt.DTypeLike | None = None, copy: bool | None = None) -> Array:
        return super().__array__(dtype, copy=True)

    def assign(self, value: TensorLike) -> Variable:
        """Give it another value of the same shape.

        Raises:
            ShapeError: the shapes differ.
        """
        array = value.data if isinstance(value, Tensor) else as_array(value, self.data.dtype)
        if array.shape != self.shape:
            raise ShapeError(
                f"A variable keeps its shape, which a new value must match. Expected shape {self.shape} for "
                f"'{self.path}', received shape {array.shape}."
            )
        if stateless.stack:
            stateless.stack[-1].keep(self)
        tapes = running.stack
        if tapes and tapes[0].everything:  # a recorded step repeats the assignment
            if self.tracked:
                tapes[0].unrepeatable = f"the trainable variable '{self.path}' is assigned within the step"
            self.data = _assign(self, value).data
        else:  # new memory: tapes and views of the old values (reshape, transpose) still need those
            self.data = np.array(array, self.data.dtype, order="C")
        return self

    def repeat_assignment(self, arrays: Arrays, attributes: dict[str, Any]) -> Array:
        """What a plan calls in place of the recorded assignment: the new value, also kept here."""
        self.data = _assign.compute(arrays, attributes)
        return self.data

    def assign_add(self, value: TensorLike) -> Variable:
        """Add `value` to it."""
        return self.assign(self + value)

    def assign_sub(self, value: TensorLike) -> Variable:
        """Subtract `value` from it."""
        return self.assign(self - value)

    def __repr__(self) -> str:
        return f"<Variable path={self.path}, shape={self.shape}, dtype={self.dtype}, value={self.data}>"


class _Later:
    """What stands in a variable's place for numbers while it waits for its own."""

    __slots__ = ("draw", "zeros")

    def __init__(self, zeros: Array, draw: Callable[[], Array]) -> None:
        self.zeros = zeros  # they tell shape and type, and take no memory: nobody wrote to them
        self.draw = draw


_SLOT: Any = Tensor.__dict__["data"]


class _Waiting(Variable):
    """A variable whose initial numbers wait (see `deferred`); it is a plain `Variable` as soon as it has some."""

    __slots__ = ()

    @property
    def data(self) -> Array:
        self.data = drawn = _SLOT.__get__(self).draw()
        return drawn  # type: ignore[no-any-return]

    @data.setter
    def data(self, array: Array) -> None:
        self.__class__ = Variable  # type: ignore[assignment]
        self.data = array

    @property
    def _zeros(self) -> Array:
        return _SLOT.__get__(self).zeros  # type: ignore[no-any-return]

    @property
    def shape(self) -> tuple[int, ...]:
        return self._zeros.shape

    @property
    def dtype(self) -> Any:
        return self._zeros.dtype.name

    @property
    def ndim(self) -> int:
        return self._zeros.ndim

    @property
    def size(self) -> int:
        return self._zeros.size

    def assign(self, value: TensorLike) -> Variable:
        fits = value is not self and getattr(value, "shape", None) == self.shape
        if fits and not stateless.stack and not running.stack:
            self.data = self._zeros  # nobody will know what it was before
        return Variable.assign(self, value)


def _wait(variable: Variable, draw: Callable[[], Array]) -> None:
    zeros = variable.data
    variable.__class__ = _Waiting
    _SLOT.__set__(variable, _Later(zeros, draw))
    deferred.at_the_end(lambda: variable.data)
