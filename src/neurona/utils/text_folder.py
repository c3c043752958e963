"""Texts from folders, a folder for each class."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from neurona.errors import ArgumentError, DataError
from neurona.utils.folders import Labels, Settings, datasets_of

__all__ = ["text_dataset_from_directory"]


def text_dataset_from_directory(
    directory: Any,
    labels: Labels = "inferred",
    label_mode: str | None = "int",
    class_names: Sequence[str] | None = None,
    batch_size: int | None = 32,
    max_length: int | None = None,
    shuffle: bool = True,
    seed: int | None = None,
    validation_split: float | None = None,
    subset: str | None = None,
    follow_links: bool = False,
    format: str = "tf",
    verbose: bool = True,
) -> Any:
    """Batches of the ``.txt`` files below a folder, with the class that their folder stands for.

    Bytes are UTF-8, or Latin-1 where they are not.

    Args:
        directory: with a folder for each class when labels are inferred; else its files, at any depth.
        labels: "inferred" from the folders, None, or the classes of the files in the order of their paths.
        label_mode: "int" (int32, (N,)), "categorical" (one-hot float32, (N, classes)), "binary" (float32, (N, 1)) or None.
        class_names: which folders in which order; by default all, in alphabetical order.
        batch_size: texts a batch; None gives single ones.
        max_length: bytes of a text that are read, of which an incomplete last letter is dropped; all when None.
        shuffle: mixed, and mixed anew in every pass, instead of by name.
        seed: of the order; drawn from NumPy's global generator when None.
        validation_split: the share to hold out; the same files with the same seed.
        subset: "training", "validation", or "both" for a list of the two.
        follow_links: whether links to folders are followed.
        format: "tf" or "grain", for programs written for Keras; both give the same.
        verbose: whether to print how many files there are.

    Returns:
        a `Dataset` of ``(texts, labels)``, or of texts: arrays of `str` objects, (N,).

    Raises:
        ArgumentError: an impossible argument, or no files.
        DataNotFoundError: there is no such folder.
        DataError: while it is iterated: a file cannot be read.
    """
    if max_length is not None and max_length < 0:
        raise ArgumentError(f"Expected `max_length` from 0. Received: max_length={max_length}.")

    def load(path: str) -> str:
        try:
            with Path(path).open("rb") as file:
                content = file.read(-1 if max_length is None else max_length)
        except OSError as error:
            raise DataError(f"The file {path} cannot be read: {error.strerror or error}.") from error
        return _decoded(content, max_length is not None)

    settings = Settings(
        directory, labels, label_mode, class_names, batch_size, shuffle, seed, validation_split, subset, follow_links,
        format, verbose,
    )  # fmt: skip
    return datasets_of(settings, "text", (".txt",), load)


def _decoded(content: bytes, cut: bool) -> str:
    """The text of UTF-8 bytes, or of Latin-1 ones; of a cut text the last letter may be incomplete."""
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        if cut and error.reason == "unexpected end of data":
            return content[: error.start].decode("utf-8")
        return content.decode("latin-1")
