"""The cell of the ConvLSTM layers: an LSTM whose products are convolutions, so that its state is a picture."""

from __future__ import annotations

from typing import Any

from neurona import ops
from neurona.errors import ArgumentError, ShapeError
from neurona.layers.epilogue import require_positive
from neurona.layers.input_spec import InputSpec
from neurona.layers.recurrent.cell import KernelCell, States, Walked, cast
from neurona.layers.recurrent.loop import every_step
from neurona.layers.recurrent.lstm import ones_for_forgetting
from neurona.layers.window import Window
from neurona.ops import fused
from neurona.symbolic import Shape
from neurona.tensor import Tensor

__all__ = ["ConvLSTMCell"]


class ConvLSTMCell(KernelCell):
    """One step of a convolutional LSTM.

    With z = x * W + h * U + b (convolutions; the second one keeps the size), cut in four parts z_i, z_f, z_c, z_o along
    the channels, r the `recurrent_activation` and a the `activation`:

        c' = r(z_f) c + r(z_i) a(z_c)        h' = r(z_o) a(c')

    Args:
        rank: the number of spatial axes, 1 to 3.
        filters: the number of channels of h and c.
        kernel_size, strides, padding, data_format, dilation_rate: of the convolution of the input.
        activation, recurrent_activation: of the candidate, and of the gates.
        use_bias: whether there is a b.
        unit_forget_bias: whether the forget gate's part of b begins with ones.
        dropout, recurrent_dropout: the shares of the input and of the state to drop while training.
        seed: an integer makes the dropout repeatable.

    Call arguments:
        inputs: shape (N, *space, C), or (N, C, *space).
        states: h and c, each of shape (N, *space, filters), or (N, filters, *space).
        training: whether to drop.

    Raises:
        ArgumentError: a size that is no positive integer; strides and dilation both above 1.

    Source: Shi et al., "Convolutional LSTM network" (2015), without the weights from c to the gates.
    """

    def __init__(
        self,
        rank: int,
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
        kernel_constraint: Any = None,
        recurrent_constraint: Any = None,
        bias_constraint: Any = None,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            activation, recurrent_activation, use_bias, kernel_initializer, recurrent_initializer, bias_initializer,
            kernel_regularizer, recurrent_regularizer, bias_regularizer, kernel_constraint, recurrent_constraint,
            bias_constraint, dropout, recurrent_dropout, seed, **kwargs,
        )  # fmt: skip
        if rank not in (1, 2, 3):
            raise ArgumentError(f"ConvLSTM layers have 1 to 3 spatial axes. Received: rank={rank!r}")
        require_positive("filters", filters)
        self.window = Window.of(rank, kernel_size, strides, padding, data_format, dilation_rate)
        self.window.refuse_strides_with_dilation()
        self.rank, self.filters = rank, int(filters)
        self.kernel_size, self.strides, self.dilation_rate = self.window.size, self.window.strides, self.window.dilation
        self.padding, self.data_format = self.window.padding, self.window.data_format
        ones = (1,) * rank
        self._recurrence = Window(self.window.size, ones, "same", self.window.data_format, ones)
        self.unit_forget_bias = unit_forget_bias
        self.input_spec = InputSpec(ndim=rank + 2)
        self.state_size = -1  # a picture, whose size is known once it is built

    def build(self, inputs_shape: Shape, states_shape: Any = None) -> None:
        channels = self.window.channels(inputs_shape, "ConvLSTM")
        if None in self.compute_output_shape(inputs_shape)[0][1:]:
            raise ShapeError(
                "ConvLSTM layers need to know the size of a picture, which their state has too. "
                f"Received: input shape {tuple(inputs_shape)}. Give the model an Input with these axes set."
            )
        self._input_shape = tuple(inputs_shape)
        wide, begin = 4 * self.filters, self.bias_initializer
        if self.unit_forget_bias:
            begin = ones_for_forgetting(begin, self.filters)
        self.add_kernels((*self.kernel_size, channels, wide), (*self.kernel_size, self.filters, wide), (wide,), begin)

    def compute_output_shape(self, inputs_shape: Shape, states_shape: Any = None) -> Any:
        shape = self.window.output_shape(tuple(inputs_shape), self.filters)
        return shape, [shape, shape]

    def get_initial_state(self, batch_size: int | None = None) -> States:
        """Zeros: h and c."""
        shape, _ = self.compute_output_shape((batch_size, *self._input_shape[1:]))
        return [ops.zeros(shape, dtype=self.compute_dtype) for _ in range(2)]

    # -- computing: within, channels are last --------------------------------------------------------------

    def call(self, inputs: Tensor, states: Any, training: bool = False) -> tuple[Tensor, States]:
        h, c = (self.window.last(state) for state in states)
        seen = self._seen(self.dropped(inputs, training))
        h, c = self._gated(seen, h, c, self.kept(h, training))
        h, c = self.window.restored(h), self.window.restored(c)
        return h, [h, c]

    @property
    def walks(self) -> bool:
        return type(self).call is ConvLSTMCell.call

    def walk(self, sequences: Tensor, states: States, mask: Tensor | None, training: Any, backwards: bool) -> Walked:
        n, steps = sequences.shape[:2]
        x = ops.reshape(self.dropped_everywhere(sequences, training), (n * steps, *sequences.shape[2:]))
        x = self._seen(x)  # the input's convolution is one for all steps
        x = ops.reshape(x, (n, steps, *x.shape[1:]))
        before = [self.window.last(state) for state in states]
        kept = self.kept(before[0], training)

        def step(seen: Tensor, state: States) -> tuple[Tensor, States]:
            h, c = self._gated(seen, state[0], state[1], kept)
            return h, [h, c]

        made, after = every_step(step, x, before, mask, backwards)
        outputs = ops.stack([self.window.restored(h) for h in made], axis=1)
        return outputs, [self.window.restored(state) for state in after]

    def _seen(self, x: Tensor) -> Tensor:
        """The convolution of the input, (N, *space, 4 filters)."""
        x = self.window.last(x, self.variable_dtype)
        y: Tensor = fused.convolve(
            x, self.kernel, self.bias, strides=self.strides, pads=self.window.pads(x), dilation=self.dilation_rate
        )
        return y

    def _gated(self, x: Tensor, h: Tensor, c: Tensor, kept: Tensor | None) -> tuple[Tensor, Tensor]:
        """h and c behind a step, from what the step saw."""
        back = h if kept is None else ops.multiply(h, kept)
        back = back if back.dtype == self.variable_dtype else ops.cast(back, self.variable_dtype)
        ones = (1,) * self.rank
        z = ops.add(x, fused.convolve(
            back, self.recurrent_kernel, None, strides=ones, pads=self._recurrence.pads(back), dilation=ones
        ))  # fmt: skip
        i, f, g, o = ops.split(z, 4, axis=-1)
        written = ops.multiply(self.recurrent_activation(i), self.activation(g))
        c = cast(ops.add(ops.multiply(self.recurrent_activation(f), c), written), self.compute_dtype)
        h = cast(ops.multiply(self.recurrent_activation(o), self.activation(c)), self.compute_dtype)
        return h, c

    def settings(self) -> dict[str, Any]:
        return {
            "filters": self.filters,
            "kernel_size": self.kernel_size,
            "strides": self.strides,
            "padding": self.padding,
            "data_format": self.data_format,
            "dilation_rate": self.dilation_rate,
            **super().settings(),
            "unit_forget_bias": self.unit_forget_bias,
        }
