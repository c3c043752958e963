"""MelSpectrogram: sound as a picture, tones by the spacing of the ear over time."""

from __future__ import annotations

from typing import Any

import numpy as np

from neurona import ops
from neurona.errors import ArgumentError
from neurona.layers.base import Layer
from neurona.registry import export
from neurona.symbolic import Shape
from neurona.tensor import Array, Tensor

__all__ = ["MelSpectrogram"]


@export("keras.layers")
class MelSpectrogram(Layer):
    """How loud each band of tones is in each stretch of a signal: |STFT|^p, summed by bands, in decibels.

    The bands are as wide as the ear hears them: equal steps of mel(f) = 1127 ln(1 + f / 700). Each is a triangle over the
    frequencies, 1 in its middle. Input ``(N, T)`` or ``(T,)``, output ``(N, bands, stretches)`` or ``(bands, stretches)``
    with ``T // sequence_stride + 1`` stretches.

    Args:
        fft_length: of the Fourier transform.
        sequence_stride: samples from the middle of one stretch to that of the next.
        sequence_length: of a stretch; `fft_length` by default.
        window: "hann", "hamming", or numbers.
        sampling_rate: samples a second.
        num_mel_bins: bands.
        min_freq, max_freq: the lowest and the highest edge in hertz; half the sampling rate by default.
        power_to_db: whether to take 10 log10 of the power over `ref_power`.
        top_db: what lies further below the loudest is brought up to that.
        mag_exp: the power p: 2 for power, 1 for magnitude.
        min_power: what is softer counts as this.
        ref_power: the power of 0 decibels.

    Raises:
        ArgumentError: a stretch longer than the transform.

    >>> sound = np.sin(2 * np.pi * 440 * np.arange(4000) / 8000)  # the tone a' for half a second
    >>> layer = MelSpectrogram(512, 256, sampling_rate=8000, num_mel_bins=20, min_freq=0.0)
    >>> picture = layer(sound)
    >>> picture.shape, int(np.argmax(picture.numpy().mean(axis=1)))  # 440 Hz are 550 mel, of 2146 in all
    ((20, 16), 4)

    Source: Stevens, Volkmann & Newman, "A Scale for the Measurement of the Psychological Magnitude Pitch" (1937).
    """

    def __init__(
        self,
        fft_length: int = 2048,
        sequence_stride: int = 512,
        sequence_length: int | None = None,
        window: Any = "hann",
        sampling_rate: int = 16000,
        num_mel_bins: int = 128,
        min_freq: float = 20.0,
        max_freq: float | None = None,
        power_to_db: bool = True,
        top_db: float = 80.0,
        mag_exp: float = 2.0,
        min_power: float = 1e-10,
        ref_power: float = 1.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.fft_length, self.sequence_stride, self.window = fft_length, sequence_stride, window
        self.sequence_length = sequence_length or fft_length
        if self.sequence_length > fft_length:
            raise ArgumentError(
                "`fft_length` must be greater than or equal to `sequence_length`. Received: "
                f"sequence_length={sequence_length}, fft_length={fft_length}."
            )
        self.sampling_rate, self.num_mel_bins = sampling_rate, num_mel_bins
        self.min_freq, self.max_freq = min_freq, max_freq or int(sampling_rate / 2)
        self.power_to_db, self.top_db, self.mag_exp = power_to_db, top_db, mag_exp
        self.min_power, self.ref_power = min_power, ref_power

    def call(self, inputs: Tensor) -> Tensor:
        dtype = "float64" if self.compute_dtype == "float64" else "float32"
        real, imaginary = ops.stft(
            ops.cast(inputs, dtype), self.sequence_length, self.sequence_stride, self.fft_length, self.window
        )
        loudness = ops.sqrt(ops.add(ops.square(real), ops.square(imaginary)))
        if self.mag_exp != 1:
            loudness = ops.power(loudness, self.mag_exp)
        bands = ops.matmul(loudness, self._bands(loudness.shape[-1]).astype(dtype))  # (..., stretches, bands)
        if self.power_to_db:
            bands = self._in_decibels(bands)
        turned = ops.swapaxes(bands, -1, -2)
        return ops.cast(turned, self.compute_dtype)  # type: ignore[no-any-return]

    def _in_decibels(self, power: Tensor) -> Tensor:
        reference = 10.0 * np.log10(max(abs(self.ref_power), self.min_power))
        decibels = ops.subtract(ops.multiply(10.0, ops.log10(ops.maximum(power, self.min_power))), float(reference))
        softest = float(
            10.0 * np.log10(self.min_power) - reference
        )  # what the loudest is at least, also of an empty batch
        loudest = ops.max(decibels, initial=softest)
        return ops.maximum(decibels, ops.subtract(loudest, self.top_db))  # type: ignore[no-any-return]

    def _bands(self, frequencies: int) -> Array:
        """What each frequency counts in each band, (frequencies, bands); the frequency 0 counts nowhere."""
        mel = _mel(np.linspace(0.0, self.sampling_rate / 2, frequencies))[1:, None]
        edges = np.linspace(_mel(self.min_freq), _mel(self.max_freq), self.num_mel_bins + 2)
        low, middle, high = edges[:-2], edges[1:-1], edges[2:]
        triangles = np.maximum(0.0, np.minimum((mel - low) / (middle - low), (high - mel) / (high - middle)))
        return np.pad(triangles, ((1, 0), (0, 0)))

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        length = input_shape[-1]
        stretches = None if length is None else length // self.sequence_stride + 1
        return (*input_shape[:-1], self.num_mel_bins, stretches)

    def get_config(self) -> dict[str, Any]:
        names = (
            "fft_length", "sequence_stride", "sequence_length", "window", "sampling_rate", "num_mel_bins", "min_freq",
            "max_freq", "power_to_db", "top_db", "mag_exp", "min_power", "ref_power",
        )  # fmt: skip
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}


def _mel(hertz: Any) -> Array:
    """The pitch of a frequency, as far as the ear can tell."""
    return 1127.0 * np.log1p(np.asarray(hertz) / 700.0)
