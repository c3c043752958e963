"""Weight penalties, dropout, a falling learning rate, early stopping; data that repeat without an end."""

import numpy as np
import tensorflow as tf
from tensorflow.keras import layers, regularizers

tf.keras.utils.set_random_seed(5)
rng = np.random.default_rng(5)
features = rng.normal(size=(120, 6)).astype("float32")
labels = (features[:, :1] + features[:, 1:2] > 0).astype("float32")
whole = tf.data.Dataset.from_tensor_slices((features, labels))
validate = whole.take(40).cache().batch(20)
train = whole.skip(40).take(80).cache().shuffle(80).repeat().batch(20)

schedule = tf.keras.optimizers.schedules.InverseTimeDecay(0.02, decay_steps=40, decay_rate=1, staircase=False)
assert np.isclose(float(schedule(40)), 0.01)


def compile_and_fit(model):
    model.compile(
        optimizer=tf.keras.optimizers.Adam(schedule),
        loss=tf.keras.losses.BinaryCrossentropy(from_logits=True),
        metrics=[
            tf.keras.metrics.BinaryCrossentropy(from_logits=True, name="binary_crossentropy"),
            "accuracy",
        ],
    )
    model.summary()
    return model.fit(
        train,
        steps_per_epoch=4,
        epochs=12,
        validation_data=validate,
        callbacks=[tf.keras.callbacks.EarlyStopping(monitor="val_binary_crossentropy", patience=3)],
        verbose=0,
    )


tiny = tf.keras.Sequential([layers.Dense(8, activation="elu", input_shape=(6,)), layers.Dense(1)])
combined = tf.keras.Sequential(
    [
        layers.Dense(16, kernel_regularizer=regularizers.l2(0.001), activation="elu", input_shape=(6,)),
        layers.Dropout(0.2),
        layers.Dense(1),
    ]
)
histories = {"tiny": compile_and_fit(tiny), "combined": compile_and_fit(combined)}
for name, history in histories.items():
    print(name, history.history["val_accuracy"][-1])
assert (
    histories["tiny"].history["val_binary_crossentropy"][-1] < histories["tiny"].history["val_binary_crossentropy"][0]
)
total = tf.add_n(combined.losses)
assert combined.losses and float(total) > 0
