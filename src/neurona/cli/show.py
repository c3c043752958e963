"""``neurona show``: what the network of a run sees, as a page with pictures.

What is shown of networks that read texts stands in `show_texts`.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
import numpy as np

from neurona import datasets
from neurona.cli import show_texts
from neurona.cli.page_names import page_name
from neurona.cli.shared import json_option, say, session
from neurona.errors import ArgumentError, UnknownNameError, suggestion
from neurona.i18n import LANGUAGES, _, get_language
from neurona.recognisers import Recogniser, find
from neurona.recognisers.of_pictures import Pictures, probabilities
from neurona.recognisers.of_texts import Texts
from neurona.report.show import Page, example, layer_rows, story
from neurona.runs import Run
from neurona.sight import Scene, Stage, find_stage
from neurona.tensor import Array

__all__ = ["make"]

# So many training pictures are searched for the most exciting ones: more take longer and change little.
_SEARCHED = 3000
# On so many test texts it is measured what units follow.
_SURVEYED = 400
# So many units of a layer fit on its page.
_MANY = 48


def make() -> click.Command:
    """The command."""

    @click.command(
        "show",
        short_help=_("Show what a trained network sees."),
        help=_(
            "Show what each layer of a trained network sees, as a page of pictures in the run's folder: its filters, the "
            "pictures that excite its units most, and where in a picture it finds its answer.\n\n"
            "RUN is a run folder, or `latest`. With a PICTURE (PNG or JPEG) the page is about this picture, with --layer, "
            "--unit or --class about these.\n\n"
            "Of a run of reviews it shows what its recurrent layers carry from word to word: state, cell and gates, what it "
            "would say after each word, and which units follow what. In the place of a PICTURE stands the text itself, a "
            "text file, or `-` for the standard input."
        ),
        epilog=_(
            "\b\nExamples:\n"
            "  neurona show latest\n"
            "  neurona show latest shirt.jpg\n"
            "  neurona show runs/mine --layer dense_1 --unit 7\n"
            "  neurona show runs/mine --class coat\n"
            "  neurona show runs/reviews 'Not as bad as they say.'\n"
            "  neurona show runs/reviews review.txt --layer lstm --unit 7"
        ),
    )
    @click.argument("run", type=click.Path(path_type=Path))
    @click.argument("picture", required=False)
    @click.option("--layer", help=_("Show more of this layer."))
    @click.option("--unit", type=click.IntRange(0), help=_("Show this unit of the layer (counted from 0)."))
    @click.option("--class", "wanted", help=_("Explain this class: its name or number (counted from 0)."))
    @click.option(
        "--pictures",
        type=click.IntRange(1, 1_000_000),
        default=_SEARCHED,
        show_default=True,
        help=_("How many training pictures to search."),
    )
    @click.option(
        "--texts",
        type=click.IntRange(0, 1_000_000),
        help=_("Texts: on how many test texts to see what units follow; 400 unless told, 0 leaves it out."),
    )
    @click.option(
        "--seed", type=click.IntRange(0, 2**32 - 1), default=0, help=_("Of all that is drawn at random; 0 unless told.")
    )
    @click.option(
        "--out", type=click.Path(path_type=Path), help=_("Folder for page and pictures; by default the run's.")
    )
    @click.option("--open", "look", is_flag=True, help=_("Open the page when it is there."))
    @click.option("--data", type=click.Path(path_type=Path), help=_("Folder with the data set's files."))
    @click.option("--offline", is_flag=True, help=_("Never ask the network for data."))
    @json_option
    def command(
        run: Path,
        picture: str | None,
        layer: str | None,
        unit: int | None,
        wanted: str | None,
        pictures: int,
        texts: int | None,
        seed: int,
        out: Path | None,
        look: bool,
        data: Path | None,
        offline: bool,
    ) -> None:
        opened = Run.open(run, trained=True)
        recogniser = find(opened.info["recogniser"])
        kind = recogniser.kind
        if not isinstance(kind, (Pictures, Texts)):
            raise ArgumentError(_("The recogniser '{name}' takes no pictures.").format(name=recogniser.name))
        of_texts = isinstance(kind, Texts)
        unfit = {"--class": wanted is not None and of_texts, "--texts": texts is not None and not of_texts,
                 "--pictures": pictures != _SEARCHED and of_texts}  # fmt: skip
        for option in (name for name, used in unfit.items() if used):
            raise click.UsageError(
                _("{option} does not go with a run of {recogniser}.").format(option=option, recogniser=recogniser.name)
            )
        if isinstance(kind, Texts):
            page = show_texts.show(
                opened, recogniser, picture, layer=layer, unit=unit, count=_SURVEYED if texts is None else texts,
                seed=seed, folder=out or opened.path, data=data,
            )  # fmt: skip
            if look:
                click.launch(str(page))
            return
        if unit is not None and layer is None:
            raise click.UsageError(_("--unit needs --layer: which layer's unit?"))
        if unit is not None and picture is not None:
            raise click.UsageError(_("--unit and a PICTURE do not go together; leave one out."))
        if wanted is not None and layer is not None and picture is None:
            raise click.UsageError(_("--class and --layer go together only with a PICTURE; leave one out."))
        chosen = None if wanted is None else _class_number(opened, wanted)
        path = None if picture is None else Path(picture)
        given = None if path is None else kind.see(path).pixels  # before anything is computed
        model = opened.load_model()
        loaded = _load(opened, recogniser, data, offline)
        scene = Scene(model, kind.prepare, loaded.x_train[:pictures], loaded.y_train[:pictures], seed=seed)
        stage = None if layer is None else find_stage(scene.stages, layer)
        if stage is not None and unit is not None:
            scene.unit(stage, unit)
        folder = out or opened.path
        view = _View(opened, scene, loaded, folder)
        if path is not None and given is not None:
            page = view.of_picture(given, path, stage, chosen)
        elif stage is not None:
            page = view.of_layer(stage, unit)
        elif chosen is not None:
            page = view.of_class(chosen)
        else:
            page = view.of_network()
        say(_("Page: {path}").format(path=page))
        if look:
            click.launch(str(page))
        session.finish({"run": str(opened.path), "recogniser": recogniser.name, "page": str(page), **view.facts})

    return command


class _View:
    """One call of the command: what it says on the terminal and writes on its page."""

    def __init__(self, run: Run, scene: Scene, data: datasets.Data, folder: Path) -> None:
        self.run, self.scene, self.data, self.folder = run, scene, data, folder
        self.names: list[str] = run.info["classes"][get_language()]
        self.facts: dict[str, Any] = {}

    def _page(self, name: str) -> Page:
        self.folder.mkdir(parents=True, exist_ok=True)
        return Page(self.scene, self.folder / f"{name}.html", self.folder / "shown")

    def _about(self) -> str:
        info = self.run.info
        return _("Run {run}: {recogniser}, recipe {recipe}").format(
            run=self.run.path.name, recogniser=info["recogniser"], recipe=info["recipe"]
        )

    def _shares(self, pictures: Array) -> Array:
        return probabilities(self.scene.model, self.scene.prepare(pictures), self.run.info.get("views", ()))

    def of_network(self) -> Path:
        """Filters, units, classes, and one test picture of each class."""
        chosen = [int(np.flatnonzero(self.data.y_test == k)[0]) for k in np.unique(self.data.y_test)]
        shares = self._shares(self.data.x_test[chosen])  # a network that is spoilt says so here
        scene, page = self.scene, self._page("show")
        hidden = [stage for stage in scene.stages if not stage.final]
        say(_("Searching {count} training pictures ...").format(count=len(scene.pictures)))
        rows = layer_rows(scene)
        for sentence in story(scene):
            say(sentence)
        say()
        head = (_("layer"), _("what it is"), _("sees"), _("same class among the best {count}").format(count=scene.best))
        self._table([head, *rows])
        page.layers()
        page.filters()
        self.facts["layers"] = []
        for stage in scene.stages:
            field = None if stage.field is None else list(stage.field.size)
            units = page.units(stage) if stage in hidden else []
            self.facts["layers"].append(
                {"name": stage.name, "units": stage.units, "receptive_field": field, "purity": scene.purity(stage),
                 "shown": units}
            )  # fmt: skip
        self.facts["purity_by_chance"] = scene.purity_by_chance
        page.classes(range(len(self.names)), self.names)
        self._places(page, chosen, shares)
        page.maps(self.data.x_test[chosen[0]], hidden)
        return page.write(_("What the network sees"), self._about())

    def of_picture(self, pixels: Array, path: Path, stage: Stage | None, chosen: int | None) -> Path:
        """Where the answer for one picture comes from, and what the layers make of it."""
        scene, page = self.scene, self._page(page_name(path.stem))
        shares = self._shares(pixels[np.newaxis])[0]
        one = example(pixels, shares, self.names, chosen)
        say(f"{path}: {one.title}", bold=True)
        with_maps = [stage] if stage is not None and stage.map_size is not None else None
        page.places([one], with_maps)
        page.maps(pixels, [stage] if stage is not None else [s for s in scene.stages if not s.final])
        self.facts |= {"picture": str(path), "answer": self.names[int(shares.argmax())],
                       "probability": float(shares.max()), "explained": self.names[one.chosen]}  # fmt: skip
        return page.write(f"{path.name}: {one.title}", self._about())

    def of_layer(self, stage: Stage, unit: int | None) -> Path:
        """Many units of a layer, or one of them."""
        page = self._page(page_name(f"{stage.name}" if unit is None else f"{stage.name}-{unit}"))
        found = self.scene.found[stage.name]
        units = page.units(stage, range(min(stage.units, _MANY)) if unit is None else [unit])
        if unit is not None and found.spread[unit] == 0:
            say(_("unit {number}: silent").format(number=unit))
        elif unit is not None:
            labels = self.data.y_train[found.pictures[unit]]
            counts = np.bincount(labels.astype("int64"), minlength=len(self.names))
            told = [f"{self.names[k]} {counts[k]}" for k in np.argsort(-counts, kind="stable") if counts[k]]
            say(_("Its best pictures show: {classes}").format(classes=", ".join(told)))
        self.facts |= {"layer": stage.name, "units": units}
        title = stage.name if unit is None else _("{layer}, unit {number}").format(layer=stage.name, number=unit)
        return page.write(title, self._about())

    def of_class(self, chosen: int) -> Path:
        """What the network takes for a class, and where it finds it in test pictures."""
        page = self._page(page_name(self.names[chosen]))
        odds = page.classes([chosen], self.names)
        numbers = [int(i) for i in np.flatnonzero(self.data.y_test == chosen)[:10]]
        self._places(page, numbers, self._shares(self.data.x_test[numbers]), chosen)
        self.facts |= {"class": self.names[chosen], "log_odds": float(odds[0])}
        return page.write(self.names[chosen], self._about())

    def _places(self, page: Page, numbers: Sequence[int], shares: Array, chosen: int | None = None) -> None:
        page.places(
            [
                example(self.data.x_test[i], share, self.names, chosen, self.data.y_test[i])
                for i, share in zip(numbers, shares, strict=True)
            ]
        )

    @staticmethod
    def _table(rows: Sequence[Sequence[str]]) -> None:
        widths = [max(len(row[k]) for row in rows) for k in range(len(rows[0]))]
        for row in rows:
            say("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
        say()


def _load(run: Run, recogniser: Recogniser, folder: Path | None, offline: bool) -> datasets.Data:
    sample = run.info["data"]["kind"] == "sample"
    found = datasets.load(recogniser.dataset, path=folder, download=not offline, sample=True if sample else None)
    for note in found.notes:
        say(note, fg="yellow")
    return found


def _plain(name: str) -> str:
    split = unicodedata.normalize("NFKD", name.casefold())
    return "".join(c for c in split if not unicodedata.combining(c)).strip()


def _class_number(run: Run, wanted: str) -> int:
    """The class of this name, in any language and spelling of its accents, or of this number.

    Raises:
        UnknownNameError: there is none; the known names are told.
    """
    names = run.info["classes"][get_language()]
    if wanted.isdecimal() and int(wanted) < len(names):
        return int(wanted)
    for language in LANGUAGES:
        plain = [_plain(name) for name in run.info["classes"][language]]
        if _plain(wanted) in plain:
            return plain.index(_plain(wanted))
    near = suggestion(wanted, names)
    raise UnknownNameError(
        _("There is no class '{name}'.").format(name=wanted)
        + (" " + _("Did you mean '{name}'?").format(name=near.split("'")[1]) if near else "")
        + " "
        + _("Its classes: {known}.").format(known=", ".join(names))
    )
