"""Models to configurations and files and back: registered objects, scopes, lists of variables, weights between models."""

import os
import tempfile

import keras
import numpy as np
from keras import ops

folder = tempfile.mkdtemp()
inputs = keras.Input(shape=(8,))
model = keras.Model(inputs, keras.layers.Dense(1)(inputs))
model.compile(optimizer=keras.optimizers.Adam(), loss="mean_squared_error")
test_input, test_target = np.random.random((32, 8)), np.random.random((32, 1))
model.fit(test_input, test_target, verbose=0)
model.save(os.path.join(folder, "my_model.keras"))
reconstructed = keras.models.load_model(os.path.join(folder, "my_model.keras"))
np.testing.assert_allclose(
    model.predict(test_input, verbose=0), reconstructed.predict(test_input, verbose=0), atol=1e-6
)


@keras.saving.register_keras_serializable(package="MyLayers")
class CustomLayer(keras.layers.Layer):
    def __init__(self, factor, **kwargs):
        super().__init__(**kwargs)
        self.factor = factor

    def call(self, x):
        return x * self.factor

    def get_config(self):
        return {**super().get_config(), "factor": self.factor}


@keras.saving.register_keras_serializable(package="my_package", name="custom_fn")
def custom_fn(x):
    return x**2


def get_model():
    inputs = keras.Input(shape=(4,))
    mid = CustomLayer(0.5)(inputs)
    outputs = keras.layers.Dense(1, activation=custom_fn)(mid)
    made = keras.Model(inputs, outputs)
    made.compile(optimizer="rmsprop", loss="mean_squared_error")
    return made


x, y = np.random.random((16, 4)), np.random.random((16, 1))
model = get_model()
model.fit(x, y, verbose=0)
path = os.path.join(folder, "custom_model.keras")
model.save(path)
again = keras.models.load_model(path)
np.testing.assert_allclose(model.predict(x, verbose=0), again.predict(x, verbose=0), atol=1e-6)
assert again.layers[1].factor == 0.5

clone = keras.models.clone_model(model)
clone.set_weights(model.get_weights())
rebuilt = keras.Model.from_config(model.get_config())
assert [tuple(w.shape) for w in rebuilt.weights] == [tuple(w.shape) for w in model.weights]
layer = keras.layers.Dense(3, activation="relu")
same = keras.layers.Dense.from_config(layer.get_config())
assert same.units == 3
json_config = model.to_json()
assert len(keras.models.model_from_json(json_config).layers) == 3
description = keras.saving.serialize_keras_object(layer)
assert keras.saving.deserialize_keras_object(description).get_config() == layer.get_config()


class Unregistered(keras.layers.Layer):
    def call(self, x):
        return ops.tanh(x)


def my_activation(x):
    return ops.relu(x) + 1


inputs = keras.Input((4,))
free = keras.Model(inputs, keras.layers.Dense(2, activation=my_activation)(Unregistered()(inputs)))
free.save(os.path.join(folder, "free.keras"))
names = {"Unregistered": Unregistered, "my_activation": my_activation}
loaded = keras.models.load_model(os.path.join(folder, "free.keras"), custom_objects=names)
np.testing.assert_allclose(free.predict(x, verbose=0), loaded.predict(x, verbose=0), atol=1e-6)
with keras.saving.custom_object_scope(names):
    loaded = keras.saving.load_model(os.path.join(folder, "free.keras"), compile=False)

sequential_model = keras.Sequential(
    [keras.Input((8,)), keras.layers.Dense(4, name="a"), keras.layers.Dense(2, name="b")]
)
sequential_model.save_weights(os.path.join(folder, "my.weights.h5"))
other = keras.Sequential([keras.Input((8,)), keras.layers.Dense(4, name="a"), keras.layers.Dense(2, name="b")])
other.load_weights(os.path.join(folder, "my.weights.h5"))
for mine, theirs in zip(sequential_model.weights, other.weights):
    np.testing.assert_array_equal(np.array(mine), np.array(theirs))
