"""Colour pictures: layers added one by one, and the shapes that come of it."""

import numpy as np
from tensorflow.keras import datasets, layers, losses, models, optimizers, utils

assert hasattr(datasets, "cifar10")
utils.set_random_seed(9)
rng = np.random.default_rng(9)
labels = rng.integers(0, 3, (60, 1))
images = rng.random((60, 16, 16, 3)).astype("float32") / 2
images[np.arange(60), :, :, labels[:, 0]] += 0.5

model = models.Sequential()
model.add(layers.Conv2D(8, (3, 3), activation="relu", input_shape=(16, 16, 3)))
model.add(layers.MaxPooling2D((2, 2)))
model.add(layers.Conv2D(8, (3, 3), activation="relu"))
assert model.output_shape == (None, 5, 5, 8)
model.add(layers.Flatten())
model.add(layers.Dense(3))
model.summary()
assert model.count_params() == (27 * 8 + 8) + (72 * 8 + 8) + (200 * 3 + 3)
model.compile(
    optimizer=optimizers.Adam(0.01), loss=losses.SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"]
)
history = model.fit(images, labels, epochs=12, batch_size=10, validation_data=(images[:20], labels[:20]), verbose=0)
print([round(value, 2) for value in history.history["val_accuracy"]])
test_loss, test_acc = model.evaluate(images, labels, verbose=2)
assert test_acc > 0.9
