"""The Run folder: written whole or not at all, and damage is told."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from neurona.errors import RunError, SavingError
from neurona.i18n import set_language
from neurona.runs import FORMAT, Run, write_json

FACTS: dict[str, Any] = {
    "recipe": "tutorial", "seed": 0, "epochs": 2, "batch_size": 32, "validation": 0.1,
    "data": {"name": "d", "kind": "sample", "origin": "/x", "fingerprint": "ab"},
    "classes": {"en": ["a", "b"], "es": ["á", "b"]}, "versions": {},
}  # fmt: skip


def new(path: Path | None) -> Run:
    return Run.create(path, "clothes", **FACTS)


def test_what_is_written_is_read(tmp_path: Path) -> None:
    run = new(tmp_path / "a" / "b")
    run.write_history({"loss": [0.1, 0.05], "accuracy": [0.5, 0.75]})
    run.write_metrics({"accuracy": 0.5})
    run.update(status="complete")
    again = Run.open(tmp_path / "a" / "b")
    assert again.info == run.info
    assert again.status == "complete"
    assert again.read_history() == {"loss": [0.1, 0.05], "accuracy": [0.5, 0.75]}
    assert again.read_metrics() == {"accuracy": 0.5}
    assert sorted(os.listdir(run.path)) == ["history.csv", "metrics.json", "run.json"]


def test_nothing_yet(tmp_path: Path) -> None:
    run = new(tmp_path / "r")
    assert run.read_history() == {}
    assert run.read_metrics() == {}
    with pytest.raises(RunError, match="no model yet"):
        run.load_model()
    run.update(status="interrupted")
    set_language("es")
    with pytest.raises(RunError, match="estado: interrumpida"):
        run.load_model()
    set_language(None)


def test_names_by_the_clock_do_not_collide(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    paths = {new(None).path for _ in range(3)}
    assert len(paths) == 3
    assert all(path.parent == Path("runs") for path in paths)


def test_latest_is_the_newest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEURONA_RUNS", str(tmp_path))
    with pytest.raises(RunError, match="no run yet"):
        Run.open("latest")
    for age, name in enumerate(["a", "b", "c"]):
        new(tmp_path / name)
        os.utime(tmp_path / name / "run.json", (1000 - age, 1000 - age))
    assert Run.open("latest").path == Run.open("latest", trained=True).path == tmp_path / "a"
    (tmp_path / "b" / "model.keras").write_bytes(b"")
    assert Run.open("latest").path == tmp_path / "a"
    assert Run.open("latest", trained=True).path == tmp_path / "b"
    with pytest.raises(RunError, match="Known runs"):
        Run.open(tmp_path / "z")


def test_a_taken_folder_stays_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("mine")
    with pytest.raises(RunError, match="exists already"):
        new(tmp_path)
    with pytest.raises(RunError, match="exists already"):
        new(tmp_path / "mine")
    assert os.listdir(tmp_path) == ["mine"]


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(RunError, match="no folder"):
        new(tmp_path / "file" / "run")
    with pytest.raises(RunError, match="too long"):
        new(tmp_path / ("x" * 300))


@pytest.mark.parametrize("call", ["os.fsync", "os.replace"])
def test_a_full_disk_leaves_the_old_file_and_no_litter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    run = new(tmp_path / "r")
    before = (run.path / "run.json").read_bytes()

    def full(*args: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(call, full)
    with pytest.raises(SavingError, match="the disk is full"):
        run.update(status="complete")
    with pytest.raises(SavingError, match="the disk is full"):
        new(tmp_path / "other" / "run")
    monkeypatch.undo()
    assert (run.path / "run.json").read_bytes() == before
    assert os.listdir(run.path) == ["run.json"]
    assert os.listdir(tmp_path) == ["r"]


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b"{}", b'"x"', b"\xff\xfe", b'{"format": "1"}', b"[" * 100_000, b'{"format": 1}']
)
def test_a_damaged_run_is_told(tmp_path: Path, content: bytes) -> None:
    new(tmp_path / "r")
    (tmp_path / "r" / "run.json").write_bytes(content)
    with pytest.raises(RunError, match="is damaged"):
        Run.open(tmp_path / "r")


@pytest.mark.parametrize("name", ["recogniser", *FACTS])
def test_each_entry_is_needed(tmp_path: Path, name: str) -> None:
    run = new(tmp_path / "r")
    for wrong in (None, [], -1):
        write_json(run.path / "run.json", {**run.info, name: wrong})
        with pytest.raises(RunError, match=f"missing or wrong: {name}"):
            Run.open(run.path)


def test_no_run_and_a_newer_one(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="not a run folder"):
        Run.open(tmp_path)
    run = new(tmp_path / "r")
    run.update(format=FORMAT + 1)
    with pytest.raises(RunError, match="newer Neurona"):
        Run.open(run.path)


@pytest.mark.parametrize("text", ["epoch,loss\n1,abc\n", "epoch,loss\n1\n", "epoch,loss\n1,\x00\n", 'epoch,loss\n1,"0'])
def test_a_damaged_history_is_told(tmp_path: Path, text: str) -> None:
    run = new(tmp_path / "r")
    (run.path / "history.csv").write_text(text)
    with pytest.raises(RunError, match=r"history\.csv"):
        run.read_history()


def test_names_that_are_no_utf8_survive(tmp_path: Path) -> None:
    run = new(tmp_path / "r")
    run.update(origin="a\udce9b")
    assert json.loads((run.path / "run.json").read_text("utf-8"))["origin"] == "a\udce9b"
