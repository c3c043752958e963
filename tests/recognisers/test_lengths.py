"""Batches by length: every text once, little padding, an order that follows from seed and epoch, exact resuming."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neurona import layers
from neurona.datasets import Tokens
from neurona.errors import ArgumentError
from neurona.models import Sequential
from neurona.recognisers.lengths import ByLength, InOrder, Lengths, cut, padded, rungs
from neurona.recognisers.showing import Turn
from neurona.training.callbacks import LambdaCallback
from neurona.training.checkpoint import Checkpoint, Interrupted


def texts_of(lengths: list[int]) -> Tokens:
    """Text i has the words 10 i + 10, ..., all different."""
    return Tokens.of([[1000 * i + k + 1 for k in range(length)] for i, length in enumerate(lengths)])


@pytest.mark.parametrize("longest", [1, 15, 16, 17, 100, 200, 400, 513, 1000, 2500])
def test_rungs_rise_to_the_longest_and_are_few(longest: int) -> None:
    found = rungs(longest)
    assert found[-1] == longest and (np.diff(found) > 0).all() and len(found) <= 14
    assert (found[:-1] % 16 == 0).all()
    if len(found) > 3:  # after the first few, neighbours differ by less than a third
        assert (np.diff(found) / found[1:])[5:].max(initial=0) < 0.3


@given(
    st.lists(st.integers(0, 30), min_size=0, max_size=12),
    st.integers(1, 12),
    st.sampled_from(["beginning", "end", "both"]),
)
def test_cut_is_what_slices_do(lengths: list[int], longest: int, keep: str) -> None:
    tokens = texts_of(lengths)
    found = cut(tokens, longest, keep)
    assert len(found) == len(lengths)
    head = {"beginning": longest, "end": 0, "both": longest - longest // 2}[keep]
    for i, whole in enumerate(map(list, tokens)):
        expected = whole
        if len(whole) > longest:
            expected = whole[:head] + whole[len(whole) - (longest - head) :]
        assert list(found[i]) == expected


@pytest.mark.parametrize("longest", [0, -1, 100_001, 10**9])
def test_lengths_that_cannot_be_are_refused(longest: int) -> None:
    with pytest.raises(ArgumentError, match=f"from 1 to 100000. Received: longest={longest}"):
        Lengths(longest=longest)
    assert len(rungs(100_000)) <= 14


def test_padding_behind_and_in_front() -> None:
    tokens = Tokens.of([[1, 2, 3], [], [4]])
    assert padded(tokens, [0, 2, 1], 4).tolist() == [[1, 2, 3, 0], [4, 0, 0, 0], [0, 0, 0, 0]]
    assert padded(tokens, [2, 0], 3, front=True).tolist() == [[0, 0, 4], [1, 2, 3]]


def walked(shown: ByLength, epoch: int) -> list[tuple[np.ndarray, np.ndarray]]:
    Turn(shown).on_epoch_begin(epoch)
    return [shown[i] for i in range(len(shown))]


LENGTHS = np.random.default_rng(0).integers(1, 200, 403).tolist()


def test_every_text_once_beside_texts_of_its_length() -> None:
    tokens = texts_of(LENGTHS)
    shown = ByLength(tokens, np.arange(403), 16, 7, Lengths(longest=128))
    orders = []
    for epoch in range(3):
        batches = walked(shown, epoch)
        numbers = np.concatenate([y for _x, y in batches])
        assert sorted(numbers) == list(range(403))
        orders.append(numbers.tolist())
        assert sorted(len(y) for _x, y in batches)[:2] == [3, 16]
        smaller = next(x for x, y in batches if len(y) == 3)
        assert smaller.shape == (3, 128)  # the same shape in every epoch
        for x, y in batches:
            assert x.dtype == np.int32 and x.shape[1] in rungs(128)
            for row, i in zip(x, y, strict=True):
                own = row[row != 0]
                assert np.array_equal(own, cut(tokens, 128)[int(i)]) and not row[len(own) :].any()
        words = sum(min(n, 128) for n in LENGTHS)
        assert sum(x.size for x, _y in batches) < 1.25 * words  # at random places it would be 1.5
    assert orders[0] != orders[1] != orders[2]
    again = ByLength(tokens, np.arange(403), 16, 7, Lengths(longest=128))
    assert np.concatenate([y for _x, y in walked(again, 2)]).tolist() == orders[2]
    other = ByLength(tokens, np.arange(403), 16, 8, Lengths(longest=128))
    assert np.concatenate([y for _x, y in walked(other, 2)]).tolist() != orders[2]


def test_fixed_lengths_in_front_as_in_keras() -> None:
    shown = ByLength(texts_of([3, 50, 7]), np.arange(3), 2, 0, Lengths(20, "end", "front", True))
    for x, _y in walked(shown, 0):
        assert x.shape[1] == 20 and (x[:, -1] != 0).all()


def test_in_order_restores_the_order() -> None:
    tokens = texts_of(LENGTHS)
    batches = InOrder(tokens, Lengths(longest=64), batch_size=50)
    first = np.concatenate([x[:, 0] for (x,) in batches])
    assert np.array_equal(batches.restored(first), [1000 * i + 1 for i in range(403)])
    widths = [x.shape[1] for (x,) in batches]
    assert widths == sorted(widths)
    judged = InOrder(tokens, Lengths(longest=64), np.arange(403), batch_size=50)
    assert np.array_equal(judged.restored(np.concatenate([y for _x, y in judged])), np.arange(403))
    nothing = InOrder(Tokens.of([]), Lengths())
    assert len(nothing) == 0 and nothing.restored(np.empty(0)).shape == (0,)


@pytest.mark.parametrize("wrong", [{"longest": 0}, {"keep": "middle"}, {"padding": "around"}])
def test_impossible_lengths_are_told(wrong: dict[str, object]) -> None:
    with pytest.raises(ArgumentError, match=f"{next(iter(wrong))}.*Received"):
        Lengths(**wrong)  # type: ignore[arg-type]


def test_a_training_stopped_within_an_epoch_goes_on_with_the_next_batch(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    tokens = Tokens.of([rng.integers(3, 9, n).tolist() for n in rng.integers(1, 40, 60)])
    classes = (np.arange(60) % 2).astype("uint8")

    def begun() -> tuple[Sequential, ByLength]:
        model = Sequential(
            [
                layers.Input((None,), dtype="int32"),
                layers.Embedding(9, 3, mask_zero=True, embeddings_initializer="ones"),
                layers.GlobalAveragePooling1D(),
                layers.Dense(1, activation="sigmoid", kernel_initializer="ones"),
            ]
        )
        model.compile("adam", "binary_crossentropy")
        return model, ByLength(tokens, classes, 8, 3, Lengths(longest=32))

    def fit(folder: Path, stop: tuple[int, int] | None) -> Sequential:
        model, shown = begun()
        np.random.seed(0)
        at = [0]
        checkpoint = Checkpoint(folder)

        def after(batch: int, logs: object) -> None:
            if (at[0], batch) == stop:
                checkpoint._asked = 15

        told = LambdaCallback(on_epoch_begin=lambda epoch, logs: at.__setitem__(0, epoch), on_train_batch_end=after)
        model.fit(shown, epochs=3, verbose=0, callbacks=[Turn(shown), told, checkpoint])
        return model

    straight = fit(tmp_path / "a", None)
    with pytest.raises(Interrupted):
        fit(tmp_path / "b", (1, 3))
    resumed = fit(tmp_path / "b", None)
    for one, other in zip(straight.get_weights(), resumed.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
