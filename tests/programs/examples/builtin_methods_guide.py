"""What `compile`, `fit`, `evaluate` and `predict` take: losses and metrics of one's own, weights, batches, callbacks."""

import keras
import numpy as np
from keras import layers, ops

keras.utils.set_random_seed(24)
x_train = np.random.rand(60, 8).astype("float32")
y_train = (x_train[:, 0] > 0.5).astype("float32")
x_val, y_val = x_train[-12:], y_train[-12:]


def get_uncompiled_model():
    inputs = keras.Input(shape=(8,), name="digits")
    x = layers.Dense(8, activation="relu", name="dense_1")(inputs)
    outputs = layers.Dense(2, activation="softmax", name="predictions")(x)
    return keras.Model(inputs=inputs, outputs=outputs)


def custom_mean_squared_error(y_true, y_pred):
    return ops.mean(ops.square(y_true - y_pred), axis=-1)


@keras.saving.register_keras_serializable()
class CustomMSE(keras.losses.Loss):
    def __init__(self, regularization_factor=0.1, name="custom_mse"):
        super().__init__(name=name)
        self.regularization_factor = regularization_factor

    def call(self, y_true, y_pred):
        mse = ops.mean(ops.square(y_true - y_pred), axis=-1)
        return mse + ops.mean(ops.square(0.5 - y_pred), axis=-1) * self.regularization_factor

    def get_config(self):
        return {"regularization_factor": self.regularization_factor, "name": self.name}


class CategoricalTruePositives(keras.metrics.Metric):
    def __init__(self, name="categorical_true_positives", **kwargs):
        super().__init__(name=name, **kwargs)
        self.true_positives = self.add_variable(shape=(), name="ctp", initializer="zeros")

    def update_state(self, y_true, y_pred, sample_weight=None):
        y_pred = ops.reshape(ops.argmax(y_pred, axis=1), (-1, 1))
        values = ops.cast(ops.equal(ops.cast(y_true, "int32"), ops.cast(y_pred, "int32")), "float32")
        if sample_weight is not None:
            values = ops.multiply(values, ops.cast(sample_weight, "float32"))
        self.true_positives.assign_add(ops.sum(values))

    def result(self):
        return self.true_positives

    def reset_state(self):
        self.true_positives.assign(0)


one_hot = keras.utils.to_categorical(y_train, 2)
for loss in (custom_mean_squared_error, CustomMSE()):
    model = get_uncompiled_model()
    model.compile(optimizer=keras.optimizers.Adam(), loss=loss)
    model.fit(x_train, one_hot, batch_size=20, epochs=1, verbose=0)

model = get_uncompiled_model()
model.compile(
    optimizer=keras.optimizers.RMSprop(learning_rate=1e-2),
    loss=keras.losses.SparseCategoricalCrossentropy(),
    metrics=[keras.metrics.SparseCategoricalAccuracy(), CategoricalTruePositives()],
)
history = model.fit(x_train, y_train.reshape(-1, 1), batch_size=20, epochs=2, validation_split=0.2, verbose=0)
assert 0 <= history.history["categorical_true_positives"][-1] <= 48


class LogisticEndpoint(layers.Layer):
    def __init__(self, name=None):
        super().__init__(name=name)
        self.loss_fn = keras.losses.BinaryCrossentropy(from_logits=True)

    def call(self, targets, logits, sample_weights=None):
        self.add_loss(self.loss_fn(targets, logits, sample_weights))
        return ops.softmax(logits)


inputs, targets = keras.Input(shape=(3,), name="inputs"), keras.Input(shape=(4,), name="targets")
endpoint = keras.Model([inputs, targets], LogisticEndpoint(name="predictions")(targets, layers.Dense(4)(inputs)))
endpoint.compile(optimizer="adam")
endpoint.fit({"inputs": np.ones((4, 3)), "targets": np.ones((4, 4))}, verbose=0)


class ExampleSequence(keras.utils.PyDataset):
    def __init__(self, x, y, batch_size, **kwargs):
        super().__init__(**kwargs)
        self.x, self.y, self.batch_size = x, y, batch_size

    def __len__(self):
        return int(np.ceil(len(self.x) / self.batch_size))

    def __getitem__(self, idx):
        begin, end = idx * self.batch_size, (idx + 1) * self.batch_size
        return self.x[begin:end], self.y[begin:end]


model = get_uncompiled_model()
model.compile(optimizer="adam", loss="sparse_categorical_crossentropy")
model.fit(ExampleSequence(x_train, y_train, 16), epochs=1, verbose=0)
class_weight = {0: 1.0, 1: 2.0}
model.fit(x_train, y_train, class_weight=class_weight, batch_size=20, epochs=1, verbose=0)
model.fit(x_train, y_train, sample_weight=np.where(y_train == 1, 2.0, 1.0), batch_size=20, epochs=1, verbose=0)

image_input, ts_input = keras.Input(shape=(8, 8, 3), name="img_input"), keras.Input(shape=(None, 4), name="ts_input")
x1 = layers.GlobalMaxPooling2D()(layers.Conv2D(3, 3)(image_input))
x2 = layers.GlobalMaxPooling1D()(layers.Conv1D(3, 3)(ts_input))
x = layers.concatenate([x1, x2])
score_output, class_output = layers.Dense(1, name="score_output")(x), layers.Dense(5, name="class_output")(x)
two = keras.Model(inputs=[image_input, ts_input], outputs=[score_output, class_output])
two.compile(
    optimizer=keras.optimizers.RMSprop(1e-3),
    loss=[keras.losses.MeanSquaredError(), keras.losses.CategoricalCrossentropy()],
    metrics=[[keras.metrics.MeanAbsolutePercentageError()], [keras.metrics.CategoricalAccuracy()]],
)
data = [np.random.rand(12, 8, 8, 3), np.random.rand(12, 5, 4)], [np.random.rand(12, 1), np.eye(5)[np.arange(12) % 5]]
logs = two.fit(*data, batch_size=6, epochs=1, verbose=0).history
print(sorted(logs))
assert "score_output_mean_absolute_percentage_error" in logs and "class_output_categorical_accuracy" in logs

one_target = keras.Model(inputs=[image_input, ts_input], outputs=[score_output, class_output])
one_target.compile(optimizer="adam", loss=[keras.losses.MeanSquaredError(), None])
one_target.fit(data[0], data[1][0], batch_size=6, epochs=1, verbose=0)

schedule = keras.optimizers.schedules.ExponentialDecay(0.1, decay_steps=10, decay_rate=0.96, staircase=True)
model.compile(
    optimizer=keras.optimizers.RMSprop(schedule), loss="sparse_categorical_crossentropy", metrics=["accuracy"]
)
stop = keras.callbacks.EarlyStopping(monitor="val_loss", min_delta=1e-2, patience=2, verbose=1)
model.fit(x_train, y_train, epochs=12, batch_size=20, callbacks=[stop], validation_split=0.2, verbose=0)
results = model.evaluate(x_val, y_val, batch_size=6, verbose=0)
assert len(results) == 2 and model.predict(x_val[:3], verbose=0).shape == (3, 2)
