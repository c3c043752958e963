"""Sums by row and the optimizers' updates of some rows of a table, against loops in float64 and the updates of whole arrays."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from neurona.errors import ArgumentError


def drawn(seed: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


@pytest.mark.parametrize("ids_dtype", ["int32", "int64"])
@pytest.mark.parametrize(
    ("count", "columns", "length"),
    [
        (0, 5, 3),
        (1, 1, 1),
        (40, 7, 3),
        (500, 33, 4000),
        (300, 0, 50),
        (200, 3, 5_000_000),
        (64, 130, 2048),
        (64, 16, 2049),
    ],
)
def test_sum_by_row(each_isa: Any, count: int, columns: int, length: int, ids_dtype: str) -> None:
    ids = np.random.default_rng(7).integers(0, length, count).astype(ids_dtype)
    ids[: count // 3] = length - 1
    values = drawn(1, count, columns)
    rows, sums = each_isa.sum_by_row(values, ids, length)
    assert rows.dtype == np.int64 and sums.dtype == np.float32
    np.testing.assert_array_equal(rows, np.unique(ids))
    wanted = np.zeros((len(rows), columns))
    np.add.at(wanted, np.searchsorted(rows, ids), values)
    np.testing.assert_allclose(sums, wanted, rtol=2e-5, atol=2e-5)


def test_sums_do_not_depend_on_threads_and_follow_the_order(native: Any) -> None:
    ids = np.random.default_rng(7).integers(0, 300, 5000)
    values = drawn(1, 5000, 40)
    native.set_threads(1)
    rows, sums = native.sum_by_row(values, ids, 300)
    for threads in (2, 3, 4):
        native.set_threads(threads)
        np.testing.assert_array_equal(native.sum_by_row(values, ids, 300)[1], sums)
    for r in (0, 17, 299):
        total = np.zeros(40, np.float32)
        for value in values[ids == rows[r]]:  # one after the other, in float32
            total += value
        np.testing.assert_array_equal(sums[r], total)


@pytest.mark.parametrize("wrong", [-1, 5, 2**40])
def test_ids_outside_the_table_are_told(native: Any, wrong: int) -> None:
    with pytest.raises(
        ArgumentError, match=rf"Expected ids from 0 to 4 \(5 rows\). Received: id {wrong} at position 2"
    ):
        native.sum_by_row(drawn(1, 3, 2), np.array([0, 1, wrong]), 5)


V, D = 50, 19
ROWS = np.array([0, 3, 4, 17, 30, 49])
RULES: dict[str, tuple[int, Callable[..., Any], Callable[..., Any]]] = {
    "adam": (
        2,
        lambda n, w, r, g, s: n.adam_rows(w, r, g, *s, None, 0.01, 0.9, 0.99, 1e-7, 0.1, 0.01, 0.04),
        lambda n, w, g, s: n.adam((w,), (g,), (s[0],), (s[1],), None, 0.01, 0.9, 0.99, 1e-7, 0.1, 0.01, 0.04),
    ),
    "amsgrad": (
        3,
        lambda n, w, r, g, s: n.adam_rows(w, r, g, *s, 0.01, 0.9, 0.99, 1e-7, 0.1, 0.01, 0.0),
        lambda n, w, g, s: n.adam((w,), (g,), *((a,) for a in s), 0.01, 0.9, 0.99, 1e-7, 0.1, 0.01, 0.0),
    ),
    "sgd": (
        0,
        lambda n, w, r, g, s: n.sgd_rows(w, r, g, None, 0.1, 0.0, False, 0.1),
        lambda n, w, g, s: n.sgd((w,), (g,), None, 0.1, 0.0, False, 0.1),
    ),
    "nesterov": (
        1,
        lambda n, w, r, g, s: n.sgd_rows(w, r, g, *s, 0.1, 0.9, True, 0.1),
        lambda n, w, g, s: n.sgd((w,), (g,), (s[0],), 0.1, 0.9, True, 0.1),
    ),
    "momentum": (
        1,
        lambda n, w, r, g, s: n.sgd_rows(w, r, g, *s, 0.1, 0.9, False, 0.0),
        lambda n, w, g, s: n.sgd((w,), (g,), (s[0],), 0.1, 0.9, False, 0.0),
    ),
    "rmsprop": (
        1,
        lambda n, w, r, g, s: n.rmsprop_rows(w, r, g, *s, None, None, 0.1, 0.9, 0.0, 1e-7, 0.1),
        lambda n, w, g, s: n.rmsprop((w,), (g,), (s[0],), None, None, 0.1, 0.9, 0.0, 1e-7, 0.1),
    ),
    "centered with momentum": (
        3,
        lambda n, w, r, g, s: n.rmsprop_rows(w, r, g, *s, 0.1, 0.9, 0.5, 1e-7, 0.0),
        lambda n, w, g, s: n.rmsprop((w,), (g,), *((a,) for a in s), 0.1, 0.9, 0.5, 1e-7, 0.0),
    ),
}


def tables(count: int) -> list[np.ndarray]:
    """A table and its state, whose first is as large as a mean of squares beside a mean."""
    return [drawn(1, V, D), *(np.abs(drawn(2 + i, V, D)) + 2 - i for i in range(count))]


@pytest.mark.parametrize("name", RULES)
def test_rows_move_as_whole_arrays_do(each_isa: Any, name: str) -> None:
    count, some, whole = RULES[name]
    w, *slots = tables(count)
    before = [a.copy() for a in (w, *slots)]
    parts = [a[ROWS] for a in (w, *slots)]
    for step in range(3):
        g = drawn(20 + step, len(ROWS), D)
        assert some(each_isa, w, ROWS, g, slots) is None
        assert whole(each_isa, parts[0], g, parts[1:]) is None
    others = np.setdiff1d(np.arange(V), ROWS)
    for a, part, kept in zip((w, *slots), parts, before, strict=True):
        np.testing.assert_allclose(a[ROWS], part, rtol=2e-6, atol=1e-6)
        np.testing.assert_array_equal(a[others], kept[others])
        assert (a[ROWS] != kept[ROWS]).any()


@pytest.mark.parametrize("name", RULES)
def test_threads_do_not_matter(native: Any, name: str) -> None:
    count, some, _ = RULES[name]
    rows, g = np.arange(0, 4000, 2), drawn(9, 2000, 64)
    results = []
    for threads in (1, 2, 4):
        native.set_threads(threads)
        arrays = [np.abs(drawn(i, 4000, 64)) + 2 - 0.5 * i for i in range(count + 1)]
        some(native, arrays[0], rows, g, arrays[1:])
        results.append(arrays)
    for other in results[1:]:
        for a, b in zip(results[0], other, strict=True):
            np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("name", RULES)
def test_what_does_not_fit_is_handed_back_untouched(native: Any, name: str) -> None:
    count, some, _ = RULES[name]
    w, *slots = tables(count)
    g = drawn(3, len(ROWS), D)
    frozen = w.copy()
    frozen.flags.writeable = False
    misfits: list[tuple[Any, Any, Any]] = [
        (w.astype("f8"), ROWS, g), (w, ROWS, g.astype("f8")), (w, ROWS[:-1], g), (w, ROWS, g[:, :-1].copy()),
        (w, ROWS[::-1].copy(), g), (w, np.array([0, 3, 3, 4, 5, 6]), g), (w, ROWS.astype("f4"), g), (w, ROWS.tolist(), g),
        (np.asfortranarray(w), ROWS, g), (frozen, ROWS, g), (w, ROWS, w[: len(ROWS)]), (w, ROWS[None], g), (None, ROWS, g),
    ]  # fmt: skip
    before = [a.copy() for a in (w, *slots)]
    for misfit in misfits:
        assert some(native, *misfit, slots) is NotImplemented
    for i in range(count):
        for other in (slots[i][:-1].copy(), w, slots[i].astype("f8"), "text"):
            assert some(native, w, ROWS, g, [*slots[:i], other, *slots[i + 1 :]]) is NotImplemented
    for wrong in (-1, V):
        with pytest.raises(ArgumentError, match=f"Received: row {wrong}"):
            some(native, w, np.sort(np.array([0, 1, 2, 3, 4, wrong])), g, slots)
    for a, kept in zip((w, *slots), before, strict=True):
        np.testing.assert_array_equal(a, kept)
    assert some(native, w, ROWS[:0], g[:0], slots) is None  # a batch without a word
