"""Texts with their words coloured by what they contributed: blue for the second class, orange for the first.

For pages and for terminals. What a user wrote is shown as text and never obeyed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from neurona.i18n import _, get_language
from neurona.report.markup import grouped, heading, paragraph, write_html
from neurona.report.plain import printable
from neurona.runs import Run
from neurona.sight.words import Explained, Explainer, Piece
from neurona.tensor import Array

if TYPE_CHECKING:
    from rich.text import Text

__all__ = ["baselines_table", "coloured", "coloured_terminal", "counted", "mistakes", "reasons", "write_words"]

_FOR, _AGAINST = (0, 114, 178), (213, 94, 0)
_LEAST = 0.5  # of the log-odds: below it even the strongest word of a text is pale
_LONGEST = 1500  # letters of a stretch that the network was not given


def _scale(pieces: Iterable[Piece]) -> float:
    return max([_LEAST, *(abs(piece.weight) for piece in pieces if piece.weight is not None)])


def _short(words: str) -> str:
    """A stretch of text, the middle of a very long one left out: nobody reads ten megabytes of one word."""
    half = _LONGEST // 2
    return words if len(words) <= _LONGEST else f"{words[:half]} [...] {words[-half:]}"


def _stretches(pieces: Sequence[Piece]) -> list[Piece]:
    """Neighbours without a contribution joined."""
    found: list[Piece] = []
    waiting: list[str] = []
    for piece in pieces:
        if piece.weight is None:
            waiting.append(piece.text)
            continue
        if waiting:
            found.append(Piece(_short("".join(waiting)), None))
            waiting = []
        found.append(Piece(_short(piece.text), piece.weight))
    if waiting:
        found.append(Piece(_short("".join(waiting)), None))
    return found


def coloured(explained: Explained) -> str:
    """The text as a paragraph of HTML; the contribution of each word stands in its title."""
    scale, parts = _scale(explained.pieces), []
    for piece in _stretches(explained.pieces):
        shown = escape(printable(piece.text.replace("\n", " ").replace("\r", " ").replace("\t", " ")))
        if piece.weight is None or abs(piece.weight) < 0.02 * scale:
            parts.append(shown)
            continue
        red, green, blue = _FOR if piece.weight > 0 else _AGAINST
        strength = 0.75 * min(1.0, abs(piece.weight) / scale)
        parts.append(
            f'<span style="background: rgba({red}, {green}, {blue}, {strength:.2f})" title="{piece.weight:+.2f}">'
            f"{shown}</span>"
        )
    return f'<p dir="auto">{"".join(parts)}</p>'


def coloured_terminal(explained: Explained) -> Text:
    """The text for a terminal."""
    from rich.text import Text

    scale, shown = _scale(explained.pieces), Text()
    for piece in _stretches(explained.pieces):
        words = printable(piece.text.replace("\n", " ").replace("\r", " ").replace("\t", " "))
        strength = 0.0 if piece.weight is None else min(1.0, abs(piece.weight) / scale)
        if piece.weight is None or strength < 0.05:
            shown.append(words)
            continue
        paper = _FOR if piece.weight > 0 else _AGAINST
        red, green, blue = (round(255 + (c - 255) * (0.15 + 0.85 * strength)) for c in paper)
        ink = "white" if strength > 0.6 else "black"
        shown.append(words, style=f"{ink} on rgb({red},{green},{blue})")
    return shown


def counted(explained: Explained) -> str:
    """How many words it has, how many are unknown and how many were read."""
    told = [
        _("words: {count}").format(count=grouped(explained.words)),
        _("unknown: {count}").format(count=grouped(explained.unknown)),
    ]
    if explained.read < explained.words:
        told.append(_("read: {count}").format(count=grouped(explained.read)))
    return ", ".join(told)


def reasons(explained: Explained, most: int = 5) -> tuple[list[str], list[str]]:
    """The words that spoke most for the second class, and most for the first, with what they contributed."""
    for_it = [f"{_short_word(word)} {value:+.2f}" for word, value in explained.strongest if value >= 0.005]
    against = [f"{_short_word(word)} {value:+.2f}" for word, value in explained.strongest if value <= -0.005]
    return for_it[:most], against[:most]


def _short_word(word: str) -> str:
    return word if len(word) <= 40 else word[:39] + "…"


def write_words(path: Path, run: Run, explained: Sequence[tuple[str, Explained]]) -> Path:
    """A page with texts, their answers and their words coloured.

    Args:
        explained: for each text a name, or an empty one, and what was found.
    """
    names = run.info["classes"][get_language()]
    parts = [heading(_("What the words contributed"), 1), paragraph(run.path.name, "muted"), _legend(names)]
    for name, one in explained:
        parts += [heading(name or _answer(one, names))]
        if name:
            parts.append(paragraph(_answer(one, names)))
        parts += [paragraph(counted(one), "muted"), coloured(one)]
    return write_html(path, f"Neurona: {run.path.name}", parts)


def _answer(one: Explained, names: Sequence[str]) -> str:
    if not one.words:
        return _("no words")
    k = int(one.probability > 0.5)
    return f"{names[k]} {one.probability if k else 1 - one.probability:.1%}"


def _legend(names: Sequence[str]) -> str:
    return paragraph(
        _(
            "Blue words speak for “{second}”, orange ones for “{first}”: so much do the log-odds change "
            "when the word is taken for an unknown one."
        ).format(first=names[0], second=names[1])
    )


def mistakes(run: Run, texts: Sequence[str], truth: Array, probabilities: Array, most: int = 8) -> list[str]:
    """The mistakes of which the network was surest, as parts of the report."""
    said = probabilities.argmax(axis=1)
    wrong = np.flatnonzero(said != truth)
    wrong = wrong[np.argsort(-probabilities[wrong, said[wrong]], kind="stable")][:most]
    if not len(wrong):
        return []
    names, explain = run.info["classes"][get_language()], Explainer(run, run.load_model())
    parts = [heading(_("Where it is sure and wrong")), _legend(names)]
    for i in wrong.tolist():
        one = explain(texts[i])
        told = _("Its answer: {answer}; the truth: {truth}").format(
            answer=f"{names[said[i]]} {probabilities[i, said[i]]:.1%}", truth=names[int(truth[i])]
        )
        parts += [heading(told, 3), paragraph(counted(one), "muted"), coloured(one)]
    return parts


def baselines_table(run: Run) -> list[list[str]]:
    """The network and the simpler readers beside it: name, accuracy with interval, weights, seconds."""
    metrics, info = run.read_metrics(), run.info
    names = {
        "bag_of_words": _("bag of words with logistic regression (the order forgotten)"),
        "simple_rnn": _("SimpleRNN of 32 units"),
    }
    rows = [(_("this network"), metrics, info.get("parameters", 0), info.get("seconds", 0))]
    for one in metrics.get("baselines", ()):
        rows.append((names.get(one["name"], one["name"]), one, one["parameters"], one["seconds"]))
    return [
        [name, f"{found['accuracy']:.2%}", "{:.2%} \u2013 {:.2%}".format(*found["accuracy_interval"]), grouped(weights),
         f"{seconds:.0f}"]
        for name, found, weights, seconds in rows
    ]  # fmt: skip
