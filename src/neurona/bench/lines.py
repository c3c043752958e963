"""What is measured, line by line. Every function adds its measurements to the results and leaves no process behind."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from neurona.bench.peers import ENGINES, installed_size
from neurona.bench.race import Contender, finish, take_turns
from neurona.bench.results import Measurement, Results
from neurona.bench.worker.networks import GROWTH, NETWORKS, UNTIL, Network, named
from neurona.datasets import cifar10, fashion_mnist, imdb, mnist
from neurona.errors import BenchmarkError
from neurona.i18n import _
from neurona.utils import pad_sequences

__all__ = ["LINES", "Bench"]

STARTED = ("dnn-small", "mnist-cnn", "lstm")  # whose first step is timed
#: How far the losses of two engines may be apart after the same steps from the same weights, relatively; with dropout
#: other units are dropped, so the losses differ by chance.
CLOSE, CLOSE_WITH_DROPOUT = 0.01, 0.25


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
        with (
            self._prepared(name) as folder,
            self._contenders(name, folder, "step", self._settings(engines, name)) as them,
        ):
            hellos = {one: one.hear() for one in them}
            self._note_versions(hellos)
            self._same_work(name, {one: hello["loss"] for one, hello in hellos.items()})
            turns = take_turns(them, self.results.rounds)
            memory = {one: one.last()["memory"] for one in them}
        for one, answers in turns.items():
            seconds = [1000 * answer["seconds"] / network.steps for answer in answers]
            facts = {"first loss": hellos[one]["loss"], "last loss": answers[-1]["loss"]}
            self._add(line, name, one, "ms", seconds, facts)
            if line == "step":
                self._add("memory", name, one, "MB", [memory[one]])
        self.keep()

    @staticmethod
    def _settings(engines: Iterable[str], name: str) -> list[tuple[str, str]]:
        pictures = named(name).of_pictures
        return [
            (engine, setting)
            for engine in engines
            for setting in (*ENGINES[engine].settings, *(ENGINES[engine].pictures if pictures else ()))
        ]

    @staticmethod
    def _same_work(name: str, losses: dict[Contender, float]) -> None:
        close = CLOSE_WITH_DROPOUT if named(name).drops else CLOSE
        usual = float(np.median(list(losses.values())))
        for one, loss in losses.items():
            if not abs(loss - usual) <= close * abs(usual):
                raise BenchmarkError(
                    f"{ENGINES[one.engine].title} ({one.setting}) computes something else on {name}: after the same steps "
                    f"from the same weights its loss is {loss:.5g}, that of most {usual:.5g}. Its time is not comparable."
                )

    # -- applying ---------------------------------------------------------------------------------------------

    def apply(self) -> None:
        """`predict`, and the fastest call of the forward pass, for 1 and 256 samples."""
        for name in self.networks:
            self.say(f"apply: {name}")
            settings = [(engine, setting) for engine in self.pythons for setting in ENGINES[engine].applying]
            with self._prepared(name) as folder, self._contenders(name, folder, "apply", settings) as them:
                hellos = {one: one.hear() for one in them}
                self._note_versions(hellos)
                said = np.array([hello["said"] for hello in hellos.values()])
                if not np.allclose(said, said[0], rtol=1e-2, atol=1e-3):
                    raise BenchmarkError(f"The engines' outputs of {name} differ: {said.tolist()}.")
                turns: dict[Contender, list[dict[str, Any]]] = take_turns(them, self.results.rounds)
            for one, answers in turns.items():
                for call in answers[0]["seconds"]:
                    way, count = call.rsplit(", ", 1)
                    values = [1000 * answer["seconds"][call] for answer in answers]
                    if way == "predict" and not one.setting:
                        self._add("predict", f"{name}, {count}", one, "ms", values, way=way)
                    self._add("call", f"{name}, {count}", one, "ms", values, way=way)
            self.keep()

    # -- starting and size ------------------------------------------------------------------------------------

    def start(self) -> None:
        """Importing, and the time from the call of `fit` to the end of its first step, each in a fresh process."""
        found: dict[tuple[str, str, str], list[float]] = {}
        for name in STARTED:
            self.say(f"start: {name}")
            with self._prepared(name) as folder:
                for _round in range(self.results.rounds):
                    for engine in self.pythons:
                        with self._contenders(name, folder, "start", [(engine, "")]) as (one,):
                            told = one.hear()
                        self.results.versions[engine] = told["version"]
                        found.setdefault(("import", "", engine), []).append(told["imported"])
                        found.setdefault(("first step", name, engine), []).append(told["first"])
                        found.setdefault(("start to first step", name, engine), []).append(told["whole"])
        for (line, subject, engine), values in sorted(found.items(), key=lambda item: item[0][0]):
            measured = Measurement(line, subject, engine, "", "ms", [1000 * value for value in values])
            self.results.measurements.append(measured)
        self.keep()

    def size(self) -> None:
        """What is installed, with all that it requires."""
        for engine, python in self.pythons.items():
            self.say(f"size: {engine}")
            size = installed_size(engine, python)
            self.results.measurements.append(Measurement("size", "", engine, "", "MB", [size]))
        self.keep()

    def until(self) -> None:
        """From the start of the process, imports included, until a test accuracy is reached; another seed each round."""
        for name, (network, target) in UNTIL.items():
            self.say(f"until: {name} {target:g}")
            found: dict[str, list[dict[str, Any]]] = {}
            with tempfile.TemporaryDirectory() as made:
                _write_data(name, network, Path(made) / f"{name}.npz")
                for seed in range(self.results.rounds):
                    for engine in self.pythons:
                        more = ["--target", str(target), "--seed", str(seed)]
                        setting = self._fastest(network, engine)
                        with self._contenders(name, Path(made), "until", [(engine, setting)], more) as (one,):
                            found.setdefault(engine, []).append(one.hear())
            for engine, told in found.items():
                if any(one["accuracies"][-1] < target for one in told):
                    self.say(
                        _("{name}: {engine} did not reach {target:g}").format(name=name, engine=engine, target=target)
                    )
                    continue
                epochs = [len(one["accuracies"]) for one in told]
                seconds = [one["seconds"] for one in told]
                measured = Measurement(
                    "until",
                    f"{name} {target:g}",
                    engine,
                    self._fastest(network, engine),
                    "s",
                    seconds,
                    {"epochs": epochs},
                )
                self.results.measurements.append(measured)
            self.keep()

    def _fastest(self, network: Network, engine: str) -> str:
        """The engine's variant that was fastest on the most similar network measured so far, else its first."""
        like = next((name for name, other in NETWORKS.items() if other.parts == network.parts), "dnn-deep")
        best = self.results.best("step", like, engine)
        return best.way if best is not None else ENGINES[engine].settings[0]

    # -- help -------------------------------------------------------------------------------------------------

    def _add(
        self, line: str, subject: str, one: Contender, unit: str, values: list[float],
        facts: dict[str, Any] | None = None, way: str = "",
    ) -> None:  # fmt: skip
        way = " ".join(word for word in (way, one.setting) if word)
        self.results.measurements.append(Measurement(line, subject, one.engine, way, unit, values, facts or {}))

    def _note_versions(self, hellos: dict[Contender, dict[str, Any]]) -> None:
        for one, hello in hellos.items():
            self.results.versions[one.engine] = hello["version"]

    @contextmanager
    def _prepared(self, name: str) -> Iterator[Path]:
        """A folder with the lesson and the first weights of a network."""
        with tempfile.TemporaryDirectory() as made:
            folder = Path(made)
            worker = Contender(
                "neurona", "", Path(sys.executable), _words("prepare", name, folder), self.results.threads
            )
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
                words = [*_words(task, name, folder), *more]
                them.append(Contender(engine, setting, self.pythons[engine], words, self.results.threads))
            yield them
        finally:
            finish(them)


def _words(task: str, name: str, folder: Path) -> list[str]:
    return [task, "--network", name, "--folder", str(folder)]


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
