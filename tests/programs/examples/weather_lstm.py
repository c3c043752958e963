"""Windows over measurements; what comes next; the best weights kept, and learning stopped when it no longer helps."""

import os
import tempfile

import keras
import numpy as np

keras.utils.set_random_seed(10)
time = np.arange(400)
values = np.stack([np.sin(time / 7), np.cos(time / 7), time / 400], axis=1)
past, future, split = 12, 3, 300
values = (values - values[:split].mean(axis=0)) / values[:split].std(axis=0)


def windows(first, last):
    return keras.preprocessing.timeseries_dataset_from_array(
        values[first:last], values[first + past + future : last + future, 0], sequence_length=past, batch_size=32
    )


dataset_train, dataset_val = windows(0, split), windows(split, 400 - future)
for batch in dataset_train.take(1):
    inputs, targets = batch
print("Input shape:", inputs.numpy().shape, "Target shape:", targets.numpy().shape)
assert inputs.shape == (32, past, 3)

layer_in = keras.layers.Input(shape=(inputs.shape[1], inputs.shape[2]))
lstm_out = keras.layers.LSTM(8)(layer_in)
outputs = keras.layers.Dense(1)(lstm_out)
model = keras.Model(inputs=layer_in, outputs=outputs)
model.compile(optimizer=keras.optimizers.Adam(learning_rate=0.02), loss="mse")

path = os.path.join(tempfile.mkdtemp(), "model_checkpoint.weights.h5")
stop = keras.callbacks.EarlyStopping(monitor="val_loss", min_delta=0, patience=3)
keep = keras.callbacks.ModelCheckpoint(monitor="val_loss", filepath=path, save_weights_only=True, save_best_only=True)
history = model.fit(dataset_train, epochs=6, validation_data=dataset_val, callbacks=[stop, keep], verbose=0)
print(history.history["val_loss"])
model.load_weights(path)
assert np.isclose(model.evaluate(dataset_val, verbose=0), min(history.history["val_loss"]), rtol=1e-3)
for x, y in dataset_val.take(2):
    assert model.predict(x, verbose=0).shape == (len(y), 1)
