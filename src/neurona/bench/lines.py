"""What is measured, line by line. Every function adds its measurements to the results and leaves no process behind.

An engine that fails, or computes something else than the others, is left out of what it failed at and told of in the
results; the others go on.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from neurona.bench.peers import ENGINES, installed_size
from neurona.bench.race import Contender, finish, take_turns
from neurona.bench.results import Measurement, Results
from neurona.bench.worker.networks import GROWTH, UNTIL, Network, named
from neurona.datasets import cifar10, fashion_mnist, imdb, mnist
from neurona.errors import BenchmarkError, NeuronaError
from neurona.i18n import _
from neurona.utils import pad_sequences

__all__ = ["LINES", "Bench"]

STARTED = ("dnn-small", "mnist-cnn", "lstm")  # whose first step is timed
CLOSE = 0.01  # how far two engines' losses may be apart after the same steps from the same weights, relatively
LONGEST = 3600.0  # seconds until an accuracy is reached
HOPELESS = 3.0  # a variant that needs so many times as long as its engine's best is stopped

Told = list[tuple[Contender, dict[str, Any]]]


@dataclass
class Bench:
    """One run of the benchmark.

    Args:
        pythons: engine -> interpreter of its environment.
        results: where the measurements go.
        networks: those that `step` and `apply` measure.
        keep: called after each subject, to keep what there is.
        say: is told what is being measured.
    """

    pythons: dict[str, Path]
    results: Results
    networks: list[str]
    keep: Callable[[], None]
    say: Callable[[str], None]

    # -- training steps ---------------------------------------------------------------------------------------

    def step(self) -> None:
        """A training step of each network, and the most memory that its process held."""
        for name in self.networks:
            self._race(name, list(self.pythons), "step")

    def growth(self) -> None:
        """Our step at once, twice and four times the size."""
        for what, sizes in GROWTH.items():
            for factor in sizes:
                self._race(f"{what} / {factor}", ["neurona"], "growth")

    def _race(self, name: str, engines: list[str], line: str) -> None:
        network = named(name)
        self.say(f"{line}: {name}")
        settings = [(engine, setting) for engine in engines for setting in _fitting(ENGINES[engine].settings, network)]
        with self._prepared(name) as folder, self._contenders(name, folder, "step", settings) as them:
            hellos = self._same_work(name, self._heard(them))
            turns = take_turns([one for one, _hello in hellos], self.results.rounds, self._failed)
            memory = {one: one.last()["memory"] for one in turns}
        first = {one: hello["loss"] for one, hello in hellos}
        for one, answers in turns.items():
            seconds = [1000 * answer["seconds"] / network.steps for answer in answers]
            self._add(line, name, one, "ms", seconds, {"first loss": first[one], "last loss": answers[-1]["loss"]})
            if line == "step" and memory[one] is not None:
                self._add("memory", name, one, "MB", [memory[one]])
        self.keep()

    def _same_work(self, name: str, hellos: Told) -> Told:
        """Those whose loss is that of most, after the same steps from the same weights."""
        losses = [hello["loss"] for _, hello in hellos if np.isfinite(hello["loss"])]
        usual = float(np.median(losses)) if losses else np.nan
        same: Told = []
        for one, hello in hellos:
            if abs(hello["loss"] - usual) <= CLOSE * abs(usual):
                same.append((one, hello))
                continue
            told = _(
                "{title} ({setting}) computes something else on {name}: after the same steps from the same weights its loss "
                "is {loss:.5g}, that of most {usual:.5g}. It is not timed."
            ).format(
                title=ENGINES[one.engine].title, setting=one.setting, name=name, loss=hello["loss"], usual=usual
            )  # fmt: skip
            self._failed(one, BenchmarkError(told))
        return same

    # -- applying ---------------------------------------------------------------------------------------------

    def apply(self) -> None:
        """`predict`, and the fastest call of the forward pass, for 1 and 256 samples."""
        for name in self.networks:
            self.say(f"apply: {name}")
            network = named(name)
            settings = [(engine, s) for engine in self.pythons for s in _fitting(ENGINES[engine].applying, network)]
            with self._prepared(name) as folder, self._contenders(name, folder, "apply", settings) as them:
                hellos = self._same_outputs(name, self._heard(them))
                turns = take_turns([one for one, _hello in hellos], self.results.rounds, self._failed)
            for one, answers in turns.items():
                for call in answers[0]["seconds"]:
                    way, count = call.rsplit(", ", 1)
                    values = [1000 * answer["seconds"][call] for answer in answers]
                    if way == "predict":
                        self._add("predict", f"{name}, {count}", one, "ms", values, way=way)
                    self._add("call", f"{name}, {count}", one, "ms", values, way=way)
            self.keep()

    def _same_outputs(self, name: str, hellos: Told) -> Told:
        """Those whose outputs are those of most."""
        usual = np.median([hello["said"] for _, hello in hellos], axis=0) if hellos else np.nan
        same: Told = []
        for one, hello in hellos:
            if np.allclose(hello["said"], usual, rtol=1e-2, atol=1e-3):
                same.append((one, hello))
                continue
            told = _("{title} ({setting}) computes other outputs on {name}. It is not timed.").format(
                title=ENGINES[one.engine].title, setting=one.setting, name=name
            )
            self._failed(one, BenchmarkError(told))
        return same

    # -- starting and size ------------------------------------------------------------------------------------

    def start(self) -> None:
        """Importing, and the time from the call of `fit` to the end of its first step, each in a fresh process."""
        found: dict[tuple[str, str, str], list[float]] = {}
        for name in STARTED:
            self.say(f"start: {name}")
            with self._prepared(name) as folder:
                for engine in list(self.pythons) * self.results.rounds:
                    with self._contenders(name, folder, "start", [(engine, "")]) as them:
                        for _one, told in self._heard(them):
                            found.setdefault(("import", "package", engine), []).append(told["imported"])
                            found.setdefault(("first step", name, engine), []).append(told["first"])
                            found.setdefault(("start to first step", name, engine), []).append(told["whole"])
        for (line, subject, engine), values in found.items():
            measured = Measurement(line, subject, engine, "", "ms", [1000 * value for value in values])
            self.results.measurements.append(measured)
        self.keep()

    def size(self) -> None:
        """What is installed, with all that it requires."""
        for engine, python in self.pythons.items():
            self.say(f"size: {engine}")
            try:
                size, version = installed_size(engine, python)
            except NeuronaError as error:
                self._note(str(error))
                continue
            self.results.versions.setdefault(engine, version)
            self.results.measurements.append(Measurement("size", "package", engine, "", "MB", [size]))
        self.keep()

    # -- until an accuracy ------------------------------------------------------------------------------------

    def until(self) -> None:
        """From the start of the process, imports included, until a test accuracy is reached, each from weights of its own.

        In the first round all variants of an engine run, with seed 0; in the others, with other seeds, the fastest of them.
        """
        for name, (network, target) in UNTIL.items():
            self.say(f"until: {name} {target:g}")
            with tempfile.TemporaryDirectory() as made:
                folder = Path(made)
                try:
                    _write_data(name, network, folder / f"{name}.npz")
                except NeuronaError as error:
                    self._note(str(error))
                    continue
                best: dict[str, tuple[float, str]] = {}
                found: dict[str, list[dict[str, Any]]] = {}
                for engine in self.pythons:
                    for setting in _fitting(ENGINES[engine].settings, network):
                        patience = HOPELESS * best[engine][0] if engine in best else LONGEST
                        told = self._reach(name, folder, engine, setting, target, 0, patience)
                        if told is not None and told["seconds"] < best.get(engine, (np.inf,))[0]:
                            best[engine], found[engine] = (told["seconds"], setting), [told]
                for seed in range(1, self.results.rounds):
                    for engine, (_seconds, setting) in best.items():
                        told = self._reach(name, folder, engine, setting, target, seed, LONGEST)
                        if told is not None:
                            found[engine].append(told)
            for engine, runs in found.items():
                seconds = [told["seconds"] for told in runs if told["accuracies"][-1] >= target]
                if not seconds:
                    self._note(_("{engine} did not reach {target:g} on {name}.").format(
                        engine=ENGINES[engine].title, target=target, name=name
                    ))  # fmt: skip
                    continue
                facts: dict[str, Any] = {"epochs": [len(told["accuracies"]) for told in runs]}
                if len(seconds) < len(runs):
                    facts["reached"] = f"{len(seconds)}/{len(runs)}"
                measured = Measurement("until", f"{name} {target:g}", engine, best[engine][1], "s", seconds, facts)
                self.results.measurements.append(measured)
            self.keep()

    def _reach(
        self, name: str, folder: Path, engine: str, setting: str, target: float, seed: int, patience: float
    ) -> dict[str, Any] | None:
        more = ["--target", str(target), "--seed", str(seed)]
        with self._contenders(name, folder, "until", [(engine, setting)], more) as them:
            heard = self._heard(them, patience)
        return heard[0][1] if heard else None

    # -- help -------------------------------------------------------------------------------------------------

    def _add(
        self, line: str, subject: str, one: Contender, unit: str, values: list[float],
        facts: dict[str, Any] | None = None, way: str = "",
    ) -> None:  # fmt: skip
        way = " ".join(word for word in (way, one.setting) if word)
        self.results.measurements.append(Measurement(line, subject, one.engine, way, unit, values, facts or {}))

    def _heard(self, them: Sequence[Contender], patience: float | None = None) -> Told:
        """The first answers of those that give one."""
        found: Told = []
        for one in them:
            try:
                hello = one.hear() if patience is None else one.hear(patience)
            except BenchmarkError as error:
                self._failed(one, error)
                continue
            self.results.versions[one.engine] = hello["version"]
            found.append((one, hello))
        return found

    def _failed(self, one: Contender, error: BenchmarkError) -> None:
        self._note(str(error))

    def _note(self, text: str) -> None:
        self.results.failures.append(text)
        self.say(text)

    @contextmanager
    def _prepared(self, name: str) -> Iterator[Path]:
        """A folder with the lesson and the first weights of a network."""
        with tempfile.TemporaryDirectory() as made:
            folder, words = Path(made), ["prepare", "--network", name]
            worker = Contender("neurona", "", Path(sys.executable), words, folder, self.results.threads)
            try:
                worker.hear()
            finally:
                worker.kill()
            yield folder

    @contextmanager
    def _contenders(
        self, name: str, folder: Path, task: str, settings: list[tuple[str, str]], more: Iterable[str] = ()
    ) -> Iterator[list[Contender]]:
        """Processes for the engines and their variants, which end when the block does."""
        them: list[Contender] = []
        try:
            for engine, setting in settings:
                words = [task, "--network", name, *more]
                them.append(Contender(engine, setting, self.pythons[engine], words, folder, self.results.threads))
            yield them
        finally:
            finish(them)


def _fitting(settings: Iterable[str], network: Network) -> list[str]:
    """The variants that differ on this network: where the channels lie matters for pictures alone."""
    return [setting for setting in settings if network.of_pictures or "last" not in setting]


def _write_data(name: str, network: Network, path: Path) -> None:
    """A data set as the engines read it: pictures from 0 to 1, reviews as numbers of their first words."""
    modules = {"clothes": fashion_mnist, "digits": mnist, "objects": cifar10}
    if name == "reviews":
        (x, y), (x_test, y_test) = imdb.load_data(num_words=network.parts[0][1])
        x, x_test = (pad_sequences(part, network.shape[0], padding="post", truncating="post") for part in (x, x_test))
        y, y_test = (part[:, None].astype("float32") for part in (y, y_test))
    else:
        (x, y), (x_test, y_test) = modules[name].load_data()
        x, x_test = (part.reshape(-1, *network.shape).astype("float32") / 255 for part in (x, x_test))
        y, y_test = (part.reshape(-1).astype("int32") for part in (y, y_test))
    np.savez(path, x=x, y=y, x_test=x_test, y_test=y_test)


#: What can be measured -> the method that does.
LINES: dict[str, Callable[[Bench], None]] = {
    "step": Bench.step,
    "apply": Bench.apply,
    "start": Bench.start,
    "size": Bench.size,
    "until": Bench.until,
    "growth": Bench.growth,
}
