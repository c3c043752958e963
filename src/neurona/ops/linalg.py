"""Products of matrices and tensors, with their gradients. Factorisations and equations are in
`decompositions.py`.

Every product is a sum over axes that two operands share, so every gradient is a product again: the
arriving one with the other operand. The product of two float32 matrices has a compiled twin.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from neurona import kernels
from neurona.cases import Case, Failure
from neurona.errors import ShapeError
from neurona.ops.elementwise import unbroadcast
from neurona.tape import op
from neurona.tensor import Array

__all__ = ["cross", "dot", "inner", "kron", "matmul", "outer", "tensordot", "trace", "vdot"]

Pair = tuple[Array, Array]
Needs = tuple[bool, ...]


# -- matmul --------------------------------------------------------------------------------


def _both(x1: Array | float, x2: Array | float) -> Pair:
    """Both as arrays; a bare number takes the type of its partner."""
    if not isinstance(x1, np.ndarray):
        return np.asarray(x1, np.asarray(x2).dtype), np.asarray(x2)
    return x1, np.asarray(x2, x1.dtype)


def _swap(x: Array) -> Array:
    return np.swapaxes(x, -1, -2)


@op(
    cases=[
        Case("N C", "C F"),
        Case("B N C", "B C F"),
        Case("B N C", "C F"),
        Case("B 1 N C", "A C F"),
        Case("C", "C F"),
        Case("N C", "C"),
        Case("B N C", "C"),
        Case("C", "B C F"),
        Case("C", "C"),
    ],
    errors=[
        Failure("2 3", "4 5", match="columns on the left: 3. Received"),
        Failure("", "4 5", match="at least one axis"),
        Failure("2 3 4", "5 4 2", match="Batch axes"),
    ],
    promote="binary",
)
def matmul(x1: Array, x2: Array) -> Array:
    """The product of matrices: y_ij = sum over k of x1_ik x2_kj.

    Args:
        x1: shape (..., N, C), or (C,).
        x2: shape (..., C, F), or (C,). Leading axes are broadcast.

    Returns:
        shape (..., N, F), without the axis that an operand of one axis lacks.

    Raises:
        ShapeError: the shapes do not fit.

    >>> matmul([[1.0, 2.0]], [[3.0], [4.0]])
    Tensor([[11.]], dtype=float32)
    """
    x1, x2 = _both(x1, x2)
    if not x1.ndim or not x2.ndim:
        raise ShapeError(f"matmul expected at least one axis each. Received: shapes {x1.shape} and {x2.shape}.")
    if x1.shape[-1] != x2.shape[0 if x2.ndim == 1 else -2]:
        raise ShapeError(
            "matmul expected as many rows on the right as columns on the left: "
            f"{x1.shape[-1]}. Received: shapes {x1.shape} and {x2.shape}."
        )
    if x1.dtype == np.int8 and x2.dtype == np.int8:
        return np.asarray(np.matmul(x1, x2, dtype="int32"))  # eight bits would overflow at once
    try:
        return np.asarray(np.matmul(x1, x2))
    except ValueError:
        raise ShapeError(
            f"Batch axes of matmul do not broadcast. Received: shapes {x1.shape} and {x2.shape}."
        ) from None


@matmul.gradient
def _(g: Array, y: Array, x1: Array, x2: Array, needs: Needs) -> tuple[Array | None, Array | None]:
    a = x1 if x1.ndim > 1 else x1[None, :]
    b = x2 if x2.ndim > 1 else x2[:, None]
    if x2.ndim == 1:
        g = g[..., None]
    if x1.ndim == 1:
        g = g[..., None, :]
    da = unbroadcast(g @ _swap(b), a).reshape(x1.shape) if needs[0] else None
    if not needs[1]:
        return da, None
    if b.ndim == 2 and a.ndim > 2:  # one matrix for all the batch: one long product
        db = a.reshape(-1, a.shape[-1]).T @ g.reshape(-1, g.shape[-1]) if a.size and g.size else np.zeros_like(b)
    else:
        db = unbroadcast(_swap(a) @ g, b)
    return da, db.reshape(x2.shape)


@matmul.fast
def _(x1: Array, x2: Array) -> Any:
    if np.ndim(x1) != 2 or np.ndim(x2) != 2 or x1.shape[1] != x2.shape[0]:
        return NotImplemented
    return kernels.native.matmul(x1, x2, False, False)


@matmul.fast_gradient
def _(g: Array, y: Array, x1: Array, x2: Array, needs: Needs) -> Any:
    if x1.ndim != 2 or x2.ndim != 2:
        return NotImplemented
    da = kernels.native.matmul(g, x2, False, True) if needs[0] else None
    db = kernels.native.matmul(x1, g, True, False) if needs[1] else None
    return NotImplemented if da is NotImplemented or db is NotImplemented else (da, db)


# -- sums over chosen axes --------------------------------------------------------------------------------


def _letters(name: str, x1: Array, x2: Array, axes: Any) -> tuple[list[int], list[int]]:
    """The axes to sum over, of each operand, as two lists of positive numbers."""
    if isinstance(axes, (int, np.integer)):
        if not 0 <= axes <= min(x1.ndim, x2.ndim):
            raise ShapeError(f"{name} cannot sum over {axes} axes. Received: shapes {x1.shape} and {x2.shape}.")
        first, second = list(range(x1.ndim - axes, x1.ndim)), list(range(axes))
    else:
        a, b = axes
        first, second = ([int(i) for i in np.atleast_1d(side)] for side in (a, b))
        if any(not -x1.ndim <= i < x1.ndim for i in first) or any(not -x2.ndim <= i < x2.ndim for i in second):
            raise ShapeError(f"{name} expected axes that exist. Received: axes={axes}, shapes {x1.shape}, {x2.shape}.")
        first, second = [i % x1.ndim for i in first], [i % x2.ndim for i in second]
    if [x1.shape[i] for i in first] != [x2.shape[i] for i in second]:
        raise ShapeError(
            f"{name} expected equal lengths along the axes that are summed. "
            f"Received: shapes {x1.shape} and {x2.shape}, axes {first} and {second}."
        )
    return first, second


def _contract(x1: Array, x2: Array, axes: tuple[list[int], list[int]]) -> Array:
    return np.asarray(np.tensordot(x1, x2, axes))


def _contract_gradient(g: Array, x1: Array, x2: Array, axes: tuple[list[int], list[int]]) -> Pair:
    first, second = axes
    free1 = [i for i in range(x1.ndim) if i not in first]
    free2 = [i for i in range(x2.ndim) if i not in second]
    d1 = np.tensordot(g, x2, (list(range(len(free1), g.ndim)), free2))  # (free1, second in x2's order)
    order1 = free1 + [first[second.index(i)] for i in sorted(second)]
    d2 = np.tensordot(x1, g, (free1, list(range(len(free1)))))  # (first in x1's order, free2)
    order2 = [second[first.index(i)] for i in sorted(first)] + free2
    return np.asarray(d1.transpose(np.argsort(order1))), np.asarray(d2.transpose(np.argsort(order2)))


@op(
    cases=[
        Case("N A B", "A B F"),
        Case("N C", "C F", axes=1),
        Case("N A B", "B F A", axes=[[2, 1], [0, 2]]),
        Case("N", "F", axes=0),
        Case("A N", "F A", axes=(0, -1)),
    ],
    errors=[
        Failure("2 3", "4 5", axes=1, match="expected equal lengths along the axes"),
        Failure("2", "2", axes=2, match="cannot sum over 2 axes"),
        Failure("2", "2", axes=[[1], [0]], match="expected axes that exist"),
    ],
    promote="binary",
)
def tensordot(x1: Array, x2: Array, axes: Any = 2) -> Array:
    """Multiply two tensors and sum over pairs of axes.

    Args:
        x1, x2: any shapes.
        axes: how many axes at the end of x1 and the beginning of x2; or two lists of axes, of x1 and of x2.

    Returns:
        the remaining axes of x1, then those of x2.

    Raises:
        ShapeError: axes that do not exist or differ in length.

    >>> tensordot([[1.0, 2.0]], [3.0, 4.0], axes=1)
    Tensor([11.], dtype=float32)
    """
    x1, x2 = _both(x1, x2)
    return _contract(x1, x2, _letters("tensordot", x1, x2, axes))


@tensordot.gradient
def _(g: Array, y: Array, x1: Array, x2: Array, axes: Any = 2) -> Pair:
    return _contract_gradient(g, x1, x2, _letters("tensordot", x1, x2, axes))


@op(
    cases=[Case("N C", "F C"), Case("C", "C"), Case("N T C", "C"), Case("N C", "")],
    errors=[Failure("2 3", "2 4", match="inner expected equal lengths")],
    promote="binary",
)
def inner(x1: Array, x2: Array) -> Array:
    """Sum of products over the last axes: y_ij = sum over k of x1_ik x2_jk; a plain product where one has
    no axes.

    >>> inner([1.0, 2.0], [3.0, 4.0])
    Tensor(11., dtype=float32)
    """
    x1, x2 = _both(x1, x2)
    if not x1.ndim or not x2.ndim:
        return np.asarray(x1 * x2)
    return _contract(x1, x2, _letters("inner", x1, x2, (-1, -1)))


@inner.gradient
def _(g: Array, y: Array, x1: Array, x2: Array) -> Pair:
    if not np.ndim(x1) or not np.ndim(x2):
        return unbroadcast(g * x2, x1), unbroadcast(g * x1, x2)
    return _contract_gradient(g, x1, x2, _letters("inner", x1, x2, (-1, -1)))


@op(
    cases=[Case("N C", "C F"), Case("N C", "C"), Case("C", "C"), Case("N T C", "B C F"), Case("N C", "")],
    errors=[Failure("2 3", "2 4", match="dot expected equal lengths")],
    promote="binary",
)
def dot(x1: Array, x2: Array) -> Array:
    """Sum of products over the last axis of x1 and the last but one of x2 (its only one where it has one).

    A plain product where one operand has no axes.

    >>> dot([[1.0, 2.0]], [3.0, 4.0]), dot([1.0, 2.0], 2.0)
    (Tensor([11.], dtype=float32), Tensor([2., 4.], dtype=float32))
    """
    x1, x2 = _both(x1, x2)
    if not x1.ndim or not x2.ndim:
        return np.asarray(x1 * x2)
    return _contract(x1, x2, _letters("dot", x1, x2, (-1, -1 if x2.ndim == 1 else -2)))


@dot.gradient
def _(g: Array, y: Array, x1: Array, x2: Array) -> Pair:
    if not np.ndim(x1) or not np.ndim(x2):
        return unbroadcast(g * x2, x1), unbroadcast(g * x1, x2)
    return _contract_gradient(g, x1, x2, _letters("dot", x1, x2, (-1, -1 if x2.ndim == 1 else -2)))


@op(
    cases=[Case("N C", "N C"), Case("C", "C")],
    errors=[Failure("3", "4", match="vdot expected as many numbers")],
    promote="binary",
)
def vdot(x1: Array, x2: Array) -> Array:
    """Sum of the products of all numbers of two tensors of equal size.

    >>> vdot([[1.0, 2.0]], [[3.0, 4.0]])
    Tensor(11., dtype=float32)
    """
    x1, x2 = _both(x1, x2)
    if x1.size != x2.size:
        raise ShapeError(f"vdot expected as many numbers in both. Received: shapes {x1.shape} and {x2.shape}.")
    return np.asarray(np.dot(x1.ravel(), x2.ravel()))


@vdot.gradient
def _(g: Array, y: Array, x1: Array, x2: Array) -> Pair:
    return np.asarray(g * x2.reshape(x1.shape)), np.asarray(g * x1.reshape(x2.shape))


@op(cases=[Case("N", "C"), Case("N C", "F"), Case("", "C")], promote="binary")
def outer(x1: Array, x2: Array) -> Array:
    """All products of a number of x1 with a number of x2: y_ij = x1_i x2_j (of the flattened tensors).

    >>> outer([1.0, 2.0], [3.0, 4.0])
    Tensor([[3., 4.], [6., 8.]], dtype=float32)
    """
    x1, x2 = _both(x1, x2)
    return np.asarray(x1.reshape(-1, 1) * x2.ravel())


@outer.gradient
def _(g: Array, y: Array, x1: Array, x2: Array) -> Pair:
    return (g @ np.ravel(x2)).reshape(np.shape(x1)), (np.ravel(x1) @ g).reshape(np.shape(x2))


@op(cases=[Case("N C", "A B"), Case("C", "A"), Case("N C", "A")], promote="binary")
def kron(x1: Array, x2: Array) -> Array:
    """Kronecker product: every number of x1 is replaced by itself times the whole of x2.

    >>> kron([1.0, 2.0], [3.0, 4.0])
    Tensor([3., 4., 6., 8.], dtype=float32)
    """
    a, b = _same_rank(x1, x2)
    y = np.multiply.outer(a, b).transpose(_interleaved(a.ndim))
    return np.asarray(y.reshape([n * m for n, m in zip(a.shape, b.shape, strict=True)]))


def _same_rank(x1: Array, x2: Array) -> Pair:
    rank = max(np.ndim(x1), np.ndim(x2))
    a, b = _both(x1, x2)
    return a.reshape((1,) * (rank - a.ndim) + a.shape), b.reshape((1,) * (rank - b.ndim) + b.shape)


def _interleaved(rank: int) -> list[int]:
    return [axis for i in range(rank) for axis in (i, rank + i)]


@kron.gradient
def _(g: Array, y: Array, x1: Array, x2: Array) -> Pair:
    a, b = _same_rank(x1, x2)
    blocks = g.reshape([n for pair in zip(a.shape, b.shape, strict=True) for n in pair])
    blocks = blocks.transpose(np.argsort(_interleaved(a.ndim)))  # (a's axes, b's axes)
    axes = list(range(a.ndim))
    da = np.tensordot(blocks, b, ([a.ndim + i for i in axes], axes))
    return da.reshape(np.shape(x1)), np.tensordot(a, blocks, (axes, axes)).reshape(np.shape(x2))


# -- cross product and trace -------------------------------------------------------------------------------


def _in_space(x: Array, axis: int) -> Array:
    """The vectors on the last axis, with a third component of 0 where they have two."""
    x = np.moveaxis(x, axis, -1)
    if x.shape[-1] not in (2, 3):
        raise ShapeError(f"cross expected vectors of 2 or 3 numbers. Received: {x.shape[-1]} along axis {axis}.")
    if x.shape[-1] == 3:
        return x
    return np.concatenate([x, np.zeros((*x.shape[:-1], 1), x.dtype)], -1)


def _cross3(a: Array, b: Array) -> Array:
    a0, a1, a2 = np.moveaxis(a, -1, 0)
    b0, b1, b2 = np.moveaxis(b, -1, 0)
    return np.stack([a1 * b2 - a2 * b1, a2 * b0 - a0 * b2, a0 * b1 - a1 * b0], -1)


@op(
    cases=[
        Case("N 3", "N 3"),
        Case("N 2", "N 2"),
        Case("N 2", "3"),
        Case("3 N", "N 3", axisa=0, axisc=0),
        Case("3 N", "3 N", axis=0),
    ],
    errors=[Failure("2 4", "2 4", match="vectors of 2 or 3 numbers. Received: 4")],
    promote="binary",
)
def cross(x1: Array, x2: Array, axisa: int = -1, axisb: int = -1, axisc: int = -1, axis: int | None = None) -> Array:
    """The vector product: perpendicular to both, as long as the area between them.

    Args:
        x1, x2: vectors of 3 numbers, or of 2 (then their third is 0).
        axisa, axisb, axisc: the axis of the vectors in x1, x2 and y.
        axis: all three at once.

    Returns:
        vectors of 3 numbers; for two operands of 2 numbers only the third, without the axis.

    Raises:
        ShapeError: other lengths.

    >>> cross([1.0, 0.0, 0.0], [0.0, 1.0, 0.0])
    Tensor([0., 0., 1.], dtype=float32)
    """
    axisa, axisb, axisc = (axisa, axisb, axisc) if axis is None else (axis, axis, axis)
    y = _cross3(_in_space(x1, axisa), _in_space(x2, axisb))
    if x1.shape[axisa] == x2.shape[axisb] == 2:
        return np.asarray(y[..., 2])
    return np.asarray(np.moveaxis(y, -1, axisc))


@cross.gradient
def _(
    g: Array,
    y: Array,
    x1: Array,
    x2: Array,
    axisa: int = -1,
    axisb: int = -1,
    axisc: int = -1,
    axis: int | None = None,
) -> Pair:
    axisa, axisb, axisc = (axisa, axisb, axisc) if axis is None else (axis, axis, axis)
    a, b = _in_space(x1, axisa), _in_space(x2, axisb)
    if x1.shape[axisa] == x2.shape[axisb] == 2:
        g = np.stack([np.zeros_like(g), np.zeros_like(g), g], -1)
    else:
        g = np.moveaxis(g, axisc, -1)
    d1, d2 = unbroadcast(_cross3(b, g), a), unbroadcast(_cross3(g, a), b)
    d1, d2 = d1[..., : x1.shape[axisa]], d2[..., : x2.shape[axisb]]
    return np.moveaxis(d1, -1, axisa), np.moveaxis(d2, -1, axisb)


@op(
    cases=[Case("N C"), Case("3 4", offset=1), Case("N A C", axis1=0, axis2=2), Case("3 4", offset=-1)],
    errors=[Failure("3", match="trace expected at least two axes")],
)
def trace(x: Array, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Array:
    """The sum along a diagonal.

    Args:
        x: at least two axes.
        offset: 0 for the main diagonal, 1 for the one above it, -1 for the one below.
        axis1, axis2: the axes of the matrices.

    Raises:
        ShapeError: fewer than two axes.

    >>> trace([[1.0, 2.0], [3.0, 4.0]])
    Tensor(5., dtype=float32)
    """
    if x.ndim < 2:
        raise ShapeError(f"trace expected at least two axes. Received: shape {x.shape}.")
    dtype = x.dtype
    if dtype.itemsize < 4 and dtype.kind in "biu":
        dtype = np.dtype("uint32" if dtype.kind == "u" else "int32")  # room for the sum, as in Keras
    return np.asarray(np.trace(x, offset, axis1, axis2, dtype=dtype))


@trace.gradient
def _(g: Array, y: Array, x: Array, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Array:
    dx = np.zeros(x.shape, g.dtype)
    matrices = np.moveaxis(dx, (axis1, axis2), (-2, -1))
    n, m = x.shape[axis1], x.shape[axis2]
    i = np.arange(max(0, -offset), max(max(0, -offset), min(n, m - offset)))
    matrices[..., i, i + offset] = g[..., None]
    return dx
