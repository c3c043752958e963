"""The contract of all metrics, walked from the table: they count batch by batch, start anew, save, and can be recorded.

A metric that enters the table is picked up by itself; one that needs arguments or special input is listed in `NEEDS`.
"""

from __future__ import annotations

import inspect
import json
from typing import Any

import numpy as np
import pytest

import neurona
from neurona import metrics
from neurona.registry import table
from neurona.training.plan import Plan

ABSTRACT = (metrics.Metric, metrics.MeanMetricWrapper)
CLASSES = sorted(
    {c for c in table("keras.metrics").values() if inspect.isclass(c) and c not in ABSTRACT}, key=lambda c: c.__name__
)
NEEDS: dict[str, dict[str, Any]] = {
    "IoU": {"num_classes": 3, "target_class_ids": [0, 2]},
    "MeanIoU": {"num_classes": 3},
    "OneHotIoU": {"num_classes": 3, "target_class_ids": [0, 2]},
    "OneHotMeanIoU": {"num_classes": 3},
    "SensitivityAtSpecificity": {"specificity": 0.5},
    "SpecificityAtSensitivity": {"sensitivity": 0.5},
    "PrecisionAtRecall": {"recall": 0.5},
    "RecallAtPrecision": {"precision": 0.5},
    "TopKCategoricalAccuracy": {"k": 2},
    "SparseTopKCategoricalAccuracy": {"k": 2},
}
SPARSE = ("SparseCategoricalAccuracy", "SparseTopKCategoricalAccuracy", "SparseCategoricalCrossentropy")
every = pytest.mark.parametrize("cls", CLASSES, ids=lambda c: c.__name__)


def make(cls: Any) -> Any:
    return cls(**NEEDS.get(cls.__name__, {}))


def batch(cls: Any, seed: int, size: int = 8) -> tuple[np.ndarray, ...]:
    """Arguments that suit the metric: values, or targets and predictions."""
    rng = np.random.default_rng(seed)
    name, labels = cls.__name__, rng.integers(0, 3, size)
    p = np.asarray(rng.random((size, 3)) + 0.01, np.float32)
    p /= p.sum(axis=1, keepdims=True)
    if name in ("Mean", "Sum"):
        return (p,)
    if name in SPARSE:
        return labels.astype("int32"), p
    if name in ("IoU", "MeanIoU"):
        return labels, rng.integers(0, 3, size)
    if name in (
        "KLDivergence",
        "MeanAbsolutePercentageError",
        "PearsonCorrelation",
        "ConcordanceCorrelation",
        "R2Score",
    ):
        return np.asarray(rng.random((size, 3)) + 0.1, np.float32), p
    return np.eye(3, dtype=np.float32)[labels], p


def value(metric: Any) -> np.ndarray:
    result = metric.result()
    assert isinstance(result, neurona.Tensor)
    assert result.dtype == np.float32
    return result.numpy().copy()


@every
def test_two_batches_are_one_large_one(cls: Any) -> None:
    parts, whole = make(cls), make(cls)
    batches = [batch(cls, seed) for seed in (1, 2)]
    for b in batches:
        assert parts.update_state(*b) is None
    whole.update_state(*(np.concatenate(columns) for columns in zip(*batches, strict=True)))
    np.testing.assert_allclose(value(parts), value(whole), rtol=1e-5, atol=1e-6)


@every
def test_it_starts_anew(cls: Any) -> None:
    metric, fresh = make(cls), make(cls)
    metric.update_state(*batch(cls, 1))
    metric.reset_state()
    assert all(not v.numpy().any() for v in metric.variables)
    metric.update_state(*batch(cls, 2))
    np.testing.assert_array_equal(value(metric), fresh(*batch(cls, 2)).numpy())


@every
def test_the_configuration_makes_an_equal_one(cls: Any) -> None:
    metric = make(cls)
    saved = json.loads(json.dumps(metrics.serialize(metric)))
    assert saved["module"] == "keras.metrics"
    again = metrics.deserialize(saved)
    assert type(again) is cls
    assert again.get_config() == metric.get_config()
    np.testing.assert_array_equal(again(*batch(cls, 3)).numpy(), metric(*batch(cls, 3)).numpy())


@every
def test_a_recorded_update_can_be_repeated(cls: Any) -> None:
    """A training step is recorded once and repeated on other data; the metric must go on counting."""
    recorded, plain = make(cls), make(cls)
    plain.update_state(*batch(cls, 1))  # some make their variables now
    recorded.update_state(*batch(cls, 1))

    def update(*columns: Any) -> tuple[None, Any]:
        recorded.update_state(*columns)
        return None, columns[-1]

    plan = Plan(update, batch(cls, 2), [])
    assert plan.unrepeatable is None
    plan(batch(cls, 3))
    plan(batch(cls, 4))
    for seed in (2, 3, 4):
        plain.update_state(*batch(cls, seed))
    np.testing.assert_allclose(value(recorded), value(plain), rtol=1e-6)


@every
def test_weights_count_samples(cls: Any) -> None:
    """Whole weights are repetitions, and a weight of 0 leaves a sample out."""
    if cls.__name__ in ("PearsonCorrelation", "ConcordanceCorrelation"):
        pytest.skip("a correlation of one column needs no weights")
    weights = np.array([0, 1, 2, 1, 0, 3, 1, 1])
    columns = batch(cls, 5)
    if cls.__name__ == "BinaryIoU":  # counts every element by itself
        columns = tuple(c[:, 0] for c in columns)
    weighted, repeated = make(cls), make(cls)
    given: Any = weights if "IoU" in cls.__name__ else weights.astype("float32")
    weighted.update_state(*columns, sample_weight=given)
    repeated.update_state(*(np.repeat(c, weights, axis=0) for c in columns))
    np.testing.assert_allclose(value(weighted), value(repeated), rtol=1e-5, atol=1e-6)


@every
def test_stateless_calls_change_nothing(cls: Any) -> None:
    metric = make(cls)
    metric.update_state(*batch(cls, 1))
    before = [v.numpy() for v in metric.variables]
    start = metric.stateless_reset_state()
    state = metric.stateless_update_state(start, *batch(cls, 2))
    other = make(cls)
    np.testing.assert_array_equal(metric.stateless_result(state).numpy(), other(*batch(cls, 2)).numpy())
    assert all(np.array_equal(v.numpy(), b) for v, b in zip(metric.variables, before, strict=True))


@every
def test_every_name_finds_it(cls: Any) -> None:
    if cls.__name__ in NEEDS and "TopK" not in cls.__name__:
        pytest.skip("it cannot be made without arguments")
    assert type(metrics.get(cls.__name__)) is cls
    assert type(metrics.get(cls)) is cls


def test_the_update_of_an_accuracy_is_a_few_ops() -> None:
    metric = metrics.SparseCategoricalAccuracy()
    with neurona.Tape(everything=True) as tape:
        metric.update_state(*batch(type(metric), 1))
    assert len(tape.records) <= 3
