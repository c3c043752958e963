"""Layer: weights plus a computation, with Keras 3's contract.

A layer makes its weights in `build` (once the input's shape is known), computes in `call`, and describes itself with
`get_config`. Calling it does what every layer needs around `call`: conversion of the input, building, the training flag,
masks, losses; or, for symbolic inputs, it only notes the call for a functional model.

    class Scale(Layer):
        def build(self, input_shape):
            self.factor = self.add_weight(shape=input_shape[-1:], initializer="ones", name="factor")

        def call(self, x):
            return x * self.factor
"""

from __future__ import annotations

import functools
import inspect
import threading
import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import Any, ClassVar

import numpy as np

from neurona import dtype_policies, ops
from neurona.errors import ArgumentError, DTypeError, NotBuiltError, ShapeError
from neurona.layers import carried_masks
from neurona.layers.input_spec import check_inputs
from neurona.names import auto_name
from neurona.parts import constraints, initializers, regularizers
from neurona.random import SeedGenerator
from neurona.registry import export, serialize_keras_object
from neurona.symbolic import KerasTensor, Node, Shape, flatten, has_symbolic, infer, map_structure
from neurona.tensor import Array, Tensor, as_array, holds_text, stop_recording, wrap
from neurona.variable import Variable
from neurona.warn import warn_caller

__all__ = ["Layer", "calling", "map_shapes", "shape_of"]

_BASE_ARGUMENTS = ("activity_regularizer", "trainable", "dtype", "autocast", "name")


class _Call(threading.local):
    """What the layers of one outermost call share in this thread."""

    training: bool | None = None
    depth: int = 0
    scope: tuple[Layer, ...] = ()  # the layers being built or called, the outermost first
    building: tuple[Layer, ...] = ()  # those being built
    number: int = 0  # of the outermost calls so far


_call = _Call()


def calling() -> tuple[Layer, ...]:
    """The layers that are computing (or being built) in this thread, the outermost first."""
    return _call.scope


@export("keras.layers")
class Layer:
    """The base of every layer; subclass it to make your own.

    Args:
        activity_regularizer: adds a penalty on the output to the loss.
        trainable: whether training may change the weights.
        dtype: the type of its weights and results: a name or a `DTypePolicy`.
        autocast: whether floating inputs are brought to the layer's type.
        name: unique within a model; "dense", "dense_1", ... by default.
    """

    _call_parameters: ClassVar[dict[str, inspect.Parameter]] = {}
    _makes_masks: ClassVar[bool] = False  # whether it may give a mask to an output whose input had none
    _takes_training: ClassVar[bool] = True  # whether `call` may be handed `training`
    _casts_weights: ClassVar[bool] = False  # whether `call` is to see its weights in the type that it computes in
    _leaves_masks: ClassVar[bool] = False  # whether masks are the business of the layers within it alone
    _auto_arguments: dict[str, Any]

    # -- life -----------------------------------------------------------------------------------------------

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "call" in cls.__dict__:
            parameters = inspect.signature(cls.__dict__["call"]).parameters
            cls._call_parameters = {k: p for k, p in parameters.items() if k != "self"}
            anything = any(p.kind is p.VAR_KEYWORD for p in parameters.values())
            cls._takes_training = anything or "training" in parameters
            cls._casts_weights = not cls.__module__.startswith("neurona.")  # ours see to it themselves
        cls._makes_masks = cls.compute_mask is not Layer.compute_mask
        if "build" in cls.__dict__:
            cls.build = _finishing_build(cls.__dict__["build"])  # type: ignore[method-assign]

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        layer = super().__new__(cls)
        try:
            bound = inspect.signature(cls.__init__).bind(layer, *args, **kwargs)
            given = {k: v for k, v in list(bound.arguments.items())[1:] if k != "kwargs"}
            layer.__dict__["_auto_arguments"] = {**given, **bound.arguments.get("kwargs", {})}
        except TypeError:
            layer.__dict__["_auto_arguments"] = {}  # __init__ is about to say what is wrong
        return layer

    def __init__(
        self,
        *,
        activity_regularizer: Any = None,
        trainable: bool = True,
        dtype: Any = None,
        autocast: bool = True,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        input_shape = kwargs.pop("input_shape", None)
        input_dim = kwargs.pop("input_dim", None)
        if input_dim is not None:
            input_shape = (input_dim,)
        if input_shape is not None:
            warn_caller(
                "Do not pass an `input_shape`/`input_dim` argument to a layer. When using Sequential models, prefer "
                "using an `Input(shape)` object as the first layer in the model instead.",
            )
        if kwargs:
            raise ArgumentError(
                f"Unrecognized keyword arguments passed to {type(self).__name__}: {sorted(kwargs)}. "
                f"Every layer accepts {', '.join(_BASE_ARGUMENTS)}."
            )
        if name is not None and (not isinstance(name, str) or "/" in name):
            raise ArgumentError(f"A layer's name must be a string without '/'. Received: name={name!r}.")
        self._input_shape_argument = None if input_shape is None else tuple(input_shape)
        self.name = name or auto_name(type(self).__name__)
        self.activity_regularizer = regularizers.get(activity_regularizer)
        self._dtype_policy = dtype_policies.get(dtype)
        self.autocast = autocast
        self.built = False
        self.supports_masking = self._makes_masks
        self.input_spec: Any = None
        self._trainable = bool(trainable)
        self._added: list[Variable] = []  # the weights, in the order in which they were made
        self._locked = False  # built: no weights are added any more
        self._as_they_are: set[int] = set()  # the ids of weights that are not brought to the type of computing
        self._losses: list[Tensor] = []
        self._losses_of = -1  # the number of the outermost call that they belong to
        self._penalised: list[Layer] = []  # the layers that added losses when this one was called last, from outside
        self._nodes: list[Node] = []
        self._build_shapes: dict[str, Any] | None = None
        self._path = self.name

    def build(self, input_shape: Any) -> None:
        """Make the weights; override it. `input_shape` has ``None`` for the batch."""
        self.built = True

    def call(self, *args: Any, **kwargs: Any) -> Any:
        """Compute the output; override it. May take `training` and `mask`."""
        raise NotImplementedError(f"Layer {type(self).__name__} does not have a `call()` method implemented.")

    def add_weight(
        self,
        *args: Any,
        shape: Shape | int | None = None,
        initializer: Any = None,
        dtype: Any = None,
        trainable: bool = True,
        autocast: bool = True,
        regularizer: Any = None,
        constraint: Any = None,
        aggregation: str = "none",
        overwrite_with_gradient: bool = False,
        name: str | None = None,
    ) -> Variable:
        """Make a weight and keep track of it.

        Args:
            args: shape, initializer and dtype may be given without their names.
            shape: of the weight; ``()`` for a number.
            initializer: name or object; Glorot's uniform by default, zeros for integers and bools.
            dtype: the layer's `variable_dtype` by default.
            trainable: whether training changes it.
            regularizer: adds a penalty on it to the loss.
            constraint: applied after every update.
            name: the last part of its path.
        """
        if len(args) > 3 or (args and isinstance(args[0], str)):
            raise ArgumentError(
                "add_weight() expected at most shape, initializer and dtype without their names. "
                f"Received: add_weight{args}. Write add_weight(shape=..., name=...)."
            )
        if self._locked and self not in _call.building:
            raise ArgumentError(
                "You cannot add new elements of state (variables or sub-layers) to a layer that is already built. Make "
                f"them in `__init__()` or `build()`. Received: add_weight(name={name!r}) in layer '{self.name}'."
            )
        named: tuple[Any, ...] = (shape, initializer, dtype)
        shape, initializer, dtype = args + named[len(args) :]
        shape = () if shape is None else (shape,) if isinstance(shape, int) else tuple(shape)
        if any(n is None for n in shape):
            raise ShapeError(
                f"A weight's shape must be known. Received: {shape} in layer '{self.name}'. "
                "Give the model an Input with that axis set."
            )
        kind = np.dtype(dtype or self.variable_dtype)
        if initializer is None:
            initializer = "glorot_uniform" if kind.kind == "f" else "zeros"
        variable = Variable(
            initializers.get(initializer), shape, kind.name, trainable, name=name,
            regularizer=regularizers.get(regularizer), constraint=constraints.get(constraint),
        )  # fmt: skip
        variable.path = "/".join((*(layer.name for layer in _call.scope), variable.name))
        if not _call.scope:  # made outside a build
            variable.path = f"{self._path}/{variable.name}"
        variable.overwrite_with_gradient = overwrite_with_gradient
        self._added.append(variable)
        if not autocast:
            self._as_they_are.add(id(variable))
        return variable

    def add_variable(self, shape: Any, initializer: Any, dtype: Any = None, **settings: Any) -> Variable:
        """`add_weight`, by its older name."""
        return self.add_weight(shape, initializer, dtype, **settings)

    def add_loss(self, loss: Any) -> None:
        """Add a penalty (or a list of them) to the loss of the step in which this call happens."""
        if self._losses_of != _call.number:  # left over from a call as part of another layer
            self._losses.clear()
            self._losses_of = _call.number
        for item in flatten(loss):
            if item is not None:
                self._losses.append(ops.convert_to_tensor(item))
                (_call.scope[0] if _call.scope else self)._penalised.append(self)

    # -- calling --------------------------------------------------------------------------------------------

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if "_path" not in self.__dict__:
            raise NotBuiltError(
                f"In layer '{type(self).__name__}', you forgot to call `super().__init__()` as the first statement "
                "in the `__init__()` method."
            )
        # every layer may be told whether it trains: its inner layers may have a use for it
        training = kwargs.get("training") if self._takes_training else kwargs.pop("training", None)
        if has_symbolic(args) or has_symbolic(kwargs):
            _refuse_settings(args[1:])
            return self._call_symbolically(args, kwargs)
        args = tuple(map(self._convert_argument, args))
        if len(args) > 1:
            _refuse_settings(args[1:])
        if kwargs:
            kwargs = {k: map_structure(self._convert_array, v) for k, v in kwargs.items()}
        parameters = self._call_parameters
        before, scope = _call.training, _call.scope
        if not scope:
            _call.number += 1
        training = before if training is None else training
        if training is None and "training" in parameters:
            training = parameters["training"].default
            training = False if training is inspect.Parameter.empty else training
        if "training" in parameters:
            kwargs["training"] = training
        if not self.built:
            self._build_for(args, kwargs)
        elif self.input_spec is not None and args:
            check_inputs(self.input_spec, args[0], self.name)
        first = args[0] if args else kwargs.get(next(iter(parameters), ""))
        mask = self._take_masks(first, args, kwargs)
        if self._penalised:
            self._clear_losses()
        _call.training, _call.depth, _call.scope = training, _call.depth + 1, (*scope, self)
        try:
            if self._casts_weights and self.autocast and self.compute_dtype != self.variable_dtype:
                outputs = self._call_with_cast_weights(args, kwargs)
            else:
                outputs = self.call(*args, **kwargs)
        finally:
            _call.training, _call.depth, _call.scope = before, _call.depth - 1, scope
        if self.activity_regularizer is not None:
            for output in flatten(outputs):
                self.add_loss(self.activity_regularizer(output) / max(output.shape[0], 1))
        if mask is not None or self._makes_masks:
            carried_masks.pass_on(self, first, mask, outputs)
        return outputs

    def _call_with_cast_weights(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """In mixed precision a user's `call` finds its trainable weights in the type that it computes in."""
        weights = {
            name: value
            for name, value in self.__dict__.items()
            if isinstance(value, Variable)
            and value._declared_trainable
            and value.data.dtype.kind == "f"
            and id(value) not in self._as_they_are
        }
        try:
            self.__dict__.update({name: ops.cast(value, self.compute_dtype) for name, value in weights.items()})
            return self.call(*args, **kwargs)
        finally:
            self.__dict__.update(weights)

    def _convert_argument(self, argument: Any) -> Any:
        """An argument with its arrays as tensors; a sequence of texts is one array."""
        if isinstance(argument, Sequence) and not isinstance(argument, (str, bytes)) and holds_text(argument):
            return wrap(as_array(argument))
        return map_structure(self._convert, argument)

    def _convert(self, leaf: Any) -> Any:
        """An input as a tensor of the layer's type; what is no array (None, a string, a setting) as it is."""
        if isinstance(leaf, Tensor):
            if self.autocast and leaf.data.dtype.kind == "f" and leaf.data.dtype != self.compute_dtype:
                cast: Tensor = ops.cast(leaf, self.compute_dtype)
                cast._keras_mask = leaf._keras_mask
                return cast
            return leaf
        if isinstance(leaf, (np.ndarray, np.generic, float)):
            array = as_array(leaf)
            if self.autocast and array.dtype.kind == "f" and array.dtype.name != self.compute_dtype:
                array = array.astype(self.compute_dtype)
            return wrap(array)
        return leaf

    def _cast_symbol(self, leaf: Any) -> Any:
        """What `_convert` does to the tensors that a symbol stands for."""
        if isinstance(leaf, KerasTensor) and self.autocast and leaf.dtype.startswith("float"):
            return leaf if leaf.dtype == self.compute_dtype else KerasTensor(leaf.shape, self.compute_dtype)
        return leaf

    def _convert_array(self, leaf: Any) -> Any:
        return self._convert(leaf) if isinstance(leaf, (np.ndarray, Tensor)) else leaf

    def _build_for(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """Build for the shapes of these arguments."""
        names = list(self._call_parameters)
        given = {**dict(zip(names, args, strict=False)), **kwargs}
        shapes = {
            f"{name}_shape": map_structure(shape_of, value)
            for name, value in given.items()
            if any(isinstance(leaf, (Tensor, KerasTensor)) for leaf in flatten(value)) and not name.endswith("mask")
        }
        if self.input_spec is not None and args:
            check_inputs(self.input_spec, args[0], self.name)
        parameters = [p for p in inspect.signature(self.build).parameters.values() if p.name != "self"]
        plain = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)]
        if not parameters:
            self.build()  # type: ignore[call-arg]  # a user's build that needs no shape
        elif len(plain) > 1:
            self._check_build([p.name for p in plain], given)
            self.build(**{p.name: shapes[p.name] for p in plain if p.name in shapes})
        else:
            self.build(next(iter(shapes.values()), None))
        self.built = True

    def _check_build(self, names: list[str], given: dict[str, Any]) -> None:
        """Raise where a `build` of several arguments does not name shapes of `call`'s arguments."""
        for name in names:
            what = ""
            if not name.endswith("_shape"):
                what = f"argument `{name}`, which does not end in `_shape`"
            elif name.removesuffix("_shape") not in {*self._call_parameters, *given}:
                what = f"argument `{name}`, but `call()` does not have argument `{name.removesuffix('_shape')}`"
            if what:
                raise ArgumentError(
                    "A `build()` of several arguments expects the shapes of arguments of `call()`, as in "
                    f"build(self, query_shape, value_shape). Received: {type(self).__name__}.build() with {what}."
                )

    def _take_masks(self, first: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Hand `call` the masks that its arguments carry; the mask that `compute_mask` starts from."""
        alone = len(args) == 1 and isinstance(first, Tensor) and not kwargs.keys() - {"training"}
        if not (alone and first._keras_mask is None):  # what nearly every call is
            carried_masks.fill_in(self._call_parameters, args, kwargs)
        return carried_masks.previous_mask(first, kwargs)

    def compute_mask(self, inputs: Any, previous_mask: Any) -> Any:
        """The mask of the output, given the input's; by default the same one."""
        return previous_mask

    def stateless_call(
        self,
        trainable_variables: Sequence[Any],
        non_trainable_variables: Sequence[Any],
        *args: Any,
        return_losses: bool = False,
        **kwargs: Any,
    ) -> tuple[Any, ...]:
        """Call it with these values in place of its variables', leaving it as it was.

        Args:
            trainable_variables, non_trainable_variables: the values, in the order of the attributes of these names.
            args, kwargs: for the call.
            return_losses: whether to return the losses too.

        Returns:
            the outputs, the values of the non-trainable variables after the call, and, where asked for, the losses.
        """
        if not self.built:
            raise NotBuiltError(
                f"To call stateless_call, {type(self).__name__} must be built (i.e. its variables must have been "
                "already created). Build it by calling it on some data."
            )
        trained, others = self.trainable_variables, self.non_trainable_variables
        for kind, own, given in (
            ("trainable_variables", trained, trainable_variables),
            ("non_trainable_variables", others, non_trainable_variables),
        ):
            if len(own) != len(given):
                raise ArgumentError(f"Expected {len(own)} {kind} of layer '{self.name}'. Received: {len(given)}.")
        kept = [(variable, variable.data) for variable in (*trained, *others)]
        try:
            for (variable, _), value in zip(kept, (*trainable_variables, *non_trainable_variables), strict=True):
                variable.assign(value)
            outputs = self(*args, **kwargs)
            after = [wrap(variable.data) for variable in others]
            losses = list(self.losses)
        finally:
            for variable, array in kept:
                variable.data = array
        return (outputs, after, losses) if return_losses else (outputs, after)

    # -- shapes and symbols ---------------------------------------------------------------------------------

    def _call_symbolically(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if not self.built:
            self._build_for(args, kwargs)
        elif self.input_spec is not None and args:
            check_inputs(self.input_spec, args[0], self.name)
        first = args[0] if args else kwargs.get(next(iter(self._call_parameters), ""))
        mask = self._take_masks(first, args, dict(kwargs))
        outputs = self.compute_output_spec(*args, **kwargs)
        node = Node(self, args, kwargs, outputs)
        if "mask" in self._call_parameters and not kwargs and isinstance(first, KerasTensor) and len(args) == 1:
            node.mask = first._keras_mask
        self._nodes.append(node)
        if (mask is not None or self._makes_masks) and self.supports_masking:
            carried_masks.pass_on(self, first, mask, outputs)
        return outputs

    def compute_output_spec(self, *args: Any, **kwargs: Any) -> Any:
        """The output as symbolic tensors, for symbolic inputs."""
        if type(self).compute_output_shape is not Layer.compute_output_shape and len(args) == 1:
            shapes = self.compute_output_shape(map_structure(lambda t: t.shape, args[0]))
            return map_shapes(lambda shape: KerasTensor(shape, self.compute_dtype), shapes)
        return self._infer(*args, **kwargs)

    def _infer(self, *args: Any, **kwargs: Any) -> Any:
        """Call on stand-ins to see the output's shape, leaving no trace in the layer's state."""
        kept = [(v, v.data.copy()) for v in self.non_trainable_variables]
        before = list(self._losses)
        if "training" in self._call_parameters:
            kwargs.setdefault("training", False)
        args, kwargs = map_structure(self._cast_symbol, args), map_structure(self._cast_symbol, kwargs)
        with stop_recording(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            outputs = infer(lambda *a, **k: self._call_on_arrays(a, k), args, kwargs)
        for variable, array in kept:
            variable.data[...] = array
        self._losses = before
        return outputs

    def _call_on_arrays(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        def tensor(leaf: Any) -> Any:
            return Tensor(leaf) if isinstance(leaf, np.ndarray) else leaf

        before = _call.training, _call.depth, _call.scope
        within = _call.scope if _call.scope and _call.scope[-1] is self else (*_call.scope, self)
        _call.training, _call.depth, _call.scope = False, _call.depth + 1, within
        cast = self._casts_weights and self.autocast and self.compute_dtype != self.variable_dtype
        args, kwargs = map_structure(tensor, args), map_structure(tensor, kwargs)
        try:
            return self._call_with_cast_weights(args, kwargs) if cast else self.call(*args, **kwargs)
        finally:
            _call.training, _call.depth, _call.scope = before

    def compute_output_shape(self, *args: Any, **kwargs: Any) -> Any:
        """The shape of the output for the input's, with ``None`` for open axes."""
        (input_shape,) = (*args, *kwargs.values())
        if not self.built:
            self.build(input_shape)
        symbols = (
            KerasTensor(input_shape, self.compute_dtype)
            if is_shape(input_shape)
            else map_shapes(lambda s: KerasTensor(s, self.compute_dtype), input_shape)
        )
        return map_structure(lambda t: t.shape, self._infer(symbols))

    @property
    def input(self) -> Any:
        """The symbolic input of its first call."""
        node = self._first_node()
        return node.args[0] if len(node.args) == 1 else list(node.args)

    @property
    def output(self) -> Any:
        """The symbolic output of its first call."""
        return self._first_node().outputs

    def _first_node(self) -> Node:
        if not self._nodes:
            raise NotBuiltError(f"The layer {self.name} has never been called symbolically and has no input or output.")
        return self._nodes[0]

    # -- what it holds --------------------------------------------------------------------------------------

    def _owned(self, kind: type) -> list[Any]:
        """The objects of a kind among its attributes and the lists and dicts in them, each once, in order."""
        found: dict[int, Any] = {}

        def look(value: Any) -> None:
            if isinstance(value, kind):
                found.setdefault(id(value), value)
            elif isinstance(value, (list, tuple)):
                for item in value:
                    look(item)
            elif isinstance(value, dict):
                for item in value.values():
                    look(item)

        for name, value in self.__dict__.items():
            if name not in ("_nodes", "_auto_arguments", "_losses", "_penalised", "_compile_config"):
                look(value)
        return list(found.values())

    def _flatten_layers(self, include_self: bool = True, recursive: bool = True) -> Iterator[Layer]:
        """Itself and the layers in it, depth first, each once."""
        seen: set[int] = set()

        def walk(layer: Layer) -> Iterator[Layer]:
            if id(layer) not in seen:
                seen.add(id(layer))
                yield layer
                if recursive or layer is self:
                    for child in layer._owned(Layer):
                        yield from walk(child)

        for layer in walk(self):
            if include_self or layer is not self:
                yield layer

    @property
    def _layers(self) -> list[Layer]:
        return self._owned(Layer)

    @property
    def _seed_generators(self) -> list[SeedGenerator]:
        return self._owned(SeedGenerator)

    @property
    def _metrics(self) -> list[Any]:
        # a metric is known by what it can do: their module stands on this one
        return [m for m in self._owned(object) if hasattr(m, "update_state") and hasattr(m, "reset_state")]

    @property
    def _trainable_variables(self) -> list[Variable]:
        return [v for v in self._owned(Variable) if v._declared_trainable]

    @property
    def _non_trainable_variables(self) -> list[Variable]:
        return [v for v in self._owned(Variable) if not v._declared_trainable]

    def _own_variables(self) -> list[Variable]:
        """Its own weights (not its layers'): trainable ones first, as Keras orders them."""
        return self._trainable_variables + self._non_trainable_variables

    def _untrack_variable(self, variable: Variable) -> None:
        """Forget a weight, so that another may take its place."""
        self._added = [v for v in self._added if v is not variable]
        for name, value in list(self.__dict__.items()):
            if value is variable:
                self.__dict__[name] = None

    @property
    def weights(self) -> list[Variable]:
        """All weights, its layers' too; no seeds and no metrics."""
        found: dict[int, Variable] = {}
        for layer in self._flatten_layers():
            for variable in layer._own_variables():
                found.setdefault(id(variable), variable)
        return list(found.values())

    @property
    def variables(self) -> list[Variable]:
        """All weights and the states of random generators."""
        found: dict[int, Variable] = {}
        for layer in self._flatten_layers():
            for variable in (*layer._own_variables(), *(g.state for g in layer._owned(SeedGenerator))):
                found.setdefault(id(variable), variable)
        return list(found.values())

    @property
    def metrics(self) -> list[Any]:
        """The metrics among its attributes, and those of its layers."""
        return list({id(m): m for layer in self._flatten_layers() for m in layer._metrics}.values())

    @property
    def metrics_variables(self) -> list[Variable]:
        """The variables of its metrics."""
        return [variable for metric in self.metrics for variable in metric.variables]

    @property
    def trainable_variables(self) -> list[Variable]:
        return [v for v in self.variables if v.trainable] if self._trainable else []

    @property
    def non_trainable_variables(self) -> list[Variable]:
        return [v for v in self.variables if not v.trainable] if self._trainable else self.variables

    @property
    def trainable_weights(self) -> list[Variable]:
        return [v for v in self.weights if v.trainable] if self._trainable else []

    @property
    def non_trainable_weights(self) -> list[Variable]:
        return [v for v in self.weights if not v.trainable] if self._trainable else self.weights

    @property
    def trainable(self) -> bool:
        """Whether training may change it; setting it sets all its weights and layers."""
        return self._trainable

    @trainable.setter
    def trainable(self, value: bool) -> None:
        self._trainable = bool(value)
        for variable in self._owned(Variable):
            if variable._declared_trainable:
                variable.trainable = bool(value)
        for layer in self._owned(Layer):
            layer.trainable = value

    @property
    def losses(self) -> list[Tensor]:
        """The penalties of the last call, and those of the regularized weights."""
        found = [loss for layer in self._flatten_layers() for loss in layer._losses]
        return found + [v.regularizer(v) for v in self.trainable_weights if v.regularizer is not None]

    def _clear_losses(self) -> None:
        for layer in self._penalised:
            layer._losses.clear()
        self._penalised.clear()

    def get_weights(self) -> list[Array]:
        """Copies of the weights' values."""
        return [v.numpy() for v in self.weights]

    def set_weights(self, weights: list[Array]) -> None:
        """Give the weights new values, in the order of `get_weights`.

        Raises:
            ShapeError: another number of arrays, or another shape; nothing is changed then.
        """
        variables = self.weights
        if len(variables) != len(weights):
            raise ShapeError(
                f"You called `set_weights(weights)` on layer '{self.name}' with a weight list of length {len(weights)}, "
                f"but the layer was expecting {len(variables)} weights."
            )
        for variable, value in zip(variables, weights, strict=True):
            if variable.shape != np.shape(value):
                raise ShapeError(
                    f"Layer {self.name} weight shape {variable.shape} is not compatible with provided weight shape "
                    f"{np.shape(value)}."
                )
        for variable, value in zip(variables, weights, strict=True):
            variable.assign(value)

    def symbolic_call(self, *args: Any, **kwargs: Any) -> Any:
        """The outputs as symbols, without a trace of the call."""
        return self.compute_output_spec(*args, **kwargs)

    def add_metric(self, *args: Any, **kwargs: Any) -> None:
        """Not offered, as in Keras 3: make the metric in `__init__` and update it in `call`, or give it to `compile`."""
        raise NotImplementedError(
            "Layer `add_metric()` method is deprecated. Give metrics to Model.compile(metrics=[...]), or make one in "
            "__init__() and call its update_state() yourself."
        )

    def quantize(self, mode: Any = None, **kwargs: Any) -> None:
        """Not offered: weights keep the type of the layer's policy.

        Raises:
            ArgumentError: always.
        """
        raise ArgumentError(
            f"Layer {type(self).__name__} cannot be quantized: weights of few bits are not offered. Received: "
            f"mode={mode!r}. Use dtype='float16' to halve the memory."
        )

    def count_params(self) -> int:
        """How many numbers its weights hold."""
        if not self.built:
            raise NotBuiltError(
                f"You tried to call `count_params` on layer '{self.name}', but the layer isn't built. "
                "Build it with `build(input_shape)` or by calling it."
            )
        return sum(v.size for v in self.weights)

    @property
    def path(self) -> str:
        return self._path

    @property
    def dtype_policy(self) -> dtype_policies.DTypePolicy:
        """The types it computes in and keeps its weights in; may be set by name."""
        return self._dtype_policy

    @dtype_policy.setter
    def dtype_policy(self, value: Any) -> None:
        self._dtype_policy = dtype_policies.get(value)

    @property
    def dtype(self) -> str:
        return self._dtype_policy.variable_dtype

    @property
    def compute_dtype(self) -> str:
        return self._dtype_policy.compute_dtype

    @property
    def input_dtype(self) -> str:
        """The type that floating inputs are brought to."""
        return self._dtype_policy.compute_dtype

    @property
    def variable_dtype(self) -> str:
        return self._dtype_policy.variable_dtype

    # -- describing and storing -----------------------------------------------------------------------------

    def get_config(self) -> dict[str, Any]:
        """The settings from which `from_config` makes a layer like it.

        A layer with settings of its own extends this dict. One that does not is described by the arguments it was made
        with, where these are plain values or objects with a configuration.
        """
        config: dict[str, Any] = {"name": self.name, "trainable": self._trainable, "dtype": self.dtype_policy}
        if self.activity_regularizer is not None:
            config["activity_regularizer"] = regularizers.serialize(self.activity_regularizer)
        config["dtype"] = serialize_keras_object(self.dtype_policy)
        if self._describes_itself():
            return config
        extra = {k: v for k, v in self._auto_arguments.items() if k not in _BASE_ARGUMENTS}
        try:
            return {**config, **{k: v if _is_plain(v) else serialize_keras_object(v) for k, v in extra.items()}}
        except DTypeError as error:
            raise NotImplementedError(
                f"Layer {type(self).__name__} was made with arguments that cannot be described ({error}) and must "
                "override `get_config()`."
            ) from error

    @classmethod
    def _describes_itself(cls) -> bool:
        """Whether it has a `get_config` of its own, which adds its settings."""
        return cls.get_config is not Layer.get_config

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """A new layer with these settings; its weights are new too."""
        return cls(**config)

    def get_build_config(self) -> dict[str, Any] | None:
        """The input's shape it was built for; several stand in a dict of their own, as Keras writes them."""
        shapes = self._build_shapes
        return shapes if shapes is None or list(shapes) == ["input_shape"] else {"shapes_dict": shapes}

    def build_from_config(self, config: dict[str, Any]) -> None:
        """Build it for the shapes that `get_build_config` gave."""
        shapes = {k: _as_shape(v) for k, v in config.get("shapes_dict", config).items()}
        if "input_shape" in shapes and len(shapes) == 1:
            if shapes["input_shape"] is not None:
                self.build(shapes["input_shape"])
        elif shapes:
            self.build(**shapes)

    def save_own_variables(self, store: Any) -> None:
        """Put its own weights into `store`, under "0", "1", ..."""
        for i, variable in enumerate(self._own_variables()):
            store[str(i)] = variable.numpy()

    def load_own_variables(self, store: Any) -> None:
        """Take its own weights from `store`.

        Raises:
            ShapeError: `store` holds another number of them.
        """
        self._load(self._own_variables(), store)

    def _load(self, own: list[Variable], store: Any) -> None:
        if len(store.keys()) != len(own):
            if not own and not self.built:
                raise NotBuiltError(
                    f"Layer '{self.name}' was never built and thus it doesn't have any variables. However the weights "
                    f"file lists {len(store.keys())} variables for this layer."
                )
            raise ShapeError(
                f"Layer '{self.name}' expected {len(own)} variables, but received {len(store.keys())} variables "
                f"during loading. Expected: {[v.name for v in own]}"
            )
        for i, variable in enumerate(own):
            variable.assign(np.asarray(store[str(i)]))

    def __repr__(self) -> str:
        return f"<{type(self).__name__} name={self.name}, built={self.built}>"


def _is_plain(value: Any) -> bool:
    """Whether a setting can stand in a configuration as it is."""
    return all(leaf is None or isinstance(leaf, (str, bool, int, float)) for leaf in flatten(value))


def _refuse_settings(args: tuple[Any, ...]) -> None:
    """Raise where a setting is given by its place: only tensors are, behind the first argument."""
    for leaf in flatten(args):
        if isinstance(leaf, (bool, str)):
            raise ArgumentError(
                "Only input tensors may be passed as positional arguments. Pass this one by its name, as in "
                f"layer(x, training=True). Received: {leaf!r} (of type {type(leaf).__name__})."
            )


def shape_of(value: Any) -> Any:
    """The shape of a tensor; ``None`` for what is no tensor."""
    return getattr(value, "shape", None)


def map_shapes(fn: Callable[[Shape], Any], shapes: Any) -> Any:
    """The same nesting with `fn` applied to every shape."""
    if is_shape(shapes):
        return fn(tuple(shapes))
    if isinstance(shapes, dict):
        return {key: map_shapes(fn, value) for key, value in shapes.items()}
    return type(shapes)(map_shapes(fn, value) for value in shapes)


def is_shape(value: Any) -> bool:
    """Whether it is one shape, not a nest of them."""
    return isinstance(value, (list, tuple)) and all(n is None or isinstance(n, (int, np.integer)) for n in value)


def _as_shape(value: Any) -> Any:
    """A shape that went through JSON, as a tuple again."""
    if value is None:
        return None
    return map_shapes(lambda s: s, value) if isinstance(value, (list, tuple, dict)) else value


def _finishing_build(build: Callable[..., None]) -> Callable[..., None]:
    """`build` with what every build needs around it: the name scope, the shapes kept, the flag set."""

    @functools.wraps(build)
    def finished(self: Layer, *args: Any, **kwargs: Any) -> None:
        before, building = _call.scope, _call.building
        if not (before and before[-1] is self):  # a build that calls its superclass's stays in its own scope
            _call.scope = (*before, self)
        _call.building = (*building, self)
        self._path = "/".join(layer.name for layer in _call.scope)
        try:
            with stop_recording():
                build(self, *args, **kwargs)
        finally:
            _call.scope, _call.building = before, building
        names = [n for n in inspect.signature(build).parameters if n != "self"]
        shapes = {**dict(zip(names, args, strict=False)), **kwargs}
        if len(shapes) == 1:
            shapes = {"input_shape": next(iter(shapes.values()))}
        self._build_shapes = shapes or None
        self.built = True
        self._locked = self not in building
        if not self._trainable:  # a layer frozen before it was built has frozen weights
            for variable in self._owned(Variable):
                variable.trainable = False

    return finished


Layer.build = _finishing_build(Layer.build)  # type: ignore[method-assign]  # layers without weights keep shapes too
