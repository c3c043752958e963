"""A training that was stopped anywhere ends with the very bits of one that never stopped."""

from __future__ import annotations

import os
import signal
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from neurona import layers, losses, optimizers, utils
from neurona.errors import NonFiniteError, SavingError
from neurona.models import Sequential
from neurona.training.callbacks import Callback
from neurona.training.checkpoint import Checkpoint, Interrupted
from neurona.training.dataset import Dataset

STEPS, EPOCHS = 7, 3
RNG = np.random.default_rng(0)
X = RNG.normal(size=(STEPS * 16 - 5, 6)).astype("float32")
Y = RNG.integers(0, 3, len(X))


def model(inputs: int = 6) -> Any:
    """Everything with a state: dropout, batch normalisation, Adam with a schedule."""
    utils.clear_session()
    utils.set_random_seed(1)
    made = Sequential(
        [
            layers.Input((inputs,)),
            layers.Dense(8, use_bias=False),
            layers.BatchNormalization(),
            layers.ReLU(),
            layers.Dropout(0.3),
            layers.Dense(3),
        ]
    )
    made.compile(
        optimizers.AdamW(optimizers.schedules.CosineDecay(0.01, STEPS * EPOCHS)),
        losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    return made


class At(Callback):
    """Do something once, after so many steps."""

    def __init__(self, step: int, act: Any) -> None:
        super().__init__()
        self.left, self.act = step, act

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self.left -= 1
        if self.left == 0:
            self.act()


class Never(Callback):
    """Wants to hear of every batch, like `At`, and does nothing."""

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        pass


def fit(made: Any, *callbacks: Callback, x: np.ndarray = X) -> Any:
    return made.fit(
        x,
        Y,
        batch_size=16,
        epochs=EPOCHS,
        verbose=0,
        validation_data=(X[:20], Y[:20]),
        callbacks=list(callbacks),
        lint=False,
    )


def state(made: Any) -> list[bytes]:
    return [v.numpy().tobytes() for v in (*made.variables, *made.optimizer.variables)]


@pytest.fixture(scope="module")
def uninterrupted() -> tuple[list[bytes], dict[str, list[float]]]:
    made = model()
    history = fit(made)
    return state(made), history.history


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("step", range(1, STEPS * EPOCHS + 1))
def test_stopped_after_any_step_and_resumed(
    step: int, number: int, tmp_path: Path, uninterrupted: tuple[list[bytes], dict[str, list[float]]]
) -> None:
    with pytest.raises(Interrupted) as caught:
        fit(model(), At(step, lambda: os.kill(os.getpid(), number)), Checkpoint(tmp_path / "c"))
    assert caught.value.signal == number
    again = model()
    history = fit(again, Checkpoint(tmp_path / "c"))
    assert state(again) == uninterrupted[0]
    assert history.history == uninterrupted[1]


def test_a_kill_falls_back_on_the_state_written_last(
    tmp_path: Path, uninterrupted: tuple[list[bytes], dict[str, list[float]]]
) -> None:
    class KilledError(Exception):
        pass

    def die() -> None:
        raise KilledError

    clock = iter(range(10_000))  # a second a look: every fifth step writes
    for step in (2, 9, 12):
        first = Checkpoint(tmp_path / "c", every_seconds=5, clock=lambda: next(clock))
        with pytest.raises(KilledError):
            fit(model(), At(step, die), first)
        first.close()
    again = model()
    history = fit(again, Checkpoint(tmp_path / "c"))
    assert state(again) == uninterrupted[0]
    assert history.history == uninterrupted[1]


def test_it_changes_nothing_by_being_there(
    tmp_path: Path, uninterrupted: tuple[list[bytes], dict[str, list[float]]]
) -> None:
    made = model()
    history = fit(made, Checkpoint(tmp_path / "c", every_seconds=0))
    assert state(made) == uninterrupted[0]
    assert history.history == uninterrupted[1]


def test_a_finished_training_is_not_trained_again(tmp_path: Path) -> None:
    made = model()
    checkpoint = Checkpoint(tmp_path / "c")
    fit(made, checkpoint)
    again = model()
    fit(again, Checkpoint(tmp_path / "c"))
    assert state(again) == state(made)
    checkpoint.remove()
    assert not (tmp_path / "c").exists()


def averaging() -> Any:
    made = model()
    made.compile(optimizers.SGD(0.1, use_ema=True, ema_momentum=0.9), made.loss)
    return made


def test_weights_are_averaged_also_after_a_stop_at_the_very_end(tmp_path: Path) -> None:
    whole = averaging()
    fit(whole, Never())
    with pytest.raises(Interrupted):
        fit(averaging(), At(STEPS * EPOCHS, lambda: os.kill(os.getpid(), signal.SIGINT)), Checkpoint(tmp_path / "c"))
    again = averaging()
    fit(again, Checkpoint(tmp_path / "c"))
    assert state(again) == state(whole)


def test_a_shuffled_dataset_goes_on_in_its_order(tmp_path: Path) -> None:
    def run(*callbacks: Callback) -> Any:
        made = model()
        data = Dataset.from_tensor_slices((X, Y)).shuffle(len(X), seed=3).batch(16)
        made.fit(data, epochs=EPOCHS, verbose=0, callbacks=list(callbacks), lint=False)
        return made

    whole = run(Never())
    for step in (STEPS, STEPS + 3):
        with pytest.raises(Interrupted):
            run(At(step, lambda: os.kill(os.getpid(), signal.SIGTERM)), Checkpoint(tmp_path / str(step)))
        assert state(run(Checkpoint(tmp_path / str(step)))) == state(whole)


def test_signals_are_given_back(tmp_path: Path) -> None:
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    fit(model(), Checkpoint(tmp_path / "a"))
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before
    with pytest.raises(Interrupted):
        fit(model(), At(2, lambda: os.kill(os.getpid(), signal.SIGINT)), Checkpoint(tmp_path / "b"))
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before


def test_a_second_ctrl_c_stops_at_once(tmp_path: Path) -> None:
    after: list[str] = []

    def twice() -> None:
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)
        after.append("still here")

    with pytest.raises(Interrupted):
        fit(model(), At(3, twice), Checkpoint(tmp_path / "c"))
    assert after == []


def test_nan_stops_at_its_step_and_the_state_before_it_is_kept(tmp_path: Path) -> None:
    made = model()
    initial = state(made)[: len(made.variables)]
    x = X.copy()
    x[:] = np.nan
    with pytest.raises(NonFiniteError, match="epoch 1, step 1"):
        fit(made, Checkpoint(tmp_path / "c"), x=x)
    again = model()
    Checkpoint(tmp_path / "c").restore_into(again)
    assert state(again)[: len(again.variables)] == initial
    assert all(np.isfinite(w).all() for w in again.get_weights())


def test_nan_later_on_keeps_the_last_good_epoch(tmp_path: Path) -> None:
    made = model()

    def spoil() -> None:
        made.weights[0].assign(np.full(made.weights[0].shape, np.nan, "float32"))

    with pytest.raises(NonFiniteError, match=f"epoch 2, step {12 - STEPS}"):
        fit(made, At(11, spoil), Checkpoint(tmp_path / "c"))
    again = model()
    Checkpoint(tmp_path / "c").restore_into(again)
    assert all(np.isfinite(w).all() for w in again.get_weights())
    assert int(again.optimizer.iterations.numpy()) == STEPS


def test_another_model_is_refused_and_stays_as_it_was(tmp_path: Path) -> None:
    fit(model(), Checkpoint(tmp_path / "c"))
    other = model(5)
    before = state(other)[: len(other.variables)]
    with pytest.raises(SavingError, match="of another model"):
        Checkpoint(tmp_path / "c").restore_into(other)
    assert state(other)[: len(other.variables)] == before


def test_damage_is_found(tmp_path: Path) -> None:
    checkpoint = Checkpoint(tmp_path / "c")
    fit(model(), checkpoint)
    whole = checkpoint.path.read_bytes()
    made = model()
    checkpoint.restore_into(made)
    good = state(made)
    rng = np.random.default_rng(3)
    refused = 0
    for _round in range(300):
        data = bytearray(whole)
        if _round % 3 == 0:
            del data[rng.integers(0, len(data)) :]
        else:
            data[rng.integers(0, len(data))] ^= 1 << int(rng.integers(8))
        checkpoint.path.write_bytes(data)
        again = model() if _round < 3 else made
        try:
            checkpoint.restore_into(again)
        except SavingError:
            refused += 1
        assert state(made) == good  # refused, or the flip hit what means nothing
    assert refused > 200


@pytest.mark.parametrize("facts", [b"[]", b"{}", b"{", b"\xff", b'{"epoch": "1", "batch": 0}'])
def test_facts_that_are_none(tmp_path: Path, facts: bytes) -> None:
    with zipfile.ZipFile(tmp_path / "state.npz", "w") as archive:
        archive.writestr("facts.json", facts)
    with pytest.raises(SavingError, match="damaged"):
        Checkpoint(tmp_path).restore_into(model())


@pytest.mark.parametrize("call", ["os.fsync", "os.replace"])
def test_a_full_disk_keeps_the_old_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str) -> None:
    checkpoint = Checkpoint(tmp_path / "c", every_seconds=0)
    before = signal.getsignal(signal.SIGINT)

    def full(*args: Any) -> None:
        raise OSError(28, "No space left on device")

    with pytest.raises(SavingError, match="disk is full"):
        fit(model(), At(4, lambda: monkeypatch.setattr(call, full)), checkpoint)
    checkpoint.close()
    monkeypatch.undo()
    assert signal.getsignal(signal.SIGINT) is before
    assert os.listdir(tmp_path / "c") == ["state.npz"]
    made = model()
    checkpoint.restore_into(made)
    assert int(made.optimizer.iterations.numpy()) == 3
