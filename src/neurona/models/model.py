"""Model: a layer that can be trained, and the two ways to make one by drawing or by subclassing.

    Model(inputs, outputs)         a functional model, drawn with symbolic tensors
    class Mine(Model): ...         layers made in __init__, the computation written in `call`

`Sequential` is in its own file.
"""

from __future__ import annotations

import functools
import json
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from neurona import ops
from neurona.errors import ArgumentError, DTypeError, NotBuiltError, ShapeError, UnknownNameError, suggestion
from neurona.export import export_model
from neurona.layers import keras_operations
from neurona.layers.base import Layer, is_shape, map_shapes
from neurona.layers.core import InputLayer
from neurona.layers.keras_operations import KerasOperation
from neurona.layers.operation import Operation
from neurona.models.graph import Graph
from neurona.models.state_tree import state_of, take_state
from neurona.models.summary import print_summary
from neurona.registry import deserialize_keras_object, export, serialize_keras_object
from neurona.saving import archive, weights
from neurona.symbolic import KerasTensor, Node, dtype_name, flatten, has_symbolic, map_structure
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
            if not self._trainable:
                self.trainable = False  # its layers too

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
            return [layer for layer in self._graph.layers if not isinstance(layer, Operation)]
        return [layer for layer in self._flatten_layers(include_self=False, recursive=False)]

    @property
    def operations(self) -> list[Layer]:
        """Its layers and, in a drawn model, the ops between them."""
        return self.layers if self._graph is None else list(self._graph.layers)

    _operations = operations  # as Keras's own code calls it

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
        return self._graph.run(self._feed(inputs, mask), training)

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
                f"Model '{self.name}' expected {len(symbols)} input(s) ({self.input_names}). Received {len(tensors)} "
                "instead."
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
            want is None or got is None or want == got for want, got in zip(expected[1:], tensor.shape[1:], strict=True)
        )
        if not fits:
            raise ShapeError(
                f"Input '{symbol.name}' of model '{self.name}' is incompatible with it: expected "
                f"shape={(None, *expected[1:])}, found shape={shape}. None stands for any length; the first axis is the "
                "batch."
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
        batch = input_shape[0] if input_shape and is_shape(input_shape) else None
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

    def save_weights(
        self, filepath: Any, overwrite: bool = True, max_shard_size: float | None = None, objects_to_skip: Any = ()
    ) -> None:
        """Write the weights alone to a ``.weights.h5`` file, or to several; see `saving.save_weights`."""
        weights.save_weights(self, filepath, overwrite, max_shard_size, objects_to_skip)

    def load_weights(
        self, filepath: Any, skip_mismatch: bool = False, objects_to_skip: Any = None, by_name: bool | None = None
    ) -> None:
        """Take the weights from a ``.weights.h5`` or ``.keras`` file; see `saving.load_weights`."""
        weights.load_weights(self, filepath, skip_mismatch, objects_to_skip, by_name)

    def export(
        self,
        filepath: Any,
        format: str = "onnx",
        verbose: bool | None = None,
        input_signature: Any = None,
        **kwargs: Any,
    ) -> None:
        """Write what it computes at rest to a file that other programs run; see `neurona.export.export_model`."""
        export_model(self, filepath, format, verbose, input_signature, **kwargs)

    def __reduce__(self) -> Any:
        """It is copied and pickled as its ``.keras`` file: layers, weights, compilation, optimizer state."""
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "model.keras"
            archive.save_model(self, path)
            return _from_archive, (path.read_bytes(),)

    def get_state_tree(self, value_format: str = "backend_tensor") -> dict[str, Any]:
        """All its values as nested dicts, by kind and path; see `neurona.models.state_tree`."""
        return state_of(self._kinds(), value_format)

    def set_state_tree(self, state_tree: dict[str, Any]) -> None:
        """Take the values of a `get_state_tree`."""
        take_state(self._kinds(), state_tree)

    def _kinds(self) -> dict[str, Any]:
        return {
            "trainable_variables": self.trainable_variables,
            "non_trainable_variables": self.non_trainable_variables,
            "optimizer_variables": [] if self.optimizer is None else self.optimizer.variables,
            "metrics_variables": self.metrics_variables,
        }

    def to_json(self, **kwargs: Any) -> str:
        """Its description, without weights."""
        return json.dumps(serialize_keras_object(self), **kwargs)

    def build_from_config(self, config: dict[str, Any]) -> None:
        if not self.built:
            super().build_from_config(config)

    def get_build_config(self) -> dict[str, Any] | None:
        return self._build_shapes

    def get_config(self) -> dict[str, Any]:
        """The settings from which `from_config` makes a model like it; its layers and their calls where it was drawn."""
        if (
            self._graph is not None and type(self).__init__ is Model.__init__
        ):  # a subclass made as Model(inputs, outputs) is
            return Functional.get_config(self)  # type: ignore[arg-type]
        return super().get_config()

    @classmethod
    def _describes_itself(cls) -> bool:
        return cls.get_config is not Model.get_config

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
        names = _names_in_files(graph)
        for layer in graph.layers:
            nodes = [n for n in layer._nodes if id(n) in used or isinstance(layer, InputLayer)]
            for i, node in enumerate(nodes):
                for tensor in flatten(node.outputs):
                    places[id(tensor)] = [names[id(layer)], i, tensor.index]
        for layer in graph.layers:
            nodes = [] if isinstance(layer, InputLayer) else [n for n in layer._nodes if id(n) in used]
            entry, calls = _describe_calls(layer, nodes)
            entry["name"] = names[id(layer)]
            if isinstance(layer, Operation):
                entry["config"]["name"] = entry["name"]
            entry["inbound_nodes"] = [
                {"args": _with_places(args, places), "kwargs": _with_places(kwargs, places)} for args, kwargs in calls
            ]
            described.append(entry)

        def place(tensor: KerasTensor) -> tuple[Any, ...]:
            name, call, output = places[id(tensor)]
            return name, call + _calls_before(tensor.node.operation if tensor.node else None), output

        return {
            "name": self.name,
            "trainable": self.trainable,
            "layers": described,
            "input_layers": map_structure(place, graph.inputs),
            "output_layers": map_structure(place, graph.outputs),
        }


def _names_in_files(graph: Graph) -> dict[int, str]:
    """The names of layers and ops, by their ids.

    When Keras reads a model with masks it draws ops of its own for them, under their usual names, and refuses a model that
    has one of these names twice. So the ops of such a model get names that no op has by itself.
    """
    masked = any(tensor._keras_mask is not None for node in graph.nodes for tensor in flatten(node.outputs))
    ends = {id(tensor.node.operation) for tensor in flatten(graph.outputs) if tensor.node is not None}

    def name(layer: Layer) -> str:
        renamed = masked and isinstance(layer, Operation) and id(layer) not in ends
        return f"{layer.name.removesuffix('_op')}_op" if renamed else layer.name

    return {id(layer): name(layer) for layer in graph.layers}


def _calls_before(layer: Any) -> int:
    """How many calls of a layer Keras counts before the first: a drawn model's own drawing is one, where a model names
    its outputs (not where a call names its arguments)."""
    return int(isinstance(layer, Model) and layer._graph is not None and type(layer).call is Model.call)


def _describe_calls(layer: Layer, nodes: list[Node]) -> tuple[dict[str, Any], list[tuple[list[Any], dict[str, Any]]]]:
    """A layer's description, and positional and named arguments of each of its calls."""
    if isinstance(layer, Operation):
        told = [keras_operations.describe(layer.operation, node.args, node.kwargs) for node in nodes]
        if len(told) == 1 and told[0] is not None:
            entry, args = told[0]
            config = {"name": layer.name, **entry["config"]}
            return {**entry, "config": config, "registered_name": entry["class_name"]}, [(args, {})]
    described: dict[str, Any] = serialize_keras_object(layer)
    return described, [(list(node.args), node.kwargs) for node in nodes]


def _with_places(structure: Any, places: dict[int, list[Any]]) -> Any:
    """Arguments of a call with every symbol named by the layer that makes it, in Keras's format."""
    if isinstance(structure, KerasTensor):
        return {
            "class_name": "__keras_tensor__",
            "config": {
                "shape": list(structure.shape), "dtype": structure.dtype, "keras_history": places[id(structure)],
            },
        }  # fmt: skip
    if isinstance(structure, (list, tuple)):
        return [_with_places(item, places) for item in structure]
    if isinstance(structure, dict):
        return {key: _with_places(value, places) for key, value in structure.items()}
    return serialize_keras_object(structure)


def _from_archive(data: bytes) -> Any:
    """The model in the bytes of a ``.keras`` file."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.keras"
        path.write_bytes(data)
        with warnings.catch_warnings():  # a model that was compiled and never trained has no optimizer state
            warnings.filterwarnings("ignore", "Skipping variable loading for optimizer")
            return archive.load_model(path)


def _draw_from_config(cls: type, config: dict[str, Any], custom_objects: dict[str, Any] | None) -> Any:
    """Make the layers, then repeat the calls as soon as what they need has been made."""
    layers: dict[str, Callable[..., Any]] = {}
    waiting: list[tuple[str, int, dict[str, Any]]] = []
    made: dict[tuple[str, int, int], KerasTensor] = {}
    for entry in config["layers"]:
        module = str(entry.get("module"))
        if module.startswith(("keras.src.ops.", "keras.src.activations.")):
            operation = keras_operations.find(module, entry["class_name"])
            settings = deserialize_keras_object({k: v for k, v in entry["config"].items() if k != "name"})
            layer: Any = functools.partial(_apply, operation, settings, entry["name"])
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
                args, kwargs = revive(node["args"]), revive(node["kwargs"])
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
            name, call, output = structure
            return symbol((name, max(int(call) - _calls_before(layers.get(name)), 0), output))
        return [places(item) for item in structure]

    model = cls(places(config["input_layers"]), places(config["output_layers"]), name=config.get("name"))
    if config.get("trainable") is False:
        model.trainable = False
    return model


def _apply(operation: KerasOperation, settings: dict[str, Any], name: str, *args: Any, **kwargs: Any) -> Any:
    """Draw the call of an op, which is to have this name."""
    outputs = operation.call(settings, list(args), kwargs)
    for tensor in flatten(outputs):
        if tensor.node is not None and not isinstance(tensor.node.operation, Layer):
            tensor.node.operation = Operation(tensor.node.operation, tensor.node, name)
    return outputs


def _shapes(shapes: Any, count: int) -> list[Any]:
    """The shapes in a nested structure of `count` of them."""
    if count == 1 and (not shapes or shapes[0] is None or isinstance(shapes[0], int)):
        return [shapes]
    if isinstance(shapes, dict):
        return [shapes[key] for key in sorted(shapes)]
    return [s for part in shapes for s in (_shapes(part, 1) if part is not None else [part])]
