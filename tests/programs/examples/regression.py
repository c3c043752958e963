"""Numbers from numbers: a normalising layer that learns mean and variance, then one and two layers."""

import numpy as np
import tensorflow as tf
from tensorflow import keras
from tensorflow.keras import layers

np.set_printoptions(precision=3, suppress=True)
keras.utils.set_random_seed(6)
rng = np.random.default_rng(6)
features = rng.uniform([50, 1000, 8], [250, 5000, 25], (100, 3)).astype("float32")
labels = (60 - 0.1 * features[:, 0] - 0.004 * features[:, 1] + rng.normal(size=100)).astype("float32")

normalizer = layers.Normalization(axis=-1)
normalizer.adapt(np.array(features))
print(normalizer.mean.numpy() if hasattr(normalizer.mean, "numpy") else np.array(normalizer.mean))
assert np.allclose(normalizer(features).numpy().mean(axis=0), 0, atol=1e-3)

linear = keras.Sequential([normalizer, layers.Dense(units=1)])
assert linear.predict(features[:10], verbose=0).shape == (10, 1)
assert linear.layers[1].kernel.shape == (3, 1)
linear.compile(optimizer=keras.optimizers.Adam(learning_rate=1.0), loss="mean_absolute_error")
history = linear.fit(features, labels, epochs=30, verbose=0, validation_split=0.2)
assert history.history["loss"][-1] < 5


def build_and_compile_model(norm):
    model = keras.Sequential([norm, layers.Dense(16, activation="relu"), layers.Dense(1)])
    model.compile(loss="mean_absolute_error", optimizer=tf.keras.optimizers.Adam(0.05))
    return model


one_column = layers.Normalization(input_shape=[1], axis=None)
one_column.adapt(features[:, 0])
dnn = build_and_compile_model(one_column)
dnn.fit(features[:, 0], labels, validation_split=0.2, verbose=0, epochs=10)
predicted = dnn.predict(features[:, 0], verbose=0).flatten()
print("error", np.abs(predicted - labels).mean())
line = tf.linspace(0.0, 250, 251)
assert dnn.predict(line, verbose=0).shape == (251, 1)
