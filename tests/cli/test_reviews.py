"""The command line with film reviews: training, judging, single texts, streams of lines, and text that nobody expects."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import time
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from neurona.cli import main, text_input
from neurona.datasets import Texts
from neurona.i18n import set_language
from neurona.report import write_report
from neurona.runs import Run
from tests.recognisers.invented import data

EVIL = "</p><script>alert(1)</script>[bold red]great[/] \x1b[31m \x00 \u202e \ud800"


class Reader(HTMLParser):
    """Notes tags and words, and sees that every tag is closed in order."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.words = ""
        self.feed(path.read_text("utf-8"))
        self.close()
        assert self.open == [] and "script" not in self.tags

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert not any(key.startswith("on") or (key in ("href", "src") and not str(value).startswith("data:"))
                       for key, value in attrs)  # fmt: skip
        self.tags.append(tag)
        if tag not in ("meta", "img", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words += data


class Called:
    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err

    @property
    def json(self) -> dict[str, Any]:
        found = json.loads(self.out.splitlines()[-1])
        assert isinstance(found, dict)
        return found


@pytest.fixture
def call(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("neurona.datasets.load", lambda *_args, **_settings: data())
    before = signal.getsignal(signal.SIGTERM)

    def run(*arguments: object, stdin: bytes = b"", lang: str = "en") -> Called:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        with pytest.raises(SystemExit) as stop:
            main([*map(str, arguments), "--lang", lang])
        code = stop.value.code
        return Called(code if isinstance(code, int) else 0, *capfd.readouterr())

    yield run
    set_language(None)
    signal.signal(signal.SIGTERM, before)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "run"
    before = signal.getsignal(signal.SIGTERM)
    settings = ["words=50", "features=16", "width=8", "batch_size=8"]
    arguments = ["train", "críticas", "--recipe", "lstm", "--epochs", "8", "--run", str(folder), "--lang", "en"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("neurona.datasets.load", lambda *_args, **_settings: data())
        with pytest.raises(SystemExit) as stop:
            main([*arguments, *(part for setting in settings for part in ("--set", setting))])
    set_language(None)
    signal.signal(signal.SIGTERM, before)
    assert not stop.value.code
    return folder


def test_a_run_is_complete_and_its_report_shows_words(trained: Path) -> None:
    files = ["history.csv", "metrics.json", "model.keras", "plots", "report.html", "run.json", "vocabulary.txt"]
    assert sorted(os.listdir(trained)) == files
    page = Reader(trained / "report.html")
    for told in ("Beside simpler readers", "bag of words", "SimpleRNN", "Where it is sure and wrong",
                 "irony", "examples recognised (95 % interval", "Class by class"):  # fmt: skip
        assert told in page.words
    assert page.tags.count("span") > 5 and page.tags.count("img") == 3


@pytest.mark.parametrize("language", ["en", "es"])
def test_a_report_holds_what_texts_say_as_text(trained: Path, language: str) -> None:
    run = Run.open(trained)
    texts = Texts.of([EVIL + " great", "\u05e9\u05dc\u05d5\u05dd great", "great"])
    set_language(language)
    page = trained / "report.html"
    before = page.read_bytes()
    shares = np.array([[0.1, 0.9], [0.2, 0.8], [0.9, 0.1]])
    write_report(run, "about", texts, np.zeros(3, "uint8"), shares)
    found = Reader(page)
    page.write_bytes(before)
    assert "<script>alert(1)</script>[bold red]" in found.words and "\\x1b[31m \\x00 \\u202e \\ud800" in found.words
    assert "\u05e9\u05dc\u05d5\u05dd" in found.words


def test_train_tells_settings_and_baselines(call: Any) -> None:
    found = call("train", "imdb", "--recipe", "lstm", "--epochs", 1, "--run", "a", "--no-baselines", "--json",
                 "--set", "words=40", "--set", "width=4", "--set", "longest=32", lang="es")  # fmt: skip
    assert found.code == 0 and "reseñas de cine en inglés" in found.out
    assert found.json["baselines"] == []
    assert found.json["settings"] == {
        "words": 40, "features": 32, "width": 4, "longest": 32, "keep": "both", "padding": "behind", "fixed": False,
        "batch_size": 32,
    }  # fmt: skip
    for wrong, code, told in (
        (["--set", "wide=4"], 1, "no setting 'wide'"),
        (["--set", "width"], 2, "expected NAME=VALUE"),
        (["--set", "width=much"], 1, "Received: much"),
    ):
        refused = call("train", "reviews", "--run", "b", *wrong)
        assert refused.code == code and told in refused.err and not os.path.exists("b")


def test_evaluate_agrees_with_training(call: Any, trained: Path) -> None:
    found = call("evaluate", trained, "--json")
    assert found.json["test_accuracy"] == json.loads((trained / "metrics.json").read_text())["accuracy"]
    assert "of 80 examples" in found.out


@pytest.mark.parametrize(("language", "good", "bad"), [("en", "positive", "negative"), ("es", "positiva", "negativa")])
def test_single_texts_are_answered_and_explained(
    call: Any, trained: Path, tmp_path: Path, language: str, good: str, bad: str
) -> None:
    (tmp_path / "one.txt").write_text("the plot was awful and the music was boring", "utf-8")
    found = call(
        "predict", trained, "The film was GREAT.", "one.txt", "", "--html", "p/w.html", "--json", lang=language
    )
    assert found.code == 0
    first, second, third = found.json["predictions"]
    assert (first["answer"], second["answer"], third["answer"]) == (good, bad, None)
    assert first["probability"] > 0.5 and (first["words"], first["unknown"]) == (4, 0)
    assert first["strongest"][0]["word"] == "great" and first["strongest"][0]["contribution"] > 0
    assert second["file"] == "one.txt" and second["strongest"][0]["contribution"] < 0
    assert "The film was GREAT." in found.out and "great +" in found.out
    page = Reader(tmp_path / "p" / "w.html")
    assert "The film was GREAT." in page.words and page.tags.count("span") >= 3


def test_lines_are_answered_one_by_one(call: Any, trained: Path) -> None:
    lines = (
        b"the film was great\r\n\nthe music was awful\ncaf\xe9 \xff great\na\x00b\t\x1b[31m great\nqq \xd7\xa9 great"
    )
    found = call("predict", trained, "-", stdin=lines)
    rows = [line.split("\t") for line in found.out.splitlines()]
    assert found.code == 0 and [len(row) for row in rows] == [5] * 6
    assert [row[0] for row in rows][:3] == ["positive", "-", "negative"]
    assert [row[2:4] for row in rows] == [["4", "0"], ["0", "0"], ["4", "0"], ["3", "2"], ["4", "2"], ["3", "2"]]
    assert "Note: 1 text is no UTF-8; it was read" in found.err
    assert "\x1b" not in found.out and "\x00" not in found.out and "a\\x00b \\x1b[31m great" in found.out
    answered = call("predict", trained, "-", "--json", stdin=lines).out.splitlines()
    rows_json = [json.loads(line) for line in answered]
    assert [row["line"] for row in rows_json[:-1]] == [1, 2, 3, 4, 5, 6] and rows_json[-1]["count"] == 6
    assert rows_json[1]["answer"] is None and f"{rows_json[0]['probability']:.4f}" == rows[0][1]


def test_a_mark_of_utf16_counts_only_at_the_beginning(call: Any, trained: Path) -> None:
    for stdin, count in ((b"great\n\xff\xfegreat\ngreat\n", 3), (b"\xff\xfe great\ngreat", 2)):
        found = call("predict", trained, "-", stdin=stdin)
        assert found.code == 0 and len(found.out.splitlines()) == count
        assert "Note: 1 text is no UTF-8" in found.err
    found = call("predict", trained, "-", stdin=b"caf\xe9\ncaf\xe9", lang="es")
    assert "Nota: 2 textos no son UTF-8; se leyeron como Windows-1252." in found.err
    for text in ("great\ngreat\n", "great"):
        refused = call("predict", trained, "-", stdin=text.encode("utf-16"))
        assert refused.code == 1 and "is UTF-16" in refused.err and not refused.out


def test_a_page_that_cannot_be_written_is_told_before_anything_is_read(
    call: Any, trained: Path, tmp_path: Path
) -> None:
    (tmp_path / "d").mkdir()
    (tmp_path / "f").write_text("")
    for page, why in (("d", "it is a folder"), ("f/w.html", "a part of the path is no folder")):
        refused = call("predict", trained, "-", "--html", page, stdin=b"great\n")
        assert refused.code == 1 and f"Cannot write {page}: {why}." in refused.err and not refused.out
    assert sorted(p.name for p in tmp_path.iterdir()) == ["d", "f"] and not list((tmp_path / "d").iterdir())


def test_many_lines_keep_their_order(call: Any, trained: Path) -> None:
    count = 2500
    lines = [b"the film was %s and the plot was dull" % (b"very " * (i % 37)) for i in range(count)]
    began = time.process_time()
    found = call("predict", trained, "-", "--json", stdin=b"\n".join(lines))
    assert time.process_time() - began < 20
    rows = [json.loads(line) for line in found.out.splitlines()][:-1]
    assert [row["words"] for row in rows] == [8 + i % 37 for i in range(count)]
    first = {}
    for row in rows:  # the same text has the same answer wherever it stands
        assert abs(first.setdefault(row["words"], row["probability"]) - row["probability"]) < 1e-5


def test_files_and_folders_of_texts(call: Any, trained: Path, tmp_path: Path) -> None:
    (tmp_path / "texts").mkdir()
    for i, text in enumerate(("the film was great", "the film was awful")):
        (tmp_path / "texts" / f"{i}.txt").write_text(text)
    (tmp_path / "lines").write_text("the film was great\nthe film was awful\n")
    assert [p["answer"] for p in call("predict", trained, "texts", "--json").json["predictions"]] == [
        "positive", "negative",
    ]  # fmt: skip
    told = call("predict", trained, "lines", "--lines").out.splitlines()
    assert [line.split("\t")[0] for line in told] == ["positive", "negative"]
    (tmp_path / "empty").mkdir()
    (tmp_path / "wide.txt").write_bytes("great".encode("utf-16"))
    for wrong, text in (
        ("missing.txt", "There is no file missing.txt."),
        ("empty", "holds no text file"),
        ("wide.txt", "is UTF-16"),
    ):
        refused = call("predict", trained, wrong)
        assert refused.code == 1 and text in refused.err and "Traceback" not in refused.err
    refused = call("predict", trained, "x", "--out", "o")
    assert refused.code == 2 and "--out does not go with a run of reviews" in refused.err


@pytest.mark.parametrize(
    "text", [EVIL, "great " * 20_000, "x" * 1_000_000, "!?" * 1000, "\u05e9\u05dc\u05d5\u05dd", "[/bold]"]
)
def test_whatever_is_written_is_shown_as_text(call: Any, trained: Path, tmp_path: Path, text: str) -> None:
    found = call("predict", trained, text, "--html", "w.html", "--json")
    assert found.code == 0 and "\x1b" not in found.out
    page = Reader(tmp_path / "w.html")
    assert len(found.out) < 300_000 and len(page.words) < 20_000
    if text == EVIL:
        assert "[bold red]great[/]" in found.out and "<script>alert(1)</script>" in page.words


def test_a_text_of_absurd_size_is_refused(call: Any, trained: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text_input, "LARGEST", 1 << 20)
    found = call("predict", trained, "-", stdin=b"good\n" + b"x" * (3 << 20))
    assert found.code == 1 and "line 2 is larger than 1 MB" in found.err
    assert len(found.out.splitlines()) == 1  # what came before it has its answer
    Path("big.txt").write_bytes(b"x" * (3 << 20))
    found = call("predict", trained, "big.txt")
    assert found.code == 1 and "big.txt is larger than 1 MB" in found.err


@pytest.mark.skipif(os.name == "nt", reason="POSIX pipes")
def test_a_slow_stream_is_answered_at_once_and_a_reader_may_go(trained: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "neurona", "predict", str(trained), "-", "--lang", "en"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    ) as running:  # fmt: skip
        assert running.stdin is not None and running.stdout is not None and running.stderr is not None
        for text, answer in ((b"the film was great", b"positive"), (b"the film was awful", b"negative")):
            running.stdin.write(text + b"\n")
            running.stdin.flush()
            assert running.stdout.readline().startswith(answer)  # before the stream has ended
        running.stdout.close()
        try:
            running.stdin.write(b"the film was great\n" * 5000)
            running.stdin.close()
        except BrokenPipeError:  # it had noticed already
            running.stdin = None
        assert running.wait(timeout=60) in (1, 141)  # click's own number for it is 1
        assert b"Traceback" not in running.stderr.read()
