"""Hold a validation set out of the training set: the same for the same seed, every class in proportion.

Leans on numpy and `texts`.
"""

from __future__ import annotations

import operator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from neurona.datasets.texts import Texts
from neurona.errors import ArgumentError, DTypeError, ShapeError

__all__ = ["Split", "split"]


class Split(NamedTuple):
    """The two parts, each in the order of the original."""

    x_train: Any
    y_train: NDArray[Any]
    x_val: Any
    y_val: NDArray[Any]


def split(
    x: Any,
    y: NDArray[Any],
    validation: float = 0.1,
    seed: int = 0,
    *,
    stratified: bool = True,
    in_order: bool = False,
) -> Split:
    """Split ``(x, y)`` into a part to train on and a part to validate on.

    Arguments:
        x: the examples, (N, ...), or `Texts`.
        y: their targets, (N, ...); whole numbers of shape (N,) when `stratified`.
        validation: the share to hold out, in 0 <= share < 1, or the number of examples as an ``int``.
        seed: chooses which ones; the same seed always chooses the same.
        stratified: every class keeps its share, up to one example.
        in_order: hold out the last examples, whatever their classes; `seed` and `stratified` do not matter.

    Returns:
        ``x_train, y_train, x_val, y_val``, copies (views when `in_order`).

    Raises:
        ShapeError: `x` and `y` differ in length.
        ArgumentError: an impossible share or number.
        DTypeError: stratified, and `y` holds no class numbers.

    >>> part = split(np.arange(8), np.array([0, 0, 0, 0, 1, 1, 1, 1]), 0.5)
    >>> np.bincount(part.y_val).tolist(), len(part.x_train)
    ([2, 2], 4)
    """
    x, y = x if isinstance(x, Texts) else np.asarray(x), np.asarray(y)
    if x.ndim == 0 or y.ndim == 0 or len(x) != len(y):
        raise ShapeError(f"split expects x and y of one length. Received: shapes {x.shape} and {y.shape}.")
    count = _held_out(validation, len(x))
    if in_order:
        kept = len(x) - count
        return Split(x[:kept], y[:kept], x[kept:], y[kept:])
    # random() keys and a stable sort: numpy promises this stream, but not that of permutation()
    keys = np.random.Generator(np.random.PCG64(seed)).random(len(x))
    held = np.zeros(len(x), bool)
    if not stratified:
        held[np.argsort(keys, kind="stable")[:count]] = True
    else:
        if y.ndim != 1 or y.dtype.kind not in "iub":
            raise DTypeError(
                "A stratified split expects class numbers: whole numbers of shape (N,). "
                f"Received: {y.dtype} of shape {y.shape}. Pass stratified=False for other targets."
            )
        classes, members = np.unique(y, return_counts=True)
        for label, share in zip(classes, _shares(members, count), strict=True):
            own = np.flatnonzero(y == label)
            held[own[np.argsort(keys[own], kind="stable")[:share]]] = True
    return Split(x[~held], y[~held], x[held], y[held])


def _held_out(validation: float, length: int) -> int:
    try:
        count = operator.index(validation)  # type: ignore[arg-type]
    except TypeError:
        if not 0.0 <= validation < 1.0:
            raise ArgumentError(
                f"validation expects a share in 0 <= share < 1, or a whole number. Received: {validation!r}."
            ) from None
        return min(round(validation * length), max(length - 1, 0))  # 0.999999 of 60,000 leaves none to train with
    if isinstance(validation, bool) or not 0 <= count < max(length, 1):
        raise ArgumentError(
            f"validation expects to hold out fewer than all {length} examples. Received: {validation!r}."
        )
    return count


def _shares(members: NDArray[np.intp], count: int) -> NDArray[np.intp]:
    """`count` dealt out in proportion to `members`: rounded down, the rest to the largest remainders."""
    total = int(members.sum())
    exact = members * count
    shares = exact // max(total, 1)
    rest = count - int(shares.sum())
    order = np.argsort(-(exact % max(total, 1)), kind="stable")
    shares[order[:rest]] += 1
    return shares
