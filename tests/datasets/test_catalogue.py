"""Data sets by name, Keras's `load_data`, and the shipped sample itself."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest

import neurona.datasets as datasets
from neurona.datasets import catalogue, fashion_mnist
from neurona.datasets.fashion_mnist import FASHION_MNIST
from neurona.errors import ArgumentError, DataNotFoundError, UnknownNameError
from neurona.i18n import set_language

SAMPLE_FINGERPRINT = "3f3f2ef3d5db84297ec8130f6c74d3a30fcc23fe80b3ea8ff628b3e9aea19c87"


@pytest.fixture
def tiny_catalogue(tiny, monkeypatch):
    """A catalogue of the tiny data set alone."""
    monkeypatch.setattr(catalogue, "CATALOGUE", (tiny.record,))
    return tiny


def test_every_record_is_complete():
    known: set[str] = set()
    for record in datasets.CATALOGUE:
        names = {record.name, *record.aliases}
        assert not names & known, "two data sets answer to one name"
        known |= names
        assert record.licence and record.mirrors and all(m.endswith("/") for m in record.mirrors)
        assert all(len(bytes.fromhex(f.sha256)) == 32 and f.size > 0 for f in record.files)
        assert len(bytes.fromhex(record.fingerprint)) == 32 or record.authentic is not None
        assert set(record.classes) == set(record.licence) == {"en", "es"}
        assert len(record.classes["en"]) == len(record.classes["es"]) == len(set(record.classes["es"]))


@pytest.mark.parametrize("name", ["clothes", "prendas", " Prendas", "fashion-mnist", "fashion_mnist", "Fashion-MNIST"])
def test_names(name):
    assert datasets.find(name) is FASHION_MNIST


def test_accents_do_not_matter():
    assert catalogue._plain("Dígitos") == "digitos" and catalogue._plain("RESEÑAS") == "resenas"


def test_an_unknown_name_is_answered_with_the_nearest():
    with pytest.raises(UnknownNameError, match="Did you mean 'prendas'"):
        datasets.load("prenda")


def test_where_and_list_and_get(tiny_catalogue):
    before = datasets.where("clothes")
    assert before.found is None and before.sample and [p.kind for p in before.places] == ["cache", "keras", "system"]
    assert datasets.get("clothes", progress=None).downloaded
    (after,) = datasets.list_datasets()
    assert after.found is not None and after.found.kind == "cache" and after.record.title == "Fashion-MNIST"


def test_import_by_name_or_by_the_files(tiny_catalogue, tmp_path, monkeypatch):
    folder = tiny_catalogue.put(tmp_path / "stick")
    assert datasets.import_files("prendas", folder).official
    assert datasets.import_files(None, folder).name == "fashion-mnist"
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataNotFoundError, match=r"No complete data set lies in .*--name"):
        datasets.import_files(None, tmp_path / "empty")
    monkeypatch.setattr(catalogue, "CATALOGUE", (tiny_catalogue.record, tiny_catalogue.record))
    with pytest.raises(ArgumentError, match="fit several data sets"):
        datasets.import_files(None, folder)
    monkeypatch.setattr(catalogue, "CATALOGUE", (tiny_catalogue.record,))
    (folder / "t10k-labels-idx1-ubyte.gz").unlink()
    with pytest.raises(DataNotFoundError, match="missing t10k-labels"):
        datasets.import_files(None, folder)


def test_keras_load_data(tiny, monkeypatch):
    monkeypatch.setattr(fashion_mnist, "FASHION_MNIST", tiny.record)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        (x_train, y_train), (x_test, y_test) = datasets.fashion_mnist.load_data()
    for got, put in zip((x_train, y_train, x_test, y_test), tiny.arrays, strict=True):
        assert np.array_equal(got, put) and got.dtype == np.uint8


def test_keras_load_data_warns_of_a_sample(tiny, mirror, monkeypatch):
    monkeypatch.setattr(fashion_mnist, "FASHION_MNIST", tiny.record)
    mirror.mode = "html"
    with pytest.warns(UserWarning, match=r"\w") as told:
        (x_train, _y_train), (x_test, _y_test) = datasets.fashion_mnist.load_data()
    assert x_train.shape == (6000, 28, 28) and x_test.shape == (1000, 28, 28)
    assert any("not the full data set" in str(warning.message) for warning in told)
    assert all(Path(warning.filename) == Path(__file__) for warning in told)


def test_the_sample_is_whole_balanced_small_and_licensed():
    data = datasets.load("clothes", sample=True)
    assert data.fingerprint == SAMPLE_FINGERPRINT
    assert data.x_train.shape == (6000, 28, 28) and data.x_test.shape == (1000, 28, 28)
    assert data.x_train.dtype == data.y_train.dtype == np.uint8
    assert np.bincount(data.y_train).tolist() == [600] * 10
    assert np.bincount(data.y_test).tolist() == [100] * 10
    assert len({hashlib.sha256(x.tobytes()).digest() for x in data.x_train}) > 5990
    # upright, not transposed: the first trouser has two legs below, so its lowest rows fall into two pieces
    trouser = data.x_train[data.y_train == 1].mean(0)
    assert trouser[24, 13] < trouser[24, 10] and trouser[24, 14] < trouser[24, 17]
    folder = FASHION_MNIST.sample
    assert folder is not None
    assert sum(file.stat().st_size for file in folder.iterdir()) <= 3_000_000
    notice = (folder / "LICENSE").read_text(encoding="utf-8")
    assert "Copyright © 2017 Zalando SE" in notice and "Permission is hereby granted" in notice


def test_classes_in_both_languages():
    data = datasets.load("clothes", sample=True)
    assert data.classes[9] == "Ankle boot"
    set_language("es")
    assert data.classes[9] == "Botín"
    assert data.labels["en"][0] == "T-shirt/top"


def test_importing_is_cheap():
    """What only a download or a terminal needs is not loaded with the package."""
    heavy = "['urllib.request', 'ssl', 'rich', 'platformdirs']"
    code = f"import sys, neurona.datasets; print([m for m in {heavy} if m in sys.modules])"
    root = Path(datasets.__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=root, check=True)
    assert done.stdout.strip() == "[]"


def test_import_tells_what_the_path_is_not(tmp_path):
    for name in (None, "mnist"):
        with pytest.raises(DataNotFoundError, match=r"There is no file or folder .*nowhere"):
            datasets.import_files(name, tmp_path / "nowhere")
    with pytest.raises(DataNotFoundError, match=r"There is no file or folder .*nowhere"):
        datasets.load("mnist", path=tmp_path / "nowhere")
