"""Pictures drawn through a quadrangle, and arrays read at any coordinates."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np

from neurona.cases import A, Case, Failure
from neurona.errors import ArgumentError, ShapeError, UnknownNameError
from neurona.ops.image.sampling import INTERPOLATIONS, in_batch, out_of_batch, warp
from neurona.ops.shape import expand_dims
from neurona.tape import composed, op
from neurona.tensor import Array, Tensor, TensorLike, as_tensor

__all__ = ["map_coordinates", "perspective_transform"]

_MODES = ("constant", "nearest", "wrap", "mirror", "reflect")


# -- perspective ----------------------------------------------------------------------------------------------


@op(cases=[Case(A("N 4 2"), A("N 4 2"))])
def _homography(start: Array, end: Array) -> Array:
    """The eight numbers of the projective map that takes each of four end points to its start point: (N, 8)."""
    # each pair of points gives two equations that are linear in them: x (c0 u + c1 v + 1) = a0 u + a1 v + a2, ...
    start, end = start.astype("float64"), end.astype("float64")
    rows = np.zeros((len(start), 4, 2, 8))
    u, v = end[..., 0], end[..., 1]
    for axis in range(2):
        rows[:, :, axis, 3 * axis : 3 * axis + 3] = np.stack([u, v, np.ones_like(u)], axis=-1)
        rows[:, :, axis, 6:] = -start[:, :, axis, None] * end
    equations, wanted = rows.reshape(-1, 8, 8), start.reshape(-1, 8, 1)
    try:
        solved = np.linalg.solve(equations, wanted)
    except np.linalg.LinAlgError:  # three points on a line somewhere: the map that comes nearest
        solved = np.linalg.pinv(equations) @ wanted
    return np.asarray(solved[..., 0], np.float32)


_CORNERS = np.array([[0, 0], [3, 0], [0, 2], [3, 2]], "int32")
_MOVED = np.array([[0, 0], [3, 1], [1, 2], [2, 3]], "int32")


@composed(
    cases=[
        Case("N 3 4 2", _CORNERS, _MOVED, sizes={"N": 1}),
        Case("2 3 4", _CORNERS, _MOVED, data_format="channels_first", fill_value=0.5),
    ],
    errors=[
        Failure("3 4", _CORNERS, _MOVED, match="expected rank 3 (single image)"),
        Failure("3 4 1", _CORNERS[:3], _MOVED[:3], match="Invalid start_points shape: expected (4, 2)"),
        Failure("3 4 1", _CORNERS, _MOVED[:3], match="Invalid end_points shape: expected (4, 2)"),
        Failure("3 4 1", _CORNERS, _MOVED[None], match="must have the same shape"),
        Failure("3 4 1", _CORNERS, _MOVED, interpolation="cubic", match="interpolation"),
    ],
)
def perspective_transform(
    images: TensorLike,
    start_points: TensorLike,
    end_points: TensorLike,
    interpolation: str = "bilinear",
    fill_value: float = 0,
    data_format: str | None = None,
) -> Tensor:
    """Pictures drawn so that four points (usually the corners) come to lie at four others.

    Args:
        images: shape (N, H, W, C), or (H, W, C) for one picture.
        start_points: four points (x, y) of the pictures: shape (4, 2), or (N, 4, 2) for each its own.
        end_points: where they shall be.
        interpolation: "nearest" or "bilinear".
        fill_value: of what lies outside.
        data_format: "channels_last" or "channels_first"; the configured one by default.

    Returns:
        the shape and type of `images`.

    Raises:
        ShapeError: other shapes.
        UnknownNameError: an unknown interpolation or data format.

    >>> picture = np.array([[[1.0], [2.0]], [[3.0], [4.0]]])
    >>> corners = np.array([[0.0, 0], [1, 0], [0, 1], [1, 1]])
    >>> perspective_transform(picture, corners, corners[[1, 0, 3, 2]])[..., 0]  # left and right change places
    Tensor([[2., 1.],
           [4., 3.]], dtype=float64)
    """
    if interpolation not in INTERPOLATIONS:
        raise UnknownNameError.among("interpolation", interpolation, INTERPOLATIONS)
    batch, single, first = in_batch(images, data_format)
    start, end = as_tensor(start_points), as_tensor(end_points)
    for name, points in (("start_points", start), ("end_points", end)):
        if points.ndim not in (2, 3) or points.shape[-2:] != (4, 2):
            raise ShapeError(
                f"Invalid {name} shape: expected (4, 2) for a single image or (N, 4, 2) for a batch. "
                f"Received shape: {points.shape}"
            )
    if start.shape != end.shape:
        raise ShapeError(
            "start_points and end_points must have the same shape. "
            f"Received start_points.shape={start.shape}, end_points.shape={end.shape}"
        )
    if start.ndim == 2:
        start, end = expand_dims(start, 0), expand_dims(end, 0)
    moved = warp(batch, _homography(start, end), interpolation=interpolation, fill_value=float(fill_value))
    return out_of_batch(moved, single, first)


# -- any coordinates ------------------------------------------------------------------------------------------


def _fixed(index: Array, length: int, mode: str) -> Array:
    """Whole places brought inside 0 ... length - 1."""
    if mode == "wrap":
        inside: Array = np.mod(index, length)
    elif mode == "reflect":
        period = np.mod(index, 2 * length)
        inside = np.minimum(period, 2 * length - 1 - period)
    elif mode == "mirror":
        top = max(length - 1, 1)
        inside = np.minimum(np.abs(np.mod(index + top, 2 * top) - top), length - 1)
    else:
        inside = np.clip(index, 0, length - 1)
    return inside


def _corner_weights(coordinates: Array, order: int) -> list[list[tuple[Array, Array, Array]]]:
    """For each axis the one or two whole places that count: index, weight and the weight's slope."""
    axes = []
    for c in coordinates:
        if order == 0:
            axes.append([(np.rint(c).astype(np.intp), np.ones_like(c), np.zeros_like(c))])
            continue
        low = np.floor(c)
        share, index, one = c - low, low.astype(np.intp), np.ones_like(c)
        axes.append([(index, 1 - share, -one), (index + 1, share, one)])
    return axes


def _found(inputs: Array, corner: Any, mode: str, value: float) -> tuple[Array, tuple[Array, ...], Array]:
    """The values at one corner of all places, their index, and whether they are the inputs' own."""
    index = tuple(_fixed(i, n, mode) for (i, _, _), n in zip(corner, inputs.shape, strict=True))
    own = np.ones(index[0].shape, bool)
    if mode == "constant":
        for (i, _, _), n in zip(corner, inputs.shape, strict=True):
            own &= (i >= 0) & (i < n)
    return np.where(own, inputs[index], np.asarray(value, inputs.dtype)), index, own


@op(
    cases=[
        Case("4 3", A("2 N", -3.3, 6.1), order=1, fill_mode="constant", fill_value=0.5),
        Case("4 3", A("2 N 2", -3.3, 6.1), order=1, fill_mode="wrap"),
        Case("4", A("1 N", -3.3, 6.1), order=1, fill_mode="mirror"),
        Case("4", A("1 N", -3.3, 6.1), order=1, fill_mode="reflect"),
        Case("2 2 2", A("3 N", -1.3, 2.1), order=1, fill_mode="nearest"),
        Case("4 3", A("2 N", -3.3, 6.1), order=0, fill_mode="reflect"),
    ],
    errors=[
        Failure("4 3", "3 2", order=1, match="must be the same as the rank of `inputs`"),
        Failure("4", "1", order=1, match="expected at least rank 2"),
        Failure("4", "1 2", order=2, match="order 0 or 1"),
        Failure("4", "1 2", order=1, fill_mode="edge", match="fill_mode"),
    ],
)
def map_coordinates(
    inputs: Array, coordinates: Array, order: int, fill_mode: str = "constant", fill_value: float = 0
) -> Array:
    """An array read at any coordinates, between its elements too.

    Args:
        inputs: any shape (n1, ..., nd).
        coordinates: shape (d, ...): the place along each axis.
        order: 0 reads the nearest element, 1 mixes the 2^d around.
        fill_mode: what lies outside of a b c d: "constant" (`fill_value`), "nearest" (a a | a b c d | d d),
            "wrap" (c d | a b c d | a b), "mirror" (c b | a b c d | c b), "reflect" (b a | a b c d | d c).
        fill_value: for "constant".

    Returns:
        the shape of the coordinates without their first axis; the inputs' type.

    Raises:
        ShapeError: coordinates that do not fit.
        ArgumentError: another order.
        UnknownNameError: an unknown fill mode.

    >>> map_coordinates(np.array([1.0, 2.0, 4.0]), np.array([[0.5, 2.0, 3.0]]), order=1)
    Tensor([1.5, 4. , 0. ], dtype=float64)
    """
    if coordinates.ndim < 2:
        raise ShapeError(f"Invalid coordinates rank: expected at least rank 2. Received: {coordinates.shape}")
    if len(coordinates) != inputs.ndim:
        raise ShapeError(
            "First dim of `coordinates` must be the same as the rank of `inputs`. "
            f"Received inputs with shape: {inputs.shape} and coordinates with shape: {coordinates.shape}"
        )
    if order not in (0, 1):
        raise ArgumentError(f"map_coordinates expected order 0 or 1. Received: order={order}")
    if fill_mode not in _MODES:
        raise UnknownNameError.among("fill_mode", fill_mode, _MODES)
    if coordinates.dtype.kind != "f":
        coordinates = coordinates.astype(np.float32)
    total = np.zeros(coordinates.shape[1:], np.result_type(coordinates.dtype, np.float32))
    for corner in itertools.product(*_corner_weights(coordinates, order)):
        weight = math.prod((w for _, w, _ in corner), start=np.ones(1, coordinates.dtype))
        total = total + weight * _found(inputs, corner, fill_mode, fill_value)[0]
    return np.asarray(np.rint(total) if inputs.dtype.kind in "iu" else total, inputs.dtype)


@map_coordinates.gradient
def _(
    g: Array,
    y: Array,
    inputs: Array,
    coordinates: Array,
    order: int,
    fill_mode: str = "constant",
    fill_value: float = 0,
) -> tuple[Array, Array | None]:
    floating = coordinates.dtype.kind == "f"
    places = coordinates if floating else coordinates.astype(np.float32)
    dinputs, dplaces = np.zeros(inputs.shape, g.dtype), np.zeros_like(places)
    for corner in itertools.product(*_corner_weights(places, order)):
        values, index, own = _found(inputs, corner, fill_mode, fill_value)
        weights = [w for _, w, _ in corner]
        np.add.at(dinputs, index, np.where(own, g * math.prod(weights, start=np.ones(1, g.dtype)), 0))
        for axis, (_, _, slope) in enumerate(corner):
            others = math.prod(weights[:axis] + weights[axis + 1 :], start=np.ones(1, g.dtype))
            dplaces[axis] += g * values * slope * others
    return dinputs, dplaces if floating else None
