"""keras.utils' smaller helpers, keras.backend's older arithmetic, Keras's small data sets."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import neurona as keras
from neurona import backend as K  # noqa: N812 - as programs call it
from neurona.datasets import cifar100
from neurona.errors import ArgumentError, DTypeError, PictureError, ShapeError


def test_pictures_there_and_back(tmp_path: Path) -> None:
    pixels = np.arange(4 * 6 * 3, dtype="uint8").reshape(4, 6, 3)
    keras.utils.save_img(tmp_path / "a.png", pixels, scale=False)
    picture = keras.utils.load_img(tmp_path / "a.png")
    np.testing.assert_array_equal(keras.utils.img_to_array(picture), pixels)
    assert keras.utils.img_to_array(picture, "channels_first").shape == (3, 4, 6)
    assert keras.utils.load_img(io.BytesIO((tmp_path / "a.png").read_bytes()), "grayscale").mode == "L"
    assert keras.utils.load_img(tmp_path / "a.png", target_size=(2, 9)).size == (9, 2)
    square = keras.utils.load_img(tmp_path / "a.png", target_size=(4, 4), keep_aspect_ratio=True)
    np.testing.assert_array_equal(np.asarray(square), pixels[:, 1:5])
    assert keras.utils.array_to_img(np.array([[[0.0], [2.0]]])).getpixel((1, 0)) == 255
    assert keras.preprocessing.image.smart_resize(pixels, (2, 2)).shape == (2, 2, 3)
    (tmp_path / "bad.png").write_bytes(b"no picture")
    for call, error in (
        (lambda: keras.utils.load_img(tmp_path / "bad.png"), PictureError),
        (lambda: keras.utils.load_img(3), ArgumentError),
        (lambda: keras.utils.load_img(tmp_path / "a.png", color_mode="cmyk"), ArgumentError),
        (lambda: keras.utils.array_to_img(pixels[..., 0]), ArgumentError),
        (lambda: keras.utils.array_to_img(pixels[..., :2]), ArgumentError),
    ):
        with pytest.raises(error):
            call()


def test_one_data_set_as_two() -> None:
    x, y = np.arange(10), np.arange(10) * 2
    left, right = keras.utils.split_dataset((x, y), left_size=0.7)
    assert len(left) == 7 and [(int(a), int(b)) for a, b in right] == [(7, 14), (8, 16), (9, 18)]
    batched = keras.utils.Dataset.from_tensor_slices(x).batch(4)
    first, second = keras.utils.split_dataset(batched, right_size=3, shuffle=True, seed=1)
    assert [b.shape for b in first] == [(4,), (3,)] and len(second) == 1
    assert sorted(int(v) for part in (first, second) for batch in part for v in batch) == x.tolist()
    for sizes, error in (({}, ArgumentError), ({"left_size": 11}, ArgumentError), ({"left_size": "1"}, DTypeError),
                         ({"left_size": 6, "right_size": 6}, ArgumentError)):  # fmt: skip
        with pytest.raises(error):
            keras.utils.split_dataset(x, **sizes)  # type: ignore[arg-type]


def test_batches_are_tensors() -> None:
    windows = keras.utils.timeseries_dataset_from_array(np.arange(9.0), None, sequence_length=3, batch_size=2)
    batch = next(iter(windows))
    assert isinstance(batch, keras.Tensor) and batch.shape == (2, 3) and batch.numpy()[1].tolist() == [1, 2, 3]


def test_a_model_as_a_picture(tmp_path: Path) -> None:
    inputs = keras.Input((4,), name="in")
    inner = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)], name="inner")
    one, two = keras.layers.Dense(3, activation="relu")(inputs), keras.layers.Dense(2)(inputs)
    model = keras.Model(inputs, keras.layers.Add()([inner(one), two]))
    plain = keras.utils.plot_model(model, tmp_path / "m.png", show_shapes=True, show_layer_names=True)
    whole = keras.utils.plot_model(model, tmp_path / "n.png", expand_nested=True, rankdir="LR", show_dtype=True)
    with Image.open(tmp_path / "m.png") as picture:
        assert picture.size == plain.size and len(picture.getcolors(1 << 20)) > 2
    assert whole.size[0] > whole.size[1] > 50
    with pytest.raises(ValueError, match="not yet been built"):
        keras.utils.plot_model(keras.Sequential([keras.layers.Dense(2)]), tmp_path / "o.png")
    with pytest.raises(ArgumentError, match="plot_model"):
        keras.utils.model_to_dot(model)
    assert [t.name for t in keras.utils.get_source_inputs(model.output)] == [model.inputs[0].name]


def test_a_bar_tells_means(capsys: pytest.CaptureFixture[str]) -> None:
    bar = keras.utils.Progbar(4, stateful_metrics=["last"])
    for step in range(1, 5):
        bar.update(step, [("loss", step), ("last", step)])
    assert "4/4" in (out := capsys.readouterr().out) and "loss: 2.5000 - last: 4.0000" in out and out.endswith("\n")
    assert keras.utils.pack_x_y_sample_weight([1], None) == ([1],)
    assert keras.utils.unpack_x_y_sample_weight((1, 2)) == (1, 2, None)


@pytest.mark.parametrize(
    ("made", "wanted"),
    [
        (lambda: K.batch_dot(np.ones((2, 3)), np.ones((2, 3)), axes=1), [[3.0], [3.0]]),
        (lambda: K.batch_dot(np.ones((1, 2, 3)), np.ones((1, 3, 1))), [[[3.0], [3.0]]]),
        (lambda: K.sum(K.square(K.constant([1.0, 2.0]))), 5.0),
        (lambda: K.repeat([[1.0, 2.0]], 2), [[[1.0, 2.0], [1.0, 2.0]]]),
        (lambda: K.switch(np.array([True, False]), [[1.0], [2.0]], [[3.0], [4.0]]), [[1.0], [4.0]]),
        (lambda: K.hard_sigmoid([0.0, 9.0]), [0.5, 1.0]),
        (lambda: K.gather([[1.0], [2.0]], [1]), [[2.0]]),
        (lambda: K.l2_normalize([3.0, 4.0]), [0.6, 0.8]),
        (lambda: K.concatenate([[[1.0]], [[2.0]]]), [[1.0, 2.0]]),
        (lambda: K.update_add(K.variable([1.0]), [2.0]), [3.0]),
        (lambda: K.bias_add(np.zeros((1, 2, 1, 1)), [1.0, 2.0], "channels_first"), [[[[1.0]], [[2.0]]]]),
    ],
)
def test_older_arithmetic(made: Any, wanted: Any) -> None:
    np.testing.assert_allclose(made(), wanted, rtol=1e-6)


def test_older_functions_of_state() -> None:
    weights = [K.zeros((2,)), K.random_normal_variable((3,), 0, 1)]
    K.batch_set_value([(weights[0], [1.0, 2.0])])
    assert K.batch_get_value(weights)[0].tolist() == [1, 2] and K.int_shape(weights[1]) == (3,)
    assert K.random_normal((2, 3)).shape == (2, 3) and set(np.unique(K.random_bernoulli((9, 9), 0.5))) <= {0.0, 1.0}
    with pytest.raises(ShapeError, match="cannot sum over"):
        K.batch_dot(np.ones((2, 3)), np.ones((2, 4)))


def test_small_sets_from_local_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    x, y = np.arange(40.0).reshape(10, 4), np.arange(10.0)
    np.savez(tmp_path / "table.npz", x=x, y=y)
    for load in (keras.datasets.boston_housing.load_data, keras.datasets.california_housing.load_data):
        (x_train, y_train), (_, y_test) = load(path=str(tmp_path / "table.npz"))
        assert x_train.shape == (8, 4) and y_test.shape == (2,)
        np.testing.assert_array_equal(x_train[:, 0], 4 * y_train)  # rows keep their targets
        with pytest.raises(ArgumentError, match="test_split"):
            load(path=str(tmp_path / "table.npz"), test_split=1.0)
    assert sorted([*y_train, *y_test]) == y.tolist() and y_train.tolist() != y[:8].tolist()
    lists = np.array([[5, 6], [7], [8, 9, 10], [11, 5], [6], [7, 8, 9], [5, 5], [9], [4, 6, 8]], dtype=object)
    np.savez(tmp_path / "wires.npz", x=lists, y=np.arange(9))
    (words, topics), (held, _) = keras.datasets.reuters.load_data(str(tmp_path / "wires.npz"), num_words=11)
    assert len(words) == 7 and len(held) == 2 and {row[0] for row in words} == {1}
    assert all(list(row) == [1, *(w + 3 if w + 3 < 11 else 2 for w in lists[topic])]
               for row, topic in zip(words, topics, strict=True))  # fmt: skip
    (tmp_path / "ranks.json").write_text(json.dumps({"the": 1}))
    assert keras.datasets.reuters.get_word_index(str(tmp_path / "ranks.json")) == {"the": 1}


def test_cifar100_from_its_archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    counts = {"cifar-100-binary/train.bin": 3, "cifar-100-binary/test.bin": 2}
    monkeypatch.setattr(cifar100, "_FILES", counts)
    monkeypatch.setenv("NEURONA_DATA", str(tmp_path))
    rows = {name: np.random.default_rng(1).integers(0, 20, (n, 3074), dtype="uint8") for name, n in counts.items()}
    with tarfile.open(tmp_path / "cifar-100-binary.tar.gz", "w:gz") as archive:
        for name, records in rows.items():
            info = tarfile.TarInfo(name)
            info.size = records.size
            archive.addfile(info, io.BytesIO(records.tobytes()))
    (pictures, fine), (_, coarse) = (
        keras.datasets.cifar100.load_data()[0],
        keras.datasets.cifar100.load_data("coarse")[1],
    )
    train, test = rows.values()
    assert pictures.shape == (3, 32, 32, 3) and fine.ravel().tolist() == train[:, 1].tolist()
    assert coarse.ravel().tolist() == test[:, 0].tolist() and pictures[1, 2, 3, 1] == train[1, 2 + 1024 + 2 * 32 + 3]
    with pytest.raises(ArgumentError, match="label_mode"):
        keras.datasets.cifar100.load_data("both")
