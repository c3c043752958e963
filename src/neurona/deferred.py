"""Initial weights that wait until they are needed: while a model is made from a file, the file brings the values.

Drawing millions of numbers, or an orthogonal matrix, takes longer than reading them. Within `deferred` a variable whose
initializer may wait has no numbers yet: whoever looks at them has them drawn, whoever gives it others first spares the
drawing, and what is left is drawn at the end. An initializer may wait if it says so (``may_wait``): it gives the same
numbers whenever it is called. So the numbers of a program do not depend on it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

__all__ = ["at_the_end", "deferred", "may_wait"]

_current: ContextVar[list[Callable[[], Any]] | None] = ContextVar("deferred", default=None)


@contextmanager
def deferred() -> Iterator[None]:
    """Within this context initial weights wait; at its end those are drawn that still have none."""
    waiting: list[Callable[[], Any]] = []
    token = _current.set(waiting)
    try:
        yield
    finally:
        _current.reset(token)
    for draw in waiting:
        draw()


def may_wait(initializer: Any) -> bool:
    """Whether a variable may go without what `initializer` would give it, for now."""
    return _current.get() is not None and getattr(initializer, "may_wait", False) is True


def at_the_end(draw: Callable[[], Any]) -> None:
    """Have `draw` called at the end of `deferred`."""
    waiting = _current.get()
    if waiting is not None:
        waiting.append(draw)
