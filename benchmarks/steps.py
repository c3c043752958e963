"""Time one training step of known networks beside the peers, through each one's ordinary training interface.

    python benchmarks/steps.py --peer tensorflow=PYTHON --peer jax=PYTHON --peer torch=PYTHON [--network mnist-cnn ...]

Each PYTHON is the interpreter of an environment where that peer is installed (TensorFlow and JAX through Keras 3's `fit`,
PyTorch through a plain loop, pictures in the faster of its two layouts). The engines are timed in turn, in processes of
their own, several rounds. Told are the median and the best round, the most memory a process held, and the loss of the last
epoch, so that nobody is timed on different work. Shuffling is included; the first epoch, which warms up, is not.

    dnn-small   784-128-10, relu, batch 32
    dnn-deep    784-512-256-128-10, relu, dropout 0.2, batch 128
    mnist-cnn   28x28x1, [3x3 convolution, relu, 2x2 pooling] of 32 and 64, dropout 0.5, dense 10, batch 128
    cifar-cnn   32x32x3, 3x3 convolutions of 32, 64 and 64 with relu, pooling between, dense 64, dense 10, batch 32
    vgg-bn      32x32x3, [3x3 same convolution, batch norm, relu] twice and pooling, of 64, 128, 256, dense 10, batch 128
    lstm        200 words of 10,000, embedding 32, LSTM 64, dense 1, batch 32
    gru         the same with GRU 64
    bilstm      200 words of 20,000, embedding 128, two bidirectional LSTMs of 64, dense 1, batch 32
    imdb-lstm   500 words of 10,000, embedding 32, LSTM 100, dropout 0.15, dense 1, batch 256: the setting of PyTorch's
                issue 94457, "LSTM on CPU is significantly slower on PyTorch compared to other frameworks"

All with Adam. The engine `numpy` is Neurona without its kernels.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any


def _vgg() -> list[tuple[Any, ...]]:
    parts: list[tuple[Any, ...]] = []
    for filters in (64, 128, 256):
        parts += [("conv", filters, "same", None, False), ("norm",), ("relu",)] * 2 + [("pool",)]
    return [*parts, ("average",), ("dense", 10, None)]


#: name -> shape of a sample, batch, samples in an epoch, epochs, layers.
NETWORKS: dict[str, tuple[tuple[int, ...], int, int, int, list[tuple[Any, ...]]]] = {
    "dnn-small": ((784,), 32, 20_000, 4, [("dense", 128, "relu"), ("dense", 10, None)]),
    "dnn-deep": ((784,), 128, 20_000, 4,
                 [part for units in (512, 256, 128) for part in (("dense", units, "relu"), ("dropout", 0.2))]
                 + [("dense", 10, None)]),
    "mnist-cnn": ((28, 28, 1), 128, 6_400, 4,
                  [("conv", 32, "valid", "relu", True), ("pool",), ("conv", 64, "valid", "relu", True), ("pool",),
                   ("flatten",), ("dropout", 0.5), ("dense", 10, None)]),
    "cifar-cnn": ((32, 32, 3), 32, 3_200, 4,
                  [("conv", 32, "valid", "relu", True), ("pool",), ("conv", 64, "valid", "relu", True), ("pool",),
                   ("conv", 64, "valid", "relu", True), ("flatten",), ("dense", 64, "relu"), ("dense", 10, None)]),
    "vgg-bn": ((32, 32, 3), 128, 1_024, 3, _vgg()),
    "lstm": ((200,), 32, 3_200, 4, [("embedding", 10_000, 32), ("lstm", 64), ("dense", 1, None)]),
    "gru": ((200,), 32, 3_200, 4, [("embedding", 10_000, 32), ("gru", 64), ("dense", 1, None)]),
    "bilstm": ((200,), 32, 1_280, 3,
               [("embedding", 20_000, 128), ("bilstm", 64, True), ("bilstm", 64, False), ("dense", 1, None)]),
    "imdb-lstm": ((500,), 256, 2_560, 3,
                  [("embedding", 10_000, 32), ("lstm", 100), ("dropout", 0.15), ("dense", 1, None)]),
}  # fmt: skip


def of_words(name: str) -> bool:
    """Whether a network reads sequences of word numbers, in two classes."""
    return bool(NETWORKS[name][4][0][0] == "embedding")


def data(name: str) -> tuple[Any, Any]:
    """Something to learn, the same for all: ten classes of noisy patterns, or two classes that share half of their words."""
    import numpy as np

    rng = np.random.default_rng(0)
    shape, _, samples, _, parts = NETWORKS[name]
    if of_words(name):
        words = parts[0][1]
        labels = rng.integers(0, 2, samples)
        return (
            (rng.integers(0, words // 2, (samples, *shape)) + labels[:, None] * (words // 4)).astype("int32"),
            labels[:, None].astype("float32"),
        )
    labels = rng.integers(0, 10, samples)
    patterns = rng.random((10, *shape), "float32")
    noise = rng.normal(0, 0.5, (samples, *shape))
    return (patterns[labels] + noise).astype("float32"), labels.astype("int32")


def with_keras(engine: str, name: str) -> tuple[list[float], float]:
    """Seconds for each epoch and the last loss, by Keras 3's interface (also ours)."""
    if engine in ("neurona", "numpy"):
        import neurona as keras
    else:
        os.environ["KERAS_BACKEND"] = engine
        import keras
    shape, batch, _, epochs, parts = NETWORKS[name]
    x, y = data(name)
    keras.utils.set_random_seed(0)
    make = {
        "embedding": keras.layers.Embedding,
        "lstm": keras.layers.LSTM,
        "gru": keras.layers.GRU,
        "bilstm": lambda units, whole: keras.layers.Bidirectional(keras.layers.LSTM(units, return_sequences=whole)),
        "dense": lambda units, activation: keras.layers.Dense(units, activation=activation),
        "dropout": keras.layers.Dropout,
        "conv": lambda filters, padding, activation, bias: keras.layers.Conv2D(
            filters, 3, padding=padding, activation=activation, use_bias=bias
        ),
        "norm": keras.layers.BatchNormalization,
        "relu": keras.layers.ReLU,
        "pool": keras.layers.MaxPooling2D,
        "average": keras.layers.GlobalAveragePooling2D,
        "flatten": keras.layers.Flatten,
    }
    loss = keras.losses.BinaryCrossentropy if of_words(name) else keras.losses.SparseCategoricalCrossentropy
    model = keras.Sequential([keras.Input(shape, dtype=x.dtype.name), *(make[part[0]](*part[1:]) for part in parts)])
    model.compile("adam", loss(from_logits=True), metrics=["accuracy"])
    times: list[float] = []

    class Clock(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
            self.began = time.perf_counter()

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            times.append(time.perf_counter() - self.began)

    history = model.fit(x, y, batch_size=batch, epochs=epochs, verbose=0, callbacks=[Clock()])
    return times, history.history["loss"][-1]


def with_torch(name: str, layout: str) -> tuple[list[float], float]:
    """The same by PyTorch, in a plain loop; pictures with channels first, or last in memory."""
    import torch

    torch.manual_seed(0)
    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    shape, batch, samples, epochs, parts = NETWORKS[name]
    x, y = (torch.from_numpy(a) for a in data(name))
    words = of_words(name)
    y = y if words else y.long()
    last = layout == "last" and len(shape) == 3
    if len(shape) == 3:
        x = x.permute(0, 3, 1, 2)
        x = x.contiguous(memory_format=torch.channels_last if last else torch.contiguous_format)

    class Recurrent(torch.nn.Module):
        """A recurrent layer that gives its whole output, or the last step's of each direction."""

        def __init__(self, layer: Any, whole: bool) -> None:
            super().__init__()
            self.layer, self.whole = layer, whole

        def forward(self, x: Any) -> Any:
            y, last = self.layer(x)
            if self.whole:
                return y
            h = last[0] if isinstance(last, tuple) else last
            return torch.cat(tuple(h), dim=1)

    class Average(torch.nn.Module):
        def forward(self, pictures: Any) -> Any:
            return pictures.mean((2, 3))

    width = 0  # of what a recurrent layer gets: PyTorch has no lazy one

    def module(part: tuple[Any, ...]) -> list[Any]:
        nonlocal width
        kind = part[0]
        if kind == "embedding":
            width = part[2]
            return [torch.nn.Embedding(part[1], part[2])]
        if kind in ("lstm", "gru", "bilstm"):
            both = kind == "bilstm"
            make = torch.nn.GRU if kind == "gru" else torch.nn.LSTM
            layer = Recurrent(make(width, part[1], batch_first=True, bidirectional=both), both and part[2])
            width = part[1] * (1 + both)
            return [layer]
        if kind == "dense":
            return [torch.nn.LazyLinear(part[1])] + [torch.nn.ReLU()] * (part[2] == "relu")
        if kind == "conv":
            convolution = torch.nn.LazyConv2d(part[1], 3, padding=part[2], bias=part[4])
            return [convolution] + [torch.nn.ReLU()] * (part[3] == "relu")
        return [
            {
                "dropout": lambda: torch.nn.Dropout(part[1]),
                "norm": torch.nn.LazyBatchNorm2d,
                "relu": torch.nn.ReLU,
                "pool": lambda: torch.nn.MaxPool2d(2),
                "average": Average,
                "flatten": torch.nn.Flatten,
            }[kind]()
        ]

    model = torch.nn.Sequential(*(m for part in parts for m in module(part)))
    model(x[:2])  # the lazy modules take their sizes
    if last:
        model = model.to(memory_format=torch.channels_last)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, eps=1e-7)
    criterion = torch.nn.BCEWithLogitsLoss() if words else torch.nn.CrossEntropyLoss()
    times = []
    for _ in range(epochs):
        began, total, right = time.perf_counter(), torch.zeros(()), torch.zeros(())
        order = torch.randperm(samples)
        for start in range(0, samples, batch):
            index = order[start : start + batch]
            optimizer.zero_grad(set_to_none=True)
            logits = model(x[index])
            loss = criterion(logits, y[index])
            loss.backward()
            optimizer.step()
            total += loss.detach() * len(index)
            said = (logits.detach() > 0) if words else logits.detach().argmax(1)
            right += (said == y[index]).sum()
        value = float(total) / samples
        times.append(time.perf_counter() - began)
    return times, value


def worker(engine: str, name: str) -> None:
    """Time one engine on one network, in this process; print one JSON line."""
    if engine.startswith("torch"):
        times, loss = with_torch(name, engine.partition("-")[2])
    else:
        times, loss = with_keras(engine, name)
    _, batch, samples, *_ = NETWORKS[name]
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"ms": min(times[1:]) / -(-samples // batch) * 1000, "loss": loss, "mb": round(most)}))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peer", action="append", default=[], metavar="NAME=PYTHON", help="tensorflow, jax or torch")
    parser.add_argument("--network", action="append", choices=list(NETWORKS), help="all, unless told")
    parser.add_argument("--numpy", action="store_true", help="time Neurona without kernels too")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--out", type=Path, help="write the figures as JSON")
    parser.add_argument("--worker", nargs=2, metavar=("ENGINE", "NETWORK"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        worker(*options.worker)
        return
    engines = {"neurona": sys.executable, **({"numpy": sys.executable} if options.numpy else {})}
    for peer in options.peer:
        name, python = peer.split("=", 1)
        engines |= {"torch-first": python, "torch-last": python} if name == "torch" else {name: python}
    count = str(options.threads)
    environment = {
        **os.environ, "OMP_NUM_THREADS": count, "TF_NUM_INTRAOP_THREADS": count, "TF_NUM_INTEROP_THREADS": count,
        "NEURONA_NUM_THREADS": count, "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "",
    }  # fmt: skip
    networks = options.network or list(NETWORKS)
    found: dict[str, dict[str, list[dict[str, float]]]] = {n: {} for n in networks}
    for _ in range(options.rounds):
        for name in networks:
            for engine, python in engines.items():
                if engine == "torch-last" and len(NETWORKS[name][0]) == 1:
                    continue  # no pictures, no layouts
                setting = {"NEURONA_KERNELS": "off"} if engine == "numpy" else {}
                command = [python, __file__, "--worker", engine, name]
                done = subprocess.run(command, env=environment | setting, capture_output=True, text=True, check=False)
                if done.returncode:
                    sys.exit(f"{engine} on {name} failed:\n{done.stderr}")
                found[name].setdefault(engine, []).append(json.loads(done.stdout.strip().splitlines()[-1]))
    print(f"{platform.processor() or platform.machine()}, {count} threads, {options.rounds} rounds; ms a step")
    for name, by_engine in found.items():
        print(name)
        ours = statistics.median(r["ms"] for r in by_engine["neurona"])
        for engine, results in by_engine.items():
            times = [r["ms"] for r in results]
            middle = statistics.median(times)
            print(
                f"  {engine:<11} median {middle:8.3f}   best {min(times):8.3f}   {middle / ours:5.2f} x ours   "
                f"memory {statistics.median(r['mb'] for r in results):5.0f} MB   loss {results[-1]['loss']:.4f}"
            )
    if options.out:
        options.out.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
