"""What follows the sums of a convolution: bias and activation, in the op's own epilogue where it knows them.

Four activations ride in the compiled product, so that its result is written to memory once. Any other is applied behind it,
in the layer's data format: "softmax" works along the last axis, whatever that holds.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from neurona import ops
from neurona.errors import ArgumentError
from neurona.layers.window import Window
from neurona.ops import fused
from neurona.parts import activations
from neurona.tensor import Tensor

__all__ = ["finish", "in_epilogue", "require_positive"]

_FUSED = {activations.get(name): name for name in fused.FUSED_ACTIVATIONS}


def in_epilogue(activation: Any) -> tuple[str, Any]:
    """The activation that the op shall compute, and the one that is left to `finish`.

    >>> in_epilogue(activations.relu)
    ('relu', None)
    >>> in_epilogue(activations.softmax) == ("linear", activations.softmax)
    True
    """
    name = _FUSED.get(activation)
    return ("linear", activation) if name is None else (name, None)


def finish(y: Tensor, window: Window, activation: Any, dtype: str) -> Tensor:
    """What the op left to do: the data format, an activation, the layer's type.

    Args:
        y: shape (N, *space, C).
        window: knows the data format.
        activation: what is still to be applied, or None.
        dtype: of the result; in mixed precision the weights are wider than that.
    """
    y = window.restored(y)
    if activation is not None:
        y = activation(y)
    return y if y.dtype == dtype else ops.cast(y, dtype)


def require_positive(name: str, value: Any) -> None:
    """Raise an `ArgumentError` unless `value` is a positive number."""
    if not isinstance(value, (int, np.integer)) or value <= 0:
        raise ArgumentError(
            f"Invalid value for argument `{name}`. Expected a strictly positive value. Received {name}={value}."
        )
