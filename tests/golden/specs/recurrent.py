"""The recurrent layers: outputs, states and gradients, with masks, initial and kept states, in every direction.

The weights are set, not drawn: weight i is ``weight_values(i, shape)``.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any

import numpy as np

from tests.golden.reader import build, look_up, new
from tests.golden.specs.signatures import signature

SEED = 7021

N, T, D, U = 4, 5, 3, 2
# which steps of four sequences of five count
MASKS: dict[str, list[str]] = {
    "behind": ["xxxxx", "xxx..", "x....", "xxxx."],
    "front": ["xxxxx", "..xxx", "....x", ".xxxx"],
    "middle": ["x.x.x", "xx..x", ".xxx.", "x...x"],
    "all": ["xxxxx", ".....", "xx...", "..x.."],
}
CLASSES = [
    "RNN", "StackedRNNCells", "SimpleRNNCell", "LSTMCell", "GRUCell", "SimpleRNN", "LSTM", "GRU", "Bidirectional",
    "TimeDistributed", "ConvLSTM1D", "ConvLSTM2D", "ConvLSTM3D", "Masking", "Wrapper",
]  # fmt: skip
METHODS = ["RNN.call", "LSTM.call", "GRU.call", "SimpleRNN.call", "Bidirectional.call", "TimeDistributed.call",
           "RNN.build", "RNN.get_initial_state", "RNN.reset_state", "RNN.reset_states", "LSTMCell.call",
           "GRUCell.call", "StackedRNNCells.call", "Masking.compute_mask"]  # fmt: skip
SIMPLE = {"SimpleRNN": {}, "LSTM": {}, "GRU": {}}
EVERYTHING = {"return_sequences": True, "return_state": True}


def layer(cls: str, **settings: Any) -> dict[str, Any]:
    return new(f"layers.{cls}", **settings)


def rows() -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """A layer (its units are filled in), and what else is given: mask, states, calls, shape."""
    for cls in SIMPLE:
        one = {"units": U}
        yield layer(cls, **one), {}
        yield layer(cls, **one, return_sequences=True), {}
        yield layer(cls, **one, **EVERYTHING), {"states": True}
        yield layer(cls, **one, go_backwards=True, return_state=True), {}
        yield layer(cls, **one, go_backwards=True, **EVERYTHING), {"mask": "behind"}
        yield layer(cls, **one, use_bias=False, unroll=True, **EVERYTHING), {}
        for mask in MASKS:
            yield layer(cls, **one, **EVERYTHING), {"mask": mask}
            yield layer(cls, **one, return_state=True), {"mask": mask, "states": True}
            yield layer(cls, **one, go_backwards=True, **EVERYTHING), {"mask": mask, "states": True}
            yield layer(cls, **one, zero_output_for_mask=True, **EVERYTHING), {"mask": mask, "states": True}
        yield layer(cls, **one, activation="elu", **EVERYTHING), {"mask": "all", "states": True}
        yield layer(cls, **one, activation="softsign", go_backwards=True, **EVERYTHING), {"mask": "middle"}
        yield layer(cls, **one, activation=None, return_sequences=True), {}
        yield layer(cls, **one, stateful=True, return_sequences=True), {"calls": 2}
        yield layer(cls, **one, stateful=True), {"calls": 2, "mask": "all"}
        yield layer(cls, **one, stateful=True, go_backwards=True, return_state=True), {"calls": 2, "mask": "middle"}
        yield layer(
            cls, **one, kernel_regularizer="l2", recurrent_regularizer="l1", bias_regularizer="l2",
            kernel_constraint="max_norm", recurrent_constraint="unit_norm", bias_constraint="non_neg", dropout=0.2,
            recurrent_dropout=0.3, kernel_initializer="he_normal", recurrent_initializer="glorot_normal",
            bias_initializer="ones",
        ), {}  # fmt: skip
    for activation in ("relu", "sigmoid", "linear"):
        yield layer("SimpleRNN", units=U, activation=activation, **EVERYTHING), {"mask": "middle", "states": True}
    for cls in ("LSTM", "GRU"):
        yield layer(cls, units=U, recurrent_activation="hard_sigmoid", **EVERYTHING), {"mask": "all", "states": True}
        yield layer(cls, units=U, recurrent_activation=None), {"states": True}
        yield layer(cls, units=U, activity_regularizer="l2", seed=3, dropout=0.1), {}
    yield layer("LSTM", units=U, unit_forget_bias=False), {}
    for more in ({}, {"use_bias": False}, {"activation": "relu"}, {"go_backwards": True}):
        yield layer("GRU", units=U, reset_after=False, **more, **EVERYTHING), {"mask": "all", "states": True}
    yield layer("GRU", units=U, reset_after=False), {}

    cells = {
        "SimpleRNNCell": layer("SimpleRNNCell", units=U, name="one"),
        "LSTMCell": layer("LSTMCell", units=U, name="two"),
        "GRUCell": layer("GRUCell", units=U, name="three"),
        "softsign": layer("LSTMCell", units=3, activation="softsign", name="four"),
    }
    for cell in cells.values():
        yield layer("RNN", cell=cell, **EVERYTHING), {"states": True}
        yield layer("RNN", cell=cell, zero_output_for_mask=True, **EVERYTHING), {"mask": "all"}
    for stack in (["LSTMCell", "GRUCell"], ["softsign", "GRUCell", "SimpleRNNCell"], ["LSTMCell"], ["SimpleRNNCell"]):
        stacked = [cells[name] for name in stack]
        yield layer("RNN", cell=stacked), {}
        if len(stack) == 1:  # Keras refuses a mask with one cell in a stack
            continue
        yield layer("RNN", cell=stacked, go_backwards=True, **EVERYTHING), {"mask": "all"}
        yield layer("RNN", cell=layer("StackedRNNCells", cells=stacked, name="five")), {"mask": "middle"}
    yield layer("RNN", cell=[cells["LSTMCell"], cells["GRUCell"]], stateful=True), {"calls": 2, "reset": False}

    for mode in ("concat", "sum", "mul", "ave", None):
        for cls in ("LSTM", "GRU"):
            yield layer("Bidirectional", layer=layer(cls, units=U, name="in"), merge_mode=mode), {}
            sequence = layer(cls, units=U, name="in", **EVERYTHING)
            yield layer("Bidirectional", layer=sequence, merge_mode=mode), {"mask": "all", "states": True}
    for mask in MASKS:
        inner = layer("SimpleRNN", units=U, name="in", return_sequences=True)
        yield layer("Bidirectional", layer=inner), {"mask": mask}
        yield layer("Bidirectional", layer=layer("LSTM", units=U, name="in")), {"mask": mask}
    yield layer(
        "Bidirectional", layer=layer("LSTM", units=U, name="in", return_sequences=True),
        backward_layer=layer("GRU", units=U, name="back", return_sequences=True, go_backwards=True),
    ), {"mask": "middle"}  # fmt: skip
    yield layer("Bidirectional", layer=layer("LSTM", units=U, name="in", stateful=True)), {"calls": 2}
    yield layer("Bidirectional", layer=layer("RNN", cell=cells["GRUCell"], name="in")), {"mask": "middle"}

    deep = {"shape": (3, T, 4, 2)}
    yield layer("TimeDistributed", layer=layer("Dense", units=3, activation="tanh", name="in")), {}
    yield layer("TimeDistributed", layer=layer("Conv1D", filters=2, kernel_size=2, name="in")), deep
    yield layer("TimeDistributed", layer=layer("LSTM", units=2, name="in", return_sequences=True)), deep
    yield layer("TimeDistributed", layer=layer("GRU", units=2, name="in")), {**deep, "mask": "deep"}
    yield layer("TimeDistributed", layer=layer("BatchNormalization", momentum=0.5, name="in")), {"training": True}
    yield layer("TimeDistributed", layer=layer("Flatten", name="in")), deep
    yield layer("Masking"), {}
    yield layer("Masking", mask_value=1.0), {}

    flat = {"filters": 2, "kernel_size": 2}
    line, picture, volume = {"shape": (3, T, 4, 2)}, {"shape": (3, T, 4, 3, 2)}, {"shape": (2, 2, 3, 2, 3, 2)}
    yield layer("ConvLSTM1D", **flat), line
    yield layer("ConvLSTM1D", **flat, strides=2, padding="same", **EVERYTHING), {**line, "mask": "middle"}
    yield layer("ConvLSTM2D", **flat), picture
    yield layer("ConvLSTM2D", **flat, return_sequences=True), picture
    yield layer("ConvLSTM2D", **flat, padding="same", go_backwards=True, **EVERYTHING), {**picture, "mask": "all"}
    yield layer("ConvLSTM2D", **flat, dilation_rate=(2, 1), use_bias=False, unit_forget_bias=False), picture
    yield layer("ConvLSTM2D", **flat, padding="same", **EVERYTHING), {**picture, "picture_states": (3, 4, 3, 2)}
    yield layer("ConvLSTM2D", **flat, activation="relu", recurrent_activation="hard_sigmoid", dropout=0.1), picture
    yield layer("ConvLSTM2D", **flat, stateful=True, return_sequences=True), {**picture, "calls": 2}
    yield layer("ConvLSTM3D", **flat, return_state=True), volume


def weight_values(index: int, shape: tuple[int, ...]) -> np.ndarray:
    """What weight number `index` is set to: both signs, nothing saturated."""
    return np.random.RandomState(SEED + index).uniform(-0.8, 0.8, shape).astype("float32")


def cases(keras: Any) -> Iterator[dict[str, Any]]:
    """Every case, without its answer."""
    rng = np.random.RandomState(SEED)
    for name in [*CLASSES, *METHODS]:
        yield {"id": f"{name} signature", "setup": {"signature": f"layers.{name}"}}
    for number, (described, given) in enumerate(rows()):
        described["with"].setdefault("name", "it")
        shape = given.get("shape", (N, T, D))
        calls = [rng.randn(*shape).astype("float32") for _ in range(given.get("calls", 1))]
        if described["$new"] == "layers.Masking":
            calls[0][:, 1:3] = described["with"].get("mask_value", 0.0)
        count = 4 if "Bidirectional" in described["$new"] else 2
        states: list[np.ndarray] = []
        if given.get("states"):
            states = [rng.randn(N, _units(described)).astype("float32") for _ in range(_states(described, count))]
        if "picture_states" in given:
            states = [rng.randn(*given["picture_states"]).astype("float32") for _ in range(2)]
        mask = None
        if given.get("mask") == "deep":
            mask = rng.rand(*shape[:3]) > 0.4
        elif "mask" in given:
            mask = np.array([[letter == "x" for letter in row] for row in MASKS[given["mask"]]])[: shape[0]]
        said = ",".join(f"{k}={v}" for k, v in described["with"].items() if not isinstance(v, (dict, list)))
        extra = "".join(f" {k}={v}" for k, v in given.items() if k != "shape")
        yield {
            "id": f"{number} {described['$new'].rpartition('.')[2]}({said}){extra}",
            "setup": {"layer": described, "calls": calls, "states": states, "mask": mask,
                      "training": given.get("training", False), "reset": given.get("reset", True)},
            "slack": 8.0,
        }  # fmt: skip


def _units(described: dict[str, Any]) -> int:
    settings = described["with"]
    inner = settings.get("layer", settings.get("cell", described))
    return int(inner["with"]["units"])


def _states(described: dict[str, Any], most: int) -> int:
    settings = described["with"]
    inner = settings.get("layer", settings.get("cell", described))["$new"]
    return most if "LSTM" in inner else most // 2


def run(bridge: Any, setup: dict[str, Any]) -> dict[str, Any]:
    """Everything a layer says."""
    keras = bridge.keras
    if "signature" in setup:
        thing = look_up(keras, setup["signature"])
        names = list(inspect.signature(thing).parameters) if ".call" in setup["signature"] else signature(thing)
        return {"parameters": names}
    keras.backend.clear_session()  # names count from the beginning
    built = build(keras, setup["layer"])
    shape = tuple(setup["calls"][0].shape)
    built.build(shape)
    built.set_weights([weight_values(i, tuple(w.shape)) for i, w in enumerate(built.weights)])
    told: dict[str, Any] = {
        "weights": [[w.name, w.path, list(w.shape), bool(w.trainable)] for w in built.weights],
        "output_shape": _listed(built.compute_output_shape(shape)),
        "config": built.get_config(),
        "supports_masking": built.supports_masking,
    }
    for number, x in enumerate(setup["calls"]):

        def call(x: Any, *states: Any) -> tuple[Any, Any]:
            more: dict[str, Any] = {"initial_state": list(states)} if states else {}
            if setup["mask"] is not None:
                more["mask"] = keras.ops.convert_to_tensor(setup["mask"])
            if setup["training"]:
                more["training"] = True
            outputs = _flat(built(x, **more))
            pull = np.random.RandomState(SEED)
            aims = [keras.ops.sum(y * pull.standard_normal(tuple(y.shape)).astype("float32")) for y in outputs]
            return outputs, sum(aims[1:], aims[0])

        outputs, slopes = bridge.gradients(call, [x, *setup["states"]], built.trainable_weights)
        told[f"call {number}"] = {"outputs": [bridge.numpy(y) for y in outputs], "gradients": slopes}
        told[f"losses {number}"] = [bridge.numpy(loss) for loss in built.losses]
    told["state"] = [bridge.numpy(v) for v in built.weights if not v.trainable]
    if getattr(built, "stateful", False):
        told["kept"] = [bridge.numpy(v) for v in _flat(built.states)]
        if setup["reset"]:  # Keras cannot reset nested states
            built.reset_state()
            told["reset"] = [bridge.numpy(v) for v in _flat(built.states)]
    if "Masking" in setup["layer"]["$new"]:
        told["mask"] = bridge.numpy(built.compute_mask(keras.ops.convert_to_tensor(setup["calls"][0])))
    return told


def _flat(outputs: Any) -> list[Any]:
    if isinstance(outputs, (list, tuple)) or type(outputs).__name__ == "ListWrapper":
        return [leaf for item in outputs for leaf in _flat(item)]
    return [outputs]


def _listed(shape: Any) -> Any:
    return [_listed(item) for item in shape] if isinstance(shape, (list, tuple)) else shape
