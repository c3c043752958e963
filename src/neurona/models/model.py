"""Model: a layer that can be trained, and the two ways to make one by drawing or by subclassing.

    Model(inputs, outputs)         a functional model, drawn with symbolic tensors
    class Mine(Model): ...         layers made in __init__, the computation written in `call`

`Sequential` is in its own file.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np

from neurona import ops
from neurona.errors import ArgumentError, DTypeError, NotBuiltError, ShapeError, UnknownNameError, suggestion
from neurona.layers.base import Layer, map_shapes
from neurona.layers.core import InputLayer
from neurona.layers.operation import Operation
from neurona.models.graph import Graph
from neurona.models.summary import print_summary
from neurona.names import snake_case
from neurona.registry import deserialize_keras_object, export, serialize_keras_object
from neurona.saving import archive, weights
from neurona.symbolic import KerasTensor, dtype_name, flatten, has_symbolic, map_structure
from neurona.tensor import Tensor, as_array, wrap
from neurona.training.trainer import Trainer

__all__ = ["Functional", "Model"]


@export("keras")
@export("keras.models")
class Model(Trainer, Layer):
    """A network that can be compiled, trained, judged, applied, saved.

    Args:
        inputs, outputs: symbolic tensors (nested at will), for a functional model. A subclass that writes its own
            `call` gives neither.
        name: of the model.

    >>> from neurona.layers import Dense, Input
    >>> x = Input((3,))
    >>> model = Model(x, Dense(2)(x))
    >>> model.count_params()
    8
    """

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        drawn = has_symbolic(args) or has_symbolic(kwargs)
        return super().__new__(Functional if cls is Model and drawn else cls, *args, **kwargs)

    def __init__(self, *args: Any, inputs: Any = None, outputs: Any = None, **kwargs: Any) -> None:
        if args:
            if len(args) > 2 or not has_symbolic(args):
                raise ArgumentError(
                    f"Model() takes symbolic inputs and outputs, or nothing. Received: {len(args)} positional arguments."
                )
            inputs = args[0]
            outputs = args[1] if len(args) == 2 else outputs
        super().__init__(**kwargs)
        self._start_trainer()
        self._graph: Graph | None = None
        self._about_to_call = False
        if (inputs is None) != (outputs is None):
            raise ArgumentError("A functional model needs both `inputs` and `outputs`.")
        if inputs is not None:
            self._draw(inputs, outputs)

    def _draw(self, inputs: Any, outputs: Any) -> None:
        """Take the calls between these symbols as the model's computation."""
        self._graph = Graph(inputs, outputs)
        self._drawn_layers = self._graph.layers
        self.input_names = [t.node.operation.name if t.node else t.name for t in flatten(inputs)]
        self.output_names = [t.node.operation.name for t in flatten(outputs) if t.node is not None]
        self.built = True
        shapes = map_structure(lambda t: t.shape, inputs)
        self._build_shapes = {"input_shape": shapes}

    # -- layers ---------------------------------------------------------------------------------------------

    @property
    def layers(self) -> list[Layer]:
        """Its layers, in the order of the computation."""
        if self._graph is not None:
            return list(self._graph.layers)
        return [layer for layer in self._flatten_layers(include_self=False, recursive=False)]

    def get_layer(self, name: str | None = None, index: int | None = None) -> Layer:
        """The layer of this name or at this place.

        Raises:
            UnknownNameError: there is none; the known names are told.
        """
        if (name is None) == (index is None):
            raise ArgumentError(f"Provide either a layer name or a layer index. Received: name={name}, index={index}.")
        layers = self.layers
        if index is not None:
            if index >= len(layers):
                raise ArgumentError(
                    f"Was asked to retrieve layer at index {index} but model only has {len(layers)} layers."
                )
            return layers[index]
        for layer in layers:
            if layer.name == name:
                return layer
        names = [layer.name for layer in layers]
        raise UnknownNameError(f"No such layer: {name}.{suggestion(name, names)} Existing layers are: {names}.")

    @property
    def inputs(self) -> list[KerasTensor]:
        return flatten(self._symbols().inputs)

    @property
    def outputs(self) -> list[KerasTensor]:
        return flatten(self._symbols().outputs)

    @property
    def input(self) -> Any:
        return self._symbols().inputs

    @property
    def output(self) -> Any:
        return self._symbols().outputs

    @property
    def input_shape(self) -> Any:
        return map_structure(lambda t: t.shape, self.input)

    @property
    def output_shape(self) -> Any:
        return map_structure(lambda t: t.shape, self.output)

    def _symbols(self) -> Graph:
        if self._graph is None:
            raise NotBuiltError(
                f"The model '{self.name}' has no symbolic input or output: it was not drawn. "
                "Make it with Model(inputs, outputs), or give a Sequential model an Input."
            )
        return self._graph

    # -- building -------------------------------------------------------------------------------------------

    def build(self, input_shape: Any = None) -> None:
        """Make the weights for inputs of this shape; a model with a `call` of its own is tried on symbols for it."""
        if self._graph is None and input_shape is not None and not self._about_to_call:
            self._infer(map_shapes(lambda shape: KerasTensor(shape, self.compute_dtype), input_shape))

    def _build_for(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self._about_to_call = True  # the call that comes makes the layers' weights
        try:
            super()._build_for(args, kwargs)
        finally:
            self._about_to_call = False

    # -- computing ------------------------------------------------------------------------------------------

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        """The outputs for some inputs: the drawn computation, or the subclass's own."""
        if self._graph is None:
            raise NotImplementedError(f"Model {type(self).__name__} does not have a `call()` method implemented.")
        return self._graph.run(self._feed(inputs, mask))

    def _feed(self, inputs: Any, mask: Any = None) -> dict[int, Any]:
        """The input tensors by the ids of the symbols they stand for, checked and brought to their rank."""
        graph = self._symbols()
        symbols = flatten(graph.inputs)
        if isinstance(inputs, dict) and not isinstance(graph.inputs, dict):
            missing = [name for name in self.input_names if name not in inputs]
            if missing:
                raise ArgumentError(
                    f"The model '{self.name}' expects inputs named {self.input_names}; {missing} missing. "
                    f"Received: {sorted(inputs)}."
                )
            tensors = [inputs[name] for name in self.input_names]
        elif isinstance(graph.inputs, dict) and isinstance(inputs, dict):
            missing = sorted(set(graph.inputs) - set(inputs))
            if missing:
                raise ArgumentError(f"Missing data for input {missing}. Received: {sorted(inputs)}.")
            tensors = [inputs[key] for key in sorted(graph.inputs)]
        else:
            tensors = flatten(inputs)
        if len(tensors) != len(symbols):
            raise ArgumentError(
                f"The model '{self.name}' expects {len(symbols)} input(s) ({self.input_names}), but it received "
                f"{len(tensors)}."
            )
        fed = {}
        masks = [None] * len(symbols) if mask is None else flatten(mask)
        for symbol, tensor, own in zip(symbols, tensors, masks, strict=True):
            fed[id(symbol)] = self._fit_rank(symbol, tensor)
            if own is not None:
                fed[id(symbol)]._keras_mask = ops.convert_to_tensor(own)
        return fed

    def _fit_rank(self, symbol: KerasTensor, tensor: Any) -> Any:
        if not isinstance(tensor, (Tensor, KerasTensor)):
            tensor = wrap(as_array(tensor))
        expected, shape = symbol.shape, tensor.shape
        kept = tensor._keras_mask
        if len(shape) == len(expected) - 1 and expected[-1] == 1:
            tensor = ops.expand_dims(tensor, -1)
        elif len(shape) == len(expected) + 1 and shape[-1] == 1:
            tensor = ops.squeeze(tensor, -1)
        fits = len(tensor.shape) == len(expected) and all(
            want is None or got is None or want == got for want, got in zip(expected, tensor.shape, strict=True)
        )
        if not fits:
            raise ShapeError(
                f"The input '{symbol.name}' of model '{self.name}' expected shape {expected}, received shape {shape}. "
                "None stands for any length; the first axis is the batch."
            )
        if isinstance(tensor, Tensor) and dtype_name(tensor.data.dtype) != symbol.dtype:
            if "string" in (symbol.dtype, dtype_name(tensor.data.dtype)):
                raise DTypeError(
                    f"The input '{symbol.name}' of model '{self.name}' expected {symbol.dtype}, received "
                    f'{dtype_name(tensor.data.dtype)}. Texts need an Input(dtype="string") and a layer that looks them '
                    "up, such as TextVectorization or StringLookup."
                )
            tensor = ops.cast(tensor, symbol.dtype)
        if kept is not None:
            tensor._keras_mask = kept
        return tensor

    def _convert(self, leaf: Any) -> Any:
        """A drawn model's inputs keep their own types, which `_fit_rank` sees to."""
        return wrap(as_array(leaf)) if isinstance(leaf, np.ndarray) else super()._convert(leaf)

    def compute_output_spec(self, *args: Any, **kwargs: Any) -> Any:
        if self._graph is None or len(args) != 1 or set(kwargs) - {"training", "mask"}:
            return super().compute_output_spec(*args, **kwargs)
        shapes = self.compute_output_shape(map_structure(lambda t: t.shape, args[0]))
        outputs = flatten(self._graph.outputs)
        found = iter(
            KerasTensor(shape, symbol.dtype)
            for shape, symbol in zip(_shapes(shapes, len(outputs)), outputs, strict=True)
        )
        return map_structure(lambda _: next(found), self._graph.outputs)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The outputs' shapes; a drawn model knows them, with the batch as given."""
        if self._graph is None:
            return super().compute_output_shape(input_shape)
        batch = input_shape[0] if input_shape and (input_shape[0] is None or isinstance(input_shape[0], int)) else None
        return map_structure(
            lambda t: (batch, *t.shape[1:]) if t.shape and t.shape[0] is None else t.shape, self._graph.outputs
        )

    # -- looking --------------------------------------------------------------------------------------------

    def summary(
        self,
        line_length: int | None = None,
        positions: Any = None,
        print_fn: Callable[..., Any] | None = None,
        expand_nested: bool = False,
        show_trainable: bool = False,
        layer_range: Any = None,
    ) -> None:
        """Print its layers with their output shapes and numbers of weights.

        Args:
            line_length: the width of the table.
            positions: accepted for Keras's sake.
            print_fn: called with the text instead of printing it.
            expand_nested: whether layers within layers are shown.
            show_trainable: whether to show which layers train.
            layer_range: names of the first and the last layer to show.
        """
        print_summary(self, line_length, print_fn, expand_nested, show_trainable, layer_range)

    # -- describing and storing -----------------------------------------------------------------------------

    def save(self, filepath: Any, overwrite: bool = True, zipped: bool | None = None, **kwargs: Any) -> None:
        """Write the whole model (layers, weights, compilation, optimizer state) to a ``.keras`` file."""
        archive.save_model(self, filepath, overwrite, zipped, **kwargs)

    def save_weights(self, filepath: Any, overwrite: bool = True, max_shard_size: Any = None) -> None:
        """Write the weights alone to a ``.weights.h5`` file."""
        weights.save_weights(self, filepath, overwrite=overwrite)

    def load_weights(self, filepath: Any, skip_mismatch: bool = False, **kwargs: Any) -> None:
        """Take the weights from a ``.weights.h5`` or ``.keras`` file."""
        weights.load_weights(self, filepath, skip_mismatch=skip_mismatch)

    def to_json(self, **kwargs: Any) -> str:
        """Its description, without weights."""
        return json.dumps(serialize_keras_object(self), **kwargs)

    def build_from_config(self, config: dict[str, Any]) -> None:
        if not self.built:
            super().build_from_config(config)

    def get_build_config(self) -> dict[str, Any] | None:
        return self._build_shapes

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: dict[str, Any] | None = None) -> Any:
        """The model that `get_config` described."""
        if {"layers", "input_layers", "output_layers"} <= set(config):
            return _draw_from_config(cls, config, custom_objects)
        return cls(**config)


@export("keras.src.models.functional")  # the outer one is what files name; Keras has no public name for this class
@export("keras.models")
class Functional(Model):
    """A model drawn with symbolic tensors; `Model(inputs, outputs)` makes one."""

    _leaves_masks = True

    def get_config(self) -> dict[str, Any]:
        graph = self._symbols()
        used = {id(node) for node in graph.nodes}
        places: dict[int, list[Any]] = {}  # symbol -> [layer's name, which of its calls, which output]
        described = []
        for layer in graph.layers:
            nodes = [n for n in layer._nodes if id(n) in used or isinstance(layer, InputLayer)]
            for i, node in enumerate(nodes):
                for tensor in flatten(node.outputs):
                    places[id(tensor)] = [layer.name, i, tensor.index]
        for layer in graph.layers:
            entry = _operation_config(layer)
            entry["name"] = layer.name
            entry["inbound_nodes"] = [
                {"args": _with_places(list(n.args), places), "kwargs": _with_places(n.kwargs, places)}
                for n in layer._nodes
                if id(n) in used and not isinstance(layer, InputLayer)
            ]
            described.append(entry)

        def place(structure: Any) -> Any:
            return map_structure(lambda t: tuple(places[id(t)]), structure)

        return {
            "name": self.name,
            "trainable": self.trainable,
            "layers": described,
            "input_layers": place(graph.inputs),
            "output_layers": place(graph.outputs),
        }


def _operation_config(layer: Layer) -> dict[str, Any]:
    described: dict[str, Any] = serialize_keras_object(layer)
    return described


def _with_places(structure: Any, places: dict[int, list[Any]]) -> Any:
    """Arguments of a call with every symbol named by the layer that makes it, in Keras's format."""
    if isinstance(structure, KerasTensor):
        return {
            "class_name": "__keras_tensor__",
            "config": {
                "shape": list(structure.shape), "dtype": structure.dtype, "keras_history": places[id(structure)],
            },
        }  # fmt: skip
    if isinstance(structure, list):
        return [_with_places(item, places) for item in structure]
    if isinstance(structure, tuple):
        return {"class_name": "__tuple__", "items": [_with_places(item, places) for item in structure]}
    if isinstance(structure, dict):
        return {key: _with_places(value, places) for key, value in structure.items()}
    return serialize_keras_object(structure)


def _draw_from_config(cls: type, config: dict[str, Any], custom_objects: dict[str, Any] | None) -> Any:
    """Make the layers, then repeat the calls as soon as what they need has been made."""
    layers: dict[str, Callable[..., Any]] = {}
    waiting: list[tuple[str, int, dict[str, Any]]] = []
    made: dict[tuple[str, int, int], KerasTensor] = {}
    settings: dict[str, dict[str, Any]] = {}  # of ops, which Keras keeps apart from their calls
    for entry in config["layers"]:
        if str(entry.get("module")).startswith("keras.src.ops."):
            settings[entry["name"]] = {k: v for k, v in entry["config"].items() if k != "name"}
            described = {"name": entry["name"], "operation": snake_case(entry["class_name"])}
            # a symbol is a tensor already: at most its type changes, and an op of ours does that
            plain = entry["class_name"] == "ConvertToTensor"
            layer: Any = ops.convert_to_tensor if plain else Operation.from_config(described)
        else:
            layer = deserialize_keras_object(
                {k: v for k, v in entry.items() if k not in ("name", "inbound_nodes")}, custom_objects
            )
        layers[entry["name"]] = layer
        if isinstance(layer, InputLayer):
            made[(entry["name"], 0, 0)] = layer.output
        waiting += [(entry["name"], i, node) for i, node in enumerate(entry["inbound_nodes"])]

    def symbol(place: Any) -> KerasTensor:
        return made[(place[0], int(place[1]), int(place[2]))]

    def revive(value: Any) -> Any:
        if isinstance(value, dict) and value.get("class_name") == "__keras_tensor__":
            return symbol(value["config"]["keras_history"])
        if isinstance(value, dict) and value.get("class_name") == "__tuple__":
            return tuple(revive(item) for item in value["items"])
        if isinstance(value, list):
            return [revive(item) for item in value]
        if isinstance(value, dict) and "class_name" not in value:
            return {key: revive(item) for key, item in value.items()}
        return deserialize_keras_object(value, custom_objects)

    while waiting:
        left = []
        for name, i, node in waiting:
            try:
                args, kwargs = revive(node["args"]), {**settings.get(name, {}), **revive(node["kwargs"])}
            except KeyError:
                left.append((name, i, node))  # something it needs is not made yet
                continue
            outputs = layers[name](*args, **kwargs)
            for k, tensor in enumerate(flatten(outputs)):
                made[(name, i, k)] = tensor
        if len(left) == len(waiting):
            raise ArgumentError(
                f"The configuration's calls need tensors that nothing makes: {sorted({n for n, *_ in left})}."
            )
        waiting = left

    def places(structure: Any) -> Any:
        if isinstance(structure, dict):
            return {key: places(value) for key, value in structure.items()}
        if len(structure) == 3 and isinstance(structure[0], str):
            return symbol(structure)
        return [places(item) for item in structure]

    model = cls(places(config["input_layers"]), places(config["output_layers"]), name=config.get("name"))
    if config.get("trainable") is False:
        model.trainable = False
    return model


def _shapes(shapes: Any, count: int) -> list[Any]:
    """The shapes in a nested structure of `count` of them."""
    if count == 1 and (not shapes or shapes[0] is None or isinstance(shapes[0], int)):
        return [shapes]
    if isinstance(shapes, dict):
        return [shapes[key] for key in sorted(shapes)]
    return [s for part in shapes for s in (_shapes(part, 1) if part is not None else [part])]
