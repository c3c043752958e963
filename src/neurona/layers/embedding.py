"""Embedding: a vector for each word, or whatever else has a number."""

from __future__ import annotations

from typing import Any

from neurona import ops
from neurona.errors import ArgumentError
from neurona.layers.lora import LowRank
from neurona.ops import fused
from neurona.parts import constraints, initializers, regularizers
from neurona.registry import export
from neurona.symbolic import Shape
from neurona.tensor import Tensor
from neurona.variable import Variable
from neurona.warn import warn_caller

__all__ = ["Embedding"]


@export("keras.layers")
class Embedding(LowRank):
    """Turn numbers of words into vectors that are learned: y[n, t] = table[x[n, t]].

    Input: integers from 0 to input_dim - 1 of any shape, usually ``(N, T)``; output: that shape and output_dim. The table
    is the weight "embeddings", shape ``(input_dim, output_dim)``.

    Training moves every row, as in Keras: one that the batch did not use by what is left of its momentum. For very large
    tables `neurona.config.set_sparse_updates` tells how to move only those rows that a batch used.

    Args:
        input_dim: how many words there are, counting 0.
        output_dim: how many numbers stand for each.
        embeddings_initializer: how the table begins.
        embeddings_regularizer: a penalty on the table, added to the loss; it reaches every row.
        embeddings_constraint: applied to the table after each update.
        mask_zero: 0 is no word but padding: the layers behind pass over it. Other words then begin at 1.
        weights: the table to begin with, shape (input_dim, output_dim), instead of the initializer.

    Raises:
        ArgumentError: input_dim or output_dim that is no positive integer; a call with a number outside the table.

    Example:
        >>> import numpy as np
        >>> layer = Embedding(3, 2, weights=[[0.0, 0.0], [1.0, 2.0], [3.0, 4.0]], mask_zero=True)
        >>> layer(np.array([[2, 1, 0]]))
        Tensor([[[3., 4.],
                 [1., 2.],
                 [0., 0.]]], dtype=float32)
        >>> layer.compute_mask(np.array([[2, 1, 0]]))
        Tensor([[ True,  True, False]], dtype=bool)

    Source: Bengio et al., "A Neural Probabilistic Language Model" (2003), section 2.
    """

    _adapted = "embeddings"

    def __init__(
        self,
        input_dim: int,
        output_dim: int,
        embeddings_initializer: Any = "uniform",
        embeddings_regularizer: Any = None,
        embeddings_constraint: Any = None,
        mask_zero: bool = False,
        weights: Any = None,
        lora_rank: int | None = None,
        lora_alpha: int | None = None,
        quantization_config: Any = None,
        **kwargs: Any,
    ) -> None:
        for name, value in (("input_dim", input_dim), ("output_dim", output_dim)):
            if not isinstance(value, int) or isinstance(value, bool) or value <= 0:
                raise ArgumentError(
                    f"`{name}` must be a positive integer. Received: {name}={value} (of type {type(value).__name__})."
                )
        if quantization_config is not None:
            raise ArgumentError("Embedding does not support quantization. Leave out quantization_config.")
        if kwargs.pop("input_length", None) is not None:
            warn_caller("Argument `input_length` is deprecated. Just remove it.")
        super().__init__(**kwargs)
        self.input_dim, self.output_dim = input_dim, output_dim
        self.lora_rank, self.lora_alpha = lora_rank, lora_rank if lora_alpha is None else lora_alpha
        self.embeddings_initializer = initializers.get(embeddings_initializer)
        self.embeddings_regularizer = regularizers.get(embeddings_regularizer)
        self.embeddings_constraint = constraints.get(embeddings_constraint)
        self.mask_zero = self.supports_masking = mask_zero
        self.autocast = False  # a word's number is no quantity: it must not lose digits
        if weights is not None:
            self.build()
            self.set_weights(weights if isinstance(weights, list) and len(weights) == 1 else [weights])

    def build(self, input_shape: Shape | None = None) -> None:
        if self.built:
            return
        self.embeddings: Variable = self.add_weight(
            (self.input_dim, self.output_dim), self.embeddings_initializer, name="embeddings",
            regularizer=self.embeddings_regularizer, constraint=self.embeddings_constraint,
        )  # fmt: skip
        self._enable_as_told()

    def call(self, inputs: Tensor) -> Tensor:
        ids = inputs if inputs.dtype.kind in "iu" else ops.cast(inputs, "int32")
        y: Tensor = fused.embedding(ids, self._merged())  # (N, T) in (V, D) -> (N, T, D)
        return y if y.dtype == self.compute_dtype else ops.cast(y, self.compute_dtype)

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        return ops.not_equal(inputs, 0) if self.mask_zero else None

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return (*input_shape, self.output_dim)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "input_dim": self.input_dim,
            "output_dim": self.output_dim,
            "embeddings_initializer": initializers.serialize(self.embeddings_initializer),
            "embeddings_regularizer": regularizers.serialize(self.embeddings_regularizer),
            "activity_regularizer": regularizers.serialize(self.activity_regularizer),
            "embeddings_constraint": constraints.serialize(self.embeddings_constraint),
            "mask_zero": self.mask_zero,
            "quantization_config": None,
            **self._lora_config(),
        }
