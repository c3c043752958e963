"""AdditiveAttention: the likeness of query and key is a weighted sum of tanh of both together (Bahdanau's)."""

from __future__ import annotations

from typing import Any

from neurona import ops
from neurona.layers.attention.dot_product import Attention
from neurona.registry import export
from neurona.tensor import Tensor

__all__ = ["AdditiveAttention"]


@export("keras.layers")
class AdditiveAttention(Attention):
    """For every query the mean of the values, weighted by the likeness of query and key.

    y = softmax(scores) value;    scores = sum over D of scale tanh(query + key)

    Args:
        use_scale: learn a `scale` for each of the D numbers; 1 otherwise.
        dropout: the share of attention weights to drop while training.
        seed: an integer makes the dropout repeatable.

    Call arguments: those of `Attention`.

    >>> query, value = Tensor([[[9.0, 9.0]]]), Tensor([[[1.0, 0.0], [3.0, 0.0]]])
    >>> AdditiveAttention(use_scale=False)([query, value])
    Tensor([[[2., 0.]]], dtype=float32)

    Source: Bahdanau, Cho & Bengio, "Neural Machine Translation by Jointly Learning to Align and Translate" (2015).
    """

    def __init__(self, use_scale: bool = True, dropout: float = 0.0, **kwargs: Any) -> None:
        super().__init__(use_scale=use_scale, dropout=dropout, **kwargs)

    def build(self, input_shape: Any) -> None:
        self._check(input_shape)
        if self.use_scale:
            self.scale = self.add_weight((input_shape[0][-1],), "glorot_uniform", name="scale")

    def _calculate_scores(self, query: Tensor, key: Tensor) -> Tensor:
        both = ops.tanh(ops.add(ops.expand_dims(query, -2), ops.expand_dims(key, -3)))  # (N, T, S, D)
        if self.scale is None:
            return ops.sum(both, axis=-1)  # type: ignore[no-any-return]
        return ops.matmul(both, self._number(self.scale))  # type: ignore[no-any-return]

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        del config["score_mode"]
        return config
