"""The certificate against real Keras: its short form passes, and what is wrong is seen and named."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from neurona import layers, metrics, ops, optimizers
from neurona.cli import main
from neurona.errors import MissingPackageError
from neurona.parity import SUBJECTS, certify
from neurona.parity.page import in_lines, write_pages

NEEDS = "the certificate compares with real Keras on TensorFlow: pip install 'neurona[keras]'"


def named(*names: str) -> list[Any]:
    return [s for s in SUBJECTS if s.name in names]


def test_without_keras_the_command_that_installs_it_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "keras", None)
    with pytest.raises(MissingPackageError, match=r"pip install 'neurona\[keras\]'"):
        certify(named("Dense"), draws=1)


def test_the_short_form_passes() -> None:
    pytest.importorskip("tensorflow", reason=NEEDS)
    made = certify(quick=True, draws=1)
    assert made.failed == [], "\n".join(in_lines(made))
    assert {f.kind for f in made.findings} == {"layer", "loss", "metric", "optimizer"}
    assert len({(f.kind, f.name) for f in made.findings}) == len(SUBJECTS)


def test_a_hundred_steps_in_both_types() -> None:
    pytest.importorskip("tensorflow", reason=NEEDS)
    made = certify(named("Dense", "Huber"), draws=1, seed=3)
    assert made.failed == [], "\n".join(in_lines(made))
    found = {(f.name, f.dtype, f.quantity) for f in made.findings}
    assert ("Dense", "float64", "hundred steps") in found
    assert ("Dense", "float16", "output") in found


def test_a_wrong_layer_a_wrong_gradient_and_a_wrong_optimizer_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each by a thousandth: no tolerance hides it."""
    pytest.importorskip("tensorflow", reason=NEEDS)
    elu, lion = layers.ELU.call, optimizers.Lion.move
    monkeypatch.setattr(layers.ELU, "call", lambda self, x: ops.multiply(elu(self, x), 1.001))
    # right as far as one sees, and wrong in what it learns
    monkeypatch.setattr(
        layers.LeakyReLU, "call", lambda self, x: ops.add(ops.multiply(x, 0.001), ops.stop_gradient(_leaky(self, x)))
    )
    monkeypatch.setattr(optimizers.Lion, "move", lambda self, g, w, index, rate: lion(self, g, w, index, rate * 1.001))
    monkeypatch.setattr(optimizers.Lion, "compiled", lambda *arguments: NotImplemented)
    monkeypatch.setattr(metrics.Mean, "result", lambda self: ops.multiply(self.total / self.count, 1.001))
    made = certify(named("ELU", "ReLU", "LeakyReLU", "Lion", "SGD", "Mean", "Sum"), draws=2, quick=True)
    assert made.failed == ["ELU", "LeakyReLU", "Lion", "Mean"]
    wrong = {(f.name, f.quantity) for f in made.findings if not f.passed}
    assert ("ELU", "output") in wrong
    assert ("LeakyReLU", "gradient") in wrong
    assert ("LeakyReLU", "output") not in wrong
    assert ("Lion", "hundred steps") in wrong
    text = "\n".join(in_lines(made))
    assert "4 of 7 are over their tolerance: ELU, LeakyReLU, Lion, Mean." in text
    assert "ELU, float32, output: 1.0e-03 (tolerated 1.0e-05) in " in text


def _leaky(layer: Any, x: Any) -> Any:
    y = ops.leaky_relu(x, layer.negative_slope)
    return ops.subtract(y, ops.multiply(x, 0.001))


def test_what_raises_is_told_and_fails(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    pytest.importorskip("tensorflow", reason=NEEDS)

    def broken(self: Any, x: Any) -> Any:
        raise ValueError("out | of order")

    monkeypatch.setattr(layers.ELU, "call", broken)
    made = certify(named("ELU", "ReLU"), draws=1, quick=True)
    assert made.failed == ["ELU"]
    html, markdown = write_pages(made, tmp_path)
    assert "out | of order" in html.read_text("utf-8")
    assert "out \\| of order" in markdown.read_text("utf-8")


def test_the_command(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    pytest.importorskip("tensorflow", reason=NEEDS)

    def call(*arguments: object) -> tuple[int, str]:
        with pytest.raises(SystemExit) as stop:
            main([*map(str, arguments)])
        return int(stop.value.code or 0), capfd.readouterr().out

    code, out = call("parity", "ReLU", "Adam", "--draws", 1, "--out", tmp_path, "--json")
    told = json.loads(out.splitlines()[-1])
    assert code == 0
    assert told["passed"]
    assert told["compared"] == 2
    assert "keras" in told["versions"]
    page = (tmp_path / "parity.md").read_text("utf-8")
    assert "# Agreement with Keras" in page
    assert "| ReLU |" in page
    assert f"keras {told['versions']['keras']}" in page
    assert (tmp_path / "parity.html").read_text("utf-8").startswith("<!doctype html>")
    monkeypatch.setattr(layers.ReLU, "call", lambda self, x: x)
    code, out = call("parity", "ReLU", "--quick", "--out", tmp_path, "--json", "--lang", "es")
    assert code == 1
    assert json.loads(out.splitlines()[-1])["failed"] == ["ReLU"]
    code, out = call("parity", "Densee", "--json")
    assert code == 1
    assert "Did you mean 'Dense'?" in json.loads(out.splitlines()[-1])["error"]
