from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from neurona import backend, config, utils
from neurona.programs import run_program, uninstall
from neurona.registry import get_custom_objects

_ROOTS = ("keras", "tensorflow")


@pytest.fixture
def apart(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """The interpreter as a fresh one would be for a program, and afterwards as it was."""
    for name in [n for n in sys.modules if n.partition(".")[0] in _ROOTS]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])
    monkeypatch.setattr(sys, "argv", ["pytest"])
    monkeypatch.setattr(sys, "path", ["", *sys.path])
    monkeypatch.chdir(tmp_path)
    before = dict(get_custom_objects())
    utils.set_random_seed(0)
    with np.printoptions():  # a program may set its own
        yield
    uninstall()
    backend.clear_session()
    config.set_floatx("float32")
    get_custom_objects().clear()
    get_custom_objects().update(before)


@pytest.fixture
def run(apart: None, tmp_path: Path) -> Callable[..., tuple[int, list[str]]]:
    """Execute a text as a program: its exit status, and the lines for the user."""

    def execute(text: str, *arguments: str, name: str = "program.py") -> tuple[int, list[str]]:
        path = tmp_path / name
        path.write_text(text, "utf-8")
        told: list[str] = []
        return run_program(path, arguments, tell=told.append), told

    return execute
