"""Pictures of every kind become what the network knows, or a clear error; none costs much time or memory."""

from __future__ import annotations

import io
import os
import struct
import time
import tracemalloc
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from neurona.datasets.fashion_mnist import FASHION_MNIST
from neurona.errors import PictureError
from neurona.recognisers.garments import prepare_garment
from neurona.recognisers.pictures import read_grey


@pytest.fixture(scope="module")
def garments() -> np.ndarray:
    assert FASHION_MNIST.read_sample is not None
    assert FASHION_MNIST.sample is not None
    return FASHION_MNIST.read_sample(FASHION_MNIST.sample).x_test[:100]


def enlarged(garment: np.ndarray, times: int = 10) -> np.ndarray:
    return np.asarray(Image.fromarray(garment).resize((28 * times, 28 * times), Image.Resampling.BICUBIC))


def framed(picture: np.ndarray, width: int, colour: int) -> np.ndarray:
    return np.pad(picture, width, constant_values=colour)


def saved(path: Path, picture: np.ndarray | Image.Image, **kwargs: object) -> Path:
    (picture if isinstance(picture, Image.Image) else Image.fromarray(picture)).save(path, **kwargs)  # type: ignore[arg-type]
    return path


def shape_on(colour: int, shape: int, size: tuple[int, int] = (60, 40)) -> np.ndarray:
    """A filled box in the middle of a plain picture."""
    picture = np.full(size, colour, "uint8")
    picture[10:-10, 12:-12] = shape
    return picture


class TestWhatIsRead:
    @pytest.mark.parametrize("ending", [".png", ".jpg"])
    @pytest.mark.parametrize("mode", ["L", "RGB", "1"])
    def test_grey_colour_and_two_tones(self, tmp_path: Path, ending: str, mode: str) -> None:
        path = saved(tmp_path / f"x{ending}", Image.fromarray(shape_on(0, 255)).convert(mode), quality=95)
        assert np.abs(read_grey(path).astype(int) - shape_on(0, 255)).max() <= 8

    def test_palette(self, tmp_path: Path) -> None:
        path = saved(tmp_path / "x.png", Image.fromarray(shape_on(20, 200)).convert("P"))
        assert np.array_equal(read_grey(path), shape_on(20, 200))

    def test_colours_weigh_as_the_eye_sees_them(self, tmp_path: Path) -> None:
        path = saved(tmp_path / "x.png", Image.new("RGB", (5, 5), (255, 0, 0)))
        assert (read_grey(path) == 76).all()  # 0.299 * 255

    def test_sixteen_bits_keep_their_range(self, tmp_path: Path) -> None:
        path = saved(tmp_path / "x.png", Image.fromarray(shape_on(0, 200).astype("uint16") * 257))
        assert np.array_equal(read_grey(path), shape_on(0, 200))

    def test_cmyk(self, tmp_path: Path) -> None:
        path = saved(tmp_path / "x.jpg", Image.fromarray(shape_on(0, 255)).convert("RGB").convert("CMYK"), quality=95)
        assert np.abs(read_grey(path).astype(int) - shape_on(0, 255)).max() <= 12

    @pytest.mark.parametrize(("garment", "around"), [(30, 255), (240, 0)])
    def test_what_is_transparent_contrasts_with_what_is_not(self, tmp_path: Path, garment: int, around: int) -> None:
        alpha = Image.fromarray(shape_on(0, 255))
        path = saved(
            tmp_path / "x.png", Image.merge("LA", (Image.new("L", alpha.size, garment), alpha)).convert("RGBA")
        )
        assert np.array_equal(read_grey(path), shape_on(around, garment))

    def test_a_transparent_palette_colour(self, tmp_path: Path) -> None:
        picture = Image.fromarray(shape_on(0, 1))
        picture.putpalette([9, 9, 9, 50, 50, 50])
        path = saved(tmp_path / "x.png", picture, transparency=0)
        assert np.array_equal(read_grey(path), shape_on(255, 50))

    def test_a_camera_that_was_turned(self, tmp_path: Path) -> None:
        exif = Image.Exif()
        exif[0x0112] = 6  # turn a quarter clockwise to see it upright
        grey = np.zeros((40, 60), "uint8")
        grey[:, :20] = 255
        path = saved(tmp_path / "x.jpg", grey, exif=exif, quality=95)
        found = read_grey(path)
        assert found.shape == (60, 40)
        assert found[:15].mean() > 250
        assert found[-30:].mean() < 5

    def test_one_pixel(self, tmp_path: Path) -> None:
        assert read_grey(saved(tmp_path / "x.png", np.full((1, 1), 7, "uint8"))).tolist() == [[7]]

    def test_large_photographs_are_made_smaller(self, tmp_path: Path) -> None:
        path = saved(tmp_path / "x.jpg", np.zeros((4000, 3000), "uint8"))
        assert max(read_grey(path).shape) <= 1024


class TestWhatIsRefused:
    def refusal(self, path: Path) -> str:
        with pytest.raises(PictureError) as caught:
            read_grey(path)
        return str(caught.value)

    def test_missing_folder_and_too_long_a_name(self, tmp_path: Path) -> None:
        assert "no file" in self.refusal(tmp_path / "x.png")
        assert "is a folder" in self.refusal(tmp_path)
        assert "too long" in self.refusal(tmp_path / ("x" * 300 + ".png"))

    @pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes here")
    def test_a_pipe_is_not_waited_for(self, tmp_path: Path) -> None:
        os.mkfifo(tmp_path / "x.png")
        assert "no ordinary file" in self.refusal(tmp_path / "x.png")

    def test_empty(self, tmp_path: Path) -> None:
        (tmp_path / "x.png").touch()
        assert "it is empty" in self.refusal(tmp_path / "x.png")

    def test_renamed_text(self, tmp_path: Path) -> None:
        (tmp_path / "x.jpg").write_text("Dear reader, " * 50)
        assert "neither PNG nor JPEG" in self.refusal(tmp_path / "x.jpg")

    @pytest.mark.parametrize("form", ["GIF", "WEBP", "TIFF", "BMP", "PPM", "ICO"])
    def test_other_formats_even_under_a_picture_s_name(self, tmp_path: Path, form: str) -> None:
        path = saved(tmp_path / "x.png", shape_on(0, 255), format=form)
        assert "neither PNG nor JPEG" in self.refusal(path)

    @pytest.mark.parametrize("form", ["PNG", "JPEG"])
    def test_truncated_at_any_place(self, tmp_path: Path, form: str) -> None:
        whole = io.BytesIO()
        noise = np.random.default_rng(0).integers(0, 256, (40, 40), "uint8")
        Image.fromarray(noise).save(whole, form)
        data, path = whole.getvalue(), tmp_path / "x.png"
        for end in range(0, len(data) - 40, 37):
            path.write_bytes(data[:end])
            assert str(path) in self.refusal(path)

    @pytest.mark.parametrize("form", ["PNG", "JPEG"])
    def test_damage_of_any_kind_is_our_error_or_a_picture(self, tmp_path: Path, form: str) -> None:
        whole = io.BytesIO()
        exif = Image.Exif()
        exif[0x0112], exif[0x010E] = 6, "a description"
        Image.fromarray(shape_on(0, 255)).save(whole, form, exif=exif)
        rng = np.random.default_rng(1)
        path = tmp_path / "x.png"
        for _round in range(400):
            data = bytearray(whole.getvalue())
            for place in rng.integers(0, len(data), rng.integers(1, 6)):
                data[place] = rng.integers(256)
            path.write_bytes(data)
            try:
                grey = read_grey(path)
            except PictureError:
                continue
            assert grey.ndim == 2
            assert grey.dtype == np.uint8

    @pytest.mark.parametrize("side", [20_000, 2_000_000_000])
    def test_a_bomb_is_refused_before_it_is_unpacked(self, tmp_path: Path, side: int) -> None:
        def chunk(kind: bytes, data: bytes) -> bytes:
            return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

        header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
        body = zlib.compress(bytes(1 << 20))
        path = tmp_path / "x.png"
        path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", body) + chunk(b"IEND", b""))
        tracemalloc.start()
        began = time.perf_counter()
        try:
            self.refusal(path)
        finally:
            most = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
        assert time.perf_counter() - began < 1
        assert most < 8 << 20

    @pytest.mark.parametrize("picture", [np.zeros((1, 1)), np.full((50, 80), 255), np.full((300, 200), 128)])
    def test_a_picture_of_nothing(self, picture: np.ndarray) -> None:
        with pytest.raises(PictureError, match="all of one colour"):
            prepare_garment(picture.astype("uint8"))

    def test_an_even_slope_is_a_picture_of_nothing(self) -> None:
        with pytest.raises(PictureError, match="all of one colour"):
            prepare_garment(np.tile(np.linspace(150, 250, 300), (200, 1)).astype("uint8"))


class TestWhatTheNetworkGets:
    def test_the_data_set_s_own_pictures_stay_as_they_are(self, garments: np.ndarray, tmp_path: Path) -> None:
        for garment in garments:
            prepared = prepare_garment(read_grey(saved(tmp_path / "x.png", garment)))
            assert np.array_equal(prepared.pixels, garment)
            assert not prepared.inverted

    def test_also_light_and_dark_exchanged(self, garments: np.ndarray) -> None:
        for garment in garments:
            prepared = prepare_garment(255 - garment)
            assert np.array_equal(prepared.pixels, garment)
            assert prepared.inverted

    def test_also_enlarged_on_white(self, garments: np.ndarray, tmp_path: Path) -> None:
        for garment in garments[:40]:
            path = saved(tmp_path / "x.png", 255 - np.kron(garment, np.ones((10, 10), "uint8")))
            assert np.abs(prepare_garment(read_grey(path)).pixels.astype(int) - garment).max() <= 1

    @pytest.mark.parametrize("spoil", ["frame", "noise", "jpeg", "slope", "dust", "grey ground"])
    def test_a_photograph_s_faults_move_the_cut_by_little(
        self, garments: np.ndarray, tmp_path: Path, spoil: str
    ) -> None:
        """The box around the garment is that of the clean picture, within 3 % of its size."""
        rng = np.random.default_rng(2)
        for garment in garments[:25]:
            clean = framed(255 - enlarged(garment), 60, 255)
            expected = prepare_garment(clean)
            photo, kind = clean.astype("float64"), "png"
            if spoil == "noise":
                photo = photo * 0.9 + rng.normal(0, 12, photo.shape)
            elif spoil == "jpeg":
                kind = "jpg"
            elif spoil == "slope":
                photo = photo * np.linspace(1, 0.85, photo.shape[1])
            elif spoil == "dust":
                for y, x in rng.integers(0, 398, (6, 2)):
                    photo[y : y + 2, x : x + 2] = 90
            elif spoil == "grey ground":
                photo = photo * 0.75
            photo = np.clip(photo, 0, 255).astype("uint8")
            path = saved(tmp_path / f"x.{kind}", photo, **({"quality": 30} if kind == "jpg" else {}))
            found = prepare_garment(read_grey(path))
            assert np.abs(np.subtract(found.box, expected.box)).max() <= 12
            correlation = np.corrcoef(found.pixels.ravel(), expected.pixels.ravel())[0, 1]
            assert correlation > 0.85

    def test_a_garment_is_cut_out_centred_and_fills_the_frame(self) -> None:
        picture = np.full((200, 300), 250, "uint8")
        picture[20:160, 10:80] = 40  # 140 high, 70 wide, far from the middle
        prepared = prepare_garment(picture)
        assert prepared.inverted
        left, top, right, bottom = prepared.box
        assert abs(left - 10) <= 3
        assert abs(top - 20) <= 3
        assert abs(right - 80) <= 3
        assert abs(bottom - 160) <= 3
        seen = prepared.pixels > 100
        rows, columns = np.flatnonzero(seen.any(1)), np.flatnonzero(seen.any(0))
        assert (rows[0], rows[-1]) == (0, 27)
        assert (columns[0], columns[-1]) == (7, 20)
        assert len(prepared.steps) == 3

    def test_two_shoes_stay_two(self) -> None:
        picture = np.full((200, 300), 255, "uint8")
        picture[80:120, 30:130] = 60
        picture[80:120, 170:270] = 60
        left, _top, right, _bottom = prepare_garment(picture).box
        assert left <= 30
        assert right >= 270

    @pytest.mark.parametrize("size", [(1, 500), (500, 1), (2, 3)])
    def test_strange_proportions(self, size: tuple[int, int]) -> None:
        picture = np.zeros(size, "uint8")
        picture[size[0] // 2, size[1] // 2] = 255
        prepared = prepare_garment(picture)
        assert prepared.pixels.shape == (28, 28)
        assert prepared.pixels.max() > 100

    def test_a_garment_that_touches_the_edge(self) -> None:
        picture = np.full((280, 280), 255, "uint8")
        picture[60:, 40:240] = 50
        prepared = prepare_garment(picture)
        assert prepared.inverted
        assert prepared.pixels[27, 14] > 150

    def test_faint_pictures_get_contrast(self) -> None:
        picture = np.full((100, 100), 200, "uint8")
        picture[20:80, 20:80] = 160
        prepared = prepare_garment(picture)
        assert prepared.pixels.max() == 255
        assert any("contrast" in step for step in prepared.steps)

    def test_the_words_are_in_the_language_in_force(self) -> None:
        from neurona.i18n import set_language

        set_language("es")
        try:
            steps = " ".join(prepare_garment(shape_on(255, 0)).steps)
        finally:
            set_language(None)
        assert "fondo claro" in steps
