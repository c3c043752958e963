"""Networks as scikit-learn's estimators: `NeuronaClassifier` and `NeuronaRegressor`.

    from sklearn.model_selection import cross_val_score
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from neurona.sklearn import NeuronaClassifier

    network = make_pipeline(StandardScaler(), NeuronaClassifier(hidden_layer_sizes=(32,), random_state=0))
    print(cross_val_score(network, X, y))

They keep scikit-learn's whole contract (`check_estimator` passes), so they work in pipelines and searches. Without a
`model` of one's own they train a dense network in float64. This module is the only one that needs scikit-learn, the extra
``neurona[sklearn]``.

Source: scikit-learn's guide "Developing scikit-learn estimators".
"""

from __future__ import annotations

import random as python_random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Self

import numpy as np

from neurona import layers, losses, optimizers
from neurona.errors import ArgumentError
from neurona.models import Model, Sequential, clone_model
from neurona.tensor import Array
from neurona.utils import set_random_seed

try:
    from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
    from sklearn.utils import check_random_state
    from sklearn.utils.multiclass import check_classification_targets
    from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data
except ImportError as error:  # tests and tools that walk over all modules tell it by its text
    raise ImportError("neurona.sklearn needs scikit-learn: pip install 'neurona[sklearn]'.") from error

__all__ = ["NeuronaClassifier", "NeuronaRegressor"]

#: Gives a compiled model for inputs and targets like these: ``(X, y, **model_kwargs) -> Model``.
Build = Callable[..., Any]

# the mean over the weights of a batch: weight 2 is as if the sample were there twice
_PER_WEIGHT = "mean_with_sample_weight"


class _Estimator(BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """What classifier and regressor share: making the network, training it, applying it."""

    def __init__(
        self,
        model: Model | Build | None = None,
        *,
        hidden_layer_sizes: int | tuple[int, ...] = (100,),
        activation: Any = "relu",
        optimizer: Any = "adam",
        learning_rate: float | None = 0.005,
        epochs: int = 100,
        batch_size: int | str = "auto",
        model_kwargs: dict[str, Any] | None = None,
        fit_kwargs: dict[str, Any] | None = None,
        random_state: Any = None,
        verbose: int = 0,
    ) -> None:
        self.model = model
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.optimizer = optimizer
        self.learning_rate = learning_rate
        self.epochs = epochs
        self.batch_size = batch_size
        self.model_kwargs = model_kwargs
        self.fit_kwargs = fit_kwargs
        self.random_state = random_state
        self.verbose = verbose

    # -- making ---------------------------------------------------------------------------------------------------

    def _made(self, x: Array, targets: Array) -> Any:
        """A new compiled model for these inputs and targets."""
        if self.model is None:
            return self._dense(x.shape[1:], targets.shape[1])
        if isinstance(self.model, Model):
            made = clone_model(self.model)
            config = self.model.get_compile_config()
            if config is not None:
                made.compile_from_config(config)
        else:
            made = self.model(X=x, y=targets, **(self.model_kwargs or {}))
        if not getattr(made, "compiled", False):
            raise ArgumentError(
                f"{type(self).__name__} expected `model` to be a compiled model, or a function of X and y that gives "
                f"one. Received: {self.model!r}. Call compile() with a loss and an optimizer."
            )
        return made

    def _dense(self, shape: tuple[int, ...], outputs: int) -> Any:
        """The network that serves where none is given: in float64, as scikit-learn computes."""
        sizes = self.hidden_layer_sizes
        widths = sizes if isinstance(sizes, (tuple, list)) else (sizes,)
        parts: list[Any] = [layers.Input(shape, dtype="float64")]
        parts += [layers.Flatten(dtype="float64")] if len(shape) > 1 else []
        parts += [layers.Dense(width, self.activation, dtype="float64") for width in widths]
        network = Sequential([*parts, layers.Dense(outputs, self._last_activation, dtype="float64")])
        optimizer: Any = optimizers.get(self.optimizer)
        optimizer = type(optimizer).from_config(optimizer.get_config())  # a fit begins without a state
        if self.learning_rate is not None:
            optimizer.learning_rate = self.learning_rate
        network.compile(optimizer, self._loss())
        return network

    # -- training -------------------------------------------------------------------------------------------------

    def _train(self, x: Array, targets: Array, weights: Any, epochs: int, anew: bool) -> Self:
        if weights is not None:
            weights = _check_sample_weight(weights, x, dtype=np.float64, ensure_non_negative=True)
            counted = weights > 0  # weight 0 is as if the sample were not there
            if not counted.any():
                raise ArgumentError("All sample_weight are zero: expected some sample with a positive weight.")
            x, targets, weights = x[counted], targets[counted], weights[counted]
        size = min(200, len(x)) if self.batch_size == "auto" else self.batch_size
        told = {"batch_size": size, "epochs": epochs, "verbose": self.verbose, **(self.fit_kwargs or {})}
        with _drawn_from(self.random_state):
            if anew:
                self.model_ = self._made(x, targets)
                self.history_: dict[str, list[float]] = {}
            history = self.model_.fit(x, targets, sample_weight=weights, **told).history
        for name, values in history.items():
            self.history_.setdefault(name, []).extend(map(float, values))
        return self

    def _applied(self, X: Any) -> Array:
        x = validate_data(self, X, reset=False, allow_nd=True)
        return np.asarray(self.model_.predict(x, verbose=0))

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "model_")


class NeuronaClassifier(ClassifierMixin, _Estimator):  # type: ignore[misc]
    """A network that tells classes apart.

    Args:
        model: a compiled model, of which every `fit` trains a new copy; or a function ``(X, y, **model_kwargs)`` that
            gives one for targets `y` of shape (N, classes), 1 for the class and 0 for the others. Its loss is that of
            such targets, as "categorical_crossentropy", and it ends in a softmax. ``None``: a dense network.
        hidden_layer_sizes: the widths of its hidden layers. This and the next three are the dense network's alone.
        activation: of the hidden layers.
        optimizer: a name, or an optimizer, of which every `fit` takes a fresh copy.
        learning_rate: of the optimizer; ``None`` leaves its own.
        epochs: how often `fit` goes through the samples.
        batch_size: samples a step; "auto" takes up to 200.
        model_kwargs: further arguments of the function `model`.
        fit_kwargs: further arguments of `Model.fit`: callbacks, validation_split, ...
        random_state: an integer makes `fit` repeatable.
        verbose: as of `Model.fit`.

    Attributes:
        classes_: the labels, sorted.
        n_features_in_: the length of a sample.
        model_: the trained model.
        history_: what each epoch measured, by name.
    """

    _last_activation = "softmax"

    @staticmethod
    def _loss() -> Any:
        return losses.CategoricalCrossentropy(reduction=_PER_WEIGHT, dtype="float64")

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Train a new network.

        Args:
            X: shape (N, features), or more axes for a model of one's own.
            y: N labels, of any kind.
            sample_weight: N numbers from 0, or None for ones.
        """
        x, y = validate_data(self, X, y, allow_nd=True)
        check_classification_targets(y)
        self.classes_, places = np.unique(y, return_inverse=True)
        return self._train(x, np.eye(len(self.classes_))[places], sample_weight, self.epochs, anew=True)

    def partial_fit(self, X: Any, y: Any, classes: Any = None, sample_weight: Any = None) -> Self:
        """Train one more epoch on these samples.

        Args:
            X, y, sample_weight: as of `fit`.
            classes: all labels that will ever come; needed in the first call.
        """
        first = not hasattr(self, "model_")
        x, y = validate_data(self, X, y, allow_nd=True, reset=first)
        check_classification_targets(y)
        if first:
            if classes is None:
                raise ArgumentError("classes must be passed on the first call to partial_fit.")
            self.classes_ = np.unique(classes)
        elif classes is not None and not np.array_equal(np.unique(classes), self.classes_):
            raise ArgumentError(f"classes={classes!r} is not the same as on the first call: {self.classes_!r}.")
        unknown = np.setdiff1d(y, self.classes_)
        if len(unknown):
            raise ArgumentError(f"Expected labels among {self.classes_!r}. Received: {unknown!r}.")
        places = np.searchsorted(self.classes_, y)
        return self._train(x, np.eye(len(self.classes_))[places], sample_weight, 1, anew=first)

    def predict_proba(self, X: Any) -> Array:
        """The probability of each class, shape (N, classes), in the order of `classes_`."""
        check_is_fitted(self)
        p = self._applied(X)
        if p.ndim != 2 or p.shape[1] != len(self.classes_):
            raise ArgumentError(
                f"Expected a model with one output for each of {len(self.classes_)} classes. Received: shape {p.shape}."
            )
        return p

    def predict(self, X: Any) -> Array:
        """The most probable label of each sample, shape (N,)."""
        best = self.predict_proba(X).argmax(axis=1)
        labels: Array = self.classes_[best]
        return labels


class NeuronaRegressor(RegressorMixin, _Estimator):  # type: ignore[misc]
    """A network that estimates numbers; y may be one number a sample, or several.

    Args:
        model: a compiled model, of which every `fit` trains a new copy; or a function ``(X, y, **model_kwargs)`` that
            gives one for targets `y` of shape (N, numbers). ``None``: a dense network.
        hidden_layer_sizes: the widths of its hidden layers. This and the next three are the dense network's alone.
        activation: of the hidden layers.
        optimizer: a name, or an optimizer, of which every `fit` takes a fresh copy.
        learning_rate: of the optimizer; ``None`` leaves its own.
        epochs: how often `fit` goes through the samples.
        batch_size: samples a step; "auto" takes up to 200.
        model_kwargs: further arguments of the function `model`.
        fit_kwargs: further arguments of `Model.fit`: callbacks, validation_split, ...
        random_state: an integer makes `fit` repeatable.
        verbose: as of `Model.fit`.

    Attributes:
        n_features_in_: the length of a sample.
        model_: the trained model.
        history_: what each epoch measured, by name.
    """

    _last_activation = None

    @staticmethod
    def _loss() -> Any:
        return losses.MeanSquaredError(reduction=_PER_WEIGHT, dtype="float64")

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Train a new network.

        Args:
            X: shape (N, features), or more axes for a model of one's own.
            y: shape (N,) or (N, numbers).
            sample_weight: N numbers from 0, or None for ones.
        """
        x, y = validate_data(self, X, y, allow_nd=True, multi_output=True, y_numeric=True)
        self._single = y.ndim == 1
        return self._train(x, self._columns(y), sample_weight, self.epochs, anew=True)

    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Train one more epoch on these samples."""
        first = not hasattr(self, "model_")
        x, y = validate_data(self, X, y, allow_nd=True, multi_output=True, y_numeric=True, reset=first)
        if first:
            self._single = y.ndim == 1
        return self._train(x, self._columns(y), sample_weight, 1, anew=first)

    @staticmethod
    def _columns(y: Array) -> Array:
        return np.asarray(y[:, np.newaxis] if y.ndim == 1 else y, "float64")

    def predict(self, X: Any) -> Array:
        """The estimates, of the shape that y had."""
        check_is_fitted(self)
        y = self._applied(X)
        return y[:, 0] if self._single and y.ndim == 2 and y.shape[1] == 1 else y

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags


@contextmanager
def _drawn_from(random_state: Any) -> Iterator[None]:
    """Within it random numbers follow from the state, if there is one; NumPy's and Python's go on as before."""
    if random_state is None:
        yield
        return
    seed = int(check_random_state(random_state).randint(2**31))
    before = np.random.get_state(), python_random.getstate()
    set_random_seed(seed)
    try:
        yield
    finally:
        np.random.set_state(before[0])
        python_random.setstate(before[1])
