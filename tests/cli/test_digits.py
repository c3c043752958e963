"""The command line with digits: data by archive, training, and predictions that show what the network was given."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from neurona.cli import main
from neurona.datasets import Data
from neurona.datasets.mnist import MNIST
from neurona.i18n import set_language
from neurona.recognisers.digits import DIGITS
from neurona.recognisers.handwriting import prepare_digit
from neurona.recognisers.train import start, train
from neurona.runs import Run


@pytest.fixture(autouse=True)
def as_it_was(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A command sets the language and a signal for its process; here others come after it."""
    monkeypatch.setenv("LANGUAGE", "en")
    before = signal.getsignal(signal.SIGTERM)
    yield
    set_language(None)
    signal.signal(signal.SIGTERM, before)


def bars_and_rings(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Ones and zeros, drawn with a thick pen, as MNIST would have them."""
    y, x = np.mgrid[:60, :60] - 30
    rng = np.random.default_rng(0)
    pictures, labels = [], np.arange(count, dtype=np.uint8) % 2
    for label in labels:
        if label:
            ink = (np.abs(x + rng.integers(-2, 3) * y / 10) < rng.integers(2, 5)) & (np.abs(y) < 22)
        else:
            radius = np.hypot(x * rng.uniform(1.1, 1.5), y)
            ink = np.abs(radius - 20) < rng.integers(2, 5)
        pictures.append(prepare_digit(np.where(ink, 0, 255).astype("uint8")).pixels)
    return np.stack(pictures), labels


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Run:
    x, y = bars_and_rings(240)
    data = Data(
        "mnist", "MNIST", x[:200], y[:200], x[200:], y[200:], MNIST.classes, "full", "path", "here", "f", False, ""
    )
    run = start(DIGITS, DIGITS.recipes["tutorial"], data, 0, 8, tmp_path_factory.mktemp("runs") / "run")
    train(run, data, verbose=0)
    return run


@pytest.mark.parametrize("language", ["en", "es"])
def test_a_photographed_digit_is_placed_recognised_and_shown(
    trained: Run, tmp_path: Path, capfd: pytest.CaptureFixture[str], language: str
) -> None:
    paper = np.full((400, 300), 210, "uint8")
    y, x = np.mgrid[:400, :300]
    ring, bar = paper.copy(), paper.copy()
    ring[np.abs(np.hypot((x - 90) * 1.3, y - 300) - 60) < 7] = 40
    bar[(np.abs(x - 200) < 6) & (np.abs(y - 120) < 60)] = 40
    names = ["ring.png", "bar.png"]
    for name, picture in zip(names, (ring, bar), strict=True):
        Image.fromarray(picture).save(tmp_path / name)
    with pytest.raises(SystemExit) as stop:
        main(["predict", str(trained.path), *(str(tmp_path / n) for n in names), "--out", str(tmp_path / "out"),
              "--json", "--lang", language])  # fmt: skip
    assert stop.value.code == 0
    out = capfd.readouterr().out
    answers = json.loads(out.splitlines()[-1])["predictions"]
    assert [a["answer"] for a in answers] == ["0", "1"]
    told = "centre of mass brought to the middle" if language == "en" else "centro de masa llevado al medio"
    assert all(any(told in step for step in a["steps"]) for a in answers) and out.count(told) >= 2
    for name, answer in zip(names, answers, strict=True):
        with Image.open(answer["saved"]) as shown:
            field = np.asarray(shown.convert("L"))[40:320, 321:601]
        source = np.asarray(Image.open(tmp_path / name))
        expected = np.kron(prepare_digit(source).pixels, np.ones((10, 10)))
        assert np.abs(field.astype(int) - expected).mean() < 3  # the figure shows exactly what the network got


def test_an_archive_is_imported_and_listed(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NEURONA_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("NEURONA_DATA", raising=False)
    (tmp_path / "cifar-10-binary.tar.gz").write_bytes(b"\x1f\x8b broken")
    with pytest.raises(SystemExit) as stop:
        main(["data", "import", str(tmp_path / "cifar-10-binary.tar.gz"), "--name", "cifar-10", "--lang", "en"])
    assert stop.value.code != 0
    assert "cifar-10-binary.tar.gz" in capfd.readouterr().err
    with pytest.raises(SystemExit) as stop:
        main(["data", "list", "--json", "--lang", "es"])
    assert stop.value.code == 0
    listed = {row["name"]: row for row in json.loads(capfd.readouterr().out.splitlines()[-1])["datasets"]}
    assert list(listed) == ["fashion-mnist", "mnist", "cifar-10", "imdb"]
    assert "sin licencia publicada" in listed["cifar-10"]["licence"]
