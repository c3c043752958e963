"""Random calls to every compiled function: sizes from nothing to odd, views, wrong types and shapes; no call may crash.

    python tests/kernels/fuzz.py --calls 100000 --seed 0

Each call is first made to fit and then, mostly, damaged in one to three places: an argument becomes a view, a misaligned
or read-only array, another type, a shape one off, a number out of range, or something altogether else. A call may
compute, hand its arguments back (NotImplemented) or raise TypeError, ValueError, OverflowError or MemoryError; anything
else ends the run with the call's number, and `--seed` with `--only` brings it back. The table at the end counts the
outcomes of each function.

The run says most under AddressSanitizer and UndefinedBehaviorSanitizer, which see a single float read or written beyond an
array. In a copy of the tree:

    CFLAGS="-fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer -O1 -g" \
        LDFLAGS="-fsanitize=address,undefined" python setup.py build_ext --inplace --force
    LD_PRELOAD="$(gcc -print-file-name=libasan.so) $(gcc -print-file-name=libubsan.so)" \
        ASAN_OPTIONS=detect_leaks=0:allocator_may_return_null=1 PYTHONMALLOC=malloc PYTHONPATH=src \
        python tests/kernels/fuzz.py --calls 100000 --seed 0
"""

from __future__ import annotations

import argparse
import sys
import warnings
from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np

from neurona import kernels

Rng = np.random.Generator
SIZES = [0, 1, 1, 2, 2, 3, 3, 4, 5, 6, 7, 8, 9, 11, 12, 13, 15, 16, 17, 19, 23, 24, 31, 32, 33, 37, 40, 48, 50, 64, 65]
NOT_FUNCTIONS = {
    "compiler",
    "current",
    "supported",
    "select",
    "get_threads",
    "get_winograd",
    "fresh_count",
    "shelf_bytes",
}
ALLOWED = (TypeError, ValueError, OverflowError, MemoryError)


def size(rng: Rng, most: int = 65) -> int:
    return int(rng.choice([s for s in SIZES if s <= most]))


def floats(rng: Rng, *shape: int) -> np.ndarray:
    a = rng.standard_normal(shape).astype(np.float32)
    if a.size and rng.random() < 0.1:
        a.flat[rng.integers(a.size)] = rng.choice([np.nan, np.inf, -np.inf, 1e-40, 3e38])
    return a


def maybe(rng: Rng, a: Any) -> Any:
    return a if rng.random() < 0.7 else None


def flag(rng: Rng) -> bool:
    return bool(rng.random() < 0.6)


def flags(rng: Rng, count: int) -> tuple[bool, ...]:
    return tuple(flag(rng) for _ in range(count))


def three(rng: Rng, low: int, high: int, rank: int, neutral: int) -> tuple[int, ...]:
    return (neutral,) * (3 - rank) + tuple(int(i) for i in rng.integers(low, high + 1, rank))


class Windows:
    """A plan of windows over three axes: what convolution and pooling share."""

    def __init__(self, rng: Rng, most: int = 12, dilated: bool = True) -> None:
        rank = int(rng.integers(1, 4))
        self.n = int(rng.integers(0, 4))
        self.size = three(rng, 1, {1: 9, 2: 4, 3: 3}[rank], rank, 1)
        self.strides = three(rng, 1, 4, rank, 1)
        self.dilation = three(rng, 1, 3 if dilated else 1, rank, 1)
        self.pads = (0,) * (6 - 2 * rank) + tuple(
            int(rng.integers(0, self.size[i] + (2 if dilated else 0))) for i in range(3 - rank, 3) for _ in range(2)
        )
        self.space, self.out = [], []
        for i in range(3):
            span, pads = (self.size[i] - 1) * self.dilation[i] + 1, self.pads[2 * i] + self.pads[2 * i + 1]
            extra = size(rng, 40 if rank == 1 else most) if i >= 3 - rank else 0
            space = max(0, span - pads + extra) if i >= 3 - rank else 1
            self.space.append(space)
            self.out.append(max(0, (space + pads - span) // self.strides[i] + 1))

    def picture(self, rng: Rng, channels: int) -> np.ndarray:
        return floats(rng, self.n, *self.space, channels)

    def result(self, rng: Rng, channels: int) -> np.ndarray:
        return floats(rng, self.n, *self.out, channels)

    @property
    def settings(self) -> tuple[tuple[int, ...], ...]:
        return self.strides, self.pads, self.dilation


def conv(rng: Rng) -> list[Any]:
    w, groups, c, f = Windows(rng), int(rng.choice([1, 1, 1, 2, 3, 8])), size(rng, 40), size(rng, 40)
    kernel, x = floats(rng, *w.size, c, f * groups), w.picture(rng, c * groups)
    return [x, kernel, maybe(rng, floats(rng, f * groups)), *w.settings, groups, int(rng.integers(4))]


def conv_backward(rng: Rng) -> list[Any]:
    w, groups, c, f = Windows(rng), int(rng.choice([1, 1, 1, 2, 3, 8])), size(rng, 40), size(rng, 40)
    g, y = w.result(rng, f * groups), w.result(rng, f * groups)
    kernel, x = floats(rng, *w.size, c, f * groups), w.picture(rng, c * groups)
    return [g, y, x, kernel, *w.settings, groups, int(rng.integers(4)), *flags(rng, 3)]


def conv_input_gradient(rng: Rng) -> list[Any]:
    w, groups, c, f = Windows(rng), int(rng.choice([1, 1, 1, 2, 3, 8])), size(rng, 40), size(rng, 40)
    g, kernel = w.result(rng, f * groups), floats(rng, *w.size, c, f * groups)
    return [g, kernel, tuple(w.space), *w.settings, groups]


def conv_kernel_gradient(rng: Rng) -> list[Any]:
    w, groups, c, f = Windows(rng), int(rng.choice([1, 1, 1, 2, 3, 8])), size(rng, 40), size(rng, 40)
    return [w.result(rng, f * groups), w.picture(rng, c * groups), w.size, *w.settings, groups]


def depthwise(rng: Rng) -> list[Any]:
    w, c, m = Windows(rng), size(rng, 65), int(rng.integers(1, 4))
    return [
        w.picture(rng, c), floats(rng, *w.size, c, m), maybe(rng, floats(rng, c * m)), *w.settings, int(rng.integers(4))
    ]  # fmt: skip


def depthwise_backward(rng: Rng) -> list[Any]:
    w, c, m = Windows(rng), size(rng, 65), int(rng.integers(1, 4))
    g, y, x = w.result(rng, c * m), w.result(rng, c * m), w.picture(rng, c)
    return [g, y, x, floats(rng, *w.size, c, m), *w.settings, int(rng.integers(4)), *flags(rng, 3)]


def nine(rng: Rng) -> tuple[Any, ...]:
    """A 3 x 3 layer: picture, kernel, pads, shape of the result, pooled or not."""
    n, h, w, c, f = int(rng.integers(0, 4)), size(rng, 19), size(rng, 19), size(rng, 40), size(rng, 40)
    pads = tuple(int(i) for i in rng.integers(0, 3, 4))
    pool = flag(rng)
    out = [max(0, h + pads[0] + pads[1] - 2), max(0, w + pads[2] + pads[3] - 2)]
    if pool:
        out = [out[0] // 2, out[1] // 2]
    return floats(rng, n, h, w, c), floats(rng, 3, 3, c, f), pads, (n, *out, f), pool


def conv3x3(rng: Rng) -> list[Any]:
    x, kernel, pads, shape, pool = nine(rng)
    method = int(rng.choice([0, 1, 2, 4]))
    return [x, kernel, maybe(rng, floats(rng, shape[-1])), pads, int(rng.integers(2)), pool, method]


def conv3x3_backward(rng: Rng) -> list[Any]:
    x, kernel, pads, shape, pool = nine(rng)
    where = rng.integers(0, 256 if flag(rng) else 5, shape).astype(np.uint8) if pool else None
    method, relu = int(rng.choice([0, 1, 2, 4])), int(rng.integers(2))
    return [floats(rng, *shape), floats(rng, *shape), where, x, kernel, pads, relu, *flags(rng, 3), method]


def max_pool(rng: Rng) -> list[Any]:
    w = Windows(rng, dilated=False)
    return [w.picture(rng, size(rng)), w.size, w.strides, w.pads]


def max_pool_backward(rng: Rng) -> list[Any]:
    w = Windows(rng, dilated=False)
    g = w.result(rng, size(rng))
    taps = w.size[0] * w.size[1] * w.size[2]
    low, high = (0, taps) if flag(rng) else (-(2**31), 2**31)
    where = rng.integers(low, high, g.shape).astype(np.int32)
    return [g, where, tuple(w.space), w.size, w.strides, w.pads]


def average_pool_backward(rng: Rng) -> list[Any]:
    w = Windows(rng, dilated=False)
    return [w.result(rng, size(rng)), tuple(w.space), w.size, w.strides, w.pads]


def matmul(rng: Rng) -> list[Any]:
    m, k, n, ta, tb = size(rng), int(rng.choice([size(rng), 330, 650])), size(rng), flag(rng), flag(rng)
    return [floats(rng, *((k, m) if ta else (m, k))), floats(rng, *((n, k) if tb else (k, n))), ta, tb]


def dense(rng: Rng) -> list[Any]:
    m, k, n = size(rng), size(rng), size(rng)
    return [floats(rng, m, k), floats(rng, k, n), maybe(rng, floats(rng, n)), int(rng.integers(4))]


def dense_backward(rng: Rng) -> list[Any]:
    m, k, n = size(rng), size(rng), size(rng)
    g, y, x, w = floats(rng, m, n), floats(rng, m, n), floats(rng, m, k), floats(rng, k, n)
    return [g, y, x, w, flag(rng), int(rng.integers(4)), *flags(rng, 2)]


def smooth_activation(rng: Rng) -> int:
    return int(rng.choice([0, 1, 4, 5, 6]))


def batch_norm_train(rng: Rng) -> list[Any]:
    m, c = size(rng), size(rng)
    return [floats(rng, m, c), maybe(rng, floats(rng, c)), maybe(rng, floats(rng, c)), 1e-3, smooth_activation(rng)]


def batch_norm_infer(rng: Rng) -> list[Any]:
    m, c = size(rng), size(rng)
    return [floats(rng, m, c), floats(rng, c), floats(rng, c), smooth_activation(rng)]


def batch_norm_backward(rng: Rng) -> list[Any]:
    m, c = size(rng), size(rng)
    rows = [floats(rng, m, c), floats(rng, m, c)]
    sides = [maybe(rng, floats(rng, c)), maybe(rng, floats(rng, c)), floats(rng, c), np.abs(floats(rng, c))]
    return [*rows, *sides, 1e-3, smooth_activation(rng)]


def layer_norm(rng: Rng) -> list[Any]:
    m, c = size(rng), size(rng)
    return [floats(rng, m, c), maybe(rng, floats(rng, c)), maybe(rng, floats(rng, c)), 1e-3]


def layer_norm_backward(rng: Rng) -> list[Any]:
    m, c = size(rng), size(rng)
    return [floats(rng, m, c), floats(rng, m, c), maybe(rng, floats(rng, c)), 1e-3]


def attention(rng: Rng) -> list[Any]:
    n, t, s, keys, groups, d, f = (size(rng, 40) if i in (1, 2) else size(rng, 9) for i in range(7))
    shape = (n, keys * groups, t, s)
    mask = rng.random([one if rng.random() < 0.5 else 1 for one in shape]) < 0.5
    rows = [floats(rng, n, t, keys * groups, d), floats(rng, n, s, keys, d), floats(rng, n, s, keys, f)]
    return [*rows, maybe(rng, mask), 0.5, bool(rng.random() < 0.5)]


def attention_backward(rng: Rng) -> list[Any]:
    query, _, value, *_ = told = attention(rng)
    return [floats(rng, *query.shape[:3], value.shape[3]), *told]


def any_shape(rng: Rng) -> tuple[int, ...]:
    return tuple(size(rng, 9) for _ in range(int(rng.integers(0, 5))))


def one_array(rng: Rng) -> list[Any]:
    return [floats(rng, *any_shape(rng))]


def two_arrays(rng: Rng) -> list[Any]:
    shape = any_shape(rng)
    return [floats(rng, *shape), floats(rng, *shape)]


def dropout(rng: Rng) -> list[Any]:
    key = [int(k) for k in rng.integers(0, 2**32, 2)]
    return [floats(rng, *any_shape(rng)), float(rng.random()), *key]


def labels(rng: Rng, n: int, c: int) -> np.ndarray:
    extra = 1 if rng.random() < 0.05 else 0
    return rng.integers(-extra, max(1, c) + extra, n).astype(rng.choice([np.int32, np.int64]))


def softmax_crossentropy(rng: Rng) -> list[Any]:
    n, c = size(rng), size(rng)
    return [floats(rng, n, c), labels(rng, n, c) if flag(rng) else floats(rng, n, c)]


def softmax_crossentropy_backward(rng: Rng) -> list[Any]:
    n, c = size(rng), size(rng)
    return [floats(rng, n), floats(rng, n, c), labels(rng, n, c) if flag(rng) else floats(rng, n, c)]


def gather_rows(rng: Rng) -> list[Any]:
    rows, d, n = size(rng), size(rng), size(rng)
    src = floats(rng, rows, d) if flag(rng) else rng.integers(0, 256, (rows, d)).astype(np.uint8)
    return [src, labels(rng, n, rows), float(rng.random())]


def sum_by_row(rng: Rng) -> list[Any]:
    count, length = size(rng), int(rng.choice([1, 7, 2048, 2049, 2**22 + 5, 2**50]))
    return [floats(rng, count, size(rng)), labels(rng, count, min(length, 2**31 - 2)), length]


def some_rows(rng: Rng, lists: int) -> list[Any]:
    """A table, some of its rows, their gradients, and the slots."""
    length, columns = size(rng), size(rng)
    rows = np.flatnonzero(rng.random(length) < 0.5).astype(rng.choice([np.int32, np.int64]))
    table, *slots = (floats(rng, length, columns) for _ in range(1 + lists))
    return [table, rows, floats(rng, len(rows), columns), *slots]


def adam_rows(rng: Rng) -> list[Any]:
    *some, vhat = some_rows(rng, 3)
    return [*some, maybe(rng, vhat), 1e-3, 0.9, 0.999, 1e-7, 0.1, 0.01, 0.1]


def sgd_rows(rng: Rng) -> list[Any]:
    *some, momenta = some_rows(rng, 1)
    return [*some, maybe(rng, momenta), 0.1, 0.9, flag(rng), 0.1]


def rmsprop_rows(rng: Rng) -> list[Any]:
    *some, mean, momenta = some_rows(rng, 3)
    return [*some, maybe(rng, mean), maybe(rng, momenta), 1e-3, 0.9, float(rng.choice([0.0, 0.5])), 1e-7, 0.0]


def parameters(rng: Rng, lists: int) -> list[tuple[np.ndarray, ...]]:
    shapes = [any_shape(rng) for _ in range(int(rng.integers(0, 5)))]
    return [tuple(floats(rng, *shape) for shape in shapes) for _ in range(lists)]


def adam(rng: Rng) -> list[Any]:
    p, g, m, v, vhat = parameters(rng, 5)
    return [p, g, m, v, maybe(rng, vhat), 1e-3, 0.9, 0.999, 1e-7, 0.1, 0.01, 0.0 if flag(rng) else (0.1,) * len(p)]


def sgd(rng: Rng) -> list[Any]:
    p, g, momenta = parameters(rng, 3)
    return [p, g, maybe(rng, momenta), 0.1, 0.9, flag(rng), 0.0]


def rmsprop(rng: Rng) -> list[Any]:
    p, g, v, mean, momenta = parameters(rng, 5)
    return [p, g, v, maybe(rng, mean), maybe(rng, momenta), 1e-3, 0.9, float(rng.choice([0.0, 0.5])), 1e-7, 0.0]


def sum_rows(rng: Rng) -> list[Any]:
    return [floats(rng, size(rng, 9), int(rng.choice([size(rng), 4100])), size(rng)), 0.5]


def repeat_rows(rng: Rng) -> list[Any]:
    return [floats(rng, size(rng, 9), size(rng)), int(rng.choice([size(rng), 2**40])), 0.5]


def warp(rng: Rng) -> list[Any]:
    n = int(rng.integers(0, 4))
    scale = np.float32(rng.choice([1.0, 30.0, 1e9]))
    transforms = floats(rng, n if flag(rng) else 1, 8) * scale
    return [floats(rng, n, *(size(rng, 19) for _ in range(3))), transforms, flag(rng), float(rng.integers(4)), 0.5]


def recurrent(rng: Rng, parts: int, bias_rows: int = 0) -> tuple[list[Any], tuple[int, int, int]]:
    """Arguments of a recurrent layer with `parts` gates; its N, T, U."""
    n, t, d, u = int(rng.choice([0, 1, 2, 3, 7, 20])), int(rng.choice([0, 1, 2, 5, 9])), size(rng), size(rng, 40)
    bias = floats(rng, *((bias_rows, parts * u) if bias_rows else (parts * u,)))
    mask, kept = rng.random((n, t)) < 0.7, floats(rng, n, u)
    layer = [floats(rng, n, t, d), floats(rng, d, parts * u), floats(rng, u, parts * u), maybe(rng, bias)]
    return [*layer, floats(rng, n, u), maybe(rng, mask), maybe(rng, kept)], (n, t, u)


def gru(rng: Rng) -> list[Any]:
    after = flag(rng)
    return [*recurrent(rng, 3, 2 if after else 0)[0], after, flag(rng)]


def gru_backward(rng: Rng) -> list[Any]:
    (x, kernel, w, _, h0, mask, kept), (n, t, u) = recurrent(rng, 3)
    given = [maybe(rng, floats(rng, n, t, wide)) for wide in (u, 3 * u, u)]
    found = [floats(rng, n, t, wide) for wide in (u, 3 * u, u)]
    return [*given, *found, x, kernel, w, h0, mask, kept, *flags(rng, 6)]


def lstm(rng: Rng) -> list[Any]:
    (*layer, h0, mask, kept), (n, _, u) = recurrent(rng, 4)
    return [*layer, h0, floats(rng, n, u), mask, kept, flag(rng)]


def lstm_backward(rng: Rng) -> list[Any]:
    (x, kernel, w, _, h0, mask, kept), (n, t, u) = recurrent(rng, 4)
    given = [maybe(rng, floats(rng, n, t, wide)) for wide in (u, u, 4 * u)]
    found = [floats(rng, n, t, wide) for wide in (u, u, 4 * u)]
    return [*given, *found, x, kernel, w, h0, floats(rng, n, u), mask, kept, *flags(rng, 5)]


def simple_rnn(rng: Rng) -> list[Any]:
    return [*recurrent(rng, 1)[0], int(rng.integers(4)), flag(rng)]


def simple_rnn_backward(rng: Rng) -> list[Any]:
    (x, kernel, w, _, h0, mask, kept), (n, t, u) = recurrent(rng, 1)
    g, h = floats(rng, n, t, u), floats(rng, n, t, u)
    return [g, h, x, kernel, w, h0, mask, kept, int(rng.integers(4)), *flags(rng, 5)]


MAKERS: dict[str, Callable[[Rng], list[Any]]] = {
    "adam": adam,
    "adam_rows": adam_rows,
    "average_pool": max_pool,
    "average_pool_backward": average_pool_backward,
    "batch_norm_backward": batch_norm_backward,
    "batch_norm_infer": batch_norm_infer,
    "attention": attention,
    "attention_backward": attention_backward,
    "layer_norm": layer_norm,
    "layer_norm_backward": layer_norm_backward,
    "batch_norm_train": batch_norm_train,
    "conv": conv,
    "conv3x3": conv3x3,
    "conv3x3_backward": conv3x3_backward,
    "conv_backward": conv_backward,
    "conv_input_gradient": conv_input_gradient,
    "conv_kernel_gradient": conv_kernel_gradient,
    "dense": dense,
    "dense_backward": dense_backward,
    "depthwise": depthwise,
    "depthwise_backward": depthwise_backward,
    "dropout": dropout,
    "dropout_backward": dropout,
    "gather_rows": gather_rows,
    "gelu": lambda rng: [*one_array(rng), flag(rng)],
    "gelu_backward": lambda rng: [*two_arrays(rng), flag(rng)],
    "gru": gru,
    "gru_backward": gru_backward,
    "global_norm": lambda rng: parameters(rng, 1),
    "lstm": lstm,
    "lstm_backward": lstm_backward,
    "matmul": matmul,
    "max_pool": max_pool,
    "max_pool_backward": max_pool_backward,
    "relu": one_array,
    "repeat_rows": repeat_rows,
    "relu_backward": two_arrays,
    "rmsprop": rmsprop,
    "rmsprop_rows": rmsprop_rows,
    "set_threads": lambda rng: [int(rng.integers(1, 4))],
    "set_winograd": lambda rng: [int(rng.choice([0, 2, 4]))],
    "sgd": sgd,
    "sgd_rows": sgd_rows,
    "shelf_clear": lambda rng: [],
    "silu": one_array,
    "silu_backward": two_arrays,
    "simple_rnn": simple_rnn,
    "simple_rnn_backward": simple_rnn_backward,
    "softmax_crossentropy": softmax_crossentropy,
    "softmax_crossentropy_backward": softmax_crossentropy_backward,
    "sum_by_row": sum_by_row,
    "sum_rows": sum_rows,
    "warp": warp,
}


def misaligned(a: np.ndarray) -> np.ndarray:
    raw = np.zeros(a.nbytes + 1, np.uint8)
    odd = raw[1 : 1 + a.nbytes].view(a.dtype).reshape(a.shape)
    odd[...] = a
    return odd


def damaged_array(rng: Rng, a: np.ndarray) -> Any:
    """A view, a copy with other properties, or another array; some still fit."""
    axis = int(rng.integers(a.ndim)) if a.ndim else 0
    ways: list[Callable[[], Any]] = [
        lambda: a.astype(rng.choice(np.array(["f8", "f2", ">f4", "i4", "i8", "u1", "?", "c8"]))),
        lambda: misaligned(a),
        lambda: np.asfortranarray(a),
        lambda: a[None],
        lambda: a.reshape(-1),
        lambda: a.tolist() if a.size < 1000 else "text",
        lambda: a.view(np.ma.MaskedArray),
        lambda: np.broadcast_to(a[..., :1], a.shape) if a.ndim and a.shape[-1] else a,
    ]
    if a.ndim:
        ways += [
            lambda: np.repeat(a, 2, axis=axis)[
                tuple(slice(None, None, 2) if i == axis else slice(None) for i in range(a.ndim))
            ],
            lambda: np.flip(a, axis),
            lambda: np.swapaxes(a, axis, -1),
            lambda: np.delete(a, 0, axis) if a.shape[axis] else a,
            lambda: np.repeat(a, 2, axis=axis),
            lambda: np.take(a, [], axis),
            lambda: a[0] if len(a) else a,
        ]
    changed = ways[rng.integers(len(ways))]()
    if isinstance(changed, np.ndarray) and rng.random() < 0.2:
        changed.flags.writeable = False
    return changed


def damaged(rng: Rng, value: Any) -> Any:
    strange: list[Any] = [
        None,
        "text",
        -1,
        2**31,
        2**63,
        2**70,
        2.5,
        float("nan"),
        (),
        [],
        (1, 1, 1),
        (1, -1, 2**40),
        True,
    ]
    if isinstance(value, np.ndarray) and rng.random() < 0.85:
        return damaged_array(rng, value)
    if isinstance(value, tuple) and value and rng.random() < 0.85:
        items = list(value)
        i = int(rng.integers(len(items)))
        if isinstance(items[i], int):
            items[i] = int(rng.choice([-(2**62), -1, 0, 1, 2, 3, 7, 100, 2**20, 2**31, 2**62]))
        else:
            items[i] = damaged(rng, items[i])
        return tuple(items) if rng.random() < 0.9 else items[:-1]
    if isinstance(value, int) and rng.random() < 0.5:
        return int(value) + int(rng.integers(-2, 3))
    return strange[rng.integers(len(strange))]


def call(native: Any, name: str, rng: Rng) -> str:
    """One random call; its outcome."""
    arguments = MAKERS[name](rng)
    if rng.random() < 0.6 and arguments:
        for _ in range(int(rng.integers(1, 4))):
            i = int(rng.integers(len(arguments)))
            arguments[i] = damaged(rng, arguments[i])
        if rng.random() < 0.03:
            arguments = arguments[:-1]
    if name == "set_threads":
        arguments = [min(4, int(a)) for a in arguments if isinstance(a, int)]
    try:
        result = getattr(native, name)(*arguments)
    except ALLOWED:
        return "error"
    if result is NotImplemented:
        return "refused"
    for part in result if isinstance(result, tuple) else (result,):
        if isinstance(part, np.ndarray):
            part.sum(dtype="f8")  # reads every element that was promised
    return "computed"


def main() -> None:
    parser = argparse.ArgumentParser(description="Random calls to every compiled function.")
    parser.add_argument("--calls", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--functions", default="", help="names, with commas between; else all")
    parser.add_argument("--only", type=int, default=None, help="the number of one call to repeat")
    options = parser.parse_args()
    native = kernels.native
    if native is None:
        sys.exit(f"no compiled kernels: {kernels.info()['why_not']}")
    present = {name for name in dir(native) if not name.startswith("_")} - NOT_FUNCTIONS
    unknown = sorted(present - MAKERS.keys())
    if unknown:
        print(f"no calls are made up for: {', '.join(unknown)}")
    names = sorted(present & MAKERS.keys())
    if options.functions:
        names = [name for name in options.functions.split(",") if name in names]
    warnings.simplefilter("ignore")  # NumPy's, of the casts that damage arrays
    counts: dict[str, Counter[str]] = {name: Counter() for name in names}
    for number in range(options.calls) if options.only is None else (options.only,):
        rng = np.random.default_rng((options.seed, number))
        if number % 500 == 0 or options.only is not None:
            isas = native.supported()
            native.select(isas[number // 500 % len(isas)])
        name = names[rng.integers(len(names))]
        try:
            with np.errstate(all="ignore"):
                counts[name][call(native, name, rng)] += 1
        except Exception as error:
            sys.exit(f"call {number} of seed {options.seed}, {name}: {type(error).__name__}: {error}")
    print(f"{'function':32}{'computed':>10}{'refused':>10}{'error':>10}")
    for name, seen in counts.items():
        print(f"{name:32}{seen['computed']:10}{seen['refused']:10}{seen['error']:10}")


if __name__ == "__main__":
    main()
