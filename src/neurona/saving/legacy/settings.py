"""Settings of layers, optimizers, losses and metrics of earlier versions of Keras, as today's classes take them."""

from __future__ import annotations

from typing import Any

from neurona.errors import SavingError

__all__ = ["modern_layer", "modern_loss", "modern_metric", "modern_optimizer"]

Config = dict[str, Any]

_OF_A_DENSE_KERNEL = ("kernel_initializer", "kernel_regularizer", "kernel_constraint")
_OF_RECURRENCE = ("time_major", "implementation")

# Arguments that are gone, and those that have another name.
_DROPPED: dict[str, tuple[str, ...]] = {
    "BatchNormalization": ("fused", "virtual_batch_size", "adjustment"),
    **dict.fromkeys(("Conv1DTranspose", "Conv2DTranspose", "Conv3DTranspose"), ("groups",)),
    **dict.fromkeys(("DepthwiseConv1D", "DepthwiseConv2D"), ("groups", "filters", *_OF_A_DENSE_KERNEL)),
    **dict.fromkeys(("SeparableConv1D", "SeparableConv2D"), ("groups", *_OF_A_DENSE_KERNEL)),
    "Embedding": ("input_length",),
    **dict.fromkeys(("GRU", "LSTM", "SimpleRNN", "RNN"), _OF_RECURRENCE),
    **dict.fromkeys(("ConvLSTM1D", "ConvLSTM2D", "ConvLSTM3D"), _OF_RECURRENCE),
    **dict.fromkeys(("GRUCell", "LSTMCell"), ("implementation",)),
    **dict.fromkeys(("SpatialDropout1D", "SpatialDropout2D", "SpatialDropout3D"), ("noise_shape",)),
    "RandomRotation": ("value_range",),
    "MultiHeadAttention": ("query_shape", "key_shape", "value_shape"),
}
_RENAMED = {"LeakyReLU": {"alpha": "negative_slope"}, "ThresholdedReLU": {"theta": "threshold"}}
_ONE_AXIS = ("BatchNormalization", "Softmax", "Concatenate")

_OF_OPTIMIZERS = ("jit_compile", "is_legacy_optimizer", "schedule_decay", "dynamic")
_WORDS = ("accuracy", "acc", "crossentropy", "ce")  # metrics that choose their function by the shapes


def modern_layer(name: str, settings: Config) -> Config:
    """A layer's settings.

    Raises:
        SavingError: it asks for what layers no longer do.
    """
    if settings.get("time_major"):
        raise SavingError(
            f"The layer '{settings.get('name', name)}' expects the time before the batch (time_major=True), which {name} "
            "no longer does."
        )
    shape = settings.get("batch_input_shape")
    gone = {"batch_input_shape", *_DROPPED.get(name, ())}
    renamed = _RENAMED.get(name, {})
    found = {renamed.get(key, key): value for key, value in settings.items() if key not in gone}
    if name == "InputLayer" and shape is not None:
        found["batch_shape"] = shape
    axis = found.get("axis")
    if name in _ONE_AXIS and isinstance(axis, list) and len(axis) == 1:
        found["axis"] = axis[0]
    return found


def modern_optimizer(name: str, settings: Config) -> Config:
    """An optimizer's settings; "decay", which lowered the rate by the steps, becomes a schedule.

    >>> modern_optimizer("SGD", {"lr": 0.1, "decay": 0.0})
    {'learning_rate': 0.1}
    """
    renamed = {"lr": "learning_rate"}
    found = {renamed.get(key, key): value for key, value in settings.items() if key not in _OF_OPTIMIZERS}
    if found.get("epsilon", 0) is None:
        del found["epsilon"]
    decay = found.pop("decay", 0.0)
    if decay and isinstance(found.get("learning_rate"), (int, float)):
        found["learning_rate"] = {
            "module": "keras.optimizers.schedules",
            "class_name": "InverseTimeDecay",
            "config": {"initial_learning_rate": found["learning_rate"], "decay_steps": 1, "decay_rate": decay},
        }
    return found


def modern_loss(name: str, settings: Config) -> Any:
    """A loss's settings, or the name of the function that it wrapped."""
    if name == "LossFunctionWrapper":
        return settings.get("fn")
    found = {key: value for key, value in settings.items() if key != "fn"}
    if found.get("reduction") == "auto":
        found["reduction"] = "sum_over_batch_size"
    return found


def modern_metric(name: str, settings: Config) -> Any:
    """A metric's settings, or the word that it was made from."""
    if name != "MeanMetricWrapper":
        return {key: value for key, value in settings.items() if key != "fn"}
    if settings.get("name") in _WORDS:
        return settings["name"]
    function = settings.get("fn")
    if isinstance(function, str):
        function = {"module": "builtins", "class_name": "function", "config": function, "registered_name": "function"}
    return {**settings, "fn": function}
