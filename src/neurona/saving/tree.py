"""The places of a model's weights in a file, as Keras 3 lays them out.

An object with weights is a group with ``vars/0``, ``vars/1``, ...; the objects in its attributes are groups within it,
lists, tuples and dicts of them too, where the entries are called after their class ("dense", "dense_1") and lists within
lists "container". A drawn model's layers lie under ``layers`` before anything else; otherwise attributes come in the order
of their names, private ones last. An object that is met twice lies where it was met first, so the order matters.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

from neurona.layers.base import Layer
from neurona.layers.operation import Operation
from neurona.names import snake_case

__all__ = ["saveables"]

# Attributes of the engine itself: bookkeeping, or objects that are stored elsewhere or not at all.
_PASSED_OVER = frozenset(
    [
        "_added", "_auto_arguments", "_build_shapes", "_compile_config", "_compiled_loss", "_compiled_metrics",
        "_drawn_layers", "_functional", "_graph", "_layers", "_loss_tracker", "_losses", "_nodes", "_operations",
        "_penalised", "_plans", "_scratch", "_trainable_variables", "_variables", "history", "input", "input_shape",
        "inputs", "loss", "metrics", "metrics_names", "operations", "output", "output_shape", "outputs",
    ]
) | frozenset(dir(Layer))  # fmt: skip


def saveables(
    thing: Any, skipped: Iterable[Any] = (), again: list[tuple[str, Any]] | None = None
) -> Iterator[tuple[str, Any]]:
    """``(path, object)`` for `thing` (path "") and every object with weights below it, each once.

    Args:
        skipped: objects to leave out, with what lies below them alone.
        again: a list that takes what was met once more, by its further paths.
    """
    yield from _Walk({id(one) for one in skipped}, [] if again is None else again).below(thing, "")


def _is_saveable(thing: Any) -> bool:
    """Whether it stores weights of its own or holds objects that do."""
    return (
        hasattr(thing, "save_own_variables")
        and hasattr(thing, "load_own_variables")
        and not isinstance(thing, (type, Operation))
    )


class _Walk:
    """One way through the objects of a model.

    Args:
        seen: ids of the objects that it does not enter.
        again: takes those of them that it meets, by their paths.
    """

    def __init__(self, seen: set[int], again: list[tuple[str, Any]]) -> None:
        self._seen, self._again = seen, again
        self._declared: dict[type, list[str]] = {}  # what classes say of their objects' attributes, looked up once

    def below(self, thing: Any, path: str) -> Iterator[tuple[str, Any]]:
        if id(thing) in self._seen:
            self._again.append((path, thing))
            return
        self._seen.add(id(thing))
        yield path, thing
        for name, child in self._children(thing):
            inner = f"{path}/{name}" if path else name
            if _is_saveable(child):
                yield from self.below(child, inner)
            elif isinstance(child, (list, tuple, dict)):
                yield from self._contained(child, inner, set())

    def _children(self, thing: Any) -> Iterator[tuple[str, Any]]:
        """The attributes to look into, those that classes declare too: a property may be an object's public name."""
        if getattr(thing, "_leaves_masks", False) or getattr(thing, "_graph", None) is not None:
            yield "layers", thing.layers
        kind = type(thing)
        if kind not in self._declared:
            self._declared[kind] = [
                name
                for name in {name for base in kind.__mro__ for name, value in vars(base).items() if _may_hold(value)}
                if _is_looked_into(name)
            ]
        own = [name for name in vars(thing) if _is_looked_into(name)]
        for name in sorted({*self._declared[kind], *own}, key=_public_first):
            try:
                yield name, getattr(thing, name)
            except Exception:  # a property that has nothing to say yet has nothing to store
                continue

    def _contained(self, container: Any, path: str, open_ones: set[int]) -> Iterator[tuple[str, Any]]:
        if id(container) in open_ones:
            return  # a list that holds itself
        used: Counter[str] = Counter()
        for item in container.values() if isinstance(container, dict) else container:
            nested = isinstance(item, (list, tuple, dict))
            if not nested and not _is_saveable(item):
                continue
            name = "container" if nested else snake_case(getattr(item, "_name_in_files", type(item).__name__))
            used[name] += 1
            inner = f"{path}/{name}" if used[name] == 1 else f"{path}/{name}_{used[name] - 1}"
            if nested:
                yield from self._contained(item, inner, open_ones | {id(container)})
            else:
                yield from self.below(item, inner)


def _is_looked_into(name: str) -> bool:
    return name not in _PASSED_OVER and not name.startswith("__")


def _public_first(name: str) -> str:
    return f"~{name}" if name.startswith("_") else name


def _may_hold(value: Any) -> bool:
    return isinstance(value, (property, list, tuple, dict)) or _is_saveable(value)
