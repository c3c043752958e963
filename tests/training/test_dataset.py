"""A `Dataset`: every step against what Python's own lists give, passes that repeat, and training from it."""

from __future__ import annotations

import threading
import time
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import neurona as keras
from neurona.errors import ArgumentError, DTypeError
from neurona.training.dataset import AUTOTUNE, Dataset
from neurona.utils import Dataset as Exported


def values(dataset: Dataset) -> list[Any]:
    return [np.asarray(element).tolist() for element in dataset]


@given(st.integers(0, 9), st.integers(-1, 5), st.integers(-1, 5), st.integers(1, 4), st.booleans())
def test_steps_are_those_of_lists(count: int, skip: int, take: int, size: int, drop: bool) -> None:
    whole = list(range(count))
    assert values(Dataset.range(count)) == whole and len(Dataset.range(count)) == count
    assert values(Dataset.range(count).skip(skip)) == (whole[skip:] if skip >= 0 else [])
    assert values(Dataset.range(count).take(take)) == (whole[:take] if take >= 0 else whole)
    batches = [whole[k : k + size] for k in range(0, count, size)]
    batches = [batch for batch in batches if len(batch) == size or not drop]
    batched = Dataset.range(count).batch(size, drop_remainder=drop)
    assert values(batched) == batches and len(batched) == len(batches)
    assert values(batched.unbatch()) == [n for batch in batches for n in batch]
    assert values(Dataset.range(count).concatenate(Dataset.range(2))) == [*whole, 0, 1]
    assert values(Dataset.range(count).filter(lambda n: n % 2 == 0)) == whole[::2]
    assert [(int(k), int(n)) for k, n in Dataset.range(count).enumerate(3)] == list(enumerate(whole, 3))
    assert [(int(a), int(b)) for a, b in Dataset.zip(Dataset.range(count), Dataset.range(3))] == [
        (n, n) for n in whole[:3]
    ]
    assert values(Dataset.range(count).repeat(3)) == whole * 3 and len(Dataset.range(count).repeat(3)) == 3 * count
    assert values(Dataset.range(count).prefetch(AUTOTUNE)) == whole


def test_structures_texts_and_tensors() -> None:
    dataset = Dataset.from_tensor_slices({"a": [[1, 2], [3, 4]], "b": ["x", "long text"]})
    (batch,) = dataset.batch(5)
    assert batch["a"].tolist() == [[1, 2], [3, 4]]
    assert batch["b"].shape == (2,) and batch["b"].numpy().tolist() == ["x", "long text"]
    mapped = Dataset.from_tensor_slices(([1.0, 2.0], [0, 1])).map(lambda x, y: (keras.ops.exp(x), [y, y]))
    assert [(type(x), y.tolist()) for x, y in mapped] == [(keras.Tensor, [0, 0]), (keras.Tensor, [1, 1])]
    assert [(type(x), y.tolist()) for x, y in mapped.as_numpy_iterator()] == [
        (np.ndarray, [0, 0]),
        (np.ndarray, [1, 1]),
    ]
    assert [x.tolist() for x in Dataset.from_tensors([1, 2])] == [[1, 2]]
    assert [x.tolist() for x in Dataset.from_generator(lambda: ([n, n] for n in range(2)))] == [[0, 0], [1, 1]]
    texts = keras.datasets.Texts.of(["one", "two"])
    assert [text.item() for text in Dataset.from_tensor_slices(texts)] == ["one", "two"]
    none = Dataset.from_tensor_slices((np.arange(2), None)).batch(2)
    assert [(x.tolist(), y) for x, y in none] == [([0, 1], None)]


def test_shuffle_mixes_within_its_buffer_and_can_be_repeated() -> None:
    mixed = Dataset.range(50).shuffle(8, seed=1)
    first, second = values(mixed), values(mixed)
    assert sorted(first) == sorted(second) == list(range(50)) and first != second
    assert all(value - place < 8 for place, value in enumerate(first))
    again = Dataset.range(50).shuffle(8, seed=1)
    assert [values(again), values(again)] == [first, second]
    assert [int(n) for n in mixed.elements(0)] == first and [int(n) for n in mixed.elements(1)] == second
    fixed = Dataset.range(50).shuffle(8, seed=1, reshuffle_each_iteration=False)
    assert values(fixed) == values(fixed) == first
    assert values(mixed.repeat(2))[50:] != values(mixed.repeat(2))[:50]
    np.random.seed(3)
    drawn = values(Dataset.range(20).shuffle(20))
    np.random.seed(3)
    assert values(Dataset.range(20).shuffle(20)) == drawn != list(range(20))


def test_every_place_is_as_likely() -> None:
    first = [int(next(Dataset.range(4).shuffle(4, seed=seed).elements())) for seed in range(400)]
    assert np.bincount(first, minlength=4).min() > 70


def test_cache_makes_elements_once_and_only_of_whole_passes() -> None:
    made: list[int] = []

    def count(n: Any) -> Any:
        made.append(int(n))
        return n

    kept = Dataset.range(3).map(count).cache()
    assert values(kept.take(2)) == [0, 1] and made == [0, 1]
    assert values(kept) == values(kept) == [0, 1, 2] and made == [0, 1, 0, 1, 2]


def test_lengths() -> None:
    unknown, endless = Dataset.range(3).filter(lambda n: n > 0), Dataset.range(3).repeat()
    assert (unknown.cardinality(), endless.cardinality(), Dataset.range(3).cardinality()) == (-2, -1, 3)
    with pytest.raises(DTypeError, match="unknown"):
        len(unknown)
    with pytest.raises(TypeError, match="infinite"):
        len(endless)
    assert len(endless.take(7)) == 7 and values(endless.take(7)) == [0, 1, 2, 0, 1, 2, 0]
    assert endless.batch(2).cardinality() == -1 and values(Dataset.range(0).repeat()) == []
    assert len(Dataset.range(5).repeat(0)) == 0 == len(values(Dataset.range(5).repeat(0)))
    assert bool(unknown) and repr(Dataset.range(3)) == "<Dataset: 3 elements>"


def test_prefetch_passes_errors_on_and_leaves_no_thread() -> None:
    before = threading.active_count()

    def fail(n: Any) -> Any:
        if n == 2:
            raise ZeroDivisionError("two")
        return n

    seen: list[int] = []
    with pytest.raises(ZeroDivisionError, match="two"):
        seen.extend(int(n) for n in Dataset.range(5).map(fail).prefetch(1))
    assert seen == [0, 1]
    passing = iter(Dataset.range(1000).prefetch(2))
    assert int(next(passing)) == 0
    passing.close()  # type: ignore[attr-defined]
    assert Dataset.range(3).prefetch(0) is not None
    deadline = time.monotonic() + 5
    while threading.active_count() > before and time.monotonic() < deadline:
        time.sleep(0.01)
    assert threading.active_count() == before


def test_names_of_the_source_are_kept() -> None:
    dataset = Dataset.range(3)
    dataset.class_names = ["a", "b"]
    assert dataset.map(lambda n: n).batch(2).repeat(2).cache().prefetch(1).class_names == ["a", "b"]


def test_impossible_arguments() -> None:
    for wrong in (0, -1, 1.5, True):
        with pytest.raises(ArgumentError, match="batch_size"):
            Dataset.range(3).batch(wrong)  # type: ignore[arg-type]
        with pytest.raises(ArgumentError, match="buffer_size"):
            Dataset.range(3).shuffle(wrong)  # type: ignore[arg-type]
    with pytest.raises(ArgumentError, match="one length"):
        Dataset.from_tensor_slices(([1, 2], [1]))
    with pytest.raises(ArgumentError, match="one length"):
        Dataset.from_tensor_slices(3)
    with pytest.raises(ArgumentError, match="different shapes"):
        list(Dataset.from_generator(lambda: iter([[1], [1, 2]])).batch(2))
    with pytest.raises(ArgumentError, match="in memory only"):
        Dataset.range(3).cache("file")
    with pytest.raises(DTypeError, match="expects a function"):
        Dataset.from_generator([1])  # type: ignore[arg-type]


# -- training from it ------------------------------------------------------------------------------------------


@pytest.fixture
def line() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    x = rng.standard_normal((64, 3)).astype("float32")
    return x, (x @ np.array([[1.0], [2.0], [-1.0]])).astype("float32")


def model() -> Any:
    keras.utils.set_random_seed(1)
    made = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
    made.compile("sgd", "mse")
    return made


def test_fit_evaluate_predict(line: tuple[np.ndarray, np.ndarray]) -> None:
    x, y = line
    plain, fed = model(), model()
    batches = Dataset.from_tensor_slices((x, y)).batch(16)
    for one, data in ((plain, (x, y)), (fed, (batches,))):
        one.fit(*data, epochs=3, verbose=0, shuffle=False, **({"batch_size": 16} if len(data) == 2 else {}))
    assert np.array_equal(plain.get_weights()[0], fed.get_weights()[0])
    assert fed.evaluate(batches, verbose=0) == pytest.approx(plain.evaluate(x, y, verbose=0), rel=1e-5)
    assert np.allclose(fed.predict(batches.map(lambda x, _y: x), verbose=0), plain.predict(x, verbose=0))
    endless = model()
    history = endless.fit(batches.shuffle(4, seed=0).repeat(), steps_per_epoch=4, epochs=2, verbose=0)
    assert len(history.history["loss"]) == 2
    validated = model().fit(batches, validation_data=batches.take(2), verbose=0)
    assert "val_loss" in validated.history


def test_layers_adapt_to_it(line: tuple[np.ndarray, np.ndarray]) -> None:
    x, _y = line
    layer, fed = keras.layers.Normalization(), keras.layers.Normalization()
    layer.adapt(x)
    fed.adapt(Exported.from_tensor_slices(x).batch(10))
    assert np.allclose(np.asarray(layer(x)), np.asarray(fed(x)), atol=1e-5)


def test_taking_from_mixed_data_twice_goes_over_it_twice() -> None:
    data = Dataset.range(100).shuffle(100, seed=3)
    first, second = ([int(x) for x in data.take(5)] for _ in range(2))
    assert first != second
    again = Dataset.range(100).shuffle(100, seed=3)
    assert [int(x) for x in again.take(5)] == first
