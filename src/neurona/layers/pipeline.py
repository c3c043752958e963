"""Pipeline: layers one after the other as one layer, such as a chain that varies pictures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from neurona.errors import ArgumentError
from neurona.layers.base import Layer
from neurona.registry import Config, deserialize_keras_object, export, serialize_keras_object

__all__ = ["Pipeline"]


@export("keras.layers")
class Pipeline(Layer):
    """Call each layer on what the one before it gave; no model, just a layer.

    Input and output are the first layer's input and the last one's output.

    Args:
        layers: the layers in their order.
        name: what it is called.

    Raises:
        ArgumentError: something that is no layer, or a configuration without layers.

    >>> from neurona.layers import ReLU, Rescaling
    >>> from neurona.tensor import Tensor
    >>> Pipeline([Rescaling(2.0, offset=-3.0), ReLU()])(Tensor([[1.0, 2.0]]))
    Tensor([[0., 1.]], dtype=float32)
    """

    _leaves_masks = True

    def __init__(self, layers: Sequence[Any], name: str | None = None) -> None:
        super().__init__(name=name)
        for layer in layers:
            if not isinstance(layer, Layer):
                raise ArgumentError(
                    f"Pipeline expected a list of layers. Received: {layer!r} among them. Put a function into `Lambda`."
                )
        self._pipeline_layers = layers

    @property
    def layers(self) -> Sequence[Any]:
        """The layers in their order."""
        return self._pipeline_layers

    def call(self, inputs: Any, training: bool = True) -> Any:
        for layer in self._pipeline_layers:
            inputs = layer(inputs, training=training) if layer._takes_training else layer(inputs)
        return inputs

    def get_config(self) -> Config:
        return {"layers": serialize_keras_object(list(self._pipeline_layers)), "name": self.name}

    @classmethod
    def from_config(cls, config: Config) -> Any:
        layers = config.get("layers")
        if not isinstance(layers, (list, tuple)):
            raise ArgumentError(
                "`Pipeline` config must contain a `layers` key mapping to a list of serialized layers. Received config "
                f"with layers={layers}."
            )
        return cls(**{**config, "layers": [deserialize_keras_object(layer) for layer in layers]})
