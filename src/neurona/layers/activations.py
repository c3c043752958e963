"""Activations with settings or weights of their own, as layers: ReLU, LeakyReLU, PReLU, ELU, Softmax."""

from __future__ import annotations

from typing import Any

from neurona import ops
from neurona.errors import ArgumentError, ShapeError
from neurona.layers.base import Layer
from neurona.layers.input_spec import InputSpec
from neurona.parts import activations, constraints, initializers, regularizers
from neurona.registry import export
from neurona.symbolic import Shape
from neurona.tensor import Tensor
from neurona.warn import warn_caller

__all__ = ["ELU", "LeakyReLU", "PReLU", "ReLU", "Softmax"]


class _Elementwise(Layer):
    """What these layers share: the output has the input's shape, and masks pass."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.supports_masking = True

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return input_shape


@export("keras.layers")
class ReLU(_Elementwise):
    """The rectifier: y = min(x, max_value) where x >= threshold, else negative_slope (x - threshold).

    Args:
        max_value: the upper limit; none by default.
        negative_slope: the slope below the threshold.
        threshold: where the unit turns on.

    Raises:
        ArgumentError: one of them is negative.

    >>> ReLU(max_value=3.0)(Tensor([-1.0, 2.0, 5.0]))
    Tensor([0., 2., 3.], dtype=float32)
    """

    def __init__(
        self,
        max_value: float | None = None,
        negative_slope: float = 0.0,
        threshold: float = 0.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if max_value is not None:
            _refuse_negative("max_value of a ReLU layer cannot be a negative value.", "max_value", max_value)
        _refuse_negative(
            "negative_slope of a ReLU layer cannot be None or a negative value.", "negative_slope", negative_slope
        )
        _refuse_negative("threshold of a ReLU layer cannot be None or a negative value.", "threshold", threshold)
        self.max_value, self.negative_slope, self.threshold = max_value, negative_slope, threshold
        self.built = True

    def call(self, inputs: Tensor) -> Tensor:
        y: Tensor = activations.relu(
            inputs, negative_slope=self.negative_slope, max_value=self.max_value, threshold=self.threshold
        )
        return y

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "max_value": self.max_value,
            "negative_slope": self.negative_slope,
            "threshold": self.threshold,
        }


@export("keras.layers")
class LeakyReLU(_Elementwise):
    """A rectifier that lets a little through: y = x where x >= 0, else negative_slope x.

    Args:
        negative_slope: the slope below 0.

    Raises:
        ArgumentError: the slope is negative.

    >>> LeakyReLU(negative_slope=0.5)(Tensor([-2.0, 2.0]))
    Tensor([-1.,  2.], dtype=float32)

    Source: Maas, Hannun & Ng, "Rectifier Nonlinearities" (2013).
    """

    def __init__(self, negative_slope: float = 0.3, **kwargs: Any) -> None:
        if "alpha" in kwargs:  # its name in Keras 2
            negative_slope = kwargs.pop("alpha")
            warn_caller("Argument `alpha` is deprecated. Use `negative_slope` instead.")
        super().__init__(**kwargs)
        _refuse_negative(
            "The negative_slope value of a Leaky ReLU layer cannot be None or negative.",
            "negative_slope",
            negative_slope,
        )
        self.negative_slope = negative_slope
        self.built = True

    def call(self, inputs: Tensor) -> Tensor:
        y: Tensor = activations.leaky_relu(inputs, negative_slope=self.negative_slope)
        return y

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "negative_slope": self.negative_slope}


@export("keras.layers")
class PReLU(_Elementwise):
    """A rectifier that learns its slope: y = x where x >= 0, else alpha x.

    The weight alpha has the shape of a sample, with 1 for shared axes.

    Args:
        alpha_initializer: how alpha begins; zeros by default.
        alpha_regularizer: a penalty on it.
        alpha_constraint: applied after each update.
        shared_axes: the axes, counted from 1, along which one alpha serves all; ``[1, 2]`` gives each channel
            of a picture its own.

    >>> PReLU(alpha_initializer="ones")(Tensor([[-2.0, 2.0]]))
    Tensor([[-2.,  2.]], dtype=float32)

    Source: He et al., "Delving Deep into Rectifiers" (2015).
    """

    def __init__(
        self,
        alpha_initializer: Any = "Zeros",
        alpha_regularizer: Any = None,
        alpha_constraint: Any = None,
        shared_axes: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.alpha_initializer = initializers.get(alpha_initializer)
        self.alpha_regularizer = regularizers.get(alpha_regularizer)
        self.alpha_constraint = constraints.get(alpha_constraint)
        self.shared_axes: list[int] | None = None
        if shared_axes is not None:
            self.shared_axes = list(shared_axes) if isinstance(shared_axes, (list, tuple)) else [shared_axes]

    def build(self, input_shape: Shape) -> None:
        shape, axes = list(input_shape[1:]), {}
        if self.shared_axes:
            for axis in self.shared_axes:
                shape[axis - 1] = 1
            axes = {i: n for i, n in enumerate(input_shape) if i > 0 and i not in self.shared_axes}
        self.alpha = self.add_weight(
            tuple(shape), self.alpha_initializer, name="alpha",
            regularizer=self.alpha_regularizer, constraint=self.alpha_constraint,
        )  # fmt: skip
        self.input_spec = InputSpec(ndim=len(input_shape), axes=axes)

    def call(self, inputs: Tensor) -> Tensor:
        alpha = self.alpha if self.alpha.dtype == inputs.dtype else ops.cast(self.alpha, inputs.dtype)
        below = ops.multiply(alpha, ops.minimum(inputs, 0.0))
        y: Tensor = ops.add(activations.relu(inputs), below)
        return y

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "alpha_initializer": initializers.serialize(self.alpha_initializer),
            "alpha_regularizer": regularizers.serialize(self.alpha_regularizer),
            "alpha_constraint": constraints.serialize(self.alpha_constraint),
            "shared_axes": self.shared_axes,
        }


@export("keras.layers")
class ELU(_Elementwise):
    """The exponential linear unit: y = x where x > 0, else alpha (e^x - 1).

    Args:
        alpha: minus the limit for very negative x.

    >>> ELU()(Tensor([0.0, 2.0]))
    Tensor([0., 2.], dtype=float32)

    Source: Clevert, Unterthiner & Hochreiter, "Exponential Linear Units" (2016).
    """

    def __init__(self, alpha: float = 1.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.alpha = alpha
        self.built = True

    def call(self, inputs: Tensor) -> Tensor:
        y: Tensor = activations.elu(inputs, alpha=self.alpha)
        return y

    def get_config(self) -> dict[str, Any]:
        base = super().get_config()
        return {"name": base.pop("name"), "alpha": self.alpha, **base}  # Keras's order for this one


@export("keras.layers")
class Softmax(_Elementwise):
    """Turn numbers into shares that sum to 1: y_i = exp(x_i) / sum_j exp(x_j).

    Args:
        axis: the axis or axes of the sum.

    Call arguments:
        inputs: any shape.
        mask: broadcastable to the inputs; where it is False (or at most 0.5) the share is 0.

    Raises:
        ShapeError: the mask cannot be broadcast to the inputs.

    >>> Softmax()(Tensor([[1.0, 1.0]]))
    Tensor([[0.5, 0.5]], dtype=float32)
    >>> Softmax()(Tensor([[1.0, 1.0]]), mask=Tensor([[True, False]]))
    Tensor([[1., 0.]], dtype=float32)
    """

    def __init__(self, axis: Any = -1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.axis = axis
        self.built = True

    def call(self, inputs: Tensor, mask: Tensor | None = None) -> Tensor:
        if mask is not None:
            _check_mask(mask.shape, inputs.shape)
            if mask.dtype != bool:
                mask = ops.greater(mask, 0.5)
            # far below every logit, yet finite: a row that is masked altogether must not become NaN
            inputs = ops.where(mask, inputs, -3e4 if inputs.dtype == "float16" else -1e9)
        axes = list(self.axis) if isinstance(self.axis, (list, tuple)) else [self.axis]
        if len(axes) == 1:
            y: Tensor = activations.softmax(inputs, axis=axes[0])
        else:
            y = ops.exp(ops.subtract(inputs, ops.logsumexp(inputs, axis=tuple(axes), keepdims=True)))
        return y if mask is None else ops.where(mask, y, 0.0)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "axis": self.axis}


def _refuse_negative(what: str, name: str, value: float | None) -> None:
    if value is None or value < 0:
        raise ArgumentError(f"{what} Received: {name}={value}")


def _check_mask(mask: Shape, inputs: Shape) -> None:
    pairs = zip(reversed(mask), reversed(inputs), strict=False)
    if len(mask) > len(inputs) or any(m not in (1, n) for m, n in pairs):
        raise ShapeError(
            "The `mask` must be broadcastable to `inputs`: each of its axes 1 or as long as the inputs'. "
            f"Received: inputs.shape={inputs}, mask.shape={mask}"
        )
