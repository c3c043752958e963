"""The boundary: what is not a kernel's case is handed back untouched; memory, threads and forks are safe."""

from __future__ import annotations

import gc
import os
import threading
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest


def drawn(*shape: int) -> np.ndarray:
    return np.random.default_rng(1).standard_normal(shape).astype(np.float32)


def misfits(a: np.ndarray) -> Iterator[Any]:
    """Stand-ins for `a` that no kernel may take."""
    yield a.astype("f8")
    yield a.astype("f2")
    yield a.astype(">f4")
    yield a.astype("i4")
    yield np.repeat(a, 2, axis=-1)[..., ::2]
    yield a[None]
    yield a.tolist()
    yield a.view(np.ma.MaskedArray)
    raw = np.zeros(a.nbytes + 1, np.uint8)
    odd = raw[1 : 1 + a.nbytes].view(np.float32).reshape(a.shape)
    odd[...] = a
    yield odd  # not aligned
    if a.ndim == 2:
        yield np.asfortranarray(a)
        yield a[:, :-1]
    yield None
    yield "text"


X, W, B = drawn(8, 6), drawn(6, 5), drawn(5)
Y, G = drawn(8, 5), drawn(8, 5)
C6, LABELS = drawn(6), np.zeros(8, np.int64)
CALLS = {
    "matmul": ((X, W, False, False), (0, 1)),
    "dense": ((X, W, B, 1), (0, 1)),
    "dense_backward": ((G, Y, X, W, True, 1, True, True), (0, 1, 2, 3)),
    "softmax_crossentropy": ((Y, LABELS), (0,)),
    "softmax_crossentropy_backward": ((LABELS.astype("f4"), Y, LABELS), (0, 1)),
    "batch_norm_train": ((X, C6, C6, 1e-3, 1), (0,)),
    "batch_norm_backward": ((X, X, C6, C6, C6, np.abs(C6), 1e-3, 1), (0, 1, 4, 5)),
    "batch_norm_infer": ((X, C6, C6, 0), (0, 1, 2)),
    "layer_norm": ((X, C6, C6, 1e-3), (0,)),
    "layer_norm_backward": ((X, X, C6, 1e-3), (0, 1)),
}


@pytest.mark.parametrize("name", CALLS)
def test_misfits_are_handed_back(native: Any, name: str) -> None:
    arguments, places = CALLS[name]
    assert getattr(native, name)(*arguments) is not NotImplemented
    for place in places:
        for misfit in misfits(arguments[place]):
            changed = [*arguments[:place], misfit, *arguments[place + 1 :]]
            assert getattr(native, name)(*changed) is NotImplemented, (name, place, misfit)


def test_other_misfits(native: Any) -> None:
    assert native.dense(X, W, drawn(6), 0) is NotImplemented
    assert native.matmul(X, W, True, False) is NotImplemented
    assert native.dropout(X.astype("f8"), 0.5, 1, 2) is NotImplemented
    assert native.dropout(X, 1.5, 1, 2) is NotImplemented
    assert native.dropout(X, float("nan"), 1, 2) is NotImplemented
    assert native.softmax_crossentropy(Y, LABELS.astype("u1")) is NotImplemented
    assert native.softmax_crossentropy(Y, LABELS[:-1]) is NotImplemented
    assert native.softmax_crossentropy(Y, Y[:, :-1].copy()) is NotImplemented
    assert native.softmax_crossentropy(np.zeros((2, 0), "f4"), LABELS[:2]) is NotImplemented
    assert native.batch_norm_train(np.zeros((0, 6), "f4"), C6, C6, 1e-3, 0) is NotImplemented
    assert native.batch_norm_train(np.zeros((4, 0), "f4"), None, None, 1e-3, 0) is NotImplemented
    assert native.batch_norm_train(X, drawn(5), None, 1e-3, 0) is NotImplemented
    assert native.gather_rows(X.astype("f8"), LABELS, 1.0) is NotImplemented
    assert native.gather_rows(X, LABELS.astype("f4"), 1.0) is NotImplemented
    with pytest.raises(ValueError, match="activation from 0 to 3"):
        native.dense(X, W, B, 4)
    with pytest.raises((OverflowError, TypeError)):
        native.dropout(X, 0.5, -1, 2)


def test_read_only_inputs_are_fine(native: Any) -> None:
    x = X.copy()
    x.flags.writeable = False
    np.testing.assert_array_equal(native.dense(x, W, B, 1), native.dense(X, W, B, 1))


def test_memory_is_recycled_and_bounded(native: Any) -> None:
    native.shelf_clear()
    a, b = drawn(300, 10), drawn(10, 300)
    c = native.matmul(a, b, False, False)
    address = c.ctypes.data
    assert address % 64 == 0
    assert c.flags.owndata
    assert c.flags.writeable
    kept = c.copy()
    other = native.matmul(a, b, False, False)
    assert other.ctypes.data != address  # a living array is never handed out again
    np.testing.assert_array_equal(c, kept)
    del c
    gc.collect()
    assert native.shelf_bytes() >= 300 * 300 * 4
    again = native.matmul(a, b, False, False)
    assert again.ctypes.data == address
    again.resize((400, 300), refcheck=False)
    np.testing.assert_array_equal(again[:300], kept)
    del again, other
    native.shelf_clear()
    assert native.shelf_bytes() == 0


def test_other_arrays_keep_numpys_memory(native: Any) -> None:
    native.matmul(drawn(300, 10), drawn(10, 300), False, False)
    native.shelf_clear()
    plain = np.ones((300, 300), np.float32)
    del plain
    assert native.shelf_bytes() == 0


def test_python_threads_share_the_kernels(native: Any) -> None:
    native.set_threads(2)
    x, w, b = drawn(128, 300), drawn(300, 100), drawn(100)
    wanted = native.dense(x, w, b, 2)
    wrong: list[int] = []

    def work() -> None:
        for i in range(50):
            if not np.array_equal(native.dense(x, w, b, 2), wanted):
                wrong.append(i)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_threads_can_be_changed_at_any_time(native: Any) -> None:
    x, w = drawn(128, 300), drawn(300, 100)
    wanted = native.matmul(x, w, False, False)
    for threads in (1, 4, 2, 8, 1, 3, 2):
        native.set_threads(threads)
        for _ in range(3):
            np.testing.assert_array_equal(native.matmul(x, w, False, False), wanted)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_fork_after_threads(native: Any) -> None:
    """The pool's threads do not live in a child; there it starts afresh, 100 times of 100."""
    native.set_threads(2)
    x, w = drawn(128, 300), drawn(300, 100)
    wanted = native.matmul(x, w, False, False)
    for _ in range(100):
        native.matmul(x, w, False, False)
        child = os.fork()
        if child == 0:
            good = all(np.array_equal(native.matmul(x, w, False, False), wanted) for _ in range(3))
            os._exit(0 if good else 1)
        _, status = os.waitpid(child, 0)
        assert os.waitstatus_to_exitcode(status) == 0
    np.testing.assert_array_equal(native.matmul(x, w, False, False), wanted)


def test_mutated_calls_never_crash(native: Any) -> None:
    """Arguments drawn from fitting and misfitting things: a result, NotImplemented or a Python error."""
    rng = np.random.default_rng(0)
    things = [X, W, B, Y, G, C6, LABELS, LABELS.astype("i4"), *misfits(X), *misfits(B)]
    things += [np.zeros((0, 6), "f4"), np.zeros((8, 0), "f4"), 0, 1, 3, -1, 2.5, True, None]
    things += [(X, W), [B], (), "x", np.float32(1), np.array(1.0, "f4")]
    counts = {"matmul": 4, "dense": 4, "dense_backward": 8, "softmax_crossentropy": 2}
    counts |= {"softmax_crossentropy_backward": 3, "dropout": 4, "gather_rows": 3, "batch_norm_train": 5}
    counts |= {"batch_norm_backward": 8, "batch_norm_infer": 4, "adam": 12, "sgd": 7, "rmsprop": 10}
    counts |= {"global_norm": 1, "layer_norm": 4, "layer_norm_backward": 4, "attention": 6, "attention_backward": 7}
    outcomes = {"result": 0, "handed back": 0, "error": 0}
    for _ in range(6000):
        name = str(rng.choice(list(counts)))
        arguments = [things[i] for i in rng.integers(0, len(things), counts[name])]
        try:
            result = getattr(native, name)(*arguments)
        except (TypeError, ValueError, OverflowError):
            outcomes["error"] += 1
        else:
            outcomes["handed back" if result is NotImplemented else "result"] += 1
    assert all(outcomes.values()), outcomes
