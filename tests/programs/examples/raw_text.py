"""Texts in folders: read, cleaned by a function of one's own, turned into numbers, learned, and asked as they are."""

import os
import re
import string
import tempfile

import numpy as np
import tensorflow as tf
from tensorflow.keras import layers, losses

tf.keras.utils.set_random_seed(8)
rng = np.random.default_rng(8)
folder = tempfile.mkdtemp()
for kind, words in (("neg", ["Dull,", "slow", "BAD!"]), ("pos", ["Fine", "lively,", "good!"])):
    os.makedirs(os.path.join(folder, kind))
    for number in range(30):
        text = " ".join(rng.choice([*words, "the", "film<br />was"], 12))
        with open(os.path.join(folder, kind, f"{number}.txt"), "w") as file:
            file.write(text)

made = {"batch_size": 10, "validation_split": 0.2, "seed": 42}
raw_train = tf.keras.utils.text_dataset_from_directory(folder, subset="training", **made)
raw_val = tf.keras.utils.text_dataset_from_directory(folder, subset="validation", **made)
assert raw_train.class_names == ["neg", "pos"]
for text_batch, label_batch in raw_train.take(1):
    print("Review", text_batch.numpy()[0], "Label", label_batch.numpy()[0])
    assert isinstance(text_batch.numpy()[0], bytes) and label_batch.shape == (10,)


def custom_standardization(input_data):
    lowercase = tf.strings.lower(input_data)
    stripped_html = tf.strings.regex_replace(lowercase, "<br />", " ")
    return tf.strings.regex_replace(stripped_html, "[%s]" % re.escape(string.punctuation), "")


vectorize_layer = layers.TextVectorization(
    standardize=custom_standardization, max_tokens=20, output_mode="int", output_sequence_length=16
)
vectorize_layer.adapt(raw_train.map(lambda x, y: x))
print(vectorize_layer.get_vocabulary())
assert {"film", "was", "lively", "bad"} <= set(vectorize_layer.get_vocabulary())


def vectorize_text(text, label):
    text = tf.expand_dims(text, -1)
    return vectorize_layer(text), label


train_ds = raw_train.map(vectorize_text).cache().prefetch(buffer_size=tf.data.AUTOTUNE)
val_ds = raw_val.map(vectorize_text).cache().prefetch(buffer_size=tf.data.AUTOTUNE)
model = tf.keras.Sequential(
    [
        layers.Embedding(20, 8),
        layers.Dropout(0.2),
        layers.GlobalAveragePooling1D(),
        layers.Dense(1, activation="sigmoid"),
    ]
)
model.compile(loss=losses.BinaryCrossentropy(), optimizer=tf.keras.optimizers.Adam(0.05), metrics=["accuracy"])
model.fit(train_ds, validation_data=val_ds, epochs=10, verbose=0)
assert model.evaluate(val_ds, verbose=0)[1] > 0.9

export_model = tf.keras.Sequential([vectorize_layer, model, layers.Activation("linear")])
examples = tf.constant(["A lively, good film!", "slow and BAD"])
answers = export_model.predict(examples, verbose=0)
assert answers[0, 0] > 0.5 > answers[1, 0]
