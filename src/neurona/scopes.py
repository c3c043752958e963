"""Contexts under Keras's names: computing without changing variables, devices, activations computed again."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any

from neurona.errors import ArgumentError
from neurona.tensor import Tensor, TensorLike, as_tensor, wrap
from neurona.variable import Variable, stateless

__all__ = ["StatelessScope", "device", "remat"]


class StatelessScope:
    """Within this context variables have other values, and what is assigned to them is gone afterwards.

    Args:
        state_mapping: pairs of a variable and the value that it has within.
        collect_losses, initialize_variables: accepted for Keras's sake.

    Raises:
        ArgumentError: a pair that is none, or a value of another shape.

    >>> count = Variable([1.0])
    >>> with StatelessScope([(count, [10.0])]) as scope:
    ...     moved = count.assign_add([5.0])
    >>> count.numpy().tolist(), scope.get_current_value(count).numpy().tolist()
    ([1.0], [15.0])
    """

    def __init__(
        self,
        state_mapping: Iterable[tuple[Variable, TensorLike]] | None = None,
        collect_losses: bool = False,
        initialize_variables: bool = True,
    ) -> None:
        self.collect_losses, self.initialize_variables = collect_losses, initialize_variables
        self.losses: list[Any] = []
        self._outside: dict[int, tuple[Variable, Any]] = {}  # what variables held when they were first changed
        self._after: dict[int, Tensor] = {}
        self._given: list[tuple[Variable, Tensor]] = []
        for variable, value in state_mapping or ():
            if not isinstance(variable, Variable):
                raise ArgumentError(
                    "Invalid reference variable in StatelessScope: all keys in argument `mapping` must be KerasVariable "
                    f"instances. Received instead: {variable!r}"
                )
            tensor = as_tensor(value, variable.data.dtype)
            if tensor.shape != variable.shape:
                raise ArgumentError(
                    "Invalid variable value in StatelessScope: all values in argument `mapping` must be tensors with a "
                    f"shape that matches the corresponding variable shape. For variable {variable.path}, expected shape "
                    f"{variable.shape}. Received: {tensor.shape}"
                )
            self._given.append((variable, tensor))

    def keep(self, variable: Variable) -> None:
        """Remember what a variable holds before it is changed for the first time."""
        self._outside.setdefault(id(variable), (variable, variable.data))

    def add_update(self, update: tuple[Variable, TensorLike]) -> None:
        """Give a variable a value for the rest of the scope."""
        update[0].assign(update[1])

    def get_current_value(self, variable: Variable) -> Tensor | None:
        """What a variable holds within, or held at the end; ``None`` if it was not changed."""
        if id(variable) in self._after:
            return self._after[id(variable)]
        return wrap(variable.data) if id(variable) in self._outside else None

    def __enter__(self) -> StatelessScope:
        stateless.stack = (*stateless.stack, self)
        for variable, value in self._given:
            self.keep(variable)
            variable.data = value.data
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        stateless.stack = stateless.stack[:-1]
        for key, (variable, before) in self._outside.items():
            self._after[key] = wrap(variable.data)
            variable.data = before


@contextmanager
def device(device_name: str) -> Iterator[None]:
    """Within this context a device is meant: accepted for programs written for several, of which there is one here.

    Raises:
        ArgumentError: the name is no text.
    """
    if not isinstance(device_name, str):
        raise ArgumentError(
            f"Invalid value for argument `device_name`. Expected a string like 'gpu:0'. Received: device_name={device_name!r}"
        )
    yield


def remat(f: Callable[..., Any]) -> Callable[..., Any]:
    """The same function, of which Keras may forget what lies between input and output, and compute it again when the
    gradient asks. That saves memory and changes no number; networks of the size meant here keep it.

    >>> remat(abs)(-2)
    2
    """

    @functools.wraps(f)
    def same(*args: Any, **kwargs: Any) -> Any:
        return f(*args, **kwargs)

    return same
