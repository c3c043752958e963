"""Nested structures: lists, tuples, dicts and what lies in them, the *leaves*; Keras's `keras.tree`.

A dict is walked in the order of its sorted keys, an `OrderedDict` in its own, so that what was flattened can be packed
again. Everything else, ``None`` too, is a leaf. Knows nothing but Python.

>>> flatten({"b": [1, 2], "a": 3})
[3, 1, 2]
>>> pack_sequence_as({"b": [0, 0], "a": 0}, [3, 1, 2])
{'b': [1, 2], 'a': 3}
"""

from __future__ import annotations

from collections import OrderedDict, defaultdict, deque
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from neurona.errors import ArgumentError, DTypeError

__all__ = [
    "MAP_TO_NONE",
    "assert_same_paths",
    "assert_same_structure",
    "flatten",
    "flatten_with_path",
    "is_nested",
    "lists_to_tuples",
    "map_shape_structure",
    "map_structure",
    "map_structure_up_to",
    "pack_sequence_as",
    "traverse",
]

_NESTED = (list, tuple, dict, deque)


class MAP_TO_NONE:  # noqa: N801 - Keras's spelling
    """What a function gives `traverse` to put ``None`` in the place of a part."""


def is_nested(structure: Any) -> bool:
    """Whether it is a list, a tuple, a dict or a deque.

    >>> is_nested([]), is_nested("text"), is_nested(None)
    (True, False, False)
    """
    return isinstance(structure, _NESTED)


def _keys(structure: dict[Any, Any]) -> list[Any]:
    """The keys in the order in which a dict is walked."""
    if isinstance(structure, OrderedDict):
        return list(structure)
    try:
        return sorted(structure)
    except TypeError:  # keys of several kinds have no order but that of their arrival
        return list(structure)


def _items(structure: Any) -> Iterator[tuple[Any, Any]]:
    """The parts of a nested structure, each with its key or number."""
    if isinstance(structure, dict):
        return ((key, structure[key]) for key in _keys(structure))
    return enumerate(structure)


def _rebuilt(structure: Any, parts: list[Any]) -> Any:
    """The same kind of structure with other parts, in the order of `_items`."""
    if isinstance(structure, dict):
        given = dict(zip(_keys(structure), parts, strict=True))
        pairs = [(key, given[key]) for key in structure]  # the keys keep their places
        if isinstance(structure, defaultdict):
            return defaultdict(structure.default_factory, pairs)
        return OrderedDict(pairs) if isinstance(structure, OrderedDict) else dict(pairs)
    if isinstance(structure, tuple) and hasattr(structure, "_fields"):  # a named tuple keeps its type
        return type(structure)(*parts)
    if isinstance(structure, deque):
        return deque(parts, structure.maxlen)
    return type(structure)(parts)


# -- leaves ------------------------------------------------------------------------------------------------------


def flatten(structure: Any) -> list[Any]:
    """The leaves, from left to right.

    >>> flatten([[1, 2], (3, [4]), None])
    [1, 2, 3, 4, None]
    """
    leaves: list[Any] = []
    _gather(structure, leaves)
    return leaves


def _gather(structure: Any, leaves: list[Any]) -> None:
    if isinstance(structure, (list, tuple, deque)):
        for item in structure:
            if isinstance(item, _NESTED):
                _gather(item, leaves)
            else:
                leaves.append(item)
    elif isinstance(structure, dict):
        for key in _keys(structure):
            _gather(structure[key], leaves)
    else:
        leaves.append(structure)


def flatten_with_path(structure: Any) -> list[tuple[tuple[Any, ...], Any]]:
    """The leaves with the keys and numbers that lead to them.

    >>> flatten_with_path([{"foo": 42}])
    [((0, 'foo'), 42)]
    """
    if not is_nested(structure):
        return [((), structure)]
    return [((key, *path), leaf) for key, part in _items(structure) for path, leaf in flatten_with_path(part)]


def pack_sequence_as(structure: Any, flat_sequence: Iterable[Any]) -> Any:
    """The structure with other leaves, taken in their order.

    Args:
        structure: nested lists, tuples and dicts.
        flat_sequence: one leaf for each of its leaves.

    Raises:
        DTypeError: `flat_sequence` is no sequence.
        ArgumentError: it has too few leaves or too many.

    >>> pack_sequence_as((("a", "b"), "c"), [1, 2, 3])
    ((1, 2), 3)
    """
    if not isinstance(flat_sequence, Iterable) or isinstance(flat_sequence, (str, bytes)):
        raise DTypeError(
            f"Attempted to pack value: {flat_sequence!r} into a structure, but it is not a sequence. "
            f"Received: flat_sequence of type {type(flat_sequence).__name__}."
        )
    given = list(flat_sequence)
    count = len(flatten(structure))
    if len(given) != count:
        raise ArgumentError(
            f"The target structure is of {'type ' + type(structure).__name__ if count == 1 else str(count) + ' leaves'} "
            f"and takes {count} of them. Received: flat_sequence of {len(given)} elements."
        )
    leaves = iter(given)
    return _map(lambda _leaf: next(leaves), structure)


# -- functions of leaves -----------------------------------------------------------------------------------------


def map_structure(func: Callable[..., Any], *structures: Any, none_is_leaf: bool = True) -> Any:
    """The same nesting with a function applied to every leaf.

    Args:
        func: takes a leaf of each structure.
        structures: one or several of the same nesting.
        none_is_leaf: whether ``None`` is handed to `func`; else it stays.

    Raises:
        DTypeError: `func` cannot be called.
        ArgumentError: there is no structure, or they differ.

    >>> map_structure(lambda n: n + 1, {"a": [1, 2]})
    {'a': [2, 3]}
    >>> map_structure(lambda x, y: x * y, [1, (2,)], [3, (4,)])
    [3, (8,)]
    """
    if not callable(func):
        raise DTypeError(f"`func` must be callable. Received: {func!r}.")
    if not structures:
        raise ArgumentError("map_structure must be given at least one structure. Received: none.")
    if not none_is_leaf:
        inner = func

        def func(*leaves: Any) -> Any:
            return None if leaves[0] is None else inner(*leaves)

    if len(structures) == 1:
        return _map(func, structures[0])
    for other in structures[1:]:
        assert_same_structure(structures[0], other)
    return _map_all(func, structures)


def _map(func: Callable[[Any], Any], structure: Any) -> Any:
    if type(structure) is list:
        return [_map(func, item) for item in structure]
    if type(structure) is tuple:
        return tuple([_map(func, item) for item in structure])
    if not isinstance(structure, _NESTED):
        return func(structure)
    return _rebuilt(structure, [_map(func, part) for _key, part in _items(structure)])


def _map_all(func: Callable[..., Any], structures: tuple[Any, ...]) -> Any:
    if not is_nested(structures[0]):
        return func(*structures)
    first = structures[0]
    parts = zip(*([part for _key, part in _matching(first, s)] for s in structures), strict=True)
    return _rebuilt(first, [_map_all(func, some) for some in parts])


def map_structure_up_to(shallow_structure: Any, func: Callable[..., Any], *structures: Any) -> Any:
    """A function applied to the parts that stand where a shallower structure has its leaves.

    Args:
        shallow_structure: how deep to go.
        func: takes a part of each structure.
        structures: nested at least as deep.

    Raises:
        ArgumentError: there is no structure, or one is not nested as the shallow one is.

    >>> map_structure_up_to([None, None], len, [[1, 1], [2, 2, 2]])
    [2, 3]
    """
    if not structures:
        raise ArgumentError("map_structure_up_to must be given at least one structure. Received: none.")
    if not is_nested(shallow_structure):
        return func(*structures)
    for other in structures:
        if not _alike(shallow_structure, other):
            raise _differ(shallow_structure, other)
    columns = [[part for _key, part in _matching(shallow_structure, s)] for s in (shallow_structure, *structures)]
    rows = zip(*columns, strict=True)
    return _rebuilt(shallow_structure, [map_structure_up_to(shallow, func, *parts) for shallow, *parts in rows])


def traverse(func: Callable[[Any], Any], structure: Any, top_down: bool = True) -> Any:
    """A function applied to every part, to the whole and to the leaves too.

    Args:
        func: gives ``None`` to leave a part as it is, `MAP_TO_NONE` to make it ``None``, or what stands in its place.
        structure: what to walk through.
        top_down: whether a part comes before what lies in it; what `func` replaced is then not entered.

    Raises:
        DTypeError: `func` cannot be called.

    >>> traverse(lambda part: tuple(part) if isinstance(part, list) else None, [[1], {"a": [2]}], top_down=False)
    ((1,), {'a': (2,)})
    """
    if not callable(func):
        raise DTypeError(f"`func` must be callable. Received: {func!r}.")
    if top_down:
        changed = func(structure)
        if changed is None:
            return _traversed(func, structure, True)
    else:
        structure = _traversed(func, structure, False)
        changed = func(structure)
    return structure if changed is None else None if changed is MAP_TO_NONE else changed


def _traversed(func: Callable[[Any], Any], structure: Any, top_down: bool) -> Any:
    if not is_nested(structure):
        return structure
    return _rebuilt(structure, [traverse(func, part, top_down) for _key, part in _items(structure)])


def lists_to_tuples(structure: Any) -> Any:
    """Tuples in the place of lists.

    >>> lists_to_tuples([[1], [2, [3]]])
    ((1,), (2, (3,)))
    """
    return traverse(lambda part: tuple(part) if isinstance(part, list) else None, structure, top_down=False)


def map_shape_structure(func: Callable[[Any], Any], structure: Any) -> Any:
    """A function applied to every shape: a tuple or list of whole numbers and ``None`` counts as a leaf.

    >>> map_shape_structure(len, {"a": (None, 3), "b": [(2,), (1, 2, 3)]})
    {'a': 2, 'b': [1, 3]}
    """
    if isinstance(structure, (list, tuple)) and all(item is None or isinstance(item, int) for item in structure):
        return func(structure)
    if not is_nested(structure):
        return func(structure)
    return _rebuilt(structure, [map_shape_structure(func, part) for _key, part in _items(structure)])


# -- comparing ---------------------------------------------------------------------------------------------------


def assert_same_structure(a: Any, b: Any, check_types: bool | None = None) -> None:
    """Refuse two structures that are nested in different ways; what their leaves are does not count.

    Dicts of all kinds count as one; lists, tuples, named tuples and deques as different.

    Args:
        a, b: what to compare.
        check_types: accepted for older programs; kinds always count.

    Raises:
        ArgumentError: they differ.

    >>> assert_same_structure([(0, 1)], [(2, "three")])
    """
    if is_nested(a) or is_nested(b):
        if not _alike(a, b):
            raise _differ(a, b)
        for (_key, one), (_other, two) in zip(_items(a), _matching(a, b), strict=True):
            assert_same_structure(one, two)


def _matching(a: Any, b: Any) -> Iterator[tuple[Any, Any]]:
    """The parts of `b` in the order of those of `a`."""
    return ((key, b[key]) for key, _part in _items(a)) if isinstance(a, dict) else _items(b)


def _alike(a: Any, b: Any) -> bool:
    """Whether two structures are of one kind, with as many parts or the same keys; their parts are not looked at."""
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys()
    if not is_nested(a) or not is_nested(b) or len(a) != len(b):
        return False
    named = hasattr(a, "_fields") or hasattr(b, "_fields")
    return type(a) is type(b) if named else any(isinstance(a, k) and isinstance(b, k) for k in (list, tuple, deque))


def _differ(a: Any, b: Any) -> ArgumentError:
    return ArgumentError(
        "Structures don't have the same nested structure: both must have the same structure. "
        f"Received: {_short(a)} and {_short(b)}."
    )


def _short(structure: Any) -> str:
    told = repr(structure)
    return told if len(told) <= 80 else f"{told[:80]}..."


def assert_same_paths(a: Any, b: Any) -> None:
    """Refuse two structures whose leaves lie at different paths; lists and tuples count as one.

    Raises:
        ArgumentError: they differ; the paths are named.

    >>> assert_same_paths([0, 1], (2, 3))
    """
    one, two = ({path for path, _leaf in flatten_with_path(s)} for s in (a, b))
    if one != two:
        raise ArgumentError(
            "`a` and `b` don't have the same paths. "
            f"Received: only in `a`: {sorted(map(str, one - two))}; only in `b`: {sorted(map(str, two - one))}."
        )
