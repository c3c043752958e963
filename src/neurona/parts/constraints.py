"""Constraints: where weights are brought back to after every step of the optimizer.

An optimizer calls ``weight.assign(constraint(weight))``. Norms are taken along `axis`: for a dense kernel of
shape (C, F), axis 0 gives the norm of each unit's incoming weights; for a convolution's kernel that is [0,
1, 2].
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from neurona import config as settings
from neurona import ops
from neurona.parts.lookup import find
from neurona.registry import Config, export, serialize_keras_object
from neurona.tensor import Tensor, TensorLike

__all__ = [
    "Constraint",
    "MaxNorm",
    "MinMaxNorm",
    "NonNeg",
    "UnitNorm",
    "deserialize",
    "get",
    "max_norm",
    "min_max_norm",
    "non_neg",
    "serialize",
    "unit_norm",
]

MODULE = "keras.constraints"
Axis = int | Sequence[int]


@export(MODULE)
class Constraint:
    """The base class: subclasses write ``__call__(self, w)``, and `get_config` if they have settings.

    >>> class AtMostOne(Constraint):
    ...     def __call__(self, w):
    ...         return ops.minimum(w, 1.0)
    >>> AtMostOne()([0.5, 3.0])
    Tensor([0.5, 1. ], dtype=float32)
    """

    def __call__(self, w: TensorLike) -> Any:
        """The weight where it may be."""
        return w

    def get_config(self) -> Config:
        """The settings, as arguments of the class."""
        return {}

    @classmethod
    def from_config(cls, config: Config) -> Any:
        """A constraint with these settings."""
        return cls(**config)


def _norms(w: TensorLike, axis: Axis) -> Tensor:
    along = axis if isinstance(axis, int) else tuple(axis)
    norms: Tensor = ops.sqrt(ops.sum(ops.square(w), axis=along, keepdims=True))
    return norms


@export(MODULE)
class NonNeg(Constraint):
    """No weight below 0.

    >>> NonNeg()([-1.0, 2.0])
    Tensor([0., 2.], dtype=float32)
    """

    def __call__(self, w: TensorLike) -> Tensor:
        kept: Tensor = ops.maximum(w, 0.0)
        return kept


@export(MODULE)
class UnitNorm(Constraint):
    """Norm 1 along the axis.

    Args:
        axis: the axis, or several.

    >>> UnitNorm()([[3.0], [4.0]])
    Tensor([[0.6],
            [0.8]], dtype=float32)
    """

    def __init__(self, axis: Axis = 0) -> None:
        self.axis = axis

    def __call__(self, w: TensorLike) -> Tensor:
        # epsilon: a weight of zeros stays one
        kept: Tensor = ops.divide(w, ops.add(_norms(w, self.axis), settings.epsilon()))
        return kept

    def get_config(self) -> Config:
        return {"axis": self.axis}


@export(MODULE)
class MaxNorm(Constraint):
    """A norm of at most `max_value` along the axis; larger ones are scaled down.

    Args:
        max_value: the largest norm.
        axis: the axis, or several.

    >>> MaxNorm(2.5)([[3.0], [4.0]])
    Tensor([[1.5],
            [2. ]], dtype=float32)

    Source: Srivastava et al., "Dropout" (JMLR 15, 2014), section 5.1.
    """

    def __init__(self, max_value: float = 2, axis: Axis = 0) -> None:
        self.max_value, self.axis = max_value, axis

    def __call__(self, w: TensorLike) -> Tensor:
        norms = _norms(w, self.axis)
        desired = ops.clip(norms, 0.0, self.max_value)
        kept: Tensor = ops.multiply(w, ops.divide(desired, ops.add(norms, settings.epsilon())))
        return kept

    def get_config(self) -> Config:
        return {"max_value": self.max_value, "axis": self.axis}


@export(MODULE)
class MinMaxNorm(Constraint):
    """A norm between `min_value` and `max_value` along the axis, or on the way there.

    norm <- rate clip(norm, min_value, max_value) + (1 - rate) norm

    Args:
        min_value, max_value: the range.
        rate: 1 enforces it at once, less moves towards it at each step.
        axis: the axis, or several.

    >>> MinMaxNorm(0.0, 1.0)([[3.0], [4.0]])
    Tensor([[0.6],
            [0.8]], dtype=float32)
    """

    def __init__(self, min_value: float = 0.0, max_value: float = 1.0, rate: float = 1.0, axis: Axis = 0) -> None:
        self.min_value, self.max_value, self.rate, self.axis = min_value, max_value, rate, axis

    def __call__(self, w: TensorLike) -> Tensor:
        norms = _norms(w, self.axis)
        inside = ops.multiply(ops.clip(norms, self.min_value, self.max_value), self.rate)
        desired = ops.add(inside, ops.multiply(norms, 1 - self.rate))
        kept: Tensor = ops.multiply(w, ops.divide(desired, ops.add(norms, settings.epsilon())))
        return kept

    def get_config(self) -> Config:
        return {
            "min_value": self.min_value,
            "max_value": self.max_value,
            "rate": self.rate,
            "axis": self.axis,
        }


# -- by name -------------------------------------------------------------------------------------------------

max_norm, min_max_norm, non_neg, unit_norm = MaxNorm, MinMaxNorm, NonNeg, UnitNorm


def get(identifier: Any) -> Any:
    """The constraint that an argument such as ``kernel_constraint="max_norm"`` means.

    Args:
        identifier: a name, a configuration, a constraint or its class, a function, or ``None``.

    Raises:
        UnknownNameError: no such name.

    >>> get("max_norm").get_config()
    {'max_value': 2, 'axis': 0}
    """
    return find(MODULE, "constraint", identifier)


def serialize(constraint: Any) -> Any:
    """The configuration of a constraint.

    >>> serialize(NonNeg())["class_name"]
    'NonNeg'
    """
    return serialize_keras_object(constraint)


def deserialize(config: Any, custom_objects: Config | None = None) -> Any:
    """The constraint that a configuration (or a name) describes.

    >>> deserialize({"class_name": "UnitNorm", "config": {"axis": 1}}).axis
    1
    """
    return find(MODULE, "constraint", config, custom_objects)
