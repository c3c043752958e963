"""lstm: a long short-term memory over whole sequences, all steps in one op."""

from __future__ import annotations

from typing import Any

import numpy as np

from neurona import kernels
from neurona.cases import A, Case, Failure
from neurona.ops.fused.sequences import carried, check_sequence, on_steps, reading, sigmoid, state_at
from neurona.tape import op
from neurona.tensor import Array

__all__ = ["lstm"]

_MASK = A("N T", kind="bool")
_KEPT = A("N 3", 0.5, 2.0)
_FAIL = ("2 5 2", "2 12", "3 12")


@op(
    cases=[
        Case("N T D", "D 12", "3 12", "12", "N 3", "N 3", None, None),
        Case("N T D", "D 8", "2 8", None, "N 2", "N 2", _MASK, None),
        Case("N T 2", "2 12", "3 12", "12", "N 3", "N 3", _MASK, _KEPT),
        Case("N T D", "D 12", "3 12", None, "N 3", "N 3", None, _KEPT, backwards=True),
        Case("N T 2", "2 4", "1 4", "4", "N 1", "N 1", _MASK, None, backwards=True),
        Case("3 2 D", "D 0", "0 0", "0", "3 0", "3 0", None, None),
    ],
    errors=[
        Failure("2 3", "2 12", "3 12", None, "2 3", "2 3", None, None, match="(batch, time, features)"),
        Failure("2 5 2", "3 12", "3 12", None, "2 3", "2 3", None, None, match="a kernel of shape (2, 12)"),
        Failure("2 5 2", "2 12", "3 11", None, "2 3", "2 3", None, None, match="a recurrent kernel of shape (3, 12)"),
        Failure(*_FAIL, "3", "2 3", "2 3", None, None, match="a bias of shape (12,)"),
        Failure(*_FAIL, None, "2 3", "1 3", None, None, match="a state of shape (2, 3)"),
        Failure(*_FAIL, None, "2 3", "2 3", A("2 4", kind="bool"), None, match="a mask of shape (2, 5)"),
        Failure(*_FAIL, None, "2 3", "2 3", None, "3", match="a row of factors for each sequence of shape (2, 3)"),
    ],
    promote="binary float",
)
def lstm(
    x: Array,
    kernel: Array,
    recurrent: Array,
    bias: Array | None,
    h0: Array,
    c0: Array,
    mask: Array | None = None,
    kept: Array | None = None,
    backwards: bool = False,
) -> tuple[Array, Array, Array]:
    """A layer of LSTM over sequences.

    At each step, with z = x[t] W + (h[t-1] kept) U + b cut in four parts z_i, z_f, z_g, z_o:

        i = sigmoid(z_i)   f = sigmoid(z_f)   g = tanh(z_g)   o = sigmoid(z_o)
        c[t] = f c[t-1] + i g                 h[t] = o tanh(c[t])

    Args:
        x: shape (N, T, D).
        kernel: W, shape (D, 4 U).
        recurrent: U, shape (U, 4 U).
        bias: b, shape (4 U,), or None.
        h0, c0: h and c before the first step, each of shape (N, U).
        mask: shape (N, T), bool; where it is False, h and c stay as they are and the gates are 0.
        kept: factors for h in the product with U (dropout of the recurrence), the same at each step: shape (N, U).
        backwards: read from the last step to the first: what is "before" step t is then t+1.

    Returns:
        h and c after each step, each of shape (N, T, U); the gates i, f, g, o, shape (N, T, 4 U). All in the order of
        time: read backwards, the last state stands at step 0.

    Raises:
        ShapeError: shapes that do not fit.

    >>> h, c, gates = lstm([[[1.0]]], [[100.0, 0.0, 100.0, 0.0]], [[0.0] * 4], None, [[0.0]], [[3.0]])
    >>> gates, c  # half of the old cell, and all of the candidate
    (Tensor([[[1. , 0.5, 1. , 0.5]]], dtype=float32), Tensor([[[2.5]]], dtype=float32))

    Source: Hochreiter & Schmidhuber, "Long Short-Term Memory" (1997); Gers, Schmidhuber & Cummins, "Learning to Forget"
    (2000).
    """
    check_sequence("lstm", 4, x, kernel, recurrent, bias, (h0, c0), mask, kept)
    n, steps, units = x.shape[0], x.shape[1], recurrent.shape[0]
    on = on_steps(mask)
    gates = x.reshape(n * steps, x.shape[2]) @ kernel  # (N T, D) @ (D, 4 U)
    gates = (gates if bias is None else gates + bias).reshape(n, steps, 4 * units)
    h, c = np.empty((n, steps, units), gates.dtype), np.empty((n, steps, units), gates.dtype)
    for t, last in reading(steps, backwards):
        before, cell = state_at(h, last, h0), state_at(c, last, c0)
        z = gates[:, t]
        z += (before if kept is None else before * kept) @ recurrent
        i, f, g, o = _parts(z)
        for gate in (i, f, o):
            gate[...] = sigmoid(gate)
        np.tanh(g, out=g)
        new = f * cell + i * g
        h[:, t] = carried(on, t, o * np.tanh(new), before)
        c[:, t] = carried(on, t, new, cell)
    return h, c, gates if on is None else np.where(on, gates, gates.dtype.type(0))


def _parts(z: Array) -> list[Array]:
    """Views of the four gates in (N, 4 U)."""
    units = z.shape[1] // 4
    return [z[:, k * units : (k + 1) * units] for k in range(4)]


@lstm.gradient
def _(
    grads: tuple[Array | None, Array | None, Array | None],
    y: tuple[Array, Array, Array],
    x: Array,
    kernel: Array,
    recurrent: Array,
    bias: Array | None,
    h0: Array,
    c0: Array,
    mask: Array | None,
    kept: Array | None,
    needs: tuple[bool, ...],
    backwards: bool = False,
) -> tuple[Array | None, ...]:
    (gh, gc, ggates), (h, c, gates) = grads, y
    n, steps, units = h.shape
    on = on_steps(mask)
    dz = np.empty_like(gates)
    dh, dc = np.zeros((n, units), h.dtype), np.zeros((n, units), h.dtype)
    drecurrent, dkept = np.zeros_like(recurrent), np.zeros((n, units), h.dtype)
    for t, last in reversed(reading(steps, backwards)):
        dh = dh if gh is None else dh + gh[:, t]
        dc = dc if gc is None else dc + gc[:, t]
        before, cell = state_at(h, last, h0), state_at(c, last, c0)
        # a masked step hands its gradient on as it is; nothing enters its gates
        into_h, into_c = (dh, dc) if on is None else (np.where(on[:, t], dh, 0), np.where(on[:, t], dc, 0))
        i, f, g, o = _parts(gates[:, t])
        squashed = np.tanh(c[:, t])
        into_c = into_c + into_h * o * (1 - squashed * squashed)
        slopes = [into_c * g, into_c * cell, into_c * i, into_h * squashed]
        if ggates is not None:
            given = ggates[:, t] if on is None else np.where(on[:, t], ggates[:, t], 0)
            slopes = [slope + part for slope, part in zip(slopes, _parts(given), strict=True)]
        for part, gate, slope in zip(_parts(dz[:, t]), (i, f, g, o), slopes, strict=True):
            part[...] = slope * (1 - gate * gate if gate is g else gate * (1 - gate))
        back = dz[:, t] @ recurrent.T  # (N, 4 U) @ (4 U, U)
        drecurrent += (before if kept is None else before * kept).T @ dz[:, t]
        if kept is not None:
            dkept += back * before
            back = back * kept
        dh = carried(on, t, back, dh)
        dc = carried(on, t, into_c * f, dc)
    rows = dz.reshape(n * steps, 4 * units)
    return (
        (rows @ kernel.T).reshape(x.shape) if needs[0] else None,
        x.reshape(n * steps, x.shape[2]).T @ rows if needs[1] else None,
        drecurrent if needs[2] else None,
        rows.sum(axis=0) if needs[3] else None,
        dh if needs[4] else None,
        dc if needs[5] else None,
        None,
        dkept if needs[7] else None,
    )


@lstm.fast
def _(
    x: Array,
    kernel: Array,
    recurrent: Array,
    bias: Array | None,
    h0: Array,
    c0: Array,
    mask: Array | None = None,
    kept: Array | None = None,
    backwards: bool = False,
) -> Any:
    return kernels.native.lstm(x, kernel, recurrent, bias, h0, c0, mask, kept, backwards)


@lstm.fast_gradient
def _(
    grads: tuple[Array | None, Array | None, Array | None],
    y: tuple[Array, Array, Array],
    x: Array,
    kernel: Array,
    recurrent: Array,
    bias: Array | None,
    h0: Array,
    c0: Array,
    mask: Array | None,
    kept: Array | None,
    needs: tuple[bool, ...],
    backwards: bool = False,
) -> Any:
    # the gradient of a slice of the steps may arrive as a view with gaps
    given = (None if g is None else np.ascontiguousarray(g) for g in grads)
    need_weights, need_kept = needs[1] or needs[2], needs[7]
    found = kernels.native.lstm_backward(
        *given, *y, x, kernel, recurrent, h0, c0, mask, kept, backwards, needs[0], need_weights, needs[3], need_kept
    )
    if found is NotImplemented:
        return NotImplemented
    dx, dkernel, drecurrent, dbias, dh0, dc0, dkept = found
    return dx, dkernel, drecurrent, dbias, dh0, dc0, None, dkept
