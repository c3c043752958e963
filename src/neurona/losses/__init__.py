"""Losses, under `keras.losses`' names: functions for samples, classes that weigh and reduce them.

One family a file: `regression`, `crossentropy`, `focal`, `divergence`, `margin`, `overlap` and `sequence`;
`base` has what they share.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from neurona.losses.base import Loss, LossFunctionWrapper
from neurona.losses.crossentropy import (
    BinaryCrossentropy,
    CategoricalCrossentropy,
    SparseCategoricalCrossentropy,
    binary_crossentropy,
    categorical_crossentropy,
    sparse_categorical_crossentropy,
)
from neurona.losses.divergence import (
    CategoricalGeneralizedCrossEntropy,
    KLDivergence,
    Poisson,
    categorical_generalized_cross_entropy,
    kl_divergence,
    poisson,
)
from neurona.losses.focal import (
    BinaryFocalCrossentropy,
    CategoricalFocalCrossentropy,
    binary_focal_crossentropy,
    categorical_focal_crossentropy,
)
from neurona.losses.margin import (
    CategoricalHinge,
    Hinge,
    SquaredHinge,
    categorical_hinge,
    hinge,
    squared_hinge,
)
from neurona.losses.overlap import Circle, Dice, Tversky, circle, dice, tversky
from neurona.losses.regression import (
    CosineSimilarity,
    Huber,
    LogCosh,
    MeanAbsoluteError,
    MeanAbsolutePercentageError,
    MeanSquaredError,
    MeanSquaredLogarithmicError,
    cosine_similarity,
    huber,
    log_cosh,
    mean_absolute_error,
    mean_absolute_percentage_error,
    mean_squared_error,
    mean_squared_logarithmic_error,
)
from neurona.losses.sequence import CTC, ctc
from neurona.parts.lookup import find
from neurona.registry import Config, export, serialize_keras_object

__all__ = [
    "CTC",
    "BinaryCrossentropy",
    "BinaryFocalCrossentropy",
    "CategoricalCrossentropy",
    "CategoricalFocalCrossentropy",
    "CategoricalGeneralizedCrossEntropy",
    "CategoricalHinge",
    "Circle",
    "CosineSimilarity",
    "Dice",
    "Hinge",
    "Huber",
    "KLDivergence",
    "LogCosh",
    "Loss",
    "LossFunctionWrapper",
    "MeanAbsoluteError",
    "MeanAbsolutePercentageError",
    "MeanSquaredError",
    "MeanSquaredLogarithmicError",
    "Poisson",
    "SparseCategoricalCrossentropy",
    "SquaredHinge",
    "Tversky",
    "binary_crossentropy",
    "binary_focal_crossentropy",
    "categorical_crossentropy",
    "categorical_focal_crossentropy",
    "categorical_generalized_cross_entropy",
    "categorical_hinge",
    "circle",
    "cosine_similarity",
    "ctc",
    "deserialize",
    "dice",
    "get",
    "hinge",
    "huber",
    "kl_divergence",
    "log_cosh",
    "mean_absolute_error",
    "mean_absolute_percentage_error",
    "mean_squared_error",
    "mean_squared_logarithmic_error",
    "poisson",
    "serialize",
    "sparse_categorical_crossentropy",
    "squared_hinge",
    "tversky",
]

MODULE = "keras.losses"

# Each function and its short names. They enter the table after the classes: "huber" is the function, "Huber"
# the class.
FUNCTIONS: dict[Callable[..., Any], tuple[str, ...]] = {
    binary_crossentropy: ("bce", "BCE"),
    binary_focal_crossentropy: (),
    categorical_crossentropy: (),
    categorical_focal_crossentropy: (),
    categorical_generalized_cross_entropy: (),
    categorical_hinge: (),
    circle: (),
    cosine_similarity: (),
    ctc: (),
    dice: (),
    hinge: (),
    huber: (),
    kl_divergence: ("kld", "KLD"),
    log_cosh: ("logcosh",),
    mean_absolute_error: ("mae", "MAE"),
    mean_absolute_percentage_error: ("mape", "MAPE"),
    mean_squared_error: ("mse", "MSE"),
    mean_squared_logarithmic_error: ("msle", "MSLE"),
    poisson: (),
    sparse_categorical_crossentropy: (),
    squared_hinge: (),
    tversky: (),
}
for _function, _aliases in FUNCTIONS.items():
    export(MODULE, *_aliases)(_function)


def get(identifier: Any) -> Any:
    """The loss that an argument such as ``loss="mse"`` means: a function for such a name, else an object.

    Args:
        identifier: a name, a configuration, a loss, its class, a function, or ``None``.

    Raises:
        UnknownNameError: no such name.

    >>> get("mse").__name__, type(get("MeanSquaredError")).__name__
    ('mean_squared_error', 'MeanSquaredError')
    """
    return find(MODULE, "loss", identifier)


def serialize(loss: Any) -> Any:
    """The configuration of a loss or of a loss function.

    >>> serialize(mean_squared_error)["config"]
    'mean_squared_error'
    """
    return serialize_keras_object(loss)


def deserialize(name: Any, custom_objects: Config | None = None) -> Any:
    """The loss that a configuration (or a name) describes.

    >>> deserialize({"class_name": "Huber", "config": {"delta": 2.0}}).delta
    2.0
    """
    return find(MODULE, "loss", name, custom_objects)
