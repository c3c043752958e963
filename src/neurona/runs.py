"""The Run folder: everything that a training left behind, and the only thing that what comes after it reads.

    run.json       what was run: recogniser, recipe, settings, seed, versions, data, status
    history.csv    loss and metrics, epoch by epoch
    metrics.json   the judgement on the test set
    model.keras    the trained model
    plots/*.png    figures                report.html    one page with all of it
    checkpoint/    the state of a training that is not finished
    vocabulary.txt the words that a network of texts knows, one a line

`run.json` carries a format number and is always replaced whole, so a reader never sees half of it.
"""

from __future__ import annotations

import csv
import io
import json
import os
import platform
import time
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import Any

from neurona import __version__, kernels, saving
from neurona.errors import RunError, SavingError
from neurona.i18n import LANGUAGES, _
from neurona.saving.atomic import atomic_file, reason

__all__ = ["FORMAT", "Run", "taken", "versions", "write_json"]

#: Raised when a reader of today could not understand what is written tomorrow.
FORMAT = 1

_INFO, _HISTORY, _METRICS, _MODEL = "run.json", "history.csv", "metrics.json", "model.keras"
# No run of ours writes a JSON file of a hundredth of this size.
_LARGEST = 64 << 20


def _texts(*names: str) -> Callable[[Any], bool]:
    return lambda v: isinstance(v, dict) and all(isinstance(v.get(name), str) for name in names)


def _whole(least: int) -> Callable[[Any], bool]:
    return lambda v: isinstance(v, int) and v >= least


def _classes(v: Any) -> bool:
    lists = [v.get(language) for language in LANGUAGES] if isinstance(v, dict) else []
    return bool(lists) and all(isinstance(x, list) and all(isinstance(name, str) for name in x) for x in lists)


# What run.json must hold for a reader to go on.
_ENTRIES: dict[str, Callable[[Any], bool]] = {
    "recogniser": lambda v: isinstance(v, str),
    "recipe": lambda v: isinstance(v, str),
    "status": lambda v: isinstance(v, str),
    "seed": _whole(0),
    "epochs": _whole(1),
    "batch_size": _whole(1),
    "validation": lambda v: (isinstance(v, int) and v >= 0) or (isinstance(v, float) and 0 < v < 1),
    "data": _texts("name", "kind", "origin", "fingerprint"),
    "classes": _classes,
    "versions": lambda v: isinstance(v, dict),
}


def versions() -> dict[str, Any]:
    """What computed: versions, processor, kernels, threads."""
    info = kernels.info()
    return {
        "neurona": __version__,
        "numpy": metadata.version("numpy"),
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "kernels": info["isa"] if info["available"] else None,
        "threads": info["threads"],
    }


def write_json(path: Path, content: Any) -> None:
    """Replace a JSON file as a whole."""
    with atomic_file(path) as stream:
        # a file name that is no UTF-8 reaches Python as lone surrogates, which JSON can only escape
        stream.write((json.dumps(content, indent=2, ensure_ascii=False) + "\n").encode("utf-8", "backslashreplace"))


class Run:
    """One Run folder. Make a new one with `create`, open an existing one with `open`.

    Attributes:
        path: the folder.
        info: the contents of run.json.
    """

    def __init__(self, path: Path, info: dict[str, Any]) -> None:
        self.path, self.info = path, info

    @classmethod
    def create(cls, path: Path | None, recogniser: str, **info: Any) -> Run:
        """A new folder; by default ``runs/<recogniser>-<date>-<time>`` below the working folder.

        Raises:
            RunError: it exists and is not empty, or cannot be made.
        """
        if path is None:
            path = _free(
                Path(os.environ.get("NEURONA_RUNS", "runs")) / f"{recogniser}-{time.strftime('%Y%m%d-%H%M%S')}"
            )
        try:
            made = _make(path)
        except FileExistsError:
            raise taken(path) from None
        except OSError as error:
            raise RunError(
                _("Cannot make the run folder {path}: {why}.").format(path=path, why=reason(error))
            ) from error
        created = time.strftime("%Y-%m-%dT%H:%M:%S%z")
        run = cls(path, {"format": FORMAT, "recogniser": recogniser, "status": "running", "created": created, **info})
        try:
            run.update()
        except SavingError:
            for folder in reversed(made):
                folder.rmdir()
            raise
        return run

    @classmethod
    def open(cls, path: Path | str, *, trained: bool = False) -> Run:
        """An existing run; "latest" is the newest below the folder ``runs``.

        Args:
            path: the run folder.
            trained: "latest" passes over runs that hold no model yet.

        Raises:
            RunError: no such folder, no run in it, a damaged one, or one of a newer Neurona.
        """
        path = Path(path)
        if str(path) == "latest" and not path.exists():
            path = _latest(trained)
        if not path.is_dir():
            known = _known_runs()
            hint = (
                _("Known runs: {runs}.").format(runs=", ".join(map(str, known[:5])))
                if known
                else _("Train one first: neurona train clothes")
            )
            raise RunError(_("There is no run folder {path}.").format(path=path) + " " + hint)
        if not (path / _INFO).exists():
            raise RunError(_("{path} is not a run folder: it holds no {file}.").format(path=path, file=_INFO))
        info = _read_json(path, _INFO)
        if not isinstance(info.get("format"), int):
            raise _damaged(path, _INFO, _("it has no format number"))
        if info["format"] > FORMAT:
            raise RunError(
                _("The run {path} was written by a newer Neurona (format {found}, this one reads {known}).").format(
                    path=path, found=info["format"], known=FORMAT
                )
            )
        wrong = [name for name, fits in _ENTRIES.items() if not fits(info.get(name))]
        if wrong:
            raise _damaged(path, _INFO, _("missing or wrong: {names}").format(names=", ".join(wrong)))
        return cls(path, info)

    def update(self, **info: Any) -> None:
        """Change entries of run.json."""
        self.info.update(info)
        write_json(self.path / _INFO, self.info)

    @property
    def status(self) -> str:
        """ "running", "interrupted", "failed" or "complete"."""
        return str(self.info.get("status", "running"))

    @property
    def model_path(self) -> Path:
        return self.path / _MODEL

    @property
    def checkpoint_path(self) -> Path:
        return self.path / "checkpoint"

    @property
    def report_path(self) -> Path:
        return self.path / "report.html"

    @property
    def plots_path(self) -> Path:
        return self.path / "plots"

    def load_model(self) -> Any:
        """The trained model.

        Raises:
            RunError: the run has none yet.
        """
        if not self.model_path.is_file():
            raise RunError(
                _("The run {path} has lost its model: {file} is missing. Train it anew.").format(
                    path=self.path, file=self.model_path.name
                )
                if self.status == "complete"
                else _(
                    "The run {path} holds no model yet (its status: {status}). Finish it: neurona train --resume {path}"
                ).format(path=self.path, status=_in_words(self.status))
            )
        return saving.load_model(self.model_path)

    def write_history(self, history: dict[str, list[float]]) -> None:
        """Write the metrics epoch by epoch as CSV, epochs counted from 1."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(["epoch", *history])
        for i, row in enumerate(zip(*history.values(), strict=True), 1):
            writer.writerow([i, *row])
        with atomic_file(self.path / _HISTORY) as stream:
            stream.write(text.getvalue().encode())

    def read_history(self) -> dict[str, list[float]]:
        """The metrics epoch by epoch; empty before the first epoch is done."""
        path = self.path / _HISTORY
        if not path.is_file():
            return {}
        try:
            with open(path, encoding="utf-8", newline="") as stream:
                rows = list(csv.DictReader(stream, strict=True))
            return {name: [float(row[name]) for row in rows] for name in (rows[0] if rows else {}) if name != "epoch"}
        except (ValueError, TypeError, KeyError, OSError, csv.Error) as error:
            raise _damaged(self.path, _HISTORY, error) from error

    def write_metrics(self, metrics: dict[str, Any]) -> None:
        """Write the judgement on the test set."""
        write_json(self.path / _METRICS, metrics)

    def read_metrics(self) -> dict[str, Any]:
        """The judgement on the test set; empty before it was made."""
        return _read_json(self.path, _METRICS) if (self.path / _METRICS).is_file() else {}


def _in_words(status: str) -> str:
    words = {"running": _("running"), "interrupted": _("interrupted"), "failed": _("failed")}
    return words.get(status, status)


def _make(path: Path) -> list[Path]:
    """Make a folder and those above it that are missing; those made, the outermost first.

    Raises:
        FileExistsError: it is there and not empty, or is no folder.
        OSError: it cannot be made.
    """
    made: list[Path] = []
    for folder in reversed([p for p in (path, *path.parents) if not p.exists()]):
        folder.mkdir(exist_ok=True)
        made.append(folder)
    if not path.is_dir() or any(path.iterdir()):
        raise FileExistsError
    return made


def _damaged(path: Path, file: str, why: object) -> RunError:
    text = _("The run {path} is damaged: {file} cannot be read ({why}).")
    return RunError(text.format(path=path, file=file, why=why))


def _read_json(path: Path, file: str) -> dict[str, Any]:
    """The object in one of a run's JSON files."""
    try:
        if (path / file).stat().st_size > _LARGEST:
            raise ValueError(_("it is too large"))
        found = json.loads((path / file).read_text("utf-8"))
        if not isinstance(found, dict):
            raise ValueError(_("it holds no JSON object"))
    except OSError as error:
        raise _damaged(path, file, reason(error)) from error
    except (ValueError, RecursionError) as error:
        raise _damaged(path, file, error) from error
    return found


def _free(path: Path) -> Path:
    """`path`, or with -2, -3, ... where it is taken."""
    candidate, count = path, 1
    while candidate.exists():
        count += 1
        candidate = path.with_name(f"{path.name}-{count}")
    return candidate


def _known_runs() -> list[Path]:
    """The runs below the working folder, the newest first."""
    folder = Path(os.environ.get("NEURONA_RUNS", "runs"))
    found = [info.parent for info in folder.glob(f"*/{_INFO}")] if folder.is_dir() else []
    return sorted(found, key=lambda run: (run / _INFO).stat().st_mtime, reverse=True)


def _latest(trained: bool) -> Path:
    known = _known_runs()
    if not known:
        raise RunError(_("There is no run yet. Train one first: neurona train clothes"))
    usable = [run for run in known if (run / _MODEL).is_file()] if trained else known
    return (usable or known)[0]


def taken(path: Path) -> RunError:
    """The error for a run folder that exists already."""
    return RunError(
        _(
            "The run folder {path} exists already. Choose another with --run, or go on with an interrupted "
            "run with --resume {path}."
        ).format(path=path)
    )
