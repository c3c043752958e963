"""Write tests/saving/files/<version>.zip: model files by a real Keras, with what they compute.

Run it once with each version of Keras whose files shall open, 2.15 (within TensorFlow 2.15) or any 3 with the
TensorFlow backend::

    python tests/saving/make_keras_files.py tests/saving/files

For each model: ``<name>.keras``, ``<name>.h5`` (the whole model, the older format), for some ``<name>.weights.h5``,
from 2.15 also ``<name>.legacy.h5`` (the older format for weights alone); and ``<name>.npz`` with inputs ``x0``, ...,
outputs ``y0``, ..., and for the trained ones targets ``t0``, ... and the losses of the next steps.
Dropout has its rate set to 0 for those steps: each library draws its own random numbers.
"""

from __future__ import annotations

import os
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
STEPS_BEFORE, STEPS_AFTER = 5, 3


def dense(k: Any, draw: np.random.Generator) -> Any:
    """Dense, batch normalisation, dropout; Adam and a metric."""
    model = k.Sequential(
        [
            k.layers.Input((4,)),
            k.layers.Dense(6, activation="relu", kernel_regularizer=k.regularizers.L2(1e-3), name="first"),
            k.layers.BatchNormalization(name="norm"),
            k.layers.Dropout(0.5, name="drop"),
            k.layers.Dense(3, activation="softmax", name="last"),
        ],
        name="dense",
    )
    model.compile(k.optimizers.Adam(0.01), "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model, [draw.normal(size=(12, 4)).astype("float32")], [draw.integers(0, 3, (12,)).astype("int32")]


def graph(k: Any, draw: np.random.Generator) -> Any:
    """Two inputs, a shared layer, a model within the model, two outputs with losses and metrics of their own."""
    left, right = k.layers.Input((3,), name="left"), k.layers.Input((3,), name="right")
    shared = k.layers.Dense(4, activation="tanh", name="shared")
    inner_in = k.layers.Input((4,), name="inner_in")
    inner = k.Model(inner_in, k.layers.Dense(4, activation="elu", name="inner_dense")(inner_in), name="inner")
    joined = k.layers.Concatenate(name="joined")([inner(shared(left)), shared(right)])
    number = k.layers.Dense(1, name="number")(k.layers.LayerNormalization(name="even")(joined))
    kind = k.layers.Dense(2, activation="softmax", name="kind")(k.layers.Add(name="sum")([joined, joined]))
    model = k.Model([left, right], [kind, number], name="graph")
    model.compile(
        k.optimizers.AdamW(0.01, weight_decay=0.01),
        {"kind": k.losses.CategoricalCrossentropy(label_smoothing=0.1), "number": "mse"},
        loss_weights={"kind": 0.5, "number": 1.0},
        metrics={"kind": [k.metrics.CategoricalAccuracy(name="hits")], "number": ["mae"]},
    )
    x = [draw.normal(size=(8, 3)).astype("float32") for _ in range(2)]
    return model, x, [np.eye(2, dtype="float32")[draw.integers(0, 2, 8)], draw.normal(size=(8, 1)).astype("float32")]


def pictures(k: Any, draw: np.random.Generator) -> Any:
    """A small convolutional network behind Rescaling; RMSprop with a schedule."""
    model = k.Sequential(
        [
            k.layers.Input((8, 8, 2)),
            k.layers.Rescaling(1 / 255.0, name="rescale"),
            k.layers.Conv2D(4, 3, padding="same", use_bias=False, name="conv"),
            k.layers.BatchNormalization(scale=False, name="norm"),
            k.layers.ReLU(name="relu"),
            k.layers.MaxPooling2D(name="pool"),
            k.layers.SeparableConv2D(3, 3, strides=2, padding="same", activation="relu", name="separable"),
            k.layers.DepthwiseConv2D(2, depth_multiplier=2, name="depthwise"),
            k.layers.Conv2DTranspose(2, 2, strides=2, name="transposed"),
            k.layers.LeakyReLU(name="leaky"),
            k.layers.Flatten(name="flat"),
            k.layers.Dense(1, activation="sigmoid", kernel_initializer="he_normal", name="last"),
        ],
        name="pictures",
    )
    rate = k.optimizers.schedules.ExponentialDecay(0.01, 10, 0.9)
    model.compile(k.optimizers.RMSprop(rate, rho=0.8), k.losses.BinaryCrossentropy(), metrics=[k.metrics.AUC(4)])
    x = draw.integers(0, 256, (6, 8, 8, 2)).astype("float32")
    return model, [x], [draw.integers(0, 2, (6, 1)).astype("float32")]


def sequences(k: Any, draw: np.random.Generator) -> Any:
    """Masked words through both directions of an LSTM and a GRU."""
    model = k.Sequential(
        [
            k.layers.Input((5,), dtype="int32"),
            k.layers.Embedding(7, 3, mask_zero=True, name="words"),
            k.layers.Bidirectional(k.layers.LSTM(2, return_sequences=True, name="lstm"), name="both"),
            k.layers.GRU(3, return_sequences=True, name="gru"),
            k.layers.SimpleRNN(3, name="simple"),
            k.layers.Dense(1, name="last"),
        ],
        name="sequences",
    )
    # no Adam: Keras 3 on TensorFlow squares the rows of a repeated word before it adds them, other backends afterwards
    model.compile(k.optimizers.SGD(0.05, momentum=0.9, nesterov=True), "mse", metrics=["mse"])
    x = draw.integers(1, 7, (6, 5)).astype("int32")
    x[2, 3:] = x[4, 1:] = 0
    return model, [x], [draw.normal(size=(6, 1)).astype("float32")]


def texts(k: Any, draw: np.random.Generator) -> Any:
    """Texts looked up by layers that learned their words."""
    vectorize = k.layers.TextVectorization(max_tokens=8, output_sequence_length=4, name="vectorize")
    vectorize.adapt(["a film that I like", "a film that I hate"])
    colours = k.layers.StringLookup(vocabulary=["red", "green"], output_mode="one_hot", name="colours")
    text, colour = (
        k.layers.Input((1,), dtype="string", name="text"),
        k.layers.Input((1,), dtype="string", name="colour"),
    )
    mean = k.layers.GlobalAveragePooling1D(name="mean")(k.layers.Embedding(8, 2, name="words")(vectorize(text)))
    out = k.layers.Dense(1, name="last")(k.layers.Concatenate(name="joined")([mean, colours(colour)]))
    x = [np.array([["a film"], ["I like it"], ["hate"]]), np.array([["red"], ["blue"], ["green"]])]
    return k.Model([text, colour], out, name="texts"), x, None


def operations(k: Any, draw: np.random.Generator) -> Any:
    """Functions and operators on symbolic tensors."""
    x, z = k.layers.Input((4, 3), name="x"), k.layers.Input((4, 3), name="z")
    if k.__version__ < "3":
        import tensorflow as tf

        y = tf.reshape(x, (-1, 12))[:, 2:11:2]
        y = tf.nn.relu(y * 2.0 - 1.0) + 3.0 / (1.0 + tf.exp(-tf.reduce_mean(z, axis=1, keepdims=False)[:, :1]))
        w = tf.concat([x[:, 0], tf.transpose(z, [0, 2, 1])[:, :, -1]], axis=-1)
        w = tf.cast(tf.expand_dims(w, 1), "float32") @ tf.stack([tf.tile(z, [1, 1, 2])[:, :3, :][:, 0]] * 6, axis=1)
        w = tf.squeeze(tf.maximum(w, -tf.abs(w) / 2), axis=1) ** 2
        w = tf.math.sqrt(w + 1.0) * tf.clip_by_value(w, -1.0, 1.0)
    else:
        o = k.ops
        y = o.reshape(x, (-1, 12))[:, 2:11:2]
        y = o.relu(y * 2.0 - 1.0) + 3.0 / (1.0 + o.exp(-o.mean(z, axis=1, keepdims=False)[:, :1]))
        w = o.concatenate([x[:, 0], o.transpose(z, [0, 2, 1])[:, :, -1]], axis=-1)
        w = o.cast(o.expand_dims(w, 1), "float32") @ o.stack([o.tile(z, [1, 1, 2])[:, :3, :][:, 0]] * 6, axis=1)
        w = o.squeeze(o.maximum(w, -o.abs(w) / 2), axis=1) ** 2
        w = o.sqrt(w + 1.0) * o.clip(w, -1.0, 1.0)
    out = k.layers.Dense(2, name="last")(k.layers.Concatenate(name="joined")([y, w]))
    return k.Model([x, z], out, name="operations"), [draw.normal(size=(7, 4, 3)).astype("float32") for _ in "xz"], None


def augment(k: Any, draw: np.random.Generator) -> Any:
    """Preprocessing that only acts in training, and layers with renamed or dropped arguments."""
    model = k.Sequential(
        [
            k.layers.Input((6, 6, 1)),
            k.layers.RandomFlip("horizontal", name="flip"),
            k.layers.RandomRotation(0.1, name="turn"),
            k.layers.RandomZoom(0.1, name="zoom"),
            k.layers.Resizing(4, 4, name="resize"),
            k.layers.ZeroPadding2D(1, name="pad"),
            k.layers.Cropping2D(((0, 1), (1, 0)), name="crop"),
            k.layers.UpSampling2D(2, name="up"),
            k.layers.AveragePooling2D(2, name="mean"),
            k.layers.GlobalMaxPooling2D(keepdims=True, name="peak"),
            k.layers.Reshape((1,), name="shape"),
            k.layers.Activation("tanh", name="tanh"),
        ],
        name="augment",
    )
    return model, [draw.normal(size=(3, 6, 6, 1)).astype("float32")], None


MODELS = (dense, graph, pictures, sequences, texts, operations, augment)
# What a version cannot write in the older format: weights called alike, modules in layers (errors of its own).
UNWRITABLE = {(sequences, "3.0.5"), (augment, "3.0.5"), (augment, "3.5.0")}


def write(k: Any, make: Any, folder: Path) -> None:
    """Make and train the model, write its files."""
    k.backend.clear_session()
    k.utils.set_random_seed(7)
    model, x, t = make(k, np.random.default_rng(7))
    name = make.__name__
    fit = {"batch_size": len(x[0]), "shuffle": False, "verbose": 0}
    if t is not None:
        model.fit(_bare(x), _bare(t), epochs=STEPS_BEFORE, **fit)
    model.save(folder / f"{name}.keras")
    if make is not texts and (make, k.__version__) not in UNWRITABLE:  # nor has it a place for words
        model.save(folder / f"{name}.h5")
    if make in (dense, graph):
        model.save_weights(folder / f"{name}.weights.h5")
        if k.__version__ < "3":
            model.save_weights(str(folder / f"{name}.legacy.h5"))
    y = model(_bare([_tensor(a) for a in x]), training=False)
    arrays = {f"x{i}": a for i, a in enumerate(x)}
    arrays |= {f"y{i}": np.asarray(a) for i, a in enumerate(y if isinstance(y, (list, tuple)) else [y])}
    if t is not None:
        for layer in model.layers:
            if hasattr(layer, "rate"):
                layer.rate = 0.0
        model.make_train_function(force=True)
        history = model.fit(_bare(x), _bare(t), epochs=STEPS_AFTER, **fit).history
        arrays |= {f"t{i}": a for i, a in enumerate(t)} | {"losses": np.array(history["loss"], "float64")}
    np.savez_compressed(folder / f"{name}.npz", **arrays)


def _bare(things: list[Any]) -> Any:
    """The only thing of a list with one, else the list."""
    return things[0] if len(things) == 1 else things


def _tensor(array: np.ndarray) -> Any:
    import tensorflow as tf

    return tf.constant(array)


def main(target: str) -> None:
    """Write the files of the Keras that is installed, packed into one."""
    import keras as k

    packed = Path(target) / f"{k.__version__}.zip"
    with tempfile.TemporaryDirectory() as folder:
        for make in MODELS:
            write(k, make, Path(folder))
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
            for file in sorted(Path(folder).iterdir()):
                archive.write(file, file.name)
    print(packed, packed.stat().st_size // 1000, "kB")


if __name__ == "__main__":
    main(sys.argv[1])
