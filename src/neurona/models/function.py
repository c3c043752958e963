"""Operation and Function: computations that are drawn like layers and models, but keep nothing and are not trained.

    class Mine(Operation): ...     an operation of one's own: `call`, and where it cannot be tried out, `compute_output_spec`
    Function(inputs, outputs)      what lies between symbolic tensors, to be called like an operation

Both stand on `Layer`, whose way of being drawn is theirs too; so they work within models.
"""

from __future__ import annotations

import inspect
from typing import Any

from neurona.errors import ArgumentError, ShapeError
from neurona.layers.base import Layer
from neurona.models.graph import Graph
from neurona.registry import Config, export
from neurona.symbolic import KerasTensor, flatten, infer
from neurona.tensor import Tensor, as_tensor, stop_recording

__all__ = ["Function", "Operation"]

_PLAIN = (str, int, float, bool, type(None))


@export("keras")
class Operation(Layer):
    """A computation without weights of its own; subclass it and write `call`.

    Args:
        name: unique within a model; made from the class's name by default.

    Raises:
        ArgumentError: the name is no text or holds a "/".

    >>> class Double(Operation):
    ...     def call(self, x):
    ...         return 2 * x
    >>> Double()(Tensor([1.0, 2.0]))
    Tensor([2., 4.], dtype=float32)
    >>> Double()(KerasTensor((None, 3))).shape
    (None, 3)
    """

    def __init__(self, name: str | None = None) -> None:
        if name is not None and (not isinstance(name, str) or "/" in name):
            raise ArgumentError(
                "Argument `name` must be a string and cannot contain character `/`. "
                f"Received: name={name} (of type {type(name)})"
            )
        super().__init__(name=name, autocast=False)
        self.built = True

    def symbolic_call(self, *args: Any, **kwargs: Any) -> Any:
        """Draw a call: the outputs as symbolic tensors, which remember it."""
        return self._call_symbolically(args, kwargs)

    def compute_output_spec(self, *args: Any, **kwargs: Any) -> Any:
        """The outputs as symbolic tensors; by default `call` is tried out on stand-ins."""
        return self._infer(*args, **kwargs)

    @property
    def input(self) -> Any:
        """The symbolic input of its first call, or the list of them."""
        inputs = self._first_node().inputs
        return inputs[0] if len(inputs) == 1 else list(inputs)

    @property
    def output(self) -> Any:
        """The symbolic output of its first call, or the list of them."""
        outputs = flatten(self._first_node().outputs)
        return outputs[0] if len(outputs) == 1 else outputs

    @property
    def _inbound_nodes(self) -> list[Any]:
        return self._nodes

    def get_config(self) -> Config:
        """The arguments it was made with, where these are plain values.

        Raises:
            NotImplementedError: they are not, so the class has to write this method itself.
        """
        if type(self).get_config is not Operation.get_config:
            return {"name": self.name}
        parameters = dict(list(inspect.signature(type(self).__init__).parameters.items())[1:])
        defaults = {k: p.default for k, p in parameters.items() if p.default is not p.empty}
        config = {**defaults, **self._auto_arguments}
        if "name" in parameters or any(p.kind is p.VAR_KEYWORD for p in parameters.values()):
            config["name"] = self.name
        if not all(isinstance(leaf, _PLAIN) for leaf in flatten(config)):
            raise NotImplementedError(
                f"{type(self).__name__} was made with arguments that cannot be described, and must override `get_config()`."
            )
        return config


@export("keras")
class Function(Operation):
    """What is computed between some symbolic tensors, as one operation.

    Args:
        inputs: symbolic tensors, nested at will.
        outputs: symbolic tensors that were computed from them, nested at will.
        name: unique within a model; made from the class's name by default.

    Raises:
        ArgumentError: no inputs or outputs, or outputs that need other tensors.

    >>> x = KerasTensor((None, 2))
    >>> square = Function(x, x * x)
    >>> square([[1.0, 3.0]])
    Tensor([[1., 9.]], dtype=float32)
    """

    def __init__(self, inputs: Any, outputs: Any, name: str | None = None) -> None:
        super().__init__(name)
        for argument, given in (("inputs", inputs), ("outputs", outputs)):
            if not flatten(given):
                raise ArgumentError(f"`{argument}` argument cannot be empty. Received: {argument}={given}")
        self._graph = Graph(inputs, outputs)

    @property
    def operations(self) -> list[Layer]:
        """The layers and ops between inputs and outputs, in the order in which they can be computed."""
        return list(self._graph.layers)

    @property
    def inputs(self) -> list[KerasTensor]:
        """The symbolic inputs, as a list."""
        return flatten(self._graph.inputs)

    @property
    def outputs(self) -> list[KerasTensor]:
        """The symbolic outputs, as a list."""
        return flatten(self._graph.outputs)

    def __call__(self, inputs: Any) -> Any:
        return super().__call__(self._fed(inputs))

    def call(self, inputs: Any) -> Any:
        """The outputs, nested as the symbols are."""
        return self._graph.run(dict(zip(map(id, self.inputs), flatten(self._fed(inputs)), strict=True)))

    def compute_output_spec(self, inputs: Any) -> Any:
        """The outputs as symbolic tensors, for inputs of perhaps other shapes."""
        with stop_recording():
            return infer(self.call, (self._fed(inputs),), {})

    def _fed(self, inputs: Any) -> Any:
        """The inputs as tensors, which are checked."""

        def fed(given: Any, symbol: Any) -> Any:
            if isinstance(symbol, KerasTensor):
                return self._fitting(given, symbol)
            if isinstance(symbol, dict) and isinstance(given, dict) and symbol.keys() == given.keys():
                return {key: fed(given[key], symbol[key]) for key in symbol}
            if isinstance(symbol, (list, tuple)) and isinstance(given, (list, tuple)) and len(symbol) == len(given):
                return [fed(part, own) for part, own in zip(given, symbol, strict=True)]
            raise ArgumentError(
                f"{type(self).__name__} was called with an invalid input structure. Expected: {self._graph.inputs}. "
                f"Received: {inputs}."
            )

        return fed(inputs, self._graph.inputs)

    def _fitting(self, x: Any, symbol: KerasTensor) -> Any:
        tensor = x if isinstance(x, (Tensor, KerasTensor)) else as_tensor(x)
        shape = tuple(tensor.shape)
        if len(shape) != symbol.ndim or any(
            n is not None and m is not None and n != m for n, m in zip(shape, symbol.shape, strict=True)
        ):
            raise ShapeError(
                f"{type(self).__name__} '{self.name}' received incompatible inputs: expected shape {symbol.shape}. "
                f"Received: shape {shape}."
            )
        return tensor
