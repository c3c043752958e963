"""STFTSpectrogram: sound as a picture of frequencies over time, by convolutions whose kernels can be trained."""

from __future__ import annotations

import math
import warnings
from typing import Any

from neurona import config, ops
from neurona.errors import ArgumentError, DTypeError
from neurona.layers.base import Layer
from neurona.layers.input_spec import InputSpec
from neurona.ops.windows import conv_output_lengths, data_format_or_default
from neurona.parts.initializers import STFT
from neurona.registry import export
from neurona.symbolic import Shape
from neurona.tensor import Tensor

__all__ = ["STFTSpectrogram"]

_MODES = ("log", "magnitude", "psd", "real", "imag", "angle", "stft")


@export("keras.layers")
class STFTSpectrogram(Layer):
    """The Fourier transform of each stretch of a signal, or what is made of it.

    With the real part a and the imaginary part b of each frequency: "magnitude" sqrt(a² + b²), "log" its logarithm, "psd"
    a² + b² (twice for frequencies that stand for their mirror image as well), "real" a, "imag" b, "angle" atan2(b, a),
    "stft" a and b beside each other. Each channel is transformed by itself.

    Input ``(N, T, C)``, output ``(N, stretches, C bins)``, or ``(N, stretches, bins, C)`` with `expand_dims`; with
    "channels_first" ``(N, C, T)`` to ``(N, C bins, stretches)`` or ``(N, C, stretches, bins)``. There are
    ``fft_length / 2 + 1`` bins.

    Args:
        mode: what is computed, see above.
        frame_length: samples in a stretch.
        frame_step: from the start of one to that of the next; half of `frame_length` by default.
        fft_length: the length of the transform; the next power of two by default.
        window: a window's name or numbers (`initializers.STFT`).
        periodic: whether the window's next number would be its first again.
        scaling: "density", "spectrum" or ``None``, see `initializers.STFT`.
        padding: "valid", or "same": zeros at the ends, so that there are T / frame_step stretches.
        expand_dims: whether frequencies and channels have an axis each, as in a picture.
        data_format: "channels_last" unless set otherwise.

    Raises:
        ArgumentError: a setting that cannot be meant.
        DTypeError: a signal that does not consist of floats.

    >>> sound = ops.cos(ops.reshape(ops.arange(64, dtype="float32"), (1, 64, 1)) * (math.pi / 4))  # a wave of 8 samples
    >>> loudness = STFTSpectrogram("magnitude", frame_length=16, padding="valid")(sound)
    >>> loudness.shape, int(ops.argmax(loudness[0, 0]))  # two waves in a stretch of 16
    ((1, 7, 9), 2)
    """

    def __init__(
        self,
        mode: str = "log",
        frame_length: int = 256,
        frame_step: int | None = None,
        fft_length: int | None = None,
        window: Any = "hann",
        periodic: bool = False,
        scaling: str | None = "density",
        padding: str = "valid",
        expand_dims: bool = False,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        if frame_length < 1:
            raise ArgumentError(f"`frame_length` should be a positive integer. Received: frame_length={frame_length}")
        if frame_step is not None and not 1 <= frame_step <= frame_length:
            raise ArgumentError(
                "`frame_step` should be a positive integer not greater than `frame_length`. "
                f"Received: frame_step={frame_step}, frame_length={frame_length}"
            )
        if fft_length is not None and fft_length < frame_length:
            raise ArgumentError(
                "`fft_length` should be not less than `frame_length`. "
                f"Received: fft_length={fft_length}, frame_length={frame_length}"
            )
        if fft_length is not None and fft_length & (fft_length - 1):
            warnings.warn(
                f"`fft_length` is recommended to be a power of two. Received: fft_length={fft_length}", stacklevel=2
            )
        if mode not in _MODES:
            raise ArgumentError(f"Output mode is invalid, it must be one of {', '.join(_MODES)}. Received: mode={mode}")
        if padding not in ("valid", "same"):
            raise ArgumentError(f"Padding is invalid, it should be 'valid', 'same'. Received: padding={padding}")
        super().__init__(**kwargs)
        self.mode, self.frame_length, self.frame_step, self.fft_length = mode, frame_length, frame_step, fft_length
        self._sides = [STFT(side, window, scaling, periodic) for side in ("real", "imag")]  # tells wrong settings now
        self.window, self.periodic, self.scaling = self._sides[0].window, periodic, scaling
        self.padding, self.expand_dims = padding, expand_dims
        self.data_format = data_format_or_default(data_format)
        self._step = frame_step or frame_length // 2
        self._bins = (fft_length or 2 ** math.ceil(math.log2(frame_length))) // 2 + 1
        self.input_spec = InputSpec(ndim=3)

    def build(self, input_shape: Shape) -> None:
        shape = (self.frame_length, 1, self._bins)
        if self.mode != "imag":
            self.real_kernel = self.add_weight(shape, self._sides[0], name="real_kernel")
        if self.mode != "real":
            self.imag_kernel = self.add_weight(shape, self._sides[1], name="imag_kernel")

    def call(self, inputs: Tensor) -> Tensor:
        if inputs.dtype.kind != "f":
            raise DTypeError(
                f"Invalid input type. Expected `float16`, `float32` or `float64`. Received: input type={inputs.dtype.name}"
            )
        signal = inputs if self.data_format == "channels_first" else ops.swapaxes(inputs, 1, 2)  # (N, C, T)
        if self.mode == "real":
            return self._arranged(self._waves(signal, self.real_kernel))
        imaginary = self._waves(signal, self.imag_kernel)
        if self.mode == "imag":
            return self._arranged(imaginary)
        return self._arranged(self._measured(self._waves(signal, self.real_kernel), imaginary))

    def _waves(self, signal: Tensor, kernel: Any) -> Tensor:
        """How much of each wave is in each stretch: (N, C, T) -> (N, C, stretches, bins)."""
        n, channels, length = signal.shape
        found = ops.conv(
            ops.reshape(signal, (n * channels, length, 1)), ops.cast(kernel, signal.dtype.name), strides=self._step,
            padding=self.padding, data_format="channels_last",
        )  # fmt: skip
        parted: Tensor = ops.reshape(found, (n, channels, *found.shape[1:]))
        return parted

    def _measured(self, real: Tensor, imaginary: Tensor) -> Tensor:
        measured: Tensor
        if self.mode == "angle":
            measured = ops.arctan2(imaginary, real)
        elif self.mode == "stft":
            measured = ops.concatenate([real, imaginary], axis=-1)
        else:
            power = ops.add(ops.square(real), ops.square(imaginary))
            if self.mode == "psd":
                mirrored = ops.pad(power[..., 1:-1], ((0, 0), (0, 0), (0, 0), (1, 1)))
                return ops.add(power, mirrored)  # type: ignore[no-any-return]
            measured = ops.sqrt(ops.maximum(power, config.epsilon()))
            if self.mode == "log":
                measured = ops.log(ops.maximum(measured, config.epsilon()))
        return measured

    def _arranged(self, found: Tensor) -> Tensor:
        """(N, C, stretches, bins) with the axes in the order that was asked for."""
        n, channels, stretches, bins = found.shape
        arranged: Tensor
        if self.data_format == "channels_last":
            if self.expand_dims:
                arranged = ops.transpose(found, (0, 2, 3, 1))
            else:
                arranged = ops.reshape(ops.transpose(found, (0, 2, 1, 3)), (n, stretches, channels * bins))
        else:
            if self.expand_dims:
                return found
            arranged = ops.reshape(ops.swapaxes(found, 2, 3), (n, channels * bins, stretches))
        return arranged

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        first = self.data_format == "channels_first"
        n, channels, length = (input_shape[i] for i in ((0, 1, 2) if first else (0, 2, 1)))
        (stretches,) = conv_output_lengths((length,), (self.frame_length,), (self._step,), self.padding)
        bins = self._bins * (2 if self.mode == "stft" else 1)
        if self.expand_dims:
            return (n, channels, stretches, bins) if first else (n, stretches, bins, channels)
        together = None if channels is None else channels * bins
        return (n, together, stretches) if first else (n, stretches, together)

    def get_config(self) -> dict[str, Any]:
        names = (
            "mode", "frame_length", "frame_step", "fft_length", "window", "periodic", "scaling", "padding", "data_format",
            "expand_dims",
        )  # fmt: skip
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}
