"""``neurona run``: execute a program written for Keras, with Keras and TensorFlow answered by neurona."""

from __future__ import annotations

import signal
import threading
from collections.abc import Sequence
from pathlib import Path

import click

from neurona.cli.shared import complain, json_option, session
from neurona.i18n import _
from neurona.programs import run_program

__all__ = ["make", "own_part"]


def make() -> click.Command:
    """The command ``run``."""

    @click.command(
        "run",
        short_help=_("Execute a Keras program or notebook."),
        help=_(
            "Execute a program or notebook written for Keras, unchanged: `keras`, `tensorflow.keras` and the parts of "
            "`tensorflow` that such programs touch are answered by neurona. Everything after PROGRAM is its own.\n\n"
            "Answered: Keras 3 with its older names; tf's tensors, mathematics, GradientTape, tf.data, tf.image, tf.strings, "
            "tf.random, tf.nn. Of a notebook the cells are executed in order; what is not Python is left out, and told.\n\n"
            "Not answered: trained networks (keras.applications, tensorflow_hub), graphs and sessions of TensorFlow 1, "
            "tf.distribute, sparse tensors, TFRecord files, tf.signal. Where a program asks for such a thing, a message "
            "names it, the line, and what there is instead.\n\n"
            "The exit status is the program's; 3 when it asks for something that neurona does not have."
        ),
        epilog=_("\b\nExamples:\n  neurona run mnist_convnet.py --epochs 3\n  neurona run classification.ipynb"),
        context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False},
    )
    @click.argument("program", type=click.Path(path_type=Path))
    @click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
    @json_option
    def command(program: Path, arguments: tuple[str, ...]) -> int:
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, signal.SIG_DFL)  # it is the program's to decide
        status = run_program(program, arguments, debug=session.debug, tell=complain)
        session.finish({"program": str(program), "status": status})
        return status

    return command


def own_part(arguments: Sequence[str]) -> Sequence[str]:
    """The arguments that are neurona's: of ``run`` only those up to the program.

    >>> own_part(["--lang", "es", "run", "--debug", "a.py", "--lang", "fr"])
    ['--lang', 'es', 'run', '--debug', 'a.py']
    >>> own_part(["train", "clothes", "--json"])
    ['train', 'clothes', '--json']
    """
    seen_run = False
    value_follows = False
    for place, argument in enumerate(arguments):
        if value_follows or argument.startswith("-"):
            value_follows = argument == "--lang" and not value_follows
        elif not seen_run:
            if argument != "run":
                return arguments
            seen_run = True
        else:
            return arguments[: place + 1]
    return arguments
