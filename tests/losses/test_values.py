"""Values worked out by hand, naive loops, extreme inputs and properties that must hold for any input."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from neurona import losses
from neurona.tape import Tape
from neurona.tensor import Tensor

LOGITS = arrays("float32", (4, 3), elements=st.floats(-20, 20, width=32))
LABELS = arrays("int32", (4,), elements=st.integers(0, 2))


@pytest.mark.parametrize(
    ("name", "y_true", "y_pred", "expected"),
    [
        ("mse", [[1.0, 2.0]], [[2.0, 4.0]], [2.5]),
        ("mae", [[1.0, 2.0]], [[2.0, 4.0]], [1.5]),
        ("mape", [[1.0, 2.0]], [[2.0, 3.0]], [75.0]),
        ("msle", [[math.e - 1]], [[0.0]], [1.0]),
        ("huber", [[0.0, 0.0]], [[0.5, -2.0]], [(0.125 + 1.5) / 2]),
        ("log_cosh", [[0.0]], [[1.0]], [math.log(math.cosh(1.0))]),
        ("cosine_similarity", [[3.0, 4.0]], [[4.0, 3.0]], [-0.96]),
        ("kld", [[0.5, 0.5]], [[0.25, 0.75]], [0.5 * math.log(2) + 0.5 * math.log(2 / 3)]),
        ("poisson", [[2.0]], [[math.e]], [math.e - 2]),
        ("hinge", [[1.0, 0.0]], [[0.5, 0.5]], [1.0]),
        ("squared_hinge", [[1.0, -1.0]], [[0.5, 0.5]], [1.25]),
        ("categorical_hinge", [[1.0, 0.0]], [[0.25, 0.5]], [1.25]),
        ("bce", [[1.0, 0.0]], [[0.5, 0.75]], [(math.log(2) + math.log(4)) / 2]),
        ("categorical_crossentropy", [[0.0, 1.0]], [[0.75, 0.25]], [math.log(4)]),
        ("sparse_categorical_crossentropy", [1], [[0.75, 0.25]], [math.log(4)]),
        ("dice", [[1.0, 1.0]], [[1.0, 0.0]], 1 - 2 / 3),
        ("tversky", [[1.0, 1.0]], [[1.0, 0.0]], 1 - 1 / 1.5),
        ("ctc", [[1]], [[[0.0, 0.0], [0.0, 0.0]]], [-math.log(3 / 4)]),
    ],
)
def test_by_hand(name: str, y_true: Any, y_pred: Any, expected: Any) -> None:
    np.testing.assert_allclose(losses.get(name)(y_true, y_pred).numpy(), expected, rtol=2e-6)


@settings(max_examples=30, deadline=None, derandomize=True)
@given(x=LOGITS, y=LABELS)
def test_crossentropies_agree(x: np.ndarray, y: np.ndarray) -> None:
    """Sparse, one-hot and the formula in float64 are the same number."""
    wide = x.astype("float64")
    logs = wide - wide.max(1, keepdims=True)
    logs = logs - np.log(np.exp(logs).sum(1, keepdims=True))
    expected = -logs[np.arange(4), y]
    sparse = losses.sparse_categorical_crossentropy(y, x, from_logits=True).numpy()
    one_hot = losses.categorical_crossentropy(np.eye(3)[y], x, from_logits=True).numpy()
    moved = losses.categorical_crossentropy(np.eye(3)[y].T, x.T, from_logits=True, axis=0).numpy()
    sparse_moved = losses.sparse_categorical_crossentropy(y, x.T, from_logits=True, axis=0).numpy()
    for got in (sparse, one_hot, moved, sparse_moved):
        np.testing.assert_allclose(got, expected, rtol=1e-4, atol=1e-5)


@settings(max_examples=30, deadline=None, derandomize=True)
@given(x=LOGITS, y=LABELS)
def test_probabilities_and_logits_agree(x: np.ndarray, y: np.ndarray) -> None:
    x = np.clip(x, -5, 5)
    p = np.exp(x) / np.exp(x).sum(1, keepdims=True)
    bits = (y[:, None] == np.arange(3)).astype("float32")
    for name, targets in [("categorical_crossentropy", bits), ("sparse_categorical_crossentropy", y)]:
        by_logits = losses.get(name)(targets, x, from_logits=True).numpy()
        np.testing.assert_allclose(losses.get(name)(targets, p).numpy(), by_logits, rtol=1e-4, atol=1e-5)
    by_logits = losses.binary_crossentropy(bits, x, from_logits=True).numpy()
    by_sigmoid = losses.binary_crossentropy(bits, 1 / (1 + np.exp(-x))).numpy()
    np.testing.assert_allclose(by_sigmoid, by_logits, rtol=1e-4, atol=1e-5)


@settings(max_examples=30, deadline=None, derandomize=True)
@given(x=LOGITS, y=LOGITS)
def test_distances_are_positive_and_zero_at_the_target(x: np.ndarray, y: np.ndarray) -> None:
    for name in ("mse", "mae", "huber", "log_cosh", "mape"):
        assert (losses.get(name)(y, x).numpy() >= -1e-6).all()
        np.testing.assert_allclose(losses.get(name)(y, y).numpy(), 0.0, atol=1e-6)


def test_focal_without_focus_is_crossentropy() -> None:
    p, bits = np.array([[0.2, 0.7, 0.1]], "float32"), np.array([[0.0, 1.0, 0.0]], "float32")
    np.testing.assert_allclose(
        losses.binary_focal_crossentropy(bits, p, gamma=0.0).numpy(),
        losses.binary_crossentropy(bits, p).numpy(),
    )
    np.testing.assert_allclose(
        losses.categorical_focal_crossentropy(bits, p, alpha=1.0, gamma=0.0).numpy(),
        losses.categorical_crossentropy(bits, p).numpy(),
        rtol=1e-6,
    )


def test_extreme_logits_stay_finite() -> None:
    x = np.array([[1e4, -1e4, 0.0]], "float32")
    assert losses.binary_crossentropy([[0.0, 1.0, 0.0]], x, from_logits=True).numpy()[0] == pytest.approx(
        2e4 / 3, rel=1e-3
    )
    assert losses.sparse_categorical_crossentropy([1], x, from_logits=True).tolist() == [2e4]
    assert losses.categorical_crossentropy([[0.0, 1.0, 0.0]], x, from_logits=True).tolist() == [2e4]
    certain = losses.sparse_categorical_crossentropy([1], [[1.0, 0.0]]).numpy()
    assert certain[0] == pytest.approx(-math.log(1e-7), rel=1e-3)


def test_ignored_class_costs_nothing_and_counts_for_nothing() -> None:
    y_pred = Tensor(np.array([[0.5, 0.5], [np.nan, np.nan], [0.25, 0.75]], "float32"))
    with Tape() as tape:
        tape.watch(y_pred)
        loss = losses.SparseCategoricalCrossentropy(ignore_class=-1)(Tensor([0, -1, 0]), y_pred)
    assert float(loss) == pytest.approx((math.log(2) + math.log(4)) / 2, rel=1e-6)
    slope = tape.gradient(loss, y_pred).numpy()
    assert np.isfinite(slope).all()
    assert (slope[1] == 0).all()


def test_large_class_numbers_are_not_rounded() -> None:
    """Through float32, 16777217 would become 16777216."""
    loss = losses.SparseCategoricalCrossentropy(ignore_class=16777217)
    np.testing.assert_allclose(loss([16777217, 0], [[0.5, 0.5], [0.5, 0.5]]).numpy(), math.log(2), rtol=1e-6)


def spellings(steps: int, labels: list[int], classes: int) -> list[tuple[int, ...]]:
    found = []
    for path in itertools.product(range(classes), repeat=steps):
        spelt = [symbol for symbol, _ in itertools.groupby(path) if symbol != 0]
        if spelt == labels:
            found.append(path)
    return found


@pytest.mark.parametrize("labels", [[], [1], [1, 2], [2, 2], [1, 2, 1]])
def test_ctc_sums_over_all_spellings(labels: list[int]) -> None:
    rng = np.random.default_rng(len(labels))
    x = rng.normal(size=(1, 5, 3))
    p = np.exp(x[0]) / np.exp(x[0]).sum(-1, keepdims=True)
    total = sum(np.prod([p[t, s] for t, s in enumerate(path)]) for path in spellings(5, labels, 3))
    padded = np.array([labels + [0] * (3 - len(labels))], "int32")
    assert losses.ctc(padded, x).numpy()[0] == pytest.approx(-math.log(total), rel=1e-9)


def test_ctc_without_enough_steps_is_infinite() -> None:
    assert losses.ctc([[1, 1]], np.zeros((1, 2, 3), "float32")).tolist() == [math.inf]


def test_circle_compares_with_references() -> None:
    refs = np.array([[1.0, 0.0], [0.0, 1.0]], "float32")
    value = losses.circle([0], [[1.0, 0.0]], [0, 1], refs, remove_diagonal=False, gamma=2.0, margin=0.4).numpy()
    pull, push = 2 * 0.4 * -0.4, 2 * 0.4 * -0.4  # d = 0 and d = 1: both at their best
    assert value[0] == pytest.approx(math.log1p(math.exp(pull + push)), rel=1e-6)
