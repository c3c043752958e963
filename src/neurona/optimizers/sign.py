"""Lion and Ftrl: rules that look at signs and thresholds. Lean on `neurona.optimizers.arrays`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from neurona.errors import ArgumentError
from neurona.optimizers.arrays import ArrayOptimizer
from neurona.parts import initializers
from neurona.registry import Config, export
from neurona.tensor import Array
from neurona.variable import Variable

__all__ = ["Ftrl", "Lion"]


@export("keras.optimizers")
class Lion(ArrayOptimizer):
    """Lion: w <- w - rate · sign(b1 m + (1 - b1) g), then m <- b2 m + (1 - b2) g.

    All weights step equally far.

    Args:
        learning_rate: a float, a schedule, or a function that gives it; three to ten times smaller than
            Adam's.
        beta_1: b1, how much the direction follows the momentum.
        beta_2: b2, the momentum.
        weight_decay, clipnorm, clipvalue, global_clipnorm, use_ema, ema_momentum, ema_overwrite_frequency,
        loss_scale_factor, gradient_accumulation_steps, name: see `Optimizer`.

    Source: Chen et al., "Symbolic Discovery of Optimization Algorithms" (2023).
    """

    row_slots = ("_momentums",)

    def __init__(
        self,
        learning_rate: Any = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.99,
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
        if beta_1 <= 0 or beta_1 > 1:
            raise ArgumentError(
                "Argument `beta_1` must be in the range (0, 1]; at 0 only the sign of the last gradient "
                "would count. "
                f"Received: beta_1={beta_1}."
            )
        self.beta_1, self.beta_2 = beta_1, beta_2

    def build(self, variables: Sequence[Variable]) -> None:
        if self.built:
            return
        super().build(variables)
        self._momentums = self.add_optimizer_variables(variables, "momentum")

    def move(self, g: Array, w: Array, index: int, rate: float) -> None:
        m = self._momentums[index].data
        a, b = self._scratch(w, 2)
        np.multiply(m, self.beta_1, out=a)
        np.multiply(g, 1.0 - self.beta_1, out=b)
        a += b
        np.sign(a, out=a)
        a *= rate
        np.multiply(g, 1.0 - self.beta_2, out=b)
        m *= self.beta_2
        m += b
        w -= a

    def get_config(self) -> Config:
        return {**super().get_config(), "beta_1": self.beta_1, "beta_2": self.beta_2}


@export("keras.optimizers")
class Ftrl(ArrayOptimizer):
    """Follow the regularized leader: weights set anew from the sum of all gradients, many exactly 0.

    With n the sum of g² and p = -learning_rate_power:
    z <- z + g' - (n_new^p - n^p) / rate · w;  w <- (clip(z, -l1, l1) - z) / (n_new^p / rate + 2 l2'),
    where g' = g + 2 · l2_shrinkage · w and l2' = l2 + beta / (2 · rate).

    Args:
        learning_rate: a float, a schedule, or a function that gives it.
        learning_rate_power: -p, at most 0.
        initial_accumulator_value: what n starts from, at least 0.
        l1_regularization_strength, l2_regularization_strength, l2_shrinkage_regularization_strength: at least
            0.
        beta: added to the quotient's denominator.
        weight_decay, clipnorm, clipvalue, global_clipnorm, use_ema, ema_momentum, ema_overwrite_frequency,
        loss_scale_factor, gradient_accumulation_steps, name: see `Optimizer`.

    Source: McMahan et al., "Ad Click Prediction: a View from the Trenches" (2013).
    """

    row_slots = ("_accumulators", "_linears")

    def __init__(
        self,
        learning_rate: Any = 0.001,
        learning_rate_power: float = -0.5,
        initial_accumulator_value: float = 0.1,
        l1_regularization_strength: float = 0.0,
        l2_regularization_strength: float = 0.0,
        l2_shrinkage_regularization_strength: float = 0.0,
        beta: float = 0.0,
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
        self.learning_rate_power, self.beta = learning_rate_power, beta
        self.initial_accumulator_value = initial_accumulator_value
        self.l1_regularization_strength = l1_regularization_strength
        self.l2_regularization_strength = l2_regularization_strength
        self.l2_shrinkage_regularization_strength = l2_shrinkage_regularization_strength
        if learning_rate_power > 0.0:
            raise ArgumentError(
                "`learning_rate_power` needs to be negative or zero. "
                f"Received: learning_rate_power={learning_rate_power}."
            )
        for argument in (
            "initial_accumulator_value", "l1_regularization_strength", "l2_regularization_strength",
            "l2_shrinkage_regularization_strength",
        ):  # fmt: skip
            if getattr(self, argument) < 0.0:
                raise ArgumentError(
                    f"`{argument}` needs to be positive or zero. Received: {argument}={getattr(self, argument)}."
                )

    def build(self, variables: Sequence[Variable]) -> None:
        if self.built:
            return
        super().build(variables)
        start = initializers.Constant(self.initial_accumulator_value)
        self._accumulators, self._linears = self.add_optimizer_variables(
            variables, ["accumulator", "linear"], [start, "zeros"]
        )

    def move(self, g: Array, w: Array, index: int, rate: float) -> None:
        n, z = self._accumulators[index].data, self._linears[index].data
        power, l1 = -self.learning_rate_power, self.l1_regularization_strength
        l2 = self.l2_regularization_strength + self.beta / (2.0 * rate)
        a, b = self._scratch(w, 2)
        np.power(n, power, out=b)
        np.multiply(g, g, out=a)
        n += a
        np.power(n, power, out=a)
        np.subtract(a, b, out=b)
        b /= rate
        b *= w
        z -= b
        z += g
        np.multiply(w, 2.0 * self.l2_shrinkage_regularization_strength, out=b)
        z += b
        a /= rate
        a += 2.0 * l2
        np.clip(z, -l1, l1, out=b)
        b -= z
        np.divide(b, a, out=w)

    def get_config(self) -> Config:
        return {
            **super().get_config(),
            "learning_rate_power": self.learning_rate_power,
            "initial_accumulator_value": self.initial_accumulator_value,
            "l1_regularization_strength": self.l1_regularization_strength,
            "l2_regularization_strength": self.l2_regularization_strength,
            "l2_shrinkage_regularization_strength": self.l2_shrinkage_regularization_strength,
            "beta": self.beta,
        }
