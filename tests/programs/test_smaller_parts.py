"""The smaller parts of tensorflow that programs touch: tables, masks, branches, types, and what datasets do."""

from __future__ import annotations

import numpy as np
import pytest

from neurona import layers, models
from neurona.errors import ArgumentError
from neurona.programs import older
from neurona.programs.tf import image_parts, lookup, nn, stepwise
from neurona.programs.tf.arrays import constant
from neurona.programs.tf.data import Dataset
from neurona.programs.tf.types import DType, float32, int8
from neurona.tape import Tape


def test_tables_answer_texts_and_numbers() -> None:
    table = lookup.StaticHashTable(lookup.KeyValueTensorInitializer([1, 2], ["one", "two"]), default_value="?")
    assert table.lookup(constant([2, 5])).tolist() == ["two", "?"]
    assert table.size().item() == 2
    back = lookup.StaticHashTable(lookup.KeyValueTensorInitializer(["one", "two"], [1, 2], value_dtype="int64"), -1)
    assert back[constant(["two", "three"])].numpy().dtype == "int64"


def test_masks_of_lengths() -> None:
    assert stepwise.sequence_mask([[0], [2]], maxlen=2, dtype="int32").tolist() == [[[0, 0]], [[1, 1]]]


def test_a_tensor_array_carries_gradients() -> None:
    x = constant([1.0, 2.0])
    with Tape() as tape:
        tape.watch(x)
        rows = stepwise.TensorArray("float32", size=0, dynamic_size=True)
        for i in range(2):
            rows = rows.write(i, x * (i + 1))
        y = rows.stack()
    assert y.shape == (2, 2) and tape.gradient(y, x).tolist() == [3.0, 3.0]
    assert rows.size().item() == 2 and rows.concat().shape == (4,)
    with pytest.raises(ArgumentError, match="nothing was written"):
        rows.read(7)


def test_branches_and_folds() -> None:
    assert stepwise.case([(False, lambda: 1), (True, lambda: 2)]) == 2
    assert [stepwise.switch_case(i, [lambda: "a", lambda: "b"]) for i in (0, 1, 9)] == ["a", "b", "b"]
    with pytest.raises(ArgumentError, match="no condition holds"):
        stepwise.case([(False, lambda: 1)])
    minus = lambda a, b: a - b  # noqa: E731 - as programs write it
    assert [f(minus, [1.0, 2.0, 3.0]).item() for f in (stepwise.foldl, stepwise.foldr)] == [-4.0, 0.0]
    with pytest.raises(ArgumentError, match="Assert failed"):
        stepwise.Assert(False, ["why"])


def test_strided_slices() -> None:
    x = np.arange(24).reshape(2, 3, 4)
    cut = stepwise.strided_slice(x, [0, 1, 0], [1, 3, 4], [1, 1, 2], end_mask=0b100)
    np.testing.assert_array_equal(cut.numpy(), x[0:1, 1:3, ::2])
    picked = stepwise.strided_slice(x, [1, 0], [2, 2], shrink_axis_mask=1)
    np.testing.assert_array_equal(picked.numpy(), x[1, 0:2])


def test_what_datasets_do() -> None:
    numbers = Dataset.from_tensor_slices([1, 2, 3, 2, 5])
    assert [n.item() for n in numbers.shard(2, 1)] == [2, 2]
    assert [n.item() for n in numbers.scan(0, lambda state, n: (state + n, state + n))] == [1, 3, 6, 8, 13]
    assert [n.item() for n in numbers.take_while(lambda n: n < 3)] == [1, 2]
    assert [n.item() for n in numbers.unique()] == [1, 2, 3, 5]


def test_types_know_their_limits() -> None:
    assert (int8.min, int8.max, int8.size, int8.is_integer) == (-128, 127, 1, True)
    assert float32.is_floating and float32.as_numpy_dtype is np.float32 and float32 == "float32"
    assert np.zeros(2, float32).dtype == float32 and hash(DType("int8")) == hash(int8) and float32.name == "float32"


def test_patches_stand_in_tensorflows_order() -> None:
    x = np.arange(2 * 4 * 4 * 3, dtype="float32").reshape(2, 4, 4, 3)
    found = image_parts.extract_patches(x, [1, 2, 2, 1], [1, 2, 2, 1], [1, 1, 1, 1], "VALID").numpy()
    np.testing.assert_array_equal(found[1, 0, 1], x[1, 0:2, 2:4].reshape(-1))


def test_pictures_keep_their_proportions_and_colours() -> None:
    tall = image_parts.resize_with_pad(np.ones((4, 2, 3), "float32"), 4, 6).numpy()
    assert tall.shape == (4, 6, 3) and tall[:, 2:4].min() == 1 and tall[:, :2].max() == 0
    red = np.array([[[1.0, 0.0, 0.0]]], "float32")
    np.testing.assert_allclose(image_parts.adjust_hue(red, 1 / 3).numpy(), [[[0, 1, 0]]], atol=1e-5)
    np.testing.assert_allclose(image_parts.adjust_gamma(red / 2, 2).numpy(), red / 4, atol=1e-6)


def test_edges_and_differences() -> None:
    ramp = np.broadcast_to(np.arange(5, dtype="float32")[None, :, None, None], (1, 5, 5, 1))
    edges = image_parts.sobel_edges(ramp).numpy()
    assert edges[0, 2, 2, 0].tolist() == [8.0, 0.0]
    down, right = image_parts.image_gradients(ramp)
    assert down.numpy()[0, :, 0, 0].tolist() == [1, 1, 1, 1, 0] and not right.numpy().any()


def test_weighted_losses() -> None:
    loss = nn.weighted_cross_entropy_with_logits([1.0, 0.0], [2.0, 2.0], 3.0)
    np.testing.assert_allclose(loss.numpy(), [3 * np.log1p(np.exp(-2.0)), np.log1p(np.exp(2.0))], rtol=1e-6)
    assert nn.compute_average_loss([1.0, 2.0], global_batch_size=6).item() == pytest.approx(0.5)
    assert nn.zero_fraction([0.0, 1.0, 0.0, 0.0]).item() == 0.75


def test_models_have_their_older_methods_while_programs_are_answered() -> None:
    older.give()
    try:
        model = models.Sequential([layers.Input((2,)), layers.Dense(3, activation="softmax")])
        model.compile("sgd", "sparse_categorical_crossentropy")
        batches = [(np.ones((2, 2)), np.array([0, 1]))] * 3
        history = model.fit_generator(iter(batches), 3, 1, 0, workers=4)
        assert len(history.history["loss"]) == 1
        assert model.evaluate_generator(iter(batches), 2, verbose=0) > 0
        shares = model.predict_proba(np.ones((2, 2)))
        assert model.predict_classes(np.ones((2, 2))).tolist() == shares.argmax(-1).tolist()
        assert model.predict_generator(iter([np.ones((2, 2))]), 1, verbose=0).shape == (2, 3)
    finally:
        older.take_away()
    assert not hasattr(model, "fit_generator")
