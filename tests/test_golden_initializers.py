"""Initializers draw with Keras's statistics; the deterministic ones give its values; configs are equal."""

from __future__ import annotations

import math
from typing import Any

import pytest

from tests.golden import reader
from tests.golden.bridge import BRIDGE
from tests.golden.specs import initializers


@pytest.mark.parametrize("case", reader.family("initializers"), ids=str)
def test_initializers_equal_keras(case: reader.Case) -> None:
    got, want = initializers.run(BRIDGE, case.setup), dict(case.expected)
    if "statistics" in want:
        _same_distribution(got.pop("statistics"), want.pop("statistics"))
    reader.compare(reader.Case(case.family, case.id, case.setup, want, case.slack), got)


def _same_distribution(got: dict[str, Any], want: dict[str, Any]) -> None:
    """Two samples of one distribution: their figures may differ by SIGMAS standard errors."""
    s, n = want["std"], want["n"]
    error = initializers.SIGMAS * math.sqrt(2) * s / math.sqrt(n)  # sqrt(2): both samples stray
    assert got["n"] == n
    assert got["mean"] == pytest.approx(want["mean"], abs=error)
    assert got["std"] == pytest.approx(s, abs=error / math.sqrt(2))
    # the largest of n values strays: a good part of a deviation for a normal, hardly at all when bounded
    assert got["min"] == pytest.approx(want["min"], abs=1.3 * s)
    assert got["max"] == pytest.approx(want["max"], abs=1.3 * s)
    bounded = want["max"] - want["min"] < 5 * s
    if bounded:  # uniform, or a normal cut at two deviations: the edge is the same
        assert got["min"] == pytest.approx(want["min"], abs=0.02 * s)
        assert got["max"] == pytest.approx(want["max"], abs=0.02 * s)
    for share, mine, theirs in zip(initializers.QUANTILES, got["quantiles"], want["quantiles"], strict=True):
        # a quantile's standard error is sqrt(p (1-p) / n) / density; the rarest here have 0.026 / s
        density = (0.026 if share in (0.01, 0.99) else 0.17) / s
        allowed = initializers.SIGMAS * math.sqrt(2 * share * (1 - share) / n) / density
        assert mine == pytest.approx(theirs, abs=allowed), f"quantile {share}"


def test_orthogonal_rows_are_orthonormal() -> None:
    keras = BRIDGE.keras
    for shape, gain in (((4, 6), 1.0), ((6, 4), 2.0), ((3, 3, 2, 5), 1.0)):
        w = BRIDGE.numpy(keras.initializers.Orthogonal(gain=gain, seed=1)(shape)).reshape(-1, shape[-1])
        w = w if w.shape[0] <= w.shape[1] else w.T
        product = w @ w.T
        for i in range(len(product)):
            for j in range(len(product)):
                assert product[i, j] == pytest.approx(gain**2 if i == j else 0.0, abs=1e-5)
