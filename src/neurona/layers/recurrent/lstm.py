"""LSTM and its cell: a memory that gates decide to forget, to write to and to show."""

from __future__ import annotations

from typing import Any, ClassVar

from neurona import ops
from neurona.layers.recurrent.cell import MatrixCell, States, Walked, cast
from neurona.layers.recurrent.gated import GatedLayer, settings_of_cell
from neurona.ops import fused
from neurona.parts import activations, initializers
from neurona.registry import export
from neurona.symbolic import Shape
from neurona.tensor import Tensor

__all__ = ["LSTM", "LSTMCell", "ones_for_forgetting"]


@export("keras.layers")
class LSTMCell(MatrixCell):
    """One step of a long short-term memory; `RNN(LSTMCell(units))` is `LSTM(units)`.

    With z = x W + h U + b cut in four parts z_i, z_f, z_c, z_o (input, forget, candidate, output), r the
    `recurrent_activation` and a the `activation`:

        c' = r(z_f) c + r(z_i) a(z_c)        h' = r(z_o) a(c')

    Args:
        units: the length of h and c.
        activation: name or function, "tanh" by default; None for none.
        recurrent_activation: that of the gates.
        use_bias: whether there is a b.
        kernel_initializer, recurrent_initializer, bias_initializer: how W, U and b begin.
        unit_forget_bias: whether the forget gate's part of b begins with ones, so that nothing is forgotten at first.
        kernel_regularizer, recurrent_regularizer, bias_regularizer: penalties added to the loss.
        kernel_constraint, recurrent_constraint, bias_constraint: applied after each update.
        dropout: the share of the inputs to drop while training.
        recurrent_dropout: the share of the state to drop before it is multiplied, while training.
        seed: an integer makes the dropout repeatable.

    Call arguments:
        inputs: shape (N, D).
        states: h and c, each of shape (N, units).
        training: whether to drop.

    Returns:
        h', and the list of h' and c'.

    Raises:
        ArgumentError: units that are no positive integer.

    >>> cell = LSTMCell(1, kernel_initializer="ones", unit_forget_bias=False)
    >>> h, (_, c) = cell(Tensor([[0.0]]), [Tensor([[0.0]]), Tensor([[2.0]])])
    >>> c  # all gates are half open, the candidate is tanh(0)
    Tensor([[1.]], dtype=float32)

    Source: Hochreiter & Schmidhuber, "Long Short-Term Memory" (1997); Gers, Schmidhuber & Cummins, "Learning to Forget"
    (2000).
    """

    gates: ClassVar[int] = 4

    def __init__(
        self,
        units: int,
        activation: Any = "tanh",
        recurrent_activation: Any = "sigmoid",
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        recurrent_initializer: Any = "orthogonal",
        bias_initializer: Any = "zeros",
        unit_forget_bias: bool = True,
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
        kwargs.pop("implementation", None)  # Keras's choice between two ways to the same numbers
        super().__init__(
            units, activation, recurrent_activation, use_bias, kernel_initializer, recurrent_initializer,
            bias_initializer, kernel_regularizer, recurrent_regularizer, bias_regularizer, kernel_constraint,
            recurrent_constraint, bias_constraint, dropout, recurrent_dropout, seed, **kwargs,
        )  # fmt: skip
        self.unit_forget_bias = unit_forget_bias
        self.state_size = [self.units, self.units]

    def bias_begins(self) -> tuple[Shape, Any]:
        begin = self.bias_initializer
        return (4 * self.units,), ones_for_forgetting(begin, self.units) if self.unit_forget_bias else begin

    def call(self, inputs: Tensor, states: Any, training: bool = False) -> tuple[Tensor, States]:
        h, c = states
        z = ops.matmul(self.dropped(inputs, training), self.kernel)  # (N, D) @ (D, 4 U) -> (N, 4 U)
        z = ops.add(z, ops.matmul(self.kept_part(h, training), self.recurrent_kernel))
        z = z if self.bias is None else ops.add(z, self.bias)
        i, f, g, o = ops.split(z, 4, axis=1)
        written = ops.multiply(self.recurrent_activation(i), self.activation(g))
        c = cast(ops.add(ops.multiply(self.recurrent_activation(f), c), written), self.compute_dtype)
        h = cast(ops.multiply(self.recurrent_activation(o), self.activation(c)), self.compute_dtype)
        return h, [h, c]

    @property
    def walks(self) -> bool:
        usual = self.activation is activations.tanh and self.recurrent_activation is activations.sigmoid
        return usual and type(self).call is LSTMCell.call

    def walk(self, sequences: Tensor, states: States, mask: Tensor | None, training: Any, backwards: bool) -> Walked:
        h0, c0 = states
        h, c, _ = fused.lstm(
            self.dropped_everywhere(sequences, training), self.kernel, self.recurrent_kernel, self.bias, h0, c0, mask,
            self.kept(h0, training), backwards=backwards,
        )  # fmt: skip
        end = 0 if backwards else -1
        return h, [h[:, end], c[:, end]]

    def settings(self) -> dict[str, Any]:
        return {**super().settings(), "unit_forget_bias": self.unit_forget_bias}


@export("keras.layers")
class LSTM(GatedLayer):
    """A long short-term memory over sequences: input (N, T, D), output (N, units), or (N, T, units) for every step.

    With z = x[t] W + h[t-1] U + b cut in four parts z_i, z_f, z_c, z_o (input, forget, candidate, output), r the
    `recurrent_activation` and a the `activation`:

        c[t] = r(z_f) c[t-1] + r(z_i) a(z_c)        h[t] = r(z_o) a(c[t])

    Where a mask is False, h and c stay as they are. With tanh and sigmoid all steps are one compiled call.

    Args:
        units: the length of h and c.
        activation: name or function, "tanh" by default; None for none.
        recurrent_activation: that of the gates.
        use_bias: whether there is a b.
        kernel_initializer, recurrent_initializer, bias_initializer: how W, U and b begin.
        unit_forget_bias: whether the forget gate's part of b begins with ones, so that nothing is forgotten at first.
        kernel_regularizer, recurrent_regularizer, bias_regularizer, activity_regularizer: penalties added to the loss.
        kernel_constraint, recurrent_constraint, bias_constraint: applied after each update.
        dropout: the share of the inputs to drop while training, the same ones at every step.
        recurrent_dropout: the share of h to drop before it is multiplied by U, the same at every step.
        seed: an integer makes the dropout repeatable.
        return_sequences: whether to give the output of every step instead of the last one's.
        return_state: whether to give h and c behind the last step too.
        go_backwards: read from the last step to the first; outputs stand in the order in which they were made.
        stateful: begin each batch with the states in which the one before ended; the batch's size must be fixed.
        unroll: accepted for Keras's sake: the results are the same.
        use_cudnn: accepted for Keras's sake: "auto", True or False.

    Call arguments:
        sequences: shape (N, T, D).
        initial_state: h and c before the first step, a list; zeros by default.
        mask: shape (N, T), bool.
        training: whether to drop.

    Raises:
        ArgumentError: units that are no positive integer; another `use_cudnn`.
        ShapeError: an input that has not three axes.

    >>> layer = LSTM(4, return_sequences=True, return_state=True)
    >>> [y.shape for y in layer(ops.ones((2, 5, 3)))]
    [(2, 5, 4), (2, 4), (2, 4)]

    Source: Hochreiter & Schmidhuber, "Long Short-Term Memory" (1997); Gers, Schmidhuber & Cummins, "Learning to Forget"
    (2000).
    """

    cell: LSTMCell

    def __init__(
        self,
        units: int,
        activation: Any = "tanh",
        recurrent_activation: Any = "sigmoid",
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        recurrent_initializer: Any = "orthogonal",
        bias_initializer: Any = "zeros",
        unit_forget_bias: bool = True,
        kernel_regularizer: Any = None,
        recurrent_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        recurrent_constraint: Any = None,
        bias_constraint: Any = None,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        seed: int | None = None,
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        stateful: bool = False,
        unroll: bool = False,
        use_cudnn: Any = "auto",
        **kwargs: Any,
    ) -> None:
        cell = LSTMCell(
            units, activation, recurrent_activation, use_bias, kernel_initializer, recurrent_initializer,
            bias_initializer, unit_forget_bias, kernel_regularizer, recurrent_regularizer, bias_regularizer,
            kernel_constraint, recurrent_constraint, bias_constraint, dropout, recurrent_dropout, seed,
            **settings_of_cell(kwargs, "lstm_cell"),
        )  # fmt: skip
        super().__init__(
            cell, return_sequences, return_state, go_backwards, stateful, unroll, use_cudnn=use_cudnn,
            activity_regularizer=activity_regularizer, **kwargs,
        )  # fmt: skip

    @property
    def unit_forget_bias(self) -> bool:
        return self.cell.unit_forget_bias


def ones_for_forgetting(begin: Any, units: int) -> Any:
    """An initializer for the biases of four gates: ones for the forget gate, `begin` for the others."""

    def initialize(shape: Shape, dtype: Any = None) -> Tensor:
        ones = initializers.get("ones")
        parts = [begin((units,), dtype=dtype), ones((units,), dtype=dtype), begin((2 * units,), dtype=dtype)]
        whole: Tensor = ops.concatenate(parts)
        return whole

    return initialize
