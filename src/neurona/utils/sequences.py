"""Lists of different lengths as one array."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from neurona.datasets.tokens import Tokens
from neurona.errors import ArgumentError
from neurona.tensor import Array

__all__ = ["pad_sequences"]


def pad_sequences(
    sequences: Any,
    maxlen: int | None = None,
    dtype: npt.DTypeLike = "int32",
    padding: str = "pre",
    truncating: str = "pre",
    value: Any = 0.0,
) -> Array:
    """Sequences cut or filled up to one length.

    An LSTM reads the padding too unless it is masked: after "post" padding it forgets what it read before (see
    `layers.Embedding` with ``mask_zero=True``).

    Args:
        sequences: N lists or arrays, each of shape (length, ...).
        maxlen: the length of the result; by default that of the longest.
        dtype: of the result; `object` for texts of different lengths.
        padding: where what is missing is filled in: "pre" (in front) or "post" (behind).
        truncating: where what is too much is cut off.
        value: what fills up.

    Returns:
        array of shape (N, maxlen, ...).

    Raises:
        ArgumentError: the sequences are none, differ in more than their length, or an argument is unknown.

    >>> pad_sequences([[1], [2, 3], [4, 5, 6]]).tolist()
    [[0, 0, 1], [0, 2, 3], [4, 5, 6]]
    >>> pad_sequences([[1], [2, 3], [4, 5, 6]], maxlen=2, padding="post", truncating="post", value=-1).tolist()
    [[1, -1], [2, 3], [4, 5]]
    """
    if not hasattr(sequences, "__len__"):
        raise ArgumentError(f"`sequences` must be iterable. Received: {type(sequences).__name__}.")
    kind = np.dtype(dtype)
    if isinstance(value, str) and kind.kind not in "OUS":
        raise ArgumentError(
            f"`dtype` {dtype} is not compatible with `value`'s type: {type(value)}\n"
            "You should set `dtype=object` for variable length strings."
        )
    lengths, shape = _measured(sequences)
    width = int(lengths.max(initial=0)) if maxlen is None else int(maxlen)
    padded = np.full((len(lengths), width, *shape), value, dtype)
    for name, given in (("Truncating", truncating), ("Padding", padding)):
        if given not in ("pre", "post"):
            raise ArgumentError(f'{name} type "{given}" not understood. Use "pre" or "post".')
    if not width or not lengths.any():
        return padded
    if isinstance(sequences, Tokens):
        _place_tokens(padded, sequences, lengths, padding, truncating)
        return padded
    for row, sequence in zip(padded, sequences, strict=True):
        length = len(sequence)
        if not length:
            continue
        part = np.asarray(sequence[-width:] if truncating == "pre" else sequence[:width], dtype)
        if part.shape[1:] != shape:
            raise ArgumentError(
                f"Expected every entry to have the shape {shape} of the first. Received: {part.shape[1:]}."
            )
        if padding == "post":
            row[: len(part)] = part
        else:
            row[width - len(part) :] = part
    return padded


def _measured(sequences: Any) -> tuple[Array, tuple[int, ...]]:
    """The lengths of the sequences, and the shape of an entry."""
    if isinstance(sequences, Tokens):
        return sequences.lengths, ()
    try:
        lengths = np.array([len(sequence) for sequence in sequences], np.int64)
    except TypeError:
        alone = next(item for item in sequences if not hasattr(item, "__len__"))
        raise ArgumentError(f"`sequences` must be a list of iterables. Found non-iterable: {alone!s}") from None
    first = next((sequence for sequence in sequences if len(sequence)), None)
    return lengths, () if first is None else np.asarray(first).shape[1:]


def _place_tokens(padded: Array, tokens: Tokens, lengths: Array, padding: str, truncating: str) -> None:
    """The same for a whole data set at once: where each number stands, and where it comes from."""
    width = padded.shape[1]
    kept = np.minimum(lengths, width)
    source = np.arange(width)[None, :] + (tokens.offsets[:-1] + (lengths - kept if truncating == "pre" else 0))[:, None]
    places = np.arange(width)[None, :] < kept[:, None]
    if padding == "post":
        padded[places] = tokens.flat[source[places]]
    else:
        padded[places[:, ::-1]] = tokens.flat[source[places]]
