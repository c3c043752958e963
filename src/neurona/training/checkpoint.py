"""Checkpoint: the whole state of a training, so that it goes on as if it had never stopped.

Stored are weights, optimizer state, the counters of all random generators, the metrics' running sums, the history, and
the place within the epoch. The order of the samples follows from the shuffling seed and the epoch, so a training that
stopped in the middle of an epoch takes up the very next batch.

A signal (Ctrl-C, SIGTERM) is answered at the end of the step under way: the state is written and `Interrupted` raised.
A second one stops at once, and the last state written counts.
"""

from __future__ import annotations

import io
import json
import signal
import struct
import threading
import time
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np

from neurona.errors import NeuronaError, NonFiniteError, SavingError
from neurona.i18n import _
from neurona.saving.atomic import atomic_file, reason
from neurona.tensor import Array
from neurona.training.callbacks.callback import Callback

__all__ = ["Checkpoint", "Interrupted"]

_STATE = "state.npz"


class Interrupted(NeuronaError):  # noqa: N818 - no error: somebody asked for it
    """A signal asked the training to stop; its state was written.

    Attributes:
        signal: the signal's number.
    """

    def __init__(self, number: int) -> None:
        super().__init__(_("Stopped by {name}.").format(name=signal.Signals(number).name))
        self.signal = number


class Checkpoint(Callback):
    """Write the training's state every so often, and go on from it when `fit` begins.

    Args:
        folder: where the state lies; made when needed.
        every_seconds: how often to write within an epoch; at the end of each epoch it is written anyway.
        clock: gives the time in seconds.
        before: called before the model's state is looked at, for an engine that keeps it elsewhere.

    Raises (from `fit`):
        Interrupted: a signal asked to stop.
        NonFiniteError: the loss of a step was NaN or infinite; the state written last is of before it.
    """

    def __init__(
        self,
        folder: Any,
        every_seconds: float = 20.0,
        clock: Callable[[], float] = time.monotonic,
        before: Callable[[], None] | None = None,
    ) -> None:
        super().__init__()
        self.folder, self.every_seconds, self._clock, self._before_looking = Path(folder), every_seconds, clock, before
        self._asked: int | None = None
        self._before: dict[int, Any] = {}

    @property
    def path(self) -> Path:
        return self.folder / _STATE

    # -- the hooks of fit -----------------------------------------------------------------------------------

    def on_train_begin(self, logs: Any = None) -> None:
        self._epoch, self._written_at = 0, self._clock()
        if self.path.is_file():
            self.restore_into(self.model)
        elif self.model.built:  # so that there is a good state from the first step on
            if not self.model.optimizer.built:
                self.model.optimizer.build(self.model.trainable_variables)
            self.write(0, 0)
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                self._before[number] = signal.signal(number, self._on_signal)

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self._epoch = epoch

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        loss = self.model.last_loss
        if loss is not None and not np.isfinite(loss):
            self._give_signals_back()
            raise NonFiniteError(
                _(
                    "The loss became {loss} at epoch {epoch}, step {step}. Lower the learning rate, or look for NaN in "
                    "the data."
                ).format(loss=float(loss), epoch=self._epoch + 1, step=batch + 1)
            )
        if batch + 1 == self.model.batches.num_batches:
            return  # the epoch's end follows, and with it its validation
        if self._asked is not None or self._clock() - self._written_at >= self.every_seconds:
            self.write(self._epoch, batch + 1)
        self._stop_if_asked()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self._epoch = epoch + 1
        self.write(epoch + 1, 0, logs)
        self._stop_if_asked()

    def on_train_end(self, logs: Any = None) -> None:
        self.close()

    def close(self) -> None:
        """Answer signals no more. `fit` does so at its end; after an error in it somebody else must."""
        self._give_signals_back()

    # -- signals --------------------------------------------------------------------------------------------

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        if self._asked is not None:
            self._give_signals_back()
            raise Interrupted(number)
        self._asked = number

    def _stop_if_asked(self) -> None:
        if self._asked is not None:
            number, self._asked = self._asked, None
            self._give_signals_back()
            raise Interrupted(number)

    def _give_signals_back(self) -> None:
        for number, handler in self._before.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)  # None: not set from Python
        self._before.clear()

    # -- the state ------------------------------------------------------------------------------------------

    def _arrays(self) -> dict[str, Array]:
        """The arrays that make up the training's state, by a name for each; they are the live ones."""
        if self._before_looking is not None:
            self._before_looking()
        model = self.model
        found = {f"model/{i}": v.data for i, v in enumerate(model.variables)}
        found |= {f"optimizer/{i}": v.data for i, v in enumerate(model.optimizer.variables)}
        for m, metric in enumerate(model.metrics):
            found |= {f"metric/{m}/{i}": v.data for i, v in enumerate(metric.variables)}
        return found

    def write(self, epoch: int, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Replace the state on disk by that of now; `logs` is what the epoch that just ended reports."""
        history, epochs = self.model.history.history, list(self.model.history.epoch)
        if logs is not None and epoch - 1 not in epochs:  # History may be told after this callback
            history = {name: [*history.get(name, []), value] for name, value in logs.items()}
            epochs.append(epoch - 1)
        facts = {
            "epoch": epoch,
            "batch": batch,
            "shuffle_seed": self.model.batches.seed,
            "history": history,
            "history_epochs": epochs,
        }
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise SavingError(_("Cannot write {path}: {why}.").format(path=self.folder, why=reason(error))) from error
        with atomic_file(self.path) as stream, zipfile.ZipFile(stream, "w") as archive:
            archive.writestr("facts.json", json.dumps(facts, default=float))
            for name, array in self._arrays().items():
                buffer = io.BytesIO()
                np.lib.format.write_array(buffer, np.asarray(array, order="C"), allow_pickle=False)
                archive.writestr(f"{name}.npy", buffer.getbuffer())
        self._written_at = self._clock()

    def restore_into(self, model: Any) -> None:
        """Give a compiled model the state on disk; nothing happens where there is none.

        Raises:
            SavingError: it is damaged, or of another model.
        """
        if not self.path.is_file():
            return
        self.model = model
        if not model.optimizer.built:
            model.optimizer.build(model.trainable_variables)
        try:
            with zipfile.ZipFile(self.path) as archive:
                facts = json.loads(archive.read("facts.json"))
                stored = {
                    name.removesuffix(".npy"): np.lib.format.read_array(
                        io.BytesIO(archive.read(name)), allow_pickle=False
                    )
                    for name in archive.namelist()
                    if name.endswith(".npy")
                }
            facts = _checked(facts)
        except (zipfile.BadZipFile, zlib.error, struct.error, ValueError, KeyError, OSError, EOFError, RuntimeError,
                NotImplementedError, MemoryError) as error:  # fmt: skip
            raise SavingError(
                _("The checkpoint {path} is damaged ({why}). Start the training anew.").format(
                    path=self.path, why=error
                )
            ) from error
        live = self._arrays()
        missing = {name for name in live if not name.startswith("metric/")} - set(stored)
        if missing or any(not _fits(a, live[name]) for name, a in stored.items() if name in live):
            raise SavingError(
                _("The checkpoint {path} is of another model. Start the training anew.").format(path=self.path)
            )
        for name, array in stored.items():
            if name in live:
                live[name][...] = array
        # metrics are made at the first batch; until then their sums wait
        model.resume_from(facts, {n: a for n, a in stored.items() if n.startswith("metric/")})

    def remove(self) -> None:
        """Delete the state: the training is finished."""
        self.path.unlink(missing_ok=True)
        if self.folder.is_dir() and not any(self.folder.iterdir()):
            self.folder.rmdir()


def _checked(facts: Any) -> dict[str, Any]:
    """The facts of a checkpoint, if they are of the right kinds."""
    whole = isinstance(facts, dict) and all(isinstance(facts.get(k), int) for k in ("epoch", "batch"))
    if not whole or not isinstance(facts["history"], dict) or not isinstance(facts["history_epochs"], list):
        raise ValueError(_("its facts are incomplete"))
    return dict(facts)


def _fits(stored: Array, live: Array) -> bool:
    return stored.shape == live.shape and stored.dtype == live.dtype
