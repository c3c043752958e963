"""scaled_attention: every query's mean of the values, weighted by how well their keys fit.

The scores of all queries and keys are T x S numbers a head, far more than goes in and comes out. So they are made for a
few samples (and, where these are long, a few queries) at a time, used while they lie in the cache, and forgotten; the
gradient makes them again instead of having kept them (Dao et al., "FlashAttention", 2022).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from neurona import kernels
from neurona.cases import A, Case, Failure
from neurona.errors import ShapeError
from neurona.tape import op
from neurona.tensor import Array

__all__ = ["scaled_attention"]

_BLOCK = 1 << 18  # scores at a time: a megabyte of float32
# what a score that must not count becomes: far below all others yet finite, so a query without any key is no NaN
_NEVER = -0.7 * 3.38953e38

_Block = tuple[slice, slice, slice]  # samples, queries, keys


def _blocks(n: int, heads: int, t: int, s: int, stop_at_query: bool) -> Iterator[_Block]:
    """Blocks of samples, queries and the keys that these may see, of at most about `_BLOCK` scores."""
    row = max(heads * s, 1)
    queries = max(min(t, _BLOCK // row), 1)
    samples = max(_BLOCK // (row * queries), 1) if queries == t else 1
    for i in range(0, n, samples):
        for j in range(0, t, queries):
            last = min(j + queries, t)
            yield slice(i, i + samples), slice(j, last), slice(0, min(last, s) if stop_at_query else s)


def _heads_first(x: Array, groups: int) -> Array:
    """(N, T, heads, D) seen as (N, heads / groups, groups, T, D)."""
    n, t, heads, d = x.shape
    return x.reshape(n, t, heads // groups, groups, d).transpose(0, 2, 3, 1, 4)


def _fit(extra: Array | None, groups: int) -> Array | None:
    """Something that is broadcast over the scores (N, heads, T, S), with the heads in two axes, as views."""
    if extra is None:
        return None
    four = extra.reshape((1,) * (4 - extra.ndim) + extra.shape)
    n, heads, t, s = four.shape
    split = (1, 1) if heads == 1 else (heads // groups, groups)
    return four.reshape(n, *split, t, s)


def _cut(extra: Array, block: _Block) -> Array:
    """The part of a broadcast array that belongs to a block; axes of length 1 serve every block."""
    samples, queries, keys = block
    n, _, _, t, s = extra.shape
    return extra[
        samples if n > 1 else slice(None), :, :, queries if t > 1 else slice(None), keys if s > 1 else slice(None)
    ]


def _shares(
    q: Array, k: Array, block: _Block, bias: Array | None, mask: Array | None, scale: float, is_causal: bool
) -> tuple[Array, Array | None]:
    """softmax(q k' scale + bias) of one block, and where its scores count (``None``: everywhere)."""
    samples, queries, keys = block
    scores = q[samples, :, :, queries] @ k[samples, :, :, keys].swapaxes(
        -1, -2
    )  # (.., T, D) @ (.., D, S) -> (.., T, S)
    scores *= scores.dtype.type(scale)
    if bias is not None:
        scores += _cut(bias, block)
    counts = None if mask is None else _cut(mask, block)
    if is_causal:
        past = np.arange(keys.stop) <= np.arange(queries.start, queries.stop)[:, None]
        counts = past if counts is None else counts & past
    if counts is not None:
        np.copyto(scores, scores.dtype.type(_NEVER), where=~counts)
    if keys.stop:
        scores -= scores.max(axis=-1, keepdims=True)  # exp overflows float32 above 88
    np.exp(scores, out=scores)
    scores /= scores.sum(axis=-1, keepdims=True)
    return scores, counts


def _check(query: Array, key: Array, value: Array, bias: Array | None, mask: Array | None) -> None:
    told = f"Received: query {query.shape}, key {key.shape}, value {value.shape}"
    if not query.ndim == key.ndim == value.ndim == 4:
        raise ShapeError(f"Attention expected query, key and value of 4 axes (N, T, heads, D). {told}.")
    if query.shape[3] != key.shape[3]:
        raise ShapeError(f"Attention expected queries and keys of the same length D. {told}.")
    if key.shape[:3] != value.shape[:3] or query.shape[0] != key.shape[0]:
        raise ShapeError(f"Attention expected a value for each key, and as many samples of all. {told}.")
    if query.shape[2] % key.shape[2] if key.shape[2] else query.shape[2]:
        raise ShapeError(f"Attention expected a multiple of the keys' heads as the queries' heads. {told}.")
    scores = (query.shape[0], query.shape[2], query.shape[1], key.shape[1])
    for name, extra in (("bias", bias), ("mask", mask)):
        if extra is None:
            continue
        pairs = zip(reversed(extra.shape), reversed(scores), strict=False)
        if extra.ndim > 4 or any(mine not in (1, length) for mine, length in pairs):
            raise ShapeError(
                f"The {name} of an attention must be broadcastable to its scores (N, heads, T, S) = {scores}. "
                f"Received: shape {extra.shape}."
            )


def _ready(query: Array, key: Array, value: Array) -> tuple[Array, Array, Array, int]:
    """The three with their heads in front, in at least float32, and how many queries share a head of keys."""
    groups = query.shape[2] // key.shape[2] if key.shape[2] else 1  # without heads nothing is computed
    kind = np.result_type(query.dtype, np.float32)
    views = (_heads_first(x.astype(kind, copy=False), g) for x, g in ((query, groups), (key, 1), (value, 1)))
    q, k, v = views
    return q, k, v, groups


@op(
    cases=[
        Case("N T 2 D", "N S 2 D", "N S 2 F", None, None, scale=0.5),
        Case("N T 2 D", "N S 2 D", "N S 2 D", None, A("N 1 T S", kind="bool")),
        Case("N T 4 D", "N S 2 D", "N S 2 D", "N 4 T S", A("T S", kind="bool"), scale=0.7),
        Case("N T 2 D", "N S 1 D", "N S 1 F", "2 1 S", None, is_causal=True),
        Case("N T 2 D", "N T 2 D", "N T 2 D", None, A("N 2 1 T", kind="bool"), is_causal=True),
    ],
    errors=[
        Failure("2 3 4", "2 3 4", "2 3 4", None, None, match="of 4 axes"),
        Failure("2 3 1 4", "2 3 1 5", "2 3 1 5", None, None, match="of the same length D"),
        Failure("2 3 1 4", "2 3 1 4", "2 2 1 4", None, None, match="a value for each key"),
        Failure("2 3 3 4", "2 3 2 4", "2 3 2 4", None, None, match="a multiple of the keys' heads"),
        Failure("2 3 1 4", "2 3 1 4", "2 3 1 4", None, A("5 3", kind="bool"), match="mask of an attention must be"),
    ],
)
def scaled_attention(
    query: Array,
    key: Array,
    value: Array,
    bias: Array | None = None,
    mask: Array | None = None,
    scale: float = 1.0,
    is_causal: bool = False,
) -> Array:
    """For every query the mean of the values, weighted by the likeness of query and key.

    y = softmax(query key' scale + bias) value

    Scores where the mask is false do not count; a query that may see no key gets the plain mean of the values.

    Args:
        query: shape (N, T, heads, D), floats.
        key: shape (N, S, K, D); heads must be a multiple of K, and so many queries share each head of keys.
        value: shape (N, S, K, F).
        bias: added to the scores; broadcastable to (N, heads, T, S), or None.
        mask: bools, broadcastable to (N, heads, T, S), or None.
        scale: usually 1 / sqrt(D), so that the scores stay near 1.
        is_causal: query t sees the keys 0 to t only.

    Returns:
        shape (N, T, heads, F), of the key's type.

    Raises:
        ShapeError: the shapes do not fit.

    >>> keys, values = [[[[1.0, 0.0]], [[0.0, 1.0]]]], [[[[10.0]], [[20.0]]]]
    >>> scaled_attention([[[[0.0, 0.0]], [[50.0, 0.0]], [[0.0, 50.0]]]], keys, values)
    Tensor([[[[15.]], [[10.]], [[20.]]]], dtype=float32)

    Source: Vaswani et al., "Attention Is All You Need" (2017), section 3.2.1.
    """
    _check(query, key, value, bias, mask)
    q, k, v, groups = _ready(query, key, value)
    bias, mask = _fit(bias, groups), _fit(None if mask is None else mask.astype(bool, copy=False), groups)
    n, t, heads, s = *query.shape[:3], key.shape[1]
    y = np.zeros((n, t, heads, value.shape[3]), q.dtype)
    out = _heads_first(y, groups)
    for block in _blocks(n, heads, t, s, is_causal and mask is None):
        shares, _ = _shares(q, k, block, bias, mask, scale, is_causal)
        np.matmul(shares, v[block[0], :, :, block[2]], out=out[block[0], :, :, block[1]])
    return y.astype(key.dtype, copy=False)


@scaled_attention.gradient
def _(
    g: Array,
    y: Array,
    query: Array,
    key: Array,
    value: Array,
    bias: Array | None,
    mask: Array | None,
    needs: tuple[bool, ...],
    scale: float = 1.0,
    is_causal: bool = False,
) -> tuple[Array | None, ...]:
    q, k, v, groups = _ready(query, key, value)
    wide, mask = _fit(bias, groups), _fit(None if mask is None else mask.astype(bool, copy=False), groups)
    n, t, heads, s = *query.shape[:3], key.shape[1]
    gy = _heads_first(g.astype(q.dtype, copy=False), groups)
    slopes = [np.zeros(x.shape, q.dtype) for x in (query, key, value)]
    dq, dk, dv = (_heads_first(d, many) for d, many in zip(slopes, (groups, 1, 1), strict=True))
    dbias = None if wide is None else np.zeros(wide.shape, q.dtype)
    for block in _blocks(n, heads, t, s, is_causal and mask is None):
        samples, queries, keys = block
        shares, counts = _shares(q, k, block, wide, mask, scale, is_causal)
        rows = gy[samples, :, :, queries]
        dv[samples, :, :, keys] += _over_groups(shares.swapaxes(-1, -2) @ rows)
        dscores = rows @ v[samples, :, :, keys].swapaxes(-1, -2)
        # from the shares, not from y: where one share is nearly 1, only this cancels to the last digit
        dscores -= np.einsum("...s,...s->...", dscores, shares)[..., None]
        dscores *= shares
        if counts is not None:
            np.copyto(dscores, 0, where=~counts)
        if dbias is not None:
            part = _cut(dbias, block)
            lone = tuple(axis for axis, length in enumerate(part.shape) if length == 1)
            part += dscores.sum(axis=lone, keepdims=True)
        dscores *= dscores.dtype.type(scale)
        dq[samples, :, :, queries] = dscores @ k[samples, :, :, keys]
        dk[samples, :, :, keys] += _over_groups(dscores.swapaxes(-1, -2) @ q[samples, :, :, queries])
    last = None if bias is None or dbias is None else dbias.reshape(bias.shape)
    return (*slopes, last, None)


@scaled_attention.fast
def _(
    query: Array,
    key: Array,
    value: Array,
    bias: Array | None = None,
    mask: Array | None = None,
    scale: float = 1.0,
    is_causal: bool = False,
) -> Any:
    if bias is not None:
        return NotImplemented
    return kernels.native.attention(query, key, value, _in_four_axes(mask), scale, is_causal)


@scaled_attention.fast_gradient
def _(
    g: Array,
    y: Array,
    query: Array,
    key: Array,
    value: Array,
    bias: Array | None,
    mask: Array | None,
    needs: tuple[bool, ...],
    scale: float = 1.0,
    is_causal: bool = False,
) -> Any:
    if bias is not None:
        return NotImplemented
    found = kernels.native.attention_backward(
        np.ascontiguousarray(g), query, key, value, _in_four_axes(mask), scale, is_causal
    )
    return found if found is NotImplemented else (*found, None, None)


def _in_four_axes(mask: Array | None) -> Array | None:
    """A mask as bools over (N, heads, T, S); axes that one number serves have length 1."""
    if mask is None or mask.ndim > 4:
        return mask
    return mask.astype(bool, copy=False).reshape((1,) * (4 - mask.ndim) + mask.shape)


def _over_groups(d: Array) -> Array:
    """The sum over the queries' heads that share a head of keys."""
    return d if d.shape[2] == 1 else d.sum(axis=2, keepdims=True)
