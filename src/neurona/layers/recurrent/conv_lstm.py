"""ConvLSTM1D, ConvLSTM2D, ConvLSTM3D: LSTMs over sequences of signals, pictures and volumes.

The three differ in nothing but the number of spatial axes; what they take is told at `ConvLSTM2D`.
"""

from __future__ import annotations

from typing import Any, ClassVar

from neurona.layers.input_spec import InputSpec
from neurona.layers.recurrent.conv_lstm_cell import ConvLSTMCell
from neurona.layers.recurrent.gated import CellLayer, of_cell, settings_of_cell
from neurona.registry import export
from neurona.symbolic import Shape, flatten

__all__ = ["ConvLSTM1D", "ConvLSTM2D", "ConvLSTM3D"]


class _ConvLSTM(CellLayer):
    """What the three share."""

    rank: ClassVar[int]  # the number of spatial axes
    cell: ConvLSTMCell
    filters: int = of_cell("filters")
    kernel_size = of_cell("kernel_size")
    strides = of_cell("strides")
    padding: str = of_cell("padding")
    data_format: str = of_cell("data_format")
    dilation_rate = of_cell("dilation_rate")
    recurrent_activation = of_cell("recurrent_activation")
    unit_forget_bias: bool = of_cell("unit_forget_bias")

    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = 1,
        padding: str = "valid",
        data_format: str | None = None,
        dilation_rate: Any = 1,
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
        **kwargs: Any,
    ) -> None:
        cell = ConvLSTMCell(
            self.rank, filters, kernel_size, strides, padding, data_format, dilation_rate, activation,
            recurrent_activation, use_bias, kernel_initializer, recurrent_initializer, bias_initializer,
            unit_forget_bias, kernel_regularizer, recurrent_regularizer, bias_regularizer, kernel_constraint,
            recurrent_constraint, bias_constraint, dropout, recurrent_dropout, seed,
            **settings_of_cell(kwargs, "conv_lstm_cell"),
        )  # fmt: skip
        super().__init__(
            cell, return_sequences, return_state, go_backwards, stateful,
            activity_regularizer=activity_regularizer, **kwargs,
        )  # fmt: skip
        self.input_spec = InputSpec(ndim=self.rank + 3)

    def compute_output_shape(self, sequences_shape: Shape, initial_state_shape: Any = None) -> Any:
        batch, length, *picture = sequences_shape
        shape, states = self.cell.compute_output_shape((batch, *picture))
        return self.given_back((batch, length, *shape[1:]), states)

    @property
    def count_of_states(self) -> int:
        return 2  # h and c, which `state_size` does not count

    def compute_mask(self, inputs: Any, previous_mask: Any) -> Any:
        mask = flatten(previous_mask)[0] if self.return_sequences else None
        return [mask, None, None] if self.return_state else mask

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "seed": self.cell.seed}


@export("keras.layers")
class ConvLSTM1D(_ConvLSTM):
    """A long short-term memory over a sequence of signals, whose products are convolutions.

    The formula, the arguments and the errors are those of `ConvLSTM2D`. Input ``(N, T, L, C)``; output
    ``(N, out L, filters)``, or that of every step with `return_sequences`.

    >>> ConvLSTM1D(8, 3)(np.ones((2, 5, 6, 3))).shape
    (2, 4, 8)

    Source: Shi et al., "Convolutional LSTM network" (2015), without the weights from c to the gates.
    """

    rank = 1


@export("keras.layers")
class ConvLSTM2D(_ConvLSTM):
    """A long short-term memory over a sequence of pictures, whose products are convolutions.

    With z = x[t] * W + h[t-1] * U + b (convolutions; the second one keeps the size), cut in four parts z_i, z_f, z_c, z_o
    along the channels, r the `recurrent_activation` and a the `activation`:

        c[t] = r(z_f) c[t-1] + r(z_i) a(z_c)        h[t] = r(z_o) a(c[t])

    Input ``(N, T, H, W, C)``; output ``(N, out H, out W, filters)``, or that of every
    step with `return_sequences`. Where a mask (N, T) is False, h and c stay as they are.

    Args:
        filters: the number of channels of h and c.
        kernel_size, strides, padding, data_format, dilation_rate: of the convolution of the input, as in `Conv2D`.
        activation: name or function, "tanh" by default.
        recurrent_activation: that of the gates.
        use_bias: whether there is a b.
        kernel_initializer, recurrent_initializer, bias_initializer: how W, U and b begin.
        unit_forget_bias: whether the forget gate's part of b begins with ones, so that nothing is forgotten at first.
        kernel_regularizer, recurrent_regularizer, bias_regularizer, activity_regularizer: penalties added to the loss.
        kernel_constraint, recurrent_constraint, bias_constraint: applied after each update.
        dropout, recurrent_dropout: the shares of the input and of h to drop while training, the same at every step.
        seed: an integer makes the dropout repeatable.
        return_sequences: whether to give the output of every step instead of the last one's.
        return_state: whether to give h and c behind the last step too.
        go_backwards: read from the last step to the first; outputs stand in the order in which they were made.
        stateful: begin each batch with the states in which the one before ended; the batch's size must be fixed.

    Raises:
        ArgumentError: a size that is no positive integer; strides and dilation both above 1.
        ShapeError: an input of another number of axes, or of open size.

    >>> ConvLSTM2D(8, 3)(np.ones((2, 5, 6, 6, 3))).shape
    (2, 4, 4, 8)

    Source: Shi et al., "Convolutional LSTM network" (2015), without the weights from c to the gates.
    """

    rank = 2


@export("keras.layers")
class ConvLSTM3D(_ConvLSTM):
    """A long short-term memory over a sequence of volumes, whose products are convolutions.

    The formula, the arguments and the errors are those of `ConvLSTM2D`. Input ``(N, T, D, H, W, C)``; output
    ``(N, out D, out H, out W, filters)``, or that of every step with `return_sequences`.

    >>> ConvLSTM3D(8, 3)(np.ones((2, 5, 4, 4, 4, 3))).shape
    (2, 2, 2, 2, 8)

    Source: Shi et al., "Convolutional LSTM network" (2015), without the weights from c to the gates.
    """

    rank = 3
