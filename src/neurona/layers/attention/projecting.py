"""What attentions with projections share: their weights' settings, and the layers that project."""

from __future__ import annotations

from typing import Any

from neurona.errors import ArgumentError
from neurona.layers.base import Layer
from neurona.layers.einsum_dense import EinsumDense
from neurona.parts import constraints, initializers, regularizers

__all__ = ["Projecting"]

_LETTERS = "abcdefghijklmnopqrstuvwxyz"


class Projecting(Layer):
    """A layer that is made of `EinsumDense` projections and attends between them."""

    def __init__(
        self,
        dropout: float,
        use_bias: bool,
        use_gate: bool,
        sliding_window: int | None,
        flash_attention: bool | None,
        kernel_initializer: Any,
        bias_initializer: Any,
        kernel_regularizer: Any,
        bias_regularizer: Any,
        activity_regularizer: Any,
        kernel_constraint: Any,
        bias_constraint: Any,
        seed: int | None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if sliding_window is not None and (not _is_int(sliding_window) or sliding_window <= 0):
            raise ArgumentError(
                f"`sliding_window` must be `None` or a positive integer. Received: sliding_window={sliding_window}"
            )
        if flash_attention and dropout > 0:
            raise ArgumentError(
                "Dropout is not supported when flash attention is enabled. Please set dropout to 0.0 to use flash "
                f"attention. Received: dropout={dropout}"
            )
        self.supports_masking = True
        self.dropout, self.use_bias, self.use_gate, self.seed = dropout, use_bias, use_gate, seed
        self.sliding_window = sliding_window
        self._flash_attention = flash_attention
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)
        self.bias_constraint = constraints.get(bias_constraint)
        # of the projections' outputs, not of this layer's own
        self._projections_regularizer = regularizers.get(activity_regularizer)

    def _projection(
        self, name: str, free: int, summed: int, made: tuple[int | None, ...], activation: Any = None
    ) -> EinsumDense:
        """A layer that turns the last `summed` axes of an input with `free` others into axes of the lengths `made`."""
        kept, old = _LETTERS[:free], _LETTERS[free : free + summed]
        new = _LETTERS[free + summed : free + summed + len(made)]
        return self._einsum(name, f"{kept}{old},{old}{new}->{kept}{new}", (None,) * (free - 1) + made, new, activation)

    def _einsum(
        self, name: str, equation: str, output_shape: tuple[int | None, ...], bias_axes: str, activation: Any = None
    ) -> EinsumDense:
        return EinsumDense(
            equation,
            output_shape=output_shape,
            bias_axes=bias_axes if self.use_bias else None,
            activation=activation,
            name=name,
            # each projection draws from an initializer of its own
            kernel_initializer=_another(self.kernel_initializer),
            bias_initializer=_another(self.bias_initializer),
            kernel_regularizer=self.kernel_regularizer,
            bias_regularizer=self.bias_regularizer,
            activity_regularizer=self._projections_regularizer,
            kernel_constraint=self.kernel_constraint,
            bias_constraint=self.bias_constraint,
            dtype=self.dtype_policy,
        )

    def _refuse_scores_of_flash(self, return_attention_scores: bool) -> None:
        if self._flash_attention and return_attention_scores:
            raise ArgumentError(
                "Returning attention scores is not supported when flash attention is enabled. Please disable flash "
                "attention to access attention scores."
            )

    def _weights_config(self) -> dict[str, Any]:
        """The settings of the projections, in Keras's order."""
        return {
            "kernel_initializer": initializers.serialize(self.kernel_initializer),
            "bias_initializer": initializers.serialize(self.bias_initializer),
            "kernel_regularizer": regularizers.serialize(self.kernel_regularizer),
            "bias_regularizer": regularizers.serialize(self.bias_regularizer),
            "activity_regularizer": regularizers.serialize(self._projections_regularizer),
            "kernel_constraint": constraints.serialize(self.kernel_constraint),
            "bias_constraint": constraints.serialize(self.bias_constraint),
            "seed": self.seed,
        }


def _another(initializer: Any) -> Any:
    return type(initializer).from_config(initializer.get_config())


def _is_int(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
