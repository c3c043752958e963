"""How good are some predictions: accuracy, per class, and whether the probabilities can be believed."""

from __future__ import annotations

from typing import Any

import numpy as np

from neurona.tensor import Array

__all__ = ["calibration", "confusion_matrix", "judge", "softmax", "wilson_interval"]


def softmax(logits: Array) -> Array:
    """Probabilities from a network's raw outputs: e^z / sum e^z along the last axis."""
    e = np.exp(logits - logits.max(axis=-1, keepdims=True))  # subtract the max: exp overflows float32 above 88
    return np.asarray(e / e.sum(axis=-1, keepdims=True))


def confusion_matrix(truth: Array, predicted: Array, classes: int) -> Array:
    """Counts (true class, predicted class).

    >>> confusion_matrix(np.array([0, 1, 1]), np.array([0, 1, 0]), 2).tolist()
    [[1, 0], [1, 1]]
    """
    return np.bincount(truth.astype("int64") * classes + predicted, minlength=classes**2).reshape(classes, classes)


def wilson_interval(right: int, of: int, z: float = 1.96) -> tuple[float, float]:
    """The 95 % interval of a share: where the true accuracy lies, given `right` of `of` (Wilson, 1927).

    >>> [round(x, 3) for x in wilson_interval(900, 1000)]
    [0.88, 0.917]
    """
    if of == 0:
        return 0.0, 1.0
    p, n = right / of, float(of)
    middle = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z * np.sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    return float(middle - half), float(middle + half)


def calibration(probabilities: Array, truth: Array, bins: int = 15) -> tuple[float, list[dict[str, float]]]:
    """The expected calibration error, and the bins it is made of.

    ECE = sum over bins of (share of samples) * |accuracy - mean confidence|, bins of equal width by the confidence.

    Source: Guo et al., "On Calibration of Modern Neural Networks" (2017), arXiv:1706.04599.
    """
    confidence = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == truth
    place = np.minimum((confidence * bins).astype(int), bins - 1)
    table, error = [], 0.0
    for b in range(bins):
        inside = place == b
        count = int(inside.sum())
        if count:
            sure, true = float(confidence[inside].mean()), float(right[inside].mean())
            table.append({"confidence": sure, "accuracy": true, "count": count})
            error += count / len(truth) * abs(sure - true)
    return error, table


def judge(probabilities: Array, truth: Array, classes: list[str]) -> dict[str, Any]:
    """All that a run's metrics.json tells of a test set.

    Args:
        probabilities: ``(N, C)``.
        truth: class numbers, ``(N,)``.
        classes: their names.
    """
    predicted = probabilities.argmax(axis=1)
    table = confusion_matrix(truth, predicted, len(classes))
    right = int(np.trace(table))
    per_class = []
    for k, name in enumerate(classes):
        hit, said, are = int(table[k, k]), int(table[:, k].sum()), int(table[k].sum())
        precision, recall = hit / said if said else 0.0, hit / are if are else 0.0
        f1 = 2 * precision * recall / (precision + recall) if precision + recall else 0.0
        per_class.append({"name": name, "precision": precision, "recall": recall, "f1": f1, "count": are})
    error, bins = calibration(probabilities, truth)
    chosen = np.clip(probabilities[np.arange(len(truth)), truth.astype("int64")], 1e-12, None)
    return {
        "accuracy": right / len(truth),
        "accuracy_interval": list(wilson_interval(right, len(truth))),
        "samples": len(truth),
        "loss": float(-np.log(chosen).mean()),
        "calibration_error": error,
        "calibration": bins,
        "per_class": per_class,
        "confusion": table.tolist(),
    }
