"""Pictures that excite a unit most, made by the network itself: gradient ascent on the pixels.

From faint noise each picture climbs along the gradient of one unit. Left alone that ends in high-frequency noise, which
excites networks but tells people nothing; three things keep the picture natural:

    octaves   at first only long waves may grow, then ones half as long, until single pixels may
    spectrum  within an octave a wave of frequency f grows with weight 1/f, as in natural pictures
    jitter    the picture is shifted a little at each step, so that nothing hangs on single pixels

A total variation penalty smooths what is left, and a constant pull to the start takes back what does not excite.

Sources: Erhan et al., "Visualizing Higher-Layer Features of a Deep Network" (2009); Mahendran & Vedaldi, "Understanding
Deep Image Representations by Inverting Them" (2015), arXiv:1412.0035, total variation; Olah, Mordvintsev & Schubert,
"Feature Visualization" (2017), Distill, jitter and the spectrum as preconditioner.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from neurona import ops
from neurona.sight.stages import Probe, Stage, scores
from neurona.tensor import Array, Tensor

__all__ = ["colour_spread", "maximise_classes", "maximise_units"]

# The length of a step, as a share of the whole range of brightness: the root of its mean square.
_STEP = 0.04
# How strong the noise at the start is, likewise.
_NOISE = 0.06
# A unit that does not answer at all gives no direction; its picture wanders in steps of this length until it does.
_WANDER = 0.1


def maximise_units(
    model: Any, stage: Stage, units: Sequence[int], low: Array, high: Array, seed: int = 0, **settings: Any
) -> tuple[Array, Array]:
    """For some units of a stage, pictures that excite them: where the stage has maps, the unit in their middle.

    Args:
        model: the network.
        stage: one of its stages.
        units: which of its units.
        low, high: the darkest and the lightest prepared picture there can be, (H, W) or (H, W, C).
        seed: of noise and jitter.
        settings: `steps`, `octaves`, `jitter`, `variation`, `decay`, `start`, `colours` as in `ascend`.

    Returns:
        the pictures, prepared as networks take them, and how strongly each unit answers: its sum before the activation.
    """
    probe = Probe(model, [stage.sums])
    place = () if stage.map_size is None else tuple(int(n or 1) // 2 for n in stage.sums.shape[1:3])
    mask = np.zeros((len(units), *(int(n or 1) for n in stage.sums.shape[1:])), "float32")
    mask[(np.arange(len(units)), *(np.full(len(units), p) for p in place), np.asarray(units))] = 1.0

    def excitement(tensors: list[Tensor]) -> Tensor:
        sums: Tensor = ops.sum(ops.reshape(ops.multiply(tensors[0], mask), (len(units), -1)), axis=1)
        return sums

    return ascend(probe, excitement, len(units), low, high, seed, **settings)


def maximise_classes(
    model: Any, classes: Sequence[int], low: Array, high: Array, seed: int = 0, **settings: Any
) -> tuple[Array, Array]:
    """For some classes, pictures for which the score lies as far as possible above those of the other classes.

    score[c] - log(sum over the others of exp(score)): the log-odds of the class.

    Args:
        model, low, high, seed, settings: as for `maximise_units`.
        classes: which.

    Returns:
        the pictures, and the log-odds they reach.
    """
    probe = Probe(model, [model.outputs[0]])
    count = int(model.outputs[0].shape[-1] or 1)
    chosen = np.eye(count, dtype="float32")[np.asarray(classes)]

    def excitement(tensors: list[Tensor]) -> Tensor:
        values = scores(model, tensors[0])
        own = ops.sum(ops.multiply(values, chosen), axis=1)
        odds: Tensor = ops.subtract(own, ops.logsumexp(ops.subtract(values, 1e9 * chosen), axis=1))
        return odds

    return ascend(probe, excitement, len(classes), low, high, seed, **settings)


def ascend(
    probe: Probe,
    excitement: Any,
    count: int,
    low: Array,
    high: Array,
    seed: int = 0,
    steps: int = 96,
    octaves: int = 3,
    jitter: int = 2,
    variation: float = 0.05,
    decay: float = 0.02,
    start: Array | None = None,
    colours: Array | None = None,
) -> tuple[Array, Array]:
    """Gradient ascent on `count` pictures at once.

    Each step adds to a picture the gradient of (excitement - variation), preconditioned by 1/f up to the octave's highest
    frequency, at a fixed length that shrinks towards the end; then the picture is brought back between `low` and `high`.

    Args:
        probe: from pictures to tensors.
        excitement: from these to one number for each picture, (count,).
        count: how many pictures.
        low, high: the range of each pixel, (H, W) or (H, W, C).
        seed: of noise and jitter.
        steps: in all; the octaves share them.
        octaves: the first lets grow only waves longer than 2^octaves pixels.
        jitter: by how many pixels at most a picture is shifted at a step.
        variation: the weight of the total variation against the excitement.
        decay: the share of its distance from `start` that a picture loses at each step, so that only what excites stays.
        start: the picture it begins with, as networks take it; mid-grey unless told.
        colours: (C, C), a root of the colours' covariance, so that usual colours grow before rare ones.

    Returns:
        the pictures (count, ...), and the excitement they reach.
    """
    rng = np.random.default_rng(seed)
    low, high = (np.asarray(edge, "float32") for edge in np.broadcast_arrays(low, high))
    span = np.maximum(high - low, 1e-12)
    shape = (count, *low.shape)
    frequency = _frequencies(low.shape[0], low.shape[1])

    def shaped(g: Array, shortest: float) -> Array:
        """The step for a gradient: its waves weighted, its colours usual ones, its length 1."""
        weight = (frequency <= 1 / shortest) / np.maximum(frequency, 1 / max(low.shape[:2]))
        weight = weight if g.ndim == 3 else weight[..., np.newaxis]
        g = np.fft.ifft2(np.fft.fft2(g, axes=(1, 2)) * weight, axes=(1, 2)).real
        if colours is not None and g.ndim == 4:
            g = g @ colours @ colours.T
        rest = tuple(range(1, g.ndim))
        return np.asarray(g / (np.sqrt(np.square(g).mean(axis=rest, keepdims=True)) + 1e-12))

    # brightness from 0 to 1 while it climbs; the networks' own range only where they compute
    origin = np.full(low.shape, 0.5) if start is None else np.clip((start - low) / span, 0, 1)
    x = origin + _NOISE * shaped(rng.normal(size=shape), 2.0**octaves)
    for step in range(steps):
        octave = step * octaves // steps
        shift = tuple(int(s) for s in rng.integers(-jitter, jitter + 1, 2))
        moved = np.roll(x, shift, axis=(1, 2)).astype("float32")
        _values, g = probe.gradient(low + span * moved, lambda tensors: ops.sum(excitement(tensors)))
        g = g * span
        size = np.sqrt(np.square(g).mean(axis=tuple(range(1, g.ndim)), keepdims=True))
        silent = size == 0
        g = g / (size + silent) - variation * _variation_slope(moved)
        g = np.where(silent, rng.normal(size=shape), g)
        g = np.roll(g, (-shift[0], -shift[1]), axis=(1, 2))
        length = np.where(silent, _WANDER, _STEP * (1 - step / steps) ** 0.5)
        shortest = 2.0 ** (octaves - octave) if octave < octaves - 1 else 1.0
        x = np.clip(x + length * shaped(g, shortest) + decay * ~silent * (origin - x), 0, 1)
    pictures = (low + span * x).astype("float32")
    return pictures, excitement(probe(pictures)).data


def _frequencies(height: int, width: int) -> Array:
    """Waves per pixel of each place in a Fourier transform."""
    return np.asarray(np.hypot(np.fft.fftfreq(height)[:, np.newaxis], np.fft.fftfreq(width)[np.newaxis]))


def _variation_slope(x: Array) -> Array:
    """The gradient of the total variation, with a smooth root: of sqrt(d^2 + e^2) over all neighbours."""
    g = np.zeros_like(x)
    for axis in (1, 2):
        d = np.diff(x, axis=axis)
        slope = d / np.sqrt(d * d + 1e-3)
        ahead = [slice(None)] * x.ndim
        behind = [slice(None)] * x.ndim
        ahead[axis], behind[axis] = slice(1, None), slice(None, -1)
        g[tuple(ahead)] += slope
        g[tuple(behind)] -= slope
    return g


def colour_spread(pictures: Array) -> Array:
    """A root of the covariance of the colours in pictures (N, H, W, C), its largest singular value 1; for `ascend`.

    >>> colour_spread(np.array([[[[0.0, 0.0, 0.0]], [[1.0, 1.0, 1.0]]]])).round(2).tolist()
    [[0.33, 0.33, 0.33], [0.33, 0.33, 0.33], [0.33, 0.33, 0.33]]
    """
    rows = np.asarray(pictures, "float64").reshape(-1, pictures.shape[-1])
    variances, directions = np.linalg.eigh(np.cov(rows.T))
    root = (directions * np.sqrt(np.maximum(variances, 0))) @ directions.T
    return np.asarray(root / max(float(np.linalg.norm(root, 2)), 1e-12))
