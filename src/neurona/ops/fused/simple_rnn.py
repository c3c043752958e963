"""simple_rnn: a layer of plain recurrent neurons over whole sequences, all steps in one op."""

from __future__ import annotations

from typing import Any

import numpy as np

from neurona import kernels
from neurona.cases import A, Case, Failure
from neurona.errors import UnknownNameError
from neurona.ops.fused.dense import FUSED_ACTIVATIONS, activate, slope
from neurona.ops.fused.sequences import carried, check_sequence, on_steps, reading, state_at
from neurona.tape import op
from neurona.tensor import Array

__all__ = ["simple_rnn"]

_MASK = A("N T", kind="bool")
_KEPT = A("N 3", 0.5, 2.0)
_FEW = {"T": 20}  # with weights this large, rounding grows from step to step
_WEIGHTS = A("3 3", -0.5, 0.5)  # with larger ones the states of linear and relu grow without bound


@op(
    cases=[
        Case("N T D", "D 3", "3 3", "3", "N 3", None, None, largest=_FEW),
        Case("N T D", "D 2", "2 2", None, "N 2", _MASK, None, largest=_FEW),
        Case("N T 2", "2 3", "3 3", "3", "N 3", _MASK, _KEPT, backwards=True, largest=_FEW),
        Case("N T 2", "2 3", _WEIGHTS, "3", "N 3", _MASK, None, activation="relu", largest=_FEW),
        Case("N T 2", "2 3", "3 3", "3", "N 3", None, _KEPT, activation="sigmoid", largest=_FEW),
        Case("N T 2", "2 3", _WEIGHTS, None, "N 3", None, None, activation="linear", largest=_FEW),
        Case("3 2 D", "D 0", "0 0", "0", "3 0", None, None),
    ],
    errors=[
        Failure("2 3", "2 3", "3 3", None, "2 3", None, None, match="(batch, time, features)"),
        Failure("2 5 2", "3 3", "3 3", None, "2 3", None, None, match="a kernel of shape (2, 3)"),
        Failure("2 5 2", "2 3", "3 2", None, "2 3", None, None, match="a recurrent kernel of shape (3, 3)"),
        Failure("2 5 2", "2 3", "3 3", "2", "2 3", None, None, match="a bias of shape (3,)"),
        Failure("2 5 2", "2 3", "3 3", None, "1 3", None, None, match="a state of shape (2, 3)"),
        Failure("2 5 2", "2 3", "3 3", None, "2 3", A("5", kind="bool"), None, match="a mask of shape (2, 5)"),
        Failure("2 5 2", "2 3", "3 3", None, "2 3", None, None, activation="tahn", match="Did you mean 'tanh'?"),
    ],
    promote="binary float",
)
def simple_rnn(
    x: Array,
    kernel: Array,
    recurrent: Array,
    bias: Array | None,
    h0: Array,
    mask: Array | None = None,
    kept: Array | None = None,
    activation: str = "tanh",
    backwards: bool = False,
) -> Array:
    """A layer of plain recurrent neurons over sequences.

    h[t] = activation(x[t] W + (h[t-1] kept) U + b)

    Args:
        x: shape (N, T, D).
        kernel: W, shape (D, U).
        recurrent: U, shape (U, U).
        bias: b, shape (U,), or None.
        h0: h before the first step, shape (N, U).
        mask: shape (N, T), bool; where it is False, h stays as it is.
        kept: factors for h in the product with U (dropout of the recurrence), the same at each step: shape (N, U).
        activation: "linear", "relu", "tanh" or "sigmoid".
        backwards: read from the last step to the first: what is "before" step t is then t+1.

    Returns:
        h after each step, shape (N, T, U), in the order of time: read backwards, the last state stands at step 0.

    Raises:
        ShapeError: shapes that do not fit.
        UnknownNameError: another activation.

    >>> simple_rnn([[[1.0], [2.0]]], [[1.0]], [[0.5]], None, [[4.0]], activation="linear")
    Tensor([[[3. ],
            [3.5]]], dtype=float32)

    Source: Elman, "Finding Structure in Time" (1990).
    """
    if activation not in FUSED_ACTIVATIONS:
        raise UnknownNameError.among("activation of simple_rnn", activation, FUSED_ACTIVATIONS)
    check_sequence("simple_rnn", 1, x, kernel, recurrent, bias, (h0,), mask, kept)
    n, steps, units = x.shape[0], x.shape[1], recurrent.shape[0]
    on = on_steps(mask)
    h = x.reshape(n * steps, x.shape[2]) @ kernel  # (N T, D) @ (D, U)
    h = (h if bias is None else h + bias).reshape(n, steps, units)
    for t, last in reading(steps, backwards):
        before = state_at(h, last, h0)
        z = h[:, t] + (before if kept is None else before * kept) @ recurrent
        h[:, t] = carried(on, t, activate(z, activation), before)
    return h


@simple_rnn.gradient
def _(
    g: Array,
    h: Array,
    x: Array,
    kernel: Array,
    recurrent: Array,
    bias: Array | None,
    h0: Array,
    mask: Array | None,
    kept: Array | None,
    needs: tuple[bool, ...],
    activation: str = "tanh",
    backwards: bool = False,
) -> tuple[Array | None, ...]:
    n, steps, units = h.shape
    on = on_steps(mask)
    dz = np.empty_like(h)
    dh, dkept = np.zeros((n, units), h.dtype), np.zeros((n, units), h.dtype)
    drecurrent = np.zeros_like(recurrent)
    for t, last in reversed(reading(steps, backwards)):
        dh = dh + g[:, t]
        before = state_at(h, last, h0)
        # a masked step hands its gradient on as it is; nothing enters its sums
        into = dh if on is None else np.where(on[:, t], dh, 0)
        dz[:, t] = into * slope(h[:, t], activation)
        back = dz[:, t] @ recurrent.T  # (N, U) @ (U, U)
        drecurrent += (before if kept is None else before * kept).T @ dz[:, t]
        if kept is not None:
            dkept += back * before
            back = back * kept
        dh = carried(on, t, back, dh)
    rows = dz.reshape(n * steps, units)
    return (
        (rows @ kernel.T).reshape(x.shape) if needs[0] else None,
        x.reshape(n * steps, x.shape[2]).T @ rows if needs[1] else None,
        drecurrent if needs[2] else None,
        rows.sum(axis=0) if needs[3] else None,
        dh if needs[4] else None,
        None,
        dkept if needs[6] else None,
    )


@simple_rnn.fast
def _(
    x: Array,
    kernel: Array,
    recurrent: Array,
    bias: Array | None,
    h0: Array,
    mask: Array | None = None,
    kept: Array | None = None,
    activation: str = "tanh",
    backwards: bool = False,
) -> Any:
    number = FUSED_ACTIVATIONS.get(activation)
    if number is None:
        return NotImplemented
    return kernels.native.simple_rnn(x, kernel, recurrent, bias, h0, mask, kept, number, backwards)


@simple_rnn.fast_gradient
def _(
    g: Array,
    h: Array,
    x: Array,
    kernel: Array,
    recurrent: Array,
    bias: Array | None,
    h0: Array,
    mask: Array | None,
    kept: Array | None,
    needs: tuple[bool, ...],
    activation: str = "tanh",
    backwards: bool = False,
) -> Any:
    given, number = np.ascontiguousarray(g), FUSED_ACTIVATIONS[activation]
    wanted = (needs[0], needs[1] or needs[2], needs[3], needs[6])
    # where the LSTM's dc0 would stand, the mask has its None
    return kernels.native.simple_rnn_backward(
        given, h, x, kernel, recurrent, h0, mask, kept, number, backwards, *wanted
    )
