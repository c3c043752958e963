"""Optimizer updates and the global norm against their formulas in float64."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

SHAPES = [(784, 32), (32,), (), (0,), (3, 5, 7), (10000,)]
Arrays = tuple[np.ndarray, ...]


def drawn(seed: int, positive: bool = False) -> Arrays:
    rng = np.random.default_rng(seed)
    arrays = [np.asarray(rng.standard_normal(s), np.float32) for s in SHAPES]
    return tuple(np.abs(a) + np.float32(1.5) if positive else a for a in arrays)


def zeros() -> Arrays:
    return tuple(np.zeros(s, np.float32) for s in SHAPES)


def wide(arrays: Arrays) -> list[np.ndarray]:
    return [np.array(a, "f8") for a in arrays]


def close(got: Arrays, wanted: list[np.ndarray]) -> None:
    for a, b in zip(got, wanted, strict=True):
        np.testing.assert_allclose(a, b, rtol=2e-5, atol=2e-6)


@pytest.mark.parametrize("amsgrad", [False, True])
@pytest.mark.parametrize("decay", [0.0, 0.04, (0.04, 0.0, 0.1, 0.0, 0.2, 0.0)])
def test_adam(each_isa: Any, amsgrad: bool, decay: Any) -> None:
    lr, b1, b2, eps = 0.01, 0.9, 0.999, 1e-7
    w, m, v = drawn(1), zeros(), zeros()
    vhat = zeros() if amsgrad else None
    ww, mm, vv, hh = wide(w), wide(m), wide(v), wide(zeros())
    decays = decay if isinstance(decay, tuple) else (decay,) * len(w)
    for t in range(1, 6):
        g = drawn(10 + t)
        assert each_isa.adam(w, g, m, v, vhat, lr, b1, b2, eps, 1 - b1**t, 1 - b2**t, decay) is None
        alpha = lr * np.sqrt(1 - b2**t) / (1 - b1**t)
        for i, gi in enumerate(wide(g)):
            ww[i] -= lr * decays[i] * ww[i]
            mm[i] += (gi - mm[i]) * (1 - b1)
            vv[i] += (gi**2 - vv[i]) * (1 - b2)
            hh[i] = np.maximum(hh[i], vv[i])
            ww[i] -= mm[i] * alpha / (np.sqrt(hh[i] if amsgrad else vv[i]) + eps)
    close(w, ww)
    close(m, mm)
    close(v, vv)
    if vhat is not None:
        close(vhat, hh)


@pytest.mark.parametrize(("momentum", "nesterov"), [(0.0, False), (0.9, False), (0.9, True)])
def test_sgd(each_isa: Any, momentum: float, nesterov: bool) -> None:
    w, ww = drawn(1), wide(drawn(1))
    m = zeros() if momentum else None
    mm = wide(zeros())
    for t in range(5):
        g = drawn(10 + t)
        assert each_isa.sgd(list(w), list(g), m, 0.1, momentum, nesterov, 0.01) is None
        for i, gi in enumerate(wide(g)):
            ww[i] -= 0.1 * 0.01 * ww[i]
            mm[i] = momentum * mm[i] - 0.1 * gi
            step = momentum * mm[i] - 0.1 * gi if nesterov else mm[i]
            ww[i] += step
    close(w, ww)


@pytest.mark.parametrize("centered", [False, True])
@pytest.mark.parametrize("momentum", [0.0, 0.5])
def test_rmsprop(each_isa: Any, centered: bool, momentum: float) -> None:
    w, v, ww, vv, aa, mm = drawn(1), zeros(), wide(drawn(1)), wide(zeros()), wide(zeros()), wide(zeros())
    mean, m = zeros() if centered else None, zeros() if momentum else None
    for t in range(5):
        g = drawn(10 + t)
        assert each_isa.rmsprop(w, g, v, mean, m, 0.01, 0.9, momentum, 1e-7, None) is None
        for i, gi in enumerate(wide(g)):
            vv[i] = 0.9 * vv[i] + 0.1 * gi**2
            aa[i] = 0.9 * aa[i] + 0.1 * gi
            step = 0.01 * gi / np.sqrt(vv[i] - (aa[i] ** 2 if centered else 0.0) + 1e-7)
            mm[i] = momentum * mm[i] + step
            ww[i] -= mm[i] if momentum else step
    close(w, ww)


def test_global_norm(each_isa: Any) -> None:
    g = drawn(1)
    wanted = np.sqrt(sum((a**2).sum() for a in wide(g)))
    assert each_isa.global_norm(g) == pytest.approx(wanted, rel=1e-6)
    assert each_isa.global_norm(()) == 0.0
    assert np.isnan(each_isa.global_norm((np.array([1.0, np.nan], np.float32),)))


def test_threads_change_no_bit(each_isa: Any) -> None:
    def everything(threads: int) -> tuple[Any, ...]:
        each_isa.set_threads(threads)
        w, m, v = drawn(1), zeros(), zeros()
        each_isa.adam(w, drawn(2), m, v, None, 0.01, 0.9, 0.999, 1e-7, 0.1, 0.001, 0.01)
        return (*w, *m, *v, each_isa.global_norm(drawn(3)))

    for one, two, four in zip(everything(1), everything(2), everything(4), strict=True):
        np.testing.assert_array_equal(one, two)
        np.testing.assert_array_equal(one, four)


def test_nothing_moves_when_the_call_is_refused(native: Any) -> None:
    w, m, v = drawn(1), zeros(), zeros()
    kept = [a.copy() for a in w]
    g = drawn(2)
    tail = (None, 0.01, 0.9, 0.999, 1e-7, 0.1, 0.001, 0.0)
    buffer = np.zeros(20, np.float32)
    refused = [
        (w, (*g[:-1], g[-1].astype("f8")), m, v),  # another type
        (w, g[:-1], m, v),  # too few
        (w, (*g[:-1], g[-1][:-1]), m, v),  # another shape
        (w, g, m, None),
        (w, w, m, v),  # the gradient is the parameter
        (w, g, m, m),  # two slots in one memory
        ((buffer[:10],), (np.ones(10, "f4"),), (buffer[9:19],), (np.zeros(10, "f4"),)),  # one number shared
        (
            (buffer[:10], buffer[5:15]),
            g[:0] + (np.ones(10, "f4"),) * 2,
            (np.zeros(10, "f4"), np.zeros(10, "f4")),
            v,
        ),
    ]
    for arguments in refused:
        assert native.adam(*arguments, *tail) is NotImplemented
    locked = tuple(a.copy() for a in w)
    locked[0].flags.writeable = False
    assert native.adam(locked, g, m, v, *tail) is NotImplemented
    assert native.sgd(w, w, None, 0.1, 0.0, False, 0.0) is NotImplemented
    assert native.global_norm(3) is NotImplemented
    for a, b in zip(w, kept, strict=True):
        np.testing.assert_array_equal(a, b)
    assert not buffer.any()
    # One gradient for two parameters is only read: no overlap that matters.
    shared = np.ones(4, np.float32)
    two = (np.zeros(4, np.float32), np.zeros(4, np.float32))
    assert native.sgd(two, (shared, shared), None, 0.5, 0.0, False, 0.0) is None
    np.testing.assert_array_equal(two[1], np.full(4, -0.5, np.float32))
