"""Letters by their numbers, a model with its state in its own hands, and steps of drawing one letter at a time."""

import numpy as np
import tensorflow as tf

tf.random.set_seed(17)
text = "to be or not to be, that is the question. " * 12
vocab = sorted(set(text))
ids_from_chars = tf.keras.layers.StringLookup(vocabulary=list(vocab), mask_token=None)
chars_from_ids = tf.keras.layers.StringLookup(vocabulary=ids_from_chars.get_vocabulary(), invert=True, mask_token=None)


def text_from_ids(ids):
    return tf.strings.reduce_join(chars_from_ids(ids), axis=-1)


example = tf.strings.unicode_split(["to be", "or"], input_encoding="UTF-8")
assert text_from_ids(ids_from_chars(example)).numpy().tolist() == [b"to be", b"or"]
all_ids = ids_from_chars(tf.strings.unicode_split(text, "UTF-8"))
assert text_from_ids(all_ids[:5]).numpy().decode("utf-8") == "to be"
ids_dataset = tf.data.Dataset.from_tensor_slices(all_ids)
sequences = ids_dataset.batch(21, drop_remainder=True)


def split_input_target(sequence):
    return sequence[:-1], sequence[1:]


dataset = sequences.map(split_input_target).shuffle(50).batch(4, drop_remainder=True).prefetch(tf.data.AUTOTUNE)


class MyModel(tf.keras.Model):
    def __init__(self, vocab_size, embedding_dim, rnn_units):
        super().__init__()
        self.embedding = tf.keras.layers.Embedding(vocab_size, embedding_dim)
        self.gru = tf.keras.layers.GRU(rnn_units, return_sequences=True, return_state=True)
        self.dense = tf.keras.layers.Dense(vocab_size)

    def call(self, inputs, states=None, return_state=False, training=False):
        x = self.embedding(inputs, training=training)
        x, states = self.gru(x, initial_state=states, training=training)
        x = self.dense(x, training=training)
        return (x, states) if return_state else x


model = MyModel(vocab_size=len(ids_from_chars.get_vocabulary()), embedding_dim=8, rnn_units=16)
for input_example_batch, target_example_batch in dataset.take(1):
    example_batch_predictions = model(input_example_batch)
    print(example_batch_predictions.shape, "# (batch_size, sequence_length, vocab_size)")
assert example_batch_predictions.shape == (4, 20, len(vocab) + 1)
sampled = tf.random.categorical(example_batch_predictions[0], num_samples=1)
print("drawn:", repr(text_from_ids(tf.squeeze(sampled, axis=-1)).numpy()))

loss = tf.losses.SparseCategoricalCrossentropy(from_logits=True)
print("mean loss:", loss(target_example_batch, example_batch_predictions).numpy())
model.compile(optimizer=tf.keras.optimizers.Adam(0.02), loss=loss)
history = model.fit(dataset, epochs=4, verbose=0)
assert history.history["loss"][-1] < history.history["loss"][0]


class OneStep(tf.keras.Model):
    def __init__(self, model, chars_from_ids, ids_from_chars, temperature=1.0):
        super().__init__()
        self.temperature = temperature
        self.model = model
        self.chars_from_ids = chars_from_ids
        self.ids_from_chars = ids_from_chars
        mask = np.zeros(len(ids_from_chars.get_vocabulary()), "float32")
        mask[int(self.ids_from_chars(["[UNK]"])[0])] = -np.inf
        self.prediction_mask = tf.constant(mask)

    @tf.function
    def generate_one_step(self, inputs, states=None):
        input_ids = self.ids_from_chars(tf.strings.unicode_split(inputs, "UTF-8")).to_tensor()
        predicted_logits, states = self.model(inputs=input_ids, states=states, return_state=True)
        predicted_logits = predicted_logits[:, -1, :] / self.temperature + self.prediction_mask
        predicted_ids = tf.squeeze(tf.random.categorical(predicted_logits, num_samples=1), axis=-1)
        return self.chars_from_ids(predicted_ids), states


one_step_model = OneStep(model, chars_from_ids, ids_from_chars)
states, next_char, result = None, tf.constant(["t"]), []
for _ in range(12):
    next_char, states = one_step_model.generate_one_step(next_char, states=states)
    result.append(next_char)
result = tf.strings.join([tf.constant(["t"]), *result])
print(result[0].numpy().decode("utf-8"))
assert len(result[0].numpy().decode("utf-8")) == 13
