"""Sounds from folders."""

from __future__ import annotations

import wave
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import neurona as keras
from neurona.errors import ArgumentError, DataError
from neurona.utils import audio_dataset_from_directory

QUIET: dict[str, Any] = {"verbose": False, "shuffle": False}


def _wav(path: Path, samples: Any, width: int = 2, rate: int = 8000) -> None:
    numbers = np.asarray(samples, f"<i{width}" if width > 1 else "u1")
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1 if numbers.ndim == 1 else numbers.shape[1])
        file.setsampwidth(width)
        file.setframerate(rate)
        file.writeframes(numbers.tobytes())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    _wav(tmp_path / "a" / "1.wav", [0, 16384, -32768])
    _wav(tmp_path / "a" / "2.wav", [32767])
    _wav(tmp_path / "b" / "1.wav", [1, 2, 3, 4, 5])
    (tmp_path / "b" / "note.txt").write_text("no sound")
    return tmp_path


def test_samples_are_fractions_of_the_loudest_one(folder: Path) -> None:
    data = audio_dataset_from_directory(folder, batch_size=None, **QUIET)
    assert data.class_names == ["a", "b"]
    (sound, label), *_ = data
    assert (sound.shape, sound.dtype, int(label)) == ((3, 1), np.float32, 0)
    assert sound.numpy()[:, 0].tolist() == [0.0, 0.5, -1.0]


def test_a_batch_is_as_long_as_its_longest_sound(folder: Path) -> None:
    batches = list(audio_dataset_from_directory(folder, batch_size=2, **QUIET))
    assert [x.shape for x, _ in batches] == [(2, 3, 1), (1, 5, 1)]
    assert batches[0][0].numpy()[1, :, 0].tolist() == [32767 / 32768, 0.0, 0.0]
    assert [y.tolist() for _, y in batches] == [[0, 0], [1]]
    assert len(audio_dataset_from_directory(folder, batch_size=2, **QUIET)) == 2


def test_sounds_of_one_length_without_labels(folder: Path) -> None:
    data = audio_dataset_from_directory(folder, labels=None, output_sequence_length=2, **QUIET)
    (batch,) = data
    np.testing.assert_array_equal(batch.numpy()[:, :, 0] * 32768, [[0, 16384], [32767, 0], [1, 2]])


def test_two_channels(tmp_path: Path) -> None:
    _wav(tmp_path / "s.wav", [[1, 2], [3, 4]])
    (batch,) = audio_dataset_from_directory(tmp_path, labels=None, **QUIET)
    np.testing.assert_array_equal(batch.numpy() * 32768, [[[1, 2], [3, 4]]])


def test_a_model_learns_from_them(folder: Path) -> None:
    data = audio_dataset_from_directory(folder, label_mode="binary", output_sequence_length=4, seed=1, verbose=False)
    model = keras.Sequential([keras.Input((4, 1)), keras.layers.Flatten(), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    assert np.isfinite(model.fit(data, verbose=0).history["loss"][0])


@pytest.mark.parametrize(("settings", "words"), [
    ({"ragged": True, "output_sequence_length": 2}, "Cannot set both `ragged` and `output_sequence_length`"),
    ({"ragged": True}, "ragged=True is not offered"), ({"sampling_rate": 1.2}, "should have an integer value"),
    ({"sampling_rate": 0}, "should be higher than 0"), ({"labels": [0]}, "to match the number of files"),
])  # fmt: skip
def test_settings_that_cannot_be(folder: Path, settings: dict[str, Any], words: str) -> None:
    with pytest.raises(ArgumentError, match=words):
        audio_dataset_from_directory(folder, **QUIET, **settings)


def test_files_that_cannot_be_heard(tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match="No audio files found in directory"):
        audio_dataset_from_directory(tmp_path, labels=None, **QUIET)
    for name, width, rate, words in [
        ("w.wav", 1, 8000, "Expected sounds of 16 bits.*w.wav with 8 bits"), ("r.wav", 2, 44100, "Expected 8000 samples"),
        ("t.wav", 0, 0, "t.wav is no WAV file"),
    ]:  # fmt: skip
        place = tmp_path / name[0]
        _wav(place / name, [1, 2], width, rate) if width else (place.mkdir(), (place / name).write_bytes(b"RIFF"))
        with pytest.raises(DataError, match=words):
            list(audio_dataset_from_directory(place, labels=None, sampling_rate=8000, **QUIET))


def test_tensorflow_reads_the_same_numbers(folder: Path) -> None:
    real = pytest.importorskip("keras", reason="compares with Keras")
    ours = audio_dataset_from_directory(folder, batch_size=2, **QUIET)
    theirs = real.utils.audio_dataset_from_directory(folder, batch_size=2, **QUIET)
    assert theirs.class_names == ours.class_names
    for (x, y), (a, b) in zip(ours, theirs, strict=True):
        np.testing.assert_array_equal(x.numpy(), a.numpy())
        np.testing.assert_array_equal(y.numpy(), b.numpy())
