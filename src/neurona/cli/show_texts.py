"""``neurona show`` for recognisers of texts: what a recurrent network carries along while it reads.

With a text the page is about it; without one about two test reviews, a right and a wrong answer of which the network is
sure. Where the data set is not on this machine, an example serves, and what units follow is left out: nothing is
downloaded for a page.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from neurona import datasets
from neurona.cli.given_text import given_text
from neurona.cli.page_names import page_name
from neurona.cli.shared import say, session
from neurona.datasets.tokens import tokenize
from neurona.errors import ArgumentError, DataNotFoundError, UnknownNameError
from neurona.i18n import _, get_language
from neurona.recognisers import Recogniser
from neurona.report.plain import printable
from neurona.report.show_texts import (
    TextPage,
    answer,
    chance_of,
    counts,
    direction,
    labels_of,
    notable_units,
    strongest_units,
)
from neurona.runs import Run
from neurona.sight import Seen, TextScene
from neurona.sight.following import PROPERTIES
from neurona.tensor import Array

__all__ = ["EXAMPLE", "show"]

#: Read where no text is given and no test review is at hand.
EXAMPLE = (
    "I did not expect much, and the first half hour is slow and rather dull. But then the story takes off, the acting is "
    "wonderful, and the ending is one of the best I have ever seen!"
)
_SURE = 0.95  # so sure may the network be of the reviews that are shown; surer ones teach less
_SEARCHED = 500  # test reviews among which the two are looked for
_LONGEST_EXAMPLE = 120  # words: longer reviews make long pages
_IN_SUMMARY = 6


def show(
    run: Run, recogniser: Recogniser, thing: str | None, *, layer: str | None, unit: int | None, count: int, seed: int,
    folder: Path, data: Path | None,
) -> Path:  # fmt: skip
    """Look at the network of a run while it reads; returns the page.

    Args:
        thing: a text, a file, or "-"; ``None`` for examples.
        layer, unit: what is shown in detail; the last recurrent layer and its weightiest units unless told.
        count: on how many test texts it is measured what units follow; 0 leaves it out.
        seed: of the choice of these texts.
        folder: of the page.
        data: the folder with the data set's files.

    Raises:
        ArgumentError: the network has no recurrent layer; a text without words, or without known ones.
        UnknownNameError: there is no such recurrent layer.
    """
    name, text = ("", None) if thing is None else given_text(thing)
    scene = TextScene(run, run.load_model())
    names = list(dict.fromkeys(one.name for one in scene.recurrences))
    if layer is not None and layer not in names:
        raise UnknownNameError(
            _("There is no recurrent layer '{name}'. They are: {known}.").format(name=layer, known=", ".join(names))
        )
    width = max(one.layer.cell.units for one in scene.of_layer(layer or names[-1]))
    if unit is not None and unit >= width:
        raise ArgumentError(
            _("{layer} has {count} units, 0 to {last}. Received: {unit}.").format(
                layer=layer or names[-1], count=width, last=width - 1, unit=unit
            )
        )
    seen = None if text is None else scene.see(text)  # what is wrong with a text is said before data are read
    loaded = _data(recogniser, run, data) if count or text is None else None
    about = Path(name).stem if name else "" if text is None else " ".join(tokenize(text[:2000])[:6])
    page = _page(scene, folder, page_name(about or "text") if text is not None else "show")
    facts: dict[str, Any] = {"texts": []}

    def told(one: Seen, words: str, title: str) -> None:
        say(f"{title}: {answer(one, page.classes)}" if title else answer(one, page.classes), bold=True)
        say("  " + counts(one))
        page.text(one, words, title)
        for layer_name in names if layer is None and text is not None else [layer or names[-1]]:
            page.layer(one, layer_name, unit, 3 if title else 2)
        _summary(scene, one)
        facts["texts"].append(_facts(scene, one, page.classes))

    if seen is not None and text is not None:
        told(seen, text, "")
    else:
        for title, words in _examples(scene, loaded, seed):
            told(scene.see(words), words, title)
    if loaded is not None and count:
        facts["following"] = _follow(scene, page, loaded, recogniser, count, seed)
    elif count:
        note = _("What units follow is measured on test texts; the data set is not on this machine.")
        say(note)
        page.say(note)
    shown = name or (_beginning(text) if text is not None else _("What the network carries along"))
    info = run.info
    path = page.write(
        shown,
        _("Run {run}: {recogniser}, recipe {recipe}").format(
            run=run.path.name, recogniser=info["recogniser"], recipe=info["recipe"]
        ),
    )
    say(_("Page: {path}").format(path=path))
    session.finish({"run": str(run.path), "recogniser": recogniser.name, "page": str(path), **facts})
    return path


def _page(scene: TextScene, folder: Path, name: str) -> TextPage:
    folder.mkdir(parents=True, exist_ok=True)
    return TextPage(scene, folder / f"{name}.html", folder / "shown")


def _beginning(text: str) -> str:
    whole = " ".join(text[:400].split())
    return whole if len(whole) <= 70 else whole[:69] + "…"


def _data(recogniser: Recogniser, run: Run, folder: Path | None) -> datasets.Data | None:
    """The data set, if it is on this machine."""
    try:
        return datasets.load(recogniser.dataset, path=folder, download=False)
    except DataNotFoundError:
        if folder is not None:
            raise
        return None


def _examples(scene: TextScene, data: datasets.Data | None, seed: int) -> list[tuple[str, str]]:
    """Texts to look at, each with what stands above it."""
    if data is None:
        return [(_("An example"), EXAMPLE)]
    chosen = np.sort(np.random.default_rng(seed).permutation(len(data.x_test))[:_SEARCHED])
    tokens = scene.tokens(data.x_test[chosen])
    truth = np.asarray(data.y_test)[chosen]
    shares = scene.probabilities(tokens)
    right = (shares > 0.5) == (truth == 1)
    sure = np.abs(shares - 0.5)
    names = data.labels.get(get_language(), data.labels["en"])
    found = []
    for title, fits in ((_("Sure and right"), right), (_("Sure and wrong"), ~right)):
        short = fits & (tokens.lengths <= _LONGEST_EXAMPLE) & (tokens.lengths > 4)
        fits = short if short.any() else fits & (tokens.lengths > 1)
        if not fits.any():
            continue
        order = np.where(fits, np.where(sure > _SURE - 0.5, 0.5 * _SURE, sure), -1.0)  # the first that is sure enough
        k = int(np.argmax(order))
        told = _("(truth: {name})").format(name=names[int(truth[k])])
        found.append((f"{title} {told}", data.x_test[int(chosen[k])]))
    return found or [(_("An example"), EXAMPLE)]


def _follow(
    scene: TextScene, page: TextPage, data: datasets.Data, recogniser: Recogniser, count: int, seed: int
) -> dict[str, Any] | None:
    """Measure what units follow, and put it on the page."""
    chosen = np.sort(np.random.default_rng([seed, 1]).permutation(len(data.x_test))[:count])
    say(_("Looking at {count} test texts for what units follow ...").format(count=len(chosen)))
    scores = scene.scores(scene.tokens(data.x_train), data.y_train)
    survey = scene.survey(list(data.x_test[chosen]), scores, seed)
    if survey is None:
        return None
    page.following(survey)

    def words(movers: Sequence[tuple[int, float, int]]) -> list[dict[str, Any]]:
        return [{"word": scene.word(number), "move": move, "count": times} for number, move, times in movers]

    return {
        "texts": survey.texts,
        "words": survey.words,
        "chance": _by_property(chance_of(survey)),
        "units": [
            {
                "backwards": scene.last[k].backwards,
                "unit": unit,
                "weight": float(survey.weights[k][unit]),
                "correlations": _by_property(survey.found[k].correlations[unit]),
                "rises_at": words(survey.found[k].up[unit]),
                "falls_at": words(survey.found[k].down[unit]),
            }
            for k, unit in notable_units(survey)
        ],
    }


def _by_property(values: Array) -> dict[str, float]:
    return dict(zip(PROPERTIES, map(float, values), strict=True))


def _summary(scene: TextScene, seen: Seen) -> None:
    """The units that moved the answer most, as a table on the terminal."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    labels = [printable(label.text) for label in labels_of(seen)]
    first = len(scene.recurrences) - len(scene.last)
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    with_gate = any({"forget", "update"} & set(trace.gates) for trace in seen.traces[first:])
    heads = [_("unit"), _("moves the answer by"), _("rises most at"), _("falls most at")]
    for head in [*heads, *([_("keeps on average")] if with_gate else [])]:
        table.add_column(head, justify="left", overflow="fold")
    for row in _rows(scene, seen, first):
        k, unit, share = row
        one, trace = scene.last[k], seen.traces[first + k]
        state = trace.state[:, unit]
        moves = -np.diff(state, append=0) if one.backwards else np.diff(state, prepend=0)
        up, down = int(np.argmax(moves)), int(np.argmin(moves))
        gate = trace.gates.get("forget", trace.gates.get("update"))
        cells = [
            f"{direction(one)} {unit}", f"{share:+.2f}", f"{labels[up]} {moves[up]:+.2f}",
            f"{labels[down]} {moves[down]:+.2f}", *([f"{gate[:, unit].mean():.2f}"] if gate is not None else []),
        ]  # fmt: skip
        table.add_row(*(Text(cell[:40]) for cell in cells))
    Console(file=sys.stdout, highlight=False, markup=False, emoji=False).print(table)
    say()


def _rows(scene: TextScene, seen: Seen, first: int) -> list[tuple[int, int, float]]:
    """Direction, unit and share of the units that moved the answer most."""
    every = [
        (k, unit, float(shares[unit]))
        for k, shares in enumerate(seen.shares)
        for unit in strongest_units(shares, seen.traces[first + k].state, _IN_SUMMARY)
    ]
    return sorted(every, key=lambda row: -abs(row[2]))[:_IN_SUMMARY]


def _facts(scene: TextScene, seen: Seen, classes: Sequence[str]) -> dict[str, Any]:
    k = int(seen.probability > 0.5)
    first = len(scene.recurrences) - len(scene.last)
    return {
        "answer": classes[k],
        "probability": seen.probability if k else 1 - seen.probability,
        "words": seen.count,
        "unknown": seen.unknown,
        "read": len(seen.read.ids) - 1,
        "units": [
            {"backwards": scene.last[k].backwards, "unit": unit, "share": share}
            for k, unit, share in _rows(scene, seen, first)
        ],
    }
