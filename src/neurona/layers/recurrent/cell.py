"""What the cells share: two kernels and a bias, one kernel for the input of a step and one for the state.

The kernels hold several gates side by side; the cells differ in what they make of the sums. A cell whose activations the
ops know walks over a whole sequence in one call (`walk`); with any other it takes one step at a time (`call`).
"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from neurona import ops
from neurona.errors import ArgumentError, ShapeError
from neurona.layers.base import Layer
from neurona.layers.recurrent.dropout_cell import DropoutRNNCell, share
from neurona.parts import activations, constraints, initializers, regularizers
from neurona.random import SeedGenerator
from neurona.symbolic import Shape
from neurona.tensor import Tensor
from neurona.variable import Variable

__all__ = ["KernelCell", "MatrixCell", "cast", "first"]

States = list[Tensor]
Walked = tuple[Tensor, States]


class KernelCell(DropoutRNNCell, Layer):
    """The base of every cell here: settings, weights and dropout."""

    has_recurrent_activation: ClassVar[bool] = True
    state_size: Any
    output_size: int | None = None

    def __init__(
        self,
        activation: Any,
        recurrent_activation: Any,
        use_bias: bool,
        kernel_initializer: Any,
        recurrent_initializer: Any,
        bias_initializer: Any,
        kernel_regularizer: Any,
        recurrent_regularizer: Any,
        bias_regularizer: Any,
        kernel_constraint: Any,
        recurrent_constraint: Any,
        bias_constraint: Any,
        dropout: float,
        recurrent_dropout: float,
        seed: int | None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.activation = activations.get(activation)
        if self.has_recurrent_activation:
            self.recurrent_activation = activations.get(recurrent_activation)
        self.use_bias = use_bias
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.recurrent_initializer = initializers.get(recurrent_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.recurrent_regularizer = regularizers.get(recurrent_regularizer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)
        self.recurrent_constraint = constraints.get(recurrent_constraint)
        self.bias_constraint = constraints.get(bias_constraint)
        self.dropout, self.recurrent_dropout = share(dropout), share(recurrent_dropout)
        self.seed = seed
        self.seed_generator = SeedGenerator(seed)
        self.bias: Variable | None = None

    def add_kernels(self, kernel: Shape, recurrent: Shape, bias: Shape, bias_initializer: Any) -> None:
        """Make the weights, of these shapes."""
        self.kernel = self.add_weight(
            kernel, self.kernel_initializer, name="kernel",
            regularizer=self.kernel_regularizer, constraint=self.kernel_constraint,
        )  # fmt: skip
        self.recurrent_kernel = self.add_weight(
            recurrent, self.recurrent_initializer, name="recurrent_kernel",
            regularizer=self.recurrent_regularizer, constraint=self.recurrent_constraint,
        )  # fmt: skip
        if self.use_bias:
            self.bias = self.add_weight(
                bias, bias_initializer, name="bias", regularizer=self.bias_regularizer, constraint=self.bias_constraint
            )

    # -- what the subclasses compute with -------------------------------------------------------------------

    def dropped(self, inputs: Tensor, training: Any) -> Tensor:
        """The inputs of a step with the dropout of the inputs."""
        mask = self.get_dropout_mask(inputs) if training else None
        return inputs if mask is None else ops.multiply(inputs, mask)

    def dropped_everywhere(self, sequences: Tensor, training: Any) -> Tensor:
        """The inputs of all steps, (N, T, ...), with the dropout of the inputs."""
        mask = self.get_dropout_mask(sequences[:, 0]) if training else None
        return sequences if mask is None else ops.multiply(sequences, ops.expand_dims(mask, 1))

    def kept(self, state: Tensor, training: Any) -> Tensor | None:
        """The factors for the state, (N, units), that are the dropout of the recurrence."""
        return self.get_recurrent_dropout_mask(state) if training else None

    def kept_part(self, state: Tensor, training: Any) -> Tensor:
        """The state with the dropout of the recurrence."""
        mask = self.kept(state, training)
        return state if mask is None else ops.multiply(state, mask)

    @property
    def walks(self) -> bool:
        """Whether `walk` computes what `call` does, step by step."""
        return False

    def walk(self, sequences: Tensor, states: States, mask: Tensor | None, training: Any, backwards: bool) -> Walked:
        """All steps at once.

        Args:
            sequences: shape (N, T, ...), of at least one step.
            states: before the first step.
            mask: shape (N, T), bool.
            training: whether to drop.
            backwards: from the last step to the first.

        Returns:
            the outputs in the order of time, (N, T, ...), and the states behind the last step.
        """
        raise NotImplementedError(f"{type(self).__name__} goes step by step.")

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), **self.settings(), "seed": self.seed}

    def settings(self) -> dict[str, Any]:
        """The part of the configuration that a cell and its layer have in common."""
        recurrent = (
            {"recurrent_activation": activations.serialize(self.recurrent_activation)}
            if self.has_recurrent_activation
            else {}
        )
        return {
            "activation": activations.serialize(self.activation),
            **recurrent,
            "use_bias": self.use_bias,
            "kernel_initializer": initializers.serialize(self.kernel_initializer),
            "recurrent_initializer": initializers.serialize(self.recurrent_initializer),
            "bias_initializer": initializers.serialize(self.bias_initializer),
            "kernel_regularizer": regularizers.serialize(self.kernel_regularizer),
            "recurrent_regularizer": regularizers.serialize(self.recurrent_regularizer),
            "bias_regularizer": regularizers.serialize(self.bias_regularizer),
            "kernel_constraint": constraints.serialize(self.kernel_constraint),
            "recurrent_constraint": constraints.serialize(self.recurrent_constraint),
            "bias_constraint": constraints.serialize(self.bias_constraint),
            "dropout": self.dropout,
            "recurrent_dropout": self.recurrent_dropout,
        }


class MatrixCell(KernelCell):
    """The base of SimpleRNNCell, LSTMCell and GRUCell, whose kernels are matrices."""

    gates: ClassVar[int] = 1  # how many sums stand side by side in a kernel

    def __init__(self, units: int, *settings: Any, **kwargs: Any) -> None:
        if not isinstance(units, (int, np.integer)) or units <= 0:
            raise ArgumentError(
                "Received an invalid value for argument `units`, expected a positive integer. "
                f"Received: units={units!r}."
            )
        super().__init__(*settings, **kwargs)
        self.units = int(units)
        self.state_size = self.output_size = self.units

    def build(self, input_shape: Shape) -> None:
        features = input_shape[-1]
        if features is None:
            raise ShapeError(
                f"{type(self).__name__} needs to know the length of the last axis. Received: input shape {input_shape}."
            )
        wide = self.gates * self.units
        self.add_kernels((features, wide), (self.units, wide), *self.bias_begins())

    def bias_begins(self) -> tuple[Shape, Any]:
        """The shape of the bias, and what initializes it."""
        return (self.gates * self.units,), self.bias_initializer

    def get_initial_state(self, batch_size: int | None = None) -> States:
        """Zeros, one tensor (batch_size, units) for each part of the state."""
        sizes = self.state_size if isinstance(self.state_size, list) else [self.state_size]
        return [ops.zeros((batch_size, size), dtype=self.compute_dtype) for size in sizes]

    def settings(self) -> dict[str, Any]:
        return {"units": self.units, **super().settings()}


def first(states: Any) -> Any:
    """The state of a cell that has one, which may come alone or in a list."""
    return states[0] if isinstance(states, (list, tuple)) else states


def cast(y: Tensor, dtype: str) -> Tensor:
    """`y` in the layer's type: in mixed precision the weights are wider than that."""
    return y if y.dtype == dtype else ops.cast(y, dtype)
