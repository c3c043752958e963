"""The older way of writing it: layers added one by one, padding from `preprocessing`, masked zeros."""

import numpy as np
from tensorflow.keras.layers import LSTM, Dense, Dropout, Embedding, SpatialDropout1D
from tensorflow.keras.models import Sequential
from tensorflow.keras.optimizers import Adam
from tensorflow.keras.preprocessing import sequence
from tensorflow.keras.utils import set_random_seed

set_random_seed(3)
np.random.seed(3)
y_train = np.random.randint(0, 2, size=64)
x_train = [np.random.choice([2, 3, 4 + y], size=np.random.randint(3, 8)).tolist() for y in y_train]
x_train = sequence.pad_sequences(x_train, maxlen=8, padding="post", truncating="post")

model = Sequential()
model.add(Embedding(6, 8, mask_zero=True))
model.add(SpatialDropout1D(0.1))
model.add(LSTM(8, dropout=0.1, recurrent_dropout=0.1))
model.add(Dropout(0.1))
model.add(Dense(1, activation="sigmoid"))
model.compile(loss="binary_crossentropy", optimizer=Adam(learning_rate=0.03), metrics=["accuracy"])
model.fit(x_train, y_train, batch_size=16, epochs=8, verbose=0)
loss, accuracy = model.evaluate(x_train, y_train, batch_size=16, verbose=0)
print("Accuracy: %.3f" % accuracy)
assert accuracy > 0.8
