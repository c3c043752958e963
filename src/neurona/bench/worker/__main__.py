"""One engine at work on one network, told what to do line by line.

    python worker TASK --engine E --setting S --network N --folder F --threads T

The folder holds what all engines share, as NumPy files: samples, labels, first weights. Every answer is one line of JSON.

    prepare  (Neurona) writes that file: the lesson, and the first weights
    step     trains up to ten steps from the first weights and tells the loss (on which all engines must agree); then, for every
             line read, one turn: an epoch of `fit` or of the plain loop. At the end of the input: the most memory it held.
    apply    for every line read: median seconds of `predict` and of the forward pass, for 1 and 256 samples
    start    seconds to import the engine, and from the call of `fit` to the end of the first step
    until    trains until the test accuracy is reached: seconds since the process began
"""

import time

BEGAN = time.perf_counter()

import argparse  # noqa: E402
import json  # noqa: E402
import os  # noqa: E402
import sys  # noqa: E402
from pathlib import Path  # noqa: E402
from typing import Any  # noqa: E402

ENDLESS = 1_000_000  # epochs
WARM_UP, ASKED = 3, 0.25  # calls before the clock runs; seconds for each kind of call


def tell(**facts: Any) -> None:
    """One line for who started this process. Libraries that print to stdout are sent to stderr meanwhile."""
    ANSWERS.write(json.dumps(facts) + "\n")
    ANSWERS.flush()


def most_memory() -> float | None:
    """The most memory the process held, in MB; None where the system does not tell."""
    try:
        import resource
    except ImportError:  # Windows
        return None
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6


def first_weights(given: Any) -> list[Any] | None:
    """Those that were prepared for all engines, in Keras's order; None where each draws its own."""
    names = sorted((name for name in given if name.startswith("w")), key=lambda name: int(name[1:]))
    return [given[name] for name in names] or None


def make_engine(options: argparse.Namespace) -> Any:
    """The engine that was asked for."""
    if options.engine == "torch":
        from torch_engine import TorchEngine

        return TorchEngine(options.setting, options.threads)
    from keras_engine import KerasEngine

    return KerasEngine(options.engine, options.setting)


def prepare(engine: Any, network: Any, path: Path) -> None:
    """Write what all engines share."""
    from networks import checked, lesson
    from numpy import savez

    x, y = lesson(network, max(network.batch * network.steps, 256))
    x_check, y_check = checked(network)
    engine.build(network, None, seed=0)
    savez(
        path,
        x=x,
        y=y,
        x_check=x_check,
        y_check=y_check,
        **{f"w{i}": weight for i, weight in enumerate(engine.model.get_weights())},
    )
    tell(version=engine.version)


def step(engine: Any, network: Any, given: Any) -> None:
    """The loss after some steps, then an epoch for each line read."""
    x, y = given["x"], given["y"]
    steps = network.batch * network.steps
    x, y = x[:steps], y[:steps]
    weights = first_weights(given)
    # Without dropout, which every engine draws for itself, the loss is the same for all.
    engine.build(network.without_dropout(), weights, seed=0)
    engine.train(given["x_check"], given["y_check"], 1, shuffle=False)
    tell(loss=engine.told[-1][1], version=engine.version)
    engine.build(network, weights, seed=0)

    def gate(epoch: int) -> None:
        if epoch:
            seconds, loss, _ = engine.told[-1]
            tell(seconds=seconds, loss=loss)
        if not sys.stdin.readline():
            tell(memory=most_memory())
            sys.exit()

    engine.train(x, y, ENDLESS, shuffle=True, gate=gate)


def apply(engine: Any, network: Any, given: Any) -> None:
    """Time all ways to apply the network, for each line read."""
    from keras_engine import median_of

    ways = {"predict": engine.predict, **engine.calls()}
    for count in (1, 256):
        for way in ways.values():
            for _ in range(WARM_UP):
                way(given["x"][:count])
    said = ways["predict"](given["x"][:1])
    tell(version=engine.version, said=[float(v) for v in said.ravel()])
    while sys.stdin.readline():
        found = {}
        for count in (1, 256):
            x = given["x"][:count].copy()
            for name, way in ways.items():
                found[f"{name}, {count}"] = median_of(lambda: way(x), ASKED)  # noqa: B023  (called at once)
        tell(seconds=found)


def until(engine: Any, network: Any, given: Any, target: float) -> None:
    """Train until the test accuracy is reached."""
    seen = []
    for _ in range(50):
        engine.train(given["x"], given["y"], 1, shuffle=True)
        seen.append(engine.accuracy(given["x_test"], given["y_test"]))
        if seen[-1] >= target:
            break
    tell(seconds=time.perf_counter() - BEGAN, accuracies=seen, version=engine.version, memory=most_memory())


def main() -> None:
    """Carry out one task."""
    parser = argparse.ArgumentParser()
    parser.add_argument("task", choices=["prepare", "step", "apply", "start", "until"])
    parser.add_argument("--engine", required=True)
    parser.add_argument("--setting", default="")
    parser.add_argument("--network", required=True)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--target", type=float)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    if hasattr(os, "sched_setaffinity"):  # JAX has as many threads as it sees processors
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: options.threads])
    began = time.perf_counter()
    engine = make_engine(options)
    imported = time.perf_counter() - began
    from networks import named
    from numpy import load

    network = named(options.network)
    path = options.folder / (options.network.replace(" / ", "-") + ".npz")
    if options.task == "prepare":
        prepare(engine, network, path)
        return
    with load(path) as file:
        given = {name: file[name] for name in file.files}
    if options.task != "step":
        engine.build(network, first_weights(given), options.seed)
    if options.task == "start":
        size = network.batch * 2
        first = engine.first_step(given["x"][:size], given["y"][:size])
        tell(
            imported=imported,
            first=first,
            whole=time.perf_counter() - BEGAN,
            version=engine.version,
            memory=most_memory(),
        )
    elif options.task == "until":
        until(engine, network, given, options.target)
    else:
        (step if options.task == "step" else apply)(engine, network, given)


if __name__ == "__main__":
    ANSWERS = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what a library prints is no answer
    main()
