"""The language in which Neurona speaks to people: English or Spanish.

Texts for people (command line, reports, lint, worksheets) are written in English and passed through `_`;
their Spanish lives in ``neurona/locale/es/LC_MESSAGES/neurona.po``. The language is asked for with
`set_language`, else taken from the environment the way gettext does it (``LANGUAGE``, ``LC_ALL``,
``LC_MESSAGES``, ``LANG``), else English. The engine's own errors stay in English, as in Keras.
"""

from __future__ import annotations

import gettext
import os
from pathlib import Path

from neurona.errors import UnknownNameError

__all__ = ["LANGUAGES", "N_", "_", "get_language", "ngettext", "set_language"]

LANGUAGES = ("en", "es")
_FOLDER = Path(__file__).parent / "locale"

_language: str | None = None
_catalogues: dict[str, gettext.NullTranslations] = {"en": gettext.NullTranslations()}


def set_language(code: str | None) -> None:
    """Speak `code` ("en" or "es") from now on; ``None`` goes back to the environment's language.

    Raises:
        UnknownNameError: the language is not one of `LANGUAGES`.
    """
    global _language
    if code is not None and code not in LANGUAGES:
        raise UnknownNameError.among("language", code, LANGUAGES)
    _language = code


def get_language() -> str:
    """The code of the language in force.

    >>> set_language("es"); get_language()
    'es'
    >>> set_language(None)
    """
    if _language is not None:
        return _language
    for variable in ("LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG"):
        wanted = os.environ.get(variable)
        if wanted:
            code = wanted.split(":")[0].split("_")[0].split(".")[0].lower()
            return code if code in LANGUAGES else "en"
    return "en"


def _catalogue() -> gettext.NullTranslations:
    code = get_language()
    if code not in _catalogues:
        _catalogues[code] = gettext.translation("neurona", _FOLDER, [code])
    return _catalogues[code]


def N_(text: str) -> str:  # noqa: N802 - gettext's own name for it
    """Mark a text that stands in a table, so that it is found for translation; whoever shows it passes it through `_`."""
    return text


def _(text: str) -> str:
    """`text` in the language in force. Fill its ``{fields}`` afterwards, with `str.format`."""
    return _catalogue().gettext(text)


def ngettext(one: str, many: str, count: int) -> str:
    """The singular or the plural text for `count`, in the language in force."""
    return _catalogue().ngettext(one, many, count)
