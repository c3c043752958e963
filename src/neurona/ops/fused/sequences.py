"""What the ops over whole sequences (lstm, gru, simple_rnn) share: the checks, the order in which steps are read, the
sigmoid, the step that a mask leaves out.

Arrays are (N, T, ...), and what an op returns stands in the order of time, whichever way it read.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from neurona.errors import ShapeError
from neurona.tensor import Array

__all__ = ["carried", "check_sequence", "on_steps", "reading", "sigmoid", "state_at"]


def sigmoid(z: Array) -> Array:
    """1 / (1 + exp(-z)) in a form that does not overflow: one tanh."""
    return np.asarray(0.5 * np.tanh(0.5 * z) + 0.5)


def reading(steps: int, backwards: bool) -> list[tuple[int, int | None]]:
    """The steps in the order in which they are read, each with the one read before it (None: it is the first).

    >>> reading(3, False), reading(2, True)
    ([(0, None), (1, 0), (2, 1)], [(1, None), (0, 1)])
    """
    times = list(reversed(range(steps)) if backwards else range(steps))
    return list(zip(times, [None, *times[:-1]], strict=True)) if times else []


def state_at(states: Array, t: int | None, first: Array) -> Array:
    """The state (N, U) after step `t`, or the one before all of them."""
    return first if t is None else states[:, t]


def on_steps(mask: Array | None) -> Array | None:
    """A mask (N, T) as bools (N, T, 1), for arrays of shape (N, T, ...): what promotion made of it no longer matters."""
    return None if mask is None else np.asarray(mask, "bool")[..., np.newaxis]


def carried(on: Array | None, t: int, new: Array, old: Array) -> Array:
    """The new state, or the old one for the sequences whose step `t` is masked; `on` is from `on_steps`."""
    return new if on is None else np.where(on[:, t], new, old)


def check_sequence(
    name: str,
    parts: int,
    x: Array,
    kernel: Array,
    recurrent: Array,
    bias: Array | None,
    states: Sequence[Array],
    mask: Array | None,
    kept: Array | None,
    bias_rows: int = 0,
) -> None:
    """Raise ShapeError unless these are a layer's arrays: x (N, T, D), kernels (D, parts U) and (U, parts U).

    Args:
        name: of the op, for the message.
        parts: how many gates stand side by side in the kernels.
        x, kernel, recurrent, bias, mask, kept: the op's arrays; `bias`, `mask` and `kept` may be None.
        states: those before the first step, each (N, U).
        bias_rows: how many biases there are, in rows; 0: one, which is a vector.
    """
    if x.ndim != 3:
        raise ShapeError(f"{name} expected x of shape (batch, time, features). Received: shape {x.shape}.")
    n, steps, features = x.shape
    units = recurrent.shape[0] if recurrent.ndim else 0
    wide = parts * units
    bias_shape = (bias_rows, wide) if bias_rows else (wide,)
    for what, array, shape in (
        ("recurrent kernel", recurrent, (units, wide)),
        ("kernel", kernel, (features, wide)),
        ("bias", bias, bias_shape),
        *(("state", state, (n, units)) for state in states),
        ("mask", mask, (n, steps)),
        ("row of factors for each sequence", kept, (n, units)),
    ):
        if array is not None and array.shape != shape:
            raise ShapeError(f"{name} expected a {what} of shape {shape}. Received: shape {array.shape}.")
