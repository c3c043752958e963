"""Tensors of texts, and symbols for them."""

from __future__ import annotations

import numpy as np
import pytest

import neurona as keras
from neurona import ops
from neurona.datasets.texts import Texts
from neurona.errors import ArgumentError, DTypeError, ShapeError
from neurona.symbolic import KerasTensor, dtype_name
from neurona.tensor import Tensor, as_array


def test_texts_stay_as_they_are() -> None:
    texts = [["a\x00", "é"], ["\ud800", ""]]
    tensor = Tensor(texts)
    assert tensor.tolist() == texts
    assert tensor.shape == (2, 2)
    assert repr(Tensor(["a", "b"])) == "Tensor(['a', 'b'], dtype=string)"
    assert Tensor("one").item() == "one"
    assert as_array(Texts.of(["a", "b"])).tolist() == ["a", "b"]
    assert as_array([b"a", b"b"]).tolist() == [b"a", b"b"]
    assert as_array(np.array(["a"])).dtype.kind == "U"


def test_a_long_text_costs_its_own_length() -> None:
    """NumPy's own arrays of texts would give each of a thousand the room of the longest."""
    assert as_array(["x" * 10_000_000, *["y"] * 1000]).nbytes < 20_000


def test_shapes_change_and_gather() -> None:
    tensor = Tensor(["a", "b", "c"])
    assert ops.expand_dims(tensor, -1).shape == (3, 1)
    assert tensor[1:].tolist() == ["b", "c"]
    assert ops.concatenate([tensor, tensor]).shape == (6,)
    assert ops.convert_to_tensor(["a"]).tolist() == ["a"]


@pytest.mark.parametrize(
    ("value", "error"),
    [(["a", 1.0], DTypeError), ([1.0, "a"], DTypeError), ([["a"], ["b", "c"]], ShapeError), (["a", ["b"]], ShapeError),
     ([["a"], "b"], ShapeError), ([{}, "a"], DTypeError)],
)  # fmt: skip
def test_mixtures_are_refused(value: object, error: type[Exception]) -> None:
    with pytest.raises(error):
        Tensor(value)


def test_symbols_of_texts() -> None:
    symbol = KerasTensor((None, 2), "string")
    assert symbol.dtype == "string"
    assert ops.expand_dims(symbol, -1).dtype == "string"
    assert ops.expand_dims(symbol, -1).shape == (None, 2, 1)
    assert dtype_name(np.dtype("S3")) == dtype_name(object) == "string"
    assert KerasTensor((3,), "int64").dtype == "int64"


@pytest.mark.parametrize("text", ["0loat32", "2f4", "f4,i4", "(2,)f4", "", "f4 ", "float32\n"])
def test_types_of_several_fields_are_no_types(text: str) -> None:
    with pytest.raises(TypeError, match="not understood"):
        dtype_name(text)
    with pytest.raises(ArgumentError):
        keras.layers.Dense(1, dtype=text)


@pytest.mark.parametrize("text", ["f4", "<f4", "bool", "?", "int8", "bfloat"])
def test_names_of_types_are_numpys(text: str) -> None:
    try:
        wanted = np.dtype(text).name
    except TypeError:
        with pytest.raises(TypeError, match="not understood"):
            dtype_name(text)
    else:
        assert dtype_name(text) == wanted
