"""Adafactor: Adam's second average of a matrix kept as one row and one column."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from neurona.optimizers.arrays import ArrayOptimizer
from neurona.optimizers.gradients import norm
from neurona.registry import Config, export
from neurona.tensor import Array
from neurona.variable import Variable

__all__ = ["Adafactor"]


def _root_mean_square(x: Array) -> float:
    return norm([x]) / math.sqrt(max(x.size, 1))


@export("keras.optimizers")
class Adafactor(ArrayOptimizer):
    """Adafactor: the size of a matrix's gradients from the means of its rows and columns, v = r cᵀ / mean(r).

    The step u = g / sqrt(v) is cut to root mean square `clip_threshold` and scaled by max(epsilon_2, rms(w))
    and by min(rate, 1 / sqrt(t)); the averages' momentum grows as 1 - t^beta_2_decay.

    Args:
        learning_rate: a float, a schedule, or a function that gives it.
        beta_2_decay: how the momentum grows, below 0.
        epsilon_1: added to the square of the gradient.
        epsilon_2: the least scale of a step.
        clip_threshold: the largest root mean square of u.
        relative_step: let the rate fall as 1 / sqrt(t) at least, when it is a number.
        weight_decay, clipnorm, clipvalue, global_clipnorm, use_ema, ema_momentum, ema_overwrite_frequency,
        loss_scale_factor, gradient_accumulation_steps, name: see `Optimizer`.

    Source: Shazeer & Stern, "Adafactor: Adaptive Learning Rates with Sublinear Memory Cost" (2018).
    """

    def __init__(
        self,
        learning_rate: Any = 0.001,
        beta_2_decay: float = -0.8,
        epsilon_1: float = 1e-30,
        epsilon_2: float = 0.001,
        clip_threshold: float = 1.0,
        relative_step: bool = True,
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
        self.beta_2_decay, self.epsilon_1, self.epsilon_2 = beta_2_decay, epsilon_1, epsilon_2
        self.clip_threshold, self.relative_step = clip_threshold, relative_step

    def build(self, variables: Sequence[Variable]) -> None:
        if self.built:
            return
        super().build(variables)
        self._r: list[Any] = []
        self._c: list[Any] = []
        self._v: list[Any] = []
        for variable in variables:
            if variable.ndim < 2:  # no rows and columns: two numbers hold their places in the state
                self._r.append(self.add_variable((), name=variable.name))
                self._c.append(self.add_variable((), name=variable.name))
            elif variable.overwrite_with_gradient:
                self._r.append(None)
                self._c.append(None)
            else:
                rows, columns = variable.shape[:-1], (*variable.shape[:-2], variable.shape[-1])
                self._r.append(self.add_variable(rows, dtype=variable.dtype, name=variable.name))
                self._c.append(self.add_variable(columns, dtype=variable.dtype, name=variable.name))
            own = None if variable.overwrite_with_gradient else self.add_variable_from_reference(variable, "velocity")
            self._v.append(own)

    def move(self, g: Array, w: Array, index: int, rate: float) -> None:
        t = self._local_step()
        v = self._v[index].data
        a, b = self._scratch(w, 2)
        step = min(rate, 1.0 / math.sqrt(t)) * max(self.epsilon_2, _root_mean_square(w))
        momentum = 1.0 - t**self.beta_2_decay
        np.multiply(g, g, out=a)
        a += self.epsilon_1
        if w.ndim >= 2:
            r, c = self._r[index].data, self._c[index].data
            for average, axis in ((r, -1), (c, -2)):
                average *= momentum
                average += (1.0 - momentum) * a.mean(axis=axis)
            share = r / r.mean(axis=-1, keepdims=True)
            np.multiply(share[..., None], c[..., None, :], out=v)
        else:
            v *= momentum
            a *= 1.0 - momentum
            v += a
        np.sqrt(v, out=b)
        np.divide(g, b, out=a)
        a *= step / max(1.0, _root_mean_square(a) / self.clip_threshold)
        w -= a

    def get_config(self) -> Config:
        return {
            **super().get_config(),
            "beta_2_decay": self.beta_2_decay,
            "epsilon_1": self.epsilon_1,
            "epsilon_2": self.epsilon_2,
            "clip_threshold": self.clip_threshold,
            "relative_step": self.relative_step,
        }
