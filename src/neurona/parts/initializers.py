"""Initializers: the values that weights start from.

A layer asks its initializer once, when it is built: ``initializer(shape, dtype) -> tensor``. Weights that
start too large or too small make the signal explode or fade from layer to layer; the `VarianceScaling`
family picks the spread from the number of inputs and outputs ("fans") so that it keeps its size. Leans on
`neurona.random`.

An initializer with a seed gives the same values at every call; without one, two initializers differ and
`neurona.utils.set_random_seed` fixes both.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from neurona import config, random
from neurona.errors import ArgumentError, ShapeError, UnknownNameError, suggestion
from neurona.parts.lookup import find
from neurona.parts.windows import check_window, window
from neurona.registry import Config, deserialize_keras_object, export, serialize_keras_object
from neurona.tensor import Tensor, wrap

__all__ = [
    "STFT",
    "Constant",
    "GlorotNormal",
    "GlorotUniform",
    "HeNormal",
    "HeUniform",
    "Identity",
    "IdentityInitializer",
    "Initializer",
    "LecunNormal",
    "LecunUniform",
    "Ones",
    "Orthogonal",
    "OrthogonalInitializer",
    "RandomNormal",
    "RandomUniform",
    "STFTInitializer",
    "TruncatedNormal",
    "VarianceScaling",
    "Zeros",
    "compute_fans",
    "constant",
    "deserialize",
    "get",
    "glorot_normal",
    "glorot_uniform",
    "he_normal",
    "he_uniform",
    "identity",
    "lecun_normal",
    "lecun_uniform",
    "ones",
    "orthogonal",
    "random_normal",
    "random_uniform",
    "serialize",
    "stft",
    "truncated_normal",
    "variance_scaling",
    "zeros",
]

MODULE = "keras.initializers"
Shape = Sequence[int]
Seed = Any  # an integer, a SeedGenerator, its configuration, or None


@export(MODULE)
class Initializer:
    """The base class: subclasses write `__call__`, and `get_config` if they have settings.

    >>> class Halves(Initializer):
    ...     def __call__(self, shape, dtype=None):
    ...         return Constant(0.5)(shape, dtype)
    >>> Halves()((2,))
    Tensor([0.5, 0.5], dtype=float32)
    """

    def __call__(self, shape: Shape, dtype: npt.DTypeLike | None = None) -> Tensor:
        """Values of this shape and type (`floatx` unless told)."""
        raise NotImplementedError("An Initializer subclass must write `__call__(self, shape, dtype=None)`.")

    def get_config(self) -> Config:
        """The settings, as arguments of the class."""
        return {}

    @classmethod
    def from_config(cls, config: Config) -> Any:
        """An initializer with these settings."""
        return cls(**config)

    def clone(self) -> Any:
        """Another initializer with the same settings."""
        return type(self).from_config(self.get_config())


def _dtype(dtype: npt.DTypeLike | None) -> np.dtype[Any]:
    return np.dtype(dtype or config.floatx())


# -- fixed values --------------------------------------------------------------------------------------------


@export(MODULE)
class Constant(Initializer):
    """Every weight starts at the same value.

    Args:
        value: a number, or an array that broadcasts to the shape asked for.

    >>> Constant(2.5)((1, 2))
    Tensor([[2.5, 2.5]], dtype=float32)
    """

    def __init__(self, value: Any = 0.0) -> None:
        self.value = value

    def __call__(self, shape: Shape, dtype: npt.DTypeLike | None = None) -> Tensor:
        return wrap(np.full(tuple(shape), self.value, _dtype(dtype)))

    def get_config(self) -> Config:
        return {"value": serialize_keras_object(self.value)}

    @classmethod
    def from_config(cls, config: Config) -> Any:
        return cls(deserialize_keras_object(config["value"]))


@export(MODULE, "zero")
class Zeros(Initializer):
    """Every weight starts at 0; usual for biases.

    >>> Zeros()((2,))
    Tensor([0., 0.], dtype=float32)
    """

    def __call__(self, shape: Shape, dtype: npt.DTypeLike | None = None) -> Tensor:
        return wrap(np.zeros(tuple(shape), _dtype(dtype)))


@export(MODULE, "one")
class Ones(Initializer):
    """Every weight starts at 1; usual for the scales of normalisation.

    >>> Ones()((2,), dtype="int32")
    Tensor([1, 1], dtype=int32)
    """

    def __call__(self, shape: Shape, dtype: npt.DTypeLike | None = None) -> Tensor:
        return wrap(np.ones(tuple(shape), _dtype(dtype)))


@export(MODULE, "IdentityInitializer")
class Identity(Initializer):
    """The identity matrix, times a gain: a layer that starts by passing its input on.

    Args:
        gain: the number on the diagonal.

    Raises:
        ShapeError: the shape asked for is not that of a matrix.

    >>> Identity(2.0)((2, 3))
    Tensor([[2., 0., 0.],
            [0., 2., 0.]], dtype=float32)
    """

    def __init__(self, gain: float = 1.0) -> None:
        self.gain = gain

    def __call__(self, shape: Shape, dtype: npt.DTypeLike | None = None) -> Tensor:
        if len(shape) != 2:
            raise ShapeError(
                "Identity expected the shape of a matrix, (rows, columns). "
                f"Received: shape={tuple(shape)} of rank {len(shape)}. Choose another initializer for it."
            )
        kind = _dtype(dtype)
        return wrap((self.gain * np.eye(*shape, dtype=kind)).astype(kind, copy=False))


@export(MODULE, "STFTInitializer")
class STFT(Initializer):
    """The waves by which a convolution computes a Fourier transform, w_t cos(-2 pi f t / F) or w_t sin(-2 pi f t / F).

    Args:
        side: "real", the cosines, or "imag", the sines.
        window: the name of a window, an array of its numbers, or ``None`` for none.
        scaling: "density": the window is divided by the root of the sum of its squares; "spectrum": by the sum of its
            absolute values; ``None``: neither.
        periodic: whether the window's next number would be its first again.

    Raises:
        ArgumentError: an unknown side or scaling.
        UnknownNameError: an unknown window.
        ShapeError: a shape other than (T, 1, F / 2 + 1), or a window of another length than T.

    >>> STFT("real", "hann", "spectrum")((5, 1, 3)).numpy()[:, 0].round(2).tolist()
    [[0.0, 0.0, 0.0], [0.25, 0.0, -0.25], [0.5, -0.5, 0.5], [0.25, -0.0, -0.25], [0.0, 0.0, 0.0]]
    """

    def __init__(
        self, side: str = "real", window: Any = "hann", scaling: str | None = "density", periodic: bool = False
    ) -> None:
        if side not in ("real", "imag"):
            raise ArgumentError(f"side should be 'real' or 'imag'. Received: side={side!r}")
        if isinstance(window, str):
            check_window(window)
        if scaling not in (None, "density", "spectrum"):
            raise ArgumentError(
                f"Scaling is invalid, it must be `None`, 'density' or 'spectrum'. Received: scaling={scaling!r}"
            )
        self.side, self.scaling, self.periodic = side, scaling, periodic
        self.window = deserialize_keras_object(window) if isinstance(window, dict) else window

    def __call__(self, shape: Shape, dtype: npt.DTypeLike | None = None) -> Tensor:
        if len(shape) != 3:
            raise ShapeError(f"STFT expected the shape (T, 1, F / 2 + 1) of a kernel. Received: shape={tuple(shape)}.")
        length, _, bins = shape
        t, f = np.arange(length)[:, None, None], np.arange(bins) / max(1, 2 * (bins - 1))
        waves = (np.cos if self.side == "real" else np.sin)(-2.0 * np.pi * t * f)  # (T, 1, F / 2 + 1)
        if self.window is not None:
            waves *= self._taper(length)[:, None, None]
        return wrap(waves.astype(_dtype(dtype)))

    def _taper(self, length: int) -> Any:
        """The window's numbers, scaled."""
        named = isinstance(self.window, str)
        taper = window(self.window, length, self.periodic) if named else np.asarray(self.window, "float64")
        if taper.shape != (length,):
            raise ShapeError(
                f"The shape of `window` must be equal to [frame_length]. Expected ({length},). "
                f"Received: window shape={taper.shape}"
            )
        if self.scaling is None:
            return taper
        return taper / (np.sqrt(np.square(taper).sum()) if self.scaling == "density" else np.abs(taper).sum())

    def get_config(self) -> Config:
        return {"side": self.side, "window": self.window, "periodic": self.periodic, "scaling": self.scaling}


# -- random values -------------------------------------------------------------------------------------------


class RandomInitializer(Initializer):
    """What the random initializers share: the seed.

    Args:
        seed: an integer or ``None`` (the same values at every call), or a `SeedGenerator` (others at every
            call).
    """

    def __init__(self, seed: Seed = None) -> None:
        self._told_seed = seed
        if seed is None:
            seed = random.make_default_seed()
        elif isinstance(seed, dict):
            seed = deserialize_keras_object(seed)
        if isinstance(seed, bool) or not isinstance(seed, (int, np.integer, random.SeedGenerator)):
            raise ArgumentError(
                "Expected `seed` to be an integer, None or a `neurona.random.SeedGenerator`. "
                f"Received: seed={seed!r} ({type(seed).__name__})."
            )
        self.seed = seed

    @property
    def may_wait(self) -> bool:
        """Whether it gives the same values at any time, so that a model read from a file may go without them."""
        return type(self).__module__ == __name__ and not isinstance(self.seed, random.SeedGenerator)

    def get_config(self) -> Config:
        return {"seed": serialize_keras_object(self._told_seed)}


@export(MODULE, "normal")
class RandomNormal(RandomInitializer):
    """Values of the normal distribution.

    Args:
        mean: its centre.
        stddev: its standard deviation.
        seed: see `RandomInitializer`.

    >>> RandomNormal(seed=1)((100, 100)).shape
    (100, 100)
    """

    def __init__(self, mean: float = 0.0, stddev: float = 0.05, seed: Seed = None) -> None:
        self.mean, self.stddev = mean, stddev
        super().__init__(seed)

    def __call__(self, shape: Shape, dtype: npt.DTypeLike | None = None) -> Tensor:
        return _normal(shape, self.mean, self.stddev, dtype, self.seed)

    def get_config(self) -> Config:
        return {**super().get_config(), "mean": self.mean, "stddev": self.stddev}


@export(MODULE)
class TruncatedNormal(RandomInitializer):
    """Values of the normal distribution, drawn anew where they lie more than two deviations from the centre.

    Args:
        mean: the centre.
        stddev: the standard deviation before cutting.
        seed: see `RandomInitializer`.
    """

    def __init__(self, mean: float = 0.0, stddev: float = 0.05, seed: Seed = None) -> None:
        self.mean, self.stddev = mean, stddev
        super().__init__(seed)

    def __call__(self, shape: Shape, dtype: npt.DTypeLike | None = None) -> Tensor:
        return _truncated_normal(shape, self.mean, self.stddev, dtype, self.seed)

    def get_config(self) -> Config:
        return {**super().get_config(), "mean": self.mean, "stddev": self.stddev}


@export(MODULE, "uniform")
class RandomUniform(RandomInitializer):
    """Values spread evenly from `minval` (included) to `maxval` (left out).

    Args:
        minval, maxval: the range.
        seed: see `RandomInitializer`.
    """

    def __init__(self, minval: float = -0.05, maxval: float = 0.05, seed: Seed = None) -> None:
        self.minval, self.maxval = minval, maxval
        super().__init__(seed)

    def __call__(self, shape: Shape, dtype: npt.DTypeLike | None = None) -> Tensor:
        return _uniform(shape, self.minval, self.maxval, dtype, self.seed)

    def get_config(self) -> Config:
        return {**super().get_config(), "minval": self.minval, "maxval": self.maxval}


def _normal(shape: Shape, mean: float, stddev: float, dtype: npt.DTypeLike | None, seed: Seed) -> Tensor:
    drawn: Tensor = random.normal(tuple(shape), mean=mean, stddev=stddev, dtype=_dtype(dtype).name, seed=seed)
    return drawn


def _truncated_normal(shape: Shape, mean: float, stddev: float, dtype: npt.DTypeLike | None, seed: Seed) -> Tensor:
    kind = _dtype(dtype).name
    drawn: Tensor = random.truncated_normal(tuple(shape), mean=mean, stddev=stddev, dtype=kind, seed=seed)
    return drawn


def _uniform(shape: Shape, low: float, high: float, dtype: npt.DTypeLike | None, seed: Seed) -> Tensor:
    drawn: Tensor = random.uniform(tuple(shape), minval=low, maxval=high, dtype=_dtype(dtype).name, seed=seed)
    return drawn


# -- a spread that fits the layer ----------------------------------------------------------------------------

_MODES = ("fan_in", "fan_out", "fan_avg")
_DISTRIBUTIONS = ("truncated_normal", "untruncated_normal", "uniform")
# the standard deviation of the unit normal cut at two deviations: dividing by it brings the variance back
_CUT_DEVIATION = 0.87962566103423978


def compute_fans(
    shape: Shape, input_axes: Sequence[int] | None = None, output_axes: Sequence[int] | None = None
) -> tuple[int, int]:
    """How many inputs feed one output of a weight, and how many outputs one input feeds.

    Args:
        shape: (C, F) for a matrix, (Kh, Kw, C, F) for a convolution's kernel.
        input_axes, output_axes: the axes to multiply instead, for other weights; both or neither.

    Returns:
        (fan_in, fan_out).

    >>> compute_fans((784, 128)), compute_fans((3, 3, 16, 32)), compute_fans((8, 2, 4), [0], [1, 2])
    ((784, 128), (144, 288), (8, 8))
    """
    shape = tuple(shape)
    if input_axes is not None and output_axes is not None:
        return math.prod(shape[i] for i in input_axes), math.prod(shape[i] for i in output_axes)
    if len(shape) < 2:
        fan = int(shape[0]) if shape else 1
        return fan, fan
    window = math.prod(shape[:-2])  # the places of a convolution's kernel
    return int(shape[-2] * window), int(shape[-1] * window)


@export(MODULE)
class VarianceScaling(RandomInitializer):
    """Random values whose variance fits the size of the weight.

    variance = scale / n,   n = fan_in, fan_out or their mean (at least 1)

    Args:
        scale: above 0.
        mode: "fan_in" keeps the signal's size on the way forward, "fan_out" on the way back, "fan_avg"
            between.
        distribution: "truncated_normal" (or "normal": cut at two deviations), "untruncated_normal" or
            "uniform".
        seed: see `RandomInitializer`.
        input_axes, output_axes: see `compute_fans`.

    Raises:
        ArgumentError: a scale that is not above 0.
        ArgumentError, UnknownNameError: another scale, mode or distribution.

    Source: He et al., "Delving Deep into Rectifiers" (2015); Glorot & Bengio (2010).
    """

    def __init__(
        self,
        scale: float = 1.0,
        mode: str = "fan_in",
        distribution: str = "truncated_normal",
        seed: Seed = None,
        input_axes: Sequence[int] | None = None,
        output_axes: Sequence[int] | None = None,
    ) -> None:
        if not scale > 0:
            raise ArgumentError(f"Argument `scale` must be positive float. Received: scale={scale!r}.")
        if mode not in _MODES:
            raise UnknownNameError(
                f"Invalid `mode` argument:{suggestion(mode, _MODES)} Expected one of {', '.join(_MODES)}. Received: {mode=}."
            )
        distribution = distribution.lower()
        distribution = "truncated_normal" if distribution == "normal" else distribution
        if distribution not in _DISTRIBUTIONS:
            raise UnknownNameError(
                f"Invalid `distribution` argument:{suggestion(distribution, _DISTRIBUTIONS)} "
                f"Expected one of {', '.join(_DISTRIBUTIONS)}. "
                f"Received: {distribution=}."
            )
        self.scale, self.mode, self.distribution = scale, mode, distribution
        self.input_axes, self.output_axes = input_axes, output_axes
        super().__init__(seed)

    def __call__(self, shape: Shape, dtype: npt.DTypeLike | None = None) -> Tensor:
        fan_in, fan_out = compute_fans(shape, self.input_axes, self.output_axes)
        fan = {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2}[self.mode]
        variance = self.scale / max(1.0, fan)
        if self.distribution == "truncated_normal":
            return _truncated_normal(shape, 0.0, math.sqrt(variance) / _CUT_DEVIATION, dtype, self.seed)
        if self.distribution == "untruncated_normal":
            return _normal(shape, 0.0, math.sqrt(variance), dtype, self.seed)
        limit = math.sqrt(3 * variance)  # the variance of a uniform range of half-width a is a^2 / 3
        return _uniform(shape, -limit, limit, dtype, self.seed)

    def get_config(self) -> Config:
        return {
            **super().get_config(),
            "scale": self.scale,
            "mode": self.mode,
            "distribution": self.distribution,
            "input_axes": self.input_axes,
            "output_axes": self.output_axes,
        }


class _Preset(VarianceScaling):
    """A `VarianceScaling` whose scale, mode and distribution have a name of their own."""

    SCALE: float
    MODE: str
    DISTRIBUTION: str

    def __init__(
        self,
        seed: Seed = None,
        input_axes: Sequence[int] | None = None,
        output_axes: Sequence[int] | None = None,
    ) -> None:
        super().__init__(self.SCALE, self.MODE, self.DISTRIBUTION, seed, input_axes, output_axes)

    def get_config(self) -> Config:
        config = super().get_config()
        return {key: config[key] for key in ("seed", "input_axes", "output_axes")}


@export(MODULE)
class GlorotUniform(_Preset):
    """Uniform values of variance 2 / (fan_in + fan_out); the default of dense and convolution layers.

    >>> from neurona import ops
    >>> w = GlorotUniform(seed=1)((50, 100))
    >>> float(ops.max(w)) <= (6 / 150) ** 0.5
    True

    Source: Glorot & Bengio, "Understanding the difficulty of training deep feedforward neural networks"
    (2010).
    """

    SCALE, MODE, DISTRIBUTION = 1.0, "fan_avg", "uniform"


@export(MODULE)
class GlorotNormal(_Preset):
    """Normal values, cut at two deviations, of variance 2 / (fan_in + fan_out).

    Source: Glorot & Bengio (2010).
    """

    SCALE, MODE, DISTRIBUTION = 1.0, "fan_avg", "truncated_normal"


@export(MODULE)
class HeUniform(_Preset):
    """Uniform values of variance 2 / fan_in: right before relu, which lets half of the signal pass.

    Source: He et al., "Delving Deep into Rectifiers" (2015).
    """

    SCALE, MODE, DISTRIBUTION = 2.0, "fan_in", "uniform"


@export(MODULE)
class HeNormal(_Preset):
    """Normal values, cut at two deviations, of variance 2 / fan_in: right before relu.

    Source: He et al. (2015).
    """

    SCALE, MODE, DISTRIBUTION = 2.0, "fan_in", "truncated_normal"


@export(MODULE)
class LecunUniform(_Preset):
    """Uniform values of variance 1 / fan_in.

    Source: LeCun et al., "Efficient BackProp" (1998), section 4.6.
    """

    SCALE, MODE, DISTRIBUTION = 1.0, "fan_in", "uniform"


@export(MODULE)
class LecunNormal(_Preset):
    """Normal values, cut at two deviations, of variance 1 / fan_in: what selu asks for.

    Source: LeCun et al. (1998); Klambauer et al., "Self-Normalizing Neural Networks" (2017).
    """

    SCALE, MODE, DISTRIBUTION = 1.0, "fan_in", "truncated_normal"


@export(MODULE, "OrthogonalInitializer")
class Orthogonal(RandomInitializer):
    """A random matrix with orthonormal rows or columns (the fewer of the two), times a gain.

    All axes but the last are one. Repeated products with it neither grow nor shrink a vector, which is what
    recurrent layers need.

    Args:
        gain: the length of the rows or columns.
        seed: see `RandomInitializer`.

    Raises:
        ShapeError: a shape of fewer than two axes.

    Source: Saxe, McClelland & Ganguli, "Exact solutions to the nonlinear dynamics of learning" (2014).
    """

    def __init__(self, gain: float = 1.0, seed: Seed = None) -> None:
        self.gain = gain
        super().__init__(seed)

    def __call__(self, shape: Shape, dtype: npt.DTypeLike | None = None) -> Tensor:
        if len(shape) < 2:
            raise ShapeError(
                "Orthogonal expected a shape of at least two axes. "
                f"Received: shape={tuple(shape)} of rank {len(shape)}. Choose another initializer for it."
            )
        kind = _dtype(dtype)
        rows, columns = math.prod(shape[:-1]), shape[-1]
        wide = "float32" if kind.itemsize < 4 else kind.name  # LAPACK has no half floats
        a = _normal((max(rows, columns), min(rows, columns)), 0.0, 1.0, wide, self.seed).data
        q, r = np.linalg.qr(a)
        q = q * np.sign(np.diagonal(r))  # with r's diagonal positive, q is spread evenly over all such matrices
        q = q.T if rows < columns else q
        return wrap(np.ascontiguousarray(self.gain * q.reshape(tuple(shape)), kind))

    def get_config(self) -> Config:
        return {**super().get_config(), "gain": self.gain}


# -- by name -------------------------------------------------------------------------------------------------

constant, zeros, ones, identity, stft = Constant, Zeros, Ones, Identity, STFT
random_normal, truncated_normal, random_uniform = RandomNormal, TruncatedNormal, RandomUniform
variance_scaling, orthogonal = VarianceScaling, Orthogonal
glorot_uniform, glorot_normal = GlorotUniform, GlorotNormal
he_uniform, he_normal = HeUniform, HeNormal
lecun_uniform, lecun_normal = LecunUniform, LecunNormal
IdentityInitializer, OrthogonalInitializer, STFTInitializer = Identity, Orthogonal, STFT


def _as_is(values: Any) -> Callable[..., Tensor]:
    """An initializer that gives the values of an array."""

    def initialize(shape: Shape, dtype: npt.DTypeLike | None = None) -> Tensor:
        array = values.data if isinstance(values, Tensor) else np.asarray(values)
        if tuple(shape) != array.shape:
            raise ShapeError(
                f"An array as initializer must have the weight's shape. Expected {tuple(shape)}. "
                f"Received: shape {array.shape}."
            )
        return wrap(array.astype(_dtype(dtype)))

    return initialize


def get(identifier: Any) -> Any:
    """The initializer that an argument such as ``kernel_initializer="he_normal"`` means.

    Args:
        identifier: a name, a configuration, an initializer or its class, a function ``(shape, dtype=None)``,
            an array to start from, or ``None``.

    Raises:
        UnknownNameError: no such name.

    >>> type(get("he_normal")).__name__, get(None)
    ('HeNormal', None)
    """
    if isinstance(identifier, (Tensor, np.ndarray, np.generic)):
        return _as_is(identifier)
    return find(MODULE, "initializer", identifier)


def serialize(initializer: Any) -> Any:
    """The configuration of an initializer.

    >>> serialize(Zeros())
    {'module': 'keras.initializers', 'class_name': 'Zeros', 'config': {}, 'registered_name': None}
    """
    return serialize_keras_object(initializer)


def deserialize(config: Any, custom_objects: Config | None = None) -> Any:
    """The initializer that a configuration (or a name) describes.

    >>> deserialize({"class_name": "Constant", "config": {"value": 3.0}}).value
    3.0
    """
    return find(MODULE, "initializer", config, custom_objects)
