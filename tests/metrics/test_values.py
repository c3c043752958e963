"""Metrics against naive loops and against numbers worked by hand; errors; metrics of your own."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import neurona
from neurona import metrics as m
from neurona import ops
from neurona.errors import ArgumentError, ShapeError, UnknownNameError

bits = hnp.arrays(np.int32, 12, elements=st.integers(0, 1))
scores = hnp.arrays(np.float32, 12, elements=st.integers(0, 20).map(lambda n: np.float32(n / 20)))


def number(metric: m.Metric, *args: Any, **kwargs: Any) -> float:
    return float(metric(*args, **kwargs))


# -- decisions -----------------------------------------------------------------------------------------------


@given(y=bits, p=scores, t=st.sampled_from([0.1, 0.5, 0.75]), w=hnp.arrays(np.int32, 12, elements=st.integers(0, 3)))
def test_counts_by_a_loop(y: np.ndarray, p: np.ndarray, t: float, w: np.ndarray) -> None:
    wanted = {"tp": 0, "fp": 0, "tn": 0, "fn": 0}
    for truth, score, weight in zip(y, p, w, strict=True):
        said = score > np.float32(t)
        wanted[("t" if said == bool(truth) else "f") + ("p" if said else "n")] += int(weight)
    weights = w.astype("float32")
    for cls, key in (
        (m.TruePositives, "tp"),
        (m.FalsePositives, "fp"),
        (m.TrueNegatives, "tn"),
        (m.FalseNegatives, "fn"),
    ):
        assert number(cls(t), y, p, sample_weight=weights) == wanted[key]
    said, real = wanted["tp"] + wanted["fp"], wanted["tp"] + wanted["fn"]
    assert number(m.Precision(t), y, p, sample_weight=weights) == pytest.approx(wanted["tp"] / said if said else 0)
    assert number(m.Recall(t), y, p, sample_weight=weights) == pytest.approx(wanted["tp"] / real if real else 0)


@given(y=bits, p=scores)
def test_even_thresholds_count_as_others(y: np.ndarray, p: np.ndarray) -> None:
    """The buckets of evenly spread thresholds and plain comparisons are two ways to one result."""
    p = np.minimum(p + np.float32(0.01), 1)  # away from the thresholds themselves
    thresholds = [0.0, 0.25, 0.5, 0.75, 1.0]
    buckets, compared = (m.counts.confusion_counts(y, p, thresholds=thresholds, even=e) for e in (True, False))
    for a, b in zip(buckets, compared, strict=True):
        np.testing.assert_array_equal(a.numpy(), b.numpy())


@given(y=bits.filter(lambda y: 0 < y.sum() < 12), p=scores)
def test_auc_is_the_share_of_pairs_in_order(y: np.ndarray, p: np.ndarray) -> None:
    """With thresholds between all scores the area is the probability that a positive scores above a negative."""
    pairs = list(itertools.product(p[y == 1], p[y == 0]))
    wanted = sum(1.0 if a > b else 0.5 if a == b else 0.0 for a, b in pairs) / len(pairs)
    between = [float((n + 0.5) / 20) for n in range(20)]
    assert number(m.AUC(thresholds=between), y, p) == pytest.approx(wanted, abs=1e-5)


def test_auc_by_hand() -> None:
    y, p = [0, 0, 1, 1], [0.0, 0.5, 0.3, 0.9]
    assert number(m.AUC(num_thresholds=3), y, p) == 0.75
    assert number(m.AUC(num_thresholds=3, summation_method="minoring"), y, p) == 0.5
    assert number(m.AUC(num_thresholds=3, summation_method="majoring"), y, p) == 1.0
    assert number(m.AUC(num_thresholds=3, from_logits=True), y, [-9.0, -0.1, -1.0, 2.0]) == 0.75


def test_auc_of_several_labels_is_the_mean_of_theirs() -> None:
    rng = np.random.default_rng(0)
    y, p = rng.integers(0, 2, (30, 3)), rng.random((30, 3)).astype("float32")
    each = [number(m.AUC(), y[:, i], p[:, i]) for i in range(3)]
    assert number(m.AUC(multi_label=True), y, p) == pytest.approx(np.mean(each), rel=1e-6)
    weights = [0.5, 0.25, 0.25]
    assert number(m.AUC(multi_label=True, label_weights=weights), y, p) == pytest.approx(
        np.dot(each, weights), rel=1e-6
    )


def test_f_score_by_a_loop() -> None:
    rng = np.random.default_rng(1)
    y, p = rng.integers(0, 2, (20, 3)).astype("float32"), rng.random((20, 3)).astype("float32")
    wanted = []
    for c in range(3):
        hit = p[:, c] > 0.5
        tp, fp, fn = (hit & (y[:, c] == 1)).sum(), (hit & (y[:, c] == 0)).sum(), (~hit & (y[:, c] == 1)).sum()
        wanted.append(5 * tp / (5 * tp + 4 * fn + fp))
    np.testing.assert_allclose(m.FBetaScore(beta=2.0, threshold=0.5)(y, p).numpy(), wanted, rtol=1e-5)
    assert number(m.FBetaScore("macro", 2.0, 0.5), y, p) == pytest.approx(np.mean(wanted), rel=1e-5)


@given(y=hnp.arrays(np.int32, 15, elements=st.integers(0, 3)), p=hnp.arrays(np.int32, 15, elements=st.integers(0, 3)))
def test_iou_by_sets(y: np.ndarray, p: np.ndarray) -> None:
    shares = []
    for c in range(4):
        a, b = set(np.flatnonzero(y == c)), set(np.flatnonzero(p == c))
        if a | b:
            shares.append(len(a & b) / len(a | b))
    assert number(m.MeanIoU(4), y, p) == pytest.approx(np.mean(shares), rel=1e-5)


def test_iou_leaves_out_classes_that_do_not_exist() -> None:
    assert number(m.MeanIoU(2), [0, 1, 255, -1], [0, 1, 0, 1]) == pytest.approx(1.0)
    assert number(m.MeanIoU(2, ignore_class=1), [0, 1], [0, 0]) == pytest.approx(1.0)
    with pytest.warns(UserWarning, match="weights are cut off"):
        m.MeanIoU(2).update_state([0], [0], sample_weight=np.array([0.5], np.float32))


# -- accuracies ----------------------------------------------------------------------------------------------


@given(
    y=hnp.arrays(np.int32, 9, elements=st.integers(0, 4)),
    p=hnp.arrays(np.float32, (9, 5), elements=st.integers(-50, 50).map(np.float32)),
    k=st.integers(1, 5),
)
def test_accuracies_by_a_loop(y: np.ndarray, p: np.ndarray, k: int) -> None:
    right = [int(row.argmax() == label) for label, row in zip(y, p, strict=True)]
    top = [int((row > row[label]).sum() < k) for label, row in zip(y, p, strict=True)]
    onehot = np.eye(5, dtype="float32")[y]
    assert m.sparse_categorical_accuracy(y, p).numpy().tolist() == right
    assert m.categorical_accuracy(onehot, p).numpy().tolist() == right
    assert m.sparse_top_k_categorical_accuracy(y, p, k).numpy().tolist() == top
    assert m.top_k_categorical_accuracy(onehot, p, k).numpy().tolist() == top
    assert number(m.SparseCategoricalAccuracy(), y[:, None], p) == pytest.approx(np.mean(right))


def test_a_mask_hides_samples() -> None:
    p = neurona.Tensor(np.array([[0.9, 0.1], [0.9, 0.1], [0.9, 0.1]], np.float32))
    p._keras_mask = neurona.Tensor(np.array([True, True, False]))
    assert number(m.SparseCategoricalAccuracy(), [0, 1, 1], p) == 0.5
    assert number(m.SparseCategoricalAccuracy(), [0, 1, 1], p, sample_weight=[3.0, 1.0, 9.0]) == 0.75


# -- means and regression ------------------------------------------------------------------------------------


@given(
    values=hnp.arrays(np.float32, (4, 3), elements=st.integers(-9, 9).map(np.float32)),
    weights=st.one_of(
        st.none(),
        hnp.arrays(np.float32, 4, elements=st.integers(1, 4).map(np.float32)),
        hnp.arrays(np.float32, (4, 3), elements=st.integers(1, 4).map(np.float32)),
    ),
)
def test_mean_and_sum_by_their_definition(values: np.ndarray, weights: np.ndarray | None) -> None:
    w = np.ones((4, 3)) if weights is None else np.broadcast_to(weights.reshape(4, -1), (4, 3)).astype(float)
    assert number(m.Mean(), values, sample_weight=weights) == pytest.approx((values * w).sum() / w.sum(), abs=1e-5)
    assert number(m.Sum(), values, sample_weight=weights) == pytest.approx((values * w).sum(), abs=1e-4)


def test_the_mean_of_nothing_is_zero() -> None:
    assert float(m.Mean().result()) == 0.0


def test_r2_by_hand() -> None:
    # about the mean 8/3 the squares sum to 14/3, the errors to 2
    assert number(m.R2Score(), [[1.0], [4.0], [3.0]], [[2.0], [4.0], [4.0]]) == pytest.approx(1 - 2 / (14 / 3))
    adjusted = number(m.R2Score(num_regressors=1), [[1.0], [4.0], [3.0]], [[2.0], [4.0], [4.0]])
    assert adjusted == pytest.approx(1 - (2 / (14 / 3)) * 2 / 1)
    with pytest.warns(UserWarning, match="More independent predictors"):
        number(m.R2Score(num_regressors=3), [[1.0], [4.0]], [[2.0], [4.0]])


def test_correlations_agree_with_numpy() -> None:
    rng = np.random.default_rng(2)
    a, b = rng.random((4, 9)).astype("float32"), rng.random((4, 9)).astype("float32")
    wanted = [np.corrcoef(x, y)[0, 1] for x, y in zip(a, b, strict=True)]
    np.testing.assert_allclose(m.pearson_correlation(a, b).numpy(), wanted, rtol=1e-4, atol=1e-5)
    lin = [
        2 * np.cov(x, y, bias=True)[0, 1] / (x.var() + y.var() + (x.mean() - y.mean()) ** 2)
        for x, y in zip(a, b, strict=True)
    ]
    np.testing.assert_allclose(m.concordance_correlation(a, b).numpy(), lin, rtol=1e-4, atol=1e-5)


# -- of your own ---------------------------------------------------------------------------------------------


def test_a_metric_of_ops_and_one_that_holds_others() -> None:
    class Pair(m.Metric):
        def __init__(self) -> None:
            super().__init__(name="pair")
            self.low, self.largest = m.Mean(), self.add_weight(name="largest")

        def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
            self.low.update_state(y_pred)
            self.largest.assign(ops.maximum(self.largest, ops.max(y_pred)))

        def result(self) -> Any:
            return ops.subtract(self.largest, self.low.result())

    metric = Pair()
    assert number(metric, [0.0], [1.0, 3.0]) == 1.0
    assert len(metric.variables) == 3
    metric.reset_state()
    assert float(metric.result()) == 0.0


def test_a_wrapped_function_comes_back() -> None:
    for fn in (m.binary_accuracy, neurona.losses.mean_absolute_error):
        metric = m.MeanMetricWrapper(fn, name="own")
        again = m.deserialize(m.serialize(metric))
        args = ([[1.0, 0.0]], [[0.7, 0.6]])
        assert number(again, *args) == number(metric, *args)


# -- errors --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "kind", "text"),
    [
        (lambda: m.Precision(thresholds=[0.5, 1.5]), ArgumentError, r"in \[0, 1\]. Received: \[1.5\]"),
        (lambda: m.Recall(class_id=1).update_state([1, 0], [0.5, 0.5]), ShapeError, "When class_id is provided"),
        (lambda: m.Recall().update_state([[1, 0]], [[0.5, 0.5, 0.1]]), ShapeError, "the shape of the predictions"),
        (lambda: m.AUC(num_thresholds=1), ArgumentError, "num_thresholds=1"),
        (lambda: m.AUC(curve="COR"), ArgumentError, "'COR'"),
        (lambda: m.AUC(summation_method="up"), ArgumentError, "'up'"),
        (lambda: m.AUC(num_labels=2), ArgumentError, "`num_labels` is needed only"),
        (lambda: m.AUC(thresholds=[2.0]), ArgumentError, r"in \[0, 1\]"),
        (lambda: m.AUC(multi_label=True).update_state([1], [0.5]), ShapeError, "rank 2"),
        (lambda: m.AUC(multi_label=True).result(), ArgumentError, "before its first batch"),
        (lambda: m.SensitivityAtSpecificity(2.0), ArgumentError, "specificity=2.0"),
        (lambda: m.PrecisionAtRecall(0.5, num_thresholds=0), ArgumentError, "num_thresholds=0"),
        (lambda: m.F1Score(average="mean"), ArgumentError, "average=mean"),
        (lambda: m.FBetaScore(beta=1), ArgumentError, "beta=1"),
        (lambda: m.F1Score(threshold=1.5), ArgumentError, "threshold=1.5"),
        (lambda: m.F1Score().update_state([1.0], [1.0]), ShapeError, "2D inputs"),
        (lambda: m.F1Score().result(), ArgumentError, "before its first batch"),
        (lambda: m.IoU(2, [2]), ArgumentError, "Target class id 2"),
        (lambda: m.MeanIoU(2).update_state([0, 1], [0]), ShapeError, "as many targets"),
        (lambda: m.R2Score(class_aggregation="mean"), ArgumentError, "class_aggregation=mean"),
        (lambda: m.R2Score(num_regressors=-1), ArgumentError, "num_regressors=-1"),
        (lambda: m.R2Score().update_state([1.0], [1.0]), ShapeError, "2D inputs"),
        (lambda: m.R2Score().result(), ArgumentError, "before its first batch"),
        (lambda: m.SparseCategoricalAccuracy().update_state([0, 1], [[0.1, 0.9]]), ShapeError, "for each row"),
        (lambda: m.Mean().update_state([1.0, 2.0], [1.0, 2.0, 3.0]), ShapeError, "sample weights that fit"),
        (lambda: m.Mean().stateless_result([]), ArgumentError, "length 0, but expected 2"),
        (lambda: m.get("acuracy"), UnknownNameError, "Did you mean 'accuracy'"),
        (lambda: m.get(3), ArgumentError, "Could not interpret metric"),
        (lambda: m.Metric().update_state(), NotImplementedError, "update_state"),
        (lambda: m.Metric().result(), NotImplementedError, "result"),
    ],
)
def test_errors(call: Any, kind: type[Exception], text: str) -> None:
    with pytest.raises(kind, match=text):
        call()


def test_a_subclass_that_forgets_its_base() -> None:
    class Forgetful(m.Metric):
        def __init__(self) -> None:
            self.total = self.add_weight()

    with pytest.raises(RuntimeError, match="forgot to call"):
        Forgetful()
