"""MultiHeadAttention: several attentions side by side, each with projections of its own."""

from __future__ import annotations

import math
from typing import Any

from neurona import ops
from neurona.errors import ArgumentError, ShapeError
from neurona.layers.activations import Softmax
from neurona.layers.attention import seen
from neurona.layers.attention.projecting import Projecting
from neurona.layers.regularization import Dropout
from neurona.registry import export
from neurona.symbolic import KerasTensor, Shape
from neurona.tensor import Tensor

__all__ = ["MultiHeadAttention"]

_LETTERS = "abcdefghijklmnopqrstuvwxyz"


@export("keras.layers")
class MultiHeadAttention(Projecting):
    """Each head looks the values up in its own way; a last projection mixes what they found.

    head_i = softmax(q_i k_i' / sqrt(key_dim)) v_i;    y = [head_1, head_2, ...] W + b

    Here q_i, k_i and v_i are the head's own projections of query, key and value.

    Args:
        num_heads: how many heads.
        key_dim: the length of a head's queries and keys.
        value_dim: the length of a head's values; `key_dim` by default.
        dropout: the share of attention weights to drop while training.
        use_bias: whether the projections have a bias.
        output_shape: the output's axes behind the queries'; the query's last axis by default.
        attention_axes: the axes to attend over; all but batch and features by default.
        sliding_window: a query sees only keys less than this many places away.
        flash_attention: accepted; scores are never kept as a whole where they need not be.
        kernel_initializer, bias_initializer: how the projections' weights begin.
        kernel_regularizer, bias_regularizer, activity_regularizer: penalties of each projection.
        kernel_constraint, bias_constraint: applied after each update.
        use_gate: multiply what the heads found by a sigmoid of the query (Qiu et al., 2025).
        seed: an integer makes the dropout repeatable.

    Call arguments:
        query: shape (N, T, C).
        value: shape (N, S, D).
        key: shape (N, S, E); `value` by default.
        query_mask: without effect, as in Keras: what counts is the mask that `query` carries.
        value_mask, key_mask: shape (N, S), the masks that `value` and `key` carry by default.
        attention_mask: shape (N, T, S) or broadcastable; true where a query may see a key.
        return_attention_scores: also return the weights, shape (N, num_heads, T, S).
        use_causal_mask: query t sees the keys 0 to t only.

    The masks that query, value and key carry are used up: afterwards these tensors carry none, and the output carries
    the query's, as in Keras.

    Returns:
        shape (N, T, C); or with `output_shape` ``(N, T, *output_shape)``.

    Raises:
        ArgumentError: a setting that is no positive integer, or dropout or scores together with flash attention.
        ShapeError: `value` and `key` have different lengths; an input has fewer than three axes.

    >>> layer = MultiHeadAttention(num_heads=2, key_dim=3)
    >>> layer(Tensor([[[1.0, 2.0], [3.0, 4.0]]]), Tensor([[[1.0, 1.0]]])).shape
    (1, 2, 2)

    Source: Vaswani et al., "Attention Is All You Need" (2017), section 3.2.2.
    """

    def __init__(
        self,
        num_heads: int,
        key_dim: int,
        value_dim: int | None = None,
        dropout: float = 0.0,
        use_bias: bool = True,
        output_shape: Any = None,
        attention_axes: Any = None,
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
        for name, value in (("num_heads", num_heads), ("key_dim", key_dim), ("value_dim", value_dim)):
            if not (isinstance(value, int) and value > 0) and not (value is None and name == "value_dim"):
                raise ArgumentError(
                    f"Received an invalid value for argument `{name}`, expected a positive integer"
                    f"{' or `None`' if name == 'value_dim' else ''}. Received: {name}={value}"
                )
        super().__init__(
            dropout, use_bias, use_gate, sliding_window, flash_attention, kernel_initializer, bias_initializer,
            kernel_regularizer, bias_regularizer, activity_regularizer, kernel_constraint, bias_constraint, seed, **kwargs,
        )  # fmt: skip
        self.num_heads, self.key_dim, self.value_dim = num_heads, key_dim, value_dim or key_dim
        self._output_shape = _as_lengths(output_shape)
        self.attention_axes = _as_axes(attention_axes)

    def build(  # the names under which Keras stores the shapes
        self, query_shape: Shape, value_shape: Shape | None = None, key_shape: Shape | None = None
    ) -> None:
        if value_shape is None:
            raise ArgumentError(
                f"{type(self).__name__} needs `query` and `value`. Received: only `query`. "
                "For a sequence that attends to itself, give it twice: layer(x, x)."
            )
        key_shape = value_shape if key_shape is None else key_shape
        _check_axes(query=query_shape, value=value_shape, key=key_shape)
        _check_lengths(value_shape, key_shape)
        keys, values = (self.num_heads, self.key_dim), (self.num_heads, self.value_dim)
        self.query_dense = self._projection("query", len(query_shape) - 1, 1, keys)
        self.query_dense.build(query_shape)
        self.key_dense = self._projection("key", len(key_shape) - 1, 1, keys)
        self.key_dense.build(key_shape)
        if self.use_gate:
            self._gate_dense = self._projection("gate", len(query_shape) - 1, 1, values, activation="sigmoid")
            self._gate_dense.build(query_shape)
        self.value_dense = self._projection("value", len(value_shape) - 1, 1, values)
        self.value_dense.build(value_shape)
        self._choose_axes(len(value_shape) + 1)
        made = self._output_shape or (query_shape[-1],)
        self.output_dense = self._projection("attention_output", len(query_shape) - 1, 2, made)
        self.output_dense.build((*query_shape[:-1], self.num_heads, self.value_dim))

    # the names that Keras gives the projections in its own code
    _query_dense = property(lambda self: self.query_dense)
    _key_dense = property(lambda self: self.key_dense)
    _value_dense = property(lambda self: self.value_dense)
    _output_dense = property(lambda self: self.output_dense)

    def _choose_axes(self, rank: int) -> None:
        """The equations for projections of `rank` axes: batch, places, heads and numbers."""
        axes = tuple(range(1, rank - 2)) if self.attention_axes is None else self.attention_axes
        self.attention_axes = axes = tuple(axis if axis >= 0 else rank - 1 + axis for axis in axes)
        query = _LETTERS[:rank]
        others = iter(_LETTERS[rank:])
        key = "".join(next(others) if axis in axes else query[axis] for axis in range(rank))
        batch = "".join(query[axis] for axis in range(rank - 1) if axis not in axes)
        scores = batch + "".join(query[axis] for axis in axes) + "".join(key[axis] for axis in axes)
        self._dot_product_equation = f"{key},{query}->{scores}"
        self._combine_equation = f"{scores},{key}->{query}"
        self._softmax = Softmax(axis=tuple(range(len(scores) - len(axes), len(scores))), dtype=self.dtype_policy)
        self._dropout_layer = Dropout(self.dropout, seed=self.seed, dtype=self.dtype_policy)

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
        query_mask = query._keras_mask
        for tensor in (query, value, key):  # the masks are used here; the projections would complain of them
            tensor._keras_mask = None
        alone = use_causal_mask and self.sliding_window is None
        alone = alone and all(mask is None for mask in (query_mask, value_mask, key_mask, attention_mask))
        if alone and type(self)._compute_attention is MultiHeadAttention._compute_attention:
            extra = {"use_causal_mask": True}  # needs no mask of T x S bools
        else:
            extra = {}
            attention_mask = seen.together(
                query_mask, value_mask, key_mask, attention_mask, query.shape[1], value.shape[1],
                use_causal_mask, self.sliding_window,
            )  # fmt: skip
        gate = self._gate_dense(query) if self.use_gate else None
        found, scores = self._compute_attention(
            self.query_dense(query), self.key_dense(key), self.value_dense(value),
            attention_mask, training, return_attention_scores, **extra,
        )  # fmt: skip
        y: Tensor = self.output_dense(found if gate is None else ops.multiply(found, gate))
        if query_mask is not None:
            y._keras_mask = query_mask
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
        """Attend between the projections (N, T, heads, key_dim), (N, S, ...): the mixed values, and the weights."""
        self._refuse_scores_of_flash(return_attention_scores)
        scale = 1 / math.sqrt(self.key_dim)
        if query.ndim == 4 and not self.dropout and not return_attention_scores:
            mask = (
                None
                if attention_mask is None
                else seen.with_head_axes(attention_mask, 4, len(self.attention_axes or ()))
            )
            found = ops.dot_product_attention(
                query, key, value, mask=mask, scale=scale, is_causal=use_causal_mask,
                flash_attention=self._flash_attention,
            )  # fmt: skip
            return found, None
        if use_causal_mask:
            past = seen.causal(query.shape[1], value.shape[1])
            attention_mask = past if attention_mask is None else ops.logical_and(attention_mask, past)
        scores = ops.einsum(self._dot_product_equation, key, ops.multiply(query, scale))
        if attention_mask is not None:
            attention_mask = seen.with_head_axes(attention_mask, scores.ndim, len(self.attention_axes or ()))
        scores = self._softmax(scores, mask=attention_mask)
        kept = self._dropout_layer(scores, training=training) if self.dropout else scores
        return ops.einsum(self._combine_equation, kept, value), scores

    def compute_output_shape(self, query_shape: Shape, value_shape: Shape, key_shape: Shape | None = None) -> Shape:
        _check_lengths(value_shape, value_shape if key_shape is None else key_shape)
        return (*query_shape[:-1], *(self._output_shape or query_shape[-1:]))

    def compute_output_spec(
        self, query: Any, value: Any, key: Any = None, *args: Any, return_attention_scores: bool = False, **kwargs: Any
    ) -> Any:
        key_shape = None if key is None else key.shape
        y = KerasTensor(self.compute_output_shape(query.shape, value.shape, key_shape), self.compute_dtype)
        if not return_attention_scores:
            return y
        shape = (query.shape[0], self.num_heads, query.shape[1], value.shape[1])
        return y, KerasTensor(shape, self.compute_dtype)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "num_heads": self.num_heads,
            "key_dim": self.key_dim,
            "value_dim": self.value_dim,
            "dropout": self.dropout,
            "use_bias": self.use_bias,
            "use_gate": self.use_gate,
            "output_shape": self._output_shape,
            "attention_axes": self.attention_axes,
            "sliding_window": self.sliding_window,
            **self._weights_config(),
        }


def _as_lengths(output_shape: Any) -> tuple[int, ...] | None:
    if not output_shape:
        return None
    if isinstance(output_shape, int):
        return (output_shape,)
    if not isinstance(output_shape, (list, tuple)):
        raise ArgumentError(
            "Invalid `output_shape`: when specified, it should be of type tuple, list, or int. "
            f"Received: output_shape={output_shape}"
        )
    return tuple(output_shape)


def _as_axes(attention_axes: Any) -> tuple[int, ...] | None:
    if isinstance(attention_axes, int):
        return (attention_axes,)
    if attention_axes is not None and not isinstance(attention_axes, (list, tuple)):
        raise ArgumentError(
            f"`attention_axes` must be an int, list, or tuple. Received: attention_axes={attention_axes}"
        )
    return None if attention_axes is None else tuple(attention_axes)


def _check_axes(**shapes: Shape) -> None:
    for name, shape in shapes.items():
        if len(shape) < 3:  # the axis of places would be the batch's, and samples would see each other
            raise ShapeError(
                f"Expected `{name}` of at least 3 axes, (batch, places, features). Received: {name}_shape={shape}"
            )


def _check_lengths(value_shape: Shape, key_shape: Shape) -> None:
    if tuple(value_shape[1:-1]) != tuple(key_shape[1:-1]):
        raise ShapeError(
            "All dimensions of `value` and `key`, except the last one, must be equal. Received: "
            f"value_shape={value_shape} and key_shape={key_shape}"
        )
