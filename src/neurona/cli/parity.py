"""``neurona parity``: compare Neurona with real Keras, and write the certificate of it."""

from __future__ import annotations

import math
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from neurona.cli.shared import json_option, say, session
from neurona.errors import UnknownNameError
from neurona.i18n import _
from neurona.parity import DRAWS, SUBJECTS, Finding, certify
from neurona.parity.page import in_lines, write_pages

__all__ = ["make"]


def make() -> click.Command:
    """The command."""

    @click.command(
        "parity",
        short_help=_("Compare with real Keras."),
        help=_(
            "Compare every layer, loss, metric and optimizer with real Keras on TensorFlow: outputs, gradients, one and a "
            "hundred steps of training, with sizes and settings drawn by lot.\n\n"
            "NAMES are those of the classes to compare; all, unless told. Written are parity.html and parity.md. The exit "
            "status is 1 if anything is over its tolerance."
        ),
        epilog=_(
            "\b\nExamples:\n"
            "  neurona parity --quick\n"
            "  neurona parity Dense LSTM Adam --draws 20\n"
            "  neurona parity --out docs"
        ),
    )
    @click.argument("names", nargs=-1)
    @click.option(
        "--quick", is_flag=True, help=_("In less than a minute: one draw, one step for layers, float32 alone.")
    )
    @click.option(
        "--draws",
        type=click.IntRange(1, 10_000),
        help=_("How often each is drawn; {draws} unless told.").format(draws=DRAWS),
    )
    @click.option("--seed", type=click.IntRange(0, 2**31), default=0, help=_("Of all that is drawn; 0 unless told."))
    @click.option(
        "--out", type=click.Path(path_type=Path, file_okay=False), default=Path("parity"),
        help=_("Folder for the pages; parity unless told."),
    )  # fmt: skip
    @json_option
    def command(names: tuple[str, ...], quick: bool, draws: int | None, seed: int, out: Path) -> None:
        known = {subject.name for subject in SUBJECTS}
        for name in names:
            if name not in known:
                raise UnknownNameError.among("class to compare", name, known)
        subjects = [subject for subject in SUBJECTS if not names or subject.name in names]

        def progress(done: int, count: int, name: str) -> None:
            if sys.stderr.isatty():
                click.echo(f"\r\x1b[K{done}/{count} {name}", nl=False, err=True)

        made = certify(subjects, draws or (1 if quick else DRAWS), seed, quick, progress)
        if sys.stderr.isatty():
            click.echo("\r\x1b[K", nl=False, err=True)
        for line in in_lines(made):
            say(line)
        html, markdown = write_pages(made, out)
        say(_("Pages: {html}, {markdown} ({seconds:.0f} s)").format(html=html, markdown=markdown, seconds=made.seconds))
        session.finish(
            {
                "passed": not made.failed,
                "failed": made.failed,
                "compared": len(subjects),
                "draws": made.draws,
                "seed": seed,
                "versions": made.versions,
                "refused": made.refused,
                "over": [_told(f) for f in made.findings if not f.passed],
                "pages": [str(html), str(markdown)],
                "seconds": round(made.seconds, 1),
            }
        )
        if made.failed:
            sys.exit(1)

    return command


def _told(finding: Finding) -> dict[str, Any]:
    """A finding as JSON has it: without infinity."""
    return {**asdict(finding), "error": finding.error if math.isfinite(finding.error) else None}
