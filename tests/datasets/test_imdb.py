"""IMDB from its archive and its folder, kept for the next time; and Keras's lists of numbers without unpickling."""

from __future__ import annotations

import gzip
import io
import json
import os
import shutil
import tarfile
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import neurona.datasets as datasets
from neurona.datasets import Texts, imdb, kept_texts, keras_files
from neurona.datasets.imdb import IMDB
from neurona.datasets.loading import Data, load_record
from neurona.datasets.progress import Silent
from neurona.errors import ArgumentError, DamagedDataError, DataNotFoundError, DownloadError

EACH = 3
RATING = {"neg": 2, "pos": 9}


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three reviews of each kind."""
    monkeypatch.setattr(imdb, "_EACH", EACH)


def contents() -> dict[str, bytes]:
    """The reviews by the name of their file."""
    return {
        f"{part}/{kind}/{number}_{RATING[kind]}.txt": f"{part} {kind} number {number}<br />!".encode()
        for part in ("train", "test")
        for kind in ("pos", "neg")
        for number in (2, 0, 1)
    }


def archive(path: Path, files: dict[str, bytes], change: Callable[[tarfile.TarInfo], None] | None = None) -> Path:
    """The official archive's form, with what else lies in it."""
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for name in ("aclImdb", "aclImdb/train", "aclImdb/train/unsup"):
            folder = tarfile.TarInfo(name)
            folder.type = tarfile.DIRTYPE
            tar.addfile(folder)
        for name, content in {"imdb.vocab": b"the\n", "train/unsup/0_0.txt": b"unlabelled", **files}.items():
            info = tarfile.TarInfo(f"aclImdb/{name}")
            info.size = len(content)
            if change is not None:
                change(info)
            tar.addfile(info, io.BytesIO(content))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(raw.getvalue(), mtime=0))
    return path


def lay_out(folder: Path, files: dict[str, bytes]) -> Path:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


def same(one: Data, other: Data) -> bool:
    return one.fingerprint == other.fingerprint and one.x_train == other.x_train and one.x_test == other.x_test


class Told(Silent):
    def __init__(self) -> None:
        self.notes: list[str] = []

    def note(self, text: str) -> None:
        self.notes.append(text)


def test_reviews_come_against_and_for_in_turn(tmp_path: Path) -> None:
    data = load_record(IMDB, archive(tmp_path / "aclImdb_v1.tar.gz", contents()), progress=Silent())
    expected = [f"train {kind} number {number}<br />!" for number in range(EACH) for kind in ("neg", "pos")]
    assert isinstance(data.x_train, Texts) and list(data.x_train) == expected
    assert data.y_train.tolist() == data.y_test.tolist() == [0, 1] * EACH
    assert data.x_test[5] == "test pos number 2<br />!"
    assert data.classes == ("negative", "positive") and data.kind == "full" and not data.official
    assert data.x_train.indexed is not None
    words = datasets.vocabulary(data.x_train)
    assert words == ["!", "number", "train", "neg", "pos", "0", "1", "2"]
    assert datasets.index(data.x_train, words)[1].tolist() == [1, 5, 7, 4, 8, 3]


def test_every_form_and_name_gives_the_same(tmp_path: Path) -> None:
    first = load_record(IMDB, archive(tmp_path / "a" / "aclImdb_v1.tar.gz", contents()), progress=Silent())
    places = [
        tmp_path / "a",
        archive(tmp_path / "b" / "renamed.bin", contents()),
        archive(tmp_path / "c" / "imdb" / "aclImdb_v1.tar.gz", dict(reversed(contents().items()))).parents[1],
        lay_out(tmp_path / "d" / "aclImdb", contents()),
        tmp_path / "d",
        lay_out(tmp_path / "e" / "imdb" / "aclImdb", contents()).parents[1],
    ]
    plain = tmp_path / "f" / "aclImdb_v1.tar"
    plain.parent.mkdir()
    plain.write_bytes(gzip.decompress((tmp_path / "a" / "aclImdb_v1.tar.gz").read_bytes()))
    for place in [*places, plain]:
        assert same(first, load_record(IMDB, place, progress=Silent())), place


def test_it_is_found_by_its_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive(tmp_path / "data" / "imdb" / "aclImdb_v1.tar.gz", contents())
    monkeypatch.setenv("NEURONA_DATA", str(tmp_path / "data"))
    told = Told()
    for name in ("imdb", "Reviews", "resenas", "aclImdb"):
        data = datasets.load(name, progress=told)
        assert (data.name, data.place) == ("imdb", "NEURONA_DATA")
    assert told.notes == ["Reading 12 film reviews for the first time: this takes some seconds."]
    assert datasets.where("imdb").found is not None
    fetched = datasets.get("imdb", progress=told)
    assert not fetched.downloaded and len(told.notes) == 1


def test_bytes_that_are_no_utf8_are_latin1(tmp_path: Path) -> None:
    files = contents()
    files["train/neg/0_2.txt"] = b"caf\xe9 \x00 ok"
    files["train/pos/0_9.txt"] = "café".encode()
    data = load_record(IMDB, archive(tmp_path / "a.tar.gz", files), progress=Silent())
    assert list(data.x_train[:2]) == ["café \0 ok", "café"]


def damaged_files() -> dict[str, tuple[dict[str, bytes | None], str]]:
    first = "train/neg/0_2.txt"
    return {
        "missing": ({first: None}, "train/neg should hold 3 reviews, and 1 are missing"),
        "twice": ({"train/neg/0_3.txt": b"x"}, "train/neg holds two reviews of number 0"),
        "number": ({first: None, "train/neg/3_2.txt": b"x"}, "train/neg/3_2.txt is no name of a review"),
        "rating": ({first: None, "train/neg/0_9.txt": b"x"}, "train/neg/0_9.txt is no name of a review"),
        "name": ({first: None, "train/neg/zero.txt": b"x"}, "train/neg/zero.txt is no name of a review"),
        "empty": ({first: b""}, r"train/neg/0_2.txt should have from 1 to \d+ bytes, and has 0"),
        "long": ({first: b"x" * (imdb._LONGEST + 1)}, r"and has 1048577"),
    }


@pytest.mark.parametrize("what", list(damaged_files()))
def test_damage_is_named(what: str, tmp_path: Path) -> None:
    changes, problem = damaged_files()[what]
    files = {name: content for name, content in {**contents(), **changes}.items() if content is not None}
    with pytest.raises(DamagedDataError, match=problem):
        load_record(IMDB, archive(tmp_path / "aclImdb_v1.tar.gz", files), progress=Silent())
    if what != "twice":  # one file too many is told as such
        with pytest.raises(DamagedDataError, match=problem):
            load_record(IMDB, lay_out(tmp_path / "aclImdb", files), progress=Silent())


def test_links_and_climbing_names_are_refused(tmp_path: Path) -> None:
    def link(info: tarfile.TarInfo) -> None:
        if info.name.endswith("train/neg/1_2.txt"):
            info.type, info.linkname, info.size = tarfile.SYMTYPE, "/etc/passwd", 0

    def climb(info: tarfile.TarInfo) -> None:
        if info.name.endswith("train/neg/1_2.txt"):
            info.name = "aclImdb/../../x.txt"

    for change, problem in ((link, "neither a file nor a folder"), (climb, "is not allowed")):
        with pytest.raises(DamagedDataError, match=problem):
            load_record(IMDB, archive(tmp_path / "aclImdb_v1.tar.gz", contents(), change), progress=Silent())
    folder = lay_out(tmp_path / "aclImdb", contents())
    (folder / "train/neg/0_2.txt").unlink()
    (folder / "train/neg/0_2.txt").symlink_to(folder / "train/neg/1_2.txt")
    with pytest.raises(DamagedDataError, match=r"nothing else, and holds 0_2\.txt"):
        load_record(IMDB, folder, progress=Silent())


def test_another_archive_is_refused_at_its_first_name(tmp_path: Path) -> None:
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w") as tar:
        tar.addfile(tarfile.TarInfo("cifar-10-batches-bin/a"), io.BytesIO())
    path = tmp_path / "other.tar"
    path.write_bytes(raw.getvalue())
    assert datasets.folders.named_place(IMDB, "path", path, check=True).state == "damaged"


def test_import_copies_archive_or_folder(tmp_path: Path) -> None:
    took = datasets.import_files(None, archive(tmp_path / "x" / "aclImdb_v1.tar.gz", contents()))
    assert took.name == "imdb" and took.folder == tmp_path / "cache" / "datasets" / "imdb"
    folder = lay_out(tmp_path / "y" / "aclImdb", contents())
    again = datasets.import_files("imdb", folder)
    assert again.fingerprint == took.fingerprint and not (took.folder / "aclImdb_v1.tar.gz").exists()
    shutil.rmtree(tmp_path / "y")
    data = datasets.load("imdb", download=False, progress=Silent())
    assert data.place == "cache" and data.fingerprint == took.fingerprint


# -- what is kept for the next time ---------------------------------------------------------------------------


@pytest.fixture
def kept(tmp_path: Path) -> tuple[Path, Path, Data]:
    """An archive that was read once, where what was read lies, and what it was."""
    path = archive(tmp_path / "aclImdb_v1.tar.gz", contents())
    data = load_record(IMDB, path, progress=Silent())
    return path, tmp_path / "cache" / "datasets" / "imdb" / "read", data


def reads(path: Path, first: Data) -> int:
    """How often the archive is read for the same data."""
    told = Told()
    data = load_record(IMDB, path, progress=told)
    assert same(first, data) and np.array_equal(first.y_train, data.y_train)
    words = datasets.vocabulary(first.x_train)
    assert np.array_equal(datasets.index(data.x_test, words).flat, datasets.index(list(first.x_test), words).flat)
    return len(told.notes)


def test_the_second_time_nothing_is_read(kept: tuple[Path, Path, Data]) -> None:
    path, folder, data = kept
    assert reads(path, data) == 0
    os.utime(path)
    assert reads(path, data) == 0  # the content tells, not the date
    assert not list(folder.parent.glob(".read-*"))


def test_altered_or_foreign_files_are_made_anew(kept: tuple[Path, Path, Data]) -> None:
    path, folder, data = kept
    files = sorted(folder.iterdir())
    assert len(files) == len(kept_texts._FILES) + 1
    for place, file in enumerate(files):
        good = file.read_bytes()
        changes = (b"", good[:-1], good[:20], good[:-1] + bytes([good[-1] ^ 1]), good + b"x" * 70_000, None)
        for bad in (changes[place % 6], changes[(place + 3) % 6]):
            file.unlink() if bad is None else file.write_bytes(bad)
            assert reads(path, data) == 1, (file.name, bad)
    assert reads(path, data) == 0


def test_another_source_version_or_a_wrong_table_is_made_anew(
    kept: tuple[Path, Path, Data], monkeypatch: pytest.MonkeyPatch
) -> None:
    path, folder, data = kept
    for table in ("[]", "null", "{}", "{" * 5000, json.dumps({"key": "x"}), json.dumps({"key": None, "hashes": 3})):
        (folder / "contents.json").write_text(table)
        assert reads(path, data) == 1
    key = json.loads((folder / "contents.json").read_text())["key"]
    (folder / "contents.json").write_text(json.dumps({"key": key, "hashes": []}))
    assert reads(path, data) == 1
    monkeypatch.setattr(kept_texts, "_VERSION", 0)
    assert reads(path, data) == 1
    files = contents()
    files["train/neg/0_2.txt"] = b"another"
    other = load_record(IMDB, archive(path, files), progress=Silent())
    assert other.x_train[0] == "another" and other.fingerprint != data.fingerprint


def test_a_folder_changed_since_is_read_again(tmp_path: Path) -> None:
    folder = lay_out(tmp_path / "aclImdb", contents())
    first = load_record(IMDB, folder, progress=Silent())
    (folder / "train/neg/0_2.txt").write_text("another")
    second = load_record(IMDB, folder, progress=Silent())
    assert (first.x_train[0], second.x_train[0]) == ("train neg number 0<br />!", "another")


def test_a_cache_that_cannot_be_written_costs_only_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = archive(tmp_path / "aclImdb_v1.tar.gz", contents())
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("NEURONA_CACHE", str(tmp_path / "file"))
    told = Told()
    data = load_record(IMDB, path, progress=told)
    assert len(data.x_train) == 2 * EACH and data.x_train.indexed is not None
    assert any("cannot be kept" in note for note in told.notes)


# -- Keras's files ---------------------------------------------------------------------------------------------


def lists(count: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    array = np.empty(count, object)
    array[:] = [rng.integers(1, 40, rng.integers(1, 9)).tolist() for _ in range(count)]
    return array


@pytest.fixture
def npz(tmp_path: Path) -> Path:
    path = tmp_path / "some" / "reviews.npz"
    path.parent.mkdir()
    np.savez(path, x_train=lists(9, 0), y_train=np.arange(9) % 2, x_test=lists(7, 1), y_test=np.arange(7) % 2)
    return path


def test_load_data_by_hand(tmp_path: Path) -> None:
    x = np.empty(2, object)
    x[:] = [[1, 2, 3], [9]]
    path = tmp_path / "mine.npz"
    np.savez(path, x_train=x, y_train=np.array([0, 1]), x_test=x, y_test=np.array([1, 0]))
    order = np.arange(2)
    np.random.RandomState(113).shuffle(order)

    def train(**arguments: object) -> list[list[int]]:
        (found, labels), _test = imdb.load_data(str(path), **arguments)
        assert labels.tolist() == order.tolist()
        return [found[np.argsort(order)[k]] for k in range(2)]

    assert train() == [[1, 4, 5, 6], [1, 2]]  # 12, the largest, is not below num_words: as in Keras
    assert train(num_words=6) == [[1, 4, 5, 2], [1, 2]]
    assert train(num_words=100, skip_top=5) == [[2, 2, 5, 6], [2, 12]]
    assert train(num_words=6, oov_char=None) == [[1, 4, 5], [1]]
    assert train(num_words=100, start_char=None, index_from=0) == [[1, 2, 3], [9]]
    (kept_x, kept_y), _test = imdb.load_data(str(path), num_words=100, maxlen=4)
    assert kept_x.tolist() == [[1, 12]] and kept_y.tolist() == [1]
    with pytest.raises(ArgumentError, match="Received: maxlen=2"):
        imdb.load_data(str(path), maxlen=2)


def test_the_file_is_found_and_else_downloaded(npz: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        (first, _), _ = imdb.load_data(str(npz))
    keras = tmp_path / "home" / ".keras" / "datasets"
    keras.mkdir(parents=True)
    shutil.copy(npz, keras / "mine.npz")
    assert imdb.load_data("mine.npz")[0][0].tolist() == first.tolist()
    monkeypatch.setattr(keras_files, "KERAS_MIRRORS", ("http://127.0.0.1:9/",))
    with pytest.raises(DownloadError, match="No network"):
        imdb.load_data()
    monkeypatch.setenv("NEURONA_DATA", str(tmp_path / "data"))
    (tmp_path / "data" / "imdb").mkdir(parents=True)
    shutil.copy(npz, tmp_path / "data" / "imdb" / "imdb.npz")
    assert imdb.load_data()[0][0].tolist() == first.tolist()


def test_word_index(tmp_path: Path) -> None:
    path = tmp_path / "words.json"
    path.write_text('{"the": 1, "café": 2}', encoding="utf-8")
    assert imdb.get_word_index(str(path)) == {"the": 1, "café": 2}
    for bad in ("[1]", '{"a": "b"}', '{"a": true}', "{", "[" * 100_000, "\xff"):
        path.write_bytes(bad.encode("latin-1"))
        with pytest.raises(DamagedDataError, match="no table of words"):
            imdb.get_word_index(str(path))
    path.write_bytes(b" " * (keras_files._LARGEST_TABLE + 1))
    with pytest.raises(DamagedDataError, match="more bytes than it should"):
        imdb.get_word_index(str(path))


def test_reviews_and_labels_must_be_as_many(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    np.savez(path, x_train=lists(9, 0), y_train=np.arange(8), x_test=lists(7, 1), y_test=np.arange(7))
    with pytest.raises(DamagedDataError, match="9 reviews and 8 labels"):
        imdb.load_data(str(path))


def test_neither_place_is_a_path(tmp_path: Path) -> None:
    with pytest.raises(DataNotFoundError, match="There is no file or folder"):
        load_record(IMDB, tmp_path / "nowhere")
