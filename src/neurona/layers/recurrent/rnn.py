"""RNN: a cell carried along a sequence, its state handed from step to step.

What the layer adds to a cell is the same for every one: initial states, masks, the direction, what is given back, and
states that stay from batch to batch. The steps themselves are one op where the cell knows one, else a loop.
"""

from __future__ import annotations

from typing import Any

from neurona import ops
from neurona.errors import ArgumentError, ShapeError
from neurona.layers.base import Layer
from neurona.layers.recurrent.cell import KernelCell
from neurona.layers.recurrent.dropout_cell import forgetting_masks
from neurona.layers.recurrent.loop import every_step, widened
from neurona.layers.recurrent.sequence_layer import SequenceLayer
from neurona.layers.recurrent.stacked import StackedRNNCells, is_nested
from neurona.layers.recurrent.wrapper import layer_from
from neurona.registry import export, serialize_keras_object
from neurona.symbolic import Shape, flatten, map_structure
from neurona.tensor import Tensor
from neurona.variable import Variable

__all__ = ["RNN"]


class _Memory:
    """The states that a layer keeps between batches; no weights, as in Keras: files do not hold them."""

    def __init__(self, states: Any) -> None:
        self.states = states


@export("keras.layers")
class RNN(SequenceLayer):
    """Carry a cell along a sequence: ``output[t], state[t] = cell(x[t], state[t-1])``.

    Input ``(N, T, ...)``; output ``(N, ...)``, that of the last step, or ``(N, T, ...)`` with `return_sequences`. A cell
    is any layer or object with a `state_size` (an integer, or one for each part of the state) and a
    ``call(inputs, states)`` that gives the output and the new states; `output_size` and
    ``get_initial_state(batch_size)`` are used where it has them. A list of cells is stacked.

    Args:
        cell: a cell, or a list of them.
        return_sequences: whether to give the output of every step instead of the last one's.
        return_state: whether to give the states behind the last step too: ``(output, *states)``.
        go_backwards: read from the last step to the first; outputs stand in the order in which they were made.
        stateful: begin each batch with the states in which the one before ended; the batch's size must be fixed.
        unroll: accepted for Keras's sake: the results are the same.
        zero_output_for_mask: whether the output of a masked step is zeros instead of the output before.

    Call arguments:
        sequences: shape (N, T, ...).
        initial_state: the states before the first step, a list (of lists, for stacked cells); zeros by default.
        mask: shape (N, T), bool; where it is False the states stay as they are and the output is repeated.
        training: handed to the cell.

    Raises:
        ArgumentError: a cell without `call` or `state_size`.
        ShapeError: a stateful layer and a batch of another size than before.

    >>> cells = [neurona.layers.LSTMCell(4), neurona.layers.GRUCell(3)]
    >>> layer = RNN(cells, return_sequences=True)
    >>> layer(ops.ones((2, 5, 6))).shape
    (2, 5, 3)

    Source: Goodfellow, Bengio & Courville, "Deep Learning" (2016), chapter 10.
    """

    def __init__(
        self,
        cell: Any,
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        stateful: bool = False,
        unroll: bool = False,
        zero_output_for_mask: bool = False,
        **kwargs: Any,
    ) -> None:
        if isinstance(cell, (list, tuple)):
            cell = StackedRNNCells(cell)
        if not hasattr(cell, "call"):
            raise ArgumentError(f"Argument `cell` should have a `call` method. Received: cell={cell!r}")
        size = getattr(cell, "state_size", None)
        if not isinstance(size, (int, list, tuple)):
            raise ArgumentError(
                "The RNN cell should have a `state_size` attribute: an integer, or a list of integers, one for each "
                f"part of its state. Received: cell={cell!r} with state_size={size!r}"
            )
        super().__init__(**kwargs)
        self.zero_output_for_mask = zero_output_for_mask
        self.cell = cell
        self.return_sequences, self.return_state = return_sequences, return_state
        self.go_backwards, self.stateful, self.unroll = go_backwards, stateful, unroll
        self.supports_masking = True
        self.single_state = isinstance(size, int)
        self.state_size = [size] if isinstance(size, int) else list(size)
        self._memory = _Memory(None)

    # -- shapes and masks -----------------------------------------------------------------------------------

    def compute_output_shape(self, sequences_shape: Shape, initial_state_shape: Any = None) -> Any:
        batch, length, *_ = sequences_shape
        size = getattr(self.cell, "output_size", None)
        size = self.state_size[0] if size is None else size
        if not isinstance(size, int):
            raise ArgumentError(f"A cell's output_size must be an integer. Received: {size!r}")
        return self.given_back((batch, length, size), [_sized(batch, size) for size in self.state_size])

    def given_back(self, outputs_shape: Shape, states: Any) -> Any:
        """The shapes of what the layer gives, from that of the outputs of all steps and those of the states."""
        shape = outputs_shape if self.return_sequences else (outputs_shape[0], *outputs_shape[2:])
        return (shape, *states) if self.return_state else shape

    def compute_mask(self, inputs: Any, previous_mask: Any) -> Any:
        """The input's mask for the outputs of every step; none for a last output and for states."""
        mask = flatten(previous_mask)[0] if self.return_sequences else None
        return [mask, *(None for _ in self.state_size)] if self.return_state else mask

    # -- weights and states ---------------------------------------------------------------------------------

    def build(self, sequences_shape: Shape, initial_state_shape: Any = None) -> None:
        batch = sequences_shape[0]
        if isinstance(self.cell, Layer) and not self.cell.built:
            self.cell.build((batch, *sequences_shape[2:]))
        if not self.stateful:
            return
        if self.states is not None:
            self.reset_state()
        elif batch is None:
            raise ArgumentError(
                "When using `stateful=True` in a RNN, the batch size must be static. Found dynamic batch size: "
                f"sequence.shape={tuple(sequences_shape)}. Give the model an Input with `batch_size` or `batch_shape`."
            )
        else:
            self._memory = _Memory(map_structure(self._as_variable, self.get_initial_state(batch)))

    def _as_variable(self, state: Any) -> Variable:
        variable = Variable(state, dtype=self.variable_dtype, trainable=False, name="rnn_state")
        variable.path = f"{self.path}/rnn_state"
        return variable

    @property
    def states(self) -> Any:
        """The states kept from the batch before: Variables, nested as the cell's; None unless `stateful` and built."""
        return self._memory.states

    def get_initial_state(self, batch_size: int | None) -> list[Any]:
        """The states before the first step, for a batch of this size: the cell's own choice, or zeros."""
        if hasattr(self.cell, "get_initial_state"):
            state = self.cell.get_initial_state(batch_size=batch_size)
            return list(state) if is_nested(state) else [state]
        return [ops.zeros((batch_size, size), dtype=self.compute_dtype) for size in self.state_size]

    def reset_state(self) -> None:
        """Set the states that are kept between batches to zeros."""
        for variable in flatten(self.states):
            if variable is not None:
                variable.assign(ops.zeros(variable.shape, dtype=variable.dtype))

    # -- computing ------------------------------------------------------------------------------------------

    def call(self, sequences: Tensor, initial_state: Any = None, mask: Any = None, training: bool = False) -> Any:
        batch, from_zeros = sequences.shape[0], initial_state is None and not self.stateful
        if self.stateful:
            expected = flatten(self.states)[0].shape[0]
            if batch != expected:
                raise ShapeError(
                    "If an RNN is stateful, the batch size of the input sequences must be the same as the batch size "
                    f"of the initial state. Expected batch size: {expected}. Received batch size: {batch}. "
                    "Choose a batch_size that divides the number of samples."
                )
        if initial_state is not None:
            self._check_count(initial_state)
        else:
            initial_state = self.states if self.stateful else self.get_initial_state(batch)
        states = list(initial_state) if is_nested(initial_state) else [initial_state]
        states = map_structure(self._as_state, states)
        cells = self.cell._flatten_layers() if isinstance(self.cell, Layer) else ()
        with forgetting_masks(list(cells)):
            outputs, states = self._walk(sequences, states, _as_mask(mask), training, from_zeros)
        if self.stateful:
            for variable, state in zip(flatten(self.states), flatten(states), strict=True):
                variable.assign(state)
        outputs = self._as_output(outputs)
        return (outputs, *map_structure(self._as_output, states)) if self.return_state else outputs

    def _walk(
        self, sequences: Tensor, states: Any, mask: Tensor | None, training: Any, from_zeros: bool
    ) -> tuple[Tensor, Any]:
        """The output, or the outputs of all steps in the order of their making, and the states behind the last step."""
        end = 0 if self.go_backwards else -1
        if sequences.shape[1] == 0:  # without a step there is no output
            shape = self.compute_output_shape(sequences.shape)
            return ops.zeros(shape[0] if self.return_state else shape, dtype=self.compute_dtype), states
        if isinstance(self.cell, (KernelCell, StackedRNNCells)) and self.cell.walks:
            outputs, states = self.cell.walk(sequences, states, mask, training, self.go_backwards)
            if mask is not None and (self.zero_output_for_mask or not from_zeros):
                # before the first step that counts there is no output to repeat, but there are states
                shown = mask if self.zero_output_for_mask else _begun(mask, self.go_backwards)
                outputs = ops.where(widened(shown, outputs.ndim), outputs, 0.0)
            if not self.return_sequences:
                return outputs[:, end], states
        else:
            made, states = every_step(
                self._step(training), sequences, states, mask, self.go_backwards, self.zero_output_for_mask
            )
            if not self.return_sequences:
                return made[end], states
            outputs = ops.stack(made, axis=1)
        return ops.flip(outputs, axis=1) if self.go_backwards else outputs, states

    def _step(self, training: Any) -> Any:
        """The cell as a function of the inputs and the states of one step."""
        cell, more = self.cell, {}
        if isinstance(cell, Layer) and "training" in cell._call_parameters:
            more["training"] = training
        call = cell if callable(cell) else cell.call

        def step(inputs: Tensor, states: Any) -> tuple[Tensor, Any]:
            output, after = call(inputs, states, **more)
            return output, after if is_nested(after) else [after]

        return step

    @property
    def count_of_states(self) -> int:
        """How many arrays the state of a step has."""
        return len(flatten(self.state_size))

    def _check_count(self, initial_state: Any) -> None:
        expected, received = self.count_of_states, len(flatten(initial_state))
        if received != expected:
            raise ShapeError(
                f"{type(self).__name__} expects `initial_state` with {expected} state(s), an array for each part of the "
                f"cell's state; for an LSTM [h, c]. Received: {received}."
            )

    def _as_state(self, state: Any) -> Tensor:
        dtype = getattr(self.cell, "compute_dtype", self.compute_dtype)
        tensor = state if isinstance(state, Tensor) else ops.convert_to_tensor(state)
        return tensor if tensor.dtype == dtype else ops.cast(tensor, dtype)

    def _as_output(self, tensor: Tensor) -> Tensor:
        return tensor if tensor.dtype == self.compute_dtype else ops.cast(tensor, self.compute_dtype)

    # -- describing -----------------------------------------------------------------------------------------

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "return_sequences": self.return_sequences,
            "return_state": self.return_state,
            "go_backwards": self.go_backwards,
            "stateful": self.stateful,
            "unroll": self.unroll,
            "zero_output_for_mask": self.zero_output_for_mask,
            "cell": serialize_keras_object(self.cell),
        }

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: dict[str, Any] | None = None) -> Any:
        rest = dict(config)
        return cls(layer_from(rest.pop("cell"), custom_objects), **rest)


def _sized(batch: int | None, size: Any) -> Any:
    """The shapes of a part of a state."""
    return [(batch, n) for n in size] if isinstance(size, (list, tuple)) else (batch, size)


def _as_mask(mask: Any) -> Tensor | None:
    """A mask as bool (N, T); the first one, where several came."""
    found = flatten(mask)[0]
    if found is None:
        return None
    tensor = ops.convert_to_tensor(found)
    tensor = tensor if tensor.dtype == "bool" else ops.cast(tensor, "bool")
    if any(n != 1 for n in tensor.shape[2:]):
        raise ShapeError(
            "A recurrent layer expected a mask of shape (batch, time), one bool for each step. "
            f"Received: shape {tensor.shape}. Reduce it, for instance with ops.any(mask, axis=-1)."
        )
    flat: Tensor = tensor if tensor.ndim == 2 else ops.reshape(tensor, tensor.shape[:2])
    return flat


def _begun(mask: Tensor, backwards: bool) -> Tensor:
    """Where a step counts or one before it did."""
    ones = ops.cast(ops.flip(mask, axis=1) if backwards else mask, "int32")
    begun: Tensor = ops.greater(ops.cumsum(ones, axis=1), 0)
    return ops.flip(begun, axis=1) if backwards else begun
