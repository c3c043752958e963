"""Layer normalisation against its reference in float64, on rows around the vectors' widths, and in every thread count."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from neurona.ops.fused.layer_norm import layer_norm


@pytest.mark.parametrize("columns", [1, 3, 8, 15, 16, 17, 64, 100])
@pytest.mark.parametrize("rows", [0, 1, 5, 300])
@pytest.mark.parametrize("sides", [(True, True), (False, True), (True, False), (False, False)])
def test_both_ways_agree_with_the_reference(each_isa: Any, rows: int, columns: int, sides: tuple[bool, bool]) -> None:
    rng = np.random.default_rng(rows + columns)
    x = rng.normal(3, 2, (rows, columns)).astype("float32")
    g = rng.normal(size=x.shape).astype("float32")
    gamma, beta = (rng.normal(size=columns).astype("float32") if side else None for side in sides)
    wide = [None if a is None else a.astype("float64") for a in (x, gamma, beta)]
    y = each_isa.layer_norm(x, gamma, beta, 1e-3)
    np.testing.assert_allclose(y, layer_norm.reference(*wide, epsilon=1e-3), atol=1e-5)
    found = each_isa.layer_norm_backward(g, x, gamma, 1e-3)
    wanted = layer_norm._gradient(g.astype("float64"), None, *wide, needs=(True, True, True), epsilon=1e-3)
    for one, other in zip(found, wanted, strict=True):
        np.testing.assert_allclose(one, other, atol=3e-5 * max(1.0, float(np.abs(other).max(initial=0))))


def test_threads_change_nothing(native: Any) -> None:
    rng = np.random.default_rng(0)
    x, g = rng.normal(size=(2, 4000, 64)).astype("float32")
    gamma = rng.normal(size=64).astype("float32")
    found = []
    for threads in (1, 2, 3):
        native.set_threads(threads)
        found.append([native.layer_norm(x, gamma, gamma, 1e-3), *native.layer_norm_backward(g, x, gamma, 1e-3)])
    for other in found[1:]:
        for one, two in zip(found[0], other, strict=True):
            np.testing.assert_array_equal(one, two)


def test_a_far_mean_loses_nothing(each_isa: Any) -> None:
    x = (np.arange(32, dtype="float32").reshape(2, 16) + 30_000).astype("float32")
    np.testing.assert_allclose(each_isa.layer_norm(x, None, None, 0.0).std(axis=1), 1, rtol=1e-5)
