"""Layers that bring each sample to a common scale, and let training choose that scale anew.

LayerNormalization and RMSNormalization measure a sample over its features, GroupNormalization over groups of
channels; UnitNormalization makes vectors of length 1. All compute at least in float32: sums of float16
overflow. (BatchNormalization, which measures over the batch, shares the beginning of this file.)
"""

from __future__ import annotations

from typing import Any

import numpy as np

from neurona import ops
from neurona.errors import ArgumentError, DTypeError, ShapeError
from neurona.layers.base import Layer
from neurona.layers.input_spec import InputSpec
from neurona.ops import fused
from neurona.parts import constraints, initializers, regularizers
from neurona.registry import export
from neurona.symbolic import Shape
from neurona.tensor import Tensor
from neurona.variable import Variable
from neurona.warn import warn_caller

__all__ = ["GroupNormalization", "LayerNormalization", "RMSNormalization", "UnitNormalization"]


class Normalizing(Layer):
    """A layer whose output has its input's shape, and whose settings name an axis or several."""

    axis: Any

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        for axis in self.axis if isinstance(self.axis, (list, tuple)) else [self.axis]:
            if not -len(input_shape) <= axis < len(input_shape):
                raise ShapeError(
                    f"Axis {axis} is out of bounds for input shape {input_shape}. Received: axis={self.axis}"
                )
        return input_shape


class Scaling(Normalizing):
    """With a learnt scale gamma and shift beta, each of which may be left out."""

    def __init__(
        self, axis: Any, epsilon: float, center: bool, scale: bool,
        beta_initializer: Any, gamma_initializer: Any,
        beta_regularizer: Any, gamma_regularizer: Any,
        beta_constraint: Any, gamma_constraint: Any, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(**kwargs)
        self.axis, self.epsilon, self.center, self.scale = axis, epsilon, center, scale
        self.beta_initializer = initializers.get(beta_initializer)
        self.gamma_initializer = initializers.get(gamma_initializer)
        self.beta_regularizer = regularizers.get(beta_regularizer)
        self.gamma_regularizer = regularizers.get(gamma_regularizer)
        self.beta_constraint = constraints.get(beta_constraint)
        self.gamma_constraint = constraints.get(gamma_constraint)
        self.supports_masking = True
        self.gamma: Variable | None = None
        self.beta: Variable | None = None

    def add_gamma_and_beta(self, shape: Shape, gamma: bool, beta: bool) -> None:
        if gamma:
            self.gamma = self.add_weight(
                shape, self.gamma_initializer, name="gamma",
                regularizer=self.gamma_regularizer, constraint=self.gamma_constraint,
            )  # fmt: skip
        if beta:
            self.beta = self.add_weight(
                shape, self.beta_initializer, name="beta",
                regularizer=self.beta_regularizer, constraint=self.beta_constraint,
            )  # fmt: skip

    def gamma_and_beta_config(self, *between: str) -> dict[str, Any]:
        """Their settings in Keras's order; `between` are the initializers that stand after gamma's."""
        return {
            "beta_initializer": initializers.serialize(self.beta_initializer),
            "gamma_initializer": initializers.serialize(self.gamma_initializer),
            **{name: initializers.serialize(getattr(self, name)) for name in between},
            "beta_regularizer": regularizers.serialize(self.beta_regularizer),
            "gamma_regularizer": regularizers.serialize(self.gamma_regularizer),
            "beta_constraint": constraints.serialize(self.beta_constraint),
            "gamma_constraint": constraints.serialize(self.gamma_constraint),
        }


@export("keras.layers")
class LayerNormalization(Scaling):
    """Bring each sample to mean 0 and variance 1 over its features, then scale and shift each feature.

    y = gamma (x - mean) / sqrt(variance + epsilon) + beta

    Args:
        axis: the axis or axes of the features; gamma and beta have their lengths.
        epsilon: keeps the root away from 0.
        center, scale: whether there is a beta, a gamma.
        beta_initializer, gamma_initializer: how the weights begin.
        beta_regularizer, gamma_regularizer: penalties on them.
        beta_constraint, gamma_constraint: applied after each update.

    Raises:
        DTypeError: `axis` is neither an integer nor a list of them.

    >>> LayerNormalization(epsilon=0.0)(Tensor([[1.0, 3.0], [10.0, 30.0]])).tolist()
    [[-1.0, 1.0], [-1.0, 1.0]]

    Source: Ba, Kiros & Hinton, "Layer Normalization" (2016).
    """

    def __init__(
        self,
        axis: Any = -1,
        epsilon: float = 1e-3,
        center: bool = True,
        scale: bool = True,
        beta_initializer: Any = "zeros",
        gamma_initializer: Any = "ones",
        beta_regularizer: Any = None,
        gamma_regularizer: Any = None,
        beta_constraint: Any = None,
        gamma_constraint: Any = None,
        **kwargs: Any,
    ) -> None:
        self.rms_scaling = kwargs.pop("rms_scaling", False)
        if self.rms_scaling:
            warn_caller(
                "You passed `rms_scaling=True`, which is deprecated: it scales by the variance, not by the "
                "root mean square. Use `RMSNormalization` instead.",
            )
        super().__init__(
            _axes(axis, _NO_AXES), epsilon, center, scale, beta_initializer, gamma_initializer,
            beta_regularizer, gamma_regularizer, beta_constraint, gamma_constraint, **kwargs,
        )  # fmt: skip
        self.autocast = False

    def build(self, input_shape: Shape) -> None:
        self.compute_output_shape(input_shape)
        self.axis = sorted(self.axis) if isinstance(self.axis, list) else [self.axis]
        shape = tuple(input_shape[axis] for axis in self.axis)
        self.add_gamma_and_beta(shape, self.scale or self.rms_scaling, self.center and not self.rms_scaling)

    def call(self, inputs: Tensor) -> Tensor:
        x = cast(inputs, wide(inputs))
        axes, kind = tuple(self.axis), x.dtype.name
        if not self.rms_scaling and axes in ((-1,), (len(x.shape) - 1,)):
            gamma, beta = cast(self.gamma, kind), cast(self.beta, kind)
            return cast(fused.layer_norm(x, gamma, beta, epsilon=self.epsilon), self.compute_dtype)  # type: ignore[no-any-return]
        mean, variance = ops.moments(x, axes=axes, keepdims=True)
        centred = x if self.rms_scaling else ops.subtract(x, mean)
        y = ops.multiply(centred, ops.rsqrt(ops.add(variance, self.epsilon)))
        if self.gamma is not None:
            y = ops.multiply(y, _along(cast(self.gamma, kind), axes, x.shape))
        if self.beta is not None:
            y = ops.add(y, _along(cast(self.beta, kind), axes, x.shape))
        result: Tensor = cast(y, self.compute_dtype)
        return result

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "axis": self.axis,
            "epsilon": self.epsilon,
            "center": self.center,
            "scale": self.scale,
            "rms_scaling": self.rms_scaling,
            **self.gamma_and_beta_config(),
        }


@export("keras.layers")
class GroupNormalization(Scaling):
    """Bring each group of channels of a sample to mean 0 and variance 1, then scale and shift each channel.

    y = gamma (x - mean) / sqrt(variance + epsilon) + beta,  mean and variance over a group and all places

    Args:
        groups: how many groups; -1 makes each channel its own ("instance normalization").
        axis: the axis of the channels.
        epsilon: keeps the root away from 0.
        center, scale: whether there is a beta, a gamma, each of shape ``(C,)``.
        beta_initializer, gamma_initializer: how the weights begin.
        beta_regularizer, gamma_regularizer: penalties on them.
        beta_constraint, gamma_constraint: applied after each update.

    Raises:
        ArgumentError: `groups` is neither positive nor -1.
        ShapeError: the channels cannot be divided into so many groups.

    >>> GroupNormalization(groups=2, epsilon=0.0)(Tensor([[1.0, 3.0, 10.0, 30.0]])).tolist()
    [[-1.0, 1.0, -1.0, 1.0]]

    Source: Wu & He, "Group Normalization" (2018).
    """

    def __init__(
        self,
        groups: int = 32,
        axis: int = -1,
        epsilon: float = 1e-3,
        center: bool = True,
        scale: bool = True,
        beta_initializer: Any = "zeros",
        gamma_initializer: Any = "ones",
        beta_regularizer: Any = None,
        gamma_regularizer: Any = None,
        beta_constraint: Any = None,
        gamma_constraint: Any = None,
        **kwargs: Any,
    ) -> None:
        if not isinstance(groups, (int, np.integer)) or (groups <= 0 and groups != -1):
            raise ArgumentError(
                "Received an invalid value for argument `groups`, expected a positive integer (or -1 for "
                f"instance normalization). Received: groups={groups}"
            )
        super().__init__(
            axis, epsilon, center, scale, beta_initializer, gamma_initializer,
            beta_regularizer, gamma_regularizer, beta_constraint, gamma_constraint, **kwargs,
        )  # fmt: skip
        self.groups = int(groups)
        self.autocast = False

    def build(self, input_shape: Shape) -> None:
        self.compute_output_shape(input_shape)
        channels = input_shape[self.axis]
        if channels is None:
            raise ShapeError(
                f"Axis {self.axis} of input tensor should have a defined dimension but the layer received an input with "
                f"shape {input_shape}. Give the model an Input with that axis set."
            )
        if self.groups == -1:
            self.groups = channels
        if channels < self.groups:
            raise ShapeError(
                f"Number of groups ({self.groups}) cannot be more than the number of channels ({channels}). "
                f"Received: input shape {input_shape}."
            )
        if channels % self.groups:
            raise ShapeError(
                f"Number of groups ({self.groups}) must be a multiple of the number of channels ({channels}), or rather "
                f"divide it without a rest. Received: input shape {input_shape}."
            )
        self.add_gamma_and_beta((channels,), self.scale, self.center)
        self.input_spec = InputSpec(ndim=len(input_shape), axes={self.axis: channels})

    def call(self, inputs: Tensor) -> Tensor:
        x = cast(inputs, wide(inputs))
        kind, shape, axis = x.dtype.name, x.shape, self.axis % x.ndim
        grouped = ops.reshape(x, (*shape[:axis], self.groups, shape[axis] // self.groups, *shape[axis + 1 :]))
        axes = tuple(i for i in range(1, grouped.ndim) if i != axis)
        mean, variance = ops.moments(grouped, axes=axes, keepdims=True)
        y = ops.multiply(ops.subtract(grouped, mean), ops.rsqrt(ops.add(variance, self.epsilon)))
        y = ops.reshape(y, shape)
        if self.gamma is not None:
            y = ops.multiply(y, _along(cast(self.gamma, kind), (axis,), shape))
        if self.beta is not None:
            y = ops.add(y, _along(cast(self.beta, kind), (axis,), shape))
        result: Tensor = cast(y, self.compute_dtype)
        return result

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "groups": self.groups,
            "axis": self.axis,
            "epsilon": self.epsilon,
            "center": self.center,
            "scale": self.scale,
            **self.gamma_and_beta_config(),
        }


@export("keras.layers")
class UnitNormalization(Normalizing):
    """Scale vectors to length 1: y = x / sqrt(sum x^2); a vector of zeros stays.

    Args:
        axis: the axis or axes of the sum.

    Raises:
        DTypeError: `axis` is neither an integer nor a list of them.

    >>> UnitNormalization()(Tensor([[3.0, 4.0], [0.0, 0.0]])).tolist()
    [[0.6000000238418579, 0.800000011920929], [0.0, 0.0]]
    """

    def __init__(self, axis: Any = -1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.axis = _axes(axis)
        self.supports_masking = True
        self.built = True

    def call(self, inputs: Tensor) -> Tensor:
        axes = tuple(self.axis) if isinstance(self.axis, list) else self.axis
        x = cast(inputs, wide(inputs))
        squares = ops.sum(ops.square(x), axis=axes, keepdims=True)
        # a length below 1e-12 counts as that: no division by 0
        inverse = ops.rsqrt(ops.maximum(squares, 1e-24))
        result: Tensor = cast(ops.multiply(x, inverse), self.compute_dtype)
        return result

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "axis": self.axis}


@export("keras.layers")
class RMSNormalization(Normalizing):
    """Divide each sample by the root of its mean square, then scale each feature.

    y = scale x / sqrt(mean(x^2) + epsilon)

    Args:
        axis: the axis or axes of the features; the weight `scale` has their lengths.
        epsilon: keeps the root away from 0.

    >>> RMSNormalization(epsilon=0.0)(Tensor([[3.0, -3.0]])).tolist()
    [[1.0, -1.0]]

    Source: Zhang & Sennrich, "Root Mean Square Layer Normalization" (2019).
    """

    def __init__(self, axis: Any = -1, epsilon: float = 1e-6, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.axis, self.epsilon = _axes(axis), epsilon

    def build(self, input_shape: Shape) -> None:
        self.compute_output_shape(input_shape)
        self.axis = sorted(self.axis) if isinstance(self.axis, list) else [self.axis]
        self.scale = self.add_weight(tuple(input_shape[axis] for axis in self.axis), "ones", name="scale")

    def call(self, x: Tensor) -> Tensor:
        inputs = cast(x, wide(x))
        axes = tuple(self.axis)
        square = ops.mean(ops.square(inputs), axis=axes, keepdims=True)
        y = ops.multiply(inputs, ops.rsqrt(ops.add(square, self.epsilon)))
        scale = _along(cast(self.scale, inputs.dtype.name), axes, x.shape)
        result: Tensor = cast(ops.multiply(y, scale), self.compute_dtype)
        return result

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "axis": self.axis, "epsilon": self.epsilon}


_NO_AXES = "Expected an int or a list/tuple of ints for the argument 'axis'"


def _axes(axis: Any, wrong: str = "Invalid value for `axis` argument: expected an int or a list/tuple of ints") -> Any:
    """An `axis` argument: an integer, or a list of them."""
    if isinstance(axis, (list, tuple)):
        return list(axis)
    if isinstance(axis, (int, np.integer)):
        return int(axis)
    raise DTypeError(f"{wrong}. Received: axis={axis!r}")


def wide(x: Tensor) -> str:
    """The type in which to sum numbers of x's type: at least float32."""
    return "float64" if x.dtype == np.float64 else "float32"


def cast(x: Any, dtype: str) -> Any:
    """`x` in that type; itself, and no op at all, where it has it already."""
    return x if x is None or x.dtype == dtype else ops.cast(x, dtype)


def _along(weight: Tensor, axes: tuple[int, ...], shape: tuple[int, ...]) -> Tensor:
    """A weight of the lengths of `axes`, shaped so that it is broadcast over the other axes of `shape`."""
    if axes in ((-1,), (len(shape) - 1,)):
        return weight
    lengths = [1] * len(shape)
    for axis in axes:
        lengths[axis] = shape[axis]
    shaped: Tensor = ops.reshape(weight, tuple(lengths))
    return shaped
