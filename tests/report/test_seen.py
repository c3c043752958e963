"""The figures of what a network sees: colours say what the numbers say, tiles lie where they belong."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from neurona.i18n import set_language
from neurona.report import seen
from neurona.report.canvas import BLUE, ORANGE
from neurona.tensor import Array


@pytest.fixture(autouse=True, params=["en", "es"])
def language(request: pytest.FixtureRequest) -> Iterator[str]:
    set_language(request.param)
    yield request.param
    set_language(None)


def read(path: Path) -> Array:
    with Image.open(path) as picture:
        assert picture.width == 990
        return np.asarray(picture.convert("RGB"), "int64")


def near(pixel: Array, colour: tuple[int, int, int]) -> bool:
    return bool(np.abs(pixel - np.array(colour)).max() < 12)


def test_signed_numbers_go_from_blue_to_orange() -> None:
    found = seen.signed(np.array([[-2.0, -1.0, 0.0, 1.0, 2.0]])).astype(int)[0]
    assert found[0].tolist() == list(BLUE) and found[4].tolist() == list(ORANGE) and (found[2] == 255).all()
    assert (np.diff(found[:3, 0]) > 0).all() and (np.diff(found[2:, 2]) < 0).all()
    assert (seen.signed(np.zeros((2, 2))) == 255).all()
    assert (seen.signed(np.array([[np.nan, np.inf]]), 1.0)[0, 0] == 255).all()
    assert seen.signed(np.array([[5.0]]), most=10.0).astype(int)[0, 0, 2] > 120


def test_kernels_fill_rows_of_twelve(tmp_path: Path) -> None:
    upright = np.array([[-1.0, 1.0], [-1.0, 1.0]])[..., np.newaxis]
    colours = np.zeros((2, 2, 3))
    colours[..., 0] = 4.0
    found = read(seen.draw_filters([upright] * 12 + [colours], tmp_path / "x.png"))
    assert found.shape[0] == 165
    for k in (0, 11):
        x = round(990 / 12 * k)
        assert near(found[41, x + 20], BLUE) and near(found[41, x + 62], ORANGE)
    assert near(found[82 + 41, 41], (255, 128, 128))  # red weights alone
    assert (found[90:, 90:] > 250).all()


def test_a_unit_has_its_made_picture_and_its_patches(tmp_path: Path) -> None:
    made = np.full((6, 6, 3), [200, 0, 0], "uint8")
    patches = [np.full((3, 3), 25 * k, "uint8") for k in range(9)]
    found = read(seen.draw_units([seen.UnitView("unit 3", made, patches)] * 5, tmp_path / "x.png"))
    assert near(found[80, 50], (200, 0, 0)) and near(found[80 + 148, 50], (200, 0, 0))
    tiles = [int(found[26 + 17 + 37 * (k // 3), 116 + 17 + 37 * (k % 3), 0]) for k in range(9)]
    assert tiles == [25 * k for k in range(9)]
    assert (found[4:22, :100] < 100).any()  # its name
    assert (found[160:, 250:] > 250).all()


@pytest.mark.parametrize("count", [1, 3, 7])
def test_classes_lie_side_by_side_with_their_names(tmp_path: Path, count: int) -> None:
    pictures = [np.full((8, 8), 30 * k, "uint8") for k in range(count)]
    found = read(seen.draw_classes(pictures, [f"ñu {k}" for k in range(count)], tmp_path / "x.png"))
    across = min(5, count)
    for k in range(count):
        x, y = round(990 / across * (k % across + 0.5)), 194 * (k // across)
        assert near(found[y + 100, x], (30 * k,) * 3)
        assert (found[y + 6 : y + 26, x - 40 : x + 40] < 100).any()


def test_maps_lie_over_their_pictures(tmp_path: Path) -> None:
    picture = np.full((8, 8, 3), 128, "uint8")
    values = np.zeros((8, 8))
    values[:4], values[4:] = 2.0, -2.0
    places = seen.Places("cat 90%", picture, {"Grad-CAM 7x7": np.zeros((8, 8)), "occlusion": values})
    one = read(seen.draw_places([places], tmp_path / "x.png"))
    side = 215
    assert near(one[150, 100], (128, 128, 128))
    grey = one[150, 100 + side + 5]
    assert np.ptp(grey) == 0 and grey[0] > 128  # nothing to show: a pale copy
    above, below = one[42 + 40, 100 + 2 * (side + 5)], one[42 + 180, 100 + 2 * (side + 5)]
    assert above[0] > above[2] + 100 and below[2] > below[0] + 100
    two = read(seen.draw_places([places, places, places], tmp_path / "y.png"))
    assert near(two[100, 50], (128,) * 3) and near(two[100, 545], (128,) * 3) and (two[-100:, 500:] > 250).all()


def test_maps_come_strongest_first_and_numbers_as_cells(tmp_path: Path) -> None:
    maps = np.zeros((4, 4, 3))
    maps[..., 1], maps[..., 2] = 4.0, -2.0
    numbers = np.linspace(-1, 1, 30)
    found = read(seen.draw_maps(np.full((8, 8), 90, "uint8"), {"a": maps, "b": numbers}, tmp_path / "x.png"))
    assert found.shape[0] == 336
    assert near(found[60, 40], (90,) * 3)
    row = 112 + 24 + 40
    assert near(found[row, 40], ORANGE)  # 4.0 first
    assert near(found[row, 40 + 91], (255, 255, 255))  # then zero
    blue = found[row, 40 + 181]
    assert blue[2] > blue[0] + 50 and not near(blue, BLUE)  # -2.0, half as strong
    # 30 numbers as two rows of 20 cells of 39 pixels
    assert near(found[248 + 20, 20], BLUE) and near(found[248 + 39 + 20, 9 * 39 + 20], ORANGE)
    assert near(found[248 + 39 + 20, 12 * 39], (255, 255, 255))
