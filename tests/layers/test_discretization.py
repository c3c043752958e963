"""Discretization: ranges by hand, learned limits against NumPy's quantiles, errors."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurona.errors import ArgumentError, DTypeError, NotBuiltError
from neurona.layers import Discretization


def test_ranges_by_hand() -> None:
    layer = Discretization(bin_boundaries=[0.0, 1.0, 2.0])
    found = layer([[-1.5, 0.0, 0.99], [1.0, 2.0, np.inf], [-np.inf, np.nan, 1e30]])
    assert found.numpy().tolist() == [[0, 1, 1], [2, 3, 3], [0, 3, 3]]
    assert found.numpy().dtype == np.int32
    assert layer(np.array([1, 5])).numpy().tolist() == [2, 3]
    hot = Discretization(bin_boundaries=[0.0, 1.0], output_mode="one_hot")
    assert hot([[-1.0], [3.0]]).numpy().tolist() == [[1, 0, 0], [0, 0, 1]]
    counted = Discretization(bin_boundaries=[0.0, 1.0], output_mode="count")([[-1.0, -2.0, 3.0]])
    assert counted.numpy().tolist() == [[2, 0, 1]]


@given(st.integers(2, 12), st.integers(200, 900), st.sampled_from(["normal", "exponential", "uniform"]))
@settings(max_examples=25, deadline=None)
def test_learned_limits_part_the_data_evenly(num_bins: int, count: int, kind: str) -> None:
    rng = np.random.default_rng(count)
    data = getattr(rng, kind)(size=count)
    whole, in_parts = Discretization(num_bins=num_bins), Discretization(num_bins=num_bins)
    whole.adapt(data)
    in_parts.adapt(iter(np.array_split(data, 4)))
    for layer in (whole, in_parts):
        assert len(layer.bin_boundaries) == num_bins - 1
        assert layer.bin_boundaries == sorted(layer.bin_boundaries)
        shares = np.bincount(layer(data).numpy(), minlength=num_bins) / count
        np.testing.assert_allclose(shares, 1 / num_bins, atol=0.05)


def test_configuration_before_and_after_learning() -> None:
    layer = Discretization(num_bins=4, name="d")
    assert layer.get_config()["bin_boundaries"] is None
    layer.adapt([float(i) for i in range(100)])
    again = Discretization.from_config(layer.get_config())
    assert again.get_config() == layer.get_config()
    assert again([[50.0]]).numpy().tolist() == layer([[50.0]]).numpy().tolist()


ERRORS: list[tuple[dict[str, Any], str]] = [
    ({}, "either `num_bins` or `bin_boundaries`"),
    ({"num_bins": 2, "bin_boundaries": [1.0]}, "should not be set"),
    ({"num_bins": -1}, "greater than or equal to 0"),
    ({"num_bins": 2, "output_mode": "x"}, "output_mode"),
    ({"num_bins": 2, "sparse": True}, "dense tensors only"),
    ({"bin_boundaries": [2.0, 1.0]}, "must ascend"),
]


@pytest.mark.parametrize(("settings", "words"), ERRORS)
def test_settings_that_cannot_be_meant(settings: dict[str, Any], words: str) -> None:
    with pytest.raises(ArgumentError, match=words):
        Discretization(**settings)


def test_calls_that_cannot_be_meant() -> None:
    with pytest.raises(NotBuiltError, match="adapt"):
        Discretization(num_bins=2)([1.0])
    with pytest.raises(ArgumentError, match="at least one number"):
        Discretization(num_bins=2).adapt([])
    with pytest.raises(ArgumentError, match="Cannot adapt"):
        Discretization(bin_boundaries=[1.0]).adapt([1.0])
    with pytest.raises(DTypeError, match="expected an array"):
        Discretization(num_bins=2).adapt(3)
    with pytest.raises(DTypeError, match="expected numbers"):
        Discretization(bin_boundaries=[1.0])(["a"])
