"""The engines that are compared, each in an environment of its own."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import Distribution, distributions
from pathlib import Path

import platformdirs

from neurona.errors import BenchmarkError, MissingPackageError
from neurona.i18n import _

__all__ = ["ENGINES", "Engine", "environments", "installed_size"]


@dataclass(frozen=True)
class Engine:
    """An engine of the benchmark.

    Attributes:
        title: as people write it.
        packages: what pip installs for it.
        settings: its variants in training; the fastest of them on a network counts. Those with "last" in their name run on
            pictures alone, for they differ in where the channels lie.
        applying: its variants in applying.
        main: the package whose requirements are its installed size.
    """

    title: str
    packages: tuple[str, ...]
    settings: tuple[str, ...]
    applying: tuple[str, ...] = ("",)
    main: str = ""


ENGINES: dict[str, Engine] = {
    "neurona": Engine("Neurona", (), ("fit",), main="neurona"),
    "tensorflow": Engine(
        "TensorFlow", ("tensorflow-cpu==2.21.*", "keras==3.15.*"),
        ("plain", "xla", "plain+by-10", "xla+by-10"), main="tensorflow-cpu",
    ),
    "jax": Engine("Keras on JAX", ("jax", "keras==3.15.*"), ("fit", "by-10"), main="jax"),
    "torch": Engine(
        "PyTorch", ("torch==2.13.0", "numpy"), ("eager", "compile", "last", "last+compile"),
        applying=("", "compile", "last", "last+compile"), main="torch",
    ),
}  # fmt: skip

_HERE = Path(__file__).parent.parent
_WITH_IT = {"jax": ("keras",), "tensorflow": ("keras",)}  # what its training interface needs besides


def environments(
    names: list[str], given: Mapping[str, Path], say: Callable[[str], None] = lambda text: None
) -> dict[str, Path]:
    """The interpreter of each engine: ours, the one that was `given`, or that of an environment made now and kept.

    Raises:
        BenchmarkError: an environment could not be made; the message has pip's last lines.
    """
    found = {}
    for name in names:
        if name == "neurona":
            found[name] = Path(sys.executable)
        elif name in given:
            found[name] = given[name]
        else:
            found[name] = _environment(name, say)
    return found


def _environment(name: str, say: Callable[[str], None]) -> Path:
    folder = Path(platformdirs.user_cache_dir("neurona")) / "bench" / name
    python = folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    wanted = {"packages": list(ENGINES[name].packages), "python": sys.version}
    note = folder / "ready.json"  # written last: an environment without it was left half-made
    if note.is_file() and json.loads(note.read_text(encoding="utf-8")) == wanted:
        return python
    say(_("Installing {name} into {folder}").format(name=ENGINES[name].title, folder=folder))
    venv.create(folder, clear=True, with_pip=True)
    command = [str(python), "-m", "pip", "install", "--quiet", *ENGINES[name].packages]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise BenchmarkError(
            _("{name} could not be installed. Received from pip:\n{text}").format(
                name=ENGINES[name].title, text="\n".join(done.stderr.strip().splitlines()[-8:])
            )
        )
    note.write_text(json.dumps(wanted), encoding="utf-8")
    return python


def installed_size(name: str, python: Path) -> tuple[float, str]:
    """Megabytes that an engine and all that it requires take on the disk, without what Python compiles; and its version.

    Raises:
        MissingPackageError: the engine is not installed in that environment.
    """
    code = "import sysconfig; print(sysconfig.get_path('purelib')); print(sysconfig.get_path('platlib'))"
    if python == Path(sys.executable):
        places = [sysconfig.get_path("purelib"), sysconfig.get_path("platlib")]
    else:
        told = subprocess.run([str(python), "-c", code], capture_output=True, text=True, check=True)
        places = told.stdout.split()
    known = {_normal(one.metadata["Name"]): one for one in distributions(path=sorted(set(places)))}
    engine = ENGINES[name]
    waiting, seen = [engine.main, *_WITH_IT.get(name, ())], set[str]()
    while waiting:
        package = _normal(waiting.pop())
        if package in seen or package not in known:
            continue
        seen.add(package)
        waiting += _required(known[package])
    if _normal(engine.main) not in seen:
        raise MissingPackageError(f"{engine.main} is not installed for {python}. Install it there with pip.")
    return sum(_bytes(known[package]) for package in seen) / 1e6, known[_normal(engine.main)].version


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _required(package: Distribution) -> list[str]:
    """The names of what it requires, without what only its extras require."""
    plain = [line for line in package.requires or [] if "extra ==" not in line]
    return [found[0] for found in (re.match(r"[\w.-]+", line) for line in plain) if found]


def _bytes(package: Distribution) -> int:
    files = [Path(str(package.locate_file(file))) for file in package.files or []]
    if package.metadata["Name"] == "neurona" and not any(_HERE in file.parents for file in files):
        files += _HERE.rglob("*")  # installed in place, for development: the package lies elsewhere
    return sum(file.stat().st_size for file in files if file.is_file() and "__pycache__" not in file.parts)
