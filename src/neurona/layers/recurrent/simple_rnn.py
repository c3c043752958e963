"""SimpleRNN and its cell: the output of a step is fed back into the next."""

from __future__ import annotations

from typing import Any, ClassVar

from neurona import ops
from neurona.layers.recurrent.cell import MatrixCell, States, Walked, cast, first
from neurona.layers.recurrent.gated import CellLayer, SequenceSpec, of_cell, settings_of_cell
from neurona.ops import fused
from neurona.parts import activations
from neurona.registry import export
from neurona.tensor import Tensor

__all__ = ["SimpleRNN", "SimpleRNNCell"]

# the activations that the op over whole sequences knows
_KNOWN = {activations.get(name): name for name in ("linear", "relu", "tanh", "sigmoid")}


@export("keras.layers")
class SimpleRNNCell(MatrixCell):
    """One step of a simple recurrent network: h' = activation(x W + h U + b).

    Args:
        units: the length of h.
        activation: name or function, "tanh" by default; None for none.
        use_bias: whether there is a b.
        kernel_initializer, recurrent_initializer, bias_initializer: how W, U and b begin.
        kernel_regularizer, recurrent_regularizer, bias_regularizer: penalties added to the loss.
        kernel_constraint, recurrent_constraint, bias_constraint: applied after each update.
        dropout: the share of the inputs to drop while training.
        recurrent_dropout: the share of the state to drop before it is multiplied, while training.
        seed: an integer makes the dropout repeatable.

    Call arguments:
        sequence: shape (N, D).
        states: h, shape (N, units), alone or in a list.
        training: whether to drop.

    Returns:
        h', and h' once more, in a list if `states` was one.

    Raises:
        ArgumentError: units that are no positive integer.

    >>> cell = SimpleRNNCell(1, None, kernel_initializer="ones", recurrent_initializer="ones")
    >>> cell(Tensor([[1.0]]), [Tensor([[2.0]])])[0]
    Tensor([[3.]], dtype=float32)

    Source: Elman, "Finding structure in time" (1990).
    """

    has_recurrent_activation: ClassVar[bool] = False

    def __init__(
        self,
        units: int,
        activation: Any = "tanh",
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        recurrent_initializer: Any = "orthogonal",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        recurrent_regularizer: Any = None,
        bias_regularizer: Any = None,
        kernel_constraint: Any = None,
        recurrent_constraint: Any = None,
        bias_constraint: Any = None,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            units, activation, None, use_bias, kernel_initializer, recurrent_initializer, bias_initializer,
            kernel_regularizer, recurrent_regularizer, bias_regularizer, kernel_constraint, recurrent_constraint,
            bias_constraint, dropout, recurrent_dropout, seed, **kwargs,
        )  # fmt: skip

    def call(self, sequence: Tensor, states: Any, training: bool = False) -> tuple[Tensor, Any]:
        h = first(states)
        z = ops.matmul(self.dropped(sequence, training), self.kernel)  # (N, D) @ (D, U) -> (N, U)
        z = z if self.bias is None else ops.add(z, self.bias)
        z = ops.add(z, ops.matmul(self.kept_part(h, training), self.recurrent_kernel))
        h = cast(self.activation(z), self.compute_dtype)
        return h, [h] if isinstance(states, (list, tuple)) else h

    @property
    def walks(self) -> bool:
        return self.activation in _KNOWN and type(self).call is SimpleRNNCell.call

    def walk(self, sequences: Tensor, states: States, mask: Tensor | None, training: Any, backwards: bool) -> Walked:
        (h0,) = states
        h = fused.simple_rnn(
            self.dropped_everywhere(sequences, training), self.kernel, self.recurrent_kernel, self.bias, h0, mask,
            self.kept(h0, training), activation=_KNOWN[self.activation], backwards=backwards,
        )  # fmt: skip
        return h, [h[:, 0 if backwards else -1]]


@export("keras.layers")
class SimpleRNN(CellLayer):
    """A simple recurrent network over sequences: input (N, T, D), output (N, units), or (N, T, units) for every step.

    h[t] = activation(x[t] W + h[t-1] U + b)

    Where a mask is False, h stays as it is. With tanh, relu, sigmoid or no activation all steps are one op.

    Args:
        units: the length of h.
        activation: name or function, "tanh" by default; None for none.
        use_bias: whether there is a b.
        kernel_initializer, recurrent_initializer, bias_initializer: how W, U and b begin.
        kernel_regularizer, recurrent_regularizer, bias_regularizer, activity_regularizer: penalties added to the loss.
        kernel_constraint, recurrent_constraint, bias_constraint: applied after each update.
        dropout: the share of the inputs to drop while training, the same ones at every step.
        recurrent_dropout: the share of h to drop before it is multiplied by U, the same at every step.
        return_sequences: whether to give the output of every step instead of the last one's.
        return_state: whether to give h behind the last step too.
        go_backwards: read from the last step to the first; outputs stand in the order in which they were made.
        stateful: begin each batch with the states in which the one before ended; the batch's size must be fixed.
        unroll: accepted for Keras's sake: the results are the same.
        seed: an integer makes the dropout repeatable; Keras's configuration of this layer does not hold it.

    Call arguments:
        sequences: shape (N, T, D).
        initial_state: h before the first step, alone or in a list; zeros by default.
        mask: shape (N, T), bool.
        training: whether to drop.

    Raises:
        ArgumentError: units that are no positive integer.
        ShapeError: an input that has not three axes.

    >>> layer = SimpleRNN(1, None, kernel_initializer="ones", recurrent_initializer="ones", return_sequences=True)
    >>> layer(Tensor([[[1.0], [2.0], [3.0]]]))[0, :, 0]  # the running sum
    Tensor([1., 3., 6.], dtype=float32)

    Source: Elman, "Finding structure in time" (1990).
    """

    cell: SimpleRNNCell
    units: int = of_cell("units")

    def __init__(
        self,
        units: int,
        activation: Any = "tanh",
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        recurrent_initializer: Any = "orthogonal",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        recurrent_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        recurrent_constraint: Any = None,
        bias_constraint: Any = None,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        stateful: bool = False,
        unroll: bool = False,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        cell = SimpleRNNCell(
            units, activation, use_bias, kernel_initializer, recurrent_initializer, bias_initializer,
            kernel_regularizer, recurrent_regularizer, bias_regularizer, kernel_constraint, recurrent_constraint,
            bias_constraint, dropout, recurrent_dropout, seed, **settings_of_cell(kwargs, "simple_rnn_cell"),
        )  # fmt: skip
        super().__init__(
            cell, return_sequences, return_state, go_backwards, stateful, unroll,
            activity_regularizer=activity_regularizer, **kwargs,
        )  # fmt: skip
        self.input_spec = [SequenceSpec(ndim=3)]
