"""Callbacks: every hook, logs, stopping early by hand, learning rates from a table, and those that are ready."""

import os
import tempfile

import keras
import numpy as np


def get_model():
    model = keras.Sequential()
    model.add(keras.layers.Dense(1))
    model.compile(optimizer=keras.optimizers.RMSprop(learning_rate=0.1), loss="mean_squared_error", metrics=["mae"])
    return model


x_train, y_train = np.random.rand(64, 5).astype("float32"), np.random.rand(64, 1).astype("float32")
seen = []


class CustomCallback(keras.callbacks.Callback):
    def on_train_begin(self, logs=None):
        seen.append("train_begin")

    def on_train_end(self, logs=None):
        seen.append(("train_end", sorted(logs)))

    def on_epoch_begin(self, epoch, logs=None):
        seen.append(("epoch_begin", epoch))

    def on_epoch_end(self, epoch, logs=None):
        seen.append(("epoch_end", sorted(logs)))

    def on_train_batch_end(self, batch, logs=None):
        seen.append(("batch_end", batch, sorted(logs)))

    def on_test_begin(self, logs=None):
        seen.append("test_begin")

    def on_predict_batch_end(self, batch, logs=None):
        seen.append(("predict_batch_end", batch, sorted(logs)))


model = get_model()
model.fit(x_train, y_train, batch_size=32, epochs=1, verbose=0, validation_split=0.5, callbacks=[CustomCallback()])
model.predict(x_train, batch_size=64, callbacks=[CustomCallback()], verbose=0)
assert seen == [
    "train_begin", ("epoch_begin", 0), ("batch_end", 0, ["loss", "mae"]), "test_begin",
    ("epoch_end", ["loss", "mae", "val_loss", "val_mae"]), ("train_end", ["loss", "mae", "val_loss", "val_mae"]),
    ("predict_batch_end", 0, ["outputs"]),
], seen  # fmt: skip


class EarlyStoppingAtMinLoss(keras.callbacks.Callback):
    def __init__(self, patience=0):
        super().__init__()
        self.patience = patience
        self.best_weights = None

    def on_train_begin(self, logs=None):
        self.wait, self.stopped_epoch, self.best = 0, 0, np.inf

    def on_epoch_end(self, epoch, logs=None):
        current = logs.get("loss")
        if np.less(current, self.best):
            self.best, self.wait, self.best_weights = current, 0, self.model.get_weights()
        else:
            self.wait += 1
            if self.wait >= self.patience:
                self.stopped_epoch = epoch
                self.model.stop_training = True
                self.model.set_weights(self.best_weights)


class CustomLearningRateScheduler(keras.callbacks.Callback):
    def __init__(self, schedule):
        super().__init__()
        self.schedule = schedule

    def on_epoch_begin(self, epoch, logs=None):
        lr = self.model.optimizer.learning_rate
        scheduled_lr = self.schedule(epoch, float(np.array(lr)))
        self.model.optimizer.learning_rate = scheduled_lr
        print(f"Epoch {epoch}: Learning rate is {float(np.array(self.model.optimizer.learning_rate))}.")


table = {1: 0.05, 3: 0.01}
model = get_model()
model.fit(
    x_train,
    y_train,
    epochs=6,
    verbose=0,
    callbacks=[EarlyStoppingAtMinLoss(patience=2), CustomLearningRateScheduler(lambda e, lr: table.get(e, lr))],
)
assert np.isclose(float(np.array(model.optimizer.learning_rate)), 0.01)

folder = tempfile.mkdtemp()
log = os.path.join(folder, "log.csv")
model = get_model()
history = model.fit(
    x_train,
    y_train,
    epochs=4,
    verbose=0,
    callbacks=[
        keras.callbacks.CSVLogger(log),
        keras.callbacks.LearningRateScheduler(lambda epoch, lr: lr * 0.5),
        keras.callbacks.ReduceLROnPlateau(monitor="loss", factor=0.2, patience=2),
        keras.callbacks.TerminateOnNaN(),
        keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: print(epoch, logs["loss"])),
        keras.callbacks.ModelCheckpoint(os.path.join(folder, "{epoch:02d}.keras"), save_best_only=True, monitor="loss"),
    ],
)
assert open(log).readline().strip().split(",")[0] == "epoch" and "01.keras" in os.listdir(folder)
assert len(history.history["learning_rate"]) == 4
