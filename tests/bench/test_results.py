"""Medians, ratios, tables and files of the benchmark's results, from numbers made up by hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from neurona.bench.page import write_page
from neurona.bench.results import Measurement, Results, goal_of, in_markdown, short


def some() -> Results:
    machine = {
        "processor": "P", "cores": 2, "memory_gb": 8.0, "system": "S", "python": "3", "numpy": "2", "neurona": "0",
        "kernels": None, "load_before": 0.0, "gflops": 100.0,
    }  # fmt: skip
    results = Results(machine, "2030-01-02", 2, 3, {"neurona": "0", "torch": "2"})
    for engine, way, values in (
        ("neurona", "fit", [2.0, 1.0, 9.0]),
        ("torch", "eager", [8.0, 8.0, 8.0]),
        ("torch", "compile", [5.0, 7.0, 6.0]),
        ("jax", "fit", [7.0, 7.0, 7.0]),
    ):
        results.measurements.append(Measurement("step", "dnn-small", engine, way, "ms", values))
    return results


def test_the_fastest_way_of_each_engine_counts() -> None:
    results = some()
    best = results.best("step", "dnn-small", "torch")
    assert best is not None and best.way == "compile" and best.median == 6.0 and best.spread == (5.0, 7.0)
    assert results.best_peer("step", "dnn-small") == best
    assert results.ratio("step", "dnn-small") == 3.0
    assert results.best("step", "dnn-small", "tensorflow") is None
    assert results.ratio("step", "lstm") is None


def test_table() -> None:
    head, row = some().table("step")
    assert head == ["step, ms", "Neurona", "Keras on JAX", "PyTorch", "ratio", "goal"]
    assert row == ["dnn-small", "2 (1 to 9)", "7 (7 to 7)", "6 (5 to 7)", "3.00", "2.5"]


def test_goals() -> None:
    assert goal_of("first step", "lstm") == 10
    assert goal_of("step", "vgg-bn") == 2
    assert goal_of("growth", "width") is None


def test_a_page_without_us(tmp_path: Path) -> None:
    results = some()
    results.measurements = [one for one in results.measurements if one.engine != "neurona"]
    results.failures = ["It\nbroke."]
    page = write_page(results, tmp_path).read_text(encoding="utf-8")
    assert "| dnn-small | 7 (7 to 7) | 6 (5 to 7) |  | 2.5 |" in page
    assert page.endswith("- It broke.\n") and not list(tmp_path.glob("*.png"))


def test_files_come_back(tmp_path: Path) -> None:
    results = some()
    assert Results.load(results.save(tmp_path / "bench.json")) == results


def test_page(tmp_path: Path) -> None:
    page = write_page(some(), tmp_path).read_text(encoding="utf-8")
    assert in_markdown(some().table("step")) in page
    # 13.1 million operations in 2 ms are 6.5 GFLOP/s, of 100
    assert "| dnn-small | 0.0131 | 7 | 7% | Keras on JAX: fit, PyTorch: compile |" in page
    assert (tmp_path / "bench-step.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(("value", "text"), [(0.04567, "0.0457"), (4.567, "4.57"), (456.7, "457"), (0.0, "0")])
def test_three_figures(value: float, text: str) -> None:
    assert short(value) == text
