"""Where in a picture a network finds its answer: Grad-CAM, occlusion, and the plain gradient.

grad_cam      from inside: which places of a stage's maps raise a class; needs maps
occlusion     from outside: how far the answer falls when a part of the picture is covered; works for any network
sensitivity   pixel by pixel: how much the score of a class changes with each of them; works for any network
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from neurona import ops
from neurona.errors import ArgumentError
from neurona.i18n import _
from neurona.sight.stages import Probe, Stage, scores
from neurona.tensor import Array, Tensor

__all__ = ["enlarged", "grad_cam", "log_odds", "occlusion", "sensitivity"]


def grad_cam(model: Any, stage: Stage, pictures: Array, classes: Sequence[int]) -> Array:
    """Where the maps of a stage speak for a class.

    weight[k] = mean over places of d score / d A[k];  L = relu(sum over k of weight[k] A[k])

    Args:
        model: the network; its outputs are the scores of the classes.
        stage: one with maps; deep ones know objects, shallow ones places.
        pictures: prepared, (N, ...).
        classes: the class to explain, one for each picture.

    Returns:
        maps (N, h, w), zero or more, in units of the score.

    Raises:
        ArgumentError: the stage has no maps.

    Source: Selvaraju et al., "Grad-CAM" (2017), arXiv:1610.02391.
    """
    if stage.map_size is None:
        raise ArgumentError(
            _(
                "Grad-CAM needs the maps of a convolution, and the layer '{name}' has none. Occlusion works for every network."
            ).format(name=stage.name)
        )
    probe = Probe(model, [stage.answers, model.outputs[0]])
    (answers, _outputs), g = probe.gradient(pictures, _score_of(model, classes, place=1), by=0)
    weights = g.mean(axis=(1, 2), keepdims=True)  # (N, 1, 1, F)
    return np.asarray(np.maximum((weights * answers).sum(axis=-1), 0))


def sensitivity(
    model: Any, pictures: Array, classes: Sequence[int], samples: int = 1, noise: float = 0.0, seed: int = 0
) -> Array:
    """How much the score of a class changes with each pixel: the largest |d score / d x| over the colours.

    With several `samples` it is the mean over copies of the picture with noise of standard deviation `noise`, which is
    much smoother (SmoothGrad).

    Args:
        model: the network.
        pictures: prepared, (N, H, W) or (N, H, W, C).
        classes: one for each picture.
        samples, noise, seed: of the copies.

    Returns:
        maps (N, H, W).

    Sources: Simonyan, Vedaldi & Zisserman, "Deep Inside Convolutional Networks" (2014), arXiv:1312.6034; Smilkov et al.,
    "SmoothGrad" (2017), arXiv:1706.03825.
    """
    probe = Probe(model, [model.outputs[0]])
    target = _score_of(model, classes, place=0)
    rng = np.random.default_rng(seed)
    total = np.zeros(np.shape(pictures), "float64")
    for _sample in range(samples):
        shaken = pictures + rng.normal(0, noise, np.shape(pictures)) if noise else pictures
        total += np.abs(probe.gradient(shaken, target)[1])
    total /= samples
    return (total if total.ndim == 3 else total.max(axis=-1)).astype("float32")


def _score_of(model: Any, classes: Sequence[int], place: int) -> Any:
    def target(tensors: list[Tensor]) -> Tensor:
        chosen = np.zeros(tensors[place].shape, "float32")
        chosen[np.arange(len(classes)), np.asarray(classes)] = 1.0
        total: Tensor = ops.sum(ops.multiply(scores(model, tensors[place]), chosen))
        return total

    return target


def log_odds(values: Array, chosen: int) -> Array:
    """The logarithm of p / (1 - p) of a class, from raw scores (N, K): it goes on rising where p itself has reached 1.

    >>> bool(np.isclose(log_odds(np.log([[0.8, 0.1, 0.1]]), 0), np.log(0.8 / 0.2)))
    True
    """
    others = np.delete(np.asarray(values, "float64"), chosen, axis=1)
    top = others.max(axis=1, keepdims=True)  # subtract the max: exp overflows
    return np.asarray(values[:, chosen] - (top[:, 0] + np.log(np.exp(others - top).sum(axis=1))))


def occlusion(
    model: Any, picture: Array, chosen: int, cover: Array | float, side: int = 8, step: int = 2, batch_size: int = 200
) -> Array:
    """How far the log-odds of a class fall when a square around each pixel is covered.

    Args:
        model: the network.
        picture: prepared, (H, W) or (H, W, C).
        chosen: the class.
        cover: what covers: a number, or a picture such as the mean of all.
        side: of the square, in pixels.
        step: how far the square moves at a time, at most its own side.
        batch_size: how many covered pictures are computed at once.

    Returns:
        (H, W): the mean fall over all squares that cover a pixel; negative where covering helps.

    Source: Zeiler & Fergus, "Visualizing and Understanding Convolutional Networks" (2014), arXiv:1311.2901, section 4.2.
    """
    height, width = picture.shape[:2]
    corners = [(y, x) for y in _starts(height, side, step) for x in _starts(width, side, step)]
    plain = np.asarray(picture, "float32")
    cover = np.broadcast_to(np.asarray(cover, "float32"), plain.shape)
    probe = Probe(model, [model.outputs[0]])

    def odds(pictures: Array) -> Array:
        return log_odds(scores(model, probe(pictures)[0]).data, chosen)

    before = odds(plain[np.newaxis])[0]
    total, count = np.zeros((height, width)), np.zeros((height, width))
    for start in range(0, len(corners), batch_size):
        part = corners[start : start + batch_size]
        covered = np.repeat(plain[np.newaxis], len(part), axis=0)
        for row, (y, x) in zip(covered, part, strict=True):
            row[y : y + side, x : x + side] = cover[y : y + side, x : x + side]
        for fall, (y, x) in zip(before - odds(covered), part, strict=True):
            total[y : y + side, x : x + side] += fall
            count[y : y + side, x : x + side] += 1
    return np.asarray(total / count, "float32")


def _starts(length: int, side: int, step: int) -> list[int]:
    """Where squares begin so that they cover everything, the last one at the very edge."""
    last = max(length - side, 0)
    return sorted({*range(0, last + 1, min(step, side)), last})


def enlarged(values: Array, height: int, width: int) -> Array:
    """A map (h, w) brought to the size of its picture, linearly between the middles of its places.

    >>> enlarged(np.array([[0.0, 1.0]]), 1, 4).tolist()
    [[0.0, 0.25, 0.75, 1.0]]
    """

    def weights(old: int, new: int) -> Array:
        at = np.clip((np.arange(new) + 0.5) * old / new - 0.5, 0, old - 1)
        return np.asarray(np.maximum(1 - np.abs(at[:, np.newaxis] - np.arange(old)), 0))  # (new, old)

    return np.asarray(weights(values.shape[0], height) @ values @ weights(values.shape[1], width).T)
