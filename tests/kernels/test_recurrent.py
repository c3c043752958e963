"""The LSTM's kernel against the NumPy reference in float64: sizes at the tiles' edges, masks, factors, both directions."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neurona import kernels
from neurona.ops.fused import lstm

SIZES = [  # N, T, D, U
    (1, 1, 1, 1), (2, 0, 3, 4), (0, 3, 2, 5), (4, 5, 8, 16), (5, 3, 7, 9), (33, 4, 13, 17), (7, 300, 2, 3),
    (300, 3, 2, 4), (2, 3, 230, 90),
]  # fmt: skip
KINDS = [
    {"bias": True, "mask": False, "kept": False, "backwards": False},
    {"bias": False, "mask": True, "kept": False, "backwards": True},
    {"bias": True, "mask": True, "kept": True, "backwards": False},
]


class Layer:
    """An LSTM's arguments and the gradients that arrive, drawn for these sizes."""

    def __init__(
        self, n: int, t: int, d: int, u: int, bias: bool = True, mask: bool = True, kept: bool = True,
        backwards: bool = False, seed: int = 0,
    ) -> None:  # fmt: skip
        rng = np.random.default_rng((seed, n, t, d, u))

        def drawn(*shape: int, scale: float = 1.0) -> np.ndarray:
            return np.asarray(rng.standard_normal(shape) * scale, np.float32)

        self.backwards = backwards
        weights = drawn(d, 4 * u, scale=max(d, 1) ** -0.5), drawn(u, 4 * u, scale=u**-0.5)
        self.inputs = [
            drawn(n, t, d), *weights, drawn(4 * u) if bias else None, drawn(n, u), drawn(n, u),
            rng.random((n, t)) < 0.7 if mask else None, drawn(n, u) if kept else None,
        ]  # fmt: skip
        self.g = drawn(n, t, u), drawn(n, t, u), drawn(n, t, 4 * u)

    def forward(self, native: Any) -> tuple[np.ndarray, ...]:
        return native.lstm(*self.inputs, self.backwards)

    def backward(self, native: Any, y: tuple[np.ndarray, ...]) -> tuple[np.ndarray, ...]:
        """dx, dkernel, drecurrent, dbias, dh0, dc0, dkept."""
        x, kernel, recurrent, _, *rest = self.inputs
        return native.lstm_backward(
            *self.g, *y, x, kernel, recurrent, *rest, self.backwards, True, True, True, rest[-1] is not None
        )

    def both(self, native: Any) -> list[np.ndarray]:
        y = self.forward(native)
        return [*y, *(a for a in self.backward(native, y) if a is not None)]

    def expected(self) -> list[np.ndarray]:
        """What the reference and its gradient give in float64, in `both`'s order."""
        wide = [a if a is None or a.dtype == bool else a.astype("f8") for a in self.inputs]
        settings = {"backwards": self.backwards}
        y = lstm.reference(*wide, **settings)
        with kernels.disabled():
            found = lstm.backward(tuple(a.astype("f8") for a in self.g), y, wide, settings, (True,) * len(wide))
        dx, dkernel, drecurrent, dbias, dh0, dc0, _, dkept = found
        parts = [*y, dx, dkernel, drecurrent, dbias, dh0, dc0]
        return parts if self.inputs[-1] is None else [*parts, dkept]


def close(got: list[np.ndarray], wanted: list[np.ndarray]) -> None:
    for a, b in zip(got, wanted, strict=True):
        assert a.dtype == np.float32 and a.shape == b.shape
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-5 * max(1.0, float(np.abs(b).max(initial=0.0))))


@pytest.mark.parametrize("sizes", SIZES, ids=str)
@pytest.mark.parametrize("kind", KINDS, ids=["plain", "masked-backwards", "all"])
def test_lstm_agrees_with_the_reference(each_isa: Any, sizes: tuple[int, ...], kind: dict[str, bool]) -> None:
    layer = Layer(*sizes, **kind)
    close(layer.both(each_isa), layer.expected())


@given(
    st.integers(0, 40), st.integers(0, 12), st.integers(1, 40), st.integers(1, 40),
    st.booleans(), st.booleans(), st.booleans(), st.booleans(),
)  # fmt: skip
def test_lstm_of_any_shape(n: int, t: int, d: int, u: int, bias: bool, mask: bool, kept: bool, backwards: bool) -> None:
    if kernels.native is None:
        pytest.skip(f"no compiled kernels: {kernels.info()['why_not']}")
    layer = Layer(n, t, d, u, bias, mask, kept, backwards)
    close(layer.both(kernels.native), layer.expected())


@pytest.mark.parametrize("sizes", [(1, 9, 3, 5), (6, 90, 20, 24), (70, 11, 30, 40), (290, 4, 9, 17)], ids=str)
def test_lstm_threads_change_no_bit(each_isa: Any, sizes: tuple[int, ...]) -> None:
    layer = Layer(*sizes)

    def everything(threads: int) -> list[np.ndarray]:
        each_isa.set_threads(threads)
        return layer.both(each_isa)

    for one, two, five in zip(everything(1), everything(2), everything(5), strict=True):
        np.testing.assert_array_equal(one, two)
        np.testing.assert_array_equal(one, five)


def test_a_sequence_does_not_depend_on_its_batch(each_isa: Any) -> None:
    layer = Layer(23, 7, 11, 19)
    y = layer.forward(each_isa)
    back = layer.backward(each_isa, y)
    for i in (0, 11, 22):
        alone = Layer(23, 7, 11, 19)
        alone.inputs = [a if k in (1, 2, 3) else a[i : i + 1] for k, a in enumerate(layer.inputs)]
        alone.g = tuple(g[i : i + 1] for g in layer.g)
        one = alone.forward(each_isa)
        for a, b in zip(one, y, strict=True):
            np.testing.assert_array_equal(a[0], b[i])
        found = alone.backward(each_isa, one)
        for k in (0, 4, 5, 6):
            np.testing.assert_array_equal(found[k][0], back[k][i])


def test_a_padded_tail_costs_no_result(native: Any) -> None:
    """Masked steps behind the end of a sequence: what the shorter batch gives, carried on."""
    layer = Layer(5, 9, 4, 6, mask=False)
    layer.inputs[6] = np.broadcast_to(np.arange(9) < 6, (5, 9)).copy()
    h, c, gates = layer.forward(native)
    layer.inputs[0], layer.inputs[6] = layer.inputs[0][:, :6].copy(), None
    for whole, part in zip((h, c, gates), layer.forward(native), strict=True):
        np.testing.assert_array_equal(whole[:, :6], part)
    assert (h[:, 6:] == h[:, 5:6]).all() and (c[:, 6:] == c[:, 5:6]).all() and not gates[:, 6:].any()


def test_extreme_and_missing_numbers(each_isa: Any) -> None:
    """Gates saturate to exactly 0, 1 and -1; a NaN stays in its own sequence."""
    x = np.array([1e30, -1e30, np.nan, 0.0], np.float32).reshape(4, 1, 1)
    ones, state = np.ones((1, 4), np.float32), np.full((4, 1), 0.5, np.float32)
    h, c, gates = each_isa.lstm(x, ones, ones * 0, None, state, state, None, None, False)
    np.testing.assert_array_equal(gates[0, 0], [1.0, 1.0, 1.0, 1.0])
    np.testing.assert_array_equal(gates[1, 0], [0.0, 0.0, -1.0, 0.0])
    assert np.isnan(gates[2]).all() and np.isnan(h[2]).all() and np.isnan(c[2]).all()
    np.testing.assert_array_equal(gates[3, 0], [0.5, 0.5, 0.0, 0.5])
    np.testing.assert_array_equal(c[[0, 1, 3], 0, 0], [1.5, 0.0, 0.25])


def test_small_gates_keep_their_digits(each_isa: Any) -> None:
    """The candidate near 0 is accurate relative to itself, and so is a gate that is nearly shut."""
    x = np.concatenate([np.logspace(-20, 0, 200), -np.logspace(-20, 0, 200)]).astype("f4").reshape(-1, 1, 1)
    kernel, none = np.array([[-40.0, 0.0, 1.0, 0.0]], "f4"), np.zeros((x.size, 1), "f4")
    gates = each_isa.lstm(x, kernel, np.zeros((1, 4), "f4"), None, none, none, None, None, False)[2]
    wide = x.astype("f8")[:, 0, 0]
    np.testing.assert_allclose(gates[:, 0, 2], np.tanh(wide), rtol=1e-6)
    np.testing.assert_allclose(gates[:, 0, 0], 1.0 / (1.0 + np.exp(40.0 * wide)), rtol=1e-6)


def test_what_is_not_needed_is_not_made(native: Any) -> None:
    layer = Layer(3, 4, 5, 6)
    y = layer.forward(native)
    x, kernel, recurrent, _, *rest = layer.inputs
    whole = layer.backward(native, y)
    none = native.lstm_backward(*layer.g, *y, x, kernel, recurrent, *rest, False, False, False, False, False)
    assert none[:4] == (None, None, None, None) and none[6] is None
    np.testing.assert_array_equal(none[4], whole[4])
    np.testing.assert_array_equal(none[5], whole[5])
    bias = native.lstm_backward(*layer.g, *y, x, kernel, recurrent, *rest, False, False, False, True, False)
    np.testing.assert_array_equal(bias[3], whole[3])
    zeros = native.lstm_backward(None, None, None, *y, x, kernel, recurrent, *rest, False, True, True, True, True)
    assert not any(a.any() for a in zeros)


def test_other_cases_are_handed_back(native: Any) -> None:
    layer = Layer(3, 4, 5, 6)
    y = layer.forward(native)
    x, kernel, recurrent, _, *rest = layer.inputs
    backward = [*layer.g, *y, x, kernel, recurrent, *rest, False, True, True, True, True]
    forward = [*layer.inputs, False]
    for call, arguments, arrays in ((native.lstm, forward, 8), (native.lstm_backward, backward, 13)):
        assert call(*arguments) is not NotImplemented
        for i in range(arrays):
            a = arguments[i]
            wrong: list[Any] = [a[..., :-1].copy(), a[None], np.asfortranarray(np.repeat(a, 2, 0))[::2], "text"]
            wrong.append(a.astype("f8") if a.dtype != bool else a.astype("u1"))
            for misfit in wrong:
                assert call(*arguments[:i], misfit, *arguments[i + 1 :]) is NotImplemented, (call, i)
    with pytest.raises(TypeError, match="expects 9 arguments"):
        native.lstm(x)
