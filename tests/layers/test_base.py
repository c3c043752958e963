"""The base of all layers: building, weights, paths, freezing, losses, masks, configuration, errors."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

import neurona
from neurona import layers, ops
from neurona.errors import ArgumentError, NotBuiltError, ShapeError
from neurona.layers import InputSpec, Layer
from neurona.registry import custom_object_scope
from neurona.symbolic import KerasTensor
from neurona.tape import Tape
from neurona.tensor import Tensor

X = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], "float32")


class Scale(Layer):
    """A layer as a user writes it: one weight, no configuration of its own."""

    def __init__(self, begin: float = 2.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.begin = begin

    def build(self, input_shape: Any) -> None:
        self.seen = input_shape
        self.factor = self.add_weight(
            shape=input_shape[-1:],
            initializer=lambda shape, dtype: np.full(shape, self.begin, dtype),
            name="factor",
        )

    def call(self, x: Tensor) -> Any:
        return x * self.factor


class Block(Layer):
    """Layers in attributes, lists and dicts."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.first = Scale(name="first")
        self.several = [Scale(name="one"), Scale(name="two")]
        self.named = {"last": Scale(name="last")}

    def build(self, input_shape: Any) -> None:
        self.shift = self.add_weight((1,), "zeros", name="shift", trainable=False)

    def call(self, x: Tensor) -> Any:
        for layer in (self.first, *self.several, self.named["last"]):
            x = layer(x)
        return x + self.shift


# -- building and calling --------------------------------------------------------------------------


def test_a_layer_builds_at_its_first_call() -> None:
    layer = Scale()
    assert not layer.built
    np.testing.assert_array_equal(layer(X).numpy(), 2 * X)
    assert layer.built
    assert layer.seen == X.shape
    assert layer.factor.path == f"{layer.name}/factor"
    assert layer.count_params() == 3


def test_what_may_come_in() -> None:
    layer = Scale()
    for x in (X, Tensor(X), X.astype("float64"), X.astype("float16")):
        assert layer(x).dtype == np.float32
    assert layers.Identity()(np.array([1, 2])).dtype.kind == "i"  # integers are left as they are
    assert layers.Identity(autocast=False)(X.astype("float64")).dtype == np.float64


def test_several_inputs_give_build_their_shapes() -> None:
    class Pair(Layer):
        def build(self, a_shape: Any, b_shape: Any) -> None:
            self.shapes = a_shape, b_shape

        def call(self, a: Tensor, b: Tensor) -> Any:
            return a + b

    pair = Pair()
    np.testing.assert_array_equal(pair(X, b=X).numpy(), 2 * X)
    assert pair.shapes == (X.shape, X.shape)
    assert pair.get_build_config() == {"shapes_dict": {"a_shape": X.shape, "b_shape": X.shape}}


def test_symbols_give_symbols() -> None:
    layer = Scale()
    y = layer(KerasTensor((None, 3)))
    assert isinstance(y, KerasTensor)
    assert y.shape == (None, 3)
    assert layer.output is y
    assert layer.input.shape == (None, 3)
    with pytest.raises(NotBuiltError, match="never been called symbolically"):
        _ = Scale().output


def test_shapes_are_inferred_from_call() -> None:
    class Ends(Layer):
        def call(self, x: Tensor) -> Any:
            return x[:, :1], x[:, 1:]

    a, b = Ends()(KerasTensor((None, 5)))
    assert (a.shape, b.shape) == ((None, 1), (None, 4))


def test_training_reaches_inner_layers() -> None:
    class Watcher(Layer):
        seen: Any = "nothing"

        def call(self, x: Tensor, training: bool = False) -> Tensor:
            self.seen = training
            return x

    class Outer(Layer):
        def __init__(self) -> None:
            super().__init__()
            self.inner = Watcher()

        def call(self, x: Tensor) -> Any:
            return self.inner(x)

    class OuterThatAsks(Outer):
        def call(self, x: Tensor, training: bool | None = None) -> Any:
            return self.inner(x)

    for cls in (Outer, OuterThatAsks):
        outer = cls()
        for training in (True, False):
            outer(X, training=training)
            assert outer.inner.seen is training
        outer(X)
        assert outer.inner.seen is False


def test_every_layer_may_be_told_whether_it_trains() -> None:
    np.testing.assert_array_equal(layers.Flatten()(X, training=True).numpy(), X)
    assert layers.Flatten()(KerasTensor((None, 3)), training=True).shape == (None, 3)


# -- weights ---------------------------------------------------------------------------------------


def test_weights_are_found_wherever_they_are() -> None:
    block = Block(name="block")
    block(X)
    assert [w.path for w in block.weights] == [
        "block/shift", "block/first/factor", "block/one/factor", "block/two/factor", "block/last/factor",
    ]  # fmt: skip
    assert [w.name for w in block.trainable_weights] == ["factor"] * 4
    assert [w.name for w in block.non_trainable_weights] == ["shift"]
    np.testing.assert_array_equal(block(X).numpy(), 16 * X)


def test_a_shared_layer_counts_once() -> None:
    block = Block()
    block.several.append(block.first)
    block(X)
    assert len(block.weights) == 5


def test_add_weight_by_default() -> None:
    layer = Layer()
    assert layer.add_weight().shape == ()
    assert layer.add_weight(3).shape == (3,)
    kernel = layer.add_weight((200, 100))
    limit = np.sqrt(6 / 300)
    assert 0.9 * limit < np.abs(kernel.numpy()).max() <= limit  # Glorot's
    counter = layer.add_weight((2,), dtype="int32", trainable=False, name="counter")
    np.testing.assert_array_equal(counter.numpy(), [0, 0])
    with pytest.raises(ShapeError, match="shape must be known"):
        layer.add_weight((None, 3))


def test_trainable_ones_come_first() -> None:
    layer = Layer()
    layer.a = layer.add_weight((1,), trainable=False, name="a")
    layer.b = layer.add_weight((1,), name="b")
    assert [w.name for w in layer.weights] == ["b", "a"]


def test_freezing_and_thawing() -> None:
    block = Block()
    block(X)
    block.trainable = False
    assert block.trainable_weights == []
    assert len(block.non_trainable_weights) == 5
    assert not block.named["last"].trainable
    with Tape() as tape:
        loss = ops.sum(block(X))
    assert tape.gradient(loss, block.first.factor) is None
    block.trainable = True
    assert len(block.trainable_weights) == 4
    assert not block.shift.trainable  # it never was


def test_freezing_a_part() -> None:
    block = Block()
    block(X)
    block.first.trainable = False
    assert [w.path.split("/")[-2] for w in block.trainable_weights] == ["one", "two", "last"]


def test_frozen_before_it_is_built() -> None:
    layer = Scale(trainable=False)
    layer(X)
    assert layer.trainable_weights == []
    assert not layer.factor.trainable
    layer.trainable = True
    assert layer.trainable_weights == [layer.factor]


def test_get_and_set_weights() -> None:
    layer = layers.Dense(2)
    layer(X)
    kernel, bias = np.arange(6.0).reshape(3, 2), np.ones(2)
    layer.set_weights([kernel, bias])
    np.testing.assert_array_equal(layer(X).numpy(), X @ kernel + 1)
    layer.get_weights()[0][...] = 0  # copies
    np.testing.assert_array_equal(layer.kernel.numpy(), kernel)
    with pytest.raises(ShapeError, match="weight list of length 1"):
        layer.set_weights([kernel])
    with pytest.raises(ShapeError, match=r"shape \(2,\) is not compatible with provided weight shape \(3,\)"):
        layer.set_weights([kernel * 2, np.ones(3)])
    np.testing.assert_array_equal(layer.kernel.numpy(), kernel)  # nothing was changed


def test_own_variables_are_stored_and_loaded() -> None:
    layer, other = layers.Dense(2), layers.Dense(2)
    layer(X)
    store: dict[str, Any] = {}
    layer.save_own_variables(store)
    assert list(store) == ["0", "1"]
    with pytest.raises(NotBuiltError, match="was never built"):
        other.load_own_variables(store)
    other.build((None, 3))
    other.load_own_variables(store)
    np.testing.assert_array_equal(other(X).numpy(), layer(X).numpy())
    with pytest.raises(ShapeError, match=r"expected 2 variables, but received 1 .*\['kernel', 'bias'\]"):
        other.load_own_variables({"0": np.zeros((3, 2))})


# -- names -----------------------------------------------------------------------------------------


def test_names_and_paths() -> None:
    class Head(Layer):
        def __init__(self, **kwargs: Any) -> None:
            super().__init__(**kwargs)
            self.dense = layers.Dense(2, name="out")

        def build(self, input_shape: Any) -> None:
            self.dense.build(input_shape)

        def call(self, x: Tensor) -> Any:
            return self.dense(x)

    head = Head(name="head")
    head.build((None, 3))
    assert [w.path for w in head.weights] == ["head/out/kernel", "head/out/bias"]
    assert head.dense.path == "head/out"
    first, second = layers.Dense(1), layers.Dense(1)
    assert first.name.startswith("dense")
    assert first.name != second.name
    for name in ("a/b", 3):
        with pytest.raises(ArgumentError, match="name must be a string without '/'"):
            Layer(name=name)  # type: ignore[arg-type]


# -- losses ----------------------------------------------------------------------------------------


def test_losses_of_regularized_weights() -> None:
    layer = layers.Dense(1, kernel_regularizer="l2", bias_regularizer="l1", kernel_initializer="ones")
    layer(X)
    assert [round(float(loss), 6) for loss in layer.losses] == [0.03, 0.0]
    layer.trainable = False
    assert layer.losses == []  # a frozen weight cannot be made smaller


def test_add_loss_lasts_for_one_call() -> None:
    class Penalty(Layer):
        def call(self, x: Tensor) -> Tensor:
            self.add_loss(ops.sum(x))
            self.add_loss([ops.max(x), 1.0])
            return x

    class Outer(Layer):
        def __init__(self) -> None:
            super().__init__()
            self.inner = Penalty()

        def call(self, x: Tensor) -> Any:
            return self.inner(self.inner(x))

    outer = Outer()
    for _ in range(2):
        outer(X)
        assert [float(loss) for loss in outer.losses] == [21.0, 6.0, 1.0] * 2


def test_activity_regularizer_is_divided_by_the_batch() -> None:
    layer = layers.Activation("linear", activity_regularizer="l1")
    layer(X)
    assert [round(float(loss), 6) for loss in layer.losses] == [round(0.01 * 21 / 2, 6)]


# -- masks -----------------------------------------------------------------------------------------


def with_mask() -> Tensor:
    x = Tensor(X[..., None])
    x._keras_mask = Tensor(np.array([[True, True, False], [True, False, False]]))
    return x


def test_masks_pass_through_layers_that_support_them() -> None:
    x = with_mask()
    assert layers.Dense(2)(x)._keras_mask is x._keras_mask
    with pytest.warns(UserWarning, match="does not support masking and will therefore destroy"):
        assert layers.Flatten()(x)._keras_mask is None


def test_a_layer_that_takes_a_mask_is_given_it() -> None:
    class MaskedSum(Layer):
        def __init__(self) -> None:
            super().__init__()
            self.supports_masking = True

        def call(self, x: Tensor, mask: Any = None) -> Any:
            return ops.sum(x[..., 0] * ops.cast(mask, "float32"), axis=1)

        def compute_mask(self, inputs: Any, previous_mask: Any) -> Any:
            return None

    y = MaskedSum()(with_mask())
    np.testing.assert_array_equal(y.numpy(), [3.0, 4.0])
    assert y._keras_mask is None


# -- configuration ---------------------------------------------------------------------------------


def test_a_layer_describes_its_arguments_by_itself() -> None:
    layer = Scale(3.0, name="mine")
    assert layer.get_config()["begin"] == 3.0
    again = Scale.from_config(layer.get_config())
    assert (again.name, again.begin) == ("mine", 3.0)
    layer(X)
    with custom_object_scope({"Scale": Scale}):
        copied = layers.deserialize(json.loads(json.dumps(layers.serialize(layer))))
    assert copied.built
    np.testing.assert_array_equal(copied(X).numpy(), 3 * X)


def test_what_cannot_be_described_says_so() -> None:
    class Opaque(Layer):
        def __init__(self, thing: Any) -> None:
            super().__init__()

    with pytest.raises(NotImplementedError, match=r"must override `get_config\(\)`"):
        Opaque(object()).get_config()


def test_the_settings_every_layer_has() -> None:
    config = Layer(name="a", trainable=False, dtype="float16").get_config()
    assert list(config) == ["name", "trainable", "dtype"]
    assert config["dtype"]["config"] == {"name": "float16"}
    again = Layer.from_config(config)
    assert (again.name, again.trainable, again.compute_dtype) == ("a", False, "float16")


def test_deserialize_refuses_what_is_no_layer() -> None:
    with pytest.raises(ArgumentError, match="expected the configuration of a layer"):
        layers.deserialize({"class_name": "Zeros", "module": "keras.initializers", "config": {}})


def test_mixed_precision_keeps_wide_weights() -> None:
    layer = layers.Dense(2, activation="gelu", dtype="mixed_float16")
    assert layer(X).dtype == np.float16
    assert layer.kernel.dtype == "float32"
    assert layers.Dense(2, dtype="mixed_float16")(X).dtype == np.float16


# -- errors ----------------------------------------------------------------------------------------


def test_errors_say_what_to_do() -> None:
    class Forgetful(Layer):
        def __init__(self) -> None:
            self.size = 3

    with pytest.raises(NotBuiltError, match=r"you forgot to call `super\(\).__init__\(\)`"):
        Forgetful()(X)
    with pytest.raises(NotImplementedError, match=r"does not have a `call\(\)` method"):
        Layer()(X)
    with pytest.raises(ArgumentError, match=r"Unrecognized keyword arguments passed to Dense: \['colour'\]"):
        layers.Dense(3, colour="red")
    with pytest.raises(NotBuiltError, match="isn't built"):
        layers.Dense(3).count_params()
    with pytest.warns(UserWarning, match="prefer using an `Input"):
        layers.Dense(3, input_shape=(4,))


def test_a_failed_call_leaves_no_trace() -> None:
    layer = layers.Dense(2)
    layer(X)
    for _ in range(2):
        with pytest.raises(ShapeError, match=r"expected axis -1 of input shape to have value 3"):
            layer(np.ones((2, 4)))
    assert layer(X).shape == (2, 2)


@pytest.mark.parametrize(
    ("spec", "shape", "message"),
    [
        (InputSpec(ndim=2), (1, 2, 3), "expected ndim=2, found ndim=3"),
        (InputSpec(min_ndim=3), (1, 2), "expected min_ndim=3, found ndim=2"),
        (InputSpec(max_ndim=1), (1, 2), "expected max_ndim=1, found ndim=2"),
        (InputSpec(axes={1: 5}), (1, 2), "expected axis 1 of input shape to have value 5"),
        (InputSpec(shape=(None, 5)), (1, 2), r"expected shape=\(None, 5\), found shape=\((1|None), 2\)"),
    ],
)
def test_input_specs(spec: InputSpec, shape: tuple[int, ...], message: str) -> None:
    layer = layers.Identity()
    layer.input_spec = spec
    with pytest.raises(ShapeError, match=message):
        layer(np.ones(shape))
    with pytest.raises(ShapeError, match=message):
        layer(KerasTensor((None, *shape[1:])))


def test_an_input_spec_tells_itself() -> None:
    assert repr(InputSpec(min_ndim=2, axes={-1: 3})) == "InputSpec(min_ndim=2, axes={-1: 3})"
    assert InputSpec(shape=(None, 2)).ndim == 2


def test_add_weight_without_names() -> None:
    weight = Layer().add_weight((2,), "ones", "float64", name="w")
    assert (weight.shape, weight.dtype, weight.name) == ((2,), "float64", "w")
    np.testing.assert_array_equal(weight.numpy(), [1, 1])
    with pytest.raises(ArgumentError, match=r"Write add_weight\(shape=..., name=...\)"):
        Layer().add_weight("w", (2,))


def test_a_layer_called_without_tensors() -> None:
    class Constant(Layer):
        def build(self, input_shape: Any) -> None:
            assert input_shape is None
            self.value = self.add_weight((2,), "ones")

        def call(self) -> Any:
            return self.value * 2.0

    class Bare(Constant):
        def build(self) -> None:
            self.value = self.add_weight((2,), "ones")

    for cls in (Constant, Bare):
        np.testing.assert_array_equal(cls()().numpy(), [2, 2])


@pytest.mark.parametrize("setting", [True, "relu", [True]])
def test_settings_are_given_by_name(setting: Any) -> None:
    for x in (np.ones((4, 8), "float32"), layers.Input((8,))):
        with pytest.raises(ArgumentError, match="Only input tensors may be passed as positional arguments"):
            layers.Dropout(0.5)(x, setting)


def test_a_layer_may_make_a_mask_where_there_was_none() -> None:
    class Marks(Layer):
        def __init__(self) -> None:
            super().__init__()
            self.supports_masking = True

        def call(self, x: Any) -> Any:
            return x + 0.0

        def compute_mask(self, inputs: Any, previous_mask: Any = None) -> Any:
            return ops.not_equal(inputs, 0.0)

    y = Marks()(np.array([[1.0, 0.0]], "float32"))
    np.testing.assert_array_equal(y._keras_mask.numpy(), [[True, False]])


def test_losses_are_those_of_the_last_call_from_outside() -> None:
    """Also of a layer that was called by itself before its model is."""

    class Penalty(Layer):
        def call(self, x: Any) -> Any:
            self.add_loss(ops.sum(x))
            return x

    penalty = Penalty()
    model = neurona.Sequential([penalty, neurona.layers.Identity()])
    penalty(np.ones((1, 2), "float32"))
    assert [float(loss) for loss in penalty.losses] == [2.0]
    for _ in range(3):
        model(np.ones((1, 3), "float32"))
    assert [float(loss) for loss in model.losses] == [3.0]


class Windows(Layer):
    """A convolution and a pooling by hand, `blocks` times."""

    def __init__(self, window: int, blocks: int = 1, pool: int = 1) -> None:
        super().__init__()
        self.window, self.blocks, self.pool = window, blocks, pool

    def build(self, input_shape: Any) -> None:
        self.kernel = self.add_weight((self.window, self.window, input_shape[-1], input_shape[-1]), name="kernel")

    def call(self, x: Any) -> Any:
        for _ in range(self.blocks):
            x = ops.max_pool(ops.conv(x, self.kernel), self.pool)
        return x


class Windows3D(Layer):
    """A pooling of volumes by hand."""

    def call(self, x: Any) -> Any:
        return ops.max_pool(x, 2)


class Places(Layer):
    """A learned vector for each of 16 steps in time."""

    def build(self, input_shape: Any) -> None:
        self.table = self.add_weight((16, input_shape[-1]), name="table")

    def call(self, x: Any) -> Any:
        return x + self.table[: x.shape[1]]


@pytest.mark.parametrize(
    ("layer", "given", "expected"),
    [
        (Windows(5), (None, None, 3), (None, None, None, 3)),  # 2 and 3 places are too few for the window
        (Windows(1, pool=2), (None, 20, 3), (None, None, 10, 3)),  # and halve to the same
        (Windows(3, blocks=5, pool=2), (None, None, 2), (None, None, None, 2)),
        (Windows3D(), (None, None, None, 64), (None, None, None, None, 64)),
        (Places(), (None, 4), (None, None, 4)),  # 32 steps would be too many
    ],
    ids=["large window", "pooling", "five blocks", "volume", "table of places"],
)
def test_own_layers_keep_open_axes_open(layer: Any, given: Any, expected: Any) -> None:
    assert layer(layers.Input(given)).shape == expected


def test_own_layers_with_open_axes_tell_their_own_mistakes() -> None:
    class Wrong(Layer):
        def call(self, x: Any) -> Any:
            return ops.conv(x, np.ones((3, 3, 7, 2), "float32"))

    with pytest.raises(ShapeError, match="kernel input channels=7"):
        Wrong()(layers.Input((None, None, 3)))


@pytest.mark.parametrize("given", [None, "a picture"])
def test_what_is_no_tensor_is_told(given: Any) -> None:
    for layer in (layers.Conv2D(2, 3), layers.MaxPooling2D(), layers.Dense(2)):
        with pytest.raises(ArgumentError, match=f"expects a tensor or an array. Received: '{given}'"):
            layer(given)
