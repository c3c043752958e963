"""Photographs of any kind become small square pictures in colour."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from neurona.errors import PictureError
from neurona.recognisers.photographs import prepare_object, see_object
from neurona.recognisers.pictures import read_colour


def halves(width: int = 96, height: int = 64) -> np.ndarray:
    """Red on the left, blue on the right."""
    picture = np.zeros((height, width, 3), "uint8")
    picture[:, : width // 2, 0] = 250
    picture[:, width // 2 :, 2] = 250
    return picture


def test_the_middle_square_by_averages() -> None:
    found = prepare_object(halves())
    assert found.pixels.shape == (32, 32, 3)
    assert found.box == (16, 0, 80, 64)
    assert found.pixels[5, 5].tolist() == [250, 0, 0]
    assert found.pixels[5, 30].tolist() == [0, 0, 250]
    assert "64x64 of 96x64" in found.steps[0]
    board = np.indices((128, 128)).sum(0) % 2 * 200
    fine = prepare_object(np.repeat(board[..., None], 3, 2).astype("uint8"))
    assert (fine.pixels == 100).all()  # four times four pixels each, not one of them


def test_of_the_right_size_is_kept_and_small_is_enlarged() -> None:
    rng = np.random.default_rng(0)
    picture = rng.integers(0, 256, (32, 32, 3), "uint8")
    assert np.array_equal(prepare_object(picture).pixels, picture)
    assert prepare_object(picture[:1, :1]).pixels.shape == (32, 32, 3)
    assert prepare_object(picture[:3]).box == (14, 0, 17, 3)


@pytest.mark.parametrize("kind", ["RGB", "CMYK", "L", "P", "RGBA", "LA", "I;16", "1"])
def test_every_kind_of_picture(tmp_path: Path, kind: str) -> None:
    grey = np.full((50, 40), 180, "uint8")
    grey[-1] = 0  # outside the middle square
    if kind == "I;16":
        picture = Image.fromarray(grey.astype("uint16") * 257)
    elif kind == "1":
        picture = Image.fromarray(grey > 90)
    elif kind in ("RGBA", "LA"):
        picture = Image.fromarray(grey).convert(kind)
        picture.putalpha(Image.fromarray(np.full((50, 40), 255, "uint8")))
    else:
        picture = Image.fromarray(grey).convert(kind)
    path = tmp_path / ("x.jpg" if kind == "CMYK" else "x.png")
    picture.save(path)
    found = see_object(path)
    assert found.pixels.shape == (32, 32, 3)
    assert np.abs(found.pixels.astype(int) - (255 if kind == "1" else 180)).max() <= 3


def test_colours_of_cmyk_turned_and_transparent(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # turn a quarter clockwise to see it upright
    Image.fromarray(halves()).save(tmp_path / "x.jpg", exif=exif, quality=95)
    upright = read_colour(tmp_path / "x.jpg")
    assert upright.shape == (96, 64, 3)
    assert upright[5, 5, 0] > 200
    assert upright[-5, 5, 2] > 200
    Image.fromarray(halves()).convert("CMYK").save(tmp_path / "c.jpg", quality=95)
    assert np.abs(read_colour(tmp_path / "c.jpg")[5, 5].astype(int) - [250, 0, 0]).max() < 40
    see_through = Image.fromarray(halves()).convert("RGBA")
    see_through.putalpha(Image.fromarray(np.repeat(np.uint8([[0] * 48 + [255] * 48]), 64, 0)))
    see_through.save(tmp_path / "t.png")
    found = read_colour(tmp_path / "t.png")
    assert found[5, 5].tolist() == [255, 255, 255]
    assert found[5, 90].tolist() == [0, 0, 250]


def test_what_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "x.png").write_bytes(b"")
    with pytest.raises(PictureError, match="it is empty"):
        see_object(tmp_path / "x.png")
    Image.new("RGB", (50, 40), (10, 20, 30)).save(tmp_path / "x.png")
    with pytest.raises(PictureError, match="all of one colour"):
        see_object(tmp_path / "x.png")
