"""Layers that look values up: their outputs, vocabularies, weights, shapes and configurations, and their archives.

Texts are lists of Python strings in a case, for arrays of strings are no numbers.
"""

from __future__ import annotations

import inspect
import random
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

SEED = 7013

TALK = [
    "The cat sat on the mat.",
    "A dog -- a DOG! -- sat too",
    "",
    "cat\tcat\n  dog's",
    "Ñandú ÑANDÚ año\u00a0nuevo",
    "[UNK] x",
]
NEW = ["the cat and the dog", "year año", "", "?!", "zebra SAT"]
COLUMN = [["the cat"], ["dog dog"], [""]]
LETTERS = [["b", "a", "c"], ["c", "a", "a"], ["d", "", "[UNK]"]]
OTHERS = [["a", "q", ""], ["zz", "b", "a"]]
INTS = [[5, -3, 7], [7, 7, 9], [0, -1, 5]]
MORE = [[7, 100, 0], [-1, 9, 8]]
_random = random.Random(SEED)
LONG = [
    "".join(_random.choice("abcdefghij ñ€😀") for _ in range(n))
    for n in [*range(0, 70), 90, 100, 127, 128, 129, 200, 1000]
]

# layer, settings, what it learns from, the inputs of its calls
TABLE: list[tuple[str, dict[str, Any], Any, list[Any]]] = [
    ("TextVectorization", {}, TALK, [NEW, COLUMN, "the cat", [["cat"], ["the dog"]]]),
    ("TextVectorization", {"output_sequence_length": 3, "max_tokens": 6}, TALK, [NEW, COLUMN, "cat"]),
    ("TextVectorization", {"standardize": "lower"}, TALK, [NEW]),
    ("TextVectorization", {"standardize": "strip_punctuation"}, TALK, [NEW]),
    ("TextVectorization", {"standardize": None, "ngrams": 2}, TALK, [NEW, COLUMN]),
    ("TextVectorization", {"ngrams": (3, 1), "max_tokens": 9}, TALK, [NEW, TALK]),
    ("TextVectorization", {"split": "character", "output_sequence_length": 6}, TALK, [NEW]),
    ("TextVectorization", {"split": None}, TALK, [NEW, COLUMN, TALK]),
    ("TextVectorization", {"split": None, "ngrams": 2, "standardize": None}, LETTERS, [OTHERS]),
    ("TextVectorization", {"split": None, "output_sequence_length": 2}, LETTERS, [OTHERS, ["a", "b", "c"]]),
    ("TextVectorization", {"output_mode": "multi_hot"}, TALK, [NEW, COLUMN, "the cat"]),
    ("TextVectorization", {"output_mode": "binary", "max_tokens": 5}, TALK, [NEW]),
    ("TextVectorization", {"output_mode": "count", "ngrams": 2}, TALK, [NEW]),
    ("TextVectorization", {"output_mode": "count", "pad_to_max_tokens": True, "max_tokens": 40}, TALK, [NEW]),
    ("TextVectorization", {"output_mode": "tf_idf"}, TALK, [NEW, COLUMN]),
    ("TextVectorization", {"output_mode": "tf-idf", "pad_to_max_tokens": True, "max_tokens": 12}, TALK, [NEW]),
    ("TextVectorization", {"vocabulary": ["cat", "dog", "the"]}, None, [NEW]),
    ("TextVectorization", {"vocabulary": ["", "[UNK]", "cat", "dog"], "output_sequence_length": 2}, None, [NEW]),
    ("TextVectorization", {"vocabulary": ["cat", "dog"], "idf_weights": [0.5, 2.0], "output_mode": "tf_idf"}, None, [NEW]),
    ("StringLookup", {}, LETTERS, [OTHERS, ["a", "q"], "a"]),
    ("StringLookup", {"mask_token": "", "max_tokens": 4}, LETTERS, [OTHERS]),
    ("StringLookup", {"num_oov_indices": 4}, LETTERS, [OTHERS, LONG]),
    ("StringLookup", {"num_oov_indices": 4, "salt": 77, "mask_token": "a"}, LETTERS, [OTHERS, LONG]),
    ("StringLookup", {"num_oov_indices": 3, "salt": (-5, 2**40)}, LETTERS, [LONG]),
    ("StringLookup", {"num_oov_indices": 0, "vocabulary": ["a", "b"]}, None, [["b", "a"]]),
    ("StringLookup", {"vocabulary": ["a", "b", "c"], "invert": True, "mask_token": ""}, None, [[[0, 1, 2], [4, 9, -1]]]),
    ("StringLookup", {"vocabulary": ["a", "b", "c"], "invert": True, "num_oov_indices": 2}, None, [[0, 1, 2, 3, 5]]),
    ("StringLookup", {"output_mode": "one_hot"}, LETTERS, [OTHERS, ["a", "q"], [["a"], ["b"]]]),
    ("StringLookup", {"output_mode": "multi_hot", "mask_token": ""}, LETTERS, [OTHERS, ["a", "q"]]),
    ("StringLookup", {"output_mode": "count", "num_oov_indices": 2}, LETTERS, [OTHERS, [["a"], ["b"]]]),
    ("StringLookup", {"output_mode": "tf_idf", "mask_token": ""}, LETTERS, [OTHERS]),
    ("StringLookup", {"output_mode": "tf_idf", "vocabulary": ["[UNK]", "a", "b"], "idf_weights": [0.1, 0.5, 0.25],
                      "pad_to_max_tokens": True, "max_tokens": 5}, None, [OTHERS]),
    ("StringLookup", {"oov_token": None}, LETTERS, [OTHERS]),
    ("IntegerLookup", {}, INTS, [MORE, [5, 6], 7]),
    ("IntegerLookup", {"mask_token": 0, "max_tokens": 4}, INTS, [MORE]),
    ("IntegerLookup", {"num_oov_indices": 3}, INTS, [MORE, [[-4, -5, 2**40, -(2**40), 11]]]),
    ("IntegerLookup", {"num_oov_indices": 3, "oov_method": "farmhash"}, INTS, [MORE, [[-4, -5, 2**40, 11]]]),
    ("IntegerLookup", {"num_oov_indices": 3, "oov_method": "farmhash", "salt": [9, 10]}, INTS, [MORE, [[-4, -5, 11]]]),
    ("IntegerLookup", {"vocabulary": [5, 6], "invert": True, "oov_token": -7}, None, [[[0, 1], [2, 3]]]),
    ("IntegerLookup", {"output_mode": "multi_hot"}, INTS, [MORE]),
    ("IntegerLookup", {"output_mode": "count", "mask_token": 7}, INTS, [MORE]),
    ("IntegerLookup", {"output_mode": "one_hot", "pad_to_max_tokens": True, "max_tokens": 8}, INTS, [MORE]),
    ("IntegerLookup", {"output_mode": "tf_idf"}, INTS, [MORE]),
    ("CategoryEncoding", {"num_tokens": 4}, None, [[[0, 1], [3, 3]], [2, 0, 9], [[[0, 1], [1, 2]]][0]]),
    ("CategoryEncoding", {"num_tokens": 4, "output_mode": "one_hot"}, None, [[[0, 1], [3, 4]], [2, 0], [[2], [1]], [-1]]),
    ("CategoryEncoding", {"num_tokens": 4, "output_mode": "count"}, None, [[[0, 1], [3, 3]], [2, 2, 0], [[0, 7]]]),
    ("Hashing", {"num_bins": 1009}, None, [LONG, OTHERS, INTS]),
    ("Hashing", {"num_bins": 1009, "salt": 133}, None, [LONG, OTHERS, INTS]),
    ("Hashing", {"num_bins": 1009, "salt": [133, -137]}, None, [LONG]),
    ("Hashing", {"num_bins": 5, "mask_value": ""}, None, [OTHERS]),
    ("Hashing", {"num_bins": 5, "mask_value": 7, "salt": 1}, None, [INTS]),
    ("Hashing", {"num_bins": 1, "mask_value": "a"}, None, [OTHERS]),
    ("Hashing", {"num_bins": 5, "output_mode": "one_hot"}, None, [OTHERS, [["a"], ["b"]]]),
    ("Hashing", {"num_bins": 5, "output_mode": "multi_hot", "salt": 3}, None, [OTHERS, ["a", "b"]]),
    ("Hashing", {"num_bins": 5, "output_mode": "count", "mask_value": "a"}, None, [OTHERS]),
    ("HashedCrossing", {"num_bins": 1009}, None, [(["a", "b", "ñ", ""], [1, -2, 3, 2**40]), ([["a"], ["b"]], [["c"], ["d"]])]),
    ("HashedCrossing", {"num_bins": 1009}, None, [([1, 2], ["a", "b"], [3, 4])]),
    ("HashedCrossing", {"num_bins": 7, "output_mode": "one_hot"}, None, [(["a", "b"], [1, 2]), ([["a"]], [["c"]])]),
    ("Discretization", {"bin_boundaries": [0.0, 1.0, 2.5]}, None, [[[-1.0, 0.0], [0.5, 1.0], [2.5, 9.0]], [1.0]]),
    ("Discretization", {"bin_boundaries": [0.1, 1.0], "output_mode": "one_hot"}, None, [[[0.1], [5.0]], [[0.0, 1.0]]]),
    ("Discretization", {"bin_boundaries": [0.1, 1.0], "output_mode": "multi_hot"}, None, [[[0.1, 7.0], [5.0, 6.0]]]),
    ("Discretization", {"bin_boundaries": [0.1, 1.0], "output_mode": "count"}, None, [[[0.1, 7.0], [5.0, 6.0]]]),
]  # fmt: skip

_VOCABULARY = ["__init__", "adapt", "get_vocabulary", "set_vocabulary", "vocabulary_size", "save_assets", "load_assets"]
METHODS: dict[str, list[str]] = {
    "TextVectorization": _VOCABULARY,
    "StringLookup": _VOCABULARY,
    "IntegerLookup": _VOCABULARY,
    "CategoryEncoding": ["__init__", "call"],
    "Hashing": ["__init__"],
    "HashedCrossing": ["__init__"],
    "Discretization": ["__init__", "adapt"],
}

_rng = np.random.RandomState(SEED)
NORMAL = _rng.normal(size=(500,)).astype("float32")
UNEVEN = (_rng.exponential(size=(40, 30)) * 10).astype("float32")
WHOLE = _rng.randint(0, 6, size=(300,)).astype("float32")
# what quantiles are learned from, batch by batch
LEARNED: list[tuple[dict[str, Any], list[np.ndarray]]] = [
    ({"num_bins": 4}, [NORMAL]),
    ({"num_bins": 7, "epsilon": 0.05}, [NORMAL]),
    ({"num_bins": 10}, [UNEVEN]),
    ({"num_bins": 5, "epsilon": 0.03}, [NORMAL[:100], NORMAL[100:350], NORMAL[350:]]),
    ({"num_bins": 4, "epsilon": 0.1}, [UNEVEN[:3], UNEVEN[3:20], UNEVEN[20:]]),
    ({"num_bins": 3}, [WHOLE]),
    ({"num_bins": 20}, [NORMAL[:5]]),
]


def cases(keras: Any) -> Iterator[dict[str, Any]]:
    for number, (name, settings, learned, inputs) in enumerate(TABLE):
        setup = {"layer": name, "settings": settings, "learned": learned, "inputs": inputs}
        yield {"id": f"{name}-{number}", "setup": setup}
    for number, (settings, batches) in enumerate(LEARNED):
        yield {"id": f"quantiles-{number}", "setup": {"settings": settings, "batches": batches}}
    for number, (name, settings, learned, inputs) in enumerate(TABLE):
        if name in ("TextVectorization", "StringLookup", "IntegerLookup") and not _keras_stumbles(settings, learned):
            archive = _archive(keras, name, settings, learned, inputs[0])
            setup = {"layer": name, "archive": archive, "inputs": [inputs[0]]}
            yield {"id": f"archive-{number}", "setup": setup}

    for name in sorted({name for name, *_ in TABLE}):
        for method in METHODS[name]:
            yield {"id": f"{name}.{method}", "setup": {"layer": name, "method": method}}


def _keras_stumbles(settings: dict[str, Any], learned: Any) -> bool:
    """Whether Keras cannot open its own archive, or gives another layer: padded weights, a line break among the tokens,
    "" as the last one, no unknown token (it comes back as the word "None")."""
    lost = learned is LETTERS and settings.get("output_mode", "int") != "int" and "mask_token" not in settings
    return bool(
        settings.get("pad_to_max_tokens") or settings.get("split") == "character" or lost or "oov_token" in settings
    )


def _archive(keras: Any, name: str, settings: dict[str, Any], learned: Any, inputs: Any) -> np.ndarray:
    """The bytes of a model with this layer alone, as Keras saves it."""
    layer = _made(keras, name, settings, learned)
    numbers = name == "IntegerLookup" or settings.get("invert")
    entry = keras.Input(np.shape(inputs)[1:], dtype="int64" if numbers else "string")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "model.keras")
        keras.Model(entry, layer(entry)).save(path)
        return np.frombuffer(path.read_bytes(), np.uint8)


def _made(keras: Any, name: str, settings: dict[str, Any], learned: Any) -> Any:
    layer = getattr(keras.layers, name)(**settings)
    if learned is not None:
        layer.adapt(learned)
    return layer


def run(bridge: Any, setup: dict[str, Any]) -> dict[str, Any]:
    keras = bridge.keras
    if "method" in setup:
        signature = inspect.signature(getattr(getattr(keras.layers, setup["layer"]), setup["method"]))
        named = [p for p in signature.parameters.values() if p.kind is not p.VAR_KEYWORD]
        return {"parameters": [[p.name, None if p.default is p.empty else repr(p.default)] for p in named]}
    if "archive" in setup:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "model.keras")
            path.write_bytes(setup["archive"].tobytes())
            layer = keras.saving.load_model(path).layers[-1]
        return _answers(bridge, layer, setup["inputs"])
    if "batches" in setup:
        layer = keras.layers.Discretization(**setup["settings"])
        layer.adapt(setup["batches"][0] if len(setup["batches"]) == 1 else iter(setup["batches"]))
        return {"bin_boundaries": np.array(layer.bin_boundaries, "float32"), "keys": sorted(layer.get_config())}
    layer = _made(keras, setup["layer"], setup["settings"], setup["learned"])
    return {**_answers(bridge, layer, setup["inputs"]), "config": _plain(layer.get_config())}


def _answers(bridge: Any, layer: Any, inputs: list[Any]) -> dict[str, Any]:
    found: dict[str, Any] = {"outputs": [_output(bridge, layer(_given(x))) for x in inputs]}
    if hasattr(layer, "get_vocabulary"):
        found["vocabulary"] = [_word(token) for token in layer.get_vocabulary()]
        found["words"] = [_word(token) for token in layer.get_vocabulary(include_special_tokens=False)]
        found["size"] = layer.vocabulary_size()
        weights = getattr(getattr(layer, "_lookup_layer", layer), "idf_weights", None)
        found["weights"] = None if weights is None else bridge.numpy(weights)
    return found


def _given(x: Any) -> Any:
    """Inputs as both engines take them: texts as they are, numbers as arrays, two features as a tuple."""
    if isinstance(x, tuple):
        return tuple(_given(item) for item in x)
    array = np.array(x)
    return array if array.dtype.kind in "if" else x


def _output(bridge: Any, result: Any) -> Any:
    array = result.numpy()
    if array.dtype.kind in "OSU":
        return [_word(token) for token in array.ravel()]
    return np.array(array)


def _word(token: Any) -> Any:
    if isinstance(token, bytes):
        return token.decode()
    return str(token) if isinstance(token, str) else None if token is None else int(token)


def _plain(config: dict[str, Any]) -> dict[str, Any]:
    """A configuration without names, its types by their name."""
    found = {key: value for key, value in config.items() if key != "name"}
    if isinstance(found["dtype"], dict):
        found["dtype"] = found["dtype"]["config"]["name"]
    if isinstance(found.get("salt"), tuple):
        found["salt"] = list(found["salt"])
    return found
