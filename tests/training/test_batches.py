"""Batches: every kind of data gives the same batches, in an order that can be repeated."""

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import neurona
from neurona import config
from neurona.errors import ArgumentError, DTypeError, ShapeError
from neurona.tensor import Tensor
from neurona.training.batches import PyDataset, make_batches, split_validation
from neurona.training.data_arrays import class_weights


def copies(batches, epoch=0, first=0):
    """The batches of an epoch as arrays that stay."""

    def keep(part):
        if isinstance(part, dict):
            return {k: keep(v) for k, v in part.items()}
        if isinstance(part, (list, tuple)):
            return type(part)(keep(v) for v in part)
        return None if part is None else np.array(part)

    return [tuple(keep(part) for part in batch) for batch in batches.epoch(epoch, first)]


def data(n=10, d=3, dtype="float32"):
    x = np.arange(n * d).reshape(n, d).astype(dtype)
    return x, np.arange(n)


def test_in_order_without_shuffling():
    x, y = data()
    batches = make_batches(x, y, batch_size=4)
    found = copies(batches)
    assert batches.num_batches == 3
    assert batches.batch_size == 4
    assert [len(b[0]) for b in found] == [4, 4, 2]
    np.testing.assert_array_equal(np.concatenate([b[0] for b in found]), x)
    np.testing.assert_array_equal(np.concatenate([b[1] for b in found]), y)
    assert all(b[2] is None for b in found)


def test_thirty_two_by_default_and_what_steps_ask_for():
    x, _ = data(100)
    assert make_batches(x).batch_size == 32
    assert make_batches(x, steps=5).batch_size == 20


@given(
    n=st.integers(1, 40), size=st.integers(1, 12), shuffle=st.sampled_from([True, False, "batch"]),
    kind=st.sampled_from(["float32", "float64", "uint8", "int32", ">f4"]), layout=st.sampled_from("CFS"),
)  # fmt: skip
@settings(deadline=None, max_examples=60)
def test_an_epoch_holds_each_sample_once_with_its_target(n, size, shuffle, kind, layout):
    x = np.arange(n * 4).reshape(n, 2, 2).astype(kind)
    y = x[:, 0, 0].astype("int64")
    if layout == "F":
        x = np.asfortranarray(x)
    elif layout == "S":
        x = np.repeat(x, 2, axis=2)[:, :, ::2]
    found = copies(make_batches(x, y, batch_size=size, shuffle=shuffle, seed=5))
    assert [len(b[0]) for b in found] == [min(size, n - i) for i in range(0, n, size)]
    xs, ys = np.concatenate([b[0] for b in found]), np.concatenate([b[1] for b in found])
    assert xs.dtype == ("int32" if kind == "int32" else "float32")
    np.testing.assert_array_equal(xs[:, 0, 0], ys)
    order = np.argsort(ys)
    np.testing.assert_array_equal(xs[order], x)


def test_shuffling_follows_from_seed_and_epoch():
    x, _ = data(50, 1)
    batches = make_batches(x, batch_size=8, shuffle=True, seed=3)
    again = make_batches(x, batch_size=8, shuffle=True, seed=3)
    other = make_batches(x, batch_size=8, shuffle=True, seed=4)
    first = np.concatenate([b[0] for b in copies(batches, 0)])
    second = np.concatenate([b[0] for b in copies(batches, 1)])
    assert not np.array_equal(first, x)
    assert not np.array_equal(first, second)
    np.testing.assert_array_equal(first, np.concatenate([b[0] for b in copies(again, 0)]))
    assert not np.array_equal(first, np.concatenate([b[0] for b in copies(other, 0)]))


def test_the_seed_is_numpys_when_none_is_given():
    x, _ = data(50, 1)
    np.random.seed(1)
    one = make_batches(x, shuffle=True).seed
    np.random.seed(1)
    assert make_batches(x, shuffle=True).seed == one


@pytest.mark.parametrize("shuffle", [True, False, "batch"])
def test_an_interrupted_epoch_goes_on_at_the_next_batch(shuffle):
    x, y = data(29)
    whole = copies(make_batches(x, y, batch_size=4, shuffle=shuffle, seed=9), epoch=2)
    resumed = make_batches(x, y, batch_size=4, shuffle=shuffle)
    resumed.seed = 9
    rest = copies(resumed, epoch=2, first=3)
    assert len(rest) == len(whole) - 3
    for a, b in zip(rest, whole[3:], strict=True):
        np.testing.assert_array_equal(a[0], b[0])
        np.testing.assert_array_equal(a[1], b[1])


def test_shuffling_blocks_keeps_neighbours_together():
    x, _ = data(10, 1)
    found = [b[0][:, 0].tolist() for b in copies(make_batches(x, batch_size=4, shuffle="batch", seed=2))]
    assert sorted(found[:2]) == [[0, 1, 2, 3], [4, 5, 6, 7]]
    assert found[2] == [8, 9]


def test_steps_make_an_epoch_a_stretch_of_the_passes():
    x, _ = data(10, 1)
    batches = make_batches(x, batch_size=2, steps=3, shuffle=False)
    assert batches.num_batches == 3
    seen = [[int(b[0][0, 0]) for b in copies(batches, epoch)] for epoch in range(3)]
    assert seen == [[0, 2, 4], [6, 8, 0], [2, 4, 6]]


def test_more_steps_than_batches_warns():
    x, _ = data(10, 1)
    with pytest.warns(UserWarning, match="ran out of data"):
        batches = make_batches(x, batch_size=5, steps=4)
    assert batches.num_batches == len(copies(batches)) == 2


def test_bytes_and_doubles_become_floats_and_labels_stay_integers():
    for kind in ("uint8", "float64", "float16", "float32"):
        x, y = data(6, 2, kind)
        ((bx, by, bw),) = copies(make_batches(x, y.astype("uint8"), np.ones(6, int), batch_size=6))
        assert (bx.dtype, by.dtype, bw.dtype) == ("float32", "uint8", "float32")
        np.testing.assert_array_equal(bx, x)
    config.set_floatx("float64")
    try:
        ((bx, _, _),) = copies(make_batches(x, batch_size=6))
    finally:
        config.set_floatx("float32")
    assert bx.dtype == "float64"


def test_integers_as_inputs_stay_integers():
    ((bx, _, _),) = copies(make_batches(np.array([[1, 2], [3, 4]]), batch_size=2))
    assert bx.dtype == "int64"


def test_no_copy_where_none_is_needed():
    x, y = data(8)
    for (bx, by, _), start in zip(make_batches(x, y, batch_size=4).epoch(), (0, 4), strict=True):
        assert np.shares_memory(bx, x[start : start + 4])
        assert np.shares_memory(by, y)


def test_a_batch_survives_one_more_step_and_two_buffers_alternate():
    x, _ = data(12)
    batches = iter(make_batches(x, batch_size=3, shuffle=True, seed=0).epoch())
    first = next(batches)[0]
    before = first.copy()
    second = next(batches)[0]
    np.testing.assert_array_equal(first, before)
    third = next(batches)[0]
    assert third.ctypes.data == first.ctypes.data != second.ctypes.data


def test_without_reuse_every_batch_keeps_its_memory():
    x, _ = data(12, dtype="uint8")
    batches = [b[0] for b in make_batches(x, batch_size=3, reuse=False).epoch()]
    np.testing.assert_array_equal(np.concatenate(batches), x)


def test_nested_inputs_keep_their_nesting():
    x, y = data(6)
    ((bx, by, bw),) = copies(make_batches({"b": x, "a": [y, x]}, (y, {"t": x}), batch_size=6, shuffle=True, seed=1))
    assert list(bx) == ["b", "a"]
    assert isinstance(by, tuple)
    assert bw is None
    np.testing.assert_array_equal(bx["b"][:, 0] // 3, bx["a"][0])
    np.testing.assert_array_equal(bx["b"], bx["a"][1])
    np.testing.assert_array_equal(by[0], bx["a"][0])
    np.testing.assert_array_equal(by[1]["t"], bx["b"])


def test_targets_may_be_absent_for_one_output():
    x, y = data(4)
    ((_, by, _),) = copies(make_batches(x, [y, None], batch_size=4))
    assert by[1] is None


class Frame:
    """Something that only knows how to become an array."""

    def __array__(self, dtype=None, copy=None):
        return np.array([[1.0], [2.0]])


@pytest.mark.parametrize("x", [[[1.0], [2.0]], ((1.0,), (2.0,)), Tensor([[1.0], [2.0]]), Frame()])
def test_lists_tensors_and_anything_with_an_array(x):
    ((bx, by, _),) = copies(make_batches(x, [0, 1]))
    assert isinstance(bx, np.ndarray)
    assert bx.tolist() == [[1.0], [2.0]]
    assert bx.dtype == "float32"
    assert by.dtype == "int32"


def test_lengths_that_differ_are_named():
    with pytest.raises(ShapeError, match="Data cardinality is ambiguous") as error:
        make_batches([np.zeros((5, 2)), np.zeros((4, 2))], np.zeros(5))
    assert "'x' sizes: 5, 4\n'y' sizes: 5" in str(error.value)


@pytest.mark.parametrize(
    ("arguments", "kind", "text"),
    [
        ({"x": None}, ArgumentError, "There are no data"),
        ({"x": 3}, ArgumentError, "Unrecognized data type for x"),
        ({"x": np.float32(3)}, ShapeError, "first axis counts the samples"),
        ({"x": np.array([None, 1])}, DTypeError, "Expected arrays of numbers"),
        ({"x": np.zeros(3), "batch_size": 0}, ArgumentError, "batch_size=0"),
        ({"x": np.zeros(3), "steps": 0}, ArgumentError, "number of steps from 1"),
        ({"x": np.zeros(3), "shuffle": "yes"}, ArgumentError, "shuffle='yes'"),
        ({"x": np.zeros(3), "y": np.zeros(3), "class_weight": [1]}, DTypeError, "class_weight` to be a dict"),
        ({"x": np.zeros(3), "class_weight": {0: 1}}, ArgumentError, "single output and with targets"),
        ({"x": iter([]), "y": np.zeros(3)}, ArgumentError, "`y` should not be passed"),
    ],
)
def test_errors(arguments, kind, text):
    with pytest.raises(kind, match=text):
        make_batches(**arguments)


# -- weights and splits


def test_class_weights_of_labels_columns_and_one_hot_rows():
    weights = {1: 5.0, 2: 0.5}
    labels = np.array([0, 1, 2, 1], "uint8")
    for y in (labels, labels[:, None], labels.astype("float32"), np.eye(3)[labels]):
        assert class_weights(y, weights).tolist() == [1.0, 5.0, 0.5, 5.0]


def test_class_weights_multiply_sample_weights():
    x, _ = data(4)
    y = np.array([0, 1, 1, 0])
    ((_, _, w),) = copies(make_batches(x, y, np.array([1.0, 2.0, 3.0, 4.0]), class_weight={0: 10.0}))
    assert w.tolist() == [10.0, 2.0, 3.0, 40.0]
    ((_, _, w),) = copies(make_batches(x, y, np.ones((4, 2)), class_weight={0: 10.0}))
    assert w.tolist() == [[10.0, 10.0], [1.0, 1.0], [1.0, 1.0], [10.0, 10.0]]


def test_the_last_fraction_is_held_out():
    x, y = data(10)
    train, held = split_validation(({"a": x}, y, None), 0.25)
    assert len(train[0]["a"]) == len(train[1]) == 7
    np.testing.assert_array_equal(held[0]["a"], x[7:])
    np.testing.assert_array_equal(held[1], y[7:])
    assert train[2] is held[2] is None


@pytest.mark.parametrize(
    ("x", "fraction", "text"),
    [
        (np.zeros(1), 0.5, "cannot be split"),
        (np.zeros(9), 1.5, "between 0 and 1"),
        (iter([]), 0.5, "needs arrays"),
    ],
)
def test_a_split_that_cannot_be(x, fraction, text):
    with pytest.raises(ArgumentError, match=text):
        split_validation((x, None, None), fraction)


# -- batches that come ready made


def stream(n=3):
    for i in range(n):
        yield np.full((2, 1), i, "float64"), [i, i]


def test_a_generator_without_steps_is_one_pass():
    batches = make_batches(stream())
    found = copies(batches)
    assert batches.num_batches is None
    assert [int(b[0][0, 0]) for b in found] == [0, 1, 2]
    assert found[0][0].dtype == "float32"
    assert found[0][1].dtype == "int32"
    assert copies(batches, 1) == []


def test_a_generator_with_steps_goes_on_epoch_after_epoch_and_warns_at_its_end():
    batches = make_batches(stream(5), steps=2)
    assert batches.num_batches == 2
    assert [[int(b[0][0, 0]) for b in copies(batches, e)] for e in range(2)] == [[0, 1], [2, 3]]
    with pytest.warns(UserWarning, match="ran out of data"):
        assert len(copies(batches, 2)) == 1


class Loader:
    """Starts anew each time, and knows how long it is."""

    def __init__(self):
        self.passes = 0

    def __len__(self):
        return 3

    def __iter__(self):
        self.passes += 1
        return ([x, y] for x, y in stream())


def test_an_iterable_starts_anew_each_epoch():
    loader = Loader()
    batches = make_batches(loader, class_weight={1: 3.0})
    assert batches.num_batches == 3
    for epoch in range(2):
        found = copies(batches, epoch)
        assert [int(b[0][0, 0]) for b in found] == [0, 1, 2]
        assert found[1][2].tolist() == [3.0, 3.0]
    assert loader.passes == 2
    assert len(copies(batches, 2, first=2)) == 1


@pytest.mark.parametrize("batch", [np.ones((2, 1)), (np.ones((2, 1)),), [[1.0], [1.0]], {"a": np.ones((2, 1))}])
def test_batches_of_inputs_alone(batch):
    ((x, y, w),) = copies(make_batches(iter([batch])))
    assert (x["a"] if isinstance(x, dict) else x).tolist() == [[1.0], [1.0]]
    assert y is w is None


def test_a_batch_of_four_parts_is_refused():
    with pytest.raises(ArgumentError, match="a tuple of 4 entries"):
        copies(make_batches(iter([(np.ones(1),) * 4])))


# -- PyDataset


class Numbers(PyDataset):
    def __init__(self, n=6, **kwargs):
        super().__init__(**kwargs)
        self.n, self.begun, self.ended = n, 0, 0

    def __len__(self):
        return self.n

    def __getitem__(self, index):
        if index >= self.n:
            raise IndexError(index)
        return np.full((2, 1), index, "float32"), np.array([index, index])

    def on_epoch_begin(self):
        self.begun += 1

    def on_epoch_end(self):
        self.ended += 1


def firsts(batches, epoch=0, first=0):
    return [int(b[0][0, 0]) for b in copies(batches, epoch, first)]


@pytest.mark.parametrize("workers", [0, 1, 3])
def test_a_dataset_in_order_whatever_the_workers(workers):
    dataset = Numbers(workers=workers, max_queue_size=2)
    batches = make_batches(dataset)
    assert batches.num_batches == 6
    assert firsts(batches) == list(range(6))
    assert firsts(batches, 1, first=4) == [4, 5]
    assert (dataset.begun, dataset.ended) == (2, 2)
    shuffled = make_batches(dataset, shuffle=True, seed=1)
    order = firsts(shuffled)
    assert order != sorted(order) == list(range(6))
    assert order == firsts(make_batches(dataset, shuffle=True, seed=1))


def test_workers_work_at_the_same_time():
    together = threading.Barrier(2, timeout=10)

    class Slow(Numbers):
        def __getitem__(self, index):
            together.wait()
            return super().__getitem__(index)

    assert firsts(make_batches(Slow(4, workers=2))) == [0, 1, 2, 3]


def test_leaving_an_epoch_early_stops_the_workers():
    dataset = Numbers(100, workers=2)
    epoch = make_batches(dataset).epoch()
    next(epoch)
    epoch.close()
    assert dataset.ended == 1
    for _ in range(100):
        if not any(t.name.startswith("neurona-data") for t in threading.enumerate()):
            break
        time.sleep(0.02)
    assert not any(t.name.startswith("neurona-data") for t in threading.enumerate())


def test_an_error_in_a_worker_arrives():
    class Broken(Numbers):
        def __getitem__(self, index):
            raise KeyError("lost")

    with pytest.raises(KeyError, match="lost"):
        copies(make_batches(Broken(workers=2)))


def test_steps_over_a_dataset():
    assert [firsts(make_batches(Numbers(5), steps=2), e) for e in range(3)] == [[0, 1], [2, 3], [4, 0]]


def test_an_endless_dataset():
    class Endless(Numbers):
        num_batches = None

    batches = make_batches(Endless(10**9), steps=3)
    assert [firsts(batches, e) for e in range(2)] == [[0, 1, 2], [3, 4, 5]]


def test_a_dataset_that_forgot_super():
    class Forgot(Numbers):
        def __init__(self):
            self.n, self.begun, self.ended = 2, 0, 0

    with pytest.warns(UserWarning, match=r"super\(\).__init__"):
        assert firsts(make_batches(Forgot())) == [0, 1]


def test_a_dataset_without_its_methods():
    with pytest.raises(NotImplementedError, match="__len__"):
        _ = PyDataset().num_batches
    with pytest.raises(NotImplementedError, match="__getitem__"):
        PyDataset()[0]


SCRIPT = """
import os
import numpy as np
from neurona.training.batches import PyDataset, make_batches

class Numbers(PyDataset):
    def __len__(self):
        return 4
    def __getitem__(self, index):
        return np.full((1, 1), index), np.full(1, os.getpid())

if __name__ == "__main__":
    found = list(make_batches(Numbers(workers=2, use_multiprocessing=True)).epoch())
    print([int(x[0, 0]) for x, _, _ in found], any(int(y[0]) == os.getpid() for _, y, _ in found))
"""


def test_workers_as_processes(tmp_path):
    # a file of its own: processes that are spawned import the program anew
    (tmp_path / "program.py").write_text(SCRIPT)
    environment = {**os.environ, "PYTHONPATH": str(Path(neurona.__file__).parents[1])}
    done = subprocess.run(
        [sys.executable, str(tmp_path / "program.py")], capture_output=True, text=True, env=environment, timeout=60
    )
    assert done.stdout == "[0, 1, 2, 3] False\n", done.stderr
