"""Optimizer: what all optimizers share, and the base for your own.

An optimizer changes variables by their gradients. This file holds what surrounds the rule itself: clipping, weight
decay, accumulation of gradients, the moving average of weights, constraints; `neurona.optimizers.state` holds what it
remembers. The rule is `update_step`, in a subclass, for one variable; the rules that come with Neurona lean on
`neurona.optimizers.arrays`, which moves all variables at once.

Everything happens in place on the variables' arrays; gradients are only read.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from neurona.errors import ArgumentError, NotBuiltError
from neurona.names import auto_name
from neurona.optimizers import gradients as prepared
from neurona.optimizers.state import OptimizerState
from neurona.registry import Config, deserialize_keras_object, export, serialize_keras_object
from neurona.row_gradient import RowGradient, as_whole
from neurona.tensor import (
    Array,
    Tensor,
    TensorLike,
    as_array,
    leave_recording,
    running,
    stop_recording,
    wrap,
)
from neurona.variable import Variable
from neurona.warn import warn_caller

__all__ = ["Optimizer"]


@export("keras")
@export("keras.optimizers")
class Optimizer(OptimizerState):
    """The base of all optimizers.

    Your own overrides `build` (its state), `update_step` (its rule) and `get_config`.

    Args:
        learning_rate: a float, a schedule, or a function of no arguments that gives the rate.
        weight_decay: the share of each weight, times the rate, that it loses at every step.
        clipnorm: the largest norm of a single gradient.
        clipvalue: the largest absolute value within a gradient.
        global_clipnorm: the largest norm of all gradients together.
        use_ema: keep a moving average of the weights, which `finalize_variable_values` puts in their place.
        ema_momentum: how slowly the average follows.
        ema_overwrite_frequency: replace the weights by their average every so many steps.
        loss_scale_factor: the loss was multiplied by it (`scale_loss`), so gradients are divided by it.
        gradient_accumulation_steps: move once in so many steps, by the mean of their gradients.
        name: what it is called.

    >>> import neurona
    >>> class Plain(Optimizer):
    ...     def update_step(self, gradient, variable, learning_rate):
    ...         self.assign_sub(variable, gradient * learning_rate)
    >>> w = neurona.Variable([1.0, 2.0])
    >>> Plain(learning_rate=0.5).apply([neurona.Tensor([1.0, 1.0])], [w])
    >>> w.numpy()
    array([0.5, 1.5], dtype=float32)
    """

    def __init__(
        self,
        learning_rate: Any = 0.001,
        weight_decay: float | None = None,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
        use_ema: bool = False,
        ema_momentum: float = 0.99,
        ema_overwrite_frequency: int | None = None,
        loss_scale_factor: float | None = None,
        gradient_accumulation_steps: int | None = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        if kwargs.pop("decay", None) is not None:
            warn_caller("Argument `decay` is no longer supported and will be ignored.")
        if kwargs:
            raise ArgumentError(f"Argument(s) not recognized: {kwargs}")
        if gradient_accumulation_steps and gradient_accumulation_steps < 2:
            raise ArgumentError(
                "`gradient_accumulation_steps` must be an integer >= 2. "
                f"Received: gradient_accumulation_steps={gradient_accumulation_steps}"
            )
        if use_ema:
            _check_average(ema_momentum, ema_overwrite_frequency)
        if sum(a is not None for a in (clipnorm, clipvalue, global_clipnorm)) > 1:
            raise ArgumentError(
                "Only one of `clipnorm`, `clipvalue` and `global_clipnorm` can be set. "
                f"Received: clipnorm={clipnorm}, clipvalue={clipvalue}, global_clipnorm={global_clipnorm}"
            )
        super().__init__(name or auto_name(type(self).__name__), learning_rate)
        self.weight_decay, self.loss_scale_factor = weight_decay, loss_scale_factor
        self.clipnorm, self.clipvalue, self.global_clipnorm = clipnorm, clipvalue, global_clipnorm
        self.use_ema, self.ema_momentum = use_ema, ema_momentum
        self.ema_overwrite_frequency = ema_overwrite_frequency
        self.gradient_accumulation_steps = gradient_accumulation_steps
        self._trainable_variables: list[Variable] = []
        self._indices: dict[int, int] = {}  # a trained variable's id -> its place
        self._not_decayed: set[int] = set()
        self._not_decayed_names: re.Pattern[str] | None = None
        self._scratch = prepared.Scratch()

    # -- state --------------------------------------------------------------------------------------------------

    @property
    def iterations(self) -> Any:
        """How often the weights were moved; with accumulation, the count of completed accumulations."""
        if self.gradient_accumulation_steps:
            leave_recording(self._iterations, "the optimizer's iterations")
            return wrap(np.asarray(self._iterations.data // self.gradient_accumulation_steps))
        return self._iterations

    def build(self, variables: Sequence[Variable]) -> None:
        """Make the state for these variables; `apply` does it at the first step."""
        if self.use_ema:
            self._model_variables_moving_average = self.add_optimizer_variables(variables, "average")
        self._accumulated_gradients: list[Variable] = []
        for i, variable in enumerate(variables):
            self._indices[id(variable)] = i
            if self.gradient_accumulation_steps:
                self._accumulated_gradients.append(
                    self.add_variable_from_reference(variable, name="gradient_accumulator")
                )
        self._trainable_variables = list(variables)
        self.built = True

    def _get_variable_index(self, variable: Variable) -> int:
        """The place of a trained variable in the lists of state."""
        return self._indices[id(variable)]

    # -- the rule: what a subclass says ----------------------------------------------------------------------

    def update_step(self, gradient: Any, variable: Variable, learning_rate: Any) -> None:
        """Move one variable by its gradient; a subclass's own rule."""
        raise NotImplementedError(f"Optimizer '{type(self).__name__}' must override `update_step`.")

    def assign(self, variable: Variable, value: TensorLike) -> None:
        """Give a variable another value."""
        variable.assign(value)

    def assign_add(self, variable: Variable, value: TensorLike) -> None:
        """Add `value` to a variable."""
        variable.assign_add(value)

    def assign_sub(self, variable: Variable, value: TensorLike) -> None:
        """Subtract `value` from a variable."""
        variable.assign_sub(value)

    # -- a step ----------------------------------------------------------------------------------------------

    def apply_gradients(self, grads_and_vars: Iterable[tuple[Any, Variable]]) -> Variable:
        """Take a step, given pairs ``(gradient, variable)``; the count of steps comes back."""
        pairs = list(grads_and_vars)
        self.apply([g for g, _ in pairs], [v for _, v in pairs])
        return self._iterations

    def apply(self, grads: Sequence[Any], trainable_variables: Sequence[Variable] | None = None) -> None:
        """Take a step: move the variables by their gradients.

        Args:
            grads: a gradient for each variable; one that is ``None`` leaves its variable where it is.
            trainable_variables: those the optimizer was built with by default.

        Raises:
            NotBuiltError: no variables given, and none known yet.
            ArgumentError: unknown variables, or gradients of another number or shape.
        """
        if len(grads) == 0:
            return
        variables = self._told(grads, trainable_variables)
        if running.stack:
            _leave_old_values(variables)
            with stop_recording():
                self._step(grads, variables)
        else:
            self._step(grads, variables)
        count = self._iterations.data
        count[...] = int(count) + 1

    def _told(self, grads: Sequence[Any], variables: Sequence[Variable] | None) -> Sequence[Variable]:
        if variables is None:
            if not self.built:
                raise NotBuiltError(
                    "When passing `grads` without `variables`, the optimizer must already be built on a list "
                    "of "
                    "variables. Call `optimizer.build(trainable_variables)` first."
                )
            variables = self._trainable_variables
        elif not self.built:
            self.build(list(variables))
            self.built = True
        if len(grads) != len(variables):
            raise ArgumentError(
                f"Expected a gradient for each of {len(variables)} variables. Received: {len(grads)} gradients."
            )
        return variables

    def _step(self, grads: Sequence[Any], variables: Sequence[Variable]) -> None:
        indices: list[Any] = list(map(self._indices.get, map(id, variables)))
        arrays = None if None in indices else _ready(grads, variables)
        if arrays is None:
            arrays, variables, indices = self._sort_out(grads, variables)
        if arrays:
            self._backend_apply_gradients(arrays, variables, indices)
            for variable in variables:
                if variable.constraint is not None:
                    variable.assign(variable.constraint(variable))

    def _sort_out(
        self, grads: Sequence[Any], variables: Sequence[Variable]
    ) -> tuple[list[Any], list[Variable], list[int]]:
        """The gradients that move weights, their variables and places; errors and exceptions are dealt with."""
        arrays: list[Any] = []
        moved: list[Variable] = []
        indices: list[int] = []
        for g, variable in zip(grads, variables, strict=True):
            index = self._indices.get(id(variable))
            if index is None:
                raise ArgumentError(
                    f"Unknown variable: {variable}. This optimizer can only be called for the variables it "
                    "was "
                    "originally built with. Make a new optimizer for new variables."
                )
            if g is None:
                continue
            array: Any = g if type(g) is RowGradient else as_array(g)
            if array.shape != variable.data.shape:
                raise ArgumentError(
                    f"A gradient must have the shape of its variable. Expected {variable.shape} for "
                    f"'{variable.path}', received {array.shape}."
                )
            if variable.overwrite_with_gradient:
                self._overwrite(variable, as_whole(array), index)
                continue
            if type(array) is RowGradient:
                arrays.append(array.with_values(array.values.astype(variable.data.dtype, copy=False)))
            else:
                arrays.append(array.astype(variable.data.dtype, copy=False))
            moved.append(variable)
            indices.append(index)
        missing = [v.path for g, v in zip(grads, variables, strict=True) if g is None]
        if len(missing) == len(variables):
            raise ArgumentError("No gradients provided for any variable.")
        if missing:
            warn_caller(
                f"Gradients do not exist for variables {missing} when minimizing the loss. If using "
                "`model.compile()`, did you forget to provide a `loss` argument?",
            )
        return arrays, moved, indices

    def _backend_apply_gradients(self, arrays: list[Any], variables: Sequence[Variable], indices: list[int]) -> None:
        """Scale, accumulate and clip the gradients, then move the weights and their average."""
        if self.loss_scale_factor is not None:
            arrays = prepared.scaled(arrays, 1.0 / self.loss_scale_factor, self._scratch)
        steps = self.gradient_accumulation_steps
        if not steps:
            self._move_all(self._clip_gradients(arrays), variables, indices, self._rate())
        else:
            sums = [self._accumulated_gradients[i].data for i in indices]
            for total, g in zip(sums, arrays, strict=True):
                prepared.accumulate(total, g)
            if (int(self._iterations.data) + 1) % steps == 0:
                for total in sums:
                    total /= steps
                arrays = list(map(prepared.accumulated, sums, arrays))
                self._move_all(self._clip_gradients(arrays), variables, indices, self._rate())
                for accumulator in self._accumulated_gradients:
                    accumulator.data[...] = 0
        if self.use_ema:
            self._follow_with_average()

    def _move_all(self, arrays: list[Any], variables: Sequence[Variable], indices: list[int], rate: float) -> None:
        """Decay the weights, then move each by its gradient."""
        arrays = list(map(as_whole, arrays))  # a rule of one's own knows tensors, not rows
        arrays = [g.copy() if np.may_share_memory(g, v.data) else g for g, v in zip(arrays, variables, strict=True)]
        self._apply_weight_decay(variables)
        learning_rate = Tensor(rate)
        for g, variable in zip(arrays, variables, strict=True):
            self.update_step(wrap(g), variable, learning_rate)

    def _clip_gradients(self, gradients: list[Any]) -> list[Any]:
        arrays = [g.data if type(g) is Tensor else g for g in gradients]
        if self.clipnorm and self.clipnorm > 0:
            return prepared.clipped_by_norm(arrays, self.clipnorm, self._scratch)
        if self.global_clipnorm and self.global_clipnorm > 0:
            return prepared.clipped_by_global_norm(arrays, self.global_clipnorm, self._scratch)
        if self.clipvalue and self.clipvalue > 0:
            return prepared.clipped_by_value(arrays, self.clipvalue, self._scratch)
        return arrays

    def _overwrite(self, variable: Variable, array: Array, index: int) -> None:
        """A variable whose "gradient" is its new value; of several accumulated ones the largest counts."""
        if not self.gradient_accumulation_steps:
            np.copyto(variable.data, array, casting="unsafe")
            return
        largest = self._accumulated_gradients[index].data
        np.maximum(largest, array, out=largest)
        if (int(self._iterations.data) + 1) % self.gradient_accumulation_steps == 0:
            np.copyto(variable.data, largest)
            largest[...] = 0

    # -- weight decay ----------------------------------------------------------------------------------------

    def exclude_from_weight_decay(
        self, var_list: Sequence[Variable] | None = None, var_names: Sequence[str] | None = None
    ) -> None:
        """Spare variables from weight decay.

        Args:
            var_list: the variables.
            var_names: patterns; a variable in whose name one is found is spared (``["bias"]``).
        """
        self._not_decayed = {id(v) for v in var_list or ()}
        self._not_decayed_names = re.compile("|".join(var_names)) if var_names else None

    def _use_weight_decay(self, variable: Variable) -> bool:
        names = self._not_decayed_names
        return id(variable) not in self._not_decayed and (names is None or names.search(variable.name) is None)

    def _decay_of(self, variable: Variable) -> float:
        """The weight decay of one variable; 0 for none."""
        return self.weight_decay if self.weight_decay is not None and self._use_weight_decay(variable) else 0.0

    def _decays(self) -> bool:
        """Whether any variable may decay."""
        return self.weight_decay is not None

    def _apply_weight_decay(self, variables: Sequence[Variable]) -> None:
        if not self._decays():
            return
        rate = self._rate()
        for variable in variables:
            decay, w = self._decay_of(variable), variable.data
            if decay:
                (loss,) = self._scratch(w, 1)
                np.multiply(w, decay, out=loss)
                loss *= rate
                w -= loss

    # -- the moving average of the weights -------------------------------------------------------------------

    def _follow_with_average(self) -> None:
        """Let the averages follow the weights, and put them in their place when it is time."""
        done = int(self._iterations.data) // (self.gradient_accumulation_steps or 1)
        momentum = self.ema_momentum if done else 0.0  # the first step starts the average
        for variable, average in zip(self._trainable_variables, self._model_variables_moving_average, strict=True):
            if average is not None:
                (part,) = self._scratch(variable.data, 1)
                np.multiply(variable.data, 1.0 - momentum, out=part)
                average.data *= momentum
                average.data += part
        if self.ema_overwrite_frequency and (done + 1) % self.ema_overwrite_frequency == 0:
            self._overwrite_with_average(self._trainable_variables)

    def _overwrite_with_average(self, variables: Sequence[Variable]) -> None:
        averages = self._model_variables_moving_average
        if len(variables) != len(averages):
            raise ArgumentError(
                f"The length of model variables ({len(variables)}) to override does not match the length of "
                "model "
                f"variables stored in the optimizer ({len(averages)}). Was the optimizer called on your "
                "model?"
            )
        for variable, average in zip(variables, averages, strict=True):
            if average is not None:
                variable.assign(average)

    def finalize_variable_values(self, var_list: Sequence[Variable]) -> None:
        """Give the variables their final values at the end of training: their averages, with `use_ema`."""
        if self.use_ema:
            if not self.built:
                raise NotBuiltError("There are no averages yet. Expected at least one step before, received none.")
            self._overwrite_with_average(var_list)

    def scale_loss(self, loss: Any) -> Any:
        """The loss times `loss_scale_factor`, to be differentiated in its place."""
        return loss if self.loss_scale_factor is None else loss * self.loss_scale_factor

    # -- saving ----------------------------------------------------------------------------------------------

    def get_config(self) -> Config:
        """The constructor's arguments, ready for JSON."""
        rate = self._learning_rate
        return {
            "name": self.name,
            "learning_rate": float(rate.data) if isinstance(rate, Variable) else serialize_keras_object(rate),
            "weight_decay": self.weight_decay,
            "clipnorm": self.clipnorm,
            "global_clipnorm": self.global_clipnorm,
            "clipvalue": self.clipvalue,
            "use_ema": self.use_ema,
            "ema_momentum": self.ema_momentum,
            "ema_overwrite_frequency": self.ema_overwrite_frequency,
            "loss_scale_factor": self.loss_scale_factor,
            "gradient_accumulation_steps": self.gradient_accumulation_steps,
        }

    @classmethod
    def from_config(cls, config: Config, custom_objects: Config | None = None) -> Optimizer:
        """The optimizer of a configuration, without its state."""
        config = dict(config)
        if isinstance(config.get("learning_rate"), dict):
            config["learning_rate"] = deserialize_keras_object(config["learning_rate"], custom_objects)
        return cls(**config)

    def stateless_apply(
        self,
        optimizer_variables: Sequence[TensorLike],
        grads: Sequence[Any],
        trainable_variables: Sequence[TensorLike],
    ) -> tuple[list[Tensor], list[Tensor]]:
        """A step from given values, which changes nothing here.

        Returns:
            the new values of the trained variables and of the state.
        """
        if not self.built:
            raise NotBuiltError(
                f"To call `stateless_apply`, {type(self).__name__} must be built (i.e. its variables must "
                "have been "
                "created). You can build it via `optimizer.build(trainable_variables)`."
            )
        state, trained = self.variables, self._trainable_variables
        for what, own, given in (
            ("optimizer_variables", state, optimizer_variables),
            ("trainable_variables", trained, trainable_variables),
        ):
            if len(own) != len(given):
                raise ArgumentError(f"Expected {len(own)} entries in `{what}`. Received: {len(given)}.")
        everything = [*trained, *state]
        before = [v.data for v in everything]
        try:
            for variable, value in zip(everything, [*trainable_variables, *optimizer_variables], strict=True):
                variable.data = np.array(as_array(value), variable.data.dtype, order="C")
            self.apply(grads)
            after = [wrap(v.data) for v in everything]
        finally:
            for variable, array in zip(everything, before, strict=True):
                variable.data = array
        return after[: len(trained)], after[len(trained) :]


def _check_average(momentum: float, frequency: Any) -> None:
    if momentum > 1 or momentum < 0:
        raise ArgumentError(f"`ema_momentum` must be in the range [0, 1]. Received: ema_momentum={momentum}")
    if frequency and (not isinstance(frequency, int) or frequency < 1):
        raise ArgumentError(
            f"`ema_overwrite_frequency` must be an integer >= 1 or None. Received: ema_overwrite_frequency={frequency}"
        )


def _ready(grads: Sequence[Any], variables: Sequence[Variable]) -> list[Any] | None:
    """The gradients' arrays, where each simply fits its variable: the case of nearly every step; else ``None``.

    A `RowGradient` stays one.
    """
    arrays: list[Any] = []
    for g, variable in zip(grads, variables, strict=True):
        if type(g) is not np.ndarray and type(g) is not RowGradient:
            if not isinstance(g, Tensor):
                return None
            g = g.data
        w = variable.data
        if g.shape != w.shape or g.dtype is not w.dtype or variable.overwrite_with_gradient:
            return None
        arrays.append(g)
    return arrays


def _leave_old_values(variables: Sequence[Variable]) -> None:
    """A tape runs and may still need the weights as they were: go on in new memory."""
    for variable in variables:
        variable.data = variable.data.copy()
    for tape in running.stack:
        if tape.everything and tape.unrepeatable is None:
            tape.unrepeatable = "an optimizer moves the weights within the step"
