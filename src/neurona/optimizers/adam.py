"""Adam and its kin: AdamW, Adamax, Nadam. Each weight has its own step, from the averages of its gradients.

All keep m, the moving average of the gradient, and a measure of its size; the step is their quotient. The
averages start at 0, so early on they are too small; dividing by 1 - beta^t corrects that. Leans on
`neurona.optimizers.arrays`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from neurona import kernels
from neurona.errors import ArgumentError
from neurona.names import auto_name
from neurona.optimizers.arrays import ArrayOptimizer, states
from neurona.registry import Config, export
from neurona.tensor import Array
from neurona.variable import Variable

__all__ = ["Adam", "AdamW", "Adamax", "Nadam", "TwoAverages", "follow"]


def follow(average: Array, target: Array, momentum: float, buffer: Array) -> None:
    """Let a moving average follow: average <- average + (1 - momentum) · (target - average)."""
    np.subtract(target, average, out=buffer)
    buffer *= 1.0 - momentum
    average += buffer


@export("keras.optimizers")
class Adam(ArrayOptimizer):
    """Adam: m <- b1 m + (1 - b1) g, v <- b2 v + (1 - b2) g², w <- w - a m / (sqrt(v) + epsilon).

    The rate at update t is a = rate · sqrt(1 - b2^t) / (1 - b1^t).

    Args:
        learning_rate: a float, a schedule, or a function that gives it.
        beta_1: b1, the momentum of the average gradient.
        beta_2: b2, the momentum of the average square.
        epsilon: keeps the quotient finite.
        amsgrad: divide by the largest v so far instead of v.
        weight_decay, clipnorm, clipvalue, global_clipnorm, use_ema, ema_momentum, ema_overwrite_frequency,
        loss_scale_factor, gradient_accumulation_steps, name: see `Optimizer`.

    >>> import neurona
    >>> w = neurona.Variable([1.0, 2.0])
    >>> Adam(learning_rate=0.5).apply([neurona.Tensor([3.0, -7.0])], [w])
    >>> w.numpy().round(3)  # the first step has the size of the rate
    array([0.5, 2.5], dtype=float32)

    Source: Kingma & Ba, "Adam: A Method for Stochastic Optimization" (2015); amsgrad: Reddi et al. (2018).
    """

    row_slots = ("_momentums", "_velocities", "_velocity_hats")

    def __init__(
        self,
        learning_rate: Any = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-07,
        amsgrad: bool = False,
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
        self.beta_1, self.beta_2, self.epsilon, self.amsgrad = beta_1, beta_2, epsilon, amsgrad

    def build(self, variables: Sequence[Variable]) -> None:
        if self.built:
            return
        super().build(variables)
        self._momentums, self._velocities = self.add_optimizer_variables(variables, ["momentum", "velocity"])
        self._velocity_hats: list[Any] = []
        if self.amsgrad:
            self._velocity_hats = self.add_optimizer_variables(variables, "velocity_hat")

    def move(self, g: Array, w: Array, index: int, rate: float) -> None:
        m, v = self._momentums[index].data, self._velocities[index].data
        a, b = self._scratch(w, 2)
        follow(m, g, self.beta_1, a)
        np.multiply(g, g, out=b)
        follow(v, b, self.beta_2, a)
        if self.amsgrad:
            largest = self._velocity_hats[index].data
            np.maximum(largest, v, out=largest)
            v = largest
        t = self._local_step()
        np.sqrt(v, out=b)
        b += self.epsilon
        np.multiply(m, rate * math.sqrt(1.0 - self.beta_2**t) / (1.0 - self.beta_1**t), out=a)
        a /= b
        w -= a

    def compiled(self, g: list[Array], w: list[Array], indices: list[int], rate: float, decay: Any) -> Any:
        t = self._local_step()
        return kernels.native.adam(
            w, g, states(self._momentums, indices), states(self._velocities, indices),
            states(self._velocity_hats, indices) if self.amsgrad else None,
            rate, self.beta_1, self.beta_2, self.epsilon, 1.0 - self.beta_1**t, 1.0 - self.beta_2**t, decay,
        )  # fmt: skip

    def compiled_rows(
        self, g: Array, rows: Array, w: Array, slots: list[Array | None], rate: float, decay: float
    ) -> Any:
        t = self._local_step()
        return kernels.native.adam_rows(
            w, rows, g, *slots, rate, self.beta_1, self.beta_2, self.epsilon,
            1.0 - self.beta_1**t, 1.0 - self.beta_2**t, decay,
        )  # fmt: skip

    def get_config(self) -> Config:
        return {
            **super().get_config(),
            "beta_1": self.beta_1,
            "beta_2": self.beta_2,
            "epsilon": self.epsilon,
            "amsgrad": self.amsgrad,
        }


@export("keras.optimizers", "adamw")
class AdamW(Adam):
    """Adam with weight decay: before its step each weight loses rate · weight_decay of itself.

    Args:
        learning_rate: a float, a schedule, or a function that gives it.
        weight_decay: the share that is lost, times the rate.
        beta_1, beta_2, epsilon, amsgrad: see `Adam`.
        clipnorm, clipvalue, global_clipnorm, use_ema, ema_momentum, ema_overwrite_frequency,
        loss_scale_factor,
        gradient_accumulation_steps, name: see `Optimizer`.

    Source: Loshchilov & Hutter, "Decoupled Weight Decay Regularization" (2019).
    """

    def __init__(
        self,
        learning_rate: Any = 0.001,
        weight_decay: float | None = 0.004,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-07,
        amsgrad: bool = False,
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
            learning_rate, beta_1, beta_2, epsilon, amsgrad, weight_decay, clipnorm, clipvalue,
            global_clipnorm, use_ema, ema_momentum, ema_overwrite_frequency, loss_scale_factor,
            gradient_accumulation_steps, name, **kwargs,
        )  # fmt: skip
        if weight_decay is None:
            raise ArgumentError("Argument `weight_decay` must be a float. Received: weight_decay=None")


class TwoAverages(ArrayOptimizer):
    """What Adamax, Nadam and Lamb share: two betas, and two averages for each weight."""

    _slot_names = ("momentum", "velocity")

    def __init__(
        self,
        learning_rate: Any = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
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
        self.beta_1, self.beta_2, self.epsilon = beta_1, beta_2, epsilon

    def build(self, variables: Sequence[Variable]) -> None:
        if self.built:
            return
        super().build(variables)
        self._firsts, self._seconds = self.add_optimizer_variables(variables, self._slot_names)

    def get_config(self) -> Config:
        betas = {"beta_1": self.beta_1, "beta_2": self.beta_2, "epsilon": self.epsilon}
        return {**super().get_config(), **betas}


@export("keras.optimizers")
class Adamax(TwoAverages):
    """Adam by the largest gradient: u <- max(b2 u, |g|), w <- w - rate / (1 - b1^t) · m / (u + epsilon).

    Args:
        learning_rate: a float, a schedule, or a function that gives it.
        beta_1: b1, the momentum of the average gradient.
        beta_2: b2, how slowly the largest size is forgotten.
        epsilon: keeps the quotient finite.
        weight_decay, clipnorm, clipvalue, global_clipnorm, use_ema, ema_momentum, ema_overwrite_frequency,
        loss_scale_factor, gradient_accumulation_steps, name: see `Optimizer`.

    Source: Kingma & Ba, "Adam: A Method for Stochastic Optimization" (2015), section 7.
    """

    _slot_names = ("momentum", "norm")
    row_slots = ("_firsts", "_seconds")

    def move(self, g: Array, w: Array, index: int, rate: float) -> None:
        m, u = self._firsts[index].data, self._seconds[index].data
        a, b = self._scratch(w, 2)
        follow(m, g, self.beta_1, a)
        np.abs(g, out=a)
        u *= self.beta_2
        np.maximum(u, a, out=u)
        np.add(u, self.epsilon, out=b)
        b *= 1.0 - self.beta_1 ** self._local_step()
        np.multiply(m, rate, out=a)
        a /= b
        w -= a


@export("keras.optimizers")
class Nadam(TwoAverages):
    """Adam with Nesterov's look ahead: the step is taken by the momentum of the next update.

    With u_t = b1 (1 - 0.96^t / 2) and U_t their product so far, the step is by
    u_{t+1} m / (1 - U_{t+1}) + (1 - u_t) g / (1 - U_t), over sqrt(v / (1 - b2^t)) + epsilon.

    Args:
        learning_rate: a float, a schedule, or a function that gives it.
        beta_1: b1, the momentum of the average gradient.
        beta_2: b2, the momentum of the average square.
        epsilon: keeps the quotient finite.
        weight_decay, clipnorm, clipvalue, global_clipnorm, use_ema, ema_momentum, ema_overwrite_frequency,
        loss_scale_factor, gradient_accumulation_steps, name: see `Optimizer`.

    Source: Dozat, "Incorporating Nesterov Momentum into Adam" (2015).
    """

    row_slots = ("_firsts", "_seconds")

    def build(self, variables: Sequence[Variable]) -> None:
        if self.built:
            return
        dtype = variables[0].dtype if variables else None
        super().build(variables)
        self._u_product = self.add_variable((), "ones", dtype, name=auto_name("variable"))
        self._product_of = 0  # how many steps are in it

    @property
    def derived(self) -> list[Variable]:
        return [self._u_product] if self.built else []

    def _u(self, t: int) -> float:
        return self.beta_1 * (1.0 - 0.5 * 0.96**t)

    def begin(self) -> None:
        t, product = self._local_step(), self._u_product.data
        if self._product_of != t - 1:  # a state that was loaded: not all files hold the product
            product[...] = 1
            self._product_of = 0
        while self._product_of < t:
            self._product_of += 1
            product *= self._u(self._product_of)

    def move(self, g: Array, w: Array, index: int, rate: float) -> None:
        m, v = self._firsts[index].data, self._seconds[index].data
        a, b = self._scratch(w, 2)
        follow(m, g, self.beta_1, a)
        np.multiply(g, g, out=b)
        follow(v, b, self.beta_2, a)
        t = self._local_step()
        product, ahead = float(self._u_product.data), self._u(t + 1)
        np.multiply(m, ahead / (1.0 - product * ahead), out=a)
        np.multiply(g, (1.0 - self._u(t)) / (1.0 - product), out=b)
        a += b
        a *= rate
        np.divide(v, 1.0 - self.beta_2**t, out=b)
        np.sqrt(b, out=b)
        b += self.epsilon
        a /= b
        w -= a
