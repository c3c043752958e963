"""Which keys each query may see, as masks of bools; true where it may."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from neurona import ops
from neurona.tensor import Tensor, wrap

__all__ = ["causal", "together", "with_head_axes", "within"]


def causal(queries: int, keys: int) -> Tensor:
    """Each query sees the keys up to its own place: shape (1, T, S).

    >>> causal(2, 3)
    Tensor([[[ True, False, False], [ True,  True, False]]], dtype=bool)
    """
    return wrap(np.tri(queries, keys, dtype=bool)[None])


def within(queries: int, keys: int, window: int) -> Tensor:
    """Each query sees the keys less than `window` places away: shape (1, T, S).

    >>> within(1, 3, window=2)
    Tensor([[[ True,  True, False]]], dtype=bool)
    """
    apart = np.abs(np.arange(queries)[:, None] - np.arange(keys))
    return wrap((apart < window)[None])


def together(
    query_mask: Any, value_mask: Any, key_mask: Any, attention_mask: Any, queries: int, keys: int,
    use_causal_mask: bool, window: int | None,
) -> Any:  # fmt: skip
    """Everything that hides keys from queries as one mask (N or 1, T, S), or ``None``.

    Args:
        query_mask: shape (N, T).
        value_mask, key_mask: shape (N, S).
        attention_mask: shape (N, T, S) or broadcastable to it.
        queries, keys: T and S.
        use_causal_mask: whether a query sees only what is not later.
        window: how near a key must be, less than this many places; ``None`` for any.
    """
    parts = [None if attention_mask is None else _as_bool(attention_mask)]
    parts.append(None if query_mask is None else ops.expand_dims(_as_bool(query_mask), -1))
    parts += [None if mask is None else ops.expand_dims(_as_bool(mask), -2) for mask in (value_mask, key_mask)]
    parts.append(causal(queries, keys) if use_causal_mask else None)
    parts.append(None if window is None else within(queries, keys, window))
    told = [part for part in parts if part is not None]
    return functools.reduce(ops.logical_and, told) if told else None


def with_head_axes(mask: Any, rank: int, places: int = 1) -> Any:
    """The mask with axes of length 1 for the heads, in front of its axes of queries and keys.

    Args:
        mask: shape (N, T, S), or with heads already.
        rank: how many axes the scores have.
        places: how many axes queries (and keys) have.
    """
    for _ in range(rank - mask.ndim):
        mask = ops.expand_dims(mask, -2 * places - 1)
    return mask


def _as_bool(mask: Any) -> Any:
    mask = ops.convert_to_tensor(mask)
    return mask if mask.dtype == bool else ops.cast(mask, "bool")
