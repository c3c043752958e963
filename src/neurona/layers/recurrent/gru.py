"""GRU and its cell: a state that one gate renews and another lets look back."""

from __future__ import annotations

from typing import Any, ClassVar

from neurona import ops
from neurona.layers.recurrent.cell import MatrixCell, States, Walked, cast, first
from neurona.layers.recurrent.gated import GatedLayer, settings_of_cell
from neurona.ops import fused
from neurona.parts import activations
from neurona.registry import export
from neurona.symbolic import Shape
from neurona.tensor import Tensor

__all__ = ["GRU", "GRUCell"]


@export("keras.layers")
class GRUCell(MatrixCell):
    """One step of a gated recurrent unit; `RNN(GRUCell(units))` is `GRU(units)`.

    With W, U and b cut in three parts (update z, reset r, candidate), s the `recurrent_activation` and a the
    `activation`:

        z = s(x W_z + h U_z + b_z)      r = s(x W_r + h U_r + b_r)
        g = a(x W_g + b_g + r (h U_g + b'_g))     with `reset_after`, where the recurrent product has biases b' of its own
        g = a(x W_g + b_g + (r h) U_g)            without
        h' = z h + (1 - z) g

    Args:
        units: the length of h.
        activation: name or function, "tanh" by default; None for none.
        recurrent_activation: that of the gates.
        use_bias: whether there is a b.
        kernel_initializer, recurrent_initializer, bias_initializer: how W, U and b begin.
        kernel_regularizer, recurrent_regularizer, bias_regularizer: penalties added to the loss.
        kernel_constraint, recurrent_constraint, bias_constraint: applied after each update.
        dropout: the share of the inputs to drop while training.
        recurrent_dropout: the share of the state to drop before it is multiplied, while training.
        reset_after: whether the reset gate works behind the product instead of before it; b has two rows then.
        seed: an integer makes the dropout repeatable.

    Call arguments:
        inputs: shape (N, D).
        states: h, shape (N, units), alone or in a list.
        training: whether to drop.

    Returns:
        h', and h' once more, in a list if `states` was one.

    Raises:
        ArgumentError: units that are no positive integer.

    >>> cell = GRUCell(1, kernel_initializer="zeros", recurrent_initializer="zeros")
    >>> cell(Tensor([[1.0]]), [Tensor([[2.0]])])[0]  # both gates half open, the candidate is tanh(0)
    Tensor([[1.]], dtype=float32)

    Source: Cho et al., "Learning phrase representations using RNN encoder-decoder" (2014).
    """

    gates: ClassVar[int] = 3

    def __init__(
        self,
        units: int,
        activation: Any = "tanh",
        recurrent_activation: Any = "sigmoid",
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
        reset_after: bool = True,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        kwargs.pop("implementation", None)  # Keras's choice between two ways to the same numbers
        super().__init__(
            units, activation, recurrent_activation, use_bias, kernel_initializer, recurrent_initializer,
            bias_initializer, kernel_regularizer, recurrent_regularizer, bias_regularizer, kernel_constraint,
            recurrent_constraint, bias_constraint, dropout, recurrent_dropout, seed, **kwargs,
        )  # fmt: skip
        self.reset_after = reset_after

    def bias_begins(self) -> tuple[Shape, Any]:
        wide = 3 * self.units
        return (2, wide) if self.reset_after else (wide,), self.bias_initializer

    def call(self, inputs: Tensor, states: Any, training: bool = False) -> tuple[Tensor, Any]:
        h = first(states)
        units = self.units
        x = ops.matmul(self.dropped(inputs, training), self.kernel)  # (N, D) @ (D, 3 U) -> (N, 3 U)
        kept = self.kept_part(h, training)
        if self.bias is not None:
            x = ops.add(x, self.bias[0] if self.reset_after else self.bias)
        if self.reset_after:
            product = ops.matmul(kept, self.recurrent_kernel)
            product = product if self.bias is None else ops.add(product, self.bias[1])
        else:
            product = ops.matmul(kept, self.recurrent_kernel[:, : 2 * units])
        gates = self.recurrent_activation(ops.add(x[:, : 2 * units], product[:, : 2 * units]))
        z, r = gates[:, :units], gates[:, units:]
        if self.reset_after:
            back = ops.multiply(r, product[:, 2 * units :])
        else:
            back = ops.matmul(ops.multiply(r, kept), self.recurrent_kernel[:, 2 * units :])
        new = self.activation(ops.add(x[:, 2 * units :], back))
        h = cast(ops.add(ops.multiply(z, h), ops.multiply(ops.subtract(1.0, z), new)), self.compute_dtype)
        return h, [h] if isinstance(states, (list, tuple)) else h

    @property
    def walks(self) -> bool:
        usual = self.activation is activations.tanh and self.recurrent_activation is activations.sigmoid
        return usual and type(self).call is GRUCell.call

    def walk(self, sequences: Tensor, states: States, mask: Tensor | None, training: Any, backwards: bool) -> Walked:
        (h0,) = states
        h, *_ = fused.gru(
            self.dropped_everywhere(sequences, training), self.kernel, self.recurrent_kernel, self.bias, h0, mask,
            self.kept(h0, training), reset_after=self.reset_after, backwards=backwards,
        )  # fmt: skip
        return h, [h[:, 0 if backwards else -1]]

    def settings(self) -> dict[str, Any]:
        return {**super().settings(), "reset_after": self.reset_after}


@export("keras.layers")
class GRU(GatedLayer):
    """A gated recurrent unit over sequences: input (N, T, D), output (N, units), or (N, T, units) for every step.

    At each step, with W, U and b cut in three parts (update z, reset r, candidate), s the `recurrent_activation` and a
    the `activation`:

        z = s(x[t] W_z + h[t-1] U_z + b_z)      r = s(x[t] W_r + h[t-1] U_r + b_r)
        g = a(x[t] W_g + b_g + r (h[t-1] U_g + b'_g))     with `reset_after`, where b' are biases of the second product
        g = a(x[t] W_g + b_g + (r h[t-1]) U_g)            without
        h[t] = z h[t-1] + (1 - z) g

    Where a mask is False, h stays as it is. With tanh and sigmoid all steps are one compiled call.

    Args:
        units: the length of h.
        activation: name or function, "tanh" by default; None for none.
        recurrent_activation: that of the gates.
        use_bias: whether there is a b.
        kernel_initializer, recurrent_initializer, bias_initializer: how W, U and b begin.
        kernel_regularizer, recurrent_regularizer, bias_regularizer, activity_regularizer: penalties added to the loss.
        kernel_constraint, recurrent_constraint, bias_constraint: applied after each update.
        dropout: the share of the inputs to drop while training, the same ones at every step.
        recurrent_dropout: the share of h to drop before it is multiplied by U, the same at every step.
        seed: an integer makes the dropout repeatable.
        return_sequences: whether to give the output of every step instead of the last one's.
        return_state: whether to give h behind the last step too.
        go_backwards: read from the last step to the first; outputs stand in the order in which they were made.
        stateful: begin each batch with the states in which the one before ended; the batch's size must be fixed.
        unroll: accepted for Keras's sake: the results are the same.
        reset_after: whether the reset gate works behind the product instead of before it; b has two rows then.
        use_cudnn: accepted for Keras's sake: "auto", True or False.

    Call arguments:
        sequences: shape (N, T, D).
        initial_state: h before the first step, alone or in a list; zeros by default.
        mask: shape (N, T), bool.
        training: whether to drop.

    Raises:
        ArgumentError: units that are no positive integer; another `use_cudnn`.
        ShapeError: an input that has not three axes.

    >>> layer = GRU(4, return_sequences=True, return_state=True)
    >>> [y.shape for y in layer(ops.ones((2, 5, 3)))]
    [(2, 5, 4), (2, 4)]

    Source: Cho et al., "Learning phrase representations using RNN encoder-decoder" (2014).
    """

    cell: GRUCell

    def __init__(
        self,
        units: int,
        activation: Any = "tanh",
        recurrent_activation: Any = "sigmoid",
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
        seed: int | None = None,
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        stateful: bool = False,
        unroll: bool = False,
        reset_after: bool = True,
        use_cudnn: Any = "auto",
        **kwargs: Any,
    ) -> None:
        cell = GRUCell(
            units, activation, recurrent_activation, use_bias, kernel_initializer, recurrent_initializer,
            bias_initializer, kernel_regularizer, recurrent_regularizer, bias_regularizer, kernel_constraint,
            recurrent_constraint, bias_constraint, dropout, recurrent_dropout, reset_after, seed,
            **settings_of_cell(kwargs, "gru_cell"),
        )  # fmt: skip
        super().__init__(
            cell, return_sequences, return_state, go_backwards, stateful, unroll, use_cudnn=use_cudnn,
            activity_regularizer=activity_regularizer, **kwargs,
        )  # fmt: skip

    @property
    def reset_after(self) -> bool:
        return self.cell.reset_after
