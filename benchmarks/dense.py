"""Time one training step of the two dense networks, beside the peers, through each one's ordinary training interface.

    python benchmarks/dense.py --peer tensorflow=PYTHON --peer jax=PYTHON --peer torch=PYTHON

Each PYTHON is the interpreter of an environment where that peer is installed (TensorFlow and JAX through Keras 3's `fit`,
PyTorch through a plain loop). The engines are timed in turn, in processes of their own, several rounds; the median and the
best round are told, and the loss of the last epoch, so that nobody is timed on different work. Shuffling is included.

    dnn-small   784-128-10, relu, batch 32, Adam          dnn-deep   784-512-256-128-10, relu, dropout 0.2, batch 128, Adam
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

NETWORKS: dict[str, dict[str, Any]] = {
    "dnn-small": {"hidden": [128], "dropout": 0.0, "batch": 32},
    "dnn-deep": {"hidden": [512, 256, 128], "dropout": 0.2, "batch": 128},
}
SAMPLES, EPOCHS = 20_000, 4  # the first epoch warms up


def data() -> tuple[Any, Any]:
    """Ten classes of noisy patterns: something to learn, the same for all."""
    import numpy as np

    rng = np.random.default_rng(0)
    labels = rng.integers(0, 10, SAMPLES)
    patterns = rng.random((10, 784), "float32")
    return (patterns[labels] + rng.normal(0, 0.5, (SAMPLES, 784))).astype("float32"), labels.astype("int32")


def with_keras(engine: str, network: dict[str, Any]) -> tuple[list[float], float]:
    """Seconds for each epoch and the last loss, by Keras 3's interface (also ours)."""
    if engine == "neurona":
        import neurona as keras
    else:
        os.environ["KERAS_BACKEND"] = engine
        import keras
    x, y = data()
    keras.utils.set_random_seed(0)
    layers = [keras.Input((784,))]
    for units in network["hidden"]:
        layers.append(keras.layers.Dense(units, activation="relu"))
        if network["dropout"]:
            layers.append(keras.layers.Dropout(network["dropout"]))
    model = keras.Sequential([*layers, keras.layers.Dense(10)])
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"])
    times: list[float] = []

    class Clock(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
            self.began = time.perf_counter()

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            times.append(time.perf_counter() - self.began)

    history = model.fit(x, y, batch_size=network["batch"], epochs=EPOCHS, verbose=0, callbacks=[Clock()])
    return times, history.history["loss"][-1]


def with_torch(network: dict[str, Any]) -> tuple[list[float], float]:
    """The same by PyTorch, in a plain loop."""
    import torch

    torch.manual_seed(0)
    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    x, y = (torch.from_numpy(a) for a in data())
    y = y.long()
    parts: list[Any] = []
    width = 784
    for units in network["hidden"]:
        parts += [torch.nn.Linear(width, units), torch.nn.ReLU()]
        parts += [torch.nn.Dropout(network["dropout"])] if network["dropout"] else []
        width = units
    model = torch.nn.Sequential(*parts, torch.nn.Linear(width, 10))
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, eps=1e-7)
    criterion = torch.nn.CrossEntropyLoss()
    times, batch = [], network["batch"]
    for _ in range(EPOCHS):
        began, total, right = time.perf_counter(), torch.zeros(()), torch.zeros(())
        order = torch.randperm(SAMPLES)
        for start in range(0, SAMPLES, batch):
            index = order[start : start + batch]
            optimizer.zero_grad(set_to_none=True)
            logits = model(x[index])
            loss = criterion(logits, y[index])
            loss.backward()
            optimizer.step()
            total += loss.detach() * len(index)
            right += (logits.detach().argmax(1) == y[index]).sum()
        last = float(total) / SAMPLES
        times.append(time.perf_counter() - began)
    return times, last


def worker(engine: str, name: str) -> None:
    """Time one engine on one network, in this process; print one JSON line."""
    network = NETWORKS[name]
    times, loss = with_torch(network) if engine == "torch" else with_keras(engine, network)
    steps = -(-SAMPLES // network["batch"])
    print(json.dumps({"ms": min(times[1:]) / steps * 1000, "loss": loss}))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peer", action="append", default=[], metavar="NAME=PYTHON", help="tensorflow, jax or torch")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--out", type=Path, help="write the figures as JSON")
    parser.add_argument("--worker", nargs=2, metavar=("ENGINE", "NETWORK"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        worker(*options.worker)
        return
    engines = {"neurona": sys.executable, **dict(peer.split("=", 1) for peer in options.peer)}
    count = str(options.threads)
    environment = {
        **os.environ, "OMP_NUM_THREADS": count, "TF_NUM_INTRAOP_THREADS": count, "TF_NUM_INTEROP_THREADS": count,
        "NEURONA_NUM_THREADS": count, "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "",
    }  # fmt: skip
    found: dict[str, dict[str, list[dict[str, float]]]] = {n: {e: [] for e in engines} for n in NETWORKS}
    for _ in range(options.rounds):
        for name in NETWORKS:
            for engine, python in engines.items():
                command = [python, __file__, "--worker", engine, name]
                done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
                found[name][engine].append(json.loads(done.stdout.strip().splitlines()[-1]))
    print(f"{platform.processor() or platform.machine()}, {count} threads, {options.rounds} rounds; ms a step")
    for name, by_engine in found.items():
        print(name)
        ours = statistics.median(r["ms"] for r in by_engine["neurona"])
        for engine, results in by_engine.items():
            times = [r["ms"] for r in results]
            middle = statistics.median(times)
            print(
                f"  {engine:<11} median {middle:7.3f}   best {min(times):7.3f}   {middle / ours:5.2f} x ours   "
                f"loss {results[-1]['loss']:.4f}"
            )
    if options.out:
        options.out.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
