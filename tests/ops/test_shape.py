"""Ops that arrange, join, cut, index and make tensors: against NumPy, loops and each other."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from neurona import KerasTensor, Tape, Tensor, Variable, ops
from neurona.errors import ArgumentError, ShapeError

QUICK = settings(max_examples=60, deadline=None, derandomize=True)
SHAPES = hnp.array_shapes(min_dims=1, max_dims=3, min_side=0, max_side=4)


def counting(*shape: int) -> np.ndarray:
    return np.arange(np.prod(shape), dtype="float32").reshape(shape)


def slope(function: Any, x: Any, g: Any = None) -> np.ndarray:
    t = Tensor(x)
    with Tape() as tape:
        tape.watch(t)
        y = function(t)
    return tape.gradient(y, t, np.ones(y.shape) if g is None else g).numpy()  # type: ignore[no-any-return]


# -- arranging -----------------------------------------------------------------------------------------------


@QUICK
@given(SHAPES, st.data())
def test_arrangements_are_numpys(shape: tuple[int, ...], data: Any) -> None:
    x = counting(*shape)
    axis = data.draw(st.integers(-x.ndim, x.ndim - 1))
    order = tuple(data.draw(st.permutations(range(x.ndim))))
    shift = data.draw(st.integers(-5, 5))
    pairs = [
        (ops.transpose(x), x.T),
        (ops.transpose(x, order), x.transpose(order)),
        (ops.ravel(x), x.ravel()),
        (ops.flip(x), np.flip(x)),
        (ops.flip(x, axis), np.flip(x, axis)),
        (ops.roll(x, shift), np.roll(x, shift)),
        (ops.roll(x, shift, axis), np.roll(x, shift, axis)),
        (ops.moveaxis(x, axis, 0), np.moveaxis(x, axis, 0)),
        (ops.swapaxes(x, axis, 0), np.swapaxes(x, axis, 0)),
        (ops.expand_dims(x, axis), np.expand_dims(x, axis)),
        (ops.repeat(x, 2, axis), np.repeat(x, 2, axis)),
        (ops.tile(x, (2, 3)), np.tile(x, (2, 3))),
        (ops.reshape(x, x.shape[::-1]), x.reshape(x.shape[::-1])),
        (ops.squeeze(x[None], 0), x),
        (ops.pad(x, 1), np.pad(x, 1)),
        (ops.stack([x, x], axis), np.stack([x, x], axis)),
        (ops.concatenate([x, x], axis), np.concatenate([x, x], axis)),
    ]
    for got, wanted in pairs:
        np.testing.assert_array_equal(got.numpy(), wanted)
        assert got.shape == wanted.shape
        assert got.dtype == "float32"


@QUICK
@given(SHAPES, st.integers(-4, 4))
def test_rolling_back_gives_the_same(shape: tuple[int, ...], shift: int) -> None:
    x = counting(*shape)
    np.testing.assert_array_equal(ops.roll(ops.roll(x, shift, -1), -shift, -1).numpy(), x)


@pytest.mark.parametrize("k", range(-2, 6))
def test_rot90_is_numpys_and_four_turns_are_none(k: int) -> None:
    x = counting(2, 3)
    np.testing.assert_array_equal(ops.rot90(x, k).numpy(), np.rot90(x, k))
    np.testing.assert_array_equal(ops.rot90(ops.rot90(x, k), -k).numpy(), x)


def test_ranges_and_shapes_are_views() -> None:
    x = Tensor(counting(4, 3))
    for y in (
        x[1:3],
        x[:, 0],
        ops.reshape(x, (3, 4)),
        ops.transpose(x),
        ops.expand_dims(x, 0),
        ops.split(x, 2)[1],
    ):
        assert np.shares_memory(x.data, y.data)
    assert not np.shares_memory(x.data, x[[0, 1]].data)


def test_reshape_with_open_axes() -> None:
    x = KerasTensor((None, 4))
    assert ops.reshape(x, (-1, 8)).shape == (None, 8)
    assert ops.reshape(x, (None, 2, 2)).shape == (None, 2, 2)
    assert ops.reshape(x, (ops.shape(x)[0], -1)).shape == (None, 4)
    assert ops.reshape(KerasTensor((2, 6)), (3, -1)).shape == (3, 4)
    assert ops.reshape(counting(3, 4), (None, 2, 2)).shape == (3, 2, 2)
    assert ops.reshape(counting(3, 2, 2), (None, -1)).shape == (3, 4)
    assert ops.reshape(counting(3, 2, 2), -1).shape == (12,)
    with pytest.raises(ShapeError, match="as many numbers"):
        ops.reshape(KerasTensor((2, 6)), (5, -1))
    with pytest.raises(ShapeError, match="as many numbers"):
        ops.reshape(counting(2, 3), (-1, -1))


def test_a_drawn_reshape_is_replayed() -> None:
    x = KerasTensor((None, 4))
    y = ops.reshape(x, (-1, 2))
    assert y.node is not None
    assert y.node.operation(counting(3, 4), *y.node.args[1:]).shape == (6, 2)


def test_broadcast_to_and_its_gradient() -> None:
    np.testing.assert_array_equal(ops.broadcast_to([[1.0], [2.0]], (2, 2, 3)).numpy()[1], [[1, 1, 1], [2, 2, 2]])
    np.testing.assert_array_equal(slope(lambda t: ops.broadcast_to(t, (2, 2, 3)), [[1.0], [2.0]]), [[6], [6]])
    assert ops.broadcast_to(1.5, (2,)).tolist() == [1.5, 1.5]


def test_repeat_tile_and_pad_gradients_by_hand() -> None:
    np.testing.assert_array_equal(slope(lambda t: ops.repeat(t, [0, 2, 3]), [1.0, 2.0, 3.0]), [0, 2, 3])
    np.testing.assert_array_equal(slope(lambda t: ops.tile(t, (2, 2)), [1.0, 2.0]), [4, 4])
    reflected = slope(lambda t: ops.pad(t, 1, mode="reflect"), [1.0, 2.0, 3.0], np.array([1.0, 10, 100, 1000, 10000]))
    np.testing.assert_array_equal(reflected, [10, 10101, 1000])  # 2 1 2 3 2: each end mirrors the middle
    np.testing.assert_array_equal(slope(lambda t: ops.pad(t, (2, 1)), [1.0, 2.0], np.arange(5.0)), [2, 3])


@pytest.mark.parametrize("mode", ["reflect", "symmetric"])
def test_pad_modes_are_numpys(mode: str) -> None:
    x = counting(3, 4)
    np.testing.assert_array_equal(ops.pad(x, ((1, 2), (0, 2)), mode).numpy(), np.pad(x, ((1, 2), (0, 2)), mode))


# -- joining and cutting -------------------------------------------------------------------------------------


@QUICK
@given(st.integers(1, 4), st.integers(1, 4), st.integers(0, 3))
def test_split_undoes_concatenate(parts: int, length: int, width: int) -> None:
    pieces = [counting(length, width) + i for i in range(parts)]
    whole = ops.concatenate(pieces)
    back = ops.split(whole, parts)
    assert isinstance(back, list)
    assert len(back) == parts
    for got, wanted in zip(back, pieces, strict=True):
        np.testing.assert_array_equal(got.numpy(), wanted)


def test_split_unstack_and_friends() -> None:
    x = counting(4, 3)
    assert [p.shape for p in ops.split(x, [1, 3])] == [(1, 3), (2, 3), (1, 3)]
    assert [p.shape for p in ops.split(x, Tensor([1, 3]))] == [(1, 3), (2, 3), (1, 3)]
    assert [p.shape for p in ops.array_split(x, 3)] == [(2, 3), (1, 3), (1, 3)]
    assert [p.tolist() for p in ops.unstack(x, axis=1)] == x.T.tolist()
    assert [p.shape for p in ops.hsplit(x, 3)] == [(4, 1)] * 3
    assert [p.shape for p in ops.vsplit(x, 2)] == [(2, 3)] * 2
    for name in ("hstack", "vstack", "dstack"):
        for parts in ([x, x], [x[0], x[1]], [np.float32(1), np.float32(2)]):
            np.testing.assert_array_equal(getattr(ops, name)(parts).numpy(), getattr(np, name)(parts))


def test_gradient_of_an_unused_piece_is_zero() -> None:
    np.testing.assert_array_equal(slope(lambda t: ops.split(t, 3)[1] * 2, [1.0, 2.0, 3.0]), [0, 2, 0])
    np.testing.assert_array_equal(slope(lambda t: ops.unstack(t)[2] * 5, [1.0, 2.0, 3.0]), [0, 0, 5])


def test_joining_brings_types_together() -> None:
    assert ops.concatenate([np.ones(2, "int32"), np.ones(2, "float32")]).dtype == "float32"
    assert ops.stack([1, 2.5]).tolist() == [1, 2.5]
    assert ops.concatenate([KerasTensor((None, 2)), KerasTensor((None, 3))], axis=1).shape == (None, 5)
    assert [p.shape for p in ops.split(KerasTensor((None, 4)), 2, axis=1)] == [(None, 2)] * 2


# -- indexing ------------------------------------------------------------------------------------------------

KEYS: list[Any] = [
    1,
    -1,
    slice(1, None),
    slice(None, None, -2),
    (slice(None), 0),
    (..., 1),
    None,
    (0, None, slice(1, 3)),
    ...,
    [2, 0, 2],
    np.array([[0, 1], [1, 1]]),
    np.array([True, False, True]),
    (slice(None), [0, 3]),
    ([0, 2], [1, 1]),
    (slice(None), np.array([True, False, True, False])),
    (),
    (np.array([], int),),
    np.eye(3, 4) > 0,
]


@pytest.mark.parametrize("key", KEYS, ids=repr)
def test_indexing_and_its_gradient_against_a_count(key: Any) -> None:
    x = counting(3, 4)
    wanted = x[tuple(key)] if isinstance(key, tuple) else x[key]
    np.testing.assert_array_equal(Tensor(x)[key].numpy(), wanted)
    places, counts = np.unique(wanted, return_counts=True)  # how often each number was taken
    taken = np.zeros(12)
    taken[places.astype(int)] = counts
    np.testing.assert_array_equal(slope(lambda t: t[key], x), taken.reshape(3, 4))


def test_tensors_as_places() -> None:
    x = Tensor(counting(3, 4))
    i = Tensor([2, 0])
    np.testing.assert_array_equal(x[i].numpy(), x.data[[2, 0]])
    np.testing.assert_array_equal(x[Tensor(1)].numpy(), x.data[1])
    np.testing.assert_array_equal(x[x > 5].numpy(), x.data[x.data > 5])
    np.testing.assert_array_equal(x[:, i].numpy(), x.data[:, [2, 0]])
    assert len(list(x)) == 3


def test_blocks() -> None:
    x = counting(3, 4)
    np.testing.assert_array_equal(ops.slice(x, (1, 2), (2, 2)).numpy(), x[1:3, 2:4])
    np.testing.assert_array_equal(ops.slice(x, Tensor([0, 1]), (-1, 2)).numpy(), x[:, 1:3])
    updated = ops.slice_update(Tensor(x), (1, 1), -np.ones((2, 2), "float32"))
    expected = x.copy()
    expected[1:3, 1:3] = -1
    np.testing.assert_array_equal(updated.numpy(), expected)
    np.testing.assert_array_equal(x, counting(3, 4))


# -- diagonals, triangles, grids -----------------------------------------------------------------------------


@pytest.mark.parametrize("k", [-2, -1, 0, 1, 3])
def test_diagonals_and_triangles_are_numpys(k: int) -> None:
    x = counting(3, 4)
    for name in ("diag", "diagonal", "tril", "triu"):
        np.testing.assert_array_equal(getattr(ops, name)(x, k).numpy(), getattr(np, name)(x, k))
    np.testing.assert_array_equal(ops.diag(x[0], k).numpy(), np.diag(x[0], k))
    np.testing.assert_array_equal(slope(lambda t: ops.diagonal(t, k), x), np.eye(3, 4, k))
    np.testing.assert_array_equal(slope(lambda t: ops.diag(t, k), x), np.eye(3, 4, k))


@pytest.mark.parametrize("indexing", ["xy", "ij"])
def test_meshgrid_is_numpys(indexing: Any) -> None:
    vectors = [counting(2), counting(3), counting(4)]
    for number in range(4):
        got = ops.meshgrid(*vectors[:number], indexing=indexing)
        for a, b in zip(got, np.meshgrid(*vectors[:number], indexing=indexing), strict=True):
            np.testing.assert_array_equal(a.numpy(), b)


# -- making and asking ---------------------------------------------------------------------------------------


def test_made_tensors_and_their_types() -> None:
    assert ops.zeros((2, 0)).shape == (2, 0)
    assert ops.ones(3).tolist() == [1, 1, 1]
    assert ops.full((2,), 3).dtype == "float32"
    assert ops.full((2,), [1, 2]).tolist() == [1, 2]
    assert ops.zeros_like(np.ones(2, "int8")).dtype == "int8"
    assert ops.full_like(Tensor([1, 2]), 2.5).tolist() == [2, 2]
    assert ops.arange(5).dtype == "int32"
    assert ops.arange(5.0).dtype == "float32"
    assert ops.arange(1, 2, 0.25).tolist() == [1, 1.25, 1.5, 1.75]
    assert ops.arange(5, 0, -2).tolist() == [
        5,
        3,
        1,
    ]
    assert ops.linspace(0, 10, 5).tolist() == [0, 2.5, 5, 7.5, 10]
    assert ops.linspace(0, 1, 2).dtype == "float32"
    values, step = ops.linspace(0, 1, 4, endpoint=False, retstep=True)
    assert values.tolist() == [0, 0.25, 0.5, 0.75]
    assert step.item() == 0.25
    assert ops.eye(2, 3, 1).tolist() == [[0, 1, 0], [0, 0, 1]]
    assert ops.identity(2, "int32").dtype == "int32"
    assert ops.tri(2, 3).tolist() == [[1, 0, 0], [1, 1, 0]]
    assert ops.zeros(Tensor([2, 3])).shape == (2, 3)


def test_conversions() -> None:
    x = Tensor([1.0, 2.0])
    assert ops.convert_to_tensor(x) is x
    assert ops.convert_to_tensor(3).dtype == "int32"
    assert ops.convert_to_tensor(np.ones(2)).dtype == "float64"
    assert ops.convert_to_tensor([x, x]).shape == (2, 2)
    assert ops.array([1, 2], "float16").dtype == "float16"
    copied = ops.convert_to_numpy(x)
    copied[0] = 9
    assert x.tolist() == [1, 2]
    assert type(copied) is np.ndarray
    assert ops.is_tensor(x)
    assert ops.is_tensor(Variable([1.0]))
    assert not ops.is_tensor(copied)
    with pytest.raises(ArgumentError, match="no values yet"):
        ops.convert_to_numpy(KerasTensor((2,)))


def test_questions() -> None:
    x = KerasTensor((None, 3))
    assert ops.shape(x) == (None, 3)
    assert ops.ndim(x) == 2
    assert ops.dtype(x) == "float32"
    assert ops.size(counting(2, 3)).item() == 6
    assert ops.shape([[1, 2]]) == (1, 2)


def test_errors() -> None:
    x = counting(2, 3)
    with pytest.raises(ShapeError, match="axes of length 1"):
        ops.squeeze(x, 0)
    with pytest.raises(ShapeError, match=r"equal but for axis 0. Received: \(2, 3\), \(2, 2\)"):
        ops.concatenate([x, x[:, :2]])
    with pytest.raises(ShapeError, match="divide the axis evenly"):
        ops.split(x, 2, axis=1)
    with pytest.raises(ShapeError, match="each axis once"):
        ops.transpose(x, (0, 0))
    with pytest.raises(ShapeError, match="no such part"):
        Tensor(x)[2]
    with pytest.raises(ArgumentError, match="mode"):
        ops.pad(x, 1, "wrap")
    with pytest.raises(ArgumentError, match="'xy' or 'ij'"):
        ops.meshgrid(x[0], indexing="yx")
