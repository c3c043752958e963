"""A small convolutional network on pictures in two classes: bright above, or bright below."""

import keras
import numpy as np
from keras import layers

keras.utils.set_random_seed(1)
rng = np.random.default_rng(1)
labels = rng.integers(0, 2, 96)
pictures = rng.integers(0, 60, (96, 12, 12)).astype("uint8")
for picture, label in zip(pictures, labels):
    picture[6 * label : 6 * label + 6] += 150

x = np.expand_dims(pictures.astype("float32") / 255, -1)
y = keras.utils.to_categorical(labels, 2)
model = keras.Sequential(
    [
        keras.Input(shape=(12, 12, 1)),
        layers.Conv2D(8, kernel_size=(3, 3), activation="relu"),
        layers.MaxPooling2D(pool_size=(2, 2)),
        layers.Conv2D(8, kernel_size=(3, 3), activation="relu"),
        layers.Flatten(),
        layers.Dropout(0.3),
        layers.Dense(2, activation="softmax"),
    ]
)
model.summary()
model.compile(loss="categorical_crossentropy", optimizer="adam", metrics=["accuracy"])
history = model.fit(x, y, batch_size=16, epochs=10, validation_split=0.1, verbose=0)
assert sorted(history.history) == ["accuracy", "loss", "val_accuracy", "val_loss"]
score = model.evaluate(x, y, verbose=0)
print("Test loss:", score[0], "accuracy:", score[1])
assert score[1] > 0.9
