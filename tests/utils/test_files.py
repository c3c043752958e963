"""get_file: fetched once, checked by its hash, unpacked with suspicion."""

from __future__ import annotations

import hashlib
import io
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import pytest

from neurona.errors import ArgumentError, DamagedDataError, DownloadError
from neurona.utils import get_file
from neurona.utils.files import extract_archive


@pytest.fixture
def origin(tmp_path: Path) -> Path:
    folder = tmp_path / "origin"
    folder.mkdir()
    (folder / "poem.txt").write_text("one")
    with zipfile.ZipFile(folder / "poems.zip", "w") as archive:
        archive.writestr("in/poem.txt", "zipped")
    with tarfile.open(folder / "poems.tar.gz", "w:gz") as archive:
        info = tarfile.TarInfo("in/poem.txt")
        info.size = 4
        archive.addfile(info, io.BytesIO(b"tars"))
    return folder


def test_a_file_is_fetched_once_and_again_when_its_hash_is_another(tmp_path: Path, origin: Path) -> None:
    source = (origin / "poem.txt").as_uri()
    first = get_file(origin=source, cache_dir=tmp_path)
    assert first == str(tmp_path / "datasets" / "poem.txt") and Path(first).read_text() == "one"
    (origin / "poem.txt").write_text("two")
    assert Path(get_file("poem.txt", source, cache_dir=tmp_path)).read_text() == "one"
    for kind in ("md5", "sha256"):
        told = hashlib.new(kind, b"two").hexdigest()
        assert Path(get_file("poem.txt", source, file_hash=told, cache_dir=tmp_path)).read_text() == "two"
    (origin / "poem.txt").write_text("three")
    assert Path(get_file("poem.txt", source, force_download=True, cache_dir=tmp_path)).read_text() == "three"
    with pytest.raises(DamagedDataError, match="does not match the provided value"):
        get_file("poem.txt", source, md5_hash="0" * 32, cache_dir=tmp_path)
    assert [p.name for p in (tmp_path / "datasets").iterdir()] == ["poem.txt"]  # the last good one, and no litter
    assert (tmp_path / "datasets" / "poem.txt").read_text() == "three"


@pytest.mark.parametrize(
    ("name", "fname", "folder", "text"),
    [
        ("poems.zip", None, "poems.zip", "zipped"),
        ("poems.zip", "poems.zip", "poems_extracted", "zipped"),
        ("poems.tar.gz", "mine", "mine", "tars"),
    ],
)
def test_archives_become_folders(tmp_path: Path, origin: Path, name: str, fname: Any, folder: str, text: str) -> None:
    for _again in range(2):
        path = get_file(fname, (origin / name).as_uri(), extract=True, cache_dir=tmp_path, cache_subdir="sets")
        assert path == str(tmp_path / "sets" / folder)
        assert (Path(path) / "in" / "poem.txt").read_text() == text


@pytest.mark.parametrize("name", ["../out.txt", "/out.txt", "a//b", "nul.txt"])
def test_hostile_names_are_refused_and_nothing_is_written(tmp_path: Path, name: str) -> None:
    archive = tmp_path / "bad.zip"
    with zipfile.ZipFile(archive, "w") as made:
        made.writestr("good.txt", "x")
        made.writestr(name, "x")
    with pytest.raises(DamagedDataError, match="is not allowed"):
        extract_archive(archive, tmp_path / "out")
    assert [p.name for p in tmp_path.iterdir()] == ["bad.zip"]


def test_links_twins_and_bombs_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    link = zipfile.ZipInfo("link")
    link.external_attr = 0o120777 << 16
    with zipfile.ZipFile(tmp_path / "link.zip", "w") as made:
        made.writestr(link, "/etc/passwd")
    with zipfile.ZipFile(tmp_path / "twin.zip", "w") as made:
        made.writestr("a.txt", "1")
        made.writestr("A.TXT", "2")
    with zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr("zeros", bytes(1 << 20))
    monkeypatch.setattr("neurona.utils.files._BUDGET", type("B", (), {"size": 1 << 16, "members": 9})())
    for name, words in (("link", "neither a file nor a folder"), ("twin", "comes twice"), ("bomb", "larger than")):
        with pytest.raises(DamagedDataError, match=words):
            extract_archive(tmp_path / f"{name}.zip", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_what_else_goes_wrong(tmp_path: Path) -> None:
    for settings, words in (
        ({}, 'specify the "origin"'),
        ({"origin": "http://x/"}, "fname"),
        ({"origin": "http://x/a", "fname": "a/b"}, "Paths are no longer accepted"),
        ({"origin": "gopher://x/a"}, "must be one of"),
    ):
        with pytest.raises(ArgumentError, match=words):
            get_file(cache_dir=tmp_path, **settings)  # type: ignore[arg-type]
    with pytest.raises(DownloadError, match="URL fetch failure"):
        get_file(origin="http://127.0.0.1:9/a", cache_dir=tmp_path)
    (tmp_path / "no.zip").write_text("no archive")
    assert extract_archive(tmp_path / "no.zip", tmp_path / "out") is False
    assert extract_archive(tmp_path / "no.zip", tmp_path / "out", None) is False
