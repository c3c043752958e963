"""The code cells of a notebook, made into plain Python.

Lines that only a notebook understands (``%matplotlib inline``, ``!pip install ...``, ``thing?``) are left out, and told.
They are recognised by Python itself refusing them, so a text or a sum that begins a line with ``%`` stays.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from neurona.errors import DamagedDataError
from neurona.i18n import _

__all__ = ["Cell", "LeftOut", "plain", "read_cells"]

_TIMED = re.compile(r"(?P<indent>\s*)(?P<magic>%time(it)?(\s+-\S+(\s+\d+)?)*)\s+(?P<statement>[^-\s].*)", re.DOTALL)
_TRANSPARENT = ("%%time", "%%timeit", "%%capture", "%%prun")  # the rest of such a cell is Python all the same


@dataclass(frozen=True)
class Cell:
    """One code cell.

    Attributes:
        number: its place among the code cells, from 1.
        source: its text.
    """

    number: int
    source: str


@dataclass(frozen=True)
class LeftOut:
    """A line of a cell that is not Python: where it stood, and its text."""

    line: int
    text: str


def read_cells(path: Path) -> Iterator[Cell]:
    """The code cells of a notebook file, in order.

    Raises:
        DamagedDataError: the file is no notebook.
    """
    try:
        content = json.loads(path.read_text("utf-8"))
        cells = content["cells"] if "cells" in content else content["worksheets"][0]["cells"]  # format 4, format 3
        sources = [_text(cell.get("source", cell.get("input", ""))) for cell in cells if cell["cell_type"] == "code"]
    except (ValueError, KeyError, IndexError, TypeError, AttributeError, RecursionError) as error:
        raise DamagedDataError(
            _("{path} is no notebook: expected JSON with code cells ({why}).").format(path=path, why=error)
        ) from error
    return (Cell(number, source) for number, source in enumerate(sources, 1))


def _text(source: Any) -> str:
    return source if isinstance(source, str) else "".join(source)


def plain(source: str) -> tuple[str, list[LeftOut]]:
    """A cell's text with everything but Python taken out; lines keep their numbers.

    >>> plain("%matplotlib inline\\nx = 7 % 4")
    ('\\nx = 7 % 4', [LeftOut(line=1, text='%matplotlib inline')])
    >>> plain("if True:\\n    !ls\\ny = 1")[0]
    'if True:\\n    pass\\ny = 1'
    >>> plain("%time y = f(3)")
    ('y = f(3)', [LeftOut(line=1, text='%time')])
    """
    lines = source.split("\n")
    left_out: list[LeftOut] = []
    first = next((k for k, line in enumerate(lines) if line.strip()), 0)
    if lines[first].startswith("%%"):
        left_out.append(LeftOut(first + 1, lines[first]))
        lines[first] = ""
        if not left_out[0].text.startswith(_TRANSPARENT):
            return "", left_out
    while True:
        try:
            ast.parse("\n".join(lines))
            break
        except SyntaxError as error:
            place = _guilty(lines, error)
            if place is None:  # a mistake of the program: Python will say so
                break
            if timed := _TIMED.match(lines[place]):  # what stands behind it is Python all the same
                left_out.append(LeftOut(place + 1, timed["magic"]))
                lines[place] = timed["indent"] + timed["statement"]
                continue
            left_out.append(LeftOut(place + 1, lines[place].strip()))
            _take_out(lines, place)
    return "\n".join(lines), left_out


def _guilty(lines: list[str], error: SyntaxError) -> int | None:
    """The line at or before the error that a notebook, but not Python, understands."""
    for place in range(min((error.lineno or 1), len(lines)) - 1, -1, -1):
        line = lines[place].strip()
        if line.startswith(("!", "%", "?")) or (line.endswith("?") and not line.startswith("#")):
            return place
        _, assigns, value = line.partition("=")
        if assigns and value.strip().startswith(("!", "%")):
            return place
        if line and place < (error.lineno or 1) - 2:
            return None
    return None


def _take_out(lines: list[str], place: int) -> None:
    """Put ``pass`` where the line stands within a block, nothing elsewhere; its continuations go with it."""
    indent = lines[place][: len(lines[place]) - len(lines[place].lstrip())]
    continued = lines[place].rstrip().endswith("\\")
    lines[place] = f"{indent}pass" if indent else ""
    while continued and place + 1 < len(lines):
        place += 1
        continued = lines[place].rstrip().endswith("\\")
        lines[place] = ""
