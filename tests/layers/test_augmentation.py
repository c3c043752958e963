"""The layers that vary pictures: what they draw, what they leave alone, and that a run of them can be repeated."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np
import pytest

from neurona import Sequential, layers, ops
from neurona.errors import ArgumentError, ShapeError, UnknownNameError
from neurona.layers.augmentation.base import PictureLayer
from neurona.tensor import Tensor
from neurona.training.plan import Plan

RNG = np.random.default_rng(5)
PICTURES = RNG.random((6, 5, 4, 3), dtype="float32")
UNIT = {"value_range": (0, 1)}
# one of each that draws, with settings that change every picture or nearly so
DRAWING: list[PictureLayer] = [
    layers.CutMix((0.9, 1.0), seed=3), layers.MixUp(0.9, seed=3), layers.RandomBrightness(0.3, **UNIT, seed=3),
    layers.RandomColorDegeneration(0.5, **UNIT, seed=3), layers.RandomContrast(0.5, **UNIT, seed=3),
    layers.RandomColorJitter(**UNIT, brightness_factor=0.2, hue_factor=0.3, seed=3), layers.RandomCrop(3, 2, seed=3),
    layers.RandomErasing((1.0, 1.0), scale=(0.3, 0.6), **UNIT, seed=3), layers.RandomFlip("horizontal", seed=3),
    layers.RandomGaussianBlur((0.9, 1.0), sigma=(0.4, 1.0), **UNIT, seed=3), layers.RandomGrayscale(0.5, seed=3),
    layers.RandomHue((0.2, 0.5), **UNIT, seed=3), layers.RandomInvert((0.5, 0.5), **UNIT, seed=3),
    layers.RandomPerspective((0.9, 1.0), scale=0.6, seed=3), layers.RandomPosterization((1, 5), **UNIT, seed=3),
    layers.RandomRotation(0.2, seed=3), layers.RandomSaturation((0.1, 0.4), **UNIT, seed=3),
    layers.RandomSharpness((0.0, 1.0), **UNIT, seed=3), layers.RandomShear(0.4, 0.4, seed=3),
    layers.RandomTranslation(0.3, 0.3, seed=3), layers.RandomZoom(0.4, 0.3, seed=3),
    layers.Solarization(0.2, 0.6, **UNIT, seed=3), layers.AugMix(**UNIT, seed=3),
    layers.RandAugment(**UNIT, factor=0.9, seed=3),
]  # fmt: skip
draws = pytest.mark.parametrize("layer", DRAWING, ids=lambda layer: type(layer).__name__)


def fresh(layer: PictureLayer) -> PictureLayer:
    """The same layer with its generator at the start."""
    again: PictureLayer = type(layer).from_config(layer.get_config())
    return again


def test_every_layer_that_draws_is_here() -> None:
    drawing = {c for n in layers.__all__ if inspect.isclass(c := getattr(layers, n)) and issubclass(c, PictureLayer)}
    assert {type(layer) for layer in DRAWING} == {c for c in drawing if "seed" in c._settings}


@draws
def test_inference_changes_nothing(layer: PictureLayer) -> None:
    y = layer(PICTURES, training=False)
    if not isinstance(layer, layers.RandomCrop):
        np.testing.assert_array_equal(y.numpy(), PICTURES)


@draws
def test_training_changes_something_and_a_seed_repeats_it(layer: PictureLayer) -> None:
    one, other = fresh(layer), fresh(layer)
    first, second = one(PICTURES, training=True).numpy(), one(PICTURES, training=True).numpy()
    assert not np.array_equal(first, second), "a second call must draw anew"
    np.testing.assert_array_equal(other(PICTURES, training=True).numpy(), first)
    other.generator.state.assign(one.generator.state)  # as when a run is taken up again
    np.testing.assert_array_equal(other(PICTURES, training=True).numpy(), one(PICTURES, training=True).numpy())


@draws
def test_a_recorded_step_draws_what_a_call_would(layer: PictureLayer) -> None:
    recorded, called = fresh(layer), fresh(layer)
    plan = Plan(lambda x: (None, recorded(x, training=True)), (PICTURES,))
    assert plan.unrepeatable is None
    np.testing.assert_array_equal(plan.outputs, called(PICTURES, training=True).numpy())
    for shift in range(2):
        x = np.roll(PICTURES, shift, axis=2)
        np.testing.assert_array_equal(plan([x])[1], called(x, training=True).numpy())


@draws
def test_one_picture_alone(layer: PictureLayer) -> None:
    size = (3, 2, 3) if isinstance(layer, layers.RandomCrop) else (5, 4, 3)
    assert fresh(layer)(PICTURES[0], training=True).shape == size
    assert fresh(layer)(PICTURES[0], training=False).shape == size


@draws
def test_bytes_give_what_their_floats_give(layer: PictureLayer) -> None:
    settings = layer.get_config()
    if "value_range" in settings:
        settings["value_range"] = (0, 255)
    given = (PICTURES * 255).astype("uint8")
    one, other = type(layer).from_config(settings), type(layer).from_config(settings)
    y = one(given, training=True)
    assert y.dtype == ("uint8" if isinstance(layer, layers.RandomGrayscale) else "float32")
    np.testing.assert_allclose(y.numpy(), other(given.astype("float32"), training=True).numpy(), atol=1.0)


@draws
def test_channels_first_is_the_same_elsewhere(layer: PictureLayer) -> None:
    settings = {**layer.get_config(), "data_format": "channels_first"}
    y = type(layer).from_config(settings)(PICTURES.transpose(0, 3, 1, 2), training=True).numpy()
    np.testing.assert_allclose(y.transpose(0, 2, 3, 1), fresh(layer)(PICTURES, training=True).numpy(), atol=1e-6)


@draws
def test_labels_stay_with_their_pictures(layer: PictureLayer) -> None:
    labels = np.eye(6, dtype="float32")
    masks = np.arange(120, dtype="float32").reshape(6, 5, 4, 1)
    y = fresh(layer)({"images": PICTURES, "labels": labels, "segmentation_masks": masks}, training=True)
    np.testing.assert_allclose(y["images"].numpy(), fresh(layer)(PICTURES, training=True).numpy(), atol=1e-6)
    np.testing.assert_allclose(y["labels"].numpy().sum(axis=1), 1, rtol=1e-5)
    if not isinstance(layer, (layers.MixUp, layers.CutMix)):
        np.testing.assert_array_equal(y["labels"].numpy(), labels)
    if not isinstance(layer, (layers.MixUp, layers.AugMix)):  # which mix masks as they mix pictures, in Keras too
        assert set(y["segmentation_masks"].numpy().ravel()) <= {*masks.ravel(), 0.0}, "a mask has no values in between"
    with pytest.raises(ArgumentError, match="but no boxes"):
        layer({"images": PICTURES, "bounding_boxes": {}}, training=True)


def test_only_pictures_are_taken() -> None:
    with pytest.raises(ShapeError, match=r"rank 3 or 4: a single image or a batch"):
        layers.RandomFlip()(PICTURES[0, 0])


# -- what each does --------------------------------------------------------------------------------------------------


def test_flips_are_fair_and_true() -> None:
    x = np.arange(4000 * 6, dtype="float32").reshape(4000, 2, 3, 1)
    for mode, axes in (("horizontal", 2), ("vertical", 1), ("horizontal_and_vertical", (1, 2))):
        y = layers.RandomFlip(mode, seed=1)(x, training=True).numpy()
        turned = (y == np.flip(x, axes)).all(axis=(1, 2, 3))
        np.testing.assert_array_equal(y[~turned], x[~turned])
        assert 0.46 < turned.mean() < 0.54


def test_translation_is_spread_evenly_and_moves_the_right_way() -> None:
    x = np.zeros((4000, 11, 11, 1), "float32")
    x[:, 5, 5] = 1
    layer = layers.RandomTranslation((-0.2, 0.4), 0.0, fill_mode="constant", seed=1)
    y = layer(x, training=True).numpy()[..., 0]
    assert not y[:, :, :5].any() and not y[:, :, 6:].any(), "the width factor is 0"
    rows = y[:, :, 5] @ np.arange(11) - 5  # where the point's middle has gone
    assert rows.min() > -2.21 and rows.max() < 4.41
    assert abs(rows.mean() - 1.1) < 0.1 and abs(rows.std() - 6.6 / 12**0.5) < 0.1


@pytest.mark.parametrize("fill_mode", ["constant", "nearest", "reflect", "wrap"])
def test_whole_pixels_move_as_in_a_loop(fill_mode: str) -> None:
    x = RNG.random((1, 4, 5, 2), dtype="float32")
    padding = {"constant": "constant", "nearest": "edge", "reflect": "symmetric", "wrap": "wrap"}[fill_mode]
    wide = np.pad(x[0], ((4, 4), (5, 5), (0, 0)), mode=padding)
    for down, right in ((1, -2), (-3, 3), (0, 1), (3, 0)):
        for interpolation in ("nearest", "bilinear"):
            layer = layers.RandomTranslation(
                (down / 4, down / 4), (right / 5, right / 5), fill_mode=fill_mode, interpolation=interpolation
            )
            y = layer(x, training=True).numpy()[0]
            wanted = wide[4 - down : 8 - down, 5 - right : 10 - right]
            # wrapped places beyond the last pixel's middle are held there in Keras, so only the inner ones are compared
            inner = np.s_[max(down, 0) : 4 + min(down, 0), max(right, 0) : 5 + min(right, 0)]
            region = inner if fill_mode == "wrap" else np.s_[:, :]
            np.testing.assert_allclose(y[region], wanted[region], atol=1e-6)


def test_rotation_by_quarters() -> None:
    x = RNG.random((2, 5, 5, 2), dtype="float32")
    for quarters in (1, 2, 3):
        turn = (quarters / 4, quarters / 4)
        y = layers.RandomRotation(turn, fill_mode="nearest")(x, training=True).numpy()
        np.testing.assert_allclose(y, np.rot90(x, quarters, axes=(1, 2)), atol=1e-5)  # counterclockwise


def test_rotation_draws_the_whole_range() -> None:
    found = layers.RandomRotation((-0.1, 0.3), seed=1).get_random_transformation(np.zeros((4000, 2, 2, 1)))
    turns = found["angle"].numpy() / 360
    assert turns.min() >= -0.1 and turns.max() <= 0.3
    assert abs(turns.mean() - 0.1) < 0.01 and abs(turns.std() - 0.4 / 12**0.5) < 0.01


def test_zoom_keeps_the_middle_and_the_aspect() -> None:
    x = np.zeros((1, 9, 9, 1), "float32")
    x[:, 2:7, 2:7] = 1
    smaller = layers.RandomZoom((1.0, 1.0), interpolation="nearest", fill_mode="constant")(x, training=True).numpy()
    larger = layers.RandomZoom((-0.5, -0.5), interpolation="nearest")(x, training=True).numpy()
    assert smaller.sum() == 9 and smaller[0, 3:6, 3:6].all()
    assert larger.all()
    found = layers.RandomZoom((-0.2, 0.1), seed=1).get_random_transformation(np.zeros((1000, 2, 2, 1)))
    np.testing.assert_array_equal(found["height_zoom"].numpy(), found["width_zoom"].numpy())
    assert 0.8 <= found["height_zoom"].numpy().min() < 0.81 < 1.09 < found["height_zoom"].numpy().max() <= 1.1


def test_crops_reach_every_place_alike_for_the_whole_batch() -> None:
    x = np.arange(30, dtype="float32").reshape(1, 5, 6, 1).repeat(2, axis=0)
    layer, seen = layers.RandomCrop(3, 4, seed=1), set()
    for _ in range(150):
        y = layer(x, training=True).numpy()
        np.testing.assert_array_equal(y[0], y[1])
        top, left = divmod(int(y[0, 0, 0, 0]), 6)
        np.testing.assert_array_equal(y, x[:, top : top + 3, left : left + 4])
        seen.add((top, left))
    assert seen == {(top, left) for top in range(3) for left in range(3)}


def test_crops_of_small_pictures_and_in_inference_are_resized() -> None:
    x = RNG.random((2, 4, 8, 1), dtype="float32")
    y = layers.RandomCrop(2, 2)(x, training=False)
    np.testing.assert_allclose(y.numpy(), ops.image.resize(x[:, :, 2:6], (2, 2)).numpy())
    assert layers.RandomCrop(8, 4)(x, training=True).shape == (2, 8, 4, 1)


def test_erasing_covers_a_rectangle_of_the_right_size() -> None:
    x = np.full((400, 20, 30, 1), 0.5, "float32")
    y = layers.RandomErasing((1.0, 1.0), scale=(0.1, 0.3), fill_value=1.0, **UNIT, seed=1)(x, training=True).numpy()
    for picture in y[..., 0] == 1.0:
        rows, columns = np.flatnonzero(picture.any(axis=1)), np.flatnonzero(picture.any(axis=0))
        assert picture.sum() == len(rows) * len(columns), "one rectangle"
        assert 0.1**0.5 * 20 - 1 <= len(rows) <= 0.3**0.5 * 20 + 1
        assert 0.1**0.5 * 30 - 1 <= len(columns) <= 0.3**0.5 * 30 + 1
    assert set(np.unique(y)) == {0.5, 1.0}
    some = layers.RandomErasing((0.25, 0.25), **UNIT, seed=1)(x, training=True).numpy()
    changed = (some != 0.5).any(axis=(1, 2, 3))
    assert 0.15 < changed.mean() < 0.35
    assert some.min() >= 0 and some.max() <= 1 and len(np.unique(some)) > 50, "noise within the value range"
    colours = layers.RandomErasing((1.0, 1.0), scale=1.0, fill_value=[1, 2, 3])(PICTURES * 0, training=True).numpy()
    assert {tuple(c) for c in colours.reshape(-1, 3)} == {(0.0, 0.0, 0.0), (1.0, 2.0, 3.0)}


@pytest.mark.parametrize("layer", [layers.MixUp(0.8, seed=1), layers.CutMix((0.8, 1.0), seed=1)])
def test_labels_are_mixed_as_the_pictures_are(layer: PictureLayer) -> None:
    n = 12
    labels = np.eye(n, dtype="float32")
    images = np.broadcast_to(labels[:, None, None, :], (n, 40, 40, n)).copy()  # each pixel tells whose it is
    y = layer({"images": images, "labels": labels}, training=True)
    shares = y["images"].numpy().mean(axis=(1, 2), dtype="float64")
    np.testing.assert_allclose(shares, y["labels"].numpy(), atol=1e-5 if isinstance(layer, layers.MixUp) else 0.06)
    assert (y["labels"].numpy().max(axis=1) < 0.999).any(), "something was mixed"
    whole = layer({"images": images, "labels": np.eye(n, dtype="int32")}, training=False)
    assert whole["labels"].dtype == "int32"


def test_mixup_weights_follow_the_beta_distribution() -> None:
    found = layers.MixUp(0.4, seed=1).get_random_transformation(np.zeros((4000, 2, 2, 1)))
    weights = found["mix_weight"].numpy()
    assert abs(weights.mean() - 0.5) < 0.02
    assert abs(weights.var() - 0.25 / 1.8) < 0.01  # of beta(a, a): 1 / (4 (2a + 1))
    assert sorted(found["permutation_order"].numpy()) == list(range(4000))


def test_colours_by_hand() -> None:
    x = np.array([[[[0.2, 0.4, 0.6]], [[0.4, 0.4, 0.4]]]], "float32")
    bright = layers.RandomBrightness((0.5, 0.5), **UNIT)(x, training=True).numpy()
    np.testing.assert_allclose(bright[0, :, 0], [[0.7, 0.9, 1.0], [0.9, 0.9, 0.9]], rtol=1e-6)
    contrast = layers.RandomContrast(0.5, **UNIT)
    y = contrast.transform_images(Tensor(x), {"contrast_factor": np.float32([2.0])}).numpy()
    np.testing.assert_allclose(y[0, :, 0], [[0.1, 0.4, 0.7], [0.5, 0.4, 0.3]], rtol=1e-5)
    factors = contrast.get_random_transformation(np.zeros((2000, 2, 2, 1)))["contrast_factor"].numpy()
    assert 1.0 <= factors.min() < 1.01 < 1.49 < factors.max() <= 1.5
    grey = layers.RandomGrayscale(0.3, seed=1)(np.tile(x, (2000, 1, 1, 1)), training=True).numpy()
    assert 0.25 < (grey[:, 0, 0, 0] == grey[:, 0, 0, 1]).mean() < 0.35


def test_equalization_spreads_what_is_crowded() -> None:
    x = np.repeat(np.float32([10, 11, 12, 13]), 4).reshape(1, 4, 4, 1)
    y = layers.Equalization()(x, training=True).numpy()
    assert sorted(set(y.ravel())) == [0.0, 85.0, 170.0, 255.0]
    flat = np.full((1, 2, 2, 1), 7, "float32")
    np.testing.assert_array_equal(layers.Equalization()(flat, training=True).numpy(), flat)
    np.testing.assert_array_equal(layers.AutoContrast()(flat).numpy(), flat)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: layers.RandomRotation(1.5),
            r"`factor` argument should be a number .* \[-1, 1\]. Received: factor=1.5",
        ),
        (lambda: layers.RandomRotation((0.1, 0.2, 0.3)), "list of two numbers"),
        (lambda: layers.RandomRotation("a"), "should be a number"),
        (lambda: layers.RandomTranslation(2.0, 0.1), "height_factor=2.0"),
        (lambda: layers.RandomTranslation(0.1, (-2.0, 0.1)), "width_factor"),
        (lambda: layers.RandomZoom((-1.0, 0.5)), r"\(-1.0, 1.0\]"),
        (lambda: layers.RandomShear(-0.5), "x_factor"),
        (lambda: layers.RandomContrast(-0.5), "factor"),
        (lambda: layers.RandomBrightness(0.1, value_range=3), "list of two numbers. Received: value_range=3"),
        (lambda: layers.RandomGrayscale(2.0), "between 0 and 1"),
        (lambda: layers.RandomErasing(fill_value=[1, 2]), "fill_value"),
        (lambda: layers.RandomErasing(scale=2.0), "scale"),
        (lambda: layers.RandomGaussianBlur(kernel_size=4), "odd number"),
        (lambda: layers.RandomPerspective(scale=2.0), "scale"),
        (lambda: layers.RandomPosterization(9), r"\[1, 8\]"),
    ],
)
def test_impossible_settings_are_told(make: Any, message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        make()


@pytest.mark.parametrize(
    "make",
    [
        lambda: layers.RandomFlip("diagonal"),
        lambda: layers.RandomRotation(0.1, fill_mode="mirror"),
        lambda: layers.RandomZoom(0.1, interpolation="cubic"),
        lambda: layers.RandomFlip(data_format="last"),
    ],
)
def test_unknown_names_are_told(make: Any) -> None:
    with pytest.raises(UnknownNameError, match="Known"):
        make()


def test_box_format_is_kept() -> None:
    config = layers.RandomFlip(bounding_box_format="xyxy").get_config()
    assert config["bounding_box_format"] == "xyxy"
    assert "bounding_box_format" not in layers.RandomFlip().get_config()


def test_in_a_model() -> None:
    model = Sequential(
        [
            layers.Input((6, 6, 1)), layers.RandomFlip("horizontal", seed=1), layers.RandomTranslation(0.1, 0.1, seed=2),
            layers.RandomRotation(0.05, seed=3), layers.RandomCrop(4, 4, seed=4), layers.Flatten(), layers.Dense(2),
        ]
    )  # fmt: skip
    model.compile(optimizer="sgd", loss="mse")
    x, y = RNG.random((20, 6, 6, 1), dtype="float32"), RNG.random((20, 2), dtype="float32")
    history = model.fit(x, y, batch_size=8, epochs=2, verbose=0)  # the last batch is smaller
    assert np.isfinite(history.history["loss"]).all()
    assert model.predict(x, verbose=0).shape == (20, 2)
    np.testing.assert_array_equal(model.predict(x, verbose=0), model.predict(x, verbose=0))


def test_symbolic_dicts() -> None:
    data = {"images": layers.Input((4, 4, 3)), "labels": layers.Input((5,))}
    mixed = layers.MixUp()(data)
    assert mixed["images"].shape == (None, 4, 4, 3) and mixed["labels"].shape == (None, 5)
    assert layers.Resizing(2, 3)({"images": layers.Input((4, 4, 3))})["images"].shape == (None, 2, 3, 3)
