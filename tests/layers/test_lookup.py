"""StringLookup, IntegerLookup, CategoryEncoding: values by hand, special tokens, errors."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import neurona as keras
from neurona.errors import ArgumentError, DTypeError, NotBuiltError, SavingError, ShapeError, UnsafeFileError
from neurona.layers import CategoryEncoding, IntegerLookup, StringLookup
from neurona.layers.lookup import vocabulary_file

WORDS = ["a", "b", "c"]


def test_indices_by_hand() -> None:
    assert StringLookup(vocabulary=WORDS)([["a", "c"], ["q", "b"]]).numpy().tolist() == [[1, 3], [0, 2]]
    masked = StringLookup(vocabulary=WORDS, mask_token="")
    assert masked(["", "a", "q"]).numpy().tolist() == [0, 2, 1]
    assert masked.get_vocabulary() == ["", "[UNK]", "a", "b", "c"]
    assert masked("b").numpy() == 3
    numbers = IntegerLookup(vocabulary=[12, -5])
    assert numbers([[12, -5], [0, 2**40]]).numpy().tolist() == [[1, 2], [0, 0]]
    assert numbers(np.array([-5], "int8")).numpy().tolist() == [2]
    assert numbers.get_vocabulary() == [-1, 12, -5]


def test_the_inverse_goes_back() -> None:
    there, back = StringLookup(vocabulary=WORDS), StringLookup(vocabulary=WORDS, invert=True)
    assert back(there([["a", "q", "c"]])).numpy().tolist() == [["a", "[UNK]", "c"]]
    assert back(np.array([-1, 99])).numpy().tolist() == ["[UNK]", "[UNK]"]
    masked = IntegerLookup(vocabulary=[5, 6], mask_token=0, oov_token=-9, invert=True)
    assert masked([0, 1, 2, 3, 4]).numpy().tolist() == [0, -9, 5, 6, -9]
    with pytest.raises(DTypeError, match="whole numbers"):
        back([0.5])


def test_unknown_ones_are_spread_and_known_ones_stay() -> None:
    layer = StringLookup(vocabulary=WORDS, num_oov_indices=3)
    unknown = layer([f"w{i}" for i in range(60)]).numpy()
    assert set(unknown.tolist()) == {0, 1, 2}
    assert layer(WORDS).numpy().tolist() == [3, 4, 5]
    np.testing.assert_array_equal(IntegerLookup(vocabulary=[9], num_oov_indices=4)([-1, 4, 6, 9]).numpy(), [3, 0, 2, 4])
    even = np.arange(0, 400, 2)
    by_rest = IntegerLookup(vocabulary=[999], num_oov_indices=2)(even).numpy()
    by_hash = IntegerLookup(vocabulary=[999], num_oov_indices=2, oov_method="farmhash")(even).numpy()
    assert set(by_rest.tolist()) == {0}
    assert 60 < by_hash.sum() < 140
    with pytest.raises(ArgumentError, match=r"num_oov_indices=0.*'q'"):
        StringLookup(vocabulary=WORDS, num_oov_indices=0)(["a", "q"])


def test_adapt_counts_and_forgets() -> None:
    layer = StringLookup()
    layer.adapt(["b", "a", "c", "b", "[UNK]", ""])
    assert layer.get_vocabulary() == ["[UNK]", "b", "c", "a", ""], "equally frequent: the last in order first"
    layer.adapt(iter([np.array(["z", "y"]), ["z", "y"], "y"]))
    assert layer.get_vocabulary() == ["[UNK]", "y", "z"]
    short = StringLookup(max_tokens=3, mask_token="")
    short.adapt([["b", "a"], ["b", ""]])
    assert short.get_vocabulary() == ["", "[UNK]", "b"]
    numbers = IntegerLookup(max_tokens=3)
    numbers.adapt(np.array([[7, 7], [-1, 3]]))
    assert numbers.get_vocabulary() == [-1, 7, 3]


def test_vectors() -> None:
    rows = [["a", "q", "a"], ["", "b", "c"]]
    settings = {"vocabulary": WORDS, "mask_token": ""}
    assert StringLookup(output_mode="count", **settings)(rows).numpy().tolist() == [[1, 2, 0, 0], [0, 0, 1, 1]]
    assert StringLookup(output_mode="multi_hot", **settings)(rows).numpy().tolist() == [[1, 1, 0, 0], [0, 0, 1, 1]]
    hot = StringLookup(output_mode="one_hot", **settings)
    assert hot([["a"], [""]]).numpy().tolist() == [[0, 1, 0, 0], [0, 0, 0, 0]]
    assert hot(rows).shape == (2, 3, 4)
    padded = StringLookup(output_mode="count", pad_to_max_tokens=True, max_tokens=6, vocabulary=WORDS)(rows)
    assert padded.numpy().tolist() == [[1, 2, 0, 0, 0, 0], [1, 0, 1, 1, 0, 0]]
    weighted = StringLookup(output_mode="tf_idf", vocabulary=WORDS, idf_weights=[1.0, 2.0, 6.0])(rows)
    assert weighted.numpy().tolist() == [[3, 2, 0, 0], [3, 0, 2, 6]]


@given(st.lists(st.integers(-5, 5), min_size=1, max_size=30), st.lists(st.integers(-9, 9), max_size=20))
@settings(max_examples=30, deadline=None)
def test_numbers_and_their_texts_are_looked_up_alike(learned: list[int], asked: list[int]) -> None:
    numbers, texts = IntegerLookup(oov_token=None), StringLookup(oov_token=None)
    numbers.adapt(learned)
    texts.set_vocabulary([str(n) for n in numbers.get_vocabulary(False)])
    expected = texts([str(n) for n in asked]).numpy() if asked else []
    np.testing.assert_array_equal(numbers(np.array(asked, int)).numpy(), expected)


ERRORS = [
    (StringLookup, {"vocabulary": ["a", "a"]}, "repeated"),
    (StringLookup, {"vocabulary": []}, "empty vocabulary"),
    (StringLookup, {"vocabulary": ["a", ""], "mask_token": ""}, "mask token"),
    (StringLookup, {"vocabulary": ["a", "[UNK]"], "invert": True}, "OOV token"),
    (StringLookup, {"vocabulary": ["a", "b"], "max_tokens": 2}, "larger than the maximum"),
    (StringLookup, {"vocabulary": "/no/such"}, "does not exist"),
    (StringLookup, {"idf_weights": [1.0]}, "should only be set"),
    (StringLookup, {"vocabulary": ["a"], "output_mode": "tf_idf", "idf_weights": [1.0, 2.0]}, "same length"),
    (StringLookup, {"vocabulary": ["a"], "output_mode": "tf_idf"}, "idf_weights"),
    (StringLookup, {"sparse": True}, "there are no sparse tensors here|are no sparse tensors here"),
    (StringLookup, {"salt": "x"}, "single integer"),
    (IntegerLookup, {"salt": 3}, "oov_method='farmhash'"),
    (IntegerLookup, {"oov_method": "best"}, "Unknown value for `oov_method`"),
    (IntegerLookup, {"num_oov_indices": -1}, "greater than or equal to 0"),
    (IntegerLookup, {"invert": True, "output_mode": "count"}, "must be `'int'`"),
    (IntegerLookup, {"vocabulary_dtype": "int32"}, "int64"),
    (CategoryEncoding, {}, "num_tokens must be set"),
    (CategoryEncoding, {"num_tokens": 0}, ">= 1"),
    (CategoryEncoding, {"num_tokens": 3, "output_mode": "int"}, "Unknown arg for output_mode"),
    (CategoryEncoding, {"num_tokens": 3, "sparse": True}, "dense tensors only"),
]


@pytest.mark.parametrize(("layer", "settings", "words"), ERRORS)
def test_settings_that_cannot_be_meant(layer: Any, settings: dict[str, Any], words: str) -> None:
    with pytest.raises(ArgumentError, match=words):
        layer(**settings)


def test_calls_that_cannot_be_meant() -> None:
    with pytest.raises(NotBuiltError, match="adapt"):
        StringLookup()(["a"])
    with pytest.raises(DTypeError, match="Expected texts"):
        StringLookup(vocabulary=WORDS)([1, 2])
    with pytest.raises(DTypeError, match="whole numbers"):
        IntegerLookup(vocabulary=[1])([1.5])
    with pytest.raises(DTypeError, match="Expected texts"):
        StringLookup(vocabulary=[1, 2])
    with pytest.raises(ArgumentError, match="Cannot adapt"):
        StringLookup(vocabulary=WORDS).adapt(["a"])
    fixed = StringLookup(output_mode="count")
    fixed.set_vocabulary(WORDS)
    with pytest.raises(NotBuiltError, match="cannot be changed"):
        fixed.set_vocabulary(["a"])
    with pytest.raises(ShapeError, match="expected the variables"):
        StringLookup().load_own_variables({"0": np.ones(3)})


def test_no_description_opens_a_file(tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("one\ntwo")
    for name in ("StringLookup", "IntegerLookup", "TextVectorization"):
        described = {"module": "keras.layers", "class_name": name, "config": {"vocabulary": str(secret)}}
        with pytest.raises(UnsafeFileError, match="never opened"):
            keras.layers.deserialize(described)
    assert StringLookup(vocabulary=secret).get_vocabulary() == ["[UNK]", "one", "two"], "by hand it is read"


@given(st.lists(st.text(max_size=5), unique=True, max_size=8))
@settings(max_examples=60, deadline=None)
def test_every_vocabulary_survives_its_file(tokens: list[str]) -> None:
    files = vocabulary_file.write(tokens)
    assert vocabulary_file.read(files, "it") == tokens
    layer = StringLookup(oov_token=None)
    if tokens:
        layer.set_vocabulary(tokens)
        again = StringLookup(oov_token=None)
        again.read_assets(layer.write_assets())
        assert again.get_vocabulary(False) == layer.get_vocabulary(False) == tokens


def test_a_damaged_vocabulary_is_told() -> None:
    for files, words in (
        ({}, "missing"), ({"vocabulary.txt": b"\xff"}, "not readable"), ({"vocabulary.txt": b"a\nb\na"}, "repeated"),
        ({"vocabulary.txt": b"a", "vocabulary.json": b"{}"}, "no list"),
        ({"vocabulary.txt": b"a", "vocabulary.json": b"["}, "not readable"),
    ):  # fmt: skip
        with pytest.raises(SavingError, match=words):
            StringLookup().read_assets(files)
    with pytest.raises(SavingError, match="whole number"):
        IntegerLookup().read_assets({"vocabulary.txt": b"1\nx"})
    with pytest.raises(SavingError, match="its weights are 0"):
        StringLookup(output_mode="tf_idf").read_assets({"vocabulary.txt": b"[UNK]\na"})
    with pytest.raises(SavingError, match="not that of its description"):
        StringLookup(output_mode="count", vocabulary_size=9).read_assets({"vocabulary.txt": b"[UNK]\na"})


def test_assets_also_go_through_a_folder(tmp_path: Path) -> None:
    layer, again = StringLookup(), StringLookup()
    layer.adapt(["x\ny", "x\ny", "z"])
    layer.save_assets(tmp_path)
    again.load_assets(tmp_path)
    assert again.get_vocabulary() == ["[UNK]", "x\ny", "z"]


def test_category_encoding_by_hand() -> None:
    assert CategoryEncoding(3)([[0, 1], [2, 2]]).numpy().tolist() == [[1, 1, 0], [0, 0, 1]]
    assert CategoryEncoding(3, "count")([[0, 1], [2, 2]]).numpy().tolist() == [[1, 1, 0], [0, 0, 2]]
    assert CategoryEncoding(3, "one_hot")([[0], [2]]).numpy().tolist() == [[1, 0, 0], [0, 0, 1]]
    assert CategoryEncoding(3, "one_hot")([1, 9]).numpy().tolist() == [[0, 1, 0], [0, 0, 0]]
    weighted = CategoryEncoding(3, "count")([[0, 1], [2, 2]], count_weights=[[0.5, 2.0], [1.0, 0.25]])
    assert weighted.numpy().tolist() == [[0.5, 2, 0], [0, 0, 1.25]]
    assert CategoryEncoding(3)([[[0, 1], [1, 2]]]).numpy().tolist() == [[[1, 1, 0], [0, 1, 1]]]
    with pytest.raises(ArgumentError, match="from 0 on"):
        CategoryEncoding(3)([[-1, 0]])
    with pytest.raises(ArgumentError, match="not used"):
        CategoryEncoding(3)([[1, 0]], count_weights=[[1.0, 1.0]])


def test_count_weights_in_a_drawn_model() -> None:
    ids, weights = keras.Input((2,), dtype="int64"), keras.Input((2,))
    model = keras.Model([ids, weights], CategoryEncoding(3, "count")(ids, count_weights=weights))
    assert model.output_shape == (None, 3)
    found = model.predict([np.array([[0, 2]]), np.array([[0.5, 0.25]])], verbose=0)
    assert found.tolist() == [[0.5, 0, 0.25]]
