"""Masks: what every layer does with the mask that its input carries, and what losses and metrics make of one.

Each layer of the table is called on inputs that carry masks; told are the masks of outputs and inputs afterwards, whether
the layer warned that it drops one, and, where a mask may change them, the outputs. The flows are little models that are
judged and trained for a step.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np

from tests.golden.reader import build, new
from tests.golden.specs.layers import weight_values

SEED = 7043
SEQUENCE = (2, 3, 4)
PICTURES = (2, 4, 4, 3)
ONE = np.array([[1, 1, 0], [1, 0, 0]], "bool")
OTHER = np.array([[1, 0, 0], [1, 1, 0]], "bool")
GAPS = np.array([[0, 1, 0], [1, 0, 1]], "bool")


def _lstm(**more: Any) -> dict[str, Any]:
    return new("layers.LSTM", units=2, **more)


# layers on sequences, with outputs: class, settings
ON_SEQUENCES: list[tuple[str, dict[str, Any]]] = [
    ("Activation", {"activation": "tanh"}), ("ActivityRegularization", {"l2": 0.1}), ("AlphaDropout", {"rate": 0.3}),
    ("AveragePooling1D", {"pool_size": 2}), ("BatchNormalization", {}), ("Bidirectional", {"layer": _lstm()}),
    ("Bidirectional", {"layer": _lstm(return_sequences=True)}),
    ("Bidirectional", {"layer": _lstm(return_sequences=True, return_state=True), "merge_mode": "sum"}),
    ("Bidirectional", {"layer": _lstm(return_sequences=True), "merge_mode": None}),
    ("Conv1D", {"filters": 2, "kernel_size": 2}), ("Conv1DTranspose", {"filters": 2, "kernel_size": 2}),
    ("Cropping1D", {}), ("Dense", {"units": 2}), ("DepthwiseConv1D", {"kernel_size": 2}), ("Dropout", {"rate": 0.4}),
    ("ELU", {}), ("EinsumDense", {"equation": "abc,cd->abd", "output_shape": (None, 2)}), ("Flatten", {}),
    ("GRU", {"units": 2}), ("GRU", {"units": 2, "return_sequences": True, "go_backwards": True}),
    ("GRU", {"units": 2, "return_sequences": True, "return_state": True, "zero_output_for_mask": True}),
    ("GaussianDropout", {"rate": 0.3}), ("GaussianNoise", {"stddev": 0.3}), ("GlobalAveragePooling1D", {}),
    ("GlobalAveragePooling1D", {"keepdims": True}), ("GlobalMaxPooling1D", {}), ("GroupNormalization", {"groups": 2}),
    ("Identity", {}), ("LSTM", {"units": 2}), ("LSTM", {"units": 2, "return_sequences": True}),
    ("LSTM", {"units": 2, "return_state": True}), ("LSTM", {"units": 2, "return_sequences": True, "return_state": True}),
    ("LayerNormalization", {}), ("LeakyReLU", {}), ("Masking", {}), ("MaxPooling1D", {}), ("Normalization", {"mean": 1.0,
     "variance": 4.0}), ("PReLU", {}), ("Permute", {"dims": (2, 1)}), ("RMSNormalization", {}),
    ("RNN", {"cell": new("layers.GRUCell", units=2)}),
    ("RNN", {"cell": new("layers.StackedRNNCells", cells=[new("layers.LSTMCell", units=2),
                                                          new("layers.SimpleRNNCell", units=3)]),
             "return_sequences": True}),
    ("ReLU", {}), ("Rescaling", {"scale": 0.5}), ("Reshape", {"target_shape": (4, 3)}),
    ("SeparableConv1D", {"filters": 2, "kernel_size": 2}),
    ("SimpleRNN", {"units": 2}), ("SimpleRNN", {"units": 2, "return_sequences": True}), ("Softmax", {}),
    ("Softmax", {"axis": 1}), ("SpatialDropout1D", {"rate": 0.4}),
    ("TimeDistributed", {"layer": new("layers.Dense", units=2)}), ("UnitNormalization", {}), ("UpSampling1D", {}),
    ("ZeroPadding1D", {}),
]  # fmt: skip
MERGING: list[tuple[str, dict[str, Any]]] = [
    *((name, {}) for name in ("Add", "Average", "Maximum", "Minimum", "Multiply", "Subtract")),
    ("Concatenate", {}), ("Concatenate", {"axis": 1}), ("Dot", {"axes": 2}), ("Attention", {}),
    ("AdditiveAttention", {}),
]  # fmt: skip
# of these only the masks are told: their outputs are compared elsewhere, or drawn
ON_PICTURES: list[tuple[str, dict[str, Any]]] = [
    *((name, {}) for name in (
        "Cropping2D", "GlobalAveragePooling2D", "GlobalMaxPooling2D", "MaxPooling2D", "RandomFlip",
        "UpSampling2D", "ZeroPadding2D", "Equalization", "AutoContrast", "MixUp", "CutMix", "RandomErasing",
        "RandomGaussianBlur", "RandomGrayscale", "RandomPerspective",
    )),
    ("AveragePooling2D", {"pool_size": 2}),
    ("AdaptiveAveragePooling2D", {"output_size": 2}), ("AdaptiveMaxPooling2D", {"output_size": 2}),
    ("CenterCrop", {"height": 2, "width": 2}), ("Conv2D", {"filters": 2, "kernel_size": 2}),
    ("Conv2DTranspose", {"filters": 2, "kernel_size": 2}), ("DepthwiseConv2D", {"kernel_size": 2}),
    ("SeparableConv2D", {"filters": 2, "kernel_size": 2}), ("SpatialDropout2D", {"rate": 0.2}),
    ("RandomBrightness", {"factor": 0.2}), ("RandomColorDegeneration", {"factor": 0.2}), ("RandomColorJitter", {}),
    ("RandomContrast", {"factor": 0.2}), ("RandomHue", {"factor": 0.2}),
    ("RandomInvert", {"factor": 0.2}), ("RandomPosterization", {"factor": 4}), ("RandomRotation", {"factor": 0.2}),
    ("RandomSaturation", {"factor": 0.2}), ("RandomSharpness", {"factor": 0.2}), ("RandomShear", {"x_factor": 0.2}),
    ("RandomTranslation", {"height_factor": 0.2, "width_factor": 0.2}), ("RandomZoom", {"height_factor": 0.2}),
    ("Resizing", {"height": 2, "width": 2}), ("Solarization", {}),
]  # fmt: skip
VOLUMES: list[tuple[str, dict[str, Any]]] = [
    *((name, {}) for name in (
        "Cropping3D", "GlobalAveragePooling3D", "GlobalMaxPooling3D", "MaxPooling3D", "UpSampling3D",
        "ZeroPadding3D",
    )),
    ("AveragePooling3D", {"pool_size": 2}),
    ("AdaptiveAveragePooling3D", {"output_size": 2}), ("AdaptiveMaxPooling3D", {"output_size": 2}),
    ("Conv3D", {"filters": 2, "kernel_size": 2}), ("Conv3DTranspose", {"filters": 2, "kernel_size": 2}),
    ("SpatialDropout3D", {"rate": 0.2}),
    ("ConvLSTM2D", {"filters": 2, "kernel_size": 2}),
    ("ConvLSTM2D", {"filters": 2, "kernel_size": 2, "return_sequences": True, "return_state": True}),
    ("TimeDistributed", {"layer": new("layers.Conv2D", filters=2, kernel_size=2)}),
]  # fmt: skip
# whole numbers go in
ON_WORDS: list[tuple[str, dict[str, Any]]] = [
    ("Embedding", {"input_dim": 5, "output_dim": 2}),
    ("Embedding", {"input_dim": 5, "output_dim": 2, "mask_zero": True}),
    ("CategoryEncoding", {"num_tokens": 5}), ("Discretization", {"bin_boundaries": [1.0, 2.0]}),
    ("Hashing", {"num_bins": 3}), ("IntegerLookup", {"vocabulary": [1, 2, 3]}),
]  # fmt: skip
# what a mask is not carried to is asked only whether it supports one
ASKED: list[tuple[str, dict[str, Any]]] = [
    ("StringLookup", {"vocabulary": ["a"]}), ("TextVectorization", {}), ("HashedCrossing", {"num_bins": 3}),
    ("AdaptiveAveragePooling1D", {"output_size": 2}), ("AdaptiveMaxPooling1D", {"output_size": 2}),
    ("ConvLSTM1D", {"filters": 2, "kernel_size": 2}), ("ConvLSTM3D", {"filters": 2, "kernel_size": 2}),
    ("MultiHeadAttention", {"num_heads": 2, "key_dim": 2}), ("RepeatVector", {"n": 2}),
    ("RandomCrop", {"height": 2, "width": 2}),
    ("GroupQueryAttention", {"head_dim": 2, "num_query_heads": 2, "num_key_value_heads": 1}),
    ("GRUCell", {"units": 2}), ("LSTMCell", {"units": 2}), ("SimpleRNNCell", {"units": 2}),
]  # fmt: skip


def cases(keras: Any) -> Iterator[dict[str, Any]]:
    """Every case, without its answer."""
    rng = np.random.RandomState(SEED)
    sequence, picture = rng.randn(*SEQUENCE).astype("float32"), rng.randn(*PICTURES).astype("float32")
    sequence[1, 2] = 0  # a Masking hides it
    volume = rng.randn(2, 3, 4, 4, 2).astype("float32")
    others = [rng.randn(*SEQUENCE).astype("float32") for _ in range(2)]
    words = np.array([[1, 2, 0], [3, 0, 0]], "int32")
    number = 0

    def told(name: str, settings: dict[str, Any], arrays: list[Any], masks: list[Any], **more: Any) -> dict[str, Any]:
        nonlocal number
        number += 1
        said = ",".join(f"{k}={'...' if isinstance(v, dict) else v}" for k, v in settings.items())
        layer = new(f"layers.{name}", **settings, name="it")
        setup = {"layer": layer, "inputs": arrays, "masks": masks, "outputs": True, **more}
        return {"id": f"{number} {name}({said})", "setup": setup, "slack": 8.0}

    for name, settings in ON_SEQUENCES:
        for mask in (ONE, GAPS):
            yield told(name, settings, [sequence], [mask])
    for name, settings in MERGING:
        for masks in ([ONE, OTHER], [ONE, None], [None, None], [GAPS, ONE]):
            yield told(name, settings, [sequence, others[0]], masks)
    for name in ("Add", "Maximum", "Multiply", "Concatenate"):
        yield told(name, {}, [sequence, *others], [ONE, OTHER, GAPS])
    for name, settings in ON_PICTURES:
        yield told(name, settings, [picture], [np.ones((2, 4), "bool")], outputs=False)
    for name, settings in VOLUMES:
        yield told(name, settings, [volume], [ONE], outputs=False)
    for name, settings in ON_WORDS:
        yield told(name, settings, [words], [ONE], outputs=name == "Embedding")
        yield told(name, settings, [words], [None], outputs=name == "Embedding")
    for name, settings in ASKED:
        yield told(name, settings, [], [])
    yield told("RepeatVector", {"n": 2}, [np.ones((2, 4), "float32")], [np.array([1, 0], "bool")])
    for flow in FLOWS:
        yield {"id": f"flow {flow}", "setup": {"flow": flow}, "slack": 16.0}


def run(bridge: Any, setup: dict[str, Any]) -> dict[str, Any]:
    """What a layer does with masks, or what a flow ends with."""
    keras = bridge.keras
    if "flow" in setup:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Keras also warns of models, whose outputs keep their masks
            return FLOWS[setup["flow"]](bridge)
    layer = build(keras, setup["layer"])
    told: dict[str, Any] = {"supports_masking": bool(layer.supports_masking)}
    if not setup["inputs"]:
        return told
    tensors = [keras.ops.convert_to_tensor(x) for x in setup["inputs"]]
    inputs = tensors if len(tensors) > 1 else tensors[0]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        layer(inputs)  # builds it
    layer.set_weights([weight_values(i, tuple(w.shape)) for i, w in enumerate(layer.weights)])
    tensors = [keras.ops.convert_to_tensor(x) for x in setup["inputs"]]
    for tensor, mask in zip(tensors, setup["masks"], strict=True):
        if mask is not None:
            tensor._keras_mask = keras.ops.convert_to_tensor(mask)
    inputs = tensors if len(tensors) > 1 else tensors[0]
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            y = layer(inputs, training=layer.__class__.__name__ == "BatchNormalization")
        except ValueError:
            return {**told, "refused": True}
    warned = any("'it'" in str(w.message) and "destroy the mask" in str(w.message) for w in caught)
    outputs = list(y) if isinstance(y, (list, tuple)) else [y]
    told["masks"] = [_carried(bridge, t) for t in outputs]
    # at rest some layers give back the tensor itself, with its mask: there Keras warns of nothing
    told["warned"] = warned and any(mask is None for mask in told["masks"])
    told["kept"] = [_carried(bridge, t) is not None for t in tensors]
    if setup["outputs"]:
        told["outputs"] = [bridge.numpy(t) for t in outputs]
    return told


def _carried(bridge: Any, tensor: Any) -> np.ndarray | None:
    mask = getattr(tensor, "_keras_mask", None)
    return None if mask is None else bridge.numpy(mask)


# -- flows ------------------------------------------------------------------------------------------------------

IDS = np.array([[1, 2, 0], [3, 0, 0], [2, 2, 4]], "int32")
CLASSES = np.array([[0, 1, 1], [2, 0, 0], [1, 2, 0]], "int32")
NUMBERS = np.linspace(-1, 1, 18).reshape(3, 3, 2).astype("float32")


def _model(bridge: Any, draw: Any, **compiled: Any) -> Any:
    """A compiled model from word numbers, with weights that are set."""
    keras = bridge.keras
    ids = keras.Input((3,), dtype="int32")
    words = keras.layers.Embedding(5, 4, mask_zero=True)(ids)
    model = keras.Model(ids, draw(keras, words))
    model.set_weights([weight_values(i, tuple(w.shape)) - np.float32(0.6) for i, w in enumerate(model.weights)])
    model.compile(optimizer=keras.optimizers.SGD(0.5), **compiled)
    return model


def _judged(bridge: Any, draw: Any, y: Any, weight: Any = None, **compiled: Any) -> dict[str, Any]:
    """What evaluate and one step of training say, what the weights are then, and the mask of the output."""
    model = _model(bridge, draw, **compiled)
    output = model(bridge.keras.ops.convert_to_tensor(IDS))
    first = output[0] if isinstance(output, (list, tuple)) else output
    told: dict[str, Any] = {"mask": _carried(bridge, first), "output": bridge.numpy(first)}
    several = isinstance(y, list)  # of several outputs Keras weighs uneven batches' losses alike
    found = model.evaluate(IDS, y, sample_weight=weight, batch_size=3 if several else 2, verbose=0, return_dict=True)
    told["evaluate"] = {name: float(value) for name, value in found.items()}
    model.train_on_batch(IDS, y, sample_weight=weight)
    told["weights"] = [bridge.numpy(w) for w in model.weights]
    return told


def _classes(keras: Any, x: Any) -> Any:
    return keras.layers.Dense(3, activation="softmax")(x)


def _numbers(keras: Any, x: Any) -> Any:
    return keras.layers.Dense(2)(keras.layers.LSTM(3, return_sequences=True)(x))


def _residual(keras: Any, x: Any) -> Any:
    found = keras.layers.MultiHeadAttention(2, 3)(x, x)
    return keras.layers.GlobalAveragePooling1D()(keras.layers.Add()([x, found]))


def _op_between(keras: Any, x: Any) -> Any:
    return keras.layers.LSTM(2)(x * 2.0)


def _with_state(keras: Any, x: Any) -> Any:
    _, h, c = keras.layers.LSTM(3, return_state=True)(x)
    return keras.layers.LSTM(3)(x, initial_state=[h, c])


def _nested(keras: Any, x: Any) -> Any:
    inner = keras.Sequential([keras.Input((3, 4)), keras.layers.Dense(3), keras.layers.LSTM(2, return_sequences=True)])
    return inner(x)


def _nested_last(keras: Any, x: Any) -> Any:
    place = keras.Input((3, 4))
    inner = keras.Model(place, keras.layers.LSTM(2)(keras.layers.LayerNormalization()(place)))
    return inner(x)


def _twice_masked(keras: Any, x: Any) -> Any:
    short = keras.layers.Masking()(x * 0.0)
    return keras.layers.GlobalAveragePooling1D()(keras.layers.Concatenate()([x, short]))


def _two(keras: Any, x: Any) -> Any:
    return [keras.layers.Dense(2, name="a")(x), keras.layers.Dense(2, name="b")(keras.layers.Flatten()(x))]


def _pooled(keras: Any, x: Any) -> Any:
    y = keras.layers.Bidirectional(keras.layers.GRU(2, return_sequences=True))(x)
    return keras.layers.GlobalAveragePooling1D()(keras.layers.Dropout(0.0)(y))


LAST = np.linspace(-1, 1, 6).reshape(3, 2).astype("float32")
WEIGHTS = np.array([[1, 2, 3], [0, 1, 2], [2, 0.5, 1]], "float32")
FLOWS: dict[str, Any] = {
    "classes": lambda b: _judged(b, _classes, CLASSES, loss="sparse_categorical_crossentropy",
                                 metrics=["accuracy", "sparse_top_k_categorical_accuracy"]),
    "numbers": lambda b: _judged(b, _numbers, NUMBERS, loss="mse", metrics=["mae"], weighted_metrics=["mse"]),
    "numbers, summed": lambda b: _judged(b, _numbers, NUMBERS, loss=b.keras.losses.MeanSquaredError(reduction="sum")),
    "numbers, weighted times": lambda b: _judged(b, _numbers, NUMBERS, WEIGHTS, loss="mse", weighted_metrics=["mae"]),
    "numbers, mean metric": lambda b: _judged(
        b, _numbers, NUMBERS, loss=b.keras.losses.Huber(0.2),
        metrics=[b.keras.metrics.MeanSquaredError(name="m"), b.keras.metrics.RootMeanSquaredError(name="r")]),
    "attention and its residual": lambda b: _judged(b, _residual, np.ones((3, 4), "float32"), loss="mse"),
    "an op between": lambda b: _judged(b, _op_between, LAST, loss="mse"),
    "an initial state": lambda b: _judged(b, _with_state, np.ones((3, 3), "float32"), loss="mse"),
    "a model within": lambda b: _judged(b, _nested, NUMBERS, loss="mse", metrics=["mae"]),
    "a model within, last time": lambda b: _judged(b, _nested_last, LAST, loss="mse"),
    "masks joined": lambda b: _judged(b, _twice_masked, np.ones((3, 8), "float32"), loss="mse"),
    "two outputs": lambda b: _judged(b, _two, [NUMBERS, LAST], loss=["mse", "mae"], metrics=[["mae"], ["mse"]]),
    "mean over time": lambda b: _judged(b, _pooled, np.ones((3, 4), "float32"), loss="mse"),
}  # fmt: skip
