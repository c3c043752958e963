"""Where data comes from: the order of search, what the user is told, importing, the shipped sample."""

from __future__ import annotations

import dataclasses
import errno
import shutil
import socket

import numpy as np
import pytest

from neurona.datasets import loading
from neurona.datasets.download import Limits
from neurona.datasets.fashion_mnist import FASHION_MNIST
from neurona.datasets.folders import cache_folder, places
from neurona.datasets.idx import write_idx
from neurona.datasets.loading import get_record, import_record, load_record
from neurona.datasets.progress import Silent
from neurona.errors import DamagedDataError, DataError, DataNotFoundError, DownloadError

QUIET = Silent()
QUICK = Limits(pause=0.0, rounds=1)


@pytest.fixture
def offline(tiny):
    """The record of `tiny` with a mirror that nobody listens at."""
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{door.getsockname()[1]}/"
    return dataclasses.replace(tiny.record, mirrors=(url,))


def test_the_order_of_search(tiny, tmp_path, monkeypatch, same):
    """All places filled; each is found once those before it are emptied."""
    monkeypatch.setenv("NEURONA_DATA", str(tmp_path / "data"))
    order = {
        "NEURONA_DATA": tmp_path / "data" / "fashion-mnist",
        "cache": tmp_path / "cache" / "datasets" / "fashion-mnist",
        "keras": tmp_path / "home" / ".keras" / "datasets" / "fashion-mnist",
        "system": tmp_path / "system" / "fashion-mnist",
    }
    for turn, folder in enumerate(order.values()):
        tiny.put(folder, plain=turn % 2 == 1)
    for place, folder in order.items():
        data = load_record(tiny.record, progress=QUIET)
        assert (data.place, data.origin, data.kind) == (place, str(folder), "full")
        assert data.official and data.notes == () and same(tiny.arrays, data)
        shutil.rmtree(folder)
    data = load_record(tiny.record, progress=QUIET)
    assert (data.place, data.origin) == ("download", str(order["cache"])) and same(tiny.arrays, data)
    assert load_record(tiny.record, progress=QUIET).place == "cache"


def test_keras_home_moves_keras_cache(tiny, tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "elsewhere"))
    tiny.put(tmp_path / "elsewhere" / "datasets" / "fashion-mnist")
    assert load_record(tiny.record, download=False).place == "keras"


def test_files_directly_in_neurona_data(tiny, tmp_path, monkeypatch):
    monkeypatch.setenv("NEURONA_DATA", str(tiny.put(tmp_path / "flat")))
    data = load_record(tiny.record, download=False)
    assert (data.place, data.origin) == ("NEURONA_DATA", str(tmp_path / "flat"))


def test_neurona_data_with_other_things_in_it_is_passed_by(tiny, tmp_path, monkeypatch):
    (tmp_path / "data" / "mnist").mkdir(parents=True)
    monkeypatch.setenv("NEURONA_DATA", str(tmp_path / "data"))
    tiny.put(cache_folder(tiny.record))
    assert load_record(tiny.record, download=False).place == "cache"


def test_what_the_user_named_must_be_right(tiny, tmp_path, monkeypatch):
    folder = tiny.put(tmp_path / "mine")
    assert load_record(tiny.record, path=folder).place == "path"
    assert load_record(tiny.record, path=tmp_path / "made").place == "path"
    labels = folder / "t10k-labels-idx1-ubyte.gz"
    write_idx(labels, np.full(10, 10, np.uint8))
    tiny.put(cache_folder(tiny.record))  # would do, but is not what was asked for
    with pytest.raises(DamagedDataError, match="labels from 0 to 9, and holds 10"):
        load_record(tiny.record, path=folder)
    monkeypatch.setenv("NEURONA_DATA", str(folder))
    with pytest.raises(DamagedDataError, match="t10k-labels"):
        load_record(tiny.record)
    labels.unlink()
    for path in (folder, None):
        with pytest.raises(DataNotFoundError, match=r"not complete in .*: missing t10k-labels-idx1-ubyte.gz"):
            load_record(tiny.record, path=path)
    with pytest.raises(DataNotFoundError, match="There is no file or folder"):
        load_record(tiny.record, path=tmp_path / "nowhere")
    monkeypatch.setenv("NEURONA_DATA", str(tmp_path / "nowhere"))
    with pytest.raises(DataNotFoundError, match="NEURONA_DATA names a folder that does not exist"):
        load_record(tiny.record)


def test_damage_found_elsewhere_is_told_and_passed_over(tiny, offline, tmp_path, same):
    cached = tiny.put(cache_folder(tiny.record))
    (cached / "train-images-idx3-ubyte.gz").write_bytes(b"\x1f\x8b broken")
    keras = tiny.put(tmp_path / "home" / ".keras" / "datasets" / "fashion-mnist")
    (keras / "train-labels-idx1-ubyte.gz").unlink()
    data = load_record(offline, sample=None, progress=QUIET, limits=QUICK)
    assert data.kind == "sample"
    told = "\n".join(data.notes)
    assert "Passed over: The file" in told and "missing train-labels" in told and "No network" in told
    data = load_record(tiny.record, progress=QUIET)  # with a network the damaged file is replaced
    assert data.place == "download" and same(tiny.arrays, data)


def test_no_network_and_no_sample_names_the_ways(offline, tmp_path):
    with pytest.raises(DownloadError) as caught:
        load_record(offline, sample=False, progress=QUIET, limits=QUICK)
    for way in (
        "neurona data get fashion-mnist",
        "neurona data import",
        "NEURONA_DATA",
        str(tmp_path / "cache"),
    ):
        assert way in str(caught.value)
    with pytest.raises(DataNotFoundError, match="Ways to supply"):
        load_record(offline, sample=False, download=False)
    with pytest.raises(DownloadError, match="Ways to supply"):
        get_record(offline, progress=QUIET, limits=QUICK)
    with pytest.raises(DataNotFoundError, match="ships no sample"):
        load_record(dataclasses.replace(offline, sample=None), sample=True)


def test_the_sample_says_that_it_is_one(offline, tiny):
    data = load_record(offline, progress=QUIET, limits=QUICK)
    assert (data.kind, data.place, data.official) == ("sample", "sample", False)
    assert "sample of Fashion-MNIST that Neurona ships (6000 + 1000 examples)" in data.notes[0]
    assert "No network" in data.notes[1]
    tiny.put(cache_folder(tiny.record))
    wanted = load_record(tiny.record, sample=True)
    assert wanted.kind == "sample" and len(wanted.notes) == 1


def test_a_full_disk_is_told_and_not_papered_over(tiny, monkeypatch):
    from neurona.datasets import download

    def full(*_args: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(download.os, "fsync", full)
    with pytest.raises(DataError, match="disk is full"):
        load_record(tiny.record, progress=QUIET)


def test_a_cache_that_cannot_be_written_to_gives_the_sample(tiny, tmp_path):
    (tmp_path / "cache").write_text("a file where the folder should be")
    data = load_record(tiny.record, progress=QUIET)
    assert data.kind == "sample" and "cannot be written to" in data.notes[1]


def test_other_contents_of_the_same_form_are_taken_and_told(tiny, tmp_path):
    folder = tiny.put(tmp_path / "mine")
    write_idx(folder / "train-images-idx3-ubyte.gz", np.zeros((20, 4, 4), np.uint8))
    data = load_record(tiny.record, path=folder)
    assert data.kind == "full" and not data.official
    assert data.fingerprint != tiny.record.fingerprint
    assert "not those that its authors published" in data.notes[0]


def test_get_downloads_only_what_is_missing(tiny, tmp_path, mirror):
    first = get_record(tiny.record, progress=QUIET)
    assert first.downloaded and first.folder == cache_folder(tiny.record) and len(mirror.asked) == 4
    assert not get_record(tiny.record, progress=QUIET).downloaded and len(mirror.asked) == 4
    (first.folder / "train-labels-idx1-ubyte.gz").write_bytes(b"damaged")
    assert get_record(tiny.record, progress=QUIET).downloaded and len(mirror.asked) == 5


@pytest.mark.parametrize("plain", [False, True])
def test_import(tiny, tmp_path, plain, same):
    source = tiny.put(tmp_path / "stick" / "fashion-mnist", plain=plain)
    tiny.put(cache_folder(tiny.record), plain=not plain)
    stale = cache_folder(tiny.record) / ".import-killed"
    stale.mkdir()
    took = import_record(tiny.record, source.parent)
    assert took.official and took.folder == cache_folder(tiny.record)
    assert sorted(p.name for p in took.folder.iterdir() if p.name != ".lock") == sorted(p.name for p in took.files)
    assert len(took.files) == 4 and all(f.exists() for f in took.files)
    shutil.rmtree(source)
    data = load_record(tiny.record, download=False)
    assert data.place == "cache" and same(tiny.arrays, data)
    again = import_record(tiny.record, took.folder)  # from the cache into itself: only a check
    assert again.fingerprint == took.fingerprint and load_record(tiny.record, download=False).place == "cache"


def test_a_refused_import_changes_nothing(tiny, tmp_path, same):
    tiny.put(cache_folder(tiny.record))
    source = tiny.put(tmp_path / "stick")
    write_idx(source / "train-labels-idx1-ubyte.gz", np.full(20, 200, np.uint8))
    with pytest.raises(DamagedDataError, match="labels from 0 to 9") as refusal:
        import_record(tiny.record, source)
    assert str(source / "train-labels-idx1-ubyte.gz") in str(refusal.value)  # not of the copy, which is gone
    assert ".import-" not in str(refusal.value)
    (source / "train-labels-idx1-ubyte.gz").unlink()
    with pytest.raises(DataNotFoundError, match="missing train-labels"):
        import_record(tiny.record, source)
    assert not list(cache_folder(tiny.record).glob(".import-*"))
    assert same(tiny.arrays, load_record(tiny.record, download=False))


def test_a_full_disk_during_import_leaves_no_litter(tiny, tmp_path, monkeypatch, same):
    tiny.put(cache_folder(tiny.record))
    source = tiny.put(tmp_path / "stick")

    def full(*_args: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(loading.shutil, "copyfileobj", full)
    with pytest.raises(DataError, match="disk is full"):
        import_record(tiny.record, source)
    assert not list(cache_folder(tiny.record).glob(".import-*"))
    assert same(tiny.arrays, load_record(tiny.record, download=False))


def test_places_judge_by_headers(tiny, tmp_path, monkeypatch):
    monkeypatch.setenv("NEURONA_DATA", str(tmp_path / "data"))
    (tiny.put(tmp_path / "data" / "fashion-mnist") / "t10k-labels-idx1-ubyte.gz").unlink()
    cached = tiny.put(cache_folder(tiny.record), plain=True)
    (cached / "train-images-idx3-ubyte").write_bytes(b"short")
    tiny.put(tmp_path / "system" / "fashion-mnist")
    states = {place.kind: place for place in places(tiny.record, check=True)}
    assert [p.state for p in states.values()] == ["incomplete", "damaged", "absent", "complete"]
    assert states["NEURONA_DATA"].missing == ("t10k-labels-idx1-ubyte.gz",)
    assert "ends too early" in states["cache"].problem
    assert FASHION_MNIST.size == 30_878_645
