"""Windows by which a stretch of a signal is multiplied so that it fades in and out, and the Bessel function in one of them.

Source: Harris, "On the use of windows for harmonic analysis with the discrete Fourier transform" (1978).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from neurona import config
from neurona.cases import Case
from neurona.ops.elementwise import QUIET
from neurona.tape import op
from neurona.tensor import Array, Tensor, wrap

__all__ = ["bartlett", "blackman", "hamming", "hanning", "i0", "kaiser"]


def _taper(values: Array) -> Tensor:
    return wrap(values.astype(config.floatx()))


def bartlett(x: Any) -> Tensor:
    """A triangle of x numbers, from 0 to 1 and back.

    >>> bartlett(5)
    Tensor([0. , 0.5, 1. , 0.5, 0. ], dtype=float32)
    """
    return _taper(np.bartlett(int(x)))


def blackman(x: Any) -> Tensor:
    """Blackman's window of x numbers: 0.42 - 0.5 cos t + 0.08 cos 2 t.

    >>> blackman(3).numpy().round(2).tolist()
    [-0.0, 1.0, -0.0]
    """
    return _taper(np.blackman(int(x)))


def hamming(x: Any) -> Tensor:
    """Hamming's window of x numbers: 0.54 - 0.46 cos t.

    >>> hamming(3)
    Tensor([0.08, 1.  , 0.08], dtype=float32)
    """
    return _taper(np.hamming(int(x)))


def hanning(x: Any) -> Tensor:
    """Hann's window of x numbers: 0.5 - 0.5 cos t.

    >>> hanning(3)
    Tensor([0., 1., 0.], dtype=float32)
    """
    return _taper(np.hanning(int(x)))


def kaiser(x: Any, beta: Any) -> Tensor:
    """Kaiser's window of x numbers; the larger `beta`, the sooner it fades.

    >>> kaiser(3, 0.0)
    Tensor([1., 1., 1.], dtype=float32)
    """
    return _taper(np.kaiser(int(x), float(beta)))


@op(cases=[Case("N C")], promote="wide float")
@QUIET
def i0(x: Array) -> Array:
    """The modified Bessel function of the first kind and order 0.

    >>> i0([0.0])
    Tensor([1.], dtype=float32)
    """
    return np.asarray(np.i0(x.astype("float64")), x.dtype)  # its series is summed in float32 else
