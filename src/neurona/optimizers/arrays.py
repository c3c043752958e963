"""ArrayOptimizer: the base of the optimizers that come with Neurona, which move all variables in one pass.

A rule is written in `move`, on arrays, in place, with NumPy: that is the reference. Where a compiled kernel
knows the rule (`compiled`), it does all variables, weight decay included, in one call.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from neurona import kernels
from neurona.optimizers.base import Optimizer
from neurona.tensor import Array, as_array
from neurona.variable import Variable

__all__ = ["ArrayOptimizer"]


class ArrayOptimizer(Optimizer):
    """An optimizer whose rule is `move`.

    A subclass that overrides `update_step` is asked variable by variable.
    """

    _at_once: ClassVar[bool] = True

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls._at_once = cls.update_step is ArrayOptimizer.update_step

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

    def _move_all(self, arrays: list[Array], variables: Sequence[Variable], indices: list[int], rate: float) -> None:
        self.begin()
        if not self._at_once:
            super()._move_all(arrays, variables, indices, rate)
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

    def _local_step(self) -> int:
        """The number of this update, from 1."""
        return int(self._iterations.data) // (self.gradient_accumulation_steps or 1) + 1


def states(slots: list[Any], indices: list[int]) -> list[Array]:
    """The arrays of the state at these places."""
    return [slots[i].data for i in indices]
