"""``neurona data``: which data sets there are, where they lie, and how to get them."""

from __future__ import annotations

from pathlib import Path

import click

from neurona import datasets
from neurona.cli.shared import json_option, say, session
from neurona.i18n import _, get_language, ngettext

__all__ = ["make"]


def make() -> click.Group:
    """The group of commands."""
    group = click.Group(
        "data",
        short_help=_("List, get and import data sets."),
        help=_("The data sets: which there are, where they lie, how to get them."),
        epilog=_(
            "\b\nExamples:\n"
            "  neurona data list\n"
            "  neurona data get fashion-mnist\n"
            "  neurona data import ~/Downloads/fashion\n"
            "  neurona data import ~/Downloads/cifar-10-binary.tar.gz"
        ),
    )
    json_option(group)
    for command in (_list(), _get(), _import(), _where()):
        group.add_command(command)
    return group


def _list() -> click.Command:
    @click.command("list", help=_("List the data sets, and whether they are on this machine."))
    @json_option
    def command() -> None:
        rows = []
        for seen in datasets.list_datasets():
            record = seen.record
            licence = record.licence.get(get_language(), record.licence["en"])
            if seen.found:
                where = str(seen.found.folder)
            else:
                where = _("not here ({size} MB to download)").format(size=round(record.size / 1e6))
                if seen.sample:
                    where += ", " + _("sample included")
            say(f"{record.name:<16} {where}")
            say(" " * 17 + _("also called: {names}").format(names=", ".join(record.aliases)), dim=True)
            say(" " * 17 + licence, dim=True)
            rows.append(
                {
                    "name": record.name,
                    "aliases": list(record.aliases),
                    "present": seen.found is not None,
                    "folder": str(seen.found.folder) if seen.found else None,
                    "sample": seen.sample,
                    "licence": licence,
                }
            )
        session.finish({"datasets": rows})

    return command


def _get() -> click.Command:
    @click.command("get", help=_("Download a data set, unless it is on this machine already."))
    @click.argument("name")
    @json_option
    def command(name: str) -> None:
        got = datasets.get(name)
        if got.downloaded:
            say(_("{name} was downloaded into {folder}.").format(name=got.name, folder=got.folder))
        else:
            say(_("{name} is here already: {folder}.").format(name=got.name, folder=got.folder))
        session.finish({"name": got.name, "folder": str(got.folder), "downloaded": got.downloaded})

    return command


def _import() -> click.Command:
    @click.command(
        "import",
        help=_(
            "Take over a data set's files that you already have. PATH is the folder with them, or the archive itself; "
            "they are checked and copied."
        ),
    )
    @click.argument("path", type=click.Path(path_type=Path))
    @click.option("--name", help=_("Which data set it is; otherwise the files tell."))
    @json_option
    def command(path: Path, name: str | None) -> None:
        taken = datasets.import_files(name, path)
        text = ngettext(
            "{name}: {count} file checked and copied into {folder}.",
            "{name}: {count} files checked and copied into {folder}.",
            len(taken.files),
        )
        say(text.format(name=taken.name, count=len(taken.files), folder=taken.folder))
        if not taken.official:
            say(_("Their contents differ from what the authors published."), fg="yellow")
        session.finish(
            {
                "name": taken.name,
                "folder": str(taken.folder),
                "files": [f.name for f in taken.files],
                "fingerprint": taken.fingerprint,
                "official": taken.official,
            }
        )

    return command


def _where() -> click.Command:
    @click.command(
        "where",
        short_help=_("Show where data sets are looked for."),
        help=_("Show every folder where data sets are looked for, in order, and what is there."),
    )
    @click.argument("name", required=False)
    @json_option
    def command(name: str | None) -> None:
        states = {
            "complete": _("complete"),
            "incomplete": _("incomplete"),
            "absent": _("nothing"),
            "damaged": _("damaged"),
        }
        rows = []
        for seen in [datasets.where(name)] if name else datasets.list_datasets():
            say(seen.record.name, bold=True)
            for place in seen.places:
                mark = "*" if place is seen.found else " "
                problem = f" ({place.problem})" if place.problem else ""
                say(f" {mark} {states[place.state]:<12} {place.folder}{problem}")
            rows.append(
                {
                    "name": seen.record.name,
                    "found": str(seen.found.folder) if seen.found else None,
                    "places": [{"kind": p.kind, "folder": str(p.folder), "state": p.state} for p in seen.places],
                }
            )
        session.finish({"datasets": rows})

    return command
