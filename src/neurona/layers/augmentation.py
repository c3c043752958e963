"""Layers that vary pictures while training, and leave them alone otherwise."""

from __future__ import annotations

from typing import Any

from neurona import ops, random
from neurona.errors import UnknownNameError
from neurona.layers.base import Layer
from neurona.random import SeedGenerator
from neurona.registry import export
from neurona.symbolic import Shape
from neurona.tensor import Tensor

__all__ = ["RandomFlip"]

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
        chance = random.uniform((images.shape[0], 1, 1, 1), seed=self.seed_generator)
        flipped: Tensor = ops.where(ops.less(chance, 0.5), ops.flip(images, axis=axis), images)
        return flipped

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "seed": self.seed, "mode": self.mode, "data_format": self.data_format}
