"""StackedRNNCells: several cells as one, each fed with the output of the one before."""

from __future__ import annotations

from typing import Any

from neurona import ops
from neurona.errors import ArgumentError
from neurona.layers.base import Layer
from neurona.layers.recurrent.cell import KernelCell
from neurona.layers.recurrent.wrapper import layer_from
from neurona.registry import export, serialize_keras_object
from neurona.symbolic import Shape
from neurona.tensor import Tensor

__all__ = ["StackedRNNCells", "is_nested"]


def is_nested(structure: Any) -> bool:
    """Whether it is a list, a tuple or a dict."""
    return isinstance(structure, (list, tuple, dict))


@export("keras.layers")
class StackedRNNCells(Layer):
    """Several cells as one: at each step the output of a cell is the input of the next.

    Args:
        cells: the cells, the first one reads the input.

    Call arguments:
        inputs: shape (N, ...).
        states: the states of each cell, a list with one entry for each.
        training: handed to the cells.

    Raises:
        ArgumentError: no cell, or one without `call` or `state_size`.

    >>> cell = StackedRNNCells([neurona.layers.LSTMCell(4), neurona.layers.LSTMCell(3)])
    >>> neurona.layers.RNN(cell)(ops.ones((2, 5, 6))).shape
    (2, 3)
    """

    def __init__(self, cells: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if not cells:
            raise ArgumentError(f"StackedRNNCells needs at least one cell. Received: cells={cells!r}")
        for cell in cells:
            for name in ("call", "state_size"):
                if not hasattr(cell, name):
                    raise ArgumentError(f"All cells must have a `{name}`. Received a cell without it: {cell!r}")
        self.cells = list(cells)

    @property
    def state_size(self) -> list[Any]:
        """The sizes of each cell's states."""
        return [cell.state_size for cell in self.cells]

    @property
    def output_size(self) -> Any:
        """The length of the last cell's output."""
        return _output_size(self.cells[-1])

    def get_initial_state(self, batch_size: int | None = None) -> list[Any]:
        """The states before the first step, one entry for each cell: its own choice, or zeros."""
        return [self._begin(cell, batch_size) for cell in self.cells]

    def _begin(self, cell: Any, batch_size: int | None) -> Any:
        if hasattr(cell, "get_initial_state"):
            return cell.get_initial_state(batch_size=batch_size)
        size = cell.state_size
        if isinstance(size, int):
            return ops.zeros((batch_size, size), dtype=self.compute_dtype)
        return [ops.zeros((batch_size, n), dtype=self.compute_dtype) for n in size]

    def build(self, input_shape: Shape) -> None:
        shape = input_shape
        for cell in self.cells:
            if isinstance(cell, Layer) and not cell.built:
                cell.build(shape)
            shape = (shape[0], _output_size(cell))

    def call(self, inputs: Tensor, states: Any, training: bool = False, **kwargs: Any) -> tuple[Tensor, Any]:
        after = []
        for cell, state in zip(self.cells, states, strict=True):
            more = dict(kwargs)
            if isinstance(cell, Layer) and "training" in cell._call_parameters:
                more["training"] = training
            step = cell if callable(cell) else cell.call
            inputs, new = step(inputs, list(state) if is_nested(state) else [state], **more)
            after.append(new[0] if is_nested(new) and len(new) == 1 and not is_nested(state) else new)
        return inputs, after[0] if len(after) == 1 else after

    @property
    def walks(self) -> bool:
        """Whether every cell walks over a whole sequence (see `KernelCell.walk`), so that one can follow the other."""
        known = all(isinstance(cell, KernelCell) and cell.walks for cell in self.cells)
        return known and type(self).call is StackedRNNCells.call

    def walk(self, sequences: Tensor, states: Any, mask: Tensor | None, training: Any, backwards: bool) -> Any:
        """All steps of one cell, then all of the next; arguments and results are those of `KernelCell.walk`."""
        after = []
        for cell, state in zip(self.cells, states, strict=True):
            given = list(state) if is_nested(state) else [state]
            sequences, new = cell.walk(sequences, given, mask, training, backwards)
            after.append(new if is_nested(state) else new[0])
        return sequences, after

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "cells": [serialize_keras_object(cell) for cell in self.cells]}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: dict[str, Any] | None = None) -> Any:
        rest = dict(config)
        cells = [layer_from(cell, custom_objects) for cell in rest.pop("cells")]
        return cls(cells, **rest)


def _output_size(cell: Any) -> Any:
    """The length of a cell's output: as it says, or that of its first state."""
    size = getattr(cell, "output_size", None)
    if size is not None:
        return size
    return cell.state_size[0] if is_nested(cell.state_size) else cell.state_size
