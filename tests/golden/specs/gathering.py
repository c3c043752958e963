"""What brings data together: padding, windows over time, folders of texts and pictures, Keras's film reviews.

Files are written anew for each case, into a folder that goes away. Nothing is compared that draws from TensorFlow's own
generator: where batches are mixed, only which files they are of.
"""

from __future__ import annotations

import struct
import sys
import tempfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

SEED = 7411

_rng = np.random.RandomState(SEED)
_ROWS = [_rng.randint(1, 50, count).tolist() for count in (3, 1, 5, 0, 2)]
_SERIES = _rng.standard_normal((23, 2)).astype("float32")


def cases(keras: Any) -> Iterator[dict[str, Any]]:
    def case(kind: str, name: str, **given: Any) -> dict[str, Any]:
        return {"id": f"{kind} {name}", "setup": {"kind": kind, **given}}

    for name, given in {
        "plain": {},
        "post": {"padding": "post"},
        "cut front": {"maxlen": 2},
        "cut behind": {"maxlen": 2, "truncating": "post"},
        "all": {"maxlen": 4, "dtype": "float32", "padding": "post", "truncating": "post", "value": -1.5},
    }.items():
        yield case("pad", name, rows=_ROWS, given=given)
    yield case("pad", "vectors", rows=[[[1, 2]], [[3, 4], [5, 6]]], given={"maxlen": 3})
    for name, given in {
        "plain": {"sequence_length": 5},
        "strides": {"sequence_length": 3, "sequence_stride": 4, "sampling_rate": 2, "batch_size": 3},
        "part": {"sequence_length": 3, "start_index": 4, "end_index": 15, "batch_size": 4},
        "single": {"sequence_length": 20, "batch_size": None},
    }.items():
        yield case("windows", name, data=_SERIES, targets=None, given=given)
        yield case("windows", f"{name} with targets", data=_SERIES, targets=np.arange(20), given=given)
    for name, given in {
        "plain": {},
        "few words": {"num_words": 20},
        "dropped": {"num_words": 20, "skip_top": 6, "oov_char": None},
        "short": {"maxlen": 6, "seed": 7},
        "bare": {"start_char": None, "index_from": 0, "num_words": 30},
        "no start": {"start_char": None, "index_from": 5, "oov_char": 9, "num_words": 30},
    }.items():
        yield case(
            "reviews", name, lists=[_rng.randint(1, 40, _rng.randint(1, 9)).tolist() for _ in range(16)], given=given
        )
    split = {"validation_split": 0.3, "seed": 5}
    for name, given in {
        "in order": {"shuffle": False},
        "one-hot": {"shuffle": False, "label_mode": "categorical", "batch_size": 3, "max_length": 7},
        "two classes": {"shuffle": False, "label_mode": "binary", "class_names": ["b", "a"]},
        "without labels": {"shuffle": False, "labels": None, "batch_size": None},
        "given labels": {"shuffle": False, "labels": [3, 1, 4, 1, 5, 9, 2, 6, 5]},
        "held out": {**split, "subset": "validation", "batch_size": None},
        "trained on": {**split, "subset": "training", "batch_size": None},
        "both": {**split, "subset": "both"},
    }.items():
        yield case("texts", name, given=given)
    order = {"shuffle": False, "image_size": [4, 5]}
    for name, given in {
        "in order": order,
        "cropped": {**order, "crop_to_aspect_ratio": True},
        "padded": {**order, "pad_to_aspect_ratio": True, "image_size": [6, 6]},
        "nearest": {**order, "interpolation": "nearest", "label_mode": "categorical"},
        "bicubic": {**order, "interpolation": "bicubic", "data_format": "channels_first"},
        "area": {**order, "interpolation": "area", "color_mode": "rgba"},
        "without labels": {**order, "label_mode": None, "batch_size": 2},
        "both": {**order, **split, "shuffle": True, "subset": "both", "validation_split": 0.4},
    }.items():
        yield case("pictures", name, given=given)


def run(bridge: Any, setup: dict[str, Any]) -> dict[str, Any]:
    return {"out": _made(bridge, setup)}


def _made(bridge: Any, setup: dict[str, Any]) -> Any:
    keras, given = bridge.keras, dict(setup.get("given", {}))
    if setup["kind"] == "pad":
        return keras.utils.pad_sequences(setup["rows"], **given)
    if setup["kind"] == "windows":
        dataset = keras.utils.timeseries_dataset_from_array(setup["data"], setup["targets"], **given)
        return list(dataset.as_numpy_iterator())
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if setup["kind"] == "reviews":
            return _reviews(keras, folder / "lists.npz", setup["lists"], given)
        if setup["kind"] == "texts":
            _write_texts(folder)
            return _read(keras.utils.text_dataset_from_directory(name, verbose=False, **given), folder, given)
        _write_pictures(folder)
        given["image_size"] = tuple(given["image_size"])
        return _read(keras.utils.image_dataset_from_directory(name, verbose=False, **given), folder, given)


def _reviews(keras: Any, path: Path, lists: list[list[int]], given: dict[str, Any]) -> Any:
    rows = np.empty(len(lists), object)
    rows[:] = lists
    labels = np.arange(len(lists)) % 2
    np.savez(path, x_train=rows[:9], y_train=labels[:9], x_test=rows[9:], y_test=labels[9:])
    if "keras.src.datasets.imdb" in sys.modules:  # takes only files of the published hash
        sys.modules["keras.src.datasets.imdb"].get_file = lambda fname, **_: fname  # type: ignore[attr-defined]
    (x_train, y_train), (x_test, y_test) = keras.datasets.imdb.load_data(str(path), **given)
    whole = [[int(word) for word in row] for row in (*x_train, *x_test)]
    return {"x": whole, "y": np.concatenate([y_train, y_test]).astype("int64"), "train": len(x_train)}


def _write_texts(folder: Path) -> None:
    names = (
        "a/2.txt",
        "a/10.txt",
        "a/deep/1.txt",
        "b/x.txt",
        "b/Y.TXT",
        "b/c.txt",
        "b/z.txt",
        "b/d.txt",
        "b/no.md",
        ".h/h.txt",
    )
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(f"text of {name}\n", encoding="utf-8")


def _write_pictures(folder: Path) -> None:
    rng = np.random.RandomState(3)
    for name, (height, width) in {
        "a/1.png": (7, 9),
        "a/2.png": (4, 5),
        "b/1.bmp": (12, 6),
        "b/2.PNG": (1, 1),
        "c/x.png": (5, 8),
    }.items():
        (folder / name).parent.mkdir(exist_ok=True)
        pixels = rng.randint(0, 256, (height, width, 3)).astype("uint8")
        (folder / name).write_bytes(_bmp(pixels) if name.endswith("bmp") else _png(pixels))


def _png(pixels: np.ndarray) -> bytes:
    height, width, _ = pixels.shape
    rows = np.concatenate([np.zeros((height, 1), "uint8"), pixels.reshape(height, -1)], 1)
    parts = {
        b"IHDR": struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0),
        b"IDAT": zlib.compress(rows.tobytes()),
        b"IEND": b"",
    }
    chunks = [
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in parts.items()
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def _bmp(pixels: np.ndarray) -> bytes:
    height, width, _ = pixels.shape
    rows = np.zeros((height, -(-3 * width // 4) * 4), "uint8")
    rows[:, : 3 * width] = pixels[::-1, :, ::-1].reshape(height, -1)  # from the bottom up, blue first
    head = struct.pack("<IiiHHIIiiII", 40, width, height, 1, 24, 0, rows.size, 2835, 2835, 0, 0)
    return b"BM" + struct.pack("<IHHI", 54 + rows.size, 0, 0, 54) + head + rows.tobytes()


def _read(made: Any, folder: Path, given: dict[str, Any]) -> Any:
    if isinstance(made, (list, tuple)):
        return [_read(one, folder, given) for one in made]
    batches = [_plain(batch) for batch in made.as_numpy_iterator()]
    if given.get("shuffle", True):  # mixed by a generator of its own: which they are counts
        shapes = [list(np.shape(batch[0] if isinstance(batch, list) else batch)) for batch in batches]
        paths = [str(Path(path).relative_to(folder)) for path in getattr(made, "file_paths", None) or ()]
        if isinstance(batches[0], list) and given.get("batch_size", 32) is None:
            batches.sort(key=lambda batch: batch[0])
            return {"classes": made.class_names, "batches": batches}
        return {"classes": made.class_names, "shapes": shapes} | ({"paths": paths} if "image_size" in given else {})
    return {"classes": made.class_names, "batches": batches}


def _plain(value: Any) -> Any:
    """Texts as lists of strings; pictures and labels stay arrays."""
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if isinstance(value, bytes):
        return value.decode()
    if isinstance(value, np.ndarray) and value.dtype == object:
        return [_plain(item) for item in value]
    return value
