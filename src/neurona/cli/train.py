"""``neurona train``: carry out a recipe on real data, or go on with an interrupted run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from neurona import datasets, engines
from neurona.cli.shared import json_option, quoted, say, session
from neurona.errors import ArgumentError, NonFiniteError, RunError, SavingError
from neurona.i18n import _, get_language
from neurona.recognisers import find
from neurona.recognisers.train import DISTANCES, ENGINES, start, train
from neurona.report import write_report
from neurona.report.apart import few, in_words
from neurona.report.words import baselines_table
from neurona.runs import Run, taken
from neurona.training.checkpoint import Interrupted

__all__ = ["make"]


def _held_out(ctx: click.Context, param: click.Parameter, value: str | None) -> float | None:
    """A share between 0 and 1, or a whole number."""
    if value is None:
        return None
    try:
        number: float = int(value) if value.strip().isdecimal() else float(value)
    except ValueError:
        number = -1.0
    if isinstance(number, int) or 0 < number < 1:
        return number
    raise click.BadParameter(
        _("expected a share between 0 and 1, or a whole number, received {value}").format(value=value)
    )


def _pairs(ctx: click.Context, param: click.Parameter, values: tuple[str, ...]) -> dict[str, str]:
    """``NAME=VALUE`` several times."""
    found = {}
    for value in values:
        name, sign, text = value.partition("=")
        if not sign:
            raise click.BadParameter(_("expected NAME=VALUE, received {value}").format(value=value))
        found[name.strip()] = text.strip()
    return found


def make() -> click.Command:
    """The command."""

    @click.command(
        "train",
        short_help=_("Train a recogniser."),
        help=_(
            "Train a recogniser and judge it on examples it has never seen.\n\n"
            "RECOGNISER is clothes, digits, objects or reviews. The data are taken from this machine, or downloaded; "
            "where neither works, clothes has a small sample that comes with Neurona.\n\n"
            "Everything is kept in a run folder: the model, its history, its judgement and a report. Ctrl-C stops after "
            "the step under way and keeps the state; --resume goes on exactly there."
        ),
        epilog=_(
            "\b\nExamples:\n"
            "  neurona train clothes\n"
            "  neurona train clothes --recipe tutorial --epochs 5\n"
            "  neurona train digits --seed 7 --run runs/mine\n"
            "  neurona train objects --recipe quick\n"
            "  neurona train reviews --set width=96 --set longest=300\n"
            "  neurona train clothes --engine both --without-chance\n"
            "  neurona train --resume runs/mine"
        ),
    )
    @click.argument("recogniser", required=False)
    @click.option("--recipe", help=_("How to train: best (default), tutorial, ..."))
    @click.option("--epochs", type=click.IntRange(1, 100_000), help=_("How often to go through the data."))
    @click.option("--seed", type=click.IntRange(0, 2**32 - 1), help=_("Makes the run repeatable; 0 unless told."))
    @click.option(
        "--validation",
        metavar="NUMBER",
        callback=_held_out,
        help=_("Training examples to hold out: a share (0.1) or a number (5000; 0 trains with all)."),
    )
    @click.option(
        "--set",
        "told",
        metavar="NAME=VALUE",
        multiple=True,
        callback=_pairs,
        help=_("Change a setting of the recipe, such as batch_size; a wrong name lists them all."),
    )
    @click.option("--no-baselines", is_flag=True, help=_("Leave out the simpler recognisers that are tried beside it."))
    @click.option(
        "--engine",
        type=click.Choice(ENGINES),
        help=_(
            "What does the steps: neurona (default), real Keras on the backend of KERAS_BACKEND, or both, to see after "
            "each step how far apart they are."
        ),
    )
    @click.option(
        "--without-chance",
        is_flag=True,
        help=_("With --engine both: leave out dropout and augmentation, which each engine draws for itself."),
    )
    @click.option("--run", "folder", type=click.Path(path_type=Path), help=_("The run folder to make."))
    @click.option("--resume", type=click.Path(path_type=Path), help=_("The interrupted run to go on with."))
    @click.option("--data", type=click.Path(path_type=Path), help=_("Folder with the data set's files."))
    @click.option("--sample", is_flag=True, help=_("Use the small sample, without looking for the full set."))
    @click.option("--offline", is_flag=True, help=_("Never ask the network for data."))
    @json_option
    def command(
        recogniser: str | None,
        recipe: str | None,
        epochs: int | None,
        seed: int | None,
        validation: float | None,
        told: dict[str, str],
        no_baselines: bool,
        engine: str | None,
        without_chance: bool,
        folder: Path | None,
        resume: Path | None,
        data: Path | None,
        sample: bool,
        offline: bool,
    ) -> None:
        if resume is not None:
            fixed = {"RECOGNISER": recogniser, "--recipe": recipe, "--epochs": epochs, "--seed": seed,
                     "--validation": validation, "--run": folder, "--set": told or None,
                     "--no-baselines": no_baselines or None, "--engine": engine,
                     "--without-chance": without_chance or None}  # fmt: skip
            given = [name for name, value in fixed.items() if value is not None]
            if given:
                raise click.UsageError(
                    _("--resume goes on with a run as it was begun; leave out {options}.").format(
                        options=", ".join(given)
                    )
                )
            run = Run.open(resume)
            if run.status == "complete":
                raise RunError(_("The run {path} is complete; there is nothing to go on with.").format(path=run.path))
            loaded = _load(find(run.info["recogniser"]).dataset, data, run.info["data"]["kind"] == "sample", offline)
        else:
            if recogniser is None:
                raise click.UsageError(_("Say what to train, for example: neurona train clothes"))
            if without_chance and engine != "both":
                raise click.UsageError(_("--without-chance is for --engine both."))
            chosen = find(recogniser)
            recipes = list(chosen.recipes)
            if recipe is not None and recipe not in recipes:
                raise ArgumentError(
                    _("{recogniser} has no recipe '{recipe}'. Its recipes: {known}.").format(
                        recogniser=chosen.name, recipe=recipe, known=", ".join(recipes)
                    )
                )
            plan = chosen.recipes[recipe or recipes[0]]
            settings = plan.changed(told)
            if folder is not None and folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
                raise taken(folder)  # before anything is downloaded
            if engine not in (None, "neurona"):
                engines.load_keras()  # before anything is downloaded
            loaded = _load(chosen.dataset, data, sample, offline)
            if validation is not None and validation >= len(loaded.x_train):  # before a run folder is made
                raise ArgumentError(
                    _("--validation must leave some of the {count} training examples. Received: {value}.").format(
                        count=len(loaded.x_train), value=validation
                    )
                )
            run = start(
                chosen, plan, loaded, seed or 0, epochs, folder, validation, settings, baselines=not no_baselines,
                engine=engine or "neurona", chance=not without_chance,
            )  # fmt: skip
        _carry_out(run, loaded)

    return command


def _load(name: str, path: Path | None, sample: bool, offline: bool) -> datasets.Data:
    data = datasets.load(name, path=path, download=not offline, sample=True if sample else None)
    for note in data.notes:
        say(note, fg="yellow")
    return data


def _carry_out(run: Run, data: datasets.Data) -> None:
    info = run.info
    recogniser = find(info["recogniser"])
    recipe = recogniser.recipes[info["recipe"]]
    language = get_language()
    say(_("{recogniser}: {about}").format(recogniser=recogniser.name, about=recogniser.about[language]), bold=True)
    say(_("Recipe {recipe}: {about}").format(recipe=recipe.name, about=recipe.about[language]))
    say(
        _("Data: {title}, {train} examples to train with, {test} to judge with ({kind})").format(
            title=data.title, train=len(data.x_train), test=len(data.x_test),
            kind=_("full set") if data.kind == "full" else _("SAMPLE ONLY"),
        )
    )  # fmt: skip
    engine = info.get("engine", {"name": "neurona"})
    if engine["name"] != "neurona":
        say(_("Engine: {engine}").format(engine=in_words(engine)))
    say(_("Run folder: {path}").format(path=run.path))
    session.facts = {"run": str(run.path)}
    try:
        metrics = train(
            run, data, after=lambda shares: write_report(run, recipe.about[language], data.x_test, data.y_test, shares)
        )
    except (Interrupted, KeyboardInterrupt):
        say()
        say(
            _("Stopped. A run that compares two engines cannot be gone on with; start a new one.")
            if engine["name"] == "both"
            else _("Stopped; the state is kept. Go on with: neurona train --resume {path}").format(
                path=quoted(run.path)
            )
        )
        raise
    except NonFiniteError:
        say()
        say(_("The last good model is kept: {path}").format(path=run.model_path), fg="yellow")
        raise
    except SavingError:
        say()
        say(_("What was saved before is kept. Go on with: neurona train --resume {path}").format(path=quoted(run.path)))
        raise
    low, high = metrics["accuracy_interval"]
    say()
    say(
        _("Test accuracy: {accuracy:.2%} (95 % interval {low:.2%} to {high:.2%}), in {seconds:.0f} s").format(
            accuracy=metrics["accuracy"], low=low, high=high, seconds=run.info["seconds"]
        ),
        bold=True,
    )
    if "validation_accuracy" in metrics:
        low, high = metrics["validation_interval"]
        say(
            _("On {count} training examples held out: {accuracy:.2%} ({low:.2%} to {high:.2%})").format(
                count=metrics["validation_samples"], accuracy=metrics["validation_accuracy"], low=low, high=high
            )
        )
    if metrics.get("baselines"):
        say(
            _("Beside it: {others}").format(
                others="; ".join(f"{row[0]} {row[1]} ({row[4]} s)" for row in baselines_table(run)[1:])
            )
        )
    if data.kind == "sample":
        say(_("This is the result of the small sample, not of the full set."), fg="yellow")
    _tell_distances(run)
    say(_("Report:   {path}").format(path=run.report_path))
    example = recogniser.kind.example
    say(_("Apply it: neurona predict {path} {example}").format(path=quoted(run.path), example=example))
    session.finish(_result(run, metrics))


def _tell_distances(run: Run) -> None:
    """How far apart two engines were, where two were at work."""
    distances = engines.read_distances(run.path / DISTANCES)
    if not distances:
        return
    head, *rows = few(distances)
    say()
    say(_("How far apart Neurona and Keras are after so many steps:"))
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    for row in (head, *rows):
        say("  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)))
    drawn = run.info["engine"]["drawn_by_lot"]
    if drawn:
        say(
            _(
                "Each engine draws its own random numbers in {layers}, so the steps are not the same. Compare without: "
                "--without-chance"
            ).format(layers=", ".join(drawn)),
            fg="yellow",
        )


def _result(run: Run, metrics: dict[str, Any]) -> dict[str, Any]:
    info, distances = run.info, engines.read_distances(run.path / DISTANCES)
    return {
        "run": str(run.path),
        "recogniser": info["recogniser"],
        "recipe": info["recipe"],
        "data": info["data"]["kind"],
        "test_accuracy": metrics["accuracy"],
        "seconds": info["seconds"],
        "epochs": info["epochs"],
        "seed": info["seed"],
        "test_interval": metrics["accuracy_interval"],
        "validation_accuracy": metrics.get("validation_accuracy"),
        "validation_interval": metrics.get("validation_interval"),
        "validation_samples": metrics.get("validation_samples", 0),
        "calibration_error": metrics["calibration_error"],
        "settings": info.get("settings", {}) | info.get("lengths", {}) | {"batch_size": info["batch_size"]},
        "baselines": metrics.get("baselines", []),
        "parameters": info["parameters"],
        "engine": info["engine"],
        **({"distance": engines.told(distances[-1])} if distances else {}),
        "status": info["status"],
    }
