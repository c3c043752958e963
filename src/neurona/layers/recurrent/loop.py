"""The loop of a recurrent layer over the steps in time, for any cell.

It is plain Python over ops, so it runs in eager mode and is recorded step by step in a plan. Cells that know an op for the
whole sequence need no loop (`MatrixCell.walk`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from neurona import ops
from neurona.symbolic import flatten, map_structure
from neurona.tensor import Tensor

__all__ = ["every_step", "widened"]

Step = Callable[[Tensor, Any], tuple[Tensor, Any]]


def every_step(
    step: Step, sequences: Tensor, states: Any, mask: Tensor | None, backwards: bool, zero_output: bool = False
) -> tuple[list[Tensor], Any]:
    """Walk along the second axis.

    Args:
        step: ``(inputs, states) -> (output, states)`` for one step.
        sequences: shape (N, T, ...), of at least one step.
        states: nested tensors, before the first step.
        mask: shape (N, T), bool; where it is False the states stay as they are, and the output is the last one (zeros
            before the first).
        backwards: from the last step to the first.
        zero_output: whether the output is zeros wherever the mask is False.

    Returns:
        the outputs in the order of time, T times (N, ...), and the states behind the last step.
    """
    inputs = ops.unstack(sequences, axis=1)
    on = None if mask is None else ops.unstack(mask, axis=1)
    outputs: list[Any] = [None] * len(inputs)
    last: Tensor | None = None
    for t in reversed(range(len(inputs))) if backwards else range(len(inputs)):
        made, after = step(inputs[t], states)
        if on is not None:
            before: Any = 0.0 if last is None or zero_output else last
            made = ops.where(widened(on[t], made.ndim), made, before)
        last = outputs[t] = made
        states = _carried(None if on is None else on[t], after, states)
    return outputs, states


def widened(mask: Tensor, ndim: int) -> Tensor:
    """A mask with axes of length 1 behind its own, so that it has `ndim` of them."""
    wide: Tensor = ops.reshape(mask, (*mask.shape, *(1,) * (ndim - mask.ndim)))
    return wide


def _carried(on: Tensor | None, new: Any, old: Any) -> Any:
    """The new states, the old ones where a step does not count; nested as the old ones are."""
    made = iter(flatten(new))
    if on is None:
        return map_structure(lambda _: next(made), old)
    return map_structure(lambda state: ops.where(widened(on, state.ndim), next(made), state), old)
