"""Complex numbers, as far as programs take them apart and put them together; no gradient flows through them.

Transforms take them as pairs of real tensors instead, through which it does (`fourier`).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from neurona.cases import Case, Failure
from neurona.errors import ShapeError
from neurona.tape import op
from neurona.tensor import Array

__all__ = ["angle", "conj", "conjugate", "imag", "polar", "real", "view", "view_as_complex", "view_as_real"]


@op(cases=[Case("N C")])
def real(x: Array) -> Array:
    """The real part; of a real number, itself.

    >>> real([1.0, 2.0])
    Tensor([1., 2.], dtype=float32)
    """
    return np.real(x).copy()


@real.gradient
def _(g: Array, y: Array, x: Array) -> Array:
    return g


@op(cases=[Case("N C")])
def conj(x: Array) -> Array:
    """The same number with the other sign before i; of a real number, itself.

    >>> conj([1.0, 2.0])
    Tensor([1., 2.], dtype=float32)
    """
    return np.conj(x)


@conj.gradient
def _(g: Array, y: Array, x: Array) -> Array:
    return g


conjugate = conj


@op(cases=[Case("N C")])
def imag(x: Array) -> Array:
    """The imaginary part; of a real number, 0.

    >>> imag(view_as_complex([[1.0, 2.0]]))
    Tensor([2.], dtype=float32)
    """
    return np.imag(x).copy()


@op(cases=[Case("N C")], promote="float")
def angle(x: Array) -> Array:
    """The angle in radians to the positive real numbers: 0 for these, pi for negative ones.

    >>> angle([1.0, -1.0])
    Tensor([0.       , 3.1415927], dtype=float32)
    """
    return np.asarray(np.angle(x), x.real.dtype)


@op(cases=[Case("N 2")], errors=[Failure("2 3", match="last axis of length 2")], promote="float")
def view_as_complex(x: Array) -> Array:
    """Pairs of numbers as complex ones.

    Args:
        x: shape (..., 2).

    Raises:
        ShapeError: the last axis has another length.

    >>> view_as_complex([[1.0, 2.0]])
    Tensor([1.+2.j], dtype=complex64)
    """
    if not x.ndim or x.shape[-1] != 2:
        raise ShapeError(f"view_as_complex expected a last axis of length 2. Received: shape {x.shape}.")
    return np.asarray(x[..., 0] + 1j * x[..., 1], "complex128" if x.dtype.itemsize == 8 else "complex64")


@op(cases=[Case("N")])
def view_as_real(x: Array) -> Array:
    """Complex numbers as pairs.

    >>> view_as_real(view_as_complex([[1.0, 2.0]]))
    Tensor([[1., 2.]], dtype=float32)
    """
    return np.stack([np.real(x), np.imag(x)], -1)


@op(cases=[Case("N", "N")], promote="binary float")
def polar(abs_: Array, angle: Array) -> Array:
    """Complex numbers by their size and their angle.

    >>> polar([2.0], [0.0])
    Tensor([2.+0.j], dtype=complex64)
    """
    return np.asarray(abs_ * np.exp(1j * angle), "complex128" if abs_.dtype.itemsize == 8 else "complex64")


@op(cases=[Case("N 2", dtype="int32"), Case("N 4", dtype="uint8")], errors=[Failure("2 3", dtype="V9", match="bytes")])
def view(x: Array, dtype: npt.DTypeLike | None = None) -> Array:
    """The same bytes read as numbers of another type; the last axis grows or shrinks with their size.

    Raises:
        ShapeError: the bytes of the last axis do not divide.

    >>> view(np.array([1], "int32"), "uint8")
    Tensor([1, 0, 0, 0], dtype=uint8)
    """
    try:
        return np.ascontiguousarray(x).reshape(x.shape).view(x.dtype if dtype is None else np.dtype(dtype)).copy()
    except (ValueError, TypeError) as error:
        raise ShapeError(f"view cannot read these bytes as {dtype}: {error}. Received: {x.dtype}, {x.shape}.") from None
