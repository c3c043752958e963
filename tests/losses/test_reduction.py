"""The base class: reductions, sample weights, masks, nested outputs, user's own losses, error texts."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import neurona
from neurona import losses, ops
from neurona.errors import ArgumentError, ShapeError
from neurona.losses.base import REDUCTIONS, reduce_weighted_values, squeeze_or_expand_to_same_rank
from neurona.tensor import Tensor

VALUES = [1.0, 2.0, 6.0]
WEIGHTS = [1.0, 3.0, 0.0]


@pytest.mark.parametrize(
    ("reduction", "plain", "weighted", "masked"),
    [
        ("sum_over_batch_size", 3.0, 7 / 3, 1.5),
        ("mean", 3.0, 7 / 3, 1.5),
        ("sum", 9.0, 7.0, 3.0),
        ("mean_with_sample_weight", 3.0, 7 / 4, 1.5),
        ("none", VALUES, [1.0, 6.0, 0.0], [1.0, 2.0, 0.0]),
        (None, VALUES, [1.0, 6.0, 0.0], [1.0, 2.0, 0.0]),
    ],
)
def test_reductions(reduction: str | None, plain: Any, weighted: Any, masked: Any) -> None:
    def reduced(**given_values: Any) -> Any:
        return reduce_weighted_values(VALUES, reduction=reduction, **given_values).numpy()

    np.testing.assert_allclose(reduced(), plain, rtol=1e-6)
    np.testing.assert_allclose(reduced(sample_weight=WEIGHTS), weighted, rtol=1e-6)
    np.testing.assert_allclose(reduced(mask=[True, True, False]), masked, rtol=1e-6)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(n=st.integers(1, 6), t=st.integers(1, 5), reduction=st.sampled_from(REDUCTIONS), seed=st.integers(0, 99))
def test_weights_by_a_naive_loop(n: int, t: int, reduction: str | None, seed: int) -> None:
    rng = np.random.default_rng(seed)
    y, p = rng.normal(size=(n, t, 2)).astype("float32"), rng.normal(size=(n, t, 2)).astype("float32")
    w = rng.uniform(0.1, 2, (n, 1)).astype("float32")
    each = [[sum((y[i, j, k] - p[i, j, k]) ** 2 for k in range(2)) / 2 * w[i, 0] for j in range(t)] for i in range(n)]
    expected: Any = np.array(each)
    if reduction in ("sum_over_batch_size", "mean"):
        expected = expected.sum() / (n * t)
    elif reduction == "sum":
        expected = expected.sum()
    elif reduction == "mean_with_sample_weight":
        expected = expected.sum() / w.sum()
    got = losses.MeanSquaredError(reduction=reduction)(y, p, sample_weight=w).numpy()
    np.testing.assert_allclose(got, expected, rtol=1e-4)


def test_a_mask_on_predictions_hides_samples() -> None:
    y_pred = Tensor([[1.0], [2.0], [9.0]])
    y_pred._keras_mask = Tensor([True, True, False])
    loss = losses.MeanSquaredError()
    assert float(loss([[0.0], [0.0], [0.0]], y_pred)) == pytest.approx(2.5)
    assert float(loss([[0.0], [0.0], [0.0]], y_pred, sample_weight=[2.0, 0.0, 5.0])) == pytest.approx(1.0)
    y_pred._keras_mask = Tensor([False, False, False])
    assert float(loss([[0.0], [0.0], [0.0]], y_pred)) == 0.0


def test_both_masks_count() -> None:
    y_pred = Tensor(np.full((3, 2), 0.5, "float32"))
    y_pred._keras_mask = Tensor([True, False, True])
    loss = losses.SparseCategoricalCrossentropy(ignore_class=-1, reduction="sum")
    assert float(loss([0, 0, -1], y_pred)) == pytest.approx(np.log(2), rel=1e-6)


def test_ranks_that_differ_by_a_last_axis_of_one() -> None:
    for a, b, expected in [
        ((3,), (3, 1), (3, 1)),
        ((3, 1), (3,), (3, 1)),
        ((3, 4), (3, 4, 1), (3, 4)),
        ((3, 4, 1), (3, 4), (3, 4)),
    ]:
        found = squeeze_or_expand_to_same_rank(Tensor(np.zeros(a)), Tensor(np.zeros(b)))
        assert [x.shape for x in found] == [expected, expected]
    kept = squeeze_or_expand_to_same_rank(Tensor(np.zeros(3)), Tensor(np.zeros((3, 2))))
    assert [x.shape for x in kept] == [(3,), (3, 2)]
    assert float(losses.MeanSquaredError()([1.0, 2.0], [[1.0], [4.0]])) == 2.0


def test_no_samples() -> None:
    empty = np.zeros((0, 3), "float32")
    assert losses.MeanSquaredError()(empty, empty).shape == (0,)
    assert losses.MeanSquaredError(reduction="sum")(np.zeros((2, 0, 3)), np.zeros((2, 0, 3))).numpy() == 0


def test_users_own_loss() -> None:
    class Weighted(losses.Loss):
        def __init__(self, factor: float = 2.0, **kwargs: Any) -> None:
            super().__init__(**kwargs)
            self.factor = factor

        def call(self, y_true: Any, y_pred: Any) -> Any:
            return ops.multiply(ops.mean(ops.absolute(ops.subtract(y_pred["a"], y_true["a"])), axis=-1), self.factor)

        def get_config(self) -> dict[str, Any]:
            return {**super().get_config(), "factor": self.factor}

    loss = Weighted(3.0, name="mine")
    targets, outputs = {"a": np.zeros((2, 1))}, {"a": np.ones((2, 1))}
    assert float(loss(targets, outputs)) == 3.0
    assert Weighted.from_config(loss.get_config()).get_config() == loss.get_config()
    with pytest.raises(NotImplementedError, match="must write `call"):
        losses.Loss()([1.0], [1.0])


def test_lists_of_tensors_keep_their_gradient() -> None:
    a, b = Tensor([1.0, 2.0]), Tensor([3.0, 4.0])
    with neurona.Tape() as tape:
        tape.watch(a, b)
        loss = ops.sum(losses.mean_squared_error([[0.0, 0.0], [0.0, 0.0]], [a, b]))
    assert [g.tolist() for g in tape.gradient(loss, [a, b])] == [[1.0, 2.0], [3.0, 4.0]]


@pytest.mark.parametrize(
    ("name", "y_true", "y_pred", "match"),
    [
        (
            "mse",
            (4, 3),
            (4, 2),
            r"same shape. Received: y_true.shape=\(4, 3\), y_pred.shape=\(4, 2\).*last layer's units",
        ),
        ("hinge", (4, 3), (4, 2), "hinge expected y_true and y_pred of the same shape"),
        (
            "categorical_crossentropy",
            (32,),
            (32, 10),
            "look like class numbers: use sparse_categorical_crossentropy",
        ),
        ("categorical_crossentropy", (32, 1), (32, 10), "use sparse_categorical_crossentropy"),
        ("categorical_crossentropy", (32, 9), (32, 10), "as many as the classes"),
        (
            "categorical_focal_crossentropy",
            (32, 9),
            (32, 10),
            "categorical_focal_crossentropy expected y_true of",
        ),
        (
            "sparse_categorical_crossentropy",
            (32, 10),
            (32, 10),
            "look like one-hot rows: use categorical_crossentropy",
        ),
        ("sparse_categorical_crossentropy", (31,), (32, 10), r"class numbers of shape \(32,\)"),
        ("bce", (32,), (32, 10), "Give the last layer one unit"),
        ("bce", (32,), (32, 1), "Reshape one of them"),
        (
            "binary_focal_crossentropy",
            (4, 2),
            (4, 3),
            "binary_focal_crossentropy expected y_true of y_pred's shape",
        ),
        ("kld", (4, 2), (4, 3), "kl_divergence expected"),
        ("dice", (4, 2), (4, 3), "dice expected"),
        ("circle", (3,), (4, 2), r"class numbers of shape \(4,\)"),
        ("circle", (3,), (4,), "embeddings of shape"),
        ("ctc", (3,), (3, 4, 2), "labels of shape"),
        ("ctc", (3, 2), (4, 4, 2), r"logits of shape \(3, steps, classes\)"),
    ],
)
def test_shapes_that_do_not_fit(name: str, y_true: tuple[int, ...], y_pred: tuple[int, ...], match: str) -> None:
    with pytest.raises(ShapeError, match=match):
        losses.get(name)(np.zeros(y_true, "float32"), np.full(y_pred, 0.5, "float32"))


def test_settings_that_cannot_be_meant() -> None:
    with pytest.raises(ArgumentError, match=r"'sum_over_batch_size'.*Received: reduction='avg'"):
        losses.MeanSquaredError(reduction="avg")
    with pytest.raises(ArgumentError, match="`q` between 0 and 1"):
        losses.CategoricalGeneralizedCrossEntropy(q=1.0)
    with pytest.raises(ArgumentError, match=r"`axis` to be an integer\. Received: axis=True"):
        losses.categorical_crossentropy([[1.0, 0.0]], [[0.5, 0.5]], axis=True)
    with pytest.raises(ArgumentError, match=r"labels from 0 to 1.*Received: label 2 at position 1"):
        losses.sparse_categorical_crossentropy([0, 2], [[0.5, 0.5], [0.5, 0.5]])
    with pytest.raises(ShapeError, match=r"losses of the samples, of shape \(4, 3\).*with shape \(4, 1\)"):
        losses.MeanSquaredError()(np.zeros((4, 3, 2)), np.zeros((4, 3, 2)), sample_weight=np.ones(4))
    with pytest.warns(SyntaxWarning, match="Use binary_crossentropy"):
        losses.categorical_crossentropy([[1.0]], [[0.5]])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        losses.categorical_crossentropy([[1.0, 0.0]], [[0.5, 0.5]])


def test_attributes_can_be_read() -> None:
    loss = losses.CategoricalCrossentropy(from_logits=True, label_smoothing=0.1)
    assert loss.from_logits is True
    assert loss.label_smoothing == 0.1
    assert loss.axis == -1
    assert loss.name == "categorical_crossentropy"
    assert loss.dtype == "float32"
    assert neurona.losses.Huber().name == "huber_loss"
