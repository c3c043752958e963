"""Graphs of layers: several inputs and outputs, a shared layer, connections around, models within models."""

import keras
import numpy as np
from keras import layers, ops

keras.utils.set_random_seed(23)
num_tags, num_words, num_departments = 5, 50, 3
title_input = keras.Input(shape=(None,), name="title")
body_input = keras.Input(shape=(None,), name="body")
tags_input = keras.Input(shape=(num_tags,), name="tags")
shared = layers.Embedding(num_words, 8)
title_features = layers.LSTM(8)(shared(title_input))
body_features = layers.LSTM(4)(shared(body_input))
x = layers.concatenate([title_features, body_features, tags_input])
priority_pred = layers.Dense(1, name="priority")(x)
department_pred = layers.Dense(num_departments, name="department")(x)
model = keras.Model(
    inputs=[title_input, body_input, tags_input],
    outputs={"priority": priority_pred, "department": department_pred},
)
model.compile(
    optimizer=keras.optimizers.RMSprop(1e-3),
    loss={
        "priority": keras.losses.BinaryCrossentropy(from_logits=True),
        "department": keras.losses.CategoricalCrossentropy(from_logits=True),
    },
    loss_weights={"priority": 1.0, "department": 0.2},
)
title, body = np.random.randint(num_words, size=(32, 6)), np.random.randint(num_words, size=(32, 12))
tags = np.random.randint(2, size=(32, num_tags)).astype("float32")
model.fit(
    {"title": title, "body": body, "tags": tags},
    {
        "priority": np.random.random(size=(32, 1)),
        "department": keras.utils.to_categorical(np.random.randint(num_departments, size=32), num_departments),
    },
    epochs=2,
    batch_size=16,
    verbose=0,
)

inputs = keras.Input(shape=(16, 16, 3), name="img")
x = layers.Conv2D(8, 3, activation="relu")(inputs)
block_1 = layers.MaxPooling2D(3)(x)
x = layers.Conv2D(8, 3, activation="relu", padding="same")(block_1)
block_2 = layers.add([x, block_1])
outputs = layers.Dense(10)(layers.GlobalAveragePooling2D()(block_2))
toy_resnet = keras.Model(inputs, outputs, name="toy_resnet")
toy_resnet.summary()
assert [layer.name for layer in toy_resnet.layers][0] == "img"

encoder_input = keras.Input(shape=(8, 8, 1), name="original")
encoded = layers.GlobalMaxPooling2D()(layers.Conv2D(16, 3, activation="relu")(encoder_input))
encoder = keras.Model(encoder_input, encoded, name="encoder")
decoder_input = keras.Input(shape=(16,), name="encoded")
x = layers.Reshape((4, 4, 1))(decoder_input)
x = layers.UpSampling2D(2)(x)
decoder = keras.Model(decoder_input, layers.Conv2DTranspose(1, 3, padding="same")(x), name="decoder")
autoencoder_input = keras.Input(shape=(8, 8, 1), name="img")
autoencoder = keras.Model(autoencoder_input, decoder(encoder(autoencoder_input)), name="autoencoder")
assert autoencoder.output_shape == (None, 8, 8, 1)


def get_model():
    given = keras.Input(shape=(4,))
    return keras.Model(given, layers.Dense(1)(given))


members = [get_model() for _ in range(3)]
given = keras.Input(shape=(4,))
ensemble = keras.Model(inputs=given, outputs=layers.average([member(given) for member in members]))
together = ensemble(ops.ones((2, 4)))
assert np.allclose(together, np.mean([member(ops.ones((2, 4))) for member in members], axis=0), atol=1e-6)

features_list = [layer.output for layer in toy_resnet.layers]
feature_extraction_model = keras.Model(inputs=toy_resnet.input, outputs=features_list)
assert len(feature_extraction_model(np.random.random((1, 16, 16, 3)).astype("float32"))) == len(features_list)


class CustomDense(layers.Layer):
    def __init__(self, units=32):
        super().__init__()
        self.units = units

    def build(self, input_shape):
        self.w = self.add_weight(shape=(input_shape[-1], self.units), initializer="random_normal", trainable=True)
        self.b = self.add_weight(shape=(self.units,), initializer="random_normal", trainable=True)

    def call(self, inputs):
        return ops.matmul(inputs, self.w) + self.b

    def get_config(self):
        return {"units": self.units}


given = keras.Input((4,))
custom = keras.Model(given, CustomDense(10)(given))
config = custom.get_config()
new_model = keras.Model.from_config(config, custom_objects={"CustomDense": CustomDense})
new_model.set_weights(custom.get_weights())
assert np.allclose(new_model(ops.ones((1, 4))), custom(ops.ones((1, 4))))
