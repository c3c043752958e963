"""CTC: the loss of sequences whose labels have no places in time, such as letters in a recording of speech.

The network says at each time step which symbol it hears, or none ("blank"). A label sequence can be spelt in
many ways: repeats and blanks between symbols do not matter. The loss is -log of the probability of all
spellings together, which one walk over time sums up:

    a_t(s) = log(e^a_(t-1)(s) + e^a_(t-1)(s-1) + [may skip s-1] e^a_(t-1)(s-2)) + log p_t(symbol s)

over the extended labels: blank, first, blank, second, ..., blank.

Source: Graves et al., "Connectionist temporal classification" (2006).
"""

from __future__ import annotations

from typing import Any

from neurona import ops
from neurona.errors import ShapeError
from neurona.losses.base import MODULE, FunctionLoss, convert
from neurona.registry import export
from neurona.tensor import TensorLike

__all__ = ["CTC", "ctc"]

BLANK = 0
_NEVER = -1e30  # the logarithm of nothing; finite, so that no gradient becomes NaN


def ctc(y_true: TensorLike, y_pred: TensorLike) -> Any:
    """-log of the probability that the outputs spell the labels.

    Args:
        y_true: label sequences, shape (N, L); 0 fills up the shorter ones.
        y_pred: logits, shape (N, T, C); class 0 is the blank.

    Returns:
        shape (N,); infinity where T steps are too few for the labels.

    Raises:
        ShapeError: other numbers of axes.

    >>> ctc([[1]], [[[0.0, 0.0], [0.0, 0.0]]])  # three of the four paths spell it: "1 1", "1 _", "_ 1"
    Tensor([0.2876821], dtype=float32)
    """
    labels, logits = convert(y_true, "int32"), convert(y_pred)
    if len(labels.shape) != 2:
        raise ShapeError(f"ctc expected labels of shape (samples, length). Received: y_true.shape={labels.shape}.")
    if len(logits.shape) != 3 or logits.shape[0] != labels.shape[0]:
        raise ShapeError(
            f"ctc expected logits of shape ({labels.shape[0]}, steps, classes). Received: y_pred.shape={logits.shape}."
        )
    n, length = labels.shape
    blanks = ops.zeros_like(labels)
    extended = ops.reshape(ops.stack([blanks, labels], axis=2), (n, 2 * length))
    extended = ops.concatenate([extended, blanks[:, :1] if length else ops.zeros((n, 1), "int32")], axis=1)  # (N, S)
    size = 2 * length + 1
    emitted = _emissions(ops.log_softmax(logits, axis=-1), extended)  # (N, T, S)
    alpha = ops.where(ops.less(ops.arange(size), 2), emitted[:, 0], _NEVER)
    closed = _skips_forbidden(extended, logits.dtype)
    for t in range(1, logits.shape[1]):
        ways = [alpha, _shift(alpha, 1), ops.add(_shift(alpha, 2), closed)]
        alpha = ops.add(ops.logsumexp(ops.stack(ways, axis=0), axis=0), emitted[:, t])
    ends = ops.multiply(ops.sum(ops.cast(ops.not_equal(labels, BLANK), "int32"), axis=1, keepdims=True), 2)  # (N, 1)
    place = ops.arange(size)
    at_end = ops.logical_or(ops.equal(place, ends), ops.equal(place, ops.subtract(ends, 1)))
    loss = ops.negative(ops.logsumexp(ops.where(at_end, alpha, _NEVER), axis=1))
    return ops.where(ops.greater(loss, -_NEVER / 10), float("inf"), loss)


ctc.takes_integers = True  # type: ignore[attr-defined]


def _emissions(logs: Any, extended: Any) -> Any:
    """log p of each extended label's symbol at each step: (N, T, C), (N, S) -> (N, T, S)."""
    n, steps, _ = logs.shape
    symbols = ops.broadcast_to(ops.expand_dims(extended, axis=1), (n, steps, extended.shape[1]))
    return ops.take_along_axis(logs, symbols, axis=2)


def _shift(alpha: Any, by: int) -> Any:
    """Each place's number moved `by` places on; nothing comes from before the first."""
    n, size = alpha.shape
    if by >= size:
        return ops.full((n, size), _NEVER, dtype=alpha.dtype)
    return ops.concatenate([ops.full((n, by), _NEVER, dtype=alpha.dtype), alpha[:, :-by]], axis=1)


def _skips_forbidden(extended: Any, dtype: Any) -> Any:
    """0 where a path may come from two places before, the logarithm of nothing elsewhere.

    A blank may be skipped between two different symbols only.
    """
    n, size = extended.shape
    if size <= 2:
        return ops.full((n, size), _NEVER, dtype=dtype)
    here, before = extended[:, 2:], extended[:, :-2]
    allowed = ops.logical_and(ops.not_equal(here, BLANK), ops.not_equal(here, before))
    price = ops.multiply(ops.subtract(1.0, ops.cast(allowed, dtype)), _NEVER)
    return ops.concatenate([ops.full((n, 2), _NEVER, dtype=dtype), price], axis=1)


@export(MODULE)
class CTC(FunctionLoss):
    """`ctc` with weights and reduction.

    Args:
        reduction, name, dtype: see `Loss`.

    >>> CTC()([[1]], [[[0.0, 0.0], [0.0, 0.0]]])
    Tensor(0.2876821, dtype=float32)
    """

    def __init__(self, reduction: str | None = "sum_over_batch_size", name: str = "ctc", dtype: Any = None) -> None:
        super().__init__(ctc, reduction, name, dtype)
