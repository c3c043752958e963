"""Lint: every finding is made, its cure silences it, and ordinary programs hear nothing."""

import time
import types
import warnings

import numpy as np
import pytest

from neurona import layers, models
from neurona.i18n import set_language
from neurona.training.lint import LintWarning, Output, Situation, lint, warn_before_fit
from neurona.training.lint_situation import sample, situation_of

RNG = np.random.default_rng(0)
N = 200
X = RNG.normal(size=(N, 4)).astype("float32")
LABELS = RNG.integers(0, 3, N)
YES_NO = RNG.integers(0, 2, N)
ONE_HOT = np.eye(3, dtype="float32")[LABELS]
AMOUNTS = RNG.normal(size=(N, 1)).astype("float32")
PICTURES = RNG.integers(0, 256, (N, 8, 8)).astype("uint8")

SPARSE = {"loss": "sparse_categorical_crossentropy", "units": 3, "activation": "softmax", "rank": 2}
CATEGORICAL = {"loss": "categorical_crossentropy", "units": 3, "activation": "softmax", "rank": 2}
BINARY = {"loss": "binary_crossentropy", "units": 1, "activation": "sigmoid", "rank": 2}
SQUARED = {"loss": "mean_squared_error", "units": 1, "activation": "linear", "rank": 2}


@pytest.fixture(autouse=True)
def english():
    set_language("en")
    yield
    set_language(None)


def case(y, end, x=X, **settings):
    return Situation([x], [Output(y, **end)], **settings)


def codes(situation):
    return [finding.code for finding in lint(situation)]


WITH_NAN = np.where(X > 2, np.nan, X)
WORDS = np.where(np.arange(12) < RNG.integers(2, 6, (N, 1)), RNG.integers(1, 9, (N, 12)), 0)
LAST = {"reads_last": {0: "LSTM"}, "embeds": True}
SORTED = np.sort(LABELS)

# what is found | the program | words of the cure | the cured program
CASES = [
    ("lengths", case(LABELS[:150], SPARSE), "its own target", case(LABELS, SPARSE)),
    (
        "nan-input",
        case(LABELS, SPARSE, WITH_NAN),
        "fill the gaps",
        case(LABELS, SPARSE, np.nan_to_num(WITH_NAN)),
    ),
    ("nan-input", case(LABELS, SPARSE, np.where(X > 1, np.inf, X)), "fill the gaps", case(LABELS, SPARSE)),
    (
        "constant-input",
        case(LABELS, SPARSE, np.zeros((N, 4))),
        "how the data were read",
        case(LABELS, SPARSE),
    ),
    (
        "constant-input",
        case(LABELS, SPARSE, np.repeat(X[:1], N, axis=0)),
        "one sample many times",
        case(LABELS, SPARSE),
    ),
    ("unscaled-input", case(LABELS, SPARSE, PICTURES), "/ 255", case(LABELS, SPARSE, PICTURES / 255)),
    (
        "unscaled-input",
        case(LABELS, SPARSE, PICTURES * 1.0),
        "Rescaling",
        case(LABELS, SPARSE, PICTURES, scaled=True),
    ),
    ("unscaled-input", case(AMOUNTS, SQUARED, X * 1000), "Normalization", case(AMOUNTS, SQUARED, X)),
    ("nan-target", case(AMOUNTS * np.nan, SQUARED), "sample_weight of 0", case(AMOUNTS, SQUARED)),
    ("label-range", case(LABELS + 1, SPARSE), "subtract 1", case(LABELS, SPARSE)),
    ("label-range", case(LABELS - 1, SPARSE), "from 0", case(LABELS, SPARSE)),
    ("label-range", case(LABELS * 4, SPARSE), "9 units", case(LABELS * 4, {**SPARSE, "units": 9})),
    ("label-fraction", case(LABELS + 0.5, SPARSE), "quantities", case(LABELS + 0.5, SQUARED)),
    ("one-hot-for-sparse", case(ONE_HOT, SPARSE), "argmax", case(ONE_HOT.argmax(-1), SPARSE)),
    ("labels-for-one-hot", case(LABELS, CATEGORICAL), "sparse_categorical", case(LABELS, SPARSE)),
    ("labels-for-one-hot", case(LABELS[:, None], CATEGORICAL), "to_categorical", case(ONE_HOT, CATEGORICAL)),
    ("units-classes", case(ONE_HOT, {**CATEGORICAL, "units": 5}), "each column", case(ONE_HOT, CATEGORICAL)),
    ("units-classes", case(LABELS, {**SPARSE, "units": 9}), "as there are classes", case(LABELS, SPARSE)),
    ("binary-range", case(LABELS, BINARY), "0 and 1", case(YES_NO, BINARY)),
    ("binary-range", case(YES_NO * 2 - 1, BINARY), "0 and 1", case(YES_NO, BINARY)),
    ("target-shape", case(YES_NO, {**BINARY, "units": 3}), "1 units", case(YES_NO, BINARY)),
    ("target-shape", case(X, SQUARED), "4 units", case(X, {**SQUARED, "units": 4})),
    ("target-shape", case(AMOUNTS[:, 0], {**SQUARED, "units": 3}), "1 units", case(AMOUNTS[:, 0], SQUARED)),
    ("softmax-one-unit", case(YES_NO, {**BINARY, "activation": "softmax"}), "sigmoid", case(YES_NO, BINARY)),
    (
        "one-unit",
        case(YES_NO, {**SPARSE, "units": 1, "activation": "sigmoid"}),
        "binary",
        case(YES_NO, BINARY),
    ),
    ("softmax-before-logits", case(LABELS, {**SPARSE, "from_logits": True}), "Remove", case(LABELS, SPARSE)),
    (
        "softmax-before-logits",
        case(YES_NO, {**BINARY, "from_logits": True}),
        "leave out",
        case(YES_NO, BINARY),
    ),
    (
        "missing-softmax",
        case(LABELS, {**SPARSE, "activation": "linear"}),
        "from_logits=True",
        case(LABELS, {**SPARSE, "activation": "linear", "from_logits": True}),
    ),
    (
        "missing-softmax",
        case(ONE_HOT, {**CATEGORICAL, "activation": "relu"}),
        "softmax",
        case(ONE_HOT, CATEGORICAL),
    ),
    (
        "missing-sigmoid",
        case(YES_NO, {**BINARY, "activation": "linear"}),
        "from_logits=True",
        case(YES_NO, {**BINARY, "activation": "linear", "from_logits": True}),
    ),
    (
        "sigmoid-for-classes",
        case(LABELS, {**SPARSE, "activation": "sigmoid"}),
        "softmax",
        case(LABELS, SPARSE),
    ),
    (
        "softmax-for-binary",
        case(ONE_HOT, {**CATEGORICAL, "loss": "binary_crossentropy"}),
        "Use categorical",
        case(ONE_HOT, CATEGORICAL),
    ),
    ("one-class", case(LABELS * 0, SPARSE), "every class", case(LABELS, SPARSE)),
    ("one-class", case(np.zeros(N, int), BINARY), "every class", case(YES_NO, BINARY)),
    ("sorted-unshuffled", case(SORTED, SPARSE, shuffle=False), "Leave out", case(SORTED, SPARSE)),
    (
        "sorted-unshuffled",
        case(np.eye(3)[SORTED], CATEGORICAL, shuffle=False),
        "mix",
        case(ONE_HOT, CATEGORICAL, shuffle=False),
    ),
    ("padded-ends", case(YES_NO, BINARY, WORDS, **LAST), "mask_zero=True", case(YES_NO, BINARY, WORDS, embeds=True)),
    (
        "padded-ends",
        case(YES_NO, BINARY, WORDS.astype("float32"), **LAST),
        'padding="pre"',
        case(YES_NO, BINARY, WORDS[:, ::-1], **LAST),
    ),
    (
        "sorted-split",
        case(SORTED, SPARSE, validation_split=0.2),
        "permutation",
        case(LABELS, SPARSE, validation_split=0.2),
    ),
]


@pytest.mark.parametrize(("code", "program", "words", "cured"), CASES, ids=[f"{c[0]}-{i}" for i, c in enumerate(CASES)])
def test_the_finding_and_its_cure(code, program, words, cured):
    (finding,) = [f for f in lint(program) if f.code == code]
    assert words in finding.cure
    assert "{" not in str(finding)
    others = set(codes(program)) - {code}
    # one mistake, one finding; labels that are all 0 also leave units unused
    assert others <= ({"units-classes"} if code == "one-class" else set())
    assert codes(cured) == []


ORDINARY = {
    "pictures with a batch normalisation": case(LABELS, SPARSE, PICTURES, scaled=True),
    "word numbers": case(YES_NO, BINARY, RNG.integers(0, 20_000, (N, 80)), embeds=True),
    "a dead pixel": case(LABELS, SPARSE, np.where(np.arange(4) == 2, 0, X)),
    "labels as floats": case(LABELS.astype("float32"), SPARSE),
    "labels as a column": case(LABELS[:, None], SPARSE),
    "labels as bytes": case(LABELS.astype("uint8"), SPARSE),
    "yes and no as booleans": case(YES_NO.astype(bool), BINARY),
    "labels counted from 1 and one more unit": case(LABELS + 1, {**SPARSE, "units": 4}),
    "an ignored class": case(np.where(LABELS == 0, -1, LABELS), {**SPARSE, "ignore_class": -1}),
    "soft targets": case(ONE_HOT * 0.9 + 0.05, CATEGORICAL),
    "several yes and no": case(RNG.integers(0, 2, (N, 3)), {**BINARY, "units": 3}),
    "an autoencoder": case(X, {**SQUARED, "units": 4}),
    "an autoencoder of probabilities": case(PICTURES / 255, {**BINARY, "units": 8, "rank": 3}, PICTURES / 255),
    "amounts without a second axis": case(AMOUNTS[:, 0], SQUARED),
    "large amounts as targets": case(AMOUNTS * 1e6, SQUARED),
    "a picture of classes": case(RNG.integers(0, 3, (N, 8, 8)), {**SPARSE, "rank": 4}, RNG.normal(size=(N, 8, 8, 1))),
    "sentences of classes": case(RNG.integers(0, 3, (N, 3)), {**SPARSE, "rank": 3}, RNG.normal(size=(N, 3, 2))),
    "XOR": case(np.array([[0], [1], [1], [0]]), BINARY, np.array([[0, 0], [0, 1], [1, 0], [1, 1]], "float32")),
    "four samples in order": case(np.array([0, 0, 1, 1]), BINARY, X[:4], shuffle=False),
    "one sample": case(np.array([0]), SPARSE, X[:1]),
    "no targets": Situation([X], [Output()]),
    "generators": Situation([], [Output(**SPARSE)]),
    "a loss of one's own": case(LABELS, {"loss": "my_loss", "units": 1, "activation": "softplus"}),
    "a model that says nothing": case(LABELS, {"loss": "sparse_categorical_crossentropy"}),
    "periodic labels": case(np.arange(500_000) % 10, {**SPARSE, "units": 10}, np.tile(X, (2500, 1))),
    "words": Situation([np.array(["a", "b"])], [Output(np.array([0, 1]), **BINARY)]),
    "nobody": Situation([np.zeros((0, 3))], [Output(np.zeros(0), **BINARY)]),
    "sorted amounts": case(np.sort(AMOUNTS, axis=0), SQUARED, shuffle=False, validation_split=0.2),
    "sorted but mixed": case(SORTED, SPARSE),
    "one-hot rows of a table as inputs": case(YES_NO, BINARY, np.eye(40)[RNG.integers(0, 40, N)]),
    "standardised with outliers": case(AMOUNTS, SQUARED, RNG.standard_t(3, (N, 4))),
}


@pytest.mark.parametrize("program", ORDINARY.values(), ids=ORDINARY)
def test_ordinary_programs_hear_nothing(program):
    assert [str(f) for f in lint(program)] == []


def test_sixty_thousand_pictures_take_no_time():
    x = np.zeros((60_000, 28, 28), "uint8")
    x[:] = RNG.integers(0, 256, (28, 28))
    x[::2] //= 2
    y = RNG.integers(0, 10, 60_000)
    situation = case(y, {**SPARSE, "units": 10}, x)
    lint(situation)
    times = []
    for _ in range(5):
        began = time.perf_counter()
        assert codes(situation) == ["unscaled-input"]
        times.append(time.perf_counter() - began)
    assert min(times) < 0.1  # 20 ms on a quiet machine


def test_both_directions_are_not_cured_by_padding_in_front():
    (found,) = lint(case(YES_NO, BINARY, WORDS, reads_last={0: "Bidirectional(LSTM)"}, embeds=True))
    assert found.code == "padded-ends"
    assert "mask_zero=True" in found.cure
    assert "pre" not in found.cure


@pytest.mark.parametrize("shape", [(60_000, 784), (3, 1_000_000), (10, 3), (1, 1), (1_000_000,)])
def test_a_sample_is_small_and_in_order(shape):
    array = np.arange(np.prod(shape), dtype="int32").reshape(shape)
    found = sample(array, 100_000)
    assert 0 < found.nbytes <= 110_000
    assert (np.diff(found.reshape(-1)) > 0).all()


def test_texts_exist_in_both_languages():
    english = [str(f) for c in CASES for f in lint(c[1])]
    set_language("es")
    spanish = [str(f) for c in CASES for f in lint(c[1])]
    assert len(english) == len(spanish)
    assert all("{" not in text for text in spanish)


# -- from a model to a situation


class Dense:
    def __init__(self, units, activation=None):
        self.units = units
        self.activation = types.SimpleNamespace(__name__=activation) if activation else None


class Rescaling:
    pass


class Embedding:
    pass


class Sequential:
    output_names = ("dense",)

    def __init__(self, layers, loss):
        self.layers, self.loss = layers, loss
        self.outputs = [types.SimpleNamespace(shape=(None, 3))]


class SparseCategoricalCrossentropy:
    from_logits = True
    ignore_class = 7


def test_what_the_model_tells():
    found = situation_of(
        Sequential([Rescaling(), Dense(9, "relu"), Dense(3)], SparseCategoricalCrossentropy()),
        X,
        LABELS,
        False,
        0.1,
    )
    (output,) = found.outputs
    assert (output.loss, output.from_logits, output.ignore_class) == (
        "sparse_categorical_crossentropy",
        True,
        7,
    )
    assert (output.units, output.activation, output.rank) == (3, "linear", 2)
    assert (found.shuffle, found.validation_split, found.scaled, found.embeds) == (False, 0.1, True, False)
    assert situation_of(Sequential([Embedding(), Dense(3)], "mse"), X, None, True, 0.0).embeds
    late = Sequential([Dense(9, "relu"), Rescaling(), Dense(3)], "mse")
    assert not situation_of(late, X, LABELS, True, 0.0).scaled


class Words(layers.Layer):
    """A user's own layer that looks words up."""

    def __init__(self):
        super().__init__()
        self.table = layers.Embedding(300, 4)

    def call(self, x):
        return self.table(x)


def test_a_table_within_a_layer_is_seen():
    model = models.Sequential([Words(), layers.LSTM(3), layers.Dense(1)])
    model.compile("sgd", "mse")
    words = np.random.default_rng(0).integers(1, 300, (200, 12))
    situation = situation_of(model, words, AMOUNTS, True, 0.0)
    assert situation.embeds
    assert "unscaled-input" not in [finding.code for finding in lint(situation)]


def _recurrent(*between, drawn, **table):
    entry = [layers.Input((12,), dtype="int32")] if drawn else []
    model = models.Sequential([*entry, layers.Embedding(9, 4, **table), *between, layers.Dense(1)])
    model.compile("sgd", "mse")
    return situation_of(model, WORDS, AMOUNTS, True, 0.0).reads_last


@pytest.mark.parametrize("drawn", [False, True])
def test_who_reads_padding_last(drawn):
    assert _recurrent(layers.LSTM(3), drawn=drawn) == {0: "LSTM"}
    assert _recurrent(layers.Dropout(0.1), layers.GRU(3, return_sequences=True), layers.GRU(3), drawn=drawn) == {
        0: "GRU"
    }
    assert _recurrent(layers.LSTM(3), drawn=drawn, mask_zero=True) == {}
    assert _recurrent(layers.LSTM(3, return_sequences=True), layers.GlobalMaxPooling1D(), drawn=drawn) == {}
    assert _recurrent(layers.LSTM(3, go_backwards=True), drawn=drawn) == {}  # reads the padding first
    both = layers.Bidirectional(layers.LSTM(3))  # one half does
    assert _recurrent(both, drawn=drawn) == {0: "Bidirectional(LSTM)"}
    every_step = layers.Bidirectional(layers.GRU(3, return_sequences=True))
    assert _recurrent(every_step, layers.LSTM(3), drawn=drawn) == {0: "LSTM"}
    assert _recurrent(every_step, layers.GlobalMaxPooling1D(), drawn=drawn) == {}
    assert _recurrent(layers.Bidirectional(layers.LSTM(3)), drawn=drawn, mask_zero=True) == {}


def test_who_reads_padding_last_among_several_inputs():
    first, second = layers.Input((12,)), layers.Input((12,))
    masked = layers.GRU(2)(layers.Masking()(layers.Embedding(9, 4)(first)))
    told = layers.SimpleRNN(2)(layers.Conv1D(3, 2)(layers.Embedding(9, 4)(second)))
    model = models.Model([first, second], layers.Concatenate()([masked, told]))
    model.compile("sgd", "mse")
    assert situation_of(model, [WORDS, WORDS], None, True, 0.0).reads_last == {1: "SimpleRNN"}


def test_losses_of_several_outputs():
    node = types.SimpleNamespace(operation=Dense(1, "sigmoid"))
    outputs = [
        types.SimpleNamespace(shape=(None, 1), node=node),
        types.SimpleNamespace(shape=(None, 3), node=None),
    ]
    model = types.SimpleNamespace(
        layers=[],
        outputs=outputs,
        output_names=["a", "b"],
        loss={"b": "mean_squared_error", "a": "binary_crossentropy"},
    )
    a, b = situation_of(model, [X, X], {"b": X, "a": YES_NO}, True, 0.0).outputs
    assert (a.loss, a.activation, a.y is not None and a.y.shape) == ("binary_crossentropy", "sigmoid", (N,))
    assert (b.loss, b.units, b.activation) == ("mean_squared_error", 3, None)
    assert b.y.shape == X.shape


def test_fit_warns_of_each_finding():
    model = Sequential([Dense(3, "softmax")], "sparse_categorical_crossentropy")
    with pytest.warns(LintWarning, match=r"\[unscaled-input\] The inputs x reach from 0 to 255; .* / 255"):
        warn_before_fit(model, PICTURES, LABELS)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warn_before_fit(model, X, LABELS)
        warn_before_fit(model, iter([(X, LABELS)]), None)
