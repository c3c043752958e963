"""CTC: sequences whose symbols have no places in time, such as letters in a recording of speech.

The network says at each time step which symbol it hears, or none ("blank"). A label sequence can be spelt in
many ways: repeats and blanks between symbols do not matter. The loss is -log of the probability of all
spellings together, which one walk over time sums up:

    a_t(s) = log(e^a_(t-1)(s) + e^a_(t-1)(s-1) + [may skip s-1] e^a_(t-1)(s-2)) + log p_t(symbol s)

over the extended labels: blank, first, blank, second, ..., blank. Decoding goes the other way, from what was heard to the
symbols that were most likely meant.

Source: Graves et al., "Connectionist temporal classification" (2006).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from neurona.cases import Case, Failure
from neurona.errors import ArgumentError, ShapeError
from neurona.ops.create import arange, full, zeros, zeros_like
from neurona.ops.elementwise import add, cast, multiply, negative, subtract, where
from neurona.ops.index import take_along_axis
from neurona.ops.joining import concatenate, stack
from neurona.ops.logic import equal, greater, less, logical_and, logical_or, not_equal
from neurona.ops.probabilities import log_softmax, log_softmax_along
from neurona.ops.reduce import logsumexp
from neurona.ops.shape import broadcast_to, expand_dims, reshape
from neurona.tape import composed, op
from neurona.tensor import Array, Tensor, TensorLike, as_tensor

__all__ = ["ctc_decode", "ctc_loss"]

_NEVER = -1e30  # the logarithm of nothing; finite, so that no gradient becomes NaN


@composed(
    cases=[
        Case(np.array([[1, 2], [1, 1]]), "2 5 3", np.array([2, 2]), np.array([5, 4])),
        Case(np.array([[1, 0], [2, 1]]), "2 4 3", np.array([1, 2]), np.array([4, 4]), mask_index=0),
    ],
    errors=[
        Failure(np.array([1]), "2 5 3", np.array([2]), np.array([5]), match="labels of two axes"),
        Failure(np.array([[1]]), "2 5 3", np.array([1]), np.array([5]), match="outputs of shape (1, steps, classes)"),
    ],
)
def ctc_loss(
    target: TensorLike, output: TensorLike, target_length: TensorLike, output_length: TensorLike, mask_index: int = 0
) -> Tensor:
    """-log of the probability that the outputs spell the labels.

    Args:
        target: label sequences, shape (N, L).
        output: logits, shape (N, T, C).
        target_length: how many labels of each count, shape (N,).
        output_length: how many steps of each count, shape (N,).
        mask_index: the class that means "blank".

    Returns:
        shape (N,); infinity where the steps are too few for the labels.

    Raises:
        ShapeError: other axes.

    >>> ctc_loss([[1]], [[[0.0, 0.0], [0.0, 0.0]]], [1], [2])  # three of the four paths: "1 1", "1 _", "_ 1"
    Tensor([0.2876821], dtype=float32)
    """
    labels, logits = cast(target, "int32"), output if hasattr(output, "shape") else as_tensor(output)
    if len(labels.shape) != 2:
        raise ShapeError(f"Targets `target` are expected to be labels of two axes. Received: shape {labels.shape}.")
    if len(logits.shape) != 3 or logits.shape[0] != labels.shape[0]:
        raise ShapeError(
            f"Expected outputs of shape ({labels.shape[0]}, steps, classes). Received: output.shape={logits.shape}."
        )
    n, length = labels.shape
    blanks = add(zeros_like(labels), mask_index)
    extended = reshape(stack([blanks, labels], axis=2), (n, 2 * length))
    end = blanks[:, :1] if length else add(zeros((n, 1), "int32"), mask_index)
    extended = concatenate([extended, end], axis=1)  # (N, S)
    emitted = _emissions(log_softmax(logits, axis=-1), extended)  # (N, T, S)
    alpha = where(less(arange(2 * length + 1), 2), emitted[:, 0], _NEVER)
    closed = _skips_forbidden(extended, mask_index, alpha.dtype)
    steps = expand_dims(cast(output_length, "int32"), 1)
    for t in range(1, logits.shape[1]):
        ways = [alpha, _shift(alpha, 1), add(_shift(alpha, 2), closed)]
        after = add(logsumexp(stack(ways, axis=0), axis=0), emitted[:, t])
        alpha = where(greater(steps, t), after, alpha)  # a sequence that has ended waits
    ends = multiply(expand_dims(cast(target_length, "int32"), 1), 2)  # (N, 1)
    place = arange(2 * length + 1)
    at_end = logical_or(equal(place, ends), equal(place, subtract(ends, 1)))
    loss = negative(logsumexp(where(at_end, alpha, _NEVER), axis=1))
    return where(greater(loss, -_NEVER / 10), float("inf"), loss)  # type: ignore[no-any-return]


def _emissions(logs: Any, extended: Any) -> Any:
    """log p of each extended label's symbol at each step: (N, T, C), (N, S) -> (N, T, S)."""
    n, steps, _ = logs.shape
    symbols = broadcast_to(expand_dims(extended, axis=1), (n, steps, extended.shape[1]))
    return take_along_axis(logs, symbols, axis=2)


def _shift(alpha: Any, by: int) -> Any:
    """Each place's number moved `by` places on; nothing comes from before the first."""
    n, size = alpha.shape
    if by >= size:
        return full((n, size), _NEVER, dtype=alpha.dtype)
    return concatenate([full((n, by), _NEVER, dtype=alpha.dtype), alpha[:, :-by]], axis=1)


def _skips_forbidden(extended: Any, blank: int, dtype: Any) -> Any:
    """0 where a path may come from two places before, the logarithm of nothing elsewhere.

    A blank may be skipped between two different symbols only.
    """
    n, size = extended.shape
    if size <= 2:
        return full((n, size), _NEVER, dtype=dtype)
    here, before = extended[:, 2:], extended[:, :-2]
    allowed = logical_and(not_equal(here, blank), not_equal(here, before))
    price = multiply(subtract(1.0, cast(allowed, dtype)), _NEVER)
    return concatenate([full((n, 2), _NEVER, dtype=dtype), price], axis=1)


# -- decoding ----------------------------------------------------------------------------------------------------


@op(
    cases=[
        Case("2 5 3", np.array([5, 3])),
        Case("2 4 3", np.array([4, 4]), strategy="beam_search", beam_width=4, top_paths=2),
    ],
    errors=[
        Failure("2 5 3", np.array([5, 3]), strategy="best", match="Invalid strategy best"),
        Failure("5 3", np.array([5]), match="three axes"),
    ],
    promote=None,
)
def ctc_decode(
    inputs: Array,
    sequence_lengths: Array,
    strategy: str = "greedy",
    beam_width: int = 100,
    top_paths: int = 1,
    merge_repeated: bool = True,
    mask_index: int = 0,
) -> tuple[Array, Array]:
    """The symbols that outputs spell.

    Args:
        inputs: logits, shape (N, T, C).
        sequence_lengths: how many steps of each count, shape (N,).
        strategy: "greedy": the likeliest symbol at each step; "beam_search": the likeliest sequences, all their spellings
            together.
        beam_width: how many beginnings a search keeps.
        top_paths: how many sequences it gives.
        merge_repeated: whether a symbol that goes on counts once.
        mask_index: the class that means "blank".

    Returns:
        the sequences, shape (paths, N, T), filled up with -1; and their scores, shape (N, paths): sums of the largest
        logits with the sign turned when greedy, else log probabilities.

    Raises:
        ArgumentError: another strategy.
        ShapeError: other axes.

    >>> ctc_decode([[[0.0, 3.0], [0.0, 3.0], [3.0, 0.0], [0.0, 3.0]]], [4])[0]
    Tensor([[[ 1,  1, -1, -1]]], dtype=int32)
    """
    if strategy not in ("greedy", "beam_search"):
        raise ArgumentError(
            f"Invalid strategy {strategy}. Supported values are 'greedy' and 'beam_search'. Received: strategy={strategy!r}."
        )
    if inputs.ndim != 3:
        raise ShapeError(f"ctc_decode expected outputs of three axes. Received: shape {inputs.shape}.")
    n, steps, _classes = inputs.shape
    paths = 1 if strategy == "greedy" else top_paths
    sequences = np.full((paths, n, steps), -1, "int32")
    scores = np.zeros((n, paths), inputs.dtype)
    for i in range(n):
        heard = inputs[i, : int(sequence_lengths[i])]
        if strategy == "greedy":
            best = heard.argmax(-1)
            keep = best != mask_index
            if merge_repeated:
                keep &= np.r_[True, best[1:] != best[:-1]][: len(best)]
            found = [(best[keep].tolist(), -float(heard.max(-1, initial=-np.inf).sum()))]
        else:
            found = _likeliest(log_softmax_along(heard.astype("float64")), beam_width, mask_index)[:paths]
        for k, (symbols, score) in enumerate(found):
            sequences[k, i, : len(symbols)] = symbols
            scores[i, k] = score
    return sequences, scores


def _likeliest(logs: Array, width: int, blank: int) -> list[tuple[list[int], float]]:
    """The likeliest label sequences with their log probabilities, the best first; a search that keeps `width` beginnings.

    Of each beginning two numbers are known: the log probability of its spellings that end in a blank, and of the others.
    """
    beams: dict[tuple[int, ...], tuple[float, float]] = {(): (0.0, -np.inf)}
    for step in logs:
        after: dict[tuple[int, ...], list[float]] = {}

        def gain(symbols: tuple[int, ...], which: int, value: float, after: Any = after) -> None:
            entry = after.setdefault(symbols, [-np.inf, -np.inf])
            entry[which] = float(np.logaddexp(entry[which], value))

        for symbols, (ended, open_) in beams.items():
            both = float(np.logaddexp(ended, open_))
            gain(symbols, 0, both + step[blank])
            if symbols:
                gain(symbols, 1, open_ + step[symbols[-1]])  # the last symbol goes on
            for c in range(len(step)):
                if c != blank:
                    gain((*symbols, c), 1, (ended if symbols and symbols[-1] == c else both) + step[c])
        best = sorted(after.items(), key=lambda item: -np.logaddexp(item[1][0], item[1][1]))[:width]
        beams = {symbols: (scores[0], scores[1]) for symbols, scores in best}
    return [(list(symbols), float(np.logaddexp(*scores))) for symbols, scores in beams.items()]
