"""GroupQueryAttention: many heads of queries, few of keys and values, each shared by a group of them."""

from __future__ import annotations

import math
from typing import Any

from neurona import ops
from neurona.errors import ArgumentError, ShapeError
from neurona.layers.activations import Softmax
from neurona.layers.attention import seen
from neurona.layers.attention.projecting import Projecting
from neurona.layers.regularization import Dropout
from neurona.names import auto_name
from neurona.registry import export
from neurona.symbolic import KerasTensor, Shape
from neurona.tensor import Tensor

__all__ = ["GroupQueryAttention"]


@export("keras.layers")
class GroupQueryAttention(Projecting):
    """A `MultiHeadAttention` whose heads of queries share fewer heads of keys and values.

    With one head of keys it is multi-query attention, with as many as of queries multi-head attention. What a model
    must remember of a text is the keys and values; the fewer heads they have, the less.

    Args:
        head_dim: the length of a head's queries, keys and values.
        num_query_heads: how many heads of queries.
        num_key_value_heads: how many heads of keys and values; `num_query_heads` must be a multiple.
        dropout: the share of attention weights to drop while training.
        use_bias: whether the projections have a bias.
        sliding_window: a query sees only keys less than this many places away.
        flash_attention: accepted; scores are never kept as a whole where they need not be.
        kernel_initializer, bias_initializer: how the projections' weights begin.
        kernel_regularizer, bias_regularizer, activity_regularizer: penalties of each projection.
        kernel_constraint, bias_constraint: applied after each update.
        use_gate: multiply what the heads found by a sigmoid of the query.
        seed: an integer makes the dropout repeatable.

    Call arguments:
        query: shape (N, T, C).
        value: shape (N, S, C).
        key: shape (N, S, E); `value` by default.
        query_mask, value_mask, key_mask: shapes (N, T) and (N, S); the masks that the three carry by default.
        attention_mask: shape (N, T, S) or broadcastable; true where a query may see a key.
        return_attention_scores: also return the weights, shape (N, num_query_heads, T, S).
        use_causal_mask: query t sees the keys 0 to t only.

    Returns:
        shape (N, T, C).

    Raises:
        ArgumentError: the heads do not divide, or dropout or scores together with flash attention.
        ShapeError: query and value differ in their last axis, or value and key in their lengths.

    >>> layer = GroupQueryAttention(head_dim=3, num_query_heads=4, num_key_value_heads=2)
    >>> layer(Tensor([[[1.0, 2.0], [3.0, 4.0]]]), Tensor([[[1.0, 1.0]]])).shape
    (1, 2, 2)

    Source: Ainslie et al., "GQA: Training Generalized Multi-Query Transformer Models" (2023).
    """

    _name_in_files = "GroupedQueryAttention"  # what Keras calls the class within

    def __init__(
        self,
        head_dim: int,
        num_query_heads: int,
        num_key_value_heads: int,
        dropout: float = 0.0,
        use_bias: bool = True,
        sliding_window: int | None = None,
        flash_attention: bool | None = None,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        use_gate: bool = False,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        if kwargs.get("name") is None:
            kwargs["name"] = auto_name("GroupedQueryAttention")  # what Keras calls its class
        super().__init__(
            dropout, use_bias, use_gate, sliding_window, flash_attention, kernel_initializer, bias_initializer,
            kernel_regularizer, bias_regularizer, activity_regularizer, kernel_constraint, bias_constraint, seed, **kwargs,
        )  # fmt: skip
        if num_key_value_heads <= 0 or num_query_heads <= 0 or num_query_heads % num_key_value_heads:
            raise ArgumentError(
                "`num_query_heads` must be divisible by `num_key_value_heads`, and both positive. Received: "
                f"num_query_heads={num_query_heads}, num_key_value_heads={num_key_value_heads}"
            )
        self.head_dim, self.num_query_heads, self.num_key_value_heads = head_dim, num_query_heads, num_key_value_heads
        self.num_repeats = num_query_heads // num_key_value_heads

    def build(  # type: ignore[override] # the names under which Keras stores the shapes
        self, query_shape: Shape, value_shape: Shape, key_shape: Shape | None = None
    ) -> None:
        key_shape = value_shape if key_shape is None else key_shape
        queries, keys = (self.num_query_heads, self.head_dim), (self.num_key_value_heads, self.head_dim)
        self.feature_dim = query_shape[-1]
        self._query_dense = self._einsum("query", "bqm,muh->bquh", (None, *queries), "uh")
        self._query_dense.build(query_shape)
        self._key_dense = self._einsum("key", "bkm,mvh->bkvh", (None, *keys), "vh")
        self._key_dense.build(key_shape)
        if self.use_gate:
            self._gate_dense = self._einsum("gate", "bqm,muh->bquh", (None, *queries), "uh", activation="sigmoid")
            self._gate_dense.build(query_shape)
        self._value_dense = self._einsum("value", "bkm,mvh->bkvh", (None, *keys), "vh")
        self._value_dense.build(value_shape)
        self._softmax = Softmax(axis=-1, dtype=self.dtype_policy)
        self._dropout_layer = Dropout(self.dropout, seed=self.seed, dtype=self.dtype_policy)
        self._output_dense = self._einsum("attention_output", "bquh,uhm->bqm", (None, self.feature_dim), "m")
        self._output_dense.build((None, None, *queries))

    def call(
        self,
        query: Tensor,
        value: Tensor,
        key: Tensor | None = None,
        query_mask: Any = None,
        value_mask: Any = None,
        key_mask: Any = None,
        attention_mask: Any = None,
        return_attention_scores: bool = False,
        training: bool | None = None,
        use_causal_mask: bool = False,
    ) -> Any:
        key = value if key is None else key
        carried = [(tensor, tensor._keras_mask) for tensor in {id(t): t for t in (query, value, key)}.values()]
        for tensor, _ in carried:  # the masks are used here; the projections would complain of them
            tensor._keras_mask = None
        alone = use_causal_mask and self.sliding_window is None
        alone = alone and all(mask is None for mask in (query_mask, value_mask, key_mask, attention_mask))
        if not alone:
            attention_mask = seen.together(
                query_mask, value_mask, key_mask, attention_mask, query.shape[1], value.shape[1],
                use_causal_mask, self.sliding_window,
            )  # fmt: skip
        gate = self._gate_dense(query) if self.use_gate else None
        found, scores = self._compute_attention(
            self._query_dense(query), self._key_dense(key), self._value_dense(value),
            attention_mask, training, return_attention_scores, use_causal_mask=alone,
        )  # fmt: skip
        y: Tensor = self._output_dense(found if gate is None else ops.multiply(found, gate))
        for tensor, mask in carried:
            tensor._keras_mask = mask
        return (y, scores) if return_attention_scores else y

    def _compute_attention(
        self,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        attention_mask: Any = None,
        training: bool | None = None,
        return_attention_scores: bool = False,
        use_causal_mask: bool = False,
    ) -> tuple[Tensor, Tensor | None]:
        """Attend between the projections; keys and values have a head for each group of queries' heads."""
        self._refuse_scores_of_flash(return_attention_scores)
        scale = 1 / math.sqrt(self.head_dim)
        if attention_mask is not None:
            attention_mask = seen.with_head_axes(attention_mask, 4)
        if not self.dropout and not return_attention_scores:
            found = ops.dot_product_attention(
                query, key, value, mask=attention_mask, scale=scale, is_causal=use_causal_mask,
                flash_attention=self._flash_attention,
            )  # fmt: skip
            return found, None
        if use_causal_mask:
            past = seen.with_head_axes(seen.causal(query.shape[1], value.shape[1]), 4)
            attention_mask = past if attention_mask is None else ops.logical_and(attention_mask, past)
        key, value = (ops.repeat(t, self.num_repeats, axis=2) if self.num_repeats > 1 else t for t in (key, value))
        scores = ops.einsum("bquh,bkuh->buqk", ops.multiply(query, scale), key)
        scores = self._softmax(scores, mask=attention_mask)
        kept = self._dropout_layer(scores, training=training) if self.dropout else scores
        return ops.einsum("buqk,bkuh->bquh", kept, value), scores

    def compute_output_shape(self, query_shape: Shape, value_shape: Shape, key_shape: Shape | None = None) -> Shape:
        key_shape = value_shape if key_shape is None else key_shape
        if query_shape[-1] != value_shape[-1]:
            raise ShapeError(
                "The last dimension of `query_shape` and `value_shape` must be equal, but are "
                f"{query_shape[-1]}, {value_shape[-1]}. Received: query_shape={query_shape}, value_shape={value_shape}"
            )
        if tuple(value_shape[1:-1]) != tuple(key_shape[1:-1]):
            raise ShapeError(
                "All dimensions of `value` and `key`, except the last one, must be equal. Received: "
                f"value_shape={value_shape} and key_shape={key_shape}"
            )
        return tuple(query_shape)

    def compute_output_spec(
        self, query: Any, value: Any, key: Any = None, *args: Any, return_attention_scores: bool = False, **kwargs: Any
    ) -> Any:
        key_shape = None if key is None else key.shape
        y = KerasTensor(self.compute_output_shape(query.shape, value.shape, key_shape), self.compute_dtype)
        if not return_attention_scores:
            return y
        shape = (query.shape[0], self.num_query_heads, query.shape[1], value.shape[1])
        return y, KerasTensor(shape, self.compute_dtype)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "head_dim": self.head_dim,
            "num_query_heads": self.num_query_heads,
            "num_key_value_heads": self.num_key_value_heads,
            "use_bias": self.use_bias,
            "use_gate": self.use_gate,
            "sliding_window": self.sliding_window,
            "dropout": self.dropout,
            **self._weights_config(),
        }
