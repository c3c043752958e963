"""KerasFileEditor: what it shows, what its edits do to files that a model then reads, and what it refuses."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import neurona
from neurona import layers
from neurona.errors import ArgumentError, SavingError
from neurona.saving import KerasFileEditor


def network(units: int = 4, more: bool = False) -> neurona.Sequential:
    inner = neurona.Sequential([neurona.Input((units,)), layers.Dense(2)], name="inner")
    behind = [layers.Dense(3), layers.BatchNormalization()] if more else [layers.Dense(3)]
    return neurona.Sequential([neurona.Input((5,)), layers.Dense(units), inner, *behind])


@pytest.fixture
def file(tmp_path: Path) -> Path:
    network().save_weights(tmp_path / "m.weights.h5")
    return tmp_path / "m.weights.h5"


def test_it_shows_objects_and_shapes(file: Path, capsys: Any) -> None:
    KerasFileEditor(file).summary()
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"Keras model file '{file}'"
    assert any(line.strip().startswith("dense (dense") for line in lines)
    assert any(line.endswith("0: shape=(5, 4), dtype=float32") for line in lines)


def test_saved_again_it_is_the_same(file: Path, tmp_path: Path) -> None:
    KerasFileEditor(file).save(tmp_path / "again.weights.h5")
    one, two = network(), network()
    one.load_weights(file)
    two.load_weights(tmp_path / "again.weights.h5")
    for a, b in zip(one.get_weights(), two.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_it_tells_what_fits(file: Path, capsys: Any) -> None:
    editor = KerasFileEditor(file)
    assert editor.compare(network()) == {"status": "success", "error_count": 0, "match_count": 6}
    found = editor.compare(network(7, more=True))
    assert found == {"status": "error", "error_count": 3 + 4, "match_count": 3}
    told = capsys.readouterr().out
    assert "layers/dense/0 has the shape (5, 4) in the file, (5, 7) in the model" in told
    assert "layers/batch_normalization/0 is in the model alone, shape (3,)" in told


def test_edits_reach_the_model(file: Path, tmp_path: Path) -> None:
    editor = KerasFileEditor(file)
    numbers = {str(i): np.full(3, float(i)) for i in range(4)}
    editor.add_object("layers/batch_normalization", {"0": numbers["0"]})
    editor.add_weights("batch_normalization", {name: numbers[name] for name in "1234" if name in numbers})
    editor.delete_weight("layers/dense_1", "1")
    editor.add_weights("layers/dense_1", {"1": np.ones(3)})
    editor.rename_object("sequential", "renamed")
    editor.rename_object("layers/renamed", "sequential")
    editor.resave_weights(tmp_path / "new.weights.h5")
    model = network(more=True)
    model.load_weights(tmp_path / "new.weights.h5")
    np.testing.assert_array_equal(model.layers[2].get_weights()[1], np.ones(3))
    assert [float(w[0]) for w in model.layers[3].get_weights()] == [0.0, 1.0, 2.0, 3.0]
    editor.delete_object("batch_normalization")
    assert editor.compare(network())["status"] == "success"


def test_an_objects_name_in_the_file_goes_with_it(file: Path, tmp_path: Path, capsys: Any) -> None:
    def shown(editor: KerasFileEditor) -> list[str]:
        capsys.readouterr()
        editor.summary()
        return [line.strip() for line in capsys.readouterr().out.splitlines() if "shape" not in line]

    editor = KerasFileEditor(file)
    before = shown(editor)
    called = next(line for line in before if line.startswith("dense_1 ("))
    editor.rename_object("dense_1", "head")
    assert called.replace("dense_1 ", "head ", 1) in shown(editor)
    editor.rename_object("sequential", "part")  # what lies in it keeps its own
    assert len([line for line in shown(editor) if "(" in line]) == len([line for line in before if "(" in line])
    editor.add_object("layers/dense_1", {"0": np.ones(2)})
    assert "dense_1" in shown(editor)  # it is new, and inherits nothing
    editor.delete_object("layers/head")
    editor.add_object("layers/head", {"0": np.ones(2)})
    editor.save(tmp_path / "new.weights.h5")
    assert "head (head)" in shown(KerasFileEditor(tmp_path / "new.weights.h5"))


def test_nothing_is_lost_by_a_name_that_is_taken(file: Path) -> None:
    editor = KerasFileEditor(file)
    editor.rename_object("layers/sequential/layers", "part")
    for edit in (
        lambda: editor.rename_object("layers/dense", "sequential"),
        lambda: editor.add_object("layers/sequential", {"0": np.ones(3)}),
        lambda: editor.add_weights("sequential", {"part": np.ones(3)}),
    ):
        with pytest.raises(ArgumentError, match=r"'(sequential|part)' already; delete it first"):
            edit()
    editor.rename_object("layers/sequential/part", "layers")
    assert editor.compare(network())["status"] == "success"


def test_an_archive_tells_more(tmp_path: Path, capsys: Any) -> None:
    network().save(tmp_path / "m.keras")
    editor = KerasFileEditor(tmp_path / "m.keras")
    assert editor.config["class_name"] == "Sequential"
    assert f"saved by Keras {editor.metadata['keras_version']}" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("edit", "text"),
    [
        (lambda e: e.rename_object("nothing", "x"), "'nothing' does not appear"),
        (lambda e: e.rename_object("layers/nothing", "x"), "Path 'layers/nothing' not found"),
        (lambda e: e.rename_object("layers/dense", "a/b"), "not a full path name"),
        (lambda e: e.delete_object("dense"), "occurs more than once"),
        (lambda e: e.delete_weight("layers/dense", "7"), "Weight 7 not found"),
        (lambda e: e.add_object("nowhere/dense", {}), "Path 'nowhere' not found"),
        (lambda e: e.add_object("layers/x", [1.0]), "should be a dict"),
        (lambda e: e.add_weights("layers/dense", [1.0]), "should be a dict"),
        (lambda e: e.add_weights("layers/dense", {"2": np.array([None])}), "should be an array of numbers"),
        (lambda e: e.add_object("layers/x", {"0": "text"}), "should be an array of numbers"),
        (lambda e: e.add_object("layers/x", {0: np.ones(2)}), "name should be a string"),
        (lambda e: e.add_object("layers/x", {"a/b": np.ones(2)}), "name should be a string"),
        (lambda e: e.save("x.h5"), "expected a `.weights.h5` extension"),
    ],
)
def test_what_is_refused(edit: Any, text: str, file: Path) -> None:
    with pytest.raises(ArgumentError, match=text):
        edit(KerasFileEditor(file))


def test_strange_files(tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match="Invalid filename"):
        KerasFileEditor(tmp_path / "m.h5")
    (tmp_path / "bad.weights.h5").write_bytes(b"no such thing")
    with pytest.raises(SavingError):
        KerasFileEditor(tmp_path / "bad.weights.h5")


@pytest.mark.filterwarnings("ignore")  # Keras's and TensorFlow's own
def test_keras_reads_what_was_edited(tmp_path: Path) -> None:
    keras = pytest.importorskip("keras", reason="compares with real Keras")
    theirs = keras.Sequential([keras.Input((5,)), keras.layers.Dense(4), keras.layers.Dense(3)])
    theirs.save_weights(tmp_path / "theirs.weights.h5")
    editor = KerasFileEditor(tmp_path / "theirs.weights.h5")
    editor.delete_object("layers/dense_1")
    editor.add_object("layers/dense_1", {"0": np.ones((4, 3), "float32"), "1": np.zeros(3, "float32")})
    editor.save(tmp_path / "ours.weights.h5")
    theirs.load_weights(tmp_path / "ours.weights.h5")
    np.testing.assert_array_equal(theirs.layers[1].get_weights()[0], np.ones((4, 3)))
