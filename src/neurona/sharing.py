"""One object in several places of a description: it is to come back as one object.

A layer that stands both in a model and in a model within it is described twice. While a file is written within `sharing`,
each description but the first carries a number (``shared_object_id``, Keras's name for it), and the first where it can
still be given one; while one is read, a description with a number is answered with the object that an earlier one with
the same number made, or an earlier one that is equal but for the number.

Keras writes the same, but looks for the number alone when it reads: where the first description lacks it, Keras cannot open
the file, not even its own.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

__all__ = ["known", "number", "remember", "sharing"]

Description = dict[str, Any]

_KEY = "shared_object_id"
_MOST_ALIKE = 16  # of one class and name: a file may not make one description be compared with thousands


class _Table:
    """What was met within one `sharing`."""

    def __init__(self) -> None:
        # an object's id -> its number, its first description, and the object, which lives on
        self.described: dict[int, tuple[int, Description, Any]] = {}
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


def number(thing: Any, description: Description) -> None:
    """Give the description of `thing` its number if it is not the first one; the first one gets it then as well.

    What was copied into a larger description meanwhile stays without, so a reader may not count on the first one's.
    """
    table = _current.table
    if table is None:
        return
    if id(thing) not in table.described:
        table.described[id(thing)] = len(table.described) + 1, description, thing
        return
    found, first, _ = table.described[id(thing)]
    description[_KEY] = first[_KEY] = found


def known(config: Description) -> Any:
    """The object that was made of an earlier description of the same one, or ``None``."""
    table, number = _current.table, config.get(_KEY)
    if table is None or not isinstance(number, int):
        return None
    if number not in table.made:
        plain = _settings(config)
        for told, thing in table.unnumbered.get(_class_and_name(config), ()):
            if _settings(told) == plain:
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


def _settings(config: Description) -> Any:
    """What tells two descriptions of one class and name apart; not how it was built, which a layer around it leaves out."""
    return _without_numbers([config.get("module"), config.get("config")])


def _without_numbers(told: Any) -> Any:
    if isinstance(told, dict):
        return {key: _without_numbers(value) for key, value in told.items() if key != _KEY}
    return [_without_numbers(item) for item in told] if isinstance(told, list) else told
