"""Keras's older place for what `neurona.utils` has: the same functions under the names of `keras.preprocessing`."""

from __future__ import annotations

from neurona.preprocessing import image, sequence
from neurona.utils import (
    image_dataset_from_directory,
    text_dataset_from_directory,
    timeseries_dataset_from_array,
)

__all__ = [
    "image",
    "image_dataset_from_directory",
    "sequence",
    "text_dataset_from_directory",
    "timeseries_dataset_from_array",
]
