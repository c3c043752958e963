"""Sequential: layers one after the other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from neurona.errors import ArgumentError
from neurona.layers.base import Layer, is_shape, shape_of
from neurona.layers.core import InputLayer
from neurona.models.graph import Graph
from neurona.models.model import Functional, Model
from neurona.registry import deserialize_keras_object, export, serialize_keras_object
from neurona.symbolic import KerasTensor, Shape, map_structure
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
    _layers: list[Layer] = []  # noqa: RUF012  # its own list, the Input's layer too

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
            raise ArgumentError(
                f"Only instances of `neurona.Layer` can be added to a Sequential model. Received: {layer!r} (of type "
                f"{type(layer).__name__})."
            )
        if isinstance(layer, InputLayer):
            if self._layers:
                raise ArgumentError(
                    f"Sequential model '{self.name}' has already been configured to use input shape "
                    f"{getattr(self._layers[0], 'batch_shape', None)}, or begins with another layer. You cannot add a "
                    "different Input layer to it."
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
        if len(self._layers) > 1:
            first = self._layers[0]
            if isinstance(first, InputLayer):
                self.build(first.batch_shape)
            elif isinstance(first, Model) and first._graph is not None:
                self.build(first.input_shape)

    def build(self, input_shape: Any = None) -> None:
        if not is_shape(input_shape):  # several inputs, or unknown ones: the layers are called one by one
            return
        if not self._layers:
            raise ArgumentError(
                f"Sequential model '{self.name}' cannot be built because it has no layers. Add some first."
            )
        if not isinstance(self._layers[0], InputLayer):
            entry = InputLayer(batch_shape=tuple(input_shape), dtype=self._layers[0].compute_dtype)
        else:
            entry = self._layers[0]
            if entry.batch_shape != tuple(input_shape):
                raise ArgumentError(
                    f"Sequential model '{self.name}' has already been configured to use input shape {entry.batch_shape}. "
                    f"You cannot build it with another. Received: input_shape={input_shape}."
                )
        symbol = entry.output
        for layer in self.layers:
            _check_call(layer)
            try:
                symbol = layer(symbol)
            except NotImplementedError:  # a layer that cannot tell its output's shape
                return
        self._graph = Graph(entry.output, symbol)
        if self._layers[0] is not entry:
            self._layers.insert(0, entry)
        self.input_names = [entry.name]
        self.output_names = [self._layers[-1].name]

    def _build_for(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """Build for data that is about to be computed with; its number of samples matters to stateful layers alone."""
        shape = map_structure(shape_of, args[0] if args else kwargs["inputs"])
        if is_shape(shape) and not any(getattr(layer, "stateful", False) for layer in self.layers):
            shape = (None, *shape[1:])
        self.build(shape)

    @property
    def _functional(self) -> Functional | None:
        return None if self._graph is None else Functional(self._graph.inputs, self._graph.outputs, name=self.name)

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


def _check_call(layer: Layer) -> None:
    """Raise where a layer cannot be called with its input alone."""
    needed = [
        name
        for name, p in layer._call_parameters.items()
        if p.default is p.empty and p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)
    ]
    if len(needed) > 1:
        raise ArgumentError(
            "Layers added to a Sequential model can only have a single required positional argument, the input tensor. "
            f"Received: {type(layer).__name__}.call() with the arguments {needed}."
        )
