"""The recogniser of film reviews: its recipes, its baselines, what it keeps, and what each word contributed."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

from neurona.datasets import Texts, Tokens, index, tokenize
from neurona.errors import ArgumentError, NeuronaError, RunError, UnknownNameError
from neurona.recognisers import find
from neurona.recognisers.baselines import distinct
from neurona.recognisers.of_texts import Texts as OfTexts
from neurona.recognisers.of_texts import vocabulary_of
from neurona.recognisers.reviews import REVIEWS
from neurona.recognisers.train import start, train
from neurona.runs import Run
from neurona.sight.words import Explainer, pieces
from tests.recognisers.invented import data

SMALL = {
    "lstm": {"words": "50", "features": "16", "width": "8", "batch_size": "8"},
    "best": {"words": "50", "features": "16", "width": "8", "batch_size": "8", "rate": "0.05", "averaged": "0.8"},
    "tutorial": {"words": "50", "width": "4", "longest": "40", "batch_size": "8"},
}


def begun(folder: Path, recipe: str, epochs: int, baselines: bool = False) -> Run:
    plan = REVIEWS.recipes[recipe]
    return start(REVIEWS, plan, data(), 0, epochs, folder, 0.1, plan.changed(SMALL[recipe]), baselines=baselines)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Run:
    run = begun(tmp_path_factory.mktemp("runs") / "run", "lstm", 8, baselines=True)
    train(run, data(), verbose=0)
    return run


def test_names() -> None:
    for name in ("reviews", "reseñas", "resenas", "criticas", "Críticas", "imdb", "IMDB"):
        assert find(name) is REVIEWS


def test_an_lstm_learns_and_leaves_everything(trained: Run) -> None:
    metrics = trained.read_metrics()
    assert metrics["accuracy"] > 0.8
    assert [one["name"] for one in metrics["baselines"]] == ["bag_of_words", "simple_rnn"]
    assert metrics["baselines"][0]["accuracy"] > 0.75
    assert all(one["accuracy_interval"][0] < one["accuracy"] < one["accuracy_interval"][1] + 1e-9 and one["seconds"] > 0
               for one in metrics["baselines"])  # fmt: skip
    words = (trained.path / "vocabulary.txt").read_text("utf-8").split("\n")
    assert words.pop() == "" and "was" in words[:2] and len(words) <= 47
    assert json.loads((trained.path / "run.json").read_text())["lengths"]["longest"] == 400


def test_probabilities_are_pairs_in_the_order_given(trained: Run) -> None:
    kind, texts = REVIEWS.kind, ["the film was great", "awful", "", "her acting was boring " * 30]
    model, read = trained.load_model(), kind.reader(trained)
    together = kind.probabilities(trained, model, read(texts))
    np.testing.assert_allclose(together.sum(axis=1), 1)
    alone = [kind.probabilities(trained, model, read([text]))[0] for text in texts]
    np.testing.assert_allclose(together, alone, atol=1e-6)  # padding changes nothing
    assert together.argmax(axis=1)[[0, 3]].tolist() == [1, 0]
    assert kind.probabilities(trained, model, read([])).shape == (0, 2)


@pytest.mark.parametrize("recipe", ["best", "tutorial"])
def test_the_other_recipes_learn(tmp_path: Path, recipe: str) -> None:
    run = begun(tmp_path / "r", recipe, 4)
    found = train(run, data(), verbose=0)
    assert found["accuracy"] > 0.65 and "baselines" not in found
    model = run.load_model()
    if recipe == "best":  # what stands behind a text in its batch does not matter
        ids = np.array([[1, 4, 5, 6]], "int32")
        wide = np.pad(ids, [(0, 0), (0, 12)])
        np.testing.assert_allclose(np.asarray(model(ids)), np.asarray(model(wide)), atol=1e-6)


def test_the_recipes_are_as_published() -> None:
    model = REVIEWS.recipes["tutorial"].build(10, 2, 0)
    assert model.count_params() == 2_757_761  # Keras's example says so
    lengths = REVIEWS.recipes["tutorial"].lengths
    assert lengths is not None and dataclasses.astuple(lengths) == (200, "end", "front", True)


def test_settings_are_read_as_what_they_are() -> None:
    best = REVIEWS.recipes["best"]
    told = {"width": "96", "dropout": "0", "keep": "end", "fixed": "yes", "batch_size": "128", "cell": "gru"}
    found = best.changed(told)
    assert {name: found[name] for name in told} == {
        "width": 96, "dropout": 0.0, "keep": "end", "fixed": True, "batch_size": 128, "cell": "gru",
    }  # fmt: skip
    assert best.settings["width"] == 64
    with pytest.raises(UnknownNameError, match=r"no setting 'breadth'.*width=64"):
        best.changed({"breadth": "1"})
    for name, wrong in (("width", "wide"), ("fixed", "maybe"), ("dropout", "much")):
        with pytest.raises(ArgumentError, match=f"'{name}'.*Received: {wrong}"):
            best.changed({name: wrong})


@pytest.mark.parametrize("name", ["longest", "batch_size"])
def test_impossible_settings_make_no_run(tmp_path: Path, name: str) -> None:
    plan = REVIEWS.recipes["lstm"]
    with pytest.raises(ArgumentError, match=f"{name}=0"):
        start(REVIEWS, plan, data(), 0, 1, tmp_path / "r", settings=plan.changed({name: "0"}))
    assert not (tmp_path / "r").exists()


@pytest.mark.parametrize(
    ("recipe", "told", "expected"),
    [
        ("lstm", {"width": "0"}, r"'width' must be at least 1\. Received: 0\."),
        ("tutorial", {"words": "-5"}, r"'words' must be at least 4\. Received: -5\."),
        ("best", {"words": "3"}, r"'words' must be at least 4\. Received: 3\."),
        ("best", {"cell": "gur"}, r"Received: 'gur'"),
        ("best", {"averaged": "1.5"}, r"'averaged' must be from 0 to below 1\. Received: 1\.5\."),
        ("best", {"recurrent_dropout": "1"}, r"'recurrent_dropout' must be from 0 to below 1"),
        ("best", {"rate": "nan"}, r"'rate' must be at least 0\. Received: nan"),
    ],
)
def test_what_the_network_refuses_makes_no_run(
    tmp_path: Path, recipe: str, told: dict[str, str], expected: str
) -> None:
    plan = REVIEWS.recipes[recipe]
    with pytest.raises(NeuronaError, match=expected):
        start(REVIEWS, plan, data(), 0, 1, tmp_path / "r", settings=plan.changed(told))
    assert not (tmp_path / "r").exists()


def test_a_run_that_cannot_begin_has_failed(tmp_path: Path) -> None:
    run = begun(tmp_path / "r", "lstm", 1)
    run.update(settings={**run.info["settings"], "width": 0})
    with pytest.raises(ArgumentError):
        train(run, data(), verbose=0)
    assert Run.open(run.path).status == "failed"


def test_an_unknown_cell_is_told() -> None:
    with pytest.raises(UnknownNameError, match=r"'gur'.*gru"):
        REVIEWS.recipes["best"].build(1, 1, 0, cell="gur")


def test_a_vocabulary_that_is_gone_is_told(tmp_path: Path) -> None:
    run = begun(tmp_path / "r", "lstm", 1)
    with pytest.raises(RunError, match=r"vocabulary\.txt cannot be read"):
        vocabulary_of(run)
    (run.path / "vocabulary.txt").write_bytes(b"\xff\xfe")
    with pytest.raises(RunError, match=r"vocabulary\.txt cannot be read"):
        vocabulary_of(run)


def test_the_vocabulary_is_that_of_the_training_part(tmp_path: Path) -> None:
    run = begun(tmp_path / "r", "lstm", 1)
    texts = Texts.of(["b b a", "a b c"])
    read = OfTexts().reader(run, texts)
    assert vocabulary_of(run) == ["b", "a", "c"]
    assert [row.tolist() for row in read(["a z"])] == [[1, 4, 2]]
    assert read(texts).flat.tolist() == index(["b b a", "a b c"], ["b", "a", "c"]).flat.tolist()
    OfTexts().reader(run, Texts.of(["z"]))  # a run that is taken up again keeps what it knew
    assert vocabulary_of(run) == ["b", "a", "c"]


def test_distinct_words() -> None:
    found = distinct(Tokens.of([[1, 7, 7, 3, 7], [], [1, 2]]))
    assert [row.tolist() for row in found] == [[1, 3, 7], [], [1, 2]]


def test_words_are_explained(trained: Run) -> None:
    explain = Explainer(trained, trained.load_model())
    good, bad = explain("The plot was GREAT, <b>xyzzy</b>!"), explain("the music was awful")
    assert good.probability > 0.5 > bad.probability
    assert (good.words, good.unknown, good.read) == (6, 2, 6)
    weights = {piece.text: piece.weight for piece in good.pieces if piece.weight is not None}
    assert max(weights, key=lambda word: weights[word]) == "GREAT"
    assert "".join(piece.text for piece in good.pieces) == "The plot was GREAT, <b>xyzzy</b>!"
    assert weights["xyzzy"] == 0.0  # it is unknown already
    assert min(dict(bad.strongest).items(), key=lambda pair: pair[1])[0] == "awful"
    empty = explain(" ")
    assert (empty.words, empty.strongest) == (0, [])


def test_only_what_is_read_is_explained(trained: Run) -> None:
    run = Run(trained.path, {**trained.info, "lengths": {"longest": 7, "keep": "both"}})
    found = Explainer(run, trained.load_model())("a b c d e f g h i j")
    read = [piece.text for piece in found.pieces if piece.weight is not None]
    assert read == ["a", "b", "c", "h", "i", "j"]  # and the mark at the start
    assert found.read == 6


@pytest.mark.parametrize(
    "text",
    ["Don\u2019t MISS it!<br />9/10", "e\u0301te\u0301 \u0130stanbul", "\u05e9\u05dc\u05d5\u05dd \u0645\u0631\u062d\u0628\u0627",
     "a\x00b \ud800 c", "", "<<< >>>"],
)  # fmt: skip
def test_pieces_hold_every_word_once(text: str) -> None:
    words = tokenize(text)
    found = pieces(text, words, list(range(len(words))))
    assert [piece.weight for piece in found if piece.weight is not None] == list(range(len(words)))
