"""Ops that make one tensor of several, or several of one: concatenate, stack, split, unstack and more."""

from __future__ import annotations

import builtins
from collections.abc import Sequence
from typing import Any

import numpy as np

from neurona.cases import Case, Failure
from neurona.errors import ArgumentError, ShapeError
from neurona.ops.shape import axis_of, expand_dims, ravel
from neurona.symbolic import KerasTensor
from neurona.tape import composed, op
from neurona.tensor import Array, Arrays, Tensor, TensorLike

__all__ = [
    "append",
    "array_split",
    "concatenate",
    "dsplit",
    "dstack",
    "hsplit",
    "hstack",
    "split",
    "stack",
    "unstack",
    "vsplit",
    "vstack",
]

# -- several in one ------------------------------------------------------------------------------------------


def _shapes(xs: Sequence[Any]) -> str:
    return ", ".join(str(tuple(np.shape(x))) for x in xs)


@op(
    cases=[Case(["N C", "N C"]), Case(["N C", "N 2", "N C"], axis=-1), Case(["N C", "2"], axis=None)],
    errors=[Failure(["2 3", "2 4"], match="equal but for axis 0"), Failure([], match="at least one")],
    promote="binary",
)
def concatenate(xs: Arrays, axis: int | None = 0) -> Array:
    """Arrays joined along an axis that they have, or all their numbers in a row where `axis` is None.

    >>> concatenate([[1.0, 2.0], [3.0]])
    Tensor([1., 2., 3.], dtype=float32)
    """
    if not xs:
        raise ArgumentError("concatenate expected at least one tensor. Received: none.")
    if axis is None:
        return np.concatenate(xs, None)
    axis = axis_of(axis, xs[0].ndim, "concatenate")
    try:
        return np.concatenate(xs, axis)
    except ValueError:
        raise ShapeError(f"concatenate expected shapes equal but for axis {axis}. Received: {_shapes(xs)}.") from None


@concatenate.gradient
def _(g: Array, y: Array, xs: Arrays, axis: int | None = 0) -> list[Array]:
    ends = np.cumsum([x.size if axis is None else x.shape[axis] for x in xs])
    parts = np.split(g, ends[:-1], axis or 0)
    return [part.reshape(x.shape) for part, x in zip(parts, xs, strict=True)]


@op(
    cases=[Case(["N C", "N C"]), Case(["N C", "N C", "N C"], axis=-1)],
    errors=[Failure(["2 3", "2 4"], match="equal shapes"), Failure([], match="at least one")],
    promote="binary",
)
def stack(x: Arrays, axis: int = 0) -> Array:
    """Arrays of equal shape joined along a new axis.

    >>> stack([[1.0, 2.0], [3.0, 4.0]], axis=1)
    Tensor([[1., 3.],
            [2., 4.]], dtype=float32)
    """
    if not x:
        raise ArgumentError("stack expected at least one tensor. Received: none.")
    axis = axis_of(axis, np.ndim(x[0]) + 1, "stack")
    try:
        return np.stack(x, axis)
    except ValueError:
        raise ShapeError(f"stack expected equal shapes. Received: {_shapes(x)}.") from None


@stack.gradient
def _(g: Array, y: Array, x: Arrays, axis: int = 0) -> list[Array]:
    return list(np.moveaxis(g, axis, 0))


def _with_axes(x: Any, ndim: int) -> Any:
    """`x` with at least so many axes, the new ones as NumPy's atleast_1d, _2d and _3d place them."""
    dims = len(np.shape(x))
    if dims >= ndim:
        return x
    places = {(0, 1): (0,), (0, 2): (0, 1), (1, 2): (0,), (0, 3): (0, 1, 2), (1, 3): (0, 2), (2, 3): (2,)}
    return expand_dims(x, places[dims, ndim])


@composed(cases=[Case(["N C", "N C"]), Case(["N", "M"])])
def hstack(xs: Sequence[TensorLike]) -> Tensor:
    """Joined side by side: along the second axis, or the only one.

    >>> hstack([[1.0, 2.0], [3.0]])
    Tensor([1., 2., 3.], dtype=float32)
    """
    parts = [_with_axes(x, 1) for x in xs]
    return concatenate(parts, axis=0 if builtins.all(len(np.shape(x)) == 1 for x in parts) else 1)  # type: ignore[no-any-return]


@composed(cases=[Case(["N C", "N C"]), Case(["N", "N"])])
def vstack(xs: Sequence[TensorLike]) -> Tensor:
    """Joined one below the other: along the first axis, vectors as rows.

    >>> vstack([[1.0, 2.0], [3.0, 4.0]])
    Tensor([[1., 2.],
            [3., 4.]], dtype=float32)
    """
    return concatenate([_with_axes(x, 2) for x in xs], axis=0)  # type: ignore[no-any-return]


@composed(cases=[Case(["N C", "N C"]), Case(["N", "N"])])
def dstack(xs: Sequence[TensorLike]) -> Tensor:
    """Joined behind each other: along the third axis.

    >>> dstack([[1.0, 2.0], [3.0, 4.0]])
    Tensor([[[1., 3.],
             [2., 4.]]], dtype=float32)
    """
    return concatenate([_with_axes(x, 3) for x in xs], axis=2)  # type: ignore[no-any-return]


@composed(cases=[Case("N C", "M C", axis=0), Case("N", "M C")])
def append(x1: TensorLike, x2: TensorLike, axis: int | None = None) -> Tensor:
    """x2 after x1 along an axis; without one both are laid out in a row first.

    >>> append([1.0, 2.0], [3.0])
    Tensor([1., 2., 3.], dtype=float32)
    """
    if axis is None:
        return concatenate([ravel(x1), ravel(x2)])  # type: ignore[no-any-return]
    return concatenate([x1, x2], axis=axis)  # type: ignore[no-any-return]


# -- one in several ------------------------------------------------------------------------------------------


@op(cases=[Case("N C", ends=(1, 2), axis=0)], promote="binary")
def _cut(x: Array, ends: Sequence[int], axis: int) -> tuple[Array, ...]:
    """The pieces between these places."""
    return tuple(np.split(x, list(ends), axis))


@_cut.gradient
def _(g: Sequence[Array | None], y: Arrays, x: Array, ends: Sequence[int], axis: int) -> Array:
    whole = np.zeros_like(x)
    for part, piece in zip(g, np.split(whole, list(ends), axis), strict=True):  # the pieces are views
        if part is not None:
            piece += part
    return whole


def _pieces(x: Any, sections: Any, axis: int, name: str, even: bool) -> list[Tensor]:
    shape = np.shape(x) if not hasattr(x, "shape") else tuple(x.shape)
    axis = axis_of(axis, len(shape), name)
    if isinstance(sections, (int, np.integer)):
        length = shape[axis]
        if length is None:
            raise ShapeError(f"{name} expected an axis of known length. Received: shape {shape}, axis={axis}.")
        if sections < 1 or (even and length % sections):
            raise ShapeError(
                f"{name} expected sections that divide the axis evenly. "
                f"Received: {sections} sections of shape {shape} along axis {axis}."
            )
        short, longer = divmod(length, int(sections))
        sections = np.cumsum([short + (i < longer) for i in range(int(sections))])[:-1].tolist()
    return list(_cut(x, ends=tuple(np.asarray(sections).reshape(-1).tolist()), axis=axis))


@composed(
    cases=[Case("N 4", 2, axis=1), Case("4 C", [1, 3]), Case("4 C", 1)],
    errors=[
        Failure("3 4", 2, match="divide the axis evenly"),
        Failure("3 4", 2, axis=2, match="expected an axis"),
    ],
)
def split(x: TensorLike, indices_or_sections: int | Sequence[int], axis: int = 0) -> list[Tensor]:
    """Cut along an axis.

    Args:
        x: a tensor.
        indices_or_sections: a number of equal pieces, or the places where to cut.
        axis: the axis to cut.

    >>> split([1.0, 2.0, 3.0, 4.0], [1, 3])
    [Tensor([1.], dtype=float32), Tensor([2., 3.], dtype=float32), Tensor([4.], dtype=float32)]
    """
    return _pieces(x, indices_or_sections, axis, "split", even=True)


@composed(cases=[Case("N 5", 2, axis=1), Case("4 C", [1, 3])])
def array_split(x: TensorLike, indices_or_sections: int | Sequence[int], axis: int = 0) -> list[Tensor]:
    """Cut along an axis, the first pieces longer by one where it does not divide evenly.

    >>> array_split([1.0, 2.0, 3.0], 2)
    [Tensor([1., 2.], dtype=float32), Tensor([3.], dtype=float32)]
    """
    return _pieces(x, indices_or_sections, axis, "array_split", even=False)


@composed(cases=[Case("N 4", 2), Case("4", 2)])
def hsplit(x: TensorLike, indices_or_sections: int | Sequence[int]) -> list[Tensor]:
    """Cut side by side: along the second axis, or the only one.

    >>> hsplit([[1.0, 2.0]], 2)
    [Tensor([[1.]], dtype=float32), Tensor([[2.]], dtype=float32)]
    """
    return _pieces(x, indices_or_sections, 1 if len(np.shape(x)) > 1 else 0, "hsplit", even=True)


@composed(cases=[Case("4 C", 2)], errors=[Failure("4", 2, match="2 axes")])
def vsplit(x: TensorLike, indices_or_sections: int | Sequence[int]) -> list[Tensor]:
    """Cut one below the other: along the first axis.

    >>> vsplit([[1.0], [2.0]], 2)
    [Tensor([[1.]], dtype=float32), Tensor([[2.]], dtype=float32)]
    """
    if len(np.shape(x)) < 2:
        raise ShapeError(f"vsplit expected at least 2 axes. Received: shape {np.shape(x)}.")
    return _pieces(x, indices_or_sections, 0, "vsplit", even=True)


@composed(cases=[Case("N C 4", 2)], errors=[Failure("2 4", 2, match="expected an axis")])
def dsplit(x: TensorLike, indices_or_sections: int | Sequence[int]) -> list[Tensor]:
    """Cut behind each other: along the third axis.

    >>> dsplit([[[1.0, 2.0]]], 2)
    [Tensor([[[1.]]], dtype=float32), Tensor([[[2.]]], dtype=float32)]
    """
    return _pieces(x, indices_or_sections, 2, "dsplit", even=True)


@op(cases=[Case("3 C", axis=0)], promote="binary")
def _slices(x: Array, axis: int) -> tuple[Array, ...]:
    """The slices along an axis, without it."""
    return tuple(np.moveaxis(x, axis, 0))


@_slices.gradient
def _(g: Sequence[Array | None], y: Arrays, x: Array, axis: int) -> Array:
    whole = np.zeros_like(x)
    slices = np.moveaxis(whole, axis, 0)
    for i, part in enumerate(g):
        if part is not None:
            slices[i] = part
    return whole


@composed(
    cases=[Case("3"), Case("3 C"), Case("N 2", num=2, axis=-1)],
    errors=[Failure("3 2", num=2, match="num to be the length")],
)
def unstack(x: TensorLike, num: int | None = None, axis: int = 0) -> list[Tensor]:
    """The slices along an axis, which they lack.

    Args:
        x: a tensor.
        num: the length of the axis; only to be checked.
        axis: the axis to take apart.

    >>> unstack([[1.0, 2.0], [3.0, 4.0]])
    [Tensor([1., 2.], dtype=float32), Tensor([3., 4.], dtype=float32)]
    """
    axis = axis_of(axis, len(np.shape(x)), "unstack")
    length = np.shape(x)[axis]
    if num is not None and num != length:
        raise ShapeError(f"unstack expected num to be the length of axis {axis}, {length}. Received: num={num}.")
    return list(_slices(x, axis=axis))


@unstack.drawn
def _(x: KerasTensor, num: int | None = None, axis: int = 0) -> Any:
    axis = axis_of(axis, x.ndim, "unstack")
    if x.shape[axis] is not None:
        return NotImplemented
    if num is None:
        raise ShapeError(
            f"Cannot infer argument `num` from shape {x.shape}: axis {axis} is open. Pass the number of slices as `num`. "
            "Received: num=None."
        )
    return [KerasTensor((*x.shape[:axis], *x.shape[axis + 1 :]), x.dtype) for _ in range(num)]
