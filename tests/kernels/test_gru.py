"""The GRU and plain recurrent neurons against their NumPy references: sizes, masks, factors, directions, threads, sets."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from neurona import kernels
from neurona.errors import ArgumentError
from neurona.ops.fused import gru, simple_rnn
from neurona.tape import Op

SIZES = [  # N, T, D, U
    (1, 1, 1, 1),
    (2, 3, 5, 7),
    (3, 1, 33, 2),
    (5, 40, 1, 16),
    (7, 6, 17, 33),
    (13, 20, 64, 9),
    (70, 5, 3, 20),
    (300, 3, 4, 5),
    (2, 140, 3, 8),
    (3, 4, 350, 110),
]
KINDS: list[tuple[Op, dict[str, Any]]] = [
    (gru, {"reset_after": True}),
    (gru, {"reset_after": False}),
    (simple_rnn, {"activation": "tanh"}),
    (simple_rnn, {"activation": "relu"}),
    (simple_rnn, {"activation": "sigmoid"}),
    (simple_rnn, {"activation": "linear"}),
]
IDS = ["gru", "gru-reset-before", "tanh", "relu", "sigmoid", "linear"]


def drawn(seed: int, *shape: int, scale: float = 0.5) -> np.ndarray:
    return (np.random.default_rng(seed).standard_normal(shape) * scale).astype(np.float32)


def layer(
    op: Op, settings: dict[str, Any], n: int, t: int, d: int, u: int, bias: bool, masked: bool, factors: bool
) -> list[Any]:
    parts, rng = 3 if op is gru else 1, np.random.default_rng(n + t + d + u)
    bias_shape = (2, parts * u) if settings.get("reset_after") else (parts * u,)
    mask = rng.random((n, t)) < 0.6
    if n > 2:
        mask[0], mask[1] = True, False  # a sequence of full length and one that is all padding
    return [
        drawn(1, n, t, d),
        drawn(2, d, parts * u),
        drawn(3, u, parts * u, scale=0.3 / max(1.0, np.sqrt(u))),
        drawn(4, *bias_shape) if bias else None,
        drawn(5, n, u),
        mask if masked else None,
        (np.abs(drawn(6, n, u)) + 0.5) if factors else None,
    ]


def both_ways(op: Op, arguments: list[Any], settings: dict[str, Any]) -> list[np.ndarray | None]:
    """What leaves forward, then every gradient."""
    y = op.compute(arguments, settings)
    outputs = y if isinstance(y, tuple) else (y,)
    g = tuple(drawn(10 + i, *part.shape) for i, part in enumerate(outputs))
    needs = [a is not None and a.dtype.kind == "f" for a in arguments]
    return [*outputs, *op.backward(g if isinstance(y, tuple) else g[0], y, arguments, settings, needs)]


def reference(op: Op, arguments: list[Any], settings: dict[str, Any]) -> list[np.ndarray | None]:
    """The NumPy path in float64."""
    wide = [a.astype("f8") if a is not None and a.dtype.kind == "f" else a for a in arguments]
    with kernels.disabled():
        return both_ways(op, wide, settings)


def assert_agree(got: list[np.ndarray | None], wanted: list[np.ndarray | None]) -> None:
    for ours, theirs in zip(got, wanted, strict=True):
        if theirs is None:
            assert ours is None
            continue
        assert ours is not None and ours.dtype == np.float32 and ours.shape == theirs.shape
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-5 * max(1.0, float(np.abs(theirs).max(initial=0))))


@pytest.mark.parametrize(("op", "settings"), KINDS, ids=IDS)
def test_agrees_with_the_reference(native: Any, op: Op, settings: dict[str, Any]) -> None:
    for i, sizes in enumerate(SIZES if op is gru else SIZES[2:6]):
        for choice in ((True, False, i % 2 == 0), (False, True, i % 2 == 1), (True, True, True)):
            arguments = layer(op, settings, *sizes, *choice)
            wanted = reference(op, arguments, {**settings, "backwards": choice[1]})
            for isa in native.supported():
                native.select(isa)
                assert_agree(both_ways(op, arguments, {**settings, "backwards": choice[1]}), wanted)


@pytest.mark.parametrize(("op", "settings"), KINDS, ids=IDS)
def test_empty_axes_and_other_types_go_to_the_reference(native: Any, op: Op, settings: dict[str, Any]) -> None:
    for sizes in ((0, 3, 2, 4), (2, 0, 2, 4), (2, 3, 0, 4), (2, 3, 2, 0)):
        arguments = layer(op, settings, *sizes, True, True, False)
        assert_agree(both_ways(op, arguments, settings), reference(op, arguments, settings))
    arguments = layer(op, settings, 3, 4, 2, 5, True, True, True)
    last = next(iter(settings.values())) if op is gru else 2
    function = getattr(native, op.name)
    assert function(*arguments, last, False) is not NotImplemented
    for i in range(len(arguments)):
        for changed in (arguments[i].astype("f8"), arguments[i][..., :-1], np.asfortranarray(arguments[i])[::-1]):
            assert function(*[changed if k == i else a for k, a in enumerate(arguments)], last, False) is NotImplemented


@pytest.mark.parametrize(("op", "settings"), KINDS[:3], ids=IDS[:3])
@pytest.mark.parametrize("masked", [True, False])
def test_threads_change_no_bit(each_isa: Any, op: Op, settings: dict[str, Any], masked: bool) -> None:
    for sizes in ((33, 20, 17, 24), (300, 4, 5, 33)):
        arguments = layer(op, settings, *sizes, True, masked, True)

        def run(threads: int, arguments: list[Any] = arguments) -> list[np.ndarray | None]:
            each_isa.set_threads(threads)
            return both_ways(op, arguments, settings)

        for one, two, three in zip(run(1), run(2), run(3), strict=True):
            np.testing.assert_array_equal(one, two)
            np.testing.assert_array_equal(one, three)


@pytest.mark.parametrize(("op", "settings"), KINDS[:3], ids=IDS[:3])
def test_a_sequence_does_not_feel_its_neighbours(each_isa: Any, op: Op, settings: dict[str, Any]) -> None:
    arguments = layer(op, settings, 9, 6, 5, 11, True, True, True)
    whole = op.compute(arguments, settings)
    alone = op.compute([a[4:5] if i in (0, 4, 5, 6) else a for i, a in enumerate(arguments)], settings)
    for ours, theirs in zip(
        whole if isinstance(whole, tuple) else [whole], alone if isinstance(alone, tuple) else [alone], strict=True
    ):
        np.testing.assert_array_equal(ours[4:5], theirs)


@pytest.mark.parametrize(("op", "settings"), KINDS[:3], ids=IDS[:3])
def test_padding_is_no_matter_of_its_content(each_isa: Any, op: Op, settings: dict[str, Any]) -> None:
    """What stands in a masked step, even NaN, touches nothing; there is no gradient for it."""
    arguments = layer(op, settings, 6, 8, 5, 9, True, True, False)
    mask = arguments[5]
    spoilt = [np.where(mask[..., None], arguments[0], np.float32(np.nan)), *arguments[1:]]
    for clean, other in zip(both_ways(op, arguments, settings), both_ways(op, spoilt, settings), strict=True):
        np.testing.assert_array_equal(clean, other)
    dx = both_ways(op, arguments, settings)[3 if op is gru else 1]
    assert dx is not None and not dx[~mask].any() and dx[mask].all()


def test_only_what_is_needed_is_made(native: Any) -> None:
    arguments = layer(gru, {"reset_after": True}, 4, 3, 2, 5, True, False, True)
    h, gates, inner = native.gru(*arguments, True, False)
    x, kernel, recurrent, _, h0, mask, kept = arguments
    fixed = (None, None, h, gates, inner, x, kernel, recurrent, h0, mask, kept, True, False)
    made = native.gru_backward(h, *fixed, False, False, False, False)
    assert [part is None for part in made] == [True, True, True, True, False, True, True]
    full = native.gru_backward(h, *fixed, True, True, True, True)
    np.testing.assert_array_equal(made[4], full[4])
    assert [part is None for part in full] == [False] * 5 + [True, False]


def test_an_unknown_activation_is_named(native: Any) -> None:
    arguments = layer(simple_rnn, {}, 2, 3, 4, 5, True, False, False)
    with pytest.raises(ArgumentError, match=r"activation from 0 to 3\. Received: 4"):
        native.simple_rnn(*arguments, 4, False)
