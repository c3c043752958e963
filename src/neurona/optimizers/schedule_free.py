"""ScheduleFreeAdamW: Adam without momentum, and the mean of all its places in the place of a falling rate.

A falling rate makes the last weights a kind of mean of the last steps. Keeping that mean x of the fast weights z directly
needs no plan of how long training will last. Gradients are taken between the two, at y = (1 - b1) z + b1 x; y is what the
model holds, and x follows from it, so only z and the square of the gradient are remembered. Leans on
`neurona.optimizers.arrays`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from neurona.errors import ArgumentError
from neurona.optimizers.adam import follow
from neurona.optimizers.arrays import ArrayOptimizer
from neurona.registry import Config, export
from neurona.tensor import Array
from neurona.variable import Variable

__all__ = ["ScheduleFreeAdamW"]


@export("keras.optimizers", "schedulefreeadamw")
class ScheduleFreeAdamW(ArrayOptimizer):
    """Steps without a schedule: z <- z - rate g / (sqrt(v / (1 - b2^t)) + epsilon), x <- (1 - 1/t) x + z / t.

    v is the moving average of g², t the number of the step; the weights are y = (1 - b1) z + b1 x.

    Args:
        learning_rate: a float, a schedule, or a function that gives it.
        beta_1: b1, how near to the mean the gradients are taken; more than 0.
        beta_2: b2, the momentum of the average square.
        epsilon: keeps the quotient finite.
        warmup_steps: so many steps long the rate rises from 0.
        weight_decay, clipnorm, clipvalue, global_clipnorm, use_ema, ema_momentum, ema_overwrite_frequency,
        loss_scale_factor, gradient_accumulation_steps, name: see `Optimizer`.

    Raises:
        ArgumentError: `beta_1` is 0 or less.

    >>> import neurona
    >>> w = neurona.Variable([1.0, 2.0])
    >>> ScheduleFreeAdamW(learning_rate=0.5).apply([neurona.Tensor([3.0, -7.0])], [w])
    >>> w.numpy().round(3)  # the first step has the size of the rate
    array([0.5, 2.5], dtype=float32)

    Source: Defazio et al., "The Road Less Scheduled" (2024).
    """

    # a row that no batch names would leave the mean of all steps: tables move as a whole
    row_slots = None

    def __init__(
        self,
        learning_rate: Any = 0.0025,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        warmup_steps: int = 0,
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
        if not beta_1 > 0:
            raise ArgumentError(
                "ScheduleFreeAdamW needs `beta_1` to be more than 0: without it the model would not hold the mean that the "
                f"method keeps. Received: beta_1={beta_1}. For Adam without momentum take RMSprop or AdamW(beta_1=0)."
            )
        super().__init__(
            learning_rate, weight_decay, clipnorm, clipvalue, global_clipnorm, use_ema, ema_momentum,
            ema_overwrite_frequency, loss_scale_factor, gradient_accumulation_steps, name, **kwargs,
        )  # fmt: skip
        self.beta_1, self.beta_2, self.epsilon, self.warmup_steps = beta_1, beta_2, epsilon, warmup_steps

    def build(self, variables: Sequence[Variable]) -> None:
        if self.built:
            return
        super().build(variables)
        self._momentums, self._velocities = self.add_optimizer_variables(variables, ["momentum", "velocity"])
        for fast, variable in zip(self._momentums, variables, strict=True):
            if fast is not None:
                fast.assign(variable)

    def move(self, g: Array, w: Array, index: int, rate: float) -> None:
        z, v = self._momentums[index].data, self._velocities[index].data
        mean, b, c = self._scratch(w, 3)
        t = self._local_step()
        if self.warmup_steps > 0:
            rate *= min(t / self.warmup_steps, 1.0)
        # what the mean was: y = (1 - b1) z + b1 x, with the z of before
        np.multiply(z, 1.0 - self.beta_1, out=b)
        np.subtract(w, b, out=mean)
        mean *= (1.0 - 1.0 / t) / self.beta_1
        np.multiply(g, g, out=b)
        follow(v, b, self.beta_2, c)
        np.sqrt(v, out=b)
        b /= math.sqrt(1.0 - self.beta_2**t)
        b += self.epsilon
        np.divide(g, b, out=b)
        b *= rate
        z -= b
        np.multiply(z, 1.0 / t, out=b)
        mean += b
        mean *= self.beta_1
        np.multiply(z, 1.0 - self.beta_1, out=w)
        w += mean

    def get_config(self) -> Config:
        return {
            **super().get_config(),
            "beta_1": self.beta_1, "beta_2": self.beta_2, "epsilon": self.epsilon, "warmup_steps": self.warmup_steps,
        }  # fmt: skip
