"""Texts in one buffer: any string comes back, rows are picked as an array picks them, damage is refused."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neurona.datasets import Texts, split
from neurona.datasets.records import Arrays, fingerprint_of
from neurona.datasets.tokens import indexed_texts
from neurona.errors import ArgumentError, DTypeError

ODD = ["", "one\0nul", "\ud800 alone", "שלום", "é", "😀", ""]
any_text = st.text(st.characters(), max_size=8)  # lone surrogates too


@given(st.lists(any_text, max_size=8), st.data())
def test_texts_are_a_sequence_of_strings(texts: list[str], data: st.DataObject) -> None:
    packed = Texts.of(texts)
    assert list(packed) == texts and [packed[i] for i in range(-len(texts), len(texts))] == texts * 2
    assert len(packed) == len(texts) and packed.shape == (len(texts),) and packed.ndim == 1
    cut = data.draw(st.slices(len(texts)))
    assert list(packed[cut]) == texts[cut]
    rows = data.draw(st.lists(st.integers(0, len(texts) - 1), max_size=5)) if texts else []
    assert list(packed[rows]) == [texts[i] for i in rows]
    mask = np.array(data.draw(st.lists(st.booleans(), min_size=len(texts), max_size=len(texts))), bool)
    assert list(packed[mask]) == [text for text, kept in zip(texts, mask, strict=True) if kept]


def test_the_words_of_chosen_rows_follow_them() -> None:
    whole = Texts.of(["b a", "c", "a a a"])
    ready = Texts(whole.buffer, whole.offsets, indexed=lambda: indexed_texts(whole))
    some = ready[[2, 0]][1:]
    assert list(some) == ["b a"] and whole.indexed is None
    assert some.indexed is not None and [some.indexed.words[k] for k in some.indexed.tokens.flat] == ["b", "a"]


def test_odd_texts_and_numpy() -> None:
    packed = Texts.of(ODD)
    array = np.asarray(packed)
    assert array.dtype == object and array.tolist() == ODD
    assert packed == Texts.of(ODD) and packed != Texts.of(ODD[1:]) and packed != ODD
    assert repr(packed) == f"<Texts: 7 texts, {len(packed.buffer)} bytes>"


def test_the_digest_tells_texts_and_their_boundaries_apart() -> None:
    assert Texts.of(["ab", "c"]).digest == Texts.of(["x", "ab", "c"])[1:].digest
    assert Texts.of(["ab", "c"]).digest != Texts.of(["a", "bc"]).digest
    labels = np.zeros(2, np.int64)
    prints = {fingerprint_of(Arrays(Texts.of(x), labels, Texts.of(["t"]), labels)) for x in (["ab", "c"], ["a", "bc"])}
    assert len(prints) == 2


def test_split_keeps_texts() -> None:
    part = split(Texts.of([str(k) for k in range(8)]), np.arange(8) % 2, 0.5)
    assert isinstance(part.x_train, Texts) and sorted([*part.x_train, *part.x_val]) == [str(k) for k in range(8)]
    assert [int(text) % 2 for text in part.x_val] == part.y_val.tolist()


@pytest.mark.parametrize("offsets", [[0, 2], [1, 3], [0, 2, 1, 3], [], [[0, 3]]])
def test_offsets_that_do_not_fit_are_refused(offsets: list[int]) -> None:
    with pytest.raises(ArgumentError, match="rise from 0 to the 3 entries"):
        Texts(np.zeros(3, np.uint8), np.array(offsets, np.int64))


def test_what_is_no_text_or_no_row_is_refused() -> None:
    with pytest.raises(DTypeError, match=r"expects strings\. Received: bytes"):
        Texts.of([b"a"])  # type: ignore[list-item]
    with pytest.raises(DTypeError, match="whole numbers, a slice or a mask"):
        Texts.of(["a"])[[0.5]]  # type: ignore[list-item]
    with pytest.raises(ArgumentError, match="one axis"):
        Texts.of(["a"])[np.zeros((1, 1), int)]
    with pytest.raises(IndexError):
        Texts.of(["a"])[1]
