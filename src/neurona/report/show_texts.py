"""Pages on what a recurrent network carries along while it reads: verdicts, states, gates, and what units follow.

Leans on `neurona.sight.reading` for what is shown, on `neurona.report.states` for the figures.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from neurona.datasets.tokens import START, UNKNOWN
from neurona.i18n import _, get_language
from neurona.report import markup, states
from neurona.report.markup import grouped
from neurona.report.states import Label
from neurona.sight import Recurrence, Seen, Survey, TextScene
from neurona.tensor import Array

__all__ = [
    "TextPage",
    "answer",
    "chance_of",
    "counts",
    "direction",
    "labels_of",
    "notable_units",
    "property_names",
    "strongest_units",
]

_IN_DETAIL = 3  # units whose gates are drawn
_LONGEST = 3000  # letters of a text that a page repeats


def answer(seen: Seen, classes: Sequence[str]) -> str:
    """The answer and how sure it is."""
    k = int(seen.probability > 0.5)
    return f"{classes[k]} {seen.probability if k else 1 - seen.probability:.1%}"


def counts(seen: Seen) -> str:
    """How many words there are, are unknown, and were read."""
    told = [
        _("words: {count}").format(count=grouped(seen.count)),
        _("unknown: {count}").format(count=grouped(seen.unknown)),
    ]
    read = sum(number != START for number in seen.read.ids.tolist())
    return ", ".join([*told, _("read: {count}").format(count=grouped(read))] if read < seen.count else told)


def direction(one: Recurrence) -> str:
    """A sign for the direction in which it reads."""
    return "←" if one.backwards else "→"


def labels_of(seen: Seen) -> list[Label]:
    """The words along a figure."""
    return [
        Label(word if number != START else _("(start)"), number != UNKNOWN, bool(gap))
        for word, number, gap in zip(seen.read.words, seen.read.ids.tolist(), seen.gaps, strict=True)
    ]


def property_names() -> list[str]:
    """What units are compared with, as heads of a table."""
    return [
        _("words read so far"),
        _("just after not, never, n't ..."),
        _("praise minus blame so far"),
        _("in a sentence with ! or ?"),
    ]


def strongest_units(shares: Array, state: Array, most: int) -> list[int]:
    """The units that moved the answer most, from the most for to the most against the second class; or, where that is
    not known, those whose state (T, U) goes up and down most, the most first.

    >>> strongest_units(np.array([0.1, -3.0, 2.0]), np.zeros((1, 3)), 2)
    [2, 1]
    """
    if not np.abs(shares).max(initial=0) > 0:
        swing = state.max(axis=0, initial=-np.inf) - state.min(axis=0, initial=np.inf)
        return [int(u) for u in np.argsort(-swing, kind="stable")[:most]]
    chosen = np.argsort(-np.abs(shares), kind="stable")[:most]
    return [int(u) for u in chosen[np.argsort(-shares[chosen], kind="stable")]]


class TextPage:
    """A page that grows part by part.

    Args:
        scene: the network and its way to read.
        path: of the HTML file.
        figures: the folder for the PNG files; their names begin with that of the page.
    """

    def __init__(self, scene: TextScene, path: Path, figures: Path) -> None:
        self.scene, self.path, self.figures = scene, path, figures
        self.classes: list[str] = scene.run.info["classes"][get_language()]
        self.parts: list[str] = []
        self._told: set[str] = set()
        self._count = 0
        figures.mkdir(parents=True, exist_ok=True)

    def write(self, title: str, about: str) -> Path:
        """Write it; returns its path."""
        head = [markup.heading(title, 1), markup.paragraph(about, "muted")]
        return markup.write_html(self.path, f"Neurona: {title}", [*head, *self.parts])

    def _figure(self, name: str) -> Path:
        self._count += 1
        return self.figures / f"{self.path.stem}-{self._count}-{name}.png"

    def say(self, *sentences: str) -> None:
        """Paragraphs, each at most once on the page."""
        for sentence in sentences:
            if sentence not in self._told:
                self._told.add(sentence)
                self.parts.append(markup.paragraph(sentence))

    # -- parts ----------------------------------------------------------------------------------------------

    def text(self, seen: Seen, text: str, title: str = "") -> None:
        """The text, its answer, and how the answer came about word by word."""
        if title:
            self.parts.append(markup.heading(title))
        shown = " ".join(text[: 4 * _LONGEST].split())
        shown = shown if len(text) <= 4 * _LONGEST and len(shown) <= _LONGEST else f"{shown[:_LONGEST]} ..."
        self.parts += [
            f'<blockquote dir="auto"><p>{markup.text(shown)}</p></blockquote>',
            f'<p><span class="figure">{markup.text(answer(seen, self.classes))}</span></p>',
            markup.paragraph(counts(seen), "muted"),
            markup.heading(_("If the text ended here"), 3 if title else 2),
        ]
        self.say(
            _("What the network would say if the text ended after each word: each beginning was read by itself."),
            *(
                [_("Dashed: here the middle of the text was left out, as this run reads long texts.")]
                if bool(seen.gaps.any())
                else []
            ),
        )
        path = self._figure("verdicts")
        states.draw_verdicts(labels_of(seen), seen.places.tolist(), seen.verdicts, self.classes, path)
        self.parts.append(markup.image(path, _("what it would say after each word")))

    def layer(self, seen: Seen, name: str, unit: int | None = None, level: int = 2) -> None:
        """States of a recurrent layer, and the gates of a few of its units or of the one that was asked for."""
        self.parts.append(markup.heading(_("What {layer} carries along").format(layer=name), level))
        last = name == self.scene.recurrences[-1].name
        for number, one in enumerate(self.scene.recurrences):
            if one.name != name:
                continue
            trace = seen.traces[number]
            place = self.scene.of_layer(name).index(one)
            shares = seen.shares[place] if last else np.zeros(trace.state.shape[1])
            self._direction(one, len(self.scene.of_layer(name)) > 1, level + 1)
            lines = -(-len(seen.read.ids) // 54)
            units = strongest_units(shares, trace.state, 24 if lines <= 2 else 16 if lines <= 4 else 12)
            self._maps(seen, one, number, units, shares)
            detailed = [unit] if unit is not None else strongest_units(shares, trace.state, _IN_DETAIL)
            if unit is None or unit < trace.state.shape[1]:
                self._gates(seen, one, number, detailed, shares)

    def _direction(self, one: Recurrence, several: bool, level: int) -> None:
        if several:
            told = _("Backwards, from the last word to the first") if one.backwards else _("Forwards")
            self.parts.append(markup.heading(f"{direction(one)} {told}", level))

    def _maps(self, seen: Seen, one: Recurrence, number: int, units: Sequence[int], shares: Array) -> None:
        trace = seen.traces[number]
        about = [_("Each column is a word, each row a unit: blue below zero, orange above. Pale words are unknown.")]
        if np.abs(shares).max(initial=0) > 0:
            about.append(
                _(
                    "Shown are the {count} units of {all} that moved the answer most; the grey bars tell by how much, to the "
                    "right for “{second}”, to the left for “{first}”."
                ).format(count=len(units), all=len(shares), first=self.classes[0], second=self.classes[1])
            )
        else:
            about.append(
                _("Shown are the {count} units of {all} whose state goes up and down most.").format(
                    count=len(units), all=trace.state.shape[1]
                )
            )
        self.say(*about)
        drawn = [("state", _("the hidden state, what the layer shows of itself"), trace.state)]
        if trace.cell is not None:
            drawn.append(("cell", _("the cell, what it keeps in memory"), trace.cell))
        for name, words, values in drawn:
            path = self._figure(f"{one.layer.name}-{name}")
            states.draw_states(labels_of(seen), values, units, shares, self.classes, path)
            self.parts += [markup.paragraph(words[:1].upper() + words[1:] + ":"), markup.image(path, words)]

    def _gates(self, seen: Seen, one: Recurrence, number: int, units: Sequence[int], shares: Array) -> None:
        trace = seen.traces[number]
        lines = {**trace.gates, **({} if trace.cell is None else {"cell": trace.cell}), "state": trace.state}
        if "forget" in lines:
            self.say(
                _(
                    "The gates of single units: the input gate lets the candidate into the cell, the forget gate keeps what is "
                    "there (1 keeps all, 0 forgets), the output gate shows it as the state."
                )
            )
        elif "update" in lines:
            self.say(
                _(
                    "The gates of single units: the update gate keeps the old state (1 keeps all, 0 takes the candidate), the "
                    "reset gate decides how much of the old state the candidate sees."
                )
            )
        titles = []
        for unit in units:
            title = _("unit {number}").format(number=unit)
            if shares[unit]:
                title += f" ({self.classes[int(shares[unit] > 0)]} {abs(shares[unit]):.2f})"
            titles.append((unit, title))
        path = self._figure(f"{one.layer.name}-gates")
        states.draw_gates(labels_of(seen), lines, titles, path)
        self.parts.append(markup.image(path, _("gates, cell and state of single units over the words")))

    def following(self, survey: Survey) -> None:
        """The table of what units follow."""
        self.parts.append(markup.heading(_("Which units follow what")))
        self.say(
            _(
                "Measured on {texts} test texts with {words} words: how closely the state of a unit of {layer} goes along with "
                "a property of the words (Pearson's correlation, -1 to 1). Praise and blame are counted by how much more often "
                "a word stands in training texts of “{second}” than of “{first}”."
            ).format(
                texts=grouped(survey.texts), words=grouped(survey.words), layer=self.scene.recurrences[-1].name,
                first=self.classes[0], second=self.classes[1],
            ),
            _(
                "The row “by chance” is how large the largest of all units is with the properties of other texts in the place "
                "of the right ones (95 of 100 times below). A star marks what is larger; the closer to 1, the more it means, and "
                "even then it does not say that the unit is there for it."
            ),
        )  # fmt: skip
        head, rows = following_rows(self.scene, survey)
        self.parts.append(markup.table(head, rows, "facts"))


def following_rows(scene: TextScene, survey: Survey) -> tuple[list[str], list[list[str]]]:
    """Head and rows of the table: chance, then for each property the units that follow it most, then the weightiest."""
    head = [_("unit"), _("moves the answer by"), *property_names(), _("rises at"), _("falls at")]
    chance = chance_of(survey)
    rows = [[_("by chance"), "", *(f"{value:.2f}" for value in chance), "", ""]]
    for k, unit in notable_units(survey):
        found = survey.found[k]
        r = found.correlations[unit]
        told = [f"{value:+.2f}" + (" *" if abs(value) > limit else "") for value, limit in zip(r, chance, strict=True)]
        weight = float(survey.weights[k][unit])
        rows.append(
            [f"{direction(scene.last[k])} {unit}", f"{weight:.2f}", *told, _movers(scene, found.up[unit]),
             _movers(scene, found.down[unit])]
        )  # fmt: skip
    return head, rows


def chance_of(survey: Survey) -> Array:
    """How large, for each property, the largest of all units is by chance: the larger one of both directions."""
    return np.asarray(np.max([found.chance for found in survey.found], axis=0))


def notable_units(survey: Survey) -> list[tuple[int, int]]:
    """Direction and number of the units to tell of: for each property those that follow it most, then the weightiest."""
    chance = chance_of(survey)
    every = [(k, unit) for k, found in enumerate(survey.found) for unit in range(len(found.correlations))]
    chosen: list[tuple[int, int]] = []
    for column in range(len(chance)):
        size = {pair: abs(float(survey.found[pair[0]].correlations[pair[1], column])) for pair in every}
        best = sorted(every, key=lambda pair, size=size: -size[pair])[:2]  # type: ignore[misc]
        chosen += [pair for pair in best if size[pair] > chance[column]]
    chosen += sorted(every, key=lambda pair: -float(survey.weights[pair[0]][pair[1]]))[:4]
    return list(dict.fromkeys(chosen))


def _movers(scene: TextScene, words: Sequence[tuple[int, float, int]]) -> str:
    return ", ".join(f"{scene.word(number)} {move:+.2f} ({count}x)" for number, move, count in words[:3])
