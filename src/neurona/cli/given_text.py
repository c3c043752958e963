"""The one text that a command is about: written on the command line, in a file, or read from the standard input."""

from __future__ import annotations

import sys

from neurona.cli.text_input import files_of, note_recoded, opened, whole
from neurona.errors import DataError
from neurona.i18n import _

__all__ = ["given_text"]


def given_text(thing: str) -> tuple[str, str]:
    """The name of its file (empty where there is none) and the text.

    Args:
        thing: a text, a text file, or "-" for the standard input.

    Raises:
        DataError: a file that cannot be read, a folder of several files, UTF-16, or more than fits a single text.
    """
    if thing == "-":
        name = ""
        text, recoded = whole(sys.stdin.buffer, _("the standard input"))
    else:
        files = files_of(thing)
        if not files:
            return "", thing
        if len(files) > 1:
            raise DataError(_("{path} holds {count} texts; give one of them.").format(path=thing, count=len(files)))
        name = str(files[0])
        with opened(files[0]) as stream:
            text, recoded = whole(stream, name)
    note_recoded(int(recoded))
    return name, text
