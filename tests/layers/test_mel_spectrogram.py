"""MelSpectrogram: by NumPy's transform, and by what decibels and mels mean."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from neurona.errors import ArgumentError
from neurona.layers import Input, MelSpectrogram

SOUND = np.random.default_rng(2).normal(size=400)
SETTINGS: dict[str, Any] = {
    "fft_length": 64, "sequence_stride": 50, "num_mel_bins": 6, "sampling_rate": 1000, "dtype": "float64",
}  # fmt: skip


def test_a_stretch_by_hand() -> None:
    """Power of a windowed stretch, each frequency shared between the two bands whose middles enclose it."""
    found = MelSpectrogram(power_to_db=False, min_freq=0.0, **SETTINGS)(SOUND).numpy()
    assert found.shape == (6, 9)
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(64) / 64)
    power = np.abs(np.fft.rfft(SOUND[100 - 32 : 100 + 32] * window)) ** 2
    steps = np.log1p(np.linspace(0, 500, 33) / 700) / np.log1p(500 / 700) * 7  # in steps from middle to middle
    share = np.maximum(0, 1 - np.abs(steps[:, None] - np.arange(1, 7)))
    np.testing.assert_allclose(found[:, 2], power @ share, rtol=1e-6)


def test_decibels() -> None:
    plain = MelSpectrogram(**SETTINGS)
    quiet, loud = plain(SOUND).numpy(), plain(10 * SOUND).numpy()
    np.testing.assert_allclose(loud - quiet, 20.0)
    np.testing.assert_allclose(MelSpectrogram(ref_power=100.0, **SETTINGS)(SOUND).numpy(), quiet - 20.0)
    shallow = MelSpectrogram(top_db=5.0, **SETTINGS)(SOUND).numpy()
    np.testing.assert_allclose(shallow, np.maximum(quiet, quiet.max() - 5.0))
    np.testing.assert_allclose(plain(np.zeros(400)).numpy(), -100.0)


def test_shapes() -> None:
    layer = MelSpectrogram(**SETTINGS)
    for length in (400, 449, 450):
        x = SOUND[np.arange(length) % 400]
        assert layer(np.stack([x, x])).shape == layer.compute_output_shape((2, length)) == (2, 6, length // 50 + 1)
    assert layer(Input((None,))).shape == (None, 6, None)
    with pytest.raises(ArgumentError, match="greater than or equal to `sequence_length`"):
        MelSpectrogram(fft_length=8, sequence_length=9)
