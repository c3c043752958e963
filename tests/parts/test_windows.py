"""Windows by name, and the waves that a Fourier transform by convolution starts from."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from neurona import initializers
from neurona.errors import ArgumentError, ShapeError, UnknownNameError
from neurona.parts.windows import window

NAMES = ["hann", "hamming", "blackman", "bartlett", "cosine", "boxcar", "blackmanharris", "nuttall", "flattop"]


@pytest.mark.parametrize("name", NAMES)
def test_a_window_is_even_and_highest_in_its_middle(name: str) -> None:
    values = window(name, 9, periodic=False)
    np.testing.assert_allclose(values, values[::-1], atol=1e-12)
    assert values[4] == pytest.approx(1.0, abs=1e-8) and values.max() <= 1.0 + 1e-8
    np.testing.assert_allclose(window(name, 8, periodic=True), values[:8])
    assert window(name, 1, periodic=False).tolist() == [1.0]


@pytest.mark.parametrize("name", NAMES)
def test_scipy_gives_the_same(name: str) -> None:
    signal = pytest.importorskip("scipy.signal", reason="compares with SciPy")
    for periodic in (False, True):
        np.testing.assert_allclose(window(name, 12, periodic), signal.get_window(name, 12, periodic), atol=1e-12)


@pytest.mark.parametrize("taper", [None, "hamming", [0.5, 1.0, 2.0, 1.0, 0.5, 0.25]])
def test_the_waves_compute_a_fourier_transform(taper: Any) -> None:
    x = np.random.default_rng(0).standard_normal(6)
    real, imaginary = (
        x @ initializers.STFT(side, taper, None)((6, 1, 5), "float64").numpy()[:, 0] for side in ("real", "imag")
    )
    weights = np.hamming(6) if taper == "hamming" else np.ones(6) if taper is None else np.array(taper)
    np.testing.assert_allclose(real + 1j * imaginary, np.fft.rfft(x * weights, 8), atol=1e-10)


def test_scalings() -> None:
    plain = initializers.STFT("real", "hann", None)((6, 1, 5), "float64").numpy()
    hann = np.hanning(6)
    for scaling, total in (("density", np.sqrt((hann**2).sum())), ("spectrum", hann.sum())):
        np.testing.assert_allclose(initializers.STFT("real", "hann", scaling)((6, 1, 5), "float64"), plain / total)


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda: initializers.STFT("both"), ArgumentError, "side should be 'real' or 'imag'"),
        (lambda: initializers.STFT("real", "hat"), UnknownNameError, "hat"),
        (lambda: initializers.STFT(scaling="loud"), ArgumentError, "Scaling is invalid"),
        (lambda: initializers.STFT()((3, 4)), ShapeError, r"expected the shape \(T, 1, F / 2 \+ 1\)"),
        (lambda: initializers.STFT(window=[1.0, 2.0])((3, 1, 3)), ShapeError, r"Expected \(3,\)"),
    ],
)
def test_what_is_refused(call: Any, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        call()


def test_keras_gives_the_same() -> None:
    keras = pytest.importorskip("keras", reason="compares with real Keras")
    for name in NAMES:
        for side, scaling, periodic in (("real", "density", False), ("imag", "spectrum", True), ("real", None, True)):
            ours = initializers.STFT(side, name, scaling, periodic)((12, 1, 9))
            np.testing.assert_allclose(
                ours, keras.initializers.STFT(side, name, scaling, periodic)((12, 1, 9)), atol=1e-5
            )
