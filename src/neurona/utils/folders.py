"""Files in folders, a folder for each class: which there are, in which order, and which are held out.

Keras's rules, so that the same seed holds out the same files: classes in alphabetical order, files by folder and name,
mixed by NumPy's older generator, the last share for validation.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from neurona.errors import ArgumentError, DataNotFoundError
from neurona.tensor import Array
from neurona.training.dataset import Dataset

__all__ = ["Files", "Settings", "dataset_of", "datasets_of"]

Labels = str | Sequence[int] | None


@dataclass(frozen=True)
class Files:
    """Files and their classes.

    Attributes:
        paths: where they lie.
        labels: the number of the class of each, or None.
        class_names: by number; None without labels.
    """

    paths: list[str]
    labels: Array | None
    class_names: list[str] | None


@dataclass(frozen=True)
class Settings:
    """What the functions for texts, pictures and sounds are told alike; see them."""

    directory: Any
    labels: Labels
    label_mode: str | None
    class_names: Sequence[str] | None
    batch_size: int | None
    shuffle: bool
    seed: int | None
    validation_split: float | None
    subset: str | None
    follow_links: bool
    format: str
    verbose: bool


def datasets_of(
    settings: Settings,
    kind: str,
    formats: tuple[str, ...],
    load: Callable[[str], Any],
    batch: Callable[[Dataset, int], Dataset] | None = None,
) -> Any:
    """The data set that the settings ask for, or a list of two where `subset` is "both".

    Args:
        settings: what the user said.
        kind: "text", "image" or "audio", for messages.
        formats: endings of the files that count.
        load: reads one file.
        batch: makes batches of so many elements; where it is None they are put together as they are.

    Raises:
        ArgumentError: an impossible setting, or no files.
        DataNotFoundError: there is no such folder.
    """
    _check(settings, kind)
    with_labels = settings.labels is not None and settings.label_mode is not None
    seed = int(np.random.randint(int(1e6))) if settings.seed is None else settings.seed
    files = _listed(settings, settings.labels if with_labels else None, formats, seed)
    names = files.class_names
    if with_labels and settings.label_mode == "binary" and len(names or ()) != 2:
        raise ArgumentError(
            f'When passing `label_mode="binary"`, there must be exactly 2 class_names. Received: class_names={names}'
        )
    made = []
    both = ("training", "validation") if settings.subset == "both" else (settings.subset,)
    for subset in both:
        part = _share(files, settings.validation_split, subset)
        if not part.paths:
            which = f"{subset} " if settings.subset == "both" else ""
            raise ArgumentError(
                f"No {which}{'images' if kind == 'image' else f'{kind} files'} found in directory {settings.directory}. "
                f"Allowed formats: {formats}"
            )
        # as in Keras, only a validation set that comes with its training set is left in order
        shuffle = settings.shuffle and not (settings.subset == "both" and subset == "validation")
        made.append(dataset_of(part, settings, seed if shuffle else None, load, batch))
    return made if settings.subset == "both" else made[0]


def dataset_of(
    files: Files,
    settings: Settings,
    seed: int | None,
    load: Callable[[str], Any],
    batch: Callable[[Dataset, int], Dataset] | None = None,
) -> Dataset:
    """Batches of the files, read when they are asked for."""
    if files.labels is None:
        dataset = Dataset.from_tensor_slices(files.paths)
    else:
        targets = _targets(files.labels, settings.label_mode, len(files.class_names or ()))
        dataset = Dataset.from_tensor_slices((files.paths, targets))
    size = settings.batch_size
    if seed is not None:
        dataset = dataset.shuffle(1024 if size is None else 8 * size, seed=seed)
    dataset = dataset.map(load) if files.labels is None else dataset.map(lambda path, target: (load(path), target))
    if size is not None:
        dataset = dataset.batch(size) if batch is None else batch(dataset, size)
    dataset = dataset.prefetch()
    dataset.class_names, dataset.file_paths = files.class_names, files.paths
    return dataset


def _targets(labels: Array, mode: str | None, classes: int) -> Array:
    if mode == "binary":
        return labels.astype("float32")[:, None]
    if mode == "categorical":
        rows = np.zeros((len(labels), classes), "float32")
        inside = (labels >= 0) & (labels < classes)  # a row of zeros else, as in Keras
        rows[np.flatnonzero(inside), labels[inside]] = 1
        return rows
    return labels


def _check(settings: Settings, kind: str) -> None:
    labels, split, subset = settings.labels, settings.validation_split, settings.subset
    if labels not in ("inferred", None):
        if not isinstance(labels, (list, tuple)):
            raise ArgumentError(
                f"`labels` argument should be a list/tuple of integer labels, of the same size as the number of {kind} "
                'files in the target directory. To infer the labels from the subdirectory names, pass labels="inferred"; '
                f"for {kind}s without labels, pass labels=None. Received: labels={labels}"
            )
        if settings.class_names:
            raise ArgumentError(
                'You can only pass `class_names` if `labels="inferred"`. '
                f"Received: labels={labels}, and class_names={settings.class_names}"
            )
    if settings.label_mode not in ("int", "categorical", "binary", None):
        raise ArgumentError(
            '`label_mode` argument must be one of "int", "categorical", "binary", or None. '
            f"Received: label_mode={settings.label_mode}"
        )
    if settings.format not in ("tf", "grain"):
        raise ArgumentError(f'`format` should be either "tf" or "grain". Received: format={settings.format}')
    if split and not 0 < split < 1:
        raise ArgumentError(f"`validation_split` must be between 0 and 1. Received: {split}")
    if bool(split) != bool(subset):
        raise ArgumentError(
            "If `subset` is set, `validation_split` must be set, and inversely. "
            f"Received: validation_split={split}, subset={subset}"
        )
    if subset not in ("training", "validation", "both", None):
        raise ArgumentError(f'`subset` must be either "training", "validation" or "both". Received: {subset}')
    if split and settings.shuffle and settings.seed is None:
        raise ArgumentError(
            "If using `validation_split` and shuffling the data, you must provide a `seed` argument, to make sure that "
            "there is no overlap between the training and validation subset."
        )


def _listed(settings: Settings, labels: Labels, formats: tuple[str, ...], seed: int) -> Files:
    """The files of the folder, mixed when they are to be."""
    root = os.fspath(settings.directory)
    if not os.path.isdir(root):
        raise DataNotFoundError(f"There is no folder {root}.")
    folders = [""]
    if labels == "inferred":
        entries = sorted(os.listdir(root))
        folders = [name for name in entries if not name.startswith(".") and os.path.isdir(os.path.join(root, name))]
        if settings.class_names is not None:
            if not set(settings.class_names) <= set(folders):
                raise ArgumentError(
                    "The `class_names` passed did not match the names of the subdirectories of the target directory. "
                    f"Expected: {folders} (or a subset of it). Received: class_names={settings.class_names}"
                )
            folders = list(settings.class_names)
    elif settings.class_names is not None:
        raise ArgumentError(
            "`class_names` can only be given when labels are inferred from the folders. "
            f"Received: labels={labels}, class_names={settings.class_names}"
        )
    paths: list[str] = []
    numbers: list[int] = []
    for number, folder in enumerate(folders):
        found = _files_below(os.path.join(root, folder), formats, settings.follow_links)
        paths += found
        numbers += [number] * len(found)
    names: list[str] | None = folders
    targets: Array | None = np.array(numbers, "int32")
    if labels is None:
        names = targets = None
    elif not isinstance(labels, str):
        if len(labels) != len(paths):
            raise ArgumentError(
                "Expected the lengths of `labels` to match the number of files in the target directory. "
                f"Received: {len(labels)} labels, and {len(paths)} files in {root}."
            )
        names, targets = [str(label) for label in sorted(set(labels))], np.array(labels, "int32")
    if settings.verbose:
        belonging = "." if names is None else f" belonging to {len(names)} classes."
        print(f"Found {len(paths)} files{belonging}")
    if settings.shuffle:
        np.random.RandomState(seed).shuffle(paths)
        if targets is not None:
            np.random.RandomState(seed).shuffle(targets)  # the same seed: the same order
    return Files(paths, targets, names)


def _files_below(folder: str, formats: tuple[str, ...], follow_links: bool) -> list[str]:
    walked = sorted(os.walk(folder, followlinks=follow_links), key=lambda step: step[0])
    return [
        str(Path(place) / name)
        for place, _folders, names in walked
        for name in sorted(names)
        if name.lower().endswith(formats)
    ]


def _share(files: Files, split: float | None, subset: str | None) -> Files:
    """The training or the validation part: the last share is held out."""
    if not split:
        return files
    held = int(split * len(files.paths))
    kept = len(files.paths) - held
    if subset == "training":
        print(f"Using {kept} files for training.")
        chosen = slice(None, kept)
    else:
        print(f"Using {held} files for validation.")
        chosen = slice(kept, None)
    labels = None if files.labels is None else files.labels[chosen]
    return Files(files.paths[chosen], labels, files.class_names)
