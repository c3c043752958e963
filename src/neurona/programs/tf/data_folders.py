"""The datasets that `keras.utils` makes, handing tensors to the program as `tf.data` does."""

from __future__ import annotations

from typing import Any

from neurona import utils
from neurona.programs.tf.data import _converted, handing_tensors

__all__ = [
    "audio_dataset_from_directory",
    "image_dataset_from_directory",
    "split_dataset",
    "text_dataset_from_directory",
    "timeseries_dataset_from_array",
]

audio_dataset_from_directory = handing_tensors(utils.audio_dataset_from_directory)
image_dataset_from_directory = handing_tensors(utils.image_dataset_from_directory)
text_dataset_from_directory = handing_tensors(utils.text_dataset_from_directory)
timeseries_dataset_from_array = handing_tensors(utils.timeseries_dataset_from_array)


def split_dataset(*args: Any, **kwargs: Any) -> Any:
    """`utils.split_dataset`, handing out tensors."""
    split: Any = getattr(utils, "split_dataset")  # noqa: B009
    return tuple(map(_converted, split(*args, **kwargs)))
