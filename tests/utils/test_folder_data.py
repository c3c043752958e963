"""Texts and pictures from folders, windows over time: what Keras's recorded answers do not tell."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from neurona import preprocessing
from neurona.errors import ArgumentError, DataError, DataNotFoundError, PictureError, UnknownNameError
from neurona.utils import (
    image_dataset_from_directory,
    text_dataset_from_directory,
    timeseries_dataset_from_array,
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Ten texts of class a, ten of class b."""
    for name in "ab":
        (tmp_path / name).mkdir()
        for number in range(10):
            (tmp_path / name / f"{number}.txt").write_text(f"{name}{number}")
    return tmp_path


def test_every_file_once_and_with_its_class(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    dataset = text_dataset_from_directory(folder, batch_size=8, seed=3)
    assert capsys.readouterr().out == "Found 20 files belonging to 2 classes.\n"
    passes = [
        [(text, int(label)) for texts, labels in dataset.as_numpy_iterator()
         for text, label in zip(texts, labels, strict=True)]
        for _ in range(2)
    ]  # fmt: skip
    whole = [(f"{name}{number}", label) for label, name in enumerate("ab") for number in range(10)]
    assert sorted(passes[0]) == sorted(passes[1]) == whole and passes[0] != passes[1] != whole
    assert len(dataset) == 3 and dataset.class_names == ["a", "b"] and len(dataset.file_paths) == 20


def test_both_parts_and_single_ones_hold_out_the_same(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    settings: dict[str, Any] = {"validation_split": 0.25, "seed": 1, "batch_size": None, "label_mode": None}
    train, held = text_dataset_from_directory(folder, subset="both", **settings)
    assert capsys.readouterr().out == "Found 20 files.\nUsing 15 files for training.\nUsing 5 files for validation.\n"

    def texts(dataset: Any) -> list[str]:
        return list(dataset.as_numpy_iterator())

    assert len({*texts(train), *texts(held)}) == 20 and len(texts(held)) == 5
    assert set(texts(text_dataset_from_directory(folder, subset="validation", **settings))) == set(texts(held))
    assert set(texts(text_dataset_from_directory(folder, subset="training", **settings))) == set(texts(train))
    assert texts(held) == texts(held)  # in one order


def test_bytes_lengths_and_links(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "out").mkdir()
    (tmp_path / "in/1.txt").write_bytes("aé€".encode())
    (tmp_path / "in/2.txt").write_bytes(b"caf\xe9s")
    (tmp_path / "in/3.txt").write_bytes(b"")
    (tmp_path / "out/4.txt").write_text("linked")
    (tmp_path / "in/more").symlink_to(tmp_path / "out", target_is_directory=True)
    settings: dict[str, Any] = {"labels": None, "batch_size": None, "shuffle": False, "verbose": False}
    assert list(text_dataset_from_directory(tmp_path / "in", **settings).as_numpy_iterator()) == ["aé€", "cafés", ""]
    cut = text_dataset_from_directory(tmp_path / "in", max_length=5, **settings)
    assert [text.item() for text in cut] == ["aé", "cafés", ""]
    followed = text_dataset_from_directory(tmp_path / "in", follow_links=True, **settings)
    assert list(followed.as_numpy_iterator()) == ["aé€", "cafés", "", "linked"]
    (tmp_path / "in/1.txt").unlink()
    with pytest.raises(DataError, match=r"1\.txt cannot be read"):
        list(followed)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"labels": "guess"}, "should be a list/tuple of integer labels"),
        ({"labels": [1], "class_names": ["a"]}, "only pass `class_names` if"),
        ({"labels": [1]}, "1 labels, and 20 files"),
        ({"labels": None, "class_names": ["a"]}, "`class_names` can only be given"),
        ({"class_names": ["a", "c"]}, "did not match the names of the subdirectories"),
        ({"label_mode": "one"}, "`label_mode` argument must be one of"),
        ({"label_mode": "binary", "class_names": ["a"]}, "exactly 2 class_names"),
        ({"format": "numpy"}, "`format` should be"),
        ({"validation_split": 1.5, "subset": "both"}, "between 0 and 1"),
        ({"validation_split": 0.5}, "and inversely"),
        ({"subset": "training"}, "and inversely"),
        ({"validation_split": 0.5, "subset": "test", "seed": 1}, '"training", "validation" or "both"'),
        ({"validation_split": 0.5, "subset": "both"}, "must provide a `seed`"),
        ({"validation_split": 0.01, "subset": "both", "seed": 1}, "No validation text files found"),
        ({"max_length": -1}, "Received: max_length=-1"),
    ],
)
def test_impossible_settings(folder: Path, given: dict[str, Any], message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        preprocessing.text_dataset_from_directory(folder, verbose=False, **given)


def test_no_folder_or_no_files(tmp_path: Path) -> None:
    with pytest.raises(DataNotFoundError, match="There is no folder"):
        text_dataset_from_directory(tmp_path / "nowhere")
    with pytest.raises(ArgumentError, match="No text files found"):
        text_dataset_from_directory(tmp_path, verbose=False)


# -- pictures --------------------------------------------------------------------------------------------------


@pytest.fixture
def gallery(tmp_path: Path) -> Path:
    """A red picture with a transparent half, a grey one of 16 bits, a blue JPEG."""
    (tmp_path / "x").mkdir()
    half = np.full((4, 4, 4), (255, 0, 0, 255), "uint8")
    half[:, 2:, 3] = 0
    Image.fromarray(half).save(tmp_path / "x/1.png")
    Image.fromarray(np.full((4, 4), 0x8000, "uint16")).save(tmp_path / "x/2.png")
    Image.fromarray(np.full((8, 8, 3), (0, 0, 255), "uint8")).save(tmp_path / "x/3.jpeg")
    return tmp_path


def pictures(folder: Path, **given: Any) -> Any:
    settings: dict[str, Any] = {"image_size": 4, "shuffle": False, "verbose": False, "batch_size": None}
    return preprocessing.image_dataset_from_directory(folder, **{**settings, **given})


def test_colours_of_every_kind(gallery: Path) -> None:
    rgb = [picture.numpy() for picture, _label in pictures(gallery)]
    assert [p.shape for p in rgb] == [(4, 4, 3)] * 3 and rgb[0].dtype == np.float32
    assert rgb[0][0, 3].tolist() == [255, 0, 0] and rgb[1][0, 0].tolist() == [128, 128, 128]
    assert abs(rgb[2][0, 0] - [0, 0, 255]).max() < 4
    rgba = [picture.numpy() for picture, _label in pictures(gallery, color_mode="rgba")]
    assert rgba[0][0, 3].tolist() == [255, 0, 0, 0] and rgba[1][0, 0].tolist() == [128, 128, 128, 255]
    grey = [
        picture.numpy() for picture, _label in pictures(gallery, color_mode="grayscale", data_format="channels_first")
    ]
    assert [p.shape for p in grey] == [(1, 4, 4)] * 3 and grey[0][0, 0, 0] == 76


def test_files_that_are_no_pictures(gallery: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    good = (gallery / "x/1.png").read_bytes()
    for content in (b"", b"no picture", good[:60]):
        (gallery / "x/1.png").write_bytes(content)
        with pytest.raises(PictureError, match=r"1\.png cannot be read as a picture"):
            list(pictures(gallery))
    (gallery / "x/1.png").write_bytes(good)
    monkeypatch.setattr("neurona.utils.picture_folder._LARGEST", 15)
    with pytest.raises(PictureError, match="has 16 pixels; at most 15"):
        list(pictures(gallery))


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        ({"color_mode": "cmyk"}, ArgumentError, "`color_mode` must be one of"),
        ({"image_size": (1, 2, 3)}, ArgumentError, "Invalid `image_size` value"),
        ({"interpolation": "cubic"}, UnknownNameError, "Did you mean 'bicubic'"),
        ({"crop_to_aspect_ratio": True, "pad_to_aspect_ratio": True}, ArgumentError, "Only one of"),
        ({"data_format": "hwc"}, ArgumentError, "`data_format` must be"),
        ({"class_names": ["y"]}, ArgumentError, "did not match"),
    ],
)
def test_impossible_picture_settings(
    gallery: Path, given: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        pictures(gallery, **given)


def test_no_pictures(tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match="No images found"):
        image_dataset_from_directory(tmp_path, verbose=False)


# -- windows ---------------------------------------------------------------------------------------------------


def test_windows_are_mixed_with_their_targets() -> None:
    dataset = timeseries_dataset_from_array(np.arange(20), np.arange(20), 3, batch_size=4, shuffle=True, seed=2)
    seen = [(x.tolist(), int(y)) for xs, ys in dataset for x, y in zip(xs, ys, strict=True)]
    assert all(x == [y, y + 1, y + 2] for x, y in seen) and sorted(y for _x, y in seen) == list(range(18))
    assert [y for _x, y in seen] != list(range(18)) and len(dataset) == 5


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"start_index": -1}, "`start_index` must be 0 or greater"),
        ({"start_index": 10}, "Received: start_index=10"),
        ({"end_index": 10}, "`end_index` must be"),
        ({"start_index": 5, "end_index": 5}, "higher than 0 and `start_index`"),
        ({"sampling_rate": 0}, "`sampling_rate` must be higher than 0"),
        ({"sequence_stride": 10}, "`sequence_stride` must be"),
        ({"format": "np"}, "`format` should be"),
    ],
)
def test_impossible_windows(given: dict[str, Any], message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        timeseries_dataset_from_array(np.arange(10), None, 3, **given)
