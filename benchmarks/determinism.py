"""Does the same seed give the same weights? Train each recogniser several times, and once with one thread.

    python benchmarks/determinism.py [--times 5] [--epochs 1]

Every training is a process of its own (`neurona train NAME --recipe tutorial --seed 3`). Told is, for each recogniser, a hash
over the names, types, shapes and bytes of all weights; the exit status is 1 if any two differ.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import subprocess
import sys
import tempfile
from pathlib import Path

NAMES = ("clothes", "digits", "objects", "reviews")


def digest(run: Path) -> str:
    """A hash of the weights of the model that a run kept."""
    import neurona as keras

    found = hashlib.sha256()
    for variable in keras.models.load_model(run / "model.keras").weights:
        array = variable.numpy()
        found.update(f"{variable.path} {array.dtype} {array.shape}".encode())
        found.update(array.tobytes())
    return found.hexdigest()[:16]


def train(name: str, threads: int, epochs: int) -> str:
    """The hash of the weights after a training in a fresh process."""
    with tempfile.TemporaryDirectory() as folder:
        run = Path(folder) / "run"
        command = [sys.executable, "-m", "neurona", "train", name, "--recipe", "tutorial", "--seed", "3"]
        command += ["--epochs", str(epochs), "--no-baselines", "--offline", "--run", str(run)]
        environment = {**os.environ, "NEURONA_NUM_THREADS": str(threads)}
        subprocess.run(command, env=environment, check=True, capture_output=True)
        return digest(run)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, default=5, help="trainings with two threads")
    parser.add_argument("--epochs", type=int, default=1)
    options = parser.parse_args()
    differ = False
    for name in NAMES:
        two = [train(name, 2, options.epochs) for _ in range(options.times)]
        one = train(name, 1, options.epochs)
        alike = len(set(two)) == 1
        differ |= not alike or one != two[0]
        says = "identical" if alike else "DIFFERENT"
        print(f"{name:<8} {options.times} times with two threads: {says} ({', '.join(sorted(set(two)))})", flush=True)
        print(f"{'':<8} one thread: {'identical' if one == two[0] else 'DIFFERENT'} ({one})", flush=True)
    return int(differ)


if __name__ == "__main__":
    sys.exit(main())
