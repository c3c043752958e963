"""Padding against a plain loop; whole data sets and lists alike; what cannot be padded is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neurona.datasets import Tokens
from neurona.errors import ArgumentError
from neurona.preprocessing.sequence import pad_sequences as older
from neurona.utils import pad_sequences

ends = st.sampled_from(["pre", "post"])


@given(
    st.lists(st.lists(st.integers(-9, 9), max_size=5), max_size=5), st.one_of(st.none(), st.integers(0, 6)), ends, ends
)
def test_lists_and_tokens_equal_a_plain_loop(rows: list[list[int]], maxlen: int | None, padding: str, cut: str) -> None:
    width = max(map(len, rows), default=0) if maxlen is None else maxlen
    expected = []
    for row in rows:
        kept = row[max(len(row) - width, 0) :] if cut == "pre" else row[:width]
        fill = [7] * (width - len(kept))
        expected.append(fill + kept if padding == "pre" else kept + fill)
    for sequences in (rows, Tokens.of(rows), [np.array(row, int) for row in rows]):
        got = pad_sequences(sequences, maxlen, padding=padding, truncating=cut, value=7)
        assert got.dtype == np.int32 and got.shape == (len(rows), width) and got.tolist() == expected


def test_vectors_texts_and_the_older_name() -> None:
    got = older([[[1, 2]], [], [[3, 4], [5, 6]]], dtype="float32")
    assert got.tolist() == [[[0, 0], [1, 2]], [[0, 0], [0, 0]], [[3, 4], [5, 6]]]
    assert pad_sequences([["a"], ["b", "long"]], dtype=object, value="-").tolist() == [["-", "a"], ["b", "long"]]


@pytest.mark.parametrize(
    ("given", "arguments", "message"),
    [
        (5, {}, "must be iterable"),
        ([1, 2], {}, "Found non-iterable: 1"),
        ([[1]], {"padding": "before"}, 'Padding type "before" not understood'),
        ([[1]], {"truncating": "x"}, 'Truncating type "x" not understood'),
        ([[1]], {"value": "x"}, "not compatible with `value`'s type"),
        ([[[1, 2]], [3]], {}, r"shape \(2,\) of the first"),
    ],
)
def test_what_cannot_be_padded(given: Any, arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        pad_sequences(given, **arguments)
