"""Ops that arrange the same numbers anew: other axes, other order, several arrays in one, one in several.

Values and types stay as they are; where NumPy gives a view, so do these. The gradient puts each number back
where it came from, and sums where one was used several times.
"""

from __future__ import annotations

import builtins
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from neurona.cases import Case, Failure
from neurona.errors import ArgumentError, ShapeError
from neurona.ops.elementwise import unbroadcast
from neurona.symbolic import KerasTensor, Node, Shape, call_symbolically, has_symbolic
from neurona.tape import OPS, Composed, composed, op
from neurona.tensor import Array, Tensor, TensorLike, as_array

__all__ = [
    "broadcast_to",
    "expand_dims",
    "flip",
    "fliplr",
    "flipud",
    "meshgrid",
    "moveaxis",
    "pad",
    "ravel",
    "repeat",
    "reshape",
    "roll",
    "rot90",
    "squeeze",
    "swapaxes",
    "tile",
    "transpose",
]


def axis_of(axis: int, ndim: int, name: str) -> int:
    """The axis as a number from 0; an error where there is none such.

    >>> axis_of(-1, 3, "flip")
    2
    """
    if not -ndim <= axis < ndim:
        raise ShapeError(f"{name} expected an axis from {-ndim} to {ndim - 1}. Received: {axis}.")
    return int(axis) % ndim


def axes_of(axis: int | Sequence[int], ndim: int, name: str) -> tuple[int, ...]:
    """Several axes as numbers from 0, each of them once."""
    axes = tuple(axis_of(one, ndim, name) for one in (axis if isinstance(axis, (tuple, list)) else (axis,)))
    if len(set(axes)) < len(axes):
        raise ShapeError(f"{name} expected different axes. Received: {axis}.")
    return axes


NO_AXIS = [Failure("2 3", axis=2, match="expected an axis from -2 to 1")]

# -- the same numbers under other axes -----------------------------------------------------------------------


def _target(shape: Shape, newshape: Any) -> list[int]:
    """The lengths of `newshape`, where None is the one open length, or that of the same axis of `shape`."""
    wanted = [newshape] if isinstance(newshape, (int, np.integer)) else list(newshape)
    if None in wanted:
        if -1 in wanted or wanted.count(None) > 1:
            wanted = [shape[i] if n is None and i < len(shape) else n for i, n in enumerate(wanted)]
        wanted = [-1 if n is None else n for n in wanted]
    return [int(n) for n in wanted]


def _refuse(shape: Shape, wanted: Any) -> ShapeError:
    return ShapeError(
        f"reshape expected a shape that holds as many numbers, with at most one -1. "
        f"Received: {tuple(wanted)} for an input of shape {shape}."
    )


@op(cases=[Case("N C", newshape=(-1,))], promote="binary")
def _reshape(x: Array, newshape: Any) -> Array:
    """The arrays' part of `reshape`."""
    wanted = _target(x.shape, newshape)
    try:
        return x.reshape(wanted)
    except ValueError:
        raise _refuse(x.shape, wanted) from None


@_reshape.gradient
def _(g: Array, y: Array, x: Array, newshape: Any) -> Array:
    return g.reshape(x.shape)


class _Reshape(Composed):
    """`reshape`, which foretells its shape by arithmetic: an open axis may come to hold any number."""

    def __call__(self, x: Any, newshape: Any) -> Any:
        if not isinstance(x, KerasTensor):
            return _reshape(x, newshape=newshape)
        if None in x.shape and isinstance(newshape, (tuple, list)) and None in newshape and -1 in newshape:
            # None is the open axis of the input, so that -1 can be worked out from the others
            free = math.prod(n for n in x.shape if n is not None)
            rest = math.prod(n for n in newshape if n not in (None, -1))
            same = x.shape.count(None) == list(newshape).count(None) and rest and free % rest == 0
            newshape_drawn = [(free // rest if same else None) if n == -1 else n for n in newshape]
            return self._draw(x, newshape, tuple(newshape_drawn))
        wanted = _target(x.shape, newshape)
        known = math.prod(n for n in wanted if n != -1)
        if wanted.count(-1) > 1:
            raise _refuse(x.shape, wanted)
        if None in x.shape:  # any length may come: what is open stays open
            shape: Shape = tuple(None if n == -1 else n for n in wanted)
        else:
            total = math.prod(n for n in x.shape if n is not None)
            fits = known and total % known == 0 if -1 in wanted else known == total
            if not fits:
                raise _refuse(x.shape, wanted)
            shape = tuple(total // known if n == -1 else n for n in wanted)
        return self._draw(x, newshape, shape)

    def _draw(self, x: KerasTensor, newshape: Any, shape: Shape) -> KerasTensor:
        output = KerasTensor(shape, x.dtype)
        Node(self, (x, newshape), {}, output)
        return output


def _reshape_any(x: TensorLike, newshape: Any) -> Tensor:
    """The same numbers, row by row, under other axes.

    Args:
        x: a tensor.
        newshape: the lengths of the axes; one may be -1 (or ``None``): it takes what is left.

    >>> reshape([1.0, 2.0, 3.0, 4.0], (2, -1))
    Tensor([[1., 2.],
            [3., 4.]], dtype=float32)
    """
    return _reshape(x, newshape=newshape)  # type: ignore[no-any-return]


_reshape_any.__name__ = _reshape_any.__qualname__ = "reshape"
reshape = _Reshape(
    _reshape_any,
    cases=[
        Case("N 6", newshape=(-1, 3), sizes={"N": 1}),
        Case("2 6", newshape=(3, 4)),
        Case("N 4", newshape=(None, 2, 2), sizes={"N": 1}),
        Case("N C", newshape=-1),
    ],
    errors=[Failure("2 3", newshape=(4, -1), match="as many numbers")],
)
OPS["reshape"] = reshape


@op(
    cases=[Case("N T C"), Case("N T C", axes=(1, 0, 2)), Case("N C", axes=(0, 1)), Case("N")],
    errors=[
        Failure("2 3", axes=(0, 0), match="each axis once"),
        Failure("2 3", axes=(0,), match="each axis once"),
    ],
    promote="binary",
)
def transpose(x: Array, axes: Sequence[int] | None = None) -> Array:
    """The axes in another order; reversed unless told.

    >>> transpose([[1.0, 2.0], [3.0, 4.0]])
    Tensor([[1., 3.],
            [2., 4.]], dtype=float32)
    """
    if axes is not None and sorted(n % x.ndim if x.ndim else n for n in axes) != list(range(x.ndim)):
        raise ShapeError(f"transpose expected axes that name each axis once. Received: {axes}, shape {x.shape}.")
    return x.transpose(axes)


@transpose.gradient
def _(g: Array, y: Array, x: Array, axes: Sequence[int] | None = None) -> Array:
    return g.transpose() if axes is None else g.transpose(np.argsort([n % x.ndim for n in axes]))


@op(
    cases=[Case("N C", axis=1), Case("N C", axis=(0, -1)), Case("", axis=0)],
    errors=[Failure("2 3", axis=3, match="expected an axis")],
    promote="binary",
)
def expand_dims(x: Array, axis: int | Sequence[int]) -> Array:
    """New axes of length 1 at the places `axis` of the result.

    >>> expand_dims([1.0, 2.0], -1)
    Tensor([[1.],
            [2.]], dtype=float32)
    """
    count = len(axis) if isinstance(axis, (tuple, list)) else 1
    return np.expand_dims(x, axes_of(axis, x.ndim + count, "expand_dims"))


@expand_dims.gradient
def _(g: Array, y: Array, x: Array, axis: int | Sequence[int]) -> Array:
    return g.reshape(x.shape)


@op(
    cases=[Case("N 1 C 1", axis=(1, 3)), Case("1 N 1", axis=0), Case("1 3 1")],
    errors=[Failure("2 3", axis=1, match="axes of length 1")],
    promote="binary",
)
def squeeze(x: Array, axis: int | Sequence[int] | None = None) -> Array:
    """Without the axes of length 1, all or those told.

    >>> squeeze([[1.0, 2.0]])
    Tensor([1., 2.], dtype=float32)
    """
    if axis is None:
        return x.squeeze()
    axes = axes_of(axis, x.ndim, "squeeze")
    if builtins.any(x.shape[i] != 1 for i in axes):
        raise ShapeError(f"squeeze expected axes of length 1. Received: shape {x.shape}, axis={axis}.")
    return x.squeeze(axes)


@squeeze.drawn
def _(x: KerasTensor, axis: int | Sequence[int] | None = None) -> Any:
    if axis is not None and builtins.any(x.shape[i] is None for i in axes_of(axis, x.ndim, "squeeze")):
        raise ShapeError(f"squeeze expected axes of length 1. Received: shape {x.shape}, axis={axis}, an open one.")
    if axis is None and None in x.shape:
        return KerasTensor(tuple(n for n in x.shape if n != 1), x.dtype)
    return NotImplemented


@squeeze.gradient
def _(g: Array, y: Array, x: Array, axis: int | Sequence[int] | None = None) -> Array:
    return g.reshape(x.shape)


@op(cases=[Case("N C"), Case("")], promote="binary")
def ravel(x: Array) -> Array:
    """All numbers in one row.

    >>> ravel([[1.0, 2.0], [3.0, 4.0]])
    Tensor([1., 2., 3., 4.], dtype=float32)
    """
    return x.reshape(-1)


@ravel.gradient
def _(g: Array, y: Array, x: Array) -> Array:
    return g.reshape(x.shape)


@op(
    cases=[Case("N T C", axis1=0, axis2=-1)],
    errors=[Failure("2 3", 0, 2, match="expected an axis")],
    promote="binary",
)
def swapaxes(x: Array, axis1: int, axis2: int) -> Array:
    """Two axes exchanged.

    >>> swapaxes([[1.0, 2.0]], 0, 1)
    Tensor([[1.],
            [2.]], dtype=float32)
    """
    return x.swapaxes(axis_of(axis1, x.ndim, "swapaxes"), axis_of(axis2, x.ndim, "swapaxes"))


@swapaxes.gradient
def _(g: Array, y: Array, x: Array, axis1: int, axis2: int) -> Array:
    return g.swapaxes(axis1, axis2)


@op(
    cases=[Case("N T C", source=0, destination=-1), Case("N T C", source=(0, 1), destination=(2, 0))],
    errors=[Failure("2 3", 0, 2, match="expected an axis"), Failure("2 3", (0, 1), 0, match="as many")],
    promote="binary",
)
def moveaxis(x: Array, source: int | Sequence[int], destination: int | Sequence[int]) -> Array:
    """Axes moved to other places, the rest in their order.

    >>> moveaxis([[1.0, 2.0]], 0, -1)
    Tensor([[1.],
            [2.]], dtype=float32)
    """
    old, new = axes_of(source, x.ndim, "moveaxis"), axes_of(destination, x.ndim, "moveaxis")
    if len(old) != len(new):
        raise ShapeError(f"moveaxis expected as many sources as destinations. Received: {source}, {destination}.")
    return np.moveaxis(x, old, new)


@moveaxis.gradient
def _(g: Array, y: Array, x: Array, source: int | Sequence[int], destination: int | Sequence[int]) -> Array:
    return np.moveaxis(g, destination, source)


@op(
    cases=[Case("4", shape=(3, 4)), Case("2 1", shape=(2, 2, 3)), Case("", shape=(2,))],
    errors=[Failure("2 3", shape=(2, 4), match="broadcast_to")],
    promote="binary",
)
def broadcast_to(x: Array, shape: Sequence[int]) -> Array:
    """Repeated along new axes and those of length 1, without copying, to `shape`.

    >>> broadcast_to([1.0, 2.0], (2, 2))
    Tensor([[1., 2.],
            [1., 2.]], dtype=float32)
    """
    try:
        return np.broadcast_to(x, shape)
    except ValueError:
        raise ShapeError(
            f"broadcast_to expected a shape that the input fits from the last axis on. "
            f"Received: {shape} for an input of shape {x.shape}."
        ) from None


@broadcast_to.gradient
def _(g: Array, y: Array, x: Array, shape: Sequence[int]) -> Array:
    return unbroadcast(g, x)


# -- another order -------------------------------------------------------------------------------------------


@op(cases=[Case("N C"), Case("N C", axis=1), Case("N T C", axis=(0, 2))], errors=NO_AXIS, promote="binary")
def flip(x: Array, axis: int | Sequence[int] | None = None) -> Array:
    """Back to front along axes, all unless told.

    >>> flip([1.0, 2.0, 3.0])
    Tensor([3., 2., 1.], dtype=float32)
    """
    return np.flip(x, None if axis is None else axes_of(axis, x.ndim, "flip"))


@flip.gradient
def _(g: Array, y: Array, x: Array, axis: Any = None) -> Array:
    return np.flip(g, None if axis is None else axes_of(axis, x.ndim, "flip"))


@composed(cases=[Case("N C")], errors=[Failure("3", match="2 axes")])
def fliplr(x: TensorLike) -> Tensor:
    """Left and right exchanged: the second axis back to front.

    >>> fliplr([[1.0, 2.0]])
    Tensor([[2., 1.]], dtype=float32)
    """
    if len(np.shape(x)) < 2:
        raise ShapeError(f"fliplr expected at least 2 axes. Received: shape {np.shape(x)}.")
    return flip(x, axis=1)  # type: ignore[no-any-return]


@composed(cases=[Case("N C")])
def flipud(x: TensorLike) -> Tensor:
    """Up and down exchanged: the first axis back to front.

    >>> flipud([1.0, 2.0])
    Tensor([2., 1.], dtype=float32)
    """
    return flip(x, axis=0)  # type: ignore[no-any-return]


@op(
    cases=[Case("N C", shift=1), Case("N C", shift=-2, axis=1), Case("N C", shift=(1, 2), axis=(0, 1))],
    errors=[Failure("2 3", 1, axis=2, match="expected an axis")],
    promote="binary",
)
def roll(x: Array, shift: int | Sequence[int], axis: int | Sequence[int] | None = None) -> Array:
    """Moved along an axis by so many places, what falls off coming in at the other end.

    >>> roll([1.0, 2.0, 3.0], 1)
    Tensor([3., 1., 2.], dtype=float32)
    """
    return np.roll(x, shift, None if axis is None else axes_of(axis, x.ndim, "roll"))


@roll.gradient
def _(g: Array, y: Array, x: Array, shift: int | Sequence[int], axis: Any = None) -> Array:
    back = tuple(-n for n in shift) if isinstance(shift, (tuple, list)) else -shift  # type: ignore[operator]
    return np.roll(g, back, axis)


@op(
    cases=[Case("N C"), Case("N C", k=2), Case("N C T", k=-1, axes=(1, 2))],
    errors=[Failure("3", match="expected an axis"), Failure("2 2", axes=(0, 0), match="different axes")],
    promote="binary",
)
def rot90(array: Array, k: int = 1, axes: Sequence[int] = (0, 1)) -> Array:
    """Turned by `k` quarter turns, from the first of the two axes towards the second.

    >>> rot90([[1.0, 2.0], [3.0, 4.0]])
    Tensor([[2., 4.],
            [1., 3.]], dtype=float32)
    """
    first, second = axes_of(tuple(axes), array.ndim, "rot90")
    return np.rot90(array, k, (first, second))


@rot90.gradient
def _(g: Array, y: Array, array: Array, k: int = 1, axes: Sequence[int] = (0, 1)) -> Array:
    return np.rot90(g, -k, (axes[0], axes[1]))


# -- repeated and framed -------------------------------------------------------------------------------------


@op(
    cases=[Case("N C", repeats=2), Case("N C", repeats=(2, 1, 3)), Case("N C", repeats=(2, 3))],
    promote="binary",
)
def tile(x: Array, repeats: int | Sequence[int]) -> Array:
    """Laid out several times along each axis, like tiles.

    >>> tile([1.0, 2.0], 2)
    Tensor([1., 2., 1., 2.], dtype=float32)
    """
    return np.tile(x, repeats)


@tile.gradient
def _(g: Array, y: Array, x: Array, repeats: int | Sequence[int]) -> Array:
    times = [repeats] if isinstance(repeats, (int, np.integer)) else list(repeats)
    ndim = builtins.max(len(times), x.ndim)
    times = [1] * (ndim - len(times)) + times
    lengths = [1] * (ndim - x.ndim) + list(x.shape)
    pairs = [n for pair in zip(times, lengths, strict=True) for n in pair]
    return np.asarray(g.reshape(pairs).sum(axis=tuple(range(0, 2 * ndim, 2)))).reshape(x.shape)


@op(
    cases=[Case("N C", repeats=2), Case("N C", repeats=3, axis=0), Case("N 3", repeats=[1, 0, 2], axis=1)],
    errors=[Failure("2 3", repeats=[1, 2], axis=1, match="repeats"), Failure("2", -1, match="repeats")],
    promote="binary",
)
def repeat(x: Array, repeats: int | Sequence[int], axis: int | None = None) -> Array:
    """Each number several times in a row, along an axis or in the flattened array.

    >>> repeat([1.0, 2.0], [1, 3])
    Tensor([1., 2., 2., 2.], dtype=float32)
    """
    if axis is not None:
        axis = axis_of(axis, x.ndim, "repeat")
    try:
        return np.repeat(x, as_array(repeats), axis)
    except ValueError:
        raise ShapeError(
            f"repeat expected repeats of 0 or more: one, or one for each of the axis. "
            f"Received: {repeats} for shape {x.shape}, axis={axis}."
        ) from None


@repeat.gradient
def _(g: Array, y: Array, x: Array, repeats: int | Sequence[int], axis: int | None = None) -> Array:
    rows = x.reshape(-1) if axis is None else np.moveaxis(x, axis, 0)
    origin = np.repeat(np.arange(len(rows)), as_array(repeats))
    dx = np.zeros(rows.shape, g.dtype)
    np.add.at(dx, origin, g if axis is None else np.moveaxis(g, axis, 0))
    return dx.reshape(x.shape) if axis is None else np.moveaxis(dx, 0, axis)


def _frame(pad_width: Any, ndim: int) -> list[tuple[int, int]]:
    """(before, after) for each axis, of a number, a pair, or a pair for each axis."""
    widths = as_array(pad_width)
    try:
        widths = np.broadcast_to(widths if widths.shape != (1,) else widths.reshape(1, 1), (ndim, 2))
    except ValueError:
        widths = np.array([-1])
    if (widths < 0).any() or widths.dtype.kind not in "iu":
        raise ShapeError(
            "pad expected pad_width to be a number of 0 or more, a pair (before, after), or a pair "
            f"for each of {ndim} axes. Received: {pad_width}."
        )
    return [(int(before), int(after)) for before, after in widths]


@op(
    cases=[
        Case("N C", ((1, 0), (0, 2))),
        Case("N C", 1, constant_values=2.0),
        Case("N C", ((1, 2), (0, 1)), mode="reflect", sizes={"N": 3, "C": 2}),
        Case("N C", ((1, 2), (0, 1)), mode="symmetric", sizes={"N": 2, "C": 1}),
    ],
    errors=[
        Failure("2 3", ((1, 1),) * 3, match="a pair for each of 2 axes"),
        Failure("2 3", 1, mode="wrap", match="mode"),
        Failure("2 3", 3, mode="reflect", match="narrower than the axis"),
        Failure("2 3", 1, mode="reflect", constant_values=1.0, match="constant_values"),
    ],
    promote="binary",
)
def pad(x: Array, pad_width: Any, mode: str = "constant", constant_values: Any = None) -> Array:
    """Framed with further numbers.

    Args:
        x: a tensor.
        pad_width: how many before and after: a number, a pair, or a pair for each axis.
        mode: "constant", or mirrored at the edge: "reflect" without the edge itself, "symmetric" with it.
        constant_values: what to put around in mode "constant"; 0 by default.

    >>> pad([1.0, 2.0], (1, 2))
    Tensor([0., 1., 2., 0., 0.], dtype=float32)
    """
    frame = _frame(pad_width, x.ndim)
    if mode not in ("constant", "reflect", "symmetric"):
        raise ArgumentError(f"pad expected mode 'constant', 'reflect' or 'symmetric'. Received: {mode!r}.")
    if mode == "constant":
        return np.pad(x, frame, constant_values=0 if constant_values is None else as_array(constant_values, x.dtype))
    if constant_values is not None:
        raise ArgumentError(
            f"Argument `constant_values` can only be provided when `mode == 'constant'`. Received: mode={mode!r}."
        )
    if builtins.any(0 < builtins.max(p) > n - (mode == "reflect") for p, n in zip(frame, x.shape, strict=True)):
        raise ShapeError(f"pad in mode {mode!r} expected a frame narrower than the axis. Received: {frame}, {x.shape}.")
    return np.pad(x, frame, mode=mode)  # type: ignore[call-overload, no-any-return]


@pad.gradient
def _(g: Array, y: Array, x: Array, pad_width: Any, mode: str = "constant", constant_values: Any = None) -> Array:
    frame = _frame(pad_width, x.ndim)
    if mode == "constant":
        return g[tuple(builtins.slice(before, before + n) for (before, _), n in zip(frame, x.shape, strict=True))]
    for axis, (pair, n) in enumerate(zip(frame, x.shape, strict=True)):
        if any(pair):
            origin = np.pad(np.arange(n), pair, mode=mode)  # type: ignore[call-overload]
            inner = np.zeros((n, *np.moveaxis(g, axis, 0).shape[1:]), g.dtype)
            np.add.at(inner, origin, np.moveaxis(g, axis, 0))
            g = np.moveaxis(inner, 0, axis)
    return g


def meshgrid(*x: TensorLike, indexing: str = "xy") -> list[Tensor]:
    """The coordinates of a grid's points, one array for each vector.

    Args:
        x: vectors.
        indexing: "ij": the i-th vector runs along the i-th axis; "xy": the first two exchanged.

    >>> meshgrid([1.0, 2.0], [3.0])
    [Tensor([[1., 2.]], dtype=float32), Tensor([[3., 3.]], dtype=float32)]
    """
    if indexing not in ("xy", "ij"):
        raise ArgumentError(f"meshgrid expected indexing 'xy' or 'ij'. Received: {indexing!r}.")
    if has_symbolic(x):
        return call_symbolically(meshgrid, meshgrid, x, {"indexing": indexing})  # type: ignore[no-any-return]
    flat = [ravel(v) for v in x]
    order = list(range(len(flat)))
    if indexing == "xy" and len(flat) > 1:
        order[:2] = [1, 0]
    lengths: list[int] = [0] * len(flat)
    for v, axis in zip(flat, order, strict=True):
        lengths[axis] = v.shape[0]
    grid = [reshape(v, [-1 if i == axis else 1 for i in range(len(flat))]) for v, axis in zip(flat, order, strict=True)]
    return [broadcast_to(v, shape=tuple(lengths)) for v in grid]
