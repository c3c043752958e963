"""One self-contained HTML page for a run: what was done, how good it is, where it fails.

Leans on `neurona.report.markup`.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from neurona.engines import read_distances
from neurona.i18n import _, get_language
from neurona.recognisers import RECOGNISERS
from neurona.recognisers.train import DISTANCES
from neurona.report import figures
from neurona.report.apart import few, in_words
from neurona.report.markup import grouped, heading, image, paragraph, table, text, write_html
from neurona.report.words import baselines_table
from neurona.runs import Run
from neurona.tensor import Array

__all__ = ["mistakes_drawn", "write_page"]


def write_page(run: Run, recipe_about: str, mistakes: Iterable[str] = ()) -> Path:
    """Write ``report.html`` of a complete run, in the language in force; its plots must be there already.

    Args:
        recipe_about: the recipe in one sentence.
        mistakes: where it is sure and wrong, as parts of the page.
    """
    info, metrics = run.info, run.read_metrics()
    language = get_language()
    names = info["classes"][language]
    low, high = metrics["accuracy_interval"]
    data = info["data"]
    recogniser = RECOGNISERS.get(info["recogniser"])
    parts = [
        f"<h1>{text(info['recogniser'])}: {text(info['recipe'])}</h1>",
        paragraph(recipe_about, "muted"),
        f'<p><span class="figure">{metrics["accuracy"]:.2%}</span> '
        + text(
            _("of {count} test examples recognised (95 % interval: {low:.2%} to {high:.2%})").format(
                count=grouped(metrics["samples"]), low=low, high=high
            )
        )
        + "</p>",
    ]
    if "validation_interval" in metrics:
        low, high = metrics["validation_interval"]
        parts.append(
            paragraph(
                _("{share:.2%} of {count} training examples that were held out ({low:.2%} to {high:.2%})").format(
                    share=metrics["validation_accuracy"],
                    count=grouped(metrics["validation_samples"]),
                    low=low,
                    high=high,
                ),
                "muted",
            )
        )
    if data["kind"] == "sample":
        parts.append(
            paragraph(_("Trained on the small sample that comes with Neurona, not on the whole set."), "warning")
        )
    parts += [
        heading(_("The course of the training")),
        image(run.plots_path / "curves.png", _("loss and accuracy by epoch")),
        heading(_("Class by class")),
        table(
            (_("class"), _("precision"), _("recall"), "F1", _("examples")),
            (
                (name, f"{c['precision']:.3f}", f"{c['recall']:.3f}", f"{c['f1']:.3f}", c["count"])
                for name, c in zip(names, metrics["per_class"], strict=True)
            ),
        ),
        image(run.plots_path / "confusion.png", _("confusion matrix")),
        *_baselines(run),
        *_beside_keras(run),
        *mistakes,
        heading(_("Can its probabilities be believed?")),
        paragraph(
            _(
                "Calibration error {error:.3f}: so far, on average, is how sure it is from how often it is right."
            ).format(error=metrics["calibration_error"])
        ),
        image(run.plots_path / "calibration.png", _("calibration")),
        heading(_("What was run")),
        table(
            (_("setting"), _("value")),
            (
                (_("run folder"), run.path.name),
                (_("engine"), in_words(info.get("engine", {"name": "neurona"}))),
                (_("seed"), info["seed"]),
                (_("epochs"), info["epochs"]),
                (_("batch size"), info["batch_size"]),
                (_("weights"), grouped(info.get("parameters", 0))),
                (_("seconds"), round(info.get("seconds", 0))),
                (_("data"), "{} ({})".format(data["name"], _("full set") if data["kind"] == "full" else _("sample"))),
                (_("fingerprint of the data"), data["fingerprint"][:16]),
                *((name, _("none") if value is None else value) for name, value in info["versions"].items()),
            ),
            "facts",
        ),
        heading(_("What it is not good for")),
        paragraph(
            _(
                "It always answers with one of its classes, also where none of them fits; and what is unlike the examples "
                "it was trained with is recognised less often than the figure above says."
            )
        ),
        *([paragraph(recogniser.limits[language])] if recogniser is not None else []),
    ]
    return write_html(run.report_path, f"Neurona: {run.path.name}", parts)


def mistakes_drawn(run: Run, pictures: Array, truth: Array, probabilities: Array) -> list[str]:
    """The mistakes of which the network was surest, as a figure."""
    path = run.plots_path / "mistakes.png"
    if not (probabilities.argmax(axis=1) != truth).any():
        path.unlink(missing_ok=True)
        return []
    figures.draw_mistakes(pictures, truth, probabilities, run.info["classes"][get_language()], path)
    return [
        heading(_("Where it is sure and wrong")),
        paragraph(_("The answer and how sure the network was; in brackets the truth.")),
        image(path, _("mistakes")),
    ]


def _baselines(run: Run) -> list[str]:
    if not run.read_metrics().get("baselines"):
        return []
    head = _("reader"), _("accuracy"), _("95 % interval"), _("weights"), _("seconds")
    return [
        heading(_("Beside simpler readers")),
        paragraph(_("Trained with the same examples and judged by the same, with the same vocabulary.")),
        table(head, baselines_table(run)),
    ]


def _beside_keras(run: Run) -> list[str]:
    distances = read_distances(run.path / DISTANCES)
    if not distances:
        return []
    head, *rows = few(distances)
    drawn = run.info["engine"]["drawn_by_lot"]
    words = _(
        "Keras did every step too, from the same weights and with the same batches. Told are the largest distances: "
        "between the losses of the batch, between outputs for the same examples, and between weights in the same place."
    )
    if drawn:
        words += " " + _("Each engine drew its own random numbers in {layers}, so the steps are not the same.").format(
            layers=", ".join(drawn)
        )
    return [
        heading(_("Step by step beside Keras")),
        paragraph(words),
        image(run.plots_path / "engines.png", _("distance between the engines by step")),
        table(head, rows),
    ]
