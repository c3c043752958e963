"""The places of a model's weights in a file, as Keras 3 lays them out.

An object with weights is a group with ``vars/0``, ``vars/1``, ...; the objects in its attributes are groups within it,
lists and dicts of them too, where the entries are called after their class ("dense", "dense_1"). A drawn model keeps its
layers under ``layers``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from neurona.names import snake_case

__all__ = ["saveables"]

# Attributes of the engine itself: bookkeeping, or objects that are stored elsewhere or not at all.
_PASSED_OVER = frozenset(
    [
        "_added", "_auto_arguments", "_compile_config", "_compiled_loss", "_compiled_metrics", "_drawn_layers", "_graph",
        "_layers", "_loss_tracker", "_losses", "_penalised", "_nodes", "_plans", "history", "loss",
    ]
)  # fmt: skip


def is_saveable(thing: Any) -> bool:
    """Whether it stores weights of its own or holds objects that do."""
    return hasattr(thing, "save_own_variables") and hasattr(thing, "load_own_variables")


def saveables(thing: Any) -> Iterator[tuple[str, Any]]:
    """``(path, object)`` for `thing` (path "") and every object with weights below it, each once."""
    yield from _walk(thing, "", set())


def _walk(thing: Any, path: str, seen: set[int]) -> Iterator[tuple[str, Any]]:
    if id(thing) in seen:
        return
    seen.add(id(thing))
    yield path, thing
    for name, child in _children(thing):
        inner = f"{path}/{name}" if path else name
        if is_saveable(child):
            yield from _walk(child, inner, seen)
        elif isinstance(child, dict):
            yield from _contained(list(child.values()), inner, seen)
        elif isinstance(child, (list, tuple, set)):
            yield from _contained(child, inner, seen)


def _children(thing: Any) -> list[tuple[str, Any]]:
    """The attributes to look into, in the order of their names; a model's layers count as the attribute "layers"."""
    found = {name: value for name, value in thing.__dict__.items() if name not in _PASSED_OVER}
    if hasattr(thing, "get_layer"):
        found["layers"] = thing.layers
    return [(name, found[name]) for name in sorted(found) if is_saveable(found[name]) or _holds_saveables(found[name])]


def _holds_saveables(container: Any) -> bool:
    if not isinstance(container, (list, tuple, dict, set)):
        return False
    items = container.values() if isinstance(container, dict) else container
    return any(is_saveable(item) for item in items)


def _contained(items: Any, path: str, seen: set[int]) -> Iterator[tuple[str, Any]]:
    used: Counter[str] = Counter()
    for item in items:
        if not is_saveable(item):
            continue
        name = snake_case(type(item).__name__)
        used[name] += 1
        unique = name if used[name] == 1 else f"{name}_{used[name] - 1}"
        yield from _walk(item, f"{path}/{unique}", seen)
