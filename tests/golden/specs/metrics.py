"""The metrics: every class, fed two or three batches with and without sample weights; the result after each."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from tests.golden.reader import build, look_up, new

SEED = 7002


def _batches() -> dict[str, list[tuple[np.ndarray, np.ndarray]]]:
    """Three batches (y_true, y_pred) of each kind."""
    rng = np.random.RandomState(SEED)

    def softmax(z: np.ndarray) -> np.ndarray:
        e = np.exp(z - z.max(-1, keepdims=True))
        return e / e.sum(-1, keepdims=True)

    def three(make: Any) -> list[tuple[np.ndarray, np.ndarray]]:
        return [make() for _ in range(3)]

    def f32(x: Any) -> np.ndarray:
        return np.asarray(x, "float32")

    eye = np.eye(4)
    return {
        "real": three(lambda: (f32(rng.randn(5, 3)), f32(rng.randn(5, 3)))),
        "vector": three(lambda: (f32(rng.randn(6)), f32(rng.randn(6)))),
        "column": three(lambda: (f32(rng.randn(6)), f32(rng.randn(6, 1)))),
        "positive": three(lambda: (f32(rng.rand(5, 3) + 0.1), f32(rng.rand(5, 3) + 0.1))),
        "near": three(lambda: (lambda t: (t, f32(t + 0.3 * rng.randn(5, 3))))(f32(rng.randn(5, 3)))),
        "equal_ints": three(lambda: (rng.randint(0, 3, (5, 2)), rng.randint(0, 3, (5, 2)))),
        "bits": three(lambda: (f32(rng.rand(8) < 0.5), f32(rng.rand(8)))),
        "bits_ties": three(lambda: (f32(rng.rand(8) < 0.5), f32(rng.randint(0, 5, 8) / 4))),
        "bits_column": three(lambda: (f32(rng.rand(8, 1) < 0.5), f32(rng.rand(8, 1)))),
        "bits_logits": three(lambda: (f32(rng.rand(8) < 0.5), f32(rng.randn(8)))),
        "multilabel": three(lambda: (f32(rng.rand(6, 4) < 0.4), f32(rng.rand(6, 4)))),
        "signs": three(lambda: (f32(np.sign(rng.randn(5, 3))), f32(rng.randn(5, 3)))),
        "onehot": three(lambda: (f32(eye[rng.randint(0, 4, 6)]), f32(softmax(rng.randn(6, 4))))),
        "onehot_logits": three(lambda: (f32(eye[rng.randint(0, 4, 6)]), f32(rng.randn(6, 4)))),
        "onehot_map": three(lambda: (f32(eye[rng.randint(0, 4, (2, 3))]), f32(softmax(rng.randn(2, 3, 4))))),
        "labels": three(lambda: (rng.randint(0, 4, 6).astype("int32"), f32(softmax(rng.randn(6, 4))))),
        "labels_column": three(lambda: (rng.randint(0, 4, (6, 1)), f32(softmax(rng.randn(6, 4))))),
        "labels_map": three(lambda: (rng.randint(0, 4, (2, 3)), f32(softmax(rng.randn(2, 3, 4))))),
        "labels_logits": three(lambda: (rng.randint(0, 4, 6), f32(rng.randn(6, 4)))),
        "classes": three(lambda: (rng.randint(0, 4, (3, 4)), rng.randint(0, 4, (3, 4)))),
        "soft": three(lambda: (f32(softmax(rng.randn(5, 3))), f32(softmax(rng.randn(5, 3))))),
    }


# class, kinds of input, settings; "*" marks those that also run with a weight for every element
TABLE: list[tuple[str, list[str], list[dict[str, Any]]]] = [
    ("Accuracy", ["equal_ints"], [{}]),
    ("BinaryAccuracy", ["bits", "multilabel", "bits_column"], [{}, {"threshold": 0.3}]),
    ("CategoricalAccuracy", ["onehot", "onehot_map"], [{}]),
    ("SparseCategoricalAccuracy", ["labels", "labels_column", "labels_map"], [{}]),
    ("TopKCategoricalAccuracy", ["onehot", "onehot_map"], [{}, {"k": 1}, {"k": 2}]),
    ("SparseTopKCategoricalAccuracy", ["labels", "labels_column", "labels_map"], [{}, {"k": 1}, {"k": 2}]),
    ("SparseTopKCategoricalAccuracy", ["labels"], [{"k": 1, "from_sorted_ids": False}]),
    ("BinaryCrossentropy", ["bits", "multilabel"], [{}, {"label_smoothing": 0.1}]),
    ("BinaryCrossentropy", ["bits_logits"], [{"from_logits": True}]),
    ("CategoricalCrossentropy", ["onehot", "onehot_map"], [{}, {"label_smoothing": 0.1}]),
    ("CategoricalCrossentropy", ["onehot_logits"], [{"from_logits": True}]),
    ("SparseCategoricalCrossentropy", ["labels"], [{}]),
    ("SparseCategoricalCrossentropy", ["labels_logits"], [{"from_logits": True}]),
    ("KLDivergence", ["soft"], [{}]),
    ("Poisson", ["positive"], [{}]),
    ("MeanSquaredError", ["real", "column"], [{}]),
    ("RootMeanSquaredError", ["real", "column"], [{}]),
    ("MeanAbsoluteError", ["real"], [{}]),
    ("MeanAbsolutePercentageError", ["positive"], [{}]),
    ("MeanSquaredLogarithmicError", ["positive"], [{}]),
    ("LogCoshError", ["real"], [{}]),
    ("CosineSimilarity", ["real"], [{}, {"axis": 1}]),
    ("Hinge", ["signs", "multilabel"], [{}]),
    ("SquaredHinge", ["signs"], [{}]),
    ("CategoricalHinge", ["onehot"], [{}]),
    ("R2Score", ["near"], [{}, {"class_aggregation": None}, {"class_aggregation": "variance_weighted_average"},
                           {"num_regressors": 2}]),
    ("PearsonCorrelation", ["near"], [{}, {"axis": 0}]),
    ("ConcordanceCorrelation", ["near"], [{}, {"axis": 0}]),
    ("TruePositives", ["bits", "multilabel"], [{}, {"thresholds": [0.2, 0.5, 0.8]}]),
    ("TrueNegatives", ["bits", "multilabel"], [{}, {"thresholds": [0.2, 0.5, 0.8]}]),
    ("FalsePositives", ["bits", "multilabel"], [{}, {"thresholds": [0.2, 0.5, 0.8]}]),
    ("FalseNegatives", ["bits", "multilabel"], [{}, {"thresholds": [0.2, 0.5, 0.8]}]),
    ("Precision", ["bits", "multilabel"], [{}, {"thresholds": [0.2, 0.5, 0.8]}, {"thresholds": 0.3}]),
    ("Precision", ["multilabel"], [{"top_k": 2}, {"class_id": 1}, {"class_id": 2, "top_k": 2}]),
    ("Recall", ["bits", "multilabel"], [{}, {"thresholds": [0.2, 0.5, 0.8]}, {"thresholds": 0.3}]),
    ("Recall", ["multilabel"], [{"top_k": 2}, {"class_id": 1}, {"class_id": 2, "top_k": 2}]),
    ("F1Score", ["onehot", "multilabel"],
     [{}, {"average": "micro"}, {"average": "macro"}, {"average": "weighted"}, {"threshold": 0.4}]),
    ("FBetaScore", ["onehot", "multilabel"],
     [{}, {"beta": 2.0, "average": "micro"}, {"beta": 0.5, "average": "weighted", "threshold": 0.4}]),
    ("AUC", ["bits", "bits_ties", "multilabel"],
     [{}, {"curve": "PR"}, {"num_thresholds": 5}, {"summation_method": "minoring"}, {"summation_method": "majoring"},
      {"curve": "PR", "summation_method": "majoring"}, {"thresholds": [0.25, 0.5, 0.75]}]),
    ("AUC", ["bits_logits"], [{"from_logits": True}]),
    ("AUC", ["multilabel"], [{"multi_label": True, "num_labels": 4},
                             {"multi_label": True, "num_labels": 4, "label_weights": [0.1, 0.2, 0.3, 0.4]},
                             {"multi_label": True, "num_labels": 4, "curve": "PR"}]),
    ("SensitivityAtSpecificity", ["bits"], [{"specificity": 0.5}, {"specificity": 0.8, "num_thresholds": 20}]),
    ("SpecificityAtSensitivity", ["bits"], [{"sensitivity": 0.5}, {"sensitivity": 0.8, "num_thresholds": 20}]),
    ("PrecisionAtRecall", ["bits"], [{"recall": 0.5}, {"recall": 0.8, "num_thresholds": 20}]),
    ("RecallAtPrecision", ["bits"], [{"precision": 0.5}, {"precision": 0.6, "num_thresholds": 20}]),
    ("SensitivityAtSpecificity", ["multilabel"], [{"specificity": 0.5, "class_id": 1}]),
    ("IoU", ["classes"], [{"num_classes": 4, "target_class_ids": [0, 2]},
                          {"num_classes": 4, "target_class_ids": [1], "ignore_class": 0}]),
    ("IoU", ["onehot"], [{"num_classes": 4, "target_class_ids": [0, 3], "sparse_y_true": False,
                          "sparse_y_pred": False}]),
    ("BinaryIoU", ["bits"], [{}, {"target_class_ids": [1], "threshold": 0.3}]),
    ("MeanIoU", ["classes"], [{"num_classes": 4}, {"num_classes": 4, "ignore_class": 1}]),
    ("MeanIoU", ["labels"], [{"num_classes": 4, "sparse_y_pred": False}]),
    ("OneHotIoU", ["onehot"], [{"num_classes": 4, "target_class_ids": [0, 2]}]),
    ("OneHotMeanIoU", ["onehot"], [{"num_classes": 4}]),
]  # fmt: skip

NO_WEIGHTS = {"PearsonCorrelation", "ConcordanceCorrelation"}
SLACK = {
    "LogCoshError": 4.0,  # the difference of two nearly equal numbers
    "CosineSimilarity": 20.0,  # a mean of numbers of both signs that nearly cancel
    "R2Score": 8.0,  # a difference of sums of squares
    "PearsonCorrelation": 8.0,
    "ConcordanceCorrelation": 8.0,
}
FUNCTIONS = [
    ("binary_accuracy", "multilabel", {"threshold": 0.3}), ("categorical_accuracy", "onehot_map", {}),
    ("sparse_categorical_accuracy", "labels_map", {}), ("top_k_categorical_accuracy", "onehot", {"k": 2}),
    ("sparse_top_k_categorical_accuracy", "labels", {"k": 2}),
    ("sparse_top_k_categorical_accuracy", "labels_map", {"k": 3}),
    ("pearson_correlation", "near", {}), ("concordance_correlation", "near", {"axis": 0}),
]  # fmt: skip
ALIASES = [
    "mse", "MAE", "mape", "msle", "acc", "accuracy", "binary_accuracy", "bce", "kld", "cosine_similarity", "AUC",
    "Precision", "F1Score", "rmse", "RootMeanSquaredError", "hinge", "sparse_categorical_accuracy",
]  # fmt: skip


def cases(keras: Any) -> Iterator[dict[str, Any]]:
    """Every case, without its answer."""
    batches = _batches()
    rng = np.random.RandomState(SEED + 1)
    for cls, kinds, settings in TABLE:
        extra = {"slack": SLACK[cls]} if cls in SLACK else {}
        for kind in kinds:
            fed = batches[kind]
            for config in settings:
                said = ",".join(f"{key}={value}" for key, value in config.items())
                made = new(f"metrics.{cls}", **config)
                plans: dict[str, list[np.ndarray | None]] = {"plain": [None, None, None]}
                if cls not in NO_WEIGHTS and (cls != "BinaryCrossentropy" or fed[0][0].ndim > 1):
                    per = fed[0][0].shape
                    shape = per[:2] if kind in ("onehot_map", "labels_map", "classes") else per[:1]
                    # the IoU family counts whole elements: it takes whole weights
                    whole = "IoU" in cls
                    drawn = [rng.randint(0, 5, shape) for _ in range(3)]
                    plans["weighted"] = [w if whole else w.astype("float32") / 2 for w in drawn]
                for plan, weights in plans.items():
                    calls = [[t, p, w] for (t, p), w in zip(fed, weights, strict=True)]
                    yield {
                        "id": f"{cls}({said})/{kind}/{plan}",
                        "setup": {"metric": made, "calls": calls},
                        **extra,
                    }
    values = [np.float32(2.5), rng.randn(4).astype("float32"), rng.randn(2, 3).astype("float32")]
    scales = [2.0, rng.rand(4).astype("float32"), rng.rand(2).astype("float32")]
    for cls in ("Mean", "Sum"):
        calls = [[np.asarray(v), None] for v in values]
        yield {"id": f"{cls}/plain", "setup": {"metric": new(f"metrics.{cls}"), "calls": calls}}
        calls = [[np.asarray(v), w] for v, w in zip(values, scales, strict=True)]
        yield {"id": f"{cls}/weighted", "setup": {"metric": new(f"metrics.{cls}"), "calls": calls}}
    for function, kwargs in (
        ("mean_squared_error", {}),
        ("huber", {"delta": 0.5}),
        ("categorical_crossentropy", {"from_logits": True}),
    ):
        wrapped = new("metrics.MeanMetricWrapper", fn={"$get": f"losses.{function}"}, name="wrapped", **kwargs)
        fed = batches["onehot_logits"]
        calls = [[t, p, rng.rand(len(t)).astype("float32")] for t, p in fed]
        yield {"id": f"MeanMetricWrapper({function})", "setup": {"metric": wrapped, "calls": calls}}
    for function, kind, kwargs in FUNCTIONS:
        t, p = batches[kind][0]
        yield {
            "id": f"{function}/{kind}",
            "setup": {"function": function, "args": [t, p], "kwargs": kwargs},
            "slack": 8.0,
        }
    for alias in ALIASES:
        yield {"id": f"get/{alias}", "setup": {"alias": alias}}


def run(bridge: Any, setup: dict[str, Any]) -> dict[str, Any]:
    """The results after each batch, the state's shapes, the config; and the result once reset."""
    keras = bridge.keras
    if "alias" in setup:
        try:
            found = keras.metrics.get(setup["alias"])
        except ValueError:
            return {"name": "ValueError"}
        return {"name": getattr(found, "__name__", type(found).__name__)}
    if "function" in setup:
        value = look_up(keras, f"metrics.{setup['function']}")(*setup["args"], **setup["kwargs"])
        return {"value": bridge.numpy(value)}
    metric = build(keras, setup["metric"])
    results = []
    for *inputs, weights in setup["calls"]:
        metric.update_state(*inputs, sample_weight=weights)
        results.append(bridge.numpy(metric.result()))
    told = {
        "results": results,
        "state": [list(variable.shape) for variable in metric.variables],
        "name": metric.name,
        "config": _plain(metric.get_config()) if "fn" not in setup["metric"]["with"] else None,
    }
    metric.reset_state()
    return {**told, "reset": bridge.numpy(metric.result())}


def _plain(config: dict[str, Any]) -> dict[str, Any]:
    """The config with arrays as lists: Keras keeps some settings as tensors."""
    kept = {key: np.asarray(v).tolist() if hasattr(v, "shape") else v for key, v in config.items()}
    if kept.get("dtype") == "int64":  # the IoU family counts in the backend's own integer
        kept["dtype"] = "int32"
    return kept
