"""The command line: ``neurona train | evaluate | predict | doctor | data``.

The language is settled before the commands are made, because their help is text for people too.
"""

from __future__ import annotations

import gettext
import io
import os
import signal
import sys
import threading
import traceback
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

import click

from neurona import __version__
from neurona.cli import apply, bench, data, doctor, parity, run, show, train
from neurona.cli.shared import complain, json_option, session, tell_json
from neurona.errors import NeuronaError
from neurona.i18n import LANGUAGES, _, get_language, set_language
from neurona.saving.atomic import reason
from neurona.training.checkpoint import Interrupted

__all__ = ["main", "make_cli"]

_LOCALE = Path(__file__).parent.parent / "locale"


def make_cli() -> click.Group:
    """The whole command line, in the language in force."""
    group = click.Group(
        "neurona",
        help=_(
            "Train, judge and apply small neural networks on an ordinary computer.\n\n"
            "Begin with:  neurona train clothes"
        ),
        epilog=_("`neurona COMMAND --help` explains a command and shows examples."),
        context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    )
    click.version_option(__version__, "--version", prog_name="neurona", help=_("Show the version."))(group)
    json_option(group)
    for command in (
        train.make(),
        apply.make_evaluate(),
        apply.make_predict(),
        show.make(),
        doctor.make(),
        data.make(),
        run.make(),
        parity.make(),
        bench.make(),
    ):
        group.add_command(command)
    return group


def _language_in(arguments: Sequence[str]) -> str | None:
    """The value of --lang, wherever it stands."""
    for i, argument in enumerate(arguments):
        if argument.startswith("--lang="):
            return argument.removeprefix("--lang=")
        if argument == "--lang" and i + 1 < len(arguments):
            return arguments[i + 1]
    return None


def _teach_click() -> None:
    """Let click's own words ("Usage", "Error") come from our catalogue too."""
    os.environ["LANGUAGE"] = get_language()
    gettext.bindtextdomain("neurona", str(_LOCALE))
    gettext.textdomain("neurona")


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command and leave with its exit status.

    0 all is well, 1 an error that is told, 2 a wrong call, 130 stopped by Ctrl-C, 143 by SIGTERM.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    own = run.own_part(given)
    wanted = _language_in(own)
    set_language(wanted if wanted in LANGUAGES else None)
    _teach_click()
    session.as_json, session.debug, session.facts = "--json" in own, "--debug" in own, {}
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a terminal without some letter is no reason to stop
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, _on_terminate)
    try:
        status = make_cli().main(args=given, prog_name="neurona", standalone_mode=False)
        sys.exit(status if isinstance(status, int) else 0)
    except click.exceptions.Exit as stop:
        sys.exit(stop.exit_code)
    except click.ClickException as error:
        if session.as_json:
            tell_json({"error": error.format_message(), "kind": type(error).__name__})
        error.show()
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        _tell(Interrupted(signal.SIGINT), session.debug)
        sys.exit(130)
    except BrokenPipeError:  # the reader of our output went away (`| head`): nothing is left to say
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(141)
    except (NeuronaError, OSError, MemoryError) as error:
        _tell(error, session.debug)
        sys.exit(_status(error))
    except Exception as error:  # a fault of ours: say so, without a wall of text
        complain(_("This is a fault of Neurona; --debug shows where it happened."))
        _tell(error, session.debug)
        sys.exit(1)


def _on_terminate(number: int, frame: FrameType | None) -> None:
    raise Interrupted(number)


def _status(error: BaseException) -> int:
    number = getattr(error, "signal", None)
    return 1 if number is None else 128 + int(number)


def _tell(error: BaseException, debug: bool) -> None:
    if debug:
        traceback.print_exception(error)
    text = str(error) or type(error).__name__
    if isinstance(error, OSError) and not isinstance(error, NeuronaError):
        where = f"{error.filename}: " if error.filename else ""
        text = where + reason(error)
    complain(text if isinstance(error, Interrupted) else _("Error: {text}").format(text=text))
    if session.as_json:
        tell_json({"error": text, "kind": type(error).__name__, **session.facts})
