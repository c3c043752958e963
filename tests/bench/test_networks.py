"""The networks of the benchmark: what they compute, counted by hand, and what they are taught."""

from __future__ import annotations

import numpy as np
import pytest

from neurona.bench.worker.networks import GROWTH, NETWORKS, UNTIL, checked, dense, lesson, named, operations, words


def test_operations_by_hand() -> None:
    # 3x3 windows on 26x26 places of one channel, then on 11x11 of 32; the first layer wants no gradient to its input
    first, second, last = 26 * 26 * 9 * 32, 11 * 11 * 9 * 32 * 64, 5 * 5 * 64 * 10
    assert operations(NETWORKS["mnist-cnn"]) == 128 * 2 * (2 * first + 3 * second + 3 * last)
    # four gates read 32 numbers of a word and 64 of the state, 200 times; the words' vectors want their gradient
    assert operations(NETWORKS["lstm"]) == 32 * 2 * 3 * (200 * 4 * 64 * (32 + 64) + 64)
    # query, key, value and output, two dense layers, and two products of all places with all
    encoder = 128 * (4 * 64 * 64 + 2 * 64 * 128) + 2 * 128 * 128 * 64
    assert operations(NETWORKS["transformer"]) == 32 * 2 * 3 * (2 * encoder + 64)


def test_two_directions_are_twice_the_work() -> None:
    one = operations(words(10, 50, 8, ("lstm", 16)))
    both = operations(words(10, 50, 8, ("bilstm", 16, False)))
    assert both == pytest.approx(2 * one, rel=0.02)  # but for the last layer, which reads 32 numbers


def test_sizes_grow_by_their_factor() -> None:
    for what in ("batch of dnn-deep", "batch of mnist-cnn"):
        assert operations(GROWTH[what][4]) == 4 * operations(GROWTH[what][1])
    assert operations(named("length of lstm / 4")) == pytest.approx(
        4 * operations(named("length of lstm / 1")), rel=1e-3
    )


def test_every_name_is_found() -> None:
    assert named("lstm") is NETWORKS["lstm"]
    assert named("clothes") is UNTIL["clothes"][0]
    assert named("depth of dense layers / 2") is GROWTH["depth of dense layers"][2]


def test_a_lesson_is_the_same_each_time_and_can_be_learned() -> None:
    x, y = lesson(dense((8,)), 200)
    again, labels = lesson(dense((8,)), 200)
    assert np.array_equal(x, again)
    assert np.array_equal(y, labels)
    means = np.stack([x[y == k].mean(0) for k in range(10)])
    nearest = ((x[:, None] - means) ** 2).sum(-1).argmin(1)
    assert (nearest == y).mean() > 0.9
    x, y = lesson(words(20, 100, 8, ("mean",)), 100)
    assert x.dtype == "int32" and x.min() >= 0 and x.max() < 100
    assert x[y[:, 0] == 1].min() >= 25  # half of the words are seen in one class alone


def test_no_word_stands_twice_in_a_batch_that_is_checked() -> None:
    for name in ("lstm", "bilstm", "gru", "transformer"):
        network = NETWORKS[name]
        x, y = checked(network)
        assert len(x) == len(y) == network.batch * min(10, network.steps)
        for batch in x.reshape(-1, network.batch * network.shape[0]):
            assert len(np.unique(batch)) == batch.size
