"""Measure what a user waits for and carries: import, first step, one prediction, installed size.

python benchmarks/footprint.py            import, first step, one picture
python benchmarks/footprint.py --install  also the size of a fresh environment with `pip install .`
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parent.parent

IMPORT = "import time; t = time.perf_counter(); import neurona; print(time.perf_counter() - t)"
USE = """
import time; t = time.perf_counter()
import neurona as keras
keras.Sequential, keras.layers, keras.losses, keras.optimizers
print(time.perf_counter() - t)
"""
FIRST_STEP = """
import time; t = time.perf_counter()
import numpy as np
import neurona as keras
model = keras.Sequential([keras.Input((784,)), keras.layers.Dense(128, activation="relu"), keras.layers.Dense(10)])
model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
model.fit(np.ones((32, 784), "float32"), np.arange(32) % 10, verbose=0, lint=False)
print(time.perf_counter() - t)
"""


def median_of(program: str, runs: int = 9) -> float:
    """Median seconds that `program` prints, in processes of their own."""
    times = []
    for _ in range(runs):
        done = subprocess.run(
            [sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT / "benchmarks"
        )
        times.append(float(done.stdout))
    return statistics.median(times)


def one_picture() -> dict[str, float]:
    """Milliseconds of `predict` for one picture, on the network of the first lesson and on three layers of 1,024."""
    import numpy as np

    import neurona as keras

    found = {}
    for name, hidden in (("784-128-10", [128]), ("784-1024-1024-1024-10", [1024] * 3)):
        layers = [keras.layers.Dense(n, activation="relu") for n in hidden]
        model = keras.Sequential([keras.Input((784,)), *layers, keras.layers.Dense(10)])
        x = np.ones((1, 784), "float32")
        for _ in range(20):
            model.predict(x, verbose=0)
        times = []
        for _ in range(300):
            began = time.perf_counter()
            model.predict(x, verbose=0)
            times.append(time.perf_counter() - began)
        found[name] = statistics.median(times) * 1000
    return found


def installed_size() -> dict[str, float]:
    """Megabytes that `pip install .` adds to a fresh environment, and the seconds it took."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        site = next(Path(folder).glob("lib/python*/site-packages"))

        def size() -> int:
            return sum(p.stat().st_size for p in site.rglob("*") if p.is_file() and not p.is_symlink())

        before, began = size(), time.perf_counter()
        subprocess.run([f"{folder}/bin/python", "-m", "pip", "install", "-q", str(ROOT)], check=True)
        seconds = time.perf_counter() - began
        parts = {
            p.name: sum(f.stat().st_size for f in p.rglob("*") if f.is_file()) / 1e6
            for p in site.iterdir()
            if p.is_dir()
        }
        largest = dict(sorted(parts.items(), key=lambda pair: -pair[1])[:12])
        return {"megabytes": (size() - before) / 1e6, "seconds": seconds, **{f"MB {k}": v for k, v in largest.items()}}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--install", action="store_true")
    options = parser.parse_args()
    found = {
        "import_ms": median_of(IMPORT) * 1000,
        "import_and_use_ms": median_of(USE) * 1000,
        "first_step_ms": median_of(FIRST_STEP) * 1000,
        "one_picture_ms": one_picture(),
    }
    if options.install:
        found["install"] = installed_size()
    print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
