"""LossScaleOptimizer: training in float16 without losing small gradients. Wraps any other optimizer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from neurona.errors import ArgumentError
from neurona.optimizers.base import Optimizer
from neurona.parts import initializers
from neurona.registry import Config, deserialize_keras_object, export, serialize_keras_object
from neurona.row_gradient import RowGradient, as_whole
from neurona.tensor import Array, as_array
from neurona.variable import Variable

__all__ = ["LossScaleOptimizer"]


@export("keras.mixed_precision")
@export("keras.optimizers", "lossscaleoptimizer")
class LossScaleOptimizer(Optimizer):
    """Multiplies the loss by a scale that it finds by itself, and divides the gradients by it.

    A step whose gradients are infinite or NaN is left out, and halves the scale; after enough good ones it
    doubles.

    Args:
        inner_optimizer: moves the weights.
        initial_scale: the scale to begin with.
        dynamic_growth_steps: good steps in a row after which the scale doubles.
        name: what it is called.

    Source: Micikevicius et al., "Mixed Precision Training" (2018).
    """

    def __init__(
        self,
        inner_optimizer: Optimizer,
        initial_scale: float = 32768.0,
        dynamic_growth_steps: int = 2000,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        told = {key: value for key, value in kwargs.items() if value not in (None, False)}
        told = {
            key: value for key, value in told.items() if (key, value) not in (("ema_momentum", 0.99), ("dynamic", True))
        }
        if told or kwargs.get("dynamic", True) is not True:
            raise ArgumentError(
                f"LossScaleOptimizer does not support: {sorted(told) or ['dynamic']}. Set them on the "
                "`inner_optimizer`."
            )
        super().__init__(learning_rate=0.0, name=name)
        self.inner_optimizer = inner_optimizer
        self.initial_scale, self.dynamic_growth_steps = initial_scale, dynamic_growth_steps
        inner_optimizer.loss_scale_factor = None

    def build(self, variables: Sequence[Variable]) -> None:
        self.step_counter = self.add_variable((), dtype="int32", name="step_counter")
        self.dynamic_scale = self.add_variable(
            (), initializers.Constant(self.initial_scale), "float32", name="dynamic_scale"
        )
        self.inner_optimizer.build(variables)
        super().build(variables)

    @property
    def variables(self) -> list[Variable]:
        derived = set(map(id, self.inner_optimizer.derived))  # Keras leaves them out here, and here alone
        return [*self._variables, *(v for v in self.inner_optimizer.variables if id(v) not in derived)]

    @property
    def iterations(self) -> Any:
        return self.inner_optimizer.iterations

    def apply(self, grads: Sequence[Any], trainable_variables: Sequence[Variable] | None = None) -> None:
        if len(grads) == 0:
            return
        variables = self._told(grads, trainable_variables)
        arrays = [g if g is None or type(g) is RowGradient else as_array(g) for g in grads]
        counter, scale = self.step_counter.data, self.dynamic_scale.data
        if not all(g is None or np.isfinite(_numbers(g)).all() for g in arrays):
            counter[...] = 0
            scale *= 0.5
            return
        found = [
            as_whole(g) if g is None or v.overwrite_with_gradient else _divided(g, scale)
            for g, v in zip(arrays, variables, strict=True)
        ]
        self.inner_optimizer.apply(found, variables)
        if int(counter) == self.dynamic_growth_steps - 1:
            counter[...] = 0
            scale *= 2.0
        else:
            counter += 1

    @property
    def learning_rate(self) -> Any:
        """The inner optimizer's learning rate."""
        return self.inner_optimizer.learning_rate

    @learning_rate.setter
    def learning_rate(self, learning_rate: Any) -> None:
        self.inner_optimizer.learning_rate = learning_rate

    def scale_loss(self, loss: Any) -> Any:
        return loss * (float(self.dynamic_scale.data) if self.built else self.initial_scale)

    def finalize_variable_values(self, var_list: Sequence[Variable]) -> None:
        self.inner_optimizer.finalize_variable_values(var_list)

    def get_config(self) -> Config:
        return {
            "name": self.name,
            "inner_optimizer": serialize_keras_object(self.inner_optimizer),
            "initial_scale": self.initial_scale,
            "dynamic_growth_steps": self.dynamic_growth_steps,
        }

    @classmethod
    def from_config(cls, config: Config, custom_objects: Config | None = None) -> LossScaleOptimizer:
        config = dict(config)
        inner = deserialize_keras_object(config.pop("inner_optimizer"), custom_objects)
        return cls(inner, **config)


def _numbers(g: Any) -> Array:
    """All of a gradient that may be something other than 0."""
    return np.asarray(g.values if type(g) is RowGradient else g)


def _divided(g: Any, scale: Array) -> Any:
    values = (_numbers(g) / scale).astype(g.dtype)
    return g.with_values(values) if type(g) is RowGradient else values
