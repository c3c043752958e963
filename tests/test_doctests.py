"""The examples in the docstrings, and in the READMEs, run."""

from __future__ import annotations

import doctest
import importlib
import pkgutil
import re
from pathlib import Path

import numpy as np
import pytest

import neurona
from neurona import utils

# These run as programs beside their folder's other files, also where neurona is not installed; they hold no examples.
WORKERS = ("neurona.bench.worker.keras_engine", "neurona.bench.worker.torch_engine")
FLAGS = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
MODULES = sorted(
    m.name
    for m in pkgutil.walk_packages(neurona.__path__, "neurona.")
    if "._native" not in m.name and not m.name.endswith("__main__") and m.name not in WORKERS
)


@pytest.mark.parametrize("name", MODULES)
def test_examples(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # examples may write files
    utils.set_random_seed(0)
    try:
        module = importlib.import_module(name)
    except ImportError as error:  # a module of an extra that is not installed here
        if "pip install 'neurona[" in str(error):
            pytest.skip(f"its extra is missing: {error}")
        raise
    result = doctest.testmod(module, optionflags=FLAGS, extraglobs={"np": np, "neurona": neurona})
    assert result.failed == 0


ROOT = Path(__file__).parent.parent


@pytest.mark.parametrize("readme", ["README.md", "README.es.md"])
def test_readme_programs(readme: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The Python blocks of a README run as they stand, on a slice of the sample."""
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / readme).read_text("utf-8"), re.S)
    assert len(blocks) == 2
    from neurona.datasets import fashion_mnist, load

    data = load("fashion-mnist", sample=True)
    small = (data.x_train[:320], data.y_train[:320]), (data.x_test[:100], data.y_test[:100])
    monkeypatch.setattr(fashion_mnist, "load_data", lambda: small)
    for block in blocks:
        exec(compile(block, readme, "exec"), {})
