"""TextVectorization: from texts to numbers, by hand and against plain loops; any text has a result, in linear time."""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import neurona as keras
from neurona.datasets.texts import Texts
from neurona.errors import ArgumentError, DTypeError, NotBuiltError, ShapeError, UnsafeFileError
from neurona.layers import TextVectorization
from neurona.symbolic import KerasTensor

TALK = ["The cat sat.", "The dog, the dog!", "cat"]


def adapted(**settings: Any) -> Any:
    layer = TextVectorization(**settings)
    layer.adapt(TALK)
    return layer


def test_words_by_hand() -> None:
    layer = adapted()
    assert layer.get_vocabulary() == ["", "[UNK]", "the", "dog", "cat", "sat"]
    assert layer.get_vocabulary(include_special_tokens=False) == ["the", "dog", "cat", "sat"]
    assert layer.vocabulary_size() == 6
    assert layer(["A dog sat", "", "the-cat THE"]).numpy().tolist() == [[1, 3, 5], [0, 0, 0], [1, 2, 0]]


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({}, ["it", "dont", "matter"]),
        ({"standardize": "lower"}, ["it,", "don't", "matter!"]),
        ({"standardize": "strip_punctuation"}, ["It", "dont", "MATTER"]),
        ({"standardize": None}, ["It,", "don't", "MATTER!"]),
        ({"standardize": None, "ngrams": 2}, ["It,", "don't", "MATTER!", "It, don't", "don't MATTER!"]),
        ({"standardize": None, "ngrams": (3, 2)}, ["It, don't MATTER!", "It, don't", "don't MATTER!"]),
        ({"standardize": None, "split": None}, ["It, don't\tMATTER!"]),
    ],
)
def test_standardize_split_and_ngrams(settings: dict[str, Any], words: list[str]) -> None:
    layer = TextVectorization(vocabulary=words, **settings)
    found = layer([["It, don't\tMATTER!"]]).numpy()
    assert found.tolist() == [list(range(2, 2 + len(words)))]


def test_only_ascii_letters_are_lowered_and_ascii_blanks_split_as_in_keras() -> None:
    layer = TextVectorization()
    layer.adapt(["ÁRBOL Árbol a\u00a0b \x0c¿qué?"])
    assert sorted(layer.get_vocabulary(False)) == ["a\u00a0b", "¿qué", "Árbol"]


def test_vectors_of_every_mode() -> None:
    words = ["the", "dog", "cat"]
    texts = ["the dog the", "a cat"]
    count = TextVectorization(vocabulary=words, output_mode="count")(texts)
    assert count.numpy().tolist() == [[0, 2, 1, 0], [1, 0, 0, 1]]
    hot = TextVectorization(vocabulary=words, output_mode="multi_hot")(texts)
    assert hot.numpy().tolist() == [[0, 1, 1, 0], [1, 0, 0, 1]]
    padded = TextVectorization(vocabulary=words, output_mode="count", max_tokens=6, pad_to_max_tokens=True)(texts)
    assert padded.numpy().tolist() == [[0, 2, 1, 0, 0, 0], [1, 0, 0, 1, 0, 0]]
    weighted = TextVectorization(vocabulary=words, output_mode="tf_idf", idf_weights=[1.0, 2.0, 6.0])(texts)
    assert weighted.numpy().tolist() == [[0, 2, 2, 0], [3, 0, 0, 6]]


def test_weights_of_documents_by_hand() -> None:
    layer = TextVectorization(output_mode="tf_idf")
    layer.adapt(["a b", "b b c"])
    assert layer.get_vocabulary() == ["[UNK]", "b", "c", "a"]
    rare, common = np.log(1 + 2 / 2), np.log(1 + 2 / 3)
    mean = (common + 2 * rare) / 3
    np.testing.assert_allclose(layer(["a b b z"]).numpy(), [[mean, 2 * common, 0, rare]], rtol=1e-6)


@pytest.mark.parametrize("split", [None, "whitespace"])
def test_what_can_be_adapted_on_gives_the_same_vocabulary(split: str | None) -> None:
    def by_text() -> Iterator[str]:
        yield from TALK

    def by_batch() -> Iterator[Any]:
        yield np.array(TALK[:2])[:, None]
        yield [[TALK[2]]]

    expected = TextVectorization(split=split)
    expected.adapt(TALK)
    given = (np.array(TALK), np.array(TALK, object)[:, None], [t.encode() for t in TALK], Texts.of(TALK), by_text(),
             by_batch(), keras.Tensor(TALK), tuple(TALK))  # fmt: skip
    for data in given:
        layer = TextVectorization(split=split)
        layer.adapt(data)
        assert layer.get_vocabulary() == expected.get_vocabulary(), type(data)
    layer = TextVectorization(split=split)
    layer.adapt(by_text(), steps=1)
    assert set(layer.get_vocabulary()) < set(expected.get_vocabulary())


def test_texts_may_come_in_any_form() -> None:
    layer = adapted(output_sequence_length=2)
    expected = layer(["the dog", "cat"]).numpy()
    for form in (np.array(["the dog", "cat"]), np.array([b"the dog", b"cat"]), [["the dog"], ["cat"]],
                 np.array(["the dog", "cat"], object)[:, None], Texts.of(["the dog", "cat"])):  # fmt: skip
        np.testing.assert_array_equal(layer(form).numpy(), expected)
    assert layer("the dog").numpy().tolist() == expected[0].tolist()
    assert layer([]).shape == (0, 2)
    assert layer([[["the dog"], ["cat"]]]).shape == (1, 2, 2)
    latin = TextVectorization(vocabulary=["año"], encoding="latin-1")
    assert latin(["año".encode("latin-1")]).numpy().tolist() == [[2]]


def test_functions_of_the_user() -> None:
    layer = TextVectorization(
        standardize=lambda texts: np.char.replace(np.char.lower(texts), "e", "3"),
        split=lambda texts: [text.split("-") for text in texts],
    )
    layer.adapt(["He-Se", "he"])
    assert layer.get_vocabulary() == ["", "[UNK]", "h3", "s3"]
    assert layer([["SE-x"], ["HE"]]).numpy().tolist() == [[3, 1], [2, 0]]
    assert layer.update_state([["a"]]) is None
    with pytest.raises(ShapeError, match="a text for each"):
        TextVectorization(standardize=lambda texts: texts[:1]).adapt(["a", "b"])
    with pytest.raises(ShapeError, match="a list of words for each"):
        TextVectorization(split=lambda texts: [["a"]]).adapt(["a", "b"])
    with pytest.raises(DTypeError, match="lists of words"):
        TextVectorization(split=lambda texts: ["a"] * len(texts)).adapt(["a", "b"])


def test_registered_functions_go_into_the_configuration() -> None:
    @keras.saving.register_keras_serializable("reviewed")
    def spaced(texts: Any) -> Any:
        return np.char.replace(texts, "_", " ")

    layer = TextVectorization(standardize=spaced, vocabulary=["a", "b"])
    again = keras.layers.deserialize(keras.layers.serialize(layer))
    assert again._standardize is spaced
    assert again(["b_a"]).numpy().tolist() == [[3, 2]]


def test_long_texts_come_to_a_function_apart() -> None:
    sizes = []

    def seen(texts: Any) -> Any:
        sizes.append(texts.nbytes)
        return texts

    TextVectorization(standardize=seen).adapt(["a" * (1 << 22), *["b"] * 1000])
    assert sum(sizes) < 1 << 26, "each of a thousand short texts would have had the room of the long one"


@given(st.lists(st.text(max_size=30), max_size=6), st.sampled_from([None, 0, 3]), st.sampled_from([None, 1, 2, (2,)]))
@settings(max_examples=40, deadline=None)
def test_any_text_equals_a_plain_loop(texts: list[str], length: int | None, ngrams: Any) -> None:
    layer = TextVectorization(output_sequence_length=length, ngrams=ngrams)
    layer.adapt(texts)
    widths = (1,) if ngrams is None else tuple(range(1, ngrams + 1)) if isinstance(ngrams, int) else ngrams

    def words(text: str) -> list[str]:
        lowered = re.sub("[A-Z]", lambda m: m[0].lower(), text)
        plain = re.sub(r"""[!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~]""", "", lowered)
        single = [w for w in re.split("[ \t\n\r\x0b\x0c]", plain) if w]
        return [" ".join(single[i : i + n]) for n in widths for i in range(len(single) - n + 1)]

    counts = Counter(w for text in texts for w in words(text) if w != "[UNK]")
    if not counts:  # nothing to learn from
        assert layer.get_vocabulary() == ["", "[UNK]"]
        return
    # of equally frequent words the last in the order of their letters' numbers comes first
    expected = [
        "",
        "[UNK]",
        *sorted(counts, key=lambda w: (counts[w], w.encode("utf-8", "surrogatepass")), reverse=True),
    ]
    assert layer.get_vocabulary() == expected
    rows = [[expected.index(w) if w in counts else 1 for w in words(text)] for text in texts]
    width = max(map(len, rows), default=0) if length is None else length
    found = layer(texts).numpy() if texts else np.zeros((0, width))
    assert found.tolist() == [(row + [0] * width)[:width] for row in rows]


def test_bad_texts_have_a_result() -> None:
    strange = ["", "\x00", "a\x00", "\ud800 \udfff", "שלום עולם", "\u202eabc", "日本語", "👩\u200d👩\u200d👧 é e\u0301"]
    layer = TextVectorization()
    layer.adapt([*strange, b"\xff\xfe a"])
    vocabulary = layer.get_vocabulary()
    found = {"\x00", "a\x00", "\ud800", "שלום", "\u202eabc", "日本語", "👩\u200d👩\u200d👧", "\ufffd\ufffd"}
    assert found < set(vocabulary)
    assert [vocabulary[i] for i in layer(["\udfff a\x00"]).numpy()[0]] == ["\udfff", "a\x00"]
    letters = TextVectorization(split="character", standardize=None)
    letters.adapt(strange)
    assert {"\ud800", "\x00", "👩", "\u200d", "\u0301", " "} < set(letters.get_vocabulary())


def test_the_time_is_linear_in_the_text() -> None:
    long = "abcdefghij" * 1_000_000
    started = time.process_time()
    for layer in (adapted(output_sequence_length=5), adapted(output_mode="count"), adapted(ngrams=2)):
        assert layer([long, "the cat"]).shape[0] == 2
    TextVectorization().adapt([long])
    assert adapted(output_mode="count")(["the " * 500_000]).numpy()[0, 1] == 500_000
    assert time.process_time() - started < 5


def test_symbols_and_shapes() -> None:
    for symbol in (KerasTensor((None, 1), "string"), KerasTensor((None,), "string")):
        assert adapted()(symbol).shape == (None, None)
        out = adapted(output_sequence_length=7)(symbol)
        assert (out.shape, out.dtype) == ((None, 7), "int64")
        out = adapted(output_mode="tf_idf")(symbol)
        assert (out.shape, out.dtype) == ((None, 5), "float32")
    assert adapted(split=None)(KerasTensor((None, 3), "string")).shape == (None, 3)


ERRORS = [
    ({"standardize": "upper"}, "Unknown value for `standardize`"),
    ({"split": "word"}, "Unknown value for `split`"),
    ({"output_mode": "ints"}, "Unknown value for `output_mode`"),
    ({"ngrams": [1, 2]}, "tuple of integers"),
    ({"output_sequence_length": 2.5}, "None or an integer"),
    ({"output_mode": "count", "output_sequence_length": 2}, "must not be set"),
    ({"sparse": True}, "dense tensors only"),
    ({"ragged": True}, "dense tensors only"),
    ({"max_tokens": 1}, "greater than 1"),
    ({"pad_to_max_tokens": True}, "must set `max_tokens`"),
    ({"vocabulary": ["a", "b", "a"]}, "repeated"),
    ({"vocabulary": ["a", ""]}, "mask token"),
    ({"vocabulary": []}, "empty vocabulary"),
    ({"vocabulary": ["a"], "output_mode": "tf_idf"}, "idf_weights"),
    ({"vocabulary": ["a", "b"], "max_tokens": 3}, "larger than the maximum"),
    ({"vocabulary": "/no/such/file"}, "does not exist"),
]


@pytest.mark.parametrize(("settings", "words"), ERRORS)
def test_settings_that_cannot_be_meant(settings: dict[str, Any], words: str) -> None:
    with pytest.raises(ArgumentError, match=words):
        TextVectorization(**settings)


def test_calls_that_cannot_be_meant() -> None:
    with pytest.raises(NotBuiltError, match="adapt"):
        TextVectorization()(["a"])
    with pytest.raises(ShapeError, match="rank must be 1"):
        adapted()([["a", "b"]])
    with pytest.raises(DTypeError, match="Expected texts"):
        adapted()([1, 2])
    with pytest.raises(DTypeError, match="into a list"):
        TextVectorization().adapt("one text")
    with pytest.raises(DTypeError, match="lambda x, y: x"):
        TextVectorization().adapt(iter([(np.array(["a"]), np.array([1]))]))
    with pytest.raises(ArgumentError, match="Cannot adapt"):
        TextVectorization(vocabulary=["a"]).adapt(["b"])
    with pytest.raises(UnsafeFileError, match="never opened"):
        TextVectorization.from_config({"vocabulary": "/etc/hostname"})


def test_a_vocabulary_from_a_file_the_user_names(tmp_path: Any) -> None:
    path = tmp_path / "words.txt"
    path.write_bytes("cat\ndog\naño\n".encode())
    layer = TextVectorization(vocabulary=str(path))
    assert layer.get_vocabulary() == ["", "[UNK]", "cat", "dog", "año"]
    assert layer.get_config()["vocabulary"] is None, "the words go into the model's file, the path nowhere"
    path.write_bytes(b"cat\n\ndog")
    with pytest.raises(ArgumentError, match="empty line: line 2"):
        TextVectorization(vocabulary=path)
    path.write_bytes(b"\xff")
    with pytest.raises(ArgumentError, match="UTF-8"):
        TextVectorization(vocabulary=path)


def test_a_longest_run_without_measure_costs_nothing() -> None:
    layer = TextVectorization(
        ngrams=10**15, split=None, standardize=None, vocabulary=["a", "b", "a b"], output_sequence_length=6
    )
    assert layer(np.array([["a", "b", "c"]])).numpy().tolist() == [[2, 3, 1, 4, 1, 1]]
    assert layer._count_runs(3) == 6
    free = TextVectorization(ngrams=10**15, split=None, standardize=None, vocabulary=["a"])
    assert free.compute_output_shape((None, 10**12)) == (None, 10**12 * (10**12 + 1) // 2)
