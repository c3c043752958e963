"""Files that go to real Keras and come from it: equal outputs, equal optimizer state, and the same path in training.

Each network of the table is made once with either library, trained, saved and opened by the other; then both go on with the
same batches. Rules that divide by the size of a gradient (Adam) make a rounding error of a gradient near 0 visible, so most
networks are trained with SGD; the rules themselves are compared on a network without such gradients.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import neurona

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
keras = pytest.importorskip("keras", reason="needs real Keras: pip install 'neurona[keras]'")

pytestmark = pytest.mark.filterwarnings("ignore")  # Keras's and TensorFlow's own

RNG = np.random.default_rng(0)
X = RNG.normal(size=(8, 4)).astype("float32")
PICTURES = RNG.normal(size=(8, 8, 8, 3)).astype("float32")
SERIES = RNG.normal(size=(8, 5, 4)).astype("float32")
WORDS = RNG.integers(0, 11, size=(8, 3)).astype("int32")
ONE = RNG.normal(size=(8, 1)).astype("float32")
TWO = RNG.normal(size=(8, 2)).astype("float32")
CLASSES = RNG.integers(0, 3, size=(8,)).astype("int32")

Made = tuple[Any, Any, Any]
TABLE: dict[str, Callable[[Any], Made]] = {}


def entry(make: Callable[[Any], Made]) -> Callable[[Any], Made]:
    TABLE[make.__name__] = make
    return make


@pytest.fixture(autouse=True, scope="module")
def without_graphs() -> Iterator[None]:
    """TensorFlow takes seconds to compile a step, and there are few."""
    keras.config.disable_traceback_filtering()
    keras.src.backend.tensorflow.trainer.tf.config.run_functions_eagerly(True)
    yield
    keras.src.backend.tensorflow.trainer.tf.config.run_functions_eagerly(False)


# -- a user's own things, registered with both libraries under the same names ----------------------------------------


def own(k: Any) -> dict[str, Any]:
    register = k.saving.register_keras_serializable("exchange")

    @register
    class Scale(k.layers.Layer):  # type: ignore[misc, name-defined]
        def __init__(self, factor: float = 1.0, **kwargs: Any) -> None:
            super().__init__(**kwargs)
            self.factor = factor

        def build(self, shape: Any) -> None:
            self.weight = self.add_weight(shape=(shape[-1],), initializer="ones", name="weight")

        def call(self, x: Any) -> Any:
            return x * self.weight * self.factor

        def get_config(self) -> dict[str, Any]:
            return {**super().get_config(), "factor": self.factor}

    @register
    def swishy(x: Any) -> Any:
        return x * k.ops.sigmoid(x)

    @register
    def doubled(y: Any, p: Any) -> Any:
        return 2 * k.ops.mean(k.ops.square(y - p), axis=-1)

    @register
    class Absolute(k.losses.Loss):  # type: ignore[misc, name-defined]
        def __init__(self, factor: float = 1.0, **kwargs: Any) -> None:
            super().__init__(name=kwargs.pop("name", "absolute"), reduction=kwargs.pop("reduction", "sum"))
            self.factor = factor

        def call(self, y: Any, p: Any) -> Any:
            return k.ops.mean(k.ops.abs(y - p), axis=-1) * self.factor

        def get_config(self) -> dict[str, Any]:
            return {**super().get_config(), "factor": self.factor}

    @register
    class Total(k.metrics.Metric):  # type: ignore[misc, name-defined]
        def __init__(self, name: str = "total", **kwargs: Any) -> None:
            super().__init__(name=name, **kwargs)
            self.total = self.add_weight(shape=(), initializer="zeros", name="total")

        def update_state(self, y: Any, p: Any, sample_weight: Any = None) -> None:
            self.total.assign_add(k.ops.sum(k.ops.cast(y, "float32")))

        def result(self) -> Any:
            return self.total

    @register
    class Written(k.Model):  # type: ignore[misc, name-defined]
        def __init__(self, units: int = 3, **kwargs: Any) -> None:
            super().__init__(**kwargs)
            self.units = units
            self.zeta, self._hidden = k.layers.Dense(units, activation="tanh"), k.layers.Dense(units)
            self.blocks = [
                k.layers.Dense(units),
                [k.layers.Dense(units, activation="tanh")],
                {"b": k.layers.Dense(units), "a": k.layers.BatchNormalization()},
            ]
            self.last, self.scale = k.layers.Dense(1), Scale(2.0)

        def call(self, x: Any, training: bool | None = None) -> Any:
            h = self._hidden(self.zeta(x))
            h = self.blocks[1][0](h + self.blocks[0](h))
            h = self.blocks[2]["a"](k.ops.tanh(self.blocks[2]["b"](h)), training=training)
            return self.last(self.scale(h))

        def get_config(self) -> dict[str, Any]:
            return {**super().get_config(), "units": self.units}

    return locals()


OWN: dict[str, dict[str, Any]] = {}


def owned(k: Any) -> dict[str, Any]:
    if k.__name__ not in OWN:
        OWN[k.__name__] = own(k)
    return OWN[k.__name__]


# -- the table -----------------------------------------------------------------------------------------------------------


@entry
def convolutions(k: Any) -> Made:
    layers = k.layers
    model = k.Sequential(
        [
            k.Input((8, 8, 3)), layers.Conv2D(4, 3, activation="relu", padding="same"), layers.BatchNormalization(),
            layers.MaxPooling2D(), layers.SeparableConv2D(3, 2), layers.DepthwiseConv2D(2),
            layers.GlobalAveragePooling2D(), layers.Dense(3, activation="softmax"),
        ]
    )  # fmt: skip
    model.compile(k.optimizers.SGD(0.1, momentum=0.9), "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model, PICTURES, CLASSES


@entry
def bare_ops(k: Any) -> Made:
    ops = k.ops
    x = k.Input((4,))
    h = k.layers.Dense(3)(x)
    y = ops.concatenate([ops.add(k.layers.Dense(1)(h), h[:, :1] * 2), ops.sum(h, axis=-1, keepdims=True)], axis=1)
    y = ops.max(ops.stack([y, -y], axis=-1), axis=-1) + (y[..., :2] - 1.5) / 2.0
    y = ops.where(y > 0, y, ops.exp(y)) + ops.reshape(ops.transpose(ops.expand_dims(y, 1), (0, 2, 1)), (-1, 2))
    y = ops.clip(1.0 - y**2, -5, 5)
    y = ops.einsum("bi,ij->bj", y, np.eye(2, dtype="float32")) + ops.split(ops.tile(y, (1, 2)), 2, axis=1)[0]
    model = k.Model(x, ops.squeeze(ops.pad(ops.expand_dims(y, 1), ((0, 0), (0, 0), (0, 0))), 1))
    model.compile("sgd", "mse")
    return model, X, TWO


@entry
def inputs_and_outputs_in_dicts(k: Any) -> Made:
    a, b = k.Input((4,), name="a"), k.Input((4,), name="b")
    h = k.layers.Concatenate()([a, b])
    outputs = {"u": k.layers.Dense(1, name="u")(h), "v": k.layers.Dense(3, activation="softmax", name="v")(h)}
    model = k.Model({"a": a, "b": b}, outputs)
    model.compile(
        k.optimizers.SGD(0.1, nesterov=True, momentum=0.5),
        loss={"u": "mse", "v": "sparse_categorical_crossentropy"},
        loss_weights={"u": 0.5, "v": 2.0},
        metrics={"u": ["mae"], "v": ["accuracy"]},
        weighted_metrics={"u": ["mse"], "v": []},
    )
    return model, {"a": X, "b": X * 2}, {"u": ONE, "v": CLASSES}


@entry
def inputs_and_outputs_in_lists(k: Any) -> Made:
    a, b, shared = k.Input((4,)), k.Input((4,)), k.layers.Dense(3)
    h = k.layers.Concatenate()([shared(a), shared(b), shared(k.layers.Add()([a, b]))])
    model = k.Model([a, b], [k.layers.Dense(1)(h), k.layers.Dense(3, activation="softmax")(h)])
    model.compile(
        "sgd",
        ["mse", k.losses.SparseCategoricalCrossentropy()],
        loss_weights=[0.5, 2.0],
        metrics=[["mae"], ["accuracy"]],
    )
    return model, [X, X * 2], [ONE, CLASSES]


@entry
def models_in_models(k: Any) -> Made:
    inner = k.Sequential([k.Input((4,)), k.layers.Dense(3, activation="tanh"), k.layers.LayerNormalization()])
    x = k.Input((4,))
    twice = k.Model(x, k.layers.Dense(2)(inner(x)) + k.layers.Dense(2)(inner(x * 0.5)), name="twice")
    stack = k.Sequential([k.Input((4,)), k.layers.Dense(4), twice, k.layers.Dense(4)])
    y = k.Input((4,))
    last = k.Model(y, {"p": k.layers.Dense(2)(y), "q": k.layers.Dense(1)(y)}, name="last")
    a, b = k.Input((4,)), k.Input((4,))
    model = k.Model([a, b], [last(stack(a))["p"], last(b)["p"]])
    model.compile("sgd", ["mse", "mse"])
    return model, [X, X * 2], [TWO, TWO]


@entry
def recurrent(k: Any) -> Made:
    layers = k.layers
    x = k.Input((3,), dtype="int32")
    h = layers.Embedding(11, 4, mask_zero=True)(x)
    h = layers.Bidirectional(layers.LSTM(3, return_sequences=True))(h)
    h = layers.RNN([layers.GRUCell(2), layers.LSTMCell(3)], return_sequences=True)(h)
    h, state, cell = layers.LSTM(3, return_sequences=True, return_state=True)(h)
    h = layers.LSTM(3, return_sequences=True)(h, initial_state=[state, cell])
    h = layers.TimeDistributed(layers.Dense(2))(h)
    h = layers.Bidirectional(layers.GRU(2), backward_layer=layers.SimpleRNN(2, go_backwards=True))(h)
    model = k.Model(x, layers.Dense(1, activation="sigmoid")(h))
    model.compile(k.optimizers.SGD(k.optimizers.schedules.ExponentialDecay(0.1, 3, 0.9)), "binary_crossentropy")
    return model, WORDS, (ONE > 0).astype("float32")


@entry
def attention(k: Any) -> Made:
    layers = k.layers
    x = k.Input((5, 4))
    h, scores = layers.MultiHeadAttention(2, 3)(query=x, value=x, return_attention_scores=True)
    h = layers.LayerNormalization()(layers.Add()([h, x]))
    h = layers.GroupQueryAttention(2, 2, 1)(h, h, h)
    h = layers.AdditiveAttention()([h, layers.Attention(use_scale=True)([x, h])])
    model = k.Model(x, layers.Dense(1)(layers.Concatenate()([layers.Flatten()(h), layers.Flatten()(scores)])))
    model.compile("sgd", "mse")
    return model, SERIES, ONE


@entry
def own_things(k: Any) -> Made:
    mine, layers = owned(k), k.layers
    model = k.Sequential(
        [
            k.Input((4,)), mine["Scale"](2.0), layers.Dense(3, activation=mine["swishy"], kernel_regularizer="l2"),
            layers.Activation(mine["swishy"]), layers.Dense(1, bias_constraint="max_norm"),
        ]
    )  # fmt: skip
    model.compile("sgd", mine["doubled"], metrics=[mine["Total"]()])
    return model, X, ONE


@entry
def own_model_and_loss(k: Any) -> Made:
    model = owned(k)["Written"](4)
    model.compile(k.optimizers.SGD(0.01, momentum=0.9), owned(k)["Absolute"](3.0))
    return model, X, ONE


@entry
def learned_preparation(k: Any) -> Made:
    spread, bins = k.layers.Normalization(), k.layers.Discretization(num_bins=3, output_mode="one_hot")
    spread.adapt(X)
    bins.adapt(X)
    x = k.Input((4,))
    h = k.layers.Concatenate()([spread(x), k.layers.Flatten()(bins(x)), k.layers.Rescaling(0.5, 1.0)(x)])
    model = k.Model(x, k.layers.Dense(1)(h))
    model.compile("sgd", "mse")
    return model, X, ONE


@entry
def frozen(k: Any) -> Made:
    dense, x = k.layers.Dense(3), k.Input((4,))
    dense.trainable = False
    model = k.Model(x, k.layers.Dense(1)(k.layers.BatchNormalization(trainable=False)(dense(x))))
    model.compile(k.optimizers.SGD(0.1), "mae")
    return model, X, ONE


@entry
def half_precision(k: Any) -> Made:
    halves, whole = k.layers.Dense(3, dtype="mixed_float16"), k.layers.Dense(1, dtype="float32")
    model = k.Sequential([k.Input((4,)), halves, whole])
    model.compile("sgd", "mse")
    return model, X, ONE


RULES: dict[str, Callable[[Any], Any]] = {
    "adam": lambda k: k.optimizers.Adam(0.01, gradient_accumulation_steps=2, global_clipnorm=1.0),
    "adamw": lambda k: k.optimizers.AdamW(k.optimizers.schedules.CosineDecay(0.01, 10)),
    "rmsprop": lambda k: k.optimizers.RMSprop(0.01, momentum=0.5, centered=True),
    "averaged": lambda k: k.optimizers.SGD(0.1, momentum=0.5, use_ema=True, clipnorm=1.0, weight_decay=0.01),
    "scaled": lambda k: k.optimizers.LossScaleOptimizer(k.optimizers.Adam(0.01)),
    "nadam": lambda k: k.optimizers.Nadam(0.01),
    "adafactor": lambda k: k.optimizers.Adafactor(0.01),
    "ftrl": lambda k: k.optimizers.Ftrl(0.01),
}


def _trained_by(rule: str) -> Callable[[Any], Made]:
    def make(k: Any) -> Made:
        model = k.Sequential([k.Input((4,)), k.layers.Dense(3, activation="tanh"), k.layers.Dense(1)])
        model.compile(RULES[rule](k), "mse")
        return model, X, ONE

    return make


TABLE |= {f"rule {rule}": _trained_by(rule) for rule in RULES}


# -- what is compared ------------------------------------------------------------------------------------------------------


def outputs(model: Any, x: Any) -> list[Any]:
    return [np.asarray(y) for y in keras.tree.flatten(model.predict(x, verbose=0))]


def weights(model: Any) -> list[Any]:
    return [np.asarray(w) for w in model.get_weights()]


def state(model: Any) -> list[Any]:
    return [np.asarray(v.numpy()) for v in model.optimizer.variables]


def same(these: list[Any], those: list[Any], tolerance: float = 0.0) -> None:
    assert len(these) == len(those)
    for a, b in zip(these, those, strict=True):
        np.testing.assert_allclose(np.asarray(a, "float64"), np.asarray(b, "float64"), rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("way", ["from Keras", "to Keras"])
@pytest.mark.parametrize("name", TABLE)
def test_a_model_goes_on_with_the_other_library(name: str, way: str, tmp_path: Path) -> None:
    first, second = (keras, neurona) if way == "from Keras" else (neurona, keras)
    tolerance = 2e-3 if name == "half_precision" else 1e-5
    first.utils.set_random_seed(1)
    owned(keras), owned(neurona)
    model, x, y = TABLE[name](first)
    for _ in range(2):
        model.train_on_batch(x, y)
    model.save(tmp_path / "model.keras")
    other = second.models.load_model(tmp_path / "model.keras")
    same(weights(model), weights(other))
    same(state(model), state(other))
    same(outputs(model, x), outputs(other, x), tolerance)
    for _ in range(2):
        model.train_on_batch(x, y)
        other.train_on_batch(x, y)
    same(weights(model), weights(other), tolerance)
    other.save(tmp_path / "back.keras")
    same(weights(other), weights(first.models.load_model(tmp_path / "back.keras")))


@pytest.mark.parametrize("way", ["from Keras", "to Keras"])
@pytest.mark.parametrize(
    ("rule", "settings"),
    [("Adam", {}), ("RMSprop", {"momentum": 0.5}), ("SGD", {"momentum": 0.9}), ("AdamW", {"clipnorm": 0.01}),
     ("Nadam", {}), ("Adagrad", {})],
)  # fmt: skip
def test_words_that_a_batch_does_not_name_move_on(
    rule: str, settings: dict[str, Any], way: str, tmp_path: Path
) -> None:
    """No batch names a word twice: of such a word Keras squares the parts on TensorFlow, and their sum elsewhere."""
    first, second = (keras, neurona) if way == "from Keras" else (neurona, keras)
    first.utils.set_random_seed(1)
    model = first.Sequential(
        [first.Input((3,), dtype="int32"), first.layers.Embedding(30, 4), first.layers.Flatten(), first.layers.Dense(1)]
    )
    model.compile(getattr(first.optimizers, rule)(0.01, **settings), "mse")
    rng = np.random.default_rng(0)
    batches = [(rng.permutation(30)[:12].reshape(4, 3).astype("int32"), ONE[:4]) for _ in range(12)]
    for batch in batches[:4]:
        model.train_on_batch(*batch)
    model.save(tmp_path / "model.keras")
    other = second.models.load_model(tmp_path / "model.keras")
    same(weights(model), weights(other))
    same(state(model), state(other))
    for batch in batches[4:]:
        model.train_on_batch(*batch)
        other.train_on_batch(*batch)
    same(weights(model), weights(other), 1e-5)
    same(state(model), state(other), 1e-5)


def test_a_scaled_nadam_goes_on_from_a_file_without_its_product(tmp_path: Path) -> None:
    """Keras leaves one number of Nadam out where it is wrapped, and so do we: it follows from the count of steps."""
    kept = []
    for first, second in ((keras, neurona), (neurona, keras), (neurona, neurona)):
        first.utils.set_random_seed(1)
        model = first.Sequential([first.Input((4,)), first.layers.Dense(3, activation="tanh"), first.layers.Dense(1)])
        model.compile(first.optimizers.LossScaleOptimizer(first.optimizers.Nadam(0.01)), "mse")
        for _ in range(3):
            model.train_on_batch(X, ONE)
        model.save(tmp_path / "model.keras")
        other = second.models.load_model(tmp_path / "model.keras")
        same(state(model), state(other))
        if second is neurona:
            for one in (model, other):
                one.train_on_batch(X, ONE)
            same(weights(model), weights(other), 1e-5)
            kept.append(len(state(other)))
    assert kept == [14, 14]


@pytest.mark.parametrize("way", ["from Keras", "to Keras"])
def test_weights_alone_in_every_form(way: str, tmp_path: Path) -> None:
    first, second = (keras, neurona) if way == "from Keras" else (neurona, keras)
    model, x, _ = TABLE["models_in_models"](first)
    other, _, _ = TABLE["models_in_models"](second)
    model.save_weights(tmp_path / "one.weights.h5")
    other.load_weights(tmp_path / "one.weights.h5")
    same(outputs(model, x), outputs(other, x), 1e-5)
    for _ in range(2):  # the second time over the files of the first
        model.set_weights([w + 1 for w in weights(model)])
        model.save_weights(tmp_path / "many.weights.json", max_shard_size=100 / 2**30)
        other.load_weights(tmp_path / "many.weights.json")
        same(weights(model), weights(other))
    assert len(list(tmp_path.glob("many_*.weights.h5"))) > 2
    model.save(tmp_path / "folder", zipped=False)
    same(outputs(model, x), outputs(second.models.load_model(tmp_path / "folder"), x), 1e-5)


@pytest.mark.parametrize("way", ["from Keras", "to Keras"])
def test_vocabularies_travel(way: str, tmp_path: Path) -> None:
    first, second = (keras, neurona) if way == "from Keras" else (neurona, keras)
    reader = first.layers.TextVectorization(max_tokens=8, output_sequence_length=4)
    reader.adapt(np.array(["a b c", "b c d", "hello world a"]))
    model = first.Sequential([first.Input((), dtype="string"), reader])
    model.save(tmp_path / "model.keras")
    other = second.models.load_model(tmp_path / "model.keras")
    told = ["a b", "zz hello", "c"]
    feed = {"keras": keras.ops.convert_to_tensor(told), "neurona": np.array(told)}
    same([np.asarray(model(feed[first.__name__]))], [np.asarray(other(feed[second.__name__]))])
    assert other.layers[0].get_vocabulary() == reader.get_vocabulary()


def test_one_layer_in_a_model_and_in_a_model_within_it(tmp_path: Path) -> None:
    """Keras writes such a file and cannot open it; here its two layers are one again."""
    for k in (keras, neurona):
        dense, x, a = k.layers.Dense(4, name="dense"), k.Input((4,)), k.Input((4,))
        encoder = k.Model(x, dense(x), name="encoder")
        model = k.Model(a, k.layers.Dense(1)(encoder(a) + dense(a)))
        model.save(tmp_path / "m.keras")
        again = neurona.models.load_model(tmp_path / "m.keras")
        assert again.get_layer("encoder").get_layer("dense") is again.get_layer("dense")
        same(outputs(model, X), outputs(again, X), 1e-5)


def test_operations_are_called_as_keras_calls_them() -> None:
    """The table of operations agrees with the classes of the Keras that is installed."""
    import importlib
    import inspect

    from neurona.layers.keras_operations import _by_class

    wrong = []
    for (module, name), told in _by_class().items():
        kind = getattr(importlib.import_module(module), name, None)
        if kind is None:
            wrong.append(f"{name}: none such")
            continue
        made = {p for p in inspect.signature(kind.__init__).parameters if p not in ("self", "name")}
        if not set(told.settings) <= made:
            wrong.append(f"{name}: {told.settings} {made}")
        inputs = [p for p in inspect.signature(kind.call).parameters if p != "self"]
        if not told.inputs[0].startswith("*") and len(told.inputs) > len(inputs):
            wrong.append(f"{name}: {told.inputs} {inputs}")
    assert not wrong


def test_a_type_without_numpy_is_refused(tmp_path: Path) -> None:
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3, dtype="mixed_bfloat16")])
    model.save(tmp_path / "m.keras")
    with pytest.raises(neurona.errors.NeuronaError, match="mixed_bfloat16"):
        neurona.models.load_model(tmp_path / "m.keras")


def test_a_quantised_model_is_refused(tmp_path: Path) -> None:
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)])
    model.quantize("int8")
    model.save(tmp_path / "m.keras")
    with pytest.raises(neurona.errors.NeuronaError, match=r"(?i)quanti|int8"):
        neurona.models.load_model(tmp_path / "m.keras")
