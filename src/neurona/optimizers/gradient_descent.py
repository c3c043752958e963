"""SGD: gradient descent, with momentum or without. Leans on `neurona.optimizers.arrays`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from neurona import kernels
from neurona.errors import ArgumentError
from neurona.optimizers.arrays import ArrayOptimizer, states
from neurona.registry import Config, export
from neurona.tensor import Array
from neurona.variable import Variable

__all__ = ["SGD"]


@export("keras.optimizers")
class SGD(ArrayOptimizer):
    """Gradient descent: w <- w - rate · g; with momentum, m <- momentum · m - rate · g and w <- w + m.

    Args:
        learning_rate: a float, a schedule, or a function that gives it.
        momentum: how much of the last step is repeated, from 0 to 1.
        nesterov: look ahead: w <- w + momentum · m - rate · g.
        weight_decay, clipnorm, clipvalue, global_clipnorm, use_ema, ema_momentum, ema_overwrite_frequency,
        loss_scale_factor, gradient_accumulation_steps, name: see `Optimizer`.

    >>> import neurona
    >>> w = neurona.Variable([1.0, 2.0])
    >>> SGD(learning_rate=0.5).apply([neurona.Tensor([1.0, 1.0])], [w])
    >>> w.numpy()
    array([0.5, 1.5], dtype=float32)

    Source: Sutskever et al., "On the importance of initialization and momentum in deep learning" (2013).
    """

    row_slots = ("momentums",)

    def __init__(
        self,
        learning_rate: Any = 0.01,
        momentum: float = 0.0,
        nesterov: bool = False,
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
        if not isinstance(momentum, float) or not 0 <= momentum <= 1:
            raise ArgumentError(f"`momentum` must be a float between [0, 1]. Received: momentum={momentum}")
        self.momentum, self.nesterov = momentum, nesterov

    def rests(self) -> bool:
        return not self.momentum

    def build(self, variables: Sequence[Variable]) -> None:
        if self.built:
            return
        super().build(variables)
        self.momentums: list[Any] = self.add_optimizer_variables(variables, "momentum") if self.momentum else []

    def move(self, g: Array, w: Array, index: int, rate: float) -> None:
        (step,) = self._scratch(w, 1)
        np.multiply(g, rate, out=step)
        if self.momentum:
            m = self.momentums[index].data
            m *= self.momentum
            m -= step
            if self.nesterov:
                w -= step
                np.multiply(m, self.momentum, out=step)
                w += step
            else:
                w += m
        else:
            w -= step

    def compiled(self, g: list[Array], w: list[Array], indices: list[int], rate: float, decay: Any) -> Any:
        m = states(self.momentums, indices) if self.momentum else None
        return kernels.native.sgd(w, g, m, rate, self.momentum, self.nesterov, decay)

    def compiled_rows(
        self, g: Array, rows: Array, w: Array, slots: list[Array | None], rate: float, decay: float
    ) -> Any:
        return kernels.native.sgd_rows(w, rows, g, *slots, rate, self.momentum, self.nesterov, decay)

    def get_config(self) -> Config:
        return {**super().get_config(), "momentum": self.momentum, "nesterov": self.nesterov}
