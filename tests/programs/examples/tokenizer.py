"""The older way from texts to numbers: a tokenizer, padded rows, a matrix of words, a network on it."""

import numpy as np
from tensorflow.keras.layers import Dense
from tensorflow.keras.models import Sequential
from tensorflow.keras.preprocessing.sequence import pad_sequences
from tensorflow.keras.preprocessing.text import Tokenizer, hashing_trick, text_to_word_sequence, tokenizer_from_json

docs = ["The cat sat on the mat.", "A dog; a cat! the dog", "nothing here"]
assert text_to_word_sequence("Good, but  long! It's") == ["good", "but", "long", "it's"]
assert hashing_trick("a cat a", 100, "md5") == [92, 3, 92]
tokenizer = Tokenizer(num_words=6, oov_token="?")
tokenizer.fit_on_texts(docs)
assert list(tokenizer.word_index)[:5] == ["?", "the", "cat", "a", "dog"]
rows = tokenizer.texts_to_sequences(docs)
assert rows == [[2, 3, 1, 1, 2, 1], [4, 5, 4, 3, 2, 5], [1, 1]]
assert tokenizer.sequences_to_texts(rows)[1] == "a dog a cat the dog"
assert tokenizer_from_json(tokenizer.to_json()).texts_to_sequences(["the cat flew"]) == [[2, 3, 1]]
padded = pad_sequences(rows, maxlen=5, padding="post", truncating="post")
assert padded.tolist() == [[2, 3, 1, 1, 2], [4, 5, 4, 3, 2], [1, 1, 0, 0, 0]]
assert tokenizer.texts_to_matrix(docs, mode="count")[1].tolist() == [0, 0, 1, 1, 2, 2]
x = tokenizer.texts_to_matrix(docs, mode="tfidf")
assert np.isclose(x[2, 1], (1 + np.log(2)) * np.log(1 + 3 / 1)) or x[2, 1] > 0

model = Sequential([Dense(4, input_shape=(6,), activation="relu"), Dense(1, activation="sigmoid")])
model.compile(loss="binary_crossentropy", optimizer="adam", metrics=["acc"])
history = model.fit(x, np.array([0, 1, 0]), epochs=2, verbose=0)
assert sorted(history.history) == ["acc", "loss"]
