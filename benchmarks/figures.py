"""Measure and draw the figures of docs/performance.md: what this machine can do, and what a step makes of it.

    python benchmarks/figures.py [roofline] [step] [winograd] [--seconds 0.3] [--more] [--draw]

Everything measured is printed, and kept in docs/figures/measured.json with the machine, the date and the load of the minute
before; `--draw` draws anew from that file without measuring. A time is the fastest of several: what else runs on the
machine can only add to it. For the same reason `--more` measures again and keeps what was faster, then or now.
"""

from __future__ import annotations

import argparse
import functools
import json
import math
import os
import platform
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

import neurona as keras
from neurona import kernels
from neurona.bench.machine import processor, product_speed
from neurona.optimizers import Optimizer
from neurona.report.canvas import BLACK, BLUE, GREY, ORANGE, WHITE, Axes, Canvas, Colour, round_ticks, tick_label
from neurona.tape import OPS, Op
from neurona.training import plan as plan_module

FOLDER = Path(__file__).parents[1] / "docs" / "figures"
MEASURED = FOLDER / "measured.json"
GREEN: Colour = (0x00, 0x9E, 0x73)  # a third and a fourth colour that everybody can tell apart (Okabe & Ito, 2008)
YELLOW: Colour = (0xE6, 0x9F, 0x00)

Array = np.ndarray[Any, Any]
Facts = dict[str, Any]


def fastest(functions: dict[str, Callable[[], Any]], seconds: float) -> dict[str, float]:
    """Seconds of each one's fastest call: they are called in turn, as often as `seconds` allow for each, three times at least."""
    for function in functions.values():
        function()
    best = dict.fromkeys(functions, math.inf)
    calls, end = 0, time.perf_counter() + seconds * len(functions)
    while calls < 3 or time.perf_counter() < end:
        for name, function in functions.items():
            began = time.perf_counter()
            function()
            best[name] = min(best[name], time.perf_counter() - began)
        calls += 1
    return best


def drawn(shape: tuple[int, ...], seed: int = 0, scale: float = 1.0) -> Array:
    return np.random.default_rng(seed).standard_normal(shape, "float32") * np.float32(scale)


# -- the roofline ---------------------------------------------------------------------------------------------------


def copy_speed(megabytes: int, threads: int) -> float:
    """Bytes a second, read and written ones counted, that `threads` threads copy, each an array of so many megabytes."""
    sources = [np.ones(megabytes << 18, "float32") for _ in range(threads)]
    targets = [np.empty_like(s) for s in sources]
    together = threading.Barrier(threads + 1)
    rounds = 5

    def work(source: Array, target: Array) -> None:
        for _ in range(rounds + 1):
            together.wait()
            np.copyto(target, source)
            together.wait()

    workers = [threading.Thread(target=work, args=pair) for pair in zip(sources, targets, strict=True)]
    for worker in workers:
        worker.start()
    times = []
    for _ in range(rounds + 1):
        together.wait()
        began = time.perf_counter()
        together.wait()
        times.append(time.perf_counter() - began)
    for worker in workers:
        worker.join()
    return 2 * sum(s.nbytes for s in sources) / min(times[1:])  # the first one met fresh pages


def roofline(seconds: float) -> Facts:
    threads = kernels.get_num_threads()
    facts: Facts = {"bandwidth": copy_speed(64, threads), "peak": product_speed(6 * seconds), "layers": []}

    def layer(network: str, name: str, operations: float, numbers: float, ways: dict[str, Callable[[], Any]]) -> None:
        times = fastest(ways, seconds)
        facts["layers"].append(
            {"network": network, "name": name, "operations": operations, "bytes": 4 * numbers, "seconds": times}
        )

    def dense(network: str, n: int, c: int, f: int, activation: str) -> None:
        x, w, b = drawn((n, c)), drawn((c, f), 1), drawn((f,), 2)
        attributes = {"activation": activation}
        ways = {"plain": lambda: OPS["dense"].compute([x, w, b], attributes)}
        layer(network, f"dense {c} -> {f}", 2 * n * c * f, n * c + c * f + n * f, ways)

    def convolution(network: str, n: int, side: int, c: int, f: int, pad: int, pool: bool) -> None:
        x, w, b = drawn((n, side, side, c)), drawn((3, 3, c, f), 1), drawn((f,), 2)
        native, out = kernels.native, side + 2 * pad - 2

        def way(method: int) -> Callable[[], Any]:
            return lambda: native.conv3x3(x, w, b, (pad,) * 4, int(pool), pool, method)

        ways = {"plain": way(1)} | ({"winograd": way(4)} if c >= 8 else {})
        made = n * (out // 2) ** 2 * f * 1.25 if pool else n * out * out * f  # and a byte for the place in each window
        name = f"3x3 {c} -> {f}, {side} x {side}" + (", pooled" if pool else "")
        layer(network, name, 2 * n * out * out * 9 * c * f, x.size + w.size + made, ways)

    dense("dnn-small", 32, 784, 128, "relu")
    dense("dnn-small", 32, 128, 10, "linear")
    convolution("mnist-cnn", 128, 28, 1, 32, 0, True)
    convolution("mnist-cnn", 128, 13, 32, 64, 0, True)
    dense("mnist-cnn", 128, 1600, 10, "linear")
    for side, c, f in ((32, 3, 64), (32, 64, 64), (16, 64, 128), (16, 128, 128), (8, 128, 256), (8, 256, 256)):
        convolution("vgg-bn", 128, side, c, f, 1, False)
    x, ones, zeros = drawn((128, 32, 32, 64)), np.ones(64, "float32"), np.zeros(64, "float32")
    norm = OPS["batch_norm_train"]
    ways = {"plain": lambda: norm.compute([x, ones, zeros], {"activation": "relu"})}
    layer("vgg-bn", "norm and relu, 32 x 32 x 64", 7 * x.size, 2 * x.size, ways)
    pool = OPS["max_pool_places"]
    ways = {"plain": lambda: pool.compute([x], {"size": (2, 2), "strides": (2, 2), "pads": ((0, 0), (0, 0))})}
    layer("vgg-bn", "pooling, 32 x 32 x 64", 3 * x.size / 4, x.size + x.size / 4 * 1.25, ways)
    # Once more, some seconds later: what else ran on the machine may have held back the first.
    facts["bandwidth"] = max(facts["bandwidth"], copy_speed(64, threads))
    facts["peak"] = max(facts["peak"], product_speed(6 * seconds))
    return facts


def faster_roofline(one: Facts, other: Facts) -> Facts:
    layers = [
        {**a, "seconds": {way: min(a["seconds"][way], b["seconds"][way]) for way in a["seconds"]}}
        for a, b in zip(one["layers"], other["layers"], strict=True)
    ]
    return {**{what: max(one[what], other[what]) for what in ("bandwidth", "peak")}, "layers": layers}


def tell_roofline(facts: Facts) -> None:
    print(f"bandwidth {facts['bandwidth'] / 1e9:.1f} GB/s, peak {facts['peak'] / 1e9:.0f} GF/s, ", end="")
    print(f"they meet at {facts['peak'] / facts['bandwidth']:.1f} operations a byte")
    print("| network | layer | operations a byte | GF/s | with Winograd |\n|---|---|---|---|---|")
    for one in facts["layers"]:
        speeds = {way: one["operations"] / seconds / 1e9 for way, seconds in one["seconds"].items()}
        more = f"{speeds['winograd']:.0f}" if "winograd" in speeds else ""
        intensity = one["operations"] / one["bytes"]
        print(f"| {one['network']} | {one['name']} | {intensity:.3g} | {speeds['plain']:.3g} | {more} |")


def draw_roofline(facts: Facts, machine: Facts) -> Path:
    colours = {"dnn-small": BLACK, "mnist-cnn": ORANGE, "vgg-bn": BLUE}
    canvas = Canvas(1000, 540)
    axes = Axes(canvas, (74, 62, 650, 470), (math.log10(0.1), 3), (0, 3))
    axes.frame(
        [(p, f"{10**p:g}") for p in range(-1, 4)], [(p, f"{10**p:g}") for p in range(4)],
        "arithmetic intensity: operations for each byte of input and output", "GF/s",
    )  # fmt: skip
    bandwidth, peak = facts["bandwidth"] / 1e9, facts["peak"] / 1e9
    knee, left = math.log10(peak / bandwidth), axes.x[0]
    top = math.log10(peak)
    canvas.line(
        [axes.at(*p) for p in ((max(left, -math.log10(bandwidth)), max(0, left + math.log10(bandwidth))), (knee, top), (3, top))],
        BLACK, 2,
    )  # fmt: skip
    canvas.text(axes.at(knee, top)[0], axes.at(knee, top)[1] - 12, f"product of matrices: {peak:.0f} GF/s", 12)
    slope = math.degrees(math.atan2(408 / 3, 576 / 4))
    x, y = axes.at(-0.35, -0.35 + math.log10(bandwidth))
    canvas.text(x - 10, y - 12, f"copy: {bandwidth:.0f} GB/s", 12, across="middle", turn=slope)
    y = 84
    network = ""
    for number, one in enumerate(facts["layers"], 1):
        colour = colours[one["network"]]
        x = math.log10(one["operations"] / one["bytes"])
        places = {w: axes.at(x, math.log10(one["operations"] / s / 1e9)) for w, s in one["seconds"].items()}
        if "winograd" in places:
            canvas.line([places["plain"], places["winograd"]], colour, 1, 3)
            canvas.disc(*places["winograd"], 8.5, colour)
            canvas.disc(*places["winograd"], 7.2, WHITE)
            canvas.text(*places["winograd"], str(number), 10, colour, "middle")
        canvas.disc(*places["plain"], 9, WHITE)
        canvas.disc(*places["plain"], 8, colour)
        canvas.text(*places["plain"], str(number), 10, WHITE, "middle")
        if one["network"] != network:
            network = one["network"]
            canvas.text(676, y + 4, network, 13, colour)
            y += 24
        canvas.disc(685, y, 8, colour)
        canvas.text(685, y, str(number), 10, WHITE, "middle")
        canvas.text(700, y, one["name"], 12)
        speeds = [f"{one['operations'] / s / 1e9:.0f}" for s in one["seconds"].values()]
        canvas.text(984, y, " / ".join(speeds), 12, GREY, "right")
        y += 22 if number < len(facts["layers"]) and facts["layers"][number]["network"] == network else 30
    canvas.text(984, 66, "GF/s", 11, GREY, "right")
    canvas.disc(685, y, 8, GREY)
    canvas.text(700, y, "the plain sum; dense layers; passes", 11)
    canvas.disc(685, y + 20, 8, GREY)
    canvas.disc(685, y + 20, 6.6, WHITE)
    canvas.text(700, y + 20, "F(4x4, 3x3), counted as the plain sum", 11)
    canvas.text(16, 24, "Where the layers stand under the machine's roof (forward pass)", 15)
    canvas.text(16, canvas.height - 16, in_words(machine), 11, GREY)
    return canvas.save(FOLDER / "roofline.png")


# -- a step, by part ------------------------------------------------------------------------------------------------

PARTS = {"forward": BLUE, "backward": ORANGE, "optimizer": GREEN, "around": (0xB8, 0xB8, 0xB8)}
WAYS = {  # name: kernels, planned, fused
    "NumPy, eager": (False, False, False),
    "NumPy, planned": (False, True, False),
    "NumPy, planned, fused": (False, True, True),
    "kernels, eager": (True, False, False),
    "kernels, planned": (True, True, False),
    "kernels, planned, fused": (True, True, True),
}


def small(layers: Any) -> Any:
    """dnn-small, every part a layer of its own."""
    return [keras.Input((784,)), layers.Dense(128), layers.ReLU(), layers.Dense(10)]


def pictures(layers: Any) -> Any:
    """mnist-cnn, every part a layer of its own."""
    both: list[Any] = []
    for filters in (32, 64):
        both += [layers.Conv2D(filters, 3), layers.ReLU(), layers.MaxPooling2D()]
    return [keras.Input((28, 28, 1)), *both, layers.Flatten(), layers.Dropout(0.5), layers.Dense(10)]


#: network: its layers, batch, steps in a round, rounds. Short rounds: some of them find the machine quiet.
STEPPED: dict[str, tuple[Callable[[Any], Any], int, int, int]] = {
    "dnn-small, batch 32": (small, 32, 20, 15),
    "mnist-cnn, batch 128": (pictures, 128, 2, 4),
}


class Stopwatch:
    """Seconds spent in each part of a step; of parts within parts the outer one counts."""

    def __init__(self) -> None:
        self.spent = dict.fromkeys(PARTS, 0.0)
        self.inside = False

    def watched(self, part: str, method: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            if self.inside:
                return method(*args, **kwargs)
            self.inside, began = True, time.perf_counter()
            try:
                return method(*args, **kwargs)
            finally:
                self.spent[part] += time.perf_counter() - began
                self.inside = False

        return call


@contextmanager
def replaced(owner: Any, name: str, value: Any) -> Iterator[None]:
    before = getattr(owner, name)
    setattr(owner, name, value)
    try:
        yield
    finally:
        setattr(owner, name, before)


class Round(keras.callbacks.Callback):
    """The parts of a round of steps, in seconds a step."""

    def __init__(self, watch: Stopwatch, steps: int) -> None:
        super().__init__()
        self.watch, self.steps = watch, steps
        self.parts: dict[str, float] = {}

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self.watch.spent = dict.fromkeys(PARTS, 0.0)
        self.began = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        whole = time.perf_counter() - self.began
        spent = self.watch.spent
        spent["around"] = whole - sum(spent.values())
        self.parts = {part: value / self.steps for part, value in spent.items()}


def step(seconds: float) -> Facts:
    """The parts of the fastest round of each way, all ways in turn; how many rounds there are does not follow `seconds`."""
    facts: Facts = {}
    for name, (make, batch, steps, rounds) in STEPPED.items():
        watch = Stopwatch()
        best: dict[str, dict[str, float]] = {}
        with (
            replaced(Op, "compute", watched_method(watch, "forward", Op.compute)),
            replaced(Op, "backward", watched_method(watch, "backward", Op.backward)),
            replaced(Optimizer, "apply", watched_method(watch, "optimizer", Optimizer.apply)),
        ):
            models = {}
            for way, (_, planned, _) in WAYS.items():
                keras.utils.set_random_seed(0)
                models[way] = model = keras.Sequential(make(keras.layers))
                loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
                model.compile("adam", loss, metrics=["accuracy"], run_eagerly=not planned)
            shape = models[way].input_shape[1:]
            x, y = drawn((batch * steps, *shape)), np.random.default_rng(0).integers(0, 10, batch * steps)
            for turn in range(rounds + 1):
                for way, (compiled, _, fuses) in WAYS.items():
                    told = Round(watch, steps)
                    joined = plan_module.fused if fuses else lambda records, kept: records
                    without = nullcontext() if compiled else kernels.disabled()
                    with without, replaced(plan_module, "fused", joined):
                        models[way].fit(x, y, batch_size=batch, verbose=0, lint=False, callbacks=[told])
                    if turn and (way not in best or sum(told.parts.values()) < sum(best[way].values())):
                        best[way] = told.parts
        facts[name] = best
    return facts


def watched_method(watch: Stopwatch, part: str, method: Callable[..., Any]) -> Any:
    inner = watch.watched(part, method)
    return lambda self, *args, **kwargs: inner(self, *args, **kwargs)  # a plain function, so that it binds


def faster_step(one: Facts, other: Facts) -> Facts:
    def whole(parts: dict[str, float]) -> float:
        return sum(parts.values())

    return {name: {way: min(one[name][way], other[name][way], key=whole) for way in WAYS} for name in one}


def tell_step(facts: Facts) -> None:
    for name, ways in facts.items():
        print(f"| {name}: ms a step | " + " | ".join(PARTS) + " | whole |\n|---|" + "---|" * (len(PARTS) + 1))
        for way, parts in ways.items():
            numbers = [*(parts[p] for p in PARTS), sum(parts.values())]
            print(f"| {way} | " + " | ".join(f"{1000 * n:.3g}" for n in numbers) + " |")


def draw_step(facts: Facts, machine: Facts) -> Path:
    canvas = Canvas(900, 84 + 226 * len(facts))
    left, right = 184, 830
    canvas.text(16, 24, "A training step by part, in six ways", 15)
    across = right + 54
    for part, colour in reversed(PARTS.items()):
        start = across - canvas.room([part], 12)
        canvas.text(start, 24, part, 12)
        canvas.box((start - 18, 18, start - 6, 30), colour)
        across = start - 34
    for place, (name, ways) in enumerate(facts.items()):
        top = 84 + 226 * place
        most = 1000 * max(sum(parts.values()) for parts in ways.values())
        axes = Axes(canvas, (left, top - 8, right, top + 152), (0, most * 1.02), (0, 1))
        ticks = round_ticks(0, most, 8)
        axes.frame([(t, tick_label(t, ticks)) for t in ticks], [])
        canvas.text(16, top - 24, f"{name}: milliseconds", 13)
        for row, (way, parts) in enumerate(ways.items()):
            y = top + 26 * row
            canvas.text(left - 10, y + 9, way, 12, across="right")
            so_far = 0.0
            for part, colour in PARTS.items():
                ends = [axes.at(1000 * value, 0)[0] for value in (so_far, so_far + parts[part])]
                canvas.box((ends[0], y, ends[1], y + 18), colour)
                so_far += parts[part]
            canvas.text(axes.at(1000 * so_far, 0)[0] + 6, y + 9, f"{1000 * so_far:.3g}", 12)
    canvas.text(16, canvas.height - 16, in_words(machine), 11, GREY)
    return canvas.save(FOLDER / "step.png")


# -- Winograd -------------------------------------------------------------------------------------------------------

METHODS = {"plain sum": (1, BLACK), "F(2x2, 3x3)": (2, BLUE), "F(4x4, 3x3)": (4, ORANGE)}
SIDE, PICTURES = 16, 32


def exact(x: Array, kernel: Array) -> Array:
    """The convolution with a frame of zeros, in float64."""
    wide = np.pad(x.astype("float64"), ((0, 0), (1, 1), (1, 1), (0, 0)))
    taps = [(i, j) for i in range(3) for j in range(3)]
    return sum(wide[:, i : i + x.shape[1], j : j + x.shape[2]] @ kernel[i, j].astype("float64") for i, j in taps)


def winograd(seconds: float) -> Facts:
    facts: Facts = {}
    for c in (8, 16, 32, 64, 128, 256):
        x, kernel = drawn((PICTURES, SIDE, SIDE, c)), drawn((3, 3, c, c), 1, 1 / math.sqrt(9 * c))
        truth = exact(x[:4], kernel)
        spread = math.sqrt(float(np.mean(truth**2)))
        error: dict[str, float] = {}
        ways: dict[str, Callable[[], Array]] = {}
        for name, (method, _) in METHODS.items():

            def call(pictures: Array, method: int = method, kernel: Array = kernel) -> Array:
                y: Array = kernels.native.conv3x3(pictures, kernel, None, (1, 1, 1, 1), 0, False, method)
                return y

            error[name] = float(np.abs(call(x[:4]) - truth).max()) / spread
            ways[name] = functools.partial(call, x)
        took = fastest(ways, seconds)
        facts[str(c)] = {n: {"microseconds": 1e6 * took[n] / PICTURES, "error": error[n]} for n in METHODS}
    return facts


def faster_winograd(one: Facts, other: Facts) -> Facts:
    def took(of: dict[str, float]) -> float:
        return of["microseconds"]

    return {c: {name: min(one[c][name], other[c][name], key=took) for name in METHODS} for c in one}


def tell_winograd(facts: Facts) -> None:
    names = list(METHODS)
    print("| C = F | " + " | ".join(f"{n}: us a picture, error" for n in names) + " |\n|---|" + "---|" * len(names))
    for c, of in facts.items():
        times = [float(f"{of[n]['microseconds']:.3g}") for n in names]
        cells = [f"{t:,g}, {of[n]['error']:.1e}" for t, n in zip(times, names, strict=True)]
        print(f"| {c} | " + " | ".join(cells) + " |")


def draw_winograd(facts: Facts, machine: Facts) -> Path:
    canvas = Canvas(1000, 440)
    canvas.text(16, 24, f"A 3x3 convolution of {SIDE} x {SIDE} pictures, C channels to C filters", 15)
    canvas.legend(984, 24, [(name, colour, False) for name, (_, colour) in METHODS.items()])
    channels = [int(c) for c in facts]
    xs = [math.log2(c) for c in channels]
    span = (xs[0] - 0.3, xs[-1] + 0.3)
    x_ticks = [(x, str(c)) for x, c in zip(xs, channels, strict=True)]

    def values(name: str, what: str) -> list[float]:
        return [of[name][what] for of in facts.values()]

    def panel(
        left: float,
        title: str,
        y: tuple[float, float],
        ticks: list[tuple[float, str]],
        of: Callable[[str], list[float]],
    ) -> None:
        axes = Axes(canvas, (left, 84, left + 258, 362), span, y)
        axes.frame(x_ticks, ticks, "C")
        canvas.text(left, 64, title, 13)
        for name, (_, colour) in METHODS.items():
            axes.curve(xs, of(name), colour)

    def powers(low: int, high: int, one: str) -> list[tuple[float, str]]:
        return [(p, one.format(10**p) if p >= 0 else f"1e{p}") for p in range(low, high + 1)]

    every = [math.log10(v) for name in METHODS for v in values(name, "microseconds")]
    low, high = math.floor(min(every)), math.ceil(max(every))
    panel(
        56, "microseconds a picture", (low, high), powers(low, high, "{:g}"),
        lambda name: [math.log10(v) for v in values(name, "microseconds")],
    )  # fmt: skip
    plain = values("plain sum", "microseconds")
    most = math.ceil(max(p / v for name in METHODS for p, v in zip(plain, values(name, "microseconds"), strict=True)))
    panel(
        386, "times as fast as the plain sum", (0, most), [(t, str(t)) for t in range(most + 1)],
        lambda name: [p / v for p, v in zip(plain, values(name, "microseconds"), strict=True)],
    )  # fmt: skip
    every = [math.log10(v) for name in METHODS for v in values(name, "error")]
    low, high = math.floor(min(every)), math.ceil(max(every))
    panel(
        724, "largest error / rms of the result", (low, high), powers(low, high, "{:g}"),
        lambda name: [math.log10(v) for v in values(name, "error")],
    )  # fmt: skip
    canvas.text(16, canvas.height - 16, in_words(machine), 11, GREY)
    return canvas.save(FOLDER / "winograd.png")


# -- all of it ------------------------------------------------------------------------------------------------------


class Figure(NamedTuple):
    measure: Callable[[float], Facts]
    faster: Callable[[Facts, Facts], Facts]
    tell: Callable[[Facts], None]
    draw: Callable[[Facts, Facts], Path]


FIGURES = {
    "roofline": Figure(roofline, faster_roofline, tell_roofline, draw_roofline),
    "step": Figure(step, faster_step, tell_step, draw_step),
    "winograd": Figure(winograd, faster_winograd, tell_winograd, draw_winograd),
}


def machine_now() -> Facts:
    info = kernels.info()
    return {
        "what": f"{processor()}, {info['isa']}, {info['threads']} threads; Python {platform.python_version()}, "
        f"NumPy {np.__version__}",
        "date": str(date.today()),
        "loads": [round(os.getloadavg()[0], 1)],
    }


def in_words(machine: Facts) -> str:
    low, high = min(machine["loads"]), max(machine["loads"])
    return f"{machine['what']}; {machine['date']}, load before {low if low == high else f'{low} to {high}'}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("figure", nargs="*", help=f"{', '.join(FIGURES)}; all, unless told")
    parser.add_argument("--seconds", type=float, default=0.3, help="for each thing that is timed, about")
    parser.add_argument("--more", action="store_true", help="keep what was measured before where that was faster")
    parser.add_argument("--draw", action="store_true", help="draw from what was measured before")
    options = parser.parse_args()
    if unknown := set(options.figure) - set(FIGURES):
        parser.error(f"Expected figures among {', '.join(FIGURES)}. Received: {', '.join(sorted(unknown))}.")
    if kernels.native is None and not options.draw:
        parser.error("The figures compare the compiled kernels, and there are none here. See `neurona doctor`.")
    known: Facts = json.loads(MEASURED.read_text()) if MEASURED.exists() else {}
    FOLDER.mkdir(parents=True, exist_ok=True)
    machine = machine_now()  # once: the load that a later figure would meet is our own
    for name in options.figure or FIGURES:
        figure = FIGURES[name]
        if not options.draw:
            now = {"machine": machine, "facts": figure.measure(options.seconds)}
            if options.more and name in known:
                loads = [*known[name]["machine"]["loads"], *machine["loads"]]
                now = {
                    "machine": {**machine, "loads": loads},
                    "facts": figure.faster(known[name]["facts"], now["facts"]),
                }
            known[name] = now
            MEASURED.write_text(json.dumps(known, indent=1) + "\n")
        print(f"\n{name}: {in_words(known[name]['machine'])}")
        figure.tell(known[name]["facts"])
        print(figure.draw(known[name]["facts"], known[name]["machine"]))


if __name__ == "__main__":
    main()
