"""The one text that a command is about: written on the command line, in a file, or read from the standard input."""

from __future__ import annotations

import sys

from neurona.cli import predict_texts
from neurona.cli.shared import complain
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
        return "", _decoded(
            predict_texts._bounded(sys.stdin.buffer.read(predict_texts._LARGEST + 1), _("the standard input"))
        )
    files = predict_texts._files(thing)
    if not files:
        return "", thing
    if len(files) > 1:
        raise DataError(_("{path} holds {count} texts; give one of them.").format(path=thing, count=len(files)))
    with predict_texts._opened(files[0]) as stream:
        return str(files[0]), _decoded(predict_texts._bounded(stream.read(predict_texts._LARGEST + 1), str(files[0])))


def _decoded(raw: bytes) -> str:
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise DataError(_("The text is UTF-16. Save it as UTF-8."))
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        complain(_("Note: {count} of the texts are no UTF-8; they were read as Windows-1252.").format(count=1))
        return raw.decode("cp1252", errors="replace")
