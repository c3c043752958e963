"""Estimators keep scikit-learn's contract: its own checks, its pipelines and searches."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="the extra neurona[sklearn] is not installed")

from sklearn.base import clone
from sklearn.datasets import load_iris, make_regression
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import check_estimator

from neurona import layers
from neurona.errors import ArgumentError
from neurona.models import Model, Sequential
from neurona.sklearn import NeuronaClassifier, NeuronaRegressor

QUICK: dict[str, Any] = {"hidden_layer_sizes": (24,), "epochs": 40, "learning_rate": 0.02}


@pytest.mark.filterwarnings("ignore")  # the checks provoke warnings
@pytest.mark.parametrize("kind", [NeuronaClassifier, NeuronaRegressor])
def test_scikit_learns_own_checks_pass(kind: Any) -> None:
    results = check_estimator(kind(hidden_layer_sizes=(16,), epochs=30, learning_rate=0.03), on_fail=None, on_skip=None)
    failed = {r["check_name"]: r["exception"] for r in results if r["status"] not in ("passed", "skipped")}
    assert not failed
    assert sum(r["status"] == "passed" for r in results) >= 50


def iris() -> tuple[np.ndarray, np.ndarray]:
    data = load_iris()
    mixed = np.random.default_rng(0).permutation(len(data.data))
    return data.data[mixed], data.target_names[data.target][mixed]


def test_pipelines_and_cross_validation() -> None:
    x, y = iris()
    network = make_pipeline(StandardScaler(), NeuronaClassifier(random_state=0, **QUICK))
    assert cross_val_score(network, x, y, cv=3).min() > 0.9


def test_searches_over_settings() -> None:
    x, y = iris()
    search = GridSearchCV(
        NeuronaClassifier(random_state=0, epochs=30),
        {"hidden_layer_sizes": [(2,), (32,)], "learning_rate": [0.03]},
        cv=3,
    )
    search.fit(x, y)
    assert search.best_params_["hidden_layer_sizes"] == (32,)
    assert search.best_score_ > 0.9


def test_labels_and_probabilities() -> None:
    x, y = iris()
    network = NeuronaClassifier(random_state=0, **QUICK).fit(x, y)
    assert list(network.classes_) == ["setosa", "versicolor", "virginica"]
    assert network.n_features_in_ == 4
    p = network.predict_proba(x)
    np.testing.assert_allclose(p.sum(axis=1), 1)
    np.testing.assert_array_equal(network.predict(x), network.classes_[p.argmax(axis=1)])
    assert network.score(x, y) > 0.9
    assert len(network.history_["loss"]) == 40


def test_a_state_makes_fit_repeatable_and_leaves_other_random_numbers_alone() -> None:
    x, y = iris()
    np.random.seed(3)
    expected = np.random.rand(2)
    np.random.seed(3)
    first = np.random.rand()
    a = NeuronaClassifier(random_state=5, epochs=2).fit(x, y)
    assert [first, np.random.rand()] == list(expected)
    b = clone(a).fit(x, y)
    np.testing.assert_array_equal(a.predict_proba(x), b.predict_proba(x))
    c = NeuronaClassifier(random_state=6, epochs=2).fit(x, y)
    assert np.abs(a.predict_proba(x) - c.predict_proba(x)).max() > 1e-3


@pytest.mark.parametrize("kind", [NeuronaClassifier, NeuronaRegressor])
def test_pickles_predict_alike_and_train_on(kind: Any) -> None:
    x, y = load_iris(return_X_y=True)
    network = kind(random_state=0, epochs=3).fit(x, y)
    again = pickle.loads(pickle.dumps(network))
    np.testing.assert_array_equal(network.predict(x), again.predict(x))
    network.partial_fit(x, y)
    again.partial_fit(x, y)
    np.testing.assert_allclose(network.predict(x), again.predict(x))


def test_several_targets() -> None:
    x, y = make_regression(80, 5, n_targets=3, random_state=0)
    network = NeuronaRegressor(random_state=0, epochs=100, learning_rate=0.05).fit(x, y / 100)
    assert network.predict(x).shape == (80, 3)
    assert network.score(x, y / 100) > 0.9


def test_learning_in_parts() -> None:
    x, y = iris()
    network = NeuronaClassifier(random_state=0, learning_rate=0.02)
    with pytest.raises(ArgumentError, match="classes must be passed on the first call"):
        network.partial_fit(x[:50], y[:50])
    for _ in range(40):
        for part in (slice(0, None, 2), slice(1, None, 2)):
            network.partial_fit(x[part], y[part], classes=np.unique(y))
    assert network.score(x, y) > 0.9
    with pytest.raises(ArgumentError, match=r"Received: .*'rose'"):
        network.partial_fit(x[:1], ["rose"])
    with pytest.raises(ArgumentError, match="not the same as on the first call"):
        network.partial_fit(x[:1], y[:1], classes=["rose", "tulip"])


def convolution(X: Any, y: Any, filters: int = 2) -> Any:
    model = Sequential(
        [
            layers.Input(X.shape[1:]), layers.Conv1D(filters, 2, activation="relu"), layers.Flatten(),
            layers.Dense(y.shape[1], activation="softmax"),
        ]
    )  # fmt: skip
    model.compile("adam", "categorical_crossentropy", metrics=["accuracy"])
    return model


def test_functions_that_make_models() -> None:
    x, y = iris()
    network = NeuronaClassifier(
        convolution, model_kwargs={"filters": 5}, epochs=3, fit_kwargs={"validation_split": 0.2}
    )
    network.fit(x[..., None], y)
    assert network.model_.layers[0].filters == 5
    assert set(network.history_) == {"loss", "accuracy", "val_loss", "val_accuracy"}
    assert network.predict(x[..., None]).shape == (150,)


def test_models_are_copied_for_each_fit() -> None:
    x, y = iris()
    model = convolution(x[..., None], np.eye(3))
    before = model.get_weights()
    network = clone(NeuronaClassifier(model, epochs=2)).fit(x[..., None], y)
    assert isinstance(network.model, Model)
    for kept, weight in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(kept, weight)
    first = network.model_
    assert network.fit(x[..., None], y).model_ is not first


def test_models_that_do_not_fit_are_named() -> None:
    x, y = iris()
    with pytest.raises(ArgumentError, match=r"a compiled model.*Call compile\(\)"):
        NeuronaClassifier(Sequential([layers.Input((4,)), layers.Dense(3)]), epochs=1).fit(x, y)
    model = Sequential([layers.Input((4,)), layers.Dense(1)])
    model.compile("sgd", "mse")
    with pytest.warns(UserWarning, match="Give the last layer 3 units"):
        network = NeuronaClassifier(model, epochs=1).fit(x, y)
    with pytest.raises(ArgumentError, match="one output for each of 3 classes"):
        network.predict(x)
    with pytest.raises(NotFittedError):
        NeuronaRegressor().predict(x)
    with pytest.raises(ValueError, match="zero"):
        NeuronaRegressor().fit(x, x[:, 0], sample_weight=np.zeros(150))
