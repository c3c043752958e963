"""``neurona doctor``: what this machine offers to Neurona, and what is missing."""

from __future__ import annotations

import os
import platform
import sys
from importlib import metadata
from typing import Any

import click

from neurona import __version__, datasets, kernels
from neurona.bench.machine import processor
from neurona.cli.shared import json_option, say, session
from neurona.i18n import _, get_language

__all__ = ["make"]

_LIBRARIES = ("numpy", "h5py", "click", "rich", "Pillow", "platformdirs")
_VARIABLES = (
    "NEURONA_DATA",
    "NEURONA_CACHE",
    "NEURONA_RUNS",
    "NEURONA_KERNELS",
    "NEURONA_NUM_THREADS",
    "NEURONA_WINOGRAD",
    "KERAS_HOME",
)


def _version(library: str) -> str | None:
    try:
        return metadata.version(library)
    except metadata.PackageNotFoundError:
        return None


def examine() -> dict[str, Any]:
    """All that the command tells."""
    info = kernels.info()
    return {
        "neurona": __version__,
        "python": platform.python_version(),
        "executable": sys.executable,
        "system": platform.platform(),
        "processor": processor(),
        "cores": os.cpu_count(),
        "language": get_language(),
        "libraries": {name: _version(name) for name in _LIBRARIES},
        "kernels": {**info, "supported": list(info["supported"])},
        "threads": info["threads"],
        "environment": {name: os.environ[name] for name in _VARIABLES if name in os.environ},
        "data": [
            {
                "name": seen.record.name,
                "present": seen.found is not None,
                "folder": str(seen.found.folder) if seen.found else None,
                "sample": seen.sample,
            }
            for seen in datasets.list_datasets()
        ],
    }


def make() -> click.Command:
    """The command."""

    @click.command(
        "doctor",
        short_help=_("Show what this machine offers."),
        help=_(
            "Show versions, processor, compiled kernels, threads and data sets, and what to do about what is missing."
        ),
    )
    @json_option
    def command() -> None:
        found = examine()
        info = found["kernels"]
        say(f"Neurona {found['neurona']}, Python {found['python']}, {found['system']}", bold=True)
        missing = _("missing")
        rows = [
            (_("processor"), _("{name} ({cores} cores)").format(name=found["processor"], cores=found["cores"])),
            (_("libraries"), ", ".join(f"{name} {v or missing}" for name, v in found["libraries"].items())),
        ]
        if info["available"]:
            rows.append((_("kernels"), _("compiled, {isa}, {threads} threads ({compiler})").format(**info)))
        else:
            rows.append((_("kernels"), _("none: NumPy does the work, slower ({why})").format(why=info["why_not"])))
        for name, value in found["environment"].items():
            rows.append((name, value))
        for data in found["data"]:
            if data["present"]:
                text = data["folder"]
            else:
                text = _("not here; get it with: neurona data get {name}").format(name=data["name"])
                if data["sample"]:
                    text += " " + _("(until then the small sample serves)")
            rows.append((data["name"], text))
        width = max(len(name) for name, _text in rows)
        for name, text in rows:
            say(f"  {name:<{width}}  {text}")
        session.finish(found)

    return command
