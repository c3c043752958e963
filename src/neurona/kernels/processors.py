"""How many threads pay: the cores this process may use.

Leans on nothing. Two hardware threads of one core share its multiply-add units, so a core counts once; a
container's quota counts as well. More than `MOST` threads do not pay for the small networks that Neurona
trains.
"""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["MOST", "usable_cores"]

MOST = 16
_TOPOLOGY = Path("/sys/devices/system/cpu")
_QUOTA = Path("/sys/fs/cgroup/cpu.max")


def usable_cores(topology: Path = _TOPOLOGY, quota: Path = _QUOTA) -> int:
    """The number of physical cores that affinity and the container's quota leave to this process, 1 to
    `MOST`.

    Args:
        topology: where Linux describes the processors.
        quota: the control group's file "quota period", microseconds, or "max".

    Returns:
        At least 1. Where the system says nothing about cores (macOS, Windows), its processors are counted.
    """
    if hasattr(os, "sched_getaffinity"):
        processors = sorted(os.sched_getaffinity(0))
    else:
        processors = list(range(os.cpu_count() or 1))
    cores = len({_siblings(topology, cpu) for cpu in processors})
    return max(1, min(cores, _quota_cores(quota), MOST))


def _siblings(topology: Path, cpu: int) -> str:
    """A name that all hardware threads of one core share."""
    try:
        return (topology / f"cpu{cpu}" / "topology" / "thread_siblings_list").read_text().strip()
    except OSError:
        return f"cpu {cpu}"


def _quota_cores(quota: Path) -> int:
    try:
        limit, period = quota.read_text().split()
        return max(1, int(limit) // int(period)) if limit != "max" else MOST
    except (OSError, ValueError, ZeroDivisionError):
        return MOST
