"""ArrayOptimizer: the base of the optimizers that come with Neurona, which move all variables in one pass.

A rule is written in `move`, on arrays, in place, with NumPy: that is the reference. Where a compiled kernel
knows the rule (`compiled`), it does all variables, weight decay included, in one call.

A gradient that is a `RowGradient` is laid out, zeros included, where a gradient of 0 still moves something: averages fade,
and what is left of them moves the weights. Where it moves nothing (`rests`), and where `config.set_sparse_updates(True)` asks
for it, only its rows move, with their rows of the state (`row_slots`): the same rule on smaller arrays. Asked for, each row's
clock stands still while no batch names it: neither its averages fade nor its weights decay. Rules that look at a whole
variable to move one number of it (the norm in Lamb, the means of rows and columns in Adafactor, the orthogonal step of Muon)
have no meaning on some rows alone; there every gradient is laid out.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from neurona import config, kernels
from neurona.optimizers.base import Optimizer
from neurona.row_gradient import RowGradient
from neurona.tensor import Array, as_array
from neurona.variable import Variable

__all__ = ["ArrayOptimizer"]


class ArrayOptimizer(Optimizer):
    """An optimizer whose rule is `move`.

    A subclass that overrides `update_step` is asked variable by variable.
    """

    #: The attributes that hold the state number by number, each a list with one variable for each trained one (it may be
    #: empty); None: the rule needs whole variables. A subclass that writes a `move` of its own says it anew.
    row_slots: ClassVar[tuple[str, ...] | None] = None
    _at_once: ClassVar[bool] = True

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # a variable's place -> its gradient laid out, and the rows in it
        self._whole: dict[int, tuple[Array, Array]] = {}

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls._at_once = cls.update_step is ArrayOptimizer.update_step
        if "move" in cls.__dict__ and "row_slots" not in cls.__dict__:
            cls.row_slots = None

    def begin(self) -> None:
        """What a step does once, before the variables move."""

    def move(self, g: Array, w: Array, index: int, rate: float) -> None:
        """Move the weights `w` in place by their gradient `g`; `index` finds their state."""
        raise NotImplementedError(f"Optimizer {type(self).__name__} must write `move(self, g, w, index, rate)`.")

    def compiled(self, g: list[Array], w: list[Array], indices: list[int], rate: float, decay: Any) -> Any:
        """All variables in one call of a kernel; ``NotImplemented`` where there is none for the case."""
        return NotImplemented

    def update_step(self, gradient: Any, variable: Variable, learning_rate: Any) -> None:
        g = as_array(gradient, variable.data.dtype)
        self.move(g, variable.data, self._indices[id(variable)], float(as_array(learning_rate)))

    def compiled_rows(
        self, g: Array, rows: Array, w: Array, slots: list[Array | None], rate: float, decay: float
    ) -> Any:
        """Some rows of one table by a kernel, where the state's rows lie in `slots`; ``NotImplemented`` without one."""
        return NotImplemented

    def takes_rows(self, variable: Variable) -> bool:
        """Whether the rule has a meaning on some rows of this variable alone."""
        return self.row_slots is not None

    def rests(self) -> bool:
        """Whether a weight whose gradient is 0 stays as it is, and so does its state."""
        return False

    def _moves_rows(self, variable: Variable) -> bool:
        """Whether of this variable only those rows move that have a gradient."""
        alone = config.sparse_updates() or (self.rests() and not self._decay_of(variable))
        return alone and self.takes_rows(variable)

    def _laid_out(self, g: RowGradient, index: int) -> Array:
        """The whole gradient, in memory that is used again: of the last one only its rows are to be cleared."""
        whole, rows = self._whole.get(index, (np.empty(0), g.rows))
        if whole.shape != g.shape or whole.dtype != g.dtype:
            whole = np.zeros(g.shape, g.dtype)
        else:
            whole[rows] = 0
        whole[g.rows] = g.values
        self._whole[index] = whole, g.rows
        return whole

    def _move_all(self, arrays: list[Any], variables: Sequence[Variable], indices: list[int], rate: float) -> None:
        self.begin()
        if not self._at_once:
            super()._move_all(arrays, variables, indices, rate)
            return
        if any(type(g) is RowGradient for g in arrays):
            arrays, variables, indices = self._move_rows(arrays, variables, indices, rate)
            if not arrays:
                return
        w = [v.data for v in variables]
        if kernels.native is not None:
            decay = 0.0 if self.weight_decay is None else tuple(map(self._decay_of, variables))
            if self.compiled(arrays, w, indices, rate, decay) is not NotImplemented:
                return
            plain = [np.array(g, order="C") for g in arrays]  # a view with gaps, or one in the weights' memory
            if self.compiled(plain, w, indices, rate, decay) is not NotImplemented:
                return
        arrays = [g.copy() if np.may_share_memory(g, a) else g for g, a in zip(arrays, w, strict=True)]
        self._apply_weight_decay(variables)
        for g, a, i in zip(arrays, w, indices, strict=True):
            self.move(g, a, i, rate)

    def _move_rows(
        self, arrays: list[Any], variables: Sequence[Variable], indices: list[int], rate: float
    ) -> tuple[list[Array], list[Variable], list[int]]:
        """Move the tables of which only some rows are to move; what is left, as whole arrays."""
        left: list[tuple[Array, Variable, int]] = []
        for g, variable, index in zip(arrays, variables, indices, strict=True):
            if type(g) is not RowGradient:
                left.append((g, variable, index))
            elif self._moves_rows(variable):
                self._move_rows_of(g, variable, index, rate)
            else:
                left.append((self._laid_out(g, index), variable, index))
        return [g for g, _, _ in left], [variable for _, variable, _ in left], [index for _, _, index in left]

    def _move_rows_of(self, g: RowGradient, variable: Variable, index: int, rate: float) -> None:
        """Move some rows of one table: the rule on copies of these rows, which then go back to their places."""
        decay = self._decay_of(variable) if self._decays() else 0.0
        kept = [getattr(self, name) for name in self.row_slots or ()]
        slots = [slot[index] if slot else None for slot in kept]
        if kernels.native is not None:
            whole = [None if slot is None else slot.data for slot in slots]
            if self.compiled_rows(g.values, g.rows, variable.data, whole, rate, decay) is not NotImplemented:
                return
        moving = [slot for slot in slots if slot is not None]
        places = [slot.data for slot in moving]
        w = variable.data[g.rows]
        if decay:
            w -= w * decay * rate
        try:
            for slot in moving:
                slot.data = slot.data[g.rows]
            self.move(g.values, w, index, rate)
            for slot, place in zip(moving, places, strict=True):
                place[g.rows] = slot.data
            variable.data[g.rows] = w
        finally:
            for slot, place in zip(moving, places, strict=True):
                slot.data = place

    def _local_step(self) -> int:
        """The number of this update, from 1."""
        return int(self._iterations.data) // (self.gradient_accumulation_steps or 1) + 1


def states(slots: list[Any], indices: list[int]) -> list[Array]:
    """The arrays of the state at these places."""
    return [slots[i].data for i in indices]
