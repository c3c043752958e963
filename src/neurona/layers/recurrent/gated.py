"""Layers that make their cell themselves: what SimpleRNN, LSTM and GRU add to `RNN`.

They take the cell's settings as their own and show them as their own; a configuration of theirs holds no cell.
"""

from __future__ import annotations

from typing import Any, ClassVar

from neurona.errors import ArgumentError
from neurona.layers.input_spec import InputSpec
from neurona.layers.recurrent.rnn import RNN
from neurona.parts import regularizers
from neurona.symbolic import Shape

__all__ = ["CellLayer", "GatedLayer", "SequenceSpec", "of_cell", "settings_of_cell"]


def of_cell(name: str) -> Any:
    """A property that shows the cell's attribute `name`."""
    return property(lambda layer: getattr(layer.cell, name), doc=f"The cell's `{name}`.")


def settings_of_cell(kwargs: dict[str, Any], name: str) -> dict[str, Any]:
    """What a layer's remaining keywords mean for its cell; the keyword that is for the cell alone is taken out."""
    kwargs.pop("implementation", None)  # Keras's choice between two ways to the same numbers
    return {"dtype": kwargs.get("dtype"), "trainable": kwargs.get("trainable", True), "name": name}


class SequenceSpec(InputSpec):
    """What a layer demands that reads sequences of features, (N, T, D)."""

    missing: ClassVar[str] = (
        "Expected (batch, time, features). Begin with Embedding() if these are word numbers; a single feature needs an "
        "axis of its own: x = x[..., None]."
    )


class CellLayer(RNN):
    """An RNN that is described by its cell's settings."""

    activation = of_cell("activation")
    use_bias: bool = of_cell("use_bias")
    kernel_initializer = of_cell("kernel_initializer")
    recurrent_initializer = of_cell("recurrent_initializer")
    bias_initializer = of_cell("bias_initializer")
    kernel_regularizer = of_cell("kernel_regularizer")
    recurrent_regularizer = of_cell("recurrent_regularizer")
    bias_regularizer = of_cell("bias_regularizer")
    kernel_constraint = of_cell("kernel_constraint")
    recurrent_constraint = of_cell("recurrent_constraint")
    bias_constraint = of_cell("bias_constraint")
    dropout: float = of_cell("dropout")
    recurrent_dropout: float = of_cell("recurrent_dropout")

    def build(self, sequences_shape: Shape, initial_state_shape: Any = None) -> None:
        super().build(sequences_shape, initial_state_shape)
        if len(sequences_shape) == 3:  # from now on another number of features is the input's fault
            self.input_spec = SequenceSpec(ndim=3, axes={-1: sequences_shape[-1]})

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        del config["cell"]
        penalty = regularizers.serialize(self.activity_regularizer)
        return {**config, **self.cell.settings(), "activity_regularizer": penalty}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: dict[str, Any] | None = None) -> Any:
        return cls(**config)


class GatedLayer(CellLayer):
    """What LSTM and GRU share besides."""

    units: int = of_cell("units")
    recurrent_activation = of_cell("recurrent_activation")

    def __init__(self, cell: Any, *args: Any, use_cudnn: Any = "auto", **kwargs: Any) -> None:
        super().__init__(cell, *args, **kwargs)
        if use_cudnn not in ("auto", True, False):
            raise ArgumentError(
                "Invalid value received for argument `use_cudnn`. Expected one of 'auto', True, False. "
                f"Received: use_cudnn={use_cudnn!r}"
            )
        self.use_cudnn = use_cudnn
        self.input_spec = SequenceSpec(ndim=3)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "seed": self.cell.seed}
