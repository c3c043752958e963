"""Files of earlier versions of Keras, and its older HDF5 format for whole models and for weights."""

from __future__ import annotations

from neurona.saving.legacy.configs import modern
from neurona.saving.legacy.weights import is_older_format, load_legacy_weights
from neurona.saving.legacy.whole import load_whole_model
from neurona.saving.legacy.writing import save_whole_model

__all__ = ["is_older_format", "load_legacy_weights", "load_whole_model", "modern", "save_whole_model"]
