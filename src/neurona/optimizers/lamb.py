"""Lamb: Adam whose step is as long, relative to the weights, in every variable."""

from __future__ import annotations

import numpy as np

from neurona.optimizers.adam import TwoAverages, follow
from neurona.optimizers.gradients import norm
from neurona.registry import export
from neurona.tensor import Array

__all__ = ["Lamb"]


@export("keras.optimizers")
class Lamb(TwoAverages):
    """Adam's direction d, scaled to the weights: w <- w - rate · |w| / |d| · d; made for very large batches.

    Args:
        learning_rate: a float, a schedule, or a function that gives it.
        beta_1: the momentum of the average gradient.
        beta_2: the momentum of the average square.
        epsilon: keeps the quotient finite.
        weight_decay, clipnorm, clipvalue, global_clipnorm, use_ema, ema_momentum, ema_overwrite_frequency,
        loss_scale_factor, gradient_accumulation_steps, name: see `Optimizer`.

    Source: You et al., "Large Batch Optimization for Deep Learning: Training BERT in 76 minutes" (2020).
    """

    def move(self, g: Array, w: Array, index: int, rate: float) -> None:
        m, v = self._firsts[index].data, self._seconds[index].data
        a, b = self._scratch(w, 2)
        follow(m, g, self.beta_1, a)
        np.multiply(g, g, out=b)
        follow(v, b, self.beta_2, a)
        t = self._local_step()
        np.divide(v, 1.0 - self.beta_2**t, out=b)
        np.sqrt(b, out=b)
        b += self.epsilon
        np.divide(m, 1.0 - self.beta_1**t, out=a)
        a /= b
        weights, step = norm([w]), norm([a])
        a *= rate * (weights / step if weights > 0 and step > 0 else 1.0)
        w -= a
