"""The networks of the benchmark as a table, and what they are taught. Needs NumPy alone: every engine's environment has it.

A network is a list of parts. Each engine makes of them what its user would write: `keras_engine` for Neurona and Keras 3,
`torch_engine` for PyTorch. T is the number of words, V that of different words.

    dnn-small    784-128-10, relu, batch 32
    dnn-deep     784-512-256-128-10, relu, dropout 0.2, batch 128
    mnist-cnn    28x28x1, [3x3 convolution, relu, 2x2 pooling] of 32 and 64, dropout 0.5, dense 10, batch 128
    cifar-cnn    32x32x3, 3x3 convolutions of 32, 64 and 64 with relu, pooling between, dense 64, dense 10, batch 32
    vgg-bn       32x32x3, [3x3 same convolution, batch norm, relu] twice and pooling, of 64, 128, 256, dense 10, batch 128
    lstm         T = 200, V = 10,000, embedding 32, LSTM 64, dense 1, batch 32
    bilstm       T = 200, V = 20,000, embedding 128, two bidirectional LSTMs of 64, dense 1, batch 32
    gru          as lstm, with GRU 64
    transformer  T = 128, V = 10,000, embedding 64 and one for each position, twice [attention of 4 heads of 16, a dense
                 layer of 128 with relu and one of 64, each added and normalised], mean, dense 1, batch 32
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

Part = tuple[Any, ...]
Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Network:
    """A network and how it is trained.

    Attributes:
        shape: of a sample, without the batch; ``(T,)`` of word numbers where the first part is an embedding.
        batch: samples a step.
        steps: in one turn of the race.
        parts: its layers.
    """

    shape: tuple[int, ...]
    batch: int
    steps: int
    parts: tuple[Part, ...]

    @property
    def of_words(self) -> bool:
        """Whether it reads sequences of word numbers, and tells two classes apart."""
        return bool(self.parts[0][0] == "embedding")

    @property
    def of_pictures(self) -> bool:
        return len(self.shape) == 3

    def without_dropout(self) -> Network:
        """The same network, in which nothing is left to chance."""
        return replace(self, parts=tuple(part for part in self.parts if part[0] != "dropout"))


def dense(units: tuple[int, ...], dropout: float = 0.0, batch: int = 32, steps: int = 200) -> Network:
    """Dense layers with relu on 784 numbers, then ten classes."""
    parts: list[Part] = []
    for n in units:
        parts += [("dense", n, "relu")] + [("dropout", dropout)] * (dropout > 0)
    return Network((784,), batch, steps, (*parts, ("dense", 10, None)))


def words(length: int, vocabulary: int, width: int, *parts: Part, batch: int = 32, steps: int = 20) -> Network:
    """An embedding and what follows it, then one output."""
    return Network((length,), batch, steps, (("embedding", vocabulary, width), *parts, ("dense", 1, None)))


def _vgg() -> tuple[Part, ...]:
    parts: list[Part] = []
    for filters in (64, 128, 256):
        parts += [("conv", filters, "same", None, False), ("norm",), ("relu",)] * 2 + [("pool",)]
    return (*parts, ("mean",), ("dense", 10, None))


def _conv(filters: int) -> Part:
    return ("conv", filters, "valid", "relu", True)


NETWORKS: dict[str, Network] = {
    "dnn-small": dense((128,)),
    "dnn-deep": dense((512, 256, 128), 0.2, batch=128, steps=60),
    "mnist-cnn": Network(
        (28, 28, 1), 128, 20,
        (_conv(32), ("pool",), _conv(64), ("pool",), ("flatten",), ("dropout", 0.5), ("dense", 10, None)),
    ),
    "cifar-cnn": Network(
        (32, 32, 3), 32, 40,
        (
            _conv(32), ("pool",), _conv(64), ("pool",), _conv(64), ("flatten",), ("dense", 64, "relu"), ("dense", 10, None),
        ),
    ),
    "vgg-bn": Network((32, 32, 3), 128, 3, _vgg()),
    "lstm": words(200, 10_000, 32, ("lstm", 64)),
    "bilstm": words(200, 20_000, 128, ("bilstm", 64, True), ("bilstm", 64, False), steps=6),
    "gru": words(200, 10_000, 32, ("gru", 64)),
    "transformer": words(128, 10_000, 64, ("positions",), ("encoder", 4, 16, 128), ("encoder", 4, 16, 128), ("mean",)),
}  # fmt: skip

#: What grows -> the network at 1, 2 and 4 times the size. Products of dense layers grow with the square of their width.
GROWTH: dict[str, dict[int, Network]] = {
    "width of dense layers": {k: dense((256 * k, 256 * k), batch=128, steps=60 // k) for k in (1, 2, 4)},
    "depth of dense layers": {k: dense((256,) * (2 * k), batch=128, steps=60) for k in (1, 2, 4)},
    "batch of dnn-deep": {k: dense((512, 256, 128), 0.2, batch=128 * k, steps=60 // k) for k in (1, 2, 4)},
    "filters of mnist-cnn": {
        k: Network(
            (28, 28, 1), 128, 20 // k,
            (_conv(32 * k), ("pool",), _conv(64 * k), ("pool",), ("flatten",), ("dense", 10, None)),
        )
        for k in (1, 2, 4)
    },
    "batch of mnist-cnn": {k: replace(NETWORKS["mnist-cnn"], batch=128 * k, steps=20 // k) for k in (1, 2, 4)},
    "length of lstm": {k: words(100 * k, 10_000, 32, ("lstm", 64), steps=24 // k) for k in (1, 2, 4)},
    "width of lstm": {k: words(200, 10_000, 32, ("lstm", 64 * k), steps=24 // k) for k in (1, 2, 4)},
    "length of transformer": {
        k: words(64 * k, 10_000, 64, ("positions",), ("encoder", 4, 16, 128), ("mean",), steps=24 // k)
        for k in (1, 2, 4)
    },
}  # fmt: skip

#: Data set -> the network that learns it until it has this accuracy on the test set.
UNTIL: dict[str, tuple[Network, float]] = {
    "clothes": (dense((256, 128), batch=64), 0.88),
    "digits": (NETWORKS["mnist-cnn"], 0.99),
    "objects": (replace(NETWORKS["cifar-cnn"], batch=64), 0.70),
    "reviews": (words(256, 10_000, 16, ("mean",)), 0.87),
}


def named(name: str) -> Network:
    """The network called `name`: one of `NETWORKS`, of `UNTIL`, or ``GROWTH / k``.

    >>> named("length of lstm / 4").shape
    (400,)
    """
    if name in NETWORKS:
        return NETWORKS[name]
    if name in UNTIL:
        return UNTIL[name][0]
    what, _, factor = name.rpartition(" / ")
    return GROWTH[what][int(factor)]


def lesson(network: Network, samples: int) -> tuple[Array, Array]:
    """Something to learn, the same for all engines: ten classes of noisy patterns, or two classes that share half of
    their words."""
    rng = np.random.default_rng(0)
    if network.of_words:
        vocabulary = network.parts[0][1]
        labels = rng.integers(0, 2, samples)
        x = rng.integers(0, vocabulary // 2, (samples, *network.shape)) + labels[:, None] * (vocabulary // 4)
        return x.astype("int32"), labels[:, None].astype("float32")
    labels = rng.integers(0, 10, samples)
    patterns = rng.random((10, *network.shape), "float32")
    noise = rng.standard_normal((samples, *network.shape), "float32")
    return patterns[labels] + noise, labels.astype("int32")


def checked(network: Network) -> tuple[Array, Array]:
    """The samples of the first steps, after which all engines must have the same loss: of the lesson.

    Of words none stands twice in a batch, as far as there are enough: where one does, Keras on TensorFlow squares each part of
    its gradient for Adam, and the others the sum.
    """
    steps = min(10, network.steps)
    x, y = lesson(network, steps * network.batch)
    if network.of_words:
        rng, size = np.random.default_rng(1), network.batch * network.shape[0]
        drawn = [np.resize(rng.permutation(network.parts[0][1]), size) for _ in range(steps)]
        x = np.concatenate(drawn).reshape(x.shape).astype(x.dtype)
    return x, y


def operations(network: Network) -> float:
    """Additions and multiplications of one training step in the products of its layers, counted as plain sums.

    Forwards once, backwards once to the weights and once to the input; the first layer that has weights needs no gradient
    to its input. What else happens (activations, normalisation, softmax, the optimizer) is not counted.

    >>> operations(dense((128,), batch=1)) == 2 * (2 * 784 * 128 + 3 * 128 * 10)
    True
    """
    shape = network.shape
    total, first = 0.0, True
    for kind, *told in network.parts:
        products = 0.0  # multiplications a sample, forwards
        if kind == "dense":
            products, shape = shape[-1] * told[0], (told[0],)
        elif kind == "conv":
            filters, padding = told[0], told[1]
            height, width = (n if padding == "same" else n - 2 for n in shape[:2])
            products, shape = height * width * 9 * shape[2] * filters, (height, width, filters)
        elif kind == "pool":
            shape = (shape[0] // 2, shape[1] // 2, shape[2])
        elif kind == "flatten":
            shape = (int(np.prod(shape)),)
        elif kind == "mean":
            shape = shape[-1:]
        elif kind == "embedding":
            shape, first = (*shape, told[1]), False  # its rows want the gradient of what follows
        elif kind in ("lstm", "gru", "bilstm"):
            length, width = shape
            units, gates, both = told[0], 3 if kind == "gru" else 4, 2 if kind == "bilstm" else 1
            products = both * length * gates * units * (width + units)
            shape = (length, both * units) if kind == "bilstm" and told[1] else (both * units,)
        elif kind == "encoder":
            length, width = shape
            heads, size, hidden = told
            products = length * (4 * width * heads * size + 2 * width * hidden) + 2 * length * length * heads * size
        if products:
            total += products * (2 if first else 3)
            first = False
    return 2 * total * network.batch
