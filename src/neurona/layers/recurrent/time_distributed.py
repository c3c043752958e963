"""TimeDistributed: the same layer at every step in time."""

from __future__ import annotations

from typing import Any

from neurona import ops
from neurona.errors import ShapeError
from neurona.layers import (
    activations,
    convolution,
    depthwise,
    global_pooling,
    pooling,
    reshaping,
    separable,
    transposed,
)
from neurona.layers.base import Layer
from neurona.layers.core import Activation, Dense
from neurona.layers.recurrent.wrapper import Wrapper
from neurona.registry import export
from neurona.symbolic import Shape
from neurona.tensor import Tensor

__all__ = ["TimeDistributed"]

# Layers that treat every sample by itself, whatever else is in the batch: all steps can be one batch.
_ONE_BY_ONE: frozenset[type[Layer]] = frozenset(
    {Activation, Dense}
    | {
        getattr(module, name)
        for module in (
            activations, convolution, depthwise, global_pooling, pooling, reshaping, separable, transposed,
        )
        for name in module.__all__
        if isinstance(getattr(module, name), type)
    }
)  # fmt: skip


@export("keras.layers")
class TimeDistributed(Wrapper):
    """Apply a layer to every step: y[:, t] = layer(x[:, t]), with the same weights.

    Input ``(N, T, ...)``, output ``(N, T, ...)``. The layer is called step by step, so that a layer that looks at the whole
    batch (BatchNormalization) sees that of a step; layers that treat every sample by itself do all steps at once.

    Args:
        layer: the layer to apply.

    Call arguments:
        inputs: shape (N, T, ...).
        training: handed to the layer.
        mask: shape (N, T, ...); the step's part of it is handed to a layer that takes a mask.

    Raises:
        ArgumentError: `layer` is no layer.
        ShapeError: an input of fewer than three axes; a mask of another shape.

    >>> TimeDistributed(Dense(4))(ops.ones((2, 5, 3))).shape
    (2, 5, 4)
    """

    def __init__(self, layer: Layer, **kwargs: Any) -> None:
        super().__init__(layer, **kwargs)
        self.supports_masking = True

    def build(self, input_shape: Any = None) -> None:
        super().build(_of_a_step(input_shape))

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        batch, *rest = self.layer.compute_output_shape(_of_a_step(input_shape))
        return (batch, input_shape[1], *rest)

    def call(self, inputs: Tensor, training: bool | None = None, mask: Tensor | None = None) -> Tensor:
        if mask is not None and mask.shape[:2] != inputs.shape[:2]:
            raise ShapeError(
                "The `mask` passed to the `TimeDistributed` layer must begin with the batch and the steps of the input, "
                f"{inputs.shape[:2]}. Received: a mask of shape {mask.shape}."
            )
        parameters = self.layer._call_parameters
        more = {"training": training} if "training" in parameters else {}
        masked = mask is not None and "mask" in parameters
        steps = inputs.shape[1]
        if steps == 0:
            return ops.zeros(self.compute_output_shape(inputs.shape), dtype=self.compute_dtype)  # type: ignore[no-any-return]
        if type(self.layer) in _ONE_BY_ONE and not masked:
            y = self.layer.call(ops.reshape(inputs, (inputs.shape[0] * steps, *inputs.shape[2:])), **more)
            return self._typed(ops.reshape(y, (inputs.shape[0], steps, *y.shape[1:])))
        masks = ops.unstack(mask, axis=1) if masked else None
        outputs = []
        for t, x in enumerate(ops.unstack(inputs, axis=1)):
            outputs.append(self.layer.call(x, **more, **({} if masks is None else {"mask": masks[t]})))
        return self._typed(ops.stack(outputs, axis=1))

    def _typed(self, y: Tensor) -> Tensor:
        """The result in the wrapper's own type, whatever the layer within computes in."""
        if y.dtype.kind != "f" or y.dtype == self.compute_dtype:
            return y
        cast: Tensor = ops.cast(y, self.compute_dtype)
        return cast


def _of_a_step(shape: Any) -> Shape:
    """The shape of one step of an input."""
    if not isinstance(shape, (tuple, list)) or len(shape) < 3:
        raise ShapeError(
            f"`TimeDistributed` needs an input of at least 3 axes, (batch, time, ...). Received: shape {shape}. "
            "Without an axis of time, call the layer itself."
        )
    return (shape[0], *shape[2:])
