"""RandAugment and AugMix: what they draw, what they leave alone, and real Keras's results for the same draws."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
import pytest

import neurona
from neurona import layers, ops
from neurona.errors import ArgumentError, UnknownNameError

UNIT = {"value_range": (0, 1)}


def pictures(n: int = 3) -> Any:
    return np.random.default_rng(0).random((n, 10, 8, 3)).astype("float32")


@pytest.mark.parametrize("cls", [layers.RandAugment, layers.AugMix])
def test_the_same_seed_draws_alike_and_then_goes_on(cls: Any) -> None:
    x = pictures()
    first, second = cls(seed=4, **UNIT), cls(seed=4, **UNIT)
    one, two = first(x, training=True).numpy(), first(x, training=True).numpy()
    np.testing.assert_array_equal(one, second(x, training=True).numpy())
    assert not np.array_equal(one, two)
    np.testing.assert_array_equal(first(x, training=False), x)
    assert first(x[0], training=True).shape == (10, 8, 3)
    assert one.min() >= 0 and one.max() <= 1


def test_each_number_is_a_layer_of_its_own() -> None:
    layer, x = layers.RandAugment(num_ops=1, factor=0.5, seed=1, **UNIT), ops.convert_to_tensor(pictures())
    drawn = layer.get_random_transformation(x)
    assert list(drawn["transforms"]) == list(layer._names) and len(layer._names) == 11
    for number, name in enumerate(layer._names):
        found = layer.transform_images(x, {**drawn, "layer_idxes": ops.convert_to_tensor([number])})
        alone = getattr(layer, name).transform_images(x, drawn["transforms"][name])
        np.testing.assert_array_equal(found, alone)


def test_all_ways_are_drawn() -> None:
    layer, x = layers.RandAugment(num_ops=4, seed=1), ops.convert_to_tensor(pictures(1))
    seen = {int(i) for _ in range(30) for i in layer.get_random_transformation(x)["layer_idxes"].numpy()}
    assert seen == set(range(11))
    mix = layers.AugMix(all_ops=False, seed=1)
    seen = {int(i) for _ in range(30) for i in mix.get_random_transformation(x)["layer_idxes"].numpy()}
    assert seen == set(range(8)) and not hasattr(mix, "random_contrast")  # the last one is to do nothing


def test_augmix_is_a_weighted_mean() -> None:
    layer, x = layers.AugMix(seed=2, **UNIT), ops.convert_to_tensor(pictures())
    drawn = layer.get_random_transformation(x)
    assert float(ops.sum(drawn["chain_mixing_weights"])) == pytest.approx(1.0)
    nothing = {**drawn, "layer_idxes": ops.full((9,), len(layer._names), "int32")}
    np.testing.assert_allclose(layer.transform_images(x, nothing), x, atol=1e-6)
    own = {**drawn, "weight_sample": ops.convert_to_tensor(1.0)}
    np.testing.assert_allclose(layer.transform_images(x, own), x, atol=1e-6)


def test_augmix_of_whole_numbers_gives_whole_numbers() -> None:
    x = np.random.default_rng(0).integers(0, 256, (2, 8, 8, 3)).astype("uint8")
    layer = layers.AugMix(seed=1, dtype="uint8")
    drawn = layer.get_random_transformation(ops.convert_to_tensor(x))
    nothing = {**drawn, "layer_idxes": ops.full((9,), len(layer._names), "int32")}
    same = layer.transform_images(ops.convert_to_tensor(x), nothing)
    assert same.dtype == "uint8"
    np.testing.assert_array_equal(same, x)
    mixed = layer(x, training=True).numpy()
    assert mixed.dtype == "uint8" and mixed.std() > 10 and not np.array_equal(mixed, x)


@pytest.mark.parametrize("cls", [layers.RandAugment, layers.AugMix])
def test_masks_move_with_the_pictures(cls: Any) -> None:
    x = pictures()
    masks = (x[..., :1] > 0.5).astype("float32")
    changed = cls(seed=3, **UNIT)({"images": x, "segmentation_masks": masks, "labels": np.ones(3)}, training=True)
    assert changed["segmentation_masks"].shape == masks.shape
    np.testing.assert_array_equal(changed["labels"], np.ones(3))


def test_gradients_flow_through_what_was_drawn() -> None:
    layer, x = layers.RandAugment(num_ops=1, seed=1, **UNIT), ops.convert_to_tensor(pictures())
    drawn = {**layer.get_random_transformation(x), "layer_idxes": ops.convert_to_tensor([0])}
    _, through = neurona.value_and_grad(lambda x: ops.sum(layer.transform_images(x, drawn) ** 2))(x)
    shear = drawn["transforms"]["random_shear"]
    _, alone = neurona.value_and_grad(lambda x: ops.sum(layer.random_shear.transform_images(x, shear) ** 2))(x)
    np.testing.assert_array_equal(through, alone)


def test_a_model_trains_with_them_in_a_recorded_step() -> None:
    model = neurona.Sequential(
        [neurona.Input((10, 8, 3)), layers.RandAugment(seed=1, **UNIT), layers.Flatten(), layers.Dense(1)]
    )
    model.compile("sgd", "mse")
    losses = model.fit(pictures(8), np.ones((8, 1)), epochs=5, batch_size=8, verbose=0).history["loss"]
    assert len(set(losses)) == 5 and np.isfinite(losses).all()


@pytest.mark.parametrize("cls", [layers.RandAugment, layers.AugMix])
def test_what_is_refused(cls: Any) -> None:
    with pytest.raises(ArgumentError, match="factor"):
        cls(factor=1.5)
    with pytest.raises(UnknownNameError, match="interpolation"):
        cls(interpolation="cubic")


def test_keras_does_the_same_with_the_same_draws() -> None:
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    keras = pytest.importorskip("keras", reason="compares with real Keras")
    x, settings = pictures(), {"num_ops": 2, "factor": (0.2, 0.6), "seed": 5, **UNIT}
    theirs, ours = keras.layers.RandAugment(**settings), layers.RandAugment(**settings)
    theirs.build(x.shape)
    for number in range(11):
        drawn = theirs.get_random_transformation(x)
        drawn["layer_idxes"] = keras.ops.convert_to_tensor([number, (number + 4) % 11])
        told = keras.tree.map_structure(lambda v: None if v is None else ops.convert_to_tensor(np.asarray(v)), drawn)
        expected = theirs.transform_images(keras.ops.convert_to_tensor(x), drawn)
        np.testing.assert_allclose(ours.transform_images(ops.convert_to_tensor(x), told), expected, atol=1e-5)
    for cls in ("RandAugment", "AugMix"):
        their, our = (getattr(M.layers, cls)(seed=1, factor=0.2).get_config() for M in (keras, neurona))
        assert our | {"name": 0, "dtype": 0} == their | {"name": 0, "dtype": 0}
