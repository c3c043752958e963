"""Pictures in folders by class: read, looked at, changed by chance, learned, and one of them asked alone."""

import os
import pathlib
import tempfile

import numpy as np
import tensorflow as tf
from tensorflow import keras
from tensorflow.keras import layers
from tensorflow.keras.models import Sequential

keras.utils.set_random_seed(28)
data_dir = pathlib.Path(tempfile.mkdtemp())
for kind, channel in (("red", 0), ("green", 1)):
    os.makedirs(data_dir / kind)
    for number in range(20):
        picture = np.random.randint(0, 60, (14, 18, 3))
        picture[..., channel] += 150
        keras.utils.save_img(str(data_dir / kind / f"{number}.png"), picture, scale=False)
assert len(list(data_dir.glob("*/*.png"))) == 40

made = {"validation_split": 0.2, "seed": 123, "image_size": (16, 16), "batch_size": 8}
train_ds = keras.utils.image_dataset_from_directory(data_dir, subset="training", **made)
val_ds = keras.utils.image_dataset_from_directory(data_dir, subset="validation", **made)
class_names = train_ds.class_names
assert class_names == ["green", "red"]
for image_batch, labels_batch in train_ds:
    print(image_batch.shape, labels_batch.shape, image_batch[0].numpy().astype("uint8").max())
    break

train_ds = train_ds.cache().shuffle(100).prefetch(buffer_size=tf.data.AUTOTUNE)
val_ds = val_ds.cache().prefetch(buffer_size=tf.data.AUTOTUNE)
normalization_layer = layers.Rescaling(1.0 / 255)
normalized_ds = train_ds.map(lambda x, y: (normalization_layer(x), y))
image_batch, labels_batch = next(iter(normalized_ds))
assert 0 <= np.min(image_batch[0]) and np.max(image_batch[0]) <= 1

data_augmentation = keras.Sequential(
    [layers.RandomFlip("horizontal", input_shape=(16, 16, 3)), layers.RandomRotation(0.1), layers.RandomZoom(0.1)]
)
assert data_augmentation(image_batch, training=True).shape == image_batch.shape
model = Sequential(
    [
        data_augmentation,
        layers.Rescaling(1.0 / 255),
        layers.Conv2D(8, 3, padding="same", activation="relu"),
        layers.MaxPooling2D(),
        layers.Dropout(0.2),
        layers.Flatten(),
        layers.Dense(8, activation="relu"),
        layers.Dense(2, name="outputs"),
    ]
)
model.compile(
    optimizer=keras.optimizers.Adam(0.01),
    loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    metrics=["accuracy"],
)
model.summary()
history = model.fit(train_ds, validation_data=val_ds, epochs=6, verbose=0)
print(history.history["val_accuracy"])

img = keras.utils.load_img(str(data_dir / "red" / "3.png"), target_size=(16, 16))
img_array = tf.expand_dims(keras.utils.img_to_array(img), 0)
score = tf.nn.softmax(model.predict(img_array, verbose=0)[0])
print("most likely {} with {:.2f} percent".format(class_names[np.argmax(score)], 100 * np.max(score)))
assert class_names[np.argmax(score)] == "red"


def load(path):
    picture = tf.io.decode_png(tf.io.read_file(path), channels=3)
    picture = tf.image.convert_image_dtype(picture, tf.float32)
    return tf.image.resize(tf.image.random_flip_left_right(picture), [8, 8])


paths = tf.data.Dataset.list_files(str(data_dir / "*" / "*.png"), shuffle=False)
batch = next(iter(paths.map(load, num_parallel_calls=tf.data.AUTOTUNE).batch(5)))
assert batch.shape == (5, 8, 8, 3) and float(tf.reduce_max(batch)) <= 1
names = [tf.strings.split(path, os.path.sep)[-2].numpy() for path in paths]
assert names[0] == b"green" and names[-1] == b"red"
