"""Weights after every epoch, whole models, and the same answers when they come back."""

import os
import tempfile

import numpy as np
import tensorflow as tf
from tensorflow import keras

folder = tempfile.mkdtemp()
keras.utils.set_random_seed(7)
x = np.random.rand(64, 8).astype("float32")
y = (x.sum(axis=1) > 4).astype("int64")


def create_model():
    model = tf.keras.Sequential(
        [keras.layers.Dense(16, activation="relu"), keras.layers.Dropout(0.2), keras.layers.Dense(2)]
    )
    model.build((None, 8))
    model.compile(
        optimizer="adam",
        loss=tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=[tf.keras.metrics.SparseCategoricalAccuracy()],
    )
    return model


path = os.path.join(folder, "cp-{epoch:04d}.weights.h5")
callback = tf.keras.callbacks.ModelCheckpoint(filepath=path, verbose=0, save_weights_only=True)
model = create_model()
model.save_weights(path.format(epoch=0))
model.fit(x, y, epochs=3, validation_data=(x, y), callbacks=[callback], verbose=0)
print(sorted(os.listdir(folder)))
assert sorted(os.listdir(folder))[-1] == "cp-0003.weights.h5"

fresh = create_model()
fresh.load_weights(path.format(epoch=3))
assert np.allclose(fresh.predict(x, verbose=0), model.predict(x, verbose=0), atol=1e-6)

whole = os.path.join(folder, "my_model.keras")
model.save(whole)
again = tf.keras.models.load_model(whole)
again.summary()
assert np.allclose(again.predict(x, verbose=0), model.predict(x, verbose=0), atol=1e-6)
again.fit(x, y, epochs=1, verbose=0)  # goes on where it stopped
loss, accuracy = again.evaluate(x, y, verbose=0)
print("Restored model, accuracy: {:5.2f}%".format(100 * accuracy))
