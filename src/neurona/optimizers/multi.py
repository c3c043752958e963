"""MultiOptimizer: several optimizers, each for some of the weights; OptimizerMap says which, by names.

every step ──> MultiOptimizer ──┬─> Adam   (encoder/.*)
                                └─> SGD    (the others)
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, MutableMapping, Sequence
from typing import Any

from neurona.allowance import ask_step
from neurona.errors import ArgumentError, DTypeError
from neurona.optimizers.base import Optimizer
from neurona.optimizers.loss_scale import LossScaleOptimizer
from neurona.registry import Config, deserialize_keras_object, export, serialize_keras_object
from neurona.variable import Variable

__all__ = ["MultiOptimizer", "OptimizerMap"]

# A file names the patterns and the paths they are held against, and there are patterns that take years on a short text.
_LONGEST_PATH = 500
_REPETITIONS, _CHOICES = 2, 4  # the work grows with a path's length to the power of the first, and by 2 to the second
_MOST_PATTERNS = 100
_HARMLESS = re.compile(
    r"""(?: [^\\()\[\]{}*+?|^$.]            # a letter
          | \\[^0-9A-Zxug]                  # a class such as \d, or a sign for itself; no reference to a group
          | \. | \[ \^? [^\\\[\]]+ \] | [|^$]
          | \( (?: \?: )? | \) (?! [*+?{] ) # a group is not repeated
          | [*+?]
        )*""",
    re.VERBOSE,
)


@export("keras.optimizers")
class OptimizerMap(MutableMapping[str, Optimizer]):
    """Which optimizer moves a variable, by the variable's path: an exact path, or a pattern for the whole of it.

    Args:
        default_optimizer: for the variables that nothing else fits.
        optimizer_map: a dict of optimizers by path or pattern (as of `re.fullmatch`).

    Raises:
        DTypeError: no optimizer, or no dict.

    >>> from neurona.optimizers import SGD, Adam
    >>> chosen = OptimizerMap(SGD(), {"encoder/.*": Adam()})
    >>> [type(chosen[path]).__name__ for path in ("encoder/dense/kernel", "decoder/kernel")]
    ['Adam', 'SGD']
    """

    def __init__(self, default_optimizer: Optimizer, optimizer_map: dict[str, Optimizer] | None = None) -> None:
        if not isinstance(default_optimizer, Optimizer):
            raise DTypeError(f"default_optimizer must be a Keras Optimizer instance. Received: {default_optimizer}")
        if optimizer_map is not None and not isinstance(optimizer_map, dict):
            raise DTypeError(f"optimizer_map must be a dictionary. Received: {optimizer_map}")
        self._default_optimizer = default_optimizer
        self._optimizer_map = optimizer_map or {}

    @property
    def default_optimizer(self) -> Optimizer:
        """The optimizer of all variables that nothing else fits."""
        return self._default_optimizer

    def __getitem__(self, key: str) -> Optimizer:
        """The optimizer for a path.

        Raises:
            ArgumentError: several patterns fit, or a path too long for patterns.
        """
        if key in self._optimizer_map:
            return self._optimizer_map[key]
        if self._optimizer_map and len(key) > _LONGEST_PATH:
            raise ArgumentError(
                f"Expected a variable's path of at most {_LONGEST_PATH} characters. Received: {len(key)}, beginning with "
                f"{key[:40]!r}. Give its layers shorter names."
            )
        fitting = []
        for pattern in self._optimizer_map:
            ask_step()
            if re.fullmatch(pattern, key):
                fitting.append(pattern)
        if len(fitting) > 1:
            raise ArgumentError(f"Multiple optimizers assigned to variable {key}. Received: the patterns {fitting}.")
        return self._optimizer_map[fitting[0]] if fitting else self._default_optimizer

    def __setitem__(self, key: str, optimizer: Optimizer) -> None:
        if key in self._optimizer_map:
            raise ArgumentError(
                f"'{key}' already exists in the OptimizerMap with value {self._optimizer_map[key]}. Please make sure to "
                "not use duplicated keys."
            )
        if not isinstance(key, str):
            raise ArgumentError(f"key must be a string. Received: {key}")
        if not isinstance(optimizer, Optimizer):
            raise ArgumentError(f"optimizer must be a Keras Optimizer instance. Received: {optimizer}")
        for kind in (LossScaleOptimizer, MultiOptimizer):
            if isinstance(optimizer, kind):
                raise ArgumentError(f"optimizer cannot be {kind.__name__}. Received: {optimizer}")
        self._optimizer_map[key] = optimizer

    def __delitem__(self, key: str) -> None:
        del self._optimizer_map[key]

    def __len__(self) -> int:
        return len(self._optimizer_map)

    def __iter__(self) -> Iterator[str]:
        return iter(self._optimizer_map)

    def __call__(self, variable: Variable) -> Optimizer:
        """The optimizer of a variable."""
        return self[variable.path]

    def get_config(self) -> Config:
        """The constructor's arguments, ready for JSON."""
        return {
            "default_optimizer": serialize_keras_object(self._default_optimizer),
            "optimizer_map": serialize_keras_object(self._optimizer_map),
        }

    @classmethod
    def from_config(cls, config: Config, custom_objects: Config | None = None) -> OptimizerMap:
        """The map of a configuration.

        Raises:
            ArgumentError: a pattern that may take very long (more than two repetitions, a repeated group), or too many.
        """
        chosen = deserialize_keras_object(config["optimizer_map"], custom_objects)
        if not isinstance(chosen, dict) or len(chosen) > _MOST_PATTERNS:
            raise ArgumentError(
                f"The configuration of an OptimizerMap may hold a dict of {_MOST_PATTERNS} patterns. "
                f"Received: {type(chosen).__name__} of {len(chosen) if hasattr(chosen, '__len__') else 0}."
            )
        for pattern in chosen:
            _refuse_slow(pattern)
        return cls(deserialize_keras_object(config["default_optimizer"], custom_objects), chosen)


def _refuse_slow(pattern: str) -> None:
    repetitions = sum(map(pattern.count, "*+?")) - pattern.count("(?:")
    quick = repetitions <= _REPETITIONS and pattern.count("|") <= _CHOICES and len(pattern) <= _LONGEST_PATH
    if not quick or _HARMLESS.fullmatch(pattern) is None:
        raise ArgumentError(
            f"A pattern of an OptimizerMap that comes from a configuration may hold {_REPETITIONS} of '*', '+' and '?', none "
            f"of them behind a group, and {_CHOICES} of '|'. Received: {pattern[:80]!r}. Make the map in your program instead."
        )


@export("keras.optimizers")
class MultiOptimizer(Optimizer):
    """Hands each variable to the optimizer that is chosen for it.

    It has no `learning_rate` of its own: each of its `optimizers` has one.

    Args:
        optimizer_map: an `OptimizerMap`, or a function that gives a variable's optimizer.
        loss_scale_factor: the loss was multiplied by it; it takes the place of those of the optimizers.
        name: what it is called.

    Raises:
        ArgumentError: when it is built, an optimizer that cannot be one of several.

    >>> import neurona
    >>> from neurona.optimizers import SGD
    >>> slow, fast = neurona.Variable([1.0], name="slow"), neurona.Variable([1.0], name="fast")
    >>> both = MultiOptimizer(OptimizerMap(SGD(0.1), {"fast": SGD(0.5)}))
    >>> both.apply([neurona.Tensor([1.0]), neurona.Tensor([1.0])], [slow, fast])
    >>> slow.numpy(), fast.numpy()
    (array([0.9], dtype=float32), array([0.5], dtype=float32))
    """

    def __init__(
        self,
        optimizer_map: OptimizerMap | Callable[[Variable], Optimizer],
        loss_scale_factor: float | None = None,
        name: str | None = None,
    ) -> None:
        super().__init__(learning_rate=0.0, loss_scale_factor=loss_scale_factor, name=name)
        self._optimizer_map = optimizer_map
        self._inner_optimizers: list[Optimizer] = []
        if isinstance(optimizer_map, OptimizerMap):
            for optimizer in (*(optimizer_map[key] for key in optimizer_map), optimizer_map.default_optimizer):
                self._join(optimizer)

    def _join(self, optimizer: Optimizer) -> int:
        """The place of an optimizer among the others, at their end if it is new."""
        for place, known in enumerate(self._inner_optimizers):
            if known is optimizer:
                return place
        optimizer.loss_scale_factor = self.loss_scale_factor
        self._inner_optimizers.append(optimizer)
        return len(self._inner_optimizers) - 1

    @property
    def optimizers(self) -> list[Optimizer]:
        """Those that move the variables."""
        return self._inner_optimizers

    @property
    def variables(self) -> list[Variable]:
        return [*self._variables, *(v for optimizer in self._inner_optimizers for v in optimizer.variables)]

    @property
    def learning_rate(self) -> Any:
        """There is none: each of the optimizers has its own."""
        raise AttributeError(
            "Learning rate cannot be accessed on a MultiOptimizer. Access the learning rate on the individual "
            "sub-optimizers instead."
        )

    @learning_rate.setter
    def learning_rate(self, learning_rate: Any) -> None:
        raise AttributeError(
            "Learning rate cannot be set on a MultiOptimizer. Set the learning rate on the individual sub-optimizers "
            f"instead. Received: {learning_rate}"
        )

    @property
    def loss_scale_factor(self) -> float | None:
        """What the loss is multiplied by, the same for all."""
        return self._loss_scale_factor

    @loss_scale_factor.setter
    def loss_scale_factor(self, factor: float | None) -> None:
        self._loss_scale_factor = factor
        for optimizer in self.__dict__.get("_inner_optimizers", ()):
            optimizer.loss_scale_factor = factor

    def build(self, variables: Sequence[Variable]) -> None:
        if self.built:
            return
        self._places: dict[int, int] = {}  # a trained variable's id -> the place of its optimizer
        for variable in variables:
            chosen = self._optimizer_map(variable)
            if not isinstance(chosen, Optimizer):
                raise ArgumentError(
                    f"Optimizer for variable {variable} is not an Optimizer instance. Received: {chosen}"
                )
            if isinstance(chosen, (LossScaleOptimizer, MultiOptimizer)):
                raise ArgumentError(
                    f"{type(chosen).__name__} cannot be used inside a MultiOptimizer. Received: {chosen} for {variable}"
                )
            self._places[id(variable)] = self._join(chosen)
        for optimizer, own in self._shared_out(variables, variables):
            optimizer.build([variable for _, variable in own])
            optimizer.built = True
        super().build(variables)

    def _shared_out(
        self, things: Sequence[Any], variables: Sequence[Variable]
    ) -> list[tuple[Optimizer, list[tuple[Any, Variable]]]]:
        """For each optimizer that has something to do, its variables, each with the thing that belongs to it."""
        shares: list[list[tuple[Any, Variable]]] = [[] for _ in self._inner_optimizers]
        for thing, variable in zip(things, variables, strict=True):
            place = self._places.get(id(variable))
            if place is None:
                raise ArgumentError(
                    f"Unknown variable: {variable}. This optimizer can only be called for the variables it was "
                    "originally built with. Make a new optimizer for new variables."
                )
            shares[place].append((thing, variable))
        return [(o, own) for o, own in zip(self._inner_optimizers, shares, strict=True) if own]

    def apply(self, grads: Sequence[Any], trainable_variables: Sequence[Variable] | None = None) -> None:
        if len(grads) == 0:
            return
        variables = self._told(grads, trainable_variables)
        for optimizer, own in self._shared_out(grads, variables):
            optimizer.apply([g for g, _ in own], [variable for _, variable in own])
        count = self._iterations.data
        count[...] = int(count) + 1

    def finalize_variable_values(self, var_list: Sequence[Variable]) -> None:
        for optimizer, own in self._shared_out(var_list, var_list):
            optimizer.finalize_variable_values([variable for _, variable in own])

    def get_config(self) -> Config:
        return {
            "optimizer_map": serialize_keras_object(self._optimizer_map),
            "loss_scale_factor": self.loss_scale_factor,
            "name": self.name,
        }

    @classmethod
    def from_config(cls, config: Config, custom_objects: Config | None = None) -> MultiOptimizer:
        settings = dict(config)
        settings["optimizer_map"] = deserialize_keras_object(settings["optimizer_map"], custom_objects)
        return cls(**settings)
