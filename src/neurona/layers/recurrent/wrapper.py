"""Wrapper: a layer that does something with another layer."""

from __future__ import annotations

from typing import Any

from neurona.errors import ArgumentError
from neurona.layers.base import Layer
from neurona.registry import deserialize_keras_object, export, serialize_keras_object

__all__ = ["Wrapper", "layer_from"]


@export("keras.layers")
class Wrapper(Layer):
    """The base of layers that carry another layer within them; `TimeDistributed` is one. Not to be used by itself.

    Args:
        layer: the layer to wrap.

    Raises:
        ArgumentError: `layer` is no layer.
    """

    def __init__(self, layer: Layer, **kwargs: Any) -> None:
        if not isinstance(layer, Layer):
            raise ArgumentError(
                f"Layer {layer!r} supplied to {type(self).__name__} isn't a supported layer type. Please ensure "
                f"wrapped layer is a valid Keras layer. Received: {type(layer).__name__}."
            )
        super().__init__(**kwargs)
        self.layer = layer

    def build(self, input_shape: Any = None) -> None:
        if not self.layer.built:
            self.layer.build(input_shape)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "layer": serialize_keras_object(self.layer)}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: dict[str, Any] | None = None) -> Any:
        rest = dict(config)
        return cls(layer_from(rest.pop("layer"), custom_objects), **rest)


def layer_from(config: Any, custom_objects: dict[str, Any] | None = None) -> Any:
    """The layer of a configuration within another layer's, still without weights: it is built with the outer one, whose
    name its weights' paths begin with."""
    if not isinstance(config, dict):
        return config
    unbuilt = {key: value for key, value in config.items() if key != "build_config"}
    return deserialize_keras_object(unbuilt, custom_objects)
