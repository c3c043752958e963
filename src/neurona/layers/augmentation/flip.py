"""RandomFlip: pictures mirrored."""

from __future__ import annotations

from typing import Any

import numpy as np

from neurona import ops
from neurona.cases import A, Case
from neurona.layers.augmentation.base import PictureLayer, chosen_from
from neurona.registry import export
from neurona.tape import op
from neurona.tensor import Array, Tensor

__all__ = ["RandomFlip"]


@op(
    cases=[
        Case("N 3 C 2", A("N", kind="bool"), axes=(1,)),
        Case("N 3 2 C", A("N", kind="bool"), axes=(1, 2)),
    ]
)
def _flip_some(x: Array, chosen: Array, axes: tuple[int, ...]) -> Array:
    """The samples of `x` that are chosen with some axes reversed, the others as they are."""
    y = x.copy()
    y[chosen] = np.flip(x[chosen], axes)
    return y


@_flip_some.gradient
def _(g: Array, y: Array, x: Array, chosen: Array, axes: tuple[int, ...]) -> tuple[Array, None]:
    return _flip_some.reference(g, chosen, axes), None


_MODES = ("horizontal", "vertical", "horizontal_and_vertical")


@export("keras.layers")
class RandomFlip(PictureLayer):
    """Mirror each picture with probability 1/2, in training only.

    Input and output ``(N, H, W, C)`` (``(N, C, H, W)`` with "channels_first"), or one picture.

    Args:
        mode: "horizontal" (left and right change places), "vertical", or "horizontal_and_vertical": both at once.
        seed: an integer makes the choices repeatable.
        data_format: "channels_last" unless set otherwise.

    Raises:
        UnknownNameError: an unknown mode.

    >>> layer = RandomFlip("horizontal", seed=1)
    >>> layer(np.array([[[1.0], [2.0]]]), training=True).shape
    (1, 2, 1)
    """

    _settings = ("seed", "mode", "data_format")
    _geometric = True

    def __init__(
        self,
        mode: str = "horizontal_and_vertical",
        seed: int | None = None,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(seed=seed, data_format=data_format, **kwargs)
        self.mode = chosen_from("flip mode", mode, _MODES)

    def get_random_transformation(self, data: Any, training: bool = True, seed: Any = None) -> Any:
        if not training:
            return None
        flips = ops.less_equal(self._uniform((self._size(data)[0],), 0.0, 1.0, seed), 0.5)
        return {"flips": flips}

    def _transform(self, images: Tensor, transformation: Any, interpolation: str | None) -> Tensor:
        down, along = (images.ndim + axis for axis in self._axes)
        axes = {"horizontal": (along,), "vertical": (down,)}.get(self.mode, (down, along))
        flipped: Tensor = _flip_some(images, ops.reshape(transformation["flips"], (-1,)), axes=axes)
        return flipped
