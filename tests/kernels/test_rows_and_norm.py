"""Softmax with crossentropy, dropout, gathered rows and batch normalisation against NumPy in float64."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from neurona.errors import ArgumentError

SIZES = [(0, 3), (1, 1), (2, 7), (32, 10), (33, 17), (5, 1000), (3000, 9), (300, 64)]


def drawn(seed: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def softmax(x: np.ndarray) -> np.ndarray:
    e = np.exp(x - x.max(axis=1, keepdims=True))
    return np.asarray(e / e.sum(axis=1, keepdims=True))


@pytest.mark.parametrize(("n", "c"), SIZES)
@pytest.mark.parametrize("kind", ["int32", "int64", "targets"])
def test_softmax_crossentropy(each_isa: Any, n: int, c: int, kind: str) -> None:
    x = drawn(1, n, c) * 5
    rng = np.random.default_rng(2)
    labels = rng.integers(0, c, n)
    dense = rng.random((n, c)).astype(np.float32) if kind == "targets" else np.eye(c, dtype="f4")[labels]
    expected = dense if kind == "targets" else labels.astype(kind)
    loss, probs = each_isa.softmax_crossentropy(x, expected)
    p = softmax(x.astype("f8"))
    np.testing.assert_allclose(probs, p, rtol=4e-6)
    np.testing.assert_allclose(loss, -(dense * np.log(p)).sum(axis=1), rtol=1e-5, atol=2e-6)
    g = drawn(3, n)
    dx = each_isa.softmax_crossentropy_backward(g, probs, expected)
    wanted = g[:, None] * (p * dense.sum(axis=1, keepdims=True) - dense)
    np.testing.assert_allclose(dx, wanted, rtol=1e-5, atol=1e-5 * max(1.0, float(np.abs(wanted).max(initial=0.0))))


def test_softmax_of_extreme_logits(each_isa: Any) -> None:
    x = np.array([[1e4, 0.0, -1e4], [-1e4, -1e4, -1e4], [88.0, 90.0, 89.0]], np.float32)
    loss, probs = each_isa.softmax_crossentropy(x, np.array([1, 0, 2]))
    np.testing.assert_allclose(probs[0], [1.0, 0.0, 0.0])
    np.testing.assert_allclose(loss, [1e4, np.log(3.0), 1.40760596], rtol=1e-6)
    loss, probs = each_isa.softmax_crossentropy(np.array([[np.nan, 0.0]], np.float32), np.array([1]))
    assert np.isnan(loss).all()
    assert np.isnan(probs).all()


@pytest.mark.parametrize("label", [-1, 3, 2**40])
def test_a_label_out_of_range_is_named(native: Any, label: int) -> None:
    labels = np.array([0, label])
    with pytest.raises(
        ArgumentError, match=rf"labels from 0 to 2 \(3 classes\). Received: label {label} at position 1"
    ):
        native.softmax_crossentropy(drawn(1, 2, 3), labels)
    with pytest.raises(ArgumentError, match="Received: label"):
        native.softmax_crossentropy_backward(drawn(1, 2), drawn(1, 2, 3), labels)


def lowbias32(x: np.ndarray) -> np.ndarray:
    x = x ^ (x >> np.uint32(16))
    x = x * np.uint32(0x7FEB352D)
    x = x ^ (x >> np.uint32(15))
    x = x * np.uint32(0x846CA68B)
    return np.asarray(x ^ (x >> np.uint32(16)))


@pytest.mark.parametrize("shape", [(), (0,), (1,), (7,), (3, 5, 7), (40000,)])
@pytest.mark.parametrize("rate", [0.0, 0.2, 0.999, 1.0])
def test_dropout(each_isa: Any, shape: tuple[int, ...], rate: float) -> None:
    x, key0, key1 = drawn(1, *shape), 123456789, 4000000000
    place = np.arange(x.size, dtype=np.uint32)
    keep = lowbias32(lowbias32(place + np.uint32(key0)) ^ np.uint32(key1)) >= np.rint(rate * 2**32)
    scale = np.float32(0.0 if rate == 1.0 else 1.0 / (1.0 - rate))
    y = each_isa.dropout(x, rate, key0, key1)
    assert y.shape == shape
    np.testing.assert_array_equal(y, np.where(keep.reshape(shape), x * scale, np.float32(0.0)))
    np.testing.assert_array_equal(each_isa.dropout_backward(x, rate, key0, key1), y)


def test_dropout_keeps_the_asked_share(native: Any) -> None:
    x = np.ones(400_000, np.float32)
    for rate in (0.1, 0.5, 0.8):
        kept = np.count_nonzero(native.dropout(x, rate, 7, 8)) / x.size
        assert abs(kept - (1.0 - rate)) < 5 * np.sqrt(rate * (1.0 - rate) / x.size)
    one, other = native.dropout(x, 0.5, 7, 8) > 0, native.dropout(x, 0.5, 8, 8) > 0
    assert abs(np.mean(one == other) - 0.5) < 0.005  # neighbouring keys are independent
    assert abs(np.mean(one[1:] == one[:-1]) - 0.5) < 0.005  # and so are neighbouring places


@pytest.mark.parametrize("dtype", ["float32", "uint8"])
@pytest.mark.parametrize("index_type", ["int32", "int64"])
@pytest.mark.parametrize("scale", [1.0, 1.0 / 255.0])
def test_gather_rows(each_isa: Any, dtype: str, index_type: str, scale: float) -> None:
    for rows, d, b in [(1, 1, 1), (10, 0, 3), (10, 7, 0), (50, 784, 32), (9, 33, 2000)]:
        src = (np.random.default_rng(1).random((rows, d)) * 255).astype(dtype)
        index = np.random.default_rng(2).integers(0, rows, b).astype(index_type)
        wanted = src[index].astype("f4") * np.float32(scale)
        np.testing.assert_array_equal(each_isa.gather_rows(src, index, scale), wanted)


@pytest.mark.parametrize("wrong", [-1, 5])
def test_an_index_out_of_range_is_named(native: Any, wrong: int) -> None:
    with pytest.raises(ArgumentError, match=rf"0 to 4 \(5 rows\). Received: index {wrong} at position 2"):
        native.gather_rows(drawn(1, 5, 3), np.array([0, 1, wrong]), 1.0)


@pytest.mark.parametrize(("m", "c"), [(1, 1), (2, 7), (33, 16), (128, 100), (3000, 9), (70, 5000)])
@pytest.mark.parametrize("affine", [True, False])
@pytest.mark.parametrize("relu", [True, False])
def test_batch_norm(each_isa: Any, m: int, c: int, affine: bool, relu: bool) -> None:
    x = drawn(1, m, c) * 3 + 5
    gamma, beta = (drawn(2, c), drawn(3, c)) if affine else (None, None)
    y, mean, var = each_isa.batch_norm_train(x, gamma, beta, 1e-3, relu)
    wide = x.astype("f8")
    np.testing.assert_allclose(mean, wide.mean(axis=0), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(var, wide.var(axis=0), rtol=1e-5, atol=1e-6)
    scale = 1.0 if gamma is None else gamma
    inv = 1.0 / np.sqrt(wide.var(axis=0) + 1e-3)
    xhat = (wide - wide.mean(axis=0)) * inv
    plain = xhat * scale + (0.0 if beta is None else beta)
    np.testing.assert_allclose(y, np.maximum(plain, 0.0) if relu else plain, rtol=1e-5, atol=3e-5)

    g = drawn(4, m, c)
    dx, dgamma, dbeta = each_isa.batch_norm_backward(g, x, gamma, beta, mean, var, 1e-3, relu)
    passed = g * (y > 0) if relu else g.astype("f8")
    np.testing.assert_allclose(dbeta, passed.sum(axis=0), rtol=1e-5, atol=1e-4)
    np.testing.assert_allclose(dgamma, (passed * xhat).sum(axis=0), rtol=1e-5, atol=1e-3)
    wanted = scale * inv * (passed - passed.mean(axis=0) - xhat * (passed * xhat).mean(axis=0))
    np.testing.assert_allclose(dx, wanted, rtol=1e-4, atol=1e-4 * max(1.0, float(np.abs(wanted).max(initial=0.0))))

    a, b = drawn(5, c), drawn(6, c)
    rest = x * a + b
    got = each_isa.batch_norm_infer(x, a, b, relu)
    np.testing.assert_allclose(got, np.maximum(rest, 0.0) if relu else rest, rtol=1e-5, atol=1e-5)


def test_variance_survives_a_large_mean(each_isa: Any) -> None:
    x = drawn(1, 5000, 3) + np.float32(1000.0)
    _, _, var = each_isa.batch_norm_train(x, None, None, 0.0, False)
    np.testing.assert_allclose(var, x.astype("f8").var(axis=0), rtol=1e-5)


def test_threads_change_no_bit(each_isa: Any) -> None:
    x, g = drawn(1, 700, 200), drawn(2, 700, 200)
    targets, labels, index = np.abs(drawn(3, 700, 200)), np.arange(700) % 200, np.arange(700)[::-1].copy()

    def everything(threads: int) -> list[np.ndarray]:
        each_isa.set_threads(threads)
        y, mean, var = each_isa.batch_norm_train(x, None, None, 1e-3, 1)
        loss, probs = each_isa.softmax_crossentropy(x, targets)
        return [
            y, mean, var, *each_isa.batch_norm_backward(g, x, None, None, mean, var, 1e-3, 1), loss, probs,
            *each_isa.softmax_crossentropy(x, labels),
            each_isa.softmax_crossentropy_backward(loss, probs, targets),
            each_isa.dropout(x, 0.3, 1, 2), each_isa.gather_rows(x, index, 0.5),
            each_isa.batch_norm_infer(x, mean, var, False),
        ]  # fmt: skip

    for one, two, four in zip(everything(1), everything(2), everything(4), strict=True):
        np.testing.assert_array_equal(one, two)
        np.testing.assert_array_equal(one, four)
