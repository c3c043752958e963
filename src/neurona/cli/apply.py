"""``neurona evaluate`` and ``neurona predict``: judge a run again, and apply it to what a user has.

What is applied to pictures and what to texts stands in `predict_pictures` and `predict_texts`.
"""

from __future__ import annotations

from pathlib import Path

import click

from neurona import datasets
from neurona.cli import predict_pictures, predict_texts
from neurona.cli.shared import json_option, say, session
from neurona.i18n import _
from neurona.recognisers import find
from neurona.recognisers.judging import judge
from neurona.runs import Run

__all__ = ["make_evaluate", "make_predict"]


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
        kind = recogniser.kind
        shares = kind.probabilities(opened, model, kind.reader(opened)(loaded.x_test))
        names = list(loaded.classes)
        found = judge(shares, loaded.y_test, list(loaded.labels["en"]))
        low, high = found["accuracy_interval"]
        if loaded.kind == "sample":
            say(_("Judged on the small sample's {count} test examples.").format(count=found["samples"]), fg="yellow")
        say(
            _("Accuracy: {accuracy:.2%} of {count} examples (95 % interval {low:.2%} to {high:.2%})").format(
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
        short_help=_("Apply a trained run to pictures or texts."),
        help=_(
            "Say what is on some pictures, or what some texts think.\n\n"
            "RUN is a run folder, or `latest`. For a run of pictures, THINGS are PNG or JPEG files of any size, or folders "
            "of them: one garment or handwritten digit each, on a plain light or dark background; for a run of objects, any "
            "photograph. The three likeliest classes of each are told, and a picture is saved that shows what the network "
            "was given.\n\n"
            "For a run of reviews, THINGS are the texts themselves, text files with one review each, folders of such "
            "(*.txt), or `-` for one review a line from the standard input, however many. Told are the answer, how sure it "
            "is, how many words were unknown, and what each word contributed; of lines, separated by tabs: answer, "
            "probability, words, unknown words, beginning."
        ),
        epilog=_(
            "\b\nExamples:\n"
            "  neurona predict latest shirt.jpg\n"
            "  neurona predict runs/mine photos/ --out answers\n"
            "  neurona predict runs/reviews 'Not as bad as they say.'\n"
            "  neurona predict runs/reviews - < reviews.txt\n"
            "  neurona predict runs/reviews review.txt --html page.html"
        ),
    )
    @click.argument("run", type=click.Path(path_type=Path))
    @click.argument("things", nargs=-1, required=True)
    @click.option("--out", type=click.Path(path_type=Path), help=_("Pictures: folder for the saved pictures."))
    @click.option("--lines", is_flag=True, help=_("Texts: files hold one text a line."))
    @click.option("--html", type=click.Path(path_type=Path), help=_("Texts: a page to write, with the words coloured."))
    @json_option
    def command(run: Path, things: tuple[str, ...], out: Path | None, lines: bool, html: Path | None) -> None:
        opened = Run.open(run, trained=True)
        recogniser = find(opened.info["recogniser"])
        of_texts = recogniser.kind.name == "texts"
        unfit = {"--out": out is not None and of_texts, "--lines": lines and not of_texts,
                 "--html": html is not None and not of_texts}  # fmt: skip
        for option in (name for name, given in unfit.items() if given):
            raise click.UsageError(
                _("{option} does not go with a run of {recogniser}.").format(option=option, recogniser=recogniser.name)
            )
        if of_texts:
            predict_texts.predict(opened, things, lines, html)
        else:
            predict_pictures.predict(opened, recogniser, tuple(map(Path, things)), out)

    return command
