"""A run of the benchmark as a page of Markdown with pictures."""

from __future__ import annotations

from pathlib import Path

from neurona.bench.peers import ENGINES
from neurona.bench.plot import draw
from neurona.bench.results import Results, in_markdown
from neurona.bench.worker.networks import GROWTH, NETWORKS, named, operations
from neurona.i18n import _
from neurona.saving.atomic import atomic_file

__all__ = ["write_page"]


def write_page(results: Results, folder: Path) -> Path:
    """Write bench.md and a picture for each line where there are peers; returns the page."""
    parts = [_("# Neurona beside its peers"), _about(results)]
    for line in results.lines():
        parts.append(f"## {_titles().get(line, line)}")
        if line == "growth":
            parts.append(in_markdown(_growth(results)))
            continue
        parts.append(in_markdown(results.table(line)))
        if line == "step":
            parts.append(in_markdown(_speeds(results)))
        if any(results.ratio(line, subject) is not None for subject in results.subjects(line)):
            name = f"bench-{line.replace(' ', '-')}.png"
            draw(results, line, folder / name)
            parts.append(f"![{_titles().get(line, line)}]({name})")
    if results.failures:
        parts += ["## " + _("What failed"), "\n".join("- " + text.replace("\n", " ") for text in results.failures)]
    path = folder / "bench.md"
    with atomic_file(path) as stream:
        stream.write(("\n\n".join(parts) + "\n").encode())
    return path


def _titles() -> dict[str, str]:
    return {
        "step": _("One step of training"),
        "memory": _("The most memory of a process that trains"),
        "predict": _("predict, for 1 and 256 samples"),
        "call": _("The fastest call of the forward pass, for 1 and 256 samples"),
        "import": _("Import"),
        "first step": _("From the call of fit to the end of its first step"),
        "start to first step": _("From the start of the process to the end of the first step"),
        "size": _("Installed size"),
        "until": _("From the start of the process until an accuracy on the test set"),
        "growth": _("Our step, as sizes grow"),
    }


def _about(results: Results) -> str:
    machine = results.machine
    versions = ", ".join(
        f"{ENGINES[name].title} {version}" for name, version in results.versions.items() if name in ENGINES
    )
    return _(
        "{date}. {processor}, {cores} cores, kernels {kernels}, fastest product {gflops:.0f} GFLOP/s; {system}; Python "
        "{python}, NumPy {numpy}; {versions}. {threads} threads, float32. Medians of {rounds} rounds in which each engine "
        "had one turn after the other (least to most in brackets); of each engine its fastest variant. `ratio` is how many "
        "times as long as Neurona the fastest of the others takes, `goal` what we aim at. GFLOP are those of plain sums: "
        "Winograd's convolution needs fewer, so its share may pass 100 %."
    ).format(
        **{**machine, "kernels": machine.get("kernels") or _("none")}, date=results.date, versions=versions,
        threads=results.threads, rounds=results.rounds,
    )  # fmt: skip


def _speeds(results: Results) -> list[list[str]]:
    """What a step computes, how fast, and as a share of the machine's fastest product."""
    rows = [[_("network"), _("GFLOP a step"), "GFLOP/s", _("share of the fastest product"), _("fastest variants")]]
    for name in results.subjects("step"):
        ours = results.best("step", name, "neurona")
        if ours is None or name not in NETWORKS:
            continue
        work = operations(named(name)) / 1e9
        speed = work / (ours.median / 1000)
        found = [(ENGINES[e].title, results.best("step", name, e)) for e in ENGINES if e != "neurona"]
        ways = ", ".join(f"{title}: {one.way}" for title, one in found if one is not None)
        rows.append([name, f"{work:.3g}", f"{speed:.0f}", f"{speed / results.machine['gflops']:.0%}", ways])
    return rows


def _growth(results: Results) -> list[list[str]]:
    """Time and work at once, twice and four times the size, as multiples of the first."""
    rows = [[_("what grows"), _("ms"), _("time, as multiples"), _("products, as multiples")]]
    for what, sizes in GROWTH.items():
        names = [f"{what} / {factor}" for factor in sizes]
        found = [one for one in (results.best("growth", name, "neurona") for name in names) if one is not None]
        if len(found) < len(names):
            continue
        work = [operations(named(name)) for name in names]
        times = [one.median for one in found]
        rows.append(
            [
                what,
                ", ".join(f"{time:.3g}" for time in times),
                ", ".join(f"{time / times[0]:.2f}" for time in times),
                ", ".join(f"{one / work[0]:.2f}" for one in work),
            ]
        )
    return rows
