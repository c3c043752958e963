"""Engines timed in turn: each waits in a process of its own until it is called.

A machine that people work on is faster in one minute and slower in the next. So the engines do not run one after the
other to the end; in every round each has one turn, and what is compared are medians over the rounds.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from neurona.bench.peers import ENGINES
from neurona.errors import BenchmarkError
from neurona.i18n import _

__all__ = ["Contender", "finish", "take_turns", "worker_environment"]

WORKER = Path(__file__).parent / "worker"
PATIENCE = 900.0  # seconds for one answer: the first may compile for minutes
MOST_ROUNDS_OF_ALL = 2  # after these the slow variants of an engine have no more turns
REST = 0.3  # seconds between turns, in which the threads of the one before fall asleep


def worker_environment(threads: int, folder: Path | None = None) -> dict[str, str]:
    """The variables by which every engine computes with so many threads, on the processor alone.

    Args:
        threads: how many.
        folder: where Keras looks for settings: not in the user's own.
    """
    count = str(threads)
    variables = ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "NEURONA_NUM_THREADS")
    quiet = {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "", "PYTHONWARNINGS": "ignore"}
    plain = {"KERAS_HOME": str(folder)} if folder is not None else {}
    return {**os.environ, **dict.fromkeys(variables, count), **quiet, **plain}


class Contender:
    """An engine at work in a process of its own.

    Args:
        engine, setting: which, and in which of its variants.
        python: the interpreter of its environment.
        words: what the worker is told besides.
        folder: where the lesson lies.
        threads: how many it may use.

    Raises:
        BenchmarkError: (from `hear` and `ask`) the process ended, or said nothing for too long.
    """

    def __init__(
        self, engine: str, setting: str, python: Path, words: Sequence[str], folder: Path, threads: int
    ) -> None:
        self.engine, self.setting = engine, setting
        command = [str(python), str(WORKER), *words, "--engine", engine, "--setting", setting]
        command += ["--folder", str(folder), "--threads", str(threads)]
        environment = worker_environment(threads, folder)
        if engine != "neurona":
            environment.pop("PYTHONPATH", None)  # what is meant for this environment is not for theirs
        self._errors = tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace")  # noqa: SIM115  (until `kill`)
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._errors, text=True,
            env=environment,
        )  # fmt: skip
        self._lines: queue.Queue[str] = queue.Queue()
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()

    def _listen(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._lines.put(line)
        self._lines.put("")  # it ended

    def hear(self, patience: float = PATIENCE) -> dict[str, Any]:
        """Its next answer."""
        title = f"{ENGINES[self.engine].title} ({self.setting})"
        try:
            line = self._lines.get(timeout=patience)
        except queue.Empty:
            self._process.kill()
            raise BenchmarkError(
                _("{title} did not answer within {patience:.0f} s.").format(title=title, patience=patience)
            ) from None
        if not line:
            status = self._process.wait()  # its output ended, and so does it
            self._errors.seek(0)
            last = "\n".join(self._errors.read().strip().splitlines()[-6:])
            raise BenchmarkError(
                _("{title} failed with status {status}. Received:\n{last}").format(
                    title=title, status=status, last=last
                )
            )
        answer: dict[str, Any] = json.loads(line)
        return answer

    def ask(self) -> dict[str, Any]:
        """Give it its turn."""
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # it ended: `hear` tells why
            self._process.stdin.write("\n")
            self._process.stdin.flush()
        return self.hear()

    def last(self) -> dict[str, Any]:
        """Tell it that there are no more turns, and hear its last answer."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        answer = self.hear()
        self._process.wait()
        return answer

    def kill(self) -> None:
        """End it at once; nothing happens where it has ended."""
        self._process.kill()
        self._process.wait()
        self._listener.join()  # it has heard the end
        for stream in (self._process.stdin, self._process.stdout, self._errors):
            assert stream is not None
            with contextlib.suppress(BrokenPipeError):  # a line that it did not live to read
                stream.close()


def take_turns(
    contenders: Sequence[Contender], rounds: int, failed: Callable[[Contender, BenchmarkError], None], drop: float = 1.5
) -> dict[Contender, list[dict[str, Any]]]:
    """What each answers in each round; the first turn of each, which warms up, is not kept.

    A variant that needed more than `drop` times as long as the fastest of its engine, in the better of two rounds, has no
    more turns. One that fails is reported to `failed` and is out.
    """
    found: dict[Contender, list[dict[str, Any]]] = {contender: [] for contender in contenders}
    racing = list(contenders)
    for number in range(-1, rounds):
        # another order each time: whoever comes after a heavy one finds the caches cold and the processor warm
        start = max(number, 0) % max(len(racing), 1)
        for contender in racing[start:] + racing[:start]:
            time.sleep(REST)
            try:
                answer = contender.ask()
            except BenchmarkError as error:
                racing.remove(contender)
                del found[contender]
                failed(contender, error)
                continue
            if number >= 0:
                found[contender].append(answer)
        if number + 1 == MOST_ROUNDS_OF_ALL:
            racing = [one for one in racing if not _hopeless(one, found, drop)]
    return found


def _hopeless(one: Contender, found: dict[Contender, list[dict[str, Any]]], drop: float) -> bool:
    def best(other: Contender) -> float:
        seconds = [answer["seconds"] for answer in found[other]]
        return min(seconds) if all(isinstance(s, float) for s in seconds) else 0.0

    return best(one) > drop * min(best(other) for other in found if other.engine == one.engine)


def finish(contenders: list[Contender]) -> None:
    """End all that still run, whatever happened."""
    for contender in contenders:
        contender.kill()
