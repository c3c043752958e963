"""``neurona show`` with film reviews: pages about a text, a file, the standard input and examples; told errors."""

from __future__ import annotations

import io
import json
import os
import signal
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from neurona.cli import main, show_texts, text_input
from neurona.errors import DataNotFoundError
from neurona.i18n import set_language
from neurona.layers import Dense, Embedding, GlobalAveragePooling1D, Input
from neurona.models import Sequential
from neurona.runs import Run
from tests.recognisers.invented import data

EVIL = "<script>alert(1)</script>[bold red]great[/] film \x1b[31m \x00 \u202e \ud800"


class Text(HTMLParser):
    """The words of a page, and how many pictures it has."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.words, self.pictures, self.rows = "", 0, 0
        self.feed(path.read_text("utf-8"))
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag != "script" and not any(key.startswith("on") or key == "href" for key, _value in attrs)
        self.rows += tag == "tr"
        if tag == "img":
            self.pictures += 1
            assert dict(attrs)["alt"] and str(dict(attrs)["src"]).startswith("data:image/png;base64,")

    def handle_data(self, words: str) -> None:
        self.words += words


class Called:
    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err

    @property
    def json(self) -> dict[str, Any]:
        found = json.loads(self.out.splitlines()[-1])
        assert isinstance(found, dict)
        return found


def run_main(arguments: list[str]) -> int:
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    set_language(None)
    signal.signal(signal.SIGTERM, before)
    return stop.value.code if isinstance(stop.value.code, int) else 0


@pytest.fixture
def call(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("neurona.datasets.load", lambda *_args, **_settings: data(60, 20))

    def run(*arguments: object, stdin: bytes = b"", lang: str = "en") -> Called:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        code = run_main(["show", *map(str, arguments), "--lang", lang])
        return Called(code, *capfd.readouterr())

    return run


def train(folder: Path, recipe: str, *settings: str) -> Path:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("neurona.datasets.load", lambda *_args, **_settings: data())
        told = [part for setting in settings for part in ("--set", setting)]
        code = run_main(["train", "reviews", "--recipe", recipe, "--epochs", "6", "--run", str(folder), "--lang", "en",
                         "--no-baselines", "--set", "words=50", "--set", "batch_size=8", *told])  # fmt: skip
    assert code == 0
    return folder


@pytest.fixture(scope="module")
def lstm(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return train(tmp_path_factory.mktemp("runs") / "run", "lstm", "features=16", "width=8", "longest=30")


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return train(tmp_path_factory.mktemp("runs") / "run", "best", "features=8", "width=4", "cell=gru", "longest=30")


@pytest.mark.parametrize(("lang", "good"), [("en", "positive"), ("es", "positiva")])
def test_a_text_has_its_page(call: Any, lstm: Path, lang: str, good: str) -> None:
    found = call(lstm, "The film was GREAT!", "--json", lang=lang)
    assert found.code == 0
    (told,) = found.json["texts"]
    assert (told["answer"], told["words"], told["read"]) == (good, 5, 5) and told["probability"] > 0.5
    assert len(told["units"]) == 6 and f"{good} {told['probability']:.1%}" in found.out
    assert found.json["page"] == str(lstm / "show-the-film-was-great.html")
    page = Text(Path(found.json["page"]))
    assert page.pictures == 4 and "The film was GREAT!" in page.words  # verdicts, state, cell, gates
    assert sorted(os.listdir(lstm / "shown"))[:2] == [
        "show-the-film-was-great-1-verdicts.png", "show-the-film-was-great-2-lstm-state.png",
    ]  # fmt: skip
    following = found.json["following"]
    units = following["units"]
    assert following["texts"] == 20 and len(units) > 3 and page.rows == 2 + len(units)  # a head, and chance
    assert all(len(unit["correlations"]) == 4 for unit in units)


def test_both_directions_of_a_gru_are_shown(call: Any, both: Path, tmp_path: Path) -> None:
    (tmp_path / "one.txt").write_text("the plot was awful and the music was boring")
    found = call(both, "one.txt", "--texts", 0, "--out", "pages", "--json")
    assert found.code == 0 and "following" not in found.json
    assert found.json["page"] == str(Path("pages", "show-one.html"))
    page = Text(tmp_path / "pages" / "show-one.html")
    assert page.pictures == 5 and "← Backwards" in page.words and "update gate keeps the old state" in page.words
    assert {unit["backwards"] for unit in found.json["texts"][0]["units"]} == {True, False}


def test_without_a_text_two_test_reviews_serve(call: Any, lstm: Path) -> None:
    told = call(lstm, "--texts", 0, "--layer", "lstm", "--unit", 3, lang="es")
    assert "Segura y con razón (verdad:" in told.out and "truth" not in told.out
    found = call(lstm, "--texts", 15, "--layer", "lstm", "--unit", 3, "--json")
    assert found.code == 0 and found.json["page"] == str(lstm / "show.html")
    page = Text(lstm / "show.html")
    assert "Sure and right (truth:" in page.words and len(found.json["texts"]) in (1, 2)
    assert page.pictures == 4 * len(found.json["texts"]) and found.json["following"]["texts"] == 15
    following = found.json["following"]  # numbers, whatever the language
    assert set(following) == {"texts", "words", "chance", "units"} and following["units"]
    assert list(following["chance"]) == ["position", "negation", "sentiment", "loud"]
    for unit in following["units"]:
        assert 0 <= unit["unit"] < 8 and unit["backwards"] is False and unit["weight"] >= 0
        assert all(-1.001 <= value <= 1.001 for value in unit["correlations"].values())
        assert all(one["move"] > 0 and one["count"] >= 10 and one["word"] for one in unit["rises_at"])


def test_without_data_an_example_serves_and_nothing_is_downloaded(
    call: Any, lstm: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def load(*_args: Any, **settings: Any) -> Any:
        asked.append(settings)
        raise DataNotFoundError("nowhere")

    monkeypatch.setattr("neurona.datasets.load", load)
    found = call(lstm, "--json")
    assert found.code == 0 and "following" not in found.json
    assert "not on this machine" in found.out and "not on this machine" in Text(lstm / "show.html").words
    assert show_texts.EXAMPLE in Text(lstm / "show.html").words
    assert asked == [{"path": None, "download": False}]
    refused = call(lstm, "--data", "elsewhere")
    assert refused.code == 1 and "nowhere" in refused.err


def test_the_standard_input_and_other_encodings(call: Any, lstm: Path) -> None:
    found = call(lstm, "-", "--texts", 0, "--json", stdin=b"caf\xe9 great film")
    assert found.code == 0 and found.json["texts"][0]["words"] == 3 and "read as Windows-1252" in found.err
    refused = call(lstm, "-", stdin="great".encode("utf-16"))
    assert refused.code == 1 and "UTF-16" in refused.err


def test_a_long_text_is_cut_as_the_run_cuts(call: Any, lstm: Path, tmp_path: Path) -> None:
    (tmp_path / "long.txt").write_text("the film was great " * 50_000)
    found = call(lstm, "long.txt", "--texts", 0, "--json")
    assert found.code == 0
    (told,) = found.json["texts"]
    assert (told["words"], told["read"]) == (200_000, 29)
    page = Text(lstm / "show-long.html")
    assert "the middle of the text was left out" in page.words and len(page.words) < 8000


def test_what_a_text_says_is_shown_and_not_obeyed(call: Any, lstm: Path, tmp_path: Path) -> None:
    (tmp_path / "evil.txt").write_bytes(EVIL.encode("utf-8", "surrogatepass"))
    found = call(lstm, "evil.txt", "--texts", 0, "--json")
    assert found.code == 0 and "\x1b" not in found.out and "\x00" not in found.out
    assert "<script>alert(1)</script>[bold red]" in Text(Path(found.json["page"])).words


def test_errors_say_what_to_do(call: Any, lstm: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text_input, "LARGEST", 1 << 20)
    (tmp_path / "texts").mkdir()
    for name in ("a.txt", "b.txt"):
        (tmp_path / "texts" / name).write_text("great")
    for arguments, code, told in (
        ([""], 1, "The text has no words."),
        (["... --- \u2026"], 1, "The text has no words."),
        (["zzz qqq"], 1, "knows none of the text's words (it has 2)"),
        (["missing.txt"], 1, "There is no file missing.txt."),
        (["texts"], 1, "texts holds 2 texts; give one of them."),
        (["great", "--layer", "embedding"], 1, "There is no recurrent layer 'embedding'. They are: lstm."),
        (["great", "--unit", "8"], 1, "lstm has 8 units, 0 to 7. Received: 8."),
        (["great", "--class", "positive"], 2, "--class does not go with a run of reviews"),
        (["great", "--pictures", "7"], 2, "--pictures does not go with a run of reviews"),
    ):
        refused = call(lstm, *arguments)
        assert (refused.code, told in refused.err) == (code, True), (arguments, refused.err)
        assert "Traceback" not in refused.err
    refused = call(lstm, "-", stdin=b"x" * (2 << 20))
    assert refused.code == 1 and "the standard input is larger than" in refused.err


def test_a_network_without_recurrence_is_refused(call: Any, lstm: Path) -> None:
    model = Sequential([Input((None,), dtype="int32"), Embedding(50, 4, mask_zero=True), GlobalAveragePooling1D(),
                        Dense(1, activation="sigmoid")])  # fmt: skip
    path = Run.open(lstm).model_path
    before = path.read_bytes()
    model.save(path)
    try:
        refused = call(lstm, "great film")
    finally:
        path.write_bytes(before)
    assert refused.code == 1 and "no recurrent layer" in refused.err
