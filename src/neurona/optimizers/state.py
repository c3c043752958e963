"""State: what an optimizer keeps: its variables, the count of steps, the learning rate; and how that is saved.

The base of `neurona.optimizers.base.Optimizer`, which adds what an optimizer does with it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy.typing as npt

from neurona import config as settings
from neurona.errors import ArgumentError, DTypeError, NotBuiltError
from neurona.optimizers.schedules import FormulaSchedule, LearningRateSchedule
from neurona.parts import initializers
from neurona.symbolic import Shape
from neurona.tensor import Tensor, TensorLike, as_array, leave_recording
from neurona.variable import Variable
from neurona.warn import warn_caller

__all__ = ["OptimizerState"]

Slots = list[Any]  # one optimizer variable for each trained one; None where there is none


class OptimizerState:
    """The variables of an optimizer and its learning rate."""

    name: str
    built: bool
    _variables: list[Variable]
    _iterations: Variable

    def __init__(self, name: str, learning_rate: Any) -> None:
        object.__setattr__(self, "_variables", [])
        self.name, self.built = name, False
        self._iterations = self.add_variable((), dtype="int64", name="iteration")
        self._learning_rate: Any = None
        if isinstance(learning_rate, LearningRateSchedule) or callable(learning_rate):
            self._learning_rate = learning_rate
        elif isinstance(learning_rate, float):
            self._learning_rate = self._rate_variable(learning_rate)
        else:
            raise ArgumentError(
                "Argument `learning_rate` should be float, or an instance of LearningRateSchedule, or a "
                "callable (that takes no arguments and returns the rate). "
                f"Received instead: learning_rate={learning_rate}"
            )

    # -- variables ----------------------------------------------------------------------------------------------

    def __setattr__(self, name: str, value: Any) -> None:
        if "_variables" not in self.__dict__:
            raise RuntimeError(
                f"In optimizer '{type(self).__name__}', you forgot to call `super().__init__()` as the first "
                "statement in the `__init__()` method."
            )
        if isinstance(value, Variable) and all(value is not v for v in self._variables):
            self._variables.append(value)  # a variable in an attribute is part of the state
        object.__setattr__(self, name, value)

    @property
    def variables(self) -> list[Variable]:
        """The state: the count of steps, the learning rate, then what `build` made."""
        return list(self._variables)

    @property
    def derived(self) -> list[Variable]:
        """Those of `variables` that follow from the count of steps."""
        return []

    def add_variable(
        self,
        shape: Shape,
        initializer: Any = "zeros",
        dtype: npt.DTypeLike | None = None,
        aggregation: str = "none",
        layout: Any = None,
        name: str | None = None,
    ) -> Variable:
        """Add a variable to the state.

        Args:
            shape: its axes.
            initializer: an initializer or its name.
            dtype: `floatx` by default.
            aggregation, layout: accepted as in Keras; one process needs neither.
            name: the last part of its path.
        """
        variable = Variable(
            initializers.get(initializer),
            tuple(shape),
            dtype or settings.floatx(),
            trainable=False,
            name=name,
        )
        variable.path = f"{self.name}/{variable.name}"
        self._variables.append(variable)
        return variable

    def add_variable_from_reference(
        self, reference_variable: Variable, name: str | None = None, initializer: Any = "zeros"
    ) -> Variable:
        """Add a variable of the shape and dtype of a trained one, called ``<its path>_<name>``."""
        own = f"{reference_variable.path.replace('/', '_')}_{name or 'var'}"
        return self.add_variable(reference_variable.shape, initializer, reference_variable.dtype, name=own)

    def add_optimizer_variables(
        self, trainable_variables: Iterable[Variable], name: Any, initializer: Any = "zeros"
    ) -> Any:
        """Add a variable for each trained one, or several for each when `name` is a list.

        Returns:
            a list with one entry for each variable (``None`` for one that its gradient overwrites); for a
            list of names a tuple of such lists.
        """
        names = [name] if isinstance(name, str) else list(name)
        starts = list(initializer) if isinstance(initializer, (list, tuple)) else [initializer] * len(names)
        if len(names) != len(starts):
            raise ArgumentError(
                "The number of provided names must match the number of provided initializers. "
                f"Received name='{name}', initializer='{initializer}'"
            )
        made: tuple[Slots, ...] = tuple([] for _ in names)
        for variable in trainable_variables:
            for slots, one, start in zip(made, names, starts, strict=True):
                known = variable.overwrite_with_gradient
                slots.append(None if known else self.add_variable_from_reference(variable, one, start))
        return made[0] if isinstance(name, str) else made

    # -- the learning rate --------------------------------------------------------------------------------------

    def _rate_variable(self, rate: float) -> Variable:
        return self.add_variable((), initializers.Constant(rate), name="learning_rate")

    def _rate(self) -> float:
        """The learning rate of this step."""
        rate = self._learning_rate
        if isinstance(rate, Variable):
            return float(rate.data)
        if isinstance(rate, FormulaSchedule):
            return float(rate(int(self._iterations.data)))
        value = rate(self._iterations) if isinstance(rate, LearningRateSchedule) else rate()
        return float(as_array(value))

    @property
    def learning_rate(self) -> Any:
        """The learning rate now: a variable, or a tensor where it follows a schedule. It can be set."""
        if isinstance(self._learning_rate, Variable):
            return self._learning_rate
        leave_recording(self._iterations, "the learning rate of a schedule")
        return Tensor(self._rate())

    @learning_rate.setter
    def learning_rate(self, learning_rate: Any) -> None:
        before = self._learning_rate
        if isinstance(learning_rate, LearningRateSchedule) or (
            callable(learning_rate) and not isinstance(learning_rate, Tensor)
        ):
            self._learning_rate = learning_rate
            if isinstance(before, Variable):
                self._variables = [v for v in self._variables if v is not before]
        elif isinstance(before, LearningRateSchedule):
            raise DTypeError(
                "This optimizer was created with a `LearningRateSchedule` object as its `learning_rate` "
                "constructor "
                "argument, hence its learning rate is not settable. Give it a float when you make it."
            )
        elif isinstance(before, Variable):
            before.assign(as_array(learning_rate, before.data.dtype))
        else:
            self._learning_rate = self._rate_variable(float(learning_rate))

    # -- saving -------------------------------------------------------------------------------------------------

    def save_own_variables(self, store: Any) -> None:
        """Put the state into `store`, under "0", "1", ..."""
        for i, variable in enumerate(self.variables):
            store[str(i)] = variable.numpy()

    def load_own_variables(self, store: Any) -> None:
        """Take the state from `store`; one of another length is passed over with a warning.

        Keras 2 stored the count of steps and arrays, but no other number, such as the learning rate: those stay.
        """
        arrays = self._filled_up([store[key] for key in sorted(store.keys(), key=int)])
        if arrays is None:
            warn_caller(
                f"Skipping variable loading for optimizer '{self.name}', because it has {len(self.variables)} "
                "variables "
                f"whereas the saved optimizer has {len(store.keys())} variables.",
            )
            return
        for variable, array in zip(self.variables, arrays, strict=True):
            variable.assign(array)

    def _filled_up(self, arrays: list[Any]) -> list[Any] | None:
        """One array for each variable, or ``None`` where they do not fit.

        Single numbers go to the variables that are one: where Keras keeps them among the others changed with its versions.
        """
        shapes = [tuple(variable.shape) for variable in self.variables]
        if [tuple(array.shape) for array in arrays] == shapes:
            return arrays
        given = [array for array in arrays if array.shape == ()]
        own = [variable.numpy() for variable in self.variables if variable.shape == ()]
        numbers = iter(given if len(given) == len(own) else [*given[:1], *own[1:]])
        others = iter([array for array in arrays if array.shape != ()])
        found = [next(others if shape else numbers, None) for shape in shapes]
        fits = len(given) in (1, len(own)) and 0 < len(arrays) - len(given) == len(shapes) - len(own)
        return found if fits else None

    def set_weights(self, weights: Sequence[TensorLike]) -> None:
        """Give the state new values, in the order of `variables`."""
        if not self.built:
            raise NotBuiltError(
                "You are calling `set_weights()` on an optimizer that has not yet been built. Please call "
                "`optimizer.build(trainable_variables)` to create the optimizer weights first."
            )
        for variable, weight in zip(self.variables, weights, strict=False):
            variable.assign(weight)
