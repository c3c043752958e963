"""The report: valid, self-contained HTML in both languages, in which nothing that a user brings is markup."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from neurona.i18n import set_language
from neurona.recognisers.garments import prepare_garment
from neurona.recognisers.judging import judge
from neurona.report import figures, write_report
from neurona.report.plain import printable
from neurona.runs import Run

EVIL = "<script>alert(1)</script>&\"'$x_{$\x1b[31m\x00\udce9\u202e"
VOID = {"meta", "img", "br"}


class Reader(HTMLParser):
    """Notes tags and attributes, and sees that every tag is closed in order."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def report(folder: Path, name: str = "a shirt", wrong: bool = True) -> Reader:
    rng = np.random.default_rng(0)
    run = Run.create(
        folder, name, recipe=name, seed=1, epochs=2, batch_size=8, validation=0.1, parameters=1234567, seconds=9.87,
        data={"name": name, "kind": "sample", "origin": name, "fingerprint": name},
        classes={"en": [name, "B"], "es": [name, "C"]}, versions={name: name},
    )  # fmt: skip
    truth = rng.integers(0, 2, 40)
    shares = rng.dirichlet([1, 1], 40)
    if not wrong:
        shares = np.eye(2)[truth]
    run.write_history({"loss": [1, 0.5], "accuracy": [0.5, 0.6], "val_loss": [1, 0.7], "val_accuracy": [0.4, 0.5]})
    run.write_metrics(judge(shares, truth, [name, "B"]))
    write_report(run, name, rng.integers(0, 256, (40, 28, 28), "uint8"), truth, shares)
    reader = Reader()
    reader.feed(run.report_path.read_text("utf-8"))
    reader.close()
    assert reader.open == []
    return reader


@pytest.mark.parametrize("language", ["en", "es"])
def test_self_contained(tmp_path: Path, language: str) -> None:
    set_language(language)
    try:
        page = report(tmp_path / "r")
    finally:
        set_language(None)
    names = [tag for tag, _attributes in page.tags]
    assert not {"script", "link", "iframe", "object", "base", "form"} & set(names)
    assert names.count("img") == 4
    for tag, attributes in page.tags:
        assert not any(key.startswith("on") for key in attributes)
        for key in ("src", "href"):
            assert attributes.get(key, "data:").startswith("data:")  # type: ignore[union-attr]
        assert tag != "img" or attributes["alt"]
    assert dict(page.tags)["html"] == {"lang": language}
    assert ("exhaustividad" in page.text) == (language == "es")
    assert "1\u202f234\u202f567" in page.text
    assert "http" not in page.text


def test_what_users_bring_is_text(tmp_path: Path) -> None:
    page = report(tmp_path / "r", EVIL)
    assert "script" not in [tag for tag, _attributes in page.tags]
    assert "<script>alert(1)</script>&\"'$x_{$\\x1b[31m\\x00\\xe9\\u202e" in page.text


def test_no_mistakes(tmp_path: Path) -> None:
    page = report(tmp_path / "r", wrong=False)
    assert not (tmp_path / "r" / "plots" / "mistakes.png").exists()
    assert "sure and wrong" not in page.text


@pytest.mark.parametrize("name", [EVIL, "$\\frac{$.png", "漢字 😀.png", "x" * 300, ""])
def test_a_picture_s_name_is_shown_as_text(tmp_path: Path, name: str) -> None:
    picture = np.zeros((50, 40), "uint8")
    picture[10:40, 10:30] = 200
    path = figures.draw_prediction(prepare_garment(picture), [(name, 0.9), ("b", 0.1)], name, tmp_path / "x.png")
    with Image.open(path) as drawn:
        assert drawn.size[0] > 500


def test_printable() -> None:
    assert printable("señal 漢 <b>") == "señal 漢 <b>"
    assert printable("\u202e\x9b\x7f\udcff\ud800") == "\\u202e\\x9b\\x7f\\xff\\ud800"


def test_figures_keep_their_size_on_a_phone(tmp_path: Path) -> None:
    """There their texts would be too small to read: each figure stands in a box that can be moved sideways."""
    tags = report(tmp_path / "r").tags
    figures_at = [k for k, (tag, _attributes) in enumerate(tags) if tag == "img"]
    assert len(figures_at) == 4
    assert all(tags[k - 1] == ("p", {"class": "picture"}) for k in figures_at)
    page = (tmp_path / "r" / "report.html").read_text("utf-8")
    narrow = page.index("@media (max-width")
    assert page.index("max-width: none") > narrow > page.index("img { max-width: 100%")
