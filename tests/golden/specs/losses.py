"""The losses: every class and function, its options, reductions and sample weights; values and d loss / d y_pred.

CTC is left out: no recogniser and no layer of Neurona needs it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from tests.golden.reader import build, look_up, new

SEED = 7001
REDUCTIONS = ["sum", "sum_over_batch_size", "mean", "none", "mean_with_sample_weight"]


def _inputs() -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Pairs (y_true, y_pred) by kind."""
    rng = np.random.RandomState(SEED)

    def softmax(z: np.ndarray, axis: int = -1) -> np.ndarray:
        e = np.exp(z - z.max(axis, keepdims=True))
        return (e / e.sum(axis, keepdims=True)).astype("float32")

    def f32(x: Any) -> np.ndarray:
        return np.asarray(x, "float32")

    logits, volume = f32(rng.randn(4, 3) * 2), f32(rng.randn(2, 3, 4))
    onehot = f32(np.eye(3)[[0, 2, 1, 2]])
    signs = f32(np.where(rng.rand(4, 3) < 0.5, -1, 1))
    bits = f32(rng.rand(4, 3) < 0.5)
    embeddings = f32(rng.randn(6, 4))
    embeddings /= np.linalg.norm(embeddings, axis=1, keepdims=True)
    return {
        "real": (f32(rng.randn(4, 3)), f32(rng.randn(4, 3))),
        "vector": (f32(rng.randn(5)), f32(rng.randn(5))),
        "column": (f32(rng.randn(5)), f32(rng.randn(5, 1))),
        "volume": (f32(rng.randn(2, 3, 4)), f32(rng.randn(2, 3, 4))),
        "integers": (rng.randint(-3, 4, (4, 3)), f32(rng.randn(4, 3))),
        "positive": (f32(rng.rand(4, 3) * 3), f32(rng.rand(4, 3) * 3 + 0.05)),
        "signs": (signs, f32(rng.randn(4, 3))),
        "bits_for_hinge": (bits, f32(rng.randn(4, 3))),
        "bits": (bits, f32(rng.uniform(0.02, 0.98, (4, 3)))),
        "bits_extreme": (f32([[0, 1, 1, 0]]), f32([[0.0, 1.0, 0.0, 1.0]])),
        "bits_logits": (bits, logits),
        "onehot": (onehot, softmax(logits)),
        "onehot_unnormalised": (onehot, f32(rng.uniform(0.1, 2, (4, 3)))),
        "onehot_logits": (onehot, logits),
        "onehot_axis1": (f32(np.moveaxis(np.eye(3)[rng.randint(0, 3, (2, 4))], -1, 1)), softmax(volume, 1)),
        "onehot_axis1_logits": (f32(np.moveaxis(np.eye(3)[rng.randint(0, 3, (2, 4))], -1, 1)), volume),
        "soft": (softmax(rng.randn(4, 3)), softmax(rng.randn(4, 3))),
        "labels": (np.array([0, 2, 1, 2], "int32"), softmax(logits)),
        "labels_column": (np.array([[0], [2], [1], [2]], "int64"), softmax(logits)),
        "labels_float": (np.array([0, 2, 1, 2], "float32"), softmax(logits)),
        "labels_logits": (np.array([0, 2, 1, 2], "int32"), logits),
        "labels_map_logits": (rng.randint(0, 4, (2, 3)).astype("int32"), volume),
        "masks": (f32(rng.rand(2, 4, 4, 1) < 0.5), f32(rng.uniform(0.05, 0.95, (2, 4, 4, 1)))),
        "metric_learning": (np.array([0, 1, 0, 2, 1, 0], "int32"), embeddings),
    }


# class, function, the kinds of input it is asked about, and its settings
TABLE: list[tuple[str, str, list[str], list[dict[str, Any]]]] = [
    ("MeanSquaredError", "mean_squared_error", ["real", "vector", "column", "volume", "integers"], [{}]),
    ("MeanAbsoluteError", "mean_absolute_error", ["real", "column", "volume", "integers"], [{}]),
    ("MeanAbsolutePercentageError", "mean_absolute_percentage_error", ["real", "column", "volume"], [{}]),
    ("MeanSquaredLogarithmicError", "mean_squared_logarithmic_error", ["positive", "real"], [{}]),
    ("Huber", "huber", ["real", "column", "volume"], [{}, {"delta": 0.5}, {"delta": 2.0}]),
    ("LogCosh", "log_cosh", ["real", "column", "volume"], [{}]),
    ("CosineSimilarity", "cosine_similarity", ["real", "volume"], [{}, {"axis": 1}]),
    ("Poisson", "poisson", ["positive"], [{}]),
    ("KLDivergence", "kl_divergence", ["soft", "positive", "onehot"], [{}]),
    ("Hinge", "hinge", ["signs", "bits_for_hinge"], [{}]),
    ("SquaredHinge", "squared_hinge", ["signs", "bits_for_hinge"], [{}]),
    ("CategoricalHinge", "categorical_hinge", ["onehot_logits"], [{}]),
    ("BinaryCrossentropy", "binary_crossentropy", ["bits", "bits_extreme"],
     [{}, {"label_smoothing": 0.1}, {"axis": 0}]),
    ("BinaryCrossentropy", "binary_crossentropy", ["bits_logits"],
     [{"from_logits": True}, {"from_logits": True, "label_smoothing": 0.3}]),
    ("BinaryFocalCrossentropy", "binary_focal_crossentropy", ["bits"],
     [{}, {"apply_class_balancing": True}, {"alpha": 0.4, "gamma": 1.0, "apply_class_balancing": True},
      {"gamma": 3.0, "label_smoothing": 0.1}]),
    ("BinaryFocalCrossentropy", "binary_focal_crossentropy", ["bits_logits"],
     [{"from_logits": True}, {"from_logits": True, "apply_class_balancing": True, "label_smoothing": 0.2}]),
    ("CategoricalCrossentropy", "categorical_crossentropy", ["onehot", "onehot_unnormalised", "soft"],
     [{}, {"label_smoothing": 0.1}]),
    ("CategoricalCrossentropy", "categorical_crossentropy", ["onehot_logits"],
     [{"from_logits": True}, {"from_logits": True, "label_smoothing": 0.2}]),
    ("CategoricalCrossentropy", "categorical_crossentropy", ["onehot_axis1"], [{"axis": 1}]),
    ("CategoricalCrossentropy", "categorical_crossentropy", ["onehot_axis1_logits"],
     [{"axis": 1, "from_logits": True}]),
    ("CategoricalFocalCrossentropy", "categorical_focal_crossentropy", ["onehot", "onehot_unnormalised"],
     [{}, {"alpha": 0.4, "gamma": 1.5}, {"label_smoothing": 0.1}]),
    ("CategoricalFocalCrossentropy", "categorical_focal_crossentropy", ["onehot_logits"],
     [{"from_logits": True}, {"from_logits": True, "label_smoothing": 0.2}]),
    ("SparseCategoricalCrossentropy", "sparse_categorical_crossentropy",
     ["labels", "labels_column", "labels_float"], [{}, {"ignore_class": 2}]),
    ("SparseCategoricalCrossentropy", "sparse_categorical_crossentropy", ["labels_logits", "labels_map_logits"],
     [{"from_logits": True}, {"from_logits": True, "ignore_class": 1}]),
    ("CategoricalGeneralizedCrossEntropy", "categorical_generalized_cross_entropy", ["labels"],
     [{"q": 0.5}, {"q": 0.2}, {"q": 0.9}]),
    ("Dice", "dice", ["masks", "bits"], [{}]),
    ("Dice", "dice", ["masks"], [{"axis": (1, 2, 3)}]),
    ("Tversky", "tversky", ["masks", "bits"], [{}, {"alpha": 0.2, "beta": 0.7}]),
    ("Tversky", "tversky", ["masks"], [{"axis": (1, 2, 3)}]),
    ("Circle", "circle", ["metric_learning"],
     [{}, {"gamma": 16.0, "margin": 0.25}, {"remove_diagonal": False}]),
]  # fmt: skip

SLACK = {
    # gamma = 80 multiplies the exponent's rounding error by 80
    "Circle": 40.0,
    # log(exp(..)) of small errors: the difference of two nearly equal numbers
    "LogCosh": 4.0,
}

ALIASES = [
    "mse", "MSE", "mae", "MAE", "mape", "MAPE", "msle", "MSLE", "bce", "BCE", "kld", "KLD", "huber",
    "mean_squared_error", "MeanSquaredError", "categorical_crossentropy", "CategoricalCrossentropy",
    "sparse_categorical_crossentropy", "cosine_similarity", "Poisson", "hinge", "dice", "Tversky", "Circle",
]  # fmt: skip


def cases(keras: Any) -> Iterator[dict[str, Any]]:
    """Every case, without its answer."""
    inputs = _inputs()
    rng = np.random.RandomState(SEED + 1)
    for cls, function, kinds, settings in TABLE:
        for kind in kinds:
            y_true, y_pred = inputs[kind]
            for config in settings:
                said = ",".join(f"{key}={value}" for key, value in config.items())
                extra = {"slack": SLACK[cls]} if cls in SLACK else {}
                base = {"y_true": y_true, "y_pred": y_pred}
                yield {
                    "id": f"{function}({said})/{kind}",
                    "setup": {**base, "function": function, "kwargs": config},
                    **extra,
                }
                # weights must broadcast to the loss of each sample; Keras itself refuses (N,) against (N, T)
                shape = tuple(look_up(keras, f"losses.{function}")(y_true, y_pred, **config).shape)
                weights = rng.uniform(0.1, 2, shape[:1] + (1,) * (len(shape) - 1)).astype("float32")
                plan: list[tuple[str, np.ndarray | None]] = [("sum_over_batch_size", None)]
                if config == settings[0]:
                    plan += [(r, weights) for r in REDUCTIONS] if shape else [("sum", None), ("none", None)]
                if cls == "MeanSquaredError":
                    bare = REDUCTIONS if shape else [r for r in REDUCTIONS if r not in ("sum", "none")]
                    plan += [(r, None) for r in bare if r != "sum_over_batch_size"]
                    if kind == "real":
                        plan += [(r, weights[:, None]) for r in REDUCTIONS]
                    if kind == "volume":
                        whole = rng.uniform(0, 2, shape).astype("float32")
                        plan += [(r, whole) for r in REDUCTIONS]
                for reduction, sample_weight in plan:
                    weighted = "" if sample_weight is None else f"/weights{sample_weight.shape}"
                    setup = {
                        **base,
                        "loss": new(f"losses.{cls}", **config, reduction=reduction),
                        "sample_weight": sample_weight,
                    }
                    yield {"id": f"{cls}({said})/{kind}/{reduction}{weighted}", "setup": setup, **extra}
    for cls in sorted({row[0] for row in TABLE}):
        yield {"id": f"{cls}/config", "setup": {"config_of": f"losses.{cls}"}}
    for alias in ALIASES:
        yield {"id": f"get/{alias}", "setup": {"alias": alias}}


def run(bridge: Any, setup: dict[str, Any]) -> dict[str, Any]:
    """The loss and its slope, or a config, or what a short name stands for."""
    keras = bridge.keras
    if "config_of" in setup:
        loss = look_up(keras, setup["config_of"])()
        return {"name": loss.name, "config": loss.get_config()}
    if "alias" in setup:
        found = keras.losses.get(setup["alias"])
        return {"name": getattr(found, "__name__", type(found).__name__)}
    if "function" in setup:
        function = look_up(keras, f"losses.{setup['function']}")
        kwargs = {key: tuple(v) if isinstance(v, list) else v for key, v in setup["kwargs"].items()}

        def call(y_pred: Any) -> Any:
            return function(setup["y_true"], y_pred, **kwargs)
    else:
        loss = build(keras, setup["loss"])

        def call(y_pred: Any) -> Any:
            return loss(setup["y_true"], y_pred, sample_weight=setup["sample_weight"])

    def aimed(y_pred: Any) -> tuple[Any, Any]:
        value = call(y_pred)
        return value, keras.ops.sum(value)

    value, slopes = bridge.gradients(aimed, [setup["y_pred"]])
    return {"value": bridge.numpy(value), "gradient": slopes[0]}
