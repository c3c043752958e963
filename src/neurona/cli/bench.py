"""``neurona bench``: Neurona beside TensorFlow, JAX and PyTorch, on this machine, in one run."""

from __future__ import annotations

import datetime
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from neurona.bench.lines import LINES, Bench
from neurona.bench.machine import describe
from neurona.bench.page import write_page
from neurona.bench.peers import ENGINES, environments
from neurona.bench.results import Results
from neurona.bench.worker.networks import NETWORKS
from neurona.cli.shared import complain, json_option, say, session
from neurona.errors import ArgumentError
from neurona.i18n import _

__all__ = ["make"]

_PEERS = [name for name in ENGINES if name != "neurona"]


def make() -> click.Command:
    """The command."""

    @click.command(
        "bench",
        short_help=_("Time Neurona beside TensorFlow, JAX and PyTorch."),
        help=_(
            "Time Neurona beside TensorFlow, JAX and PyTorch on this machine: the same networks, batches and first weights, "
            "each by its ordinary training interface, in turn, in one run. Each gets an environment of its own, made by pip "
            "at the first run and kept (about 2.5 GB in all). Close other programs first.\n\n"
            "LINES are what to measure, all unless told: step (a training step), apply (predictions), start (import, first "
            "step), size (what is installed), until (time to an accuracy), growth (our step as sizes grow). Written are "
            "bench.json, bench.md and one picture for each line."
        ),
        epilog=_(
            "\b\nExamples:\n"
            "  neurona bench step --network mnist-cnn --rounds 3\n"
            "  neurona bench --peer torch\n"
            "  neurona bench step --python torch=/path/to/python"
        ),
    )
    @click.argument("lines", nargs=-1, type=click.Choice(list(LINES)))
    @click.option(
        "--peer",
        "peers",
        multiple=True,
        type=click.Choice([*_PEERS, "none"]),
        help=_("Whom to compare with; all unless told."),
    )
    @click.option(
        "--network",
        "networks",
        multiple=True,
        type=click.Choice(list(NETWORKS)),
        help=_("Which networks; all unless told."),
    )
    @click.option("--rounds", type=click.IntRange(1, 100), default=5, help=_("Turns of each; 5 unless told."))
    @click.option("--threads", type=click.IntRange(1, 256), default=2, help=_("Threads of each; 2 unless told."))
    @click.option(
        "--python",
        "pythons",
        multiple=True,
        metavar="PEER=PATH",
        help=_("Take this interpreter, where the peer is installed, instead of making an environment."),
    )
    @click.option(
        "--out", type=click.Path(path_type=Path, file_okay=False), default=Path("bench"),
        help=_("Folder for the results; bench unless told."),
    )  # fmt: skip
    @json_option
    def command(
        lines: tuple[str, ...], peers: tuple[str, ...], networks: tuple[str, ...], rounds: int, threads: int,
        pythons: tuple[str, ...], out: Path,
    ) -> None:  # fmt: skip
        chosen = [name for name in _PEERS if name in peers] if peers else _PEERS
        found = environments(["neurona", *chosen], dict(_given(text) for text in pythons), complain)
        out.mkdir(parents=True, exist_ok=True)
        results = Results(describe(), datetime.date.today().isoformat(), threads, rounds)
        if (results.machine["load_before"] or 0) > 0.5:
            complain(
                _("Other programs are busy on this machine (load {load:.1f}): the figures will vary.").format(
                    load=results.machine["load_before"]
                )
            )
        bench = Bench(found, results, list(networks) or list(NETWORKS), keep=lambda: _keep(results, out), say=complain)
        for line in lines or LINES:
            LINES[line](bench)
        pages = write_page(results, out)
        _show(results)
        say(_("Results: {path}").format(path=pages))
        session.finish({"results": str(out / "bench.json"), "page": str(pages), "ratios": _ratios(results)})

    return command


def _keep(results: Results, out: Path) -> None:
    results.save(out / "bench.json")


def _given(text: str) -> tuple[str, Path]:
    """PEER=PATH in two."""
    name, sign, path = text.partition("=")
    if name not in _PEERS or not sign or not Path(path).is_file():
        raise ArgumentError(
            _("--python expects PEER=PATH, a peer of {peers} and its interpreter. Received: {text}").format(
                peers=", ".join(_PEERS), text=text
            )
        )
    return name, Path(path).absolute()


def _show(results: Results) -> None:
    console = Console(highlight=False)
    for line in results.lines():
        head, *rows = results.table(line)
        table = Table(*head, box=None, header_style="bold", pad_edge=False)
        for row in rows:
            table.add_row(*row)
        console.print(table)
        console.print()


def _ratios(results: Results) -> dict[str, dict[str, float | None]]:
    return {line: {s: results.ratio(line, s) for s in results.subjects(line)} for line in results.lines()}
