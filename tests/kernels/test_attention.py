"""Attention against its reference in float64: shapes around the tiles' sizes, shared heads, masks, and every thread count."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from neurona.ops.fused.attention import scaled_attention

# samples, queries, keys, heads of keys, queries' heads for each, width of keys, width of values
SHAPES = [
    (1, 1, 1, 1, 1, 1, 1),
    (2, 7, 16, 2, 1, 16, 16),
    (1, 33, 17, 1, 3, 9, 25),
    (3, 12, 40, 2, 2, 8, 31),
    (1, 530, 5, 1, 1, 4, 4),  # more queries than one task takes
    (1, 40, 700, 1, 2, 6, 3),  # more scores than one block holds
]


def drawn(shape: tuple[int, ...], seed: int = 0) -> tuple[Any, Any, Any, Any]:
    n, t, s, keys, groups, d, f = shape
    rng = np.random.default_rng(seed)
    shapes = ((n, t, keys * groups, d), (n, s, keys, d), (n, s, keys, f), (n, t, keys * groups, f))
    query, key, value, g = (rng.standard_normal(one).astype("float32") for one in shapes)
    return query, key, value, g


def masks(shape: tuple[int, ...]) -> list[Any]:
    n, t, s, keys, groups, _, _ = shape
    rng = np.random.default_rng(1)
    heads = keys * groups
    whole = rng.random((n, heads, t, s)) < 0.5
    return [None, rng.random((n, 1, 1, s)) < 0.7, rng.random((1, 1, t, 1)) < 0.5, whole, whole[..., ::-1]]


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("shape", SHAPES)
def test_both_ways_agree_with_the_reference(each_isa: Any, shape: tuple[int, ...], causal: bool) -> None:
    query, key, value, g = drawn(shape)
    wide = [a.astype("float64") for a in (query, key, value)]
    for mask in masks(shape):
        told = {"scale": 0.4, "is_causal": causal}
        y = scaled_attention.reference(*wide, None, mask, **told)
        slopes = scaled_attention._gradient(g.astype("float64"), y, *wide, None, mask, needs=(True,) * 5, **told)
        found = each_isa.attention(query, key, value, mask, 0.4, causal)
        ways = each_isa.attention_backward(g, query, key, value, mask, 0.4, causal)
        for one, other in zip((found, *ways), (y, *slopes[:3]), strict=True):
            np.testing.assert_allclose(one, other, atol=2e-5 * max(1.0, float(np.abs(other).max())))


def test_threads_change_nothing(native: Any) -> None:
    shape = (3, 70, 50, 2, 2, 16, 16)
    query, key, value, g = drawn(shape)
    mask = masks(shape)[1]
    found = []
    for threads in (1, 2, 3):
        native.set_threads(threads)
        ways = native.attention_backward(g, query, key, value, mask, 0.25, True)
        found.append([native.attention(query, key, value, mask, 0.25, True), *ways])
    for other in found[1:]:
        for one, two in zip(found[0], other, strict=True):
            np.testing.assert_array_equal(one, two)


def test_large_scores_and_no_number_pass_through(each_isa: Any) -> None:
    query, key, value, _ = drawn((1, 4, 20, 1, 1, 8, 8))
    y = each_isa.attention(query * 1000, key, value, None, 1.0, False)
    assert np.isfinite(y).all()  # exp of the largest difference alone would overflow
    query[0, 2, 0, 3] = np.nan
    y = each_isa.attention(query, key, value, None, 1.0, False)
    assert np.isnan(y[0, 2]).all()
    assert np.isfinite(np.delete(y, 2, axis=1)).all()


def test_misfits_are_handed_back(native: Any) -> None:
    query, key, value, g = drawn((2, 3, 4, 2, 2, 5, 6))
    good = [query, key, value, None, 1.0, False]
    assert native.attention(*good) is not NotImplemented
    odd_heads = np.zeros((2, 3, 3, 5), "float32")
    for place, misfit in [
        (0, query.astype("float64")), (0, query[:, ::2]), (0, query[0]), (0, odd_heads), (0, query[:1]), (0, None),
        (1, np.zeros((2, 4, 2, 6), "float32")), (1, key[:, :0]), (2, value[:, :-1].copy()), (2, value.tolist()),
        (3, np.ones((2, 4, 3, 4))), (3, np.ones((3, 4), bool)), (3, np.ones((2, 4, 3, 5), bool)), (3, "text"),
    ]:  # fmt: skip
        changed = [*good[:place], misfit, *good[place + 1 :]]
        assert native.attention(*changed) is NotImplemented, (place, misfit)
        assert native.attention_backward(g, *changed) is NotImplemented, (place, misfit)
    assert native.attention_backward(g[..., :-1].copy(), *good) is NotImplemented
