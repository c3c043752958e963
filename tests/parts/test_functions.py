"""Activations by their formulas and gradients; regularizers and constraints by hand and by their promise."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from neurona import KerasTensor, gradcheck
from neurona.errors import ArgumentError, ShapeError
from neurona.parts import activations, constraints, regularizers
from neurona.registry import table
from neurona.tensor import Tensor

# the points stay away from every kink (0, 0.5, 1, 3, 6 ...)
POINTS = np.array([[-7.3, -3.2, -1.3, -0.7], [-0.2, 0.3, 0.8, 1.7], [2.4, 3.6, 5.1, 7.9]])


def sigma(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


FORMULAS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "celu": lambda x: np.maximum(x, 0) + np.minimum(np.expm1(x), 0),
    "elu": lambda x: np.where(x > 0, x, np.expm1(x)),
    "exponential": np.exp,
    "gelu": lambda x: x * np.vectorize(lambda t: (1 + math.erf(t / math.sqrt(2))) / 2)(x),
    "glu": lambda x: x[:, :2] * sigma(x[:, 2:]),
    "hard_shrink": lambda x: np.where(np.abs(x) > 0.5, x, 0),
    "hard_sigmoid": lambda x: np.clip(x / 6 + 0.5, 0, 1),
    "hard_silu": lambda x: x * np.clip(x / 6 + 0.5, 0, 1),
    "hard_tanh": lambda x: np.clip(x, -1, 1),
    "leaky_relu": lambda x: np.where(x > 0, x, 0.2 * x),
    "linear": lambda x: x,
    "log_sigmoid": lambda x: np.log(sigma(x)),
    "log_softmax": lambda x: x - np.log(np.exp(x).sum(-1, keepdims=True)),
    "mish": lambda x: x * np.tanh(np.log1p(np.exp(x))),
    "relu": lambda x: np.maximum(x, 0),
    "relu6": lambda x: np.clip(x, 0, 6),
    "selu": lambda x: 1.0507009873554805 * np.where(x > 0, x, 1.6732632423543772 * np.expm1(x)),
    "sigmoid": sigma,
    "silu": lambda x: x * sigma(x),
    "soft_shrink": lambda x: np.sign(x) * np.maximum(np.abs(x) - 0.5, 0),
    "softmax": lambda x: np.exp(x) / np.exp(x).sum(-1, keepdims=True),
    "softplus": lambda x: np.log1p(np.exp(x)),
    "softsign": lambda x: x / (1 + np.abs(x)),
    "sparse_plus": lambda x: np.where(x <= -1, 0, np.where(x >= 1, x, (x + 1) ** 2 / 4)),
    "sparse_sigmoid": lambda x: np.clip((x + 1) / 2, 0, 1),
    "squareplus": lambda x: (x + np.sqrt(x * x + 4)) / 2,
    "tanh": np.tanh,
    "tanh_shrink": lambda x: x - np.tanh(x),
}
ACTIVATIONS = sorted({f.__name__ for f in table("keras.activations").values()} - {"threshold"})


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activation(name: str) -> None:
    """Value by the formula, gradient by finite differences, shape foretold on a placeholder."""
    function = activations.get(name)
    y = function(Tensor(POINTS))
    if name == "sparsemax":
        np.testing.assert_allclose(y.numpy().sum(-1), 1.0)
    else:
        np.testing.assert_allclose(y.numpy(), FORMULAS[name](POINTS), rtol=1e-9, atol=1e-12)
    assert gradcheck(function, POINTS).checked == 12
    drawn = function(KerasTensor((None, 4)))
    assert drawn.shape == (None, *y.shape[1:])
    assert function(Tensor(POINTS.astype("float32"))).dtype == "float32"


def test_relu_with_settings() -> None:
    x = np.array([-2.0, 0.25, 1.0, 9.0])
    for config, expected in [
        ({"max_value": 6.0}, [0.0, 0.25, 1.0, 6.0]),
        ({"threshold": 0.5}, [0.0, 0.0, 1.0, 9.0]),
        ({"negative_slope": 0.5}, [-1.0, 0.25, 1.0, 9.0]),
        ({"negative_slope": 0.5, "threshold": 0.5, "max_value": 6.0}, [-1.25, -0.125, 1.0, 6.0]),
    ]:
        np.testing.assert_allclose(activations.relu(x, **config).numpy(), expected)
        gradcheck(activations.relu, x, **config)
    assert activations.relu([1, 2], threshold=1).dtype.kind in "fi"


def test_threshold() -> None:
    gradcheck(activations.threshold, POINTS, threshold=0.5, default_value=2.0)
    assert activations.threshold([0.0, 1.0], 0.5, 9.0).tolist() == [9.0, 1.0]


W = np.array([[3.0, -1.0], [4.0, 2.0]])


@pytest.mark.parametrize(
    ("regularizer", "penalty"),
    [
        (regularizers.L1(0.1), 1.0),
        (regularizers.L2(0.1), 3.0),
        (regularizers.L1L2(0.1, 0.1), 4.0),
        (regularizers.L1L2(0.0, 0.1), 3.0),
        (regularizers.L1L2(), 0.0),
        # |3 * 4 + -1 * 2| / (sqrt(10) sqrt(20)) for the one pair of rows
        (regularizers.OrthogonalRegularizer(2.0), 2 * 10 / math.sqrt(200)),
        (regularizers.OrthogonalRegularizer(2.0, "columns"), 2 * 5 / (5 * math.sqrt(5))),
    ],
    ids=str,
)
def test_penalty(regularizer: Any, penalty: float) -> None:
    assert float(regularizer(Tensor(W))) == pytest.approx(penalty, rel=1e-6)
    assert regularizer(Tensor(W)).dtype == "float64"
    gradcheck(regularizer, W)


def test_regularizers_say_what_is_wrong() -> None:
    for bad in (-1.0, float("nan"), "x"):
        with pytest.raises(ArgumentError, match=r"argument l2: expected a non-negative float\. Received: l2="):
            regularizers.L2(bad)  # type: ignore[arg-type]
    with pytest.raises(ArgumentError, match=r"Invalid value for argument `mode`\. Expected one of"):
        regularizers.OrthogonalRegularizer(mode="row")
    with pytest.raises(ShapeError, match=r"must have rank 2. Received: inputs.shape=\(3,\)"):
        regularizers.OrthogonalRegularizer()([1.0, 2.0, 3.0])


def norms(w: np.ndarray, axis: Any) -> np.ndarray:
    return np.sqrt((w.astype("float64") ** 2).sum(axis, keepdims=True))


WEIGHTS = arrays("float32", (3, 4), elements=st.floats(-4, 4, width=32).map(lambda v: v if abs(v) > 1e-2 else 0.5))


@settings(max_examples=40, deadline=None, derandomize=True)
@given(w=WEIGHTS, axis=st.sampled_from([0, 1, (0, 1)]))
def test_constraints_keep_their_promise(w: np.ndarray, axis: Any) -> None:
    assert (constraints.NonNeg()(w).numpy() == np.maximum(w, 0)).all()
    np.testing.assert_allclose(norms(constraints.UnitNorm(axis)(w).numpy(), axis), 1.0, rtol=1e-5)
    assert (norms(constraints.MaxNorm(1.5, axis)(w).numpy(), axis) <= 1.5 * (1 + 1e-6)).all()
    bounded = norms(constraints.MinMaxNorm(0.5, 1.5, 1.0, axis)(w).numpy(), axis)
    assert ((bounded >= 0.5 * (1 - 1e-5)) & (bounded <= 1.5 * (1 + 1e-5))).all()
    halfway = norms(constraints.MinMaxNorm(0.5, 1.5, 0.5, axis)(w).numpy(), axis)
    expected = 0.5 * np.clip(norms(w, axis), 0.5, 1.5) + 0.5 * norms(w, axis)
    np.testing.assert_allclose(halfway, expected, rtol=1e-5)


def test_zero_weights_stay_finite() -> None:
    for constraint in (constraints.UnitNorm(), constraints.MaxNorm(), constraints.MinMaxNorm()):
        assert (constraint(np.zeros((2, 2), "float32")).numpy() == 0).all()
