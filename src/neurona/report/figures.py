"""The figures of a run, drawn with Matplotlib into PNG files, in the language in force."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np

from neurona.i18n import _
from neurona.report.plain import printable, shortened
from neurona.saving.atomic import atomic_file
from neurona.tensor import Array

__all__ = ["draw_calibration", "draw_confusion", "draw_curves", "draw_mistakes", "draw_prediction"]

# Two colours that people who confuse red and green can tell apart (Okabe & Ito, 2008).
_BLUE, _ORANGE, _GREY = "#0072B2", "#D55E00", "#666666"


def _figure(width: float, height: float, **kwargs: Any) -> Any:
    from matplotlib.figure import Figure  # no window system: figures only ever become files

    return Figure(figsize=(width, height), layout="constrained", **kwargs)


def _save(figure: Any, path: Path) -> Path:
    with atomic_file(path) as stream, warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from", UserWarning)  # a box stands for it
        figure.savefig(stream, format="png", dpi=110)
    return path


def _label(text: str, most: int = 40) -> str:
    return shortened(printable(text), most)


def draw_curves(history: dict[str, list[float]], path: Path) -> Path:
    """Loss and accuracy over the epochs, for training and validation."""
    figure = _figure(9, 3.4)
    titles = {"loss": _("Loss"), "accuracy": _("Accuracy")}
    axes = figure.subplots(1, 2)
    for ax, (name, title) in zip(axes, titles.items(), strict=True):
        for key, colour, label in (
            (name, _BLUE, _("training")),
            (f"val_{name}", _ORANGE, _("validation")),
        ):
            if key in history:
                epochs = range(1, len(history[key]) + 1)
                ax.plot(epochs, history[key], color=colour, label=label, marker="o", markersize=3)
        ax.set_title(title)
        ax.set_xlabel(_("epoch"))
        ax.grid(alpha=0.3)
        ax.xaxis.get_major_locator().set_params(integer=True)
        ax.legend(frameon=False)
    return _save(figure, path)


def draw_confusion(table: list[list[int]], classes: list[str], path: Path) -> Path:
    """Which class was taken for which, as shares of each true class."""
    counts = np.asarray(table, "float64")
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    figure = _figure(7.2, 6.4)
    ax = figure.subplots()
    ax.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for i, j in np.ndindex(counts.shape):
        if counts[i, j]:
            colour = "white" if shares[i, j] > 0.5 else "black"
            ax.text(j, i, f"{int(counts[i, j])}", ha="center", va="center", fontsize=8, color=colour)
    ticks = range(len(classes))
    classes = [_label(name) for name in classes]
    ax.set_xticks(ticks, classes, rotation=45, ha="right", rotation_mode="anchor", parse_math=False)
    ax.set_yticks(ticks, classes, parse_math=False)
    ax.set_xlabel(_("the network's answer"))
    ax.set_ylabel(_("truth"))
    return _save(figure, path)


def draw_calibration(bins: list[dict[str, float]], path: Path) -> Path:
    """How often the network is right when it is so sure."""
    figure = _figure(4.6, 4.2)
    ax = figure.subplots()
    ax.plot([0, 1], [0, 1], color=_GREY, linestyle="--", linewidth=1, label=_("exactly as sure as right"))
    ax.plot([b["confidence"] for b in bins], [b["accuracy"] for b in bins], color=_BLUE, marker="o", label=_("network"))
    ax.set(xlim=(0, 1), ylim=(0, 1), xlabel=_("how sure it is"), ylabel=_("how often it is right"))
    ax.grid(alpha=0.3)
    ax.legend(frameon=False, loc="upper left")
    return _save(figure, path)


def draw_mistakes(
    pictures: Array, truth: Array, probabilities: Array, classes: list[str], path: Path, most: int = 24
) -> Path:
    """The mistakes of which the network was surest, at least one."""
    said = probabilities.argmax(axis=1)
    wrong = np.flatnonzero(said != truth)
    wrong = wrong[np.argsort(-probabilities[wrong, said[wrong]], kind="stable")][:most]
    figure = _figure(10, 1.75 * max(1, -(-len(wrong) // 8)))
    axes = np.atleast_1d(figure.subplots(max(1, -(-len(wrong) // 8)), 8)).ravel()
    for ax in axes:
        ax.axis("off")
    for ax, i in zip(axes, wrong, strict=False):
        ax.imshow(pictures[i], cmap="gray", vmin=0, vmax=255)
        ax.set_title(
            f"{_label(classes[said[i]], 14)} {probabilities[i, said[i]]:.0%}\n({_label(classes[int(truth[i])], 18)})",
            fontsize=7.5, parse_math=False,
        )  # fmt: skip
    return _save(figure, path)


def draw_prediction(prepared: Any, ranked: list[tuple[str, float]], title: str, path: Path) -> Path:
    """A picture, what the network was given, and its likeliest answers."""
    from matplotlib.patches import Rectangle

    figure = _figure(9, 3)
    axes = figure.subplots(1, 3, width_ratios=(1, 1, 1.2))
    axes[0].imshow(prepared.original, cmap="gray", vmin=0, vmax=255)
    left, top, right, bottom = prepared.box
    axes[0].add_patch(Rectangle((left - 0.5, top - 0.5), right - left, bottom - top, fill=False, color=_ORANGE))
    axes[0].set_title(_label(title), fontsize=9, parse_math=False)
    axes[1].imshow(prepared.pixels, cmap="gray", vmin=0, vmax=255)
    axes[1].set_title(_("what the network sees"), fontsize=9)
    for ax in axes[:2]:
        ax.set_xticks([])
        ax.set_yticks([])
    names = [_label(name) for name, _share in ranked][::-1]
    shares = [share for _name, share in ranked][::-1]
    axes[2].barh(range(len(names)), shares, color=_BLUE)
    axes[2].set_yticks(range(len(names)), names, parse_math=False)
    axes[2].set_xlim(0, 1.15)
    axes[2].set_xticks([0, 0.5, 1], ["0 %", "50 %", "100 %"])
    for i, share in enumerate(shares):
        axes[2].text(share + 0.02, i, f"{share:.1%}", va="center", fontsize=8)
    for side in ("top", "right"):
        axes[2].spines[side].set_visible(False)
    return _save(figure, path)
