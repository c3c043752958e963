"""Callbacks: Keras's behaviour, hook by hook, on a model of straw."""

import contextlib
import csv
import io
import math
import re
import types
import warnings

import numpy as np
import pytest

from neurona.errors import ArgumentError, DTypeError, NonFiniteError, SavingError
from neurona.i18n import set_language
from neurona.training import callbacks as cb
from neurona.training.callbacks.callback import LazyLogs
from neurona.training.callbacks.console import bar


@pytest.fixture(autouse=True)
def english():
    set_language("en")
    yield
    set_language(None)
    bar.is_open = False


class Straw:
    """What callbacks ask of a model."""

    def __init__(self, metrics=()):
        self.stop_training = False
        self.optimizer = types.SimpleNamespace(learning_rate=np.float32(1.0), iterations=0)
        self.weights = [np.zeros(1)]
        self.metrics = list(metrics)
        self.saved = []

    def get_weights(self):
        return [w.copy() for w in self.weights]

    def set_weights(self, weights):
        self.weights = [w.copy() for w in weights]

    def save(self, path, overwrite=True):
        self.saved.append(path)
        with open(path, "w", encoding="utf-8") as stream:
            stream.write("model")

    def save_weights(self, path, overwrite=True):
        self.saved.append(path)


def train(callback, values, name="val_loss", model=None, epochs=None, steps=0):
    """A fit of straw: each epoch reports one value; returns the model, the epochs run and what was logged."""
    model = model or Straw()
    told = cb.CallbackList([callback], model=model, epochs=epochs or len(values), steps=steps, verbose=0)
    told.on_train_begin()
    logged = []
    for epoch, value in enumerate(values):
        told.on_epoch_begin(epoch)
        model.weights = [np.array([float(epoch)])]
        for batch in range(steps):
            told.on_train_batch_begin(batch)
            told.on_train_batch_end(batch, lambda value=value: {"loss": value})
        logs = {name: value}
        told.on_epoch_end(epoch, logs)
        logged.append(logs)
        if model.stop_training:
            break
    told.on_train_end(logged[-1])
    return model, len(logged), logged


# -- the list


def test_only_own_batch_hooks_count():
    class OnlyEpochs(cb.Callback):
        def on_epoch_end(self, epoch, logs=None):
            pass

    class Batches(cb.Callback):
        def on_train_batch_end(self, batch, logs=None):
            pass

    class OldName(cb.Callback):
        def on_batch_begin(self, batch, logs=None):
            pass

    assert not cb.CallbackList([OnlyEpochs(), cb.History()]).has_batch_hooks
    assert cb.CallbackList([Batches()]).has_batch_hooks
    assert cb.CallbackList([OldName()]).has_batch_hooks
    assert cb.CallbackList(cb.LambdaCallback(on_test_batch_end=lambda batch, logs: None)).has_batch_hooks
    assert not cb.CallbackList([cb.ModelCheckpoint("m.keras"), cb.TensorBoard()], verbose=2).has_batch_hooks
    assert cb.CallbackList([cb.ModelCheckpoint("m.keras", save_freq=3)]).has_batch_hooks


def test_hooks_arrive_once_in_order_and_nested_lists_are_flattened():
    heard = []

    class Ear(cb.Callback):
        def __init__(self, name):
            super().__init__()
            self.name = name

    def listen(hook):
        def method(self, *args):
            heard.append((self.name, hook, *[a for a in args if not isinstance(a, dict)]))

        return method

    hooks = [f"on_{loop}_batch_{when}" for loop in ("train", "test", "predict") for when in ("begin", "end")]
    hooks += [f"on_{loop}_{when}" for loop in ("train", "test", "predict", "epoch") for when in ("begin", "end")]
    for hook in hooks:
        setattr(Ear, hook, listen(hook))
    told = cb.CallbackList([Ear("a"), [Ear("b")]])
    for hook in hooks:
        place = (7,) if "batch" in hook or "epoch" in hook else ()
        getattr(told, hook)(*place)
        assert heard == [("a", hook, *place), ("b", hook, *place)]
        heard.clear()


def test_both_names_of_a_batch_hook_are_heard_once():
    heard = []

    class Both(cb.Callback):
        def on_batch_end(self, batch, logs=None):
            heard.append("old")

        def on_train_batch_end(self, batch, logs=None):
            heard.append("new")
            super().on_train_batch_end(batch, logs)

    cb.CallbackList([Both()]).on_train_batch_end(0)
    assert heard == ["new", "old"]


def test_logs_are_made_only_for_who_reads_them():
    made = []

    def make():
        made.append(1)
        return {"loss": 2.0}

    deaf = cb.LambdaCallback(on_train_batch_end=lambda batch, logs: None)
    cb.CallbackList([deaf]).on_train_batch_end(0, make)
    assert made == []
    seen = []
    one = cb.LambdaCallback(on_train_batch_end=lambda batch, logs: seen.append(logs["loss"]))
    two = cb.LambdaCallback(on_train_batch_end=lambda batch, logs: seen.append(dict(logs)))
    cb.CallbackList([deaf, one, two]).on_train_batch_end(0, make)
    assert made == [1]
    assert seen == [2.0, {"loss": 2.0}]


@pytest.mark.parametrize(
    "read",
    [
        lambda logs: logs["a"],
        lambda logs: logs.get("a"),
        lambda logs: {**logs}["a"],
        lambda logs: dict(logs)["a"],
        lambda logs: next(iter(logs.values())),
        lambda logs: dict(logs.items())["a"],
        lambda logs: logs.copy()["a"],
        lambda logs: (logs or {})["a"],
        lambda logs: len(logs),
        lambda logs: int("a" in logs),
        lambda logs: logs.pop("a"),
        lambda logs: (logs | {})["a"],
        lambda logs: ({} | logs)["a"],
        lambda logs: len(list(logs)),
        lambda logs: len(logs.keys()),
        lambda logs: logs.setdefault("a", 5),
        lambda logs: int(logs == {"a": 1}),
        lambda logs: int(repr(logs) == "{'a': 1}"),
    ],
)
def test_lazy_logs_are_a_dict_however_they_are_read(read):
    assert read(LazyLogs(lambda: {"a": 1})) == 1


def test_lazy_logs_can_be_written():
    logs = LazyLogs(lambda: {"a": 1, "c": 3})
    logs["b"] = 2
    logs.update(d=4)
    del logs["c"]
    assert logs == {"a": 1, "b": 2, "d": 4}


def test_defaults_are_added_once_and_after_the_users():
    mine = cb.History()
    told = cb.CallbackList([mine], add_history=True, add_progbar=True, verbose=0, epochs=1, steps=1)
    assert [type(c) for c in told.callbacks] == [cb.History, cb.ProgbarLogger]
    assert told.history is mine
    assert cb.CallbackList(None).history is None


def test_what_is_no_callback():
    with pytest.raises(DTypeError, match="objects with hooks"):
        cb.CallbackList([print])


def test_history_keeps_what_other_callbacks_add():
    model = Straw()
    told = cb.CallbackList(cb.LearningRateScheduler(lambda epoch: 0.5**epoch), add_history=True, model=model, epochs=2)
    told.on_train_begin()
    for epoch in range(2):
        told.on_epoch_begin(epoch)
        told.on_epoch_end(epoch, {"loss": 1.0 - epoch})
    assert told.history.history == {"loss": [1.0, 0.0], "learning_rate": [1.0, 0.5]}
    assert told.history.epoch == [0, 1]
    assert model.history is told.history


# -- EarlyStopping


@pytest.mark.parametrize(
    ("settings", "values", "epochs"),
    [
        ({}, [3, 2, 2, 1], 3),  # equal is no improvement
        ({}, [3, 4, 1], 2),
        ({"patience": 2}, [3, 2, 2, 2, 1], 4),
        ({"patience": 2}, [3, 4, 2, 3, 1, 1, 1, 0], 7),
        ({"min_delta": 0.5, "patience": 1}, [3.0, 2.6, 2.0], 2),
        ({"min_delta": -0.5, "patience": 1}, [3.0, 2.6, 2.4], 2),  # its sign does not matter
        (
            {"baseline": 1.0, "patience": 2},
            [3, 2.5, 2, 1.5],
            4,
        ),  # waits, but stops only when it gets no better
        ({"baseline": 1.0, "patience": 2}, [3, 2.5, 2.5, 1.5], 3),
        ({"start_from_epoch": 3}, [1, 2, 3, 4, 5], 5),
        ({"mode": "max"}, [1, 2, 2, 3], 3),
        ({"patience": 1}, [math.nan, math.nan, math.nan], 2),
    ],
)
def test_when_it_stops(settings, values, epochs):
    model, ran, _ = train(cb.EarlyStopping(**settings), values)
    assert ran == epochs
    assert model.stop_training or ran == len(values)


def test_the_best_weights_come_back():
    callback = cb.EarlyStopping(patience=2, restore_best_weights=True, verbose=1)
    model, ran, _ = train(callback, [3, 1, 2, 2, 2])
    assert ran == 4
    assert callback.best_epoch == 1
    assert model.weights[0].tolist() == [1.0]
    model, _, _ = train(callback, [3, 2])  # and also where nothing was stopped
    assert model.weights[0].tolist() == [1.0]


def test_it_says_what_it_does(capsys):
    train(cb.EarlyStopping(restore_best_weights=True, verbose=1), [1, 2])
    assert capsys.readouterr().out == ("Epoch 2: stopped early.\nGoing back to the weights of the best epoch: 1.\n")


def test_a_metric_that_is_missing():
    with pytest.warns(UserWarning, match=r"`val_loss`, which is not available. Available metrics are: loss"):
        train(cb.EarlyStopping(), [1.0], name="loss")


@pytest.mark.parametrize(
    ("name", "metrics", "values", "epochs"),
    [
        ("loss", [], [1, 2, 3], 2),
        ("val_accuracy", [], [1, 2, 3], 3),
        ("val_mean_absolute_error", [], [1, 2, 3], 2),
        ("val_out_loss", [], [1, 2, 3], 2),
        ("val_mine", [types.SimpleNamespace(name="mine", _direction="up")], [1, 2, 3], 3),
        ("val_out_mine", [types.SimpleNamespace(name="mine", _direction="down")], [1, 2, 3], 2),
    ],
)
def test_auto_knows_which_way_is_better(name, metrics, values, epochs):
    assert train(cb.EarlyStopping(name), values, name=name, model=Straw(metrics))[1] == epochs


def test_auto_asks_where_it_cannot_know():
    with pytest.raises(ArgumentError, match="cannot tell whether 'sparkle' should be high or low"):
        train(cb.EarlyStopping("sparkle"), [1, 2], name="sparkle")
    with pytest.warns(UserWarning, match="mode 'best' is unknown"):
        assert cb.EarlyStopping(mode="best").mode == "auto"


# -- ModelCheckpoint


def test_each_epoch_under_its_name(tmp_path):
    callback = cb.ModelCheckpoint(tmp_path / "new" / "{epoch:02d}-{val_loss:.2f}.keras")
    model, _, _ = train(callback, [0.5, 0.25])
    assert [p.split("/")[-1] for p in model.saved] == ["01-0.50.keras", "02-0.25.keras"]
    assert (tmp_path / "new" / "02-0.25.keras").read_text() == "model"


@pytest.mark.parametrize(
    ("settings", "values", "saved"),
    [
        ({}, [3, 4, 2, 2, 1], [1, 3, 5]),
        ({"initial_value_threshold": 2.5}, [3, 4, 2, 2, 1], [3, 5]),
        ({"mode": "max"}, [3, 4, 2, 5], [1, 2, 4]),
    ],
)
def test_the_best_only(tmp_path, settings, values, saved):
    callback = cb.ModelCheckpoint(tmp_path / "{epoch}.keras", save_best_only=True, **settings)
    model, _, _ = train(callback, values)
    assert [int(p.split("/")[-1].removesuffix(".keras")) for p in model.saved] == saved


def test_every_so_many_batches_across_epochs(tmp_path):
    callback = cb.ModelCheckpoint(tmp_path / "{epoch}-{batch}.weights.h5", save_freq=3, save_weights_only=True)
    model, _, _ = train(callback, [1, 1], steps=5)
    assert [p.split("/")[-1] for p in model.saved] == ["1-3.weights.h5", "2-1.weights.h5", "2-4.weights.h5"]


def test_checkpoints_tell(tmp_path, capsys):
    callback = cb.ModelCheckpoint(tmp_path / "m.keras", save_best_only=True, verbose=1)
    train(callback, [2.0, 1.0, 1.5])
    assert capsys.readouterr().out.replace(str(tmp_path), "") == (
        "Epoch 1: val_loss got better, from - to 2.00000; saving the model to /m.keras.\n"
        "Epoch 2: val_loss got better, from 2.00000 to 1.00000; saving the model to /m.keras.\n"
        "Epoch 3: val_loss did not get better than 1.00000.\n"
    )
    train(cb.ModelCheckpoint(tmp_path / "m.keras", verbose=1), [2.0])
    assert "saving the model to" in capsys.readouterr().out


def test_checkpoint_errors(tmp_path):
    with pytest.raises(ArgumentError, match=r"must end in `.keras`"):
        cb.ModelCheckpoint("model.txt")
    with pytest.raises(ArgumentError, match=r"must end in `.weights.h5`"):
        cb.ModelCheckpoint("model.keras", save_weights_only=True)
    with pytest.raises(ArgumentError, match="save_freq='often'"):
        cb.ModelCheckpoint("m.keras", save_freq="often")
    with pytest.raises(ArgumentError, match=r"asks for 'val_acc', which the logs do not have"):
        train(cb.ModelCheckpoint(tmp_path / "{val_acc}.keras"), [1.0])
    (tmp_path / "dir.keras").mkdir()
    with pytest.raises(SavingError, match="is a folder"):
        train(cb.ModelCheckpoint(tmp_path / "dir.keras"), [1.0])
    with pytest.warns(UserWarning, match="is not available; the model is saved anyway"):
        model, _, _ = train(cb.ModelCheckpoint(tmp_path / "m.keras", save_best_only=True), [1.0], name="loss")
    assert len(model.saved) == 1


# -- the learning rate


@pytest.mark.parametrize(
    ("settings", "values", "rates"),
    [
        # what is logged is the rate before this epoch's decision
        ({"patience": 1}, [3, 3, 3, 3], [1, 1, 0.1, 0.01]),
        ({"patience": 2}, [3, 3, 3, 3], [1, 1, 1, 0.1]),
        ({"patience": 1, "factor": 0.5, "cooldown": 2}, [3, 3, 3, 3, 3, 3], [1, 1, 0.5, 0.5, 0.25, 0.25]),
        ({"patience": 1, "min_lr": 0.05}, [3, 3, 3, 3], [1, 1, 0.1, 0.05]),
        ({"patience": 1, "min_delta": 0.5}, [3, 2.8, 2.0], [1, 1, 0.1]),
        ({"patience": 1, "mode": "max"}, [3, 4, 4], [1, 1, 1]),
    ],
)
def test_the_rate_falls_on_a_plateau(settings, values, rates):
    _, _, logged = train(cb.ReduceLROnPlateau(**settings), values)
    np.testing.assert_allclose([logs["learning_rate"] for logs in logged], rates, rtol=1e-6)


def test_plateau_messages(capsys):
    train(cb.ReduceLROnPlateau(patience=1, verbose=1), [1, 1])
    assert capsys.readouterr().out == "Epoch 2: the learning rate is lowered to 0.1.\n"
    with pytest.raises(ArgumentError, match="factor below 1"):
        cb.ReduceLROnPlateau(factor=1.0)
    with pytest.warns(UserWarning, match="`val_loss`, which is not available"):
        train(cb.ReduceLROnPlateau(), [1], name="loss")


def test_a_schedule_of_epoch_and_rate_or_of_the_epoch_alone(capsys):
    _, _, logged = train(cb.LearningRateScheduler(lambda epoch, rate: rate * 0.5, verbose=1), [1, 1])
    assert [logs["learning_rate"] for logs in logged] == [0.5, 0.25]
    assert capsys.readouterr().out.splitlines()[1] == "Epoch 2: the learning rate is 0.25."
    _, _, logged = train(cb.LearningRateScheduler(lambda epoch: 1.0 / (epoch + 2)), [1, 1])
    assert [logs["learning_rate"] for logs in logged] == [0.5, 1 / 3]
    with pytest.raises(ArgumentError, match=r"schedule to return a float. Received: 1"):
        train(cb.LearningRateScheduler(lambda epoch: 1), [1])


def several() -> Straw:
    model = Straw()
    parts = [types.SimpleNamespace(name=name, learning_rate=rate) for name, rate in (("sgd", 1.0), ("adam", 0.25))]
    model.optimizer = types.SimpleNamespace(optimizers=parts)
    return model


def test_a_schedule_moves_each_of_several_optimizers(capsys):
    _, _, logged = train(cb.LearningRateScheduler(lambda epoch, rate: rate * 0.5, verbose=1), [1, 1], model=several())
    assert logged[1] == {"val_loss": 1, "learning_rate_sgd": 0.25, "learning_rate_adam": 0.0625}
    assert capsys.readouterr().out.splitlines()[:2] == [
        "sgd: Epoch 1: the learning rate is 0.5.",
        "adam: Epoch 1: the learning rate is 0.125.",
    ]


def test_a_plateau_lowers_each_of_several_optimizers(capsys):
    callback = cb.ReduceLROnPlateau(factor=0.5, patience=1, min_lr=0.2, verbose=1)
    model, _, logged = train(callback, [1, 1, 1, 1, 1], model=several())
    assert [one.learning_rate for one in model.optimizer.optimizers] == [0.2, 0.2]
    assert [logs["learning_rate_sgd"] for logs in logged] == [1.0, 1.0, 0.5, 0.25, 0.2]
    assert [logs["learning_rate_adam"] for logs in logged] == [0.25, 0.25, 0.2, 0.2, 0.2]
    assert capsys.readouterr().out.splitlines()[-1] == "sgd: Epoch 4: the learning rate is lowered to 0.2."
    assert callback.wait == 1  # nothing was left to lower


# -- files, functions, NaN


def test_csv_lines(tmp_path):
    path = tmp_path / "log.csv"
    model = Straw()
    for epochs in ([0, 1], [2]):
        told = cb.CallbackList(cb.CSVLogger(path, separator=";", append=epochs[0] > 0), model=model)
        told.on_train_begin()
        for epoch in epochs:
            told.on_epoch_end(epoch, {"loss": 1.5, "acc": 0.5, **({"val_loss": 2.0} if epoch == 1 else {})})
        told.on_train_end()
    rows = list(csv.reader(io.StringIO(path.read_text()), delimiter=";"))
    assert rows == [
        ["epoch", "acc", "loss", "val_acc", "val_loss"],
        ["0", "0.5", "1.5", "NA", "NA"],
        ["1", "0.5", "1.5", "NA", "2.0"],
        ["2", "0.5", "1.5", "NA", "NA"],
    ]


def test_csv_cells_of_several_values(tmp_path):
    logger = cb.CSVLogger(tmp_path / "log.csv")
    train(logger, [np.array([1, 2])])
    assert list(csv.reader((tmp_path / "log.csv").read_text().splitlines()))[1] == ["0", '"[1, 2]"']


def test_functions_as_hooks():
    heard = []
    callback = cb.LambdaCallback(
        on_train_begin=lambda logs: heard.append("begin"),
        on_train_batch_end=lambda batch, logs: heard.append(batch),
        on_epoch_end=lambda epoch, logs: heard.append(logs["val_loss"]),
        on_test_begin=lambda logs: heard.append("test"),
    )
    train(callback, [5.0], steps=2)
    cb.CallbackList(callback).on_test_begin()
    assert heard == ["begin", 0, 1, 5.0, "test"]


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_a_loss_that_is_no_number_stops(bad, capsys):
    model, epochs, _ = train(cb.TerminateOnNaN(), [1.0, bad, 1.0], steps=1)
    assert model.stop_training
    assert epochs == 2
    assert capsys.readouterr().out == f"Batch 0: the loss is {bad}; training stops.\n"
    with pytest.raises(NonFiniteError, match="at batch 0") as error:
        train(cb.TerminateOnNaN(raise_error=True), [bad], steps=1)
    assert isinstance(error.value, RuntimeError)


# -- averages


class Value:
    def __init__(self, value):
        self.value = value

    def assign(self, value):
        self.value = float(value)

    def __array__(self, dtype=None, copy=None):
        return np.array(self.value)


def averaging_model():
    model = Straw()
    model.optimizer.use_ema = True
    model.optimizer._trainable_variables = [Value(1.0)]
    model.optimizer._model_variables_moving_average = [Value(2.0)]
    pair = (model.optimizer._trainable_variables[0], model.optimizer._model_variables_moving_average[0])
    return model, lambda: tuple(v.value for v in pair)


def test_averages_are_in_place_while_the_model_is_judged():
    model, values = averaging_model()
    told = cb.CallbackList(cb.SwapEMAWeights(), model=model, epochs=1)
    for loop in ("test", "predict"):
        getattr(told, f"on_{loop}_begin")()
        assert values() == (2.0, 1.0)
        getattr(told, f"on_{loop}_end")()
        assert values() == (1.0, 2.0)
    told.on_epoch_end(0)
    assert values() == (1.0, 2.0)


def test_averages_at_the_end_of_epochs():
    model, values = averaging_model()
    told = cb.CallbackList(cb.SwapEMAWeights(swap_on_epoch=True), model=model, epochs=2)
    told.on_epoch_begin(0)
    assert values() == (1.0, 2.0)
    told.on_epoch_end(0)
    assert values() == (2.0, 1.0)
    told.on_epoch_begin(1)
    assert values() == (1.0, 2.0)
    told.on_epoch_end(1)
    assert values() == (2.0, 2.0)


def test_averages_that_nobody_keeps():
    told = cb.CallbackList(cb.SwapEMAWeights(), model=Straw(), epochs=1)
    with pytest.raises(ArgumentError, match="use_ema=True"):
        told.on_test_begin()


# -- progress


class Clock:
    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


def progress(verbose, epochs=2, steps=3, seconds=0.05):
    """A training of straw under a ProgbarLogger; returns how often the batch logs were made."""
    clock = Clock()
    made = []
    told = cb.CallbackList(
        cb.ProgbarLogger(clock), model=Straw(), verbose=verbose, epochs=epochs, steps=steps, add_history=True
    )

    def make():
        made.append(1)
        return {"loss": 0.5}

    told.on_train_begin()
    for epoch in range(epochs):
        told.on_epoch_begin(epoch)
        for batch in range(steps):
            clock.now += seconds
            told.on_train_batch_end(batch, make)
        told.on_test_begin()
        told.on_test_end({"loss": 9.0})
        told.on_epoch_end(epoch, {"loss": 0.25, "accuracy": 0.5})
    told.on_train_end()
    return len(made)


def test_a_line_for_each_epoch_where_there_is_no_terminal(capsys):
    for verbose in ("auto", 1, 2):
        assert progress(verbose) == 0
        assert capsys.readouterr().out == (
            "Epoch 1/2 - 150ms - loss: 0.2500 - accuracy: 0.5000\nEpoch 2/2 - 150ms - loss: 0.2500 - accuracy: 0.5000\n"
        )


def test_silence(capsys):
    progress(0)
    assert capsys.readouterr().out == ""


def test_spanish(capsys):
    set_language("es")
    progress(2, epochs=1)
    assert capsys.readouterr().out.endswith("1/1 - 150ms - loss: 0.2500 - accuracy: 0.5000\n")


def test_evaluation_alone_has_its_own_line(capsys):
    told = cb.CallbackList(cb.ProgbarLogger(Clock()), model=Straw(), verbose=2, epochs=1, steps=1)
    told.on_test_begin()
    told.on_test_end({"loss": 9.0})
    assert capsys.readouterr().out == "0us - loss: 9.0000\n"


@pytest.fixture
def terminal(monkeypatch):
    """Call it for a stand-in of a terminal: ``with terminal() as stream``."""

    class Terminal(io.StringIO):
        def isatty(self):
            return True

    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "100")
    for name in ("NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    return lambda: contextlib.redirect_stdout(Terminal())


def test_a_bar_on_a_terminal_is_drawn_ten_times_a_second_at_most(terminal):
    with terminal() as stream:
        made = progress("auto", epochs=1, steps=1000, seconds=0.001)
    assert 5 <= made <= 10  # in a second
    lines = stream.getvalue().split("\n")
    assert len(lines) == 2  # one bar, written again and again
    assert lines[1] == ""
    drawings = lines[0].split("\r")
    assert len(drawings) == made + 1
    assert "1000/1000" in drawings[-1]
    assert "loss: 0.2500 - accuracy: 0.5000" in drawings[-1]
    assert "left" in drawings[0]
    assert all(drawing.startswith("\x1b[2K") for drawing in drawings[1:])


def test_the_bar_never_wraps(terminal, monkeypatch):
    monkeypatch.setenv("COLUMNS", "40")
    clock = Clock()
    with terminal() as stream:
        told = cb.CallbackList(cb.ProgbarLogger(clock), model=Straw(), verbose=1, epochs=10, steps=4)
        told.on_train_begin()
        told.on_epoch_begin(0)
        clock.now += 1
        told.on_train_batch_end(0, {"loss": 1.0, "accuracy": 0.5, "a_metric_with_a_long_name": 3.0})
    assert len(re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", stream.getvalue())) == 39


def test_messages_do_not_run_into_the_bar(terminal, tmp_path):
    clock = Clock()
    saver = cb.ModelCheckpoint(tmp_path / "x.keras", save_best_only=True, initial_value_threshold=0.0, verbose=1)
    with terminal() as stream:
        told = cb.CallbackList([saver, cb.ProgbarLogger(clock)], model=Straw(), verbose=1, epochs=1, steps=1)
        told.on_train_begin()
        told.on_epoch_begin(0)
        clock.now += 1
        told.on_train_batch_end(0, {"loss": 1.0})
        told.on_epoch_end(0, {"val_loss": 1.0})
    assert "\nEpoch 1: val_loss did not get better than 0.00000.\n" in stream.getvalue()
    assert stream.getvalue().endswith("\n")


def test_an_unknown_number_of_steps(terminal):
    clock = Clock()
    with terminal() as stream:
        told = cb.CallbackList(cb.ProgbarLogger(clock), model=Straw(), verbose=1, epochs=1, steps=None)
        told.on_predict_begin()
        for batch in range(3):
            clock.now += 1
            told.on_predict_batch_end(batch)
        told.on_predict_end()
    assert "1/?" in stream.getvalue()
    assert "3/3" in stream.getvalue()


# -- TensorBoard's callback (its files: test_tensorboard.py)


def test_tensorboard_arguments(tmp_path):
    with pytest.raises(ArgumentError, match="update_freq"):
        cb.TensorBoard(tmp_path, update_freq="sometimes")
    with pytest.warns(UserWarning, match="ignored: embeddings_freq"):
        cb.TensorBoard(tmp_path, embeddings_freq=1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        cb.TensorBoard(tmp_path, write_graph=True, write_images=True)
