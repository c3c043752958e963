"""Convolutions of any shape against a plain sum over taps in float64: forward, gradients, depthwise, refusals."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurona import kernels

ACTIVATIONS = [
    lambda z: z,
    lambda z: np.maximum(z, 0.0),
    np.tanh,
    lambda z: 1.0 / (1.0 + np.exp(-z)),
]
SLOPES = [
    lambda y: np.ones_like(y),
    lambda y: (y > 0.0).astype(y.dtype),
    lambda y: 1.0 - y * y,
    lambda y: y * (1.0 - y),
]


@dataclass(frozen=True)
class Case:
    """One convolution, lifted to three axes; `c` channels and `f` filters of each group."""

    n: int = 2
    space: tuple[int, ...] = (1, 9, 8)
    kernel: tuple[int, ...] = (1, 3, 3)
    c: int = 3
    f: int = 5
    groups: int = 1
    strides: tuple[int, ...] = (1, 1, 1)
    pads: tuple[int, ...] = (0, 0, 0, 0, 0, 0)
    dilation: tuple[int, ...] = (1, 1, 1)
    activation: int = 0

    @property
    def out(self) -> tuple[int, ...]:
        spans = [(k - 1) * d + 1 for k, d in zip(self.kernel, self.dilation, strict=True)]
        rooms = [self.space[i] + self.pads[2 * i] + self.pads[2 * i + 1] - spans[i] for i in range(3)]
        return tuple(room // s + 1 if room >= 0 else -1 for room, s in zip(rooms, self.strides, strict=True))

    def arrays(self, seed: int = 0) -> tuple[np.ndarray, ...]:
        """x, kernel, bias, g."""
        rng = np.random.default_rng(seed)
        features = self.f * self.groups
        shapes = [
            (self.n, *self.space, self.c * self.groups),
            (*self.kernel, self.c, features),
            (features,),
            (self.n, *self.out, features),
        ]
        x, kernel, bias, g = (rng.standard_normal(shape).astype(np.float32) for shape in shapes)
        return x, kernel / np.float32(math.sqrt(max(1, math.prod(self.kernel) * self.c))), bias, g


CASES = {
    "5x5": Case(space=(1, 11, 13), kernel=(1, 5, 5), c=32, f=40, activation=1),
    "3x3 stride 2 same": Case(space=(1, 15, 14), c=20, f=33, strides=(1, 2, 2), pads=(0, 0, 1, 1, 0, 1)),
    "2x2 of colours": Case(n=3, space=(1, 17, 17), kernel=(1, 2, 2), c=3, f=24, activation=2),
    "1x1": Case(space=(1, 12, 12), kernel=(1, 1, 1), c=24, f=70, activation=1),
    "1x1 stride 2": Case(space=(1, 9, 10), kernel=(1, 1, 1), c=24, f=7, strides=(1, 2, 2)),
    "7x7 stride 2": Case(space=(1, 21, 24), kernel=(1, 7, 7), c=3, f=17, strides=(1, 2, 2), pads=(0, 0, 3, 3, 2, 3)),
    "dilation 2": Case(space=(1, 14, 13), c=9, f=12, dilation=(1, 2, 2), pads=(0, 0, 2, 2, 2, 2)),
    "stride 3 dilation 2": Case(space=(1, 14, 13), c=9, f=12, dilation=(1, 2, 2), strides=(1, 3, 3)),
    "stride 4 dilation 2": Case(space=(1, 19, 18), c=2, f=3, dilation=(1, 2, 2), strides=(1, 4, 4)),
    "stride beyond the kernel": Case(space=(1, 16, 15), kernel=(1, 2, 2), c=4, f=6, strides=(1, 3, 5)),
    "1-D": Case(space=(1, 1, 60), kernel=(1, 1, 9), c=128, f=20, pads=(0, 0, 0, 0, 8, 0)),
    "3-D": Case(space=(6, 7, 8), kernel=(3, 2, 3), c=5, f=7, strides=(2, 1, 2), pads=(1, 0, 0, 1, 1, 1)),
    "groups of 4": Case(space=(1, 8, 9), c=8, f=12, groups=4, pads=(0, 0, 1, 1, 1, 1), activation=3),
    "one channel a group": Case(space=(1, 8, 9), c=1, f=2, groups=6, pads=(0, 0, 1, 1, 1, 1), activation=1),
    "many input channels": Case(space=(1, 4, 5), c=700, f=4),
    "many filters": Case(n=1, space=(1, 4, 5), c=6, f=300),
    "two kilobytes a pixel": Case(n=1, space=(1, 3, 3), kernel=(1, 1, 1), c=1024, f=18),
    "no picture": Case(n=0),
    "pads beyond the kernel": Case(space=(1, 2, 3), c=2, f=3, pads=(0, 0, 5, 4, 3, 6), strides=(1, 2, 3)),
    "empty picture, padded": Case(space=(1, 0, 3), c=2, f=3, pads=(0, 0, 2, 2, 0, 0)),
    "one number": Case(n=1, space=(1, 1, 1), kernel=(1, 1, 1), c=1, f=1),
}
DEPTHWISE = {
    "3x3": Case(space=(1, 13, 14), c=1, groups=24, f=1, pads=(0, 0, 1, 1, 1, 1), activation=1),
    "few channels": Case(space=(1, 13, 14), c=1, groups=3, f=1, pads=(0, 0, 1, 1, 1, 1), activation=2),
    "odd channels": Case(space=(1, 9, 22), c=1, groups=37, f=1, strides=(1, 2, 2), pads=(0, 0, 0, 1, 0, 1)),
    "two filters": Case(space=(1, 9, 9), kernel=(1, 5, 5), c=1, groups=10, f=2, pads=(0, 0, 2, 2, 2, 2), activation=3),
    "three filters of one channel": Case(space=(1, 9, 9), c=1, groups=1, f=3),
    "dilation": Case(space=(1, 12, 15), c=1, groups=16, f=1, dilation=(1, 2, 3)),
    "stride 3 dilation 2": Case(space=(1, 14, 17), c=1, groups=9, f=1, dilation=(1, 2, 2), strides=(1, 3, 3)),
    "1-D": Case(space=(1, 1, 40), kernel=(1, 1, 7), c=1, groups=40, f=1, pads=(0, 0, 0, 0, 6, 0)),
    "3-D": Case(space=(5, 6, 7), kernel=(2, 3, 3), c=1, groups=12, f=1, pads=(1, 0, 1, 1, 1, 1), strides=(2, 1, 2)),
    "no picture": Case(n=0, c=1, groups=8, f=1),
    "pads beyond the kernel": Case(space=(1, 2, 3), c=1, groups=9, f=1, pads=(0, 0, 5, 4, 3, 6), strides=(1, 2, 3)),
}


def windows(case: Case, tap: tuple[int, ...]) -> tuple[slice, ...]:
    """Where a tap looks, for all output pixels, in the padded input."""
    return (
        slice(None),
        *(
            slice(t * d, t * d + (o - 1) * s + 1, s)
            for t, d, o, s in zip(tap, case.dilation, case.out, case.strides, strict=True)
        ),
    )


def padded(case: Case, x: np.ndarray) -> np.ndarray:
    widths = [(0, 0), *((case.pads[2 * i], case.pads[2 * i + 1]) for i in range(3)), (0, 0)]
    return np.pad(x.astype("f8"), widths)


def grouped(case: Case, a: np.ndarray) -> np.ndarray:
    """The last axis as (group, channel)."""
    return a.reshape(*a.shape[:-1], case.groups, a.shape[-1] // case.groups)


def naive(case: Case, x: np.ndarray, kernel: np.ndarray, bias: np.ndarray | None) -> np.ndarray:
    wide = padded(case, x)
    y = np.zeros((case.n, *case.out, case.groups, case.f))
    for tap in product(*map(range, case.kernel)):
        w = grouped(case, kernel[tap].astype("f8"))
        y += np.einsum("ndhwgc,cgf->ndhwgf", grouped(case, wide[windows(case, tap)]), w)
    y = y.reshape(case.n, *case.out, case.groups * case.f)
    with np.errstate(over="ignore"):
        return ACTIVATIONS[case.activation](y if bias is None else y + bias)


def naive_gradients(
    case: Case, gz: np.ndarray, x: np.ndarray, kernel: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    wide = padded(case, x)
    dwide, dkernel, gg = np.zeros_like(wide), np.zeros(kernel.shape), grouped(case, gz)
    for tap in product(*map(range, case.kernel)):
        w, at = grouped(case, kernel[tap].astype("f8")), windows(case, tap)
        dwide[at] += np.einsum("ndhwgf,cgf->ndhwgc", gg, w).reshape(wide[at].shape)
        dkernel[tap] = np.einsum("ndhwgc,ndhwgf->cgf", grouped(case, wide[at]), gg).reshape(dkernel[tap].shape)
    inner = tuple(slice(case.pads[2 * i], case.pads[2 * i] + case.space[i]) for i in range(3))
    return dwide[(slice(None), *inner)], dkernel, gz.sum(axis=(0, 1, 2, 3))


def close(got: np.ndarray, wanted: np.ndarray, length: int, scale: float = 1.0) -> None:
    """Within the rounding of a float32 sum of `length` products of numbers of size `scale`."""
    assert got.dtype == np.float32
    assert got.shape == wanted.shape
    assert got.flags.c_contiguous
    np.testing.assert_allclose(got, wanted, rtol=1e-5, atol=4e-6 * scale * math.sqrt(max(length, 1)))


def check(native: Any, case: Case, seed: int = 0) -> None:
    """Every function of the general convolution on one case."""
    x, kernel, bias, g = case.arrays(seed)
    kept = [a.copy() for a in (x, kernel, bias, g)]
    plan = (case.strides, case.pads, case.dilation, case.groups)
    taps, pixels = math.prod(case.kernel), case.n * math.prod(case.out)
    scale = 1.0 / math.sqrt(max(1, taps * case.c))

    close(
        native.conv(x, kernel, None, *plan, 0),
        naive(replace(case, activation=0), x, kernel, None),
        taps * case.c,
        scale,
    )
    y = native.conv(x, kernel, bias, *plan, case.activation)
    close(y, naive(case, x, kernel, bias), taps * case.c, scale)

    gz = g.astype("f8") * SLOPES[case.activation](y.astype("f8"))
    dx, dkernel, dbias = naive_gradients(case, gz, x, kernel)
    got = native.conv_backward(g, y, x, kernel, *plan, case.activation, True, True, True)
    close(got[0], dx, taps * case.f, scale)
    close(got[1], dkernel, pixels)
    close(got[2], dbias, pixels)
    assert native.conv_backward(g, y, x, kernel, *plan, case.activation, False, False, False) == (None, None, None)

    dx, dkernel, _ = naive_gradients(case, g.astype("f8"), x, kernel)
    close(native.conv_input_gradient(g, kernel, case.space, *plan), dx, taps * case.f, scale)
    close(native.conv_kernel_gradient(g, x, case.kernel, *plan), dkernel, pixels)
    for a, b in zip(kept, (x, kernel, bias, g), strict=True):
        np.testing.assert_array_equal(a, b)


def check_depthwise(native: Any, case: Case, seed: int = 0) -> None:
    """Depthwise is a convolution in groups of one channel; its kernel (*K, C, M) has the same memory order."""
    assert case.c == 1
    x, kernel, bias, g = case.arrays(seed)
    own = kernel.reshape(*case.kernel, case.groups, case.f)
    plan = (case.strides, case.pads, case.dilation, case.activation)
    taps, pixels = math.prod(case.kernel), case.n * math.prod(case.out)
    scale = 1.0 / math.sqrt(taps)
    close(
        native.depthwise(x, own, None, *plan[:3], 0), naive(replace(case, activation=0), x, kernel, None), taps, scale
    )
    y = native.depthwise(x, own, bias, *plan)
    close(y, naive(case, x, kernel, bias), taps, scale)
    gz = g.astype("f8") * SLOPES[case.activation](y.astype("f8"))
    dx, dkernel, dbias = naive_gradients(case, gz, x, kernel)
    got = native.depthwise_backward(g, y, x, own, *plan, True, True, True)
    close(got[0], dx, taps * case.f, scale)
    close(got[1], dkernel.reshape(own.shape), pixels)
    close(got[2], dbias, pixels)
    assert native.depthwise_backward(g, y, x, own, *plan, False, False, False) == (None, None, None)


@pytest.mark.parametrize("name", CASES)
def test_convolution_and_its_gradients(each_isa: Any, name: str) -> None:
    check(each_isa, CASES[name])


@pytest.mark.parametrize("name", DEPTHWISE)
def test_depthwise_and_its_gradients(each_isa: Any, name: str) -> None:
    check_depthwise(each_isa, DEPTHWISE[name])


@st.composite
def cases(draw: st.DrawFn, depthwise: bool = False) -> Case:
    """Any rank up to three, sizes from nothing to odd, as long as at least one window fits."""
    rank = draw(st.integers(1, 3))
    small = st.integers(1, 4 if rank > 1 else 9)

    def lifted(one: st.SearchStrategy[int], least: int) -> tuple[int, ...]:
        return (*[least] * (3 - rank), *(draw(one) for _ in range(rank)))

    kernel, strides, dilation = lifted(small, 1), lifted(st.integers(1, 4), 1), lifted(st.integers(1, 3), 1)
    pads = (0,) * (2 * (3 - rank)) + tuple(draw(st.integers(0, 4)) for _ in range(2 * rank))
    extra = lifted(st.integers(0, {1: 40, 2: 12, 3: 5}[rank]), 0)
    space = tuple(
        max(0 if i >= 3 - rank else 1, (kernel[i] - 1) * dilation[i] + 1 - pads[2 * i] - pads[2 * i + 1] + extra[i])
        for i in range(3)
    )
    channels = st.sampled_from([1, 2, 3, 4, 7, 8, 9, 16, 17, 31, 40])
    c, groups = (1, draw(channels)) if depthwise else (draw(channels), draw(st.sampled_from([1, 1, 1, 2, 3, 5])))
    return Case(
        n=draw(st.integers(0, 4)),
        space=space,
        kernel=kernel,
        c=c,
        f=draw(st.integers(1, 3)) if depthwise else draw(channels),
        groups=groups,
        strides=strides,
        pads=pads,
        dilation=dilation,
        activation=draw(st.integers(0, 3)),
    )


def kernels_or_skip() -> Any:
    if kernels.native is None:
        pytest.skip(f"no compiled kernels: {kernels.info()['why_not']}")
    return kernels.native


@settings(max_examples=200, deadline=None, derandomize=True)
@given(cases(), st.integers(0, 99))
def test_any_convolution(case: Case, seed: int) -> None:
    check(kernels_or_skip(), case, seed)


@settings(max_examples=150, deadline=None, derandomize=True)
@given(cases(depthwise=True), st.integers(0, 99))
def test_any_depthwise_convolution(case: Case, seed: int) -> None:
    check_depthwise(kernels_or_skip(), case, seed)


LARGE = [
    Case(n=5, space=(1, 20, 21), kernel=(1, 5, 5), c=24, f=40, pads=(0, 0, 2, 2, 2, 2), activation=2),
    Case(n=3, space=(1, 31, 30), c=16, f=40, strides=(1, 2, 2), pads=(0, 0, 1, 1, 1, 1), activation=1),
    Case(n=7, space=(1, 15, 15), c=16, f=16, groups=4, activation=3),
    Case(n=1, space=(1, 7, 7), c=96, f=200, pads=(0, 0, 1, 1, 1, 1)),
    Case(n=2, space=(1, 64, 61), kernel=(1, 7, 7), c=3, f=40, strides=(1, 2, 2), pads=(0, 0, 3, 3, 2, 3)),
    Case(n=1, space=(20, 12, 13), kernel=(3, 3, 2), c=2, f=33, strides=(2, 1, 1), dilation=(1, 1, 2)),
    Case(n=1, space=(1, 50, 40), c=1, f=24, groups=3, strides=(1, 1, 2), pads=(0, 0, 2, 2, 0, 0)),
    Case(n=4, space=(1, 33, 29), c=1, f=1, groups=48, strides=(1, 2, 1), activation=1),
    Case(n=4, space=(1, 33, 29), c=1, f=2, groups=20, pads=(0, 0, 1, 1, 1, 1), activation=1),
]


@pytest.mark.parametrize("case", LARGE)
def test_large_convolutions(each_isa: Any, case: Case) -> None:
    check(each_isa, case)


@pytest.mark.parametrize("case", LARGE)
def test_threads_change_no_bit(each_isa: Any, case: Case) -> None:
    x, kernel, bias, g = case.arrays()
    plan = (case.strides, case.pads, case.dilation, case.groups, case.activation)

    def everything(threads: int) -> list[np.ndarray]:
        each_isa.set_threads(threads)
        y = each_isa.conv(x, kernel, bias, *plan)
        return [y, *each_isa.conv_backward(g, y, x, kernel, *plan, True, True, True)]

    for one, two, three in zip(everything(1), everything(2), everything(3), strict=True):
        np.testing.assert_array_equal(one, two)
        np.testing.assert_array_equal(one, three)


@pytest.mark.parametrize("case", LARGE)
def test_a_picture_does_not_depend_on_its_batch(each_isa: Any, case: Case) -> None:
    x, kernel, bias, g = case.arrays()
    plan = (case.strides, case.pads, case.dilation, case.groups)
    whole = each_isa.conv(x, kernel, bias, *plan, case.activation)
    dx = each_isa.conv_input_gradient(g, kernel, case.space, *plan)
    for i in (0, case.n - 1):
        one = each_isa.conv(x[i : i + 1], kernel, bias, *plan, case.activation)
        np.testing.assert_array_equal(one[0], whole[i])
        np.testing.assert_array_equal(each_isa.conv_input_gradient(g[i : i + 1], kernel, case.space, *plan)[0], dx[i])


@pytest.mark.parametrize("case", [Case(c=8, f=16, pads=(0, 0, 1, 1, 1, 1)), Case(c=1, f=1, groups=9)])
@pytest.mark.parametrize("activation", range(4))
def test_what_is_not_finite_reaches_the_pixels_that_see_it(each_isa: Any, case: Case, activation: int) -> None:
    x, kernel, bias, _ = case.arrays()
    plan = (case.strides, case.pads, case.dilation, case.groups, activation)
    clean = each_isa.conv(x, kernel, bias, *plan)
    x[1, 0, 4, 4] = np.nan
    y = each_isa.conv(x, kernel, bias, *plan)
    sees = np.zeros(y.shape, bool)
    top, left = case.pads[2], case.pads[4]
    sees[1, 0, 2 + top : 5 + top, 2 + left : 5 + left] = True
    np.testing.assert_array_equal(np.isnan(y), sees)
    np.testing.assert_array_equal(y[~sees], clean[~sees])


CASE = Case(c=4, f=6, groups=2, pads=(0, 0, 1, 0, 1, 0), activation=1)


def calls() -> dict[str, tuple[tuple[Any, ...], tuple[int, ...]]]:
    """Each function with arguments that fit and the places of its arrays."""
    x, kernel, bias, g = CASE.arrays()
    own = np.ones((1, 3, 3, 8, 2), np.float32)
    wide = np.ones((*g.shape[:-1], 16), np.float32)
    plan = (CASE.strides, CASE.pads, CASE.dilation)
    return {
        "conv": ((x, kernel, bias, *plan, 2, 1), (0, 1)),
        "conv_backward": ((g, g, x, kernel, *plan, 2, 1, True, True, True), (0, 1, 2, 3)),
        "conv_input_gradient": ((g, kernel, CASE.space, *plan, 2), (0, 1)),
        "conv_kernel_gradient": ((g, x, CASE.kernel, *plan, 2), (0, 1)),
        "depthwise": ((x, own, None, *plan, 1), (0, 1)),
        "depthwise_backward": ((wide, wide, x, own, *plan, 1, True, True, True), (0, 1, 2, 3)),
    }


def misfits(a: np.ndarray) -> list[Any]:
    return [
        a.astype("f8"),
        a.astype("f2"),
        a.astype(">f4"),
        np.asfortranarray(a),
        np.repeat(a, 2, axis=-1)[..., ::2],
        a[..., ::-1],
        a[0],
        a[None],
        a[..., :-1].copy(),
        a[..., :0].copy(),
        a.view(np.ma.MaskedArray),
        a.tolist(),
        None,
        "text",
    ]


@pytest.mark.parametrize("name", list(calls()))
def test_misfits_are_handed_back(native: Any, name: str) -> None:
    arguments, places = calls()[name]
    function = getattr(native, name)
    assert function(*arguments) is not NotImplemented
    for place in places:
        for misfit in misfits(arguments[place]):
            # Another number of channels or filters may be another case that fits.
            narrower = isinstance(misfit, np.ndarray) and misfit.shape[-1] == arguments[place].shape[-1] - 1
            if narrower and name in ("conv_kernel_gradient", "depthwise"):
                continue
            assert function(*arguments[:place], misfit, *arguments[place + 1 :]) is NotImplemented, (
                name,
                place,
                misfit,
            )


@pytest.mark.parametrize("name", list(calls()))
def test_settings_that_do_not_fit_are_handed_back(native: Any, name: str) -> None:
    arguments, _ = calls()[name]
    function = getattr(native, name)
    at = next(i for i, a in enumerate(arguments) if isinstance(a, tuple) and a == CASE.strides)  # then pads, dilation
    wrong: list[tuple[int, Any]] = [
        (at, (1, 1)),
        (at, [1, 1, 1]),
        (at, (1, 0, 1)),
        (at, (1, -1, 1)),
        (at, (1, 1.0, 1)),
        (at, (1, 1, 2**70)),
        (at, None),
        (at + 1, (0,) * 5),
        (at + 1, (0, 0, 1, 0, -1, 0)),
        (at + 1, (0, 0, 2**40, 0, 0, 0)),
        (at + 2, (1, 0, 1)),
        (at + 2, (1, 9, 1)),
        (at + 2, (2**19, 2**19, 2**19)),
    ]
    if not name.startswith("depthwise"):
        wrong += [(at + 3, groups) for groups in (0, -2, 5, 7, 2**70, "2", None)]
    for place, value in wrong:
        assert function(*arguments[:place], value, *arguments[place + 1 :]) is NotImplemented, (name, place, value)
    with pytest.raises(TypeError, match="expects"):
        function(*arguments[:-1])


def test_other_misfits(native: Any) -> None:
    x, kernel, bias, g = CASE.arrays()
    plan = (CASE.strides, CASE.pads, CASE.dilation, CASE.groups)
    assert native.conv(x, kernel, bias[:-1].copy(), *plan, 0) is NotImplemented
    assert native.conv(x, kernel, bias.astype("f8"), *plan, 0) is NotImplemented
    assert native.conv(x[:, :, :1].copy(), kernel, bias, *plan, 0) is NotImplemented  # smaller than the kernel
    assert native.conv_input_gradient(g, kernel, (1, 11, 8), *plan) is NotImplemented
    assert native.conv_input_gradient(g, kernel, (1, -9, 8), *plan) is NotImplemented
    assert native.conv_input_gradient(g, kernel, (9, 8), *plan) is NotImplemented
    assert native.conv_kernel_gradient(g, x, (1, 0, 3), *plan) is NotImplemented
    assert native.conv_kernel_gradient(g, x, (1, 2, 3), *plan) is NotImplemented
    assert native.conv_backward(g[:1].copy(), g, x, kernel, *plan, 1, True, True, True) is NotImplemented
    for name in ("conv", "depthwise"):
        arguments, _ = calls()[name]
        with pytest.raises(ValueError, match="activation from 0 to 3"):
            getattr(native, name)(*arguments[:-1], 4)


def test_a_linear_layer_needs_no_y(native: Any) -> None:
    x, kernel, _, g = CASE.arrays()
    plan = (CASE.strides, CASE.pads, CASE.dilation, CASE.groups)
    dx, _, _ = native.conv_backward(g, None, x, kernel, *plan, 0, True, False, False)
    np.testing.assert_array_equal(dx, native.conv_input_gradient(g, kernel, CASE.space, *plan))


def test_read_only_inputs_are_fine(native: Any) -> None:
    x, kernel, bias, _ = CASE.arrays()
    plan = (CASE.strides, CASE.pads, CASE.dilation, CASE.groups, 1)
    wanted = native.conv(x, kernel, bias, *plan)
    for a in (x, kernel, bias):
        a.flags.writeable = False
    np.testing.assert_array_equal(native.conv(x, kernel, bias, *plan), wanted)
