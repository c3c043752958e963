"""Waves: the Fourier transform, forwards and backwards, of one axis and of two, and over short stretches of a signal.

Complex numbers come and go as pairs of real tensors, the real and the imaginary part, as in Keras. All these functions are
linear, so each gradient is a transform too: that of the forward one is the backward one without its division.

Source: Oppenheim & Schafer, "Discrete-Time Signal Processing" (2010), chapters 8 and 10.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from neurona import config
from neurona.cases import Case, Failure
from neurona.errors import ArgumentError, ShapeError
from neurona.ops.elementwise import multiply
from neurona.ops.shape import pad
from neurona.ops.slicing import get_item
from neurona.tape import composed, op
from neurona.tensor import Array, Tensor, TensorLike, as_array

__all__ = ["extract_sequences", "fft", "fft2", "ifft2", "irfft", "istft", "rfft", "stft"]

Pair = tuple[Array, Array]
TWO_PARTS = "Input `x` should be a tuple of two tensors - real and imaginary."
UNLIKE = "Both the real and imaginary parts should have the same shape."


def _parts(x: Any, axes: int) -> tuple[Any, Any]:
    """The real and the imaginary part, of at least so many axes; refuses what is no such pair."""
    if not isinstance(x, (tuple, list)) or len(x) != 2:
        raise ArgumentError(f"{TWO_PARTS} Received: x={x}.")
    real, imag = (part if isinstance(part, Tensor) else as_array(part) for part in x)
    if tuple(real.shape) != tuple(imag.shape):
        raise ShapeError(f"{UNLIKE} Received: x[0].shape = {real.shape}, x[1].shape = {imag.shape}.")
    if len(real.shape) < axes:
        raise ShapeError(f"Input should have rank >= {axes}. Received: input.shape = {tuple(real.shape)}.")
    return real, imag


def _of_pair(values: Array, like: Array) -> Pair:
    return values.real.astype(like.dtype), values.imag.astype(like.dtype)


def _summed(g: tuple[Array | None, Array | None], like: Array) -> Array:
    """The gradients of both parts as one complex array."""
    real = np.zeros(like.shape, "float64") if g[0] is None else g[0]
    return np.asarray(real + (0 if g[1] is None else 1j * g[1]))


# -- whole axes --------------------------------------------------------------------------------------------------


@op(cases=[Case("N 5", "N 5"), Case("4 3", "4 3", axes=(-2, -1)), Case("2 4", "2 4", backwards=True)], promote="float")
def _transform(real: Array, imag: Array, axes: Sequence[int] = (-1,), backwards: bool = False) -> Pair:
    """The Fourier transform along some axes; backwards it is divided by their lengths."""
    return _of_pair((np.fft.ifftn if backwards else np.fft.fftn)(real + 1j * imag, axes=tuple(axes)), real)


@_transform.gradient
def _(
    g: Any, y: Pair, real: Array, imag: Array, axes: Sequence[int] = (-1,), backwards: bool = False
) -> tuple[Array, Array]:
    count = np.prod([real.shape[axis] for axis in axes])
    whole = _summed(g, real)
    back = np.fft.fftn(whole, axes=tuple(axes)) / count if backwards else np.fft.ifftn(whole, axes=tuple(axes)) * count
    return _of_pair(back, real)


@composed(
    cases=[Case(["N 4", "N 4"])],
    errors=[
        Failure(["3"], match="should be a tuple of two tensors"),
        Failure(["3", "4"], match="should have the same shape"),
        Failure(["", ""], match="should have rank >= 1"),
    ],
)
def fft(x: Any) -> tuple[Tensor, Tensor]:
    """The Fourier transform along the last axis: y_k = sum over n of x_n exp(-2 pi i k n / N).

    Args:
        x: the real and the imaginary part, each (..., N).

    Returns:
        both parts of y, (..., N).

    Raises:
        ArgumentError: no pair.
        ShapeError: parts of different shapes, or without an axis.

    >>> fft(([1.0, 0.0], [0.0, 0.0]))
    (Tensor([1., 1.], dtype=float32), Tensor([0., 0.], dtype=float32))
    """
    return _transform(*_parts(x, 1))  # type: ignore[no-any-return]


@composed(cases=[Case(["N 2 3", "N 2 3"])], errors=[Failure(["3", "3"], match="should have rank >= 2")])
def fft2(x: Any) -> tuple[Tensor, Tensor]:
    """The Fourier transform along the last two axes.

    Args:
        x: the real and the imaginary part, each (..., H, W).

    Raises:
        ArgumentError, ShapeError: as `fft`.

    >>> fft2(([[1.0, 0.0]], [[0.0, 0.0]]))[0]
    Tensor([[1., 1.]], dtype=float32)
    """
    return _transform(*_parts(x, 2), axes=(-2, -1))  # type: ignore[no-any-return]


@composed(cases=[Case(["N 2 3", "N 2 3"])], errors=[Failure(["3", "3"], match="should have rank >= 2")])
def ifft2(x: Any) -> tuple[Tensor, Tensor]:
    """What `fft2` made of it, from its result.

    Args:
        x: the real and the imaginary part, each (..., H, W).

    Raises:
        ArgumentError, ShapeError: as `fft`.

    >>> ifft2(([[1.0, 1.0]], [[0.0, 0.0]]))[0]
    Tensor([[1., 0.]], dtype=float32)
    """
    return _transform(*_parts(x, 2), axes=(-2, -1), backwards=True)  # type: ignore[no-any-return]


# -- real signals ------------------------------------------------------------------------------------------------


def _check_length(x: Array) -> None:
    if not x.ndim:
        raise ShapeError(f"Input should have rank >= 1. Received: input.shape = {x.shape}.")


@op(
    cases=[Case("N 5"), Case("N 4"), Case("N 4", fft_length=7), Case("N 6", fft_length=4)],
    errors=[Failure("", match="should have rank >= 1")],
    promote="float",
)
def rfft(x: Array, fft_length: int | None = None) -> Pair:
    """The Fourier transform of real numbers along the last axis; the second half, a mirror of the first, is left out.

    Args:
        x: shape (..., N).
        fft_length: cut x, or fill it up with zeros, to this length before.

    Returns:
        the real and the imaginary part, each (..., fft_length // 2 + 1).

    Raises:
        ShapeError: there is no axis.

    >>> rfft([1.0, 2.0, 3.0])[0]
    Tensor([ 6. , -1.5], dtype=float32)
    """
    _check_length(x)
    return _of_pair(np.fft.rfft(x, fft_length), x)


@rfft.gradient
def _(g: Any, y: Pair, x: Array, fft_length: int | None = None) -> Array:
    length = x.shape[-1] if fft_length is None else fft_length
    whole = _summed(g, y[0])
    full = np.zeros((*x.shape[:-1], length), whole.dtype)
    full[..., : whole.shape[-1]] = whole
    dx = np.zeros(x.shape, x.dtype)
    shared = min(length, x.shape[-1])
    dx[..., :shared] = (np.fft.ifft(full) * length).real[..., :shared]
    return dx


@op(cases=[Case("N 3", "N 3"), Case("N 3", "N 3", fft_length=5), Case("N 4", "N 4", fft_length=4)], promote="float")
def _irfft(real: Array, imag: Array, fft_length: int | None = None) -> Array:
    """The real numbers whose `rfft` this is."""
    return np.asarray(np.fft.irfft(real + 1j * imag, fft_length), real.dtype)


@_irfft.gradient
def _(g: Array, y: Array, real: Array, imag: Array, fft_length: int | None = None) -> Pair:
    length = y.shape[-1]
    waves = np.fft.rfft(g) / length
    waves[..., 1 : (length + 1) // 2] *= 2  # each of these stands for its mirror too
    d = np.zeros(real.shape, waves.dtype)
    shared = min(waves.shape[-1], real.shape[-1])
    d[..., :shared] = waves[..., :shared]
    return _of_pair(d, real)


@composed(
    cases=[Case(["N 4", "N 4"]), Case(["N 3", "N 3"], fft_length=5)],
    errors=[Failure(["", ""], match="should have rank >= 1"), Failure(["3", "4"], match="should have the same shape")],
)
def irfft(x: Any, fft_length: int | None = None) -> Tensor:
    """What `rfft` made of it, from its result.

    Args:
        x: the real and the imaginary part, each (..., N).
        fft_length: of the result; ``2 (N - 1)`` by default.

    Returns:
        shape (..., fft_length).

    Raises:
        ArgumentError, ShapeError: as `fft`.

    >>> irfft(rfft([1.0, 2.0, 3.0, 4.0]))
    Tensor([1., 2., 3., 4.], dtype=float32)
    """
    return _irfft(*_parts(x, 1), fft_length=fft_length)  # type: ignore[no-any-return]


# -- short stretches ---------------------------------------------------------------------------------------------


@op(
    cases=[Case("N 7", sequence_length=3, sequence_stride=2), Case("5", sequence_length=2, sequence_stride=1)],
    errors=[Failure("", sequence_length=1, sequence_stride=1, match="should have rank >= 1")],
    promote="binary",
)
def extract_sequences(x: Array, sequence_length: int, sequence_stride: int) -> Array:
    """Stretches of a signal that overlap.

    Args:
        x: shape (..., T).
        sequence_length: of a stretch.
        sequence_stride: from the beginning of one to that of the next.

    Returns:
        shape (..., stretches, sequence_length).

    Raises:
        ShapeError: there is no axis.

    >>> extract_sequences([1.0, 2.0, 3.0, 4.0], 2, 1)
    Tensor([[1., 2.], [2., 3.], [3., 4.]], dtype=float32)
    """
    _check_length(x)
    starts = np.arange(0, max(x.shape[-1] - sequence_length, -1) + 1, sequence_stride)
    return np.asarray(x[..., starts[:, None] + np.arange(sequence_length)])


@extract_sequences.gradient
def _(g: Array, y: Array, x: Array, sequence_length: int, sequence_stride: int) -> Array:
    return _overlapped(g, sequence_stride, x.shape[-1])


def _overlapped(stretches: Array, stride: int, length: int) -> Array:
    """The stretches laid over each other at their places, and added up."""
    count, size = stretches.shape[-2:]
    out = np.zeros((*stretches.shape[:-2], max(length, (count - 1) * stride + size if count else 0)), stretches.dtype)
    for k in range(count):
        out[..., k * stride : k * stride + size] += stretches[..., k, :]
    return out[..., :length]


@op(cases=[Case("N 3 4", sequence_stride=2)], promote="binary")
def _overlap_and_add(x: Array, sequence_stride: int) -> Array:
    """Stretches that overlap, added up: (..., S, L) -> (..., (S - 1) stride + L)."""
    return _overlapped(x, sequence_stride, (x.shape[-2] - 1) * sequence_stride + x.shape[-1])


@_overlap_and_add.gradient
def _(g: Array, y: Array, x: Array, sequence_stride: int) -> Array:
    starts = np.arange(x.shape[-2]) * sequence_stride
    return np.asarray(g[..., starts[:, None] + np.arange(x.shape[-1])])


def _window(window: Any, length: int, fft_length: int) -> Array:
    """The window in the middle of as many zeros as the transform takes."""
    if window is None:
        return np.ones(fft_length, config.floatx())
    if isinstance(window, str):
        if window not in ("hann", "hamming"):
            raise ArgumentError(
                f"If a string is passed to `window`, it must be 'hann' or 'hamming'. Received: {window=}"
            )
        base, swing = (0.5, 0.5) if window == "hann" else (0.54, 0.46)
        values = base - swing * np.cos(2 * np.pi * np.arange(length) / length)  # periodic: its end meets its beginning
    else:
        values = as_array(window)
    if values.shape != (length,):
        raise ArgumentError(f"The shape of `window` must be equal to [sequence_length]. Received: {values.shape}.")
    before = (fft_length - length) // 2
    return np.pad(values, (before, fft_length - length - before)).astype(config.floatx())


def _undoing(window: Array, stride: int) -> Array:
    """The window that undoes another where stretches overlap: w over the sum of the squares of all w that meet there."""
    squares = np.zeros(-(-len(window) // stride) * stride)
    squares[: len(window)] = np.square(window, dtype="float64")
    met = squares.reshape(-1, stride).sum(0)
    below = np.tile(met, len(squares) // stride)[: len(window)]
    return np.where(below > 1e-10, window / np.where(below > 1e-10, below, 1), 0).astype(window.dtype)


def _check_stretch(sequence_length: int, fft_length: int) -> None:
    if fft_length < sequence_length:
        raise ArgumentError(
            f"`fft_length` must equal or larger than `sequence_length`. Received: {sequence_length=}, {fft_length=}"
        )


@composed(
    cases=[
        Case("2 12", sequence_length=4, sequence_stride=2, fft_length=6),
        Case("9", sequence_length=3, sequence_stride=3, fft_length=4, window="hamming", center=False),
        Case("9", sequence_length=3, sequence_stride=3, fft_length=4, window=None, center=False),
    ],
    errors=[
        Failure("8", sequence_length=4, sequence_stride=2, fft_length=2, match="`fft_length` must equal or larger"),
        Failure("8", sequence_length=4, sequence_stride=2, fft_length=4, window="x", match="'hann' or 'hamming'"),
    ],
)
def stft(
    x: TensorLike,
    sequence_length: int,
    sequence_stride: int,
    fft_length: int,
    window: Any = "hann",
    center: bool = True,
) -> tuple[Tensor, Tensor]:
    """The Fourier transforms of short stretches of a signal: which tones it holds when.

    Args:
        x: shape (..., T).
        sequence_length: of a stretch.
        sequence_stride: from the beginning of one to that of the next.
        fft_length: of the transform, at least `sequence_length`; the stretch lies in its middle.
        window: by what a stretch is multiplied: "hann", "hamming", numbers, or None.
        center: whether the k-th stretch has its middle at place ``k sequence_stride``; then the signal is mirrored at its
            ends.

    Returns:
        the real and the imaginary part, each (..., stretches, fft_length // 2 + 1).

    Raises:
        ArgumentError: an impossible window or length.

    >>> stft([1.0, 1.0, 1.0, 1.0], 2, 2, 2, window=None, center=False)[0]
    Tensor([[2., 0.], [2., 0.]], dtype=float32)
    """
    _check_stretch(sequence_length, fft_length)
    shape = _window(window, sequence_length, fft_length)
    if not isinstance(x, Tensor):
        x = Tensor(as_array(x))
    if center:
        x = pad(x, [(0, 0)] * (len(x.shape) - 1) + [(fft_length // 2, fft_length // 2)], mode="reflect")
    stretches = extract_sequences(x, fft_length, sequence_stride)
    return rfft(stretches if window is None else multiply(stretches, shape))  # type: ignore[no-any-return]


@composed(
    cases=[
        Case(["2 5 4", "2 5 4"], sequence_length=4, sequence_stride=2, fft_length=6),
        Case(["4 3", "4 3"], sequence_length=4, sequence_stride=2, fft_length=4, length=9, center=False),
    ],
    errors=[Failure(["3", "3"], sequence_length=4, sequence_stride=2, fft_length=4, match="should have rank >= 2")],
)
def istft(
    x: Any,
    sequence_length: int,
    sequence_stride: int,
    fft_length: int,
    length: int | None = None,
    window: Any = "hann",
    center: bool = True,
) -> Tensor:
    """The signal whose `stft` this is: as it was, except near ends where too few stretches meet.

    Args:
        x: the real and the imaginary part, each (..., stretches, fft_length // 2 + 1).
        sequence_length, sequence_stride, fft_length, window, center: as they were for `stft`; without a window stretches
            that overlap are added up.
        length: of the signal; by default as far as the stretches reach.

    Returns:
        shape (..., T).

    Raises:
        ArgumentError, ShapeError: as `fft` and `stft`.

    >>> istft(stft([1.0, 2.0, 3.0, 4.0], 4, 2, 4), 4, 2, 4)
    Tensor([1., 2., 3., 4.], dtype=float32)
    """
    _check_stretch(sequence_length, fft_length)
    stretches = _irfft(*_parts(x, 2), fft_length=fft_length)
    if window is not None:
        stretches = multiply(stretches, _undoing(_window(window, sequence_length, fft_length), sequence_stride))
    signal = _overlap_and_add(stretches, sequence_stride=sequence_stride)
    start = fft_length // 2 if center else 0
    end = start + length if length is not None else signal.shape[-1] - start
    return get_item(signal, (Ellipsis, slice(start, end)))  # type: ignore[no-any-return]
