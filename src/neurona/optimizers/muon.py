"""Muon: matrices move by an orthogonal step, everything else by Adam."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from neurona import kernels
from neurona.optimizers.adam import follow
from neurona.optimizers.arrays import ArrayOptimizer
from neurona.registry import Config, export
from neurona.tensor import Array
from neurona.variable import Variable

__all__ = ["Muon", "orthogonal"]

# Jordan et al.: steep at 0, about 1 beyond.
_NEWTON_SCHULZ = (3.4445, -4.7750, 2.0315)


@export("keras.optimizers")
class Muon(ArrayOptimizer):
    """Muon: the momentum of a matrix is brought to singular values near 1 before it becomes the step.

    m <- momentum · m + g; with Nesterov, the direction is g + momentum · m, else m; a few Newton-Schulz steps
    X <- a X + (b X Xᵀ + c (X Xᵀ)²) X make it nearly orthogonal. Vectors, embeddings and excluded layers
    follow Adam.

    Args:
        learning_rate: a float, a schedule, or a function that gives it.
        adam_beta_1, adam_beta_2, adam_weight_decay, epsilon: for the variables that follow Adam.
        weight_decay: for those that follow Muon.
        clipnorm, clipvalue, global_clipnorm, use_ema, ema_momentum, ema_overwrite_frequency,
        loss_scale_factor,
        gradient_accumulation_steps, name: see `Optimizer`.
        exclude_layers: patterns; a variable in whose path one is found follows Adam.
        exclude_embeddings: whether variables with "embedding" in their path follow Adam.
        muon_a, muon_b, muon_c: the coefficients a, b, c.
        adam_lr_ratio: Adam's rate, relative to Muon's.
        momentum: how much of the last direction is kept.
        ns_steps: how many Newton-Schulz steps.
        nesterov: look ahead.
        rms_rate: the root mean square of a step at rate 1 (Adam's is 0.2 to 0.4); ``None`` leaves the step as
            it is.

    Source: Jordan et al., "Muon: An optimizer for hidden layers in neural networks" (2024).
    """

    row_slots = ("momentums", "adam_velocities")

    def __init__(
        self,
        learning_rate: Any = 0.001,
        adam_beta_1: float = 0.9,
        adam_beta_2: float = 0.999,
        adam_weight_decay: float | None = 0.004,
        epsilon: float = 1e-07,
        weight_decay: float | None = 0.004,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
        use_ema: bool = False,
        ema_momentum: float = 0.99,
        ema_overwrite_frequency: int | None = None,
        loss_scale_factor: float | None = None,
        gradient_accumulation_steps: int | None = None,
        name: str | None = None,
        exclude_layers: Sequence[str] | None = None,
        exclude_embeddings: bool = True,
        muon_a: float = 3.4445,
        muon_b: float = -4.775,
        muon_c: float = 2.0315,
        adam_lr_ratio: float = 1,
        momentum: float = 0.95,
        ns_steps: int = 5,
        nesterov: bool = True,
        rms_rate: float | None = 0.2,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            learning_rate, weight_decay, clipnorm, clipvalue, global_clipnorm, use_ema, ema_momentum,
            ema_overwrite_frequency, loss_scale_factor, gradient_accumulation_steps, name, **kwargs,
        )  # fmt: skip
        self.adam_beta_1, self.adam_beta_2, self.epsilon = adam_beta_1, adam_beta_2, epsilon
        self.adam_weight_decay, self.adam_lr_ratio = adam_weight_decay, adam_lr_ratio
        self.muon_a, self.muon_b, self.muon_c = muon_a, muon_b, muon_c
        self.momentum, self.ns_steps, self.nesterov, self.rms_rate = momentum, ns_steps, nesterov, rms_rate
        self.exclude_embeddings, self.exclude_layers = exclude_embeddings, list(exclude_layers or [])

    def _should_use_adamw(self, variable: Variable) -> bool:
        if variable.ndim != 2 or (self.exclude_embeddings and "embedding" in variable.path.lower()):
            return True
        return any(re.search(pattern, variable.path) for pattern in self.exclude_layers)

    def takes_rows(self, variable: Variable) -> bool:
        return self._should_use_adamw(variable)  # an orthogonal step needs the whole matrix

    def build(self, variables: Sequence[Variable]) -> None:
        if self.built:
            return
        super().build(variables)
        self.momentums: list[Any] = [None] * len(variables)
        self.adam_velocities: list[Any] = [None] * len(variables)  # None: this one follows Muon
        for i, variable in enumerate(variables):
            if not variable.overwrite_with_gradient:
                self.momentums[i] = self.add_variable_from_reference(variable, "momentum")
                if self._should_use_adamw(variable):
                    self.adam_velocities[i] = self.add_variable_from_reference(variable, "velocity")

    def move(self, g: Array, w: Array, index: int, rate: float) -> None:
        m, velocity = self.momentums[index].data, self.adam_velocities[index]
        if velocity is not None:
            self._move_by_adam(g, w, m, velocity.data, rate * self.adam_lr_ratio)
            return
        a, b = self._scratch(w, 2)
        np.multiply(m, self.momentum - 1.0, out=a)
        a += g
        m += a
        if self.nesterov:
            np.multiply(m, self.momentum, out=b)
            b += g
        else:
            np.copyto(b, m)
        step = orthogonal(b, self.ns_steps, (self.muon_a, self.muon_b, self.muon_c))
        step *= rate
        if self.rms_rate is not None:
            step *= math.sqrt(max(w.shape)) * self.rms_rate
        w -= step

    def _move_by_adam(self, g: Array, w: Array, m: Array, v: Array, rate: float) -> None:
        t = self._local_step()
        a, b = self._scratch(w, 2)
        follow(m, g, self.adam_beta_1, a)
        np.multiply(g, g, out=b)
        follow(v, b, self.adam_beta_2, a)
        np.sqrt(v, out=b)
        b += self.epsilon
        np.multiply(m, rate * math.sqrt(1.0 - self.adam_beta_2**t) / (1.0 - self.adam_beta_1**t), out=a)
        a /= b
        w -= a

    def _decay_of(self, variable: Variable) -> float:
        decay = self.adam_weight_decay if self._should_use_adamw(variable) else self.weight_decay
        return decay if decay is not None and self._use_weight_decay(variable) else 0.0

    def _decays(self) -> bool:
        return self.weight_decay is not None or self.adam_weight_decay is not None

    def get_config(self) -> Config:
        return {
            **super().get_config(),
            "adam_beta_1": self.adam_beta_1,
            "adam_beta_2": self.adam_beta_2,
            "epsilon": self.epsilon,
            "exclude_layers": self.exclude_layers,
            "muon_a": self.muon_a,
            "muon_b": self.muon_b,
            "muon_c": self.muon_c,
            "adam_lr_ratio": self.adam_lr_ratio,
            "momentum": self.momentum,
            "ns_steps": self.ns_steps,
            "nesterov": self.nesterov,
            "exclude_embeddings": self.exclude_embeddings,
            "adam_weight_decay": self.adam_weight_decay,
            "rms_rate": self.rms_rate,
        }


def orthogonal(x: Array, steps: int, coefficients: tuple[float, float, float] = _NEWTON_SCHULZ) -> Array:
    """A matrix with the singular vectors of `x` and singular values near 1, by `steps` Newton-Schulz steps; new memory.

    X <- a X + (b X Xᵀ + c (X Xᵀ)²) X, with the coefficients a, b, c.

    >>> matrix = np.array([[3.0, 4.0], [0.0, -2.0]], "float32")
    >>> bool(np.all(abs(np.linalg.svd(orthogonal(matrix, 5))[1] - 1) < 0.35))
    True
    """
    a, b, c = coefficients
    tall = x.shape[0] > x.shape[1]
    y = np.ascontiguousarray(x.T if tall else x)  # X Xᵀ is the smaller product of the two
    y = y / (np.linalg.norm(y) + 1e-7)
    for _ in range(steps):
        square = _product(y, y, turned=True)
        y = a * y + _product(b * square + c * _product(square, square), y)
    return np.ascontiguousarray(y.T) if tall else y


def _product(a: Array, b: Array, turned: bool = False) -> Array:
    """a @ b, or a @ b.T: by the kernels' threads where they are, which do not fight with a BLAS's own."""
    if kernels.native is not None:
        found = kernels.native.matmul(a, b, False, turned)
        if found is not NotImplemented:
            return np.asarray(found)
    return np.asarray(a @ (b.T if turned else b))
