"""BatchNormalization: each channel brought to a common scale over the batch, or by averages kept."""

from __future__ import annotations

from typing import Any

from neurona import config, ops
from neurona.errors import ArgumentError, ShapeError
from neurona.layers.input_spec import InputSpec
from neurona.layers.normalization import Scaling, cast, wide
from neurona.ops import fused
from neurona.parts import initializers
from neurona.registry import export
from neurona.symbolic import Shape
from neurona.tensor import Tensor
from neurona.variable import Variable

__all__ = ["BatchNormalization"]


@export("keras.layers")
class BatchNormalization(Scaling):
    """Bring each channel to mean 0 and variance 1 over the batch, then scale and shift it.

    y = gamma (x - mean) / sqrt(variance + epsilon) + beta

    In training mean and variance are the batch's own, and moving averages of them are kept
    (moving = momentum moving + (1 - momentum) batch's); at rest, or when the layer is frozen
    (``trainable = False``), the averages are used.

    Args:
        axis: the axis of the channels.
        momentum: how slowly the averages move.
        epsilon: keeps the root away from 0.
        center, scale: whether there is a beta, a gamma.
        beta_initializer, gamma_initializer, moving_mean_initializer, moving_variance_initializer: how the
            weights begin, each of shape ``(C,)``.
        beta_regularizer, gamma_regularizer: penalties on them.
        beta_constraint, gamma_constraint: applied after each update.
        renorm, renorm_clipping, renorm_momentum: batch renormalization, which is not supported; only its
            absence is.
        synchronized: accepted for Keras's sake: there is one device.

    Call arguments:
        inputs: shape ``(N, ..., C)``.
        training: whether to measure the batch.
        mask: shape of the inputs without the last axis; masked places do not count in the averages.

    Raises:
        ArgumentError: `renorm` is asked for.
        ShapeError: a mask of another number of axes.

    >>> layer = BatchNormalization(momentum=0.5, epsilon=0.0)
    >>> layer(Tensor([[1.0], [3.0]]), training=True).tolist(), layer.moving_mean.tolist()
    ([[-1.0], [1.0]], [1.0])

    Source: Ioffe & Szegedy, "Batch Normalization" (2015).
    """

    def __init__(
        self,
        axis: Any = -1,
        momentum: float = 0.99,
        epsilon: float = 1e-3,
        center: bool = True,
        scale: bool = True,
        beta_initializer: Any = "zeros",
        gamma_initializer: Any = "ones",
        moving_mean_initializer: Any = "zeros",
        moving_variance_initializer: Any = "ones",
        beta_regularizer: Any = None,
        gamma_regularizer: Any = None,
        beta_constraint: Any = None,
        gamma_constraint: Any = None,
        renorm: bool = False,
        renorm_clipping: dict[str, float] | None = None,
        renorm_momentum: float = 0.99,
        synchronized: bool = False,
        **kwargs: Any,
    ) -> None:
        if isinstance(axis, (list, tuple)) and len(axis) == 1:
            axis = axis[0]  # as old model files have it
        super().__init__(
            int(axis), float(epsilon), center, scale, beta_initializer, gamma_initializer,
            beta_regularizer, gamma_regularizer, beta_constraint, gamma_constraint, **kwargs,
        )  # fmt: skip
        if renorm:
            raise ArgumentError(
                "BatchNormalization does not support batch renormalization. Received: renorm=True. Leave it "
                "out, or use LayerNormalization where batches are small."
            )
        self.momentum = float(momentum)
        self.moving_mean_initializer = initializers.get(moving_mean_initializer)
        self.moving_variance_initializer = initializers.get(moving_variance_initializer)
        self.renorm, self.renorm_clipping, self.renorm_momentum = renorm, renorm_clipping, renorm_momentum
        self.synchronized = synchronized

    def build(self, input_shape: Shape) -> None:
        self.compute_output_shape(input_shape)
        channels = input_shape[self.axis]
        self.add_gamma_and_beta((channels,), self.scale, self.center)
        self.moving_mean = self.add_weight(
            (channels,), self.moving_mean_initializer, name="moving_mean", trainable=False
        )
        self.moving_variance = self.add_weight(
            (channels,), self.moving_variance_initializer, name="moving_variance", trainable=False
        )
        self.input_spec = InputSpec(ndim=len(input_shape), axes={self.axis: channels})

    def call(self, inputs: Tensor, training: bool | None = None, mask: Tensor | None = None) -> Tensor:
        if mask is not None and mask.ndim != inputs.ndim - 1:
            raise ShapeError(
                "The mask provided should be one dimension less than the inputs. Received: "
                f"mask.shape={mask.shape}, inputs.shape={inputs.shape}"
            )
        last = self.axis in (-1, inputs.ndim - 1)
        x = cast(inputs, wide(inputs))
        x = x if last else ops.moveaxis(x, self.axis, -1)  # (N, C, ...) -> (N, ..., C)
        kind = x.dtype.name
        gamma, beta = cast(self.gamma, kind), cast(self.beta, kind)
        if not (training and self.trainable):
            mean, variance = cast(self.moving_mean, kind), cast(self.moving_variance, kind)
            y = fused.batch_norm_infer(x, mean, variance, gamma, beta, epsilon=self.epsilon)
        else:
            if mask is None:
                y, mean, variance = fused.batch_norm_train(x, gamma, beta, epsilon=self.epsilon)
            else:
                mean, variance = self._masked_moments(x, inputs, mask, last)
                y = fused.batch_norm_infer(x, mean, variance, gamma, beta, epsilon=self.epsilon)
            self._follow(self.moving_mean, mean)
            self._follow(self.moving_variance, variance)
        y = y if last else ops.moveaxis(y, -1, self.axis)
        result: Tensor = cast(y, self.compute_dtype)
        return result

    def _masked_moments(self, x: Tensor, inputs: Tensor, mask: Tensor, last: bool) -> tuple[Tensor, Tensor]:
        """Mean and variance of each channel of `x` over the places that count."""
        counts = ops.broadcast_to(ops.expand_dims(ops.cast(mask, "bool"), -1), inputs.shape)
        counts = counts if last else ops.moveaxis(counts, self.axis, -1)
        axes = tuple(range(x.ndim - 1))
        # epsilon: a batch that is masked altogether has mean and variance 0
        number = ops.add(ops.sum(ops.cast(counts, x.dtype), axis=axes), config.epsilon())
        mean = ops.divide(ops.sum(ops.where(counts, x, 0.0), axis=axes), number)
        distance = ops.where(counts, ops.subtract(x, mean), 0.0)
        return mean, ops.divide(ops.sum(ops.square(distance), axis=axes), number)

    def _follow(self, moving: Variable, measured: Tensor) -> None:
        """Let a moving average take its share of what this batch measured."""
        kept = ops.multiply(moving, self.momentum)
        moving.assign(ops.add(kept, ops.multiply(measured, 1.0 - self.momentum)))

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "axis": self.axis,
            "momentum": self.momentum,
            "epsilon": self.epsilon,
            "center": self.center,
            "scale": self.scale,
            **self.gamma_and_beta_config("moving_mean_initializer", "moving_variance_initializer"),
            "synchronized": self.synchronized,
            "renorm": self.renorm,
            "renorm_clipping": self.renorm_clipping,
            "renorm_momentum": self.renorm_momentum,
        }
