"""From one sequence to another: sums of numbers as letters, a table of letters, an encoder and a decoder."""

import keras
import numpy as np
from keras import layers

keras.utils.set_random_seed(19)


class CharacterTable:
    def __init__(self, chars):
        self.chars = sorted(set(chars))
        self.char_indices = {c: i for i, c in enumerate(self.chars)}
        self.indices_char = dict(enumerate(self.chars))

    def encode(self, C, num_rows):
        x = np.zeros((num_rows, len(self.chars)))
        for i, c in enumerate(C):
            x[i, self.char_indices[c]] = 1
        return x

    def decode(self, x, calc_argmax=True):
        if calc_argmax:
            x = x.argmax(axis=-1)
        return "".join(self.indices_char[x] for x in x)


ctable = CharacterTable("0123456789+ ")
pairs = [(a, b) for a in range(10) for b in range(10)]
questions = [f"{a}+{b}" for a, b in pairs]
expected = [str(a + b).ljust(2) for a, b in pairs]
x = np.array([ctable.encode(q, 3) for q in questions], dtype="bool")
y = np.array([ctable.encode(e, 2) for e in expected], dtype="bool")

model = keras.Sequential()
model.add(layers.Input((3, len(ctable.chars))))
model.add(layers.LSTM(24))
model.add(layers.RepeatVector(2))
model.add(layers.LSTM(24, return_sequences=True))
model.add(layers.TimeDistributed(layers.Dense(len(ctable.chars), activation="softmax")))
model.compile(loss="categorical_crossentropy", optimizer=keras.optimizers.Adam(0.02), metrics=["accuracy"])
model.summary()
for iteration in range(2):
    history = model.fit(x, y, batch_size=20, epochs=10, validation_data=(x[:10], y[:10]), verbose=0)
    row = x[np.array([37])]
    preds = np.argmax(model.predict(row, verbose=0), axis=-1)
    print("Q", ctable.decode(row[0]), "T", expected[37], "guess", ctable.decode(preds[0], calc_argmax=False))
assert history.history["accuracy"][-1] > 0.5
