"""SpectralNormalization: a layer whose kernel stretches nothing by more than 1."""

from __future__ import annotations

from typing import Any

from neurona import ops
from neurona.errors import ArgumentError
from neurona.layers.base import Layer
from neurona.layers.input_spec import InputSpec
from neurona.layers.recurrent.wrapper import Wrapper
from neurona.parts import initializers
from neurona.registry import export
from neurona.symbolic import Shape
from neurona.tensor import Tensor

__all__ = ["SpectralNormalization"]


@export("keras.layers")
class SpectralNormalization(Wrapper):
    """Divide the kernel of a layer by its largest singular value, s = max |W x| / |x|, at every step of training.

    s is found by power iteration: u and v, kept from step to step, turn towards the singular vectors. This holds the
    discriminator of a GAN to small steps.

    Args:
        layer: a layer with a `kernel` (`Dense`, `Conv2D`, ...) or `embeddings`.
        power_iterations: how often to turn the vectors a step.

    Call arguments:
        inputs: what the layer takes.
        training: only then the kernel is changed.

    Raises:
        ArgumentError: no iteration, or a layer with neither `kernel` nor `embeddings`.

    >>> from neurona.layers import Dense
    >>> layer = SpectralNormalization(Dense(2, kernel_initializer="ones"), power_iterations=9)
    >>> ops.round(layer(ops.ones((1, 2)), training=True), 4)  # a 2 x 2 matrix of ones stretches by 2
    Tensor([[1., 1.]], dtype=float32)

    Source: Miyato et al., "Spectral Normalization for Generative Adversarial Networks" (2018).
    """

    def __init__(self, layer: Layer, power_iterations: int = 1, **kwargs: Any) -> None:
        super().__init__(layer, **kwargs)
        if power_iterations <= 0:
            raise ArgumentError(
                f"`power_iterations` should be greater than zero. Received: power_iterations={power_iterations}"
            )
        self.power_iterations = power_iterations

    def build(self, input_shape: Any = None) -> None:
        super().build(input_shape)
        self.input_spec = InputSpec(min_ndim=1, axes={-1: input_shape[-1]})
        kernel = getattr(self.layer, "kernel", getattr(self.layer, "embeddings", None))
        if kernel is None:
            raise ArgumentError(
                f"{type(self.layer).__name__} object has no attribute 'kernel' nor 'embeddings': there is nothing to "
                "normalize."
            )
        self.kernel = kernel
        self.vector_u = self.add_weight(
            (1, kernel.shape[-1]), initializers.TruncatedNormal(stddev=0.02), kernel.dtype, trainable=False,
            name="vector_u",
        )  # fmt: skip

    def call(self, inputs: Tensor, training: bool | None = False) -> Tensor:
        if training:
            u, kernel = self.normalized_weights()
            nothing = ops.all(ops.equal(self.kernel, 0))  # a kernel of zeros stays as it is
            self.vector_u.assign(ops.where(nothing, self.vector_u.value, u))
            self.kernel.assign(ops.where(nothing, self.kernel.value, kernel))
        y: Tensor = self.layer(inputs)
        dtype = inputs.dtype if inputs.dtype.kind == "f" else self.compute_dtype
        return y if y.dtype == dtype else ops.cast(y, dtype)

    def normalized_weights(self) -> tuple[Tensor, Tensor]:
        """The vector u after the iterations, and the kernel divided by its largest singular value."""
        w = ops.stop_gradient(ops.reshape(self.kernel.value, (-1, self.kernel.shape[-1])))  # (everything else, F)
        u = self.vector_u.value
        for _ in range(self.power_iterations):
            v = ops.normalize(ops.matmul(u, ops.transpose(w)))
            u = ops.normalize(ops.matmul(v, w))
        sigma = ops.matmul(ops.matmul(v, w), ops.transpose(u))  # (1, 1)
        return u, ops.reshape(ops.divide(w, sigma), self.kernel.shape)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        shape: Shape = self.layer.compute_output_shape(input_shape)
        return shape

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "power_iterations": self.power_iterations}
