"""The chart surface: what is drawn lies at the pixels where its values say."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from neurona.errors import SavingError
from neurona.report.canvas import BLUE, ORANGE, WHITE, Axes, Canvas, round_ticks, tick_label
from neurona.tensor import Array


def pixels(canvas: Canvas, folder: Path) -> Array:
    with Image.open(canvas.save(folder / "x.png")) as picture:
        assert picture.format == "PNG" and picture.size == (canvas.width, canvas.height)
        return np.asarray(picture.convert("RGB"), "int64")


def inked(values: Array) -> tuple[int, int, int, int]:
    """Left, top, right and bottom of all that is not white."""
    rows, columns = np.nonzero((values < 128).any(axis=2))
    return int(columns.min()), int(rows.min()), int(columns.max()) + 1, int(rows.max()) + 1


def test_a_box_fills_its_pixels_and_no_others(tmp_path: Path) -> None:
    canvas = Canvas(60, 40)
    canvas.box((10, 5, 30, 25), fill=BLUE)
    found = pixels(canvas, tmp_path)
    assert inked(found) == (10, 5, 30, 25)
    assert tuple(found[15, 20]) == BLUE and tuple(found[35, 50]) == WHITE


def test_a_box_without_area_is_not_drawn(tmp_path: Path) -> None:
    canvas = Canvas(20, 20)
    canvas.box((5, 5, 5, 15), fill=BLUE)
    assert (pixels(canvas, tmp_path) == 255).all()


def test_a_curve_passes_through_its_values(tmp_path: Path) -> None:
    canvas = Canvas(200, 150)
    axes = Axes(canvas, (20, 10, 180, 130), (0, 4), (0, 2))
    values = [0.2, 1.8, 1.0, 1.4, 0.6]
    axes.curve(range(5), values, BLUE)
    found = pixels(canvas, tmp_path)
    for x, y in enumerate(values):
        column, row = axes.at(x, y)
        assert np.abs(found[round(row), round(column)] - BLUE).max() < 12
    for x in np.linspace(0.1, 3.9, 30):  # and between them along straight lines: the blue of a column is centred there
        column, row = axes.at(x, float(np.interp(x, range(5), values)))
        blue = 255 - found[:, round(column), 0]
        assert abs((blue * np.arange(150)).sum() / blue.sum() - row) < 3


def test_a_curve_breaks_off_where_a_value_is_missing(tmp_path: Path) -> None:
    canvas = Canvas(120, 60)
    axes = Axes(canvas, (10, 10, 110, 50), (0, 4), (0, 1))
    axes.curve(range(5), [0.5, 0.5, math.nan, 0.5, math.inf], ORANGE)
    found = pixels(canvas, tmp_path)
    assert (found[30, 15:30] < 240).any(axis=1).all()
    assert (found[:, 42:78] == 255).all()  # neither to the missing value nor from it
    assert (found[30, 84:87] < 128).any()  # the lone value is a dot
    assert (found[:, 95:] == 255).all()


def test_dashes_leave_gaps(tmp_path: Path) -> None:
    canvas = Canvas(120, 20)
    canvas.line([(10, 10), (110, 10)], BLUE, 2, dash=5)
    drawn = pixels(canvas, tmp_path)[10, 10:110, 0] < 128
    assert 0.4 < drawn.mean() < 0.65 and np.abs(np.diff(drawn.astype(int))).sum() > 15


@pytest.mark.parametrize(
    ("shape", "place"), [((28, 28), (10, 10, 50, 50)), ((10, 40), (10, 25, 50, 35)), ((400, 400), (10, 10, 50, 50))]
)
def test_a_picture_keeps_its_shape(tmp_path: Path, shape: tuple[int, int], place: tuple[int, ...]) -> None:
    canvas = Canvas(60, 60)
    assert canvas.picture(np.zeros(shape, "uint8"), (10, 10, 50, 50)) == place
    assert inked(pixels(canvas, tmp_path)) == place


def test_a_picture_is_not_mirrored(tmp_path: Path) -> None:
    canvas = Canvas(40, 40)
    canvas.picture(np.array([[0, 100], [200, 255]]), (0, 0, 40, 40))
    found = pixels(canvas, tmp_path)
    assert [int(found[y, x, 0]) for y, x in ((10, 10), (10, 30), (30, 10), (30, 30))] == [0, 100, 200, 255]


def test_where_a_text_lies(tmp_path: Path) -> None:
    for across, share in (("left", 0.0), ("middle", 0.5), ("right", 1.0)):
        canvas = Canvas(300, 80)
        width = canvas.text(150, 40, "HHHHHHHH", 20, across=across)  # type: ignore[arg-type]
        left, top, right, bottom = inked(pixels(canvas, tmp_path))
        assert abs(left - (150 - share * width)) < 4 and abs(right - (150 + (1 - share) * width)) < 4
        assert abs((top + bottom) / 2 - 40) <= 1  # capitals are centred on their height


@pytest.mark.parametrize("turn", [45, 90])
def test_a_turned_text_ends_where_it_should(tmp_path: Path, turn: int) -> None:
    canvas = Canvas(300, 300)
    width = canvas.text(100, 100, "HHHHHHHH", 20, across="right", turn=turn)
    left, top, right, bottom = inked(pixels(canvas, tmp_path))
    sine, cosine = math.sin(math.radians(turn)), math.cos(math.radians(turn))
    assert abs((left + right) / 2 - (100 - width / 2 * cosine)) < 3
    assert abs((top + bottom) / 2 - (100 + width / 2 * sine)) < 3


def test_a_text_is_no_wider_than_allowed(tmp_path: Path) -> None:
    canvas = Canvas(200, 40)
    assert canvas.text(20, 20, "a very long name of a class indeed", most=100) <= 100
    assert inked(pixels(canvas, tmp_path))[2] <= 121


@given(st.floats(-1e6, 1e6), st.floats(1e-3, 1e6), st.integers(2, 9), st.booleans())
def test_ticks_are_round_and_even(low: float, span: float, most: int, whole: bool) -> None:
    high = low + span
    ticks = round_ticks(low, high, most, whole)
    assert len(ticks) <= most
    assert len({tick_label(t, ticks) for t in ticks}) == len(ticks)
    if whole:
        assert all(t == round(t) for t in ticks)
    else:
        assert ticks
        assert all(low - 1e-6 * span <= t <= high + 1e-6 * span for t in ticks)
    if len(ticks) > 1:
        assert f"{ticks[1] - ticks[0]:.3e}"[:5] in ("1.000", "2.000", "5.000")
        assert np.allclose(np.diff(ticks), ticks[1] - ticks[0])


def test_nothing_is_left_where_it_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(SavingError):
        Canvas(10, 10).save(tmp_path / "missing" / "x.png")
    assert not list(tmp_path.iterdir())
