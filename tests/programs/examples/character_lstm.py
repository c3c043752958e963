"""Letters as rows of zeros with a one; the next letter; a text drawn letter by letter."""

import random

import keras
import numpy as np
from keras import layers

keras.utils.set_random_seed(16)
text = "abcabcdabcabcd" * 20
maxlen, step = 6, 3
chars = sorted(set(text))
char_indices = {c: i for i, c in enumerate(chars)}
indices_char = dict(enumerate(chars))
starts = range(0, len(text) - maxlen, step)
x = np.zeros((len(starts), maxlen, len(chars)), dtype="bool")
y = np.zeros((len(starts), len(chars)), dtype="bool")
for i, start in enumerate(starts):
    for t, char in enumerate(text[start : start + maxlen]):
        x[i, t, char_indices[char]] = 1
    y[i, char_indices[text[start + maxlen]]] = 1

model = keras.Sequential(
    [keras.Input(shape=(maxlen, len(chars))), layers.LSTM(16), layers.Dense(len(chars), activation="softmax")]
)
model.compile(loss="categorical_crossentropy", optimizer=keras.optimizers.RMSprop(learning_rate=0.02))


def sample(preds, temperature=1.0):
    preds = np.asarray(preds).astype("float64")
    exp_preds = np.exp(np.log(preds) / temperature)
    return np.argmax(np.random.multinomial(1, exp_preds / np.sum(exp_preds) * 0.999999, 1))


for epoch in range(2):
    model.fit(x, y, batch_size=16, epochs=6, verbose=0)
    start_index = random.randint(0, len(text) - maxlen - 1)
    for diversity in [0.2, 1.0]:
        sentence = text[start_index : start_index + maxlen]
        for _ in range(10):
            x_pred = np.zeros((1, maxlen, len(chars)))
            for t, char in enumerate(sentence[-maxlen:]):
                x_pred[0, t, char_indices[char]] = 1.0
            sentence += indices_char[sample(model.predict(x_pred, verbose=0)[0], diversity)]
        print(diversity, sentence)
assert model.evaluate(x, y, verbose=0) < 0.5
