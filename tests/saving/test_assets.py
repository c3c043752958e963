"""Vocabularies in a model's archive: they come back, in Keras's layout, and nothing else is opened or believed."""

from __future__ import annotations

import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import neurona as keras
from neurona.errors import NeuronaError, SavingError, UnsafeFileError
from neurona.layers import Dense, Embedding, GlobalAveragePooling1D, Input, StringLookup, TextVectorization
from neurona.saving import budget

TEXTS = np.array(["a good film", "bad\u2028film", "", "good \ud800 good"], object)
VOCABULARY = "assets/layers/text_vectorization/vocabulary.txt"


def reader(texts: Any = TEXTS, **settings: Any) -> Any:
    vectorize = TextVectorization(name="text_vectorization", **settings)
    vectorize.adapt(texts)
    layers: list[Any] = [Input((1,), dtype="string"), vectorize]
    if settings.get("output_mode", "int") == "int":
        layers += [Embedding(vectorize.vocabulary_size(), 3), GlobalAveragePooling1D()]
    return keras.Sequential([*layers, Dense(2)])


def changed(path: Path, drop: str = "", **contents: bytes | str) -> Path:
    """A copy of the archive without a member, and with others."""
    copy = path.with_name("changed.keras")
    with zipfile.ZipFile(path) as source, zipfile.ZipFile(copy, "w") as target:
        for entry in source.infolist():
            if entry.filename != drop and entry.filename not in contents:
                target.writestr(entry.filename, source.read(entry))
        for name, data in contents.items():
            target.writestr(name, data)
    return copy


@pytest.mark.parametrize(
    "settings",
    [
        {"output_sequence_length": 4},
        {"output_mode": "tf_idf"},
        {"output_mode": "tf_idf", "max_tokens": 30, "pad_to_max_tokens": True},
        {"output_mode": "count", "ngrams": 2},
        {"split": "character", "standardize": None, "output_sequence_length": 9},
    ],
)
def test_a_model_of_texts_comes_back(tmp_path: Path, settings: dict[str, Any]) -> None:
    model = reader(**settings)
    model.save(tmp_path / "m.keras")
    again = keras.saving.load_model(tmp_path / "m.keras")
    assert again.layers[0].get_vocabulary() == model.layers[0].get_vocabulary()
    np.testing.assert_array_equal(again.predict(TEXTS, verbose=0), model.predict(TEXTS, verbose=0))
    assert again.get_config() == model.get_config()


def test_the_layout_is_keras_s(tmp_path: Path) -> None:
    model = reader(output_sequence_length=4)
    model.layers[0].set_vocabulary(["good", "film"])
    model.save(tmp_path / "m.keras")
    with zipfile.ZipFile(tmp_path / "m.keras") as archive:
        names = archive.namelist()
        assert archive.read(VOCABULARY) == b"\n[UNK]\ngood\nfilm"
    inner = "assets/layers/text_vectorization/_lookup_layer/vocabulary.txt"
    assert names == ["metadata.json", "config.json", "model.weights.h5", VOCABULARY, inner]


def test_a_given_vocabulary_is_in_the_configuration(tmp_path: Path) -> None:
    entry = Input((), dtype="string")
    model = keras.Model(entry, StringLookup(vocabulary=["a", "b"])(entry))
    model.save(tmp_path / "m.keras")
    with zipfile.ZipFile(tmp_path / "m.keras") as archive:
        assert len(archive.namelist()) == 3
    again = keras.saving.load_model(tmp_path / "m.keras")
    assert again.predict(np.array(["b", "q"]), verbose=0).tolist() == [2, 0]


def test_loading_opens_no_other_file(tmp_path: Path) -> None:
    """Also not a temporary one: an audit hook sees every open."""
    reader(output_mode="tf_idf").save(tmp_path / "m.keras")
    keras.saving.load_model(tmp_path / "m.keras")  # what is imported on the way is open by now
    opened: list[str] = []
    watching = True

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if watching and event == "open":
            opened.append(str(arguments[0]))

    sys.addaudithook(hook)
    keras.saving.load_model(tmp_path / "m.keras")
    watching = False
    assert [name for name in opened if not name.endswith("m.keras")] == []


def test_a_path_in_the_configuration_is_refused(tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("word")
    reader(output_sequence_length=4).save(tmp_path / "m.keras")
    with zipfile.ZipFile(tmp_path / "m.keras") as archive:
        config = archive.read("config.json").decode()
    assert config.count('"vocabulary": null') == 1
    path = changed(
        tmp_path / "m.keras", **{"config.json": config.replace('"vocabulary": null', f'"vocabulary": "{secret}"')}
    )
    with pytest.raises(UnsafeFileError, match="never opened"):
        keras.saving.load_model(path)


def test_damaged_vocabularies_are_told(tmp_path: Path) -> None:
    original = tmp_path / "m.keras"
    reader(["a b c"], output_mode="count").save(original)
    changes: list[tuple[dict[str, Any], str]] = [
        ({"drop": VOCABULARY}, "missing"),
        ({VOCABULARY: b"[UNK]\nonly"}, "not that of its description"),
        ({VOCABULARY.replace(".txt", ".json"): b"[1]"}, "no list of texts"),
    ]
    for change, words in changes:
        with pytest.raises(SavingError, match=words):
            keras.saving.load_model(changed(original, **change))


@pytest.mark.parametrize(
    "name",
    ["assets/../evil.txt", "assets/a/../../evil", "/assets/x", "assets\\x", "assets//x", "assets/c:x", "asset/x", "x"],
)
def test_strange_names_are_refused(tmp_path: Path, name: str) -> None:
    reader(output_sequence_length=4).save(tmp_path / "m.keras")
    with pytest.raises(UnsafeFileError, match=r"exactly|not allowed"):
        keras.saving.load_model(changed(tmp_path / "m.keras", **{name: b"x"}))


def test_bombs_below_assets_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reader(output_sequence_length=4).save(tmp_path / "m.keras")
    path = tmp_path / "bomb.keras"
    with zipfile.ZipFile(tmp_path / "m.keras") as source, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as target:
        for entry in source.infolist():
            target.writestr(entry.filename, source.read(entry))
        for name in "abc":
            target.writestr(f"assets/{name}", bytes(50_000))
    keras.saving.load_model(path)  # files that no layer asks for are passed over
    monkeypatch.setattr(budget, "_FLOOR", 0)
    with pytest.raises(UnsafeFileError, match="out of proportion to its file"):
        keras.saving.load_model(path)


def test_flipped_bits_never_go_unseen(tmp_path: Path) -> None:
    reader(output_mode="count").save(tmp_path / "m.keras")
    model = keras.saving.load_model(tmp_path / "m.keras")
    expected = model.predict(TEXTS, verbose=0)
    data = (tmp_path / "m.keras").read_bytes()
    start = data.index(b"[UNK]\n")
    rng = np.random.default_rng(0)
    path = tmp_path / "flipped.keras"
    for place in [*range(start, start + 20), *rng.integers(start, len(data), 60).tolist()]:
        flipped = bytearray(data)
        flipped[place] ^= 1 << int(rng.integers(8))
        path.write_bytes(flipped)
        try:
            again = keras.saving.load_model(path)
        except NeuronaError:
            continue
        np.testing.assert_array_equal(again.predict(TEXTS, verbose=0), expected)


@keras.saving.register_keras_serializable("reviewed")
class Remembering(keras.layers.Layer):
    """A user's layer that knows Keras's `save_assets` and `load_assets`."""

    note = ""

    def call(self, x: Any) -> Any:
        return x

    def save_assets(self, dir_path: str) -> None:
        Path(dir_path, "notes").mkdir()
        Path(dir_path, "notes", "note.txt").write_text(self.note)

    def load_assets(self, dir_path: str) -> None:
        self.note = Path(dir_path, "notes", "note.txt").read_text()


def test_a_user_s_layer_has_a_folder(tmp_path: Path) -> None:
    model = keras.Sequential([Input((2,)), Remembering()])
    model.layers[0].note = "hello"
    model.save(tmp_path / "m.keras")
    assert keras.saving.load_model(tmp_path / "m.keras").layers[0].note == "hello"


def test_weights_files_hold_weights_alone(tmp_path: Path) -> None:
    model, other = reader(output_mode="tf_idf"), reader(output_mode="tf_idf")
    model.save_weights(tmp_path / "m.weights.h5")
    other.load_weights(tmp_path / "m.weights.h5")
    np.testing.assert_array_equal(other.predict(TEXTS, verbose=0), model.predict(TEXTS, verbose=0))
