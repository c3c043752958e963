"""Ops beyond the everyday ones against NumPy, and placeholders whose open axes follow from others."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from neurona import KerasTensor, ops
from neurona.errors import ArgumentError, ShapeError

rng = np.random.default_rng(4)
HOLES = np.where(rng.random((4, 5, 6)) < 0.3, np.nan, rng.normal(size=(4, 5, 6)))


@pytest.mark.parametrize("axis", [None, 1, (0, 2)])
@pytest.mark.parametrize("name", ["nanprod", "nanvar", "nanstd", "nanmedian", "nansum", "nanmean"])
def test_reductions_past_nan(name: str, axis: Any) -> None:
    np.testing.assert_allclose(getattr(ops, name)(HOLES, axis=axis), getattr(np, name)(HOLES, axis=axis))


@pytest.mark.parametrize("method", ["linear", "lower", "higher", "midpoint", "nearest"])
def test_quantiles_past_nan(method: str) -> None:
    for axis in (None, 1, (0, 2)):
        wanted = np.nanquantile(HOLES, [0.2, 0.7], axis=axis, method=method, keepdims=True)
        np.testing.assert_allclose(ops.nanquantile(HOLES, [0.2, 0.7], axis=axis, method=method, keepdims=True), wanted)
    assert ops.nanargmax([[np.nan, np.nan], [1.0, 2.0]], axis=1).tolist() == [-1, 1]


@pytest.mark.parametrize("mode", ["valid", "same", "full"])
def test_correlations_of_all_lengths(mode: Any) -> None:
    for n in range(1, 6):
        for m in range(1, 6):
            a, b = rng.normal(size=n), rng.normal(size=m)
            np.testing.assert_allclose(ops.correlate(a, b, mode), np.correlate(a, b, mode))


def test_transforms_are_those_of_numpy_and_go_back() -> None:
    real, imag = rng.normal(size=(2, 3, 8)).astype("float32")
    whole = np.fft.fft(real + 1j * imag)
    for part, wanted in zip(ops.fft((real, imag)), (whole.real, whole.imag), strict=True):
        np.testing.assert_allclose(part, wanted, atol=1e-5)
    for part, wanted in zip(ops.ifft2(ops.fft2((real, imag))), (real, imag), strict=True):
        np.testing.assert_allclose(part, wanted, atol=1e-6)
    for length in (None, 4, 11):
        np.testing.assert_allclose(ops.rfft(real, length)[1], np.fft.rfft(real, length).imag, atol=1e-5)
        waves = np.fft.rfft(real)
        back = ops.irfft((waves.real, waves.imag), length)
        np.testing.assert_allclose(back, np.fft.irfft(waves, length), atol=1e-5)
    signal = rng.normal(size=(2, 24)).astype("float32")
    for window in ("hann", "hamming"):
        np.testing.assert_allclose(
            ops.istft(ops.stft(signal, 6, 3, 8, window), 6, 3, 8, window=window), signal, atol=1e-5
        )


def test_windows_go_back_into_pictures() -> None:
    pictures = rng.normal(size=(2, 3, 6, 4)).astype("float32")
    windows = ops.unfold(pictures, 2, stride=2)
    assert windows.shape == (2, 12, 6)
    np.testing.assert_array_equal(ops.fold(windows, (6, 4), 2, stride=2), pictures)
    last = pictures.transpose(0, 2, 3, 1)
    np.testing.assert_array_equal(ops.depth_to_space(ops.space_to_depth(last, 2), 2), last)


def test_matrices() -> None:
    a = rng.normal(size=(5, 3))
    np.testing.assert_allclose(ops.pinv(a), np.linalg.pinv(a), atol=1e-10)
    for order in (2, -2, "nuc"):
        np.testing.assert_allclose(ops.norm(a, order, axis=(0, 1)), np.linalg.norm(a, order))
    both, pivots = (np.asarray(t) for t in ops.lu_factor(a[:3]))
    rows = np.arange(3)
    for k, row in enumerate(pivots):
        rows[[k, row]] = rows[[row, k]]
    np.testing.assert_allclose((np.tril(both, -1) + np.eye(3)) @ np.triu(both), a[:3][rows], atol=1e-12)
    values, vectors = (np.asarray(t) for t in ops.eig(a[:3]))
    np.testing.assert_allclose(a[:3] @ vectors, vectors * values, atol=1e-10)


def test_functions_of_small_arrays() -> None:
    product = ops.vectorize(lambda m, v: ops.matmul(m, v), signature="(n,k),(k)->(n)")
    m, v = rng.normal(size=(4, 1, 2, 3)), rng.normal(size=(5, 3))
    np.testing.assert_allclose(product(m, v), np.einsum("abij,bj->abi", np.broadcast_to(m, (4, 5, 2, 3)), v))
    assert ops.vectorize(lambda x, k: x * k, excluded={1})([1.0, 2.0], 3).tolist() == [3, 6]
    with pytest.raises(ArgumentError, match="gufunc signature"):
        ops.vectorize(len, signature="n->m")


def test_decoding_finds_what_was_spelt() -> None:
    logits = 9.0 * np.eye(3)[[1, 1, 0, 1, 2, 2]][None]
    sequences, scores = ops.ctc_decode(logits, [6])
    assert sequences.tolist() == [[[1, 1, 2, -1, -1, -1]]] and float(scores[0, 0]) == -54
    found, logs = ops.ctc_decode(logits, [6], strategy="beam_search", beam_width=10, top_paths=2)
    assert found[0].tolist() == [[1, 1, 2, -1, -1, -1]] and float(logs[0, 0]) > float(logs[0, 1])
    loss = ops.ctc_loss([[1, 1, 2]], logits, [3], [6])
    np.testing.assert_allclose(float(loss[0]), -float(logs[0, 0]), rtol=1e-3)  # all spellings of the best one


@pytest.mark.parametrize(
    ("call", "shape"),
    [
        (lambda: KerasTensor((None, 3)) + KerasTensor((2, None)), (2, 3)),
        (lambda: ops.vstack([KerasTensor((None, 3)), KerasTensor((None, None))]), (None, 3)),
        (lambda: ops.split(KerasTensor((None, 3)), 2)[0], (None, 3)),
        (lambda: KerasTensor((None, 5, 4))[5], (5, 4)),
        (lambda: ops.broadcast_to(KerasTensor((None, 3)), (2, 3, 3)), (2, 3, 3)),
        (lambda: ops.matmul(KerasTensor((None, 3)), KerasTensor((None, 4))), (None, 4)),
        (lambda: KerasTensor((None, 6, 1)).squeeze(-1).reshape((-1, 2, 3)), (None, 2, 3)),
        (lambda: ops.concatenate([KerasTensor((2, 3)), KerasTensor((2, 3))], axis=None), (12,)),
        (lambda: ops.meshgrid(KerasTensor((None,)), KerasTensor((4,)))[0], (4, None)),
    ],
)
def test_open_axes_take_the_only_length_that_fits(call: Any, shape: Any) -> None:
    assert call().shape == shape


def test_placeholders_that_cannot_fit_are_refused() -> None:
    with pytest.raises(ShapeError, match="broadcast"):
        KerasTensor((None, 3)) + KerasTensor((None, 4))


def test_names_of_the_inner_modules() -> None:
    from neurona.ops import numpy as onp

    assert onp.sum is ops.sum and "einsum" in dir(onp) and ops.linalg.svd is ops.svd and ops.nn.one_hot is ops.one_hot
    with pytest.raises(AttributeError, match="no attribute 'relu'"):
        onp.relu  # noqa: B018


def test_istft_near_ends_where_too_few_stretches_meet() -> None:
    """By hand: every w^2 over the sum of the squares that meet in the middle; the Hann window of 4 is 0, 1/2, 1, 1/2."""
    tones = ops.stft(np.ones(6, "float32"), 4, 2, 4, center=False)
    np.testing.assert_allclose(ops.istft(tones, 4, 2, 4, center=False), [0, 0.5, 1, 1, 1, 0.5], atol=1e-6)
    plain = ops.stft(np.ones(6, "float32"), 4, 2, 4, window=None, center=False)
    np.testing.assert_allclose(ops.istft(plain, 4, 2, 4, window=None, center=False), [1, 1, 2, 2, 1, 1], atol=1e-6)
