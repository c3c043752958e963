"""The helpers of `keras.utils` that programs for small networks use.

    arrays         one-hot rows, norms            sequences      lists of different lengths as one array
    seeds          the same numbers again         timeseries     windows over measurements
    folders        files in folders by class      text_folder    texts of such folders
    picture_folder pictures of such folders       files          a file from the network

The sets of data that come in batches are `Dataset`s (`neurona.training.dataset`).
"""

from __future__ import annotations

from neurona.backend import clear_session
from neurona.registry import (
    CustomObjectScope,
    custom_object_scope,
    deserialize_keras_object,
    get_custom_objects,
    get_registered_name,
    get_registered_object,
    register_keras_serializable,
    serialize_keras_object,
)
from neurona.training.batches import PyDataset
from neurona.training.batches import PyDataset as Sequence
from neurona.training.dataset import AUTOTUNE, Dataset
from neurona.utils.arrays import normalize, to_categorical
from neurona.utils.picture_folder import image_dataset_from_directory
from neurona.utils.seeds import set_random_seed
from neurona.utils.sequences import pad_sequences
from neurona.utils.text_folder import text_dataset_from_directory
from neurona.utils.timeseries import timeseries_dataset_from_array

__all__ = [
    "AUTOTUNE",
    "CustomObjectScope",
    "Dataset",
    "PyDataset",
    "Sequence",
    "clear_session",
    "custom_object_scope",
    "deserialize_keras_object",
    "get_custom_objects",
    "get_registered_name",
    "get_registered_object",
    "image_dataset_from_directory",
    "normalize",
    "pad_sequences",
    "register_keras_serializable",
    "serialize_keras_object",
    "set_random_seed",
    "text_dataset_from_directory",
    "timeseries_dataset_from_array",
    "to_categorical",
]
