"""Notebooks: cells in order, magic left out, the last value shown."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from neurona.errors import DamagedDataError
from neurona.programs.notebook import LeftOut, plain, read_cells

Run = Callable[..., tuple[int, list[str]]]


def notebook(*cells: str) -> str:
    made = [{"cell_type": "code", "source": cell.splitlines(keepends=True)} for cell in cells]
    return json.dumps({"cells": [{"cell_type": "markdown", "source": "1/0"}, *made], "nbformat": 4, "metadata": {}})


def test_cells_run_in_order_in_one_world(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    text = notebook(
        "%matplotlib inline\n!pip install -q keras\nimport keras\nx = 20",
        "%%time\nx += 1\nx * 2",
        "x;",
        "%%bash\nrm -rf everything",
        "display(x)\nif x:\n    !ls\n    print('here')\nNone",
    )
    status, told = run(text, name="lesson.ipynb")
    assert status == 0
    assert capsys.readouterr().out == "42\n21\nhere\n"
    assert told == [
        "lesson.ipynb, cell 1, line 1: left out: %matplotlib inline",
        "lesson.ipynb, cell 1, line 2: left out: !pip install -q keras",
        "lesson.ipynb, cell 2, line 1: left out: %%time",
        "lesson.ipynb, cell 4, line 1: left out: %%bash",
        "lesson.ipynb, cell 5, line 3: left out: !ls",
    ]


def test_a_traceback_names_the_cell_and_shows_its_line(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    status, _ = run(notebook("a = 1", "b = 2\nb / (a - 1)"), name="lesson.ipynb")
    shown = capsys.readouterr().err
    assert status == 1
    assert 'File "lesson.ipynb[2]", line 2' in shown and "b / (a - 1)" in shown


def test_a_cell_may_await(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    waiting = "import asyncio\nawait asyncio.sleep(0)\nasync def seven():\n    return 7\nx = await seven()"
    assert run(notebook(waiting, "await seven() + x"), name="lesson.ipynb") == (0, [])
    assert capsys.readouterr().out == "14\n"


@pytest.mark.parametrize(
    ("source", "left", "kept"),
    [
        ("text = '''\n% of all\n!now'''", [], "text = '''\n% of all\n!now'''"),
        ("x = (7\n% 4)", [], "x = (7\n% 4)"),
        ("!cmd a \\\n  b\ny = 1", [LeftOut(1, "!cmd a \\")], "\n\ny = 1"),
        ("files = !ls\nz = 1", [LeftOut(1, "files = !ls")], "\nz = 1"),
        ("len?", [LeftOut(1, "len?")], ""),
        ("x = = 1", [], "x = = 1"),
        ("", [], ""),
    ],
)
def test_only_what_is_not_python_is_left_out(source: str, left: list[LeftOut], kept: str) -> None:
    assert plain(source) == (kept, left)


def test_the_older_format(tmp_path: Path) -> None:
    path = tmp_path / "old.ipynb"
    path.write_text(json.dumps({"worksheets": [{"cells": [{"cell_type": "code", "input": ["x = 1"]}]}]}))
    assert [cell.source for cell in read_cells(path)] == ["x = 1"]


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"cells": [1]}', '{"cells": {}}'])
def test_what_is_no_notebook(tmp_path: Path, text: str) -> None:
    path = tmp_path / "broken.ipynb"
    path.write_text(text)
    if text == '{"cells": {}}':
        assert list(read_cells(path)) == []
        return
    with pytest.raises(DamagedDataError, match="no notebook"):
        list(read_cells(path))
