"""Layers, under `keras.layers`' names; one family a file."""

from __future__ import annotations

from typing import Any

from neurona.errors import ArgumentError
from neurona.layers.activations import (
    ELU,
    LeakyReLU,
    PReLU,
    ReLU,
    Softmax,
)
from neurona.layers.augmentation import RandomFlip
from neurona.layers.base import Layer
from neurona.layers.batch_normalization import BatchNormalization
from neurona.layers.core import (
    Activation,
    Dense,
    Identity,
    Input,
    InputLayer,
    Lambda,
)
from neurona.layers.input_spec import InputSpec
from neurona.layers.merging import (
    Add,
    Average,
    Concatenate,
    Dot,
    Maximum,
    Minimum,
    Multiply,
    Subtract,
    add,
    average,
    concatenate,
    dot,
    maximum,
    minimum,
    multiply,
    subtract,
)
from neurona.layers.normalization import (
    GroupNormalization,
    LayerNormalization,
    RMSNormalization,
    UnitNormalization,
)
from neurona.layers.preprocessing import Normalization, Rescaling
from neurona.layers.regularization import (
    ActivityRegularization,
    AlphaDropout,
    Dropout,
    GaussianDropout,
    GaussianNoise,
)
from neurona.layers.reshaping import Flatten, Permute, RepeatVector, Reshape
from neurona.registry import deserialize_keras_object, serialize_keras_object

__all__ = [
    "ELU",
    "Activation",
    "ActivityRegularization",
    "Add",
    "AlphaDropout",
    "Average",
    "BatchNormalization",
    "Concatenate",
    "Dense",
    "Dot",
    "Dropout",
    "Flatten",
    "GaussianDropout",
    "GaussianNoise",
    "GroupNormalization",
    "Identity",
    "Input",
    "InputLayer",
    "InputSpec",
    "Lambda",
    "Layer",
    "LayerNormalization",
    "LeakyReLU",
    "Maximum",
    "Minimum",
    "Multiply",
    "Normalization",
    "PReLU",
    "Permute",
    "RMSNormalization",
    "RandomFlip",
    "ReLU",
    "RepeatVector",
    "Rescaling",
    "Reshape",
    "Softmax",
    "Subtract",
    "UnitNormalization",
    "add",
    "average",
    "concatenate",
    "deserialize",
    "dot",
    "maximum",
    "minimum",
    "multiply",
    "serialize",
    "subtract",
]


def serialize(layer: Layer) -> Any:
    """The description of a layer, from which `deserialize` makes one like it.

    >>> serialize(Layer(name="nothing"))["class_name"]
    'Layer'
    """
    return serialize_keras_object(layer)


def deserialize(config: Any, custom_objects: dict[str, Any] | None = None) -> Any:
    """The layer that `serialize` described; its weights are new.

    Args:
        config: the description.
        custom_objects: names of the user's own classes, besides the registered ones.

    Raises:
        ArgumentError: the description is not one of a layer.
    """
    layer = deserialize_keras_object(config, custom_objects)
    if not isinstance(layer, Layer):
        raise ArgumentError(f"`keras.layers.deserialize` expected the configuration of a layer. Received: {config}")
    return layer
