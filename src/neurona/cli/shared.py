"""What all commands share: options, what goes to the terminal, and the last line of JSON."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from neurona.i18n import LANGUAGES, _
from neurona.report.plain import printable

__all__ = ["Session", "complain", "json_option", "quoted", "say", "session", "tell_json"]


class Session:
    """What the options that every command has were set to.

    Attributes:
        as_json: whether the last line of stdout is one JSON object.
        debug: whether errors show where they come from.
        facts: what the JSON of an error tells besides it, such as the run.
    """

    def __init__(self) -> None:
        self.as_json = False
        self.debug = False
        self.facts: dict[str, Any] = {}

    def finish(self, result: dict[str, Any]) -> None:
        """Print the result as the last line, if it was asked for."""
        if self.as_json:
            tell_json(result)


#: One process runs one command.
session = Session()


def json_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Decorator: the options that every command has. `main` reads them before the commands are made."""
    options = [
        click.option(
            "--json", is_flag=True, expose_value=False, help=_("Print one JSON object as the last line of the output.")
        ),
        click.option(
            "--lang", type=click.Choice(sorted(LANGUAGES)), expose_value=False,
            help=_("Language of all texts; by default that of the system."),
        ),
        click.option(
            "--debug", is_flag=True, expose_value=False, help=_("On an error, show where in the program it happened.")
        ),
    ]  # fmt: skip
    for option in reversed(options):
        command = option(command)
    return command


def _lines(text: str) -> str:
    return "\n".join(printable(line) for line in text.split("\n"))


def say(text: str = "", **style: Any) -> None:
    """Print a line for people; colours only on a terminal, control characters in it shown and not obeyed."""
    click.secho(_lines(text), **style)


def complain(text: str) -> None:
    """Print a line about what went wrong, to stderr."""
    click.echo(_lines(text), err=True)


def quoted(path: Path) -> str:
    """A path as a shell takes it."""
    return shlex.quote(str(path))


def tell_json(content: dict[str, Any]) -> None:
    """Print one JSON object in a line of plain ASCII, which every terminal, pipe and file takes."""
    click.echo(json.dumps(content))
