"""Attention without projections: the likeness of query and key is their product (Luong's attention)."""

from __future__ import annotations

from typing import Any

from neurona import ops, random
from neurona.errors import ArgumentError
from neurona.layers.attention import seen
from neurona.layers.base import Layer
from neurona.ops import fused
from neurona.random import SeedGenerator
from neurona.registry import export
from neurona.symbolic import KerasTensor, Shape
from neurona.tensor import Tensor
from neurona.variable import Variable

__all__ = ["Attention"]


@export("keras.layers")
class Attention(Layer):
    """For every query the mean of the values, weighted by the likeness of query and key.

    y = softmax(scores) value;    scores = scale query key'    (or  w sum tanh(scale (query + key))  with "concat")

    Args:
        use_scale: learn the number `scale` (1 at first); without it there is none.
        score_mode: "dot" for the product of query and key, "concat" for the sum of tanh of both together, times a
            learnt number w.
        dropout: the share of attention weights to drop while training.
        seed: an integer makes the dropout repeatable.

    Call arguments:
        inputs: ``[query, value]`` or ``[query, value, key]``; shapes (N, T, D), (N, S, F) and (N, S, D).
        mask: ``[query_mask, value_mask]`` of shapes (N, T) and (N, S): the output is 0 where the first is false, and
            values do not count where the second is false; by default what the inputs carry.
        return_attention_scores: also return the weights, shape (N, T, S).
        use_causal_mask: query t sees the keys 0 to t only.

    Returns:
        shape (N, T, F).

    Raises:
        ArgumentError: another score mode, or inputs or masks that are no such lists.

    >>> query, value = Tensor([[[0.0, 50.0]]]), Tensor([[[9.0, 0.0], [0.0, 9.0]]])
    >>> Attention()([query, value])
    Tensor([[[0., 9.]]], dtype=float32)

    Source: Luong, Pham & Manning, "Effective Approaches to Attention-based Neural Machine Translation" (2015).
    """

    def __init__(
        self,
        use_scale: bool = False,
        score_mode: str = "dot",
        dropout: float = 0.0,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if score_mode not in ("dot", "concat"):
            raise ArgumentError(
                "Invalid value for argument score_mode. Expected one of {'dot', 'concat'}. "
                f"Received: score_mode={score_mode}"
            )
        self.use_scale, self.score_mode, self.dropout, self.seed = use_scale, score_mode, dropout, seed
        if dropout > 0:
            self.seed_generator = SeedGenerator(seed)
        self.scale: Variable | None = None
        self.concat_score_weight: Variable | None = None

    def build(self, input_shape: Any) -> None:
        self._check(input_shape)
        if self.use_scale:
            self.scale = self.add_weight((), "ones", name="scale")
        if self.score_mode == "concat":
            self.concat_score_weight = self.add_weight((), "ones", name="concat_score_weight")

    def _calculate_scores(self, query: Tensor, key: Tensor) -> Tensor:
        """How well each key fits each query: (N, T, D), (N, S, D) -> (N, T, S)."""
        if self.score_mode == "concat":
            both = ops.add(ops.expand_dims(query, -2), ops.expand_dims(key, -3))  # (N, T, S, D)
            if self.scale is not None:
                both = ops.multiply(both, self._number(self.scale))
            scores = ops.multiply(ops.sum(ops.tanh(both), axis=-1), self._number(self.concat_score_weight))
        else:
            scores = ops.matmul(query, ops.swapaxes(key, -2, -1))
            if self.scale is not None:
                scores = ops.multiply(scores, self._number(self.scale))
        return scores  # type: ignore[no-any-return]

    def _number(self, weight: Any) -> Tensor:
        """A weight in the type that is computed in."""
        number: Tensor = weight if weight.dtype == self.compute_dtype else ops.cast(weight, self.compute_dtype)
        return number

    def _calculate_score_mask(self, scores: Any, v_mask: Any, use_causal_mask: bool) -> Any:
        """Which scores count, as bools that broadcast to them; None if all do."""
        queries, keys = scores.shape[-2:]
        return seen.together(None, v_mask, None, None, queries, keys, use_causal_mask, None)

    def call(
        self,
        inputs: Any,
        mask: Any = None,
        training: bool = False,
        return_attention_scores: bool = False,
        use_causal_mask: bool = False,
    ) -> Any:
        self._check(inputs, mask)
        query, value = inputs[:2]
        key = inputs[2] if len(inputs) > 2 else value
        query_mask, value_mask = mask[:2] if mask else (None, None)
        scores = self._calculate_scores(query, key)
        counts = self._calculate_score_mask(scores, value_mask, use_causal_mask)
        if counts is not None:
            least = 65504.0 if scores.dtype == "float16" else 1e9
            scores = ops.where(counts, scores, ops.subtract(scores, least))
        weights = ops.softmax(scores, axis=-1)
        if training and self.dropout > 0:
            weights = fused.dropout(weights, random.next_keys(self.seed_generator), rate=self.dropout)
        y: Tensor = ops.matmul(weights, value)
        if query_mask is not None:
            y = ops.where(ops.expand_dims(query_mask, -1), y, 0.0)
        return (y, weights) if return_attention_scores else y

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """The query's."""
        self._check(inputs, mask)
        return None if mask is None or mask[0] is None else ops.convert_to_tensor(mask[0])

    def compute_output_shape(self, input_shape: Any) -> Shape:
        return (*input_shape[0][:-1], input_shape[1][-1])

    def compute_output_spec(self, inputs: Any, *args: Any, return_attention_scores: bool = False, **kwargs: Any) -> Any:
        self._check(inputs)
        query, value = inputs[:2]
        y = KerasTensor(self.compute_output_shape([query.shape, value.shape]), self.compute_dtype)
        if not return_attention_scores:
            return y
        return y, KerasTensor((*query.shape[:-1], value.shape[-2]), self.compute_dtype)

    def _check(self, inputs: Any, mask: Any = None) -> None:
        name = type(self).__name__
        if not isinstance(inputs, (list, tuple)) or _is_shape(inputs):
            raise ArgumentError(
                f"{name} layer must be called on a list of inputs, namely [query, value] or [query, value, key]. "
                f"Received: {_told(inputs)}."
            )
        if not 2 <= len(inputs) <= 3:
            raise ArgumentError(
                f"{name} layer accepts inputs list of length 2 or 3, namely [query, value] or [query, value, key]. "
                f"Received length: {len(inputs)}."
            )
        if mask is not None and not isinstance(mask, (list, tuple)):
            raise ArgumentError(
                f"{name} layer mask must be a list, namely [query_mask, value_mask]. Received: mask={mask}."
            )
        if mask is not None and not 2 <= len(mask) <= 3:
            raise ArgumentError(f"{name} layer accepts mask list of length 2 or 3. Received: mask={mask}.")

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "use_scale": self.use_scale,
            "score_mode": self.score_mode,
            "dropout": self.dropout,
            "seed": self.seed,
        }


def _is_shape(inputs: Any) -> bool:
    """Whether it is the shape of one tensor, which a layer is built with that was called on one."""
    return bool(inputs) and all(n is None or isinstance(n, int) for n in inputs)


def _told(inputs: Any) -> str:
    """What arrived, without its numbers."""
    shape = getattr(inputs, "shape", inputs)
    return f"a tensor of shape {tuple(shape)}" if isinstance(shape, (tuple, list)) else f"inputs={inputs}"
