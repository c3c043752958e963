"""``neurona bench``: Neurona beside TensorFlow, JAX and PyTorch, on this machine, in one run."""

from __future__ import annotations

import datetime
import sys
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
            "Time Neurona beside TensorFlow, Keras on JAX, and PyTorch on this machine: the same networks, batches and first "
            "weights, each by its ordinary training interface, in turn, in one run. Each gets an environment of its own, made by "
            "pip at the first run and kept (about 2.5 GB in all; for PyTorch's build without graphics cards, "
            "PIP_EXTRA_INDEX_URL must name its index). Close other programs first.\n\n"
            "LINES are what to measure, all unless told: step (a training step), apply (predictions), start (import, first "
            "step), size (what is installed), until (time to an accuracy), growth (our step as sizes grow). Written into a new "
            "folder are bench.json, bench.md and one picture for each line. The exit status is 1 if an engine failed."
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
        help=_("Where the folder of this run is made; bench unless told."),
    )  # fmt: skip
    @json_option
    def command(
        lines: tuple[str, ...], peers: tuple[str, ...], networks: tuple[str, ...], rounds: int, threads: int,
        pythons: tuple[str, ...], out: Path,
    ) -> None:  # fmt: skip
        if "none" in peers and len(peers) > 1:
            raise ArgumentError(_("--peer none goes with no other peer."))
        chosen = [name for name in _PEERS if name in peers] if peers else _PEERS
        given = dict(_given(text) for text in pythons)
        for name in given:
            if name not in chosen:
                raise ArgumentError(_("--python {name}=... goes with --peer {name}.").format(name=name))
        now = datetime.datetime.now()
        folder = out / now.strftime("%Y-%m-%d-%H%M%S")
        folder.mkdir(parents=True)
        results = Results(describe(threads), now.date().isoformat(), threads, rounds)
        _warn_of(results)
        bench = Bench(
            environments(["neurona", *chosen], given, complain), results, list(networks) or list(NETWORKS),
            keep=lambda: _keep(results, folder), say=complain,
        )  # fmt: skip
        try:
            for line in lines or LINES:
                LINES[line](bench)
        finally:  # what there is by now is kept, also after Ctrl-C
            _keep(results, folder)
            page = write_page(results, folder)
            complain(_("Results: {path}").format(path=page))
        _show(results)
        for text in results.failures:
            say(text, fg="red")
        session.finish({"results": str(folder / "bench.json"), "page": str(page), "ratios": _ratios(results)})
        if results.failures:
            sys.exit(1)

    return command


def _keep(results: Results, out: Path) -> None:
    results.save(out / "bench.json")


def _warn_of(results: Results) -> None:
    """Tell what will make the figures vary."""
    load, cores = results.machine["load_before"], results.machine["cores"] or 1
    if (load or 0) > 0.5:
        complain(
            _("Other programs are busy on this machine (load {load:.1f}): the figures will vary.").format(load=load)
        )
    if results.threads > cores:
        complain(
            _("This machine has {cores} cores for {threads} threads.").format(cores=cores, threads=results.threads)
        )


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
