"""CategoryEncoding: from category numbers to vectors."""

from __future__ import annotations

from typing import Any

from neurona.cases import A, Case
from neurona.errors import ArgumentError
from neurona.layers.lookup.arguments import refuse_sparse
from neurona.layers.lookup.base import LookupLayer, given_array
from neurona.layers.lookup.encoding import encode, encoded_shape
from neurona.registry import export
from neurona.symbolic import KerasTensor, Shape
from neurona.tape import op
from neurona.tensor import Array, Tensor, wrap

__all__ = ["CategoryEncoding"]


@op(cases=[Case(A("N T", 0, 3, kind="int"), "N T", sizes={"T": 1}, depth=3, dtype="float32")])
def _weighted_count(indices: Array, weights: Array, depth: int, dtype: str) -> Array:
    """For each row how much weight each category number has."""
    return encode(indices, "count", depth, dtype, weights.astype(dtype))


@export("keras.layers")
class CategoryEncoding(LookupLayer):
    """Vectors that stand for category numbers.

    Args:
        num_tokens: how many categories there are; numbers from `num_tokens` on are left out.
        output_mode: "one_hot": a vector for each number (``(..., T)`` to ``(..., T, num_tokens)``, or to
            ``(..., num_tokens)`` where T is 1); "multi_hot": a vector for each row, 1 for the numbers in it; "count": a
            vector for each row, how often each number is in it.
        sparse: must be False.

    Call it with `count_weights`, shaped like its inputs, and mode "count" adds these instead of ones.

    Raises:
        ArgumentError: a setting that cannot be meant, or a negative number in a row that is counted.

    >>> CategoryEncoding(num_tokens=4)([[0, 1], [3, 3]])
    Tensor([[1., 1., 0., 0.],
            [0., 0., 0., 1.]], dtype=float32)
    """

    def __init__(
        self, num_tokens: int | None = None, output_mode: str = "multi_hot", sparse: bool = False, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        output_mode = "multi_hot" if output_mode == "binary" else output_mode
        if output_mode not in ("count", "one_hot", "multi_hot"):
            raise ArgumentError(f"Unknown arg for output_mode: {output_mode}. Known: count, one_hot, multi_hot.")
        if num_tokens is None:
            raise ArgumentError(
                "num_tokens must be set to use this layer. If the number of tokens is not known beforehand, use the "
                "IntegerLookup layer instead."
            )
        if num_tokens < 1:
            raise ArgumentError(f"`num_tokens` must be >= 1. Received: num_tokens={num_tokens}.")
        refuse_sparse(type(self).__name__, sparse)
        self.num_tokens, self.output_mode, self.sparse = num_tokens, output_mode, sparse

    def call(self, inputs: Any, count_weights: Any = None) -> Tensor:
        if count_weights is None:
            return super().call(inputs)
        if self.output_mode != "count":
            raise ArgumentError(
                "`count_weights` is not used when `output_mode` is not `'count'`. "
                f"Received `count_weights={count_weights}`."
            )
        if not isinstance(count_weights, Tensor):
            count_weights = wrap(given_array(count_weights))
        counted: Tensor = _weighted_count(inputs, count_weights, depth=self.num_tokens, dtype=self.compute_dtype)
        return counted

    def _compute(self, inputs: Array) -> Array:
        return encode(inputs, self.output_mode, self.num_tokens, self.compute_dtype)

    def compute_output_shape(self, input_shape: Any) -> Shape:
        return encoded_shape(input_shape, self.output_mode, self.num_tokens)

    def compute_output_spec(self, inputs: Any, count_weights: Any = None) -> KerasTensor:
        return super().compute_output_spec(inputs)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "num_tokens": self.num_tokens, "output_mode": self.output_mode}
