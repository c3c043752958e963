"""One object in several places of a description: it is to come back as one object.

A layer that stands both in a model and in a model within it is described twice. While a file is written within `sharing`,
each description but the first carries a number (``shared_object_id``, Keras's name for it); while one is read, a
description with a number is answered with the object that an earlier, equal one made.

Keras writes the same, but looks for the number alone when it reads, which the first description lacks: it cannot open
such files, its own included.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

__all__ = ["known", "number_of", "remember", "sharing"]

Description = dict[str, Any]

_KEY = "shared_object_id"
_MOST_ALIKE = 16  # of one class and name: a file may not make one description be compared with thousands


class _Table:
    """What was met within one `sharing`."""

    def __init__(self) -> None:
        self.described: dict[int, tuple[int, Any]] = {}  # an object's id -> its number, and the object, which lives on
        self.made: dict[int, Any] = {}  # number -> object
        self.unnumbered: dict[tuple[str, str], list[tuple[Description, Any]]] = {}  # by class and name


class _Current(threading.local):
    table: _Table | None = None


_current = _Current()


@contextmanager
def sharing() -> Iterator[None]:
    """Within this context one object is one object."""
    before = _current.table
    _current.table = _Table()
    try:
        yield
    finally:
        _current.table = before


def number_of(thing: Any) -> int | None:
    """The number that stands with the description of `thing`; ``None`` at the first one."""
    table = _current.table
    if table is None:
        return None
    if id(thing) not in table.described:
        table.described[id(thing)] = len(table.described) + 1, thing
        return None
    return table.described[id(thing)][0]


def known(config: Description) -> Any:
    """The object that was made of an earlier description of the same one, or ``None``."""
    table, number = _current.table, config.get(_KEY)
    if table is None or not isinstance(number, int):
        return None
    if number not in table.made:
        plain = _without_numbers(config)
        for told, thing in table.unnumbered.get(_class_and_name(config), ()):
            if _without_numbers(told) == plain:
                table.made[number] = thing
                break
    return table.made.get(number)


def remember(config: Description, thing: Any) -> None:
    """Keep an object beside the description it was made of."""
    table = _current.table
    if table is None:
        return
    if isinstance(config.get(_KEY), int):
        table.made[config[_KEY]] = thing
        return
    alike = table.unnumbered.setdefault(_class_and_name(config), [])
    if len(alike) < _MOST_ALIKE:
        alike.append((config, thing))


def _class_and_name(config: Description) -> tuple[str, str]:
    inner = config.get("config")
    return str(config.get("class_name")), str(inner.get("name")) if isinstance(inner, dict) else ""


def _without_numbers(told: Any) -> Any:
    if isinstance(told, dict):
        return {key: _without_numbers(value) for key, value in told.items() if key != _KEY}
    return [_without_numbers(item) for item in told] if isinstance(told, list) else told
