"""The recognisers: clothes, digits, objects and film reviews."""

from __future__ import annotations

import difflib
import unicodedata
from collections.abc import Mapping

from neurona.errors import UnknownNameError
from neurona.i18n import _
from neurona.recognisers.clothes import CLOTHES
from neurona.recognisers.digits import DIGITS
from neurona.recognisers.objects import OBJECTS
from neurona.recognisers.recipe import Recipe, Recogniser
from neurona.recognisers.reviews import REVIEWS

__all__ = ["RECOGNISERS", "Recipe", "Recogniser", "find"]

RECOGNISERS: Mapping[str, Recogniser] = {
    recogniser.name: recogniser for recogniser in (CLOTHES, DIGITS, OBJECTS, REVIEWS)
}


def _plain(name: str) -> str:
    """Lower case, without accents."""
    split = unicodedata.normalize("NFKD", name.casefold())
    return "".join(c for c in split if not unicodedata.combining(c)).strip()


def find(name: str) -> Recogniser:
    """The recogniser of this name, in English or Spanish, or that of its data set.

    Raises:
        UnknownNameError: there is none; the nearest name is offered.

    >>> find("Prendas").name
    'clothes'
    """
    known = {_plain(alias): r for r in RECOGNISERS.values() for alias in (r.name, *r.aliases)}
    wanted = _plain(name)
    if wanted in known:
        return known[wanted]
    near = difflib.get_close_matches(wanted, known, n=1)
    hint = " " + _("Did you mean '{name}'?").format(name=near[0]) if near else ""
    raise UnknownNameError(
        _("There is no recogniser '{name}'.").format(name=name)
        + hint
        + " "
        + _("Available: {known}.").format(known=", ".join(sorted(RECOGNISERS)))
    )
