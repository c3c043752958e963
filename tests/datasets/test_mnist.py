"""MNIST in each of its forms, told from Fashion-MNIST by what is in the files."""

from __future__ import annotations

import dataclasses
import hashlib
import warnings
from pathlib import Path

import numpy as np
import pytest

import neurona.datasets as datasets
from neurona.datasets import catalogue, fashion_mnist, four_files, mnist
from neurona.datasets.four_files import FOUR_FILES
from neurona.datasets.idx import write_idx
from neurona.datasets.loading import import_record, load_record
from neurona.datasets.mnist import MNIST
from neurona.datasets.records import Arrays
from neurona.errors import DamagedDataError, DataNotFoundError

SHAPES = ((12, 28, 28), (12,), (6, 28, 28), (6,))


def arrays(seed: int) -> Arrays:
    rng = np.random.default_rng(seed)
    return Arrays(*(rng.integers(0, 256 if len(shape) == 3 else 10, shape, np.uint8) for shape in SHAPES))


DIGITS, CLOTHES = arrays(1), arrays(2)


def put(folder: Path, some: Arrays) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, array in zip(FOUR_FILES, some, strict=True):
        write_idx(folder / name, array)
    return folder


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Eighteen pictures instead of 70,000, with their own hashes."""
    owners = {
        hashlib.sha256(labels.tobytes()).hexdigest(): title
        for title, some in (("MNIST", DIGITS), ("Fashion-MNIST", CLOTHES))
        for labels in (some.y_train, some.y_test)
    }
    monkeypatch.setattr(four_files, "_SHAPES", SHAPES)
    monkeypatch.setattr(four_files, "_OWNERS", owners)
    monkeypatch.setattr(mnist, "_SHAPES", dict(zip(Arrays._fields, SHAPES, strict=True)))


def equal(data: object, some: Arrays) -> bool:
    return all(np.array_equal(getattr(data, field), a) for field, a in zip(some._fields, some, strict=True))


def test_the_four_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = put(tmp_path / "mine", DIGITS)
    data = load_record(MNIST, path=folder)
    assert equal(data, DIGITS) and data.classes == tuple("0123456789")
    assert not data.official and "not those that its authors published" in data.notes[0]
    written = tmp_path / "written"
    written.mkdir()
    hashes = []
    for name, array in zip(FOUR_FILES, DIGITS, strict=True):
        write_idx(written / name.removesuffix(".gz"), array)
        hashes.append(hashlib.sha256((written / name.removesuffix(".gz")).read_bytes()).hexdigest())
    monkeypatch.setattr(mnist, "_CONTENTS", tuple(hashes))
    data = load_record(MNIST, path=folder)  # what is official shows in the contents, however they are packed
    assert data.official and data.notes == ()
    np.savez(tmp_path / "other.npz", **DIGITS._asdict())
    assert load_record(MNIST, path=tmp_path / "other.npz").official


def test_keras_own_file_wherever_it_lies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keras = tmp_path / "home" / ".keras" / "datasets"
    keras.mkdir(parents=True)
    np.savez_compressed(keras / "mnist.npz", **DIGITS._asdict())
    data = load_record(MNIST, download=False)
    assert (data.place, data.origin) == ("keras", str(keras)) and equal(data, DIGITS)
    for path in (keras, keras / "mnist.npz"):
        assert equal(load_record(MNIST, path=path), DIGITS)
    monkeypatch.setenv("NEURONA_DATA", str(keras))
    assert load_record(MNIST, download=False).place == "NEURONA_DATA"


def test_labels_out_of_range_in_keras_own_file(tmp_path: Path) -> None:
    np.savez(tmp_path / "mnist.npz", **DIGITS._replace(y_test=np.full(6, 11, np.uint8))._asdict())
    with pytest.raises(DamagedDataError, match=r"mnist\.npz.*labels from 0 to 9, and holds 11"):
        load_record(MNIST, path=tmp_path)


def test_a_file_under_another_name_is_imported_under_its_own(tmp_path: Path) -> None:
    np.savez(tmp_path / "download (1).npz", **DIGITS._asdict())
    took = datasets.import_files(None, tmp_path / "download (1).npz")
    assert took.name == "mnist" and [f.name for f in took.files] == ["mnist.npz"]
    assert equal(load_record(MNIST, download=False), DIGITS)
    put(tmp_path / "four", CLOTHES._replace(y_train=DIGITS.y_train, y_test=DIGITS.y_test))
    again = import_record(MNIST, tmp_path / "four" / FOUR_FILES[0])  # one of the four stands for its folder
    assert sorted(p.name for p in again.folder.glob("*.*z")) == sorted(FOUR_FILES)  # in one form only


def test_one_data_set_is_never_taken_for_the_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = put(tmp_path / "fashion", CLOTHES)
    with pytest.raises(DamagedDataError, match="holds the labels of Fashion-MNIST, not of MNIST"):
        load_record(MNIST, path=folder)
    with pytest.raises(DamagedDataError, match="holds the labels of MNIST, not of Fashion-MNIST"):
        load_record(fashion_mnist.FASHION_MNIST, path=put(tmp_path / "digits", DIGITS))
    with pytest.raises(DamagedDataError, match=r"t10k-labels.* holds the labels of Fashion-MNIST"):
        load_record(MNIST, path=put(tmp_path / "mixed", DIGITS._replace(y_test=CLOTHES.y_test)))
    assert datasets.import_files(None, folder).name == "fashion-mnist"  # by the labels: the names fit both
    assert datasets.import_files(None, tmp_path / "digits").name == "mnist"
    with pytest.raises(DamagedDataError, match="Fashion-MNIST"):
        datasets.import_files("mnist", folder)


def test_a_folder_of_the_other_one_is_passed_by(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEURONA_DATA", str(put(tmp_path / "fashion", CLOTHES)))
    states = {place.kind: place.state for place in datasets.where("digits").places}
    assert states["NEURONA_DATA"] == "absent"
    with pytest.raises(DataNotFoundError, match=r"or mnist\.npz"):
        load_record(MNIST, download=False)
    put(tmp_path / "fashion" / "mnist", DIGITS)
    assert equal(load_record(MNIST, download=False), DIGITS)


def test_keras_load_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = put(tmp_path / "cache" / "datasets" / "mnist", DIGITS)
    monkeypatch.setattr(mnist, "MNIST", dataclasses.replace(MNIST, authentic=lambda _arrays: True))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for path in ("mnist.npz", "nowhere.npz", str(cache)):
            (x_train, y_train), (x_test, y_test) = datasets.mnist.load_data(path)
            assert all(np.array_equal(a, b) for a, b in zip((x_train, y_train, x_test, y_test), DIGITS, strict=True))
    keras = tmp_path / "home" / ".keras" / "datasets"
    keras.mkdir(parents=True)
    np.savez(keras / "mine.npz", **CLOTHES._asdict())
    monkeypatch.setattr(mnist, "MNIST", MNIST)
    for path in ("mine.npz", str(keras / "mine.npz")):
        with pytest.warns(UserWarning, match="not those that its authors published") as told:
            (x_train, _y), _test = datasets.mnist.load_data(path=path)
        assert np.array_equal(x_train, CLOTHES.x_train)
        assert Path(told[0].filename) == Path(__file__)


def test_names() -> None:
    for name in ("mnist", "MNIST", "digits", "Dígitos", "digitos"):
        assert catalogue.find(name) is MNIST
