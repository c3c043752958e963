"""A loop of one's own: batches, tapes, metrics, a compiled step, losses that layers add."""

import time

import keras
import numpy as np
import tensorflow as tf

tf.random.set_seed(26)
x_train = np.random.rand(96, 10).astype("float32")
y_train = np.argmax(x_train[:, :3], axis=1)
x_val, y_val = x_train[-32:], y_train[-32:]
train_dataset = tf.data.Dataset.from_tensor_slices((x_train, y_train)).shuffle(buffer_size=96).batch(16)
val_dataset = tf.data.Dataset.from_tensor_slices((x_val, y_val)).batch(16)


@keras.saving.register_keras_serializable()
class ActivityRegularizationLayer(keras.layers.Layer):
    def call(self, inputs):
        self.add_loss(1e-2 * keras.ops.sum(inputs))
        return inputs


def get_model():
    inputs = keras.Input(shape=(10,), name="digits")
    x = keras.layers.Dense(16, activation="relu")(inputs)
    x = ActivityRegularizationLayer()(x)
    return keras.Model(inputs=inputs, outputs=keras.layers.Dense(3, name="predictions")(x))


model = get_model()
optimizer = keras.optimizers.Adam(learning_rate=0.01)
loss_fn = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
train_acc_metric = keras.metrics.SparseCategoricalAccuracy()
val_acc_metric = keras.metrics.SparseCategoricalAccuracy()


@tf.function
def train_step(x, y):
    with tf.GradientTape() as tape:
        logits = model(x, training=True)
        loss_value = loss_fn(y, logits)
        loss_value += sum(model.losses)
    grads = tape.gradient(loss_value, model.trainable_weights)
    optimizer.apply(grads, model.trainable_weights)
    train_acc_metric.update_state(y, logits)
    return loss_value


@tf.function
def test_step(x, y):
    val_acc_metric.update_state(y, model(x, training=False))


accuracies = []
for epoch in range(8):
    start_time = time.time()
    for step, (x_batch_train, y_batch_train) in enumerate(train_dataset):
        loss_value = train_step(x_batch_train, y_batch_train)
        if step % 5 == 0:
            print("Training loss (for one batch) at step %d: %.4f" % (step, float(loss_value)))
            print("Seen so far: %s samples" % ((step + 1) * 16))
    accuracies.append(float(train_acc_metric.result()))
    train_acc_metric.reset_state()
    for x_batch_val, y_batch_val in val_dataset:
        test_step(x_batch_val, y_batch_val)
    val_acc = val_acc_metric.result()
    val_acc_metric.reset_state()
    print("Validation acc: %.4f" % (float(val_acc),), "Time taken: %.2fs" % (time.time() - start_time))
assert accuracies[-1] > accuracies[0]

with tf.GradientTape(persistent=True) as tape:
    x = tf.constant([1.0, 2.0])
    tape.watch(x)
    y = tf.reduce_sum(x**2)
    z = y * 3
assert tape.gradient(y, x).numpy().tolist() == [2.0, 4.0]
assert tape.gradient(z, {"x": x})["x"].numpy().tolist() == [6.0, 12.0]
v = tf.Variable(2.0)
with tf.GradientTape() as tape:
    out = tf.where(v > 0, v * v, -v)
assert float(tape.gradient(out, v)) == 4.0
v.assign_sub(0.5)
assert v.numpy() == 1.5
