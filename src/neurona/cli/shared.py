"""What all commands share: options, the last line of JSON, and how errors are told."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import click

from neurona.i18n import _

__all__ = ["Session", "json_option", "say", "session"]


class Session:
    """What the options that every command has were set to.

    Attributes:
        as_json: whether the last line of stdout is one JSON object.
        debug: whether errors show where they come from.
    """

    def __init__(self) -> None:
        self.as_json = False
        self.debug = False

    def finish(self, result: dict[str, Any]) -> None:
        """Print the result as the last line, if it was asked for."""
        if self.as_json:
            click.echo(json.dumps(result, ensure_ascii=False))


#: One process runs one command.
session = Session()


def _remember(name: str) -> Callable[[click.Context, click.Parameter, Any], Any]:
    def keep(context: click.Context, parameter: click.Parameter, value: Any) -> Any:
        if value:
            setattr(session, name, value)
        return value

    return keep


def json_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Decorator: the options that every command has."""
    options = [
        click.option(
            "--json", is_flag=True, expose_value=False, callback=_remember("as_json"),
            help=_("Print one JSON object as the last line of the output."),
        ),
        click.option(
            "--lang", type=click.Choice(["es", "en"]), expose_value=False,
            help=_("Language of all texts; by default that of the system."),
        ),
        click.option(
            "--debug", is_flag=True, expose_value=False, callback=_remember("debug"),
            help=_("On an error, show where in the program it happened."),
        ),
    ]  # fmt: skip
    for option in reversed(options):
        command = option(command)
    return command


def say(text: str = "", **style: Any) -> None:
    """Print a line for people; colours only on a terminal."""
    click.secho(text, **style)
