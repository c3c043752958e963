"""Digits: drawn and photographed ones become what MNIST shows; the recipes' networks are the ones that are promised."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from neurona.errors import PictureError
from neurona.i18n import set_language
from neurona.recognisers import find
from neurona.recognisers.digits import DIGITS, prepare
from neurona.recognisers.handwriting import prepare_digit, see_digit

LINES = {
    "1": [[(0.5, 0), (0.45, 1)]],
    "2": [[(0.1, 0.25), (0.3, 0.02), (0.7, 0.02), (0.85, 0.3), (0.1, 1), (0.9, 1)]],
    "4": [[(0.6, 0), (0.1, 0.65), (0.95, 0.65)], [(0.7, 0.35), (0.65, 1)]],
    "7": [[(0, 0), (0.8, 0), (0.3, 1)]],
}


def drawn(digit: str, size: tuple[int, int] = (300, 400), at: tuple[int, int] = (100, 60), tall: int = 160,
          pen: int = 18, paper: int = 255, ink: int = 20) -> np.ndarray:  # fmt: skip
    """A digit in lines of a round pen, `tall` pixels high, with its corner `at` (left, top) on paper (H, W)."""
    picture = Image.new("L", size[::-1], paper)
    pencil = ImageDraw.Draw(picture)
    if digit == "0":
        box = (at[0], at[1], at[0] + 0.7 * tall, at[1] + tall)
        pencil.ellipse(box, outline=ink, width=pen)
    else:
        for line in LINES[digit]:
            points = [(at[0] + 0.75 * tall * x, at[1] + tall * y) for x, y in line]
            pencil.line(points, ink, pen, joint="curve")
            for x, y in points:
                pencil.ellipse((x - pen / 2, y - pen / 2, x + pen / 2, y + pen / 2), ink)
    return np.asarray(picture)


def middle(pixels: np.ndarray) -> tuple[float, float]:
    mass = pixels.sum(dtype="float64")
    places = np.arange(28)
    return float((pixels.sum(1) * places).sum() / mass), float((pixels.sum(0) * places).sum() / mass)


def box(pixels: np.ndarray) -> tuple[int, int]:
    rows, columns = np.flatnonzero((pixels > 0).any(1)), np.flatnonzero((pixels > 0).any(0))
    return int(rows[-1] - rows[0]) + 1, int(columns[-1] - columns[0]) + 1


def fits(pixels: np.ndarray) -> None:
    """As MNIST promises: 28 x 28, light on black, box 20, mass in the middle."""
    assert pixels.shape == (28, 28)
    assert pixels.dtype == np.uint8
    assert max(box(pixels)) == 20
    y, x = middle(pixels)
    assert abs(y - 14) <= 0.51
    assert abs(x - 14) <= 0.51
    assert pixels.max() >= 230


def alike(a: np.ndarray, b: np.ndarray) -> float:
    """The correlation of two pictures, one of them moved by up to a pixel: whole pixels may round either way."""
    places = [np.roll(a, (y, x), (0, 1)) for y in (-1, 0, 1) for x in (-1, 0, 1)]
    return max(float(np.corrcoef(place.ravel(), b.ravel())[0, 1]) for place in places)


DIGIT_NAMES = ["0", *LINES]


@pytest.mark.parametrize("digit", DIGIT_NAMES)
class TestPreparing:
    def test_on_white_paper_anywhere(self, digit: str) -> None:
        first = prepare_digit(drawn(digit))
        fits(first.pixels)
        assert first.inverted
        for at, size in (
            ((5, 5), (300, 400)),
            ((220, 120), (300, 400)),
            ((40, 300), (500, 200)),
            ((11, 11), (183, 150)),
        ):
            found = prepare_digit(drawn(digit, size, at))
            fits(found.pixels)
            assert alike(found.pixels, first.pixels) > 0.9

    def test_light_on_dark_is_the_same(self, digit: str) -> None:
        paper, board = prepare_digit(drawn(digit)), prepare_digit(255 - drawn(digit))
        assert not board.inverted
        assert np.array_equal(paper.pixels, board.pixels)
        assert "dark background" in board.steps[0]
        assert "light background" in paper.steps[0]

    @pytest.mark.parametrize("pen", [3, 6, 34])
    def test_fine_and_broad_pens(self, digit: str, pen: int) -> None:
        usual = prepare_digit(drawn(digit))
        found = prepare_digit(drawn(digit, pen=pen))
        fits(found.pixels)
        assert alike(found.pixels, usual.pixels) > 0.6
        assert any("thicker" in step for step in found.steps) == (pen < 10)
        assert found.pixels.sum() > 0.4 * usual.pixels.sum()

    def test_a_photograph_of_paper(self, digit: str) -> None:
        """A shadow falls across, the light comes from one side, the camera is noisy."""
        rng = np.random.default_rng(0)
        ink = drawn(digit, size=(600, 800), at=(250, 180), tall=260, pen=26, paper=0, ink=255) / 255
        y, x = np.mgrid[:600, :800]
        paper = 235 - 50 * x / 800 - 70 / (1 + np.exp(-(x + 0.5 * y - 560) / 10))
        photo = np.clip(paper * (1 - 0.7 * ink) + rng.normal(0, 5, ink.shape), 0, 255).astype("uint8")
        found = prepare_digit(photo)
        fits(found.pixels)
        assert found.inverted
        assert alike(found.pixels, prepare_digit(drawn(digit)).pixels) > 0.85

    def test_dust_and_a_ruled_line_are_left_out(self, digit: str) -> None:
        clean = drawn(digit)
        dirty = clean.copy()
        dirty[290:293] = 60
        dirty[20:23, 370:373] = 60
        assert alike(prepare_digit(dirty).pixels, prepare_digit(clean).pixels) > 0.97

    def test_what_is_as_in_the_data_set_stays_so(self, digit: str) -> None:
        pixels = prepare_digit(drawn(digit)).pixels
        for picture in (pixels, 255 - pixels):
            again = prepare_digit(picture)
            assert np.array_equal(again.pixels, pixels)
            assert "as in the data set" in again.steps[-1]


def test_small_and_odd_pictures() -> None:
    one = np.zeros((9, 5), "uint8")
    one[2:7, 2] = 255
    assert prepare_digit(one).pixels.any()
    for colour in (0, 130, 255):
        with pytest.raises(PictureError, match="all of one colour"):
            prepare_digit(np.full((40, 60), colour, "uint8"))
    with pytest.raises(PictureError):
        prepare_digit(np.zeros((1, 1), "uint8"))


def test_the_steps_are_told_in_both_languages(tmp_path: Path) -> None:
    Image.fromarray(drawn("4")).save(tmp_path / "four.png")
    found = see_digit(tmp_path / "four.png")
    assert found.original.shape == (300, 400)
    left, top, right, bottom = found.box
    assert abs(left - 103) < 12
    assert abs(top - 51) < 12
    assert abs(bottom - 229) < 12
    assert right > 200
    assert "20 pixels" in " ".join(found.steps)
    set_language("es")
    try:
        assert "centro de masa" in " ".join(see_digit(tmp_path / "four.png").steps)
    finally:
        set_language(None)


def test_the_recipes_are_the_networks_that_are_promised() -> None:
    assert find("Dígitos") is DIGITS
    assert list(DIGITS.recipes) == ["best", "tutorial"]
    tutorial = DIGITS.recipes["tutorial"]
    assert (tutorial.batch_size, tutorial.epochs, tutorial.validation) == (128, 15, 0.1)
    x = prepare(np.full((4, 28, 28), 255, "uint8"))
    assert x.shape == (4, 28, 28, 1)
    assert x.dtype == np.float32
    assert x.max() == 1
    model = tutorial.build(10, 1, 0)
    assert model.count_params() == 34_826
    for recipe in DIGITS.recipes.values():
        model = recipe.build(10, 1, 0)
        losses = model.fit(x, np.arange(4), epochs=1, verbose=0).history["loss"]
        assert np.isfinite(losses).all()
        assert model.predict(x, verbose=0).shape == (4, 10)


def test_faint_ink_becomes_as_strong_as_the_data_sets() -> None:
    """Yellow on white, placed as in the data set: a picture of the right layout, but far too weak."""
    strong = prepare_digit(drawn("2")).pixels.repeat(10, 0).repeat(10, 1)
    assert "as in the data set" in prepare_digit(strong).steps[-1]
    faint = prepare_digit((255 - strong * 0.24).astype("uint8"))
    fits(faint.pixels)
    assert alike(faint.pixels, prepare_digit(strong).pixels) > 0.9


def test_two_digits_are_told() -> None:
    number = np.minimum(drawn("4", at=(60, 60)), drawn("2", at=(220, 60)))
    assert any("more than one digit" in step for step in prepare_digit(number).steps)
    for digit in DIGIT_NAMES:
        assert not any("more than one digit" in step for step in prepare_digit(drawn(digit)).steps)
