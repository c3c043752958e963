"""Initial weights that wait until they are needed: while a model is made from a file, the file brings the values.

Drawing millions of numbers, or an orthogonal matrix, takes longer than reading them. Within `deferred` a variable whose
initializer may wait starts as zeros; what has not been given a value at the end is drawn then. An initializer may wait
if it says so (``may_wait``): it gives the same numbers whenever it is called, and nobody sees that it was not. So the
numbers of a program do not depend on it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from neurona.tensor import Array, Tensor

__all__ = ["deferred", "draw_later", "may_wait"]

_Waiting = list[tuple[Tensor, Array, Callable[[], Array]]]

_current: ContextVar[_Waiting | None] = ContextVar("deferred", default=None)


@contextmanager
def deferred() -> Iterator[None]:
    """Within this context initial weights wait; at its end those are drawn that still have none."""
    waiting: _Waiting = []
    token = _current.set(waiting)
    try:
        yield
    finally:
        _current.reset(token)
    for variable, zeros, draw in waiting:
        if variable.data is zeros and not zeros.any():
            variable.data = draw()


def may_wait(initializer: Any) -> bool:
    """Whether a variable may start as zeros in place of what `initializer` would give."""
    return _current.get() is not None and getattr(initializer, "may_wait", False) is True


def draw_later(variable: Tensor, draw: Callable[[], Array]) -> None:
    """Have `variable`, which is zeros, take what `draw` gives if nothing else comes until the end of `deferred`."""
    waiting = _current.get()
    if waiting is not None:
        waiting.append((variable, variable.data, draw))
