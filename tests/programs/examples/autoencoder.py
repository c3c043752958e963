"""Pictures squeezed into a few numbers and back; noise taken away; both as subclasses of a model."""

import numpy as np
import tensorflow as tf
from tensorflow.keras import layers, losses
from tensorflow.keras.models import Model

tf.keras.utils.set_random_seed(11)
x_train = np.zeros((64, 8, 8), "float32")
for place, picture in enumerate(x_train):
    picture[place % 8] = 1.0


class Autoencoder(Model):
    def __init__(self, latent_dim, shape):
        super(Autoencoder, self).__init__()
        self.latent_dim = latent_dim
        self.shape = shape
        self.encoder = tf.keras.Sequential([layers.Flatten(), layers.Dense(latent_dim, activation="relu")])
        self.decoder = tf.keras.Sequential(
            [
                layers.Dense(int(tf.math.reduce_prod(shape).numpy()), activation="sigmoid"),
                layers.Reshape(shape),
            ]
        )

    def call(self, x):
        encoded = self.encoder(x)
        decoded = self.decoder(encoded)
        return decoded


autoencoder = Autoencoder(8, x_train.shape[1:])
autoencoder.compile(optimizer=tf.keras.optimizers.Adam(0.02), loss=losses.MeanSquaredError())
history = autoencoder.fit(x_train, x_train, epochs=10, shuffle=True, validation_data=(x_train, x_train), verbose=0)
assert history.history["loss"][-1] < 0.6 * history.history["loss"][0]
encoded_imgs = autoencoder.encoder(x_train).numpy()
decoded_imgs = autoencoder.decoder(encoded_imgs).numpy()
assert encoded_imgs.shape == (64, 8) and decoded_imgs.shape == (64, 8, 8)

x_train = x_train[..., tf.newaxis]
x_noisy = x_train + 0.2 * tf.random.normal(shape=x_train.shape)
x_noisy = tf.clip_by_value(x_noisy, clip_value_min=0.0, clip_value_max=1.0)
assert float(tf.reduce_max(x_noisy)) <= 1


class Denoise(Model):
    def __init__(self):
        super(Denoise, self).__init__()
        self.encoder = tf.keras.Sequential(
            [
                layers.Input(shape=(8, 8, 1)),
                layers.Conv2D(8, (3, 3), activation="relu", padding="same", strides=2),
            ]
        )
        self.decoder = tf.keras.Sequential(
            [
                layers.Conv2DTranspose(8, kernel_size=3, strides=2, activation="relu", padding="same"),
                layers.Conv2D(1, kernel_size=(3, 3), activation="sigmoid", padding="same"),
            ]
        )

    def call(self, x):
        return self.decoder(self.encoder(x))


denoise = Denoise()
denoise.compile(optimizer="adam", loss=losses.MeanSquaredError())
denoise.fit(x_noisy, x_train, epochs=2, shuffle=True, validation_data=(x_noisy, x_train), verbose=0)
denoise.encoder.summary()
denoise.decoder.summary()

errors = tf.keras.losses.mae(tf.reshape(denoise(x_noisy), (64, -1)), tf.reshape(x_train, (64, -1)))
threshold = np.mean(errors) + np.std(errors)
print("strange:", int(tf.reduce_sum(tf.cast(tf.math.less(threshold, errors), tf.int32))))
