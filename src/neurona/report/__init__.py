"""From a Run folder to figures and a page that people read."""

from __future__ import annotations

from typing import Any

from neurona.engines import read_distances
from neurona.i18n import get_language
from neurona.recognisers import RECOGNISERS
from neurona.recognisers.train import DISTANCES
from neurona.report import figures, words
from neurona.report.apart import draw_distances
from neurona.report.page import mistakes_drawn, write_page
from neurona.runs import Run
from neurona.tensor import Array

__all__ = ["figures", "words", "write_page", "write_report"]


def write_report(run: Run, about: str, examples: Any, truth: Array, probabilities: Array) -> None:
    """Draw the plots of a complete run and write its page.

    Args:
        about: the recipe in one sentence.
        examples, truth, probabilities: the test set and what the network thinks of it.
    """
    metrics = run.read_metrics()
    names = run.info["classes"][get_language()]
    run.plots_path.mkdir(exist_ok=True)
    figures.draw_curves(run.read_history(), run.plots_path / "curves.png")
    figures.draw_confusion(metrics["confusion"], names, run.plots_path / "confusion.png")
    figures.draw_calibration(metrics["calibration"], run.plots_path / "calibration.png")
    if distances := read_distances(run.path / DISTANCES):
        draw_distances(distances, run.plots_path / "engines.png")
    recogniser = RECOGNISERS.get(run.info["recogniser"])
    of_texts = recogniser is not None and recogniser.kind.name == "texts"
    mistakes = words.mistakes if of_texts else mistakes_drawn
    write_page(run, about, mistakes(run, examples, truth, probabilities))
