"""The helpers of `keras.utils` that programs for small networks use.

    arrays         one-hot rows, norms            sequences      lists of different lengths as one array
    seeds          the same numbers again         timeseries     windows over measurements
    folders        files in folders by class      text_folder    texts of such folders
    picture_folder pictures of such folders       files          a file from the network
    pictures       files, arrays and Pillow       splitting      one data set as two
    progbar        a bar for loops                plotting       a model as a picture
    feature_space  a table's columns as numbers   named_values   a program's settings

The sets of data that come in batches are `Dataset`s (`neurona.training.dataset`).
"""

from __future__ import annotations

from neurona.backend import clear_session
from neurona.config import (
    disable_interactive_logging,
    enable_interactive_logging,
    is_interactive_logging_enabled,
)
from neurona.dtypes import standardize_dtype
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
from neurona.symbolic import get_source_inputs, is_keras_tensor
from neurona.training.batches import PyDataset
from neurona.training.batches import PyDataset as Sequence
from neurona.training.compiled import pack_x_y_sample_weight, unpack_x_y_sample_weight
from neurona.training.dataset import AUTOTUNE, Dataset
from neurona.utils.arrays import normalize, to_categorical
from neurona.utils.audio_folder import audio_dataset_from_directory
from neurona.utils.feature_space import FeatureSpace
from neurona.utils.files import get_file
from neurona.utils.named_values import Config
from neurona.utils.picture_folder import image_dataset_from_directory
from neurona.utils.pictures import array_to_img, img_to_array, load_img, save_img
from neurona.utils.plotting import model_to_dot, plot_model
from neurona.utils.progbar import Progbar
from neurona.utils.seeds import set_random_seed
from neurona.utils.sequences import pad_sequences
from neurona.utils.splitting import split_dataset
from neurona.utils.text_folder import text_dataset_from_directory
from neurona.utils.timeseries import timeseries_dataset_from_array

__all__ = [
    "AUTOTUNE",
    "Config",
    "CustomObjectScope",
    "Dataset",
    "FeatureSpace",
    "Progbar",
    "PyDataset",
    "Sequence",
    "array_to_img",
    "audio_dataset_from_directory",
    "clear_session",
    "custom_object_scope",
    "deserialize_keras_object",
    "disable_interactive_logging",
    "enable_interactive_logging",
    "get_custom_objects",
    "get_file",
    "get_registered_name",
    "get_registered_object",
    "get_source_inputs",
    "image_dataset_from_directory",
    "img_to_array",
    "is_interactive_logging_enabled",
    "is_keras_tensor",
    "load_img",
    "model_to_dot",
    "normalize",
    "pack_x_y_sample_weight",
    "pad_sequences",
    "plot_model",
    "register_keras_serializable",
    "save_img",
    "serialize_keras_object",
    "set_random_seed",
    "split_dataset",
    "standardize_dtype",
    "text_dataset_from_directory",
    "timeseries_dataset_from_array",
    "to_categorical",
    "unpack_x_y_sample_weight",
]
