"""Layers that vary pictures while training, and leave them alone otherwise."""

from __future__ import annotations

from typing import Any

import numpy as np

from neurona import ops, random
from neurona.cases import A, Case
from neurona.errors import UnknownNameError
from neurona.layers.base import Layer
from neurona.random import SeedGenerator
from neurona.registry import export
from neurona.symbolic import Shape
from neurona.tape import op
from neurona.tensor import Array, Tensor

__all__ = ["RandomFlip"]


@op(cases=[Case("N 3 C 2", A("N", kind="bool"), axis=1)])
def _flip_some(x: Array, chosen: Array, axis: int) -> Array:
    """The samples of `x` that are chosen with an axis reversed, the others as they are."""
    y = x.copy()
    y[chosen] = np.flip(x[chosen], axis)
    return y


@_flip_some.gradient
def _(g: Array, y: Array, x: Array, chosen: Array, axis: int) -> tuple[Array, None]:
    return _flip_some.reference(g, chosen, axis), None


_MODES = ("horizontal", "vertical", "horizontal_and_vertical")


@export("keras.layers")
class RandomFlip(Layer):
    """Mirror each picture with probability 1/2, in training only.

    Input and output ``(N, H, W, C)`` (``(N, C, H, W)`` with "channels_first").

    Args:
        mode: "horizontal" (left and right change places), "vertical", or "horizontal_and_vertical".
        seed: an integer makes the choices repeatable.
        data_format: "channels_last" unless set otherwise.
    """

    def __init__(
        self,
        mode: str = "horizontal_and_vertical",
        seed: int | None = None,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if mode not in _MODES:
            raise UnknownNameError.among("flip mode", mode, _MODES)
        self.mode, self.seed = mode, seed
        self.data_format = data_format
        self.seed_generator = SeedGenerator(seed)
        self.built = True

    def call(self, images: Tensor, training: bool = True) -> Tensor:
        if not training:
            return images
        height = 2 if self.data_format == "channels_first" else 1
        if self.mode != "vertical":
            images = self._flip(images, height + 1)
        if self.mode != "horizontal":
            images = self._flip(images, height)
        return images

    def _flip(self, images: Tensor, axis: int) -> Tensor:
        chance = random.uniform((images.shape[0],), seed=self.seed_generator)
        flipped: Tensor = _flip_some(images, ops.less(chance, 0.5), axis=axis)
        return flipped

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "seed": self.seed, "mode": self.mode, "data_format": self.data_format}
