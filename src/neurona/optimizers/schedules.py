"""Learning-rate schedules: the rate as a function of the step.

Large steps early find the valley, small ones late settle in it. A schedule is called with the number of steps
done. Given a Python number it answers with a Python float, computed at once: that is what an optimizer asks
for at every step. Given a tensor it answers with a tensor, computed by ops.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from neurona import ops
from neurona.errors import ArgumentError
from neurona.parts.lookup import find
from neurona.registry import Config, export, serialize_keras_object
from neurona.tensor import Tensor, as_tensor

__all__ = [
    "CosineDecay",
    "CosineDecayRestarts",
    "ExponentialDecay",
    "InverseTimeDecay",
    "LearningRateSchedule",
    "PiecewiseConstantDecay",
    "PolynomialDecay",
    "deserialize",
    "serialize",
]

_MODULE = "keras.optimizers.schedules"


class _Floats:
    """The few functions that schedules need, on Python floats; `neurona.ops` has them on tensors."""

    floor: Callable[[float], float] = math.floor
    ceil: Callable[[float], float] = math.ceil
    cos: Callable[[float], float] = math.cos
    log: Callable[[float], float] = math.log
    minimum: Callable[..., float] = min
    power: Callable[[float, float], float] = pow

    @staticmethod
    def where(condition: bool, x1: float, x2: float) -> float:
        return x1 if condition else x2


@export(_MODULE)
class LearningRateSchedule:
    """The base of all schedules; your own overrides `__call__` and, to be saved, `get_config`.

    >>> class Halving(LearningRateSchedule):
    ...     def __call__(self, step):
    ...         return 0.1 * 0.5 ** step
    >>> Halving()(2)
    0.025
    """

    def __call__(self, step: Any) -> Any:
        raise NotImplementedError(
            f"Learning rate schedule '{type(self).__name__}' must override `__call__(self, step)`."
        )

    def get_config(self) -> Config:
        raise NotImplementedError(
            f"Learning rate schedule '{type(self).__name__}' must override `get_config()` in order to be serializable."
        )

    @classmethod
    def from_config(cls, config: Config) -> LearningRateSchedule:
        return cls(**config)


class FormulaSchedule(LearningRateSchedule):
    """A schedule written once, in `rate`, for Python floats and for tensors."""

    _settings: tuple[str, ...] = ()  # the names of the constructor's arguments

    def __call__(self, step: Any) -> Any:
        if isinstance(step, Tensor):
            return self.rate(ops.cast(step, "float32"), ops)
        if isinstance(step, (int, float)):
            return float(self.rate(float(step), _Floats))
        return self.rate(as_tensor(step, "float32"), ops)

    def rate(self, step: Any, m: Any) -> Any:
        """The formula; `m` has floor, cos, power ... for the kind of number that `step` is."""
        raise NotImplementedError(f"Schedule {type(self).__name__} must write `rate(self, step, m)`.")

    def get_config(self) -> Config:
        return {name: getattr(self, name) for name in self._settings}


def _check_positive(name: str, value: float) -> None:
    if value <= 0:
        raise ArgumentError(f"Argument `{name}` must be > 0. Received: {name}={value}")


@export(_MODULE)
class ExponentialDecay(FormulaSchedule):
    """Multiplied by `decay_rate` every `decay_steps` steps: initial · rate^(step / steps).

    Args:
        initial_learning_rate: the rate at step 0.
        decay_steps: steps after which the rate has been multiplied by `decay_rate` once.
        decay_rate: the factor.
        staircase: fall in jumps, at whole multiples of `decay_steps`, instead of smoothly.
        name: what it is called.

    >>> ExponentialDecay(0.1, decay_steps=10, decay_rate=0.5)(20)
    0.025
    """

    _settings = ("initial_learning_rate", "decay_steps", "decay_rate", "staircase", "name")

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: float,
        decay_rate: float,
        staircase: bool = False,
        name: str = "ExponentialDecay",
    ) -> None:
        self.initial_learning_rate, self.decay_steps = initial_learning_rate, decay_steps
        self.decay_rate, self.staircase, self.name = decay_rate, staircase, name
        _check_positive("decay_steps", decay_steps)

    def rate(self, step: Any, m: Any) -> Any:
        p = step / self.decay_steps
        return self.initial_learning_rate * m.power(self.decay_rate, m.floor(p) if self.staircase else p)


@export(_MODULE)
class InverseTimeDecay(FormulaSchedule):
    """The rate falls as 1 / time: initial / (1 + rate · step / steps).

    Args:
        initial_learning_rate: the rate at step 0.
        decay_steps: the unit of time.
        decay_rate: how fast it falls.
        staircase: fall in jumps, at whole multiples of `decay_steps`, instead of smoothly.
        name: what it is called.

    >>> InverseTimeDecay(0.1, decay_steps=10, decay_rate=1.0)(10)
    0.05
    """

    _settings = ("initial_learning_rate", "decay_steps", "decay_rate", "staircase", "name")

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: float,
        decay_rate: float,
        staircase: bool = False,
        name: str = "InverseTimeDecay",
    ) -> None:
        self.initial_learning_rate, self.decay_steps = initial_learning_rate, decay_steps
        self.decay_rate, self.staircase, self.name = decay_rate, staircase, name
        _check_positive("decay_steps", decay_steps)

    def rate(self, step: Any, m: Any) -> Any:
        p = step / self.decay_steps
        return self.initial_learning_rate / (1.0 + self.decay_rate * (m.floor(p) if self.staircase else p))


@export(_MODULE)
class PiecewiseConstantDecay(FormulaSchedule):
    """One rate up to and including the first boundary, the next up to the second, and so on.

    Args:
        boundaries: rising steps; with whole steps their fractions do not count.
        values: the rates, one more than boundaries.
        name: what it is called.

    >>> warm = PiecewiseConstantDecay([100, 200], [0.1, 0.01, 0.001])
    >>> warm(100), warm(101), warm(500)
    (0.1, 0.01, 0.001)
    """

    _settings = ("boundaries", "values", "name")

    def __init__(self, boundaries: Sequence[float], values: Sequence[float], name: str = "PiecewiseConstant") -> None:
        if len(boundaries) != len(values) - 1:
            raise ArgumentError(
                "Expected one boundary fewer than values. "
                f"Received: boundaries={boundaries} of length {len(boundaries)}, "
                f"and values={values} of length {len(values)}."
            )
        self.boundaries, self.values, self.name = boundaries, values, name

    def __call__(self, step: Any) -> Any:
        whole = isinstance(step, int) or (hasattr(step, "dtype") and "int" in str(step.dtype))
        limits = [int(b) for b in self.boundaries] if whole else list(self.boundaries)
        if isinstance(step, (int, float)):
            passed = sum(step > limit for limit in limits)
            return float(self.values[passed])
        t: Any = as_tensor(step)
        rate: Any = ops.cast(t * 0, "float32") + float(self.values[0])
        for limit, value in zip(limits, self.values[1:], strict=True):
            rate = ops.where(ops.greater(t, limit), float(value), rate)
        return rate


@export(_MODULE)
class PolynomialDecay(FormulaSchedule):
    """From the initial to the end rate along (1 - step / steps)^power; a straight line by default.

    Args:
        initial_learning_rate: the rate at step 0.
        decay_steps: the step at which the end is reached.
        end_learning_rate: the rate from then on.
        power: the exponent.
        cycle: instead of staying at the end, start again, each time over a longer stretch.
        name: what it is called.

    >>> PolynomialDecay(1.0, decay_steps=10, end_learning_rate=0.0)(4)
    0.6
    """

    _settings = ("initial_learning_rate", "decay_steps", "end_learning_rate", "power", "cycle", "name")

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: float,
        end_learning_rate: float = 0.0001,
        power: float = 1.0,
        cycle: bool = False,
        name: str = "PolynomialDecay",
    ) -> None:
        self.initial_learning_rate, self.decay_steps = initial_learning_rate, decay_steps
        self.end_learning_rate, self.power, self.cycle, self.name = end_learning_rate, power, cycle, name
        _check_positive("decay_steps", decay_steps)

    def rate(self, step: Any, m: Any) -> Any:
        span: Any = float(self.decay_steps)
        if self.cycle:
            span = span * m.where(step == 0, 1.0, m.ceil(step / span))
        else:
            step = m.minimum(step, span)
        fall = self.initial_learning_rate - self.end_learning_rate
        return fall * m.power(1.0 - step / span, self.power) + self.end_learning_rate


@export(_MODULE)
class CosineDecay(FormulaSchedule):
    """Half a cosine wave from the initial rate down to `alpha` times it, after a straight warm-up if wanted.

    Args:
        initial_learning_rate: the rate at step 0.
        decay_steps: steps of the fall.
        alpha: the fraction that remains at the end.
        name: what it is called.
        warmup_target: the rate to climb to first; ``None`` for no warm-up.
        warmup_steps: steps of the climb.

    >>> CosineDecay(1.0, decay_steps=10)(5)
    0.5
    >>> CosineDecay(0.0, decay_steps=10, warmup_target=1.0, warmup_steps=4)(3)
    0.75

    Source: Loshchilov & Hutter, "SGDR: Stochastic Gradient Descent with Warm Restarts" (2017).
    """

    _settings = ("initial_learning_rate", "decay_steps", "alpha", "name", "warmup_target", "warmup_steps")

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: float,
        alpha: float = 0.0,
        name: str = "CosineDecay",
        warmup_target: float | None = None,
        warmup_steps: float = 0,
    ) -> None:
        self.initial_learning_rate, self.decay_steps, self.alpha = initial_learning_rate, decay_steps, alpha
        self.name, self.warmup_target, self.warmup_steps = name, warmup_target, warmup_steps
        _check_positive("decay_steps", decay_steps)

    def _fall(self, top: float, step: Any, m: Any) -> Any:
        wave = 0.5 * (1.0 + m.cos(math.pi * (step / self.decay_steps)))
        return top * ((1.0 - self.alpha) * wave + self.alpha)

    def rate(self, step: Any, m: Any) -> Any:
        if self.warmup_target is None:
            return self._fall(self.initial_learning_rate, m.minimum(step, float(self.decay_steps)), m)
        step = m.minimum(step, float(self.decay_steps + self.warmup_steps))
        done = step / max(self.warmup_steps, 1)
        climb = (self.warmup_target - self.initial_learning_rate) * done + self.initial_learning_rate
        fall = self._fall(self.warmup_target, step - self.warmup_steps, m)
        return m.where(step < self.warmup_steps, climb, fall)


@export(_MODULE)
class CosineDecayRestarts(FormulaSchedule):
    """Cosine decay again and again, each period `t_mul` times longer and `m_mul` times as high.

    Args:
        initial_learning_rate: the rate at step 0.
        first_decay_steps: steps of the first period.
        t_mul: how much longer each period is than the one before.
        m_mul: how high each starts, relative to the one before.
        alpha: the fraction of the initial rate that is never gone below.
        name: what it is called.

    >>> restarts = CosineDecayRestarts(1.0, first_decay_steps=10)
    >>> restarts(5), restarts(10), restarts(20)
    (0.5, 1.0, 0.5)

    Source: Loshchilov & Hutter, "SGDR: Stochastic Gradient Descent with Warm Restarts" (2017).
    """

    _settings = ("initial_learning_rate", "first_decay_steps", "t_mul", "m_mul", "alpha", "name")

    def __init__(
        self,
        initial_learning_rate: float,
        first_decay_steps: float,
        t_mul: float = 2.0,
        m_mul: float = 1.0,
        alpha: float = 0.0,
        name: str = "SGDRDecay",
    ) -> None:
        self.initial_learning_rate, self.first_decay_steps = initial_learning_rate, first_decay_steps
        self.t_mul, self.m_mul, self.alpha, self.name = t_mul, m_mul, alpha, name
        _check_positive("first_decay_steps", first_decay_steps)

    def rate(self, step: Any, m: Any) -> Any:
        done = step / self.first_decay_steps  # in units of the first period
        if self.t_mul == 1.0:
            restarts = m.floor(done)
            done = done - restarts
        else:  # n periods last 1 + t + ... + t^(n-1) = (1 - t^n) / (1 - t)
            restarts = m.floor(m.log(1.0 - done * (1.0 - self.t_mul)) / math.log(self.t_mul))
            stretch = m.power(self.t_mul, restarts)
            done = (done - (1.0 - stretch) / (1.0 - self.t_mul)) / stretch
        wave = 0.5 * m.power(self.m_mul, restarts) * (1.0 + m.cos(math.pi * done))
        return self.initial_learning_rate * ((1.0 - self.alpha) * wave + self.alpha)


def serialize(learning_rate_schedule: LearningRateSchedule) -> Any:
    """The configuration of a schedule."""
    return serialize_keras_object(learning_rate_schedule)


def deserialize(config: Config, custom_objects: Config | None = None) -> Any:
    """The schedule of a configuration."""
    return find(_MODULE, "schedule", config, custom_objects)
