"""Layers that make training harder so that the model generalises better; at rest they do nothing.

Dropout, GaussianNoise, GaussianDropout and AlphaDropout draw from a `SeedGenerator` of their own, so that a
seed makes each of them repeatable; ActivityRegularization adds a penalty on what passes through it.
"""

from __future__ import annotations

import math
from typing import Any

from neurona import ops, random
from neurona.errors import ArgumentError
from neurona.layers.base import Layer
from neurona.ops import fused
from neurona.parts import regularizers
from neurona.random import SeedGenerator
from neurona.registry import export
from neurona.symbolic import Shape
from neurona.tensor import Tensor

__all__ = ["ActivityRegularization", "AlphaDropout", "Dropout", "GaussianDropout", "GaussianNoise"]


class _Noise(Layer):
    """What the noisy layers share: a strength between 0 and 1, a seed, and no trace of noise at rest."""

    def __init__(self, strength: str, value: float, seed: int | None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if not 0 <= value <= 1:
            raise ArgumentError(
                f"Invalid value received for argument `{strength}`. Expected a float value between 0 and 1. "
                f"Received: {strength}={value}"
            )
        self.seed = seed
        if value > 0:
            self.seed_generator = SeedGenerator(seed)
        self.supports_masking = True
        self.built = True

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return input_shape


@export("keras.layers")
class Dropout(_Noise):
    """Set a share of the inputs to 0 while training, and scale the others so that the mean stays.

    y = x / (1 - rate) with probability 1 - rate, else 0;    y = x at rest

    Args:
        rate: the share to drop, 0 to 1.
        noise_shape: the shape of the mask, which is broadcast over the input; ``None`` in it stands for the
            input's length of that axis. ``(None, 1, None)`` drops a feature at all times of a sample at once.
        seed: an integer makes the choices repeatable.

    Raises:
        ArgumentError: a rate outside 0 ... 1, or a noise shape that is no sequence of positive integers.

    >>> Dropout(0.5)(Tensor([[1.0, 2.0]]))
    Tensor([[1., 2.]], dtype=float32)

    Source: Srivastava et al., "Dropout" (JMLR 15, 2014).
    """

    def __init__(self, rate: float, noise_shape: Any = None, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__("rate", rate, seed, **kwargs)
        self.rate, self.noise_shape = rate, _as_noise_shape(noise_shape)

    def call(self, inputs: Tensor, training: bool = False) -> Tensor:
        if not training or self.rate == 0:
            return inputs
        keys = random.next_keys(self.seed_generator)
        if self.noise_shape is None:
            whole: Tensor = fused.dropout(inputs, keys, rate=self.rate)
            return whole
        mask = ops.ones(_concrete(self.noise_shape, inputs), dtype=inputs.dtype)
        dropped: Tensor = ops.multiply(inputs, fused.dropout(mask, keys, rate=self.rate))
        return dropped

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "rate": self.rate, "seed": self.seed, "noise_shape": self.noise_shape}


@export("keras.layers")
class GaussianNoise(_Noise):
    """Add noise while training: y = x + e with e normally distributed around 0;    y = x at rest.

    Args:
        stddev: the standard deviation of e, 0 to 1.
        seed: an integer makes the noise repeatable.

    Raises:
        ArgumentError: a standard deviation outside 0 ... 1.

    >>> GaussianNoise(0.1)(Tensor([[1.0, 2.0]]))
    Tensor([[1., 2.]], dtype=float32)
    """

    def __init__(self, stddev: float, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__("stddev", stddev, seed, **kwargs)
        self.stddev = stddev

    def call(self, inputs: Tensor, training: bool = False) -> Tensor:
        if not training or self.stddev == 0:
            return inputs
        noise = random.normal(inputs.shape, stddev=self.stddev, dtype=self.compute_dtype, seed=self.seed_generator)
        noisy: Tensor = ops.add(inputs, noise)
        return noisy

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "stddev": self.stddev, "seed": self.seed}


@export("keras.layers")
class GaussianDropout(_Noise):
    """Multiply by noise while training: y = x e, e normal with mean 1 and variance rate / (1 - rate).

    That is the variance of dropout's mask of the same rate; at rest y = x.

    Args:
        rate: the share to drop, 0 to 1.
        seed: an integer makes the noise repeatable.

    Raises:
        ArgumentError: a rate outside 0 ... 1; or a rate of 1 in training, where the variance is infinite.

    >>> GaussianDropout(0.1)(Tensor([[1.0, 2.0]]))
    Tensor([[1., 2.]], dtype=float32)

    Source: Srivastava et al., "Dropout" (JMLR 15, 2014), section 10.
    """

    def __init__(self, rate: float, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__("rate", rate, seed, **kwargs)
        self.rate = rate

    def call(self, inputs: Tensor, training: bool = False) -> Tensor:
        if not training or self.rate == 0:
            return inputs
        _refuse_one(self, self.rate)
        stddev = math.sqrt(self.rate / (1 - self.rate))
        noise = random.normal(inputs.shape, mean=1.0, stddev=stddev, dtype=self.compute_dtype, seed=self.seed_generator)
        noisy: Tensor = ops.multiply(inputs, noise)
        return noisy

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "rate": self.rate, "seed": self.seed}


# where SELU goes for x -> -infinity: the value at which a unit counts as off
_SELU_FLOOR = -1.6732632423543772848170429916717 * 1.0507009873554804934193349852946


@export("keras.layers")
class AlphaDropout(_Noise):
    """Dropout for networks with SELU activations: keeps mean and variance of the input.

    A dropped input becomes SELU's lower limit s instead of 0, then all are scaled and shifted:

    y = a z + b,  z = x or s,  a = ((1 - rate) (1 + rate s^2))^-1/2,  b = -a s rate;    y = x at rest

    Args:
        rate: the share to drop, 0 to 1.
        noise_shape: the shape of the mask, as in `Dropout`.
        seed: an integer makes the choices repeatable.

    Raises:
        ArgumentError: a rate outside 0 ... 1; or a rate of 1 in training, which no scale can make good.

    >>> AlphaDropout(0.1)(Tensor([[1.0, 2.0]]))
    Tensor([[1., 2.]], dtype=float32)

    Source: Klambauer et al., "Self-Normalizing Neural Networks" (2017).
    """

    def __init__(self, rate: float, noise_shape: Any = None, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__("rate", rate, seed, **kwargs)
        self.rate, self.noise_shape = rate, noise_shape

    def call(self, inputs: Tensor, training: bool = False) -> Tensor:
        if not training or self.rate == 0:
            return inputs
        _refuse_one(self, self.rate)
        shape = inputs.shape if self.noise_shape is None else _concrete(self.noise_shape, inputs)
        kept = ops.greater_equal(random.uniform(shape, seed=self.seed_generator), self.rate)
        a = ((1 - self.rate) * (1 + self.rate * _SELU_FLOOR**2)) ** -0.5
        b = -a * _SELU_FLOOR * self.rate
        scaled: Tensor = ops.add(ops.multiply(ops.where(kept, inputs, _SELU_FLOOR), a), b)
        return scaled

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "rate": self.rate, "seed": self.seed, "noise_shape": self.noise_shape}


@export("keras.layers")
class ActivityRegularization(Layer):
    """Pass the input on and add a penalty on it to the loss: l1 sum |x| + l2 sum x^2, by the batch's size.

    Args:
        l1, l2: the weights of the two sums.

    >>> layer = ActivityRegularization(l2=0.5)
    >>> y = layer(Tensor([[1.0, 2.0]]))
    >>> layer.losses
    [Tensor(2.5, dtype=float32)]
    """

    def __init__(self, l1: float = 0.0, l2: float = 0.0, **kwargs: Any) -> None:
        super().__init__(activity_regularizer=regularizers.L1L2(l1=l1, l2=l2), **kwargs)
        self.l1, self.l2 = l1, l2
        self.supports_masking = True
        self.built = True

    def call(self, inputs: Tensor) -> Tensor:
        return inputs

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        base = super().get_config()
        base.pop("activity_regularizer", None)  # l1 and l2 say it already
        return {**base, "l1": self.l1, "l2": self.l2}


def _as_noise_shape(noise_shape: Any) -> tuple[int | None, ...] | None:
    """The argument `noise_shape` as a tuple, checked."""
    if noise_shape is None:
        return None
    fine = not isinstance(noise_shape, str) and hasattr(noise_shape, "__iter__")
    shape = tuple(noise_shape) if fine else ()
    if not fine or any(n is not None and (not isinstance(n, int) or n <= 0) for n in shape):
        raise ArgumentError(
            "Invalid value received for argument `noise_shape`. Expected a tuple or list of positive "
            f"integers or None. Received: noise_shape={noise_shape!r}"
        )
    return shape


def _concrete(noise_shape: Any, inputs: Tensor) -> tuple[int, ...]:
    """The noise shape with the input's lengths in place of ``None``."""
    return tuple(inputs.shape[i] if n is None else n for i, n in enumerate(noise_shape))


def _refuse_one(layer: Layer, rate: float) -> None:
    if rate == 1:
        raise ArgumentError(
            f"{type(layer).__name__} cannot train with a rate of 1: nothing of its input would be left. "
            "Received: rate=1. Choose a rate below 1, or use Dropout."
        )
