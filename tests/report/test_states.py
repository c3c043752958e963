"""Figures of states, gates and verdicts: their colours lie under their words; pages tell what was measured."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from neurona.i18n import set_language
from neurona.report import states
from neurona.report.canvas import BLUE, ORANGE
from neurona.report.show_texts import strongest_units
from neurona.report.states import Label, draw_gates, draw_states, draw_verdicts, gate_names, stretch

CLASSES = ("negative", "positive")


@pytest.fixture(autouse=True)
def english() -> Iterator[None]:
    set_language("en")
    yield
    set_language(None)


def labels(count: int) -> list[Label]:
    return [Label(f"word{k}", known=k % 3 > 0, gap=k == 5) for k in range(count)]


def pixels(path: Path) -> np.ndarray:
    return np.asarray(Image.open(path).convert("RGB")).astype(int)


def near(picture: np.ndarray, colour: tuple[int, int, int], by: int = 6) -> np.ndarray:
    return np.asarray(np.abs(picture - colour).max(axis=-1) <= by)


def test_a_map_has_its_signs_in_their_places(tmp_path: Path) -> None:
    values = np.zeros((10, 3))
    values[2, 0], values[7, 1] = 1.0, -1.0
    picture = pixels(draw_states(labels(10), values, [1, 0], np.array([0.5, -1.0, 0.0]), CLASSES, tmp_path / "m.png"))
    field = picture[34 + 84 :]  # below the scale and the words
    (blue_y, blue_x), (orange_y, orange_x) = (np.nonzero(near(field, c)) for c in (BLUE, ORANGE))
    assert blue_x.min() >= 50 + 7 * 44 and blue_x.max() < 50 + 8 * 44 and blue_y.max() < 11  # unit 1 stands first
    assert orange_x.min() >= 50 + 2 * 44 and orange_x.max() < 50 + 3 * 44 and orange_y.min() >= 11
    grey = near(field[:22], (0x66, 0x66, 0x66))
    assert grey[:10, 500:525].sum() > 100  # unit 1 speaks for the first class: its bar goes to the left


@pytest.mark.parametrize(("count", "lines"), [(1, 1), (54, 1), (55, 2), (200, 3)])
def test_long_texts_are_cut_into_lines(count: int, lines: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(states, "_MOST_LINES", 3)
    values = np.random.default_rng(0).normal(size=(count, 4))
    path = draw_states(labels(count), values, [0, 3], np.zeros(4), CLASSES, tmp_path / "m.png")
    assert pixels(path).shape == (round(34 + lines * (84 + 22 + 16)), 990, 3)


def test_strange_values_and_words_are_drawn(tmp_path: Path) -> None:
    words = [Label("\u6f22\x1b[31m\u05e9"), Label("x" * 500), Label(""), Label("\ud800", known=False)]
    values = np.array([[np.nan, 0.0], [np.inf, -np.inf], [0.0, 0.0], [1.0, 2.0]])
    assert draw_states(words, values, [0, 1], np.zeros(2), CLASSES, tmp_path / "a.png").is_file()
    assert draw_states(words, np.zeros((4, 2)), [0, 1], np.zeros(2), CLASSES, tmp_path / "b.png").is_file()
    assert draw_verdicts(words, range(4), np.array([0, 1, np.nan, 0.5]), CLASSES, tmp_path / "c.png").is_file()
    assert draw_gates(words, {"state": values}, [(1, "unit 1 " * 50)], tmp_path / "d.png").is_file()


def test_lines_of_gates_run_where_their_values_are(tmp_path: Path) -> None:
    steps = np.linspace(0, 1, 12)[:, None]
    lines = {"input": 0 * steps, "forget": steps, "output": 0 * steps + 0.5, "candidate": -steps, "cell": 3 * steps,
             "state": steps}  # fmt: skip
    picture = pixels(draw_gates(labels(12), lines, [(0, "unit 0")], tmp_path / "g.png"))
    top = 84 + 8 + 28
    panel = near(picture, BLUE)[top : top + 75]
    rows, columns = np.nonzero(panel[:, 50:])
    first, last = rows[columns < 40].mean(), rows[columns > columns.max() - 20].mean()
    assert first > 65 and last < 10  # the forget gate rises from 0 to 1
    assert near(picture, ORANGE, 70)[top + 33 : top + 42, 100:500].sum() > 400


@pytest.mark.parametrize("count", [12, 200])
def test_the_curve_ends_where_the_answer_is(count: int, tmp_path: Path) -> None:
    shares = np.linspace(0.1, 0.9, count)
    picture = pixels(draw_verdicts(labels(count), range(count), shares, CLASSES, tmp_path / "v.png"))
    above = 92 if count < 55 else 62
    rows, columns = np.nonzero(near(picture[above + 1 : above + 189], BLUE))
    low, high = rows[columns <= columns.min() + 5].mean(), rows[columns >= columns.max() - 5].mean()
    assert abs(low - 0.9 * 190) < 8 and abs(high - 0.1 * 190) < 8


def test_a_stretch_is_where_most_happens() -> None:
    quiet = np.zeros((100, 2))
    quiet[70:75, 1] = [1, -1, 1, -1, 1]
    part = stretch(quiet, 10)
    assert part.stop - part.start == 10 and part.start <= 70 and part.stop > 75
    assert stretch(quiet[:8], 10) == slice(0, 8)


def test_units_are_ranked_by_shares_or_by_how_far_they_move() -> None:
    state = np.array([[0.0, 1.0, -1.0], [0.1, 1.0, 1.0]])
    assert strongest_units(np.zeros(3), state, 2) == [2, 0]
    assert strongest_units(np.array([-0.1, 0.5, -2.0]), state, 2) == [1, 2]


def test_gates_have_names_in_both_languages() -> None:
    names = {"input", "forget", "output", "update", "reset", "candidate", "cell", "state"}
    assert set(gate_names()) == names and gate_names()["forget"] == "forget gate"
