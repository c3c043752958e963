"""DropoutRNNCell: the dropout of a cell, one mask for all the steps of a sequence."""

from __future__ import annotations

from typing import Any

from neurona import ops, random
from neurona.ops import fused
from neurona.random import SeedGenerator
from neurona.tensor import Tensor

__all__ = ["DropoutRNNCell", "forgetting_masks", "share"]


class DropoutRNNCell:
    """What a cell adds to its bases to drop the same inputs, or the same parts of its state, at every step.

    A cell that mixes it in sets `dropout` and `recurrent_dropout` (shares from 0 to 1) and a `seed_generator`. A mask is
    drawn when it is first asked for and kept until it is reset; `RNN` does so around each batch. Who calls a cell step
    by step resets it before each sequence.

    Source: Gal & Ghahramani, "A theoretically grounded application of dropout in recurrent neural networks" (2016).
    """

    dropout: float
    recurrent_dropout: float
    seed_generator: SeedGenerator
    _dropout_mask: Tensor | None = None
    _recurrent_dropout_mask: Tensor | None = None

    def get_dropout_mask(self, step_input: Any) -> Tensor | None:
        """The factors for the inputs of every step, of the shape of `step_input`; None without dropout."""
        if self._dropout_mask is None and self.dropout > 0:
            self._dropout_mask = self._draw(step_input, self.dropout)
        return self._dropout_mask

    def get_recurrent_dropout_mask(self, step_input: Any) -> Tensor | None:
        """The factors for the state before every step, of the shape of `step_input`; None without dropout."""
        if self._recurrent_dropout_mask is None and self.recurrent_dropout > 0:
            self._recurrent_dropout_mask = self._draw(step_input, self.recurrent_dropout)
        return self._recurrent_dropout_mask

    def reset_dropout_mask(self) -> None:
        """Forget the mask of the inputs: the next sequence has another."""
        self._dropout_mask = None

    def reset_recurrent_dropout_mask(self) -> None:
        """Forget the mask of the state: the next sequence has another."""
        self._recurrent_dropout_mask = None

    def _draw(self, like: Any, rate: float) -> Tensor:
        ones = ops.ones(tuple(like.shape), dtype=str(like.dtype))
        drawn: Tensor = fused.dropout(ones, random.next_keys(self.seed_generator), rate=rate)
        return drawn


class forgetting_masks:  # noqa: N801 - a context, used like a function
    """Within it the cells draw masks of their own, which are forgotten behind it."""

    def __init__(self, cells: list[Any]) -> None:
        self._cells = [cell for cell in cells if isinstance(cell, DropoutRNNCell)]

    def __enter__(self) -> None:
        self._forget()

    def __exit__(self, *error: object) -> None:
        self._forget()

    def _forget(self) -> None:
        for cell in self._cells:
            cell.reset_dropout_mask()
            cell.reset_recurrent_dropout_mask()


def share(value: float) -> float:
    """A rate of dropout, brought between 0 and 1.

    >>> share(1.5), share(-1), share(0.25)
    (1.0, 0.0, 0.25)
    """
    return min(1.0, max(0.0, value))
