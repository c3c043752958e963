"""STFTSpectrogram: against NumPy's Fourier transform of each stretch, its arrangements, and real Keras."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
import pytest

import neurona
from neurona import layers
from neurona.errors import ArgumentError, DTypeError, UnknownNameError

MODES = ("log", "magnitude", "psd", "real", "imag", "angle", "stft")


def signal(*shape: int) -> Any:
    return np.random.default_rng(0).standard_normal(shape).astype("float32")


def transformed(x: Any, length: int, step: int, transform: int) -> Any:
    """(N, T, C) -> (N, C, stretches, bins), complex, with Hann's window of norm 1."""
    window = np.hanning(length)
    window /= np.sqrt((window**2).sum())
    starts = range(0, x.shape[1] - length + 1, step)
    parts = np.stack([x[:, s : s + length].swapaxes(1, 2) * window for s in starts], 2)
    return np.fft.rfft(parts, transform)


def test_modes() -> None:
    x = signal(2, 30, 3)
    z = transformed(x, 8, 5, 16)
    twice = np.r_[1.0, np.full(7, 2.0), 1.0]
    expected = {
        "real": z.real, "imag": z.imag, "magnitude": abs(z), "log": np.log(abs(z)), "psd": abs(z) ** 2 * twice,
        "angle": np.angle(z), "stft": np.concatenate([z.real, z.imag], -1),
    }  # fmt: skip
    for mode in MODES:
        found = layers.STFTSpectrogram(mode, 8, 5, 16, expand_dims=True)(x).numpy()  # (N, stretches, bins, C)
        apart = np.abs(found.transpose(0, 3, 1, 2) - expected[mode])
        if mode == "angle":
            apart = np.minimum(apart, 2 * np.pi - apart)
        loud = abs(z) > 0.05 if mode in ("log", "angle") else np.full(apart.shape, True)
        assert apart[loud].max() < 1e-3, mode
        assert mode in ("log", "angle") or apart.max() < 1e-5, mode


def test_arrangements_hold_the_same_numbers() -> None:
    x = signal(2, 30, 3)
    pictures = layers.STFTSpectrogram("real", 8, expand_dims=True)(x).numpy()  # (N, stretches, bins, C)
    rows = layers.STFTSpectrogram("real", 8)(x).numpy()  # (N, stretches, C bins)
    np.testing.assert_array_equal(rows.reshape(2, -1, 3, 5), pictures.transpose(0, 1, 3, 2))
    first = {"data_format": "channels_first"}
    turned = x.transpose(0, 2, 1)
    np.testing.assert_array_equal(
        layers.STFTSpectrogram("real", 8, expand_dims=True, **first)(turned).numpy(), pictures.transpose(0, 3, 1, 2)
    )
    np.testing.assert_array_equal(layers.STFTSpectrogram("real", 8, **first)(turned).numpy(), rows.transpose(0, 2, 1))


def test_its_waves_can_be_trained_or_not() -> None:
    layer = layers.STFTSpectrogram("magnitude", 8)
    layer.build((None, 30, 1))
    assert [w.path.rsplit("/")[-1] for w in layer.trainable_weights] == ["real_kernel", "imag_kernel"]
    assert layer.count_params() == 2 * 8 * 5
    fixed = layers.STFTSpectrogram("real", 8, trainable=False)
    fixed.build((None, 30, 1))
    assert not fixed.trainable_weights and len(fixed.weights) == 1


def test_an_open_time_axis() -> None:
    inputs = neurona.Input((None, 2))
    outputs = layers.STFTSpectrogram("psd", 8, padding="same")(inputs)
    assert outputs.shape == (None, None, 10)
    assert neurona.Model(inputs, outputs)(signal(2, 21, 2)).shape == (2, 6, 10)


def test_a_window_of_numbers_comes_back() -> None:
    layer = layers.STFTSpectrogram("real", 4, window=np.array([0.5, 1.0, 1.0, 0.5]))
    again = layers.deserialize(layers.serialize(layer))
    x = signal(1, 9, 1)
    np.testing.assert_array_equal(layer(x), again(x))


@pytest.mark.parametrize(
    ("settings", "error", "text"),
    [
        ({"frame_length": 0}, ArgumentError, "`frame_length` should be a positive integer"),
        ({"frame_step": 9}, ArgumentError, "`frame_step` should be a positive integer"),
        ({"fft_length": 4}, ArgumentError, "`fft_length` should be not less than"),
        ({"mode": "loud"}, ArgumentError, "Output mode is invalid"),
        ({"scaling": "loud"}, ArgumentError, "Scaling is invalid"),
        ({"padding": "causal"}, ArgumentError, "Padding is invalid"),
        ({"window": "hat"}, UnknownNameError, "hat"),
    ],
)
def test_what_is_refused(settings: dict[str, Any], error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        layers.STFTSpectrogram(**{"frame_length": 8, **settings})


def test_a_signal_consists_of_floats() -> None:
    with pytest.raises(DTypeError, match=r"Invalid input type\. .* input type=int"):
        layers.STFTSpectrogram(frame_length=4)(np.ones((1, 9, 1), "int32"))


def test_a_transform_of_an_odd_length_is_warned_of() -> None:
    with pytest.warns(UserWarning, match="recommended to be a power of two"):
        layers.STFTSpectrogram(frame_length=4, fft_length=6)


def test_keras_gives_the_same() -> None:
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    keras = pytest.importorskip("keras", reason="compares with real Keras")
    x = signal(2, 40, 2)
    for mode in MODES[:5]:
        settings = {"mode": mode, "frame_length": 12, "frame_step": 5, "window": "hamming", "periodic": True}
        for more in ({}, {"padding": "same", "scaling": "spectrum", "expand_dims": True}):
            theirs, ours = (M.layers.STFTSpectrogram(**settings, **more) for M in (keras, neurona))
            found, expected = ours(x).numpy(), np.asarray(theirs(x))
            np.testing.assert_allclose(found, expected, atol=2e-3 if mode == "log" else 1e-5)
            assert ours.compute_output_shape(x.shape) == expected.shape
            told = ours.get_config()
            assert told | {"name": 0, "dtype": 0} == theirs.get_config() | {"name": 0, "dtype": 0}
