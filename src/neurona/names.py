"""Names: CamelCase to snake_case, the names that nobody gave, and the scopes that stand before them in a path."""

from __future__ import annotations

import re
import threading
from collections import Counter
from types import TracebackType
from typing import Any

from neurona.errors import ArgumentError

__all__ = ["auto_name", "current_path", "get_uid", "name_scope", "reset_names", "snake_case", "uniquify"]

_used: Counter[str] = Counter()


def snake_case(name: str) -> str:
    """`name` in the spelling of Keras's automatic names.

    >>> snake_case("BatchNormalization"), snake_case("PReLU"), snake_case("MeanIoU"), snake_case("Conv2D")
    ('batch_normalization', 'p_re_lu', 'mean_io_u', 'conv2d')
    """
    name = re.sub(r"\W+", "", name)
    name = re.sub("(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub("([a-z])([A-Z])", r"\1_\2", name).lower()


def auto_name(prefix: str) -> str:
    """`prefix` in that spelling the first time, then ``prefix_1``, ``prefix_2``, ..."""
    return uniquify(snake_case(prefix))


def uniquify(name: str) -> str:
    """`name` the first time, then ``name_1``, ``name_2``, ..."""
    count = _used[name]
    _used[name] += 1
    return f"{name}_{count}" if count else name


def get_uid(prefix: str = "") -> int:
    """How often a name with this prefix has been asked for, this time included."""
    _used[prefix] += 1
    return _used[prefix]


def reset_names() -> None:
    """Start counting anew, as `neurona.utils.clear_session` does."""
    _used.clear()


class _Scopes(threading.local):
    """The scopes in force in this thread, the outermost first."""

    stack: tuple[name_scope, ...] = ()


_scopes = _Scopes()


class name_scope:  # noqa: N801 - used like a function
    """Within this context the paths of variables begin with a name: ``with name_scope("encoder"): ...``.

    Args:
        name: without slashes.
        caller: who opens the scope; opened again by the same one and under the same name, it counts once.
        deduplicate: whether that is so.
        override_parent: the path to stand on, whatever scopes are in force.

    Raises:
        ArgumentError: the name is no text, or holds a slash.

    >>> with name_scope("outer"), name_scope("inner"):
    ...     current_path()
    'outer/inner'
    """

    def __init__(
        self, name: str, caller: Any = None, deduplicate: bool = True, override_parent: str | None = None
    ) -> None:
        if not isinstance(name, str) or "/" in name:
            raise ArgumentError(
                f"Argument `name` must be a string and cannot contain character `/`. Received: name={name}"
            )
        self.name, self.caller, self.deduplicate, self.override_parent = name, caller, deduplicate, override_parent

    def __enter__(self) -> name_scope:
        self._before = before = _scopes.stack
        last = before[-1] if before else None
        again = self.deduplicate and self.caller is not None and last is not None
        if not (again and last is not None and last.caller is self.caller and last.name == self.name):
            _scopes.stack = (*before, self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _scopes.stack = self._before


def current_path() -> str:
    """The names of the scopes in force, with slashes between them."""
    parts: list[str] = []
    for scope in _scopes.stack:
        if scope.override_parent is not None:
            parts = [part for part in scope.override_parent.split("/") if part]
        parts.append(scope.name)
    return "/".join(parts)
