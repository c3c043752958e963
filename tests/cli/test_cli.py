"""The command line: train, resume, evaluate and predict on the sample, told errors, both languages."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from neurona.cli import main
from neurona.datasets.fashion_mnist import FASHION_MNIST
from neurona.i18n import set_language

SHORT = ["train", "clothes", "--recipe", "tutorial", "--epochs", "1", "--sample"]


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
    for name in ("LANGUAGE", "LC_ALL", "LC_MESSAGES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LANG", "C")
    monkeypatch.setenv("LANGUAGE", "en")
    monkeypatch.chdir(tmp_path)
    before = signal.getsignal(signal.SIGTERM)

    def run(*arguments: object) -> Called:
        with pytest.raises(SystemExit) as stop:
            main([str(a) for a in arguments])
        code = stop.value.code
        return Called(code if isinstance(code, int) else 0, *capfd.readouterr())

    yield run
    set_language(None)
    signal.signal(signal.SIGTERM, before)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "run"
    with pytest.raises(SystemExit) as stop:
        main([*SHORT, "--run", str(folder), "--lang", "en"])
    assert not stop.value.code
    return folder


def test_train_leaves_everything_and_tells_it(call: Any, tmp_path: Path) -> None:
    first = call(*SHORT, "--seed", 3, "--run", "a", "--json", "--lang", "es")
    assert first.code == 0
    assert "Exactitud en la prueba" in first.out
    assert first.json.items() >= {
        "run": "a", "recogniser": "clothes", "recipe": "tutorial", "data": "sample", "epochs": 1, "seed": 3,
        "status": "complete",
    }.items()  # fmt: skip
    assert 0.5 < first.json["test_accuracy"] < 1
    assert first.json["seconds"] > 0
    assert sorted(os.listdir("a")) == ["history.csv", "metrics.json", "model.keras", "plots", "report.html", "run.json"]
    second = call("train", "prendas", *SHORT[2:], "--seed", 3, "--run", "b", "--lang", "en")
    assert "Test accuracy" in second.out
    for file in ("history.csv", "metrics.json"):
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()
    assert call("train", "--resume", "a").code == 1
    assert "exists already" in call(*SHORT, "--run", "a").err


def test_evaluate_agrees_with_training(call: Any, trained: Path) -> None:
    found = call("evaluate", trained, "--json").json
    assert found["test_accuracy"] == json.loads((trained / "metrics.json").read_text())["accuracy"]


def test_predict_sees_saved_pictures_as_the_originals(call: Any, trained: Path, tmp_path: Path) -> None:
    from neurona.recognisers import find
    from neurona.recognisers.of_pictures import probabilities
    from neurona.runs import Run

    assert FASHION_MNIST.read_sample is not None
    assert FASHION_MNIST.sample is not None
    garments = FASHION_MNIST.read_sample(FASHION_MNIST.sample).x_test[:8]
    photos = tmp_path / "photos"
    photos.mkdir()
    for i, garment in enumerate(garments):
        Image.fromarray(255 - np.kron(garment, np.ones((10, 10), "uint8"))).save(photos / f"{i}.png")
    done = call("predict", trained, photos, "--out", photos, "--json")
    assert done.code == 0
    run = Run.open(trained)
    shares = probabilities(run.load_model(), find("clothes").kind.reader(run)(garments))
    expected = [run.info["classes"]["en"][k] for k in shares.argmax(axis=1)]
    assert [p["answer"] for p in done.json["predictions"]] == expected
    assert len(os.listdir(photos)) == 16


def test_predict_goes_on_after_a_bad_picture(call: Any, trained: Path, tmp_path: Path) -> None:
    picture = np.full((60, 60), 255, "uint8")
    picture[20:40, 10:50] = 30
    names = ["a\x1b[31m$<b>.png", os.fsdecode(b"\xe9.png"), "x" * 250 + ".png"]
    for name in names:
        Image.fromarray(picture).save(tmp_path / name)
    (tmp_path / "bad.png").write_text("no picture")
    done = call("predict", trained, "bad.png", *names, "--out", "o", "--json")
    assert done.code == 1
    assert "neither PNG nor JPEG" in done.err
    assert "\x1b" not in done.out + done.err
    assert "a\\x1b[31m$<b>.png" in done.out
    assert [p["picture"] for p in done.json["predictions"]] == ["bad.png", *names]
    assert len(os.listdir("o")) == 3


@pytest.mark.parametrize(
    ("arguments", "code", "english", "spanish"),
    [
        (["train"], 2, "Say what to train", "neurona train prendas"),
        (["train", "cloths"], 1, "Did you mean 'clothes'?", "¿Querías decir 'clothes'?"),
        (["train", "clothes", "--recipe", "x"], 1, "has no recipe 'x'", "no tiene la receta 'x'"),
        (["train", "--resume", "x"], 1, "no run folder x", "No existe la carpeta"),
        (["train", "--resume", "x", "--seed", "1"], 2, "leave out --seed", "--seed"),
        (["train", "clothes", "--epochs", "0"], 2, "not in the range", "no está en el intervalo"),
        (["evaluate", "latest"], 1, "no run yet", "ninguna ejecución"),
        (["predict", "x"], 2, "Missing argument", "Falta"),
        (["flurb"], 2, "No such command", "No existe la orden"),
        (["train", "--flurb"], 2, "No such option", "No existe la opción"),
    ],
)  # fmt: skip
def test_errors_are_told(call: Any, arguments: list[str], code: int, english: str, spanish: str) -> None:
    for language, text in (("en", english), ("es", spanish)):
        found = call(*arguments, "--lang", language, "--json")
        assert found.code == code
        assert text in found.err
        assert "Traceback" not in found.err
        assert "error" in found.json
    assert os.listdir() == []


@pytest.mark.parametrize(
    "command", [[], ["train"], ["evaluate"], ["predict"], ["doctor"], ["data"], ["data", "import"], ["data", "where"]]
)
def test_help_in_both_languages(call: Any, command: list[str]) -> None:
    english, spanish = call(*command, "--help", "--lang", "en"), call(*command, "--help", "--lang", "es")
    assert (english.code, spanish.code) == (0, 0)
    assert "Usage:" in english.out
    assert "Uso:" in spanish.out
    assert "Show this message" not in spanish.out


def test_doctor(call: Any) -> None:
    assert call("doctor", "--json").json["libraries"]["numpy"] == np.__version__


@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGKILL, -9)])
def test_stopped_from_outside_and_resumed(call: Any, tmp_path: Path, number: int, code: int) -> None:
    arguments = ["train", "clothes", "--recipe", "tutorial", "--sample", "--run"]
    begun = subprocess.Popen(
        [sys.executable, "-m", "neurona", *arguments, "r", "--epochs", "8"],
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, cwd=tmp_path,
    )  # fmt: skip
    end = time.monotonic() + 30
    while not (tmp_path / "r" / "checkpoint" / "state.npz").exists() and time.monotonic() < end:
        time.sleep(0.005)
    time.sleep(0.4)
    begun.send_signal(number)
    asked = time.monotonic()
    error = begun.communicate(timeout=10)[1]
    assert time.monotonic() - asked < 5
    assert begun.returncode == code
    assert "Traceback" not in error
    assert call("train", "--resume", "r").code == 0
    assert call(*arguments, "s", "--epochs", 8).code == 0
    for file in ("history.csv", "metrics.json"):
        assert (tmp_path / "r" / file).read_bytes() == (tmp_path / "s" / file).read_bytes()


def test_nothing_left_to_train_with_makes_no_run(call: Any) -> None:
    found = call(*SHORT, "--validation", 6000, "--run", "none")
    assert found.code == 1
    assert "--validation must leave some of the 6000 training examples. Received: 6000." in found.err
    assert not os.path.exists("none")
