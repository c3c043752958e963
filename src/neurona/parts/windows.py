"""Windows by name: numbers by which a stretch of a signal is multiplied so that it fades in and out at its ends.

Most are sums of cosines, w(t) = sum over k of a_k cos(k t) for t from -pi to pi; the more of them, the less a loud tone
hides soft ones far from it, and the more those beside it. A *periodic* window is one number longer, of which the last is
left out, so that stretches laid over each other add up evenly.

Source: Harris, "On the use of windows for harmonic analysis with the discrete Fourier transform" (1978).
"""

from __future__ import annotations

import numpy as np

from neurona.errors import UnknownNameError
from neurona.tensor import Array

__all__ = ["check_window", "window"]

_COSINES: dict[str, tuple[float, ...]] = {
    "boxcar": (1.0,),
    "hann": (0.5, 0.5),
    "hamming": (0.54, 0.46),
    "blackman": (0.42, 0.5, 0.08),
    "blackmanharris": (0.35875, 0.48829, 0.14128, 0.01168),
    "nuttall": (0.3635819, 0.4891775, 0.1365995, 0.0106411),
    "flattop": (0.21557895, 0.41663158, 0.277263158, 0.083578947, 0.006947368),
}
_NAMES = ("bartlett", "cosine", *_COSINES)


def check_window(name: str) -> None:
    """See that a window is known.

    Raises:
        UnknownNameError: it is not.
    """
    if name not in _NAMES:
        raise UnknownNameError.among("window", name, _NAMES)


def window(name: str, length: int, periodic: bool) -> Array:
    """The numbers of a window, float64 (length,).

    Args:
        name: "hann", "hamming", "blackman", "bartlett", "cosine", "boxcar", "blackmanharris", "nuttall" or "flattop".
        length: how many.
        periodic: whether the number after the last is the first again.

    Raises:
        UnknownNameError: no such window.

    >>> window("hann", 4, periodic=True).round(2).tolist(), window("hann", 5, periodic=False).round(2).tolist()
    ([0.0, 0.5, 1.0, 0.5], [0.0, 0.5, 1.0, 0.5, 0.0])
    """
    check_window(name)
    if length <= 1:
        return np.ones(length)
    whole = length + 1 if periodic else length
    if name == "bartlett":
        values = np.bartlett(whole)
    elif name == "cosine":
        values = np.sin(np.pi / whole * (np.arange(whole) + 0.5))
    else:
        t = np.linspace(-np.pi, np.pi, whole)
        values = sum((a * np.cos(k * t) for k, a in enumerate(_COSINES[name])), np.zeros(whole))
    return values[:length]
