"""The ratios of a run as a picture: how many times as long as we the others take."""

from __future__ import annotations

import math
from pathlib import Path

from neurona.bench.peers import ENGINES
from neurona.bench.results import Results, goal_of, short
from neurona.i18n import _
from neurona.report.canvas import BLACK, BLUE, GREY, ORANGE, PALE, Canvas, Colour

__all__ = ["draw"]

GREEN: Colour = (0x00, 0x9E, 0x73)  # the fourth that everybody can tell from the others (Okabe & Ito, 2008)
COLOURS: dict[str, Colour] = {"neurona": BLACK, "tensorflow": ORANGE, "jax": GREEN, "torch": BLUE}
LEFT, ROW, BAR = 190, 66, 14


def draw(results: Results, line: str, path: Path) -> Path:
    """Bars for every subject of a line: the median of each engine, divided by ours, on a scale of powers of two."""
    subjects = [s for s in results.subjects(line) if results.best(line, s, "neurona") is not None]
    canvas = Canvas(900, 96 + ROW * len(subjects))
    right = canvas.width - 130
    most = max((_factor(results, line, s, e) for s in subjects for e in COLOURS), default=2.0)
    top = math.ceil(math.log2(max(most, 2.0)))

    def across(factor: float) -> float:
        return LEFT + (right - LEFT) * min(max(math.log2(factor), -1.0) + 1, top + 1) / (top + 1)

    canvas.text(16, 24, _("{line}: times as long as Neurona (logarithmic)").format(line=line), 15)
    canvas.legend(canvas.width - 16, 24, [(ENGINES[e].title, COLOURS[e], False) for e in COLOURS if e != "neurona"], 11)
    for power in range(-1, top + 1):
        x = across(2.0**power)
        canvas.line([(x, 52), (x, canvas.height - 30)], GREY if power == 0 else PALE)
        canvas.text(x, canvas.height - 16, f"{2.0**power:g}x", 11, GREY, "middle")
    for row, subject in enumerate(subjects):
        y = 60 + ROW * row
        ours = results.best(line, subject, "neurona")
        assert ours is not None
        canvas.text(LEFT - 12, y + 18, subject, 13, BLACK, "right", LEFT - 24)
        canvas.text(LEFT - 12, y + 36, f"{short(ours.median)} {ours.unit}", 11, GREY, "right")
        for place, engine in enumerate(e for e in COLOURS if e != "neurona"):
            one = results.best(line, subject, engine)
            if one is None:
                continue
            factor, below = one.median / ours.median, y + 4 + place * (BAR + 3)
            canvas.box((across(1.0), below, across(factor), below + BAR), COLOURS[engine])
            canvas.text(
                max(across(factor), across(1.0)) + 6, below + BAR / 2, f"{factor:.1f}x  {short(one.median)}", 11
            )
        goal = goal_of(line, subject)
        if goal is not None:
            canvas.line([(across(goal), y), (across(goal), y + ROW - 12)], BLACK, 1.5, 4)
    return canvas.save(path)


def _factor(results: Results, line: str, subject: str, engine: str) -> float:
    ours, one = results.best(line, subject, "neurona"), results.best(line, subject, engine)
    return 1.0 if ours is None or one is None else one.median / ours.median
