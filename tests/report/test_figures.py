"""The figures: their pixels say what their numbers say, in both languages, for common and for odd runs."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from neurona.i18n import set_language
from neurona.recognisers.garments import prepare_garment
from neurona.recognisers.photographs import prepare_object
from neurona.report import figures
from neurona.report.canvas import BLUE, ORANGE, Colour
from neurona.tensor import Array

ENGLISH = ["T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"]
SPANISH = [
    "Camiseta/top", "Pantalón", "Jersey", "Vestido", "Abrigo", "Sandalia", "Camisa", "Zapatilla", "Bolso", "Bota corta",
]  # fmt: skip


@pytest.fixture(autouse=True, params=["en", "es"])
def language(request: pytest.FixtureRequest) -> Iterator[str]:
    set_language(request.param)
    yield request.param
    set_language(None)


def read(path: Path) -> Array:
    with Image.open(path) as picture:
        return np.asarray(picture.convert("RGB"), "int64")


def near(found: Array, colour: Colour) -> Array:
    return np.abs(found - colour).max(axis=2) < 40


def edges_are_white(found: Array) -> bool:
    """Nothing reaches the edge of the figure, so nothing is cut off."""
    return all((line > 245).all() for line in (found[:2], found[-2:], found[:, :2], found[:, -2:]))


def heights(mask: Array) -> Array:
    """The mean row of a mask, for each column that has some of it."""
    columns = mask[:, mask.any(axis=0)]
    return np.asarray((columns * np.arange(len(mask))[:, np.newaxis]).sum(axis=0) / columns.sum(axis=0))


def test_curves_go_where_their_values_go(tmp_path: Path) -> None:
    history = {
        "loss": [1.0, 0.75, 0.5, 0.25], "val_loss": [1.2, 1.1, 1.0, 0.9], "accuracy": [0.5, 0.6, 0.7, 0.8],
    }  # fmt: skip
    found = read(figures.draw_curves(history, tmp_path / "x.png"))
    assert edges_are_white(found)
    loss, accuracy = found[44:322, 64:480], found[44:322, 559:975]
    falls, above, rises = heights(near(loss, BLUE)), heights(near(loss, ORANGE)), heights(near(accuracy, BLUE))
    assert (falls[20:] > falls[:-20]).all()
    assert (rises[20:] < rises[:-20]).all()
    assert len(above) == pytest.approx(len(falls), abs=3) and (above < falls[: len(above)].max()).all()
    # 0.95 is what is shown, and 12 % of air: the validation falls 0.3 of it, the training 0.75
    per_unit = (falls[-1] - falls[0]) / 0.75
    assert above[-1] - above[0] == pytest.approx(0.3 * per_unit, abs=4)
    assert above[0] - falls[0] == pytest.approx(-0.2 * per_unit, abs=4)
    assert not near(accuracy, ORANGE).any()
    assert not near(found[:40, 495:], ORANGE).any() and near(found[:40, :495], ORANGE).any()  # the legends


def test_one_epoch_is_a_dot_in_the_middle(tmp_path: Path) -> None:
    found = read(figures.draw_curves({"loss": [0.5], "accuracy": [0.8]}, tmp_path / "x.png"))
    for left in (64, 559):
        rows, columns = np.nonzero(near(found[44:322, left : left + 413], BLUE))
        assert abs(rows.mean() - 139) < 1.5 and abs(columns.mean() - 206.5) < 1.5
        assert np.ptp(rows) < 8 and np.ptp(columns) < 8


@pytest.mark.parametrize(
    "losses", [[], [math.nan], [math.nan, 2.0, math.inf, 1.0], [3e7, 2e38], [1e-9, 2e-9], [0.0, 0.0], [1e6 + 1, 1e6]]
)
def test_odd_histories_are_drawn(tmp_path: Path, losses: list[float]) -> None:
    found = read(figures.draw_curves({"loss": losses, "accuracy": losses}, tmp_path / "x.png"))
    assert edges_are_white(found)
    assert near(found[44:322, 64:480], BLUE).any() == any(map(math.isfinite, losses))


def test_no_history_is_two_empty_fields(tmp_path: Path) -> None:
    assert not near(read(figures.draw_curves({}, tmp_path / "x.png")), BLUE).any()


def test_a_larger_share_is_a_darker_cell(tmp_path: Path, language: str) -> None:
    names = ENGLISH if language == "en" else SPANISH
    table = np.zeros((10, 10), int)
    table[0, :5] = [600, 250, 100, 50, 0]
    table[1, :2] = [6, 60]
    found = read(figures.draw_confusion(table.tolist(), names, tmp_path / "x.png"))
    assert edges_are_white(found)
    left = int(np.flatnonzero((found[15] < 250).any(axis=1))[0])

    def red(i: int, j: int) -> int:
        return int(found[12 + 54 * i + 6, left + 54 * j + 6, 0])

    shades = [red(0, j) for j in range(5)]
    assert shades == sorted(shades) and len(set(shades)) == 5
    assert red(1, 1) < red(0, 0)  # 60 of 66 is a larger share than 600 of 1,000
    # a number stands where a count is, and only there
    ink = [
        [np.ptp(found[12 + 54 * i : 62 + 54 * i, left + 54 * j : left + 50 + 54 * j, 0]) for j in range(10)]
        for i in range(10)
    ]
    assert ((np.array(ink) > 60) == (table > 0)).all()


def test_every_class_has_its_name_beside_and_below(tmp_path: Path, language: str) -> None:
    names = ENGLISH if language == "en" else SPANISH
    table = np.eye(10, dtype=int).tolist()
    whole = read(figures.draw_confusion(table, names, tmp_path / "x.png"))
    for k in range(1, 10):
        without = [name if k != i else name[::-1] for i, name in enumerate(names)]
        rows, columns = np.nonzero(
            (read(figures.draw_confusion(table, without, tmp_path / "x.png")) != whole).any(axis=2)
        )
        beside, below = rows < 552, rows >= 552
        assert beside.sum() > 50 and below.sum() > 50
        assert abs(rows[beside].mean() - (12 + 54 * (k + 0.5))) < 5
        assert (columns[beside] < whole.shape[1] - 560).all()  # left of the field


def test_calibration_marks_each_bin(tmp_path: Path) -> None:
    bins = [{"confidence": c, "accuracy": a, "count": 3} for c, a in ((0.25, 0.5), (0.5, 0.1), (0.9, 1.0))]
    found = read(figures.draw_calibration(bins, tmp_path / "x.png"))
    assert edges_are_white(found)
    for b in bins:
        x, y = 78 + 408 * b["confidence"], 452 - 408 * b["accuracy"]
        assert near(found, BLUE)[round(y) - 2 : round(y) + 3, round(x) - 2 : round(x) + 3].all()
    assert near(found[46:450, 80:484], BLUE).mean() < 0.02


def test_calibration_without_bins_is_the_diagonal(tmp_path: Path) -> None:
    field = read(figures.draw_calibration([], tmp_path / "x.png"))[44:452, 78:486]
    assert not near(field, BLUE).any()
    grey = (field < 150).all(axis=2)[2:-2, 2:-2]
    rows, columns = np.nonzero(grey)
    assert len(rows) > 150 and np.abs(rows + columns - 403).max() < 5


def test_mistakes_come_surest_first(tmp_path: Path, language: str) -> None:
    names = ENGLISH if language == "en" else SPANISH
    sure = [0.6, 0.95, 0.7, 0.99, 0.8]
    shares = np.full((5, 10), 0.0)
    for i, share in enumerate(sure):
        shares[i, i], shares[i, 9] = share, 1 - share
    truth = np.array([9, 9, 9, 3, 9])  # the fourth is right
    pictures = np.stack([np.full((28, 28), 40 * i + 20, "uint8") for i in range(5)])
    found = read(figures.draw_mistakes(pictures, truth, shares, names, tmp_path / "x.png"))
    assert edges_are_white(found) and found.shape[1] == 4 * 136
    assert [int(found[100, 68 + 136 * k, 0]) for k in range(4)] == [40 * i + 20 for i in (1, 4, 2, 0)]
    for k in range(4):  # two lines of text above each
        column = (found[:46, 136 * k : 136 * (k + 1), 0] < 160).any(axis=1)
        assert column[10:26].any() and column[27:43].any()


def test_at_most_so_many_mistakes_in_rows_of_eight(tmp_path: Path) -> None:
    shares = np.tile([0.1, 0.9], (40, 1))
    pictures, truth = np.zeros((40, 28, 28), "uint8"), np.zeros(40, int)
    found = read(figures.draw_mistakes(pictures, truth, shares, ["a", "b"], tmp_path / "x.png", most=11))
    black = (found[:, :, 0] < 40) & (np.arange(len(found))[:, np.newaxis] % 164 > 46)
    assert black.sum() == pytest.approx(11 * 112 * 112, rel=0.01)
    assert black[100].sum() == pytest.approx(8 * 112, abs=8) and black[264].sum() == pytest.approx(3 * 112, abs=8)


def test_no_mistakes_is_a_sentence(tmp_path: Path) -> None:
    found = read(
        figures.draw_mistakes(np.zeros((2, 28, 28), "uint8"), np.arange(2), np.eye(2), ["a", "b"], tmp_path / "x")
    )
    assert edges_are_white(found)
    assert 50 < (found < 160).all(axis=2).sum() < 2000


def test_pictures_in_colour_stay_so(tmp_path: Path) -> None:
    colours = np.array([[220, 40, 30], [30, 180, 60], [20, 60, 210]], "uint8")
    pictures = np.broadcast_to(colours[:, None, None], (3, 32, 32, 3))
    shares = np.roll(np.eye(3), 1, axis=1)  # every one taken for another
    found = read(figures.draw_mistakes(pictures, np.arange(3), shares, ["a", "b", "c"], tmp_path / "m.png"))
    for colour in colours:
        assert near(found, tuple(colour.tolist())).sum() == pytest.approx(112 * 112, rel=0.05)
    photograph = np.zeros((60, 90, 3), "uint8")
    photograph[:, :45], photograph[:, 45:] = colours[0], colours[2]
    seen = prepare_object(photograph)
    found = read(figures.draw_prediction(seen, [("a", 1.0)], "x.jpg", tmp_path / "p.png"))
    for left, right, share in ((15, 295, 280 * 187 / 2), (321, 601, 280 * 280 / 2)):
        for colour in (colours[0], colours[2]):
            part = near(found[:, left:right], tuple(colour.tolist())).sum()
            assert part == pytest.approx(share, rel=0.12)


def bars(found: Array, count: int) -> list[int]:
    """How long the bars are: blue pixels on the line in the middle of each, to which no text comes."""
    blue = near(found[:, 610:], BLUE)
    return [int(blue[round(40 + 256 * (k + 0.2) / count)].sum()) for k in range(count)]


def test_bars_are_as_long_as_the_shares(tmp_path: Path, language: str) -> None:
    names = ENGLISH if language == "en" else SPANISH
    picture = np.full((300, 200), 230, "uint8")
    picture[50:250, 60:140] = 60
    prepared = prepare_garment(picture)
    ranked = [(names[0], 0.6), (names[9], 0.3), (names[6], 0.1)]
    found = read(figures.draw_prediction(prepared, ranked, "niña.jpg", tmp_path / "x.png"))
    assert edges_are_white(found)
    first, second, third = bars(found, 3)
    assert first > 100
    assert second == pytest.approx(first / 2, abs=3) and third == pytest.approx(first / 6, abs=3)
    certain = read(figures.draw_prediction(prepared, [("", 1.0), ("", 0.0)], "", tmp_path / "x.png"))
    assert edges_are_white(certain) and bars(certain, 2)[1] == 0
    assert (found[5:35, 15:295] < 128).any() and not (certain[5:35, 15:295] < 128).any()  # the file's name
    assert (found[40:300, 610:660] < 100).any()  # the names of the classes
    # what was cut out is framed, and the rest of the picture is as it was
    rows, columns = np.nonzero(near(found[:, :300], ORANGE))
    left, top, right, bottom = prepared.box
    scale = 280 / 300
    offset = 155 - 200 * scale / 2
    assert np.abs(np.array([columns.min(), columns.max() + 1]) - (offset + scale * np.array([left, right]))).max() < 3
    assert np.abs(np.array([rows.min(), rows.max() + 1]) - (40 + scale * np.array([top, bottom]))).max() < 3


def test_a_network_that_answers_no_number_is_shown_as_such(tmp_path: Path) -> None:
    picture = np.zeros((50, 40), "uint8")
    picture[10:40, 10:30] = 200
    found = read(figures.draw_prediction(prepare_garment(picture), [("a", math.nan)], "x", tmp_path / "x.png"))
    assert bars(found, 1) == [0]


def test_short_names_below_stand_upright(tmp_path: Path) -> None:
    """A digit below its column is as wide as it is beside its row; turned names would be wider."""
    names = [str(k) for k in range(10)]
    found = read(figures.draw_confusion(np.zeros((10, 10), int).tolist(), names, tmp_path / "x.png"))
    left = int(np.flatnonzero((found[15] < 250).any(axis=1))[-1]) + 2 - 540

    def width(part: np.ndarray) -> int:
        return len(np.flatnonzero((part < 128).any(axis=(0, 2))))

    for k in range(10):
        beside = found[12 + 54 * k : 66 + 54 * k, left - 20 : left - 1]
        below = found[554:576, left + 54 * k : left + 54 * (k + 1)]
        assert abs(width(below) - width(beside)) <= 1
