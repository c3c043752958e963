"""Bidirectional: one layer reads a sequence from the left, another from the right."""

from __future__ import annotations

from typing import Any

from neurona import ops
from neurona.errors import ArgumentError, NotBuiltError
from neurona.layers.base import Layer
from neurona.layers.recurrent.sequence_layer import SequenceLayer
from neurona.layers.recurrent.wrapper import layer_from
from neurona.registry import export, serialize_keras_object
from neurona.symbolic import Shape
from neurona.tensor import Array, Tensor

__all__ = ["Bidirectional"]

_MODES = ("sum", "mul", "ave", "concat", None)
_NEEDED = ("go_backwards", "return_sequences", "return_state", "stateful")


@export("keras.layers")
class Bidirectional(SequenceLayer):
    """Read a sequence in both directions, and merge what the two layers say of each step.

    Both are made anew from the settings of the layer that is given. With `return_sequences` the outputs of masked steps are
    zeros.

    Args:
        layer: an `RNN`, or a layer of one's own with `go_backwards`, `return_sequences`, `return_state` and `stateful`.
        merge_mode: "concat" (side by side), "sum", "mul", "ave" (the mean), or None for both outputs by themselves.
        weights: arrays to begin with, those of the forward layer first.
        backward_layer: the layer for the other direction; by default one like `layer`.

    Call arguments:
        sequences: shape (N, T, ...).
        initial_state: the states before the first step, those of the forward layer first.
        mask: shape (N, T), bool.
        training: handed to the layers.

    Returns:
        the merged output (two, with ``merge_mode=None``), of the last steps that the layers read or, with
        `return_sequences`, of every step in the order of time; with `return_state` also the states of the forward layer
        and of the backward one.

    Raises:
        ArgumentError: no layer; an unknown mode; two layers in the same direction, or otherwise of different kinds.

    >>> Bidirectional(neurona.layers.LSTM(4, return_sequences=True))(ops.ones((2, 5, 3))).shape
    (2, 5, 8)

    Source: Schuster & Paliwal, "Bidirectional recurrent neural networks" (1997).
    """

    def __init__(
        self,
        layer: Any,
        merge_mode: str | None = "concat",
        weights: list[Array] | None = None,
        backward_layer: Any = None,
        **kwargs: Any,
    ) -> None:
        if not isinstance(layer, Layer):
            raise ArgumentError(f"Bidirectional expected a layer. Received: {layer!r}")
        if backward_layer is not None and not isinstance(backward_layer, Layer):
            raise ArgumentError(f"Bidirectional expected `backward_layer` to be a layer. Received: {backward_layer!r}")
        for one in (layer, backward_layer or layer):
            lacking = [name for name in _NEEDED if not hasattr(one, name)]
            if lacking:
                raise ArgumentError(
                    f"Bidirectional expected a layer that reads sequences, with the attributes {', '.join(_NEEDED)}. "
                    f"Received: {one!r}, without {', '.join(lacking)}."
                )
        if merge_mode not in _MODES:
            raise ArgumentError(
                f"Invalid merge mode. Received: {merge_mode!r}. Merge mode should be one of 'sum', 'mul', 'ave', "
                "'concat', None."
            )
        super().__init__(**kwargs)
        given: Any = layer
        self.forward_layer: Any = _another(given, "forward_")
        self.backward_layer: Any = _another(given, "backward_", go_backwards=True)
        if backward_layer is not None:
            self.backward_layer = backward_layer
        self._refuse_unlike()
        for one in (self.forward_layer, self.backward_layer):
            if hasattr(one, "zero_output_for_mask"):
                one.zero_output_for_mask = given.return_sequences
        self.merge_mode = merge_mode
        self._begin_with = weights
        self.stateful, self.return_sequences = given.stateful, given.return_sequences
        self.return_state = given.return_state
        self.supports_masking = True
        self.input_spec = given.input_spec

    def _refuse_unlike(self) -> None:
        one, other = self.forward_layer, self.backward_layer
        if one.go_backwards == other.go_backwards:
            raise ArgumentError(
                "Forward layer and backward layer should have different `go_backwards` value. Received: "
                f"forward_layer.go_backwards={one.go_backwards}, backward_layer.go_backwards={other.go_backwards}"
            )
        for name in ("stateful", "return_sequences", "return_state"):
            if getattr(one, name) != getattr(other, name):
                raise ArgumentError(
                    f"Forward layer and backward layer are expected to have the same value for `{name}`. Received: "
                    f"{getattr(one, name)} for the forward layer, {getattr(other, name)} for the backward layer."
                )

    # -- shapes and masks -----------------------------------------------------------------------------------

    def compute_output_shape(self, sequences_shape: Shape, initial_state_shape: Any = None) -> Any:
        shape = self.forward_layer.compute_output_shape(sequences_shape)
        shape, *states = shape if self.return_state else (shape,)
        if self.merge_mode == "concat":
            shape = (*shape[:-1], 2 * shape[-1])
        outputs = (shape, shape) if self.merge_mode is None else (shape,)
        whole = (*outputs, *states, *states)
        return whole if len(whole) > 1 else whole[0]

    def compute_mask(self, inputs: Any, previous_mask: Any) -> Any:
        """The input's mask for the outputs of every step; none for last outputs and for states."""
        mask = previous_mask[0] if isinstance(previous_mask, (list, tuple)) else previous_mask
        mask = mask if self.return_sequences else None
        return (mask, mask) if self.merge_mode is None else mask

    # -- weights and states ---------------------------------------------------------------------------------

    def build(self, sequences_shape: Shape, initial_state_shape: Any = None) -> None:
        for layer in (self.forward_layer, self.backward_layer):
            if not layer.built:
                layer.build(sequences_shape)
        if self._begin_with is not None:
            self.set_weights(self._begin_with)
            self._begin_with = None

    @property
    def states(self) -> tuple[Any, ...] | None:
        """The states that both layers keep between batches, the forward layer's first; None unless `stateful`."""
        one, other = self.forward_layer.states, self.backward_layer.states
        return (*one, *other) if one and other else None

    def reset_state(self) -> None:
        """Set the states that are kept between batches to zeros.

        Raises:
            NotBuiltError: the layer keeps none.
        """
        if not self.stateful:
            raise NotBuiltError("Layer must be stateful. Make it with stateful=True to keep states between batches.")
        self.forward_layer.reset_state()
        self.backward_layer.reset_state()

    # -- computing ------------------------------------------------------------------------------------------

    def call(self, sequences: Any, initial_state: Any = None, mask: Any = None, training: bool | None = None) -> Any:
        known = self.forward_layer._call_parameters
        more = {k: v for k, v in (("training", training), ("mask", mask)) if k in known}
        half = 0 if initial_state is None else len(initial_state) // 2
        forward, backward = more, more
        if initial_state is not None:
            forward = {**more, "initial_state": list(initial_state[:half])}
            backward = {**more, "initial_state": list(initial_state[half:])}
        y, back = self.forward_layer(sequences, **forward), self.backward_layer(sequences, **backward)
        states: tuple[Any, ...] = ()
        if self.return_state:
            states = (*y[1:], *back[1:])
            y, back = y[0], back[0]
        if self.return_sequences:
            back = ops.flip(back, axis=1)  # in the order of time, like y
        outputs: tuple[Tensor, ...] = (y, back) if self.merge_mode is None else (self._merged(y, back),)
        outputs = tuple(
            out if out.dtype == self.compute_dtype else ops.cast(out, self.compute_dtype) for out in outputs
        )
        whole = (*outputs, *states)
        return whole if len(whole) > 1 else whole[0]

    def _merged(self, y: Tensor, back: Tensor) -> Tensor:
        if self.merge_mode == "concat":
            merged: Tensor = ops.concatenate([y, back], axis=-1)
        elif self.merge_mode == "mul":
            merged = ops.multiply(y, back)
        else:
            merged = ops.add(y, back)
            merged = merged if self.merge_mode == "sum" else ops.multiply(merged, 0.5)
        return merged

    # -- describing -----------------------------------------------------------------------------------------

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "merge_mode": self.merge_mode,
            "layer": serialize_keras_object(self.forward_layer),
            "backward_layer": serialize_keras_object(self.backward_layer),
        }

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: dict[str, Any] | None = None) -> Any:
        rest = dict(config)
        layer = layer_from(rest.pop("layer"), custom_objects)
        backward = layer_from(rest.pop("backward_layer", None), custom_objects)
        return cls(layer, backward_layer=backward, **rest)


def _another(layer: Any, prefix: str, **changed: Any) -> Any:
    """A new layer with the settings of `layer`, named after it."""
    config = {**layer.get_config(), "name": f"{prefix}{layer.name.removeprefix(prefix)}", **changed}
    made = type(layer).from_config(config)
    if hasattr(layer, "use_cudnn"):
        made.use_cudnn = layer.use_cudnn  # no configuration holds it
    return made
