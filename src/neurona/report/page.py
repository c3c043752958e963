"""One self-contained HTML page for a run: what was done, how good it is, where it fails.

No script, no outside file, and a policy in its head that forbids the browser both. Whatever a user brought is text.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable
from html import escape
from pathlib import Path
from typing import Any

from neurona.i18n import _, get_language
from neurona.report.plain import printable
from neurona.runs import Run
from neurona.saving.atomic import atomic_file

__all__ = ["write_page"]

_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"

_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem;
       color: #1a1a1a; background: white; }
h1 { margin-bottom: 0; }
h2 { margin-top: 2.2rem; border-bottom: 1px solid #ddd; }
.figure { font-size: 2.6rem; font-weight: 650; }
.muted { color: #555; margin-top: 0; }
.warning { background: #fff4d6; border-left: 4px solid #d9a400; padding: .6rem 1rem; }
table { border-collapse: collapse; margin: 1rem 0; }
th, td { padding: .25rem .8rem; text-align: right; font-variant-numeric: tabular-nums; overflow-wrap: anywhere; }
th:first-child, td:first-child, .facts td, .facts th { text-align: left; }
tbody tr:nth-child(odd) { background: #f6f6f6; }
img { max-width: 100%; height: auto; }
@media (prefers-color-scheme: dark) {
  body { background: #181818; color: #e8e8e8; }
  tbody tr:nth-child(odd) { background: #222; }
  h2 { border-color: #444; }
  .muted { color: #aaa; }
  .warning { background: #3a3010; }
  img { background: white; }
}
"""


def _text(value: object) -> str:
    return escape(printable(value))


def _heading(text: str) -> str:
    return f"<h2>{_text(text)}</h2>"


def _paragraph(text: str, style: str = "") -> str:
    return f'<p class="{style}">{_text(text)}</p>' if style else f"<p>{_text(text)}</p>"


def _table(head: Iterable[str], rows: Iterable[Iterable[Any]], style: str = "numbers") -> str:
    cells = "".join(f'<th scope="col">{_text(c)}</th>' for c in head)
    body = "".join("<tr>" + "".join(f"<td>{_text(c)}</td>" for c in row) + "</tr>" for row in rows)
    return f'<table class="{style}"><thead><tr>{cells}</tr></thead><tbody>{body}</tbody></table>'


def _image(path: Path, words: str) -> str:
    if not path.is_file():
        return ""
    data = base64.b64encode(path.read_bytes()).decode()
    return f'<p><img alt="{_text(words)}" src="data:image/png;base64,{data}"></p>'


def _grouped(number: int) -> str:
    """A whole number with narrow spaces between its thousands, which English and Spanish readers both understand."""
    return f"{number:,}".replace(",", "\u202f")


def write_page(run: Run, recipe_about: str) -> Path:
    """Write ``report.html`` of a complete run, in the language in force; its plots must be there already."""
    info, metrics = run.info, run.read_metrics()
    language = get_language()
    names = info["classes"][language]
    low, high = metrics["accuracy_interval"]
    data = info["data"]
    parts = [
        f'<!doctype html>\n<html lang="{language}">\n<head>\n<meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>Neurona: {_text(run.path.name)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>",
        f"<h1>{_text(info['recogniser'])}: {_text(info['recipe'])}</h1>",
        _paragraph(recipe_about, "muted"),
        f'<p><span class="figure">{metrics["accuracy"]:.2%}</span> '
        + _text(
            _("of {count} test pictures recognised (95 % interval: {low:.2%} to {high:.2%})").format(
                count=_grouped(metrics["samples"]), low=low, high=high
            )
        )
        + "</p>",
    ]
    if data["kind"] == "sample":
        parts.append(
            _paragraph(_("Trained on the small sample that comes with Neurona, not on the whole set."), "warning")
        )
    parts += [
        _heading(_("The course of the training")),
        _image(run.plots_path / "curves.png", _("loss and accuracy by epoch")),
        _heading(_("Class by class")),
        _table(
            (_("class"), _("precision"), _("recall"), "F1", _("pictures")),
            (
                (name, f"{c['precision']:.3f}", f"{c['recall']:.3f}", f"{c['f1']:.3f}", c["count"])
                for name, c in zip(names, metrics["per_class"], strict=True)
            ),
        ),
        _image(run.plots_path / "confusion.png", _("confusion matrix")),
        *_mistakes(run.plots_path / "mistakes.png"),
        _heading(_("Can its probabilities be believed?")),
        _paragraph(
            _(
                "Calibration error {error:.3f}: so far, on average, is how sure it is from how often it is right."
            ).format(error=metrics["calibration_error"])
        ),
        _image(run.plots_path / "calibration.png", _("calibration")),
        _heading(_("What was run")),
        _table(
            (_("setting"), _("value")),
            (
                (_("run folder"), run.path.name),
                (_("seed"), info["seed"]),
                (_("epochs"), info["epochs"]),
                (_("batch size"), info["batch_size"]),
                (_("weights"), _grouped(info.get("parameters", 0))),
                (_("seconds"), round(info.get("seconds", 0))),
                (_("data"), "{} ({})".format(data["name"], _("full set") if data["kind"] == "full" else _("sample"))),
                (_("fingerprint of the data"), data["fingerprint"][:16]),
                *((name, _("none") if value is None else value) for name, value in info["versions"].items()),
            ),
            "facts",
        ),
        _heading(_("What it is not good for")),
        _paragraph(
            _(
                "It always answers with one of its ten classes, also for a picture of something else. Photographs unlike "
                "the training pictures (several garments, people, patterns behind) are recognised less often than the "
                "figure above says."
            )
        ),
    ]
    with atomic_file(run.report_path) as stream:
        stream.write("\n".join([*parts, "</body>\n</html>\n"]).encode())
    return run.report_path


def _mistakes(path: Path) -> list[str]:
    if not path.is_file():
        return []
    return [
        _heading(_("Where it is sure and wrong")),
        _paragraph(_("The answer and how sure the network was; in brackets the truth.")),
        _image(path, _("mistakes")),
    ]
