"""Logits, a loss that knows it, and a second model that makes probabilities of them."""

import numpy as np
import tensorflow as tf

print(tf.__version__)
tf.random.set_seed(4)
rng = np.random.default_rng(4)
train_labels = rng.integers(0, 3, 90).astype("uint8")
train_images = rng.integers(0, 80, (90, 6, 6)).astype("uint8")
train_images[np.arange(90), 2 * train_labels] += 150
train_images = train_images / 255.0

model = tf.keras.Sequential(
    [
        tf.keras.layers.Flatten(input_shape=(6, 6)),
        tf.keras.layers.Dense(16, activation=tf.nn.relu),
        tf.keras.layers.Dense(3),
    ]
)
model.compile(
    optimizer=tf.keras.optimizers.Adam(learning_rate=0.02),
    loss=tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    metrics=["accuracy"],
)
model.fit(train_images, train_labels, epochs=8, verbose=0)
test_loss, test_acc = model.evaluate(train_images, train_labels, verbose=2)
assert test_acc > 0.9

probability_model = tf.keras.Sequential([model, tf.keras.layers.Softmax()])
predictions = probability_model.predict(train_images, verbose=0)
assert predictions.shape == (90, 3)
assert np.allclose(predictions.sum(axis=1), 1, atol=1e-5)
assert np.array_equal(predictions, tf.nn.softmax(model(train_images)).numpy()) or np.allclose(
    predictions, tf.nn.softmax(model(train_images)), atol=1e-5
)
one = np.expand_dims(train_images[1], 0)
print("class", np.argmax(probability_model.predict(one, verbose=0)[0]), "was", train_labels[1])
