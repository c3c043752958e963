"""What a stack of layers can be asked: layers, weights, outputs within, and when it is built."""

import keras
import numpy as np
from keras import layers, ops

model = keras.Sequential(
    [
        layers.Dense(2, activation="relu", name="layer1"),
        layers.Dense(3, activation="relu", name="layer2"),
        layers.Dense(4, name="layer3"),
    ]
)
x = ops.ones((3, 3))
y = model(x)
assert y.shape == (3, 4) and len(model.layers) == 3 and len(model.weights) == 6
model.pop()
assert len(model.layers) == 2
layer = layers.Dense(3)
assert layer.weights == []
layer(ops.ones((1, 4)))
assert [tuple(w.shape) for w in layer.weights] == [(4, 3), (3,)]

unbuilt = keras.Sequential(name="my_sequential")
unbuilt.add(layers.Dense(2, activation="relu", name="layer1"))
try:
    assert unbuilt.weights == []
    unbuilt.summary()
except ValueError as error:
    print("not yet:", error)

model = keras.Sequential()
model.add(keras.Input(shape=(32, 32, 3)))
model.add(layers.Conv2D(4, 5, strides=2, activation="relu"))
model.add(layers.Conv2D(4, 3, activation="relu", name="my_intermediate_layer"))
model.add(layers.MaxPooling2D(3))
model.summary()
model.add(layers.GlobalMaxPooling2D())
assert model.output_shape == (None, 4)

extractor = keras.Model(inputs=model.inputs, outputs=[layer.output for layer in model.layers])
features = extractor(ops.ones((1, 32, 32, 3)))
assert [tuple(f.shape) for f in features] == [(1, 14, 14, 4), (1, 12, 12, 4), (1, 4, 4, 4), (1, 4)]
middle = keras.Model(inputs=model.inputs, outputs=model.get_layer(name="my_intermediate_layer").output)
assert tuple(middle(ops.ones((1, 32, 32, 3))).shape) == (1, 12, 12, 4)
for layer in model.layers[:-1]:
    layer.trainable = False
assert model.trainable_weights == []
model.compile(optimizer="sgd", loss="mse")
print(np.asarray(model.predict(np.ones((2, 32, 32, 3)), verbose=0)).shape)
