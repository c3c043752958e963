"""Sequential: layers one after the other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from neurona.errors import ArgumentError, DTypeError
from neurona.layers.base import Layer
from neurona.layers.core import InputLayer
from neurona.models.graph import Graph
from neurona.models.model import Model
from neurona.registry import deserialize_keras_object, export, serialize_keras_object
from neurona.symbolic import KerasTensor, Shape
from neurona.tensor import Tensor

__all__ = ["Sequential"]


@export("keras")
@export("keras.models")
class Sequential(Model):
    """A stack of layers, each fed with what the one before gives.

    Args:
        layers: the layers, an `Input` first if the shape is known; they may also be added later.
        trainable: whether training may change them.
        name: of the model.

    >>> from neurona.layers import Dense, Input
    >>> model = Sequential([Input((784,)), Dense(128, activation="relu"), Dense(10)])
    >>> model.count_params()
    101770
    """

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        return Layer.__new__(cls, *args, **kwargs)

    _leaves_masks = True

    def __init__(self, layers: Sequence[Any] | None = None, trainable: bool = True, name: str | None = None) -> None:
        super().__init__(trainable=trainable, name=name)
        self._layers: list[Layer] = []
        for layer in layers or ():
            self.add(layer, rebuild=False)
        self._rebuild()

    def add(self, layer: Any, rebuild: bool = True) -> None:
        """Put a layer (or an `Input`) on top."""
        if isinstance(layer, KerasTensor):
            if layer.node is None or not isinstance(layer.node.operation, InputLayer):
                raise ArgumentError(f"Only an Input() may be given as a symbolic tensor. Received: {layer!r}.")
            layer = layer.node.operation
        if not isinstance(layer, Layer):
            raise DTypeError(
                f"Only instances of `neurona.Layer` can be added to a Sequential model. Received: {layer!r}."
            )
        if isinstance(layer, InputLayer):
            if self._layers:
                raise ArgumentError(
                    f"Sequential model '{self.name}' has already been configured to begin with "
                    f"'{self._layers[0].name}'. You cannot add a different Input layer to it."
                )
        elif any(other.name == layer.name for other in self._layers):
            raise ArgumentError(
                f"All layers added to a Sequential model should have unique names. Name '{layer.name}' is already the "
                "name of a layer in this model."
            )
        if not self._layers and layer._input_shape_argument is not None:
            self._layers.append(InputLayer(layer._input_shape_argument))
        self._layers.append(layer)
        if rebuild:
            self._rebuild()

    def pop(self, rebuild: bool = True) -> Layer:
        """Take the top layer off."""
        if not self._layers:
            raise ArgumentError("There are no layers in the model.")
        layer = self._layers.pop()
        if rebuild:
            self._rebuild()
        return layer

    def _rebuild(self) -> None:
        """Draw the stack anew when its input's shape is known."""
        self.built, self._graph = False, None
        self._plans.clear()
        if self._layers and isinstance(self._layers[0], InputLayer) and len(self._layers) > 1:
            self.build(self._layers[0].batch_shape)

    def build(self, input_shape: Shape | None = None) -> None:
        if input_shape is None or not self._layers:
            return
        if not isinstance(self._layers[0], InputLayer):
            entry = InputLayer(batch_shape=tuple(input_shape), dtype=self._layers[0].compute_dtype)
        else:
            entry = self._layers[0]
        symbol = entry.output
        for layer in self.layers:
            symbol = layer(symbol)
        self._graph = Graph(entry.output, symbol)
        if self._layers[0] is not entry:
            self._layers.insert(0, entry)
        self.input_names = [entry.name]
        self.output_names = [self._layers[-1].name]

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        if self._graph is not None and isinstance(inputs, Tensor):
            x = next(iter(self._feed(inputs, mask).values()))
        else:
            x = inputs
        for layer in self.layers:
            x = layer(x)
        return x

    @property
    def layers(self) -> list[Layer]:
        """Its layers, without the Input."""
        own = self._layers
        return own[1:] if own and isinstance(own[0], InputLayer) else list(own)

    def compute_output_shape(self, input_shape: Shape) -> Any:
        shape: Any = input_shape
        for layer in self.layers:
            shape = layer.compute_output_shape(shape)
        return shape

    def get_config(self) -> dict[str, Any]:
        config: dict[str, Any] = {
            "name": self.name,
            "trainable": self.trainable,
            "dtype": serialize_keras_object(self.dtype_policy),
            "layers": [serialize_keras_object(layer) for layer in self._layers],
        }
        if self._build_shapes is not None:
            config["build_input_shape"] = self._build_shapes["input_shape"]
        return config

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: dict[str, Any] | None = None) -> Any:
        model = cls(name=config.get("name"))
        for layer in config["layers"]:
            model.add(deserialize_keras_object(layer, custom_objects), rebuild=False)
        model._rebuild()
        if not model.built and config.get("build_input_shape") and model._layers:
            model.build(tuple(config["build_input_shape"]))
        if config.get("trainable") is False:
            model.trainable = False
        return model
