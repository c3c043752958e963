"""SequenceLayer: what the layers share that read a sequence and may be given states."""

from __future__ import annotations

from typing import Any

from neurona.layers.base import Layer, map_shapes
from neurona.symbolic import KerasTensor
from neurona.tensor import Tensor

__all__ = ["SequenceLayer"]


class SequenceLayer(Layer):
    """The base of `RNN` and `Bidirectional`: built for sequences and initial states, drawn without being tried.

    A subclass has `stateful`, and a `compute_output_shape` and a `build` that take the shapes of the two.
    """

    stateful: bool = False

    def compute_output_spec(
        self, sequences: Any, initial_state: Any = None, mask: Any = None, training: bool | None = None
    ) -> Any:
        shapes = self.compute_output_shape(tuple(sequences.shape))
        return map_shapes(lambda shape: KerasTensor(shape, self.compute_dtype), shapes)

    def _build_for(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        if self.stateful and args and isinstance(args[0], Tensor):
            self.build(args[0].shape)  # states are kept for a batch of this size
        else:
            super()._build_for(args, kwargs)

    def reset_state(self) -> None:
        """Set the states that are kept between batches to zeros."""
        raise NotImplementedError(f"{type(self).__name__} keeps no states.")

    def reset_states(self) -> None:
        """The older name of `reset_state`."""
        self.reset_state()
