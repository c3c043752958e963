"""Pairs of words: numbers by a plain loop, what is learnt, and the file of a model that knows some."""

from __future__ import annotations

import itertools
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from neurona import layers
from neurona.datasets.tokens import Tokens
from neurona.errors import ArgumentError
from neurona.models import Sequential
from neurona.recognisers.word_pairs import FIRST_PAIR, WordPairs
from neurona.saving import load_model

WORDS = 12
RNG = np.random.default_rng(0)
TEXTS = [RNG.integers(1, WORDS, size).tolist() for size in (0, 1, 30, 45, 2, 60)]


def test_numbers_are_those_of_a_plain_loop() -> None:
    counts = Counter(pair for text in TEXTS for pair in itertools.pairwise(text) if 2 not in pair)
    often = [pair for pair, count in counts.items() if count > 1]
    assert len(often) > 5
    layer = WordPairs(500, WORDS)
    layer.build((None, None))
    layer.learn(Tokens.of(TEXTS))
    numbers = {pair: FIRST_PAIR + place for place, pair in enumerate(sorted(often))}
    for text in TEXTS[1:]:
        row = [*text, 0, 0]
        pairs = list(zip([0, *text], text, strict=False))
        assert layer(np.array([row], "int32")).numpy()[0].tolist() == [*(numbers.get(p, 1) for p in pairs), 0, 0]


def test_the_most_frequent_are_kept() -> None:
    layer = WordPairs(1, WORDS)
    layer.build((None, None))
    layer.learn(Tokens.of([[3, 4, 9, 5, 6], [5, 6, 9, 5, 6], [3, 4]]))
    assert layer(np.array([[3, 4, 5, 6]], "int32")).numpy().tolist() == [[1, 1, 1, FIRST_PAIR]]


def test_a_model_keeps_its_pairs(tmp_path: Path) -> None:
    layer = WordPairs(4, WORDS)
    model = Sequential([layers.Input((None,), dtype="int32"), layer, layers.Embedding(4 + FIRST_PAIR, 2)])
    layer.learn(Tokens.of([[3, 4, 3, 4]]))
    model.save(tmp_path / "m.keras")
    x = np.array([[3, 4, 4, 3]], "int32")
    np.testing.assert_array_equal(load_model(tmp_path / "m.keras")(x).numpy(), model(x).numpy())


def test_too_many_words_are_refused() -> None:
    with pytest.raises(ArgumentError, match="46,340"):
        WordPairs(10, 50_000)
