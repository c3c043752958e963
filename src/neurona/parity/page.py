"""The certificate as a page for people, in HTML and in Markdown, and as lines for the terminal.

The page is written once, as `Part`s; the two forms differ in how a part is spelt.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from neurona.i18n import _
from neurona.parity.certificate import LEFT_OUT, TOLERANCES, Certificate, Finding
from neurona.parity.subjects import KINDS, QUANTITIES
from neurona.report.markup import heading, paragraph, table, write_html
from neurona.saving.atomic import atomic_file

__all__ = ["in_lines", "verdict", "write_pages"]


class Part(NamedTuple):
    """A piece of the page: a heading (its level), or else a paragraph, or else a table with its head first."""

    words: str = ""
    level: int = 0
    rows: Sequence[Sequence[str]] = ()


def write_pages(made: Certificate, folder: Path) -> tuple[Path, Path]:
    """Write ``parity.html`` and ``parity.md`` into `folder`; returns the two paths.

    Raises:
        SavingError: they cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    parts = _parts(made)
    html = write_html(folder / "parity.html", parts[0].words, map(_as_html, parts))
    markdown = folder / "parity.md"
    with atomic_file(markdown) as stream:
        stream.write(("\n\n".join(map(_as_markdown, parts)) + "\n").encode())
    return html, markdown


def _as_html(part: Part) -> str:
    if part.rows:
        head, *rows = part.rows
        return table(head, rows)
    return heading(part.words, part.level) if part.level else paragraph(part.words)


def _as_markdown(part: Part) -> str:
    if part.rows:
        head, *rows = ([cell.replace("|", "\\|") for cell in row] for row in part.rows)
        rule = ["---"] + ["---" if head[-1] == _("why") else "---:"] * (len(head) - 1)
        return "\n".join("| " + " | ".join(row) + " |" for row in (head, rule, *rows))
    return "#" * part.level + " " + part.words if part.level else part.words


def _kind_in_words(kind: str) -> str:
    return {"layer": _("layers"), "loss": _("losses"), "metric": _("metrics"), "optimizer": _("optimizers")}[kind]


def _quantity_in_words(quantity: str) -> str:
    return {
        "output": _("output"), "gradient": _("gradient"), "one step": _("one step"), "hundred steps": _("hundred steps")
    }[quantity]  # fmt: skip


def _number(value: float) -> str:
    if math.isinf(value):
        return _("not comparable")
    return "0" if value == 0 else f"{value:.1e}"


def verdict(made: Certificate) -> str:
    """In one sentence."""
    subjects = {(f.kind, f.name) for f in made.findings}
    if made.failed:
        return _("{failed} of {count} are over their tolerance: {names}.").format(
            failed=len(made.failed), count=len(subjects | {("", n) for n in made.refused}), names=", ".join(made.failed)
        )
    return _("All {count} are within their tolerance.").format(count=len(subjects))


def in_lines(made: Certificate) -> list[str]:
    """The summary for the terminal: the worst error of each kind, type and quantity, and each failure."""
    rows = _summary(made)
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    lines += ["", verdict(made)]
    lines += [
        _("{name}, {dtype}, {quantity}: {error} (tolerated {tolerance}) in {where} of {case}").format(
            name=f.name, dtype=f.dtype, quantity=_quantity_in_words(f.quantity), error=_number(f.error),
            tolerance=_number(f.tolerance), where=f.where, case=f.case,
        )
        for f in made.findings if not f.passed
    ]  # fmt: skip
    return lines + [_("{name} could not be compared: {why}").format(name=n, why=w) for n, w in made.refused.items()]


def _summary(made: Certificate) -> list[list[str]]:
    rows = [["", _("type"), *map(_quantity_in_words, QUANTITIES)]]
    for kind in KINDS:
        for dtype in TOLERANCES:
            worst = [made.worst(kind, dtype, quantity) for quantity in QUANTITIES]
            if any(worst):
                cells = ["" if f is None else f"{_number(f.error)} ({f.name})" for f in worst]
                rows.append([_kind_in_words(kind), dtype, *cells])
    return rows


def _parts(made: Certificate) -> list[Part]:
    versions = ", ".join(f"{name} {version}" for name, version in made.versions.items())
    facts = _(
        "Compared with real Keras: {versions}. Each subject was drawn {draws} times (seed {seed}), with other sizes, "
        "settings and numbers; both sides had the same weights and the same inputs."
    ).format(versions=versions, draws=made.draws, seed=made.seed)
    again = _("This page is written by `neurona parity`, which anybody can run who has installed `neurona[keras]`.")
    parts = [
        Part(_("Agreement with Keras"), 1), Part(verdict(made)), Part(facts), Part(again), *_promise(made),
        Part(_("The worst of each kind"), 2),
        Part(rows=_summary(made)),
    ]  # fmt: skip
    for kind in KINDS:
        found = [f for f in made.findings if f.kind == kind]
        if found:
            parts += [Part(_kind_in_words(kind).capitalize(), 2), Part(rows=_table(found))]
    if made.refused:
        parts += [
            Part(_("Could not be compared"), 2),
            Part(rows=[[_("name"), _("why")], *map(list, made.refused.items())]),
        ]
    return [*parts, *_differences()]


def _promise(made: Certificate) -> list[Part]:
    head = [_("type"), *map(_quantity_in_words, QUANTITIES)]
    rows = [
        [dtype, *(_number(of[q]) if q in of else "" for q in QUANTITIES)] for dtype, of in TOLERANCES.items()
    ]  # fmt: skip
    words = _(
        "An error is the largest distance between two numbers in the same place, as a share of the largest number of "
        "Keras's array. Whole numbers, truth values and shapes must be equal. One step and a hundred steps are what training "
        "makes of the weights of a layer, of the predictions that a loss descends, of the weights that an optimizer moves, and "
        "of a metric's result after so many batches."
    )
    types = _(
        "Losses and layers are compared in float32 and float64; metrics and optimizers in float32, in which Keras keeps "
        "their results, rates and decays. In float16 only the outputs of layers are compared: with ten bits, what follows "
        "from them says nothing. NumPy has no bfloat16, so neither has Neurona. Some tolerances are wider, for a reason:"
    )
    return [
        Part(_("What is tolerated"), 2), Part(words), Part(rows=[head, *rows]), Part(types), Part(rows=_slack(made)),
    ]  # fmt: skip


def _slack(made: Certificate) -> list[list[str]]:
    from_name = {s.name: s for s in made.subjects if s.why}
    rows = []
    for name, s in sorted(from_name.items()):
        wider = [f"x {s.slack:.0f}"] * (s.slack > 1) + [f"float64 x {s.slack64:.0e}"] * (s.slack64 > 1)
        rows.append([name, ", ".join(wider), s.why])
    return [[_("name"), _("wider"), _("why")], *rows]


def _table(found: list[Finding]) -> list[list[str]]:
    """A row for each subject, a column for each type and quantity that any of them has."""
    columns = [(d, q) for d in TOLERANCES for q in QUANTITIES if any((f.dtype, f.quantity) == (d, q) for f in found)]
    cells = {(f.name, f.dtype, f.quantity): f for f in found}
    rows = [[_("name"), *(f"{dtype} {_quantity_in_words(quantity)}" for dtype, quantity in columns)]]
    for name in sorted({f.name for f in found}):
        row = [name]
        for dtype, quantity in columns:
            f = cells.get((name, dtype, quantity))
            row.append("" if f is None else _number(f.error) + ("" if f.passed else " !"))
        rows.append(row)
    return rows


def _differences() -> list[Part]:
    return [
        Part(_("What differs by design"), 2),
        Part(
            _(
                "Random numbers. Dropout, noise and augmentation draw other numbers than Keras, so these layers are compared "
                "as they are applied, where nothing is drawn; so are recurrent layers with dropout of their state, for which "
                "Keras draws one mask a batch in its own way."
            )
        ),
        Part(
            _(
                "Tables of words. The optimizers' third weight is a table of which each step's gradient names some rows; all "
                "others move by what is left of their momentum, as in Keras. A word that stands several times in a batch is "
                "summed before a rule squares its gradient, as Keras does on JAX and PyTorch; on TensorFlow it squares each part "
                "by itself (decision 0009)."
            )
        ),
        Part(
            _(
                "Adaptive maxima. The gradient of Keras's AdaptiveMaxPooling on TensorFlow holds numbers from memory that nobody "
                "wrote; only outputs are compared. Ours is checked against finite differences."
            )
        ),
        Part(
            _(
                "Sums of unlike shapes. On TensorFlow, Keras 3.15 takes the second of two summands with shapes such as (4, 4) "
                "and (4, 1) for a bias of the last axis, and adds it to the wrong places (so does its attention with heads of "
                "one number). The shapes drawn here keep away from it."
            )
        ),
        Part(_("Not compared"), 2),
        Part(
            rows=[
                [_("kind"), _("name"), _("why")],
                *([_kind_in_words(kind), name, why] for kind, names in LEFT_OUT.items() for name, why in names.items()),
            ]
        ),
    ]
