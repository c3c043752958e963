"""Small programs in the manner of well-known ones: under real Keras they run unchanged, and so they do here."""

from __future__ import annotations

import warnings
from pathlib import Path

import pytest

from neurona.programs import run_program

EXAMPLES = sorted((Path(__file__).parent / "examples").glob("*.py"))


@pytest.mark.parametrize("path", EXAMPLES, ids=[path.stem for path in EXAMPLES])
def test_it_runs(path: Path, apart: None, capsys: pytest.CaptureFixture[str]) -> None:
    told: list[str] = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a program's own warnings do not stop it under Python either
        status = run_program(path, tell=told.append)
    assert (status, told) == (0, []), capsys.readouterr().err


def test_there_are_examples() -> None:
    assert len(EXAMPLES) > 25
    assert all("import keras" in text or "keras" in text for text in (p.read_text("utf-8") for p in EXAMPLES))
