"""Units that follow something on purpose are found; what is random stays below chance."""

from __future__ import annotations

import numpy as np
import pytest

from neurona.datasets.tokens import Tokens, tokenize
from neurona.sight.following import PROPERTIES, Read, follow, in_loud_sentences, properties, word_scores

WORDS = ["", "<unknown>", "", "good", "bad", "not", "film", "isn't"]
SCORES = np.array([0, 0, 0, 1.5, -1.0, 0.1, 0.0, 0.0])


def reads(count: int, seed: int = 0) -> list[Read]:
    rng = np.random.default_rng(seed)
    made = []
    for _ in range(count):
        ids = np.concatenate([[1], rng.integers(3, len(WORDS), rng.integers(10, 30))])
        loud = np.zeros(len(ids), bool)
        loud[rng.integers(len(ids)) :] = rng.random() < 0.5
        made.append(Read(ids, [WORDS[k] for k in ids], loud))
    return made


@pytest.mark.parametrize("backwards", [False, True])
def test_units_made_of_a_property_follow_it_and_noise_does_not(backwards: bool) -> None:
    texts = reads(60)
    rng = np.random.default_rng(1)
    states = []
    for read in texts:
        told = properties(read, SCORES, backwards)
        noise = rng.normal(size=(len(told), 2))
        states.append(
            np.concatenate([told * [1, -1, 1, 1] + 0.1 * noise[:, :1], noise, np.ones((len(told), 1))], axis=1)
        )
    found = follow(texts, states, SCORES, backwards, least=5)
    assert found.correlations.shape == (7, 4) and PROPERTIES == ("position", "negation", "sentiment", "loud")
    diagonal = np.diag(found.correlations[:4])
    assert (np.abs(diagonal) > 0.9).all() and diagonal[1] < 0
    assert (np.abs(found.correlations[4:6]) <= np.maximum(found.chance, 0.12)).all()
    assert not found.correlations[6].any()  # a unit that never changes follows nothing
    assert ((found.chance > 0.01) & (found.chance < 0.5)).all()
    np.testing.assert_array_equal(found.chance, follow(texts, states, SCORES, backwards, least=5).chance)


def test_the_words_that_move_a_unit_are_those_of_a_loop() -> None:
    texts = reads(30)
    rng = np.random.default_rng(2)
    states = [np.cumsum(rng.normal(size=(len(read.ids), 2)) + 3.0 * (read.ids == 4)[:, None] * [1, -1], axis=0)
              for read in texts]  # fmt: skip
    for backwards in (False, True):
        found = follow(texts, states, SCORES, backwards, least=10)
        moves: dict[int, list[np.ndarray]] = {}
        for read, state in zip(texts, states, strict=True):
            before = np.zeros(2)
            for t in range(len(state))[:: -1 if backwards else 1]:
                moves.setdefault(int(read.ids[t]), []).append(state[t] - before)
                before = state[t]
        means = {word: np.mean(each, axis=0) for word, each in moves.items() if word >= 3}
        for unit in range(2):
            expected = sorted(means, key=lambda word: -means[word][unit])
            told = [word for word, _move, _count in found.up[unit]]
            assert told == [word for word in expected if means[word][unit] > 0][:5]
            for word, move, count in found.up[unit] + found.down[unit]:
                assert move == pytest.approx(means[word][unit]) and count == len(moves[word])
        if not backwards:
            assert found.up[0][0][0] == found.down[1][0][0] == 4 and found.up[0][0][1] > 2


def test_rare_words_are_not_told() -> None:
    texts = [Read(np.array([1, 3, 4]), ["", "good", "bad"], np.zeros(3, bool))] * 9
    found = follow(texts, [np.arange(3.0)[:, None]] * 9, SCORES, False)
    assert found.up == [[]] and found.down == [[]]


def test_properties_are_told_in_the_order_of_reading() -> None:
    read = Read(np.array([1, 6, 7, 3, 6, 6, 4]), ["", "film", "isn't", "good", "film", "film", "bad"],
                np.zeros(7, bool))  # fmt: skip
    forwards, backwards = properties(read, SCORES), properties(read, SCORES, True)
    assert forwards[:, 0].tolist() == [0, 1, 2, 3, 4, 5, 6] and backwards[:, 0].tolist() == [6, 5, 4, 3, 2, 1, 0]
    assert forwards[:, 1].tolist() == [0, 0, 1, 1, 1, 1, 0] and backwards[:, 1].tolist() == [1, 1, 1, 0, 0, 0, 0]
    np.testing.assert_allclose(forwards[:, 2], [0, 0, 0, 1.5, 1.5, 1.5, 0.5])
    np.testing.assert_allclose(backwards[:, 2], [0.5, 0.5, 0.5, 0.5, -1, -1, -1])


@pytest.mark.parametrize(
    ("text", "loud"),
    [
        ("A film. Why? It ends", [0, 0, 1, 1, 0, 0]),
        ("Wow!!! Dr. No", [1, 1, 1, 1, 0, 0]),
        ("It's 8/10 and 7.5/10!", [0, 0, 0, 0, 1, 1]),
        ("a<br />b!", [1, 1, 1]),
        ("", []),
    ],
)
def test_loud_sentences(text: str, loud: list[int]) -> None:
    found = in_loud_sentences(text, tokenize(text))
    assert found is not None and found.tolist() == [bool(k) for k in loud]


def test_a_text_whose_pieces_are_other_words_is_refused_in_linear_time() -> None:
    text = "<a href='x.y'>film</a> good"
    assert in_loud_sentences(text, tokenize(text)) is None
    assert in_loud_sentences("x" * 3_000_000, tokenize("x" * 3_000_000)) is not None


def test_words_score_by_how_much_more_frequent_they_are() -> None:
    tokens = Tokens.of([[1, 3, 3, 3, 5], [1, 4, 5], [1, 3, 4, 4, 4, 5, 5]])
    scores = word_scores(tokens, np.array([1, 0, 0]), 7)
    assert scores[3] > 0 > scores[4] and abs(scores[5]) < abs(scores[4]) and not scores[:3].any()
    assert scores[3] == pytest.approx(np.log((3 + 1) / (4 + 4)) - np.log((1 + 1) / (8 + 4)))
