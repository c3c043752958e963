"""Activations, crossentropies and normalisations: extreme inputs stay finite, formulas hold, types stay."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurona import ops, value_and_grad
from neurona.errors import ArgumentError, ShapeError
from neurona.gradient_check import gradcheck
from neurona.ops import activation

EXTREME = np.array([-1e30, -1e4, -100.0, 0.0, 100.0, 1e4, 1e30], "float32")
WITH_SETTINGS = {"threshold": (0.0, 0.0)}
BOUNDED = {"softmax", "log_softmax", "sparsemax"}
ALONE = sorted(set(activation.__all__) - {"glu", "gelu", "squareplus"})  # the last two square or cube their input


@pytest.mark.parametrize("name", ALONE)
def test_huge_numbers_give_no_warning_and_no_nan(name: str) -> None:
    more = WITH_SETTINGS.get(name, ())
    value, slope = value_and_grad(lambda x: ops.sum(getattr(ops, name)(x, *more) * 0.5))(EXTREME)
    assert not np.isnan(value.numpy())
    assert np.isfinite(slope.numpy()).all()


@pytest.mark.parametrize("name", sorted(activation.__all__))
@pytest.mark.parametrize("dtype", ["float16", "float64"])
def test_types_stay(name: str, dtype: str) -> None:
    x = np.array([[-1.0, 2.0]], dtype)
    assert getattr(ops, name)(x, *WITH_SETTINGS.get(name, ())).dtype == dtype


@settings(max_examples=30, deadline=None, derandomize=True)
@given(st.floats(-6, 6))
def test_formulas(x: float) -> None:
    def at(name: str, **settings: float) -> float:
        return float(getattr(ops, name)(np.array(x), **settings))

    s = 1 / (1 + math.exp(-x))
    assert math.isclose(at("sigmoid"), s, rel_tol=1e-12)
    assert math.isclose(at("silu"), x * s, rel_tol=1e-12, abs_tol=1e-300)
    assert math.isclose(at("softplus"), math.log(1 + math.exp(x)), rel_tol=1e-9)
    assert math.isclose(at("log_sigmoid"), math.log(s), rel_tol=1e-9)
    wanted = 0.5 * x * (1 + math.erf(x / math.sqrt(2)))
    assert math.isclose(at("gelu", approximate=False), wanted, abs_tol=1e-7)
    assert abs(at("gelu") - wanted) < 1e-3
    assert math.isclose(at("elu", alpha=0.5), x if x > 0 else 0.5 * math.expm1(x), abs_tol=1e-12)
    assert math.isclose(at("soft_shrink"), math.copysign(max(abs(x) - 0.5, 0), x), abs_tol=1e-12)


def test_relu_keeps_integers() -> None:
    assert ops.relu(np.array([-2, 3], "int32")).dtype == np.int32


def test_softmax_sums_to_one_along_any_axes() -> None:
    x = np.random.default_rng(0).standard_normal((2, 3, 4)) * 500
    for axis in (-1, 0, (1, 2), None):
        y = ops.softmax(x, axis=axis).numpy()
        np.testing.assert_allclose(y.sum(axis=axis), 1)
        np.testing.assert_allclose(np.exp(ops.log_softmax(x, axis=axis).numpy()), y, atol=1e-12)


def test_softmax_warns_about_an_axis_of_one() -> None:
    with pytest.warns(UserWarning, match="Did you mean sigmoid"):
        ops.softmax([[3.0]])


def test_sparsemax_is_the_nearest_point_of_the_simplex() -> None:
    x = np.array([0.9, 0.3, -2.0])
    y = ops.sparsemax(x).numpy()
    np.testing.assert_allclose(y, [0.8, 0.2, 0.0])
    grid = [np.array([a, b, 1 - a - b]) for a in np.linspace(0, 1, 51) for b in np.linspace(0, 1 - a, 51)]
    assert min(np.sum((p - x) ** 2) for p in grid) >= np.sum((y - x) ** 2) - 1e-12


def test_crossentropies_of_logits_and_probabilities_agree() -> None:
    logits = np.random.default_rng(0).standard_normal((5, 4))
    labels = np.array([0, 3, 1, 2, 2])
    onehot = np.eye(4)[labels]
    probabilities = ops.softmax(logits).numpy()
    wanted = -np.log(probabilities[np.arange(5), labels])
    for got in (
        ops.sparse_categorical_crossentropy(labels, logits, from_logits=True),
        ops.sparse_categorical_crossentropy(labels[:, None], probabilities),
        ops.categorical_crossentropy(onehot, logits, from_logits=True),
        ops.categorical_crossentropy(onehot, 7 * probabilities),  # brought to sum 1 first
    ):
        np.testing.assert_allclose(got.numpy(), wanted, rtol=1e-6)
    p = ops.sigmoid(logits).numpy()
    np.testing.assert_allclose(
        ops.binary_crossentropy(onehot, logits, from_logits=True).numpy(),
        ops.binary_crossentropy(onehot, p).numpy(),
        rtol=1e-6,
    )


def test_crossentropies_stay_finite_at_certainty() -> None:
    assert ops.binary_crossentropy([1.0, 0.0], [-1e4, 1e4], from_logits=True).tolist() == [1e4, 1e4]
    sure = ops.binary_crossentropy([1.0, 0.0], [0.0, 1.0]).numpy()
    assert np.isfinite(sure).all()
    assert (sure > 15).all()
    assert ops.sparse_categorical_crossentropy([1], [[1e4, 0.0]], from_logits=True).tolist() == [1e4]
    value, slope = value_and_grad(lambda z: ops.sum(ops.categorical_crossentropy([[0.0, 1.0]], z, from_logits=True)))(
        np.array([[1e4, 0.0]], "float32")
    )
    assert value.item() == 1e4
    assert slope.tolist() == [[1.0, -1.0]]


def test_labels_outside_the_classes_are_told() -> None:
    with pytest.raises(ArgumentError, match="Received: classes from -1 to 5"):
        ops.sparse_categorical_crossentropy([5, -1], np.ones((2, 3)))


def test_normalisations_reach_their_aim() -> None:
    x = np.random.default_rng(0).standard_normal((3, 4, 5)) * 7 + 2
    y = ops.layer_normalization(x, axis=(1, 2), epsilon=0.0).numpy()
    np.testing.assert_allclose(y.mean((1, 2)), 0, atol=1e-12)
    np.testing.assert_allclose(y.std((1, 2)), 1)
    r = ops.rms_normalization(x, epsilon=0.0).numpy()
    np.testing.assert_allclose(np.square(r).mean(-1), 1)
    mean, variance = ops.moments(x, axes=[0, 1])
    b = ops.batch_normalization(x, mean, variance, -1, offset=np.full(5, 3.0), scale=np.full(5, 2.0), epsilon=0.0)
    np.testing.assert_allclose(b.numpy().mean((0, 1)), 3)
    np.testing.assert_allclose(b.numpy().std((0, 1)), 2)
    np.testing.assert_allclose(np.linalg.norm(ops.normalize(x).numpy(), axis=-1), 1)
    assert ops.normalize(np.zeros((2, 2))).tolist() == [[0, 0], [0, 0]]


def test_half_precision_statistics_do_not_overflow() -> None:
    x = np.full((4, 2), 300.0, "float16")
    x[::2] = -300  # whose squares are beyond float16
    y = ops.layer_normalization(x, axis=0)
    assert y.dtype == np.float16
    assert np.isfinite(y.numpy()).all()
    mean, variance = ops.moments(x, axes=[0])
    assert mean.tolist() == [0, 0]
    assert variance.dtype == np.float16
    assert np.isfinite(variance.numpy()).all()


def test_psnr_by_hand() -> None:
    assert math.isclose(ops.psnr(np.zeros(4), np.full(4, 0.1), 10.0).item(), 40.0, rel_tol=1e-9)


def test_attention_is_the_formula() -> None:
    rng = np.random.default_rng(0)
    q, k, v = (
        rng.standard_normal((2, 3, 2, 4)),
        rng.standard_normal((2, 5, 2, 4)),
        rng.standard_normal((2, 5, 2, 4)),
    )
    wanted = np.zeros((2, 3, 2, 4))
    for b in range(2):
        for head in range(2):
            e = np.exp(q[b, :, head] @ k[b, :, head].T / 2)
            wanted[b, :, head] = e / e.sum(1, keepdims=True) @ v[b, :, head]
    np.testing.assert_allclose(ops.dot_product_attention(q, k, v).numpy(), wanted)


def test_attention_hides_what_comes_later() -> None:
    rng = np.random.default_rng(0)
    q, k, v = (rng.standard_normal((1, 4, 1, 2)) for _ in range(3))
    before = ops.dot_product_attention(q, k, v, is_causal=True).numpy()
    k[:, 3], v[:, 3] = 9.0, 9.0
    after = ops.dot_product_attention(q, k, v, is_causal=True).numpy()
    np.testing.assert_array_equal(before[:, :3], after[:, :3])
    mask = np.tril(np.ones((1, 1, 4, 4), bool))
    np.testing.assert_allclose(ops.dot_product_attention(q, k, v, mask=mask).numpy(), after)
    gradcheck(lambda *x: ops.dot_product_attention(*x, is_causal=True), q, k, v)


def test_attention_wants_four_axes() -> None:
    with pytest.raises(ShapeError, match="only supports 4D inputs"):
        ops.dot_product_attention(np.ones((1, 2)), np.ones((1, 2)), np.ones((1, 2)))
