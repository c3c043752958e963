"""Regularizers: penalties on weights, added to the loss, that keep a network simple.

A layer calls ``regularizer(weight)`` and adds the number to its losses.
"""

from __future__ import annotations

import math
from typing import Any

from neurona import ops
from neurona.errors import ArgumentError, ShapeError
from neurona.parts.lookup import find
from neurona.registry import Config, export, serialize_keras_object
from neurona.tensor import Tensor, TensorLike, as_tensor

__all__ = [
    "L1",
    "L1L2",
    "L2",
    "OrthogonalRegularizer",
    "Regularizer",
    "deserialize",
    "get",
    "l1",
    "l1_l2",
    "l2",
    "orthogonal_regularizer",
    "serialize",
]

MODULE = "keras.regularizers"


def _factor(value: Any, name: str) -> float:
    if isinstance(value, (int, float)) and math.isfinite(value) and value >= 0:
        return float(value)
    raise ArgumentError(f"Invalid value for argument {name}: expected a non-negative float. Received: {name}={value}")


@export(MODULE)
class Regularizer:
    """The base class: subclasses write ``__call__(self, x)``, which gives one number, and `get_config`.

    >>> class Largest(Regularizer):
    ...     def __call__(self, x):
    ...         return ops.max(ops.absolute(x))
    >>> float(Largest()([1.0, -3.0]))
    3.0
    """

    def __call__(self, x: TensorLike) -> Any:
        """The penalty: a tensor of no axes."""
        return 0.0

    def get_config(self) -> Config:
        """The settings, as arguments of the class."""
        raise NotImplementedError(f"{type(self).__name__} must write `get_config(self)` to be saved.")

    @classmethod
    def from_config(cls, config: Config) -> Any:
        """A regularizer with these settings."""
        return cls(**config)


@export(MODULE)
class L1(Regularizer):
    """penalty = l1 sum |x|; drives weights to exactly 0.

    Args:
        l1: the factor.

    >>> float(L1(0.5)([1.0, -3.0]))
    2.0
    """

    def __init__(self, l1: float = 0.01) -> None:
        self.l1 = _factor(0.01 if l1 is None else l1, "l1")

    def __call__(self, x: TensorLike) -> Tensor:
        penalty: Tensor = ops.multiply(ops.sum(ops.absolute(x)), self.l1)
        return penalty

    def get_config(self) -> Config:
        return {"l1": self.l1}


@export(MODULE)
class L2(Regularizer):
    """penalty = l2 sum x^2; keeps weights small ("weight decay" for plain gradient descent).

    Args:
        l2: the factor.

    >>> float(L2(0.5)([1.0, -3.0]))
    5.0
    """

    def __init__(self, l2: float = 0.01) -> None:
        self.l2 = _factor(0.01 if l2 is None else l2, "l2")

    def __call__(self, x: TensorLike) -> Tensor:
        penalty: Tensor = ops.multiply(ops.sum(ops.square(x)), self.l2)
        return penalty

    def get_config(self) -> Config:
        return {"l2": self.l2}


@export(MODULE, "l1l2")
class L1L2(Regularizer):
    """penalty = l1 sum |x| + l2 sum x^2.

    Args:
        l1, l2: the factors; 0 leaves a part out.

    >>> float(L1L2(0.5, 0.5)([1.0, -3.0]))
    7.0
    """

    def __init__(self, l1: float = 0.0, l2: float = 0.0) -> None:
        self.l1 = _factor(0.0 if l1 is None else l1, "l1")
        self.l2 = _factor(0.0 if l2 is None else l2, "l2")

    def __call__(self, x: TensorLike) -> Tensor:
        parts = [L1(self.l1)(x)] if self.l1 else []
        parts += [L2(self.l2)(x)] if self.l2 else []
        if not parts:
            return as_tensor(0.0, x.dtype if hasattr(x, "dtype") else None)
        penalty: Tensor = parts[0] if len(parts) == 1 else ops.add(*parts)
        return penalty

    def get_config(self) -> Config:
        return {"l1": self.l1, "l2": self.l2}


@export(MODULE)
class OrthogonalRegularizer(Regularizer):
    """Pulls the rows (or columns) of a matrix towards right angles.

    penalty = factor (mean over pairs i < j of |u_i . u_j|),   u: the rows, each divided by its length

    Args:
        factor: how strong.
        mode: "rows" or "columns".

    Raises:
        ShapeError: called on something that is no matrix.

    >>> float(OrthogonalRegularizer(1.0)([[2.0, 0.0], [0.0, 3.0]]))
    0.0
    """

    def __init__(self, factor: float = 0.01, mode: str = "rows") -> None:
        self.factor = _factor(factor, "factor")
        if mode not in ("rows", "columns"):
            raise ArgumentError(
                f'Invalid value for argument `mode`. Expected one of {{"rows", "columns"}}. Received: mode={mode}'
            )
        self.mode = mode

    def __call__(self, x: TensorLike) -> Tensor:
        x = x if hasattr(x, "dtype") else as_tensor(x)
        if len(x.shape) != 2:
            raise ShapeError(f"Inputs to OrthogonalRegularizer must have rank 2. Received: inputs.shape={x.shape}")
        vectors = x if self.mode == "rows" else ops.transpose(x)
        n = vectors.shape[0]
        units = ops.normalize(vectors, axis=1)
        angles = ops.absolute(ops.matmul(units, ops.transpose(units)))  # (n, C) @ (C, n) -> (n, n)
        others = ops.subtract(1.0, ops.eye(n, dtype=x.dtype))  # each pair twice, no vector with itself
        total = ops.sum(ops.multiply(angles, others))
        penalty: Tensor = ops.multiply(total, self.factor / (n * (n - 1.0)))
        return penalty

    def get_config(self) -> Config:
        return {"factor": self.factor, "mode": self.mode}


# -- by name -------------------------------------------------------------------------------------------------

l1, l2, l1_l2, orthogonal_regularizer = L1, L2, L1L2, OrthogonalRegularizer


def get(identifier: Any) -> Any:
    """The regularizer that an argument such as ``kernel_regularizer="l2"`` means.

    Args:
        identifier: a name, a configuration, a regularizer or its class, a function, or ``None``.

    Raises:
        UnknownNameError: no such name.

    >>> get("l2").get_config()
    {'l2': 0.01}
    """
    return find(MODULE, "regularizer", identifier)


def serialize(regularizer: Any) -> Any:
    """The configuration of a regularizer.

    >>> serialize(L2(0.5))["config"]
    {'l2': 0.5}
    """
    return serialize_keras_object(regularizer)


def deserialize(config: Any, custom_objects: Config | None = None) -> Any:
    """The regularizer that a configuration (or a name) describes.

    >>> deserialize({"class_name": "L1", "config": {"l1": 0.2}}).l1
    0.2
    """
    return find(MODULE, "regularizer", config, custom_objects)
