"""The race: real workers of our own engine, and turns with made-up ones."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

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
    assert {("predict", "dnn-small, 1"), ("call", "dnn-small, 256"), ("import", ""), ("first step", "lstm")} <= found
    assert all(one.median > 0 for one in bench.results.measurements)


class Told:
    """A contender whose turns take the seconds that a test says."""

    def __init__(self, engine: str, seconds: float) -> None:
        self.engine, self.setting, self.seconds, self.turns = engine, "", seconds, 0

    def ask(self) -> dict[str, Any]:
        self.turns += 1
        return {"seconds": self.seconds}


def test_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(race, "REST", 0.0)
    fast, near, hopeless, other = Told("torch", 1.0), Told("torch", 1.4), Told("torch", 1.6), Told("jax", 9.0)
    found = take_turns([fast, near, hopeless, other], rounds=4)  # type: ignore[list-item]
    assert [len(found[one]) for one in (fast, near, hopeless, other)] == [4, 4, 1, 4]  # type: ignore[index]
    assert fast.turns == 5  # the one that warms up is not kept


def test_an_engine_that_computes_something_else_is_refused() -> None:
    ours, same, other = Told("neurona", 1), Told("jax", 1), Told("torch", 1)
    Bench._same_work("dnn-small", {ours: 2.0, same: 2.001})  # type: ignore[dict-item]
    with pytest.raises(BenchmarkError, match=r"PyTorch .* computes something else on dnn-small"):
        Bench._same_work("dnn-small", {ours: 2.0, same: 2.001, other: 2.1})  # type: ignore[dict-item]
    with pytest.raises(BenchmarkError, match="computes something else"):
        Bench._same_work("dnn-small", {ours: 2.0, same: 2.0, other: float("nan")})  # type: ignore[dict-item]


def test_a_worker_that_fails_says_why(tmp_path: Path) -> None:
    words = ["step", "--network", "dnn-small", "--folder", str(tmp_path)]  # nothing was prepared there
    worker = Contender("neurona", "", PYTHON, words, 1)
    with pytest.raises(BenchmarkError, match=r"Neurona \(\) failed. Received:(.|\n)*dnn-small.npz"):
        worker.hear()
    worker.kill()


def test_installed_size_counts_what_is_required(tmp_path: Path) -> None:
    alone = sum(p.stat().st_size for p in Path(np.__file__).parent.rglob("*") if p.is_file()) / 1e6
    assert installed_size("neurona", PYTHON) > 0.5 * alone  # NumPy is among what it requires
