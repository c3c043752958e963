"""Nested structures: what is a leaf, in which order, and what is refused."""

from __future__ import annotations

from collections import OrderedDict, defaultdict, deque, namedtuple
from typing import Any

import pytest

from neurona import tree
from neurona.errors import ArgumentError, DTypeError

Point = namedtuple("Point", ["x", "y"])
Other = namedtuple("Other", ["x", "y"])
MIXED: dict[str, Any] = {"b": [1, (2, None)], "a": Point(3, deque([4]))}


def test_leaves_come_in_the_order_of_keys_and_go_back_into_place() -> None:
    assert tree.flatten(MIXED) == [3, 4, 1, 2, None]
    assert tree.flatten(OrderedDict([("b", 1), ("a", 2)])) == [1, 2]
    assert tree.flatten({1: "one", "a": "letter"}) == ["one", "letter"]  # no order but that of arrival
    assert tree.pack_sequence_as(MIXED, range(5)) == {"b": [2, (3, 4)], "a": Point(0, deque([1]))}
    assert list(tree.pack_sequence_as(MIXED, range(5))) == ["b", "a"]  # keys keep their places
    assert tree.flatten_with_path(MIXED)[0] == (("a", 0), 3)


def test_functions_of_one_and_of_several() -> None:
    doubled = tree.map_structure(lambda n: n and n * 2, MIXED)
    assert doubled == {"b": [2, (4, None)], "a": Point(6, deque([8]))}
    assert tree.map_structure(lambda n: n, [None, 1], none_is_leaf=False) == [None, 1]
    counted = tree.map_structure(lambda n: n + 1, defaultdict(int, a=1))
    assert counted == {"a": 2} and counted["new"] == 0
    assert tree.map_structure(lambda x, y: (x, y), {"a": 1, "b": 2}, OrderedDict(b=3, a=4)) == {
        "a": (1, 4),
        "b": (2, 3),
    }
    assert tree.map_structure_up_to([0, [0, 0]], str, [[1, 1], [2, 2]]) == ["[1, 1]", ["2", "2"]]
    assert tree.map_shape_structure(tuple, [[None, 2], [(1,)]]) == [(None, 2), [(1,)]]
    seen: list[Any] = []
    assert tree.traverse(lambda part: seen.append(part) or (tree.MAP_TO_NONE if part == 2 else None), [1, (2,)]) == [
        1, (None,)
    ]  # fmt: skip
    assert seen == [[1, (2,)], 1, (2,), 2]


@pytest.mark.parametrize(
    ("one", "two"),
    [([1], [1, 2]), ([1], (1,)), ({"a": 1}, {"b": 1}), (1, [1]), (Point(1, 2), Other(1, 2)), ([[1], 2], [1, [2]])],
)
def test_structures_that_differ_are_refused(one: Any, two: Any) -> None:
    with pytest.raises(ArgumentError, match="the same structure"):
        tree.assert_same_structure(one, two)
    with pytest.raises(ArgumentError, match="the same structure"):
        tree.map_structure(lambda x, y: None, one, two)


def test_what_else_is_refused() -> None:
    tree.assert_same_structure([Point(1, {"a": 2})], [Point("x", OrderedDict(a=None))])
    tree.assert_same_paths([1, (2,)], (1, [2]))
    for call, words in (
        (lambda: tree.assert_same_paths([1], [1, 2]), "only in `b`"),
        (lambda: tree.map_structure(len), "at least one structure"),
        (lambda: tree.pack_sequence_as([1, 2], [1]), "takes 2"),
    ):
        with pytest.raises(ArgumentError, match=words):
            call()
    for call in (
        lambda: tree.map_structure(3, [1]),
        lambda: tree.traverse(3, [1]),
        lambda: tree.pack_sequence_as([1], 2),
    ):
        with pytest.raises(DTypeError):
            call()
