"""Sounds from folders, a folder for each class."""

from __future__ import annotations

import itertools
import wave
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from neurona.errors import ArgumentError, DataError
from neurona.tensor import Array
from neurona.training.dataset import Dataset
from neurona.utils.folders import Labels, Settings, datasets_of

__all__ = ["audio_dataset_from_directory"]

_LOUDEST = 32768  # of a number of 16 bits: 1.0 in the result


def audio_dataset_from_directory(
    directory: Any,
    labels: Labels = "inferred",
    label_mode: str | None = "int",
    class_names: Sequence[str] | None = None,
    batch_size: int | None = 32,
    sampling_rate: int | None = None,
    output_sequence_length: int | None = None,
    ragged: bool = False,
    shuffle: bool = True,
    seed: int | None = None,
    validation_split: float | None = None,
    subset: str | None = None,
    follow_links: bool = False,
    verbose: bool = True,
) -> Any:
    """Batches of the ``.wav`` files below a folder, with the class that their folder stands for.

    Args:
        directory: with a folder for each class when labels are inferred; else its files, at any depth.
        labels: "inferred" from the folders, None, or the classes of the files in the order of their paths.
        label_mode: "int" (int32, (N,)), "categorical" (one-hot float32, (N, classes)), "binary" (float32, (N, 1)) or None.
        class_names: which folders in which order; by default all, in alphabetical order.
        batch_size: sounds a batch; None gives single ones.
        sampling_rate: the rate that every file must have, in samples a second; any when None. Nothing is resampled.
        output_sequence_length: samples of each sound, cut off or filled up with silence; when None as many as it has, in a
            batch as many as its longest has.
        ragged: not offered: there are no tensors with rows of several lengths.
        shuffle: mixed, and mixed anew in every pass, instead of by name.
        seed: of the order; drawn from NumPy's global generator when None.
        validation_split: the share to hold out; the same files with the same seed.
        subset: "training", "validation", or "both" for a list of the two.
        follow_links: whether links to folders are followed.
        verbose: whether to print how many files there are.

    Returns:
        a `Dataset` of ``(sounds, labels)``, or of sounds: float32 from -1 to 1, (N, T, channels).

    Raises:
        ArgumentError: an impossible argument, or no files.
        DataNotFoundError: there is no such folder.
        DataError: while it is iterated: a file is no sound of 16 bits, or has another rate.
    """
    if ragged:
        both = output_sequence_length is not None
        raise ArgumentError(
            "Cannot set both `ragged` and `output_sequence_length`"
            if both
            else "ragged=True is not offered. Leave it out: the sounds of a batch are filled up to its longest."
        )
    if sampling_rate is not None and (isinstance(sampling_rate, bool) or not isinstance(sampling_rate, int)):
        raise ArgumentError(f"`sampling_rate` should have an integer value. Received: sampling_rate={sampling_rate}")
    if sampling_rate is not None and sampling_rate <= 0:
        raise ArgumentError(f"`sampling_rate` should be higher than 0. Received: sampling_rate={sampling_rate}")

    def load(path: str) -> Array:
        sound = _read(path, sampling_rate)
        return sound if output_sequence_length is None else _of_length(sound, output_sequence_length)

    settings = Settings(
        directory, labels, label_mode, class_names, batch_size, shuffle, seed, validation_split, subset, follow_links,
        "tf", verbose,
    )  # fmt: skip
    return datasets_of(settings, "audio", (".wav",), load, _padded if output_sequence_length is None else None)


def _read(path: str, rate: int | None) -> Array:
    """The samples of a file, (T, channels)."""
    try:
        with wave.open(path, "rb") as file:
            if file.getsampwidth() != 2:
                raise DataError(f"Expected sounds of 16 bits. Received: {path} with {8 * file.getsampwidth()} bits.")
            if rate not in (None, file.getframerate()):
                raise DataError(
                    f"Expected {rate} samples a second. Received: {path} with {file.getframerate()}. "
                    "Convert the files first, or leave sampling_rate out."
                )
            channels, content = file.getnchannels(), file.readframes(file.getnframes())
    except (wave.Error, EOFError) as error:
        raise DataError(f"{path} is no WAV file with plain numbers: {error or 'it ends too early'}.") from error
    except OSError as error:
        raise DataError(f"The file {path} cannot be read: {error.strerror or error}.") from error
    whole = len(content) // (2 * channels) * 2 * channels
    return (np.frombuffer(content[:whole], "<i2").reshape(-1, channels) / np.float32(_LOUDEST)).astype("float32")


def _of_length(sound: Array, length: int) -> Array:
    """The first `length` samples; silence behind a shorter sound.

    >>> _of_length(np.ones((2, 1), "float32"), 3)[:, 0].tolist()
    [1.0, 1.0, 0.0]
    """
    filled = np.zeros((length, sound.shape[1]), sound.dtype)
    filled[: len(sound)] = sound[:length]
    return filled


def _padded(sounds: Dataset, size: int) -> Dataset:
    """Batches, whose sounds are all as long as the longest among them."""

    def batches(number: int) -> Iterator[Any]:
        elements = sounds.elements(number)
        while group := list(itertools.islice(elements, size)):
            with_targets = isinstance(group[0], tuple)
            heard = [one[0] for one in group] if with_targets else group
            longest = max(len(one) for one in heard)
            stacked = np.stack([_of_length(one, longest) for one in heard])
            yield (stacked, np.stack([one[1] for one in group])) if with_targets else stacked

    made = Dataset(batches, -(-len(sounds) // size))
    made.batch_size = size
    return made
