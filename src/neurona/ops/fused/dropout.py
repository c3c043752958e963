"""dropout: a mask that is a pure function of a key and the place, so that none is stored."""

from __future__ import annotations

from typing import Any

import numpy as np

from neurona import kernels
from neurona.cases import A, Case, Failure
from neurona.errors import ArgumentError, DTypeError
from neurona.tape import op
from neurona.tensor import Array

__all__ = ["dropout"]


def _lowbias32(x: Array) -> Array:
    """A bijection of 32 bits in which each input bit reaches each output bit (Wellons, "Prospecting for Hash
    Functions", 2018)."""
    x = x ^ (x >> np.uint32(16))
    x = x * np.uint32(0x7FEB352D)
    x = x ^ (x >> np.uint32(15))
    x = x * np.uint32(0x846CA68B)
    return np.asarray(x ^ (x >> np.uint32(16)))


def _keys(key: Array) -> tuple[int, int]:
    if key.shape != (2,) or key.dtype.kind not in "iu":
        raise ArgumentError(f"dropout expected a key of two integers. Received: {key!r}.")
    return int(key[0]) & 0xFFFFFFFF, int(key[1]) & 0xFFFFFFFF


def _check_rate(rate: float) -> None:
    if not 0 <= rate <= 1:
        raise ArgumentError(f"dropout expected a rate from 0 to 1. Received: rate={rate!r}.")


_KEY = A("2", 0, 2**31, kind="int")


@op(
    cases=[Case("N C", _KEY, rate=0.5), Case("N T C", _KEY, rate=0.2), Case("N", _KEY, rate=0.0),
           Case("N", _KEY, rate=1.0)],
    errors=[
        Failure("2 3", _KEY, rate=1.5, match="a rate from 0 to 1. Received: rate=1.5"),
        Failure("2 3", A("3", 0, 9, kind="int"), rate=0.5, match="a key of two integers"),
        Failure(A("2 3", 0, 9, kind="int"), _KEY, rate=0.5, match="expected floats"),
    ],
)  # fmt: skip
def dropout(x: Array, key: Array, rate: float = 0.5) -> Array:
    """Set each element to 0 with probability `rate`, and scale the others so that the mean stays.

    y_i = x_i / (1 - rate)  where  h(i, key) >= rate 2^32,  else 0

    h hashes the element's place in x and the key to 32 bits, so the same key gives the same mask and no mask
    is stored.

    Args:
        x: floats of any shape.
        key: two integers (their low 32 bits count); a new pair for each step.
        rate: the share to drop, 0 to 1.

    Returns:
        x's shape.

    Raises:
        ArgumentError: a rate outside 0 ... 1, or another key.
        DTypeError: x is not made of floats.

    >>> dropout([1.0, 1.0, 1.0, 1.0], [7, 1], rate=0.5)
    Tensor([2., 2., 2., 0.], dtype=float32)

    Source: Srivastava et al., "Dropout" (JMLR 15, 2014).
    """
    _check_rate(rate)
    key0, key1 = _keys(key)
    if x.dtype.kind != "f":
        raise DTypeError(f"dropout expected floats. Received: dtype {x.dtype.name}.")
    place = np.arange(x.size, dtype="uint64")
    low, high = (place & np.uint64(0xFFFFFFFF)).astype("uint32"), (place >> np.uint64(32)).astype("uint32")
    mixed = low ^ _lowbias32(high)
    h = _lowbias32(_lowbias32(mixed + np.uint32(key0)) ^ np.uint32(key1)).reshape(x.shape)
    scale = x.dtype.type(1 / (1 - rate) if rate < 1 else 0)
    return np.asarray(np.where(h >= round(rate * 2**32), x * scale, x.dtype.type(0)))


@dropout.gradient
def _(g: Array, y: Array, x: Array, key: Array, rate: float = 0.5) -> tuple[Array, None]:
    return np.asarray(dropout.reference(g, key, rate)), None  # linear in x: its own gradient


@dropout.fast
def _(x: Array, key: Array, rate: float = 0.5) -> Any:
    return kernels.native.dropout(x, rate, *_keys(key))


@dropout.fast_gradient
def _(g: Array, y: Array, x: Array, key: Array, needs: tuple[bool, bool], rate: float = 0.5) -> Any:
    dx = kernels.native.dropout_backward(g, rate, *_keys(key))
    return dx if dx is NotImplemented else (dx, None)
