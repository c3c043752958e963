"""clone_model: a model of the same structure, with layers and weights of its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from neurona.errors import ArgumentError
from neurona.layers.base import Layer
from neurona.layers.core import Input, InputLayer
from neurona.layers.operation import Operation
from neurona.models.model import Functional, Model
from neurona.models.sequential import Sequential
from neurona.registry import export
from neurona.symbolic import KerasTensor, flatten, map_structure

__all__ = ["clone_model"]


@export("keras.models")
def clone_model(
    model: Model,
    input_tensors: Any = None,
    clone_function: Callable[[Any], Any] | None = None,
    call_function: Callable[..., Any] | None = None,
    recursive: bool = False,
    **kwargs: Any,
) -> Any:
    """A new model of the same layers and settings, with weights of its own.

    Args:
        model: the model to copy.
        input_tensors: symbolic tensors to draw the copy on, nested as the model's inputs; new ones by default.
        clone_function: makes the new layer from the old one; by default from its configuration. Inputs are always new.
        call_function: calls a new layer, ``call_function(layer, *args, **kwargs)``; for drawn models.
        recursive: whether models within are copied layer by layer, too.

    Returns:
        the new model, compiled as the old one is.

    Raises:
        ArgumentError: an argument that this kind of model does not know, or inputs nested otherwise.

    >>> from neurona.layers import Dense
    >>> model = Sequential([Input((3,)), Dense(2)])
    >>> copy = clone_model(model)
    >>> copy.layers[0].units, copy.layers[0] is model.layers[0]
    (2, False)
    """
    if kwargs:
        raise ArgumentError(f"clone_model() got unexpected arguments. Received: {sorted(kwargs)}.")
    copied = _Copies(clone_function, call_function, recursive)
    if isinstance(model, Sequential):
        if call_function is not None:
            raise ArgumentError(
                "`call_function` is for drawn models only: a Sequential model calls its layers itself. Received: a "
                f"{type(model).__name__}."
            )
        return _clone_sequential(model, input_tensors, copied)
    plain = type(model).get_config is Functional.get_config
    if isinstance(model, Functional) and (plain or clone_function is not None or input_tensors is not None):
        return _clone_drawn(model, input_tensors, copied)
    told = {"clone_function": clone_function, "input_tensors": input_tensors, "call_function": call_function}
    wrong = [name for name, value in told.items() if value is not None]
    if wrong:
        raise ArgumentError(
            "Arguments `clone_function`, `input_tensors` and `call_function` are only supported for Sequential models or "
            f"Functional models. Received: {wrong} for a model of type {type(model).__name__}."
        )
    return type(model).from_config(model.get_config())


class _Copies:
    """The new layers, each made once."""

    def __init__(self, make: Callable[[Any], Any] | None, call: Callable[..., Any] | None, recursive: bool) -> None:
        self._make = make or (lambda layer: type(layer).from_config(layer.get_config()))
        self._call, self._recursive = call, recursive
        self._made: dict[int, Any] = {}

    def of(self, layer: Layer) -> Any:
        if id(layer) not in self._made:
            if self._recursive and isinstance(layer, Sequential):
                made = _clone_sequential(layer, None, self)
            elif self._recursive and isinstance(layer, Functional):
                made = _clone_drawn(layer, None, self)
            elif isinstance(layer, Operation):
                made = layer.operation  # an op has neither settings nor weights
            else:
                made = self._make(layer)
            self._made[id(layer)] = made
        return self._made[id(layer)]

    def call(self, layer: Layer, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        new = self.of(layer)
        if self._call is None or isinstance(layer, Operation):
            return new(*args, **kwargs)
        return self._call(new, *args, **kwargs)


def _clone_sequential(model: Sequential, input_tensors: Any, copied: _Copies) -> Any:
    layers: list[Any] = [copied.of(layer) for layer in model.layers]
    entry = model._layers[0] if model._layers and isinstance(model._layers[0], InputLayer) else None
    if input_tensors is not None:
        given = flatten(input_tensors)
        if len(given) != 1 or not isinstance(given[0], KerasTensor):
            raise ArgumentError(
                f"Argument `input_tensors` must be a single KerasTensor here. Received: input_tensors={input_tensors!r}."
            )
        layers.insert(0, Input(tensor=given[0], name=None if entry is None else entry.name))
    elif entry is not None:
        layers.insert(0, InputLayer.from_config(entry.get_config()))
    new = Sequential(layers, name=model.name, trainable=model.trainable)
    return _compiled_as(model, new)


def _clone_drawn(model: Functional, input_tensors: Any, copied: _Copies) -> Any:
    if input_tensors is None:
        inputs = map_structure(lambda t: Input(batch_shape=t.shape, dtype=t.dtype, name=t.name), model.input)
    else:
        inputs = input_tensors
        if not all(isinstance(leaf, KerasTensor) for leaf in flatten(inputs)):
            raise ArgumentError(f"All entries in `input_tensors` must be KerasTensors. Received: {inputs!r}.")
        if _nesting(inputs) != _nesting(model.input):
            raise ArgumentError(
                "`input_tensors` must have the same structure as model.input, "
                f"{_nesting(model.input)}. Received: {_nesting(inputs)}."
            )
    values: dict[int, Any] = dict(zip(map(id, flatten(model.input)), flatten(inputs), strict=True))

    def value(leaf: Any) -> Any:
        return values[id(leaf)] if isinstance(leaf, KerasTensor) else leaf

    for node in model._symbols().nodes:
        outputs = copied.call(node.operation, map_structure(value, node.args), map_structure(value, node.kwargs))
        for symbol, output in zip(flatten(node.outputs), flatten(outputs), strict=True):
            values[id(symbol)] = output
    outputs = map_structure(value, model.output)
    if type(model) is Functional or type(model).__init__ is Model.__init__:
        return _compiled_as(model, type(model)(inputs, outputs, name=model.name))
    return _compiled_as(model, Functional(inputs, outputs, name=model.name))


def _compiled_as(model: Model, new: Any) -> Any:
    """The new model, compiled as the old one is."""
    told = model.get_compile_config()
    if told is not None:
        new.compile_from_config(told)
    return new


def _nesting(structure: Any) -> Any:
    return map_structure(lambda _: "tensor", structure)
