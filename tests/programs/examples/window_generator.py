"""Windows of inputs and labels cut out of a table of measurements, for several models by turns."""

import numpy as np
import tensorflow as tf

tf.keras.utils.set_random_seed(27)
time = np.arange(200)
columns = {"T": np.sin(time / 9), "p": np.cos(time / 9), "wind": np.random.rand(200)}
table = np.stack(list(columns.values()), axis=1).astype("float32")
train, val = table[:150], table[150:]


class WindowGenerator:
    def __init__(self, input_width, label_width, shift, label_columns):
        self.label_columns = label_columns
        self.column_indices = {name: i for i, name in enumerate(columns)}
        self.total_window_size = input_width + shift
        self.input_width, self.label_width = input_width, label_width
        self.input_slice = slice(0, input_width)
        self.labels_slice = slice(self.total_window_size - label_width, None)

    def split_window(self, features):
        inputs = features[:, self.input_slice, :]
        labels = features[:, self.labels_slice, :]
        labels = tf.stack([labels[:, :, self.column_indices[name]] for name in self.label_columns], axis=-1)
        inputs.set_shape([None, self.input_width, None])
        labels.set_shape([None, self.label_width, None])
        return inputs, labels

    def make_dataset(self, data):
        ds = tf.keras.utils.timeseries_dataset_from_array(
            data=data,
            targets=None,
            sequence_length=self.total_window_size,
            sequence_stride=1,
            shuffle=True,
            batch_size=16,
        )
        return ds.map(self.split_window)

    @property
    def example(self):
        result = getattr(self, "_example", None)
        if result is None:
            result = next(iter(self.make_dataset(train)))
            self._example = result
        return result


window = WindowGenerator(input_width=8, label_width=8, shift=1, label_columns=["T"])
inputs, labels = window.example
print("Inputs shape:", inputs.shape, "Labels shape:", labels.shape)
assert inputs.shape == (16, 8, 3) and labels.shape == (16, 8, 1)
spec = window.make_dataset(train).element_spec
assert tuple(spec[0].shape) in ((None, 8, 3), (None, 8, None)) and spec[1].dtype == tf.float32


class Baseline(tf.keras.Model):
    def __init__(self, label_index=None):
        super().__init__()
        self.label_index = label_index

    def call(self, inputs):
        if self.label_index is None:
            return inputs
        return inputs[:, :, self.label_index][:, :, tf.newaxis]


def compile_and_fit(model, window, patience=2):
    stop = tf.keras.callbacks.EarlyStopping(monitor="val_loss", patience=patience, mode="min")
    model.compile(
        loss=tf.keras.losses.MeanSquaredError(),
        optimizer=tf.keras.optimizers.Adam(0.02),
        metrics=[tf.keras.metrics.MeanAbsoluteError()],
    )
    return model.fit(
        window.make_dataset(train), epochs=5, validation_data=window.make_dataset(val), callbacks=[stop], verbose=0
    )


baseline = Baseline(label_index=0)
baseline.compile(loss=tf.keras.losses.MeanSquaredError(), metrics=[tf.keras.metrics.MeanAbsoluteError()])
performance = {"Baseline": baseline.evaluate(window.make_dataset(val), verbose=0, return_dict=True)}
models = {
    "Dense": tf.keras.Sequential([tf.keras.layers.Dense(units=8, activation="relu"), tf.keras.layers.Dense(units=1)]),
    "Conv": tf.keras.Sequential(
        [
            tf.keras.layers.Conv1D(filters=8, kernel_size=(3,), padding="causal", activation="relu"),
            tf.keras.layers.Dense(1),
        ]
    ),
    "LSTM": tf.keras.models.Sequential(
        [tf.keras.layers.LSTM(8, return_sequences=True), tf.keras.layers.Dense(units=1)]
    ),
}
for name, model in models.items():
    history = compile_and_fit(model, window)
    assert history.history["val_loss"][-1] < history.history["val_loss"][0]
    performance[name] = model.evaluate(window.make_dataset(val), verbose=0, return_dict=True)
    assert model(inputs).shape == labels.shape
for name, value in performance.items():
    print(f"{name:8s}: {value['mean_absolute_error']:0.4f}")
