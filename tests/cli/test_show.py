"""``neurona show``: pages in both languages, about the network, a picture, units and classes; told errors."""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from neurona.cli import main
from neurona.i18n import set_language
from neurona.recognisers import find
from neurona.report.show import Page
from neurona.sight import Scene
from tests.sight.nets import edge_pictures, edges, prepare

SHORT = ["--pictures", "60", "--offline"]


class Text(HTMLParser):
    """The words of a page, and how many pictures it has."""

    def __init__(self) -> None:
        super().__init__()
        self.words, self.pictures = "", 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag != "script" and not any(key in ("href", "onload") for key, _value in attrs)
        if tag == "img":
            self.pictures += 1
            assert dict(attrs)["alt"] and str(dict(attrs)["src"]).startswith("data:image/png;base64,")

    def handle_data(self, data: str) -> None:
        self.words += data


def read(path: Path) -> Text:
    page = Text()
    page.feed(path.read_text("utf-8"))
    return page


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "run"
    with pytest.raises(SystemExit) as stop:
        main(
            [
                "train",
                "clothes",
                "--recipe",
                "tutorial",
                "--epochs",
                "1",
                "--sample",
                "--run",
                str(folder),
                "--lang",
                "en",
            ]
        )
    assert not stop.value.code
    return folder


@pytest.fixture
def call(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Any]:
    monkeypatch.chdir(tmp_path)

    def run(*arguments: object, code: int = 0) -> str:
        with pytest.raises(SystemExit) as stop:
            main(["show", *map(str, arguments)])
        found = capfd.readouterr()
        assert (stop.value.code or 0) == code, found.err
        return found.err if code else found.out

    yield run
    set_language(None)


@pytest.mark.parametrize(
    ("language", "said", "written"),
    [
        ("en", "the whole picture", ("What the network sees", "no Grad-CAM", "Trouser", "strongest of 128")),
        ("es", "toda la imagen", ("Lo que ve la red", "no hay Grad-CAM", "De capa en capa", "más fuertes de 128")),
    ],
)
def test_the_whole_network(call: Any, trained: Path, language: str, said: str, written: tuple[str, ...]) -> None:
    out = call(trained, *SHORT, "--out", language, "--lang", language, "--json")
    assert said in out
    page = read(Path(language) / "show.html")
    assert all(text in page.words or text == "Trouser" for text in written)
    assert page.pictures == 5
    figures = sorted(os.listdir(Path(language) / "shown"))
    assert figures == [f"show-{name}.png" for name in ("classes", "dense", "filters-dense", "maps", "places")]
    for name in figures:
        with Image.open(Path(language) / "shown" / name) as figure:
            values = np.asarray(figure.convert("L"))
            assert figure.width == 990 and values.std() > 5
    facts = json.loads(out.splitlines()[-1])
    assert [(row["name"], row["units"], row["receptive_field"]) for row in facts["layers"]] == [
        ("dense", 128, None), ("dense_1", 10, None),
    ]  # fmt: skip
    assert facts["purity_by_chance"] < facts["layers"][0]["purity"] < facts["layers"][1]["purity"] <= 1


def test_it_lies_in_the_run_s_folder_unless_told(call: Any, trained: Path) -> None:
    before = set(os.listdir(trained))
    first = call(trained, "--layer", "dense_1", "--unit", 3, *SHORT, "--lang", "en")
    assert set(os.listdir(trained)) - before == {"show-dense_1-3.html", "shown"}
    assert "Its best pictures show:" in first and str(trained / "show-dense_1-3.html") in first
    page = (trained / "show-dense_1-3.html").read_bytes()
    call(trained, "--layer", "dense_1", "--unit", 3, *SHORT, "--lang", "en")
    assert (trained / "show-dense_1-3.html").read_bytes() == page  # the seed is the same


def test_silent_units_are_named_so(tmp_path: Path) -> None:
    model = edges()
    model.get_layer("edges").set_weights([np.zeros((3, 3, 1, 2), "float32"), np.array([-1.0, 1.0], "float32")])
    pictures, classes = edge_pictures(9)
    scene = Scene(model, prepare, pictures, classes)
    page = Page(scene, tmp_path / "p.html", tmp_path)
    assert page.units(scene.stages[0]) == [0, 1]
    with Image.open(tmp_path / "p-edges.png") as figure:
        assert (np.asarray(figure)[30:130, 115:220] > 250).all()  # no best pictures


def test_the_page_opens_when_asked(call: Any, trained: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    monkeypatch.setattr("click.launch", opened.append)
    call(trained, "--layer", "dense", "--unit", 0, "--open", *SHORT, "--out", "o")
    assert opened == [str(Path("o") / "show-dense-0.html")]


def test_layer_class_and_picture(call: Any, trained: Path, tmp_path: Path) -> None:
    picture = np.full((60, 60), 255, "uint8")
    picture[10:50, 20:40] = 30
    Image.fromarray(picture).save(tmp_path / "a <b>.png")
    call(trained, "--layer", "dense_1", *SHORT, "--out", "o", "--lang", "en")
    assert "unit" not in read(Path("o/show-dense_1.html")).words.replace("the unit", "").replace("units", "")
    call(trained, "--class", "pantalon", *SHORT, "--out", "o", "--lang", "es")
    assert "Pantalón" in read(Path("o/show-Pantalón.html")).words
    call(trained, "--class", "Trouser", *SHORT, "--out", "o", "--lang", "es")
    out = call(trained, "a <b>.png", "--class", "9", *SHORT, "--out", "o", "--lang", "en")
    assert "asked for: Ankle boot" in out or "Ankle boot" in out.splitlines()[0]
    page = read(Path("o/show-a-b.html"))
    assert page.pictures == 2 and "a <b>.png" in page.words
    call(trained, "a <b>.png", "--layer", "dense", *SHORT, "--out", "o")


@pytest.mark.parametrize(
    ("arguments", "code", "english", "spanish"),
    [
        (["--layer", "dens"], 1, "Did you mean 'dense'? Its layers: dense, dense_1", "¿Querías decir 'dense'?"),
        (["--layer", "dense", "--unit", "128"], 1, "units 0 to 127; there is no unit 128", "no existe la unidad 128"),
        (["--class", "cot"], 1, "Its classes: T-shirt/top, Trouser", "Sus clases: Camiseta"),
        (["--class", "10"], 1, "There is no class '10'", "No existe la clase '10'"),
        (["--unit", "1"], 2, "--unit needs --layer", "--unit necesita --layer"),
        (["x.png", "--layer", "dense", "--unit", "1"], 2, "do not go together", "no van juntas"),
        (["--layer", "dense", "--class", "1"], 2, "only with a PICTURE", "solo van juntas"),
        (["--pictures", "0"], 2, "not in the range", "no está en el intervalo"),
        (["x.png"], 1, "no file x.png", "x.png"),
    ],
)
def test_errors_are_told(call: Any, trained: Path, arguments: list[str], code: int, english: str, spanish: str) -> None:
    for language, text in (("en", english), ("es", spanish)):
        assert text in " ".join(call(trained, *arguments, "--offline", "--lang", language, code=code).split())
    assert os.listdir() == []


def test_a_run_without_a_model_is_told(call: Any, trained: Path, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    assert "is not a run folder" in call(empty, "--lang", "en", code=1)
    (empty / "run.json").write_bytes((trained / "run.json").read_bytes())
    assert "has lost its model" in call(empty, "--lang", "en", code=1)
    assert "ha perdido su modelo" in call(empty, "--lang", "es", code=1)
    assert "no run folder nowhere" in call("nowhere", "--lang", "en", code=1)


def test_a_recogniser_that_sees_nothing_is_told(call: Any, trained: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    blind = dataclasses.replace(find("clothes"), kind=object())
    monkeypatch.setattr("neurona.cli.show.find", lambda _name: blind)
    assert "takes no pictures" in call(trained, "--lang", "en", code=1)


@pytest.mark.parametrize(("language", "usage"), [("en", "Usage:"), ("es", "Uso:")])
def test_help(call: Any, language: str, usage: str) -> None:
    out = call("--help", "--lang", language)
    assert usage in out and "--layer" in out and "neurona show latest" in out
