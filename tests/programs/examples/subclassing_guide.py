"""Layers of one's own: state that does not train, layers within layers, losses, `training`, masks, a whole model."""

import keras
import numpy as np
from keras import layers, ops


class Linear(layers.Layer):
    def __init__(self, units=32, **kwargs):
        super().__init__(**kwargs)
        self.units = units

    def build(self, input_shape):
        self.w = self.add_weight(shape=(input_shape[-1], self.units), initializer="random_normal", trainable=True)
        self.b = self.add_weight(shape=(self.units,), initializer="zeros", trainable=True)

    def call(self, inputs):
        return ops.matmul(inputs, self.w) + self.b

    def get_config(self):
        config = super().get_config()
        config.update({"units": self.units})
        return config


linear = Linear(4)
assert linear(ops.ones((2, 2))).shape == (2, 4)
again = Linear.from_config(Linear(64, name="mine").get_config())
assert (again.units, again.name) == (64, "mine")


class ComputeSum(layers.Layer):
    def __init__(self, input_dim):
        super().__init__()
        self.total = self.add_weight(initializer="zeros", shape=(input_dim,), trainable=False)

    def call(self, inputs):
        self.total.assign_add(ops.sum(inputs, axis=0))
        return self.total


my_sum = ComputeSum(2)
my_sum(ops.ones((2, 2)))
assert np.allclose(my_sum(ops.ones((2, 2))).numpy() if hasattr(my_sum.total, "numpy") else my_sum.total, [4, 4])
assert len(my_sum.weights) == len(my_sum.non_trainable_weights) == 1 and my_sum.trainable_weights == []


class MLPBlock(layers.Layer):
    def __init__(self):
        super().__init__()
        self.linear_1, self.linear_2, self.linear_3 = Linear(32), Linear(32), Linear(1)

    def call(self, inputs):
        x = keras.activations.relu(self.linear_1(inputs))
        x = keras.activations.relu(self.linear_2(x))
        return self.linear_3(x)


mlp = MLPBlock()
mlp(ops.ones(shape=(3, 64)))
assert (len(mlp.weights), len(mlp.trainable_weights)) == (6, 6)


class ActivityRegularizationLayer(layers.Layer):
    def __init__(self, rate=1e-2):
        super().__init__()
        self.rate = rate

    def call(self, inputs):
        self.add_loss(self.rate * ops.mean(inputs))
        return inputs


class OuterLayer(layers.Layer):
    def __init__(self):
        super().__init__()
        self.activity_reg = ActivityRegularizationLayer(1e-2)
        self.dense = layers.Dense(32, kernel_regularizer=keras.regularizers.l2(1e-3))

    def call(self, inputs):
        return self.dense(self.activity_reg(inputs))


layer = OuterLayer()
assert len(layer.losses) == 0
layer(ops.zeros((1, 1)))
layer(ops.zeros((1, 1)))
assert len(layer.losses) == 2  # of the last call, and the weights' penalty


class CustomDropout(layers.Layer):
    def __init__(self, rate, **kwargs):
        super().__init__(**kwargs)
        self.rate = rate
        self.seed_generator = keras.random.SeedGenerator(1337)

    def call(self, inputs, training=None):
        if training:
            return keras.random.dropout(inputs, rate=self.rate, seed=self.seed_generator)
        return inputs


class AutoEncoder(keras.Model):
    def __init__(self, original_dim, name="autoencoder", **kwargs):
        super().__init__(name=name, **kwargs)
        self.hidden = layers.Dense(8, activation="relu")
        self.drop = CustomDropout(0.3)
        self.out = layers.Dense(original_dim, activation="sigmoid")

    def call(self, inputs, training=None):
        hidden = self.drop(self.hidden(inputs), training=training)
        self.add_loss(0.01 * ops.mean(ops.square(hidden)))
        return self.out(hidden)


x = np.random.rand(40, 12).astype("float32")
model = AutoEncoder(12)
model.compile(keras.optimizers.Adam(learning_rate=0.02), loss=keras.losses.MeanSquaredError())
history = model.fit(x, x, epochs=6, batch_size=8, verbose=0)
print(history.history["loss"])
assert history.history["loss"][-1] < history.history["loss"][0]
assert np.array_equal(model(x), model(x)) and not np.array_equal(model(x, training=True), model(x))
