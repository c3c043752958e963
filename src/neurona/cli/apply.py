"""``neurona evaluate`` and ``neurona predict``: judge a run again, and apply it to pictures."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import click
import numpy as np

from neurona import datasets
from neurona.cli.shared import complain, json_option, say, session
from neurona.errors import ArgumentError, PictureError
from neurona.i18n import _, get_language
from neurona.recognisers import find
from neurona.recognisers.judging import judge
from neurona.recognisers.train import probabilities
from neurona.report import figures
from neurona.runs import Run

__all__ = ["make_evaluate", "make_predict"]

_ENDINGS = (".png", ".jpg", ".jpeg")


def make_evaluate() -> click.Command:
    """The command ``evaluate``."""

    @click.command(
        "evaluate",
        short_help=_("Judge a trained run on the test set."),
        help=_("Judge the model of a run on the test set, class by class.\n\nRUN is a run folder, or `latest`."),
        epilog=_("\b\nExamples:\n  neurona evaluate latest\n  neurona evaluate runs/mine --json"),
    )
    @click.argument("run", type=click.Path(path_type=Path))
    @click.option("--data", type=click.Path(path_type=Path), help=_("Folder with the data set's files."))
    @click.option("--offline", is_flag=True, help=_("Never ask the network for data."))
    @json_option
    def command(run: Path, data: Path | None, offline: bool) -> None:
        opened = Run.open(run, trained=True)
        recogniser = find(opened.info["recogniser"])
        model = opened.load_model()
        trained_on = opened.info["data"]["kind"]
        loaded = datasets.load(
            recogniser.dataset, path=data, download=not offline, sample=True if trained_on == "sample" else None
        )
        for note in loaded.notes:
            say(note, fg="yellow")
        if trained_on == "full" and loaded.kind == "sample":
            say(
                _("The run was trained on the full set, which was not found; name its folder with --data."), fg="yellow"
            )
        shares = probabilities(model, recogniser.prepare(loaded.x_test), opened.info.get("views", ()))
        names = list(loaded.classes)
        found = judge(shares, loaded.y_test, list(loaded.labels["en"]))
        low, high = found["accuracy_interval"]
        if loaded.kind == "sample":
            say(_("Judged on the small sample's {count} test pictures.").format(count=found["samples"]), fg="yellow")
        say(
            _("Accuracy: {accuracy:.2%} of {count} pictures (95 % interval {low:.2%} to {high:.2%})").format(
                accuracy=found["accuracy"], count=found["samples"], low=low, high=high
            ),
            bold=True,
        )
        say(_("Calibration error: {error:.3f}").format(error=found["calibration_error"]))
        width = max(map(len, names))
        say()
        head = _("class"), _("precision"), _("recall"), "F1"
        say("{:<{width}}  {:>10}  {:>14}  {:>6}".format(*head, width=width))
        for name, row in zip(names, found["per_class"], strict=True):
            say(f"{name:<{width}}  {row['precision']:>10.3f}  {row['recall']:>14.3f}  {row['f1']:>6.3f}")
        session.finish(
            {
                "run": str(opened.path),
                "recogniser": recogniser.name,
                "recipe": opened.info["recipe"],
                "data": loaded.kind,
                "test_accuracy": found["accuracy"],
                **{k: v for k, v in found.items() if k != "accuracy"},
            }
        )

    return command


def make_predict() -> click.Command:
    """The command ``predict``."""

    @click.command(
        "predict",
        short_help=_("Apply a trained run to pictures."),
        help=_(
            "Say what is on some pictures: the three likeliest classes of each, with their probabilities.\n\n"
            "RUN is a run folder, or `latest`. PICTURES are PNG or JPEG files of any size, or folders of them: one garment "
            "or handwritten digit each, on a plain light or dark background; for a run of objects, any photograph. For each "
            "a picture is saved that shows what the network was given."
        ),
        epilog=_(
            "\b\nExamples:\n  neurona predict latest shirt.jpg\n  neurona predict runs/mine photos/ --out answers"
        ),
    )
    @click.argument("run", type=click.Path(path_type=Path))
    @click.argument("pictures", nargs=-1, required=True, type=click.Path(path_type=Path))
    @click.option("--out", type=click.Path(path_type=Path), help=_("Folder for the saved pictures."))
    @json_option
    def command(run: Path, pictures: tuple[Path, ...], out: Path | None) -> None:
        opened = Run.open(run, trained=True)
        recogniser = find(opened.info["recogniser"])
        if (see := recogniser.see) is None:
            raise ArgumentError(_("The recogniser '{name}' takes no pictures.").format(name=recogniser.name))
        model = opened.load_model()
        folder = out or opened.path / "predictions"
        folder.mkdir(parents=True, exist_ok=True)
        names = opened.info["classes"][get_language()]
        results: list[dict[str, Any]] = []
        failed = 0
        files = _files(pictures)
        taken = {path.resolve() for path in files}
        for path in files:
            try:
                prepared = see(path)
            except PictureError as error:
                failed += 1
                text = str(error) if str(path) in str(error) else f"{path}: {error}"
                complain(_("Error: {text}").format(text=text))
                results.append({"picture": str(path), "error": str(error)})
                continue
            shares = probabilities(
                model, recogniser.prepare(prepared.pixels[np.newaxis]), opened.info.get("views", ())
            )[0]
            ranked = [(names[k], float(shares[k])) for k in np.argsort(-shares, kind="stable")[:3]]
            saved = figures.draw_prediction(prepared, ranked, path.name, _place(folder, path, taken))
            say(str(path), bold=True)
            say("  " + "; ".join(prepared.steps))
            for name, share in ranked:
                say(f"  {share:>6.1%}  {name}")
            say(_("  picture: {path}").format(path=saved))
            results.append(
                {
                    "picture": str(path),
                    "answer": ranked[0][0],
                    "answers": [{"class": name, "probability": share} for name, share in ranked],
                    "steps": list(prepared.steps),
                    "saved": str(saved),
                }
            )
        session.finish({"run": str(opened.path), "recogniser": recogniser.name, "predictions": results})
        if failed:
            raise click.exceptions.Exit(1)

    return command


def _files(given: tuple[Path, ...]) -> list[Path]:
    """The pictures given, and those in the folders given."""
    found: list[Path] = []
    for path in given:
        if path.is_dir():
            inside = sorted(p for p in path.iterdir() if p.suffix.lower() in _ENDINGS and p.is_file())
            if not inside:
                raise PictureError(_("The folder {path} holds no PNG or JPEG picture.").format(path=path))
            found += inside
        else:
            found.append(path)
    return found


def _place(folder: Path, picture: Path, taken: set[Path]) -> Path:
    """Where to save what is shown of a picture: over no other one of this call, and over nobody's own picture."""
    stem = os.fsdecode(os.fsencode(picture.stem)[:120])  # names have an end: 255 bytes on most disks
    count = 0
    while True:
        count += 1
        path = folder / (f"{stem}.answer.png" if count == 1 else f"{stem}.answer-{count}.png")
        if path.resolve() not in taken:
            taken.add(path.resolve())
            return path
