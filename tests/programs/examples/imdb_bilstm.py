"""A two-way recurrent network on sequences of word numbers: is there more of word 5 than of word 6?"""

import keras
import numpy as np
from keras import layers

keras.utils.set_random_seed(2)
rng = np.random.default_rng(2)
labels = rng.integers(0, 2, 80)
sequences = [[1, *rng.choice([3, 4, 5 + label, 5 + label], rng.integers(4, 10)).tolist()] for label in labels]
x = keras.utils.pad_sequences(sequences, maxlen=10)

inputs = keras.Input(shape=(None,), dtype="int32")
h = layers.Embedding(8, 8)(inputs)
h = layers.Bidirectional(layers.LSTM(8, return_sequences=True))(h)
h = layers.Bidirectional(layers.LSTM(8))(h)
outputs = layers.Dense(1, activation="sigmoid")(h)
model = keras.Model(inputs, outputs)
model.summary()
model.compile(optimizer=keras.optimizers.Adam(0.02), loss="binary_crossentropy", metrics=["accuracy"])
model.fit(x, labels, batch_size=16, epochs=6, validation_data=(x[:16], labels[:16]), verbose=2)
assert model.evaluate(x, labels, verbose=0, return_dict=True)["accuracy"] > 0.9
