"""CIFAR-10 from its archive and from its files: pictures upright and in colour, damage named with file and place."""

from __future__ import annotations

import gzip
import io
import tarfile
import warnings
from pathlib import Path

import numpy as np
import pytest

import neurona.datasets as datasets
from neurona.datasets import cifar10
from neurona.datasets.cifar10 import CIFAR10
from neurona.datasets.loading import load_record
from neurona.errors import DamagedDataError, DataNotFoundError
from neurona.i18n import set_language

BATCH = 30
NAMES = [*(f"data_batch_{n}.bin" for n in range(1, 6)), "test_batch.bin"]


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Batches of 30 pictures, read 20 at once."""
    monkeypatch.setattr(cifar10, "_BATCH", BATCH)
    monkeypatch.setattr(cifar10, "_AT_ONCE", 20)


def contents(test: int = BATCH) -> dict[str, bytes]:
    """The six files."""
    rng = np.random.default_rng(0)
    made = {}
    for name in NAMES:
        records = rng.integers(0, 256, (test if name == NAMES[-1] else BATCH, 3073), np.uint8)
        records[:, 0] = np.arange(len(records)) % 10
        made[name] = records.tobytes()
    return made


def archive(path: Path, files: dict[str, bytes], folder: str = "cifar-10-batches-bin/") -> Path:
    """The files as an archive like the official one."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        head = tarfile.TarInfo(folder)
        head.type = tarfile.DIRTYPE
        tar.addfile(head)
        for name, content in {"batches.meta.txt": b"airplane\n", **files}.items():
            info = tarfile.TarInfo(folder + name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(out.getvalue(), 1) if path.suffix == ".gz" else out.getvalue())
    return path


def lay_out(folder: Path, files: dict[str, bytes]) -> Path:
    folder.mkdir(parents=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return folder


def test_one_picture_by_hand(tmp_path: Path) -> None:
    files = contents()
    planes = np.zeros((3, 32, 32), np.uint8)
    planes[0, 2, 5], planes[1, 3, 6], planes[2, 31, 0] = 200, 150, 100
    files["data_batch_2.bin"] = bytes([7]) + planes.tobytes() + files["data_batch_2.bin"][3073:]
    data = load_record(CIFAR10, path=archive(tmp_path / "cifar-10-binary.tar.gz", files))
    picture = data.x_train[BATCH]
    assert data.y_train[BATCH] == 7 and data.classes[7] == "horse"
    assert picture.shape == (32, 32, 3) and picture.sum() == 450
    assert (picture[2, 5, 0], picture[3, 6, 1], picture[31, 0, 2]) == (200, 150, 100)
    set_language("es")
    assert (data.classes[7], data.classes[1], data.classes[9]) == ("caballo", "automóvil", "camión")


def test_every_form_gives_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = contents()
    forms = [
        archive(tmp_path / "a" / "cifar-10-binary.tar.gz", files),
        archive(tmp_path / "b" / "cifar-10-binary.tar", files).parent,
        archive(tmp_path / "c" / "renamed by a browser.tar.gz", files),
        lay_out(tmp_path / "d", files),
        lay_out(tmp_path / "e" / "cifar-10-batches-bin", files).parent,
        lay_out(tmp_path / "f" / "cifar-10" / "cifar-10-batches-bin", files).parents[1],
    ]
    prints = {load_record(CIFAR10, path=form).fingerprint for form in forms}
    assert len(prints) == 1
    data = load_record(CIFAR10, path=forms[0])
    assert data.x_train.shape == (5 * BATCH, 32, 32, 3) and data.y_train.shape == (5 * BATCH,)
    assert data.y_test.tolist() == [n % 10 for n in range(BATCH)]
    assert not data.official and "not those that its authors published" in data.notes[0]
    monkeypatch.setattr(cifar10, "_TRAIN_CONTENTS", cifar10._hash(data.x_train, data.y_train))
    monkeypatch.setattr(cifar10, "_TEST_CONTENTS", cifar10._hash(data.x_test, data.y_test))
    assert load_record(CIFAR10, path=forms[3]).official


def test_the_hash_is_that_of_the_records(tmp_path: Path) -> None:
    import hashlib

    files = contents()
    data = load_record(CIFAR10, path=lay_out(tmp_path / "d", files))
    train = b"".join(files[name] for name in NAMES[:-1])
    assert cifar10._hash(data.x_train, data.y_train) == hashlib.sha256(train).hexdigest()


@pytest.mark.parametrize("packed", [True, False])
def test_a_shorter_test_file_is_taken_and_told(tmp_path: Path, packed: bool) -> None:
    files = contents(test=7)
    path = archive(tmp_path / "x.tar.gz", files) if packed else lay_out(tmp_path / "d", files)
    data = load_record(CIFAR10, path=path)
    assert len(data.x_test) == len(data.y_test) == 7 and not data.official
    (note,) = data.notes
    assert "holds 7 of the 30 test pictures" in note and str(tmp_path) in note


@pytest.mark.parametrize("packed", [True, False])
def test_damage_is_named_with_file_and_place(tmp_path: Path, packed: bool) -> None:
    turn = 0

    def refusal(name: str, content: bytes) -> str:
        nonlocal turn
        turn += 1
        files = {**contents(), name: content}
        path = archive(tmp_path / f"{turn}.tar.gz", files) if packed else lay_out(tmp_path / str(turn), files)
        with pytest.raises(DamagedDataError) as caught:
            load_record(CIFAR10, path=path)
        assert name in str(caught.value) and str(path) in str(caught.value)
        return str(caught.value)

    good = contents()
    assert "92189 bytes: 3072 are left over" in refusal("data_batch_3.bin", good["data_batch_3.bin"][:-1])
    assert "92191 bytes: 1 are left over" in refusal("test_batch.bin", good["test_batch.bin"] + b"!")
    assert "should hold 30 pictures, and holds 29" in refusal("data_batch_1.bin", good["data_batch_1.bin"][:-3073])
    assert "and holds 31" in refusal("test_batch.bin", good["test_batch.bin"] + bytes(3073))
    assert "and holds 0" in refusal("test_batch.bin", b"")
    wrong = bytearray(good["data_batch_5.bin"])
    wrong[25 * 3073] = 10
    assert "picture 25 should have a class from 0 to 9, and has 10" in refusal("data_batch_5.bin", bytes(wrong))


def test_an_archive_of_something_else(tmp_path: Path) -> None:
    files = contents()
    path = archive(tmp_path / "x.tar.gz", {name: files[name] for name in NAMES[1:-1]})
    with pytest.raises(DamagedDataError, match=r"lacks data_batch_1\.bin, test_batch\.bin"):
        load_record(CIFAR10, path=path)
    other = archive(tmp_path / "cifar-10-binary.tar.gz", files, folder="cifar-100-binary/")
    with pytest.raises(DamagedDataError, match="lacks"):
        load_record(CIFAR10, path=other)
    (place,) = (p for p in datasets.where("objects").places if p.kind == "cache")
    assert place.state == "absent"
    with pytest.raises(DataNotFoundError, match="No complete data set"):
        datasets.import_files(None, other)
    link = io.BytesIO()
    with tarfile.open(fileobj=link, mode="w") as tar:
        info = tarfile.TarInfo("cifar-10-batches-bin/data_batch_1.bin")
        info.type, info.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(info)
    other.write_bytes(link.getvalue())
    with pytest.raises(DamagedDataError, match="neither a file nor a folder"):
        load_record(CIFAR10, path=other)


def test_the_archive_that_somebody_has_is_imported(tmp_path: Path) -> None:
    mine = archive(tmp_path / "usb stick" / "cifar.tar.gz", contents(test=5))
    took = datasets.import_files(None, mine)
    assert took.name == "cifar-10" and [f.name for f in took.files] == ["cifar-10-binary.tar.gz"]
    assert took.folder == tmp_path / "cache" / "datasets" / "cifar-10" and not took.official
    mine.unlink()
    assert load_record(CIFAR10, download=False).place == "cache"
    folder = lay_out(tmp_path / "unpacked" / "cifar-10-batches-bin", contents())
    assert len(datasets.import_files("objetos", folder.parent).files) == 6
    assert not (took.folder / "cifar-10-binary.tar.gz").exists()  # in one form only
    assert len(load_record(CIFAR10, download=False).x_test) == BATCH


def test_keras_load_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive(tmp_path / "cache" / "datasets" / "cifar-10" / "cifar-10-binary.tar.gz", contents())
    with pytest.warns(UserWarning, match="not those") as told:
        (x_train, y_train), (x_test, y_test) = datasets.cifar10.load_data()
    assert Path(told[0].filename) == Path(__file__)
    assert x_train.shape == (150, 32, 32, 3) and y_train.shape == (150, 1) and y_test.shape == (30, 1)
    assert {a.dtype for a in (x_train, y_train, x_test, y_test)} == {np.dtype("uint8")}
    monkeypatch.setattr(cifar10, "_TRAIN_CONTENTS", cifar10._hash(x_train, y_train[:, 0]))
    monkeypatch.setattr(cifar10, "_TEST_CONTENTS", cifar10._hash(x_test, y_test[:, 0]))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert np.array_equal(datasets.cifar10.load_data()[0][0], x_train)


def test_the_version_for_python_is_refused_by_name(tmp_path: Path) -> None:
    path = archive(tmp_path / "cifar-10-python.tar.gz", {"data_batch_1": b"\x80\x02}q\x00."}, "cifar-10-batches-py/")
    with pytest.raises(DamagedDataError, match=r"version for Python \(pickle\).*take cifar-10-binary.tar.gz"):
        datasets.import_files("cifar-10", path)
