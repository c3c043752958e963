"""gru: a layer of gated recurrent units over whole sequences, all steps in one op."""

from __future__ import annotations

from typing import Any

import numpy as np

from neurona import kernels
from neurona.cases import A, Case, Failure
from neurona.ops.fused.sequences import carried, check_sequence, on_steps, reading, sigmoid, state_at
from neurona.tape import op
from neurona.tensor import Array

__all__ = ["gru"]

_MASK = A("N T", kind="bool")
_KEPT = A("N 3", 0.5, 2.0)
_FEW = {"T": 20}  # with weights this large, rounding grows from step to step
_FAIL = ("2 5 2", "2 9", "3 9")


@op(
    cases=[
        Case("N T D", "D 9", "3 9", "2 9", "N 3", None, None, largest=_FEW),
        Case("N T D", "D 6", "2 6", None, "N 2", _MASK, None, largest=_FEW),
        Case("N T 2", "2 9", "3 9", "2 9", "N 3", _MASK, _KEPT, largest=_FEW),
        Case("N T D", "D 9", "3 9", None, "N 3", None, _KEPT, backwards=True, largest=_FEW),
        Case("N T D", "D 9", "3 9", "9", "N 3", None, None, reset_after=False, largest=_FEW),
        Case("N T 2", "2 9", "3 9", "9", "N 3", _MASK, _KEPT, reset_after=False, backwards=True, largest=_FEW),
        Case("N T 2", "2 3", "1 3", None, "N 1", _MASK, None, reset_after=False, largest=_FEW),
        Case("3 2 D", "D 0", "0 0", "2 0", "3 0", None, None),
    ],
    errors=[
        Failure("2 3", "2 9", "3 9", None, "2 3", None, None, match="(batch, time, features)"),
        Failure("2 5 2", "3 9", "3 9", None, "2 3", None, None, match="a kernel of shape (2, 9)"),
        Failure("2 5 2", "2 9", "3 8", None, "2 3", None, None, match="a recurrent kernel of shape (3, 9)"),
        Failure(*_FAIL, "9", "2 3", None, None, match="a bias of shape (2, 9)"),
        Failure(*_FAIL, "2 9", "2 3", None, None, reset_after=False, match="a bias of shape (9,)"),
        Failure(*_FAIL, None, "1 3", None, None, match="a state of shape (2, 3)"),
        Failure(*_FAIL, None, "2 3", A("2 4", kind="bool"), None, match="a mask of shape (2, 5)"),
        Failure(*_FAIL, None, "2 3", None, "3", match="a row of factors for each sequence of shape (2, 3)"),
    ],
    promote="binary float",
)
def gru(
    x: Array,
    kernel: Array,
    recurrent: Array,
    bias: Array | None,
    h0: Array,
    mask: Array | None = None,
    kept: Array | None = None,
    reset_after: bool = True,
    backwards: bool = False,
) -> tuple[Array, Array, Array]:
    """A layer of gated recurrent units over sequences.

    At each step, with h' = h[t-1] kept, and W, U and b cut in the three parts z, r, n of their columns:

        z = sigmoid(x[t] W_z + h' U_z + b_z)      r = sigmoid(x[t] W_r + h' U_r + b_r)
        n = tanh(x[t] W_n + b_n + r inner)        inner = h' U_n + b'_n           (reset_after)
        n = tanh(x[t] W_n + b_n + inner U_n)      inner = r h'                    (else)
        h[t] = z h[t-1] + (1 - z) n

    Args:
        x: shape (N, T, D).
        kernel: W, shape (D, 3 U).
        recurrent: U, shape (U, 3 U).
        bias: b, or None. With `reset_after` of shape (2, 3 U), one row for x W and one (b') for h' U; else (3 U,).
        h0: h before the first step, shape (N, U).
        mask: shape (N, T), bool; where it is False, h stays as it is, gates and inner are 0.
        kept: factors for h in the products with U (dropout of the recurrence), the same at each step: shape (N, U).
        reset_after: whether the gate r stands behind the product with U_n or before it.
        backwards: read from the last step to the first: what is "before" step t is then t+1.

    Returns:
        h after each step, shape (N, T, U); the gates z, r and the candidate n, shape (N, T, 3 U); inner, shape
        (N, T, U). All in the order of time: read backwards, the last state stands at step 0.

    Raises:
        ShapeError: shapes that do not fit.

    >>> h, gates, inner = gru([[[1.0]]], [[0.0, 0.0, 1.0]], [[0.0] * 3], None, [[2.0]])
    >>> h  # half of the old state and half of tanh(1)
    Tensor([[[1.3807971]]], dtype=float32)

    Source: Cho et al., "Learning Phrase Representations using RNN Encoder-Decoder for Statistical Machine Translation"
    (2014): the reset gate stands before the product in arXiv 1406.1078v3, behind it in v1.
    """
    check_sequence("gru", 3, x, kernel, recurrent, bias, (h0,), mask, kept, bias_rows=2 if reset_after else 0)
    n, steps, units = x.shape[0], x.shape[1], recurrent.shape[0]
    on = on_steps(mask)
    outer, behind = (None, None) if bias is None else (bias[0], bias[1]) if reset_after else (bias, None)
    gates = x.reshape(n * steps, x.shape[2]) @ kernel  # (N T, D) @ (D, 3 U)
    gates = (gates if outer is None else gates + outer).reshape(n, steps, 3 * units)
    h, inner = np.empty((n, steps, units), gates.dtype), np.empty((n, steps, units), gates.dtype)
    for t, last in reading(steps, backwards):
        before = state_at(h, last, h0)
        fed = before if kept is None else before * kept
        z, r, new = _parts(gates[:, t])
        if reset_after:
            back = fed @ recurrent  # (N, U) @ (U, 3 U)
            from_z, from_r, inner[:, t] = _parts(back if behind is None else back + behind)
            z[...], r[...] = sigmoid(z + from_z), sigmoid(r + from_r)
            new[...] = np.tanh(new + r * inner[:, t])
        else:
            both = gates[:, t, : 2 * units]
            both[...] = sigmoid(both + fed @ recurrent[:, : 2 * units])
            inner[:, t] = r * fed
            new[...] = np.tanh(new + inner[:, t] @ recurrent[:, 2 * units :])
        h[:, t] = carried(on, t, z * before + (1 - z) * new, before)
    if on is None:
        return h, gates, inner
    nothing = h.dtype.type(0)
    return h, np.where(on, gates, nothing), np.where(on, inner, nothing)


def _parts(a: Array) -> list[Array]:
    """Views of the three parts of (N, 3 U)."""
    units = a.shape[1] // 3
    return [a[:, k * units : (k + 1) * units] for k in range(3)]


@gru.gradient
def _(
    grads: tuple[Array | None, Array | None, Array | None],
    y: tuple[Array, Array, Array],
    x: Array,
    kernel: Array,
    recurrent: Array,
    bias: Array | None,
    h0: Array,
    mask: Array | None,
    kept: Array | None,
    needs: tuple[bool, ...],
    reset_after: bool = True,
    backwards: bool = False,
) -> tuple[Array | None, ...]:
    (gh, ggates, ginner), (h, gates, inner) = grads, y
    n, steps, units = h.shape
    on = on_steps(mask)
    # into the sums with W, and into those with U: they differ in the part n, by the factor r
    dsums, dback = np.empty_like(gates), np.empty_like(gates)
    dh, dkept = np.zeros((n, units), h.dtype), np.zeros((n, units), h.dtype)
    drecurrent = np.zeros_like(recurrent)
    for t, last in reversed(reading(steps, backwards)):
        dh = dh if gh is None else dh + gh[:, t]
        before = state_at(h, last, h0)
        fed = before if kept is None else before * kept
        z, r, new = _parts(gates[:, t])
        # a masked step hands its gradient on as it is; nothing enters its gates
        into = dh if on is None else np.where(on[:, t], dh, 0)
        slopes = [into * (before - new), 0, into * (1 - z)]
        if ggates is not None:
            slopes = [s + g for s, g in zip(slopes, _parts(_open(on, t, ggates)), strict=True)]
        dinner = 0 if ginner is None else _open(on, t, ginner)
        dsum_n = slopes[2] * (1 - new * new)
        if reset_after:
            dinner = dinner + dsum_n * r
            dr = slopes[1] + dsum_n * inner[:, t]
        else:
            dinner = dinner + dsum_n @ recurrent[:, 2 * units :].T
            dr = slopes[1] + dinner * fed
        for part, value in zip(_parts(dsums[:, t]), (slopes[0] * z * (1 - z), dr * r * (1 - r), dsum_n), strict=True):
            part[...] = value
        dback[:, t] = dsums[:, t]
        if reset_after:
            dback[:, t, 2 * units :] = dinner
            dfed = dback[:, t] @ recurrent.T  # (N, 3 U) @ (3 U, U)
            drecurrent += fed.T @ dback[:, t]
        else:
            both = dback[:, t, : 2 * units]
            dfed = dinner * r + both @ recurrent[:, : 2 * units].T
            drecurrent[:, : 2 * units] += fed.T @ both
            drecurrent[:, 2 * units :] += inner[:, t].T @ dsum_n
        if kept is not None:
            dkept += dfed * before
            dfed = dfed * kept
        dh = carried(on, t, into * z + dfed, dh)
    rows, back_rows = dsums.reshape(n * steps, 3 * units), dback.reshape(n * steps, 3 * units)
    dbias = rows.sum(axis=0)
    return (
        (rows @ kernel.T).reshape(x.shape) if needs[0] else None,
        x.reshape(n * steps, x.shape[2]).T @ rows if needs[1] else None,
        drecurrent if needs[2] else None,
        (np.stack([dbias, back_rows.sum(axis=0)]) if reset_after else dbias) if needs[3] else None,
        dh if needs[4] else None,
        None,
        dkept if needs[6] else None,
    )


def _open(on: Array | None, t: int, given: Array) -> Array:
    """What arrives for step `t`, 0 for the sequences that are masked there."""
    return given[:, t] if on is None else np.where(on[:, t], given[:, t], given.dtype.type(0))


@gru.fast
def _(
    x: Array,
    kernel: Array,
    recurrent: Array,
    bias: Array | None,
    h0: Array,
    mask: Array | None = None,
    kept: Array | None = None,
    reset_after: bool = True,
    backwards: bool = False,
) -> Any:
    return kernels.native.gru(x, kernel, recurrent, bias, h0, mask, kept, reset_after, backwards)


@gru.fast_gradient
def _(
    grads: tuple[Array | None, Array | None, Array | None],
    y: tuple[Array, Array, Array],
    x: Array,
    kernel: Array,
    recurrent: Array,
    bias: Array | None,
    h0: Array,
    mask: Array | None,
    kept: Array | None,
    needs: tuple[bool, ...],
    reset_after: bool = True,
    backwards: bool = False,
) -> Any:
    given = [None if g is None else np.ascontiguousarray(g) for g in grads]
    wanted = (needs[0], needs[1] or needs[2], needs[3], needs[6])
    # where the LSTM's dc0 would stand, the mask has its None
    return kernels.native.gru_backward(
        *given, *y, x, kernel, recurrent, h0, mask, kept, reset_after, backwards, *wanted
    )
