"""The race: real workers of our own engine, and turns with made-up ones."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import neurona
from neurona.bench import race
from neurona.bench.lines import Bench
from neurona.bench.peers import installed_size
from neurona.bench.race import Contender, take_turns
from neurona.bench.results import Results
from neurona.errors import BenchmarkError

PYTHON = Path(sys.executable)


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Bench:
    monkeypatch.setattr(race, "REST", 0.0)
    results = Results({}, "2030-01-02", 1, 2)
    return Bench({"neurona": PYTHON}, results, ["dnn-small"], keep=lambda: None, say=lambda text: None)


def test_step_and_memory(bench: Bench) -> None:
    bench.step()
    step, memory = bench.results.measurements
    assert (step.line, step.subject, step.engine, len(step.values)) == ("step", "dnn-small", "neurona", 2)
    assert 0 < step.median < 1000
    assert step.facts["last loss"] < step.facts["first loss"] < np.log(10) + 0.3  # it learns in the turns
    assert memory.line == "memory" and (memory.median > 20 or sys.platform == "win32")


def test_apply_and_start(bench: Bench) -> None:
    bench.results.rounds = 1
    bench.apply()
    bench.start()
    found = {(one.line, one.subject) for one in bench.results.measurements}
    assert {
        ("predict", "dnn-small, 1"),
        ("call", "dnn-small, 256"),
        ("import", "package"),
        ("first step", "lstm"),
    } <= found
    assert all(one.median > 0 for one in bench.results.measurements)


class Told:
    """A contender whose turns take the seconds that a test says."""

    def __init__(self, engine: str, seconds: float, lives: int = 100) -> None:
        self.engine, self.setting, self.seconds, self.turns, self.lives = engine, "", seconds, 0, lives

    def ask(self) -> dict[str, Any]:
        self.turns += 1
        if self.turns > self.lives:
            raise BenchmarkError("it broke")
        return {"seconds": self.seconds}


def test_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(race, "REST", 0.0)
    fast, near, hopeless, other = Told("torch", 1.0), Told("torch", 1.4), Told("torch", 1.6), Told("jax", 9.0)
    failing, failures = Told("tensorflow", 1.0, lives=2), []
    them: list[Any] = [fast, near, hopeless, other, failing]
    found = take_turns(them, rounds=4, failed=lambda one, error: failures.append((one, str(error))))
    assert [len(found[one]) for one in them[:-1]] == [4, 4, 2, 4]
    assert fast.turns == 5  # the one that warms up is not kept
    assert failing not in found and failures == [(failing, "it broke")]


def test_an_engine_that_computes_something_else_is_left_out(bench: Bench) -> None:
    ours, same, other, none = Told("neurona", 1), Told("jax", 1), Told("torch", 1), Told("tensorflow", 1)
    losses: Any = [(ours, {"loss": 2.0}), (same, {"loss": 2.001}), (other, {"loss": 2.1}), (none, {"loss": np.nan})]
    assert [one for one, _ in bench._same_work("dnn-small", losses)] == [ours, same]
    assert len(bench.results.failures) == 2
    assert "PyTorch () computes something else on dnn-small" in bench.results.failures[0]
    said: Any = [(one, {"said": [0.1, loss["loss"]]}) for one, loss in losses]
    assert [one for one, _ in bench._same_outputs("dnn-small", said[:3])] == [ours, same]


def test_the_others_go_on_where_one_fails(bench: Bench, tmp_path: Path) -> None:
    broken = tmp_path / "python"
    broken.write_text("#!/bin/sh\necho no such module >&2\nexit 3\n")
    broken.chmod(0o755)
    bench.pythons["jax"] = broken
    bench.results.rounds = 1
    bench.step()
    assert [one.engine for one in bench.results.measurements if one.line == "step"] == ["neurona"]
    assert "Keras on JAX (fit) failed with status 3. Received:\nno such module" in bench.results.failures


def test_a_worker_that_fails_says_why(tmp_path: Path) -> None:
    words = ["step", "--network", "dnn-small"]  # nothing was prepared there
    worker = Contender("neurona", "", PYTHON, words, tmp_path, 1)
    with pytest.raises(BenchmarkError, match=r"Neurona \(\) failed with status 1. Received:(.|\n)*dnn-small.npz"):
        worker.hear()
    worker.kill()


def test_installed_size_counts_ours_and_what_is_required() -> None:
    def size(folder: Path) -> float:
        return sum(p.stat().st_size for p in folder.rglob("*") if p.is_file() and "__pycache__" not in p.parts) / 1e6

    found, version = installed_size("neurona", PYTHON)
    assert found > size(Path(np.__file__).parent) + 0.9 * size(Path(neurona.__file__).parent)
    assert version == neurona.__version__
