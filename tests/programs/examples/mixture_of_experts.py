"""Several small networks and a gate that weighs them; a layer adds a loss of its own so that all are used."""

import numpy as np
import tensorflow as tf
from tensorflow import keras
from tensorflow.keras import layers

keras.utils.set_random_seed(20)


class MixtureOfExperts(layers.Layer):
    def __init__(self, experts, units, balance=0.01, **kwargs):
        super().__init__(**kwargs)
        self.experts, self.units, self.balance = experts, units, balance

    def build(self, input_shape):
        features = input_shape[-1]
        self.expert_kernel = self.add_weight(
            shape=(features, self.units, self.experts), initializer="glorot_uniform", name="expert_kernel"
        )
        self.gate_kernel = self.add_weight(shape=(features, self.experts), initializer="zeros", name="gate_kernel")
        self.gate_bias = self.add_weight(shape=(self.experts,), initializer="zeros", name="gate_bias")

    def call(self, inputs, training=None):
        outputs = tf.nn.relu(tf.tensordot(inputs, self.expert_kernel, axes=1))
        gates = tf.nn.softmax(tf.matmul(inputs, self.gate_kernel) + self.gate_bias)
        if training:
            usage = tf.reduce_mean(gates, axis=0)
            self.add_loss(self.balance * tf.reduce_sum(usage * tf.math.log(usage + 1e-9)))
        return tf.reduce_sum(outputs * tf.expand_dims(gates, axis=1), axis=2)

    def get_config(self):
        return {**super().get_config(), "experts": self.experts, "units": self.units, "balance": self.balance}


inputs = keras.Input(shape=(4,))
h = MixtureOfExperts(3, 8)(inputs)
outputs = layers.Dense(2, activation="softmax")(h)
model = keras.Model(inputs, outputs)
x = np.random.rand(80, 4).astype("float32")
y = ((x[:, 0] > 0.5) ^ (x[:, 1] > 0.5)).astype("int32")
model.compile(optimizer=keras.optimizers.Adam(0.02), loss="sparse_categorical_crossentropy", metrics=["accuracy"])
history = model.fit(x, y, epochs=15, batch_size=16, verbose=0)
print(history.history["accuracy"][-1])
assert history.history["loss"][-1] < history.history["loss"][0]
gate = model.layers[1].gate_kernel.numpy()
assert gate.shape == (4, 3) and np.abs(gate).max() > 0
assert MixtureOfExperts.from_config(model.layers[1].get_config()).experts == 3
