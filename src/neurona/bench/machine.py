"""The machine: what it is called, and the fastest product of matrices it was seen to do."""

from __future__ import annotations

import contextlib
import os
import platform
import subprocess
import sys
import time
from typing import Any

import numpy as np

from neurona import __version__, kernels
from neurona.bench.race import worker_environment
from neurona.ops.fused.dense import dense

__all__ = ["describe", "memory", "processor", "product_speed"]


def processor() -> str:
    """The processor's name, where the system tells it."""
    with contextlib.suppress(OSError), open("/proc/cpuinfo", encoding="utf-8") as lines:
        for line in lines:
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


def memory() -> float | None:
    """Gigabytes of memory, where the system tells it."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    except (AttributeError, ValueError, OSError):
        return None


def product_speed(seconds: float = 2.0) -> float:
    """Most additions and multiplications a second of a dense product in float32, NumPy's or ours, at several sizes."""
    best = 0.0
    for size in (256, 512, 1024, 2048):
        a = np.random.default_rng(0).random((size, size), "float32")
        for product in (lambda: a @ a, lambda: dense(a, a)):  # noqa: B023  (called at once)
            product()
            end = time.perf_counter() + seconds / 8
            while time.perf_counter() < end:
                began = time.perf_counter()
                product()
                best = max(best, 2 * size**3 / (time.perf_counter() - began))
    return best


def speed_with(threads: int) -> float:
    """`product_speed` with so many threads, in a process of its own."""
    code = "from neurona.bench.machine import product_speed; print(product_speed())"
    command = [sys.executable, "-c", f"import sys; sys.path[:] = {sys.path!r}; {code}"]
    done = subprocess.run(command, env=worker_environment(threads), capture_output=True, text=True, check=True)
    return float(done.stdout)


def describe(threads: int) -> dict[str, Any]:
    """What a reader of the figures wants to know of the machine."""
    info = kernels.info()
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
    return {
        "processor": processor(),
        "cores": os.cpu_count(),
        "memory_gb": memory(),
        "system": platform.platform(),
        "python": platform.python_version(),
        "numpy": np.__version__,
        "neurona": __version__,
        "kernels": info["isa"] if info["available"] else None,
        "load_before": load,  # what else ran in the minute before
        "gflops": speed_with(threads) / 1e9,
    }
