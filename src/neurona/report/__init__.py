"""From a Run folder to figures and a page that people read."""

from __future__ import annotations

from neurona.i18n import get_language
from neurona.report import figures
from neurona.report.page import write_page
from neurona.runs import Run
from neurona.tensor import Array

__all__ = ["figures", "write_page", "write_report"]


def write_report(run: Run, about: str, pictures: Array, truth: Array, probabilities: Array) -> None:
    """Draw the plots of a complete run and write its page.

    Args:
        about: the recipe in one sentence.
        pictures, truth, probabilities: the test set and what the network thinks of it.
    """
    metrics = run.read_metrics()
    names = run.info["classes"][get_language()]
    run.plots_path.mkdir(exist_ok=True)
    figures.draw_curves(run.read_history(), run.plots_path / "curves.png")
    figures.draw_confusion(metrics["confusion"], names, run.plots_path / "confusion.png")
    figures.draw_calibration(metrics["calibration"], run.plots_path / "calibration.png")
    mistakes = run.plots_path / "mistakes.png"
    if (probabilities.argmax(axis=1) != truth).any():
        figures.draw_mistakes(pictures, truth, probabilities, names, mistakes)
    else:
        mistakes.unlink(missing_ok=True)
    write_page(run, about)
