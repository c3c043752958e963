"""Bring the Spanish catalogue up to date: collect the messages, keep what is translated, compile.

Run it after adding or changing a text in `_("...")`; it lists what still has to be translated. Needs Babel.
"""

from __future__ import annotations

import sys
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

PACKAGE = Path(__file__).parent.parent / "src" / "neurona"
SPANISH = PACKAGE / "locale" / "es" / "LC_MESSAGES" / "neurona.po"

# click's own words; it asks the catalogue of the program that uses it.
CLICK = (
    "Usage:", "Options", "Commands", "Arguments", "Error: {message}", "Show this message and exit.", "default: {default}",
    "No such option {name!r}.", "Missing command.", "Option {name!r} does not take a value.",
    "Try '{command} {option}' for help.", "No such command {name!r}.", "No such option: {name}", "Missing argument",
    "Missing option", "Missing parameter", "Invalid value: {message}", "Invalid value for {param_hint}: {message}",
    "Option {name!r} requires an argument.", "Got unexpected extra argument ({args})", "required",
    "{value!r} is not a valid {number_type}.", "integer", "{value} is not in the range {range}.", "Did you mean {possibility}?",
    "{value!r} is not one of {choices}.",
)  # fmt: skip


def collect() -> Catalog:
    """The messages in the sources, in their order, merged with the translations that exist."""
    template = Catalog(project="neurona", charset="utf-8")
    for filename, line, message, _comments, _context in extract_from_dir(
        str(PACKAGE), method_map=[("**.py", "python")], keywords={"_": None, "N_": None, "ngettext": (1, 2)}
    ):
        template.add(message, locations=[(filename, line)])
    for word in CLICK:
        template.add(word, locations=[("click", 0)])
    with open(SPANISH, "rb") as stream:
        catalogue = read_po(stream, locale="es", domain="neurona")
    catalogue.update(template, no_fuzzy_matching=True)
    catalogue.obsolete.clear()
    return catalogue


def main() -> int:
    """Write the catalogue and its compiled form; 1 if a text lacks its Spanish."""
    catalogue = collect()
    missing = [m for m in catalogue if m.id and (not m.string or (m.pluralizable and not all(m.string)))]
    with open(SPANISH, "wb") as stream:
        write_po(stream, catalogue, width=110, sort_by_file=True, omit_header=False, include_lineno=False)
    with open(SPANISH.with_suffix(".mo"), "wb") as stream:
        write_mo(stream, catalogue)
    for message in missing:
        print(f"not translated: {message.id!r}")
    print(f"{len(catalogue)} messages, {len(missing)} not translated")
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
