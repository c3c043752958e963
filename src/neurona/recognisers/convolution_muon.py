"""Muon for convolutional networks: orthogonal steps for the kernels, plain momentum for the few weights left.

Keras's Muon moves matrices alone. A kernel of a convolution is a matrix too, (Kh Kw C, F), and a network of convolutions
learns in half the steps when its kernels move that way. Kernels are brought back to a fixed norm after each step:
normalisation layers behind them make their size meaningless, and only its ratio to the step would drift.

Source: K. Jordan, "94% on CIFAR-10 in 3.29 seconds on a single GPU" (2024), arXiv:2404.00498, and his later record with
Muon; Jordan et al., "Muon" (2024).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from neurona.optimizers.arrays import ArrayOptimizer
from neurona.optimizers.muon import orthogonal
from neurona.optimizers.schedules import LearningRateSchedule
from neurona.registry import Config, export
from neurona.tensor import Array, as_array
from neurona.variable import Variable

__all__ = ["ConvolutionMuon"]


@export("neurona.recognisers")
class ConvolutionMuon(ArrayOptimizer):
    """Muon on the kernels of convolutions, momentum with weight decay on all other weights.

    Kernels: m <- momentum m + g;  w <- r w;  w <- w - rate orthogonal(g + momentum m),
    where r brings w to the norm sqrt(F). Others: g <- g + decay w;  m <- other_momentum m + g;
    w <- w - ratio rate (g + other_momentum m), with a ratio for vectors and one for matrices.

    Args:
        learning_rate: of the kernels; a number or a schedule.
        momentum: of the kernels.
        steps: how many Newton-Schulz steps.
        vector_ratio, matrix_ratio: the rates of vectors and of matrices, relative to `learning_rate`.
        other_momentum: theirs.
        decay: the pull of their weights towards 0, at each step at full rate (not multiplied by it).
    """

    def __init__(
        self,
        learning_rate: Any = 0.24,
        momentum: float = 0.6,
        steps: int = 3,
        vector_ratio: float = 0.22,
        matrix_ratio: float = 2.8,
        other_momentum: float = 0.85,
        decay: float = 0.004,
        **kwargs: Any,
    ) -> None:
        super().__init__(learning_rate, **kwargs)
        self.momentum, self.steps = momentum, steps
        self.vector_ratio, self.matrix_ratio = vector_ratio, matrix_ratio
        self.other_momentum, self.decay = other_momentum, decay

    def build(self, variables: Sequence[Variable]) -> None:
        if not self.built:
            super().build(variables)
            self.momentums = [self.add_variable_from_reference(v, "momentum") for v in variables]
            rate = self._learning_rate
            self._full_rate = float(as_array(rate(0) if isinstance(rate, LearningRateSchedule) else rate))

    def move(self, g: Array, w: Array, index: int, rate: float) -> None:
        m = self.momentums[index].data
        if w.ndim == 4:
            m *= self.momentum
            m += g
            # (Kh Kw C, F): each column is one filter
            direction = (g + self.momentum * m).reshape(-1, w.shape[-1])
            w *= math.sqrt(w.shape[-1]) / float(np.linalg.norm(w))
            w -= rate * orthogonal(direction, self.steps).reshape(w.shape)
            return
        ratio = self.vector_ratio if w.ndim < 2 else self.matrix_ratio
        g = g + self.decay / (ratio * self._full_rate) * w
        m *= self.other_momentum
        m += g
        w -= (rate * ratio) * (g + self.other_momentum * m)

    def get_config(self) -> Config:
        return {
            **super().get_config(),
            "momentum": self.momentum,
            "steps": self.steps,
            "vector_ratio": self.vector_ratio,
            "matrix_ratio": self.matrix_ratio,
            "other_momentum": self.other_momentum,
            "decay": self.decay,
        }
