"""Optimizers: how weights follow their gradients. One family a file, Keras's names."""

from __future__ import annotations

from typing import Any

from neurona.errors import ArgumentError
from neurona.optimizers import schedules
from neurona.optimizers.adafactor import Adafactor
from neurona.optimizers.adam import Adam, Adamax, AdamW, Nadam
from neurona.optimizers.adaptive import Adadelta, Adagrad, RMSprop
from neurona.optimizers.base import Optimizer
from neurona.optimizers.gradient_descent import SGD
from neurona.optimizers.lamb import Lamb
from neurona.optimizers.loss_scale import LossScaleOptimizer
from neurona.optimizers.multi import MultiOptimizer, OptimizerMap
from neurona.optimizers.muon import Muon
from neurona.optimizers.schedule_free import ScheduleFreeAdamW
from neurona.optimizers.sign import Ftrl, Lion
from neurona.parts.lookup import find
from neurona.registry import Config, serialize_keras_object

__all__ = [
    "SGD",
    "Adadelta",
    "Adafactor",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "Ftrl",
    "Lamb",
    "Lion",
    "LossScaleOptimizer",
    "MultiOptimizer",
    "Muon",
    "Nadam",
    "Optimizer",
    "OptimizerMap",
    "RMSprop",
    "ScheduleFreeAdamW",
    "deserialize",
    "get",
    "schedules",
    "serialize",
]


def get(identifier: Any) -> Any:
    """The optimizer that `identifier` stands for: a name, a configuration, an optimizer, or ``None``.

    >>> get("sgd").get_config()["momentum"]
    0.0

    Raises:
        UnknownNameError: no optimizer of that name.
        ArgumentError: something that is no optimizer.
    """
    if identifier is None:
        return None
    found = find("keras.optimizers", "optimizer", identifier)
    if not isinstance(found, Optimizer):
        raise ArgumentError(f"Could not interpret optimizer identifier. Received: {identifier!r}.")
    return found


def serialize(optimizer: Optimizer) -> Any:
    """The configuration of an optimizer."""
    return serialize_keras_object(optimizer)


def deserialize(config: Config, custom_objects: Config | None = None) -> Any:
    """The optimizer of a configuration, without its state."""
    return find("keras.optimizers", "optimizer", config, custom_objects)
