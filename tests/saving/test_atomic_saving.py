"""Saving is all or nothing: kills, full disks and two writers leave an old file or a new one, whole."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import neurona as keras
from neurona.errors import SavingError
from neurona.layers import Dense, Input
from neurona.saving.atomic import atomic_file

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="kills and limits need POSIX")

SAVERS: dict[str, Callable[[Any, Path], Any]] = {
    "m.keras": lambda model, path: model.save(path),
    "m.weights.h5": lambda model, path: model.save_weights(path),
    "m.weights.json": lambda model, path: model.save_weights(path, max_shard_size=0.0001),
    "m": lambda model, path: model.save(path, zipped=False),
}

# Forks a child that saves two models in turn, kills it at some moment, and loads what is there. Prints the litter left.
KILLED = """
import os, signal, sys, time
from pathlib import Path
import numpy as np
import neurona as keras
from neurona.layers import Dense, Input

path, rounds = Path(sys.argv[1]), int(sys.argv[2])
save = {
    ".keras": lambda m: m.save(path),
    ".h5": lambda m: m.save_weights(path),
    ".json": lambda m: m.save_weights(path, max_shard_size=0.0001),
}[path.suffix]
models = []
for value in (1.0, 2.0):
    model = keras.Sequential([Input((64,)), Dense(128), Dense(128)])
    model.set_weights([np.full(w.shape, value, "float32") for w in model.weights])
    models.append(model)
save(models[0])
begun = time.perf_counter()
save(models[1])
save(models[0])
takes = time.perf_counter() - begun
reader = keras.Sequential([Input((64,)), Dense(128), Dense(128)])
rng = np.random.default_rng(0)
seen = set()
for round in range(300):
    if round >= rounds and len(seen) == 2:
        break  # both were there: the kills came at many moments
    child = os.fork()
    if child == 0:
        while True:
            save(models[1])
            save(models[0])
    time.sleep(float(rng.uniform(0.0, 3 * takes)))
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    reader.load_weights(path)
    values = {float(n) for w in reader.get_weights() for n in w.ravel()}
    assert len(values) == 1 and values <= {1.0, 2.0}, values
    seen |= values
print("seen", sorted(seen))
for left in path.parent.glob(".*.part"):
    os.utime(left, (1, 1))
save(models[0])
print("litter", sorted(p.name for p in path.parent.iterdir() if p.name.startswith(".")))
"""


@pytest.mark.parametrize("name", ["m.keras", "m.weights.h5", "m.weights.json"])
def test_a_kill_leaves_the_old_file_or_the_new(name: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", KILLED, str(tmp_path / name), "8"],
        capture_output=True, text=True, timeout=120, env={**os.environ, "NEURONA_NUM_THREADS": "1"}, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    assert "seen [1.0, 2.0]" in done.stdout
    assert "litter []" in done.stdout or name.endswith(".json")  # files of a map that never was have names of their own


def two_models() -> tuple[Any, Any]:
    models = []
    for value in (1.0, 2.0):
        model = keras.Sequential([Input((64,)), Dense(128), Dense(128)])
        model.set_weights([np.full(w.shape, value, "float32") for w in model.weights])
        models.append(model)
    return models[0], models[1]


def everything(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


@pytest.mark.parametrize("name", SAVERS)
@pytest.mark.parametrize("room", [0, 100, 20_000])
def test_a_file_that_does_not_fit_leaves_the_old_one(name: str, room: int, tmp_path: Path) -> None:
    """The system refuses bytes beyond a limit, as a full disk would."""
    resource = pytest.importorskip("resource", reason="limits need POSIX")
    old, new = two_models()
    SAVERS[name](old, tmp_path / name)
    before = everything(tmp_path)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, hard))
    try:
        with pytest.raises(SavingError, match="Cannot write"):
            SAVERS[name](new, tmp_path / name)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert everything(tmp_path) == before, "the old files are whole, and nothing else is there"
    SAVERS[name](new, tmp_path / name)
    assert everything(tmp_path) != before


def interrupted(path: Path, trouble: type[BaseException]) -> None:
    with atomic_file(path) as stream:
        stream.write(b"new")
        raise trouble


def test_what_interrupts_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"old")
    for trouble in (KeyboardInterrupt, MemoryError, SystemExit):
        with pytest.raises(trouble):
            interrupted(path, trouble)
    assert everything(tmp_path) == {"x": b"old"}


def test_what_a_killed_process_left_is_taken_away(tmp_path: Path) -> None:
    path = tmp_path / "a[1].keras"
    left = tmp_path / f".{path.name}.0123abcd.part"
    others = [
        tmp_path / n
        for n in (".a[1].keras.part", ".other.keras.0123abcd.part", ".a1.keras.0123abcd.part", "0123abcd.part")
    ]
    for file in (left, *others):
        file.write_bytes(b"half")
        os.utime(file, (1, 1))
    fresh = tmp_path / f".{path.name}.89abcdef.part"
    fresh.write_bytes(b"just begun by somebody else")
    with atomic_file(path) as stream:
        stream.write(b"whole")
        written = next(tmp_path.glob(f".{glob_escaped(path.name)}.*.part"))
        assert written.exists()
    assert path.read_bytes() == b"whole" and not left.exists()
    assert fresh.exists() and all(file.exists() for file in others)


def glob_escaped(name: str) -> str:
    return name.replace("[", "[[]")


def test_what_another_process_is_writing_stays(tmp_path: Path) -> None:
    """However long it takes: the lock tells."""
    path = tmp_path / "m.keras"
    with atomic_file(path) as slow:
        slow.write(b"slow")
        slow.flush()
        part = next(tmp_path.glob(".m.keras.*.part"))
        os.utime(part, (1, 1))
        with atomic_file(path) as quick:
            quick.write(b"quick")
        assert part.exists() and path.read_bytes() == b"quick"
    assert everything(tmp_path) == {"m.keras": b"slow"}


def test_many_writers_leave_one_whole_file(tmp_path: Path) -> None:
    path = tmp_path / "m"
    trouble: list[BaseException] = []

    def write(value: int) -> None:
        try:
            for _ in range(20):
                with atomic_file(path) as stream:
                    stream.write(bytes([value]) * 10_000)
        except BaseException as error:
            trouble.append(error)

    threads = [threading.Thread(target=write, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    data = path.read_bytes()
    assert not trouble and len(data) == 10_000 and len(set(data)) == 1
    assert [p.name for p in tmp_path.iterdir()] == ["m"]


@pytest.mark.parametrize("place", ["missing/m.keras", "file/m.keras"])
def test_places_that_cannot_be_written_are_told(place: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(SavingError, match="Cannot write"):
        two_models()[0].save(tmp_path / place)
    assert everything(tmp_path) == {"file": b""}
