"""Pages on what a network sees: the whole network, one picture, some units, one class.

Each page is made of parts, each part of a heading, a sentence or two, and a figure that is also left as a PNG file.
Leans on `neurona.sight` for what is shown, on `neurona.report.seen` for the figures.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from neurona.i18n import _
from neurona.report import markup, seen
from neurona.sight import Scene, Stage, feature_maps, first_kernels, standing_out, templates
from neurona.tensor import Array

__all__ = ["Example", "Page", "example", "layer_rows", "story"]

_UNITS = 8


@dataclass(frozen=True)
class Example:
    """A picture to explain: as the data set has them, what stands above it, and the class."""

    picture: Array
    title: str
    chosen: int


class Page:
    """A page that grows part by part.

    Args:
        scene: the network and its pictures.
        path: of the HTML file.
        figures: the folder for the PNG files; their names begin with that of the page.
    """

    def __init__(self, scene: Scene, path: Path, figures: Path) -> None:
        self.scene, self.path, self.figures = scene, path, figures
        self.parts: list[str] = []
        self._units_told = False
        figures.mkdir(parents=True, exist_ok=True)

    def write(self, title: str, about: str) -> Path:
        """Write it; returns its path."""
        head = [markup.heading(title, 1), markup.paragraph(about, "muted")]
        return markup.write_html(self.path, f"Neurona: {title}", [*head, *self.parts])

    def _figure(self, name: str) -> Path:
        return self.figures / f"{self.path.stem}-{name}.png"

    def _part(self, title: str, sentences: Sequence[str], figure: Path | None = None, alt: str = "") -> None:
        self.parts += [markup.heading(title), *(markup.paragraph(s) for s in sentences)]
        if figure is not None:
            self.parts.append(markup.image(figure, alt or title))

    # -- parts ----------------------------------------------------------------------------------------------

    def layers(self) -> None:
        """The story: what each layer can see and how far it keeps to one class."""
        self._part(_("From layer to layer"), story(self.scene))
        self.parts.append(
            markup.table(
                (_("layer"), _("what it is"), _("sees"), _("same class among the best {count}").format(
                    count=self.scene.best
                )),
                layer_rows(self.scene),
                "facts",
            )
        )  # fmt: skip

    def filters(self) -> None:
        """The kernels of the first layer, and the templates of the next if the first one is fixed."""
        scene = self.scene
        for stage in scene.stages[:2]:
            kernels = first_kernels(scene.model, stage)
            if kernels is not None and kernels.shape[-1] in (1, 3):
                order = np.argsort(-np.abs(kernels).reshape(len(kernels), -1).sum(axis=1), kind="stable")[:48]
                shown = kernels[np.sort(order)]
                sentences = [
                    _(
                        "The weights of each filter as a picture: a stencil that is laid over every place to see how alike the "
                        "two are."
                    )
                    if stage.map_size
                    else _("The weights of each neuron as a picture: what it looks for in the whole picture at once.")
                ]
                if len(shown) < len(kernels):
                    sentences.append(
                        _("The {count} strongest of {all} are shown.").format(count=len(shown), all=len(kernels))
                    )
            elif stage.map_size and stage.kernel_field and max(stage.kernel_field.size) <= scene.width // 2:
                shown = templates(scene.model, stage, range(min(48, stage.units)), (scene.low + scene.high) / 2)
                shown = shown / np.maximum(np.abs(shown).max(axis=(1, 2, 3), keepdims=True), 1e-12)
                sentences = [
                    _(
                        "This layer reads what the one before it made, so its weights are no picture. Shown is what each "
                        "filter looks for in the picture itself, through both layers (the gradient at mid-grey)."
                    )
                ]
            else:
                continue
            colours = shown.shape[-1] == 3
            sentences.append(
                _("Grey is no weight; a colour, a weight on that colour.") if colours
                else _("Orange: bright there speaks for it; blue: against it.")
            )  # fmt: skip
            figure = seen.draw_filters(list(shown), self._figure(f"filters-{stage.name}"))
            self._part(_("The filters of {layer}").format(layer=stage.name), sentences, figure)

    def units(self, stage: Stage, units: Sequence[int] | None = None) -> list[int]:
        """Some units of a stage: those given, or those that stand out most; returns their numbers."""
        scene = self.scene
        found = scene.found[stage.name]
        numbers = [int(u) for u in (standing_out(found, _UNITS) if units is None else units)]
        made = scene.made_for_units(stage, numbers)
        views = []
        for u, picture in zip(numbers, made, strict=True):
            silent = found.spread[u] == 0  # the same answer to every picture: none excites it more than another
            name = _("unit {number}: silent") if silent else _("unit {number}")
            views.append(seen.UnitView(name.format(number=u), picture, [] if silent else scene.patches(stage, u)))
        figure = seen.draw_units(views, self._figure(stage.name))
        told: list[str] = []
        if not self._units_told:
            self._units_told = True
            told.append(
                _(
                    "Left, a picture that the network made itself to excite the unit as much as it can; right, the {count} "
                    "training pictures that excite it most."
                ).format(count=scene.best)
            )
            if any(s.field is not None for s in scene.stages):
                told[0] += " " + _("Both are cut to what the unit sees.")
            if units is None:
                told.append(_("Of each layer those units are shown whose best pictures stand out most from the rest."))
        self._part(_("What excites {layer}").format(layer=stage.name), told, figure)
        return numbers

    def classes(self, classes: Sequence[int], names: Sequence[str]) -> Array:
        """The pictures that the network makes for classes; returns how sure of them it is, as log-odds."""
        made, odds = self.scene.made_for_classes(classes)
        figure = seen.draw_classes(list(made), [names[k] for k in classes], self._figure("classes"))
        self._part(
            _("What the network takes for each class") if len(classes) > 1 else _("What the network takes for it"),
            [
                _(
                    "Made from the mean picture, step by step, so that the class wins by as much as it can. It shows what the "
                    "network looks for, not what the thing looks like."
                )
            ],
            figure,
        )
        return odds

    def places(self, examples: Sequence[Example], stages: Sequence[Stage] | None = None) -> None:
        """Where the answers come from."""
        scene = self.scene
        if stages is None:
            stages = scene.stages_with_maps()
        shown = [seen.Places(e.title, e.picture, scene.places(e.picture, e.chosen, stages)) for e in examples]
        figure = seen.draw_places(shown, self._figure("places"))
        first = (
            _("Grad-CAM, orange: where the maps of {layers} speak for the answer.").format(
                layers=", ".join(
                    "{} ({})".format(stage.name, "x".join(map(str, stage.map_size or ()))) for stage in stages
                )
            )
            if stages
            else _(
                "This network has no maps of places, so there is no Grad-CAM; in its stead the gradient: the pixels on which "
                "the answer depends most."
            )
        )
        second = _(
            "Occlusion: a plain square of {side} pixels covers one part of the picture after the other; orange where the "
            "answer suffers, blue where it gains. It needs nothing but the answers, so it is the one to believe."
        ).format(side=max(2, min(scene.height, scene.width) // 4))
        self._part(_("Where it finds its answer"), [first, second], figure)

    def maps(self, picture: Array, stages: Sequence[Stage]) -> None:
        """What the stages make of one picture."""
        answers = feature_maps(self.scene.model, stages, np.asarray(self.scene.prepare(picture[np.newaxis])))
        rows = {_row_name(stage): answers[stage.name][0] for stage in stages}
        figure = seen.draw_maps(picture, rows, self._figure("maps"))
        self._part(
            _("What becomes of a picture"),
            [
                _(
                    "The strongest maps of each layer; orange above zero, blue below. Of a layer without maps, all its numbers."
                )
            ],
            figure,
        )


def _row_name(stage: Stage) -> str:
    if stage.map_size is None:
        return _("{layer}: {count} numbers").format(layer=stage.name, count=stage.units)
    height, width = stage.map_size
    return _("{layer}: {count} maps of {height}x{width}").format(
        layer=stage.name, count=stage.units, height=height, width=width
    )


def _kind(stage: Stage) -> str:
    size = getattr(stage.layer, "kernel_size", None)
    if size:
        return _("{count} filters of {size}").format(count=stage.units, size="x".join(map(str, size)))
    return _("{count} neurons").format(count=stage.units)


def layer_rows(scene: Scene) -> list[tuple[str, str, str, str]]:
    """For each stage: name, what it is, what a unit sees, how many of its best pictures are of one class."""
    rows = []
    for stage in scene.stages:
        reach = scene.reach(stage)
        whole = reach is None or reach >= max(scene.height, scene.width)
        sees = _("the whole picture") if whole else _("{size} pixels").format(size=f"{reach}x{reach}")
        rows.append((stage.name, _kind(stage), sees, f"{scene.best * scene.purity(stage):.1f}"))
    return rows


def story(scene: Scene) -> list[str]:
    """What the layers are about, drawn from their windows and from how far their units keep to one class."""
    side = max(scene.height, scene.width)
    hidden = [stage for stage in scene.stages if not stage.final] or scene.stages
    windowed = [(stage, reach) for stage in hidden if (reach := scene.reach(stage)) is not None]
    told: list[str] = []
    if windowed:
        (first, narrow), (last, wide) = windowed[0], windowed[-1]
        if wide > narrow:
            told.append(
                _(
                    "A unit sees only a window of the picture, and the window grows from layer to layer: {narrow} pixels wide in "
                    "{first}, {wide} of {side} in {last}."
                ).format(narrow=narrow, first=first.name, wide=wide, side=side, last=last.name)
            )
        grey = scene.pictures.ndim == 3 or scene.pictures.shape[3] == 1
        edges = _("Room for edges: {layers}.") if grey else _("Room for edges and spots of colour: {layers}.")
        rooms = [
            (edges, 0, side / 4),
            (_("Room for parts: {layers}."), side / 4, 0.75 * side),
            (_("Room for whole objects: {layers}."), 0.75 * side, np.inf),
        ]
        names = [(text, [s.name for s, reach in windowed if least < reach <= most]) for text, least, most in rooms]
        told.append(" ".join(text.format(layers=", ".join(layers)) for text, layers in names if layers))
    else:
        told.append(
            _(
                "This network has no windows: from the first layer on every neuron sees the whole picture. It cannot go from "
                "edges to parts to objects; it weighs whole outlines at once."
            )
        )
    early, late = scene.purity(hidden[0]), scene.purity(hidden[-1])
    chance = scene.best * scene.purity_by_chance
    if len(hidden) == 1:
        text = _(
            "Of the {count} training pictures that excite a unit of {layer} most, on average {share:.1f} show the same class; "
            "any {count} pictures would give {chance:.1f}."
        )
        return [*told, text.format(count=scene.best, layer=hidden[0].name, share=scene.best * early, chance=chance)]
    text = _(
        "Of the {count} training pictures that excite a unit most, on average {early:.1f} show the same class in {first} and "
        "{late:.1f} in {last}; any {count} pictures would give {chance:.1f}."
    ).format(
        count=scene.best, early=scene.best * early, late=scene.best * late, chance=chance,
        first=hidden[0].name, last=hidden[-1].name,
    )  # fmt: skip
    lesson = (
        _("So the way leads from forms that many classes share to what tells them apart.")
        if late > max(early, scene.purity_by_chance) + 0.05
        else _("So depth brings its units no nearer to the classes.")
    )
    return [*told, f"{text} {lesson}"]


def example(
    picture: Array, shares: Array, names: Sequence[str], chosen: int | None = None, truth: Any = None
) -> Example:
    """A picture to explain, with the network's answer above it.

    Args:
        picture: as the data set has them.
        shares: the probabilities of the classes, (K,).
        names: of the classes.
        chosen: the class to explain; the answer unless told.
        truth: the true class, if known.
    """
    answer = int(np.argmax(shares))
    title = f"{names[answer]} {float(shares[answer]):.0%}"
    if truth is not None:
        title += " " + _("(truth: {name})").format(name=names[int(truth)])
    if chosen is not None and chosen != answer:
        title += " · " + _("asked for: {name}").format(name=names[chosen])
    return Example(picture, title, answer if chosen is None else chosen)
