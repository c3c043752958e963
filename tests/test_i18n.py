"""Every text for people exists in Spanish too, with the same fields."""

from __future__ import annotations

import ast
import re
import string
from pathlib import Path

import pytest

import neurona
from neurona.i18n import _, get_language, set_language

babel_pofile = pytest.importorskip("babel.messages.pofile", reason="Babel compares the catalogue with the sources")

CATALOGUE = Path(neurona.__file__).parent / "locale" / "es" / "LC_MESSAGES" / "neurona.po"


def entries() -> dict[str, str]:
    with open(CATALOGUE, "rb") as stream:
        return {m.id: m.string for m in babel_pofile.read_po(stream) if m.id and isinstance(m.id, str)}


def messages_in_sources() -> set[str]:
    """The constant first arguments of all calls of `_`, those within f-strings included."""
    calls = (
        node
        for path in CATALOGUE.parents[3].rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("_", "N_") and node.args
    )
    return {call.args[0].value for call in calls if isinstance(call.args[0], ast.Constant)}


def fields(text: str) -> set[str]:
    return {name for _lit, name, _spec, _conv in string.Formatter().parse(text) if name}


def test_every_message_has_its_spanish() -> None:
    known = entries()
    missing = sorted(m for m in messages_in_sources() if not known.get(m))
    assert not missing, "run scripts/translations.py and translate:\n" + "\n".join(missing)


def test_translations_keep_the_fields() -> None:
    wrong = [english for english, spanish in entries().items() if fields(english) != fields(spanish)]
    assert not wrong


def test_compiled_catalogue_is_that_of_the_text() -> None:
    set_language("es")
    try:
        stale = [english for english, spanish in entries().items() if _(english) != spanish]
    finally:
        set_language(None)
    assert not stale, "run scripts/translations.py"


@pytest.mark.parametrize(
    ("environment", "expected"),
    [("es_CO.UTF-8", "es"), ("en_US.UTF-8", "en"), ("de_DE.UTF-8", "en"), ("C", "en")],
)
def test_language_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch, environment: str, expected: str) -> None:
    for name in ("LANGUAGE", "LC_ALL", "LC_MESSAGES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LANG", environment)
    set_language(None)
    assert get_language() == expected


def test_spanish_signs_are_complete() -> None:
    """A question or exclamation in Spanish opens with its sign."""
    wrong = [
        s for s in entries().values() if ("?" in s and "¿" not in s) or (re.search(r"!(\s|$)", s) and "¡" not in s)
    ]
    assert not wrong
