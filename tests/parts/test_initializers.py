"""Initializers: fans, seeds, types, the matrices that are known, errors."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import neurona
from neurona.errors import ArgumentError, ShapeError, UnknownNameError
from neurona.parts import initializers
from neurona.parts.initializers import compute_fans
from neurona.tensor import Tensor

RANDOM = [
    initializers.GlorotNormal,
    initializers.GlorotUniform,
    initializers.HeNormal,
    initializers.HeUniform,
    initializers.LecunNormal,
    initializers.LecunUniform,
    initializers.Orthogonal,
    initializers.RandomNormal,
    initializers.RandomUniform,
    initializers.TruncatedNormal,
    initializers.VarianceScaling,
]


@pytest.mark.parametrize(
    ("shape", "fans"),
    [((), (1, 1)), ((7,), (7, 7)), ((4, 5), (4, 5)), ((3, 2, 4, 5), (24, 30)), ((3, 4, 5), (12, 15))],
)
def test_fans(shape: tuple[int, ...], fans: tuple[int, int]) -> None:
    assert compute_fans(shape) == fans


def test_fans_of_told_axes() -> None:
    assert compute_fans((2, 3, 5, 7), input_axes=[0, 1], output_axes=[2, 3]) == (6, 35)
    w = initializers.HeUniform(seed=1, input_axes=[1, 2], output_axes=[0])((50, 4, 20)).numpy()
    assert np.abs(w).max() <= math.sqrt(6 / 80)
    assert np.abs(w).max() > 0.95 * math.sqrt(6 / 80)


@pytest.mark.parametrize("cls", RANDOM)
def test_a_seed_repeats_and_none_differs(cls: Any) -> None:
    first = cls(seed=5)
    a, b = first((6, 5)).numpy(), first((6, 5)).numpy()
    np.testing.assert_array_equal(a, b)
    np.testing.assert_array_equal(a, cls(seed=5)((6, 5)).numpy())
    assert not np.array_equal(a, cls(seed=6)((6, 5)).numpy())
    assert not np.array_equal(cls()((6, 5)).numpy(), cls()((6, 5)).numpy())
    np.testing.assert_array_equal(first.clone()((6, 5)).numpy(), a)


@pytest.mark.parametrize("cls", RANDOM)
def test_a_seed_generator_goes_on(cls: Any) -> None:
    def two() -> list[Any]:
        initializer = cls(seed=neurona.random.SeedGenerator(3))
        return [initializer((6, 5)).numpy() for _ in range(2)]

    a, b = two()
    assert not np.array_equal(a, b)
    np.testing.assert_array_equal([a, b], two())


@pytest.mark.parametrize("cls", RANDOM)
def test_a_global_seed_repeats_the_program(cls: Any) -> None:
    drawn = []
    for _ in range(2):
        neurona.utils.set_random_seed(12)
        drawn.append([cls()((4, 5)).numpy() for _ in range(2)])
    np.testing.assert_array_equal(drawn[0], drawn[1])
    assert not np.array_equal(*drawn[0])


def test_a_generator_is_saved_with_its_owner() -> None:
    made = initializers.RandomNormal(seed=neurona.random.SeedGenerator(3))
    again = initializers.deserialize(initializers.serialize(made))
    np.testing.assert_array_equal(made((3, 3)).numpy(), again((3, 3)).numpy())


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_types(dtype: str) -> None:
    for cls in (*RANDOM, initializers.Zeros, initializers.Ones, initializers.Identity, initializers.Constant):
        drawn = cls()((4, 3), dtype=dtype)
        assert isinstance(drawn, Tensor)
        assert drawn.dtype == dtype
        assert drawn.shape == (4, 3)
    assert initializers.Zeros()((2,)).dtype == "float32"
    assert initializers.Ones()((2,), dtype="bool").dtype == "bool"


@settings(max_examples=25, deadline=None, derandomize=True)
@given(rows=st.integers(1, 8), columns=st.integers(1, 8), gain=st.floats(0.1, 3.0))
def test_orthogonal_has_right_angles(rows: int, columns: int, gain: float) -> None:
    w = initializers.Orthogonal(gain=gain, seed=2)((rows, columns), dtype="float64").numpy()
    w = w if rows <= columns else w.T
    np.testing.assert_allclose(w @ w.T, gain**2 * np.eye(len(w)), atol=1e-12)


@settings(max_examples=25, deadline=None, derandomize=True)
@given(
    mode=st.sampled_from(["fan_in", "fan_out", "fan_avg"]),
    distribution=st.sampled_from(["truncated_normal", "untruncated_normal", "uniform", "normal"]),
    scale=st.floats(0.2, 5.0),
    seed=st.integers(0, 2**20),
)
def test_variance_is_as_scaled(mode: str, distribution: str, scale: float, seed: int) -> None:
    fan_in, fan_out = 60, 140
    n = {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": 100}[mode]
    w = initializers.VarianceScaling(scale, mode, distribution, seed)((fan_in, fan_out), "float64").numpy()
    assert w.var() == pytest.approx(scale / n, rel=0.12)
    assert abs(w.mean()) < 6 * math.sqrt(scale / n / w.size)


def test_an_array_is_an_initializer() -> None:
    values = np.arange(6.0).reshape(2, 3)
    for given_values in (values, Tensor(values)):
        found = initializers.get(given_values)
        drawn = found((2, 3), dtype="float32")
        np.testing.assert_array_equal(drawn.numpy(), values)
        assert drawn.dtype == "float32"
        with pytest.raises(ShapeError, match=r"Expected \(3, 2\)\. Received: shape \(2, 3\)"):
            found((3, 2))


def test_errors_speak() -> None:
    with pytest.raises(ShapeError, match=r"shape of a matrix.*shape=\(3,\) of rank 1"):
        initializers.Identity()((3,))
    with pytest.raises(ShapeError, match=r"at least two axes.*shape=\(3,\) of rank 1"):
        initializers.Orthogonal()((3,))
    with pytest.raises(ArgumentError, match=r"`scale` must be positive float\. Received: scale=0"):
        initializers.VarianceScaling(scale=0)
    with pytest.raises(UnknownNameError, match="Did you mean 'fan_in'"):
        initializers.VarianceScaling(mode="fan_inn")
    with pytest.raises(UnknownNameError, match="Did you mean 'uniform'"):
        initializers.VarianceScaling(distribution="unifrm")
    with pytest.raises(ArgumentError, match=r"Received: seed='x' \(str\)"):
        initializers.RandomNormal(seed="x")
    with pytest.raises(NotImplementedError, match="must write `__call__"):
        initializers.Initializer()((2,))
