"""Arrays of any number of axes stretched and moved, along some of them: each is a product with a matrix of weights."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from neurona.cases import Case, Failure
from neurona.errors import ArgumentError, UnknownNameError
from neurona.ops.elementwise import cast, clip, round
from neurona.ops.linalg import tensordot
from neurona.ops.reduce import max, min
from neurona.ops.shape import moveaxis
from neurona.symbolic import dtype_name
from neurona.tape import composed
from neurona.tensor import Array, Tensor, TensorLike, as_array, as_tensor

__all__ = ["scale_and_translate"]


def _triangle(x: Array) -> Array:
    return np.asarray(np.maximum(0, 1 - x))


def _cubic(x: Array) -> Array:
    near, far = ((1.5 * x - 2.5) * x) * x + 1, ((-0.5 * x + 2.5) * x - 4) * x + 2
    return np.where(x >= 2, 0, np.where(x >= 1, far, near))


def _lanczos(radius: int) -> Callable[[Array], Array]:
    return lambda x: np.asarray(np.where(x > radius, 0, np.sinc(x) * np.sinc(x / radius)))


_WEIGHTS: dict[str, Callable[[Array], Array]] = {
    **dict.fromkeys(("linear", "bilinear", "trilinear", "triangle"), _triangle),
    **dict.fromkeys(("cubic", "bicubic", "tricubic"), _cubic),
    "lanczos3": _lanczos(3),
    "lanczos5": _lanczos(5),
}


def _case(axes: str, shape: Any, scale: Any, translation: Any, method: str, **more: Any) -> Case:
    places = tuple(range(len(scale)))
    return Case(
        axes, output_shape=shape, scale=scale, translation=translation, spatial_dims=places, method=method, **more
    )


@composed(
    cases=[
        _case("4 3 2", (6, 2, 2), [1.5, 0.5], [0.2, -0.1], "linear"),
        _case("5 2", (7, 2), [1.3], [0.0], "cubic", antialias=False),
        _case("6 2", (3, 2), [0.5], [0.3], "lanczos3"),
    ],
    errors=[
        Failure(
            "3", output_shape=(3,), scale=[1.0], translation=[0.0], spatial_dims=(0,), method="near", match="method"
        ),
        Failure(
            "3",
            output_shape=(3,),
            scale=[1.0, 1.0],
            translation=[0.0],
            spatial_dims=(0,),
            method="linear",
            match="one scale and one translation",
        ),
    ],
)
def scale_and_translate(
    images: TensorLike,
    output_shape: Sequence[int],
    scale: TensorLike,
    translation: TensorLike,
    spatial_dims: Sequence[int],
    method: str,
    antialias: bool = True,
) -> Tensor:
    """An array stretched and moved along some axes: place p of it comes to ``scale p + translation``.

    Args:
        images: any shape.
        output_shape: of the result; its other axes are those of `images`.
        scale, translation: a number for each of the spatial axes.
        spatial_dims: which axes these are.
        method: how values between places are found: "linear", "cubic", "lanczos3" or "lanczos5".
        antialias: whether what becomes smaller is averaged over.

    Returns:
        shape `output_shape`; 0 where nothing comes to lie. Whole numbers are rounded.

    Raises:
        UnknownNameError: no such method.
        ArgumentError: not a number for each axis.

    >>> scale_and_translate([1.0, 3.0], (4,), [2.0], [0.0], (0,), "linear")
    Tensor([1. , 1.5, 2.5, 3. ], dtype=float32)
    """
    if method not in _WEIGHTS:
        raise UnknownNameError.among("method", method, _WEIGHTS)
    scales, moves = np.reshape(as_array(scale), -1), np.reshape(as_array(translation), -1)
    if not len(scales) == len(moves) == len(spatial_dims):
        raise ArgumentError(
            f"scale_and_translate expected one scale and one translation for each of the axes {tuple(spatial_dims)}. "
            f"Received: scale={scales.tolist()}, translation={moves.tolist()}."
        )
    x: Any = images if hasattr(images, "shape") else as_tensor(images)
    given = dtype_name(x.dtype)
    whole = not given.startswith("float")
    y = cast(x, "float32") if whole else x
    for axis, by, to in zip(spatial_dims, scales.tolist(), moves.tolist(), strict=True):
        place = axis % len(x.shape)
        weights = _matrix(x.shape[place], output_shape[place], by, to, _WEIGHTS[method], antialias)
        y = moveaxis(tensordot(y, weights.astype("float32" if whole else given), axes=([place], [0])), -1, place)
    return cast(clip(round(y), min(x), max(x)), given) if whole else y  # type: ignore[no-any-return]


def _matrix(
    length: int, target: int, scale: float, move: float, weigh: Callable[[Array], Array], antialias: bool
) -> Array:
    """What each of `length` places gives to each of `target`."""
    wide = np.maximum(1 / scale, 1.0) if antialias else 1.0
    origin = (np.arange(target) + 0.5 - move) / scale - 0.5
    weights = weigh(np.abs(origin[None] - np.arange(length)[:, None]) / wide)
    total = weights.sum(0, keepdims=True)
    shares = np.where(np.abs(total) > 1000 * np.finfo("float32").eps, weights / np.where(total != 0, total, 1), 0)
    return np.where((origin >= -0.5) & (origin <= length - 0.5), shares, 0)
