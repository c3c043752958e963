"""RMSprop, Adagrad and Adadelta: each weight's step is divided by the size its gradients have had.

Leans on `neurona.optimizers.arrays`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from neurona import kernels
from neurona.optimizers.arrays import ArrayOptimizer, states
from neurona.parts import initializers
from neurona.registry import Config, export
from neurona.tensor import Array
from neurona.variable import Variable

__all__ = ["Adadelta", "Adagrad", "RMSprop"]


def blend(average: Array, target: Array, rho: float) -> None:
    """Let a moving average follow: average <- rho · average + (1 - rho) · target. Spoils `target`."""
    average *= rho
    target *= 1.0 - rho
    average += target


@export("keras.optimizers", "rmsprop")
class RMSprop(ArrayOptimizer):
    """RMSprop: v <- rho v + (1 - rho) g², w <- w - rate · g / sqrt(v + epsilon).

    Args:
        learning_rate: a float, a schedule, or a function that gives it.
        rho: the momentum of the average square.
        momentum: how much of the last step is repeated.
        epsilon: keeps the quotient finite.
        centered: measure the size about the average gradient: divide by sqrt(v - mean² + epsilon).
        weight_decay, clipnorm, clipvalue, global_clipnorm, use_ema, ema_momentum, ema_overwrite_frequency,
        loss_scale_factor, gradient_accumulation_steps, name: see `Optimizer`.

    Source: Tieleman & Hinton, "Neural Networks for Machine Learning", lecture 6.5 (2012).
    """

    row_slots = ("_velocities", "_average_gradients", "_momentums")

    def __init__(
        self,
        learning_rate: Any = 0.001,
        rho: float = 0.9,
        momentum: float = 0.0,
        epsilon: float = 1e-07,
        centered: bool = False,
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
        super().__init__(
            learning_rate, weight_decay, clipnorm, clipvalue, global_clipnorm, use_ema, ema_momentum,
            ema_overwrite_frequency, loss_scale_factor, gradient_accumulation_steps, name, **kwargs,
        )  # fmt: skip
        self.rho, self.momentum, self.epsilon, self.centered = rho, momentum, epsilon, centered

    def build(self, variables: Sequence[Variable]) -> None:
        if self.built:
            return
        super().build(variables)
        self._velocities = self.add_optimizer_variables(variables, "velocity")
        self._momentums: list[Any] = []
        if self.momentum > 0:
            self._momentums = self.add_optimizer_variables(variables, "momentum")
        self._average_gradients: list[Any] = []
        if self.centered:
            self._average_gradients = self.add_optimizer_variables(variables, "average_gradient")

    def move(self, g: Array, w: Array, index: int, rate: float) -> None:
        v = self._velocities[index].data
        a, b = self._scratch(w, 2)
        np.multiply(g, g, out=a)
        blend(v, a, self.rho)
        if self.centered:
            mean = self._average_gradients[index].data
            np.copyto(a, g)
            blend(mean, a, self.rho)
            np.multiply(mean, mean, out=a)
            np.subtract(v, a, out=b)
            b += self.epsilon
        else:
            np.add(v, self.epsilon, out=b)
        np.sqrt(b, out=b)
        np.multiply(g, rate, out=a)
        a /= b
        if self.momentum > 0:
            m = self._momentums[index].data
            m *= self.momentum
            m += a
            w -= m
        else:
            w -= a

    def compiled(self, g: list[Array], w: list[Array], indices: list[int], rate: float, decay: Any) -> Any:
        mean = states(self._average_gradients, indices) if self.centered else None
        m = states(self._momentums, indices) if self.momentum > 0 else None
        v = states(self._velocities, indices)
        return kernels.native.rmsprop(w, g, v, mean, m, rate, self.rho, self.momentum, self.epsilon, decay)

    def compiled_rows(
        self, g: Array, rows: Array, w: Array, slots: list[Array | None], rate: float, decay: float
    ) -> Any:
        return kernels.native.rmsprop_rows(
            w, rows, g, *slots, rate, self.rho, self.momentum, self.epsilon, decay
        )  # fmt: skip

    def get_config(self) -> Config:
        return {
            **super().get_config(),
            "rho": self.rho,
            "momentum": self.momentum,
            "epsilon": self.epsilon,
            "centered": self.centered,
        }


@export("keras.optimizers")
class Adagrad(ArrayOptimizer):
    """Adagrad: s <- s + g², w <- w - rate · g / sqrt(s + epsilon); steps only shrink.

    Args:
        learning_rate: a float, a schedule, or a function that gives it.
        initial_accumulator_value: what s starts from.
        epsilon: keeps the quotient finite.
        weight_decay, clipnorm, clipvalue, global_clipnorm, use_ema, ema_momentum, ema_overwrite_frequency,
        loss_scale_factor, gradient_accumulation_steps, name: see `Optimizer`.

    Source: Duchi, Hazan & Singer, "Adaptive Subgradient Methods" (2011).
    """

    row_slots = ("_accumulators",)

    def __init__(
        self,
        learning_rate: Any = 0.001,
        initial_accumulator_value: float = 0.1,
        epsilon: float = 1e-07,
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
        super().__init__(
            learning_rate, weight_decay, clipnorm, clipvalue, global_clipnorm, use_ema, ema_momentum,
            ema_overwrite_frequency, loss_scale_factor, gradient_accumulation_steps, name, **kwargs,
        )  # fmt: skip
        self.initial_accumulator_value, self.epsilon = initial_accumulator_value, epsilon

    def rests(self) -> bool:
        return True

    def build(self, variables: Sequence[Variable]) -> None:
        if self.built:
            return
        super().build(variables)
        start = initializers.Constant(self.initial_accumulator_value)
        self._accumulators = self.add_optimizer_variables(variables, "accumulator", start)

    def move(self, g: Array, w: Array, index: int, rate: float) -> None:
        total = self._accumulators[index].data
        a, b = self._scratch(w, 2)
        np.multiply(g, g, out=a)
        total += a
        np.add(total, self.epsilon, out=b)
        np.sqrt(b, out=b)
        np.multiply(g, rate, out=a)
        a /= b
        w -= a

    def get_config(self) -> Config:
        own = {"initial_accumulator_value": self.initial_accumulator_value, "epsilon": self.epsilon}
        return {**super().get_config(), **own}


@export("keras.optimizers")
class Adadelta(ArrayOptimizer):
    """Adadelta: steps measured by the steps before.

    d = -g · sqrt(D + epsilon) / sqrt(v + epsilon), w <- w + rate · d, where v and D are the moving averages
    of g² and d².

    Args:
        learning_rate: a float, a schedule, or a function that gives it; the paper's rule has 1.0.
        rho: the momentum of the averages.
        epsilon: keeps the quotient finite, and gets the first steps going.
        weight_decay, clipnorm, clipvalue, global_clipnorm, use_ema, ema_momentum, ema_overwrite_frequency,
        loss_scale_factor, gradient_accumulation_steps, name: see `Optimizer`.

    Source: Zeiler, "ADADELTA: An Adaptive Learning Rate Method" (2012).
    """

    row_slots = ("_accumulated_grads", "_accumulated_delta_vars")

    def __init__(
        self,
        learning_rate: Any = 0.001,
        rho: float = 0.95,
        epsilon: float = 1e-07,
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
        super().__init__(
            learning_rate, weight_decay, clipnorm, clipvalue, global_clipnorm, use_ema, ema_momentum,
            ema_overwrite_frequency, loss_scale_factor, gradient_accumulation_steps, name, **kwargs,
        )  # fmt: skip
        self.rho, self.epsilon = rho, epsilon

    def build(self, variables: Sequence[Variable]) -> None:
        if self.built:
            return
        super().build(variables)
        self._accumulated_grads, self._accumulated_delta_vars = self.add_optimizer_variables(
            variables, ["accumulated_grad", "accumulated_delta_var"]
        )

    def move(self, g: Array, w: Array, index: int, rate: float) -> None:
        v, steps = self._accumulated_grads[index].data, self._accumulated_delta_vars[index].data
        a, b = self._scratch(w, 2)
        np.multiply(g, g, out=a)
        blend(v, a, self.rho)
        np.add(steps, self.epsilon, out=a)
        np.sqrt(a, out=a)
        a *= g
        np.add(v, self.epsilon, out=b)
        np.sqrt(b, out=b)
        a /= b  # the step, upwards
        np.multiply(a, a, out=b)
        blend(steps, b, self.rho)
        a *= rate
        w -= a

    def get_config(self) -> Config:
        return {**super().get_config(), "rho": self.rho, "epsilon": self.epsilon}
