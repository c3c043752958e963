"""Masking: leave out the steps in time that hold nothing."""

from __future__ import annotations

from typing import Any

from neurona import ops
from neurona.layers.base import Layer
from neurona.registry import deserialize_keras_object, export
from neurona.symbolic import Shape
from neurona.tensor import Tensor

__all__ = ["Masking"]


@export("keras.layers")
class Masking(Layer):
    """Mask every step whose numbers all equal `mask_value`: the layers that follow leave it out.

    Input and output ``(N, T, ...)``; the numbers of a masked step become 0. The mask is ``(N, T)`` for an input of three
    axes, False where a step is left out.

    Args:
        mask_value: the number that stands for nothing.

    >>> y = Masking()(Tensor([[[1.0, 2.0], [0.0, 0.0], [0.0, 3.0]]]))
    >>> y._keras_mask
    Tensor([[ True, False,  True]], dtype=bool)
    """

    def __init__(self, mask_value: Any = 0.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if isinstance(mask_value, dict) and mask_value.get("config"):
            mask_value = deserialize_keras_object(mask_value)
        self.mask_value = mask_value
        self.supports_masking = True
        self.built = True

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        return ops.any(ops.not_equal(inputs, self.mask_value), axis=-1)

    def call(self, inputs: Tensor) -> Tensor:
        holds = ops.any(ops.not_equal(inputs, self.mask_value), axis=-1, keepdims=True)
        kept: Tensor = ops.where(holds, inputs, 0.0)
        return kept

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "mask_value": self.mask_value}
