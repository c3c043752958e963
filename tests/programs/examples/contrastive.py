"""Pictures of one class brought together, those of others apart: a loss class, and two stages of learning."""

import keras
import numpy as np
from keras import layers, ops

keras.utils.set_random_seed(22)
rng = np.random.default_rng(22)
y_train = rng.integers(0, 3, (72, 1))
x_train = rng.random((72, 8, 8, 3)).astype("float32")
x_train[np.arange(72), :, :, y_train[:, 0]] += 1

data_augmentation = keras.Sequential(
    [layers.Normalization(), layers.RandomFlip("horizontal"), layers.RandomRotation(0.02)]
)
data_augmentation.layers[0].adapt(x_train)


def create_encoder():
    inputs = keras.Input(shape=(8, 8, 3))
    augmented = data_augmentation(inputs)
    h = layers.Conv2D(8, 3, activation="relu")(augmented)
    outputs = layers.GlobalAveragePooling2D()(h)
    return keras.Model(inputs=inputs, outputs=outputs, name="encoder")


class SupervisedContrastiveLoss(keras.losses.Loss):
    def __init__(self, temperature=1, name=None):
        super().__init__(name=name)
        self.temperature = temperature

    def __call__(self, labels, feature_vectors, sample_weight=None):
        normalized = keras.utils.normalize(feature_vectors, axis=1, order=2)
        logits = ops.divide(ops.matmul(normalized, ops.transpose(normalized)), self.temperature)
        same = ops.cast(ops.equal(ops.reshape(labels, (-1, 1)), ops.reshape(labels, (1, -1))), "float32")
        return -ops.mean(ops.sum(same * ops.log_softmax(logits, axis=-1), axis=1) / ops.sum(same, axis=1))


def add_projection_head(encoder):
    inputs = keras.Input(shape=(8, 8, 3))
    outputs = layers.Dense(8, activation="relu")(encoder(inputs))
    return keras.Model(inputs=inputs, outputs=outputs, name="with_projection_head")


encoder = create_encoder()
first = add_projection_head(encoder)
first.compile(optimizer=keras.optimizers.Adam(0.02), loss=SupervisedContrastiveLoss(0.5))
losses = first.fit(x=x_train, y=y_train, batch_size=24, epochs=4, verbose=0).history["loss"]
assert losses[-1] < losses[0]

for layer in encoder.layers:
    layer.trainable = False
inputs = keras.Input(shape=(8, 8, 3))
features = layers.Dropout(0.1)(encoder(inputs))
classifier = keras.Model(inputs, layers.Dense(3, activation="softmax")(features), name="classifier")
classifier.compile(
    optimizer=keras.optimizers.Adam(0.05),
    loss=keras.losses.SparseCategoricalCrossentropy(),
    metrics=[keras.metrics.SparseCategoricalAccuracy()],
)
classifier.fit(x_train, y_train, batch_size=24, epochs=8, verbose=0)
accuracy = classifier.evaluate(x_train, y_train, verbose=0)[1]
print(f"Test accuracy: {round(accuracy * 100, 2)}%")
assert accuracy > 0.8
